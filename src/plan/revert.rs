//! Plans the revert of a run: takes back what the run changed, and nothing else.

use std::collections::BTreeSet;

use crate::domain::association::{DeviceList, UserRef};
use crate::domain::inventory::ClusterInfo;
use crate::domain::personalization::Setting;
use crate::domain::phone_page::PageSettings;
use crate::domain::plan::{
    Action, Change, ConfigLevel, CurrentState, PersonalizationChange, Plan, WebAccessChange,
};
use crate::domain::repair_policy::PendingApplies;
use crate::domain::text::names;
use crate::plan::draft::{Draft, assemble};

#[derive(Clone, Debug)]
pub struct Revert {
    pub plan: Plan,
    /// What is left as it is, and why, in sentences.
    pub left: Vec<String>,
}

/// Plans the revert of changes that were made, or may have been, given the current state.
///
/// Only what is still as the run left it is taken back, the last change first. What somebody else has
/// changed since stays. Phones that still have to apply a change, which `pending_applies` names, are sent the command too: a revert
/// that was killed can have set their settings back already.
pub fn revert_of<'a>(
    cluster: &ClusterInfo,
    made_at: jiff::Timestamp,
    done: impl DoubleEndedIterator<Item = (&'a Change, &'a CurrentState)>,
    pending_applies: &PendingApplies,
    reset: bool,
) -> Revert {
    let mut back = Back::default();
    for (change, now) in done.rev() {
        back.change(&change.action, now);
    }
    back.tell_of_what_is_back(pending_applies);
    let Back { mut changes, removals, phones, profiles, left, .. } = back;
    let taken = |scope, name: &String| Draft {
        action: Action::apply_config(scope, name, reset),
        affects: 1,
        reason: "its settings are reverted".to_owned(),
    };
    changes.extend(profiles.iter().map(|name| taken(ConfigLevel::Profile, name)));
    changes.extend(phones.iter().map(|name| taken(ConfigLevel::Phone, name)));
    // A profile can be removed only when no phone uses it.
    changes.extend(removals);
    Revert { plan: assemble(cluster, made_at, changes), left }
}

/// Returns what a change left where it was made, as far as that is known without asking the cluster again. `list` is
/// what was read back where a list was written.
pub fn left_by(action: &Action, list: Option<&DeviceList>) -> CurrentState {
    let unread = || Err("it was not read".to_owned());
    let no_page = Err("it was not read".to_owned());
    let phone = |personalization, profile, settings| CurrentState::Phone {
        personalization,
        profile,
        settings,
    };
    match action {
        Action::AssociateDevices { after, .. } | Action::DissociateDevices { after, .. } => {
            CurrentState::List(list.unwrap_or(after).clone())
        }
        Action::EnablePersonalization(to) | Action::RestorePersonalization(to) => match to.scope {
            ConfigLevel::Phone => phone(Some(to.after), None, unread()),
            ConfigLevel::Profile => {
                CurrentState::Profile { personalization: Some(to.after), page: no_page }
            }
        },
        Action::EnableWebAccess(to) | Action::RestoreWebAccess(to) => {
            phone(None, None, Ok(to.after.clone()))
        }
        Action::AssignProfile { after, .. } => phone(None, Some(after.clone()), unread()),
        Action::AddProfile { page, after, .. } => {
            CurrentState::Profile { personalization: Some(*after), page: Ok(page.clone()) }
        }
        Action::RemoveProfile { .. } | Action::ApplyConfig { .. } => CurrentState::Gone,
    }
}

/// Returns the changes that a plan takes back, in the order in which they were made: [`revert_of`] plans from them and
/// from the current state, as it does from those of a run.
pub fn taken_back(plan: &Plan) -> Vec<Change> {
    let changes = plan.changes.iter().rev();
    let made = changes
        .filter_map(|change| Some(Change { action: reverse(&change.action)?, ..change.clone() }));
    made.collect()
}

