//! Pushes pictures that phones download from a web server that is not ours.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};

use crate::media::{Picture, PreparedImage};
use crate::phone::{PhoneError, SetBackground, Theme};
use crate::push::delivery::session::{DeliverySession, check_objects, image_of};
use crate::push::{AttemptReply, Delivery, Evidence, ReplyKind, ScreenCheck, Target};

/// The files of one model on another web server.
#[derive(Clone, Debug)]
pub struct ExternalImage {
    pub image_url: String,
    pub icon_url: String,
    /// The files as they were downloaded for the check.
    pub files: Arc<PreparedImage>,
}

/// Pushes the URLs of external pictures. The downloads cannot be observed.
#[derive(Debug)]
pub struct ExternalDelivery {
    session: DeliverySession,
    /// By the model's name.
    images: HashMap<String, ExternalImage>,
    picture_name: String,
    /// The decoded pictures by the model's name, for comparison with screenshots.
    pixels: HashMap<String, Arc<Picture>>,
}

impl ExternalDelivery {
    /// `picture_name` is what phones with a list of pictures show.
    pub fn new(
        session: DeliverySession,
        images: HashMap<String, ExternalImage>,
        picture_name: String,
    ) -> Self {
        let compared = images.iter().filter(|_| session.screenshots.is_some());
        let decoded = compared.filter_map(|(model, image)| {
            let picture = Picture::decode(model, &image.files.background.png).ok()?;
            Some((model.clone(), Arc::new(picture)))
        });
        let pixels = decoded.collect();
        Self { session, images, picture_name, pixels }
    }

    fn object(&self, target: &Target) -> Result<SetBackground, ReplyKind> {
        let unchecked =
            || ReplyKind::NotSent(format!("no external picture was checked for {}", target.model));
        let schema = image_of(target)?.schema;
        let external = self.images.get(&target.model).ok_or_else(unchecked)?;
        Ok(SetBackground {
            schema,
            image_url: external.image_url.clone(),
            thumbnail_url: external.icon_url.clone(),
            kem_url: None,
            name: self.picture_name.clone(),
            theme: Theme::of_brightness(external.files.brightness),
        })
    }

    async fn check_screen(&self, target: &Target) -> Option<ScreenCheck> {
        match self.pixels.get(&target.model) {
            Some(wanted) => self.session.check_screen(target, Some(wanted)).await,
            // Without the picture only a change of the screen could be seen, which proves nothing.
            None => self.session.screenshots.is_some().then(|| {
                ScreenCheck::None("the picture could not be compared with the screen".to_owned())
            }),
        }
    }
}

impl Delivery for ExternalDelivery {
    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        self.session.push(target, self.object(target)).map(AttemptReply::from).boxed()
    }

    fn evidence<'a>(&'a self, target: &'a Target, _: bool) -> BoxFuture<'a, Evidence> {
        const UNSEEN: &str =
            "the phone answered success; what it downloads from another server is not seen here";
        let look = self.check_screen(target);
        look.map(|look| Evidence::without_downloads(look, UNSEEN)).boxed()
    }

    fn check(&self, targets: &[Target]) -> Result<(), PhoneError> {
        check_objects(targets, |target| self.object(target))
    }
}
