//! Phones with the same trouble, put together: the same for the recap and for the HTML report.

use std::collections::BTreeMap;

use crate::event::{Outcome, PhoneResult};

/// Phones with the same outcome and the same remedy.
pub(crate) struct Cause<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) outcome: Outcome,
    /// Without the names and addresses of phones.
    pub(crate) remedy: String,
    pub(crate) phones: Vec<&'a PhoneResult>,
}

/// Puts phones together; what concerns most of them comes first. Two clusters have nothing in common.
pub(crate) fn causes<'a>(
    phones: impl Iterator<Item = (&'a str, &'a PhoneResult)>,
) -> Vec<Cause<'a>> {
    let mut groups: BTreeMap<(&str, Outcome, String), Vec<&PhoneResult>> = BTreeMap::new();
    for (cluster, phone) in phones {
        let remedy = general(phone, phone.remedy.as_deref());
        groups.entry((cluster, phone.outcome, remedy)).or_default().push(phone);
    }
    let mut causes: Vec<Cause<'_>> = groups
        .into_iter()
        .map(|((cluster, outcome, remedy), phones)| Cause { cluster, outcome, remedy, phones })
        .collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.phones.len()));
    causes
}

impl Cause<'_> {
    /// Returns the reasons with how many phones have each, the most frequent first.
    pub(crate) fn reasons(&self) -> Vec<(String, usize)> {
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for phone in &self.phones {
            *reasons.entry(general(phone, phone.reason.as_deref())).or_default() += 1;
        }
        let mut reasons: Vec<_> = reasons.into_iter().filter(|(why, _)| !why.is_empty()).collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons
    }
}

/// The text without the phone's own name and address, so that phones with the same trouble share it.
fn general(phone: &PhoneResult, text: Option<&str>) -> String {
    let text = text.unwrap_or_default().replace(phone.name.as_str(), "the phone");
    match phone.ip {
        Some(ip) => text.replace(&ip.to_string(), "the phone"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::pushed;

    #[test]
    fn phones_with_the_same_trouble_stand_together() {
        let phone = |n: u8, reason: &str| PhoneResult {
            outcome: Outcome::Accepted,
            reason: Some(reason.to_owned()),
            remedy: Some(format!("check that 10.0.0.{n} can reach the image server")),
            ip: Some([10, 0, 0, n].into()),
            ..pushed(&format!("SEP{n}"))
        };
        let phones =
            [phone(1, "no background"), phone(2, "no thumbnail"), phone(3, "no background")];
        let causes = causes(phones.iter().map(|phone| ("", phone)));
        assert_eq!((causes.len(), causes[0].phones.len()), (1, 3));
        assert_eq!(causes[0].remedy, "check that the phone can reach the image server");
        assert_eq!(
            causes[0].reasons(),
            [("no background".to_owned(), 2), ("no thumbnail".to_owned(), 1)]
        );
    }
}
