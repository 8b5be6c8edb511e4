//! Phones that take the place of others: a new device with the directory number, the description or the owner of one that
//! is gone.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Phone;
use crate::journal::KnownPhone;
use crate::watch::state::LookScope;

/// By what people know a phone.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Identity {
    extension: Option<Box<str>>,
    description: Box<str>,
    owner: Option<Box<str>>,
}

impl Identity {
    fn of(phone: &Phone) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(Box::from);
        Self {
            extension: text(&phone.extension),
            description: phone.description.trim().into(),
            owner: text(&phone.owner),
        }
    }

    /// Returns how much speaks for it that this phone replaces the other one.
    fn likeness(&self, other: &Self) -> u8 {
        let extension = self.extension.is_some() && self.extension == other.extension;
        let description = !self.description.is_empty() && self.description == other.description;
        let owner = self.owner.is_some() && self.owner == other.owner;
        4 * u8::from(extension) + 2 * u8::from(description) + u8::from(owner)
    }
}

/// A phone that took the place of another one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Replaced {
    /// The new phone.
    pub new: DeviceName,
    /// The one that is gone.
    pub old: DeviceName,
}

/// What a look found out about new phones.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NewPhones {
    /// Those that took the place of others.
    pub replaced: Vec<Replaced>,
    /// Phones that new ones are like. A look finds out whether they are gone.
    pub suspects: Vec<DeviceName>,
}

/// The phones of a cluster, by what people know them by.
#[derive(Debug, Default)]
pub struct Identities {
    known: BTreeMap<DeviceName, Identity>,
    /// The last phones that are gone.
    gone: Vec<(DeviceName, Identity)>,
    /// New phones that nothing was found for yet, and whether the next look is about phones that they are like.
    new: BTreeMap<DeviceName, bool>,
    /// The phones of which the journal has something else.
    unsaved: BTreeSet<DeviceName>,
}

impl Identities {
    /// Makes them of what the journal has of the last watch.
    pub fn of(phones: Vec<KnownPhone>) -> Self {
        let mut this = Self::default();
        for KnownPhone { name, extension, description, owner, is_gone } in phones {
            let text = |text: Option<String>| text.map(String::into_boxed_str);
            let (extension, owner) = (text(extension), text(owner));
            let identity = Identity { extension, description: description.into(), owner };
            match is_gone {
                true => this.gone.push((name, identity)),
                false => drop(this.known.insert(name, identity)),
            }
        }
        this
    }

    /// Returns the phones of which the journal has something else, and those that it has to forget, until they are
    /// [written](Self::saved).
    pub fn unsaved(&self) -> (Vec<KnownPhone>, Vec<DeviceName>) {
        let (mut phones, mut forgotten) = (Vec::new(), Vec::new());
        for name in &self.unsaved {
            let known = self.known.get(name);
            let gone = || self.gone.iter().find(|(gone, _)| gone == name);
            match known.or_else(|| gone().map(|(_, identity)| identity)) {
                Some(identity) => phones.push(KnownPhone {
                    is_gone: known.is_none(),
                    extension: identity.extension.as_deref().map(str::to_owned),
                    description: identity.description.to_string(),
                    owner: identity.owner.as_deref().map(str::to_owned),
                    name: name.clone(),
                }),
                None => forgotten.push(name.clone()),
            }
        }
        (phones, forgotten)
    }

    /// Takes in that the journal has all of them.
    pub fn saved(&mut self) {
        self.unsaved.clear();
    }

    /// Takes in the phones that a look found.
    pub fn looked(&mut self, scope: &LookScope, phones: &[Phone]) -> NewPhones {
        let is_first = self.known.is_empty();
        let seen: BTreeSet<&DeviceName> = phones.iter().map(|phone| &phone.name).collect();
        let gone: Vec<DeviceName> = match scope {
            LookScope::Nothing => return NewPhones::default(),
            LookScope::Whole => {
                self.known.keys().filter(|name| !seen.contains(name)).cloned().collect()
            }
            LookScope::Named(names) => {
                names.iter().filter(|name| !seen.contains(name)).cloned().collect()
            }
        };
        for name in gone {
            self.new.remove(&name);
            self.gone.extend(self.known.remove_entry(&name));
            self.unsaved.insert(name);
        }
        let oldest = self.gone.drain(..self.gone.len().saturating_sub(MOST));
        self.unsaved.extend(oldest.map(|(name, _)| name));
        for phone in phones {
            let identity = Identity::of(phone);
            if self.known.get(&phone.name) == Some(&identity) {
                continue;
            }
            self.unsaved.insert(phone.name.clone());
            let is_new = self.known.insert(phone.name.clone(), identity).is_none();
            if is_new && !is_first {
                self.gone.retain(|(name, _)| *name != phone.name);
                self.new.insert(phone.name.clone(), false);
            }
        }
        self.match_new()
    }

