//! From what the user trusts to a TLS configuration.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::{ClientConfig, RootCertStore};

use super::certificate_file::{CertificateFileError, read_certificates};
use super::fingerprint::Fingerprint;
use super::provider::provider;
use crate::net::cluster_trust::Rule;
use crate::net::signature_check::SignatureVerified;

/// What the user trusts a server by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trust {
    /// Whether the certificate authorities of the operating system count.
    pub platform_roots: bool,
    /// Files with certificates, PEM or DER: authorities, or the server's own self-signed certificate.
    pub ca_files: Vec<PathBuf>,
    /// The server's certificate must be exactly this one; nothing else is looked at then.
    pub pin_sha256: Option<Fingerprint>,
    /// Every certificate is good. Only after the user asked for it, and never with a pin.
    pub insecure: bool,
}

impl Trust {
    pub fn pinned(fingerprint: Fingerprint) -> Self {
        Self { pin_sha256: Some(fingerprint), ..Self::default() }
    }

    /// Builds the TLS configuration; the CA files are read now.
    ///
    /// # Errors
    /// When a CA file cannot be read or holds no certificate, or when nothing at all is trusted.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, TrustError> {
        let provider = provider();
        let rule = self.rule()?;
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TrustError::Provider)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(SignatureVerified::new(rule, provider)))
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    fn rule(&self) -> Result<Rule, TrustError> {
        // A pin is the stricter wish: it wins even where `insecure` is set by mistake.
        if let Some(pin) = self.pin_sha256 {
            return Ok(Rule::Pin(pin));
        }
        if self.insecure {
            return Ok(Rule::Anything);
        }
        let mut own = Vec::new();
        for path in &self.ca_files {
            own.append(&mut read_certificates(path)?);
        }
        let mut roots = RootCertStore::empty();
        for (index, certificate) in own.iter().enumerate() {
            // A version 1 certificate cannot be an authority for webpki, but it can still be
            // recognised as the server's own, so an unusable one is skipped here.
            if let Err(error) = roots.add(certificate.clone()) {
                tracing::debug!(index, %error, "a certificate of the CA files is no authority");
            }
        }
        if self.platform_roots {
            let loaded = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(loaded.certs);
        }
        if roots.is_empty() {
            return Err(TrustError::NothingTrusted);
        }
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(TrustError::Verifier)?;
        Ok(Rule::Chain { webpki, own })
    }
}

impl Default for Trust {
    /// The authorities of the operating system, and nothing else.
    fn default() -> Self {
        Self { platform_roots: true, ca_files: Vec::new(), pin_sha256: None, insecure: false }
    }
}

/// Why no TLS configuration could be made.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error(transparent)]
    File(#[from] CertificateFileError),
    /// Neither platform roots nor a CA file nor a pin.
    #[error(
        "no certificate authority is known on this machine; give --ca-file, --pin-sha256 or install \
         the system's CA certificates"
    )]
    NothingTrusted,
    /// The crypto provider does not fit: a fault of the program.
    #[error("cannot set up TLS")]
    Provider(#[source] rustls::Error),
    /// The verifier could not be built.
    #[error("cannot set up the verification of certificates")]
    Verifier(#[source] rustls::client::VerifierBuilderError),
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn from_file(content: &[u8]) -> Result<Arc<ClientConfig>, TrustError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let trust = Trust {
            platform_roots: false,
            ca_files: vec![file.path().to_owned()],
            ..Trust::default()
        };
        trust.client_config()
    }

    #[test]
    fn reads_pem_and_der() {
        let made = rcgen::generate_simple_self_signed(vec!["cucm".to_owned()]).unwrap();
        assert!(from_file(made.cert.pem().as_bytes()).is_ok());
        assert!(from_file(made.cert.der()).is_ok());
    }

    #[test]
    fn refuses_a_file_without_certificate() {
        let error = from_file(b"hello").unwrap_err();
        assert!(matches!(error, TrustError::File(_)), "{error}");
    }

    #[test]
    fn names_the_missing_file() {
        let path = PathBuf::from("no-such-file.pem");
        let trust = Trust { ca_files: vec![path], ..Trust::default() };
        let error = trust.client_config().unwrap_err();
        assert!(error.to_string().contains("no-such-file.pem"), "{error}");
    }

    #[test]
    fn a_pin_needs_nothing_else() {
        let trust =
            Trust { platform_roots: false, insecure: true, ..Trust::pinned(Fingerprint::of(b"x")) };
        assert!(matches!(trust.rule(), Ok(Rule::Pin(_))));
    }
}
