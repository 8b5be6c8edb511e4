//! Accepts connections, publishes files and knows what was downloaded of them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::model::PushSchema;
use crate::event::{Observer, Unobserved};
use crate::image_server::admission::Admission;
use crate::image_server::connection::{Shared, serve};
use crate::image_server::published::{
    FetchState, Origin, PublishedTone, PublishedUrls, Recipient, Table, Token, Watcher,
};
use crate::image_server::{BaseUrl, HostConfig, HostError, advertised_base};
use crate::media::{PreparedImage, Tone};

/// The running server, as one of its users has it. Where several runs share it, each has its own base, and hears
/// of its own phones' requests. Dropping the last one cuts every connection.
#[derive(Debug)]
pub struct ImageHost {
    server: Arc<Server>,
    base: BaseUrl,
    watcher: Watcher,
}

#[derive(Debug)]
struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: CancellationToken,
    living: CancellationToken,
    tasks: TaskTracker,
}

impl ImageHost {
    /// Starts to listen; nothing is published yet.
    pub fn start(config: HostConfig) -> Result<Self, HostError> {
        Self::start_watched(config, Arc::new(Unobserved))
    }

    /// Starts to listen; the observer gets every request once it is known how it ended.
    pub fn start_watched(
        config: HostConfig,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, HostError> {
        let HostConfig { listen, advertise, phone_side_ip, limits, tls } = config;
        let listener = bind(listen).map_err(|source| HostError::Bind { listen, source })?;
        let address = listener.local_addr().map_err(|source| HostError::Bind { listen, source })?;
        let base = advertised_base(address, advertise.as_ref(), phone_side_ip, tls.is_some())?;
        let watcher = Watcher::new(observer);
        let table = Table::default();
        table.serve_below(base.path());
        let shared = Arc::new(Shared {
            limits,
            table,
            tls,
            unknown: watcher.clone(),
            unknown_requests: AtomicU64::new(0),
        });
        let (accepting, living) = (CancellationToken::new(), CancellationToken::new());
        let tasks = TaskTracker::new();
        let accept = accept(listener, shared.clone(), tasks.clone(), living.clone());
        let stop = accepting.clone();
        tasks.spawn(async move { stop.run_until_cancelled(accept).await });
        let server = Server { shared, address, accepting, living, tasks };
        Ok(Self { server: Arc::new(server), base, watcher })
    }

    /// Returns the same server for another user, whose phones have `phone_side_ip` and may get another URL. The
    /// observer gets the requests for what this user publishes.
    pub fn shared(
        &self,
        advertise: Option<&BaseUrl>,
        phone_side_ip: Option<IpAddr>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, HostError> {
        let Server { shared, address, .. } = &*self.server;
        let base = advertised_base(*address, advertise, phone_side_ip, shared.tls.is_some())?;
        shared.table.serve_below(base.path());
        Ok(Self { server: Arc::clone(&self.server), base, watcher: Watcher::new(observer) })
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    pub fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Makes two addresses for one phone and serves the files there until they are retired. Only downloads from the
    /// phone's own addresses count.
    ///
    /// The files themselves are shared by all phones that get the same ones. `picture_name` shows in
    /// the addresses for PhoneOS only.
    pub fn publish(
        &self,
        recipient: Recipient<'_>,
        prepared: Arc<PreparedImage>,
        schema: PushSchema,
        picture_name: &str,
    ) -> Result<PublishedUrls, HostError> {
        self.table().publish(&self.origin(), recipient, &prepared, schema, picture_name)
    }

    /// Makes an address for one phone's ring tone and serves it there until it is retired.
    pub fn publish_tone(
        &self,
        recipient: Recipient<'_>,
        tone: &Tone,
    ) -> Result<PublishedTone, HostError> {
        self.table().publish_tone(&self.origin(), recipient, tone)
    }

    /// Makes a URL for one file and serves it there to every client that has the URL. What of its name cannot
    /// be in a URL is replaced.
    pub fn publish_file(
        &self,
        name: &str,
        content: Bytes,
        content_type: &'static str,
    ) -> Result<(Token, String), HostError> {
        self.table().publish_file(&self.origin(), name, content, content_type)
    }

    /// Lets a phone download what was published for it from the addresses that it has now: it may have got another one
    /// since, when it restarted.
    pub fn readdress(&self, token: &Token, recipient: Recipient<'_>) {
        self.table().readdress(token, recipient);
    }

    /// Serves another file as the background that was published for a phone.
    pub fn replace_background(&self, token: &Token, png: Bytes) {
        self.table().replace_background(token, png);
    }

    /// Takes a phone's addresses away and returns what was downloaded from them.
    ///
    /// A download that is under way goes on, but is no longer counted.
    pub fn retire(&self, token: &Token) -> FetchState {
        self.table().retire(token)
    }

    /// Returns whether any client has requested anything that was published here, whether or not the download was complete.
    pub fn was_requested(&self) -> bool {
        self.watcher.requested.load(Ordering::Relaxed)
    }

    pub fn fetched(&self, token: &Token) -> FetchState {
        let state = self.table().watch(token);
        state.map_or_else(FetchState::default, |state| state.borrow().clone())
    }

    /// Waits until both files were downloaded completely, the addresses were retired or the time is
    /// over, and returns what was downloaded by then.
    pub async fn wait_complete(&self, token: &Token, limit: Duration) -> FetchState {
        let Some(mut state) = self.table().watch(token) else {
            return FetchState::default();
        };
        // The state itself shows whether it was reached, timed out or retired.
        let _reached = timeout(limit, state.wait_for(FetchState::complete)).await.is_ok();
        state.borrow().clone()
    }

    /// Accepts nothing more, and gives what is under way this much time to end; where others use the server, it
    /// goes on for them.
    pub async fn shutdown(self, grace: Duration) {
        // Of several that leave at the same time exactly one is the last.
        let Some(server) = Arc::into_inner(self.server) else { return };
        server.accepting.cancel();
        server.tasks.close();
        // What is not done by then is cut off when `server` is dropped.
        let _done = timeout(grace, server.tasks.wait()).await.is_ok();
    }

    fn table(&self) -> &Table {
        &self.server.shared.table
    }

    fn origin(&self) -> Origin<'_> {
        Origin { base: self.base.as_str(), watcher: &self.watcher }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.cancel();
        self.living.cancel();
    }
}

/// Makes sure that an address of this machine is free to listen on. Must be called within the runtime.
///
/// # Errors
/// When it is not.
pub fn check_free(listen: SocketAddr) -> Result<(), HostError> {
    bind(listen).map(drop).map_err(|source| HostError::Bind { listen, source })
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
    let admission = Arc::new(Admission::default());
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let address = peer.ip().to_canonical();
                let (is_stranger, cut) = (!shared.table.knows(address), living.child_token());
                let admitted = admission.enter(address, is_stranger, &shared.limits, cut.clone());
                let Some(admitted) = admitted else { continue };
                // A connection that was cut to make room returns its permit in a moment. The semaphore is never closed.
                let Ok(permit) = room.clone().acquire_owned().await else { return };
                let shared = shared.clone();
                tasks.spawn(async move {
                    let serve = serve(stream, peer, shared, &admitted);
                    let served = cut.run_until_cancelled(serve).await;
                    drop((permit, admitted));
                    served
                });
            }
            Err(error) => {
                // Mostly a lack of file handles, which passes as connections end.
                tracing::warn!(%error, "cannot accept a connection to the image server");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Connections that the system keeps until they are accepted; a fleet asks nearly at once.
const BACKLOG: u32 = 4_096;

/// How long to wait when a connection cannot be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
