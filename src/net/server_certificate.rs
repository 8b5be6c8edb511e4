//! A server's certificate and key out of files, for the image server over HTTPS.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::net::certificate::{CertificateError, CertificateFacts};
use crate::net::certificate_file::{CertificateFileError, WrongContent, read_certificates};
use crate::net::provider::provider;
use crate::net::tls_problem::describe;
use crate::net::unsupported_certificate::UnsupportedCertificate;

/// What a server shows, read and checked.
#[derive(Clone, Debug)]
pub struct ServerIdentity {
    /// The configuration of the server: TLS 1.2 and 1.3.
    pub config: Arc<ServerConfig>,
    pub facts: CertificateFacts,
}

impl ServerIdentity {
    /// Reads a certificate with its chain, and its key, both in PEM.
    ///
    /// # Errors
    /// When a file cannot be read or is something else, or when the key belongs to another certificate.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, ServerIdentityError> {
        let chain = read_certificates(certificate)?;
        let own = chain.first().ok_or_else(|| CertificateFileError::Content {
            path: certificate.to_owned(),
            content: WrongContent::Nothing,
        })?;
        let facts = CertificateFacts::read(own).map_err(|source| ServerIdentityError::Facts {
            path: certificate.to_owned(),
            source,
        })?;
        let unfit = |reason| ServerIdentityError::Unfit {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            reason,
        };
        if let Some(why) = UnsupportedCertificate::of(own) {
            return Err(unfit(why.to_string()));
        }
        let bytes = read(key)?;
        let pem = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let private = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|_| ServerIdentityError::NoKey { path: key.to_owned() })?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
            .map_err(|error| unfit(describe(&error)))?;
        Ok(Self { config: Arc::new(config), facts })
    }

    /// Says what a client that looks closely would refuse about the certificate: its dates, or that it does not
    /// name the host under which the server is reached.
    pub fn doubts(&self, host: &str, now: Timestamp) -> Vec<String> {
        let mut doubts = Vec::new();
        if now < self.facts.not_before {
            doubts.push(format!("it is valid only from {}", self.facts.not_before));
        }
        if now > self.facts.not_after {
            doubts.push(format!("it has expired at {}", self.facts.not_after));
        }
        if !self.facts.names.iter().any(|name| names(name, host)) {
            doubts.push(format!("it does not name {host}"));
        }
        doubts
    }
}

/// Tells whether a name of a certificate is this host; a `*` matches the first part of a name (RFC 6125).
fn names(name: &str, host: &str) -> bool {
    if let (Ok(name), Ok(host)) =
        (name.parse::<std::net::IpAddr>(), host.parse::<std::net::IpAddr>())
    {
        return name == host;
    }
    let tail = name.strip_prefix("*.");
    name.eq_ignore_ascii_case(host)
        || tail.is_some_and(|tail| {
            host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(tail))
        })
}

fn read(path: &Path) -> Result<Vec<u8>, ServerIdentityError> {
    std::fs::read(path)
        .map_err(|source| ServerIdentityError::Unreadable { path: path.to_owned(), source })
}

/// Why a server cannot show a certificate.
#[derive(Debug, thiserror::Error)]
pub enum ServerIdentityError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Certificate(#[from] CertificateFileError),
    #[error("the certificate in {} cannot be read", path.display())]
    Facts {
        path: PathBuf,
        #[source]
        source: CertificateError,
    },
    /// The key's file holds something else.
    #[error(
        "{} holds no private key in PEM that can be used (PKCS #8, PKCS #1 or SEC 1, without a \
         passphrase)",
        path.display()
    )]
    NoKey { path: PathBuf },
    /// The two do not belong together, or are of a kind that is not spoken.
    #[error("{} and {} cannot be used together: {reason}", certificate.display(), key.display())]
    Unfit { certificate: PathBuf, key: PathBuf, reason: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Files {
        folder: tempfile::TempDir,
    }

    impl Files {
        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        }
    }

    fn made(name: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn reads_what_belongs_together_and_says_what_does_not() {
        let files = Files { folder: tempfile::tempdir().unwrap() };
        let ((one, key), (_, other)) = (made("bg.example.com"), made("b"));
        let (one, key) = (files.write("one.pem", &one), files.write("one.key", &key));
        let other = files.write("other.key", &other);
        let identity = ServerIdentity::from_files(&one, &key).unwrap();
        assert_eq!(identity.facts.names, ["bg.example.com"]);
        let said = |certificate: &Path, key: &Path| {
            ServerIdentity::from_files(certificate, key).unwrap_err().to_string()
        };
        assert!(said(&one, &other).contains("cannot be used together"));
        assert!(said(&key, &key).contains("no certificate"));
        assert!(said(&one, &one).contains("no private key"));
        assert!(said(&one, Path::new("missing.key")).contains("missing.key"));
    }

    #[test]
    fn doubts_are_about_dates_and_names() {
        let files = Files { folder: tempfile::tempdir().unwrap() };
        let (one, key) = made("*.example.com");
        let identity =
            ServerIdentity::from_files(&files.write("c", &one), &files.write("k", &key)).unwrap();
        let now: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
        assert_eq!(identity.doubts("bg.Example.com", now), Vec::<String>::new());
        assert!(identity.doubts("10.1.1.1", now)[0].contains("10.1.1.1"));
        assert!(identity.doubts("a.b.example.com", now)[0].contains("a.b.example.com"));
        let long_ago: Timestamp = "1960-01-01T00:00:00Z".parse().unwrap();
        assert!(identity.doubts("bg.example.com", long_ago)[0].contains("only from"));
    }
}
