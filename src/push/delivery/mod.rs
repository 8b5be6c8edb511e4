//! Delivery of each kind of payload to a phone: the connection, the push, and the evidence for it. One file per kind.

pub(in crate::push) mod attempt;
pub mod certificate_pins;
pub mod connector;
pub mod external;
pub(crate) mod key_script;
pub mod picture;
pub mod removal;
pub(crate) mod reply;
pub(crate) mod ring_tone;
pub mod screen_verification;
pub mod screenshots;
pub mod session;
mod words_drawing;
