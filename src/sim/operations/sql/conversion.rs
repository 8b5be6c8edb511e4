//! Puts calls into a statement where Informix converts values and SQLite does not: a text that meets a number is read
//! as a number, or refused; a division has fractions, and none by zero; blanks at the end of a `char` are not compared.

use std::collections::HashSet;
use std::ops::Range;

use super::tables;
use super::tokens::{closing, is_keyword, is_word, opening};

/// Returns the tokens of a statement with calls of [`NUMBER`], [`DIVISOR`] and [`EXACT`].
pub(super) fn converted(tokens: &[String]) -> Vec<String> {
    let (types, assignments) = (Types::new(tokens), assignments(tokens));
    let mut calls = Calls::new(tokens.len());
    // Of calls that begin at the same token, the first is the outermost: these are around whole expressions.
    for at in (0..tokens.len()).filter(|&at| is_arithmetic(tokens, at)) {
        calls.put((side_start(tokens, at), side_end(tokens, at + 1)), EXACT);
    }
    let mut fractions = vec![false; tokens.len()];
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "=" | "<>" | "!=" | "<" | ">" | "<=" | ">=" if !assignments.contains(&at) => {
                types.compare(
                    &mut calls,
                    &[(side_start(tokens, at), at), (at + 1, side_end(tokens, at + 1))],
                );
            }
            "between" => {
                let middle = side_end(tokens, at + 1);
                let high = (middle + 1, side_end(tokens, middle + 1));
                let value = (side_start(tokens, without_not(tokens, at)), without_not(tokens, at));
                types.compare(&mut calls, &[value, (at + 1, middle), high]);
            }
            "in" if tokens.get(at + 1).is_some_and(|t| t == "(") => {
                let Some(end) = closing(tokens, at + 1) else { continue };
                let mut sides =
                    vec![(side_start(tokens, without_not(tokens, at)), without_not(tokens, at))];
                let mut start = at + 2;
                while start < end {
                    let stop = side_end(tokens, start).max(start + 1);
                    sides.push((start, stop));
                    start = stop + 1;
                }
                if tokens[at + 2] == "select" {
                    sides.truncate(1);
                }
                types.compare(&mut calls, &sides);
            }
            "(" if at > 0 => {
                let function = NUMBER_ARGUMENTS.iter().find(|(name, _)| *name == tokens[at - 1]);
                let places = function.map_or(&[][..], |(_, places)| places);
                let arguments = arguments(tokens, at);
                for &argument in places.iter().filter_map(|&place| arguments.get(place)) {
                    types.number(&mut calls, argument);
                }
            }
            _ if is_arithmetic(tokens, at) => {
                let (left, right) = (primary_start(tokens, at), primary_end(tokens, at + 1));
                types.number(&mut calls, (left, at));
                if token == "/" {
                    fractions[at] = true;
                    calls.put((at + 1, right), DIVISOR);
                } else {
                    types.number(&mut calls, (at + 1, right));
                }
            }
            // A sign.
            "+" | "-" => types.number(&mut calls, (at + 1, primary_end(tokens, at + 1))),
            _ => {}
        }
    }
    let mut out = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        out.extend((0..calls.closed[at]).map(|_| ")".to_owned()));
        for name in &calls.opened[at] {
            out.extend([(*name).to_owned(), "(".to_owned()]);
        }
        if fractions[at] {
            out.extend(["*", "1.0"].map(str::to_owned));
        }
        out.push(token.clone());
    }
    out.extend((0..calls.closed[tokens.len()]).map(|_| ")".to_owned()));
    out
}

/// From the first token to the one behind the last.
type Span = (usize, usize);

/// Calls to put around operands.
struct Calls {
    put: HashSet<(Span, &'static str)>,
    opened: Vec<Vec<&'static str>>,
    closed: Vec<usize>,
}

impl Calls {
    fn new(tokens: usize) -> Self {
        let (opened, closed) = (vec![Vec::new(); tokens], vec![0; tokens + 1]);
        Self { put: HashSet::new(), opened, closed }
    }

    fn put(&mut self, (start, end): Span, name: &'static str) {
        if start < end && end < self.closed.len() && self.put.insert(((start, end), name)) {
            self.opened[start].push(name);
            self.closed[end] += 1;
        }
    }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Type {
    /// A text with blanks up to its length.
    Char,
    Number,
    Text,
    Unknown,
}

struct Types<'a> {
    tokens: &'a [String],
    /// The names and aliases of tables with their columns.
    tables: Vec<(&'a str, &'static str)>,
}

impl<'a> Types<'a> {
    fn new(tokens: &'a [String]) -> Self {
        Self { tokens, tables: tables_of(tokens) }
    }

    /// Makes numbers of what is compared with a number, and takes the blanks from what is compared with a `char`.
    fn compare(&self, calls: &mut Calls, sides: &[Span]) {
        let has = |kind| sides.iter().any(|&side| self.of(side) == kind);
        if has(Type::Number) {
            for &side in sides {
                self.number(calls, side);
            }
        } else if has(Type::Char) {
            for &side in sides {
                calls.put(side, "rtrim");
            }
        }
    }

