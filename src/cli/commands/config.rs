//! `axlpaper config`

mod keyring;

use crate::cli::args::words::with_data;
use crate::cli::settings;
use crate::domain::text::quoted;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::push::PushAccessArgs;
use crate::cli::args::{ConnectionArgs, OutputArgs};
use crate::cli::present::list;
use crate::cli::ui;
use crate::config::{FileConfig, KEYS, Layer, Origin, Section, with_accounts};
use crate::connect::image_server::ImageServerSettings;
use crate::connect::{cluster, password};
use crate::error::{AppError, ErrorKind, Exit};
use crate::interaction::Silent;
use crate::net::trace::HIDDEN;
use crate::report::{SettingRecord, printable_lines, settings_json};
use crate::rollout::payload::source_image::SourceImage;
use crate::watch::notify::channels::Channels;

/// Show the settings that count, look for mistakes in the config file, or keep a password in the keyring
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(clap::Subcommand, Debug)]
enum ConfigCommand {
    Show(Box<ShowArgs>),
    Check(CheckArgs),
    Keyring(keyring::Args),
}

/// Show every setting that counts and where it comes from
///
/// Options, environment and config file are put together as every other command does. No password is read
/// or shown, only where it would be taken from.
#[derive(clap::Args, Debug)]
struct ShowArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    phones: PhoneArgs,
    #[command(flatten)]
    push: PushAccessArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Look for mistakes in the config file, in every cluster of it
///
/// No cluster is asked, no command is run, and no keyring asks anybody anything. Files, variables, programs and
/// entries of the keyring that give passwords have to be there.
#[derive(clap::Args, Debug)]
struct CheckArgs {
    /// Config file [default: axlpaper/config.toml in the user's config folder]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_CONFIG")]
    config: Option<PathBuf>,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    match args.command {
        ConfigCommand::Show(args) => show(&args),
        ConfigCommand::Check(args) => check(args).await,
        ConfigCommand::Keyring(args) => keyring::run(args).await,
    }
}

fn show(args: &ShowArgs) -> Result<Exit, AppError> {
    list::check_list::<SettingRecord>(&args.output)?;
    let connection = args.connection.clone().with_phones(args.phones.clone());
    let (cluster, settings) = settings::settings(&connection, Some(&args.push))?;
    let file = settings::config_path(&args.connection).filter(|path| path.exists());
    let mut records = records(&settings);
    list::sort(&args.output.list, &mut records)?;
    let text = list::list(&args.output, &records, || {
        settings_json(&records, file.as_deref(), cluster.as_deref(), Timestamp::now())
    })?;
    list::write(&args.output, &text)?;
    let which = match (&file, &cluster) {
        (None, _) => "there is no config file; `axlpaper init` writes one".to_owned(),
        (Some(file), Some(name)) => format!("cluster {} of {}", quoted(name), file.display()),
        (Some(file), None) => {
            format!("no cluster of {}; --cluster NAME names one", file.display())
        }
    };
    ui::say(&printable_lines(&which));
    Ok(Exit::Done)
}

/// Returns the settings in the order of their keys, one row for each.
fn records(settings: &Layer) -> Vec<SettingRecord> {
    let mut records: Vec<SettingRecord> = Vec::new();
    for (name, value) in settings.values() {
        let key = KEYS.iter().find(|key| key.setting() == name);
        let origin = value.as_ref().and_then(|_| settings.origins.get(name));
        records.push(SettingRecord {
            setting: name,
            secret: key.is_some_and(|key| key.is_one_of_several()),
            source: match (&value, origin) {
                (None, _) => "default",
                (Some(_), origin) => origin.map_or("flag", Origin::kind),
            },
            origin: value
                .as_ref()
                .map(|_| origin.map_or_else(|| settings.origin(name), Origin::short)),
            default: key.map_or("", |key| key.default),
            value: value.map(|value| match value.rsplit_once('@') {
                // A host has no user name, but the file may contain one.
                Some((_, host)) if matches!(name, "host" | "ris_host" | "advertise") => {
                    format!("{HIDDEN}@{host}")
                }
                Some(_) | None => value,
            }),
        });
    }
    let place =
        |record: &SettingRecord| KEYS.iter().position(|key| key.setting() == record.setting);
    records.sort_by_key(place);
    records
}

