//! Who downloaded phones' files besides the phones themselves, over all phones of a run.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::device_name::DeviceName;
use crate::domain::text::{names, pluralize};
use crate::event::PhoneResult;

/// An address that asked for files of phones whose address it is not.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct OtherFetcher<'a> {
    /// The address.
    address: IpAddr,
    /// The phone of the run whose address it is, where it is one's.
    phone: Option<&'a DeviceName>,
    /// The phones whose files it asked for.
    phones: Vec<&'a DeviceName>,
}

/// Returns these addresses, the one that asked for most phones' files first.
pub(super) fn other_fetchers(phones: &[PhoneResult]) -> Vec<OtherFetcher<'_>> {
    let mut found: BTreeMap<IpAddr, OtherFetcher<'_>> = BTreeMap::new();
    for phone in phones {
        for other in &phone.downloads.fetched_by {
            let fetcher = found.entry(other.address).or_insert_with(|| OtherFetcher {
                address: other.address,
                phone: other.phone.as_ref(),
                phones: Vec::new(),
            });
            fetcher.phones.push(&phone.name);
        }
    }
    let mut fetchers: Vec<_> = found.into_values().collect();
    fetchers.sort_by_key(|fetcher| std::cmp::Reverse(fetcher.phones.len()));
    fetchers
}

/// Says what a person should know about them, and on which proofs only the secret addresses stand.
pub(super) fn download_warnings(phones: &[PhoneResult]) -> Vec<String> {
    let fetchers = other_fetchers(phones);
    let more = fetchers.len().saturating_sub(MOST_TOLD);
    let mut told: Vec<String> =
        fetchers.iter().take(MOST_TOLD).map(OtherFetcher::describe).collect();
    if more > 0 {
        let addresses =
            if more == 1 { "1 more address".to_owned() } else { format!("{more} more addresses") };
        told.push(format!("{addresses} requested files of phones whose address they are not"));
    }
    let mut by_rule: BTreeMap<usize, (usize, Vec<IpAddr>)> = BTreeMap::new();
    for proof in phones.iter().filter_map(|phone| phone.downloads.nat.as_ref()) {
        let (count, from) = by_rule.entry(proof.rule).or_default();
        *count += 1;
        from.extend(&proof.from);
    }
    told.extend(by_rule.into_iter().map(|(rule, (count, mut from))| {
        from.sort();
        from.dedup();
        format!(
            "the downloads of {} came from translated addresses ({}): [[nat]] rule {rule} accepts their \
             secret addresses as the only evidence",
            pluralize(count, "phone"),
            names(&from)
        )
    }));
    told
}

impl OtherFetcher<'_> {
    fn describe(&self) -> String {
        let (address, phones) = (self.address, pluralize(self.phones.len(), "phone"));
        let listed = names(&self.phones);
        match self.phone {
            Some(phone) => format!(
                "{address}, the address of {phone}, requested files of {phones}, whose address it is not: \
                 {listed}; such downloads verify nothing"
            ),
            None => format!(
                "{address} requested files of {phones}, whose address it is not: {listed}; such downloads \
                 verify nothing. If it is a proxy or a translated address, name it in a [[nat]] rule of the \
                 config file, otherwise find out who uses it"
            ),
        }
    }
}

/// How many addresses are listed one by one.
const MOST_TOLD: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::OtherFile;
    use crate::report::testing::pushed;

    fn phone(name: &str, others: &[(u8, Option<&str>)], rule: Option<usize>) -> PhoneResult {
        let mut phone = pushed(name);
        for (last, owner) in others {
            let file = OtherFile { file: "background".into(), complete: true, bytes: 1, length: 1 };
            let owner = owner.map(|name| name.parse().unwrap());
            phone.downloads.note_other([10, 0, 0, *last].into(), owner.as_ref(), file);
        }
        if let Some(rule) = rule {
            phone.downloads.note_nat([203, 0, 113, 7].into(), rule);
        }
        phone
    }

    #[test]
    fn addresses_are_told_once_with_all_their_phones() {
        let phones = [
            phone("SEP1", &[(5, None)], None),
            phone("SEP2", &[(5, None), (1, Some("SEP1"))], None),
            phone("SEP3", &[], Some(2)),
            phone("SEP4", &[], Some(2)),
        ];
        let told = download_warnings(&phones);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("10.0.0.5 requested files of 2 phones"), "{told:?}");
        assert!(told[0].contains("SEP1, SEP2") && told[0].contains("[[nat]]"), "{told:?}");
        assert!(told[1].contains("10.0.0.1, the address of SEP1, requested files of 1 phone"));
        assert!(told[2].contains("2 phones came from translated addresses (203.0.113.7)"));
        assert!(download_warnings(&phones[..0]).is_empty());
    }

    #[test]
    fn a_great_many_addresses_are_counted() {
        let others: Vec<_> = (1..=9).map(|n| (n, None)).collect();
        let told = download_warnings(&[phone("SEP1", &others, None)]);
        assert_eq!(told.len(), MOST_TOLD + 1);
        assert!(told[MOST_TOLD].starts_with("4 more addresses"), "{told:?}");
    }
}
