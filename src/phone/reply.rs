//! Reads what a phone answers to a posted object.
//!
//! Published tools report false successes because they look at the HTTP status or for the word
//! "Success". Here a push has succeeded only when the whole document was read and every item in it
//! says so; whatever is not understood is [`Reply::Unreadable`], never a success.

use std::fmt;

use crate::domain::text::quoted;
use crate::phone::xml::{self, Element};
use crate::phone::xml::{clean, decode};

/// A phone's verdict on what was posted to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reply {
    /// `CiscoIPPhoneResponse`, and every item in it succeeded.
    Success { text: String },
    /// `CiscoIPPhoneResponse` with an item that failed.
    ItemRefused {
        /// The item's `Status`; nothing when it is missing or no number.
        status: Option<u32>,
        text: String,
    },
    /// `CiscoIPPhoneError` with any number but 4.
    Refused {
        /// The error number; nothing when it is missing or no number.
        number: Option<u32>,
        text: String,
    },
    /// The phone does not accept the push user: HTTP 401, or `CiscoIPPhoneError` 4.
    AuthenticationRefused { text: String },
    /// `errorResponse`, as the phones' component interfaces send it.
    ErrorResponse {
        /// For example `InvalidURL`, `InvalidResource`, `UnavailableResource` or `InvalidXML`.
        kind: String,
        data: String,
    },
    /// The phone closed the exchange without a word. Only other objects are answered like that.
    Empty,
    /// Another status than 2xx, and a body that explains nothing.
    HttpStatus { status: u16, excerpt: String },
    /// A 2xx status and a body that is no known answer.
    Unreadable { reason: String, excerpt: String },
}

impl Reply {
    /// The longest body that is looked at, in bytes. Answers have a few hundred.
    pub const BODY_LIMIT: usize = 64 * 1024;

    /// Reads an answer from its HTTP status, `Content-Type` and body.
    ///
    /// A body longer than [`Self::BODY_LIMIT`] is never a success.
    pub fn read(status: u16, content_type: Option<&str>, body: &[u8]) -> Self {
        let whole = body.len() <= Self::BODY_LIMIT;
        let text = decode(&body[..body.len().min(Self::BODY_LIMIT)]);
        let excerpt = || clean(&text, EXCERPT_CHARS);
        if status == 401 {
            return Self::AuthenticationRefused { text: String::new() };
        }
        let mut document = xml::parse(&text);
        if !whole {
            let reason = format!("it is longer than {} bytes", Self::BODY_LIMIT);
            document.flaw.get_or_insert(reason);
        }
        if let Some(refused) = document.root.as_ref().and_then(read_error) {
            return refused;
        }
        let answered = match (&document.root, document.flaw) {
            (Some(root), None) => read_root(root),
            (_, Some(flaw)) => Err(flaw),
            (None, None) => Err("it holds no element".to_owned()),
        };
        let accepted = (200..300).contains(&status);
        match answered {
            Ok(Self::Success { .. }) | Err(_) if !accepted => {
                Self::HttpStatus { status, excerpt: excerpt() }
            }
            Ok(reply) => reply,
            Err(_) if is_blank(&text) => Self::Empty,
            Err(flaw) => {
                Self::Unreadable { reason: describe(&text, content_type, flaw), excerpt: excerpt() }
            }
        }
    }

    /// Returns whether the phone accepted what was posted. It does not say that it shows it.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Success { .. })
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success { .. } => f.write_str("accepted"),
            Self::ItemRefused { status, text } => {
                f.write_str("refused the push: ")?;
                f.write_str(if text.is_empty() { "no reason given" } else { text })?;
                match status {
                    Some(status) => write!(f, " (ResponseItem status {status})"),
                    None => f.write_str(" (ResponseItem without a status)"),
                }
            }
            Self::Refused { number, text } => {
                f.write_str("refused the push: ")?;
                let meaning = number.and_then(error_meaning);
                match (meaning, text.as_str()) {
                    (Some(meaning), "") => f.write_str(meaning)?,
                    (Some(meaning), text) => write!(f, "{meaning}, {}", quoted(text))?,
                    (None, "") => f.write_str("no reason given")?,
                    (None, text) => write!(f, "{}", quoted(text))?,
                }
                match number {
                    Some(number) => write!(f, " (CiscoIPPhoneError {number})"),
                    None => f.write_str(" (CiscoIPPhoneError without a number)"),
                }
            }
            Self::AuthenticationRefused { text } if text.is_empty() => {
                f.write_str("refused the push user (authentication error)")
            }
            Self::AuthenticationRefused { text } => {
                write!(f, "refused the push user (authentication error, {})", quoted(text))
            }
            Self::ErrorResponse { kind, data } if data.is_empty() => {
                write!(f, "refused the push: {kind}")
            }
            Self::ErrorResponse { kind, data } => {
                write!(f, "refused the push: {kind}, {}", quoted(data))
            }
            Self::Empty => f.write_str("answered with an empty body"),
            Self::HttpStatus { status, .. } => write!(f, "answered with HTTP status {status}"),
            Self::Unreadable { reason, .. } => {
                write!(f, "sent an unreadable reply: {reason}")
            }
        }
    }
}

