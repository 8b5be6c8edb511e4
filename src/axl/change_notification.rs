//! Change notification: whether the cluster records changes of its configuration, so that programs can follow them.

use serde::{Deserialize, Deserializer, Serialize};

use super::operation::Operation;

/// `listChange` without a number to begin from, which asks for the state of the record.
///
/// The response can hold every recorded change of the objects that are named, so only one kind is, which changes
/// rarely and which every version knows.
#[derive(Clone, Debug, Serialize)]
pub struct ListChange {
    #[serde(rename = "objectList")]
    objects: ObjectList,
}

#[derive(Clone, Debug, Serialize)]
struct ObjectList {
    object: &'static str,
}

impl Default for ListChange {
    fn default() -> Self {
        Self { objects: ObjectList { object: "CommonPhoneConfig" } }
    }
}

impl Operation for ListChange {
    const NAME: &'static str = "listChange";
    type Output = RecordedChanges;

    /// Its response has no element `return` (AXL schema).
    fn read_response<'de, D: Deserializer<'de>>(element: D) -> Result<Self::Output, D::Error> {
        RecordedChanges::deserialize(element)
    }
}

/// The state of the record; the changes themselves are not read.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct RecordedChanges {
    #[serde(rename = "queueInfo")]
    queue: QueueInfo,
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
struct QueueInfo {
    #[serde(rename = "queueId")]
    id: String,
}

impl RecordedChanges {
    /// Returns whether there is a record: it has an identity then.
    pub fn is_kept(&self) -> bool {
        !self.queue.id.trim().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axl::operation::read_response;

    #[test]
    fn a_record_is_known_by_its_identity() {
        let kept = |inner: &str| {
            let body = format!(
                "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>\
                 <ns:listChangeResponse xmlns:ns=\"http://www.cisco.com/AXL/API/15.0\">{inner}</ns:listChangeResponse>\
                 </soapenv:Body></soapenv:Envelope>"
            );
            let changes = read_response::<ListChange>(200, Some("text/xml"), body.as_bytes());
            changes.unwrap().is_kept()
        };
        let changes = "<changes><change type=\"CommonPhoneConfig\" uuid=\"{1}\"><id>7</id></change></changes>";
        assert!(kept(&format!(
            "<queueInfo><lastChangeId>7</lastChangeId><queueId>DdkN</queueId></queueInfo>{changes}"
        )));
        assert!(!kept("<queueInfo><queueId/></queueInfo>") && !kept("<queueInfo/>") && !kept(""));
    }
}
