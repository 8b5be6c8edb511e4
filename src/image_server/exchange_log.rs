//! The one request of a connection, and how far its answer has left.
//!
//! The code that answers the request writes it down here, and the connection itself counts what has left. Only when
//! the connection has ended is it known what the client has got.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::image_server::HostLimits;
use crate::image_server::published::Hit;

#[derive(Debug)]
pub(crate) enum Asked {
    /// A published file, or only what would be said about it.
    Published { hit: Hit, head_only: bool },
    /// Something else: the beginning of its path.
    Stray { path: String },
}

#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) asked: Asked,
    pub(crate) status: u16,
    /// Bytes of the answer's body.
    expected: u64,
    /// Bytes of it that have left this program.
    pub(crate) sent: u64,
    pub(crate) at: Timestamp,
    pub(crate) started: Instant,
    /// When the last byte left.
    last: Instant,
}

impl Exchange {
    pub(crate) fn new(asked: Asked, status: u16, expected: u64) -> Self {
        let now = Instant::now();
        let at = Timestamp::now();
        Self { asked, status, expected, sent: 0, at, started: now, last: now }
    }

    pub(crate) fn is_sent(&self) -> bool {
        self.sent == self.expected
    }
}

/// The exchange of a connection, once there is one.
#[derive(Debug, Default)]
pub(crate) struct ExchangeLog(Mutex<Option<Exchange>>);

impl ExchangeLog {
    pub(crate) fn answered(&self, exchange: Exchange) {
        *self.lock() = Some(exchange);
    }

    pub(crate) fn sent(&self, bytes: u64) {
        // Without an exchange it is hyper's own answer to a broken request.
        if let Some(exchange) = &mut *self.lock() {
            exchange.sent += bytes;
            exchange.last = Instant::now();
        }
    }

    /// Returns when the client is too slow, unless it takes something before; nothing before its request.
    pub(crate) fn deadline(&self, limits: &HostLimits) -> Option<Instant> {
        self.lock().as_ref().map(|one| (one.last + limits.stall).min(one.started + limits.response))
    }

    pub(crate) fn take(&self) -> Option<Exchange> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Exchange>> {
        // Every change under the lock is one step, so a panic elsewhere leaves nothing half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
