//! The `axlpaper` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    axlpaper::cli::main()
}
