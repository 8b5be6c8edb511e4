//! Makes sure who answers before anything secret is sent, over HTTP or over HTTPS.
//!
//! What is pushed does not matter here: whoever wants to send something gets a session with exactly this phone.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;
use crate::domain::model::PushSchema;
use crate::event::Outcome;
use crate::phone::{
    Cause, DeviceInformation, Https, IdentityError, Opened, Phase, PhoneAnswer, PhoneClient,
    PhoneSession, PushObject, Reuse, TrustBasis, Unreachable, may_answer_https,
};
use crate::push::delivery::certificate_pins::CertificatePins;
use crate::push::{AttemptReply, Target};

#[derive(Debug)]
pub struct PhoneConnector {
    plain: PhoneClient,
    https: Option<(Https, CertificatePins)>,
    identity_check: bool,
    /// Whether what is sent may be sent again, should it get lost with a connection.
    resend_safe: bool,
    /// Models of which a phone has ended its connection without saying so.
    closing: Mutex<HashSet<String>>,
    /// Phones that have turned out to want HTTPS.
    want_https: Mutex<HashSet<DeviceName>>,
}

impl PhoneConnector {
    /// Meets phones over HTTP only, and those that do not say who they are not at all.
    pub fn new(plain: PhoneClient) -> Self {
        Self {
            plain,
            https: None,
            identity_check: true,
            resend_safe: false,
            closing: Mutex::default(),
            want_https: Mutex::default(),
        }
    }

    /// Sends only what may be sent again. Of a phone that ends its connection at that moment nobody knows whether it got
    /// anything; where that matters, a phone shows beforehand whether it keeps connections open.
    #[must_use]
    pub fn resend_safe(mut self) -> Self {
        self.resend_safe = true;
        self
    }

    /// Meets phones over HTTPS that want it.
    #[must_use]
    pub fn with_https(mut self, https: Https, pins: CertificatePins) -> Self {
        self.https = Some((https, pins));
        self
    }

    /// Meets also what does not say who it is. A device that says it is another one is still left alone.
    #[must_use]
    pub fn without_identity_check(mut self) -> Self {
        self.identity_check = false;
        self
    }

    /// Sends also what is not sent again.
    pub(crate) fn not_resend_safe(&mut self) {
        self.resend_safe = false;
    }

