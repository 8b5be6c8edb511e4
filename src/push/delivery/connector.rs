//! Connects to a phone over HTTP or HTTPS and verifies its identity before the password is sent.
//!
//! This module does not know the payloads. Its caller gets a session with exactly this phone.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;
use crate::domain::model::PushSchema;
use crate::event::Outcome;
use crate::phone::{
    Cause, DeviceInformation, Https, IdentityError, Opened, Phase, PhoneAnswer, PhoneClient,
    PhoneError, PhoneSession, PushObject, Reuse, TrustBasis, Unreachable, may_answer_https,
};
use crate::push::delivery::certificate_pins::CertificatePins;
use crate::push::delivery::reply::{classify, unreachable};
use crate::push::{ReplyKind, Target};

#[derive(Debug)]
pub struct PhoneConnector {
    plain: PhoneClient,
    https: Option<(Https, CertificatePins)>,
    identity_check: bool,
    /// Whether a push that is lost with its connection may be sent again.
    resend_safe: bool,
    /// Models of which a phone has closed its connection without announcing it.
    closing: Mutex<HashSet<String>>,
    /// Phones that turned out to require HTTPS.
    require_https: Mutex<HashSet<DeviceName>>,
}

impl PhoneConnector {
    /// Connects over HTTP only, and only to phones that identify themselves.
    pub fn new(plain: PhoneClient) -> Self {
        Self {
            plain,
            https: None,
            identity_check: true,
            resend_safe: false,
            closing: Mutex::default(),
            require_https: Mutex::default(),
        }
    }

    /// Allows to reuse a connection without a test whether the phone keeps it open. It is unknown whether a phone that
    /// closes its connection during a push has got the push, so this is for pushes that may be sent again.
    #[must_use]
    pub fn resend_safe(mut self) -> Self {
        self.resend_safe = true;
        self
    }

    /// Connects over HTTPS to phones that require it.
    #[must_use]
    pub fn with_https(mut self, https: Https, pins: CertificatePins) -> Self {
        self.https = Some((https, pins));
        self
    }

    /// Connects also to phones that do not identify themselves. A device that identifies itself as another one is
    /// still refused.
    #[must_use]
    pub fn without_identity_check(mut self) -> Self {
        self.identity_check = false;
        self
    }

    /// Connects to a phone over the protocol that it requires.
    ///
    /// Addresses are leased, and the password must not be sent to another device at this address. So the phone is first
    /// asked for its identity, without the password, and over HTTPS only after its certificate was verified.
    ///
    /// # Errors
    /// Returns the reply of the attempt when nothing may be sent.
    pub async fn connect(&self, target: &Target) -> Result<PhoneSession, ReplyKind> {
        if target.https || self.requires_https(&target.name) {
            return self.connect_over_https(target).await;
        }
        let Opened { identity, session } = self.plain.open(target.ip, self.reuse(target)).await;
        match identity {
            Err(IdentityError::MovedToHttps { .. }) => self.follow_to_https(target).await,
            Err(IdentityError::Unreachable(why)) if may_answer_https(&why) => {
                self.fall_back_to_https(target, why).await
            }
            identity => self.identified(identity, target).map(|()| session),
        }
    }

    /// Connects to a phone for a screenshot. PhoneOS phones send screenshots over HTTPS only (seen in a published tool),
    /// so HTTPS is used for them where a trust is configured for their certificates.
    ///
    /// # Errors
    /// As [`PhoneConnector::connect`].
    pub(crate) async fn connect_for_screenshot(
        &self,
        target: &Target,
    ) -> Result<PhoneSession, ReplyKind> {
        let phoneos =
            target.accepts.image().is_some_and(|image| image.schema == PushSchema::PhoneOs);
        if phoneos && self.https.is_some() {
            return self.follow_to_https(target).await;
        }
        self.connect(target).await
    }

    /// Connects over HTTPS to a phone that redirected to it, or that sends what is asked for only there.
    ///
    /// # Errors
    /// As [`PhoneConnector::connect`].
    pub async fn follow_to_https(&self, target: &Target) -> Result<PhoneSession, ReplyKind> {
        self.remember(&target.name);
        self.connect_over_https(target).await
    }

    /// Sends an object to a connected phone. A phone that has closed its connection in the meantime has to identify
    /// itself again, and one that redirects to HTTPS only now is connected to again there.
    pub async fn send(
        &self,
        phone: &mut PhoneSession,
        target: &Target,
        object: &impl PushObject,
    ) -> ReplyKind {
        match self.exchange(phone, target, object).await {
            Ok(answer) => classify(answer, target),
            Err(kind) => kind,
        }
    }

    async fn exchange(
        &self,
        phone: &mut PhoneSession,
        target: &Target,
        object: &impl PushObject,
    ) -> Result<PhoneAnswer, ReplyKind> {
        let not_sent = |error: PhoneError| ReplyKind::NotSent(error.to_string());
        if !phone.is_open().await {
            *phone = self.connect(target).await?;
        }
        let answer = phone.push(object).await.map_err(not_sent)?;
        if closed_unannounced(&answer) {
            // From the next attempt on, all phones of this model have to show that they keep connections open.
            let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
            closing.insert(target.model.clone());
        }
        if !answer.moved_to_https || phone.is_https() {
            return Ok(answer);
        }
        *phone = self.follow_to_https(target).await?;
        phone.push(object).await.map_err(not_sent)
    }

    /// Tries HTTPS where the HTTP port is closed: the phone can be offline, or require HTTPS.
    async fn fall_back_to_https(
        &self,
        target: &Target,
        plain: Unreachable,
    ) -> Result<PhoneSession, ReplyKind> {
        if self.https.is_none() {
            return Err(ReplyKind::Unreachable(plain.to_string()));
        }
        match self.connect_over_https(target).await {
            Err(ReplyKind::Unreachable(secure)) => {
                Err(ReplyKind::Unreachable(format!("{plain}; over HTTPS: {secure}")))
            }
            // Something answered there: the next attempt uses HTTPS at once.
            connected => {
                self.remember(&target.name);
                connected
            }
        }
    }

