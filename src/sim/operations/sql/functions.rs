//! The functions of Informix that SQLite lacks or has otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error, Result, ffi};

use super::conversion::{DIVISOR, EXACT, NUMBER};
use crate::sim::fault::SoapFault;

/// Adds the functions to a connection. Each call adds to the work of the statement, because SQLite counts it as one
/// instruction.
pub(super) fn add(connection: &Connection, work: &Arc<AtomicU64>) -> Result<()> {
    let scalar = |name: &str, arguments, function: fn(&Context<'_>) -> Result<Value>| {
        let work = Arc::clone(work);
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function(name, arguments, flags, move |context| {
            work.fetch_add(CALL, Ordering::Relaxed);
            function(context)
        })
    };
    // Those of SQLite map the letters of ASCII only.
    scalar("lower", 1, |c| Ok(text(c, 0).map(|text| text.to_lowercase()).into()))?;
    scalar("upper", 1, |c| Ok(text(c, 0).map(|text| text.to_uppercase()).into()))?;
    scalar("char_length", 1, |c| {
        Ok(text(c, 0).and_then(|text| i64::try_from(text.chars().count()).ok()).into())
    })?;
    // The bytes without blanks at the end.
    scalar("length", 1, |c| {
        let length = text(c, 0).map(|text| text.trim_end_matches(' ').len());
        Ok(length.and_then(|length| i64::try_from(length).ok()).into())
    })?;
    scalar("nvl", 2, |c| {
        let first: Value = c.get(0)?;
        if first == Value::Null { c.get(1) } else { Ok(first) }
    })?;
    for arguments in 3..=MOST_ARGUMENTS {
        scalar("decode", arguments, decode)?;
    }
    // That of SQLite makes 0 of a text.
    scalar("abs", 1, |c| {
        Ok(match number(c, 0)? {
            Value::Integer(number) => number.checked_abs().map_or(Value::Null, Value::Integer),
            Value::Real(number) => Value::Real(number.abs()),
            Value::Null | Value::Text(_) | Value::Blob(_) => Value::Null,
        })
    })?;
    // Those of SQLite with several arguments are no aggregates, and are not in Informix.
    for arguments in 2..=MOST_ARGUMENTS {
        scalar("max", arguments, |_| Err(Refusal::Syntax.into()))?;
        scalar("min", arguments, |_| Err(Refusal::Syntax.into()))?;
    }
    scalar("trim", 2, |_| Err(Refusal::Syntax.into()))?;
    scalar(NUMBER, 1, |c| number(c, 0))?;
    scalar(DIVISOR, 1, |c| {
        let divisor = number(c, 0)?;
        let is_zero = divisor == Value::Integer(0) || divisor == Value::Real(0.0);
        if is_zero { Err(Refusal::DivisionByZero.into()) } else { Ok(divisor) }
    })?;
    scalar(EXACT, 1, |c| match c.get(0)? {
        Value::Real(number) if !number.is_finite() => Err(Refusal::TooLarge.into()),
        Value::Real(number) if number.abs() >= WHOLE => Err(Refusal::Digits.into()),
        // It is reserved in Informix.
        Value::Integer(i64::MIN) => Err(Refusal::Digits.into()),
        value @ (Value::Null
        | Value::Integer(_)
        | Value::Real(_)
        | Value::Text(_)
        | Value::Blob(_)) => Ok(value),
    })?;
    // The number, and the largest one of the type.
    scalar(INTEGER, 2, |c| {
        let most: i64 = c.get(1)?;
        let number = match number(c, 0)? {
            Value::Real(real) if real.abs() < WHOLE => Some(real.trunc() as i64),
            Value::Real(_) => None,
            Value::Integer(number) => Some(number),
            Value::Null | Value::Text(_) | Value::Blob(_) => return Ok(Value::Null),
        };
        let too_large = match most {
            i64::MAX => Refusal::BigInteger,
            40_000.. => Refusal::Integer,
            _ => Refusal::SmallInteger,
        };
        let fitting = number.filter(|number| number.unsigned_abs() <= most.unsigned_abs());
        fitting.map(Value::Integer).ok_or_else(|| too_large.into())
    })?;
    // The number, how many digits it has, and how many of them are behind the point.
    scalar(DECIMAL, 3, |c| {
        let (digits, scale): (i32, i32) = (c.get(1)?, c.get(2)?);
        let number = match number(c, 0)? {
            Value::Integer(number) => number as f64,
            Value::Real(number) => number,
            Value::Null | Value::Text(_) | Value::Blob(_) => return Ok(Value::Null),
        };
        let rounded = (number * 10_f64.powi(scale)).round() / 10_f64.powi(scale);
        let fits = rounded.abs() < 10_f64.powi(digits - scale);
        if fits { Ok(Value::Real(rounded)) } else { Err(Refusal::Precision.into()) }
    })?;
    scalar(BOOLEAN, 1, |c| match c.get(0)? {
        Value::Text(text) => match text.as_str() {
            "t" | "T" => Ok("t".to_owned().into()),
            "f" | "F" => Ok("f".to_owned().into()),
            _ => Err(Refusal::Data.into()),
        },
        Value::Null | Value::Blob(_) => Ok(Value::Null),
        Value::Integer(_) | Value::Real(_) => Err(Refusal::BooleanNumber.into()),
    })?;
    // The value, and how many characters it has: blanks fill it up.
    scalar(CHARACTERS, 2, |c| {
        let is_number = matches!(c.get_raw(0), ValueRef::Integer(_) | ValueRef::Real(_));
        let length = c.get::<i64>(1)?;
        let length = usize::try_from(length).unwrap_or_default();
        if is_number && text(c, 0).is_some_and(|digits| digits.len() > length) {
            return Err(Refusal::ShortText.into());
        }
        Ok(pad(c, false)?.into())
    })?;
    connection.create_aggregate_function(ONE, 1, FunctionFlags::SQLITE_UTF8, OnlyRow)?;
    for arguments in [2, 3] {
        scalar("lpad", arguments, |c| Ok(pad(c, true)?.into()))?;
        scalar("rpad", arguments, |c| Ok(pad(c, false)?.into()))?;
    }
    // `text matches pattern escape character` comes as glob(pattern, text, character).
    for arguments in [2, 3] {
        scalar("glob", arguments, |c| {
            let (Some(pattern), Some(value)) = (text(c, 0), text(c, 1)) else {
                return Ok(Value::Null);
            };
            let escape = if c.len() > 2 { text(c, 2) } else { Some("\\".to_owned()) };
            let escape = escape.and_then(|escape| escape.chars().next());
            let (pattern, value): (Vec<char>, Vec<char>) =
                (pattern.chars().collect(), value.chars().collect());
            if pattern.len().saturating_mul(value.len()) > COMPARISONS {
                return Err(too_big());
            }
            Ok(matches(&pattern, &value, escape).into())
        })?;
    }
    Ok(())
}

