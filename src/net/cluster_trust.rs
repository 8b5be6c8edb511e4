//! The one place that decides whether a server's certificate is accepted.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier as _;
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, OtherError};

use crate::net::fingerprint::Fingerprint;
use crate::net::signature_check::CertificatePolicy;
use crate::net::unsupported_certificate::{UnsupportedCertificate, unusable_authority};

#[derive(Debug)]
pub enum Rule {
    /// Every one: only after the user asked for it.
    Anything,
    /// Those that lead to a known authority, for the right name.
    Chain {
        webpki: Arc<WebPkiServerVerifier>,
        /// The certificates that the user gave by hand: one of these may also be the server's own.
        own: Vec<CertificateDer<'static>>,
    },
    /// Exactly the one with this fingerprint; its name, dates and issuer do not matter then.
    Pin(Fingerprint),
}

impl CertificatePolicy for Rule {
    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<(), Error> {
        let refused = |cause| {
            let refused = RefusedCertificate { fingerprint: Fingerprint::of(end_entity), cause };
            Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refused))))
        };
        // A server that shows another certificate than the pinned one may be the wrong server, whatever its key.
        if let Self::Pin(expected) = self
            && Fingerprint::of(end_entity) != *expected
        {
            return Err(refused(RefusalCause::Pin { expected: *expected }));
        }
        if let Some(why) = UnsupportedCertificate::of(end_entity) {
            return Err(refused(RefusalCause::Unsupported(why)));
        }
        match self {
            Self::Anything | Self::Pin(_) => Ok(()),
            Self::Chain { webpki, own } => {
                let verdict = webpki.verify_server_cert(
                    end_entity,
                    intermediates,
                    server_name,
                    ocsp_response,
                    now,
                );
                let Err(Error::InvalidCertificate(error)) = verdict else {
                    return verdict.map(drop);
                };
                if own.iter().any(|known| known == end_entity) && may_be_own_authority(&error) {
                    return match verify_server_name(
                        &ParsedCertificate::try_from(end_entity)?,
                        server_name,
                    ) {
                        Ok(()) => Ok(()),
                        Err(Error::InvalidCertificate(error)) => {
                            Err(refused(RefusalCause::Chain(error)))
                        }
                        Err(error) => Err(error),
                    };
                }
                let authorities = own.iter().chain(intermediates);
                Err(refused(match authority_problem(&error, end_entity, authorities) {
                    Some(why) => RefusalCause::UnusableAuthority(why),
                    None => RefusalCause::Chain(error),
                }))
            }
        }
    }
}

/// The error that travels through rustls when a certificate was refused.
#[derive(Clone, Debug)]
pub struct RefusedCertificate {
    /// The fingerprint of the certificate that the server showed.
    pub fingerprint: Fingerprint,
    pub cause: RefusalCause,
}

impl fmt::Display for RefusedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            RefusalCause::Chain(error) => {
                write!(f, "certificate {} refused: {error}", self.fingerprint)
            }
            RefusalCause::Pin { expected } => {
                write!(f, "certificate {} is not the pinned {expected}", self.fingerprint)
            }
            RefusalCause::Unsupported(why) => {
                write!(f, "certificate {} cannot be used: {why}", self.fingerprint)
            }
            RefusalCause::UnusableAuthority(why) => {
                write!(f, "an authority above {} cannot be used: {why}", self.fingerprint)
            }
        }
    }
}

impl StdError for RefusedCertificate {}

#[derive(Clone, Debug)]
pub enum RefusalCause {
    Chain(CertificateError),
    /// It is not the pinned one.
    Pin {
        expected: Fingerprint,
    },
    Unsupported(UnsupportedCertificate),
    /// An authority above it has a kind of certificate that cannot be used.
    UnusableAuthority(UnsupportedCertificate),
}

/// Tells whether an error can come from a self-signed server certificate being its own authority.
///
/// The Tomcat certificate of a CUCM server is self-signed, and such a certificate may be marked as a
/// certificate authority, which webpki refuses for a server. Dates are checked before that, and the
/// name is checked by the caller, so only the errors about the chain are forgiven here.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum belongs to another crate and grows; the rest shares one answer"
)]
pub(crate) fn may_be_own_authority(error: &CertificateError) -> bool {
    match error {
        CertificateError::UnknownIssuer
        | CertificateError::InvalidPurpose
        | CertificateError::InvalidPurposeContext { .. }
        | CertificateError::UnhandledCriticalExtension => true,
        other => is_ca_as_server(other),
    }
}

/// Returns what makes an authority above a refused certificate unusable, where that can be the reason of the refusal.
pub(crate) fn authority_problem<'a>(
    error: &CertificateError,
    end_entity: &'a CertificateDer<'a>,
    authorities: impl Iterator<Item = &'a CertificateDer<'a>>,
) -> Option<UnsupportedCertificate> {
    let can_be = matches!(
        error,
        CertificateError::BadSignature
            | CertificateError::UnknownIssuer
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
            | CertificateError::Other(_)
    );
    let can_be = can_be && !is_ca_as_server(error);
    can_be.then(|| unusable_authority(end_entity, authorities)).flatten()
}

/// Returns whether a certificate is refused because one above it, which the server sent, is of X.509 version 1.
pub(crate) fn is_old_authority(error: &CertificateError) -> bool {
    // As below, only the name of the error is exported.
    matches!(error, CertificateError::Other(other) if format!("{other:?}").contains("UnsupportedCertVersion"))
}

/// Returns whether the certificate is refused because it is marked as an authority (CA:TRUE).
pub(crate) fn is_ca_as_server(error: &CertificateError) -> bool {
    // The error comes from a crate under rustls whose types are not exported; only its name is.
    matches!(error, CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity"))
}
