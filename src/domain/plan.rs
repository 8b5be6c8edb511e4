//! The plan: what would be changed on the cluster, so exact that nothing is left to choose.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::association::{DeviceList, UserRef};
use super::inventory::{ClusterInfo, Phone};
use super::personalization::Setting;
use crate::domain::phone_page::PageSettings;

/// The level of a setting.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigLevel {
    /// A phone.
    Phone,
    /// A Common Phone Profile.
    Profile,
}

impl ConfigLevel {
    fn noun(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Profile => "Common Phone Profile",
        }
    }
}

/// A change of Phone Personalization.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PersonalizationChange {
    /// On what.
    pub scope: ConfigLevel,
    /// Its name.
    pub target: String,
    /// What is set there now.
    pub before: Setting,
    /// What will be set.
    pub after: Setting,
}

/// A change of `webAccess` among the product-specific settings of a phone.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct WebAccessChange {
    /// The device name.
    pub target: String,
    /// The settings now.
    pub before: PageSettings,
    /// The settings afterwards: only `webAccess` differs.
    pub after: PageSettings,
}

/// What one change does.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Adds devices to the list that a user controls; `after` is `before` with `adds` at its end.
    AssociateDevices {
        /// Whose list.
        target: UserRef,
        /// The list that the plan was made from.
        before: DeviceList,
        /// What is added.
        adds: Vec<String>,
        /// The list that will be written.
        after: DeviceList,
    },
    /// Takes devices out of the list that a user controls; only `revert` plans it.
    DissociateDevices {
        /// Whose list.
        target: UserRef,
        /// The list that the plan was made from.
        before: DeviceList,
        /// What is taken out.
        removes: Vec<String>,
        /// The list that will be written.
        after: DeviceList,
    },
    /// Enables Phone Personalization.
    EnablePersonalization(PersonalizationChange),
    /// Sets Phone Personalization back; only `revert` plans it.
    RestorePersonalization(PersonalizationChange),
    /// Enables Web Access on a phone's page.
    EnableWebAccess(WebAccessChange),
    /// Sets Web Access on a phone's page back; only `revert` plans it.
    RestoreWebAccess(WebAccessChange),
    /// Copies a Common Phone Profile and enables Phone Personalization on the copy.
    AddProfile {
        /// The name of the copy.
        target: String,
        /// The profile that is copied.
        source: String,
        /// A digest of what is copied.
        page: String,
        /// Nothing: there is no such profile.
        before: (),
        /// Phone Personalization on the copy.
        after: Setting,
    },
    /// Removes a Common Phone Profile again; only `revert` plans it.
    RemoveProfile {
        /// Its name.
        target: String,
        /// A digest of what is on it, as it must still be.
        before: String,
        /// Nothing.
        after: (),
    },
    /// Moves a phone to another Common Phone Profile.
    AssignProfile {
        /// The device name.
        target: String,
        /// The profile that it has now.
        before: String,
        /// The profile that it gets.
        after: String,
    },
    /// Makes phones apply their configuration.
    ApplyConfig {
        /// One phone, or all of a Common Phone Profile.
        scope: ConfigLevel,
        /// Its name.
        target: String,
        /// Whether they are restarted, which ends their calls.
        reset: bool,
        /// Nothing is compared.
        before: (),
        /// Nothing is compared.
        after: (),
    },
}

