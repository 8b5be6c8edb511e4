//! Values that a client of the older service writes elsewhere in the body and refers to, as SOAP encoding allows
//! (SOAP 1.1, 5.2.1): clients that Microsoft's and Sun's tools generated write them so.

use std::collections::HashMap;

use crate::sim::fault::SOAP;
use crate::sim::xml::Node;

/// Returns an envelope whose request has the values instead of references to them.
pub(super) fn resolved(mut root: Node) -> Result<Node, &'static str> {
    let is_body = |node: &&mut Node| node.name == "Body" && node.namespace.as_deref() == Some(SOAP);
    if let Some(body) = root.children.iter_mut().find(is_body)
        && let [request, values @ ..] = body.children.as_slice()
        && !values.is_empty()
        && values.iter().all(|value| value.attribute("id").is_some())
    {
        let values = values.iter().filter_map(|value| Some((value.attribute("id")?, value)));
        let mut left = MOST_ELEMENTS;
        body.children = vec![filled(request, &values.collect(), DEEPEST, &mut left)?];
    }
    Ok(root)
}

fn filled(
    node: &Node,
    values: &HashMap<&str, &Node>,
    levels: usize,
    left: &mut usize,
) -> Result<Node, &'static str> {
    // Values that refer to each other have no end.
    const TOO_MANY: &str = "the request has too many references";
    let levels = levels.checked_sub(1).ok_or(TOO_MANY)?;
    *left = left.checked_sub(1).ok_or(TOO_MANY)?;
    let id = node.attribute("href").and_then(|href| href.strip_prefix('#'));
    let value = match id {
        Some(id) => values.get(id).copied().ok_or("the request refers to a value that it lacks")?,
        None => node,
    };
    let children = value.children.iter().map(|child| filled(child, values, levels, left));
    Ok(Node {
        namespace: node.namespace.clone(),
        name: node.name.clone(),
        attributes: value.attributes.clone(),
        text: value.text.clone(),
        children: children.collect::<Result<_, _>>()?,
    })
}

/// More than a request with the most items has.
const MOST_ELEMENTS: usize = 4_000;
const DEEPEST: usize = 16;
