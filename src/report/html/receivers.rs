//! Who was sent what: attempts name the digest of what they sent.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::domain::text::{counted, names};
use crate::event::Outcome;
use crate::report::chronicle::Chronicle;
use crate::report::text::printable;

/// The phones of a run by what they were sent.
pub(super) struct Receivers<'a> {
    sent: HashMap<&'a str, HashSet<&'a str>>,
    verified: HashSet<&'a str>,
    models: HashMap<&'a str, &'a str>,
}

impl<'a> Receivers<'a> {
    /// Finds them.
    pub(super) fn of(chronicle: &'a Chronicle) -> Self {
        let mut sent: HashMap<&str, HashSet<&str>> = HashMap::new();
        for attempt in &chronicle.attempts {
            sent.entry(&attempt.digest).or_default().insert(&attempt.phone);
        }
        let phones = || chronicle.phones.iter();
        let verified = phones().filter(|phone| phone.outcome == Outcome::Verified);
        Self {
            sent,
            verified: verified.map(|phone| phone.name.as_str()).collect(),
            models: phones().map(|phone| (phone.name.as_str(), phone.model.as_str())).collect(),
        }
    }

    /// Says how many phones got what has this digest.
    pub(super) fn told(&self, digest: &str) -> String {
        match self.sent.get(digest) {
            None => "sent to no phone".to_owned(),
            Some(phones) => format!(
                "pushed to {}, {} of them verified",
                counted(phones.len(), "phone"),
                phones.intersection(&self.verified).count()
            ),
        }
    }

    /// Says of which models those phones are; empty where there are none.
    pub(super) fn models(&self, digest: &str) -> String {
        let phones = self.sent.get(digest).into_iter().flatten();
        let models: BTreeSet<&str> =
            phones.filter_map(|phone| self.models.get(phone).copied()).collect();
        printable(&names(&models.into_iter().collect::<Vec<_>>())).into_owned()
    }
}
