//! Keeps the requests that came in, for checks that are made elsewhere.

use std::path::PathBuf;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::https::BODY_LIMIT;

/// Writes the body of a POST into the folder, once for each different body, and passes it on.
///
/// A request that cannot be kept is refused with a reason, so that no check silently sees too little.
pub(crate) async fn capture(
    State(folder): State<PathBuf>,
    request: Request,
    next: Next,
) -> Result<Response, Response> {
    let refuse = |status, why: String| (status, why).into_response();
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_LIMIT)
        .await
        .map_err(|error| refuse(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()))?;
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
