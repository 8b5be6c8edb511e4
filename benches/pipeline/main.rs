//! The pipeline's own cost, as ratios in one run.
//!
//! The clock must belong to the cluster and to the phones. So nothing here is compared with a number of
//! seconds, but with what somebody without any work of his own needs for the same bytes, or with what the
//! phones' latency alone would take:
//!
//! - survey and audit against a bare HTTP client, which sends the same requests over the same TLS with
//!   the same cookies, one after the other, and drops the answers unread. The requests are taken from a
//!   recording of the survey itself, so the two cannot drift apart. The cluster's limits are off;
//! - a quarter of the phones against all of them, in time and in processor time a phone;
//! - the push engine alone, with a way to the phones that only sleeps, against `concurrency / latency`;
//! - the push over sockets as the program does it, against the same bound and against a bare load
//!   generator that does the same two exchanges with every phone and nothing else. Where the load
//!   generator misses the bound as well, the simulated phones share the blame: they ask the cluster,
//!   download two pictures and hash them, on the same processors as we. With `oha` in the path, a load
//!   generator that is not ours is measured too.
//! - a watch, as a process of its own: its processor time, while nothing happens, against 1 % of the time that goes by; its
//!   memory after many passes against that after a few; how soon a new phone has its picture, against the interval;
//! - a phone's download while strangers hold idle and dripping connections to the image server: its first byte comes
//!   within a second. That is the one bound in seconds, because it is about a phone's patience.
//!
//! The simulated cluster runs in a child process (this program once more), so that its memory and its
//! processor time are not counted as ours. It shares the machine all the same.
//!
//! `cargo bench --bench pipeline` runs the full size, `-- --phones N` another one. With `--test`, or
//! without the `--bench` that cargo passes, everything is small: that proves that it works. The exit code
//! is about what was found, never about how fast: it is 1 when a phone is missing or a push is not proven.
//!
//! The simulated phones need Linux. `/proc` tells memory and processor time; where it is missing, so are
//! these rows.

mod args;
mod bare;
mod load;
mod oha;
mod process;
mod push;
mod record;
mod server;
mod strangers;
mod survey;
mod table;
mod watch;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use args::Args;
use table::Table;

/// Whatever went wrong: a benchmark only tells it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match Args::read(std::env::args().skip(1))? {
        Args::Serve(kind, phones) => runtime.block_on(server::serve(kind, phones)),
        Args::Strangers(count) => {
            let mut table = Table::default();
            let measured = runtime.block_on(strangers::measure(&[count], &mut table));
            tell(&table.to_string());
            measured
        }
        Args::Watch(size) => {
            let mut table = Table::default();
            let measured = runtime.block_on(watch::measure(&size, &mut table));
            tell(&table.to_string());
            measured
        }
        Args::Measure(size) => {
            if cfg!(not(target_os = "linux")) {
                tell("nothing is measured: the simulated phones need Linux");
                return Ok(());
            }
            let mut table = Table::default();
            let measured = runtime.block_on(async {
                tokio::time::timeout(LIMIT, async {
                    survey::measure(&size, &mut table).await?;
                    push::measure(&size, &mut table).await?;
                    strangers::measure(size.strangers, &mut table).await?;
                    watch::measure(&size.watch, &mut table).await
                })
                .await
                .map_err(|_| "it took too long altogether")?
            });
            // What was measured before a failure is worth reading too.
            tell(&table.to_string());
            measured
        }
    }
}

/// Writes a line for whoever started this.
fn tell(text: &str) {
    // Nobody can be told that telling failed.
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// Far more than the full size takes on a slow machine.
const LIMIT: Duration = Duration::from_secs(3_600);
