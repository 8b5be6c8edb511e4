//! Starting a simulated cluster, for `demo` and `sim`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::args::value::{at_least_one, duration, number};
use crate::error::{AppError, ErrorKind};
use crate::sim::{FleetSpec, Limits, Release, SimCluster, SimConfig, SimError};

/// What the simulated cluster is made of.
#[derive(clap::Args, Clone, Debug)]
pub struct FleetArgs {
    /// Phones on the cluster, beside CTI ports and a template
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = number::<u32>(1..=100_000))]
    pub phones: u32,
    /// Another seed makes another fleet
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = number::<u64>(0..=u64::MAX))]
    pub seed: u64,
    /// Release that the cluster plays: 11.5, 12.0, 12.5, 14.0 or 15.0
    #[arg(long, value_name = "VERSION", default_value = "14.0", value_parser = release)]
    pub release: Release,
    /// RisPort70 requests a minute that the cluster allows, unless its limits are off
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = at_least_one::<u32>())]
    pub ris_limit: u32,
    /// Limits of a real cluster, or none: answers of 8 MB, shared memory, waiting changes, RisPort70 requests
    #[arg(long, value_name = "WHICH", default_value = "real")]
    pub limits: LimitsArg,
    /// How long phones take to answer a push, such as 300ms
    #[arg(long, value_name = "DURATION", default_value = "0s", hide_default_value = true, value_parser = duration)]
    pub latency: Duration,
    /// Let a minute of these limits go by so many times faster
    #[arg(long, value_name = "FACTOR", default_value_t = 1, value_parser = number::<u32>(1..=100_000))]
    pub time_scale: u32,
}

/// Which limits the simulated cluster has.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum LimitsArg {
    /// Those of a real cluster
    Real,
    /// None
    Off,
}

impl FleetArgs {
    fn limits(&self) -> Limits {
        let limits = match self.limits {
            LimitsArg::Real => Limits { ris_per_minute: Some(self.ris_limit), ..Limits::real() },
            LimitsArg::Off => Limits::off(),
        };
        Limits { time_scale: self.time_scale, ..limits }
    }
}

fn release(text: &str) -> Result<Release, String> {
    let known = |release: &Release| release.version().starts_with(text) && text.len() == 4;
    Release::ALL
        .into_iter()
        .find(known)
        .ok_or_else(|| "the simulator plays 11.5, 12.0, 12.5, 14.0 and 15.0".to_owned())
}

/// Where a simulated cluster is; port 0 is any free one.
#[derive(Clone, Debug)]
pub struct Ports {
    /// AXL and RisPort70: the first that is free.
    pub axl: Vec<SocketAddr>,
    /// Of all phones.
    pub phones: u16,
    /// Of all phones over HTTPS.
    pub phones_tls: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { axl: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))], phones: 0, phones_tls: 0 }
    }
}

/// Starts a simulated cluster.
///
/// # Errors
/// When a port cannot be had, or the record cannot be written.
pub async fn start(
    args: &FleetArgs,
    ports: Ports,
    record: Option<PathBuf>,
) -> Result<SimCluster, AppError> {
    let fleet = FleetSpec { seed: args.seed, phones: args.phones };
    let config = SimConfig {
        release: args.release,
        axl_addresses: ports.axl,
        phone_port: ports.phones,
        phone_tls_port: ports.phones_tls,
        limits: args.limits(),
        phone_latency: args.latency,
        record,
        ..SimConfig::new(fleet.generate())
    };
    SimCluster::start(config).await.map_err(|error| {
        let hint = hint(&error);
        AppError::from_error(ErrorKind::Failed, error).hint(hint)
    })
}

/// Says what helps where the simulator does not start.
fn hint(error: &SimError) -> &'static str {
    match error {
        SimError::Socket { source, port, .. } => match (source.kind(), port) {
            (io::ErrorKind::PermissionDenied, 1..1024) => {
                "ports below 1024 are for root or programs with CAP_NET_BIND_SERVICE: choose one from 1024 on"
            }
            (io::ErrorKind::AddrInUse, _) => {
                "another program has this port: choose another one, or leave the option out for any free one"
            }
            _ => {
                "the simulator needs free ports on loopback; on systems other than Linux use few --phones"
            }
        },
        SimError::Record { .. } => "check that its folder exists and may be written to",
        SimError::Tls(_) => "this is a fault of axlpaper: please report it",
    }
}
