//! Keeps in the journal what only the run itself knows and its report needs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::CliError;
use super::state;
use crate::domain::object::ObjectKind;
use crate::domain::text::hex;
use crate::journal::{Ending, Look, Recorder, SentFile, SentPicture, SentPictures, Subject};
use crate::media::{EncodedPicture, PreparedSet, Preview};
use crate::report::Rollout;

/// Keeps what a run is about.
///
/// # Errors
/// When it cannot be written.
pub async fn keep_subject(
    recorder: &Recorder,
    object: ObjectKind,
    file: &str,
) -> Result<(), CliError> {
    let subject = Subject { file: file.to_owned(), object };
    let kept = recorder.snapshot(Subject::KIND, &subject).await;
    kept.map_err(|error| state::unusable(&error))
}

/// Keeps how the pictures look that phones will get.
///
/// # Errors
/// When it cannot be written.
pub async fn keep_pictures(recorder: &Recorder, pictures: &PreparedSet) -> Result<(), CliError> {
    let sent = tokio::task::block_in_place(|| sent(pictures));
    let kept = recorder.snapshot(SentPictures::KIND, &sent).await;
    kept.map_err(|error| state::unusable(&error))
}

/// Keeps how a run ended, when it came to its end.
pub async fn keep_ending(recorder: &Recorder, rollout: &Result<Rollout, CliError>) {
    if let Ok(rollout) = rollout {
        let (stopped, already) = (rollout.stopped.clone(), rollout.already);
        let ending = Ending { stopped, already, ..Ending::default() };
        state::keep_ending(recorder, &ending).await;
    }
}

fn sent(pictures: &PreparedSet) -> SentPictures {
    let pictures = pictures.iter().map(|prepared| SentPicture {
        digest: prepared.digest(),
        grey: prepared.shape.is_grey(),
        background: file(&prepared.background),
        thumbnail: file(&prepared.thumbnail),
    });
    SentPictures { pictures: pictures.collect() }
}

fn file(file: &EncodedPicture) -> SentFile {
    let preview = Preview::of(file);
    SentFile {
        size: file.size,
        bytes: file.png.len(),
        sha256: hex(&file.sha256),
        look: Look {
            exact: preview.exact,
            media_type: preview.media_type.to_owned(),
            base64: STANDARD.encode(&preview.bytes),
        },
    }
}
