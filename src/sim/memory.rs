//! The memory that large answers share.
//!
//! AXL Developer Guide: requests under way share 16 MB, and while a large one runs, others may have 2 MB.

use std::sync::{Arc, Mutex, PoisonError};

use super::limits::Limits;

/// How much of it is taken.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    bytes: usize,
    large: usize,
}

/// A part of it, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    memory: Arc<Memory>,
    bytes: usize,
    large: bool,
}

impl Memory {
    /// Takes `bytes`, or nothing when the limits do not allow it now.
    pub(crate) fn reserve(self: &Arc<Self>, limits: &Limits, bytes: usize) -> Option<Reservation> {
        let large = limits.memory_bytes.is_some() && bytes > limits.small_bytes;
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = limits.memory_bytes.is_some_and(|all| taken.bytes + bytes > all);
        if full || large && taken.large > 0 {
            return None;
        }
        taken.bytes += bytes;
        taken.large += usize::from(large);
        drop(taken);
        Some(Reservation { memory: Arc::clone(self), bytes, large })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut taken = self.memory.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.bytes -= self.bytes;
        taken.large -= usize::from(self.large);
    }
}
