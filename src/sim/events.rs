//! What happens in the simulated cluster, as it happens: for `--record`, the page and the log.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt as _, BufWriter};
use tokio::sync::{broadcast, mpsc};
use tokio::time::Instant;

use super::history::{Fetch, Shown};
use super::phones::reply_wording::PushOutcome;
use crate::net::trace;

/// Something that happened. No variant holds a password.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SimEvent {
    /// The simulator started; the times of all events are counted from here.
    Started {
        /// When, by the clock.
        time: Timestamp,
        /// The version of the cluster.
        release: &'static str,
        /// How many devices it has.
        devices: usize,
    },
    /// The cluster answered a request.
    Request {
        /// `axl`, `risport`, `cucm-uds`, or `unknown` for a path that leads to none of them.
        service: &'static str,
        /// The operation; method and path where the request names none.
        operation: String,
        /// The user of the session or of the credentials. The log-in failed where `status` is 401.
        user: Option<String>,
        /// The HTTP status of the answer.
        status: u16,
    },
    /// A phone asked the authentication page.
    Authentication {
        /// The user whose password was checked.
        user: String,
        /// The phone.
        phone: String,
        /// Whether the page answered `AUTHORIZED`.
        authorized: bool,
    },
    /// A phone answered another request than a push: for a page or a screenshot, say.
    PhoneRequest {
        /// The phone.
        phone: String,
        /// Its address.
        address: Ipv4Addr,
        /// The method.
        method: String,
        /// Path and query.
        path: String,
        /// The user of the request; nothing where it had no credentials.
        user: Option<String>,
        /// Whether it came over HTTPS.
        secure: bool,
        /// The HTTP status of the answer.
        status: u16,
    },
    /// A phone answered `POST /CGI/Execute`.
    Push {
        /// The phone.
        phone: String,
        /// Its address.
        address: Ipv4Addr,
        /// The user of the request; nothing where it had no credentials.
        user: Option<String>,
        /// Whether it came over HTTPS.
        secure: bool,
        /// The object that it carried.
        xml: Option<String>,
        /// What the phone answered: `accepted`, `error N`, `HTTP N` or `unusable`.
        result: String,
        /// What it downloaded before it answered.
        downloads: Vec<Fetch>,
        /// The picture that it shows now.
        shows: Option<Shown>,
    },
    /// Something happened to the cluster that no request made.
    Change {
        /// What: `factory_reset`, say.
        change: &'static str,
        /// How much, how long, or what it is now.
        detail: Option<String>,
        /// The names of the phones or other objects that changed.
        objects: Vec<String>,
        /// The names of those for which it could not be done: the cluster does not have them, say, or has them already.
        not_done: Vec<String>,
    },
    /// A phone downloaded after it had answered.
    Downloaded {
        /// The phone.
        phone: String,
        /// What it downloaded.
        downloads: Vec<Fetch>,
        /// The picture that it shows now.
        shows: Option<Shown>,
    },
}

impl SimEvent {
    /// Blanks the secrets in the addresses of downloads.
    pub(crate) fn downloads(mut downloads: Vec<Fetch>) -> Vec<Fetch> {
        for fetch in &mut downloads {
            fetch.url = trace::without_secrets(&fetch.url);
        }
        downloads
    }

    pub(crate) fn result(outcome: PushOutcome) -> String {
        match outcome {
            PushOutcome::Accepted => "accepted".to_owned(),
            PushOutcome::Error(number) => format!("error {number}"),
            PushOutcome::Status(status) => format!("HTTP {status}"),
            PushOutcome::Unusable => "unusable".to_owned(),
        }
    }
}

/// An event as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    /// Seconds since the simulator started.
    at: f64,
    #[serde(flatten)]
    event: &'a SimEvent,
}

