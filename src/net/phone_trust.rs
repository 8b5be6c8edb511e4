//! Which certificates of phones are believed.
//!
//! Phones show the certificate that they were made with, one of their cluster, or one that they signed themselves.
//! None of them names the host that is asked, so the name of the host is never looked at. What they do name is the
//! device: `CP-8841-SEP0011223344AA` or `SEP0011223344AA` (seen in certificates of phones). So whatever else is
//! believed, a certificate that names another phone is refused.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, Error, OtherError, RootCertStore};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::certificate_file::read_certificates;
use super::fingerprint::Fingerprint;
use super::phone_tls_problem::PhoneTlsProblem;
use super::provider::provider;
use super::trust::TrustError;
use crate::net::cluster_trust::{authority_problem, may_be_own_authority};
use crate::net::signature_check::{CertificatePolicy, SignatureVerified};
use crate::net::unsupported_certificate::UnsupportedCertificate;

#[derive(Clone, Debug)]
pub enum PhoneTrust {
    /// It leads to one of these authorities, or is itself among these certificates.
    Authorities(Arc<Authorities>),
    /// It is the one that the phone showed when it was seen first.
    PinFirstUse,
    /// Nothing has to: a man in the middle can read the password. Only after the user asked for it.
    Insecure,
}

/// Certificates that the user gave for phones.
#[derive(Debug)]
pub struct Authorities {
    roots: RootCertStore,
    own: Vec<CertificateDer<'static>>,
}

impl PhoneTrust {
    /// Reads authorities from a file, PEM or DER. A certificate in the middle of a chain may be an authority too:
    /// phones often send their own certificate only.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no certificate.
    pub fn from_ca_file(path: &Path) -> Result<Self, TrustError> {
        let own = read_certificates(path)?;
        let mut roots = RootCertStore::empty();
        for certificate in &own {
            // What cannot be an authority can still be a phone's own certificate.
            drop(roots.add(certificate.clone()));
        }
        Ok(Self::Authorities(Arc::new(Authorities { roots, own })))
    }
}

/// What is known beforehand of the phone that is meant.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Its device name, where that is known.
    pub device: Option<String>,
    /// The fingerprint of its certificate, where that was pinned.
    pub pin: Option<Fingerprint>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TrustBasis {
    Authority,
    Pinned,
    /// Nothing was pinned yet.
    FirstUse,
    Unverified,
}

impl TrustBasis {
    /// Returns it in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authority => "an authority vouches for it",
            Self::Pinned => "it is the pinned one",
            Self::FirstUse => "pinned at its first use",
            Self::Unverified => "not verified",
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Believed {
    pub fingerprint: Fingerprint,
    pub why: TrustBasis,
}

/// Decides about a phone's certificate.
///
/// # Errors
/// Says why it is not believed. Nothing secret may be sent then.
pub fn judge(
    trust: &PhoneTrust,
    expected: &Expected,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    now: UnixTime,
) -> Result<Believed, PhoneTlsProblem> {
    let fingerprint = Fingerprint::of(end_entity);
    let named = devices_in(end_entity);
    if let Some(device) = expected.device.as_deref().and_then(sep_name)
        && !named.is_empty()
        && !named.contains(&device)
    {
        return Err(PhoneTlsProblem::OtherDevice { named });
    }
    // A phone that shows another certificate than the pinned one may be another phone, whatever its key.
    if let (PhoneTrust::PinFirstUse, Some(pinned)) = (trust, expected.pin)
        && pinned != fingerprint
    {
        return Err(PhoneTlsProblem::Changed { pinned, shown: fingerprint });
    }
    if let Some(why) = UnsupportedCertificate::of(end_entity) {
        return Err(PhoneTlsProblem::Unsupported(why));
    }
    let why = match trust {
        PhoneTrust::Insecure => TrustBasis::Unverified,
        PhoneTrust::PinFirstUse => match expected.pin {
            None => TrustBasis::FirstUse,
            Some(_) => TrustBasis::Pinned,
        },
        PhoneTrust::Authorities(authorities) => {
            authorities.vouch_for(end_entity, intermediates, now).map_err(|error| {
                let above = authorities.own.iter().chain(intermediates);
                let authority = if let Error::InvalidCertificate(error) = &error {
                    authority_problem(error, end_entity, above)
                } else {
                    None
                };
                match authority {
                    Some(why) => PhoneTlsProblem::of_authority(&why, fingerprint),
                    None => PhoneTlsProblem::of_chain(&error, fingerprint),
                }
            })?;
            TrustBasis::Authority
        }
    };
    Ok(Believed { fingerprint, why })
}

impl Authorities {
    fn vouch_for(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let verdict = ParsedCertificate::try_from(end_entity).and_then(|parsed| {
            let algorithms = provider().signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                &parsed,
                &self.roots,
                intermediates,
                now,
                algorithms,
            )
        });
        match verdict {
            Err(Error::InvalidCertificate(error))
                if may_be_own_authority(&error) && self.own.iter().any(|own| own == end_entity) =>
            {
                Ok(())
            }
            verdict => verdict,
        }
    }
}

