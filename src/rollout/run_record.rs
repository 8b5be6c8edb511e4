//! Keeps in the journal what only the run itself knows and its report needs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::payload_kind::ToneFormat;
use crate::domain::push_action::PushAction;
use crate::domain::text::hex;
use crate::error::AppError;
use crate::journal::{
    Recorder, ScreenCheckRecord, SentFile, SentPicture, SentPictures, SentTone, SentTones, Subject,
};
use crate::media::{EncodedPicture, PreparedSet, Preview, ToneSet, blocking};
use crate::report::RunReport;
use crate::rollout::payload::PreparedPayload;
use crate::rollout::run::Run;

/// Keeps what a run is about.
///
/// # Errors
/// When it cannot be written.
pub async fn keep_subject(
    recorder: &Recorder,
    action: PushAction,
    file: &str,
    repairs: bool,
) -> Result<(), AppError> {
    let subject = Subject::new(action, file, repairs);
    let kept = recorder.snapshot(Subject::KIND, &subject).await;
    kept.map_err(Into::into)
}

/// Keeps what phones will get from us: how pictures look, and what ring tones are like.
///
/// # Errors
/// When it cannot be written.
pub async fn keep_prepared(
    recorder: &Recorder,
    prepared: &PreparedPayload,
) -> Result<(), AppError> {
    let kept = match prepared {
        PreparedPayload::Pictures(pictures) => {
            let pictures = pictures.clone();
            let sent = blocking(move || sent(&pictures)).await;
            recorder.snapshot(SentPictures::KIND, &sent).await
        }
        PreparedPayload::Tones(tones) => {
            recorder.snapshot(SentTones::KIND, &sent_tones(tones)).await
        }
        PreparedPayload::Elsewhere(_) | PreparedPayload::Removal | PreparedPayload::Script(_) => {
            Ok(())
        }
    };
    kept.map_err(Into::into)
}

/// Keeps how a run ended, when it came to its end.
pub async fn keep_ending(run: &Run, report: &Result<RunReport, AppError>) {
    if let Ok(RunReport { ending: Some(ending), .. }) = report {
        run.keep_ending(ending).await;
    }
}

fn sent(pictures: &PreparedSet) -> SentPictures {
    let pictures = pictures.each().into_iter().map(|((name, _), prepared)| SentPicture {
        digest: prepared.digest(),
        name: name.clone(),
        grey: prepared.shape.is_grey(),
        background: file(&prepared.background),
        thumbnail: file(&prepared.thumbnail),
    });
    SentPictures { pictures: pictures.collect() }
}

fn sent_tones(tones: &ToneSet) -> SentTones {
    let tones = ToneFormat::ALL.iter().filter_map(|format| tones.get(*format));
    let tones = tones.map(|tone| SentTone {
        digest: tone.digest(),
        format: tone.format,
        bytes: tone.bytes.len(),
        ms: tone.samples as u64 * 1000 / u64::from(tone.format.rate()),
        cut: tone.cut,
    });
    SentTones { tones: tones.collect() }
}

fn file(file: &EncodedPicture) -> SentFile {
    let preview = Preview::of(file);
    SentFile {
        size: file.size,
        bytes: file.png.len(),
        sha256: hex(&file.sha256),
        look: ScreenCheckRecord {
            exact: preview.exact,
            media_type: preview.media_type.to_owned(),
            base64: STANDARD.encode(&preview.bytes),
        },
    }
}
