//! AXL: from a request's bytes to an operation, and from its outcome to an answer.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;

use super::config::Fault;
use super::fault::soap_request;
use super::fault::{AXL, SOAP, SoapFault};
use super::fleet_content::AxlRole;
use super::hold_point::Tripped;
use super::limits::{Limits, Overload};
use super::responses::{
    broken, error_page, fault, html, large, retry_after, truncated, unauthorized, version_refused,
};
use super::shared::Shared;
use super::state::Cluster;
use super::xml::Node;
use super::{operations, schema};

/// The answer to a request that is refused.
pub(crate) type Refused = Box<Response>;

/// Answers a request. Its `SOAPAction` is not looked at: real clusters accept those without an operation and with
/// another version, too.
pub(crate) fn answer(shared: &Shared, user: usize, body: &Bytes) -> Result<Response, Refused> {
    let invalid = |error: String, name: &str| Box::new(fault(&SoapFault::invalid(error), name));
    let root = Node::read(body).map_err(|error| invalid(error, "unknown"))?;
    let request = soap_request(&root).map_err(|error| invalid(error, "unknown"))?;
    let name = request.name.as_str();
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let Some(asked) = namespace.strip_prefix(AXL) else {
        let error = format!("element {name} is in the namespace {namespace:?}");
        return Err(invalid(error, name));
    };
    let versions = shared.cluster().config.release.axl_versions();
    let lowest = versions.last().copied().unwrap_or("1.0");
    let schema_version = match asked {
        // The version that every release answers; it behaves as the lowest that it supports.
        "1.0" => lowest,
        _ if versions.contains(&asked) => asked,
        _ => return Err(Box::new(version_refused(versions))),
    };
    let version = schema::version_number(schema_version);
    let Some(operation) = schema::operation(name) else {
        // A real cluster may have it.
        return Err(Box::new(fault(&SoapFault::cannot(name), name)));
    };
    if schema::since(name) > version {
        let unknown = SoapFault::server(-1, "No method found for processing request");
        return Err(Box::new(fault(&unknown, name)));
    }
    admit(&mut shared.cluster(), user, name, operation.writes)?;
    let sequence = sequence_attribute(request).map_err(|error| invalid(error, name))?;
    schema::check(request, &operation.request, version, None)
        .map_err(|error| invalid(error, name))?;
    let (outcome, limits) = carry_out(shared, version, user, request)?;
    // From schema 14 on the instance namespace is declared once, at the top of the answer.
    let instance = if version >= 1400 { XSI_DECLARATION } else { "" };
    let head = format!(
        "<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"{SOAP}\"><soapenv:Body><ns:{name}Response xmlns:ns=\"{namespace}\"{instance}{sequence}>"
    );
    let document = outcome.map(|mut inner| {
        inner.insert_str(0, &head);
        // Writing into a String cannot fail.
        let _ = write!(inner, "</ns:{name}Response></soapenv:Body></soapenv:Envelope>");
        inner
    });
    Ok(send(shared, name, operation.writes, document, &limits))
}

fn send(
    shared: &Shared,
    name: &str,
    writes: bool,
    outcome: Result<String, SoapFault>,
    limits: &Limits,
) -> Response {
    let document = match outcome {
        Ok(document) => document,
        Err(mut error) => {
            return match error.partial.take() {
                Some(partial) if limits.overload != Overload::Fault => {
                    shared.cluster().count("overload");
                    overloaded(limits.overload, partial, name)
                }
                Some(_) | None => fault(&error, name),
            };
        }
    };
    let mut cluster = shared.cluster();
    cluster.answered(name);
    let breaks = if writes { Fault::WriteWithoutAnswer } else { Fault::Truncated };
    let breaks = cluster.fault_due(name, breaks);
    drop(cluster);
    if breaks {
        return truncated(document);
    }
    match shared.memory.reserve(limits, document.len()) {
        Some(memory) => large(shared.cluster().answer_bytes(name, document), memory),
        None => {
            shared.cluster().count("memory fault");
            overloaded(limits.overload, document, name)
        }
    }
}

