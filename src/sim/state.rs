//! The state of the simulated cluster, with every look-up hashed.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::Ipv4Addr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::change_log::ChangeLog;
use super::config::{
    ADMIN_PASSWORD, ADMIN_USER, Fault, PUSH_END_USER, PUSH_END_USER_PASSWORD, PUSH_PASSWORD,
    PUSH_USER, READER_PASSWORD, READER_USER, SimConfig,
};
use super::database::SqlCache;
pub(crate) use super::database::{
    Database, Device, Entry, Fields, Line, Loaded, Profile, Table, User,
};
use super::fleet_content::{
    AxlRole, Fleet, PhoneSpec, ProfileSpec, STANDARD_PROFILE, UserKind, UserSpec,
};
use super::history::{PhoneRequest, Pressed, Push, RingTone, Shown, Violation, Visit, Write};
use super::hold_point::HoldPoints;
use super::limits::Notifications;
use super::scheduled_change::{FailingPage, ScheduledChanges};
use super::values::{pkid, setting_number, uuid};
use crate::domain::personalization::Setting;

pub(crate) struct Cluster {
    /// What is configured; also what a `Cluster` derefs to.
    pub(crate) database: Arc<Database>,
    pub(crate) scheduled: ScheduledChanges,
    pub(crate) failing_page: Option<FailingPage>,
    pub(crate) hold_points: HoldPoints,
    /// When AXL and RisPort70 answer again after a restart of Tomcat.
    pub(crate) services_from: Option<Instant>,
    /// When AXL answers again after a restart of its service.
    pub(crate) axl_from: Option<Instant>,
    /// When RisPort70 answers again after it was down.
    pub(crate) ris_from: Option<Instant>,
    pub(crate) addresses: HashMap<Ipv4Addr, usize>,
    /// The files that phones can show, by digest: their screens are drawn from them.
    pub(crate) files: HashMap<String, Bytes>,
    /// What devices have been through, by the same index.
    pub(crate) histories: Vec<History>,
    pub(crate) sessions: HashMap<String, Session>,
    pub(crate) faults: BTreeMap<(Option<String>, Fault), u32>,
    /// How many requests to AXL were made.
    pub(crate) axl_requests: u64,
    /// Faults of the requests to AXL by their number, from 1.
    pub(crate) faults_by_number: BTreeMap<u64, Fault>,
    /// Bytes that answers to an operation hold in place of others.
    pub(crate) replaced_bytes: Vec<(String, Vec<u8>, Vec<u8>)>,
    pub(crate) requests: BTreeMap<String, u64>,
    pub(crate) writes: Vec<Write>,
    pub(crate) notifications: Notifications,
    pub(crate) ris_calls: VecDeque<Instant>,
    pub(crate) pushes_in_flight: usize,
    pub(crate) most_pushes_in_flight: usize,
    /// Phones of each device pool that have a push in hand, and the most that had one.
    pub(crate) at_once: BTreeMap<String, usize>,
    pub(crate) most_at_once: BTreeMap<String, usize>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) decoy_visits: Vec<Visit>,
}

