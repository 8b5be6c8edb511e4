//! The time zone of a phone: a cluster has phones in many, and only device pools distinguish them.

use jiff::tz::TimeZone;

use super::selector::Pattern;

/// A rule of the config file: phones of these device pools live in this zone.
#[derive(Clone, Debug)]
pub struct ZoneRule {
    pub device_pool: Pattern,
    pub zone: TimeZone,
}

/// The time zones of all device pools.
#[derive(Clone, Debug)]
pub struct Zones {
    rules: Vec<ZoneRule>,
    otherwise: TimeZone,
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

    /// Returns the zone of pools without a rule.
    pub fn otherwise(&self) -> &TimeZone {
        &self.otherwise
    }
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
    fn zones_without_a_name_are_told_by_their_offset() {
        assert_eq!(zone_name(&TimeZone::fixed(jiff::tz::offset(2))), "+02");
    }
}
