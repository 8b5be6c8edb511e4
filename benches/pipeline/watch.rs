//! A watch: its processor time and memory where nothing happens, and how soon a new phone has its picture.
//!
//! The watch is the program itself. Its time goes by [`FASTER`] times faster: the interval is as much shorter, and the rate
//! of RisPort70 as much higher, so a second has the work of [`FASTER`] seconds.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axlpaper::sim::{ADMIN_PASSWORD, ADMIN_USER, PUSH_PASSWORD, PUSH_USER};
use serde_json::Value;

use crate::Failure;
use crate::process::{memory_of, processor_time_of};
use crate::server::{Kind, Server};
use crate::table::{Bound, Table};

/// How much a watch is measured.
pub struct WatchSize {
    pub phones: u32,
    /// How long its processor time is measured.
    pub time: Duration,
    /// The passes after which its memory is compared.
    pub passes: [u64; 2],
    /// Phones that are added, one after the other.
    pub added: u8,
    /// The time between two passes while they are added.
    pub interval: Duration,
}

/// Measures all of it.
pub async fn measure(size: &WatchSize, table: &mut Table) -> Result<(), Failure> {
    let mut server = Server::start(Kind::Away, size.phones)?;
    let watch = Watch::start(&server, INTERVAL / FASTER)?;
    watch.until(2).await?;
    let (began, before) = (Instant::now(), processor_time_of(watch.id()));
    tokio::time::sleep(size.time).await;
    if let (Some(before), Some(after)) = (before, processor_time_of(watch.id())) {
        let (used, simulated) = (after - before, began.elapsed() * FASTER);
        table.ratio(
            format!("quiet watch of {}: processor time / 1 % of a core", server.phones),
            100.0 * used.as_secs_f64() / simulated.as_secs_f64(),
            Bound::AtMost(1.0),
            &format!("{used:.2?} in {simulated:.0?} of simulated time"),
        );
    }
    drop(watch);
    let watch = Watch::start(&server, Duration::from_millis(1))?;
    let [early, late] = size.passes;
    watch.until(early).await?;
    let before = memory_of(watch.id());
    watch.until(late).await?;
    if let (Some(before), Some(after)) = (before, memory_of(watch.id())) {
        table.ratio(
            format!("memory of that after {late} passes / after {early}"),
            after as f64 / before as f64,
            Bound::AtMost(1.05),
            &format!("{:.1} MB / {:.1} MB", after as f64 / 1e6, before as f64 / 1e6),
        );
    }
    drop(watch);
    delays(size, &mut server, table).await
}

/// Measures how long a new phone is without its picture: until the next pass sees it, associates it and pushes to it.
async fn delays(size: &WatchSize, server: &mut Server, table: &mut Table) -> Result<(), Failure> {
    let watch = Watch::start(server, size.interval)?;
    watch.until(2).await?;
    let mut delays = Vec::new();
    for number in 1..=size.added {
        // The last phone was served at the beginning of a pass; this one comes at any time of one.
        tokio::time::sleep(size.interval * u32::from(number) / u32::from(size.added)).await;
        let began = Instant::now();
        server.ask(&format!("add {number}"))?;
        delays.push(began.elapsed());
    }
    delays.sort_unstable();
    let at = |percent: usize| delays[(delays.len() * percent / 100).min(delays.len() - 1)];
    let slot = size.interval.as_secs_f64() / INTERVAL.as_secs_f64() * 60.0 / f64::from(RIS_RATE);
    let longest = size.interval.as_secs_f64() + slot;
    for (what, delay) in [("median", at(50)), ("95 %", at(95))] {
        table.ratio(
            format!("new phone to picture, {what} / (interval + slot of RisPort70)"),
            delay.as_secs_f64() / longest,
            Bound::AtMost(1.0),
            &format!("{delay:.2?} / {longest:.2} s, {} phones", delays.len()),
        );
    }
    Ok(())
}

/// A watch in a process of its own. It ends when this is dropped.
struct Watch {
    child: Child,
    folder: tempfile::TempDir,
}

impl Watch {
    fn start(server: &Server, interval: Duration) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let picture = folder.path().join("picture.png");
        image::RgbImage::from_pixel(800, 480, image::Rgb([9, 9, 90])).save(&picture)?;
        let mut program = program(folder.path());
        program.env("CUCM_HOST", server.axl.to_string());
        program.env("CUCM_USERNAME", ADMIN_USER).env("CUCM_PASSWORD", ADMIN_PASSWORD);
        program.env("PHONE_USERNAME", PUSH_USER).env("PHONE_PASSWORD", PUSH_PASSWORD);
        program.arg("watch").arg(&picture).args(["--yes", "--pin-sha256", &server.pin]);
        program.args(["--phone-port", &server.phone_port.to_string()]);
        program.args(["--ris-rate", &(RIS_RATE * FASTER).to_string()]);
        program.args(["--interval", &format!("{}ms", interval.as_millis())]);
        let child = program.stdin(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { child, folder })
    }

    fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has made so many passes.
    async fn until(&self, passes: u64) -> Result<(), Failure> {
        loop {
            let output = program(self.folder.path()).args(["runs", "--json"]).output()?;
            let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let watch = &document["watches"][0];
            if watch["passes"].as_u64().is_some_and(|made| made >= passes) {
                return Ok(());
            }
            if !fs::exists(format!("/proc/{}", self.id()))? || watch["alive"] == false {
                return Err(format!("the watch ended: {watch}").into());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn program(folder: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_axlpaper"));
    program.env_clear().env("HOME", "/nonexistent").current_dir(folder);
    program.env("AXLPAPER_STATE", folder.join("journal.sqlite3"));
    program
}

/// How many times faster the time of the watch goes by.
const FASTER: u32 = 50;

/// The interval and the rate of RisPort70 that a watch has by default.
const INTERVAL: Duration = Duration::from_secs(60);
const RIS_RATE: u32 = 12;
