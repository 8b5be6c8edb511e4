//! Writes to phones and Common Phone Profiles. What the simulator has no use for is kept and answered.

use std::collections::BTreeMap;

use super::call::{Answer, Call, written};
use super::field_rules::{check_number, check_references};
use super::phone_rules::PhoneRules;
use super::{lines, phones, profiles};
use crate::domain;
use crate::domain::personalization::Setting;
use crate::sim::carry_out::Order;
use crate::sim::change_log::ChangedTag;
use crate::sim::edits::{PhoneEdit, field_value, without_nil};
use crate::sim::fault::SoapFault;
use crate::sim::fleet_content::{PhoneSpec, ProfileSpec, Protocol, Registration, STANDARD_PROFILE};
use crate::sim::state::{Cluster, Database, Line, Profile, Table, User};
use crate::sim::values::{VendorConfig, named_setting, truth};
use crate::sim::xml::Node;

/// `updatePhone`: nothing is changed unless all of it can be.
pub(super) fn phone(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let at = phones::find(cluster, call.request).ok_or_else(|| SoapFault::no_target("Phone"))?;
    let fields = call.request.children.iter().filter(|child| !KEYS.contains(&&*child.name));
    let rules = PhoneRules::of(&cluster.devices[at].spec);
    let edits = fields.map(|field| phone_edit(cluster, at, &rules, field));
    let edits = edits.collect::<Result<Vec<_>, _>>()?;
    written(cluster, call, cluster.devices[at].spec.name.clone(), 1);
    cluster.edit_phone(at, edits);
    Ok(format!("<return>{}</return>", cluster.devices[at].uuid))
}

/// `addPhone`: the phone is configured and never was registered.
pub(super) fn add_phone(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let request = call.request.child("phone");
    let request = request.ok_or_else(|| SoapFault::invalid("there is no phone"))?;
    let text = |name| request.child_text(name).unwrap_or_default();
    let at = cluster.devices.len();
    PhoneEdit::unused_name(cluster, at, text("name"))?;
    let product = text("product");
    let model = domain::model::catalogue().iter().find(|model| model.name == product);
    let model = model.ok_or_else(|| SoapFault::cannot(&format!("the product {product}")))?;
    let mut spec = PhoneSpec::new(text("name"), model.number);
    spec.protocol = match text("protocol") {
        "SCCP" => Protocol::Sccp,
        "SIP" => Protocol::Sip,
        other => return Err(SoapFault::cannot(&format!("the protocol {other}"))),
    };
    let rules = PhoneRules::of(&spec);
    rules.check_name(text("name"))?;
    rules.check_protocol()?;
    // The schema demands more fields than AXL does (published samples leave them out), and this is in all samples.
    if text("locationName").is_empty()
        && request.child("locationName").is_none_or(|node| node.attribute("uuid").is_none())
    {
        return Err(SoapFault::invalid("element locationName is missing in phone"));
    }
    spec.registration = Registration::NeverSeen;
    // A phone that names no line has none.
    spec.extension = Some(String::new());
    let read_before = ["name", "product", "model", "class", "protocol", "protocolSide"];
    let fields = request.children.iter().filter(|child| !read_before.contains(&&*child.name));
    let edits = fields.map(|field| phone_edit(cluster, at, &rules, field));
    let edits = edits.collect::<Result<Vec<_>, _>>()?;
    if text("class") != "Phone" {
        return Err(SoapFault::cannot(&format!("the class {}", text("class"))));
    }
    // The pool that it is in is among the edits; no other one must come into being.
    spec.device_pool = "Default".to_owned();
    let at = cluster.add_phone(spec);
    for edit in edits {
        cluster.apply(at, edit);
    }
    let (name, uuid) = (cluster.devices[at].spec.name.clone(), cluster.devices[at].uuid.clone());
    done(cluster, call, (name, uuid), 1)
}

pub(super) fn remove_phone(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let at = phones::find(cluster, call.request).ok_or_else(|| SoapFault::no_target("Phone"))?;
    let (name, uuid) = (cluster.devices[at].spec.name.clone(), cluster.devices[at].uuid.clone());
    written(cluster, call, name, 1);
    cluster.delete_phone(at);
    Ok(format!("<return>{uuid}</return>"))
}

