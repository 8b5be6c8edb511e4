//! Turns a statement of Informix into one of SQLite.
//!
//! Only what differs is changed: `skip` and `first` go from the front of a query to its end, a text in double quotes is
//! a text and no identifier, `matches` becomes `glob`, `x::type` becomes `cast`. What only SQLite has is a syntax error;
//! what Informix has and the translation does not is refused by name.

use std::collections::HashSet;

use super::functions::AGGREGATES;
use super::tables;
use crate::sim::fault::SoapFault;

pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) tokens: Vec<String>,
}

impl Statement {
    /// Translates a query.
    pub(super) fn query(text: &str) -> Result<Self, SoapFault> {
        let tokens = statement(text)?;
        match tokens.first().map(String::as_str) {
            Some("select") => {}
            Some(word @ ("call" | "execute")) => {
                return Err(SoapFault::cannot(&word.to_uppercase()));
            }
            Some(_) | None => return Err(syntax_error()),
        }
        Ok(Self { sql: joined(&query(&tokens)?)?, tokens })
    }

    /// Translates an `insert`, `update` or `delete`.
    pub(super) fn update(text: &str) -> Result<Self, SoapFault> {
        let mut tokens = statement(text)?;
        match tokens.first().map(String::as_str) {
            Some("insert" | "update") => {}
            // Without a condition SQLite empties the table, and does not name the rows.
            Some("delete") if !tokens.iter().any(|token| token == "where") => {
                tokens.extend(["where", "1", "=", "1"].map(str::to_owned));
            }
            Some("delete") => {}
            Some(_) | None => return Err(SoapFault::cannot("this update")),
        }
        if tokens.get(1).is_some_and(|token| token == "or") {
            return Err(syntax_error());
        }
        Ok(Self { sql: joined(&translated(&tokens)?)?, tokens })
    }

    /// Returns the words between `select` and `from`.
    pub(super) fn selected(&self) -> &[String] {
        self.tokens.split(|token| token == "from").next().unwrap_or_default()
    }

    /// Returns the table of which this is the name or the alias.
    pub(super) fn table_of<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let at = |at: usize| self.tokens.get(at).map_or("", String::as_str);
        let places = (0..self.tokens.len()).filter(|&place| at(place) == name);
        let mut tables = places.filter_map(|place| {
            let before = if place > 0 { at(place - 1) } else { "" };
            match before {
                "from" | "join" | "," | "update" | "into" if at(place + 1) != "." => Some(name),
                "as" if place > 1 => Some(at(place - 2)),
                _ => is_word(before).then_some(before),
            }
        });
        tables.find(|table| tables::columns(table).is_some())
    }
}

pub(super) fn syntax_error() -> SoapFault {
    SoapFault::server(-201, "A syntax error has occurred.")
}

/// Splits a statement into its tokens, without a semicolon at its end.
fn statement(text: &str) -> Result<Vec<String>, SoapFault> {
    if text.len() > LONGEST {
        return Err(SoapFault::cannot(&format!("statements of more than {} KB", LONGEST / 1024)));
    }
    let mut tokens = tokens(text).ok_or_else(syntax_error)?;
    check_levels(&tokens)?;
    tokens.pop_if(|token| token == ";");
    if let Some(at) = (0..tokens.len()).find(|&at| NOT_INFORMIX.contains(&&*tokens[at])) {
        let limit = tokens[at] == "limit" && at > 0 && tokens[at - 1] == "select";
        let values = tokens[at] == "values" && tokens[0] == "insert";
        if !limit && !values {
            return Err(syntax_error());
        }
    }
    for (at, token) in tokens.iter().enumerate() {
        let before = if at > 0 { tokens[at - 1].as_str() } else { "" };
        if token == "outer" && !["full", "left", "right"].contains(&before) {
            return Err(SoapFault::cannot("outer joins in the old notation"));
        }
        if before != "." && CANNOT.contains(&token.as_str()) {
            return Err(SoapFault::cannot(&token.to_uppercase()));
        }
    }
    Ok(tokens)
}

/// Refuses parentheses inside parentheses beyond the limit: the translation and SQLite need stack for each level.
fn check_levels(tokens: &[String]) -> Result<(), SoapFault> {
    let mut level = 0_usize;
    for token in tokens.iter().filter(|token| !token.starts_with('\'')) {
        level = (level + token.matches('(').count()).saturating_sub(token.matches(')').count());
        if level > LEVELS {
            return Err(SoapFault::cannot(&format!("more than {LEVELS} levels of parentheses")));
        }
    }
    Ok(())
}

/// Returns the text of a translated statement. Each cast has added a level.
fn joined(tokens: &[String]) -> Result<String, SoapFault> {
    check_levels(tokens)?;
    Ok(tokens.join(" "))
}

