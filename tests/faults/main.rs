//! Faults at chosen instants, over everything that changes a cluster or pushes to phones.
//!
//! The simulator chooses the instant: it stops before or after it has carried a request out, never answers it, and there
//! the fault strikes. So every fault is where it was meant to be, however fast the machine is. Then the command that the
//! program names is typed, until nothing is left to do. The simulator's own record decides: at every moment each setting is as it was or as it is to be, at the
//! end all of them are as a calm run leaves them, and no phone was pushed to after its proof.
//!
//! A quarter of `AXLPAPER_FAULTS`, 200 by default, is the number of kills of each work; `AXLPAPER_FAULT_SEED` moves all seeds.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "clippy allows it in test functions, but not in what they share"
)]

mod fault;
#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "../cli/lab.rs"]
mod lab;
mod link;
mod loss;
mod seed;
mod settings;
mod work;

use std::collections::BTreeMap;

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::Record;
use rusqlite::Connection;

use fault::{Ended, Fault, Unrecorded, run};
use lab::{Lab, name};
use link::Link;
use seed::Seed;
use settings::Settings;
use work::{Next, PHONES, Work, is_plan_empty, plan};

/// After so many faults a lab is left in peace, so that its work comes to its end.
const MOST_STRIKES: u64 = 16;

/// No work takes so many commands.
const MOST_RUNS: u32 = 80;

/// What work leaves: the settings, and what of them phones have applied.
#[derive(Debug, Eq, PartialEq)]
struct Left {
    settings: Settings,
    loaded: BTreeMap<String, (Setting, bool)>,
}

impl Left {
    fn by(work: Work, record: &Record) -> Self {
        let loaded = record.phones.iter().map(|(name, phone)| {
            (name.clone(), (phone.loaded_personalization, phone.loaded_web_access))
        });
        let mut settings = Settings::of(record);
        if work == Work::Watch {
            settings = settings.sorted();
        }
        Self { settings, loaded: loaded.collect() }
    }
}

/// Runs the work to its end without a fault.
fn calm(work: Work) -> Left {
    let lab = work.lab();
    let link = Link::to(lab.cluster.axl_addr());
    prepare(&lab, &link, work);
    let strikes = go_on(&lab, &link, work, &mut Seed::new(0), |_, _| None, |_| {});
    assert_eq!(strikes, 0);
    Left::by(work, &lab.record())
}

fn prepare(lab: &Lab, link: &Link, work: Work) {
    for arguments in work.first() {
        let ended = run(lab, link, &arguments, None, &mut Seed::new(0));
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    }
}

/// Types one command after the other until the work is done, and returns how often a fault struck.
fn go_on(
    lab: &Lab,
    link: &Link,
    work: Work,
    seed: &mut Seed,
    mut choose: impl FnMut(u64, &mut Seed) -> Option<Fault>,
    looked_at: impl Fn(&Record),
) -> u64 {
    let (mut last, mut strikes): (Option<Ended>, u64) = (None, 0);
    let mut unrecorded = Unrecorded::default();
    for _ in 0..MOST_RUNS {
        let arguments = match work.next(lab, last.as_ref(), seed) {
            Next::Done => return strikes,
            Next::Run(arguments) => arguments,
            Next::PlanAnd(arguments) => {
                let planned = run(lab, link, &plan(), None, seed);
                assert_eq!(planned.code, Some(0), "{planned:?}");
                if is_plan_empty(lab) {
                    return strikes;
                }
                arguments
            }
        };
        let fault = choose(strikes, seed);
        let fault = fault.map(|fault| (fault, work.instant(fault, strikes, seed)));
        note(format_args!("`{}` with {fault:?}", arguments.join(" ")));
        let began = std::time::Instant::now();
        let ended = run(lab, link, &arguments, fault, seed);
        let (took, struck) = (began.elapsed(), ended.struck);
        note(format_args!("  {:?} after {took:.1?}, struck: {struck}", ended.code));
        strikes += u64::from(ended.struck);
        let record = lab.record();
        looked_at(&record);
        if let Some(more) = &ended.unrecorded {
            unrecorded.add(more);
        }
        check_journal(lab, &record, &unrecorded);
        // A run that was taken back, and that the journal does not know, is as if it had never been.
        if ended.unrecorded.is_none() {
            last = Some(ended);
        }
    }
    panic!("it never ends: {last:?}");
}

/// Does the work with faults, and compares what is there with what a calm run leaves.
fn strike(work: Work, number: u64, calm: &Left, faults: &[Fault], most: u64) -> u64 {
    let lab = work.lab();
    let link = Link::to(lab.cluster.axl_addr());
    prepare(&lab, &link, work);
    let first = lab.record();
    let before = Settings::of(&first);
    let mut seed = Seed::new(number);
    let choose = |strikes, seed: &mut Seed| (strikes < most).then(|| seed.of(faults));
    note(format_args!("{work:?} with seed {number}"));
    let strikes = go_on(&lab, &link, work, &mut seed, choose, |record| match work {
        Work::Watch => Work::assert_nothing_taken(&first, record),
        Work::Apply | Work::Push | Work::Revert | Work::Rollout => {
            Settings::of(record).assert_between(&before, &calm.settings);
        }
    });
    let record = lab.record();
    let left = Left::by(work, &record);
    assert_eq!(left.settings, calm.settings);
    assert_eq!(left.loaded, calm.loaded);
    let known = ["updateAppUser", "updatePhone", "applyPhone"];
    let unknown = record.writes.iter().find(|write| !known.contains(&write.operation.as_str()));
    assert_eq!(unknown, None, "nothing else is changed");
    for n in 1..=PHONES {
        let shown = &record.phones[&name(n)].shown;
        assert_eq!(shown.is_some(), work.pushes(), "{}", name(n));
    }
    strikes
}

