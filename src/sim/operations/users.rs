//! End users and application users, and the lists of devices that are associated with them.

use std::fmt::Write as _;

use super::call::{Answer, Call, Criteria, returned_tags, rows, written};
use super::row::Row;
use crate::sim::config::UserGroups;
use crate::sim::fault::SoapFault;
use crate::sim::fleet_content::{AccountState, UserKind};
use crate::sim::state::{Cluster, Database, User};
use crate::sim::values::uuid;
use crate::sim::xml::element_into;

pub(super) fn list(cluster: &Database, call: &Call<'_>, kind: UserKind) -> Answer {
    let criteria = Criteria::read(call.request)?;
    let tags = returned_tags(call.request).unwrap_or_default();
    let users = cluster.users.iter().enumerate().filter(|(_, user)| user.kind == kind);
    let matching = users.filter(|(_, user)| {
        criteria.fit(|field| match field {
            "userid" => &user.userid,
            "lastName" => &user.userid,
            _ => "",
        })
    });
    rows(cluster, call.request, matching, |out, (at, user)| {
        write_user(out, cluster, at, user, &tags, call);
    })
}

pub(super) fn one(cluster: &Database, call: &Call<'_>, kind: UserKind) -> Answer {
    let at = find(cluster, call, kind).ok_or_else(|| SoapFault::not_found(noun(kind)))?;
    let all = match kind {
        UserKind::EndUser => END_USER_TAGS,
        UserKind::Application => APPLICATION_USER_TAGS,
    };
    let tags = returned_tags(call.request).unwrap_or_else(|| all.split(' ').collect());
    let mut out = String::from("<return>");
    write_user(&mut out, cluster, at, &cluster.users[at], &tags, call);
    out.push_str("</return>");
    Ok(out)
}

/// Replaces the whole list of associated devices by the one that is sent, as AXL does.
///
/// Leaving the element out leaves the list alone; an empty element empties it. A device that does not
/// exist fails the whole request, and nothing is changed.
pub(super) fn update(cluster: &mut Cluster, call: &Call<'_>, kind: UserKind) -> Answer {
    let Some(at) = find(cluster, call, kind) else {
        return Err(SoapFault::no_target(noun(kind)));
    };
    let caller = &cluster.users[call.user];
    if cluster.users[at].rank < caller.rank {
        let who = match kind {
            UserKind::EndUser => "End User",
            UserKind::Application => "Application User",
        };
        let message = format!(
            "You do not have the privilege to update this {who} as you have lower User Rank"
        );
        return Err(SoapFault::server(5003, message));
    }
    let known = ["uuid", "userid", "associatedDevices", "password"];
    if let Some(other) = call.request.children.iter().find(|c| !known.contains(&c.name.as_str())) {
        // Silently ignoring a field would make the answer a lie.
        let message = format!("the simulator cannot change {} of a user", other.name);
        return Err(SoapFault::server(-1, message));
    }
    let mut devices = None;
    if let Some(list) = call.request.child("associatedDevices") {
        let mut found = Vec::with_capacity(list.children.len());
        for device in &list.children {
            let name = device.text.trim();
            match cluster.device(name) {
                Some(device) => found.push(device),
                None => return Err(SoapFault::not_found(&format!("Device {name}"))),
            }
        }
        devices = Some(found);
    }
    // The nodes are notified of the user too.
    let touched = 1 + devices.as_ref().map_or(0, |devices| cluster.users[at].differs(devices));
    let target = cluster.users[at].userid.clone();
    written(cluster, call, target, touched);
    let names = call.request.children.iter().map(|child| child.name.as_str());
    let tags: Vec<&str> = names.filter(|name| !["userid", "uuid"].contains(name)).collect();
    cluster.note_user(at, &tags);
    let user = cluster.user_mut(at);
    if let Some(devices) = devices {
        user.associate(devices);
    }
    if let Some(password) = call.request.child_text("password") {
        user.password = password.to_owned().into();
    }
    Ok(format!("<return>{}</return>", user.uuid))
}

/// `doAuthenticateUser`: answers whether a password is right; a wrong one counts towards a lockout.
pub(super) fn authenticate(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let text = |name| call.request.child_text(name);
    let userid = text("userid").unwrap_or_default();
    let Some(at) = cluster.user(userid) else {
        return Err(SoapFault::not_found("User"));
    };
    // No user has a PIN, so every PIN is wrong.
    let password = call.request.child("password").map_or("", |node| node.text.as_str());
    let right = cluster.check_password(userid, password).is_some();
    // The numbers were not published; that 0 means success is believed.
    let code = match (right, cluster.users[at].state) {
        (true, _) => 0,
        (false, AccountState::Active) => 1,
        (false, AccountState::LockedByAdministrator) => 2,
        (false, AccountState::LockedByHacking) => 3,
        (false, AccountState::Inactive) => 4,
    };
    Ok(format!(
        "<return><userAuthenticated>{right}</userAuthenticated><code>{code}</code>\
         <daysToExpiry>0</daysToExpiry><isWarningNeeded>false</isWarningNeeded></return>"
    ))
}

