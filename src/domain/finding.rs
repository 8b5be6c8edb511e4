//! Verdicts and findings: the words in which an audit speaks.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can be done with a phone. Ordered from best to worst.
///
/// `Offline` comes after `Fixable`, because a phone that lacks something *and* is not registered
/// cannot be made ready by axlpaper alone.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ready,
    /// axlpaper can repair everything that is missing.
    Fixable,
    /// Nothing that axlpaper could not repair is wrong, but it is not registered.
    Offline,
    Blocked,
    /// This model or firmware shows no pushed background.
    Unsupported,
}

impl Verdict {
    pub const ALL: [Self; 5] =
        [Self::Ready, Self::Fixable, Self::Offline, Self::Blocked, Self::Unsupported];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Fixable => "fixable",
            Self::Offline => "offline",
            Self::Blocked => "blocked",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; the phone can be pushed to all the same.
    Warning,
    Fixable,
    /// The phone is not there.
    Offline,
    Blocked,
    /// Nothing helps.
    Unsupported,
}

impl Severity {
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Warning => Verdict::Ready,
            Self::Fixable => Verdict::Fixable,
            Self::Offline => Verdict::Offline,
            Self::Blocked => Verdict::Blocked,
            Self::Unsupported => Verdict::Unsupported,
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// What an audit can find, by the code that scripts rely on.
        #[derive(
            Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)+
        }

        impl Code {
            /// Every code, in the order in which reports list them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Tells whether nothing is changed for the phone and nothing is pushed to it because of this finding.
            pub fn excludes(self) -> bool {
                matches!(self, Self::Excluded | Self::NotReverted)
            }

            /// Returns the code as JSON and tables spell it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

codes! {
    /// The push user does not control the phone.
    NotAssociated = "not_associated",
    /// The cluster has no such push user, or none was named.
    PushUserMissing = "push_user_missing",
    /// The push user cannot log in.
    PushUserLocked = "push_user_locked",
    /// The push user has a higher User Rank than the account that would have to change it.
    PushUserOutranked = "push_user_outranked",
    /// Phone Personalization is off.
    PersonalizationDisabled = "personalization_disabled",
    /// Pictures are taken over HTTPS only.
    PersonalizationHttpsOnly = "personalization_https_only",
    /// No level that could be read decides.
    PersonalizationUnknown = "personalization_unknown",
    /// The phone's web server is off.
    WebAccessDisabled = "web_access_disabled",
    /// The phone did not say whether its web server runs.
    WebAccessUnknown = "web_access_unknown",
    /// Not registered.
    NotRegistered = "not_registered",
    /// Some lines are not registered.
    PartiallyRegistered = "partially_registered",
    /// The cluster refuses the phone's registration.
    RegistrationRejected = "registration_rejected",
    /// Registered, but without an address.
    NoIpAddress = "no_ip_address",
    /// Reachable over IPv6 only.
    Ipv6Only = "ipv6_only",
    /// Another phone is reported at the same address.
    DuplicateIp = "duplicate_ip",
    /// The address is that of an Expressway (Mobile and Remote Access) or of another proxy.
    BehindExpressway = "behind_expressway",
    /// A node did not answer.
    RegistrationUnknown = "registration_unknown",
    /// The model shows no pushed background.
    UnsupportedModel = "unsupported_model",
    /// The model is not in the catalogue.
    UnknownModel = "unknown_model",
    /// Multiplatform firmware, which takes no push.
    MppFirmware = "mpp_firmware",
    /// The profile forces a picture, or denies users the choice.
    BackgroundLocked = "background_locked",
    /// A blank Authentication URL: everybody may push to the phone.
    AuthenticationUrlBlank = "authentication_url_blank",
    /// Another server decides who may push.
    AuthenticationUrlForeign = "authentication_url_foreign",
    /// Nothing is meant for it, so nothing is changed for it and nothing is pushed to it.
    Excluded = "excluded",
    /// The picture of the reverted run stays on it: no picture that it showed before can be pushed back.
    NotReverted = "not_reverted",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that an audit found about one phone.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Finding {
    /// What it is, for scripts.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// What it is, for people.
    pub message: String,
    /// What to do: a CUCM page or an axlpaper command.
    pub remedy: String,
}
