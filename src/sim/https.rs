//! The HTTPS side of the cluster: paths, credentials, status codes, then AXL or RisPort70.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use tokio::time::Instant;

use super::accounts::Login;
use super::config::Release;
use super::exchange::{Exchange, LoggedIn};
use super::fault::serviceability_fault;
use super::fleet_content::AxlRole;
use super::hold_point::is_held;
use super::request_body;
use super::responses::{broken, html, respond, unauthorized, xml};
use super::shared::Shared;
use super::{axl, risport, schema};

pub(crate) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = match parts.uri.path() {
        UDS_VERSION if parts.method == Method::GET => Target::Version,
        "/axl/" => Target::Service(Service::Axl),
        WSDL | "/axl" if parts.method == Method::GET => Target::Service(Service::Axl),
        path => match risport::Service::at(path) {
            Some(service) => Target::Service(Service::RisPort(service)),
            None => match NOT_SIMULATED.iter().find(|(prefix, _)| path.starts_with(prefix)) {
                Some((_, true)) => Target::Service(Service::Absent),
                Some((_, false)) => Target::Absent,
                None => Target::Unknown,
            },
        },
    };
    let body = request_body::read(body, BODY_LIMIT, shared.config.request_time).await;
    // Large documents are read and written there, so that phones are served meanwhile.
    let work = Arc::clone(&shared);
    let done = tokio::task::spawn_blocking(move || {
        let exchange =
            Exchange::begin(target.name(), &parts, body.as_ref().unwrap_or(&Bytes::new()));
        (exchange, answer(&work, target, &parts, body.as_ref().map_err(|status| *status)))
    });
    let Ok((exchange, mut response)) = done.await else {
        return html(StatusCode::INTERNAL_SERVER_ERROR, "The simulator could not finish.");
    };
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
    exchange.end(&shared, response)
}

/// Answers a request, or refuses a body that could not be read with a status.
fn answer(
    shared: &Shared,
    target: Target,
    parts: &Parts,
    body: Result<&Bytes, StatusCode>,
) -> Response {
    let starts = shared.cluster().services_from.is_some_and(|from| Instant::now() < from);
    match (target, body) {
        (Target::Service(service), Ok(body)) if !starts => enter(shared, service, parts, body),
        (Target::Version, Ok(_)) if !starts => uds_version(shared),
        (Target::Absent, Ok(_)) if !starts => absent(parts.uri.path()),
        (_, Err(StatusCode::PAYLOAD_TOO_LARGE)) => {
            html(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.")
        }
        (_, Err(StatusCode::REQUEST_TIMEOUT)) => {
            html(StatusCode::REQUEST_TIMEOUT, "The request did not arrive in time.")
        }
        (_, Err(status)) => html(status, "The body of the request could not be read."),
        (Target::Service(_) | Target::Version | Target::Absent | Target::Unknown, Ok(_)) => {
            html(StatusCode::NOT_FOUND, "The requested resource is not available.")
        }
    }
}

/// What a path of the cluster leads to.
#[derive(Clone, Copy)]
enum Target {
    Service(Service),
    /// `/cucm-uds/version`, which needs no credentials.
    Version,
    /// A service that real clusters have and that answers without a log-in.
    Absent,
    Unknown,
}

/// A service that needs a log-in.
#[derive(Clone, Copy)]
enum Service {
    Axl,
    RisPort(risport::Service),
    /// A service that real clusters have.
    Absent,
}

impl Target {
    /// Returns its name in the record.
    fn name(self) -> &'static str {
        match self {
            Self::Service(Service::Axl) => "axl",
            Self::Service(Service::RisPort(_)) => "risport",
            Self::Version => "cucm-uds",
            Self::Service(Service::Absent) | Self::Absent | Self::Unknown => "unknown",
        }
    }
}

