//! The HTTP interface of a phone: push objects, replies, client.
//!
//! A phone is asked to fetch a picture, or anything else, by one `POST /CGI/Execute`. What it answers is read here into a
//! [`Reply`], and nothing else counts: the HTTP status alone never makes a success.

mod client;
mod connection;
mod error;
mod https;
mod identity;
mod object;
mod reply;
mod xml;

pub use crate::net::fingerprint::Fingerprint;
pub use crate::net::phone_tls_problem::PhoneTlsProblem;
pub use crate::net::phone_trust::{Believed, PhoneTrust, TrustBasis};
pub use client::{
    Cause, Opened, Outcome, Phase, PhoneAnswer, PhoneClient, PhoneSession, Reuse, Screenshot,
    Unreachable,
};
pub use error::{LongPart, PhoneError};
pub use https::{Https, SecurePhone, may_answer_https, who_is_there};
pub use identity::{DeviceInformation, IdentityError};
pub use object::{
    Execute, OBJECT_LIMIT, PushObject, RemoveBackground, SetBackground, SetRingTone, Theme,
};
pub use reply::{Reply, error_meaning};
