//! Makes up a believable fleet, the same one for the same seed.

mod names;
mod random;

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

pub(crate) use random::Random;

use super::fleet_content::{
    Address, CTI_PORT, Fleet, Httpd, NO_URL, PhoneSpec, Quirk, Registration, loopback_address,
};
use crate::domain::model::{self, DeviceKind};
use crate::domain::personalization::Setting;

#[derive(Clone, Copy, Debug)]
pub struct FleetSpec {
    pub seed: u64,
    /// How many phones: up to 100,000. Twelve CTI ports and a template come on top.
    pub phones: u32,
}

impl FleetSpec {
    /// Makes up a fleet of ten device pools and seven profiles, where most phones lack nothing but the
    /// association, and the others show every obstacle.
    ///
    /// About 3 % of the phones that take a background misbehave. From 60 phones on there is at least one phone of every
    /// kind and of every model that takes a push, so that in a small fleet most phones have something; among the others
    /// are a 79xx and an 8941 or 8945 that take one.
    pub fn generate(&self) -> Fleet {
        let mut maker = Maker { random: Random::new(self.seed), names: HashSet::new() };
        let mut fleet = Fleet {
            profiles: names::profiles(),
            device_pools: names::POOLS.iter().map(|(pool, _)| pool.name.to_owned()).collect(),
            nodes: ["cucm-pub", "cucm-sub1", "cucm-sub2"].map(str::to_owned).to_vec(),
            ..Fleet::default()
        };
        let mut used = [0; names::POOLS.len()];
        for _ in 0..self.phones {
            fleet.phones.push(maker.phone(&mut used));
        }
        let has_every_trait = self.phones >= EVERY_TRAIT;
        if has_every_trait {
            add_backgrounds(&mut fleet.phones);
            add_models(&mut fleet.phones);
        }
        // The phones that could be pushed to, in a random order: what is wrong is dealt out to them.
        let mut ready: Vec<usize> =
            (0..fleet.phones.len()).filter(|&at| takes_background(&fleet.phones[at])).collect();
        maker.random.shuffle(&mut ready);
        let for_certain = if has_every_trait { TRAITS.len() } else { ready.len() / 3 };
        let ordinary = deal(&mut fleet.phones, &ready, for_certain, &mut maker.random);
        maker.associate(&mut fleet);
        if has_every_trait {
            let mut ordinary = ordinary.to_vec();
            add_ordinary(&mut fleet, &mut ordinary, &[404, 434, 435, 436, 437]);
            add_ordinary(&mut fleet, &mut ordinary, &[585, 586]);
        }
        fleet
    }

    /// Makes `phones` ready phones: registered Cisco 8841 that behave, all associated with the
    /// application user that pushes.
    pub fn clean(phones: u32) -> Fleet {
        let mut fleet = Fleet { device_pools: vec!["HQ".to_owned()], ..Fleet::default() };
        for k in 0..phones {
            let mut phone = PhoneSpec::new(format!("SEP00FACE{k:06X}"), 683);
            phone.address = Address::V4(loopback_address(1, k));
            fleet.push_devices.push(phone.name.clone());
            fleet.phones.push(phone);
        }
        fleet
    }
}

impl Default for FleetSpec {
    fn default() -> Self {
        Self { seed: 2026, phones: 200 }
    }
}

struct Maker {
    random: Random,
    names: HashSet<String>,
}

impl Maker {
    fn phone(&mut self, used: &mut [u32; names::POOLS.len()]) -> PhoneSpec {
        let model = *self.random.weighted(&names::MODELS);
        let pools: Vec<(usize, usize)> =
            names::POOLS.iter().enumerate().map(|(at, (_, share))| (at, *share)).collect();
        let pool = *self.random.weighted(&pools);
        let owner = self.random.percent(60).then(|| {
            let letter = char::from(b'a' + u8::try_from(self.random.below(26)).unwrap_or(0));
            let family = self.random.pick(&names::FAMILIES);
            format!("{letter}{family}{}", self.random.below(100))
        });
        let name = self.name(model, owner.as_deref());
        let mut phone = PhoneSpec::new(name, model);
        let place = self.random.pick(&names::PLACES);
        phone.description = match &owner {
            Some(owner) => format!("{place} {owner}"),
            None => format!("{place} {}", self.random.below(900) + 100),
        };
        phone.owner = owner;
        phone.device_pool = names::POOLS[pool].0.name.to_owned();
        phone.location = names::POOLS[pool].0.location.to_owned();
        phone.profile = (*self.random.weighted(&names::ORDINARY_PROFILES)).to_owned();
        phone.css = self.random.percent(80).then(|| format!("CSS-{}", phone.location));
        phone.node = if self.random.percent(50) { 1 } else { 2 };
        phone.protocol = names::protocol(model);
        // Each pool is a network of its own.
        let network = u8::try_from(pool + 1).unwrap_or(1);
        phone.address = Address::V4(loopback_address(network, used[pool]));
        used[pool] += 1;
        names::firmware(&mut phone);
        phone
    }

