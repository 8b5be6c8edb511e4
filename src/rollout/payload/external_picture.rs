//! Pictures on a web server that is not ours: downloaded and checked once before phones get their URLs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{FutureExt as _, ready};

use crate::domain::model::ImageSpec;
use crate::domain::push_action::PushAction;
use crate::error::{AppError, ErrorKind};
use crate::event::{Event, Observer, Proof, Stage};
use crate::image_server::external_url::{ElsewhereError, Template, download};
use crate::journal::{Recorder, SentPictures};
use crate::media::{Contrast, Decoder, PreparedImage, Shape, Unfit, blocking, quality_warnings};
use crate::net::client::web_http;
use crate::push::delivery::external::{ExternalDelivery, ExternalImage};
use crate::push::{Delivery, Digests};
use crate::rollout::payload::delivery_context::DeliveryContext;
use crate::rollout::payload::picture::{kept, sent};
use crate::rollout::payload::{
    DeliverFuture, ModelFormat, Payload, PrepareFuture, PreparedPayload, SaveFuture, SavedPayload,
    proof_without_downloads,
};

/// Pictures that phones download from another web server.
#[derive(Clone, Debug)]
pub struct ExternalPicture {
    /// The URL of the backgrounds.
    pub image: Template,
    /// The URL of the thumbnails.
    pub icon: Template,
}

impl ExternalPicture {
    /// Reads the URLs that the journal kept of an earlier run.
    ///
    /// # Errors
    /// When one is damaged.
    pub fn from_journal(image_url: &str, icon_url: &str) -> Result<Self, AppError> {
        let read = |url: &str| {
            let error = |why| format!("the journal has no usable picture URL: {why}");
            url.parse().map_err(|why: String| AppError::new(ErrorKind::Failed, error(why)))
        };
        Ok(Self { image: read(image_url)?, icon: read(icon_url)? })
    }

    /// Returns the file name in the URL; nothing where it differs from model to model.
    fn file(&self) -> &str {
        let last = self.image.text().rsplit('/').next().unwrap_or_default();
        if last.contains(['{', '}']) { "" } else { last }
    }
}

impl Payload for ExternalPicture {
    fn action(&self) -> PushAction {
        PushAction::PictureElsewhere
    }

    fn proof(&self, typed: Option<Proof>) -> Result<Proof, AppError> {
        proof_without_downloads(typed, "downloads from the server of --image-url are not seen here")
    }

    fn prepare<'a>(
        &'a self,
        models: Vec<ModelFormat>,
        observer: &'a dyn Observer,
    ) -> PrepareFuture<'a> {
        async move {
            observer.observe(&Event::Started { stage: Stage::Pictures, total: None });
            let models = models.into_iter();
            let specs = models.filter_map(|of| Some((of.model, *of.accepts.image()?))).collect();
            let images = find(&self.image, &self.icon, specs).await?;
            observer.observe(&Event::Finished { stage: Stage::Pictures });
            let checked = images.values().map(|image| &image.files);
            for warning in quality_warnings("the picture", checked, Contrast::LARGE, true) {
                observer.observe(&Event::Remark(warning));
            }
            let file = self.file().to_owned();
            Ok(Box::new(PreparedExternalPicture { images, file }) as Box<dyn PreparedPayload>)
        }
        .boxed()
    }

    fn saved(&self) -> Option<SavedPayload> {
        let (image_url, icon_url) = (self.image.to_string(), self.icon.to_string());
        Some(SavedPayload::External { image_url, icon_url })
    }
}

#[derive(Debug)]
struct PreparedExternalPicture {
    /// By the model's name.
    images: HashMap<String, ExternalImage>,
    file: String,
}

impl PreparedPayload for PreparedExternalPicture {
    fn digests(&self) -> Digests {
        let digest =
            |(model, image): (&String, &ExternalImage)| (model.clone(), image.files.digest());
        let digests: HashMap<_, _> = self.images.iter().map(digest).collect();
        Digests::new(move |format| digests.get(&format.model).cloned())
    }

