//! A simulated cluster and its phones, for demonstrations and tests.
//!
//! [`SimCluster`] runs inside of the process and listens on loopback only. It is written against the
//! published schemas and answers, and shares no wire code with the client in this crate, so that it can
//! stand in for a cluster when you develop any AXL or RisPort70 client.
//!
//! What it simulates:
//! - AXL at `https://127.0.0.1:<port>/axl/`, versions 11.5 to 15.0: paths, Basic credentials, session
//!   cookies that expire with 404, lockout, roles (401 and 403), HTTP 599 for versions it does not have,
//!   field order and unknown tags, faults. Answers are valid against the published schema; with
//!   [`SimConfig::odd_nulls`] they show every null that was ever seen instead. Operations:
//!   `list`, `get`, `add`, `update` and `remove` of phones, lines, end users, application users and Common Phone
//!   Profiles; `apply`, `reset`, `restart` and `doDeviceReset`, after which phones restart; `doAuthenticateUser`,
//!   `doChangeDNDStatus`, `listChange`, `executeSQLQuery` and `executeSQLUpdate`, and reads of what they refer to.
//! - what a cluster can bear ([`Limits`]): 8 MB an answer, 16 MB for all, waiting change notifications,
//!   RisPort70 requests in a minute. All of it can be switched off, and scaled in time.
//! - a fleet that changes between two requests ([`Change`]), and over time ([`Timeline`]).
//! - requests that are never answered, carried out or not ([`SimCluster::tripwire`]), and a restart of Tomcat at
//!   one of them ([`SimCluster::restart_tomcat`]).
//! - RisPort70 on the same port: `selectCmDeviceExt` and `selectCmDevice`, rate control, silent nodes.
//! - the version at `/cucm-uds/version`, without credentials.
//! - the authentication page, on plain HTTP, which checks password and association, and can fail ([`PageTrouble`]).
//! - phones on 127.x.y.z, all on one port: `POST /CGI/Execute` with `setBackground` in both published
//!   forms, `setRingTone`, `CiscoIPPhoneExecute`, `GET /DeviceInformationX`. They ask the authentication page over HTTP, obey the
//!   configuration that they loaded last, download and check the pictures, and answer as their model
//!   does. Some misbehave, each in its own way ([`Quirk`]). `GET /CGI/Screenshot` shows their screens. Device
//!   pools can share a low-bandwidth link ([`Fleet::pool_bandwidth`]), and answers can take their time ([`Spread`]).
//! - a decoy host, which only records requests to it ([`SimCluster::decoy_host`]).
//!
//! - the same phones over HTTPS, on a port of their own, with certificates that a simulated maker signed.
//!
//! What it does not: calls, TFTP, phones over IPv6, what keys do, partitions, objects of AXL other than those named
//! here. Such a request is refused, never ignored.
//!
//! What no source confirms is marked "believed".
//!
//! [`SimCluster::record`] returns what really happened, as evidence for tests.

mod accounts;
mod authenticate;
mod axl;
mod capture;
mod carry_out;
mod change_log;
mod cluster;
mod config;
mod database;
mod decoy_host;
mod edits;
mod events;
mod exchange;
mod fault;
mod fleet;
mod fleet_content;
mod history;
mod hold_point;
mod https;
mod limits;
mod operations;
mod page;
mod phone_state;
mod phones;
mod request_body;
mod responses;
mod risport;
mod scheduled_change;
mod schema;
mod shared;
mod snapshot;
mod state;
mod timeline;
mod tomcat;
mod values;
mod xml;

pub use cluster::{SimCluster, SimError};
pub use config::{
    ADMIN_PASSWORD, ADMIN_USER, ChangeCache, ChangeNotification, Fault, FirstCall, PUSH_END_USER,
    PUSH_END_USER_PASSWORD, PUSH_PASSWORD, PUSH_USER, READER_PASSWORD, READER_USER, Release,
    Restart, RisPort, SimConfig, Spread, Sql, UserGroups,
};
pub use fleet_content::{
    AccountState, Address, AxlRole, CTI_PORT, DownloadsBy, Fleet, Httpd, NO_URL, PhoneSpec,
    ProfileSpec, Protocol, Quirk, Registration, STANDARD_PROFILE, Shows, THIRD_PARTY_SIP, UserKind,
    UserSpec, Web,
};

pub use events::SimEvent;
pub use fleet::FleetSpec;
pub use history::{
    Fetch, PhoneRecord, PhoneRequest, Pressed, Push, Record, RingTone, Shown, UserRecord,
    Violation, Visit, Write,
};
pub use hold_point::Tripped;
pub use limits::{Limits, Overload};
pub use phones::reply_wording::{PushOutcome, Wording};
pub use scheduled_change::{Change, Changed, Lasts, PageTrouble};
pub use timeline::{Drawn, Event, Timeline, TimelineError};
