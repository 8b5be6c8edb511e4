//! Does the push user control the phone?

use crate::audit::context::{Context, Subject, finding};
use crate::domain::association::{UserKind, UserRef};
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::inventory::{AccountStatus, PushUser};
use crate::domain::payload_kind::ObjectKind;
use crate::domain::text::{names, quoted};

pub(in crate::audit) fn association(
    context: &Context<'_>,
    subject: &Subject<'_>,
    found: &mut Vec<Finding>,
) {
    if !subject.accepts(context.object) {
        return;
    }
    if let PushUser::Found { user, account, .. } = &context.inventory.push_user {
        if !subject.associated {
            let (severity, remedy) = if context.list_is_readable {
                remedy(user, subject)
            } else {
                (Severity::Blocked, unreadable_list(user))
            };
            found.push(finding(
                Code::NotAssociated,
                severity,
                format!("the {user} does not control it"),
                remedy,
            ));
        }
        // No change is needed for what is there already.
        if !subject.associated && account.outranks() {
            found.push(outranked(user, account));
        }
        found.extend(account.locked.as_deref().map(|why| locked(user, why)));
    }
    found.extend(push_user_missing(&context.inventory.push_user));
}

fn remedy(user: &UserRef, subject: &Subject<'_>) -> (Severity, String) {
    if subject.accepts(ObjectKind::Background) {
        let by_us = "`axlpaper rollout` adds it to the user's Controlled Devices; `axlpaper plan` shows the change first";
        return (Severity::Fixable, by_us.to_owned());
    }
    let by_hand = format!("add it to the Controlled Devices of {} in User Management", user.user);
    (Severity::Blocked, by_hand)
}

/// Writing the list would replace the entry that could not be read.
fn unreadable_list(user: &UserRef) -> String {
    format!(
        "an entry of the Controlled Devices of {user} cannot be read, so axlpaper does not write that list: correct the \
         entry in User Management and run it again",
        user = user.user
    )
}

fn outranked(user: &UserRef, account: &AccountStatus) -> Finding {
    let rank = |rank: Option<i64>| rank.map(|rank| rank.to_string()).unwrap_or_default();
    finding(
        Code::PushUserOutranked,
        Severity::Blocked,
        format!(
            "the {user} has the User Rank {}, above the {} of the account that axlpaper uses, which therefore may not \
             add the phone to it",
            rank(account.rank),
            rank(account.own_rank)
        ),
        "use an account with that rank or a higher one, or change the User Rank in User Management",
    )
}

fn locked(user: &UserRef, why: &str) -> Finding {
    finding(
        Code::PushUserLocked,
        Severity::Blocked,
        format!("the {user} cannot log in: {why}; phones will refuse it"),
        format!("check {} in User Management, Edit Credential", user.user),
    )
}

/// Returns what is wrong with the push user itself; nothing when the cluster has it.
pub fn push_user_missing(push_user: &PushUser) -> Option<Finding> {
    let missing = |message: String, remedy: String| {
        Some(finding(Code::PushUserMissing, Severity::Blocked, message, remedy))
    };
    match push_user {
        PushUser::Found { .. } => None,
        PushUser::NotNamed => missing(
            "no push user was named, so it is not known who may push".to_owned(),
            "name the user with --push-user or PHONE_USERNAME".to_owned(),
        ),
        PushUser::Missing { user, exists_as: Some(other), searched, .. } => missing(
            format!("{user} is an {other}, not an {}", either(searched)),
            format!(
                "use --push-user-kind {}",
                match other {
                    UserKind::App => "app",
                    UserKind::End => "end",
                }
            ),
        ),
        PushUser::Missing { user, exists_as: None, searched, similar } => missing(
            match similar.as_slice() {
                [] => format!("the cluster has no {} {}", either(searched), quoted(user)),
                near => format!(
                    "the cluster has no {} {}; users with names like it: {}",
                    either(searched),
                    quoted(user),
                    names(near)
                ),
            },
            format!("correct --push-user, or create {user} in User Management > Application User"),
        ),
    }
}