    fn name(&mut self, model: u32, owner: Option<&str>) -> String {
        loop {
            let mac = format!(
                "{}{:06X}",
                self.random.pick(&names::MAKERS),
                self.random.next() & 0xff_ffff
            );
            let name = match model {
                // Soft phones carry their user's name, some of them in lower case.
                503 => match owner {
                    Some(owner) if self.random.percent(30) => format!("csf{owner}"),
                    Some(owner) => format!("CSF{}", owner.to_uppercase()),
                    None => format!("CSF{mac}"),
                },
                562 => format!("TCT{mac}"),
                36262 => format!("ATA{mac}"),
                30027 => format!("AN{mac}{:03}", self.random.below(24)),
                _ => format!("SEP{mac}"),
            };
            if self.names.insert(name.to_lowercase()) {
                return name;
            }
            // The owner has a soft phone already: the next turn may still find another name.
            if let (503, Some(owner)) = (model, owner) {
                let name = format!("CSF{}{}", owner.to_uppercase(), self.random.below(1000));
                if self.names.insert(name.to_lowercase()) {
                    return name;
                }
            }
        }
    }

    /// Associates part of the fleet with the users that push, beside devices that must stay theirs.
    fn associate(&mut self, fleet: &mut Fleet) {
        for k in 1..=CTI_PORTS {
            // CTI ports and lower-case names, as contact centres have them.
            let name =
                if k % 2 == 0 { format!("UCCX_CTI_{k:02}") } else { format!("ivr_port_{k:02}") };
            let mut port = PhoneSpec::new(name.clone(), CTI_PORT);
            port.description = "Contact center port".to_owned();
            port.device_pool = names::POOLS[0].0.name.to_owned();
            // The cluster reports the address of the application that has opened it.
            port.reported_address = Some(CONTACT_CENTER);
            port.active_load = String::new();
            fleet.phones.push(port);
            if k <= 8 {
                fleet.push_devices.push(name);
            } else {
                fleet.push_end_user_devices.push(name);
            }
        }
        let mut template = PhoneSpec::new("Auto_8841_Template", 683);
        template.template = true;
        template.registration = Registration::NeverSeen;
        fleet.phones.push(template);
        for phone in &fleet.phones {
            let kind = model::by_number(phone.model).map(|model| model.kind);
            let (push, push_end_user) = match kind {
                Some(DeviceKind::DeskPhone) if !phone.template => {
                    (self.random.percent(45), self.random.percent(15))
                }
                Some(DeviceKind::SoftPhone) => (self.random.percent(30), false),
                Some(
                    DeviceKind::DeskPhone
                    | DeviceKind::Analog
                    | DeviceKind::ThirdParty
                    | DeviceKind::Video
                    | DeviceKind::Virtual,
                )
                | None => (false, false),
            };
            if push {
                fleet.push_devices.push(phone.name.clone());
            }
            if push_end_user {
                fleet.push_end_user_devices.push(phone.name.clone());
            }
        }
        self.random.shuffle(&mut fleet.push_devices);
    }
}

/// Something that is dealt out to phones: how many of a thousand get it, and what it does.
type Trait = (usize, fn(&mut PhoneSpec, &mut Random));

fn takes_background(phone: &PhoneSpec) -> bool {
    model::by_number(phone.model).is_some_and(|model| model.image.is_some())
}

/// Turns desk phones without a background into others until there are enough for every trait.
fn add_backgrounds(phones: &mut [PhoneSpec]) {
    let ready = phones.iter().filter(|phone| takes_background(phone)).count();
    let is_desk_phone = |phone: &PhoneSpec| {
        model::by_number(phone.model).is_some_and(|model| model.kind == DeviceKind::DeskPhone)
    };
    let others = phones.iter_mut().filter(|phone| !takes_background(phone) && is_desk_phone(phone));
    for phone in others.take(ENOUGH.saturating_sub(ready)) {
        set_model(phone, 683);
    }
}

