//! What makes a type an AXL request: how it is written, and how its response is read.

use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};

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

    /// Keeps what must be written back exactly as the server wrote it; `document` is the whole response.
    fn keep(_output: &mut Self::Output, _document: &str) {}
}

/// Writes a request in a version of the namespace.
pub fn envelope<O: Operation>(version: &str, request: &O) -> Result<String, SoapError> {
    let text = axl_envelope(version, O::NAME, request)?;
    Ok(match request.settings() {
        Some(settings) => put_into(&text, settings),
        None => text,
    })
}

pub fn read_response<O: Operation>(
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<O::Output, SoapError> {
    read_answer::<Response<O>>(status, content_type, body).map(|response| response.output)
}

/// The response element `<operation>Response`.
#[derive(Deserialize)]
#[serde(bound = "")]
struct Response<O: Operation> {
    #[serde(rename = "return", deserialize_with = "O::read")]
    output: O::Output,
    #[serde(skip)]
    operation: PhantomData<fn() -> O>,
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
}

const SUFFIX: &str = "Response";
