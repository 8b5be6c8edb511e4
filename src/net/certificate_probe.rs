//! Looks at the certificate that a server shows, without believing it and without sending anything.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{ActiveKeyExchange, CryptoProvider, SupportedKxGroup};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, NamedGroup, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::domain::text::quoted;
use crate::net::endpoint::Endpoint;
use crate::net::fingerprint::Fingerprint;
use crate::net::provider::provider;
use crate::net::tls_problem::TlsProblem;
use crate::net::trust::Trust;
use crate::net::unsupported_certificate::UnsupportedCertificate;

/// Why a server could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum PeekError {
    #[error("cannot connect to {endpoint}")]
    Connect {
        endpoint: Endpoint,
        #[source]
        source: io::Error,
    },
    /// Nothing came in time.
    #[error("{endpoint} did not answer within {} s", after.as_secs())]
    Timeout { endpoint: Endpoint, after: Duration },
    /// The handshake failed before a certificate was seen.
    #[error("no TLS with {endpoint}: {problem}")]
    Tls { endpoint: Endpoint, problem: TlsProblem },
    /// The host's name cannot be used in a handshake.
    #[error("{} is no host name that TLS knows", quoted(.0))]
    Name(String),
}

impl PeekError {
    /// Returns what is wrong with TLS, where that is what failed.
    pub fn tls_problem(&self) -> Option<&TlsProblem> {
        match self {
            Self::Tls { problem, .. } => Some(problem),
            Self::Connect { .. } | Self::Timeout { .. } | Self::Name(_) => None,
        }
    }
}

/// Returns the certificates that the server shows, its own first. The handshake is broken off as soon as
/// they are there, so nothing else is ever sent.
pub async fn certificates(
    endpoint: &Endpoint,
    limit: Duration,
) -> Result<Vec<CertificateDer<'static>>, PeekError> {
    match shown_by(endpoint, provider(), rustls::ALL_VERSIONS, OLD_SCHEMES, limit).await {
        // A server with several certificates shows one that can be used above; one that has no such certificate
        // ends the handshake unless its kind of key is offered.
        Err(PeekError::Tls { endpoint, problem: TlsProblem::OldTls }) => {
            let offered = OFFERED_GROUPS.iter().map(|group| group as &'static dyn SupportedKxGroup);
            let every_kind = Arc::new(CryptoProvider {
                kx_groups: provider().kx_groups.iter().copied().chain(offered).collect(),
                ..CryptoProvider::clone(&provider())
            });
            // TLS 1.3 has no signatures with some of the curves, so the server is asked for TLS 1.2 alone at last.
            for versions in [rustls::ALL_VERSIONS, &[&rustls::version::TLS12]] {
                let provider = Arc::clone(&every_kind);
                let more_schemes = UNSUPPORTED_SCHEMES;
                let seen = shown_by(&endpoint, provider, versions, more_schemes, limit).await;
                if seen.is_ok() {
                    return seen;
                }
            }
            Err(PeekError::Tls { endpoint, problem: TlsProblem::OldTls })
        }
        shown => shown,
    }
}

/// Finds out whether a handshake that ended for want of something in common failed because of the server's
/// certificate. Any other problem is returned as it is.
pub async fn explain(endpoint: &Endpoint, problem: TlsProblem, limit: Duration) -> TlsProblem {
    if problem != TlsProblem::OldTls {
        return problem;
    }
    let Ok(chain) = certificates(endpoint, limit).await else { return problem };
    let own = chain.first();
    own.and_then(|own| {
        let why = UnsupportedCertificate::of(own)?;
        Some(TlsProblem::Unsupported { fingerprint: Fingerprint::of(own), why })
    })
    .unwrap_or(problem)
}

async fn shown_by(
    endpoint: &Endpoint,
    provider: Arc<CryptoProvider>,
    versions: &[&'static SupportedProtocolVersion],
    more_schemes: &'static [SignatureScheme],
    limit: Duration,
) -> Result<Vec<CertificateDer<'static>>, PeekError> {
    let seen = Arc::new(CapturingVerifier { seen: Mutex::default(), more_schemes });
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| tls(endpoint, &error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::<CapturingVerifier>::clone(&seen))
        .with_no_client_auth();
    let broken_off = handshake(endpoint, Arc::new(config), limit).await;
    let chain = std::mem::take(&mut *seen.seen.lock().unwrap_or_else(PoisonError::into_inner));
    match broken_off {
        _ if !chain.is_empty() => Ok(chain),
        Err(error) => Err(error),
        // A handshake cannot end well without a certificate; rustls would have to change for that.
        Ok(()) => Err(tls(endpoint, &Error::NoCertificatesPresented)),
    }
}

