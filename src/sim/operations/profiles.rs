//! `listCommonPhoneConfig` and `getCommonPhoneConfig`.

use std::fmt::Write as _;

use super::phones::vendor_config;
use super::row::Row;
use super::{Call, Criteria, returned_tags, rows};
use crate::sim::fault::SoapFault;
use crate::sim::state::{Cluster, setting_name};

pub(super) fn list(cluster: &Cluster, call: &Call<'_>) -> Result<String, SoapFault> {
    let criteria = Criteria::read(call.request)?;
    let tags = returned_tags(call.request).unwrap_or_default();
    let entries = cluster.profiles.entries.iter().enumerate();
    let matching = entries.filter(|(_, entry)| criteria.fit(|_| &entry.name));
    rows(cluster, call.request, matching, |out, (at, _)| {
        profile(out, cluster, at, &tags, call.version);
    })
}

pub(super) fn one(cluster: &Cluster, call: &Call<'_>) -> Result<String, SoapFault> {
    let found = match (call.request.child_text("name"), call.request.child_text("uuid")) {
        (Some(name), _) => cluster.profiles.find(name),
        (None, Some(uuid)) => cluster.profiles.find_uuid(uuid),
        (None, None) => None,
    };
    let at = found.ok_or_else(|| SoapFault::not_found("CommonPhoneConfig"))?;
    let tags = returned_tags(call.request).unwrap_or_else(|| ALL_TAGS.to_vec());
    let mut out = String::from("<return>");
    profile(&mut out, cluster, at, &tags, call.version);
    out.push_str("</return>");
    Ok(out)
}

fn profile(out: &mut String, cluster: &Cluster, at: usize, tags: &[&str], version: u16) {
    let entry = &cluster.profiles.entries[at];
    // Writing into a String cannot fail.
    let _ = write!(out, "<commonPhoneConfig uuid=\"{}\">", entry.uuid);
    let mut row = Row::new(out, at, version);
    for &tag in tags {
        match tag {
            "name" => row.text(tag, &entry.name),
            "description" => row.text(tag, "A profile of the simulator"),
            "backgroundImage" => row.boolean(tag, entry.value.background_image),
            "phonePersonalization" => row.text(tag, setting_name(entry.value.personalization)),
            "phoneServiceDisplay" => row.text(tag, "Default"),
            "dndOption" => row.text(tag, "Ringer Off"),
            "vendorConfig" => row.markup(&vendor_config(entry.value.web_access)),
            "alwaysUsePrimeLine" | "alwaysUsePrimeLineForVoiceMessage" => row.text(tag, "Off"),
            _ if tag.ends_with("Name") => row.reference::<()>(tag, None),
            _ => row.null(tag),
        }
    }
    out.push_str("</commonPhoneConfig>");
}

/// What `getCommonPhoneConfig` answers when it is not told which tags are wanted.
const ALL_TAGS: [&str; 10] = [
    "name",
    "description",
    "dndOption",
    "backgroundImage",
    "phonePersonalization",
    "phoneServiceDisplay",
    "sshUserId",
    "vendorConfig",
    "alwaysUsePrimeLine",
    "vpnGroupName",
];
