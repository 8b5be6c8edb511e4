//! One job and its state.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::console::jobs::draft::{Draft, Panels};
use crate::console::jobs::progress::Progress;
use crate::console::jobs::review::ClusterReview;
use crate::domain::text::{pluralize, printable};
use crate::error::{AppError, ErrorKind};
use crate::interaction::Question;
use crate::journal::RunId;
use crate::rollout::control::RolloutHandle;

pub(crate) type JobId = u64;

/// A rollout that a user makes.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    /// The name of the user.
    pub(crate) by: String,
    pub(crate) progress: Progress,
    pub(crate) handle: RolloutHandle,
    inner: Mutex<Inner>,
    revision: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Inner {
    title: String,
    command_line: String,
    state: JobState,
    reviews: Arc<Vec<ClusterReview>>,
    answer: Option<oneshot::Sender<Answer>>,
    touched: Instant,
}

/// Yes, or the name of the user who discarded the job.
pub(crate) type Answer = Result<(), String>;

/// What a job does.
#[derive(Clone, Debug)]
pub(crate) enum JobState {
    /// Its user still changes it.
    Draft(Box<Draft>),
    /// Its clusters are asked.
    Preparing,
    /// It waits for the confirmation.
    Waiting(Box<Question>),
    /// Its runs work.
    Working,
    /// It ended; the errors of clusters come with their names, where there are several.
    Ended(Vec<AppError>),
}

/// A job at one moment, for pages.
#[derive(Clone, Debug)]
pub(crate) struct JobView {
    pub(crate) title: String,
    pub(crate) command_line: String,
    pub(crate) state: JobState,
    pub(crate) reviews: Arc<Vec<ClusterReview>>,
}

impl Job {
    pub(super) fn new(id: JobId, by: &str, state: JobState, revision: Arc<AtomicU64>) -> Self {
        let inner = Inner {
            title: format!("Rollout {id}"),
            command_line: String::new(),
            state,
            reviews: Arc::default(),
            answer: None,
            touched: Instant::now(),
        };
        let (progress, handle) = (Progress::default(), RolloutHandle::default());
        Self { id, by: by.to_owned(), progress, handle, inner: Mutex::new(inner), revision }
    }

    pub(crate) fn view(&self) -> JobView {
        let inner = self.lock();
        JobView {
            title: inner.title.clone(),
            command_line: inner.command_line.clone(),
            state: inner.state.clone(),
            reviews: Arc::clone(&inner.reviews),
        }
    }

    /// Has pages renew themselves.
    pub(crate) fn changed(&self) {
        self.lock().touched = Instant::now();
        self.revision.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns what its user has chosen so far; nothing where its clusters were asked already.
    pub(crate) fn draft(&self) -> Option<Draft> {
        match &self.lock().state {
            JobState::Draft(draft) => Some((**draft).clone()),
            JobState::Preparing | JobState::Waiting(_) | JobState::Working | JobState::Ended(_) => {
                None
            }
        }
    }

    /// Keeps what its user has chosen, for as long as its clusters were not asked.
    pub(crate) fn keep_draft(&self, draft: Draft) {
        let mut inner = self.lock();
        if let JobState::Draft(kept) = &mut inner.state {
            **kept = draft;
        }
        drop(inner);
        self.changed();
    }

    /// Keeps the rendered panels of a draft, for as long as its clusters were not asked.
    pub(crate) fn keep_panels(&self, panels: Option<Arc<Panels>>) {
        if let JobState::Draft(draft) = &mut self.lock().state {
            draft.panels = panels;
        }
    }

    pub(super) fn begin_to_prepare(&self) -> Result<(), AppError> {
        let mut inner = self.lock();
        if !matches!(inner.state, JobState::Draft(_)) {
            return Err(no_longer());
        }
        inner.state = JobState::Preparing;
        drop(inner);
        self.changed();
        Ok(())
    }

    pub(super) fn name(&self, title: String, command_line: String) {
        let mut inner = self.lock();
        (inner.title, inner.command_line) = (title, command_line);
    }

    pub(super) fn keep_reviews(&self, reviews: Vec<ClusterReview>) {
        self.lock().reviews = Arc::new(reviews);
        self.changed();
    }

    /// Waits for the confirmation from now on.
    pub(super) fn ask(&self, question: Question) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        let mut inner = self.lock();
        inner.state = JobState::Waiting(Box::new(question));
        inner.answer = Some(answer);
        drop(inner);
        self.changed();
        answered
    }

