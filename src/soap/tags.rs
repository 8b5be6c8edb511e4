//! Which fields an answer shall hold.

use serde::ser::{Serialize, SerializeMap as _, Serializer};

/// The content of `returnedTags`: one empty element for every field that is wanted.
///
/// AXL checks their order against its schema, so they must stand in the schema's order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReturnedTags(pub &'static [&'static str]);

impl Serialize for ReturnedTags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for tag in self.0 {
            if *tag == ASSOCIATED_DEVICES {
                map.serialize_entry(tag, &AnyDevice { device: "%" })?;
            } else {
                map.serialize_entry(tag, "")?;
            }
        }
        map.end()
    }
}

/// The tag whose content is a list: published requests that are known to work put `%` into it.
pub const ASSOCIATED_DEVICES: &str = "associatedDevices";

#[derive(serde::Serialize)]
struct AnyDevice {
    device: &'static str,
}
