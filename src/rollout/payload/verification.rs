//! What phones were proven to show, so that their screens can be compared with it. Nothing is pushed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::{FutureExt as _, ready};

use crate::domain::audit::Audit;
use crate::domain::device_name::DeviceName;
use crate::domain::model::Size;
use crate::domain::payload_kind::ObjectKind;
use crate::domain::push_action::PushAction;
use crate::domain::text::pluralize;
use crate::error::AppError;
use crate::event::{Observer, PhoneResult, Proof};
use crate::journal::{JournalReader, RunId, RunRef, SentPicture, SentPictures, Subject};
use crate::media::{ExpectedScreen, Picture, blocking};
use crate::push::delivery::screen_verification::{ExpectedScreens, VerificationDelivery};
use crate::push::delivery::screenshots::ScreenshotCheck;
use crate::push::{Delivery, Digests, Target, not_verifiable};
use crate::rollout::payload::delivery_context::DeliveryContext;
use crate::rollout::payload::picture::background;
use crate::rollout::payload::{
    DeliverFuture, ModelFormat, Payload, PrepareFuture, PreparedPayload,
};

/// The pictures that the phones of some clusters are proven to show.
#[derive(Debug, Default)]
pub struct ScreenVerification {
    /// The name of each phone's picture, by the identity of its cluster.
    phones: HashMap<String, HashMap<DeviceName, String>>,
    /// What phones of a model should show, by the name of the picture and the model.
    pictures: HashMap<(String, String), ProvenPicture>,
}

#[derive(Clone, Debug)]
struct ProvenPicture {
    digest: String,
    /// What a screen is compared with, or why there is nothing.
    expected: Result<Arc<ExpectedScreen>, String>,
}

/// What a run pushed.
#[derive(Default)]
struct PushedByRun {
    subject: Subject,
    pictures: Vec<SentPicture>,
}

impl ScreenVerification {
    /// Reads from the journal what the phones of these clusters are proven to show.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn read(history: &JournalReader, clusters: &[String]) -> Result<Self, AppError> {
        let mut this = Self::default();
        let mut runs: HashMap<RunId, PushedByRun> = HashMap::new();
        let mut screens: HashMap<String, Result<Arc<ExpectedScreen>, String>> = HashMap::new();
        for cluster in clusters {
            let mut phones = HashMap::new();
            let proven = history.proven_results(cluster, ObjectKind::Background)?;
            for (phone, proven, result) in proven {
                let run = match runs.entry(proven.run) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(pushed_by(history, proven.run)?),
                };
                let (name, model) = match result {
                    // A file can have changed between two runs.
                    Some(result) => {
                        let file = result.picture.as_ref().unwrap_or(&run.subject.file);
                        (format!("{file} (run {})", proven.run), result.model)
                    }
                    // Of a removed run no more is left than the digest, which is that of one model's picture.
                    None => {
                        let begin = proven.digest.get(..8).unwrap_or(&proven.digest);
                        (format!("{begin} (run {}, removed)", proven.run), String::new())
                    }
                };
                let expected = match screens.entry(proven.digest.clone()) {
                    Entry::Occupied(known) => known.get().clone(),
                    Entry::Vacant(new) => {
                        new.insert(run.expected(history, &proven.digest).await?).clone()
                    }
                };
                let picture = ProvenPicture { digest: proven.digest, expected };
                this.pictures.insert((name.clone(), model), picture);
                phones.insert(phone, name);
            }
            this.phones.insert(cluster.clone(), phones);
        }
        Ok(this)
    }

    fn of(&self, target: &Target) -> Option<&ProvenPicture> {
        of_model(&self.pictures, &target.picture, &target.model)
    }
}

/// Returns what phones of a model should show; pictures of removed runs are known without a model.
fn of_model<'a, T>(
    pictures: &'a HashMap<(String, String), T>,
    picture: &str,
    model: &str,
) -> Option<&'a T> {
    let of = |model: &str| pictures.get(&(picture.to_owned(), model.to_owned()));
    of(model).or_else(|| of(""))
}

fn pushed_by(history: &JournalReader, run: RunId) -> Result<PushedByRun, AppError> {
    let subject = history.run(RunRef::Number(run))?.and_then(|row| row.subject);
    let sent = history.snapshot::<SentPictures>(run, SentPictures::KIND)?;
    let pictures = sent.map(|sent| sent.pictures).unwrap_or_default();
    Ok(PushedByRun { subject: subject.unwrap_or_default(), pictures })
}

impl PushedByRun {
    /// Makes what a screen is compared with out of the copy in the journal, or says why that is not possible.
    ///
    /// # Errors
    /// When the journal cannot be read.
    async fn expected(
        &self,
        history: &JournalReader,
        digest: &str,
    ) -> Result<Result<Arc<ExpectedScreen>, String>, AppError> {
        Ok(match self.file(history, digest)? {
            Ok((file, size)) => expected_screen(file, size).await,
            Err(why) => Err(why),
        })
    }