fn enter(shared: &Shared, service: Service, parts: &Parts, body: &Bytes) -> Response {
    let Parts { method, headers, uri, .. } = parts;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mut cluster = shared.cluster();
    let (user, session) = match cluster.log_in(text("cookie"), text("authorization")) {
        Login::User(user, session) => (user, session),
        Login::Expired => return html(StatusCode::NOT_FOUND, "The session has expired."),
        Login::Refused => return unauthorized(),
    };
    let axl = matches!(service, Service::Axl);
    let (allowed, from) = match service {
        Service::Axl => (cluster.users[user].axl > AxlRole::None, cluster.axl_from),
        Service::RisPort(_) => (cluster.users[user].serviceability, cluster.ris_from),
        Service::Absent => (true, None),
    };
    let logged_in = LoggedIn(cluster.users[user].userid.clone());
    drop(cluster);
    let is_down = from.is_some_and(|from| Instant::now() < from);
    let is_get = [Method::GET, Method::HEAD].contains(method);
    let is_wsdl = is_get && uri.query().is_some_and(|q| q.eq_ignore_ascii_case("wsdl"));
    let is_xsd = is_get && uri.query().is_some_and(|q| q.to_lowercase().starts_with("xsd"));
    let mut response = match service {
        _ if !allowed => {
            html(StatusCode::FORBIDDEN, "Access to the requested resource has been denied")
        }
        _ if is_down => {
            html(StatusCode::SERVICE_UNAVAILABLE, "The service is temporarily unavailable.")
        }
        Service::Absent => absent(uri.path()),
        Service::RisPort(service) if is_wsdl => {
            risport::wsdl(service, text("host").unwrap_or("localhost"))
        }
        Service::RisPort(service) if is_xsd => risport::xsd(service),
        Service::Axl if is_xsd => axl_document(shared, schema::wsdl::xsd),
        Service::Axl if is_wsdl => {
            let host = text("host").unwrap_or("localhost");
            axl_document(shared, |version| schema::wsdl::document(version, host))
        }
        Service::Axl if is_get => landing_page(),
        _ if *method != Method::POST => {
            html(StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed for this resource.")
        }
        Service::Axl => axl::answer(shared, user, body).unwrap_or_else(|refused| *refused),
        Service::RisPort(service) => risport::answer(shared, service, body),
    };
    response.extensions_mut().insert(logged_in);
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

/// Refuses a service that the simulator does not have by its name.
fn absent(path: &str) -> Response {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let group = parts.next().unwrap_or_default();
    let name = parts.find(|part| *part != "services").unwrap_or(group);
    let (service, hint) = match group {
        "cucm-uds" => ("cucm-uds", String::new()),
        "realtimeservice" | "realtimeservice2" => {
            (name, format!(" RisPort70 is at {}.", risport::PATH))
        }
        _ => (name, String::new()),
    };
    let message = format!("The simulator cannot do the service {service}.{hint}");
    xml(StatusCode::INTERNAL_SERVER_ERROR, serviceability_fault(false, &message))
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

/// Answers with what describes the newest AXL version that the cluster has.
fn axl_document(shared: &Shared, document: impl FnOnce(&str) -> String) -> Response {
    let versions = shared.cluster().config.release.axl_versions();
    let newest = versions.first().copied().unwrap_or("1.0");
    xml(StatusCode::OK, document(newest))
}

fn landing_page() -> Response {
    const PAGE: &str = "<html>\n<head>\n<title>Cisco CallManager: AXL Web Service</title>\n</head>\n<body>\n\
        <h1>Cisco CallManager: AXL Web Service</h1>\n<p>The AXL Web Service is working and accepting requests. \
        Use HTTP POST to send a request.</p>\n</body>\n</html>\n";
    respond(StatusCode::OK, "text/html;charset=UTF-8", Body::from(PAGE))
}

/// Where clients ask for the WSDL.
const WSDL: &str = "/axl/AXLAPIService";
/// Services of real clusters that the simulator does not have, by the beginning of their paths, and whether they ask for
/// a log-in by HTTP.
const NOT_SIMULATED: [(&str, bool); 14] = [
    ("/CDRonDemandService/", true),
    ("/CDRonDemandService2/", true),
    ("/controlcenterservice/", true),
    ("/controlcenterservice2/", true),
    ("/cucm-uds/", false),
    ("/emservice/", false),
    ("/logcollectionservice/", true),
    ("/logcollectionservice2/", true),
    ("/perfmonservice/", true),
    ("/perfmonservice2/", true),
    ("/platform-services/", true),
    ("/realtimeservice/", true),
    ("/realtimeservice2/", true),
    ("/webdialer/", false),
];
const UDS_VERSION: &str = "/cucm-uds/version";
/// Larger than any list of devices that a user can have.
pub(crate) const BODY_LIMIT: usize = 32 * 1024 * 1024;
