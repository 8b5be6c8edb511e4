//! What a rollout asks of, and reports to, the users of the console.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _, ready};
use secrecy::SecretString;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::console::jobs::job::Job;
use crate::error::{AppError, ErrorKind};
use crate::interaction::{Interaction, Notice, Question};

/// The pages of a job.
pub(super) struct Browser {
    pub(super) job: Arc<Job>,
    pub(super) confirm_within: Duration,
    pub(super) stop: CancellationToken,
}

impl Interaction for Browser {
    fn confirm<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<(), AppError>> {
        async move {
            let answer = self.job.ask(question.clone());
            tokio::select! {
                () = self.stop.cancelled() => Err(declined("the console ended before it was confirmed")),
                answer = timeout(self.confirm_within, answer) => match answer {
                    Ok(Ok(answer)) => answer.map_err(|by| declined(&format!("discarded by {by}"))),
                    Ok(Err(_)) => Err(declined("it was not confirmed")),
                    Err(_) => Err(declined("nobody confirmed it in time")
                        .hint("--confirm-within says how long a rollout waits")),
                },
            }
        }
        .boxed()
    }

    fn password<'a>(
        &'a self,
        whose: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<SecretString, AppError>> {
        let message =
            format!("the password of {whose} is missing, and the console asks nobody for one");
        let missing = AppError::new(ErrorKind::Usage, message).hint(
            "name its source in the cluster's table of the config file: password_file, password_env, password_command or \
             password_keyring; push_password_file and the like for the push user. `axlpaper config check` checks the file",
        );
        ready(Err(missing)).boxed()
    }

    fn notice(&self, notice: &Notice<'_>) {
        let text = match notice {
            Notice::Text(text) => (*text).to_owned(),
            Notice::PreviousRun { owner, run } => {
                let next = run.map_or_else(String::new, |run| {
                    format!("; the page of run {} says how far it got", run.run)
                });
                format!("a previous run did not finish (crashed or was killed): {owner}{next}")
            }
            Notice::ClusterFailed { cluster, error } => {
                AppError::clone(error).within(cluster).message().to_owned()
            }
        };
        self.job.progress.message("", &text);
        self.job.changed();
    }
}

fn declined(why: &str) -> AppError {
    AppError::new(ErrorKind::Declined, format!("declined: {why}; nothing was changed"))
}
