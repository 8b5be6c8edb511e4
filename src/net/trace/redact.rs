//! Blanks what is secret in markup.
//!
//! It goes by names, as everybody else's tools do: `doAuthenticateUser` has a `password`, users have a
//! `pin` and `digestCredentials`, the product-specific settings of phones have an `adminPassword`, an
//! `sshPwd` and others that only their firmware knows. So the rule is generous: it rather blanks a harmless
//! value than shows a secret one.

use std::borrow::Cow;

use secrecy::zeroize::Zeroizing;

pub const HIDDEN: &str = "(hidden)";

/// Returns markup with the contents of all elements and attributes blanked whose names promise a secret;
/// markup inside markup, escaped once or twice or as CDATA, is understood too.
///
/// What is no markup stays as it is. Where an element does not end, all that follows is blanked.
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // How much text follows the last statement: one inside of another is not looked at again.
    let mut unchecked = text.len();
    while let Some((before, brackets, after)) = next_tag(rest) {
        out.push_str(before);
        out.push_str(brackets.open);
        if !after.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            rest = after;
            continue;
        }
        let end = brackets.end_of_tag(after);
        let tag = &after[..end];
        let name = name_of(tag);
        let (shown, names_secret) = without_secret_attributes(tag);
        out.push_str(&shown);
        rest = &after[end..];
        let Some(content) = rest.strip_prefix(brackets.close) else { continue };
        if name.rsplit(':').next() == Some("sql") && !tag.ends_with('/') {
            if content.len() > unchecked {
                continue;
            }
            let end = brackets.end_of_element(content, name);
            unchecked = content.len() - end;
            if let Some(shown) = brackets.without_secret_literals(&content[..end]) {
                out.push_str(brackets.close);
                out.push_str(&shown);
                rest = &content[end..];
            }
            continue;
        }
        if !(promises_secret(name) || names_secret) || tag.ends_with('/') {
            continue;
        }
        out.push_str(brackets.close);
        let end = brackets.end_of_element(content, name);
        if end > 0 {
            out.push_str(HIDDEN);
        }
        rest = &content[end..];
    }
    out.push_str(rest);
    out
}

/// Returns a body that is no markup with the values blanked whose names promise a secret, as `password=…`: to the end of
/// the line, or to the next `&`.
pub(super) fn redact_pairs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(['&', '\n']) {
        let value = part.trim_end_matches(['&', '\n']);
        let secret = value.match_indices(['=', ':']).find(|(at, _)| {
            let before = value[..*at].trim_end_matches([' ', '"', '\'']);
            let name = before.rsplit(|c| c == ':' || !is_name_character(c)).next();
            name.is_some_and(promises_secret)
        });
        match secret {
            Some((at, _)) if at + 1 < value.len() => {
                out.push_str(&part[..=at]);
                out.push_str(HIDDEN);
                out.push_str(&part[value.len()..]);
            }
            Some(_) | None => out.push_str(part),
        }
    }
    out
}

/// How the brackets of a tag are written.
#[derive(Clone, Copy)]
struct Brackets {
    open: &'static str,
    close: &'static str,
}

const WAYS: [Brackets; 3] = [
    Brackets { open: "<", close: ">" },
    Brackets { open: "&lt;", close: "&gt;" },
    Brackets { open: "&amp;lt;", close: "&amp;gt;" },
];

/// Finds the next tag: the text before it, its spelling, and the text after its opening bracket.
fn next_tag(text: &str) -> Option<(&str, Brackets, &str)> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(['<', '&'])?;
        if let Some(way) = WAYS.into_iter().find(|way| text[at..].starts_with(way.open)) {
            return Some((&text[..at], way, &text[at + way.open.len()..]));
        }
        from = at + 1;
    }
}

impl Brackets {
    /// Returns where a tag ends: at its closing bracket, outside of values in quotes. A value that does not
    /// end is none.
    fn end_of_tag(self, text: &str) -> usize {
        let mut from = 0;
        loop {
            let Some(found) = text[from..].find(['=', '<', '>', '&']) else { return text.len() };
            let at = from + found;
            // A tag does not begin inside another one: this one is broken.
            let ends =
                [self.close, self.open, "<"].into_iter().any(|end| text[at..].starts_with(end));
            if ends {
                return at;
            }
            from = at + 1;
            if let Some(value) = text[at..].strip_prefix('=').and_then(value_in_quotes) {
                from += value.end_quote + 1;
            }
        }
    }

