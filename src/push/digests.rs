//! What tells that which is pushed from anything else of its kind.

use std::collections::HashMap;

use super::Target;
use crate::domain::object::Takes;
use crate::media::{PreparedSet, Shape};

/// A digest of what each phone is sent.
#[derive(Clone, Debug)]
pub struct Digests {
    pictures: HashMap<Shape, String>,
}

impl From<&PreparedSet> for Digests {
    fn from(pictures: &PreparedSet) -> Self {
        Self { pictures: pictures.digests() }
    }
}

impl Digests {
    /// Returns the digest of what this phone is sent; nothing when nothing was prepared for it.
    pub fn of(&self, target: &Target) -> Option<&str> {
        match &target.takes {
            Takes::Picture(image) => self.pictures.get(&Shape::from(image)).map(String::as_str),
            Takes::Tone(_) | Takes::Sound | Takes::Keys => None,
        }
    }
}
