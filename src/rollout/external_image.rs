//! Pictures on web servers of others: found, and looked at, before phones are told of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::domain::model::ImageSpec;
use crate::error::{AppError, ErrorKind};
use crate::image_server::external_url::{ElsewhereError, Template, download};
use crate::media::{Decoder, PreparedImage, Shape, Unfit, blocking};
use crate::net::client::web_http;
use crate::push::delivery::external::ExternalImage;

/// Downloads every different file once, and looks whether each model can show its own.
///
/// # Errors
/// When a file is not there, or is not what its model can show.
pub async fn find(
    image: &Template,
    icon: &Template,
    mut models: Vec<(String, ImageSpec)>,
) -> Result<HashMap<String, ExternalImage>, AppError> {
    models.sort_by(|(one, _), (other, _)| one.cmp(other));
    models.dedup_by(|(one, _), (other, _)| one == other);
    let client =
        web_http(DOWNLOAD).map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
    let mut files: HashMap<String, Bytes> = HashMap::new();
    let mut pairs: HashMap<(String, String), Arc<PreparedImage>> = HashMap::new();
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
        let pair = (image_url.clone(), icon_url.clone());
        let shape = Shape::from(&spec);
        let files = match pairs.get(&pair).filter(|known| known.shape == shape) {
            Some(known) => Arc::clone(known),
            None => {
                let (image, icon) = (files[&image_url].clone(), files[&icon_url].clone());
                let looked = blocking(move || {
                    let decoder = Decoder::this_program();
                    PreparedImage::found(&spec, &image, &icon, |name, file| {
                        decoder.picture(name, file)
                    })
                });
                let looked = looked.await;
                let looked = looked.map_err(|(is_image, why)| {
                    let url = if is_image { &image_url } else { &icon_url };
                    unfit(&model, url, &why)
                })?;
                let looked = Arc::new(looked);
                pairs.insert(pair, Arc::clone(&looked));
                looked
            }
        };
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

/// How long one file may take that phones download elsewhere.
const DOWNLOAD: Duration = Duration::from_secs(15);