impl Deref for Cluster {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

impl DerefMut for Cluster {
    /// Copies the database first if a read is still working on it, and drops the copy that SQL asks.
    fn deref_mut(&mut self) -> &mut Database {
        let database = Arc::make_mut(&mut self.database);
        database.sql_cache.drop_copy();
        database
    }
}

#[derive(Default)]
pub(crate) struct History {
    pub(crate) connections: u32,
    pub(crate) requests: Vec<PhoneRequest>,
    /// Its web server, for phones that serve one connection at a time.
    pub(crate) server: Arc<tokio::sync::Mutex<()>>,
    pub(crate) pushes: Vec<Push>,
    pub(crate) shown: Option<Shown>,
    pub(crate) ring_tone: Option<RingTone>,
    pub(crate) pressed: Vec<Pressed>,
    pub(crate) applied: u32,
    pub(crate) resets: u32,
    pub(crate) in_flight: usize,
    pub(crate) most_in_flight: usize,
    pub(crate) was_busy: bool,
    pub(crate) screenshots: u32,
    /// Requests of any kind that it has in hand.
    pub(crate) asked: usize,
}

pub(crate) struct Session {
    pub(crate) user: usize,
    pub(crate) requests: u32,
}

impl Cluster {
    /// Builds the cluster. The address of the authentication page is set once it is known.
    pub(crate) fn new(mut config: SimConfig) -> Self {
        let phones = std::mem::take(&mut config.fleet.phones);
        let users = std::mem::take(&mut config.fleet.users);
        let config = Arc::new(config);
        let fleet = &config.fleet;
        let database = Database {
            config: Arc::clone(&config),
            sql_cache: SqlCache::default(),
            nodes: fleet.nodes.clone(),
            silent_nodes: HashSet::new(),
            pools: Table::new("pool"),
            profiles: Table::new("profile"),
            locations: Table::new("location"),
            spaces: Table::new("css"),
            lines: Table::new("line"),
            devices: Vec::with_capacity(phones.len()),
            order: Vec::with_capacity(phones.len()),
            device_index: Arc::default(),
            users: Vec::new(),
            user_index: Arc::default(),
            parameters: fleet.parameters.iter().cloned().collect(),
            changes: Arc::new(ChangeLog::new(config.change_cache)),
            change_notification: config.change_notification,
        };
        let mut cluster = Self {
            database: Arc::new(database),
            scheduled: ScheduledChanges::default(),
            failing_page: None,
            hold_points: HoldPoints::default(),
            services_from: None,
            axl_from: None,
            ris_from: None,
            addresses: HashMap::new(),
            files: HashMap::new(),
            histories: Vec::with_capacity(phones.len()),
            sessions: HashMap::new(),
            faults: BTreeMap::new(),
            axl_requests: 0,
            faults_by_number: BTreeMap::new(),
            replaced_bytes: Vec::new(),
            requests: BTreeMap::new(),
            writes: Vec::new(),
            notifications: Notifications::new(),
            ris_calls: VecDeque::new(),
            pushes_in_flight: 0,
            most_pushes_in_flight: 0,
            at_once: BTreeMap::new(),
            most_at_once: BTreeMap::new(),
            violations: Vec::new(),
            decoy_visits: Vec::new(),
        };
        for name in &fleet.device_pools {
            cluster.pools.find_or_add(name, || ());
        }
        for profile in &fleet.profiles {
            cluster.profiles.find_or_add(&profile.name, || Profile::new(profile.clone()));
        }
        let standard = || Profile::new(ProfileSpec::new(STANDARD_PROFILE, Setting::Default));
        let at = cluster.profiles.find_or_add(STANDARD_PROFILE, standard);
        // This UUID is the same on every cluster (seen in unrelated published answers).
        let standard = &mut cluster.profiles.entries[at];
        standard.uuid = "{AC243D17-98B4-4118-8FEB-5FF2E1B781AC}".to_owned();
        standard.pkid = pkid(&standard.uuid);
        let mut all = built_in_users(fleet);
        all.extend(users);
        for user in &all {
            cluster.add_user(user);
        }
        if let Some(setting) = fleet.enterprise_personalization {
            // Enumerations are stored by number in processconfig (believed).
            let name = fleet.personalization_parameter.clone();
            cluster.parameters.insert(name, setting_number(setting).to_owned());
        }
        for phone in phones {
            cluster.add_phone(phone);
        }
        // Every new cluster has it, and published samples put their phones there.
        cluster.pools.find_or_add("Default", || ());
        for user in &all {
            if let Some(&at) = cluster.user_index.get(&user.userid.to_lowercase()) {
                let devices = user.devices.iter().filter_map(|name| cluster.device(name));
                let devices = devices.collect();
                let user = cluster.user_mut(at);
                user.associate(devices);
                user.backdate_associations();
            }
        }
        cluster
    }

