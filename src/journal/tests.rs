use std::path::Path;

use jiff::tz::TimeZone;
use rusqlite::Connection;

use super::*;
use crate::domain::association::{DeviceList, UserKind, UserRef};
use crate::domain::payload_kind::ObjectKind;
use crate::domain::plan::{Action, Change};
use crate::event::{ChangeResult, ChangeState, Download, Outcome, PhoneError, PhoneResult};

fn new_run(cluster: &str) -> NewRun {
    NewRun {
        command: "rollout".into(),
        command_line: "axlpaper rollout x.png".into(),
        program: "0.1.0".into(),
        cluster_id: cluster.into(),
        cluster: "lab".into(),
        host: "pub:8443".into(),
        os_user: "ada".into(),
        machine: "ops1".into(),
        process: 42,
        continues: None,
        reverts: None,
        time_zone: TimeZone::get("Europe/Paris").unwrap(),
    }
}

fn change() -> Change {
    let list = |names: &[&str]| {
        DeviceList::from(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>())
    };
    Change {
        id: 1,
        action: Action::AssociateDevices {
            target: UserRef { kind: UserKind::App, user: "bgpush".into() },
            before: list(&["SEP1"]),
            adds: vec!["SEP2".into()],
            after: list(&["SEP1", "SEP2"]),
        },
        affects: 1,
        reason: "not associated".into(),
    }
}

fn attempt(phone: &str, digest: &str, attempt: u32) -> Attempt {
    Attempt {
        phone: phone.parse().unwrap(),
        ip: [10, 0, 0, 1].into(),
        object: ObjectKind::Background,
        digest: digest.into(),
        attempt,
        words: None,
        earlier: None,
    }
}

fn ended(outcome: Outcome) -> AttemptEnd {
    AttemptEnd { outcome, said: None }
}

async fn tried(run: &Recorder, phone: &str, digest: &str, outcome: Option<Outcome>) {
    let id = run.trying(attempt(phone, digest, 1)).await.unwrap();
    if let Some(outcome) = outcome {
        run.tried(id, ended(outcome)).await.unwrap();
    }
}

fn file(folder: &Path) -> std::path::PathBuf {
    folder.join("deep").join("journal.sqlite3")
}

#[tokio::test]
async fn what_was_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    assert!(JournalReader::open(&path).unwrap().is_none(), "reading makes no journal");
    let journal = Journal::open(&path).unwrap();
    let run = journal.begin(new_run("c1")).await.unwrap();
    run.intend(&change()).await.unwrap();
    let history = JournalReader::open(&path).unwrap().unwrap();
    let open = history.changes(run.run()).unwrap();
    assert_eq!((&open[0].change, open[0].ended_at, &open[0].state), (&change(), None, &None));
    let result =
        ChangeResult { change: change(), state: ChangeState::Applied, message: Some("x".into()) };
    run.changed(&result).await.unwrap();
    let closed = history.changes(run.run()).unwrap();
    assert_eq!(closed[0].state, Some(ChangeState::Applied));
    assert!(closed[0].ended_at.is_some());

    let said = PhoneError { number: Some(4), text: "refused".into(), raw: "<x/>".into() };
    let id = run.trying(attempt("SEP1", "d", 1)).await.unwrap();
    assert_eq!(history.attempts(run.run()).unwrap()[0].outcome, None);
    run.tried(id, AttemptEnd { outcome: Outcome::AuthFailed, said: Some(said.clone()) })
        .await
        .unwrap();
    let row = history.attempts(run.run()).unwrap().remove(0);
    assert_eq!((row.outcome.as_deref(), row.number), (Some("auth_failed"), Some(4)));

    let name = "SEP1".parse().unwrap();
    let phone = PhoneResult {
        phone_error: Some(said),
        attempts: 1,
        duration_ms: Some(12),
        ..PhoneResult::not_tried(name, ObjectKind::Background, Outcome::AuthFailed)
    };
    run.ended(None, &phone).await.unwrap();
    assert_eq!(history.phones(run.run()).unwrap(), [phone]);
    run.end(RunState::Finished, 3).await.unwrap();
    let told = history.run(RunRef::Last).unwrap().unwrap();
    assert_eq!((told.id, told.state, told.exit_code), (run.run(), RunState::Finished, Some(3)));
    assert_eq!(told.outcomes, [("auth_failed".to_owned(), 1)]);
    assert!(history.run(RunRef::Number(99)).unwrap().is_none());
}

