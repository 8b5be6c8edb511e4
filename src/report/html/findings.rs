//! The findings of the audit, and phones that need work, each with its remedy.

use std::collections::BTreeMap;

use crate::domain::audit::AuditedPhone;
use crate::domain::device_name::DeviceName;
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::push_action::PushAction;
use crate::domain::text::{grouped, names};
use crate::event::PhoneResult;
use crate::report::causes::causes;
use crate::report::html::filter_link::filter_link;
use crate::report::html::section::{TextPart, clean, parts};
use crate::report::text::printable;
use crate::report::wording;

#[derive(Clone, Debug)]
pub(super) struct FindingRow {
    pub(super) code: &'static str,
    /// The verdict of a phone with this finding.
    pub(super) verdict: &'static str,
    pub(super) warning: bool,
    pub(super) number: String,
    pub(super) remedies: Vec<Remedy>,
    pub(super) more: usize,
}

/// A remedy with its phones.
#[derive(Clone, Debug)]
pub(super) struct Remedy {
    pub(super) cluster: String,
    pub(super) number: String,
    pub(super) message: String,
    pub(super) remedy: Vec<TextPart>,
    pub(super) phones: String,
}

/// Phones with the same outcome and the same remedy.
#[derive(Clone, Debug)]
pub(super) struct ToDo {
    pub(super) outcome: &'static str,
    pub(super) title: &'static str,
    /// The filters that select phones with this outcome.
    pub(super) link: String,
    pub(super) cluster: String,
    pub(super) number: String,
    pub(super) reason: String,
    pub(super) remedy: Vec<TextPart>,
    pub(super) phones: String,
}

/// Returns findings by code: by severity, then by number of phones. Each phone comes with the name of its cluster, which is
/// empty where there is only one.
pub(super) fn findings<'a>(
    phones: impl Iterator<Item = (&'a str, &'a AuditedPhone)>,
) -> Vec<FindingRow> {
    let mut codes: BTreeMap<Code, Vec<Found<'_>>> = BTreeMap::new();
    for (cluster, phone) in phones {
        for finding in &phone.findings {
            let found = Found { cluster, phone: phone.name(), finding };
            codes.entry(finding.code).or_default().push(found);
        }
    }
    let mut rows: Vec<_> = codes.into_iter().collect();
    rows.sort_by_key(|(_, found)| {
        let heaviest = found.iter().map(|found| found.finding.severity).max();
        std::cmp::Reverse((heaviest, found.len()))
    });
    rows.into_iter().filter_map(|(code, found)| finding_row(code, &found)).collect()
}

/// A finding, and the phone that has it.
#[derive(Clone, Copy)]
struct Found<'a> {
    cluster: &'a str,
    phone: &'a DeviceName,
    finding: &'a Finding,
}

fn finding_row(code: Code, found: &[Found<'_>]) -> Option<FindingRow> {
    let severity = found.iter().map(|found| found.finding.severity).max()?;
    let mut groups: BTreeMap<(&str, &str), Vec<Found<'_>>> = BTreeMap::new();
    for found in found {
        let key = (found.cluster, found.finding.remedy.as_str());
        groups.entry(key).or_default().push(*found);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, found)| std::cmp::Reverse(found.len()));
    let more = groups.len().saturating_sub(MOST_REMEDIES);
    let remedies = groups.into_iter().take(MOST_REMEDIES).map(|((cluster, remedy), found)| {
        let phones: Vec<&DeviceName> = found.iter().map(|found| found.phone).collect();
        let message = one_or_such_as(found.iter().map(|found| found.finding.message.as_str()));
        Remedy {
            cluster: cluster.to_owned(),
            number: grouped(phones.len()),
            message: clean(&message),
            remedy: parts(&printable(remedy)),
            phones: clean(&names(&phones)),
        }
    });
    Some(FindingRow {
        code: code.as_str(),
        verdict: severity.verdict().as_str(),
        warning: severity == Severity::Warning,
        number: grouped(found.len()),
        remedies: remedies.collect(),
        more,
    })
}

/// Groups phones by outcome and remedy, the largest group first. Returns also how many groups were left out.
pub(super) fn to_do<'a>(
    action: PushAction,
    phones: impl Iterator<Item = (&'a str, &'a PhoneResult)>,
) -> (Vec<ToDo>, usize) {
    let causes = causes(phones);
    let more = causes.len().saturating_sub(MOST_TO_DO);
    let shown = causes.into_iter().take(MOST_TO_DO).map(|cause| {
        let reason = match &cause.reasons()[..] {
            [] => String::new(),
            [(only, _)] => only.clone(),
            [(first, _), ..] => format!("for example: {first}"),
        };
        let named: Vec<&DeviceName> = cause.phones.iter().map(|phone| &phone.name).collect();
        ToDo {
            outcome: cause.outcome.as_str(),
            title: wording::outcome_title(action, cause.outcome),
            link: filter_link(&[("cluster", cause.cluster), ("outcome", cause.outcome.as_str())]),
            cluster: cause.cluster.to_owned(),
            number: grouped(named.len()),
            reason: clean(&reason),
            remedy: parts(&printable(&cause.remedy)),
            phones: clean(&names(&named)),
        }
    });
    (shown.collect(), more)
}

/// Returns the text if all are equal, or the first one as an example.
fn one_or_such_as<'a>(mut texts: impl Iterator<Item = &'a str>) -> String {
    let first = texts.next().unwrap_or_default();
    if texts.all(|text| text == first) { first.to_owned() } else { format!("for example: {first}") }
}

/// How many remedies of one finding are shown.
const MOST_REMEDIES: usize = 4;

/// How many kinds of failures are shown.
const MOST_TO_DO: usize = 12;
