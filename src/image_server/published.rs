//! Which pictures are published for whom, and what has been fetched of them.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ipnet::IpNet;
use tokio::sync::watch;

use crate::domain::device_name::DeviceName;
use crate::domain::model::PushSchema;
use crate::domain::nat::{DownloadSources, SourceOf};
use crate::event::{Download, Downloads, Observer, OtherFile};
use crate::image_server::HostError;
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

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Token {
    /// Lets a table of tokens be searched for a part of a path.
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.0)
    }
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Which {
    Background,
    Thumbnail,
    RingTone,
    /// A file that was published by itself, for no particular phone.
    File,
}

impl Which {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Thumbnail => "thumbnail",
            Self::RingTone => "ring_tone",
            Self::File => "file",
        }
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishedTone {
    pub url: String,
    pub token: Token,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishedUrls {
    pub image_url: String,
    pub thumbnail_url: String,
    pub token: Token,
}

/// What one phone has downloaded so far. A ring tone is one file, so both parts say the same of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FetchState {
    pub image: bool,
    pub thumbnail: bool,
    /// Requests of any kind, from any address.
    pub requests: u32,
    pub downloads: Downloads,
}

impl FetchState {
    pub fn complete(&self) -> bool {
        self.image && self.thumbnail
    }

    /// Adds a request that came from such an address; `owner` is the phone that has it, if one has.
    fn add(
        &mut self,
        which: Which,
        download: &Download,
        source: SourceOf,
        owner: Option<&DeviceName>,
    ) {
        self.requests = self.requests.saturating_add(1);
        let peer = download.peer.ip().to_canonical();
        match source {
            SourceOf::Other if download.head_only => return,
            SourceOf::Other => {
                let seen = OtherFile {
                    file: which.as_str().to_owned(),
                    complete: download.complete,
                    bytes: download.bytes,
                    length: download.length,
                };
                return self.downloads.note_other(peer, owner, seen);
            }
            SourceOf::Phone | SourceOf::Nat(_) if !download.complete => return,
            SourceOf::Phone => {}
            SourceOf::Nat(rule) => self.downloads.note_nat(peer, rule),
        }
        match which {
            Which::Background => self.image = true,
            Which::Thumbnail => self.thumbnail = true,
            Which::RingTone => (self.image, self.thumbnail) = (true, true),
            Which::File => {}
        }
    }
}

#[derive(Clone)]
pub(crate) struct Watcher {
    pub(crate) observer: Arc<dyn Observer>,
    /// Whether anything was requested that was published in this name.
    pub(crate) requested: Arc<AtomicBool>,
}

impl Watcher {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        Self { observer, requested: Arc::default() }
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// The phone that something is published for.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    pub device: &'a DeviceName,
    /// From which addresses its downloads count.
    pub sources: &'a DownloadSources,
}

/// In whose name something is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    /// What addresses begin with.
    pub(crate) base: &'a str,
    pub(crate) watcher: &'a Watcher,
}

#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) token: Token,
    pub(crate) device: Option<DeviceName>,
    pub(crate) which: Which,
    pub(crate) file: Arc<str>,
    pub(crate) content: Bytes,
    pub(crate) content_type: &'static str,
    pub(crate) watcher: Watcher,
}

#[derive(Debug, Default)]
pub(crate) struct Table(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    published: HashMap<Token, Entry>,
    /// What may precede a file's own path: a proxy may strip it or not.
    bases: BTreeSet<String>,
    /// The phones that anything was ever published for, by their addresses.
    owners: HashMap<IpAddr, DeviceName>,
    /// The addresses that phones' addresses are translated to.
    translated: Vec<IpNet>,
}

impl Inner {
    fn know(&mut self, Recipient { device, sources }: Recipient<'_>) {
        self.owners.extend(sources.own().iter().map(|own| (*own, device.clone())));
        for net in sources.translated() {
            if !self.translated.contains(net) {
                self.translated.push(*net);
            }
        }
    }

    /// Takes note of a request for a published file. A download that ends after its picture was retired proves nothing.
    fn record(&mut self, token: &Token, which: Which, download: &Download) {
        let Some(entry) = self.published.get_mut(token) else { return };
        let peer = download.peer.ip().to_canonical();
        let source = entry.sources.as_ref().map_or(SourceOf::Phone, |own| own.classify(peer));
        let owner = self.owners.get(&peer);
        entry.watcher.requested.store(true, Ordering::Relaxed);
        entry.state.send_modify(|state| state.add(which, download, source, owner));
    }

    fn find(&self, path: &str) -> Option<Hit> {
        let (token, file) = path.strip_prefix('/')?.split_once('/')?;
        let (token, entry) = self.published.get_key_value(token)?;
        let found = entry.files.iter().find(|found| &*found.name == file)?;
        Some(Hit {
            token: token.clone(),
            device: entry.device.clone(),
            which: found.which,
            file: found.name.clone(),
            content: found.content.clone(),
            content_type: found.content_type,
            watcher: entry.watcher.clone(),
        })
    }
}

#[derive(Debug)]
struct Entry {
    device: Option<DeviceName>,
    /// From which addresses its phone downloads; nothing where anybody may.
    sources: Option<DownloadSources>,
    files: Vec<File>,
    state: watch::Sender<FetchState>,
    watcher: Watcher,
}

#[derive(Debug)]
struct File {
    name: Arc<str>,
    which: Which,
    content: Bytes,
    content_type: &'static str,
}

impl File {
    fn new(name: &str, which: Which, content: Bytes, content_type: &'static str) -> Self {
        Self { name: name.into(), which, content, content_type }
    }
}