/// `doDeviceReset`, which is in every version.
pub(super) fn reset_device(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let name = call.request.child("deviceName");
    let at = name.and_then(|node| match node.attribute("uuid") {
        Some(uuid) if node.text.trim().is_empty() => phones::find_uuid(cluster, uuid),
        Some(_) | None => cluster.device(node.text.trim()),
    });
    let at = at.ok_or_else(|| SoapFault::no_target("Device"))?;
    let order = match call.request.child_text("deviceResetType") {
        None | Some("Reset" | "Restart") => Order::Reset,
        Some("Apply Configuration") => Order::Apply,
        Some(other) => return Err(SoapFault::cannot(&format!("the reset type {other}"))),
    };
    apply(cluster, call, at, order)
}

/// `doChangeDNDStatus`: all phones that the user controls.
pub(super) fn change_dnd(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let user = match (call.request.child_text("userID"), call.request.child_text("uuid")) {
        (Some(userid), _) => cluster.user(userid),
        (None, uuid) => {
            let same = |user: &User| uuid.is_some_and(|uuid| user.uuid.eq_ignore_ascii_case(uuid));
            cluster.listed_users().find(|(_, user)| same(user)).map(|(at, _)| at)
        }
    };
    let user = user.ok_or_else(|| SoapFault::no_target("User"))?;
    let Some(status) = call.request.child("dndStatus") else {
        return Err(SoapFault::invalid("there is no dndStatus"));
    };
    let (userid, uuid) = (cluster.users[user].userid.clone(), cluster.users[user].uuid.clone());
    let devices = cluster.users[user].devices.clone();
    written(cluster, call, userid, devices.len());
    for device in devices {
        cluster.edit_phone(device, vec![PhoneEdit::Field(status.clone())]);
    }
    Ok(format!("<return>{uuid}</return>"))
}

fn phone_edit(
    cluster: &Database,
    phone: usize,
    rules: &PhoneRules,
    field: &Node,
) -> Result<PhoneEdit, SoapFault> {
    let text = field.text.trim();
    let tag = field.name.as_str();
    let filled = || (!text.is_empty()).then(|| text.to_owned());
    let named = |found: Option<usize>| {
        found.ok_or_else(|| {
            SoapFault::not_found(&format!("{} {text}", tag.trim_end_matches("Name")))
        })
    };
    Ok(match tag {
        "newName" => {
            rules.check_name(text)?;
            PhoneEdit::unused_name(cluster, phone, text)?;
            PhoneEdit::Name(text.to_owned())
        }
        "description" => PhoneEdit::Description(text.to_owned()),
        "devicePoolName" => PhoneEdit::Pool(named(reference(&cluster.pools, field))?),
        "locationName" => PhoneEdit::Location(named(reference(&cluster.locations, field))?),
        "commonPhoneConfigName" => {
            let found = reference(&cluster.profiles, field);
            let missing = || SoapFault::not_found(&format!("CommonPhoneConfig {text}"));
            PhoneEdit::Profile(found.ok_or_else(missing)?)
        }
        "callingSearchSpaceName" => {
            let given =
                !text.is_empty() || field.attribute("uuid").is_some_and(|id| !id.is_empty());
            let space = given.then(|| named(reference(&cluster.spaces, field)));
            PhoneEdit::Space(space.transpose()?)
        }
        "ownerUserName" => {
            let uuid = field.attribute("uuid").filter(|uuid| text.is_empty() && !uuid.is_empty());
            let owner = match uuid {
                None if text.is_empty() => None,
                None => Some(named(cluster.user(text))?),
                Some(uuid) => {
                    let mut users = cluster.listed_users();
                    let found = users.find(|(_, user)| user.uuid.eq_ignore_ascii_case(uuid));
                    Some(named(found.map(|(at, _)| at))?)
                }
            };
            PhoneEdit::Owner(owner)
        }
        "phoneSuite" => PhoneEdit::Personalization(read_setting(field)?),
        "isActive" => PhoneEdit::Active(truth(text) == Some(true)),
        "loadInformation" => PhoneEdit::Load(filled()),
        "authenticationUrl" => PhoneEdit::AuthenticationUrl(filled()),
        "secureAuthenticationUrl" => PhoneEdit::SecureAuthenticationUrl(filled()),
        "vendorConfig" => PhoneEdit::VendorConfig(VendorConfig::read(field)?),
        "lines" => PhoneEdit::Lines(read_lines(cluster, field)?),
        "addLines" | "removeLines" => {
            let device = cluster.devices.get(phone);
            let mut lines = device.map(|device| device.lines(phone)).unwrap_or_default();
            let named = read_lines(cluster, field)?;
            lines.retain(|line| named.iter().all(|other| other.number != line.number));
            if tag == "addLines" {
                lines.extend(named);
            }
            PhoneEdit::Lines(lines)
        }
        // No template of buttons is kept, nor what they are for: these are answered as they were written.
        _ => {
            if tag == "securityProfileName" {
                rules.check_security_profile(text)?;
            } else {
                check_references(cluster, field)?;
            }
            PhoneEdit::Field(field.clone())
        }
    })
}

