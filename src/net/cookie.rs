//! The few cookies that keep a session with one CUCM service.

use std::collections::BTreeMap;

use reqwest::header::HeaderValue;
use secrecy::zeroize::Zeroizing;

use super::credentials::secret_header;

/// The cookies of one service on one server.
///
/// CUCM sets `JSESSIONIDSSO` (the single sign-on session) and `JSESSIONID`. One jar belongs to one
/// URL, so domains and paths need no attention here.
#[derive(Clone, Default)]
pub struct CookieJar {
    cookies: BTreeMap<String, Zeroizing<String>>,
}

impl CookieJar {
    /// Takes over the value of one `Set-Cookie` header; one that makes no sense is skipped.
    pub fn store(&mut self, header: &str) {
        let mut parts = header.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let (name, value) = (name.trim(), value.trim());
        let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        if name.is_empty() || !is_plain(name) || !is_plain(value) {
            return;
        }
        let mut removed = value.is_empty() || value == "\"\"";
        for attribute in parts {
            if let Some((key, age)) = attribute.split_once('=')
                && key.trim().eq_ignore_ascii_case("max-age")
                && age.trim().parse::<i64>().is_ok_and(|seconds| seconds <= 0)
            {
                removed = true;
            }
        }
        if removed {
            self.cookies.remove(name);
        } else if self.cookies.len() < MOST || self.cookies.contains_key(name) {
            self.cookies.insert(name.to_owned(), Zeroizing::new(value.to_owned()));
        }
    }

    /// Tells whether a session can be continued without a password.
    pub fn has_session(&self) -> bool {
        self.cookies.keys().any(|name| {
            name.eq_ignore_ascii_case("JSESSIONIDSSO") || name.eq_ignore_ascii_case("JSESSIONID")
        })
    }

    /// Returns the `Cookie` header, marked as sensitive, or nothing when there are no cookies.
    pub fn header(&self) -> Option<HeaderValue> {
        if self.cookies.is_empty() {
            return None;
        }
        // The buffer has its size from the beginning: one that grows leaves copies behind.
        let length = self.cookies.iter().map(|(name, value)| name.len() + value.len() + 3).sum();
        let mut pairs = Zeroizing::new(Vec::with_capacity(length));
        for (name, value) in &self.cookies {
            if !pairs.is_empty() {
                pairs.extend_from_slice(b"; ");
            }
            pairs.extend_from_slice(name.as_bytes());
            pairs.push(b'=');
            pairs.extend_from_slice(value.as_bytes());
        }
        secret_header(pairs)
    }

    pub fn clear(&mut self) {
        self.cookies.clear();
    }
}

impl std::fmt::Debug for CookieJar {
    /// Shows the names only: a session's value is as good as a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.cookies.keys()).finish()
    }
}

/// How many cookies are kept at most; more is no session but an attack.
const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_replaces_and_drops() {
        let mut jar = CookieJar::default();
        jar.store("JSESSIONIDSSO=ABC; Path=/; Secure; HttpOnly");
        jar.store("JSESSIONID=1; Path=/axl; Secure");
        jar.store("JSESSIONID=2; Path=/axl; Secure");
        assert!(jar.has_session());
        assert_eq!(jar.header().unwrap().to_str().unwrap(), "JSESSIONID=2; JSESSIONIDSSO=ABC");
        jar.store("JSESSIONIDSSO=x; Max-Age=0");
        jar.store("JSESSIONID=");
        assert!(!jar.has_session());
        assert!(jar.header().is_none());
    }

    #[test]
    fn skips_nonsense_and_hides_values() {
        let mut jar = CookieJar::default();
        for header in ["", "=", "=x", "a b=c", "novalue", "a=\u{1b}"] {
            jar.store(header);
        }
        assert!(jar.header().is_none());
        jar.store("JSESSIONID=secret");
        assert!(!format!("{jar:?}").contains("secret"));
        assert!(jar.header().unwrap().is_sensitive());
    }
}
