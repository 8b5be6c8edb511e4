//! The report of a run as its page shows it: with the pictures of phones that have words of their own.

use crate::domain::model;
use crate::error::AppError;
use crate::event::PhoneResult;
use crate::journal::{JournalReader, RunRow};
use crate::media::{Preview, Shape};
use crate::report::{PhonePicture, RunReport};
use crate::rollout::payload::picture::{self, drawn};

/// Reads all that the HTML report shows; `next` is the command that continues the run. As many phones have their own
/// pictures as a page that goes by mail can hold.
///
/// # Errors
/// When the journal cannot be read.
pub fn page_report(
    history: &JournalReader,
    run: RunRow,
    next: Option<&str>,
) -> Result<RunReport, AppError> {
    let mut report = RunReport::read_for_page(history, run, next)?;
    let shown = |phone: &&PhoneResult| phone.words.is_some() && phone.outcome.is_proven();
    let phones: Vec<PhoneResult> = report.phones.iter().filter(shown).cloned().collect();
    report.more_phone_pictures = phones.len().saturating_sub(MOST_PICTURES);
    for phone in phones.into_iter().take(MOST_PICTURES) {
        let (Some(words), Some(base)) = (&phone.words, base_of(&report, &phone)) else { continue };
        let Some(kept) = history.picture(&base)? else { continue };
        if let Some(image) = drawn(kept, words) {
            let look = picture::look(&Preview::of(&image.background));
            let name = phone.name.to_string();
            let size = image.background.size;
            report.phone_pictures.push(PhonePicture { name, words: words.clone(), size, look });
        }
    }
    Ok(report)
}

/// Returns the digest of the picture below the words of a phone: of its attempt, or of the picture of its size.
fn base_of(report: &RunReport, phone: &PhoneResult) -> Option<String> {
    let attempt = report.attempts.iter().rfind(|attempt| attempt.phone == phone.name.as_str());
    if let Some(attempt) = attempt {
        return Some(attempt.digest.clone());
    }
    let shape = Shape::from(&model::by_name(&phone.model)?.image?);
    let name = phone.picture.as_deref().unwrap_or_default();
    let of_shape = report.pictures.iter().find(|picture| {
        picture.name == name
            && picture.background.size == shape.background
            && picture.thumbnail.size == shape.thumbnail
            && picture.grey == shape.is_grey()
    });
    of_shape.map(|picture| picture.digest.clone())
}

/// Of how many phones a page shows their own pictures.
const MOST_PICTURES: usize = 24;
