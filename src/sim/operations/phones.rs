//! `listPhone` and `getPhone`.

use std::fmt::Write as _;

use super::call::{Answer, Call, Criteria, answered_tags, returned_tags, rows};
use super::row::Row;
use crate::sim::fault::SoapFault;
use crate::sim::state::{Database, Device};
use crate::sim::values::{protocol, setting_name, truth, uuid, vendor_config};
use crate::sim::xml::{Node, element_into, escape_into};

pub(super) fn list(cluster: &Database, call: &Call<'_>) -> Answer {
    let criteria = Criteria::read(call.request)?;
    let tags = returned_tags(call.request).unwrap_or_default();
    let order = cluster.listing(call.shuffle);
    let devices = order.iter().map(|&at| (at, &cluster.devices[at]));
    let matching = devices.filter(|(_, device)| {
        criteria.fit(|field| match field {
            "name" => &device.spec.name,
            "description" => &device.spec.description,
            "protocol" => protocol(device.spec.protocol),
            "callingSearchSpaceName" => {
                device.space.map_or("", |at| cluster.spaces.entries[at].name.as_str())
            }
            "devicePoolName" => &cluster.pools.entries[device.pool].name,
            // `securityProfileName` is the last one of the schema.
            _ => "",
        })
    });
    rows(cluster, call.request, matching, |out, (at, device)| {
        phone(out, cluster, at, device, &tags, call);
    })
}

pub(super) fn one(cluster: &Database, call: &Call<'_>) -> Answer {
    let at = find(cluster, call.request).ok_or_else(|| SoapFault::not_found("Phone"))?;
    let tags = answered_tags(call, ALL_TAGS, &cluster.devices[at].fields);
    let mut out = String::from("<return>");
    phone(&mut out, cluster, at, &cluster.devices[at], &tags, call);
    out.push_str("</return>");
    Ok(out)
}

pub(super) fn find(cluster: &Database, request: &Node) -> Option<usize> {
    match (request.child_text("name"), request.child_text("uuid")) {
        (Some(name), _) => cluster.device(name),
        (None, Some(uuid)) => find_uuid(cluster, uuid),
        (None, None) => None,
    }
}

pub(super) fn find_uuid(cluster: &Database, uuid: &str) -> Option<usize> {
    let same = |&at: &usize| cluster.devices[at].uuid.eq_ignore_ascii_case(uuid);
    cluster.order.iter().copied().find(same)
}

fn phone(
    out: &mut String,
    cluster: &Database,
    at: usize,
    device: &Device,
    tags: &[&str],
    call: &Call<'_>,
) {
    let spec = &device.spec;
    // Writing into a String cannot fail.
    let _ = write!(out, "<phone ctiid=\"{}\" uuid=\"{}\">", at + 1, device.uuid);
    let mut row = Row::new(out, at, call);
    for &tag in tags {
        match tag {
            "name" => row.text(tag, &spec.name),
            "description" => row.text(tag, &spec.description),
            "product" | "model" => row.text(tag, &spec.model_name),
            "class" => row.text(tag, if spec.template { "Phone Template" } else { "Phone" }),
            "protocol" => row.text(tag, protocol(spec.protocol)),
            "protocolSide" => row.text(tag, "User"),
            "callingSearchSpaceName" => {
                row.reference(tag, device.space.map(|space| &cluster.spaces.entries[space]));
            }
            "devicePoolName" => row.reference(tag, Some(&cluster.pools.entries[device.pool])),
            "commonPhoneConfigName" => {
                row.reference(tag, Some(&cluster.profiles.entries[device.profile]));
            }
            "locationName" => row.reference(tag, Some(&cluster.locations.entries[device.location])),
            "ownerUserName" => match device.owner {
                Some(owner) => {
                    let owner = &cluster.users[owner];
                    row.named(tag, &owner.userid, &owner.uuid);
                }
                None => row.reference::<()>(tag, None),
            },
            "networkLocation" => row.text(tag, "Use System Default"),
            "loadInformation" => {
                let load = spec.special_load.as_deref().unwrap_or(&spec.active_load);
                let mut markup = String::new();
                escape_into(&mut markup, load);
                let special = spec.special_load.is_some();
                row.markup(&format!(
                    "<loadInformation special=\"{special}\">{markup}</loadInformation>"
                ));
            }
            "vendorConfig" => row.markup(&vendor_config(&device.vendor_settings())),
            "versionStamp" => {
                row.text(tag, &device.version_stamp(at));
            }
            "authenticationUrl" => row.text(tag, spec.authentication_url.as_deref().unwrap_or("")),
            "secureAuthenticationUrl" => {
                row.text(tag, spec.secure_authentication_url.as_deref().unwrap_or(""));
            }
            "lines" => row.markup(&lines(at, device)),
            _ if device.fields.contains_key(tag) => row.kept(&device.fields[tag]),
            "isActive" => row.boolean(tag, spec.active),
            "phoneSuite" => row.text(tag, setting_name(spec.personalization)),
            "preemption" => row.text(tag, "Disabled"),
            "builtInBridgeStatus"
            | "useTrustedRelayPoint"
            | "alwaysUsePrimeLine"
            | "alwaysUsePrimeLineForVoiceMessage"
            | "phoneServiceDisplay" => row.text(tag, "Default"),
            "loginUserId" => row.text(tag, spec.login_user.as_deref().unwrap_or("")),
            // As in published answers.
            "enableCallRoutingToRdWhenNoneIsActive" => {
                row.text(tag, if spec.template { "f" } else { "false" });
            }
            _ if BOOLEANS.iter().any(|(name, ..)| *name == tag) => {
                row.boolean(tag, boolean(device, tag));
            }
            "dndStatus" | "sendGeoLocation" | "hotlineDevice" => row.boolean(tag, false),
            "useDevicePoolCgpnIngressDN" => row.boolean(tag, true),
            "currentProfileName" => match &spec.login_user {
                Some(user) => {
                    let name = device_profile_name(user);
                    row.named(tag, &name, &uuid(DEVICE_PROFILE, &name));
                }
                None => row.reference::<()>(tag, None),
            },
            "loginTime" if spec.login_user.is_some() => {
                row.text(tag, &device.login_time(at).to_string());
            }
            // No limit.
            "loginDuration" if spec.login_user.is_some() => row.text(tag, "0"),
            _ if tag.ends_with("Name") => row.reference::<()>(tag, None),
            _ => row.null(tag),
        }
    }
    out.push_str("</phone>");
}

