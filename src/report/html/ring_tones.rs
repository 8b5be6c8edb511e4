//! The ring tone in every version that phones got.

use std::collections::HashSet;

use crate::domain::payload_kind::ToneFormat;
use crate::report::html::Of;
use crate::report::html::charts::grouped;
use crate::report::html::recipients::Receivers;

/// One version of the ring tone.
#[derive(Clone, Debug)]
pub(crate) struct ToneRow {
    pub(crate) format: &'static str,
    /// What its files are like.
    pub(crate) written: &'static str,
    pub(crate) length: String,
    pub(crate) bytes: String,
    pub(crate) models: String,
    /// How many phones it was sent to, and how many of those are verified.
    pub(crate) told: String,
    pub(crate) sha256: String,
}

/// The versions that were made, in the order of their formats.
pub(crate) fn tones(runs: &[Of<'_>]) -> Vec<ToneRow> {
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
