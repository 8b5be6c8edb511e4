//! From which addresses a phone may download what was published for it.
//!
//! A download proves that a phone has its picture only when it comes from the phone's own address. Where addresses are
//! translated on the way, rules of the config file name the addresses that requests come from instead.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::rule_order::never_counts;
use super::selector::Pattern;

/// A rule of the config file: requests of these phones come from these addresses.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct NatRule {
    /// Device pools of the phones; empty for phones of every pool.
    pub device_pool: Vec<Pattern>,
    /// Networks of the phones; empty for phones of every address.
    pub subnet: Vec<IpNet>,
    pub from: Vec<IpNet>,
}

impl NatRule {
    fn matches(&self, device_pool: &str, addresses: &[IpAddr]) -> bool {
        let in_pool = self.device_pool.iter().any(|pattern| pattern.matches(device_pool));
        let in_subnet = self.subnet.iter().any(|net| addresses.iter().any(|ip| net.contains(ip)));
        (self.device_pool.is_empty() || in_pool) && (self.subnet.is_empty() || in_subnet)
    }

    /// Returns whether it is for all phones of these device pools and this network; nothing stands for all.
    fn is_for_all(&self, pools: Option<&Pattern>, network: Option<&IpNet>) -> bool {
        let has_pools = self.device_pool.iter().any(|wide| match pools {
            Some(pools) => wide.covers(pools),
            None => wide.is_any(),
        });
        let has_network =
            network.is_some_and(|network| self.subnet.iter().any(|wide| wide.contains(network)));
        (self.device_pool.is_empty() || has_pools) && (self.subnet.is_empty() || has_network)
    }
}

/// The rules about translated addresses, of which the first that matches a phone counts.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct NatRules(Vec<NatRule>);

impl NatRules {
    /// Puts rules together, in the order of the config file.
    pub fn new(rules: Vec<NatRule>) -> Self {
        Self(rules)
    }

    /// Returns which rules never count, because earlier ones are for all of their phones.
    pub fn remarks(&self) -> Vec<String> {
        let hidden = (0..self.0.len()).map(|at| (at, self.hidden_by(at)));
        let hidden = hidden.filter(|(_, earlier)| !earlier.is_empty());
        hidden.map(|(at, earlier)| never_counts("nat", at, &earlier)).collect()
    }

    /// Returns the earlier rules because of which a rule never counts; none where it counts for some phones.
    fn hidden_by(&self, at: usize) -> BTreeSet<usize> {
        fn each<T>(values: &[T]) -> Vec<Option<&T>> {
            if values.is_empty() { vec![None] } else { values.iter().map(Some).collect() }
        }
        let (rule, earlier) = (&self.0[at], &self.0[..at]);
        let mut hiding = BTreeSet::new();
        for pools in each(&rule.device_pool) {
            for network in each(&rule.subnet) {
                match earlier.iter().position(|rule| rule.is_for_all(pools, network)) {
                    Some(earlier) => hiding.insert(earlier),
                    None => return BTreeSet::new(),
                };
            }
        }
        hiding
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The addresses from which one phone's files may be downloaded.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DownloadSources {
    own: Vec<IpAddr>,
    /// The number of the rule, from 1, and its addresses.
    translated: Option<(usize, Vec<IpNet>)>,
}

/// What an address is to a phone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SourceOf {
    Phone,
    /// An address that the phone's is translated to, by the rule of this number.
    Nat(usize),
    Other,
}

impl DownloadSources {
    /// Allows the phone's own addresses. IPv4 addresses that are written as IPv6 are IPv4 addresses.
    pub fn of(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let mut own: Vec<IpAddr> = Vec::new();
        for address in addresses.into_iter().map(|address| address.to_canonical()) {
            if !own.contains(&address) {
                own.push(address);
            }
        }
        Self { own, translated: None }
    }

    /// Allows the addresses of the rule that is about this phone as well, where there is one.
    pub fn translate(&mut self, rules: &NatRules, device_pool: &str) {
        let mut numbered = (1..).zip(&rules.0);
        let rule = numbered.find(|(_, rule)| rule.matches(device_pool, &self.own));
        self.translated = rule.map(|(number, rule)| (number, rule.from.clone()));
    }

    pub fn own(&self) -> &[IpAddr] {
        &self.own
    }

    /// Returns the addresses that the phone's are translated to.
    pub fn translated(&self) -> &[IpNet] {
        self.translated.as_ref().map_or(&[], |(_, from)| from)
    }

