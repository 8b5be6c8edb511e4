//! Distinguishes a complete download from one that only looks like it.
//!
//! A write that succeeded has filled a buffer of this machine's kernel, no more. A download counts
//! as complete only when every byte was written, the client then closed its own side in good order,
//! and its system acknowledged everything up to our own end of the stream. A client that goes away
//! early answers the rest with a reset, and a client that vanishes with nothing.

use std::io;
use std::time::Duration;

use bytes::Buf;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use crate::image_server::HostLimits;

/// A client's connection; the TLS handshake, where there is one, is done.
pub(crate) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// How an exchange with a client ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CloseReason {
    /// Everything was sent and acknowledged, and the client closed in good order.
    Complete,
    Reset,
    /// The client was too slow to take the answer.
    TooSlow,
    /// Everything was sent, but the client did not close within its time, so nothing is proven.
    Unconfirmed,
}

/// Sends an answer, and returns how many bytes of its body the system took.
///
/// # Errors
/// Why the rest of the answer was not sent, beside that number.
pub(crate) async fn send(
    stream: &mut Stream,
    head: &[u8],
    body: &[u8],
    limits: &HostLimits,
) -> (u64, Result<(), CloseReason>) {
    let end = Instant::now() + limits.response;
    let deadline = || end.min(Instant::now() + limits.stall);
    let mut left = Buf::chain(head, body);
    let mut result = Ok(());
    while left.has_remaining() && result.is_ok() {
        result = match timeout_at(deadline(), stream.write_buf(&mut left)).await {
            Ok(Ok(1..)) => Ok(()),
            Ok(Ok(0) | Err(_)) => Err(CloseReason::Reset),
            Err(_) => Err(CloseReason::TooSlow),
        };
    }
    let sent = (body.len() - left.last_ref().len()) as u64;
    if result.is_ok() {
        result = match timeout_at(deadline(), stream.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(CloseReason::Reset),
            Err(_) => Err(CloseReason::TooSlow),
        };
    }
    (sent, result)
}

/// Closes our side after everything was sent, and waits for the proof that the client got it.
pub(crate) async fn close_and_confirm(stream: &mut Stream, limit: Duration) -> CloseReason {
    timeout(limit, confirm(stream)).await.unwrap_or(CloseReason::Unconfirmed)
}

async fn confirm(stream: &mut Stream) -> CloseReason {
    if stream.shutdown().await.is_err() {
        return CloseReason::Reset;
    }
    let mut scrap = [0; 1_024];
    let mut allowed = MOST_SCRAP;
    loop {
        match stream.read(&mut scrap).await {
            Ok(0) => break,
            Ok(read) if read <= allowed => allowed -= read,
            // Small devices close the connection without the message that TLS has for it. Nothing that a client sends
            // is of any length, so nothing can be cut short by that.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Ok(_) | Err(_) => return CloseReason::Reset,
        }
    }
    let tcp = match stream {
        Either::Left(stream) => &*stream,
        Either::Right(stream) => stream.get_ref().0,
    };
    // The client may have closed its side before it had the answer. Only when our own end of the stream has been
    // acknowledged too does the system forget the peer. No readiness event reports that moment, so it is polled;
    // mostly it has passed already.
    let mut pause = Duration::from_millis(1);
    while tcp.peer_addr().is_ok() {
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(200));
    }
    match tcp.take_error() {
        Ok(None) => CloseReason::Complete,
        Ok(Some(_)) | Err(_) => CloseReason::Reset,
    }
}

/// What a client may send behind its request before it is cut off, in bytes.
const MOST_SCRAP: usize = 64 * 1024;
