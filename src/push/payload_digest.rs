//! Digest identifying the pushed content.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::payload_kind::{AcceptedFormat, ToneFormat};
use crate::media::{Made, PreparedSet, Shape, ToneSet};
use crate::push::Target;
use crate::push::key_script::KeyScript;

/// A digest of what each phone is sent.
#[derive(Clone, Debug)]
pub enum Digests {
    Pictures(HashMap<Made, String>),
    /// By the model's name, where models of one shape can get different files.
    Models(HashMap<String, String>),
    /// Of what is the same for all.
    All(String),
    Tones(HashMap<ToneFormat, String>),
    /// Of the steps for each model.
    Script(Arc<KeyScript>),
}

impl From<&PreparedSet> for Digests {
    fn from(pictures: &PreparedSet) -> Self {
        Self::Pictures(pictures.digests())
    }
}

impl From<&ToneSet> for Digests {
    fn from(tones: &ToneSet) -> Self {
        Self::Tones(tones.digests())
    }
}

impl Digests {
    /// Returns the digest of what this phone is sent; nothing when nothing was prepared for it.
    pub fn of(&self, target: &Target) -> Option<String> {
        match (self, &target.accepts) {
            (Self::Pictures(pictures), AcceptedFormat::Picture(image)) => {
                pictures.get(&(target.picture.clone(), Shape::from(image))).cloned()
            }
            (Self::Models(models), AcceptedFormat::Picture(_)) => {
                models.get(&target.model).cloned()
            }
            (Self::All(digest), AcceptedFormat::Picture(_)) => Some(digest.clone()),
            (Self::Tones(tones), AcceptedFormat::Tone(format)) => tones.get(format).cloned(),
            (Self::Script(script), AcceptedFormat::Sound | AcceptedFormat::Keys) => {
                script.digest(&target.model)
            }
            (
                Self::Pictures(_)
                | Self::Models(_)
                | Self::All(_)
                | Self::Tones(_)
                | Self::Script(_),
                _,
            ) => None,
        }
    }
}
