//! How a simulated cluster behaves.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::fleet::Random;
use super::fleet_content::Fleet;
use super::limits::Limits;

#[derive(Clone, Debug)]
pub struct SimConfig {
    pub fleet: Fleet,
    /// What the UUIDs of its nodes are made of: those of another installation are others, those of a copy are the
    /// same. Nothing makes it an installation of its own.
    pub installation: Option<String>,
    /// Which CUCM release the cluster plays; it decides the AXL versions that are answered.
    pub release: Release,
    /// Where AXL and RisPort70 may be, on loopback: they get the first that is free. Port 0 lets the system choose.
    pub axl_addresses: Vec<SocketAddr>,
    pub phone_port: u16,
    pub phone_tls_port: u16,
    /// What the user data service reports as `upgradeInProgress`; releases before 12.5 do not report it.
    pub upgrading: bool,
    pub change_notification: ChangeNotification,
    pub change_cache: ChangeCache,
    pub limits: Limits,
    pub risport: RisPort,
    pub sql: Sql,
    /// What `getUser` and `getAppUser` show of a user's groups.
    pub user_groups: UserGroups,
    /// Writes nulls in every shape that published answers show, also those that the published schema does not
    /// allow (`xsi:nil` on what is not nillable, `uuid=""`). Clients with strict schemas refuse them.
    pub odd_nulls: bool,
    /// Lists phones in another order for every request: AXL promises none.
    pub shuffle_lists: bool,
    /// Answers a refused RisPort70 request with HTTP 200 instead of 500; clients in the field handle both.
    pub ris_fault_with_200: bool,
    /// How long a request may take to arrive, its header and its body each.
    pub request_time: Duration,
    /// Requests after which an AXL session cookie expires, or nothing for never.
    pub session_requests: Option<u32>,
    /// Wrong passwords in a row after which an account is locked.
    pub lockout_after: u32,
    /// How long a phone takes before it answers a push.
    pub phone_latency: Duration,
    /// How far single answers are from that.
    pub latency_spread: Spread,
    /// How long a new association takes to reach the page that phones ask (believed: some minutes at worst).
    pub association_delay: Duration,
    /// Whether a phone that applies its configuration restarts and registers anew, or keeps its registration.
    /// A reset is always a restart.
    pub apply_restarts: bool,
    pub restart_time: Duration,
    /// A folder that every different AXL and RisPort70 request is written into, for checks against other
    /// people's schemas.
    pub keep_requests: Option<PathBuf>,
    /// A file that everything that happens is written into, a line of JSON each ([`SimEvent`](super::SimEvent)).
    pub record: Option<PathBuf>,
}

impl SimConfig {
    /// Takes a fleet and the behaviour of a healthy cluster with CUCM's own limits.
    pub fn new(fleet: Fleet) -> Self {
        Self {
            fleet,
            installation: None,
            release: Release::R15_0,
            axl_addresses: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
            phone_port: 0,
            phone_tls_port: 0,
            upgrading: false,
            change_notification: ChangeNotification::On,
            change_cache: ChangeCache::default(),
            limits: Limits::real(),
            risport: RisPort::Answers,
            sql: Sql::Answers,
            user_groups: UserGroups::WithRoles,
            odd_nulls: false,
            shuffle_lists: false,
            ris_fault_with_200: false,
            request_time: Duration::from_secs(30),
            session_requests: None,
            lockout_after: 5,
            phone_latency: Duration::ZERO,
            latency_spread: Spread::None,
            association_delay: Duration::ZERO,
            apply_restarts: true,
            restart_time: Duration::ZERO,
            keep_requests: None,
            record: None,
        }
    }
}

/// How the time that phones take is spread. The same seed spreads it in the same way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Spread {
    None,
    /// Evenly, from nothing to twice the time.
    Even {
        seed: u64,
    },
    /// Most take half the time, and one in twenty takes ten times as long.
    LongTail {
        seed: u64,
    },
}

