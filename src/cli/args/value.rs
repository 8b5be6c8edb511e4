//! Readers of values that several options have. Their errors say what to write.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::{Span, Timestamp, Zoned};

use crate::domain::selector::{Pattern, SelectorError};

/// Reads a duration in words, such as `1h 30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let span = text.trim().parse::<jiff::SignedDuration>().ok();
    span.and_then(|span| Duration::try_from(span).ok()).ok_or_else(|| {
        "write a duration with its unit, such as 300ms, 90s, 30m, 2h or 1h30m".to_owned()
    })
}

/// Reads an age, such as `90d`, as the time so long ago.
pub fn age(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    // Without a unit only nothing has a meaning.
    let span = if text == "0" { Ok(Span::new()) } else { text.parse::<Span>() };
    let span = span.ok().filter(|span| !span.is_negative());
    let now = Zoned::now();
    let past = span.and_then(|span| now.checked_sub(span).ok());
    past.map(|past| past.timestamp())
        .ok_or_else(|| "write an age such as 90d, 12w or 1y".to_owned())
}

/// Makes a reader of whole numbers in this range.
pub fn number<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.trim().parse::<u64>().ok().filter(|number| range.contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| match range.end() {
            &u64::MAX => format!("write a whole number from {}", range.start()),
            end => format!("write a whole number from {} to {end}", range.start()),
        })
    }
}

/// Makes a reader of whole numbers from 1.
pub fn at_least_one<T: TryFrom<u64>>()
-> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    number(1..=u64::MAX)
}

/// Makes a reader of ports.
pub fn port() -> impl Fn(&str) -> Result<u16, String> + Clone + Send + Sync + 'static {
    number(1..=u16::MAX.into())
}

pub fn model_pattern(text: &str) -> Result<Pattern, SelectorError> {
    Pattern::new(text).map(Pattern::of_model)
}
