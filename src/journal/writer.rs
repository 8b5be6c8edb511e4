//! The thread that writes: whatever waits at the same time shares one commit, and a caller continues when its data is on
//! the disk.

use std::path::PathBuf;
use std::thread;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::error::{JournalError, Problem};
use super::files::Files;

/// A write; returns a number for its caller, such as that of the new row.
type Work = Box<dyn FnOnce(&Connection) -> rusqlite::Result<i64> + Send>;

struct Order {
    work: Work,
    done: oneshot::Sender<Result<i64, Problem>>,
    /// Whether it may wait for other writes, because no caller waits for it.
    may_wait: bool,
}

/// Sends writes to the thread. The thread ends when the last sender is dropped.
#[derive(Clone)]
pub(super) struct Writer {
    orders: mpsc::UnboundedSender<Order>,
    path: PathBuf,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread with a connection of its own.
    ///
    /// # Errors
    /// When the system starts no thread.
    pub(super) fn start(connection: Connection, path: PathBuf) -> Result<Self, Problem> {
        let (orders, inbox) = mpsc::unbounded_channel();
        let files = Files::of(&path);
        thread::Builder::new()
            .name("journal".to_owned())
            .spawn(|| serve(connection, files, inbox))?;
        Ok(Self { orders, path })
    }

    /// Writes, and returns once it is on the disk.
    ///
    /// # Errors
    /// When it could not be written. Then nothing of it is there.
    pub(super) async fn write(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<i64> + Send + 'static,
    ) -> Result<i64, JournalError> {
        let written = self.send(work).await.unwrap_or(Err(Problem::Stopped));
        written.map_err(|problem| JournalError::new("write to", &self.path, problem))
    }

    /// Has something written, and returns what tells whether it was.
    pub(super) fn send(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<i64> + Send + 'static,
    ) -> oneshot::Receiver<Result<i64, Problem>> {
        let (done, told) = oneshot::channel();
        // Where the thread has stopped, the order is dropped, and the receiver gets an error.
        drop(self.orders.send(Order { work: Box::new(work), done, may_wait: false }));
        told
    }

    /// Has something written together with what is written next, or when the last of the writers is gone. It costs
    /// no commit of its own, and is lost when the program dies before.
    pub(super) fn write_deferred(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<i64> + Send + 'static,
    ) {
        let (done, _) = oneshot::channel();
        drop(self.orders.send(Order { work: Box::new(work), done, may_wait: true }));
    }
}

fn serve(mut connection: Connection, mut files: Files, mut inbox: mpsc::UnboundedReceiver<Order>) {
    let mut group: Vec<Order> = Vec::new();
    while let Some(first) = inbox.blocking_recv() {
        group.push(first);
        while group.len() < MOST_TOGETHER
            && let Ok(next) = inbox.try_recv()
        {
            group.push(next);
        }
        let is_due = |group: &[Order]| {
            group.len() >= MOST_TOGETHER || group.iter().any(|order| !order.may_wait)
        };
        if is_due(&group) {
            commit(&mut connection, &mut files, std::mem::take(&mut group));
        }
    }
    if !group.is_empty() {
        commit(&mut connection, &mut files, group);
    }
}

/// Writes a group in one transaction. If one write fails, all fail: a journal that could not take one cannot be trusted
/// with the next. What went into a deleted file counts as not written.
fn commit(connection: &mut Connection, files: &mut Files, group: Vec<Order>) {
    let (work, waiting): (Vec<_>, Vec<_>) =
        group.into_iter().map(|order| (order.work, order.done)).unzip();
    let written = (|| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let rows =
            work.into_iter().map(|work| work(&transaction)).collect::<Result<Vec<_>, _>>()?;
        transaction.commit()?;
        Ok(rows)
    })();
    let written = written.map_err(|error: rusqlite::Error| Problem::from(error));
    // SQLite reports a replaced file as another error, so the check of the files comes first.
    match files.check().and(written) {
        Ok(rows) => {
            for (done, row) in waiting.into_iter().zip(rows) {
                // The caller may not wait any more.
                drop(done.send(Ok(row)));
            }
        }
        Err(problem) => {
            for done in waiting {
                drop(done.send(Err(problem.clone())));
            }
        }
    }
}

/// So many attempts share one commit at most.
const MOST_TOGETHER: usize = 512;
