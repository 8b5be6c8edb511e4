//! Requests to the image server, over a real connection.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use axlpaper::image_server::{HostConfig, HostLimits, ImageHost};
use bytes::Bytes;
use tokio::runtime::Runtime;

/// What is published: no answer to anything else may hold it.
const CONTENT: &[u8] = b"published-content-that-needs-its-address";

/// Stands in inputs for the path at which the content is published.
const PLACE: &[u8] = b"/PATH";

struct Server {
    host: ImageHost,
    path: String,
    /// The server's tasks end with it.
    _runtime: Runtime,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let short = Duration::from_millis(500);
        let limits = HostLimits { header: short, confirmation: short, ..HostLimits::default() };
        let config = HostConfig {
            listen: SocketAddr::new(loopback, 0),
            advertise: None,
            phone_side_ip: Some(loopback),
            limits,
            tls: None,
        };
        let host = {
            let _inside = runtime.enter();
            ImageHost::start(config).expect("a free port")
        };
        let content = Bytes::from_static(CONTENT);
        let (_, url) = host.publish_file("a.png", content, "image/png").expect("random bits");
        let path = url.splitn(4, '/').nth(3).expect("a URL with a path");
        let path = format!("/{path}");
        Server { host, path, _runtime: runtime }
    })
}

/// Any bytes: every answer is an HTTP answer, and only the unguessable address leads to the content.
pub fn image_request(data: &[u8]) {
    let server = server();
    let mut request = Vec::with_capacity(data.len() + 64);
    let (mut rest, mut has_path) = (data, false);
    while let Some(at) = rest.windows(PLACE.len()).position(|part| part == PLACE) {
        request.extend_from_slice(&rest[..at]);
        request.extend_from_slice(server.path.as_bytes());
        rest = &rest[at + PLACE.len()..];
        has_path = true;
    }
    request.extend_from_slice(rest);
    let answer = exchange(server.host.address(), &request);
    if answer.is_empty() {
        return;
    }
    assert!(answer.starts_with(b"HTTP/1."), "{answer:?}");
    let status = answer.get(9..12).unwrap_or_default();
    assert!(matches!(status, [b'2' | b'4', ..] | b"304" | b"301" | b"505" | b"501"), "{answer:?}");
    if !has_path {
        let leaked = answer.windows(CONTENT.len()).any(|part| part == CONTENT);
        assert!(!leaked, "the content was sent without its address");
    }
}

/// Sends the bytes, and reads until the server closes its side.
fn exchange(server: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    let Ok(mut stream) = TcpStream::connect(server) else { return answer };
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time above zero");
    // The server may have closed the connection in the middle of either.
    let _sent = stream.write_all(request);
    let _closed = stream.shutdown(Shutdown::Write);
    if let Err(error) = stream.read_to_end(&mut answer) {
        let kind = error.kind();
        assert!(
            !matches!(kind, std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
            "the server keeps a connection open whose client has ended"
        );
    }
    answer
}
