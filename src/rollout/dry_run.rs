//! What a dry run finds out: the run is prepared as any other, and ends before its question.

use crate::domain::audit::Audit;
use crate::domain::text::pluralize;
use crate::error::{AppError, Exit};
use crate::report::{audit_recap, plan_diff};
use crate::rollout::cluster_task::Assessment;
use crate::rollout::context::PushSetup;
use crate::rollout::request::RolloutRequest;

/// What a run would find and do: on a cluster with its audit, by address with the phones in a report.
#[derive(Debug)]
pub struct DryRun<T> {
    /// What was found.
    pub found: T,
    /// A description for people.
    pub recap: String,
    /// Why the run would be refused now.
    pub refused: Option<AppError>,
    /// The exit code of the run, as far as it is known beforehand.
    pub exit: Exit,
}

/// The sentence at the end of a dry run.
pub(crate) const NOTHING_DONE: &str = "Dry run: nothing was changed or pushed.";

/// Returns the exit code of a run; `is_empty` where it would push to no phone although it was to.
pub(crate) fn exit(is_empty: bool) -> Exit {
    if is_empty { Exit::SomeFailed } else { Exit::Done }
}

/// Describes a run on a cluster that is prepared.
pub(crate) fn of(
    request: &RolloutRequest,
    assessment: Assessment,
    ready: &PushSetup,
    refused: Option<AppError>,
) -> DryRun<Audit> {
    let (phones, already) = (ready.targets.len(), ready.already.len());
    let push = request.payload.describe(&request.payload_name, phones);
    let push = match &request.repair {
        Some(_) => format!(
            "{}\nThen it would {push}",
            plan_diff(&assessment.plan, "axlpaper plan --format csv")
        ),
        None => format!("It would {push}"),
    };
    let already_shown = (already > 0).then(|| {
        format!("Already verified to show it, and skipped: {}.\n", pluralize(already, "phone"))
    });
    let changed = ready.targets.iter().filter(|target| target.recently_changed).count();
    let changed = (changed > 0).then(|| {
        let (phones, seconds) = (pluralize(changed, "phone"), request.wait.settle.as_secs());
        format!(
            "Changed by this run or recently: {phones}, which may refuse the push user for up to {seconds} s.\n"
        )
    });
    let notes: String = [already_shown, changed].into_iter().flatten().collect();
    let recap = format!("{}\n{push}. {NOTHING_DONE}\n{notes}", audit_recap(&assessment.audit));
    let waits = request.options.wait_for_offline.is_some();
    let exit = exit(phones + already == 0 && !waits);
    DryRun { found: assessment.audit, recap, refused, exit }
}