    /// Returns what an address is to this phone; `address` is in its canonical form.
    pub fn classify(&self, address: IpAddr) -> SourceOf {
        if self.own.contains(&address) {
            return SourceOf::Phone;
        }
        match &self.translated {
            Some((rule, from)) if from.iter().any(|net| net.contains(&address)) => {
                SourceOf::Nat(*rule)
            }
            Some(_) | None => SourceOf::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pools: &[&str], subnets: &[&str], from: &[&str]) -> NatRule {
        let nets = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        NatRule {
            device_pool: pools.iter().map(|pool| pool.parse().unwrap()).collect(),
            subnet: nets(subnets),
            from: nets(from),
        }
    }

    fn classified(rules: Vec<NatRule>, pool: &str, own: &[&str], peer: &str) -> SourceOf {
        let mut sources = DownloadSources::of(own.iter().map(|ip| ip.parse().unwrap()));
        sources.translate(&NatRules::new(rules), pool);
        sources.classify(peer.parse::<IpAddr>().unwrap().to_canonical())
    }

    #[test]
    fn a_phone_has_all_its_addresses_however_they_are_written() {
        let own = ["::ffff:10.1.2.3", "2001:db8::7"];
        for peer in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"] {
            assert_eq!(classified(Vec::new(), "HQ", &own, peer), SourceOf::Phone, "{peer}");
        }
        assert_eq!(classified(Vec::new(), "HQ", &own, "10.1.2.4"), SourceOf::Other);
        assert_eq!(DownloadSources::default().classify([10, 1, 2, 3].into()), SourceOf::Other);
    }

    #[test]
    fn rules_that_never_count_are_found() {
        let hidden = |rules: &[(&[&str], &[&str])]| {
            let rules =
                rules.iter().map(|(pools, subnets)| rule(pools, subnets, &["192.0.2.1/32"]));
            NatRules::new(rules.collect()).remarks().concat()
        };
        let all: (&[&str], &[&str]) = (&[], &[]);
        for rules in [
            &[all, all][..],
            &[all, (&["BR-1"], &["10.0.0.0/8"])],
            &[(&["*"], &[]), all],
            &[(&["br-*"], &[]), (&["BR-1", "BR-2*"], &["10.0.0.0/8"])],
            &[(&[], &["10.0.0.0/8"]), (&["BR-1"], &["10.1.0.0/16", "10.2.0.7/32"])],
        ] {
            let told = hidden(rules);
            assert!(told.starts_with("[[nat]] rule 2 never counts: "), "{rules:?}: {told}");
            assert!(told.ends_with(": rule 1"), "{told}");
        }
        let parts = [(&["BR-1"][..], &[][..]), (&["BR-2"], &[]), (&["BR-2", "BR-1"], &[])];
        assert!(hidden(&parts).ends_with(
            "rule 3 never counts: an earlier rule counts for all of its phones: rule 1, rule 2"
        ));
        for rules in [
            &[(&["BR-1"][..], &[][..]), all][..],
            &[(&[], &["10.0.0.0/8"]), (&["BR-1"], &[])],
            &[(&["BR-1"], &["10.0.0.0/8"]), (&["BR-1"], &["10.0.0.0/7"])],
            &[(&["BR-1"], &[]), (&["BR-1", "BR-2"], &[])],
        ] {
            assert_eq!(hidden(rules), "", "{rules:?}");
        }
    }

    #[test]
    fn the_first_rule_about_a_phone_counts_and_both_its_conditions_hold() {
        let rules = || {
            vec![
                rule(&["BR-*"], &["10.33.0.0/16"], &["203.0.113.7/32"]),
                rule(&["br-*"], &[], &["198.51.100.0/28"]),
                rule(&[], &["10.34.0.0/16"], &["192.0.2.1/32"]),
            ]
        };
        let seen = |pool, own, peer| classified(rules(), pool, &[own], peer);
        assert_eq!(seen("BR-1", "10.33.0.1", "203.0.113.7"), SourceOf::Nat(1));
        assert_eq!(seen("BR-1", "10.33.0.1", "198.51.100.1"), SourceOf::Other, "not its rule");
        assert_eq!(seen("BR-1", "10.99.0.1", "198.51.100.15"), SourceOf::Nat(2));
        assert_eq!(seen("BR-1", "10.99.0.1", "198.51.100.16"), SourceOf::Other);
        assert_eq!(seen("HQ", "10.34.0.1", "192.0.2.1"), SourceOf::Nat(3));
        assert_eq!(seen("HQ", "10.33.0.1", "203.0.113.7"), SourceOf::Other);
        let all = || vec![rule(&[], &[], &["192.0.2.1/32"])];
        assert_eq!(classified(all(), "", &["10.0.0.1"], "192.0.2.1"), SourceOf::Nat(1));
    }
}
