//! The sizes and the depth of one model's files.

use crate::domain::model::{ImageSpec, Size};
use crate::media::depth;

/// What makes two models' files the same: models that agree in this share them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Shape {
    pub background: Size,
    pub thumbnail: Size,
    /// Bits of colour that the panel shows.
    pub depth: u8,
}

impl Shape {
    /// Returns whether the panel shows shades of grey only.
    pub fn is_grey(self) -> bool {
        depth::is_grey(self.depth)
    }
}

impl From<&ImageSpec> for Shape {
    fn from(spec: &ImageSpec) -> Self {
        Self { background: spec.background, thumbnail: spec.thumbnail, depth: spec.depth }
    }
}