/// Returns what Cisco's XML services notes say about a `CiscoIPPhoneError` number.
///
/// They explain 1 to 4 only. Other numbers have been seen, and those who saw them disagree about
/// them, so none is given a meaning here.
pub fn error_meaning(number: u32) -> Option<&'static str> {
    match number {
        1 => Some("it could not parse the object"),
        2 => Some("it could not frame its response"),
        3 => Some("internal file error"),
        4 => Some("authentication error"),
        _ => None,
    }
}

/// Reads a `CiscoIPPhoneError`, even where the document goes wrong behind its start tag.
///
/// Cisco's notes print it with an unclosed text behind a complete empty element, and tools parse for
/// that. It takes nothing away to believe a refusal, so a readable number is enough.
fn read_error(root: &Element) -> Option<Reply> {
    if root.name != "CiscoIPPhoneError" {
        return None;
    }
    let number = root.value("Number")?.parse().ok()?;
    Some(refusal(root, Some(number)))
}

fn refusal(error: &Element, number: Option<u32>) -> Reply {
    let text = clean(&error.text, TEXT_CHARS);
    match number {
        Some(4) => Reply::AuthenticationRefused { text },
        Some(_) | None => Reply::Refused { number, text },
    }
}

/// Reads a document that is well-formed to its end.
fn read_root(root: &Element) -> Result<Reply, String> {
    match root.name.as_str() {
        "CiscoIPPhoneResponse" => read_response(root),
        "CiscoIPPhoneError" => Ok(refusal(root, None)),
        "errorResponse" => Ok(Reply::ErrorResponse {
            kind: clean(root.value("type").unwrap_or("no type given"), TEXT_CHARS),
            data: clean(root.value("data").unwrap_or_default(), TEXT_CHARS),
        }),
        other => Err(format!("its root is <{}>", clean(other, TEXT_CHARS))),
    }
}

/// Every item must have succeeded; phones pad their answers with empty items of status 0.
fn read_response(root: &Element) -> Result<Reply, String> {
    if let Some(error) = root.children.iter().find(|child| child.name == "CiscoIPPhoneError") {
        let number = error.value("Number").and_then(|number| number.parse().ok());
        return Ok(refusal(error, number));
    }
    let mut success = String::new();
    let mut items = 0;
    for item in root.children.iter().filter(|child| child.name == "ResponseItem") {
        items += 1;
        let data = clean(item.value("Data").unwrap_or_default(), TEXT_CHARS);
        // `Data` is a text for people and may be empty after a success; it decides only where there
        // is no `Status`.
        let succeeded = match item.value("Status").filter(|status| !status.is_empty()) {
            Some(status) => status.parse() == Ok(0_u32),
            None if data.is_empty() => {
                return Err("a ResponseItem has neither Status nor Data".to_owned());
            }
            None => data.eq_ignore_ascii_case("success"),
        };
        if !succeeded {
            let status = item.value("Status").and_then(|status| status.parse().ok());
            return Ok(Reply::ItemRefused { status, text: data });
        }
        if success.is_empty() {
            success = data;
        }
    }
    if items == 0 {
        return Err("the CiscoIPPhoneResponse holds no ResponseItem".to_owned());
    }
    Ok(Reply::Success { text: success })
}

/// Returns what an unreadable body is, in the words that help most.
fn describe(text: &str, content_type: Option<&str>, flaw: String) -> String {
    let start = text.trim_start().get(..9).unwrap_or_default().to_ascii_lowercase();
    if start.starts_with("<html") || start == "<!doctype" {
        return "it is an HTML page".to_owned();
    }
    if text.trim_start().starts_with('<') {
        return clean(&flaw, TEXT_CHARS);
    }
    match content_type {
        Some(kind) => format!("it is no XML but {}", clean(kind, TEXT_CHARS)),
        None => "it is no XML".to_owned(),
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c == '\0')
}

/// Longest text of a phone that is shown, in characters.
const TEXT_CHARS: usize = 200;

/// Longest part of a body that is shown, in characters.
const EXCERPT_CHARS: usize = 400;

#[cfg(test)]
mod tests;