/// Reads the lines of a phone in the order of their places on it.
fn read_lines(cluster: &Database, list: &Node) -> Result<Vec<Line>, SoapFault> {
    let mut lines = Vec::new();
    for written in &list.children {
        let number = written.child("dirn");
        let (Some(dirn), "line") = (number, written.name.as_str()) else {
            return Err(SoapFault::cannot(&format!("{} without dirn in lines", written.name)));
        };
        lines::no_partition(dirn)?;
        let number = dirn.child_text("pattern").unwrap_or_default();
        if number.is_empty() {
            return Err(SoapFault::cannot("a line without pattern"));
        }
        check_number(number)?;
        check_references(cluster, written)?;
        let index = written.child_text("index").and_then(|text| text.parse::<u16>().ok());
        lines.push((
            index,
            Line { number: number.to_owned(), written: without_nil(written.clone()) },
        ));
    }
    lines.sort_by_key(|(index, _)| index.unwrap_or(u16::MAX));
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

pub(super) fn profile(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let at = target(cluster, call)?;
    let mut profile = cluster.profiles.entries[at].value.clone();
    for field in call.request.children.iter().filter(|child| !KEYS.contains(&&*child.name)) {
        match field.name.as_str() {
            "phonePersonalization" => profile.spec.personalization = read_setting(field)?,
            "backgroundImage" => {
                profile.spec.background_image = truth(field.text.trim()) == Some(true);
            }
            "vendorConfig" => {
                let VendorConfig { inside, web_access } = VendorConfig::read(field)?;
                profile.written_vendor_config = Some(inside);
                profile.spec.web_access = web_access;
            }
            "newName" => return Err(SoapFault::cannot("newName of a CommonPhoneConfig")),
            name => drop(profile.fields.insert(name.to_owned(), field.text.trim().to_owned())),
        }
    }
    let entry = &mut cluster.profiles.entries[at];
    entry.value = profile;
    let target = (entry.name.clone(), entry.uuid.clone());
    done(cluster, call, target, 1)
}

pub(super) fn add(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let request = call.request.child("commonPhoneConfig");
    let request = request.ok_or_else(|| SoapFault::invalid("there is no commonPhoneConfig"))?;
    let name = request.child_text("name").unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(SoapFault::invalid("the name is empty"));
    }
    let profile = new_profile(request, &name)?;
    if cluster.profiles.find(&name).is_some() {
        return Err(SoapFault::duplicate());
    }
    let at = cluster.profiles.find_or_add(&name, || profile);
    let uuid = cluster.profiles.entries[at].uuid.clone();
    done(cluster, call, (name, uuid), 1)
}

pub(super) fn remove(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let at = target(cluster, call)?;
    let entry = &cluster.profiles.entries[at];
    if entry.name == STANDARD_PROFILE {
        // The wording is the simulator's own: none was published.
        return Err(SoapFault::server(-1, format!("{STANDARD_PROFILE} cannot be removed")));
    }
    if cluster.order.iter().any(|&device| cluster.devices[device].profile == at) {
        let message = "Key value for constraint (informix.fk_device_fkcommonphoneconfig) is still being referenced.";
        return Err(SoapFault::server(-691, message));
    }
    let (name, uuid) = (entry.name.clone(), entry.uuid.clone());
    cluster.remove_profile(at);
    done(cluster, call, (name, uuid), 1)
}

