//! What `image prepare` and `image tftp` have made: a row for each file.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::json::Document;
use crate::domain::model::Size;
use crate::report::row::Row;

/// What a file is.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureFileKind {
    /// A background.
    Background,
    /// A preview for the phone's menu.
    Thumbnail,
    /// The list from which users choose.
    List,
    /// All pictures at once, to look at.
    ContactSheet,
    /// What remains to be done.
    Instructions,
}

impl PictureFileKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Thumbnail => "thumbnail",
            Self::List => "list",
            Self::ContactSheet => "contact_sheet",
            Self::Instructions => "instructions",
        }
    }
}

/// One file that was made.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct PictureFile {
    /// Its path inside the folder, with `/` between its parts.
    pub file: String,
    /// What it is.
    pub kind: PictureFileKind,
    /// The size of the picture, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// Bits of colour that it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u8>,
    /// The length of the file.
    pub bytes: usize,
    /// The file's SHA-256 digest, in hexadecimal digits.
    pub sha256: String,
    /// How well line labels can be read on it: a ratio of 1 to 21, of which 4.5 reads well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast: Option<f64>,
    /// The colour that the phone's letters have on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub letters: Option<&'static str>,
    /// The models that it is for.
    pub models: Vec<&'static str>,
}

impl Row for PictureFile {
    const COLUMNS: &'static [&'static str] =
        &["file", "kind", "size", "depth", "bytes", "contrast", "letters", "models"];
    const FIXED: &'static [&'static str] = &["file", "size", "bytes"];
    const DROPPED: &'static [&'static str] = &["letters", "kind", "depth", "models"];
    const PATHS: &'static [(&'static str, &'static str)] = &[
        ("size", "size"),
        ("depth", "depth"),
        ("contrast", "contrast"),
        ("letters", "letters"),
        ("sha256", "sha256"),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.file.clone(),
            self.kind.as_str().to_owned(),
            self.size.map(|size| size.to_string()).unwrap_or_default(),
            self.depth.map(|depth| depth.to_string()).unwrap_or_default(),
            self.bytes.to_string(),
            self.contrast.map(|ratio| format!("{ratio:.1}:1")).unwrap_or_default(),
            self.letters.unwrap_or_default().to_owned(),
            self.models.join(", "),
        ]
    }
}

/// What is in a `pictures` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct PicturesBody<'a> {
    /// The file name of the picture that everything was made from.
    picture: &'a str,
    /// The folder that the files are in.
    folder: &'a str,
    /// What a person should know about the pictures, in sentences.
    remarks: &'a [String],
    /// The files that were made.
    files: &'a [PictureFile],
}

/// The `pictures` document. It belongs to no cluster.
pub fn pictures_json<'a>(
    picture: &'a str,
    folder: &'a str,
    files: &'a [PictureFile],
    remarks: &'a [String],
    generated_at: Timestamp,
) -> Document<'static, impl Serialize + use<'a>> {
    let body = PicturesBody { picture, folder, remarks, files };
    Document::new("pictures", generated_at, None, body)
}
