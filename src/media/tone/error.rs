//! Why a sound cannot become a ring tone.

use std::io;
use std::path::PathBuf;

/// A sound that cannot be used. Every message names the file and the way out.
#[derive(Debug, thiserror::Error)]
pub enum ToneError {
    /// The file cannot be opened or read.
    #[error("cannot read {}; give the path of a WAV, MP3, FLAC or OGG file", path.display())]
    Unreadable {
        /// The path as it was given.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// The file is longer than any reasonable sound.
    #[error("{name} has more than {limit} bytes; a ring tone of some seconds needs far less")]
    TooLarge {
        /// The file's path.
        name: String,
        /// The longest file that is read, in bytes.
        limit: u64,
    },
    /// The content belongs to no format that is read.
    #[error(
        "{name} is no sound that can be read: {why}; give a WAV, MP3, FLAC or OGG (Vorbis) file"
    )]
    NotAudio {
        /// The file's path.
        name: String,
        /// What the decoder says.
        why: String,
    },
    /// Something about it is out of all reason.
    #[error("{name} cannot be used: {why}")]
    Unreasonable {
        /// The file's path.
        name: String,
        /// What.
        why: String,
    },
    /// It plays too long.
    #[error("{name} plays longer than {minutes} minutes; cut out the seconds that should ring")]
    TooLong {
        /// The file's path.
        name: String,
        /// The longest sound that is read.
        minutes: u64,
    },
    /// There is no sample in it.
    #[error("{name} holds no sound at all; give one that can be heard")]
    Empty {
        /// The file's path.
        name: String,
    },
    /// There is nothing to hear.
    #[error(
        "the first {seconds:.1} seconds of {name} are silent, so phones would ring without a sound; cut it anew"
    )]
    Silent {
        /// The file's path.
        name: String,
        /// How much of it was looked at.
        seconds: f64,
    },
    /// The resampler failed.
    #[error("{name} cannot be brought to {rate} samples a second: {why}")]
    Resample {
        /// The file's path.
        name: String,
        /// The rate that was asked for.
        rate: u32,
        /// What the resampler says.
        why: String,
    },
}
