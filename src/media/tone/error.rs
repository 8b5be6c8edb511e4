//! Why a sound cannot become a ring tone.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::media::Limit;

/// Why the content of a file is no sound that can be used. The messages continue the file's name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
pub enum SoundProblem {
    /// The content belongs to no format that is read.
    #[error("is no sound that can be read: {0}; give a WAV, MP3, FLAC or OGG (Vorbis) file")]
    NotAudio(String),
    /// A sound, but in a format that is not read here; this is what it is.
    #[error("is {0}; save it as WAV with PCM samples, or give an MP3, FLAC or OGG (Vorbis) file")]
    Unsupported(String),
    /// The content does not keep what its beginning promises.
    #[error("is damaged or truncated ({0}); save it again, or give a complete file")]
    Damaged(String),
    /// Something about it is out of all reason.
    #[error("cannot be used: {0}")]
    Unreasonable(String),
    /// It plays longer than so many minutes.
    #[error("plays longer than {0} minutes; cut out the seconds that should ring")]
    TooLong(u64),
    #[error("holds no sound at all; give one that can be heard")]
    Empty,
}

/// A sound that cannot be used. Every message names the file and the way out.
#[derive(Debug, thiserror::Error)]
pub enum ToneError {
    #[error("cannot read {}; give the path of a WAV, MP3, FLAC or OGG file", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{name} has more than {limit} bytes; a ring tone of some seconds needs far less")]
    TooLarge { name: String, limit: u64 },
    #[error("{name} {why}")]
    Undecodable { name: String, why: SoundProblem },
    /// Decoding it would take more time or memory than one sound may.
    #[error(
        "{name} is too large or too complex to be decoded: {limit}; cut out the seconds that should ring, and save \
         them as WAV"
    )]
    Exceeded { name: String, limit: Limit },
    #[error("cannot decode {name}: the process for it, {}, does not work", program.display())]
    Decoder {
        name: String,
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "the first {seconds:.1} seconds of {name} are silent, so phones would ring silently; cut it again"
    )]
    Silent { name: String, seconds: f64 },
    #[error("{name} cannot be brought to {rate} samples a second: {why}")]
    Resample { name: String, rate: u32, why: String },
}
