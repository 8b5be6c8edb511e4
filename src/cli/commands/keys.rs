//! `axlpaper keys`

use std::path::PathBuf;

use crate::cli::args::payload::PayloadSource;
use crate::cli::commands::push_only;
use crate::cli::commands::push_only::SendArgs;
use crate::error::{AppError, Exit};

/// Press keys on phones from a script, blindly
///
/// A phone can only say that it accepted keys. It drops a key that it does not have, and nothing shows what a
/// key did: so `accepted` is the best outcome there is, and it is no failure. A menu that is open, a call, or
/// another firmware can make the same keys do something else. Try a script on one phone that you see, and use
/// --canary. Settings Access must be enabled where a script goes into the phone's settings. What may have been
/// pressed is never pressed again: a phone whose answer is lost ends as unreachable or bad_reply, and the report
/// says which step is not known.
#[derive(clap::Args, Debug)]
#[command(after_help = SCRIPT)]
pub struct Args {
    /// The key script, a TOML file
    #[arg(value_name = "SCRIPT")]
    script: PathBuf,
    /// Let sequences through that are known to restart, reset or erase phones, to clear call lists, or to begin calls
    #[arg(long)]
    allow_destructive: bool,
    #[command(flatten)]
    send: SendArgs,
}

const SCRIPT: &str = r#"A script:
  pause = "1s"                       # after each step, where it does not say; 1s by default

  [[step]]                           # for all models that no variant names
  press = ["Key:Settings"]
  pause = "2s"

  [[variant]]                        # the first variant that names a phone's model counts
  models = ["88*", "98*"]
  [[variant.step]]
  press = ["Key:Applications"]

  A step is one request: from one to three URIs, which the phone may carry out in any order. Known are Key:,
  Init:, Display:, Play:, Device:Unlock, SettingsMenu:, Button:, Dial:, EditDial:, SendDigits: and http(s)
  addresses. A phone whose model has no step is skipped."#;

pub async fn run(args: Args) -> Result<Exit, AppError> {
    let Args { script, allow_destructive, send } = args;
    push_only::run("keys", PayloadSource::Keys { path: script, allow_destructive }, send).await
}
