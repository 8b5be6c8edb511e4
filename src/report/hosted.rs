//! What `axlpaper host` serves.

use jiff::Timestamp;
use serde::Serialize;

use super::json::envelope;
use super::list::ListError;
use super::record::Record;

/// A file that phones can download.
#[derive(Clone, Debug, Serialize)]
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

impl Record for HostedFile {
    const COLUMNS: &'static [&'static str] = &["file", "size", "bytes", "url"];
    // An address that is broken into several lines cannot be copied.
    const FIXED: &'static [&'static str] = &["size", "bytes", "url"];

    fn cells(&self) -> Vec<String> {
        vec![self.file.clone(), self.size.clone(), self.bytes.to_string(), self.url.clone()]
    }
}

/// The `host` document. It belongs to no cluster.
///
/// # Errors
/// When a value cannot be written as JSON.
pub fn hosted_json(
    base: &str,
    files: &[HostedFile],
    generated_at: Timestamp,
) -> Result<String, ListError> {
    #[derive(Serialize)]
    struct Body<'a> {
        base: &'a str,
        files: &'a [HostedFile],
    }
    envelope("host", generated_at, None, Body { base, files })
}
