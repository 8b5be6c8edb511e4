//! Foreign text, made short and harmless for an error message.

pub use crate::domain::text::excerpt;

/// How many characters of a foreign text an error message shows.
pub const EXCERPT: usize = 300;