    /// Adds a device, or replaces nothing and returns the index of the one that has its name already.
    pub(crate) fn add_phone(&mut self, spec: PhoneSpec) -> usize {
        let lower = spec.name.to_lowercase();
        if let Some(&at) = self.device_index.get(&lower) {
            return at;
        }
        let owner = spec.owner.as_deref().map(|owner| self.end_user(owner));
        if let Some(user) = &spec.login_user {
            self.end_user(user);
        }
        let at = self.devices.len();
        if let Some(address) = spec.address.v4() {
            // The first phone that claims an address keeps it, as on a network.
            self.addresses.entry(address).or_insert(at);
        }
        let profile = self.profiles.find_or_add(&spec.profile, || {
            Profile::new(ProfileSpec::new(spec.profile.clone(), Setting::Default))
        });
        // A device that is added again is another one.
        let removed = self.devices.len() > self.order.len();
        let same_name = |device: &&Arc<Device>| device.spec.name.eq_ignore_ascii_case(&spec.name);
        let before = if removed { self.devices.iter().filter(same_name).count() } else { 0 };
        let id = match before {
            0 => uuid("device", &spec.name),
            times => uuid("device", &format!("{} {times}", spec.name)),
        };
        let device = Device {
            pkid: pkid(&id),
            uuid: id,
            pool: self.pools.find_or_add(&spec.device_pool, || ()),
            profile,
            location: self.locations.find_or_add(&spec.location, || ()),
            space: spec.css.as_deref().map(|css| self.spaces.find_or_add(css, || ())),
            owner,
            loaded: Loaded {
                personalization: Setting::Disabled,
                background_allowed: false,
                web_access: false,
                authentication_url: String::new(),
            },
            written_vendor_config: None,
            written_lines: None,
            fields: BTreeMap::new(),
            restarts: 0,
            registrations: 0,
            away_until: None,
            spec,
        };
        self.devices.push(Arc::new(device));
        self.histories.push(History::default());
        self.order.push(at);
        Arc::make_mut(&mut self.device_index).insert(lower, at);
        self.load(at);
        at
    }

    /// Returns the user of this name, or adds an end user without password: such a user cannot log in.
    fn end_user(&mut self, userid: &str) -> usize {
        let groups = vec![(END_USERS.to_owned(), vec![END_USERS.to_owned()])];
        self.add_user(&UserSpec { groups, ..UserSpec::new(userid, UserKind::EndUser, "") })
    }

    /// Removes a device as an administrator does, also from the lists of users. Returns where it stood.
    pub(crate) fn remove_phone(&mut self, at: usize) -> Option<usize> {
        let position = self.order.iter().position(|&found| found == at)?;
        self.order.remove(position);
        let (name, address) = {
            let spec = &self.devices[at].spec;
            (spec.name.to_lowercase(), spec.address.v4())
        };
        Arc::make_mut(&mut self.device_index).remove(&name);
        self.addresses.retain(|found, who| *who != at || Some(*found) != address);
        for user in &mut self.users {
            let user = Arc::make_mut(user);
            user.devices.retain(|&device| device != at);
            user.since.remove(&at);
        }
        Some(position)
    }

    pub(crate) fn add_user(&mut self, spec: &UserSpec) -> usize {
        let lower = spec.userid.to_lowercase();
        if let Some(&at) = self.user_index.get(&lower) {
            return at;
        }
        let id = uuid("user", &spec.userid);
        self.users.push(Arc::new(User {
            userid: spec.userid.clone(),
            pkid: pkid(&id),
            uuid: id,
            kind: spec.kind,
            password: spec.password.clone().into(),
            axl: spec.axl,
            serviceability: spec.serviceability,
            rank: spec.rank,
            devices: Vec::new(),
            since: HashMap::new(),
            failures_in_a_row: 0,
            failed_logins: 0,
            state: spec.state,
            groups: groups(spec),
            pin: String::new().into(),
            fields: BTreeMap::new(),
        }));
        let at = self.users.len() - 1;
        Arc::make_mut(&mut self.user_index).insert(lower, at);
        at
    }

    pub(crate) fn count(&mut self, operation: &str) {
        *self.requests.entry(operation.to_owned()).or_insert(0) += 1;
    }

