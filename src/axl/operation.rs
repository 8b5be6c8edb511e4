//! What makes a type an AXL request.

use serde::Serialize;

use crate::net::session::Intent;
use crate::soap::error::SoapError;
use crate::soap::read::Answer;
use crate::soap::vendor_markup::{VendorMarkup, put_into};
use crate::soap::write::axl_envelope;

use super::paging::Page;

/// A request: its type says how it is called, whether it changes something, and what it answers.
///
/// Its fields must serialize in the order of the AXL schema, because the server checks it.
pub trait Operation: Serialize + Send + Sync {
    /// The name of the operation, such as `listPhone`.
    const NAME: &'static str;
    /// Whether the operation changes something.
    const INTENT: Intent = Intent::Read;
    /// What it answers.
    type Output: Answer + Send + 'static;

    /// Product-specific settings that go into the request's `vendorConfig` as they are.
    fn settings(&self) -> Option<&VendorMarkup> {
        None
    }
}

/// Writes the request in a namespace version.
///
/// # Errors
/// When a value holds a character that XML cannot carry.
pub fn envelope<O: Operation>(version: &str, request: &O) -> Result<String, SoapError> {
    let text = axl_envelope(version, O::NAME, request)?;
    Ok(match request.settings() {
        Some(settings) => put_into(&text, settings),
        None => text,
    })
}

/// A request whose answer comes in pages.
pub trait PagedOperation: Clone + Operation {
    /// One row of the answer.
    type Row: Send;

    /// Sets which page is asked for.
    fn turn_to(&mut self, page: Page);

    /// Takes the rows out of an answer.
    fn rows(output: Self::Output) -> Vec<Self::Row>;

    /// Returns what identifies a row: its UUID, or else its name.
    fn key(row: &Self::Row) -> Option<&str>;
}
