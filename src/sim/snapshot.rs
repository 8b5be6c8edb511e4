//! Copies the state of the cluster for tests.

use sha2::{Digest as _, Sha256};

use super::history::{PhoneRecord, Record, UserRecord};
use super::state::Cluster;
use super::values::{hex, setting_name};

impl Cluster {
    pub(crate) fn record(&self) -> Record {
        Record {
            users: self
                .listed_users()
                .map(|(_, user)| (user.userid.clone(), self.user_record(user)))
                .collect(),
            profiles: (self.profiles.entries.iter())
                .map(|entry| (entry.name.clone(), entry.value.spec.personalization))
                .collect(),
            phones: (self.order.iter())
                .map(|&at| (self.devices[at].spec.name.clone(), self.phone_record(at)))
                .collect(),
            requests: self.requests.clone(),
            writes: self.writes.clone(),
            changes: self.scheduled.done.clone(),
            most_pushes_in_flight: self.most_pushes_in_flight,
            most_at_once: self.most_at_once.clone(),
            violations: self.violations.clone(),
            decoy_visits: self.decoy_visits.clone(),
        }
    }

    fn user_record(&self, user: &super::state::User) -> UserRecord {
        let name = |&at: &usize| self.devices[at].spec.name.clone();
        UserRecord {
            kind: user.kind,
            devices: user.devices.iter().map(name).collect(),
            failed_logins: user.failed_logins,
            locked: user.state.locked(),
        }
    }

    pub(crate) fn phone_record(&self, at: usize) -> PhoneRecord {
        let device = &self.devices[at];
        let history = &self.histories[at];
        PhoneRecord {
            registration: device.registration(),
            personalization: device.spec.personalization,
            loaded_personalization: device.loaded.personalization,
            loaded_web_access: device.loaded.web_access,
            profile: self.profiles.entries[device.profile].name.clone(),
            vendor_config: device.vendor_settings().into_owned(),
            restarts: device.restarts,
            applied: history.applied,
            resets: history.resets,
            connections: history.connections,
            requests: history.requests.clone(),
            pushes: history.pushes.clone(),
            screenshots: history.screenshots,
            shown: history.shown.clone(),
            ring_tone: history.ring_tone.clone(),
            pressed: history.pressed.clone(),
            most_in_flight: history.most_in_flight,
        }
    }

    pub(crate) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut feed = |parts: &[&str]| {
            for part in parts {
                hash.update(part.len().to_be_bytes());
                hash.update(part.as_bytes());
            }
        };
        for (_, user) in self.listed_users() {
            feed(&["user", &user.userid, &format!("{:?} {:?}", user.kind, user.axl)]);
            // The password counts, but only as a digest of its own.
            let password = secrecy::ExposeSecret::expose_secret(&user.password);
            feed(&[&hex(&Sha256::digest(password))]);
            for &at in &user.devices {
                feed(&[&self.devices[at].spec.name]);
            }
        }
        for entry in &self.profiles.entries {
            let spec = &entry.value.spec;
            let flags = format!("{} {:?}", spec.background_image, spec.web_access);
            let setting = setting_name(spec.personalization);
            let settings = entry.value.vendor_settings();
            feed(&["profile", &entry.name, setting, &flags, &settings]);
            for (tag, text) in &entry.value.fields {
                feed(&["field", tag, text]);
            }
        }
        for device in self.order.iter().map(|&at| &self.devices[at]) {
            let spec = &device.spec;
            feed(&[
                "device",
                &spec.name,
                &spec.description,
                &spec.device_pool,
                &spec.profile,
                setting_name(spec.personalization),
                &format!("{:?} {:?} {}", spec.web_access, spec.authentication_url, spec.active),
                spec.secure_authentication_url.as_deref().unwrap_or_default(),
                &device.vendor_settings(),
            ]);
            let numbers: Vec<_> =
                device.written_lines.iter().flatten().map(|l| &l.number).collect();
            feed(&[
                "more",
                &format!("{:?} {:?} {numbers:?} {:?}", spec.owner, spec.css, device.fields),
            ]);
        }
        let web_access = format!("{:?}", self.config.fleet.enterprise_web_access);
        feed(&["enterprise", &web_access, &self.config.fleet.enterprise_vendor_config]);
        for (name, value) in &self.parameters {
            feed(&["parameter", name, value]);
        }
        hex(&hash.finalize())
    }
}
