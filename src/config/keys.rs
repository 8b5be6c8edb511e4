//! Every key of the config file: the one list from which the sample file, the documentation and the help
//! for unknown keys are made. A test holds it against the types that the file is read into.

use crate::domain::selector::near;

/// A key of the config file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Where it may stand.
    pub place: Place,
    /// What it is, in whole sentences; it says its unit.
    pub meaning: &'static str,
    /// What counts without it, as it would be written or in words.
    pub default: &'static str,
    /// A value, as TOML.
    pub example: &'static str,
    /// The setting that it gives, where several keys give the same one and only one of them may stand there.
    pub one_of: Option<&'static str>,
}

/// Where a key may stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// Outside all tables.
    Top,
    /// In the table of one cluster only: it is about that server, its trust or its passwords.
    Cluster,
    /// In the table of a cluster, or in `[defaults]` for all of them.
    Shared,
    /// In each table of a list of tables, such as `[[image]]`.
    Each(&'static str),
}

/// A key that stands in a cluster's table only.
const fn own(
    name: &'static str,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> Key {
    Key { name, place: Place::Cluster, meaning, default, example, one_of: None }
}

/// A key that `[defaults]` may have too.
const fn shared(
    name: &'static str,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> Key {
    Key { place: Place::Shared, ..own(name, default, example, meaning) }
}

