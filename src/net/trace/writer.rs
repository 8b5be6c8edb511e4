//! The folder of a trace, and the thread that writes into it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::text::escaped_json;
use crate::net::trace::address::without_secrets;
use crate::net::trace::exchange::{Exchange, Request};
use crate::net::trace::guard::ExchangeGuard;
use crate::net::trace::queue::{MOST_WAITING, Message, TraceQueue};
use crate::net::trace::redact::{SecretScrubber, redact};

#[derive(Debug)]
pub struct Trace {
    path: PathBuf,
    desk: Arc<TraceQueue>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceSummary {
    pub path: PathBuf,
    pub exchanges: u64,
    /// How many are missing, because they came faster than they could be written.
    pub missing: u64,
    /// Why the trace ended before its time.
    pub failure: Option<String>,
}

impl Trace {
    /// Makes a new folder inside `folder`, which is made too where it is not there, and starts to write.
    /// Readable for its owner only.
    pub fn start(folder: &Path) -> io::Result<Self> {
        make_folder(folder, true)?;
        let path = new_folder(folder)?;
        let index = new_file(&path.join("index.ndjson"))?;
        let (sender, receiver) = sync_channel(MOST_WAITING);
        let desk = Arc::new(TraceQueue {
            sender,
            waiting_bytes: AtomicUsize::new(0),
            written: AtomicU64::new(0),
            missing: AtomicU64::new(0),
            failure: Mutex::new(None),
            hidden: Mutex::new(SecretScrubber::default()),
        });
        let writer = Writer { path: path.clone(), index, desk: desk.clone() };
        std::thread::Builder::new()
            .name("trace".to_owned())
            .spawn(move || writer.run(&receiver))?;
        Ok(Self { path, desk })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn watch(&self, request: Request) -> ExchangeGuard {
        ExchangeGuard::new(request, self.desk.clone())
    }

    /// Keeps this text out of the trace.
    pub fn hide(&self, secret: &str) {
        self.desk.hidden.lock().unwrap_or_else(PoisonError::into_inner).add(secret);
    }

    /// Writes what is still to be written, for `limit` at most.
    pub fn finish(&self, limit: Duration) -> TraceSummary {
        let (done, is_done) = sync_channel(1);
        // A thread that is gone, or that a disk holds up, is not waited for.
        if self.desk.sender.try_send(Message::Finish(done)).is_ok() {
            let _late_or_done = is_done.recv_timeout(limit);
        }
        TraceSummary {
            path: self.path.clone(),
            exchanges: self.desk.written.load(Ordering::SeqCst),
            missing: self.desk.missing.load(Ordering::SeqCst),
            failure: self.desk.failure.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

struct Writer {
    path: PathBuf,
    index: File,
    desk: Arc<TraceQueue>,
}

impl Writer {
    fn run(mut self, receiver: &Receiver<Message>) {
        let mut number = 0;
        for message in receiver {
            let exchange = match message {
                Message::Exchange(exchange) => exchange,
                Message::Finish(done) => {
                    // The caller may have stopped waiting.
                    let _gone = done.try_send(());
                    continue;
                }
            };
            number += 1;
            let size = exchange.size();
            self.keep(number, &exchange);
            self.desk.waiting_bytes.fetch_sub(size, Ordering::SeqCst);
        }
    }

    /// Writes one exchange, unless writing has failed before.
    fn keep(&mut self, number: u64, exchange: &Exchange) {
        let failed = self.desk.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if failed {
            self.desk.missing.fetch_add(1, Ordering::SeqCst);
            return;
        }
        match self.write(number, exchange) {
            Ok(()) => {
                self.desk.written.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => {
                self.desk.missing.fetch_add(1, Ordering::SeqCst);
                let folder = self.path.display();
                tracing::warn!(%folder, %error, "the trace ends here; the run continues");
                let mut failure = self.desk.failure.lock().unwrap_or_else(PoisonError::into_inner);
                *failure = Some(error.to_string());
            }
        }
    }

    fn write(&mut self, number: u64, exchange: &Exchange) -> io::Result<()> {
        let request = &exchange.request;
        let name = format!("{number:06}-{}-{}.txt", request.to, word(&request.operation));
        let clean =
            |text: &str| self.desk.hidden.lock().unwrap_or_else(PoisonError::into_inner).hide(text);
        let text = clean(&exchange.text(number));
        let line = Line {
            number,
            began_at: exchange.began_at,
            to: request.to,
            method: &request.method,
            url: &without_secrets(&request.url),
            operation: &request.operation,
            status: exchange.answer.as_ref().map(|(status, _)| *status),
            bytes: exchange.body_bytes,
            ms: u64::try_from(exchange.took.as_millis()).unwrap_or(u64::MAX),
            ended: &without_secrets(&redact(&exchange.ended)),
            file: &name,
        };
        let line = escaped_json(&clean(&serde_json::to_string(&line)?)).into_owned();
        let mut file = new_file(&self.path.join(&name))?;
        file.write_all(text.as_bytes())?;
        self.index.write_all((line + "\n").as_bytes())
    }
}

#[derive(Serialize)]
struct Line<'a> {
    number: u64,
    began_at: Timestamp,
    to: &'static str,
    method: &'a str,
    url: &'a str,
    operation: &'a str,
    status: Option<u16>,
    bytes: usize,
    ms: u64,
    ended: &'a str,
    file: &'a str,
}

/// Returns the part of a word that a file name may contain.
fn word(text: &str) -> String {
    let word: String = text.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    if word.is_empty() { "exchange".to_owned() } else { word }
}

/// Makes a folder that is named by the time, and by a number where that is taken.
fn new_folder(inside: &Path) -> io::Result<PathBuf> {
    let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    for number in 1.. {
        let path = inside.join(format!("{stamp}-{number}"));
        match make_folder(&path, false) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MOST_FOLDERS => {
            }
            made => return made.map(|()| path),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(unix)]
fn make_folder(path: &Path, with_parents: bool) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).recursive(with_parents).create(path)
}

#[cfg(not(unix))]
fn make_folder(path: &Path, with_parents: bool) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(with_parents).create(path)
}

fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// How many traces may begin in one second.
const MOST_FOLDERS: u32 = 1000;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn request(body: &str) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic c2VjcmV0"));
        Request {
            to: "cluster",
            method: "POST".to_owned(),
            url: "https://pub:8443/axl/".to_owned(),
            operation: "../getPhone".to_owned(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn files(path: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(path).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn exchanges_become_numbered_files_and_lines_of_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let trace = Trace::start(&folder.path().join("a/b")).unwrap();
        trace.hide("correct horse");
        let mut whole = trace.watch(request("<password>x1y2z3</password>"));
        whole.answered(200, &HeaderMap::new());
        whole.body(b"<a>correct horse \x1b[31m</a>");
        whole.ended(Ok::<(), String>(()));
        drop(whole);
        drop(trace.watch(request("")));
        let kept = trace.finish(LIMIT);
        assert_eq!((kept.exchanges, kept.missing, kept.failure), (2, 0, None));
        assert_eq!(
            files(trace.path()),
            ["000001-cluster-getPhone.txt", "000002-cluster-getPhone.txt", "index.ndjson"]
        );
        let text =
            std::fs::read_to_string(trace.path().join("000001-cluster-getPhone.txt")).unwrap();
        assert!(text.contains("<password>(hidden)</password>"), "{text}");
        assert!(text.contains("authorization: Basic (hidden)") && text.contains("< 200"), "{text}");
        for secret in ["x1y2z3", "c2VjcmV0", "correct horse", "\u{1b}"] {
            assert!(!text.contains(secret), "{secret:?} {text}");
        }
        let index = std::fs::read_to_string(trace.path().join("index.ndjson")).unwrap();
        let lines: Vec<serde_json::Value> =
            index.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            (lines[0]["ended"].as_str(), lines[0]["status"].as_u64()),
            (Some("complete"), Some(200))
        );
        assert_eq!(lines[1]["ended"], "was cut off");
        assert_eq!(lines[1]["file"], "000002-cluster-getPhone.txt");
    }

    #[test]
    fn a_long_body_is_cut_and_its_secrets_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let trace = Trace::start(folder.path()).unwrap();
        let mut watched = trace.watch(request(""));
        watched.answered(200, &HeaderMap::new());
        let mut body = vec![b' '; crate::net::trace::exchange::MOST_BYTES - 15];
        body.extend_from_slice(b"<password>s3cret and more</password>");
        watched.body(&body);
        drop(watched);
        assert_eq!(trace.finish(LIMIT).exchanges, 1);
        let path = trace.path().join("000001-cluster-getPhone.txt");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("<password>(hidden)") && text.contains("more bytes"));
        assert!(!text.contains("s3cre"));
    }

    #[test]
    fn a_folder_that_takes_no_more_ends_the_trace_only() {
        let folder = tempfile::tempdir().unwrap();
        let trace = Trace::start(folder.path()).unwrap();
        std::fs::remove_dir_all(trace.path()).unwrap();
        drop(trace.watch(request("")));
        drop(trace.watch(request("")));
        let kept = trace.finish(LIMIT);
        assert_eq!((kept.exchanges, kept.missing), (0, 2));
        assert!(kept.failure.is_some());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let trace = Trace::start(&folder.path().join("new")).unwrap();
        drop(trace.watch(request("")));
        trace.finish(LIMIT);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path().join("new")), 0o700);
        assert_eq!(mode(trace.path()), 0o700);
        for file in files(trace.path()) {
            assert_eq!(mode(&trace.path().join(&file)), 0o600, "{file}");
        }
    }
}
