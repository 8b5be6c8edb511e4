//! `axlpaper trust`

use crate::cli::settings;
use crate::domain::text::quoted;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::args::{ConfirmArgs, ConnectionArgs};
use crate::cli::commands::init;
use crate::cli::present::list;
use crate::cli::ui;
use crate::config::{Edited, FileConfig, Given, Layer, with_cluster};
use crate::connect::cluster;
use crate::domain::text_encoding;
use crate::error::{AppError, ErrorKind, Exit, tls_hint};
use crate::net::certificate::CertificateFacts;
use crate::net::certificate_probe;
use crate::net::certificate_probe::PeekError;
use crate::net::endpoint::Endpoint;
use crate::net::trust::Trust;
use crate::report::{Document, printable_lines};

/// Show the server's certificate, and pin it in the config file after a confirmation
///
/// Nothing is sent to the server but the beginning of a TLS handshake: no user, no password. Compare the
/// fingerprint with the one in OS Administration > Security > Certificate Management > tomcat.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
    /// Print the facts as JSON; pins only with --yes
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// What is in a `trust` document: what was found out about a server's certificate.
#[derive(Debug, JsonSchema, Serialize)]
pub struct TrustBody<'a> {
    /// The server, as `host:port`.
    host: String,
    /// Its certificate.
    certificate: &'a CertificateFacts,
    /// Certificates of authorities that the server sent along.
    issuers: Vec<String>,
    /// Whether it is trusted as things are.
    trusted: bool,
    /// Why it is not.
    why_not: Option<&'a str>,
    /// Whether today is outside its dates.
    expired: bool,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    let (cluster, settings) = settings_of(&args.connection)?;
    let host = settings.host.as_deref().ok_or_else(|| {
        AppError::new(ErrorKind::Usage, "no server is named")
            .hint("use --host or CUCM_HOST, or --cluster with a config file")
    })?;
    let endpoint = Endpoint::parse(host, Endpoint::CUCM_PORT).map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error).context(settings.origin("host"))
    })?;
    let limit = Duration::from_secs(settings.timeout.unwrap_or(15));
    let chain = certificate_probe::certificates(&endpoint, limit).await?;
    let mut facts = Vec::new();
    for der in &chain {
        facts.push(
            CertificateFacts::read(der)
                .map_err(|error| AppError::from_error(ErrorKind::Failed, error))?,
        );
    }
    let (own, issuers) = facts.split_first().ok_or_else(|| {
        AppError::new(ErrorKind::Failed, format!("{endpoint} showed no certificate"))
    })?;
    // What not even its own pin makes usable is refused before the question.
    let pinned = Trust::pinned(own.sha256);
    let unusable = certificate_probe::check(&endpoint, &pinned, limit).await.err();
    let why_not = match &unusable {
        Some(error) => Some(reason(error)),
        None => {
            let trust = cluster::trust(&settings)?;
            certificate_probe::check(&endpoint, &trust, limit).await.err().as_ref().map(reason)
        }
    };
    let now = Timestamp::now();
    if args.json {
        let body = TrustBody {
            host: endpoint.to_string(),
            certificate: own,
            issuers: issuers.iter().map(|issuer| issuer.subject.clone()).collect(),
            trusted: why_not.is_none(),
            why_not: why_not.as_deref(),
            expired: now < own.not_before || now > own.not_after,
        };
        list::put(&Document::new("trust", now, None, body))?;
        if !args.confirm.yes {
            return Ok(Exit::Done);
        }
    } else {
        // The error below has the reason.
        let why_not = if unusable.is_some() { Some(CANNOT_USE) } else { why_not.as_deref() };
        ui::put(&printable_lines(&shown(&endpoint, own, issuers, why_not, now)))?;
    }
    if let Some(error) = unusable {
        let hint = error.tls_problem().map(|problem| tls_hint(problem, "--host"));
        let refused = AppError::from_error(ErrorKind::Refused, error).context("nothing was pinned");
        return Err(hint.into_iter().fold(refused, AppError::hint));
    }
    if args.confirm.dry_run {
        ui::say("Dry run: nothing was pinned.");
        return Ok(Exit::Done);
    }
    pin(&args, cluster, &endpoint, own)
}

