//! `axlpaper sim`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::cli::args::simulator::{self, Ports};
use crate::cli::args::value::number;
use crate::cli::present::list;
use crate::cli::ui;
use crate::domain::text::pluralize;
use crate::domain::text_encoding;
use crate::error::{AppError, ErrorKind, Exit};
use crate::sim::{self, Timeline};

/// Run a simulated cluster on loopback until it is interrupted
///
/// Its users, passwords and phones are invented. It prints how to point axlpaper, or any other AXL
/// client, at it.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    fleet: simulator::FleetArgs,
    /// Port of AXL and RisPort70 at 127.0.0.1, 0 for any free one [default: 8443, at the first of 127.0.0.1 to
    /// 127.0.0.20 where it is free]
    #[arg(long, value_name = "PORT", value_parser = number::<u16>(0..=65_535))]
    port: Option<u16>,
    /// Port that all phones share [default: any free one]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true, value_parser = number::<u16>(0..=65_535))]
    phones_port: u16,
    /// Port that all phones share for HTTPS [default: any free one]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true, value_parser = number::<u16>(0..=65_535))]
    phones_tls_port: u16,
    /// Write what happens into this file, a line of JSON for each request, push, download and event
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Let the events of this TOML file happen at their times since the start; docs/simulator.md has the format
    #[arg(long, value_name = "FILE", group = "events")]
    timeline: Option<PathBuf>,
    /// Make events up without end, the same ones for the same seed [default seed: that of --seed]
    #[arg(long, group = "events", value_name = "SEED", num_args = 0..=1, value_parser = number::<u64>(0..=u64::MAX))]
    life: Option<Option<u64>>,
    /// Let time go by so many times faster for --timeline and --life; 1440 makes a day a minute [default: the file's
    /// speed, 60 for --life]
    #[arg(long, requires = "events", value_name = "FACTOR", value_parser = number::<u32>(1..=1_000_000))]
    speed: Option<u32>,
    /// Write the certificate of the phones' maker into this PEM file
    #[arg(long, value_name = "FILE")]
    phone_ca_out: Option<PathBuf>,
    /// Write the server's certificate into this PEM file
    #[arg(long, value_name = "FILE")]
    ca_out: Option<PathBuf>,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    for path in args.ca_out.iter().chain(&args.phone_ca_out) {
        list::check_writable(path)?;
    }
    let file =
        args.timeline.as_deref().map(|path| read_timeline(path, args.fleet.seed)).transpose()?;
    let axl = args.port.map_or_else(usual_addresses, |port| vec![loopback(1, port)]);
    let ports = Ports { axl, phones: args.phones_port, phones_tls: args.phones_tls_port };
    let cluster = simulator::start(&args.fleet, ports, args.record.clone()).await?;
    if let Some(path) = &args.phone_ca_out {
        list::write_file(path, cluster.phone_ca_pem())?;
    }
    if let Some(path) = &args.ca_out {
        list::write_file(path, cluster.ca_pem())?;
    }
    let guide = format!(
        "A simulated cluster with {phones} runs at https://{addr}/ until you press Ctrl-C.\n\
         All its users, passwords and phones are invented. What happens to them: https://{addr}/sim/\n\n\
         export CUCM_HOST={host} CUCM_USERNAME={admin} CUCM_PASSWORD={admin_password}\n\
         export PHONE_USERNAME={push} PHONE_PASSWORD={push_password}\n\
         axlpaper audit --pin-sha256 {pin}\n\
         axlpaper rollout PICTURE --pin-sha256 {pin} --phone-port {port}\n\n\
         Some phones take pictures over HTTPS only: add --phone-tls-port {tls_port} and either\n\
         --phone-tls pin-first-use or --phone-ca-file with the file that --phone-ca-out writes.\n\n\
         Other clients: trust the certificate that --ca-out writes, or pin it, and use\n\
         AXL:      https://{addr}/axl/ (WSDL: /axl/AXLAPIService?wsdl)\n\
         RisPort:  https://{addr}/realtimeservice2/services/RISService70 (WSDL: ?wsdl)\n\
         Version:  https://{addr}/cucm-uds/version (without credentials)\n\
         Phones:   http://127.x.y.z:{port}/CGI/Execute, https://127.x.y.z:{tls_port}/CGI/Execute\n\
         Read-only AXL user: {reader} / {reader_password}; push end user: {eu} / {eu_password}\n{no_port}",
        host = host(cluster.axl_addr()),
        no_port = if cluster.axl_addr().port() == USUAL_PORT { "" } else { NO_PORT },
        phones = pluralize(args.fleet.phones as usize, "phone"),
        addr = cluster.axl_addr(),
        admin = sim::ADMIN_USER,
        admin_password = sim::ADMIN_PASSWORD,
        push = sim::PUSH_USER,
        push_password = sim::PUSH_PASSWORD,
        pin = cluster.cert_sha256(),
        port = cluster.phone_port(),
        tls_port = cluster.phone_tls_port(),
        reader = sim::READER_USER,
        reader_password = sim::READER_PASSWORD,
        eu = sim::PUSH_END_USER,
        eu_password = sim::PUSH_END_USER_PASSWORD,
    );
    ui::put(&guide)?;
    if let Some(path) = &args.record {
        ui::say(&format!("What happens is recorded in {}", path.display()));
    }
    let life = args.life.map(|seed| {
        let seed = seed.unwrap_or(args.fleet.seed);
        let pools = cluster.device_pools();
        Timeline::life(seed, args.fleet.phones as usize, pools).with_speed(LIFE_SPEED)
    });
    if let Some(timeline) = file.or(life) {
        cluster.play(match args.speed {
            Some(speed) => timeline.with_speed(speed.into()),
            None => timeline,
        });
    }
    tokio::signal::ctrl_c().await.map_err(|error| {
        AppError::from_error(ErrorKind::Failed, error).context("cannot wait for an interrupt")
    })?;
    cluster.shutdown().await;
    Ok(Exit::Done)
}

