//! The steps of a rollout that only read.

use std::sync::Arc;
use std::time::Duration;

use crate::connect::cluster::{self, ClusterSettings};
use crate::domain::audit::Audit;
use crate::domain::plan::Plan;
use crate::domain::text::pluralize;
use crate::error::AppError;
use crate::event::Observer;
use crate::interaction::Interaction;
use crate::report::{audit_recap, plan_diff};
use crate::rollout::accounts;
use crate::rollout::cluster_task::ClusterTask;
use crate::rollout::cluster_task::ExpectedTargets;
use crate::rollout::maintenance_window;
use crate::rollout::push_common;
use crate::rollout::request::RolloutRequest;
use crate::rollout::run::RunScope;

/// What a rollout would find and do.
#[derive(Debug)]
pub struct DryRun {
    /// The cluster as it is.
    pub audit: Audit,
    plan: Plan,
    /// What would be done to phones then, for people.
    push: String,
    /// How many phones are left out because they are proven to show it.
    already: usize,
    /// How many phones were or would be changed so recently that they may refuse the push user for a while.
    recently_changed: usize,
    /// For how long they may.
    settle: Duration,
    /// Why the rollout would be refused now.
    refused: Option<String>,
}

/// Finds out what a rollout would do on one cluster.
///
/// # Errors
/// When the cluster or the journal cannot be read, or the payload or the image server cannot be as asked for.
pub async fn assess(
    request: &Arc<RolloutRequest>,
    connection: ClusterSettings,
    interaction: &dyn Interaction,
    observer: &Arc<dyn Observer>,
) -> Result<DryRun, AppError> {
    let request = Arc::clone(request);
    if request.payload.is_served() {
        connection.push_access.image_server.check()?;
    }
    let cluster = cluster::connect(&connection, interaction, observer).await?;
    let task = ClusterTask { request, connection, push_password: None };
    let assessment = task.assess(&cluster, observer).await?;
    let request = &task.request;
    let refused = match assessment.plan.changes.is_empty() {
        true => Ok(()),
        false => accounts::check_writable(&cluster.axl).await,
    };
    let refused = refused
        .and_then(|()| {
            maintenance_window::check(&request.schedule, &assessment.plan, &assessment.inventory)
        })
        .err();
    let ExpectedTargets { mut targets, models } = task.expected(&assessment);
    let prepared = request.payload.prepare(models, observer.as_ref()).await?;
    let scope = RunScope::of(&task.connection);
    let already = push_common::already_shown(request, &scope, &targets, &prepared.digests())?;
    targets.retain(|target| !already.contains_key(&target.name));
    Ok(DryRun {
        push: request.payload.describe(&request.payload_name, targets.len()),
        already: already.len(),
        recently_changed: targets.iter().filter(|target| target.recently_changed).count(),
        settle: request.wait.settle,
        refused: refused.map(|error| error.message().to_owned()),
        audit: assessment.audit,
        plan: assessment.plan,
    })
}

impl DryRun {
    /// Describes it for people.
    pub fn recap(&self) -> String {
        let already = (self.already > 0).then(|| {
            format!(
                "Already verified to show it, and skipped: {}.\n",
                pluralize(self.already, "phone")
            )
        });
        let changed = (self.recently_changed > 0).then(|| {
            let (phones, seconds) = (pluralize(self.recently_changed, "phone"), self.settle.as_secs());
            format!(
                "Changed by this run or recently: {phones}, which may refuse the push user for up to {seconds} s.\n"
            )
        });
        let refused = self.refused.as_ref().map(|why| format!("It would be refused now: {why}.\n"));
        let notes: String = [already, changed, refused].into_iter().flatten().collect();
        format!(
            "{}\n{}\nThen it would {}. Dry run: nothing was changed or pushed.\n{notes}",
            audit_recap(&self.audit),
            plan_diff(&self.plan, "axlpaper plan --format csv"),
            self.push,
        )
    }
}
