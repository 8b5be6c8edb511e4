//! The way to phones for whatever is done to them, and what has to be at hand before.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::error::{CliError, Exit};
use super::images::{self, Sending};
use super::what::{Source, Wanted};
use crate::domain::chain::chain;
use crate::domain::model::{ImageSpec, KEM, PushSchema};
use crate::event::PhoneResult;
use crate::event::{Event, Observer, Proof, Stage};
use crate::host::elsewhere::{ElsewhereError, Template, download};
use crate::journal::Recorder;
use crate::media::{PreparedImage, PreparedSet, prepare};
use crate::net::client::{PhoneHttpOptions, phone_http};
use crate::phone::PhoneError;
use crate::push::direct::{DirectLine, Elsewhere, What};
use crate::push::evidence::Evidence;
use crate::push::line::PhoneLine;
use crate::push::screens::Screens;
use crate::push::{Answer, Digests, Fetched, Line, Target, cannot_remove};

/// A model that something is pushed to, by name, and its pictures.
pub type OfModel = (String, ImageSpec);

/// What is at hand for a push.
#[derive(Debug)]
pub enum AtHand {
    /// Pictures that we made.
    Made(PreparedSet),
    /// Pictures that stand elsewhere, by model.
    Found(HashMap<String, Elsewhere>),
    /// Nothing is needed.
    Nothing,
}

impl AtHand {
    /// Returns what tells what each phone is sent from anything else.
    pub fn digests(&self) -> Digests {
        match self {
            Self::Made(pictures) => Digests::from(pictures),
            Self::Found(models) => What::Show(models.clone()).digests(),
            Self::Nothing => What::Remove.digests(),
        }
    }
}

/// Makes what is pushed, or finds it where it stands.
///
/// # Errors
/// When a picture cannot be made, or one that stands elsewhere is not what phones can show. Nothing has been sent
/// to a phone or changed then.
pub async fn gather(
    wanted: &Wanted,
    models: Vec<OfModel>,
    observer: &dyn Observer,
) -> Result<AtHand, CliError> {
    match wanted {
        Wanted::Picture { picture, .. } => {
            let specs = models.iter().map(|(_, spec)| spec);
            images::prepare(&picture.picture, specs, observer).map(AtHand::Made)
        }
        Wanted::Elsewhere { image, icon } => {
            observer.observe(&Event::Started { stage: Stage::Pictures, total: None });
            let found = find(image, icon, models).await?;
            observer.observe(&Event::Finished { stage: Stage::Pictures });
            Ok(AtHand::Found(found))
        }
        Wanted::Removal => Ok(AtHand::Nothing),
    }
}

/// Downloads every different file once, and looks whether each model can show its own.
async fn find(
    image: &Template,
    icon: &Template,
    mut models: Vec<OfModel>,
) -> Result<HashMap<String, Elsewhere>, CliError> {
    models.sort_by(|(one, _), (other, _)| one.cmp(other));
    models.dedup_by(|(one, _), (other, _)| one == other);
    let options = PhoneHttpOptions { call: DOWNLOAD, ..PhoneHttpOptions::default() };
    let client =
        phone_http(&options).map_err(|error| CliError::from_error(Exit::Failed, &error))?;
    let mut files: HashMap<String, Bytes> = HashMap::new();
    let mut pairs: HashMap<(String, String), Arc<PreparedImage>> = HashMap::new();
    let mut found = HashMap::new();
    for (model, spec) in models {
        let image_url = image.fill(&model, &spec, spec.background);
        let icon_url = icon.fill(&model, &spec, spec.thumbnail);
        for url in [&image_url, &icon_url] {
            if !files.contains_key(url) {
                let file = download(&client, url, DOWNLOAD).await.map_err(|e| unusable(&e))?;
                files.insert(url.clone(), file);
            }
        }
        let pair = (image_url.clone(), icon_url.clone());
        let shape = crate::media::Shape::from(&spec);
        let files = match pairs.get(&pair).filter(|known| known.shape == shape) {
            Some(known) => Arc::clone(known),
            None => {
                let looked = tokio::task::block_in_place(|| {
                    PreparedImage::found(&spec, &files[&image_url], &files[&icon_url])
                });
                let looked = looked.map_err(|(is_image, why)| {
                    let url = if is_image { &image_url } else { &icon_url };
                    unfit(&model, url, &why)
                })?;
                let looked = Arc::new(looked);
                pairs.insert(pair, Arc::clone(&looked));
                looked
            }
        };
        found.insert(model, Elsewhere { image_url, icon_url, files });
    }
    Ok(found)
}

fn unfit(model: &str, url: &str, why: &crate::media::Unfit) -> CliError {
    CliError::new(Exit::Usage, format!("{url} does not suit a {model}: {why}")).hint(
        "nothing was changed; `axlpaper image prepare` makes files of every size, and {size} or {dir} in the \
         address names them",
    )
}

