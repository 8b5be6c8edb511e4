//! Posts notifications to a URL.

use secrecy::{ExposeSecret as _, SecretString};

use super::notification::Notification;
use super::send_error::{LIMIT, SendError, unusable};
use crate::config::{PasswordSource, WebhookSettings};
use crate::connect::password;
use crate::domain::error_chain::error_chain;
use crate::domain::notification::WebhookFormat;
use crate::error::AppError;
use crate::interaction::{Interaction, Silent};
use crate::net::post::Post;
use crate::net::trust::Trust;

#[derive(Debug)]
pub(super) struct WebhookChannel {
    post: Post,
    format: WebhookFormat,
}

impl WebhookChannel {
    pub(super) async fn open(
        settings: &WebhookSettings,
        trust: &Trust,
        interaction: &dyn Interaction,
    ) -> Result<Self, AppError> {
        let url = password::read(Some(&settings.url), WHOSE, "", interaction).await?;
        Ok(Self { post: post(&url, trust)?, format: settings.format })
    }

    /// Looks whether the URL could be read, and whether it is one where the file itself holds it.
    pub(super) async fn check(settings: &WebhookSettings) -> Result<(), AppError> {
        if let PasswordSource::Given(url) = &settings.url {
            post(url, &Trust::default())?;
        }
        password::look(&settings.url, WHOSE, &Silent).await
    }

    pub(super) fn server(&self) -> String {
        self.post.server()
    }

    pub(super) async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        let sent = self.post.json(notification.document(self.format)).await;
        sent.map_err(|error| SendError {
            what: error.what,
            is_passing: error.is_passing,
            retry_after: error.retry_after,
        })
    }
}

fn post(url: &SecretString, trust: &Trust) -> Result<Post, AppError> {
    Post::new(url.expose_secret(), trust, LIMIT)
        .map_err(|error| unusable(error_chain(&error)))?
        .ok_or_else(|| {
            unusable("the URL of the webhook is not one: it begins with https:// or http://")
        })
}

/// Whose secret it is, in errors.
const WHOSE: &str = "the webhook (its URL)";