/// Makes sure that every model that takes a background is there.
fn add_models(phones: &mut [PhoneSpec]) {
    for (number, _) in names::MODELS {
        let count = |model: u32| phones.iter().filter(|phone| phone.model == model).count();
        if count(number) > 0 || model::by_number(number).is_none_or(|model| model.image.is_none()) {
            continue;
        }
        // The most frequent one has a phone to spare.
        let takes = |phone: &&PhoneSpec| takes_background(phone);
        let frequent =
            phones.iter().filter(takes).map(|phone| phone.model).max_by_key(|&m| (count(m), m));
        let spare = phones.iter().rposition(|phone| Some(phone.model) == frequent);
        if let Some(at) = spare {
            set_model(&mut phones[at], number);
        }
    }
}

/// Makes sure that one of these phones is of one of these models and that the application user may push to it; takes it
/// out of the list.
fn add_ordinary(fleet: &mut Fleet, ordinary: &mut Vec<usize>, models: &[u32]) {
    let may_push = |at: usize| fleet.push_devices.contains(&fleet.phones[at].name);
    let is_one = |at: usize| models.contains(&fleet.phones[at].model);
    let place = |is: &dyn Fn(usize) -> bool| ordinary.iter().position(|&at| is(at));
    let found = place(&|at| is_one(at) && may_push(at)).or_else(|| place(&is_one));
    let Some(place) = found.or_else(|| ordinary.len().checked_sub(1)) else { return };
    let at = ordinary.remove(place);
    let model = fleet.phones[at].model;
    if !models.contains(&model) {
        // It changes places with one that has something else.
        let other =
            |phone: &PhoneSpec| models.contains(&phone.model) && !phone.active_load.contains("MPP");
        if let Some(other) = fleet.phones.iter().position(other) {
            let number = fleet.phones[other].model;
            set_model(&mut fleet.phones[other], model);
            set_model(&mut fleet.phones[at], number);
        }
    }
    let phone = &fleet.phones[at];
    if !fleet.push_devices.contains(&phone.name) {
        fleet.push_devices.push(phone.name.clone());
    }
}

fn set_model(phone: &mut PhoneSpec, model: u32) {
    phone.model = model;
    phone.model_name = PhoneSpec::new("", model).model_name;
    phone.protocol = names::protocol(model);
    names::firmware(phone);
}

/// Deals the traits out, no phone getting two. The first `for_certain` traits of the table are there at least once;
/// beyond that the shares decide. Returns the phones that got none.
fn deal<'a>(
    phones: &mut [PhoneSpec],
    ready: &'a [usize],
    mut for_certain: usize,
    random: &mut Random,
) -> &'a [usize] {
    let mut left = ready;
    for &(share, apply) in TRAITS {
        let mut count = ready.len() * share / 1000;
        if count == 0 && for_certain > 0 {
            count = 1;
            for_certain -= 1;
        }
        let (taken, rest) = left.split_at(count.min(left.len()));
        left = rest;
        for &at in taken {
            apply(&mut phones[at], random);
        }
    }
    // Two phones with one address: a copy of another one's, which keeps it.
    let pairs = (ready.len() / 300).max(1);
    let (special, ordinary) = left.split_at((6 * pairs).min(left.len()));
    let mut left = special.chunks_exact(2);
    for pair in left.by_ref().take(pairs) {
        phones[pair[1].max(pair[0])].address = phones[pair[0].min(pair[1])].address;
    }
    // Phones at home, which the cluster reports with the address of their Expressway.
    for &at in left.by_ref().take(pairs).flatten() {
        phones[at].reported_address = Some(EXPRESSWAY);
    }
    // Phones on which somebody has logged in by Extension Mobility.
    for &at in left.take(pairs).flatten() {
        let user = phones[at].owner.clone();
        phones[at].login_user = Some(user.unwrap_or_else(|| "guest".to_owned()));
    }
    ordinary
}

/// From how many phones on a fleet has every trait.
const EVERY_TRAIT: u32 = 60;

/// How many phones take a background then: one for each trait, three pairs, and some without any.
const ENOUGH: usize = TRAITS.len() + 6 + 7;

