//! The product-specific settings of a phone or a profile.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::scalar::Loose;

/// The content of `vendorConfig`: settings that differ from model to model, in the server's order.
///
/// Only settings that were changed or saved are there, their spelling differs between models, and the
/// schema does not define them (seen in published captures).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct VendorConfig {
    pub entries: Vec<(String, String)>,
}

impl VendorConfig {
    /// Returns the value of a setting; the name is compared without case.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut entries = self.entries.iter();
        entries.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl<'de> Deserialize<'de> for VendorConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(VendorConfigVisitor)
    }
}

struct VendorConfigVisitor;

impl<'de> Visitor<'de> for VendorConfigVisitor {
    type Value = VendorConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<VendorConfig, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let Loose(value) = map.next_value()?;
            // Attributes and text between the elements are no settings.
            if !key.starts_with(['@', '$']) {
                entries.push((key, value));
            }
        }
        Ok(VendorConfig { entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_repeats() {
        let config: VendorConfig = quick_xml::de::from_str(
            "<vendorConfig x=\"1\"><webAccess>0</webAccess> <b/><a>R&amp;D</a><b>2</b>\
             <nested><inner>1</inner></nested></vendorConfig>",
        )
        .unwrap();
        let expected = [("webAccess", "0"), ("b", ""), ("a", "R&D"), ("b", "2"), ("nested", "")];
        let expected: Vec<_> =
            expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(config.entries, expected);
        assert_eq!(config.get("WEBACCESS"), Some("0"));
    }
}
