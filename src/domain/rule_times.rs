//! When a picture rule applies: between two times, in a season of each year, or always.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::as_typed::as_typed;
use crate::domain::text::quoted;
use crate::domain::time_zone::{moment, moment_with_offset};

/// When a picture rule applies. By default always.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct RuleTimes {
    /// From when on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<RuleTime>,
    /// Until when; a date is the last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<RuleTime>,
    /// In which part of each year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<YearDays>,
}

/// A time as a rule states it. Without an offset it is the time of each phone's own time zone.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum RuleTime {
    /// A whole day.
    Date(Date),
    /// The time that a calendar and a clock show.
    Local(DateTime),
    Instant(Timestamp),
}

/// Days of each year, the first and the last one among them; they can go across the turn of the year.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct YearDays {
    first: MonthDay,
    last: MonthDay,
}

/// A month and a day, from 1. In years without 29 February what begins on it begins on 1 March, and what ends on it ends on
/// 28 February.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct MonthDay {
    month: i8,
    day: i8,
}

impl RuleTimes {
    pub fn is_always(&self) -> bool {
        *self == Self::default()
    }

    /// Tells whether a time zone decides when the rule applies.
    pub fn needs_zone(&self) -> bool {
        let times = [self.from, self.until].into_iter().flatten();
        self.every.is_some() || times.into_iter().any(|time| !matches!(time, RuleTime::Instant(_)))
    }

    /// Tells whether the rule applies at this time to a phone of this zone.
    pub fn applies(&self, at: Timestamp, zone: &TimeZone) -> bool {
        self.from.is_none_or(|from| from.start(zone) <= at)
            && self.until.is_none_or(|until| at < until.end(zone))
            && self.every.is_none_or(|days| days.has(at.to_zoned(zone.clone()).date()))
    }

    /// Returns the next time at which it can begin or cease to apply; nothing when that never changes again.
    pub fn next_change(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let ends =
            [self.from.map(|from| from.start(zone)), self.until.map(|until| until.end(zone))];
        let year = after.to_zoned(zone.clone()).year();
        let days = self.every.into_iter().flat_map(|days| {
            // A season that began last year can end in this one.
            (year - 1..=year + 2).flat_map(move |year| [days.first.in_year(year), days.after(year)])
        });
        let days = days.flatten().map(|date| RuleTime::Date(date).start(zone));
        ends.into_iter().flatten().chain(days).filter(|at| *at > after).min()
    }

    /// Returns the moments from `now` on at which one of these can begin or cease to apply. Later ones repeat these.
    pub fn changes(times: &[&Self], now: Timestamp, zone: &TimeZone) -> BTreeSet<Timestamp> {
        let change = |after: &Timestamp| {
            times.iter().filter_map(|times| times.next_change(*after, zone)).min()
        };
        let bounds = times.iter().flat_map(|times| {
            [times.from.map(|from| from.start(zone)), times.until.map(|until| until.end(zone))]
        });
        let bounds: BTreeSet<Timestamp> =
            bounds.flatten().filter(|at| *at > now).chain([now]).collect();
        let from_there = |start: &Timestamp| {
            let end = start.checked_add(ALL_YEARS).unwrap_or(Timestamp::MAX);
            std::iter::successors(Some(*start), change).take_while(move |at| *at <= end)
        };
        bounds.iter().flat_map(from_there).collect()
    }

