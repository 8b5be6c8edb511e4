//! What a person reads at a glance at the end of a command.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment};

use crate::domain::audit::{Audit, AuditedPhone};
use crate::domain::device_name::DeviceName;
use crate::domain::finding::{Code, Verdict};
use crate::domain::payload_kind::ToneFormat;
use crate::domain::plan::Plan;
use crate::domain::text::{names, pluralize as counted_noun};
use crate::event::{Outcome, PhoneResult};
use crate::report::changes::changes_summary;
use crate::report::other_downloads::download_warnings;
use crate::report::run_report::RunReport;
use crate::report::table::{finished, plain_table};
use crate::report::text::printable;
use crate::report::wording;

/// How many failed phones a recap lists; the report has them all.
const MAX_FAILURES: usize = 40;

/// How wide a recap's tables get, in characters: it goes to terminals, files and mails alike. Only long names
/// of device pools need more lines then.
const WIDTH: u16 = 80;

const MAX_GROUPS: usize = 10;

/// The recap of an audit: by verdict, by device pool, by finding.
pub fn audit_recap(audit: &Audit) -> String {
    let mut text = format!(
        "Audit of {} on {}\n",
        counted_noun(audit.summary.all.total, "phone"),
        printable(&audit.cluster.name)
    );
    text.push_str(&remarks(&audit.remarks));
    text.push_str(&verdicts(audit));
    text.push_str(&findings(audit));
    text.push_str(&pictures(audit));
    text.push_str(&to_do(audit));
    text
}

/// The recap of a run that pushes: what was found, what was changed, what came of it, what is left to do.
pub fn rollout_recap(report: &RunReport) -> String {
    run_recap(report, false)
}

/// The same; with every device and every phone that was changed by name where `details` are asked for.
pub(super) fn run_recap(report: &RunReport, details: bool) -> String {
    let place = match &report.audit {
        Some(audit) => format!("on {}", printable(&audit.cluster.name)),
        None => "by address".to_owned(),
    };
    let pushed = printable(report.file.as_deref().unwrap_or_default());
    let spent = report.finished_at().duration_since(report.run.began_at).as_secs_f64();
    let heading = wording::heading(&report.run.command, report.action, &pushed, &pushed_of(report));
    let mut text = format!("{heading} {place} in {spent:.1} s\n");
    text.push_str(&remarks(report.remarks()));
    text.push_str(&remarks(&download_warnings(&report.phones)));
    if let Some(audit) = &report.audit {
        text.push_str(&verdicts(audit));
        text.push_str(&findings(audit));
        text.push_str(&pictures(audit));
        text.push_str(&to_do(audit));
        text.push_str(&changes_summary(&report.changes, details));
    }
    text.push_str(&ring_tones(&report.phones));
    text.push_str(&outcomes(report));
    text.push_str(&failures(report));
    if let Some(stopped) = report.stopped() {
        push_line(&mut text, &format!("\nStopped early: {}", printable(stopped)));
    }
    text
}

/// What a plan leaves as it is: phones that are ready already, and those that a person must look at.
///
/// It stands below [`crate::report::plan_diff`], and says what an empty plan alone would hide.
pub fn plan_recap(plan: &Plan, audit: &Audit) -> String {
    let by_verdict = Verdict::ALL.iter().filter_map(|verdict| {
        let count = audit.summary.all.verdicts.get(verdict).copied().filter(|count| *count > 0)?;
        Some(format!("{count} {verdict}"))
    });
    let mut text = format!(
        "Of {}: {}.\n",
        counted_noun(audit.summary.all.total, "selected phone"),
        by_verdict.collect::<Vec<_>>().join(", ")
    );
    let left: usize = [Verdict::Offline, Verdict::Blocked, Verdict::Unsupported]
        .iter()
        .filter_map(|verdict| audit.summary.all.verdicts.get(verdict))
        .sum();
    if plan.changes.is_empty() && left > 0 {
        push_line(
            &mut text,
            &format!(
                "{} cannot be pushed to, and no change here would help.",
                counted_noun(left, "phone")
            ),
        );
    }
    text.push_str(&excluded(audit));
    text.push_str(&pictures(audit));
    text.push_str(&to_do(audit));
    text
}

