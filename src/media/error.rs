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
    #[error("is empty; give a PNG, JPEG, WebP, GIF, BMP, TIFF or SVG picture")]
    Empty,
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
    #[error("is damaged or truncated ({0}); open it and save it again")]
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
    #[error("there is no file {}; give the path of a picture", path.display())]
    Missing { path: PathBuf },
    #[error("{} is a directory; give the path of one picture in it", path.display())]
    Directory { path: PathBuf },
    #[error("cannot read {}; check its permissions", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file is longer than any reasonable picture.
    #[error("{name} has {bytes} bytes, at most {limit} are read; save the picture smaller")]
    TooLong {
        name: String,
        bytes: u64,
        /// The longest file that is read, in bytes.
        limit: u64,
    },
    #[error("{name} {why}")]
    Undecodable { name: String, why: PictureProblem },
    /// Decoding it would take more time or memory than one picture may.
    #[error("{name} is too large or too complex to be decoded: {limit}; {}", way_out(*.vector))]
    Exceeded { name: String, limit: Limit, vector: bool },
    #[error("cannot decode {name}: the process for it, {}, does not work", program.display())]
    Decoder {
        name: String,
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("a picture of {size} pixels cannot be made")]
    NoPixels { size: Size },
    #[error("cannot scale the picture to {size} pixels: {why}")]
    Resample { size: Size, why: String },
    #[error("cannot encode a PNG of {size} pixels")]
    Encode {
        size: Size,
        #[source]
        source: oxipng::PngError,
    },
    #[error("preparing the picture was interrupted inside the program")]
    Interrupted,
}
