//! What a stage waits for.

use std::borrow::Cow;
use std::fmt;

use crate::domain::text::pluralize;

/// What a stage waits for. Reasons that differ in their number of phones only are of one kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WaitReason {
    text: Cow<'static, str>,
    /// How many phones take the place of `{}` in the text.
    phones: Option<usize>,
}

impl WaitReason {
    /// Makes a reason about so many phones, which take the place of `{}` in the text.
    pub fn of_phones(text: &'static str, phones: usize) -> Self {
        Self { text: text.into(), phones: Some(phones) }
    }

    /// Returns whether they differ in their number of phones at most.
    pub fn is_same_kind(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl From<String> for WaitReason {
    fn from(text: String) -> Self {
        Self { text: text.into(), phones: None }
    }
}

impl From<&'static str> for WaitReason {
    fn from(text: &'static str) -> Self {
        Self { text: text.into(), phones: None }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.phones {
            Some(phones) => f.write_str(&self.text.replacen("{}", &pluralize(phones, "phone"), 1)),
            None => f.write_str(&self.text),
        }
    }
}
