//! Sends notifications as mails.

use std::sync::atomic::{AtomicBool, Ordering};

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use secrecy::{ExposeSecret as _, SecretString};

use super::notification::Notification;
use super::send_error::{LIMIT, SendError, unusable};
use crate::config::MailSettings;
use crate::connect::password;
use crate::domain::error_chain::error_chain;
use crate::domain::text::{quoted, sanitize_truncate};
use crate::error::AppError;
use crate::interaction::{Interaction, Silent};
use crate::net::endpoint::Endpoint;
use crate::net::mail_server::{MailServer, MailServerError};
use crate::net::trust::Trust;

pub(super) struct MailChannel {
    server: MailServer,
    from: Mailbox,
    to: Vec<Mailbox>,
    login: Option<(String, SecretString)>,
    /// Whether the server refused the login. It is not tried again: each refusal counts towards a lock-out.
    is_refused: AtomicBool,
}

impl std::fmt::Debug for MailChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MailChannel({})", self.server.endpoint())
    }
}

impl MailChannel {
    pub(super) async fn open(
        settings: &MailSettings,
        trust: &Trust,
        interaction: &dyn Interaction,
    ) -> Result<Self, AppError> {
        let (endpoint, from, to) = addresses(settings)?;
        let login = match &settings.login {
            Some((user, source)) => {
                let whose = format!("{user} on {endpoint}");
                let password = password::read(Some(source), &whose, "", interaction).await?;
                Some((user.clone(), password))
            }
            None => None,
        };
        let server = MailServer::new(endpoint, settings.tls, trust)
            .map_err(|error| unusable(error_chain(&error)))?;
        Ok(Self { server, from, to, login, is_refused: AtomicBool::new(false) })
    }

    /// Looks whether the addresses are good and the password could be read.
    pub(super) async fn check(settings: &MailSettings) -> Result<(), AppError> {
        let (endpoint, ..) = addresses(settings)?;
        match &settings.login {
            Some((user, source)) => {
                password::look(source, &format!("{user} on {endpoint}"), &Silent).await
            }
            None => Ok(()),
        }
    }

    pub(super) fn server(&self) -> String {
        self.server.endpoint().to_string()
    }

    pub(super) async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        if self.is_refused.load(Ordering::Relaxed) {
            return Err(SendError::lasting("refused the login before, which is not tried again"));
        }
        let sent = tokio::time::timeout(LIMIT, self.exchange(notification)).await;
        sent.unwrap_or_else(|_| Err(SendError::passing("does not answer in time")))
    }

    async fn exchange(&self, notification: &Notification) -> Result<(), SendError> {
        let message = self.message(notification)?;
        let mut connection = self.server.connect(LIMIT).await.map_err(|error| SendError {
            is_passing: !matches!(error, MailServerError::Tls(_) | MailServerError::NoStartTls),
            what: error_chain(&error),
            retry_after: None,
        })?;
        let sent = self.submit(&mut connection, &message).await;
        // The mail is taken or refused by now; how the connection ends does not matter.
        drop(connection.quit().await);
        sent
    }

    async fn submit(
        &self,
        connection: &mut AsyncSmtpConnection,
        message: &Message,
    ) -> Result<(), SendError> {
        if let Some((user, password)) = &self.login {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            if let Err(error) = connection.auth(&mechanisms, &credentials).await {
                let is_refused = error.is_permanent();
                self.is_refused.fetch_or(is_refused, Ordering::Relaxed);
                let why = reply(&error);
                let what = format!("refused the login of {}: {why}", quoted(user));
                let is_passing = !is_refused && !error.is_client();
                return Err(SendError { what, is_passing, retry_after: None });
            }
        }
        let sent = connection.send(message.envelope(), &message.formatted()).await;
        sent.map(drop).map_err(|error| SendError {
            what: format!("did not take the mail: {}", reply(&error)),
            is_passing: !error.is_permanent() && !error.is_client(),
            retry_after: None,
        })
    }

    fn message(&self, notification: &Notification) -> Result<Message, SendError> {
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(sanitize_truncate(&notification.title(), 200))
            .message_id(None)
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            message = message.to(to.clone());
        }
        let body = format!("{}\n\n{}\n", notification.body(), notification.at);
        message.body(body).map_err(|error| SendError::lasting(error.to_string()))
    }
}

/// Says that no person wrote the mail, so that no automatic answer comes back (RFC 3834).
#[derive(Clone, Copy)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The words of the server, which may be anything.
fn reply(error: &lettre::transport::smtp::Error) -> String {
    sanitize_truncate(&error_chain(error), 200)
}

fn addresses(settings: &MailSettings) -> Result<(Endpoint, Mailbox, Vec<Mailbox>), AppError> {
    let endpoint = Endpoint::parse(&settings.server, settings.tls.port())
        .map_err(|error| unusable(format!("mail_server: {error}")))?;
    let from = mailbox("mail_from", &settings.from)?;
    let to = settings.to.iter().map(|to| mailbox("mail_to", to)).collect::<Result<_, _>>()?;
    Ok((endpoint, from, to))
}

fn mailbox(key: &str, text: &str) -> Result<Mailbox, AppError> {
    text.parse().map_err(|_| {
        unusable(format!("{key}: {} is no mail address, such as me@example.com", quoted(text)))
    })
}
