//! Requests that are never answered, carried out or not.

use std::time::Duration;

use axlpaper::sim::{ADMIN_PASSWORD, ADMIN_USER, PUSH_PASSWORD, PUSH_USER, Tripped};
use tokio::sync::oneshot::Receiver;

use crate::bench::*;

const EMPTY: &str = "<userid>bgpush</userid><associatedDevices/>";

/// Sends a request that is never answered, until it is known that its tripwire has sprung.
async fn unanswered(request: reqwest::RequestBuilder, bell: Receiver<()>) {
    tokio::select! {
        answer = request.send() => panic!("{answer:?}"),
        heard = bell => heard.unwrap(),
    }
}

fn axl(bench: &Bench, operation: &str, inner: &str) -> reqwest::RequestBuilder {
    let request = bench.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD));
    request.body(envelope("15.0", operation, inner))
}

#[tokio::test]
async fn a_write_is_cut_off_before_or_after() {
    for (when, left) in [(Tripped::Before, 2), (Tripped::After, 0)] {
        let bench = Bench::new().await;
        bench.good("updateAppUser", "<userid>bgpush</userid>").await;
        let bell = bench.sim.tripwire("updateAppUser", 2, when);
        let other = bench.sim.tripwire("getCCMVersion", 1, Tripped::After);
        bench.good("updateAppUser", "<userid>bgpush</userid>").await;
        unanswered(axl(&bench, "updateAppUser", EMPTY), bell).await;
        let record = bench.sim.record();
        assert_eq!(record.devices(PUSH_USER).len(), left);
        assert_eq!(record.writes.len(), if when == Tripped::Before { 2 } else { 3 });
        // It springs once only, and each operation has its own.
        unanswered(axl(&bench, "getCCMVersion", ""), other).await;
        bench.good("getCCMVersion", "").await;
        bench.good("updateAppUser", EMPTY).await;
    }
}

#[tokio::test]
async fn the_connection_stays_open_until_the_simulator_stops() {
    let bench = Bench::new().await;
    let bell = bench.sim.tripwire("updateAppUser", 1, Tripped::After);
    let request = axl(&bench, "updateAppUser", EMPTY);
    let mut client = tokio::task::JoinSet::new();
    client.spawn(async move { request.send().await?.text().await });
    bell.await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), client.join_next()).await;
    assert!(early.is_err(), "{early:?}");
    let stopping = std::time::Instant::now();
    bench.sim.shutdown().await;
    assert!(stopping.elapsed() < Duration::from_secs(2), "something was left running");
    assert!(client.join_next().await.unwrap().unwrap().is_err());
}

#[tokio::test]
async fn risport_can_be_cut_off_too() {
    let bench = Bench::new().await;
    let bell = bench.sim.tripwire("selectCmDeviceExt", 1, Tripped::Before);
    let names = select(&item("SEP000000000001"));
    unanswered(bench.ris_request(&names), bell).await;
    assert_eq!(bench.ris(&names).await.0, 200);
}

#[tokio::test]
async fn a_push_is_cut_off_before_or_after() {
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    for when in [Tripped::Before, Tripped::After] {
        let bench = Bench::new().await;
        let bell = bench.sim.tripwire("push", 1, when);
        let url = format!("http://127.9.0.1:{}/CGI/Execute", bench.sim.phone_port());
        let request = bench.client.post(url).form(&[("XML", background(&base))]);
        unanswered(request.basic_auth(PUSH_USER, Some(PUSH_PASSWORD)), bell).await;
        let phone = bench.sim.phone("SEP000000000001").unwrap();
        let done = when == Tripped::After;
        assert_eq!((phone.shown.is_some(), phone.pushes.len()), (done, usize::from(done)));
        assert_eq!(bench.sim.record().users[PUSH_USER].failed_logins, 0);
        let again = bench.push(1, Some(PUSH_PASSWORD), &background(&base)).await;
        assert!(again.1.contains("CiscoIPPhoneResponse"), "{again:?}");
        bench.sim.shutdown().await;
    }
}
