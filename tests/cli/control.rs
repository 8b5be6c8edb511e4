//! Runs that another process controls while they work.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{Change, PUSH_USER, Registration};
use serde_json::Value;

use crate::lab::{Ended, Lab, fleet_of, name};
use crate::rollout_clusters;

/// Phones that the push user controls already.
fn lab(count: u32) -> Lab {
    let mut fleet = fleet_of(count);
    fleet.push_devices = (1..=count).map(name).collect();
    Lab::new(fleet)
}

/// A rollout that runs beside the test.
pub struct Running {
    child: Child,
    lines: BufReader<ChildStderr>,
    stderr: String,
}

impl Running {
    pub fn start(lab: &Lab, arguments: &[&str]) -> Self {
        let picture = lab.picture();
        let pin = lab.cluster.cert_sha256();
        let port = lab.cluster.phone_port().to_string();
        let first = ["rollout", picture.to_str().unwrap(), "--pin-sha256", &pin];
        let own = lab.program(&[&first[..], &["--phone-port", &port], arguments].concat());
        Self::of(lab, &own)
    }

    fn of(lab: &Lab, own: &assert_cmd::Command) -> Self {
        let usual = ["--yes", "--json", "--concurrency", "1", "--verify-timeout", "5"];
        Self::spawn(lab, own, &[&usual[..], &["--report", "report.html"]].concat())
    }

    /// Starts a program with these arguments behind its own.
    pub fn spawn(lab: &Lab, own: &assert_cmd::Command, arguments: &[&str]) -> Self {
        let mut program = Command::new(own.get_program());
        program.env_clear().args(own.get_args()).current_dir(lab.folder());
        program.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        program.args(arguments);
        program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Self { child, lines, stderr: String::new() }
    }

    /// Sends the program a signal, such as `-TERM`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits until the program writes a line with these words.
    pub fn says(&mut self, words: &str) {
        while !self.stderr.lines().last().is_some_and(|line| line.contains(words)) {
            assert_ne!(self.lines.read_line(&mut self.stderr).unwrap(), 0, "{}", self.stderr);
        }
    }

    /// Returns the last line that the program wrote and a test waited for.
    pub fn last_line(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }

    /// Closes the pipe that the program writes its messages into.
    pub fn closes_stderr(&mut self) {
        let (reader, _) = std::io::pipe().unwrap();
        self.lines = BufReader::new(std::os::fd::OwnedFd::from(reader).into());
    }

    /// Waits until the program ends.
    pub fn ends(mut self) -> Ended {
        self.lines.read_to_string(&mut self.stderr).unwrap();
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Ended { code, stdout, stderr: std::mem::take(&mut self.stderr) }
    }
}

impl Drop for Running {
    /// Leaves no process behind when a test fails.
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}

pub fn control(lab: &Lab, action: &str) -> Ended {
    lab.read(&["control", "last", action])
}

/// How many pushes the phones got, by the record of the simulator.
pub fn pushes(lab: &Lab) -> usize {
    lab.record().phones.values().map(|phone| phone.pushes.len()).sum()
}

/// Waits until the journal has the results of so many phones.
fn wait_for_results(lab: &Lab, count: u64) -> Value {
    loop {
        let shown: Value = serde_json::from_str(&lab.read(&["runs", "--json"]).stdout).unwrap();
        let outcomes = shown["runs"][0]["outcomes"].as_object().unwrap();
        if outcomes.values().filter_map(Value::as_u64).sum::<u64>() >= count {
            return shown;
        }
    }
}

/// Has the cluster hold the `nth` request of an operation: returns what tells that it arrived, and what lets it go on.
pub fn hold(lab: &Lab, operation: &str, nth: u64) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (arrived, has_arrived) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    lab.cluster.act_before(operation, nth, move || {
        arrived.send(()).unwrap();
        may_go.recv().unwrap();
    });
    (has_arrived, go)
}