    /// Tells whether it applies to no phone any more, wherever the phone is.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until.end(&TimeZone::fixed(LAST)) <= now)
    }

    /// Tells whether it can apply to a phone somewhere.
    pub fn may_apply(&self, at: Timestamp) -> bool {
        // At any time there are two or three dates on Earth.
        let dates = [LAST, Offset::UTC, FIRST].map(|offset| offset.to_datetime(at).date());
        self.from.is_none_or(|from| from.start(&TimeZone::fixed(FIRST)) <= at)
            && !self.is_over(at)
            && self.every.is_none_or(|days| dates.into_iter().any(|date| days.has(date)))
    }

    /// Returns why it can never apply.
    pub fn contradiction(&self) -> Option<String> {
        let (Some(from), Some(until)) = (self.from, self.until) else { return None };
        let zone = TimeZone::UTC;
        let (start, end) = (from.start(&zone), until.end(&zone));
        if start >= end {
            return Some(format!(
                "`until` ({until}) is not after `from` ({from}), so it never applies"
            ));
        }
        let days = self.every?;
        let meets = self.applies(start, &zone)
            || std::iter::successors(self.next_change(start, &zone), |at| {
                self.next_change(*at, &zone)
            })
            .take(SOON)
            .any(|at| at < end && self.applies(at, &zone));
        (!meets).then(|| {
            format!("no day of `every` ({days}) is between `from` ({from}) and `until` ({until}), so it never applies")
        })
    }
}

impl fmt::Display for RuleTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.every.map(|days| format!("every {days}")),
            self.from.map(|from| format!("from {from}")),
            self.until.map(|until| format!("until {until}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(&parts.join(", "))
    }
}

impl RuleTime {
    /// Returns when it begins in this zone.
    fn start(self, zone: &TimeZone) -> Timestamp {
        match self {
            Self::Date(date) => start_of(date.to_datetime(Time::midnight()), zone),
            Self::Local(shown) => start_of(shown, zone),
            Self::Instant(at) => at,
        }
    }

    /// Returns when it is over in this zone: a date when the next one begins.
    fn end(self, zone: &TimeZone) -> Timestamp {
        match self {
            Self::Date(date) => {
                date.tomorrow().map_or(Timestamp::MAX, |next| Self::Date(next).start(zone))
            }
            Self::Local(_) | Self::Instant(_) => self.start(zone),
        }
    }
}

/// Times that no calendar has never come.
fn start_of(shown: DateTime, zone: &TimeZone) -> Timestamp {
    moment(shown, zone).unwrap_or(Timestamp::MAX)
}

impl FromStr for RuleTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(at) = moment_with_offset(text)? {
            return Ok(Self::Instant(at));
        }
        let parsed = if text.contains(':') {
            text.parse().map(Self::Local)
        } else {
            text.parse().map(Self::Date)
        };
        parsed.map_err(|_| {
            format!(
                "{} is no time; a date such as 2026-12-01, or a time such as 2026-12-01T08:00 or 2026-12-01T08:00:00+01:00",
                quoted(text)
            )
        })
    }
}

impl fmt::Display for RuleTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(f, "{date}"),
            Self::Local(shown) => write!(f, "{shown}"),
            Self::Instant(at) => write!(f, "{at}"),
        }
    }
}

impl YearDays {
    fn has(self, date: Date) -> bool {
        let day = MonthDay { month: date.month(), day: date.day() };
        if self.first <= self.last {
            (self.first..=self.last).contains(&day)
        } else {
            day >= self.first || day <= self.last
        }
    }

    /// Returns the day after the last one, in a year.
    fn after(self, year: i16) -> Option<Date> {
        let MonthDay { month, day } = self.last;
        match Date::new(year, month, day) {
            Ok(last) => last.tomorrow().ok(),
            // 29 February, of which this year has none.
            Err(_) => Date::new(year, 3, 1).ok(),
        }
    }
}

impl MonthDay {
    fn in_year(self, year: i16) -> Option<Date> {
        let Self { month, day } = self;
        Date::new(year, month, day).or_else(|_| Date::new(year, 3, 1)).ok()
    }

    fn parse(text: &str) -> Option<Self> {
        let (month, day) = text.trim().split_once('-')?;
        let is_number = |text: &str| text.len() == 2 && text.bytes().all(|c| c.is_ascii_digit());
        if !is_number(month) || !is_number(day) {
            return None;
        }
        let (month, day) = (month.parse().ok()?, day.parse().ok()?);
        // A leap year has every day.
        Date::new(2024, month, day).is_ok().then_some(Self { month, day })
    }
}

