//! A simulated cluster and the program that talks to it.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use assert_cmd::Command;
use axlpaper::sim::{
    ADMIN_PASSWORD, ADMIN_USER, Fleet, Limits, PUSH_PASSWORD, PUSH_USER, PhoneSpec, Record,
    SimCluster, SimConfig, Timeline,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

#[expect(dead_code, reason = "another test uses the rest of it")]
#[path = "../architecture/hints.rs"]
mod hints;

/// A cluster, and a folder for what the program writes.
pub struct Lab {
    pub cluster: SimCluster,
    folder: TempDir,
    runtime: Runtime,
}

/// How the program ended.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Lab {
    /// Starts a cluster without limits that writes nulls in every shape that was ever seen.
    pub fn new(fleet: Fleet) -> Self {
        Self::with(SimConfig { limits: Limits::off(), odd_nulls: true, ..SimConfig::new(fleet) })
    }

    /// Starts a cluster.
    ///
    /// Where `AXLPAPER_KEEP_REQUESTS` names a folder, the requests that it gets are kept there:
    /// tests/conformance checks them against the published schemas.
    pub fn with(config: SimConfig) -> Self {
        let keep_requests = std::env::var_os("AXLPAPER_KEEP_REQUESTS").map(PathBuf::from);
        let config = SimConfig { keep_requests, ..config };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let cluster = runtime.block_on(SimCluster::start(config)).unwrap();
        Self { cluster, folder: tempfile::tempdir().unwrap(), runtime }
    }

    /// Starts a cluster of ready phones `SEP000000000001`… of model 8841 that nobody controls yet.
    pub fn of_phones(count: u32) -> Self {
        Self::new(fleet_of(count))
    }

    /// Lets the events of a timeline happen, counted from now.
    pub fn play(&self, timeline: Timeline) {
        let _guard = self.runtime.enter();
        self.cluster.play(timeline);
    }

    /// Returns the program with everything set that it needs to talk to this cluster.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut program = bare();
        program
            .current_dir(self.folder.path())
            .env("AXLPAPER_STATE", self.path("journal.sqlite3"))
            .env("CUCM_HOST", self.cluster.axl_addr().to_string())
            .env("CUCM_USERNAME", ADMIN_USER)
            .env("CUCM_PASSWORD", ADMIN_PASSWORD)
            .env("PHONE_USERNAME", PUSH_USER)
            .env("PHONE_PASSWORD", PUSH_PASSWORD)
            .args(arguments);
        program
    }

    /// Runs the program with the cluster's certificate pinned.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let pin = self.cluster.cert_sha256();
        let mut all = arguments.to_vec();
        all.extend(["--pin-sha256", &pin]);
        end(self.program(&all))
    }

    /// Runs a command that asks no cluster.
    pub fn read(&self, arguments: &[&str]) -> Ended {
        end(self.program(arguments))
    }

    /// Runs `rollout` or `push` with the picture and short waits.
    pub fn push(&self, command: &str, arguments: &[&str]) -> Ended {
        let picture = self.picture();
        let mut all = vec![command, picture.to_str().unwrap()];
        all.extend(arguments);
        self.with_short_waits(&all)
    }

    /// Runs `rollout` for an earlier run, with short waits.
    pub fn resumed(&self, arguments: &[&str]) -> Ended {
        let mut all = vec!["rollout"];
        all.extend(arguments);
        self.with_short_waits(&all)
    }

    /// Runs `rollout` or `push` without a picture, with short waits.
    pub fn without_picture(&self, command: &str, arguments: &[&str]) -> Ended {
        let mut all = vec![command];
        all.extend(arguments);
        self.with_short_waits(&all)
    }

    fn with_short_waits(&self, arguments: &[&str]) -> Ended {
        let port = self.cluster.phone_port().to_string();
        let mut all = arguments.to_vec();
        all.extend(["--phone-port", &port, "--retry-delay", "0", "--verify-timeout", "2"]);
        self.run(&all)
    }

    /// Runs `rollout --yes --json` and returns its document.
    pub fn rollout(&self, arguments: &[&str]) -> (i32, Value) {
        let mut all = vec!["--yes", "--json"];
        all.extend(arguments);
        let ended = self.push("rollout", &all);
        let json = serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        (ended.code, json)
    }

    /// Returns a picture file.
    pub fn picture(&self) -> PathBuf {
        let path = self.path("picture.png");
        if !path.exists() {
            noise().save(&path).unwrap();
        }
        path
    }

    /// Returns a path in the lab's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that only its owner can read.
    pub fn secret(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    /// Returns the table of this cluster in a config file, without a password.
    pub fn table(&self, name: &str) -> String {
        format!(
            "[cluster.{name}]\nhost = \"{}\"\nusername = \"{ADMIN_USER}\"\npin_sha256 = \"{}\"\n",
            self.cluster.axl_addr(),
            self.cluster.cert_sha256(),
        )
    }

    /// Returns the lab's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns what the cluster recorded.
    pub fn record(&self) -> Record {
        self.cluster.record()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Sockets are closed by the cluster's own drop; the runtime must still be there for it.
        let _guard = self.runtime.enter();
    }
}

