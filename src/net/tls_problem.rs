//! Sentences for what can go wrong in a TLS handshake, each with what to do about it.

use std::error::Error as StdError;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::fingerprint::Fingerprint;
use crate::domain::text::quoted;
use crate::net::cluster_trust::{
    RefusalCause, RefusedCertificate, is_ca_as_server, is_old_authority,
};
use crate::net::unsupported_certificate::UnsupportedCertificate;

/// What went wrong between the two sides of a TLS handshake.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TlsProblem {
    #[error(
        "the certificate has expired: have it renewed on the server, or accept exactly this one with \
         --pin-sha256 {fingerprint}"
    )]
    Expired {
        /// The fingerprint of the certificate that the server showed.
        fingerprint: Fingerprint,
    },
    /// The certificate is for another name.
    #[error(
        "the certificate is not for {} but for {}: use that name as the host, or accept \
         exactly this one with --pin-sha256 {fingerprint}",
        quoted(expected),
        list(presented)
    )]
    NameMismatch {
        expected: String,
        /// The names in the certificate.
        presented: Vec<String>,
        /// The fingerprint of the certificate that the server showed.
        fingerprint: Fingerprint,
    },
    /// The other side does not speak TLS at all.
    #[error("the server does not speak TLS on this port: check the port")]
    NotTls,
    /// The certificate is marked as an authority, and no CA file holds it.
    #[error(
        "the server's own certificate is marked as a certificate authority (CA:TRUE), so no other authority can \
         vouch for it: give this very certificate with --ca-file, or accept exactly this one with --pin-sha256 \
         {fingerprint} after you have compared it with the server's own"
    )]
    OwnAuthority {
        /// The fingerprint of the certificate that the server showed.
        fingerprint: Fingerprint,
    },
    /// The certificate's time has not begun.
    #[error("the certificate is not valid yet: check the clock of this machine and of the server")]
    NotYetValid {
        /// The fingerprint of the certificate that the server showed.
        fingerprint: Fingerprint,
    },
    /// The server speaks only versions or ciphers that are too old to be safe.
    #[error(
        "the server offers only old TLS versions or ciphers, or a certificate with a kind of key that axlpaper cannot \
         use: CUCM needs release 11.5(1)SU3 or later, with TLS 1.2 allowed (`set tls min-version`), and a \
         certificate of RSA with 2048 bits or more, P-256 or P-384"
    )]
    OldTls,
    #[error("TLS failed: {0}")]
    Other(String),
    /// The certificate is not the pinned one.
    #[error(
        "the certificate is not the pinned one: expected {expected}, the server shows {presented}; if \
         the certificate was renewed, `axlpaper trust` pins the new one, otherwise this may be a man in the \
         middle"
    )]
    PinMismatch {
        expected: Fingerprint,
        /// The fingerprint of the certificate that the server showed.
        presented: Fingerprint,
    },
    /// The certificate leads to no authority that is trusted.
    #[error(
        "the certificate is signed by no authority that this machine trusts, which is usual for CUCM: give the \
         server's certificate with --ca-file, or accept exactly this one with --pin-sha256 \
         {fingerprint} after you have compared it with the server's own"
    )]
    UnknownIssuer {
        /// The fingerprint of the certificate that the server showed.
        fingerprint: Fingerprint,
    },
    /// The server's signature does not fit its certificate.
    #[error(
        "the server cannot prove that it owns the certificate: this may be a man in the middle who copied it"
    )]
    Unproven,
    /// No connection can use the certificate, whatever is trusted.
    #[error(
        "axlpaper can never use this certificate, pinned or not: {why} (fingerprint {fingerprint})"
    )]
    Unsupported {
        /// The fingerprint of the certificate that the server showed.
        fingerprint: Fingerprint,
        why: UnsupportedCertificate,
    },
    /// The certificate is good, but one above it is not.
    #[error(
        "the certificate of an authority above the server's cannot be used: {why}; pinning the server's own \
         certificate still works (--pin-sha256 {fingerprint}, after you have compared it with the server's own)"
    )]
    UnusableAuthority {
        /// The fingerprint of the certificate that the server showed.
        fingerprint: Fingerprint,
        why: UnsupportedCertificate,
    },
    /// The certificate itself cannot be used: a wrong key, format, purpose or signature.
    #[error("the certificate cannot be used: {reason} (fingerprint {fingerprint})")]
    Unusable {
        /// The fingerprint of the certificate that the server showed.
        fingerprint: Fingerprint,
        reason: String,
    },
}

