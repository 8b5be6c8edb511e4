//! The question `selectCmDeviceExt`.

use serde::Serialize;

use crate::domain::device_name::DeviceName;

/// The content of a `selectCmDeviceExt` request for devices by name, in the order of the RisPort70 WSDL.
///
/// Names are taken literally: unlike `selectCmDevice` this operation knows no wildcards, and it gives
/// only the latest state of each device (RisPort70 reference).
#[derive(Clone, Debug, Serialize)]
pub struct SelectCmDeviceExt {
    /// Always empty. It would make the server leave out what has not changed since; it is no cursor.
    #[serde(rename = "soap:StateInfo")]
    state_info: (),
    #[serde(rename = "soap:CmSelectionCriteria")]
    criteria: Criteria,
}

impl SelectCmDeviceExt {
    /// Asks for these devices; [`MOST_NAMES`] at most.
    pub fn named(names: &[DeviceName]) -> Self {
        let item = names.iter().map(|name| Item { item: name.as_str().to_owned() }).collect();
        Self {
            state_info: (),
            criteria: Criteria {
                max_returned_devices: MOST_NAMES,
                device_class: "Any",
                model: ANY_MODEL,
                status: "Any",
                node_name: (),
                select_by: "Name",
                select_items: Items { item },
                protocol: "Any",
                download_status: "Any",
            },
        }
    }
}

/// How many devices one question may name (RisPort70 WSDL, since release 9).
pub const MOST_NAMES: usize = 1000;

pub const OPERATION: &str = "selectCmDeviceExt";

#[derive(Clone, Debug, Serialize)]
struct Criteria {
    #[serde(rename = "soap:MaxReturnedDevices")]
    max_returned_devices: usize,
    #[serde(rename = "soap:DeviceClass")]
    device_class: &'static str,
    #[serde(rename = "soap:Model")]
    model: u32,
    #[serde(rename = "soap:Status")]
    status: &'static str,
    #[serde(rename = "soap:NodeName")]
    node_name: (),
    #[serde(rename = "soap:SelectBy")]
    select_by: &'static str,
    #[serde(rename = "soap:SelectItems")]
    select_items: Items,
    #[serde(rename = "soap:Protocol")]
    protocol: &'static str,
    #[serde(rename = "soap:DownloadStatus")]
    download_status: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Items {
    #[serde(rename = "soap:item")]
    item: Vec<Item>,
}

#[derive(Clone, Debug, Serialize)]
struct Item {
    #[serde(rename = "soap:Item")]
    item: String,
}

/// The model number that means every model (RisPort70 WSDL).
const ANY_MODEL: u32 = 255;
