//! The MAC address of a phone, which is the end of its device name.

use std::borrow::Cow;

/// Returns the name of the device with a MAC address; nothing where the text is no MAC address.
pub fn device_of_mac(text: &str) -> Option<String> {
    mac(text).map(|mac| format!("SEP{mac}")).or_else(|| prefixed_mac(text))
}

/// Reads a MAC address in any notation: plain, or in groups of two, four or six digits.
fn mac(text: &str) -> Option<String> {
    let mut groups: Vec<Cow<'_, str>> =
        text.split([':', '-', '.', ' ']).map(Cow::Borrowed).collect();
    if groups.len() == 6 {
        // Some systems leave the zero in front out: `0:1a:e2:d3:d6:af`.
        for group in groups.iter_mut().filter(|group| group.len() == 1) {
            *group = Cow::Owned(format!("0{group}"));
        }
    }
    let digits = groups.concat();
    let even = groups.iter().all(|group| group.len() == 12 / groups.len());
    let is_mac = digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_mac && even && [1, 2, 3, 6].contains(&groups.len())).then(|| digits.to_ascii_uppercase())
}

/// Reads a prefix of three letters with a MAC address in any notation: `SEP00:1A:E2:D3:D6:AF`, `SEP-001A-E2D3-D6AF`.
fn prefixed_mac(text: &str) -> Option<String> {
    let (prefix, rest) = text.split_at_checked(3)?;
    let mac = mac(rest.trim_start_matches([':', '-', '.', ' ']))?;
    let is_prefix = prefix.bytes().all(|byte| byte.is_ascii_alphabetic());
    let prefix = if prefix.eq_ignore_ascii_case("SEP") { "SEP" } else { prefix };
    is_prefix.then(|| format!("{prefix}{mac}"))
}