/// One of the keys that give a password.
const fn secret(
    setting: &'static str,
    name: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> Key {
    Key { one_of: Some(setting), ..own(name, ASKED, example, meaning) }
}

const ASKED: &str = "asked for on the terminal";

/// Every key, in the order in which people need them.
pub const KEYS: &[Key] = &[
    Key {
        place: Place::Top,
        ..own(
            "default_cluster",
            "the only cluster of the file",
            "\"lab\"",
            "The cluster that is meant when none is named with --cluster.",
        )
    },
    own(
        "host",
        "none (CUCM_HOST or --host gives it)",
        "\"cucm-pub.example.com\"",
        "The publisher: HOST or HOST:PORT. AXL answers on port 8443.",
    ),
    shared(
        "username",
        "none (CUCM_USERNAME or --username gives it)",
        "\"axladmin\"",
        "The AXL user. It needs the roles Standard AXL API Access, Standard CCM Admin Users and Standard CCM Server \
         Monitoring.",
    ),
    secret(
        "password",
        "password_file",
        "\"lab.password\"",
        "A file whose first line is the AXL user's password. Others must not be able to read it (chmod 600).",
    ),
    secret(
        "password",
        "password_env",
        "\"LAB_AXL_PASSWORD\"",
        "An environment variable that holds the AXL user's password.",
    ),
    secret(
        "password",
        "password_command",
        "[\"pass\", \"show\", \"cucm/lab\"]",
        "A command that prints the AXL user's password: a program and its arguments, for no shell. Its first line \
         counts; it may take 60 seconds, and what it says on standard error is shown.",
    ),
    secret(
        "password",
        "password_keyring",
        "true",
        "Whether the AXL user's password is in the keyring of this machine, as the entry USER@HOST of the service \
         axlpaper; `axlpaper config keyring` stores it.",
    ),
    own(
        "pin_sha256",
        "none",
        "\"E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55\"",
        "The SHA-256 fingerprint that the server's certificate must have; `axlpaper trust` writes it.",
    ),
    shared(
        "ca_file",
        "the roots of this machine",
        "\"company-ca.pem\"",
        "A PEM or DER file with the CA that signed the server's certificate, or with that certificate itself. A \
         cluster with a pin of its own does not need it.",
    ),
    own(
        "insecure",
        "false",
        "false",
        "Whether any certificate is believed. Whoever is in between can read the passwords then.",
    ),
    own("axl_version", "found by itself", "\"14.0\"", "The AXL schema version to speak."),
    own(
        "ris_host",
        "the publisher",
        "\"cucm-sub1.example.com\"",
        "Where RisPort70 answers, when it is not the publisher: HOST or HOST:PORT. It gets the AXL user's password.",
    ),
    shared(
        "registration_source",
        "risport",
        "\"risport\"",
        "Where registrations are read from: \"risport\", or \"axl\" for what the database last knew (12.5 and later).",
    ),
    shared(
        "ris_rate",
        "12",
        "12",
        "RisPort70 requests a minute, 1 to 600. A cluster allows 15 to all programs together.",
    ),
    shared(
        "timeout",
        "150",
        "150",
        "Seconds for one reading call to the cluster, 1 to 3600. Changes get 300 at least.",
    ),
    shared(
        "push_user",
        "none (PHONE_USERNAME or --push-user gives it)",
        "\"bgpush\"",
        "The user whose name and password go to the phones.",
    ),
    shared(
        "push_user_kind",
        "found by itself",
        "\"app\"",
        "Whether that is an end user (\"end\") or an application user (\"app\").",
    ),
    secret(
        "push_password",
        "push_password_file",
        "\"lab-push.password\"",
        "A file whose first line is the push user's password. Others must not be able to read it (chmod 600).",
    ),
    secret(
        "push_password",
        "push_password_env",
        "\"LAB_PUSH_PASSWORD\"",
        "An environment variable that holds the push user's password.",
    ),
    secret(
        "push_password",
        "push_password_command",
        "[\"secret-tool\", \"lookup\", \"service\", \"bgpush\"]",
        "A command that prints the push user's password, as password_command does.",
    ),
    secret(
        "push_password",
        "push_password_keyring",
        "true",
        "Whether the push user's password is in the keyring of this machine; `axlpaper config keyring --push` stores \
         it.",
    ),
    shared("phone_port", "80", "80", "The port of the phones' web servers."),
    own(
        "phone_ca_file",
        "none: phones that want HTTPS are not pushed to",
        "\"phone-maker.pem\"",
        "A PEM file with the authorities that signed the phones' own certificates.",
    ),
    own(
        "phone_tls",
        "none",
        "\"pin-first-use\"",
        "What else makes a phone's certificate believed: \"pin-first-use\" keeps the first one that is seen, \"insecure\" \
         believes any.",
    ),
    shared("phone_tls_port", "443", "443", "The port of the phones' web servers for HTTPS."),
    shared(
        "listen",
        "a free port on all addresses; on loopback when the cluster is on this machine",
        "\"10.1.1.5:8080\"",
        "Where the image server listens, from which phones download: ADDR:PORT.",
    ),
    shared(
        "advertise",
        "the address of this machine that faces the cluster, and the port of listen",
        "\"http://images.example.com:8080\"",
        "The URL under which phones reach the image server.",
    ),
    shared(
        "tls_cert",
        "none: the image server speaks HTTP",
        "\"images.pem\"",
        "A PEM file with the image server's certificate and those that signed it.",
    ),
    shared("tls_key", "none", "\"images.key\"", "A PEM file with the key of that certificate."),
    shared("concurrency", "32", "32", "Phones that are pushed to at once, 1 to 1000."),
    shared(
        "max_logins_at_risk",
        "as many as concurrency",
        "4",
        "Failed logins of the push user that a run may cause at most when its password changes in mid-run, 1 to 1000.",
    ),
    Key {
        place: Place::Top,
        ..own(
            "default_time_zone",
            "the time zone of this machine",
            "\"Europe/Berlin\"",
            "The time zone of phones that no [[time_zone]] is about, for --window: an IANA name.",
        )
    },
    of_zone("device_pool", "\"Paris*\"", "Phones of this device pool live in it."),
    of_zone(
        "zone",
        "\"Europe/Paris\"",
        "The time zone: an IANA name. The first [[time_zone]] that matches counts.",
    ),
    Key {
        place: Place::Each("image"),
        ..own(
            "file",
            "has to be there",
            "\"paris.png\"",
            "The picture. A relative name counts from the folder of this file.",
        )
    },
    of_image("device_pool", "\"Paris*\"", "Phones of this device pool get it."),
    of_image("model", "[\"8841\", \"8851\"]", "Phones of this model get it."),
    of_image("profile", "\"Lobby*\"", "Phones of this Common Phone Profile get it."),
    of_image("location", "\"Hub_None\"", "Phones of this location get it."),
    of_image("owner", "\"jdoe\"", "Phones of this owner get it."),
    of_image("device", "\"SEP0011223344AA\"", "This phone gets it."),
    of_nat("device_pool", "\"BR-*\"", "Phones of this device pool are behind it."),
    of_nat(
        "subnet",
        "\"10.33.0.0/16\"",
        "Phones of this network are behind it: an address or a network.",
    ),
    Key {
        default: "has to be there",
        ..of_nat(
            "from",
            "[\"203.0.113.7\", \"198.51.100.0/28\"]",
            "The addresses or networks from which the downloads of these phones reach the image server, where a proxy \
             or NAT stands between. From there the secret address of a download proves it alone. The first [[nat]] \
             that matches a phone counts.",
        )
    },
];

/// A key that stands in each `[[nat]]`.
const fn of_nat(name: &'static str, example: &'static str, meaning: &'static str) -> Key {
    Key { place: Place::Each("nat"), ..own(name, "all phones", example, meaning) }
}

/// A key that stands in each `[[time_zone]]`.
const fn of_zone(name: &'static str, example: &'static str, meaning: &'static str) -> Key {
    Key { place: Place::Each("time_zone"), ..own(name, "has to be there", example, meaning) }
}

/// A key that stands in each `[[image]]`.
const fn of_image(name: &'static str, example: &'static str, meaning: &'static str) -> Key {
    Key { place: Place::Each("image"), ..own(name, "all phones", example, meaning) }
}

impl Key {
    /// Returns the setting that the key gives.
    pub fn setting(&self) -> &'static str {
        self.one_of.unwrap_or(self.name)
    }

    /// Tells whether the key may stand in a cluster's table.
    pub(super) fn is_of_cluster(&self) -> bool {
        matches!(self.place, Place::Cluster | Place::Shared)
    }
}

