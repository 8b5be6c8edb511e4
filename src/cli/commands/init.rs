//! `axlpaper init`

use crate::cli::settings;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::args::ConnectionArgs;
use crate::cli::ui;
use crate::config::{Given, KEYS, template};
use crate::error::{AppError, ErrorKind, Exit};

/// Write a config file with every key in it, with its meaning and default
///
/// All are switched off except for those that are given as options. Only its owner can read it. A file that is there already is never overwritten.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The file to write [default: axlpaper/config.toml in the user's config folder]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_CONFIG")]
    config: Option<PathBuf>,
    /// Name of the first cluster [default: lab]
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Its publisher
    #[arg(long, value_name = "HOST[:PORT]")]
    host: Option<String>,
    /// Its AXL user
    #[arg(long, value_name = "USER")]
    username: Option<String>,
    /// The user whose name and password go to its phones
    #[arg(long, value_name = "USER")]
    push_user: Option<String>,
    /// Print it instead of writing a file
    #[arg(long)]
    print: bool,
}

pub fn run(args: &Args) -> Result<Exit, AppError> {
    let text = template(KEYS, &given(args));
    if args.print {
        ui::put(&text)?;
        return Ok(Exit::Done);
    }
    let named = ConnectionArgs { config: args.config.clone(), ..ConnectionArgs::default() };
    let path = settings::config_path(&named).ok_or_else(|| {
        AppError::new(ErrorKind::Usage, "there is no folder for a config file")
            .hint("name a file with --config")
    })?;
    write_new(&path, &text).map_err(|error| refused(&path, error))?;
    let next = if args.host.is_some() {
        "Set the sources of the passwords there; then run `axlpaper trust` and `axlpaper doctor`."
    } else {
        "Switch host, username and push_user of a [cluster.NAME] on; then run `axlpaper trust` and `axlpaper doctor`."
    };
    ui::say(&format!("Wrote {}: every key with its meaning.\n{next}", path.display()));
    Ok(Exit::Done)
}

fn given(args: &Args) -> Given {
    let values = [
        ("host", args.host.clone()),
        ("username", args.username.clone()),
        ("push_user", args.push_user.clone()),
    ];
    let values = values.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    Given { cluster: args.cluster.clone(), values }
}

fn refused(path: &Path, error: io::Error) -> AppError {
    let shown = path.display();
    if error.kind() == io::ErrorKind::AlreadyExists {
        return AppError::new(ErrorKind::Refused,
            format!("{shown} is there already; nothing was written"),
        )
        .hint("`axlpaper init --print` shows what would be written; or name another file with --config");
    }
    AppError::from_error(ErrorKind::Failed, error)
        .context(format_args!("cannot write {shown}"))
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
        // An incomplete file is removed; the first error is the one to report.
        let _ignored = std::fs::remove_file(path);
    }
    written
}