impl TlsProblem {
    /// Looks for a TLS error in the chain of causes of any error.
    pub fn find(error: &(dyn StdError + 'static)) -> Option<Self> {
        find_rustls(error).map(Self::from_rustls)
    }

    /// Returns whether pinning the certificate would let the connection come about.
    pub fn is_solved_by_pin(&self) -> bool {
        match self {
            Self::Expired { .. }
            | Self::NameMismatch { .. }
            | Self::NotYetValid { .. }
            | Self::OwnAuthority { .. }
            | Self::PinMismatch { .. }
            | Self::UnknownIssuer { .. }
            | Self::UnusableAuthority { .. }
            | Self::Unusable { .. } => true,
            Self::NotTls
            | Self::OldTls
            | Self::Other(_)
            | Self::Unproven
            | Self::Unsupported { .. } => false,
        }
    }

    /// Says what a connection that broke during the handshake means.
    pub fn of_io(error: &std::io::Error) -> Self {
        let broke = [std::io::ErrorKind::UnexpectedEof, std::io::ErrorKind::ConnectionReset];
        if broke.contains(&error.kind()) {
            let closed = "the server closed the connection during the handshake: it may speak only older TLS, or no TLS at all";
            return Self::Other(closed.to_owned());
        }
        Self::Other(error.kind().to_string())
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum belongs to another crate and grows; the rest shares one answer"
    )]
    pub(super) fn from_rustls(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(CertificateError::Other(other)) => {
                match other.0.downcast_ref::<RefusedCertificate>() {
                    Some(refused) => Self::from_refusal(refused),
                    None => Self::Other(describe(error)),
                }
            }
            Error::InvalidCertificate(
                CertificateError::BadSignature
                | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
                | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
            ) => Self::Unproven,
            Error::PeerIncompatible(_)
            | Error::AlertReceived(
                AlertDescription::ProtocolVersion
                | AlertDescription::HandshakeFailure
                | AlertDescription::InsufficientSecurity,
            ) => Self::OldTls,
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::MessageTooLarge,
            ) => Self::NotTls,
            other => Self::Other(describe(other)),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum belongs to another crate and grows; the rest shares one answer"
    )]
    fn from_refusal(refused: &RefusedCertificate) -> Self {
        let fingerprint = refused.fingerprint;
        match &refused.cause {
            RefusalCause::Pin { expected } => {
                Self::PinMismatch { expected: *expected, presented: fingerprint }
            }
            RefusalCause::Unsupported(why) => Self::Unsupported { fingerprint, why: why.clone() },
            RefusalCause::UnusableAuthority(why) => {
                Self::UnusableAuthority { fingerprint, why: why.clone() }
            }
            RefusalCause::Chain(error) => match error {
                CertificateError::UnknownIssuer => Self::UnknownIssuer { fingerprint },
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Expired { fingerprint }
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid { fingerprint }
                }
                CertificateError::NotValidForNameContext { expected, presented } => {
                    Self::NameMismatch {
                        expected: shown_name(expected),
                        presented: presented.iter().map(|name| plain_name(name)).collect(),
                        fingerprint,
                    }
                }
                CertificateError::NotValidForName => Self::NameMismatch {
                    expected: String::new(),
                    presented: Vec::new(),
                    fingerprint,
                },
                ca if is_ca_as_server(ca) => Self::OwnAuthority { fingerprint },
                // It can be given in a CA file, and the server's own certificate can be pinned.
                above if is_old_authority(above) => Self::UnknownIssuer { fingerprint },
                other => Self::Unusable { fingerprint, reason: describe_certificate(other) },
            },
        }
    }
}

/// Finds the error of the TLS library in a chain of causes.
pub(super) fn find_rustls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref::<Error>() {
            return Some(tls);
        }
        // An I/O error that wraps another one shows the wrapped one's causes as its own.
        if let Some(inner) = cause.downcast_ref::<std::io::Error>().and_then(|e| e.get_ref())
            && let Some(tls) = find_rustls(inner)
        {
            return Some(tls);
        }
        next = cause.source();
    }
    None
}

