//! Pictures as phones got them, and what phones showed.

use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Of;
use crate::journal::SentFile;
use crate::report::html::recipients::Receivers;
use crate::report::text::printable;

/// A background with its thumbnail.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    /// The name of its file.
    pub(super) name: String,
    /// Whether the name tells it from others.
    pub(super) one_of_several: bool,
    pub(super) size: String,
    pub(super) grey: bool,
    pub(super) background: Shown,
    pub(super) thumbnail: Shown,
    /// How many phones it was sent to, and how many of those are verified.
    pub(super) told: String,
}

/// A file as the page shows it.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) url: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) told: String,
    pub(super) sha256: String,
}

/// What a phone showed before, and what it showed after.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) phone: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// The pictures that were made, in the order of their sizes.
pub(super) fn pictures(runs: &[Of<'_>]) -> Vec<Picture> {
    let receivers = Receivers::of(runs);
    let files: HashSet<_> = runs.iter().map(|of| &of.run.file).collect();
    let mut known = HashSet::new();
    let pictures = runs.iter().flat_map(|of| of.run.pictures.iter().map(move |one| (of, one)));
    let pictures = pictures.filter(|(_, picture)| known.insert(picture.digest.as_str()));
    let pictures = pictures.map(|(of, picture)| {
        let told = receivers.told(&picture.digest);
        let has_name = !picture.name.is_empty();
        let one_of_several = has_name || files.len() > 1;
        let only = of.run.file.as_deref().unwrap_or_default();
        let name = if has_name { &picture.name } else { only };
        Picture {
            name: printable(name).into_owned(),
            one_of_several,
            size: picture.background.size.to_string(),
            grey: picture.grey,
            background: shown(&picture.background),
            thumbnail: shown(&picture.thumbnail),
            told,
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
        told: format!("{} PNG, {kilobytes} KB{smaller}", file.size),
        sha256: file.sha256.clone(),
    }
}

/// A `data:` URL of a picture. What is no picture of a kind that browsers show becomes none.
fn url(media_type: &str, base64: &str) -> String {
    let known = matches!(media_type, "image/png" | "image/jpeg" | "image/bmp");
    let plain = base64.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    if known && plain { format!("data:{media_type};base64,{base64}") } else { String::new() }
}

/// What phones showed, by name.
pub(super) fn screenshots(runs: &[Of<'_>]) -> Vec<Seen> {
    let mut seen: BTreeMap<(&str, &str), Seen> = BTreeMap::new();
    let shots = runs.iter().flat_map(|of| of.run.screenshots.iter().map(move |shot| (of, shot)));
    for (of, shot) in shots {
        let phone = || match of.cluster.as_str() {
            "" => printable(&shot.phone).into_owned(),
            cluster => format!("{} ({cluster})", printable(&shot.phone)),
        };
        let entry = seen.entry((&of.cluster, &shot.phone));
        let seen = entry.or_insert_with(|| Seen { phone: phone(), before: None, after: None });
        let picture = media_type(&shot.bytes).map(|kind| url(kind, &STANDARD.encode(&shot.bytes)));
        if shot.after {
            seen.after = picture;
        } else {
            seen.before = picture;
        }
    }
    seen.into_values().collect()
}

/// What a file is by its first bytes: a phone can call it anything.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'B', b'M', ..] => Some("image/bmp"),
        _ => None,
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
}
