//! The real way to a phone: who lives there, the push, and the downloads.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::domain::device_name::DeviceName;
use crate::domain::model::ImageSpec;
use crate::image_server::{HostError, ImageHost, PublishedUrls, Token};
use crate::media::{Made, MediaError, Picture, PreparedImage, PreparedSet, Shape};
use crate::phone::{PhoneError as SendError, PushObject as _, SetBackground, Theme};
use crate::push::delivery::connector::PhoneConnector;
use crate::push::delivery::reply::with_downloads;
use crate::push::delivery::screenshots::ScreenshotCheck;
use crate::push::delivery::session::DeliverySession;
use crate::push::{AttemptReply, Delivery, DownloadStatus, Evidence, ReplyKind, Target};

/// Pushes over HTTP or HTTPS and lets phones download from our own image server.
#[derive(Debug)]
pub struct PictureDelivery {
    session: DeliverySession,
    host: ImageHost,
    pictures: PreparedSet,
    picture_name: String,
    verify_timeout: Duration,
    /// The picture for key expansion modules, where there is one.
    kem_url: Option<String>,
    /// What was published for phones that nobody waits for; nothing where they are waited for.
    unwatched: Option<Mutex<Vec<Token>>>,
    /// The pictures, decoded for comparison with screens.
    pixels: HashMap<Made, Arc<Picture>>,
    published: Mutex<HashMap<DeviceName, PublishedUrls>>,
}

impl PictureDelivery {
    /// Puts a line together; `verify_timeout` is how long downloads are waited for after an acceptance.
    pub fn new(
        phones: PhoneConnector,
        host: ImageHost,
        pictures: PreparedSet,
        picture_name: String,
        verify_timeout: Duration,
    ) -> Self {
        let published = Mutex::default();
        Self {
            session: DeliverySession::new(phones),
            host,
            pictures,
            picture_name,
            verify_timeout,
            kem_url: None,
            unwatched: None,
            pixels: HashMap::new(),
            published,
        }
    }

    /// Waits for nobody's downloads: an acceptance is all that is asked for.
    #[must_use]
    pub fn without_proof(mut self) -> Self {
        self.unwatched = Some(Mutex::default());
        self
    }

    /// Looks at the phones' screens too.
    ///
    /// # Errors
    /// When a picture cannot be decoded again.
    pub fn with_screens(mut self, screenshots: ScreenshotCheck) -> Result<Self, MediaError> {
        self.session.look_at_screens(screenshots);
        for (made, prepared) in self.pictures.each() {
            let picture = Arc::new(Picture::decode("the picture", &prepared.background.png)?);
            self.pixels.insert(made.clone(), picture);
        }
        Ok(self)
    }

    /// Publishes a picture for key expansion modules, the same one for all phones that know the `kem` element.
    ///
    /// # Errors
    /// When the host cannot publish it.
    pub fn with_kem(mut self, picture: &Arc<PreparedImage>) -> Result<Self, HostError> {
        // Every phone is told the same address, and nothing is proven by it.
        let png = picture.background.png.clone();
        let (_, url) = self.host.publish_file("wallpaper-kem.png", png, "image/png")?;
        self.kem_url = Some(url);
        Ok(self)
    }

    /// Makes sure that what would be sent to these targets is not too long for phones.
    ///
    /// # Errors
    /// Says which part is too long, before anything has been sent or changed.
    pub fn check(&self, targets: &[Target]) -> Result<(), SendError> {
        for target in targets {
            let Ok((image, urls, theme)) = self.urls(target) else { continue };
            self.object(target, image, urls, theme).to_xml()?;
        }
        Ok(())
    }

    /// Returns the URL that phones are told.
    pub fn base_url(&self) -> &str {
        self.host.base().as_str()
    }

    /// Returns what phones that show names call the picture of this one.
    fn name_of(&self, target: &Target) -> String {
        let stem = Path::new(&target.picture).file_stem();
        stem.map_or_else(|| self.picture_name.clone(), |stem| stem.to_string_lossy().into_owned())
    }

    fn object(
        &self,
        target: &Target,
        image: &ImageSpec,
        urls: PublishedUrls,
        theme: Theme,
    ) -> SetBackground {
        SetBackground {
            schema: image.schema,
            image_url: urls.image_url,
            thumbnail_url: urls.thumbnail_url,
            kem_url: self.kem_url.clone(),
            name: self.name_of(target),
            theme,
        }
    }

    /// Stops the image server once its transfers have ended.
    ///
    /// Phones that nobody waited for download after their answer: it stays until they have, or had the time to.
    pub async fn shutdown(self) {
        if let Some(unwatched) = self.unwatched {
            let tokens = unwatched.into_inner().unwrap_or_else(PoisonError::into_inner);
            let waits =
                tokens.iter().map(|token| self.host.wait_complete(token, self.verify_timeout));
            futures::future::join_all(waits).await;
        }
        self.host.shutdown(GRACE).await;
    }

    /// Returns the phone's own paths: the same ones for every attempt, so that a late download counts.
    fn urls<'a>(
        &self,
        target: &'a Target,
    ) -> Result<(&'a ImageSpec, PublishedUrls, Theme), String> {
        let image = target.accepts.image();
        let image = image.ok_or_else(|| format!("a {} takes no picture", target.model))?;
        let prepared = self.pictures.of(&target.picture, image);
        let prepared =
            prepared.ok_or_else(|| format!("no picture was prepared for {}", target.model))?;
        let theme = Theme::of_brightness(prepared.brightness);
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(urls) = published.get(&target.name) {
            self.host.readdress(&urls.token, target.recipient());
            return Ok((image, urls.clone(), theme));
        }
        let (schema, name) = (image.schema, &self.name_of(target));
        let urls = self
            .host
            .publish(target.recipient(), prepared.clone(), schema, name)
            .map_err(|error| error.to_string())?;
        published.insert(target.name.clone(), urls.clone());
        drop(published);
        Ok((image, urls, theme))
    }
}

impl Delivery for PictureDelivery {
    async fn push(&self, target: &Target) -> AttemptReply {
        let mut phone = match self.session.open(target).await {
            Ok(phone) => phone,
            Err(kind) => return kind.into(),
        };
        let (image, urls, theme) = match self.urls(target) {
            Ok(found) => found,
            Err(why) => return ReplyKind::NotSent(why).into(),
        };
        let token = urls.token.clone();
        let object = self.object(target, image, urls, theme);
        let answer = self.session.send(&mut phone, target, &object).await;
        with_downloads(answer, self.host.fetched(&token).complete(), "both pictures").into()
    }

    async fn downloads(&self, target: &Target) -> DownloadStatus {
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

    async fn evidence(&self, target: &Target, fetched: &DownloadStatus) -> Evidence {
        if self.unwatched.is_some() {
            let why =
                "the phone answered success; whether it downloads the picture was not looked at";
            return Evidence::Nothing(why.to_owned());
        }
        // What it has not downloaded it cannot show.
        if self.session.screenshots.is_none() || !fetched.is_complete() {
            return Evidence::Downloads;
        }
        let wanted = target
            .accepts
            .image()
            .and_then(|image| self.pixels.get(&(target.picture.clone(), Shape::from(image))));
        match self.session.look(target, wanted).await {
            Some(look) => Evidence::Screen { look, downloads: true },
            None => Evidence::Downloads,
        }
    }
}

/// How long transfers that nobody waits for any more may still take at the end.
pub(crate) const GRACE: Duration = Duration::from_secs(1);
