//! Config files, good and bad.

use super::*;
use crate::config::keys::ValuePlace;
use crate::config::template::tests::switched_on;
use crate::config::{Given, PasswordSource, template};
use crate::domain::association::UserKind;

fn parsed(text: &str) -> Result<FileConfig, ConfigError> {
    FileConfig::parse(text, Path::new("/etc/axlpaper/config.toml"))
}

fn refused(text: &str) -> String {
    parsed(text).unwrap_err().to_string()
}

fn layer(text: &str, cluster: &str) -> Layer {
    parsed(text).unwrap().section(Some(cluster)).unwrap().unwrap().layer
}

#[test]
fn a_single_cluster_needs_no_name() {
    let config = parsed("[cluster.lab]\nhost = \"pub\"\npush_user_kind = \"app\"\n").unwrap();
    let Section { name, layer, is_typed } = config.section(None).unwrap().unwrap();
    assert_eq!((name.as_str(), is_typed), ("lab", false));
    assert_eq!(layer.host.as_deref(), Some("pub"));
    assert_eq!(layer.push_user_kind, Some(UserKind::App));
}

#[test]
fn several_clusters_need_a_name_or_a_default() {
    let text = "[cluster.lab]\nhost = \"a\"\n[cluster.prod]\nhost = \"b\"\n";
    assert!(parsed(text).unwrap().section(None).unwrap().is_none());
    let config = parsed(&format!("default_cluster = \"prod\"\n{text}")).unwrap();
    assert_eq!(config.section(None).unwrap().unwrap().layer.host.as_deref(), Some("b"));
    let error = config.section(Some("prd")).unwrap_err().to_string();
    assert!(error.contains("did you mean prod?"), "{error}");
    let error = config.section(Some("zzz")).unwrap_err().to_string();
    assert!(error.ends_with("it has lab, prod"), "{error}");
    assert_eq!(config.clusters().collect::<Vec<_>>(), ["lab", "prod"]);
}

#[test]
fn what_a_cluster_says_counts_more_than_the_defaults() {
    let text = "[defaults]\nris_rate = 5\nusername = \"all\"\nca_file = \"ca.pem\"\n\
                [cluster.a]\nris_rate = 7\npin_sha256 = \"AA\"\n[cluster.b]\nhost = \"b\"\n";
    let (a, b) = (layer(text, "a"), layer(text, "b"));
    assert_eq!((a.ris_rate, b.ris_rate), (Some(7), Some(5)));
    assert_eq!(a.username.as_deref(), Some("all"));
    assert_eq!((a.ca_file, b.ca_file), (None, Some("/etc/axlpaper/ca.pem".into())));
    assert_eq!(b.origins["ris_rate"].short(), "/etc/axlpaper/config.toml:2 [defaults]");
    assert_eq!(a.origins["ris_rate"].short(), "/etc/axlpaper/config.toml:6 [cluster.a]");
}

#[test]
fn only_what_is_about_this_machine_counts_for_a_host_without_a_table() {
    let machine = parsed("[defaults]\ntimeout = 9\nusername = \"all\"\npush_user = \"p\"\n")
        .unwrap()
        .machine();
    assert_eq!(machine.timeout, Some(9));
    assert!(machine.username.is_none() && machine.push_user.is_none());
}

#[test]
fn unknown_keys_are_told_all_at_once_with_their_lines() {
    let error = refused("[cluster.lab]\nhots = \"pub\"\nusrname = \"x\"\n[cluster.b]\nzz = 1\n");
    for told in ["line 2: the key `hots`", "`host`?", "line 3", "`username`?", "line 5"] {
        assert!(error.contains(told), "{told}: {error}");
    }
}

