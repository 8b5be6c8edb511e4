//! Changes of the configuration by AXL, by `executeSQLUpdate` and by tests. Each is recorded for `listChange`.

use std::sync::Arc;

use super::change_log::ChangedTag;
use super::fault::SoapFault;
use super::fleet_content::{AccountState, AxlRole, UserKind};
use super::state::{Cluster, Database, Fields, Line};
use super::values::{VendorConfig, setting_name};
use super::xml::Node;
use crate::domain::personalization::Setting;

/// A change of a phone. Indexes are those of the tables of the database.
pub(crate) enum PhoneEdit {
    Active(bool),
    AuthenticationUrl(Option<String>),
    Description(String),
    /// A field that is only kept and answered.
    Field(Node),
    Lines(Vec<Line>),
    Load(Option<String>),
    Location(usize),
    Name(String),
    Owner(Option<usize>),
    Personalization(Setting),
    Pool(usize),
    Profile(usize),
    SecureAuthenticationUrl(Option<String>),
    Space(Option<usize>),
    VendorConfig(VendorConfig),
}

impl PhoneEdit {
    /// Refuses a name that another phone has.
    pub(crate) fn unused_name(
        cluster: &Database,
        phone: usize,
        name: &str,
    ) -> Result<(), SoapFault> {
        match cluster.device(name) {
            _ if name.is_empty() => Err(SoapFault::invalid("the name is empty")),
            Some(other) if other != phone => Err(SoapFault::duplicate()),
            Some(_) | None => Ok(()),
        }
    }

    /// The field of AXL that it changes.
    fn tag(&self) -> &str {
        match self {
            Self::Active(_) => "isActive",
            Self::AuthenticationUrl(_) => "authenticationUrl",
            Self::Description(_) => "description",
            Self::Field(node) => &node.name,
            Self::Lines(_) => "lines",
            Self::Load(_) => "loadInformation",
            Self::Location(_) => "locationName",
            Self::Name(_) => "name",
            Self::Owner(_) => "ownerUserName",
            Self::Personalization(_) => "phoneSuite",
            Self::Pool(_) => "devicePoolName",
            Self::Profile(_) => "commonPhoneConfigName",
            Self::SecureAuthenticationUrl(_) => "secureAuthenticationUrl",
            Self::Space(_) => "callingSearchSpaceName",
            Self::VendorConfig(_) => "vendorConfig",
        }
    }

    /// The new value where it is a text, for `listChange`.
    fn value(&self, cluster: &Database) -> Option<String> {
        let text = |text: &Option<String>| Some(text.clone().unwrap_or_default());
        match self {
            Self::Active(active) => Some(active.to_string()),
            Self::AuthenticationUrl(url) | Self::SecureAuthenticationUrl(url) => text(url),
            Self::Description(text) | Self::Name(text) => Some(text.clone()),
            Self::Field(node) => field_value(node),
            Self::Lines(_) | Self::VendorConfig(_) => None,
            Self::Load(load) => text(load),
            Self::Location(to) => Some(cluster.locations.entries[*to].name.clone()),
            Self::Owner(to) => {
                Some(to.map(|to| cluster.users[to].userid.clone()).unwrap_or_default())
            }
            Self::Personalization(setting) => Some(setting_name(*setting).to_owned()),
            Self::Pool(to) => Some(cluster.pools.entries[*to].name.clone()),
            Self::Profile(to) => Some(cluster.profiles.entries[*to].name.clone()),
            Self::Space(to) => {
                Some(to.map(|to| cluster.spaces.entries[to].name.clone()).unwrap_or_default())
            }
        }
    }
}

/// A change of an end user or of an application user.
pub(crate) enum UserEdit {
    Devices(Vec<usize>),
    /// A field that is only kept and answered.
    Field(Node),
    Groups(Vec<(String, Vec<String>)>),
    Name(String),
    Password(String),
    Pin(String),
    Rank(u8),
    State(AccountState),
}

impl UserEdit {
    fn tag(&self) -> &str {
        match self {
            Self::Devices(_) => "associatedDevices",
            Self::Field(node) => &node.name,
            Self::Groups(_) => "associatedGroups",
            Self::Name(_) => "userid",
            Self::Password(_) => "password",
            Self::Pin(_) => "pin",
            Self::Rank(_) => "userRank",
            Self::State(_) => "status",
        }
    }

