//! What the application asks of, and reports to, its caller: a person at a terminal, a web page, or a program.

use futures::future::BoxFuture;
use secrecy::SecretString;

use crate::error::{AppError, ErrorKind, UnfinishedRun};

/// The other side of a rollout. Questions are asked before anything is changed.
pub trait Interaction: Send + Sync {
    /// Asks whether to go on.
    ///
    /// # Errors
    /// When the answer is no, or there is no one to ask. Nothing is changed then.
    fn confirm<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<(), AppError>>;

    /// Tells whether a confirmation waits for a person; `false` where every answer is given beforehand.
    fn waits_for_answers(&self) -> bool {
        true
    }

    /// Asks for a password; `whose` names the account, `other_ways` the settings that give the password instead.
    ///
    /// # Errors
    /// When there is no one to ask.
    fn password<'a>(
        &'a self,
        whose: &'a str,
        other_ways: &'a str,
    ) -> BoxFuture<'a, Result<SecretString, AppError>>;

    /// Shows something that is no progress.
    fn notice(&self, notice: &Notice<'_>);
}

/// What a user is asked to confirm.
#[derive(Clone, Debug)]
pub struct Question {
    /// What will be done, as a sentence without its full stop.
    pub what: String,
    /// How many phones that touches.
    pub phones: usize,
    /// The plan in lines, a text for each cluster: its changes, the phones by device pool and model, and the time.
    pub outline: Vec<String>,
}

/// What is shown besides progress.
#[derive(Debug)]
pub enum Notice<'a> {
    /// A text for people.
    Text(&'a str),
    /// A previous run on the same cluster did not finish.
    PreviousRun {
        /// Which process it was.
        owner: &'a str,
        /// The run, where it had begun one.
        run: Option<&'a UnfinishedRun>,
    },
    /// One of several clusters failed; the others go on.
    ClusterFailed {
        /// The cluster's name.
        cluster: &'a str,
        /// Why.
        error: &'a AppError,
    },
}

/// There is no one to ask: whatever needs a confirmation or a password is refused.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Interaction for Silent {
    fn confirm<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<(), AppError>> {
        let refused = AppError::new(
            ErrorKind::Refused,
            format!("{}: this needs a confirmation, and the caller cannot give one", question.what),
        );
        Box::pin(std::future::ready(Err(refused)))
    }

    fn password<'a>(
        &'a self,
        whose: &'a str,
        other_ways: &'a str,
    ) -> BoxFuture<'a, Result<SecretString, AppError>> {
        let missing =
            AppError::new(ErrorKind::Usage, format!("the password of {whose} is missing"));
        Box::pin(std::future::ready(Err(missing.hint(other_ways))))
    }

    fn notice(&self, _: &Notice<'_>) {}
}
