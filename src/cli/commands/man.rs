//! `axlpaper man`

use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;

use crate::cli::commands::man_markdown;
use crate::cli::definition::definition;
use crate::cli::present::list;
use crate::cli::ui;
use crate::error::{AppError, ErrorKind, Exit};

/// Print the man page, or write one for every command into a folder
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Write axlpaper.1 and a page for every command into this folder
    #[arg(short = 'o', long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print the whole reference as Markdown instead
    #[arg(long, conflicts_with = "output")]
    markdown: bool,
}

pub fn run(args: &Args) -> Result<Exit, AppError> {
    let mut program = definition();
    program.build();
    if args.markdown {
        ui::put(&man_markdown::markdown(&program))?;
    } else if let Some(folder) = &args.output {
        write_all(&program, folder)?;
    } else {
        ui::put(&page(&program, "axlpaper")?)?;
    }
    Ok(Exit::Done)
}

/// Writes the page of a command and those of its own commands.
fn write_all(command: &Command, folder: &Path) -> Result<(), AppError> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    list::write_file(&folder.join(format!("{name}.1")), &page(command, name)?)?;
    let below = command.get_subcommands().filter(|command| command.get_name() != "help");
    below.into_iter().try_for_each(|command| write_all(command, folder))
}

fn page(command: &Command, name: &str) -> Result<String, AppError> {
    let mut page = Vec::new();
    let man = Man::new(command.clone()).title(name);
    man.render(&mut page).map_err(|error| {
        AppError::from_error(ErrorKind::Failed, error)
            .context(format_args!("cannot make the man page of {name}"))
    })?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
