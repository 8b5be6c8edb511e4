//! The list of AXL versions in the HTML page of HTTP status 599.

/// Reads the supported versions out of the page, as the server writes them (`12.x` included).
///
/// Two wordings are known: "Supported axl versions are 12.x, 14.0 and 15.0" and "Available versions are
/// 1.0, 6.0 and 7.1" (seen in published captures). An empty list means that the page lists none.
pub fn supported_versions(page: &str) -> Vec<String> {
    let lower = page.to_ascii_lowercase();
    let Some(start) = lower.find("versions are") else { return Vec::new() };
    let mut versions: Vec<String> = Vec::new();
    // Lower-casing ASCII keeps every byte in its place.
    for word in page[start + "versions are".len()..].split([' ', ',', '\n', '\r', '\t', '<']) {
        let word = word.trim_end_matches(['.', ';']);
        if word.is_empty() || word.eq_ignore_ascii_case("and") {
            continue;
        }
        if !is_version(word) || versions.len() == MOST {
            break;
        }
        if !versions.iter().any(|known| known == word) {
            versions.push(word.to_owned());
        }
    }
    versions
}

fn is_version(word: &str) -> bool {
    let Some((major, minor)) = word.split_once('.') else { return false };
    let is_number =
        |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_number(major) && (is_number(minor) || minor.eq_ignore_ascii_case("x"))
}

/// No server supports more versions than this.
const MOST: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_both_wordings() {
        let page = "<p><b>Message:</b> Incorrect axl version. Supported axl versions are 12.x, 14.0 \
                    and 15.0</p> Supported axl versions are 1.0";
        assert_eq!(supported_versions(page), ["12.x", "14.0", "15.0"]);
        let page = "is not available.  Available versions are 1.0, 6.0,\n6.1 and 7.1.</body>";
        assert_eq!(supported_versions(page), ["1.0", "6.0", "6.1", "7.1"]);
        assert!(supported_versions("<html>versions are unknown</html>").is_empty());
    }

    proptest! {
        #[test]
        fn never_panics(page in ".*versions are.*") {
            supported_versions(&page);
        }
    }
}