    fn save_summary<'a>(&'a self, recorder: &'a Recorder, _: &'a str) -> SaveFuture<'a> {
        let file = if self.file.is_empty() { "picture" } else { &self.file };
        let mut files: Vec<_> =
            self.images.values().map(|image| Arc::clone(&image.files)).collect();
        async move {
            files.sort_by_cached_key(|files| (files.background.size, files.digest()));
            files.dedup_by_key(|files| files.digest());
            for files in &files {
                recorder.keep_picture(kept(files, file)).await?;
            }
            let pictures = blocking(move || files.iter().map(|one| sent("", one)).collect()).await;
            recorder.snapshot(SentPictures::KIND, &SentPictures { pictures }).await
        }
        .boxed()
    }

    fn deliver<'a>(self: Box<Self>, context: &'a DeliveryContext<'a>) -> DeliverFuture<'a> {
        let name = context.picture_name(&self.file);
        let session = context.session();
        let delivery = session.map(|session| ExternalDelivery::new(session, self.images, name));
        ready(delivery.map(|delivery| Box::new(delivery) as Box<dyn Delivery>)).boxed()
    }
}

/// Downloads every different file once, and checks that each model can show its own.
async fn find(
    image: &Template,
    icon: &Template,
    mut models: Vec<(String, ImageSpec)>,
) -> Result<HashMap<String, ExternalImage>, AppError> {
    models.sort_by(|(one, _), (other, _)| one.cmp(other));
    models.dedup_by(|(one, _), (other, _)| one == other);
    let client =
        web_http(DOWNLOAD).map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
    let mut files: HashMap<String, Bytes> = HashMap::new();
    let mut checked: HashMap<(String, String, Shape), Arc<PreparedImage>> = HashMap::new();
    let mut found = HashMap::new();
    for (model, spec) in models {
        let image_url = image.fill(&model, &spec, spec.background);
        let icon_url = icon.fill(&model, &spec, spec.thumbnail);
        for url in [&image_url, &icon_url] {
            if !files.contains_key(url) {
                let file = download(&client, url, DOWNLOAD).await.map_err(unusable)?;
                files.insert(url.clone(), file);
            }
        }
        let key = (image_url, icon_url, Shape::from(&spec));
        if !checked.contains_key(&key) {
            let (image, icon) = (files[&key.0].clone(), files[&key.1].clone());
            let decode = |name: &str, file: &[u8]| Decoder::this_program().picture(name, file);
            let check = move || PreparedImage::found(&spec, &image, &icon, decode);
            let image = blocking(check).await.map_err(|(is_image, why)| {
                unfit(&model, if is_image { &key.0 } else { &key.1 }, &why)
            })?;
            checked.insert(key.clone(), Arc::new(image));
        }
        let files = Arc::clone(&checked[&key]);
        let (image_url, icon_url, _) = key;
        found.insert(model, ExternalImage { image_url, icon_url, files });
    }
    Ok(found)
}

fn unfit(model: &str, url: &str, why: &Unfit) -> AppError {
    AppError::new(ErrorKind::Usage, format!("{url} does not suit a {model}: {why}")).hint(
        "nothing was changed; `axlpaper image prepare` makes files of every size, and {size} or {dir} in the \
         address names them",
    )
}

fn unusable(error: ElsewhereError) -> AppError {
    let kind = match &error {
        ElsewhereError::Unreachable { .. } => ErrorKind::Failed,
        ElsewhereError::Redirect { .. }
        | ElsewhereError::Status { .. }
        | ElsewhereError::TooLong { .. } => ErrorKind::Usage,
    };
    AppError::from_error(kind, error)
        .hint("nothing was changed; phones would find the same: check the address and the server")
}

/// How long the download of one file may take.
const DOWNLOAD: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    fn external(url: &str) -> ExternalPicture {
        ExternalPicture { image: url.parse().unwrap(), icon: "http://h/i".parse().unwrap() }
    }

    #[test]
    fn downloads_from_another_server_prove_nothing() {
        let payload = external("http://h/x.png");
        assert_eq!(payload.proof(None).unwrap(), Proof::None);
        assert_eq!(payload.proof(Some(Proof::Screenshot)).unwrap(), Proof::Screenshot);
        assert!(payload.proof(Some(Proof::Fetch)).is_err());
    }

    #[test]
    fn a_file_name_that_differs_from_model_to_model_is_no_name() {
        assert_eq!(external("http://h/{dir}/spring.png").file(), "spring.png");
        assert_eq!(external("http://h/spring-{size}.png").file(), "");
    }
}
