//! HTTPS to phones: the options, and what comes of them.

use crate::connect::journal;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::config::Layer;
use crate::domain::device_name::DeviceName;
use crate::domain::selector::Pattern;
use crate::domain::text::{hex, quoted};
use crate::error::{AppError, ErrorKind};
use crate::interaction::{Interaction, Notice};
use crate::journal::{Recorder, RunId};
use crate::phone::{Fingerprint, Https, PhoneTrust};
use crate::push::delivery::certificate_pins::CertificatePins;

/// How phones are reached over HTTPS, checked.
#[derive(Clone, Debug)]
pub struct PhoneTls {
    /// HTTPS to phones; nothing where phones are reached over HTTP only.
    pub https: Option<Https>,
    /// What a run keeps of it, so that it can be gone on with.
    pub kept: Option<SavedPhoneTls>,
    forget: Vec<Pattern>,
    /// The port, where one was named.
    port: Option<u16>,
}

/// What the journal keeps of how a run reached phones over HTTPS.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SavedPhoneTls {
    /// By what certificates were believed.
    trust: KeptTrust,
    /// The port of the phones' web servers.
    port: u16,
}

/// By what phones' certificates were believed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum KeptTrust {
    /// By authorities.
    Authorities {
        /// Their file.
        file: PathBuf,
        /// SHA-256 over its bytes.
        sha256: String,
    },
    /// The mode of this name.
    Named(String),
}

impl PhoneTls {
    /// Takes what is about HTTPS to phones out of settings that are already put together.
    ///
    /// # Errors
    /// When the authorities cannot be read, or a value means nothing.
    pub fn of(settings: &Layer) -> Result<Self, AppError> {
        let forget = settings.phone_repin.clone();
        let (trust, by) = match (&settings.phone_ca_file, settings.phone_tls.as_deref()) {
            (Some(path), _) => {
                let from = |error: AppError| error.context(settings.origin("phone_ca_file"));
                let trust = authorities(path).map_err(from)?;
                let file = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                (Some(trust), Some(KeptTrust::Authorities { sha256: sha256(path)?, file }))
            }
            (None, Some(how)) => {
                let trust = named(how).map_err(|error| error.context(settings.origin("phone_tls")));
                (Some(trust?), Some(KeptTrust::Named(how.to_owned())))
            }
            (None, None) => (None, None),
        };
        if !forget.is_empty() && !matches!(trust, Some(PhoneTrust::PinFirstUse)) {
            return Err(AppError::new(
                ErrorKind::Usage,
                "--phone-repin is about pinned certificates",
            )
            .hint("add --phone-tls pin-first-use"));
        }
        let port = settings.phone_tls_port;
        let at = port.unwrap_or(443);
        Ok(Self {
            https: trust.map(|trust| Https { trust, port: at }),
            kept: by.map(|trust| SavedPhoneTls { trust, port: at }),
            forget,
            port,
        })
    }

    /// Takes the mode of the resumed run, where none is given.
    ///
    /// # Errors
    /// When the file of its authorities is gone, or is another one now.
    pub fn go_on(
        &mut self,
        kept: SavedPhoneTls,
        run: RunId,
        interaction: &dyn Interaction,
    ) -> Result<(), AppError> {
        if self.https.is_some() {
            return Ok(());
        }
        let (trust, how) = match &kept.trust {
            KeptTrust::Named(how) => (named(how)?, format!("--phone-tls {how}")),
            KeptTrust::Authorities { file, sha256: digest } => {
                let shown = file.display();
                let hint = "nothing was changed or sent; put the file back, or name the one that counts now with \
                            --phone-ca-file";
                let trust = authorities(file).map_err(|error| {
                    AppError::new(
                        ErrorKind::Usage,
                        format!(
                            "the --phone-ca-file of run {run} cannot be used any more: {}",
                            error.message()
                        ),
                    )
                    .hint(hint)
                })?;
                if sha256(file)? != *digest {
                    let error =
                        format!("{shown}, the --phone-ca-file of run {run}, has changed since");
                    return Err(AppError::new(ErrorKind::Usage, error).hint(hint));
                }
                (trust, format!("--phone-ca-file {shown}"))
            }
        };
        let port = self.port.unwrap_or(kept.port);
        interaction.notice(&Notice::Text(&format!(
            "note: phones are reached over HTTPS as in run {run}: {how}, port {port}"
        )));
        self.https = Some(Https { trust, port });
        self.kept = Some(SavedPhoneTls { port, ..kept });
        Ok(())
    }