/// Returns a boolean of [`BOOLEANS`] that was written, or that a phone has from the beginning.
pub(super) fn boolean(device: &Device, tag: &str) -> bool {
    let written = device.fields.get(tag).and_then(|node| truth(node.text.trim()));
    written.unwrap_or_else(|| match tag {
        "enableExtensionMobility" => device.spec.login_user.is_some(),
        _ => BOOLEANS.iter().any(|(name, _, value)| *name == tag && *value),
    })
}

/// Booleans of a phone: the tag, the column of `device` (header of a published query), and the value from the beginning
/// (published answers).
pub(super) const BOOLEANS: [(&str, &str, bool); 13] = [
    ("allowCtiControlFlag", "allowcticontrolflag", true),
    ("enableExtensionMobility", "allowhotelingflag", false),
    ("traceFlag", "deviceleveltraceflag", false),
    ("ignorePresentationIndicators", "ignorepi", false),
    ("isDualMode", "isdualmode", false),
    ("isProtected", "isprotected", false),
    ("mtpRequired", "mtprequired", false),
    ("remoteDevice", "remotedevice", false),
    ("requireDtmfReception", "requiredtmfreception", false),
    ("retryVideoCallAsAudio", "retryvideocallasaudio", true),
    ("rfc2833Disabled", "rfc2833disabled", false),
    ("unattendedPort", "unattended_port", false),
    ("useDevicePoolCgpnTransformCss", "usedevicepoolcgpntransformcss", true),
];

/// Returns the name of the device profile that a user logs in with.
pub(super) fn device_profile_name(userid: &str) -> String {
    format!("EM_{userid}")
}

/// The class of device profiles in the database (seen in published queries).
pub(super) const DEVICE_PROFILE: &str = "254";

/// Writes the lines with the defaults of what was not written.
fn lines(at: usize, device: &Device) -> String {
    let mut out = String::from("<lines>");
    for (index, number) in (1..).zip(device.numbers(at)) {
        let written = device.written_lines.as_ref().and_then(|lines| lines.get(index - 1));
        let id = uuid("map", &format!("{} {index}", device.pkid));
        // Writing into a String cannot fail.
        let _ = write!(out, "<line uuid=\"{id}\"><index>{index}</index>");
        for (tag, default) in LINE_FIELDS {
            let field = written.and_then(|line| line.written.child(tag));
            match field.and_then(Node::markup) {
                _ if *tag == "dirn" => {
                    let line = uuid("line", &number);
                    let _ = write!(out, "<dirn uuid=\"{line}\"><pattern>");
                    escape_into(&mut out, &number);
                    out.push_str("</pattern><routePartitionName/></dirn>");
                }
                Some(markup) => out.push_str(&markup),
                None if default.is_empty() => {}
                None => element_into(&mut out, tag, default),
            }
        }
        out.push_str("</line>");
    }
    out.push_str("</lines>");
    if out == "<lines></lines>" { "<lines/>".to_owned() } else { out }
}

/// The fields of a line on a phone in the order of the schema (`XPhoneLine`), with their defaults.
const LINE_FIELDS: &[(&str, &str)] = &[
    ("label", ""),
    ("display", ""),
    ("dirn", ""),
    ("ringSetting", "Use System Default"),
    ("consecutiveRingSetting", "Use System Default"),
    ("ringSettingIdlePickupAlert", "Use System Default"),
    ("ringSettingActivePickupAlert", "Use System Default"),
    ("displayAscii", ""),
    ("e164Mask", ""),
    ("mwlPolicy", "Use System Policy"),
    ("maxNumCalls", "4"),
    ("busyTrigger", "2"),
    ("callInfoDisplay", ""),
    ("recordingProfileName", ""),
    ("monitoringCssName", ""),
    ("recordingFlag", "Call Recording Disabled"),
    ("audibleMwi", "Default"),
    ("speedDial", ""),
    ("partitionUsage", "General"),
    ("associatedEndusers", ""),
    ("missedCallLogging", "true"),
    ("recordingMediaSource", "Gateway Preferred"),
];

/// What `getPhone` answers to a request without `returnedTags`.
const ALL_TAGS: &str = "name description product model class protocol protocolSide callingSearchSpaceName \
    devicePoolName commonDeviceConfigName commonPhoneConfigName networkLocation locationName \
    loadInformation vendorConfig versionStamp traceFlag preemption lines authenticationUrl loginUserId \
    enableExtensionMobility currentProfileName loginTime loginDuration ownerUserName isActive phoneSuite isProtected";