    /// The new value where it is a text and no secret, for `listChange`.
    fn value(&self) -> Option<String> {
        match self {
            Self::Devices(_) | Self::Groups(_) | Self::Password(_) | Self::Pin(_) => None,
            Self::Field(node) => field_value(node),
            Self::Name(name) => Some(name.clone()),
            Self::Rank(rank) => Some(rank.to_string()),
            Self::State(state) => {
                Some(if *state == AccountState::Inactive { "0" } else { "1" }.to_owned())
            }
        }
    }
}

impl Cluster {
    pub(crate) fn edit_phone(&mut self, at: usize, edits: Vec<PhoneEdit>) {
        let changed = |edit: &PhoneEdit| ChangedTag::new(edit.tag(), edit.value(self));
        let tags = edits.iter().map(changed).collect();
        for edit in edits {
            self.apply(at, edit);
        }
        self.note_device("Phone", at, tags);
    }

    /// Carries a change out without noting it.
    pub(crate) fn apply(&mut self, at: usize, edit: PhoneEdit) {
        // A phone names other objects, and the fleet's description of it does, too.
        match edit {
            PhoneEdit::Active(active) => self.device_mut(at).spec.active = active,
            PhoneEdit::AuthenticationUrl(url) => self.device_mut(at).spec.authentication_url = url,
            PhoneEdit::Description(text) => self.device_mut(at).spec.description = text,
            PhoneEdit::Field(node) => keep(&mut self.device_mut(at).fields, node),
            PhoneEdit::Lines(lines) => self.device_mut(at).written_lines = Some(lines),
            PhoneEdit::Load(load) => self.device_mut(at).spec.special_load = load,
            PhoneEdit::Location(to) => {
                let name = self.locations.entries[to].name.clone();
                let device = self.device_mut(at);
                (device.location, device.spec.location) = (to, name);
            }
            PhoneEdit::Name(name) => {
                let before = self.devices[at].spec.name.to_lowercase();
                let index = Arc::make_mut(&mut self.device_index);
                index.remove(&before);
                index.insert(name.to_lowercase(), at);
                self.device_mut(at).spec.name = name;
            }
            PhoneEdit::Owner(to) => {
                let name = to.map(|to| self.users[to].userid.clone());
                let device = self.device_mut(at);
                (device.owner, device.spec.owner) = (to, name);
            }
            PhoneEdit::Personalization(setting) => {
                self.device_mut(at).spec.personalization = setting;
            }
            PhoneEdit::Pool(to) => {
                let name = self.pools.entries[to].name.clone();
                let device = self.device_mut(at);
                (device.pool, device.spec.device_pool) = (to, name);
            }
            PhoneEdit::Profile(to) => {
                let name = self.profiles.entries[to].name.clone();
                let device = self.device_mut(at);
                (device.profile, device.spec.profile) = (to, name);
            }
            PhoneEdit::SecureAuthenticationUrl(url) => {
                self.device_mut(at).spec.secure_authentication_url = url;
            }
            PhoneEdit::Space(to) => {
                let name = to.map(|to| self.spaces.entries[to].name.clone());
                let device = self.device_mut(at);
                (device.space, device.spec.css) = (to, name);
            }
            PhoneEdit::VendorConfig(VendorConfig { inside, web_access }) => {
                let device = self.device_mut(at);
                device.written_vendor_config = Some(inside);
                device.spec.web_access = web_access;
            }
        }
    }

    /// Removes a phone; returns where it was in lists.
    pub(crate) fn delete_phone(&mut self, at: usize) -> Option<usize> {
        let position = self.remove_phone(at);
        let uuid = self.devices[at].uuid.clone();
        self.note_change("Phone", uuid, 'r', Vec::new());
        position
    }

    pub(crate) fn edit_user(&mut self, at: usize, edits: Vec<UserEdit>) {
        let tags = edits.iter().map(|edit| ChangedTag::new(edit.tag(), edit.value())).collect();
        for edit in edits {
            self.apply_to_user(at, edit);
        }
        self.note_user(at, 'u', tags);
    }

