//! Pushes a payload to many phones: in which order, how many at once, with which retries, and with which proof.
//!
//! Decisions are in [`policy`], without input or output. [`scheduler`] runs the attempts through a [`Delivery`];
//! [`delivery`] has one for each kind of payload, made of the phone client and the image server.
pub mod addresses;
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
pub use crate::push::payload_digest::{Digests, ModelFormat};
pub use crate::push::policy::skipped::{
    cannot_remove, no_room_for_words, no_step, not_back, not_pushed_back, not_served,
    not_verifiable, planned, proven_already, skipped,
};
pub use crate::push::policy::targets::targets;
pub use crate::push::target::{LoginCheck, Target};
