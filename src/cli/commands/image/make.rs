//! Makes the pictures that both commands write.

use std::iter;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::wanted;
use crate::cli::args::payload::file_name;
use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::picture::PictureArgs;
use crate::cli::args::value::number;
use crate::cli::args::{ConnectionArgs, OutputArgs, TargetArgs};
use crate::cli::output_dir::{self, Folder, NewFile, Replace};
use crate::cli::present::list;
use crate::cli::ui;
use crate::domain::inventory::Phone;
use crate::domain::model::{Model, expansion_modules};
use crate::error::{AppError, ErrorKind, Exit};
use crate::media::{
    Compression, Contrast, Letters, MediaError, Options, PreparedImage, PreparedSet, blocking,
    prepare_all, quality_warnings,
};
use crate::report::{PictureFile, PictureFileKind, pictures_json};
use crate::rollout::payload::source_image::{SourceImage, too_long};

/// What both commands take.
#[derive(clap::Args, Debug)]
pub(super) struct MakeArgs {
    /// Picture: PNG, JPEG, WebP, GIF, BMP, TIFF or SVG
    #[arg(value_name = "PICTURE")]
    pub(super) picture: PathBuf,
    /// Folder that the files go into
    #[arg(short = 'o', long, value_name = "DIR")]
    pub(super) directory: PathBuf,
    /// Write also over files that axlpaper has not written
    #[arg(long)]
    pub(super) force: bool,
    /// Replace files of that name that were made from another picture, or that a list names already
    #[arg(long)]
    pub(super) overwrite: bool,
    /// Show the files that would be written, and write none
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Seconds that may be spent on making one file small; 0 does as little as a push
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = number::<u64>(0..=600))]
    pub(super) squeeze: u64,
    #[command(flatten)]
    pub(super) options: PictureArgs,
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
    #[command(flatten)]
    pub(super) phones: PhoneArgs,
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// Pictures that were made, and for whom.
pub(super) struct Made {
    pub(super) picture: String,
    /// The digest of the picture's file.
    pub(super) source: String,
    pub(super) options: Options,
    pub(super) models: Vec<&'static Model>,
    /// The phones, where a cluster was asked.
    pub(super) phones: Vec<Phone>,
    pub(super) pictures: PreparedSet,
    pub(super) remarks: Vec<String>,
}

impl MakeArgs {
    /// Checks what was typed, chooses the models and makes their pictures, and those of their expansion modules where
    /// they are wanted. Nothing has been written then.
    pub(super) async fn make(&self, with_modules: bool) -> Result<(Folder, Made), AppError> {
        list::check_list::<PictureFile>(&self.output)?;
        let options = self.options.options()?;
        let SourceImage { picture: decoded, bytes } = SourceImage::read(&self.picture).await?;
        let source = output_dir::digest(&bytes);
        let replace = Replace {
            other_sources: self.overwrite,
            foreign: self.force,
            foreign_option: "--force",
        };
        let folder = Folder::open(&self.directory, replace)?;
        let connection = self.connection.clone().with_phones(self.phones.clone());
        let (models, phones) = wanted::models(&connection, &self.target).await?;
        let images = models.iter().filter_map(|model| model.image);
        let specs: Vec<_> = images
            .flat_map(|image| {
                let modules = if with_modules { expansion_modules(&image) } else { &[] };
                iter::once(image).chain(modules.iter().map(|module| module.image))
            })
            .collect();
        let pixels = Arc::clone(&decoded);
        let squeeze = self.compression();
        let pictures = blocking(move || prepare_all(&pixels, &specs, &options, squeeze)).await;
        let pictures = pictures.map_err(failed)?;
        let mut remarks = decoded.remarks().to_vec();
        remarks.extend(pictures.iter().filter_map(|prepared| too_long(prepared)));
        let least = Contrast::READABLE;
        remarks.extend(quality_warnings("the picture", pictures.iter(), least, options.legible));
        let picture = file_name(&self.picture);
        Ok((folder, Made { picture, source, options, models, phones, pictures, remarks }))
    }

    pub(super) fn compression(&self) -> Compression {
        match self.squeeze {
            0 => Compression::Quick,
            seconds => Compression::Within(Duration::from_secs(seconds)),
        }
    }

    pub(super) fn finish(
        &self,
        folder: Folder,
        made: &Made,
        files: Vec<(PictureFile, NewFile)>,
    ) -> Result<Exit, AppError> {
        let (mut told, mut new): (Vec<PictureFile>, Vec<NewFile>) = files.into_iter().unzip();
        for (file, new) in told.iter().zip(&mut new) {
            let is_shared =
                matches!(file.kind, PictureFileKind::List | PictureFileKind::Instructions);
            if !is_shared {
                new.source.clone_from(&made.source);
            }
        }
        folder.write(&new, self.dry_run)?;
        list::sort(&self.output.list, &mut told)?;
        let directory = self.directory.display().to_string();
        let text = list::list(&self.output, &told, || {
            pictures_json(&made.picture, &directory, &told, &made.remarks, Timestamp::now())
        })?;
        list::write(&self.output, &text)?;
        for remark in &made.remarks {
            ui::say(&crate::report::printable_lines(&format!("warning: {remark}")));
        }
        Ok(Exit::Done)
    }
}

impl Made {
    /// The short names of the models that show a picture.
    pub(super) fn models_of(&self, prepared: &PreparedImage) -> Vec<&'static str> {
        let shows = |model: &&&Model| {
            model.image.is_some_and(|image| crate::media::Shape::from(&image) == prepared.shape)
        };
        self.models.iter().filter(shows).map(|model| short(model)).collect()
    }
}

pub(super) fn short(model: &Model) -> &'static str {
    model.name.strip_prefix("Cisco ").unwrap_or(model.name)
}

/// A background or a thumbnail as a file.
pub(super) fn file(
    path: String,
    kind: PictureFileKind,
    prepared: &PreparedImage,
    models: Vec<&'static str>,
) -> (PictureFile, NewFile) {
    let is_background = kind == PictureFileKind::Background;
    let encoded = if is_background { &prepared.background } else { &prepared.thumbnail };
    let bytes = encoded.png.to_vec();
    let told = PictureFile {
        size: Some(encoded.size),
        depth: Some(prepared.shape.depth),
        contrast: is_background.then(|| prepared.contrast.ratio()),
        letters: is_background.then(|| letters(prepared.letters)),
        models,
        ..other(path.clone(), kind, &bytes)
    };
    (told, NewFile::new(path, bytes))
}

pub(super) fn other(path: String, kind: PictureFileKind, bytes: &[u8]) -> PictureFile {
    PictureFile {
        file: path,
        kind,
        size: None,
        depth: None,
        bytes: bytes.len(),
        sha256: output_dir::digest(bytes),
        contrast: None,
        letters: None,
        models: Vec::new(),
    }
}

pub(super) fn letters(letters: Letters) -> &'static str {
    match letters {
        Letters::Black => "black",
        Letters::White => "white",
    }
}

pub(super) fn failed(error: MediaError) -> AppError {
    AppError::from_error(ErrorKind::Failed, error)
}