/// Says what to do about a key that is not known where it stands; `fits` tells which keys may stand there.
pub(super) fn advice(name: &str, keys: &[Key], fits: impl Fn(&Key) -> bool) -> Option<String> {
    if let Some(key) = keys.iter().find(|key| key.name == name) {
        return Some(match key.place {
            Place::Top => "it stands above all tables".to_owned(),
            Place::Cluster => "it belongs to one cluster: write it into [cluster.NAME]".to_owned(),
            Place::Shared => "write it into [cluster.NAME] or [defaults]".to_owned(),
            Place::Each(list) => format!("write it into [[{list}]]"),
        });
    }
    match name {
        "password" | "push_password" => {
            return Some(format!(
                "a password cannot stand in this file: use {name}_file, {name}_env, {name}_command or {name}_keyring"
            ));
        }
        _ => {}
    }
    let candidates = keys.iter().filter(|key| fits(key)).map(|key| key.name);
    let near = near(name, candidates);
    let nearest = near.first()?;
    Some(format!("did you mean `{nearest}`?"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_setting_of_a_layer_has_a_key_and_every_key_a_setting() {
        let of_keys: BTreeSet<&str> =
            KEYS.iter().filter(|key| key.is_of_cluster()).map(Key::setting).collect();
        let of_layers: BTreeSet<&str> =
            crate::config::Layer::default().values().into_iter().map(|(key, _)| key).collect();
        assert_eq!(of_keys, of_layers);
    }

    #[test]
    fn names_are_told_once_and_meanings_are_sentences() {
        let mut seen = BTreeSet::new();
        for key in KEYS {
            let place = match key.place {
                Place::Each(list) => list,
                Place::Top | Place::Cluster | Place::Shared => "",
            };
            assert!(seen.insert((place, key.name)), "{} stands there twice", key.name);
            assert!(key.meaning.ends_with('.') && !key.default.is_empty(), "{}", key.name);
        }
    }

    #[test]
    fn no_password_and_no_trust_in_one_server_is_shared() {
        for key in KEYS.iter().filter(|key| key.place == Place::Shared) {
            let is_own = key.setting().contains("password")
                || ["host", "pin_sha256", "insecure", "ris_host"].contains(&key.name);
            assert!(!is_own, "{} would go to every cluster", key.name);
        }
    }
}
