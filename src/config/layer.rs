//! Puts layers of settings on top of each other, and remembers where each value comes from.

use std::collections::BTreeMap;

use super::origin::{Origin, option};
use super::settings::Layer;

impl Layer {
    /// Puts this layer on top of a lower one.
    ///
    /// Trust is one setting: a layer that names a pin, a CA file or `insecure` does not inherit the others.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        let mut lower = lower;
        if self.pin_sha256.is_some() || self.insecure.is_some() || self.ca_file.is_some() {
            (lower.pin_sha256, lower.insecure, lower.ca_file) = (None, None, None);
        }
        // As is the trust in phones.
        if self.phone_ca_file.is_some() || self.phone_tls.is_some() {
            (lower.phone_ca_file, lower.phone_tls) = (None, None);
        }
        let origins = self.origins_over(&lower);
        Self { origins, ..self.or(lower) }
    }

    /// Records where the values of this layer come from; `name` returns it for a key.
    #[must_use]
    pub fn from_source<O: Into<Origin>>(mut self, name: impl Fn(&'static str) -> O) -> Self {
        let given: Vec<_> = self.given().map(|key| (key, name(key).into())).collect();
        self.origins.extend(given);
        self
    }

    /// Describes where the value of a key comes from: an option, a variable or a key of the config file.
    pub fn origin(&self, key: &'static str) -> String {
        self.origins.get(key).map_or_else(|| option(key), ToString::to_string)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment;

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