    /// Returns the HTTPS access to phones with the pins so far, for a run that keeps new pins.
    pub fn push_access(
        &self,
        state: &Path,
        recorder: &Recorder,
        interaction: &dyn Interaction,
    ) -> Result<Option<(Https, CertificatePins)>, AppError> {
        let Some((https, pins)) = self.with_pins(state, interaction)? else { return Ok(None) };
        Ok(Some((https, CertificatePins::new(pins, &self.forget, recorder.clone()))))
    }

    /// Returns the HTTPS access to phones with the pins so far, for questions outside of runs: no phone is pinned anew.
    pub fn known_access(
        &self,
        state: &Path,
        interaction: &dyn Interaction,
    ) -> Result<Option<(Https, CertificatePins)>, AppError> {
        let known = self.with_pins(state, interaction)?;
        Ok(known.map(|(https, pins)| (https, CertificatePins::known(pins))))
    }

    fn with_pins(
        &self,
        state: &Path,
        interaction: &dyn Interaction,
    ) -> Result<Option<(Https, KnownPins)>, AppError> {
        let Some(https) = self.https.clone() else { return Ok(None) };
        if matches!(https.trust, PhoneTrust::Insecure) {
            interaction.notice(&Notice::Text(
                "WARNING: --phone-tls insecure: phones that require HTTPS are not verified; a man in the middle can \
                 read the push user's password.",
            ));
        }
        let known = match journal::history_if_any(state)? {
            Some(history) => history.pins()?,
            None => HashMap::new(),
        };
        let mut pins = HashMap::with_capacity(known.len());
        for (phone, text) in known {
            let pin = text.parse::<Fingerprint>().map_err(|error| {
                AppError::from_error(ErrorKind::Failed, error)
                    .context(format_args!("the journal's pin of {phone}"))
                    .hint(format!("use --phone-repin {phone}, or another journal with --state"))
            });
            // To forget it needs no reading.
            match pin {
                Err(_) if self.forget.iter().any(|one| one.matches(phone.as_str())) => {}
                pin => {
                    pins.insert(phone, pin?);
                }
            }
        }
        Ok(Some((https, pins)))
    }
}

/// The certificates that phones are pinned to.
type KnownPins = HashMap<DeviceName, Fingerprint>;

/// Returns the digest of a file.
fn sha256(path: &Path) -> Result<String, AppError> {
    let bytes = std::fs::read(path).map_err(|error| {
        let error = format!("cannot read {}: {error}", path.display());
        AppError::new(ErrorKind::Usage, error).hint("check the name and the mode of the file")
    })?;
    Ok(hex(&Sha256::digest(&bytes)))
}

fn authorities(path: &Path) -> Result<PhoneTrust, AppError> {
    PhoneTrust::from_ca_file(path).map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error)
            .hint("the file holds the certificates of authorities, in PEM or DER")
    })
}

fn named(how: &str) -> Result<PhoneTrust, AppError> {
    match how {
        "pin-first-use" => Ok(PhoneTrust::PinFirstUse),
        "insecure" => Ok(PhoneTrust::Insecure),
        other => Err(AppError::new(ErrorKind::Usage, format!("{} is not a mode", quoted(other)))
            .hint("write pin-first-use or insecure")),
    }
}