fn either(kinds: &[UserKind]) -> String {
    kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

/// Where CUCM's own answer lives, at the end of the URL's path.
const OWN_PATH: &str = "/ccmcip/authenticate.jsp";

pub(in crate::audit) fn authentication_url(
    context: &Context<'_>,
    subject: &Subject<'_>,
    found: &mut Vec<Finding>,
) {
    if !subject.accepts(context.object) {
        return;
    }
    // An empty field on the phone's page defers to the enterprise parameter.
    let own = typed(subject.phone.authentication_url.as_deref());
    let enterprise = context.inventory.enterprise.authentication_url.as_deref().map(str::trim);
    let usual = match (own, enterprise) {
        (Some(url), _) => Some((url, "Device > Phone > Authentication Server")),
        (None, Some(url)) => Some((url, "System > Enterprise Parameters > URL Authentication")),
        (None, None) => None,
    };
    // A phone that speaks HTTPS to it asks this one instead.
    let secure = typed(subject.phone.secure_authentication_url.as_deref())
        .map(|url| (url, "Device > Phone > Secure Authentication URL"))
        .or_else(|| {
            let url = context.inventory.enterprise.secure_authentication_url.as_deref();
            let page = "System > Enterprise Parameters > Secured Phone URL Authentication";
            typed(url).map(|url| (url, page))
        });
    if let Some((_, page)) = usual.filter(|(url, _)| url.is_empty()) {
        found.push(finding(
            Code::AuthenticationUrlBlank,
            Severity::Warning,
            "its Authentication URL is blank: it accepts pushes from anyone, without a password",
            format!("set {page} to http://PUBLISHER:8080{OWN_PATH}"),
        ));
    }
    let mut urls = [usual, secure].into_iter().flatten();
    if let Some((url, page)) = urls.find(|(url, _)| !url.is_empty() && !is_own(url, context)) {
        found.push(finding(
            Code::AuthenticationUrlForeign,
            Severity::Warning,
            match is_on_cluster(url, context) {
                true => format!(
                    "another page than CUCM's own decides who may push to it: {url} ({page})"
                ),
                false => format!("another server decides who may push to it: {url} ({page})"),
            },
            format!(
                "if pushes are refused, check that server, or set {page} back to the publisher's"
            ),
        ));
    }
}

/// Returns what a field holds, if it is not blank.
fn typed(url: Option<&str>) -> Option<&str> {
    url.map(str::trim).filter(|url| !url.is_empty())
}

/// Returns whether the URL leads to the cluster's own page.
///
/// A node may be known by its short name and named in full in the URL, or the other way round; then first labels
/// are compared.
fn is_own(url: &str, context: &Context<'_>) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    let path = path.split('?').next().unwrap_or_default();
    format!("/{path}").to_ascii_lowercase().ends_with(OWN_PATH) && is_on_cluster(url, context)
}

fn is_on_cluster(url: &str, context: &Context<'_>) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let host = host_of(rest.split('/').next().unwrap_or_default());
    let publisher = host_of(&context.inventory.cluster.host);
    std::iter::once(publisher)
        .chain(context.inventory.nodes.iter().map(String::as_str))
        .any(|node| same_host(host, node))
}

fn host_of(authority: &str) -> &str {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    // An IPv6 address is in brackets here, and without them in the list of nodes.
    host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host)
}

fn same_host(a: &str, b: &str) -> bool {
    let is_short = |host: &str| !host.contains(['.', ':']);
    let label = |host: &str| host.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_address = |host: &str| host.parse::<std::net::IpAddr>().is_ok();
    let one_is_short = is_short(a) || is_short(b);
    a.eq_ignore_ascii_case(b)
        || one_is_short && !is_address(a) && !is_address(b) && label(a) == label(b)
}
