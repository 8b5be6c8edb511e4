//! The server: listens, serves requests, and ends within a moment even while pages look on.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::http::HeaderMap;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::console::changes::Changes;
use crate::console::doctors::Doctors;
use crate::console::guard::guard;
use crate::console::jobs::Jobs;
use crate::console::journal_view::JournalView;
use crate::console::live::events;
use crate::console::login_limit::LoginLimit;
use crate::console::pages::frame::{icon, rollout_script, script, style};
use crate::console::pages::problem::Problem;
use crate::console::pages::{doctor, overview, phone, phones, rollouts, rules, run, runs, screens};
use crate::console::screens::Screens;
use crate::console::sessions::{SessionUser, Sessions};
use crate::console::settings::ConsoleSettings;
use crate::console::shared::{MOST_STREAMS, PASSWORD_CHECKS, Peer, Shared, UPLOADS};
use crate::console::{actions, login, rollout_actions, screen_actions};
use crate::error::{AppError, ErrorKind};
use crate::media::LONGEST_FILE;
use crate::net::listen::TlsListener;

/// A console that listens.
pub struct Console {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Console {
    /// Listens. Nothing is served before [`Self::serve`].
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind(settings: ConsoleSettings) -> Result<Self, AppError> {
        let listen = settings.listen;
        let listener = TcpListener::bind(listen).await.map_err(|error| refused(listen, error))?;
        let address = listener.local_addr().map_err(|error| refused(listen, error))?;
        let mut hosts: Vec<String> =
            settings.allowed_hosts.iter().map(|host| host.to_lowercase()).collect();
        hosts.push(address.ip().to_string());
        let journal = Arc::new(JournalView::new(settings.clone()));
        let shared = Shared {
            sessions: Sessions::default(),
            login_limit: LoginLimit::default(),
            password_checks: Semaphore::new(PASSWORD_CHECKS),
            screens: Arc::new(Screens::new(settings.connections.clone(), &journal)),
            doctors: Arc::new(Doctors::new(settings.doctors.clone())),
            journal,
            changes: Changes::default(),
            jobs: Jobs::default(),
            uploads: Semaphore::new(UPLOADS),
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
            stop: CancellationToken::new(),
            cookie: format!("axlpaper_{}", address.port()),
            hosts,
            settings,
        };
        Ok(Self { listener, address, shared: Arc::new(shared) })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the path with a token that begins one session of the user of this machine.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn one_time_path(&self) -> Result<String, AppError> {
        let token = self.shared.sessions.one_time_token().map_err(|error| {
            AppError::new(ErrorKind::Failed, format!("cannot make a token: {error}"))
        })?;
        Ok(format!("/login?token={token}"))
    }

    /// Serves until `stop` is cancelled.
    pub async fn serve(self, stop: CancellationToken) {
        let Self { listener, shared, .. } = self;
        let router = router(&shared);
        let ends = shared.stop.clone();
        let served = async {
            match &shared.settings.tls {
                Some(config) => {
                    serve(TlsListener::new(listener, Arc::clone(config)), router, &ends).await;
                }
                None => serve(listener, router, &ends).await,
            }
        };
        let poll = async {
            tokio::select! {
                () = async {
                    stop.cancelled().await;
                    // Its pages show how that goes.
                    shared.jobs.end().await;
                } => {}
                () = shared.changes.poll(&shared.journal, &shared.jobs) => {}
            }
            shared.stop.cancel();
        };
        let screens = async {
            shared.stop.cancelled().await;
            // A phone that does not answer is not waited for.
            let ended = async { tokio::join!(shared.screens.close(), shared.doctors.close()) };
            if timeout(GRACE, ended).await.is_err() {
                tracing::debug!("screenshots or checks were cut off");
            }
        };
        tokio::join!(served, poll, screens);
    }
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").field("address", &self.address).finish_non_exhaustive()
    }
}

fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(overview::overview))
        .route("/runs", get(runs::runs))
        .route("/runs/{run}", get(run::run))
        .route("/runs/{run}/report", get(run::report))
        .route("/runs/{run}/again/{how}", post(rollout_actions::again))
        .route("/runs/{run}/{action}", post(actions::control_run))
        .route("/phones", get(phones::phones))
        .route("/phones/{phone}", get(phone::phone))
        .route("/rollouts/new", get(rollouts::new_rollout))
        .route(
            "/rollouts",
            post(rollout_actions::create).layer(DefaultBodyLimit::max(LONGEST_UPLOAD)),
        )
        .route(
            "/rollouts/{rollout}",
            get(rollouts::rollout)
                .post(rollout_actions::change)
                .layer(DefaultBodyLimit::max(LONGEST_CHOICE)),
        )
        .route("/rollouts/{rollout}/picture", get(rollouts::picture))
        .route("/rollouts/{rollout}/panels/{panel}", get(rollouts::panel))
        .route("/rollouts/{rollout}/confirm", post(rollout_actions::confirm))
        .route("/rollouts/{rollout}/discard", post(rollout_actions::discard))
        .route("/phones/{phone}/{file}", get(phone::picture).post(screen_actions::take))
        .route("/screens", get(screens::screens))
        .route("/screens/allow", post(screen_actions::allow))
        .route("/rules", get(rules::rules))
        .route("/doctor", get(doctor::doctor).post(doctor::check))
        .route("/rules/{rule}/picture", get(rules::picture))
        .route("/watches/approve", post(actions::approve_watch))
        .route("/events", get(events))
        .route("/login", get(login::form).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/favicon.ico", get(icon))
        .route("/console.css", get(style))
        .route("/console.js", get(script))
        .route("/rollout.js", get(rollout_script))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(from_fn_with_state(Arc::clone(shared), guard))
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
        .with_state(Arc::clone(shared))
}

