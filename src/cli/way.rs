//! What a push needs besides the phones: the push user, and this machine's side of the way to them.

use secrecy::SecretString;

use super::args::{ConnectionArgs, PushArgs};
use super::error::{CliError, Exit};
use super::phone_tls::PhoneTls;
use super::serving::Serving;
use super::{open, secret};
use crate::config::{FileConfig, Layer, PasswordSource, environment, resolve_without_cluster};
use crate::domain::nat::NatRules;
use crate::host::HostLimits;

/// The push user and the way to phones, checked. The password is read only when it is asked for.
#[derive(Debug)]
pub struct Way {
    /// The push user's name.
    pub push_user: Option<String>,
    /// The port of the phones' web servers.
    pub phone_port: u16,
    /// HTTPS to phones.
    pub phone_tls: PhoneTls,
    /// The image server.
    pub serving: Serving,
    /// Phones that are pushed to at once.
    pub concurrency: usize,
    /// Translated addresses of phones.
    pub nat: NatRules,
    /// Logins that fail at most when the push user's password changes in mid-run.
    pub max_logins_at_risk: Option<usize>,
    push_password: Option<PasswordSource>,
}

impl Way {
    /// Takes what is about the way out of settings that are already put together.
    ///
    /// # Errors
    /// When a number is out of its range.
    pub fn of(settings: &Layer) -> Result<Self, CliError> {
        let concurrency = settings.concurrency.unwrap_or(32);
        open::in_range(&settings.origin("concurrency"), concurrency as u64, 1000)?;
        let max_logins_at_risk = settings.max_logins_at_risk;
        if let Some(most) = max_logins_at_risk {
            open::in_range(&settings.origin("max_logins_at_risk"), most as u64, 1000)?;
        }
        Ok(Self {
            push_user: settings.push_user.clone(),
            phone_port: settings.phone_port.unwrap_or(80),
            phone_tls: PhoneTls::of(settings)?,
            serving: Serving {
                listen: settings.listen.clone(),
                advertise: settings.advertise.clone(),
                tls_cert: settings.tls_cert.clone(),
                tls_key: settings.tls_key.clone(),
                ports: None,
                limits: HostLimits::default(),
            },
            concurrency,
            nat: settings.nat.clone(),
            max_logins_at_risk,
            push_password: settings.push_password.clone(),
        })
    }

    /// Returns how many logins of the push user can fail in one run.
    pub fn most_logins(&self) -> usize {
        self.max_logins_at_risk.unwrap_or(self.concurrency)
    }

    /// Puts flags, environment and config file together for a push that asks no cluster.
    ///
    /// # Errors
    /// When the config file cannot be used, or a number is out of its range.
    pub fn without_cluster(args: &ConnectionArgs, push: &PushArgs) -> Result<Self, CliError> {
        let file = open::file(args)?;
        let section = open::section(file.as_ref(), args.one_cluster()?)?;
        let flags = push.layer().over(args.layer());
        let environment = environment(|name| std::env::var(name).ok());
        let settings = resolve_without_cluster(flags, environment, section);
        Self::of(&settings.over(file.as_ref().map(FileConfig::machine).unwrap_or_default()))
    }

    /// Makes sure that a push user is named.
    ///
    /// # Errors
    /// When it is not.
    pub fn need_push_user(&self) -> Result<&str, CliError> {
        self.push_user.as_deref().ok_or_else(|| {
            CliError::new(Exit::Usage, "no push user is named")
                .hint("use --push-user or PHONE_USERNAME; it is the user whose name and password go to the phones")
        })
    }

    /// Returns the push user's password.
    ///
    /// # Errors
    /// When it is missing or cannot be read.
    pub fn push_password(&self) -> Result<SecretString, CliError> {
        self.password_of("")
    }

    fn password_of(&self, place: &str) -> Result<SecretString, CliError> {
        let whose = format!("the push user {}{place}", self.need_push_user()?);
        let other_ways = "use --push-password-file or PHONE_PASSWORD, or push_password_file, push_password_env or push_password_command in \
                          the config file";
        secret::read(self.push_password.as_ref(), &whose, other_ways)
    }

    /// Fetches the push user's password now, so that nobody is asked for it later; `place` says which of several
    /// push users it is that is asked for.
    ///
    /// # Errors
    /// As [`Self::push_password`].
    pub fn fetch_push_password(&mut self, place: &str) -> Result<(), CliError> {
        let password = self.password_of(&format!(" of {place}"))?;
        self.push_password = Some(PasswordSource::Given(password));
        Ok(())
    }

    /// Returns the push user's password where a file or the environment gives one; nobody is asked.
    pub fn push_password_if_given(&self) -> Option<Result<SecretString, CliError>> {
        self.push_password.as_ref().map(|_| self.push_password())
    }
}
