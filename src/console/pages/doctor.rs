//! Doctor: whether everything is there that a rollout needs.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Form, State as Shares};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use crate::console::doctors::ExaminedCluster;
use crate::console::pages::frame::{Frame, Part, page};
use crate::console::screen_actions::{may_take, not_operator};
use crate::console::sessions::SessionUser;
use crate::console::shared::Shared;
use crate::doctor::{Check, State};
use crate::domain::text::printable;
use crate::report::moment;

#[derive(Template)]
#[template(path = "doctor.html", config = "src/console/pages/askama.toml")]
struct DoctorPage<'a> {
    frame: Frame,
    user: &'a SessionUser,
    clusters: Vec<ExaminedCluster>,
    may_check: bool,
}

#[derive(Deserialize)]
pub(crate) struct CheckForm {
    token: String,
    cluster: String,
    /// Whether a password that was refused is said to be right now.
    corrected: Option<String>,
}

pub(crate) async fn doctor(
    Shares(shared): Shares<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
) -> Response {
    let page_of = DoctorPage {
        frame: Frame::new("Doctor", Part::Doctor, Some(&user)).live(),
        user: &user,
        clusters: shared.doctors.clusters(),
        may_check: may_take(&user),
    };
    page(StatusCode::OK, &page_of)
}

/// Begins to check a cluster.
pub(crate) async fn check(
    Shares(shared): Shares<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    headers: HeaderMap,
    Form(CheckForm { token, cluster, corrected }): Form<CheckForm>,
) -> Response {
    if let Some(problem) = not_operator(&user, &token, "check a cluster") {
        return problem.answer(Some(&user), &headers);
    }
    tracing::info!(cluster, user = user.name, "doctor was asked for");
    shared.doctors.begin(&cluster, corrected.is_some());
    Redirect::to("/doctor").into_response()
}

impl DoctorPage<'_> {
    fn is_running(&self) -> bool {
        self.clusters.iter().any(|cluster| cluster.is_running)
    }

    fn began(&self, cluster: &ExaminedCluster) -> String {
        cluster.began_at.map(moment).unwrap_or_default()
    }

    fn text(&self, text: &str) -> String {
        printable(text).into_owned()
    }

    /// Returns the class and the word of a result.
    fn state(&self, check: &Check) -> (&'static str, &'static str) {
        match check.state {
            State::Ok => ("good", "ok"),
            State::Warning => ("warn", "warning"),
            State::Failed => ("bad", "failed"),
            State::NotChecked => ("soft", "not checked"),
        }
    }

    /// Counts the checks of a cluster that ended like this.
    fn count(&self, cluster: &ExaminedCluster, class: &str) -> usize {
        cluster.checks.iter().filter(|check| self.state(check).0 == class).count()
    }
}
