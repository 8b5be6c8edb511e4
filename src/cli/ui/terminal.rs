//! The person at the terminal: questions, passwords and notices.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use secrecy::SecretString;

use super::{prompt, say};
use crate::cli::next_command;
use crate::error::{AppError, ErrorKind};
use crate::interaction::{Interaction, Notice, Question};
use crate::report::printable_lines;

#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Whether every question is answered with yes.
    yes: bool,
}

impl Terminal {
    /// Answers every question with yes where `yes` is given.
    pub fn shared(yes: bool) -> Arc<dyn Interaction> {
        Arc::new(Self { yes })
    }
}

impl Interaction for Terminal {
    fn confirm<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<(), AppError>> {
        let (question, yes) = (question.clone(), self.yes);
        // The plan of one cluster is not shown where the answer is given beforehand.
        if !yes || question.outline.len() > 1 {
            for text in &question.outline {
                say(&printable_lines(&format!("\n{text}")));
            }
            if !question.outline.is_empty() {
                say("");
            }
        }
        on_a_thread(move || prompt::confirm(&question.what, question.phones, yes)).boxed()
    }

    fn waits_for_answers(&self) -> bool {
        !self.yes
    }

    fn password<'a>(
        &'a self,
        whose: &'a str,
        other_ways: &'a str,
    ) -> BoxFuture<'a, Result<SecretString, AppError>> {
        let (whose, other_ways) = (whose.to_owned(), other_ways.to_owned());
        on_a_thread(move || prompt::password(&whose, &other_ways)).boxed()
    }

    fn notice(&self, notice: &Notice<'_>) {
        let text = match notice {
            Notice::Text(text) => (*text).to_owned(),
            Notice::PreviousRun { owner, run } => {
                let next = run.map(|run| match next_command::step_here(&run.journal, run.run) {
                    Some(next) => format!("continue with `{next}`"),
                    None => format!("`axlpaper show {}` shows how far it got", run.run),
                });
                let next = next.unwrap_or_else(|| "it had not begun its run".to_owned());
                format!("a previous run did not finish (crashed or was killed): {owner}; {next}")
            }
            Notice::ClusterFailed { cluster, error } => {
                next_command::with_next(AppError::clone(error)).within(cluster).to_string()
            }
        };
        say(&printable_lines(&text));
    }
}

/// Waits for input on a thread of its own, so that no thread of the runtime is blocked.
async fn on_a_thread<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    tokio::task::spawn_blocking(ask).await.unwrap_or_else(|error| {
        Err(AppError::from_error(ErrorKind::Failed, error).context("cannot ask"))
    })
}
