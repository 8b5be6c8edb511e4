//! What happens while a job is prepared, in lines for its page.

use std::sync::{Mutex, PoisonError};

use crate::domain::text::{grouped, printable};
use crate::event::Stage;

/// The lines of a job, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<Vec<Line>>);

#[derive(Clone, Debug)]
struct Line {
    /// The name of the cluster, where there are several.
    cluster: String,
    /// Nothing for a message.
    stage: Option<Stage>,
    text: String,
    done: u64,
    total: Option<u64>,
}

impl Progress {
    pub(crate) fn message(&self, cluster: &str, text: &str) {
        self.add(Line {
            cluster: cluster.to_owned(),
            stage: None,
            text: printable(text).into_owned(),
            done: 0,
            total: None,
        });
    }

    /// Begins a line about a stage.
    pub(super) fn begin(&self, cluster: &str, stage: Stage, total: Option<u64>) {
        self.add(Line {
            cluster: cluster.to_owned(),
            stage: Some(stage),
            text: stage.title().to_owned(),
            done: 0,
            total,
        });
    }

    fn add(&self, line: Line) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < MOST_LINES {
            lines.push(line);
        }
    }

    /// Counts a step of a stage. Returns whether a page should show it.
    pub(super) fn step(&self, cluster: &str, stage: Stage, done: u64) -> bool {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of = |line: &&mut Line| line.stage == Some(stage) && line.cluster == cluster;
        let line = lines.iter_mut().rev().find(is_of);
        let before = line.map(|line| std::mem::replace(&mut line.done, done));
        drop(lines);
        before.is_some_and(|before| before / STEP != done / STEP)
    }

    /// Returns what happened, for people.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| line.stage.is_some()).map(Line::describe).collect()
    }

    /// Returns what a person should know before the confirmation.
    pub(crate) fn messages(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| line.stage.is_none()).map(Line::describe).collect()
    }
}

impl Line {
    fn describe(&self) -> String {
        let cluster =
            if self.cluster.is_empty() { String::new() } else { format!("{}: ", self.cluster) };
        let count = match (self.done, self.total) {
            (0, None) => String::new(),
            (done, None) => format!(" ({done})"),
            (done, Some(total)) => {
                let [done, total] = [done, total]
                    .map(|count| grouped(usize::try_from(count).unwrap_or(usize::MAX)));
                format!(" ({done} of {total})")
            }
        };
        format!("{cluster}{}{count}", self.text)
    }
}

/// How many lines a job keeps.
const MOST_LINES: usize = 200;

/// A page counts in steps of so many.
const STEP: u64 = 100;
