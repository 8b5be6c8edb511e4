//! The channels that notifications are sent through.

use std::fmt;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;

use super::command::CommandChannel;
use super::mail::MailChannel;
use super::notification::Notification;
use super::send_error::{SendError, unusable};
use super::webhook::WebhookChannel;
use crate::config::NotifySettings;
use crate::connect::password;
use crate::domain::error_chain::error_chain;
use crate::domain::text::sanitize_truncate;
use crate::error::AppError;
use crate::interaction::Interaction;
use crate::net::trust::Trust;

/// Where notifications are sent to.
#[derive(Debug)]
pub struct Channels(Vec<Channel>);

#[derive(Debug)]
enum Channel {
    Webhook(WebhookChannel),
    Mail(Box<MailChannel>),
    Command(CommandChannel),
}

impl Channels {
    /// Prepares all channels. Passwords and the URL are read now.
    ///
    /// # Errors
    /// When one of them cannot be read, or a setting cannot be used.
    pub async fn open(
        settings: &NotifySettings,
        interaction: &dyn Interaction,
    ) -> Result<Self, AppError> {
        let trust =
            Trust { ca_files: settings.ca_file.iter().cloned().collect(), ..Trust::default() };
        let mut channels = Vec::new();
        if let Some(webhook) = &settings.webhook {
            let channel = WebhookChannel::open(webhook, &trust, interaction).await?;
            channels.push(Channel::Webhook(channel));
        }
        if let Some(mail) = &settings.mail {
            let channel = MailChannel::open(mail, &trust, interaction).await?;
            channels.push(Channel::Mail(Box::new(channel)));
        }
        if let Some(command) = &settings.command {
            channels.push(Channel::Command(CommandChannel(command.clone())));
        }
        Ok(Self(channels))
    }

    /// Looks whether the channels could be opened. No command is run, and no keyring asks anybody anything.
    pub async fn problems(settings: &NotifySettings) -> Vec<AppError> {
        let mut problems = Vec::new();
        if let Some(webhook) = &settings.webhook {
            problems.extend(WebhookChannel::check(webhook).await.err());
        }
        if let Some(mail) = &settings.mail {
            problems.extend(MailChannel::check(mail).await.err());
        }
        if let Some(command) = &settings.command
            && !password::is_there(command.program())
        {
            let message = format!("the command {} is not there", command.program().display());
            problems.push(unusable(message));
        }
        let trust =
            Trust { ca_files: settings.ca_file.iter().cloned().collect(), ..Trust::default() };
        problems.extend(trust.client_config().err().map(|error| unusable(error_chain(&error))));
        problems
    }

    /// Sends a test to every channel, once. Returns their names with what went wrong.
    pub async fn test(&self) -> Vec<(String, Result<(), String>)> {
        let test = Notification::test(Timestamp::now());
        let sent = self.0.iter().map(async |channel| {
            (channel.to_string(), channel.send(&test).await.map_err(|error| error.what))
        });
        join_all(sent).await
    }

    /// Sends to all channels at once, again and again where that can help. What fails in the end is logged.
    pub(super) async fn deliver(&self, notification: &Notification) {
        join_all(self.0.iter().map(async |channel| {
            let mut delays = RETRY_DELAYS.into_iter();
            loop {
                let Err(error) = channel.send(notification).await else { return };
                let (kind, what) = (notification.kind.as_str(), error.what);
                match delays.next().filter(|_| error.is_passing) {
                    Some(delay) => {
                        tracing::debug!("notification {kind} is sent again: {channel} {what}");
                        let asked = error.retry_after.unwrap_or_default().min(LONGEST_DELAY);
                        tokio::time::sleep(delay.max(asked)).await;
                    }
                    None => {
                        let cluster = sanitize_truncate(&notification.cluster, 100);
                        tracing::warn!(
                            "the notification {kind} of {cluster} was not sent: {channel} {what}"
                        );
                        return;
                    }
                }
            }
        }))
        .await;
    }
}

impl Channel {
    async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        match self {
            Self::Webhook(webhook) => webhook.send(notification).await,
            Self::Mail(mail) => mail.send(notification).await,
            Self::Command(command) => command.send(notification).await,
        }
    }
}

/// Says which channel it is, without a secret.
impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook(webhook) => write!(f, "the webhook {}", webhook.server()),
            Self::Mail(mail) => write!(f, "the mail server {}", mail.server()),
            Self::Command(command) => write!(f, "the command {}", command.program()),
        }
    }
}

/// The times between attempts.
const RETRY_DELAYS: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];

/// The longest time that another side may ask for.
const LONGEST_DELAY: Duration = Duration::from_secs(60);
