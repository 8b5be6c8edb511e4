//! A watch on a cluster where everything happens that a timeline can have. The simulator's record decides.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{
    CTI_PORT, Limits, PUSH_USER, PhoneRecord, PhoneSpec, Record, Registration, SimConfig, Timeline,
};
use serde_json::Value;

use crate::lab::{Lab, fleet_of, name};
use crate::watch::{ends, runs, watching};

/// When the next part of the day begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Until {
    /// Every ready phone shows its picture and is associated.
    Served,
    /// The watch has looked at the phone that was added.
    LookedAt,
    /// The watch has stopped pushing.
    Stopped,
}

/// The parts of a day; an hour takes a second.
const PARTS: [(Until, &str); 9] = [
    (
        Until::Served,
        r#"
    { at = "30m", add = { name = "SEP0011223344A1", model = "8841", device_pool = "HQ", description = "Desk 1" } },
    { at = "1h", unregister = { devices = 5 } },
    { at = "1h 30m", address = { devices = 8 } },
    { at = "2h", move = { devices = 3, device_pool = "Branch" } },
    { at = "2h 30m", replace = { device = "SEP0011223344A1", by = "SEP0011223344A2" } },
    { at = "3h", load = { devices = 4, to = "sip88xx.14-3-1-0101-5" } },
    { at = "3h 10m", factory_reset = { devices = 2 } },
    { at = "3h 20m", user_picks = { devices = 2 } },
    { at = "3h 30m", associations = { devices = 3 } },
    { at = "4h", profile = { name = "Standard Common Phone Profile", personalization = "Disabled" } },
    { at = "4h 10m", add = { name = "SEP0011223344A3", model = "8841" } },
    { at = "4h 40m", profile = { name = "Standard Common Phone Profile", personalization = "Default" } },
    { at = "4h 50m", move = { device = "SEP0011223344A3", device_pool = "Branch" } },
    "#,
    ),
    (
        Until::Served,
        r#"
    { at = "0s", bulk = 5000 },
    { at = "5m", add = { name = "SEP0011223344A4", model = "8841" } },
    { at = "10m", list_change = "overrun" },
    "#,
    ),
    (
        Until::Served,
        r#"
    { at = "0s", axl_restart = "1s" },
    { at = "5m", add = { name = "SEP0011223344A5", model = "8841" } },
    { at = "30m", ris_down = "20m" },
    { at = "35m", register = { devices = 4 } },
    "#,
    ),
    (
        Until::LookedAt,
        r#"
    { at = "0s", push_user_locked = true },
    { at = "0s", add = { name = "SEP0011223344A6", model = "8841" } },
    "#,
    ),
    (
        Until::Served,
        r#"
    { at = "0s", push_user_locked = false },
    { at = "0s", list_change = "off" },
    { at = "10m", add = { name = "SEP0011223344A7", model = "8841" } },
    { at = "30m", list_change = "on" },
    { at = "40m", add = { name = "SEP0011223344A8", model = "8841" } },
    "#,
    ),
    (
        Until::Stopped,
        r#"
    { at = "0s", push_user_password = "another one" },
    { at = "0s", add = { name = "SEP0011223344A9", model = "8841" } },
    "#,
    ),
    (
        Until::Served,
        r#"
    { at = "0s", push_user_password = "simulator-only-push" },
    "#,
    ),
    (
        Until::Served,
        r#"
    { at = "0s", unregister = { devices = 4 } },
    { at = "10m", replace = { devices = 1 } },
    { at = "20m", remove = { devices = 2 } },
    { at = "30m", register = { devices = 4 } },
    { at = "1h", associations = { devices = 2 } },
    "#,
    ),
    (
        Until::Served,
        r#"
    { at = "0s", add = { name = "SEP0011223344FF", model = "8841", registered = false } },
    { at = "10m", register = { device = "SEP0011223344FF" } },
    "#,
    ),
];

/// How long all of it may take on a machine that does much else.
const LONGEST: Duration = Duration::from_secs(180);

/// Devices that the push user controls from the beginning and that are no phones.
const OTHERS: [&str; 2] = ["CTIPORT1", "CTIPORT2"];

fn lab(record: &Path) -> Lab {
    let mut fleet = fleet_of(40);
    for phone in fleet.phones.iter_mut().take(10) {
        phone.device_pool = "Branch".to_owned();
    }
    fleet.phones.extend(OTHERS.map(|other| PhoneSpec::new(other, CTI_PORT)));
    fleet.push_devices = OTHERS.map(str::to_owned).to_vec();
    fleet.push_devices.extend((1..=30).map(name));
    Lab::with(SimConfig {
        limits: Limits::off(),
        restart_time: Duration::from_millis(150),
        record: Some(record.to_owned()),
        ..SimConfig::new(fleet)
    })
}

