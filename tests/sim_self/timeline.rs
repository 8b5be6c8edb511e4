//! What happens to a cluster over time, as clients and the record see it.

use std::time::Duration;

use crate::bench::*;
use crate::changes::{changes, since, text};
use axlpaper::sim::{
    Change, FleetSpec, PUSH_PASSWORD, PUSH_USER, Registration, SimConfig, Timeline,
};
use serde_json::Value;

const SAMPLE: &str = include_str!("../../examples/timeline.toml");

/// Lets the only event of a timeline happen.
fn happen(bench: &Bench, event: &str) -> bool {
    let text = format!("[[event]]\nat = \"1s\"\n{event}\n");
    let mut events: Vec<_> = Timeline::read(&text, 1).unwrap().collect();
    assert_eq!(events.len(), 1, "{text}");
    bench.sim.happen(&events.remove(0))
}

#[tokio::test]
async fn the_sample_happens_from_its_beginning_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.jsonl");
    let fleet = FleetSpec { seed: 7, phones: 60 }.generate();
    let bench =
        Bench::with(SimConfig { record: Some(path.clone()), ..SimConfig::new(fleet) }).await;
    let events: Vec<_> = Timeline::read(SAMPLE, 7).unwrap().collect();
    // A minute is a second.
    assert_eq!((events[0].at, events.last().unwrap().at.as_secs()), (Duration::from_secs(1), 540));
    for event in &events {
        assert!(bench.sim.happen(event), "{event:?}");
    }
    let after = bench.sim.record();
    assert!(!after.phones.contains_key("SEP0011223344A1"));
    assert!(after.phones.contains_key("SEP0011223344A2"));
    bench.sim.shutdown().await;
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "change").collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["change"].as_str().unwrap()).collect();
    assert_eq!(kinds, events.iter().map(|event| event.change.kind()).collect::<Vec<_>>());
    let of = |kind: &str| lines.iter().find(|line| line["change"] == kind).unwrap();
    assert_eq!(of("address")["objects"].as_array().unwrap().len(), 20, "{text}");
    let replaced: Value = ["SEP0011223344A1", "SEP0011223344A2"].as_slice().into();
    assert_eq!(of("replace")["objects"], replaced);
    assert_eq!(
        (&of("bulk")["detail"], &of("list_change")["detail"]),
        (&"5000".into(), &"overrun".into())
    );
    assert!(!text.contains("another one"), "{text}");
}

#[tokio::test]
async fn the_same_seed_chooses_the_same_phones() {
    let chosen = async |seed: u64| {
        let bench = Bench::with(SimConfig::new(FleetSpec::clean(50))).await;
        let timeline = "[[event]]\nat = \"0s\"\nfactory_reset = { devices = 5 }";
        for event in Timeline::read(timeline, seed).unwrap() {
            assert!(bench.sim.happen(&event));
        }
        let changes = bench.sim.record().changes;
        changes.into_iter().map(|change| change.device).collect::<Vec<_>>()
    };
    let first = chosen(1).await;
    assert_eq!(first.len(), 5);
    assert_eq!(first, chosen(1).await);
    assert_ne!(first, chosen(2).await);
}

#[tokio::test]
async fn a_replaced_phone_has_a_successor_that_shows_nothing() {
    let bench = Bench::new().await;
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    bench.push(1, Some(PUSH_PASSWORD), &background(&base)).await;
    let old = bench.good("getPhone", "<name>SEP000000000001</name>").await;
    assert!(happen(&bench, "replace = { device = \"SEP000000000001\" }"));
    let record = bench.sim.record();
    let [removed, added] = record.changes.as_slice() else { panic!("{:?}", record.changes) };
    assert_eq!((removed.device.as_str(), removed.to), ("SEP000000000001", None));
    assert!(record.phones[&added.device].shown.is_none());
    assert!(!record.devices(PUSH_USER).contains(&added.device.as_str()));
    let new = bench.good("getPhone", &format!("<name>{}</name>", added.device)).await;
    for tag in ["description", "model", "pattern"] {
        assert_eq!(text(&old, tag), text(&new, tag), "{new}");
    }
    let (_, seen) = bench.ris(&select(&item(&added.device))).await;
    assert!(seen.contains(">Registered<"), "{seen}");
}