/// Returns the device names that a certificate holds in its common name and its alternative names, in capitals.
pub fn devices_in(certificate: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let mut devices: Vec<String> = common.flat_map(seps_in).collect();
    if let Ok(Some(alternative)) = certificate.subject_alternative_name() {
        let names = alternative.value.general_names.iter().filter_map(dns_name);
        devices.extend(names.take(MOST_ALTERNATIVES).flat_map(seps_in));
    }
    devices.sort_unstable();
    devices.dedup();
    devices
}

fn dns_name<'a>(name: &'a GeneralName<'_>) -> Option<&'a str> {
    if let GeneralName::DNSName(name) = name { Some(name) } else { None }
}

/// Finds `SEP` with twelve hexadecimal digits that are a word of their own.
fn seps_in(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter_map(sep_name).take(MOST_NAMES).collect()
}

/// Returns a name in capitals if it is one that is made of a MAC address.
fn sep_name(name: &str) -> Option<String> {
    let name = name.to_ascii_uppercase();
    let digits = name.strip_prefix("SEP")?;
    (digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(name)
}

/// A client configuration for one phone, and what it has seen of that.
#[derive(Clone, Debug)]
pub struct PhoneTls {
    verifier: Arc<SignatureVerified<PhoneJudge>>,
}

impl PhoneTls {
    /// Makes one for the phone that is meant. Once it has believed a certificate, it believes no other.
    pub fn new(trust: PhoneTrust, expected: Expected) -> Self {
        let seen = Mutex::default();
        let judge = PhoneJudge { trust, expected, seen };
        Self { verifier: Arc::new(SignatureVerified::new(judge, provider())) }
    }

    /// Returns the configuration: TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// When the crypto provider does not fit: a fault of the program.
    pub fn client_config(&self) -> Result<ClientConfig, TrustError> {
        let verifier = Arc::<SignatureVerified<PhoneJudge>>::clone(&self.verifier);
        Ok(ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TrustError::Provider)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth())
    }

    /// Returns the certificate that was believed; nothing before the first handshake.
    pub fn believed(&self) -> Option<Believed> {
        *self.verifier.judge().seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct PhoneJudge {
    trust: PhoneTrust,
    expected: Expected,
    seen: Mutex<Option<Believed>>,
}

impl CertificatePolicy for PhoneJudge {
    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<(), Error> {
        let refused = |problem| {
            Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(problem))))
        };
        let believed =
            judge(&self.trust, &self.expected, end_entity, intermediates, now).map_err(refused)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // A phone that ends connections gets the password over another one than that on which it said who it is.
        if let Some(first) = seen.filter(|first| first.fingerprint != believed.fingerprint) {
            let (pinned, shown) = (first.fingerprint, believed.fingerprint);
            return Err(refused(PhoneTlsProblem::Changed { pinned, shown }));
        }
        seen.get_or_insert(believed);
        drop(seen);
        Ok(())
    }
}

/// So many alternative names of a certificate are looked at.
const MOST_ALTERNATIVES: usize = 64;

