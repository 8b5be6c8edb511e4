//! The decisions of a push, without any I/O: retry, lock-out, propagation, verification, and who is pushed to.

pub mod lockout;
pub mod logins;
pub mod outcome;
pub mod propagation;
pub(crate) mod skipped;
pub(crate) mod targets;
pub mod verification;
