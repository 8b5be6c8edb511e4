//! The simulator's own page, `/sim/` on its HTTPS port: the cluster, its users and phones, their screens, and what
//! happens, live. It needs no log-in, because everything in it is invented.

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use futures::stream::{self, Stream};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;

use super::events::SimEvent;
use super::fleet_content::UserKind;
use super::phones::screen;
use super::shared::Shared;
use crate::domain::model;
use crate::domain::text::{names, pluralize};

/// Returns the pages of the simulator.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/sim", get(|| async { Redirect::permanent("/sim/") }))
        .route("/sim/", get(overview))
        .route("/sim/events", get(events))
        .route("/sim/screen/{name}", get(screen_of))
        .route("/sim/style.css", get(|| async { asset("text/css", STYLE) }))
        .route("/sim/live.js", get(|| async { asset("text/javascript", SCRIPT) }))
}

/// Which phones the page shows.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Shown {
    /// A part of a name, description, model, device pool or address, or a registration.
    search: String,
    /// From 1; anything else is the first page.
    page: String,
}

#[derive(Template)]
#[template(path = "sim.html", config = "src/sim/page/askama.toml")]
struct Overview {
    release: &'static str,
    nodes: String,
    devices: usize,
    /// Times and texts, newest first.
    events: Vec<(String, String)>,
    requests: Vec<(String, u64)>,
    users: Vec<UserRow>,
    phones: Vec<PhoneRow>,
    found: usize,
    search: String,
    page: usize,
    pages: usize,
}

struct UserRow {
    userid: String,
    kind: &'static str,
    devices: usize,
    failed_logins: u64,
    locked: bool,
}

struct PhoneRow {
    name: String,
    description: String,
    model: String,
    device_pool: String,
    registration: String,
    address: String,
    personalization: String,
    web_access: bool,
    pushes: usize,
    last_push: String,
    shows: String,
    has_screen: bool,
}

