//! What is read from a request.

use axum::http::{HeaderMap, header};

/// Returns the value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|cookies| cookies.split(';'));
    let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// Tells whether the client asks for JSON, not for a page.
pub(crate) fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let mut accepted = accepted.unwrap_or_default().split(',');
    let first = accepted.find_map(|kind| match kind.split(';').next().unwrap_or_default().trim() {
        "application/json" => Some(true),
        "text/html" | "application/xhtml+xml" => Some(false),
        _ => None,
    });
    first.unwrap_or(false)
}

/// Encodes a text as one part of a path.
pub(crate) fn path_segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes())
        .map(|part| if part == "+" { "%20" } else { part })
        .collect()
}

/// Returns the host name of a `Host` or an origin, in lower case and without its port.
pub(crate) fn host_name(authority: &str) -> String {
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    host.trim_end_matches('.').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(
            header::HeaderName::from_static(name),
            header::HeaderValue::from_static(value),
        )])
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = headers("cookie", "a=1; axlpaper_8300=x=y;b");
        assert_eq!(cookie(&headers, "axlpaper_8300"), Some("x=y"));
        assert_eq!(cookie(&headers, "axlpaper_830"), None);
    }

    #[test]
    fn what_is_asked_for_first_counts() {
        assert!(wants_json(&headers("accept", "application/json")));
        assert!(wants_json(&headers("accept", "text/plain, application/json;q=0.9, text/html")));
        assert!(!wants_json(&headers("accept", "text/html,application/xhtml+xml,*/*;q=0.8")));
        assert!(!wants_json(&HeaderMap::new()));
    }

    #[test]
    fn a_host_has_a_name() {
        for (authority, name) in [
            ("LocalHost:8300", "localhost"),
            ("[::1]:8300", "::1"),
            ("console.example.com.", "console.example.com"),
            ("evil.example:80:80", "evil.example"),
            ("", ""),
        ] {
            assert_eq!(host_name(authority), name);
        }
    }
}
