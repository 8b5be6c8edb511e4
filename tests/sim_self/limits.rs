//! What the cluster can bear.

use axlpaper::sim::{
    ADMIN_PASSWORD, ADMIN_USER, Fault, Fleet, FleetSpec, Limits, Overload, SimConfig,
};

use crate::bench::{Bench, envelope, fleet, item, select};

#[tokio::test]
async fn a_minute_can_be_short_and_retry_after_is_told() {
    // A minute lasts 20 ms here, so that the second request may come after it.
    let limits =
        Limits { ris_per_minute: Some(1), time_scale: 3000, retry_after: true, ..Limits::real() };
    let bench = Bench::with(SimConfig { limits, ..SimConfig::new(fleet()) }).await;
    let ask = select(&item("SEP000000000001"));
    assert_eq!(bench.ris(&ask).await.0, 200);
    let mut refused = 0;
    loop {
        let answer = bench.ris_request(&ask).send().await.unwrap();
        if answer.status() == 200 {
            break;
        }
        assert_eq!(answer.headers()["retry-after"], "1");
        refused += 1;
        assert!(refused < 10_000);
    }
}

/// A list of every phone with this many bytes of description each.
fn wide(phones: u32, bytes: usize) -> Fleet {
    let mut fleet = FleetSpec::clean(phones);
    fleet.phones.iter_mut().for_each(|phone| phone.description = "d".repeat(bytes));
    fleet
}

const EVERYTHING: &str = "<searchCriteria><name>%</name></searchCriteria>\
    <returnedTags><name/><description/></returnedTags>";

/// Asks for a list and leaves the answer unread, so that it stays under way.
async fn begin(bench: &Bench, inner: &str) -> reqwest::Response {
    let body = envelope("15.0", "listPhone", inner);
    let request = bench.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD)).body(body);
    request.send().await.unwrap()
}

#[tokio::test]
async fn one_large_answer_at_a_time_finds_memory() {
    // The answer has 16 MB: what is unread must be more
    // than what sockets keep.
    let limits = Limits {
        memory_bytes: Some(20 << 20),
        small_bytes: 100 << 10,
        answer_bytes: None,
        ..Limits::real()
    };
    let fleet = wide(1000, 16_000);
    let bench = Bench::with(SimConfig { limits, ..SimConfig::new(fleet) }).await;
    let first = begin(&bench, EVERYTHING).await;
    assert_eq!(first.status(), 200);
    let (status, body) = bench.ask("15.0", "listPhone", EVERYTHING).await;
    assert_eq!(status, 500);
    assert!(body.contains("Maximum AXL Memory Allocation Consumed"), "{body}");
    let few = format!("{EVERYTHING}<first>3</first>");
    assert_eq!(bench.ask("15.0", "listPhone", &few).await.0, 200);
    assert!(first.text().await.unwrap().ends_with("</soapenv:Envelope>"));
    assert_eq!(bench.ask("15.0", "listPhone", EVERYTHING).await.0, 200);
    assert_eq!(bench.sim.record().requests("memory fault"), 1);
}

#[tokio::test]
async fn too_much_can_break_the_connection_instead() {
    for overload in [Overload::Truncated, Overload::Dropped] {
        let limits = Limits { answer_bytes: Some(20_000), overload, ..Limits::real() };
        let bench = Bench::with(SimConfig { limits, ..SimConfig::new(wide(100, 500)) }).await;
        let body = envelope("15.0", "listPhone", EVERYTHING);
        let request = bench.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD)).body(body);
        match (request.send().await, overload) {
            (Ok(answer), Overload::Truncated) => assert!(answer.text().await.is_err()),
            (Err(_), Overload::Dropped) => {}
            (answer, _) => panic!("{overload:?}: {answer:?}"),
        }
        let few = format!("{EVERYTHING}<first>3</first>");
        assert_eq!(bench.ask("15.0", "listPhone", &few).await.0, 200);
        assert_eq!(bench.sim.record().requests("overload"), 1);
    }
}

fn associate(phones: std::ops::Range<usize>) -> String {
    let devices: Vec<_> = phones.map(|k| format!("<device>SEP00FACE{k:06X}</device>")).collect();
    format!("<userid>bgpush</userid><associatedDevices>{}</associatedDevices>", devices.concat())
}

#[tokio::test]
async fn writes_wait_until_their_changes_have_reached_the_nodes() {
    let limits = Limits {
        notifications: Some(10),
        // So slow that nothing drains while this test runs.
        notifications_per_second: 1,
        retry_after: true,
        ..Limits::real()
    };
    let bench = Bench::with(SimConfig { limits, ..SimConfig::new(FleetSpec::clean(50)) }).await;
    // Everything is associated already: only the user itself is told.
    assert_eq!(bench.ask("15.0", "updateAppUser", &associate(0..50)).await.0, 200);
    assert_eq!(bench.ask("15.0", "updateAppUser", &associate(0..0)).await.0, 200);
    let body = envelope("15.0", "updateAppUser", &associate(0..50));
    let request = bench.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD)).body(body);
    let refused = request.send().await.unwrap();
    assert_eq!(refused.status(), 503);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((20..=42).contains(&wait), "{wait}");
    let record = bench.sim.record();
    assert_eq!(record.requests("write throttle"), 1);
    assert_eq!((record.writes.len(), record.devices("bgpush").len()), (2, 0));
    // Reads go on.
    assert_eq!(bench.ask("15.0", "getCCMVersion", "").await.0, 200);
    bench.sim.inject(Fault::BusyRead, 1);
    assert_eq!(bench.ask("15.0", "getCCMVersion", "").await.0, 503);
}

#[tokio::test]
async fn without_limits_nothing_is_refused() {
    let config = SimConfig { limits: Limits::off(), ..SimConfig::new(wide(2000, 6000)) };
    let bench = Bench::with(config).await;
    let first = begin(&bench, EVERYTHING).await;
    let (status, body) = bench.ask("15.0", "listPhone", EVERYTHING).await;
    assert_eq!(status, 200);
    assert!(body.len() > 12_000_000);
    drop(first);
    for range in [0..2000, 0..0, 0..2000] {
        assert_eq!(bench.ask("15.0", "updateAppUser", &associate(range)).await.0, 200);
    }
    for _ in 0..20 {
        assert_eq!(bench.ris(&select(&item("SEP00FACE000001"))).await.0, 200);
    }
}
