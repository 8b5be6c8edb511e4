//! The ring tone in every version that phones got.

use std::collections::HashSet;

use super::Of;
use super::bars::grouped;
use super::receivers::Receivers;
use crate::domain::object::ToneFormat;

/// One version of the ring tone.
#[derive(Clone, Debug)]
pub(super) struct ToneRow {
    pub(super) format: &'static str,
    /// What its files are like.
    pub(super) written: &'static str,
    pub(super) length: String,
    pub(super) bytes: String,
    pub(super) models: String,
    /// How many phones it was sent to, and how many of those are verified.
    pub(super) told: String,
    pub(super) sha256: String,
}

/// The versions that were made, in the order of their formats.
pub(super) fn tones(runs: &[Of<'_>]) -> Vec<ToneRow> {
    let receivers = Receivers::of(runs);
    let mut known = HashSet::new();
    let tones = runs.iter().flat_map(|of| &of.run.tones);
    let tones = tones.filter(|tone| known.insert(tone.digest.as_str())).map(|tone| {
        let cut = if tone.cut { ", the beginning of the sound" } else { "" };
        ToneRow {
            format: tone.format.as_str(),
            written: written(tone.format),
            length: format!("{}.{:03} s{cut}", tone.ms / 1000, tone.ms % 1000),
            bytes: grouped(tone.bytes),
            models: receivers.models(&tone.digest),
            told: receivers.told(&tone.digest),
            sha256: tone.digest.clone(),
        }
    });
    tones.collect()
}

fn written(format: ToneFormat) -> &'static str {
    match format {
        ToneFormat::Classic => ".raw, 8,000 samples a second, 8-bit µ-law",
        ToneFormat::Wideband => ".rwb, 16,000 samples a second, 16 bits each",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_format() {
        for format in ToneFormat::ALL {
            let written = written(format);
            assert!(written.starts_with(&format!(".{},", format.extension())), "{written}");
            assert!(written.contains(&grouped(format.rate() as usize)), "{written}");
        }
    }
}
