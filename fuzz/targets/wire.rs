//! What clusters and phones answer.

use axlpaper::axl::common_phone_config::{
    AddCommonPhoneConfig, GetCommonPhoneConfig, ListCommonPhoneConfig,
};
use axlpaper::axl::enterprise::{GetEnterprisePhoneConfig, GetServiceParameter};
use axlpaper::axl::operation::{Operation, read_response};
use axlpaper::axl::phone::{ApplyPhone, GetPhone, ListPhone, UpdatePhone};
use axlpaper::axl::sql::ExecuteSqlQuery;
use axlpaper::axl::system::{
    GetCcmVersion, ListDevicePool, ListProcessNode, ListRegistrationDynamic,
};
use axlpaper::axl::user::{
    DoAuthenticateUser, GetAppUser, GetUser, ListAppUser, ListUser, UpdateAppUser,
};
use axlpaper::phone::{DeviceInformation, Reply};
use axlpaper::ris::answer::SelectAnswer;
use axlpaper::soap::read::read_answer;
use axlpaper::soap::vendor_markup::{VendorMarkup, put_into};
use roxmltree::{Document, Node};

use super::with_text;

/// Statuses that are read in different ways.
const STATUSES: [u16; 4] = [200, 500, 503, 599];

fn read<O: Operation>(data: &[u8]) {
    for status in STATUSES {
        if let Err(error) = read_response::<O>(status, Some("text/xml;charset=UTF-8"), data) {
            // Errors quote what the server sent.
            assert!(error.to_string().len() < 16_384, "an error of {} bytes", data.len());
        }
    }
}

fn read_operation<O: Operation>(data: &[u8]) {
    let name = format!("{}Response", O::NAME);
    if data.windows(name.len()).any(|part| part == name.as_bytes()) {
        read::<O>(data);
    }
}

/// An answer to any AXL operation: a wrong one, a fault and a page of a proxy are errors.
pub fn soap(data: &[u8]) {
    read::<GetCcmVersion>(data);
    read_operation::<AddCommonPhoneConfig>(data);
    read_operation::<ApplyPhone>(data);
    read_operation::<DoAuthenticateUser>(data);
    read_operation::<ExecuteSqlQuery>(data);
    read_operation::<GetAppUser>(data);
    read_operation::<GetCommonPhoneConfig>(data);
    read_operation::<GetEnterprisePhoneConfig>(data);
    read_operation::<GetPhone>(data);
    read_operation::<GetServiceParameter>(data);
    read_operation::<GetUser>(data);
    read_operation::<ListAppUser>(data);
    read_operation::<ListCommonPhoneConfig>(data);
    read_operation::<ListDevicePool>(data);
    read_operation::<ListPhone>(data);
    read_operation::<ListProcessNode>(data);
    read_operation::<ListRegistrationDynamic>(data);
    read_operation::<ListUser>(data);
    read_operation::<UpdateAppUser>(data);
    read_operation::<UpdatePhone>(data);
}

/// An answer of RisPort70: every row is a device or counted as unreadable.
pub fn ris(data: &[u8]) {
    let Ok(answer) = read_answer::<SelectAnswer>(200, Some("text/xml"), data) else { return };
    if let Some(page) = answer.into_page() {
        assert_eq!(page.rows, page.devices.len() + page.unreadable, "a row was lost");
    }
}

/// A phone's answer to a push: a success is one for another parser too.
pub fn phone_reply(data: &[u8]) {
    for status in [200, 302, 401, 500] {
        let reply = Reply::read(status, Some("text/xml"), data);
        assert!(!reply.to_string().chars().any(char::is_control), "{reply:?}");
        if !reply.is_success() {
            continue;
        }
        assert_eq!(status, 200, "{reply:?}");
        with_text(data, |text| {
            let Ok(document) = Document::parse(text.trim_end_matches('\0')) else { return };
            let root = document.root_element();
            assert_eq!(root.tag_name().name(), "CiscoIPPhoneResponse");
            let items = root.children().filter(|node| node.tag_name().name() == "ResponseItem");
            let statuses: Vec<_> = items.filter_map(|item| item.attribute("Status")).collect();
            let refused =
                statuses.iter().find(|status| !status.trim_matches(['0', '+', ' ']).is_empty());
            assert_eq!(refused, None, "{reply:?}");
        });
    }
}

/// What a phone says about itself.
pub fn device_information(data: &[u8]) {
    let Some(read) = DeviceInformation::read(data) else { return };
    let fields = [&read.host_name, &read.mac, &read.model_number, &read.app_load];
    for field in fields.into_iter().flatten() {
        assert!(!field.is_empty() && !field.chars().any(char::is_control), "{read:?}");
    }
    if let Some(mac) = read.mac {
        assert!(mac.len() == 12 && mac.bytes().all(|byte| byte.is_ascii_hexdigit()), "{mac:?}");
    }
}

/// One product-specific setting changes, and all others keep every byte.
///
/// A server writes well-formed documents, so only those are checked in full.
pub fn vendor_config(data: &[u8]) {
    with_text(data, |text| {
        let Ok(found) = VendorMarkup::find(text) else { return };
        let changed = found.with("webAccess", "0");
        assert_eq!(changed.get("webAccess"), Some("0"));
        assert_eq!(changed.others("webAccess"), found.others("webAccess"));
        assert_eq!(found.without("webAccess").get("WEBACCESS"), None);
        let Ok(before) = Document::parse(text) else { return };
        let request = put_into("<phone><vendorConfig/></phone>", &changed);
        let after = Document::parse(&request).unwrap_or_else(|error| panic!("{error}: {request}"));
        let again =
            VendorMarkup::find(&request).unwrap_or_else(|error| panic!("{error}: {request}"));
        assert_eq!(again, changed);
        let others = |document: &Document<'_>| settings(document, "webaccess");
        assert_eq!(others(&after), others(&before), "{request}");
    });
}

/// The settings of the first `vendorConfig` by another parser: name and inner text with all markup in it.
fn settings(document: &Document<'_>, but: &str) -> Vec<(String, String)> {
    let config = document.descendants().find(|node| node.tag_name().name() == "vendorConfig");
    let elements = config.into_iter().flat_map(|config| config.children());
    elements
        .filter(Node::is_element)
        .filter(|element| !element.tag_name().name().eq_ignore_ascii_case(but))
        .map(|element| {
            let source = &document.input_text()[element.range()];
            (element.tag_name().name().to_owned(), source.to_owned())
        })
        .collect()
}
