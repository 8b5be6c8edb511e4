//! What users do with the rollouts that they make.

use std::sync::Arc;

use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{Extension, Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use crate::console::jobs::draft::{Draft, Upload};
use crate::console::jobs::job::Job;
use crate::console::jobs::rights::{may_confirm, may_discard, may_make};
use crate::console::jobs::{JobId, Kind};
use crate::console::login::FOREIGN_FORM;
use crate::console::pages::problem::Problem;
use crate::console::pages::rollouts::gone;
use crate::console::sessions::{SessionUser, is_same_secret};
use crate::console::settings::RolloutCommand;
use crate::console::shared::Shared;
use crate::journal::{RunId, RunRef};
use crate::media::LONGEST_FILE;
use crate::report::RunReport;

/// Takes a picture, or the rules of the config file, and begins a rollout.
pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    if !may_make(&user) {
        return role_lacks(&user).answer(Some(&user), &headers);
    }
    let begun = match draft(&shared, &user, form).await {
        Ok(draft) => shared.jobs.begin(&user.name, draft).map_err(|error| Problem::of(&error)),
        Err(problem) => Err(problem),
    };
    match begun {
        Ok(job) => Redirect::to(&format!("/rollouts/{}", job.id)).into_response(),
        Err(problem) => problem.answer(Some(&user), &headers),
    }
}

/// Reads the form. Its first field is the token, so that nobody else can have this process decode a picture.
async fn draft(shared: &Shared, user: &SessionUser, mut form: Multipart) -> Result<Draft, Problem> {
    let (mut is_ours, mut by_rules, mut picture) = (false, false, None);
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        match field.name().unwrap_or_default() {
            "token" => {
                let token = field.text().await.map_err(unreadable)?;
                is_ours = is_same_secret(&token, &user.form_token);
            }
            _ if !is_ours => return Err(Problem::forbidden(FOREIGN_FORM)),
            "source" => by_rules = field.text().await.map_err(unreadable)? == "rules",
            "picture" if !by_rules => picture = upload(shared, field).await?.or(picture),
            _ => {}
        }
    }
    if !is_ours {
        return Err(Problem::forbidden(FOREIGN_FORM));
    }
    if picture.is_none() && !by_rules {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "No picture was sent")
            .text("The form has no file.")
            .hint("go back and choose a picture, or the pictures of the [[image]] rules"));
    }
    if by_rules && shared.settings.rules.is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "There are no [[image]] rules")
            .text("The config file has no [[image]] rules.")
            .hint("go back and choose a picture"));
    }
    Ok(Draft { picture, ..Draft::default() })
}

/// Reads and decodes a picture; nothing where no file was chosen.
async fn upload(shared: &Shared, field: Field<'_>) -> Result<Option<Upload>, Problem> {
    let name = field.file_name().unwrap_or_default().to_owned();
    // One at a time: a picture needs much memory. The semaphore is never closed.
    let _place = shared.uploads.acquire().await.ok();
    let bytes = field.bytes().await.map_err(unreadable)?;
    if bytes.is_empty() && name.is_empty() {
        return Ok(None);
    }
    let read = Upload::read(&name, bytes.to_vec()).await;
    read.map(Some).map_err(|error| Problem::of(&error))
}

fn unreadable(error: MultipartError) -> Problem {
    let status = error.status();
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let limit = LONGEST_FILE / 1_000_000;
        return Problem::new(status, "The picture is too large")
            .text(&format!("A picture may have {limit} MB."))
            .hint("no phone has a screen of more than 1280x800 pixels: save it smaller");
    }
    Problem::new(status, "The form could not be read")
        .text(&error.body_text())
        .hint("load the page again, and send it from there")
}

/// Keeps what a user has chosen, and has the clusters asked where that is wanted.
pub(crate) async fn change(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path(id): Path<JobId>,
    headers: HeaderMap,
    Form(mut fields): Form<Vec<(String, String)>>,
) -> Response {
    let take = |fields: &mut Vec<(String, String)>, name: &str| {
        let at = fields.iter().position(|(known, _)| known == name)?;
        Some(fields.remove(at).1)
    };
    let token = take(&mut fields, "token").unwrap_or_default();
    let action = take(&mut fields, "do").unwrap_or_default();
    let job = match job(&shared, &user, id, &token, |job| may_make(&user) && job.by == user.name) {
        Ok(job) => job,
        Err(problem) => return problem.answer(Some(&user), &headers),
    };
    let Some(draft) = job.draft() else {
        return Redirect::to(&format!("/rollouts/{id}")).into_response();
    };
    let draft = Draft { fields, ..draft };
    let command = draft.command();
    job.keep_draft(draft);
    if action == "prepare" {
        // What is wrong with a field is shown beside the fields.
        let chosen = shared.settings.rollouts.chosen(&command);
        let begun = chosen.and_then(|_| shared.jobs.prepare(&job, command, &shared.settings));
        if let Err(error) = begun {
            return Problem::of(&error).answer(Some(&user), &headers);
        }
        tracing::info!(job = id, user = user.name, "a rollout is prepared");
    }
    Redirect::to(&format!("/rollouts/{id}")).into_response()
}

#[derive(Deserialize)]
pub(crate) struct ConfirmForm {
    token: String,
    phones: String,
}

