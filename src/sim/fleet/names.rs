//! What a made-up fleet is made of.

use crate::domain::personalization::Setting;
use crate::sim::fleet_content::{
    PhoneSpec, ProfileSpec, Protocol, STANDARD_PROFILE, THIRD_PARTY_SIP,
};

pub(super) struct Pool {
    pub(super) name: &'static str,
    pub(super) location: &'static str,
}

pub(super) const POOLS: [(Pool, usize); 10] = [
    (Pool { name: "HQ-Berlin", location: "Berlin" }, 28),
    (Pool { name: "HQ-Berlin-Floor5", location: "Berlin" }, 12),
    (Pool { name: "BR-Hamburg", location: "Hamburg" }, 12),
    (Pool { name: "BR-München", location: "München" }, 10),
    (Pool { name: "BR-Zürich", location: "Zürich" }, 8),
    (Pool { name: "US-Boston", location: "Boston" }, 10),
    (Pool { name: "US-Austin", location: "Austin" }, 6),
    (Pool { name: "Warehouse", location: "Hub_None" }, 6),
    (Pool { name: "Clinic & Labs", location: "Clinic & Labs" }, 5),
    (Pool { name: "Home-Office", location: "Hub_None" }, 3),
];

/// Common Phone Profiles: together they have every value of Phone Personalization.
pub(super) fn profiles() -> Vec<ProfileSpec> {
    let plain = ProfileSpec::new;
    vec![
        plain(STANDARD_PROFILE, Setting::Default),
        plain(PROFILE_ENABLED, Setting::Enabled),
        plain(PROFILE_DISABLED, Setting::Disabled),
        plain(PROFILE_HTTPS, Setting::HttpsOnly),
        ProfileSpec { background_image: false, ..plain(PROFILE_FORCED, Setting::Enabled) },
        ProfileSpec { web_access: Some(false), ..plain(PROFILE_NO_WEB, Setting::Default) },
        ProfileSpec { web_access: Some(true), ..plain(PROFILE_AGENTS, Setting::Default) },
    ]
}

pub(super) const PROFILE_ENABLED: &str = "Office Phones";
pub(super) const PROFILE_DISABLED: &str = "Lobby Phones";
pub(super) const PROFILE_HTTPS: &str = "Secure Phones";
pub(super) const PROFILE_FORCED: &str = "Corporate Wallpaper";
pub(super) const PROFILE_NO_WEB: &str = "No Web Access";
pub(super) const PROFILE_AGENTS: &str = "Contact Center";

/// The profiles of ordinary phones, with their shares.
pub(super) const ORDINARY_PROFILES: [(&str, usize); 3] =
    [(STANDARD_PROFILE, 60), (PROFILE_ENABLED, 28), (PROFILE_AGENTS, 12)];

/// Models by number, with their shares. Soft phones and analog ports are among them.
pub(super) const MODELS: [(u32, usize); 33] = [
    (683, 220),  // 8841
    (684, 140),  // 8851
    (36224, 80), // 8845
    (685, 60),   // 8861
    (36217, 60), // 8811
    (36225, 50), // 8865
    (36232, 10), // 8851NR
    (622, 70),   // 7841
    (621, 40),   // 7821
    (36213, 15), // 7811
    (623, 10),   // 7861
    (404, 12),   // 7962
    (434, 8),    // 7942
    (436, 10),   // 7965
    (435, 8),    // 7945
    (437, 8),    // 7975
    (8, 4),      // 7940
    (585, 10),   // 8945
    (586, 6),    // 8941
    (540, 6),    // 8961
    (493, 10),   // 9971
    (36216, 20), // 8821
    (36258, 10), // 8832
    (36345, 8),  // 9841
    (36348, 15), // 9851
    (36347, 15), // 9861
    (36350, 10), // 9871
    (36336, 12), // 8875
    (503, 40),   // Jabber
    (562, 6),    // Jabber for iPhone
    (36262, 8),  // ATA 191
    (30027, 12), // Analog Phone
    (THIRD_PARTY_SIP, 4),
];

pub(super) const MAKERS: [&str; 6] = ["001AE2", "00F663", "2C0BE9", "6C410E", "A0239F", "F4DBE6"];

/// Family names of owners; some are long, some are not ASCII in the directory but are in the user id.
pub(super) const FAMILIES: [&str; 16] = [
    "mueller",
    "schmidt",
    "garcia",
    "ivanova",
    "oconnor",
    "nguyen",
    "kowalski",
    "rossi",
    "dubois",
    "svensson",
    "yilmaz",
    "tanaka",
    "smith",
    "johnson",
    "papadopoulos",
    "vanderberg",
];

pub(super) const PLACES: [&str; 8] = [
    "Reception",
    "Meeting room",
    "Open space",
    "Lab bench",
    "Front office",
    "Kitchen",
    "Server room",
    "Desk",
];

/// Descriptions that must stay text wherever they go. XML 1.0 cannot carry an escape character itself,
/// so terminals are provoked with the C1 form of the same sequence.
pub(super) const HOSTILE: [&str; 8] = [
    "<b>bold</b> & \"quoted\" 'too'",
    "=HYPERLINK(\"http://example.com/?\"&A1,\"click\")",
    "+1+cmd|' /C calc'!A0",
    "\u{9b}31mred\u{9b}0m \u{9d}0;title\u{9c}",
    "'; drop table device; --",
    "Empfang Süd · Größe ☎ 東京",
    "{{7*7}} ${HOME} %n %s `id`",
    "]]>&amp;&#x41; \u{202e}gnp.exe",
];

pub(super) fn protocol(model: u32) -> Protocol {
    if matches!(model, 404..=437 | 8 | 30027) { Protocol::Sccp } else { Protocol::Sip }
}

pub(super) fn firmware(phone: &mut PhoneSpec) {
    phone.active_load = match phone.model {
        683..=685 | 36217..=36232 => "sip88xx.14-2-1-0101-4",
        621..=623 | 36213 => "sip78xx.14-2-1-0001-25",
        36216 => "sip8821.11-0-6SR5-3",
        36258 => "sip8832.14-2-1-0001-23",
        36336 | 36345..=36350 => "PHONEOS.3-3-1-0001",
        585 | 586 => "SIP894x_9-4-2SR3-1",
        540 | 493 => "sip9971.9-4-2SR4-1",
        503 => "Jabber_for_Windows-14.3.0",
        562 => "Jabber_for_iPhone-14.3.0",
        36262 => "ATA191.12-0-2-006",
        30027 | THIRD_PARTY_SIP => "",
        _ => "SIP45.9-4-2SR3-1S",
    }
    .to_owned();
}