    /// Returns the journal's copy of a picture with its size on the phone, or why there is none.
    fn file(
        &self,
        history: &JournalReader,
        digest: &str,
    ) -> Result<Result<(Vec<u8>, Size), String>, AppError> {
        if let Some(sent) = self.pictures.iter().find(|picture| picture.digest == digest) {
            let file = STANDARD.decode(&sent.background.look.base64);
            return Ok(file
                .map(|file| (file, sent.background.size))
                .map_err(|_| "the journal's copy of its picture is damaged".to_owned()));
        }
        if let Some(found) = background(history, digest)? {
            return Ok(Ok(found));
        }
        Ok(Err(match self.subject.action() {
            PushAction::Removal => "its picture was removed, and one screenshot cannot show that",
            PushAction::Picture
            | PushAction::PictureElsewhere
            | PushAction::RingTone
            | PushAction::Sound
            | PushAction::Keys
            | PushAction::Verification => "the journal has no copy of its picture",
        }
        .to_owned()))
    }
}

/// Returns the picture with this digest, with its size on the phone, or why the journal has none. `run` is the run that
/// proved it, where that is known.
///
/// # Errors
/// When the journal cannot be read.
pub fn proven_picture(
    history: &JournalReader,
    run: Option<RunId>,
    digest: &str,
) -> Result<Result<(Vec<u8>, Size), String>, AppError> {
    run.map_or_else(|| Ok(PushedByRun::default()), |run| pushed_by(history, run))?
        .file(history, digest)
}

/// Makes what a screen is compared with, or says why that is not possible.
///
/// # Errors
/// Says why.
pub async fn expected_screen(file: Vec<u8>, size: Size) -> Result<Arc<ExpectedScreen>, String> {
    let decode = move || Picture::decode("the picture", &file);
    let picture = blocking(decode)
        .await
        .map_err(|error| format!("the journal's copy of its picture cannot be read: {error}"))?;
    let expected = ExpectedScreen::new(&picture, size);
    if !expected.is_distinctive() {
        return Err(
                "its picture is of one colour, so a screenshot cannot distinguish it from another screen"
                    .to_owned(),
            );
    }
    Ok(Arc::new(expected))
}

impl Payload for ScreenVerification {
    fn action(&self) -> PushAction {
        PushAction::Verification
    }

    fn describe(&self, _: &str, phones: usize) -> String {
        format!(
            "look at the {} of {}",
            if phones == 1 { "screen" } else { "screens" },
            pluralize(phones, "phone")
        )
    }

    fn proof(&self, _: Option<Proof>) -> Result<Proof, AppError> {
        Ok(Proof::Screenshot)
    }

    fn apply_to_audit(&self, cluster_id: &str, audit: Audit) -> Audit {
        let phones = self.phones.get(cluster_id);
        audit.for_verification(|phone| phones?.get(phone.name()).cloned())
    }

    fn partition_targets(&self, targets: Vec<Target>) -> (Vec<Target>, Vec<PhoneResult>) {
        let (mut able, mut unable) = (Vec::new(), Vec::new());
        for target in targets {
            match self.of(&target).map(|picture| &picture.expected) {
                Some(Ok(_)) => able.push(target),
                Some(Err(why)) => unable.push(not_verifiable(&target, Some(why))),
                None if target.picture.is_empty() => unable.push(not_verifiable(&target, None)),
                None => unable.push(not_verifiable(&target, Some(OTHER_MODEL))),
            }
        }
        (able, unable)
    }

    fn prepare<'a>(&'a self, models: Vec<ModelFormat>, _: &'a dyn Observer) -> PrepareFuture<'a> {
        let mut pictures = self.pictures.clone();
        pictures.extend(models.into_iter().filter_map(|ModelFormat { picture, model, .. }| {
            let proven = of_model(&self.pictures, &picture, &model)?.clone();
            Some(((picture, model), proven))
        }));
        let prepared = PreparedVerification { pictures };
        ready(Ok(Box::new(prepared) as Box<dyn PreparedPayload>)).boxed()
    }
}

const OTHER_MODEL: &str = "it was another model when it was proven to show its picture";

#[derive(Debug)]
struct PreparedVerification {
    pictures: HashMap<(String, String), ProvenPicture>,
}

impl PreparedPayload for PreparedVerification {
    fn digests(&self) -> Digests {
        let pictures = self.pictures.clone();
        Digests::new(move |format| {
            let picture = of_model(&pictures, &format.picture, &format.model)?;
            Some(picture.digest.clone())
        })
    }

    fn deliver<'a>(self: Box<Self>, context: &'a DeliveryContext<'a>) -> DeliverFuture<'a> {
        let expected: ExpectedScreens = self
            .pictures
            .into_iter()
            .filter_map(|(key, one)| Some((key, one.expected.ok()?)))
            .collect();
        let connector = context.phone_connector(context.options.phone_timeout);
        let delivery = connector.map(|connector| {
            let wait = context.options.verify_timeout;
            let screenshots = ScreenshotCheck::new(context.recorder.clone(), wait);
            let delivery = VerificationDelivery::new(connector, screenshots, expected);
            Box::new(delivery) as Box<dyn Delivery>
        });
        ready(delivery).boxed()
    }
}