/// Confirms a rollout by the number of its phones.
pub(crate) async fn confirm(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path(id): Path<JobId>,
    headers: HeaderMap,
    Form(ConfirmForm { token, phones }): Form<ConfirmForm>,
) -> Response {
    let may = |job: &Job| may_confirm(&shared, &user, job);
    let confirmed = job(&shared, &user, id, &token, may)
        .and_then(|job| job.confirm(&phones).map(|()| job).map_err(|error| Problem::of(&error)));
    match confirmed {
        Ok(job) => {
            tracing::info!(job = id, user = user.name, by = job.by, "a rollout was confirmed");
            let runs = job.runs();
            let address = match &runs[..] {
                [run] => format!("/runs/{run}"),
                [] | [_, _, ..] => format!("/rollouts/{id}"),
            };
            Redirect::to(&address).into_response()
        }
        Err(problem) => problem.answer(Some(&user), &headers),
    }
}

#[derive(Deserialize)]
pub(crate) struct DiscardForm {
    token: String,
}

/// Ends a rollout that was not confirmed.
pub(crate) async fn discard(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path(id): Path<JobId>,
    headers: HeaderMap,
    Form(DiscardForm { token }): Form<DiscardForm>,
) -> Response {
    let discarded = job(&shared, &user, id, &token, |job| may_discard(&user, job))
        .and_then(|job| job.discard(&user.name).map_err(|error| Problem::of(&error)));
    match discarded {
        Ok(()) => Redirect::to("/").into_response(),
        Err(problem) => problem.answer(Some(&user), &headers),
    }
}

#[derive(Deserialize)]
pub(crate) struct AgainForm {
    token: String,
    /// The number of the cause whose phones are meant; nothing for all.
    cause: Option<usize>,
}

/// Makes a rollout of an earlier run: what it left undone, or what its phones showed before.
pub(crate) async fn again(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path((run, how)): Path<(RunId, String)>,
    headers: HeaderMap,
    Form(AgainForm { token, cause }): Form<AgainForm>,
) -> Response {
    match begin_again(&shared, &user, (run, &how), &token, cause).await {
        Ok(job) => Redirect::to(&format!("/rollouts/{}", job.id)).into_response(),
        Err(problem) => problem.answer(Some(&user), &headers),
    }
}

async fn begin_again(
    shared: &Shared,
    user: &SessionUser,
    (run, how): (RunId, &str),
    token: &str,
    cause: Option<usize>,
) -> Result<Arc<Job>, Problem> {
    if !is_same_secret(token, &user.form_token) {
        return Err(Problem::forbidden(FOREIGN_FORM));
    }
    if !may_make(user) {
        return Err(role_lacks(user));
    }
    let words: &[&str] = match how {
        "retry" => &["rollout", "--only-failed"],
        "resume" => &["rollout", "--resume"],
        "pictures" => &["revert", "--pictures"],
        "changes" => &["revert"],
        _ => return Err(Problem::not_found()),
    };
    let mut options: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    options.push(run.to_string());
    let read = shared.journal.read(move |history| {
        let Some(history) = history else { return Ok(None) };
        let Some(run) = history.run(RunRef::Number(run))? else { return Ok(None) };
        let report = cause.map(|_| RunReport::read(history, run.clone())).transpose()?;
        Ok(Some((run, report)))
    });
    let (row, report) =
        read.await.map_err(|error| Problem::of(&error))?.ok_or_else(Problem::not_found)?;
    if row.is_about_addresses() {
        return Err(Problem::new(StatusCode::CONFLICT, "It was not done")
            .text(&format!(
                "Run {run} pushed to addresses, and the console makes rollouts on clusters."
            ))
            .hint("its page has the command that finishes it"));
    }
    let only = match (report, cause) {
        (Some(report), Some(cause)) => {
            Some(report.failed_for(cause).ok_or_else(Problem::not_found)?)
        }
        (_, _) => None,
    };
    let kind = match how {
        "changes" => Kind::Revert(Box::new(row.clone())),
        _ => Kind::Rollout(only),
    };
    let command = RolloutCommand { options, picture: None, earlier: Some(row) };
    let job = shared.jobs.begin_earlier(&user.name, command, kind, &shared.settings);
    job.inspect(|job| tracing::info!(job = job.id, run, how, user = user.name, "a run is repeated"))
        .map_err(|error| Problem::of(&error))
}

/// Returns a job, where the form is of this session and the user may do that with it.
fn job(
    shared: &Shared,
    user: &SessionUser,
    id: JobId,
    token: &str,
    may: impl Fn(&Job) -> bool,
) -> Result<Arc<Job>, Problem> {
    if !is_same_secret(token, &user.form_token) {
        return Err(Problem::forbidden(FOREIGN_FORM));
    }
    let job = shared.jobs.job(id).ok_or_else(gone)?;
    if may(&job) {
        return Ok(job);
    }
    if shared.settings.users.four_eyes && may_make(user) {
        let text = format!(
            "{} has made this rollout, and the config file has four_eyes = true: an approver who has not made it confirms it.",
            job.by
        );
        return Err(Problem::forbidden(&text).hint("ask another user with the role approver"));
    }
    Err(role_lacks(user))
}

fn role_lacks(user: &SessionUser) -> Problem {
    let text = format!("Your role is {}, which may not do that with this rollout.", user.role);
    Problem::forbidden(&text)
        .hint("operators make rollouts and confirm their own; approvers confirm every one")
        .hint("`axlpaper console user add NAME --role ROLE` changes a role")
}
