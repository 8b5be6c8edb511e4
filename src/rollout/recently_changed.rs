//! Phones about which something was changed only a moment ago.

use std::collections::HashSet;

use crate::domain::audit::Audit;
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Inventory;
use crate::domain::payload_kind::ObjectKind;
use crate::domain::plan::{ConfigLevel, Plan};
use crate::push::{self, Target};

/// Phones that may refuse the push user for a while, because something about them was just changed.
#[derive(Debug, Default)]
pub struct RecentlyChanged {
    names: HashSet<String>,
}

impl RecentlyChanged {
    /// Those that the plan changes.
    pub fn of(plan: &Plan, inventory: &Inventory) -> Self {
        let mut names = HashSet::new();
        let mut profiles = HashSet::new();
        for change in &plan.changes {
            names.extend(change.action.added_devices().iter().cloned());
            // Whatever else is changed is applied by one of those.
            match change.action.told() {
                Some((ConfigLevel::Phone, name)) => drop(names.insert(name.to_owned())),
                Some((ConfigLevel::Profile, name)) => drop(profiles.insert(name)),
                None => {}
            }
        }
        let users = inventory.phones.iter().filter(|phone| {
            phone.common_phone_profile.as_deref().is_some_and(|name| profiles.contains(name))
        });
        names.extend(users.map(|phone| phone.name.to_string()));
        Self { names }
    }

    /// Adds others.
    #[must_use]
    pub fn and(mut self, others: impl IntoIterator<Item = String>) -> Self {
        self.names.extend(others);
        self
    }

    /// Chooses the phones that are pushed to.
    pub fn targets(&self, object: ObjectKind, inventory: &Inventory, audit: &Audit) -> Vec<Target> {
        let is_fresh = |name: &DeviceName| self.names.contains(name.as_str());
        push::targets(object, audit, is_fresh, inventory.enterprise.authentication_url.is_some())
    }
}
