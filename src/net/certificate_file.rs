//! Files with certificates, as servers, browsers and people write them.

use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::ParsedCertificate;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::domain::text::{quoted, sanitize_truncate};
use crate::domain::text_encoding;

/// Reads all certificates of a file: PEM in any encoding of text, or DER.
///
/// # Errors
/// When the file cannot be read, or holds something else.
pub fn read_certificates(
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, CertificateFileError> {
    let bytes = std::fs::read(path)
        .map_err(|source| CertificateFileError::Unreadable { path: path.to_owned(), source })?;
    certificates(&bytes)
        .map_err(|content| CertificateFileError::Content { path: path.to_owned(), content })
}

/// Why no certificate could be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum CertificateFileError {
    #[error("cannot read the certificate file {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} {}", path.display(), content.describe(path))]
    Content { path: PathBuf, content: WrongContent },
}

/// What a file holds instead of certificates.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WrongContent {
    /// PKCS #7, usually with the ending `.p7b`: in PEM, or else in DER.
    Pkcs7 {
        pem: bool,
    },
    /// PKCS #12, usually with the ending `.p12` or `.pfx`.
    Pkcs12,
    /// A PEM file whose text has lost its line ends.
    NoLineEnds,
    /// A certificate in PEM whose content is not base64, or is cut off.
    DamagedPem,
    /// A binary file that is no certificate.
    DamagedDer,
    /// PEM of another kind, by its label.
    OtherPem(String),
    Nothing,
}

impl WrongContent {
    fn describe(&self, path: &Path) -> String {
        let file = path.display();
        match self {
            Self::Pkcs7 { pem } => format!(
                "is a PKCS #7 file (.p7b), which axlpaper does not read: convert it to PEM with `openssl pkcs7 \
                 -inform {} -print_certs -in {file} -out certificates.pem`",
                if *pem { "PEM" } else { "DER" }
            ),
            Self::Pkcs12 => format!(
                "is a PKCS #12 file (.p12, .pfx), which axlpaper does not read: write its certificates to PEM with \
                 `openssl pkcs12 -nokeys -in {file} -out certificates.pem`"
            ),
            Self::NoLineEnds => "is a PEM file without line ends, as copying can leave it: download the certificate \
                 again, or put BEGIN CERTIFICATE and END CERTIFICATE with their dashes on lines of their own"
                .to_owned(),
            Self::DamagedPem => {
                "holds a damaged PEM certificate (cut off, or not base64): download it again".to_owned()
            }
            Self::DamagedDer => {
                "is a binary file, but no certificate in DER: download the certificate again, as PEM or DER".to_owned()
            }
            Self::OtherPem(label) => {
                format!("holds {} in PEM and no certificate (BEGIN CERTIFICATE)", quoted(label))
            }
            Self::Nothing => "holds no certificate (expected PEM, BEGIN CERTIFICATE, or DER)".to_owned(),
        }
    }
}

fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, WrongContent> {
    // DER begins with the tag of a sequence; PEM is text.
    if bytes.first() == Some(&0x30) {
        return der(bytes);
    }
    let Ok(decoded) = text_encoding::decode(bytes) else { return Err(WrongContent::DamagedDer) };
    let text = decoded.text;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => {
            // Base64 that was cut off at the end of a line still is base64.
            let whole = certificates.iter().all(|certificate| is_certificate(certificate));
            if whole { Ok(certificates) } else { Err(WrongContent::DamagedPem) }
        }
        Ok(_) | Err(_) => Err(pem_problem(&text)),
    }
}

fn is_certificate(der: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(der).is_ok() || ParsedCertificate::try_from(der).is_ok()
}

/// Reads one certificate after the other.
fn der(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, WrongContent> {
    let mut certificates = Vec::new();
    let mut left = bytes;
    while !left.trim_ascii().is_empty() {
        let Ok((rest, _)) = X509Certificate::from_der(left) else {
            return Err(der_problem(bytes));
        };
        let (own, _) = left.split_at(left.len() - rest.len());
        certificates.push(CertificateDer::from(own.to_vec()));
        left = rest;
    }
    Ok(certificates)
}

fn der_problem(bytes: &[u8]) -> WrongContent {
    let beginning = bytes.get(..64).unwrap_or(bytes);
    let holds = |object: &[u8]| beginning.windows(object.len()).any(|part| part == object);
    if holds(PFX_VERSION) && holds(DATA) {
        WrongContent::Pkcs12
    } else if holds(SIGNED_DATA) {
        WrongContent::Pkcs7 { pem: false }
    } else {
        WrongContent::DamagedDer
    }
}

fn pem_problem(text: &str) -> WrongContent {
    let Some((_, begun)) = text.split_once(BEGIN) else { return WrongContent::Nothing };
    let Some((label, rest)) = begun.split_once("-----") else { return WrongContent::DamagedPem };
    if label.starts_with("PKCS7") || label.starts_with("CMS") {
        return WrongContent::Pkcs7 { pem: true };
    }
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        return WrongContent::OtherPem(sanitize_truncate(label, 40));
    }
    if rest.trim_start_matches([' ', '\t']).starts_with(['\r', '\n']) {
        WrongContent::DamagedPem
    } else {
        WrongContent::NoLineEnds
    }
}