/// Passes events on: to the file of the record, to open pages and to the log. It keeps the last ones.
pub(crate) struct Events {
    begun: Instant,
    recent: Mutex<VecDeque<(f64, SimEvent)>>,
    file: Mutex<Option<mpsc::UnboundedSender<Arc<str>>>>,
    live: broadcast::Sender<Arc<str>>,
    has_file: AtomicBool,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            recent: Mutex::new(VecDeque::new()),
            file: Mutex::new(None),
            live: broadcast::channel(LIVE).0,
            has_file: AtomicBool::new(false),
        }
    }

    pub(crate) fn add(&self, event: SimEvent) {
        let at = (self.begun.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0;
        let is_written = self.has_file.load(Ordering::Relaxed)
            || self.live.receiver_count() > 0
            || tracing::enabled!(tracing::Level::INFO);
        if is_written {
            self.write(&Line { at, event: &event });
        }
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= RECENT {
            recent.pop_front();
        }
        recent.push_back((at, event));
    }

    fn write(&self, line: &Line<'_>) {
        // All fields are texts, numbers and lists of them, so this cannot fail.
        let line = serde_json::to_string(line).unwrap_or_default();
        tracing::info!("{line}");
        let line: Arc<str> = line.into();
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(file) = file {
            // The writer is gone once the file cannot be written; it has logged that.
            let _unwritten = file.send(Arc::clone(&line));
        }
        // No page is open: that is no error.
        let _unseen = self.live.send(line);
    }

    /// Returns the last events with their times, newest first.
    pub(crate) fn recent(&self) -> Vec<(f64, SimEvent)> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.iter().rev().cloned().collect()
    }

    /// Lets a page see what happens from now on.
    pub(crate) fn watch(&self) -> broadcast::Receiver<Arc<str>> {
        self.live.subscribe()
    }

    /// Ends the file: what was added is written, and nothing more.
    pub(crate) fn end(&self) {
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Writes all events from now on into a file that it makes; the future ends with [`end`](Self::end).
    pub(crate) async fn record(
        &self,
        path: &Path,
    ) -> std::io::Result<impl Future<Output = ()> + use<>> {
        let file = File::create(path).await?;
        let (sender, mut lines) = mpsc::unbounded_channel::<Arc<str>>();
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        self.has_file.store(true, Ordering::Relaxed);
        let path = path.to_owned();
        Ok(async move {
            let mut file = BufWriter::new(file);
            while let Some(line) = lines.recv().await {
                let write = async {
                    file.write_all(line.as_bytes()).await?;
                    file.write_all(b"\n").await?;
                    // What is waiting goes with it.
                    if lines.is_empty() { file.flush().await } else { Ok(()) }
                };
                if let Err(error) = write.await {
                    tracing::warn!("the record {} ends here: {error}", path.display());
                    return;
                }
            }
        })
    }
}

/// How many events a page can be behind; then it misses some.
const LIVE: usize = 1_024;

/// How many events are kept for pages that are opened later.
const RECENT: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn event(operation: &str) -> SimEvent {
        let user = Some("simadmin".to_owned());
        SimEvent::Request { service: "axl", operation: operation.to_owned(), user, status: 200 }
    }

    #[tokio::test]
    async fn a_file_has_a_line_for_each_event() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.jsonl");
        let events = Events::new();
        events.add(event("before"));
        let writing = events.record(&path).await.unwrap();
        let writing = async {
            writing.await;
        };
        events.add(event("listPhone"));
        events.add(event("getUser"));
        events.end();
        events.add(event("after"));
        writing.await;
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[0]["operation"], "listPhone");
        assert_eq!((&lines[1]["kind"], &lines[1]["user"]), (&"request".into(), &"simadmin".into()));
    }

    #[test]
    fn the_last_events_are_kept() {
        let events = Events::new();
        for k in 0..=RECENT {
            events.add(event(&k.to_string()));
        }
        let recent = events.recent();
        assert_eq!(recent.len(), RECENT);
        let operation = |at: usize| {
            let SimEvent::Request { operation, .. } = &recent[at].1 else { panic!("{recent:?}") };
            operation.clone()
        };
        assert_eq!((operation(0), operation(RECENT - 1)), (RECENT.to_string(), "1".to_owned()));
    }

    #[tokio::test]
    async fn a_page_sees_what_happens_while_it_is_open() {
        let events = Events::new();
        let mut page = events.watch();
        events.add(event("listPhone"));
        assert!(page.recv().await.unwrap().contains("listPhone"));
    }
}
