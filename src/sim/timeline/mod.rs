//! What happens to a simulated cluster over time: events of a file, or made up without end.
//!
//! Reading and making up is pure. [`play()`] waits until events are due; tests can hand them to
//! [`SimCluster::happen`](super::SimCluster::happen) one by one.

mod event;
mod file;
mod life;
mod play;
mod sequence;

pub use event::{Drawn, Event};
pub use file::TimelineError;
pub(super) use play::play;
pub use sequence::Timeline;