fn reason(error: &PeekError) -> String {
    error.tls_problem().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Puts the settings together. A config file or a cluster in it that is not there yet is what this command
/// makes, so it is no error.
fn settings_of(args: &ConnectionArgs) -> Result<(Option<String>, Layer), AppError> {
    let mut args = args.clone();
    let there = settings::config_path(&args).filter(|path| path.exists());
    let Some(path) = there else {
        args.one_cluster()?;
        args.config = None;
        args.cluster.clear();
        return settings::settings(&args, None);
    };
    let file =
        FileConfig::load(&path).map_err(|error| AppError::from_error(ErrorKind::Usage, error))?;
    if let Some(name) = args.one_cluster()?
        && file.section(Some(name)).is_err()
    {
        args.cluster.clear();
    }
    settings::settings(&args, None)
}

/// Asks, and writes the fingerprint into the config file.
fn pin(
    args: &Args,
    cluster: Option<String>,
    endpoint: &Endpoint,
    own: &CertificateFacts,
) -> Result<Exit, AppError> {
    let path = settings::config_path(&args.connection).ok_or_else(|| {
        AppError::new(ErrorKind::Usage, "there is no folder for a config file")
            .hint("name a file with --config")
    })?;
    let name = args
        .connection
        .one_cluster()?
        .map(str::to_owned)
        .or(cluster)
        .unwrap_or_else(|| endpoint.host().to_owned());
    let text = read_or_empty(&path)?;
    let flags = &args.connection;
    let users = [("username", &flags.username), ("push_user", &flags.push_user)];
    let users = users.into_iter().filter_map(|(key, user)| Some((key, user.clone()?)));
    let mut values = vec![("host", endpoint.to_string())];
    values.extend(users);
    values.push(("pin_sha256", own.sha256_with_colons()));
    let given = Given { cluster: Some(name.clone()), values };
    let Edited { text: changed, old_pin: old } = with_cluster(&text, &given).map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error)
            .hint(format!("nothing was changed in {}", path.display()))
    })?;
    let before = old.as_deref().map(str::parse);
    if before == Some(Ok(own.sha256)) {
        ui::say(&format!("{} pins this certificate already.", path.display()));
        return Ok(Exit::Done);
    }
    if let Some(old) = &old {
        ui::say(&printable_lines(&format!(
            "WARNING: another certificate was pinned before: {old}\n\
             Either the server's certificate was regenerated, or this is a man in the middle. Find out which."
        )));
    }
    ui::confirm_yes(
        &format!(
            "This will trust exactly this certificate for cluster {} in {}",
            quoted(&name),
            path.display()
        ),
        args.confirm.yes,
    )?;
    let next = match init::write(&path, &changed)? {
        true => "\nIt has every key with its meaning; `axlpaper init` asks for the users.",
        false => "",
    };
    ui::say(&format!("Pinned for cluster {} in {}.{next}", quoted(&name), path.display()));
    Ok(Exit::Done)
}

const CANNOT_USE: &str = "no connection can use it";

pub(super) fn read_or_empty(path: &Path) -> Result<String, AppError> {
    let unreadable = |error: AppError| {
        error.context(format_args!("cannot read the config file {}", path.display()))
    };
    match std::fs::read(path) {
        Ok(bytes) => text_encoding::decode_utf8(&bytes)
            .map_err(|error| unreadable(AppError::from_error(ErrorKind::Usage, error))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(unreadable(AppError::from_error(ErrorKind::Usage, error))),
    }
}

fn shown(
    endpoint: &Endpoint,
    own: &CertificateFacts,
    issuers: &[CertificateFacts],
    why_not: Option<&str>,
    now: Timestamp,
) -> String {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let dates = if now < own.not_before {
        " (NOT YET VALID)"
    } else if now > own.not_after {
        " (EXPIRED)"
    } else {
        ""
    };
    let names = if own.names.is_empty() { "none".to_owned() } else { own.names.join(", ") };
    let issuer =
        if own.self_signed { "itself (self-signed)".to_owned() } else { own.issuer.clone() };
    let mut text = format!(
        "Certificate of {endpoint}\n\
         \x20 subject     {}\n\
         \x20 names       {names}\n\
         \x20 issuer      {issuer}\n\
         \x20 valid       {} to {}{dates}\n\
         \x20 serial      {}\n\
         \x20 key         {}\n\
         \x20 signature   {}\n\
         \x20 SHA-256     {}\n",
        own.subject,
        day(own.not_before),
        day(own.not_after),
        own.serial,
        own.key,
        own.signature,
        own.sha256_with_colons(),
    );
    for issuer in issuers {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  sent along  {}", issuer.subject);
    }
    let _ = match why_not {
        None => writeln!(text, "It is trusted already."),
        Some(why) => writeln!(text, "It is not trusted now: {why}"),
    };
    text
}
