//! Why a picture cannot be used.

use std::io;
use std::path::PathBuf;

use image::ImageError;

use crate::domain::model::Size;

/// A picture that cannot be read or written. Every message names the file and the way out.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// There is nothing at this path.
    #[error("there is no file {}; give the path of a picture", path.display())]
    Missing {
        /// The path as it was given.
        path: PathBuf,
    },
    /// A folder stands where a file was expected.
    #[error("{} is a directory; give the path of one picture in it", path.display())]
    Directory {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The file cannot be opened or read.
    #[error("cannot read {}; check its permissions", path.display())]
    Unreadable {
        /// The path as it was given.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// The file holds no byte.
    #[error("{name} is empty; give a PNG, JPEG, WebP, GIF, BMP, TIFF or SVG picture")]
    Empty {
        /// The picture's path or title.
        name: String,
    },
    /// The file is longer than any reasonable picture.
    #[error("{name} has {bytes} bytes, at most {limit} are read; save the picture smaller")]
    TooLong {
        /// The picture's path or title.
        name: String,
        /// Its length in bytes.
        bytes: u64,
        /// The longest file that is read, in bytes.
        limit: u64,
    },
    /// The first bytes belong to no format of pictures.
    #[error(
        "{name} is no picture by its content; give a PNG, JPEG, WebP, GIF, BMP, TIFF or SVG picture"
    )]
    NotAPicture {
        /// The picture's path or title.
        name: String,
    },
    /// A picture, but in a format that is not read here.
    #[error("{name} is a {format} picture; save it as PNG or JPEG")]
    Unsupported {
        /// The picture's path or title.
        name: String,
        /// The format's common name.
        format: String,
    },
    /// Too many pixels to be decoded safely.
    #[error("{name} is too large to be decoded safely; reduce it to at most 8000x8000 pixels")]
    TooLarge {
        /// The picture's path or title.
        name: String,
        /// What the decoder says.
        #[source]
        source: ImageError,
    },
    /// The content does not keep what its beginning promises.
    #[error("{name} is damaged or cut short; open and save it anew")]
    Damaged {
        /// The picture's path or title.
        name: String,
        /// What the decoder says.
        #[source]
        source: ImageError,
    },
    /// A vector picture that cannot be drawn.
    #[error("{name} is an SVG picture that cannot be drawn: {why}")]
    Svg {
        /// The picture's path or title.
        name: String,
        /// What stands in the way, and the way out where one is known.
        why: String,
    },
    /// A size without pixels was asked for.
    #[error("a picture of {size} pixels cannot be made")]
    NoPixels {
        /// The size that was asked for.
        size: Size,
    },
    /// The resampler failed.
    #[error("cannot scale the picture to {size} pixels: {why}")]
    Resample {
        /// The size that was asked for.
        size: Size,
        /// What the resampler says.
        why: String,
    },
    /// The encoder failed.
    #[error("cannot encode a PNG of {size} pixels")]
    Encode {
        /// The size that was asked for.
        size: Size,
        /// What the encoder says.
        #[source]
        source: oxipng::PngError,
    },
    /// A worker thread ended without a result.
    #[error("preparing the picture was interrupted inside the program")]
    Interrupted,
}
