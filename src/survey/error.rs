//! Why a survey fails, and the check that a list was read to its end.

use crate::axl::error::AxlError;
use crate::axl::paging::Listing;
use crate::domain::selector::SelectorError;
use crate::ris::error::RisError;

#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    #[error("failed to read the cluster")]
    Axl(#[from] AxlError),
    /// A list was not read to its end, so that what it lacks is not known.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// The phones change faster than they can be counted.
    #[error(
        "the phones of the cluster could not be counted: every reading of their names gave other ones"
    )]
    Restless,
    /// The cluster's database does not say who is registered.
    #[error(
        "the AXL database of this cluster has no registration state of phones: that needs Unified CM \
         12.5 or later"
    )]
    NoRegistrations,
    /// Phones are selected by their extensions, or words on pictures have them, and the database does not tell them.
    #[error(
        "--dn and {{extension}} need the directory numbers of all phones, and the cluster does not let this account read them with SQL"
    )]
    NoExtensions,
    #[error("failed to read registrations")]
    Ris(#[from] RisError),
    #[error(transparent)]
    Selection(#[from] SelectorError),
}

/// A list whose end the cluster did not show.
#[derive(Debug, thiserror::Error)]
#[error(
    "the list of {what} could not be read to its end: the cluster sends the same rows again, so some may be missing"
)]
pub struct Incomplete {
    pub what: &'static str,
}

/// Takes the rows out of a list whose end was seen.
pub(super) fn whole<R>(listing: Listing<R>, what: &'static str) -> Result<Vec<R>, Incomplete> {
    if listing.complete { Ok(listing.rows) } else { Err(Incomplete { what }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_an_end_is_an_error() {
        let listing = |complete| Listing { rows: vec![1], complete, repeated: 0, pages: 1 };
        assert_eq!(whole(listing(true), "phones").unwrap(), [1]);
        let error = whole(listing(false), "phones").unwrap_err();
        assert!(error.to_string().starts_with("the list of phones could not be read to its end"));
    }
}
