//! What can go wrong while the program runs, and how it is made to.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axlpaper::sim::{self, Tripped};
use tokio::sync::oneshot::error::TryRecvError;

use crate::lab::Lab;
use crate::link::Link;
use crate::seed::Seed;

/// A fault. To add one, write a variant, put it into [`Fault::ALL`] and let it strike in [`Run::start`] or
/// [`Run::strike`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The program is killed at an instant.
    Kill,
    /// All connections to the cluster break at an instant, and the next few are turned away.
    Partition,
    /// No file that the program writes can become longer than so many KiB.
    DiskFull,
    /// The connections break at an instant, and then the next changes of phones or users fail in this way.
    Cluster(sim::Fault),
    /// While the program was not running, the clock was set: what it wrote down before lies in the future, or further
    /// back than it was.
    ClockJump,
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
        return Ended { struck: false, code: wait(lab, start(lab, link, arguments, None)) };
    };
    match fault {
        Fault::DiskFull => {
            let blocks = 2 * (24 + seed.below(400));
            let code = wait(lab, start(lab, link, arguments, Some(blocks)));
            return Ended { struck: code != Some(0), code };
        }
        Fault::ClockJump => {
            let hours = seed.of(&[-400, -26, -1, 1, 26, 400]);
            let struck = set_clock(lab, hours);
            return Ended { struck, code: wait(lab, start(lab, link, arguments, None)) };
        }
        Fault::Kill | Fault::Partition | Fault::Cluster(_) => {}
    }
    let mut tripped = lab.cluster.tripwire(instant.operation, instant.nth, instant.when);
    let mut child = start(lab, link, arguments, None);
    let struck = loop {
        match tripped.try_recv() {
            Ok(()) => break true,
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Closed) => panic!("the tripwire is gone"),
        }
        if child.try_wait().unwrap().is_some() {
            break false;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    drop(tripped);
    if struck {
        match fault {
            Fault::Kill => child.kill().unwrap(),
            Fault::Partition => link.cut(1 + seed.below(2)),
            Fault::Cluster(of) => {
                let times = u32::try_from(1 + seed.below(2)).unwrap();
                let operation = seed.of(&["updatePhone", "updateAppUser", "applyPhone"]);
                lab.cluster.inject_into(operation, of, times);
                link.cut(0);
            }
            Fault::DiskFull | Fault::ClockJump => unreachable!("it has no instant"),
        }
    }
    let code = wait(lab, child);
    link.heal();
    Ended { struck, code }
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
    program
        .env("CUCM_HOST", link.address().to_string())
        .args(arguments)
        .args(["--pin-sha256", &lab.cluster.cert_sha256()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(lab.path("stderr")).unwrap())
        .spawn()
        .unwrap()
}

fn wait(lab: &Lab, mut child: Child) -> Option<i32> {
    let code = child.wait().unwrap().code();
    let stderr = std::fs::read_to_string(lab.path("stderr")).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    code
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
