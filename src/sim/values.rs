//! Values as the database, AXL and RisPort70 write them.

use sha2::{Digest as _, Sha256};

use super::fault::SoapFault;
use super::fleet_content::{Protocol, Registration};
use super::xml::Node;
use crate::domain::personalization::Setting;

/// The settings of a `vendorConfig` that is written; they replace all that were there.
pub(crate) struct VendorConfig {
    pub(crate) inside: String,
    /// `webAccess`: 0 is enabled, 1 is disabled.
    pub(crate) web_access: Option<bool>,
}

impl VendorConfig {
    pub(crate) fn read(node: &Node) -> Result<Self, SoapFault> {
        let blank = node.text.trim().is_empty();
        // The schema allows elements without namespace only.
        let inside = match node.children.as_slice() {
            [] if blank => Some(String::new()),
            [] => None,
            [_, ..] => node.inside(),
        };
        let inside = inside.ok_or_else(|| {
            SoapFault::invalid("vendorConfig holds what is no element without namespace")
        })?;
        let web_access = match node.child_text("webAccess") {
            Some("0") => Some(true),
            Some("1") => Some(false),
            Some(_) | None => None,
        };
        Ok(Self { inside, web_access })
    }

    pub(crate) fn with_web_access(inside: &str, web_access: Option<bool>) -> Option<Self> {
        let mut node = Node::parse(&format!("<vendorConfig>{inside}</vendorConfig>")).ok()?;
        node.children.retain(|child| child.name != "webAccess");
        if let Some(on) = web_access {
            let text = if on { "0" } else { "1" }.to_owned();
            let name = "webAccess".to_owned();
            node.children.push(Node { name, text, ..Node::default() });
        }
        Self::read(&node).ok()
    }
}

pub(crate) fn setting_number(setting: Setting) -> &'static str {
    match setting {
        Setting::Disabled => "0",
        Setting::Enabled => "1",
        Setting::HttpsOnly => "2",
        Setting::Default => "3",
    }
}

pub(crate) fn named_setting(name: &str) -> Option<Setting> {
    let all = [Setting::Disabled, Setting::Enabled, Setting::HttpsOnly, Setting::Default];
    all.into_iter().find(|&setting| setting_name(setting) == name)
}

/// Returns the display string of AXL's `XPhonePersonalization`.
pub(crate) fn setting_name(setting: Setting) -> &'static str {
    match setting {
        Setting::Disabled => "Disabled",
        Setting::Enabled => "Enabled",
        Setting::HttpsOnly => "HTTPS Only",
        Setting::Default => "Default",
    }
}

pub(crate) fn number_setting(text: &str) -> Option<Setting> {
    match text {
        "0" => Some(Setting::Disabled),
        "1" => Some(Setting::Enabled),
        "2" => Some(Setting::HttpsOnly),
        "3" => Some(Setting::Default),
        _ => None,
    }
}

/// Returns a UUID in AXL's form that is the same for the same thing in every run.
pub(crate) fn uuid(kind: &str, name: &str) -> String {
    let digest = Sha256::digest(format!("{kind}\0{}", name.to_lowercase()));
    let hex = hex(&digest[..16]).to_uppercase();
    format!("{{{}-{}-{}-{}-{}}}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pairs = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    pairs.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Returns a key as the database has it: lower case, without braces.
pub(crate) fn pkid(uuid: &str) -> String {
    uuid.trim_matches(['{', '}']).to_lowercase()
}

pub(crate) fn vendor_config(settings: &str) -> String {
    if settings.is_empty() {
        return "<vendorConfig/>".to_owned();
    }
    format!("<vendorConfig>{settings}</vendorConfig>")
}

/// Returns the inside of a vendorConfig as CUCM saves it: only what was changed, so web access is often not
/// there.
///
/// `webAccess` is 0 for enabled and 1 for disabled (seen in published device files). Some settings are in
/// elements of their own.
pub(crate) fn vendor_settings(web_access: Option<bool>, more: &str) -> String {
    let settings = match web_access {
        Some(true) => "<garp>1</garp><webAccess>0</webAccess><ssh><sshAccess>1</sshAccess></ssh>",
        Some(false) => "<webAccess>1</webAccess>",
        None => "<garp>1</garp><g722CodecSupport>0</g722CodecSupport>",
    };
    format!("{settings}{more}")
}

pub(crate) fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Sccp => "SCCP",
        Protocol::Sip => "SIP",
    }
}

/// Returns the state as `XRisStatus` names it (AXL schema 12.5); nothing for a device that never registered.
pub(crate) fn ris_status(registration: Registration) -> Option<&'static str> {
    let [registered, unregistered, rejected, partially] = RIS_STATUS;
    match registration {
        Registration::NeverSeen => None,
        Registration::PartiallyRegistered => Some(partially),
        Registration::Registered => Some(registered),
        Registration::Rejected => Some(rejected),
        Registration::UnRegistered => Some(unregistered),
    }
}

/// The states in the order of their numbers (believed), from 1.
pub(crate) const RIS_STATUS: [&str; 4] =
    ["Registered", "Unregistered", "Rejected", "Partial Registered"];

/// Reads a boolean as AXL and SQL write it.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "1" => Some(true),
        "f" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// When the simulated registrations began, in seconds since 1970: the clock is never asked.
pub(crate) const FIRST_TIME: u64 = 1_790_000_000;
