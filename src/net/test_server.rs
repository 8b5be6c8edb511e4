//! A small HTTPS server for tests, which answers exactly the bytes that a test wants.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::client::{ClusterHttp, ClusterLimits};
use super::endpoint::Endpoint;
use super::fingerprint::Fingerprint;
use super::provider::provider;
use super::trust::Trust;

/// A server on a free port of 127.0.0.1; it stops when it is dropped.
pub(crate) struct TestServer {
    pub(crate) endpoint: Endpoint,
    pub(crate) identity: Identity,
    seen: Arc<Seen>,
    _tasks: JoinSet<()>,
}

pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Identity {
    /// Makes a self-signed certificate after the caller's wishes.
    pub(crate) fn made(names: &[&str], adjust: impl FnOnce(&mut CertificateParams)) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        adjust(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { certificate, key: key.serialize_der() }
    }

    /// Shows the certificate of this identity with the key of another one, as a thief would.
    pub(crate) fn with_key_of(self, other: Self) -> Self {
        Self { key: other.key, ..self }
    }

    /// Whether key and certificate belong together is not checked.
    fn resolver(&self) -> SingleCertAndKey {
        let key = PrivateKeyDer::Pkcs8(self.key.clone().into());
        let key = provider().key_provider.load_private_key(key).unwrap();
        SingleCertAndKey::from(CertifiedKey::new(vec![self.certificate.clone()], key))
    }

    /// A certificate like the one that CUCM makes for itself: its own authority.
    pub(crate) fn own_authority(names: &[&str]) -> Self {
        Self::made(names, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))
    }
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<Request>>,
    /// How many decrypted bytes came.
    bytes: AtomicUsize,
    handshakes: AtomicUsize,
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    head: String,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn has_password(&self) -> bool {
        self.header("authorization").is_some()
    }

    pub(crate) fn has_cookie(&self) -> bool {
        self.header("cookie").is_some()
    }
}

#[derive(Clone)]
pub(crate) struct Reply {
    bytes: Vec<u8>,
    close: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, body: &str) -> Self {
        Self::with(status, &[], body)
    }

    pub(crate) fn with(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let mut head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        Self { bytes: format!("{head}\r\n{body}").into_bytes(), close: false }
    }

    /// Sends only the first bytes and closes the connection.
    pub(crate) fn cut_by(mut self, missing: usize) -> Self {
        self.bytes.truncate(self.bytes.len() - missing);
        self.close = true;
        self
    }

    pub(crate) fn nothing() -> Self {
        Self { bytes: Vec::new(), close: true }
    }
}

impl TestServer {
    /// Starts a server; `respond` is called with every request and its number, from 0.
    pub(crate) async fn start(
        identity: Identity,
        respond: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(identity.resolver()));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let seen = Arc::new(Seen::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, acceptor, Arc::clone(&seen), Arc::new(respond)));
        let endpoint = Endpoint::parse("127.0.0.1", port).unwrap();
        Self { endpoint, identity, seen, _tasks: tasks }
    }

    /// Starts a server with a usual certificate.
    pub(crate) async fn usual(
        respond: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(Identity::made(&["127.0.0.1"], |_| ()), respond).await
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.requests.lock().unwrap().clone()
    }

    pub(crate) fn decrypted_bytes(&self) -> usize {
        self.seen.bytes.load(Ordering::SeqCst)
    }

    pub(crate) fn handshakes(&self) -> usize {
        self.seen.handshakes.load(Ordering::SeqCst)
    }

    /// Builds a client that trusts exactly this server.
    pub(crate) fn http(&self) -> ClusterHttp {
        let trust = Trust::pinned(Fingerprint::of(&self.identity.certificate));
        ClusterHttp::new(&trust, ClusterLimits::default()).unwrap()
    }
}

type Responder = dyn Fn(&Request, usize) -> Reply + Send + Sync;

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    seen: Arc<Seen>,
    respond: Arc<Responder>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, seen, respond) = (acceptor.clone(), Arc::clone(&seen), Arc::clone(&respond));
        connections.spawn(async move { serve(stream, acceptor, &seen, &*respond).await });
    }
}

/// Serves one connection until one of the two sides has enough.
async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    seen: &Seen,
    respond: &Responder,
) -> Option<()> {
    let mut stream = acceptor.accept(stream).await.ok()?;
    seen.handshakes.fetch_add(1, Ordering::SeqCst);
    let mut buffer = Vec::new();
    loop {
        let head_end = loop {
            if let Some(end) = find(&buffer, b"\r\n\r\n") {
                break end + 4;
            }
            read_more(&mut stream, &mut buffer, seen).await?;
        };
        let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
        let mut request = Request { head, body: String::new() };
        let length: usize = request.header("content-length").unwrap_or("0").parse().ok()?;
        while buffer.len() < head_end + length {
            read_more(&mut stream, &mut buffer, seen).await?;
        }
        request.body = String::from_utf8_lossy(&buffer[head_end..head_end + length]).into_owned();
        buffer.drain(..head_end + length);
        let number = {
            let mut requests = seen.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let reply = respond(&request, number);
        stream.write_all(&reply.bytes).await.ok()?;
        stream.flush().await.ok()?;
        if reply.close {
            stream.shutdown().await.ok();
            return None;
        }
    }
}

async fn read_more(
    stream: &mut tokio_rustls::server::TlsStream<TcpStream>,
    buffer: &mut Vec<u8>,
    seen: &Seen,
) -> Option<()> {
    let count = stream.read_buf(buffer).await.ok()?;
    seen.bytes.fetch_add(count, Ordering::SeqCst);
    (count > 0).then_some(())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
