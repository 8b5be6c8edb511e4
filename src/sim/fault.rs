//! The faults that AXL and RisPort70 answer with.

use super::xml::{Node, escape_into};

#[derive(Debug)]
pub(crate) struct SoapFault {
    pub(crate) client: bool,
    pub(crate) code: i32,
    /// `faultstring` and `axlmessage`, which are the same in every published fault.
    pub(crate) message: String,
    /// What had been written of an answer that is too large.
    pub(crate) partial: Option<String>,
    /// The schema version, as `1150`, of whose namespace `axlError` is; without it the element is in none.
    pub(crate) namespace: Option<u16>,
}

impl SoapFault {
    pub(crate) fn server(code: i32, message: impl Into<String>) -> Self {
        Self { client: false, code, message: message.into(), partial: None, namespace: None }
    }

    /// A request that is no valid one. The wording is the simulator's own: none was published.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { client: true, code: -1, message: message.into(), partial: None, namespace: None }
    }

    /// A `get` of something that is not there (wording and code seen in published faults).
    pub(crate) fn not_found(what: &str) -> Self {
        Self::server(5007, format!("Item not valid: The specified {what} was not found"))
    }

    /// A write to something that is not there (code from the AXL Developer Guide; the wording is believed).
    pub(crate) fn no_target(what: &str) -> Self {
        Self::server(5003, format!("Item not valid: The specified {what} was not found"))
    }

    /// An object that is there already (wording and code of Informix).
    pub(crate) fn duplicate() -> Self {
        let message =
            "Could not insert new row - duplicate value in a UNIQUE INDEX column (Unique Index:).";
        Self::server(-239, message)
    }

    /// Something that the simulator does not have and a real cluster may have.
    pub(crate) fn cannot(what: &str) -> Self {
        Self::server(-1, format!("The simulator cannot do {what}."))
    }

    /// An answer above the size limit (wording and code from the AXL Developer Guide). Where not even one row fits,
    /// fewer rows do not help.
    pub(crate) fn too_large(matched: usize, fitting: usize) -> Self {
        if fitting == 0 {
            return Self::memory();
        }
        Self::server(
            -1,
            format!(
                "Query request too large. Total rows matched: {matched} rows. Suggestive Row Fetch: less than {fitting} rows"
            ),
        )
    }

    /// Keeps what had been written of the answer, for clusters that break off instead.
    pub(crate) fn with_partial(self, partial: String) -> Self {
        Self { partial: Some(partial), ..self }
    }

    /// Too many large answers at once (wording and code from the AXL Developer Guide).
    pub(crate) fn memory() -> Self {
        Self::server(
            -1,
            "Maximum AXL Memory Allocation Consumed. Please retry once requests in progress have completed",
        )
    }

    /// A row that is locked (wording and code of Informix).
    pub(crate) fn database_locked() -> Self {
        Self::server(-244, "Could not do a physical-order read to fetch next row.")
    }

    pub(crate) fn document(&self, operation: &str) -> String {
        let side = if self.client { "Client" } else { "Server" };
        let mut message = String::new();
        escape_into(&mut message, &self.message);
        let mut request = String::new();
        escape_into(&mut request, operation);
        let code = self.code;
        let (begin, end) = match self.namespace {
            None => ("axlError".to_owned(), "axlError"),
            Some(version) => {
                let (major, minor) = (version / 100, version % 100 / 10);
                let begin = format!("ns2:axlError xmlns:ns2=\"{AXL}{major}.{minor}\"");
                (begin, "ns2:axlError")
            }
        };
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"{SOAP}\"><soapenv:Body><soapenv:Fault>\
             <faultcode>soapenv:{side}</faultcode><faultstring>{message}</faultstring>\
             <detail><{begin}><axlcode>{code}</axlcode><axlmessage>{message}</axlmessage><request>{request}</request></{end}></detail>\
             </soapenv:Fault></soapenv:Body></soapenv:Envelope>"
        )
    }
}

/// Returns a fault as RisPort70's stack writes it: with an empty detail, or with a code of its own.
pub(crate) fn serviceability_fault(rate_control: bool, message: &str) -> String {
    let mut text = String::new();
    escape_into(&mut text, message);
    let code = if rate_control {
        "<faultcode xmlns:ns1=\"http://xml.apache.org/axis/\">ns1:Server.RateControl</faultcode>"
    } else {
        "<faultcode>soapenv:Server</faultcode>"
    };
    format!(
        "<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"{SOAP}\"><soapenv:Body><soapenv:Fault>{code}<faultstring>{text}</faultstring><detail /></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )
}

/// Namespaces of AXL, without the version.
pub(crate) const AXL: &str = "http://www.cisco.com/AXL/API/";
pub(crate) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

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
