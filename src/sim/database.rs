//! What is configured on the simulated cluster: the part that reads copy and then work on without a lock.
//!
//! The copy is cheap, because devices, users and the index of names are shared until one changes.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

use super::change_log::{ChangeLog, ChangedTag, LoggedChange};
use super::config::{ChangeNotification, SimConfig};
use super::fleet::Random;
use super::fleet_content::{
    AccountState, AxlRole, Httpd, PhoneSpec, ProfileSpec, Registration, UserKind,
};
use super::values::{FIRST_TIME, pkid, uuid, vendor_settings};
use crate::domain::model::{self, DeviceKind};
use crate::domain::personalization::Setting;
use crate::sim::xml::Node;

#[derive(Clone)]
pub(crate) struct Database {
    /// What was configured, without the phones and users of the fleet.
    pub(crate) config: Arc<SimConfig>,
    /// What `executeSQLQuery` asks instead of the fields here.
    pub(crate) sql_cache: SqlCache,
    pub(crate) nodes: Vec<String>,
    pub(crate) silent_nodes: HashSet<usize>,
    pub(crate) pools: Table<()>,
    pub(crate) profiles: Table<Profile>,
    pub(crate) locations: Table<()>,
    pub(crate) spaces: Table<()>,
    /// Directory numbers that were added or changed over AXL, with the fields of the answer; all others are those of the
    /// devices.
    pub(crate) lines: Table<Fields>,
    /// Every device that ever was; those that still exist are in `order`.
    pub(crate) devices: Vec<Arc<Device>>,
    /// The devices that are there, in the order in which lists give them.
    pub(crate) order: Vec<usize>,
    pub(crate) device_index: Arc<HashMap<String, usize>>,
    pub(crate) users: Vec<Arc<User>>,
    pub(crate) user_index: Arc<HashMap<String, usize>>,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) changes: Arc<ChangeLog>,
    /// How `listChange` is answered now.
    pub(crate) change_notification: ChangeNotification,
}

/// Named things with a UUID, found by name in any case of letters.
#[derive(Clone)]
pub(crate) struct Table<T> {
    pub(super) kind: &'static str,
    pub(crate) entries: Vec<Entry<T>>,
    index: HashMap<String, usize>,
}

#[derive(Clone)]
pub(crate) struct Entry<T> {
    pub(crate) name: String,
    pub(crate) uuid: String,
    pub(crate) pkid: String,
    pub(crate) value: T,
}

#[derive(Clone)]
pub(crate) struct Profile {
    pub(crate) spec: ProfileSpec,
    /// The inside of the `vendorConfig` that was written over AXL; it replaces that of `spec`.
    pub(crate) written_vendor_config: Option<String>,
    /// Other fields of the answer, by tag.
    pub(crate) fields: BTreeMap<String, String>,
}

#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) spec: PhoneSpec,
    /// The inside of the `vendorConfig` that was written over AXL; it replaces that of `spec`.
    pub(crate) written_vendor_config: Option<String>,
    pub(crate) restarts: u32,
    /// How often it registered, or lost its registration, without a restart.
    pub(crate) registrations: u32,
    /// Until when it is away for a restart.
    pub(crate) away_until: Option<Instant>,
    pub(crate) uuid: String,
    pub(crate) pkid: String,
    pub(crate) pool: usize,
    pub(crate) profile: usize,
    pub(crate) location: usize,
    pub(crate) space: Option<usize>,
    pub(crate) owner: Option<usize>,
    /// The lines that were written over AXL; without them the phone has one, which `spec` describes.
    pub(crate) written_lines: Option<Vec<Line>>,
    /// Other fields that were written over AXL.
    pub(crate) fields: Fields,
    pub(crate) loaded: Loaded,
}

/// The configuration that a phone loaded when it last restarted; it obeys this and nothing newer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Loaded {
    pub(crate) personalization: Setting,
    pub(crate) background_allowed: bool,
    pub(crate) web_access: bool,
    /// Empty when the phone authenticates no push.
    pub(crate) authentication_url: String,
}

#[derive(Clone)]
pub(crate) struct User {
    pub(crate) userid: String,
    pub(crate) uuid: String,
    pub(crate) pkid: String,
    pub(crate) kind: UserKind,
    /// An empty one was never set.
    pub(crate) password: secrecy::SecretString,
    pub(crate) axl: AxlRole,
    pub(crate) serviceability: bool,
    pub(crate) rank: u8,
    pub(crate) devices: Vec<usize>,
    /// Since when each of them is associated; nothing for those from the beginning.
    pub(super) since: HashMap<usize, Option<Instant>>,
    pub(crate) failures_in_a_row: u32,
    pub(crate) failed_logins: u64,
    pub(crate) state: AccountState,
    pub(crate) groups: Vec<(String, Vec<String>)>,
    /// What `doAuthenticateUser` checks; an empty one was never set.
    pub(crate) pin: secrecy::SecretString,
    /// Other fields that were written over AXL.
    pub(crate) fields: Fields,
}

