//! What a person reads at a glance at the end of a command.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::domain::audit::{Audit, AuditedPhone};
use crate::domain::device_name::DeviceName;
use crate::domain::finding::{Code, Verdict};
use crate::domain::payload_kind::ToneFormat;
use crate::domain::plan::Plan;
use crate::domain::push_action::PushAction;
use crate::domain::text::{MOST_LINES, and_more, limit_lines, names, pluralize as counted_noun};
use crate::event::{Outcome, PhoneResult};
use crate::report::causes::{Cause, causes};
use crate::report::changes::changes_summary;
use crate::report::other_downloads::download_warnings;
use crate::report::run_report::RunReport;
use crate::report::table::{Layout, aligned, shorten};
use crate::report::text::printable;
use crate::report::wording;

/// How many failed phones with the same trouble a recap lists; the report has them all.
const MAX_FAILURES: usize = 10;

/// How wide the tables of an audit's recap get, in characters: long names are shortened.
const WIDTH: usize = 80;

const MAX_GROUPS: usize = 10;

/// The recap of an audit: by verdict, by device pool, by finding.
pub fn audit_recap(audit: &Audit) -> String {
    let mut text = format!(
        "Audit of {} on {}\n",
        counted_noun(audit.summary.all.total, "phone"),
        printable(&audit.cluster.name)
    );
    text.push_str(&remarks(&audit.remarks));
    text.push_str(&verdicts(audit, WIDTH));
    text.push_str(&findings(audit));
    text.push_str(&pictures(audit));
    text.push_str(&to_do(audit, &[Verdict::Fixable, Verdict::Offline, Verdict::Blocked]));
    text
}

/// The recap of a run that pushes: what was found, what was changed, what came of it, what is left to do. `next` is the
/// command that continues it.
pub fn rollout_recap(report: &RunReport, next: Option<&str>, layout: Layout) -> String {
    let mut text = run_recap(report, next, layout, false);
    let run = report.run.id;
    let next = match next {
        Some(next) => format!("continue with `{}`", printable(next)),
        None => format!("details with `axlpaper show {run}`"),
    };
    push_line(&mut text, &format!("\nRun {run}: {next}"));
    text
}

/// The same without its last line; with every device and every phone that was changed by name where `details` are asked
/// for.
pub(super) fn run_recap(
    report: &RunReport,
    next: Option<&str>,
    layout: Layout,
    details: bool,
) -> String {
    let place = match &report.audit {
        Some(audit) => format!("on {}", printable(&audit.cluster.name)),
        None => "by address".to_owned(),
    };
    let pushed = printable(report.file.as_deref().unwrap_or_default());
    let spent = report.finished_at().duration_since(report.run.began_at).as_secs_f64();
    let heading = wording::heading(&report.run.command, report.action, &pushed, &pushed_of(report));
    let mut text = format!("{heading} {place} in {spent:.1} s\n");
    if let Some(coverage) = report.coverage_text() {
        push_line(&mut text, &format!("{coverage}."));
    }
    text.push_str(&remarks(report.remarks()));
    text.push_str(&remarks(&download_warnings(&report.phones)));
    if let Some(audit) = report.audit.as_ref().filter(|_| report.action == PushAction::Verification)
    {
        text.push_str(&pictures(audit));
    } else if let Some(audit) = &report.audit {
        text.push_str(&verdicts(audit, layout.width.unwrap_or(usize::MAX)));
        text.push_str(&findings(audit));
        text.push_str(&pictures(audit));
        text.push_str(&to_do(audit, &[Verdict::Blocked]));
        text.push_str(&changes_summary(&report.changes, details));
    }
    text.push_str(&ring_tones(&report.phones));
    text.push_str(&outcomes(report, layout));
    text.push_str(&failures(report, next, layout));
    if let Some(stopped) = report.stopped() {
        push_line(&mut text, &format!("\nStopped early: {}", printable(stopped)));
    }
    text
}

/// What a plan leaves as it is: phones that are ready already, and those that a person must look at.
///
/// It follows [`crate::report::plan_diff`], and shows what an empty plan alone would hide.
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
    text.push_str(&to_do(audit, &[Verdict::Blocked]));
    text
}

