//! Text for people: what may not be shown, and lists that stay short.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use icu_normalizer::ComposingNormalizerBorrowed;

/// Takes the place of a character that could not be read.
pub const UNREADABLE: char = '\u{FFFD}';

/// Returns whether no character of a text is missing. A text with [`UNREADABLE`] in it can be shown, but it names
/// nothing and is not written back.
pub fn is_readable(text: &str) -> bool {
    !text.contains(UNREADABLE)
}

/// A field of an object that could not be read completely.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct UnreadableField {
    /// The element, and the elements around it up to the object: `description`, `vendorConfig/sshUserId`.
    pub field: String,
    /// The name or user ID of the object; nothing where the answer has none.
    pub object: Option<String>,
}

impl fmt::Display for UnreadableField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.object {
            Some(object) => write!(f, "{object}: {}", self.field),
            None => f.write_str(&self.field),
        }
    }
}

/// Returns a text with composed characters (Unicode normalization form C).
pub fn nfc(text: &str) -> Cow<'_, str> {
    const { ComposingNormalizerBorrowed::new_nfc() }.normalize(text)
}

/// Returns host and port of an address that was copied from a browser: `cucm:8443` of `https://cucm:8443/ccmadmin/`. Any
/// other text is returned as it is.
pub fn host_of_url(text: &str) -> &str {
    let text = text.trim();
    match text.split_at_checked("https://".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https://") => {
            rest.split(['/', '?', '#']).next().unwrap_or(rest)
        }
        Some(_) | None => text,
    }
}

/// Writes bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns the SHA-256 of some texts, in hexadecimal.
///
/// Each is taken with its length in front, so that no two different lists of texts read the same.
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    use sha2::Digest as _;
    let mut hasher = sha2::Sha256::new();
    for part in parts {
        hasher.update(part.len().to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize())
}

/// Returns whether a character can steer a terminal, reorder a line or hide in it.
///
/// Escape sequences begin with control characters; bidirectional marks make a line read otherwise than it is
/// stored; characters without a width make two different texts look the same.
pub fn is_control_or_bidi(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// Replaces everything that could steer a terminal, reorder a line or hide in it by `\u{FFFD}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_control_or_bidi) {
        Cow::Owned(
            text.chars().map(|c| if is_control_or_bidi(c) { '\u{FFFD}' } else { c }).collect(),
        )
    } else {
        Cow::Borrowed(text)
    }
}

