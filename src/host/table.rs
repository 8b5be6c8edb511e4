//! Which pictures are published for whom, and what has been fetched of them.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::domain::device_name::DeviceName;
use crate::domain::model::PushSchema;
use crate::host::{Ending, HostError};
use crate::media::{PreparedImage, Tone};

/// The unguessable part of one phone's addresses.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Token(Arc<str>);

impl Token {
    /// Draws 96 random bits; in the 64 letters of URLs that is 16 characters.
    fn draw() -> Result<Self, HostError> {
        let mut bits = [0; 12];
        getrandom::fill(&mut bits)
            .map_err(|error| HostError::NoRandomness { why: error.to_string() })?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bits).into()))
    }

    /// Returns the token as it stands in the URLs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Token {
    /// Lets a table of tokens be searched for what stands in a path.
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.0)
    }
}

/// Which of a phone's two files.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Which {
    /// The background itself.
    Background,
    /// The preview for the phone's menu.
    Thumbnail,
    /// A ring tone, which is one file only.
    RingTone,
}

/// Where one phone finds its ring tone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishedTone {
    /// The address of the tone.
    pub url: String,
    /// What to ask the host for later.
    pub token: Token,
}

/// Where one phone finds its files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishedUrls {
    /// The address of the background.
    pub image_url: String,
    /// The address of the thumbnail.
    pub thumbnail_url: String,
    /// What to ask the host for later.
    pub token: Token,
}

/// One request for a published file.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// The addresses that were used.
    pub token: Token,
    /// The phone that they were made for.
    pub device: DeviceName,
    /// Which file was asked for.
    pub which: Which,
    /// Where the request came from; behind NAT that is not the phone's own address.
    pub peer: SocketAddr,
    /// Whether only the header was asked for (`HEAD`), which is no download.
    pub head_only: bool,
    /// The HTTP status that was answered.
    pub status: u16,
    /// Bytes of the file that left this program.
    pub bytes: u64,
    /// Bytes of the whole file.
    pub length: u64,
    /// How it ended.
    pub ending: Ending,
    /// When the connection was accepted.
    pub at: Timestamp,
    /// From there until the end was known.
    pub took: Duration,
}

impl Fetch {
    /// Says whether the client has got the whole file.
    pub fn complete(&self) -> bool {
        !self.head_only
            && self.status == 200
            && self.ending == Ending::Complete
            && self.bytes == self.length
    }
}

/// What one phone has downloaded so far. A ring tone is one file, so both parts say the same of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FetchState {
    /// Whether the background was downloaded completely.
    pub image: bool,
    /// Whether the thumbnail was downloaded completely.
    pub thumbnail: bool,
    /// The most bytes of the background that were sent in one request.
    pub image_bytes: u64,
    /// The most bytes of the thumbnail that were sent in one request.
    pub thumbnail_bytes: u64,
    /// Requests of any kind.
    pub requests: u32,
    /// Where the last request came from.
    pub peer: Option<SocketAddr>,
}

impl FetchState {
    /// Says whether both files were downloaded completely.
    pub fn complete(&self) -> bool {
        self.image && self.thumbnail
    }

    fn add(&mut self, fetch: &Fetch) {
        self.requests = self.requests.saturating_add(1);
        self.peer = Some(fetch.peer);
        let (complete, bytes) = match fetch.which {
            Which::Background => (&mut self.image, &mut self.image_bytes),
            Which::Thumbnail => (&mut self.thumbnail, &mut self.thumbnail_bytes),
            Which::RingTone => {
                self.thumbnail |= fetch.complete();
                self.thumbnail_bytes = self.thumbnail_bytes.max(fetch.bytes);
                (&mut self.image, &mut self.image_bytes)
            }
        };
        *complete |= fetch.complete();
        *bytes = (*bytes).max(fetch.bytes);
    }
}

/// A request for something that is not published.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stray {
    /// Where it came from.
    pub peer: SocketAddr,
    /// The beginning of the path that was asked for.
    pub path: String,
    /// The HTTP status that was answered.
    pub status: u16,
}

/// The requests for what is not published; many of them mean mangled addresses.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Strays {
    /// All of them.
    pub count: u64,
    /// The last few, oldest first.
    pub last: VecDeque<Stray>,
}

/// A published file that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) token: Token,
    pub(super) device: DeviceName,
    pub(super) which: Which,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
}

/// Everything the server knows; shared by all its connections.
#[derive(Debug, Default)]
pub(super) struct Table(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    published: HashMap<Token, Entry>,
    strays: Strays,
}

#[derive(Debug)]
struct Entry {
    device: DeviceName,
    files: Vec<File>,
    state: watch::Sender<FetchState>,
    fetches: Vec<Fetch>,
}

/// A file of one phone; its bytes are shared by all phones that get the same.
#[derive(Debug)]
struct File {
    name: Box<str>,
    which: Which,
    content_type: &'static str,
    body: Bytes,
}

