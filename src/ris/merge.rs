//! Many answers made one: each device once, with its newest state.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use crate::domain::device_name::DeviceName;
use crate::domain::text::UnreadableField;

use super::answer::{RisPage, SilentNode};
use super::device::{RisDevice, RisStatus};

/// What RisPort70 knows about the devices that were asked for.
///
/// A device that is not here is unknown to every server that answered: it has never registered, or so
/// long ago that it was forgotten. While [`RisAnswer::silent_nodes`] is not empty, or
/// [`RisAnswer::is_complete_for`] is false, nothing can be concluded from a device's absence.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RisAnswer {
    /// Each device once, with its newest state.
    pub devices: HashMap<DeviceName, RisDevice>,
    /// Servers that gave no conclusive answer, each once.
    pub silent_nodes: Vec<SilentNode>,
    /// Whether a total that a server returned does not match the rows, a row could not be read, or rows may have been
    /// cut off.
    pub incomplete: bool,
    /// Whether an answer has no total, so that its completeness is unknown.
    pub uncounted: bool,
    pub questions: usize,
    /// Fields that could not be read completely.
    pub unreadable_fields: BTreeSet<UnreadableField>,
}

impl RisPage {
    /// Tells whether rows may be missing because there was no room for them.
    ///
    /// Rows of servers that a phone has left count too, so a full answer may lack the row that matters.
    pub fn is_cut_off(&self) -> bool {
        let mut names = std::collections::HashSet::new();
        let mut repeats = || self.devices.iter().any(|device| !names.insert(&device.name));
        self.withheld || self.rows >= MOST_ROWS && repeats()
    }
}

impl RisPage {
    /// Returns how many names would have had room, when this answer to so many of them had not: rows of
    /// servers that phones have left take room too, about as much next time.
    pub fn fitting(&self, asked: usize) -> usize {
        let different: std::collections::HashSet<_> =
            self.devices.iter().map(|device| &device.name).collect();
        let half = asked / 2;
        // Nothing that could be counted: the server withholds rows.
        if self.rows < MOST_ROWS || different.is_empty() {
            return half;
        }
        (MOST_ROWS * different.len() / self.rows * 49 / 50).clamp(half, asked - asked / 50)
    }
}

impl RisAnswer {
    /// Takes in the answer to one question.
    pub fn merge(&mut self, page: RisPage) {
        self.questions += 1;
        let mut different = std::collections::HashSet::new();
        let (rows, is_cut_off) = (page.rows, page.is_cut_off());
        self.unreadable_fields.extend(page.unreadable_fields);
        for device in page.devices {
            different.insert(device.name.clone());
            match self.devices.entry(device.name.clone()) {
                Entry::Vacant(free) => {
                    free.insert(device);
                }
                Entry::Occupied(mut known) => {
                    if is_newer(&device, known.get()) {
                        known.insert(device);
                    }
                }
            }
        }
        // The total counts either rows or devices; both readings are accepted, anything else is not.
        let fits = page.total.is_none_or(|total| {
            usize::try_from(total).is_ok_and(|total| total == rows || total == different.len())
        });
        self.incomplete |= !fits || page.unreadable > 0 || is_cut_off;
        self.uncounted |= page.total.is_none();
        for node in page.silent {
            if !self.silent_nodes.iter().any(|known| known.name == node.name) {
                self.silent_nodes.push(node);
            }
        }
    }

    /// Tells whether the absence of one of these devices from the answer means that no server knows it.
    pub fn is_complete_for<'a>(&self, names: impl IntoIterator<Item = &'a DeviceName>) -> bool {
        let all_there = || names.into_iter().all(|name| self.devices.contains_key(name));
        self.silent_nodes.is_empty() && !self.incomplete && (!self.uncounted || all_there())
    }
}

/// Tells whether a state replaces another one of the same device: the newer one does, and of two of the
/// same second the one that says registered.
fn is_newer(candidate: &RisDevice, known: &RisDevice) -> bool {
    let rank = |device: &RisDevice| {
        let registered = match device.status {
            RisStatus::Registered => 2,
            RisStatus::PartiallyRegistered => 1,
            RisStatus::Other(_)
            | RisStatus::Rejected
            | RisStatus::Unknown
            | RisStatus::Unregistered => 0,
        };
        (device.timestamp.unwrap_or(i64::MIN), registered)
    };
    rank(candidate) > rank(known)
}

