//! Bytes of a text file that a person exported somewhere, as text.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// A text, and how its bytes were read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DecodedText {
    /// The text, without a byte order mark.
    pub text: String,
    /// The encoding's name, where neither a byte order mark nor the bytes themselves decide it.
    pub assumed: Option<&'static str>,
}

/// The bytes are no text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TextError {
    #[error("it begins with the byte order mark of {0}, but is not {0} text")]
    Encoding(&'static str),
    #[error("it is not a text file")]
    Binary,
}

/// Reads UTF-8, UTF-16 (with or without a byte order mark), or else Windows-1252, which holds ISO 8859-1.
///
/// # Errors
/// When a byte order mark promises an encoding that the rest does not keep, or when it holds NUL bytes.
pub fn decode(bytes: &[u8]) -> Result<DecodedText, TextError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..]);
        let text = text.ok_or_else(|| TextError::Encoding(encoding.name()))?;
        return Ok(DecodedText { text: text.into_owned(), assumed: None });
    }
    if !bytes.contains(&0)
        && let Some(text) = UTF_8.decode_without_bom_handling_and_without_replacement(bytes)
    {
        return Ok(DecodedText { text: text.into_owned(), assumed: None });
    }
    let encoding = without_mark(bytes).ok_or(TextError::Binary)?;
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    let text = text.filter(|text| !text.contains('\0')).ok_or(TextError::Binary)?;
    Ok(DecodedText { text: text.into_owned(), assumed: Some(encoding.name()) })
}

/// Guesses an encoding: in UTF-16 every second byte of Latin text is 0.
fn without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let zeros = |odd| bytes.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let half = bytes.len() / 2;
    match (zeros(0), zeros(1)) {
        (0, 0) => Some(WINDOWS_1252),
        (even, 0) if even * 2 > half => Some(UTF_16BE),
        (0, odd) if odd * 2 > half => Some(UTF_16LE),
        (_, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn encodings_of_exported_files_are_read() {
        let read = |bytes: &[u8]| decode(bytes).map(|read| (read.text, read.assumed));
        let text = "SEP1;Büro\r\n";
        let plain = Ok((text.to_owned(), None));
        assert_eq!(read(text.as_bytes()), plain);
        assert_eq!(read(&[b"\xef\xbb\xbf", text.as_bytes()].concat()), plain);
        assert_eq!(read(&[&b"\xff\xfe"[..], &utf16(text, false)].concat()), plain);
        assert_eq!(read(&[&b"\xfe\xff"[..], &utf16(text, true)].concat()), plain);
        let assumed = |name| Ok((text.to_owned(), Some(name)));
        assert_eq!(read(&utf16(text, false)), assumed("UTF-16LE"));
        assert_eq!(read(&utf16(text, true)), assumed("UTF-16BE"));
        assert_eq!(read(b"SEP1;B\xfcro\r\n"), assumed("windows-1252"));
        assert_eq!(read(b"\x80\x99"), Ok(("\u{20ac}\u{2122}".to_owned(), Some("windows-1252"))));
        assert_eq!(read(b""), Ok((String::new(), None)));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(decode(b"\xff\xfeS\0E"), Err(TextError::Encoding("UTF-16LE")));
        assert_eq!(decode(b"\xef\xbb\xbf\xff"), Err(TextError::Encoding("UTF-8")));
        assert_eq!(decode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Err(TextError::Binary));
        assert_eq!(decode(b"PK\x03\x04\x14\0\x06\0"), Err(TextError::Binary));
    }
}
