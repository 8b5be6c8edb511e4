//! `axlpaper console`

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;
use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

use crate::cli::args::ConnectionArgs;
use crate::cli::args::push::PushAccessArgs;
use crate::cli::args::value::duration;
use crate::cli::commands::rollout_reader::RolloutReader;
use crate::cli::commands::{doctor, init, trust};
use crate::cli::interrupt::{Signal, WatchSignals};
use crate::cli::present::clusters;
use crate::cli::ui::{self, Terminal};
use crate::cli::{next_command, settings};
use crate::config::{ConsoleUser, FileConfig, Layer, with_console_user};
use crate::connect::cluster::ClusterSettings;
use crate::connect::image_server::listen_address;
use crate::connect::{journal, password};
use crate::console::{Console, ConsoleSettings, hash_password};
use crate::doctor::DoctorRequest;
use crate::domain::console_role::ConsoleRole;
use crate::domain::text::quoted;
use crate::error::{AppError, ErrorKind, Exit};
use crate::net::server_certificate::ServerIdentity;
use crate::report::printable_lines;

/// Show clusters, runs and watches in a browser, control them there, and make rollouts
///
/// On loopback it prints an address with a token that works once, and logs the browser that opens it in as the user who started it.
/// Any other address needs a certificate, and users in the config file. Passwords of clusters and push users come from the config
/// file, the environment or the keyring: the console asks nobody for one. It takes screenshots
/// of phones where somebody asks for them.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<ConsoleCommand>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(clap::Args, Debug)]
struct ServeArgs {
    /// Where to listen: an address with a port, or a port of all addresses
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8300")]
    listen: String,
    /// Open the browser
    #[arg(long)]
    open: bool,
    /// PEM file with a certificate and its chain: the console is served over HTTPS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file with the key of --tls-cert
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Name under which browsers reach the console, besides localhost and the address of --listen; may be given more than once
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    allow_host: Vec<String>,
    /// How long a rollout that was made in the browser waits for its confirmation
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    confirm_within: Duration,
    /// Config file [default: axlpaper/config.toml in the user's config folder]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_CONFIG")]
    config: Option<PathBuf>,
    /// The journal [default: axlpaper/journal.sqlite3 in the user's folder for state]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_STATE")]
    state: Option<PathBuf>,
}

#[derive(clap::Subcommand, Debug)]
enum ConsoleCommand {
    /// Users of the console, in the config file
    User(UserArgs),
}

#[derive(clap::Args, Debug)]
struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(clap::Subcommand, Debug)]
enum UserCommand {
    Add(AddArgs),
}

/// Write a user of the console into the config file, or give one another role and password
///
/// The password is asked for twice; without a terminal it is the first line of standard input. The file gets its Argon2id hash.
#[derive(clap::Args, Debug)]
struct AddArgs {
    /// The name that the user logs in with
    #[arg(value_name = "NAME")]
    name: String,
    /// What the user may do
    #[arg(long, value_name = "ROLE")]
    role: RoleArg,
    /// Config file [default: axlpaper/config.toml in the user's config folder]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArg {
    /// Look
    Viewer,
    /// Also pause, continue and abort runs, make rollouts and confirm their own
    Operator,
    /// Also approve waves of runs and what a watch holds, and confirm every rollout
    Approver,
}

