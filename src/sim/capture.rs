//! Keeps the requests that came in, for checks that are made elsewhere.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::https::BODY_LIMIT;
use super::request_body;
use super::shared::Shared;

/// Writes the body of a POST into the folder, once for each different body, and passes it on.
///
/// A request that cannot be kept is refused with a reason, so that no check silently sees too little.
pub(crate) async fn capture(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Result<Response, Response> {
    let refuse = |status, why: String| (status, why).into_response();
    let Some(folder) = &shared.config.keep_requests else { return Ok(next.run(request).await) };
    let (parts, body) = request.into_parts();
    let body = request_body::read(body, BODY_LIMIT, shared.config.request_time)
        .await
        .map_err(IntoResponse::into_response)?;
    if !body.is_empty() {
        let name = URL_SAFE_NO_PAD.encode(Sha256::digest(&body));
        let path = folder.join(format!("{name}.xml"));
        tokio::fs::write(&path, &body).await.map_err(|error| {
            let why = format!("cannot keep a request in {}: {error}", path.display());
            refuse(StatusCode::INTERNAL_SERVER_ERROR, why)
        })?;
    }
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}
