//! Pictures and ring tones as they were pushed, and screenshots.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::payload_kind::ToneFormat;
use crate::domain::text::grouped;
use crate::domain::text::{names, pluralize};
use crate::domain::words::Words;
use crate::event::Outcome;
use crate::journal::SentFile;
use crate::report::html::section::{RunSection, clean};
use crate::report::text::printable;

#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) name: String,
    /// Whether there are several, so that the name is shown.
    pub(super) one_of_several: bool,
    pub(super) size: String,
    pub(super) grey: bool,
    pub(super) background: Shown,
    pub(super) thumbnail: Shown,
    /// How many phones it was sent to.
    pub(super) receivers: usize,
    /// How many phones it was sent to, and how many of those are verified.
    pub(super) summary: String,
}

#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) url: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) summary: String,
    pub(super) sha256: String,
}

/// Screenshots of a phone before and after the push.
#[derive(Clone, Debug)]
pub(super) struct Screenshot {
    pub(super) phone: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// The picture beside the title.
#[derive(Clone, Debug)]
pub(super) struct TitlePicture {
    pub(super) name: String,
    pub(super) shown: Shown,
    /// How many more there are, in words; empty where it is the only one.
    pub(super) others: String,
}

/// Returns the picture that was pushed to most phones.
pub(super) fn title_picture(
    runs: &[RunSection<'_>],
    receivers: &Receivers<'_>,
) -> Option<TitlePicture> {
    let pictures = pictures(runs, receivers);
    let names: HashSet<&str> = pictures.iter().map(|picture| picture.name.as_str()).collect();
    let others = match (pictures.len().saturating_sub(1), names.len()) {
        (0, _) => String::new(),
        (more, 2..) => format!("{more} more"),
        (1, _) => "1 other size".to_owned(),
        (more, _) => format!("{more} other sizes"),
    };
    let most = pictures.into_iter().filter(|picture| !picture.background.url.is_empty());
    let most = most.max_by_key(|picture| (picture.receivers, !picture.grey))?;
    Some(TitlePicture { name: most.name, shown: most.background, others })
}

/// The picture of a phone with words of its own.
#[derive(Clone, Debug)]
pub(super) struct PhonePicture {
    pub(super) phone: String,
    /// The words in one line.
    pub(super) words: String,
    pub(super) url: String,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Returns the pictures of phones with words of their own.
pub(super) fn phone_pictures(runs: &[RunSection<'_>]) -> Vec<PhonePicture> {
    let pictures =
        runs.iter().flat_map(|of| of.run.phone_pictures.iter().map(move |one| (of, one)));
    let pictures = pictures.map(|(of, picture)| PhonePicture {
        phone: match of.cluster.as_str() {
            "" => clean(&picture.name),
            cluster => format!("{} ({cluster})", printable(&picture.name)),
        },
        words: clean(&in_one_line(&picture.words)),
        url: url(&picture.look.media_type, &picture.look.base64),
        width: picture.size.width,
        height: picture.size.height,
    });
    pictures.collect()
}

/// Writes words in one line.
pub(super) fn in_one_line(words: &Words) -> String {
    let lines = words.text.lines().map(str::to_owned);
    let code = words.qr.iter().map(|qr| format!("QR code {qr}"));
    lines.chain(code).collect::<Vec<_>>().join(" / ")
}

/// Returns the pictures by size.
pub(super) fn pictures(runs: &[RunSection<'_>], receivers: &Receivers<'_>) -> Vec<Picture> {
    let files: HashSet<_> = runs.iter().map(|of| &of.run.file).collect();
    let mut known = HashSet::new();
    let pictures = runs.iter().flat_map(|of| of.run.pictures.iter().map(move |one| (of, one)));
    let pictures = pictures.filter(|(_, picture)| known.insert(picture.digest.as_str()));
    let pictures = pictures.map(|(of, picture)| {
        let has_name = !picture.name.is_empty();
        let one_of_several = has_name || files.len() > 1;
        let only = of.run.file.as_deref().unwrap_or_default();
        let name = if has_name { &picture.name } else { only };
        Picture {
            name: clean(name),
            one_of_several,
            size: picture.background.size.to_string(),
            grey: picture.grey,
            background: shown(&picture.background),
            thumbnail: shown(&picture.thumbnail),
            receivers: receivers.count(&picture.digest),
            summary: receivers.summary(&picture.digest),
        }
    });
    pictures.collect()
}

fn shown(file: &SentFile) -> Shown {
    let kilobytes = file.bytes.div_ceil(1024);
    let smaller = if file.look.exact { "" } else { ", shown from a smaller copy" };
    Shown {
        url: url(&file.look.media_type, &file.look.base64),
        width: file.size.width,
        height: file.size.height,
        summary: format!("{} PNG, {kilobytes} KB{smaller}", file.size),
        sha256: file.sha256.clone(),
    }
}

/// Returns the `data:` URL of a picture; empty if browsers do not show its type.
fn url(media_type: &str, base64: &str) -> String {
    let known = matches!(media_type, "image/png" | "image/jpeg" | "image/bmp");
    let plain = base64.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    if known && plain { format!("data:{media_type};base64,{base64}") } else { String::new() }
}

/// Returns screenshots by phone.
pub(super) fn screenshots(runs: &[RunSection<'_>]) -> Vec<Screenshot> {
    let mut seen: BTreeMap<(&str, &str), Screenshot> = BTreeMap::new();
    let shots = runs.iter().flat_map(|of| of.run.screenshots.iter().map(move |shot| (of, shot)));
    for (of, shot) in shots {
        let phone = || match of.cluster.as_str() {
            "" => clean(&shot.phone),
            cluster => format!("{} ({cluster})", printable(&shot.phone)),
        };
        let entry = seen.entry((&of.cluster, &shot.phone));
        let seen =
            entry.or_insert_with(|| Screenshot { phone: phone(), before: None, after: None });
        let picture = media_type(&shot.bytes).map(|kind| url(kind, &STANDARD.encode(&shot.bytes)));
        if shot.after {
            seen.after = picture;
        } else {
            seen.before = picture;
        }
    }
    seen.into_values().collect()
}

/// Detects the type by the first bytes, because a phone can send anything.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'B', b'M', ..] => Some("image/bmp"),
        _ => None,
    }
}

#[derive(Clone, Debug)]
pub(super) struct ToneRow {
    pub(super) format: &'static str,
    pub(super) written: &'static str,
    pub(super) length: String,
    pub(super) bytes: String,
    pub(super) models: String,
    /// How many phones it was sent to, and how many of those are verified.
    pub(super) summary: String,
    pub(super) sha256: String,
}

/// Returns the versions of the ring tone by format.
pub(super) fn tones(runs: &[RunSection<'_>], receivers: &Receivers<'_>) -> Vec<ToneRow> {
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
            summary: receivers.summary(&tone.digest),
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

/// The phones of runs by digest of what was pushed to them.
pub(super) struct Receivers<'a> {
    sent: HashMap<&'a str, HashSet<Phone<'a>>>,
    verified: HashSet<Phone<'a>>,
    models: HashMap<Phone<'a>, &'a str>,
}

/// Index of the run and name: phones of two clusters can have the same name.
type Phone<'a> = (usize, &'a str);

impl<'a> Receivers<'a> {
    pub(super) fn of(runs: &[RunSection<'a>]) -> Self {
        let mut sent: HashMap<&str, HashSet<Phone<'_>>> = HashMap::new();
        let (mut verified, mut models) = (HashSet::new(), HashMap::new());
        for (at, run) in runs.iter().map(|of| of.run).enumerate() {
            for attempt in &run.attempts {
                sent.entry(&attempt.digest).or_default().insert((at, &attempt.phone));
            }
            for phone in &run.phones {
                let key = (at, phone.name.as_str());
                models.insert(key, phone.model.as_str());
                if phone.outcome == Outcome::Verified {
                    verified.insert(key);
                }
            }
        }
        Self { sent, verified, models }
    }

    /// Counts the phones that this was pushed to.
    fn count(&self, digest: &str) -> usize {
        self.sent.get(digest).map_or(0, HashSet::len)
    }

    /// Describes how many phones this was pushed to.
    pub(super) fn summary(&self, digest: &str) -> String {
        match self.sent.get(digest) {
            None => "sent to no phone".to_owned(),
            Some(phones) => format!(
                "pushed to {}, {} of them verified",
                pluralize(phones.len(), "phone"),
                phones.intersection(&self.verified).count()
            ),
        }
    }

    /// Returns the models of those phones.
    pub(super) fn models(&self, digest: &str) -> String {
        let phones = self.sent.get(digest).into_iter().flatten();
        let models: BTreeSet<&str> =
            phones.filter_map(|phone| self.models.get(phone).copied()).collect();
        clean(&names(&models.into_iter().collect::<Vec<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_become_urls() {
        assert_eq!(url("image/png", "QUJD"), "data:image/png;base64,QUJD");
        assert_eq!(url("text/html", "QUJD"), "");
        assert_eq!(url("image/svg+xml", "QUJD"), "");
        assert_eq!(url("image/png", "\"><b>"), "");
        assert_eq!(media_type(b"<svg onload=x>"), None);
    }

    #[test]
    fn the_words_are_those_of_the_format() {
        for format in ToneFormat::ALL {
            let written = written(format);
            assert!(written.starts_with(&format!(".{},", format.extension())), "{written}");
            assert!(written.contains(&grouped(format.rate() as usize)), "{written}");
        }
    }
}
