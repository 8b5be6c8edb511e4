//! What can go wrong while the program runs, and how it is made to.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axlpaper::sim::{
    self, ADMIN_USER, AxlRole, Change, Lasts, PUSH_PASSWORD, PUSH_USER, PageTrouble, Record,
    Restart, Tripped,
};
use tokio::sync::oneshot::error::TryRecvError;

use crate::lab::{Lab, told};
use crate::link::Link;
use crate::loss::{Backup, Loss};
use crate::seed::Seed;
use crate::settings::Settings;
use crate::work::is_kept;

/// A fault. To add one, write a variant, put it into [`Fault::ALL`] and let it strike in [`run`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The program is killed at an instant.
    Kill,
    /// All connections to the cluster break at an instant, and the next few are turned away.
    Partition,
    /// No file that the program writes can become longer than so many KiB.
    DiskFull,
    /// The connections break at an instant, and then the next requests of an operation fail in this way.
    Cluster(sim::Fault),
    /// While the program was not running, the clock was set: what it wrote down before lies in the future, or further
    /// back than it was.
    ClockJump,
    /// From an instant on, the authentication page fails for a few requests.
    Page(PageTrouble),
    /// Tomcat is restarted at an instant.
    TomcatRestart,
    /// From an instant on, the AXL user may only read; it gets its role back after the run.
    RoleLost,
    /// The push user's password is changed at an instant, and changed back after the run.
    Password,
    /// The journal is lost at an instant. What the run changed is taken back by the plan that it leaves, and then the
    /// journal comes back from a backup that was made before the run.
    Journal(Loss),
}

impl Fault {
    /// All faults; one is drawn for each run.
    pub const ALL: [Self; 9] = [
        Self::Kill,
        Self::Kill,
        Self::Partition,
        Self::DiskFull,
        Self::Cluster(sim::Fault::WriteWithoutAnswer),
        Self::Cluster(sim::Fault::HtmlWithOk),
        Self::Cluster(sim::Fault::Truncated),
        Self::Cluster(sim::Fault::BusyWrite),
        Self::ClockJump,
    ];

    /// What others do to the cluster and to the journal, with a kill now and then.
    pub const NIGHT: [Self; 9] = [
        Self::Kill,
        Self::Page(PageTrouble::Status(500)),
        Self::Page(PageTrouble::Closed),
        Self::TomcatRestart,
        Self::RoleLost,
        Self::Password,
        Self::Journal(Loss::Unlinked),
        Self::Journal(Loss::Replaced),
        Self::Journal(Loss::LogUnlinked),
    ];
}

/// One instant: the `nth` request of an operation, before or after it was carried out.
#[derive(Clone, Copy, Debug)]
pub struct Instant {
    pub operation: &'static str,
    pub nth: u64,
    pub when: Tripped,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Whether the fault struck.
    pub struck: bool,
    /// The exit code; nothing when it was killed.
    pub code: Option<i32>,
    /// What the program says is to be typed next.
    pub told: Option<Vec<String>>,
    /// What no journal holds, because the one of this run was lost.
    pub unrecorded: Option<Unrecorded>,
}

/// What was done in runs whose journal was lost.
#[derive(Debug, Default)]
pub struct Unrecorded {
    pub writes: usize,
    pub pushes: BTreeMap<String, usize>,
}

impl Unrecorded {
    fn between(before: &Record, after: &Record) -> Self {
        let pushes = after.phones.iter().map(|(name, phone)| {
            (name.clone(), phone.pushes.len() - before.phones[name].pushes.len())
        });
        Self { writes: after.writes.len() - before.writes.len(), pushes: pushes.collect() }
    }

    pub fn add(&mut self, other: &Self) {
        self.writes += other.writes;
        for (name, pushes) in &other.pushes {
            *self.pushes.entry(name.clone()).or_default() += pushes;
        }
    }
}