/// How many rows one answer has at most (RisPort70 WSDL, since release 9).
const MOST_ROWS: usize = super::request::MOST_NAMES;

#[cfg(test)]
mod tests {
    use super::*;

    fn device(node: &str, status: RisStatus, timestamp: i64) -> RisDevice {
        RisDevice {
            name: "SEP001122334455".parse().unwrap(),
            node: node.to_owned(),
            status,
            status_reason: None,
            addresses: Vec::new(),
            model: None,
            httpd: None,
            active_load: None,
            extension: None,
            timestamp: Some(timestamp),
            protocol: None,
        }
    }

    fn merged(devices: Vec<RisDevice>) -> RisAnswer {
        let mut answer = RisAnswer::default();
        let rows = devices.len();
        answer.merge(RisPage { devices, rows, total: Some(1), ..RisPage::default() });
        answer
    }

    #[test]
    fn the_newest_state_wins_in_any_order() {
        let old = device("a", RisStatus::Registered, 10);
        let new = device("b", RisStatus::Unregistered, 20);
        for order in [vec![old.clone(), new.clone()], vec![new.clone(), old]] {
            let answer = merged(order);
            assert_eq!(answer.devices.values().collect::<Vec<_>>(), [&new]);
            assert!(!answer.incomplete);
        }
    }

    #[test]
    fn of_two_at_the_same_time_the_registered_one_wins() {
        let gone = device("a", RisStatus::Unregistered, 10);
        let here = device("b", RisStatus::Registered, 10);
        for order in [vec![gone.clone(), here.clone()], vec![here.clone(), gone]] {
            assert_eq!(merged(order).devices.values().next(), Some(&here));
        }
    }

    #[test]
    fn a_total_that_does_not_match_is_reported() {
        let mut answer = RisAnswer::default();
        answer.merge(RisPage { total: Some(1), ..RisPage::default() });
        assert!(answer.incomplete);
        let mut answer = RisAnswer::default();
        answer.merge(RisPage { withheld: true, ..RisPage::default() });
        assert!(answer.incomplete);
    }

    #[test]
    fn an_answer_without_a_total_proves_no_absence() {
        let here = device("a", RisStatus::Registered, 10);
        let (name, other) = (here.name.clone(), "SEP9".parse().unwrap());
        let mut answer = RisAnswer::default();
        answer.merge(RisPage { devices: vec![here], rows: 1, ..RisPage::default() });
        assert!(answer.is_complete_for([&name]));
        assert!(!answer.is_complete_for([&name, &other]));
        let mut nothing = RisAnswer::default();
        nothing.merge(RisPage::default());
        assert!(!nothing.is_complete_for([&other]));
    }

    #[test]
    fn a_full_answer_with_rows_of_the_past_may_lack_some() {
        let rows: Vec<_> = (0..MOST_ROWS)
            .map(|n| RisDevice {
                name: format!("SEP{}", n / 2).parse().unwrap(),
                ..device("a", RisStatus::Registered, 10)
            })
            .collect();
        let page = |rows: Vec<RisDevice>| RisPage {
            total: i64::try_from(rows.len()).ok(),
            rows: rows.len(),
            devices: rows,
            ..RisPage::default()
        };
        let mut answer = RisAnswer::default();
        answer.merge(page(rows[..MOST_ROWS - 1].to_vec()));
        assert!(!answer.incomplete);
        answer.merge(page(rows));
        assert!(answer.incomplete);
    }

    #[test]
    fn a_silent_node_is_reported_once() {
        let silent = SilentNode { name: "sub2".into(), return_code: "NodeNotResponding".into() };
        let mut answer = RisAnswer::default();
        for _ in 0..2 {
            answer.merge(RisPage { silent: vec![silent.clone()], ..RisPage::default() });
        }
        assert_eq!(answer.silent_nodes, [silent]);
        assert_eq!(answer.questions, 2);
    }
}
