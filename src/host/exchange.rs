//! What was asked for and answered on one connection, in order.
//!
//! The code that answers requests writes it down here, and the connection itself counts what has left. Only when
//! the connection has ended is it known what the client has got.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::host::HostLimits;
use crate::host::table::{Hit, Part};

/// What was asked for.
#[derive(Debug)]
pub(super) enum Asked {
    /// A published file, and which part of it.
    Published { hit: Hit, part: Part },
    /// Something else: the beginning of its path.
    Stray { path: String },
}

/// One request and its answer.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) asked: Asked,
    pub(super) status: u16,
    /// Bytes of the answer's body.
    pub(super) expected: u64,
    /// Bytes of it that have left this program.
    pub(super) sent: u64,
    pub(super) at: Timestamp,
    pub(super) started: Instant,
    /// When the last byte left.
    last: Instant,
    head_sent: bool,
}

impl Exchange {
    /// Tells whether the whole answer has left this program.
    pub(super) fn is_sent(&self) -> bool {
        self.head_sent && self.sent == self.expected
    }

    /// Returns when its connection is to be ended if nothing more happens on it.
    fn look_again(&self, limits: &HostLimits) -> Instant {
        if self.is_sent() {
            self.last + limits.idle
        } else {
            (self.last + limits.stall).min(self.started + limits.response)
        }
    }
}

/// Why a connection is ended from this side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Due {
    /// It has been idle for so long after its last answer that nobody seems to need it any more.
    Idle,
    /// Its client takes the answer too slowly.
    TooSlow,
}

/// The exchanges of a connection, in order.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    exchanges: Vec<Exchange>,
    /// Answers whose header has left, hyper's own among them.
    heads_sent: usize,
    /// Requests whose header has come.
    requests: usize,
    /// Whether the beginning of another one has come.
    more: bool,
}

impl Inner {
    fn head_sent(&mut self) -> u64 {
        let at = self.heads_sent;
        self.heads_sent += 1;
        // An answer that nobody wrote down is hyper's own to a broken request, and has no body.
        let Some(exchange) = self.exchanges.get_mut(at) else { return 0 };
        exchange.head_sent = true;
        exchange.last = Instant::now();
        exchange.expected
    }

    fn sent(&mut self, bytes: u64) {
        let at = self.heads_sent.saturating_sub(1);
        if let Some(exchange) = self.exchanges.get_mut(at) {
            exchange.sent += bytes;
            exchange.last = Instant::now();
        }
    }
}

impl Ledger {
    /// Writes a request down, with the answer that it gets.
    pub(super) fn answered(&self, asked: Asked, status: u16, expected: u64) {
        let now = Instant::now();
        self.lock().exchanges.push(Exchange {
            asked,
            status,
            expected,
            sent: 0,
            at: Timestamp::now(),
            started: now,
            last: now,
            head_sent: false,
        });
    }

    /// Takes note that an answer's header has left; returns how long its body is.
    pub(super) fn head_sent(&self) -> u64 {
        self.lock().head_sent()
    }

    /// Takes note that bytes of the body have left whose header left last.
    pub(super) fn sent(&self, bytes: u64) {
        self.lock().sent(bytes);
    }

    /// Takes note that a request's header has come.
    pub(super) fn request_came(&self) {
        self.lock().requests += 1;
    }

    /// Takes note whether something stands behind the last header that came.
    pub(super) fn more_came(&self, more: bool) {
        self.lock().more = more;
    }

    /// Tells whether the client has sent more than the request that is being answered now.
    pub(super) fn has_more(&self) -> bool {
        let inner = self.lock();
        inner.more || inner.requests > inner.exchanges.len() + 1
    }

    /// Returns how many requests were answered.
    pub(super) fn len(&self) -> usize {
        self.lock().exchanges.len()
    }

    /// Tells whether another whole file of the same addresses was answered with before.
    pub(super) fn has_other_file(&self, hit: &Hit) -> bool {
        self.lock().exchanges.iter().any(|earlier| match &earlier.asked {
            Asked::Published { hit: other, part } => {
                other.token == hit.token && other.which != hit.which && part.is_whole_file()
            }
            Asked::Stray { .. } => false,
        })
    }

    /// Returns when to look again whether the connection is to be ended; nothing before its first request.
    pub(super) fn look_again(&self, limits: &HostLimits) -> Option<Instant> {
        self.lock().exchanges.last().map(|last| last.look_again(limits))
    }

    /// Tells whether the connection is to be ended now.
    pub(super) fn due(&self, now: Instant, limits: &HostLimits) -> Option<Due> {
        let when = self.look_again(limits)?;
        let idle = self.lock().exchanges.last().is_some_and(Exchange::is_sent);
        (now >= when).then_some(if idle { Due::Idle } else { Due::TooSlow })
    }

    /// Tells whether all answers have left this program.
    pub(super) fn is_all_sent(&self) -> bool {
        self.lock().exchanges.iter().all(Exchange::is_sent)
    }

    /// Takes the exchanges out.
    pub(super) fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.lock().exchanges)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change under the lock is one step, so a panic elsewhere leaves nothing half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
