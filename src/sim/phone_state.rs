//! What a phone has besides its configuration: its address, the picture that it shows, and its successor.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::fleet_content::{Address, PhoneSpec, Quirk, Registration, loopback_address};
use super::history::Shown;
use super::phones::screen::picture_size;
use super::scheduled_change::Change;
use super::state::Cluster;
use super::values::{hex, pkid, uuid};

impl Cluster {
    /// Returns the removal of a device, and the addition of another one with its settings.
    pub(crate) fn replacement(&self, name: &str, by: Option<&str>) -> Option<Vec<Change>> {
        let at = self.device(name)?;
        let device = &self.devices[at];
        let made_up = || {
            let digits = pkid(&uuid("replacement", &format!("{name} {}", self.devices.len())));
            format!("SEP{}", digits.replace('-', "")[..12].to_uppercase())
        };
        let name = by.map_or_else(made_up, str::to_owned);
        if self.device(&name).is_some() {
            return None;
        }
        let phone = PhoneSpec {
            name,
            extension: Some(device.extension(at).unwrap_or_default()),
            registration: Registration::Registered,
            stale_node: None,
            address: Address::None,
            reported_address: None,
            login_user: None,
            quirk: Quirk::Normal,
            ..device.spec.clone()
        };
        let position = usize::MAX;
        let added = Change::Insert { position, phone: Box::new(phone) };
        Some(vec![Change::Remove(device.spec.name.clone()), added])
    }

    /// Returns an address that no phone has.
    pub(crate) fn free_address(&self) -> Address {
        let from = u32::try_from(self.devices.len()).unwrap_or(0);
        let all = (from..).map(|k| loopback_address(ADDED, k));
        let mut free = all.filter(|address| !self.addresses.contains_key(address));
        free.next().map_or(Address::None, Address::V4)
    }

    pub(crate) fn set_address(&mut self, at: usize, address: Address) {
        self.addresses.retain(|_, device| *device != at);
        if let Some(address) = address.v4() {
            self.addresses.insert(address, at);
        }
        self.device_mut(at).spec.address = address;
    }

    /// Shows a picture, a PNG file, on a phone. Returns whether it is one.
    pub(crate) fn show(&mut self, at: usize, png: Vec<u8>) -> bool {
        let Some(size) = picture_size(&png) else { return false };
        let sha256 = hex(&Sha256::digest(&png));
        self.files.insert(sha256.clone(), png.into());
        self.histories[at].shown = Some(Shown { sha256, size });
        true
    }

    /// Returns the file of the picture that a phone shows.
    pub(crate) fn shown_file(&self, at: usize) -> Option<Bytes> {
        self.files.get(&self.histories[at].shown.as_ref()?.sha256).cloned()
    }
}

/// The network of phones that are added later: 127.`ADDED`.0.0/16.
const ADDED: u8 = 150;
