//! Device pools behind a low-bandwidth link, which the downloads of their phones share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct SharedLink {
    bytes_per_second: u32,
    /// When everything has gone through that was taken on so far.
    free: Mutex<Instant>,
}

impl SharedLink {
    pub(crate) fn all(pools: &[(String, u32)]) -> HashMap<String, Arc<Self>> {
        let line = |rate: u32| {
            Arc::new(Self { bytes_per_second: rate.max(1), free: Mutex::new(Instant::now()) })
        };
        pools.iter().map(|(pool, rate)| (pool.clone(), line(*rate))).collect()
    }

    /// Waits until so many bytes have gone through, behind all that came before.
    pub(crate) async fn transfer(&self, bytes: usize) {
        let accepts = Duration::from_secs_f64(bytes as f64 / f64::from(self.bytes_per_second));
        let through = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            *free = (*free).max(Instant::now()) + accepts;
            *free
        };
        tokio::time::sleep_until(through).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn those_on_one_line_share_it() {
        let lines = SharedLink::all(&[("Branch".to_owned(), 1_000)]);
        let line = &lines["Branch"];
        let begun = Instant::now();
        tokio::join!(line.transfer(500), line.transfer(1_500));
        assert_eq!(begun.elapsed().as_secs(), 2);
    }
}
