//! Ring tones for phones: reading, resampling, levelling, encoding.
//!
//! One sound goes in, and for every format that the fleet's models ring with one file comes out. What the files
//! must be like is in the guides: the 8941/8945 administration guide and Cisco's "IP Phone Services Application
//! Development Notes" for the classic ones, the pages of usecallmanager.nz for the wideband ones.

mod decode;
mod error;
mod integrity;
mod ringlist;
mod shape;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::domain::payload_kind::ToneFormat;
use crate::domain::text::hex;

pub use decode::Audio;
pub use error::{SoundProblem, ToneError};
pub use ringlist::{Merged, RingListError, merge};

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tone {
    pub format: ToneFormat,
    pub bytes: Bytes,
    pub samples: usize,
    /// Whether the sound was longer than phones ring, so that only its beginning is there.
    pub cut: bool,
}

impl Tone {
    /// Makes a ring tone out of a sound.
    ///
    /// It is brought to the format's rate, cut where it crosses zero when it is too long, levelled, faded at
    /// both ends and filled up with silence to whole units.
    pub fn make(audio: &Audio, format: ToneFormat) -> Result<Self, ToneError> {
        let shaped = shape::shape(audio, format)?;
        let bytes = encode(&shaped.samples, format);
        Ok(Self { format, samples: shaped.samples.len(), bytes, cut: shaped.cut })
    }

    pub fn digest(&self) -> String {
        hex(&Sha256::digest(&self.bytes))
    }

    pub fn seconds(&self) -> f64 {
        self.samples as f64 / f64::from(self.format.rate())
    }
}

/// The ring tones of a whole fleet, one for each format.
#[derive(Clone, Debug, Default)]
pub struct ToneSet(HashMap<ToneFormat, Arc<Tone>>);

impl ToneSet {
    /// Makes a sound in every format that is asked for.
    pub fn make(
        audio: &Audio,
        formats: impl IntoIterator<Item = ToneFormat>,
    ) -> Result<Self, ToneError> {
        let mut set = HashMap::new();
        for format in formats {
            if let Entry::Vacant(place) = set.entry(format) {
                place.insert(Arc::new(Tone::make(audio, format)?));
            }
        }
        Ok(Self(set))
    }

    pub fn get(&self, format: ToneFormat) -> Option<&Arc<Tone>> {
        self.0.get(&format)
    }

    pub fn digests(&self) -> HashMap<ToneFormat, String> {
        self.0.iter().map(|(format, tone)| (*format, tone.digest())).collect()
    }
}

/// Writes samples between -1 and 1 as the format has them.
fn encode(samples: &[f32], format: ToneFormat) -> Bytes {
    // Rounding and clamping first, so the conversion cannot leave the range.
    let linear = samples.iter().map(|sample| {
        (sample * f32::from(i16::MAX)).round().clamp(f32::from(-i16::MAX), f32::from(i16::MAX))
            as i16
    });
    match format {
        ToneFormat::Classic => linear.map(audio_codec_algorithms::encode_ulaw).collect(),
        // No source names the order of the bytes; the phones' processors and all published recipes are little-endian.
        ToneFormat::Wideband => linear.flat_map(i16::to_le_bytes).collect(),
    }
}

#[cfg(test)]
mod tests;
