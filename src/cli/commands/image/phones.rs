//! The pictures of single phones, with their words.

use std::collections::HashMap;
use std::sync::Arc;

use super::make::{Made, failed};
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Phone;
use crate::domain::words::{Words, WordsTemplate, is_right_to_left};
use crate::error::{AppError, ErrorKind};
use crate::media::{Compression, PreparedImage, Shape, WordsCanvas, WordsError};

/// The picture of a phone.
pub(super) struct PhonePicture {
    pub(super) name: DeviceName,
    /// Why it is on the contact sheet; nothing where a person asked for it.
    pub(super) example_of: Option<&'static str>,
    pub(super) image: PreparedImage,
}

/// Draws the words of the phones that a person asked for, and of three others that show what can happen. What could not be
/// drawn becomes a remark.
///
/// # Errors
/// When no phones are known, or a phone that was asked for cannot get a picture.
pub(super) fn draw(
    words: &WordsTemplate,
    wanted: &[DeviceName],
    made: &mut Made,
    compression: Compression,
) -> Result<Vec<PhonePicture>, AppError> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    if made.phones.is_empty() {
        let error = "words are those of phones, and no cluster was asked for any";
        return Err(AppError::new(ErrorKind::Usage, error).hint(
            "nothing was written; name the cluster with --cluster or --host, and phones with --for",
        ));
    }
    let mut canvases: HashMap<Shape, WordsCanvas> = HashMap::new();
    let mut pictures = Vec::new();
    for (phone, example_of) in chosen(words, wanted, &made.phones)? {
        let image = phone.catalogue_entry().and_then(|model| model.image);
        let Some(base) = image.and_then(|image| made.pictures.get(&image)) else {
            if example_of.is_some() {
                continue;
            }
            let error = format!("{} is a {}, which shows no picture", phone.name, phone.model);
            return Err(AppError::new(ErrorKind::Usage, error).hint("nothing was written"));
        };
        let canvas = match canvases.entry(base.shape) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(WordsCanvas::new(Arc::clone(base)).map_err(failed)?)
            }
        };
        let image = match words.of(phone).map(|words| canvas.draw(&words, compression)) {
            None => PreparedImage::clone(base),
            Some(Ok((image, notes))) => {
                made.remarks.extend(notes.iter().map(|note| format!("{}: {note}", phone.name)));
                image
            }
            Some(Err(WordsError::Qr(problem))) if example_of.is_some() => {
                made.remarks.push(format!("{}: {problem}", phone.name));
                continue;
            }
            Some(Err(error)) => {
                return Err(AppError::from_error(ErrorKind::Usage, error).context(&phone.name));
            }
        };
        pictures.push(PhonePicture { name: phone.name.clone(), example_of, image });
    }
    Ok(pictures)
}

/// Chooses the phones that were asked for, and those with the longest words, words from right to left, and an empty field.
fn chosen<'a>(
    words: &WordsTemplate,
    wanted: &[DeviceName],
    phones: &'a [Phone],
) -> Result<Vec<(&'a Phone, Option<&'static str>)>, AppError> {
    let mut chosen = Vec::new();
    for name in wanted {
        let phone = phones.iter().find(|phone| phone.name == *name).ok_or_else(|| {
            let error = format!("--for {name}: the cluster has no such phone among those selected");
            AppError::new(ErrorKind::Usage, error).hint("nothing was written")
        })?;
        chosen.push((phone, None));
    }
    let shows = |phone: &&Phone| phone.catalogue_entry().is_some_and(|model| model.image.is_some());
    let text = |phone: &Phone| words.of(phone).map(|Words { text, .. }| text).unwrap_or_default();
    let all = || phones.iter().filter(shows);
    let length = |phone: &&Phone| text(phone).chars().count();
    let examples = [
        (all().max_by_key(length), "the longest words"),
        (all().find(|phone| is_right_to_left(&text(phone))), "right to left"),
        (all().find(|phone| words.lacks_value(phone)), "an empty field"),
    ];
    for (phone, why) in examples {
        if let Some(phone) = phone
            && !chosen.iter().any(|(known, _): &(&Phone, _)| known.name == phone.name)
        {
            chosen.push((phone, Some(why)));
        }
    }
    Ok(chosen)
}