/// Says what happens, for whoever reads why a test failed.
#[expect(clippy::print_stderr, reason = "it is shown when a test fails")]
fn note(what: std::fmt::Arguments<'_>) {
    eprintln!("{what}");
}

/// Checks what must hold after every run, however it ended.
fn check_journal(lab: &Lab, record: &Record, unrecorded: &Unrecorded) {
    let path = lab.path("journal.sqlite3");
    if !path.exists() {
        assert_eq!(record.writes.len(), unrecorded.writes, "a change was made without a journal");
        return;
    }
    let journal = Connection::open(path).unwrap();
    let check: String = journal.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let count = |query: &str| {
        let found = journal.query_row(query, [], |row| row.get::<_, i64>(0));
        // A journal that was killed while it was made has no tables yet.
        usize::try_from(found.unwrap_or_default()).unwrap()
    };
    let changes = count("select count(*) from changes");
    let writes = record.writes.len() - unrecorded.writes;
    assert!(writes <= changes, "{writes} writes, {changes} noted");
    let mut attempts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if changes > 0 || count("select count(*) from sqlite_schema where name = 'pushes'") > 0 {
        let query = "select phone, coalesce(outcome, 'unknown') from pushes order by id";
        let mut query = journal.prepare(query).unwrap();
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        for (phone, outcome) in rows.map(Result::unwrap) {
            attempts.entry(phone).or_default().push(outcome);
        }
    }
    for (phone, known) in &record.phones {
        let noted = attempts.get(phone).map(Vec::as_slice).unwrap_or_default();
        let pushes = known.pushes.len() - unrecorded.pushes.get(phone).copied().unwrap_or(0);
        assert!(pushes <= noted.len(), "{phone}: {pushes} pushes, and {noted:?} noted");
        let proven = noted.iter().position(|outcome| outcome == "verified");
        let again = proven.is_some_and(|at| at + 1 < noted.len());
        assert!(!again, "{phone} was pushed to after its proof: {noted:?}");
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Kills until this work has its share of all kills.
fn kill(work: Work) {
    let (share, first) =
        (setting("AXLPAPER_FAULTS", 200).div_ceil(4), setting("AXLPAPER_FAULT_SEED", 0));
    let calm = calm(work);
    let (mut kills, mut seed) = (0, first + 1);
    while kills < share {
        let most = MOST_STRIKES.min(share - kills);
        kills += strike(work, seed, &calm, &[Fault::Kill], most);
        seed += 1;
        assert!(seed - first <= share + 8, "{kills} kills in as many labs");
    }
}

/// Draws from faults, as far as they can strike this work.
fn draw(work: Work, seeds: std::ops::Range<u64>, faults: &[Fault]) {
    let first = setting("AXLPAPER_FAULT_SEED", 0);
    let faults: Vec<Fault> = faults.iter().copied().filter(|fault| work.can_meet(*fault)).collect();
    let calm = calm(work);
    let strikes: u64 = seeds.map(|seed| strike(work, first + seed, &calm, &faults, 6)).sum();
    assert!(strikes > 0, "no fault struck");
}

// The tests run side by side, each in labs of its own.

#[test]
fn a_rollout_that_is_killed_again_and_again_comes_to_its_end() {
    kill(Work::Rollout);
}

#[test]
fn so_does_a_push() {
    kill(Work::Push);
}

#[test]
fn so_does_a_plan_that_is_applied() {
    kill(Work::Apply);
}

#[test]
fn so_does_a_revert() {
    kill(Work::Revert);
}

#[test]
fn so_does_a_watch_on_a_cluster_that_changes() {
    kill(Work::Watch);
}

#[test]
fn a_rollout_survives_what_else_can_happen() {
    draw(Work::Rollout, 100..104, &Fault::ALL);
}

#[test]
fn so_does_a_push_at_night() {
    draw(Work::Push, 200..203, &Fault::ALL);
}

#[test]
fn so_do_apply_and_revert() {
    draw(Work::Apply, 300..304, &Fault::ALL);
    draw(Work::Revert, 400..404, &Fault::ALL);
}

#[test]
fn a_rollout_survives_what_others_do_to_its_cluster_and_its_journal() {
    draw(Work::Rollout, 500..506, &Fault::NIGHT);
}

#[test]
fn so_does_a_push_to_phones_that_are_ready() {
    draw(Work::Push, 600..606, &Fault::NIGHT);
}

#[test]
fn so_do_a_plan_and_its_way_back() {
    draw(Work::Apply, 700..706, &Fault::NIGHT);
    draw(Work::Revert, 800..806, &Fault::NIGHT);
}