/// Runs the program, and lets a fault strike at an instant.
pub fn run(
    lab: &Lab,
    link: &Link,
    arguments: &[String],
    fault: Option<(Fault, Instant)>,
    seed: &mut Seed,
) -> Ended {
    let Some((fault, instant)) = fault else {
        let mut child = start(lab, link, arguments, None);
        while !has_ended(lab, arguments, &mut child) {
            std::thread::sleep(Duration::from_millis(1));
        }
        return ended(lab, false, child);
    };
    match fault {
        Fault::DiskFull => {
            let blocks = 2 * (24 + seed.below(400));
            let ended = ended(lab, false, start(lab, link, arguments, Some(blocks)));
            Ended { struck: ended.code != Some(0), ..ended }
        }
        Fault::ClockJump => {
            let hours = seed.of(&[-400, -26, -1, 1, 26, 400]);
            let struck = set_clock(lab, hours);
            ended(lab, struck, start(lab, link, arguments, None))
        }
        Fault::Kill | Fault::Partition | Fault::Cluster(_) => {
            held(lab, link, arguments, (fault, instant), seed)
        }
        Fault::Page(trouble) => {
            let lasts = Lasts::Requests(u32::try_from(1 + seed.below(2)).unwrap());
            changed(lab, link, arguments, instant, Change::PageFails(trouble, lasts))
        }
        Fault::RoleLost => {
            let role = |axl| Change::Role { user: ADMIN_USER.to_owned(), axl };
            let ended = changed(lab, link, arguments, instant, role(AxlRole::ReadOnly));
            lab.cluster.change(role(AxlRole::Full));
            ended
        }
        Fault::Password => {
            let other =
                Change::Password { user: PUSH_USER.to_owned(), password: "another".to_owned() };
            let ended = changed(lab, link, arguments, instant, other);
            let user = &lab.record().users[PUSH_USER];
            assert!(!user.locked, "the push user is locked out: {user:?}");
            assert!(lab.cluster.set_password(PUSH_USER, PUSH_PASSWORD));
            // The refusals in a row are forgotten too.
            assert!(lab.cluster.set_locked(PUSH_USER, false));
            ended
        }
        Fault::TomcatRestart => {
            let restart = Restart {
                closed: Duration::from_millis(100 + seed.below(200)),
                missing: Duration::from_millis(seed.below(200)),
            };
            let restarts = || lab.record().requests("tomcat restart");
            let before = restarts();
            let Instant { operation, nth, when } = instant;
            lab.cluster.restart_tomcat(operation, nth, when, restart);
            let ended = ended(lab, false, start(lab, link, arguments, None));
            clear(lab, instant);
            Ended { struck: restarts() > before, ..ended }
        }
        Fault::Journal(loss) => lost(lab, link, arguments, instant, loss),
    }
}

