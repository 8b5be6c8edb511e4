//! What AXL answers to a change.

use serde::{Deserialize, Deserializer, de};

use crate::soap::scalar::Loose;

/// `StandardResponse` of the AXL schema: `true` or the UUID of the changed object.
///
/// Anything else does not read, so that a change that the server denies never looks like one that
/// happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StandardReturn {
    /// The UUID, as AXL writes it, when there is one.
    pub uuid: Option<String>,
}

impl<'de> Deserialize<'de> for StandardReturn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Loose(text) = Loose::deserialize(deserializer)?;
        match text.trim() {
            "true" => Ok(Self { uuid: None }),
            text if text.starts_with('{') && text.ends_with('}') => {
                Ok(Self { uuid: Some(text.to_owned()) })
            }
            other => {
                let other: String = other.chars().take(60).collect();
                Err(de::Error::custom(format_args!("expected true or a UUID, found {other:?}")))
            }
        }
    }
}
