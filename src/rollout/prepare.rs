//! What is read, planned and made ready before a run changes anything, and what is to be confirmed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::connect::cluster::Cluster;
use crate::connect::journal;
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::PushUser;
use crate::domain::plan::Plan;
use crate::error::{AppError, ErrorKind};
use crate::event::{Event, Observer, PhoneResult};
use crate::plan::{after_apply, nothing};
use crate::push::attempt_log::RunBook;
use crate::push::delivery::any::AnyLine;
use crate::push::{Digests, LoginCheck, Target};
use crate::rollout::context::{At, ClusterTask, Seen};
use crate::rollout::payload::OfModel;
use crate::rollout::recently_changed::Fresh;
use crate::rollout::run::Place;
use crate::rollout::{
    assess, delivery, images, offline_wait, payload, push_common, repair, run_record,
    verify_password,
};

/// What is at hand for the push, before anything is changed.
#[derive(Debug)]
pub struct Ready {
    pub(super) line: AnyLine,
    pub(super) book: RunBook,
    pub(super) already: HashMap<DeviceName, PhoneResult>,
    pub(super) password_proven: bool,
    /// The phones that will be pushed to when all changes succeed, also those that are proven already.
    pub(super) expected: HashSet<DeviceName>,
    /// How many of them are not proven already.
    pub(super) phones: usize,
}

/// What a yes is about.
#[derive(Clone, Debug)]
pub struct Intent {
    /// What would be done, in words.
    pub what: String,
    /// How many phones that touches.
    pub touched: usize,
    /// How many phones would be pushed to.
    pub phones: usize,
}

/// What is pushed to whom when all changes succeed.
#[derive(Debug)]
pub struct Expected {
    /// The phones, also those that are proven already.
    pub targets: Vec<Target>,
    /// What they take, also those that are waited for.
    pub models: Vec<OfModel>,
}

impl ClusterTask {
    /// Reads the cluster, judges its phones and plans.
    ///
    /// # Errors
    /// When the cluster or the journal cannot be read, or the repairs contradict what is there.
    pub async fn look(
        &self,
        cluster: &Cluster,
        observer: &Arc<dyn Observer>,
    ) -> Result<Seen, AppError> {
        let Self { request, connection, .. } = self;
        let repairs = self.repairs();
        let inventory =
            assess::survey_with(cluster, connection, &request.selector, &repairs, observer).await?;
        assess::push_user_found(&inventory)?;
        let audit = self.audit(&inventory);
        let plan = match &request.repair {
            Some(repairs) => {
                let owed = repair::owed(&request.journal, connection)?;
                repair::plan(&inventory, &audit, repairs, &owed)?
            }
            None => nothing(&audit),
        };
        let lately = repair::associated_lately(&request.journal, connection, &request.wait)?;
        let fresh = Fresh::of(&plan, &inventory).and(lately);
        Ok(Seen { inventory, audit, plan, fresh })
    }

    /// Returns what is pushed to whom when all changes succeed.
    pub fn expected(&self, seen: &Seen) -> Expected {
        let changes = seen.plan.changes.iter().map(|change| (change, None));
        let meant = self.audit(&after_apply(seen.inventory.clone(), changes));
        let (targets, _) = self.targets(seen, &meant);
        let mut models: Vec<OfModel> = targets.iter().map(payload::of_model).collect();
        if self.request.options.wait_for_offline.is_some() {
            models.extend(offline_wait::takes(self.request.payload.kind(), &meant));
        }
        Expected { targets, models }
    }

    /// Returns those phones that are proven to show it already.
    ///
    /// # Errors
    /// When there is a journal that cannot be read.
    pub fn already_shown(
        &self,
        expected: &[Target],
        digests: &Digests,
    ) -> Result<HashMap<DeviceName, PhoneResult>, AppError> {
        let (request, place) = (&self.request, Place::of(&self.connection));
        push_common::already_shown(&request.journal, &place, &request.options, expected, digests)
    }
}

