//! Does the push user control the phone?

use crate::audit::{Context, Subject, finding};
use crate::domain::association::UserKind;
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::inventory::PushUser;
use crate::domain::text::names;

pub(in crate::audit) fn check(
    context: &Context<'_>,
    subject: &Subject<'_>,
    found: &mut Vec<Finding>,
) {
    if !subject.takes_pictures() {
        return;
    }
    match &context.inventory.push_user {
        PushUser::NotNamed => found.push(finding(
            Code::PushUserMissing,
            Severity::Blocked,
            "no push user was named, so it is not known who may push",
            "name the user with --push-user or PHONE_USERNAME",
        )),
        PushUser::Missing { user, exists_as: Some(other), searched, .. } => found.push(finding(
            Code::PushUserMissing,
            Severity::Blocked,
            format!("{user} is an {other}, not an {}", either(searched)),
            format!(
                "use --push-user-kind {}",
                match other {
                    UserKind::App => "app",
                    UserKind::End => "end",
                }
            ),
        )),
        PushUser::Missing { user, exists_as: None, searched, similar } => found.push(finding(
            Code::PushUserMissing,
            Severity::Blocked,
            match similar.as_slice() {
                [] => format!("the cluster has no {} {user:?}", either(searched)),
                near => format!(
                    "the cluster has no {} {user:?}; users with names like it: {}",
                    either(searched),
                    names(near)
                ),
            },
            format!("correct --push-user, or create {user} in User Management > Application User"),
        )),
        PushUser::Found { user, .. } if !subject.associated => found.push(finding(
            Code::NotAssociated,
            Severity::Fixable,
            format!("the {user} does not control it"),
            "`axlpaper rollout` adds it to the user's Controlled Devices; `axlpaper plan` shows the change first",
        )),
        PushUser::Found { .. } => {}
    }
}

fn either(kinds: &[UserKind]) -> String {
    kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}