/// Pauses a rollout while its `nth` request of an operation is in progress.
fn paused_at(lab: &Lab, operation: &str, nth: u64, arguments: &[&str]) -> Running {
    let (has_arrived, go) = hold(lab, operation, nth);
    let running = Running::start(lab, arguments);
    has_arrived.recv().unwrap();
    control(lab, "pause").told(0, &["Run 1 is paused"]);
    go.send(()).unwrap();
    running
}

pub fn events(lab: &Lab, run: &str) -> Vec<(String, String)> {
    let shown: Value = serde_json::from_str(&lab.read(&["show", run, "--json"]).stdout).unwrap();
    let word = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
    let events = shown["events"].as_array().unwrap().iter();
    let events = events.map(|event| (word(event, "kind"), word(event, "text")));
    let other = ["began", "finished", "remark", "waiting"];
    events.filter(|(kind, _)| !other.contains(&kind.as_str())).collect()
}

#[test]
fn a_run_is_paused_and_continued() {
    let lab = lab(6);
    let mut running = paused_at(&lab, "push", 2, &[]);
    running.says("paused by");
    let line = running.stderr.lines().last().unwrap().to_owned();
    assert!(line.contains("continue with `axlpaper control 1 continue --state "), "{line}");
    // What was in progress finishes, and nothing else begins while the run takes two more requests up.
    wait_for_results(&lab, 2);
    control(&lab, "pause").told(0, &["Run 1 was paused already."]);
    let shown = lab.read(&["show", "last"]);
    shown.told(0, &["since 20", "paused by"]);
    assert_eq!(pushes(&lab), 2);
    let ended = lab.read(&["control", "1", "continue", "--json"]);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["schema"], "axlpaper.control/v1");
    let words = ["action", "result"].map(|key| document[key].as_str().unwrap());
    assert_eq!((ended.code, words), (0, ["continue", "done"]));
    let ended = running.ends();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(pushes(&lab), 6);
    let kinds: Vec<String> = events(&lab, "1").into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["paused", "continued"]);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    // What the run knew at its end is what the journal has.
    let shown: Value = serde_json::from_str(&lab.read(&["show", "1", "--json"]).stdout).unwrap();
    let mut kept = shown["events"].as_array().unwrap().clone();
    kept.retain(|event| ["paused", "continued"].contains(&event["kind"].as_str().unwrap()));
    assert_eq!(document["control"], Value::Array(kept));
    let report = std::fs::read_to_string(lab.path("report.html")).unwrap();
    for words in ["Paused", "paused by", "continued by"] {
        assert!(report.contains(words), "{words} is not in the report");
    }
    // A run that has ended takes no request.
    control(&lab, "pause").fails(5, &["run 1 has ended", "finished at"]);
}

#[test]
fn a_run_is_aborted_and_resumed() {
    let lab = lab(6);
    let running = paused_at(&lab, "push", 2, &[]);
    control(&lab, "abort").told(0, &["Run 1 ends"]);
    let ended = running.ends();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert_eq!(pushes(&lab), 2);
    assert!(ended.stderr.contains("aborted by "), "{ended:?}");
    assert!(ended.stderr.contains("continue with `axlpaper rollout --resume 1"), "{ended:?}");
    assert!(lab.path("report.html").exists());
    control(&lab, "continue").fails(5, &["run 1 has ended", "interrupted", "rollout --resume 1"]);
    let rest = lab.resumed(&["--resume", "last", "--yes", "--json"]);
    assert_eq!(rest.code, 0, "{rest:?}");
    assert_eq!(pushes(&lab), 6);
}

#[test]
fn a_paused_run_that_is_killed_can_be_resumed_and_no_request_comes_back() {
    let lab = lab(6);
    let mut running = paused_at(&lab, "push", 2, &[]);
    wait_for_results(&lab, 2);
    running.child.kill().unwrap();
    running.ends();
    let refused = control(&lab, "pause");
    refused.fails(5, &["run 1 did not finish", "crashed or was killed", "rollout --resume 1"]);
    let rest = lab.resumed(&["--resume", "last", "--yes", "--json"]);
    assert_eq!(rest.code, 0, "{rest:?}");
    assert_eq!(pushes(&lab), 6);
    assert!(lab.record().phones.values().all(|phone| phone.pushes.len() == 1));
    assert_eq!(events(&lab, "2"), []);
}

