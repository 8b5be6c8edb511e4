//! The journal as all pages of a console read it: one connection, and views that are kept until the journal changes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use crate::connect::journal;
use crate::console::overview::{Overview, RunFacts};
use crate::console::phone_index::PhoneIndex;
use crate::console::run_view::RunView;
use crate::console::settings::{ConsoleSettings, NextCommand};
use crate::error::{AppError, ErrorKind};
use crate::journal::{JournalReader, RunId, RunRef, RunRow, RunState};
use crate::watch::control::records;

pub(crate) struct JournalView {
    settings: ConsoleSettings,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    reader: Option<JournalReader>,
    version: Option<i64>,
    /// Grows when the journal changes, or when a process that works with it is gone.
    revision: u64,
    working: Vec<(String, bool)>,
    overview: Option<(u64, Arc<Overview>)>,
    runs: HashMap<RunId, KeptRun>,
    facts: HashMap<RunId, Arc<RunFacts>>,
    phones: Arc<PhoneIndex>,
    /// The revision that the index was renewed at.
    phones_at: Option<u64>,
}

struct KeptRun {
    view: Arc<RunView>,
    revision: u64,
    read_at: Instant,
    took: Duration,
}

impl JournalView {
    pub(crate) fn new(settings: ConsoleSettings) -> Self {
        Self { settings, open: Mutex::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.settings.journal
    }

    /// Reads the journal on a thread that may wait for the disk; `None` where there is no journal yet.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(Option<&JournalReader>) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, AppError> {
        self.with(move |open, _| read(open.reader.as_ref())).await
    }

    /// Returns the number of the journal's state. `looks` also checks which processes still work.
    pub(crate) async fn revision(self: &Arc<Self>, looks: bool) -> Result<u64, AppError> {
        self.with(move |open, settings| {
            if looks {
                let working = open.working(settings)?;
                if working != open.working {
                    open.working = working;
                    open.revision += 1;
                }
            }
            Ok(open.revision)
        })
        .await
    }

    pub(crate) async fn overview(self: &Arc<Self>) -> Result<Arc<Overview>, AppError> {
        self.with(|open, settings| {
            if let Some((revision, overview)) = &open.overview
                && *revision == open.revision
            {
                return Ok(Arc::clone(overview));
            }
            open.renew_phones()?;
            let Open { reader, revision, runs, facts, phones, .. } = &mut *open;
            let view = |history: &JournalReader, run: RunRow| {
                run_view(runs, *revision, history, run, &settings.next)
            };
            let overview =
                Arc::new(Overview::read(reader.as_ref(), settings, facts, phones, view)?);
            open.overview = Some((open.revision, Arc::clone(&overview)));
            Ok(overview)
        })
        .await
    }

    /// Returns a run; nothing where the journal has none of that number.
    pub(crate) async fn run(self: &Arc<Self>, id: RunId) -> Result<Option<Arc<RunView>>, AppError> {
        self.with(move |open, settings| {
            let Open { reader: Some(history), runs, revision, .. } = open else { return Ok(None) };
            let Some(run) = history.run(RunRef::Number(id))? else { return Ok(None) };
            run_view(runs, *revision, history, run, &settings.next).map(Some)
        })
        .await
    }

    /// Returns the phones of all clusters.
    pub(crate) async fn phones(self: &Arc<Self>) -> Result<Arc<PhoneIndex>, AppError> {
        self.with(|open, _| {
            open.renew_phones()?;
            Ok(Arc::clone(&open.phones))
        })
        .await
    }

    /// Has the next page read everything anew.
    pub(crate) fn forget(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.runs.clear();
        open.overview = None;
    }

    async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&mut Open, &ConsoleSettings) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, AppError> {
        let this = Arc::clone(self);
        let read = spawn_blocking(move || {
            let mut open = this.open.lock().unwrap_or_else(PoisonError::into_inner);
            let read = open.renew(&this.settings).and_then(|()| read(&mut open, &this.settings));
            if read.is_err() {
                // The file may have been replaced.
                open.reader = None;
            }
            read
        });
        read.await.unwrap_or_else(|error| Err(AppError::from_error(ErrorKind::Failed, error)))
    }
}

impl Open {
    /// Opens the journal where that was not done, and sees whether it has changed.
    fn renew(&mut self, settings: &ConsoleSettings) -> Result<(), AppError> {
        if self.reader.is_some() && !settings.journal.exists() {
            self.reader = None;
        }
        if self.reader.is_none() {
            self.reader = journal::history_if_any(&settings.journal)?;
            // Versions of two connections cannot be compared.
            self.version = None;
        }
        let version = self.reader.as_ref().map(JournalReader::version).transpose()?;
        if version != self.version {
            self.version = version;
            self.revision += 1;
        }
        Ok(())
    }

    fn renew_phones(&mut self) -> Result<(), AppError> {
        let history = self.reader.as_ref().filter(|_| self.phones_at != Some(self.revision));
        if let Some(history) = history {
            // Copied only while a page reads the one before it.
            Arc::make_mut(&mut self.phones).renew(history)?;
            self.phones_at = Some(self.revision);
        }
        Ok(())
    }

    /// Lists runs and watches that have not ended, with whether their processes work.
    fn working(&self, settings: &ConsoleSettings) -> Result<Vec<(String, bool)>, AppError> {
        let Some(history) = &self.reader else { return Ok(Vec::new()) };
        let mut working = Vec::new();
        for id in history.without_end()? {
            if let Some(run) = history.run(RunRef::Number(id))? {
                working.push((id.to_string(), run.state == RunState::Running));
            }
        }
        let watches = records(history, &settings.journal)?.into_iter();
        working.extend(watches.map(|watch| (watch.cluster, watch.alive)));
        Ok(working)
    }
}

/// Returns a run as it was read last, where that is still true or has cost much a moment ago.
fn run_view(
    runs: &mut HashMap<RunId, KeptRun>,
    revision: u64,
    history: &JournalReader,
    run: RunRow,
    next: &NextCommand,
) -> Result<Arc<RunView>, AppError> {
    let id = run.id;
    if let Some(kept) = runs.get(&id) {
        // A large run that works changes all the time; it is not read more often than one processor can bear.
        let is_young = kept.view.run.state == run.state
            && kept.read_at.elapsed() < (kept.took * SHARE).max(YOUNG);
        if kept.revision == revision || is_young {
            return Ok(Arc::clone(&kept.view));
        }
    }
    let read_at = Instant::now();
    let view = Arc::new(RunView::read(history, run, next)?);
    if runs.len() >= MOST_RUNS {
        let oldest = runs.iter().min_by_key(|(_, kept)| kept.read_at).map(|(id, _)| *id);
        oldest.and_then(|id| runs.remove(&id));
    }
    let took = read_at.elapsed();
    runs.insert(id, KeptRun { view: Arc::clone(&view), revision, read_at, took });
    Ok(view)
}

/// How many times as long as a run took to read it is not read again.
const SHARE: u32 = 10;

const YOUNG: Duration = Duration::from_millis(500);

/// How many runs are kept.
const MOST_RUNS: usize = 32;
