//! What can go wrong before a phone is asked anything.

use crate::phone::object::LongPart;

/// A push that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The push object is longer than the oldest phones read.
    #[error(
        "the push object is {size} bytes, phones read at most {limit}: the {longest} is the longest \
         part with {longest_bytes} bytes; {}",
        longest.advice()
    )]
    ObjectTooLong {
        /// Bytes of the whole object.
        size: usize,
        /// Bytes that a phone reads.
        limit: usize,
        /// The part that is worth shortening.
        longest: LongPart,
        /// Bytes of that part as it stands in the object.
        longest_bytes: usize,
    },
    /// A character that no XML document can hold, however it is written.
    #[error("the {part} holds the character U+{code:04X}, which XML cannot carry")]
    NotXml {
        /// Where it stands.
        part: LongPart,
        /// Its code point.
        code: u32,
    },
    /// Basic authentication ends the user name at its first colon.
    #[error("the push user's name holds a colon, which HTTP Basic authentication cannot carry")]
    UserNameWithColon,
    /// The user name or the password cannot stand in an HTTP header.
    #[error("the push user's name or password cannot be written into an HTTP header")]
    BadCredentials,
}
