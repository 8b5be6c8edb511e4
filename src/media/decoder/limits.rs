//! The limits of the process that decodes a file, which sets them itself before it reads the first byte.

use std::fmt;
use std::io;
use std::time::Duration;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Limit {
    Time,
    /// It needed too much memory, or its parts are nested too deeply.
    Memory,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Time => "it takes longer than 5 s",
            Self::Memory => "it needs more than 512 MB of memory, or is nested too deeply",
        })
    }
}

/// How long the whole exchange may take; the rest of 5 s is for the start of the processes.
pub(super) const TIME: Duration = Duration::from_millis(4_500);

/// How long the child may compute, in seconds.
#[cfg(unix)]
const PROCESSOR_SECONDS: u64 = 3;

/// Its data, in bytes: what is left of 512 MB without the program itself.
const DATA: u64 = 460_000_000;

#[cfg(unix)]
pub(super) fn set() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let lower = |resource: Resource, soft: u64, hard: u64| {
        // A limit that is lower already stays.
        let most = getrlimit(resource).maximum.map_or(hard, |maximum| maximum.min(hard));
        setrlimit(resource, Rlimit { current: Some(soft.min(most)), maximum: Some(most) })
    };
    // It opens no file, writes none, and leaves no core file.
    lower(Resource::Nofile, 3, 3)?;
    lower(Resource::Fsize, 0, 0)?;
    lower(Resource::Core, 0, 0)?;
    // The soft limit ends it with a signal of its own, which is how the reason becomes known.
    lower(Resource::Cpu, PROCESSOR_SECONDS, PROCESSOR_SECONDS + 1)?;
    #[cfg(target_os = "linux")]
    lower(Resource::Data, DATA, DATA)?;
    #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
    lower(Resource::As, DATA, DATA)?;
    #[cfg(target_vendor = "apple")]
    watch_memory()?;
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn set() -> io::Result<()> {
    watch_memory()
}

/// Ends this process when it needs too much memory, where the operating system has no limit for that.
#[cfg(any(not(unix), target_vendor = "apple"))]
fn watch_memory() -> io::Result<()> {
    std::thread::Builder::new().name("memory".to_owned()).spawn(watch).map(drop)
}

#[cfg(any(not(unix), target_vendor = "apple"))]
fn watch() {
    while memory_stats::memory_stats().is_none_or(|used| used.physical_mem as u64 <= DATA) {
        std::thread::sleep(Duration::from_millis(2));
    }
    std::process::abort()
}
