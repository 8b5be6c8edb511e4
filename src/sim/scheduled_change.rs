//! Changes to the cluster that no request makes, and when those of tests are due.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::time::Instant;

use super::config::ChangeNotification;
use super::fleet_content::{AccountState, AxlRole, PhoneSpec, Registration};
use super::values::setting_name;
use crate::domain::personalization::Setting;

/// Something that happens to the cluster without a request to it: by an administrator, a user, a phone or a service.
#[derive(Clone, Debug)]
pub enum Change {
    AccountState {
        user: String,
        state: AccountState,
    },
    /// A user gets another list of associated devices, as a second administrator would write it.
    Associate {
        user: String,
        /// The whole list; unknown names are left out.
        devices: Vec<String>,
    },
    /// The AXL service restarts: its sessions end, `listChange` has another queue, and requests get HTTP 503 for so
    /// long.
    AxlRestart(Duration),
    /// So many descriptions of phones change, as by a bulk job; phones change several times if there are fewer.
    Bulk(usize),
    /// One device leaves the list of a user.
    Dissociate {
        user: String,
        phone: String,
    },
    /// A phone forgets its pictures, shows the background that it came with, and registers anew.
    FactoryReset(String),
    /// A device is added at this position of the order in which lists give them; beyond the end it is the last one.
    Insert {
        position: usize,
        phone: Box<PhoneSpec>,
    },
    ListChange(ChangeNotification),
    /// `listChange` loses all changes that it has, as after more than it can hold.
    ListChangeOverrun,
    /// A phone installs another firmware load and registers anew.
    Load {
        phone: String,
        load: String,
    },
    /// The authentication page fails for a while.
    PageFails(PageTrouble, Lasts),
    Password {
        user: String,
        password: String,
    },
    Personalize {
        phone: String,
        setting: Setting,
    },
    PersonalizeProfile {
        profile: String,
        setting: Setting,
    },
    /// The user chooses another picture on the phone.
    PickPicture(String),
    /// A phone gets another address, a free one where none is given, and registers anew.
    Readdress {
        phone: String,
        address: Option<Ipv4Addr>,
    },
    /// A phone gets another device pool or Common Phone Profile, and is reset.
    Reconfigure {
        phone: String,
        device_pool: Option<String>,
        profile: Option<String>,
    },
    /// A phone registers, with the configuration that it has now, or loses its registration.
    Register {
        phone: String,
        registration: Registration,
    },
    Remove(String),
    Rename {
        name: String,
        to: String,
    },
    Reorder {
        name: String,
        position: usize,
    },
    /// A device is removed, and another one has its settings, owner and directory number.
    Replace {
        phone: String,
        /// The name of the new device; it is made up where none is given.
        by: Option<String>,
    },
    /// RisPort70 answers with HTTP 503 for so long.
    RisDown(Duration),
    Role {
        user: String,
        axl: AxlRole,
    },
}

