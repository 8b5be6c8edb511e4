//! Changes of the cluster for people: as a diff before, and what came of them afterwards.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::text::printable;
use crate::domain::plan::{Action, Change, ConfigLevel, Plan};
use crate::domain::text::{MOST_LINES, limit_lines, names, pluralize};
use crate::event::{ChangeResult, ChangeState};
use crate::journal::ChangeRow;
use crate::report::run_report::change_rows;

/// The changes of a plan, as a diff: `+` is added, `-` is taken out, `~` is changed, `!` may restart phones. Of each
/// change only as many names are shown as a person can read; `listed_by` is the command or option that lists them all.
pub fn plan_diff(plan: &Plan, listed_by: &str) -> String {
    diff(plan, MOST_LINES, listed_by)
}

/// The same, shorter, for a question.
pub fn plan_outline(plan: &Plan) -> String {
    diff(plan, MOST_IN_OUTLINE, "axlpaper plan --format csv")
}

/// How many phones of a change an outline names.
const MOST_IN_OUTLINE: usize = 5;

fn diff(plan: &Plan, most: usize, listed_by: &str) -> String {
    if plan.changes.is_empty() {
        return "No changes. There is nothing on the cluster that axlpaper could repair.\n"
            .to_owned();
    }
    let mut text = format!("Plan {} for {}\n", plan.id, printable(&plan.cluster.name));
    for group in groups(&plan.changes.iter().collect::<Vec<_>>()) {
        let Some(first) = group.first() else { continue };
        line(&mut text, &format!("\n  {}", heading(&group)));
        for detail in limit_lines(details(&group), most, listed_by) {
            line(&mut text, &format!("      {detail}"));
        }
        line(&mut text, &format!("    because {}", first.reason));
    }
    let sum = PlanTotals::of(plan);
    line(&mut text, &format!("\nPlan: {sum}"));
    text
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct PlanTotals {
    adds: usize,
    changes: usize,
    removes: usize,
    touched: usize,
    may_restart: usize,
    restarts: usize,
}

impl PlanTotals {
    fn of(plan: &Plan) -> Self {
        let mut sum = Self { touched: plan.phones_touched(), ..Self::default() };
        for change in &plan.changes {
            match &change.action {
                Action::AssociateDevices { adds, .. } => sum.adds += adds.len(),
                Action::DissociateDevices { removes, .. } => sum.removes += removes.len(),
                Action::AddProfile { .. } => sum.adds += 1,
                Action::RemoveProfile { .. } => sum.removes += 1,
                Action::EnablePersonalization(_)
                | Action::RestorePersonalization(_)
                | Action::EnableWebAccess(_)
                | Action::RestoreWebAccess(_)
                | Action::AssignProfile { .. } => sum.changes += 1,
                Action::ApplyConfig { reset: true, .. } => sum.restarts += change.affects,
                Action::ApplyConfig { reset: false, .. } => sum.may_restart += change.affects,
            }
        }
        sum
    }
}

impl std::fmt::Display for PlanTotals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { adds, changes, removes, touched, may_restart, restarts } = self;
        write!(f, "{adds} to add, {changes} to change, ")?;
        if *removes == 0 {
            f.write_str("nothing to remove")?;
        } else {
            write!(f, "{removes} to remove")?;
        }
        write!(f, "; {} touched", pluralize(*touched, "phone"))?;
        if *restarts > 0 {
            write!(f, ", {restarts} RESTARTED, which ends their calls")?;
        }
        if *may_restart > 0 {
            write!(f, ", of which {may_restart} may restart to apply their configuration")?;
        }
        f.write_str(".")
    }
}

/// What came of the changes of a run without a report, such as that of `apply`.
pub fn changes_recap(results: &[ChangeResult]) -> String {
    changes_summary(&change_rows(results.to_vec()), false)
}

/// What came of changes; with devices, phones and profiles by name where `details` are asked for.
pub(super) fn changes_summary(rows: &[ChangeRow], details: bool) -> String {
    if rows.is_empty() {
        return "\nNothing was changed on the cluster.\n".to_owned();
    }
    let any_done = rows.iter().any(|row| row.state != Some(ChangeState::NotApplied));
    let mut text =
        if any_done { "\nChanged on the cluster\n" } else { "\nNot changed on the cluster\n" }
            .to_owned();
    for row in change_groups(rows) {
        line(&mut text, &format!("  {}", row.sentence));
        row.messages.iter().for_each(|message| line(&mut text, &format!("    {message}")));
        if details {
            let shown = limit_lines(row.details, MOST_LINES, "--json");
            shown.iter().for_each(|detail| line(&mut text, &format!("      {detail}")));
        }
    }
    text
}