    fn number(&self, calls: &mut Calls, span: Span) {
        if self.of(span) != Type::Number {
            calls.put(span, NUMBER);
        }
    }

    fn of(&self, (start, end): Span) -> Type {
        let Some([tokens @ .., last]) = self.tokens.get(start..end) else { return Type::Unknown };
        let first = tokens.first().unwrap_or(last);
        if first == "(" && closing(self.tokens, start) == Some(end - 1) {
            return self.of((start + 1, end - 1));
        }
        if first == "select" {
            return Type::Unknown;
        }
        let mut at = start;
        while at < end {
            let token = &self.tokens[at];
            match token.as_str() {
                "||" => return Type::Text,
                "+" | "-" | "*" | "/" => return Type::Number,
                "(" => at = closing(self.tokens, at).unwrap_or(end),
                "::" if !self.tokens[at..end].iter().any(|t| OPERATORS.contains(&t.as_str())) => {
                    return type_of_cast(self.tokens.get(at + 1).map_or("", String::as_str));
                }
                "case" => return Type::Unknown,
                _ => {}
            }
            at += 1;
        }
        match (first.as_str(), end - start) {
            (_, 1) if first.starts_with(|c: char| c.is_ascii_digit()) => Type::Number,
            (_, 1) if first.starts_with('\'') => Type::Text,
            (name, 1) => self.column(None, name),
            (table, 3) if self.tokens[start + 1] == "." => self.column(Some(table), last),
            ("cast", _) => {
                let word = (start..end).rfind(|&at| self.tokens[at] == "as");
                let name = word.and_then(|word| self.tokens.get(word + 1));
                name.map_or(Type::Unknown, |name| type_of_cast(name))
            }
            (name, _) if NUMBERS.contains(&name) => Type::Number,
            (name, _) if TEXTS.contains(&name) => Type::Text,
            _ => Type::Unknown,
        }
    }

    fn column(&self, table: Option<&str>, column: &str) -> Type {
        let tables =
            self.tables.iter().filter(|(name, _)| table.is_none_or(|table| table == *name));
        let mut types = tables.filter_map(|(_, columns)| {
            let mut columns = columns.split(", ").filter_map(|column| column.split_once(' '));
            columns.find(|(name, _)| *name == column).map(|(_, kind)| kind)
        });
        match types.next() {
            Some(first) if types.any(|other| other != first) => Type::Unknown,
            Some("integer") => Type::Number,
            Some(_) => Type::Text,
            None => Type::Unknown,
        }
    }
}

/// Returns the names and aliases of the tables of a statement, with their columns.
pub(super) fn tables_of(tokens: &[String]) -> Vec<(&str, &'static str)> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = if at > 0 { tokens[at - 1].as_str() } else { "" };
        let names_table = ["from", "join", ",", "(", "update", "into"].contains(&before);
        let Some(columns) = tables::columns(token).filter(|_| names_table) else { continue };
        found.push((token.as_str(), columns));
        let alias = match tokens.get(at + 1..) {
            Some([word, alias, ..]) if word == "as" => Some(alias),
            Some([alias, ..]) => Some(alias),
            _ => None,
        };
        if let Some(alias) = alias.filter(|alias| is_word(alias) && !is_keyword(alias)) {
            found.push((alias, columns));
        }
    }
    found
}

/// Returns where the `=` of assignments are: between `set` and `where`.
fn assignments(tokens: &[String]) -> Range<usize> {
    let place = |word: &str, from: usize| {
        tokens[from..].iter().position(|token| token == word).map(|at| from + at)
    };
    let set = place("set", 0).filter(|_| tokens[0] == "update");
    set.map_or(0..0, |set| set..place("where", set).unwrap_or(tokens.len()))
}

/// Returns where the side of a comparison begins that ends before `end`.
fn side_start(tokens: &[String], end: usize) -> usize {
    let mut at = end;
    while at > 0 {
        let start = primary_start(tokens, at);
        let before = if start > 0 { tokens[start - 1].as_str() } else { "" };
        at = start;
        if !OPERATORS.contains(&before) {
            break;
        }
        at -= 1;
        if at == 0 || !ends_operand(&tokens[at - 1]) {
            // A sign.
            break;
        }
    }
    at
}

/// Returns where the side of a comparison ends that begins at `start`.
fn side_end(tokens: &[String], start: usize) -> usize {
    let mut at = primary_end(tokens, start);
    while tokens.get(at).is_some_and(|token| OPERATORS.contains(&token.as_str())) {
        at = primary_end(tokens, at + 1);
    }
    at
}

/// Returns where an operator without its `not` begins.
fn without_not(tokens: &[String], at: usize) -> usize {
    if at > 0 && tokens[at - 1] == "not" { at - 1 } else { at }
}

/// Returns whether a token is a sign of arithmetic between two operands.
fn is_arithmetic(tokens: &[String], at: usize) -> bool {
    if !["+", "-", "*", "/"].contains(&tokens[at].as_str()) {
        return false;
    }
    let before = |back: usize| at.checked_sub(back).map_or("", |at| tokens[at].as_str());
    // `first 1 *`: the number of rows is no operand.
    ends_operand(before(1)) && !["first", "limit", "skip"].contains(&before(2))
}

