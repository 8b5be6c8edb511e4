//! Digest that identifies the pushed content in the journal.

use std::fmt;
use std::sync::Arc;

use crate::domain::model;
use crate::domain::payload_kind::AcceptedFormat;
use crate::domain::words::Words;
use crate::event::PhoneResult;
use crate::push::Target;

type Digest = dyn Fn(&ModelFormat) -> Option<String> + Send + Sync;

/// The digest of what each phone gets.
#[derive(Clone)]
pub struct Digests(Arc<Digest>);

impl Digests {
    /// `digest` returns nothing for a phone that nothing was prepared for.
    pub fn new(digest: impl Fn(&ModelFormat) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(digest))
    }

    pub fn of(&self, format: &ModelFormat) -> Option<String> {
        (self.0)(format)
    }

    /// Returns the digest of the picture below the words of a phone, where it gets words.
    pub fn below_words(&self, format: &ModelFormat) -> Option<String> {
        format.words.as_ref()?;
        self.of(&ModelFormat { words: None, ..format.clone() })
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digests")
    }
}

/// A model that something is pushed to.
#[derive(Clone, Debug)]
pub struct ModelFormat {
    pub model: String,
    /// The format that it accepts.
    pub accepts: AcceptedFormat,
    /// The name of its picture, where rules choose one of several.
    pub picture: String,
    /// The words on it.
    pub words: Option<Arc<Words>>,
}

impl From<&Target> for ModelFormat {
    fn from(target: &Target) -> Self {
        let Target { model, accepts, picture, words, .. } = target;
        let (model, picture, words) = (model.clone(), picture.clone(), words.clone());
        Self { model, accepts: *accepts, picture, words }
    }
}

impl ModelFormat {
    /// Returns what a phone of a result takes; nothing where its model takes no such object.
    pub fn of_result(phone: &PhoneResult) -> Option<Self> {
        let accepts = AcceptedFormat::of(phone.object, model::by_name(&phone.model)?)?;
        let picture = phone.picture.clone().unwrap_or_default();
        let words = phone.words.clone().map(Arc::new);
        Some(Self { model: phone.model.clone(), accepts, picture, words })
    }
}
