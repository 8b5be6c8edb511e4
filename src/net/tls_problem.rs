//! Sentences for what can go wrong in a TLS handshake, each with what to do about it.

use std::error::Error as StdError;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::fingerprint::Fingerprint;
use crate::net::cluster_trust::{RefusalCause, RefusedCertificate};

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
        "the certificate is not for {expected:?} but for {}: use that name as the host, or accept \
         exactly this one with --pin-sha256 {fingerprint}",
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
    /// The certificate's time has not begun.
    #[error("the certificate is not valid yet: check the clock of this machine and of the server")]
    NotYetValid {
        /// The fingerprint of the certificate that the server showed.
        fingerprint: Fingerprint,
    },
    /// The server speaks only versions or ciphers that are too old to be safe.
    #[error(
        "the server offers only old TLS versions or ciphers: CUCM needs release 11.5(1)SU3 or later, \
         with TLS 1.2 allowed (`set tls min-version`)"
    )]
    OldTls,
    #[error("TLS failed: {0}")]
    Other(String),
    /// The certificate is not the pinned one.
    #[error(
        "the certificate is not the pinned one: expected {expected}, the server shows {presented}; if \
         the certificate was renewed, pin the new one with --pin-sha256, otherwise this may be a \
         man in the middle"
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
        "the server cannot prove that it owns the certificate: its key is of an old kind (RSA with \
         less than 2048 bits, X.509 version 1), then regenerate the certificate; or this is a man in \
         the middle who copied the certificate"
    )]
    Unproven,
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
                    None => Self::Other(error.to_string()),
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
            other => Self::Other(other.to_string()),
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
                other => Self::Unusable { fingerprint, reason: other.to_string() },
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
    let shown: Vec<_> = names.iter().take(8).map(|name| format!("{name:?}")).collect();
    shown.join(", ")
}
