//! Change notification: `listChange` returns what changed in the configuration of the cluster, in order.
//!
//! The cluster numbers changes in a queue in memory, which holds 100,000 of them and begins anew, under another identity,
//! whenever the AXL service restarts (AXL Developer Guide, "Data Change Notification"). Every fault of this call means that
//! changes may have been missed.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::client::AxlClient;
use super::error::AxlError;
use super::operation::Operation;
use super::version::AxlVersion;
use crate::soap::scalar;

/// Objects whose changes can be asked for, as the enumeration `XChangeType` names them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum ObjectType {
    Phone,
    User,
    AppUser,
    CommonPhoneConfig,
    DevicePool,
    /// Since 11.5. No source says whether phones at a desk raise it.
    RegistrationDynamic,
}

impl ObjectType {
    pub const ALL: [Self; 6] = [
        Self::Phone,
        Self::User,
        Self::AppUser,
        Self::CommonPhoneConfig,
        Self::DevicePool,
        Self::RegistrationDynamic,
    ];

    /// Returns those that a version of AXL knows; a request with another one is refused by the schema.
    pub fn of_version(version: AxlVersion) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |object| match object {
            Self::RegistrationDynamic => version >= AxlVersion::V11_5,
            Self::Phone
            | Self::User
            | Self::AppUser
            | Self::CommonPhoneConfig
            | Self::DevicePool => true,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "Phone",
            Self::User => "User",
            Self::AppUser => "AppUser",
            Self::CommonPhoneConfig => "CommonPhoneConfig",
            Self::DevicePool => "DevicePool",
            Self::RegistrationDynamic => "RegistrationDynamic",
        }
    }

    /// Cisco's examples differ in the case of letters.
    fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|object| object.as_str().eq_ignore_ascii_case(text.trim()))
    }
}

/// A place in the queue: everything before it has been read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ChangeCursor {
    /// The identity of the queue.
    pub queue: String,
    /// The number of the first change that has not been read.
    pub next: i64,
}

/// `listChange`
#[derive(Clone, Debug, Serialize)]
pub struct ListChange {
    #[serde(rename = "startChangeId", skip_serializing_if = "Option::is_none")]
    start: Option<StartChangeId>,
    #[serde(rename = "objectList")]
    objects: ObjectList,
}

#[derive(Clone, Debug, Serialize)]
struct StartChangeId {
    #[serde(rename = "@queueId")]
    queue: String,
    #[serde(rename = "$text")]
    id: i64,
}

#[derive(Clone, Debug, Serialize)]
struct ObjectList {
    object: Vec<ObjectType>,
}

impl ListChange {
    /// Asks for the state of the queue. The response can hold every change of the objects that are named, so only one kind
    /// is, which changes rarely and which every version knows.
    pub fn state() -> Self {
        Self { start: None, objects: ObjectList { object: vec![ObjectType::CommonPhoneConfig] } }
    }

    /// Asks for the changes from a place on.
    pub fn since(cursor: &ChangeCursor, version: AxlVersion) -> Self {
        let start = StartChangeId { queue: cursor.queue.clone(), id: cursor.next };
        let object = ObjectType::of_version(version).collect();
        Self { start: Some(start), objects: ObjectList { object } }
    }
}

impl Operation for ListChange {
    const NAME: &'static str = "listChange";
    type Output = ChangesPage;

    /// Its response has no element `return` (AXL schema).
    fn read_response<'de, D: Deserializer<'de>>(element: D) -> Result<Self::Output, D::Error> {
        ChangesPage::deserialize(element)
    }
}

