//! The stages that only read.

use std::path::Path;

use jiff::Timestamp;

use super::args::OutputArgs;
use super::error::{CliError, Exit};
use super::fresh::Fresh;
use super::open::{self, Connection};
use super::subject::Subject;
use super::ui::{self, Progress};
use super::{output, pipeline, repair, state};
use crate::audit::audit;
use crate::domain::inventory::Inventory;
use crate::domain::object::ObjectKind;
use crate::domain::repair::Repairs;
use crate::plan::after_apply;
use crate::report::{audit_recap, plan_diff};

/// Shows what `rollout` would do, and does none of it.
///
/// # Errors
/// When the cluster cannot be read, or the answer cannot be written.
pub async fn run(
    connection: &Connection,
    subject: &Subject,
    state: &Path,
    args: &OutputArgs,
) -> Result<Exit, CliError> {
    let observer = &Progress::shared();
    let cluster = open::connect(connection, observer).await?;
    let repairs =
        Repairs { https: connection.may_use_https(), ..subject.repair.clone().unwrap_or_default() };
    let inventory =
        pipeline::survey_with(&cluster, connection, &subject.selector, &repairs, observer).await?;
    pipeline::push_user_found(&inventory)?;
    let judge = |inventory: &Inventory| subject.goods.narrow(audit(inventory, &repairs));
    let audit_before = judge(&inventory);
    let owed = state::owed(state, connection)?;
    let plan = repair::plan(&inventory, &audit_before, &repairs, &owed)?;
    let meant = after_apply(inventory.clone(), plan.changes.iter().map(|change| (change, None)));
    let targets = Fresh::default().targets(ObjectKind::Background, &inventory, &judge(&meant));
    let ready = subject.goods.sort(targets).0.len();
    let mut audit_before = audit_before;
    output::sort(&args.list, &mut audit_before.phones)?;
    let recap = format!(
        "{}\n{}\nThen it would {}. Dry run: nothing was changed or pushed.\n",
        audit_recap(&audit_before),
        plan_diff(&plan),
        subject.goods.in_words(&subject.file, ready),
    );
    if args.is_recap() {
        output::write(args, &recap)?;
    } else {
        ui::say(&recap);
        let json = || crate::report::audit_json(&audit_before, Timestamp::now());
        output::write(args, &output::list(args, &audit_before.phones, json)?)?;
    }
    Ok(Exit::Done)
}
