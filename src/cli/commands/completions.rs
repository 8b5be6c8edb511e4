//! `axlpaper completions`

use clap_complete::Shell;

use crate::cli::definition::definition;
use crate::cli::ui;
use crate::error::{AppError, Exit};

/// Print the completions for a shell
///
/// For bash, put them into ~/.local/share/bash-completion/completions/axlpaper; for zsh, into a file _axlpaper in a
/// folder of $fpath; for fish, into ~/.config/fish/completions/axlpaper.fish.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub fn run(args: &Args) -> Result<Exit, AppError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition(), "axlpaper", &mut script);
    ui::put(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
