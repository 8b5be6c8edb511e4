//! Foreign text, made short and harmless for an error message.

pub use crate::domain::text::sanitize_truncate;

/// How many characters of a foreign text an error message shows.
pub const EXCERPT: usize = 300;