/// Returns whether a token can be the last one of an operand.
fn ends_operand(token: &str) -> bool {
    token == ")"
        || token == "]"
        || token == "end"
        || token.starts_with('\'')
        || (is_word(token) && !is_keyword(token))
}

/// Returns where the operand ends that begins at `start`: a sign, a name, a literal, a call or parentheses, with what
/// is behind it.
fn primary_end(tokens: &[String], start: usize) -> usize {
    let token = |at: usize| tokens.get(at).map_or("", String::as_str);
    let mut at = start;
    while ["+", "-"].contains(&token(at)) {
        at += 1;
    }
    match token(at) {
        "" | ")" | "," => return at,
        "case" => {
            let mut open = 0;
            while at < tokens.len() {
                match token(at) {
                    "case" => open += 1,
                    "end" => open -= 1,
                    _ => {}
                }
                at += 1;
                if open == 0 {
                    break;
                }
            }
        }
        "(" => at = closing(tokens, at).unwrap_or(tokens.len()) + 1,
        _ => {
            at += 1;
            while token(at) == "." {
                at += 2;
            }
            if token(at) == "(" {
                at = closing(tokens, at).unwrap_or(tokens.len()) + 1;
            }
        }
    }
    loop {
        match token(at) {
            "::" => {
                at += 2;
                if token(at) == "(" {
                    at = closing(tokens, at).unwrap_or(tokens.len()) + 1;
                }
            }
            "[" => {
                let rest = tokens.get(at..).unwrap_or_default();
                at += rest.iter().position(|token| token == "]").unwrap_or(rest.len()) + 1;
            }
            _ => return at.min(tokens.len()),
        }
    }
}

/// Returns where the operand begins that ends before `end`; a sign is not part of it.
fn primary_start(tokens: &[String], mut end: usize) -> usize {
    let token = |at: usize| tokens.get(at).map_or("", String::as_str);
    while let Some(last) = end.checked_sub(1) {
        let mut at = match token(last) {
            "]" => {
                end = opening(tokens, last, "[", "]");
                continue;
            }
            "end" => opening(tokens, last, "case", "end"),
            ")" => {
                let open = opening(tokens, last, "(", ")");
                let is_call = open > 0 && is_name(token(open - 1));
                if is_call { open - 1 } else { open }
            }
            _ => last,
        };
        while at > 1 && token(at - 1) == "." {
            at -= 2;
        }
        if at == 0 || token(at - 1) != "::" {
            return at;
        }
        end = at - 1;
    }
    0
}

/// Returns whether a token can be the name of a function; `first 1 (…)` has none.
fn is_name(token: &str) -> bool {
    is_word(token) && !is_keyword(token) && !token.starts_with(|c: char| c.is_ascii_digit())
}

/// Returns where the arguments of the call are whose parenthesis is opened at `open`.
fn arguments(tokens: &[String], open: usize) -> Vec<Span> {
    let Some(end) = closing(tokens, open) else { return Vec::new() };
    let all = ["all", "distinct", "unique"].contains(&tokens[open + 1].as_str());
    let mut start = open + 1 + usize::from(all);
    let mut level = 0_usize;
    let mut found = Vec::new();
    let begin = start;
    for (at, token) in tokens.iter().enumerate().take(end).skip(begin) {
        match token.as_str() {
            "(" | "[" => level += 1,
            ")" | "]" => level = level.saturating_sub(1),
            // `substring` has words between its arguments.
            "," | "from" | "for" if level == 0 => {
                found.push((start, at));
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push((start, end));
    found
}

fn type_of_cast(name: &str) -> Type {
    match name {
        "bigint" | "decimal" | "float" | "int" | "int8" | "integer" | "smallint" => Type::Number,
        "char" | "nchar" => Type::Char,
        _ => Type::Text,
    }
}

/// Reads a text as a number.
pub(super) const NUMBER: &str = "_sim_number";
/// Reads what is divided by; zero is refused.
pub(super) const DIVISOR: &str = "_sim_divisor";
/// Refuses the result of arithmetic that SQLite has rounded.
pub(super) const EXACT: &str = "_sim_exact";

/// The arguments that are numbers, by function and place.
const NUMBER_ARGUMENTS: [(&str, &[usize]); 7] = [
    ("avg", &[0]),
    ("lpad", &[1]),
    ("round", &[0, 1]),
    ("rpad", &[1]),
    ("substr", &[1, 2]),
    ("substring", &[1, 2]),
    ("sum", &[0]),
];
const OPERATORS: [&str; 5] = ["+", "-", "*", "/", "||"];
/// Functions by the type of what they return.
const NUMBERS: [&str; 7] = ["abs", "avg", "char_length", "count", "length", "round", "sum"];
const TEXTS: [&str; 11] = [
    "concat",
    "lower",
    "lpad",
    "ltrim",
    "replace",
    "rpad",
    "rtrim",
    "substr",
    "substring",
    "trim",
    "upper",
];
