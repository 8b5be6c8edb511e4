//! The rules of an audit, one file each.

mod address;
mod association;
mod authentication_url;
mod background;
mod model;
mod personalization;
mod registration;
mod web_access;

pub use association::push_user_missing;

use crate::audit::context::{Context, Subject};
use crate::domain::finding::Finding;

/// A rule adds what it finds about one phone.
pub(super) type Rule = fn(&Context<'_>, &Subject<'_>, &mut Vec<Finding>);

/// Every rule, in the order in which findings are listed.
pub(super) const ALL: &[Rule] = &[
    model::check,
    registration::check,
    address::check,
    personalization::check,
    background::check,
    association::check,
    web_access::check,
    authentication_url::check,
];