/// The phones of a dry run without a cluster: each with what would be done.
pub fn planned_recap(phones: &[PhoneResult]) -> String {
    let mut table = plain_table(Some(WIDTH));
    table.set_header(["name", "address", "model", ""]);
    for phone in phones {
        let what = match (phone.outcome, &phone.reason) {
            (Outcome::Pending, _) | (_, None) => "would be pushed to".to_owned(),
            (outcome, Some(reason)) => format!("{}: {reason}", outcome.as_str()),
        };
        let address = phone.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let row = [phone.name.to_string(), address, phone.model.clone(), what];
        table.add_row(row.map(|cell| printable(&cell).into_owned()));
    }
    finished(table)
}

/// Phones that the plan does not touch although something could be repaired about them.
fn excluded(audit: &Audit) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in audit.phones.iter().filter_map(AuditedPhone::excluded) {
        *reasons.entry(&finding.message).or_default() += 1;
    }
    let mut text = String::new();
    for (why, count) in reasons {
        let phones = counted_noun(count, "phone");
        push_line(
            &mut text,
            &format!("Skipped, and nothing is changed for them: {phones}, because {why}."),
        );
    }
    text
}

/// Blocked phones by the finding that blocks them, with what to do.
fn to_do(audit: &Audit) -> String {
    let mut groups: BTreeMap<(Code, &str), Vec<&DeviceName>> = BTreeMap::new();
    let blocked = audit.phones.iter().filter(|phone| phone.verdict == Verdict::Blocked);
    for phone in blocked.filter(|phone| phone.excluded().is_none()) {
        if let Some(worst) = phone.worst() {
            groups.entry((worst.code, worst.remedy.as_str())).or_default().push(phone.name());
        }
    }
    if groups.is_empty() {
        return String::new();
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, phones)| std::cmp::Reverse(phones.len()));
    let more = groups.len().saturating_sub(MAX_GROUPS);
    let mut text = "\nBlocked, and what to do\n".to_owned();
    for ((code, remedy), phones) in groups.into_iter().take(MAX_GROUPS) {
        let line = format!("  {} {code}: {}", counted_noun(phones.len(), "phone"), names(&phones));
        push_line(&mut text, &printable(&line));
        push_line(&mut text, &format!("    -> {}", printable(remedy)));
    }
    if more > 0 {
        push_line(&mut text, &format!("  and {more} more reasons: see `axlpaper audit`"));
    }
    text
}

/// How many phones were pushed to, of how many.
fn pushed_of(report: &RunReport) -> String {
    let left = |outcome| matches!(outcome, Outcome::Skipped | Outcome::Pending);
    let pushed = report.phones.iter().filter(|phone| !left(phone.outcome)).count();
    let all = counted_noun(report.phones.len(), "phone");
    if pushed == report.phones.len() { all } else { format!("{pushed} of {all}") }
}

fn remarks(remarks: &[String]) -> String {
    let mut text = String::new();
    for remark in remarks {
        push_line(&mut text, &format!("  ! {}", printable(remark)));
    }
    text
}

fn verdicts(audit: &Audit) -> String {
    let mut table = plain_table(Some(WIDTH));
    let mut header = vec!["By device pool".to_owned()];
    header.extend(Verdict::ALL.iter().map(ToString::to_string));
    header.push("total".to_owned());
    table.set_header(header);
    for (pool, counts) in &audit.summary.by_device_pool {
        table.add_row(counted(pool, &Verdict::ALL, &counts.verdicts, counts.total));
    }
    let all = &audit.summary.all;
    if audit.summary.by_device_pool.len() != 1 {
        table.add_row(counted("all", &Verdict::ALL, &all.verdicts, all.total));
    }
    format!("\n{}", finished(table))
}

fn findings(audit: &Audit) -> String {
    let found: Vec<(Code, usize)> = audit
        .summary
        .all
        .findings
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(code, n)| (*code, *n))
        .collect();
    if found.is_empty() {
        return String::new();
    }
    let rows = found.into_iter().map(|(code, count)| (code.as_str().to_owned(), count, None));
    counted_table(&["By finding", "phones"], rows)
}

