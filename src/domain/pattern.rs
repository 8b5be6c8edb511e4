//! Names as people type them: exact, or with wildcards, in any case of letters.

use std::borrow::Cow;
use std::str::FromStr;

use icu_casemap::CaseMapper;
use serde::{Deserialize, Serialize};

use super::mac_address::device_of_mac;
use super::model::{self, UnknownModel};
use super::selector_error::SelectorError;
use super::text::nfc;

/// A name, exact or with `*` or `%` for any run of characters.
///
/// Letters compare by [`fold`]. A backslash makes `*`, `%` and itself plain characters, and is one itself before anything
/// else. No other character has a meaning.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    /// The texts between the wildcards, folded: one piece more than there are wildcards.
    pieces: Vec<String>,
}

impl Pattern {
    /// Reads a pattern; blanks around it are dropped.
    pub fn new(text: &str) -> Result<Self, SelectorError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SelectorError::EmptyPattern);
        }
        let mut pieces = vec![String::new()];
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            let plain = match c {
                '*' | '%' => {
                    while rest.next_if(|next| matches!(next, '*' | '%')).is_some() {}
                    pieces.push(String::new());
                    continue;
                }
                '\\' => rest.next_if(|next| matches!(next, '*' | '%' | '\\')).unwrap_or(c),
                c => c,
            };
            if let Some(piece) = pieces.last_mut() {
                piece.push(plain);
            }
        }
        let pieces = pieces.iter().map(|piece| fold(piece).into_owned()).collect();
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// Reads the name of a device, or the MAC address of a phone, where only some of its characters may be given.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_device(text: &str) -> Result<Self, SelectorError> {
        Self::new(device_of_mac(text).as_deref().unwrap_or(text))
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn matches(&self, name: &str) -> bool {
        let name = fold(name);
        let [first, between @ .., last] = self.pieces.as_slice() else {
            return self.pieces.iter().all(|whole| *whole == *name);
        };
        let Some(rest) = name.strip_prefix(first.as_str()) else { return false };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
        // The first place of each piece leaves the most for the others.
        for piece in between {
            let Some(at) = rest.find(piece.as_str()) else { return false };
            rest = &rest[at + piece.len()..];
        }
        true
    }
}

impl Pattern {
    /// Returns whether every name that `narrower` matches is matched by this one.
    pub fn covers(&self, narrower: &Self) -> bool {
        self.matches(&narrower.any_name())
    }

    /// Returns whether it matches every name.
    pub fn is_any(&self) -> bool {
        self.pieces.len() > 1 && self.pieces.iter().all(String::is_empty)
    }

    /// Returns a name that it matches, in which each wildcard stands for a character that no name has. Only a wildcard
    /// matches that one, so a pattern that matches this name matches all names of this pattern.
    fn any_name(&self) -> String {
        self.pieces.join("\u{0}")
    }

    /// The same for models, which can be named with or without their maker: numbers are models of Cisco.
    pub fn covers_model(&self, narrower: &Self) -> bool {
        let name = narrower.any_name();
        let is_number = name.starts_with(|c: char| c.is_ascii_digit());
        self.matches(&name)
            || name.strip_prefix("cisco ").is_some_and(|short| self.matches(short))
            || is_number && self.matches(&format!("cisco {name}"))
    }

    /// Returns whether a model is meant, with or without its maker: `8841` means `Cisco 8841`.
    pub fn matches_model(&self, model: &str) -> bool {
        self.matches(model) || model.strip_prefix("Cisco ").is_some_and(|short| self.matches(short))
    }

    /// Returns the pattern of the model that this text names in another way, such as `CP-8841-K9=`; itself otherwise.
    #[must_use]
    pub fn of_model(self) -> Self {
        let named = model::by_product(&self.text).filter(|model| !self.matches_model(model.name));
        named.and_then(|model| Self::new(model.name).ok()).unwrap_or(self)
    }

