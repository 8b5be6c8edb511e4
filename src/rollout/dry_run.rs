//! The stages that only read.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::audit::audit;
use crate::cli::args::OutputArgs;
use crate::cli::present::list;
use crate::cli::ui;
use crate::cli::ui::Progress;
use crate::connect::cluster;
use crate::connect::cluster::Connection;
use crate::domain::audit::Audit;
use crate::domain::inventory::Inventory;
use crate::domain::payload_kind::ObjectKind;
use crate::domain::plan::Plan;
use crate::domain::repair_policy::Repairs;
use crate::error::{AppError, Exit};
use crate::event::Observer;
use crate::plan::after_apply;
use crate::report::{audit_json, audit_recap, plan_diff};
use crate::rollout;
use crate::rollout::recently_changed::Fresh;
use crate::rollout::repair;
use crate::rollout::resume::Subject;

/// What `rollout` would find and do.
#[derive(Debug)]
pub struct Found {
    /// The cluster as it is.
    pub audit: Audit,
    plan: Plan,
    /// What would be done to phones then, in words.
    deed: String,
}

/// Shows what `rollout` would do, and does none of it.
///
/// # Errors
/// When the cluster cannot be read, or the answer cannot be written.
pub async fn run(
    connection: &Connection,
    subject: &Subject,
    state: &Path,
    args: &OutputArgs,
) -> Result<Exit, AppError> {
    let mut found = look(connection, subject, state, &Progress::shared()).await?;
    list::sort(&args.list, &mut found.audit.phones)?;
    let recap = found.recap();
    if args.is_recap() {
        list::write(args, &recap)?;
    } else {
        ui::say(&recap);
        let json = || audit_json(&found.audit, Timestamp::now());
        list::write(args, &list::list(args, &found.audit.phones, json)?)?;
    }
    Ok(Exit::Done)
}

/// Finds out what `rollout` would do.
///
/// # Errors
/// When the cluster cannot be read.
pub async fn look(
    connection: &Connection,
    subject: &Subject,
    state: &Path,
    observer: &Arc<dyn Observer>,
) -> Result<Found, AppError> {
    let cluster = cluster::connect(connection, observer).await?;
    let repairs =
        Repairs { https: connection.may_use_https(), ..subject.repair.clone().unwrap_or_default() };
    let inventory =
        rollout::survey_with(&cluster, connection, &subject.selector, &repairs, observer).await?;
    rollout::push_user_found(&inventory)?;
    let judge = |inventory: &Inventory| subject.goods.narrow(audit(inventory, &repairs));
    let before = judge(&inventory);
    let owed = repair::owed(state, connection)?;
    let plan = repair::plan(&inventory, &before, &repairs, &owed)?;
    let meant = after_apply(inventory.clone(), plan.changes.iter().map(|change| (change, None)));
    let targets = Fresh::default().targets(ObjectKind::Background, &inventory, &judge(&meant));
    let ready = subject.goods.sort(targets).0.len();
    Ok(Found { audit: before, plan, deed: subject.goods.in_words(&subject.file, ready) })
}

impl Found {
    /// Says it.
    pub fn recap(&self) -> String {
        format!(
            "{}\n{}\nThen it would {}. Dry run: nothing was changed or pushed.\n",
            audit_recap(&self.audit),
            plan_diff(&self.plan),
            self.deed,
        )
    }
}
