//! Certificates that axlpaper can use with no setting at all.
//!
//! The TLS library refuses them only when it checks the signature of the handshake, and then without the reason. So
//! the reason is looked for here before anything else is decided about a certificate.

use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_DSA, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521,
    OID_PKCS1_RSAENCRYPTION, OID_PKCS1_RSASSAPSS, OID_SIG_ED448, OID_SIG_ED25519,
};
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Version};
use x509_parser::public_key::PublicKey;

/// Why no TLS connection can use a certificate, whether it is pinned, signed by a trusted authority or not verified.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UnsupportedCertificate {
    #[error("it is an X.509 version {0} certificate, and axlpaper needs version 3")]
    Version(u32),
    #[error("its RSA key has {0} bits, and axlpaper needs 2048 to 8192")]
    RsaSize(usize),
    #[error("its key is on the elliptic curve {0}, and axlpaper needs P-256 or P-384")]
    Curve(String),
    #[error(
        "its key is of the kind {0}, and axlpaper needs RSA or an elliptic curve (P-256 or P-384)"
    )]
    KeyKind(String),
    #[error(
        "it is not encoded as X.509 requires, or it holds a critical extension that axlpaper does not know"
    )]
    Malformed,
}

impl UnsupportedCertificate {
    /// Returns the reason why a certificate cannot be used; nothing where there is none.
    pub fn of(der: &CertificateDer<'_>) -> Option<Self> {
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            return ParsedCertificate::try_from(der).is_err().then_some(Self::Malformed);
        };
        if certificate.version() != X509Version::V3 {
            return Some(Self::Version(certificate.version().0.saturating_add(1)));
        }
        key(&certificate)
            .or_else(|| ParsedCertificate::try_from(der).is_err().then_some(Self::Malformed))
    }
}

/// Looks among these certificates for the authorities above one, and returns why the first of them cannot be used;
/// nothing where there is none. The TLS library then only says that the signature is wrong, or of an unknown kind.
pub fn unusable_authority<'a>(
    end_entity: &'a CertificateDer<'a>,
    others: impl Iterator<Item = &'a CertificateDer<'a>>,
) -> Option<UnsupportedCertificate> {
    let read = |der: &'a CertificateDer<'a>| Some((der, X509Certificate::from_der(der).ok()?.1));
    let others: Vec<_> = others.take(MOST_AUTHORITIES).filter_map(read).collect();
    let (_, mut current) = read(end_entity)?;
    // Each authority is looked at once: two can have signed each other.
    for _ in 0..others.len() {
        let issuer = current.issuer().as_raw();
        let (der, above) = others.iter().find(|(_, other)| {
            other.subject().as_raw() == issuer
                && other.subject().as_raw() != current.subject().as_raw()
        })?;
        match UnsupportedCertificate::of(der) {
            // The library takes such an authority out of a CA file.
            None | Some(UnsupportedCertificate::Version(_)) => {}
            Some(why) => return Some(why),
        }
        current = above.clone();
    }
    None
}

/// More certificates than this are not looked at.
const MOST_AUTHORITIES: usize = 1000;

fn key(certificate: &X509Certificate<'_>) -> Option<UnsupportedCertificate> {
    let algorithm = &certificate.public_key().algorithm;
    let kind = &algorithm.algorithm;
    let named = |name: &str| Some(UnsupportedCertificate::KeyKind(name.to_owned()));
    if *kind == OID_PKCS1_RSAENCRYPTION {
        let Ok(PublicKey::RSA(key)) = certificate.public_key().parsed() else {
            return Some(UnsupportedCertificate::Malformed);
        };
        let bits = bits(key.modulus);
        (!(2048..=8192).contains(&bits)).then_some(UnsupportedCertificate::RsaSize(bits))
    } else if *kind == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
        let name = match curve {
            Some(curve) if curve == OID_EC_P256 || curve == OID_NIST_EC_P384 => return None,
            Some(curve) if curve == OID_NIST_EC_P521 => "P-521".to_owned(),
            Some(curve) => match curve.to_id_string().as_str() {
                "1.3.132.0.10" => "secp256k1".to_owned(),
                "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1".to_owned(),
                "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1".to_owned(),
                "1.3.36.3.3.2.8.1.1.13" => "brainpoolP512r1".to_owned(),
                other => other.to_owned(),
            },
            None => "that it describes itself".to_owned(),
        };
        Some(UnsupportedCertificate::Curve(name))
    } else if *kind == OID_SIG_ED25519 {
        None
    } else if *kind == OID_PKCS1_RSASSAPSS {
        named("RSASSA-PSS")
    } else if *kind == OID_KEY_TYPE_DSA {
        named("DSA")
    } else if *kind == OID_SIG_ED448 {
        named("Ed448")
    } else {
        named(&kind.to_id_string())
    }
}

/// Returns the size of a number without the zeros in front.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let first = number.get(zeros).map_or(0, |byte| byte.leading_zeros() as usize);
    (number.len() - zeros) * 8 - first
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    fn of(pem: &str) -> Option<UnsupportedCertificate> {
        UnsupportedCertificate::of(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
    }

    #[test]
    fn names_what_no_setting_can_make_usable() {
        for (pem, expected) in [
            (include_str!("../../tests/certificates/rsa1024.pem"), "1024 bits"),
            (include_str!("../../tests/certificates/version1.pem"), "X.509 version 1"),
            (include_str!("../../tests/certificates/p521.pem"), "P-521"),
        ] {
            let found = of(pem).unwrap().to_string();
            assert!(found.contains(expected), "{found}");
        }
        assert_eq!(
            UnsupportedCertificate::of(&CertificateDer::from(b"\x30\x01".as_slice())),
            Some(UnsupportedCertificate::Malformed)
        );
    }

    #[test]
    fn what_the_tls_library_takes_is_taken() {
        for algorithm in
            [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519]
        {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let mut parameters = rcgen::CertificateParams::new(vec!["cucm".to_owned()]).unwrap();
            parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            let made = parameters.self_signed(&key).unwrap();
            assert_eq!(UnsupportedCertificate::of(made.der()), None);
        }
        assert_eq!(of(include_str!("../../tests/certificates/rsa2048.pem")), None);
    }

    #[test]
    fn an_authority_that_cannot_be_used_is_found_above_a_good_certificate() {
        for (pem, expected) in [
            (include_str!("../../tests/certificates/below_rsa1024.pem"), "1024 bits"),
            (include_str!("../../tests/certificates/below_p521.pem"), "P-521"),
        ] {
            let chain: Vec<_> =
                CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().unwrap();
            assert_eq!(UnsupportedCertificate::of(&chain[0]), None);
            let found = unusable_authority(&chain[0], chain.iter()).unwrap().to_string();
            assert!(found.contains(expected), "{found}");
            assert_eq!(unusable_authority(&chain[0], [].iter()), None);
        }
    }

    #[test]
    fn a_size_is_counted_without_leading_zeros() {
        assert_eq!(bits(&[0, 0x80, 0]), 16);
        assert_eq!(bits(&[0x7f, 0]), 15);
        assert_eq!(bits(&[0, 0]), 0);
    }
}
