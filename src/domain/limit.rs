//! Which phones `--limit` and `--sample` take.

use std::collections::HashSet;

use super::audit::{Audit, AuditedPhone};
use super::device_name::DeviceName;
use super::finding::{Code, Severity, Verdict};
use super::selector::Selector;
use super::spread::spread;

impl Selector {
    /// Returns whether only so many of the selected phones are taken.
    pub fn is_limited(&self) -> bool {
        self.limit.is_some() || self.sample.is_some()
    }

    /// Returns the phones that the limit takes, of an audit of all that are selected. Phones that can take the push come
    /// first; others are taken only where there are too few of these, so that a report has the reasons. `may_repair`
    /// tells whether phones count that can take the push once the cluster is changed.
    ///
    /// A sample takes phones of `shown`, which show the picture already, after the others that can take it. A limit takes
    /// the same phones each time: a push makes none of them less able to take another one.
    pub fn within_limit(
        &self,
        audit: &Audit,
        may_repair: bool,
        shown: &HashSet<DeviceName>,
    ) -> HashSet<DeviceName> {
        let mut phones: Vec<&AuditedPhone> = audit.phones.iter().collect();
        if self.sample.is_some() {
            phones = spread(phones, |phone| (&phone.phone.model, &phone.phone.device_pool));
        }
        let is_shown = |phone: &AuditedPhone| self.sample.is_some() && shown.contains(phone.name());
        phones.sort_by_key(|phone| rank(phone, may_repair, is_shown(phone)));
        let most = self.limit.or(self.sample).unwrap_or(usize::MAX);
        phones.into_iter().take(most).map(|phone| phone.name().clone()).collect()
    }
}

