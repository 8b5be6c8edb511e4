//! Where a watch sends notifications to, as the config file writes it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::passwords::Sources;
use crate::config::password::{KeyringEntry, PasswordCommand, PasswordSource};
use crate::config::resolve::account;
use crate::domain::notification::{MailTls, NotificationKind, WebhookFormat};
use crate::domain::text::duration;

/// Where notifications are sent to, and which.
#[derive(Clone, Debug)]
pub struct NotifySettings {
    pub kinds: BTreeSet<NotificationKind>,
    /// How long passes have to fail until that is reported.
    pub unreachable_after: Duration,
    /// Authorities that count besides those of this machine.
    pub ca_file: Option<PathBuf>,
    pub webhook: Option<WebhookSettings>,
    pub mail: Option<MailSettings>,
    /// A program that gets each notification on standard input.
    pub command: Option<PasswordCommand>,
}

#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Gives the URL, which is a secret: it is all that is needed to send messages.
    pub url: PasswordSource,
    pub format: WebhookFormat,
}

#[derive(Clone, Debug)]
pub struct MailSettings {
    /// `HOST` or `HOST:PORT`.
    pub server: String,
    pub tls: MailTls,
    pub from: String,
    pub to: Vec<String>,
    /// The user and the source of its password, where the server wants a login.
    pub login: Option<(String, PasswordSource)>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NotifySection {
    on: Option<BTreeSet<NotificationKind>>,
    unreachable_after: Option<WrittenDuration>,
    ca_file: Option<PathBuf>,
    webhook_url: Option<WrittenUrl>,
    webhook_url_file: Option<PathBuf>,
    webhook_url_env: Option<String>,
    webhook_url_command: Option<Vec<String>>,
    webhook_format: Option<WebhookFormat>,
    mail_server: Option<String>,
    mail_tls: Option<MailTls>,
    mail_from: Option<String>,
    #[serde(default)]
    mail_to: Vec<String>,
    mail_user: Option<String>,
    mail_password_file: Option<PathBuf>,
    mail_password_env: Option<String>,
    mail_password_command: Option<Vec<String>>,
    mail_password_keyring: Option<bool>,
    command: Option<Vec<String>>,
}

/// A duration with its unit, such as `10m`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct WrittenDuration(Duration);

impl TryFrom<String> for WrittenDuration {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        duration(&text).map(Self).ok_or("it must be a duration with its unit, such as \"10m\"")
    }
}

/// The URL of a webhook; it is never shown.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
struct WrittenUrl(SecretString);

impl From<String> for WrittenUrl {
    fn from(text: String) -> Self {
        Self(SecretString::from(text))
    }
}

impl fmt::Debug for WrittenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrittenUrl")
    }
}

impl NotifySection {
    pub(super) fn names_commands(&self) -> bool {
        self.webhook_url_command.is_some()
            || self.mail_password_command.is_some()
            || self.command.is_some()
    }

