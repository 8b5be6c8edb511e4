//! `axlpaper init`

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::args::ConnectionArgs;
use crate::cli::error::{CliError, Exit};
use crate::cli::{open, ui};
use crate::config::{KEYS, sample};

/// Write a config file with every key in it, switched off, with its meaning and default
///
/// Only its owner can read it. A file that is there already is never overwritten.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The file to write [default: axlpaper/config.toml in the user's config folder]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_CONFIG")]
    config: Option<PathBuf>,
    /// Print it instead of writing a file
    #[arg(long)]
    print: bool,
}

/// Runs the command.
///
/// # Errors
/// When the file is there already, or cannot be written.
pub fn run(args: &Args) -> Result<Exit, CliError> {
    let text = sample(KEYS);
    if args.print {
        ui::put(&text)?;
        return Ok(Exit::Done);
    }
    let named = ConnectionArgs { config: args.config.clone(), ..ConnectionArgs::default() };
    let path = open::config_path(&named).ok_or_else(|| {
        CliError::new(Exit::Usage, "there is no folder for a config file")
            .hint("name a file with --config")
    })?;
    write_new(&path, &text).map_err(|error| refused(&path, &error))?;
    ui::say(&format!(
        "Wrote {}: every key with its meaning, all switched off.\n\
         Switch host, username and push_user of a [cluster.NAME] on, then run `axlpaper trust` and `axlpaper doctor`.",
        path.display()
    ));
    Ok(Exit::Done)
}

fn refused(path: &Path, error: &io::Error) -> CliError {
    let shown = path.display();
    if error.kind() == ErrorKind::AlreadyExists {
        return CliError::new(
            Exit::Refused,
            format!("{shown} is there already; nothing was written"),
        )
        .hint("`axlpaper init --print` shows what would be written; or name another file with --config");
    }
    CliError::new(Exit::Failed, format!("cannot write {shown}: {error}"))
        .hint("check that the folder may be written to")
}

/// Writes a file that was not there, for its owner only. A link that leads nowhere counts as there.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut folders = DirBuilder::new();
        folders.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
        folders.create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a file is ours to take away; the first error is the one to tell.
        let _ignored = std::fs::remove_file(path);
    }
    written
}
