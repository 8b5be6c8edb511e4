//! What makes a type an AXL request: how it is written, and how its response is read.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};

use crate::domain::text::{UnreadableField, is_readable};
use crate::net::session::Intent;
use crate::soap::error::SoapError;
use crate::soap::read::{Answer, read_answer};
use crate::soap::vendor_markup::{VendorMarkup, put_into};
use crate::soap::write::axl_envelope;

/// An AXL request. Its fields must serialize in the order of the AXL schema, because the server checks it.
pub trait Operation: Serialize + Send + Sync {
    /// The name of the operation, such as `listPhone`.
    const NAME: &'static str;
    const INTENT: Intent = Intent::Read;
    /// The content of the element `return` in the response.
    type Output: DeserializeOwned + Send + 'static;

    /// Product-specific settings that are written unchanged into the request's `vendorConfig`.
    fn settings(&self) -> Option<&VendorMarkup> {
        None
    }

    /// Reads the content of `return`.
    fn read<'de, D: Deserializer<'de>>(content: D) -> Result<Self::Output, D::Error> {
        Self::Output::deserialize(content)
    }

    /// Reads the response element, which holds everything in one element `return`.
    fn read_response<'de, D: Deserializer<'de>>(element: D) -> Result<Self::Output, D::Error>
    where
        Self: Sized,
    {
        Returned::<Self>::deserialize(element).map(|returned| returned.output)
    }

    /// Keeps what must be written back exactly as the server wrote it; `document` is the whole response.
    fn keep(_output: &mut Self::Output, _document: &str) {}
}

/// Writes a request in a version of the namespace.
///
/// # Errors
/// When XML cannot carry a value, and when a change would write back a value that could not be read completely.
pub fn envelope<O: Operation>(version: &str, request: &O) -> Result<String, SoapError> {
    let text = axl_envelope(version, O::NAME, request)?;
    let text = match request.settings() {
        Some(settings) => put_into(&text, settings),
        None => text,
    };
    if O::INTENT == Intent::Write && !is_readable(&text) {
        let reason = "it would write a name or value back that could not be read (it holds U+FFFD); correct that in \
                      Unified CM Administration";
        return Err(SoapError::Unwritable { reason: reason.to_owned() });
    }
    Ok(text)
}

pub fn read_response<O: Operation>(
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<O::Output, SoapError> {
    read_noting_unreadable::<O>(status, content_type, body).map(|(output, _)| output)
}

/// Reads the response to an operation, and names the fields of it that could not be read completely.
pub fn read_noting_unreadable<O: Operation>(
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<(O::Output, BTreeSet<UnreadableField>), SoapError> {
    let response = read_answer::<Response<O>>(status, content_type, body)?;
    Ok((response.output, response.unreadable))
}

#[derive(Deserialize)]
#[serde(bound = "")]
struct Returned<O: Operation> {
    #[serde(rename = "return", deserialize_with = "O::read")]
    output: O::Output,
    #[serde(skip)]
    operation: PhantomData<fn() -> O>,
}

/// The response element `<operation>Response`.
struct Response<O: Operation> {
    output: O::Output,
    unreadable: BTreeSet<UnreadableField>,
}

impl<'de, O: Operation> Deserialize<'de> for Response<O> {
    fn deserialize<D: Deserializer<'de>>(element: D) -> Result<Self, D::Error> {
        O::read_response(element).map(|output| Self { output, unreadable: BTreeSet::new() })
    }
}

impl<O: Operation> Answer for Response<O> {
    fn is_element(name: &str) -> bool {
        name.strip_suffix(SUFFIX) == Some(O::NAME)
    }

    fn element() -> String {
        format!("{}{SUFFIX}", O::NAME)
    }

    fn keep(&mut self, document: &str) {
        O::keep(&mut self.output, document);
    }

    fn note_unreadable(&mut self, fields: BTreeSet<UnreadableField>) {
        self.unreadable = fields;
    }
}

const SUFFIX: &str = "Response";
