//! The SQLite copy of the configuration that `executeSQLQuery` asks.
//!
//! A copy belongs to one state of the configuration: whatever changes the configuration drops it, and the next query
//! makes another one. A table is filled when a query first reads it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

/// The copy, once a query has asked for one.
#[derive(Default)]
pub(crate) struct SqlCache(Mutex<Option<SqlCopy>>);

pub(crate) struct SqlCopy {
    pub(crate) connection: Connection,
    /// The tables that hold their rows already.
    pub(crate) filled: Vec<&'static str>,
}

impl SqlCache {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Option<SqlCopy>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the copy, because the configuration is about to change.
    pub(crate) fn drop_copy(&mut self) {
        *self.0.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Clone for SqlCache {
    /// Copies nothing: a configuration is cloned in order to be changed.
    fn clone(&self) -> Self {
        Self::default()
    }
}
