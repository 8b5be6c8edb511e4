//! Every setting of a cluster, declared once: its type, who may inherit it, its default, its environment variables, and
//! the keys of the config file that give it.
//!
//! The layer of settings, the table of the config file, the environment, the template and the documentation are made
//! from this one declaration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::keys::{Key, ValuePlace};
use super::origin::{Origin, Table};
use super::password::PasswordSource;
use super::value::{FromVariable, RegistrationSource, Value};
use crate::domain::association::UserKind;
use crate::domain::nat::NatRules;
use crate::domain::registration::Source;
use crate::domain::selector::Pattern;

/// Who may inherit a setting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Scope {
    /// No other cluster: it is about that server, its trust, its passwords or its users.
    Cluster,
    /// The clusters of the config file: `[defaults]` may hold it.
    Defaults,
    /// Any host, even one that the config file has no table for: it is about this machine and its network, is no
    /// secret and trusts no server.
    Machine,
}

impl Scope {
    const fn place(self) -> ValuePlace {
        match self {
            Self::Cluster => ValuePlace::Cluster,
            Self::Defaults | Self::Machine => ValuePlace::Shared,
        }
    }
}

/// Takes for each setting `NAME: TYPE, SCOPE, DEFAULT[, [VARIABLES]]`, and in braces the keys of the config file that
/// give it: `KEY: TYPE, EXAMPLE, MEANING`. Only one of several keys may be in a table. The keys outside of clusters
/// follow in `others`.
macro_rules! settings {
    (
        $($setting:ident: $type:ty, $scope:ident, $default:literal $(, [$($variable:literal),+])? {
            $($key:ident: $key_type:ty, $example:literal, $meaning:literal;)+
        })+
        ; others: [$($other:expr),+ $(,)?]
    ) => {
        /// Every key of the config file, in the order in which people need them.
        pub const KEYS: &[Key] = &[
            $($(
                Key {
                    setting: stringify!($setting),
                    ..Key::new(Scope::$scope.place(), stringify!($key), $default, $example, $meaning)
                },
            )+)+
            $($other,)+
        ];

        /// Settings that one source gives; what it does not give stays empty.
        #[derive(Clone, Debug, Default)]
        pub struct Layer {
            $(
                $(#[doc = $meaning])+
                pub $setting: Option<$type>,
            )+
            /// Phones whose pinned certificate is forgotten.
            pub phone_repin: Vec<Pattern>,
            /// Translated addresses of phones, which only the config file names.
            pub nat: NatRules,
            /// Where a value comes from, by its name in [`Self::values`].
            pub origins: BTreeMap<&'static str, Origin>,
        }

        impl Layer {
            /// Returns every setting as text, by its name; a password is not read, only its source is named.
            pub fn values(&self) -> Vec<(&'static str, Option<String>)> {
                vec![$((stringify!($setting), self.$setting.as_ref().map(Value::text))),+]
            }

            /// Fills what this layer does not give from a lower one, setting by setting.
            pub(super) fn or(self, lower: Self) -> Self {
                Self {
                    $($setting: self.$setting.or(lower.$setting),)+
                    phone_repin: if self.phone_repin.is_empty() { lower.phone_repin } else { self.phone_repin },
                    nat: if self.nat.is_empty() { lower.nat } else { self.nat },
                    origins: self.origins,
                }
            }

            /// Keeps only what is about this machine and its network.
            pub(super) fn about_this_machine(self) -> Self {
                Self {
                    $($setting: self.$setting.filter(|_| Scope::$scope == Scope::Machine),)+
                    origins: self.origins,
                    ..Self::default()
                }
            }
        }

        /// A table `[cluster.NAME]` of the config file. `[defaults]` is read into the same type; [`KEYS`] says which
        /// keys may be in it.
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct ClusterSection {
            $($(pub(super) $key: Option<$key_type>,)+)+
        }

        impl ClusterSection {
            /// Returns the settings; file names are relative to the folder of the config file.
            pub(super) fn layer(self, folder: &Path, table: &Table) -> Layer {
                let layer = Layer {
                    $($setting: Value::from_keys(($(self.$key,)+), folder, table),)+
                    ..Layer::default()
                };
                Layer { push_password: layer.push_password.map(PasswordSource::of_push_user), ..layer }
            }
        }

        /// Reads the layer that the environment gives; `variable` looks one up. The first variable of a setting wins.
        ///
        /// An empty variable counts as unset, as most shells treat it.
        pub fn environment(variable: impl Fn(&str) -> Option<String>) -> Layer {
            let set = |name: &&'static str| {
                Some((*name, variable(name).filter(|value| !value.is_empty())?))
            };
            let mut layer = Layer::default();
            $($(
                if let Some((name, value)) = [$($variable),+].iter().find_map(set) {
                    layer.$setting = Some(FromVariable::from_variable(value));
                    layer.origins.insert(stringify!($setting), Origin::Variable(name.to_owned()));
                }
            )?)+
            layer
        }
    };
}

