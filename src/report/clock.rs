//! Times of a run as its people read them: in the time zone of the machine that it ran on, with the offset from UTC.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::domain::time_zone::zone_name;
use crate::journal::RunRow;

#[derive(Clone, Debug)]
pub(crate) struct Clock {
    zone: TimeZone,
    began: Timestamp,
}

impl Default for Clock {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, began: Timestamp::UNIX_EPOCH }
    }
}

impl Clock {
    pub(crate) fn of(run: &RunRow) -> Self {
        Self { zone: run.time_zone.clone(), began: run.began_at }
    }

    /// A moment to the second, such as `2026-09-21 18:13:20 +02:00`.
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        let time = at.to_zoned(self.zone.clone());
        format!("{} {}", time.strftime("%Y-%m-%d %H:%M:%S"), written(time.offset()))
    }

    /// The time of day; with the day where that is not the day of the beginning, and with the offset where clocks were
    /// changed since.
    pub(crate) fn time_of_day(&self, at: Timestamp) -> String {
        let [time, began] = [at, self.began].map(|at| at.to_zoned(self.zone.clone()));
        let day = if time.date() == began.date() { "" } else { "%d %b " };
        let text = time.strftime(&format!("{day}%H:%M:%S")).to_string();
        if time.offset() == began.offset() {
            text
        } else {
            format!("{text} {}", written(time.offset()))
        }
    }

    /// The day, such as `21 Sep`.
    pub(crate) fn day(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%-d %b").to_string()
    }

    /// The offset of [`Self::time_of_day`], for the heading of a column.
    pub(crate) fn offset(&self) -> String {
        written(self.zone.to_offset(self.began))
    }

    /// The zone for people, such as `Europe/Paris, +02:00`.
    pub(crate) fn describe(&self) -> String {
        match (self.offset(), self.zone.iana_name()) {
            (offset, Some(_)) if offset != UTC => format!("{}, {offset}", zone_name(&self.zone)),
            (offset, _) => offset,
        }
    }
}

fn written(offset: Offset) -> String {
    if offset == Offset::UTC {
        return UTC.to_owned();
    }
    let minutes = offset.seconds().unsigned_abs() / 60;
    let sign = if offset.is_negative() { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

const UTC: &str = "UTC";

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(zone: &str, began: &str) -> Clock {
        Clock { zone: TimeZone::get(zone).unwrap(), began: began.parse().unwrap() }
    }

    #[test]
    fn times_have_the_offset_of_their_day() {
        // Clocks go back at 01:00 UTC.
        let paris = clock("Europe/Paris", "2026-10-24T20:00:00Z");
        assert_eq!(paris.describe(), "Europe/Paris, +02:00");
        let at = |text: &str| text.parse().unwrap();
        assert_eq!(paris.moment(at("2026-10-24T20:00:13Z")), "2026-10-24 22:00:13 +02:00");
        assert_eq!(paris.time_of_day(at("2026-10-24T20:00:13Z")), "22:00:13");
        assert_eq!(paris.time_of_day(at("2026-10-25T00:30:00Z")), "25 Oct 02:30:00");
        assert_eq!(paris.time_of_day(at("2026-10-25T01:30:00Z")), "25 Oct 02:30:00 +01:00");
        assert_eq!(clock("America/St_Johns", "2026-01-01T00:00:00Z").offset(), "-03:30");
        let utc = clock("UTC", "2026-01-01T00:00:00Z");
        assert_eq!((utc.offset(), utc.describe()), (UTC.to_owned(), UTC.to_owned()));
    }
}