fn outcomes(report: &RunReport) -> String {
    let summary = report.summary();
    let found = summary.outcomes.iter().filter(|(_, count)| **count > 0);
    let found = found.map(|(outcome, count)| (outcome.as_str().to_owned(), *count, None));
    let list = counted_table(&["By outcome", "phones"], found);
    let mut table = plain_table(Some(WIDTH));
    table.set_header([
        if summary.by_device_pool.is_empty() { "Phones" } else { "By device pool" },
        "verified",
        "accepted",
        "failed",
        "pending",
        "skipped",
        "total",
    ]);
    for (pool, counts) in &summary.by_device_pool {
        table.add_row(grouped(pool, counts));
    }
    if summary.by_device_pool.len() != 1 {
        table.add_row(grouped("all", &summary.outcomes));
    }
    format!("{list}\n{}", finished(table))
}

/// One row with all kinds of failures in one column, so that it fits a terminal.
fn grouped(name: &str, counts: &BTreeMap<Outcome, usize>) -> Vec<Cell> {
    let mut columns: BTreeMap<usize, usize> = BTreeMap::new();
    for (outcome, count) in counts {
        let column = match outcome {
            Outcome::Verified => 0,
            Outcome::Accepted => 1,
            Outcome::Rejected
            | Outcome::AuthFailed
            | Outcome::Unreachable
            | Outcome::BadReply
            | Outcome::WrongDevice => 2,
            Outcome::Pending => 3,
            Outcome::Skipped => 4,
        };
        *columns.entry(column).or_default() += count;
    }
    counted(name, &[0, 1, 2, 3, 4], &columns, counts.values().sum())
}

/// Says how a run ended in which nothing failed.
fn nothing_failed(report: &RunReport) -> String {
    let outcomes = report.summary().outcomes;
    let count = |outcome| outcomes.get(&outcome).copied().unwrap_or_default();
    let (verified, accepted) = (count(Outcome::Verified), count(Outcome::Accepted));
    let (action, proof) = (report.action, wording::proof_of(&report.phones));
    match (verified, accepted) {
        (0, 0) => format!("\n{}.\n", wording::no_phone(action)),
        (1, 0) => format!("\nThe {} is verified.\n", wording::noun(action)),
        (n, 0) => format!("\nAll {n} {} are verified.\n", wording::nouns(action)),
        (n, accepted) => {
            let proven = match n {
                0 => String::new(),
                n => format!("{} verified. ", counted_noun(n, wording::noun(action))),
            };
            let unknown = wording::unverifiable(action, proof).unwrap_or_default();
            let phones = counted_noun(accepted, "phone");
            format!("\n{proven}{phones} {}. {unknown}\n", wording::accepted(action))
        }
    }
}

fn failures(report: &RunReport) -> String {
    let failures: Vec<&PhoneResult> = report.failures().collect();
    if failures.is_empty() {
        return nothing_failed(report);
    }
    let proof = wording::proof_of(&report.phones);
    let mut text = format!("\nPhones: {}\n", wording::failed(report.action, proof));
    for phone in failures.iter().take(MAX_FAILURES) {
        let place = format!("{} ({})", phone.name, about(phone));
        push_line(&mut text, &format!("  {:<12} {}", phone.outcome.as_str(), printable(&place)));
        if let Some(reason) = &phone.reason {
            push_line(&mut text, &format!("    {}", printable(reason)));
        }
        if let Some(error) = phone.phone_error.as_ref().filter(|error| !error.raw.is_empty()) {
            push_line(&mut text, &format!("    reply: {}", printable(&error.raw)));
        }
        if let Some(remedy) = &phone.remedy {
            push_line(&mut text, &format!("    -> {}", printable(remedy)));
        }
    }
    if let Some(more) = failures.len().checked_sub(MAX_FAILURES).filter(|more| *more > 0) {
        push_line(&mut text, &format!("  … and {more} more: see the report"));
    }
    text
}

/// Model and device pool; the address where no pool is known.
fn about(phone: &PhoneResult) -> String {
    let address = phone.ip.map(|ip| ip.to_string()).unwrap_or_default();
    let place = if phone.device_pool.is_empty() { &address } else { &phone.device_pool };
    let known = [phone.model.as_str(), place].into_iter().filter(|text| !text.is_empty());
    known.collect::<Vec<_>>().join(", ")
}

