//! The certificates of the simulated phones.
//!
//! A maker signs them, as the makers of real phones do, and each names its phone (`CP-8841-SEP0011223344AA`, seen in
//! certificates of phones). A phone's certificate is made when it is first asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, Error, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::sim::fleet_content::Shows;

pub(crate) struct Maker {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    /// What phones show, by their place in the cluster.
    shown: Mutex<HashMap<usize, Arc<ServerConfig>>>,
}

impl Maker {
    pub(crate) fn new() -> Result<Self, Error> {
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::new(Vec::new())?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, "Simulated Manufacturing CA");
        let pem = parameters.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(parameters, key), pem, shown: Mutex::default() })
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns what a phone shows; nothing when no certificate can be made.
    pub(super) fn server_config(
        &self,
        at: usize,
        product: &str,
        name: &str,
        shows: &Shows,
    ) -> Option<Arc<ServerConfig>> {
        if let Some(known) = self.shown().get(&at) {
            return Some(Arc::clone(known));
        }
        let made = self.make(product, name, shows);
        let made = made.map_err(|error| tracing::warn!(%error, "a phone has no certificate"));
        let config = Arc::new(made.ok()?);
        // Another connection can have been first; then both show the same.
        Some(Arc::clone(self.shown().entry(at).or_insert(config)))
    }

    pub(crate) fn renew(&self, at: usize) {
        self.shown().remove(&at);
    }

    fn make(&self, product: &str, name: &str, shows: &Shows) -> Result<ServerConfig, MakeError> {
        let key = KeyPair::generate()?;
        let certificate = self.certificate(&key, product, name, shows)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?)
    }

    fn certificate(
        &self,
        key: &KeyPair,
        product: &str,
        name: &str,
        shows: &Shows,
    ) -> Result<Certificate, Error> {
        let mut parameters = CertificateParams::new(Vec::new())?;
        let name = if let Shows::Other(other) = shows { other } else { name };
        parameters.distinguished_name.push(DnType::CommonName, format!("{product}-{name}"));
        match shows {
            Shows::SelfSigned => return parameters.self_signed(key),
            Shows::Expired => {
                parameters.not_before = date_time_ymd(2001, 1, 1);
                parameters.not_after = date_time_ymd(2011, 1, 1);
            }
            Shows::Issued | Shows::Other(_) => {}
        }
        parameters.signed_by(key, &self.issuer)
    }

    fn shown(&self) -> MutexGuard<'_, HashMap<usize, Arc<ServerConfig>>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, thiserror::Error)]
enum MakeError {
    #[error("it cannot be made")]
    Certificate(#[from] Error),
    #[error("it cannot be shown")]
    Tls(#[from] rustls::Error),
}
