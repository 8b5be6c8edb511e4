//! The page that phones ask whether a user may push to them.
//!
//! `authenticate.jsp` takes `UserID`, `Password` and `devicename` and answers exactly `AUTHORIZED` or
//! `UN-AUTHORIZED`, without a line end. The password must be right **and** the device must be among the
//! user's associated devices; end users and application users are alike.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use super::Shared;
use super::form::fields;

/// The path of the page.
pub(crate) const PATH: &str = "/ccmcip/authenticate.jsp";

/// Answers one request to the plain HTTP port of the cluster.
pub(crate) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if request.uri().path() != PATH {
        return text(StatusCode::NOT_FOUND, "not found");
    }
    let query = if *request.method() == Method::POST {
        match axum::body::to_bytes(request.into_body(), BODY_LIMIT).await {
            Ok(body) => String::from_utf8_lossy(&body).into_owned(),
            Err(_) => return text(StatusCode::PAYLOAD_TOO_LARGE, "too large"),
        }
    } else {
        request.uri().query().unwrap_or_default().to_owned()
    };
    let fields = fields(&query);
    let field = |name: &str| {
        fields.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str())
    };
    let delay = shared.association_delay;
    let mut cluster = shared.cluster();
    cluster.count("authenticate.jsp");
    let device = cluster.device(field("devicename"));
    let user = cluster.check_password(field("UserID"), field("Password"));
    let allowed = match (user, device) {
        (Some(user), Some(device)) => cluster.users[user].controls(device, delay),
        _ => false,
    };
    drop(cluster);
    text(StatusCode::OK, if allowed { "AUTHORIZED" } else { "UN-AUTHORIZED" })
}

fn text(status: StatusCode, body: &'static str) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/html;charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

const BODY_LIMIT: usize = 64 * 1024;
