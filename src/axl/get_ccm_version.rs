//! `getCCMVersion`: the version of the server.

use serde::{Deserialize, Serialize};

use crate::soap::read::Answer;

use super::operation::Operation;
use super::request::Return;

/// Asks for the version. Works in the namespace of every version, `1.0` included, so it can be asked
/// before anything is known about the server (AXL Developer Guide).
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct GetCcmVersion {}

impl Operation for GetCcmVersion {
    const NAME: &'static str = "getCCMVersion";
    type Output = CcmVersion;
}

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct CcmVersion(Return<Components>);

impl CcmVersion {
    /// Returns the version, such as `14.0.1.10000-20`.
    pub fn version(&self) -> &str {
        &self.0.content.component_version.version
    }
}

impl Answer for CcmVersion {
    const ELEMENTS: &'static [&'static str] = &["getCCMVersionResponse"];
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct Components {
    #[serde(rename = "componentVersion")]
    component_version: ComponentVersion,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct ComponentVersion {
    version: String,
}
