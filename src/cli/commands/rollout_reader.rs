//! Reads the rollouts that users of the console make: their words are those of `axlpaper rollout` and `axlpaper revert`.

use std::path::Path;

use clap::{ArgMatches, FromArgMatches};
use tokio::runtime::Handle;

use crate::cli::args::name_list;
use crate::cli::args::payload::PayloadSource;
use crate::cli::commands::rollout_common::{self, Job, Source};
use crate::cli::commands::{revert, rollout};
use crate::cli::definition::definition;
use crate::cli::next_command;
use crate::cli::settings::quoted;
use crate::connect::cluster::ClusterSettings;
use crate::console::{Chosen, ReadRollouts, RolloutCommand};
use crate::error::{AppError, ErrorKind};
use crate::interaction::Interaction;
use crate::rollout::request::{RolloutRequest, Scope};

/// Reads words as the command line does.
#[derive(Debug)]
pub struct RolloutReader {
    /// The options that say where the console has its config file and its journal.
    own: Vec<String>,
}

impl RolloutReader {
    pub fn new(config: Option<&Path>, state: Option<&Path>) -> Self {
        let option =
            |name: &str, path: Option<&Path>| path.map(|path| format!("{name}={}", path.display()));
        Self {
            own: [option("--config", config), option("--state", state)]
                .into_iter()
                .flatten()
                .collect(),
        }
    }

    /// Returns the whole command, as it can be typed.
    fn words(&self, command: &RolloutCommand) -> Vec<String> {
        let mut words = vec!["axlpaper".to_owned()];
        words.extend(command.options.iter().cloned());
        if let Some(run) = &command.earlier {
            let with_options = next_command::with_options(&quoted(&words), run, false, true);
            words = shlex::split(&with_options).unwrap_or(words);
        }
        words.extend(self.own.iter().cloned());
        if let Some((name, _)) = &command.picture {
            words.extend(["--".to_owned(), name.clone()]);
        }
        words
    }

    fn matches(&self, command: &RolloutCommand) -> Result<ArgMatches, AppError> {
        definition().try_get_matches_from(self.words(command)).map_err(|error| unusable(&error))
    }

    fn job(&self, command: &RolloutCommand) -> Result<Job, AppError> {
        let matches = self.matches(command)?;
        let mut job = match matches.subcommand() {
            Some(("rollout", matches)) => read::<rollout::Args>(matches)?.job()?,
            Some(("revert", matches)) => read::<revert::Args>(matches)?.job_of_pictures()?,
            Some(_) | None => {
                return Err(AppError::new(ErrorKind::Usage, "the console makes rollouts only"));
            }
        };
        if let (Some((name, picture)), Source::Typed { wanted, .. }) =
            (&command.picture, &mut job.source)
            && let PayloadSource::Picture { options, words, .. } = &**wanted
        {
            let (name, picture, options) = (name.clone(), picture.clone(), *options);
            let words = words.clone();
            **wanted = PayloadSource::Uploaded { name, picture, options, words };
        }
        Ok(job)
    }
}

impl ReadRollouts for RolloutReader {
    fn chosen(&self, command: &RolloutCommand) -> Result<Chosen, AppError> {
        let Source::Typed { wanted, target, .. } = self.job(command)?.source else {
            return Err(AppError::new(
                ErrorKind::Usage,
                "an earlier run chooses its phones itself",
            ));
        };
        let options = match *wanted {
            PayloadSource::Uploaded { options, .. } | PayloadSource::ByRules { options, .. } => {
                options
            }
            PayloadSource::Picture { .. }
            | PayloadSource::External(_)
            | PayloadSource::Removal
            | PayloadSource::RingTone { .. }
            | PayloadSource::Proven { .. }
            | PayloadSource::Sound(_)
            | PayloadSource::Keys { .. } => crate::media::Options::default(),
        };
        Ok(Chosen { selector: name_list::selector(&target)?, options })
    }

    fn connection(&self, command: &RolloutCommand) -> Result<ClusterSettings, AppError> {
        let matches = self.matches(command)?;
        match (matches.subcommand(), &command.earlier) {
            (Some(("revert", matches)), Some(run)) => {
                read::<revert::Args>(matches)?.connection_of(run)
            }
            (_, _) => Err(AppError::new(ErrorKind::Usage, "the console reverts runs only")),
        }
    }

    fn command_line(&self, command: &RolloutCommand) -> String {
        let words = self.words(command).into_iter();
        // As people type it.
        let typed = words.flat_map(|word| match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") && !value.starts_with('-') => {
                vec![option.to_owned(), value.to_owned()]
            }
            Some(_) | None => vec![word],
        });
        quoted(&typed.collect::<Vec<_>>())
    }

    fn request(
        &self,
        command: &RolloutCommand,
        interaction: &dyn Interaction,
    ) -> Result<Option<(RolloutRequest, Scope)>, AppError> {
        let job = self.job(command)?;
        let request = rollout_common::request(&job, self.command_line(command), interaction);
        // A reader of the journal cannot move to another thread, and reading waits for the disk anyway.
        Handle::current().block_on(request)
    }
}

fn read<T: FromArgMatches>(matches: &ArgMatches) -> Result<T, AppError> {
    T::from_arg_matches(matches).map_err(|error| unusable(&error))
}

/// Returns what is wrong with the words, without the advice to ask for help on the terminal.
fn unusable(error: &clap::Error) -> AppError {
    let text = error.to_string();
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    let text = text.split("\n\nFor more information").next().unwrap_or_default();
    let text = text.strip_prefix("error: ").unwrap_or(text).trim();
    AppError::new(ErrorKind::Usage, text)
}
