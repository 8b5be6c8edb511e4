//! The session with RisPort70, within the rate that it allows.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::FuturesOrdered;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::domain::device_name::DeviceName;
use crate::net::client::ClusterHttp;
use crate::net::credentials::Credentials;
use crate::net::endpoint::Endpoint;
use crate::net::error::HttpError;
use crate::net::rate_limit::Pace;
use crate::net::retry::{Delays, RetryPolicy};
use crate::net::session::{Intent, Session, SessionError};
use crate::soap::error::SoapError;
use crate::soap::read::read_answer;
use crate::soap::write::ris_envelope;

use super::answer::{RisPage, SelectAnswer};
use super::error::RisError;
use super::merge::RisAnswer;
use super::request::{MOST_NAMES, OPERATION, SelectCmDeviceExt};

/// How a [`RisClient`] behaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RisOptions {
    /// How many questions a minute. The cluster allows 15 by default and 18 at most, for all its clients
    /// together (enterprise parameter "Allowed Device Queries Per Minute"); the default here leaves some to
    /// others, such as RTMT. So many follow each other without a pause, but never more in any minute.
    pub per_minute: u32,
    /// How many names one question holds, [`MOST_NAMES`] at most.
    pub names: usize,
    /// How long to wait when the cluster reports too many requests, or is busy.
    pub refused: RetryPolicy,
    /// How long to wait before a question is asked again whose connection broke.
    pub broken: RetryPolicy,
    /// How long to wait for a server that has answered before and is away.
    pub away: RetryPolicy,
    /// Whether the same server has answered another service before, so that a closed port is known to be an outage.
    pub is_up: bool,
}

impl Default for RisOptions {
    fn default() -> Self {
        Self {
            per_minute: 12,
            names: MOST_NAMES,
            refused: RetryPolicy::RATE_LIMITED,
            broken: RetryPolicy::BROKEN,
            away: RetryPolicy::AWAY,
            is_up: false,
        }
    }
}

/// What goes on while a [`RisClient`] works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RisEvent {
    /// So many of the names have been asked for.
    Progress { done: usize, total: usize },
    /// The cluster refused to answer for the moment; the question is asked again after this time.
    Refused(Duration),
    /// The next question waits this long, to keep to the rate.
    Waiting(Duration),
    /// The cluster gave no answer; the question is asked again after this time.
    Away(Duration),
}

/// A session with RisPort70 on one server, which answers for the whole cluster.
#[derive(Debug)]
pub struct RisClient {
    session: Session,
    pace: Pace,
    options: RisOptions,
}

impl RisClient {
    /// Makes a client; nothing is sent yet.
    pub fn new(
        http: ClusterHttp,
        endpoint: Endpoint,
        credentials: Credentials,
        options: RisOptions,
    ) -> Self {
        let session = Session::new(http, endpoint, PATH, credentials);
        let pace = Pace::new(options.per_minute);
        Self { session, pace, options }
    }

    pub fn endpoint(&self) -> &Endpoint {
        self.session.endpoint()
    }