/// How many CTI ports a fleet has.
const CTI_PORTS: u32 = 12;

/// The address that the cluster reports for phones behind an Expressway. No phone has it.
const EXPRESSWAY: Ipv4Addr = Ipv4Addr::new(127, 200, 0, 10);

/// The address of the application that has opened the CTI ports. No phone has it.
const CONTACT_CENTER: Ipv4Addr = Ipv4Addr::new(127, 200, 0, 20);

const TRAITS: &[Trait] = &[
    (8, |phone, _| phone.quirk = Quirk::AcceptsButNeverFetches),
    (7, |phone, _| phone.quirk = Quirk::ErrorWithOk { number: 3 }),
    (5, |phone, _| phone.quirk = Quirk::Resets),
    (25, |phone, random| {
        phone.registration = Registration::UnRegistered;
        if random.percent(50) {
            phone.address = Address::None;
        }
    }),
    (5, |phone, _| phone.profile = names::PROFILE_DISABLED.to_owned()),
    (5, |phone, _| phone.profile = names::PROFILE_HTTPS.to_owned()),
    (5, |phone, _| phone.profile = names::PROFILE_FORCED.to_owned()),
    (5, |phone, _| phone.profile = names::PROFILE_NO_WEB.to_owned()),
    (8, |phone, _| {
        phone.registration = Registration::NeverSeen;
        phone.address = Address::None;
    }),
    (5, |phone, _| phone.registration = Registration::Rejected),
    (5, |phone, _| phone.registration = Registration::PartiallyRegistered),
    (8, |phone, _| phone.web_access = Some(false)),
    (20, |phone, random| phone.description = (*random.pick(&names::HOSTILE)).to_owned()),
    (8, |phone, _| phone.personalization = Setting::Enabled),
    (5, |phone, _| phone.personalization = Setting::Disabled),
    (8, |phone, _| phone.stale_node = Some(0)),
    (3, |phone, _| phone.address = Address::None),
    (3, |phone, random| {
        let tail = u16::try_from(random.below(0xffff)).unwrap_or(1);
        phone.address = Address::V6Only(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, tail));
    }),
    (5, |phone, _| phone.httpd = Some(Httpd::Unknown)),
    (3, |phone, _| phone.active_load = "sip88xx.12-0-4MPP0001-225".to_owned()),
    (2, |phone, _| phone.personalization = Setting::HttpsOnly),
    (3, |phone, _| phone.authentication_url = Some(NO_URL.to_owned())),
    (3, |phone, _| {
        phone.authentication_url =
            Some("http://paging.example.com:8081/InformaCast/phone/auth".to_owned());
    }),
    (3, |phone, _| phone.description = "Very long description ".repeat(6)[..128].trim().to_owned()),
    (3, |phone, _| phone.active = false),
    (3, |phone, _| phone.special_load = Some("sip88xx.12-8-1-0001-455".to_owned())),
    (2, |phone, _| phone.quirk = Quirk::Garbage),
    (2, |phone, _| phone.quirk = Quirk::FetchesImageOnly),
    (2, |phone, _| phone.quirk = Quirk::Busy503Once),
    (1, |phone, _| phone.quirk = Quirk::EmptyReply),
    (1, |phone, _| phone.quirk = Quirk::FetchesHalf),
    (1, |phone, _| phone.quirk = Quirk::WrongDevice),
    (1, |phone, _| phone.quirk = Quirk::Http404),
    (1, |phone, _| phone.quirk = Quirk::SlowReply(Duration::from_millis(1500))),
    (3, |phone, random| {
        if let Address::V4(address) = phone.address {
            let tail = u16::try_from(random.below(0xffff)).unwrap_or(1);
            let six = Ipv6Addr::new(0x2001, 0xdb8, 0, 2, 0, 0, 0, tail);
            phone.address = Address::DualStack(address, six);
        }
    }),
];

#[cfg(test)]
mod tests {
    use super::super::config::{PUSH_USER, SimConfig};
    use super::super::state::Cluster;
    use super::*;

    fn count(fleet: &Fleet, is: impl Fn(&PhoneSpec) -> bool) -> usize {
        fleet.phones.iter().filter(|phone| is(phone)).count()
    }

