//! The HTTPS side of the cluster: paths, credentials, status codes, then AXL or RisPort70.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use futures::StreamExt as _;

use super::accounts::Login;
use super::config::Fault;
use super::content::AxlRole;
use super::fault::{SOAP, SoapFault};
use super::operations;
use super::state::Cluster;
use super::xml::Node;
use super::{Shared, risport, schema};

/// Answers one request to the TLS port.
pub(crate) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let axl = match parts.uri.path() {
        "/axl/" => true,
        risport::PATH => false,
        _ => return html(StatusCode::NOT_FOUND, "The requested resource is not available."),
    };
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return html(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.");
    };
    let mut cluster = shared.cluster();
    let mut response = enter(&shared, &mut cluster, axl, &parts.method, &parts.headers, &body);
    if response.status() != StatusCode::OK {
        cluster.count(&format!("http {}", response.status().as_u16()));
    }
    drop(cluster);
    // CUCM hides what it is.
    response.headers_mut().insert("server", HeaderValue::from_static(""));
    response
}

fn enter(
    shared: &Shared,
    cluster: &mut Cluster,
    axl: bool,
    method: &Method,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
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
    let mut response = if !allowed {
        html(StatusCode::FORBIDDEN, "Access to the requested resource has been denied")
    } else if *method == Method::GET && axl {
        landing_page()
    } else if *method != Method::POST {
        html(StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed for this resource.")
    } else if axl {
        axl_request(cluster, user, text("soapaction"), body)
    } else {
        risport::answer(cluster, shared.ris_per_minute, shared.ris_fault_with_200, body)
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

fn axl_request(cluster: &mut Cluster, user: usize, action: Option<&str>, body: &Bytes) -> Response {
    let root = match std::str::from_utf8(body)
        .map_err(|e| e.to_string())
        .and_then(|text| Node::parse(text).map_err(|error| error.to_string()))
    {
        Ok(root) => root,
        Err(error) => return fault(&SoapFault::invalid(error), "unknown"),
    };
    let request = match soap_request(&root) {
        Ok(request) => request,
        Err(error) => return fault(&SoapFault::invalid(error), "unknown"),
    };
    let name = request.name.as_str();
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let Some(asked) = namespace.strip_prefix(AXL_NAMESPACE) else {
        let error = format!("element {name} is in the namespace {namespace:?}");
        return fault(&SoapFault::invalid(error), name);
    };
    let versions = cluster.release.axl_versions();
    let lowest = versions.last().copied().unwrap_or("1.0");
    let schema_version = match asked {
        // The version that every release answers; it behaves as the lowest that it supports.
        "1.0" => lowest,
        _ if versions.contains(&asked) => asked,
        _ => return version_refused(versions),
    };
    if let Err(error) = action_agrees(action, asked, name) {
        return fault(&SoapFault::invalid(error), name);
    }
    let Some(operation) = schema::operation(name) else {
        return fault(&SoapFault::server(-1, "No method found for processing request"), name);
    };
    cluster.count(name);
    if operation.writes && cluster.users[user].axl < AxlRole::Full {
        return unauthorized();
    }
    if cluster.strikes(name, if operation.writes { Fault::BusyWrite } else { Fault::BusyRead }) {
        return html(StatusCode::SERVICE_UNAVAILABLE, "The service is temporarily unavailable.");
    }
    if cluster.strikes(name, Fault::HtmlWithOk) {
        return html(StatusCode::OK, "Cisco Unified Communications Manager is starting.");
    }
    if !operation.writes && cluster.strikes(name, Fault::MemoryFault) {
        return fault(&SoapFault::memory(), name);
    }
    let version = schema::version_number(schema_version);
    let sequence = match sequence_attribute(request) {
        Ok(sequence) => sequence,
        Err(error) => return fault(&SoapFault::invalid(error), name),
    };
    if let Err(error) = schema::check(request, &operation.request, version, None) {
        return fault(&SoapFault::invalid(error), name);
    }
    let call = operations::Call { version, user, request };
    let inner = match operations::run(cluster, &call) {
        Ok(inner) => inner,
        Err(error) => return fault(&error, name),
    };
    // From schema 14 on the instance namespace is declared once, at the top of the answer.
    let instance = if version >= 1400 { XSI_DECLARATION } else { "" };
    let document = format!(
        "<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"{SOAP}\"><soapenv:Body><ns:{name}Response xmlns:ns=\"{namespace}\"{instance}{sequence}>{inner}</ns:{name}Response></soapenv:Body></soapenv:Envelope>"
    );
    if !operation.writes && cluster.strikes(name, Fault::Truncated)
        || operation.writes && cluster.strikes(name, Fault::WriteWithoutAnswer)
    {
        return truncated(document);
    }
    xml(StatusCode::OK, document)
}

/// Returns the one element in the SOAP body.
pub(crate) fn soap_request(root: &Node) -> Result<&Node, String> {
    let is = |node: &Node, name| node.name == name && node.namespace.as_deref() == Some(SOAP);
    if !is(root, "Envelope") {
        return Err(format!("{} is no SOAP 1.1 envelope", root.name));
    }
    let mut parts = root.children.iter();
    let mut part = parts.next();
    if part.is_some_and(|node| is(node, "Header")) {
        part = parts.next();
    }
    match (part, parts.next()) {
        (Some(body), None) if is(body, "Body") => match body.children.as_slice() {
            [request] => Ok(request),
            requests => Err(format!("the SOAP body holds {} elements", requests.len())),
        },
        _ => Err("the SOAP envelope holds no body, or more than one".to_owned()),
    }
}

/// Checks a `SOAPAction` such as `"CUCM:DB ver=14.0 listPhone"` against the body, as far as it says something.
fn action_agrees(action: Option<&str>, version: &str, operation: &str) -> Result<(), String> {
    let words = action.unwrap_or_default().trim().trim_matches('"');
    let mut words = words.split_whitespace().skip_while(|word| !word.starts_with("ver="));
    let Some(told) = words.next().and_then(|word| word.strip_prefix("ver=")) else {
        return Ok(());
    };
    if told != version {
        return Err(format!("SOAPAction says version {told}, the namespace says {version}"));
    }
    match words.next() {
        Some(name) if name != operation => {
            Err(format!("SOAPAction says {name}, the body says {operation}"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Returns the request's `sequence` attribute as the answer echoes it.
fn sequence_attribute(request: &Node) -> Result<String, String> {
    let mut echoed = String::new();
    for attribute in &request.attributes {
        let digits =
            !attribute.value.is_empty() && attribute.value.bytes().all(|b| b.is_ascii_digit());
        if attribute.qualified {
            continue;
        }
        if attribute.name != "sequence" || !digits {
            return Err(format!("attribute {} is not allowed on {}", attribute.name, request.name));
        }
        echoed = format!(" sequence=\"{}\"", attribute.value);
    }
    Ok(echoed)
}

pub(crate) fn xml(status: StatusCode, document: String) -> Response {
    respond(status, "text/xml;charset=UTF-8", Body::from(document))
}

/// Answers with a SOAP fault: HTTP 500, in chunks, as Tomcat does.
pub(crate) fn fault(fault: &SoapFault, operation: &str) -> Response {
    let document = Ok::<_, std::io::Error>(Bytes::from(fault.document(operation)));
    let body = Body::from_stream(futures::stream::iter([document]));
    respond(StatusCode::INTERNAL_SERVER_ERROR, "text/xml;charset=UTF-8", body)
}

/// Answers with the first half of a document, then breaks the connection.
fn truncated(document: String) -> Response {
    let mut half = document.len() / 2;
    while !document.is_char_boundary(half) {
        half -= 1;
    }
    let first = Ok(Bytes::from(document[..half].to_owned()));
    let then = async {
        // The server sends what it has whenever it must wait: without this the client would see
        // nothing at all.
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    };
    let chunks = futures::stream::iter([first]).chain(futures::stream::once(then));
    let body = Body::from_stream(chunks);
    respond(StatusCode::OK, "text/xml;charset=UTF-8", body)
}

fn html(status: StatusCode, message: &str) -> Response {
    let page = format!(
        "<!-- custom Cisco error page --><html>\n<body>\n<div id=content-header>\nHTTP Status {} - {message}\n</div>\n<p><b>Message:</b> {message}<br>\n</body>\n</html>\n",
        status.as_u16()
    );
    respond(status, "text/html;charset=utf-8", Body::from(page))
}

fn unauthorized() -> Response {
    let mut response = html(StatusCode::UNAUTHORIZED, "This request requires HTTP authentication.");
    let realm = HeaderValue::from_static("Basic realm=\"Cisco VTG Realm\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, realm);
    response
}

/// Refuses a schema version: HTTP 599 in one of the two wordings that were published.
fn version_refused(versions: &[&str]) -> Response {
    let mut listed: Vec<&str> = versions.iter().rev().copied().collect();
    let modern = versions.first().is_some_and(|version| schema::version_number(version) >= 1400);
    let message = if modern {
        // 12.0 and 12.5 are told as one.
        let twelve = |version: &&str| version.starts_with("12.");
        if listed.iter().filter(|version| twelve(version)).count() > 1 {
            let at = listed.iter().position(twelve).unwrap_or(0);
            listed.retain(|version| !twelve(version));
            listed.insert(at, "12.x");
        }
        format!("Incorrect axl version. Supported axl versions are {}", enumerate(&listed))
    } else {
        listed.insert(0, "1.0");
        format!(
            "The specified version is not available.  Available versions are {}",
            enumerate(&listed)
        )
    };
    // The status is a constant in the range that HTTP allows.
    html(StatusCode::from_u16(599).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &message)
}

fn enumerate(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn landing_page() -> Response {
    const PAGE: &str = "<html>\n<head>\n<title>Cisco CallManager: AXL Web Service</title>\n</head>\n<body>\n\
        <h1>Cisco CallManager: AXL Web Service</h1>\n<p>The AXL Web Service is working and accepting requests. \
        Use HTTP POST to send a request.</p>\n</body>\n</html>\n";
    respond(StatusCode::OK, "text/html;charset=UTF-8", Body::from(PAGE))
}

fn respond(status: StatusCode, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

const AXL_NAMESPACE: &str = "http://www.cisco.com/AXL/API/";
const XSI_DECLARATION: &str = " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
/// Larger than any list of devices that a user can have.
const BODY_LIMIT: usize = 32 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_may_say_nothing_but_nothing_wrong() {
        for good in [
            None,
            Some(""),
            Some("\"CUCM:DB ver=14.0 listPhone\""),
            Some("CUCM:DB ver=14.0"),
            Some("CUCM:DB"),
        ] {
            action_agrees(good, "14.0", "listPhone").unwrap();
        }
        assert!(action_agrees(Some("CUCM:DB ver=12.5 listPhone"), "14.0", "listPhone").is_err());
        assert!(action_agrees(Some("CUCM:DB ver=14.0 getPhone"), "14.0", "listPhone").is_err());
    }

    #[test]
    fn lists_versions_in_words() {
        assert_eq!(enumerate(&["12.x", "14.0", "15.0"]), "12.x, 14.0 and 15.0");
        assert_eq!(enumerate(&["1.0"]), "1.0");
    }
}
