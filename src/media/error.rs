//! Why a picture cannot be used.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::decoder::Limit;
use super::svg::AS_PNG;
use crate::domain::model::Size;

/// Why the content of a file is no picture that can be used. The messages continue the file's name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
pub enum PictureProblem {
    /// The file holds no byte.
    #[error("is empty; give a PNG, JPEG, WebP, GIF, BMP, TIFF or SVG picture")]
    Empty,
    /// The first bytes belong to no format of pictures.
    #[error("is no picture by its content; give a PNG, JPEG, WebP, GIF, BMP, TIFF or SVG picture")]
    NotAPicture,
    /// A picture, but in a format that is not read here; this is the format's common name.
    #[error("is a {0} picture; save it as PNG or JPEG")]
    Unsupported(String),
    /// Its pixels need too much memory.
    #[error(
        "is too large to be decoded safely ({0}); reduce it to at most 8000x8000 pixels, with 8 bits a channel"
    )]
    TooLarge(String),
    /// The content does not keep what its beginning promises; this is the decoder's message.
    #[error("is damaged or cut short ({0}); open and save it anew")]
    Damaged(String),
    /// A vector picture that cannot be drawn, and the way out where one is known.
    #[error("is an SVG picture that cannot be drawn: {0}")]
    Svg(String),
}

/// What to do with a picture that exceeds a limit.
fn way_out(vector: bool) -> String {
    if vector {
        format!("simplify it (filters, masks, patterns, repeated elements), or {AS_PNG}")
    } else {
        "save it as PNG or JPEG, with at most 8000x8000 pixels".to_owned()
    }
}

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
        #[source]
        source: io::Error,
    },
    /// The file is longer than any reasonable picture.
    #[error("{name} has {bytes} bytes, at most {limit} are read; save the picture smaller")]
    TooLong {
        name: String,
        /// Its length in bytes.
        bytes: u64,
        /// The longest file that is read, in bytes.
        limit: u64,
    },
    /// The content is no picture that can be used.
    #[error("{name} {why}")]
    Undecodable { name: String, why: PictureProblem },
    /// Decoding it would take more time or memory than one picture may.
    #[error("{name} is too large or too complex to be decoded: {limit}; {}", way_out(*.vector))]
    Exceeded {
        name: String,
        limit: Limit,
        /// Whether it is an SVG picture.
        vector: bool,
    },
    /// The process that decodes pictures did not work.
    #[error("cannot decode {name}: the process for it, {}, does not work", program.display())]
    Decoder {
        name: String,
        program: PathBuf,
        #[source]
        source: io::Error,
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
    #[error("cannot encode a PNG of {size} pixels")]
    Encode {
        /// The size that was asked for.
        size: Size,
        #[source]
        source: oxipng::PngError,
    },
    /// A worker thread ended without a result.
    #[error("preparing the picture was interrupted inside the program")]
    Interrupted,
}
