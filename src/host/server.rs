//! Accepts connections and answers one request on each.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::device_name::DeviceName;
use crate::domain::model::PushSchema;
use crate::host::proof::{Counted, Ending};
use crate::host::table::{
    Fetch, FetchState, Hit, PublishedTone, PublishedUrls, Stray, Strays, Table, Token,
};
use crate::host::{BaseUrl, HostConfig, HostError, HostLimits, advertised_base};
use crate::media::{PreparedImage, Tone};

/// The running server. Dropping it cuts every connection.
#[derive(Debug)]
pub struct ImageHost {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: CancellationToken,
    living: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Shared {
    base: BaseUrl,
    limits: HostLimits,
    table: Table,
}

impl ImageHost {
    /// Starts to listen; nothing is published yet.
    ///
    /// # Errors
    /// When the address is taken or not allowed, or when phones could not reach it.
    pub fn start(config: HostConfig) -> Result<Self, HostError> {
        let HostConfig { listen, advertise, toward, limits } = config;
        let listener = bind(listen).map_err(|source| HostError::Bind { listen, source })?;
        let address = listener.local_addr().map_err(|source| HostError::Bind { listen, source })?;
        let base = advertised_base(address, advertise.as_ref(), toward)?;
        let shared = Arc::new(Shared { base, limits, table: Table::default() });
        let (accepting, living) = (CancellationToken::new(), CancellationToken::new());
        let tasks = TaskTracker::new();
        let accept = accept(listener, shared.clone(), tasks.clone(), living.clone());
        let stop = accepting.clone();
        tasks.spawn(async move { stop.run_until_cancelled(accept).await });
        Ok(Self { shared, address, accepting, living, tasks })
    }

    /// Returns the address that is listened on, with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what phones are told.
    pub fn base(&self) -> &BaseUrl {
        &self.shared.base
    }

    /// Makes two addresses for one phone and serves the files there until they are retired.
    ///
    /// The files themselves are shared by all phones that get the same ones. `picture_name` shows in
    /// the addresses for PhoneOS only.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn publish(
        &self,
        device: &DeviceName,
        prepared: Arc<PreparedImage>,
        schema: PushSchema,
        picture_name: &str,
    ) -> Result<PublishedUrls, HostError> {
        let base = self.shared.base.as_str();
        self.shared.table.publish(base, device, &prepared, schema, picture_name)
    }

    /// Makes an address for one phone's ring tone and serves it there until it is retired.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn publish_tone(
        &self,
        device: &DeviceName,
        tone: &Tone,
    ) -> Result<PublishedTone, HostError> {
        self.shared.table.publish_tone(self.shared.base.as_str(), device, tone)
    }

    /// Takes a phone's addresses away and returns what was downloaded from them.
    ///
    /// A download that is under way goes on, but is no longer counted.
    pub fn retire(&self, token: &Token) -> FetchState {
        self.shared.table.retire(token)
    }

    /// Returns what was downloaded so far; nothing for addresses that are not published.
    pub fn fetched(&self, token: &Token) -> FetchState {
        let state = self.shared.table.watch(token);
        state.map_or_else(FetchState::default, |state| *state.borrow())
    }

    /// Returns the requests for a phone's files, oldest first, as far as they are kept one by one.
    pub fn fetches(&self, token: &Token) -> Vec<Fetch> {
        self.shared.table.fetches(token)
    }

    /// Waits until both files were downloaded completely, the addresses were retired or the time is
    /// over, and returns what was downloaded by then.
    pub async fn wait_complete(&self, token: &Token, limit: Duration) -> FetchState {
        let Some(mut state) = self.shared.table.watch(token) else {
            return FetchState::default();
        };
        // Whether it was reached, timed out or retired, the state itself tells.
        let _reached = timeout(limit, state.wait_for(FetchState::complete)).await.is_ok();
        *state.borrow()
    }

    /// Returns the requests for what is not published.
    pub fn strays(&self) -> Strays {
        self.shared.table.strays()
    }

    /// Accepts nothing more, and gives what is under way this much time to end.
    pub async fn shutdown(self, grace: Duration) {
        self.accepting.cancel();
        self.tasks.close();
        // What is not done by then is cut off when `self` is dropped.
        let _done = timeout(grace, self.tasks.wait()).await.is_ok();
    }
}

impl Drop for ImageHost {
    fn drop(&mut self) {
        self.accepting.cancel();
        self.living.cancel();
    }
}

