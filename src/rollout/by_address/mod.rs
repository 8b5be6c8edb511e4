//! A push to addresses that somebody types: no cluster is asked, and no account for it is needed.

mod identify;
mod list;

use crate::connect::journal;
use std::collections::HashSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::cli::args::{ConnectionArgs, OutputArgs, PushArgs, TargetArgs};
use crate::cli::interrupt;
use crate::cli::present::run_result;
use crate::cli::ui;
use crate::cli::ui::Progress;
use crate::connect::push_access::Way;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::{Event, Observer, PhoneResult, Proof};
use crate::journal::{Ending, Recorder};
use crate::phone::PhoneClient;
use crate::push::attempt_log::RunBook;
use crate::push::scheduler::schedule::Schedule;
use crate::push::scheduler::waves;
use crate::push::scheduler::{Settings, Stop, Stopped};
use crate::push::{Digests, Target};
use crate::report::{RunReport, RunReportBuilder};
use crate::rollout::by_address::identify::{Asking, ask, sort_out};
pub use crate::rollout::by_address::list::parse as parse_list;
use crate::rollout::by_address::list::{Entry, entries};
use crate::rollout::payload::{Goods, Wanted};
use crate::rollout::run::{Place, Run, What};
use crate::rollout::{delivery, images, maintenance_window, payload, push_common, run_record};

/// Which addresses.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Without a cluster")]
pub struct AddressArgs {
    /// Push to the phone at this address, and ask no cluster; repeatable. --model is the model of these phones
    /// then; without it they are asked, as they are for their names
    #[arg(long, value_name = "IP", value_parser = list::address, conflicts_with_all = CLUSTER)]
    pub address: Vec<IpAddr>,
    /// Push to the addresses of a file, and ask no cluster: CSV with the columns `address`, `model` and `name`,
    /// of which only the first has to be there, or a line `ADDRESS MODEL` for each; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = CLUSTER)]
    pub addresses_from: Vec<PathBuf>,
}

/// Options that are about a cluster or about choosing from its phones. `--model` is about both.
const CLUSTER: [&str; 26] = [
    "cluster",
    "all_clusters",
    "host",
    "username",
    "password_file",
    "password_stdin",
    "ca_file",
    "pin_sha256",
    "insecure",
    "axl_version",
    "ris_host",
    "registration_source",
    "ris_rate",
    "timeout",
    "push_user_kind",
    "device_pool",
    "profile",
    "location",
    "owner",
    "device",
    "subnet",
    "devices_from",
    "exclude_device",
    "exclude_model",
    "exclude_device_pool",
    "limit",
];

impl AddressArgs {
    /// Tells whether addresses are typed, so that no cluster is asked.
    pub fn any(&self) -> bool {
        !self.address.is_empty() || !self.addresses_from.is_empty()
    }
}

/// What a push to addresses is asked to do, as typed.
#[derive(Debug)]
pub struct Job {
    /// The command.
    pub command: &'static str,
    /// What is pushed.
    pub wanted: Wanted,
    /// Which addresses.
    pub addresses: AddressArgs,
    /// The options that choose phones of a cluster, of which only the model counts here.
    pub target: TargetArgs,
    /// The push user, the config file and the journal.
    pub connection: ConnectionArgs,
    /// How to push.
    pub push: PushArgs,
    /// How to answer.
    pub output: OutputArgs,
    /// Whether to go on without asking.
    pub yes: bool,
}

/// What a run is made of, once everything typed has been understood.
struct Work<'a> {
    way: &'a Way,
    entries: Vec<Entry>,
    goods: Goods,
    picture_file: String,
    proof: Proof,
    push: &'a PushArgs,
    password: SecretString,
    yes: bool,
    state: PathBuf,
    schedule: Schedule,
}

/// Runs `push`, `ringtone`, `play` or `keys` for addresses, from what was typed to its exit code.
///
/// # Errors
/// When nothing can be done at all; what fails on the way is in the answer.
pub async fn run(job: Job) -> Result<Exit, AppError> {
    let way = Way::without_cluster(&job.connection, &job.push)?;
    way.need_push_user()?;
    let entries = entries(&job.addresses, &job.target.model)?;
    let state = journal::path(job.connection.state.as_deref())?;
    let (goods, picture_file) = job.wanted.read()?;
    let proof = goods.proof(job.push.verify.map(Proof::from))?;
    run_result::check(&job.output, job.push.report.as_deref())?;
    let work = Work {
        password: way.push_password()?,
        way: &way,
        entries,
        goods,
        picture_file,
        proof,
        push: &job.push,
        yes: job.yes,
        state,
        schedule: maintenance_window::schedule(&job.connection, &job.push)?,
    };
    let what =
        What { command: job.command, place: Place::addresses(), continues: None, reverts: None };
    let run = Run::begin(&work.state, what).await?;
    let observer = run.noting(Progress::shared());
    let rollout = carry_out(&work, run.recorder(), &observer, run.report()).await;
    run_record::keep_ending(run.recorder(), &rollout).await;
    let next = run.end(rollout.as_ref(), run_result::exit_of).await;
    let rollout = rollout.map_err(|error| error.go_on(next))?;
    Ok(run_result::tell(&rollout, &work.state, &job.output, job.push.report.as_deref()))
}

