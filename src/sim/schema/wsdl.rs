//! The WSDL of AXL, with its schema, for the operations that the simulator has: derived from the field tables.
//!
//! A real cluster offers its WSDL as a download from the administration pages; clients that ask the service for it get
//! this one.

use std::fmt::Write as _;

use super::notation::{self, Field, Item, Kind};
use super::{tables, version_number};
use crate::sim::fault::AXL;

/// Returns the WSDL for an AXL version such as `14.0` and a server at `host`.
pub(crate) fn document(version: &str, host: &str) -> String {
    let schema = schema(version);
    let (mut messages, mut port, mut binding) = (String::new(), String::new(), String::new());
    for name in operations(version_number(version)) {
        // Writing into a String cannot fail.
        let _ = writeln!(
            messages,
            "<wsdl:message name=\"{name}In\"><wsdl:part name=\"axlParams\" element=\"axl:{name}\"/></wsdl:message>\n<wsdl:message name=\"{name}Out\"><wsdl:part name=\"axlParams\" element=\"axl:{name}Response\"/></wsdl:message>"
        );
        let _ = writeln!(
            port,
            "<wsdl:operation name=\"{name}\"><wsdl:input message=\"s0:{name}In\"/><wsdl:output message=\"s0:{name}Out\"/></wsdl:operation>"
        );
        let _ = writeln!(
            binding,
            "<wsdl:operation name=\"{name}\"><soap:operation soapAction=\"CUCM:DB ver={version} {name}\" style=\"document\"/><wsdl:input><soap:body use=\"literal\"/></wsdl:input><wsdl:output><soap:body use=\"literal\"/></wsdl:output></wsdl:operation>"
        );
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<wsdl:definitions xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:axl=\"{AXL}{version}\" xmlns:s0=\"{SERVICE}\" targetNamespace=\"{SERVICE}\">\n<wsdl:types>\n{schema}\n</wsdl:types>\n{messages}<wsdl:portType name=\"AXLPort\">\n{port}</wsdl:portType>\n<wsdl:binding name=\"AXLAPIBinding\" type=\"s0:AXLPort\">\n<soap:binding transport=\"http://schemas.xmlsoap.org/soap/http\" style=\"document\"/>\n{binding}</wsdl:binding>\n<wsdl:service name=\"AXLAPIService\"><wsdl:port name=\"AXLPort\" binding=\"s0:AXLAPIBinding\"><soap:address location=\"https://{host}/axl/\"/></wsdl:port></wsdl:service>\n</wsdl:definitions>\n"
    )
}

/// Returns the schema alone, as a document.
pub(crate) fn xsd(version: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", schema(version))
}

fn schema(version: &str) -> String {
    let number = version_number(version);
    let mut elements = String::new();
    for name in operations(number) {
        element(&mut elements, name, number);
    }
    format!(
        "<xsd:schema xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:axl=\"{AXL}{version}\" targetNamespace=\"{AXL}{version}\" elementFormDefault=\"unqualified\">\n{TYPES}{elements}</xsd:schema>"
    )
}

/// Returns the operations of a schema version such as 1250.
fn operations(version: u16) -> impl Iterator<Item = &'static str> {
    let all = tables::AXL.iter().map(|(name, ..)| *name);
    all.filter(move |name| super::since(name) <= version)
}

/// Writes the elements of a request and of its answer.
fn element(out: &mut String, name: &str, version: u16) {
    let Some(operation) = super::operation(name) else { return };
    let answer = answer(name, &operation.request);
    for (name, items) in [(name, &operation.request), (&format!("{name}Response"), &answer)] {
        let _ = write!(out, "<xsd:element name=\"{name}\"><xsd:complexType><xsd:sequence>");
        sequence(out, items, version);
        let _ = writeln!(
            out,
            "</xsd:sequence><xsd:attribute name=\"sequence\" type=\"xsd:unsignedLong\"/></xsd:complexType></xsd:element>"
        );
    }
}

