//! Something that can be written: a document or a list, straight to where it goes.
//!
//! An audit of forty thousand phones is tens of megabytes of JSON. It is never put together in memory.

use std::io;

use crate::domain::error_chain::error_chain;
use crate::domain::text::escaped_json;

pub trait Writable {
    /// Writes all of it.
    ///
    /// # Errors
    /// When the place takes no more, or a value cannot be rendered.
    fn write_to(&self, out: &mut dyn io::Write) -> Result<(), ListError>;
}

/// An answer could not be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the answer")]
pub struct ListError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl ListError {
    pub(crate) fn new(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Box::new(source))
    }
}

impl ListError {
    /// Returns what went wrong, in words.
    pub fn cause(&self) -> String {
        error_chain(self.0.as_ref())
    }

    /// Tells whether there was no room for it.
    pub fn is_no_room(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let error = self.0.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(error, Some(FileTooLarge | QuotaExceeded | StorageFull))
    }
}

impl From<io::Error> for ListError {
    fn from(error: io::Error) -> Self {
        Self::new(error)
    }
}

impl From<serde_json::Error> for ListError {
    fn from(error: serde_json::Error) -> Self {
        Self::new(error)
    }
}

impl From<csv::Error> for ListError {
    fn from(error: csv::Error) -> Self {
        Self::new(error)
    }
}

/// Takes JSON and writes it with everything escaped that could steer a terminal or hide in a line.
pub(crate) struct JsonOut<'a>(pub(crate) &'a mut dyn io::Write);

impl io::Write for JsonOut<'_> {
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        // What is written at once is a token, or a part of a string between two escapes: whole characters.
        match std::str::from_utf8(json) {
            Ok(text) => self.0.write_all(escaped_json(text).as_bytes())?,
            Err(_) => self.0.write_all(json)?,
        }
        Ok(json.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Writable for str {
    fn write_to(&self, out: &mut dyn io::Write) -> Result<(), ListError> {
        Ok(out.write_all(self.as_bytes())?)
    }
}

impl Writable for [u8] {
    fn write_to(&self, out: &mut dyn io::Write) -> Result<(), ListError> {
        Ok(out.write_all(self)?)
    }
}

impl Writable for String {
    fn write_to(&self, out: &mut dyn io::Write) -> Result<(), ListError> {
        self.as_str().write_to(out)
    }
}

impl<A: Writable + ?Sized> Writable for Box<A> {
    fn write_to(&self, out: &mut dyn io::Write) -> Result<(), ListError> {
        (**self).write_to(out)
    }
}
