//! Logging in and out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tokio::task::spawn_blocking;

use crate::console::guard::is_loopback;
use crate::console::pages::frame::{Frame, Part, page};
use crate::console::pages::problem::Problem;
use crate::console::passwords::verified;
use crate::console::request::{cookie, host_name};
use crate::console::sessions::{LONGEST, SessionUser, is_same_secret};
use crate::console::shared::{Peer, Shared};
use crate::domain::console_role::ConsoleRole;
use crate::journal::LockOwner;

#[derive(Template)]
#[template(path = "login.html", config = "src/console/pages/askama.toml")]
struct LoginPage {
    frame: Frame,
    has_users: bool,
    is_done: bool,
    name: String,
    problem: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Token {
    token: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Login {
    name: String,
    password: String,
}

#[derive(Deserialize)]
pub(crate) struct Logout {
    token: String,
}

/// Shows the form, or begins a session with the one-time token of the address.
pub(crate) async fn form(
    State(shared): State<Arc<Shared>>,
    Query(Token { token }): Query<Token>,
    headers: HeaderMap,
) -> Response {
    let Some(token) = token else {
        return login_page(&shared, StatusCode::OK, "", None);
    };
    if !shared.sessions.take_one_time_token(&token) {
        let used = "This address was used already, or is of an earlier start of the console. It works once.";
        return login_page(&shared, StatusCode::FORBIDDEN, "", Some(used.to_owned()));
    }
    // The address is printed on the terminal of the user who started the console, and on no other.
    let name = LockOwner::this_process("console").os_user;
    let mut answer = begin(&shared, &headers, &name, ConsoleRole::Approver);
    if answer.status() == StatusCode::SEE_OTHER {
        // Not a redirect: a browser that comes from elsewhere, such as a mail, would not send the new cookie.
        let cookie = answer.headers_mut().remove(header::SET_COOKIE);
        answer = page(StatusCode::OK, &login(&shared, "", None, true));
        if let Some(cookie) = cookie {
            answer.headers_mut().insert(header::SET_COOKIE, cookie);
        }
    }
    answer
}

/// Begins a session of a user of the config file.
pub(crate) async fn log_in(
    State(shared): State<Arc<Shared>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    Form(Login { name, password }): Form<Login>,
) -> Response {
    if let Some(wait) = shared.login_limit.wait(&name, peer, Instant::now()) {
        return too_often(&shared, &name, wait);
    }
    shared.login_limit.begin(&name, peer, Instant::now());
    // The semaphore is never closed.
    let Ok(_place) = shared.password_checks.acquire().await else {
        return login_page(&shared, StatusCode::SERVICE_UNAVAILABLE, &name, None);
    };
    let (users, typed) = (shared.settings.users.users.clone(), name.clone());
    let checked = spawn_blocking(move || verified(&users, &typed, &password).cloned()).await;
    match checked.ok().flatten() {
        Some(user) => {
            shared.login_limit.succeeded(&name, peer);
            tracing::info!(user = user.name, %peer, "logged in to the console");
            begin(&shared, &headers, &user.name, user.role)
        }
        None => {
            tracing::warn!(user = name, %peer, "a log-in to the console was refused");
            let wrong = "The name or the password is wrong.";
            login_page(&shared, StatusCode::FORBIDDEN, &name, Some(wrong.to_owned()))
        }
    }
}

pub(crate) async fn log_out(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    headers: HeaderMap,
    Form(Logout { token }): Form<Logout>,
) -> Response {
    if !is_same_secret(&token, &user.form_token) {
        return Problem::forbidden(FOREIGN_FORM).answer(Some(&user), &headers);
    }
    shared.sessions.end(cookie(&headers, &shared.cookie).unwrap_or_default());
    let mut answer = Redirect::to("/login").into_response();
    let gone = set_cookie(&shared, &headers, "", Duration::ZERO);
    answer.headers_mut().extend(gone.map(|gone| (header::SET_COOKIE, gone)));
    answer
}

fn begin(shared: &Shared, headers: &HeaderMap, name: &str, role: ConsoleRole) -> Response {
    // A session that another user began in this browser ends.
    shared.sessions.end(cookie(headers, &shared.cookie).unwrap_or_default());
    let begun = shared.sessions.begin(name, role, Instant::now());
    let cookie = begun.ok().and_then(|id| set_cookie(shared, headers, &id, LONGEST));
    let Some(cookie) = cookie else {
        let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The session cannot begin");
        return problem.text("This machine gives no random bytes.").answer(None, headers);
    };
    let mut answer = Redirect::to("/").into_response();
    answer.headers_mut().insert(header::SET_COOKIE, cookie);
    answer
}

/// Makes the cookie. Only on loopback does it come back without TLS.
fn set_cookie(
    shared: &Shared,
    headers: &HeaderMap,
    id: &str,
    lasts: Duration,
) -> Option<HeaderValue> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_plain = shared.settings.tls.is_none() && is_loopback(&host_name(host));
    let secure = if is_plain { "" } else { "; Secure" };
    let (name, seconds) = (&shared.cookie, lasts.as_secs());
    let text = format!("{name}={id}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).ok()
}

fn login(shared: &Shared, name: &str, problem: Option<String>, is_done: bool) -> LoginPage {
    LoginPage {
        frame: Frame::new("Log in", Part::None, None),
        has_users: !shared.settings.users.users.is_empty(),
        is_done,
        name: name.to_owned(),
        problem,
    }
}

fn login_page(
    shared: &Shared,
    status: StatusCode,
    name: &str,
    problem: Option<String>,
) -> Response {
    page(status, &login(shared, name, problem, false))
}

fn too_often(shared: &Shared, name: &str, wait: Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    let text = format!("Too many attempts failed. Try again in {seconds} s.");
    let mut answer = login_page(shared, StatusCode::TOO_MANY_REQUESTS, name, Some(text));
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// What is wrong with a form whose token is not that of the session.
pub(crate) const FOREIGN_FORM: &str =
    "The form is not of this session: load the page again, and send it from there.";