fn bind(listen: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Without it a second run would have to wait for the first one's connections to be forgotten.
    // On Windows the same option would let two servers share the port.
    if cfg!(not(windows)) {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(listen)?;
    socket.listen(BACKLOG)
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    living: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(shared.limits.connections));
    // The semaphore is never closed, so there is always a permit in the end.
    while let Ok(permit) = room.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let serve = serve(stream, peer, shared.clone(), permit);
                let living = living.clone();
                tasks.spawn(async move { living.run_until_cancelled(serve).await });
            }
            Err(error) => {
                // Mostly a lack of file handles, which passes as connections end.
                tracing::warn!(%error, "cannot accept a connection to the image server");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What was asked for on a connection.
enum Asked {
    Published { hit: Hit, head_only: bool },
    Stray { path: String, status: StatusCode },
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    permit: OwnedSemaphorePermit,
) {
    let (at, started) = (Timestamp::now(), Instant::now());
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "a connection was gone before it was served");
        return;
    }
    let asked = OnceLock::new();
    let service = service_fn(|request: Request<_>| {
        let (question, response) = answer(&shared, &request);
        // A connection carries one request, so the cell is empty.
        let _first = asked.set(question);
        ready(Ok::<_, Infallible>(response))
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.limits.header)
        .max_buf_size(LONGEST_HEADER)
        .keep_alive(false)
        // A client may close its sending side once it has asked; that alone is no reason to stop.
        .half_close(true)
        // Header names have no case, but an old embedded client may know the usual spelling only.
        .title_case_headers(true)
        .serve_connection(TokioIo::new(Counted::new(stream)), service);
    let sent =
        timeout(shared.limits.response, poll_fn(|cx| connection.poll_without_shutdown(cx))).await;
    let stream = connection.into_parts().io.into_inner();
    let bytes = stream.body();
    let expected = match asked.get() {
        Some(Asked::Published { hit, head_only: false }) => hit.body.len() as u64,
        Some(Asked::Published { head_only: true, .. } | Asked::Stray { .. }) | None => 0,
    };
    let ending = match sent {
        Ok(Ok(())) if bytes == expected => stream.farewell(shared.limits.farewell).await,
        Ok(_) => Ending::Reset,
        Err(_) => Ending::TooSlow,
    };
    drop(permit);
    match asked.into_inner() {
        Some(Asked::Published { hit: Hit { token, device, which, body, .. }, head_only }) => {
            let (length, took) = (body.len() as u64, started.elapsed());
            tracing::debug!(%device, ?which, %peer, bytes, ?ending, "image server");
            shared.table.record(Fetch {
                token,
                device,
                which,
                peer,
                head_only,
                status: StatusCode::OK.as_u16(),
                bytes,
                length,
                ending,
                at,
                took,
            });
        }
        Some(Asked::Stray { path, status }) => {
            tracing::debug!(%peer, path, %status, "image server");
            shared.table.record_stray(Stray { peer, path, status: status.as_u16() });
        }
        None => tracing::debug!(%peer, "a connection to the image server carried no request"),
    }
}

fn answer<B>(shared: &Shared, request: &Request<B>) -> (Asked, Response<Full<Bytes>>) {
    let path = request.uri().path();
    let own = path.strip_prefix(shared.base.path()).unwrap_or(path);
    let head_only = request.method() == Method::HEAD;
    let mut response = Response::new(Full::new(Bytes::new()));
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let refused = if !head_only && request.method() != Method::GET {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        StatusCode::METHOD_NOT_ALLOWED
    } else if let Some(hit) = shared.table.find(own) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(hit.content_type));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(hit.body.len()));
        if !head_only {
            *response.body_mut() = Full::new(hit.body.clone());
        }
        return (Asked::Published { hit, head_only }, response);
    } else {
        StatusCode::NOT_FOUND
    };
    *response.status_mut() = refused;
    let path = path.chars().filter(char::is_ascii_graphic).take(LONGEST_PATH_SHOWN).collect();
    (Asked::Stray { path, status: refused }, response)
}

/// Connections that the system keeps until they are accepted; a fleet asks nearly at once.
const BACKLOG: u32 = 4_096;

/// Longest request header, in bytes; phones send a few hundred.
const LONGEST_HEADER: usize = 16 * 1024;

/// Longest part of an unknown path that is kept, in characters.
const LONGEST_PATH_SHOWN: usize = 120;

/// How long to wait when a connection cannot be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
