//! A connection of a phone to a server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::sim::history::Fetch;

#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Extent {
    All,
    /// About a half, and then the connection is reset.
    Half,
}

/// A connection; the caller that waits for an answer polls it, so it needs no task of its own.
pub(crate) struct ServerConnection {
    sender: SendRequest<Full<Bytes>>,
    connection: Connection<TokioIo<TcpStream>, Full<Bytes>>,
}

impl ServerConnection {
    pub(super) async fn begin(stream: TcpStream) -> Option<Self> {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        Some(Self { sender, connection })
    }

    /// Sends a request and reads the answer; `fetch` records how far that came.
    pub(super) async fn exchange(
        self,
        request: Request<Full<Bytes>>,
        extent: Extent,
        thin: Option<&SharedLink>,
        fetch: &mut Fetch,
    ) -> Option<Bytes> {
        let Self { mut sender, connection } = self;
        let exchange = async {
            let answer = sender.send_request(request).await.ok()?;
            fetch.status = Some(answer.status().as_u16());
            let length = answer.headers().get("content-length");
            let length = length.and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
            let enough = match extent {
                Extent::All => usize::MAX,
                Extent::Half => length.unwrap_or(2) / 2,
            };
            let mut body = answer.into_body();
            let mut read = Vec::new();
            while fetch.bytes < enough {
                let Some(frame) = body.frame().await else {
                    fetch.complete = true;
                    break;
                };
                let Ok(data) = frame.ok()?.into_data() else { continue };
                if let Some(thin) = thin {
                    thin.transfer(data.len()).await;
                }
                fetch.bytes += data.len();
                read.extend_from_slice(&data);
                if read.len() > LARGEST {
                    return None;
                }
            }
            Some(Bytes::from(read))
        };
        tokio::pin!(exchange);
        // The connection does the work; it may end before the body has been taken out of it.
        tokio::select! {
            biased;
            body = &mut exchange => body,
            _ = connection => exchange.await,
        }
    }
}

const LARGEST: usize = 8 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct SharedLink {
    bytes_per_second: u32,
    /// When everything has gone through that was taken on so far.
    free: Mutex<Instant>,
}

impl SharedLink {
    pub(crate) fn all(pools: &[(String, u32)]) -> HashMap<String, Arc<Self>> {
        let line = |rate: u32| {
            Arc::new(Self { bytes_per_second: rate.max(1), free: Mutex::new(Instant::now()) })
        };
        pools.iter().map(|(pool, rate)| (pool.clone(), line(*rate))).collect()
    }

    /// Waits until so many bytes have gone through, behind all that came before.
    pub(crate) async fn transfer(&self, bytes: usize) {
        let accepts = Duration::from_secs_f64(bytes as f64 / f64::from(self.bytes_per_second));
        let through = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            *free = (*free).max(Instant::now()) + accepts;
            *free
        };
        tokio::time::sleep_until(through).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn those_on_one_line_share_it() {
        let lines = SharedLink::all(&[("Branch".to_owned(), 1_000)]);
        let line = &lines["Branch"];
        let begun = Instant::now();
        tokio::join!(line.transfer(500), line.transfer(1_500));
        assert_eq!(begun.elapsed().as_secs(), 2);
    }
}
