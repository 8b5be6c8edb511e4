//! Tells a complete download from one that only looks like it.
//!
//! A write that succeeded has filled a buffer of this machine's kernel, no more. A download counts
//! as complete only when every byte was written, the client then closed its own side in good order,
//! and its system acknowledged everything up to our own end of the stream. A client that goes away
//! early answers the rest with a reset, and a client that vanishes with nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::{sleep, timeout};

use crate::image_server::exchange_log::ExchangeLog;
use crate::image_server::outcome::CloseReason;
use crate::image_server::stream::Stream;

/// A connection that counts the bytes of the answer's body.
#[derive(Debug)]
pub(crate) struct CountingStream {
    stream: Stream,
    log: Arc<ExchangeLog>,
    head: Head,
    /// Whether the connection was cut. The system tells that once only, and afterwards it looks like a good end.
    broken: bool,
}

impl CountingStream {
    pub(crate) fn new(stream: Stream, log: Arc<ExchangeLog>) -> Self {
        Self { stream, log, head: Head::default(), broken: false }
    }

    /// Ends the exchange and waits for the proof that the client got everything.
    pub(crate) async fn farewell(mut self, limit: Duration) -> CloseReason {
        timeout(limit, self.part()).await.unwrap_or(CloseReason::Unconfirmed)
    }

    async fn part(&mut self) -> CloseReason {
        if self.broken || self.stream.shutdown().await.is_err() {
            return CloseReason::Reset;
        }
        let mut scrap = [0; 1_024];
        let mut patience = MOST_SCRAP;
        loop {
            match self.stream.read(&mut scrap).await {
                Ok(0) => break,
                Ok(read) if read <= patience => patience -= read,
                Ok(_) | Err(_) => return CloseReason::Reset,
            }
        }
        // The client may have closed its side before it had the answer. Only when our own end of the
        // stream has been acknowledged too does the system forget the peer. No readiness event tells
        // of that moment, so it is looked for; mostly it has passed already.
        let mut pause = Duration::from_millis(1);
        while self.stream.tcp().peer_addr().is_ok() {
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
        match self.stream.tcp().take_error() {
            Ok(None) => CloseReason::Complete,
            Ok(Some(_)) | Err(_) => CloseReason::Reset,
        }
    }

    fn count(&mut self, written: &[u8]) {
        self.log.sent(self.head.body_in(written));
    }
}

impl AsyncRead for CountingStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        self.broken |= read.is_err();
        Poll::Ready(read)
    }
}

impl AsyncWrite for CountingStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.broken |= written.is_err();
        let written = written?;
        self.count(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices));
        self.broken |= written.is_err();
        let written = written?;
        let mut left = written;
        for slice in slices {
            let taken = left.min(slice.len());
            self.count(&slice[..taken]);
            left -= taken;
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        self.broken |= flushed.is_err();
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Finds the empty line that ends the answer's header.
#[derive(Debug, Default)]
struct Head {
    /// How many bytes of [`END_OF_HEAD`] have just gone by; all of them once the header has ended.
    matched: usize,
}

impl Head {
    /// Returns how many of these bytes belong to the body.
    fn body_in(&mut self, bytes: &[u8]) -> u64 {
        for (at, byte) in bytes.iter().enumerate() {
            let Some(next) = END_OF_HEAD.get(self.matched) else {
                return (bytes.len() - at) as u64;
            };
            self.matched = match (byte == next, *byte) {
                (true, _) => self.matched + 1,
                (false, b'\r') => 1,
                (false, _) => 0,
            };
        }
        0
    }
}

const END_OF_HEAD: &[u8; 4] = b"\r\n\r\n";

/// What a client may send behind its request before it is cut off, in bytes.
const MOST_SCRAP: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_the_body_however_it_is_cut(
            head in "[a-z\r\n]{0,20}",
            body in proptest::collection::vec(any::<u8>(), 0..40),
            cut in 1_usize..9,
        ) {
            prop_assume!(!format!("{head}\r\n\r").contains("\r\n\r\n"));
            let whole = [head.as_bytes(), b"\r\n\r\n", &body].concat();
            let mut state = Head::default();
            let counted: u64 = whole.chunks(cut).map(|chunk| state.body_in(chunk)).sum();
            prop_assert_eq!(counted, body.len() as u64);
        }
    }
}
