//! Turns a SELECT statement of Informix into one of SQLite.
//!
//! Only what differs is changed: `skip` and `first` go from the front to the end, a text in double quotes is a text
//! and no identifier. What only SQLite has is refused.

pub(super) struct Statement {
    pub(super) sql: String,
    /// The words between `select` and `from`, in lower case.
    pub(super) selected: Vec<String>,
}

#[derive(Debug)]
pub(super) struct SyntaxError;

pub(super) fn translate(text: &str) -> Result<Statement, SyntaxError> {
    let mut tokens = tokens(text)?;
    while tokens.last().is_some_and(|token| token.trim().is_empty()) {
        tokens.pop();
    }
    tokens.pop_if(|token| token == ";");
    let not_informix = |token: &String| NOT_INFORMIX.contains(&token.as_str());
    let mut rest = tokens.as_slice();
    if next(&mut rest) != Some("select") {
        return Err(SyntaxError);
    }
    let skip = if take(&mut rest, &["skip"]) { number(&mut rest)? } else { 0 };
    let first = if take(&mut rest, &["first", "limit"]) { Some(number(&mut rest)?) } else { None };
    if rest.iter().any(not_informix) {
        return Err(SyntaxError);
    }
    let from = rest.iter().position(|token| token == "from").ok_or(SyntaxError)?;
    let first = first.map_or_else(|| "-1".to_owned(), |first| first.to_string());
    // The line break ends a comment.
    let sql = format!("select {}\nlimit {first} offset {skip}", rest.concat());
    Ok(Statement { sql, selected: rest[..from].to_vec() })
}

/// Splits a statement into words in lower case, texts in single quotes, and single other characters.
fn tokens(text: &str) -> Result<Vec<String>, SyntaxError> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let mut token = String::new();
        if c == '\'' || c == '"' {
            token.push('\'');
            loop {
                match chars.next() {
                    // A doubled quote is one quote.
                    Some(quote) if quote == c && chars.next_if_eq(&c).is_none() => break,
                    Some('\'') => token.push_str("''"),
                    Some(other) => token.push(other),
                    None => return Err(SyntaxError),
                }
            }
            token.push('\'');
        } else if is_word(c) {
            token.extend(c.to_lowercase());
            while let Some(next) = chars.next_if(|&next| is_word(next)) {
                token.extend(next.to_lowercase());
            }
        } else {
            token.push(c);
        }
        tokens.push(token);
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Takes the next token that is not blank.
fn next<'a>(tokens: &mut &'a [String]) -> Option<&'a str> {
    loop {
        let (token, rest) = tokens.split_first()?;
        *tokens = rest;
        if !token.trim().is_empty() {
            return Some(token);
        }
    }
}

fn take(tokens: &mut &[String], words: &[&str]) -> bool {
    let mut ahead = *tokens;
    let found = next(&mut ahead).is_some_and(|token| words.contains(&token));
    if found {
        *tokens = ahead;
    }
    found
}

fn number(tokens: &mut &[String]) -> Result<u32, SyntaxError> {
    next(tokens).and_then(|token| token.parse().ok()).ok_or(SyntaxError)
}

/// Words and characters that mean something to SQLite only: its own operators and clauses, parameters, quotes of
/// identifiers, comments that need no end, further statements.
const NOT_INFORMIX: [&str; 22] = [
    "collate", "glob", "indexed", "isnull", "limit", "match", "natural", "notnull", "offset",
    "pragma", "regexp", "values", "window", "with", "`", "[", "?", ":", "@", "$", ";", "/",
];
