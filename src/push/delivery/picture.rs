//! Pushes pictures that phones download from our own image server.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _, join_all};

use crate::domain::device_name::DeviceName;
use crate::domain::model::PushSchema;
use crate::event::Observer;
use crate::image_server::{HostError, ImageHost, PublishedUrls, Token};
use crate::media::{Made, MediaError, Picture, PreparedImage, PreparedSet, blocking};
use crate::phone::{PhoneError, SetBackground, Theme};
use crate::push::delivery::reply::with_downloads;
use crate::push::delivery::session::{DeliverySession, check_objects, image_of};
use crate::push::delivery::words_drawing::WordsDrawing;
use crate::push::{AttemptReply, Delivery, DownloadStatus, Evidence, ReplyKind, Target};

/// Pushes pictures over HTTP or HTTPS and observes the downloads.
#[derive(Debug)]
pub struct PictureDelivery {
    session: DeliverySession,
    host: ImageHost,
    pictures: PreparedSet,
    picture_name: String,
    verify_timeout: Duration,
    /// The URL of the picture for key expansion modules, where there is one.
    kem_url: Option<String>,
    /// What was published for phones whose downloads are not waited for; nothing where they are.
    unwatched: Option<Mutex<Vec<Token>>>,
    /// The decoded pictures, for comparison with screenshots.
    pixels: HashMap<Made, Arc<Picture>>,
    words: WordsDrawing,
    published: Mutex<HashMap<DeviceName, PublishedUrls>>,
}

impl PictureDelivery {
    /// `verify_timeout` is how long to wait for downloads after the phone accepted.
    ///
    /// # Errors
    /// When a picture cannot be decoded for comparison with screenshots.
    pub fn new(
        session: DeliverySession,
        host: ImageHost,
        pictures: PreparedSet,
        picture_name: String,
        verify_timeout: Duration,
    ) -> Result<Self, MediaError> {
        let mut pixels = HashMap::new();
        if session.screenshots.is_some() {
            for (made, prepared) in pictures.each() {
                let picture = Picture::decode("the picture", &prepared.background.png)?;
                pixels.insert(made.clone(), Arc::new(picture));
            }
        }
        Ok(Self {
            session,
            host,
            pictures,
            picture_name,
            verify_timeout,
            kem_url: None,
            unwatched: None,
            pixels,
            words: WordsDrawing::default(),
            published: Mutex::default(),
        })
    }

    /// Reports words that could not be drawn as they were wanted.
    #[must_use]
    pub fn observed(mut self, observer: Arc<dyn Observer>) -> Self {
        self.words.observed(observer);
        self
    }

    /// Does not wait for downloads: the outcome is at best `accepted`.
    #[must_use]
    pub fn without_proof(mut self) -> Self {
        self.unwatched = Some(Mutex::default());
        self
    }

    /// Publishes a picture for key expansion modules, the same one for all phones that know the `kem` element.
    ///
    /// # Errors
    /// When the image server cannot publish it.
    pub fn with_kem(mut self, picture: &PreparedImage) -> Result<Self, HostError> {
        // All phones get the same URL, so its downloads prove nothing.
        let png = picture.background.png.clone();
        let (_, url) = self.host.publish_file("wallpaper-kem.png", png, "image/png")?;
        self.kem_url = Some(url);
        Ok(self)
    }

    /// Returns the name under which phones with a list of pictures show this one.
    fn name_of(&self, target: &Target) -> String {
        let stem = Path::new(&target.picture).file_stem();
        stem.map_or_else(|| self.picture_name.clone(), |stem| stem.to_string_lossy().into_owned())
    }

    fn prepared(&self, target: &Target) -> Result<&Arc<PreparedImage>, ReplyKind> {
        let none = || ReplyKind::NotSent(format!("no picture was prepared for {}", target.model));
        self.pictures.of(&target.picture, image_of(target)?).ok_or_else(none)
    }

    /// Publishes the files of a phone, without its words.
    fn object(&self, target: &Target) -> Result<(Token, SetBackground), ReplyKind> {
        let (image, prepared) = (image_of(target)?, self.prepared(target)?);
        let name = self.name_of(target);
        let urls = self.published(target, prepared, image.schema, &name);
        let urls = urls.map_err(|error| ReplyKind::NotSent(error.to_string()))?;
        let object = SetBackground {
            schema: image.schema,
            image_url: urls.image_url,
            thumbnail_url: urls.thumbnail_url,
            kem_url: self.kem_url.clone(),
            name,
            theme: Theme::of_brightness(prepared.brightness),
        };
        Ok((urls.token, object))
    }

