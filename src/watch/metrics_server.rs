//! Serves the metrics of watches over HTTP.
//!
//! It answers `GET /metrics` and nothing else. Slow and excess clients are cut off, so that a scrape never holds up a watch.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::error::{AppError, ErrorKind};
use crate::watch::metrics::{self, WatchMetrics};

/// The server, until it is dropped.
#[derive(Debug)]
pub struct MetricsServer {
    address: SocketAddr,
    _accept: JoinSet<()>,
}

impl MetricsServer {
    /// Listens on an address. Port 0 is any free one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(address: SocketAddr, metrics: Arc<WatchMetrics>) -> Result<Self, AppError> {
        let listener = TcpListener::bind(address).await.map_err(|error| refused(address, error))?;
        let address = listener.local_addr().map_err(|error| refused(address, error))?;
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, metrics));
        Ok(Self { address, _accept: tasks })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn refused(address: SocketAddr, error: io::Error) -> AppError {
    let hint = if error.kind() == io::ErrorKind::AddrInUse {
        "another program listens on the port, maybe another watch; name another port with --metrics"
    } else {
        "name an address of this machine and a port above 1023 with --metrics, such as 127.0.0.1:9464"
    };
    AppError::from_error(ErrorKind::Failed, error)
        .context(format!("cannot serve metrics on {address}"))
        .hint(hint)
}

async fn accept(listener: TcpListener, metrics: Arc<WatchMetrics>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // Further clients wait in the queue of the system. The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, peer)) => {
                let metrics = Arc::clone(&metrics);
                connections.spawn(async move {
                    let served = timeout(LONGEST_CONNECTION, serve(stream, &metrics)).await;
                    if let Ok(Err(error)) = served {
                        tracing::debug!(%peer, %error, "a request for metrics was not answered");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file handles, most likely; others must close some first.
                tracing::warn!(%error, "cannot accept a connection for metrics");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, metrics: &WatchMetrics) -> Result<(), hyper::Error> {
    let service = service_fn(async |request| Ok::<_, Infallible>(answer(&request, metrics)));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LONGEST_HEADER)
        // A client that is idle would keep its place from others.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

fn answer<T>(request: &Request<T>, metrics: &WatchMetrics) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "metrics are at /metrics\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    match metrics.text() {
        Ok(text) => with_type(StatusCode::OK, text, metrics::CONTENT_TYPE),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    with_type(status, text, "text/plain; charset=utf-8")
}

fn with_type(
    status: StatusCode,
    text: impl Into<Bytes>,
    content_type: &'static str,
) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// Connections that are served at once.
const CONNECTIONS: usize = 16;

/// How long a client may take for the header of its request.
const HEADER_LIMIT: Duration = Duration::from_secs(5);

/// How long a client may take altogether.
const LONGEST_CONNECTION: Duration = Duration::from_secs(15);

const MOST_HEADERS: usize = 64;

/// The bytes of a header.
const LONGEST_HEADER: usize = 16 * 1024;

const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
