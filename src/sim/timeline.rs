//! Changes to the fleet while somebody reads it.

use std::collections::HashMap;

use super::content::PhoneSpec;
use super::state::Cluster;

/// Something that an administrator does to the fleet between two requests.
#[derive(Clone, Debug)]
pub enum Change {
    /// A device is added at this position of the order in which lists give them.
    Insert {
        /// How many devices stand before it.
        position: usize,
        /// The device.
        phone: Box<PhoneSpec>,
    },
    /// The device of this name is removed.
    Remove(String),
    /// The device of this name stands at another position from now on.
    Move {
        /// Its name.
        name: String,
        /// How many devices stand before it afterwards.
        position: usize,
    },
}

/// A change that was carried out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Changed {
    /// The operation after whose answer it happened.
    pub operation: String,
    /// Which answer it was, from 1.
    pub nth: u64,
    /// The device.
    pub device: String,
    /// Its position before, or nothing when it is new.
    pub from: Option<usize>,
    /// Its position afterwards, or nothing when it is gone.
    pub to: Option<usize>,
}

/// Changes to come, and those that have happened.
#[derive(Default)]
pub(crate) struct Timeline {
    waiting: Vec<(String, u64, Change)>,
    answers: HashMap<String, u64>,
    pub(crate) done: Vec<Changed>,
}

impl Timeline {
    /// Plans a change for after the `nth` answer to an operation.
    pub(crate) fn plan(&mut self, operation: &str, nth: u64, change: Change) {
        self.waiting.push((operation.to_owned(), nth, change));
    }
}

impl Cluster {
    /// Carries out what was planned for now, after another answer to `operation`.
    pub(crate) fn answered(&mut self, operation: &str) {
        let nth = self.timeline.answers.entry(operation.to_owned()).or_insert(0);
        *nth += 1;
        let nth = *nth;
        let due = |(of, when, _): &mut (String, u64, Change)| of == operation && *when == nth;
        let due: Vec<_> = self.timeline.waiting.extract_if(.., due).collect();
        for (operation, nth, change) in due {
            if let Some((device, from, to)) = self.change(change) {
                self.timeline.done.push(Changed { operation, nth, device, from, to });
            }
        }
    }

    /// Returns the device with its position before and afterwards; nothing if it cannot be done.
    fn change(&mut self, change: Change) -> Option<(String, Option<usize>, Option<usize>)> {
        match change {
            Change::Insert { position, phone } => {
                if self.device(&phone.name).is_some() {
                    return None;
                }
                let name = phone.name.clone();
                let at = self.add_phone(*phone);
                self.order.pop();
                let position = position.min(self.order.len());
                self.order.insert(position, at);
                Some((name, None, Some(position)))
            }
            Change::Remove(name) => {
                let at = self.device(&name)?;
                let from = self.remove_phone(at);
                Some((name, from, None))
            }
            Change::Move { name, position } => {
                let at = self.device(&name)?;
                let from = self.order.iter().position(|&found| found == at)?;
                self.order.remove(from);
                let position = position.min(self.order.len());
                self.order.insert(position, at);
                Some((name, Some(from), Some(position)))
            }
        }
    }
}
