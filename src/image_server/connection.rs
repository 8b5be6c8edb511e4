//! Serves one connection from its first byte to the proof of what its client has got.

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use crate::event::{Download, Event};
use crate::image_server::admission::Admitted;
use crate::image_server::delivery_proof::CountingStream;
use crate::image_server::exchange_log::{Asked, Exchange, ExchangeLog};
use crate::image_server::outcome::CloseReason;
use crate::image_server::published::{Fetch, UnknownRequest};
use crate::image_server::response::answer;
use crate::image_server::shared::Shared;
use crate::image_server::stream::Stream;

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
    let stream = match &shared.tls {
        None => Stream::Plain(stream),
        Some(config) => {
            let shake = TlsAcceptor::from(Arc::clone(config)).accept(stream);
            match timeout(shared.limits.header, shake).await {
                Ok(Ok(stream)) => Stream::Tls(Box::new(stream)),
                Ok(Err(error)) => {
                    // Phones that do not trust the certificate end here, so somebody should be able to see it.
                    tracing::warn!(%peer, %error, "a TLS handshake with the image server failed");
                    return;
                }
                Err(_) => return,
            }
        }
    };
    let log = Arc::new(ExchangeLog::default());
    let (exchange, ending) = converse(stream, &shared, &log, admitted).await;
    match exchange {
        Some(exchange) => record(&shared, exchange, peer, ending),
        None => tracing::debug!(%peer, "a connection to the image server carried no request"),
    }
}

/// Answers the request of a connection; returns both, and how the connection ended.
async fn converse(
    stream: Stream,
    shared: &Arc<Shared>,
    log: &Arc<ExchangeLog>,
    admitted: &Admitted,
) -> (Option<Exchange>, CloseReason) {
    let limits = &shared.limits;
    let service = service_fn(|request: Request<Incoming>| {
        let (response, exchange) = answer(&shared.table, &request);
        if matches!(exchange.asked, Asked::Published { head_only: false, .. }) {
            admitted.transfers();
        }
        log.answered(exchange);
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(LONGEST_HEADER)
        .keep_alive(false)
        // A client may close its sending side once it has asked; that alone is no reason to stop.
        .half_close(true)
        // Header names have no case, but an old embedded client may know the usual spelling only.
        .title_case_headers(true)
        .serve_connection(TokioIo::new(CountingStream::new(stream, Arc::clone(log))), service);
    let mut alarm = pin!(sleep_until(Instant::now()));
    let stopped = poll_fn(|cx| {
        if let Poll::Ready(ended) = connection.poll_without_shutdown(cx) {
            return Poll::Ready(Some(ended));
        }
        // What was just answered or sent has moved the limit.
        while let Some(deadline) = log.deadline(limits) {
            alarm.as_mut().reset(deadline);
            ready!(alarm.as_mut().poll(cx));
            if log.deadline(limits).is_some_and(|deadline| deadline <= Instant::now()) {
                return Poll::Ready(None);
            }
        }
        Poll::Pending
    });
    let stopped = stopped.await;
    let stream = connection.into_parts().io.into_inner();
    let exchange = log.take();
    let ending = match (stopped, &exchange) {
        (None, _) => CloseReason::TooSlow,
        (Some(Ok(())), Some(exchange)) if exchange.is_sent() => match exchange.asked {
            Asked::Published { .. } => stream.farewell(limits.farewell).await,
            // Nothing is to be proven.
            Asked::Stray { .. } => stream.farewell(LAST_WORD).await,
        },
        // The client sent what is no HTTP: let it read what it is told about that.
        (Some(Err(error)), None) if error.is_parse() => stream.farewell(LAST_WORD).await,
        (Some(Ok(()) | Err(_)), _) => CloseReason::Reset,
    };
    (exchange, ending)
}

fn record(shared: &Shared, exchange: Exchange, peer: SocketAddr, ending: CloseReason) {
    let Exchange { asked, status, sent: bytes, at, started, .. } = exchange;
    let took = started.elapsed();
    let (watcher, download) = match asked {
        Asked::Published { hit, head_only } => {
            let (device, which, length) = (hit.device, hit.which, hit.content.len() as u64);
            tracing::debug!(?device, ?which, %peer, status, bytes, ?ending, "image server");
            let fetch = Fetch {
                token: hit.token,
                device: device.clone(),
                file: Arc::clone(&hit.file),
                which,
                peer,
                head_only,
                status,
                bytes,
                length,
                ending,
                at,
                took,
            };
            let complete = fetch.complete();
            shared.table.record(fetch);
            let file = if device.is_some() { which.as_str().into() } else { hit.file };
            (hit.watcher, (device, file.to_string(), length, complete, head_only))
        }
        Asked::Stray { path } => {
            tracing::debug!(%peer, path, status, "image server");
            let count =
                shared.table.record_stray(UnknownRequest { peer, path: path.clone(), status });
            if count > MOST_STRAYS_TOLD {
                return;
            }
            (shared.strays.clone(), (None, path, 0, false, false))
        }
    };
    let (phone, file, length, complete, head_only) = download;
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    watcher.0.observe(&Event::Downloaded(Box::new(Download {
        phone,
        file,
        peer,
        head_only,
        status,
        bytes,
        length,
        complete,
        at,
        duration_ms,
    })));
}

/// Requests for what is not published that are told: a scanner must not fill the journal.
const MOST_STRAYS_TOLD: u64 = 1_000;

/// How long a client that gets no file may take to read what it is told about that.
const LAST_WORD: Duration = Duration::from_secs(1);

/// Longest request header, in bytes; phones send a few hundred.
const LONGEST_HEADER: usize = 16 * 1024;