    async fn connect_over_https(&self, target: &Target) -> Result<PhoneSession, ReplyKind> {
        let Some((https, pins)) = &self.https else { return Err(no_trust()) };
        let pin = pins.of(&target.name);
        let phone = https
            .to(&self.plain, Some(target.name.as_str()), pin)
            .map_err(|error| ReplyKind::NotSent(error_chain(&error)))?;
        let Opened { identity, session } = phone.client.open(target.ip, self.reuse(target)).await;
        if let Err(IdentityError::Unreachable(why)) = &identity
            && (why.phase, &why.cause) == (Phase::Connect, &Cause::Reset)
        {
            const OLD: &str =
                "; if it stays so, it speaks only TLS 1.0 or 1.1, which axlpaper does not";
            return Err(ReplyKind::Unreachable(format!("{why}{OLD}")));
        }
        self.identified(identity, target)?;
        // The handshake is complete, so the certificate is known.
        let Some(believed) = phone.believed() else {
            return Err(ReplyKind::NotSent("its certificate was not seen".to_owned()));
        };
        if believed.why == TrustBasis::FirstUse {
            let kept = pins.keep(&target.name, believed.fingerprint).await;
            kept.map_err(|error| ReplyKind::NotSent(error_chain(&error)))?;
        }
        pins.note(&target.name, believed);
        Ok(session)
    }

    fn reuse(&self, target: &Target) -> Reuse {
        let closing = || self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.resend_safe && !closing().contains(&target.model) {
            Reuse::AtOnce
        } else {
            Reuse::Probed
        }
    }

    /// Checks that the device that answered is this phone.
    fn identified(
        &self,
        asked: Result<DeviceInformation, IdentityError>,
        target: &Target,
    ) -> Result<(), ReplyKind> {
        match asked {
            Ok(found) => match other_device(&found, &target.name) {
                Some(other) => Err(ReplyKind::WrongDevice(other)),
                None => Ok(()),
            },
            // Every phone with web access has this page. Anything else gets no password.
            Err(IdentityError::NotThere { status } | IdentityError::MovedToHttps { status })
                if self.identity_check =>
            {
                Err(ReplyKind::WrongDevice(format!("something that is no phone (HTTP {status})")))
            }
            Err(IdentityError::NotThere { .. } | IdentityError::MovedToHttps { .. }) => Ok(()),
            Err(IdentityError::Unreachable(why)) => Err(unreachable(&why, target)),
        }
    }

    fn requires_https(&self, phone: &DeviceName) -> bool {
        self.require_https.lock().unwrap_or_else(PoisonError::into_inner).contains(phone)
    }

    fn remember(&self, phone: &DeviceName) {
        self.require_https.lock().unwrap_or_else(PoisonError::into_inner).insert(phone.clone());
    }
}

/// Tells whether the connection was closed before a reply began. Some phones close it after every reply without a
/// `Connection: close`.
fn closed_unannounced(answer: &PhoneAnswer) -> bool {
    matches!(
        &answer.outcome,
        crate::phone::Outcome::Unreachable(Unreachable {
            phase: Phase::Request,
            cause: Cause::Reset,
            ..
        })
    )
}

/// The reply for a phone that requires HTTPS where its certificate cannot be verified.
fn no_trust() -> ReplyKind {
    ReplyKind::Blocked {
        outcome: Outcome::Unreachable,
        why: "the phone requires HTTPS, but no trust is configured for its certificate".to_owned(),
        remedy: "push again with --phone-ca-file FILE, or with --phone-tls pin-first-use"
            .to_owned(),
    }
}

/// Returns the name of the device that answered, where it is certainly not the wanted phone.
pub(crate) fn other_device(found: &DeviceInformation, wanted: &DeviceName) -> Option<String> {
    let wanted = wanted.as_str().to_ascii_uppercase();
    let by_mac =
        found.mac.as_ref().map(|mac| wanted.strip_prefix("SEP").is_some_and(|end| end == mac));
    let by_name = found.host_name.as_ref().map(|name| name.eq_ignore_ascii_case(&wanted));
    match (by_name, by_mac) {
        (Some(true), _) | (_, Some(true)) | (None, None) => None,
        (Some(false), _) => found.host_name.clone(),
        // Only a device that is named after its MAC address can be identified by it.
        (None, Some(false)) if wanted.len() == 15 && wanted.starts_with("SEP") => found.mac.clone(),
        (None, Some(false)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: Option<&str>, mac: Option<&str>) -> DeviceInformation {
        DeviceInformation {
            host_name: name.map(str::to_owned),
            mac: mac.map(str::to_owned),
            ..DeviceInformation::default()
        }
    }

    #[test]
    fn only_a_device_that_is_certainly_another_one_is_refused() {
        let other =
            |name, mac| other_device(&found(name, mac), &"sep0011223344AA".parse().unwrap());
        assert_eq!(other(Some("SEP0011223344aa"), None), None);
        assert_eq!(other(Some("reception"), Some("0011223344AA")), None);
        assert_eq!(other(None, None), None);
        assert_eq!(
            other(Some("SEP0011223344BB"), Some("0011223344BB")),
            Some("SEP0011223344BB".into())
        );
        assert_eq!(other(None, Some("0011223344BB")), Some("0011223344BB".into()));
        assert_eq!(
            other_device(&found(None, Some("0011223344BB")), &"lobby".parse().unwrap()),
            None
        );
    }
}
