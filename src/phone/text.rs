//! Text that came from a phone, made safe to show.

pub(super) use crate::domain::text::sanitize_truncate as clean;

/// Reads bytes as UTF-8, or as ISO 8859-1 when they are not UTF-8 or declare it.
///
/// Phones declare `iso-8859-1` (seen from a 7905 and a 7940), and some declare `utf-8` and send the
/// other. Every byte sequence is valid ISO 8859-1, so this never fails.
pub(super) fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) if !declares_latin1(text) => text.to_owned(),
        Ok(_) | Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

fn declares_latin1(text: &str) -> bool {
    let text = text.trim_start();
    let Some(declaration) = text.strip_prefix("<?xml").and_then(|rest| rest.split("?>").next())
    else {
        return false;
    };
    let declaration = declaration.to_ascii_lowercase();
    ["iso-8859-1", "iso8859-1", "latin1", "latin-1", "windows-1252"]
        .iter()
        .any(|name| declaration.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_unseen_gets_through() {
        assert_eq!(clean(" a\r\n\t b\u{1b}[31mc\u{202e}d\0 ", 100), "a b [31mc d");
        assert_eq!(clean("\u{9b}x", 100), "x");
        assert_eq!(clean("", 100), "");
    }

    #[test]
    fn is_cut_at_the_limit() {
        assert_eq!(clean("äöüß", 4), "äöüß");
        assert_eq!(clean("äöüßx", 4), "äöüß…");
        assert_eq!(clean("ab cd", 3), "ab…");
        assert_eq!(clean("ab   ", 2), "ab");
    }

    #[test]
    fn reads_both_encodings() {
        assert_eq!(decode(b"\xEF\xBB\xBFa"), "a");
        assert_eq!(decode("ä".as_bytes()), "ä");
        assert_eq!(decode(b"\xE4"), "ä");
        assert_eq!(decode(b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\xC3"), {
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>Ã"
        });
    }
}
