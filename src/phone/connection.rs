//! One connection to a phone, and one HTTP exchange after the other on it.
//!
//! A pool of connections decides by itself over which one a request goes, and opens another one where the phone has closed the
//! first. A sender of a password has to know that, so connections to phones are opened here and nowhere else.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::http::response::Parts;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::PhoneTlsProblem;
use super::client::{Cause, Phase};
use crate::domain::error_chain::error_chain;
use crate::net::trace::ExchangeGuard;

/// An open connection to a phone.
///
/// No task of its own works on it: it makes progress while something is asked over it, and is closed when it is dropped.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Nothing once the connection has ended.
    driver: Option<Driver>,
}

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// What stopped an exchange, and how far it came.
#[derive(Debug)]
pub(super) struct Interrupted {
    pub(super) phase: Phase,
    pub(super) cause: Cause,
    /// How the answer began that did not come to its end.
    pub(super) head: Option<Box<Parts>>,
}

impl Interrupted {
    pub(super) fn by(phase: Phase, cause: Cause) -> Self {
        Self { phase, cause, head: None }
    }

    fn of(phase: Phase, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::by(phase, Cause::of(error))
    }
}

/// Opens a TCP connection, over which nothing is sent yet.
pub(super) async fn dial(
    ip: IpAddr,
    port: u16,
    deadline: Instant,
) -> Result<TcpStream, Interrupted> {
    let stream = connecting(deadline, TcpStream::connect(SocketAddr::new(ip, port))).await?;
    stream.set_nodelay(true).map_err(|error| Interrupted::of(Phase::Connect, &error))?;
    Ok(stream)
}

/// Waits for a connection until the deadline, and never longer than connections are waited for.
async fn connecting<T>(
    deadline: Instant,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, Interrupted> {
    let limit = deadline.min(Instant::now() + CONNECT);
    match timeout_at(limit, work).await {
        Ok(connected) => connected.map_err(|error| Interrupted::of(Phase::Connect, &error)),
        Err(_) => Err(Interrupted::by(Phase::Connect, Cause::TimedOut)),
    }
}

impl Connection {
    /// Begins to speak HTTP over a TCP connection, and TLS before that where there is a configuration for it.
    pub(super) async fn over(
        stream: TcpStream,
        tls: Option<&Arc<ClientConfig>>,
        deadline: Instant,
    ) -> Result<Self, Interrupted> {
        let Some(tls) = tls else { return Self::speak(stream).await };
        let peer = stream.peer_addr().map_err(|error| Interrupted::of(Phase::Connect, &error))?;
        let name = ServerName::IpAddress(peer.ip().into());
        let handshake = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
        match connecting(deadline, handshake).await {
            Ok(stream) => Self::speak(stream).await,
            Err(Interrupted { phase, cause: Cause::Tls(PhoneTlsProblem::OldTls), head }) => {
                let limit = deadline.saturating_duration_since(Instant::now()).min(CONNECT);
                let cause = Cause::Tls(PhoneTlsProblem::explain_old_tls(peer, limit).await);
                Err(Interrupted { phase, cause, head })
            }
            Err(interrupted) => Err(interrupted),
        }
    }

    async fn speak<S>(stream: S) -> Result<Self, Interrupted>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        // Phones do to HTTP what other servers do not.
        let client = http1::Builder::new()
            .ignore_invalid_headers_in_responses(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .http09_responses(true)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, driver) = client.map_err(|error| Interrupted::of(Phase::Connect, &error))?;
        Ok(Self { sender, driver: Some(Box::pin(driver)) })
    }

    pub(super) async fn is_open(&mut self) -> bool {
        // The end of a connection is seen only when it is read from.
        poll_fn(|context| {
            let driver = self.driver.as_mut();
            if driver.is_some_and(|driver| driver.as_mut().poll(context).is_ready()) {
                self.driver = None;
            }
            Poll::Ready(())
        })
        .await;
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Sends a request and reads the answer until `deadline`. A body is cut off one byte behind `limit`, so that its reader
    /// sees that it is too long. `watched` takes note of the answer.
    ///
    /// An exchange that fails or is dropped leaves a connection that is of no more use.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        limit: usize,
        deadline: Instant,
        watched: &mut ExchangeGuard,
    ) -> Result<(Parts, Vec<u8>), Interrupted> {
        let Self { sender, driver } = self;
        let mut open = driver.take();
        let exchanged = drive(&mut open, async {
            let sent = timeout_at(deadline, async {
                sender.ready().await.map_err(|error| (Phase::Connect, error))?;
                sender.send_request(request).await.map_err(|error| {
                    // A request that is given back was never written.
                    (if error.is_canceled() { Phase::Connect } else { Phase::Request }, error)
                })
            });
            let answer = match sent.await {
                Ok(Ok(answer)) => answer,
                Ok(Err((Phase::Connect, error))) => {
                    watched.ended(Err(error_chain(&error)));
                    return Err(Interrupted::by(Phase::Connect, Cause::Reset));
                }
                Ok(Err((phase, error))) => {
                    watched.ended(Err(error_chain(&error)));
                    return Err(Interrupted::of(phase, &error));
                }
                Err(_) => {
                    watched.ended(Err(LATE));
                    return Err(Interrupted::by(Phase::Request, Cause::TimedOut));
                }
            };
            watched.answered(answer.status().as_u16(), answer.headers());
            read(answer, limit, deadline, watched).await
        })
        .await;
        if exchanged.as_ref().is_ok_and(|(_, body)| body.len() <= limit) {
            *driver = open;
        }
        exchanged
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("ended", &self.driver.is_none()).finish()
    }
}

async fn read(
    answer: Response<Incoming>,
    limit: usize,
    deadline: Instant,
    watched: &mut ExchangeGuard,
) -> Result<(Parts, Vec<u8>), Interrupted> {
    let (head, mut incoming) = answer.into_parts();
    let mut body = Vec::new();
    let read = timeout_at(deadline, async {
        while let Some(frame) = incoming.frame().await {
            let Ok(chunk) = frame?.into_data() else { continue };
            let room = (limit + 1).saturating_sub(body.len());
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() > limit {
                break;
            }
        }
        Ok::<_, hyper::Error>(())
    })
    .await;
    watched.body(&body);
    let (cause, told) = match read {
        Ok(Ok(())) => {
            watched.ended(Ok::<_, String>(()));
            return Ok((head, body));
        }
        Ok(Err(error)) => (Cause::of(&error), error_chain(&error)),
        Err(_) => (Cause::TimedOut, LATE.to_owned()),
    };
    watched.ended(Err(told));
    Err(Interrupted { phase: Phase::Answer, cause, head: Some(Box::new(head)) })
}

/// Waits for `work`, and lets its connection make progress meanwhile.
async fn drive<T>(driver: &mut Option<Driver>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(done);
        }
        let Some(connection) = driver else { return Poll::Pending };
        if connection.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        // The work learns what ended it.
        *driver = None;
        work.as_mut().poll(context)
    })
    .await
}

/// How long a connection may take, and a TLS handshake besides.
const CONNECT: Duration = Duration::from_secs(5);

/// What the trace says of an exchange that was given up.
const LATE: &str = "the time for it was over";
