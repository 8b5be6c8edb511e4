//! Who was sent what: attempts name the digest of what they sent.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::domain::text::{counted, names};
use crate::event::Outcome;
use crate::report::html::Of;
use crate::report::text::printable;

/// The phones of runs by what they were sent.
pub(crate) struct Receivers<'a> {
    sent: HashMap<&'a str, HashSet<Phone<'a>>>,
    verified: HashSet<Phone<'a>>,
    models: HashMap<Phone<'a>, &'a str>,
}

/// The place of its run, and its name: phones of two clusters can have the same name.
type Phone<'a> = (usize, &'a str);

impl<'a> Receivers<'a> {
    /// Finds them.
    pub(crate) fn of(runs: &[Of<'a>]) -> Self {
        let mut sent: HashMap<&str, HashSet<Phone<'_>>> = HashMap::new();
        let (mut verified, mut models) = (HashSet::new(), HashMap::new());
        for (at, run) in runs.iter().map(|of| of.run).enumerate() {
            for attempt in &run.attempts {
                sent.entry(&attempt.digest).or_default().insert((at, &attempt.phone));
            }
            for phone in &run.phones {
                let key = (at, phone.name.as_str());
                models.insert(key, phone.model.as_str());
                if phone.outcome == Outcome::Verified {
                    verified.insert(key);
                }
            }
        }
        Self { sent, verified, models }
    }

    /// Says how many phones got what has this digest.
    pub(crate) fn told(&self, digest: &str) -> String {
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
    pub(crate) fn models(&self, digest: &str) -> String {
        let phones = self.sent.get(digest).into_iter().flatten();
        let models: BTreeSet<&str> =
            phones.filter_map(|phone| self.models.get(phone).copied()).collect();
        printable(&names(&models.into_iter().collect::<Vec<_>>())).into_owned()
    }
}
