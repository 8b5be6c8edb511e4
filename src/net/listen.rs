//! The TLS listener behind our HTTPS servers, and the self-signed certificate they use.
//!
//! A handshake is done beside the accept loop, never in it: a client that connects and then sends
//! nothing delays no other client. The crypto provider is always passed by hand, because a process-wide
//! default may be missing or another one than ours.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::domain::text::hex;

/// A listener for [`axum::serve()`] that yields connections whose TLS handshake is done.
///
/// A handshake may take [`HANDSHAKE_LIMIT`]; at most [`PARALLEL_HANDSHAKES`] run at once, and further
/// clients wait in the kernel's queue. A failed handshake is logged and forgotten.
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    handshakes: JoinSet<io::Result<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    /// Puts TLS in front of a bound TCP listener.
    pub fn new(tcp: TcpListener, config: Arc<ServerConfig>) -> Self {
        Self { tcp, acceptor: TlsAcceptor::from(config), handshakes: JoinSet::new() }
    }

    fn begin(&mut self, stream: TcpStream, peer: SocketAddr) {
        let acceptor = self.acceptor.clone();
        self.handshakes.spawn(async move {
            // Without this a small answer can wait 40 ms for an acknowledgement.
            stream.set_nodelay(true)?;
            let stream = tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream))
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            Ok((stream, peer))
        });
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let may_begin = self.handshakes.len() < PARALLEL_HANDSHAKES;
            tokio::select! {
                accepted = self.tcp.accept(), if may_begin => match accepted {
                    Ok((stream, peer)) => self.begin(stream, peer),
                    Err(error) => {
                        // Out of file handles, most likely; others must close some first.
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(finished) = self.handshakes.join_next() => match finished {
                    Ok(Ok(connection)) => return connection,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(error) => tracing::debug!(%error, "a TLS handshake was cut off"),
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

impl fmt::Debug for TlsListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsListener").field("tcp", &self.tcp).finish_non_exhaustive()
    }
}

/// A fresh certificate that vouches for itself, with its private key.
///
/// It is an end-entity certificate and no authority, since verifiers refuse an authority's certificate
/// in a server's place. The key never leaves the process.
pub struct SelfSigned {
    certificate: CertificateDer<'static>,
    pem: String,
    key: PrivatePkcs8KeyDer<'static>,
}

impl SelfSigned {
    /// Makes a certificate and key for `127.0.0.1` and `localhost`.
    ///
    /// # Errors
    /// When the key cannot be made or the certificate cannot be signed.
    pub fn loopback() -> Result<Self, ListenError> {
        Self::for_names(&["127.0.0.1", "localhost"])
    }

    /// Makes a certificate and key for these host names and addresses; the first is the subject.
    ///
    /// # Errors
    /// When a name is none, the key cannot be made or the certificate cannot be signed.
    pub fn for_names(names: &[&str]) -> Result<Self, ListenError> {
        let key = rcgen::KeyPair::generate().map_err(ListenError::Certificate)?;
        let subjects: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut made = rcgen::CertificateParams::new(subjects).map_err(ListenError::Certificate)?;
        made.distinguished_name = rcgen::DistinguishedName::new();
        let subject = names.first().copied().unwrap_or("localhost");
        made.distinguished_name.push(rcgen::DnType::CommonName, subject);
        // Some clients refuse the dates that rcgen sets, of which the last is in the year 4096.
        made.not_before = rcgen::date_time_ymd(2025, 1, 1);
        made.not_after = rcgen::date_time_ymd(2035, 1, 1);
        let certificate = made.self_signed(&key).map_err(ListenError::Certificate)?;
        Ok(Self {
            certificate: certificate.der().clone(),
            pem: certificate.pem(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()),
        })
    }

    /// Returns the certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// Returns the certificate in PEM, fit for a CA file.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns the SHA-256 of the DER certificate, as 64 lower-case hexadecimal digits.
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(&self.certificate))
    }

    /// Returns a server configuration for TLS 1.2 and 1.3 that shows this certificate.
    ///
    /// # Errors
    /// When rustls refuses the key.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, ListenError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(ListenError::Tls)?
            .with_no_client_auth()
            .with_single_cert(
                vec![self.certificate.clone()],
                PrivateKeyDer::Pkcs8(self.key.clone_key()),
            )
            .map_err(ListenError::Tls)?;
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfSigned").field("sha256", &self.sha256()).finish_non_exhaustive()
    }
}

/// Why a TLS server cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// No key or certificate could be made.
    #[error("cannot make a self-signed certificate")]
    Certificate(#[source] rcgen::Error),
    /// The TLS library refused the certificate or its key.
    #[error("cannot set up the TLS server")]
    Tls(#[source] rustls::Error),
}

/// The longest time that a client may take for its TLS handshake.
pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
pub const PARALLEL_HANDSHAKES: usize = 256;
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use axum::serve::Listener as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn client(
        identity: &SelfSigned,
        address: SocketAddr,
    ) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(identity.der().to_vec())).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
        let stream = TcpStream::connect(address).await?;
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    #[tokio::test]
    async fn a_silent_client_holds_up_nobody() {
        let identity = SelfSigned::loopback().unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let mut listener = TlsListener::new(tcp, identity.server_config().unwrap());
        let silent = TcpStream::connect(address).await.unwrap();
        let (mut served, asked) = tokio::join!(listener.accept(), client(&identity, address));
        served.0.write_all(b"hello").await.unwrap();
        served.0.shutdown().await.unwrap();
        let mut answer = String::new();
        asked.unwrap().read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "hello");
        drop(silent);
    }

    #[test]
    fn a_certificate_tells_its_fingerprint_and_hides_its_key() {
        let identity = SelfSigned::loopback().unwrap();
        assert_eq!(identity.sha256().len(), 64);
        assert!(identity.pem().starts_with("-----BEGIN CERTIFICATE-----"));
        assert_eq!(
            format!("{identity:?}"),
            format!("SelfSigned {{ sha256: {:?}, .. }}", identity.sha256())
        );
        assert_ne!(identity.sha256(), SelfSigned::loopback().unwrap().sha256());
    }
}
