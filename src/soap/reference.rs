//! References to other objects, and the load information, as AXL answers them.

use serde::{Deserialize, Serialize};

use super::scalar;

/// A reference to another object by name (`XFkType` of the AXL schema).
///
/// An unset reference comes as an empty element, with an empty `uuid`, or with `xsi:nil`; all of them
/// read as an empty reference.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct Reference {
    #[serde(rename = "$text", deserialize_with = "scalar::text")]
    pub name: Option<String>,
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
}

impl Reference {
    pub fn into_name(self) -> Option<String> {
        self.name
    }
}

/// The firmware that a phone is configured to run (`XLoadInformation` of the AXL schema).
///
/// What it really runs is RisPort's `ActiveLoadID`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct LoadInformation {
    #[serde(rename = "$text", deserialize_with = "scalar::text")]
    pub name: Option<String>,
    /// Whether this load was set for this phone, instead of the default of its model.
    #[serde(rename = "@special", deserialize_with = "scalar::boolean")]
    pub special: Option<bool>,
}

/// Devices by name, as `associatedDevices` holds them.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct DeviceNames {
    /// The names, exactly as CUCM has them.
    #[serde(default)]
    pub device: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Row {
        pool: Reference,
        load: LoadInformation,
    }

    #[test]
    fn reads_set_and_unset_references() {
        let xsi = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
        let row: Row = quick_xml::de::from_str(
            "<r><pool uuid=\"{A}\">HQ &amp; Lab</pool><load special=\"f\">sip88xx.1</load></r>",
        )
        .unwrap();
        assert_eq!(row.pool.name.as_deref(), Some("HQ & Lab"));
        assert_eq!(row.pool.uuid.as_deref(), Some("{A}"));
        assert_eq!(row.load.special, Some(false));
        for unset in [
            "<r/>".to_owned(),
            "<r><pool/><load/></r>".to_owned(),
            "<r><pool uuid=\"\"/></r>".to_owned(),
            format!("<r><pool {xsi} xsi:nil=\"true\" uuid=\"\"/></r>"),
            format!("<r {xsi}><pool xsi:nil=\"1\"/><load xsi:nil=\"true\"/></r>"),
        ] {
            let row: Row = quick_xml::de::from_str(&unset).unwrap();
            assert_eq!(row, Row::default(), "{unset}");
        }
    }
}
