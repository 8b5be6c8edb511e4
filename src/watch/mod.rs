//! Keeps phones as the rules describe: what phones shall show, against what is proven.
//!
//! A pass finds out which phones something happened to, looks at just those, and has a rollout serve the ones that do not
//! show what they should. The rollout is the same that the command makes: a watch decides which phones and when, and
//! nothing about phones. It keeps no place in the cluster's queue of changes across a start: it takes the end of the queue
//! first and looks at all phones then, so nothing falls between, wherever it was killed.

pub mod backoff;
pub mod changes;
pub mod control;
pub mod event;
pub mod metrics;
pub mod metrics_server;
pub mod notify;
pub mod replaced;
pub mod screen_turns;
pub mod state;
pub mod watcher;
