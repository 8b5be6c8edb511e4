//! Changes of associations and settings, and which phones have to apply them.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::audit::{Audit, AuditedPhone};
use crate::domain::finding::{Code, Verdict};
use crate::domain::inventory::{Inventory, PushUser};
use crate::domain::pattern::same_name;
use crate::domain::personalization::Setting;
use crate::domain::phone_page::PageSettings;
use crate::domain::plan::{Action, ConfigLevel, PersonalizationChange, WebAccessChange};
use crate::domain::repair_policy::{Enabling, PendingApplies, Repairs, Scope};
use crate::domain::text::{names, quoted};
use crate::plan::draft::Draft;

/// Returns whether changes can make a phone ready, now or when it comes back. What is left alone is not touched.
pub(super) fn can_become_ready(phone: &AuditedPhone) -> bool {
    phone.excluded().is_none() && is_repairable(phone.verdict)
}

fn is_repairable(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Fixable | Verdict::Offline => true,
        Verdict::Ready | Verdict::Blocked | Verdict::Unsupported => false,
    }
}

/// Plans the changes of settings, each followed by what makes phones apply them.
pub(super) fn changes(
    inventory: &Inventory,
    audit: &Audit,
    repairs: &Repairs,
    pending_applies: &PendingApplies,
) -> Result<Vec<Draft>, PlanRefused> {
    let mut wanted = Wanted::default();
    for phone in audit.phones.iter().filter(|phone| can_become_ready(phone)) {
        wanted.personalization(inventory, phone, repairs);
        wanted.web_access(phone, repairs);
    }
    let mut changes = new_profile(inventory, repairs, &wanted)?;
    changes.extend(wanted.profiles.iter().map(|(name, before)| flip(inventory, name, *before)));
    changes.append(&mut wanted.changes);
    let (mut phones, mut profiles) = (wanted.phones, BTreeMap::new());
    for name in wanted.profiles.into_keys() {
        profiles.insert(name, "phones apply its new settings only then");
    }
    let meant = audit.phones.iter().filter(|phone| phone.excluded().is_none());
    let selected: BTreeSet<&str> = meant.map(|phone| phone.name().as_str()).collect();
    for name in pending_applies.phones.iter().filter(|name| selected.contains(name.as_str())) {
        phones.entry(name.clone()).or_insert(OWED);
    }
    for name in
        pending_applies.profiles.iter().filter(|name| inventory.profiles.contains_key(*name))
    {
        profiles.entry(name.clone()).or_insert(OWED);
    }
    changes.extend(applied(inventory, audit, &phones, &profiles, repairs.reset));
    Ok(changes)
}

#[derive(Default)]
struct Wanted {
    changes: Vec<Draft>,
    /// Phones whose configuration changes, and why they must apply it.
    phones: BTreeMap<String, &'static str>,
    /// Profiles that are changed, with what they say now.
    profiles: BTreeMap<String, Setting>,
    /// Phones that are moved away from a profile: their names and its name.
    moved: Vec<(String, String)>,
}

impl Wanted {
    fn personalization(&mut self, inventory: &Inventory, phone: &AuditedPhone, repairs: &Repairs) {
        let name = phone.name().to_string();
        match repairs.personalization(inventory, &phone.phone) {
            None => {}
            Some(Enabling::OnPhone(before)) => {
                let change = PersonalizationChange {
                    scope: ConfigLevel::Phone,
                    target: name.clone(),
                    before,
                    after: Setting::Enabled,
                };
                self.change(name, Action::EnablePersonalization(change), PERSONALIZATION);
            }
            Some(Enabling::OnProfile(profile, before)) => {
                self.profiles.insert(profile.to_owned(), before);
            }
            Some(Enabling::OffProfile(profile)) => {
                self.phones.insert(name.clone(), TAKEN_OVER);
                self.moved.push((name, profile.to_owned()));
            }
        }
    }

    fn web_access(&mut self, phone: &AuditedPhone, repairs: &Repairs) {
        if !phone.has(Code::WebAccessDisabled) {
            return;
        }
        let Some(before) = repairs.web_access(&phone.phone) else { return };
        let after = PageSettings { web_access: Some(ENABLED.to_owned()), ..before.clone() };
        let name = phone.name().to_string();
        let change = WebAccessChange { target: name.clone(), before: before.clone(), after };
        let reason = "a push goes to the phone's own web server, which is off";
        self.change(name, Action::EnableWebAccess(change), reason);
    }

    fn change(&mut self, name: String, action: Action, reason: &str) {
        self.changes.push(Draft { action, affects: 1, reason: reason.to_owned() });
        self.phones.insert(name, TAKEN_OVER);
    }
}

fn flip(inventory: &Inventory, name: &str, before: Setting) -> Draft {
    let users = inventory.profiles.get(name).map_or(0, |profile| profile.phones);
    Draft {
        action: Action::EnablePersonalization(PersonalizationChange {
            scope: ConfigLevel::Profile,
            target: name.to_owned(),
            before,
            after: Setting::Enabled,
        }),
        affects: users,
        reason: format!("{PERSONALIZATION}; all phones of the profile get it, selected or not"),
    }
}

