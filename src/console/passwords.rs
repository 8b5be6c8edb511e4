//! Passwords of users of the console: Argon2id hashes in the PHC format.

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::ConsoleUser;
use crate::error::{AppError, ErrorKind};

/// Makes the hash of a password, with a salt of its own.
///
/// # Errors
/// When the system gives no random bytes.
pub fn hash_password(password: &SecretString) -> Result<String, AppError> {
    let failed =
        |why: String| AppError::new(ErrorKind::Failed, format!("cannot hash the password: {why}"));
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| failed(error.to_string()))?;
    let salt = SaltString::encode_b64(&bytes).map_err(|error| failed(error.to_string()))?;
    let hash = argon2().hash_password(password.expose_secret().as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| failed(error.to_string()))
}

/// Returns the user of this name whose password this is. It takes as long where there is no such user.
pub(crate) fn verified<'a>(
    users: &'a [ConsoleUser],
    name: &str,
    password: &str,
) -> Option<&'a ConsoleUser> {
    let user = users.iter().find(|user| user.name.to_lowercase() == name.to_lowercase());
    let hash = user.map_or(UNKNOWN_USER, |user| user.password_hash.as_str());
    let is_right = PasswordHash::new(hash)
        .is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok());
    user.filter(|_| is_right)
}

/// The parameters that OWASP recommends: 19 MiB, two passes, one lane. A hash names its own, which count when it is verified.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// The hash of random bytes, with the same parameters.
const UNKNOWN_USER: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$qLml5cbqFAO6YxVHhrSBHP0UWdxIQxOkIfWtwBzzIsw";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::console_role::ConsoleRole;

    #[test]
    fn only_the_right_password_of_a_user_is_taken() {
        let password = SecretString::from("correct horse".to_owned());
        let hash = hash_password(&password).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, hash_password(&password).unwrap(), "each has a salt of its own");
        let name = "Bob".to_owned();
        let users = [ConsoleUser { name, role: ConsoleRole::Viewer, password_hash: hash }];
        assert!(verified(&users, "bob", "correct horse").is_some());
        for (name, password) in [("bob", ""), ("bob", "correct hors"), ("eve", "correct horse")] {
            assert!(verified(&users, name, password).is_none(), "{name} {password}");
        }
        assert!(PasswordHash::new(UNKNOWN_USER).is_ok());
    }
}
