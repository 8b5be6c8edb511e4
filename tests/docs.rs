//! Documents tell the truth: every command line that one of them shows is run against the simulated cluster, and
//! every option that one of them mentions exists.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "cli/lab.rs"]
mod lab;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use axlpaper::sim::{ADMIN_USER, Limits, PUSH_USER, PhoneSpec, SimConfig};

use lab::{Ended, Lab, bare, end, fleet_of};

/// The documents, from the top of the project.
fn documents() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![top.join("README.md")];
    for entry in std::fs::read_dir(top.join("docs")).unwrap() {
        let path = entry.unwrap().path();
        let is_page = path.extension().is_some_and(|extension| extension == "md");
        // That one is made by the program, and compared with it as a whole.
        if is_page && path.file_name().is_some_and(|name| name != "reference.md") {
            documents.push(path);
        }
    }
    documents.sort();
    documents
}

/// The lines of a document that stand in blocks of code.
fn code_lines(text: &str) -> Vec<String> {
    let (mut fenced, mut lines) = (false, Vec::<String>::new());
    let mut goes_on = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            let line = line.trim().trim_start_matches("$ ");
            let (line, more) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
            match lines.last_mut().filter(|_| goes_on) {
                Some(last) => last.push_str(line),
                None => lines.push(line.to_owned()),
            }
            goes_on = more;
        }
    }
    lines
}

/// The words of every command line of a document's blocks, without comments.
fn command_lines(text: &str) -> Vec<Vec<String>> {
    let lines = code_lines(text).into_iter().filter(|line| line.starts_with("axlpaper "));
    lines.map(|line| shlex::split(&line).unwrap_or_else(|| panic!("{line:?}"))).collect()
}

/// Code between backticks in running text.
fn spans(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with("    ") && !line.contains("```"));
    let joined = lines.collect::<Vec<_>>().join(" ");
    joined.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A lab in which everything is there that documents take for granted.
struct Desk {
    lab: Lab,
    /// Another cluster, which the config file calls `prod`.
    other: Lab,
}

impl Desk {
    fn new() -> Self {
        let mut fleet = fleet_of(12);
        fleet.phones.push(PhoneSpec::new("SEP0000000000FF", 36_350));
        fleet.give_addresses();
        for phone in &mut fleet.phones {
            phone.device_pool = "HQ-Berlin".to_owned();
        }
        fleet.push_devices = fleet.phones.iter().take(3).map(|phone| phone.name.clone()).collect();
        let lab = Lab::with(SimConfig { limits: Limits::off(), ..SimConfig::new(fleet) });
        let desk = Self { lab, other: Lab::of_phones(1) };
        desk.lay_out();
        desk
    }

    fn lay_out(&self) {
        let lab = &self.lab;
        // One whose parts differ, so that a screenshot can tell it from another screen.
        let picture =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/480x240x24-cover.png");
        std::fs::copy(picture, lab.path("picture.png")).unwrap();
        std::fs::copy(lab.path("picture.png"), lab.path("picture.jpg")).unwrap();
        std::fs::create_dir(lab.path("DIR")).unwrap();
        std::fs::copy(lab.path("picture.png"), lab.path("DIR/picture.png")).unwrap();
        std::fs::write(lab.path("maker.pem"), lab.cluster.phone_ca_pem()).unwrap();
        let sound = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tones/440.mp3");
        std::fs::copy(sound, lab.path("bell.mp3")).unwrap();
        let day = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/timeline.toml");
        std::fs::copy(day, lab.path("day.toml")).unwrap();
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tones-and-keys.md");
        let page = std::fs::read_to_string(page).unwrap();
        let script = page.split("```toml wake.toml\n").nth(1).unwrap();
        std::fs::write(lab.path("wake.toml"), script.split("```").next().unwrap()).unwrap();
        let cluster = |name: &str, lab: &Lab| {
            format!(
                "[cluster.{name}]\nhost = \"{}\"\nusername = \"{ADMIN_USER}\"\npassword_env = \"CUCM_PASSWORD\"\n\
                 push_user = \"{PUSH_USER}\"\npush_password_env = \"PHONE_PASSWORD\"\npin_sha256 = \"{}\"\n\
                 phone_port = {}\nphone_tls_port = {}\n",
                lab.cluster.axl_addr(),
                lab.cluster.cert_sha256(),
                lab.cluster.phone_port(),
                lab.cluster.phone_tls_port(),
            )
        };
        let config = format!(
            "default_cluster = \"lab\"\ndefault_time_zone = \"UTC\"\n{}{}",
            cluster("lab", lab),
            cluster("prod", &self.other)
        );
        std::fs::write(lab.path("config.toml"), config).unwrap();
        let list: Vec<String> =
            ["10.1.2.3", "10.1.2.4"].map(|address| self.meant(address) + ",8841").into();
        let list = format!("address,model\n{}\n", list.join("\n"));
        std::fs::write(lab.path("phones.csv"), list).unwrap();
    }

