//! The WSDLs that clients download before they ask: RisPort70's schema is `risport70.xsd`, and the older service's WSDL is
//! `risport.wsdl`.

use std::fmt::Write as _;

use super::selection::NAMESPACE;
use super::service::{OPERATIONS, PATH};
use crate::sim::xml::escape_into;

/// Returns the older service's WSDL for a server at `host`.
pub(super) fn legacy(host: &str) -> String {
    let mut name = String::new();
    escape_into(&mut name, host);
    LEGACY.replace("{host}", &name)
}

/// Returns RisPort70's WSDL for a server at `host`, as the client wrote it.
pub(super) fn document(host: &str) -> String {
    let mut name = String::new();
    escape_into(&mut name, host);
    // The schema is embedded without its declaration.
    let schema = SCHEMA.split_once("?>").map_or(SCHEMA, |(_, schema)| schema);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<wsdl:definitions xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\" xmlns:ast=\"{NAMESPACE}\" targetNamespace=\"{NAMESPACE}\">\n<wsdl:types>{schema}</wsdl:types>\n"
    );
    let (mut messages, mut port, mut binding) = (String::new(), String::new(), String::new());
    for operation in OPERATIONS {
        let response = if *operation == "selectCtiItem" {
            "selectCtiItemResponse"
        } else {
            "selectCmDeviceResponse"
        };
        // Writing into a String cannot fail.
        let _ = writeln!(
            messages,
            "<wsdl:message name=\"{operation}Request\"><wsdl:part name=\"parameters\" element=\"ast:{operation}\"/></wsdl:message>\n<wsdl:message name=\"{operation}Response\"><wsdl:part name=\"parameters\" element=\"ast:{response}\"/></wsdl:message>"
        );
        let _ = writeln!(
            port,
            "<wsdl:operation name=\"{operation}\"><wsdl:input message=\"ast:{operation}Request\"/><wsdl:output message=\"ast:{operation}Response\"/></wsdl:operation>"
        );
        let _ = writeln!(
            binding,
            "<wsdl:operation name=\"{operation}\"><soap:operation soapAction=\"{operation}\" style=\"document\"/><wsdl:input><soap:body use=\"literal\"/></wsdl:input><wsdl:output><soap:body use=\"literal\"/></wsdl:output></wsdl:operation>"
        );
    }
    let _ = writeln!(
        out,
        "{messages}<wsdl:portType name=\"RisPortType\">\n{port}</wsdl:portType>\n<wsdl:binding name=\"RisBinding\" type=\"ast:RisPortType\">\n<soap:binding transport=\"http://schemas.xmlsoap.org/soap/http\" style=\"document\"/>\n{binding}</wsdl:binding>\n<wsdl:service name=\"RISService70\"><wsdl:port name=\"RisPort70\" binding=\"ast:RisBinding\"><soap:address location=\"https://{name}{PATH}\"/></wsdl:port></wsdl:service>\n</wsdl:definitions>"
    );
    out
}

const LEGACY: &str = include_str!("risport.wsdl");
/// What the arrays of the older service use of SOAP encoding, so that clients need not download it elsewhere.
pub(super) const ENCODING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <xsd:schema xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" targetNamespace=\"http://schemas.xmlsoap.org/soap/encoding/\">\n\
    <xsd:attribute name=\"arrayType\" type=\"xsd:string\"/>\n\
    <xsd:complexType name=\"Array\"><xsd:sequence>\
    <xsd:any namespace=\"##any\" minOccurs=\"0\" maxOccurs=\"unbounded\" processContents=\"lax\"/>\
    </xsd:sequence><xsd:anyAttribute namespace=\"##any\" processContents=\"lax\"/></xsd:complexType>\n\
    </xsd:schema>\n";
pub(super) const SCHEMA: &str = include_str!("risport70.xsd");