impl std::fmt::Debug for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Ended {
    /// Returns everything that a person reads.
    pub fn text(&self) -> String {
        format!("{}{}", self.stderr, self.stdout)
    }

    /// Checks that the program ended with this code, and said these words on standard output.
    pub fn told(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for word in words {
            assert!(self.stdout.contains(word), "{word:?} is not in {self:?}");
        }
    }

    /// Checks that the program failed with this code and one clear message that holds these words.
    pub fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in {self:?}");
        }
        let errors = self.stderr.lines().filter(|line| line.starts_with("error:")).count();
        assert_eq!(errors, 1, "{self:?}");
        assert!(
            !self.stderr.contains("panicked") && !self.stderr.contains("RUST_BACKTRACE"),
            "{self:?}"
        );
    }
}

/// The arguments of the last command that was printed as the way to go on, with `--yes`.
pub fn told(text: &str) -> Option<Vec<String>> {
    let (_, rest) = text.rsplit_once("continue with `")?;
    let (command, _) = rest.split_once('`').unwrap();
    let mut words = shlex::split(command).unwrap();
    words.remove(0);
    if !words.iter().any(|word| word == "--yes") {
        words.push("--yes".to_owned());
    }
    Some(words)
}

/// The program without any surroundings.
pub fn bare() -> Command {
    let mut program = Command::new(assert_cmd::cargo::cargo_bin!("axlpaper"));
    // Without a home there is no config file that could change what is tested.
    program.env_clear().env("HOME", "/nonexistent").env("TMPDIR", std::env::temp_dir());
    // Reports have times of the machine.
    program.env("TZ", "UTC");
    program
}

/// Runs a program to its end. Its hints may name only what its command knows.
pub fn end(mut program: Command) -> Ended {
    let output = program.output().unwrap();
    let ended = Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    let words: Vec<_> = program.get_args().take(2).filter_map(|word| word.to_str()).collect();
    static OPTIONS: LazyLock<hints::Options> =
        LazyLock::new(|| hints::options(include_str!("../../docs/reference.md")));
    let options = &*OPTIONS;
    let two = words.join(" ");
    let command = if options.contains_key(&two) { Some(&*two) } else { words.first().copied() };
    // Some programs run ours.
    let Some(command) = command.filter(|command| options.contains_key(*command)) else {
        return ended;
    };
    for hint in ended
        .stderr
        .lines()
        .chain(ended.stdout.lines())
        .filter_map(|line| line.trim_start().strip_prefix("hint: "))
    {
        let problems = hints::problems(hint, Some(vec![command]), options);
        assert!(problems.is_empty(), "{problems:?} in {ended:?}");
    }
    ended
}

/// A picture that hardly compresses, so that half a download is far from a whole one.
fn noise() -> image::RgbImage {
    let mut state = 1_u32;
    image::RgbImage::from_fn(400, 240, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Dark, so that line labels can be read on it.
        image::Rgb(state.to_be_bytes().first_chunk().unwrap().map(|byte| byte / 2))
    })
}

/// The name of the `n`th phone of [`fleet_of`].
pub fn name(n: u32) -> String {
    format!("SEP{n:012}")
}

/// Ready phones of model 8841 that nobody controls yet.
pub fn fleet_of(count: u32) -> Fleet {
    let mut fleet = Fleet {
        phones: (1..=count).map(|n| PhoneSpec::new(name(n), 683)).collect(),
        ..Fleet::default()
    };
    fleet.give_addresses();
    fleet
}

/// The outcome of a phone in a `rollout` document.
pub fn outcome(document: &Value, name: &str) -> String {
    phone(document, name)["outcome"].as_str().unwrap_or_default().to_owned()
}

/// A phone in a document.
pub fn phone<'a>(document: &'a Value, name: &str) -> &'a Value {
    let phones = document["phones"].as_array().unwrap();
    phones
        .iter()
        .find(|phone| phone["name"] == name)
        .unwrap_or_else(|| panic!("{name} is not in {document}"))
}
