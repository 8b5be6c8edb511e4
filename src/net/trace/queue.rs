//! The queue between those who make exchanges and the thread that writes them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};

use crate::net::trace::exchange::Exchange;
use crate::net::trace::redact::SecretScrubber;

/// Where exchanges are handed over. Never waits.
#[derive(Debug)]
pub(crate) struct TraceQueue {
    pub(super) sender: SyncSender<Message>,
    pub(super) waiting_bytes: AtomicUsize,
    pub(super) written: AtomicU64,
    pub(super) missing: AtomicU64,
    pub(super) failure: Mutex<Option<String>>,
    pub(super) hidden: Mutex<SecretScrubber>,
}

impl TraceQueue {
    pub(crate) fn hand_over(&self, exchange: Exchange) {
        let size = exchange.size();
        let waiting = self.waiting_bytes.fetch_add(size, Ordering::SeqCst);
        let message = Message::Exchange(Box::new(exchange));
        let handed = waiting < MOST_WAITING_BYTES
            && match self.sender.try_send(message) {
                Ok(()) => true,
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
            };
        if !handed {
            self.waiting_bytes.fetch_sub(size, Ordering::SeqCst);
            self.missing.fetch_add(1, Ordering::SeqCst);
        }
    }
}

pub(super) enum Message {
    Exchange(Box<Exchange>),
    Finish(SyncSender<()>),
}

/// How many exchanges may wait to be written.
pub(super) const MOST_WAITING: usize = 4096;

/// How many bytes of exchanges may wait to be written.
const MOST_WAITING_BYTES: usize = 64 * 1024 * 1024;
