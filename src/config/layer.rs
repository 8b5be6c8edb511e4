//! One layer of settings, and the environment as a layer.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::zeroize::Zeroizing;

use super::origin::Origin;
use super::password::PasswordSource;
use crate::domain::association::UserKind;
use crate::domain::nat::NatRules;
use crate::domain::registration::Source;
use crate::domain::selector::Pattern;

/// Settings that one source gives; what it does not give stays empty.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// The publisher, `HOST` or `HOST:PORT`.
    pub host: Option<String>,
    /// The AXL user.
    pub username: Option<String>,
    /// The AXL user's password.
    pub password: Option<PasswordSource>,
    /// A file of CA certificates, or of the server's own certificate.
    pub ca_file: Option<PathBuf>,
    /// The SHA-256 fingerprint of the server's certificate.
    pub pin_sha256: Option<String>,
    /// Whether certificates are believed unseen.
    pub insecure: Option<bool>,
    /// The AXL schema version to speak.
    pub axl_version: Option<String>,
    /// Where RisPort70 answers, when it is not the publisher.
    pub ris_host: Option<String>,
    /// Where registrations are read from.
    pub registrations: Option<Source>,
    /// RisPort70 requests a minute.
    pub ris_rate: Option<u32>,
    /// The user whose name and password go to the phones.
    pub push_user: Option<String>,
    /// End user or application user.
    pub push_user_kind: Option<UserKind>,
    /// The push user's password.
    pub push_password: Option<PasswordSource>,
    /// The port of the phones' web servers.
    pub phone_port: Option<u16>,
    /// A file of the authorities that signed phones' certificates.
    pub phone_ca_file: Option<PathBuf>,
    /// What else makes a phone's certificate believed: `pin-first-use` or `insecure`.
    pub phone_tls: Option<String>,
    /// The port of the phones' web servers for HTTPS.
    pub phone_tls_port: Option<u16>,
    /// Phones whose pinned certificate is forgotten.
    pub phone_repin: Vec<Pattern>,
    /// Where the image server listens.
    pub listen: Option<String>,
    /// The URL under which phones reach the image server.
    pub advertise: Option<String>,
    /// The image server's certificate, where it speaks HTTPS.
    pub tls_cert: Option<PathBuf>,
    /// The key of that certificate.
    pub tls_key: Option<PathBuf>,
    /// Phones that are pushed to at once.
    pub concurrency: Option<usize>,
    /// Logins that fail at most when the push user's password changes in mid-run.
    pub max_logins_at_risk: Option<usize>,
    /// Seconds for one call.
    pub timeout: Option<u64>,
    /// Translated addresses of phones, which only the config file names.
    pub nat: NatRules,
    /// Where a value comes from, by its name in [`Self::values`].
    pub origins: BTreeMap<&'static str, Origin>,
}

