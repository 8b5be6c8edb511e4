//! Writes to phones and Common Phone Profiles. What the simulator cannot change is refused, never ignored.

use std::collections::BTreeMap;

use super::call::{Answer, Call, written};
use super::{phones, profiles};
use crate::domain::personalization::Setting;
use crate::sim::fault::SoapFault;
use crate::sim::fleet_content::{ProfileSpec, STANDARD_PROFILE};
use crate::sim::state::{Cluster, Database, Profile};
use crate::sim::timeline::Order;
use crate::sim::values::{VendorConfig, named_setting};
use crate::sim::xml::Node;

/// `updatePhone`: nothing is changed unless all of it can be.
pub(super) fn phone(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let request = call.request;
    let at = phones::find(cluster, request).ok_or_else(|| SoapFault::no_target("Phone"))?;
    only(request, "phone", &["phoneSuite", "commonPhoneConfigName", "vendorConfig"])?;
    let setting = setting(request, "phoneSuite")?;
    let profile = request.child("commonPhoneConfigName");
    let profile = profile.map(|node| named_profile(cluster, node)).transpose()?;
    let settings = request.child("vendorConfig").map(VendorConfig::read).transpose()?;
    let profile = profile.map(|profile| (profile, cluster.profiles.entries[profile].name.clone()));
    let device = cluster.device_mut(at);
    if let Some(setting) = setting {
        device.spec.personalization = setting;
    }
    if let Some((profile, name)) = profile {
        device.profile = profile;
        device.spec.profile = name;
    }
    if let Some(VendorConfig { inside, web_access }) = settings {
        device.written_vendor_config = Some(inside);
        device.spec.web_access = web_access;
    }
    let target = (device.spec.name.clone(), device.uuid.clone());
    done(cluster, call, target, 1)
}

pub(super) fn profile(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let at = target(cluster, call)?;
    only(call.request, "profile", &["phonePersonalization"])?;
    let setting = setting(call.request, "phonePersonalization")?;
    let entry = &mut cluster.profiles.entries[at];
    if let Some(setting) = setting {
        entry.value.spec.personalization = setting;
    }
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
        // The wording is Informix's own.
        let message =
            "Could not insert new row - duplicate value in a UNIQUE INDEX column (Unique Index:).";
        return Err(SoapFault::server(-239, message));
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
        let names = call.request.children.iter().map(|child| child.name.as_str());
        let tags: Vec<&str> = names.filter(|name| action == 'u' && !KEYS.contains(name)).collect();
        cluster.note_change(kind, uuid.clone(), action, &tags);
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

/// Refuses fields that the simulator does not carry out: ignoring one would make the answer wrong.
fn only(request: &Node, what: &str, known: &[&str]) -> Result<(), SoapFault> {
    let names = request.children.iter().map(|child| child.name.as_str());
    let mut others = names.filter(|name| !KEYS.contains(name) && !known.contains(name));
    match others.next() {
        Some(other) => {
            let message = format!("the simulator cannot change {other} of a {what}");
            Err(SoapFault::server(-1, message))
        }
        None => Ok(()),
    }
}

fn setting(request: &Node, tag: &str) -> Result<Option<Setting>, SoapFault> {
    let Some(text) = request.child_text(tag) else { return Ok(None) };
    let known = named_setting(text).map(Some);
    known.ok_or_else(|| {
        SoapFault::invalid(format!("the value {text:?} of element {tag} is not valid"))
    })
}

/// Returns the profile that a reference gives the name of, or the UUID alone.
fn named_profile(cluster: &Database, node: &Node) -> Result<usize, SoapFault> {
    let name = node.text.trim();
    let found = match node.attribute("uuid") {
        Some(uuid) if name.is_empty() => cluster.profiles.find_uuid(uuid),
        Some(_) | None => cluster.profiles.find(name),
    };
    found.ok_or_else(|| SoapFault::not_found(&format!("CommonPhoneConfig {name}")))
}

fn new_profile(request: &Node, name: &str) -> Result<Profile, SoapFault> {
    let personalization = setting(request, "phonePersonalization")?.unwrap_or(Setting::Default);
    let settings = request.child("vendorConfig").map(VendorConfig::read).transpose()?;
    let (inside, web_access) = settings.map(|s| (s.inside, s.web_access)).unwrap_or_default();
    let background_image =
        request.child_text("backgroundImage").is_none_or(|text| matches!(text, "t" | "true" | "1"));
    let apart = ["name", "backgroundImage", "phonePersonalization", "vendorConfig"];
    let others = request.children.iter().filter(|child| !apart.contains(&child.name.as_str()));
    let fields: BTreeMap<String, String> =
        others.map(|child| (child.name.clone(), child.text.trim().to_owned())).collect();
    let spec =
        ProfileSpec { background_image, web_access, ..ProfileSpec::new(name, personalization) };
    Ok(Profile { spec, written_vendor_config: Some(inside), fields })
}