/// A response of `listChange`: a page of changes, and the state of the queue.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct ChangesPage {
    #[serde(rename = "queueInfo")]
    queue: QueueInfo,
    changes: Changes,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct QueueInfo {
    #[serde(rename = "queueId", deserialize_with = "scalar::text_or_empty")]
    id: String,
    #[serde(rename = "lastChangeId", deserialize_with = "scalar::number")]
    last: Option<i64>,
    #[serde(rename = "nextStartChangeId", deserialize_with = "scalar::number")]
    next: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Changes {
    change: Vec<Change>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Change {
    #[serde(rename = "@type", deserialize_with = "scalar::text_or_empty")]
    kind: String,
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    uuid: Option<String>,
    #[serde(deserialize_with = "scalar::text_or_empty")]
    action: String,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ChangeAction {
    /// It was added or updated.
    Changed,
    Removed,
}

impl ChangesPage {
    /// Returns whether the cluster has a queue: it has an identity then.
    pub fn has_queue(&self) -> bool {
        !self.queue.id.trim().is_empty()
    }

    /// Returns the end of the queue; nothing where there is none.
    pub fn end(&self) -> Option<ChangeCursor> {
        let QueueInfo { id, last, next } = &self.queue;
        // A page can end before the queue does.
        let after_last = last.map(|last| last.saturating_add(1));
        let next = after_last.max(*next).unwrap_or(1);
        self.has_queue().then(|| ChangeCursor { queue: id.trim().to_owned(), next })
    }
}

/// Changed objects, each once with what became of it last, by type and UUID. A UUID is in lower case without braces.
pub type ChangedObjects = BTreeMap<(ObjectType, String), ChangeAction>;

/// Why the changes since a place are not known: everything must be read anew.
#[derive(Debug, thiserror::Error)]
pub enum ChangesLost {
    /// The cluster began another queue.
    #[error("the cluster began another queue of changes (its AXL service restarted)")]
    OtherQueue,
    /// The place is not in the queue any more, the queue is switched off, or the cluster cannot be asked.
    #[error("the cluster does not say what changed")]
    Failed(#[from] AxlError),
    /// Pages do not come to an end.
    #[error("the pages of changes have no end")]
    Endless,
}

/// Reads all changes since a place, to the end of their pages. Returns them with the new place.
///
/// # Errors
/// When changes may have been missed.
pub async fn changes_since(
    axl: &AxlClient,
    cursor: &ChangeCursor,
) -> Result<(ChangedObjects, ChangeCursor), ChangesLost> {
    let (mut changed, mut cursor) = (ChangedObjects::new(), cursor.clone());
    for _ in 0..MOST_PAGES {
        let page = axl.call(&ListChange::since(&cursor, axl.version())).await?;
        if page.queue.id.trim() != cursor.queue {
            return Err(ChangesLost::OtherQueue);
        }
        for change in page.changes.change {
            let (Some(object), Some(uuid)) = (ObjectType::named(&change.kind), change.uuid) else {
                continue;
            };
            let action = match change.action.trim() {
                "r" | "R" => ChangeAction::Removed,
                _ => ChangeAction::Changed,
            };
            let uuid = uuid.trim_matches(['{', '}']).to_ascii_lowercase();
            changed.insert((object, uuid), action);
        }
        let QueueInfo { last, next, .. } = page.queue;
        let next = next.or_else(|| last?.checked_add(1)).unwrap_or(cursor.next);
        let is_paged = last.is_some_and(|last| last >= next);
        let moves = next > cursor.next;
        cursor.next = next.max(cursor.next);
        match (is_paged, moves) {
            (false, _) => return Ok((changed, cursor)),
            (true, true) => {}
            (true, false) => return Err(ChangesLost::Endless),
        }
    }
    Err(ChangesLost::Endless)
}

/// A queue of 100,000 changes in pages of 100.
const MOST_PAGES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axl::operation::{envelope, read_response};

    fn page(inner: &str) -> ChangesPage {
        let body = format!(
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>\
             <ns:listChangeResponse xmlns:ns=\"http://www.cisco.com/AXL/API/15.0\">{inner}</ns:listChangeResponse>\
             </soapenv:Body></soapenv:Envelope>"
        );
        read_response::<ListChange>(200, Some("text/xml"), body.as_bytes()).unwrap()
    }

    #[test]
    fn a_queue_is_known_by_its_identity_and_its_end() {
        let changes = "<changes><change type=\"CommonPhoneConfig\" uuid=\"{1}\"><id>7</id></change></changes>";
        let queue = "<firstChangeId>1</firstChangeId><lastChangeId>10000</lastChangeId><queueId> DdkN </queueId>";
        for (more, next) in [
            ("", 10_001),
            ("<nextStartChangeId>1001</nextStartChangeId>", 10_001),
            ("<nextStartChangeId>10001</nextStartChangeId>", 10_001),
        ] {
            let page = page(&format!("<queueInfo>{queue}{more}</queueInfo>{changes}"));
            assert_eq!(page.end(), Some(ChangeCursor { queue: "DdkN".to_owned(), next }));
        }
        let empty = page("<queueInfo><queueId>Q</queueId><nextStartChangeId/></queueInfo>");
        assert_eq!(empty.end().unwrap().next, 1);
        for none in ["<queueInfo><queueId/></queueInfo>", "<queueInfo/>", ""] {
            assert!(!page(none).has_queue() && page(none).end().is_none());
        }
    }

    #[test]
    fn types_are_read_in_any_case_and_what_is_missing_is_nothing() {
        let page = page(
            "<queueInfo><queueId>Q</queueId></queueInfo><changes>\
             <change type=\"phone\" uuid=\"{0A-B}\"><id>1</id><action>a</action><doGet>true</doGet></change>\
             <change type=\"physicalLocation\" uuid=\"{2}\"><action>u</action><changedTags><changedTag name=\"x\"/></changedTags></change>\
             <change type=\"AppUser\"/></changes>",
        );
        let kinds: Vec<_> =
            page.changes.change.iter().map(|one| ObjectType::named(&one.kind)).collect();
        assert_eq!(kinds, [Some(ObjectType::Phone), None, Some(ObjectType::AppUser)]);
        assert_eq!(page.changes.change[0].uuid.as_deref(), Some("{0A-B}"));
        assert_eq!((&*page.changes.change[0].action, &page.changes.change[2].uuid), ("a", &None));
    }

    #[test]
    fn a_request_names_its_place_and_what_the_version_knows() {
        let cursor = ChangeCursor { queue: "Q&1".to_owned(), next: 10_001 };
        let text = envelope("15.0", &ListChange::since(&cursor, AxlVersion::V15_0)).unwrap();
        let start = "<startChangeId queueId=\"Q&amp;1\">10001</startChangeId><objectList><object>Phone</object>";
        assert!(
            text.contains(start) && text.contains("<object>RegistrationDynamic</object>"),
            "{text}"
        );
        let state = envelope("15.0", &ListChange::state()).unwrap();
        assert!(
            state.contains("<objectList><object>CommonPhoneConfig</object></objectList>"),
            "{state}"
        );
        assert!(!state.contains("startChangeId"), "{state}");
    }
}
