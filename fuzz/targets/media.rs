//! Pictures and sounds. Whoever runs these targets limits their memory and their time.

use axlpaper::domain::model::catalogue;
use axlpaper::domain::payload_kind::ToneFormat;
use axlpaper::media::{Audio, Picture, Screen, Tone, changed, prepare};

/// Words of SVG features whose cost does not follow from the length of the file; a program draws those in a
/// process of its own.
const COSTLY: [&[u8]; 7] =
    [b"filter", b"mask", b"clip", b"pattern", b"use", b"marker", b"<!ENTITY"];

/// A picture of a user: what is read can be prepared for a phone.
pub fn picture(data: &[u8]) {
    let head = &data[..data.len().min(4096)];
    let has = |word: &&[u8]| data.windows(word.len()).any(|part| part == *word);
    if head.windows(4).any(|part| part == b"<svg" || part == b":svg") && COSTLY.iter().any(has) {
        return;
    }
    let picture = match Picture::decode("picture", data) {
        Ok(picture) => picture,
        Err(error) => return drop(error.to_string()),
    };
    let size = picture.size();
    assert!(size.width > 0 && size.height > 0);
    // Preparing costs much more than reading and is the same for every picture, so a few small ones are enough.
    if size.width <= 64 && size.height <= 64 && data.len().is_multiple_of(8) {
        let smallest = catalogue().iter().filter_map(|model| model.image.as_ref());
        let spec = smallest.min_by_key(|spec| spec.background.width * spec.background.height);
        let spec = spec.expect("some models show pictures");
        let prepared = prepare(&picture, spec).expect("it was read");
        assert_eq!(prepared.background.size, spec.background);
    }
}

/// A screenshot of a phone.
pub fn screenshot(data: &[u8]) {
    match Screen::read(data) {
        Ok(screen) => assert_eq!(changed(&screen, &screen), 0.0),
        Err(error) => drop(error.to_string()),
    }
}

/// A sound of a user: what is read becomes tones of whole units.
pub fn sound(data: &[u8]) {
    let audio = match Audio::decode("sound", data.to_vec()) {
        Ok(audio) => audio,
        Err(error) => return drop(error.to_string()),
    };
    for format in ToneFormat::ALL {
        match Tone::make(&audio, format) {
            Ok(tone) => assert!(tone.samples > 0 && tone.samples % ToneFormat::UNIT == 0),
            Err(error) => drop(error.to_string()),
        }
    }
}
