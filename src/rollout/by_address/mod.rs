//! A push to addresses: no cluster is asked, and no account for it is needed.

pub mod identify;

use std::sync::Arc;
use std::time::Duration;

use futures::future::FutureExt as _;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::error::AppError;
use crate::event::{Event, Observer, Outcome, PhoneResult};
use crate::interaction::Interaction;
use crate::journal::RunEnd;
use crate::phone::PhoneClient;
use crate::push::attempt_log::JournalAttemptLog;
use crate::push::scheduler::waves::{self, WaveSettings};
use crate::push::scheduler::{PushSettings, StopReason, StopSignals};
use crate::push::{Delivery, Digests, Target, planned};
use crate::report::{RunReport, planned_recap};
use crate::rollout::by_address::identify::{Identification, ask, is_address, sort_out};
use crate::rollout::context::Confirmation;
use crate::rollout::control::RolloutHandle;
use crate::rollout::dry_run::{self, DryRun, NOTHING_DONE};
use crate::rollout::payload::ModelFormat;
use crate::rollout::payload::delivery_context::DeliveryContext;
use crate::rollout::push_common::EarlierRuns;
use crate::rollout::request::{Addresses, RolloutRequest};
use crate::rollout::result::exit_of;
use crate::rollout::run::{Run, RunInfo, RunScope};
use crate::rollout::{accounts, push_common, run_record};

/// A rollout's part at addresses.
#[derive(Debug)]
pub struct AddressTask {
    /// What is asked for.
    pub request: Arc<RolloutRequest>,
    /// Which phones.
    pub addresses: Addresses,
    /// The push user's password.
    pub push_password: SecretString,
    /// Whether the run is only prepared, and writes nothing.
    pub dry_run: bool,
}

/// A run that knows which phones answer, and is ready to push to them.
pub struct PreparedAddresses {
    task: AddressTask,
    run: Run,
    observer: Arc<dyn Observer>,
    ready: Box<AddressPushSetup>,
}

/// What is at hand for the push.
struct AddressPushSetup {
    delivery: Box<dyn Delivery>,
    log: JournalAttemptLog,
    digests: Digests,
    targets: Vec<Target>,
    /// Phones that are not pushed to.
    others: Vec<PhoneResult>,
}

impl AddressTask {
    /// Begins a run in the journal. Nothing has been sent anywhere yet.
    ///
    /// # Errors
    /// When the journal cannot be written, or another run pushes to addresses.
    pub async fn begin(&self, interaction: &Arc<dyn Interaction>) -> Result<Run, AppError> {
        let request = &self.request;
        let what = RunInfo {
            command: request.command,
            place: RunScope::addresses(),
            continues: None,
            reverts: request.reverts,
            command_line: request.command_line.clone(),
            on_behalf_of: request.on_behalf_of.clone(),
            dry_run: self.dry_run,
        };
        Run::begin(&request.journal, what, interaction).await
    }

    async fn ready(
        &self,
        run: &Run,
        observer: &Arc<dyn Observer>,
    ) -> Result<AddressPushSetup, AppError> {
        let (request, recorder) = (&self.request, run.recorder());
        let payload = &request.payload;
        accounts::check_push_user_by_address(&self.addresses.push_access, observer)?;
        run_record::keep_subject(recorder, payload.action(), &request.payload_name, false).await?;
        let (targets, mut others) = self.identified(observer.as_ref()).await;
        let nat = &self.addresses.push_access.nat;
        let targets = targets.into_iter().map(|target| target.behind(nat)).collect();
        let (mut targets, left) = payload.partition_targets(targets);
        others.extend(left);
        push_common::remark_left_out(&others, observer.as_ref());
        let models = targets.iter().map(ModelFormat::from).collect();
        let prepared = payload.prepare(models, observer.as_ref()).await?;
        let saved = prepared.save_summary(recorder, &request.payload_name).await;
        saved?;
        let digests = prepared.digests();
        let earlier = EarlierRuns::read(request, &RunScope::addresses())?;
        let mut already = earlier.already_shown(request.options.force, &targets, &digests);
        // Another phone can have a bare address since the proof.
        already.retain(|name, _| !is_address(name));
        targets.retain(|target| !already.contains_key(&target.name));
        others.extend(already.into_values());
        let mut shown_before = earlier.into_shown_before();
        shown_before.retain(|name, _| !is_address(name));
        let log = JournalAttemptLog::new(recorder.clone(), digests.clone(), shown_before);
        let context = DeliveryContext {
            push_access: &self.addresses.push_access,
            password: self.push_password.clone(),
            options: &request.options,
            file: &request.payload_name,
            proof: request.proof,
            journal: &request.journal,
            recorder,
            interaction: run.interaction().as_ref(),
            phone_side_ip: self.addresses.phone_side_ip(),
            observer,
        };
        let delivery = prepared.deliver(&context).await?;
        let checked = delivery.check(&targets);
        checked.map_err(|error| push_common::too_long(error, payload.action()))?;
        Ok(AddressPushSetup { delivery, log, digests, targets, others })
    }