#[test]
fn a_paused_run_changes_nothing_on_the_cluster() {
    let mut fleet = fleet_of(3);
    for phone in &mut fleet.phones {
        phone.personalization = Setting::Disabled;
    }
    let lab = Lab::new(fleet);
    let repair = ["--repair", "personalization", "--restart-timeout", "5"];
    let running = paused_at(&lab, "updatePhone", 1, &repair);
    // The change in progress is read back; the run takes two more requests up meanwhile.
    control(&lab, "pause").told(0, &["paused already"]);
    control(&lab, "pause").told(0, &["paused already"]);
    let updates = |lab: &Lab| lab.record().requests.get("updatePhone").copied().unwrap_or(0);
    assert_eq!((updates(&lab), pushes(&lab)), (1, 0));
    control(&lab, "continue").told(0, &["Run 1 goes on."]);
    let ended = running.ends();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!((updates(&lab), pushes(&lab)), (3, 3));
    assert_eq!(lab.record().devices(PUSH_USER).len(), 3);
}

#[test]
fn waves_wait_for_an_approval_each() {
    let lab = lab(6);
    let arguments = ["--canary", "1", "--waves", "50%", "--gate"];
    let mut running = Running::start(&lab, &arguments);
    running.says("wave 2 of 3 (2 phones) waits for an approval");
    let line = running.stderr.lines().last().unwrap().to_owned();
    assert!(line.contains("begin it with `axlpaper control 1 approve --state "), "{line}");
    assert_eq!(pushes(&lab), 1);
    lab.read(&["show", "1"]).told(0, &["wave 2 of 3 (2 phones) waits for an approval"]);
    control(&lab, "approve").told(0, &["The wave that waited in run 1 is approved."]);
    running.says("wave 3 of 3 (3 phones) waits for an approval");
    assert_eq!(pushes(&lab), 3);
    // Two approvals at the same time begin one wave.
    let both: Vec<Ended> = std::thread::scope(|scope| {
        let one = scope.spawn(|| control(&lab, "approve"));
        let two = scope.spawn(|| control(&lab, "approve"));
        vec![one.join().unwrap(), two.join().unwrap()]
    });
    let mut codes: Vec<i32> = both.iter().map(|ended| ended.code).collect();
    codes.sort_unstable();
    let ended = running.ends();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!((codes, pushes(&lab)), (vec![0, 5], 6), "{both:?}");
    let kinds: Vec<String> = events(&lab, "1").into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["gate_reached", "approved", "gate_reached", "approved"]);
}

#[test]
fn a_phone_that_is_lost_in_the_soak_period_stops_the_run() {
    let lab = lab(4);
    // The first request of this kind is that of the survey.
    let (phone, registration) = (name(1), Registration::UnRegistered);
    let lost = Change::Register { phone, registration };
    lab.cluster.change_before("selectCmDeviceExt", 2, lost);
    let arguments = ["--canary", "2", "--soak", "1s", "--max-failures", "0", "--ris-rate", "600"];
    let ended = Running::start(&lab, &arguments).ends();
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_eq!(pushes(&lab), 2);
    let text =
        format!("soak period of wave 1 of 2 ended: 1 phone is no longer registered: {}", name(1));
    assert!(ended.stderr.contains(&text), "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let stopped = document["stopped"].as_str().unwrap();
    assert!(stopped.contains("1 phone failed; --max-failures allows 0"), "{stopped}");
    assert_eq!(document["summary"]["pending"], 2);
    assert!(ended.stderr.contains("soak period of wave 1 of 2: 1 s (--soak)"), "{ended:?}");
    let kinds: Vec<String> = events(&lab, "1").into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["soak_started", "soak_ended"]);
}

