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

use crate::host::exchange::Ledger;
use crate::host::stream::Stream;

/// How an exchange with a client ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Ending {
    /// Everything was sent and acknowledged, and the client closed in good order.
    Complete,
    /// The connection was cut before that.
    Reset,
    /// The client was too slow to take the answer.
    TooSlow,
    /// Everything was sent, but the client did not close within its time, so nothing is proven.
    Unconfirmed,
}

/// A connection that counts the bytes of every answer's body, and notices requests that come early.
#[derive(Debug)]
pub(super) struct Counted {
    stream: Stream,
    ledger: Arc<Ledger>,
    /// Where the answers' headers end.
    head: Head,
    /// What is still to come of the body that is being written.
    left: u64,
    /// Where the requests' headers end.
    asked: Head,
    /// Whether the connection was cut. The system tells that once only, and afterwards it looks like a good end.
    broken: bool,
}

impl Counted {
    pub(super) fn new(stream: Stream, ledger: Arc<Ledger>) -> Self {
        Self {
            stream,
            ledger,
            head: Head::default(),
            left: 0,
            asked: Head::default(),
            broken: false,
        }
    }

    /// Ends the exchange and waits for the proof that the client got everything.
    pub(super) async fn farewell(mut self, limit: Duration) -> Ending {
        timeout(limit, self.part()).await.unwrap_or(Ending::Unconfirmed)
    }

    async fn part(&mut self) -> Ending {
        if self.broken || self.stream.shutdown().await.is_err() {
            return Ending::Reset;
        }
        let mut scrap = [0; 1_024];
        let mut patience = MOST_SCRAP;
        loop {
            match self.stream.read(&mut scrap).await {
                Ok(0) => break,
                Ok(read) if read <= patience => patience -= read,
                Ok(_) | Err(_) => return Ending::Reset,
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
            Ok(None) => Ending::Complete,
            Ok(Some(_)) | Err(_) => Ending::Reset,
        }
    }

    /// Counts what was written: a header, then as many bytes of a body as its answer has, and so on.
    fn count(&mut self, mut written: &[u8]) {
        while !written.is_empty() {
            if self.left > 0 {
                let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(written.len());
                self.left -= taken as u64;
                self.ledger.sent(taken as u64);
                written = &written[taken..];
            } else if let Some(end) = self.head.end(written) {
                self.left = self.ledger.head_sent();
                written = &written[end..];
            } else {
                return;
            }
        }
    }

    /// Notices how many requests have come, whole ones and beginnings.
    fn notice(&mut self, mut read: &[u8]) {
        while !read.is_empty() {
            match self.asked.end(read) {
                Some(end) => {
                    self.ledger.request_came();
                    read = &read[end..];
                    self.ledger.more_came(!read.is_empty());
                }
                None => {
                    self.ledger.more_came(true);
                    return;
                }
            }
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        self.broken |= read.is_err();
        read?;
        self.notice(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
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

/// Finds the empty line that ends a header.
#[derive(Debug, Default)]
struct Head {
    /// How many bytes of [`END_OF_HEAD`] have just gone by.
    matched: usize,
}

impl Head {
    /// Returns where the header ends in these bytes, if it does, and begins to look for the next one's end.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            self.matched = match (*byte == END_OF_HEAD[self.matched], *byte) {
                (true, _) => self.matched + 1,
                (false, b'\r') => 1,
                (false, _) => 0,
            };
            if self.matched == END_OF_HEAD.len() {
                self.matched = 0;
                return Some(at + 1);
            }
        }
        None
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
            let mut seen = 0;
            let mut found = None;
            for chunk in whole.chunks(cut) {
                if let Some(end) = state.end(chunk).filter(|_| found.is_none()) {
                    found = Some(whole.len() - seen - end);
                }
                seen += chunk.len();
            }
            prop_assert_eq!(found, Some(body.len()));
        }
    }
}
