//! What the simulated cluster knows at one moment, with every look-up hashed.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::config::{
    ADMIN_PASSWORD, ADMIN_USER, Fault, PUSH_END_USER, PUSH_END_USER_PASSWORD, PUSH_PASSWORD,
    PUSH_USER, READER_PASSWORD, READER_USER, Release,
};
use super::content::{
    Address, AxlRole, Fleet, Httpd, PhoneSpec, ProfileSpec, Registration, STANDARD_PROFILE,
    UserKind, UserSpec,
};
use super::record::{Push, Shown, Write};
use crate::domain::model::{self, DeviceKind};
use crate::domain::personalization::Setting;

/// The whole state of the simulated cluster.
pub(crate) struct Cluster {
    pub(crate) release: Release,
    pub(crate) answer_limit: usize,
    pub(crate) session_requests: Option<u32>,
    pub(crate) lockout_after: u32,
    pub(crate) nodes: Vec<String>,
    pub(crate) silent_nodes: HashSet<usize>,
    pub(crate) pools: Table<()>,
    pub(crate) profiles: Table<ProfileSpec>,
    pub(crate) locations: Table<()>,
    pub(crate) spaces: Table<()>,
    pub(crate) devices: Vec<Device>,
    pub(crate) device_index: HashMap<String, usize>,
    pub(crate) addresses: HashMap<Ipv4Addr, usize>,
    pub(crate) users: Vec<User>,
    pub(crate) user_index: HashMap<String, usize>,
    /// Enterprise parameters by name.
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) personalization_parameter: String,
    pub(crate) web_access: bool,
    pub(crate) sessions: HashMap<String, Session>,
    pub(crate) faults: BTreeMap<(Option<String>, Fault), u32>,
    pub(crate) requests: BTreeMap<String, u64>,
    pub(crate) writes: Vec<Write>,
    pub(crate) ris_calls: VecDeque<Instant>,
    pub(crate) pushes_in_flight: usize,
    pub(crate) most_pushes_in_flight: usize,
}

/// Named things with a UUID, found by name in any case of letters.
pub(crate) struct Table<T> {
    kind: &'static str,
    pub(crate) entries: Vec<Entry<T>>,
    index: HashMap<String, usize>,
}

/// One named thing.
pub(crate) struct Entry<T> {
    pub(crate) name: String,
    pub(crate) uuid: String,
    pub(crate) value: T,
}

/// A device and what it has been through.
pub(crate) struct Device {
    pub(crate) spec: PhoneSpec,
    pub(crate) uuid: String,
    pub(crate) pool: usize,
    pub(crate) profile: usize,
    pub(crate) location: usize,
    pub(crate) space: Option<usize>,
    pub(crate) owner: Option<usize>,
    pub(crate) loaded: Loaded,
    pub(crate) pushes: Vec<Push>,
    pub(crate) shown: Option<Shown>,
    pub(crate) in_flight: usize,
    pub(crate) most_in_flight: usize,
    pub(crate) was_busy: bool,
}

/// The configuration that a phone loaded when it last restarted; it obeys this and nothing newer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Loaded {
    pub(crate) personalization: Setting,
    pub(crate) background_allowed: bool,
    pub(crate) web_access: bool,
    /// Empty when the phone asks nobody.
    pub(crate) authentication_url: String,
}

/// A user and what became of its log-ins.
pub(crate) struct User {
    pub(crate) userid: String,
    pub(crate) uuid: String,
    pub(crate) kind: UserKind,
    pub(crate) password: secrecy::SecretString,
    pub(crate) axl: AxlRole,
    pub(crate) serviceability: bool,
    pub(crate) rank: u8,
    /// Indices of devices, in order.
    pub(crate) devices: Vec<usize>,
    /// Since when each of them is associated; nothing for those from the beginning.
    since: HashMap<usize, Option<Instant>>,
    pub(crate) failures_in_a_row: u32,
    pub(crate) failed_logins: u64,
    pub(crate) locked: bool,
}

/// A web session of AXL or RisPort70.
pub(crate) struct Session {
    pub(crate) user: usize,
    pub(crate) requests: u32,
}

impl<T> Table<T> {
    fn new(kind: &'static str) -> Self {
        Self { kind, entries: Vec::new(), index: HashMap::new() }
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.index.get(&name.to_lowercase()).copied()
    }

