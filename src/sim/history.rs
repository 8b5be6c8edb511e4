//! What really happened in the simulated cluster: the side that tests believe.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Instant;

use serde::{Serialize, Serializer};

use super::fleet_content::{Registration, UserKind};
use super::phones::reply_wording::PushOutcome;
use super::scheduled_change::Changed;
use crate::domain::model::Size;
use crate::domain::payload_kind::ToneFormat;
use crate::domain::personalization::Setting;

/// A copy of the state of the cluster and of all that happened to it.
///
/// It never holds a password, nor the credentials of a push.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub users: BTreeMap<String, UserRecord>,
    /// Common Phone Profiles by name: their Phone Personalization.
    pub profiles: BTreeMap<String, Setting>,
    pub phones: BTreeMap<String, PhoneRecord>,
    /// Requests to AXL, RisPort70 and the authentication page, by operation; also `http <status>`, one for every
    /// refusal by status.
    pub requests: BTreeMap<String, u64>,
    pub writes: Vec<Write>,
    /// What each [`super::Change`] did, in order.
    pub changes: Vec<Changed>,
    /// The most pushes that were in flight at one time.
    pub most_pushes_in_flight: usize,
    /// The most phones of each device pool that had a push or a download in flight at one time.
    pub most_at_once: BTreeMap<String, usize>,
    /// What no client may do to phones, in order.
    pub violations: Vec<Violation>,
    /// Requests to the decoy host, which no client should contact.
    pub decoy_visits: Vec<Visit>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Violation {
    /// A phone was asked something while it was busy with another request.
    RequestsAtOnce { phone: String, at_once: usize },
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Visit {
    pub path: String,
    /// Whether there was an `Authorization` header; its content is not kept.
    pub authorization: bool,
}

impl Record {
    pub fn requests(&self, operation: &str) -> u64 {
        self.requests.get(operation).copied().unwrap_or(0)
    }

    /// Returns the associated devices of a user, in order; none for an unknown user.
    pub fn devices(&self, userid: &str) -> Vec<&str> {
        let user = self.users.get(userid);
        user.map(|user| user.devices.iter().map(String::as_str).collect()).unwrap_or_default()
    }
}

#[derive(Clone, Debug)]
pub struct UserRecord {
    pub kind: UserKind,
    pub devices: Vec<String>,
    /// All log-ins that failed, at the cluster and through phones.
    pub failed_logins: u64,
    pub locked: bool,
}

#[derive(Clone, Debug)]
pub struct PhoneRecord {
    /// Its registration; while it restarts it has none.
    pub registration: Registration,
    pub personalization: Setting,
    /// The Phone Personalization that it obeys, as last loaded.
    pub loaded_personalization: Setting,
    /// Whether its web server is on, as last loaded.
    pub loaded_web_access: bool,
    pub profile: String,
    /// What `getPhone` answers inside of `vendorConfig`.
    pub vendor_config: String,
    /// How often it restarted.
    pub restarts: u32,
    /// How often it was ordered to apply its configuration while it was registered.
    pub applied: u32,
    /// How often it was ordered to reset while it was registered.
    pub resets: u32,
    /// How many connections its web server accepted.
    pub connections: u32,
    /// Every request that came to its address, in order.
    pub requests: Vec<PhoneRequest>,
    /// Every push that reached it, in order.
    pub pushes: Vec<Push>,
    pub screenshots: u32,
    pub shown: Option<Shown>,
    pub ring_tone: Option<RingTone>,
    /// What it carried out for `CiscoIPPhoneExecute`, in order: keys, sounds, and whatever else.
    pub pressed: Vec<Pressed>,
    /// The most pushes that it had in flight at one time.
    pub most_in_flight: usize,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PhoneRequest {
    /// Over which connection it came: they are counted from 1, in the order in which they were accepted.
    pub connection: u32,
    pub path: String,
    /// Whether the device that got it has taken the address over from the phone.
    pub stranger: bool,
    /// Whether there was an `Authorization` header; its content is not kept.
    pub authorization: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Push {
    /// The value of the form field `XML`, or nothing when there was none.
    pub xml: Option<String>,
    pub authorization: bool,
    pub secure: bool,
    pub outcome: PushOutcome,
    pub fetches: Vec<Fetch>,
}

#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Fetch {
    pub url: String,
    /// The address that the request came from.
    pub from: Ipv4Addr,
    /// The HTTP status, or nothing when no answer came.
    pub status: Option<u16>,
    pub bytes: usize,
    /// Whether the body was read to its end.
    pub complete: bool,
}

#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Shown {
    /// The SHA-256 of the PNG file, in lower-case hexadecimal digits.
    pub sha256: String,
    #[serde(serialize_with = "as_text")]
    pub size: Size,
}

fn as_text<S: Serializer>(size: &Size, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(size)
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RingTone {
    pub sha256: String,
    pub bytes: usize,
    pub format: ToneFormat,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pressed {
    pub uri: String,
    pub at: Instant,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Write {
    pub operation: String,
    pub target: String,
    pub caller: String,
}
