//! Everything that people read, word for word: help, tables, recaps, errors and the report's text.
//!
//! A snapshot is the transcript of commands that ran against the simulated cluster. `tests/README.md` says how to
//! accept a change.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{
    AccountState, Fault, Fleet, PUSH_USER, PhoneSpec, Quirk, READER_PASSWORD, READER_USER,
    Registration, RisPort, SimConfig, Sql, Tripped,
};

use crate::lab::{Ended, Lab, bare, end, fleet_of, name};
use crate::ringtone::write_wav;
use crate::rollout_clusters::{program as with_config, rollout as rollout_clusters, two};

/// Commands with what they printed.
pub struct Transcript {
    text: String,
    /// Patterns of what is another text in every run, and what stands for it.
    hidden: Vec<(String, &'static str)>,
}

impl Transcript {
    pub fn new() -> Self {
        let program = assert_cmd::cargo::cargo_bin!("axlpaper").display().to_string();
        Self { text: String::new(), hidden: vec![(program, "axlpaper")] }
    }

    pub fn of(lab: &Lab) -> Self {
        Self::new().hiding(lab)
    }

    /// Replaces a lab's addresses, folder and certificate too.
    pub fn hiding(mut self, lab: &Lab) -> Self {
        let cluster = &lab.cluster;
        self.hidden.extend([
            (lab.folder().display().to_string(), "FOLDER"),
            (format!(r"\b{}\b", cluster.axl_addr()), "HOST:PORT"),
            (cluster.cert_sha256(), "FINGERPRINT"),
            // Not everywhere: a number of bytes can be the same.
            (format!(r"(:|port ){}\b", cluster.phone_port()), "${1}PHONE-PORT"),
            (format!(r"(:|port ){}\b", cluster.axl_addr().port()), "${1}PORT"),
        ]);
        self
    }

    /// Adds what a command printed.
    pub fn add(&mut self, command: &str, ended: &Ended) {
        let Ended { code, stdout, stderr } = ended;
        writeln!(self.text, "$ axlpaper {command}\nexit {code}").unwrap();
        for (stream, text) in [("standard output", stdout), ("standard error", stderr)] {
            if !text.is_empty() {
                writeln!(self.text, "--- {stream}\n{}", text.trim_end()).unwrap();
            }
        }
        self.text.push('\n');
    }

    /// Runs a command that asks the cluster.
    pub fn run(&mut self, lab: &Lab, arguments: &[&str]) {
        self.add(&arguments.join(" "), &lab.run(arguments));
    }

    /// Runs a command that asks no cluster.
    pub fn read(&mut self, lab: &Lab, arguments: &[&str]) {
        self.add(&arguments.join(" "), &lab.read(arguments));
    }

    /// Runs `rollout` or `push` with the picture.
    pub fn push(&mut self, lab: &Lab, command: &str, arguments: &[&str]) {
        let label = format!("{command} picture.png {}", arguments.join(" "));
        self.add(label.trim_end(), &lab.push(command, arguments));
    }

    /// Adds the text of the report that a run wrote.
    pub fn report(&mut self, lab: &Lab, file: &str) {
        let page = std::fs::read_to_string(lab.path(file)).unwrap();
        writeln!(self.text, "=== text of {file}\n{}\n", text_of(&page)).unwrap();
    }

    /// Leaves out the lines that hold a text: whether and where they come depends on speed.
    fn drop_lines(&mut self, of: &str) {
        let lines: Vec<&str> = self.text.lines().filter(|line| !line.contains(of)).collect();
        self.text = lines.join("\n");
    }

