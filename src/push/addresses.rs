//! Where phones are now, asked of the cluster while a push runs.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::push::Target;

/// The targets that are registered, with their addresses of this moment, or why the cluster could not be asked.
pub type LookedUp = Result<Vec<Target>, String>;

/// Asks the cluster for the addresses of phones.
pub trait AddressLookup: Send + Sync {
    /// Returns the targets that are registered, with their addresses of this moment.
    ///
    /// # Errors
    /// Says why the cluster could not be asked.
    fn look_up(&self, targets: Vec<Target>) -> BoxFuture<'_, LookedUp>;
}

/// The cluster that knows the addresses of the phones of a push, where there is one.
#[derive(Clone, Default)]
pub struct AddressSource(Option<Arc<dyn AddressLookup>>);

impl AddressSource {
    pub fn new(lookup: Arc<dyn AddressLookup>) -> Self {
        Self(Some(lookup))
    }

    pub(crate) fn is_known(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) async fn look_up(&self, targets: Vec<Target>) -> LookedUp {
        match &self.0 {
            Some(lookup) => lookup.look_up(targets).await,
            None => Ok(Vec::new()),
        }
    }
}

impl fmt::Debug for AddressSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AddressSource").field(&self.is_known()).finish()
    }
}