/// Runs the program until the simulator holds its request, and lets the fault strike there.
fn held(
    lab: &Lab,
    link: &Link,
    arguments: &[String],
    (fault, instant): (Fault, Instant),
    seed: &mut Seed,
) -> Ended {
    let mut tripped = lab.cluster.tripwire(instant.operation, instant.nth, instant.when);
    let mut child = start(lab, link, arguments, None);
    let struck = loop {
        match tripped.try_recv() {
            Ok(()) => break true,
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Closed) => panic!("the tripwire is gone"),
        }
        if has_ended(lab, arguments, &mut child) {
            break false;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    drop(tripped);
    if struck {
        if fault == Fault::Partition {
            link.cut(1 + seed.below(2));
        } else if let Fault::Cluster(of) = fault {
            // A cluster that refuses a change for now is left alone for a quarter of a minute at least.
            let most = if of == sim::Fault::BusyWrite { 1 } else { 2 };
            let times = u32::try_from(1 + seed.below(most)).unwrap();
            let writes = ["updatePhone", "updateAppUser", "applyPhone"];
            let reads = ["getPhone", "getAppUser", "listPhone"];
            let breaks_reads = of == sim::Fault::Truncated;
            let operation = seed.of(if breaks_reads { &reads } else { &writes });
            lab.cluster.inject_into(operation, of, times);
            link.cut(0);
        } else {
            child.kill().unwrap();
        }
    }
    let ended = ended(lab, struck, child);
    link.heal();
    ended
}

/// Runs the program, with a change of the cluster at an instant.
fn changed(
    lab: &Lab,
    link: &Link,
    arguments: &[String],
    instant: Instant,
    change: Change,
) -> Ended {
    let before = lab.record().changes.len();
    lab.cluster.change_at(instant.operation, instant.nth, change);
    let ended = ended(lab, false, start(lab, link, arguments, None));
    clear(lab, instant);
    Ended { struck: lab.record().changes.len() > before, ..ended }
}

/// Runs the program, loses its journal at an instant and takes back what the run changed.
fn lost(lab: &Lab, link: &Link, arguments: &[String], instant: Instant, loss: Loss) -> Ended {
    let journal = lab.path("journal.sqlite3");
    let (before, backup) = (lab.record(), Backup::of(&journal));
    let struck = Arc::new(AtomicBool::new(false));
    let (strikes, path) = (Arc::clone(&struck), journal);
    lab.cluster.act_before(instant.operation, instant.nth, move || {
        strikes.store(loss.strike(&path), Ordering::SeqCst);
    });
    let whole = ended(lab, false, start(lab, link, arguments, None));
    clear(lab, instant);
    if !struck.load(Ordering::SeqCst) {
        return whole;
    }
    let stderr = stderr(lab);
    assert_ne!(whole.code, Some(0), "its journal was lost, and it says that all is well: {stderr}");
    assert!(stderr.contains("removed or replaced while it was in use"), "{stderr}");
    if let Some((_, rest)) = stderr.rsplit_once("`axlpaper revert --from ") {
        let file = shlex::split(rest.split_once('`').unwrap().0).unwrap();
        let state = lab.path("undo.sqlite3").to_str().unwrap().to_owned();
        let mut back: Vec<String> = ["revert", "--from"].map(str::to_owned).to_vec();
        back.extend(file);
        back.extend(["--yes", "--state", &state].map(str::to_owned));
        let ended = ended(lab, false, start(lab, link, &back, None));
        assert_eq!(ended.code, Some(0), "{back:?}: {}", self::stderr(lab));
        Backup::of(lab.path("undo.sqlite3").as_path()).remove();
    }
    let after = lab.record();
    assert_eq!(Settings::of(&after), Settings::of(&before), "{stderr}");
    backup.restore();
    let unrecorded = Some(Unrecorded::between(&before, &after));
    Ended { struck: true, unrecorded, ..whole }
}

/// Forgets what was to happen at an instant that never came.
fn clear(lab: &Lab, instant: Instant) {
    drop(lab.cluster.tripwire(instant.operation, instant.nth, instant.when));
}

fn start(lab: &Lab, link: &Link, arguments: &[String], blocks: Option<u64>) -> Child {
    let own = lab.program(&[]);
    let mut program = match blocks {
        None => Command::new(own.get_program()),
        Some(blocks) => {
            // A write beyond the limit fails as on a full disk, instead of ending the program.
            let mut shell = Command::new("sh");
            let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
            shell.args(["-c", &script]).arg(own.get_program());
            shell
        }
    };
    program.env_clear().current_dir(lab.folder());
    program.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    program.env("CUCM_HOST", link.address().to_string()).args(arguments);
    if !arguments.iter().any(|word| word == "--pin-sha256") {
        program.args(["--pin-sha256", &lab.cluster.cert_sha256()]);
    }
    program
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(lab.path("stderr")).unwrap())
        .spawn()
        .unwrap()
}

/// Returns whether the program has ended. A watch is asked to end when nothing is left to do.
fn has_ended(lab: &Lab, arguments: &[String], child: &mut Child) -> bool {
    if arguments[0] == "watch" && is_kept(&lab.record()) {
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        return true;
    }
    child.try_wait().unwrap().is_some()
}

/// Waits for the end of the program, and reads what it says is to be typed next.
fn ended(lab: &Lab, struck: bool, mut child: Child) -> Ended {
    let code = child.wait().unwrap().code();
    let stderr = stderr(lab);
    assert!(!stderr.contains("panicked"), "{stderr}");
    let told = match code {
        // There are no last words; the journal knows.
        None => told(&lab.read(&["show", "last"]).stdout),
        // Whatever it named was about an earlier run.
        Some(0) => None,
        Some(_) => told(&stderr),
    };
    Ended { struck, code, told, unrecorded: None }
}

fn stderr(lab: &Lab) -> String {
    std::fs::read_to_string(lab.path("stderr")).unwrap()
}

/// Moves every time in the journal, as if the clock had been set since; false when there is no journal yet.
fn set_clock(lab: &Lab, hours: i64) -> bool {
    let path = lab.path("journal.sqlite3");
    if !path.exists() {
        return false;
    }
    let journal = rusqlite::Connection::open(path).unwrap();
    let columns = "select m.name, c.name from sqlite_schema m join pragma_table_info(m.name) c \
                   where m.type = 'table' and (c.name = 'at' or c.name like '%\\_at' escape '\\')";
    let mut columns = journal.prepare(columns).unwrap();
    let columns = columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let columns: Vec<(String, String)> = columns.map(Result::unwrap).collect();
    assert!(columns.len() >= 8, "{columns:?}");
    for (table, column) in columns {
        let time = format!("strftime('%Y-%m-%dT%H:%M:%fZ', {column}, '{hours} hours')");
        journal.execute(&format!("update {table} set {column} = {time}"), []).unwrap();
    }
    true
}
