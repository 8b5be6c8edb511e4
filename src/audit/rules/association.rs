//! Does the push user control the phone?

use crate::audit::context::{Context, Subject, finding};
use crate::domain::association::{UserKind, UserRef};
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::inventory::{AccountStatus, PushUser};
use crate::domain::payload_kind::ObjectKind;
use crate::domain::text::names;

pub(in crate::audit) fn check(
    context: &Context<'_>,
    subject: &Subject<'_>,
    found: &mut Vec<Finding>,
) {
    if !subject.accepts(context.object) {
        return;
    }
    if let PushUser::Found { user, account, .. } = &context.inventory.push_user {
        if !subject.associated {
            let (severity, remedy) = remedy(user, subject);
            found.push(finding(
                Code::NotAssociated,
                severity,
                format!("the {user} does not control it"),
                remedy,
            ));
        }
        // Nobody needs a change that is there already.
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
        format!("look at {} in User Management, Edit Credential", user.user),
    )
}

/// Says what is wrong with the push user itself; nothing when the cluster has it.
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
                [] => format!("the cluster has no {} {user:?}", either(searched)),
                near => format!(
                    "the cluster has no {} {user:?}; users with names like it: {}",
                    either(searched),
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
