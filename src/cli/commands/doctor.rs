//! `axlpaper doctor`

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::push::PushAccessArgs;
use crate::cli::args::{ConnectionArgs, OutputArgs};
use crate::cli::present::list;
use crate::cli::settings;
use crate::cli::ui::{self, Progress, Terminal};
use crate::config::Layer;
use crate::connect::journal;
use crate::doctor::{self, Check, ChecksDone, Configuration, DoctorBody, DoctorRequest, State};
use crate::domain::text::quoted;
use crate::error::{AppError, Exit};
use crate::event::{Event, Stage};
use crate::report::{Document, printable_lines};

/// Check everything that a rollout needs, and say what to do about what is missing
///
/// Changes nothing on the cluster. The push user's password is tested once, and only when one is given: a
/// wrong one counts as one failed attempt.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    phones: PhoneArgs,
    #[command(flatten)]
    push: PushAccessArgs,
    /// Send a test to every channel of `[notify]` in the config file
    #[arg(long)]
    notify: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command. It fails when a check does.
pub async fn run(args: Args) -> Result<Exit, AppError> {
    list::check_list::<Check>(&args.output)?;
    let connection = args.connection.with_phones(args.phones);
    let progress = Progress::shared();
    progress.observe(&Event::Started { stage: Stage::Checks, total: None });
    let done = ChecksDone::default();
    let request = request(&connection, &args.push, args.notify);
    doctor::run(request, Terminal::shared(false).as_ref(), &done).await;
    let mut checks = done.so_far();
    progress.observe(&Event::Finished { stage: Stage::Checks });
    let exit = doctor::exit_of(&checks);
    if args.output.is_recap() {
        let shown = printable_lines(&shown(&checks, ui::speaks_unicode()));
        list::write(&args.output, &shown)?;
        return Ok(exit);
    }
    list::sort(&args.output.list, &mut checks)?;
    let body = DoctorBody { checks: &checks };
    let json = || Document::new("doctor", Timestamp::now(), None, body);
    list::write(&args.output, &list::list(&args.output, &checks, json)?)?;
    Ok(exit)
}

/// Puts together what is checked; what is wrong with the settings is a check too.
pub fn request(args: &ConnectionArgs, push: &PushAccessArgs, notifies: bool) -> DoctorRequest {
    let configuration =
        settings::settings(args, Some(push)).map(|settings| configuration(args, settings));
    let notify =
        notifies.then(|| settings::file(args).map(|file| file.and_then(|file| file.notify())));
    DoctorRequest { journal: journal::path(args.state.as_deref()), notify, configuration }
}

/// Says where the settings of a cluster are from.
pub fn configuration(
    args: &ConnectionArgs,
    (cluster, settings): (Option<String>, Layer),
) -> Configuration {
    let file = settings::config_path(args).filter(|path| path.exists());
    let file = file.map_or_else(
        || "no config file".to_owned(),
        |path| format!("config file {}", path.display()),
    );
    let name = cluster.as_ref();
    let name = name.map_or_else(String::new, |name| format!(", cluster {}", quoted(name)));
    Configuration { source: format!("{file}{name}"), cluster, settings }
}

/// The checks for a person: a mark and a word each, so that neither colour nor a font decides.
fn shown(checks: &[Check], unicode: bool) -> String {
    let mut text = String::new();
    for check in checks {
        let (mark, plain) = match check.state {
            State::Ok => ("✓", "ok"),
            State::Warning => ("!", "warning"),
            State::Failed => ("✗", "FAILED"),
            State::NotChecked => ("-", "-"),
        };
        let mark = if unicode { format!("{mark} ") } else { String::new() };
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{mark}{plain:<8} {:<19} {}", check.id, check.summary);
        if let Some(remedy) = &check.remedy {
            let _ = writeln!(text, "{:>30} {remedy}", "->");
        }
    }
    text
}
