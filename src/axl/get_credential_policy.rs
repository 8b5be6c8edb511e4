//! `getCredentialPolicy`: after how many failed logins an account is locked.

use serde::{Deserialize, Serialize};

use crate::soap::read::Answer;
use crate::soap::scalar;
use crate::soap::tags::ReturnedTags;

use super::operation::Operation;
use super::request::{NamedRequest, Return};

/// Asks for one of them by name.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct GetCredentialPolicy(NamedRequest);

impl GetCredentialPolicy {
    /// Asks for the policy with this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self(NamedRequest { name: name.into(), tags: ReturnedTags(&["failedLogon"]) })
    }
}

impl Operation for GetCredentialPolicy {
    const NAME: &'static str = "getCredentialPolicy";
    type Output = GetCredentialPolicyAnswer;
}

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct GetCredentialPolicyAnswer(Return<Content>);

impl GetCredentialPolicyAnswer {
    /// Returns after how many failed logins the account is locked; nothing where it never is, or where the answer
    /// does not say. AXL writes 0 for "No Limit for Failed Logons".
    pub fn locks_after(&self) -> Option<usize> {
        let failed = self.0.content.policy.failed_logon.filter(|failed| *failed > 0)?;
        usize::try_from(failed).ok()
    }
}

impl Answer for GetCredentialPolicyAnswer {
    const ELEMENTS: &'static [&'static str] = &["getCredentialPolicyResponse"];
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct Content {
    #[serde(rename = "credentialPolicy")]
    policy: CredentialPolicy,
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
struct CredentialPolicy {
    #[serde(rename = "failedLogon", deserialize_with = "scalar::number")]
    failed_logon: Option<i64>,
}