async fn not_found(user: Option<Extension<SessionUser>>, headers: HeaderMap) -> Response {
    Problem::not_found().answer(user.as_deref(), &headers)
}

/// Serves connections until `stop` is cancelled, and then those that are open for a moment.
async fn serve<L: Listener<Addr = SocketAddr>>(
    mut listener: L,
    router: Router,
    stop: &CancellationToken,
) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // Further clients wait in the queue of the system. The semaphore is never closed.
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let router = router.clone().layer(Extension(Peer(peer.ip())));
        let stop = stop.clone();
        connections.spawn(async move {
            serve_one(stream, router, &stop).await;
            drop(place);
        });
    }
    // Streams end by themselves; a client that does not read would hold this up.
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(GRACE, ended).await.is_err() {
        tracing::debug!("connections to the console were cut off");
    }
}

async fn serve_one<S>(stream: S, router: Router, stop: &CancellationToken)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .max_buf_size(LONGEST_HEADER)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let served: Result<(), hyper::Error> = tokio::select! {
        served = connection.as_mut() => served,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the console broke");
    }
}

fn refused(address: SocketAddr, error: io::Error) -> AppError {
    let hint = if error.kind() == io::ErrorKind::AddrInUse {
        "another program listens on the port, maybe another console; name another one with --listen"
    } else {
        "name an address of this machine and a port above 1023 with --listen, such as 127.0.0.1:8300"
    };
    AppError::from_error(ErrorKind::Failed, error)
        .context(format!("cannot serve the console on {address}"))
        .hint(hint)
}

/// How long a client may take for the header of its request, and may be idle.
const HEADER_LIMIT: Duration = Duration::from_secs(30);

/// The bytes of a header.
const LONGEST_HEADER: usize = 16 * 1024;

/// The bytes of a form.
const LONGEST_FORM: usize = 16 * 1024;

/// The bytes of a form with lists of phones.
const LONGEST_CHOICE: usize = 1024 * 1024;

/// The bytes of a form with a picture.
const LONGEST_UPLOAD: usize = LONGEST_FILE as usize + LONGEST_FORM;

const MOST_CONNECTIONS: usize = 4_096;

/// How long open connections may take at the end.
const GRACE: Duration = Duration::from_secs(1);
