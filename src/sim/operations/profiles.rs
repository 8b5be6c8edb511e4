//! `listCommonPhoneConfig`, `getCommonPhoneConfig` and `getEnterprisePhoneConfig`.

use std::fmt::Write as _;

use super::call::{Answer, Call, Criteria, returned_tags, rows};
use super::row::Row;
use crate::sim::fault::SoapFault;
use crate::sim::state::Database;
use crate::sim::values::{setting_name, vendor_config, vendor_settings};
use crate::sim::xml::Node;

pub(super) fn list(cluster: &Database, call: &Call<'_>) -> Answer {
    let criteria = Criteria::read(call.request)?;
    let tags = returned_tags(call.request).unwrap_or_default();
    let entries = cluster.profiles.entries.iter().enumerate();
    let matching = entries.filter(|(_, entry)| criteria.fit(|_| &entry.name));
    rows(cluster, call.request, matching, |out, (at, _)| {
        profile(out, cluster, at, &tags, call);
    })
}

pub(super) fn one(cluster: &Database, call: &Call<'_>) -> Answer {
    let found = find(cluster, call.request);
    let at = found.ok_or_else(|| SoapFault::not_found("CommonPhoneConfig"))?;
    let tags = returned_tags(call.request).unwrap_or_else(|| ALL_TAGS.split(' ').collect());
    let mut out = String::from("<return>");
    profile(&mut out, cluster, at, &tags, call);
    out.push_str("</return>");
    Ok(out)
}

pub(super) fn find(cluster: &Database, request: &Node) -> Option<usize> {
    match (request.child_text("name"), request.child_text("uuid")) {
        (Some(name), _) => cluster.profiles.find(name),
        (None, Some(uuid)) => cluster.profiles.find_uuid(uuid),
        (None, None) => None,
    }
}

pub(super) fn enterprise(cluster: &Database) -> Answer {
    let (web_access, more) = (
        cluster.config.fleet.enterprise_web_access,
        &cluster.config.fleet.enterprise_vendor_config,
    );
    let settings = match web_access {
        Some(_) => vendor_config(&vendor_settings(web_access, more)),
        None => vendor_config(more),
    };
    Ok(format!("<return><enterprisePhoneConfig>{settings}</enterprisePhoneConfig></return>"))
}

fn profile(out: &mut String, cluster: &Database, at: usize, tags: &[&str], call: &Call<'_>) {
    let entry = &cluster.profiles.entries[at];
    let value = &entry.value;
    // Writing into a String cannot fail.
    let _ = write!(out, "<commonPhoneConfig uuid=\"{}\">", entry.uuid);
    let mut row = Row::new(out, at, call);
    for &tag in tags {
        match tag {
            "name" => row.text(tag, &entry.name),
            "backgroundImage" => row.boolean(tag, value.spec.background_image),
            "phonePersonalization" => row.text(tag, setting_name(value.spec.personalization)),
            "vendorConfig" => row.markup(&vendor_config(&value.vendor_settings())),
            _ if value.fields.contains_key(tag) => row.text(tag, &value.fields[tag]),
            "phoneServiceDisplay" => row.text(tag, "Default"),
            "dndOption" => row.text(tag, "Ringer Off"),
            "alwaysUsePrimeLine" | "alwaysUsePrimeLineForVoiceMessage" => row.text(tag, "Off"),
            _ if tag.ends_with("Name") => row.reference::<()>(tag, None),
            _ => row.null(tag),
        }
    }
    out.push_str("</commonPhoneConfig>");
}

/// What `getCommonPhoneConfig` answers to a request without `returnedTags`.
const ALL_TAGS: &str = "name description dndOption backgroundImage phonePersonalization phoneServiceDisplay \
    sshUserId vendorConfig alwaysUsePrimeLine vpnGroupName";
