//! The events of a job that its page shows.

use std::sync::Arc;

use crate::console::jobs::job::Job;
use crate::event::{Event, Observer};

/// Writes the events of a cluster into the lines of a job.
pub(super) struct JobObserver {
    pub(super) job: Arc<Job>,
    /// Empty where there is only one.
    pub(super) cluster: String,
}

impl Observer for JobObserver {
    fn observe(&self, event: &Event) {
        let Self { job, cluster } = self;
        match event {
            Event::Started { stage, total } => {
                job.progress.begin(cluster, *stage, *total);
                job.changed();
            }
            Event::Progress { stage, done } => {
                if job.progress.step(cluster, *stage, *done) {
                    job.changed();
                }
            }
            Event::Remark(text) => {
                job.progress.message(cluster, text);
                job.changed();
            }
            // The page of the run shows these.
            Event::Waiting { .. }
            | Event::Finished { .. }
            | Event::Wave(_)
            | Event::Changed(_)
            | Event::Pushed(_)
            | Event::Downloaded(_)
            | Event::Control(_) => {}
        }
    }
}
