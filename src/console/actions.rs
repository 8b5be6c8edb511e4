//! Requests that control runs and watches, in the name of the user of the session.

use std::sync::Arc;

use axum::extract::{Extension, Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use crate::console::login::FOREIGN_FORM;
use crate::console::pages::problem::Problem;
use crate::console::sessions::{MARK, SessionUser, is_same_secret, is_same_user};
use crate::console::shared::Shared;
use crate::domain::console_role::ConsoleRole;
use crate::domain::control::ControlAction;
use crate::journal::{LockOwner, RunId, RunRef};
use crate::rollout::control_requests::request;
use crate::watch::control::approve;

#[derive(Deserialize)]
pub(crate) struct RunForm {
    token: String,
}

#[derive(Deserialize)]
pub(crate) struct WatchForm {
    token: String,
    cluster: String,
}

/// Pauses, continues or aborts a run, or approves the wave that waits.
pub(crate) async fn control_run(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path((run, action)): Path<(RunId, String)>,
    headers: HeaderMap,
    Form(RunForm { token }): Form<RunForm>,
) -> Response {
    let Ok(action) = action.parse::<ControlAction>() else {
        return Problem::not_found().answer(Some(&user), &headers);
    };
    let began_by = match shared.journal.run(run).await {
        Ok(Some(view)) => view.run.os_user.clone(),
        Ok(None) => return Problem::not_found().answer(Some(&user), &headers),
        Err(error) => return Problem::of(&error).answer(Some(&user), &headers),
    };
    if let Some(problem) = refused(&shared, &user, &token, action, &began_by) {
        return problem.answer(Some(&user), &headers);
    }
    let journal = &shared.settings.journal;
    let done = request(journal, RunRef::Number(run), action, owner(&user)).await;
    shared.journal.forget();
    match done {
        Ok(request) => {
            tracing::info!(run, %action, user = user.name, "a run was controlled");
            let result = request.result.map(|result| result.as_str()).unwrap_or_default();
            Redirect::to(&format!("/runs/{run}?did={action}&result={result}")).into_response()
        }
        Err(error) => Problem::of(&error).answer(Some(&user), &headers),
    }
}

/// Lets the phones go on that a watch holds.
pub(crate) async fn approve_watch(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    headers: HeaderMap,
    Form(WatchForm { token, cluster }): Form<WatchForm>,
) -> Response {
    let name = cluster.clone();
    let watches = shared.journal.read(|history| {
        Ok(history.map(|history| history.watches()).transpose()?.unwrap_or_default())
    });
    let began_by = match watches.await {
        Ok(watches) => {
            let watch = watches.into_iter().find(|watch| watch.cluster.eq_ignore_ascii_case(&name));
            watch.map(|watch| watch.os_user).unwrap_or_default()
        }
        Err(error) => return Problem::of(&error).answer(Some(&user), &headers),
    };
    if let Some(problem) = refused(&shared, &user, &token, ControlAction::Approve, &began_by) {
        return problem.answer(Some(&user), &headers);
    }
    let done = approve(&shared.settings.journal, Some(&cluster), &owner(&user)).await;
    shared.journal.forget();
    match done {
        Ok(_) => {
            tracing::info!(cluster, user = user.name, "what waited in a watch was approved");
            Redirect::to("/?did=approve").into_response()
        }
        Err(error) => Problem::of(&error).answer(Some(&user), &headers),
    }
}

/// Tells whether a user may do something with what another one began.
pub(crate) fn may(
    shared: &Shared,
    user: &SessionUser,
    action: ControlAction,
    began_by: &str,
) -> bool {
    let needed = match action {
        ControlAction::Approve => ConsoleRole::Approver,
        ControlAction::Pause | ControlAction::Continue | ControlAction::Abort => {
            ConsoleRole::Operator
        }
    };
    user.role >= needed && !(action == ControlAction::Approve && is_own(shared, user, began_by))
}

/// Tells whether the rule of four eyes keeps a user from an approval.
fn is_own(shared: &Shared, user: &SessionUser, began_by: &str) -> bool {
    shared.settings.users.four_eyes && is_same_user(&user.name, began_by)
}

fn refused(
    shared: &Shared,
    user: &SessionUser,
    token: &str,
    action: ControlAction,
    began_by: &str,
) -> Option<Problem> {
    if !is_same_secret(token, &user.form_token) {
        return Some(Problem::forbidden(FOREIGN_FORM));
    }
    if may(shared, user, action, began_by) {
        return None;
    }
    if action == ControlAction::Approve && is_own(shared, user, began_by) {
        let text = "You began this, and the config file has four_eyes = true: somebody else has to approve it.";
        return Some(Problem::forbidden(text).hint("ask another user with the role approver"));
    }
    let text = format!("Your role is {}, which may not {action}.", user.role);
    Some(
        Problem::forbidden(&text)
            .hint("`axlpaper console user add NAME --role ROLE` changes a role"),
    )
}

/// Names who asks, as the journal has it.
fn owner(user: &SessionUser) -> LockOwner {
    let this = LockOwner::this_process("console");
    LockOwner { os_user: format!("{}{MARK}", user.name), ..this }
}