    /// Returns an SQL statement without its literals; nothing where it names no secret. Where a comment or an unknown
    /// entity makes it uncertain what a literal is, the whole statement is blanked.
    fn without_secret_literals(self, content: &str) -> Option<String> {
        let mut sql = Cow::Borrowed(content);
        for _ in 0..=WAYS.iter().take_while(|way| way.open != self.open).count() {
            match quick_xml::escape::unescape(&sql) {
                Ok(text) => sql = Cow::Owned(text.into_owned()),
                Err(_unknown_entity) => return Some(HIDDEN.to_owned()),
            }
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if !sql.split(|c| !is_word(c)).any(promises_secret) {
            return None;
        }
        if ["--", "/*", "{"].iter().any(|comment| sql.contains(comment)) {
            return Some(HIDDEN.to_owned());
        }
        let mut out = String::new();
        let mut rest = &*sql;
        while let Some(at) = rest.find(|c: char| is_word(c) || matches!(c, '\'' | '"')) {
            let (before, literal) = rest.split_at(at);
            out.push_str(before);
            let quote = literal.chars().next().filter(|c| matches!(c, '\'' | '"'));
            let end = match quote {
                Some(quote) => literal[1..].find(quote).map(|end| end + 2),
                None => literal.find(|c| !is_word(c)),
            };
            let (literal, after) = literal.split_at(end.unwrap_or(literal.len()));
            let is_name = !literal.starts_with(|c: char| c.is_ascii_digit());
            out.push_str(if quote.is_none() && is_name { literal } else { HIDDEN });
            rest = after;
        }
        out.push_str(rest);
        Some(quick_xml::escape::partial_escape(out).into_owned())
    }

    /// Returns where the content of an element ends; at the end of the text where it does not.
    fn end_of_element(self, text: &str, name: &str) -> usize {
        let end = format!("{}/{name}", self.open);
        let mut from = 0;
        while let Some(found) = text[from..].find(&end) {
            let at = from + found;
            if !text[at + end.len()..].starts_with(is_name_character) {
                return at;
            }
            from = at + end.len();
        }
        text.len()
    }
}

fn is_name_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')
}

fn name_of(tag: &str) -> &str {
    &tag[..tag.find(|c| !is_name_character(c)).unwrap_or(tag.len())]
}

/// Returns a tag with secret attributes blanked, and whether an attribute names the element as a secret,
/// as `<field name="password">` does: then its other attributes are blanked too.
fn without_secret_attributes(tag: &str) -> (String, bool) {
    let attributes = attributes(tag);
    let names_secret = attributes.iter().any(|one| {
        matches!(one.name.to_ascii_lowercase().as_str(), "name" | "id" | "key")
            && promises_secret(one.value)
    });
    let mut out = String::with_capacity(tag.len());
    let mut from = 0;
    for one in attributes {
        let tells_value = names_secret && one.name.eq_ignore_ascii_case("value");
        out.push_str(&between(&tag[from..one.at]));
        if (promises_secret(one.name) || tells_value) && !one.value.is_empty() {
            out.push_str(HIDDEN);
        } else {
            // A value can contain markup too. It holds no quotes of this kind, so this does not go deep.
            out.push_str(&between(one.value));
        }
        from = one.at + one.value.len();
    }
    out.push_str(&between(&tag[from..]));
    (out, names_secret)
}

/// The text between the values of a tag: in a broken one, that can be markup of another spelling.
fn between(text: &str) -> Cow<'_, str> {
    if text.contains(['<', '&']) { Cow::Owned(redact(text)) } else { Cow::Borrowed(text) }
}

struct Attribute<'a> {
    name: &'a str,
    value: &'a str,
    at: usize,
}

fn attributes(tag: &str) -> Vec<Attribute<'_>> {
    let mut found = Vec::new();
    let mut from = name_of(tag).len();
    while let Some(equals) = tag[from..].find('=').map(|at| from + at) {
        let before = tag[from..equals].trim_end();
        let name = &before[before
            .rfind(|c| !is_name_character(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8))..];
        from = equals + 1;
        if let Some(value) = value_in_quotes(&tag[from..]) {
            found.push(Attribute { name, value: value.text, at: from + value.begin });
            from += value.end_quote + 1;
        }
    }
    found
}

/// A value in quotes behind an equals sign.
struct Quoted<'a> {
    text: &'a str,
    begin: usize,
    end_quote: usize,
}

fn value_in_quotes(text: &str) -> Option<Quoted<'_>> {
    let blanks = text.len() - text.trim_start().len();
    let quote = text[blanks..].chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let begin = blanks + 1;
    let end_quote = begin + text[begin..].find(quote)?;
    Some(Quoted { text: &text[begin..end_quote], begin, end_quote })
}

