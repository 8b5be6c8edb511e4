//! The settings on a phone's page, as documents hold them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The product-specific settings on a phone's page, as far as a plan must know them.
///
/// They can hold secrets, so a plan knows only that the others are the same.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PageSettings {
    /// What `webAccess` says, where it is there.
    pub web_access: Option<String>,
    /// A digest of all other settings.
    pub others: String,
}