#[test]
fn requests_at_the_same_time_are_taken_up_one_after_the_other() {
    let lab = lab(3);
    let (has_arrived, go) = hold(&lab, "push", 1);
    let running = Running::start(&lab, &[]);
    has_arrived.recv().unwrap();
    control(&lab, "pause").told(0, &["Run 1 is paused"]);
    let both: Vec<Ended> = std::thread::scope(|scope| {
        let one = scope.spawn(|| control(&lab, "pause"));
        let two = scope.spawn(|| control(&lab, "continue"));
        vec![one.join().unwrap(), two.join().unwrap()]
    });
    assert!(both.iter().all(|ended| ended.code == 0), "{both:?}");
    // Whichever came first, each got its own answer, and the run is in the state of the last one.
    let kinds: Vec<String> = events(&lab, "1").into_iter().map(|(kind, _)| kind).collect();
    let is_paused = kinds.last().is_some_and(|kind| kind == "paused");
    let again = control(&lab, "continue");
    again.told(0, &[if is_paused { "Run 1 goes on." } else { "Run 1 was not paused." }]);
    go.send(()).unwrap();
    assert_eq!(running.ends().code, 0);
    assert_eq!(pushes(&lab), 3);
}

#[test]
fn a_run_that_is_suspended_takes_a_request_up_when_it_goes_on() {
    let lab = lab(4);
    let (has_arrived, go) = hold(&lab, "push", 1);
    let running = Running::start(&lab, &[]);
    has_arrived.recv().unwrap();
    running.signal("-STOP");
    let words = ["run 1 has not taken the request up", "it is in the journal"];
    control(&lab, "abort").fails(1, &words);
    running.signal("-CONT");
    control(&lab, "abort").told(0, &["Run 1 was ending already."]);
    go.send(()).unwrap();
    let ended = running.ends();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert_eq!(pushes(&lab), 1);
}

#[test]
fn each_of_several_clusters_is_controlled_alone() {
    let (alpha, beta) = rollout_clusters::two();
    let (has_arrived, go) = hold(&alpha, "push", 1);
    let picture = alpha.picture();
    let rollout = ["rollout", picture.to_str().unwrap(), "--all-clusters"];
    let running = Running::of(&alpha, &rollout_clusters::program(&alpha, &rollout));
    has_arrived.recv().unwrap();
    rollout_clusters::run(&alpha, &["control", "1", "pause"]).told(0, &["Run 1 is paused"]);
    go.send(()).unwrap();
    // The last run is that of the other cluster, which goes on to its end.
    wait_for_results(&alpha, 3);
    rollout_clusters::run(&alpha, &["control", "1", "pause"]).told(0, &["paused already"]);
    assert_eq!((pushes(&alpha), pushes(&beta)), (1, 3));
    rollout_clusters::run(&alpha, &["control", "1", "continue"]).told(0, &["Run 1 goes on."]);
    let ended = running.ends();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!((pushes(&alpha), pushes(&beta)), (2, 3));
    let line = ended.stderr.lines().find(|line| line.contains("paused by")).unwrap();
    assert!(line.starts_with("alpha: paused by"), "{line}");
}

#[test]
fn a_run_that_cannot_be_controlled_is_refused() {
    let lab = lab(2);
    control(&lab, "pause").fails(2, &["there is no journal"]);
    let ended = lab.push("rollout", &["--gate", "--yes"]);
    ended.fails(2, &["--canary", "--waves"]);
    assert_eq!(lab.rollout(&[]).0, 0);
    lab.read(&["control", "9", "pause"]).fails(2, &["no run 9"]);
    lab.read(&["control", "1", "stop"]).fails(2, &["pause", "continue", "approve", "abort"]);
    control(&lab, "approve").fails(5, &["run 1 has ended"]);
    // A copy of a journal holds runs that work elsewhere.
    let copy = lab.path("copy.sqlite3");
    std::fs::copy(lab.path("journal.sqlite3"), &copy).unwrap();
    let open = rusqlite::Connection::open(&copy).unwrap();
    open.execute_batch("update runs set ended_at = null, state = 'running', machine = 'ops9'")
        .unwrap();
    let copied = lab.read(&["control", "1", "abort", "--state", copy.to_str().unwrap()]);
    copied.fails(5, &["run 1 did not finish", "ops9"]);
}
