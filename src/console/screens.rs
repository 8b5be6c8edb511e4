//! Screens of phones: taken on demand, or while a wall of them is looked at, and kept in memory until others are taken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_util::task::TaskTracker;

use crate::connect::cluster::{ClusterSettings, cluster_id};
use crate::console::journal_view::JournalView;
use crate::console::phone_index::PhoneLine;
use crate::domain::device_name::DeviceName;
use crate::domain::payload_kind::ObjectKind;
use crate::domain::text::printable;
use crate::error::AppError;
use crate::journal::{JournalReader, RunId};
use crate::rollout::screens::{AT_ONCE, ExpectedPicture, LookError, LookResult, ScreenAccess};

/// The screens of the phones of all clusters.
pub(crate) struct Screens {
    /// The clusters of the config file, by their names; or why its settings cannot be used.
    clusters: Result<Vec<Arc<ScreenAccess>>, AppError>,
    journal: Arc<JournalView>,
    state: Mutex<State>,
    tasks: TaskTracker,
}

#[derive(Debug, Default)]
struct State {
    kept: HashMap<Key, KeptScreen>,
    /// The phones that a page looks at, and until when.
    wanted: HashMap<Key, (PhoneLine, Instant)>,
    /// The phones that are asked at the moment.
    asked: Vec<Key>,
    workers: usize,
    proven: HashMap<String, KnownProofs>,
}

/// What the phones of a cluster should show: the digest, and the run that proved it where that is known.
type Proofs = Arc<HashMap<DeviceName, (String, Option<RunId>)>>;

#[derive(Debug)]
struct KnownProofs {
    proofs: Proofs,
    revision: u64,
    read_at: Instant,
    took: Duration,
}

/// A phone: its cluster and its name.
type Key = (Box<str>, Box<str>);

/// What came of the last look at a screen.
#[derive(Clone, Debug)]
pub(crate) struct KeptScreen {
    pub(crate) at: Timestamp,
    asked_at: Instant,
    pub(crate) result: Result<Arc<LookResult>, LookError>,
}