    /// Asks for the state of devices by name, as many as there are, one question after the other.
    ///
    /// `on_event` is called with progress and waits. Names that are given twice are requested once.
    ///
    /// # Errors
    /// See [`RisError`]. Servers of the cluster that did not answer and totals that do not fit are no
    /// errors but part of [`RisAnswer`].
    pub async fn devices(
        &self,
        names: &[DeviceName],
        on_event: impl FnMut(RisEvent) + Send,
    ) -> Result<RisAnswer, RisError> {
        let on_event = Mutex::new(on_event);
        // A panic of the listener is its own matter.
        let emit = |event| (on_event.lock().unwrap_or_else(PoisonError::into_inner))(event);
        let mut seen = HashSet::new();
        let names: Vec<&DeviceName> = names.iter().filter(|name| seen.insert(*name)).collect();
        let (mut done, total) = (0, names.len());
        let mut waiting: VecDeque<&DeviceName> = names.into();
        let mut most = self.options.names.clamp(1, MOST_NAMES);
        let (mut size, mut broken) = (most, None);
        let mut answer = RisAnswer::default();
        let mut under_way = FuturesOrdered::new();
        loop {
            // The next request is sent while an answer is read, if the rate allows it.
            while under_way.len() < AT_ONCE && !waiting.is_empty() {
                let chunk: Vec<DeviceName> =
                    waiting.drain(..size.min(waiting.len())).cloned().collect();
                under_way.push_back(async move {
                    let asked = self.request_with_retries(&chunk, &emit).await;
                    (chunk, asked)
                });
            }
            let Some((chunk, asked)) = under_way.next().await else { break };
            // What had no room in an answer, or made it break off, has room in a smaller one.
            let fitting = match &asked {
                Ok(page) if page.is_cut_off() => Some(page.fitting(chunk.len())),
                Ok(_) => None,
                Err(error) => breaks_off(error).then_some(chunk.len() / 2),
            };
            if let Some(fitting) = fitting.filter(|_| chunk.len() >= SMALLEST_SPLIT) {
                size = size.min(fitting.max(1));
                // Rows that have no room will have none next time; a broken answer may come whole, unless
                // it broke twice.
                if asked.is_ok() || broken.replace(chunk.len()) == Some(chunk.len()) {
                    most = size;
                }
                for name in chunk.iter().rev().filter_map(|name| seen.get(name)) {
                    waiting.push_front(name);
                }
                continue;
            }
            answer.merge(asked?);
            size = size.saturating_mul(2).min(most);
            done += chunk.len();
            emit(RisEvent::Progress { done, total });
        }
        Ok(answer)
    }

    async fn request_with_retries(
        &self,
        names: &[DeviceName],
        emit: &(impl Fn(RisEvent) + Send + Sync),
    ) -> Result<RisPage, RisError> {
        let mut delays = self.options.refused.random_delays();
        let mut broken = self.options.broken.random_delays();
        let mut away = Outage { seen: false, delays: self.options.away.random_delays() };
        // A larger request that breaks off is asked for in parts instead.
        let is_small = names.len() < SMALLEST_SPLIT;
        let mut attempts = 0;
        loop {
            let waiting = |wait| {
                self.session.counts_wait(wait);
                emit(RisEvent::Waiting(wait));
            };
            self.pace.acquire(waiting).await;
            let (answer, retry_after) = self.ask(names).await;
            let error = match answer {
                Ok(page) => return Ok(page),
                Err(error) => error.after(attempts),
            };
            attempts = error.attempts();
            match &error {
                RisError::Soap { source: SoapError::RateLimited { per_minute }, .. } => {
                    if let Some(rate) = per_minute {
                        self.pace.slow_to(*rate);
                    }
                }
                RisError::Soap { source: SoapError::Throttled { .. }, .. } => {}
                RisError::Session { .. } | RisError::Soap { .. }
                    if is_lost(&error) || is_small && error.is_broken_off() =>
                {
                    let delay = broken.next().or_else(|| self.wait_for(&error, &mut away));
                    let Some(delay) = delay else { return Err(error) };
                    emit(RisEvent::Away(delay));
                    self.session.wait(delay).await;
                    continue;
                }
                RisError::Session { .. } | RisError::Soap { .. } if is_outage(&error) => {
                    // A service that has never answered gets less time for an error page.
                    let is_error_page = matches!(
                        &error,
                        RisError::Soap {
                            source: SoapError::NotSoap { status: 408 | 500..=504, .. },
                            ..
                        }
                    );
                    let delay = self
                        .wait_for(&error, &mut away)
                        .or_else(|| if is_error_page { broken.next() } else { None });
                    let Some(delay) = delay else { return Err(error) };
                    emit(RisEvent::Away(delay));
                    self.session.wait(delay).await;
                    continue;
                }
                RisError::NoResult { .. } | RisError::Session { .. } | RisError::Soap { .. } => {
                    return Err(error);
                }
            }
            let Some(delay) = delays.next_at_least(retry_after) else { return Err(error) };
            emit(RisEvent::Refused(delay));
            self.session.wait(delay).await;
        }
    }

