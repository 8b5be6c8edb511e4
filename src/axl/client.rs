//! The session with the publisher's AXL service.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::FuturesOrdered;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::zeroize::Zeroizing;
use tokio::sync::Semaphore;

use crate::domain::text::UnreadableField;
use crate::net::client::{ClusterHttp, HttpAnswer};
use crate::net::credentials::Credentials;
use crate::net::endpoint::Endpoint;
use crate::net::retry::{Delays, RetryPolicy};
use crate::net::session::{Intent, Session};
use crate::soap::error::SoapError;

use super::error::AxlError;
use super::operation::{Operation, envelope, read_noting_unreadable};
use super::paging::{FIRST_PAGE, LARGEST_PAGE, Listing, PageRefusal, Pager};
use super::request::{List, Row};
use super::system::{CcmVersion, GetCcmVersion};
use super::version::{AxlVersion, VersionError};

/// How an [`AxlClient`] behaves.
#[derive(Clone)]
pub struct AxlOptions {
    /// The version to use; found from the version of the server otherwise.
    pub version: Option<AxlVersion>,
    /// How many rows the first page of a list has.
    pub first_page: u64,
    /// How long to wait after HTTP 503.
    pub throttled: RetryPolicy,
    /// How long to wait while AXL has no memory left, or rows of the database are locked.
    pub memory: RetryPolicy,
    /// How long to wait before a read is asked again whose connection broke.
    pub broken: RetryPolicy,
    /// How long to wait for a server that has answered before and is away.
    pub away: RetryPolicy,
    pub on_wait: Option<WaitObserver>,
}

/// Observes waits: the operation, the error that made it necessary, and how long it takes.
pub type WaitObserver = Arc<dyn Fn(&'static str, &AxlError, Duration) + Send + Sync>;

impl Default for AxlOptions {
    fn default() -> Self {
        Self {
            version: None,
            first_page: FIRST_PAGE,
            throttled: RetryPolicy::THROTTLED,
            memory: RetryPolicy::MEMORY,
            broken: RetryPolicy::BROKEN,
            away: RetryPolicy::AWAY,
            on_wait: None,
        }
    }
}

impl fmt::Debug for AxlOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AxlOptions")
            .field("version", &self.version)
            .field("first_page", &self.first_page)
            .field("throttled", &self.throttled)
            .field("memory", &self.memory)
            .field("broken", &self.broken)
            .field("away", &self.away)
            .finish_non_exhaustive()
    }
}

/// A session with AXL. At most two reads and one write are in flight at any time, because AXL shares
/// one memory among all its clients and its writes must not overtake each other.
#[derive(Debug)]
pub struct AxlClient {
    session: Session,
    options: AxlOptions,
    server_version: String,
    version: Mutex<AxlVersion>,
    reads: Semaphore,
    writes: Semaphore,
    /// Fields that could not be read completely, since they were last asked for.
    unreadable: Mutex<BTreeSet<UnreadableField>>,
}

impl AxlClient {
    /// Connects: asks for the server's version, which also shows whether user and password are right,
    /// and chooses the version of AXL to use.
    ///
    /// # Errors
    /// When the server cannot be reached or trusted, refuses the user, or is too old.
    pub async fn connect(
        http: ClusterHttp,
        endpoint: Endpoint,
        credentials: Credentials,
        options: AxlOptions,
    ) -> Result<Self, AxlError> {
        let session = Session::new(http, endpoint, PATH, credentials);
        let mut client = Self {
            session,
            version: Mutex::new(options.version.unwrap_or(AxlVersion::V15_0)),
            options,
            server_version: String::new(),
            reads: Semaphore::new(READS_AT_ONCE),
            writes: Semaphore::new(1),
            unreadable: Mutex::default(),
        };
        let answer = match client.options.version {
            Some(forced) => client.request_version(RequestVersion::Of(forced)).await?,
            None => client.probe().await?,
        };
        answer.version().clone_into(&mut client.server_version);
        if client.options.version.is_none() {
            let chosen = AxlVersion::for_server(answer.version())
                .map_err(|source| client.version_error(source))?;
            client.set_version(chosen);
        }
        Ok(client)
    }

    /// Returns the version of the server, such as `14.0.1.10000-20`.
    pub fn server_version(&self) -> &str {
        &self.server_version
    }

