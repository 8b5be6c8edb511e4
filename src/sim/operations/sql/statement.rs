//! Turns a statement of Informix into one of SQLite.
//!
//! Only what differs is changed: `skip` and `first` go from the front of a query to its end, a text in double quotes is
//! a text and no identifier, `matches` becomes `glob`, `x::type` becomes a call. What only SQLite has is a syntax error;
//! what Informix has and the translation does not is refused by name.

use std::collections::HashSet;

use super::conversion::{converted, opening, tables_of};
use super::functions::{AGGREGATES, ONE, Refusal};
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

pub(super) fn syntax_error() -> SoapFault {
    Refusal::Syntax.into()
}

/// A column of a table that the statement does not name.
pub(super) fn no_column(name: &str) -> SoapFault {
    let message =
        format!("Column ({name}) not found in any table in the query (or SLV is undefined).");
    SoapFault::server(-217, message)
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

/// Refuses numbers that only SQLite has, and texts that are no operand: without `DELIMIDENT` a name is never quoted.
fn check_literals(tokens: &[String]) -> Result<(), SoapFault> {
    for (at, token) in tokens.iter().enumerate() {
        let [before, number] = [1, 2].map(|back| {
            at.checked_sub(back).and_then(|at| tokens.get(at)).map_or("", String::as_str)
        });
        if token.starts_with('\'') {
            let is_count = ["first", "limit", "skip"].contains(&number);
            let is_operand =
                before == ")" || before == "]" || before == "as" || before.starts_with('\'');
            if is_operand || (is_word(before) && !is_keyword(before) && !is_count) {
                return Err(syntax_error());
            }
        }
        if token.starts_with(|c: char| c.is_ascii_digit()) {
            match token.parse::<f64>() {
                Ok(number) if number.is_finite() && number < 1e126 => {
                    let digits = token.bytes().filter(u8::is_ascii_digit).count();
                    if digits > 16 && token.parse::<i64>().is_err() {
                        return Err(SoapFault::cannot("numbers of more than 16 digits"));
                    }
                }
                Ok(_) => return Err(Refusal::TooLarge.into()),
                Err(_) => return Err(syntax_error()),
            }
        }
    }
    Ok(())
}

/// Refuses a comparison where no condition is: SQLite makes a number of it.
fn check_comparisons(tokens: &[String]) -> Result<(), SoapFault> {
    let is_update = tokens.first().is_some_and(|token| token == "update");
    let assigned = if is_update { tokens.iter().position(|t| t == "where") } else { Some(0) };
    let from = assigned.unwrap_or(tokens.len());
    // Whether a comparison may be here: at each open parenthesis, and in each open `case`.
    let mut levels = vec![is_update];
    for (at, token) in tokens.iter().enumerate().skip(from) {
        let before = if at > 0 { tokens[at - 1].as_str() } else { "" };
        let last = levels.last().copied().unwrap_or_default();
        let mut set = |is_condition: bool| {
            if let Some(last) = levels.last_mut() {
                *last = is_condition;
            }
        };
        match token.as_str() {
            "where" | "on" | "having" | "when" => set(true),
            "select" | "then" | "else" | "from" | "order" | "group" | "union" => set(false),
            // The comma in `name[1,3]` is none.
            "," if at < 2 || tokens[at - 2] != "[" => set(false),
            "(" => {
                let begins =
                    ["where", "on", "having", "when", "and", "or", "not", "("].contains(&before);
                levels.push(last && begins);
            }
            ")" => {
                let was_condition = levels.pop().unwrap_or_default();
                let next = tokens.get(at + 1).map_or("", String::as_str);
                let compared =
                    COMPARISONS.contains(&next) || ["+", "-", "*", "/", "||"].contains(&next);
                let open = opening(tokens, at, "(", ")");
                let is_condition = was_condition && check_condition(&tokens[open + 1..at]).is_ok();
                if is_condition && compared {
                    return Err(syntax_error());
                }
            }
            "case" => levels.push(false),
            "end" => drop(levels.pop()),
            word if COMPARISONS.contains(&word) && !last => return Err(syntax_error()),
            _ => {}
        }
    }
    Ok(())
}

/// Refuses a condition that compares nothing: SQLite takes any value for one.
fn check_conditions(tokens: &[String]) -> Result<(), SoapFault> {
    for (at, token) in tokens.iter().enumerate() {
        if ["where", "on", "having"].contains(&token.as_str())
            || (token == "when" && at > 0 && tokens[at - 1] == "case")
        {
            let rest = &tokens[at + 1..];
            let mut level = 0_usize;
            let end = rest.iter().position(|token| match token.as_str() {
                "(" => {
                    level += 1;
                    false
                }
                ")" if level == 0 => true,
                ")" => {
                    level -= 1;
                    false
                }
                word => level == 0 && CLAUSES.contains(&word),
            });
            check_condition(&rest[..end.unwrap_or(rest.len())])?;
        }
    }
    Ok(())
}

fn check_condition(tokens: &[String]) -> Result<(), SoapFault> {
    let outside = top_level(tokens);
    let mut start = 0;
    let mut is_between = false;
    let mut cases = 0_usize;
    let mut parts = Vec::new();
    for &at in &outside {
        match tokens[at].as_str() {
            "case" => cases += 1,
            "end" => cases = cases.saturating_sub(1),
            _ if cases > 0 => {}
            "between" => is_between = true,
            "and" if is_between => is_between = false,
            "and" | "or" => {
                parts.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tokens[start..]);
    for part in parts {
        let part = part.strip_prefix(&["not".to_owned()]).unwrap_or(part);
        let compares = top_level(part).iter().any(|&at| COMPARISONS.contains(&part[at].as_str()));
        match part {
            _ if compares => {}
            [open, inside @ .., _] if open == "(" && closing(part, 0) == Some(part.len() - 1) => {
                if inside.first().is_some_and(|token| token == "select") {
                    return Err(syntax_error());
                }
                check_condition(inside)?;
            }
            [name] if is_word(name) && !name.starts_with(|c: char| c.is_ascii_digit()) => {
                return Err(SoapFault::cannot(&format!(
                    "the condition {name} without a comparison"
                )));
            }
            _ => return Err(syntax_error()),
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
        ("decimal", [_, scale]) => ("round ( _sim_number (", format!("), {scale})")),
        ("boolean" | "lvarchar" | "nvarchar" | "varchar", []) => ("cast (", "as text)".to_owned()),
        ("char" | "nchar", []) => ("substr (", ", 1, 1)".to_owned()),
        ("char" | "lvarchar" | "nchar", [size]) | ("nvarchar" | "varchar", [size] | [size, _]) => {
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

/// Returns an alias of a selected column that `where` uses: there is no such column yet.
fn alias_in_condition(tokens: &[String]) -> Option<&str> {
    let outside = top_level(tokens);
    let place = |word: &str| outside.iter().copied().find(|&at| tokens[at] == word);
    let (from, begin) = (place("from")?, place("where")?);
    let ends = ["group", "having", "order"].into_iter().filter_map(place);
    let condition = begin + 1..ends.min().unwrap_or(tokens.len()).max(begin + 1);
    let aliases: HashSet<&str> = split(&tokens[..from])
        .into_iter()
        .filter_map(|item| match item {
            [.., word, alias] if word == "as" => Some(alias.as_str()),
            [.., before, alias] if before == ")" || (is_word(before) && !is_keyword(before)) => {
                Some(alias.as_str())
            }
            _ => None,
        })
        .collect();
    let tables = tables_of(tokens);
    let is_column = |name: &str| {
        let mut columns = tables.iter().flat_map(|(_, columns)| columns.split(", "));
        columns.any(|column| column.split(' ').next() == Some(name))
    };
    let at = |at: usize| tokens.get(at).map_or("", String::as_str);
    let names = condition.filter(|&place| aliases.contains(at(place)));
    let names = names.filter(|&place| at(place - 1) != "." && ![".", "("].contains(&at(place + 1)));
    names.map(at).find(|name| !is_column(name))
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

fn is_word_character(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub(super) fn is_word(token: &str) -> bool {
    token.starts_with(is_word_character)
}

pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
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

/// Words behind a condition.
const CLAUSES: [&str; 14] = [
    "then", "cross", "full", "group", "having", "inner", "join", "left", "on", "order", "right",
    "union", "where", ",",
];

/// What makes a condition of values.
const COMPARISONS: [&str; 13] =
    ["=", "<>", "!=", "<", ">", "<=", ">=", "between", "exists", "in", "is", "like", "matches"];

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