/// So many device names of one text are looked at.
const MOST_NAMES: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(common: &str) -> CertificateDer<'static> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec![]).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, common);
        parameters.self_signed(&key).unwrap().der().clone()
    }

    fn meant(device: &str, pin: Option<Fingerprint>) -> Expected {
        Expected { device: Some(device.to_owned()), pin }
    }

    fn verdict(
        trust: &PhoneTrust,
        expected: &Expected,
        certificate: &CertificateDer<'_>,
    ) -> Result<TrustBasis, PhoneTlsProblem> {
        judge(trust, expected, certificate, &[], UnixTime::now()).map(|believed| believed.why)
    }

    #[test]
    fn the_device_is_found_in_the_common_name() {
        assert_eq!(devices_in(&named("CP-8841-SEP0011223344AA")), ["SEP0011223344AA"]);
        assert_eq!(devices_in(&named("sep0011223344aa")), ["SEP0011223344AA"]);
        for none in ["reception", "SEP0011", "XSEP0011223344AA", "SEP0011223344AA0", ""] {
            assert_eq!(devices_in(&named(none)), Vec::<String>::new(), "{none}");
        }
    }

    #[test]
    fn a_certificate_that_names_another_phone_is_refused_whatever_is_believed() {
        let certificate = named("CP-8841-SEP0011223344AA");
        let pin = Some(Fingerprint::of(&certificate));
        for trust in [PhoneTrust::Insecure, PhoneTrust::PinFirstUse] {
            let other = verdict(&trust, &meant("SEP0011223344BB", pin), &certificate);
            assert!(matches!(other, Err(PhoneTlsProblem::OtherDevice { .. })), "{other:?}");
            verdict(&trust, &meant("sep0011223344aa", pin), &certificate).unwrap();
            // A device that is not named after a MAC address cannot be identified by one.
            verdict(&trust, &meant("10.1.2.3", pin), &certificate).unwrap();
            verdict(&trust, &meant("SEP0011223344BB", None), &named("lobby")).unwrap();
        }
    }

    #[test]
    fn the_first_certificate_is_pinned_and_another_one_is_refused_with_both() {
        let (first, second) = (named("a"), named("a"));
        let pin = Fingerprint::of(&first);
        let trust = PhoneTrust::PinFirstUse;
        assert_eq!(verdict(&trust, &meant("SEP1", None), &first), Ok(TrustBasis::FirstUse));
        assert_eq!(verdict(&trust, &meant("SEP1", Some(pin)), &first), Ok(TrustBasis::Pinned));
        let problem = verdict(&trust, &meant("SEP1", Some(pin)), &second).unwrap_err();
        let text = problem.to_string();
        assert!(text.contains(&pin.to_string()), "{text}");
        assert!(text.contains(&Fingerprint::of(&second).to_string()), "{text}");
    }

    #[test]
    fn an_authority_vouches_for_phones_and_not_for_hosts() {
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec![]).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "Maker");
        let authority = parameters.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(parameters, authority_key);
        let issue = |until: i32| {
            let key = rcgen::KeyPair::generate().unwrap();
            let mut parameters = rcgen::CertificateParams::new(vec![]).unwrap();
            parameters.distinguished_name.push(rcgen::DnType::CommonName, "SEP0011223344AA");
            parameters.not_after = rcgen::date_time_ymd(until, 1, 1);
            parameters.signed_by(&key, &issuer).unwrap().der().clone()
        };
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, authority.pem().as_bytes()).unwrap();
        let trust = PhoneTrust::from_ca_file(file.path()).unwrap();
        let device = meant("SEP0011223344AA", None);
        assert_eq!(verdict(&trust, &device, &issue(4000)), Ok(TrustBasis::Authority));
        let expired = verdict(&trust, &device, &issue(2001)).unwrap_err().to_string();
        assert!(expired.contains("expired"), "{expired}");
        let stranger = verdict(&trust, &device, &named("SEP0011223344AA")).unwrap_err();
        assert!(matches!(stranger, PhoneTlsProblem::NotTrusted { .. }), "{stranger:?}");
        // The file may hold a phone's own certificate instead.
        let own = named("SEP0011223344AA");
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, &own).unwrap();
        let trust = PhoneTrust::from_ca_file(file.path()).unwrap();
        assert_eq!(verdict(&trust, &device, &own), Ok(TrustBasis::Authority));
    }

    #[test]
    fn an_authority_of_a_kind_that_cannot_be_used_is_named() {
        for (pem, expected) in [
            (include_str!("../../tests/certificates/below_rsa1024.pem"), "1024 bits"),
            (include_str!("../../tests/certificates/below_p521.pem"), "P-521"),
        ] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            std::io::Write::write_all(&mut file, pem.as_bytes()).unwrap();
            let chain = read_certificates(file.path()).unwrap();
            std::fs::write(file.path(), &chain[1]).unwrap();
            let trust = PhoneTrust::from_ca_file(file.path()).unwrap();
            let problem = verdict(&trust, &Expected::default(), &chain[0]).unwrap_err().to_string();
            assert!(problem.contains(expected) && problem.contains("authority"), "{problem}");
            assert!(!problem.contains("SHA-1"), "{problem}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in ".*") {
            devices_in(&bytes);
            let found = seps_in(&text);
            prop_assert!(found.iter().all(|name| text.to_ascii_uppercase().contains(name.as_str())));
        }
    }
}
