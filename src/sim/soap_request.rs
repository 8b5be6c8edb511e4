//! The envelope of a SOAP 1.1 request.

use super::fault::SOAP;
use super::xml::Node;

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