async fn check(args: CheckArgs) -> Result<Exit, AppError> {
    let named = ConnectionArgs { config: args.config, ..ConnectionArgs::default() };
    let path = settings::config_path(&named).unwrap_or_default();
    let file = settings::file(&named)?.ok_or_else(|| {
        AppError::new(ErrorKind::Usage, format!("there is no config file {}", path.display()))
            .hint("`axlpaper init` writes one")
    })?;
    // That the default is one of the clusters is a mistake of the file too.
    settings::section(Some(&file), None)?;
    let (mut lines, mut exit) = (Vec::new(), Exit::Done);
    let pictures = settings::pictures_of(&file)?;
    let notes = pictures.remarks().into_iter().chain(file.remarks());
    lines.extend(notes.map(|note| format!("note: {note}")));
    let mut wrong: Vec<(String, AppError)> = Vec::new();
    for (rule, path) in pictures.pictures_from_now_on() {
        if let Err(error) = SourceImage::read(path).await {
            wrong.push((rule.to_string(), error));
        }
    }
    if let Err((error, number)) = pictures.clone().with_words(with_data) {
        wrong.push((format!("[[image]] rule {number}"), error));
    }
    for (rule, error) in wrong {
        exit = Exit::Usage;
        lines.push(format!("error: {rule}: {}", error.message()));
        lines.extend(error.hints().iter().map(|hint| format!("  hint: {hint}")));
    }
    let are_pictures_good = exit == Exit::Done;
    if let Some(settings) = file.notify() {
        for problem in Channels::problems(&settings).await {
            exit = Exit::Usage;
            lines.push(format!("error: [notify]: {}", problem.message()));
            lines.extend(problem.hints().iter().map(|hint| format!("  hint: {hint}")));
        }
    }
    for name in file.clusters() {
        let problems = problems(&file, name).await?;
        if problems.is_empty() {
            let all = if are_pictures_good { "good" } else { "good but for its pictures" };
            lines.push(format!("{name}: {all}"));
        }
        for problem in problems {
            exit = Exit::Usage;
            lines.push(format!("{name}: {}", problem.message()));
            lines.extend(problem.hints().iter().map(|hint| format!("  hint: {hint}")));
        }
    }
    if lines.is_empty() {
        lines.push(format!("{} has no cluster", path.display()));
        lines.push("  hint: write host and username into a table [cluster.NAME]".to_owned());
    }
    ui::put(&printable_lines(&(lines.join("\n") + "\n")))?;
    Ok(exit)
}

/// Returns what is wrong with a cluster of the file, regardless of flags and environment.
async fn problems(file: &FileConfig, name: &str) -> Result<Vec<AppError>, AppError> {
    let Some(Section { layer, .. }) = settings::section(Some(file), Some(name))? else {
        return Ok(Vec::new());
    };
    let layer = with_accounts(layer);
    let whose = [("AXL user", layer.password.clone()), ("push user", layer.push_password.clone())];
    let mut secrets = Vec::new();
    for (user, source) in whose {
        let Some(source) = source else { continue };
        let account = format!("the {user} of cluster {}", quoted(name));
        secrets.extend(password::look(&source, &account, &Silent).await.err());
    }
    let ca_file = layer.ca_file.as_ref().and_then(|path| {
        let error = std::fs::File::open(path).err()?;
        let message =
            format!("{}: cannot read {}: {error}", layer.origin("ca_file"), path.display());
        Some(AppError::new(ErrorKind::Usage, message).hint("it is a file with certificates"))
    });
    let images = ImageServerSettings::of(&layer);
    let certificate = images.ok().and_then(|images| images.check_certificate().err());
    let key = if layer.tls_cert.is_some() { "tls_cert" } else { "tls_key" };
    let certificate = certificate.map(|error| error.context(layer.origin(key)));
    // Host and user may come from elsewhere when the cluster is asked.
    let fill = |value: &Option<String>| value.clone().or_else(|| Some("somebody".to_owned()));
    let whole = Layer { host: fill(&layer.host), username: fill(&layer.username), ..layer.clone() };
    let settled = cluster::from_layer(Some(name.to_owned()), whole).err();
    Ok(settled.into_iter().chain(ca_file).chain(certificate).chain(secrets).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Key, resolve};

    fn default_of(name: &str) -> &'static str {
        KEYS.iter().find(|key: &&Key| key.name == name).map_or("", |key| key.default)
    }

    #[test]
    fn the_defaults_that_are_told_are_the_ones_that_count() {
        let layer =
            Layer { host: Some("pub".into()), username: Some("axl".into()), ..Layer::default() };
        let (_, layer) = resolve(layer, Layer::default(), None);
        let connection = cluster::from_layer(None, layer).unwrap();
        assert_eq!(connection.ris_rate.to_string(), default_of("ris_rate"));
        assert_eq!(connection.push_access.concurrency.to_string(), default_of("concurrency"));
        assert_eq!(connection.push_access.phone_port.to_string(), default_of("phone_port"));
        assert_eq!(connection.trust.insecure.to_string(), default_of("insecure"));
        let read = crate::net::client::ClusterLimits::default().read;
        assert_eq!(read.as_secs().to_string(), default_of("timeout"));
    }
}
