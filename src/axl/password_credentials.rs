//! Whether a user may log in, as far as AXL tells.

use serde::Deserialize;

use crate::soap::reference::Reference;
use crate::soap::scalar;

/// What is known of a user's password (`passwordCredentials` of the AXL schema).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct PasswordCredentials {
    /// The credential policy that applies to it.
    #[serde(rename = "pwdCredPolicyName")]
    pub policy: Reference,
    /// Whether an administrator has locked it.
    #[serde(rename = "pwdCredLockedByAdministrator", deserialize_with = "scalar::boolean")]
    pub locked_by_administrator: Option<bool>,
    /// Whether the user must change it before anything else.
    #[serde(rename = "pwdCredUserMustChange", deserialize_with = "scalar::boolean")]
    pub must_change: Option<bool>,
}
