//! The picture, from its file to the server that phones download from.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::connect::cluster::ClusterSettings;
use crate::connect::push_access::PushAccess;
use crate::domain::model::ImageSpec;
use crate::error::{AppError, ErrorKind};
use crate::event::{Event, Observer, Proof, Stage};
use crate::interaction::Interaction;
use crate::journal::Recorder;
use crate::media::{
    Compression, Decoder, MediaError, Options, Picture, PreparedImage, PreparedSet, blocking,
    prepare_all,
};
use crate::phone::PhoneClient;
use crate::push::delivery::connector::PhoneConnector;
use crate::push::delivery::picture::PictureDelivery;
use crate::rollout::options::PushOptions;

/// Reads a picture's file.
///
/// # Errors
/// When it is missing or cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, AppError> {
    Picture::read(path).map_err(unusable)
}

/// Understands a picture's file.
///
/// # Errors
/// When it is no picture.
pub async fn decode(path: &Path, bytes: Vec<u8>) -> Result<Picture, AppError> {
    let name = path.display().to_string();
    let decode = move || Decoder::this_program().picture(&name, &bytes);
    blocking(decode).await.map_err(unusable)
}

fn unusable(error: MediaError) -> AppError {
    let is_ours = matches!(error, MediaError::Decoder { .. });
    AppError::from_error(if is_ours { ErrorKind::Failed } else { ErrorKind::Usage }, error)
}

/// Makes the picture in every size that is asked for.
///
/// # Errors
/// When a size cannot be encoded.
pub async fn prepare<'a>(
    picture: &Arc<Picture>,
    specs: impl Iterator<Item = &'a ImageSpec>,
    options: &Options,
    observer: &dyn Observer,
) -> Result<PreparedSet, AppError> {
    observer.observe(&Event::Started { stage: Stage::Pictures, total: None });
    let (source, options) = (Arc::clone(picture), *options);
    let specs: Vec<ImageSpec> = specs.copied().collect();
    let prepared = blocking(move || prepare_all(&source, &specs, &options, Compression::Quick))
        .await
        .map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
    observer.observe(&Event::Finished { stage: Stage::Pictures });
    let long = prepared.iter().filter_map(|prepared| too_long(prepared));
    for remark in picture.remarks().iter().cloned().chain(long) {
        observer.observe(&Event::Remark(remark));
    }
    Ok(prepared)
}

/// Says that a picture's file is longer than what phones are known to take.
pub fn too_long(prepared: &PreparedImage) -> Option<String> {
    let bytes = prepared.background.png.len();
    (bytes > LONG).then(|| {
        format!(
            "the picture of {}x{} has {} KB; the largest that is known to have worked had 151 KB, so try one \
             phone first",
            prepared.shape.background,
            prepared.shape.depth,
            bytes.div_ceil(1000)
        )
    })
}

/// From how many bytes on a picture is long for a phone.
const LONG: usize = 300_000;

/// What is sent, in whose name.
pub struct DeliveryContext<'a> {
    /// The push user, and this machine's side.
    pub push_access: &'a PushAccess,
    /// The push user's password.
    pub password: SecretString,
    /// How to push.
    pub push: &'a PushOptions,
    /// The picture's file name.
    pub picture_file: &'a str,
    /// How it is proven.
    pub proof: Proof,
    /// The journal.
    pub state: &'a Path,
    /// Where the run is written down.
    pub recorder: &'a Recorder,
    /// Where warnings go.
    pub interaction: &'a dyn Interaction,
}

/// Starts the image server and puts the way to the phones together; `phone_side_ip` is where these are.
///
/// # Errors
/// When the server cannot listen, or when phones could not reach it.
pub async fn delivery(
    sending: &DeliveryContext<'_>,
    phone_side_ip: Option<IpAddr>,
    pictures: PreparedSet,
    name: String,
    observer: &Arc<dyn Observer>,
) -> Result<PictureDelivery, AppError> {
    let DeliveryContext { push_access, push, .. } = sending;
    let host = push_access.image_server.start(phone_side_ip, observer).await?;
    let patience = push.phone_timeout;
    let phones = phone_connector(sending, patience)?.resend_safe();
    let wait = push.verify_timeout;
    Ok(PictureDelivery::new(phones, host, pictures, name, wait))
}

/// Makes the way to phones in the push user's name, and gives each answer this time.
///
/// # Errors
/// When no push user is named, its name or password cannot be sent, or what is known of phones' certificates cannot be
/// read.
pub fn phone_connector(
    sending: &DeliveryContext<'_>,
    patience: Duration,
) -> Result<PhoneConnector, AppError> {
    let DeliveryContext { push_access, password, push, state, recorder, interaction, .. } = sending;
    let user = push_access.need_push_user()?;
    let phones = PhoneClient::new(user, password, push_access.phone_port, patience)
        .map_err(|error| AppError::from_error(ErrorKind::Usage, error))?;
    let connector = PhoneConnector::new(phones);
    let connector = match push_access.phone_tls.push_access(state, recorder, *interaction)? {
        Some((https, pins)) => connector.with_https(https, pins),
        None => connector,
    };
    Ok(if push.identity_check { connector } else { connector.without_identity_check() })
}

/// Returns the address of the cluster: its phones are most likely on the same side of this machine.
pub async fn phone_side_ip(connection: &ClusterSettings) -> Option<IpAddr> {
    resolve(connection.endpoint.host(), connection.endpoint.port()).await
}

async fn resolve(host: &str, port: u16) -> Option<IpAddr> {
    let found = tokio::net::lookup_host((host, port)).await.ok()?;
    let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.into_iter().next()
}