fn read_timeline(path: &Path, seed: u64) -> Result<Timeline, AppError> {
    let shown = path.display();
    let unreadable =
        |error: AppError| error.context(format_args!("cannot read the timeline {shown}"));
    let bytes = std::fs::read(path)
        .map_err(|error| unreadable(AppError::from_error(ErrorKind::Usage, error)).hint(FORMAT))?;
    let text = text_encoding::decode_utf8(&bytes).map_err(|error| {
        unreadable(AppError::from_error(ErrorKind::Usage, error)).hint("save it as UTF-8")
    })?;
    Timeline::read(&text, seed).map_err(|error| {
        let error = AppError::from_error(ErrorKind::Usage, error);
        error.context(format_args!("the timeline {shown}")).hint(FORMAT)
    })
}

/// Returns the port of a real cluster at several addresses, and at last any free port.
fn usual_addresses() -> Vec<SocketAddr> {
    let usual = (1..=ADDRESSES).map(|last| loopback(last, USUAL_PORT));
    usual.chain([loopback(1, 0)]).collect()
}

fn loopback(last: u8, port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), port))
}

/// Returns what `CUCM_HOST` is: other tools that read it take no port.
fn host(address: SocketAddr) -> String {
    match address.port() {
        USUAL_PORT => address.ip().to_string(),
        _ => address.to_string(),
    }
}

/// The port of AXL and RisPort70 on a real cluster.
const USUAL_PORT: u16 = 8443;

/// At how many addresses the usual port is tried. The phones have others.
const ADDRESSES: u8 = 20;

const NO_PORT: &str = "Tools that take no port in CUCM_HOST need a simulator at port 8443: `axlpaper sim --port 8443`.\n";

const FORMAT: &str = "docs/simulator.md describes the format of a timeline";

/// A minute of a made-up life is a second.
const LIFE_SPEED: f64 = 60.0;
