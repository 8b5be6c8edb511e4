//! Command line, environment and config file become checked settings.

use std::cell::Cell;
use std::env::VarError;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::args::ConnectionArgs;
use crate::cli::args::push::PushAccessArgs;
use crate::config::{FileConfig, Layer, Section, environment, resolve, resolve_without_cluster};
use crate::connect::cluster::{ClusterSettings, from_layer};
use crate::connect::journal;
use crate::connect::push_access::PushAccess;
use crate::domain::picture_rules::PictureRules;
use crate::domain::text::quoted as in_quotes;
use crate::domain::time_zone::Zones;
use crate::error::{AppError, ErrorKind};
use crate::journal::JournalReader;
use crate::net::endpoint::Endpoint;
use crate::net::trace::without_login;

/// Puts flags, environment and config file together and checks them.
pub fn connection(
    args: &ConnectionArgs,
    push: Option<&PushAccessArgs>,
) -> Result<ClusterSettings, AppError> {
    let (cluster, settings) = settings(args, push)?;
    from_layer(cluster, settings)
}

/// Puts flags, environment and config file together; returns the name of the cluster, where it is one of
/// the config file's.
pub fn settings(
    args: &ConnectionArgs,
    push: Option<&PushAccessArgs>,
) -> Result<(Option<String>, Layer), AppError> {
    let flags = push.map(PushAccessArgs::layer).unwrap_or_default().over(args.layer());
    let environment = from_environment()?;
    let file = file(args)?;
    let (name, settings) = settings_of(file.as_ref(), args.one_cluster()?, flags, environment)?;
    match file {
        Some(file) if name.is_none() && settings.host.is_none() => file.only_cluster()?,
        Some(_) | None => {}
    }
    Ok((name, settings))
}

/// Reads the settings that environment variables give.
///
/// # Errors
/// When one of them is not UTF-8 text: leaving it out would hide it.
pub fn from_environment() -> Result<Layer, AppError> {
    let wrong = Cell::new(None);
    let layer = environment(|name| match std::env::var(name) {
        Ok(value) => Some(value),
        Err(VarError::NotPresent) => None,
        Err(VarError::NotUnicode(_)) => {
            wrong.set(Some(name.to_owned()));
            None
        }
    });
    match wrong.into_inner() {
        None => Ok(layer),
        Some(name) => {
            let error = format!("the variable {name} is set, but is not UTF-8 text");
            Err(AppError::new(ErrorKind::Usage, error)
                .hint("nothing was sent; set it again, as UTF-8"))
        }
    }
}

/// Puts flags, environment and a cluster of the config file together.
pub fn settings_of(
    file: Option<&FileConfig>,
    cluster: Option<&str>,
    flags: Layer,
    environment: Layer,
) -> Result<(Option<String>, Layer), AppError> {
    let (name, settings) = resolve(flags, environment, section(file, cluster)?);
    Ok((name, settings.over(file.map(FileConfig::machine).unwrap_or_default())))
}

/// Opens the journal for reading, where there is one. The usual one is made by the first run.
///
/// # Errors
/// When it cannot be read, or an option names one that is not there.
pub fn history(state: Option<&Path>) -> Result<Option<JournalReader>, AppError> {
    let usual = std::env::var_os(STATE).map(PathBuf::from);
    let path = journal::path(state)?;
    if state.is_some() && state != usual.as_deref() {
        journal::history(&path).map(Some)
    } else {
        journal::history_if_any(&path)
    }
}

/// The variable that names the usual journal.
const STATE: &str = "AXLPAPER_STATE";

/// Returns the config file that counts, whether it is there or not.
pub fn config_path(args: &ConnectionArgs) -> Option<PathBuf> {
    args.config.clone().or_else(default_config)
}

/// Reads the config file, where there is one.
pub fn file(args: &ConnectionArgs) -> Result<Option<FileConfig>, AppError> {
    let path = match &args.config {
        Some(path) => Some(path.clone()),
        None => default_config().filter(|path| path.exists()),
    };
    path.map(|path| FileConfig::load(&path).map_err(Into::into)).transpose()
}

