//! Work that an administrator gives to the program, and what he types after it was cut short.

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{
    Address, CTI_PORT, Change, Limits, PUSH_USER, PhoneSpec, Record, Registration, SimConfig,
    Tripped,
};
use serde_json::Value;

use crate::fault::{Ended, Fault, Instant};
use crate::lab::{Lab, fleet_of, name};
use crate::seed::Seed;

pub const PHONES: u32 = 24;

/// Phones whose personalization is off: the work has to enable it and let them apply it.
const OFF: std::ops::RangeInclusive<u32> = 1..=4;

/// Phones whose web server is off.
const SHUT: std::ops::RangeInclusive<u32> = 5..=6;

/// Devices that the push user controls before, and that are no phones.
const OTHERS: [&str; 3] = ["ctiport_01", "ctiport_02", "ctiport_03"];

const REPAIRS: [&str; 4] = ["--repair", "personalization", "--repair", "web-access"];

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Work {
    /// `rollout` with repairs.
    Rollout,
    /// `push` to phones that are ready.
    Push,
    /// `plan` and `apply`.
    Apply,
    /// `revert` of a plan that was applied.
    Revert,
    /// `watch` on a cluster that changes meanwhile.
    Watch,
}

/// How many changes of the cluster a watch has to see.
const CHANGES: usize = 5;

/// A phone that an administrator takes out of the list of the push user.
const TAKEN: u32 = 10;

/// A phone that an administrator adds while the watch works.
const ADDED: u32 = 99;

impl Work {
    pub fn lab(self) -> Lab {
        let mut fleet = fleet_of(PHONES);
        for spec in &mut fleet.phones {
            spec.vendor_config =
                "<note> a  b </note><nested x=\"1\"><inner>R&amp;D</inner></nested>".to_owned();
        }
        fleet.phones.extend(OTHERS.map(|other| PhoneSpec::new(other, CTI_PORT)));
        fleet.push_devices = OTHERS.map(str::to_owned).to_vec();
        if self == Self::Push {
            fleet.push_devices.extend((1..=PHONES).map(name));
        } else {
            fleet.push_devices.extend((10..=13).map(name));
            for n in OFF {
                fleet.phones[n as usize - 1].personalization = Setting::Disabled;
            }
            for n in SHUT {
                fleet.phones[n as usize - 1].web_access = Some(false);
            }
        }
        if self == Self::Watch {
            for phone in &mut fleet.phones {
                phone.personalization = Setting::Default;
                phone.web_access = None;
            }
            fleet.phones[PHONES as usize - 1].registration = Registration::UnRegistered;
        }
        let lab = Lab::with(SimConfig { limits: Limits::off(), ..SimConfig::new(fleet) });
        if self == Self::Watch {
            for (at, change) in (1..).zip(changes()) {
                lab.cluster.change_after("listChange", 3 * at, change);
            }
        }
        lab
    }

    pub fn pushes(self) -> bool {
        matches!(self, Self::Rollout | Self::Push | Self::Watch)
    }

    /// Checks that no device left the list of the push user, but for the one that an administrator took away.
    pub fn assert_nothing_taken(before: &Record, now: &Record) {
        let devices = now.devices(PUSH_USER);
        for device in before.devices(PUSH_USER) {
            let is_kept = devices.contains(&device) || device == name(TAKEN);
            assert!(is_kept, "{device} was taken away: {devices:?}");
        }
    }

    /// What has to be there before the work begins: each command with its arguments.
    pub fn first(self) -> Vec<Vec<String>> {
        match self {
            Self::Rollout | Self::Push | Self::Apply | Self::Watch => Vec::new(),
            Self::Revert => vec![plan(), apply()],
        }
    }

    /// What an administrator types next, after the run that ended like this.
    ///
    /// It is the command that was named, or for a plan now and then a new plan.
    pub fn next(self, lab: &Lab, last: Option<&Ended>, seed: &mut Seed) -> Next {
        let picture = lab.picture().to_str().unwrap().to_owned();
        if let Some(Ended { told: Some(told), .. }) = last
            && self != Self::Watch
            && (self != Self::Apply || seed.below(3) > 0)
        {
            return Next::Run(with_short_waits(told));
        }
        match (self, last) {
            (Self::Rollout | Self::Push, Some(Ended { code: Some(0), .. })) => Next::Done,
            (Self::Rollout | Self::Push, Some(Ended { code: None, .. })) => {
                Next::Run(pushing(lab, &["rollout", "--resume", "last"]))
            }
            // A run that was killed early has done nothing that could be gone on with. What failed is work for a new
            // run, which leaves out what is proven.
            (Self::Rollout, _) => {
                let mut arguments = pushing(lab, &["rollout", &picture]);
                arguments.extend(REPAIRS.map(str::to_owned));
                Next::Run(arguments)
            }
            (Self::Push, _) => Next::Run(pushing(lab, &["push", &picture])),
            (Self::Apply, _) => Next::PlanAnd(apply()),
            (Self::Revert, Some(Ended { code: Some(0), .. })) => Next::Done,
            (Self::Revert, _) => Next::Run(words(&["revert", "1", "--yes"])),
            (Self::Watch, Some(Ended { code: Some(0), .. })) if is_kept(&lab.record()) => {
                Next::Done
            }
            (Self::Watch, _) => {
                let often = ["--interval", "50ms", "--ris-rate", "600", "--max-change", "100%"];
                let all = [&["watch", &*picture][..], &often].concat();
                Next::Run(pushing(lab, &all))
            }
        }
    }

