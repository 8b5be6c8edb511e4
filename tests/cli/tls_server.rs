//! TLS servers that show certificates which no TLS library of today would serve.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{ServerConfig, ServerConnection, SignatureAlgorithm, SignatureScheme};

pub const RSA_1024: &str = include_str!("../certificates/rsa1024.pem");
pub const VERSION_1: &str = include_str!("../certificates/version1.pem");
pub const P_521: &str = include_str!("../certificates/p521.pem");

/// Shows a certificate on a port of its own until the tests end. Like servers of the field, it ends the handshake with
/// the alert handshake_failure where the client does not offer the only signature that the key can make.
pub fn showing(pem: &str) -> SocketAddr {
    let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
    let scheme = if pem == P_521 {
        SignatureScheme::ECDSA_NISTP521_SHA512
    } else {
        SignatureScheme::RSA_PSS_SHA256
    };
    let certified = CertifiedKey::new(chain, Arc::new(OnlyKey(scheme)));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Always(Arc::new(certified))));
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let mut server = ServerConnection::new(Arc::clone(&config)).unwrap();
            // It fails: the client refuses the certificate, or nothing is in common.
            let _failed = server.complete_io(&mut stream);
            let _rest = stream.read(&mut [0; 1]);
        }
    });
    address
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A key that makes signatures of one kind only, which are never right.
#[derive(Debug)]
struct OnlyKey(SignatureScheme);

impl SigningKey for OnlyKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&self.0).then(|| Box::new(Self(self.0)) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        if self.0 == SignatureScheme::ECDSA_NISTP521_SHA512 {
            SignatureAlgorithm::ECDSA
        } else {
            SignatureAlgorithm::RSA
        }
    }
}

impl Signer for OnlyKey {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(vec![0; 64])
    }

    fn scheme(&self) -> SignatureScheme {
        self.0
    }
}
