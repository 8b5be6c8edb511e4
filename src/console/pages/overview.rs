//! The overview.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use crate::console::actions::may;
use crate::console::jobs::job::Job;
use crate::console::overview::{ClusterCard, LastRun, Overview};
use crate::console::pages::frame::{Frame, Part, page};
use crate::console::pages::problem::Problem;
use crate::console::pages::runs::document;
use crate::console::request::wants_json;
use crate::console::sessions::SessionUser;
use crate::console::shared::Shared;
use crate::domain::control::ControlAction;
use crate::domain::text::{pluralize, printable};
use crate::report::moment;

#[derive(Template)]
#[template(path = "overview.html", config = "src/console/pages/askama.toml")]
struct OverviewPage<'a> {
    frame: Frame,
    shared: &'a Shared,
    user: &'a SessionUser,
    overview: &'a Overview,
    /// Rollouts whose clusters are asked, or that wait for a confirmation.
    pending: Vec<Arc<Job>>,
    did_approve: bool,
}

#[derive(Deserialize)]
pub(crate) struct Did {
    did: Option<String>,
}

pub(crate) async fn overview(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Query(Did { did }): Query<Did>,
    headers: HeaderMap,
) -> Response {
    if wants_json(&headers) {
        return document(&shared, None, None)
            .await
            .unwrap_or_else(|error| Problem::of(&error).answer(Some(&user), &headers));
    }
    match shared.journal.overview().await {
        Ok(overview) => {
            let page_of = OverviewPage {
                frame: Frame::new("Overview", Part::Overview, Some(&user)).live(),
                shared: &shared,
                user: &user,
                overview: &overview,
                pending: shared.jobs.pending(),
                did_approve: did.is_some_and(|did| did == "approve"),
            };
            page(StatusCode::OK, &page_of)
        }
        Err(error) => Problem::of(&error).answer(Some(&user), &headers),
    }
}

impl OverviewPage<'_> {
    fn may_approve(&self, began_by: &str) -> bool {
        may(self.shared, self.user, ControlAction::Approve, began_by)
    }

    fn text(&self, text: &str) -> String {
        printable(text).into_owned()
    }

    fn held(&self, card: &ClusterCard) -> String {
        pluralize(card.held(), "phone")
    }

    fn began(&self, last: &LastRun) -> String {
        moment(last.began_at)
    }

    fn watch_line(&self, card: &ClusterCard) -> String {
        card.watch
            .as_ref()
            .map(|watch| printable(&watch.describe()).into_owned())
            .unwrap_or_default()
    }
}
