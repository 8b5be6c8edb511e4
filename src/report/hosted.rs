//! What `axlpaper host` serves.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::json::Document;
use crate::report::row::Row;

/// A file that phones can download.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct HostedFile {
    /// Its path below the folder.
    pub file: String,
    /// Width and height, as `800x480`.
    pub size: String,
    /// Bytes.
    pub bytes: u64,
    /// Where it is downloaded from.
    pub url: String,
}

impl Row for HostedFile {
    const COLUMNS: &'static [&'static str] = &["file", "size", "bytes", "url"];
    // An address that is broken into several lines cannot be copied.
    const FIXED: &'static [&'static str] = &["size", "bytes", "url"];

    fn cells(&self) -> Vec<String> {
        vec![self.file.clone(), self.size.clone(), self.bytes.to_string(), self.url.clone()]
    }
}

/// What is in a `host` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct HostBody<'a> {
    /// The URL that all addresses begin with.
    base: &'a str,
    /// The files that are served.
    files: &'a [HostedFile],
}

/// The `host` document. It belongs to no cluster.
pub fn hosted_json<'a>(
    base: &'a str,
    files: &'a [HostedFile],
    generated_at: Timestamp,
) -> Document<'static, impl Serialize + use<'a>> {
    Document::new("host", generated_at, None, HostBody { base, files })
}
