//! One thread that writes: what waits at the same time shares one commit, and nobody goes on before his
//! words are on the disk.

use std::path::PathBuf;
use std::thread;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::error::{JournalError, Problem};
use super::files::Files;

/// Something to write; returns a number that its caller waits for, such as that of the row that it made.
type Work = Box<dyn FnOnce(&Connection) -> rusqlite::Result<i64> + Send>;

struct Order {
    work: Work,
    done: oneshot::Sender<Result<i64, Problem>>,
    /// Whether it may wait for others, because nobody waits for it.
    may_wait: bool,
}

/// A way to the thread that writes. It ends when the last of these is gone.
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
        // Where the thread has stopped, the order is dropped, and that tells too.
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

/// Writes a group as one. Where one of them fails, all of them do: a journal that could not take one
/// word is not to be trusted with the next. What went into a file that nobody will find counts as not written.
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
    // What SQLite says of files that were replaced under it is not the reason, so theirs comes first.
    match files.check().and(written) {
        Ok(rows) => {
            for (done, row) in waiting.into_iter().zip(rows) {
                // Who does not wait any more does not need to be told.
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
