//! A user name and a password that no log ever shows.

use crate::domain::text::quoted;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use reqwest::header::HeaderValue;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use super::trace;

/// A user name, its password, and what the cluster has said about them so far.
///
/// Clones share that knowledge, so that a password which one service has refused is not sent to
/// another one: every refusal counts towards the lock-out of the account.
#[derive(Clone)]
pub struct Credentials {
    username: Box<str>,
    password: SecretString,
    standing: Arc<AtomicU8>,
}

impl Credentials {
    /// Takes a user name and its password.
    pub fn new(username: impl Into<Box<str>>, password: SecretString) -> Self {
        Self { username: username.into(), password, standing: Arc::default() }
    }

    /// Returns the user name, which is no secret.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Returns the value of a Basic `Authorization` header in UTF-8, marked as sensitive so that
    /// no log of headers shows it.
    ///
    /// # Errors
    /// When the user name holds a colon, which would make a part of it belong to the password (RFC 7617),
    /// or when no header can be made.
    pub fn basic_header(&self) -> Result<HeaderValue, CredentialsError> {
        basic_header(&self.username, &self.password)
    }

    /// Returns what the cluster has said about this pair so far.
    pub fn standing(&self) -> CredentialStatus {
        match self.standing.load(Ordering::SeqCst) {
            ACCEPTED => CredentialStatus::Accepted,
            REFUSED => CredentialStatus::Refused,
            _ => CredentialStatus::Untried,
        }
    }

    /// Remembers that a service accepted this pair.
    pub(super) fn mark_accepted(&self) {
        self.standing.store(ACCEPTED, Ordering::SeqCst);
    }

    /// Remembers that a service refused this pair, so that it is not sent again.
    pub(super) fn mark_refused(&self) {
        self.standing.store(REFUSED, Ordering::SeqCst);
    }
}

/// Returns the value of a Basic `Authorization` header in UTF-8, marked as sensitive so that no log of headers shows
/// it. Its bytes are zeroed with its last copy, and so is every other buffer that the password goes through here.
///
/// # Errors
/// When the user name holds a colon, which would make a part of it belong to the password (RFC 7617), or when no
/// header can be made.
pub fn basic_header(
    username: &str,
    password: &SecretString,
) -> Result<HeaderValue, CredentialsError> {
    if username.contains(':') {
        return Err(CredentialsError::Colon(username.to_owned()));
    }
    let unusable = || CredentialsError::Header(username.to_owned());
    let password = password.expose_secret();
    // Every buffer has its size from the beginning: one that grows leaves copies behind.
    let mut pair = Zeroizing::new(Vec::with_capacity(username.len() + 1 + password.len()));
    pair.extend_from_slice(username.as_bytes());
    pair.push(b':');
    pair.extend_from_slice(password.as_bytes());
    let mut value = Zeroizing::new(vec![0; BASIC.len() + pair.len().div_ceil(3) * 4]);
    value[..BASIC.len()].copy_from_slice(BASIC);
    BASE64_STANDARD.encode_slice(&*pair, &mut value[BASIC.len()..]).map_err(|_| unusable())?;
    trace::hide(std::str::from_utf8(&value).map_err(|_| unusable())?);
    secret_header(value).ok_or_else(unusable)
}

/// Returns a header value that no log shows, and of which the bytes are zeroed with its last copy; nothing where a
/// header cannot have these bytes.
pub(super) fn secret_header(bytes: Zeroizing<Vec<u8>>) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(bytes)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

const BASIC: &[u8] = b"Basic ";

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("password", &"(redacted)")
            .field("standing", &self.standing())
            .finish()
    }
}

/// What the cluster has said about a user name and a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CredentialStatus {
    /// A service accepted them at least once, and none refused them since.
    Accepted,
    /// A service refused them; they must not be sent again.
    Refused,
    /// They were never sent.
    Untried,
}

/// Why a user name and a password cannot be sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CredentialsError {
    #[error("the user name {} holds a colon, which HTTP takes for its end", quoted(.0))]
    Colon(String),
    #[error("the password of {} cannot be written into an HTTP header", quoted(.0))]
    Header(String),
}

const ACCEPTED: u8 = 1;
const REFUSED: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_password() {
        let credentials = Credentials::new("jörg", "gehe:im".to_owned().into());
        let shown = format!("{credentials:?} {:?}", credentials.basic_header().unwrap());
        assert!(!shown.contains("gehe") && !shown.contains("anVyZw"), "{shown}");
        assert!(shown.contains("(redacted)") && shown.contains("Sensitive"), "{shown}");
    }

    /// Returns what this process has at an address; nothing where it has no memory there any more.
    #[cfg(target_os = "linux")]
    fn memory_at(address: usize, length: usize) -> Vec<u8> {
        use std::os::unix::fs::FileExt as _;
        let mut bytes = vec![0; length];
        let memory = std::fs::File::open("/proc/self/mem").unwrap();
        match memory.read_exact_at(&mut bytes, address as u64) {
            Ok(()) => bytes,
            Err(_) => Vec::new(),
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_bytes_of_a_header_are_zeroed_with_its_last_copy() {
        let mut jar = super::super::cookie::CookieJar::default();
        jar.store("JSESSIONIDSSO=0123456789ABCDEF0123456789ABCDEF; Path=/");
        let password = "correct horse battery staple".to_owned().into();
        let headers = [basic_header("axl", &password).unwrap(), jar.header().unwrap()];
        for header in headers {
            let text = header.as_bytes().to_vec();
            let (address, copy) = (header.as_bytes().as_ptr() as usize, header.clone());
            drop(header);
            assert_eq!(memory_at(address, text.len()), text);
            drop(copy);
            // The allocator writes into the beginning of what it gets back.
            let tail = text[text.len() / 2..].to_vec();
            assert!(!memory_at(address, text.len()).ends_with(&tail));
        }
    }

    #[test]
    fn encodes_utf8() {
        let header = Credentials::new("jörg", "gehe:im".to_owned().into()).basic_header();
        assert_eq!(header.unwrap().to_str().unwrap(), "Basic asO2cmc6Z2VoZTppbQ==");
    }

    #[test]
    fn a_colon_in_the_user_name_is_refused() {
        let error = Credentials::new("a:b", "x".to_owned().into()).basic_header().unwrap_err();
        assert_eq!(error, CredentialsError::Colon("a:b".into()));
    }

    #[test]
    fn clones_share_the_standing() {
        let first = Credentials::new("axl", String::new().into());
        let second = first.clone();
        assert_eq!(second.standing(), CredentialStatus::Untried);
        first.mark_refused();
        assert_eq!(second.standing(), CredentialStatus::Refused);
    }
}
