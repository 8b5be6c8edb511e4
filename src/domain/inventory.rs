//! What a survey saw of a cluster: one immutable document, already old when it is read.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::association::{DeviceList, UserKind, UserRef};
use super::device_name::DeviceName;
use super::model::{self, Model};
use super::personalization::{Personalization, Setting};
use super::registration::Registration;
use super::web_access::PageValue;
use crate::domain::phone_page::PageSettings;

/// Which cluster a document is about.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ClusterInfo {
    /// The name that the configuration gives it, or its host.
    pub name: String,
    /// The publisher, as `host:port`.
    pub host: String,
    /// The version by `getCCMVersion`.
    pub version: String,
    /// The AXL schema version that was spoken.
    pub axl_version: String,
}

/// One phone as the cluster has it configured, and its registration.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Phone {
    /// Its device name.
    pub name: DeviceName,
    /// The directory number of its first line; nothing where it has none, or where it could not be read.
    pub extension: Option<String>,
    /// Its description, as typed by an administrator: hostile until escaped.
    pub description: String,
    /// The model, as AXL names it.
    pub model: String,
    /// SIP or SCCP.
    pub protocol: String,
    /// Its device pool.
    pub device_pool: String,
    /// Its Common Phone Profile.
    pub common_phone_profile: Option<String>,
    /// Its location.
    pub location: Option<String>,
    /// Its owner's user ID.
    pub owner: Option<String>,
    /// Its own Phone Personalization setting.
    pub personalization: Option<Setting>,
    /// The Authentication URL on its own page.
    pub authentication_url: Option<String>,
    /// The Secure Authentication URL on its own page.
    pub secure_authentication_url: Option<String>,
    /// The firmware load on its own page; nothing where its model's default counts.
    pub configured_load: Option<String>,
    /// Web Access on its own page. Looked at only where the phone did not say that its web server runs.
    pub web_access: PageValue,
    /// The product-specific settings on its own page. Looked at only where Web Access is to be repaired there.
    #[serde(skip)]
    pub page: Option<PageSettings>,
    /// Its registration.
    pub registration: Registration,
}

impl Phone {
    /// A phone of which nothing else is known.
    pub fn unknown(name: DeviceName, registration: Registration) -> Self {
        Self {
            name,
            extension: None,
            description: String::new(),
            model: String::new(),
            protocol: String::new(),
            device_pool: String::new(),
            common_phone_profile: None,
            location: None,
            owner: None,
            personalization: None,
            authentication_url: None,
            secure_authentication_url: None,
            configured_load: None,
            web_access: PageValue::Nothing,
            page: None,
            registration,
        }
    }

    /// Returns the catalogue's entry: by the model that is configured, else by the number that the
    /// phone registered with.
    pub fn catalogue_entry(&self) -> Option<&'static Model> {
        model::by_name(&self.model)
            .or_else(|| self.registration.model_number.and_then(model::by_number))
    }
}

/// A Common Phone Profile, as far as it decides about pictures.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct PhoneProfile {
    pub personalization: Option<Setting>,
    /// "Enable End User Access to Phone Background Image Setting".
    pub background_access: Option<bool>,
    /// The wallpaper file that the profile forces on its phones.
    pub forced_wallpaper: Option<String>,
    /// Whether the setting of a forced wallpaper could not be read.
    pub wallpaper_unread: bool,
    pub web_access: PageValue,
    /// How many phones of the whole cluster use it, selected or not.
    pub phones: usize,
    /// A digest of what a copy of it would have, where it could be copied.
    #[serde(skip)]
    pub page: Option<String>,
}

/// The enterprise parameters that decide about pictures.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct EnterpriseSettings {
    /// Phone Personalization for the whole cluster; nothing when no such parameter was found.
    pub personalization: Option<Setting>,
    /// `URL Authentication`: nothing when it could not be read, empty when it is blank.
    pub authentication_url: Option<String>,
    /// The same for phones that speak HTTPS to it.
    pub secure_authentication_url: Option<String>,
    /// Web Access in Enterprise Phone Configuration.
    pub web_access: PageValue,
}

/// What is known of a user besides its devices. What the cluster did not tell stays empty.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct AccountStatus {
    /// Why it cannot log in, in words; nothing when no reason is known.
    pub locked: Option<String>,
    /// Its User Rank: 1 is the highest.
    pub rank: Option<i64>,
    /// The User Rank of the account that axlpaper uses.
    pub own_rank: Option<i64>,
    /// The failed logins after which its credential policy locks it; nothing where that is not known or unlimited.
    pub locks_after: Option<usize>,
}

impl AccountStatus {
    /// Returns whether the user is known to outrank the account that axlpaper uses, which then may not change
    /// it (AXL Developer Guide, User Rank).
    pub fn outranks(&self) -> bool {
        matches!((self.rank, self.own_rank), (Some(rank), Some(own)) if rank < own)
    }
}

/// Who answers at an address that several phones are reported at.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressOwner {
    /// The device of this name, or of this MAC address.
    Device(String),
    /// Something that does not say who it is.
    Nameless,
    Silent,
}

/// What the survey found out about the user whose name and password go to the phones.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PushUser {
    /// No push user was named, so association cannot be judged.
    NotNamed,
    Missing {
        user: String,
        /// The kinds of users among which it was looked for.
        searched: Vec<UserKind>,
        /// The other kind, when a user of that kind has this very name.
        exists_as: Option<UserKind>,
        similar: Vec<String>,
    },
    /// The user and the devices it controls.
    Found {
        #[serde(flatten)]
        user: UserRef,
        devices: DeviceList,
        account: AccountStatus,
    },
}

#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Inventory {
    pub cluster: ClusterInfo,
    /// When the survey ended.
    pub taken_at: Timestamp,
    pub nodes: Vec<String>,
    /// Nodes that did not answer RisPort70: their phones are of unknown registration.
    pub silent_nodes: Vec<String>,
    /// The device pools, with and without phones.
    pub device_pools: Vec<String>,
    /// Common Phone Profiles by name.
    pub profiles: BTreeMap<String, PhoneProfile>,
    pub enterprise: EnterpriseSettings,
    pub push_user: PushUser,
    /// Who answers at addresses that several of the phones are reported at.
    pub residents: BTreeMap<IpAddr, AddressOwner>,
    /// How many phones the cluster has, whether selected or not.
    pub phones_on_cluster: usize,
    /// The selected phones, sorted by name.
    pub phones: Vec<Phone>,
    /// What could not be read, in sentences for a person.
    pub remarks: Vec<String>,
}

impl Inventory {
    pub fn profile_of(&self, phone: &Phone) -> Option<&PhoneProfile> {
        self.profiles.get(phone.common_phone_profile.as_deref()?)
    }

    /// Asks phone, profile and enterprise parameter for the personalization that the phone obeys.
    ///
    /// A phone without a profile has no profile level, so the search goes on behind it.
    pub fn personalization_of(&self, phone: &Phone) -> Personalization {
        let profile = match phone.common_phone_profile {
            None => Some(Setting::Default),
            Some(_) => self.profile_of(phone).and_then(|profile| profile.personalization),
        };
        Personalization::resolve(phone.personalization, profile, self.enterprise.personalization)
    }
}