/// A row for every picture that rules chose: how many of the phones that show pictures get it, and in which device
/// pools. Empty where no rule chose anything.
fn pictures(audit: &Audit) -> String {
    let mut by_picture: BTreeMap<Option<&str>, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for phone in &audit.phones {
        let Some(image) = &phone.image else { continue };
        let (count, pools) = by_picture.entry(image.picture.as_deref()).or_default();
        *count += 1;
        pools.insert(&phone.phone.device_pool);
    }
    if by_picture.keys().all(Option::is_none) {
        return String::new();
    }
    let rows = by_picture.into_iter().rev().map(|(picture, (count, pools))| {
        (picture.unwrap_or("none: no rule is for them").to_owned(), count, Some(pools))
    });
    counted_table(&["By picture", "phones", "device pools"], rows)
}

/// A row for every version of a ring tone that was pushed: to how many phones, and of which models. Empty where none
/// was.
fn ring_tones(phones: &[PhoneResult]) -> String {
    let mut versions: BTreeMap<ToneFormat, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for phone in phones.iter().filter(|phone| phone.attempts > 0) {
        let Some(format) = phone.ring_tone else { continue };
        let (count, models) = versions.entry(format).or_default();
        *count += 1;
        models.insert(&phone.model);
    }
    if versions.is_empty() {
        return String::new();
    }
    let rows = versions.into_iter().map(|(format, (count, models))| {
        (format!("{} (.{})", format.as_str(), format.extension()), count, Some(models))
    });
    counted_table(&["By ring tone", "phones", "models"], rows)
}

/// A table of what there is, how many phones have it, and names of what they belong to.
fn counted_table<'a>(
    header: &[&str],
    rows: impl Iterator<Item = (String, usize, Option<BTreeSet<&'a str>>)>,
) -> String {
    let mut table = plain_table(None);
    table.set_header(header);
    for (what, count, belong) in rows {
        let mut row =
            vec![Cell::new(printable(&what)), Cell::new(count).set_alignment(CellAlignment::Right)];
        row.extend(belong.map(|all| {
            let all: Vec<&str> = all.into_iter().collect();
            Cell::new(printable(&names(&all)))
        }));
        table.add_row(row);
    }
    format!("\n{}", finished(table))
}

fn counted<K: Ord>(name: &str, keys: &[K], counts: &BTreeMap<K, usize>, total: usize) -> Vec<Cell> {
    let number = |n: usize| {
        let text = if n == 0 { "·".to_owned() } else { n.to_string() };
        Cell::new(text).set_alignment(CellAlignment::Right)
    };
    let mut row = vec![Cell::new(printable(name))];
    row.extend(keys.iter().map(|key| number(counts.get(key).copied().unwrap_or_default())));
    row.push(number(total));
    row
}

fn push_line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _unfailing = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Summary;
    use crate::domain::finding::{Finding, Severity};
    use crate::domain::inventory::ClusterInfo;
    use crate::report::testing::audited;

    fn blocked(name: &str) -> AuditedPhone {
        let findings = vec![Finding {
            code: Code::NoIpAddress,
            severity: Severity::Blocked,
            message: "it has no address".into(),
            remedy: "restart it".into(),
        }];
        AuditedPhone { verdict: Verdict::Blocked, findings, ..audited(name) }
    }

    #[test]
    fn a_plan_without_changes_says_who_is_left_out() {
        let cluster = ClusterInfo {
            name: "lab".into(),
            host: "pub:8443".into(),
            version: "14.0".into(),
            axl_version: "14.0".into(),
        };
        let taken_at = jiff::Timestamp::UNIX_EPOCH;
        let plan = Plan {
            cluster: cluster.clone(),
            made_at: taken_at,
            id: "1".into(),
            fingerprint: String::new(),
            changes: Vec::new(),
        };
        let mut phones: Vec<_> = (1..=7).map(|n| blocked(&format!("SEP{n}"))).collect();
        phones[0].phone.device_pool = "a pool whose name has the most characters, fifty!".into();
        let summary = Summary::of(&phones);
        let audit = Audit { cluster, taken_at, summary, phones, remarks: Vec::new() };
        let narrow = audit_recap(&audit);
        assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
        assert!(
            narrow.contains("a pool whose name has") && narrow.contains("unsupported"),
            "{narrow}"
        );
        let text = plan_recap(&plan, &audit);
        assert!(text.starts_with("Of 7 selected phones: 7 blocked.\n7 phones cannot"), "{text}");
        assert!(
            text.contains("7 phones no_ip_address: SEP1, SEP2, SEP3, SEP4, SEP5 and 2 more"),
            "{text}"
        );
        assert!(text.contains("-> restart it"), "{text}");
    }
}
