//! The time zone of a phone: a cluster has phones in many, and only device pools distinguish them.

use jiff::civil::DateTime;
use jiff::fmt::temporal::{DateTimeParser, DateTimePrinter, Pieces};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::rule_order::never_counts;
use super::selector::Pattern;

/// A rule of the config file: phones of these device pools live in this zone.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ZoneRule {
    pub device_pool: Pattern,
    #[serde(deserialize_with = "read_zone", serialize_with = "write_zone")]
    pub zone: TimeZone,
}

/// The time zones of all device pools. By default all are UTC.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Zones {
    rules: Vec<ZoneRule>,
    #[serde(deserialize_with = "read_zone", serialize_with = "write_zone")]
    otherwise: TimeZone,
}

impl Default for Zones {
    fn default() -> Self {
        Self::new(Vec::new(), TimeZone::UTC)
    }
}

impl Zones {
    /// Puts rules together, of which the first that matches counts; `otherwise` is the zone of all other pools.
    pub fn new(rules: Vec<ZoneRule>, otherwise: TimeZone) -> Self {
        Self { rules, otherwise }
    }

    /// Returns the zone of a device pool.
    pub fn of(&self, device_pool: &str) -> &TimeZone {
        let rule = self.rules.iter().find(|rule| rule.device_pool.matches(device_pool));
        rule.map_or(&self.otherwise, |rule| &rule.zone)
    }

    /// Returns which rules never count, because an earlier one is for all of their device pools.
    pub fn remarks(&self) -> Vec<String> {
        let hidden = self.rules.iter().enumerate().filter_map(|(at, rule)| {
            let covers = |earlier: &ZoneRule| earlier.device_pool.covers(&rule.device_pool);
            let earlier = self.rules[..at].iter().position(covers)?;
            Some(never_counts("time_zone", at, &[earlier].into()))
        });
        hidden.collect()
    }

    /// Returns every zone.
    pub fn all(&self) -> impl Iterator<Item = &TimeZone> {
        self.rules.iter().map(|rule| &rule.zone).chain([&self.otherwise])
    }

    /// Returns the zone of pools without a rule.
    pub fn otherwise(&self) -> &TimeZone {
        &self.otherwise
    }
}

/// Reads a time with its offset from UTC, such as `2026-03-01T05:00:00+01:00`; nothing where the text is no such time.
///
/// # Errors
/// When no zone has this offset, or a zone is named, which an offset would contradict twice a year.
pub fn moment_with_offset(text: &str) -> Result<Option<Timestamp>, String> {
    let Ok(pieces) = Pieces::parse(text) else { return Ok(None) };
    if pieces.time_zone_annotation().is_some() {
        return Err("write the offset of a time in place of its zone, such as +01:00".to_owned());
    }
    match pieces.to_numeric_offset() {
        Some(offset) if !(WESTERNMOST..=EASTERNMOST).contains(&offset) => Err(NO_OFFSET.to_owned()),
        Some(_) => Ok(text.parse().ok()),
        None => Ok(None),
    }
}

/// The offsets that zones have: Baker Island's and that of Kiribati's Line Islands.
const WESTERNMOST: Offset = Offset::constant(-12);
const EASTERNMOST: Offset = Offset::constant(14);

/// What to write in place of an offset that no zone has.
pub const NO_OFFSET: &str = "write an offset from UTC from -12:00 to +14:00";

/// Returns the moment at which a clock of this zone shows the time, or jumps over it; nothing far outside of all
/// calendars.
pub fn moment(shown: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(shown).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(shown).ok()
        }
        AmbiguousOffset::Gap { before, .. } => {
            // As if clocks had not jumped: that is after the jump, by less than it is wide.
            let later = before.to_timestamp(shown).ok()?.checked_add(1.second()).ok()?;
            zone.preceding(later).next().map(|jump| jump.timestamp())
        }
    }
}

