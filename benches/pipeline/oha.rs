//! Another program's load: `oha`, an HTTP load generator from crates.io, sends the same bytes to the same phones.
//!
//! It takes its addresses from a file and one body for all of them, so all phones are told one path of our image
//! server. It cannot do two exchanges in a row: first it asks as many phones who they are, then it pushes, and the two
//! times are added. It picks addresses at random, so some phones are asked twice and others not at all.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use axlpaper::phone::PushObject as _;
use axlpaper::push::Target;
use axlpaper::sim::{PUSH_PASSWORD, PUSH_USER};
use serde_json::Value;

use crate::Failure;
use crate::process::children_time;
use crate::server::Server;

/// What it took.
pub struct Took {
    /// By the clock.
    pub time: Duration,
    /// Of processors.
    pub processor: Option<Duration>,
}

/// Returns the program, where there is one: what `AXLPAPER_OHA` names, or the one in the path.
pub fn program() -> Option<PathBuf> {
    let named = std::env::var_os("AXLPAPER_OHA").map(PathBuf::from);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = || std::env::split_paths(&paths).map(|folder| folder.join("oha"));
    named.into_iter().chain(found()).find(|path| path.is_file())
}

/// Asks `targets.len()` times who lives there, and pushes as often.
pub fn load(
    oha: &Path,
    server: &Server,
    targets: &[Target],
    object: &axlpaper::phone::SetBackground,
    at_once: usize,
) -> Result<Took, Failure> {
    let folder = tempfile::tempdir()?;
    let urls = |path: &str| {
        let lines = targets.iter().map(|target| {
            let port = server.phone_port;
            format!("http://{}:{port}{path}\n", target.ip)
        });
        lines.collect::<String>()
    };
    let (who, push) = (folder.path().join("who"), folder.path().join("push"));
    std::fs::write(&who, urls("/DeviceInformationX"))?;
    std::fs::write(&push, urls("/CGI/Execute"))?;
    // A query is written as a form is.
    let mut form = reqwest::Url::parse("http://phone/")?;
    form.query_pairs_mut().append_pair("XML", &object.to_xml()?);
    let body = form.query().unwrap_or_default();
    let user = format!("{PUSH_USER}:{PUSH_PASSWORD}");
    let before = children_time();
    let asked = run(oha, &who, targets.len(), at_once, &[])?;
    let form = "application/x-www-form-urlencoded";
    let arguments = ["-m", "POST", "-T", form, "-a", &user, "-d", body];
    let pushed = run(oha, &push, targets.len(), at_once, &arguments)?;
    let processor = before.and_then(|before| Some(children_time()? - before));
    Ok(Took { time: asked + pushed, processor })
}

fn run(
    oha: &Path,
    urls: &Path,
    count: usize,
    at_once: usize,
    arguments: &[&str],
) -> Result<Duration, Failure> {
    let output = Command::new(oha)
        .args(["--no-tui", "--no-color", "--disable-keepalive", "--output-format", "json"])
        .args(["-t", "30s", "-r", "0", "-n", &count.to_string(), "-c", &at_once.to_string()])
        .args(arguments)
        .arg("--urls-from-file")
        .arg(urls)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("oha ended with {}", output.status).into());
    }
    let told: Value = serde_json::from_slice(&output.stdout)?;
    let answered = told["statusCodeDistribution"]["200"].as_u64().unwrap_or_default();
    if answered != count as u64 {
        let errors = &told["errorDistribution"];
        return Err(format!("{answered} of {count} phones answered oha with 200; {errors}").into());
    }
    let total = told["summary"]["total"].as_f64().ok_or("oha does not say how long it took")?;
    Ok(Duration::from_secs_f64(total))
}