impl Layer {
    /// Puts this layer on top of a lower one.
    ///
    /// Trust is one setting: a layer that names a pin, a CA file or `insecure` does not inherit the others.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        let origins = self.origins_over(&lower);
        let names_trust =
            self.pin_sha256.is_some() || self.insecure.is_some() || self.ca_file.is_some();
        let (lower_pin, lower_insecure, lower_ca_file) = if names_trust {
            (None, None, None)
        } else {
            (lower.pin_sha256, lower.insecure, lower.ca_file)
        };
        // As is the trust in phones.
        let (lower_phone_ca, lower_phone_tls) =
            if self.phone_ca_file.is_some() || self.phone_tls.is_some() {
                (None, None)
            } else {
                (lower.phone_ca_file, lower.phone_tls)
            };
        Self {
            host: self.host.or(lower.host),
            username: self.username.or(lower.username),
            password: self.password.or(lower.password),
            ca_file: self.ca_file.or(lower_ca_file),
            pin_sha256: self.pin_sha256.or(lower_pin),
            insecure: self.insecure.or(lower_insecure),
            axl_version: self.axl_version.or(lower.axl_version),
            ris_host: self.ris_host.or(lower.ris_host),
            registrations: self.registrations.or(lower.registrations),
            ris_rate: self.ris_rate.or(lower.ris_rate),
            push_user: self.push_user.or(lower.push_user),
            push_user_kind: self.push_user_kind.or(lower.push_user_kind),
            push_password: self.push_password.or(lower.push_password),
            phone_port: self.phone_port.or(lower.phone_port),
            phone_ca_file: self.phone_ca_file.or(lower_phone_ca),
            phone_tls: self.phone_tls.or(lower_phone_tls),
            phone_tls_port: self.phone_tls_port.or(lower.phone_tls_port),
            phone_repin: if self.phone_repin.is_empty() {
                lower.phone_repin
            } else {
                self.phone_repin
            },
            listen: self.listen.or(lower.listen),
            advertise: self.advertise.or(lower.advertise),
            tls_cert: self.tls_cert.or(lower.tls_cert),
            tls_key: self.tls_key.or(lower.tls_key),
            concurrency: self.concurrency.or(lower.concurrency),
            max_logins_at_risk: self.max_logins_at_risk.or(lower.max_logins_at_risk),
            timeout: self.timeout.or(lower.timeout),
            nat: if self.nat.is_empty() { lower.nat } else { self.nat },
            origins,
        }
    }

    /// Remembers where the values of this layer come from; `name` says it for a key.
    #[must_use]
    pub fn from_source<O: Into<Origin>>(mut self, name: impl Fn(&'static str) -> O) -> Self {
        let given: Vec<_> = self.given().map(|key| (key, name(key).into())).collect();
        self.origins.extend(given);
        self
    }

    /// Tells in words where the value of a key comes from: an option, a variable or a key of the config file.
    pub fn origin(&self, key: &'static str) -> String {
        self.origins.get(key).map_or_else(|| option(key), ToString::to_string)
    }

    /// Returns every setting in words, by its name, which is the key of the config file; a password is not
    /// read, only where it comes from is said.
    pub fn values(&self) -> Vec<(&'static str, Option<String>)> {
        fn text(value: Option<impl ToString>) -> Option<String> {
            value.map(|value| value.to_string())
        }
        vec![
            ("host", self.host.clone()),
            ("username", self.username.clone()),
            ("password", text(self.password.as_ref())),
            ("ca_file", text(self.ca_file.as_ref().map(|path| path.display()))),
            ("pin_sha256", self.pin_sha256.clone()),
            ("insecure", text(self.insecure)),
            ("axl_version", self.axl_version.clone()),
            ("ris_host", self.ris_host.clone()),
            ("registration_source", text(self.registrations.map(source_word))),
            ("ris_rate", text(self.ris_rate)),
            ("timeout", text(self.timeout)),
            ("push_user", self.push_user.clone()),
            ("push_user_kind", text(self.push_user_kind.map(kind_word))),
            ("push_password", text(self.push_password.as_ref())),
            ("phone_port", text(self.phone_port)),
            ("phone_ca_file", text(self.phone_ca_file.as_ref().map(|path| path.display()))),
            ("phone_tls", self.phone_tls.clone()),
            ("phone_tls_port", text(self.phone_tls_port)),
            ("listen", self.listen.clone()),
            ("advertise", self.advertise.clone()),
            ("tls_cert", text(self.tls_cert.as_ref().map(|path| path.display()))),
            ("tls_key", text(self.tls_key.as_ref().map(|path| path.display()))),
            ("concurrency", text(self.concurrency)),
            ("max_logins_at_risk", text(self.max_logins_at_risk)),
        ]
    }

    fn given(&self) -> impl Iterator<Item = &'static str> {
        self.values().into_iter().filter(|(_, value)| value.is_some()).map(|(key, _)| key)
    }

    /// Returns the origins of the values that are left when this layer lies on a lower one. The origin of a
    /// value that was taken out of a layer does not count.
    fn origins_over(&self, lower: &Self) -> BTreeMap<&'static str, Origin> {
        let mut origins = BTreeMap::new();
        for layer in [lower, self] {
            for key in layer.given() {
                origins.remove(key);
                origins.extend(layer.origins.get(key).map(|origin| (key, origin.clone())));
            }
        }
        origins
    }
}

fn source_word(source: Source) -> &'static str {
    match source {
        Source::Risport70 => "risport",
        Source::RegistrationDynamic => "axl",
        Source::None => "none",
    }
}

fn kind_word(kind: UserKind) -> &'static str {
    match kind {
        UserKind::End => "end",
        UserKind::App => "app",
    }
}

/// Returns the option that a setting is on the command line.
pub fn option(key: &str) -> String {
    match key {
        "password" | "push_password" => format!("{}-file", dashed(key)),
        _ => dashed(key),
    }
}