/// Tells whether something of this name is likely to be secret.
pub(super) fn promises_secret(name: &str) -> bool {
    let name = name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase();
    if HARMLESS.iter().any(|start| name.starts_with(start)) {
        return false;
    }
    PARTS.iter().any(|part| name.contains(part)) || ENDS.iter().any(|end| name.ends_with(end))
}

/// How names begin that only sound secret: the rules and dates of a user's password, which say whether it is
/// locked, and not what it is.
const HARMLESS: [&str; 3] = ["passwordcredentials", "pincredentials", "pwdcred"];

const PARTS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "credential",
    "token",
    "cookie",
    "psk",
    "wepkey",
    "community",
    "authenticationstring",
];

const ENDS: [&str; 4] = ["pin", "key", "authstring", "authcode"];

/// Texts that are removed everywhere: a server's error page can show what it was sent.
#[derive(Default)]
pub(super) struct SecretScrubber(Vec<Zeroizing<String>>);

impl std::fmt::Debug for SecretScrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hidden({})", self.0.len())
    }
}

impl SecretScrubber {
    /// Adds a text. A short one is left out: it is part of harmless words too, and a gap in these would tell
    /// what it is.
    pub(super) fn add(&mut self, secret: &str) {
        if secret.chars().count() < SHORTEST {
            return;
        }
        let escaped = quick_xml::escape::escape(secret).into_owned();
        let in_url: String = secret.bytes().map(percent).collect();
        let quoted = Zeroizing::new(serde_json::to_string(secret).unwrap_or_default());
        let quoted = quoted.trim_matches('"').to_owned();
        for form in [secret.to_owned(), escaped, in_url, quoted].map(Zeroizing::new) {
            if !self.0.contains(&form) {
                self.0.push(form);
            }
        }
    }

    /// Returns the text without any of them.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), HIDDEN);
            }
        }
        text
    }
}

fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-_.~*".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// The shortest text that is looked for everywhere, in characters.
const SHORTEST: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_are_blanked_by_name() {
        for (given, expected) in [
            ("<password>a</password>", "<password>(hidden)</password>"),
            ("<x:Password a=\"1\">a</x:Password>b", "<x:Password a=\"1\">(hidden)</x:Password>b"),
            ("<password/><user>a</user>", "<password/><user>a</user>"),
            ("<password></password>", "<password></password>"),
            ("<adminPassword>a<b>c</b></adminPassword>", "<adminPassword>(hidden)</adminPassword>"),
            ("<sshPwd>a</sshPwdX>b</sshPwd>c", "<sshPwd>(hidden)</sshPwd>c"),
            ("<pin>1", "<pin>(hidden)"),
            ("&lt;sshPwd&gt;a&lt;/sshPwd&gt;b", "&lt;sshPwd&gt;(hidden)&lt;/sshPwd&gt;b"),
            ("<![CDATA[<sshPwd>a</sshPwd>]]>", "<![CDATA[<sshPwd>(hidden)</sshPwd>]]>"),
            ("<a wepKey1='x' b='y'/>", "<a wepKey1='(hidden)' b='y'/>"),
            ("<p name=\"sshPwd\" value=\"x\"/>", "<p name=\"sshPwd\" value=\"(hidden)\"/>"),
            ("<p name=\"sshPwd\">x</p>", "<p name=\"sshPwd\">(hidden)</p>"),
            ("<a b=\">\" password=\"x>y\">z</a>", "<a b=\">\" password=\"(hidden)\">z</a>"),
            (
                "<passwordCredentials><pwdCredLocked>true</pwdCredLocked></passwordCredentials>",
                "<passwordCredentials><pwdCredLocked>true</pwdCredLocked></passwordCredentials>",
            ),
            ("1 < 2 && <name>x</name>", "1 < 2 && <name>x</name>"),
            ("it's < 2' <pin>x</pin>", "it's < 2' <pin>(hidden)</pin>"),
            ("<a b='x><pin>1</pin>", "<a b='x><pin>(hidden)</pin>"),
            ("<a b=\"<pin>1</pin>\"/>", "<a b=\"<pin>(hidden)</pin>\"/>"),
            ("<a b=\"&lt;pin&gt;1&lt;/pin&gt;\"/>", "<a b=\"&lt;pin&gt;(hidden)&lt;/pin&gt;\"/>"),
        ] {
            assert_eq!(redact(given), expected);
        }
    }

    #[test]
    fn literals_of_statements_about_secrets_are_blanked() {
        for (sql, shown) in [
            (
                "update enduser set password='X' where userid like 'a'",
                "update enduser set password=(hidden) where userid like (hidden)",
            ),
            ("select 1 from t where pin = 4711", "select (hidden) from t where pin = (hidden)"),
            ("where Password like \"X%\"", "where Password like (hidden)"),
            ("'it''s X' = credentials", "(hidden)(hidden) = credentials"),
            (
                "set credentials = &apos;X&#39;, b = &#x22;X\"",
                "set credentials = (hidden), b = (hidden)",
            ),
            ("set p&#97;ssword = 'X", "set password = (hidden)"),
            ("pin &lt; 'X&lt;'", "pin &lt; (hidden)"),
            ("/* ' */ pin = 'X'", "(hidden)"),
            ("pin = &x;X", "(hidden)"),
            ("<![CDATA[set pin='X']]>", "&lt;![CDATA[set pin=(hidden)]]&gt;"),
            ("select 'a' from device where b &lt; 1", "select 'a' from device where b &lt; 1"),
        ] {
            let text = format!("<a:sql>{sql}</a:sql><b>X</b>");
            assert_eq!(redact(&text), format!("<a:sql>{shown}</a:sql><b>X</b>"));
        }
        let inside = "&lt;sql&gt;pin = &amp;apos;X&amp;apos;&lt;/sql&gt;<sql/>b";
        assert_eq!(redact(inside), "&lt;sql&gt;pin = (hidden)&lt;/sql&gt;<sql/>b");
    }

    #[test]
    fn values_in_bodies_without_markup_are_blanked_by_name() {
        for (body, shown) in [
            ("user=a&password=X y&b=c", "user=a&password=(hidden)&b=c"),
            ("a b\nset Password = 'X' or 'X'\nc", "a b\nset Password =(hidden)\nc"),
            ("{\"user\": \"a\", \"sshPwd\": \"X\"}", "{\"user\": \"a\", \"sshPwd\":(hidden)"),
            ("password=&user=a:b", "password=&user=a:b"),
        ] {
            assert_eq!(redact_pairs(body), shown);
        }
    }

    #[test]
    fn ordinary_names_are_left_alone() {
        for name in
            ["name", "userid", "webAccess", "phoneSuite", "uuid", "pkid", "sshUserId", "Status"]
        {
            assert!(!promises_secret(name), "{name}");
        }
        let names =
            ["password", "digestCredentials", "ns:pin", "wlanProfile1Key", "unlockPwd", "PASSWORD"];
        assert!(names.into_iter().all(promises_secret));
    }

    #[test]
    fn known_secrets_are_hidden_in_every_spelling() {
        let mut hidden = SecretScrubber::default();
        hidden.add("ge<he&im 1");
        hidden.add("cisco");
        let text = "ge<he&im 1 ge&lt;he&amp;im 1 ge%3Che%26im%201 www.cisco.com";
        assert_eq!(hidden.hide(text), "(hidden) (hidden) (hidden) www.cisco.com");
        assert_eq!(format!("{hidden:?}"), "Hidden(3)");
    }

    #[test]
    fn hostile_markup_takes_no_longer_than_other() {
        // Each of these tags is without an end; looking for one to the end of the text would take hours.
        for part in ["&lt;a", "<a b='", "<a b=\"x", "&amp;lt;pi ", "<pin/", "=", "<sql>"] {
            let text = part.repeat(400_000 / part.len());
            assert!(redact(&text).len() >= text.len() / 2, "{part}");
            assert_eq!(redact_pairs(&text).len(), text.len(), "{part}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*|[<>&;/\"'=a-z!?\\[\\]ü ]*") {
            let once = redact(&text);
            prop_assert!(once.len() <= text.len() + HIDDEN.len() * (text.len() + 1));
        }

        #[test]
        fn a_secret_never_survives(
            before in "[<>&;/\"'=a-z ]{0,12}",
            after in "[<>&;/\"'=a-z ]{0,12}",
            name in "(sshPwd|x:password|adminPassword)",
            secret in "[A-Z0-9]{9,20}",
            way in 0_usize..3,
        ) {
            let Brackets { open, close } = WAYS[way];
            let text = format!("{before}{open}{name}{close}{secret}{open}/{name}{close}{after}");
            let shown = redact(&text);
            prop_assert!(!shown.contains(&secret), "{}", shown);
        }

        #[test]
        fn text_without_secrets_stays(text in "[A-Z0-9 ü<>/]{0,40}") {
            prop_assume!(!["KEY", "PIN", "PWD", "PSK"].iter().any(|name| text.contains(name)));
            prop_assert_eq!(redact(&text), text);
        }
    }
}
