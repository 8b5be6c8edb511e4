//! What can go wrong before a phone is asked anything.

use std::fmt;

/// A push that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    #[error(
        "the push object is {size} bytes, phones read at most {limit}: the {longest} is the longest \
         part with {longest_bytes} bytes; {}",
        longest.advice()
    )]
    ObjectTooLong { size: usize, limit: usize, longest: LongPart, longest_bytes: usize },
    /// A character that no XML document can hold, however it is written.
    #[error("the {part} holds the character U+{code:04X}, which XML cannot carry")]
    NotXml { part: LongPart, code: u32 },
    /// Basic authentication ends the user name at its first colon.
    #[error("the push user's name holds a colon, which HTTP Basic authentication cannot carry")]
    UserNameWithColon,
    /// The user name or the password cannot be in an HTTP header.
    #[error("the push user's name or password cannot be written into an HTTP header")]
    BadCredentials,
}

/// A part of a push object whose length depends on its sender.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LongPart {
    ImageUrl,
    ThumbnailUrl,
    KemUrl,
    Name,
    ToneUrl,
    Item,
}

impl LongPart {
    pub fn advice(self) -> &'static str {
        match self {
            Self::ImageUrl | Self::ThumbnailUrl | Self::KemUrl => {
                "serve the pictures under a shorter address"
            }
            Self::Name => "give the picture a shorter name",
            Self::ToneUrl => "serve the ring tone under a shorter address",
            Self::Item => "shorten it, or send the others in a step of their own",
        }
    }
}

impl fmt::Display for LongPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ImageUrl => "picture's URL",
            Self::ThumbnailUrl => "thumbnail's URL",
            Self::KemUrl => "expansion module picture's URL",
            Self::Name => "picture's name",
            Self::ToneUrl => "ring tone's URL",
            Self::Item => "longest URI",
        })
    }
}