    #[test]
    fn equal_seeds_make_equal_fleets() {
        let spec = FleetSpec { seed: 7, phones: 300 };
        assert_eq!(format!("{:?}", spec.generate()), format!("{:?}", spec.generate()));
        let other = FleetSpec { seed: 8, phones: 300 };
        assert_ne!(format!("{:?}", spec.generate()), format!("{:?}", other.generate()));
    }

    #[test]
    fn a_fleet_has_as_many_phones_as_were_asked_for() {
        for phones in [1, 30, 31, 200] {
            let fleet = FleetSpec { seed: 1, phones }.generate();
            let is_phone = |phone: &PhoneSpec| !phone.template && phone.model != CTI_PORT;
            assert_eq!(count(&fleet, is_phone), phones as usize);
        }
    }

    #[test]
    fn every_obstacle_is_there() {
        let fleet = FleetSpec::default().generate();
        assert!(fleet.device_pools.len() >= 8 && fleet.profiles.len() >= 5);
        for setting in [Setting::Disabled, Setting::Enabled, Setting::HttpsOnly, Setting::Default] {
            assert!(fleet.profiles.iter().any(|p| p.personalization == setting), "{setting:?}");
        }
        for registration in [
            Registration::NeverSeen,
            Registration::PartiallyRegistered,
            Registration::Registered,
            Registration::Rejected,
            Registration::UnRegistered,
        ] {
            assert!(count(&fleet, |p| p.registration == registration) > 0, "{registration:?}");
        }
        let kinds = [DeviceKind::SoftPhone, DeviceKind::Analog];
        for kind in kinds {
            let is = |p: &PhoneSpec| model::by_number(p.model).is_some_and(|m| m.kind == kind);
            assert!(count(&fleet, is) > 0, "{kind:?}");
        }
        assert!(count(&fleet, |p| matches!(p.address, Address::V6Only(_))) > 0);
        assert!(count(&fleet, |p| matches!(p.address, Address::DualStack(..))) > 0);
        assert!(count(&fleet, |p| p.httpd == Some(Httpd::Unknown)) > 0);
        assert!(count(&fleet, |p| p.active_load.contains("MPP")) > 0);
        assert!(count(&fleet, |p| p.authentication_url.is_some()) > 1);
        assert!(count(&fleet, |p| p.stale_node.is_some()) > 0);
        // The client knows an Expressway by the phones that share its address.
        assert!(count(&fleet, |p| p.reported_address == Some(EXPRESSWAY)) >= 2);
        assert!(count(&fleet, |p| p.login_user.is_some()) > 0);
        let addresses: Vec<_> = fleet.phones.iter().filter_map(|p| p.address.v4()).collect();
        let distinct: HashSet<_> = addresses.iter().collect();
        assert!(distinct.len() < addresses.len());
        assert!(addresses.iter().all(|address| address.octets()[1] > 0));
        assert!(fleet.push_devices.iter().any(|name| name.starts_with("ivr_port")));
    }