    /// Meets a phone the way it wants, and returns the session in which it is sent something.
    ///
    /// Addresses are leased, and the password must not go to whoever lives there now. So the phone is asked first who
    /// it is, without the password; over HTTPS only after its certificate was believed.
    ///
    /// # Errors
    /// Returns what came of it instead, when nothing may be sent.
    pub async fn connect(&self, target: &Target) -> Result<PhoneSession, AttemptReply> {
        if target.https || self.wants_https(&target.name) {
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

    /// Meets a phone that is asked for its screen. A PhoneOS phone gives screenshots over HTTPS only (seen in a published
    /// tool), so it is met there when something says by what its certificate is believed.
    ///
    /// # Errors
    /// As [`PhoneConnector::connect`].
    pub(crate) async fn connect_for_screenshot(
        &self,
        target: &Target,
    ) -> Result<PhoneSession, AttemptReply> {
        let phoneos =
            target.accepts.image().is_some_and(|image| image.schema == PushSchema::PhoneOs);
        if phoneos && self.https.is_some() {
            return self.follow_to_https(target).await;
        }
        self.connect(target).await
    }

    /// Meets a phone over HTTPS: one that has just sent its client there, or gives there only what is asked for.
    ///
    /// # Errors
    /// As [`PhoneConnector::connect`].
    pub async fn follow_to_https(&self, target: &Target) -> Result<PhoneSession, AttemptReply> {
        self.remember(&target.name);
        self.connect_over_https(target).await
    }

    /// Sends an object to a phone that was met. One that has ended its connection since then has to say again who it is,
    /// and one that requires HTTPS only now is connected to again there.
    ///
    /// # Errors
    /// Returns what came of it instead, when nothing was sent.
    pub async fn send(
        &self,
        phone: &mut PhoneSession,
        target: &Target,
        object: &impl PushObject,
    ) -> Result<PhoneAnswer, AttemptReply> {
        let not_sent = |error: crate::phone::PhoneError| AttemptReply::NotSent(error.to_string());
        if !phone.is_open().await {
            *phone = self.connect(target).await?;
        }
        let answer = phone.push(object).await.map_err(not_sent)?;
        if closed_without_a_word(&answer) {
            // The next attempt, and all phones of this model, have to show whether they keep connections open.
            let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
            closing.insert(target.model.clone());
        }
        if !answer.moved_to_https || phone.is_https() {
            return Ok(answer);
        }
        *phone = self.follow_to_https(target).await?;
        phone.push(object).await.map_err(not_sent)
    }

    /// Tries HTTPS where the usual port is closed: that can mean both that the phone is away and that it requires HTTPS.
    async fn fall_back_to_https(
        &self,
        target: &Target,
        plain: Unreachable,
    ) -> Result<PhoneSession, AttemptReply> {
        if self.https.is_none() {
            return Err(AttemptReply::Unreachable(plain.to_string()));
        }
        let met = self.connect_over_https(target).await;
        match met {
            Err(AttemptReply::Unreachable(secure)) => {
                Err(AttemptReply::Unreachable(format!("{plain}; over HTTPS: {secure}")))
            }
            // Whatever it said, it was there: the next time it is asked over HTTPS at once.
            met => {
                self.remember(&target.name);
                met
            }
        }
    }

    async fn connect_over_https(&self, target: &Target) -> Result<PhoneSession, AttemptReply> {
        let Some((https, pins)) = &self.https else { return Err(wants_trust()) };
        let pin = pins.of(&target.name);
        let phone = https
            .to(&self.plain, Some(target.name.as_str()), pin)
            .map_err(|error| AttemptReply::NotSent(error_chain(&error)))?;
        let Opened { identity, session } = phone.client.open(target.ip, self.reuse(target)).await;
        if let Err(IdentityError::Unreachable(why)) = &identity
            && (why.phase, &why.cause) == (Phase::Connect, &Cause::Reset)
        {
            const OLD: &str =
                "; if it stays so, it speaks only TLS 1.0 or 1.1, which axlpaper does not";
            return Err(AttemptReply::Unreachable(format!("{why}{OLD}")));
        }
        self.identified(identity, target)?;
        // The handshake has come to its end, so it was seen.
        let Some(believed) = phone.believed() else {
            return Err(AttemptReply::NotSent("its certificate was not seen".to_owned()));
        };
        if believed.why == TrustBasis::FirstUse {
            let kept = pins.keep(&target.name, believed.fingerprint).await;
            kept.map_err(|error| AttemptReply::NotSent(error_chain(&error)))?;
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

    /// Says whether it is the phone that is meant.
    fn identified(
        &self,
        asked: Result<DeviceInformation, IdentityError>,
        target: &Target,
    ) -> Result<(), AttemptReply> {
        match asked {
            Ok(found) => match other_device(&found, &target.name) {
                Some(other) => Err(AttemptReply::WrongDevice(other)),
                None => Ok(()),
            },
            // A phone with web access offers the page. Whatever else answers here gets no password.
            Err(IdentityError::NotThere { status } | IdentityError::MovedToHttps { status })
                if self.identity_check =>
            {
                Err(AttemptReply::WrongDevice(format!(
                    "something that is no phone (HTTP {status})"
                )))
            }
            Err(IdentityError::NotThere { .. } | IdentityError::MovedToHttps { .. }) => Ok(()),
            Err(IdentityError::Unreachable(why)) => Err(unreachable(&why, target)),
        }
    }

    fn wants_https(&self, phone: &DeviceName) -> bool {
        self.want_https.lock().unwrap_or_else(PoisonError::into_inner).contains(phone)
    }

    fn remember(&self, phone: &DeviceName) {
        self.want_https.lock().unwrap_or_else(PoisonError::into_inner).insert(phone.clone());
    }
}

/// Tells whether the connection ended before an answer began. That can be a phone that closes connections after each
/// answer and does not say so.
fn closed_without_a_word(answer: &PhoneAnswer) -> bool {
    matches!(
        &answer.outcome,
        crate::phone::Outcome::Unreachable(Unreachable {
            phase: Phase::Request,
            cause: Cause::Reset,
            ..
        })
    )
}

/// Says what a failed exchange means.
pub(crate) fn unreachable(why: &Unreachable, target: &Target) -> AttemptReply {
    match (&why.cause, why.phase) {
        (Cause::Tls(problem), _) => AttemptReply::Blocked {
            outcome: if problem.is_about_identity() {
                Outcome::WrongDevice
            } else {
                Outcome::Unreachable
            },
            why: format!("{problem}; nothing was sent to it"),
            remedy: problem.remedy(target.name.as_str()),
        },
        _ => AttemptReply::Unreachable(why.to_string()),
    }
}

/// The reply for a phone that requires HTTPS where no trust is configured for its certificate.
pub(crate) fn wants_trust() -> AttemptReply {
    AttemptReply::Blocked {
        outcome: Outcome::Unreachable,
        why: "the phone requires HTTPS, but no trust is configured for its certificate".to_owned(),
        remedy: "push again with --phone-ca-file FILE, or with --phone-tls pin-first-use"
            .to_owned(),
    }
}

/// Names the device that answers when it is surely not the one that was meant.
pub(crate) fn other_device(found: &DeviceInformation, wanted: &DeviceName) -> Option<String> {
    let wanted = wanted.as_str().to_ascii_uppercase();
    let by_mac =
        found.mac.as_ref().map(|mac| wanted.strip_prefix("SEP").is_some_and(|end| end == mac));
    let by_name = found.host_name.as_ref().map(|name| name.eq_ignore_ascii_case(&wanted));
    match (by_name, by_mac) {
        (Some(true), _) | (_, Some(true)) | (None, None) => None,
        (Some(false), _) => found.host_name.clone(),
        // A device that is not named after its MAC address cannot be told by it.
        (None, Some(false)) if wanted.len() == 15 && wanted.starts_with("SEP") => found.mac.clone(),
        (None, Some(false)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::{Fingerprint, PhoneTlsProblem};

    fn found(name: Option<&str>, mac: Option<&str>) -> DeviceInformation {
        DeviceInformation {
            host_name: name.map(str::to_owned),
            mac: mac.map(str::to_owned),
            ..DeviceInformation::default()
        }
    }

    #[test]
    fn only_a_device_that_is_surely_another_one_is_refused() {
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

    fn barred(problem: PhoneTlsProblem) -> (Outcome, String, String) {
        let why = Unreachable {
            phase: Phase::Connect,
            cause: Cause::Tls(problem),
            port: 443,
            timeout: std::time::Duration::from_secs(1),
        };
        let answer = unreachable(&why, &crate::push::scheduler::tests::target(1));
        let AttemptReply::Blocked { outcome, why, remedy } = answer else { panic!("{answer:?}") };
        (outcome, why, remedy)
    }

    #[test]
    fn who_cannot_prove_who_it_is_is_another_device_and_nothing_was_sent() {
        let (one, two) = ([1; 32], [2; 32]);
        let print = |bytes: [u8; 32]| {
            bytes.map(|byte| format!("{byte:02X}")).join(":").parse::<Fingerprint>().unwrap()
        };
        let changed = PhoneTlsProblem::Changed { pinned: print(one), shown: print(two) };
        let (outcome, why, remedy) = barred(changed);
        assert_eq!(outcome, Outcome::WrongDevice);
        assert!(why.contains("01:01:") && why.contains("02:02:"), "{why}");
        assert!(why.contains("nothing was sent") && remedy.contains("--phone-repin"), "{remedy}");
        let other = PhoneTlsProblem::OtherDevice { named: vec!["SEP0011223344BB".into()] };
        assert_eq!(barred(other).0, Outcome::WrongDevice);
        let (outcome, why, remedy) = barred(PhoneTlsProblem::OldTls);
        assert_eq!(outcome, Outcome::Unreachable);
        assert!(why.contains("TLS 1.0") && remedy.contains("firmware"), "{why}: {remedy}");
        let away = Unreachable {
            phase: Phase::Connect,
            cause: Cause::Refused,
            port: 443,
            timeout: std::time::Duration::from_secs(1),
        };
        let target = crate::push::scheduler::tests::target(1);
        assert!(
            matches!(unreachable(&away, &target), AttemptReply::Unreachable(_)),
            "it may come back"
        );
    }
}