    fn match_new(&mut self) -> NewPhones {
        let mut found = NewPhones::default();
        let few = self.new.len() <= MOST;
        for (new, was_asked) in std::mem::take(&mut self.new) {
            let Some(identity) = self.known.get(&new) else { continue };
            let best = self.gone.iter().enumerate();
            let best = best.map(|(at, (_, old))| (identity.likeness(old), at));
            if let Some((1.., at)) = best.max() {
                let (old, _) = self.gone.remove(at);
                self.unsaved.insert(old.clone());
                found.replaced.push(Replaced { new, old });
                continue;
            }
            let is_like = |(name, old): &(&DeviceName, &Identity)| {
                **name != new && identity.likeness(old) > 0
            };
            let suspects = self.known.iter().filter(|_| few && !was_asked).filter(is_like);
            let suspects: Vec<DeviceName> =
                suspects.take(MOST_SUSPECTS).map(|(name, _)| name.clone()).collect();
            if !suspects.is_empty() {
                found.suspects.extend(suspects);
                self.new.insert(new, true);
            }
        }
        found
    }
}

/// So many phones that are gone are remembered, and so many new ones compared with all others.
const MOST: usize = 100;

/// A new phone can be like many others, such as those of one owner.
const MOST_SUSPECTS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::registration::{Registration, Source, Status};

    fn phone(n: u32, extension: &str, description: &str) -> Phone {
        let registration = Registration::unknown(Status::Unknown, Source::None);
        Phone {
            extension: (!extension.is_empty()).then(|| extension.to_owned()),
            description: description.to_owned(),
            ..Phone::unknown(name(n), registration)
        }
    }

    fn name(n: u32) -> DeviceName {
        format!("SEP{n:012}").parse().unwrap()
    }

    fn named(ns: &[u32]) -> LookScope {
        LookScope::Named(ns.iter().map(|n| name(*n)).collect())
    }

    /// Phones 1 to 3, as the first look found them.
    fn identities() -> Identities {
        let mut identities = Identities::default();
        let phones = [phone(1, "1001", "Lobby"), phone(2, "1002", "Hall"), phone(3, "", "")];
        assert_eq!(identities.looked(&LookScope::Whole, &phones), NewPhones::default());
        identities
    }

    fn replaced(new: u32, old: u32) -> NewPhones {
        let replaced = vec![Replaced { new: name(new), old: name(old) }];
        NewPhones { replaced, suspects: Vec::new() }
    }

    #[test]
    fn a_look_at_all_phones_finds_who_replaces_whom() {
        let mut identities = identities();
        let phones = [phone(2, "1002", "Hall"), phone(3, "", ""), phone(9, "1001", "Desk")];
        assert_eq!(identities.looked(&LookScope::Whole, &phones), replaced(9, 1));
        assert_eq!(identities.looked(&LookScope::Whole, &phones), NewPhones::default());
    }

    #[test]
    fn the_next_watch_knows_what_this_one_knew() {
        let mut before = identities();
        let (all, forgotten) = before.unsaved();
        assert_eq!((all.len(), forgotten.len()), (3, 0));
        // Until the journal has them.
        assert_eq!(before.unsaved(), (all.clone(), forgotten));
        before.saved();
        assert_eq!(before.unsaved(), (Vec::new(), Vec::new()));
        before.looked(&named(&[1, 2]), &[phone(2, "1002", "Aula")]);
        let (changed, forgotten) = before.unsaved();
        let rows: Vec<_> = changed.iter().map(|one| (&one.name, one.is_gone)).collect();
        assert_eq!((rows, forgotten.len()), (vec![(&name(1), true), (&name(2), false)], 0));
        let mut next = Identities::of([changed, vec![all[2].clone()]].concat());
        let phones = [phone(2, "1002", "Aula"), phone(3, "", ""), phone(9, "1001", "Desk")];
        assert_eq!(next.looked(&LookScope::Whole, &phones), replaced(9, 1));
        let (changed, forgotten) = next.unsaved();
        assert_eq!((changed.len(), forgotten), (1, vec![name(1)]));
    }

    #[test]
    fn a_look_at_the_new_phone_alone_asks_whether_the_other_one_is_gone() {
        let mut gone = identities();
        let suspects = vec![name(1)];
        let asks = NewPhones { replaced: Vec::new(), suspects };
        assert_eq!(gone.looked(&named(&[9]), &[phone(9, "", "Lobby")]), asks);
        assert_eq!(gone.looked(&named(&[1]), &[]), replaced(9, 1));
        // It is still there, so the new phone replaces none.
        let mut beside = identities();
        assert_eq!(beside.looked(&named(&[9]), &[phone(9, "", "Lobby")]), asks);
        let there = beside.looked(&named(&[1]), &[phone(1, "1001", "Lobby")]);
        assert_eq!(there, NewPhones::default());
    }

    #[test]
    fn nothing_in_common_and_nothing_at_all_replace_no_phone() {
        let mut identities = identities();
        let phones = [phone(1, "1001", "Lobby"), phone(2, "1002", "Hall"), phone(9, "", "")];
        assert_eq!(identities.looked(&LookScope::Whole, &phones), NewPhones::default());
        let phones = [phone(1, "1001", "Lobby"), phone(9, "", ""), phone(8, "1009", "Roof")];
        assert_eq!(identities.looked(&LookScope::Whole, &phones), NewPhones::default());
    }
}
