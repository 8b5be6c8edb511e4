//! The SHA-256 fingerprint of a certificate.

use crate::domain::text::quoted;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The SHA-256 digest of a certificate's DER bytes, as `openssl x509 -fingerprint -sha256` shows it.
#[derive(Clone, Copy, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Computes the fingerprint of a certificate given as DER.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// Returns the 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Parses 64 hexadecimal digits of any case; colons, blanks and a leading `sha256:` are dropped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        let digits = match trimmed.get(..7) {
            Some(prefix)
                if prefix.eq_ignore_ascii_case("sha256:")
                    || prefix.eq_ignore_ascii_case("sha256=") =>
            {
                &trimmed[7..]
            }
            Some(_) | None => trimmed,
        };
        let mut bytes = [0_u8; 32];
        let mut count = 0;
        for character in digits.chars().filter(|c| *c != ':' && *c != ' ') {
            let digit =
                character.to_digit(16).ok_or(FingerprintError::NotHexadecimal(character))?;
            if let Some(byte) = bytes.get_mut(count / 2) {
                // A hexadecimal digit is below 16, so it fits.
                *byte = *byte << 4 | u8::try_from(digit).unwrap_or_default();
            }
            count += 1;
        }
        if count == 64 { Ok(Self(bytes)) } else { Err(FingerprintError::WrongLength(count)) }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FingerprintError {
    /// A character that is neither a hexadecimal digit nor a separator.
    #[error("a SHA-256 fingerprint consists of hexadecimal digits, found {}", quoted(&.0.to_string()))]
    NotHexadecimal(char),
    #[error("a SHA-256 fingerprint has 64 hexadecimal digits, found {0}")]
    WrongLength(usize),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_openssl_and_browsers_write() {
        let fingerprint = Fingerprint::of(b"certificate");
        let colons = fingerprint.to_string();
        assert_eq!(colons.len(), 95);
        assert_eq!(colons, colons.to_uppercase());
        for text in [
            colons.clone(),
            colons.to_lowercase(),
            colons.replace(':', ""),
            colons.replace(':', " "),
            format!("  sha256:{colons}\n"),
        ] {
            assert_eq!(text.parse(), Ok(fingerprint), "{text}");
        }
    }

    #[test]
    fn refuses_other_digests_and_text() {
        assert_eq!("AB:CD".parse::<Fingerprint>(), Err(FingerprintError::WrongLength(4)));
        assert_eq!(
            "é".repeat(9).parse::<Fingerprint>(),
            Err(FingerprintError::NotHexadecimal('é'))
        );
        assert_eq!("a".repeat(66).parse::<Fingerprint>(), Err(FingerprintError::WrongLength(66)));
    }

    proptest! {
        #[test]
        fn display_reads_back(bytes in any::<[u8; 32]>()) {
            let fingerprint = Fingerprint(bytes);
            prop_assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = text.parse::<Fingerprint>();
        }
    }
}