/// Phones of a lower rank are taken first.
fn rank(phone: &AuditedPhone, may_repair: bool, is_shown: bool) -> u8 {
    if phone.excluded().is_some() {
        return 5;
    }
    // A push user that is not named says nothing about the phone.
    let findings = phone.findings.iter().filter(|finding| finding.code != Code::PushUserMissing);
    match findings.map(|finding| finding.severity).max().map_or(Verdict::Ready, Severity::verdict) {
        Verdict::Ready => u8::from(is_shown),
        Verdict::Fixable if may_repair => u8::from(is_shown),
        Verdict::Fixable => 2,
        Verdict::Offline => 3,
        Verdict::Blocked => 4,
        Verdict::Unsupported => 6,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::audit::{AssociationState, Summary};
    use crate::domain::finding::Finding;
    use crate::domain::inventory::ClusterInfo;
    use crate::domain::personalization::Personalization;
    use crate::domain::selector::tests::phone;

    const SEVERITIES: [Severity; 5] = [
        Severity::Warning,
        Severity::Fixable,
        Severity::Offline,
        Severity::Blocked,
        Severity::Unsupported,
    ];

    /// An audit of phones with these models, device pools and severities.
    fn audit(kinds: &[(u8, u8, usize)]) -> Audit {
        let phones = kinds.iter().enumerate().map(|(n, (model, pool, severity))| AuditedPhone {
            phone: phone(&format!("SEP{n:012}"), &format!("P{pool}"), &format!("M{model}")),
            model: None,
            personalization: Personalization::resolve(None, None, None),
            association: AssociationState { user: None, kind: None, associated: false },
            image: None,
            verdict: SEVERITIES[*severity].verdict(),
            findings: vec![Finding {
                code: Code::NotAssociated,
                severity: SEVERITIES[*severity],
                message: String::new(),
                remedy: String::new(),
            }],
        });
        let phones: Vec<AuditedPhone> = phones.collect();
        let [name, host, version, axl_version] = [(); 4].map(|()| String::new());
        Audit {
            cluster: ClusterInfo { name, host, version, axl_version },
            taken_at: jiff::Timestamp::UNIX_EPOCH,
            summary: Summary::of(&phones),
            phones,
            remarks: Vec::new(),
            rule_changes: Vec::new(),
        }
    }

    #[test]
    fn a_phone_that_a_repair_makes_ready_counts_where_repairs_are_made() {
        let audit = audit(&[(1, 1, 1), (1, 1, 0), (1, 1, 3)]);
        let selector = Selector { limit: Some(1), ..Selector::default() };
        let one = |may_repair| {
            let taken =
                selector.within_limit(&audit, may_repair, &HashSet::new()).into_iter().next();
            taken.map(|name| name.to_string())
        };
        assert_eq!(one(true).as_deref(), Some("SEP000000000000"));
        assert_eq!(one(false).as_deref(), Some("SEP000000000001"));
    }

    #[test]
    fn a_sample_takes_phones_first_that_do_not_show_the_picture() {
        let audit = audit(&[(1, 1, 0), (1, 1, 0), (1, 1, 2)]);
        let shown = HashSet::from(["SEP000000000000".parse().unwrap()]);
        let taken = |selector: Selector| {
            let mut taken: Vec<String> = selector
                .within_limit(&audit, false, &shown)
                .iter()
                .map(ToString::to_string)
                .collect();
            taken.sort();
            taken
        };
        let sample = |n| taken(Selector { sample: Some(n), ..Selector::default() });
        assert_eq!(sample(1), ["SEP000000000001"]);
        assert_eq!(sample(2), ["SEP000000000000", "SEP000000000001"]);
        let limit = taken(Selector { limit: Some(1), ..Selector::default() });
        assert_eq!(limit, ["SEP000000000000"]);
    }

    proptest! {
        #[test]
        fn a_sample_has_its_number_and_takes_those_first_that_can_take_a_picture(
            kinds in prop::collection::vec((0_u8..4, 0_u8..6, 0_usize..5), 0..60),
            n in 1_usize..70,
            may_repair: bool,
            is_sample: bool,
        ) {
            let audit = audit(&kinds);
            let (limit, sample) = if is_sample { (None, Some(n)) } else { (Some(n), None) };
            let selector = Selector { limit, sample, ..Selector::default() };
            let taken = selector.within_limit(&audit, may_repair, &HashSet::new());
            prop_assert_eq!(&taken, &selector.within_limit(&audit, may_repair, &HashSet::new()));
            prop_assert_eq!(taken.len(), n.min(kinds.len()));
            let (is_in, is_out): (Vec<_>, Vec<_>) =
                audit.phones.iter().partition(|phone| taken.contains(phone.name()));
            let last = is_in.iter().map(|phone| rank(phone, may_repair, false)).max();
            let first = is_out.iter().map(|phone| rank(phone, may_repair, false)).min();
            if let (Some(last), Some(first)) = (last, first) {
                prop_assert!(last <= first);
            }
        }

        #[test]
        fn a_sample_of_ready_phones_is_spread_over_models_and_pools(
            kinds in prop::collection::vec((0_u8..4, 0_u8..6), 1..60),
            n in 1_usize..30,
        ) {
            let audit = audit(&kinds.iter().map(|(m, p)| (*m, *p, 0)).collect::<Vec<_>>());
            let selector = Selector { sample: Some(n), ..Selector::default() };
            let taken = selector.within_limit(&audit, false, &HashSet::new());
            let count = |of: fn(&AuditedPhone) -> &str, all: bool| {
                let mut counts: HashMap<&str, usize> = HashMap::new();
                for phone in audit.phones.iter().filter(|phone| all || taken.contains(phone.name())) {
                    *counts.entry(of(phone)).or_default() += 1;
                }
                counts
            };
            let model: fn(&AuditedPhone) -> &str = |phone| &phone.phone.model;
            let (sample, all) = (count(model, false), count(model, true));
            prop_assert_eq!(sample.len(), n.min(all.len()), "every model comes before one comes twice");
            let pool: fn(&AuditedPhone) -> &str = |phone| &phone.phone.device_pool;
            let (sample, all) = (count(pool, false), count(pool, true));
            // One model in many device pools takes a turn in each of them.
            if count(model, true).len() == 1 {
                prop_assert_eq!(sample.len(), n.min(all.len()));
            }
        }
    }
}
