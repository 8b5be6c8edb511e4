//! The services that report registrations, and where they are.

/// The two services.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Service {
    RisPort70,
    /// RPC with encoded types; releases up to 10.5 are known to answer it (seen in published tools).
    RisPort,
}

impl Service {
    /// Returns the service at a path; that it may end with a slash is believed.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path.strip_suffix('/').unwrap_or(path) {
            PATH => Some(Self::RisPort70),
            OLD_PATH => Some(Self::RisPort),
            _ => None,
        }
    }
}

pub(crate) const PATH: &str = "/realtimeservice2/services/RISService70";
pub(super) const OLD_PATH: &str = "/realtimeservice/services/RisPort";

/// The operations of RisPort70.
pub(super) const OPERATIONS: &[&str] = &["selectCmDevice", "selectCmDeviceExt", "selectCtiItem"];