impl At<'_> {
    fn sending(&self) -> images::Sending<'_> {
        images::Sending {
            way: &self.task.connection.way,
            password: self.task.push_password.clone().unwrap_or_default(),
            push: &self.task.request.options,
            picture_file: &self.task.request.payload_name,
            proof: self.task.request.proof,
            state: &self.task.request.journal,
            recorder: self.recorder,
            interaction: self.interaction,
        }
    }

    /// Says what a password that is changed in mid-run could do to the push user's account, where it could lock it.
    fn logins_at_risk(&self, seen: &Seen, ready: &Ready) -> Option<String> {
        let PushUser::Found { standing, .. } = &seen.inventory.push_user else { return None };
        let most = self.task.connection.way.most_logins().min(ready.phones);
        push_common::logins_at_risk(most, standing.locks_after?)
    }

    /// Reads the cluster, judges its phones and plans; the journal keeps what was seen.
    ///
    /// # Errors
    /// When the cluster or the journal cannot be read, or the repairs contradict what is there.
    pub async fn look(&self) -> Result<Seen, AppError> {
        let seen = self.task.look(self.cluster, self.observer).await?;
        let kept = self.recorder.snapshot("audit", &seen.audit).await;
        kept.map_err(|error| journal::unusable(&error))?;
        Ok(seen)
    }

    /// Makes the pictures, starts the image server, and finds out what can be found out beforehand.
    ///
    /// # Errors
    /// When phones could not be pushed to, or the push user's password is wrong. Nothing is changed then.
    pub async fn prepare(&self, seen: &Seen) -> Result<Ready, AppError> {
        let Self { task, observer, .. } = *self;
        let Expected { targets: expected, models } = task.expected(seen);
        let prepared = task.request.payload.prepare(models, observer.as_ref()).await?;
        run_record::keep_prepared(self.recorder, &prepared).await?;
        let digests = prepared.digests();
        let already = task.already_shown(&expected, &digests)?;
        let password_proven = proven(task, self.cluster, &expected).await?;
        let book = RunBook::new(self.recorder.clone(), digests);
        let toward = images::toward(&task.connection).await;
        let line =
            delivery::line(&self.sending(), toward, &task.request.payload, prepared, observer)?;
        line.check(&expected).map_err(|error| {
            AppError::from_error(ErrorKind::Usage, &error).hint(
                "nothing was changed or sent; use a shorter --advertise or --image-url, or --picture-name",
            )
        })?;
        let phones = expected.len() - already.len();
        let expected = expected.into_iter().map(|target| target.name).collect();
        Ok(Ready { line, book, already, password_proven, expected, phones })
    }

    /// Tells what a person should know before a yes. Returns what the yes is about; nothing where nothing is to be
    /// done.
    pub fn intent(&self, seen: &Seen, ready: &Ready) -> Option<Intent> {
        if ready.phones == 0 && seen.plan.changes.is_empty() {
            return None;
        }
        if let Some(caution) = self.task.request.payload.caution() {
            self.observer.observe(&Event::Remark(caution.to_owned()));
        }
        if let Some(risk) = self.logins_at_risk(seen, ready) {
            self.observer.observe(&Event::Remark(risk));
        }
        if let Some(url) = ready.line.base_url() {
            self.observer.observe(&Event::Remark(format!("phones download from {url}")));
        }
        let touched = seen.plan.phones_touched().max(ready.phones);
        let what = question(self.task, &seen.plan, ready.phones);
        Some(Intent { what, touched, phones: ready.phones })
    }
}

/// Asks the cluster whether the push user's password is right, where phones could not tell for a while.
async fn proven(
    task: &ClusterTask,
    cluster: &Cluster,
    expected: &[Target],
) -> Result<bool, AppError> {
    let doubtful =
        expected.iter().any(|target| target.fresh && target.login_check == LoginCheck::Cluster);
    match &task.push_password {
        Some(password) if doubtful => {
            let user = task.connection.way.need_push_user()?;
            verify_password::is_proven(&cluster.axl, user, password.clone()).await
        }
        Some(_) | None => Ok(false),
    }
}

fn question(task: &ClusterTask, plan: &Plan, phones: usize) -> String {
    let push = task.request.payload.in_words(&task.request.payload_name, phones);
    let place = format!("{} ({})", task.connection.name, task.connection.endpoint);
    if plan.changes.is_empty() {
        format!("This will {push} on {place}")
    } else {
        format!("This will {}, and {push} on {place}", repair::in_words(plan))
    }
}
