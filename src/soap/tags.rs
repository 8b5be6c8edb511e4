//! Which fields an answer shall hold.

use serde::ser::{Serialize, SerializeMap as _, Serializer};

/// The content of `returnedTags`: one element for every field that is wanted.
///
/// AXL checks their order against its schema, so they must be in the schema's order. AXL ignores
/// their content, but the schema does not: most may be empty, a boolean may not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReturnedTags(pub &'static [&'static str]);

impl Serialize for ReturnedTags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for tag in self.0 {
            if *tag == ASSOCIATED_DEVICES {
                map.serialize_entry(tag, &AnyDevice { device: "%" })?;
            } else if *tag == PASSWORD_CREDENTIALS {
                map.serialize_entry(tag, &Credentials::default())?;
            } else if BOOLEANS.contains(tag) {
                map.serialize_entry(tag, "true")?;
            } else {
                map.serialize_entry(tag, "")?;
            }
        }
        map.end()
    }
}

/// The tag whose content is a list: published requests that are known to work put `%` into it.
pub const ASSOCIATED_DEVICES: &str = "associatedDevices";

/// The tag whose content is a group of its own.
const PASSWORD_CREDENTIALS: &str = "passwordCredentials";

#[derive(serde::Serialize)]
struct Credentials {
    #[serde(rename = "pwdCredUserMustChange")]
    must_change: &'static str,
    #[serde(rename = "pwdCredLockedByAdministrator")]
    locked: &'static str,
}

impl Default for Credentials {
    fn default() -> Self {
        Self { must_change: "true", locked: "true" }
    }
}

/// The fields that are asked for anywhere and whose type in the AXL schema takes only `true`, `false` and
/// their short forms. The conformance checks notice one that is missing here.
const BOOLEANS: [&str; 3] = ["backgroundImage", "isActive", "isStandard"];

#[derive(serde::Serialize)]
struct AnyDevice {
    device: &'static str,
}