    /// Writes an answer as bytes, with what is to be replaced in answers to this operation.
    pub(crate) fn answer_bytes(&self, operation: &str, document: String) -> Vec<u8> {
        let mut bytes = document.into_bytes();
        let replaced = self.replaced_bytes.iter().filter(|(of, ..)| of == operation);
        for (_, from, to) in replaced {
            let mut at = 0;
            while let Some(found) = bytes[at..].windows(from.len()).position(|part| part == from) {
                let start = at + found;
                bytes.splice(start..start + from.len(), to.iter().copied());
                at = start + to.len();
            }
        }
        bytes
    }

    /// Returns whether this fault is due, and counts it down.
    pub(crate) fn fault_due(&mut self, operation: &str, fault: Fault) -> bool {
        let named = self
            .faults
            .keys()
            .find(|(of, kind)| *kind == fault && of.as_deref() == Some(operation));
        let key = named.cloned().unwrap_or((None, fault));
        match self.faults.get_mut(&key) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            Some(_) | None => false,
        }
    }
}

fn built_in_users(fleet: &Fleet) -> Vec<UserSpec> {
    let application = |userid, password| UserSpec::new(userid, UserKind::Application, password);
    vec![
        UserSpec {
            axl: AxlRole::Full,
            serviceability: true,
            rank: 1,
            ..application(ADMIN_USER, ADMIN_PASSWORD)
        },
        UserSpec {
            axl: AxlRole::ReadOnly,
            serviceability: true,
            ..application(READER_USER, READER_PASSWORD)
        },
        UserSpec { devices: fleet.push_devices.clone(), ..application(PUSH_USER, PUSH_PASSWORD) },
        UserSpec {
            devices: fleet.push_end_user_devices.clone(),
            ..UserSpec::new(PUSH_END_USER, UserKind::EndUser, PUSH_END_USER_PASSWORD)
        },
    ]
}

/// Returns the groups of a user with their roles: those of its rights, then its own.
fn groups(spec: &UserSpec) -> Vec<(String, Vec<String>)> {
    let group = |name: &str, roles: &[&str]| {
        (name.to_owned(), roles.iter().map(|&role| role.to_owned()).collect())
    };
    let mut groups = Vec::new();
    match spec.axl {
        AxlRole::None => {}
        AxlRole::ReadOnly => groups.push(group(
            "AXL Read Only Users",
            &["Standard AXL API Users", "Standard AXL Read Only API Access"],
        )),
        AxlRole::Full => {
            groups.push(group("Standard CCM Admin Users", &["Standard CCM Admin Users"]));
            groups.push(group("AXL Users", &["Standard AXL API Access"]));
        }
    }
    if spec.serviceability {
        groups.push(group(
            "Standard CCM Server Monitoring",
            &["Standard RealtimeAndTraceCollection", "Standard SERVICEABILITY Read Only"],
        ));
    }
    groups.extend(spec.groups.iter().cloned());
    groups
}

/// The group of all end users, and its role.
const END_USERS: &str = "Standard CCM End Users";

/// The enterprise parameter that names the authentication page.
pub(crate) const URL_AUTHENTICATION: &str = "URLAuthentication";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::fleet::FleetSpec;

    #[test]
    fn a_reader_keeps_what_it_has_while_the_cluster_changes() {
        let mut cluster = Cluster::new(SimConfig::new(FleetSpec::clean(3)));
        let snapshot = Arc::clone(&cluster.database);
        // Log-ins that succeed and pushes change nothing that is read, so nothing is copied.
        assert!(cluster.check_password(ADMIN_USER, ADMIN_PASSWORD).is_some());
        cluster.histories[0].in_flight += 1;
        assert!(Arc::ptr_eq(&snapshot, &cluster.database));
        cluster.remove_phone(0);
        cluster.device_mut(1).spec.description = "changed".to_owned();
        assert_eq!((snapshot.order.len(), cluster.order.len()), (3, 2));
        assert!(snapshot.devices[1].spec.description.is_empty());
        // What was not touched is shared still.
        assert!(Arc::ptr_eq(&snapshot.devices[2], &cluster.devices[2]));
        assert_eq!(snapshot.device("SEP00FACE000000"), Some(0));
        assert_eq!(cluster.device("SEP00FACE000000"), None);
    }
}
