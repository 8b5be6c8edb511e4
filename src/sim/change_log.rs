//! The record that `listChange` reads: what changed in the configuration, in order.
//!
//! It is kept in memory, holds so many changes at most, and begins anew with another queue when Tomcat restarts, as on
//! a real cluster (AXL Developer Guide, "Data Change Notification").

use std::collections::VecDeque;

use super::config::ChangeCache;

#[derive(Clone, Debug)]
pub(crate) struct ChangeLog {
    /// How often it began anew.
    restarts: u32,
    /// How many changes are kept.
    capacity: usize,
    /// The number of the first change that is still there.
    first: u64,
    entries: VecDeque<LoggedChange>,
}

#[derive(Clone, Debug)]
pub(crate) struct LoggedChange {
    /// A name of the enumeration `XChangeType`.
    pub(crate) kind: &'static str,
    pub(crate) uuid: String,
    /// `a` for added, `u` for updated, `r` for removed.
    pub(crate) action: char,
    pub(crate) tags: Vec<ChangedTag>,
}

/// A field that changed.
#[derive(Clone, Debug)]
pub(crate) struct ChangedTag {
    pub(crate) name: String,
    /// Its new value; nothing for a list, and for a secret.
    pub(crate) value: Option<String>,
}

impl ChangedTag {
    pub(crate) fn new(name: &str, value: impl Into<Option<String>>) -> Self {
        Self { name: name.to_owned(), value: value.into() }
    }
}

impl ChangeLog {
    pub(crate) fn new(cache: ChangeCache) -> Self {
        Self { restarts: 0, capacity: cache.capacity, first: 1, entries: VecDeque::new() }
    }

    pub(crate) fn add(&mut self, change: LoggedChange) {
        self.entries.push_back(change);
        if self.entries.len() > self.capacity {
            self.entries.pop_front();
            self.first += 1;
        }
    }

    /// Begins anew: all that was known of earlier numbers is useless.
    pub(crate) fn restart(&mut self) {
        self.restarts += 1;
        self.first = 1;
        self.entries.clear();
    }

    /// Loses all changes, and as many numbers, as after more changes than it can hold.
    pub(crate) fn overrun(&mut self) {
        self.first += self.entries.len() as u64 + 1;
        self.entries.clear();
    }

    pub(crate) fn queue_id(&self) -> String {
        format!("Sim4Q7x{}", self.restarts + 1)
    }

    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Returns the number of the last change; one less than the first where there is none.
    pub(crate) fn last(&self) -> u64 {
        self.first + self.entries.len() as u64 - 1
    }

    /// Returns the changes from a number on, with their numbers; nothing where they are no longer there or not there
    /// yet.
    pub(crate) fn from(&self, id: u64) -> Option<impl Iterator<Item = (u64, &LoggedChange)>> {
        let skip = usize::try_from(id.checked_sub(self.first)?).ok()?;
        (skip <= self.entries.len()).then(|| (id..).zip(self.entries.iter().skip(skip)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(uuid: &str) -> LoggedChange {
        LoggedChange { kind: "Phone", uuid: uuid.to_owned(), action: 'u', tags: Vec::new() }
    }

    #[test]
    fn changes_have_numbers_until_they_fall_out() {
        const MOST: usize = 50;
        let mut log = ChangeLog::new(ChangeCache { capacity: MOST, ..ChangeCache::default() });
        assert_eq!((log.first(), log.last()), (1, 0));
        assert_eq!(log.from(1).unwrap().count(), 0);
        for k in 0..MOST + 5 {
            log.add(change(&k.to_string()));
        }
        assert_eq!((log.first(), log.last()), (6, MOST as u64 + 5));
        assert!(log.from(5).is_none());
        let (id, first) = log.from(6).unwrap().next().unwrap();
        assert_eq!((id, first.uuid.as_str()), (6, "5"));
        assert!(log.from(log.last() + 1).is_some() && log.from(log.last() + 2).is_none());
        let last = log.last();
        log.overrun();
        assert!(log.from(last + 1).is_none() && log.first() == log.last() + 1);
        let queue = log.queue_id();
        log.restart();
        assert_eq!((log.first(), log.last()), (1, 0));
        assert_ne!(log.queue_id(), queue);
    }
}
