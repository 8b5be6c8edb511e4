//! One step of a script.

use std::time::Duration;

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyStep {
    pub items: Vec<String>,
    /// How long to wait before the next step.
    pub pause: Duration,
}