/// `decode(value, from, to, …, otherwise)`
fn decode(c: &Context<'_>) -> Result<Value> {
    let value = text(c, 0);
    let mut pairs = (1..).step_by(2).take_while(|at| at + 1 < c.len());
    let found = pairs.find(|&at| text(c, at) == value).map(|at| at + 1);
    let otherwise = c.len().is_multiple_of(2).then(|| c.len() - 1);
    found.or(otherwise).map_or(Ok(Value::Null), |at| c.get(at))
}

/// Returns an argument as a number: a text must be one.
fn number(context: &Context<'_>, at: usize) -> Result<Value> {
    let ValueRef::Text(text) = context.get_raw(at) else { return context.get(at) };
    let text = String::from_utf8_lossy(text);
    let text = text.trim();
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    let real = || text.parse().ok().filter(|real: &f64| is_number && real.is_finite());
    let number = text.parse().map(Value::Integer).ok().or_else(|| real().map(Value::Real));
    number.ok_or_else(|| Refusal::Conversion.into())
}

/// Why Informix does not carry a statement out. SQLite passes the text on and nothing else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    BigInteger,
    /// What Informix does is not known; neither is it for [`Self::Digits`] and [`Self::ShortText`].
    BooleanNumber,
    Conversion,
    /// A text that is no boolean.
    Data,
    Digits,
    DivisionByZero,
    Integer,
    Precision,
    SeveralRows,
    ShortText,
    SmallInteger,
    Syntax,
    TooLarge,
}