impl From<RoleArg> for ConsoleRole {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Viewer => Self::Viewer,
            RoleArg::Operator => Self::Operator,
            RoleArg::Approver => Self::Approver,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When it cannot listen, or when others could reach it without a log-in.
pub async fn run(args: Args) -> Result<Exit, AppError> {
    match args.command {
        Some(ConsoleCommand::User(UserArgs { command: UserCommand::Add(args) })) => add(args).await,
        None => serve(args.serve).await,
    }
}

async fn serve(args: ServeArgs) -> Result<Exit, AppError> {
    let settings = settings_of(&args)?;
    // Signals that arrive from now on count.
    let mut signals = WatchSignals::new()?;
    let is_tls = settings.tls.is_some();
    let is_loopback = settings.listen.ip().is_loopback();
    let console = Console::bind(settings).await?;
    let scheme = if is_tls { "https" } else { "http" };
    let address = console.address();
    let mut opened = None;
    if is_loopback {
        let url = format!("{scheme}://{address}{}", console.one_time_path()?);
        ui::say(&format!(
            "The console is at {url}\nThe address works once; Ctrl-C ends the console."
        ));
        if args.open {
            opened = Some(open(&url)?);
        }
    } else {
        let host = args.allow_host.first().cloned();
        let host = host.map(|host| format!("{host}:{}", address.port()));
        let host = host.unwrap_or_else(|| address.to_string());
        ui::say(&format!("The console is at {scheme}://{host}; Ctrl-C ends it."));
    }
    let stop = CancellationToken::new();
    let signal = async {
        let exit = loop {
            // The config file is read at the start only.
            if let Signal::End(exit) = signals.next().await {
                break exit;
            }
        };
        stop.cancel();
        exit
    };
    let ((), exit) = tokio::join!(Box::pin(console.serve(stop.clone())), signal);
    drop(opened);
    Ok(exit)
}

fn settings_of(args: &ServeArgs) -> Result<ConsoleSettings, AppError> {
    let listen = listen_address(&args.listen).map_err(|error| error.context("--listen"))?;
    let connection = ConnectionArgs { config: args.config.clone(), ..ConnectionArgs::default() };
    let file = settings::file(&connection)?;
    let users = file.as_ref().map(FileConfig::console).unwrap_or_default();
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => {
            let identity = ServerIdentity::from_files(certificate, key)
                .map_err(|error| AppError::from_error(ErrorKind::Usage, error))?;
            let host = args.allow_host.first().cloned().unwrap_or_else(|| listen.ip().to_string());
            for doubt in identity.doubts(&host, Timestamp::now()) {
                ui::say(&printable_lines(&format!(
                    "note: browsers may refuse the certificate: {doubt}"
                )));
            }
            Some(identity.config)
        }
        _ => None,
    };
    if !listen.ip().is_loopback() {
        check_reachable(listen, tls.is_some(), !users.users.is_empty())?;
    }
    if let Some(wrong) = args.allow_host.iter().find(|name| !is_host_name(name)) {
        let message = format!("--allow-host {} is no name of a host", quoted(wrong));
        return Err(AppError::new(ErrorKind::Usage, message).hint(
            "give the name alone, such as console.example.com, without https:// and without a port",
        ));
    }
    Ok(ConsoleSettings {
        journal: journal::path(args.state.as_deref())?,
        listen,
        tls,
        allowed_hosts: args.allow_host.clone(),
        users,
        clusters: file.iter().flat_map(FileConfig::clusters).map(str::to_owned).collect(),
        connections: connections(args, file.as_ref()),
        doctors: doctors(args, file.as_ref())?,
        rules: file.as_ref().map(settings::pictures_of).transpose()?.unwrap_or_default(),
        next: Arc::new(next_command::step),
        rollouts: Arc::new(RolloutReader::new(args.config.as_deref(), args.state.as_deref())),
        confirm_within: args.confirm_within,
    })
}

/// Returns the settings of the clusters of the config file; without one, those of the environment.
fn connections(
    args: &ServeArgs,
    file: Option<&FileConfig>,
) -> Result<Vec<ClusterSettings>, AppError> {
    let has_clusters = file.is_some_and(|file| file.clusters().next().is_some());
    let connection = ConnectionArgs {
        config: args.config.clone(),
        all_clusters: has_clusters,
        ..ConnectionArgs::default()
    };
    if !has_clusters && settings::from_environment()?.host.is_none() {
        return Ok(Vec::new());
    }
    clusters::chosen(&connection, None)
}

/// Returns what doctor checks: each cluster of the config file, or the one of the environment.
fn doctors(
    args: &ServeArgs,
    file: Option<&FileConfig>,
) -> Result<Vec<(String, DoctorRequest)>, AppError> {
    let names: Vec<&str> = file.iter().flat_map(|file| file.clusters()).collect();
    let environment = settings::from_environment()?;
    let several = names.len() > 1;
    let connection = |name: Option<&str>| ConnectionArgs {
        config: args.config.clone(),
        state: args.state.clone(),
        cluster: name.map(str::to_owned).into_iter().collect(),
        ..ConnectionArgs::default()
    };
    if !several {
        let (name, host) = (names.first().copied(), &environment.host);
        let Some(shown) = name.or(host.as_deref()).map(str::to_owned) else {
            return Ok(Vec::new());
        };
        let request = doctor::request(&connection(name), &PushAccessArgs::default(), false);
        return Ok(vec![(shown, request)]);
    }
    let environment = clusters::of_a_named_host(environment);
    let requests = names.into_iter().map(|name| {
        let args = connection(Some(name));
        let settings =
            settings::settings_of(file, Some(name), Layer::default(), environment.clone());
        let request = DoctorRequest {
            journal: journal::path(args.state.as_deref()),
            notify: None,
            configuration: settings.map(|settings| doctor::configuration(&args, settings)),
        };
        (name.to_owned(), request)
    });
    Ok(requests.collect())
}

