//! Bytes of a text file that a person exported somewhere, or of an XML file, as text.

use super::text::quoted;
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
    #[error("line {0} is not UTF-8 text")]
    NotUtf8(usize),
}

/// Reads a file whose text has to be UTF-8. UTF-16, as PowerShell and Notepad write it, can be told apart and is read too.
///
/// # Errors
/// When it is in another encoding, or no text.
pub fn decode_utf8(bytes: &[u8]) -> Result<String, TextError> {
    let read = decode(bytes)?;
    if read.assumed == Some(WINDOWS_1252.name()) {
        let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        let line_ends = bytes[..valid].iter().filter(|byte| **byte == b'\n').count();
        return Err(TextError::NotUtf8(line_ends + 1));
    }
    Ok(read.text)
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

/// An XML file whose encoding stays what it is when its text changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct XmlText {
    /// The text, without a byte order mark.
    pub text: String,
    /// Whether further byte order marks, or blanks and line ends in front of the XML declaration, were left out: with them
    /// the file is no XML.
    pub repaired: bool,
    encoding: &'static Encoding,
    has_mark: bool,
}

/// The bytes are no XML text that can be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum XmlTextError {
    #[error("it declares the encoding {}, which is not supported", quoted(.0))]
    Unsupported(String),
    #[error("it declares the encoding {}, but has one byte for a character", quoted(.0))]
    NotUtf16(String),
    #[error("by its {why} it is {encoding}, but it holds bytes that are not")]
    Wrong {
        /// What decides the encoding.
        why: &'static str,
        encoding: &'static str,
    },
}

impl XmlText {
    /// Reads a file as its byte order mark or its declaration says, and as UTF-8 otherwise.
    ///
    /// # Errors
    /// When the encoding is not known, or the bytes are none of that encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, XmlTextError> {
        let (encoding, mark, why) = xml_encoding(bytes)?;
        let wrong = || XmlTextError::Wrong { why, encoding: encoding.name() };
        let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..]);
        let text = text.ok_or_else(wrong)?.into_owned();
        let mut read = Self { text, repaired: false, encoding, has_mark: mark > 0 };
        // Every byte has to stay what it is.
        if read.encode(&read.text) != bytes {
            return Err(wrong());
        }
        let start =
            read.text.trim_start_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK);
        let (before, _) = read.text.split_at(read.text.len() - start.len());
        if before.contains(BYTE_ORDER_MARK) || (start.starts_with("<?xml") && !before.is_empty()) {
            (read.text, read.repaired) = (start.to_owned(), true);
        }
        Ok(read)
    }

    /// Writes another text in the encoding of this file. A character that it lacks becomes a reference to it.
    pub fn encode(&self, text: &str) -> Vec<u8> {
        let mark = if self.has_mark { "\u{feff}" } else { "" };
        let text = || [mark, text].concat();
        if self.encoding == UTF_16LE {
            text().encode_utf16().flat_map(u16::to_le_bytes).collect()
        } else if self.encoding == UTF_16BE {
            text().encode_utf16().flat_map(u16::to_be_bytes).collect()
        } else {
            self.encoding.encode(&text()).0.into_owned()
        }
    }
}

/// Finds the encoding of an XML file, the length of its byte order mark, and what decided it (XML 1.0, appendix F).
fn xml_encoding(bytes: &[u8]) -> Result<(&'static Encoding, usize, &'static str), XmlTextError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Ok((encoding, mark, "byte order mark"));
    }
    if bytes.contains(&0) {
        let encoding = without_mark(bytes).filter(|encoding| *encoding != WINDOWS_1252);
        return Ok((encoding.unwrap_or(UTF_8), 0, "content"));
    }
    let Some(label) = declared_encoding(bytes) else {
        return Ok((UTF_8, 0, "missing declaration"));
    };
    match Encoding::for_label(label.as_bytes()) {
        // 16 bits for a character would have shown above.
        Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => {
            Err(XmlTextError::NotUtf16(label))
        }
        Some(encoding) if encoding.is_ascii_compatible() => Ok((encoding, 0, "declaration")),
        _ => Err(XmlTextError::Unsupported(label)),
    }
}

const BYTE_ORDER_MARK: char = '\u{feff}';

fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let declaration = bytes.trim_ascii_start().strip_prefix(b"<?xml")?;
    let end = declaration.windows(2).position(|two| two == b"?>")?;
    let text = String::from_utf8_lossy(&declaration[..end]);
    let value = text.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    Some(value[1..].split_once(quote)?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_is_read_and_written_in_its_encoding() {
        let declared =
            |name: &str| format!("<?xml version='1.0' encoding = \"{name}\"?>\n<a>Bü</a>\n");
        let (latin, utf8) = (declared("ISO-8859-1"), declared("utf-8"));
        let wide = declared("UTF-16");
        let single = |text: &str| text.chars().map(|c| c as u8).collect::<Vec<u8>>();
        for (bytes, text) in [
            (single(&latin), &latin),
            (utf8.as_bytes().to_vec(), &utf8),
            ([b"\xef\xbb\xbf", utf8.as_bytes()].concat(), &utf8),
            ([&b"\xff\xfe"[..], &utf16(&wide, false)].concat(), &wide),
            ([&b"\xfe\xff"[..], &utf16(&wide, true)].concat(), &wide),
            (utf16(&wide, false), &wide),
        ] {
            let read = XmlText::decode(&bytes).unwrap();
            assert_eq!((&read.text, read.repaired), (text, false));
            assert_eq!(read.encode(&read.text), bytes);
        }
        let read = XmlText::decode(&single(&latin)).unwrap();
        assert_eq!(read.encode("Ü\u{416}"), b"\xdc&#1046;");
        let read = XmlText::decode(b"\n\r\n <?xml version='1.0'?><a/>").unwrap();
        assert_eq!((read.text.as_str(), read.repaired), ("<?xml version='1.0'?><a/>", true));
    }

    #[test]
    fn further_byte_order_marks_are_taken_off() {
        for xml in ["<?xml version='1.0'?><a/>", "<a/>"] {
            for before in ["\u{feff}", "\u{feff}\u{feff}", "\r\n\u{feff}\n"] {
                let marked = |text: &str| ["\u{feff}", text].concat();
                let text = marked(&[before, xml].concat());
                for (bytes, whole) in [
                    (text.as_bytes().to_vec(), marked(xml).into_bytes()),
                    (utf16(&text, false), utf16(&marked(xml), false)),
                    (utf16(&text, true), utf16(&marked(xml), true)),
                ] {
                    let read = XmlText::decode(&bytes).unwrap();
                    assert_eq!((read.text.as_str(), read.repaired), (xml, true));
                    assert_eq!(read.encode(&read.text), whole);
                }
            }
        }
        assert!(!XmlText::decode("\u{feff} <a/>".as_bytes()).unwrap().repaired);
    }

    #[test]
    fn xml_of_another_encoding_is_refused_by_name() {
        let refused = |bytes: &[u8]| XmlText::decode(bytes).unwrap_err().to_string();
        assert!(refused(b"<a>B\xfc</a>").contains("by its missing declaration it is UTF-8"));
        let declared = refused(b"<?xml version='1.0' encoding='UTF-8'?><a>B\xfc</a>");
        assert!(declared.contains("by its declaration it is UTF-8"), "{declared}");
        for (name, why) in [
            ("UTF-16", "one byte for a character"),
            ("utf-16be", "one byte for a character"),
            ("x-none", "not supported"),
            ("ISO-2022-JP", "not supported"),
        ] {
            let error = refused(format!("<?xml version='1.0' encoding='{name}'?><a/>").as_bytes());
            assert!(error.contains(name) && error.contains(why), "{error}");
        }
        assert!(refused(b"\xff\xfe<\0a").contains("UTF-16LE"));
    }

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
    fn a_text_that_has_to_be_utf8_is_never_guessed() {
        let text = "a = 1\nb = \"Büro\"\n";
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [&b"\xff\xfe"[..], &utf16(text, false)].concat(),
            [&b"\xfe\xff"[..], &utf16(text, true)].concat(),
            utf16(text, false),
        ] {
            assert_eq!(decode_utf8(&bytes).as_deref(), Ok(text));
        }
        assert_eq!(decode_utf8(b"a = 1\nb = \"B\xfcro\"\n"), Err(TextError::NotUtf8(2)));
        assert_eq!(decode_utf8(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Err(TextError::Binary));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(decode(b"\xff\xfeS\0E"), Err(TextError::Encoding("UTF-16LE")));
        assert_eq!(decode(b"\xef\xbb\xbf\xff"), Err(TextError::Encoding("UTF-8")));
        assert_eq!(decode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Err(TextError::Binary));
        assert_eq!(decode(b"PK\x03\x04\x14\0\x06\0"), Err(TextError::Binary));
    }
}