impl Refusal {
    const ALL: [Self; 13] = [
        Self::BigInteger,
        Self::BooleanNumber,
        Self::Conversion,
        Self::Data,
        Self::Digits,
        Self::DivisionByZero,
        Self::Integer,
        Self::Precision,
        Self::SeveralRows,
        Self::ShortText,
        Self::SmallInteger,
        Self::Syntax,
        Self::TooLarge,
    ];

    /// The code and the text of Informix.
    pub(super) fn code_and_text(self) -> (i32, &'static str) {
        match self {
            Self::BigInteger => (-1284, "Value will not fit in a BIGINT or an INT8."),
            Self::BooleanNumber => (-1, "The simulator cannot do numbers as boolean."),
            Self::Conversion => (-1213, "A character to numeric conversion process failed"),
            Self::Data => (-415, "Data conversion error."),
            Self::Digits => (-1, "The simulator cannot do numbers of more than 16 digits."),
            Self::DivisionByZero => (-1202, "An attempt was made to divide by zero."),
            Self::Integer => (-1215, "Value exceeds limit of INTEGER precision"),
            Self::Precision => (-1226, "Decimal or money value exceeds maximum precision."),
            Self::ShortText => (-1, "The simulator cannot do numbers as char of fewer characters."),
            Self::SmallInteger => (-1214, "Value exceeds limit of SMALLINT precision"),
            Self::SeveralRows => (-284, "A subquery has returned not exactly one row."),
            Self::Syntax => (-201, "A syntax error has occurred."),
            Self::TooLarge => (-1200, "Number is too large for a DECIMAL data type"),
        }
    }

    /// Returns the one with this text.
    pub(super) fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.code_and_text().1 == text)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::UserFunctionError(refusal.code_and_text().1.into())
    }
}

impl From<Refusal> for SoapFault {
    fn from(refusal: Refusal) -> Self {
        let (code, text) = refusal.code_and_text();
        Self::server(code, text)
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

/// The value of the only row of a query that stands for a value.
struct OnlyRow;

impl Aggregate<Option<Value>, Value> for OnlyRow {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<Value>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, found: &mut Option<Value>) -> Result<()> {
        match found.replace(context.get(0)?) {
            None => Ok(()),
            Some(_) => Err(Refusal::SeveralRows.into()),
        }
    }

    fn finalize(&self, _: &mut Context<'_>, found: Option<Option<Value>>) -> Result<Value> {
        Ok(found.flatten().unwrap_or(Value::Null))
    }
}

/// Returns an argument as text; nothing for NULL.
fn text(context: &Context<'_>, at: usize) -> Option<String> {
    if at >= context.len() {
        return None;
    }
    match context.get_raw(at) {
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

/// `lpad(text, length, filling)`: the text with exactly so many characters; blanks fill where nothing else is named.
fn pad(context: &Context<'_>, left: bool) -> Result<Option<String>> {
    let (Some(value), Some(length)) = (text(context, 0), text(context, 1)) else { return Ok(None) };
    if length.parse().is_ok_and(|length: f64| length > LONGEST.into()) {
        return Err(too_big());
    }
    let Ok(length) = length.parse::<usize>() else { return Ok(None) };
    let filling = if context.len() > 2 { text(context, 2) } else { Some(" ".to_owned()) };
    let Some(filling) = filling else { return Ok(None) };
    let missing = length.saturating_sub(value.chars().count());
    let filling: String = filling.chars().cycle().take(missing).collect();
    let kept: String = value.chars().take(length).collect();
    Ok(Some(if left { filling + &kept } else { kept + &filling }))
}

/// The error of SQLite for a text that is too long.
fn too_big() -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_TOOBIG), None)
}

