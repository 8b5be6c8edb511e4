//! Decides which source each setting is taken from, so that one cluster's password never goes to another one.

use super::password::PasswordSource;
use super::settings::Layer;
use crate::domain::text::host_of_url;

/// A cluster of the config file: its name and its settings.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name in the file.
    pub name: String,
    /// Its settings in the file.
    pub layer: Layer,
    /// Whether it was named on the command line, as opposed to a default.
    pub is_typed: bool,
}

/// Puts flags, environment and config section together: the cluster's name, and its settings.
///
/// Flags count most, then the environment, then the section; but what belongs to one server is never
/// mixed with another one's:
///
/// - A section that was asked for by name outranks the host, the user and the password of the environment.
/// - The same holds for the push user and its password.
/// - A password is its user's: the section's does not count for a user of another name.
/// - A host that is not the section's host, whether from a flag or the environment, is another cluster:
///   the section's name, users, passwords and trust do not count then, only what is about this machine.
pub fn resolve(
    flags: Layer,
    environment: Layer,
    section: Option<Section>,
) -> (Option<String>, Layer) {
    let Some(Section { name, layer: section, is_typed }) = section else {
        return (None, flags.over(environment));
    };
    let named = flags.host.as_ref().or(if is_typed { None } else { environment.host.as_ref() });
    if !is_host_of(named, section.host.as_ref()) {
        return (None, flags.over(environment).over(section.about_this_machine()));
    }
    let environment =
        if is_typed { environment_for(environment, &flags, &section) } else { environment };
    let upper = flags.over(environment);
    let section = of_its_users(section, &upper);
    (Some(name), with_accounts(upper.over(section)))
}

/// Names the entries of the keyring: those of the resolved users and host.
///
/// So an entry is never another server's or another user's, wherever host and user come from.
#[must_use]
pub fn with_accounts(mut settings: Layer) -> Layer {
    let named = |source: Option<PasswordSource>, user: Option<&String>| match source {
        Some(PasswordSource::Keyring(entry)) => {
            let both = user.zip(settings.host.as_ref());
            Some(PasswordSource::Keyring(entry.of(both.map(|(user, host)| account(user, host)))))
        }
        other => other,
    };
    let password = named(settings.password.take(), settings.username.as_ref());
    let push_password = named(settings.push_password.take(), settings.push_user.as_ref());
    Layer { password, push_password, ..settings }
}

/// Returns the name of a user's entry in the keyring: `USER@HOST`, the host in small letters, with its port
/// only where that is not the one of every cluster.
pub fn account(user: &str, host: &str) -> String {
    format!("{user}@{}", normalize_host(host))
}

/// Takes the passwords out of a section whose users are others than the ones that count.
fn of_its_users(mut section: Layer, upper: &Layer) -> Layer {
    if differ(upper.username.as_ref(), section.username.as_ref()) {
        section.password = None;
    }
    if differ(upper.push_user.as_ref(), section.push_user.as_ref()) {
        section.push_password = None;
        section.allow_privileged_push_user = None;
    }
    section
}