    /// Returns the version of AXL that is used.
    pub fn version(&self) -> AxlVersion {
        // The lock guards one small value, which no panic leaves half-written.
        *self.version.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the fields that could not be read completely since the last call of this.
    pub fn take_unreadable(&self) -> BTreeSet<UnreadableField> {
        // No panic leaves a set half-written.
        std::mem::take(&mut *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn endpoint(&self) -> &Endpoint {
        self.session.endpoint()
    }

    /// Returns the name of the user of this session.
    pub fn username(&self) -> &str {
        self.session.username()
    }

    /// Calls an operation and waits for its answer.
    ///
    /// HTTP 503 is waited out, for writes too, because then nothing has been done. So is a server that has answered
    /// before and is away: a closed port, HTTP 404. A read also waits until AXL has memory again or the database has
    /// released its locks, and is asked again when its connection breaks. A write that may have been carried out is
    /// never repeated here.
    ///
    /// # Errors
    /// See [`AxlError`]; a fault of the server is an error.
    pub async fn call<O: Operation>(&self, request: &O) -> Result<O::Output, AxlError> {
        let mut memory = self.options.memory.random_delays();
        let mut broken = self.options.broken.random_delays();
        let mut away = self.options.away.random_delays();
        let mut attempts = 0;
        loop {
            let error = match self.call_once(request).await {
                Ok(answer) => return Ok(answer),
                Err(error) if O::INTENT == Intent::Write => return Err(error),
                Err(error) => error.after(attempts),
            };
            attempts = error.attempts();
            if error.is_busy() {
                self.wait_or(error, O::NAME, &mut memory, None).await?;
            } else if error.is_broken_off() {
                if let Err(error) = self.wait_or(error, O::NAME, &mut broken, None).await {
                    self.wait_or_away(error, O::NAME, &mut away, None).await?;
                }
            } else {
                return Err(error);
            }
        }
    }

    /// Waits for a server that has answered before and is away; gives any other error back.
    async fn wait_or_away(
        &self,
        error: AxlError,
        operation: &'static str,
        away: &mut Delays,
        retry_after: Option<Duration>,
    ) -> Result<(), AxlError> {
        if !error.is_outage() || !self.session.has_answered() {
            return Err(error);
        }
        self.wait_or(error, operation, away, retry_after).await
    }

    /// Reads a whole list, page by page; `progress` is called with the number of rows so far.
    ///
    /// # Errors
    /// See [`AxlError`]. A list that could not be read to its end is no error:
    /// see [`Listing::complete`].
    pub async fn list<R: Row>(
        &self,
        request: List<R>,
        progress: impl FnMut(usize) + Send,
    ) -> Result<Listing<R>, AxlError> {
        let first = self.options.first_page;
        self.read_pages(request, Pager::new(first, first.max(LARGEST_PAGE)), 0, progress).await
    }

    /// Reads a list that has about `expected` rows: as long as more are expected, the next page is asked
    /// for while one is still being read.
    pub async fn list_expecting<R: Row>(
        &self,
        request: List<R>,
        expected: usize,
        progress: impl FnMut(usize) + Send,
    ) -> Result<Listing<R>, AxlError> {
        let first = self.options.first_page;
        let pager = Pager::new(first, first.max(LARGEST_PAGE));
        let expected = u64::try_from(expected).unwrap_or(u64::MAX);
        self.read_pages(request, pager, expected, progress).await
    }

    /// Reads a list in one answer where the server accepts that, otherwise in pages of at most `rows`.
    pub async fn list_at_once<R: Row>(
        &self,
        request: List<R>,
        rows: u64,
    ) -> Result<Listing<R>, AxlError> {
        self.read_pages(request, Pager::new(rows, rows), 0, |_| {}).await
    }

    async fn read_pages<R: Row>(
        &self,
        request: List<R>,
        mut pager: Pager<R>,
        expected: u64,
        mut progress: impl FnMut(usize) + Send,
    ) -> Result<Listing<R>, AxlError> {
        let mut memory = self.options.memory.random_delays();
        let mut broken = self.options.broken.random_delays();
        let mut attempts = 0;
        let mut asked = FuturesOrdered::new();
        while !pager.is_done() {
            while asked.is_empty() || (asked.len() < READS_AT_ONCE && pager.asked() < expected) {
                let page = pager.next_page();
                let mut request = request.clone();
                request.set_page(page);
                asked.push_back(async move { (page, self.call_once(&request).await) });
            }
            let Some((page, answer)) = asked.next().await else { break };
            let error = match answer {
                Ok(rows) => {
                    pager.accept(page, rows, R::key);
                    progress(pager.count());
                    memory = self.options.memory.random_delays();
                    broken = self.options.broken.random_delays();
                    attempts = 0;
                    continue;
                }
                Err(error) => error.after(attempts),
            };
            attempts = error.attempts();
            // What was asked for behind this page began where this one should have ended.
            asked = FuturesOrdered::new();
            let why = match error.soap() {
                Some(SoapError::TooLarge { suggested, .. }) => PageRefusal::TooLarge(*suggested),
                Some(_) | None => PageRefusal::Unavailable,
            };
            if matches!(error.soap(), Some(SoapError::DatabaseBusy(_))) {
                pager.repeat(page);
            } else if error.wants_smaller_page() {
                // A page of one row that breaks off is asked for again as it is.
                if !pager.shrink(page, why) {
                    if !error.is_broken_off() {
                        return Err(error);
                    }
                    pager.repeat(page);
                }
            } else {
                return Err(error);
            }
            if error.is_busy() {
                self.wait_or(error, R::LIST, &mut memory, None).await?;
            } else if error.is_broken_off() {
                // A server that breaks connections off needs a pause before the next request.
                self.wait_or(error, R::LIST, &mut broken, None).await?;
            }
        }
        Ok(pager.finish())
    }

    /// Calls once; only what means that the server has done nothing is dealt with here: HTTP 503, HTTP 599, and a
    /// server that is away. To a read, a page of HTML with HTTP 500 to 504 is that too.
    async fn call_once<O: Operation>(&self, request: &O) -> Result<O::Output, AxlError> {
        let gate = match O::INTENT {
            Intent::Read => &self.reads,
            Intent::Write => &self.writes,
        };
        // The semaphore is never closed, so this always gets a permit.
        let _permit = gate.acquire().await.ok();
        let mut throttled = self.options.throttled.random_delays();
        let mut away = self.options.away.random_delays();
        let mut tried = Vec::new();
        let mut attempts = 0;
        loop {
            let version = self.version();
            let asked = self.send(request, RequestVersion::Of(version)).await;
            let error = match asked.answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error.after(attempts),
            };
            attempts = error.attempts();
            match error.soap() {
                Some(SoapError::Throttled { .. }) => {
                    self.wait_or(error, O::NAME, &mut throttled, asked.retry_after).await?;
                }
                Some(SoapError::VersionNotSupported { supported })
                    if self.options.version.is_none() =>
                {
                    tried.push(version);
                    let next = alternatives(supported).find(|other| !tried.contains(other));
                    let Some(next) = next else { return Err(error) };
                    tracing::debug!(%version, %next, "the server wants another version of AXL");
                    self.set_version(next);
                }
                // A connection that broke is dealt with by the caller, who knows what was asked for.
                Some(_) | None if error.is_broken_off() || error.is_outcome_unknown() => {
                    return Err(error);
                }
                Some(_) | None => {
                    self.wait_or_away(error, O::NAME, &mut away, asked.retry_after).await?;
                }
            }
        }
    }

    /// Requests the version without knowing any: in the namespace 1.0, which every server answers with
    /// the oldest version that it knows; failing that, in those that it names.
    async fn probe(&self) -> Result<CcmVersion, AxlError> {
        let first = self.request_version(RequestVersion::Oldest).await;
        let Err(error) = &first else { return first };
        let Some(SoapError::VersionNotSupported { supported }) = error.soap() else {
            return first;
        };
        let named: Vec<_> = alternatives(supported).collect();
        if named.is_empty() {
            let source = VersionError::TooOld(format!("with AXL {}", supported.join(", ")));
            return Err(self.version_error(source));
        }
        let mut last = first;
        for version in named {
            last = self.request_version(RequestVersion::Of(version)).await;
            match &last {
                Err(error)
                    if matches!(error.soap(), Some(SoapError::VersionNotSupported { .. })) => {}
                Ok(_) | Err(_) => break,
            }
        }
        last
    }

    /// Requests the version and waits while the server is busy.
    ///
    /// A server that has never answered may not be one of the cluster at all, so other trouble is given little time.
    async fn request_version(&self, version: RequestVersion) -> Result<CcmVersion, AxlError> {
        let mut throttled = self.options.throttled.random_delays();
        let mut passing = self.options.broken.random_delays().take(FIRST_CONTACT_RETRIES);
        let mut attempts = 0;
        loop {
            let asked = self.send(&GetCcmVersion {}, version).await;
            let error = match asked.answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error.after(attempts),
            };
            attempts = error.attempts();
            let delay = match error.soap() {
                Some(SoapError::Throttled { .. }) => throttled.next_at_least(asked.retry_after),
                Some(
                    SoapError::DatabaseBusy(_)
                    | SoapError::MemoryExhausted(_)
                    | SoapError::NotSoap { status: 408 | 500..=504, .. }
                    | SoapError::Truncated { .. },
                ) => passing.next(),
                Some(_) | None => None,
            };
            self.wait(error, GetCcmVersion::NAME, delay).await?;
        }
    }

    /// Sends one request and reads its answer.
    async fn send<O: Operation>(&self, request: &O, version: RequestVersion) -> Sent<O::Output> {
        let writes = O::INTENT == Intent::Write;
        let answered_before = self.session.has_answered();
        let soap_error = |source| AxlError::Soap {
            endpoint: self.endpoint().clone(),
            operation: O::NAME,
            writes,
            attempts: 1,
            answered_before,
            source,
        };
        let text = match envelope(version.namespace(), request) {
            Ok(text) => text,
            Err(error) => return Sent { answer: Err(soap_error(error)), retry_after: None },
        };
        let headers = version.headers(O::NAME);
        // Zeroed after use: a request can hold a password.
        let body = Bytes::from_owner(Zeroizing::new(text));
        match self.session.post(&headers, body, O::INTENT).await {
            Ok(answer) => {
                let retry_after = answer.retry_after;
                let answer = parse::<O>(answer).await.map(|(output, unreadable)| {
                    let mut all = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
                    all.extend(unreadable);
                    output
                });
                Sent { answer: answer.map_err(soap_error), retry_after }
            }
            Err(source) => {
                let endpoint = self.endpoint().clone();
                let error = AxlError::Session {
                    endpoint,
                    operation: O::NAME,
                    writes,
                    attempts: 1,
                    answered_before,
                    source,
                };
                Sent { answer: Err(error), retry_after: None }
            }
        }
    }

    /// Waits as the policy or the server demands, whichever is longer; gives the error back
    /// when the policy's budget is used up.
    async fn wait_or(
        &self,
        error: AxlError,
        operation: &'static str,
        delays: &mut Delays,
        retry_after: Option<Duration>,
    ) -> Result<(), AxlError> {
        self.wait(error, operation, delays.next_at_least(retry_after)).await
    }

    /// Waits, and reports that; gives the error back where there is nothing to wait for.
    async fn wait(
        &self,
        error: AxlError,
        operation: &'static str,
        delay: Option<Duration>,
    ) -> Result<(), AxlError> {
        let Some(delay) = delay else { return Err(error) };
        if let Some(observer) = &self.options.on_wait {
            observer(operation, &error, delay);
        }
        self.session.wait(delay).await;
        Ok(())
    }

    fn set_version(&self, version: AxlVersion) {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner) = version;
    }