    #[test]
    fn a_fleet_of_sixty_has_a_phone_of_every_kind() {
        type Is = fn(&PhoneSpec) -> bool;
        let kinds: [(&str, Is); 33] = [
            ("accepts only", |p| p.quirk == Quirk::AcceptsButNeverFetches),
            ("error 3", |p| p.quirk == Quirk::ErrorWithOk { number: 3 }),
            ("resets", |p| p.quirk == Quirk::Resets),
            ("garbage", |p| p.quirk == Quirk::Garbage),
            ("image only", |p| p.quirk == Quirk::FetchesImageOnly),
            ("busy", |p| p.quirk == Quirk::Busy503Once),
            ("empty reply", |p| p.quirk == Quirk::EmptyReply),
            ("half", |p| p.quirk == Quirk::FetchesHalf),
            ("wrong device", |p| p.quirk == Quirk::WrongDevice),
            ("404", |p| p.quirk == Quirk::Http404),
            ("slow", |p| matches!(p.quirk, Quirk::SlowReply(_))),
            ("unregistered", |p| p.registration == Registration::UnRegistered),
            ("never seen", |p| p.registration == Registration::NeverSeen && p.model != CTI_PORT),
            ("rejected", |p| p.registration == Registration::Rejected),
            ("partly", |p| p.registration == Registration::PartiallyRegistered),
            ("disabled profile", |p| p.profile == names::PROFILE_DISABLED),
            ("HTTPS profile", |p| p.profile == names::PROFILE_HTTPS),
            ("forced profile", |p| p.profile == names::PROFILE_FORCED),
            ("profile without web", |p| p.profile == names::PROFILE_NO_WEB),
            ("no web", |p| p.web_access == Some(false)),
            ("HTTPS only", |p| p.personalization == Setting::HttpsOnly),
            ("disabled", |p| p.personalization == Setting::Disabled),
            ("stale record", |p| p.stale_node.is_some()),
            ("IPv6 only", |p| matches!(p.address, Address::V6Only(_))),
            ("both addresses", |p| matches!(p.address, Address::DualStack(..))),
            ("unknown web server", |p| p.httpd == Some(Httpd::Unknown)),
            ("multiplatform", |p| p.active_load.contains("MPP")),
            ("no authentication", |p| p.authentication_url.as_deref() == Some(NO_URL)),
            ("foreign authentication", |p| {
                p.authentication_url.as_ref().is_some_and(|url| url.contains("paging"))
            }),
            ("inactive", |p| !p.active),
            ("special load", |p| p.special_load.is_some()),
            ("Expressway", |p| p.reported_address == Some(EXPRESSWAY)),
            ("Extension Mobility", |p| p.login_user.is_some()),
        ];
        for seed in 0..200 {
            let phones = EVERY_TRAIT + seed as u32 % 40;
            let fleet = FleetSpec { seed, phones }.generate();
            for (kind, is) in kinds {
                assert!(count(&fleet, is) > 0, "{kind}: {phones} phones, seed {seed}");
            }
            let takes_push = |p: &PhoneSpec| {
                p.registration == Registration::Registered
                    && matches!(p.address, Address::V4(_))
                    && (p.quirk, p.web_access, p.personalization)
                        == (Quirk::Normal, None, Setting::Default)
                    && p.authentication_url.is_none()
                    && names::ORDINARY_PROFILES.iter().any(|(profile, _)| *profile == p.profile)
                    && fleet.push_devices.contains(&p.name)
            };
            for (what, models) in
                [("79xx", [404, 434, 435, 436, 437].as_slice()), ("894x", &[585, 586])]
            {
                let found = count(&fleet, |p| models.contains(&p.model) && takes_push(p));
                assert!(found > 0, "{what}: {phones} phones, seed {seed}");
            }
            for (number, _) in names::MODELS {
                let takes = model::by_number(number).is_some_and(|model| model.image.is_some());
                let found = count(&fleet, |p| p.model == number && !p.template);
                assert!(found > 0 || !takes, "{number}: {phones} phones, seed {seed}");
            }
        }
    }

    #[test]
    fn most_phones_lack_at_most_the_association() {
        for phones in [60, 200, 5000] {
            let fleet = FleetSpec { seed: 3, phones }.generate();
            let quirks = count(&fleet, |p| p.quirk != Quirk::Normal);
            for quirk in
                [Quirk::AcceptsButNeverFetches, Quirk::ErrorWithOk { number: 3 }, Quirk::Resets]
            {
                assert!(count(&fleet, |p| p.quirk == quirk) > 0, "{phones} {quirk:?}");
            }
            assert!(quirks * 100 <= phones as usize * 5 || phones < 500, "{phones}: {quirks}");
            let cluster = Cluster::new(SimConfig::new(fleet));
            let able = |at: &usize| {
                let device = &cluster.devices[*at];
                model::by_number(device.spec.model).is_some_and(|m| m.image.is_some())
                    && !device.spec.template
            };
            let able: Vec<usize> = (0..cluster.devices.len()).filter(able).collect();
            let fine = able.iter().filter(|&&at| {
                let device = &cluster.devices[at];
                device.serves()
                    && device.spec.quirk == Quirk::Normal
                    && device.loaded.personalization == Setting::Enabled
                    && device.loaded.background_allowed
                    && device.spec.address.v4().is_some_and(|a| cluster.addresses[&a] == at)
            });
            let fine = fine.count();
            // A small fleet has one phone of every kind.
            let most = if phones == EVERY_TRAIT { 30 } else { 65 };
            assert!(fine * 100 >= able.len() * most, "{phones}: {fine} of {}", able.len());
            let user = &cluster.users[cluster.user(PUSH_USER).unwrap()];
            let associated = able.iter().filter(|at| user.devices.contains(at)).count();
            assert!(associated > able.len() / 4 && associated < able.len() * 3 / 4);
        }
    }
}