#[tokio::test]
async fn a_phone_shows_another_picture_and_then_none() {
    let bench = Bench::new().await;
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    bench.push(1, Some(PUSH_PASSWORD), &background(&base)).await;
    let url = format!("https://{}/sim/screen/SEP000000000001", bench.sim.axl_addr());
    let screen = async || bench.client.get(&url).send().await.unwrap().bytes().await.unwrap();
    let shown = || bench.sim.phone("SEP000000000001").unwrap().shown;
    let (pushed, first) = (shown().unwrap(), screen().await);
    assert!(happen(&bench, "user_picks = { device = \"SEP000000000001\" }"));
    let (picked, second) = (shown().unwrap(), screen().await);
    assert_ne!(picked.sha256, pushed.sha256);
    assert_eq!(picked.size, pushed.size);
    assert!(first != second);
    let before = bench.sim.phone("SEP000000000001").unwrap().restarts;
    assert!(happen(&bench, "factory_reset = { device = \"SEP000000000001\" }"));
    assert!(shown().is_none() && screen().await != second);
    assert_eq!(bench.sim.phone("SEP000000000001").unwrap().restarts, before + 1);
    // A soft phone has no background that a user could choose.
    assert!(!happen(&bench, "user_picks = { device = \"csfmscott\" }"));
}