/// Refuses to let other machines in without TLS and without users.
fn check_reachable(listen: SocketAddr, has_tls: bool, has_users: bool) -> Result<(), AppError> {
    let lacks = match (has_tls, has_users) {
        (true, true) => return Ok(()),
        (false, true) => "a certificate",
        (true, false) => "users",
        (false, false) => "a certificate and users",
    };
    let message = format!("other machines can reach {listen}, so the console needs {lacks}");
    let mut error = AppError::new(ErrorKind::Usage, message);
    if !has_tls {
        error = error.hint("give --tls-cert and --tls-key");
    }
    if !has_users {
        error = error.hint(
            "`axlpaper console user add NAME --role approver` writes a user into the config file",
        );
    }
    Err(error.hint("on loopback neither is needed: --listen 127.0.0.1:8300"))
}

fn is_host_name(name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '.' || c == '_';
    !name.is_empty() && (name.chars().all(is_part) || name.parse::<IpAddr>().is_ok())
}

/// Opens the browser. Its address is in a file that only this user can read, because every user can see the arguments of a
/// program. The file is removed when the console ends.
fn open(url: &str) -> Result<NamedTempFile, AppError> {
    let failed = |error: std::io::Error| {
        AppError::from_error(ErrorKind::Failed, error)
            .context("cannot open the browser")
            .hint("open the address yourself; leave --open out")
    };
    let mut page = tempfile::Builder::new()
        .prefix("axlpaper-console-")
        .suffix(".html")
        .tempfile()
        .map_err(failed)?;
    let html = format!(
        "<!DOCTYPE html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
         <meta http-equiv=\"refresh\" content=\"0; url={url}\"><title>axlpaper</title><a href=\"{url}\">axlpaper console</a>\n"
    );
    page.write_all(html.as_bytes()).and_then(|()| page.flush()).map_err(failed)?;
    let mut program = opener(page.path());
    program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    program.spawn().map(drop).map_err(failed)?;
    Ok(page)
}

#[cfg(target_os = "macos")]
fn opener(page: &Path) -> Command {
    let mut program = Command::new("open");
    program.arg(page);
    program
}

#[cfg(windows)]
fn opener(page: &Path) -> Command {
    let mut program = Command::new("explorer");
    program.arg(page);
    program
}

#[cfg(not(any(target_os = "macos", windows)))]
fn opener(page: &Path) -> Command {
    let mut program = Command::new("xdg-open");
    program.arg(page);
    program
}

async fn add(args: AddArgs) -> Result<Exit, AppError> {
    let connection = ConnectionArgs { config: args.config, ..ConnectionArgs::default() };
    let path = settings::config_path(&connection).ok_or_else(|| {
        AppError::new(ErrorKind::Usage, "there is no folder for a config file")
            .hint("name a file with --config")
    })?;
    if args.name.trim().is_empty() || args.name.chars().any(char::is_control) {
        let message = format!("the name {} is empty or has control characters", quoted(&args.name));
        return Err(AppError::new(ErrorKind::Usage, message)
            .hint("nothing was changed; write a name such as jdoe"));
    }
    let text = trust::read_or_empty(&path)?;
    let password = password::new(&args.name, Terminal::shared(false).as_ref()).await?;
    let hash = tokio::task::spawn_blocking(move || hash_password(&password)).await;
    let password_hash =
        hash.unwrap_or_else(|error| Err(AppError::from_error(ErrorKind::Failed, error)))?;
    let user = ConsoleUser { name: args.name, role: args.role.into(), password_hash };
    let changed = with_console_user(&text, &user).map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error)
            .hint(format!("nothing was changed in {}", path.display()))
    })?;
    init::write(&path, &changed)?;
    let (name, role) = (quoted(&user.name), user.role);
    ui::say(&format!(
        "{name} is a user of the console with the role {role} in {}.",
        path.display()
    ));
    ui::say("A console that works reads the file when it starts again.");
    Ok(Exit::Done)
}