impl Entry {
    fn new(recipient: Option<Recipient<'_>>, files: Vec<File>, watcher: Watcher) -> Self {
        let state = watch::Sender::new(FetchState::default());
        let device = recipient.map(|phone| phone.device.clone());
        let sources = recipient.map(|phone| phone.sources.clone());
        Self { device, sources, files, state, watcher }
    }
}

impl Table {
    pub(crate) fn publish(
        &self,
        origin: &Origin<'_>,
        recipient: Recipient<'_>,
        prepared: &PreparedImage,
        schema: PushSchema,
        picture_name: &str,
    ) -> Result<PublishedUrls, HostError> {
        let token = Token::draw()?;
        let (image_file, thumbnail_file) = file_names(schema, picture_name);
        let url = |file: &str| format!("{}/{}/{file}", origin.base, token.as_str());
        let urls = PublishedUrls {
            image_url: url(&image_file),
            thumbnail_url: url(&thumbnail_file),
            token: token.clone(),
        };
        let files = vec![
            File::new(&image_file, Which::Background, prepared.background.png.clone(), PNG),
            File::new(&thumbnail_file, Which::Thumbnail, prepared.thumbnail.png.clone(), PNG),
        ];
        self.insert(token, Some(recipient), files, origin);
        Ok(urls)
    }

    pub(crate) fn publish_tone(
        &self,
        origin: &Origin<'_>,
        recipient: Recipient<'_>,
        tone: &Tone,
    ) -> Result<PublishedTone, HostError> {
        let token = Token::draw()?;
        let name = format!("r.{}", tone.format.extension());
        let url = format!("{}/{}/{name}", origin.base, token.as_str());
        // No type is known for these files; phones recognize them by their names.
        let content_type = "application/octet-stream";
        let file = File::new(&name, Which::RingTone, tone.bytes.clone(), content_type);
        self.insert(token.clone(), Some(recipient), vec![file], origin);
        Ok(PublishedTone { url, token })
    }

    /// Publishes one file for every client that has its URL, and returns that.
    pub(crate) fn publish_file(
        &self,
        origin: &Origin<'_>,
        name: &str,
        content: Bytes,
        content_type: &'static str,
    ) -> Result<(Token, String), HostError> {
        let token = Token::draw()?;
        let file = File::new(&plain_name(name), Which::File, content, content_type);
        let url = format!("{}/{}/{}", origin.base, token.as_str(), file.name);
        self.insert(token.clone(), None, vec![file], origin);
        Ok((token, url))
    }

    pub(crate) fn replace_background(&self, token: &Token, png: Bytes) {
        if let Some(entry) = self.lock().published.get_mut(token) {
            let background = entry.files.iter_mut().find(|file| file.which == Which::Background);
            if let Some(file) = background {
                file.content = png;
            }
        }
    }

    /// Lets all files be found below this path too.
    pub(crate) fn serve_below(&self, base: &str) {
        self.lock().bases.insert(base.to_owned());
    }

    fn insert(
        &self,
        token: Token,
        recipient: Option<Recipient<'_>>,
        files: Vec<File>,
        origin: &Origin<'_>,
    ) {
        let entry = Entry::new(recipient, files, origin.watcher.clone());
        let mut inner = self.lock();
        if let Some(recipient) = recipient {
            inner.know(recipient);
        }
        inner.published.insert(token, entry);
    }

    /// Lets a phone download what was published for it from the addresses that it has now, and no longer from others.
    pub(crate) fn readdress(&self, token: &Token, recipient: Recipient<'_>) {
        let mut inner = self.lock();
        if let Some(entry) = inner.published.get_mut(token)
            && entry.sources.as_ref() != Some(recipient.sources)
        {
            entry.sources = Some(recipient.sources.clone());
            inner.know(recipient);
        }
    }

    /// Returns whether requests from an address may be a phone's of this server.
    pub(crate) fn knows(&self, address: IpAddr) -> bool {
        let inner = self.lock();
        inner.owners.contains_key(&address)
            || inner.translated.iter().any(|net| net.contains(&address))
    }

    pub(crate) fn retire(&self, token: &Token) -> FetchState {
        let entry = self.lock().published.remove(token);
        entry.map_or_else(FetchState::default, |entry| entry.state.borrow().clone())
    }

    /// Finds the file under this path, which must be exactly `/token/file`, or that below a base.
    pub(crate) fn find(&self, path: &str) -> Option<Hit> {
        let inner = self.lock();
        let below = inner.bases.iter().filter_map(|base| path.strip_prefix(base.as_str()));
        let hit = below.chain([path]).find_map(|own| inner.find(own));
        drop(inner);
        hit
    }

    pub(crate) fn record(&self, token: &Token, which: Which, download: &Download) {
        self.lock().record(token, which, download);
    }

    pub(crate) fn watch(&self, token: &Token) -> Option<watch::Receiver<FetchState>> {
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

/// Makes a name that needs no escaping in a URL, whatever the file's own name holds.
fn plain_name(name: &str) -> String {
    let keeps = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let plain: String = name.chars().map(|c| if keeps(c) { c } else { '_' }).collect();
    // The end of the name says of which kind it is.
    let cut = plain.len().saturating_sub(LONGEST_FILE);
    plain[cut..].to_owned()
}

const PNG: &str = "image/png";

/// Longest name of a file that is published by itself, in characters.
const LONGEST_FILE: usize = 64;

/// Longest part of a picture's name in an address, in characters; the push object has little room.
const LONGEST_NAME: usize = 24;

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