impl Action {
    /// Makes a phone, or all phones of a profile, apply their configuration.
    pub fn apply_config(scope: ConfigLevel, target: impl Into<String>, reset: bool) -> Self {
        Self::ApplyConfig { scope, target: target.into(), reset, before: (), after: () }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Self::AssociateDevices { .. } => "associate_devices",
            Self::DissociateDevices { .. } => "dissociate_devices",
            Self::EnablePersonalization(_) => "enable_personalization",
            Self::RestorePersonalization(_) => "restore_personalization",
            Self::EnableWebAccess(_) => "enable_web_access",
            Self::RestoreWebAccess(_) => "restore_web_access",
            Self::AddProfile { .. } => "add_profile",
            Self::RemoveProfile { .. } => "remove_profile",
            Self::AssignProfile { .. } => "assign_profile",
            Self::ApplyConfig { .. } => "apply_config",
        }
    }

    /// Returns what is changed, for a person: the object and the part of it.
    pub fn subject(&self) -> String {
        match self {
            Self::AssociateDevices { target, .. } | Self::DissociateDevices { target, .. } => {
                target.to_string()
            }
            Self::EnablePersonalization(change) | Self::RestorePersonalization(change) => {
                format!("Phone Personalization of the {} {}", change.scope.noun(), change.target)
            }
            Self::EnableWebAccess(change) | Self::RestoreWebAccess(change) => {
                format!("Web Access of the phone {}", change.target)
            }
            Self::AddProfile { target, .. } | Self::RemoveProfile { target, .. } => {
                format!("Common Phone Profile {target}")
            }
            Self::AssignProfile { target, .. } => {
                format!("Common Phone Profile of the phone {target}")
            }
            Self::ApplyConfig { scope, target, .. } => {
                format!("configuration of the {} {target}", scope.noun())
            }
        }
    }

    pub fn added_devices(&self) -> &[String] {
        if let Self::AssociateDevices { adds, .. } = self { adds } else { &[] }
    }

    pub fn removed_devices(&self) -> &[String] {
        if let Self::DissociateDevices { removes, .. } = self { removes } else { &[] }
    }

    /// Returns the object whose phones apply their configuration.
    pub fn told(&self) -> Option<(ConfigLevel, &str)> {
        if let Self::ApplyConfig { scope, target, .. } = self {
            Some((*scope, target))
        } else {
            None
        }
    }

    /// Returns the object whose settings are written; phones use them only once they apply their configuration.
    pub fn configures(&self) -> Option<(ConfigLevel, &str)> {
        match self {
            Self::EnablePersonalization(to) | Self::RestorePersonalization(to) => {
                Some((to.scope, &to.target))
            }
            Self::EnableWebAccess(to) | Self::RestoreWebAccess(to) => {
                Some((ConfigLevel::Phone, &to.target))
            }
            Self::AssignProfile { target, .. } => Some((ConfigLevel::Phone, target)),
            // No phone uses a profile that was just made or that was removed.
            Self::AddProfile { .. }
            | Self::RemoveProfile { .. }
            | Self::AssociateDevices { .. }
            | Self::DissociateDevices { .. }
            | Self::ApplyConfig { .. } => None,
        }
    }

    /// Returns whether a phone is changed: by its own name, or as one of its Common Phone Profile.
    pub fn is_about(&self, phone: &str, profile: Option<&str>) -> bool {
        let devices = self.added_devices().iter().chain(self.removed_devices());
        let target =
            self.configures().or_else(|| self.told()).is_some_and(|(level, target)| match level {
                ConfigLevel::Phone => target.eq_ignore_ascii_case(phone),
                ConfigLevel::Profile => profile == Some(target),
            });
        target || devices.into_iter().any(|device| device.eq_ignore_ascii_case(phone))
    }

    /// Returns whether the change takes something back that was there before: no plan file may do that.
    pub fn takes_back(&self) -> bool {
        match self {
            Self::DissociateDevices { .. }
            | Self::RestorePersonalization(_)
            | Self::RestoreWebAccess(_)
            | Self::RemoveProfile { .. } => true,
            Self::AssociateDevices { .. }
            | Self::EnablePersonalization(_)
            | Self::EnableWebAccess(_)
            | Self::AddProfile { .. }
            | Self::AssignProfile { .. }
            | Self::ApplyConfig { .. } => false,
        }
    }
}

/// One change, with its place in the plan.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Change {
    /// Its number in the plan, from 1.
    pub id: u32,
    /// What it does.
    #[serde(flatten)]
    pub action: Action,
    /// How many phones it touches.
    pub affects: usize,
    /// Why it is in the plan.
    pub reason: String,
}

/// An ordered list of changes with their preconditions.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Plan {
    pub cluster: ClusterInfo,
    /// When the survey behind it ended.
    pub made_at: Timestamp,
    /// A short name of this exact list of changes.
    pub id: String,
    /// SHA-256 over the cluster and the changes with everything they expect to find.
    pub fingerprint: String,
    /// The changes, in the order in which they are made.
    pub changes: Vec<Change>,
}

impl Plan {
    /// Returns how many phones the plan touches, each counted once; phones of a profile that is changed are
    /// counted with it.
    pub fn phones_touched(&self) -> usize {
        let (phones, profiles) = self.touched();
        phones.len() + profiles.values().sum::<usize>()
    }

    /// Returns those of some phones that the plan touches.
    pub fn touched_of<'a>(&self, phones: &'a [Phone]) -> Vec<&'a Phone> {
        let (names, profiles) = self.touched();
        let uses = |profile: &String| profiles.contains_key(profile.as_str());
        let is_touched = |phone: &&Phone| {
            names.contains(phone.name.as_str())
                || phone.common_phone_profile.as_ref().is_some_and(uses)
        };
        phones.iter().filter(is_touched).collect()
    }

    /// Returns the names of the phones that the plan touches, and the profiles with their numbers of phones.
    fn touched(&self) -> (HashSet<&str>, BTreeMap<&str, usize>) {
        let mut phones: HashSet<&str> = HashSet::new();
        let mut profiles: BTreeMap<&str, usize> = BTreeMap::new();
        for change in &self.changes {
            let (place, target) = match &change.action {
                Action::AssociateDevices { adds: devices, .. }
                | Action::DissociateDevices { removes: devices, .. } => {
                    phones.extend(devices.iter().map(String::as_str));
                    continue;
                }
                Action::AddProfile { .. } | Action::RemoveProfile { .. } => continue,
                Action::EnablePersonalization(to) | Action::RestorePersonalization(to) => {
                    (to.scope, &to.target)
                }
                Action::EnableWebAccess(to) | Action::RestoreWebAccess(to) => {
                    (ConfigLevel::Phone, &to.target)
                }
                Action::AssignProfile { target, .. } => (ConfigLevel::Phone, target),
                Action::ApplyConfig { scope, target, .. } => (*scope, target),
            };
            match place {
                ConfigLevel::Phone => drop(phones.insert(target)),
                ConfigLevel::Profile => {
                    let users = profiles.entry(target).or_default();
                    *users = change.affects.max(*users);
                }
            }
        }
        (phones, profiles)
    }
}

/// The current value on the cluster where a change was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CurrentState {
    List(DeviceList),
    Phone {
        personalization: Option<Setting>,
        profile: Option<String>,
        /// The settings of its page; says why they cannot be handled.
        settings: Result<PageSettings, String>,
    },
    Profile {
        personalization: Option<Setting>,
        /// A digest of everything else on it; says why it cannot be handled.
        page: Result<String, String>,
    },
    /// It is not there any more.
    Gone,
}
