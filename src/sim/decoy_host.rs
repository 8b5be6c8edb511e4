//! A decoy host, which no client should contact: it records every request.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::response::IntoResponse;

use super::history::Visit;
use super::shared::Shared;

/// Answers with a success that would deceive a client which believes everything.
pub(super) async fn handle(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> impl IntoResponse {
    let visit = Visit {
        path: request.uri().path().to_owned(),
        authorization: request.headers().contains_key(AUTHORIZATION),
    };
    shared.cluster().decoy_visits.push(visit);
    let success = "<CiscoIPPhoneResponse><ResponseItem Status=\"0\" Data=\"Success\" URL=\"\"/></CiscoIPPhoneResponse>";
    (StatusCode::OK, [("content-type", "text/xml")], success)
}
