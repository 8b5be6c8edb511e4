//! Pushes without an image server of our own: pictures that stand elsewhere, and taking pictures off.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::exclusion::CANNOT_REMOVE;
use crate::domain::model::PushSchema;
use crate::media::{Picture, PreparedImage};
use crate::phone::{
    PhoneError as SendError, PushObject as _, RemoveBackground, SetBackground, Theme,
};
use crate::push::delivery::connector::PhoneConnector;
use crate::push::delivery::screenshots::ScreenshotCheck;
use crate::push::delivery::session::DeliverySession;
use crate::push::{
    AttemptReply, Delivery, Digests, DownloadStatus, Evidence, ReplyKind, ScreenCheck, Target,
};

/// A model's pictures on a web server of somebody else.
#[derive(Clone, Debug)]
pub struct ExternalImage {
    pub image_url: String,
    pub icon_url: String,
    /// The files, as they were found there.
    pub files: Arc<PreparedImage>,
}

/// What stands in the journal in place of a picture's digest where one was taken off.
pub const REMOVAL_DIGEST: &str = "removal";

#[derive(Debug)]
pub enum ExternalPush {
    /// They get the pictures of their model, by its name.
    Show(HashMap<String, ExternalImage>),
    Remove,
}

impl ExternalPush {
    /// Returns what tells what each phone is sent from anything else.
    pub fn digests(&self) -> Digests {
        match self {
            Self::Show(models) => {
                let digest = |(model, found): (&String, &ExternalImage)| {
                    (model.clone(), found.files.digest())
                };
                Digests::Models(models.iter().map(digest).collect())
            }
            Self::Remove => Digests::All(REMOVAL_DIGEST.to_owned()),
        }
    }
}

/// Pushes what no server of ours has a part in.
#[derive(Debug)]
pub struct ExternalDelivery {
    session: DeliverySession,
    what: ExternalPush,
    picture_name: String,
    /// The pictures, decoded for comparison with screens.
    pixels: HashMap<String, Arc<Picture>>,
}

impl ExternalDelivery {
    /// Puts a line together; phones that show names call the picture by this one.
    pub fn new(phones: PhoneConnector, what: ExternalPush, picture_name: String) -> Self {
        let session = DeliverySession::new(phones);
        Self { session, what, picture_name, pixels: HashMap::new() }
    }

    #[must_use]
    pub fn with_screens(mut self, screenshots: ScreenshotCheck) -> Self {
        self.session.look_at_screens(screenshots);
        if let ExternalPush::Show(models) = &self.what {
            let decoded = models.iter().filter_map(|(model, elsewhere)| {
                let picture =
                    Arc::new(Picture::decode(model, &elsewhere.files.background.png).ok()?);
                Some((model.clone(), picture))
            });
            self.pixels = decoded.collect();
        }
        self
    }

    /// Makes sure that what would be sent to these targets is not too long for phones.
    ///
    /// # Errors
    /// Says which part is too long, before anything has been sent or changed.
    pub fn check(&self, targets: &[Target]) -> Result<(), SendError> {
        for target in targets {
            match self.object(target) {
                Ok(Object::Show(object)) => object.to_xml().map(drop)?,
                Ok(Object::Remove(object)) => object.to_xml().map(drop)?,
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn object(&self, target: &Target) -> Result<Object, String> {
        let image = target.accepts.image();
        let image = image.ok_or_else(|| format!("a {} takes no picture", target.model))?;
        match &self.what {
            ExternalPush::Remove if image.schema == PushSchema::Classic => {
                Err(CANNOT_REMOVE.to_owned())
            }
            ExternalPush::Remove => Ok(Object::Remove(RemoveBackground {
                name: self.picture_name.clone(),
                theme: Theme::Light,
            })),
            ExternalPush::Show(models) => {
                let found = models.get(&target.model);
                let found = found
                    .ok_or_else(|| format!("no picture was looked at for {}", target.model))?;
                Ok(Object::Show(SetBackground {
                    schema: image.schema,
                    image_url: found.image_url.clone(),
                    thumbnail_url: found.icon_url.clone(),
                    kem_url: None,
                    name: self.picture_name.clone(),
                    theme: Theme::of_brightness(found.files.brightness),
                }))
            }
        }
    }
}

enum Object {
    Show(SetBackground),
    Remove(RemoveBackground),
}

impl Delivery for ExternalDelivery {
    async fn push(&self, target: &Target) -> AttemptReply {
        let object = match self.object(target) {
            Ok(object) => object,
            Err(why) => return ReplyKind::NotSent(why).into(),
        };
        let mut phone = match self.session.open(target).await {
            Ok(phone) => phone,
            Err(kind) => return kind.into(),
        };
        match object {
            Object::Show(object) => self.session.send(&mut phone, target, &object).await.into(),
            Object::Remove(object) => self.session.send(&mut phone, target, &object).await.into(),
        }
    }

    async fn downloads(&self, _: &Target) -> DownloadStatus {
        DownloadStatus::default()
    }

    async fn evidence(&self, target: &Target, _: &DownloadStatus) -> Evidence {
        let look = match (&self.what, self.pixels.get(&target.model)) {
            (ExternalPush::Remove, _) => self.session.look(target, None).await,
            (ExternalPush::Show(_), Some(wanted)) => self.session.look(target, Some(wanted)).await,
            // Without the picture a change of the screen would be all that is seen, which proves nothing.
            (ExternalPush::Show(_), None) if self.session.screenshots.is_some() => Some(
                ScreenCheck::None("the picture could not be compared with the screen".to_owned()),
            ),
            (ExternalPush::Show(_), None) => None,
        };
        match (look, &self.what) {
            (Some(look), _) => Evidence::Screen { look, downloads: false },
            (None, ExternalPush::Show(_)) => Evidence::Nothing(
                "the phone answered success; what it downloads from another server is not seen here".to_owned(),
            ),
            (None, ExternalPush::Remove) => Evidence::Nothing(
                "the phone answered success; no phone tells which background it shows".to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::by_name;
    use crate::domain::payload_kind::AcceptedFormat;
    use crate::phone::PhoneClient;
    use crate::push::scheduler::tests::target;

    #[test]
    fn only_phoneos_phones_are_sent_a_removal() {
        let phones = PhoneClient::anonymous(80, std::time::Duration::from_secs(1));
        let delivery = ExternalDelivery::new(
            PhoneConnector::new(phones),
            ExternalPush::Remove,
            "axlpaper".to_owned(),
        );
        let of = |name: &str| {
            let image = by_name(name).unwrap().image.unwrap();
            Target { model: name.to_owned(), accepts: AcceptedFormat::Picture(image), ..target(1) }
        };
        assert!(matches!(delivery.object(&of("Cisco 9871")), Ok(Object::Remove(_))));
        assert_eq!(delivery.object(&of("Cisco 8841")).err().as_deref(), Some(CANNOT_REMOVE));
        assert_eq!(delivery.what.digests().of(&of("Cisco 9871")), Some("removal".to_owned()));
    }
}
