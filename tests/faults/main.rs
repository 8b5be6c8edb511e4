//! A rollout that is killed again and again, at chosen instants, and gone on with until it ends.
//!
//! The simulator chooses the instant: it stops before or after it has carried a request out, never answers
//! it, and the program is killed there with SIGKILL. So every kill is where it was meant to be, however fast
//! the machine is. At the end the simulator's own record is compared with the journal.

#![expect(
    clippy::unwrap_used,
    reason = "clippy allows it in test functions, but not in what they share"
)]

#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "cli/lab.rs"]
mod lab;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::time::Duration;

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{Limits, PUSH_USER, PhoneSpec, SimConfig, Tripped};
use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::oneshot;

use lab::{Lab, fleet_of, name};

const PHONES: u32 = 200;

/// Phones whose personalization is off: the run has to enable it and let them take it over.
const OFF: u32 = 12;

/// Devices that the push user controls before, and that are no phones.
const OTHERS: [&str; 3] = ["ctiport_01", "ctiport_02", "ctiport_03"];

/// Where a run is killed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Phase {
    Survey,
    Apply,
    Push,
}

/// One instant: the `nth` request of an operation, before or after it was carried out.
#[derive(Clone, Copy, Debug)]
struct Instant {
    phase: Phase,
    operation: &'static str,
    nth: u64,
    when: Tripped,
}

/// Small, and the same everywhere; good enough to choose instants.
struct Seed(u64);

impl Seed {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    fn when(&mut self) -> Tripped {
        self.of(&[Tripped::Before, Tripped::After])
    }

    /// Kills in the survey, then while the cluster is changed, then in pushes until nothing is left.
    fn instant(&mut self, kill: u32) -> Instant {
        let (phase, operation, nth) = match kill {
            0..4 => {
                let all = [
                    "getCCMVersion",
                    "listProcessNode",
                    "listPhone",
                    "listDevicePool",
                    "listCommonPhoneConfig",
                    "getServiceParameter",
                    "getAppUser",
                    "selectCmDeviceExt",
                ];
                (Phase::Survey, self.of(&all), 1)
            }
            4 => (Phase::Apply, "updateAppUser", 1),
            5..9 => (Phase::Apply, "updatePhone", 1 + self.below(2)),
            9..12 => (Phase::Apply, "applyPhone", 1 + self.below(3)),
            _ => (Phase::Push, "push", 1 + self.below(12)),
        };
        Instant { phase, operation, nth, when: self.when() }
    }
}

fn lab() -> Lab {
    let mut fleet = fleet_of(PHONES);
    for spec in fleet.phones.iter_mut().take(OFF as usize) {
        spec.personalization = Setting::Disabled;
    }
    fleet.phones.extend(OTHERS.map(|other| PhoneSpec::new(other, axlpaper::sim::CTI_PORT)));
    fleet.push_devices = OTHERS.map(str::to_owned).to_vec();
    fleet.push_devices.extend((OFF + 1..=OFF + 5).map(name));
    Lab::with(SimConfig { limits: Limits::off(), ..SimConfig::new(fleet) })
}

