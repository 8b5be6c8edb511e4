//! What a rollout pushes: one file per kind, each with a [`Payload`] and a [`PreparedPayload`].
//!
//! The caller makes a payload, or [`resume`](crate::rollout::resume) makes it of a [`SavedPayload`] from the journal.
//! [`Payload::prepare`] makes the files for the models of the phones, and [`PreparedPayload::deliver`] starts what the
//! push needs. To add a kind, add a file; where runs of this kind can be resumed, add a variant of `SavedPayload`.

pub mod delivery_context;
pub mod earlier_pictures;
pub mod external_picture;
pub mod key_script;
pub mod picture;
pub mod pictures_by_rules;
pub mod removal;
pub mod ring_tone;
pub mod source_image;
pub mod verification;

use std::fmt::Debug;
use std::future::ready;

use futures::future::{BoxFuture, FutureExt as _};
use serde::{Deserialize, Serialize};

use crate::domain::audit::Audit;
use crate::domain::payload_kind::ObjectKind;
use crate::domain::picture_rules::PictureRules;
use crate::domain::push_action::PushAction;
use crate::domain::text::pluralize;
use crate::error::{AppError, ErrorKind};
use crate::event::{Observer, PhoneResult, Proof};
use crate::journal::{JournalError, Recorder, RunId};
pub use crate::push::ModelFormat;
use crate::push::{Delivery, Digests, Target};
use crate::rollout::payload::delivery_context::DeliveryContext;

/// The future of [`Payload::prepare`].
pub type PrepareFuture<'a> = BoxFuture<'a, Result<Box<dyn PreparedPayload>, AppError>>;

/// The future of [`PreparedPayload::deliver`].
pub type DeliverFuture<'a> = BoxFuture<'a, Result<Box<dyn Delivery>, AppError>>;

/// The future of a write to the journal.
pub type SaveFuture<'a> = BoxFuture<'a, Result<(), JournalError>>;

/// What is pushed, before it is prepared for the models of the phones. The defaults are those of a picture.
pub trait Payload: Debug + Send + Sync {
    /// Returns what the run does to phones.
    fn action(&self) -> PushAction;

    /// Returns the kind of object that phones get.
    fn kind(&self) -> ObjectKind {
        self.action().object()
    }

    /// Describes the push to so many phones; `name` is the name in reports. The text follows "This will".
    fn describe(&self, name: &str, phones: usize) -> String {
        format!("push {name} to {}", pluralize(phones, "phone"))
    }

    /// Returns what the user should know before the confirmation.
    fn warning(&self) -> Option<&'static str> {
        None
    }

    /// Checks the name that was typed for the picture.
    ///
    /// # Errors
    /// When no single name can be given to this payload.
    fn check_name(&self, _: Option<&str>) -> Result<(), AppError> {
        Ok(())
    }

    /// Returns how pushes are proven: as `typed`, or as usual for this payload.
    ///
    /// # Errors
    /// When they cannot be proven as typed.
    fn proof(&self, typed: Option<Proof>) -> Result<Proof, AppError> {
        Ok(typed.unwrap_or_default())
    }

    /// Tells whether phones download it from our image server.
    fn is_served(&self) -> bool {
        false
    }

    /// Tells whether the numbers of the phones' first lines decide what they get.
    fn needs_extensions(&self) -> bool {
        false
    }

    /// Excludes phones that the payload is not for, and adds which picture each of the others gets.
    fn apply_to_audit(&self, _cluster_id: &str, audit: Audit) -> Audit {
        audit
    }

    /// Returns the targets that the payload can be pushed to, and the results of the others.
    fn partition_targets(&self, targets: Vec<Target>) -> (Vec<Target>, Vec<PhoneResult>) {
        (targets, Vec::new())
    }

    /// Makes what phones of these models get, or downloads it for a check. Nothing is changed or sent to a phone.
    ///
    /// # Errors
    /// When it cannot be made, or phones could not show it.
    fn prepare<'a>(
        &'a self,
        models: Vec<ModelFormat>,
        observer: &'a dyn Observer,
    ) -> PrepareFuture<'a>;

    /// Returns the digest of the file that all phones get a picture of, where there is one.
    fn source_digest(&self) -> Option<String> {
        None
    }

    /// Returns what the journal keeps to resume the run; nothing where a run of this kind cannot be resumed.
    fn saved(&self) -> Option<SavedPayload> {
        None
    }

    /// Writes the files to the journal that [`SavedPayload`] refers to.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn save_files<'a>(&'a self, _: &'a Recorder) -> SaveFuture<'a> {
        ready(Ok(())).boxed()
    }
}

/// A payload that is prepared for the models of the phones.
pub trait PreparedPayload: Debug + Send + Sync {
    /// Returns the digests that identify the pushed content in the journal.
    fn digests(&self) -> Digests;

    /// Writes the pushed files to the journal, or what the report shows of them; `file` is the name in reports.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn save_summary<'a>(&'a self, _: &'a Recorder, _: &'a str) -> SaveFuture<'a> {
        ready(Ok(())).boxed()
    }

    /// Makes the delivery, and starts the image server where phones download from it.
    ///
    /// # Errors
    /// When the image server cannot listen, phones could not reach it, or the push user's name or password is missing
    /// or cannot be sent.
    fn deliver<'a>(self: Box<Self>, context: &'a DeliveryContext<'a>) -> DeliverFuture<'a>;
}

/// What the journal keeps of a payload. The files are kept apart from it: [`Payload::save_files`].
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SavedPayload {
    /// A picture.
    #[default]
    Picture,
    /// Pictures on another web server.
    #[serde(rename = "elsewhere")]
    External {
        /// The URL of the backgrounds.
        image_url: String,
        /// The URL of the thumbnails.
        icon_url: String,
    },
    /// Pictures by rules.
    #[serde(rename = "gallery")]
    ByRules {
        /// Which picture is for which phone.
        rules: PictureRules,
    },
    /// The pushed picture was removed.
    Removal,
    /// What phones showed before a run.
    Earlier {
        /// That run.
        run: RunId,
    },
}

/// The proof of a picture that phones do not download from our image server.
fn proof_without_downloads(typed: Option<Proof>, why: &str) -> Result<Proof, AppError> {
    match typed {
        Some(Proof::Fetch) => {
            Err(AppError::new(ErrorKind::Usage, why)
                .hint("use --verify screenshot or --verify none"))
        }
        Some(Proof::Screenshot | Proof::None) | None => Ok(typed.unwrap_or(Proof::None)),
    }
}
