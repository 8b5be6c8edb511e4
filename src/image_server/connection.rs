//! Serves one connection from its first byte to the proof of what its client has got.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use hyper::StatusCode;
use jiff::Timestamp;
use rustls::ServerConfig;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::either::Either;

use crate::event::{Download, Event};
use crate::image_server::HostLimits;
use crate::image_server::admission::Admitted;
use crate::image_server::delivery_proof::{CloseReason, Stream, close_and_confirm, send};
use crate::image_server::exchange::{Answer, Asked, LONGEST_HEADER, Request, head};
use crate::image_server::published::{Table, Watcher};

/// The state that the connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: HostLimits,
    pub(crate) table: Table,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// Observes requests for what is not published: no run is known for them, so it is the observer of the run that started
    /// the server.
    pub(crate) unknown: Watcher,
    pub(crate) unknown_requests: AtomicU64,
}

pub(crate) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    admitted: &Admitted,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "a connection was gone before it was served");
        return;
    }
    let limits = &shared.limits;
    let mut stream = match &shared.tls {
        None => Either::Left(stream),
        Some(config) => {
            let shake = TlsAcceptor::from(Arc::clone(config)).accept(stream);
            match timeout(limits.header, shake).await {
                Ok(Ok(stream)) => Either::Right(Box::new(stream)),
                Ok(Err(error)) => {
                    // Phones that do not trust the certificate end here, so it must be visible.
                    tracing::warn!(%peer, %error, "a TLS handshake with the image server failed");
                    return;
                }
                Err(_) => return,
            }
        }
    };
    match timeout(limits.header, read_request(&mut stream)).await {
        Ok(Some(Ok(request))) => exchange(stream, peer, &shared, admitted, &request).await,
        Ok(Some(Err(status))) => {
            let head = head(1, status, 0, "", Timestamp::now());
            if let (_, Ok(())) = send(&mut stream, head.as_bytes(), &[], limits).await {
                // Lets the client read it.
                close_and_confirm(&mut stream, LAST_WORD).await;
            }
        }
        Ok(None) | Err(_) => {
            tracing::debug!(%peer, "a connection to the image server carried no request");
        }
    }
}

/// Reads the request of a connection, or the status that refuses it; nothing when the connection ends before.
async fn read_request(stream: &mut Stream) -> Option<Result<Request, StatusCode>> {
    let mut read = BytesMut::with_capacity(LONGEST_HEADER);
    loop {
        match stream.read_buf(&mut read).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return None,
        }
        if let Some(request) = Request::parse(&read).transpose() {
            return Some(request);
        }
    }
}

/// Answers the request of a connection, and records what its client has got.
async fn exchange(
    mut stream: Stream,
    peer: SocketAddr,
    shared: &Shared,
    admitted: &Admitted,
    request: &Request,
) {
    let (at, started) = (Timestamp::now(), Instant::now());
    let Answer { asked, status, head, body } = Answer::of(&shared.table, request, at);
    let (limits, file_sent) = (&shared.limits, !body.is_empty());
    if file_sent {
        admitted.transfers();
    }
    let (bytes, result) = send(&mut stream, head.as_bytes(), &body, limits).await;
    let reason = match result {
        Ok(()) if matches!(asked, Asked::Published { .. }) => {
            close_and_confirm(&mut stream, limits.confirmation).await
        }
        // Nothing is to be proven.
        Ok(()) => close_and_confirm(&mut stream, LAST_WORD).await,
        Err(reason) => reason,
    };
    tracing::debug!(%peer, ?asked, %status, bytes, ?reason, "image server");
    let took = started.elapsed();
    let mut download = Download {
        phone: None,
        file: String::new(),
        peer,
        head_only: false,
        status: status.as_u16(),
        bytes,
        length: 0,
        complete: false,
        at,
        duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    };
    let watcher = match asked {
        Asked::Published { hit, head_only } => {
            download.length = hit.content.len() as u64;
            download.head_only = head_only;
            download.complete = !head_only
                && status == StatusCode::OK
                && reason == CloseReason::Complete
                && bytes == download.length;
            download.file =
                hit.device.as_ref().map_or(&*hit.file, |_| hit.which.as_str()).to_owned();
            download.phone = hit.device;
            shared.table.record(&hit.token, hit.which, &download);
            hit.watcher
        }
        Asked::Unknown { path } => {
            if shared.unknown_requests.fetch_add(1, Ordering::Relaxed) >= MOST_UNKNOWN_RECORDED {
                return;
            }
            download.file = path;
            shared.unknown.clone()
        }
    };
    watcher.observer.observe(&Event::Downloaded(Box::new(download)));
}

/// Requests for what is not published that become events: a scanner must not fill the journal.
const MOST_UNKNOWN_RECORDED: u64 = 1_000;

/// How long a client that gets no file may take to read the answer.
const LAST_WORD: Duration = Duration::from_secs(1);
