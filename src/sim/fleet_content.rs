//! What is in a simulated cluster: devices, profiles, users, nodes.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::domain::model;
use crate::domain::personalization::Setting;
use crate::sim::phones::reply_wording::Wording;

/// The content of a simulated cluster.
///
/// Device pools, profiles, locations and owners that a phone names without a description here are created
/// with harmless settings, so that a test names only what it is about.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub phones: Vec<PhoneSpec>,
    pub profiles: Vec<ProfileSpec>,
    pub device_pools: Vec<String>,
    /// End users and application users beside those that every simulated cluster has.
    pub users: Vec<UserSpec>,
    /// Call processing nodes, by name; the first is the publisher.
    pub nodes: Vec<String>,
    /// The enterprise parameter for Phone Personalization; nothing means that the row is missing, and
    /// phones obey the product default, Disabled.
    pub enterprise_personalization: Option<Setting>,
    /// The name under which the enterprise parameter is stored. No public source names it.
    pub personalization_parameter: String,
    /// Web access in the Enterprise Phone Configuration: on, off, or not there.
    pub enterprise_web_access: Option<bool>,
    /// What else the Enterprise Phone Configuration's `vendorConfig` holds, as markup.
    pub enterprise_vendor_config: String,
    /// Whether phones run their web server when no level sets it.
    pub web_access: bool,
    /// More enterprise parameters by name, blank and foreign values too. `URLAuthentication` among them
    /// replaces the simulator's own authentication page.
    pub parameters: Vec<(String, String)>,
    /// Devices that the application user [`super::PUSH_USER`] starts with.
    pub push_devices: Vec<String>,
    /// Devices that the end user [`super::PUSH_END_USER`] starts with.
    pub push_end_user_devices: Vec<String>,
    /// Device pools behind a low-bandwidth link, by name, with the bytes a second that their phones share.
    pub pool_bandwidth: Vec<(String, u32)>,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            phones: Vec::new(),
            profiles: Vec::new(),
            device_pools: Vec::new(),
            users: Vec::new(),
            nodes: vec!["cucm-pub".to_owned(), "cucm-sub1".to_owned()],
            enterprise_personalization: Some(Setting::Enabled),
            personalization_parameter: "PhonePersonalization".to_owned(),
            enterprise_web_access: None,
            enterprise_vendor_config: String::new(),
            web_access: true,
            parameters: Vec::new(),
            push_devices: Vec::new(),
            push_end_user_devices: Vec::new(),
            pool_bandwidth: Vec::new(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct ProfileSpec {
    pub name: String,
    pub personalization: Setting,
    /// "Enable End User Access to Phone Background Image Setting".
    pub background_image: bool,
    /// Web access in its `vendorConfig`: on, off, or not there.
    pub web_access: Option<bool>,
    /// What else its `vendorConfig` holds, as markup: `<defaultWallpaperFile>` forces an image (believed).
    pub vendor_config: String,
}

impl ProfileSpec {
    pub fn new(name: impl Into<String>, personalization: Setting) -> Self {
        Self {
            name: name.into(),
            personalization,
            background_image: true,
            web_access: None,
            vendor_config: String::new(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct PhoneSpec {
    pub name: String,
    pub description: String,
    /// The model's number in `typemodel`.
    pub model: u32,
    pub model_name: String,
    /// Whether this is a device template, which AXL lists with the class `Phone Template`.
    pub template: bool,
    pub protocol: Protocol,
    pub device_pool: String,
    pub profile: String,
    pub location: String,
    pub css: Option<String>,
    pub owner: Option<String>,
    /// The user that is logged in by Extension Mobility.
    pub login_user: Option<String>,
    /// The directory number of its first line; nothing for one that the cluster gives it, an empty text for none.
    pub extension: Option<String>,
    /// `phoneSuite`: the phone's own Phone Personalization.
    pub personalization: Setting,
    pub web_access: Option<bool>,
    pub vendor_config: String,
    /// The phone's own authentication URL; nothing means the enterprise parameter's.
    ///
    /// An empty text would be that too in CUCM, so a phone without one has [`NO_URL`].
    pub authentication_url: Option<String>,
    /// The phone's own authentication URL for HTTPS; nothing means the enterprise parameter's.
    pub secure_authentication_url: Option<String>,
    pub active: bool,
    pub special_load: Option<String>,
    pub registration: Registration,
    /// The index in [`Fleet::nodes`] of the node that reports it.
    pub node: usize,
    /// The node that still reports an older state of it, if any.
    pub stale_node: Option<usize>,
    pub address: Address,
    /// The IPv4 address that RisPort70 reports, where it is not the one at which the phone answers: an older one, or
    /// that of the Expressway through which the phone registers.
    pub reported_address: Option<Ipv4Addr>,
    /// The state of its web server in RisPort70; `None` means the real one.
    pub httpd: Option<Httpd>,
    pub active_load: String,
    pub web: Web,
    pub certificate: Shows,
    pub quirk: Quirk,
    pub downloads: DownloadsBy,
}

impl PhoneSpec {
    /// Makes a registered SIP phone of the pool `HQ` that follows the standard profile.
    ///
    /// It has no address yet: set `address`, or let [`Fleet::give_addresses`] do it.
    pub fn new(name: impl Into<String>, model: u32) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            model,
            model_name: model_name(model),
            template: false,
            protocol: Protocol::Sip,
            device_pool: "HQ".to_owned(),
            profile: STANDARD_PROFILE.to_owned(),
            location: "Hub_None".to_owned(),
            css: None,
            owner: None,
            login_user: None,
            extension: None,
            personalization: Setting::Default,
            web_access: None,
            vendor_config: String::new(),
            authentication_url: None,
            secure_authentication_url: None,
            active: true,
            special_load: None,
            registration: Registration::Registered,
            node: 0,
            stale_node: None,
            address: Address::None,
            reported_address: None,
            httpd: None,
            active_load: "sip88xx.14-2-1-0101-4".to_owned(),
            web: Web::Both,
            certificate: Shows::Issued,
            quirk: Quirk::Normal,
            downloads: DownloadsBy::Itself,
        }
    }
}

impl Fleet {
    /// Gives every registered phone without address one of 127.1.0.1 and up that no other phone has.
    pub fn give_addresses(&mut self) {
        let taken: HashSet<_> = self.phones.iter().filter_map(|phone| phone.address.v4()).collect();
        let mut free = (0..).map(|k| loopback_address(1, k)).filter(|a| !taken.contains(a));
        for phone in &mut self.phones {
            if phone.address == Address::None && phone.registration == Registration::Registered {
                phone.address = free.next().map_or(Address::None, Address::V4);
            }
        }
    }
}

/// A user of the cluster.
///
/// `Debug` does not show the password.
#[derive(Clone)]
pub struct UserSpec {
    pub userid: String,
    pub kind: UserKind,
    pub password: String,
    /// What the user may do over AXL.
    pub axl: AxlRole,
    pub serviceability: bool,
    /// The User Rank: 1 is the highest, 10 the lowest.
    pub rank: u8,
    pub devices: Vec<String>,
    pub state: AccountState,
    /// Groups with their roles, beside those of `axl` and `serviceability`.
    pub groups: Vec<(String, Vec<String>)>,
}

impl UserSpec {
    pub fn new(userid: impl Into<String>, kind: UserKind, password: impl Into<String>) -> Self {
        Self {
            userid: userid.into(),
            kind,
            password: password.into(),
            axl: AxlRole::None,
            serviceability: false,
            rank: 10,
            devices: Vec::new(),
            state: AccountState::Active,
            groups: Vec::new(),
        }
    }
}

impl std::fmt::Debug for UserSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserSpec")
            .field("userid", &self.userid)
            .field("kind", &self.kind)
            .field("axl", &self.axl)
            .field("rank", &self.rank)
            .field("devices", &self.devices.len())
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AccountState {
    Active,
    /// An end user that is inactive, as those that left the directory are.
    Inactive,
    LockedByAdministrator,
    LockedByHacking,
}

impl AccountState {
    pub fn locked(self) -> bool {
        matches!(self, Self::LockedByAdministrator | Self::LockedByHacking)
    }
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum AxlRole {
    /// Nothing: HTTP 403.
    None,
    /// Reads only: a write is refused with HTTP 401.
    ReadOnly,
    Full,
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum UserKind {
    EndUser,
    Application,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    Sccp,
    Sip,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Registration {
    /// It never registered, or so long ago that nothing is known.
    NeverSeen,
    PartiallyRegistered,
    Registered,
    Rejected,
    UnRegistered,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Address {
    None,
    /// A loopback address that the phone listens on, if it is up. Only 127.0.0.0/8 is served.
    V4(Ipv4Addr),
    /// Only an IPv6 address, which the simulator reports but does not serve.
    V6Only(Ipv6Addr),
    /// Both; the phone answers at the first. RisPort70 reports the IPv6 address first.
    DualStack(Ipv4Addr, Ipv6Addr),
}

impl Address {
    pub fn v4(self) -> Option<Ipv4Addr> {
        match self {
            Self::V4(address) | Self::DualStack(address, _) => Some(address),
            Self::None | Self::V6Only(_) => None,
        }
    }

    pub fn v6(self) -> Option<Ipv6Addr> {
        match self {
            Self::V6Only(address) | Self::DualStack(_, address) => Some(address),
            Self::None | Self::V4(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Httpd {
    No,
    Unknown,
    Yes,
}

/// What a phone's web server speaks. Whether a phone whose server is set to HTTPS only closes the other port or sends
/// its clients to HTTPS is not published, so there are both.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Web {
    Both,
    HttpsOnly,
    /// HTTPS; the other port sends clients there.
    RedirectsToHttps,
    /// Both, but the other port sends those to HTTPS that push something.
    RedirectsPushes,
    /// HTTPS with TLS 1.0 only, as the 7900 series does (believed); the other port is closed.
    OldTlsOnly,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Shows {
    /// One that the simulated maker has signed.
    Issued,
    SelfSigned,
    Expired,
    /// One that the maker has signed for the phone of this name.
    Other(String),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DownloadsBy {
    Itself,
    /// By the phone, which asks for the first part of each file and for the connection to be kept, and takes what it
    /// gets.
    ItselfInParts,
    /// By the phone, behind NAT or a proxy: its requests come from this address.
    Behind(Ipv4Addr),
    /// By another host at this address; the phone downloads nothing.
    Other(Ipv4Addr),
    /// By two other hosts, a half each; the phone downloads nothing.
    TwoOthers(Ipv4Addr, Ipv4Addr),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Quirk {
    /// It answers success and never downloads anything.
    AcceptsButNeverFetches,
    /// It answers success at once, and downloads so much later.
    AnswersFirst(Duration),
    /// It answers HTTP 503 to the first push, then behaves.
    Busy503Once,
    /// It ends a connection after one answer, with `Connection: close`.
    ClosesConnections,
    /// It cannot reach the server that it downloads from, as behind a firewall: it answers with error 3 when its download
    /// has timed out after this long.
    CannotDownload(Duration),
    /// It carries the push out, and breaks the connection in the middle of its answer.
    CutsAnswer,
    /// It answers 200 with an empty body.
    EmptyReply,
    /// It carries nothing out, and sends an answer of many megabytes that begins like a success.
    EndlessReply,
    /// It answers 200 with this `CiscoIPPhoneError`.
    ErrorWithOk {
        number: u32,
    },
    /// It breaks the download of the picture off half-way, and answers success all the same.
    FetchesHalf,
    /// It downloads the picture but not its thumbnail, and answers success.
    FetchesImageOnly,
    /// It answers 200 with a page of HTML.
    Garbage,
    /// It has no `/CGI/Execute`.
    Http404,
    /// It answers success to the first push and does nothing, then behaves.
    IgnoresFirstPush,
    /// It carries a push out, and breaks the connection instead of answering.
    LosesAnswer,
    /// It never registers again once it is ordered to apply its configuration or to reset.
    NeverComesBack,
    Normal,
    /// It ends a connection after one answer, without `Connection: close`.
    OneAnswerAConnection,
    /// It ends a connection after one answer, with `Connection: close`, and accepts the next one only then.
    OneConnectionAtATime,
    /// It redirects a push to another host.
    Redirects,
    /// It resets the connection once it has read the request.
    Resets,
    /// It restarts in the middle of the first push, once it has the picture and not its thumbnail.
    RestartsMidway,
    /// A menu covers its screen all the time.
    ScreenCovered,
    /// It takes this long before it answers.
    SlowReply(Duration),
    /// It loses its address to another device, which has none of the connections to it.
    TakenOver {
        /// After so many requests to the address.
        after: usize,
        /// Whether it ends a connection after one answer, with `Connection: close`.
        closes: bool,
    },
    /// It carries the push out, and sends its answer a byte at a time, with such a pause before each.
    Trickles(Duration),
    /// It words its answer so, whatever its model.
    Worded(Wording),
    /// Another phone answers at its address.
    WrongDevice,
}

/// Returns the `k`th phone address of 127.`network`.0.0/16; the last octet is never 0 or 255.
pub(crate) fn loopback_address(network: u8, k: u32) -> Ipv4Addr {
    let network = u32::from(network) + k / PER_NETWORK;
    let within = k % PER_NETWORK;
    let octet = |value: u32| u8::try_from(value).unwrap_or(u8::MAX);
    Ipv4Addr::new(127, octet(network), octet(within / 254), octet(1 + within % 254))
}

const PER_NETWORK: u32 = 256 * 254;

/// Returns the name of a model, also of those that are in the phone list without being phones.
fn model_name(number: u32) -> String {
    model::by_number(number)
        .map_or_else(|| format!("Cisco {number}"), |model| model.name.to_owned())
}

pub const CTI_PORT: u32 = 72;
pub const THIRD_PARTY_SIP: u32 = 336;
pub const STANDARD_PROFILE: &str = "Standard Common Phone Profile";
/// For [`PhoneSpec::authentication_url`]: the phone has no authentication URL and authenticates no push.
pub const NO_URL: &str = "";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_distinct_and_never_in_the_first_network() {
        let mut seen = HashSet::new();
        for k in (0..200_000).step_by(7) {
            let address = loopback_address(1, k);
            assert!(address.is_loopback() && address.octets()[1] > 0, "{address}");
            assert!(!matches!(address.octets()[3], 0 | 255));
            assert!(seen.insert(address));
        }
    }

    #[test]
    fn a_user_shows_no_password() {
        let user = UserSpec::new("x", UserKind::EndUser, "top-secret-word");
        assert!(!format!("{user:?}").contains("top-secret-word"));
    }
}
