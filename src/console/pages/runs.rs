//! The list of runs.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use form_urlencoded::Serializer;
use jiff::Timestamp;
use serde::Deserialize;

use crate::console::pages::frame::{Frame, Part, json, page};
use crate::console::pages::problem::Problem;
use crate::console::request::wants_json;
use crate::console::sessions::SessionUser;
use crate::console::shared::Shared;
use crate::domain::text::printable;
use crate::error::AppError;
use crate::journal::{RunId, RunRow, RunState};
use crate::report::{Bar, RunRecord, moment, runs_json, tally};
use crate::watch::control::records;

#[derive(Template)]
#[template(path = "runs.html", config = "src/console/pages/askama.toml")]
struct RunsPage {
    frame: Frame,
    rows: Vec<Line>,
    clusters: Vec<String>,
    cluster: String,
    /// The address of the next page.
    older: Option<String>,
    is_first: bool,
}

struct Line {
    id: RunId,
    what: String,
    cluster: String,
    by: String,
    began: String,
    state: &'static str,
    level: &'static str,
    outcomes: Bar,
}

#[derive(Deserialize)]
pub(crate) struct Shown {
    cluster: Option<String>,
    before: Option<String>,
}

pub(crate) async fn runs(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Query(shown): Query<Shown>,
    headers: HeaderMap,
) -> Response {
    let cluster = shown.cluster.filter(|cluster| !cluster.is_empty());
    // What is no number is the first page.
    let before = shown.before.and_then(|before| before.parse::<RunId>().ok());
    if wants_json(&headers) {
        return document(&shared, cluster, before)
            .await
            .unwrap_or_else(|error| Problem::of(&error).answer(Some(&user), &headers));
    }
    let wanted = cluster.clone();
    let read = shared.journal.read(move |history| {
        let Some(history) = history else { return Ok((Vec::new(), Vec::new())) };
        Ok((history.runs_page(wanted.as_deref(), before, ROWS + 1)?, history.clusters()?))
    });
    match read.await {
        Ok((mut rows, clusters)) => {
            let has_more = rows.len() > ROWS;
            rows.truncate(ROWS);
            let last = rows.last().map(|run| run.id).filter(|_| has_more);
            let page_of = RunsPage {
                frame: Frame::new("Runs", Part::Runs, Some(&user)).live(),
                rows: rows.iter().map(Line::of).collect(),
                clusters,
                older: last.map(|last| address(cluster.as_deref(), last)),
                cluster: cluster.unwrap_or_default(),
                is_first: before.is_none(),
            };
            page(StatusCode::OK, &page_of)
        }
        Err(error) => Problem::of(&error).answer(Some(&user), &headers),
    }
}

/// Answers with the `runs` document of a page.
pub(crate) async fn document(
    shared: &Shared,
    cluster: Option<String>,
    before: Option<RunId>,
) -> Result<Response, AppError> {
    let path = shared.settings.journal.clone();
    let read = shared.journal.read(move |history| {
        let (runs, watches) = match history {
            Some(history) => {
                let runs = history.runs_page(cluster.as_deref(), before, ROWS)?;
                (runs.iter().map(RunRecord::from).collect(), records(history, &path)?)
            }
            None => (Vec::new(), Vec::new()),
        };
        Ok(json(&runs_json(&runs, &watches, Timestamp::now())))
    });
    read.await
}

impl Line {
    fn of(run: &RunRow) -> Self {
        let (state, level) = match run.state {
            _ if run.is_waiting => ("waits for its start", "warn"),
            RunState::Running => ("running", "good"),
            RunState::Finished if run.exit_code == Some(0) => ("finished", "good"),
            RunState::Finished => ("finished with failures", "warn"),
            RunState::Interrupted => ("interrupted", "warn"),
            RunState::Declined => ("declined", "warn"),
            RunState::Failed => ("failed", "bad"),
            RunState::Killed => ("killed", "bad"),
        };
        let action = run.subject.as_ref().map(|subject| subject.action()).unwrap_or_default();
        let what = RunRecord::from(run).what().unwrap_or_default();
        let text = |text: &str| printable(text).into_owned();
        Self {
            id: run.id,
            what: text(&format!("{} {what}", run.command)),
            cluster: text(&run.cluster),
            by: text(&format!("{} on {}", run.os_user, run.machine)),
            began: moment(run.began_at),
            state,
            level,
            outcomes: Bar::of(&tally(action, &run.outcomes), &[]),
        }
    }
}

fn address(cluster: Option<&str>, before: RunId) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(cluster.map(|cluster| ("cluster", cluster)));
    query.append_pair("before", &before.to_string());
    format!("/runs?{}", query.finish())
}

/// How many runs a page has.
const ROWS: usize = 50;