/// Returns the cluster of the config file that is meant, where there is one.
pub fn section(
    file: Option<&FileConfig>,
    cluster: Option<&str>,
) -> Result<Option<Section>, AppError> {
    match (file, cluster) {
        (Some(file), cluster) => file.section(cluster).map_err(Into::into),
        (None, Some(name)) => Err(AppError::new(
            ErrorKind::Usage,
            format!(
                "--cluster {} names a cluster of the config file, and there is no config file",
                in_quotes(name)
            ),
        )
        .hint("`axlpaper init` writes one; or use --config or --host")),
        (None, None) => Ok(None),
    }
}

/// Returns how the cluster with this publisher, as `host:port`, is named: by its name in the config file, or by its host.
pub fn cluster_option(args: &ConnectionArgs, host: &str) -> [String; 2] {
    let file = file(args).ok().flatten();
    let has_host = |name: &str| {
        let section = section(file.as_ref(), Some(name)).ok().flatten();
        let endpoint = section
            .and_then(|section| Endpoint::parse(&section.layer.host?, Endpoint::CUCM_PORT).ok());
        endpoint.is_some_and(|endpoint| endpoint.to_string().eq_ignore_ascii_case(host))
    };
    let named = file.iter().flat_map(FileConfig::clusters).find(|name| has_host(name));
    match named {
        Some(name) => ["--cluster".to_owned(), name.to_owned()],
        None => ["--host".to_owned(), host.to_owned()],
    }
}

/// Returns which picture is for whom now; no rules where there is no config file.
pub fn pictures(args: &ConnectionArgs) -> Result<PictureRules, AppError> {
    file(args)?.map_or_else(|| Ok(PictureRules::default()), |file| pictures_of(&file))
}

/// Returns which picture is for whom now, by a config file.
pub fn pictures_of(file: &FileConfig) -> Result<PictureRules, AppError> {
    let local = local_zone(file, file.pictures_need_zone())?;
    Ok(file.pictures(local, Timestamp::now()))
}

/// Returns the zones of device pools; this machine's has to be known only where it is `needed`.
pub fn zones(file: &FileConfig, needed: bool) -> Result<Zones, AppError> {
    Ok(file.zones(local_zone(file, needed)?))
}

/// Returns this machine's time zone where it is `needed` and the file has no default, otherwise UTC.
fn local_zone(file: &FileConfig, needed: bool) -> Result<TimeZone, AppError> {
    if file.has_default_zone() || !needed {
        return Ok(TimeZone::UTC);
    }
    TimeZone::try_system().map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error)
            .context("this machine's time zone is not known")
            .hint("write `default_time_zone = \"Europe/Paris\"` into the config file, or set TZ")
    })
}

fn default_config() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("axlpaper").join("config.toml"))
}

/// Puts flags, environment and config file together for a push that asks no cluster.
pub fn push_access(args: &ConnectionArgs, push: &PushAccessArgs) -> Result<PushAccess, AppError> {
    let file = file(args)?;
    let section = section(file.as_ref(), args.one_cluster()?)?;
    let flags = push.layer().over(args.layer());
    let environment = from_environment()?;
    let settings = resolve_without_cluster(flags, environment, section);
    PushAccess::of(&settings.over(file.as_ref().map(FileConfig::machine).unwrap_or_default()))
}

/// Returns the command line so that it can be typed again; bytes that are no text are replaced, and passwords in
/// addresses hidden.
pub fn command_line() -> String {
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    quoted(&arguments.map(|argument| without_login(&argument)).collect::<Vec<_>>())
}

/// Returns words as a command line.
pub fn quoted(words: &[String]) -> String {
    let quote = |word: &String| {
        // Only a null byte cannot be quoted, and no argument has one.
        shlex::try_quote(word).map_or_else(|_| word.clone(), Into::into)
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}
