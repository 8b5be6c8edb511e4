//! What an inventory is like once changes are on the cluster.

use std::collections::HashMap;

use crate::domain::association::DeviceList;
use crate::domain::inventory::{Inventory, Phone, PushUser};
use crate::domain::plan::{Action, Change, ConfigLevel};
use crate::domain::registration::Httpd;
use crate::domain::web_access::WebAccess;

/// Returns the inventory as it is once the changes are on the cluster.
///
/// Where a list was read back, that list counts, and not the one that was meant to be written. What a
/// phone's web server does is not known until the phone has registered again.
#[must_use]
pub fn after_apply<'a>(
    mut inventory: Inventory,
    changes: impl IntoIterator<Item = (&'a Change, Option<&'a DeviceList>)>,
) -> Inventory {
    let places: HashMap<String, usize> =
        inventory.phones.iter().map(|phone| phone.name.to_string()).zip(0..).collect();
    for (change, read_back) in changes {
        let mut phone = |name: &String, change: &dyn Fn(&mut Phone)| {
            if let Some(phone) = places.get(name).and_then(|at| inventory.phones.get_mut(*at)) {
                change(phone);
            }
        };
        match &change.action {
            Action::AssociateDevices { target, after, .. }
            | Action::DissociateDevices { target, after, .. } => {
                if let PushUser::Found { user, devices, .. } = &mut inventory.push_user
                    && user == target
                {
                    *devices = read_back.unwrap_or(after).clone();
                }
            }
            Action::EnablePersonalization(to) | Action::RestorePersonalization(to) => {
                match to.scope {
                    ConfigLevel::Phone => {
                        phone(&to.target, &|phone| phone.personalization = Some(to.after));
                    }
                    ConfigLevel::Profile => {
                        if let Some(profile) = inventory.profiles.get_mut(&to.target) {
                            profile.personalization = Some(to.after);
                        }
                    }
                }
            }
            Action::EnableWebAccess(to) | Action::RestoreWebAccess(to) => {
                phone(&to.target, &|phone| {
                    let said = to.after.web_access.as_deref().and_then(WebAccess::parse);
                    phone.web_access = said.into();
                    phone.page = Some(to.after.clone());
                    phone.registration.httpd = Httpd::Unknown;
                });
            }
            Action::AddProfile { target, source, after, .. } => {
                let copy = inventory.profiles.get(source).cloned();
                let mut copy = copy.unwrap_or_default();
                copy.personalization = Some(*after);
                copy.phones = 0;
                inventory.profiles.insert(target.clone(), copy);
            }
            Action::RemoveProfile { target, .. } => {
                inventory.profiles.remove(target);
            }
            Action::AssignProfile { target, after, .. } => {
                phone(target, &|phone| {
                    phone.common_phone_profile = Some(after.clone());
                });
            }
            Action::ApplyConfig { .. } => {}
        }
    }
    inventory
}