    fn version_error(&self, source: VersionError) -> AxlError {
        AxlError::Version { endpoint: self.endpoint().clone(), source }
    }
}

struct Sent<T> {
    answer: Result<T, AxlError>,
    /// How long the server asks to wait before the next request (`Retry-After`).
    retry_after: Option<Duration>,
}

/// Reads an answer; a large one on a thread of its own, so that the others go on meanwhile.
async fn parse<O: Operation>(
    answer: HttpAnswer,
) -> Result<(O::Output, BTreeSet<UnreadableField>), SoapError> {
    let is_large = answer.body.len() > LARGE_ANSWER;
    let read = move || {
        read_noting_unreadable::<O>(answer.status, answer.content_type.as_deref(), &answer.body)
    };
    if !is_large {
        return read();
    }
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|stopped| {
        Err(SoapError::Malformed { reason: format!("its reading was stopped: {stopped}") })
    })
}

/// In which version a request is written.
#[derive(Clone, Copy, Debug)]
enum RequestVersion {
    /// Namespace 1.0 and no `SOAPAction`: the server takes the oldest version that it knows.
    Oldest,
    Of(AxlVersion),
}

impl RequestVersion {
    fn namespace(self) -> &'static str {
        match self {
            Self::Oldest => "1.0",
            Self::Of(version) => version.as_str(),
        }
    }

    fn headers(self, operation: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        headers.insert(ACCEPT, HeaderValue::from_static("text/xml"));
        if let Self::Of(version) = self {
            let action = format!("\"CUCM:DB ver={version} {operation}\"");
            if let Ok(action) = HeaderValue::from_str(&action) {
                headers.insert(HeaderName::from_static("soapaction"), action);
            }
        }
        headers
    }
}

/// Returns the versions to try after HTTP 599, the newest first; all, when the server names none.
fn alternatives(supported: &[String]) -> impl Iterator<Item = AxlVersion> + use<> {
    let named = if supported.is_empty() {
        AxlVersion::ALL.into_iter().rev().collect()
    } else {
        AxlVersion::among(supported)
    };
    named.into_iter()
}

const PATH: &str = "/axl/";
const READS_AT_ONCE: usize = 2;
/// How often the first request is sent again after an error page or a broken answer.
const FIRST_CONTACT_RETRIES: usize = 2;
/// Reading a megabyte takes about five milliseconds.
const LARGE_ANSWER: usize = 1024 * 1024;
