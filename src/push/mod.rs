//! Pushes one thing to many phones: who, when, how many at once, again or not, seen or not.
//!
//! Deciding is in [`policy`] and needs no socket. [`scheduler`] keeps the phones moving and talks to a [`Delivery`];
//! [`delivery`] has the real ones, made of the phone client and the image host.
pub mod attempt_log;
pub mod control;
pub mod delivery;
pub mod key_script;
mod payload_digest;
pub mod policy;
pub mod scheduler;
mod settings;
mod target;

pub use crate::push::delivery::attempt::{
    AttemptReply, Delivery, DownloadStatus, Evidence, ReplyKind, ScreenCheck,
};
pub use crate::push::delivery::key_script::KeyScriptDelivery;
pub use crate::push::delivery::ring_tone::RingToneDelivery;
pub use crate::push::payload_digest::Digests;
pub use crate::push::policy::skipped::{
    cannot_remove, no_step, not_back, not_served, proven_already, skipped,
};
pub use crate::push::policy::targets::targets;
pub use crate::push::target::{LoginCheck, Target};