    /// What stands for something else in documents, and what stands there when they are tested.
    fn meant(&self, word: &str) -> String {
        let phone = |n: u32| fleet_of(n).phones[n as usize - 1].address.v4().unwrap().to_string();
        // Hours that are open now, and a time that comes after them.
        let hour = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).hour();
        let clock = |later: i8| format!("{:02}:00", (hour + later).rem_euclid(24));
        word.replace("SEP0011223344AA", &fleet_of(1).phones[0].name)
            .replace("10.1.2.3", &phone(1))
            .replace("10.1.2.4", &phone(2))
            .replace("cucm-pub.example.com", &self.lab.cluster.axl_addr().to_string())
            .replace("22:00-05:00", "WINDOW")
            .replace("05:00", &clock(4))
            .replace("WINDOW", &format!("{}-{}", clock(-2), clock(4)))
    }

    /// Runs a command line of a document as somebody would who has typed the lines before it.
    fn run(&self, words: &[String]) -> Ended {
        let lab = &self.lab;
        let mut arguments: Vec<String> = words[1..].iter().map(|word| self.meant(word)).collect();
        let is_user = arguments.get(1).is_some_and(|word| word == "user");
        if arguments[0] == "console" && !is_user {
            // The last one counts; there is no browser here.
            arguments.retain(|word| word != "--open");
            arguments.extend(["--listen", "127.0.0.1:0"].map(str::to_owned));
            return until_it_listens(lab, &arguments);
        }
        if ["sim", "host"].contains(&arguments[0].as_str()) {
            return until_it_listens(lab, &arguments);
        }
        // What asks a person is answered beforehand.
        let asks = ["apply", "push", "rollout", "revert", "trust", "ringtone", "play", "keys"];
        let dry =
            ["--dry-run", "prepare"].iter().any(|word| arguments.iter().any(|arg| arg == word));
        if asks.contains(&arguments[0].as_str()) && !dry {
            arguments.push("--yes".to_owned());
        }
        // One pass, as large as the document before it left it.
        if arguments[0] == "watch" && !dry {
            arguments.extend(["--once", "--yes", "--max-change", "100%"].map(str::to_owned));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut program = lab.program(&arguments);
        // Nobody's own keyring is touched.
        program.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
        if is_user {
            program.write_stdin("a long password\n");
        }
        if arguments[0] == "init" {
            program.env("XDG_CONFIG_HOME", lab.path("new"));
        } else {
            program.env("AXLPAPER_CONFIG", lab.path("config.toml"));
        }
        end(program)
    }
}