/// What came of changes of one kind.
#[derive(Clone, Debug)]
struct ChangeGroup {
    /// In one sentence.
    sentence: String,
    /// What else is known, each message once.
    messages: Vec<String>,
    /// Every device, phone and profile by name.
    details: Vec<String>,
}

/// Says what came of changes, those that say the same in one row.
fn change_groups(all: &[ChangeRow]) -> Vec<ChangeGroup> {
    let states = [
        Some(ChangeState::Applied),
        Some(ChangeState::NotApplied),
        Some(ChangeState::Unproven),
        None,
    ];
    let mut rows = Vec::new();
    for state in states {
        let these: Vec<&ChangeRow> = all.iter().filter(|one| one.state == state).collect();
        let changes: Vec<&Change> = these.iter().map(|one| &one.change).collect();
        for group in groups(&changes) {
            let ids: HashSet<u32> = group.iter().map(|change| change.id).collect();
            let of_group: Vec<&ChangeRow> =
                these.iter().filter(|one| ids.contains(&one.change.id)).copied().collect();
            rows.push(ChangeGroup {
                sentence: sentence(&group, state),
                messages: messages(&of_group),
                details: details(&group),
            });
        }
    }
    rows
}

fn sentence(group: &[&Change], state: Option<ChangeState>) -> String {
    let Some(first) = group.first() else { return String::new() };
    let (who, what) = subject_and_change(first, group);
    match (state, &first.action) {
        (Some(ChangeState::Applied), Action::ApplyConfig { .. }) => format!("{who}: {what}"),
        (Some(ChangeState::Applied), _) => format!("{who}: {what}, read back and correct"),
        (Some(ChangeState::NotApplied), _) => format!("{who}: NOT APPLIED: {what}"),
        (Some(ChangeState::Unproven), _) => {
            format!("{who}: NOT VERIFIED: {what}; check it on its page")
        }
        (None, _) => format!("{who}: BEGUN, AND ITS END IS NOT KNOWN: {what}"),
    }
}

/// Messages, each one once, with the names of what it is about.
pub(super) fn messages(these: &[&ChangeRow]) -> Vec<String> {
    let mut found: Vec<(&str, Vec<String>)> = Vec::new();
    for one in these {
        let Some(message) = one.message.as_deref() else { continue };
        let subject = one.change.action.subject();
        match found.iter_mut().find(|(known, _)| *known == message) {
            Some((_, subjects)) => subjects.push(subject),
            None => found.push((message, vec![subject])),
        }
    }
    let more = found.len().saturating_sub(MOST_MESSAGES);
    let shown = found.into_iter().take(MOST_MESSAGES);
    let mut lines: Vec<String> = shown
        .map(|(message, subjects)| match subjects.as_slice() {
            [_] => message.to_owned(),
            all => format!("{}: {message}", names(all)),
        })
        .collect();
    if more > 0 {
        lines.push(format!("and {more} more messages: see `axlpaper show last --json`"));
    }
    lines
}

