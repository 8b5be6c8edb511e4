//! Readers of values that several options have. Their errors say what to write.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::{Span, Timestamp, Zoned};

use crate::domain::selector::{Pattern, SelectorError};

/// The values of options that have a number, a duration or an age. They take a hyphen, so that the readers below can refuse
/// it in their own words.
pub const NUMBERS: [&str; 7] = ["N", "N|P%", "SECONDS", "DURATION", "AGE", "PORT", "FACTOR"];

/// Reads a duration in words, such as `1h 30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let how =
        "write a duration with its unit, such as 300ms, 90s, 30m, 2h or 1h30m, and at most 720h";
    // A month has no length of its own, and is too long anyway.
    let is_span = || text.trim().parse::<Span>().is_ok_and(|span| span.is_positive());
    match crate::domain::text::duration(text) {
        Some(length) if length <= LONGEST => Ok(length),
        None if !is_span() => Err(wrong(text, how)),
        Some(_) | None => Err(format!("it is longer than 720h (30 days); {how}")),
    }
}

/// Reads an address to listen on, `ADDRESS:PORT`; a port alone is one of the loopback address.
pub fn loopback_address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse();
    let typed = port.map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    typed
        .or_else(|_| text.parse())
        .map_err(|_| wrong(text, "write an address and a port, such as 127.0.0.1:9464"))
}

const LONGEST: Duration = Duration::from_secs(720 * 60 * 60);

/// Says what is wrong with a value, and how it is written.
fn wrong(text: &str, how: &str) -> String {
    match text.trim().strip_prefix('-') {
        Some(option) if option.starts_with('-') => format!("the value is missing; {how}"),
        Some(_) => format!("it is negative; {how}"),
        None => how.to_owned(),
    }
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
        .ok_or_else(|| wrong(text, "write an age such as 90d, 12w or 1y"))
}

/// Makes a reader of whole numbers in this range.
pub fn number<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.trim().parse::<u64>().ok().filter(|number| range.contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            let how = match range.end() {
                &u64::MAX => format!("write a whole number from {}", range.start()),
                end => format!("write a whole number from {} to {end}", range.start()),
            };
            wrong(text, &how)
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
