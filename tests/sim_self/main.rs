//! Speaks to the simulator in hand-written XML over plain reqwest, without any of our client's code.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail with them")]

mod axl;
mod bench;
mod changes;
mod hostile;
mod limits;
mod manners;
mod objects;
mod phones;
mod reads;
mod record;
mod risport;
mod settings;
mod sql;
mod timeline;
mod tripwires;
mod writes;