/// Starts `rollout` with these arguments.
fn started(lab: &Lab, arguments: &[String]) -> Child {
    let own = lab.program(&["rollout"]);
    let mut program = std::process::Command::new(own.get_program());
    program.env_clear().current_dir(lab.folder()).args(own.get_args());
    for (name, value) in own.get_envs() {
        program.env(name, value.unwrap_or_default());
    }
    program
        .args(arguments)
        .args(["--yes", "--concurrency", "4", "--verify-timeout", "2", "--retry-delay", "0"])
        .args(["--restart-timeout", "2", "--report", "report.html"])
        .args(["--pin-sha256", &lab.cluster.cert_sha256()])
        .args(["--phone-port", &lab.cluster.phone_port().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn json(lab: &Lab, arguments: &[&str]) -> Value {
    let ended = lab.read(arguments);
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Returns what an administrator would type next; nothing when the last run came to its end.
fn next(lab: &Lab) -> Option<Vec<String>> {
    let first = || {
        let picture = lab.picture().to_str().unwrap().to_owned();
        Some(vec![picture, "--repair".to_owned(), "personalization".to_owned()])
    };
    let runs = json(lab, &["runs", "--json"]);
    let Some(last) = runs["runs"].get(0) else { return first() };
    if last["state"] == "finished" {
        return None;
    }
    // A run that was killed before it kept its picture has done nothing yet.
    let shown = lab.read(&["rollout", "--resume", "last", "--dry-run"]);
    if shown.stderr.contains("pushes no picture") {
        return first();
    }
    Some(vec!["--resume".to_owned(), last["run"].to_string()])
}

/// Runs until the instant, and kills it there; false when it came to its end before.
fn killed(lab: &Lab, arguments: &[String], instant: Instant) -> bool {
    let mut tripped = lab.cluster.tripwire(instant.operation, instant.nth, instant.when);
    let mut child = started(lab, arguments);
    loop {
        match tripped.try_recv() {
            Ok(()) => break,
            Err(oneshot::error::TryRecvError::Empty) => {}
            Err(oneshot::error::TryRecvError::Closed) => panic!("the tripwire is gone"),
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

/// Every attempt at every phone, over all runs, in the order in which they were begun.
fn attempts(lab: &Lab) -> BTreeMap<String, Vec<String>> {
    let runs = json(lab, &["runs", "--json", "--limit", "1000"]);
    let mut runs: Vec<String> =
        runs["runs"].as_array().unwrap().iter().map(|run| run["run"].to_string()).collect();
    runs.reverse();
    let mut attempts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for run in runs {
        for attempt in json(lab, &["show", &run, "--json"])["attempts"].as_array().unwrap() {
            let phone = attempt["phone"].as_str().unwrap().to_owned();
            let outcome = attempt["outcome"].as_str().unwrap_or("unknown").to_owned();
            attempts.entry(phone).or_default().push(outcome);
        }
    }
    attempts
}

/// A run that was killed says so in its report, wherever it was killed once it had begun.
fn what_was_killed_can_be_reported(lab: &Lab) {
    let runs = json(lab, &["runs", "--json"]);
    if runs["runs"].get(0).is_some_and(|last| last["state"] == "running") {
        let told = lab.read(&["report", "last", "--output", "-"]);
        assert_eq!(told.code, 0, "{told:?}");
        assert!(told.stdout.contains("This run goes on, or was killed"), "{told:?}");
    }
}

/// Kills a rollout until it ends, and returns where it was killed.
fn kill_and_go_on(seed: u64) -> Vec<Phase> {
    let lab = lab();
    let (mut seed, mut kills) = (Seed(seed), Vec::new());
    while let Some(arguments) = next(&lab) {
        assert!(kills.len() < 200, "it never ends");
        let instant = seed.instant(u32::try_from(kills.len()).unwrap());
        if killed(&lab, &arguments, instant) {
            kills.push(instant.phase);
            what_was_killed_can_be_reported(&lab);
        }
    }
    agree(&lab);
    kills
}

/// Compares the simulator's record with what was there before and with the journal.
fn agree(lab: &Lab) {
    let record = lab.record();
    let controlled: BTreeSet<&str> = record.devices(PUSH_USER).into_iter().collect();
    assert!(OTHERS.iter().all(|other| controlled.contains(other)), "an association was lost");
    assert_eq!(controlled.len(), PHONES as usize + OTHERS.len());
    for n in 1..=PHONES {
        let phone = &record.phones[&name(n)];
        assert!(phone.shown.is_some(), "{} does not show the picture", name(n));
        let enabled = phone.loaded_personalization == Setting::Enabled;
        assert!(enabled, "{} has not taken its configuration over", name(n));
    }
    let attempts = attempts(lab);
    assert_eq!(attempts.len(), PHONES as usize);
    for (phone, outcomes) in attempts {
        let proven = outcomes.iter().position(|outcome| outcome == "verified");
        assert_eq!(
            proven,
            Some(outcomes.len() - 1),
            "{phone} was pushed to after its proof: {outcomes:?}"
        );
        let pushes = record.phones[&phone].pushes.len();
        assert!(
            pushes <= outcomes.len(),
            "{phone}: {pushes} pushes, and {outcomes:?} in the journal"
        );
    }
    let database = Connection::open(lab.path("journal.sqlite3")).unwrap();
    let check: String = database.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    // What was changed by anybody but us is nothing: every write of the cluster is in the journal.
    let changes: usize = database
        .query_row("select count(*) from changes", [], |row| row.get::<_, i64>(0))
        .unwrap()
        .try_into()
        .unwrap();
    assert!(record.writes.len() <= changes, "{} writes, {changes} changes", record.writes.len());
}

fn check(seeds: &[u64]) {
    for seed in seeds {
        let kills = kill_and_go_on(*seed);
        let count = |phase| kills.iter().filter(|kill| **kill == phase).count();
        let (survey, apply, push) = (count(Phase::Survey), count(Phase::Apply), count(Phase::Push));
        assert!(survey >= 4 && apply >= 5 && push >= 12, "seed {seed}: {survey} {apply} {push}");
        assert!(survey + apply + push >= 25, "seed {seed}: {kills:?}");
    }
}

// Two tests run side by side; together they kill at more than fifty instants.

#[test]
fn a_rollout_that_is_killed_again_and_again_comes_to_its_end() {
    check(&[1]);
}

#[test]
fn so_does_one_that_is_killed_elsewhere() {
    check(&[2]);
}