/// Tells whether a server is trusted, by a whole handshake after which nothing is sent.
///
/// # Errors
/// When the server cannot be reached, or is not trusted.
pub async fn check(endpoint: &Endpoint, trust: &Trust, limit: Duration) -> Result<(), PeekError> {
    let config = trust.client_config().map_err(|error| PeekError::Tls {
        endpoint: endpoint.clone(),
        problem: TlsProblem::Other(error.to_string()),
    })?;
    match handshake(endpoint, config, limit).await {
        Err(PeekError::Tls { endpoint, problem }) => {
            let problem = explain(&endpoint, problem, limit).await;
            Err(PeekError::Tls { endpoint, problem })
        }
        checked => checked,
    }
}

async fn handshake(
    endpoint: &Endpoint,
    config: Arc<ClientConfig>,
    limit: Duration,
) -> Result<(), PeekError> {
    let name = ServerName::try_from(endpoint.host().to_owned())
        .map_err(|_| PeekError::Name(endpoint.host().to_owned()))?;
    let connect = async {
        let stream = TcpStream::connect((endpoint.host(), endpoint.port())).await;
        let stream =
            stream.map_err(|source| PeekError::Connect { endpoint: endpoint.clone(), source })?;
        match TlsConnector::from(config).connect(name, stream).await {
            Ok(_) => Ok(()),
            Err(error) => Err(tls(endpoint, &error)),
        }
    };
    timeout(limit, connect)
        .await
        .unwrap_or_else(|_| Err(PeekError::Timeout { endpoint: endpoint.clone(), after: limit }))
}

fn tls(endpoint: &Endpoint, error: &(dyn std::error::Error + 'static)) -> PeekError {
    let problem = TlsProblem::find(error).unwrap_or_else(|| match error.downcast_ref() {
        Some(error) => TlsProblem::of_io(error),
        None => TlsProblem::Other(error.to_string()),
    });
    PeekError::Tls { endpoint: endpoint.clone(), problem }
}

/// Keeps what it is shown and believes nothing.
#[derive(Debug)]
struct CapturingVerifier {
    seen: Mutex<Vec<CertificateDer<'static>>>,
    /// Kinds of signatures to offer besides those that can be verified.
    more_schemes: &'static [SignatureScheme],
}

impl ServerCertVerifier for CapturingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).take(MOST_CERTIFICATES);
        let chain = chain.map(|certificate| certificate.clone().into_owned()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        Err(Error::General("only looked at".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only looked at".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only looked at".to_owned()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = provider().signature_verification_algorithms.supported_schemes();
        schemes.extend(self.more_schemes);
        schemes
    }
}

/// A curve that is offered so that a server shows its certificate, and never used.
#[derive(Debug)]
struct OfferedGroup(NamedGroup);

impl SupportedKxGroup for OfferedGroup {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Err(Error::General("only looked at".to_owned()))
    }

    fn name(&self) -> NamedGroup {
        self.0
    }
}

/// P-521, secp256k1, and the Brainpool curves with 256, 384 and 512 bits (RFC 8422, RFC 7027, RFC 8734).
const OFFERED_GROUPS: &[OfferedGroup] = &[
    OfferedGroup(NamedGroup::secp521r1),
    OfferedGroup(NamedGroup::Unknown(0x16)),
    OfferedGroup(NamedGroup::Unknown(0x1a)),
    OfferedGroup(NamedGroup::Unknown(0x1b)),
    OfferedGroup(NamedGroup::Unknown(0x1c)),
    OfferedGroup(NamedGroup::Unknown(0x1f)),
    OfferedGroup(NamedGroup::Unknown(0x20)),
    OfferedGroup(NamedGroup::Unknown(0x21)),
];

/// Signatures that are too old to be accepted; a certificate signed so is shown all the same.
const OLD_SCHEMES: &[SignatureScheme] = &[SignatureScheme::RSA_PKCS1_SHA1];

/// Signatures of keys that axlpaper cannot use: with P-521, Ed448, RSASSA-PSS and Brainpool keys.
const UNSUPPORTED_SCHEMES: &[SignatureScheme] = &[
    SignatureScheme::RSA_PKCS1_SHA1,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::ED448,
    SignatureScheme::Unknown(0x0809),
    SignatureScheme::Unknown(0x080a),
    SignatureScheme::Unknown(0x080b),
    SignatureScheme::Unknown(0x081a),
    SignatureScheme::Unknown(0x081b),
    SignatureScheme::Unknown(0x081c),
];