/// The opposite of an action; `None` for an apply.
fn reverse(action: &Action) -> Option<Action> {
    let personalization = |to: &PersonalizationChange| {
        let (before, after) = (to.after, to.before);
        PersonalizationChange { before, after, ..to.clone() }
    };
    let web_access = |to: &WebAccessChange| WebAccessChange {
        target: to.target.clone(),
        before: to.after.clone(),
        after: to.before.clone(),
    };
    Some(match action {
        Action::AssociateDevices { target, before, adds, after } => Action::DissociateDevices {
            target: target.clone(),
            before: after.clone(),
            removes: adds.clone(),
            after: before.clone(),
        },
        Action::DissociateDevices { target, before, removes, after } => Action::AssociateDevices {
            target: target.clone(),
            before: after.clone(),
            adds: removes.clone(),
            after: before.clone(),
        },
        Action::EnablePersonalization(to) => Action::RestorePersonalization(personalization(to)),
        Action::RestorePersonalization(to) => Action::EnablePersonalization(personalization(to)),
        Action::EnableWebAccess(to) => Action::RestoreWebAccess(web_access(to)),
        Action::RestoreWebAccess(to) => Action::EnableWebAccess(web_access(to)),
        Action::AssignProfile { target, before, after } => Action::AssignProfile {
            target: target.clone(),
            before: after.clone(),
            after: before.clone(),
        },
        Action::RemoveProfile { target, before, .. } => Action::AddProfile {
            target: target.clone(),
            source: String::new(),
            page: before.clone(),
            before: (),
            after: Setting::Enabled,
        },
        Action::AddProfile { target, page, .. } => {
            Action::RemoveProfile { target: target.clone(), before: page.clone(), after: () }
        }
        Action::ApplyConfig { .. } => return None,
    })
}

#[derive(Default)]
struct Back {
    changes: Vec<Draft>,
    removals: Vec<Draft>,
    phones: BTreeSet<String>,
    profiles: BTreeSet<String>,
    /// Phones and profiles whose settings are as they were before.
    back_already: Vec<(ConfigLevel, String)>,
    left: Vec<String>,
}

impl Back {
    fn change(&mut self, action: &Action, now: &CurrentState) {
        match (action, now) {
            // Whatever is restored is applied at the end.
            (Action::ApplyConfig { .. }, _) => {}
            (_, CurrentState::Gone) => self.leave(action, "it is not there any more"),
            (Action::AssociateDevices { target, adds, .. }, CurrentState::List(list)) => {
                self.take_out(target, adds, list);
            }
            (Action::DissociateDevices { target, removes, .. }, CurrentState::List(list)) => {
                self.put_back(target, removes, list);
            }
            (
                Action::EnablePersonalization(change) | Action::RestorePersonalization(change),
                CurrentState::Phone { personalization, .. }
                | CurrentState::Profile { personalization, .. },
            ) => self.personalization(action, change, *personalization),
            (
                Action::EnableWebAccess(change) | Action::RestoreWebAccess(change),
                CurrentState::Phone { settings, .. },
            ) => self.web_access(action, change, settings),
            (
                Action::AssignProfile { target, before, after },
                CurrentState::Phone { profile, .. },
            ) => {
                self.profile(action, target, before, after, profile.as_deref());
            }
            (
                Action::AddProfile { target, page, after, .. },
                CurrentState::Profile { personalization, page: now },
            ) => {
                if *personalization == Some(*after) && now.as_ref() == Ok(page) {
                    self.removals.push(Draft {
                        action: Action::RemoveProfile {
                            target: target.clone(),
                            before: page.clone(),
                            after: (),
                        },
                        affects: 0,
                        reason: "the run made it".to_owned(),
                    });
                } else {
                    self.leave(action, "it was changed since");
                }
            }
            (Action::RemoveProfile { .. }, _) => {
                self.leave(action, "a profile that was removed cannot be made again from here");
            }
            (
                Action::AssociateDevices { .. }
                | Action::DissociateDevices { .. }
                | Action::EnablePersonalization(_)
                | Action::RestorePersonalization(_)
                | Action::EnableWebAccess(_)
                | Action::RestoreWebAccess(_)
                | Action::AddProfile { .. }
                | Action::AssignProfile { .. },
                CurrentState::List(_) | CurrentState::Phone { .. } | CurrentState::Profile { .. },
            ) => self.leave(action, "the current value was not read"),
        }
    }