    /// Tells whether a fault can strike this work: one without pushes needs no authentication page and no push user, one
    /// that changes nothing on the cluster needs no role.
    pub fn can_meet(self, fault: Fault) -> bool {
        let needs_pushes = matches!(fault, Fault::Page(_) | Fault::Password);
        (self.pushes() || !needs_pushes) && (self != Self::Push || fault != Fault::RoleLost)
    }

    /// Chooses an instant: first in the survey, then in changes, then in pushes. A phone that is never answered is
    /// waited for until its time-out, so only what does not take its answer away strikes there.
    pub fn instant(self, fault: Fault, strike: u64, seed: &mut Seed) -> Instant {
        let survey = [
            "getCCMVersion",
            "listProcessNode",
            "listPhone",
            "listCommonPhoneConfig",
            "getServiceParameter",
            "getAppUser",
            "selectCmDeviceExt",
        ];
        let reads = [("getAppUser", 1 + seed.below(4)), ("getPhone", 1 + seed.below(9))];
        let push = ("push", 1 + seed.below(7));
        let (operation, nth) = match (self, strike) {
            _ if matches!(fault, Fault::Page(_) | Fault::Password) => push,
            (Self::Push, _) if matches!(fault, Fault::Journal(_)) => push,
            (Self::Rollout | Self::Push, 0..2)
                if !matches!(fault, Fault::RoleLost | Fault::Journal(_)) =>
            {
                (seed.of(&survey), 1)
            }
            (Self::Push, _) if fault != Fault::Kill => (seed.of(&survey), 1),
            (Self::Push, _) => push,
            (Self::Rollout, 9..) if fault == Fault::Kill => push,
            (Self::Watch, 0..2) => (seed.of(&survey), 1),
            (Self::Watch, _) => match seed.below(6) {
                0 => ("updateAppUser", 1),
                1 | 2 => push,
                3 => ("listPhone", 2),
                4 => ("getAppUser", 2 + seed.below(6)),
                _ => ("listChange", 1 + seed.below(8)),
            },
            (Self::Apply | Self::Rollout | Self::Revert, _) => match seed.below(6) {
                0 => ("updateAppUser", 1),
                1 | 2 => ("updatePhone", 1 + seed.below(3)),
                3 | 4 => ("applyPhone", 1 + seed.below(3)),
                _ => seed.of(&reads),
            },
        };
        Instant { operation, nth, when: seed.of(&[Tripped::Before, Tripped::After]) }
    }
}

/// What others do to the cluster while a watch works, in order.
fn changes() -> [Change; CHANGES] {
    let address = Address::V4([127, 9, 9, 9].into());
    let added = PhoneSpec { address, ..PhoneSpec::new(name(ADDED), 683) };
    [
        Change::Insert { position: usize::MAX, phone: Box::new(added) },
        Change::Register { phone: name(PHONES), registration: Registration::Registered },
        Change::Dissociate { user: PUSH_USER.to_owned(), phone: name(TAKEN) },
        Change::Readdress { phone: name(5), address: None },
        Change::Load { phone: name(TAKEN + 1), load: "sip88xx.14-3-1-0101-5".to_owned() },
    ]
}

/// Returns whether all has happened to the cluster that will, and every phone shows what it should: then the watch is ended.
pub fn is_kept(record: &Record) -> bool {
    let devices = record.devices(PUSH_USER);
    let mut phones = record.phones.iter().filter(|(name, _)| name.starts_with("SEP"));
    record.changes.len() == CHANGES
        && phones.all(|(name, phone)| phone.shown.is_some() && devices.contains(&&**name))
}

/// What comes next.
pub enum Next {
    /// Nothing: the work is done.
    Done,
    /// This command.
    Run(Vec<String>),
    /// A new plan, and this command unless the plan is empty.
    PlanAnd(Vec<String>),
}

pub fn plan() -> Vec<String> {
    words(&["plan", "-o", "plan.json"]).into_iter().chain(REPAIRS.map(str::to_owned)).collect()
}

/// Tells whether the plan file changes nothing.
pub fn is_plan_empty(lab: &Lab) -> bool {
    let text = std::fs::read_to_string(lab.path("plan.json")).unwrap();
    let plan: Value = serde_json::from_str(&text).unwrap();
    plan["changes"].as_array().unwrap().is_empty()
}

fn apply() -> Vec<String> {
    words(&["apply", "plan.json", "--yes"])
}

fn pushing(lab: &Lab, arguments: &[&str]) -> Vec<String> {
    let port = lab.cluster.phone_port().to_string();
    let mut all = words(arguments);
    all.extend(words(&["--yes", "--phone-port", &port]));
    with_short_waits(&all)
}

/// Adds what a command does not say of its waits.
fn with_short_waits(arguments: &[String]) -> Vec<String> {
    let push = [("--concurrency", "4"), ("--verify-timeout", "2"), ("--retry-delay", "0")];
    let short = match arguments[0].as_str() {
        "rollout" => [&[("--restart-timeout", "2")], &push[..]].concat(),
        "push" | "watch" => push.to_vec(),
        _ => Vec::new(),
    };
    let mut all = arguments.to_vec();
    for (option, value) in short {
        if !all.iter().any(|word| word == option) {
            all.extend(words(&[option, value]));
        }
    }
    all
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