    /// Asks phones what is not known of them. Returns those that are pushed to, and those that are not.
    async fn identified(&self, observer: &dyn Observer) -> (Vec<Target>, Vec<PhoneResult>) {
        let Addresses { push_access, entries } = &self.addresses;
        let (options, kind) = (&self.request.options, self.request.payload.kind());
        // This client has no password to send.
        let phones = PhoneClient::anonymous(push_access.phone_port, IDENTIFY);
        let asking = Identification {
            https: push_access.phone_tls.https.as_ref(),
            at_once: push_access.concurrency,
            attempts: options.attempts,
            delay: options.retry_delay,
        };
        let asked = ask(kind, entries, &phones, asking, observer).await;
        sort_out(kind, asked, options.identity_check)
    }
}

impl PreparedAddresses {
    /// Identifies the phones and makes everything ready. No phone gets the password.
    ///
    /// # Errors
    /// When any of that cannot be done. The journal has the end of the run then.
    pub async fn prepare(
        task: AddressTask,
        run: Run,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, AppError> {
        let observer = run.journal_observer(observer);
        let ready = task.ready(&run, &observer).boxed().await;
        match ready {
            Ok(ready) => Ok(Self { task, run, observer, ready: Box::new(ready) }),
            Err(error) => Err(run.fail(error).await),
        }
    }

    /// Returns the run in the journal.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Returns what is to be confirmed; nothing where no phone is pushed to.
    pub fn intent(&self) -> Option<Confirmation> {
        let (request, ready) = (&self.task.request, &self.ready);
        let phones = ready.targets.len();
        if phones == 0 {
            return None;
        }
        if let Some(caution) = request.payload.warning() {
            self.observer.observe(&Event::Remark(caution.to_owned()));
        }
        if let Some(url) = ready.delivery.base_url() {
            self.observer.observe(&Event::Remark(format!("phones download from {url}")));
        }
        let action = request.payload.describe(&request.payload_name, phones);
        Some(Confirmation {
            what: format!("This will {action} by address"),
            touched: phones,
            phones,
        })
    }

    /// Returns the phones that are pushed to, in lines for people.
    pub fn outline(&self) -> String {
        let AddressTask { request, addresses, .. } = &self.task;
        push_common::outline(&self.ready.targets, &addresses.push_access, &request.options)
    }

    /// Returns what the run would do. Its image server ends with it.
    pub fn dry_run(self) -> DryRun<RunReport> {
        let Self { task, run, ready, .. } = self;
        let AddressPushSetup { targets, others, .. } = *ready;
        let phones = targets.len();
        let already = others.iter().filter(|phone| phone.outcome == Outcome::Already).count();
        let mut results: Vec<PhoneResult> = targets.iter().map(planned).chain(others).collect();
        results.sort_by(|a, b| a.name.cmp(&b.name));
        let request = &task.request;
        let mut report =
            run.report().report(request.payload.action(), &request.payload_name, false);
        (report.run.id, report.phones) = (0, results);
        let recap = format!(
            "{}\nBy address, it would {}. {NOTHING_DONE}\n",
            planned_recap(&report.phones),
            request.payload.describe(&request.payload_name, phones),
        );
        let failed = report
            .phones
            .iter()
            .any(|phone| phone.is_failure() && phone.outcome != Outcome::Pending);
        let exit = dry_run::exit(failed || phones + already == 0);
        DryRun { found: report, recap, refused: run.refusal(), exit }
    }

    /// Ends the run without having pushed anything.
    pub async fn abandon(self, why: AppError) -> AppError {
        self.run.fail(why).await
    }

    /// Pushes; all of it is in the journal afterwards.
    ///
    /// # Errors
    /// When nothing could be pushed. What failed later is in the result.
    pub async fn execute(self, handle: &RolloutHandle) -> Result<RunReport, AppError> {
        let Self { task, run, observer, ready } = self;
        let request = &task.request;
        let AddressPushSetup { delivery, log, digests, targets, others } = *ready;
        push_common::write_down(run.recorder(), &others, observer.as_ref()).await;
        let stop = StopSignals { schedule: request.schedule.clone(), ..run.stop_signals(handle) };
        // A run that ends while it waits goes on with a signal to stop, so that each phone gets its result.
        drop(stop.start(observer.as_ref()).await);
        let settings = push_common::settings(&task.addresses.push_access, &request.options);
        let settings = PushSettings { proof: request.proof, ..settings };
        let settings =
            WaveSettings { waves: &request.options.waves, push: settings, soak_check: None };
        let pushed =
            waves::run(&*delivery, &log, targets, settings, &stop, observer.as_ref()).await;
        delivery.shutdown().await;
        let stopped = pushed.stopped.clone();
        let phones = push_common::all(pushed, others);
        let coverage = push_common::coverage(request, &RunScope::addresses(), &phones, &digests);
        let ending = RunEnd {
            stopped: stopped.as_ref().map(StopReason::describe),
            coverage,
            interrupted: stopped == Some(StopReason::Interrupted),
            refused: matches!(stopped, Some(StopReason::PasswordRefused { .. })),
            no_downloads: matches!(stopped, Some(StopReason::NoDownloads { .. })),
            finished_at: Some(Timestamp::now()),
            ..RunEnd::default()
        };
        let rollout = Ok(RunReport {
            ending: Some(ending),
            phones,
            ..run.report().report(request.payload.action(), &request.payload_name, false)
        });
        run_record::keep_ending(&run, &rollout).await;
        run.end(rollout, exit_of).await
    }
}

/// How long a phone may take to say who it is.
const IDENTIFY: Duration = Duration::from_secs(5);