impl Change {
    /// Returns its name in the record and in the file of a timeline.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AccountState { .. } => "account_state",
            Self::Associate { .. } => "associate",
            Self::AxlRestart(_) => "axl_restart",
            Self::Bulk(_) => "bulk",
            Self::Dissociate { .. } => "associations",
            Self::FactoryReset(_) => "factory_reset",
            Self::Insert { .. } => "add",
            Self::ListChange(_) | Self::ListChangeOverrun => "list_change",
            Self::Load { .. } => "load",
            Self::PageFails(..) => "page_fails",
            Self::Password { .. } => "password",
            Self::Personalize { .. } => "personalization",
            Self::PersonalizeProfile { .. } => "profile",
            Self::PickPicture(_) => "user_picks",
            Self::Readdress { .. } => "address",
            Self::Reconfigure { .. } => "move",
            Self::Register { registration: Registration::Registered, .. } => "register",
            Self::Register { .. } => "unregister",
            Self::Remove(_) => "remove",
            Self::Rename { .. } => "rename",
            Self::Reorder { .. } => "reorder",
            Self::Replace { .. } => "replace",
            Self::RisDown(_) => "ris_down",
            Self::Role { .. } => "role",
        }
    }

    /// Returns how much changes, for how long, or to what; never a password.
    pub(crate) fn detail(&self) -> Option<String> {
        Some(match self {
            Self::AccountState { state, .. } => format!("{state:?}"),
            Self::AxlRestart(time) | Self::RisDown(time) => format!("{time:?}"),
            Self::Bulk(count) => count.to_string(),
            Self::Dissociate { user, .. } => user.clone(),
            Self::ListChange(state) => format!("{state:?}"),
            Self::ListChangeOverrun => "overrun".to_owned(),
            Self::Load { load, .. } => load.clone(),
            Self::PersonalizeProfile { setting, .. } | Self::Personalize { setting, .. } => {
                setting_name(*setting).to_owned()
            }
            Self::Readdress { address, .. } => address.as_ref()?.to_string(),
            Self::Reconfigure { device_pool, profile, .. } => {
                let both: Vec<&str> =
                    [device_pool, profile].into_iter().flatten().map(String::as_str).collect();
                both.join(", ")
            }
            Self::Register { registration, .. } => format!("{registration:?}"),
            Self::Role { axl, .. } => format!("{axl:?}"),
            Self::Associate { .. }
            | Self::FactoryReset(_)
            | Self::Insert { .. }
            | Self::PageFails(..)
            | Self::Password { .. }
            | Self::PickPicture(_)
            | Self::Remove(_)
            | Self::Rename { .. }
            | Self::Reorder { .. }
            | Self::Replace { .. } => return None,
        })
    }

    /// Returns the name of the object that it is about.
    pub(crate) fn subject(&mut self) -> Subject<'_> {
        match self {
            Self::Dissociate { phone: name, .. }
            | Self::FactoryReset(name)
            | Self::Load { phone: name, .. }
            | Self::Personalize { phone: name, .. }
            | Self::PickPicture(name)
            | Self::Readdress { phone: name, .. }
            | Self::Reconfigure { phone: name, .. }
            | Self::Register { phone: name, .. }
            | Self::Remove(name)
            | Self::Rename { name, .. }
            | Self::Reorder { name, .. }
            | Self::Replace { phone: name, .. } => Subject::Phone(name),
            Self::Insert { phone, .. } => Subject::Other(&mut phone.name),
            Self::AccountState { user: name, .. }
            | Self::Associate { user: name, .. }
            | Self::Password { user: name, .. }
            | Self::PersonalizeProfile { profile: name, .. }
            | Self::Role { user: name, .. } => Subject::Other(name),
            Self::AxlRestart(_)
            | Self::Bulk(_)
            | Self::ListChange(_)
            | Self::ListChangeOverrun
            | Self::PageFails(..)
            | Self::RisDown(_) => Subject::Cluster,
        }
    }

    /// Returns the time that it lasts.
    pub(crate) fn time_mut(&mut self) -> Option<&mut Duration> {
        let (Self::AxlRestart(time) | Self::RisDown(time) | Self::PageFails(_, Lasts::For(time))) =
            self
        else {
            return None;
        };
        Some(time)
    }
}

/// What a change is about, with its name.
pub(crate) enum Subject<'a> {
    /// A phone that the cluster has.
    Phone(&'a mut String),
    Other(&'a mut String),
    Cluster,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PageTrouble {
    Status(u16),
    Hangs,
    Closed,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lasts {
    Requests(u32),
    For(Duration),
}

/// The trouble of the authentication page, and its end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FailingPage {
    Requests(PageTrouble, u32),
    Until(PageTrouble, Instant),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Changed {
    /// The operation after whose answer, or before which, it happened; empty when it was between requests.
    pub operation: String,
    /// Which answer or request it was, from 1.
    pub nth: u64,
    pub device: String,
    /// Its position before, or nothing when it is new or was not moved.
    pub from: Option<usize>,
    /// Its position afterwards, or nothing when it is gone or was not moved.
    pub to: Option<usize>,
}

#[derive(Default)]
pub(crate) struct ScheduledChanges {
    pub(super) before: Planned,
    pub(super) after: Planned,
    pub(crate) done: Vec<Changed>,
}

/// Changes to come on one side of requests, and how many of those there were by operation.
#[derive(Default)]
pub(super) struct Planned {
    waiting: Vec<(String, u64, Change)>,
    pub(super) counts: HashMap<String, u64>,
}

impl Planned {
    /// Counts another one of `operation`, and returns which one it was with what was planned for it.
    pub(super) fn due(&mut self, operation: &str) -> (u64, Vec<Change>) {
        let nth = self.counts.entry(operation.to_owned()).or_insert(0);
        *nth += 1;
        let nth = *nth;
        let due = |(of, when, _): &mut (String, u64, Change)| of == operation && *when == nth;
        (nth, self.waiting.extract_if(.., due).map(|(_, _, change)| change).collect())
    }
}

impl ScheduledChanges {
    pub(crate) fn plan(&mut self, operation: &str, nth: u64, change: Change) {
        self.after.waiting.push((operation.to_owned(), nth, change));
    }

    pub(crate) fn plan_before(&mut self, operation: &str, nth: u64, change: Change) {
        self.before.waiting.push((operation.to_owned(), nth, change));
    }
}
