//! Directory numbers: `addLine`, `updateLine`, `removeLine`, `getLine` and `listLine`.
//!
//! The phones of the fleet have numbers that were never added; they are lines, too. There are no partitions.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::call::{Answer, Call, Criteria, answered_tags, returned_tags, rows, written};
use super::field_rules::{check_number, check_references};
use super::row::Row;
use crate::sim::change_log::ChangedTag;
use crate::sim::edits::{PhoneEdit, field_value, keep};
use crate::sim::fault::SoapFault;
use crate::sim::state::{Cluster, Database};
use crate::sim::values::uuid;
use crate::sim::xml::{Node, element_into};

pub(super) fn add(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let request = call.request.child("line");
    let request = request.ok_or_else(|| SoapFault::invalid("there is no line"))?;
    no_partition(request)?;
    let number = request.child_text("pattern").unwrap_or_default();
    if number.is_empty() {
        return Err(SoapFault::invalid("the pattern is empty"));
    }
    check_number(number)?;
    check_fields(cluster, request)?;
    if numbers(cluster).contains(number) {
        // The code was published (`addLine`); the wording is the simulator's own.
        return Err(SoapFault::server(4052, format!("The line {number} exists already.")));
    }
    let at = cluster.lines.find_or_add(number, Default::default);
    write(cluster, at, request, 'a');
    written(cluster, call, number.to_owned(), 1);
    Ok(format!("<return>{}</return>", uuid("line", number)))
}

/// Keeps the fields of a line that are sent; a line that is on a phone only becomes one of its own.
pub(super) fn update(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let number = find(cluster, call.request)?.ok_or_else(|| SoapFault::no_target("Line"))?;
    for tag in ["newPattern", "newRoutePartitionName"] {
        if call.request.child_text(tag).is_some_and(|text| !text.is_empty()) {
            return Err(SoapFault::cannot(&format!("{tag} of a line")));
        }
    }
    check_fields(cluster, call.request)?;
    let at = cluster.lines.find_or_add(&number, Default::default);
    write(cluster, at, call.request, 'u');
    let id = uuid("line", &number);
    written(cluster, call, number, 1);
    Ok(format!("<return>{id}</return>"))
}

fn check_fields(cluster: &Database, request: &Node) -> Result<(), SoapFault> {
    if let Some(usage) = request.child_text("usage").filter(|usage| *usage != "Device") {
        return Err(SoapFault::cannot(&format!("a line with the usage {usage}")));
    }
    request.children.iter().try_for_each(|field| check_references(cluster, field))
}

/// Removes a line, from phones too.
pub(super) fn remove(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let number = find(cluster, call.request)?.ok_or_else(|| SoapFault::no_target("Line"))?;
    for at in cluster.order.clone() {
        let device = &cluster.devices[at];
        if device.numbers(at).any(|found| found == number) {
            let left = device.lines(at).into_iter().filter(|line| line.number != number);
            cluster.edit_phone(at, vec![PhoneEdit::Lines(left.collect())]);
        }
    }
    if let Some(at) = cluster.lines.find(&number) {
        cluster.lines.remove(at);
    }
    let id = uuid("line", &number);
    cluster.note_change("Line", id.clone(), 'r', Vec::new());
    written(cluster, call, number, 1);
    Ok(format!("<return>{id}</return>"))
}

pub(super) fn one(cluster: &Database, call: &Call<'_>) -> Answer {
    let number = find(cluster, call.request)?.ok_or_else(|| SoapFault::not_found("Line"))?;
    let line_at = cluster.lines.find(&number);
    let fields = line_at.map(|at| cluster.lines.entries[at].value.clone()).unwrap_or_default();
    let tags = answered_tags(call, ALL_TAGS, &fields);
    let mut out = String::from("<return>");
    line(&mut out, cluster, &number, &tags, call);
    out.push_str("</return>");
    Ok(out)
}