fn unusable(error: &ElsewhereError) -> CliError {
    let exit = match error {
        ElsewhereError::Unreachable { .. } => Exit::Failed,
        ElsewhereError::Redirect { .. }
        | ElsewhereError::Status { .. }
        | ElsewhereError::TooLong { .. } => Exit::Usage,
    };
    CliError::new(exit, chain(error))
        .hint("nothing was changed; phones would find the same: check the address and the server")
}

/// A line, whichever kind it is.
#[derive(Debug)]
pub enum Carrier {
    /// Phones download from us.
    Host(Box<PhoneLine>),
    /// They do not.
    Direct(Box<DirectLine>),
}

/// Puts the way to phones together; `toward` is where these are.
///
/// # Errors
/// When the image server cannot listen, or when phones could not reach it.
pub fn line(
    sending: &Sending<'_>,
    toward: Option<IpAddr>,
    at_hand: AtHand,
    recorder: &Recorder,
) -> Result<Carrier, CliError> {
    let wait = Duration::from_secs(sending.push.verify_timeout);
    let screens =
        (sending.proof == Proof::Screenshot).then(|| Screens::new(recorder.clone(), wait));
    let what = match at_hand {
        AtHand::Made(pictures) => {
            let mut line = images::line(sending, toward, pictures)?;
            if let Wanted::Picture { kem: Some(kem), .. } = sending.wanted {
                line = line
                    .with_kem(&made_for_kem(kem)?)
                    .map_err(|error| CliError::from_error(Exit::Failed, &error))?;
            }
            if sending.proof == Proof::None {
                line = line.without_proof();
            }
            if let Some(screens) = screens {
                line = line
                    .with_screens(screens)
                    .map_err(|error| CliError::from_error(Exit::Failed, &error))?;
            }
            return Ok(Carrier::Host(Box::new(line)));
        }
        AtHand::Found(models) => What::Show(models),
        AtHand::Nothing => What::Remove,
    };
    let mut line = DirectLine::new(images::phones(sending)?, what, sending.picture_name());
    if sending.push.no_identity_check {
        line = line.without_identity_check();
    }
    if let Some(screens) = screens {
        line = line.with_screens(screens);
    }
    Ok(Carrier::Direct(Box::new(line)))
}

/// Makes the picture for key expansion modules.
fn made_for_kem(kem: &Source) -> Result<Arc<PreparedImage>, CliError> {
    let made = tokio::task::block_in_place(|| prepare(&kem.picture, &KEM));
    made.map(Arc::new).map_err(|error| CliError::from_error(Exit::Failed, &error))
}

impl Carrier {
    /// Makes sure that what would be sent to these targets is not too long for phones.
    ///
    /// # Errors
    /// Says which part is too long, before anything has been sent or changed.
    pub fn check(&self, targets: &[Target]) -> Result<(), CliError> {
        let fits: Result<(), PhoneError> = match self {
            Self::Host(line) => line.check(targets),
            Self::Direct(line) => line.check(targets),
        };
        fits.map_err(|error| {
            CliError::from_error(Exit::Usage, &error).hint(
                "nothing was changed or sent; use a shorter --advertise or --image-url, or --picture-name",
            )
        })
    }

    /// Returns the address that phones download from, where it is ours.
    pub fn base_url(&self) -> Option<&str> {
        match self {
            Self::Host(line) => Some(line.base_url()),
            Self::Direct(_) => None,
        }
    }

    /// Stops what was started for it.
    pub async fn shutdown(self) {
        match self {
            Self::Host(line) => line.shutdown().await,
            Self::Direct(_) => {}
        }
    }
}

impl Line for Carrier {
    async fn push(&self, target: &Target) -> Answer {
        match self {
            Self::Host(line) => line.push(target).await,
            Self::Direct(line) => line.push(target).await,
        }
    }

    async fn downloads(&self, target: &Target) -> Fetched {
        match self {
            Self::Host(line) => line.downloads(target).await,
            Self::Direct(line) => line.downloads(target).await,
        }
    }

    async fn evidence(&self, target: &Target, fetched: Fetched) -> Evidence {
        match self {
            Self::Host(line) => line.evidence(target, fetched).await,
            Self::Direct(line) => line.evidence(target, fetched).await,
        }
    }
}

/// Takes those out of the targets that what is wanted cannot be done to, and says why.
pub fn leave_out(wanted: &Wanted, targets: &mut Vec<Target>) -> Vec<PhoneResult> {
    if !matches!(wanted, Wanted::Removal) {
        return Vec::new();
    }
    let classic = |target: &Target| {
        target.takes.image().is_none_or(|image| image.schema == PushSchema::Classic)
    };
    let (left, rest): (Vec<Target>, Vec<Target>) = targets.drain(..).partition(|t| classic(t));
    *targets = rest;
    left.iter().map(cannot_remove).collect()
}

/// How long one file may take that phones download elsewhere.
const DOWNLOAD: Duration = Duration::from_secs(15);
