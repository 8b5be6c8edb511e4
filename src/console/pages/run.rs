//! One run: how it stands, what to do, and the buttons that control it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::Deserialize;

use crate::console::actions::may;
use crate::console::jobs::JobId;
use crate::console::jobs::rights::may_make;
use crate::console::pages::frame::{Frame, Part, json, page};
use crate::console::pages::problem::Problem;
use crate::console::request::wants_json;
use crate::console::run_view::RunView;
use crate::console::sessions::SessionUser;
use crate::console::shared::Shared;
use crate::domain::control::ControlAction;
use crate::domain::text::{pluralize, printable};
use crate::error::{AppError, ErrorKind};
use crate::journal::{RunId, RunRef};
use crate::report::{RunReport, html, show_json};
use crate::rollout::page_report::page_report;

#[derive(Template)]
#[template(path = "run.html", config = "src/console/pages/askama.toml")]
struct RunPage<'a> {
    frame: Frame,
    user: &'a SessionUser,
    view: &'a RunView,
    cluster: String,
    /// What was just done, in words.
    did: Option<&'static str>,
    may_control: bool,
    may_approve: bool,
    may_make: bool,
    /// The job that waits for its confirmation.
    job: Option<JobId>,
}

impl RunPage<'_> {
    fn retry(&self) -> String {
        format!("Retry {} that failed", pluralize(self.view.panel.failed, "phone"))
    }
}

#[derive(Deserialize)]
pub(crate) struct Did {
    did: Option<String>,
    result: Option<String>,
}

pub(crate) async fn run(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path(id): Path<String>,
    Query(did): Query<Did>,
    headers: HeaderMap,
) -> Response {
    let Ok(id) = id.parse::<RunId>() else {
        return Problem::not_found().answer(Some(&user), &headers);
    };
    if wants_json(&headers) {
        return document(&shared, &user, id, &headers).await;
    }
    match shared.journal.run(id).await {
        Ok(Some(view)) => {
            let began_by = &view.run.os_user;
            let page_of = RunPage {
                frame: Frame::new(format!("Run {id}"), Part::Runs, Some(&user)).live(),
                cluster: printable(&view.run.cluster).into_owned(),
                did: describe(&did),
                may_control: may(&shared, &user, ControlAction::Pause, began_by),
                may_approve: may(&shared, &user, ControlAction::Approve, began_by),
                may_make: may_make(&user),
                job: shared.jobs.of_run(id),
                user: &user,
                view: &view,
            };
            page(StatusCode::OK, &page_of)
        }
        Ok(None) => Problem::not_found().answer(Some(&user), &headers),
        Err(error) => Problem::of(&error).answer(Some(&user), &headers),
    }
}

/// Answers with the whole report of a run, made of the journal.
pub(crate) async fn report(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let (id, next) = (id.parse::<RunId>().unwrap_or_default(), Arc::clone(&shared.settings.next));
    let page = shared.journal.read(move |history| {
        let run = history.map(|history| history.run(RunRef::Number(id))).transpose()?.flatten();
        let (Some(history), Some(run)) = (history, run) else { return Ok(None) };
        let next = next(history, &run)?;
        let report = page_report(history, run, next.as_deref())?;
        let page =
            html(&[report]).map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
        Ok(Some(page))
    });
    match page.await {
        Ok(Some(page)) => {
            // The page itself names the hashes of its style and script.
            let headers = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
            ];
            (headers, page).into_response()
        }
        Ok(None) => Problem::not_found().answer(Some(&user), &headers),
        Err(error) => Problem::of(&error).answer(Some(&user), &headers),
    }
}

/// Answers with the `show` document.
async fn document(shared: &Shared, user: &SessionUser, id: RunId, headers: &HeaderMap) -> Response {
    let next = Arc::clone(&shared.settings.next);
    let answer = shared.journal.read(move |history| {
        let run = history.map(|history| history.run(RunRef::Number(id))).transpose()?.flatten();
        let (Some(history), Some(run)) = (history, run) else { return Ok(None) };
        let next = next(history, &run)?;
        let report = RunReport::read(history, run)?.with_downloads(history)?;
        let report = report.with_next(next.as_deref());
        Ok(Some(json(&show_json(&report, next.as_deref(), Timestamp::now()))))
    });
    match answer.await {
        Ok(Some(answer)) => answer,
        Ok(None) => Problem::not_found().answer(Some(user), headers),
        Err(error) => Problem::of(&error).answer(Some(user), headers),
    }
}

fn describe(did: &Did) -> Option<&'static str> {
    let is_new = did.result.as_deref() != Some("unchanged");
    Some(match did.did.as_deref()?.parse::<ControlAction>().ok()? {
        ControlAction::Pause if is_new => {
            "The run is paused: what is in progress finishes, and nothing new begins."
        }
        ControlAction::Pause => "The run was paused already.",
        ControlAction::Continue if is_new => "The run goes on.",
        ControlAction::Continue => "The run was not paused.",
        ControlAction::Approve => "The wave that waited is approved.",
        ControlAction::Abort if is_new => {
            "The run ends: what is in progress finishes, and nothing new begins."
        }
        ControlAction::Abort => "The run was ending already.",
    })
}
