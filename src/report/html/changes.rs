//! The changes on the cluster: values before and after, and the result.

use std::collections::HashSet;

use crate::domain::plan::{Action, Change};
use crate::event::ChangeState;
use crate::journal::ChangeRow;
use crate::report::changes::{before_and_after, details, groups, messages, objects};
use crate::report::clock::Clock;
use crate::report::html::headline::Level;
use crate::report::text::printable;

/// Equal changes of one object each.
#[derive(Clone, Debug)]
pub(crate) struct ChangeGroupRow {
    pub(crate) place: String,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) state: &'static str,
    pub(crate) level: Level,
    pub(crate) reason: String,
    pub(crate) at: String,
    pub(crate) messages: Vec<String>,
    pub(crate) lists: Vec<List>,
}

/// A list that the reader can open.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) title: String,
    pub(crate) text: String,
}

/// Returns the results of changes: equal ones in one row, failures first.
pub(crate) fn change_rows(all: &[ChangeRow], clock: &Clock) -> Vec<ChangeGroupRow> {
    let states = [
        None,
        Some(ChangeState::Unproven),
        Some(ChangeState::NotApplied),
        Some(ChangeState::Applied),
    ];
    let mut rows = Vec::new();
    for state in states {
        let these: Vec<&ChangeRow> = all.iter().filter(|row| row.state == state).collect();
        let changes: Vec<&Change> = these.iter().map(|row| &row.change).collect();
        for group in groups(&changes) {
            let ids: HashSet<u32> = group.iter().map(|change| change.id).collect();
            let rows_of: Vec<&ChangeRow> =
                these.iter().filter(|row| ids.contains(&row.change.id)).copied().collect();
            rows.extend(row(&group, &rows_of, state, clock));
        }
    }
    rows
}

fn row(
    group: &[&Change],
    rows: &[&ChangeRow],
    state: Option<ChangeState>,
    clock: &Clock,
) -> Option<ChangeGroupRow> {
    let first = group.first()?;
    let (before, after) = before_and_after(&first.action);
    let (state_told, level) = state_text(&first.action, state);
    let place = match group {
        [only] => only.action.subject(),
        all => format!("{} of {}", noun(&first.action), objects(all)),
    };
    let clean = |text: &str| printable(text).into_owned();
    let at = rows.iter().filter_map(|row| row.ended_at.or(row.intended_at)).min();
    Some(ChangeGroupRow {
        place: clean(&place),
        before: clean(&before),
        after: clean(&after),
        state: state_told,
        level,
        reason: clean(&first.reason),
        at: at.map(|at| clock.time_of_day(at)).unwrap_or_default(),
        messages: messages(rows).iter().map(|text| clean(text)).collect(),
        lists: lists(group),
    })
}

fn state_text(action: &Action, state: Option<ChangeState>) -> (&'static str, Level) {
    match (state, action) {
        (Some(ChangeState::Applied), Action::ApplyConfig { .. }) => {
            ("sent to the phones", Level::Good)
        }
        (Some(ChangeState::Applied), _) => ("read back and correct", Level::Good),
        (Some(ChangeState::NotApplied), _) => ("not applied", Level::Bad),
        (Some(ChangeState::Unproven), _) => ("not verified: check it on its page", Level::Bad),
        (None, _) => ("begun, and its end is not known", Level::Bad),
    }
}

fn noun(action: &Action) -> &'static str {
    match action {
        Action::AssociateDevices { .. } | Action::DissociateDevices { .. } => "Controlled devices",
        Action::EnablePersonalization(_) | Action::RestorePersonalization(_) => {
            "Phone Personalization"
        }
        Action::EnableWebAccess(_) | Action::RestoreWebAccess(_) => "Web Access",
        Action::AddProfile { .. } | Action::RemoveProfile { .. } | Action::AssignProfile { .. } => {
            "Common Phone Profile"
        }
        Action::ApplyConfig { .. } => "Configuration",
    }
}

fn lists(group: &[&Change]) -> Vec<List> {
    let mut lists = Vec::new();
    let mut add = |title: String, names: Vec<String>| {
        if !names.is_empty() {
            let text = names.iter().map(|name| printable(name)).collect::<Vec<_>>().join("\n");
            lists.push(List { title, text });
        }
    };
    let changed = details(group);
    add(format!("What was changed ({})", changed.len()), changed);
    if let [only] = group
        && let Action::AssociateDevices { before, .. } | Action::DissociateDevices { before, .. } =
            &only.action
    {
        add(format!("The whole list before ({})", before.len()), before.entries().to_vec());
    }
    lists
}
