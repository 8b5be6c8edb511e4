//! The rules of an audit, by subject.

mod association;
mod model;
mod personalization;
mod registration;

pub use association::push_user_missing;

use crate::audit::context::{Context, Subject};
use crate::domain::finding::Finding;

/// A rule adds what it finds about one phone.
pub(super) type Rule = fn(&Context<'_>, &Subject<'_>, &mut Vec<Finding>);

/// Every rule, in the order in which findings are listed.
pub(super) const ALL: &[Rule] = &[
    model::model,
    registration::registration,
    registration::address,
    personalization::personalization,
    model::background,
    association::association,
    personalization::web_access,
    association::authentication_url,
];