fn find(cluster: &Database, call: &Call<'_>, kind: UserKind) -> Option<usize> {
    let found = match (call.request.child_text("userid"), call.request.child_text("uuid")) {
        (Some(userid), _) => cluster.user(userid),
        (None, Some(uuid)) => {
            cluster.users.iter().position(|user| user.uuid.eq_ignore_ascii_case(uuid))
        }
        (None, None) => None,
    };
    found.filter(|&at| cluster.users[at].kind == kind)
}

fn noun(kind: UserKind) -> &'static str {
    match kind {
        UserKind::EndUser => "User",
        UserKind::Application => "AppUser",
    }
}

fn write_user(
    out: &mut String,
    cluster: &Database,
    at: usize,
    user: &User,
    tags: &[&str],
    call: &Call<'_>,
) {
    let element = match user.kind {
        UserKind::EndUser => "user",
        UserKind::Application => "appUser",
    };
    // Writing into a String cannot fail.
    let _ = write!(out, "<{element} uuid=\"{}\">", user.uuid);
    let mut row = Row::new(out, at, call);
    for &tag in tags {
        match tag {
            "userid" | "lastName" => row.text(tag, &user.userid),
            "associatedDevices" => {
                if user.devices.is_empty() {
                    row.markup("<associatedDevices/>");
                    continue;
                }
                let mut list = String::from("<associatedDevices>");
                for &device in &user.devices {
                    element_into(&mut list, "device", &cluster.devices[device].spec.name);
                }
                list.push_str("</associatedDevices>");
                row.markup(&list);
            }
            "associatedGroups" => match cluster.config.user_groups {
                UserGroups::LeftOut => {}
                shown @ (UserGroups::WithRoles | UserGroups::NamesOnly) => {
                    row.markup(&associated_groups(user, shown));
                }
            },
            "passwordCredentials" => row.markup(&password_credentials(user)),
            "status" => {
                row.text(tag, if user.state == AccountState::Inactive { "0" } else { "1" });
            }
            "isStandard"
            | "enableMobility"
            | "enableEmcc"
            | "acceptPresenceSubscription"
            | "acceptOutOfDialogRefer"
            | "acceptUnsolicitedNotification"
            | "allowReplaceHeader" => {
                row.boolean(tag, false);
            }
            "presenceGroupName" => {
                let name = "Standard Presence group";
                row.named(tag, name, &uuid("presence", name));
            }
            _ if tag.ends_with("Name") => row.reference::<()>(tag, None),
            // A password is never sent.
            _ => row.null(tag),
        }
    }
    let _ = write!(out, "</{element}>");
}

fn associated_groups(user: &User, shown: UserGroups) -> String {
    if user.groups.is_empty() {
        return "<associatedGroups/>".to_owned();
    }
    let mut out = String::from("<associatedGroups>");
    for (name, roles) in &user.groups {
        out.push_str("<userGroup>");
        element_into(&mut out, "name", name);
        if shown == UserGroups::WithRoles {
            out.push_str("<userRoles>");
            for role in roles {
                element_into(&mut out, "userRole", role);
            }
            out.push_str("</userRoles>");
        }
        out.push_str("</userGroup>");
    }
    out.push_str("</associatedGroups>");
    out
}

/// Answers with the one policy that all passwords have.
pub(super) fn credential_policy(cluster: &Database, call: &Call<'_>) -> Answer {
    if call.request.child_text("name").is_none_or(|name| name.trim() != POLICY) {
        return Err(SoapFault::not_found("CredentialPolicy"));
    }
    let (id, after) = (uuid("policy", POLICY), cluster.config.lockout_after);
    Ok(format!(
        "<return><credentialPolicy uuid=\"{id}\"><failedLogon>{after}</failedLogon></credentialPolicy></return>"
    ))
}

const POLICY: &str = "Default Credential Policy";

/// Returns the state of a password.
///
/// That `pwdResetHackCount` is true while wrong passwords keep the account locked is believed.
fn password_credentials(user: &User) -> String {
    let policy = POLICY;
    let mut out = String::from("<passwordCredentials>");
    let id = uuid("policy", policy);
    // Writing into a String cannot fail.
    let _ = write!(out, "<pwdCredPolicyName uuid=\"{id}\">{policy}</pwdCredPolicyName>");
    let administrator = user.state == AccountState::LockedByAdministrator;
    let lockout = if administrator { "1790000000" } else { "0" };
    for (name, value) in [
        ("pwdCredUserCantChange", "false"),
        ("pwdCredUserMustChange", "false"),
        ("pwdCredDoesNotExpire", "true"),
        ("pwdCredTimeChanged", "1780000000"),
        ("pwdCredTimeAdminLockout", lockout),
        ("pwdCredLockedByAdministrator", flag(administrator)),
        ("pwdResetHackCount", flag(user.state == AccountState::LockedByHacking)),
    ] {
        element_into(&mut out, name, value);
    }
    out.push_str("</passwordCredentials>");
    out
}

fn flag(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// What `getUser` answers to a request without `returnedTags`.
const END_USER_TAGS: &str =
    "lastName userid password associatedDevices associatedGroups passwordCredentials status";
/// What `getAppUser` answers to a request without `returnedTags`.
const APPLICATION_USER_TAGS: &str =
    "userid password passwordCredentials isStandard associatedDevices associatedGroups";