/// A server that shows more than this has no honest reason to.
const MOST_CERTIFICATES: usize = 16;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;
    use crate::net::listen::{SelfSigned, TlsListener};

    const LIMIT: Duration = Duration::from_secs(5);

    /// A server that answers the first bytes with these, and returns what it was sent.
    async fn raw(answer: &'static [u8]) -> (Endpoint, JoinSet<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut seen = JoinSet::new();
        seen.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut all = vec![0; 4096];
            let count = stream.read(&mut all).await.unwrap();
            all.truncate(count);
            stream.write_all(answer).await.unwrap();
            stream.flush().await.unwrap();
            if !answer.is_empty() {
                // Whatever comes afterwards is seen too.
                drop(stream.read_to_end(&mut all).await);
            }
            all
        });
        (Endpoint::parse(&address, 8443).unwrap(), seen)
    }

    fn problem(error: PeekError) -> TlsProblem {
        match error {
            PeekError::Tls { problem, .. } => problem,
            PeekError::Connect { .. } | PeekError::Timeout { .. } | PeekError::Name(_) => {
                panic!("{error}")
            }
        }
    }

    #[tokio::test]
    async fn the_certificate_is_seen_and_nothing_is_sent() {
        let identity = SelfSigned::loopback().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut listener = TlsListener::new(listener, identity.server_config().unwrap());
        let mut served = JoinSet::new();
        served.spawn(async move {
            use axum::serve::Listener as _;
            // No handshake completes, so no client is accepted.
            timeout(Duration::from_millis(500), listener.accept()).await.is_err()
        });
        let endpoint = Endpoint::parse(&address, 8443).unwrap();
        let chain = certificates(&endpoint, LIMIT).await.unwrap();
        assert_eq!(chain.len(), 1);
        assert_eq!(chain[0].as_ref(), identity.der());
        let pinned = Trust::pinned(Fingerprint::of(b"another"));
        let refused = problem(check(&endpoint, &pinned, LIMIT).await.unwrap_err());
        assert!(matches!(refused, TlsProblem::PinMismatch { .. }), "{refused}");
        assert!(served.join_next().await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn rare_curves_are_offered_only_to_a_server_that_refuses_the_usual_ones() {
        const HANDSHAKE_FAILURE: &[u8] = &[0x15, 3, 3, 0, 2, 2, 40];
        const CURVES: &[u8] = &[0, 0x16, 0, 0x1a, 0, 0x1b, 0, 0x1c];
        const TLS_1_3: &[u8] = &[3, 4, 3, 3];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut seen = JoinSet::new();
        seen.spawn(async move {
            let mut hellos = Vec::new();
            for _ in 0..3 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut hello = vec![0; 4096];
                let count = stream.read(&mut hello).await.unwrap();
                hello.truncate(count);
                stream.write_all(HANDSHAKE_FAILURE).await.unwrap();
                let holds = |part: &[u8]| hello.windows(part.len()).any(|bytes| bytes == part);
                hellos.push((holds(CURVES), holds(TLS_1_3)));
            }
            hellos
        });
        let endpoint = Endpoint::parse(&address, 8443).unwrap();
        let told = problem(certificates(&endpoint, LIMIT).await.unwrap_err());
        assert_eq!(told, TlsProblem::OldTls);
        let hellos = seen.join_next().await.unwrap().unwrap();
        assert_eq!(hellos, [(false, true), (true, true), (true, false)]);
    }

    #[tokio::test]
    async fn old_tls_is_called_by_its_name() {
        // Alerts (protocol_version, handshake_failure, insufficient_security), and a hello of TLS 1.0.
        const HELLO_1_0: &[u8] = &[
            0x16, 3, 1, 0, 0x2a, 2, 0, 0, 0x26, 3, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
            14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 0, 0, 0x2f,
            0,
        ];
        const ALERTS: [&[u8]; 3] =
            [&[0x15, 3, 1, 0, 2, 2, 70], &[0x15, 3, 1, 0, 2, 2, 40], &[0x15, 3, 3, 0, 2, 2, 71]];
        for answer in ALERTS.into_iter().chain([HELLO_1_0]) {
            let (endpoint, mut seen) = raw(answer).await;
            let told = problem(certificates(&endpoint, LIMIT).await.unwrap_err());
            assert_eq!(told, TlsProblem::OldTls, "{answer:?}");
            assert!(
                told.to_string().contains("11.5(1)SU3")
                    && told.to_string().contains("set tls min-version")
            );
            let seen = seen.join_next().await.unwrap().unwrap();
            assert_eq!(seen.first(), Some(&0x16), "only a hello was sent");
            assert!(!seen.windows(5).any(|part| part == b"HTTP/" || part == b"Basic"));
        }
    }

    #[tokio::test]
    async fn what_is_no_tls_is_told() {
        let (endpoint, _seen) = raw(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        assert_eq!(problem(certificates(&endpoint, LIMIT).await.unwrap_err()), TlsProblem::NotTls);
        let (endpoint, _seen) = raw(b"").await;
        let told = problem(certificates(&endpoint, LIMIT).await.unwrap_err()).to_string();
        assert!(told.contains("closed the connection"), "{told}");
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::parse(&listener.local_addr().unwrap().to_string(), 1).unwrap();
        let error = certificates(&endpoint, Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error, PeekError::Timeout { .. }), "{error}");
    }
}
