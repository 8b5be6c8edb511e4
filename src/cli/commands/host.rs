//! `axlpaper host`

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::args::OutputArgs;
use crate::cli::commands::host_files;
use crate::cli::commands::host_files::FolderFile;
use crate::cli::present::list;
use crate::cli::ui;
use crate::config::Layer;
use crate::connect::image_server::ImageServerSettings;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::{Event, Observer};
use crate::image_server::{HostLimits, ImageHost};
use crate::report::{HostedFile, download_line, hosted_json, printable};

/// Serve the pictures of a folder to phones, for pushes that others make
///
/// Prints one address for every PNG file of the folder and of those below it, which cannot be guessed, and serves
/// exactly these until Ctrl-C. Every download is shown on standard error. The files are read once, at the start.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder with PNG files
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Where to listen [default: a free port on all addresses]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// URL under which phones reach this [default: the address of this machine's way out, and the port of --listen]
    #[arg(long, value_name = "URL")]
    advertise: Option<String>,
    /// PEM file with a certificate and its chain: pictures are served over HTTPS, which phones refuse unless
    /// they trust it
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// PEM file with the key of --tls-cert
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    list::check_list::<HostedFile>(&args.output)?;
    let folder = host_files::read(&args.folder)?;
    for left_out in &folder.left_out {
        ui::say(&printable(&format!("left out: {left_out}")));
    }
    let settings = Layer {
        listen: args.listen,
        advertise: args.advertise,
        tls_cert: args.tls_cert,
        tls_key: args.tls_key,
        ..Layer::default()
    };
    let image_server = ImageServerSettings {
        limits: HostLimits::for_everybody(),
        ..ImageServerSettings::of(&settings)?
    };
    let watcher: Arc<dyn Observer> = Arc::new(Watcher);
    let host = image_server.start(Some(phone_side_ip(&image_server)), &watcher).await?;
    let mut files = publish(&host, folder.files)?;
    list::sort(&args.output.list, &mut files)?;
    let json = || hosted_json(host.base().as_str(), &files, Timestamp::now());
    list::write(&args.output, &list::list(&args.output, &files, json)?)?;
    ui::say(&format!(
        "serving on {} as {} until Ctrl-C; every download is listed here",
        host.address(),
        host.base()
    ));
    stopped().await?;
    host.shutdown(GRACE).await;
    Ok(Exit::Done)
}

/// Returns where phones are, as far as it can be guessed: beyond this machine, unless loopback is asked for in words.
fn phone_side_ip(image_server: &ImageServerSettings) -> IpAddr {
    match image_server.listen.map(|address| address.ip()).filter(IpAddr::is_loopback) {
        Some(loopback) => {
            ui::say("only this machine can download from a loopback address");
            loopback
        }
        None => IpAddr::V4(SOMEWHERE),
    }
}

fn publish(host: &ImageHost, files: Vec<FolderFile>) -> Result<Vec<HostedFile>, AppError> {
    let publish = |file: FolderFile| {
        let bytes = file.content.len() as u64;
        let published = host.publish_file(&file.name, file.content, "image/png");
        let (_, url) = published.map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
        Ok(HostedFile { file: file.path, size: file.size.to_string(), bytes, url })
    };
    files.into_iter().map(publish).collect()
}

async fn stopped() -> Result<(), AppError> {
    let failed = |error: std::io::Error| {
        AppError::from_error(ErrorKind::Failed, error).context("cannot wait for an interrupt")
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(failed),
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(failed)
}

struct Watcher;

impl Observer for Watcher {
    fn observe(&self, event: &Event) {
        match event {
            Event::Downloaded(download) => {
                let at = download.at.strftime("%H:%M:%S UTC");
                ui::say(&printable(&format!("{at} {}", download_line(download))));
            }
            Event::Remark(text) => ui::say(&printable(text)),
            Event::Started { .. }
            | Event::Progress { .. }
            | Event::Waiting { .. }
            | Event::Finished { .. }
            | Event::Changed(_)
            | Event::Pushed(_)
            | Event::Wave(_)
            | Event::Control(_) => {}
        }
    }
}

/// An address for documentation (RFC 5737). Nothing is sent there: it only selects which of this machine's
/// addresses leads out.
const SOMEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// How long running downloads may still take at the end.
const GRACE: Duration = Duration::from_secs(2);