    /// Carries a change out without noting it.
    pub(crate) fn apply_to_user(&mut self, at: usize, edit: UserEdit) {
        if let UserEdit::Name(to) = &edit {
            let before = self.users[at].userid.to_lowercase();
            let index = Arc::make_mut(&mut self.user_index);
            index.remove(&before);
            index.insert(to.to_lowercase(), at);
        }
        let user = self.user_mut(at);
        match edit {
            UserEdit::Devices(devices) => user.associate(devices),
            UserEdit::Field(node) => keep(&mut user.fields, node),
            UserEdit::Groups(groups) => {
                let has =
                    |role: &str| groups.iter().any(|(_, roles)| roles.iter().any(|r| r == role));
                user.axl = match (has(AXL), has(AXL_READ_ONLY)) {
                    (true, _) => AxlRole::Full,
                    (false, true) => AxlRole::ReadOnly,
                    (false, false) => AxlRole::None,
                };
                user.serviceability = has(SERVICEABILITY);
                user.groups = groups;
            }
            UserEdit::Name(name) => user.userid = name,
            UserEdit::Password(password) => user.password = password.into(),
            UserEdit::Pin(pin) => user.pin = pin.into(),
            UserEdit::Rank(rank) => user.rank = rank,
            UserEdit::State(state) => user.state = state,
        }
    }

    /// Removes a user, who owns no phone any longer. Its index is never used again.
    pub(crate) fn remove_user(&mut self, at: usize) {
        self.note_user(at, 'r', Vec::new());
        let userid = self.users[at].userid.to_lowercase();
        Arc::make_mut(&mut self.user_index).remove(&userid);
        self.sessions.retain(|_, session| session.user != at);
        let user = self.user_mut(at);
        user.associate(Vec::new());
        // Requests that it made may still be under way.
        user.axl = AxlRole::None;
        user.serviceability = false;
        for device in 0..self.devices.len() {
            if self.devices[device].owner == Some(at) {
                self.apply(device, PhoneEdit::Owner(None));
            }
        }
    }

    pub(crate) fn set_parameter(&mut self, name: String, value: String) {
        let uuid = super::values::uuid("parameter", &name);
        let tag = ChangedTag::new("value", value.clone());
        self.parameters.insert(name, value);
        self.note_change("ServiceParameter", uuid, 'u', vec![tag]);
    }

    /// Notes that a user was added, changed or removed.
    pub(crate) fn note_user(&mut self, at: usize, action: char, tags: Vec<ChangedTag>) {
        let user = &self.users[at];
        let kind = match user.kind {
            UserKind::EndUser => "User",
            UserKind::Application => "AppUser",
        };
        let uuid = user.uuid.clone();
        self.note_change(kind, uuid, action, tags);
    }
}

/// Keeps a field; one that is empty is as one that was never written, and secrets are never answered.
pub(crate) fn keep(fields: &mut Fields, node: Node) {
    if SECRETS.contains(&node.name.as_str()) {
        return;
    }
    let node = without_nil(node);
    if node.children.is_empty() && node.text.trim().is_empty() && node.attributes.is_empty() {
        fields.remove(&node.name);
    } else {
        fields.insert(node.name.clone(), node);
    }
}

/// The text of a field that is written; nothing for a list and for a secret.
pub(crate) fn field_value(node: &Node) -> Option<String> {
    let is_text = node.children.is_empty() && !SECRETS.contains(&node.name.as_str());
    is_text.then(|| node.text.trim().to_owned())
}

/// Makes elements with `xsi:nil` empty ones: they are the same to AXL.
pub(crate) fn without_nil(mut node: Node) -> Node {
    node.attributes.retain(|attribute| !attribute.qualified);
    node.children = node.children.into_iter().map(without_nil).collect();
    node
}

const SECRETS: [&str; 5] =
    ["authenticationString", "digestCredentials", "mlppPassword", "sshPwd", "unlockPwd"];

/// Roles that give access to services.
pub(crate) const AXL: &str = "Standard AXL API Access";
pub(crate) const AXL_READ_ONLY: &str = "Standard AXL Read Only API Access";
pub(crate) const SERVICEABILITY: &str = "Standard RealtimeAndTraceCollection";