#[tokio::test]
async fn only_the_last_word_about_a_phone_proves_something() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let journal = Journal::open(&path).unwrap();
    let (one, two) =
        (journal.begin(new_run("c1")).await.unwrap(), journal.begin(new_run("c2")).await.unwrap());
    tried(&one, "SEP1", "old", Some(Outcome::Verified)).await;
    tried(&one, "SEP1", "new", Some(Outcome::Verified)).await;
    // Refused, or begun and never ended: what it shows is unknown.
    tried(&one, "SEP2", "d", Some(Outcome::Verified)).await;
    tried(&one, "sep2", "d", Some(Outcome::BadReply)).await;
    tried(&one, "SEP3", "d", Some(Outcome::Verified)).await;
    tried(&one, "SEP3", "d", None).await;
    // Whatever came of that push, the phone shows what it showed.
    tried(&one, "SEP4", "d", Some(Outcome::Verified)).await;
    tried(&one, "SEP4", "d", Some(Outcome::Unreachable)).await;
    // The answer can have been lost: perhaps it shows the other picture, or none any more.
    tried(&one, "SEP6", "d", Some(Outcome::Verified)).await;
    tried(&one, "SEP6", "e", Some(Outcome::Unreachable)).await;
    tried(&two, "SEP5", "d", Some(Outcome::Verified)).await;
    let mut proven: Vec<_> = JournalReader::open(&path)
        .unwrap()
        .unwrap()
        .proven("c1", ObjectKind::Background)
        .unwrap()
        .into_iter()
        .map(|(name, proven)| (name.to_string(), proven.digest))
        .collect();
    proven.sort();
    assert_eq!(proven, [("SEP1".into(), "new".into()), ("SEP4".into(), "d".into())]);
}

#[tokio::test]
async fn a_look_at_a_screen_proves_nothing_and_takes_the_proof_of_the_same_content_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let journal = Journal::open(&path).unwrap();
    let rollout = journal.begin(new_run("c")).await.unwrap();
    for phone in ["SEP1", "SEP2", "SEP3", "SEP4", "SEP5", "SEP6"] {
        tried(&rollout, phone, "d", Some(Outcome::Verified)).await;
    }
    let verify = journal.begin(NewRun { command: VERIFY.into(), ..new_run("c") }).await.unwrap();
    tried(&verify, "SEP1", "d", Some(Outcome::NotShown)).await;
    // Another picture was pushed after the look had begun.
    tried(&verify, "SEP2", "c", Some(Outcome::NotShown)).await;
    for (phone, outcome) in [
        ("SEP3", Some(Outcome::Verified)),
        ("SEP4", Some(Outcome::NotVerifiable)),
        ("SEP5", Some(Outcome::AuthFailed)),
        // Killed in the middle of it.
        ("SEP6", None),
        ("SEP7", Some(Outcome::Verified)),
    ] {
        tried(&verify, phone, "d", outcome).await;
    }
    let proven = || {
        let history = JournalReader::open(&path).unwrap().unwrap();
        let proven = history.proven("c", ObjectKind::Background).unwrap().into_iter();
        let mut names: Vec<_> =
            proven.map(|(name, proven)| format!("{name} {}", proven.run)).collect();
        names.sort();
        names
    };
    assert_eq!(proven(), ["SEP2 1", "SEP3 1", "SEP4 1", "SEP5 1", "SEP6 1"]);
    let again = journal.begin(new_run("c")).await.unwrap();
    tried(&again, "SEP1", "d", Some(Outcome::Verified)).await;
    assert_eq!(proven()[0], "SEP1 3");
}

#[tokio::test]
async fn a_push_to_an_address_takes_the_proof_of_any_cluster_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let journal = Journal::open(&path).unwrap();
    let cluster = journal.begin(new_run("c1")).await.unwrap();
    let other = journal.begin(new_run("c2")).await.unwrap();
    let addresses = journal.begin(new_run(ADDRESSES)).await.unwrap();
    tried(&cluster, "SEP1", "d", Some(Outcome::Verified)).await;
    tried(&addresses, "SEP1", "e", Some(Outcome::Verified)).await;
    tried(&addresses, "SEP2", "e", Some(Outcome::Verified)).await;
    tried(&cluster, "SEP2", "d", Some(Outcome::Verified)).await;
    tried(&cluster, "SEP3", "d", Some(Outcome::Verified)).await;
    tried(&other, "SEP3", "e", Some(Outcome::Verified)).await;
    let history = JournalReader::open(&path).unwrap().unwrap();
    let proven = |id| {
        let proven = history.proven(id, ObjectKind::Background).unwrap().into_iter();
        let mut names: Vec<_> = proven.map(|(name, _)| name.to_string()).collect();
        names.sort();
        names
    };
    assert_eq!(proven("c1"), ["SEP2", "SEP3"]);
    assert_eq!(proven("c2"), ["SEP3"]);
    assert_eq!(proven(ADDRESSES), ["SEP1"]);
}