/// Elements as they were written over AXL, by tag; they are answered as they are.
pub(crate) type Fields = BTreeMap<String, Node>;

/// A line of a phone.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) number: String,
    /// The element `line`.
    pub(crate) written: Node,
}

impl<T> Table<T> {
    pub(super) fn new(kind: &'static str) -> Self {
        Self { kind, entries: Vec::new(), index: HashMap::new() }
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.index.get(&name.to_lowercase()).copied()
    }

    pub(crate) fn find_uuid(&self, uuid: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.uuid.eq_ignore_ascii_case(uuid))
    }

    pub(crate) fn find_or_add(&mut self, name: &str, value: impl FnOnce() -> T) -> usize {
        if let Some(at) = self.find(name) {
            return at;
        }
        let uuid = uuid(self.kind, name);
        self.entries.push(Entry { name: name.to_owned(), pkid: pkid(&uuid), uuid, value: value() });
        self.index.insert(name.to_lowercase(), self.entries.len() - 1);
        self.entries.len() - 1
    }

    pub(crate) fn remove(&mut self, at: usize) {
        self.entries.remove(at);
        let names = self.entries.iter().enumerate();
        self.index = names.map(|(at, entry)| (entry.name.to_lowercase(), at)).collect();
    }
}

impl Database {
    pub(crate) fn device(&self, name: &str) -> Option<usize> {
        self.device_index.get(&name.to_lowercase()).copied()
    }

    pub(crate) fn user(&self, userid: &str) -> Option<usize> {
        self.user_index.get(&userid.to_lowercase()).copied()
    }

    /// Returns the users that exist, with their indexes.
    pub(crate) fn listed_users(&self) -> impl Iterator<Item = (usize, &User)> {
        let users = self.users.iter().map(|user| &**user).enumerate();
        users.filter(|(at, user)| self.user(&user.userid) == Some(*at))
    }

    /// Returns the devices in the order of a list, which a seed shuffles.
    pub(crate) fn listing(&self, shuffle: Option<u64>) -> Cow<'_, [usize]> {
        let Some(seed) = shuffle else { return Cow::Borrowed(&self.order) };
        let mut order = self.order.clone();
        Random::new(seed).shuffle(&mut order);
        Cow::Owned(order)
    }

    pub(crate) fn device_mut(&mut self, at: usize) -> &mut Device {
        Arc::make_mut(&mut self.devices[at])
    }

    /// Notes a change for `listChange`.
    pub(crate) fn note_change(
        &mut self,
        kind: &'static str,
        uuid: String,
        action: char,
        tags: Vec<ChangedTag>,
    ) {
        let change = LoggedChange { kind, uuid, action, tags };
        Arc::make_mut(&mut self.changes).add(change);
    }

    /// Notes that some fields of a device changed.
    pub(crate) fn note_device(&mut self, kind: &'static str, at: usize, tags: Vec<ChangedTag>) {
        self.note_change(kind, self.devices[at].uuid.clone(), 'u', tags);
    }

    pub(crate) fn remove_profile(&mut self, at: usize) {
        self.profiles.remove(at);
        // Devices that are gone may have used it still, and their profile is never read again.
        for device in self.devices.iter_mut().filter(|device| device.profile >= at) {
            let device = Arc::make_mut(device);
            device.profile = device.profile.saturating_sub(1);
        }
    }

    pub(crate) fn user_mut(&mut self, at: usize) -> &mut User {
        Arc::make_mut(&mut self.users[at])
    }
}

impl Profile {
    pub(crate) fn new(spec: ProfileSpec) -> Self {
        let description = ("description".to_owned(), "A profile of the simulator".to_owned());
        Self { spec, written_vendor_config: None, fields: BTreeMap::from([description]) }
    }

    pub(crate) fn vendor_settings(&self) -> Cow<'_, str> {
        match &self.written_vendor_config {
            Some(written) => Cow::Borrowed(written),
            None => vendor_settings(self.spec.web_access, &self.spec.vendor_config).into(),
        }
    }
}

