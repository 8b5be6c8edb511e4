//! Changes to the fleet between two requests of a client.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::time::Instant;

use super::fleet_content::{AxlRole, PhoneSpec, Registration};
use crate::domain::personalization::Setting;

/// Something that an administrator does to the fleet between two requests.
#[derive(Clone, Debug)]
pub enum Change {
    /// A user gets another list of associated devices, as a second administrator would write it.
    Associate {
        user: String,
        /// The whole list; unknown names are left out.
        devices: Vec<String>,
    },
    /// A device is added at this position of the order in which lists give them.
    Insert {
        position: usize,
        phone: Box<PhoneSpec>,
    },
    Remove(String),
    Rename {
        name: String,
        to: String,
    },
    Move {
        name: String,
        position: usize,
    },
    Personalize {
        phone: String,
        setting: Setting,
    },
    /// The cluster's knowledge of a phone's registration changes.
    Register {
        phone: String,
        registration: Registration,
    },
    /// A phone gets another address, and its registration shows that.
    Readdress {
        phone: String,
        address: Ipv4Addr,
    },
    Password {
        user: String,
        password: String,
    },
    /// The authentication page fails for a while.
    PageFails(PageTrouble, Lasts),
    Role {
        user: String,
        axl: AxlRole,
    },
    PersonalizeProfile {
        profile: String,
        setting: Setting,
    },
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
