//! How each kind of payload reaches a phone: the session with the phone, the push itself, and what proves it.

pub mod any;
pub(in crate::push) mod attempt;
pub mod certificate_pins;
pub mod connector;
pub mod external;
pub(crate) mod key_script;
pub mod picture;
pub(crate) mod reply;
pub(crate) mod ring_tone;
pub mod screenshots;
pub(crate) mod session;