#[tokio::test]
async fn each_kind_of_object_is_proven_by_itself_and_keys_take_every_proof_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let run = Journal::open(&path).unwrap().begin(new_run("c")).await.unwrap();
    let tried = async |phone: &str, object, outcome| {
        let id = run.trying(Attempt { object, ..attempt(phone, "d", 1) }).await.unwrap();
        run.tried(id, ended(outcome)).await.unwrap();
    };
    let (tone, picture, keys) = (ObjectKind::RingTone, ObjectKind::Background, ObjectKind::Keys);
    tried("SEP1", picture, Outcome::Verified).await;
    tried("SEP1", tone, Outcome::Rejected).await;
    tried("SEP2", tone, Outcome::Verified).await;
    tried("SEP3", picture, Outcome::Verified).await;
    tried("SEP3", tone, Outcome::Verified).await;
    tried("SEP3", keys, Outcome::Accepted).await;
    // An answer that was lost: the keys may have been pressed.
    tried("SEP4", picture, Outcome::Verified).await;
    tried("SEP4", keys, Outcome::Unreachable).await;
    // Nothing was sent.
    tried("SEP5", tone, Outcome::Verified).await;
    tried("SEP5", keys, Outcome::WrongDevice).await;
    let history = JournalReader::open(&path).unwrap().unwrap();
    let proven = |object| {
        let proven = history.proven("c", object).unwrap().into_iter();
        let mut names: Vec<_> = proven.map(|(name, _)| name.to_string()).collect();
        names.sort();
        names
    };
    assert_eq!(proven(picture), ["SEP1"]);
    assert_eq!(proven(tone), ["SEP2", "SEP5"]);
    assert_eq!(proven(keys), [""; 0]);
}

#[tokio::test]
async fn a_journal_of_the_first_format_knows_of_backgrounds_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old");
    schema::tests::first_format(&path);
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "insert into runs (id, command, command_line, program, cluster_id, cluster, host, os_user, machine,
                 process, began_at)
             values (1, 'push', 'x', '0', 'c', 'lab', 'h', 'u', 'm', 1, '2026-01-01T00:00:00Z');
             insert into pushes (run, phone, ip, digest, attempt, began_at, outcome)
             values (1, 'SEP1', '10.0.0.1', 'd', 1, '2026-01-01T00:00:00Z', 'verified');
             insert into phones (run, phone, outcome, body) values (1, 'SEP1', 'verified',
                 '{\"name\":\"SEP1\",\"model\":\"Cisco 8841\",\"device_pool\":\"\",\"outcome\":\"verified\",\"attempts\":1}');",
        )
        .unwrap();
    let history = JournalReader::open(&path).unwrap().unwrap();
    assert_eq!(history.attempts(1).unwrap()[0].object, "background");
    assert_eq!(history.phones(1).unwrap()[0].object, ObjectKind::Background);
    assert_eq!(history.proven("c", ObjectKind::Background).unwrap().len(), 1);
    assert!(history.proven("c", ObjectKind::RingTone).unwrap().is_empty());
}

#[tokio::test]
async fn a_thousand_at_once_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let run = Journal::open(&path).unwrap().begin(new_run("c")).await.unwrap();
    let names: Vec<String> = (0..1000).map(|n| format!("SEP{n:012}")).collect();
    let all = names.iter().map(|name| tried(&run, name, "d", Some(Outcome::Verified)));
    futures::future::join_all(all).await;
    assert_eq!(
        JournalReader::open(&path)
            .unwrap()
            .unwrap()
            .proven("c", ObjectKind::Background)
            .unwrap()
            .len(),
        1000
    );
}

fn problem(path: &Path) -> Problem {
    let written = Journal::open(path).unwrap_err();
    let read = JournalReader::open(path).unwrap_err();
    assert_eq!(written.problem.to_string(), read.problem.to_string());
    written.problem
}

#[test]
fn files_that_are_no_journal_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    std::fs::write(&path, "this is no database at all, only a text of some length".repeat(40))
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(problem(&path), Problem::Damaged(_)));
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let path = folder.path().join("other");
    Connection::open(&path).unwrap().execute_batch("create table t (x)").unwrap();
    assert!(matches!(problem(&path), Problem::Foreign));

    let path = folder.path().join("newer");
    drop(Journal::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(problem(&path), Problem::Newer { found: 99, .. }));

    assert!(matches!(Journal::open(folder.path()).unwrap_err().problem, Problem::Folder));
}

