//! A connection of a phone to a server, and the connections to the authentication page that are kept.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::bandwidth::SharedLink;
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
    /// Whether the connection has come to its end; it must not be moved on then.
    ended: bool,
}

impl ServerConnection {
    pub(super) async fn begin(stream: TcpStream) -> Option<Self> {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        Some(Self { sender, connection, ended: false })
    }

    /// Waits until a request may be sent; false when the server has closed the connection.
    async fn is_open(&mut self) -> bool {
        if self.ended {
            return false;
        }
        // The connection first: it notices when the server has closed it meanwhile.
        tokio::select! {
            biased;
            _ = &mut self.connection => {
                self.ended = true;
                false
            }
            ready = self.sender.ready() => ready.is_ok(),
        }
    }

    /// Sends a request and reads the answer; `fetch` records how far that came.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        extent: Extent,
        thin: Option<&SharedLink>,
        fetch: &mut Fetch,
    ) -> Option<Bytes> {
        let Self { sender, connection, ended } = self;
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
            _ = connection => {
                *ended = true;
                exchange.await
            }
        }
    }
}

/// Connections to the cluster's authentication page that wait for the next phone that asks it.
///
/// A phone asks for every push, and clients like its own keep their connection. One for each phone of a large fleet
/// would be two file handles a phone in this one process, so they are kept for all phones together: the page sees the
/// address of the phone that opened one. It goes by what is asked and not by the address.
pub(crate) struct PageConnections {
    page: SocketAddr,
    free: Mutex<Vec<ServerConnection>>,
}

impl PageConnections {
    pub(crate) fn new(page: SocketAddr) -> Self {
        Self { page, free: Mutex::default() }
    }

    /// Returns whether a URL leads to the page. Connections to other servers are not kept.
    pub(super) fn leads_there(&self, url: &Uri) -> bool {
        let address = url.authority().and_then(|found| found.as_str().parse().ok());
        address == Some(self.page)
    }

    pub(super) async fn take(&self) -> Option<ServerConnection> {
        loop {
            let mut line = self.pop()?;
            if line.is_open().await {
                return Some(line);
            }
        }
    }

    fn pop(&self) -> Option<ServerConnection> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    pub(super) fn leave(&self, line: ServerConnection) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if !line.ended && free.len() < MOST_FREE {
            free.push(line);
        }
    }
}

const LARGEST: usize = 8 * 1024 * 1024;
/// Enough for all that ask at one moment, and few beside the file handles of the phones.
const MOST_FREE: usize = 64;
