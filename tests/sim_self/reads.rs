//! Lists that change while they are read, registrations from the database, and vendorConfig over SQL.

use std::collections::BTreeSet;

use axlpaper::sim::{Change, Changed, PhoneSpec, Registration, Release, SimConfig, Sql};

use crate::bench::{Bench, fleet, list};

/// Returns the device names of a listPhone answer, in order.
fn names(body: &str) -> Vec<String> {
    let parts = body.split("<name>").skip(1);
    parts.map(|part| part.split('<').next().unwrap_or_default().to_owned()).collect()
}

/// Reads all pages of two, as a naive client does.
async fn paged(bench: &Bench) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let page = list(&format!("<skip>{}</skip><first>2</first>", all.len()));
        let found = names(&bench.good("listPhone", &page).await);
        let last = found.len() < 2;
        all.extend(found);
        if last {
            return all;
        }
    }
}

#[tokio::test]
async fn a_device_that_goes_hides_another_from_naive_paging() {
    let bench = Bench::new().await;
    bench.sim.change_after("listPhone", 1, Change::Remove("sep000000000001".to_owned()));
    let seen = paged(&bench).await;
    assert!(!seen.contains(&"SEP000000000003".to_owned()), "{seen:?}");
    let record = bench.sim.record();
    assert!(record.phones.contains_key("SEP000000000003"));
    assert!(!record.phones.contains_key("SEP000000000001"));
    assert!(!record.devices("bgpush").contains(&"SEP000000000001"));
    let expected = Changed {
        operation: "listPhone".to_owned(),
        nth: 1,
        device: "sep000000000001".to_owned(),
        from: Some(0),
        to: None,
    };
    assert_eq!(record.changes, [expected]);
}

#[tokio::test]
async fn a_device_that_comes_doubles_another_in_naive_paging() {
    let bench = Bench::new().await;
    let phone = Box::new(PhoneSpec::new("SEP0000000000AA", 683));
    bench.sim.change_after("listPhone", 1, Change::Insert { position: 0, phone });
    let seen = paged(&bench).await;
    assert_eq!(seen.iter().filter(|name| *name == "SEP000000000002").count(), 2, "{seen:?}");
    assert!(!seen.contains(&"SEP0000000000AA".to_owned()));
    assert_eq!(bench.sim.record().changes[0].to, Some(0));
}

#[tokio::test]
async fn a_device_that_moves_is_missed_by_naive_paging() {
    let bench = Bench::new().await;
    let name = "SEP000000000005".to_owned();
    bench.sim.change_after("listPhone", 1, Change::Reorder { name: name.clone(), position: 0 });
    let seen = paged(&bench).await;
    assert!(!seen.contains(&name), "{seen:?}");
    assert_eq!((bench.sim.record().changes[0].from, bench.sim.record().phones.len()), (Some(4), 6));
}

#[tokio::test]
async fn lists_come_in_any_order_when_that_is_wanted() {
    let bench = Bench::with(SimConfig { shuffle_lists: true, ..SimConfig::new(fleet()) }).await;
    let mut orders = BTreeSet::new();
    for _ in 0..6 {
        let mut found = names(&bench.good("listPhone", &list("")).await);
        orders.insert(found.clone());
        found.sort_unstable();
        assert_eq!(found, (1..=5).map(|k| format!("SEP00000000000{k}")).collect::<Vec<_>>());
    }
    assert!(orders.len() > 1);
}

const REGISTRATIONS: &str = "<searchCriteria><device>SEP%</device></searchCriteria><returnedTags>\
    <device/><lastKnownIpAddress/><lastKnownUcm/><lastSeen/>";

#[tokio::test]
async fn the_database_remembers_registrations() {
    let mut fleet = fleet();
    fleet.phones[1].registration = Registration::UnRegistered;
    fleet.phones[2].registration = Registration::NeverSeen;
    fleet.phones[3].registration = Registration::PartiallyRegistered;
    let config = SimConfig { release: Release::R12_5, ..SimConfig::new(fleet) };
    let bench = Bench::with(config).await;
    let full = format!("{REGISTRATIONS}<risStatus/></returnedTags>");
    let (status, body) = bench.ask("12.5", "listRegistrationDynamic", &full).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body.matches("<registrationDynamic uuid=").count(), 4);
    assert!(!body.contains("SEP000000000003"));
    for part in [
        "<lastKnownIpAddress>127.9.0.1</lastKnownIpAddress><lastKnownUcm>cucm-pub</lastKnownUcm>",
        "<risStatus>Unregistered</risStatus>",
        "<risStatus>Partial Registered</risStatus>",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    // Older schemas know the operation, but no status.
    assert_eq!(bench.ask("12.0", "listRegistrationDynamic", &full).await.0, 500);
    let old = format!("{REGISTRATIONS}</returnedTags>");
    let (status, body) = bench.ask("11.5", "listRegistrationDynamic", &old).await;
    assert_eq!((status, body.contains("risStatus")), (200, false), "{body}");
    let (status, body) = bench.ask("11.0", "listRegistrationDynamic", &old).await;
    assert_eq!((status, body.contains("No method found")), (500, true), "{body}");
}

#[tokio::test]
async fn sql_can_be_refused_or_know_less() {
    let query = "<sql>select count(*) from devicexml4k</sql>";
    for (sql, status, part) in [
        (Sql::Answers, 200, "<count>6</count>"),
        (Sql::NoVendorConfig, 500, "<axlcode>-206</axlcode>"),
        (Sql::Refused, 500, "not allowed"),
    ] {
        let bench = Bench::with(SimConfig { sql, ..SimConfig::new(fleet()) }).await;
        let (found, body) = bench.ask("15.0", "executeSQLQuery", query).await;
        assert_eq!(found, status, "{body}");
        assert!(body.contains(part), "{body}");
        let plain = "<sql>select count(*) from device</sql>";
        let expected = if sql == Sql::Refused { 500 } else { 200 };
        assert_eq!(bench.ask("15.0", "executeSQLQuery", plain).await.0, expected);
    }
}