    /// Returns what is wrong, with the key that it is about.
    pub(super) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = self.url_sources().problems();
        problems.extend(self.password_sources().problems());
        let mut wrong = |key: &'static str, what: &str| {
            problems.push((key, format!("`{key}` {what}")));
        };
        let has_url = self.url_sources().is_given();
        let has_password = self.password_sources().is_given();
        if self.on.as_ref().is_some_and(BTreeSet::is_empty) {
            wrong("on", "names no event, so nothing is ever sent");
        }
        if !has_url && self.webhook_format.is_some() {
            wrong("webhook_format", "needs webhook_url, or another key that gives the URL");
        }
        let needs_server = [
            ("mail_tls", self.mail_tls.is_some()),
            ("mail_from", self.mail_from.is_some()),
            ("mail_to", !self.mail_to.is_empty()),
            ("mail_user", self.mail_user.is_some()),
            ("mail_password_file", has_password),
        ];
        match (&self.mail_server, needs_server.into_iter().find(|(_, is_given)| *is_given)) {
            (None, Some((key, _))) => wrong(key, "needs mail_server"),
            (None, None) => {}
            (Some(_), _) => {
                if self.mail_from.is_none() || self.mail_to.is_empty() {
                    wrong("mail_server", "needs mail_from and mail_to");
                }
                if self.mail_user.is_some() != has_password {
                    wrong(
                        "mail_server",
                        "needs mail_user and a source of its password, or neither",
                    );
                }
                if has_password && self.mail_tls == Some(MailTls::None) {
                    wrong("mail_tls", "must not be \"none\" with a password: it would be readable");
                }
            }
        }
        let names_program = |words: &Vec<String>| words.iter().any(|word| !word.trim().is_empty());
        if self.command.as_ref().is_some_and(|words| !names_program(words)) {
            wrong("command", "names no program");
        }
        if !has_url && self.mail_server.is_none() && self.command.is_none() {
            wrong("on", "needs somewhere to send to: webhook_url, mail_server or command");
        }
        problems
    }

    /// Returns the settings; file names are relative to `folder`, the one of the config file.
    pub(super) fn settings(&self, folder: &Path) -> NotifySettings {
        let source = |file: &Option<PathBuf>, variable: &Option<String>, words: &Option<Vec<_>>| {
            let file = file.as_ref().map(|path| PasswordSource::File(folder.join(path)));
            let command = || PasswordCommand::new(words.clone()?, folder);
            file.or_else(|| variable.clone().map(PasswordSource::Variable))
                .or_else(|| command().map(PasswordSource::Command))
        };
        let url = source(&self.webhook_url_file, &self.webhook_url_env, &self.webhook_url_command);
        let typed = self.webhook_url.as_ref().map(|url| PasswordSource::Given(url.0.clone()));
        let password =
            source(&self.mail_password_file, &self.mail_password_env, &self.mail_password_command);
        let keyring = || PasswordSource::Keyring(KeyringEntry::of_mail(self.mail_account()));
        let has_keyring = self.mail_password_keyring == Some(true);
        let password = password.or_else(|| has_keyring.then(keyring));
        let login = self.mail_user.clone().zip(password);
        let mail = self.mail_server.as_ref().zip(self.mail_from.as_ref());
        NotifySettings {
            kinds: self.on.clone().unwrap_or_else(|| NotificationKind::ALL.into()),
            unreachable_after: self.unreachable_after.map_or(UNREACHABLE_AFTER, |after| after.0),
            ca_file: self.ca_file.as_ref().map(|path| folder.join(path)),
            webhook: url.or(typed).map(|url| WebhookSettings {
                url,
                format: self.webhook_format.unwrap_or_default(),
            }),
            mail: mail.map(|(server, from)| MailSettings {
                server: server.clone(),
                tls: self.mail_tls.unwrap_or_default(),
                from: from.clone(),
                to: self.mail_to.clone(),
                login,
            }),
            command: self.command.clone().and_then(|words| PasswordCommand::new(words, folder)),
        }
    }

    /// Returns the name of the entry of the keyring for the user that sends mails; nothing where there is no such user.
    pub(super) fn mail_account(&self) -> Option<String> {
        Some(account(self.mail_user.as_ref()?, self.mail_server.as_ref()?))
    }

    fn url_sources(&self) -> Sources<'_> {
        Sources {
            keys: ["webhook_url_file", "webhook_url_env", "webhook_url_command", "webhook_url"],
            file: self.webhook_url_file.as_deref(),
            variable: self.webhook_url_env.as_deref(),
            command: self.webhook_url_command.as_deref(),
            other: self.webhook_url.is_some(),
        }
    }

    fn password_sources(&self) -> Sources<'_> {
        Sources {
            keys: [
                "mail_password_file",
                "mail_password_env",
                "mail_password_command",
                "mail_password_keyring",
            ],
            file: self.mail_password_file.as_deref(),
            variable: self.mail_password_env.as_deref(),
            command: self.mail_password_command.as_deref(),
            other: self.mail_password_keyring == Some(true),
        }
    }
}

/// How long passes have to fail until that is reported, where the file does not say.
const UNREACHABLE_AFTER: Duration = Duration::from_secs(10 * 60);
