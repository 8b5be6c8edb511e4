//! Texts and times for people: hostile text becomes harmless in terminals and in spreadsheets.

use std::borrow::Cow;

use jiff::Timestamp;

pub use crate::domain::text::{printable, printable_lines};

/// A moment to the second.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Puts an apostrophe in front of what a spreadsheet would take for a formula.
///
/// The first characters are those of the OWASP page on CSV injection.
pub(super) fn spreadsheet_safe(text: &str) -> Cow<'_, str> {
    let text = printable(text);
    match text.trim_start().chars().next() {
        Some('=' | '+' | '-' | '@' | '\u{FFFD}' | '＝' | '＋' | '－' | '＠') => {
            Cow::Owned(format!("'{text}"))
        }
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(spreadsheet_safe("Lobby"), "Lobby");
    }

    #[test]
    fn formulas_and_escapes_are_disarmed() {
        assert_eq!(spreadsheet_safe("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(spreadsheet_safe("  @SUM(1)"), "'  @SUM(1)");
        assert_eq!(spreadsheet_safe("\t=1"), "'\u{FFFD}=1");
    }

    proptest! {
        #[test]
        fn no_text_keeps_a_control_character(text in "\\PC*|.*") {
            prop_assert!(!printable(&text).chars().any(char::is_control));
            let cell = spreadsheet_safe(&text);
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
        }
    }
}