impl FromStr for YearDays {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let days = text.split_once("..");
        let days = days.and_then(|(a, b)| Some((MonthDay::parse(a)?, MonthDay::parse(b)?)));
        let (first, last) = days.ok_or_else(|| {
            format!(
                "{} is no part of a year; month and day of the first and of the last day, such as 12-01..01-06",
                quoted(text)
            )
        })?;
        Ok(Self { first, last })
    }
}

impl fmt::Display for YearDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last } = self;
        write!(f, "{:02}-{:02}..{:02}-{:02}", first.month, first.day, last.month, last.day)
    }
}

// The config file and the journal have them as they are typed.
as_typed!(RuleTime, YearDays);

/// Between two of a rule's times one year is as the other, but for leap years: at most eight years are between two of them.
const ALL_YEARS: SignedDuration = SignedDuration::from_hours(9 * 366 * 24);

/// The zones in which a day ends last and begins first.
const LAST: Offset = Offset::constant(-12);
const FIRST: Offset = Offset::constant(14);

/// So many changes are looked at to find a season within two times: the seasons of a year and the next have come by then.
const SOON: usize = 6;

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;

    fn times(from: &str, until: &str, every: &str) -> RuleTimes {
        let time = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        RuleTimes {
            from: time(from),
            until: time(until),
            every: (!every.is_empty()).then(|| every.parse().unwrap()),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").unwrap()
    }

    #[test]
    fn a_date_is_a_whole_day_of_the_phones_own_zone() {
        let days = times("2026-12-01", "2026-12-31", "");
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        for (when, in_paris, in_tokyo) in [
            ("2026-11-30T14:59:59Z", false, false),
            ("2026-11-30T15:00:00Z", false, true),
            ("2026-11-30T23:00:00Z", true, true),
            ("2026-12-31T15:00:00Z", true, false),
            ("2026-12-31T22:59:59Z", true, false),
            ("2026-12-31T23:00:00Z", false, false),
        ] {
            assert_eq!(days.applies(at(when), &paris()), in_paris, "{when}");
            assert_eq!(days.applies(at(when), &tokyo), in_tokyo, "{when}");
        }
        assert_eq!(
            days.next_change(at("2026-11-29T12:00:00Z"), &paris()),
            Some(at("2026-11-30T23:00:00Z"))
        );
        assert_eq!(days.next_change(at("2027-01-02T12:00:00Z"), &paris()), None);
        assert!(
            !days.is_over(at("2027-01-01T11:59:59Z")) && days.is_over(at("2027-01-01T12:00:00Z"))
        );
    }

    #[test]
    fn an_offset_is_the_same_moment_everywhere() {
        let one = times("2026-12-01T08:00:00+01:00", "2026-12-01T09:00", "");
        assert!(one.applies(at("2026-12-01T07:00:00Z"), &paris()));
        assert!(!one.applies(at("2026-12-01T06:59:59Z"), &paris()));
        assert!(!one.applies(at("2026-12-01T08:00:00Z"), &paris()), "until a time is before it");
        assert!(one.applies(at("2026-12-01T08:00:00Z"), &TimeZone::UTC));
        assert!(one.needs_zone() && !times("2026-12-01T08:00:00Z", "", "").needs_zone());
    }

    #[test]
    fn a_season_goes_across_the_turn_of_the_year() {
        let season = times("", "", "12-01..01-06");
        let utc = TimeZone::UTC;
        for (when, applies) in [
            ("2026-11-30T23:59:59Z", false),
            ("2026-12-01T00:00:00Z", true),
            ("2027-01-06T23:59:59Z", true),
            ("2027-01-07T00:00:00Z", false),
        ] {
            assert_eq!(season.applies(at(when), &utc), applies, "{when}");
        }
        let next = |when| season.next_change(at(when), &utc).unwrap();
        assert_eq!(next("2026-06-01T00:00:00Z"), at("2026-12-01T00:00:00Z"));
        assert_eq!(next("2026-12-01T00:00:00Z"), at("2027-01-07T00:00:00Z"));
        assert_eq!(next("2027-01-01T00:00:00Z"), at("2027-01-07T00:00:00Z"));
    }

    #[test]
    fn a_day_that_only_leap_years_have() {
        let season = times("", "", "02-29..03-02");
        let utc = TimeZone::UTC;
        assert!(!season.applies(at("2027-02-28T12:00:00Z"), &utc));
        assert!(season.applies(at("2027-03-01T12:00:00Z"), &utc));
        assert!(season.applies(at("2028-02-29T12:00:00Z"), &utc));
        assert_eq!(
            season.next_change(at("2027-02-01T00:00:00Z"), &utc),
            Some(at("2027-03-01T00:00:00Z"))
        );
        let until = times("", "", "02-01..02-29");
        assert_eq!(
            until.next_change(at("2027-02-10T00:00:00Z"), &utc),
            Some(at("2027-03-01T00:00:00Z"))
        );
        assert_eq!(
            until.next_change(at("2028-02-10T00:00:00Z"), &utc),
            Some(at("2028-03-01T00:00:00Z"))
        );
    }

    #[test]
    fn times_that_contradict_are_found() {
        for (from, until, every, word) in [
            ("2026-12-02", "2026-12-01", "", "not after"),
            ("2026-12-01T10:00", "2026-12-01T10:00", "", "not after"),
            ("2026-02-01", "2026-11-30", "12-01..01-06", "no day"),
        ] {
            let why = times(from, until, every).contradiction().unwrap();
            assert!(why.contains(word), "{why}");
        }
        for (from, until, every) in [
            ("2026-12-01", "2026-12-01", ""),
            ("2026-02-01", "2026-12-01", "12-01..01-06"),
            ("2026-02-01", "2030-12-01", "12-01..01-06"),
            ("2027-01-05", "", "12-01..01-06"),
            ("", "", "01-01..12-31"),
        ] {
            assert_eq!(times(from, until, every).contradiction(), None, "{from} {until} {every}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for wrong in
            ["", "12-01", "2026-13-01", "2026-02-29", "tomorrow", "2026-12-01T25:00", "08:00"]
        {
            assert!(wrong.parse::<RuleTime>().is_err(), "{wrong}");
        }
        for wrong in [
            "",
            "12-01",
            "12-01..13-01",
            "02-30..03-01",
            "1-1..2-2",
            "12-01...01-06",
            "12-01..01-06Z",
        ] {
            assert!(wrong.parse::<YearDays>().is_err(), "{wrong}");
        }
        for right in ["2026-12-01", "2026-12-01T08:00:00", "2026-12-01T07:00:00Z"] {
            assert_eq!(right.parse::<RuleTime>().unwrap().to_string(), right);
        }
        assert_eq!("12-01..01-06".parse::<YearDays>().unwrap().to_string(), "12-01..01-06");
    }

    proptest::proptest! {
        /// Between two changes nothing changes, and each change is found.
        #[test]
        fn nothing_changes_between_two_changes(
            start in 0_i64..4_000_000_000, hours in 0_i64..40_000,
            first in (1_i8..=12, 1_i8..=28), last in (1_i8..=12, 1_i8..=28),
        ) {
            let day = |(month, day)| MonthDay { month, day };
            let every = Some(YearDays { first: day(first), last: day(last) });
            let rule = RuleTimes { every, ..RuleTimes::default() };
            let zone = paris();
            let now = Timestamp::from_second(start).unwrap();
            let next = rule.next_change(now, &zone).unwrap();
            let then = now.checked_add(hours.hours()).unwrap();
            if then < next {
                proptest::prop_assert_eq!(rule.applies(now, &zone), rule.applies(then, &zone));
            }
        }
    }
}
