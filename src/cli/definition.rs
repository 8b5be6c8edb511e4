//! The definition of every command and option, for the commands that print it or read one like it.
//!
//! The definition is made of all commands, so it is handed in at the start: no command imports the others.

use std::sync::OnceLock;

static DEFINITION: OnceLock<fn() -> clap::Command> = OnceLock::new();

pub fn set(definition: fn() -> clap::Command) {
    // It is the same one each time.
    let _ignored = DEFINITION.set(definition);
}

/// Returns the definition; an empty one where [`set`] was not called.
pub fn definition() -> clap::Command {
    DEFINITION.get().map_or_else(|| clap::Command::new("axlpaper"), |definition| definition())
}
