//! A watch over a cluster on which everything happens in one day, each hour of it within a second.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axlpaper::sim::{PUSH_USER, PushOutcome, Record, Registration, Timeline};
use serde_json::Value;

use crate::lab::{Lab, fleet_of, name};
use crate::watch::{ends, runs, watching};

const DAY: &str = r#"
speed = 3600

[[event]]                                       # a new phone, and one that is on its way
at = "30m"
add = { name = "SEP0000000000A1", model = "8845", device_pool = "HQ", dn = "4711" }

[[event]]
at = "1h"
unregister = { device = "SEP000000000002" }

[[event]]
at = "1h 30m"
address = { devices = 4 }

[[event]]
at = "2h"
replace = { device = "SEP000000000003", by = "SEP0000000000B3" }

[[event]]
at = "2h 30m"
load = { devices = 2, to = "sip88xx.14-3-1-0101-5" }

[[event]]
at = "3h"
factory_reset = { device = "SEP000000000004" }

[[event]]
at = "3h 30m"
user_picks = { device = "SEP000000000005" }

[[event]]
at = "4h"
associations = { devices = 5 }

[[event]]
at = "5h"
profile = { name = "Standard Common Phone Profile", personalization = "Disabled" }

[[event]]
at = "5h 30m"
profile = { name = "Standard Common Phone Profile", personalization = "Default" }

[[event]]
at = "6h"
bulk = 5000

[[event]]
at = "6h 30m"
list_change = "overrun"

[[event]]
at = "7h"
axl_restart = "30m"

[[event]]
at = "8h"
ris_down = "30m"

[[event]]
at = "9h"
push_user_locked = true

[[event]]
at = "9h 15m"
associations = { devices = 3 }

[[event]]
at = "9h 30m"
push_user_locked = false

[[event]]
at = "10h"
list_change = "off"

[[event]]
at = "10h 30m"
list_change = "on"

[[event]]
at = "11h"
register = { device = "SEP000000000002" }

[[event]]
at = "11h 30m"
remove = { device = "SEP000000000006" }
"#;

/// The phones that are registered.
fn present(record: &Record) -> impl Iterator<Item = &String> {
    let phones = record.phones.iter();
    phones.filter(|(_, phone)| phone.registration == Registration::Registered).map(|(name, _)| name)
}

/// Returns the phones that do not show the picture of most, or that the push user does not control.
fn lacking(record: &Record) -> Vec<String> {
    let shown = |name: &String| record.phones[name].shown.as_ref().map(|shown| &*shown.sha256);
    let mut pictures: BTreeMap<&str, usize> = BTreeMap::new();
    for picture in present(record).filter_map(shown) {
        *pictures.entry(picture).or_default() += 1;
    }
    let wanted = pictures.into_iter().max_by_key(|(_, phones)| *phones).map(|(picture, _)| picture);
    let controlled = record.devices(PUSH_USER);
    let lacks = |name: &&String| shown(name) != wanted || !controlled.contains(&name.as_str());
    present(record).filter(lacks).cloned().collect()
}

#[test]
fn after_a_day_of_everything_each_phone_shows_its_picture() {
    let mut fleet = fleet_of(16);
    fleet.push_devices = (1..=16).map(name).collect();
    let lab = Lab::new(fleet);
    std::fs::write(lab.path("picture.png"), axlpaper::media::demo_png().unwrap().png).unwrap();
    // What happens while `listChange` is off, and nobody asks, is found by the next look at all phones.
    let options = ["--max-change", "100%", "--survey-every", "5s", "--keep", "enforced"];
    let mut running = watching(&lab, &[&options[..], &["--verify-every", "10s"]].concat());
    running.says("run 1: 16 phones verified");
    let before = lab.record();
    lab.play(Timeline::read(DAY, 7).unwrap());
    // What happens last is that this phone is removed.
    let limit = Instant::now() + Duration::from_secs(120);
    loop {
        let record = lab.record();
        let is_over = !record.phones.contains_key("SEP000000000006");
        if is_over && lacking(&record).is_empty() {
            break;
        }
        let watch = runs(&lab)["watches"][0].clone();
        if Instant::now() > limit {
            running.signal("-TERM");
            let (ended, last) =
                (running.ends(), lab.read(&["phone", &lacking(&record)[0], "--offline"]));
            panic!("{:?} lack something: {watch:#} {ended:?} {last:?}", lacking(&record));
        }
        if watch["stopped"] != Value::Null {
            // An administrator has repaired it.
            lab.read(&["control", "watch", "approve"]);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    ends(running);
    let record = lab.record();
    assert_eq!(present(&record).count(), 16, "one is new, one was replaced, and one removed");
    // Nobody lost an association, and nothing else was pushed than pictures to phones that lacked theirs.
    for user in before.users.keys() {
        let now = record.devices(user);
        let gone = ["SEP000000000003", "SEP000000000006"];
        for device in before.devices(user) {
            assert!(gone.contains(&device) || now.contains(&device), "{user} lost {device}");
        }
    }
    for (name, phone) in &record.phones {
        let reasons = match name.as_str() {
            "SEP000000000004" | "SEP000000000005" => 2,
            _ => 1,
        };
        let accepted = phone.pushes.iter().filter(|push| push.outcome == PushOutcome::Accepted);
        let accepted = accepted.count();
        assert!(accepted <= reasons, "{name} took {accepted} pushes");
    }
    assert!(record.violations.is_empty(), "{:?}", record.violations);
}