    /// Confirms the job: `typed` is the number of phones that it touches.
    ///
    /// # Errors
    /// When the job does not wait for a confirmation, or the number is another one. Nothing is changed then.
    pub(crate) fn confirm(&self, typed: &str) -> Result<(), AppError> {
        let mut inner = self.lock();
        let JobState::Waiting(question) = &inner.state else { return Err(no_longer()) };
        if typed.trim() != question.phones.to_string() {
            let touched = pluralize(question.phones, "phone");
            return Err(AppError::new(
                ErrorKind::Refused,
                format!("the number that was typed is not that of the phones: this touches {touched}"),
            )
            .hint("nothing was changed; go back, read what would be done, and type the number of phones"));
        }
        let answer = inner.answer.take().ok_or_else(no_longer)?;
        inner.state = JobState::Working;
        drop(inner);
        self.changed();
        answer.send(Ok(())).map_err(|_| no_longer())
    }

    /// Ends the job before its confirmation, in the name of a user.
    ///
    /// # Errors
    /// When it works or has ended.
    pub(crate) fn discard(&self, by: &str) -> Result<(), AppError> {
        let mut inner = self.lock();
        match &inner.state {
            JobState::Draft(_) => inner.state = JobState::Ended(Vec::new()),
            JobState::Waiting(_) => {
                let answer = inner.answer.take().ok_or_else(no_longer)?;
                inner.state = JobState::Ended(Vec::new());
                answer.send(Err(by.to_owned())).map_err(|_| no_longer())?;
            }
            JobState::Preparing | JobState::Working | JobState::Ended(_) => {
                return Err(no_longer());
            }
        }
        drop(inner);
        self.changed();
        Ok(())
    }

    pub(super) fn works(&self) {
        self.lock().state = JobState::Working;
        self.changed();
    }

    pub(super) fn ended(&self, errors: Vec<AppError>) {
        let mut inner = self.lock();
        inner.state = JobState::Ended(errors);
        inner.answer = None;
        drop(inner);
        self.changed();
    }

    /// Returns what it waits to be confirmed.
    pub(crate) fn question(&self) -> Option<Question> {
        match &self.lock().state {
            JobState::Waiting(question) => Some((**question).clone()),
            JobState::Draft(_) | JobState::Preparing | JobState::Working | JobState::Ended(_) => {
                None
            }
        }
    }

    pub(crate) fn title(&self) -> String {
        printable(&self.lock().title).into_owned()
    }

    /// Returns the runs of its clusters.
    pub(crate) fn runs(&self) -> Vec<RunId> {
        self.lock().reviews.iter().filter_map(|review| review.run).collect()
    }

    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.lock().state, JobState::Preparing | JobState::Waiting(_))
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.lock().state, JobState::Ended(_))
    }

    /// Tells whether nobody needs it any more: it ended long ago, or its user left it unfinished.
    pub(super) fn is_forgotten(&self, now: Instant) -> bool {
        let inner = self.lock();
        let is_idle = matches!(inner.state, JobState::Draft(_) | JobState::Ended(_));
        is_idle && now.duration_since(inner.touched) > KEPT
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_longer() -> AppError {
    AppError::new(ErrorKind::Refused, "this rollout is not at that step any more")
        .hint("its page shows what it does now")
}

/// How long a job is kept that nobody changes.
const KEPT: Duration = Duration::from_secs(30 * 60);
