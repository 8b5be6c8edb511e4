//! The Content-Security-Policy: a browser runs the script and style of the page and nothing else.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// The Content-Security-Policy of a page whose only style and script are these.
///
/// Hashes rather than nonces: the page is a file, so a nonce would be the same whenever it is opened.
pub(crate) fn policy(style: &str, script: &str) -> String {
    format!(
        "default-src 'none'; img-src data:; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(script)
    )
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// Escapes JSON for a script element: nothing in it closes the element, opens a comment, or ends a line in JavaScript.
///
/// In JSON these characters occur only in strings, where they may be escaped.
pub(crate) fn script_safe(json: &str) -> String {
    let mut safe = String::with_capacity(json.len() + json.len() / 64);
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing into a String cannot fail.
                let _ = write!(safe, "\\u{:04x}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hash_is_what_browsers_compute() {
        // The example of the specification (CSP Level 3, section 8.4).
        let hash = hash("alert('Hello, world.');");
        assert_eq!(hash, "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
    }

    proptest! {
        #[test]
        fn json_stays_what_it_says_and_closes_nothing(
            texts in proptest::collection::vec("(</script|<!--|\u{2028}|&|.){0,20}", 0..5),
        ) {
            let safe = script_safe(&serde_json::to_string(&texts).unwrap());
            let unsafe_ones = ['<', '>', '&', '\u{2028}', '\u{2029}'];
            prop_assert!(!safe.contains(unsafe_ones));
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&safe).unwrap(), texts);
        }
    }
}
