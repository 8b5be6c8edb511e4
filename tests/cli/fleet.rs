//! A fleet of some hundred phones with everything that can be wrong with one: what is told of each phone has to
//! agree with what the simulator recorded.

use std::time::Duration;

use axlpaper::sim::{
    Fleet, Limits, PhoneRecord, PhoneRequest, PhoneSpec, PushOutcome, Quirk, SimConfig, Spread,
    Violation, Wording,
};
use serde_json::Value;

use crate::lab::{Lab, name, outcome, phone};

/// What is wrong with a phone, and which outcome it deserves.
fn quirks() -> Vec<(Quirk, &'static str)> {
    let mut quirks = vec![
        (Quirk::Normal, "verified"),
        (Quirk::AcceptsButNeverFetches, "accepted"),
        (Quirk::AnswersFirst(Duration::from_millis(200)), "verified"),
        (Quirk::AnswersFirst(Duration::from_secs(60)), "accepted"),
        (Quirk::Busy503Once, "verified"),
        (Quirk::ClosesConnections, "verified"),
        (Quirk::CutsAnswer, "unreachable"),
        (Quirk::EmptyReply, "bad_reply"),
        (Quirk::EndlessReply, "bad_reply"),
        (Quirk::ErrorWithOk { number: 3 }, "rejected"),
        (Quirk::FetchesHalf, "accepted"),
        (Quirk::FetchesImageOnly, "accepted"),
        (Quirk::Garbage, "bad_reply"),
        (Quirk::Http404, "rejected"),
        (Quirk::IgnoresFirstPush, "verified"),
        (Quirk::OneAnswerAConnection, "verified"),
        (Quirk::OneConnectionAtATime, "verified"),
        (Quirk::Redirects, "rejected"),
        (Quirk::Resets, "unreachable"),
        (Quirk::RestartsMidway, "verified"),
        (Quirk::ScreenCovered, "verified"),
        (Quirk::SlowReply(Duration::from_millis(150)), "verified"),
        (Quirk::Trickles(Duration::from_millis(2)), "verified"),
        // A byte a second would take minutes; the phone gets three seconds for all of it.
        (Quirk::Trickles(Duration::from_secs(1)), "unreachable"),
        (Quirk::TakenOver { after: 1, closes: false }, "wrong_device"),
        (Quirk::TakenOver { after: 2, closes: true }, "wrong_device"),
        (Quirk::WrongDevice, "wrong_device"),
    ];
    quirks.extend(Wording::ALL.map(|wording| {
        let outcome = match wording.outcome() {
            PushOutcome::Accepted => "verified",
            PushOutcome::Error(_) | PushOutcome::Status(_) => "rejected",
            PushOutcome::Unusable => "bad_reply",
        };
        (Quirk::Worded(wording), outcome)
    }));
    quirks
}

const MODELS: [u32; 5] = [683, 435, 36350, 36225, 585];
const POOLS: [&str; 3] = ["HQ", "Branch", "Thin"];
const CAP: usize = 4;

/// Three hundred phones, of which two in three behave, of several models, in three pools.
fn fleet() -> (Fleet, Vec<&'static str>) {
    let (quirks, mut expected) = (quirks(), Vec::new());
    let mut fleet =
        Fleet { pool_bandwidth: vec![("Thin".to_owned(), 4_000_000)], ..Fleet::default() };
    for n in 0..300_usize {
        let mut phone = PhoneSpec::new(name(u32::try_from(n).unwrap()), MODELS[n % MODELS.len()]);
        phone.device_pool = POOLS[n % POOLS.len()].to_owned();
        let (quirk, outcome) = if n % 3 == 1 { quirks[n / 3 % quirks.len()] } else { quirks[0] };
        phone.quirk = quirk;
        expected.push(outcome);
        fleet.push_devices.push(phone.name.clone());
        fleet.phones.push(phone);
    }
    fleet.give_addresses();
    (fleet, expected)
}

