//! A phone to push to, with all that is decided beforehand.

use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::device_name::DeviceName;
use crate::domain::nat::{DownloadSources, NatRules};
use crate::domain::payload_kind::{AcceptedFormat, ObjectKind};
use crate::domain::words::Words;
use crate::image_server::Recipient;

/// A phone to push to. Everything that could be decided beforehand is decided here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    pub name: DeviceName,
    pub model: String,
    pub device_pool: String,
    pub ip: IpAddr,
    /// What it takes of what is pushed.
    pub accepts: AcceptedFormat,
    /// Which of the run's pictures it gets, by its name; empty where there is one only.
    pub picture: String,
    /// The words that it gets on its picture.
    pub words: Option<Arc<Words>>,
    /// Whether it is known to take pictures over HTTPS only. Others may turn out to want it.
    pub https: bool,
    /// Whom it asks whether the push user's password is right.
    pub login_check: LoginCheck,
    /// Whether its association or its configuration was changed only a moment ago. Such a phone may refuse
    /// the push user for some minutes, so it is asked after all others.
    pub recently_changed: bool,
    /// From which addresses its downloads count.
    pub sources: DownloadSources,
}

impl Target {
    pub fn object(&self) -> ObjectKind {
        self.accepts.kind()
    }

    /// Lets its downloads come from translated addresses, where a rule allows it.
    #[must_use]
    pub fn behind(mut self, rules: &NatRules) -> Self {
        self.sources.translate(rules, &self.device_pool);
        self
    }

    /// Returns for whom its files are published.
    pub(in crate::push) fn recipient(&self) -> Recipient<'_> {
        Recipient { device: &self.name, sources: &self.sources }
    }

    /// Returns which of several pictures it gets, where there are several.
    pub(in crate::push) fn picture(&self) -> Option<String> {
        Some(self.picture.clone()).filter(|name| !name.is_empty())
    }
}

/// Whom a phone asks whether the push user's password is right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginCheck {
    /// The cluster: an acceptance proves the password, and a refusal can be a failed login.
    Cluster,
    /// It is not known whom, or whether anybody: an acceptance proves nothing, and a refusal can be a failed login.
    Unknown,
    /// Another server: neither says anything about the cluster's account.
    Elsewhere,
}
