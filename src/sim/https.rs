//! The HTTPS side of the cluster: paths, credentials, status codes, then AXL or RisPort70.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use tokio::time::Instant;

use super::accounts::Login;
use super::config::Release;
use super::fleet_content::AxlRole;
use super::hold_point::is_held;
use super::responses::{broken, html, respond, unauthorized};
use super::shared::Shared;
use super::{axl, risport};

pub(crate) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if shared.cluster().services_from.is_some_and(|from| Instant::now() < from) {
        shared.cluster().count("http 404");
        return html(StatusCode::NOT_FOUND, "The requested resource is not available.");
    }
    let axl = match parts.uri.path() {
        UDS_VERSION if parts.method == Method::GET => return uds_version(&shared),
        "/axl/" => true,
        risport::PATH => false,
        _ => return html(StatusCode::NOT_FOUND, "The requested resource is not available."),
    };
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return html(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.");
    };
    // Large documents are read and written there, so that phones are served meanwhile.
    let work = Arc::clone(&shared);
    let done = tokio::task::spawn_blocking(move || {
        enter(&work, axl, &parts.method, &parts.headers, &body)
    });
    let mut response = done.await.unwrap_or_else(|_panicked_or_cancelled| {
        html(StatusCode::INTERNAL_SERVER_ERROR, "The simulator could not finish.")
    });
    if is_held(&response) {
        // A client that goes away takes this with it.
        shared.stop.cancelled().await;
        return broken();
    }
    if response.status() != StatusCode::OK {
        shared.cluster().count(&format!("http {}", response.status().as_u16()));
    }
    // CUCM hides what it is.
    response.headers_mut().insert("server", HeaderValue::from_static(""));
    response
}

fn enter(
    shared: &Shared,
    axl: bool,
    method: &Method,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mut cluster = shared.cluster();
    let (user, session) = match cluster.log_in(text("cookie"), text("authorization")) {
        Login::User(user, session) => (user, session),
        Login::Expired => return html(StatusCode::NOT_FOUND, "The session has expired."),
        Login::Refused => return unauthorized(),
    };
    let allowed = if axl {
        cluster.users[user].axl > AxlRole::None
    } else {
        cluster.users[user].serviceability
    };
    drop(cluster);
    let mut response = if !allowed {
        html(StatusCode::FORBIDDEN, "Access to the requested resource has been denied")
    } else if *method == Method::GET && axl {
        landing_page()
    } else if *method != Method::POST {
        html(StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed for this resource.")
    } else if axl {
        axl::answer(shared, user, text("soapaction"), body).unwrap_or_else(|refused| *refused)
    } else {
        risport::answer(shared, body)
    };
    if let Some(session) = session {
        for cookie in ["JSESSIONIDSSO", "JSESSIONID"] {
            let path = if cookie == "JSESSIONID" && axl { "/axl" } else { "/" };
            let text = format!("{cookie}={session}; Path={path}; Secure; HttpOnly");
            if let Ok(value) = HeaderValue::from_str(&text) {
                response.headers_mut().append(SET_COOKIE, value);
            }
        }
    }
    response
}

/// Answers with the version without credentials, as the user data service does; published clients read the
/// attribute.
fn uds_version(shared: &Shared) -> Response {
    let mut cluster = shared.cluster();
    cluster.count("cucm-uds/version");
    let (release, upgrading) = (cluster.config.release, cluster.config.upgrading);
    drop(cluster);
    let version = release.version();
    let short = version.rsplit_once('.').map_or(version, |(short, _)| short);
    // Which releases report it, and whether as an element or an attribute, is believed.
    let upgrade = if release >= Release::R12_5 {
        format!("<upgradeInProgress>{upgrading}</upgradeInProgress>")
    } else {
        String::new()
    };
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\
         <versionInformation version=\"{short}\">{upgrade}</versionInformation>"
    );
    respond(StatusCode::OK, "application/xml", Body::from(document))
}

fn landing_page() -> Response {
    const PAGE: &str = "<html>\n<head>\n<title>Cisco CallManager: AXL Web Service</title>\n</head>\n<body>\n\
        <h1>Cisco CallManager: AXL Web Service</h1>\n<p>The AXL Web Service is working and accepting requests. \
        Use HTTP POST to send a request.</p>\n</body>\n</html>\n";
    respond(StatusCode::OK, "text/html;charset=UTF-8", Body::from(PAGE))
}

const UDS_VERSION: &str = "/cucm-uds/version";
/// Larger than any list of devices that a user can have.
pub(crate) const BODY_LIMIT: usize = 32 * 1024 * 1024;