/// Reads the events of the record that are there already.
fn events(record: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(record).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn is_change(event: &Value, kind: &str) -> bool {
    event["kind"] == "change" && event["change"] == kind
}

fn is_ready(phone: &PhoneRecord) -> bool {
    phone.registration == Registration::Registered
        && phone.loaded_personalization == Setting::Enabled
}

/// Returns the pictures that a phone got, in order: what it shows after a push or a download, or after a user chose
/// another one (nothing then).
fn got(events: &[Value]) -> BTreeMap<String, Vec<Option<String>>> {
    let mut got: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    for event in events {
        if is_change(event, "user_picks") || is_change(event, "factory_reset") {
            for phone in event["objects"].as_array().unwrap() {
                got.entry(phone.as_str().unwrap().to_owned()).or_default().push(None);
            }
        } else if let Some(shown) = event["shows"]["sha256"].as_str()
            && event["downloads"].as_array().is_some_and(|downloads| !downloads.is_empty())
        {
            let phone = event["phone"].as_str().unwrap().to_owned();
            got.entry(phone).or_default().push(Some(shown.to_owned()));
        }
    }
    got
}

/// Returns what is not yet as it shall be.
fn missing(record: &Record, events: &[Value]) -> Vec<String> {
    let (got, associated) = (got(events), record.devices(PUSH_USER));
    let mut missing = Vec::new();
    for (name, phone) in record.phones.iter().filter(|(name, _)| name.starts_with("SEP")) {
        if is_ready(phone) && !got.get(name).is_some_and(|got| got.iter().any(Option::is_some)) {
            missing.push(format!("{name} has no picture: {:?}", phone.pushes));
        }
        if is_ready(phone) && !associated.contains(&&**name) {
            missing.push(format!("{name} is not associated"));
        }
    }
    missing
}

#[test]
fn at_the_end_of_a_day_every_phone_shows_its_picture_and_none_got_it_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.jsonl");
    let lab = lab(&path);
    let mut running = watching(&lab, &["--max-change", "100%", "--interval", "100ms"]);
    running.says("run 1: 40 phones verified");
    let refused = || lab.record().users[PUSH_USER].failed_logins;
    let (began, mut happened) = (Instant::now(), 0);
    for (until, part) in PARTS {
        let day = || Timeline::read(&format!("speed = 3600\nevent = [{part}]"), 7).unwrap();
        let capable = runs(&lab)["watches"][0]["capable"].as_u64().unwrap_or_default();
        happened += day().count();
        lab.play(day());
        loop {
            let events = events(&path);
            let changes = events.iter().filter(|event| event["kind"] == "change").count();
            let (missing, watch) = (missing(&lab.record(), &events), &runs(&lab)["watches"][0]);
            let is_stopped = watch["stopped"].is_string();
            let is_over = changes == happened
                && match until {
                    Until::Served => missing.is_empty(),
                    Until::LookedAt => watch["capable"] == capable + 1,
                    Until::Stopped => is_stopped,
                };
            if is_over {
                break;
            }
            if changes == happened && is_stopped {
                // It is repaired; an approval that is given twice does no harm.
                drop(lab.read(&["control", "watch", "approve"]));
            }
            if began.elapsed() > LONGEST {
                panic!("{part}\n{missing:#?}\n{watch:#}\n{:?}", running.killed());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    // Some more passes, in which nothing is to do.
    let (pushed, asked) = (pushes(&lab.record()), lab.record().requests("listChange"));
    while lab.record().requests("listChange") < asked + 10 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let record = lab.record();
    assert_eq!(pushes(&record), pushed, "a push without a reason");
    ends(running);
    let events = events(&path);
    // Every kind of event has happened, to all that it names.
    let failed: Vec<_> = events
        .iter()
        .filter(|event| event["not_done"].as_array().is_some_and(|some| !some.is_empty()))
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    let pictures: BTreeSet<String> = got(&events).into_values().flatten().flatten().collect();
    assert_eq!(pictures.len(), 1, "{pictures:?}");
    for (phone, got) in got(&events) {
        let pictures = got.iter().flatten().count();
        assert!(pictures <= 1, "{phone} got its picture {pictures} times");
        // What its user chose is respected.
        let shown = record.phones.get(&phone).and_then(|phone| phone.shown.as_ref());
        if let (Some(shown), Some(Some(last))) = (shown, got.last()) {
            assert_eq!(&shown.sha256, last, "{phone}");
        }
    }
    for other in OTHERS {
        assert!(record.devices(PUSH_USER).contains(&other), "{other} was taken away");
    }
    let is_known = |operation: &str| operation == "updateAppUser";
    assert!(record.writes.iter().all(|write| is_known(&write.operation)), "{:?}", record.writes);
    assert!(refused() <= 3, "{} logins of the push user were refused", refused());
    assert_eq!(record.violations, []);
}

fn pushes(record: &Record) -> usize {
    record.phones.values().map(|phone| phone.pushes.len()).sum()
}
