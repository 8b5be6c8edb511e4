//! Digest that identifies the pushed content in the journal.

use std::fmt;
use std::sync::Arc;

use crate::push::Target;

type Digest = dyn Fn(&Target) -> Option<String> + Send + Sync;

/// The digest of what each phone gets.
#[derive(Clone)]
pub struct Digests(Arc<Digest>);

impl Digests {
    /// `digest` returns nothing for a phone that nothing was prepared for.
    pub fn new(digest: impl Fn(&Target) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(digest))
    }

    pub fn of(&self, target: &Target) -> Option<String> {
        (self.0)(target)
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digests")
    }
}
