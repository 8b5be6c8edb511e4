//! The session with RisPort70, within the rate that it allows.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::domain::device_name::DeviceName;
use crate::net::client::ClusterHttp;
use crate::net::credentials::Credentials;
use crate::net::endpoint::Endpoint;
use crate::net::error::HttpError;
use crate::net::pace::Pace;
use crate::net::retry::RetryPolicy;
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
    /// together (enterprise parameter "Allowed Device Queries Per Minute").
    pub per_minute: u32,
    /// How many questions may follow each other without a pause. Small clusters are done with that; the
    /// rate is kept in any minute all the same.
    pub burst: u32,
    /// How many names one question holds, [`MOST_NAMES`] at most.
    pub names: usize,
    /// How long to wait when the cluster says that it was asked too often, or is busy.
    pub refused: RetryPolicy,
}

impl Default for RisOptions {
    fn default() -> Self {
        Self { per_minute: 15, burst: 3, names: MOST_NAMES, refused: RetryPolicy::RATE_LIMITED }
    }
}

/// What goes on while a [`RisClient`] works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RisEvent {
    /// So many of the names have been asked for.
    Progress {
        /// How many names are done.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// The cluster refused to answer for the moment; the question is asked again after this time.
    Refused(Duration),
    /// The next question waits this long, to keep to the rate.
    Waiting(Duration),
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
        let pace = Pace::new(options.per_minute, options.burst);
        Self { session, pace, options }
    }

    /// Returns the server.
    pub fn endpoint(&self) -> &Endpoint {
        self.session.endpoint()
    }

    /// Asks for the state of devices by name, as many as there are, one question after the other.
    ///
    /// `on_event` is told about progress and waits. Names that are given twice are asked for once.
    ///
    /// # Errors
    /// See [`RisError`]. Servers of the cluster that did not answer and totals that do not fit are no
    /// errors but told in [`RisAnswer`].
    pub async fn devices(
        &self,
        names: &[DeviceName],
        mut on_event: impl FnMut(RisEvent) + Send,
    ) -> Result<RisAnswer, RisError> {
        let mut seen = std::collections::HashSet::new();
        let names: Vec<DeviceName> = names.iter().filter(|n| seen.insert(*n)).cloned().collect();
        let size = self.options.names.clamp(1, MOST_NAMES);
        let mut open: VecDeque<&[DeviceName]> = names.chunks(size).collect();
        let mut answer = RisAnswer::default();
        let (mut done, total) = (0, names.len());
        while let Some(chunk) = open.pop_front() {
            let asked = self.ask_patiently(chunk, &mut on_event).await;
            // Rows that had no room in an answer, or made it break off, have room in two of them.
            let is_too_much = match &asked {
                Ok(page) => page.is_cut_off(),
                Err(error) => breaks_off(error),
            };
            if is_too_much && chunk.len() >= SMALLEST_SPLIT {
                let (first, second) = chunk.split_at(chunk.len() / 2);
                open.push_front(second);
                open.push_front(first);
                continue;
            }
            answer.merge(asked?);
            done += chunk.len();
            on_event(RisEvent::Progress { done, total });
        }
        Ok(answer)
    }

    async fn ask_patiently(
        &self,
        names: &[DeviceName],
        on_event: &mut (impl FnMut(RisEvent) + Send),
    ) -> Result<RisPage, RisError> {
        let mut delays = self.options.refused.random_delays();
        loop {
            self.pace.acquire(|wait| on_event(RisEvent::Waiting(wait))).await;
            let error = match self.ask(names).await {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            match &error {
                RisError::Soap { source: SoapError::RateLimited { per_minute }, .. } => {
                    if let Some(rate) = per_minute {
                        self.pace.slow_to(*rate);
                    }
                }
                RisError::Soap { source: SoapError::Throttled, .. } => {}
                RisError::NoResult { .. } | RisError::Session { .. } | RisError::Soap { .. } => {
                    return Err(error);
                }
            }
            let Some(delay) = delays.next() else { return Err(error) };
            on_event(RisEvent::Refused(delay));
            tokio::time::sleep(delay).await;
        }
    }

    async fn ask(&self, names: &[DeviceName]) -> Result<RisPage, RisError> {
        let endpoint = || self.endpoint().clone();
        let soap_error = |source| RisError::Soap { endpoint: endpoint(), source };
        let text = ris_envelope(OPERATION, &SelectCmDeviceExt::named(names)).map_err(soap_error)?;
        let answer = self.session.post(&headers(), Bytes::from(text), Intent::Read).await;
        let answer = answer.map_err(|source| RisError::Session { endpoint: endpoint(), source })?;
        // A thousand devices are about a megabyte: too much to read between two other tasks.
        let read = tokio::task::spawn_blocking(move || {
            read_answer::<SelectAnswer>(answer.status, answer.content_type.as_deref(), &answer.body)
                .map(SelectAnswer::into_page)
        });
        let page = read.await.unwrap_or_else(|stopped| {
            Err(SoapError::Malformed { reason: format!("its reading was stopped: {stopped}") })
        });
        page.map_err(soap_error)?.ok_or_else(|| RisError::NoResult { endpoint: endpoint() })
    }
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

/// Questions with fewer names are not split any more.
const SMALLEST_SPLIT: usize = 50;