    /// Returns how long to wait for a server that has answered before and is away. What never answered here and is
    /// not found may not be activated at all, unless the port was closed just before.
    fn wait_for(&self, error: &RisError, away: &mut Outage) -> Option<Duration> {
        let is_closed = matches!(
            error,
            RisError::Session { source: SessionError::Http(HttpError::Connect { .. }), .. }
        );
        away.seen |= is_closed && self.options.is_up;
        let passes = away.seen || self.session.has_answered();
        if is_outage(error) && passes { away.delays.next() } else { None }
    }

    /// Sends one request; returns also how long the server asks to wait (`Retry-After`).
    async fn ask(&self, names: &[DeviceName]) -> (Result<RisPage, RisError>, Option<Duration>) {
        let endpoint = || self.endpoint().clone();
        let (attempts, answered_before) = (1, self.session.has_answered());
        let soap_error =
            |source| RisError::Soap { endpoint: endpoint(), attempts, answered_before, source };
        let text = match ris_envelope(OPERATION, &SelectCmDeviceExt::named(names)) {
            Ok(text) => text,
            Err(error) => return (Err(soap_error(error)), None),
        };
        let answer = match self.session.post(&headers(), Bytes::from(text), Intent::Read).await {
            Ok(answer) => answer,
            Err(source) => {
                let endpoint = endpoint();
                let error = RisError::Session { endpoint, attempts, answered_before, source };
                return (Err(error), None);
            }
        };
        let retry_after = answer.retry_after;
        // A thousand devices are about a megabyte: too much to read between two other tasks.
        let read = tokio::task::spawn_blocking(move || {
            read_answer::<SelectAnswer>(answer.status, answer.content_type.as_deref(), &answer.body)
                .map(SelectAnswer::into_page)
        });
        let page = read.await.unwrap_or_else(|stopped| {
            Err(SoapError::Malformed { reason: format!("its reading was stopped: {stopped}") })
        });
        let page = match page {
            Ok(Some(page)) => Ok(page),
            Ok(None) => Err(RisError::NoResult { endpoint: endpoint() }),
            Err(error) => Err(soap_error(error)),
        };
        (page, retry_after)
    }
}

/// Returns whether the connection broke before any answer.
fn is_lost(error: &RisError) -> bool {
    let RisError::Session { source: SessionError::Http(error), .. } = error else { return false };
    matches!(error, HttpError::ConnectionLost { .. })
}

fn breaks_off(error: &RisError) -> bool {
    match error {
        RisError::Soap { source, .. } => source.wants_smaller_page(),
        RisError::Session { source: SessionError::Http(error), .. } => {
            matches!(error, HttpError::Truncated { .. } | HttpError::TooLong { .. })
        }
        RisError::NoResult { .. } | RisError::Session { .. } => false,
    }
}

/// The waits for a server that is away, and whether its port was found closed.
struct Outage {
    seen: bool,
    delays: Delays,
}

/// Tells whether the server was not there, or its services were not up.
fn is_outage(error: &RisError) -> bool {
    match error {
        RisError::Soap { source, .. } => source.is_outage(),
        RisError::Session { source: SessionError::Http(error), .. } => error.is_outage(),
        RisError::NoResult { .. } | RisError::Session { .. } => false,
    }
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    headers.insert(ACCEPT, HeaderValue::from_static("text/xml"));
    headers.insert(
        HeaderName::from_static("soapaction"),
        HeaderValue::from_static("\"selectCmDeviceExt\""),
    );
    headers
}

const PATH: &str = "/realtimeservice2/services/RISService70";

/// How many requests are in flight: one that the server works on, and one whose answer is read.
const AT_ONCE: usize = 2;

/// Questions with fewer names are not split any more.
const SMALLEST_SPLIT: usize = 50;
