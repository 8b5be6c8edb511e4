//! What a payload needs to make its delivery.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::connect::push_access::PushAccess;
use crate::error::{AppError, ErrorKind};
use crate::event::{Observer, Proof};
use crate::image_server::ImageHost;
use crate::interaction::Interaction;
use crate::journal::Recorder;
use crate::phone::PhoneClient;
use crate::push::delivery::connector::PhoneConnector;
use crate::push::delivery::screenshots::ScreenshotCheck;
use crate::push::delivery::session::DeliverySession;
use crate::rollout::options::PushOptions;

/// The push user, the options of the push, and where the run is recorded.
pub struct DeliveryContext<'a> {
    /// The push user, the image server and the phones' TLS settings.
    pub push_access: &'a PushAccess,
    /// The push user's password.
    pub password: SecretString,
    /// How to push.
    pub options: &'a PushOptions,
    /// The name of the payload's file.
    pub file: &'a str,
    /// How pushes are proven.
    pub proof: Proof,
    /// The file of the journal.
    pub journal: &'a Path,
    /// Where the run is recorded.
    pub recorder: &'a Recorder,
    /// Where warnings go.
    pub interaction: &'a dyn Interaction,
    /// An address on the phones' side of this machine: the image server faces it.
    pub phone_side_ip: Option<IpAddr>,
    /// Where the image server's events go.
    pub observer: &'a Arc<dyn Observer>,
}

impl DeliveryContext<'_> {
    /// Starts the image server, or returns the one that another cluster of this rollout has started.
    ///
    /// # Errors
    /// When it cannot listen, or phones could not reach it.
    pub async fn image_server(&self) -> Result<ImageHost, AppError> {
        self.push_access.image_server.start(self.phone_side_ip, self.observer).await
    }

    /// Makes the connector with the push user's password; `reply_timeout` is how long a phone may take for a reply.
    ///
    /// # Errors
    /// When no push user is named, its name or password cannot be sent, or the pins of phone certificates cannot be
    /// read.
    pub fn phone_connector(&self, reply_timeout: Duration) -> Result<PhoneConnector, AppError> {
        let Self { push_access, password, options, journal, recorder, interaction, .. } = self;
        let user = push_access.need_push_user()?;
        let phones = PhoneClient::new(user, password, push_access.phone_port, reply_timeout)
            .map_err(|error| AppError::from_error(ErrorKind::Usage, error))?;
        let connector = PhoneConnector::new(phones);
        let connector = match push_access.phone_tls.push_access(journal, recorder, *interaction)? {
            Some((https, pins)) => connector.with_https(https, pins),
            None => connector,
        };
        Ok(if options.identity_check { connector } else { connector.without_identity_check() })
    }

    /// Makes the session for backgrounds, with screenshots where they prove pushes.
    ///
    /// # Errors
    /// As [`Self::phone_connector`].
    pub fn session(&self) -> Result<DeliverySession, AppError> {
        let connector = self.phone_connector(self.options.phone_timeout)?;
        if self.proof != Proof::Screenshot {
            return Ok(DeliverySession::new(connector));
        }
        let screenshots = ScreenshotCheck::new(self.recorder.clone(), self.options.verify_timeout);
        Ok(DeliverySession::with_screenshots(connector, screenshots))
    }

    /// Returns the name under which phones with a list of pictures show this one: the one of the options, or the
    /// picture's file name without its extension.
    pub fn picture_name(&self, file: &str) -> String {
        self.options.picture_name.clone().unwrap_or_else(|| picture_name(file))
    }
}

fn picture_name(file: &str) -> String {
    let stem = Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    stem.filter(|stem| !stem.is_empty()).unwrap_or_else(|| "wallpaper".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_named_after_its_file() {
        assert_eq!(picture_name("spring.png"), "spring");
        assert_eq!(picture_name(""), "wallpaper");
    }
}