/// Returns the shape of an answer: the tags that a request can ask for, or what the operation always answers.
fn answer(name: &str, request: &[Item]) -> Vec<Item> {
    let text = match ANSWERS.iter().find(|(of, _)| *of == name) {
        Some((_, text)) => (*text).to_owned(),
        None => {
            let has_tags = request
                .iter()
                .any(|item| matches!(item, Item::Field(field) if field.name == "returnedTags"));
            let table = tables::AXL.iter().find(|(of, ..)| *of == name).map(|(_, _, text)| *text);
            let tags = table.and_then(|text| text.split_once("returnedTags"));
            match tags.filter(|_| has_tags) {
                Some((_, tags)) => {
                    let fields = group(tags.trim_start_matches('!'));
                    let many = if name.starts_with("list") { "*" } else { "" };
                    format!("return{{{}{many}{fields}}}", object(name))
                }
                None => "return".to_owned(),
            }
        }
    };
    // A test parses the answers of all operations.
    notation::parse(&text, tables::NAMED).unwrap_or_default()
}

/// Returns the group that a text of the notation begins with, in its braces.
fn group(text: &str) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return &text[..=at],
            '}' => depth -= 1,
            _ => {}
        }
    }
    ""
}

/// Returns the element of an object in an answer: `phone` for `listPhone`.
fn object(operation: &str) -> String {
    let name = operation.trim_start_matches("list").trim_start_matches("get");
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn sequence(out: &mut String, items: &[Item], version: u16) {
    for item in items {
        match item {
            Item::Field(field) if field.exists_in(version) => write_field(out, field, version),
            Item::Field(_) => {}
            Item::Choice { options, required } => {
                let least = u8::from(*required);
                let _ = write!(out, "<xsd:choice minOccurs=\"{least}\">");
                for option in options {
                    out.push_str("<xsd:sequence>");
                    sequence(out, option, version);
                    out.push_str("</xsd:sequence>");
                }
                out.push_str("</xsd:choice>");
            }
        }
    }
}

fn write_field(out: &mut String, field: &Field, version: u16) {
    let least = u8::from(field.required);
    let most = if field.many { "unbounded" } else { "1" };
    let Field { name, kind, .. } = field;
    let _ = write!(
        out,
        "<xsd:element name=\"{name}\" minOccurs=\"{least}\" maxOccurs=\"{most}\" nillable=\"true\""
    );
    let simple = match kind {
        Kind::Anything => match name.as_str() {
            "row" => "xsd:anyType",
            "vendorConfig" => "axl:XVendorConfig",
            "changedTag" => "axl:XChangedTag",
            _ => "axl:XAny",
        },
        Kind::Boolean => "axl:boolean",
        Kind::Number if name == "startChangeId" => "axl:StartChangeId",
        Kind::Number => "xsd:unsignedLong",
        Kind::Reference => "axl:XFkType",
        Kind::ChangeType
        | Kind::Integer
        | Kind::OneOf(_)
        | Kind::Pin
        | Kind::Text
        | Kind::TextOf(_)
        | Kind::Uuid => match name.as_str() {
            "loadInformation" => "axl:XLoadInformation",
            _ if is_reference(name) => "axl:XFkType",
            _ => "xsd:string",
        },
        Kind::Group(items) => {
            out.push_str("><xsd:complexType><xsd:sequence>");
            sequence(out, items, version);
            out.push_str("</xsd:sequence>");
            let other = if name == "change" { "type" } else { "ctiid" };
            for attribute in ["uuid", other] {
                let _ = write!(out, "<xsd:attribute name=\"{attribute}\" type=\"xsd:string\"/>");
            }
            out.push_str("</xsd:complexType></xsd:element>");
            return;
        }
    };
    let _ = write!(out, " type=\"{simple}\"/>");
}

/// Returns whether a field names another object, with its UUID as an attribute.
pub(crate) fn is_reference(name: &str) -> bool {
    name.ends_with("Name") && !PLAIN_NAMES.contains(&name)
}

/// Fields whose names end like those of references.
const PLAIN_NAMES: [&str; 13] = [
    "alertingName",
    "asciiAlertingName",
    "callerName",
    "displayName",
    "externalPresentationName",
    "firstName",
    "laapDeviceName",
    "lastName",
    "middleName",
    "newName",
    "processNodeName",
    "profileName",
    "ipv6Name",
];

/// Answers that are no objects with requested tags.
const ANSWERS: &[(&str, &str)] = &[
    ("getCCMVersion", "return{componentVersion{version}}"),
    ("getEnterprisePhoneConfig", "return{enterprisePhoneConfig{vendorConfig{~}}}"),
    ("doAuthenticateUser", "return{userAuthenticated code daysToExpiry isWarningNeeded}"),
    ("executeSQLQuery", "return{row*{~}}"),
    ("executeSQLUpdate", "return{rowsUpdated:number}"),
    (
        "listChange",
        "queueInfo{firstChangeId lastChangeId nextStartChangeId queueId}
        changes{change*{id action serviceType doGet changedTags{changedTag*{~}}}}",
    ),
];

const SERVICE: &str = "http://www.cisco.com/AXLAPIService/";

const TYPES: &str = "<xsd:simpleType name=\"boolean\"><xsd:restriction base=\"xsd:string\"><xsd:pattern value=\"t|f|true|false|0|1\"/></xsd:restriction></xsd:simpleType>\n\
    <xsd:complexType name=\"XFkType\"><xsd:simpleContent><xsd:extension base=\"xsd:string\"><xsd:attribute name=\"uuid\" type=\"xsd:string\"/></xsd:extension></xsd:simpleContent></xsd:complexType>\n\
    <xsd:complexType name=\"XLoadInformation\"><xsd:simpleContent><xsd:extension base=\"xsd:string\"><xsd:attribute name=\"special\" type=\"xsd:string\"/></xsd:extension></xsd:simpleContent></xsd:complexType>\n\
    <xsd:complexType name=\"StartChangeId\"><xsd:simpleContent><xsd:extension base=\"xsd:integer\"><xsd:attribute name=\"queueId\" type=\"xsd:string\" use=\"required\"/></xsd:extension></xsd:simpleContent></xsd:complexType>\n\
    <xsd:complexType name=\"XChangedTag\"><xsd:simpleContent><xsd:extension base=\"xsd:string\"><xsd:attribute name=\"name\" type=\"xsd:string\"/></xsd:extension></xsd:simpleContent></xsd:complexType>\n\
    <xsd:complexType name=\"XVendorConfig\"><xsd:sequence><xsd:any processContents=\"skip\" minOccurs=\"0\" maxOccurs=\"unbounded\"/></xsd:sequence></xsd:complexType>\n\
    <xsd:complexType name=\"XAny\" mixed=\"true\"><xsd:sequence><xsd:any processContents=\"skip\" minOccurs=\"0\" maxOccurs=\"unbounded\"/></xsd:sequence></xsd:complexType>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_an_answer() {
        for (name, writes, _) in tables::AXL {
            let request = &super::super::operation(name).unwrap().request;
            let shape = answer(name, request);
            assert!(!shape.is_empty(), "{name}");
            let Item::Field(first) = &shape[0] else { panic!("{name}") };
            assert!(first.name == "return" || *name == "listChange", "{name}");
            let is_object = matches!(first.kind, Kind::Group(_));
            assert_eq!(is_object, !writes || *name == "executeSQLUpdate", "{name}");
        }
    }

    #[test]
    fn the_objects_of_an_answer_have_the_tags_of_the_request() {
        let text = document("14.0", "cucm-pub:8443");
        roxmltree::Document::parse(&text).unwrap();
        let phones = text.split("name=\"listPhoneResponse\"").nth(1).unwrap();
        let phones = phones.split("</xsd:element>\n").next().unwrap();
        for part in [
            "name=\"phone\" minOccurs=\"0\" maxOccurs=\"unbounded\"",
            "phoneSuite",
            "type=\"axl:XFkType\"",
        ] {
            assert!(phones.contains(part), "{part}");
        }
        for part in [
            "name=\"row\" minOccurs=\"0\" maxOccurs=\"unbounded\" nillable=\"true\" type=\"xsd:anyType\"",
            "type=\"axl:XChangedTag\"",
            "<xsd:attribute name=\"type\" type=\"xsd:string\"/>",
            "name=\"rowsUpdated\"",
        ] {
            assert!(text.contains(part), "{part}");
        }
        assert!(text.contains("location=\"https://cucm-pub:8443/axl/\""));
        assert!(!document("11.5", "h").contains("allowMraMode"));
        assert!(!document("9.1", "h").contains("applyPhone"));
    }
}
