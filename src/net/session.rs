//! Authenticating once, and never sending a refused password again.

use crate::domain::text::quoted;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue};

use super::client::{ClusterHttp, HttpAnswer};
use super::cookie::CookieJar;
use super::credentials::{CredentialStatus, Credentials};
use super::endpoint::Endpoint;
use super::error::HttpError;

/// A session with one SOAP service of one server.
///
/// The first call carries the password; the server answers with a session cookie, and later calls
/// carry that cookie and *no* password, because each password costs the server a full
/// authentication and is throttled (AXL Developer Guide, "Using JSESSIONIDSSO"). An expired session
/// is reported as 404 there, and 401 is taken for the same; then the password is sent once more.
/// A password that was refused is never sent again, because refusals lock the account.
#[derive(Debug)]
pub struct Session {
    http: ClusterHttp,
    endpoint: Endpoint,
    path: &'static str,
    credentials: Credentials,
    state: Mutex<State>,
    /// Held while a password is sent that may be wrong: two calls that fail together
    /// would count as two refusals.
    gate: tokio::sync::Mutex<()>,
}

impl Session {
    /// Makes a session; nothing is sent yet.
    pub fn new(
        http: ClusterHttp,
        endpoint: Endpoint,
        path: &'static str,
        credentials: Credentials,
    ) -> Self {
        let (state, gate) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { http, endpoint, path, credentials, state, gate }
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub fn username(&self) -> &str {
        self.credentials.username()
    }

    /// Tells whether the service has answered properly before, so that a failure now can be expected to pass.
    pub fn has_answered(&self) -> bool {
        self.state().succeeded
    }

    /// Waits before the next request, and counts the wait.
    pub async fn wait(&self, delay: Duration) {
        self.counts_wait(delay);
        tokio::time::sleep(delay).await;
    }

    /// Counts a wait that the caller makes.
    pub fn counts_wait(&self, delay: Duration) {
        self.http.counts().waits(delay);
    }

    /// Posts a text and returns the whole answer, whatever its status is but 401.
    ///
    /// # Errors
    /// When no complete answer came, or when the server refused the user; see [`SessionError`].
    pub async fn post(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        intent: Intent,
    ) -> Result<HttpAnswer, SessionError> {
        // Two rounds by cookie at most: the second one when another call has just renewed it.
        for _ in 0..2 {
            let Some((cookie, generation)) = self.session_cookie() else { break };
            let answer = self.send(headers, &[(COOKIE, cookie)], &body, intent).await?;
            if !matches!(answer.status, 401 | 404) {
                self.learn(&answer, generation, Proof::Cookie);
                return Ok(answer);
            }
            self.drop_cookies(generation);
        }
        self.post_with_password(headers, body, intent).await
    }

    async fn post_with_password(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        intent: Intent,
    ) -> Result<HttpAnswer, SessionError> {
        // Where the server keeps no sessions, every call carries the password; those that follow an
        // accepted one need not queue up.
        let needs_gate = !self.state().keeps_no_sessions;
        let _gate = if needs_gate { Some(self.gate.lock().await) } else { None };
        // While this call waited at the gate, another one may have been let in.
        if needs_gate && let Some((cookie, generation)) = self.session_cookie() {
            let answer = self.send(headers, &[(COOKIE, cookie)], &body, intent).await?;
            if !matches!(answer.status, 401 | 404) {
                self.learn(&answer, generation, Proof::Cookie);
                return Ok(answer);
            }
            self.drop_cookies(generation);
        }
        self.check_refusals(intent)?;
        let password = self.credentials.basic_header().map_err(HttpError::from)?;
        let mut own = vec![(AUTHORIZATION, password)];
        let (cookie, generation) = {
            let state = self.state();
            (state.jar.header(), state.generation)
        };
        own.extend(cookie.map(|cookie| (COOKIE, cookie)));
        let answer = self.send(headers, &own, &body, intent).await?;
        if answer.status == 401 {
            return Err(self.refused(intent));
        }
        if matches!(answer.status, 200 | 403 | 500 | 599) {
            self.credentials.mark_accepted();
        }
        self.learn(&answer, generation, Proof::Password);
        Ok(answer)
    }

    /// Sends one request; a read whose kept-alive connection broke is sent once more.
    async fn send(
        &self,
        headers: &HeaderMap,
        own: &[(reqwest::header::HeaderName, HeaderValue)],
        body: &Bytes,
        intent: Intent,
    ) -> Result<HttpAnswer, HttpError> {
        let mut headers = headers.clone();
        headers.extend(own.iter().cloned().map(|(name, value)| (Some(name), value)));
        let limit = self.limit(intent, body.len());
        let post = async |headers: HeaderMap, attempt: u32| {
            let operation = operation_of(&headers);
            let began = tokio::time::Instant::now();
            let answer =
                self.http.post(&self.endpoint, self.path, headers, body.clone(), limit).await;
            let ms = began.elapsed().as_millis();
            let endpoint = &self.endpoint;
            match &answer {
                Ok(HttpAnswer { status, body, .. }) => {
                    let bytes = body.len();
                    tracing::debug!(operation, %endpoint, status, bytes, ms, attempt, "answered");
                }
                Err(error) => {
                    tracing::debug!(operation, %endpoint, %error, ms, attempt, "failed");
                }
            }
            answer
        };
        let first = post(headers.clone(), 1).await;
        let password_is_good = self.credentials.standing() == CredentialStatus::Accepted;
        match first {
            Err(HttpError::ConnectionLost { .. }) if intent == Intent::Read && password_is_good => {
                post(headers, 2).await
            }
            Ok(_) | Err(_) => first,
        }
    }

    fn limit(&self, intent: Intent, bytes: usize) -> Duration {
        match intent {
            Intent::Read => self.http.limits().read,
            Intent::Write => self.http.limits().write_of(bytes),
        }
    }

    fn session_cookie(&self) -> Option<(HeaderValue, u64)> {
        let state = self.state();
        if !state.jar.has_session() || state.cookie_refusals >= COOKIE_REFUSALS {
            return None;
        }
        state.jar.header().map(|cookie| (cookie, state.generation))
    }

    /// Learns from an answer that was no refusal.
    fn learn(&self, answer: &HttpAnswer, generation: u64, proof: Proof) {
        let mut state = self.state();
        // An answer to a session that has been dropped since must not bring its cookie back.
        if state.generation == generation && answer.status != 404 {
            for cookie in &answer.cookies {
                state.jar.store(cookie);
            }
        }
        // A page of HTML is not the answer of the service, except for HTTP 599.
        let is_page = answer.content_type.as_deref().is_some_and(|name| name.contains("html"));
        let answered = answer.status == 599 || matches!(answer.status, 200 | 500) && !is_page;
        state.succeeded |= answered;
        match proof {
            Proof::Cookie => state.cookie_refusals = 0,
            Proof::Password => {
                state.keeps_no_sessions = answered
                    && (!state.jar.has_session() || state.cookie_refusals >= COOKIE_REFUSALS);
            }
        }
    }

    fn drop_cookies(&self, generation: u64) {
        let mut state = self.state();
        if state.generation == generation {
            state.jar.clear();
            state.generation += 1;
            state.cookie_refusals += 1;
        }
    }

    fn check_refusals(&self, intent: Intent) -> Result<(), SessionError> {
        let endpoint = self.endpoint.clone();
        let username = self.credentials.username().to_owned();
        if self.credentials.standing() == CredentialStatus::Refused {
            return Err(SessionError::PasswordRefused { endpoint, username });
        }
        let (role_missing, write_refused) = {
            let state = self.state();
            (state.role_missing, state.write_refused)
        };
        if role_missing || (write_refused && intent == Intent::Write) {
            return Err(SessionError::RoleMissing { endpoint, username, intent });
        }
        Ok(())
    }

    /// Decides what a 401 to a password means, and remembers it.
    fn refused(&self, intent: Intent) -> SessionError {
        let endpoint = self.endpoint.clone();
        let username = self.credentials.username().to_owned();
        let mut state = self.state();
        if state.succeeded && intent == Intent::Write {
            // A user with read-only AXL access gets 401 for a write (Cisco AXL FAQ).
            state.write_refused = true;
            return SessionError::RoleMissing { endpoint, username, intent };
        }
        if !state.succeeded && self.credentials.standing() == CredentialStatus::Accepted {
            // Another service took the same password, so it is this one that wants a role.
            state.role_missing = true;
            return SessionError::RoleMissing { endpoint, username, intent };
        }
        drop(state);
        self.credentials.mark_refused();
        SessionError::PasswordRefused { endpoint, username }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held cannot leave a state that does harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a call only reads or changes something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Intent {
    Read,
    /// It must not be repeated unless the server said that it did nothing.
    Write,
}

#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The user or the password is wrong, or the account is locked.
    #[error(
        "{endpoint} refused the user {}: the name or the password is wrong, or the account \
         is locked (the password is not sent again)",
        quoted(username)
    )]
    PasswordRefused { endpoint: Endpoint, username: String },
    /// The password is right, but the user may not do this.
    #[error(
        "{endpoint} does not let the user {} {}: a role is missing", quoted(username), may_not(*intent))]
    RoleMissing { endpoint: Endpoint, username: String, intent: Intent },
}

#[derive(Debug, Default)]
struct State {
    jar: CookieJar,
    /// Counts how often the cookies were dropped.
    generation: u64,
    /// Whether this service has answered a password of ours properly.
    succeeded: bool,
    role_missing: bool,
    write_refused: bool,
    /// How many sessions in a row were refused without having worked once.
    cookie_refusals: u32,
    /// Whether the server takes the password only, with every call.
    keeps_no_sessions: bool,
}

/// What a call showed to be let in.
#[derive(Clone, Copy, Debug)]
enum Proof {
    Cookie,
    Password,
}

/// Returns the operation that a `SOAPAction` header names, for the log.
fn operation_of(headers: &HeaderMap) -> String {
    let action = headers.get("soapaction").and_then(|value| value.to_str().ok());
    let action = action.map(|action| action.trim_matches('"'));
    action.and_then(|action| action.split(' ').next_back()).unwrap_or("getCCMVersion").to_owned()
}

/// After so many sessions that never worked, every call carries the password instead.
const COOKIE_REFUSALS: u32 = 2;

fn may_not(intent: Intent) -> &'static str {
    match intent {
        Intent::Read => "use this service",
        Intent::Write => "change anything",
    }
}
