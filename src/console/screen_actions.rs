//! Requests that take screenshots of phones.

use std::sync::Arc;

use axum::extract::{Extension, Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use crate::console::login::FOREIGN_FORM;
use crate::console::pages::problem::Problem;
use crate::console::request::path_segment;
use crate::console::sessions::{SessionUser, is_same_secret};
use crate::console::shared::Shared;
use crate::domain::console_role::ConsoleRole;
use crate::domain::device_name::DeviceName;

#[derive(Deserialize)]
pub(crate) struct TakeForm {
    token: String,
    /// Whether the phone is to be asked although phones have refused the push user.
    again: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct AllowForm {
    token: String,
    cluster: String,
}

/// Takes a screenshot of a phone.
pub(crate) async fn take(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path((name, file)): Path<(String, String)>,
    headers: HeaderMap,
    Form(TakeForm { token, again }): Form<TakeForm>,
) -> Response {
    let name = name.parse::<DeviceName>().ok().filter(|_| file == "screen");
    let Some(name) = name else { return Problem::not_found().answer(Some(&user), &headers) };
    if let Some(problem) = refused(&user, &token) {
        return problem.answer(Some(&user), &headers);
    }
    let line = match shared.journal.phones().await {
        Ok(index) => index.find(&name).cloned(),
        Err(error) => return Problem::of(&error).answer(Some(&user), &headers),
    };
    let Some(line) = line else { return Problem::not_found().answer(Some(&user), &headers) };
    tracing::info!(phone = %name, user = user.name, "a screenshot was asked for");
    if again.is_some() {
        // Where the settings are not known, the look says so.
        drop(shared.screens.allow(&line.cluster, Some(&name)).await);
    }
    let address = format!("/phones/{}#screen", path_segment(name.as_str()));
    shared.screens.take(line).await;
    Redirect::to(&address).into_response()
}

/// Lets the phones of a cluster be asked again after a refusal.
pub(crate) async fn allow(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    headers: HeaderMap,
    Form(AllowForm { token, cluster }): Form<AllowForm>,
) -> Response {
    if let Some(problem) = refused(&user, &token) {
        return problem.answer(Some(&user), &headers);
    }
    match shared.screens.allow(&cluster, None).await {
        Ok(()) => {
            tracing::info!(cluster, user = user.name, "screens are asked for again");
            Redirect::to("/screens").into_response()
        }
        Err(_) => Problem::not_found().answer(Some(&user), &headers),
    }
}

/// Tells whether a user may have screenshots taken: a phone sends one for the push user's password only.
pub(crate) fn may_take(user: &SessionUser) -> bool {
    user.role >= ConsoleRole::Operator
}

fn refused(user: &SessionUser, token: &str) -> Option<Problem> {
    not_operator(user, token, "take screenshots")
}

/// Returns why a form is refused that only operators may send.
pub(crate) fn not_operator(user: &SessionUser, token: &str, may_not: &str) -> Option<Problem> {
    if !is_same_secret(token, &user.form_token) {
        return Some(Problem::forbidden(FOREIGN_FORM));
    }
    (!may_take(user)).then(|| {
        let text = format!("Your role is {}, which may not {may_not}.", user.role);
        Problem::forbidden(&text)
            .hint("`axlpaper console user add NAME --role ROLE` changes a role")
    })
}
