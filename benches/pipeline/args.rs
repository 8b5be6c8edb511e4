//! What was typed, or what this program typed itself to start its child.

use std::time::Duration;

use crate::Failure;
use crate::server::Kind;
use crate::watch::WatchSize;

/// What to do.
pub enum Args {
    /// Be the simulated cluster of this kind, with so many phones.
    Serve(Kind, u32),
    /// Measure.
    Measure(Size),
    /// Measure only how soon a download begins among so many strangers.
    Strangers(usize),
    /// Measure only a watch.
    Watch(WatchSize),
}

/// How much to measure.
pub struct Size {
    /// Phones that are surveyed.
    pub survey: u32,
    /// Phones that are pushed to.
    pub push: u32,
    /// How many are pushed to at once, one measurement each.
    pub at_once: &'static [usize],
    /// How often each survey is repeated; the middle time counts.
    pub rounds: usize,
    /// How many strangers hold connections to the image server, one measurement each.
    pub strangers: &'static [usize],
    pub watch: WatchSize,
}

impl Args {
    /// Understands the arguments.
    pub fn read(args: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut args = args.peekable();
        if args.next_if_eq(SERVE).is_some() {
            let kind = args.next().as_deref().and_then(Kind::parse).ok_or("what to serve?")?;
            let phones = args.next().ok_or("how many phones?")?;
            return Ok(Self::Serve(kind, phones.parse()?));
        }
        let (mut is_bench, mut is_test, mut phones) = (false, false, None);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--bench" => is_bench = true,
                "--test" => is_test = true,
                "--phones" => {
                    let count: u32 = args.next().ok_or("--phones needs a number")?.parse()?;
                    if !(80..=100_000).contains(&count) {
                        return Err("--phones takes 80 to 100000".into());
                    }
                    phones = Some(count);
                }
                "--watch" => {
                    let phones = args.next().ok_or("--watch needs a number of phones")?;
                    let passes =
                        args.find(|arg| arg != "--bench").unwrap_or_else(|| "10000".to_owned());
                    return Ok(Self::Watch(watch(phones.parse()?, passes.parse()?)));
                }
                "--strangers" => {
                    let count = args.next().ok_or("--strangers needs a number")?;
                    return Ok(Self::Strangers(count.parse()?));
                }
                other => return Err(format!("unknown argument {other:?}").into()),
            }
        }
        let is_small = is_test || (!is_bench && phones.is_none());
        let phones = phones.unwrap_or(if is_small { 400 } else { 40_000 });
        Ok(Self::Measure(Size {
            survey: phones,
            push: phones / 4,
            at_once: if is_small { &[10, 40] } else { &[100, 300, 1_000] },
            rounds: if is_small { 1 } else { 3 },
            strangers: if is_small { &[200] } else { &[1_000, 10_000] },
            watch: if is_small { SMALL_WATCH } else { watch(phones, 10_000) },
        }))
    }
}

fn watch(phones: u32, passes: u64) -> WatchSize {
    WatchSize {
        phones,
        time: Duration::from_secs(20),
        passes: [passes / 10, passes],
        added: 20,
        interval: Duration::from_secs(5),
    }
}

const SMALL_WATCH: WatchSize = WatchSize {
    phones: 200,
    time: Duration::from_secs(2),
    passes: [10, 50],
    added: 2,
    interval: Duration::from_secs(1),
};

/// The first argument of a child.
pub const SERVE: &str = "serve";