/// The phones of a dry run without a cluster: each with what would be done.
pub fn planned_recap(phones: &[PhoneResult]) -> String {
    let mut rows = vec![["name", "address", "model", ""].map(str::to_owned).to_vec()];
    rows.extend(phones.iter().map(|phone| {
        let what = match (phone.outcome, &phone.reason) {
            (Outcome::Pending, _) | (_, None) => "would be pushed to".to_owned(),
            (outcome, Some(reason)) => format!("{}: {reason}", outcome.as_str()),
        };
        let address = phone.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let row = [phone.name.to_string(), address, phone.model.clone(), what];
        row.map(|cell| printable(&cell).into_owned()).to_vec()
    }));
    aligned(&rows, |_| false)
}

/// Phones that the plan does not touch although something could be repaired about them.
fn excluded(audit: &Audit) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in audit.phones.iter().filter_map(AuditedPhone::excluded) {
        *reasons.entry(&finding.message).or_default() += 1;
    }
    let line = |(why, count): (&str, usize)| {
        let phones = counted_noun(count, "phone");
        format!("Skipped, and nothing is changed for them: {phones}, because {why}.")
    };
    let lines = reasons.into_iter().map(line).collect();
    let mut text = String::new();
    for line in limit_lines(lines, MAX_GROUPS, "axlpaper audit --format csv") {
        push_line(&mut text, &line);
    }
    text
}

/// Phones of these verdicts by their worst finding, with what to do.
fn to_do(audit: &Audit, verdicts: &[Verdict]) -> String {
    let mut groups: BTreeMap<(Verdict, Code, &str), Vec<&DeviceName>> = BTreeMap::new();
    let meant = audit.phones.iter().filter(|phone| verdicts.contains(&phone.verdict));
    for phone in meant.filter(|phone| phone.excluded().is_none()) {
        if let Some(worst) = phone.worst() {
            let key = (phone.verdict, worst.code, worst.remedy.as_str());
            groups.entry(key).or_default().push(phone.name());
        }
    }
    if groups.is_empty() {
        return String::new();
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, phones)| std::cmp::Reverse(phones.len()));
    let more = groups.len().saturating_sub(MAX_GROUPS);
    let mut text = "\nWhat to do\n".to_owned();
    for ((verdict, code, remedy), phones) in groups.into_iter().take(MAX_GROUPS) {
        let count = counted_noun(phones.len(), "phone");
        let line = format!("  {count} {verdict}, {code}: {}", names(&phones));
        push_line(&mut text, &printable(&line));
        push_line(&mut text, &format!("    -> {}", printable(remedy)));
    }
    if more > 0 {
        push_line(&mut text, &format!("  {}", and_more(more, "axlpaper audit --format csv")));
    }
    text
}