async fn carry_out(
    work: &Work<'_>,
    recorder: &Recorder,
    observer: &Arc<dyn Observer>,
    report: &RunReportBuilder,
) -> Result<RunReport, AppError> {
    run_record::keep_subject(recorder, work.goods.deed(), &work.picture_file).await?;
    let (targets, mut others) = who_is_there(work, observer.as_ref()).await?;
    let targets = targets.into_iter().map(|target| target.behind(&work.way.nat)).collect();
    let (mut targets, left) = work.goods.sort(targets);
    others.extend(left);
    let models = targets.iter().map(payload::of_model).collect();
    let prepared = work.goods.prepare(models, observer.as_ref()).await?;
    run_record::keep_prepared(recorder, &prepared).await?;
    let digests = prepared.digests();
    let already = already_shown(work, &targets, &digests)?;
    let shown: HashSet<_> = already.iter().map(|phone| phone.name.clone()).collect();
    targets.retain(|target| !shown.contains(&target.name));
    let book = RunBook::new(recorder.clone(), digests);
    let sending = sending(work, recorder);
    let line = delivery::line(&sending, toward(&work.entries), &work.goods, prepared, observer)?;
    line.check(&targets).map_err(|error| {
        AppError::from_error(ErrorKind::Usage, &error)
            .hint("nothing was sent; use a shorter --advertise or --image-url, or --picture-name")
    })?;
    if !targets.is_empty() {
        if let Some(caution) = work.goods.caution() {
            observer.observe(&Event::Remark(caution.to_owned()));
        }
        if let Some(url) = line.base_url() {
            observer.observe(&Event::Remark(format!("phones download from {url}")));
        }
        let deed = work.goods.in_words(&work.picture_file, targets.len());
        let question = format!("This will {deed} by address");
        ui::confirm(&question, targets.len(), work.yes)?;
    }
    // From here on phones are changed, so an interrupt must not cut anything short.
    let stop = Stop { schedule: work.schedule.clone(), ..Stop::default() };
    let on_interrupt = interrupt::watch(&stop);
    let settings = Settings { proof: work.proof, ..push_common::settings(work.way, work.push) };
    let waves = work.push.waves();
    let pushed =
        waves::run(&line, &book, targets, &waves, settings, &stop, observer.as_ref()).await;
    drop(on_interrupt);
    line.shutdown().await;
    others.extend(already);
    push_common::write_down(recorder, &others, observer.as_ref()).await;
    let ending = Ending {
        stopped: pushed.stopped.as_ref().map(Stopped::told),
        already: shown.len(),
        interrupted: pushed.stopped == Some(Stopped::Interrupted),
        refused: matches!(pushed.stopped, Some(Stopped::PasswordRefused { .. })),
        finished_at: Some(Timestamp::now()),
        ..Ending::default()
    };
    Ok(RunReport {
        ending: Some(ending),
        phones: push_common::all(pushed, others),
        ..report.report(work.goods.deed(), &work.picture_file)
    })
}

/// Asks phones what is not known of them. Returns those that are pushed to, and those that are not.
async fn who_is_there(
    work: &Work<'_>,
    observer: &dyn Observer,
) -> Result<(Vec<Target>, Vec<PhoneResult>), AppError> {
    // The password is not even at hand here.
    let phones = PhoneClient::anonymous(work.way.phone_port, WHO_ARE_YOU);
    let asking = Asking {
        https: work.way.phone_tls.https.as_ref(),
        at_once: work.way.concurrency,
        attempts: work.push.attempts,
        delay: Duration::from_secs(work.push.retry_delay),
    };
    let asked = ask(work.goods.kind(), &work.entries, &phones, asking, observer).await;
    Ok(sort_out(work.goods.kind(), asked, !work.push.no_identity_check))
}

/// Returns the phones that are proven to show the picture. Who is known only by an address is not among
/// them: another phone can have got that address since.
fn already_shown(
    work: &Work<'_>,
    targets: &[Target],
    digests: &Digests,
) -> Result<Vec<PhoneResult>, AppError> {
    let place = Place::addresses();
    let shown = push_common::already_shown(&work.state, &place, work.push, targets, digests)?;
    Ok(shown.into_values().filter(|phone| !list::is_address(&phone.name)).collect())
}

fn sending<'a>(work: &'a Work<'_>, recorder: &'a Recorder) -> images::Sending<'a> {
    images::Sending {
        way: work.way,
        password: work.password.clone(),
        push: work.push,
        picture_file: &work.picture_file,
        proof: work.proof,
        state: &work.state,
        recorder,
    }
}

/// The address that the image server faces: any phone's, but only where there is no other one of this machine.
fn toward(entries: &[Entry]) -> Option<IpAddr> {
    let mut addresses = entries.iter().map(|entry| entry.address);
    let first = addresses.clone().next();
    addresses.find(|address| !address.is_loopback()).or(first)
}

/// How long a phone may take to say who it is.
const WHO_ARE_YOU: Duration = Duration::from_secs(5);