settings! {
    host: String, Cluster, "none (CUCM_HOST or --host gives it)", ["CUCM_HOST", "CUCM_HOSTNAME"] {
        host: String, "\"cucm-pub.example.com\"", "The publisher: HOST or HOST:PORT. AXL answers on port 8443.";
    }
    username: String, Defaults, "none (CUCM_USERNAME or --username gives it)", ["CUCM_USERNAME"] {
        username: String, "\"axladmin\"",
            "The AXL user. It needs the roles Standard AXL API Access, Standard CCM Admin Users and Standard CCM \
             Server Monitoring.";
    }
    password: PasswordSource, Cluster, "asked for on the terminal", ["CUCM_PASSWORD"] {
        password_file: PathBuf, "\"lab.password\"",
            "A file whose first line is the AXL user's password. Others must not be able to read it (on Unix: mode 600).";
        password_env: String, "\"LAB_AXL_PASSWORD\"", "An environment variable that holds the AXL user's password.";
        password_command: Vec<String>, "[\"pass\", \"show\", \"cucm/lab\"]",
            "A command that prints the AXL user's password: a program and its arguments, for no shell. Its first \
             line counts; it may take 60 seconds, and what it says on standard error is shown.";
        password_keyring: bool, "true",
            "Whether the AXL user's password is in the keyring of this machine, as the entry USER@HOST of the \
             service axlpaper; `axlpaper config keyring` stores it.";
    }
    pin_sha256: String, Cluster, "none" {
        pin_sha256: String, "\"E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55\"",
            "The SHA-256 fingerprint that the server's certificate must have; `axlpaper trust` writes it.";
    }
    ca_file: PathBuf, Defaults, "the roots of this machine" {
        ca_file: PathBuf, "\"company-ca.pem\"",
            "A PEM or DER file with the CA that signed the server's certificate, or with that certificate itself. A \
             cluster with a pin of its own does not need it.";
    }
    insecure: bool, Cluster, "false" {
        insecure: bool, "false",
            "Whether any certificate is trusted. A man in the middle can read the passwords then.";
    }
    axl_version: String, Cluster, "found by itself", ["CUCM_VERSION"] {
        axl_version: String, "\"14.0\"", "The AXL schema version to speak.";
    }
    ris_host: String, Cluster, "the publisher" {
        ris_host: String, "\"cucm-sub1.example.com\"",
            "Where RisPort70 answers, when it is not the publisher: HOST or HOST:PORT. It gets the AXL user's \
             password.";
    }
    registration_source: Source, Machine, "risport" {
        registration_source: RegistrationSource, "\"risport\"",
            "Where registrations are read from: \"risport\", or \"axl\" for what the database last knew (12.5 and \
             later).";
    }
    ris_rate: u32, Machine, "12" {
        ris_rate: u32, "12", "RisPort70 requests a minute, 1 to 600. A cluster allows 15 to all programs together.";
    }
    timeout: u64, Machine, "150" {
        timeout: u64, "150", "Seconds for one reading call to the cluster, 1 to 3600. Changes get 300 at least.";
    }
    push_user: String, Defaults, "none (PHONE_USERNAME or --push-user gives it)", ["PHONE_USERNAME"] {
        push_user: String, "\"bgpush\"", "The user whose name and password go to the phones.";
    }
    push_user_kind: UserKind, Defaults, "found by itself" {
        push_user_kind: UserKind, "\"app\"", "Whether that is an end user (\"end\") or an application user (\"app\").";
    }
    push_password: PasswordSource, Cluster, "asked for on the terminal", ["PHONE_PASSWORD"] {
        push_password_file: PathBuf, "\"lab-push.password\"",
            "A file whose first line is the push user's password. Others must not be able to read it (on Unix: mode 600).";
        push_password_env: String, "\"LAB_PUSH_PASSWORD\"",
            "An environment variable that holds the push user's password.";
        push_password_command: Vec<String>, "[\"secret-tool\", \"lookup\", \"service\", \"bgpush\"]",
            "A command that prints the push user's password, as password_command does.";
        push_password_keyring: bool, "true",
            "Whether the push user's password is in the keyring of this machine; `axlpaper config keyring --push` \
             stores it.";
    }
    allow_privileged_push_user: bool, Cluster, "false" {
        allow_privileged_push_user: bool, "false",
            "Whether the push user may be the AXL user, or have roles beyond a push. Its password goes to every phone, \
             mostly over plain HTTP.";
    }
    phone_port: u16, Machine, "80" {
        phone_port: u16, "80", "The port of the phones' web servers.";
    }
    phone_ca_file: PathBuf, Cluster, "none: phones that require HTTPS are not pushed to" {
        phone_ca_file: PathBuf, "\"phone-maker.pem\"",
            "A PEM file with the authorities that signed the phones' own certificates.";
    }
    phone_tls: String, Cluster, "none" {
        phone_tls: String, "\"pin-first-use\"",
            "What else makes a phone's certificate trusted: \"pin-first-use\" keeps the first one that is seen, \
             \"insecure\" trusts any.";
    }
    phone_tls_port: u16, Machine, "443" {
        phone_tls_port: u16, "443", "The port of the phones' web servers for HTTPS.";
    }
    listen: String, Machine, "a free port on all addresses; on loopback when the cluster is on this machine" {
        listen: String, "\"10.1.1.5:8080\"", "Where the image server listens, from which phones download: ADDR:PORT.";
    }
    advertise: String, Machine, "the address of this machine that faces the cluster, and the port of listen" {
        advertise: String, "\"http://images.example.com:8080\"", "The URL under which phones reach the image server.";
    }
    tls_cert: PathBuf, Machine, "none: the image server speaks HTTP" {
        tls_cert: PathBuf, "\"images.pem\"", "A PEM file with the image server's certificate and those that signed it.";
    }
    tls_key: PathBuf, Machine, "none" {
        tls_key: PathBuf, "\"images.key\"", "A PEM file with the key of that certificate.";
    }
    concurrency: usize, Machine, "32" {
        concurrency: usize, "32", "Phones that are pushed to at once, 1 to 1000.";
    }
    max_logins_at_risk: usize, Machine, "as many as concurrency" {
        max_logins_at_risk: usize, "4",
            "Failed logins of the push user that a run may cause at most when its password changes in mid-run, 1 to \
             1000.";
    }
    ; others: [
        Key::new(ValuePlace::Top, "default_cluster", "the only cluster of the file", "\"lab\"",
            "The cluster that is meant when none is named with --cluster."),
        Key::new(ValuePlace::Top, "default_time_zone", "the time zone of this machine", "\"Europe/Berlin\"",
            "The time zone of phones that no [[time_zone]] is about, for --window and the days of [[image]]: an IANA name."),
        Key::new(ZONE, "device_pool", REQUIRED, "\"Paris*\"", "Phones of this device pool live in it."),
        Key::new(ZONE, "zone", REQUIRED, "\"Europe/Paris\"",
            "The time zone: an IANA name. The first [[time_zone]] that matches counts."),
        Key::new(IMAGE, "file", REQUIRED, "\"paris.png\"",
            "The picture. A relative name counts from the folder of this file."),
        Key::new(IMAGE, "device_pool", ANY, "\"Paris*\"", "Phones of this device pool get it."),
        Key::new(IMAGE, "model", ANY, "[\"8841\", \"8851\"]", "Phones of this model get it."),
        Key::new(IMAGE, "profile", ANY, "\"Lobby*\"", "Phones of this Common Phone Profile get it."),
        Key::new(IMAGE, "location", ANY, "\"Hub_None\"", "Phones of this location get it."),
        Key::new(IMAGE, "owner", ANY, "\"jdoe\"", "Phones of this owner get it."),
        Key::new(IMAGE, "dn", ANY, "\"4711\"", "Phones whose first line has this directory number get it."),
        Key::new(IMAGE, "description", ANY, "\"Lobby*\"", "Phones with this description get it."),
        Key::new(IMAGE, "device", ANY, "\"SEP0011223344AA\"", "This phone gets it."),
        Key::new(IMAGE, "from", ALWAYS, "\"2026-12-01\"",
            "From when on they get it: a date or a time of each phone's own time zone, or a time with an offset."),
        Key::new(IMAGE, "until", ALWAYS, "\"2027-01-06\"",
            "Until when they get it: a date is the last day. Afterwards the next rule that matches counts."),
        Key::new(IMAGE, "every", ALWAYS, "\"12-01..01-06\"",
            "In which part of each year they get it: month and day of the first and of the last day."),
        Key::new(IMAGE, "keep", "once", "\"enforced\"",
            "What `watch` does when a phone shows another picture later: `once` reports it, `enforced` pushes it again."),
        Key::new(IMAGE, "text", "none", "\"{description}\\nHelp desk 5555\"",
            "Text on the picture, of each phone its own: {name}, {mac}, {description}, {owner}, {extension}, {device_pool}, \
             {location}, {profile}, {model}, {ip} and {csv:COLUMN} become its values. A line with an empty value is left out."),
        Key::new(IMAGE, "qr", "none", "\"https://assets.example.com/{name}\"",
            "QR code on the picture, with the same fields."),
        Key::new(IMAGE, "data", "none", "\"floors.csv\"",
            "The table with the values of {csv:COLUMN}: CSV with a column of device names."),
        Key::new(IMAGE, "text_position", "\"auto\"", "\"top-left\"",
            "Where the words are in the part of the screen that the phone leaves free: \"top-left\", \"top\", \"top-right\", \
             \"left\", \"centre\", \"right\", \"bottom-left\", \"bottom\", \"bottom-right\"; \"auto\" is \"bottom\"."),
        Key::new(IMAGE, "text_size", "\"auto\"", "8", "The height of a line in percent of the screen's; \"auto\" is 6."),
        Key::new(IMAGE, "text_colour", "\"auto\"", "\"#1b2a4e\"",
            "The colour of the letters; \"auto\" is black or white, as the picture wants it."),
        Key::new(NAT, "device_pool", ANY, "\"BR-*\"", "Phones of this device pool are behind it."),
        Key::new(NAT, "subnet", ANY, "\"10.33.0.0/16\"",
            "Phones of this network are behind it: an address or a network."),
        Key::new(NAT, "from", REQUIRED, "[\"203.0.113.7\", \"198.51.100.0/28\"]",
            "The addresses or networks from which the downloads of these phones reach the image server, \
             where a proxy or NAT is in between. From there the secret address of a download proves it \
             alone. The first [[nat]] that matches a phone counts."),
        Key::new(NOTIFY, "on", "all of them", "[\"failed\", \"approval_needed\", \"stopped\"]",
            "What `watch` sends a notification for: run_finished, failed, approval_needed, stopped, unreachable, recovered."),
        Key::new(NOTIFY, "unreachable_after", "10m", "\"10m\"",
            "How long passes have to fail until `unreachable` is sent."),
        Key::new(NOTIFY, "ca_file", "the roots of this machine alone", "\"company-ca.pem\"",
            "A PEM or DER file with authorities that signed the certificate of the webhook or of the mail server."),
        Key { setting: WEBHOOK, ..Key::new(NOTIFY, "webhook_url", "none", "\"https://alerts.example.com/axlpaper\"",
            "The URL that each notification is posted to. Use one of the next keys where the URL is a secret, as those of \
             Teams and Slack are.") },
        Key { setting: WEBHOOK, ..Key::new(NOTIFY, "webhook_url_file", "none", "\"teams.url\"",
            "A file whose first line is the URL. Others must not be able to read it (on Unix: mode 600).") },
        Key { setting: WEBHOOK, ..Key::new(NOTIFY, "webhook_url_env", "none", "\"TEAMS_URL\"",
            "An environment variable that holds the URL.") },
        Key { setting: WEBHOOK, ..Key::new(NOTIFY, "webhook_url_command", "none", "[\"pass\", \"show\", \"teams/url\"]",
            "A command that prints the URL, as password_command does.") },
        Key::new(NOTIFY, "webhook_format", "\"json\"", "\"teams\"",
            "What is posted: \"json\" for the notification as a document, \"teams\" for an Adaptive Card, \"slack\" for a \
             text."),
        Key::new(NOTIFY, "mail_server", "none", "\"smtp.example.com\"",
            "The mail server: HOST or HOST:PORT."),
        Key::new(NOTIFY, "mail_tls", "\"starttls\"", "\"starttls\"",
            "How the connection is encrypted: \"starttls\" (port 587), \"implicit\" (port 465), or \"none\" (port 25), \
             which sends no password."),
        Key::new(NOTIFY, "mail_from", "none", "\"axlpaper@example.com\"", "The sender of the mails."),
        Key::new(NOTIFY, "mail_to", "none", "[\"voice-team@example.com\"]", "The recipients of the mails."),
        Key::new(NOTIFY, "mail_user", "no login", "\"axlpaper\"", "The user that logs in to the mail server."),
        Key { setting: MAIL_PASSWORD, ..Key::new(NOTIFY, "mail_password_file", "none", "\"mail.password\"",
            "A file whose first line is the password of mail_user. Others must not be able to read it (on Unix: mode 600).") },
        Key { setting: MAIL_PASSWORD, ..Key::new(NOTIFY, "mail_password_env", "none", "\"MAIL_PASSWORD\"",
            "An environment variable that holds the password of mail_user.") },
        Key { setting: MAIL_PASSWORD, ..Key::new(NOTIFY, "mail_password_command", "none", "[\"pass\", \"show\", \"mail\"]",
            "A command that prints the password of mail_user, as password_command does.") },
        Key { setting: MAIL_PASSWORD, ..Key::new(NOTIFY, "mail_password_keyring", "none", "true",
            "Whether the password of mail_user is in the keyring of this machine, as the entry USER@SERVER of the service \
             axlpaper; `axlpaper config keyring --mail` stores it.") },
        Key::new(NOTIFY, "command", "none", "[\"/usr/local/bin/page-me\", \"voice\"]",
            "A program with its arguments, for no shell. It gets each notification as JSON on standard input and may take \
             30 seconds."),
        Key::new(CONSOLE, "four_eyes", "false", "true",
            "Whether who began a run or a watch may not approve what waits in it, when they use the console."),
        Key::new(USERS, "name", REQUIRED, "\"jdoe\"", "The name that the user logs in with."),
        Key::new(USERS, "role", REQUIRED, "\"operator\"",
            "What the user may do: \"viewer\" looks, \"operator\" also pauses, continues and aborts runs, \"approver\" \
             also approves waves and what a watch holds."),
        Key::new(USERS, "password_hash", REQUIRED,
            "\"$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$QmFzZTY0T2ZBSGFzaFRoYXRJc05vbmVBdEFsbA\"",
            "The Argon2id hash of the user's password; `axlpaper console user add` writes it."),
    ]
}

const ZONE: ValuePlace = ValuePlace::Each("time_zone");
const IMAGE: ValuePlace = ValuePlace::Each("image");
const NAT: ValuePlace = ValuePlace::Each("nat");
const NOTIFY: ValuePlace = ValuePlace::Table("notify");
const CONSOLE: ValuePlace = ValuePlace::Table("console");
const USERS: ValuePlace = ValuePlace::Each(CONSOLE_USER);
/// The list of users inside of `[console]`.
pub(super) const CONSOLE_USER: &str = "console.user";
/// The setting that several keys of `[notify]` give.
const WEBHOOK: &str = "webhook";
const MAIL_PASSWORD: &str = "mail_password";
const REQUIRED: &str = "has to be there";
const ANY: &str = "all phones";
const ALWAYS: &str = "always";