#[tokio::test]
async fn a_damaged_row_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let run = Journal::open(&path).unwrap().begin(new_run("c")).await.unwrap();
    run.intend(&change()).await.unwrap();
    Connection::open(&path).unwrap().execute("update changes set body = '{'", []).unwrap();
    let told = JournalReader::open(&path).unwrap().unwrap().changes(run.run()).unwrap_err();
    assert!(matches!(told.problem, Problem::Unreadable { what: "a change", .. }));
}

fn download(file: &str) -> Download {
    Download {
        phone: Some("SEP0011223344AA".parse().unwrap()),
        file: file.into(),
        peer: ([10, 0, 0, 1], 4711).into(),
        head_only: false,
        status: 200,
        bytes: 9,
        length: 9,
        complete: true,
        at: "2026-11-25T00:00:00Z".parse().unwrap(),
        duration_ms: 3,
    }
}

#[tokio::test]
async fn the_access_log_costs_no_commit_and_is_there_with_the_next_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let run = Journal::open(&path).unwrap().begin(new_run("c1")).await.unwrap();
    let history = JournalReader::open(&path).unwrap().unwrap();
    run.downloaded(&download("background"));
    run.note_deferred(EventKind::PhoneTls, "SEP1 over HTTPS".into());
    assert!(history.downloads(run.run()).unwrap().is_empty(), "nobody waits for it");
    tried(&run, "SEP1", "d", None).await;
    assert_eq!(history.downloads(run.run()).unwrap(), [download("background")]);
    assert_eq!(history.events(run.run()).unwrap().len(), 1, "a download is no event for a person");
    run.downloaded(&download("thumbnail"));
    run.end(RunState::Finished, 0).await.unwrap();
    assert_eq!(history.downloads(run.run()).unwrap()[1], download("thumbnail"));
}

#[tokio::test]
async fn many_downloads_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let run = Journal::open(&path).unwrap().begin(new_run("c1")).await.unwrap();
    (0..3_000).for_each(|n| run.downloaded(&download(&n.to_string())));
    run.end(RunState::Finished, 0).await.unwrap();
    let history = JournalReader::open(&path).unwrap().unwrap();
    let files = history.downloads(run.run()).unwrap().into_iter().map(|download| download.file);
    assert!(files.eq((0..3_000).map(|n: u32| n.to_string())), "all of them, in order");
}

#[tokio::test]
async fn the_last_pin_of_a_phone_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let journal = Journal::open(&path).unwrap();
    let run = journal.begin(new_run("c1")).await.unwrap();
    let phone = |name: &str| name.parse::<crate::domain::device_name::DeviceName>().unwrap();
    run.pin(&phone("SEP1"), "AA".into()).await.unwrap();
    run.pin(&phone("SEP2"), "BB".into()).await.unwrap();
    journal.begin(new_run("c2")).await.unwrap().pin(&phone("sep1"), "CC".into()).await.unwrap();
    let pins = JournalReader::open(&path).unwrap().unwrap().pins().unwrap();
    assert_eq!(pins.len(), 2);
    assert_eq!(pins[&phone("SEP1")], "CC");
    assert_eq!(pins[&phone("SEP2")], "BB");
}

#[tokio::test]
async fn a_journal_of_the_first_format_is_taken_over_with_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.sqlite3");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(schema::MIGRATIONS[0]).unwrap();
    old.pragma_update(None, "application_id", 0x6178_6c70).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    old.execute(
        "insert into runs (command, command_line, program, cluster_id, cluster, host, os_user, machine, process,
             began_at) values ('push', '', '', 'c', 'c', '', '', '', 1, '2026-01-01T00:00:00Z')",
        [],
    )
    .unwrap();
    drop(old);
    let history = JournalReader::open(&path).unwrap().unwrap();
    let runs = history.runs(9).unwrap();
    assert_eq!((runs.len(), &runs[0].time_zone), (1, &TimeZone::UTC), "it kept no zone");
    assert!(history.pins().unwrap().is_empty());
}

#[tokio::test]
async fn a_run_keeps_the_time_zone_of_its_machine() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let journal = Journal::open(&path).unwrap();
    let kept = [
        (TimeZone::get("Asia/Kolkata").unwrap(), Some("Asia/Kolkata"), 5 * 3600 + 1800),
        (TimeZone::fixed(jiff::tz::offset(-3)), None, -3 * 3600),
        (TimeZone::posix("CET-1").unwrap(), None, 3600),
    ];
    for (time_zone, name, offset) in kept {
        let run = journal.begin(NewRun { time_zone, ..new_run("c1") }).await.unwrap();
        let history = JournalReader::open(&path).unwrap().unwrap();
        let row = history.run(RunRef::Number(run.run())).unwrap().unwrap();
        assert_eq!(row.time_zone.to_offset(row.began_at).seconds(), offset);
        assert_eq!(row.time_zone.iana_name(), name);
    }
}