/// Returns how documents name a zone: by its IANA name, or by the offset that it has at a time.
pub fn zone_text(zone: &TimeZone, at: Timestamp) -> Option<String> {
    let printer = DateTimePrinter::new();
    let fixed = || printer.time_zone_to_string(&TimeZone::fixed(zone.to_offset(at)));
    printer.time_zone_to_string(zone).or_else(|_| fixed()).ok()
}

/// Reads a zone as [`zone_text`] writes it; UTC where it is not known here.
pub fn zone_of_text(text: Option<&str>) -> TimeZone {
    let zone = text.and_then(|text| DateTimeParser::new().parse_time_zone(text).ok());
    zone.unwrap_or(TimeZone::UTC)
}

/// A zone without a name, as a copied `/etc/localtime` has, becomes its offset without daylight saving time.
fn write_zone<S: Serializer>(zone: &TimeZone, serializer: S) -> Result<S::Ok, S::Error> {
    zone_text(zone, Timestamp::UNIX_EPOCH).serialize(serializer)
}

fn read_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
    Option::deserialize(deserializer).map(|text: Option<String>| zone_of_text(text.as_deref()))
}

/// Shows a time of day in a zone, such as `2026-12-01 08:00 Europe/Paris`.
pub fn shown_in(at: Timestamp, zone: &TimeZone) -> String {
    let shown = at.to_zoned(zone.clone());
    format!("{} {}", shown.strftime("%Y-%m-%d %H:%M"), zone_name(zone))
}

pub fn zone_name(zone: &TimeZone) -> String {
    match zone.iana_name() {
        Some(name) => name.to_owned(),
        None => zone.to_fixed_offset().map_or_else(|_| "local time".to_owned(), |o| o.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pool: &str, zone: &str) -> ZoneRule {
        ZoneRule { device_pool: pool.parse().unwrap(), zone: TimeZone::get(zone).unwrap() }
    }

    #[test]
    fn the_first_rule_that_matches_counts() {
        let rules = vec![rule("paris-lab", "UTC"), rule("Paris*", "Europe/Paris")];
        let zones = Zones::new(rules, TimeZone::get("America/Chicago").unwrap());
        let name = |pool| zone_name(zones.of(pool));
        assert_eq!(name("PARIS-Lab"), "UTC");
        assert_eq!(name("Paris 2"), "Europe/Paris");
        assert_eq!(name("HQ"), "America/Chicago");
        assert_eq!(name(""), zone_name(zones.otherwise()));
    }

    #[test]
    fn rules_that_never_count_are_found() {
        let rules = vec![rule("BR-*", "Europe/Paris"), rule("*", "UTC"), rule("br-1", "UTC")];
        let remarks = Zones::new(rules, TimeZone::UTC).remarks();
        let told = "[[time_zone]] rule 3 never counts: an earlier rule counts for all of its phones: rule 1";
        assert_eq!(remarks, [told]);
    }

    #[test]
    fn only_offsets_of_zones_are_read() {
        let read = |text: &str| moment_with_offset(text);
        let noon = "2026-03-01T12:00:00Z".parse().unwrap();
        for text in ["2026-03-02T02:00:00+14:00", "2026-03-01T00:00-12:00", "2026-03-01T12:00:00Z"]
        {
            assert_eq!(read(text), Ok(Some(noon)), "{text}");
        }
        for text in
            ["2026-03-02T02:00:00+25:00", "2026-03-02T02:00:00+14:01", "2026-03-01T00:00-12:30"]
        {
            assert_eq!(read(text), Err(NO_OFFSET.to_owned()), "{text}");
        }
        assert!(read("2026-03-01T12:00:00[Europe/Paris]").unwrap_err().contains("+01:00"));
        assert_eq!([read("2026-03-01T12:00"), read("soon")], [Ok(None), Ok(None)]);
    }

    #[test]
    fn zones_without_a_name_are_told_by_their_offset() {
        assert_eq!(zone_name(&TimeZone::fixed(jiff::tz::offset(2))), "+02");
    }
}
