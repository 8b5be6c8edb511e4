//! Turns a statement of Informix into one of SQLite.
//!
//! Only what differs is changed: `skip` and `first` go from the front of a query to its end, a text in double quotes is
//! a text and no identifier, `matches` becomes `glob`, `x::type` becomes a call. What only SQLite has is a syntax error;
//! what Informix has and the translation does not is refused by name.

use std::collections::HashSet;

use super::conditions::{
    COMPARISONS, alias_in_condition, check_comparisons, check_conditions, check_literals,
};
use super::conversion::converted;
use super::functions::{AGGREGATES, ONE, no_column, syntax_error};
use super::tables;
use super::tokens::{closing, is_keyword, is_word, split, tokens, top_level};
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
        Ok(Self { sql: joined(&query(&converted(&tokens))?)?, tokens })
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
            Some(word) => return Err(SoapFault::cannot(&word.to_uppercase())),
            None => return Err(syntax_error()),
        }
        if tokens.get(1).is_some_and(|token| token == "or") {
            return Err(syntax_error());
        }
        Ok(Self { sql: joined(&translated(&converted(&tokens))?)?, tokens })
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

/// Splits a statement into its tokens, without a semicolon at its end.
fn statement(text: &str) -> Result<Vec<String>, SoapFault> {
    if text.len() > LONGEST {
        return Err(SoapFault::cannot(&format!("statements of more than {} KB", LONGEST / 1024)));
    }
    let mut tokens = tokens(text).ok_or_else(syntax_error)?;
    check_levels(&tokens)?;
    let mut level = 0_usize;
    for token in &tokens {
        match token.as_str() {
            "(" => level += 1,
            ")" => level = level.checked_sub(1).ok_or_else(syntax_error)?,
            _ => {}
        }
    }
    if level > 0 {
        return Err(syntax_error());
    }
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
        if token == "all" && COMPARISONS.contains(&before) {
            return Err(SoapFault::cannot("ALL"));
        }
        let next = tokens.get(at + 1).map_or("", String::as_str);
        if token == "for" && ["read", "update"].contains(&next) {
            return Err(SoapFault::cannot(&format!("FOR {}", next.to_uppercase())));
        }
        if token == "distinct" && ["is", "not"].contains(&before) {
            return Err(syntax_error());
        }
        if ["rowid", "oid", "_rowid_"].contains(&token.as_str()) {
            return Err(SoapFault::cannot(&format!("column {token}")));
        }
        if token.starts_with("_sim_") {
            return Err(SoapFault::cannot(&format!("function {token}")));
        }
        if before != "." && CANNOT.contains(&token.as_str()) {
            return Err(SoapFault::cannot(&token.to_uppercase()));
        }
    }
    check_literals(&tokens)?;
    check_conditions(&tokens)?;
    check_comparisons(&tokens)?;
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
        if let Some(alias) = alias_in_condition(&rest[start..end]) {
            return Err(no_column(alias));
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
                let inside = query(&tokens[at..end])?;
                if is_value(tokens, at - 1) {
                    out.extend(
                        ["with", "_sim_rows", "(", "v", ")", "as", "("].map(str::to_owned).into(),
                    );
                    out.extend(inside);
                    let value = [")", "select", ONE, "(", "v", ")", "from", "_sim_rows"];
                    out.extend(value.map(str::to_owned).into());
                } else {
                    out.extend(inside);
                }
                at = end;
            }
            "cast" if next == "(" => {
                let end = closing(tokens, at).ok_or_else(syntax_error)?;
                let word = tokens[at..end].iter().rposition(|token| token == "as");
                let word = at + word.ok_or_else(syntax_error)?;
                let start = out.len();
                out.push("(".to_owned());
                out.extend(translated(&tokens[at + 1..word])?);
                out.push(")".to_owned());
                let (begin, finish, behind) = conversion(&tokens[word + 1..end])?;
                if word + 1 + behind != end {
                    return Err(syntax_error());
                }
                out.call(start, begin, finish);
                at = end + 1;
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
                let (begin, finish, behind) = conversion(&tokens[at..])?;
                at += behind;
                out.call(start, begin, finish);
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

/// Returns whether the query in these parentheses stands for a value: it is no table of `from`, and not that of `in`.
fn is_value(tokens: &[String], open: usize) -> bool {
    let before = if open > 0 { tokens[open - 1].as_str() } else { "" };
    if ["all", "exists", "from", "in", "join", "union"].contains(&before) {
        return false;
    }
    let mut level = 0_usize;
    let clause = tokens[..open].iter().rev().find(|token| {
        match token.as_str() {
            ")" => level += 1,
            "(" if level == 0 => return true,
            "(" => level -= 1,
            word => {
                return level == 0
                    && ["from", "group", "on", "select", "set", "where"].contains(&word);
            }
        }
        false
    });
    clause.is_none_or(|clause| clause != "from")
}

/// Returns what goes before and behind a value of which a type is made, and how many tokens the type has.
fn conversion(tokens: &[String]) -> Result<(&'static str, String, usize), SoapFault> {
    let Some(name) = tokens.first() else { return Err(syntax_error()) };
    let cannot = || SoapFault::cannot(&format!("the type {name}"));
    let mut behind = 1;
    let mut sizes = Vec::new();
    if tokens.get(1).is_some_and(|token| token == "(") {
        let end = closing(tokens, 1).ok_or_else(syntax_error)?;
        behind = end + 1;
        let read = |size: &[String]| match size {
            [size] => size.parse::<u16>().map_err(|_no_number| syntax_error()),
            _ => Err(syntax_error()),
        };
        sizes = split(&tokens[2..end]).into_iter().map(read).collect::<Result<_, _>>()?;
    }
    let (begin, finish) = match (name.as_str(), sizes.as_slice()) {
        ("bigint" | "int8", []) => (INTEGER_OF, format!(", {})", i64::MAX)),
        ("int" | "integer", []) => (INTEGER_OF, format!(", {})", i32::MAX)),
        ("smallint", []) => (INTEGER_OF, format!(", {})", i16::MAX)),
        ("decimal" | "float", [] | [_]) => ("_sim_number (", ")".to_owned()),
        ("decimal", [digits @ 1..=32, scale]) if scale <= digits => {
            ("_sim_decimal (", format!(", {digits}, {scale})"))
        }
        ("boolean", []) => ("_sim_boolean (", ")".to_owned()),
        ("lvarchar" | "nvarchar" | "varchar", []) => ("cast (", "as text)".to_owned()),
        ("char" | "nchar", []) => ("_sim_char (", ", 1)".to_owned()),
        ("char" | "nchar", [size @ 1..=u16::MAX]) => ("_sim_char (", format!(", {size})")),
        ("lvarchar", [size]) | ("nvarchar" | "varchar", [size] | [size, _]) => {
            ("substr (", format!(", 1, {size})"))
        }
        _ => return Err(cannot()),
    };
    Ok((begin, finish, behind))
}

const INTEGER_OF: &str = "_sim_integer (";

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
                if self.last().is_some_and(|word| is_word(word) && !is_keyword(word)) {
                    self.tokens[at - 1].start
                } else {
                    at
                }
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

    fn len(&self) -> usize {
        self.tokens.len()
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

/// Words and characters that mean something to SQLite only: its own operators and clauses, parameters, quotes of
/// identifiers, further statements.
const NOT_INFORMIX: [&str; 25] = [
    "%",
    "&",
    "|",
    "~",
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
const CANNOT: [&str; 19] = [
    "any", "some", "both", "connect", "current", "datetime", "extend", "interval", "lateral",
    "leading", "merge", "minus", "multiset", "sysdate", "temp", "today", "trailing", "units",
    "with",
];

/// How many bytes a statement can have, and how many levels of parentheses.
const LONGEST: usize = 64 * 1024;
const LEVELS: usize = 64;
