//! Refuses what SQLite takes for an operand, a name or a condition, and Informix does not.

use std::collections::HashSet;

use super::conversion::tables_of;
use super::functions::{Refusal, syntax_error};
use super::tokens::{closing, is_keyword, is_word, opening, split, top_level};
use crate::sim::fault::SoapFault;

/// Refuses numbers that only SQLite has, and texts that are no operand: without `DELIMIDENT` a name is never quoted.
pub(super) fn check_literals(tokens: &[String]) -> Result<(), SoapFault> {
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
pub(super) fn check_comparisons(tokens: &[String]) -> Result<(), SoapFault> {
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
pub(super) fn check_conditions(tokens: &[String]) -> Result<(), SoapFault> {
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

/// Returns an alias of a selected column that `where` or `having` uses: there is no such column yet.
pub(super) fn alias_in_condition(tokens: &[String]) -> Option<&str> {
    let outside = top_level(tokens);
    let place = |word: &str| outside.iter().copied().find(|&at| tokens[at] == word);
    let from = place("from")?;
    let conditions = ["where", "having"].into_iter().filter_map(|word| {
        let begin = place(word)?;
        let ends = ["group", "having", "order"].into_iter().filter_map(place);
        let end = ends.filter(|&end| end > begin).min();
        Some(begin + 1..end.unwrap_or(tokens.len()))
    });
    let aliases: HashSet<&str> = split(&tokens[..from])
        .into_iter()
        .filter_map(|item| match item {
            [.., word, alias] if word == "as" => Some(alias.as_str()),
            [.., before, alias]
                if is_word(alias)
                    && (before == ")" || (is_word(before) && !is_keyword(before))) =>
            {
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
    let names = conditions.flatten().filter(|&place| aliases.contains(at(place)));
    let names = names.filter(|&place| at(place - 1) != "." && ![".", "("].contains(&at(place + 1)));
    names.map(at).find(|name| !is_column(name))
}

/// Words behind a condition.
const CLAUSES: [&str; 14] = [
    "then", "cross", "full", "group", "having", "inner", "join", "left", "on", "order", "right",
    "union", "where", ",",
];

/// What makes a condition of values.
pub(super) const COMPARISONS: [&str; 13] =
    ["=", "<>", "!=", "<", ">", "<=", ">=", "between", "exists", "in", "is", "like", "matches"];
