//! What a user of the console may do.

use std::fmt;

use serde::Deserialize;

/// A role; each one may do what the one before it may.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "snake_case")]
pub enum ConsoleRole {
    /// Looks.
    Viewer,
    /// Pauses, continues and aborts runs, makes rollouts and confirms own ones.
    Operator,
    /// Approves waves of runs and what watches hold, and confirms rollouts.
    Approver,
}

impl ConsoleRole {
    /// Returns the word that the config file and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
        }
    }
}

impl fmt::Display for ConsoleRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
