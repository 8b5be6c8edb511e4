//! A picture's file: reads and decodes it, and renders it for phones.

use std::path::Path;
use std::sync::Arc;

use crate::domain::model::ImageSpec;
use crate::error::{AppError, ErrorKind};
use crate::event::{Event, Observer, Stage};
use crate::media::{
    Compression, Contrast, Decoder, MediaError, Options, Picture, PreparedImage, PreparedSet,
    blocking, prepare_all, quality_warnings,
};

/// A picture and its file.
#[derive(Clone, Debug)]
pub struct SourceImage {
    /// The decoded picture.
    pub picture: Arc<Picture>,
    /// The file as it was read.
    pub bytes: Vec<u8>,
}

impl SourceImage {
    /// Reads and decodes a file.
    ///
    /// # Errors
    /// When it is missing, cannot be read or is not a picture.
    pub async fn read(path: &Path) -> Result<Self, AppError> {
        Self::of(path, Picture::read(path).map_err(unusable)?).await
    }

    /// Decodes a file that was read already; errors call it `name`.
    ///
    /// # Errors
    /// When it is not a picture.
    pub async fn of(name: &Path, bytes: Vec<u8>) -> Result<Self, AppError> {
        let (name, file) = (name.display().to_string(), bytes.clone());
        let decoded = blocking(move || Decoder::this_program().picture(&name, &file)).await;
        Ok(Self { picture: Arc::new(decoded.map_err(unusable)?), bytes })
    }

    /// Renders the picture in these sizes, and says where it will look bad; `called` names it.
    ///
    /// # Errors
    /// When a size cannot be encoded.
    pub async fn prepare(
        &self,
        specs: Vec<ImageSpec>,
        options: Options,
        called: &str,
        observer: &dyn Observer,
    ) -> Result<PreparedSet, AppError> {
        observer.observe(&Event::Started { stage: Stage::Pictures, total: None });
        let source = Arc::clone(&self.picture);
        let prepared =
            blocking(move || prepare_all(&source, &specs, &options, Compression::Quick)).await;
        let prepared = prepared.map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
        observer.observe(&Event::Finished { stage: Stage::Pictures });
        let long = prepared.iter().filter_map(|prepared| too_long(prepared));
        let bad = quality_warnings(called, prepared.iter(), Contrast::LARGE, options.legible);
        for remark in self.picture.remarks().iter().cloned().chain(long).chain(bad) {
            observer.observe(&Event::Remark(remark));
        }
        Ok(prepared)
    }
}

/// Returns a warning about a picture with a file longer than any that phones are known to accept.
pub fn too_long(prepared: &PreparedImage) -> Option<String> {
    let bytes = prepared.background.png.len();
    (bytes > LONG).then(|| {
        format!(
            "the picture of {}x{} has {} KB; the largest that is known to have worked had 151 KB, so try one \
             phone first",
            prepared.shape.background,
            prepared.shape.depth,
            bytes.div_ceil(1000)
        )
    })
}

fn unusable(error: MediaError) -> AppError {
    let internal = matches!(error, MediaError::Decoder { .. });
    AppError::from_error(if internal { ErrorKind::Failed } else { ErrorKind::Usage }, error)
}

/// From how many bytes on a file is long for a phone.
const LONG: usize = 300_000;