/// How a command line ends that cannot end well here: its code, and what it says.
fn ends_otherwise(words: &[String]) -> Option<(i32, &'static str)> {
    let has = |option: &str| words.iter().any(|word| word == option);
    // There is no such server.
    let elsewhere = has("--image-url").then_some((1, "http://cucm:6970"));
    let keyring = has("keyring").then_some((2, "no keyring answers"));
    // Every run before it has ended.
    let ended = if has("watch") { "no watch works" } else { "has ended" };
    let control = has("control").then_some((5, ended));
    // The config file has no rules.
    let is_bare = words.iter().skip(2).all(|word| word.starts_with("--"));
    let rules = (words[1] == "watch" && is_bare).then_some((2, "no picture is named"));
    // No phone showed another picture before.
    let earlier = has("--pictures").then_some((2, "picture"));
    elsewhere.or(keyring).or(control).or(rules).or(earlier)
}

/// Runs a command that only ends when it is stopped, until it has said where it is.
fn until_it_listens(lab: &Lab, arguments: &[String]) -> Ended {
    let mut child = std::process::Command::new(bare().get_program())
        .current_dir(lab.folder())
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let says: Box<dyn Read> =
        if arguments[0] == "console" { Box::new(stderr) } else { Box::new(stdout) };
    BufReader::new(says).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    Ended { code: i32::from(line.is_empty()), stdout: line, stderr: String::new() }
}

#[test]
fn every_command_line_of_a_document_works() {
    // Each document has a desk of its own, so they need not wait for each other.
    std::thread::scope(|scope| {
        for document in documents() {
            scope.spawn(move || its_command_lines_work(&document));
        }
    });
}

fn its_command_lines_work(document: &Path) {
    let text = std::fs::read_to_string(document).unwrap();
    let lines = command_lines(&text);
    if lines.is_empty() {
        return;
    }
    let desk = Desk::new();
    for words in lines {
        let ended = desk.run(&words);
        if let Some((code, says)) = ends_otherwise(&words) {
            ended.fails(code, &[says]);
            continue;
        }
        let shown = format!("{}: {}", document.display(), words.join(" "));
        assert_eq!(ended.code, 0, "{shown}\n{ended:?}");
    }
    let kept = desk.lab.record().devices(PUSH_USER).len();
    assert!(kept >= 3, "{}: an association was lost", document.display());
}

/// Every option of every command, from the reference that the program makes of itself.
fn known_options(reference: &str) -> BTreeSet<String> {
    let words = reference.split(|c: char| c.is_whitespace() || "`,[]=".contains(c));
    words.filter(|word| word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn every_option_that_a_document_mentions_exists() {
    let reference = reference();
    let known = known_options(&reference);
    let commands: BTreeSet<&str> = reference
        .lines()
        .filter_map(|line| line.strip_prefix("## `axlpaper ")?.strip_suffix('`'))
        .collect();
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for span in spans(&text) {
            let words: Vec<&str> = span.split_whitespace().collect();
            if let ["axlpaper", command, ..] = words[..]
                && command.starts_with(|c: char| c.is_ascii_lowercase())
            {
                assert!(commands.contains(command), "{}: `{span}`", document.display());
            }
            // Other programs have options too; of those only whole command lines are shown.
            let ours = words.first().is_some_and(|word| {
                *word == "axlpaper" || word.starts_with("--") || commands.contains(word)
            });
            for option in words.iter().filter(|word| ours && word.starts_with("--")) {
                let option = option.split(['=', ',', '|']).next().unwrap();
                assert!(
                    known.contains(option) || option == "--help",
                    "{}: {option} in `{span}`",
                    document.display()
                );
            }
        }
    }
}

fn reference() -> String {
    let mut program = bare();
    program.args(["man", "--markdown"]);
    let ended = end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.stdout
}

/// `AXLPAPER_UPDATE_DOCS=1 cargo test --test docs` writes the page anew.
#[test]
fn the_reference_is_what_the_program_says_of_itself() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let reference = reference();
    if std::env::var_os("AXLPAPER_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &reference).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == reference,
        "docs/reference.md is out of date: AXLPAPER_UPDATE_DOCS=1 cargo test --test docs"
    );
}