/// Copies the profile that the phones have, unless that was done before, and moves them to the copy.
fn new_profile(
    inventory: &Inventory,
    repairs: &Repairs,
    wanted: &Wanted,
) -> Result<Vec<Draft>, PlanRefused> {
    let Some(Scope::NewProfile(name)) = &repairs.personalization else { return Ok(Vec::new()) };
    let sources: BTreeSet<&String> = wanted.moved.iter().map(|(_, source)| source).collect();
    let Some(source) = sources.first().copied() else { return Ok(Vec::new()) };
    let existing = inventory.profiles.iter().find(|(there, _)| same_name(there, name));
    let mut changes = Vec::new();
    match existing {
        Some((_, there)) if there.personalization != Some(Setting::Enabled) => {
            return Err(PlanRefused::ProfileExists { name: name.clone() });
        }
        Some(_) => {}
        None if sources.len() > 1 => {
            let sources = sources.into_iter().cloned().collect();
            return Err(PlanRefused::SeveralProfiles { name: name.clone(), sources });
        }
        None => {
            let page = inventory.profiles.get(source).and_then(|profile| profile.page.clone());
            changes.push(Draft {
                action: Action::AddProfile {
                    target: name.clone(),
                    source: source.clone(),
                    page: page.unwrap_or_default(),
                    before: (),
                    after: Setting::Enabled,
                },
                affects: 0,
                reason: format!(
                    "it is {source} with Phone Personalization enabled; its unlock and SSH passwords are not \
                     copied, because no server gives them out"
                ),
            });
        }
    }
    changes.extend(wanted.moved.iter().map(|(phone, source)| Draft {
        action: Action::AssignProfile {
            target: phone.clone(),
            before: source.clone(),
            after: existing.map_or_else(|| name.clone(), |(there, _)| there.clone()),
        },
        affects: 1,
        reason: PERSONALIZATION.to_owned(),
    }));
    Ok(changes)
}

/// Lets phones take their configuration over: those that have a change of their own, and all of a profile
/// that was changed; none twice.
fn applied(
    inventory: &Inventory,
    audit: &Audit,
    phones: &BTreeMap<String, &'static str>,
    profiles: &BTreeMap<String, &'static str>,
    reset: bool,
) -> Vec<Draft> {
    let whole = profiles.iter().map(|(name, why)| Draft {
        action: Action::apply_config(ConfigLevel::Profile, name, reset),
        affects: inventory.profiles.get(name).map_or(0, |profile| profile.phones),
        reason: (*why).to_owned(),
    });
    let covered: BTreeSet<&str> = audit
        .phones
        .iter()
        .filter(|phone| {
            let profile = phone.phone.common_phone_profile.as_deref();
            profile.is_some_and(|profile| profiles.contains_key(profile))
        })
        .map(|phone| phone.name().as_str())
        .collect();
    let single = phones.iter().filter(|(name, _)| !covered.contains(name.as_str()));
    let single = single.map(|(name, why)| Draft {
        action: Action::apply_config(ConfigLevel::Phone, name, reset),
        affects: 1,
        reason: (*why).to_owned(),
    });
    whole.chain(single).collect()
}

const PERSONALIZATION: &str =
    "a phone takes pushed pictures only where Phone Personalization is enabled";

const TAKEN_OVER: &str = "it applies its new settings only then";

const OWED: &str = "an earlier run changed its settings, and ended before the phones applied them";

/// `webAccess` is 0 where it is enabled (seen in published device files).
const ENABLED: &str = "0";

/// Gives the push user every phone of the audit that it lacks and that is worth it.
pub(super) fn association(inventory: &Inventory, audit: &Audit) -> Option<Draft> {
    let PushUser::Found { user, devices, account } = &inventory.push_user else { return None };
    if account.outranks() {
        return None;
    }
    let lacking: Vec<&AuditedPhone> =
        audit.phones.iter().filter(|phone| is_worth_associating(phone)).collect();
    if lacking.is_empty() {
        return None;
    }
    let after = devices.merged(lacking.iter().map(|phone| phone.name().as_str()));
    let adds = after.missing_from(devices);
    let offline = lacking.iter().filter(|phone| phone.verdict == Verdict::Offline).count();
    let later = match offline {
        0 => String::new(),
        1 => "; 1 of them is not registered now and will be ready when it comes back".to_owned(),
        n => format!("; {n} of them are not registered now and will be ready when they come back"),
    };
    Some(Draft {
        affects: adds.len(),
        action: Action::AssociateDevices {
            target: user.clone(),
            before: devices.clone(),
            adds,
            after,
        },
        reason: format!(
            "a phone takes a push only from a user that controls it, and {} does not{later}",
            user.user
        ),
    })
}

fn is_worth_associating(phone: &AuditedPhone) -> bool {
    can_become_ready(phone) && phone.has(Code::NotAssociated)
}

/// Why no plan can be made that does what is asked for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlanRefused {
    /// One new profile cannot be a copy of several.
    #[error(
        "the phones to be moved to the new profile {} use {} different Common Phone Profiles: {}", quoted(name), sources.len(), names(sources))]
    SeveralProfiles { name: String, sources: Vec<String> },
    #[error(
        "there is a Common Phone Profile {} already, and its Phone Personalization is not Enabled",
        quoted(name)
    )]
    ProfileExists { name: String },
}