#[tokio::test]
async fn earlier_runs_are_those_of_the_same_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let journal = Journal::open(&path).unwrap();
    for cluster in ["c1", "c2", "c1", "c1", "c1"] {
        journal.begin(new_run(cluster)).await.unwrap();
    }
    let history = JournalReader::open(&path).unwrap().unwrap();
    let run = history.run(RunRef::Number(4)).unwrap().unwrap();
    let ids = |most| history.runs_before(&run, most).unwrap().iter().map(|run| run.id).collect();
    let (all, one): (Vec<RunId>, Vec<RunId>) = (ids(9), ids(1));
    assert_eq!((all, one), (vec![3, 1], vec![3]));
}

#[cfg(unix)]
#[tokio::test]
async fn a_write_that_fails_in_a_journal_that_was_replaced_says_that_it_was_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let run = Journal::open(&path).unwrap().begin(new_run("c1")).await.unwrap();
    run.intend(&change()).await.unwrap();
    // SQLite itself only sees that something is missing.
    Connection::open(&path).unwrap().execute_batch("drop table snapshots").unwrap();
    let failed = run.snapshot("inventory", &1).await.unwrap_err();
    assert!(matches!(failed.problem, Problem::Other(_)), "{failed:?}");
    let copy = folder.path().join("copy");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::rename(&copy, &path).unwrap();
    let failed = run.snapshot("inventory", &1).await.unwrap_err();
    assert!(matches!(failed.problem, Problem::Replaced { .. }), "{failed:?}");
}

#[tokio::test]
async fn a_picture_is_kept_once_and_what_a_phone_showed_with_its_first_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let journal = Journal::open(&path).unwrap();
    let kept = |name: &str| KeptPicture {
        digest: "d1".into(),
        name: name.into(),
        depth: 24,
        background: vec![1; 9],
        thumbnail: vec![2],
    };
    let mut runs = Vec::new();
    for name in ["a.png", "b.png"] {
        let run = journal.begin(new_run("c1")).await.unwrap();
        run.keep_file("picture".into(), vec![7; 100]).await.unwrap();
        run.keep_picture(kept(name)).await.unwrap();
        runs.push(run);
    }
    tried(&runs[0], "SEP1", "d1", Some(Outcome::Verified)).await;
    let first = Attempt { earlier: Some("d1".into()), ..attempt("SEP1", "d2", 1) };
    let id = runs[1].trying(first).await.unwrap();
    runs[1].tried(id, ended(Outcome::Accepted)).await.unwrap();
    tried(&runs[1], "SEP1", "d2", Some(Outcome::Verified)).await;
    tried(&runs[1], "SEP2", "d2", Some(Outcome::WrongDevice)).await;
    let history = JournalReader::open(&path).unwrap().unwrap();
    for run in &runs {
        assert_eq!(history.kept(run.run(), "picture").unwrap(), Some(vec![7; 100]));
    }
    assert_eq!(history.picture("d1").unwrap(), Some(kept("b.png")));
    let connection = Connection::open(&path).unwrap();
    let rows = |table: &str| -> i64 {
        connection
            .query_row(&format!("select count(*) from {table}"), [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!((rows("pictures"), rows("snapshots")), (2, 2));
    let pushed = |runs: &[RunId]| history.pushed("c1", runs, ObjectKind::Background).unwrap();
    let one = |earlier: Option<&str>, pushed_since| {
        let phone = PushedPhone { earlier: earlier.map(str::to_owned), pushed_since };
        [("SEP1".parse().unwrap(), phone)].into()
    };
    let [first, second] = [runs[0].run(), runs[1].run()];
    assert_eq!(pushed(&[second]), one(Some("d1"), None));
    assert_eq!(pushed(&[first]), one(None, Some(second)));
    assert_eq!(pushed(&[first, second]), one(None, None));
    // An earlier release wrote nothing down: what was proven before the run counts.
    connection.execute("update pushes set earlier = null", []).unwrap();
    assert_eq!(pushed(&[second]), one(Some("d1"), None));
    assert_eq!(history.last_push("c1", ObjectKind::Background).unwrap(), Some(second));
    assert_eq!(history.last_push("c2", ObjectKind::Background).unwrap(), None);
}
