//! What `--version --verbose` prints.

use std::ffi::OsStr;

/// Tells whether the arguments ask for more than the version.
pub fn is_asked_for(mut arguments: impl Iterator<Item = impl AsRef<OsStr>>) -> bool {
    arguments.any(|argument| {
        let argument = argument.as_ref();
        argument == "--verbose" || argument == "-v" || argument == "-Vv" || argument == "-vV"
    })
}

/// Describes the build, one fact a line.
pub fn describe() -> String {
    let commit = match env!("AXLPAPER_BUILT_FROM") {
        "" => "unknown",
        commit => commit,
    };
    let keyring = if cfg!(windows) {
        "Windows Credential Manager"
    } else if cfg!(target_os = "macos") {
        "Keychain"
    } else {
        "Secret Service"
    };
    let facts = [
        ("commit", commit),
        ("target", env!("AXLPAPER_TARGET")),
        ("profile", env!("AXLPAPER_PROFILE")),
        ("features", "none; the program is always whole"),
        ("keyring", keyring),
        ("SQLite", crate::journal::sqlite_version()),
    ];
    let lines = facts.map(|(name, fact)| format!("{name}: {fact}\n"));
    format!("axlpaper {}\n{}", env!("CARGO_PKG_VERSION"), lines.concat())
}
