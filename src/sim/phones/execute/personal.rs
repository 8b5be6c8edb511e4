//! Backgrounds and ring tones: what a phone downloads for a push, and whether it can use it.

use super::{Display, Phone, Verdict};
use crate::domain::model::{self, ImageSpec, PushSchema, Size};
use crate::sim::fleet_content::{DownloadsBy, Quirk};
use crate::sim::history::{Fetch, RingTone, Shown};
use crate::sim::phones::answers::{self, Broken};
use crate::sim::phones::connection::Extent;
use crate::sim::phones::fetch::Client;
use crate::sim::phones::object::{self, Background};
use crate::sim::phones::reply_wording::PushOutcome;
use crate::sim::phones::screen;
use crate::sim::values::hex;

impl Phone<'_> {
    pub(super) async fn ring_tone(&self, xml: &str, fetches: &mut Vec<Fetch>) -> Verdict {
        let accepts = model::by_number(self.model).and_then(model::Model::ring_tone);
        let (Some(accepts), Some(url)) = (accepts, object::ring_tone(xml)) else {
            return self.error(1);
        };
        if !self.takes_personal_things() {
            return self.error(4);
        }
        let success = || Ok(answers::success(self.model, self.schema()));
        if self.ignores() {
            return (PushOutcome::Accepted, success(), Display::Unchanged);
        }
        if self.times_out().await {
            return self.error(3);
        }
        if self.is_fetched_by_others(&[&url], fetches).await {
            return (PushOutcome::Accepted, success(), Display::Unchanged);
        }
        let half = self.quirk == Quirk::FetchesHalf;
        let extent = if half { Extent::Half } else { Extent::All };
        let (fetch, file) = self.downloader().download(&url, extent).await;
        fetches.push(fetch);
        if half {
            return (PushOutcome::Accepted, success(), Display::Unchanged);
        }
        let Some(file) = file else { return self.error(3) };
        let Some(format) = object::rings(accepts, &url, &file) else { return self.error(3) };
        let sha256 = hex(&<sha2::Sha256 as sha2::Digest>::digest(&file));
        let tone = RingTone { sha256, bytes: file.len(), format };
        (PushOutcome::Accepted, success(), Display::Rings(tone))
    }

    pub(super) fn schema(&self) -> PushSchema {
        self.image.map_or(PushSchema::Classic, |image| image.schema)
    }

    pub(super) async fn background(&self, xml: &str, fetches: &mut Vec<Fetch>) -> Verdict {
        // What a phone answers then is not published: error 4 is believed. This server speaks
        // HTTP only, so `HTTPS Only` refuses too.
        if !self.takes_personal_things() || !self.loaded().background_allowed {
            return self.error(4);
        }
        let Some(image) = self.image else { return self.error(1) };
        let Some(background) = object::background(xml, image.schema) else { return self.error(1) };
        let success = || {
            Ok(if let Quirk::Worded(wording) = self.quirk {
                wording.answer()
            } else {
                answers::success(self.model, image.schema)
            })
        };
        if background.image.is_empty() {
            return (PushOutcome::Accepted, success(), Display::Removed);
        }
        if let Quirk::AnswersFirst(time) = self.quirk {
            return (PushOutcome::Accepted, success(), Display::Later(time, background, image));
        }
        if self.restarts() {
            let (fetch, _) = self.downloader().download(&background.image, Extent::All).await;
            fetches.push(fetch);
            self.shared.cluster().restart_by_itself(self.at);
            return (PushOutcome::Unusable, Err(Broken), Display::Unchanged);
        }
        match self.download(&background, &image, fetches).await {
            Some(display) => (PushOutcome::Accepted, success(), display),
            None => self.error(3),
        }
    }

    /// Shows a picture for a moment: what the phone shows afterwards stays the same.
    pub(super) async fn preview(&self, xml: &str, fetches: &mut Vec<Fetch>) -> Verdict {
        if !self.takes_personal_things() || !self.loaded().background_allowed {
            return self.error(4);
        }
        let image = self.image.filter(|image| image.schema == PushSchema::Classic);
        let (Some(image), Some(url)) = (image, object::preview(xml)) else { return self.error(1) };
        let background = Background { image: url, thumbnail: String::new() };
        match self.download(&background, &image, fetches).await {
            Some(_) => {
                let answer = answers::success(self.model, image.schema);
                (PushOutcome::Accepted, Ok(answer), Display::Unchanged)
            }
            None => self.error(3),
        }
    }

    /// Downloads what the push names; nothing if it is not what the phone can show.
    pub(super) async fn download(
        &self,
        background: &Background,
        image: &ImageSpec,
        fetches: &mut Vec<Fetch>,
    ) -> Option<Display> {
        if self.ignores() {
            return Some(Display::Unchanged);
        }
        if self.times_out().await {
            return None;
        }
        let Background { image: url, thumbnail } = background;
        let urls: &[&str] = if thumbnail.is_empty() { &[url] } else { &[url, thumbnail] };
        if self.is_fetched_by_others(urls, fetches).await {
            return Some(Display::Unchanged);
        }
        let half = self.quirk == Quirk::FetchesHalf;
        let extent = if half { Extent::Half } else { Extent::All };
        let client = self.downloader();
        let (fetch, file) = client.download(url, extent).await;
        fetches.push(fetch);
        if half {
            return Some(Display::Unchanged);
        }
        let file = file?;
        let (sha256, size) = self.inspect(&file);
        if size != Some(image.background) {
            return None;
        }
        let shown = Shown { sha256, size: image.background };
        if thumbnail.is_empty() || self.quirk == Quirk::FetchesImageOnly {
            return Some(Display::New(shown));
        }
        let (fetch, file) = client.download(thumbnail, Extent::All).await;
        fetches.push(fetch);
        let (_, size) = self.inspect(&file?);
        size.is_some_and(|size| takes_thumbnail(image, size)).then_some(Display::New(shown))
    }

    /// Looks at a file; every different one is decoded once only, since all phones get the same few.
    fn inspect(&self, file: &[u8]) -> (String, Option<Size>) {
        use sha2::Digest as _;
        let digest = hex(&sha2::Sha256::digest(file));
        let known = self.shared.pictures().get(&digest).copied();
        let size = known.unwrap_or_else(|| {
            let size = screen::picture_size(file);
            if size.is_some() {
                self.shared.cluster().files.insert(digest.clone(), file.to_vec().into());
            }
            self.shared.pictures().insert(digest.clone(), size);
            size
        });
        (digest, size)
    }

    pub(super) fn client(&self) -> Client<'_> {
        let line = self.shared.pool_bandwidth.get(&self.device.spec.device_pool).cloned();
        Client { address: self.address, model: &self.product, line, range: None }
    }

    fn downloader(&self) -> Client<'_> {
        match self.device.spec.downloads {
            DownloadsBy::Behind(address) => Client { address, ..self.client() },
            DownloadsBy::ItselfInParts => Client { range: Some("bytes=0-4095"), ..self.client() },
            DownloadsBy::Itself | DownloadsBy::Other(_) | DownloadsBy::TwoOthers(..) => {
                self.client()
            }
        }
    }

    /// Downloads from other addresses, where those of the phone come from there.
    async fn is_fetched_by_others(&self, urls: &[&str], fetches: &mut Vec<Fetch>) -> bool {
        let others = match self.device.spec.downloads {
            DownloadsBy::Itself | DownloadsBy::ItselfInParts | DownloadsBy::Behind(_) => {
                return false;
            }
            DownloadsBy::Other(one) => vec![(one, None)],
            DownloadsBy::TwoOthers(one, two) => {
                vec![(one, Some("bytes=0-4095")), (two, Some("bytes=4096-"))]
            }
        };
        for (address, range) in others {
            for url in urls {
                let client = Client { address, range, ..self.client() };
                let (fetch, _) = client.download(url, Extent::All).await;
                fetches.push(fetch);
            }
        }
        true
    }
}

/// Returns whether a phone takes a thumbnail of this size. Published sources give two for the 7941, 7942, 7961 and 7962,
/// so those take both.
fn takes_thumbnail(image: &ImageSpec, size: Size) -> bool {
    size == image.thumbnail || (image.depth == GREY_DEPTH && size == Size::new(80, 49))
}

/// The bits per pixel of those models only.
const GREY_DEPTH: u8 = 4;