/// As [`printable`], but keeps line ends: for text of several lines that is ours.
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Writes the same characters as `\u` escapes in JSON, where they are in strings alone: the values stay what they are.
/// Line ends between values stay too.
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    use std::fmt::Write as _;
    let hides = |c: char| is_control_or_bidi(c) && c != '\n';
    if !json.chars().any(hides) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if hides(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing into a String cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Cuts a text to `most` characters, turns everything that may not be shown into blanks, and makes runs of
/// blanks one. A text that was cut ends in `…`.
pub fn sanitize_truncate(text: &str, most: usize) -> String {
    let mut short = String::new();
    let (mut count, mut blank) = (0, false);
    // The input may be megabytes of blanks; looking at a bounded part of it is enough.
    for c in text.chars().take(most.saturating_mul(16).max(4096)) {
        if c.is_whitespace() || is_control_or_bidi(c) {
            blank = count > 0;
            continue;
        }
        if count + usize::from(blank) >= most {
            short.push('…');
            break;
        }
        if blank {
            short.push(' ');
            count += 1;
            blank = false;
        }
        short.push(c);
        count += 1;
    }
    short
}

/// Puts quotation marks around a text that was typed or came from outside, and changes nothing else in it but what may
/// not be shown ([`printable`]): a backslash stays one backslash. A long text is cut.
pub fn quoted(text: &str) -> String {
    let mut shown: String = printable(text).chars().take(LONGEST_QUOTE + 1).collect();
    if shown.chars().count() > LONGEST_QUOTE {
        shown.pop();
        shown.push('…');
    }
    format!("\"{shown}\"")
}

const LONGEST_QUOTE: usize = 120;

/// Returns whether XML 1.0 can carry a character at all, even escaped.
pub fn is_xml_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Returns the line, counted from 1, that holds this byte.
pub fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// Joins names by commas: the first five, and how many more there are.
pub fn names<T: fmt::Display>(all: &[T]) -> String {
    let shown: Vec<String> = all.iter().take(MOST_NAMES).map(ToString::to_string).collect();
    match all.len().saturating_sub(MOST_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Writes a number with its noun: `1 phone`, `2 phones`.
pub fn pluralize(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

const MOST_NAMES: usize = 5;

/// Reads a duration in words, such as `1h 30m` or `2d`; a day has 24 hours.
pub fn duration(text: &str) -> Option<Duration> {
    let span = text.trim().parse::<jiff::Span>().ok()?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(length).ok()
}

/// Writes a number with its thousands apart: `39,999`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Keeps the first lines of a list that grows with a cluster; the last line says how many more there are and what
/// lists them.
pub fn limit_lines(mut lines: Vec<String>, most: usize, listed_by: &str) -> Vec<String> {
    if let Some(more) = lines.len().checked_sub(most).filter(|more| *more > 0) {
        lines.truncate(most);
        lines.push(and_more(more, listed_by));
    }
    lines
}

/// Says how much of a list is left out, and what lists it.
pub fn and_more(more: usize, listed_by: &str) -> String {
    format!("… and {} more: `{listed_by}`", grouped(more))
}

/// How many lines of a list that grows with a cluster are shown.
pub const MOST_LINES: usize = 20;

/// Reports the fields that could not be read completely, one remark for each kind of field.
pub fn unreadable_remarks(fields: &std::collections::BTreeSet<UnreadableField>) -> Vec<String> {
    let mut by_field: std::collections::BTreeMap<&str, Vec<&str>> =
        std::collections::BTreeMap::new();
    for UnreadableField { field, object } in fields {
        by_field.entry(field).or_default().push(object.as_deref().unwrap_or("the cluster"));
    }
    let remark = |(field, objects): (&str, Vec<&str>)| {
        format!(
            "the field {field} holds characters that cannot be read (shown as U+FFFD): {}",
            names(&objects)
        )
    };
    by_field.into_iter().map(remark).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quoted_text_is_as_it_was_typed() {
        assert_eq!(quoted(r"HQ\*"), r#""HQ\*""#);
        assert_eq!(quoted("it's \"x\""), "\"it's \"x\"\"");
        assert_eq!(quoted("a\u{1b}b\u{feff}"), "\"a\u{fffd}b\u{fffd}\"");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), LONGEST_QUOTE + 3);
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1_000, 40_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "40,000", "1,234,567"]
        );
    }

    #[test]
    fn a_list_is_cut_where_it_grows_too_long() {
        let lines = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(limit_lines(lines(3), 3, "--json"), lines(3));
        assert_eq!(
            limit_lines(lines(1_990), 2, "--json"),
            ["0", "1", "… and 1,988 more: `--json`"]
        );
    }

    #[test]
    fn everything_unseen_is_known() {
        for c in
            "\u{1b}\u{9b}\u{ad}\u{200b}\u{200f}\u{2028}\u{202e}\u{2060}\u{2069}\u{feff}".chars()
        {
            assert!(is_control_or_bidi(c), "{c:?}");
        }
        assert!(!"Réception – 2. Stock “x”".chars().any(is_control_or_bidi));
    }

    #[test]
    fn is_cleaned_and_cut() {
        assert_eq!(sanitize_truncate("\n  a\t\u{1b}[31mb\u{202e} ", 20), "a [31mb");
        assert_eq!(sanitize_truncate("abcdef", 3), "abc…");
        assert_eq!(sanitize_truncate("ab cd", 3), "ab…");
        assert_eq!(sanitize_truncate("ab   ", 2), "ab");
        assert_eq!(sanitize_truncate("äöüß", 4), "äöüß");
    }

    #[test]
    fn lists_stay_short_and_numbers_agree() {
        assert_eq!(names(&["a", "b"]), "a, b");
        assert_eq!(names(&[1, 2, 3, 4, 5, 6, 7]), "1, 2, 3, 4, 5 and 2 more");
        assert_eq!(
            (pluralize(1, "phone"), pluralize(0, "phone")),
            ("1 phone".into(), "0 phones".into())
        );
    }

    #[test]
    fn hidden_characters_are_replaced_and_lines_kept() {
        assert!(matches!(printable("Réception – 2. Stock"), Cow::Borrowed(_)));
        assert_eq!(printable("a\u{1b}[31mb\u{202e}c\u{9b}"), "a\u{FFFD}[31mb\u{FFFD}c\u{FFFD}");
        assert_eq!(printable_lines("a\nb\rc"), "a\nb\u{FFFD}c");
    }

    proptest! {
        #[test]
        fn json_keeps_its_values_and_hides_nothing(text in "(?s).{0,80}[\u{7f}-\u{9f}\u{2028}\u{202e}\u{feff}\u{e0041}]?.{0,9}") {
            let json = serde_json::to_string(&[&text]).unwrap();
            let escaped = escaped_json(&json);
            prop_assert!(!escaped.chars().any(is_control_or_bidi), "{}", escaped);
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&escaped).unwrap(), [text]);
        }

        #[test]
        fn is_short_and_harmless(text in ".{0,400}", most in 0_usize..100) {
            let short = sanitize_truncate(&text, most);
            prop_assert!(short.chars().count() <= most + 1);
            prop_assert!(!short.chars().any(is_control_or_bidi));
        }
    }
}