/// Returns whether two names are given that are not the same.
fn differ(one: Option<&String>, other: Option<&String>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

/// Puts flags, environment and config section together for a push that asks no cluster.
///
/// The device at an address gets the push user's password, and nothing shows that it belongs to the
/// section's cluster. So of the section only what is about this machine counts.
pub fn resolve_without_cluster(
    flags: Layer,
    environment: Layer,
    section: Option<Section>,
) -> Layer {
    let section = section.map(|section| section.layer.about_this_machine()).unwrap_or_default();
    flags.over(environment).over(section)
}

/// Returns whether a host that was given is the host of the section, or leaves it to the section.
fn is_host_of(given: Option<&String>, own: Option<&String>) -> bool {
    match (given, own) {
        (Some(given), Some(own)) => is_same_host(given, own),
        (None, _) | (_, None) => true,
    }
}

pub(super) fn is_same_host(one: &str, other: &str) -> bool {
    normalize_host(one) == normalize_host(other)
}

/// Returns a host in small letters, without the port that every server of a cluster has.
fn normalize_host(text: &str) -> String {
    let text = host_of_url(text).to_lowercase();
    let has_port = text.starts_with('[') || text.matches(':').count() == 1;
    let host = if has_port { text.strip_suffix(":8443").unwrap_or(&text) } else { &text };
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    inner.unwrap_or(host).to_owned()
}

/// What the environment may add to a section that was asked for by name: nothing that the section says
/// itself, and no password of another server or another user.
fn environment_for(environment: Layer, flags: &Layer, section: &Layer) -> Layer {
    let mut environment = environment;
    let is_other_server = !is_host_of(environment.host.as_ref(), section.host.as_ref());
    let user = flags.username.as_ref().or(section.username.as_ref());
    let is_other_user = differ(environment.username.as_ref(), user);
    if is_other_server || is_other_user || section.password.is_some() {
        environment.password = None;
    }
    if is_other_server || section.username.is_some() {
        environment.username = None;
    }
    let push_user = flags.push_user.as_ref().or(section.push_user.as_ref());
    let is_other_push_user = differ(environment.push_user.as_ref(), push_user);
    if is_other_server || is_other_push_user || section.push_password.is_some() {
        environment.push_password = None;
    }
    if is_other_server || section.push_user.is_some() {
        environment.push_user = None;
    }
    if section.host.is_some() {
        environment.host = None;
    }
    environment
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::{KeyringEntry, environment};

    fn prod(is_typed: bool) -> Option<Section> {
        let layer = Layer {
            host: Some("prod".into()),
            username: Some("prod-axl".into()),
            password: Some(PasswordSource::File("prod.pw".into())),
            pin_sha256: Some("AA".into()),
            ca_file: Some("prod.pem".into()),
            ris_host: Some("prod-sub".into()),
            push_user: Some("prod-push".into()),
            push_password: Some(PasswordSource::File("push.pw".into())),
            listen: Some("10.0.0.1:80".into()),
            ..Layer::default()
        };
        Some(Section { name: "prod".into(), layer, is_typed })
    }

    fn env(pairs: &'static [(&'static str, &'static str)]) -> Layer {
        environment(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn host(text: &str) -> Layer {
        Layer { host: Some(text.into()), ..Layer::default() }
    }

    fn file(layer: &Layer) -> Option<PathBuf> {
        match &layer.password {
            Some(PasswordSource::File(path)) => Some(path.clone()),
            Some(
                PasswordSource::Stdin
                | PasswordSource::Given(_)
                | PasswordSource::Variable(_)
                | PasswordSource::Command(_)
                | PasswordSource::Keyring(_),
            )
            | None => None,
        }
    }

    const OTHER: &[(&str, &str)] =
        &[("CUCM_HOST", "lab"), ("CUCM_USERNAME", "lab-axl"), ("CUCM_PASSWORD", "lab-secret")];

    #[test]
    fn a_cluster_that_is_typed_outranks_the_environment() {
        let (name, settings) = resolve(Layer::default(), env(OTHER), prod(true));
        assert_eq!(name.as_deref(), Some("prod"));
        assert_eq!(settings.host.as_deref(), Some("prod"));
        assert_eq!(settings.username.as_deref(), Some("prod-axl"));
        assert_eq!(file(&settings), Some("prod.pw".into()));
    }

    #[test]
    fn the_password_of_the_environment_is_for_its_own_server_and_user() {
        let without = || {
            let mut section = prod(true).unwrap();
            section.layer.password = None;
            Some(section)
        };
        assert!(resolve(Layer::default(), env(OTHER), without()).1.password.is_none());
        let only_password = env(&[("CUCM_PASSWORD", "x")]);
        assert!(resolve(Layer::default(), only_password, without()).1.password.is_some());
        let other_user = env(&[("CUCM_USERNAME", "somebody"), ("CUCM_PASSWORD", "x")]);
        let (_, settings) = resolve(Layer::default(), other_user, without());
        assert!(settings.password.is_none());
        assert_eq!(settings.username.as_deref(), Some("prod-axl"));
    }

    #[test]
    fn another_host_inherits_neither_secrets_nor_trust_nor_the_name() {
        for (flags, environment, typed) in [
            (Layer::default(), env(OTHER), false),
            (host("lab"), Layer::default(), false),
            (host("lab"), Layer::default(), true),
        ] {
            let (name, settings) = resolve(flags, environment, prod(typed));
            assert_eq!(name, None);
            assert_eq!(settings.host.as_deref(), Some("lab"));
            assert_eq!(file(&settings), None);
            assert_ne!(settings.username.as_deref(), Some("prod-axl"));
            let Layer { pin_sha256, ca_file, ris_host, push_user, push_password, .. } = settings;
            assert!(pin_sha256.is_none() && ca_file.is_none() && ris_host.is_none());
            assert!(push_user.is_none() && push_password.is_none());
            assert_eq!(settings.listen.as_deref(), Some("10.0.0.1:80"));
        }
    }

    #[test]
    fn a_password_command_never_runs_for_another_host() {
        let command = || {
            let words = vec!["pass".to_owned()];
            crate::config::PasswordCommand::new(words, std::path::Path::new("/"))
                .map(PasswordSource::Command)
        };
        let section = |typed| {
            let mut section = prod(typed).unwrap();
            (section.layer.password, section.layer.push_password) = (command(), command());
            Some(section)
        };
        let runs = |settings: &Layer| {
            let is_command = |source: &Option<PasswordSource>| {
                matches!(source, Some(PasswordSource::Command(_)))
            };
            (is_command(&settings.password), is_command(&settings.push_password))
        };
        for typed in [false, true] {
            let (_, settings) = resolve(host("lab"), Layer::default(), section(typed));
            assert_eq!(runs(&settings), (false, false));
            let alone = resolve_without_cluster(Layer::default(), Layer::default(), section(typed));
            assert_eq!(runs(&alone), (false, false));
            let (_, settings) = resolve(host("prod"), Layer::default(), section(typed));
            assert_eq!(runs(&settings), (true, true));
        }
    }

    #[test]
    fn a_password_is_not_for_another_user() {
        let flags = Layer {
            username: Some("me".into()),
            push_user: Some("mine".into()),
            ..Layer::default()
        };
        let (_, settings) = resolve(flags, Layer::default(), prod(true));
        assert!(settings.password.is_none() && settings.push_password.is_none());
        let flags = Layer { username: Some("prod-axl".into()), ..Layer::default() };
        let (_, settings) = resolve(flags, Layer::default(), prod(true));
        assert!(settings.password.is_some() && settings.push_password.is_some());
    }

    #[test]
    fn the_push_user_of_a_typed_cluster_is_its_own() {
        let theirs = &[("PHONE_USERNAME", "lab-push"), ("PHONE_PASSWORD", "lab-secret")];
        let (_, settings) = resolve(Layer::default(), env(theirs), prod(true));
        assert_eq!(settings.push_user.as_deref(), Some("prod-push"));
        assert!(matches!(settings.push_password, Some(PasswordSource::File(_))));
        let mut without = prod(true).unwrap();
        without.layer.push_password = None;
        let (_, settings) = resolve(Layer::default(), env(theirs), Some(without.clone()));
        assert!(settings.push_password.is_none(), "the password of another push user");
        let only_password = env(&[("PHONE_PASSWORD", "x")]);
        let (_, settings) = resolve(Layer::default(), only_password, Some(without));
        assert!(settings.push_password.is_some());
    }

    #[test]
    fn without_a_cluster_only_what_is_about_this_machine_comes_from_a_section() {
        for typed in [false, true] {
            let settings = resolve_without_cluster(Layer::default(), env(OTHER), prod(typed));
            assert!(settings.push_user.is_none() && settings.push_password.is_none());
            assert_eq!(settings.listen.as_deref(), Some("10.0.0.1:80"));
        }
        let flags = Layer { push_user: Some("bgpush".into()), ..Layer::default() };
        let settings = resolve_without_cluster(flags, env(&[("PHONE_PASSWORD", "x")]), None);
        assert_eq!(settings.push_user.as_deref(), Some("bgpush"));
        assert!(settings.push_password.is_some());
    }

    #[test]
    fn an_entry_of_the_keyring_is_that_of_the_user_and_the_host_that_count() {
        let section = |user: Option<&str>| {
            let entry = |is_push| Some(PasswordSource::Keyring(KeyringEntry::new("prod", is_push)));
            let layer = Layer {
                host: Some("PROD:8443".into()),
                username: user.map(str::to_owned),
                password: entry(false),
                push_password: entry(true),
                ..Layer::default()
            };
            Some(Section { name: "prod".into(), layer, is_typed: false })
        };
        let shown = |source: Option<PasswordSource>| source.map(|source| source.to_string());
        let flags = Layer { push_user: Some("p".into()), ..Layer::default() };
        let (_, settings) = resolve(flags, Layer::default(), section(Some("me")));
        assert_eq!(shown(settings.password).unwrap(), "the entry me@prod of the keyring");
        assert_eq!(shown(settings.push_password).unwrap(), "the entry p@prod of the keyring");
        let you = || Layer { username: Some("you".into()), ..Layer::default() };
        let (_, settings) = resolve(you(), Layer::default(), section(Some("me")));
        assert_eq!(shown(settings.password), None, "another user's entry");
        let (_, settings) = resolve(you(), Layer::default(), section(None));
        assert_eq!(shown(settings.password).unwrap(), "the entry you@prod of the keyring");
        let (_, settings) = resolve(host("other"), Layer::default(), section(None));
        assert_eq!(shown(settings.password), None, "another server's entry");
        assert_eq!(account("a", "[2001:DB8::1]:8443"), "a@2001:db8::1");
        assert_eq!(account("a", "pub:9443"), "a@pub:9443");
    }

    #[test]
    fn the_same_host_in_other_words_is_the_section() {
        for same in ["prod", "PROD:8443", "prod:8443", "https://prod:8443/ccmadmin"] {
            let (name, settings) = resolve(host(same), Layer::default(), prod(false));
            assert_eq!(name.as_deref(), Some("prod"), "{same}");
            assert_eq!(file(&settings), Some("prod.pw".into()));
        }
        assert!(is_same_host("[2001:DB8::1]:8443", "2001:db8::1"));
        assert!(!is_same_host("2001:db8::8443", "2001:db8:"));
        assert_eq!(resolve(host("prod:9443"), Layer::default(), prod(false)).0, None);
    }

    fn layer_of(
        whose: &str,
        [host, user, push_user]: [Option<&str>; 3],
        has_password: bool,
    ) -> Layer {
        let password = has_password.then(|| PasswordSource::Variable(whose.to_owned()));
        Layer {
            host: host.map(str::to_owned),
            username: user.map(str::to_owned),
            push_user: push_user.map(str::to_owned),
            password: password.clone(),
            push_password: password,
            ..Layer::default()
        }
    }

    fn owner(source: Option<&PasswordSource>) -> Option<&str> {
        match source {
            Some(PasswordSource::Variable(whose)) => Some(whose),
            Some(
                PasswordSource::File(_)
                | PasswordSource::Stdin
                | PasswordSource::Given(_)
                | PasswordSource::Command(_)
                | PasswordSource::Keyring(_),
            )
            | None => None,
        }
    }

    proptest::proptest! {
        #[test]
        fn the_passwords_of_a_section_stay_with_its_host_and_its_users(
            hosts in proptest::array::uniform3(proptest::option::of(0..2_usize)),
            users in proptest::array::uniform3(proptest::option::of(0..2_usize)),
            given in proptest::array::uniform3(proptest::bool::ANY),
            typed in proptest::bool::ANY,
        ) {
            let names = |at: usize| [
                hosts[at].map(|n| ["one", "two"][n]),
                users[at].map(|n| ["me", "you"][n]),
                users[at].map(|n| ["bg", "push"][n]),
            ];
            let section = layer_of("section", names(2), given[2]);
            let environment = layer_of("environment", names(1), given[1]);
            let flags = layer_of("flags", names(0), given[0]);
            let whole = Section { name: "s".into(), layer: section.clone(), is_typed: typed };
            let (name, settings) = resolve(flags, environment.clone(), Some(whole));
            let is_its_host = is_host_of(settings.host.as_ref(), section.host.as_ref());
            proptest::prop_assert_eq!(name.is_some(), is_its_host);
            for (whose, user, own) in [
                (owner(settings.password.as_ref()), &settings.username, &section.username),
                (owner(settings.push_password.as_ref()), &settings.push_user, &section.push_user),
            ] {
                if whose == Some("section") {
                    proptest::prop_assert!(is_its_host && !differ(user.as_ref(), own.as_ref()));
                }
                // A cluster that was asked for by name gets no password of another server.
                if whose == Some("environment") && typed && name.is_some() {
                    proptest::prop_assert!(is_host_of(environment.host.as_ref(), section.host.as_ref()));
                }
            }
        }
    }
}
