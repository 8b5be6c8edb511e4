//! The clusters at a glance: what phones show, what works now, and what waits for a person.

use std::collections::HashMap;
use std::sync::Arc;

use crate::console::phone_index::PhoneIndex;
use crate::console::run_view::RunView;
use crate::console::settings::ConsoleSettings;
use crate::domain::picture_rules::PictureRules;
use crate::domain::text::printable;
use crate::error::AppError;
use crate::journal::{JournalReader, RunEnd, RunId, RunRef, RunRow, RunState};
use crate::report::{Bar, Count, RunReport, WatchRecord, tally};
use crate::watch::control::records;
use jiff::Timestamp;

#[derive(Clone, Debug, Default)]
pub(crate) struct Overview {
    pub(crate) clusters: Vec<ClusterCard>,
    /// Which pictures count from when on, by the rules of the config file.
    pub(crate) seasons: Vec<String>,
}

/// A cluster of the journal or of the config file.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterCard {
    pub(crate) name: String,
    pub(crate) host: String,
    /// How many phones show what the last run pushed, in words.
    pub(crate) coverage: Option<String>,
    pub(crate) outcomes: Vec<Count>,
    pub(crate) outcome_bar: Bar,
    /// How many phones have which verdict, each by the newest look at it.
    pub(crate) verdicts: Vec<Count>,
    pub(crate) last: Option<LastRun>,
    /// The runs that work now, and those that were killed and not continued.
    pub(crate) open: Vec<Arc<RunView>>,
    pub(crate) watch: Option<WatchRecord>,
}

/// The last run that ended with results of phones.
#[derive(Clone, Debug)]
pub(crate) struct LastRun {
    pub(crate) id: RunId,
    pub(crate) what: String,
    pub(crate) began_at: Timestamp,
}

/// What does not change of a run that has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunFacts {
    coverage: Option<String>,
}

impl Overview {
    /// Reads all clusters. `view` returns a run that works.
    pub(crate) fn read(
        history: Option<&JournalReader>,
        settings: &ConsoleSettings,
        facts: &mut HashMap<RunId, Arc<RunFacts>>,
        phones: &PhoneIndex,
        mut view: impl FnMut(&JournalReader, RunRow) -> Result<Arc<RunView>, AppError>,
    ) -> Result<Self, AppError> {
        let mut clusters: Vec<ClusterCard> = Vec::new();
        if let Some(history) = history {
            for run in history.last_pushes()? {
                let facts = match facts.get(&run.id) {
                    Some(facts) if run.ended_at.is_some() => Arc::clone(facts),
                    Some(_) | None => {
                        let read = Arc::new(RunFacts::read(history, &run)?);
                        facts.insert(run.id, Arc::clone(&read));
                        read
                    }
                };
                let card = card(&mut clusters, &run.cluster);
                if card.last.is_some() {
                    // An older run on a cluster that had another identity.
                    continue;
                }
                let subject = run.subject.as_ref();
                let outcomes = subject.map(|subject| tally(subject.action(), &run.outcomes));
                card.outcomes = outcomes.unwrap_or_default();
                card.outcome_bar = Bar::of(&card.outcomes, &[]);
                card.coverage.clone_from(&facts.coverage);
                card.host = printable(&run.host).into_owned();
                let what = subject.map_or(run.command.as_str(), |subject| subject.file.as_str());
                let what = printable(what).into_owned();
                card.last = Some(LastRun { id: run.id, what, began_at: run.began_at });
            }
            for id in history.without_end()? {
                let Some(run) = history.run(RunRef::Number(id))? else { continue };
                let is_open = match run.state {
                    RunState::Running => true,
                    RunState::Killed => history.continued_by(&run)?.is_none(),
                    RunState::Finished
                    | RunState::Interrupted
                    | RunState::Declined
                    | RunState::Failed => false,
                };
                if is_open {
                    let name = run.cluster.clone();
                    let run = view(history, run)?;
                    card(&mut clusters, &name).open.push(run);
                }
            }
            for watch in records(history, &settings.journal)? {
                let name = watch.cluster.clone();
                card(&mut clusters, &name).watch = Some(watch);
            }
        }
        for name in &settings.clusters {
            card(&mut clusters, name);
        }
        for card in &mut clusters {
            card.verdicts = phones.verdicts(&card.name);
        }
        clusters.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { clusters, seasons: seasons(&settings.rules) })
    }
}

fn card<'a>(clusters: &'a mut Vec<ClusterCard>, name: &str) -> &'a mut ClusterCard {
    let name = printable(name);
    let at = clusters.iter().position(|card| card.name == name).unwrap_or_else(|| {
        clusters.push(ClusterCard { name: name.into_owned(), ..ClusterCard::default() });
        clusters.len() - 1
    });
    &mut clusters[at]
}

impl ClusterCard {
    /// How many phones a watch that works holds until an approval.
    pub(crate) fn held(&self) -> usize {
        self.watch.as_ref().filter(|watch| watch.alive).map_or(0, |watch| watch.status.held)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_none() && self.open.is_empty() && self.watch.is_none()
    }
}

impl RunFacts {
    fn read(history: &JournalReader, run: &RunRow) -> Result<Self, AppError> {
        let ending = history.snapshot::<RunEnd>(run.id, RunEnd::KIND)?;
        let coverage = match ending {
            Some(ending) => {
                let action = run.subject.as_ref().map(|subject| subject.action());
                let action = action.unwrap_or_default();
                RunReport { ending: Some(ending), action, ..RunReport::new(run.clone()) }
                    .coverage_text()
            }
            None => None,
        };
        Ok(Self { coverage })
    }
}

/// Describes the rules that apply at some times only, and are not over.
fn seasons(rules: &PictureRules) -> Vec<String> {
    let rules = rules.clone().at(Timestamp::now());
    rules.seasons().into_iter().map(|text| printable(&text).into_owned()).collect()
}
