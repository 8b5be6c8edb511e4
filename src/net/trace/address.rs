//! Hides secrets in addresses anywhere in a text.
//!
//! An address can hold a password before its host, and tokens, keys and signatures in its query: pictures on
//! other people's servers are reached by such ones.

use super::redact::{HIDDEN, promises_secret};

/// Returns a text with the secrets of all its addresses blanked.
pub fn without_secrets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, address) = rest.split_at(at + "://".len());
        let end = address.find(ends_address).unwrap_or(address.len());
        out.push_str(before);
        push(&mut out, &address[..end]);
        rest = &address[end..];
    }
    out.push_str(rest);
    out
}

/// Returns an argument of the command line without the login that may precede a host in it: `user:password@host` is
/// no address, and is typed for one.
pub fn without_login(argument: &str) -> String {
    match argument.rsplit_once('@') {
        Some((login, host)) if login.contains(':') && !argument.contains("://") => {
            let option = login.find('=').filter(|_| login.starts_with("--")).map_or(0, |at| at + 1);
            format!("{}{HIDDEN}@{host}", &login[..option])
        }
        Some(_) | None => without_secrets(argument),
    }
}

/// Adds an address, from its host on.
fn push(out: &mut String, address: &str) {
    let end = address.find(['/', '?', '#']).unwrap_or(address.len());
    let (authority, rest) = address.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => {
            out.push_str(HIDDEN);
            out.push('@');
            out.push_str(host);
        }
        None => out.push_str(authority),
    }
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, q)| (path, Some(q)));
    out.push_str(path);
    let Some(query) = query else { return };
    let mut mark = '?';
    for pair in query.split('&') {
        out.push(mark);
        mark = '&';
        match pair.split_once('=') {
            Some((name, value)) if is_secret(name) && !value.is_empty() => {
                out.push_str(name);
                out.push('=');
                out.push_str(HIDDEN);
            }
            Some(_) | None => out.push_str(pair),
        }
    }
}

/// Returns whether a parameter of this name, which may be percent-encoded, is likely to be secret; in markup, names begin
/// with what is left of an escaped `&`.
fn is_secret(name: &str) -> bool {
    let name = name.strip_prefix("amp;").unwrap_or(name);
    let decoded = form_urlencoded::parse(name.as_bytes()).next();
    let name = decoded.map(|(name, _)| name.to_ascii_lowercase()).unwrap_or_default();
    promises_secret(&name) || ["sig", "signature", "auth"].iter().any(|end| name.ends_with(end))
}

/// Characters that end an address, because they must be escaped in one.
fn ends_address(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '<' | '>' | '`')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_and_tokens_are_blanked() {
        for (address, shown) in [
            ("http://me:s3cret@h:80/a.png", "http://(hidden)@h:80/a.png"),
            ("http://s3cret@[::1]/", "http://(hidden)@[::1]/"),
            ("http://h/a?size=1&token=s3cret&x=2", "http://h/a?size=1&token=(hidden)&x=2"),
            ("http://h?api_key=s3cret", "http://h?api_key=(hidden)"),
            ("http://h/a?sv=1&sig=s3%2Bcret", "http://h/a?sv=1&sig=(hidden)"),
            ("http://h/a?X-Amz-Signature=s3cret=", "http://h/a?X-Amz-Signature=(hidden)"),
            ("<u>http://h/a?a=1&amp;key=s3cret</u>", "<u>http://h/a?a=1&amp;key=(hidden)</u>"),
            (
                "from http://a:s3cret@b to http://c:s3cret@d.",
                "from http://(hidden)@b to http://(hidden)@d.",
            ),
        ] {
            assert_eq!(without_secrets(address), shown);
        }
    }

    #[test]
    fn a_login_without_a_scheme_is_blanked_in_arguments() {
        for (argument, shown) in [
            ("user:s3cret@h", "(hidden)@h"),
            ("--host=user:s3cret@h", "--host=(hidden)@h"),
            ("http:/user:s3c@ret@h/a", "(hidden)@h/a"),
            ("me@example.org", "me@example.org"),
            ("http://s3cret@h/a", "http://(hidden)@h/a"),
            ("http://h:80/a@2x.png", "http://h:80/a@2x.png"),
        ] {
            assert_eq!(without_login(argument), shown);
        }
    }

    #[test]
    fn other_addresses_stay() {
        for text in [
            "https://pub:8443/axl/",
            "http://h/a@b/c.png?mail=a@b&token=",
            "xmlns:axl=\"http://www.cisco.com/AXL/API/14.0\" password",
            "://",
            "a://?",
        ] {
            assert_eq!(without_secrets(text), text);
        }
    }

    proptest! {
        #[test]
        fn a_secret_never_survives(
            before in "[a-z <&:/?=@ü]{0,10}",
            path in "(/[a-z]{0,4}){0,2}",
            secret in "[A-Z0-9%]{9,20}",
            name in "(token|Password|api-key|sig)",
            after in "[a-z <&:/=ü]{0,10}",
        ) {
            let whole = format!("{before} http://u:{secret}@h{path}?a=1&{name}={secret} {after}");
            let shown = without_secrets(&whole);
            prop_assert!(!shown.contains(&secret), "{}", shown);
            prop_assert_eq!(without_secrets(&shown), shown);
        }

        #[test]
        fn text_without_addresses_stays(text in "[a-zA-Z0-9 ü<>/?=&@]{0,40}") {
            prop_assert_eq!(without_secrets(&text), text);
        }
    }
}