/// Translates a query, which may be one inside of another.
fn query(tokens: &[String]) -> Result<Vec<String>, SoapFault> {
    let mut rest = tokens.get(1..).unwrap_or_default();
    let mut number = |words: &[&str]| {
        let [word, number, after @ ..] = rest else { return Ok(None) };
        if !words.contains(&word.as_str()) {
            return Ok(None);
        }
        rest = after;
        number.parse::<u32>().map(Some).map_err(|_no_number| syntax_error())
    };
    let skip = number(&["skip"])?;
    let first = number(&["first", "limit"])?;
    if !rest.iter().any(|token| token == "from") {
        return Err(syntax_error());
    }
    let unions = top_level(rest).into_iter().filter(|&at| rest[at] == "union");
    let mut start = 0;
    for end in unions.chain([rest.len()]) {
        if let Some(column) = ungrouped(&rest[start..end]) {
            let message = format!("The column ({column}) must be in the GROUP BY list.");
            return Err(SoapFault::server(-294, message));
        }
        start = end + 1;
    }
    let mut out = vec!["select".to_owned()];
    out.extend(translated(rest)?);
    if skip.is_some() || first.is_some() {
        let first = first.map_or(-1, i64::from);
        out.push(format!("limit {first} offset {}", skip.unwrap_or(0)));
    }
    Ok(out)
}

fn translated(tokens: &[String]) -> Result<Vec<String>, SoapFault> {
    let mut out = Output::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1).map_or("", String::as_str);
        at += 1;
        match token.as_str() {
            "(" if next == "select" => {
                let end = closing(tokens, at - 1).ok_or_else(syntax_error)?;
                out.push("(".to_owned());
                out.extend(query(&tokens[at..end])?);
                at = end;
            }
            "substring" if next == "(" => {
                let end = closing(tokens, at).ok_or_else(syntax_error)?;
                let commas = tokens[at..end].iter().map(|token| match token.as_str() {
                    "from" | "for" => ",".to_owned(),
                    _ => token.clone(),
                });
                let commas: Vec<String> = commas.skip(1).collect();
                out.push("substr".to_owned());
                out.push("(".to_owned());
                out.extend(translated(&commas)?);
                at = end;
            }
            "::" => {
                let start = out.operand().ok_or_else(syntax_error)?;
                let known = TYPES.iter().find(|(name, _)| *name == next);
                let (_, known) =
                    known.ok_or_else(|| SoapFault::cannot(&format!("the type {next}")))?;
                at += 1;
                if tokens.get(at).is_some_and(|token| token == "(") {
                    at = closing(tokens, at).ok_or_else(syntax_error)? + 1;
                }
                out.call(start, "cast (", format!("as {known})"));
            }
            // A part of a text: its first and its last character.
            "[" => {
                let start = out.operand().ok_or_else(syntax_error)?;
                let [from, comma, to, end, ..] = &tokens[at..] else { return Err(syntax_error()) };
                let (Ok(from), Ok(to)) = (from.parse::<u16>(), to.parse::<u16>()) else {
                    return Err(syntax_error());
                };
                if comma != "," || end != "]" || from == 0 || to < from {
                    return Err(syntax_error());
                }
                at += 4;
                out.call(start, "substr (", format!(", {from}, {})", to - from + 1));
            }
            "boolean" if out.last() == Some("as") => {
                out.push("text".to_owned());
            }
            word => out.push(match word {
                "matches" => "glob".to_owned(),
                "unique" => "distinct".to_owned(),
                "true" => "'t'".to_owned(),
                "false" => "'f'".to_owned(),
                _ => word.to_owned(),
            }),
        }
    }
    Ok(out.finish())
}

/// The translated tokens, with the place where each operand begins: a name, a literal, a call or an expression in
/// parentheses.
#[derive(Default)]
struct Output {
    tokens: Vec<OutputToken>,
    /// Where the parentheses are that are open.
    open: Vec<usize>,
}

struct OutputToken {
    text: String,
    /// Where the operand begins that this token ends.
    start: usize,
    /// The calls that begin before this token, the inner ones first.
    calls: Vec<&'static str>,
}

impl Output {
    fn push(&mut self, text: String) {
        let at = self.tokens.len();
        let start = match text.as_str() {
            "(" => {
                self.open.push(at);
                if self.last().is_some_and(is_word) { self.tokens[at - 1].start } else { at }
            }
            ")" => self.open.pop().map_or(at, |open| self.tokens[open].start),
            _ if at > 1 && self.last() == Some(".") => self.tokens[at - 2].start,
            _ => at,
        };
        self.tokens.push(OutputToken { text, start, calls: Vec::new() });
    }

    /// Adds tokens that are translated already.
    fn extend(&mut self, texts: Vec<String>) {
        let start = self.tokens.len();
        let token = |text| OutputToken { text, start, calls: Vec::new() };
        self.tokens.extend(texts.into_iter().map(token));
    }

    /// Makes the operand that begins at `start`, and ends here, the first argument of a call.
    fn call(&mut self, start: usize, begin: &'static str, end: String) {
        self.tokens[start].calls.push(begin);
        self.tokens.push(OutputToken { text: end, start, calls: Vec::new() });
    }

    fn operand(&self) -> Option<usize> {
        self.tokens.last().map(|token| token.start)
    }

