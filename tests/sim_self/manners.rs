//! What phones show, where they send clients, and what is counted against clients.

use std::time::Duration;

use axlpaper::domain::model::Size;
use axlpaper::sim::{
    Limits, PUSH_PASSWORD, PUSH_USER, PushOutcome, Quirk, SimConfig, Violation, Visit, Wording,
};

use crate::bench::*;

const ONE: &str = "SEP000000000001";

fn url(bench: &Bench, k: u8, path: &str) -> String {
    format!("http://127.9.0.{k}:{}{path}", bench.sim.phone_port())
}

async fn screen(bench: &Bench, k: u8, password: &str) -> (Option<String>, Vec<u8>) {
    let request = bench.client.get(url(bench, k, "/CGI/Screenshot"));
    let answer = request.basic_auth(PUSH_USER, Some(password)).send().await.unwrap();
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    (kind, answer.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn a_screenshot_shows_what_was_pushed_and_needs_credentials() {
    let bench = Bench::new().await;
    let (kind, before) = screen(&bench, 1, PUSH_PASSWORD).await;
    assert_eq!(kind.as_deref(), Some("image/png"));
    let drawn = image::load_from_memory(&before).unwrap();
    assert_eq!(Size::new(drawn.width(), drawn.height()), IMAGE);
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    assert!(bench.push(1, Some(PUSH_PASSWORD), &background(&base)).await.1.contains("Success"));
    assert_ne!(screen(&bench, 1, PUSH_PASSWORD).await.1, before);
    let (_, refused) = screen(&bench, 1, "wrong").await;
    assert_eq!(refused, b"<CiscoIPPhoneError Number=\"4\" />");
    let record = bench.sim.record();
    assert_eq!(record.phones[ONE].screenshots, 2);
    assert_eq!(record.users[PUSH_USER].failed_logins, 1);
}

#[tokio::test]
async fn the_decoy_host_records_who_follows_a_redirect() {
    let bench = Bench::new().await;
    assert!(bench.sim.set_quirk(ONE, Quirk::Redirects));
    // This client follows redirects, as none that has a password to keep may do.
    let request = bench.client.post(url(&bench, 1, "/CGI/Execute")).form(&[("XML", "x")]);
    assert!(read(request).await.1.contains("Success"));
    let again = format!("http://{}/elsewhere", bench.sim.decoy_host());
    read(bench.client.post(again).basic_auth("a", Some("b"))).await;
    let visit = |path: &str, authorization| Visit { path: path.to_owned(), authorization };
    let expected = [visit("/CGI/Execute", false), visit("/elsewhere", true)];
    assert_eq!(bench.sim.record().decoy_visits, expected);
    assert_eq!(bench.sim.phone(ONE).unwrap().pushes[0].outcome, PushOutcome::Status(302));
}

#[tokio::test]
async fn two_requests_at_once_are_held_against_the_client() {
    let bench = Bench::new().await;
    assert!(bench.sim.set_quirk(ONE, Quirk::SlowReply(Duration::from_millis(300))));
    let xml = "<setBackground/>";
    let slow = bench.push(1, Some(PUSH_PASSWORD), xml);
    let other = async {
        while bench.sim.record().most_pushes_in_flight == 0 {
            tokio::task::yield_now().await;
        }
        read(bench.client.get(url(&bench, 1, "/DeviceInformationX"))).await
    };
    let _answers = tokio::join!(slow, other);
    let at_once = Violation::RequestsAtOnce { phone: ONE.to_owned(), at_once: 2 };
    assert_eq!(bench.sim.record().violations, [at_once]);
}

#[tokio::test]
async fn answers_break_off_trickle_or_never_end() {
    let bench = Bench::new().await;
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    let (xml, path) = (background(&base), url(&bench, 1, "/CGI/Execute"));
    let push = || {
        bench.client.post(&path).basic_auth(PUSH_USER, Some(PUSH_PASSWORD)).form(&[("XML", &xml)])
    };
    assert!(bench.sim.set_quirk(ONE, Quirk::CutsAnswer));
    let answer = push().send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err());
    assert!(bench.sim.phone(ONE).unwrap().shown.is_some(), "the push itself was carried out");
    assert!(bench.sim.set_quirk(ONE, Quirk::Trickles(Duration::from_millis(1))));
    let mut answer = push().send().await.unwrap();
    let mut pieces = 0;
    while answer.chunk().await.unwrap().is_some() {
        pieces += 1;
    }
    assert!(pieces > 50, "{pieces}");
    assert!(bench.sim.set_quirk(ONE, Quirk::EndlessReply));
    assert!(push().send().await.unwrap().bytes().await.unwrap().len() > 16 * 1024 * 1024);
}

#[tokio::test]
async fn a_phone_answers_first_or_restarts_midway() {
    let bench = Bench::new().await;
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    let xml = background(&base);
    assert!(bench.sim.set_quirk(ONE, Quirk::AnswersFirst(Duration::from_millis(100))));
    assert!(bench.push(1, Some(PUSH_PASSWORD), &xml).await.1.contains("Success"));
    assert!(bench.sim.phone(ONE).unwrap().pushes[0].fetches.is_empty());
    while bench.sim.phone(ONE).unwrap().shown.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(bench.sim.phone(ONE).unwrap().pushes[0].fetches.len(), 2);
    assert!(bench.sim.set_quirk(ONE, Quirk::RestartsMidway));
    let request = bench.client.post(url(&bench, 1, "/CGI/Execute")).form(&[("XML", &xml)]);
    let request = request.basic_auth(PUSH_USER, Some(PUSH_PASSWORD));
    assert!(request.send().await.is_err());
    let phone = bench.sim.phone(ONE).unwrap();
    assert_eq!((phone.restarts, phone.pushes[1].outcome), (1, PushOutcome::Unusable));
    assert_eq!(phone.pushes[1].fetches.len(), 1);
    assert!(bench.push(1, Some(PUSH_PASSWORD), &xml).await.1.contains("Success"));
}

#[tokio::test]
async fn every_published_wording_is_there() {
    let bench = Bench::new().await;
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    let xml = background(&base);
    for (n, wording) in Wording::ALL.into_iter().enumerate() {
        assert!(bench.sim.set_quirk(ONE, Quirk::Worded(wording)));
        let (_, body) = bench.push(1, Some(PUSH_PASSWORD), &xml).await;
        assert!(!body.is_empty());
        let push = bench.sim.phone(ONE).unwrap().pushes[n].clone();
        assert_eq!(push.outcome, wording.outcome());
        // What it refuses it does not download.
        assert_eq!(push.fetches.len(), if push.outcome == PushOutcome::Accepted { 2 } else { 0 });
    }
}

#[tokio::test]
async fn phones_of_a_pool_share_its_bandwidth() {
    let mut fleet = fleet();
    fleet.push_devices.push("SEP000000000002".to_owned());
    let pool = fleet.phones[0].device_pool.clone();
    fleet.phones[1].device_pool = pool.clone();
    // Whatever the pictures weigh, both together need a fifth of a second at least.
    fleet.pool_bandwidth = vec![(pool, 20_000)];
    let bench = Bench::with(SimConfig { limits: Limits::off(), ..SimConfig::new(fleet) }).await;
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    let xml = background(&base);
    let begun = std::time::Instant::now();
    let both = [bench.push(1, Some(PUSH_PASSWORD), &xml), bench.push(2, Some(PUSH_PASSWORD), &xml)];
    futures::future::join_all(both).await;
    let record = bench.sim.record();
    let bytes: usize = ["SEP000000000001", "SEP000000000002"]
        .iter()
        .flat_map(|name| &record.phones[*name].pushes[0].fetches)
        .map(|fetch| fetch.bytes)
        .sum();
    let least = Duration::from_secs_f64(bytes as f64 / 20_000.0);
    assert!(
        bytes > 0 && begun.elapsed() >= least.mul_f64(0.95),
        "{bytes} in {:?}",
        begun.elapsed()
    );
    assert_eq!(record.most_at_once.values().max(), Some(&2));
}

#[tokio::test]
async fn it_answers_at_the_first_address_that_is_free() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken_at = taken.local_addr().unwrap();
    let next = std::net::SocketAddr::from(([127, 0, 0, 2], 0));
    let config = SimConfig { axl_addresses: vec![taken_at, next], ..SimConfig::new(fleet()) };
    let bench = Bench::with(config).await;
    assert_eq!(bench.sim.axl_addr().ip(), next.ip());
    // Its certificate names the address.
    bench.good("listPhone", &list("")).await;
}
