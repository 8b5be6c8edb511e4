//! What the operating system knows about this process.

use std::fs;
use std::time::Duration;

/// Returns the most memory that this process has had at any time, in bytes.
pub fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Returns the memory that this process has now, in bytes.
pub fn memory() -> Option<u64> {
    resident("self")
}

/// Returns the same of another process.
pub fn memory_of(id: u32) -> Option<u64> {
    resident(&id.to_string())
}

fn resident(process: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Returns the processor time that this process has used, in user and in system mode.
pub fn processor_time() -> Option<Duration> {
    time_of("self", 11)
}

/// Returns the same of another process.
pub fn processor_time_of(id: u32) -> Option<Duration> {
    time_of(&id.to_string(), 11)
}

/// Returns the processor time of all children that have ended and were waited for.
pub fn children_time() -> Option<Duration> {
    time_of("self", 13)
}

/// Adds two neighbouring fields of what the system says of a process.
fn time_of(process: &str, first: usize) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program may hold blanks; the state follows its closing bracket.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(first);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let ticks = ticks()? + ticks()?;
    // Linux counts in hundredths of a second here, whatever its own clock does.
    Some(Duration::from_millis(ticks * 10))
}

/// Returns how many files this process may have open.
pub fn file_limit() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