/// Returns whether a pattern of `matches` fits a text: `*` is any text, `?` any character, `[a-c]` one of those and
/// `[^a-c]` another one; a character after the escape character is only itself.
fn matches(pattern: &[char], text: &[char], escape: Option<char>) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            star = Some((p + 1, t));
            p += 1;
            continue;
        }
        let fits = match text.get(t) {
            None if p == pattern.len() => return true,
            None => return false,
            Some(&c) => one(&pattern[p..], c, escape),
        };
        match (fits, star) {
            (Some(width), _) => {
                p += width;
                t += 1;
            }
            (None, Some((behind, from))) => {
                p = behind;
                t = from + 1;
                star = Some((behind, t));
            }
            (None, None) => return false,
        }
    }
}

/// Returns how long the part of a pattern is that a character fits; nothing where it does not fit.
fn one(pattern: &[char], c: char, escape: Option<char>) -> Option<usize> {
    match pattern {
        [first, second, ..] if Some(*first) == escape => (*second == c).then_some(2),
        ['?', ..] => Some(1),
        ['[', rest @ ..] => {
            let end = rest.iter().skip(1).position(|&end| end == ']')? + 1;
            let (not, class) = match &rest[..end] {
                ['^', class @ ..] => (true, class),
                class => (false, class),
            };
            let mut at = 0;
            let mut found = false;
            while let Some(&from) = class.get(at) {
                match class.get(at + 1..at + 3) {
                    Some(&['-', to]) => {
                        found |= (from..=to).contains(&c);
                        at += 3;
                    }
                    _ => {
                        found |= from == c;
                        at += 1;
                    }
                }
            }
            (found != not).then_some(end + 2)
        }
        [first, ..] => (*first == c).then_some(1),
        [] => None,
    }
}

pub(super) const AGGREGATES: [&str; 5] = ["avg", "count", "max", "min", "sum"];
/// The functions that a statement can call, beside aggregates.
pub(super) const FUNCTIONS: [&str; 19] = [
    "abs",
    "char_length",
    "concat",
    "decode",
    "glob",
    "length",
    "like",
    "lower",
    "lpad",
    "ltrim",
    "nullif",
    "nvl",
    "replace",
    "round",
    "rpad",
    "rtrim",
    "substr",
    "trim",
    "upper",
];

/// Functions that the translation calls and no statement can.
pub(super) const INTERNAL: [&str; 8] =
    [BOOLEAN, CHARACTERS, DECIMAL, DIVISOR, EXACT, INTEGER, NUMBER, ONE];
pub(super) const BOOLEAN: &str = "_sim_boolean";
pub(super) const CHARACTERS: &str = "_sim_char";
pub(super) const DECIMAL: &str = "_sim_decimal";
/// Makes an integer of a type of Informix.
pub(super) const INTEGER: &str = "_sim_integer";
/// The value of the only row; several rows are refused.
pub(super) const ONE: &str = "_sim_one";

/// The most arguments that a function can have here.
const MOST_ARGUMENTS: i32 = 64;

/// From here on a number is no 64 bit integer any more, and SQLite has rounded it.
const WHOLE: f64 = 9_223_372_036_854_775_808.0;

/// The work of a call, in instructions of SQLite.
const CALL: u64 = 200;

/// The longest text that can be padded to, as that of an `lvarchar`.
const LONGEST: u16 = 32_739;

/// How many comparisons of characters a call of `matches` can need.
const COMPARISONS: usize = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_matches_fit_as_in_informix() {
        for (pattern, text, fits) in [
            ("SEP*", "SEP00", true),
            ("SEP*", "sep00", false),
            ("S?P", "SEP", true),
            ("S?P", "SP", false),
            ("*0*1", "a0b0c1", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("[]x]", "]", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("", "", true),
            ("*", "", true),
            ("", "a", false),
            ("[a", "[a", false),
        ] {
            let (pattern, text): (Vec<char>, Vec<char>) =
                (pattern.chars().collect(), text.chars().collect());
            assert_eq!(matches(&pattern, &text, Some('\\')), fits, "{pattern:?} {text:?}");
        }
    }
}