    /// Compares all of it with the file `tests/cli/snapshots/NAME.snap`.
    pub fn check(self, name: &str) {
        // Trailing blanks of a table say nothing.
        let mut lines: Vec<&str> = self.text.lines().map(str::trim_end).collect();
        // What phones do at the same time comes in any order.
        for several in lines.chunk_by_mut(|a, b| timed(a).is_some() && timed(b).is_some()) {
            several.sort_by_key(|line| timed(line));
        }
        let fixed =
            FILTERS.iter().map(|(pattern, stands_for)| ((*pattern).to_owned(), *stands_for));
        let filters: Vec<(String, &str)> = self.hidden.into_iter().chain(fixed).collect();
        let filters: Vec<(&str, &str)> = filters.iter().map(|(a, b)| (a.as_str(), *b)).collect();
        insta::with_settings!({
            prepend_module_to_snapshot => false,
            omit_expression => true,
            filters => filters,
        }, {
            insta::assert_snapshot!(name, lines.join("\n"));
        });
    }
}

/// Returns what stands behind the time of a line of `show`.
fn timed(line: &str) -> Option<&str> {
    line.strip_prefix("  2").and_then(|line| line.split_once(" UTC ")).map(|(_, text)| text)
}

/// What differs from run to run, and what stands for it.
const FILTERS: &[(&str, &str)] = &[
    (r"\b([0-9A-Fa-f]{2}:){10,}[0-9A-Fa-f]{2}\b", "[hex]"),
    (r"\(process \d+\)", "(process [n])"),
    (r"\b\d+ at most in", "[n] at most in"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)(\[[A-Za-z/_]+\])?", "[time]"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d(\.\d+)?)?", "[time]"),
    (r"\b\d\d:\d\d:\d\d(\.\d+)?\b", "[time]"),
    (r"\b[0-9a-f]{64}\b", "[sha256]"),
    (r"\bPlan [0-9a-f]{12}\b", "Plan [id]"),
    (r"axlpaper-report-[0-9-]+\.html", "axlpaper-report-[time].html"),
    (r"\b(127\.0\.0\.1|0\.0\.0\.0):\d{4,5}\b", "$1:[port]"),
    (r"\b\d+\.\d+ s\b", "[n] s"),
    // On a busy machine a run takes more than ten seconds, which reports show without a fraction.
    (r"UTC · \d+ s\b", "UTC · [n] s"),
    (r"\b\d+ ms\b", "[n] ms"),
    // The marks of a time line, whose number depends on how long it took.
    (r"(?m)^0\n((\[n\] s|\d+ s|\d+:\d\d min)\n)*", "[marks of the time line]\n"),
    (r#"\btime="[0-9.]+""#, r#"time="[n]""#),
    (r"(?m)^(SEP[^,]*(?:,[^,]*){5},[0-9.]*,[a-z_]+,[^,]*,\d+),\d+,", "$1,[ms],"),
    (r"\b\S+ on \S+, axlpaper \d+\.\d+\.\d+", "[user] on [machine], axlpaper [version]"),
    (r"axlpaper \d+\.\d+\.\d+", "axlpaper [version]"),
    // The table of `runs`, where the user's name makes a column wider.
    (r"(?m)^(\d+ +)\[time\] +\S+@\S+ +", "$1[time]  [who]  "),
    (r"began at +who +cluster", "began at  who  cluster"),
    // What is waited for depends on how fast phones are.
    (r"(?m)^.*: waiting up to .*\n", ""),
];

/// What a reader sees of an HTML page: its text and the texts of its table, without tags, scripts and styles.
fn text_of(page: &str) -> String {
    let body = page.split_once("<body").unwrap().1.split_once('>').unwrap().1;
    let (markup, rest) = body.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let data: serde_json::Value =
        serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    let mut parts = markup.split('<');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (tag, rest) = part.split_once('>').unwrap();
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
        text.push_str(match name.as_str() {
            // An end tag has no name here.
            "" | "a" | "b" | "code" | "dd" | "small" | "span" => " ",
            "td" | "th" => " | ",
            _ => "\0",
        });
        text.push_str(rest);
    }
    let lines = text.split('\0').map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    lines.push("--- texts of the table".to_owned());
    strings(&data, &mut lines);
    lines.join("\n")
}