#[tokio::test]
async fn registrations_follow_the_events() {
    let bench = Bench::new().await;
    let ris = async |name: &str| bench.ris(&select(&item(name))).await.1;
    let stamp =
        |seen: &str| seen.split("TimeStamp>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let phone = "SEP000000000002";
    let before = ris(phone).await;
    assert!(happen(&bench, "unregister = { device = \"SEP000000000002\" }"));
    let gone = ris(phone).await;
    assert!(gone.contains(">UnRegistered<"), "{gone}");
    assert!(happen(&bench, "register = { device = \"SEP000000000002\" }"));
    assert!(happen(&bench, "address = { device = \"SEP000000000002\", to = \"127.99.0.7\" }"));
    assert!(happen(
        &bench,
        "load = { device = \"SEP000000000002\", to = \"sip88xx.14-3-1-9999-1\" }"
    ));
    let back = ris(phone).await;
    for part in [">Registered<", ">127.99.0.7<", ">sip88xx.14-3-1-9999-1<"] {
        assert!(back.contains(part), "{part}: {back}");
    }
    assert!(stamp(&before) < stamp(&gone) && stamp(&gone) < stamp(&back), "{before} {gone} {back}");
    let add = "add = { name = \"SEP0000000000AA\", model = \"8841\", device_pool = \"New\", dn = \"77\" }";
    assert!(happen(&bench, add));
    let added = ris("SEP0000000000AA").await;
    assert!(added.contains(">Registered<") && added.contains("77-Registered"), "{added}");
    assert!(!happen(&bench, add), "it is there already");
    assert!(happen(&bench, "remove = { device = \"SEP0000000000AA\" }"));
    assert_eq!(
        bench.sim.record().phones.get("SEP0000000000AA").map(|p| p.registration),
        None::<Registration>
    );
}

#[tokio::test]
async fn a_phone_that_moves_obeys_its_new_profile() {
    let mut fleet = fleet();
    let profile = axlpaper::sim::ProfileSpec::new(
        "Locked",
        axlpaper::domain::personalization::Setting::Disabled,
    );
    fleet.profiles.push(profile);
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let loaded = || bench.sim.phone("SEP000000000001").unwrap().loaded_personalization;
    let before = loaded();
    let nowhere =
        "move = { device = \"SEP000000000001\", device_pool = \"Nowhere\", profile = \"Locked\" }";
    assert!(!happen(&bench, nowhere), "there is no such pool");
    assert_eq!(loaded(), before);
    assert!(happen(&bench, "move = { device = \"SEP000000000001\", profile = \"Locked\" }"));
    assert_ne!(loaded(), before);
}

#[tokio::test]
async fn services_fail_and_come_back() {
    let bench = Bench::new().await;
    let queue = text(&bench.good("listChange", "").await, "queueId");
    assert!(happen(&bench, "ris_down = \"1h\""));
    assert_eq!(bench.ris(&select(&item("SEP000000000001"))).await.0, 503);
    assert!(happen(&bench, "ris_down = \"0s\""));
    assert_eq!(bench.ris(&select(&item("SEP000000000001"))).await.0, 200);
    assert!(happen(&bench, "axl_restart = \"1h\""));
    assert_eq!(bench.ask("15.0", "listChange", "").await.0, 503);
    assert!(happen(&bench, "axl_restart = \"0s\""));
    let (status, refused) = bench.ask("15.0", "listChange", &since("1", &queue)).await;
    assert_eq!((status, refused.contains("<axlcode>5007<")), (500, true), "{refused}");
}

#[tokio::test]
async fn list_change_has_every_edit_until_it_overruns() {
    let bench = Bench::new().await;
    let begin = bench.good("listChange", "").await;
    let (next, queue) = (text(&begin, "nextStartChangeId"), text(&begin, "queueId"));
    assert!(happen(&bench, "bulk = 12"));
    assert!(happen(&bench, "associations = { device = \"SEP000000000001\" }"));
    assert!(!happen(&bench, "associations = { device = \"SEP000000000001\" }"), "it is gone");
    let seen = changes(&bench.good("listChange", &since(&next, &queue)).await);
    let kinds: Vec<&str> = seen.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(kinds, [vec!["Phone"; 12], vec!["AppUser"]].concat(), "{seen:?}");
    assert_eq!(bench.sim.record().devices(PUSH_USER), ["csfmscott"]);
    assert!(happen(&bench, "list_change = \"overrun\""));
    assert_eq!(bench.ask("15.0", "listChange", &since(&next, &queue)).await.0, 500);
    assert!(happen(&bench, "list_change = \"off\""));
    assert_eq!(bench.ask("15.0", "listChange", "").await.0, 500);
    assert!(happen(&bench, "list_change = \"on\""));
    bench.good("listChange", "").await;
}

#[tokio::test]
async fn the_push_user_is_locked_and_changes_its_password() {
    let bench = Bench::new().await;
    let phone = "SEP000000000001";
    let check = async |password: &str| bench.authenticate(PUSH_USER, password, phone).await;
    assert_eq!(check(PUSH_PASSWORD).await, "AUTHORIZED");
    assert!(happen(&bench, "push_user_locked = true"));
    assert_ne!(check(PUSH_PASSWORD).await, "AUTHORIZED");
    assert!(happen(&bench, "push_user_locked = false"));
    assert!(happen(&bench, "push_user_password = \"new\""));
    assert_ne!(check(PUSH_PASSWORD).await, "AUTHORIZED");
    assert_eq!(check("new").await, "AUTHORIZED");
}

#[tokio::test]
async fn what_the_cluster_lacks_is_a_remark_in_the_record_and_on_the_page() {
    let bench = Bench::new().await;
    assert!(!happen(&bench, "remove = { device = \"SEPNONE\" }"));
    assert!(!happen(&bench, "factory_reset = { devices = 9 }"));
    assert!(!happen(&bench, "profile = { name = \"None\", personalization = \"Enabled\" }"));
    assert_eq!(bench.sim.record().changes.len(), 5);
    let (_, page) = read(bench.client.get(format!("https://{}/sim/", bench.sim.axl_addr()))).await;
    assert!(page.contains("remove; not possible for SEPNONE"), "{page}");
    assert!(
        page.contains("factory_reset SEP00000000000") && page.contains("4 of 9 phones"),
        "{page}"
    );
}

#[tokio::test]
async fn a_life_is_the_same_for_the_same_seed() {
    let live = async |seed: u64| {
        let bench = Bench::with(SimConfig::new(FleetSpec { seed: 7, phones: 60 }.generate())).await;
        let life = Timeline::life(seed, 60, bench.sim.device_pools()).with_speed(1440.0);
        for event in life.take(300) {
            bench.sim.happen(&event);
        }
        let record = bench.sim.record();
        assert!(record.phones.len() > 40, "{}", record.phones.len());
        record.changes
    };
    let first = live(1).await;
    assert_eq!(first, live(1).await);
    assert_ne!(first, live(2).await);
}

#[tokio::test]
async fn a_timeline_plays_by_itself() {
    let bench = Bench::new().await;
    let text = "[[event]]\nat = \"0s\"\nunregister = { device = \"SEP000000000002\" }\n\
                [[event]]\nat = \"1h\"\nregister = { device = \"SEP000000000002\" }\n\
                [[event]]\nat = \"8000h\"\nremove = { device = \"SEP000000000002\" }\n";
    let timeline = Timeline::read(text, 1).unwrap().with_speed(1_000_000.0);
    let url = format!("https://{}/sim/events", bench.sim.axl_addr());
    let mut live = bench.client.get(url).send().await.unwrap();
    bench.sim.play(timeline);
    let mut seen = String::new();
    while !seen.contains("\"register\"") {
        seen += std::str::from_utf8(&live.chunk().await.unwrap().unwrap()).unwrap();
    }
    assert!(seen.contains("\"unregister\""), "{seen}");
    // The last event is still to come.
    bench.sim.shutdown().await;
}

#[tokio::test]
async fn tests_make_events_of_changes() {
    let bench = Bench::new().await;
    assert!(bench.sim.change(Change::FactoryReset("SEP000000000001".to_owned())));
    assert!(!bench.sim.change(Change::FactoryReset("SEPNONE".to_owned())));
}
