//! What tells that which is pushed from anything else of its kind.

use std::collections::HashMap;

use super::Target;
use crate::domain::object::Takes;
use crate::media::{PreparedSet, Shape};

/// A digest of what each phone is sent.
#[derive(Clone, Debug)]
pub struct Digests {
    pictures: HashMap<Shape, String>,
    /// By the model's name, where models of one shape can get different files.
    models: HashMap<String, String>,
    /// Of what is the same for all.
    all: Option<String>,
}

impl From<&PreparedSet> for Digests {
    fn from(pictures: &PreparedSet) -> Self {
        Self { pictures: pictures.digests(), models: HashMap::new(), all: None }
    }
}

impl Digests {
    /// Takes digests by the names of models.
    pub fn by_model(models: HashMap<String, String>) -> Self {
        Self { pictures: HashMap::new(), models, all: None }
    }

    /// Takes what all phones are sent alike.
    pub fn all(digest: impl Into<String>) -> Self {
        let all = Some(digest.into());
        Self { pictures: HashMap::new(), models: HashMap::new(), all }
    }

    /// Returns the digest of what this phone is sent; nothing when nothing was prepared for it.
    pub fn of(&self, target: &Target) -> Option<&str> {
        match &target.takes {
            Takes::Picture(image) => {
                let by_model = self.models.get(&target.model);
                let found = by_model.or_else(|| self.pictures.get(&Shape::from(image)));
                found.or(self.all.as_ref()).map(String::as_str)
            }
            Takes::Tone(_) | Takes::Sound | Takes::Keys => None,
        }
    }
}
