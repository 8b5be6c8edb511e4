//! A script of key presses, or a sound that phones play once.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{FutureExt as _, ready};

use crate::domain::payload_kind::ObjectKind;
use crate::domain::push_action::PushAction;
use crate::domain::text::pluralize;
use crate::domain::text_encoding;
use crate::error::{AppError, ErrorKind};
use crate::event::{Observer, PhoneResult, Proof};
use crate::push::key_script::KeyScript;
use crate::push::{Delivery, Digests, KeyScriptDelivery, Target, no_step};
use crate::rollout::payload::delivery_context::DeliveryContext;
use crate::rollout::payload::{
    DeliverFuture, ModelFormat, Payload, PrepareFuture, PreparedPayload,
};

/// The steps that a phone executes, the same for all phones of a model.
#[derive(Clone, Debug)]
pub struct KeyScriptPayload(Arc<KeyScript>);

impl KeyScriptPayload {
    /// Plays a sound of the phones' TFTP server.
    ///
    /// # Errors
    /// When the name cannot be sent to a phone.
    pub fn play(sound: &str) -> Result<Self, AppError> {
        let script = KeyScript::play(sound).map_err(|error| {
            AppError::from_error(ErrorKind::Usage, error)
                .hint("phones play files that their TFTP server has; upload it there first")
        })?;
        Ok(Self(Arc::new(script)))
    }

    /// Reads the file of a key script.
    ///
    /// # Errors
    /// When it cannot be read or parsed, or is destructive and that is not allowed.
    pub fn read(path: &Path, allow_destructive: bool) -> Result<Self, AppError> {
        let shown = path.display();
        let unusable = |error: AppError, hint: &str| {
            error.context(format_args!("cannot read the key script {shown}")).hint(hint)
        };
        let bytes = read_bytes(path).map_err(|error| {
            let hint = "give the path of a script; `axlpaper keys --help` describes its format";
            unusable(AppError::from_error(ErrorKind::Usage, error), hint)
        })?;
        let text = text_encoding::decode_utf8(&bytes).map_err(|error| {
            let hint = "nothing was sent; save it as UTF-8";
            unusable(AppError::from_error(ErrorKind::Usage, error), hint)
        })?;
        let script = KeyScript::read(&text).map_err(|error| {
            AppError::from_error(ErrorKind::Usage, error)
                .context(format_args!("the key script {shown}"))
                .hint("nothing was sent; `axlpaper keys --help` describes the format of a script")
        })?;
        let dangers: Vec<String> = script.dangers().iter().map(ToString::to_string).collect();
        if dangers.is_empty() || allow_destructive {
            return Ok(Self(Arc::new(script)));
        }
        let message = format!("the key script {shown} can do harm: {}", dangers.join("; "));
        Err(AppError::new(ErrorKind::Refused, message)
            .hint("nothing was sent; --allow-destructive lets it through"))
    }
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LONGEST_SCRIPT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_SCRIPT {
        let why = format!("it has more than {LONGEST_SCRIPT} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(bytes)
}

impl Payload for KeyScriptPayload {
    fn action(&self) -> PushAction {
        self.0.kind().into()
    }

    fn describe(&self, name: &str, phones: usize) -> String {
        let phones = pluralize(phones, "phone");
        if self.kind() == ObjectKind::Play {
            return format!("play {name} aloud on {phones}");
        }
        let (steps, pauses) = (pluralize(self.0.longest(), "step"), self.0.pauses());
        format!(
            "press the keys of {name} ({steps}, {:.1} s of pauses) on {phones}, blindly",
            pauses.as_secs_f64()
        )
    }

    fn warning(&self) -> Option<&'static str> {
        Some(if self.kind() == ObjectKind::Play {
            "phones can only say that they accepted the sound; whether it was heard cannot be verified"
        } else {
            "phones can only say that they accepted keys; their effect cannot be verified"
        })
    }

    /// There is no choice: `--verify` is about pictures.
    fn proof(&self, _: Option<Proof>) -> Result<Proof, AppError> {
        Ok(Proof::default())
    }

    /// A script can have no step for a model.
    fn partition_targets(&self, targets: Vec<Target>) -> (Vec<Target>, Vec<PhoneResult>) {
        let (with, without): (Vec<_>, Vec<_>) =
            targets.into_iter().partition(|target| self.0.steps(&target.model).is_some());
        (with, without.iter().map(no_step).collect())
    }

    fn prepare<'a>(&'a self, _: Vec<ModelFormat>, _: &'a dyn Observer) -> PrepareFuture<'a> {
        ready(Ok(Box::new(self.clone()) as Box<dyn PreparedPayload>)).boxed()
    }
}

impl PreparedPayload for KeyScriptPayload {
    fn digests(&self) -> Digests {
        let script = Arc::clone(&self.0);
        Digests::new(move |format| script.digest(&format.model))
    }

    fn deliver<'a>(self: Box<Self>, context: &'a DeliveryContext<'a>) -> DeliverFuture<'a> {
        let usual = context.options.phone_timeout;
        let timeout = if self.0.plays() { usual.max(PLAY_TIMEOUT) } else { usual };
        let phones = context.phone_connector(timeout);
        let delivery = phones.map(|phones| KeyScriptDelivery::new(phones, self.0));
        ready(delivery.map(|delivery| Box::new(delivery) as Box<dyn Delivery>)).boxed()
    }
}

/// A phone replies only after the sound has ended ("IP Phone Services Application Development Notes", Play), and it
/// does not begin to play while it rings.
const PLAY_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest script, in bytes.
const LONGEST_SCRIPT: u64 = 64 * 1024;
