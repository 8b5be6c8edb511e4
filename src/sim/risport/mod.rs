//! RisPort70, and the older RisPort: the registrations that the cluster's nodes report.

mod cti;
mod document;
mod encoded;
mod legacy;
mod record;
mod selection;
mod service;
mod wsdl;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use tokio::time::Instant;

use super::config::{Fault, RisPort};
use super::fault::serviceability_fault;
use super::fault::soap_request;
use super::responses::{broken, error_page, html, respond, retry_after, truncated, xml};
use super::schema;
use super::shared::Shared;
use super::state::Cluster;
use super::xml::Node;
use cti::CtiSelection;
use selection::{NAMESPACE, Selection};
pub(crate) use service::{PATH, Service};

/// Answers a download of a service's WSDL; `host` is the server's name as the client wrote it.
pub(crate) fn wsdl(service: Service, host: &str) -> Response {
    let document = match service {
        Service::RisPort70 => wsdl::document(host),
        Service::RisPort => wsdl::legacy(host),
    };
    respond(StatusCode::OK, "text/xml;charset=UTF-8", Body::from(document))
}

/// Answers a download of the schema that is in the WSDL, or of the one that the WSDL imports.
pub(crate) fn xsd(service: Service) -> Response {
    let document = match service {
        Service::RisPort70 => wsdl::SCHEMA,
        Service::RisPort => wsdl::ENCODING,
    };
    respond(StatusCode::OK, "text/xml;charset=UTF-8", Body::from(document))
}

/// What a request asks for.
enum Asked {
    Devices(Selection),
    Cti(CtiSelection),
}

pub(crate) fn answer(shared: &Shared, service: Service, body: &Bytes) -> Response {
    match shared.config.risport {
        RisPort::Answers => {}
        RisPort::Forbidden => {
            return html(StatusCode::FORBIDDEN, "Access to the requested resource has been denied");
        }
        RisPort::Html => return html(StatusCode::OK, "The service is not activated."),
        RisPort::Closed => return broken(),
    }
    let asked = read(service, body);
    let (name, asked) = match asked {
        Ok(asked) => asked,
        Err(error) => {
            let document = serviceability_fault(false, &error);
            return xml(StatusCode::INTERNAL_SERVER_ERROR, document);
        }
    };
    let mut cluster = shared.cluster();
    if let Err(wait) = within_rate(&mut cluster) {
        return too_often(&mut cluster, shared.config.ris_fault_with_200, &name, wait);
    }
    cluster.count(&name);
    if cluster.fault_due(&name, Fault::ErrorPage) {
        drop(cluster);
        return error_page();
    }
    let cut = cluster.fault_due(&name, Fault::Truncated);
    let triggered = cluster.arrived(&name);
    let database = Arc::clone(&cluster.database);
    drop(cluster);
    // It has no effect, so it makes no difference whether it is carried out.
    if let Some(triggered) = triggered {
        return triggered.hold();
    }
    let document = match (&asked, service) {
        (Asked::Cti(selection), Service::RisPort70) => document::cti(&database, selection),
        (Asked::Cti(selection), Service::RisPort) => legacy::cti(&database, selection),
        (Asked::Devices(selection), Service::RisPort70) => document::document(&database, selection),
        (Asked::Devices(selection), Service::RisPort) => legacy::document(&database, selection),
    };
    shared.cluster().answered(&name);
    if cut {
        return truncated(document);
    }
    let bytes = shared.cluster().answer_bytes(&name, document);
    respond(StatusCode::OK, "text/xml;charset=UTF-8", Body::from(bytes))
}

/// Reads a request: its operation, and what it asks for.
fn read(service: Service, body: &Bytes) -> Result<(String, Asked), String> {
    let mut root = Node::read(body).map_err(|_| "the request is not well-formed XML")?;
    if service == Service::RisPort {
        root = encoded::resolved(root)?;
    }
    let request = soap_request(&root)?;
    let name = request.name.as_str();
    // The older service's stack reads by names alone; the types of encoded elements are not looked at.
    if service == Service::RisPort70 {
        if request.namespace.as_deref() != Some(NAMESPACE) {
            return Err(format!("the namespace of {name} is not {NAMESPACE}"));
        }
        let shape = schema::risport(name);
        let shape = shape.ok_or_else(|| unknown(name))?;
        schema::check(request, shape, 0, Some(NAMESPACE))?;
    }
    let asked = match (service, name) {
        (Service::RisPort70, "selectCtiItem") | (Service::RisPort, "SelectCtiItem") => {
            Asked::Cti(CtiSelection::read(request, service)?)
        }
        (Service::RisPort70, _) | (Service::RisPort, "SelectCmDevice") => {
            Asked::Devices(Selection::read(request, service)?)
        }
        (Service::RisPort, _) => return Err(unknown(name)),
    };
    Ok((name.to_owned(), asked))
}

fn unknown(name: &str) -> String {
    match NOT_SIMULATED.iter().find(|known| known.eq_ignore_ascii_case(name)) {
        Some(_) => format!("The simulator cannot do {name}."),
        None => format!("the operation {name} is unknown"),
    }
}

/// Operations that real services have beside those here (WSDL of RisPort).
const NOT_SIMULATED: [&str; 3] = ["executeCCMSQLStatement", "getServerInfo", "selectCmDeviceSIP"];

fn too_often(cluster: &mut Cluster, with_200: bool, name: &str, wait: Duration) -> Response {
    cluster.count("rate control");
    let limit = cluster.config.limits.ris_per_minute.unwrap_or_default();
    // The spelling, and the action that follows without a blank, are those of the real fault.
    let message = format!(
        "AxisFault: Exceeded allowed rate for Reatime information. Current allowed rate for realtime information is {limit} requests per minute.{name}"
    );
    let status = if with_200 { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    let mut response = xml(status, serviceability_fault(true, &message));
    if cluster.config.limits.retry_after {
        retry_after(&mut response, wait);
    }
    response
}

/// Counts a request unless there were too many in the last minute; then returns how long to wait.
fn within_rate(cluster: &mut Cluster) -> Result<(), Duration> {
    let Some(limit) = cluster.config.limits.ris_per_minute else { return Ok(()) };
    let now = Instant::now();
    let minute = cluster.config.limits.scaled(Duration::from_secs(60));
    let calls = &mut cluster.ris_calls;
    while calls.front().is_some_and(|&call| now.duration_since(call) >= minute) {
        calls.pop_front();
    }
    if calls.len() >= limit as usize {
        let oldest = calls.front().map_or(Duration::ZERO, |&call| now.duration_since(call));
        return Err(minute.saturating_sub(oldest));
    }
    calls.push_back(now);
    Ok(())
}
