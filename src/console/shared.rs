//! What the requests of a console share.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::console::changes::Changes;
use crate::console::doctors::Doctors;
use crate::console::jobs::Jobs;
use crate::console::journal_view::JournalView;
use crate::console::login_limit::LoginLimit;
use crate::console::screens::Screens;
use crate::console::sessions::Sessions;
use crate::console::settings::ConsoleSettings;

/// A running console.
pub(crate) struct Shared {
    pub(crate) settings: ConsoleSettings,
    pub(crate) sessions: Sessions,
    pub(crate) login_limit: LoginLimit,
    /// Permits to check a password, which takes much memory.
    pub(crate) password_checks: Semaphore,
    pub(crate) journal: Arc<JournalView>,
    pub(crate) screens: Arc<Screens>,
    pub(crate) doctors: Arc<Doctors>,
    pub(crate) changes: Changes,
    pub(crate) jobs: Jobs,
    /// Permits to read and decode a picture that a browser sends.
    pub(crate) uploads: Semaphore,
    /// Permits of event streams.
    pub(crate) streams: Arc<Semaphore>,
    /// Is cancelled when the console ends.
    pub(crate) stop: CancellationToken,
    /// The name of the cookie. Cookies do not know ports, so it has the port.
    pub(crate) cookie: String,
    /// The host names, in lower case, under which browsers may reach the console.
    pub(crate) hosts: Vec<String>,
}

/// The address of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// How many passwords are checked at once.
pub(crate) const PASSWORD_CHECKS: usize = 2;

/// How many pictures are read and decoded at once.
pub(crate) const UPLOADS: usize = 1;

/// How many event streams are open at once.
pub(crate) const MOST_STREAMS: usize = 2_000;
