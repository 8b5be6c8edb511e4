//! What a push needs besides the phones: the push user, and this machine's image server and network settings.

use secrecy::SecretString;

use crate::config::{Layer, PasswordSource};
use crate::connect::image_server::ImageServerSettings;
use crate::connect::password;
use crate::connect::phone_tls::PhoneTls;
use crate::domain::nat::NatRules;
use crate::domain::text::quoted;
use crate::error::{AppError, ErrorKind};
use crate::interaction::Interaction;

/// The push user and the access to phones, checked. The password is read only when it is asked for.
#[derive(Clone, Debug)]
pub struct PushAccess {
    /// The push user's name.
    pub push_user: Option<String>,
    /// The port of the phones' web servers.
    pub phone_port: u16,
    /// HTTPS to phones.
    pub phone_tls: PhoneTls,
    /// The image server.
    pub image_server: ImageServerSettings,
    /// Phones that are pushed to at once.
    pub concurrency: usize,
    /// Translated addresses of phones.
    pub nat: NatRules,
    /// Logins that fail at most when the push user's password changes in mid-run.
    pub max_logins_at_risk: Option<usize>,
    /// The AXL user, where it is known: the push user should be another one.
    pub axl_user: Option<String>,
    /// Whether the push user may have rights beyond the push.
    pub allows_privileged: bool,
    push_password: Option<PasswordSource>,
}

impl PushAccess {
    /// Takes it out of merged settings.
    pub fn of(settings: &Layer) -> Result<Self, AppError> {
        let concurrency = settings.concurrency.unwrap_or(32);
        in_range(&settings.origin("concurrency"), concurrency as u64, 1000)?;
        for (key, port) in
            [("phone_port", settings.phone_port), ("phone_tls_port", settings.phone_tls_port)]
        {
            in_range(&settings.origin(key), port.unwrap_or(1).into(), u16::MAX.into())?;
        }
        if let Some(user) = &settings.push_user {
            check_user_name(&settings.origin("push_user"), user)?;
        }
        let max_logins_at_risk = settings.max_logins_at_risk;
        if let Some(most) = max_logins_at_risk {
            in_range(&settings.origin("max_logins_at_risk"), most as u64, 1000)?;
        }
        Ok(Self {
            push_user: settings.push_user.clone(),
            phone_port: settings.phone_port.unwrap_or(80),
            phone_tls: PhoneTls::of(settings)?,
            image_server: ImageServerSettings::of(settings)?,
            concurrency,
            nat: settings.nat.clone(),
            max_logins_at_risk,
            axl_user: settings.username.clone(),
            allows_privileged: settings.allow_privileged_push_user.unwrap_or(false),
            push_password: settings.push_password.clone(),
        })
    }

    /// Returns how many logins of the push user can fail in one run.
    pub fn most_logins(&self) -> usize {
        self.max_logins_at_risk.unwrap_or(self.concurrency)
    }

    /// Makes sure that a push user is named.
    pub fn need_push_user(&self) -> Result<&str, AppError> {
        self.push_user.as_deref().ok_or_else(|| {
            AppError::new(ErrorKind::Usage, "no push user is named")
                .hint("use --push-user or PHONE_USERNAME; it is the user whose name and password go to the phones")
        })
    }

    /// Returns the push user's password.
    pub async fn push_password(
        &self,
        interaction: &dyn Interaction,
    ) -> Result<SecretString, AppError> {
        self.password_of("", interaction).await
    }

    async fn password_of(
        &self,
        place: &str,
        interaction: &dyn Interaction,
    ) -> Result<SecretString, AppError> {
        let whose = format!("the push user {}{place}", self.need_push_user()?);
        let other_ways = "use --push-password-file or PHONE_PASSWORD, or push_password_file, push_password_env or push_password_command in \
                          the config file";
        password::read(self.push_password.as_ref(), &whose, other_ways, interaction).await
    }

    /// Fetches the push user's password now, so that no question comes later; `place` names the cluster where there are
    /// several.
    pub async fn fetch_push_password(
        &mut self,
        place: &str,
        interaction: &dyn Interaction,
    ) -> Result<(), AppError> {
        let place = if place.is_empty() { String::new() } else { format!(" of {place}") };
        let password = self.password_of(&place, interaction).await?;
        self.push_password = Some(PasswordSource::Given(password));
        Ok(())
    }

    /// Tells whether a file, the environment or a program gives the push user's password.
    pub fn has_push_password(&self) -> bool {
        self.push_password.is_some()
    }
}

/// Refuses a user name that no user has: the server would count a failed login.
pub(super) fn check_user_name(origin: &str, name: &str) -> Result<(), AppError> {
    if name.contains(':') {
        // HTTP Basic would take what follows for the beginning of the password (RFC 7617).
        let colon = format!("{origin}: a user name cannot hold a colon: {}", quoted(name));
        return Err(AppError::new(ErrorKind::Usage, colon));
    }
    match name.chars().find(|c| c.is_control() || *c == '\u{feff}') {
        Some(c) => {
            let code = u32::from(c);
            let error = format!("{origin}: a user name cannot hold the character U+{code:04X}");
            Err(AppError::new(ErrorKind::Usage, error)
                .hint("nothing was sent; write the name again, as one line of UTF-8 text"))
        }
        None => Ok(()),
    }
}

/// Makes sure that a number is not out of its range.
pub fn in_range(from: &str, value: u64, most: u64) -> Result<(), AppError> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(AppError::new(ErrorKind::Usage, format!("{from}: {value} is not between 1 and {most}")))
}