    /// As [`Self::of_model`], for places where only models of the catalogue have a meaning.
    ///
    /// # Errors
    /// When no model of the catalogue matches.
    pub fn of_known_model(self) -> Result<Self, UnknownModel> {
        let pattern = self.of_model();
        match model::catalogue().iter().any(|model| pattern.matches_model(model.name)) {
            true => Ok(pattern),
            false => Err(UnknownModel::of(&pattern.text)),
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = SelectorError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

impl FromStr for Pattern {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

/// Returns a name in the form in which two spellings of it are the same: composed characters (NFC) after full Unicode
/// case folding. `MÜNCHEN` and `münchen` are one name, however the `ü` is put together, and so are `Straße` and `STRASSE`.
pub fn fold(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Cow::Owned(name.to_ascii_lowercase());
        }
        return Cow::Borrowed(name);
    }
    let folded = const { CaseMapper::new() }.fold_string(&nfc(name)).into_owned();
    // Folding can take characters apart.
    Cow::Owned(nfc(&folded).into_owned())
}

/// Returns whether two spellings are of one name.
pub fn same_name(one: &str, other: &str) -> bool {
    fold(one) == fold(other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(name)
    }

    #[test]
    fn letters_are_the_same_in_every_case_and_composition() {
        for (one, other) in [
            ("br-münchen*", "BR-MÜNCHEN-2"),
            ("BR-MU\u{308}NCHEN-2", "br-münchen-2"),
            ("straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("ΟΔΟΣ", "οδοσ"),
            ("привет%", "ПРИВЕТ 1"),
            ("*É*", "cafe\u{301} 2"),
        ] {
            assert!(matches(one, other), "{one} {other}");
        }
        assert!(!matches("munchen", "münchen"));
        assert!(same_name("Zürich", "ZU\u{308}RICH") && !same_name("Zürich", "Zurich"));
        assert!(matches!(fold("sep0011"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_backslash_escapes_wildcards_and_itself_and_nothing_else() {
        assert!(matches(r"HQ\East", r"hq\east") && !matches(r"HQ\East", "HQEast"));
        assert!(matches(r"HQ\\East", r"hq\east"));
        assert!(matches(r"100\%", "100%") && !matches(r"100\%", "1000"));
        assert!(matches(r"a\*b", "a*b") && !matches(r"a\*b", "axb"));
        assert!(matches(r"HQ\\*", r"HQ\East") && !matches(r"HQ\\*", "HQ*"));
        assert!(matches(r"HQ\", r"HQ\") && matches(r"\n", r"\N"));
    }

    #[test]
    fn nothing_else_has_a_meaning() {
        for name in ["HQ?", "HQ [1]", "{a,b}", "!x", "[!a]", "a/b", "^a$", "a.b", "x+", "(a|b)"] {
            assert!(matches(name, name), "{name}");
        }
        assert!(!matches("HQ?", "HQ1") && !matches("[ab]", "a") && !matches("{a,b}", "a"));
        assert!(!matches("**/SEP1", "SEP1") && matches("**/SEP1", "x/SEP1"));
        assert!(matches("a%*%b", "ab") && matches("*", "") && !matches("a*a", "a"));
        assert_eq!(Pattern::new("  ").unwrap_err(), SelectorError::EmptyPattern);
    }

    /// The same by the shortest definition: one character of the pattern after the other.
    fn naive(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], name) => name.is_empty(),
            (['*' | '%', rest @ ..], name) => {
                (0..=name.len()).any(|skipped| naive(rest, &name[skipped..]))
            }
            (
                ['\\', plain @ ('*' | '%' | '\\'), rest @ ..] | [plain, rest @ ..],
                [c, more @ ..],
            ) => plain.to_lowercase().eq(c.to_lowercase()) && naive(rest, more),
            (_, []) => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn agrees_with_the_naive_matcher(
            pattern in r"[aAbBüÜ*%\\/?\[{!]{1,8}",
            name in r"[aAbBüÜ*%\\/?\[{!]{0,8}",
        ) {
            let (typed, asked): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
            prop_assert_eq!(matches(&pattern, &name), naive(&typed, &asked));
        }

        #[test]
        fn every_name_matches_itself_escaped(name in r"\S{1,40}") {
            let escaped: String = name
                .chars()
                .flat_map(|c| matches!(c, '*' | '%' | '\\').then_some('\\').into_iter().chain([c]))
                .collect();
            prop_assert!(matches(&escaped, &name), "{}", escaped);
            prop_assert!(matches(&format!("*{escaped}%"), &name), "{}", escaped);
        }
    }
}