const BEGIN: &str = "-----BEGIN ";

/// The object identifier 1.2.840.113549.1.7.2 (signed data of PKCS #7) in DER.
const SIGNED_DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];

/// The object identifier 1.2.840.113549.1.7.1 (data), with which the content of a PKCS #12 file begins.
const DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];

/// The version with which a PKCS #12 file begins.
const PFX_VERSION: &[u8] = &[2, 1, 3];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PEM: &str = include_str!("../../tests/certificates/rsa2048.pem");

    fn one() -> Vec<u8> {
        CertificateDer::from_pem_slice(PEM.as_bytes()).unwrap().to_vec()
    }

    #[test]
    fn reads_what_programs_write() {
        let utf16: Vec<u8> =
            std::iter::once(0xfeff).chain(PEM.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let described = format!("subject=CN = cucm\r\n\r\n{}", PEM.replace('\n', "\r\n"));
        for bytes in [
            PEM.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", PEM.as_bytes()].concat(),
            utf16,
            described.into_bytes(),
            one(),
            [one(), b"\r\n".to_vec()].concat(),
        ] {
            assert_eq!(certificates(&bytes).unwrap(), [CertificateDer::from(one())]);
        }
        let two = certificates(&[one(), one()].concat()).unwrap();
        assert_eq!(two.len(), 2);
        let two = certificates(format!("{PEM}{PEM}").as_bytes()).unwrap();
        assert_eq!(two.len(), 2);
    }

    #[test]
    fn names_what_is_something_else() {
        let p7b = include_str!("../../tests/certificates/chain.p7b");
        let label = |text: &str| text.replace("PKCS7", "X");
        let der: Vec<u8> = [&[0x30, 0x82, 2, 0x4f], SIGNED_DATA, &[0; 20]].concat();
        let pfx = [&[0x30, 0x82, 3, 0x47], PFX_VERSION, &[0x30, 0x82, 2, 0xfd], DATA].concat();
        // Whole lines are missing, as where a text was copied out of a window.
        let lines: Vec<&str> = PEM.lines().collect();
        let cut = [&lines[..8], &lines[lines.len() - 1..]].concat().join("\n");
        let cut_again = cut.clone();
        for (bytes, expected) in [
            (p7b.as_bytes().to_vec(), WrongContent::Pkcs7 { pem: true }),
            (der, WrongContent::Pkcs7 { pem: false }),
            (pfx, WrongContent::Pkcs12),
            (PEM.replace('\n', " ").into_bytes(), WrongContent::NoLineEnds),
            (PEM.replace('\n', "").into_bytes(), WrongContent::NoLineEnds),
            (PEM.as_bytes()[..400].to_vec(), WrongContent::DamagedPem),
            (PEM.replace('M', "!").into_bytes(), WrongContent::DamagedPem),
            (cut.into_bytes(), WrongContent::DamagedPem),
            (format!("{PEM}{cut_again}").into_bytes(), WrongContent::DamagedPem),
            (b"0\x03bad".to_vec(), WrongContent::DamagedDer),
            (vec![0, 0, 1, 2, 0xff, 0, 0, 7], WrongContent::DamagedDer),
            (label(p7b).into_bytes(), WrongContent::OtherPem("X".into())),
            (b"hello".to_vec(), WrongContent::Nothing),
            (Vec::new(), WrongContent::Nothing),
        ] {
            assert_eq!(
                certificates(&bytes),
                Err(expected),
                "{:?}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }

    #[test]
    fn says_how_to_convert() {
        let of = |content| {
            let path = PathBuf::from("c.p7b");
            CertificateFileError::Content { path, content }.to_string()
        };
        let told = of(WrongContent::Pkcs7 { pem: false });
        assert!(told.contains("openssl pkcs7 -inform DER -print_certs -in c.p7b"), "{told}");
        assert!(of(WrongContent::Pkcs12).contains("openssl pkcs12 -nokeys"));
        assert!(of(WrongContent::NoLineEnds).contains("without line ends"));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(certificates(&bytes));
            drop(certificates(&[b"\x30\x82".as_slice(), &bytes].concat()));
        }
    }
}
