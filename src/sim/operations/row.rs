//! Writes one object of an answer, with nulls in every shape that CUCM uses.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use super::call::Call;
use crate::sim::schema;
use crate::sim::state::Entry;
use crate::sim::values::{truth, uuid};
use crate::sim::xml::{Node, element_into, escape_into};

pub(super) struct Row<'a> {
    out: &'a mut String,
    salt: usize,
    /// Whether nulls come in every shape that was ever seen, or only in those that the schema allows.
    odd: bool,
    /// Whether `xmlns:xsi` is declared at the top of the answer already.
    declared: bool,
}

impl<'a> Row<'a> {
    /// Begins an object. Objects of different `salt` write their nulls differently.
    pub(super) fn new(out: &'a mut String, salt: usize, call: &Call<'_>) -> Self {
        Self { out, salt, odd: call.odd_nulls, declared: call.version >= 1400 }
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            self.null(name);
        } else {
            element_into(self.out, name, text);
        }
    }

    /// Writes a boolean. Published answers have words; single fields have letters in some of them.
    pub(super) fn boolean(&mut self, name: &str, value: bool) {
        self.salt += 1;
        let text = match (value, self.odd && self.salt.is_multiple_of(5)) {
            (true, false) => "true",
            (true, true) => "t",
            (false, false) => "false",
            (false, true) => "f",
        };
        element_into(self.out, name, text);
    }

    pub(super) fn reference<T>(&mut self, name: &str, entry: Option<&Entry<T>>) {
        match entry {
            Some(entry) => self.named(name, &entry.name, &entry.uuid),
            None => self.null_reference(name),
        }
    }

    pub(super) fn named(&mut self, name: &str, text: &str, uuid: &str) {
        // Writing into a String cannot fail.
        let _ = write!(self.out, "<{name} uuid=\"{uuid}\">");
        escape_into(self.out, text);
        let _ = write!(self.out, "</{name}>");
    }

    /// Writes a field as it was written over AXL.
    pub(super) fn kept(&mut self, node: &Node) {
        let (name, text) = (node.name.as_str(), node.text.trim());
        if !node.children.is_empty() {
            // What cannot be given back is like a field that was not written.
            self.out.push_str(&node.markup().unwrap_or_default());
        } else if schema::is_reference(name) {
            self.named(name, text, &uuid(name, text));
        } else if let Some(value) = truth(text).filter(|_| schema::is_boolean(name)) {
            self.boolean(name, value);
        } else {
            self.text(name, text);
        }
    }

    /// Writes a field without value: four shapes that published answers show.
    ///
    /// The schema allows no empty enumeration and no empty boolean, so a field of that kind is left out unless
    /// odd nulls are wanted.
    pub(super) fn null(&mut self, name: &str) {
        self.salt += 1;
        if !self.odd {
            if !NEVER_EMPTY.contains(name) {
                self.empty(name);
            }
            return;
        }
        let _ = match self.salt % 4 {
            0 => write!(self.out, "<{name}></{name}>"),
            1 => write!(self.out, "<{name} />"),
            2 => write!(self.out, "<{name} xsi:nil=\"true\"{}/>", self.instance()),
            _ => write!(self.out, "<{name}/>"),
        };
    }

    pub(super) fn markup(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    fn empty(&mut self, name: &str) {
        let blank = if self.salt.is_multiple_of(2) { " " } else { "" };
        let _ = write!(self.out, "<{name}{blank}/>");
    }

    fn null_reference(&mut self, name: &str) {
        self.salt += 1;
        if !self.odd {
            self.empty(name);
            return;
        }
        let _ = match self.salt % 4 {
            0 => write!(self.out, "<{name} uuid=\"\"/>"),
            1 => write!(self.out, "<{name} xsi:nil=\"1\" uuid=\"\"{}/>", self.instance()),
            2 => write!(self.out, "<{name} />"),
            _ => write!(self.out, "<{name}/>"),
        };
    }

    fn instance(&self) -> &'static str {
        if self.declared { "" } else { " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"" }
    }
}

/// Fields of the objects here whose type has no empty value (AXL schema): enumerations and booleans.
pub(super) static NEVER_EMPTY: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "AllowPresentationSharingUsingBfcp acceptOutOfDialogRefer acceptPresenceSubscription \
     acceptUnsolicitedNotification addressMode allowAutoConfig allowCtiControlFlag allowMraMode \
     allowReplaceHeader allowiXApplicableMedia alwaysUsePrimeLine \
     alwaysUsePrimeLineForVoiceMessage authenticationMode backgroundImage \
     blockIncomingCallsWhenRoaming builtInBridgeStatus calendarPresence callInfoPrivacyStatus \
     certificateOperation certificateStatus class confidentialAccessMode deviceMobilityMode \
     deviceProtocol deviceTrustMode dndAlertingType dndOption dndRingSetting dndStatus \
     earlyOfferSupportForVoiceCall ecKeySize enableActivationID \
     enableCallRoutingToRdWhenNoneIsActive enableCti enableEmcc enableExtensionMobility \
     enableMobileVoiceAccess enableMobility enableUserToHostConferenceNow endpointConnection \
     hlogStatus homeCluster hotlineDevice ignorePresentationIndicators imAndPresenceEnable \
     isActive isDualMode isProtected isStandard joinAcrossLines keyOrder keySize mac \
     mlppIndicationStatus model mtpPreferedCodec mtpRequired networkHoldMohAudioSourceId \
     networkLocale networkLocation nodeUsage outboundCallRollover packetCaptureMode \
     patternPrecedence phonePersonalization phoneServiceDisplay phoneSuite pinCredDoesNotExpire \
     pinCredLockedByAdministrator pinCredTimeChanged pinCredUserCantChange pinCredUserMustChange \
     pinResetHackCount preemption processNodeRole product protocol protocolSide \
     pwdCredDoesNotExpire pwdCredLockedByAdministrator pwdCredUserCantChange \
     pwdCredUserMustChange pwdResetHackCount remoteDevice requireDtmfReception \
     requireOffPremiseLocation requireThirdPartyRegistration retryVideoCallAsAudio revertPriority \
     rfc2833Disabled ringSettingBusyBlfAudibleAlert ringSettingIdleBlfAudibleAlert risStatus \
     sendGeoLocation singleButtonBarge traceFlag unattendedPort useDevicePoolCgpnIngressDN \
     useDevicePoolCgpnTransformCss useTrustedRelayPoint userHoldMohAudioSourceId userLocale \
     valueType zeroHop"
        .split(' ')
        .collect()
});