pub(super) fn apply_phone(cluster: &mut Cluster, call: &Call<'_>, order: Order) -> Answer {
    let found = phones::find(cluster, call.request);
    let at = found.ok_or_else(|| SoapFault::no_target("Phone"))?;
    apply(cluster, call, at, order)
}

fn apply(cluster: &mut Cluster, call: &Call<'_>, at: usize, order: Order) -> Answer {
    let device = &cluster.devices[at];
    let (name, uuid) = (device.spec.name.clone(), device.uuid.clone());
    cluster.order(at, order);
    done(cluster, call, (name, uuid), 1)
}

/// `applyCommonPhoneConfig` and `resetCommonPhoneConfig`: all phones of the profile.
pub(super) fn apply_profile(cluster: &mut Cluster, call: &Call<'_>, order: Order) -> Answer {
    let found = profiles::find(cluster, call.request);
    let at = found.ok_or_else(|| SoapFault::no_target("CommonPhoneConfig"))?;
    let entry = &cluster.profiles.entries[at];
    let (name, uuid) = (entry.name.clone(), entry.uuid.clone());
    let of_profile = |&device: &usize| cluster.devices[device].profile == at;
    let phones: Vec<usize> = cluster.order.iter().copied().filter(of_profile).collect();
    for &phone in &phones {
        cluster.order(phone, order);
    }
    // The nodes are notified of the profile too.
    done(cluster, call, (name, uuid), 1 + phones.len())
}

fn done(
    cluster: &mut Cluster,
    call: &Call<'_>,
    (name, uuid): (String, String),
    touched: usize,
) -> Answer {
    let operation = call.request.name.as_str();
    let kind = if operation.ends_with("Phone") { "Phone" } else { "CommonPhoneConfig" };
    let action = match operation.chars().next() {
        // `apply`, which changes nothing, begins with the same letter.
        Some('a') if operation.starts_with("add") => Some('a'),
        Some('u') => Some('u'),
        Some('r') if operation.starts_with("remove") => Some('r'),
        _ => None,
    };
    if let Some(action) = action {
        let fields = call.request.children.iter();
        let fields = fields.filter(|field| action == 'u' && !KEYS.contains(&&*field.name));
        let tags = fields.map(|field| ChangedTag::new(&field.name, field_value(field))).collect();
        cluster.note_change(kind, uuid.clone(), action, tags);
    }
    written(cluster, call, name, touched);
    Ok(format!("<return>{uuid}</return>"))
}

/// What a request names its object by.
const KEYS: [&str; 2] = ["name", "uuid"];

fn target(cluster: &Database, call: &Call<'_>) -> Result<usize, SoapFault> {
    let found = profiles::find(cluster, call.request);
    found.ok_or_else(|| SoapFault::no_target("CommonPhoneConfig"))
}

fn read_setting(field: &Node) -> Result<Setting, SoapFault> {
    let Node { name, text, .. } = field;
    named_setting(text.trim()).ok_or_else(|| {
        SoapFault::invalid(format!("the value {:?} of element {name} is not valid", text.trim()))
    })
}

/// Returns what a reference gives the name of, or the UUID alone.
fn reference<T>(table: &Table<T>, node: &Node) -> Option<usize> {
    let name = node.text.trim();
    match node.attribute("uuid") {
        Some(uuid) if name.is_empty() => table.find_uuid(uuid),
        Some(_) | None => table.find(name),
    }
}

fn new_profile(request: &Node, name: &str) -> Result<Profile, SoapFault> {
    let personalization = request.child("phonePersonalization").map(read_setting).transpose()?;
    let personalization = personalization.unwrap_or(Setting::Default);
    let settings = request.child("vendorConfig").map(VendorConfig::read).transpose()?;
    let (inside, web_access) = settings.map(|s| (s.inside, s.web_access)).unwrap_or_default();
    let background_image =
        request.child_text("backgroundImage").is_none_or(|text| truth(text) == Some(true));
    let apart = ["name", "backgroundImage", "phonePersonalization", "vendorConfig"];
    let others = request.children.iter().filter(|child| !apart.contains(&child.name.as_str()));
    let fields: BTreeMap<String, String> =
        others.map(|child| (child.name.clone(), child.text.trim().to_owned())).collect();
    let spec =
        ProfileSpec { background_image, web_access, ..ProfileSpec::new(name, personalization) };
    Ok(Profile { spec, written_vendor_config: Some(inside), fields })
}
