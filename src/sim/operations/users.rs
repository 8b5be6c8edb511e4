//! End users and application users, and the lists of devices that are associated with them.

use std::fmt::Write as _;

use super::call::{Answer, Call, Criteria, answered_tags, returned_tags, rows, written};
use super::field_rules::{check_length, check_references, is_of_new_cluster};
use super::row::Row;
use crate::sim::config::UserGroups;
use crate::sim::edits::UserEdit;
use crate::sim::fault::SoapFault;
use crate::sim::fleet_content::{AccountState, UserKind, UserSpec};
use crate::sim::state::{Cluster, Database, User};
use crate::sim::values::uuid;
use crate::sim::xml::{Node, element_into};

pub(super) fn list(cluster: &Database, call: &Call<'_>, kind: UserKind) -> Answer {
    let criteria = Criteria::read(call.request)?;
    let tags = returned_tags(call.request).unwrap_or_default();
    let users = cluster.listed_users().filter(|(_, user)| user.kind == kind);
    let matching = users.filter(|(_, user)| {
        criteria.fit(|field| match field {
            "userid" => &user.userid,
            _ => user.field(field),
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
    let tags = answered_tags(call, all, &cluster.users[at].fields);
    let mut out = String::from("<return>");
    write_user(&mut out, cluster, at, &cluster.users[at], &tags, call);
    out.push_str("</return>");
    Ok(out)
}

/// `updateUser` and `updateAppUser`: nothing is changed unless all of it can be.
///
/// A list of associated devices replaces the whole list, as AXL does; without the element the list stays, and an empty
/// element empties it. A device that does not exist fails the whole request.
pub(super) fn update(cluster: &mut Cluster, call: &Call<'_>, kind: UserKind) -> Answer {
    let at = target(cluster, call, kind, "update")?;
    let keys = ["userid", "uuid"];
    let fields = call.request.children.iter().filter(|child| !keys.contains(&&*child.name));
    let edits = fields.map(|field| user_edit(cluster, at, field));
    let edits = edits.collect::<Result<Vec<_>, _>>()?;
    check_extension(cluster, call.request, &edits, &cluster.users[at].devices)?;
    let differ = edits.iter().map(|edit| {
        let UserEdit::Devices(devices) = edit else { return 0 };
        cluster.users[at].differs(devices)
    });
    // The nodes are notified of the user too.
    let touched = 1 + differ.sum::<usize>();
    written(cluster, call, cluster.users[at].userid.clone(), touched);
    cluster.edit_user(at, edits);
    Ok(format!("<return>{}</return>", cluster.users[at].uuid))
}

/// `addUser` and `addAppUser`.
pub(super) fn add(cluster: &mut Cluster, call: &Call<'_>, kind: UserKind) -> Answer {
    let [request] = call.request.children.as_slice() else {
        return Err(SoapFault::invalid("there is no user"));
    };
    let userid = request.child_text("userid").unwrap_or_default();
    let at = cluster.users.len();
    unused_name(cluster, at, userid)?;
    check_length("userid", userid)?;
    if kind == UserKind::EndUser && request.child_text("lastName").is_none_or(str::is_empty) {
        return Err(SoapFault::invalid("the lastName is empty"));
    }
    let fields = request.children.iter().filter(|child| child.name != "userid");
    let edits = fields.map(|field| user_edit(cluster, at, field));
    let edits = edits.collect::<Result<Vec<_>, _>>()?;
    check_extension(cluster, request, &edits, &[])?;
    let at = cluster.add_user(&UserSpec::new(userid, kind, ""));
    for edit in edits {
        cluster.apply_to_user(at, edit);
    }
    cluster.note_user(at, 'a', Vec::new());
    written(cluster, call, userid.to_owned(), 1 + cluster.users[at].devices.len());
    Ok(format!("<return>{}</return>", cluster.users[at].uuid))
}

/// `removeUser` and `removeAppUser`.
pub(super) fn remove(cluster: &mut Cluster, call: &Call<'_>, kind: UserKind) -> Answer {
    let at = target(cluster, call, kind, "remove")?;
    if at == call.user {
        return Err(SoapFault::cannot("the removal of the user who asks for it"));
    }
    let (userid, uuid) = (cluster.users[at].userid.clone(), cluster.users[at].uuid.clone());
    written(cluster, call, userid, 1 + cluster.users[at].devices.len());
    cluster.remove_user(at);
    Ok(format!("<return>{uuid}</return>"))
}

/// Returns the user that is to be written to, if the caller does not rank below it.
fn target(
    cluster: &Database,
    call: &Call<'_>,
    kind: UserKind,
    what: &str,
) -> Result<usize, SoapFault> {
    let at = find(cluster, call, kind).ok_or_else(|| SoapFault::no_target(noun(kind)))?;
    if cluster.users[at].rank < cluster.users[call.user].rank {
        let who = match kind {
            UserKind::EndUser => "End User",
            UserKind::Application => "Application User",
        };
        let message = format!(
            "You do not have the privilege to {what} this {who} as you have lower User Rank"
        );
        return Err(SoapFault::server(5003, message));
    }
    Ok(at)
}

fn unused_name(cluster: &Database, at: usize, userid: &str) -> Result<(), SoapFault> {
    match cluster.user(userid) {
        _ if userid.is_empty() => Err(SoapFault::invalid("the userid is empty")),
        Some(other) if other != at => Err(SoapFault::duplicate()),
        Some(_) | None => Ok(()),
    }
}

fn user_edit(cluster: &Database, at: usize, field: &Node) -> Result<UserEdit, SoapFault> {
    let text = field.text.trim();
    check_length(&field.name, text)?;
    Ok(match field.name.as_str() {
        "newUserid" => {
            unused_name(cluster, at, text)?;
            UserEdit::Name(text.to_owned())
        }
        "associatedDevices" => {
            let names = field.children.iter().map(|device| device.text.trim());
            let found = names.map(|name| {
                let missing = || SoapFault::not_found(&format!("Device {name}"));
                cluster.device(name).ok_or_else(missing)
            });
            UserEdit::Devices(found.collect::<Result<_, _>>()?)
        }
        "associatedGroups" => UserEdit::Groups(groups(cluster, field)?),
        "password" => UserEdit::Password(text.to_owned()),
        "pin" if text.bytes().all(|b| b.is_ascii_digit()) => UserEdit::Pin(text.to_owned()),
        "pin" => return Err(SoapFault::cannot("a pin that is not of digits")),
        // What a change of these does to log-ins is not simulated.
        tag @ ("passwordCredentials" | "pinCredentials" | "convertUserAccount") => {
            return Err(SoapFault::cannot(&format!("{tag} of a user")));
        }
        _ => {
            check_references(cluster, field)?;
            UserEdit::Field(field.clone())
        }
    })
}

/// Refuses a primary extension that no device of the user has (a note in the AXL schema; its fault is not known).
fn check_extension(
    cluster: &Database,
    request: &Node,
    edits: &[UserEdit],
    devices: &[usize],
) -> Result<(), SoapFault> {
    let extension = request.child("primaryExtension").and_then(|node| node.child_text("pattern"));
    let Some(number) = extension.filter(|number| !number.is_empty()) else { return Ok(()) };
    let written = edits.iter().find_map(|edit| match edit {
        UserEdit::Devices(devices) => Some(devices.as_slice()),
        UserEdit::Field(_)
        | UserEdit::Groups(_)
        | UserEdit::Name(_)
        | UserEdit::Password(_)
        | UserEdit::Pin(_)
        | UserEdit::Rank(_)
        | UserEdit::State(_) => None,
    });
    let mut devices = written.unwrap_or(devices).iter();
    let has = |&at: &usize| cluster.devices[at].numbers(at).any(|found| found == number);
    let refused = || SoapFault::cannot("a primaryExtension that no device of the user has");
    devices.any(has).then_some(()).ok_or_else(refused)
}

/// Reads groups; a group without roles has those that it has for other users. A group exists where a user is in it, and
/// those of a new cluster do: their names begin with `Standard`.
fn groups(cluster: &Database, list: &Node) -> Result<Vec<(String, Vec<String>)>, SoapFault> {
    let group = |group: &Node| {
        let name = group.child_text("name").unwrap_or_default();
        let roles = group.child("userRoles").map(|roles| &roles.children);
        let roles =
            roles.map(|roles| roles.iter().map(|role| role.text.trim().to_owned()).collect());
        let known = || {
            let mut all = cluster.listed_users().flat_map(|(_, user)| &user.groups);
            let found = all
                .find(|(other, _)| other.eq_ignore_ascii_case(name))
                .map(|(_, roles)| roles.clone());
            found.or_else(|| is_of_new_cluster(name).then(Vec::new))
        };
        let known = known().ok_or_else(|| SoapFault::not_found(&format!("UserGroup {name}")))?;
        Ok((name.to_owned(), roles.unwrap_or(known)))
    };
    list.children.iter().map(group).collect()
}

/// `doAuthenticateUser`: answers whether a password is right; a wrong one counts towards a lockout.
pub(super) fn authenticate(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let text = |name| call.request.child_text(name);
    let userid = text("userid").unwrap_or_default();
    let Some(at) = cluster.user(userid) else {
        return Err(SoapFault::not_found("User"));
    };
    let secret = |name| call.request.child(name).map(|node| node.text.as_str());
    let right = match secret("pin") {
        Some(pin) => cluster.check_pin(userid, pin),
        None => cluster.check_password(userid, secret("password").unwrap_or_default()),
    };
    let right = right.is_some();
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
            let mut users = cluster.listed_users();
            users.find(|(_, user)| user.uuid.eq_ignore_ascii_case(uuid)).map(|(at, _)| at)
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
            "userid" => row.text(tag, &user.userid),
            _ if user.fields.contains_key(tag) => row.kept(&user.fields[tag]),
            "lastName" => row.text(tag, user.field(tag)),
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
                row.named(tag, PRESENCE_GROUP, &uuid("presence", PRESENCE_GROUP));
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

/// The only one that a new cluster has; no other can be added here.
const PRESENCE_GROUP: &str = "Standard Presence group";
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
const END_USER_TAGS: &str = "firstName lastName userid password associatedDevices associatedGroups passwordCredentials status";
/// What `getAppUser` answers to a request without `returnedTags`.
const APPLICATION_USER_TAGS: &str =
    "userid password passwordCredentials isStandard associatedDevices associatedGroups";
