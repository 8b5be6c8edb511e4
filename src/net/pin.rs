//! The one place that decides whether a server's certificate is accepted.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::fingerprint::Fingerprint;

/// Decides about certificates after one [`Rule`], and always checks the handshake's signature.
///
/// The signature is what proves that the server owns the key of the certificate that it shows. A pin
/// without that check would accept a certificate that somebody only copied.
#[derive(Debug)]
pub struct CertificateVerifier {
    rule: Rule,
    provider: Arc<CryptoProvider>,
}

impl CertificateVerifier {
    /// Makes a verifier.
    pub fn new(rule: Rule, provider: Arc<CryptoProvider>) -> Self {
        Self { rule, provider }
    }
}

impl ServerCertVerifier for CertificateVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let refused = |cause| {
            let refused = RefusedCertificate { fingerprint: Fingerprint::of(end_entity), cause };
            Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refused))))
        };
        match &self.rule {
            Rule::Anything => Ok(ServerCertVerified::assertion()),
            Rule::Pin(expected) if Fingerprint::of(end_entity) == *expected => {
                Ok(ServerCertVerified::assertion())
            }
            Rule::Pin(expected) => Err(refused(RefusalCause::Pin { expected: *expected })),
            Rule::Chain { webpki, own } => {
                let verdict = webpki.verify_server_cert(
                    end_entity,
                    intermediates,
                    server_name,
                    ocsp_response,
                    now,
                );
                let Err(Error::InvalidCertificate(error)) = verdict else { return verdict };
                if own.iter().any(|known| known == end_entity) && may_be_own_authority(&error) {
                    return match verify_server_name(
                        &ParsedCertificate::try_from(end_entity)?,
                        server_name,
                    ) {
                        Ok(()) => Ok(ServerCertVerified::assertion()),
                        Err(Error::InvalidCertificate(error)) => {
                            Err(refused(RefusalCause::Chain(error)))
                        }
                        Err(error) => Err(error),
                    };
                }
                Err(refused(RefusalCause::Chain(error)))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Which certificates are good.
#[derive(Debug)]
pub enum Rule {
    /// Every one: only after the user asked for it.
    Anything,
    /// Those that lead to a known authority, for the right name.
    Chain {
        /// The usual verification.
        webpki: Arc<WebPkiServerVerifier>,
        /// The certificates that the user gave by hand: one of these may also be the server's own.
        own: Vec<CertificateDer<'static>>,
    },
    /// Exactly the one with this fingerprint; its name, dates and issuer do not matter then.
    Pin(Fingerprint),
}

/// The error that travels through rustls when a certificate was refused.
#[derive(Clone, Debug)]
pub struct RefusedCertificate {
    /// The fingerprint of the certificate that the server showed.
    pub fingerprint: Fingerprint,
    /// Why it was refused.
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
        }
    }
}

impl StdError for RefusedCertificate {}

/// Why a certificate was refused.
#[derive(Clone, Debug)]
pub enum RefusalCause {
    /// The usual verification said no.
    Chain(CertificateError),
    /// It is not the pinned one.
    Pin {
        /// The fingerprint that was expected.
        expected: Fingerprint,
    },
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
pub(super) fn may_be_own_authority(error: &CertificateError) -> bool {
    match error {
        CertificateError::UnknownIssuer
        | CertificateError::InvalidPurpose
        | CertificateError::InvalidPurposeContext { .. }
        | CertificateError::UnhandledCriticalExtension => true,
        CertificateError::Other(other) => {
            other.to_string().contains("CaUsedAsEndEntity")
                || format!("{other:?}").contains("CaUsedAsEndEntity")
        }
        _ => false,
    }
}
