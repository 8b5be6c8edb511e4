//! What a prepared job found and would do, as its page shows it.

use crate::domain::plan::Plan;
use crate::domain::text::{MOST_LINES, grouped, limit_lines, pluralize, printable};
use crate::error::{AppError, ErrorKind};
use crate::journal::RunId;
use crate::report::{audit_panel, plan_diff};
use crate::rollout::multi_cluster::{ClusterResult, PreparedRollout};
use crate::rollout::review::Review;

/// What was found on one cluster.
#[derive(Clone, Debug)]
pub(crate) struct ClusterReview {
    pub(crate) cluster: String,
    pub(crate) run: Option<RunId>,
    /// Why nothing is done there.
    pub(crate) error: Option<AppError>,
    /// The verdicts and the findings, as HTML.
    pub(crate) audit: String,
    /// The changes, a line each; empty where nothing is changed.
    pub(crate) plan: Vec<String>,
    /// Who is pushed to, in sentences.
    pub(crate) push: Vec<String>,
}

/// Describes what every cluster is about.
///
/// # Errors
/// When memory runs out.
pub(super) fn describe(prepared: &PreparedRollout) -> Result<Vec<ClusterReview>, AppError> {
    prepared.reviews().into_iter().map(of_cluster).collect()
}

fn of_cluster(
    ClusterResult { name, run, result }: ClusterResult<Option<Review<'_>>>,
) -> Result<ClusterReview, AppError> {
    let empty = empty(&name, run);
    let review = match result {
        Ok(Some(review)) => review,
        Ok(None) => return Ok(empty),
        Err(error) => return Ok(ClusterReview { error: Some(error), ..empty }),
    };
    let audit = audit_panel(review.audit)
        .map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
    let plan = diff(review.plan);
    Ok(ClusterReview { audit, plan, push: push(&review), ..empty })
}

/// Describes what is taken back; `left` is what is not, and why.
pub(super) fn of_revert(
    cluster: &str,
    run: Option<RunId>,
    plan: &Plan,
    left: Vec<String>,
) -> ClusterReview {
    let left = limit_lines(left, MOST_LINES, "axlpaper revert RUN --dry-run --json");
    let push = left.iter().map(|line| format!("Left alone: {}", printable(line)));
    ClusterReview { plan: diff(plan), push: push.collect(), ..empty(cluster, run) }
}

fn empty(cluster: &str, run: Option<RunId>) -> ClusterReview {
    ClusterReview {
        cluster: printable(cluster).into_owned(),
        run,
        error: None,
        audit: String::new(),
        plan: Vec::new(),
        push: Vec::new(),
    }
}

fn diff(plan: &Plan) -> Vec<String> {
    if plan.changes.is_empty() {
        return Vec::new();
    }
    let diff = plan_diff(plan, "axlpaper plan --format csv");
    diff.trim_end().lines().map(|line| printable(line).into_owned()).collect()
}

fn push(review: &Review<'_>) -> Vec<String> {
    let all = review.audit.phones.len();
    let mut lines = vec![format!(
        "{} of {} would be pushed to.",
        grouped(review.phones),
        pluralize(all, "phone")
    )];
    let mut add = |count: usize, text: &str| {
        if count > 0 {
            lines.push(format!("{}: {text}", pluralize(count, "phone")));
        }
    };
    add(review.already, "skipped, because they are verified to show the picture already.");
    add(
        review.recently_changed,
        "changed by this run or recently; they may refuse the push user for a while.",
    );
    add(review.waited_for, "offline; they are pushed to when they come back in time.");
    lines
}