pub(super) fn list(cluster: &Database, call: &Call<'_>) -> Answer {
    let criteria = Criteria::read(call.request)?;
    let tags = returned_tags(call.request).unwrap_or_default();
    let numbers = numbers(cluster);
    let matching = numbers.iter().filter(|number| {
        criteria.fit(|field| match field {
            "pattern" => number,
            "usage" => "Device",
            // `routePartitionName` is the last one of the schema.
            _ => field_text(cluster, number, field),
        })
    });
    rows(cluster, call.request, matching, |out, number| line(out, cluster, number, &tags, call))
}

/// Refuses a partition: there is none.
pub(super) fn no_partition(node: &Node) -> Result<(), SoapFault> {
    match node.child("routePartitionName") {
        Some(name) if !name.text.trim().is_empty() => {
            Err(SoapFault::not_found(&format!("RoutePartition {}", name.text.trim())))
        }
        Some(_) | None => Ok(()),
    }
}

/// Returns all directory numbers: those of phones, and those that were added.
pub(super) fn numbers(cluster: &Database) -> BTreeSet<Cow<'_, str>> {
    let of_phones = cluster.order.iter().flat_map(|&at| cluster.devices[at].numbers(at));
    let added = cluster.lines.entries.iter().map(|line| Cow::Borrowed(line.name.as_str()));
    of_phones.chain(added).collect()
}

fn find(cluster: &Database, request: &Node) -> Result<Option<String>, SoapFault> {
    no_partition(request)?;
    let wanted = |number: &Cow<'_, str>| match request.child_text("uuid") {
        Some(id) => uuid("line", number).eq_ignore_ascii_case(id),
        None => request.child_text("pattern") == Some(number),
    };
    Ok(numbers(cluster).into_iter().find(wanted).map(Cow::into_owned))
}

fn write(cluster: &mut Cluster, at: usize, request: &Node, action: char) {
    let mut tags = Vec::new();
    for field in &request.children {
        if !["pattern", "uuid", "routePartitionName", "usage"].contains(&field.name.as_str()) {
            tags.push(ChangedTag::new(&field.name, field_value(field)));
            keep(&mut cluster.lines.entries[at].value, field.clone());
        }
    }
    let id = cluster.lines.entries[at].uuid.clone();
    let tags = if action == 'u' { tags } else { Vec::new() };
    cluster.note_change("Line", id, action, tags);
}

fn field_text<'a>(cluster: &'a Database, number: &str, tag: &str) -> &'a str {
    let line = cluster.lines.find(number);
    let field = line.and_then(|at| cluster.lines.entries[at].value.get(tag));
    field.map_or("", |node| node.text.trim())
}

fn line(out: &mut String, cluster: &Database, number: &str, tags: &[&str], call: &Call<'_>) {
    // Writing into a String cannot fail.
    let _ = write!(out, "<line uuid=\"{}\">", uuid("line", number));
    let fields = cluster.lines.find(number).map(|at| &cluster.lines.entries[at].value);
    let mut row = Row::new(out, number.len(), call);
    for &tag in tags {
        match tag {
            "pattern" => row.text(tag, number),
            "usage" => row.text(tag, "Device"),
            "associatedDevices" => {
                let mut list = String::new();
                for &at in &cluster.order {
                    if cluster.devices[at].numbers(at).any(|found| found == number) {
                        element_into(&mut list, "device", &cluster.devices[at].spec.name);
                    }
                }
                row.markup(&format!("<{tag}>{list}</{tag}>"));
            }
            _ => match fields.and_then(|fields| fields.get(tag)) {
                Some(field) => row.kept(field),
                None if tag.ends_with("Name") => row.reference::<()>(tag, None),
                None => row.null(tag),
            },
        }
    }
    out.push_str("</line>");
}

/// What `getLine` answers to a request without `returnedTags`.
const ALL_TAGS: &str = "pattern description usage routePartitionName callForwardAll callForwardBusy \
    callForwardNoAnswer alertingName asciiAlertingName associatedDevices";