/// Counts a request, and refuses it if it may not be made, or if something was to go wrong now.
fn admit(cluster: &mut Cluster, user: usize, name: &str, writes: bool) -> Result<(), Refused> {
    cluster.count(name);
    let number = cluster.axl_requests + 1;
    cluster.axl_requests = number;
    if let Some(fault) = cluster.faults_by_number.remove(&number) {
        cluster.faults.insert((Some(name.to_owned()), fault), 1);
    }
    if writes && cluster.users[user].axl < AxlRole::Full {
        return Err(Box::new(unauthorized()));
    }
    let limits = cluster.config.limits;
    let busy = if writes { Fault::BusyWrite } else { Fault::BusyRead };
    let injected = cluster.fault_due(name, busy).then(|| limits.scaled(BUSY));
    let throttled = if writes { cluster.notifications.wait(&limits) } else { None };
    if throttled.is_some() {
        cluster.count("write throttle");
    }
    if let Some(wait) = throttled.or(injected) {
        let message = "The service is temporarily unavailable.";
        let mut response = html(StatusCode::SERVICE_UNAVAILABLE, message);
        if limits.retry_after {
            retry_after(&mut response, wait);
        }
        return Err(Box::new(response));
    }
    if cluster.fault_due(name, Fault::HtmlWithOk) {
        let page = "Cisco Unified Communications Manager is starting.";
        return Err(Box::new(html(StatusCode::OK, page)));
    }
    if cluster.fault_due(name, Fault::ErrorPage) {
        return Err(Box::new(error_page()));
    }
    if cluster.fault_due(name, Fault::DatabaseLocked) {
        return Err(Box::new(fault(&SoapFault::database_locked(), name)));
    }
    if !writes && cluster.fault_due(name, Fault::MemoryFault) {
        return Err(Box::new(fault(&SoapFault::memory(), name)));
    }
    Ok(())
}

/// Carries an operation out: a write under the lock, a read on a copy of the database.
///
/// Nothing else happens between what was planned for before a write and the write itself.
fn carry_out(
    shared: &Shared,
    version: u16,
    user: usize,
    request: &Node,
) -> Result<(Result<String, SoapFault>, Limits), Refused> {
    let mut cluster = shared.cluster();
    let after = match cluster.arrived(&request.name) {
        Some(before) if before.when == Tripped::Before => return Err(Box::new(before.hold())),
        other => other,
    };
    let shuffle = cluster.config.shuffle_lists.then(|| cluster.requests.values().sum());
    let odd_nulls = cluster.config.odd_nulls;
    let call = operations::call::Call { version, shuffle, odd_nulls, user, request };
    let limits = cluster.config.limits;
    let outcome = match operations::write(&mut cluster, &call) {
        Some(outcome) => {
            drop(cluster);
            outcome
        }
        None => {
            let database = Arc::clone(&cluster.database);
            drop(cluster);
            operations::read(&database, &call)
        }
    };
    match after {
        Some(after) => Err(Box::new(after.hold())),
        None => Ok((outcome, limits)),
    }
}

/// Refuses a read that needs too much, in the way that this cluster does.
fn overloaded(overload: Overload, document: String, name: &str) -> Response {
    match overload {
        Overload::Fault => fault(&SoapFault::memory(), name),
        Overload::Truncated => truncated(document),
        Overload::Dropped => broken(),
    }
}

/// Returns the request's `sequence` attribute as the answer echoes it.
fn sequence_attribute(request: &Node) -> Result<String, String> {
    let mut echoed = String::new();
    for attribute in &request.attributes {
        let digits =
            !attribute.value.is_empty() && attribute.value.bytes().all(|b| b.is_ascii_digit());
        // It concerns gateways only.
        let gateway = attribute.name == "isMGCP" && request.name == "doDeviceReset";
        if attribute.qualified || gateway {
            continue;
        }
        if attribute.name != "sequence" || !digits {
            return Err(format!("attribute {} is not allowed on {}", attribute.name, request.name));
        }
        echoed = format!(" sequence=\"{}\"", attribute.value);
    }
    Ok(echoed)
}

const BUSY: Duration = Duration::from_secs(30);
const XSI_DECLARATION: &str = " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
