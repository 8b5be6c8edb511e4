//! Is the push user's password right? The cluster is asked once, before any phone is.

use secrecy::SecretString;

use super::error::{CliError, Exit};
use crate::axl::client::AxlClient;
use crate::axl::do_authenticate_user::DoAuthenticateUser;
use crate::domain::chain::chain;

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
) -> Result<bool, CliError> {
    let answer = match axl.call(&DoAuthenticateUser::of(user, password)).await {
        Ok(answer) => answer.into_authentication(),
        // Who may not ask is told by the phones.
        Err(error) => {
            tracing::debug!(error = %chain(&error), "the push user's password was not checked");
            return Ok(false);
        }
    };
    if answer.authenticated != Some(false) {
        return Ok(answer.authenticated == Some(true));
    }
    let refused = format!("the cluster refuses the password of the push user {user}");
    Err(CliError::new(Exit::Authentication, refused).hint(
        "nothing was changed, and no phone was asked; check --push-password-file or PHONE_PASSWORD, and whether the \
         account is locked",
    ))
}