impl Spread {
    /// Returns how long the `n`th answer of a phone takes, where it is `usual`.
    pub(crate) fn of(self, usual: Duration, phone: usize, n: usize) -> Duration {
        let draw = |seed: u64| {
            let mixed = seed ^ (phone as u64).rotate_left(32) ^ n as u64;
            let mut random = Random::new(mixed);
            // The first number of neighbouring seeds is alike.
            random.next();
            random
        };
        match self {
            Self::None => usual,
            Self::Even { seed } => {
                usual * u32::try_from(draw(seed).below(201)).unwrap_or(100) / 100
            }
            Self::LongTail { seed } if draw(seed).percent(5) => usual * 10,
            Self::LongTail { .. } => usual / 2,
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Restart {
    pub closed: Duration,
    /// How long every path is answered with HTTP 404 after that.
    pub missing: Duration,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RisPort {
    Answers,
    /// HTTP 403, as for an account without the role.
    Forbidden,
    /// A page of HTML with HTTP 200, as in front of a service that is not activated.
    Html,
    Closed,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sql {
    Answers,
    /// Nothing: a permission fault.
    Refused,
    /// It lacks the tables that hold phones' `vendorConfig`.
    NoVendorConfig,
}

/// How `listChange` is answered. What a cluster answers where it is switched off was not published, so there are both
/// ways.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChangeNotification {
    On,
    OffWithFault,
    OffWithoutQueue,
}

/// What `listChange` keeps and how it answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChangeCache {
    /// How many changes are kept; older ones are dropped (AXL Developer Guide: 100,000).
    pub capacity: usize,
    /// How many changes an answer has at most.
    pub page: usize,
    /// What the first call, the one without `startChangeId`, answers.
    pub first_call: FirstCall,
    /// Begins the type of a change with a small letter, as examples of the AXL Developer Guide do.
    pub small_initial: bool,
}

impl Default for ChangeCache {
    fn default() -> Self {
        Self {
            capacity: 100_000,
            page: 1_000,
            first_call: FirstCall::Baseline,
            small_initial: false,
        }
    }
}

/// Sources do not agree on the first call of `listChange`, so there are both answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FirstCall {
    /// The numbers and no change (an example of Cisco).
    Baseline,
    /// All that the cache holds, in pages (AXL Developer Guide).
    WholeCache,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UserGroups {
    /// Each group with its roles, as in the AXL schema.
    WithRoles,
    /// Each group by its name alone; the schema allows it.
    NamesOnly,
    /// Nothing, as if the tag had not been requested.
    LeftOut,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Release {
    R11_5,
    R12_0,
    R12_5,
    R14_0,
    R15_0,
}

impl Release {
    pub const ALL: [Self; 5] = [Self::R11_5, Self::R12_0, Self::R12_5, Self::R14_0, Self::R15_0];

    /// Returns the full version as `getCCMVersion` returns it.
    pub fn version(self) -> &'static str {
        match self {
            Self::R11_5 => "11.5.1.18900-97",
            Self::R12_0 => "12.0.1.22900-11",
            Self::R12_5 => "12.5.1.14900-63",
            Self::R14_0 => "14.0.1.13900-155",
            Self::R15_0 => "15.0.1.12900-234",
        }
    }

    /// Returns the AXL schema versions that are answered, newest first (AXL Developer Guide).
    pub fn axl_versions(self) -> &'static [&'static str] {
        match self {
            Self::R11_5 => &["11.5", "11.0", "10.5", "10.0", "9.1", "9.0"],
            Self::R12_0 => &["12.0", "11.5", "11.0", "10.5", "10.0"],
            Self::R12_5 => &["12.5", "12.0", "11.5", "11.0", "10.5", "10.0"],
            Self::R14_0 => &["14.0", "12.5", "12.0", "11.5", "11.0"],
            Self::R15_0 => &["15.0", "14.0", "12.5", "12.0"],
        }
    }
}

/// Something that goes wrong at the cluster, for the next few requests that it fits.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Fault {
    /// HTTP 503 on a read.
    BusyRead,
    /// HTTP 503 on a write, as when too many change notifications are outstanding.
    BusyWrite,
    /// An HTML page with HTTP 200 instead of an answer.
    HtmlWithOk,
    /// The fault "Maximum AXL Memory Allocation Consumed".
    MemoryFault,
    /// A write is carried out, but the connection breaks before the answer.
    WriteWithoutAnswer,
    /// The answer to a read breaks off in the middle.
    Truncated,
    /// Tomcat's HTML page with HTTP 500 instead of an answer; nothing is carried out.
    ErrorPage,
    /// The database fault -244, as while a row is locked (Informix error messages); nothing is carried out.
    DatabaseLocked,
}

/// The application user that may do everything; exists in the simulator only.
pub const ADMIN_USER: &str = "simadmin";
pub const ADMIN_PASSWORD: &str = "simulator-only-admin";
/// The application user that may only read; exists in the simulator only.
pub const READER_USER: &str = "simreader";
pub const READER_PASSWORD: &str = "simulator-only-reader";
/// The application user that phones accept pushes from; exists in the simulator only.
pub const PUSH_USER: &str = "bgpush";
pub const PUSH_PASSWORD: &str = "simulator-only-push";
/// The end user that phones accept pushes from; exists in the simulator only.
pub const PUSH_END_USER: &str = "bgpush-eu";
pub const PUSH_END_USER_PASSWORD: &str = "simulator-only-push-eu";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_spreads_time_in_the_same_way() {
        let usual = Duration::from_millis(100);
        let all = |spread: Spread| (0..400).map(|n| spread.of(usual, n, 1)).collect::<Vec<_>>();
        for spread in [Spread::Even { seed: 1 }, Spread::LongTail { seed: 1 }] {
            assert_eq!(all(spread), all(spread));
            let mean = all(spread).iter().sum::<Duration>() / 400;
            assert!(mean > usual * 8 / 10 && mean < usual * 12 / 10, "{spread:?}: {mean:?}");
        }
        assert_ne!(all(Spread::Even { seed: 1 }), all(Spread::Even { seed: 2 }));
        assert!(all(Spread::None).iter().all(|time| *time == usual));
    }
}