/// Changes of the same kind that say the same of one thing each stand together.
pub(super) fn groups<'a>(changes: &[&'a Change]) -> Vec<Vec<&'a Change>> {
    let mut groups: Vec<(String, Vec<&'a Change>)> = Vec::new();
    for change in changes {
        let key = key(change);
        match groups.iter_mut().rev().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(change),
            None => groups.push((key, vec![change])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn key(change: &Change) -> String {
    let kind = change.action.kind();
    let rest = match &change.action {
        Action::EnablePersonalization(to) | Action::RestorePersonalization(to) => {
            format!("{:?} {:?} {:?}", to.scope, to.before, to.after)
        }
        Action::EnableWebAccess(to) | Action::RestoreWebAccess(to) => {
            format!("{:?} {:?}", to.before.web_access, to.after.web_access)
        }
        Action::AssignProfile { before, after, .. } => format!("{before}\n{after}"),
        Action::ApplyConfig { scope, reset, .. } => format!("{scope:?} {reset}"),
        Action::AssociateDevices { .. }
        | Action::DissociateDevices { .. }
        | Action::AddProfile { .. }
        | Action::RemoveProfile { .. } => change.action.subject(),
    };
    format!("{kind}\n{rest}\n{}", change.reason)
}

/// What a group of changes would do.
fn heading(group: &[&Change]) -> String {
    let Some(first) = group.first() else { return String::new() };
    let phones = pluralize(group.len(), "phone");
    let affects: usize = group.iter().map(|change| change.affects).sum();
    let arrow = || arrow(&first.action);
    match &first.action {
        Action::AssociateDevices { target, before, after, .. }
        | Action::DissociateDevices { target, before, after, .. } => {
            format!("~ {target}\n      controlled devices: {} -> {}", before.len(), after.len())
        }
        Action::EnablePersonalization(to) | Action::RestorePersonalization(to) => match to.scope {
            ConfigLevel::Phone => format!("~ {phones}\n      Phone Personalization: {}", arrow()),
            ConfigLevel::Profile => format!(
                "~ {}, which {}\n      Phone Personalization: {}",
                profiles(group, &to.target),
                users(affects),
                arrow(),
            ),
        },
        Action::EnableWebAccess(_) | Action::RestoreWebAccess(_) => format!(
            "~ {phones}\n      Web Access: {}; all other product-specific settings stay",
            arrow()
        ),
        Action::AddProfile { target, source, .. } => {
            format!(
                "+ Common Phone Profile {target}, a copy of {source}\n      Phone Personalization: Enabled"
            )
        }
        Action::RemoveProfile { target, .. } => format!("- Common Phone Profile {target}"),
        Action::AssignProfile { .. } => {
            format!("~ {phones}\n      Common Phone Profile: {}", arrow())
        }
        Action::ApplyConfig { scope, target, reset, .. } => {
            let who = match scope {
                ConfigLevel::Phone => phones,
                ConfigLevel::Profile => {
                    format!("all phones of {} ({affects})", profiles(group, target))
                }
            };
            match (reset, group.len()) {
                (true, _) => format!("! {who} RESTART: calls end"),
                (false, 1) if *scope == ConfigLevel::Phone => {
                    format!("! {who} applies its configuration, and may restart for that")
                }
                (false, _) => {
                    format!("! {who} apply their configuration, and may restart for that")
                }
            }
        }
    }
}

/// Names one profile, or counts several.
fn profiles(group: &[&Change], target: &str) -> String {
    match group {
        [_] => format!("the Common Phone Profile {target}"),
        several => pluralize(several.len(), "Common Phone Profile"),
    }
}

/// What the changes of a group are about: phones, or profiles.
pub(super) fn objects(group: &[&Change]) -> String {
    let is_of_profiles = group.first().is_some_and(|change| match &change.action {
        Action::EnablePersonalization(to) | Action::RestorePersonalization(to) => {
            to.scope == ConfigLevel::Profile
        }
        Action::ApplyConfig { scope, .. } => *scope == ConfigLevel::Profile,
        Action::AddProfile { .. } | Action::RemoveProfile { .. } => true,
        Action::AssociateDevices { .. }
        | Action::DissociateDevices { .. }
        | Action::EnableWebAccess(_)
        | Action::RestoreWebAccess(_)
        | Action::AssignProfile { .. } => false,
    });
    pluralize(group.len(), if is_of_profiles { "Common Phone Profile" } else { "phone" })
}

/// The lines below a heading: every device, every phone and every profile by name; a profile that the heading names is
/// not repeated.
pub(super) fn details(group: &[&Change]) -> Vec<String> {
    group.iter().flat_map(|change| details_of(change, group.len() > 1)).collect()
}

fn details_of(change: &Change, with_profiles: bool) -> Vec<String> {
    let profile = |line: String| if with_profiles { vec![line] } else { Vec::new() };
    match &change.action {
        Action::AssociateDevices { adds, .. } => {
            adds.iter().map(|name| format!("+ {name}")).collect()
        }
        Action::DissociateDevices { removes, .. } => {
            removes.iter().map(|name| format!("- {name}")).collect()
        }
        Action::EnablePersonalization(to) | Action::RestorePersonalization(to) => match to.scope {
            ConfigLevel::Phone => vec![format!("~ {}", to.target)],
            ConfigLevel::Profile => {
                profile(format!("~ {} ({})", to.target, pluralize(change.affects, "phone")))
            }
        },
        Action::EnableWebAccess(to) | Action::RestoreWebAccess(to) => {
            vec![format!("~ {}", to.target)]
        }
        Action::AssignProfile { target, .. } => vec![format!("~ {target}")],
        Action::ApplyConfig { scope: ConfigLevel::Phone, target, .. } => {
            vec![format!("! {target}")]
        }
        Action::ApplyConfig { scope: ConfigLevel::Profile, target, .. } => {
            profile(format!("! {target} ({})", pluralize(change.affects, "phone")))
        }
        Action::AddProfile { .. } | Action::RemoveProfile { .. } => Vec::new(),
    }
}

/// What stood there, and what was to stand there.
pub(super) fn before_and_after(action: &Action) -> (String, String) {
    match action {
        Action::AssociateDevices { before, adds, after, .. } => (
            pluralize(before.len(), "device"),
            format!("{}, {} of them new", pluralize(after.len(), "device"), adds.len()),
        ),
        Action::DissociateDevices { before, removes, after, .. } => (
            pluralize(before.len(), "device"),
            format!("{}, {} taken out again", pluralize(after.len(), "device"), removes.len()),
        ),
        Action::EnablePersonalization(to) | Action::RestorePersonalization(to) => {
            (to.before.as_axl().to_owned(), to.after.as_axl().to_owned())
        }
        Action::EnableWebAccess(to) | Action::RestoreWebAccess(to) => (
            web_access(to.before.web_access.as_deref()),
            web_access(to.after.web_access.as_deref()),
        ),
        Action::AddProfile { source, after, .. } => (
            "not there".to_owned(),
            format!("a copy of {source} with Phone Personalization {}", after.as_axl()),
        ),
        Action::RemoveProfile { .. } => ("there".to_owned(), "removed again".to_owned()),
        Action::AssignProfile { before, after, .. } => (before.clone(), after.clone()),
        Action::ApplyConfig { reset, .. } => {
            let after = if *reset { "restarted" } else { "applied" };
            (String::new(), after.to_owned())
        }
    }
}

fn arrow(action: &Action) -> String {
    let (before, after) = before_and_after(action);
    format!("{before} -> {after}")
}

fn subject_and_change(first: &Change, group: &[&Change]) -> (String, String) {
    let subjects = |noun: &str| match group {
        [only] => only.action.subject(),
        all => format!("{noun} of {}", objects(all)),
    };
    let arrow = || arrow(&first.action);
    match &first.action {
        Action::AssociateDevices { target, before, adds, after } => (
            target.to_string(),
            format!(
                "{} added ({} -> {})",
                pluralize(adds.len(), "device"),
                before.len(),
                after.len()
            ),
        ),
        Action::DissociateDevices { target, before, removes, after } => (
            target.to_string(),
            format!(
                "{} taken out again ({} -> {})",
                pluralize(removes.len(), "device"),
                before.len(),
                after.len()
            ),
        ),
        Action::EnablePersonalization(_) | Action::RestorePersonalization(_) => {
            (subjects("Phone Personalization"), arrow())
        }
        Action::EnableWebAccess(_) | Action::RestoreWebAccess(_) => {
            (subjects("Web Access"), arrow())
        }
        Action::AssignProfile { .. } => (subjects("Common Phone Profile"), arrow()),
        Action::AddProfile { source, .. } => {
            (first.action.subject(), format!("made as a copy of {source}"))
        }
        Action::RemoveProfile { .. } => (first.action.subject(), "removed again".to_owned()),
        Action::ApplyConfig { reset, .. } => {
            let how = if *reset { "told to restart" } else { "told to apply it" };
            (subjects("configuration"), how.to_owned())
        }
    }
}

fn users(count: usize) -> String {
    match count {
        1 => "1 phone uses".to_owned(),
        count => format!("{count} phones use"),
    }
}

fn web_access(value: Option<&str>) -> String {
    let word = crate::domain::web_access::WebAccess::parse(value.unwrap_or_default());
    match (value, word) {
        (None, _) => "not set".to_owned(),
        (Some(_), Some(word)) => word.as_str().to_owned(),
        (Some(value), None) => value.to_owned(),
    }
}

fn line(text: &mut String, line: &str) {
    // A line of ours may have several; what comes from a cluster is made harmless.
    for part in line.split('\n') {
        // Writing to a String cannot fail.
        let _unfailing = writeln!(text, "{}", printable(part));
    }
}

/// How many different messages a recap shows.
const MOST_MESSAGES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::association::{DeviceList, UserKind, UserRef};

    fn result(state: ChangeState) -> ChangeResult {
        let action = Action::AssociateDevices {
            target: UserRef { user: "bgpush".into(), kind: UserKind::App },
            before: DeviceList::default(),
            adds: vec!["SEP1".into()],
            after: vec!["SEP1".to_owned()].into(),
        };
        let change = Change { id: 1, action, affects: 1, reason: String::new() };
        ChangeResult { change, state, message: None }
    }

    #[test]
    fn what_was_not_applied_does_not_read_as_done() {
        let text = changes_recap(&[result(ChangeState::NotApplied)]);
        assert!(
            text.contains("Not changed") && text.contains("NOT APPLIED: 1 device added"),
            "{text}"
        );
        let text = changes_recap(&[result(ChangeState::Applied)]);
        assert!(text.contains("1 device added (0 -> 1), read back and correct"), "{text}");
    }
}