#[test]
fn errors_name_key_and_line_and_quote_no_line() {
    let error = refused("[cluster.lab]\n\ntimeout = \"soon\"\n");
    assert!(
        error.contains("line 3: `timeout` in [cluster.lab]: it must be a whole number"),
        "{error}"
    );
    for text in [
        "[cluster.lab]\npassword = \"hunter2\"\n",
        "[cluster.lab]\npassword = hunter2\n",
        "[cluster.lab]\npassword_file = \"x\" hunter2\n",
        "[cluster.lab]\npassword = \"hunter2\n",
    ] {
        let error = refused(text);
        assert!(error.contains("line 2") && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_password_has_one_source() {
    let error =
        refused("[cluster.lab]\npassword_file = \"a\"\nhost = \"h\"\npassword_env = \"B\"\n");
    assert!(error.contains("`password_file` and `password_env`"), "{error}");
    assert!(error.contains("line 4") && error.contains("[cluster.lab]"), "{error}");
    let push =
        refused("[cluster.lab]\npush_password_env = \"A\"\npush_password_command = [\"b\"]\n");
    assert!(push.contains("`push_password_env` and `push_password_command`"), "{push}");
    let keyring = refused("[cluster.lab]\npassword_file = \"a\"\npassword_keyring = true\n");
    assert!(keyring.contains("`password_file` and `password_keyring`"), "{keyring}");
    parsed("[cluster.lab]\npassword_file = \"a\"\npassword_keyring = false\n").unwrap();
    // The two users' passwords may come from different places.
    parsed("[cluster.lab]\npassword_env = \"A\"\npush_password_file = \"b\"\n").unwrap();
}

#[test]
fn sources_that_are_none_are_refused() {
    for (line, word) in [
        ("password_file = \"\"", "is empty"),
        ("password_env = \"A=B\"", "variable"),
        ("password_command = []", "no program"),
        ("push_password_command = [\"\", \"x\"]", "no program"),
        ("password_command = \"pass show\"", "a list in brackets"),
        ("password_keyring = \"lab\"", "true or false"),
    ] {
        let error = refused(&format!("[cluster.lab]\n{line}\n"));
        assert!(error.contains(word) && error.contains("line 2"), "{error}");
    }
}

#[test]
fn no_password_stands_in_the_defaults() {
    for key in KEYS.iter().filter(|key| key.is_of_cluster() && key.is_one_of_several()) {
        let error = refused(&format!("[defaults]\n{} = {}\n", key.name, key.example));
        assert!(error.contains("line 2") && error.contains("belongs to one cluster"), "{error}");
    }
}

#[test]
fn a_list_of_values_is_no_table() {
    // Types that are read by name can be read by place too, which would pass the list of keys by.
    for text in
        ["defaults = [\"h\", \"u\", \"file\"]\n", "[cluster]\na = [\"h\", \"u\", \"file\"]\n"]
    {
        assert!(refused(text).contains("is not a table"), "{text}");
    }
}

#[test]
fn files_are_beside_the_config_file() {
    let text = "[cluster.lab]\npassword_file = \"pw\"\nca_file = \"/etc/ca.pem\"\ntimeout = 0\n";
    let layer = layer(text, "lab");
    assert!(
        matches!(&layer.password, Some(PasswordSource::File(file)) if file == Path::new("/etc/axlpaper/pw"))
    );
    assert_eq!(layer.ca_file, Some("/etc/ca.pem".into()));
    assert_eq!(
        layer.origin("timeout"),
        "`timeout` of cluster \"lab\" in /etc/axlpaper/config.toml, line 4"
    );
    assert!(layer.origin("password").starts_with("`password_file` of cluster"));
}

#[test]
fn the_template_can_be_switched_on() {
    for nth in 0..4 {
        let text = switched_on(&template(KEYS, &Given::default()), nth);
        let config = parsed(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(config.clusters().collect::<Vec<_>>(), ["lab"]);
        let layer = config.section(Some("lab")).unwrap().unwrap().layer;
        let missing: Vec<_> =
            layer.values().into_iter().filter(|(_, value)| value.is_none()).collect();
        // A pin counts alone.
        assert!(missing.iter().all(|(key, _)| *key == "ca_file"), "{missing:?}");
        for key in KEYS {
            let places = [String::new(), "[defaults]".to_owned(), "[cluster.lab]".to_owned()];
            let stands = match key.place {
                ValuePlace::Each(_) | ValuePlace::Table(_) => {
                    text.lines().any(|line| line.starts_with(&format!("{} =", key.name)))
                }
                ValuePlace::Top | ValuePlace::Cluster | ValuePlace::Shared => {
                    places.iter().any(|table| config.places.line(table, key.name).is_some())
                }
            };
            assert!(stands || key.is_one_of_several(), "{} cannot be switched on", key.name);
        }
    }
}

#[test]
fn the_examples_of_the_documentation_are_good() {
    let page = "docs/configuration.md";
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let mut seen = 0;
    for example in text.split("```toml\n").skip(1) {
        let example = example.split("```").next().unwrap();
        parsed(example).unwrap_or_else(|error| panic!("{page}: {error}\n{example}"));
        seen += 1;
    }
    assert!(seen >= 2, "only {seen} examples were found");
}

/// The names of the fields that a type is read from.
struct Fields(Vec<&'static str>);

impl<'de> serde::Deserializer<'de> for &mut Fields {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("it is no struct"))
    }

    fn deserialize_struct<V: serde::de::Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.0 = fields.to_vec();
        Err(serde::de::Error::custom("only the fields were wanted"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn fields_of<T: serde::de::DeserializeOwned>() -> Vec<&'static str> {
    let mut fields = Fields(Vec::new());
    assert!(T::deserialize(&mut fields).is_err());
    fields.0.sort_unstable();
    fields.0
}

#[test]
fn the_list_of_keys_is_what_the_file_is_read_into() {
    let mut of_clusters: Vec<&str> =
        KEYS.iter().filter(|key| key.is_of_cluster()).map(|key| key.name).collect();
    of_clusters.sort_unstable();
    assert_eq!(fields_of::<ClusterSection>(), of_clusters);
    let top = KEYS.iter().filter(|key| key.place == ValuePlace::Top).map(|key| key.name);
    let mut top: Vec<&str> = top
        .chain(template::tables(KEYS).into_iter().map(|(name, _)| name))
        .chain(["cluster", "defaults"])
        // A table within a table is read with that one.
        .filter(|name| !name.contains('.'))
        .collect();
    top.sort_unstable();
    assert_eq!(fields_of::<FileConfig>(), top);
}

#[cfg(unix)]
#[test]
fn a_file_that_everybody_may_write_names_no_commands() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    for (text, mode, is_good) in [
        ("[cluster.lab]\npassword_command = [\"pass\"]\n", 0o666, false),
        ("[cluster.lab]\npush_password_command = [\"pass\"]\n", 0o602, false),
        ("[notify]\ncommand = [\"pager\"]\n", 0o666, false),
        ("[cluster.lab]\npassword_command = [\"pass\"]\n", 0o664, true),
        ("[cluster.lab]\npassword_file = \"pass\"\n", 0o666, true),
    ] {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let loaded = FileConfig::load(&path);
        assert_eq!(loaded.is_ok(), is_good, "{text} {mode:o} {loaded:?}");
        if let Err(error) = loaded {
            assert!(matches!(error, ConfigError::Writable { .. }), "{error}");
        }
    }
}

#[test]
fn pictures_are_for_the_phones_that_their_rules_name() {
    let text = "[[image]]\ndevice_pool = \"Paris*\"\nmodel = [\"8841\", \"8851\"]\nfile = \"paris.png\"\n\
                [[image]]\nfile = \"/all.png\"\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    let rules = FileConfig::load(&path).unwrap().pictures(TimeZone::UTC, Timestamp::UNIX_EPOCH);
    let paris = folder.path().join("paris.png");
    let wanted = [("paris.png", paris.as_path()), ("/all.png", Path::new("/all.png"))];
    assert_eq!(rules.pictures(), wanted);
    for wrong in [
        "[[image]]\ndevice_pool = \"Paris\"\n",
        "[[image]]\nfile = \"a\"\ndevice_pol = \"x\"\n",
        "[[image]]\nfile = \"a\"\ndevice_pool = 3\n",
        "[[image]]\nfile = \"a\"\ndevice_pool = \"\"\n",
        "[[image]]\nfile = \"a\"\nmodel = []\n",
        "[[image]]\nfile = \"a\"\nmodel = \"8814\"\n",
        "[[image]]\nfile = \"a\"\nmodel = [\"8841\", \"CP-8841-3PCC\"]\n",
    ] {
        assert!(parsed(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn pictures_have_times() {
    let file = |times: &str| {
        format!("[[image]]\nfile = \"a.png\"\n{times}\n[[image]]\nfile = \"b.png\"\n")
    };
    let now: Timestamp = "2026-12-24T12:00:00Z".parse().unwrap();
    for (times, applies) in [
        ("from = 2026-12-24", true),
        ("from = \"2026-12-25\"", false),
        ("until = \"2026-12-24T12:00:00Z\"", false),
        ("until = 2026-12-24T14:00:00+01:00", true),
        ("every = \"12-01..01-06\"", true),
        ("every = \"01-01..11-30\"\nfrom = 2020-01-01", false),
    ] {
        let rules = parsed(&file(times)).unwrap().pictures(TimeZone::UTC, now);
        let phone = crate::domain::inventory::Phone::unknown(
            "SEP1".parse().unwrap(),
            crate::domain::registration::Registration::unknown(
                crate::domain::registration::Status::Unknown,
                crate::domain::registration::Source::None,
            ),
        );
        let rule = rules.decision(&phone).rule.unwrap();
        assert_eq!(rule.number, if applies { 1 } else { 2 }, "{times}");
    }
    for (wrong, word) in [
        ("from = \"soon\"", "line 3"),
        ("from = 08:00:00", "line 3"),
        ("from = 2026", "a date such as"),
        ("every = \"december\"", "12-01..01-06"),
        ("every = 2026-12-01", "line 3"),
        ("from = 2026-12-02\nuntil = 2026-12-01", "line 1: in [[image]] rule 1, `until`"),
    ] {
        let error = parsed(&file(wrong)).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn device_pools_have_time_zones() {
    let text = "default_time_zone = \"Asia/Tokyo\"\n[[time_zone]]\ndevice_pool = \"Paris*\"\n\
        zone = \"Europe/Paris\"\n[[time_zone]]\ndevice_pool = \"Par*\"\nzone = \"UTC\"\n";
    let zones = parsed(text).unwrap().zones(TimeZone::UTC);
    let name = |pool| zones.of(pool).iana_name().unwrap().to_owned();
    assert_eq!(["Paris 1", "Parma", "HQ"].map(name), ["Europe/Paris", "UTC", "Asia/Tokyo"]);
    let local = TimeZone::fixed(jiff::tz::offset(3));
    assert_eq!(*parsed("").unwrap().zones(local.clone()).of("HQ"), local);
    for wrong in ["default_time_zone = \"Europe/Pariss\"\n", "[[time_zone]]\nzone = \"UTC\"\n"] {
        assert!(parsed(wrong).unwrap_err().to_string().contains("line"), "{wrong}");
    }
}

#[test]
fn translated_addresses_are_one_or_a_list_and_all_of_it_is_checked() {
    let text = "[[nat]]\ndevice_pool = \"BR-*\"\nfrom = \"203.0.113.7\"\n\
                [[nat]]\nsubnet = [\"10.33.0.0/16\", \"2001:db8::/64\"]\n\
                from = [\"198.51.100.3/28\", \"::ffff:192.0.2.1\"]\n";
    let rules = serde_json::to_value(parsed(text).unwrap().machine().nat).unwrap();
    assert_eq!(rules[0]["device_pool"], serde_json::json!(["BR-*"]));
    assert_eq!(rules[0]["from"], serde_json::json!(["203.0.113.7/32"]));
    assert_eq!(rules[1]["subnet"], serde_json::json!(["10.33.0.0/16", "2001:db8::/64"]));
    assert_eq!(rules[1]["from"], serde_json::json!(["198.51.100.0/28", "192.0.2.1/32"]));
    for (wrong, words) in [
        ("device_pool = \"BR\"\n", ["line 1", "from"]),
        ("from = []\n", ["line 2", "names no address"]),
        ("from = \"0.0.0.0/0\"\n", ["line 2", "prove nothing"]),
        ("from = \"branch\"\n", ["line 2", "\"branch\" is neither an address"]),
        ("from = [\"10.0.0.1\", \"10.0.0.0/33\"]\n", ["line 2", "\"10.0.0.0/33\" is neither"]),
        ("from = 7\n", ["line 2", "an address such as"]),
        ("from = \"10.0.0.1\"\nsubnet = \"x\"\n", ["line 3", "`subnet` in [[nat]] rule 1"]),
        ("from = \"10.0.0.1\"\nsubnets = \"x\"\n", ["line 3", "did you mean `subnet`?"]),
        ("from = \"10.0.0.1\"\ndevice_pool = 3\n", ["line 3", "device_pool"]),
    ] {
        let told = refused(&format!("[[nat]]\n{wrong}"));
        for word in words {
            assert!(told.contains(word), "{wrong}: {told}");
        }
    }
}