/// How many phones were pushed to, of how many.
fn pushed_of(report: &RunReport) -> String {
    let left = |outcome: Outcome| outcome.is_skipped() || outcome == Outcome::Pending;
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

fn verdicts(audit: &Audit, width: usize) -> String {
    let pools = audit.summary.by_device_pool.iter();
    let mut pools =
        pools.map(|(pool, counts)| (pool.as_str(), counts.verdicts.clone())).collect::<Vec<_>>();
    let more = keep_largest(&mut pools, &[Verdict::Ready]);
    let mut rows: Vec<Vec<String>> = pools
        .iter()
        .map(|(pool, counts)| counted(pool, &Verdict::ALL, counts, counts.values().sum()))
        .collect();
    if audit.summary.by_device_pool.len() != 1 {
        let all = &audit.summary.all;
        rows.push(counted("all", &Verdict::ALL, &all.verdicts, all.total));
    }
    counts_table("By device pool", &Verdict::ALL.map(Verdict::as_str), rows, width) + &more
}

/// Leaves of many device pools those with the most phones that are not `done`. Returns the line that says how many there
/// are besides.
fn keep_largest<K: Copy + Ord>(pools: &mut Vec<(&str, BTreeMap<K, usize>)>, done: &[K]) -> String {
    let more = pools.len().saturating_sub(MOST_LINES);
    if more == 0 {
        return String::new();
    }
    let open = |counts: &BTreeMap<K, usize>| -> usize {
        counts.iter().filter(|(key, _)| !done.contains(key)).map(|(_, count)| count).sum()
    };
    pools.sort_by_key(|(_, counts)| {
        std::cmp::Reverse((open(counts), counts.values().sum::<usize>()))
    });
    pools.truncate(MOST_LINES);
    format!("{}\n", and_more(more, "--format csv"))
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

fn outcomes(report: &RunReport, layout: Layout) -> String {
    let summary = report.summary();
    let mut rows = vec![["By outcome", "phones", "code"].map(str::to_owned).to_vec()];
    rows.extend(summary.outcomes.iter().filter(|(_, count)| **count > 0).map(|(one, count)| {
        let title = wording::outcome_title(report.action, *one);
        vec![layout.paint(one.as_str(), title), count.to_string(), one.as_str().to_owned()]
    }));
    let list = aligned(&rows, |column| column == 1);
    let by_pool = summary.by_device_pool.iter();
    let mut by_pool =
        by_pool.map(|(pool, counts)| (pool.as_str(), counts.clone())).collect::<Vec<_>>();
    let done = [Outcome::Verified, Outcome::Already, Outcome::Accepted];
    let more = keep_largest(&mut by_pool, &done);
    let first = if summary.by_device_pool.is_empty() { "Phones" } else { "By device pool" };
    let names = by_pool.iter().map(|(pool, _)| pool.chars().count());
    let name = names.chain([first.len()]).max().unwrap_or_default();
    let width = layout.width.unwrap_or(usize::MAX);
    let columns = columns(&summary.outcomes, width.saturating_sub(name.min(MOST_OF_NAME)));
    let row = |pool: &str, counts: &BTreeMap<Outcome, usize>| {
        let mut cells: BTreeMap<&str, usize> = BTreeMap::new();
        for (outcome, count) in counts {
            let column = columns.iter().find(|(_, outcomes)| outcomes.contains(outcome));
            *cells.entry(column.map_or("", |(title, _)| title)).or_default() += count;
        }
        let titles: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
        counted(pool, &titles, &cells, counts.values().sum())
    };
    let mut pools: Vec<_> = by_pool.iter().map(|(pool, counts)| row(pool, counts)).collect();
    if summary.by_device_pool.len() != 1 {
        pools.push(row("all", &summary.outcomes));
    }
    let titles: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
    format!("\n{list}{}{more}", counts_table(first, &titles, pools, width))
}

/// Returns the columns of the outcomes by device pool with what each counts: all kinds of failures are one, and what no
/// phone has is none. Where they do not fit, phones that need no action share a column first.
fn columns(counts: &BTreeMap<Outcome, usize>, width: usize) -> Vec<(&'static str, Vec<Outcome>)> {
    let last_to_share =
        [Outcome::NoBackground, Outcome::Excluded, Outcome::Offline, Outcome::NeedsWork];
    let there = Outcome::ALL.into_iter().filter(|one| counts.get(one).is_some_and(|n| *n > 0));
    let there: Vec<Outcome> = there.collect();
    for shared in 0..=last_to_share.len() {
        let mut columns: Vec<(&'static str, Vec<Outcome>)> = Vec::new();
        let mut add = |title: &'static str, outcome: Outcome| match columns
            .iter_mut()
            .find(|(known, _)| *known == title)
        {
            Some((_, outcomes)) => outcomes.push(outcome),
            None => columns.push((title, vec![outcome])),
        };
        for outcome in &there {
            let title = if last_to_share[..shared].contains(outcome) {
                "skipped"
            } else if outcome.is_skipped()
                || outcome.is_open()
                || outcome.is_proven()
                || *outcome == Outcome::Accepted
            {
                outcome.as_str()
            } else {
                "failed"
            };
            add(title, *outcome);
        }
        let needed: usize = columns.iter().map(|(title, _)| title.len() + 2).sum();
        if needed + "  total".len() <= width || shared == last_to_share.len() {
            return columns;
        }
    }
    Vec::new()
}

/// How much of a device pool's name is always shown, in characters.
const MOST_OF_NAME: usize = 16;

/// Says how a run ended in which nothing failed.
fn nothing_failed(report: &RunReport) -> String {
    let outcomes = report.summary().outcomes;
    let count = |outcome| outcomes.get(&outcome).copied().unwrap_or_default();
    let (verified, accepted) = (count(Outcome::Verified), count(Outcome::Accepted));
    let unknown = count(Outcome::NotVerifiable);
    let (action, proof) = (report.action, wording::proof_of(&report.phones));
    match (verified, accepted) {
        (0, 0) if count(Outcome::Already) > 0 => String::new(),
        (0, 0) if unknown > 0 => {
            let was_asked = report.phones.iter().any(|phone| phone.attempts > 0);
            let none = format!("{}. ", wording::no_phone(action));
            let none = if was_asked { "" } else { &none };
            format!("\n{none}{}\n", wording::not_verifiable(unknown))
        }
        (0, 0) => format!("\n{}.\n", wording::no_phone(action)),
        (n, 0) => format!("\n{}\n", wording::all_verified(action, n, unknown)),
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

/// Phones that failed, by cause: one line a phone, and each remedy once. Phones that were not tried are counted.
fn failures(report: &RunReport, next: Option<&str>, layout: Layout) -> String {
    let proof = wording::proof_of(&report.phones);
    let mut text = match report.failures().next() {
        None => nothing_failed(report),
        Some(_) => format!("\nPhones: {}\n", wording::failed(report.action, proof)),
    };
    let unknown = report.phones.iter().filter(|phone| phone.outcome == Outcome::NotVerifiable);
    let all = causes(report.failures().chain(unknown).map(|phone| ("", phone)));
    let (pending, failed): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|cause| cause.outcome == Outcome::Pending);
    for cause in &failed {
        let title = wording::outcome_title(report.action, cause.outcome);
        let title = layout.paint(cause.outcome.as_str(), title);
        let (count, code) = (counted_noun(cause.phones.len(), "phone"), cause.outcome.as_str());
        push_line(&mut text, &format!("  {title} ({code}): {count}"));
        text.push_str(&phone_lines(cause, layout));
        let reasons = cause.reasons();
        for (reason, count) in reasons.iter().take(MAX_REASONS) {
            let count =
                if reasons.len() > 1 { format!("{count} of them: ") } else { String::new() };
            push_line(&mut text, &format!("    {count}{}", printable(reason)));
        }
        let next = next.filter(|_| cause.outcome.is_open()).map(|next| format!("`{next}`"));
        let remedy = next.as_deref().unwrap_or(&cause.remedy);
        if !remedy.is_empty() {
            push_line(&mut text, &format!("    -> {}", printable(remedy)));
        }
    }
    for (cause, (reason, count)) in
        pending.iter().flat_map(|cause| cause.reasons().into_iter().map(move |why| (cause, why)))
    {
        let reason = reason.strip_prefix("not tried: ").unwrap_or(&reason);
        // The line about the stop follows, with the whole of it.
        let is_told = report.stopped().is_some_and(|stopped| stopped.contains(reason));
        let reason = if is_told { String::new() } else { format!(" ({reason})") };
        let step = match next {
            // The command line of a run can be long, and another line has it.
            Some(next) if is_same_again(next, report) => String::new(),
            Some(next) => format!(": `{next}`"),
            None => format!(": {}", cause.remedy),
        };
        push_line(&mut text, &printable(&format!("  {count} not tried{reason}{step}")));
    }
    text
}

/// Tells whether a command is the one that began the run, perhaps with a consent at its end.
fn is_same_again(next: &str, report: &RunReport) -> bool {
    let rest = next.strip_prefix(&report.run.command_line);
    rest.is_some_and(|rest| ["", " --yes"].contains(&rest))
}

/// The first phones of a cause, a line each.
fn phone_lines(cause: &Cause<'_>, layout: Layout) -> String {
    let width = layout.width.unwrap_or(usize::MAX);
    let phones = cause.phones.iter().take(MAX_FAILURES);
    let mut rows: Vec<Vec<String>> = phones.map(|phone| phone_cells(phone)).collect();
    // The description gets the room that the others leave.
    let others = |row: &Vec<String>| {
        row.iter()
            .enumerate()
            .filter(|(at, _)| *at != DESCRIPTION)
            .map(|(_, cell)| cell.chars().count() + 2)
            .sum::<usize>()
    };
    let room = width.saturating_sub(6 + rows.iter().map(others).max().unwrap_or_default());
    for row in &mut rows {
        row[DESCRIPTION] =
            if room < 8 { String::new() } else { shorten(&row[DESCRIPTION], room).into_owned() };
    }
    // What no phone has takes no room.
    let shown: Vec<bool> =
        (0..rows[0].len()).map(|at| rows.iter().any(|row| !row[at].is_empty())).collect();
    for row in &mut rows {
        let mut shown = shown.iter();
        row.retain(|_| *shown.next().unwrap_or(&true));
    }
    let mut text = String::new();
    for line in aligned(&rows, |_| false).lines() {
        push_line(&mut text, &format!("    {line}"));
    }
    if let Some(more) = cause.phones.len().checked_sub(MAX_FAILURES).filter(|more| *more > 0) {
        push_line(&mut text, &format!("    … and {more} more: see the report"));
    }
    text
}

/// Name, extension, description, device pool or address, model and code.
fn phone_cells(phone: &PhoneResult) -> Vec<String> {
    let address = || phone.ip.map(|ip| ip.to_string()).unwrap_or_default();
    let place = if phone.device_pool.is_empty() { address() } else { phone.device_pool.clone() };
    let model = phone.model.strip_prefix("Cisco ").unwrap_or(&phone.model).to_owned();
    let extension = phone.extension.clone().unwrap_or_default();
    let cells =
        [phone.name.to_string(), extension, phone.description.clone(), place, model, phone.code()];
    cells.map(|cell| printable(&cell).into_owned()).to_vec()
}

/// The place of the description in [`phone_cells`].
const DESCRIPTION: usize = 2;

/// How many reasons of one cause are shown.
const MAX_REASONS: usize = 3;

/// A row for every picture that rules chose: how many of the phones that show pictures get it, and in which device
/// pools. Empty where no rule chose anything.
fn pictures(audit: &Audit) -> String {
    let mut by_picture: BTreeMap<Option<&str>, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for phone in &audit.phones {
        let Some(image) = phone.image.as_ref().filter(|_| phone.verdict != Verdict::Unsupported)
        else {
            continue;
        };
        let (count, pools) = by_picture.entry(image.picture.as_deref()).or_default();
        *count += 1;
        pools.insert(&phone.phone.device_pool);
    }
    if by_picture.keys().all(Option::is_none) && audit.rule_changes.is_empty() {
        return String::new();
    }
    let more = by_picture.len().saturating_sub(MOST_LINES);
    let rows = by_picture.into_iter().rev().take(MOST_LINES).map(|(picture, (count, pools))| {
        (picture.unwrap_or("none").to_owned(), count, Some(pools))
    });
    let mut text = counted_table(&["By picture", "phones", "device pools"], rows);
    if more > 0 {
        push_line(&mut text, &and_more(more, "axlpaper audit --format csv"));
    }
    for change in &audit.rule_changes {
        push_line(&mut text, &format!("  {}", printable(change)));
    }
    text
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
    let mut all = vec![header.iter().map(|&name| name.to_owned()).collect()];
    for (what, count, belong) in rows {
        let mut row = vec![printable(&what).into_owned(), count.to_string()];
        row.extend(belong.map(|all| {
            let all: Vec<&str> = all.into_iter().collect();
            printable(&names(&all)).into_owned()
        }));
        all.push(row);
    }
    format!("\n{}", aligned(&all, |column| column == 1))
}

fn counted<K: Ord>(
    name: &str,
    keys: &[K],
    counts: &BTreeMap<K, usize>,
    total: usize,
) -> Vec<String> {
    let number = |n: usize| if n == 0 { "·".to_owned() } else { n.to_string() };
    let mut row = vec![printable(name).into_owned()];
    row.extend(keys.iter().map(|key| number(counts.get(key).copied().unwrap_or_default())));
    row.push(number(total));
    row
}

fn counts_table(first: &str, columns: &[&str], rows: Vec<Vec<String>>, width: usize) -> String {
    let header = [&[first][..], columns, &["total"]].concat();
    let numbers: usize = columns.iter().map(|name| name.len() + 2).sum::<usize>() + "total".len();
    let room = width.saturating_sub(numbers + 2).max(MOST_OF_NAME);
    let mut all = vec![header.into_iter().map(str::to_owned).collect()];
    all.extend(rows.into_iter().map(|mut row| {
        row[0] = shorten(&row[0], room).into_owned();
        row
    }));
    format!("\n{}", aligned(&all, |column| column > 0))
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
    use crate::journal::{RunRow, RunState};
    use crate::report::testing::{audited, pushed};

    fn run(phones: Vec<PhoneResult>) -> RunReport {
        let run = RunRow {
            id: 6,
            command: "rollout".into(),
            command_line: String::new(),
            program: String::new(),
            cluster_id: String::new(),
            cluster: "lab".into(),
            host: String::new(),
            os_user: String::new(),
            machine: String::new(),
            continues: None,
            reverts: None,
            began_at: jiff::Timestamp::UNIX_EPOCH,
            ended_at: None,
            state: RunState::Interrupted,
            is_waiting: false,
            exit_code: None,
            outcomes: Vec::new(),
            subject: None,
            time_zone: jiff::tz::TimeZone::UTC,
        };
        RunReport { phones, ..RunReport::new(run) }
    }

    #[test]
    fn equal_failures_stand_together_and_untried_phones_have_one_line() {
        let failed = |n: usize| PhoneResult {
            outcome: Outcome::Unreachable,
            extension: Some(format!("10{n:02}")),
            description: "A desk in a building with a long name, at the window".into(),
            reason: Some(format!("10.0.0.{n} did not answer")),
            ip: Some([10, 0, 0, u8::try_from(n).unwrap()].into()),
            remedy: Some("check Web Access".into()),
            ..pushed(&format!("SEP0011223344{n:02}"))
        };
        let untried = |n: usize| PhoneResult {
            outcome: Outcome::Pending,
            reason: Some("not tried: the run was interrupted".into()),
            remedy: Some("run it again".into()),
            ..pushed(&format!("SEP9911223344{n:02}"))
        };
        let phones = (1..=12).map(failed).chain((1..=75).map(untried)).collect();
        let layout = Layout { width: Some(80), color: false };
        let text = rollout_recap(&run(phones), Some("axlpaper rollout --resume 6"), layout);
        assert!(text.contains("  Not reachable (unreachable): 12 phones\n"), "{text}");
        assert_eq!(text.matches("-> check Web Access").count(), 1, "{text}");
        assert_eq!(text.matches("the phone did not answer").count(), 1, "{text}");
        assert!(text.contains("    SEP001122334401  1001  A desk in a"), "{text}");
        assert!(text.contains("… and 2 more"), "{text}");
        let line = "  75 not tried (the run was interrupted): `axlpaper rollout --resume 6`\n";
        assert!(text.contains(line), "{text}");
        assert!(text.ends_with("Run 6: continue with `axlpaper rollout --resume 6`\n"), "{text}");
        assert!(text.contains("0 of 87 capable phones show it (0 %)."), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn each_outcome_has_its_column_as_far_as_they_fit() {
        let phone = |n: usize, outcome: Outcome| PhoneResult {
            outcome,
            device_pool: if n.is_multiple_of(2) { "HQ" } else { "Paris, first floor" }.into(),
            ..pushed(&format!("SEP{n:012}"))
        };
        let table = |outcomes: &[Outcome], width: usize| {
            let phones = outcomes.iter().enumerate().map(|(n, one)| phone(n, *one)).collect();
            let layout = Layout { width: Some(width), color: false };
            let text = rollout_recap(&run(phones), None, layout);
            let lines = text.lines().skip_while(|line| !line.starts_with("By device pool"));
            let lines: Vec<String> = lines.take(4).map(str::to_owned).collect();
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{lines:#?}");
            lines
                .iter()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>()
        };
        use Outcome::{Interrupted, NeedsWork, NoBackground, Offline, Pending, Verified};
        let few = [Verified, Interrupted, Pending, Offline, Verified];
        let lines = table(&few, 80);
        assert_eq!(lines[0], "By device pool verified offline interrupted pending total");
        assert_eq!(lines[1], "HQ 2 · · 1 3");
        assert_eq!(lines[2], "Paris, first floor · 1 1 · 2");
        assert_eq!(lines[3], "all 2 1 1 1 5");
        let skipped = [Verified, NeedsWork, Offline, NoBackground, Interrupted, Pending];
        assert!(table(&skipped, 140)[0].contains("needs_work offline no_background"));
        let narrow = table(&skipped, 80);
        assert!(narrow[0].contains("verified needs_work skipped interrupted"), "{narrow:?}");
        let of_push = Outcome::ALL.into_iter().filter(|one| *one != Outcome::NotVerifiable);
        let _fits = table(&of_push.collect::<Vec<_>>(), 100);
    }

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
        let (remarks, rule_changes) = (Vec::new(), Vec::new());
        let audit = Audit { cluster, taken_at, summary, phones, remarks, rule_changes };
        let narrow = audit_recap(&audit);
        assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
        assert!(
            narrow.contains("a pool whose name has") && narrow.contains("unsupported"),
            "{narrow}"
        );
        let text = plan_recap(&plan, &audit);
        assert!(text.starts_with("Of 7 selected phones: 7 blocked.\n7 phones cannot"), "{text}");
        assert!(
            text.contains(
                "7 phones blocked, no_ip_address: SEP1, SEP2, SEP3, SEP4, SEP5 and 2 more"
            ),
            "{text}"
        );
        assert!(text.contains("-> restart it"), "{text}");
    }
}