impl Device {
    pub(crate) fn vendor_settings(&self) -> Cow<'_, str> {
        match &self.written_vendor_config {
            Some(written) => Cow::Borrowed(written),
            None => vendor_settings(self.spec.web_access, &self.spec.vendor_config).into(),
        }
    }

    /// Returns the directory number of its first line; `at` is its place among all devices.
    pub(crate) fn extension(&self, at: usize) -> Option<String> {
        if let Some(lines) = &self.written_lines {
            return lines.first().map(|line| line.number.clone());
        }
        let number = self.spec.extension.clone().unwrap_or_else(|| (1000 + at).to_string());
        (!number.is_empty()).then_some(number)
    }

    /// Returns the directory numbers of its lines.
    pub(crate) fn numbers(&self, at: usize) -> impl Iterator<Item = Cow<'_, str>> {
        let more = self.written_lines.iter().flatten().skip(1);
        let more = more.map(|line| Cow::Borrowed(line.number.as_str()));
        self.extension(at).map(Cow::Owned).into_iter().chain(more)
    }

    /// Returns its lines; those of the fleet were not written.
    pub(crate) fn lines(&self, at: usize) -> Vec<Line> {
        self.written_lines.clone().unwrap_or_else(|| {
            let line = |number| Line { number, written: Node::default() };
            self.extension(at).into_iter().map(line).collect()
        })
    }

    /// Returns when it was last seen, in seconds since 1970.
    pub(crate) fn last_seen(&self, at: usize) -> u64 {
        FIRST_TIME + at as u64 + self.newer()
    }

    /// Returns when somebody logged in by Extension Mobility.
    pub(crate) fn login_time(&self, at: usize) -> u64 {
        FIRST_TIME + at as u64
    }

    pub(crate) fn version_stamp(&self, at: usize) -> String {
        format!("{{{}-{}", 1_680_793_930 + at, &self.uuid[1..])
    }

    /// Returns the reported address as text: IPv4 where there is one.
    pub(crate) fn address_text(&self) -> Option<String> {
        let (reported, address) = (self.spec.reported_address, self.spec.address);
        let v4 = reported.or_else(|| address.v4()).map(|address| address.to_string());
        v4.or_else(|| address.v6().map(|address| address.to_string()))
    }

    /// Returns its registration now: while it restarts it has none.
    pub(crate) fn registration(&self) -> Registration {
        if self.restarting() { Registration::UnRegistered } else { self.spec.registration }
    }

    /// Returns by how many seconds its state is newer than that at the beginning: the clock is never asked.
    pub(crate) fn newer(&self) -> u64 {
        let back = u64::from(self.restarts + self.registrations) * 60;
        // It went before it came back.
        if self.restarting() { back - 30 } else { back }
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.registration(), Registration::Registered | Registration::PartiallyRegistered)
    }

    fn restarting(&self) -> bool {
        self.away_until.is_some_and(|until| Instant::now() < until)
    }

    pub(crate) fn serves(&self) -> bool {
        // A model that is not in the catalogue counts as a phone.
        let phone = model::by_number(self.spec.model)
            .is_none_or(|m| matches!(m.kind, DeviceKind::DeskPhone | DeviceKind::Video));
        self.is_up() && phone && self.loaded.web_access
    }

    pub(crate) fn httpd(&self) -> Httpd {
        let truth = if self.loaded.web_access { Httpd::Yes } else { Httpd::No };
        self.spec.httpd.unwrap_or(truth)
    }
}

impl User {
    /// Returns a field that was written; end users that the fleet has are called as they log in.
    pub(crate) fn field(&self, tag: &str) -> &str {
        let otherwise = if tag == "lastName" { self.userid.as_str() } else { "" };
        self.fields.get(tag).map_or(otherwise, |node| node.text.trim())
    }

    /// Returns how many devices are in one of two lists only: those of the user, and these.
    pub(crate) fn differs(&self, devices: &[usize]) -> usize {
        let new: HashSet<usize> = devices.iter().copied().collect();
        let kept = self.devices.iter().filter(|at| new.contains(at)).count();
        self.devices.len() + new.len() - 2 * kept
    }

    /// Replaces the associated devices; a device named twice stays once.
    pub(crate) fn associate(&mut self, devices: Vec<usize>) {
        let before = std::mem::take(&mut self.since);
        self.devices = devices;
        let since = &mut self.since;
        self.devices.retain(|at| {
            let when = before.get(at).copied().unwrap_or_else(|| Some(Instant::now()));
            since.insert(*at, when).is_none()
        });
    }

    /// Makes every association as old as the cluster.
    pub(super) fn backdate_associations(&mut self) {
        self.since.values_mut().for_each(|since| *since = None);
    }

    /// Returns whether a device has been associated for long enough that the authentication page accepts it.
    pub(crate) fn controls(&self, device: usize, delay: Duration) -> bool {
        self.since
            .get(&device)
            .is_some_and(|since| since.is_none_or(|since| since.elapsed() >= delay))
    }
}

/// The copy, once a query has asked for one.
#[derive(Default)]
pub(crate) struct SqlCache(Mutex<Option<SqlCopy>>);

pub(crate) struct SqlCopy {
    pub(crate) connection: Connection,
    /// The work of the statement that runs, in instructions of SQLite.
    pub(crate) work: Arc<AtomicU64>,
    /// The tables that hold their rows already.
    pub(crate) filled: Vec<&'static str>,
}

impl SqlCache {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Option<SqlCopy>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the copy, because the configuration is about to change.
    pub(crate) fn drop_copy(&mut self) {
        *self.0.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Clone for SqlCache {
    /// Copies nothing: a configuration is cloned in order to be changed.
    fn clone(&self) -> Self {
        Self::default()
    }
}