    fn last(&self) -> Option<&str> {
        self.tokens.last().map(|token| token.text.as_str())
    }

    fn finish(self) -> Vec<String> {
        let mut out = Vec::with_capacity(self.tokens.len());
        for token in self.tokens {
            out.extend(token.calls.into_iter().rev().map(str::to_owned));
            out.push(token.text);
        }
        out
    }
}

/// Returns a column of a query that is selected beside aggregates, or from groups, and is not grouped by.
fn ungrouped(tokens: &[String]) -> Option<&str> {
    let outside = top_level(tokens);
    let clause = |begin: &str, ends: &[&str]| {
        let begin = outside.iter().position(|&at| tokens[at] == begin)?;
        let end = outside[begin..].iter().find(|&&at| ends.contains(&tokens[at].as_str()));
        Some(&tokens[outside[begin] + 1..end.copied().unwrap_or(tokens.len())])
    };
    let from = outside.iter().copied().find(|&at| tokens[at] == "from")?;
    let words = ["all", "distinct", "select", "unique"];
    let begin = tokens.iter().take_while(|token| words.contains(&token.as_str())).count();
    let items = split(tokens.get(begin..from)?);
    let aggregates = |item: &[String]| {
        let calls = top_level(item);
        calls.iter().any(|&at| {
            AGGREGATES.contains(&item[at].as_str()) && item.get(at + 1).is_some_and(|t| t == "(")
        })
    };
    let groups = clause("group", &["having", "order"]).map(|by| split(by.get(1..).unwrap_or(by)));
    if groups.is_none() && !items.iter().any(|item| aggregates(item)) {
        return None;
    }
    let groups = groups.unwrap_or_default();
    let groups: HashSet<&str> = groups.iter().filter_map(|g| Some(g.last()?.as_str())).collect();
    let grouped = |name: &str| groups.contains(name);
    items.iter().enumerate().find_map(|(place, item)| {
        let (column, alias) = match item {
            [column] => (column, column),
            [_, dot, column] if dot == "." => (column, column),
            [column, alias] => (column, alias),
            [column, word, alias] if word == "as" => (column, alias),
            [_, dot, column, alias] if dot == "." => (column, alias),
            [_, dot, column, word, alias] if dot == "." && word == "as" => (column, alias),
            _ => return None,
        };
        let named = is_word(column) && !column.starts_with(|c: char| c.is_ascii_digit());
        let by_place = grouped(&(place + 1).to_string());
        (named && !grouped(column) && !grouped(alias) && !by_place).then_some(column.as_str())
    })
}

/// Returns where the tokens are that no parentheses enclose.
fn top_level(tokens: &[String]) -> Vec<usize> {
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
fn split(tokens: &[String]) -> Vec<&[String]> {
    let commas = top_level(tokens).into_iter().filter(|&at| tokens[at] == ",");
    let mut start = 0;
    let mut parts = Vec::new();
    for at in commas.chain([tokens.len()]) {
        parts.push(&tokens[start..at]);
        start = at + 1;
    }
    parts
}

/// Returns where the parenthesis is closed that is opened at `open`.
fn closing(tokens: &[String], open: usize) -> Option<usize> {
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

/// Splits a statement into words in lower case, texts in single quotes, and operators; nothing where a text or a
/// comment has no end.
fn tokens(text: &str) -> Option<Vec<String>> {
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
        } else if is_word_character(c) {
            token.extend(c.to_lowercase());
            let number = c.is_ascii_digit();
            while let Some(next) =
                chars.next_if(|&next| is_word_character(next) || (number && next == '.'))
            {
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

fn is_word_character(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_word(token: &str) -> bool {
    token.starts_with(is_word_character)
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

/// Types of Informix, and what they are here.
const TYPES: [(&str, &str); 13] = [
    ("bigint", "integer"),
    ("boolean", "text"),
    ("char", "text"),
    ("decimal", "real"),
    ("float", "real"),
    ("int", "integer"),
    ("int8", "integer"),
    ("integer", "integer"),
    ("lvarchar", "text"),
    ("nchar", "text"),
    ("nvarchar", "text"),
    ("smallint", "integer"),
    ("varchar", "text"),
];

/// Words and characters that mean something to SQLite only: its own operators and clauses, parameters, quotes of
/// identifiers, further statements.
const NOT_INFORMIX: [&str; 21] = [
    "collate",
    "conflict",
    "glob",
    "indexed",
    "isnull",
    "limit",
    "match",
    "natural",
    "notnull",
    "offset",
    "pragma",
    "regexp",
    "returning",
    "values",
    "window",
    "`",
    "?",
    ":",
    "@",
    "$",
    ";",
];

/// Words of Informix that are not translated.
const CANNOT: [&str; 17] = [
    "both", "connect", "current", "datetime", "extend", "interval", "lateral", "leading", "merge",
    "minus", "multiset", "sysdate", "temp", "today", "trailing", "units", "with",
];

/// How many bytes a statement can have, and how many levels of parentheses.
const LONGEST: usize = 64 * 1024;
const LEVELS: usize = 64;
