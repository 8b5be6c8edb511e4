//! Tells the program which commit and target it was built from, for `--version --verbose`.

use std::env;
use std::fs;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=AXLPAPER_COMMIT");
    println!("cargo::rustc-env=AXLPAPER_BUILT_FROM={}", commit().unwrap_or_default());
    for name in ["TARGET", "PROFILE"] {
        println!("cargo::rustc-env=AXLPAPER_{name}={}", env::var(name).unwrap_or_default());
    }
}

/// Returns the commit: the one that the environment names, that of the package, or that of the checkout.
fn commit() -> Option<String> {
    if let Ok(commit) = env::var("AXLPAPER_COMMIT") {
        return Some(commit);
    }
    if let Ok(package) = fs::read_to_string(".cargo_vcs_info.json") {
        return package.split('"').find(|part| is_commit(part)).map(str::to_owned);
    }
    // A debug build would be compiled anew after each commit.
    if env::var("PROFILE").as_deref() != Ok("release") {
        return None;
    }
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed=.git/logs/HEAD");
    let output = Command::new("git").args(["rev-parse", "HEAD"]).output().ok()?;
    let commit = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    is_commit(&commit).then_some(commit)
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
