//! Work on pictures and sounds, away from the threads that talk to phones.

/// Does some work on a thread where it may take as long as it needs. A panic of the work goes on here.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is shutting down, and with it the task that waits here.
        Err(_) => std::future::pending().await,
    }
}