async fn overview(State(shared): State<Arc<Shared>>, Query(shown): Query<Shown>) -> Response {
    match view(&shared, shown).render() {
        Ok(page) => asset("text/html", page),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn view(shared: &Shared, shown: Shown) -> Overview {
    let events = shared.events.recent();
    let cluster = shared.cluster();
    let wanted = shown.search.trim().to_lowercase();
    let fits = |at: &usize| {
        let device = &cluster.devices[*at];
        let spec = &device.spec;
        let fields = [&spec.name, &spec.description, &spec.model_name, &spec.device_pool];
        let addresses = [device.address_text(), spec.address.v6().map(|v6| v6.to_string())];
        // Whole words only: "registered" is a part of others.
        let registration = format!("{:?}", device.registration()).to_lowercase();
        wanted.is_empty()
            || fields.iter().any(|field| field.to_lowercase().contains(&wanted))
            || addresses.iter().flatten().any(|address| address.contains(&wanted))
            || registration == wanted.replace(' ', "")
    };
    let found: Vec<usize> = cluster.order.iter().copied().filter(fits).collect();
    let pages = found.len().div_ceil(ROWS).max(1);
    let page = shown.page.parse().unwrap_or(1).clamp(1, pages);
    let row = |at: usize| {
        let device = &cluster.devices[at];
        let (spec, history) = (&device.spec, &cluster.histories[at]);
        let last = history.pushes.last().map(|push| SimEvent::result(push.outcome));
        let shows = history.shown.as_ref();
        PhoneRow {
            name: spec.name.clone(),
            description: spec.description.clone(),
            model: spec.model_name.clone(),
            device_pool: spec.device_pool.clone(),
            registration: format!("{:?}", device.registration()),
            address: device.address_text().unwrap_or_default(),
            personalization: format!("{:?}", device.loaded.personalization),
            web_access: device.loaded.web_access,
            pushes: history.pushes.len(),
            last_push: last.unwrap_or_default(),
            shows: shows.map(|s| s.sha256[..8].to_owned()).unwrap_or_default(),
            has_screen: model::by_number(spec.model).is_some_and(|model| model.image.is_some()),
        }
    };
    let users = cluster.listed_users().map(|(_, user)| user).filter(|user| {
        // Owners of phones who have no password are left out.
        !user.devices.is_empty()
            || user.failed_logins > 0
            || !user.password.expose_secret().is_empty()
    });
    let users = users.map(|user| UserRow {
        userid: user.userid.clone(),
        kind: match user.kind {
            UserKind::EndUser => "end user",
            UserKind::Application => "application user",
        },
        devices: user.devices.len(),
        failed_logins: user.failed_logins,
        locked: user.state.locked(),
    });
    Overview {
        release: cluster.config.release.version(),
        nodes: cluster.nodes.join(", "),
        devices: cluster.order.len(),
        events: events.iter().map(|(at, event)| (format!("{at:.1} s"), sentence(event))).collect(),
        requests: cluster.requests.iter().map(|(name, count)| (name.clone(), *count)).collect(),
        users: users.collect(),
        phones: found.iter().skip((page - 1) * ROWS).take(ROWS).map(|&at| row(at)).collect(),
        found: found.len(),
        search: shown.search,
        page,
        pages,
    }
}

/// Returns what the page says about an event.
fn sentence(event: &SimEvent) -> String {
    let by =
        |user: &Option<String>| user.as_ref().map(|user| format!(" by {user}")).unwrap_or_default();
    match event {
        SimEvent::Started { time, .. } => format!("started at {time:.0}"),
        SimEvent::Request { service, operation, user, status } => {
            format!("{service} {operation}{}: HTTP {status}", by(user))
        }
        SimEvent::PhoneRequest { phone, method, path, user, status, .. } => {
            format!("{phone} {method} {path}{}: HTTP {status}", by(user))
        }
        SimEvent::Authentication { user, phone, authorized } => {
            let verdict = if *authorized { "AUTHORIZED" } else { "refused" };
            format!("{phone} log-in of {user}: {verdict}")
        }
        SimEvent::Push { phone, user, result, downloads, .. } => {
            let files = pluralize(downloads.len(), "download");
            format!("{phone} push{}: {result}, {files}", by(user))
        }
        SimEvent::Change { change, detail, objects, not_done } => {
            let list = |before: &str, listed: &[String]| match listed {
                [] => String::new(),
                listed => format!("{before}{}", names(listed)),
            };
            let detail = detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
            let (done, not_done) = (list(" ", objects), list("; not possible for ", not_done));
            format!("{change}{detail}{done}{not_done}")
        }
        SimEvent::Downloaded { phone, downloads, .. } => {
            format!("{phone} after the push: {}", pluralize(downloads.len(), "download"))
        }
    }
}

/// Sends what happens from now on, a line of JSON in each event.
async fn events(
    State(shared): State<Arc<Shared>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let live = shared.events.watch();
    let stop = shared.stop.clone();
    let lines = stream::unfold((live, stop), |(mut live, stop)| async move {
        loop {
            let line = tokio::select! {
                () = stop.cancelled() => return None,
                line = live.recv() => line,
            };
            match line {
                Ok(line) => return Some((Ok(Event::default().data(&*line)), (live, stop))),
                // The page is too slow and misses some.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(lines).keep_alive(KeepAlive::default())
}

/// Draws the screen of a phone as it is now.
async fn screen_of(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let (number, file) = {
        let cluster = shared.cluster();
        let Some(at) = cluster.device(&name) else {
            return (StatusCode::NOT_FOUND, "There is no such phone.").into_response();
        };
        (cluster.devices[at].spec.model, cluster.shown_file(at))
    };
    let Some(image) = model::by_number(number).and_then(|model| model.image) else {
        return (StatusCode::NOT_FOUND, "This model shows no picture.").into_response();
    };
    let draw = move || screen::draw(number, &image, file.as_deref(), false);
    match tokio::task::spawn_blocking(draw).await.ok().flatten() {
        Some(shot) => asset(shot.kind, shot.file),
        None => (StatusCode::INTERNAL_SERVER_ERROR, "It cannot be drawn.").into_response(),
    }
}

/// Answers with a file of the page; browsers run nothing but its own script.
fn asset(kind: &'static str, body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// How many phones are on one page.
const ROWS: usize = 50;

const POLICY: &str = "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = include_str!("sim.css");
const SCRIPT: &str = include_str!("live.js");
