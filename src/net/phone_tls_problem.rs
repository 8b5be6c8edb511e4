//! Sentences for what keeps a phone from being spoken to over HTTPS, each with what to do about it.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::{CertificateError, Error};

use super::certificate_probe;
use super::endpoint::Endpoint;
use super::fingerprint::Fingerprint;
use super::tls_problem::{TlsProblem, describe, describe_certificate, find_rustls};
use super::unsupported_certificate::UnsupportedCertificate;

/// Why a phone is not spoken to over HTTPS. Nothing was sent to it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PhoneTlsProblem {
    /// The certificate is another phone's.
    #[error("{} shows its certificate at this address", named.join(", "))]
    OtherDevice {
        /// The device names in it.
        named: Vec<String>,
    },
    /// The certificate is not the one that was pinned.
    #[error("its certificate has changed: {pinned} was pinned, and it shows {shown}")]
    Changed {
        /// The fingerprint of the one that was seen first.
        pinned: Fingerprint,
        /// The fingerprint of the one that it shows now.
        shown: Fingerprint,
    },
    /// No authority that is believed vouches for the certificate.
    #[error("its certificate is not to be trusted: {reason} (fingerprint {shown})")]
    NotTrusted {
        reason: String,
        /// The fingerprint of the one that it shows.
        shown: Fingerprint,
    },
    /// It cannot prove that the certificate is its own.
    #[error("it cannot prove that it owns its certificate")]
    Unproven,
    /// It speaks only versions or ciphers that are too old to be safe.
    #[error(
        "it speaks only TLS 1.0 or 1.1, or ciphers of that time, or its certificate has a kind of key that axlpaper \
         cannot use"
    )]
    OldTls,
    /// No connection can use its certificate, whatever is trusted.
    #[error("axlpaper can never use its certificate: {0}")]
    Unsupported(UnsupportedCertificate),
    /// What answers on the port speaks no TLS.
    #[error("what answers on its HTTPS port does not speak TLS")]
    NotTls,
    #[error("TLS failed: {0}")]
    Other(String),
}

impl PhoneTlsProblem {
    /// Looks for a TLS error in the chain of causes of any error.
    pub fn find(error: &(dyn StdError + 'static)) -> Option<Self> {
        let tls = find_rustls(error)?;
        if let Error::InvalidCertificate(CertificateError::Other(other)) = tls
            && let Some(own) = other.0.downcast_ref::<Self>()
        {
            return Some(own.clone());
        }
        Some(match TlsProblem::from_rustls(tls) {
            TlsProblem::OldTls => Self::OldTls,
            TlsProblem::NotTls => Self::NotTls,
            TlsProblem::Unproven => Self::Unproven,
            TlsProblem::Unsupported { why, .. } => Self::Unsupported(why),
            TlsProblem::Other(reason) => Self::Other(reason),
            other @ (TlsProblem::Expired { .. }
            | TlsProblem::NameMismatch { .. }
            | TlsProblem::NotYetValid { .. }
            | TlsProblem::OwnAuthority { .. }
            | TlsProblem::PinMismatch { .. }
            | TlsProblem::UnknownIssuer { .. }
            | TlsProblem::UnusableAuthority { .. }
            | TlsProblem::Unusable { .. }) => Self::Other(other.to_string()),
        })
    }

    /// Finds out whether a handshake that ended for want of something in common failed because of the phone's
    /// certificate.
    pub async fn explain_old_tls(at: SocketAddr, limit: Duration) -> Self {
        let Ok(endpoint) = Endpoint::parse(&at.to_string(), at.port()) else { return Self::OldTls };
        let explained = certificate_probe::explain(&endpoint, TlsProblem::OldTls, limit).await;
        if let TlsProblem::Unsupported { why, .. } = explained {
            Self::Unsupported(why)
        } else {
            Self::OldTls
        }
    }

    /// An authority above the certificate has one that no connection can use.
    pub(super) fn of_authority(why: &UnsupportedCertificate, shown: Fingerprint) -> Self {
        let reason = format!("the certificate of an authority above it cannot be used: {why}");
        Self::NotTrusted { reason, shown }
    }

    /// Says why no authority vouches for a certificate.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum belongs to another crate and grows; the rest shares one answer"
    )]
    pub(super) fn of_chain(error: &Error, shown: Fingerprint) -> Self {
        let reason = match error {
            Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                "no CA of --phone-ca-file has signed it".to_owned()
            }
            Error::InvalidCertificate(error) => describe_certificate(error),
            other => describe(other),
        };
        Self::NotTrusted { reason, shown }
    }

    /// Tells whether it is in doubt who answers there.
    pub fn is_about_identity(&self) -> bool {
        match self {
            Self::OtherDevice { .. }
            | Self::Changed { .. }
            | Self::NotTrusted { .. }
            | Self::Unproven => true,
            Self::OldTls | Self::NotTls | Self::Unsupported(_) | Self::Other(_) => false,
        }
    }

    /// Says what to do about it, for the phone of that name.
    pub fn remedy(&self, phone: &str) -> String {
        match self {
            Self::OtherDevice { .. } => "the phone has moved: push again with its new address, which `axlpaper \
                 rollout` finds by itself"
                .to_owned(),
            Self::Changed { .. } => format!(
                "if the phone was replaced or reset, or got a new certificate (look at its web page or its \
                 settings), push again with --phone-repin {phone}; otherwise this may be a man in the middle"
            ),
            Self::NotTrusted { .. } => "add the authority that signed it to --phone-ca-file, renew the phone's \
                 certificate, or use --phone-tls pin-first-use"
                .to_owned(),
            Self::Unproven => "restart the phone and push again; if it stays so, this may be a man in the middle who \
                 copied the certificate"
                .to_owned(),
            Self::Unsupported(_) => "give the phone a new certificate of RSA with 2048 bits (Device > Phone, \
                 Certification Authority Proxy Function: Certificate Operation Install/Upgrade, Key Size 2048), or let \
                 it take pictures over HTTP: HTTPS Server http and https"
                .to_owned(),
            Self::OldTls => "give it newer firmware if there is one, or let it take pictures over HTTP: Phone \
                 Personalization Enabled, HTTPS Server http and https"
                .to_owned(),
            Self::NotTls => "check --phone-tls-port".to_owned(),
            Self::Other(_) => "open the phone's web page over https; restart the phone if it stays so".to_owned(),
        }
    }
}