fn dashed(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

/// Reads the layer that the environment gives; `variable` looks one up.
///
/// An empty variable counts as unset, as most shells treat it.
pub fn environment(variable: impl Fn(&str) -> Option<String>) -> Layer {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let secret = |name: &str| {
        set(name).map(Zeroizing::new).map(|value| PasswordSource::Given(value.as_str().into()))
    };
    let host = if set("CUCM_HOST").is_some() { "CUCM_HOST" } else { "CUCM_HOSTNAME" };
    let layer = Layer {
        host: set("CUCM_HOST").or_else(|| set("CUCM_HOSTNAME")),
        username: set("CUCM_USERNAME"),
        password: secret("CUCM_PASSWORD"),
        axl_version: set("CUCM_VERSION"),
        push_user: set("PHONE_USERNAME"),
        push_password: secret("PHONE_PASSWORD"),
        ..Layer::default()
    };
    layer.from_source(|key| {
        Origin::Variable(match key {
            "host" => host.to_owned(),
            "username" => "CUCM_USERNAME".to_owned(),
            "password" => "CUCM_PASSWORD".to_owned(),
            "axl_version" => "CUCM_VERSION".to_owned(),
            "push_user" => "PHONE_USERNAME".to_owned(),
            "push_password" => "PHONE_PASSWORD".to_owned(),
            other => other.to_uppercase(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Layer {
        environment(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_upper_layer_wins_key_by_key() {
        let flags = Layer { host: Some("flag".into()), ..Layer::default() }.from_source(option);
        let merged = flags.over(env(&[("CUCM_HOST", "env"), ("CUCM_USERNAME", "admin")]));
        assert_eq!(merged.host.as_deref(), Some("flag"));
        assert_eq!(merged.username.as_deref(), Some("admin"));
        assert_eq!(merged.origin("username"), "CUCM_USERNAME");
        assert_eq!(merged.origin("host"), "--host");
    }

    #[test]
    fn the_origin_of_a_value_that_does_not_count_is_forgotten() {
        let mut above = env(&[("CUCM_HOST", "env"), ("CUCM_USERNAME", "admin")]);
        above.host = None;
        let below =
            Layer { host: Some("file".into()), ca_file: Some("ca".into()), ..Layer::default() };
        let merged = above.over(below.from_source(|key| Origin::Variable(format!("below {key}"))));
        assert_eq!(merged.origin("host"), "below host");
        assert_eq!(merged.origin("username"), "CUCM_USERNAME");
        let pinned =
            Layer { pin_sha256: Some("AA".into()), ..Layer::default() }.from_source(option);
        let values = pinned.over(merged).values();
        assert!(values.contains(&("ca_file", None)), "{values:?}");
    }

    #[test]
    fn both_spellings_of_the_host_are_read_and_empty_is_unset() {
        assert_eq!(env(&[("CUCM_HOSTNAME", "b")]).host.as_deref(), Some("b"));
        let layer = env(&[("CUCM_HOST", ""), ("CUCM_HOSTNAME", "b")]);
        assert_eq!(layer.host.as_deref(), Some("b"));
        assert_eq!(layer.origin("host"), "CUCM_HOSTNAME");
        assert!(env(&[("CUCM_PASSWORD", "")]).password.is_none());
    }

    #[test]
    fn a_pin_or_a_ca_file_on_top_silences_trust_below() {
        let below = Layer { insecure: Some(true), ..Layer::default() };
        let merged = Layer { pin_sha256: Some("AA".into()), ..Layer::default() }.over(below);
        assert_eq!(merged.insecure, None);
        let below = Layer {
            insecure: Some(true),
            pin_sha256: Some("AA".into()),
            ca_file: Some("old.pem".into()),
            ..Layer::default()
        };
        let above = Layer { ca_file: Some("ca.pem".into()), ..Layer::default() };
        let merged = above.over(below);
        assert_eq!((merged.insecure, merged.pin_sha256), (None, None));
        assert_eq!(merged.ca_file, Some("ca.pem".into()));
    }

    #[test]
    fn the_trust_in_phones_is_one_setting() {
        let below = Layer { phone_ca_file: Some("ca.pem".into()), ..Layer::default() };
        let above = Layer { phone_tls: Some("insecure".into()), ..Layer::default() };
        let merged = above.over(below.clone());
        assert_eq!((merged.phone_ca_file, merged.phone_tls), (None, Some("insecure".into())));
        let merged = Layer { phone_tls_port: Some(4443), ..Layer::default() }.over(below);
        assert_eq!(merged.phone_ca_file, Some("ca.pem".into()));
    }

    #[test]
    fn a_password_never_shows_in_debug_output() {
        let layer = env(&[("CUCM_PASSWORD", "s3cret"), ("PHONE_PASSWORD", "0ther")]);
        let shown = format!("{layer:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("0ther"), "{shown}");
    }
}