    pub(crate) fn find_uuid(&self, uuid: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.uuid.eq_ignore_ascii_case(uuid))
    }

    fn find_or_add(&mut self, name: &str, value: impl FnOnce() -> T) -> usize {
        if let Some(at) = self.find(name) {
            return at;
        }
        let uuid = uuid(self.kind, name);
        self.entries.push(Entry { name: name.to_owned(), uuid, value: value() });
        self.index.insert(name.to_lowercase(), self.entries.len() - 1);
        self.entries.len() - 1
    }
}

impl Cluster {
    /// Builds the cluster. The address of the authentication page is set once it is known.
    pub(crate) fn new(config: &super::SimConfig) -> Self {
        let fleet = &config.fleet;
        let mut cluster = Self {
            release: config.release,
            answer_limit: config.answer_limit,
            session_requests: config.session_requests,
            lockout_after: config.lockout_after,
            nodes: fleet.nodes.clone(),
            silent_nodes: HashSet::new(),
            pools: Table::new("pool"),
            profiles: Table::new("profile"),
            locations: Table::new("location"),
            spaces: Table::new("css"),
            devices: Vec::with_capacity(fleet.phones.len()),
            device_index: HashMap::new(),
            addresses: HashMap::new(),
            users: Vec::new(),
            user_index: HashMap::new(),
            parameters: BTreeMap::new(),
            personalization_parameter: fleet.personalization_parameter.clone(),
            web_access: fleet.web_access,
            sessions: HashMap::new(),
            faults: BTreeMap::new(),
            requests: BTreeMap::new(),
            writes: Vec::new(),
            ris_calls: VecDeque::new(),
            pushes_in_flight: 0,
            most_pushes_in_flight: 0,
        };
        for name in &fleet.device_pools {
            cluster.pools.find_or_add(name, || ());
        }
        for profile in &fleet.profiles {
            cluster.profiles.find_or_add(&profile.name, || profile.clone());
        }
        let standard = || ProfileSpec::new(STANDARD_PROFILE, Setting::Default);
        let at = cluster.profiles.find_or_add(STANDARD_PROFILE, standard);
        // This UUID is the same on every cluster (seen in unrelated published answers).
        cluster.profiles.entries[at].uuid = "{AC243D17-98B4-4118-8FEB-5FF2E1B781AC}".to_owned();
        for user in standing_users(fleet).iter().chain(&fleet.users) {
            cluster.add_user(user);
        }
        if let Some(setting) = fleet.enterprise_personalization {
            // Enumerations are stored by number in processconfig (believed).
            let name = cluster.personalization_parameter.clone();
            cluster.parameters.insert(name, setting_number(setting).to_owned());
        }
        for phone in &fleet.phones {
            cluster.add_phone(phone.clone());
        }
        let all = standing_users(fleet);
        for user in all.iter().chain(&fleet.users) {
            if let Some(&at) = cluster.user_index.get(&user.userid.to_lowercase()) {
                let devices = user.devices.iter().filter_map(|name| cluster.device(name));
                let devices = devices.collect();
                cluster.users[at].associate(devices);
                cluster.users[at].settle();
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
        let owner = spec.owner.as_deref().map(|owner| {
            let known = self.user_index.get(&owner.to_lowercase()).copied();
            known.unwrap_or_else(|| {
                // A person who has no password cannot log in: an empty one is never accepted.
                self.add_user(&UserSpec::new(owner, UserKind::EndUser, ""))
            })
        });
        let at = self.devices.len();
        if let Address::V4(address) = spec.address {
            // The first phone that claims an address keeps it, as on a network.
            self.addresses.entry(address).or_insert(at);
        }
        let profile = self.profiles.find_or_add(&spec.profile, || {
            ProfileSpec::new(spec.profile.clone(), Setting::Default)
        });
        let device = Device {
            uuid: uuid("device", &spec.name),
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
            pushes: Vec::new(),
            shown: None,
            in_flight: 0,
            most_in_flight: 0,
            was_busy: false,
            spec,
        };
        self.devices.push(device);
        self.device_index.insert(lower, at);
        self.load(at);
        at
    }

    fn add_user(&mut self, spec: &UserSpec) -> usize {
        let lower = spec.userid.to_lowercase();
        if let Some(&at) = self.user_index.get(&lower) {
            return at;
        }
        self.users.push(User {
            userid: spec.userid.clone(),
            uuid: uuid("user", &spec.userid),
            kind: spec.kind,
            password: spec.password.clone().into(),
            axl: spec.axl,
            serviceability: spec.serviceability,
            rank: spec.rank,
            devices: Vec::new(),
            since: HashMap::new(),
            failures_in_a_row: 0,
            failed_logins: 0,
            locked: false,
        });
        self.user_index.insert(lower, self.users.len() - 1);
        self.users.len() - 1
    }

    /// Returns the device of this name, in any case of letters.
    pub(crate) fn device(&self, name: &str) -> Option<usize> {
        self.device_index.get(&name.to_lowercase()).copied()
    }

    /// Returns the user of this id, in any case of letters.
    pub(crate) fn user(&self, userid: &str) -> Option<usize> {
        self.user_index.get(&userid.to_lowercase()).copied()
    }

    /// Lets a phone load its configuration, as it does when it restarts.
    pub(crate) fn load(&mut self, at: usize) {
        let device = &self.devices[at];
        let profile = &self.profiles.entries[device.profile].value;
        let enterprise = self.parameters.get(&self.personalization_parameter);
        let enterprise = enterprise.and_then(|text| number_setting(text));
        // The first level that does not defer decides; a missing parameter means the product's
        // default, which is Disabled.
        let personalization = [Some(device.spec.personalization), Some(profile.personalization)]
            .into_iter()
            .chain([enterprise])
            .flatten()
            .find(|&setting| setting != Setting::Default)
            .unwrap_or(Setting::Disabled);
        let web_access = device.spec.web_access.or(profile.web_access).unwrap_or(self.web_access);
        let authentication_url = match &device.spec.authentication_url {
            Some(url) => url.clone(),
            None => self.parameters.get(URL_AUTHENTICATION).cloned().unwrap_or_default(),
        };
        let background_allowed = profile.background_image;
        self.devices[at].loaded =
            Loaded { personalization, background_allowed, web_access, authentication_url };
    }

    /// Counts a request by the name of its operation.
    pub(crate) fn count(&mut self, operation: &str) {
        *self.requests.entry(operation.to_owned()).or_insert(0) += 1;
    }

    /// Returns whether this fault is due, and counts it down.
    pub(crate) fn strikes(&mut self, operation: &str, fault: Fault) -> bool {
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

impl Device {
    /// Returns whether the phone's web server answers.
    pub(crate) fn serves(&self) -> bool {
        let up = matches!(
            self.spec.registration,
            Registration::Registered | Registration::PartiallyRegistered
        );
        // A model that the catalogue does not know is taken for a phone.
        let phone = model::by_number(self.spec.model)
            .is_none_or(|m| matches!(m.kind, DeviceKind::DeskPhone | DeviceKind::Video));
        up && phone && self.loaded.web_access
    }

    /// Returns what RisPort70 tells about the phone's web server.
    pub(crate) fn httpd(&self) -> Httpd {
        let truth = if self.loaded.web_access { Httpd::Yes } else { Httpd::No };
        self.spec.httpd.unwrap_or(truth)
    }
}

impl User {
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
    fn settle(&mut self) {
        self.since.values_mut().for_each(|since| *since = None);
    }

    /// Tells whether a device has been associated for long enough that the authentication page knows.
    pub(crate) fn controls(&self, device: usize, delay: Duration) -> bool {
        self.since
            .get(&device)
            .is_some_and(|since| since.is_none_or(|since| since.elapsed() >= delay))
    }
}

fn standing_users(fleet: &Fleet) -> Vec<UserSpec> {
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

/// Returns the number that stands for a setting in the database.
pub(crate) fn setting_number(setting: Setting) -> &'static str {
    match setting {
        Setting::Disabled => "0",
        Setting::Enabled => "1",
        Setting::HttpsOnly => "2",
        Setting::Default => "3",
    }
}

/// Returns the display string of AXL's `XPhonePersonalization`.
pub(crate) fn setting_name(setting: Setting) -> &'static str {
    match setting {
        Setting::Disabled => "Disabled",
        Setting::Enabled => "Enabled",
        Setting::HttpsOnly => "HTTPS Only",
        Setting::Default => "Default",
    }
}

fn number_setting(text: &str) -> Option<Setting> {
    match text {
        "0" => Some(Setting::Disabled),
        "1" => Some(Setting::Enabled),
        "2" => Some(Setting::HttpsOnly),
        "3" => Some(Setting::Default),
        _ => None,
    }
}

/// Returns a UUID in AXL's form that is the same for the same thing in every run.
pub(crate) fn uuid(kind: &str, name: &str) -> String {
    let digest = Sha256::digest(format!("{kind}\0{}", name.to_lowercase()));
    let hex = hex(&digest[..16]).to_uppercase();
    format!("{{{}-{}-{}-{}-{}}}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Returns the bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pairs = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    pairs.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The enterprise parameter that names the authentication page.
pub(crate) const URL_AUTHENTICATION: &str = "URLAuthentication";
