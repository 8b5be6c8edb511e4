//! What commands print, and where they print it.

pub(crate) mod clusters;
pub(crate) mod list;
pub(crate) mod run_result;
