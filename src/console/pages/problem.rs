//! Pages that say what is wrong and what to do next.

use askama::Template;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::console::pages::frame::{Frame, Part, page};
use crate::console::request::wants_json;
use crate::console::sessions::SessionUser;
use crate::domain::text::printable;
use crate::error::{AppError, ErrorKind};

#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    title: String,
    text: String,
    hints: Vec<String>,
}

#[derive(Template)]
#[template(path = "problem.html", config = "src/console/pages/askama.toml")]
struct ProblemPage<'a> {
    frame: Frame,
    problem: &'a Problem,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, title: &str) -> Self {
        Self { status, title: title.to_owned(), text: String::new(), hints: Vec::new() }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such page")
            .text("The address is wrong, or what it named is gone.")
            .hint(
                "the overview has the clusters, and the list of runs has every run of the journal",
            )
    }

    pub(crate) fn forbidden(text: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "This is not allowed").text(text)
    }

    pub(crate) fn of(error: &AppError) -> Self {
        let status = match error.kind() {
            ErrorKind::Refused | ErrorKind::Declined => StatusCode::CONFLICT,
            ErrorKind::Usage => StatusCode::BAD_REQUEST,
            ErrorKind::Authentication => StatusCode::FORBIDDEN,
            ErrorKind::Failed | ErrorKind::Interrupted => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let problem = Self::new(status, "It was not done").text(error.message());
        Self { hints: error.hints().to_vec(), ..problem }
    }

    pub(crate) fn text(self, text: &str) -> Self {
        Self { text: printable(text).into_owned(), ..self }
    }

    pub(crate) fn hint(mut self, hint: &str) -> Self {
        self.hints.push(hint.to_owned());
        self
    }

    pub(crate) fn answer(&self, user: Option<&SessionUser>, headers: &HeaderMap) -> Response {
        if wants_json(headers) {
            let error = json!({"error": self.title, "message": self.text, "hints": self.hints});
            let kind = [(header::CONTENT_TYPE, "application/json")];
            return (self.status, kind, format!("{error}\n")).into_response();
        }
        let frame = Frame::new(self.title.as_str(), Part::None, user);
        page(self.status, &ProblemPage { frame, problem: self })
    }
}