    fn take_out(&mut self, target: &UserRef, adds: &[String], list: &DeviceList) {
        let (there, gone): (Vec<_>, Vec<_>) =
            adds.iter().cloned().partition(|name| list.contains(name));
        if !gone.is_empty() {
            self.left
                .push(format!("the {target} does not control {} any more already", names(&gone)));
        }
        if there.is_empty() {
            return;
        }
        self.changes.push(Draft {
            affects: there.len(),
            action: Action::DissociateDevices {
                target: target.clone(),
                before: list.clone(),
                after: list.without(&DeviceList::from(there.clone())),
                removes: there,
            },
            reason: "the run added them".to_owned(),
        });
    }

    fn put_back(&mut self, target: &UserRef, removes: &[String], list: &DeviceList) {
        let after = list.merged(removes.iter().map(String::as_str));
        let adds = after.missing_from(list);
        if adds.is_empty() {
            self.left.push(format!("the {target} controls all of the devices again already"));
            return;
        }
        self.changes.push(Draft {
            affects: adds.len(),
            action: Action::AssociateDevices {
                target: target.clone(),
                before: list.clone(),
                adds,
                after,
            },
            reason: "the run took them out".to_owned(),
        });
    }

    fn personalization(
        &mut self,
        action: &Action,
        change: &PersonalizationChange,
        now: Option<Setting>,
    ) {
        match now {
            Some(now) if now == change.before => self.leave_as_before(action),
            Some(now) if now == change.after => {
                let PersonalizationChange { scope, target, before, after } = change.clone();
                match scope {
                    ConfigLevel::Phone => self.phones.insert(target.clone()),
                    ConfigLevel::Profile => self.profiles.insert(target.clone()),
                };
                self.changes.push(Draft {
                    action: Action::RestorePersonalization(PersonalizationChange {
                        scope,
                        target,
                        before: after,
                        after: before,
                    }),
                    affects: 1,
                    reason: "the run set it".to_owned(),
                });
            }
            Some(now) => {
                self.leave(action, &format!("it was set to {} since", now.as_axl()));
            }
            None => self.leave(action, "the current value is not known"),
        }
    }

    fn web_access(
        &mut self,
        action: &Action,
        change: &WebAccessChange,
        now: &Result<PageSettings, String>,
    ) {
        let now = match now {
            Ok(now) => now,
            Err(why) => return self.leave(action, why),
        };
        if now.web_access == change.before.web_access {
            return self.leave_as_before(action);
        }
        if now.web_access != change.after.web_access {
            return self.leave(action, "it was set to another value since");
        }
        self.phones.insert(change.target.clone());
        let after = PageSettings { web_access: change.before.web_access.clone(), ..now.clone() };
        self.changes.push(Draft {
            action: Action::RestoreWebAccess(WebAccessChange {
                target: change.target.clone(),
                before: now.clone(),
                after,
            }),
            affects: 1,
            reason: "the run set it".to_owned(),
        });
    }

    fn profile(
        &mut self,
        action: &Action,
        target: &str,
        before: &str,
        after: &str,
        now: Option<&str>,
    ) {
        if now == Some(before) {
            self.leave_as_before(action);
        } else if now == Some(after) {
            self.phones.insert(target.to_owned());
            self.changes.push(Draft {
                action: Action::AssignProfile {
                    target: target.to_owned(),
                    before: after.to_owned(),
                    after: before.to_owned(),
                },
                affects: 1,
                reason: "the run moved it".to_owned(),
            });
        } else {
            self.leave(action, &format!("it was moved to {} since", now.unwrap_or("none")));
        }
    }

    /// Adds an apply for phones and profiles whose settings are back already but were not applied.
    fn tell_of_what_is_back(&mut self, pending_applies: &PendingApplies) {
        for (place, name) in std::mem::take(&mut self.back_already) {
            let (pending_applies, told) = match place {
                ConfigLevel::Phone => (&pending_applies.phones, &mut self.phones),
                ConfigLevel::Profile => (&pending_applies.profiles, &mut self.profiles),
            };
            if pending_applies.contains(&name) {
                told.insert(name);
            }
        }
    }

    fn leave_as_before(&mut self, action: &Action) {
        self.back_already.extend(action.configures().map(|(place, name)| (place, name.to_owned())));
        self.leave(action, "it is as it was before the run");
    }

    fn leave(&mut self, action: &Action, why: &str) {
        self.left.push(format!("{}: {why}", action.subject()));
    }
}
