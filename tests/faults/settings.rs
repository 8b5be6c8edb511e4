//! The settings of a cluster, compared exactly.

use std::collections::BTreeMap;

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::Record;

/// Every setting that the program could change, as the simulator holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The association list of every user, in its order.
    users: BTreeMap<String, Vec<String>>,
    profiles: BTreeMap<String, Setting>,
    phones: BTreeMap<String, Phone>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Phone {
    personalization: Setting,
    profile: String,
    vendor_config: String,
}

impl Settings {
    pub fn of(record: &Record) -> Self {
        let users = record.users.iter().map(|(id, user)| (id.clone(), user.devices.clone()));
        let phones = record.phones.iter().map(|(name, phone)| {
            let phone = Phone {
                personalization: phone.personalization,
                profile: phone.profile.clone(),
                vendor_config: phone.vendor_config.clone(),
            };
            (name.clone(), phone)
        });
        Self { users: users.collect(), profiles: record.profiles.clone(), phones: phones.collect() }
    }

    /// The same with lists in the order of names, for work that adds to them several times.
    pub fn sorted(mut self) -> Self {
        self.users.values_mut().for_each(|devices| devices.sort_unstable());
        self
    }

    /// Checks that each setting is either as it was before or as it is to be: nothing is lost, nothing half done.
    pub fn assert_between(&self, before: &Self, after: &Self) {
        assert_each("list of user", &self.users, &before.users, &after.users);
        assert_each("profile", &self.profiles, &before.profiles, &after.profiles);
        assert_each("phone", &self.phones, &before.phones, &after.phones);
    }
}

fn assert_each<T: Eq + std::fmt::Debug>(
    what: &str,
    now: &BTreeMap<String, T>,
    before: &BTreeMap<String, T>,
    after: &BTreeMap<String, T>,
) {
    assert!(now.keys().eq(before.keys()) || now.keys().eq(after.keys()), "a {what} is gone or new");
    for (name, setting) in now {
        let known = [before.get(name), after.get(name)];
        assert!(known.contains(&Some(setting)), "{what} {name}: {setting:?} is none of {known:?}");
    }
}