impl Table {
    pub(super) fn publish(
        &self,
        base: &str,
        device: &DeviceName,
        prepared: &PreparedImage,
        schema: PushSchema,
        picture_name: &str,
    ) -> Result<PublishedUrls, HostError> {
        let token = Token::draw()?;
        let (image_file, thumbnail_file) = file_names(schema, picture_name);
        let url = |file: &str| format!("{base}/{}/{file}", token.as_str());
        let urls = PublishedUrls {
            image_url: url(&image_file),
            thumbnail_url: url(&thumbnail_file),
            token: token.clone(),
        };
        let file = |name: String, which, body: &Bytes| File {
            name: name.into(),
            which,
            content_type: "image/png",
            body: body.clone(),
        };
        let files = vec![
            file(image_file, Which::Background, &prepared.background.png),
            file(thumbnail_file, Which::Thumbnail, &prepared.thumbnail.png),
        ];
        self.insert(token, device, files);
        Ok(urls)
    }

    pub(super) fn publish_tone(
        &self,
        base: &str,
        device: &DeviceName,
        tone: &Tone,
    ) -> Result<PublishedTone, HostError> {
        let token = Token::draw()?;
        let name = format!("r.{}", tone.format.extension());
        let url = format!("{base}/{}/{name}", token.as_str());
        // No type is known for these files; phones tell them by their names.
        let content_type = "application/octet-stream";
        let body = tone.bytes.clone();
        let file = File { name: name.into(), which: Which::RingTone, content_type, body };
        self.insert(token.clone(), device, vec![file]);
        Ok(PublishedTone { url, token })
    }

    fn insert(&self, token: Token, device: &DeviceName, files: Vec<File>) {
        let state = watch::Sender::new(FetchState::default());
        let entry = Entry { device: device.clone(), files, state, fetches: Vec::new() };
        self.lock().published.insert(token, entry);
    }

    pub(super) fn retire(&self, token: &Token) -> FetchState {
        let entry = self.lock().published.remove(token);
        entry.map_or_else(FetchState::default, |entry| *entry.state.borrow())
    }

    /// Finds the file under this path, which must be exactly `/token/file`.
    pub(super) fn find(&self, path: &str) -> Option<Hit> {
        let (token, file) = path.strip_prefix('/')?.split_once('/')?;
        let inner = self.lock();
        let (token, entry) = inner.published.get_key_value(token)?;
        let hit = entry.files.iter().find(|known| *known.name == *file).map(|file| Hit {
            token: token.clone(),
            device: entry.device.clone(),
            which: file.which,
            content_type: file.content_type,
            body: file.body.clone(),
        });
        drop(inner);
        hit
    }

    pub(super) fn record(&self, fetch: Fetch) {
        let mut inner = self.lock();
        // A download that ends after its picture was retired proves nothing to anybody any more.
        if let Some(entry) = inner.published.get_mut(&fetch.token) {
            entry.state.send_modify(|state| state.add(&fetch));
            if entry.fetches.len() < MOST_FETCHES {
                entry.fetches.push(fetch);
            }
        }
    }

    pub(super) fn record_stray(&self, stray: Stray) {
        let mut inner = self.lock();
        inner.strays.count += 1;
        if inner.strays.last.len() == MOST_STRAYS {
            inner.strays.last.pop_front();
        }
        inner.strays.last.push_back(stray);
    }

    pub(super) fn strays(&self) -> Strays {
        self.lock().strays.clone()
    }

    pub(super) fn fetches(&self, token: &Token) -> Vec<Fetch> {
        self.lock().published.get(token).map_or_else(Vec::new, |entry| entry.fetches.clone())
    }

    pub(super) fn watch(&self, token: &Token) -> Option<watch::Receiver<FetchState>> {
        self.lock().published.get(token).map(|entry| entry.state.subscribe())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change under the lock is one step, so a panic elsewhere leaves nothing half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// PhoneOS names its TFTP files `wallpaper-*.png` and `thumbnail-*.png` with letters and digits, and
/// Cisco's examples of a push do so too; the older object has no such rule, and shorter is better.
fn file_names(schema: PushSchema, picture_name: &str) -> (String, String) {
    match schema {
        PushSchema::Classic => ("w.png".to_owned(), "t.png".to_owned()),
        PushSchema::PhoneOs => {
            let plain = picture_name.chars().filter(char::is_ascii_alphanumeric);
            let mut name: String = plain.take(LONGEST_NAME).collect();
            if name.is_empty() {
                name.push_str("picture");
            }
            (format!("wallpaper-{name}.png"), format!("thumbnail-{name}.png"))
        }
    }
}

/// Longest part of a picture's name in an address, in characters; the push object has little room.
const LONGEST_NAME: usize = 24;

/// How many requests for one phone's files are kept one by one.
const MOST_FETCHES: usize = 32;

/// How many requests for unknown paths are kept one by one.
const MOST_STRAYS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_suit_the_phone() {
        let names = |schema, name| file_names(schema, name).0;
        assert_eq!(names(PushSchema::Classic, "Sunset"), "w.png");
        assert_eq!(names(PushSchema::PhoneOs, "Sun set/../ü&1"), "wallpaper-Sunset1.png");
        assert_eq!(names(PushSchema::PhoneOs, "夕焼け"), "wallpaper-picture.png");
        let long = file_names(PushSchema::PhoneOs, &"x".repeat(999)).1;
        assert_eq!(long, format!("thumbnail-{}.png", "x".repeat(24)));
    }

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let tokens: std::collections::HashSet<_> =
            (0..1_000).map(|_| Token::draw().unwrap()).collect();
        assert_eq!(tokens.len(), 1_000);
        for token in tokens {
            assert_eq!(token.as_str().len(), 16);
            assert!(
                token.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            );
        }
    }
}
