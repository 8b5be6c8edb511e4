//! The hours in which phones may be pushed to, in each phone's own time zone.
//!
//! Nothing here looks at a clock: the caller says what time it is. A window is a span between two moments, so
//! it is open or not however clocks are set meanwhile. Where daylight saving time leaves out the hour at which
//! it opens or closes, that happens in the moment in which clocks jump over it; where the hour comes twice, the
//! first one counts. So no phone is ever pushed to after its clock has shown the closing time.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::domain::as_typed::as_typed;
use crate::domain::time_zone::{moment, moment_with_offset};

/// Hours that come every day, such as 22:00-05:00; those that end before they begin last over midnight.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct DailyWindow {
    opens: Time,
    closes: Time,
}

/// Whether phones may be pushed to now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WindowState {
    /// They may, until then; nothing when no end is in sight.
    Open {
        /// The first moment at which they may not any more.
        closes: Option<Timestamp>,
    },
    /// They may not before then.
    Closed {
        /// The first moment at which they may.
        opens: Timestamp,
    },
}

impl DailyWindow {
    /// Tells whether the window is open at this moment, for phones of this zone.
    pub fn gate(&self, now: Timestamp, zone: &TimeZone) -> WindowState {
        let today = now.to_zoned(zone.clone()).date();
        // The window of yesterday can reach into today. On some days there is none: its hours are left out.
        let spans = (-1..LOOK_AHEAD).filter_map(|day| self.span(today, day, zone));
        for (opens, closes) in spans {
            if now < opens {
                return WindowState::Closed { opens };
            }
            if now < closes {
                return WindowState::Open { closes: Some(closes) };
            }
        }
        // Only at the end of the calendar that the library knows.
        WindowState::Closed { opens: Timestamp::MAX }
    }

    /// Returns from when to when the window is open that opens so many days from this one, if it does.
    fn span(&self, from: Date, day: i32, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let date = from.checked_add(day.days()).ok()?;
        let last = if self.closes > self.opens { date } else { date.tomorrow().ok()? };
        let (opens, closes) = (
            moment(date.to_datetime(self.opens), zone)?,
            moment(last.to_datetime(self.closes), zone)?,
        );
        (opens < closes).then_some((opens, closes))
    }
}

impl FromStr for DailyWindow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "it is written HH:MM-HH:MM, such as 22:00-05:00".to_owned();
        let (opens, closes) = text.split_once('-').ok_or_else(wrong)?;
        let opens = clock_time(opens).ok_or_else(wrong)?;
        let closes = match closes.trim() {
            // From midnight it is the whole day.
            MIDNIGHT => return Ok(Self { opens, closes: Time::midnight() }),
            closes => clock_time(closes).ok_or_else(wrong)?,
        };
        if opens == closes {
            return Err("it closes when it opens: write 00:00-24:00 to push at any time".to_owned());
        }
        Ok(Self { opens, closes })
    }
}

impl fmt::Display for DailyWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { opens, closes } = self;
        if *closes == Time::midnight() {
            return write!(f, "{}-{MIDNIGHT}", opens.strftime("%H:%M"));
        }
        write!(f, "{}-{}", opens.strftime("%H:%M"), closes.strftime("%H:%M"))
    }
}

/// The end of a day.
const MIDNIGHT: &str = "24:00";

/// Reads a time of day, such as 05:00.
fn clock_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two_digits = |text: &str| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if digits { text.parse::<i8>().ok() } else { None }
    };
    if minute.len() != 2 {
        return None;
    }
    Time::new(two_digits(hour)?, two_digits(minute)?, 0, 0).ok()
}

/// When a push is to start or to end, as typed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
pub enum TypedTime {
    /// The next time that a clock shows this.
    Clock(Time),
    /// The time that a calendar and a clock show.
    Local(DateTime),
    Moment(Timestamp),
}

impl TypedTime {
    /// Returns whether a time zone decides which moment is meant.
    pub fn needs_zone(self) -> bool {
        !matches!(self, Self::Moment(_))
    }

    /// Returns whether it is at the end of the calendar, where times in some zones do not exist.
    pub fn is_beyond_calendar(self, zone: &TimeZone) -> bool {
        matches!(self, Self::Local(shown) if moment(shown, zone).is_none())
    }

    /// Returns the moment that is meant, seen from now in this zone; nothing when it has passed.
    pub fn moment(self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Moment(then) => (then > now).then_some(then),
            Self::Local(shown) => moment(shown, zone).filter(|then| *then > now),
            Self::Clock(time) => {
                let today = now.to_zoned(zone.clone()).date();
                let moments = (0..LOOK_AHEAD).filter_map(|day| {
                    moment(today.checked_add(day.days()).ok()?.to_datetime(time), zone)
                });
                moments.into_iter().find(|then| *then > now)
            }
        }
    }
}

impl FromStr for TypedTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(time) = clock_time(text) {
            return Ok(Self::Clock(time));
        }
        let wrong = "it is a time such as 05:00, 2026-03-01T05:00 or 2026-03-01T05:00:00+01:00";
        let text = text.trim();
        if let Some(moment) = moment_with_offset(text)? {
            return Ok(Self::Moment(moment));
        }
        // A date alone would be its midnight.
        let time = text.split_once(['T', 't', ' ']).map_or("", |(_, time)| time);
        let is_local = text.contains(':') && !time.contains(['+', '-', 'Z', 'z']);
        let local = text.parse().ok().filter(|_| is_local);
        local.map(Self::Local).ok_or_else(|| wrong.to_owned())
    }
}

impl fmt::Display for TypedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock(time) => write!(f, "{}", time.strftime("%H:%M")),
            Self::Local(shown) => write!(f, "{shown}"),
            Self::Moment(moment) => write!(f, "{moment}"),
        }
    }
}

// The journal keeps both as they are typed.
as_typed!(DailyWindow, TypedTime);

/// Days after which a window has surely come: zones that moved across the date line left out one.
const LOOK_AHEAD: i32 = 5;

#[cfg(test)]
mod tests;