fn strings(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
        serde_json::Value::Object(fields) => {
            fields.values().for_each(|value| strings(value, found));
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

/// Ready phones of two models, one that takes no picture, one that is not registered, one whose web server is off.
fn fleet() -> Fleet {
    let mut fleet = fleet_of(4);
    fleet.phones[1] = PhoneSpec::new(name(2), 436);
    fleet.phones[2].personalization = Setting::Disabled;
    fleet.phones[3].web_access = Some(false);
    fleet.phones.push(PhoneSpec {
        registration: Registration::UnRegistered,
        ..PhoneSpec::new(name(5), 683)
    });
    fleet.phones.push(PhoneSpec::new(name(6), 72));
    fleet.give_addresses();
    fleet
}

/// The pages of help of a command and all below it. Option groups that are those of a command before are left out.
fn help(path: &[&str], seen: &mut HashMap<String, String>, transcript: &mut Transcript) {
    let mut program = bare();
    let command = path.join(" ");
    program.args(path).arg("--help");
    let ended = end(program);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{command}");
    let mut shown: Vec<String> = Vec::new();
    let mut below = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    for line in ended.stdout.lines() {
        if groups.is_empty() || (!line.starts_with(' ') && line.ends_with(':')) {
            groups.push(String::new());
        }
        writeln!(groups.last_mut().unwrap(), "{line}").unwrap();
    }
    for group in groups {
        if let Some(commands) = group.strip_prefix("Commands:\n") {
            let names = commands.lines().filter(|line| !line.starts_with("   "));
            let names = names.filter_map(|line| line.split_whitespace().next());
            below.extend(names.filter(|name| *name != "help").map(str::to_owned));
        }
        let group = group.trim_end().to_owned();
        match seen.get(&group) {
            Some(earlier) => {
                let headline = group.lines().next().unwrap();
                shown
                    .push(format!("{headline} as of `{}`\n", format!("axlpaper {earlier}").trim()));
            }
            None => {
                shown.push(format!("{group}\n"));
                seen.insert(group, command.clone());
            }
        }
    }
    let stdout = shown.join("\n");
    transcript.add(format!("{command} --help").trim(), &Ended { stdout, ..ended });
    for name in below {
        help(&[path, &[&name]].concat(), seen, transcript);
    }
}

#[test]
fn help_of_every_command() {
    let mut transcript = Transcript::new();
    help(&[], &mut HashMap::new(), &mut transcript);
    transcript.check("help");
}

#[test]
fn a_rollout_in_which_all_is_verified() {
    let lab = Lab::of_phones(2);
    let mut transcript = Transcript::of(&lab);
    transcript.push(&lab, "rollout", &["--yes", "--dry-run"]);
    transcript.push(&lab, "rollout", &["--yes", "--report", "report.html"]);
    transcript.push(&lab, "rollout", &["--yes", "--report", "again.html"]);
    transcript.read(&lab, &["runs"]);
    transcript.read(&lab, &["show", "1"]);
    transcript.read(&lab, &["show", "2"]);
    transcript.report(&lab, "report.html");
    transcript.check("rollout_verified");
}

#[test]
fn a_rollout_in_which_phones_fail() {
    let quirks = [
        Quirk::Normal,
        Quirk::ErrorWithOk { number: 3 },
        Quirk::ErrorWithOk { number: 4 },
        Quirk::FetchesImageOnly,
        Quirk::Garbage,
        Quirk::Resets,
        Quirk::WrongDevice,
        Quirk::Http404,
        Quirk::AcceptsButNeverFetches,
    ];
    let mut fleet = fleet_of(9);
    for (phone, quirk) in fleet.phones.iter_mut().zip(quirks) {
        phone.quirk = quirk;
    }
    let lab = Lab::new(fleet);
    let mut transcript = Transcript::of(&lab);
    let options = ["--yes", "--concurrency", "1", "--attempts", "1", "--settle-timeout", "0"];
    let report = ["--report", "report.html"];
    transcript.push(&lab, "rollout", &[&options[..], &report].concat());
    transcript.read(&lab, &["show", "last"]);
    transcript.read(&lab, &["show", "last", "--format", "csv"]);
    transcript.read(&lab, &["show", "last", "--format", "junit"]);
    transcript.report(&lab, "report.html");
    transcript.check("rollout_failed");
}

#[test]
fn runs_that_push_no_picture() {
    let lab = crate::words::lab();
    write_wav(&lab.path("tone.wav"), 0.5, 440.0);
    let script = "pause='0s'\n[[step]]\npress=['Key:Settings']\n[[step]]\npress=['Key:Soft1']";
    std::fs::write(lab.path("menu.toml"), script).unwrap();
    let mut transcript = Transcript::of(&lab);
    for (command, argument) in [
        ("ringtone", "tone.wav"),
        ("keys", "menu.toml"),
        ("play", "Chime.raw"),
        ("push", "--remove"),
    ] {
        let quirk = if command == "keys" { Quirk::LosesAnswer } else { Quirk::Normal };
        lab.cluster.set_quirk(&name(1), quirk);
        let options = ["--yes", "--report", "report.html", "--attempts", "1", "--concurrency", "1"];
        let all = [&[argument][..], &options].concat();
        transcript.add(&format!("{command} {argument}"), &lab.without_picture(command, &all));
        transcript.report(&lab, "report.html");
    }
    transcript.read(&lab, &["runs"]);
    transcript.check("other_payloads");
}

#[test]
fn a_rollout_that_is_interrupted() {
    let mut fleet = fleet_of(4);
    for phone in &mut fleet.phones {
        phone.quirk = Quirk::SlowReply(Duration::from_millis(500));
    }
    let lab = Lab::new(Fleet { push_devices: (1..=4).map(name).collect(), ..fleet });
    let own = lab.program(&["rollout", lab.picture().to_str().unwrap(), "--yes"]);
    let mut program = Command::new(own.get_program());
    program.env_clear().args(own.get_args()).current_dir(lab.folder());
    program.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    program.args(["--pin-sha256", &lab.cluster.cert_sha256(), "--concurrency", "1"]);
    program.args(["--phone-port", &lab.cluster.phone_port().to_string()]);
    program.args(["--report", "report.html"]).stdin(Stdio::null());
    let running = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = running.id().to_string();
    // The second phone answers half a second later; by then no other one may be begun.
    lab.cluster.act_before("push", 2, move || {
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    });
    let output = running.wait_with_output().unwrap();
    let ended = Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    let mut transcript = Transcript::of(&lab);
    transcript.add("rollout picture.png --yes --concurrency 1", &ended);
    transcript.read(&lab, &["show", "last"]);
    // Whether an attempt that was never begun is written down already depends on the disk.
    transcript.drop_lines("attempt 1 at 127.1.0.3: pending");
    transcript.drop_lines("Attempts: ");
    transcript.check("rollout_interrupted");
}

#[test]
fn a_rollout_that_is_refused() {
    let lab = Lab::new(fleet());
    let mut transcript = Transcript::of(&lab);
    transcript.push(&lab, "rollout", &["--dry-run", "--repair", "personalization"]);
    transcript.push(&lab, "rollout", &[]);
    let pin = lab.cluster.cert_sha256();
    let port = lab.cluster.phone_port().to_string();
    for (variable, told) in
        [("PHONE_PASSWORD", "a wrong push password"), ("CUCM_PASSWORD", "a wrong password")]
    {
        let mut program = lab.program(&["rollout", lab.picture().to_str().unwrap(), "--yes"]);
        program.args(["--pin-sha256", &pin, "--phone-port", &port]).env(variable, "wrong");
        transcript.add(&format!("rollout picture.png --yes # {told}"), &end(program));
    }
    transcript.read(&lab, &["show", "last"]);
    transcript.check("rollout_refused");
}

#[test]
fn a_rollout_on_two_clusters() {
    let (a, b) = two();
    let mut transcript = Transcript::of(&a).hiding(&b);
    let ended = rollout_clusters(&a, &["--all-clusters", "--yes", "--report", "report.html"]);
    // Lines of the two come as they come.
    let mut lines: Vec<&str> = ended.stderr.lines().collect();
    lines.retain(|line| !line.starts_with("note: ") && !line.starts_with("Plan "));
    lines.sort_unstable();
    let stderr = lines.join("\n");
    transcript.add("rollout picture.png --all-clusters --yes", &Ended { stderr, ..ended });
    for arguments in [&["runs"][..], &["show", "1"], &["report", "1", "2", "-o", "both.html"]] {
        transcript.add(&arguments.join(" "), &end(with_config(&a, arguments)));
    }
    transcript.report(&a, "both.html");
    transcript.drop_lines("phones download from");
    transcript.drop_lines("KB; the largest that is known");
    transcript.check("rollout_clusters");
}

#[test]
fn pushes_by_cluster_and_by_address() {
    let mut fleet = fleet_of(2);
    fleet.phones.push(PhoneSpec::new(name(3), 436));
    fleet.give_addresses();
    let lab = Lab::new(Fleet { push_devices: vec![name(1), name(3)], ..fleet });
    let mut transcript = Transcript::of(&lab);
    transcript.push(&lab, "push", &["--yes", "--report", "report.html"]);
    transcript.push(
        &lab,
        "push",
        &["--address", "127.1.0.1", "--model", "8841", "--yes", "--force"],
    );
    transcript.push(&lab, "push", &["--device", &name(1)]);
    transcript.read(&lab, &["show", "1"]);
    transcript.check("push");
}

#[test]
fn lists() {
    let lab = Lab::new(fleet());
    let mut transcript = Transcript::of(&lab);
    for arguments in [
        &["inventory"][..],
        &["inventory", "--format", "csv"],
        &["audit"],
        &["audit", "--repair", "personalization"],
        &["audit", "--format", "csv"],
        &["audit", "--format", "junit"],
    ] {
        transcript.run(&lab, arguments);
    }
    transcript.read(&lab, &["models"]);
    transcript.check("lists");
}

#[test]
fn a_plan_that_is_applied_and_reverted() {
    let lab = Lab::new(fleet());
    let mut transcript = Transcript::of(&lab);
    for arguments in [
        &["plan", "--repair", "personalization", "-o", "plan.json"][..],
        &["apply", "plan.json"],
        &["apply", "plan.json", "--yes"],
        &["apply", "plan.json", "--yes"],
        &["plan", "--repair", "personalization"],
        &["revert", "2", "--dry-run"],
        &["revert", "2"],
        &["revert", "2", "--yes"],
        &["revert", "2", "--yes"],
    ] {
        transcript.run(&lab, arguments);
    }
    assert!(lab.cluster.set_associations(PUSH_USER, &[&name(4)]));
    transcript.run(&lab, &["apply", "plan.json", "--yes"]);
    transcript.read(&lab, &["runs"]);
    transcript.read(&lab, &["show", "2"]);
    transcript.read(&lab, &["report", "2", "-o", "report.html"]);
    transcript.report(&lab, "report.html");
    transcript.check("changes");
}

#[test]
fn doctor_of_good_and_bad_clusters() {
    let lab = Lab::of_phones(2);
    let config =
        SimConfig { sql: Sql::Refused, risport: RisPort::Forbidden, ..SimConfig::new(fleet_of(1)) };
    let bad = Lab::with(config);
    let mut transcript = Transcript::of(&lab).hiding(&bad);
    let port = lab.cluster.phone_port().to_string();
    transcript.run(&lab, &["doctor", "--phone-port", &port]);
    let port = bad.cluster.phone_port().to_string();
    transcript.run(&bad, &["doctor", "--phone-port", &port]);
    transcript.run(&lab, &["doctor", "--push-user", "bgpusch"]);
    transcript.run(&lab, &["doctor", "--host", "127.0.0.1:1"]);
    transcript.read(&lab, &["doctor"]);
    let pin = lab.cluster.cert_sha256();
    for variable in ["CUCM_PASSWORD", "PHONE_PASSWORD"] {
        let mut program = lab.program(&["doctor", "--pin-sha256", &pin]);
        program.env(variable, "wrong");
        transcript.add(&format!("doctor # with a wrong {variable}"), &end(program));
    }
    lab.cluster.set_account_state(PUSH_USER, AccountState::LockedByAdministrator);
    transcript.run(&lab, &["doctor"]);
    let mut program = bare();
    program.arg("doctor");
    transcript.add("doctor # without any setting", &end(program));
    transcript.check("doctor");
}

#[test]
fn settings_and_files() {
    let lab = Lab::of_phones(1);
    let mut transcript = Transcript::of(&lab);
    transcript.read(&lab, &["init", "--print", "--cluster", "lab"]);
    transcript.read(&lab, &["init", "--config", "new/config.toml"]);
    transcript.read(&lab, &["init", "--config", "new/config.toml"]);
    let table = format!("{}[defaults]\nconcurrency = 5\n", lab.table("lab"));
    std::fs::write(lab.path("config.toml"), table).unwrap();
    let config = ["--config", "config.toml"];
    transcript.read(&lab, &[&["config", "show"][..], &config].concat());
    transcript.read(&lab, &[&["config", "check"][..], &config].concat());
    lab.picture();
    transcript
        .read(&lab, &["image", "prepare", "picture.png", "--model", "8841", "-o", "pictures"]);
    transcript.read(&lab, &["image", "tftp", "picture.png", "--model", "7945", "-o", "tftp"]);
    transcript.read(&lab, &["trust"]);
    transcript.check("settings_and_files");
}

/// One message each, with the exit code.
#[test]
fn errors() {
    let lab = Lab::new(fleet());
    lab.picture();
    let mut transcript = Transcript::of(&lab);
    std::fs::write(lab.path("text.png"), "this is no picture").unwrap();
    std::fs::write(lab.path("keys.toml"), "[[step]]\npress = [\"Key:Nothing\"]\n").unwrap();
    std::fs::write(lab.path("names.txt"), "SEPFFFFFFFFFFFF\n").unwrap();
    std::fs::write(lab.path("unknown.toml"), "[cluster.lab]\nhots = \"x\"\n").unwrap();
    std::fs::write(lab.path("rate.toml"), "[cluster.lab]\nhost = \"h\"\nris_rate = 0\n").unwrap();
    std::fs::write(lab.path("secret.toml"), "[cluster.lab]\npassword = \"hunter2\"\n").unwrap();
    std::fs::write(lab.path("default.toml"), "default_cluster = \"lba\"\n[cluster.lab]\n").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for arguments in ERRORS {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        transcript.run(&lab, &arguments);
    }
    let listen = ["rollout", "picture.png", "--yes", "--listen", &taken];
    transcript.add("rollout picture.png --yes --listen ADDRESS-IN-USE", &lab.run(&listen));
    transcript.read(&lab, &["report", "last"]);
    transcript.read(&lab, &["show", "last"]);
    transcript.read(&lab, &["inventory"]);
    let pin = lab.cluster.cert_sha256();
    for missing in
        ["CUCM_HOST", "CUCM_USERNAME", "CUCM_PASSWORD", "PHONE_USERNAME", "PHONE_PASSWORD"]
    {
        let mut program = lab.program(&["rollout", "picture.png", "--yes", "--pin-sha256", &pin]);
        program.env_remove(missing);
        transcript.add(&format!("rollout picture.png --yes # without {missing}"), &end(program));
    }
    let mut program = lab.program(&["audit", "--pin-sha256", &pin]);
    program.env("CUCM_PASSWORD", "wrong");
    transcript.add("audit # with a wrong password", &end(program));
    assert_eq!(lab.run(&["plan", "-o", "plan.json"]).code, 0);
    let mut program = lab.program(&["apply", "plan.json", "--yes", "--pin-sha256", &pin]);
    program.env("CUCM_USERNAME", READER_USER).env("CUCM_PASSWORD", READER_PASSWORD);
    transcript.add("apply plan.json --yes # as a user that may only read", &end(program));
    let plan = std::fs::read_to_string(lab.path("plan.json")).unwrap();
    std::fs::write(lab.path("edited.json"), plan.replace(&name(2), &name(4))).unwrap();
    transcript.run(&lab, &["apply", "edited.json", "--yes"]);
    std::fs::write(lab.path("half.json"), "{\"schema\": \"axlpaper.pl").unwrap();
    transcript.run(&lab, &["apply", "half.json", "--yes"]);
    lab.cluster.inject(Fault::HtmlWithOk, 1000);
    transcript.run(&lab, &["inventory"]);
    transcript.check("errors");
}

const ERRORS: &[&str] = &[
    "inventry",
    "inventory --format xml",
    "inventory --colour",
    "inventory --subnet 10.0.0.0/99",
    "inventory --axl-version 13.0",
    "inventory --timeout 0",
    "inventory --fields nme",
    "inventory --sort nme",
    "inventory --config none.toml",
    "inventory --config unknown.toml",
    "inventory --config rate.toml --cluster lab",
    "inventory --config secret.toml",
    "inventory --config default.toml",
    "inventory --config rate.toml --cluster lba",
    "inventory --cluster lab",
    "inventory --host 127.0.0.1:1",
    "inventory --output nowhere/list.csv",
    "audit --device-pool HQQ",
    "audit --model 88411",
    "audit --device SEP9",
    "audit --exclude-device SEP9",
    "audit --devices-from names.txt",
    "audit --devices-from nowhere.txt",
    "audit --subnet 192.0.2.0/24",
    "audit --push-user bgpusch",
    "apply missing.json --yes",
    "revert 7 --yes",
    "rollout",
    "rollout text.png --yes",
    "rollout missing.png --yes",
    "rollout picture.png --remove",
    "rollout picture.png --concurrency many",
    "rollout picture.png --concurrency 0",
    "rollout picture.png --canary 101%",
    "rollout picture.png --waves 10%,x",
    "rollout picture.png --max-failures many",
    "rollout picture.png --rate 0",
    "rollout picture.png --window 25:00-26:00",
    "rollout picture.png --until yesterday",
    "rollout picture.png --wait-for-offline soon",
    "rollout picture.png --focus left",
    "rollout picture.png --background nocolour",
    "rollout picture.png --listen banana --yes",
    "rollout picture.png --advertise ftp://x --yes",
    "rollout picture.png --image-url http://x/y.png",
    "rollout picture.png --phone-ca-file nowhere.pem --yes",
    "rollout picture.png --tls-cert nowhere.pem --yes",
    "rollout --resume 7 --yes",
    "push picture.png --address nonsense --yes",
    "push picture.png --repair personalization",
    "keys keys.toml --yes",
    "keys missing.toml --yes",
    "ringtone missing.wav --yes",
    "ringtone text.png --yes",
    "play missing --yes",
    "host missing-folder",
    "config keyring set --cluster lab",
    "completions cobol",
    "image prepare missing.png -o pictures",
];

#[test]
fn a_lock_that_another_run_holds_and_a_run_that_was_killed() {
    let lab = Lab::of_phones(2);
    let mut transcript = Transcript::of(&lab);
    let held = lab.cluster.tripwire("getAppUser", 1, Tripped::Before);
    let own = lab.program(&["rollout", lab.picture().to_str().unwrap(), "--yes"]);
    let mut program = Command::new(own.get_program());
    program.env_clear().args(own.get_args()).current_dir(lab.folder());
    program.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    program.args(["--pin-sha256", &lab.cluster.cert_sha256()]);
    program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = program.spawn().unwrap();
    held.blocking_recv().unwrap();
    transcript.push(&lab, "rollout", &["--yes"]);
    running.kill().unwrap();
    running.wait().unwrap();
    transcript.read(&lab, &["show", "last"]);
    transcript.push(&lab, "rollout", &["--yes", "--report", "report.html"]);
    transcript.check("lock");
}

/// What only `Debug` of Rust writes, and names with a path.
fn rust_in(text: &str) -> Option<&str> {
    let debug = ["Other(", "Err(", "Some(", "None)", "{{", r"\u{", r"\'", r"\0", r"\\"];
    let of_debug = text.lines().find(|line| debug.iter().any(|part| line.contains(part)));
    of_debug.or_else(|| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.');
        text.split(|c| !is_part(c)).find(|word| {
            // An IPv6 address has hexadecimal digits only.
            word.contains("::")
                && word.contains(|c: char| {
                    c == '_' || c.is_ascii_alphabetic() && !c.is_ascii_hexdigit()
                })
        })
    })
}

#[test]
fn no_text_for_people_holds_names_of_rust() {
    for told in [
        "Other(OtherError(X))",
        "a Some(3) b",
        "net::tls failed",
        "lost {{name}}",
        r"a\u{feff}b",
        r"a\\*b",
    ] {
        assert!(rust_in(told).is_some(), "{told}");
    }
    assert_eq!(rust_in("phones at 2001:db8::7 and [::1]:8443: look"), None);
    let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut looked_at = 0;
    for (folder, ending) in [("tests/cli/snapshots", "snap"), ("docs", "md")] {
        for entry in std::fs::read_dir(top.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != ending) {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            // Code in a document may be Rust: every second part between its marks.
            let prose = if ending == "md" { text.split('`').step_by(2).collect() } else { text };
            assert_eq!(rust_in(&prose), None, "{}", path.display());
            looked_at += 1;
        }
    }
    assert!(looked_at > 10, "{looked_at} files");
}
