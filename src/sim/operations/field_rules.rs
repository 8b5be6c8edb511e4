//! What is refused of fields of phones, lines and users: names of objects that do not exist, directory numbers, lengths.
//!
//! Of a real cluster the fault for an object that is not found is known. Where its fault is not, or where the simulator
//! has no such objects at all, a field is refused as one that the simulator cannot do.

use super::phones;
use crate::sim::fault::SoapFault;
use crate::sim::schema;
use crate::sim::state::{Database, User};
use crate::sim::xml::Node;

/// Refuses a field, or a part of it, that names an object which does not exist.
pub(super) fn check_references(cluster: &Database, field: &Node) -> Result<(), SoapFault> {
    if field.children.is_empty() {
        return check_reference(cluster, field);
    }
    field.children.iter().try_for_each(|child| check_references(cluster, child))
}

fn check_reference(cluster: &Database, field: &Node) -> Result<(), SoapFault> {
    let (tag, text) = (field.name.as_str(), field.text.trim());
    let uuid = field.attribute("uuid").filter(|uuid| text.is_empty() && !uuid.is_empty());
    if text.is_empty() && uuid.is_none() {
        return Ok(());
    }
    let named = uuid.unwrap_or(text);
    let same = |user: &User| user.uuid.eq_ignore_ascii_case(named);
    let exists = match tag {
        "defaultActivatedDeviceName" | "primaryPhoneName" => match uuid {
            None => cluster.device(text).is_some(),
            Some(uuid) => phones::find_uuid(cluster, uuid).is_some(),
        },
        "digestUser" | "mobilityUserIdName" | "userId" => match uuid {
            None => cluster.user(text).is_some(),
            Some(_) => cluster.listed_users().any(|(_, user)| same(user)),
        },
        _ if tag.ends_with("CssName") || tag.ends_with("SearchSpaceName") => match uuid {
            None => cluster.spaces.find(text).is_some(),
            Some(uuid) => cluster.spaces.find_uuid(uuid).is_some(),
        },
        // These can be looked for: a new cluster has them, and none can be added here.
        "phoneTemplateName" | "presenceGroupName" | "sipProfileName" | "softkeyTemplateName" => {
            is_of_new_cluster(text)
        }
        _ if (schema::is_reference(tag) || OTHER_REFERENCES.contains(&tag))
            && !is_of_new_cluster(text) =>
        {
            return Err(SoapFault::cannot(&format!("{tag} {}", start_of(named))));
        }
        _ => true,
    };
    let missing =
        || SoapFault::not_found(&format!("{} {}", tag.trim_end_matches("Name"), start_of(named)));
    exists.then_some(()).ok_or_else(missing)
}

/// Returns whether a name is one of those that a new cluster has. Case makes no difference, as for all names.
pub(super) fn is_of_new_cluster(name: &str) -> bool {
    let begins =
        |with: &str| name.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
    name.eq_ignore_ascii_case("Default")
        || begins("Standard ")
        || begins("Universal Device Template")
}

/// Refuses what is no directory number. The length and the characters are those that Cisco documents for numbers in
/// Unified CM, with those of patterns.
pub(super) fn check_number(number: &str) -> Result<(), SoapFault> {
    let is_one = |c: char| c.is_ascii_digit() || "ABCDXx*#+!?.@^[]-\\".contains(c);
    let fits = number.len() <= 50 && number.chars().all(is_one);
    let refused = || SoapFault::cannot(&format!("the directory number {}", start_of(number)));
    fits.then_some(()).ok_or_else(refused)
}

/// Refuses a text that is too long for a tag of AXL or a column of SQL.
pub(super) fn check_length(name: &str, text: &str) -> Result<(), SoapFault> {
    let length = LENGTHS.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(name));
    match length {
        Some((_, most)) if text.chars().count() > *most => {
            Err(SoapFault::cannot(&format!("more than {most} characters in {name}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Returns as much of a text as a message shows.
fn start_of(text: &str) -> &str {
    text.char_indices().nth(100).map_or(text, |(end, _)| &text[..end])
}

/// Fields that name another object and do not end as those do.
const OTHER_REFERENCES: [&str; 13] = [
    "cgpnIngressDN",
    "customerName",
    "defaultProfile",
    "deviceProfile",
    "elinGroup",
    "externalCallControlProfile",
    "featureControlPolicy",
    "mraServiceDomain",
    "profileName",
    "serviceProfile",
    "userProfile",
    "wifiHotspotProfile",
    "wirelessLanProfileGroup",
];

/// How many characters a field has. The schema says so of the first two, and Cisco's guide for bulk administration of
/// those of users.
const LENGTHS: [(&str, usize); 11] = [
    ("description", 128),
    ("name", 128),
    ("department", 64),
    ("firstName", 64),
    ("lastName", 64),
    ("manager", 128),
    ("middleName", 64),
    ("newUserid", 128),
    ("password", 128),
    ("pin", 128),
    ("userid", 128),
];