/// What the phone itself went through, by the record alone.
fn shows_whole(record: &PhoneRecord) -> bool {
    let whole = record.pushes.iter().any(|push| {
        push.outcome == PushOutcome::Accepted
            && push
                .fetches
                .iter()
                .filter(|fetch| fetch.complete && fetch.status == Some(200))
                .count()
                == 2
    });
    whole && record.shown.is_some()
}

#[test]
fn what_is_told_of_each_phone_agrees_with_the_record() {
    let (fleet, expected) = fleet();
    let lab = Lab::with(SimConfig {
        limits: Limits::off(),
        phone_latency: Duration::from_millis(20),
        latency_spread: Spread::LongTail { seed: 5 },
        ..SimConfig::new(fleet)
    });
    let cap = CAP.to_string();
    let ended = lab.push(
        "push",
        &["--yes", "--json", "--per-pool", &cap, "--concurrency", "16", "--phone-timeout", "3"],
    );
    assert_eq!(ended.code, 3, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let record = lab.record();
    for (n, expected) in (0..).zip(&expected) {
        let name = name(n);
        let unsure = pushed_to_others(&record.phones[&name].requests, closes(n));
        assert!(unsure.is_empty(), "{name}: {unsure:?}");
        let (told, recorded) = (phone(&document, &name), &record.phones[&name]);
        assert_eq!(outcome(&document, &name), *expected, "{told:#} {recorded:#?}");
        if *expected == "verified" {
            assert!(shows_whole(recorded), "{told:#} {recorded:#?}");
        }
        if *expected == "wrong_device" {
            assert!(recorded.pushes.is_empty(), "{recorded:#?}");
        }
        // A refusal stays one; trouble and what was ignored are tried again once, and no more.
        let most = if *expected == "rejected" { 1 } else { 2 };
        assert!(recorded.pushes.len() <= most, "{told:#} {recorded:#?}");
        assert!(recorded.pushes.len() <= told["attempts"].as_u64().unwrap() as usize);
    }
    assert_eq!(overlaps(&record.violations), Vec::<&str>::new());
    for pool in POOLS {
        let most = record.most_at_once[pool];
        assert!((2..=CAP).contains(&most), "{pool}: {most} at once");
    }
    // Whoever is sent elsewhere goes nowhere, and no password does.
    assert!(record.decoy_visits.is_empty(), "{:?}", record.decoy_visits);
}

/// Tells whether a phone ends connections after each answer.
fn closes(n: u32) -> bool {
    let quirks = quirks();
    let n = n as usize;
    n % 3 == 1
        && matches!(
            quirks[n / 3 % quirks.len()].0,
            Quirk::ClosesConnections
                | Quirk::OneAnswerAConnection
                | Quirk::OneConnectionAtATime
                | Quirk::TakenOver { closes: true, .. }
        )
}

/// Returns the requests that got the password without the certainty that they went to the phone: not over the connection
/// on which it had just said who it is, and, where it ends that, not over the one that was opened right before it said so.
fn pushed_to_others(requests: &[PhoneRequest], closes: bool) -> Vec<&PhoneRequest> {
    let asked = |request: &PhoneRequest| request.path == "/DeviceInformationX";
    let sure = |before: Option<&PhoneRequest>, push: &PhoneRequest| {
        before.is_some_and(|before| {
            let same = before.connection == push.connection;
            let next = closes && before.connection + 1 == push.connection;
            asked(before) && !before.authorization && (same || next) && !push.stranger
        })
    };
    let before = std::iter::once(None).chain(requests.iter().map(Some));
    let pairs = before.zip(requests).filter(|(_, request)| !asked(request));
    pairs.filter(|(before, push)| !sure(*before, push)).map(|(_, push)| push).collect()
}

fn overlaps(violations: &[Violation]) -> Vec<&str> {
    let phones = violations.iter().map(|Violation::RequestsAtOnce { phone, .. }| phone.as_str());
    phones.collect()
}
