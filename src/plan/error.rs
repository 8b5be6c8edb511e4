//! Why a plan cannot be made.

use crate::domain::text::names;

/// Why no plan can be made that does what is asked for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlanRefused {
    /// One new profile cannot be a copy of several.
    #[error(
        "the phones to be moved to the new profile {name:?} use {} different Common Phone Profiles: {}", sources.len(), names(sources)
    )]
    SeveralProfiles { name: String, sources: Vec<String> },
    #[error(
        "there is a Common Phone Profile {name:?} already, and its Phone Personalization is not Enabled"
    )]
    ProfileExists { name: String },
}