/// Describes an error of the TLS library. Its own texts hold names of Rust types.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum belongs to another crate and grows; the rest is described by name"
)]
pub(super) fn describe(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => {
            format!("the certificate cannot be used: {}", describe_certificate(error))
        }
        Error::AlertReceived(alert) => {
            format!("the other side ended the handshake with the TLS alert \"{}\"", words_of(alert))
        }
        Error::NoCertificatesPresented => "the other side showed no certificate".to_owned(),
        Error::General(text) => text.clone(),
        Error::PeerMisbehaved(how) => {
            format!("the other side does not keep to the TLS protocol ({})", words_of(how))
        }
        Error::InvalidMessage(how) => {
            format!("a message of the other side cannot be read ({})", words_of(how))
        }
        other => words_of(other),
    }
}

/// Describes why a certificate is refused, as the end of a sentence.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum belongs to another crate and grows; the rest is described by name"
)]
pub(super) fn describe_certificate(error: &CertificateError) -> String {
    let words = match error {
        CertificateError::BadEncoding => "it is not encoded as X.509 requires",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet"
        }
        CertificateError::UnhandledCriticalExtension => {
            "it holds a critical extension that axlpaper does not know"
        }
        CertificateError::UnknownIssuer => "no trusted authority has signed it",
        CertificateError::BadSignature => "the signature on it is wrong",
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "an authority above it has a kind of key that axlpaper does not accept (it accepts RSA with 2048 bits or \
             more, P-256 and P-384)"
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
            "it, or an authority above it, is signed with an algorithm that axlpaper does not accept (SHA-1, MD5)"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not meant for a server (Extended Key Usage)"
        }
        above if is_old_authority(above) => {
            "an authority above it has a certificate of X.509 version 1, which counts only in a CA file"
        }
        ca if is_ca_as_server(ca) => "it is marked as a certificate authority (CA:TRUE)",
        CertificateError::Other(other) => return words_of(&other.0),
        other => return words_of(other),
    };
    words.to_owned()
}

/// Turns the name of an enum's variant into words: `PathLenConstraintViolated` becomes "path len constraint violated".
fn words_of(variant: &impl std::fmt::Debug) -> String {
    let debug = format!("{variant:?}");
    let name = debug.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let mut words = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}

fn shown_name(name: &ServerName<'_>) -> String {
    name.to_str().into_owned()
}

/// Takes the name out of the form `DnsName("cucm")` that webpki reports.
fn plain_name(reported: &str) -> String {
    let inner = reported
        .strip_prefix("DnsName(\"")
        .and_then(|rest| rest.strip_suffix("\")"))
        .or_else(|| reported.strip_prefix("IpAddress(").and_then(|rest| rest.strip_suffix(')')));
    inner.unwrap_or(reported).chars().filter(|c| !c.is_control()).take(253).collect()
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "no name at all".to_owned();
    }
    let shown: Vec<_> = names.iter().take(8).map(|name| quoted(name)).collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{OtherError, PeerMisbehaved};

    use super::*;

    #[test]
    fn no_text_holds_names_of_rust() {
        let inner = CertificateError::Other(OtherError(Arc::new(Error::DecryptError)));
        for (error, expected) in [
            (Error::AlertReceived(AlertDescription::BadRecordMac), "\"bad record mac\""),
            (Error::InvalidCertificate(CertificateError::Revoked), "revoked"),
            (Error::InvalidCertificate(inner), "decrypt error"),
            (Error::InvalidCertificate(CertificateError::BadEncoding), "not encoded as X.509"),
            (
                Error::PeerMisbehaved(PeerMisbehaved::TooManyEmptyFragments),
                "(too many empty fragments)",
            ),
            (Error::InvalidMessage(InvalidMessage::MissingData("x")), "(missing data)"),
            (Error::NoCertificatesPresented, "showed no certificate"),
        ] {
            let told = TlsProblem::from_rustls(&error).to_string();
            assert!(told.contains(expected), "{told}");
            assert!(!told.contains("Other(") && !told.contains("::"), "{told}");
        }
    }
}
