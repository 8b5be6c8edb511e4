//! The picture, from its file to the server that phones download from.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;

use super::args::PushArgs;
use super::error::{CliError, Exit};
use super::open::Connection;
use super::way::Way;
use super::what::Wanted;
use crate::domain::model::ImageSpec;
use crate::event::{Event, Observer, Proof, Stage};
use crate::host::{HostConfig, HostError, HostLimits, ImageHost};
use crate::media::{MediaError, Picture, PreparedSet, prepare_all};
use crate::net::client::{PhoneHttpOptions, phone_http};
use crate::phone::PhoneClient;
use crate::push::line::PhoneLine;

/// Reads a picture's file.
///
/// # Errors
/// When it is missing or cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    Picture::read(path).map_err(|error| unusable(&error))
}

/// Understands a picture's file.
///
/// # Errors
/// When it is no picture.
pub fn decode(path: &Path, bytes: &[u8]) -> Result<Picture, CliError> {
    Picture::decode(&path.display().to_string(), bytes).map_err(|error| unusable(&error))
}

fn unusable(error: &MediaError) -> CliError {
    CliError::from_error(Exit::Usage, error)
}

/// Makes the picture in every size that is asked for.
///
/// # Errors
/// When a size cannot be encoded.
pub fn prepare<'a>(
    picture: &Picture,
    specs: impl Iterator<Item = &'a ImageSpec>,
    observer: &dyn Observer,
) -> Result<PreparedSet, CliError> {
    observer.observe(&Event::Started { stage: Stage::Pictures, total: None });
    let prepared = tokio::task::block_in_place(|| prepare_all(picture, specs))
        .map_err(|error| CliError::from_error(Exit::Failed, &error))?;
    observer.observe(&Event::Finished { stage: Stage::Pictures });
    Ok(prepared)
}

/// What is sent, in whose name.
#[derive(Debug)]
pub struct Sending<'a> {
    /// The push user, and this machine's side.
    pub way: &'a Way,
    /// The push user's password.
    pub password: SecretString,
    /// How to push.
    pub push: &'a PushArgs,
    /// What is done to phones.
    pub wanted: &'a Wanted,
    /// How it is proven.
    pub proof: Proof,
}

impl Sending<'_> {
    /// Returns the name under which phones that keep a list show the picture.
    pub fn picture_name(&self) -> String {
        self.push.picture_name.clone().unwrap_or_else(|| self.wanted.picture_name())
    }
}

/// Makes the client that speaks to phones in the push user's name.
///
/// # Errors
/// When no push user is named, or HTTP cannot carry the name.
pub fn phones(sending: &Sending<'_>) -> Result<PhoneClient, CliError> {
    let Sending { way, password, push, .. } = sending;
    let timeout = Duration::from_secs(push.phone_timeout.max(1));
    let client = phone_http(&PhoneHttpOptions { call: timeout, ..PhoneHttpOptions::default() })
        .map_err(|error| CliError::from_error(Exit::Failed, &error))?;
    let user = way.need_push_user()?;
    PhoneClient::new(client, user, password, way.phone_port, timeout)
        .map_err(|error| CliError::from_error(Exit::Usage, &error))
}

/// Starts the image server and puts the way to the phones together; `toward` is where these are.
///
/// # Errors
/// When the server cannot listen, or when phones could not reach it.
pub fn line(
    sending: &Sending<'_>,
    toward: Option<IpAddr>,
    pictures: PreparedSet,
) -> Result<PhoneLine, CliError> {
    let Sending { way, push, .. } = sending;
    let host = host(way, toward)?;
    let phones = phones(sending)?;
    let name = sending.picture_name();
    let wait = Duration::from_secs(push.verify_timeout);
    let line = PhoneLine::new(phones, host, pictures, name, wait);
    Ok(if push.no_identity_check { line.without_identity_check() } else { line })
}

/// Starts the image server; `toward` is where phones are, as far as that is known.
///
/// # Errors
/// When it cannot listen, or when phones could not reach it.
pub fn host(way: &Way, toward: Option<IpAddr>) -> Result<ImageHost, CliError> {
    let listen = match &way.listen {
        Some(text) => text.parse::<SocketAddr>().map_err(|error| {
            CliError::new(Exit::Usage, format!("--listen {text:?}: {error}"))
                .hint("write it as 10.1.1.5:8080")
        })?,
        // A cluster on this machine has its phones here too; nobody else needs to reach the server then.
        None if toward.is_some_and(|ip| ip.is_loopback()) => SocketAddr::from(([127, 0, 0, 1], 0)),
        None => SocketAddr::from(([0, 0, 0, 0], 0)),
    };
    let advertise =
        way.advertise.as_deref().map(str::parse).transpose().map_err(|error: HostError| {
            CliError::from_error(Exit::Usage, &error)
                .hint("--advertise takes a URL such as http://10.1.1.5:8080")
        })?;
    let config = HostConfig { listen, advertise, toward, limits: HostLimits::default() };
    ImageHost::start(config).map_err(|error| {
        CliError::from_error(Exit::Failed, &error)
            .hint("nothing was changed; choose an address of this machine with --listen, and one that phones reach with --advertise")
    })
}

/// Returns the address of the cluster: its phones are most likely on the same side of this machine.
pub async fn toward(connection: &Connection) -> Option<IpAddr> {
    resolve(connection.endpoint.host(), connection.endpoint.port()).await
}

async fn resolve(host: &str, port: u16) -> Option<IpAddr> {
    let found = tokio::net::lookup_host((host, port)).await.ok()?;
    let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.into_iter().next()
}
