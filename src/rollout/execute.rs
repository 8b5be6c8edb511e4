//! Changes the cluster and pushes to its phones, as it was prepared.

use std::collections::HashSet;

use crate::apply::{Applied, Halt};
use crate::domain::audit::Audit;
use crate::domain::device_name::DeviceName;
use crate::domain::payload_kind::ObjectKind;
use crate::error::AppError;
use crate::event::PhoneResult;
use crate::plan::{Kind, after_apply};
use crate::push::policy::logins::Logins;
use crate::push::scheduler::{Settings, Stop, Stopped, waves};
use crate::push::{not_back, not_served, scheduler, skipped};
use crate::rollout::context::{At, Changed, ClusterTask, Seen};
use crate::rollout::prepare::Ready;
use crate::rollout::{offline_wait, push_common, repair, verify_password};

/// What became of every selected phone.
#[derive(Debug)]
pub struct Pushed {
    /// The phones, sorted by name.
    pub phones: Vec<PhoneResult>,
    /// How many are proven to show the picture already.
    pub already: usize,
    /// Why some of them were not done with.
    pub stopped: Option<Stopped>,
}

impl At<'_> {
    /// Makes the guard of the push user's logins, which asks this cluster why phones refuse.
    ///
    /// # Errors
    /// When what to trust cannot be read.
    pub fn logins(&self, seen: &Seen) -> Result<Logins, AppError> {
        let Self { task, cluster, .. } = *self;
        let Some(password) = &task.push_password else { return Ok(Logins::default()) };
        let user = task.connection.way.need_push_user()?;
        let page = seen.inventory.enterprise.authentication_url.as_deref();
        let trust = &task.connection.trust;
        verify_password::logins(&cluster.axl, user, password.clone(), page, trust)
    }

    /// Changes the cluster, and waits for phones that restart for it.
    ///
    /// # Errors
    /// When nothing could be changed. What failed later is in the answer.
    pub async fn change(&self, seen: &Seen, stop: &Stop) -> Result<Changed, AppError> {
        let Self { task, cluster, observer, .. } = *self;
        let applied = if seen.plan.changes.is_empty() {
            Applied::default()
        } else {
            repair::apply(cluster, self.recorder, &seen.plan, Kind::Repair, stop, observer).await?
        };
        let read_back = applied.read_back.iter().map(|(change, list)| (change, list.as_ref()));
        let mut now = after_apply(seen.inventory.clone(), read_back);
        let told = repair::told(&now, &applied);
        let connection = &task.connection;
        let away = repair::wait(
            cluster,
            connection,
            &mut now,
            &told,
            &task.request.wait,
            &stop.soon,
            observer,
        )
        .await;
        Ok(Changed { applied, now, away })
    }

    /// Pushes, and says of every selected phone what became of it.
    pub async fn push(&self, seen: &Seen, ready: Ready, changed: &Changed, stop: &Stop) -> Pushed {
        let Ready { line, book, mut already, password_proven, expected, .. } = ready;
        let after = self.task.audit(&changed.now);
        let (mut targets, _) = self.task.targets(seen, &after);
        let mut held = repair::held_back(&changed.now, &changed.applied.results);
        if let Some(Halt::Refused(why)) = &changed.applied.halt {
            let rest =
                expected.iter().map(|name| (name.clone(), format!("the run ended before: {why}")));
            held = rest.chain(held).collect();
        }
        held.retain(|name, _| expected.contains(name) && !already.contains_key(name));
        targets.retain(|target| !held.contains_key(&target.name));
        // A change that failed can have taken a phone out of reach; only who would be pushed to is left out.
        already.retain(|name, _| targets.iter().any(|target| target.name == *name));
        targets.retain(|target| !already.contains_key(&target.name));
        let settings = Settings { password_proven, ..settings(self.task) };
        let waves = self.task.request.options.waves.clone();
        let observer = self.observer.as_ref();
        let mut pushed = waves::run(&line, &book, targets, &waves, settings, stop, observer).await;
        let late = offline_wait::Push { line: &line, book: &book, settings, stop };
        let after = if matches!(changed.applied.halt, Some(Halt::Refused(_))) {
            after
        } else {
            late.wait(self, seen, changed, after, &mut pushed).await
        };
        line.shutdown().await;
        let waited = self.task.request.wait.restart;
        // Those that came late are among them too.
        let (_, left) = self.task.targets(seen, &after);
        let object = self.task.request.payload.kind();
        let lost = after.phones.iter().filter(|phone| changed.away.contains(phone.name()));
        let lost = lost
            .map(|phone| not_back(object, phone, waited, self.recorder.run()))
            .chain(already.values().cloned());
        let run = self.recorder.run();
        let held = after.phones.iter().filter_map(|phone| {
            let why = held.get(phone.name())?;
            Some(not_served(object, phone, why.clone(), run))
        });
        let lost = held.chain(lost).chain(left);
        let others = not_pushed_to(object, &pushed, lost.collect(), &after);
        push_common::write_down(self.recorder, &others, observer).await;
        let stopped = pushed.stopped.clone();
        Pushed { phones: push_common::all(pushed, others), already: already.len(), stopped }
    }
}

fn settings(task: &ClusterTask) -> Settings {
    let patience = task.request.wait.settle;
    let settings = push_common::settings(&task.connection.way, &task.request.options);
    Settings { patience, proof: task.request.proof, ..settings }
}

/// Returns the results of everybody who was not pushed to: of those that are known, and of all others that
/// were selected.
fn not_pushed_to(
    object: ObjectKind,
    pushed: &scheduler::Pushed,
    known: Vec<PhoneResult>,
    audit: &Audit,
) -> Vec<PhoneResult> {
    let mut done: HashSet<DeviceName> =
        pushed.results.iter().map(|phone| phone.name.clone()).collect();
    let mut phones = known;
    // Who was pushed to all the same has a better result.
    phones.retain(|phone| done.insert(phone.name.clone()));
    phones.extend(
        audit
            .phones
            .iter()
            .filter(|phone| !done.contains(phone.name()))
            .map(|phone| skipped(object, phone)),
    );
    phones
}
