//! What is around every page: navigation, the user, styles and the script.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::console::sessions::SessionUser;
use crate::domain::error_chain::error_chain;
use crate::report::{THEME, Writable};

/// The navigation of a page.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) title: String,
    /// The part of the navigation that the page belongs to.
    pub(crate) part: Part,
    pub(crate) user: Option<SessionUser>,
    /// Whether the script renews the page when the journal changes.
    pub(crate) is_live: bool,
    /// Another script of the page.
    pub(crate) script: Option<&'static str>,
    /// Whether a browser without scripts loads the page again and again.
    pub(crate) reloads: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    Overview,
    Runs,
    Phones,
    Rollouts,
    Screens,
    Rules,
    Doctor,
    None,
}

impl Frame {
    pub(crate) fn new(title: impl Into<String>, part: Part, user: Option<&SessionUser>) -> Self {
        Self {
            title: title.into(),
            part,
            user: user.cloned(),
            is_live: false,
            script: None,
            reloads: false,
        }
    }

    pub(crate) fn live(self) -> Self {
        Self { is_live: true, ..self }
    }

    pub(crate) fn scripted(self, script: &'static str) -> Self {
        Self { script: Some(script), ..self }
    }

    pub(crate) fn reloading(self) -> Self {
        Self { reloads: true, ..self }
    }

    pub(crate) fn is(&self, part: &str) -> bool {
        let own = match self.part {
            Part::Overview => "overview",
            Part::Runs => "runs",
            Part::Phones => "phones",
            Part::Rollouts => "rollouts",
            Part::Screens => "screens",
            Part::Rules => "rules",
            Part::Doctor => "doctor",
            Part::None => "",
        };
        own == part
    }
}

/// Answers with a page.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => {
            (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
        }
        Err(error) => failed(&error_chain(&error)),
    }
}

/// Answers with a JSON document.
pub(crate) fn json(document: &dyn Writable) -> Response {
    let mut bytes = Vec::new();
    match document.write_to(&mut bytes) {
        Ok(()) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(error) => failed(&error_chain(&error)),
    }
}

fn failed(why: &str) -> Response {
    tracing::error!(error = why, "a page could not be written");
    let text = "This page could not be written; the log of the console says why.\n";
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}

/// The style sheet: the parts that the HTML report has too, and those of the console.
pub(crate) async fn style() -> Response {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        [THEME, include_str!("console.css")].concat(),
    )
        .into_response()
}

/// The icon: a screen with a picture.
pub(crate) async fn icon() -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml")], include_str!("icon.svg")).into_response()
}

pub(crate) async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("console.js"))
        .into_response()
}

/// The script of a rollout that is being made.
pub(crate) async fn rollout_script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("rollout.js"))
        .into_response()
}
