//! What is pushed, and a bare load generator that pushes it: no engine, no report, no proof.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axlpaper::domain::model::ImageSpec;
use axlpaper::image_server::{HostConfig, HostLimits, ImageHost, Recipient};
use axlpaper::media::{PreparedImage, PreparedSet};
use axlpaper::net::provider::provider;
use axlpaper::phone::{PushObject as _, SetBackground, Theme};
use axlpaper::push::Target;
use axlpaper::push::delivery::external::ExternalImage;
use axlpaper::sim::{PUSH_PASSWORD, PUSH_USER};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::Failure;
use crate::server::Server;

/// The pictures that phones are told of.
pub enum Pictures<'a> {
    /// Ours, and the server that gives them out.
    Here(&'a PreparedSet, ImageHost),
    /// Those of a server that nobody asks.
    Elsewhere,
}

impl<'a> Pictures<'a> {
    /// Serves these.
    pub fn here(pictures: &'a PreparedSet) -> Result<Self, Failure> {
        Ok(Self::Here(pictures, host()?))
    }

    /// Makes what is sent to a phone.
    pub fn object(&self, target: &Target) -> Result<SetBackground, Failure> {
        let image = image_of(target)?;
        let (image_url, thumbnail_url, theme) = match self {
            Self::Here(pictures, host) => {
                let prepared = pictures.get(image).ok_or("a picture is missing")?;
                let recipient = Recipient { device: &target.name, sources: &target.sources };
                let urls = host.publish(recipient, prepared.clone(), image.schema, NAME)?;
                let theme = Theme::of_brightness(prepared.brightness);
                (urls.image_url, urls.thumbnail_url, theme)
            }
            Self::Elsewhere => (IMAGE_URL.to_owned(), ICON_URL.to_owned(), Theme::Light),
        };
        Ok(SetBackground {
            schema: image.schema,
            image_url,
            thumbnail_url,
            kem_url: None,
            name: NAME.to_owned(),
            theme,
        })
    }

    /// Stops serving.
    pub async fn end(self) {
        if let Self::Here(_, host) = self {
            host.shutdown(Duration::from_secs(1)).await;
        }
    }
}

/// The files of [`Pictures::ExternalImage`], as the program knows them.
pub fn elsewhere(files: Arc<PreparedImage>) -> ExternalImage {
    ExternalImage { image_url: IMAGE_URL.to_owned(), icon_url: ICON_URL.to_owned(), files }
}

/// What a phone shows.
pub fn image_of(target: &Target) -> Result<&ImageSpec, Failure> {
    target.accepts.image().ok_or_else(|| "a phone takes no picture".into())
}

/// Whether the load generator asks a phone who it is, as the program does before every push.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Look {
    /// It does.
    AtIdentity,
    /// It does not.
    AtNobody,
}

/// Identity, push, and nothing else: no engine, no report, no proof. Our image server serves.
pub async fn generate_load(
    server: &Server,
    targets: &[Target],
    pictures: Pictures<'_>,
    at_once: usize,
    look: Look,
) -> Result<Duration, Failure> {
    // Only the push follows on a connection; then it is closed.
    provider();
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(LIMIT)
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(Duration::from_millis(250))
        .build()?;
    let mut work = Vec::with_capacity(targets.len());
    for target in targets {
        let object = pictures.object(target)?;
        work.push((format!("http://{}:{}", target.ip, server.phone_port), object.to_xml()?));
    }
    let begun = Instant::now();
    let exchanges = work.into_iter().map(|(phone, xml)| {
        let client = client.clone();
        async move {
            if look == Look::AtIdentity {
                let who = client.get(format!("{phone}/DeviceInformationX"));
                who.send().await?.bytes().await?;
            }
            let push = client.post(format!("{phone}/CGI/Execute"));
            let push =
                push.basic_auth(PUSH_USER, Some(PUSH_PASSWORD)).header("connection", "close");
            push.form(&[("XML", xml)]).send().await?.text().await
        }
    });
    let mut answers = stream::iter(exchanges).buffer_unordered(at_once);
    while let Some(answer) = answers.try_next().await? {
        if !answer.contains("Success") {
            return Err(format!("a phone answered the load generator {answer:?}").into());
        }
    }
    drop(answers);
    let took = begun.elapsed();
    pictures.end().await;
    Ok(took)
}

/// Starts an image server.
pub fn host() -> Result<ImageHost, Failure> {
    let local = Ipv4Addr::LOCALHOST;
    Ok(ImageHost::start(HostConfig {
        listen: (local, 0).into(),
        advertise: None,
        phone_side_ip: Some(IpAddr::V4(local)),
        limits: HostLimits::default(),
        tls: None,
    })?)
}

/// Far more than a phone takes here.
pub const LIMIT: Duration = Duration::from_secs(30);
/// What phones call the picture.
pub const NAME: &str = "bench";
const IMAGE_URL: &str = "http://127.0.0.1:9/w.png";
const ICON_URL: &str = "http://127.0.0.1:9/t.png";
