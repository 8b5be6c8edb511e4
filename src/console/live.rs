//! Event streams: every browser learns that the journal has changed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use tokio::time::timeout;

use crate::console::request::cookie;
use crate::console::shared::Shared;

/// Sends an event whenever the journal has changed. It has no content: the page reads itself again.
pub(crate) async fn events(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let Ok(place) = Arc::clone(&shared.streams).try_acquire_owned() else {
        let busy = "Too many pages are open; this one can be reloaded by hand.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "60")], busy)
            .into_response();
    };
    let session = cookie(&headers, &shared.cookie).unwrap_or_default().to_owned();
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let mut changes = shared.changes.revision.subscribe();
    if seen.is_some_and(|seen| seen != shared.changes.id(*changes.borrow())) {
        changes.mark_changed();
    }
    let stream = stream::unfold((changes, place), move |(mut changes, place)| {
        let (shared, session) = (Arc::clone(&shared), session.clone());
        async move {
            loop {
                let changed = tokio::select! {
                    () = shared.stop.cancelled() => return None,
                    changed = timeout(BETWEEN_BEATS, changes.changed()) => changed,
                };
                shared.sessions.user(&session, false, Instant::now())?;
                if changed.is_ok() {
                    let id = shared.changes.id(*changes.borrow_and_update());
                    let event = Event::default().id(id).event("change").data("journal");
                    return Some((Ok::<_, Infallible>(event), (changes, place)));
                }
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(BETWEEN_BEATS)).into_response()
}

/// How often a stream sends something, so that a proxy or a firewall does not cut it off.
const BETWEEN_BEATS: Duration = Duration::from_secs(15);