    /// Returns the phone's own URLs: the same ones for every attempt, so that a late download counts.
    fn published(
        &self,
        target: &Target,
        prepared: &Arc<PreparedImage>,
        schema: PushSchema,
        name: &str,
    ) -> Result<PublishedUrls, HostError> {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(urls) = published.get(&target.name) {
            self.host.readdress(&urls.token, target.recipient());
            return Ok(urls.clone());
        }
        let urls = self.host.publish(target.recipient(), Arc::clone(prepared), schema, name)?;
        published.insert(target.name.clone(), urls.clone());
        drop(published);
        Ok(urls)
    }

    async fn attempt(&self, target: &Target) -> Result<ReplyKind, ReplyKind> {
        let mut phone = self.session.open(target).await?;
        let (token, object) = self.object(target)?;
        let base = self.prepared(target)?;
        if let Some(drawn) = self.words.draw(target, base).await? {
            self.host.replace_background(&token, drawn.background.png);
        }
        let reply = self.session.connector.send(&mut phone, target, &object).await;
        if target.words.is_some() && reply.is_refusal() {
            // It downloads nothing, and its own file need not stay in memory.
            self.host.replace_background(&token, base.background.png.clone());
        }
        Ok(with_downloads(reply, self.host.fetched(&token).complete(), "both pictures"))
    }

    async fn downloaded(&self, target: &Target) -> DownloadStatus {
        let token = {
            let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
            published.remove(&target.name).map(|urls| urls.token)
        };
        let Some(token) = token else { return DownloadStatus::default() };
        if let Some(unwatched) = &self.unwatched {
            unwatched.lock().unwrap_or_else(PoisonError::into_inner).push(token);
            return DownloadStatus::default();
        }
        let seen = self.host.wait_complete(&token, self.verify_timeout).await;
        self.host.retire(&token);
        seen.into()
    }

    async fn collect_evidence(&self, target: &Target, complete: bool) -> Evidence {
        if self.unwatched.is_some() {
            let why = "the phone accepted; its downloads were not checked";
            return Evidence::Nothing(why.to_owned());
        }
        // A phone cannot show what it has not downloaded.
        if self.session.screenshots.is_none() || !complete {
            return Evidence::Downloads;
        }
        let wanted = self.shown(target).await;
        let look = self.session.check_screen(target, wanted.as_ref()).await;
        look.map_or(Evidence::Downloads, |look| Evidence::Screen { look, downloads: true })
    }
}

impl PictureDelivery {
    /// Returns what the screen should show, decoded.
    async fn shown(&self, target: &Target) -> Option<Arc<Picture>> {
        let base = self.prepared(target).ok()?;
        match self.words.draw(target, base).await {
            Ok(None) => self.pixels.get(&(target.picture.clone(), base.shape)).cloned(),
            Ok(Some(drawn)) => {
                let file = drawn.background.png;
                let picture = blocking(move || Picture::decode("the picture", &file)).await;
                picture.ok().map(Arc::new)
            }
            Err(_) => None,
        }
    }
}

impl Delivery for PictureDelivery {
    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        self.attempt(target).map(AttemptReply::from).boxed()
    }

    fn downloads<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, DownloadStatus> {
        self.downloaded(target).boxed()
    }

    fn evidence<'a>(&'a self, target: &'a Target, complete: bool) -> BoxFuture<'a, Evidence> {
        self.collect_evidence(target, complete).boxed()
    }

    fn check(&self, targets: &[Target]) -> Result<(), PhoneError> {
        check_objects(targets, |target| self.object(target).map(|(_, object)| object))
    }

    fn base_url(&self) -> Option<&str> {
        Some(self.host.base().as_str())
    }

    fn was_requested(&self) -> Option<bool> {
        Some(self.host.was_requested())
    }

    /// Downloads that were not waited for begin after the phone's reply: the server runs until they are complete, or
    /// until the time for them has passed.
    fn shutdown(self: Box<Self>) -> BoxFuture<'static, ()> {
        async move {
            if let Some(unwatched) = self.unwatched {
                let tokens = unwatched.into_inner().unwrap_or_else(PoisonError::into_inner);
                let wait = |token| self.host.wait_complete(token, self.verify_timeout);
                join_all(tokens.iter().map(wait)).await;
            }
            self.words.report();
            self.host.shutdown(GRACE).await;
        }
        .boxed()
    }
}

/// How long transfers may take at the end of a run.
pub(crate) const GRACE: Duration = Duration::from_secs(1);