impl Screens {
    pub(crate) fn new(
        clusters: Result<Vec<ClusterSettings>, AppError>,
        journal: &Arc<JournalView>,
    ) -> Self {
        let path = journal.path();
        let access = |cluster| Arc::new(ScreenAccess::new(cluster, path.to_owned()));
        Self {
            clusters: clusters.map(|clusters| clusters.into_iter().map(access).collect()),
            journal: Arc::clone(journal),
            state: Mutex::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Returns the access to the phones of a cluster.
    pub(crate) fn access(&self, cluster: &str) -> Result<&Arc<ScreenAccess>, LookError> {
        let clusters = self.clusters.as_ref().map_err(LookError::of)?;
        // A run that named the host has its name.
        let is_it = |access: &&Arc<ScreenAccess>| {
            let connection = access.connection();
            printable(&connection.name) == cluster || connection.endpoint.host() == cluster
        };
        clusters.iter().find(is_it).ok_or_else(|| LookError {
            why: format!("the settings of {cluster} are not known"),
            remedy: "write the cluster into the config file, and start the console again"
                .to_owned(),
            is_refusal: false,
        })
    }

    /// Returns why no phone of some cluster is asked any more.
    pub(crate) fn lockouts(&self) -> Vec<(String, LookError)> {
        let clusters = self.clusters.iter().flatten();
        let lockout = |access: &Arc<ScreenAccess>| {
            Some((printable(&access.connection().name).into_owned(), access.lockout()?))
        };
        clusters.filter_map(lockout).collect()
    }

    /// Lets the phones of a cluster be asked again after a refusal.
    pub(crate) async fn allow(
        &self,
        cluster: &str,
        phone: Option<&DeviceName>,
    ) -> Result<(), LookError> {
        self.access(cluster)?.allow(phone).await;
        // What was not taken because of the refusal is due at once.
        self.state().kept.retain(|(of, _), kept| &**of != cluster || kept.result.is_ok());
        Ok(())
    }

    /// Returns the last look at a phone's screen.
    pub(crate) fn kept(&self, line: &PhoneLine) -> Option<KeptScreen> {
        self.state().kept.get(&key(line)).cloned()
    }

    /// Takes a screenshot of a phone now, unless one is being taken.
    pub(crate) async fn take(self: &Arc<Self>, line: PhoneLine) {
        {
            let (mut state, key) = (self.state(), key(&line));
            if state.asked.contains(&key) {
                return;
            }
            state.asked.push(key);
        }
        let this = Arc::clone(self);
        // A look that was begun is finished, whether or not the browser waits for it.
        let taken = self.tasks.spawn(async move { this.look(&line).await }).await;
        if let Err(error) = taken {
            tracing::error!(%error, "a screenshot was not taken");
        }
    }

    /// Has screenshots taken of phones that a page looks at now, those first that were looked at longest ago.
    pub(crate) fn want(self: &Arc<Self>, lines: &[&PhoneLine]) {
        let until = Instant::now() + LOOKS_ON;
        let missing = {
            let mut state = self.state();
            let wanted = lines.iter().map(|line| (key(line), ((*line).clone(), until)));
            state.wanted.extend(wanted);
            let missing = if lines.is_empty() { 0 } else { AT_ONCE.saturating_sub(state.workers) };
            state.workers += missing;
            missing
        };
        for _ in 0..missing {
            let this = Arc::clone(self);
            self.tasks.spawn(async move { while this.take_next().await {} });
        }
    }

    /// Waits until the screenshots that are being taken are there, and takes no more.
    pub(crate) async fn close(&self) {
        self.state().wanted.clear();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Takes the next screenshot that is due, and waits where none is. Returns false when no page looks on any more.
    async fn take_next(&self) -> bool {
        let now = Instant::now();
        let next = {
            let mut state = self.state();
            if !state.is_looked_at(now) {
                state.workers -= 1;
                return false;
            }
            let next = state.next(now);
            state.asked.extend(next.iter().map(key));
            next
        };
        match next {
            Some(line) => self.look(&line).await,
            None => tokio::time::sleep(PAUSE).await,
        }
        true
    }

    async fn look(&self, line: &PhoneLine) {
        let asked_at = Instant::now();
        let result = self.looked(line).await.map(Arc::new);
        let kept = KeptScreen { at: Timestamp::now(), asked_at, result };
        let (mut state, key) = (self.state(), key(line));
        state.asked.retain(|asked| *asked != key);
        if state.kept.len() >= MOST_KEPT && !state.kept.contains_key(&key) {
            let oldest = state.kept.iter().min_by_key(|(_, kept)| kept.asked_at);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.and_then(|key| state.kept.remove(&key));
        }
        state.kept.insert(key, kept);
    }

    async fn looked(&self, line: &PhoneLine) -> Result<LookResult, LookError> {
        let access = self.access(&line.cluster)?;
        let phone = line.screen_phone().ok_or_else(|| LookError {
            why: "its name is no name of a phone".to_owned(),
            remedy: String::new(),
            is_refusal: false,
        })?;
        let expected = self.expected(&cluster_id(access.connection()), &phone.name).await;
        let expected = expected.map_err(|error| LookError::of(&error))?;
        access.look(&phone, expected).await
    }

    /// Reads what a phone should show by the last run that proved it, also where a later look saw something else.
    async fn expected(
        &self,
        cluster: &str,
        phone: &DeviceName,
    ) -> Result<Option<ExpectedPicture>, AppError> {
        let proofs = self.proofs(cluster).await?;
        let Some((digest, run)) = proofs.get(phone).cloned() else { return Ok(None) };
        self.journal
            .read(move |history| {
                history.map(|history| ExpectedPicture::read(history, run, &digest)).transpose()
            })
            .await
    }

    async fn proofs(&self, cluster: &str) -> Result<Proofs, AppError> {
        let revision = self.journal.revision(false).await?;
        if let Some(known) = self.state().proven.get(cluster) {
            // A run that works changes the journal all the time.
            let is_young = known.read_at.elapsed() < known.took * SHARE;
            if known.revision == revision || is_young {
                return Ok(Arc::clone(&known.proofs));
            }
        }
        let (read_at, id) = (Instant::now(), cluster.to_owned());
        let proofs = self.journal.read(move |history| read_proofs(history, &id)).await?;
        let took = read_at.elapsed();
        let known = KnownProofs { proofs: Arc::clone(&proofs), revision, read_at, took };
        self.state().proven.insert(cluster.to_owned(), known);
        Ok(proofs)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets pages that were closed, and tells whether one is left.
    fn is_looked_at(&mut self, now: Instant) -> bool {
        self.wanted.retain(|_, (_, until)| *until > now);
        !self.wanted.is_empty()
    }

    /// Returns the phone that was looked at longest ago, if its pause is over.
    fn next(&self, now: Instant) -> Option<PhoneLine> {
        let wanted = self.wanted.iter().filter(|(key, _)| !self.asked.contains(key));
        let by_age = |key: &Key| self.kept.get(key).map(|kept| kept.asked_at);
        let (key, (line, _)) = wanted.min_by_key(|(key, _)| (by_age(key), (*key).clone()))?;
        let is_due = by_age(key).is_none_or(|asked| now.duration_since(asked) >= BETWEEN_LOOKS);
        is_due.then(|| line.clone())
    }
}

fn read_proofs(history: Option<&JournalReader>, cluster: &str) -> Result<Proofs, AppError> {
    let Some(history) = history else { return Ok(Arc::default()) };
    let drifted = history.drifted(cluster)?.into_iter();
    let mut proofs: HashMap<_, _> =
        drifted.map(|(phone, digest)| (phone, (digest, None))).collect();
    let proven = history.proven(cluster, ObjectKind::Background)?.into_iter();
    proofs.extend(proven.map(|(phone, proven)| (phone, (proven.digest, Some(proven.run)))));
    Ok(Arc::new(proofs))
}

fn key(line: &PhoneLine) -> Key {
    (line.cluster.clone(), line.name.clone())
}

/// How long after the last request of a page it is taken to look on.
pub(crate) const LOOKS_ON: Duration = Duration::from_secs(20);

/// A phone of a wall is not asked again before so long has passed.
pub(crate) const BETWEEN_LOOKS: Duration = Duration::from_secs(30);

/// How many phones a wall has.
pub(crate) const MOST_OF_WALL: usize = 60;

/// How long is waited where no phone is due.
const PAUSE: Duration = Duration::from_secs(1);

/// How many times as long as it took to read what is proven it is not read again.
const SHARE: u32 = 10;

/// How many screens are kept.
const MOST_KEPT: usize = 4 * MOST_OF_WALL;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::phone_index::tests::line;

    fn state(names: &[&str], until: Instant) -> State {
        let mut state = State::default();
        for name in names {
            let line = line(name);
            state.wanted.insert(key(&line), (line, until));
        }
        state
    }

    fn next(state: &State, now: Instant) -> Option<String> {
        state.next(now).map(|line| line.name.to_string())
    }

    #[test]
    fn each_phone_is_asked_in_its_turn_and_not_too_often() {
        let start = Instant::now();
        let mut state = state(&["SEP1", "SEP2"], start + BETWEEN_LOOKS * 3);
        let looked = |state: &mut State, name: &str, asked_at: Instant| {
            let result =
                Err(LookError { why: String::new(), remedy: String::new(), is_refusal: false });
            let kept = KeptScreen { at: Timestamp::UNIX_EPOCH, asked_at, result };
            state.kept.insert(key(&line(name)), kept);
        };
        assert_eq!(next(&state, start).as_deref(), Some("SEP1"));
        state.asked.push(key(&line("SEP1")));
        assert_eq!(next(&state, start).as_deref(), Some("SEP2"), "SEP1 is being asked");
        looked(&mut state, "SEP2", start);
        assert_eq!(next(&state, start + BETWEEN_LOOKS / 2), None);
        state.asked.clear();
        looked(&mut state, "SEP1", start + BETWEEN_LOOKS / 2);
        assert_eq!(next(&state, start + BETWEEN_LOOKS).as_deref(), Some("SEP2"));
        looked(&mut state, "SEP2", start + BETWEEN_LOOKS);
        assert_eq!(next(&state, start + BETWEEN_LOOKS), None);
        assert_eq!(next(&state, start + BETWEEN_LOOKS * 3 / 2).as_deref(), Some("SEP1"));
    }

    #[test]
    fn nothing_is_asked_after_the_page_is_closed() {
        let start = Instant::now();
        let mut state = state(&["SEP1"], start + LOOKS_ON);
        assert!(state.is_looked_at(start));
        assert!(!state.is_looked_at(start + LOOKS_ON));
        assert_eq!(next(&state, start + LOOKS_ON + BETWEEN_LOOKS), None);
    }
}
