//! A script of keys: what is pressed on phones, step by step, and on which models what.
//!
//! A step is one request. Its URIs may be carried out in any order, so whatever has an order is in steps
//! of its own.
mod destructive;

mod read;
mod step;
mod uri;

use std::time::Duration;

use crate::domain::payload_kind::ObjectKind;
use crate::domain::selector::Pattern;
use crate::domain::text::digest;

pub use crate::push::key_script::destructive::DestructiveStep;
pub use crate::push::key_script::read::{LineError, ScriptError};
pub use crate::push::key_script::step::KeyStep;
pub use crate::push::key_script::uri::UriError;

/// What is sent to phones, for every model.
#[derive(Clone, Debug)]
pub struct KeyScript {
    kind: ObjectKind,
    variants: Vec<Variant>,
    others: Option<Vec<KeyStep>>,
}

#[derive(Clone, Debug)]
struct Variant {
    models: Vec<Pattern>,
    steps: Vec<KeyStep>,
}

impl KeyScript {
    /// Makes the script that plays a sound once: the name of a file at the root of the phones' TFTP server, with
    /// or without `Play:` in front.
    ///
    /// # Errors
    /// When that is no name of a sound.
    pub fn play(name: &str) -> Result<Self, UriError> {
        let item = match name.split_once(':') {
            Some(_) => name.to_owned(),
            None => format!("Play:{name}"),
        };
        if !item.starts_with("Play:") {
            return Err(UriError::NoSound);
        }
        uri::check(&item)?;
        let step = KeyStep { items: vec![item], pause: Duration::ZERO };
        Ok(Self { kind: ObjectKind::Play, variants: Vec::new(), others: Some(vec![step]) })
    }

    /// Returns what it is: keys, or a sound.
    pub fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// Returns the steps for a model: those of the first variant that names it, or those for all others.
    /// Nothing when the script does not set it.
    pub fn steps(&self, model: &str) -> Option<&[KeyStep]> {
        let variant = self.variants.iter().find(|variant| variant.is_for(model));
        variant.map(|variant| &variant.steps).or(self.others.as_ref()).map(Vec::as_slice)
    }

    /// Returns what is known to do harm in it, each thing once.
    pub fn dangers(&self) -> Vec<DestructiveStep> {
        let mut found = Vec::new();
        for steps in self.variants.iter().map(|variant| &variant.steps).chain(&self.others) {
            for danger in destructive::of(steps) {
                if !found.contains(&danger) {
                    found.push(danger);
                }
            }
        }
        found
    }

    pub fn all(&self) -> impl Iterator<Item = &[KeyStep]> {
        let variants = self.variants.iter().map(|variant| variant.steps.as_slice());
        variants.chain(self.others.as_deref())
    }

    /// Returns how long the longest of its variants pauses in all.
    pub fn pauses(&self) -> Duration {
        let pauses = |steps: &[KeyStep]| {
            let between = steps.len().saturating_sub(1);
            steps.iter().take(between).map(|step| step.pause).sum()
        };
        self.all().map(pauses).max().unwrap_or_default()
    }

    /// Returns how many steps the longest of its variants has.
    pub fn longest(&self) -> usize {
        self.all().map(<[KeyStep]>::len).max().unwrap_or_default()
    }

    /// Tells whether a phone may take as long over an answer as a sound lasts.
    pub fn plays(&self) -> bool {
        let mut items = self.all().flatten().flat_map(|step| &step.items);
        items.any(|item| item.starts_with("Play:"))
    }

    /// Returns what tells the steps for a model from any others.
    pub fn digest(&self, model: &str) -> Option<String> {
        let steps = self.steps(model)?;
        let text = |step: &KeyStep| [step.items.join("\n"), format!("{:?}", step.pause)];
        let texts: Vec<String> = steps.iter().flat_map(text).collect();
        Some(digest(texts.iter().map(String::as_str)))
    }
}

impl Variant {
    fn is_for(&self, model: &str) -> bool {
        self.models.iter().any(|pattern| pattern.matches_model(model))
    }
}
