//! Waits for something slow on a thread of its own, because callers are in the middle of something.

use std::io;
use std::time::Duration;

/// Waits for some work to end.
///
/// # Errors
/// When it cannot be started, or stops without an answer.
pub fn to_its_end<T: Send>(work: impl Future<Output = T> + Send) -> io::Result<T> {
    let ended = std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok(runtime.block_on(work))
        });
        worker.join()
    });
    // A panic there has been told already.
    ended.unwrap_or_else(|_| Err(io::Error::other("it stopped without an answer")))
}

/// Waits for some work, but not for ever: nothing when the time is over, and then the work is dropped.
///
/// # Errors
/// As [`to_its_end`].
pub fn within<T: Send>(
    limit: Duration,
    work: impl Future<Output = T> + Send,
) -> io::Result<Option<T>> {
    // The clock is made inside of the runtime, which it needs.
    to_its_end(async move { tokio::time::timeout(limit, work).await.ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_has_its_answer_or_its_end() {
        let limit = Duration::from_secs(20);
        assert_eq!(within(limit, async { 7 }).unwrap(), Some(7));
        let late = within(Duration::from_millis(5), std::future::pending::<()>());
        assert_eq!(late.unwrap(), None);
        assert!(within(limit, async { panic!("this is told, and no more") }).is_err());
    }
}
