//! The shapes that several requests share.

use serde::{Deserialize, Serialize};

use crate::soap::reference::DeviceNames;
use crate::soap::tags::ReturnedTags;

use super::paging::Page;

/// The content of every `list…` request, in the order of the AXL schema.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ListRequest<C> {
    #[serde(rename = "searchCriteria")]
    pub(super) criteria: C,
    #[serde(rename = "returnedTags")]
    tags: ReturnedTags,
    #[serde(skip_serializing_if = "Option::is_none")]
    skip: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u64>,
}

impl<C> ListRequest<C> {
    pub(super) fn new(criteria: C, tags: ReturnedTags) -> Self {
        Self { criteria, tags, skip: None, first: None }
    }

    pub(super) fn turn_to(&mut self, page: Page) {
        self.skip = Some(page.skip);
        self.first = Some(page.first);
    }
}

/// The content of a request for one object by its name.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NamedRequest {
    pub(super) name: String,
    #[serde(rename = "returnedTags")]
    pub(super) tags: ReturnedTags,
}

/// The content of a request that does something with one object.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ByName {
    pub(super) name: String,
}

/// The content of a request for one user.
#[derive(Clone, Debug, Serialize)]
pub(super) struct UserRequest {
    pub(super) userid: String,
    #[serde(rename = "returnedTags")]
    pub(super) tags: ReturnedTags,
}

/// The content of a request that replaces the devices of a user.
#[derive(Clone, Debug, Serialize)]
pub(super) struct DevicesOfUser {
    userid: String,
    #[serde(rename = "associatedDevices")]
    devices: DeviceNames,
}

impl DevicesOfUser {
    /// Returns nothing when there is no device in the list.
    pub(super) fn replacing(userid: String, devices: Vec<String>) -> Option<Self> {
        let has_any = devices.iter().any(|name| !name.trim().is_empty());
        has_any.then_some(Self { userid, devices: DeviceNames { device: devices } })
    }

    pub(super) fn clearing(userid: String) -> Self {
        Self { userid, devices: DeviceNames::default() }
    }
}

/// The element that almost every answer is wrapped in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub(super) struct Return<T> {
    #[serde(rename = "return")]
    pub(super) content: T,
}
