//! Asks the cluster about the push user: whether its password is right, and whether phones can ask that too.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use secrecy::SecretString;
use tokio::time::timeout;

use crate::axl::client::AxlClient;
use crate::axl::user::DoAuthenticateUser;
use crate::domain::error_chain::error_chain;
use crate::error::{AppError, ErrorKind};
use crate::net::page::PageCheck;
use crate::net::trust::Trust;
use crate::push::policy::lockout::{AuthenticationPage, Password};
use crate::push::policy::logins::{ClusterProbe, LoginProbes};

/// Asks the cluster whether the password is right; false when it does not say.
///
/// A wrong password costs one failed log-in here, and would cost one for every phone that is asked.
///
/// # Errors
/// When the cluster says that it is wrong.
pub async fn is_proven(
    axl: &AxlClient,
    user: &str,
    password: SecretString,
) -> Result<bool, AppError> {
    let answer = ask(axl, user, password).await;
    if answer != Password::Wrong {
        // Where the account may not ask, the phones decide.
        return Ok(answer == Password::Right);
    }
    let refused = format!("the cluster refuses the password of the push user {user}");
    Err(AppError::new(ErrorKind::Authentication, refused).hint(
        "nothing was changed, and no phone was asked; check --push-password-file or PHONE_PASSWORD, and whether the \
         account is locked",
    ))
}

/// Makes the lockout guard of a run on a cluster; `page` is the cluster's Authentication URL.
///
/// # Errors
/// When what to trust cannot be read.
pub fn logins(
    axl: &Arc<AxlClient>,
    user: &str,
    password: SecretString,
    page: Option<&str>,
    trust: &Trust,
) -> Result<LoginProbes, AppError> {
    let page = match page {
        Some(url) => PageCheck::new(url, trust)?,
        None => None,
    };
    let probe = Probe { axl: Arc::clone(axl), user: user.to_owned(), password, page };
    Ok(LoginProbes::new(Some(Arc::new(probe))))
}

struct Probe {
    axl: Arc<AxlClient>,
    user: String,
    password: SecretString,
    page: Option<PageCheck>,
}

impl ClusterProbe for Probe {
    fn page_url(&self) -> Option<&str> {
        self.page.as_ref().map(PageCheck::url)
    }

    fn page(&self) -> BoxFuture<'_, AuthenticationPage> {
        async move {
            let Some(page) = &self.page else { return AuthenticationPage::Up };
            match page.status().await {
                Ok(status @ (404 | 500..)) => AuthenticationPage::Status(status),
                Ok(_) => AuthenticationPage::Up,
                Err(why) => AuthenticationPage::Silent(why),
            }
        }
        .boxed()
    }

    fn password(&self) -> BoxFuture<'_, Password> {
        ask(&self.axl, &self.user, self.password.clone()).boxed()
    }
}

async fn ask(axl: &AxlClient, user: &str, password: SecretString) -> Password {
    match timeout(LIMIT, axl.call(&DoAuthenticateUser::of(user, password))).await {
        Ok(Ok(answer)) => match answer.authenticated {
            Some(true) => Password::Right,
            Some(false) => Password::Wrong,
            None => Password::Unknown,
        },
        Ok(Err(error)) => {
            tracing::debug!(error = %error_chain(&error), "the push user's password was not checked");
            if error.is_outcome_unknown() { Password::Lost } else { Password::Unknown }
        }
        Err(_) => Password::Lost,
    }
}

/// How long the cluster may take to say whether a password is right.
const LIMIT: Duration = Duration::from_secs(10);
