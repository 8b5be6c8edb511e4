//! The tokens of a statement of Informix, and where parts of it begin and end.

/// Splits a statement into words in lower case, texts in single quotes, and operators; nothing where a text or a
/// comment has no end.
pub(super) fn tokens(text: &str) -> Option<Vec<String>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let mut token = String::new();
        if c.is_whitespace() {
            continue;
        } else if c == '{' {
            chars.by_ref().find(|&end| end == '}')?;
            continue;
        } else if c == '\'' || c == '"' {
            token.push('\'');
            loop {
                match chars.next()? {
                    // A doubled quote is one quote.
                    quote if quote == c && chars.next_if_eq(&c).is_none() => break,
                    '\'' => token.push_str("''"),
                    other => token.push(other),
                }
            }
            token.push('\'');
        } else if is_word_character(c)
            || (c == '.' && chars.peek().is_some_and(char::is_ascii_digit))
        {
            let number = c.is_ascii_digit() || c == '.';
            if c == '.' {
                token.push('0');
            }
            token.extend(c.to_lowercase());
            while let Some(next) = chars.next_if(|&next| {
                let in_number = next == '.' || (token.ends_with('e') && "+-".contains(next));
                is_word_character(next) || (number && in_number)
            }) {
                token.extend(next.to_lowercase());
            }
        } else {
            token.push(c);
            if let Some(second) = chars.next_if(|&next| PAIRS.contains(&(c, next))) {
                token.push(second);
            }
            match token.as_str() {
                "--" => {
                    chars.by_ref().find(|&end| end == '\n');
                    continue;
                }
                "/*" => {
                    while chars.by_ref().find(|&end| end == '*')? == '*'
                        && chars.next_if_eq(&'/').is_none()
                    {}
                    continue;
                }
                _ => {}
            }
        }
        tokens.push(token);
    }
    Some(tokens)
}

pub(super) fn is_word(token: &str) -> bool {
    token.starts_with(is_word_character)
}

pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

fn is_word_character(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns where the parenthesis is closed that is opened at `open`.
pub(super) fn closing(tokens: &[String], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    (open..tokens.len()).find(|&at| {
        match tokens[at].as_str() {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        depth == 0
    })
}

/// Returns where that is opened which is closed at `last`.
pub(super) fn opening(tokens: &[String], last: usize, open: &str, close: &str) -> usize {
    let mut level = 0_usize;
    let found = (0..=last).rev().find(|&at| {
        if tokens[at] == close {
            level += 1;
        } else if tokens[at] == open {
            level -= 1;
        }
        level == 0
    });
    found.unwrap_or(last)
}

/// Returns where the tokens are that no parentheses enclose.
pub(super) fn top_level(tokens: &[String]) -> Vec<usize> {
    let mut depth = 0_usize;
    let outside = |(at, token): (usize, &String)| {
        match token.as_str() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => return (depth == 0).then_some(at),
        }
        None
    };
    tokens.iter().enumerate().filter_map(outside).collect()
}

/// Splits a list at its commas.
pub(super) fn split(tokens: &[String]) -> Vec<&[String]> {
    let commas = top_level(tokens).into_iter().filter(|&at| tokens[at] == ",");
    let mut start = 0;
    let mut parts = Vec::new();
    for at in commas.chain([tokens.len()]) {
        parts.push(&tokens[start..at]);
        start = at + 1;
    }
    parts
}

/// Operators and beginnings of comments of two characters.
const PAIRS: [(char, char); 8] = [
    ('<', '='),
    ('>', '='),
    ('<', '>'),
    ('!', '='),
    ('|', '|'),
    (':', ':'),
    ('-', '-'),
    ('/', '*'),
];

/// Words that are no names.
const KEYWORDS: [&str; 54] = [
    "all", "and", "as", "asc", "between", "by", "case", "cross", "delete", "desc", "distinct",
    "else", "end", "escape", "exists", "first", "for", "from", "full", "glob", "group", "having",
    "in", "inner", "insert", "into", "is", "join", "left", "like", "limit", "matches", "not",
    "null", "on", "or", "order", "outer", "right", "select", "set", "skip", "then", "union",
    "unique", "update", "using", "values", "when", "where", "false", "true", "any", "some",
];
