//! The facts of a certificate, for a person to compare.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate, X509Version};
use x509_parser::public_key::PublicKey;

use super::fingerprint::Fingerprint;
use crate::domain::text::sanitize_truncate;

/// The facts of a certificate. Its texts come from its issuer: control characters are gone, and long
/// ones are cut.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct CertificateFacts {
    /// Whom it is for.
    pub subject: String,
    /// The names and addresses that it is good for, the first [`MOST_NAMES`] of them.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// Whether it names itself as its issuer.
    pub self_signed: bool,
    /// From when it is good.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// Its serial number, in hexadecimal digits.
    pub serial: String,
    /// Kind and size of its key.
    pub key: String,
    /// How it is signed.
    pub signature: String,
    /// Its version: 3 nowadays, 1 on some old servers.
    pub version: u32,
    /// Its SHA-256.
    pub sha256: Fingerprint,
}

/// A certificate cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the server's certificate cannot be read: {0}")]
pub struct CertificateError(String);

impl CertificateFacts {
    pub fn read(der: &[u8]) -> Result<Self, CertificateError> {
        let (_, certificate) = X509Certificate::from_der(der)
            .map_err(|error| CertificateError(sanitize_truncate(&error.to_string(), SHOWN)))?;
        let (subject, issuer) = (certificate.subject(), certificate.issuer());
        let time = |seconds| {
            Timestamp::from_second(seconds)
                .map_err(|error| CertificateError(format!("a date is none: {error}")))
        };
        let validity = certificate.validity();
        Ok(Self {
            subject: sanitize_truncate(&subject.to_string(), SHOWN),
            names: names(&certificate),
            issuer: sanitize_truncate(&issuer.to_string(), SHOWN),
            self_signed: subject.as_raw() == issuer.as_raw(),
            not_before: time(validity.not_before.timestamp())?,
            not_after: time(validity.not_after.timestamp())?,
            serial: sanitize_truncate(&certificate.raw_serial_as_string(), SHOWN),
            key: key(&certificate),
            signature: signature(&certificate),
            version: match certificate.version() {
                X509Version::V1 => 1,
                X509Version::V2 => 2,
                X509Version(raw) => raw.saturating_add(1),
            },
            sha256: Fingerprint::of(der),
        })
    }

    /// Returns the fingerprint as CUCM and openssl show it, with colons.
    pub fn sha256_with_colons(&self) -> String {
        let bytes = self.sha256.as_bytes().iter();
        bytes.map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(sanitize_truncate(name, SHOWN)),
        GeneralName::IPAddress(bytes) => address(bytes),
        GeneralName::RFC822Name(_)
        | GeneralName::OtherName(..)
        | GeneralName::X400Address(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EDIPartyName(_)
        | GeneralName::URI(_)
        | GeneralName::RegisteredID(_)
        | GeneralName::Invalid(..) => None,
    });
    names.take(MOST_NAMES).collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(v4).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|v6| std::net::Ipv6Addr::from(v6).to_string())
}

fn key(certificate: &X509Certificate<'_>) -> String {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA, {} bits", key.key_size()),
        // A point of P-521 fills 66 bytes.
        Ok(PublicKey::EC(key)) => format!("elliptic curve, {} bits", key.key_size().min(521)),
        Ok(_) | Err(_) => {
            let kind = certificate.public_key().algorithm.algorithm.to_id_string();
            match kind.as_str() {
                "1.3.101.112" => "Ed25519, 256 bits".to_owned(),
                "1.3.101.113" => "Ed448, 456 bits".to_owned(),
                _ => format!("of the kind {kind}"),
            }
        }
    }
}

fn signature(certificate: &X509Certificate<'_>) -> String {
    let id = certificate.signature_algorithm.algorithm.to_id_string();
    match id.as_str() {
        "1.2.840.113549.1.1.5" => "SHA-1 with RSA (old)".to_owned(),
        "1.2.840.113549.1.1.11" => "SHA-256 with RSA".to_owned(),
        "1.2.840.113549.1.1.12" => "SHA-384 with RSA".to_owned(),
        "1.2.840.113549.1.1.13" => "SHA-512 with RSA".to_owned(),
        "1.2.840.10045.4.3.2" => "SHA-256 with ECDSA".to_owned(),
        "1.2.840.10045.4.3.3" => "SHA-384 with ECDSA".to_owned(),
        "1.2.840.10045.4.3.4" => "SHA-512 with ECDSA".to_owned(),
        "1.2.840.113549.1.1.10" => "RSASSA-PSS".to_owned(),
        "1.3.101.112" => "Ed25519".to_owned(),
        "1.3.101.113" => "Ed448".to_owned(),
        _ => id,
    }
}

pub const MOST_NAMES: usize = 20;

/// Longest text that is kept, in characters.
const SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(names: Vec<String>) -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(names).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "cucm\u{1b}[31m-pub");
        parameters.not_before = rcgen::date_time_ymd(2024, 1, 2);
        parameters.not_after = rcgen::date_time_ymd(2029, 1, 2);
        parameters.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn reads_what_a_person_compares() {
        let der = made(vec!["cucm-pub.example.com".to_owned(), "10.1.1.5".to_owned()]);
        let facts = CertificateFacts::read(&der).unwrap();
        assert_eq!(facts.names, ["cucm-pub.example.com", "10.1.1.5"]);
        assert!(facts.self_signed && facts.version == 3);
        assert_eq!(facts.not_before.to_string(), "2024-01-02T00:00:00Z");
        assert!(facts.key.starts_with("elliptic curve") && facts.signature == "SHA-256 with ECDSA");
        assert!(!facts.subject.contains('\u{1b}'), "{:?}", facts.subject);
        assert_eq!(facts.sha256_with_colons().len(), 95);
        assert_eq!(facts.sha256_with_colons().parse(), Ok(facts.sha256));
    }

    #[test]
    fn thousands_of_names_are_not_shown() {
        let names = (0..3000).map(|n| format!("host{n}.example.com")).collect();
        assert_eq!(CertificateFacts::read(&made(names)).unwrap().names.len(), MOST_NAMES);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 0_usize..600) {
            drop(CertificateFacts::read(&bytes));
            let mut der = made(vec!["a".to_owned()]);
            let at = cut % der.len();
            der[at] ^= 0x41;
            drop(CertificateFacts::read(&der));
            drop(CertificateFacts::read(&der[..at]));
        }
    }
}
