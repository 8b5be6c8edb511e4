//! Who may do what with the rollouts of a console.

use crate::console::jobs::job::Job;
use crate::console::sessions::{SessionUser, is_same_user};
use crate::console::shared::Shared;
use crate::domain::console_role::ConsoleRole;

/// Tells whether a user may make rollouts.
pub(crate) fn may_make(user: &SessionUser) -> bool {
    user.role >= ConsoleRole::Operator
}

/// Tells whether a user may confirm a rollout: an approver every one, and an operator an own one. With four eyes only an
/// approver who has not made it.
pub(crate) fn may_confirm(shared: &Shared, user: &SessionUser, job: &Job) -> bool {
    let (is_own, is_approver) =
        (is_same_user(&user.name, &job.by), user.role >= ConsoleRole::Approver);
    if shared.settings.users.four_eyes {
        return is_approver && !is_own;
    }
    is_approver || (is_own && may_make(user))
}

/// Tells whether a user may discard a rollout that was not confirmed.
pub(crate) fn may_discard(user: &SessionUser, job: &Job) -> bool {
    user.role >= ConsoleRole::Approver || is_same_user(&user.name, &job.by)
}
