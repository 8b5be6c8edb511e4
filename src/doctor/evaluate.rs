//! Turns what was found into the result of a check; nothing is requested here.

use std::error::Error as _;

use jiff::Timestamp;

use crate::axl::error::AxlError;
use crate::axl::user::Authentication;
use crate::doctor::Found;
use crate::domain::inventory::{EnterpriseSettings, PushUser};
use crate::domain::roles::{AXL_ACCESS, Roles};
use crate::domain::text::pluralize;
use crate::error::{AppError, Exit, tls_hint};
use crate::net::certificate::CertificateFacts;
use crate::net::tls_problem::TlsProblem;
use crate::rollout::accounts::{self, PushUserRights};
use crate::rollout::push_common::logins_at_risk;

/// Evaluates a certificate that is trusted, or the reason why it is not.
pub fn certificate(
    facts: &CertificateFacts,
    why_not: Option<&TlsProblem>,
    now: Timestamp,
) -> Found {
    if let Some(problem) = why_not {
        let (state, remedy) = if problem.is_solved_by_pin() {
            ("is not trusted", "`axlpaper trust` shows it and pins it".to_owned())
        } else {
            ("cannot be used", tls_hint(problem, "--host"))
        };
        let summary = format!("the certificate of {} {state}: {problem}", facts.subject);
        return Found::failed(Exit::Failed, summary, remedy);
    }
    let days = (facts.not_after.as_second() - now.as_second()) / 86_400;
    let until = facts.not_after.strftime("%Y-%m-%d");
    if days < WARN_DAYS {
        return Found::warning(
            format!("the certificate is trusted, and good only until {until}"),
            "regenerate it in OS Administration > Security > Certificate Management, then run `axlpaper trust`",
        );
    }
    Found::ok(format!("the certificate is trusted, and good until {until}"))
}

/// Evaluates what the cluster reports about an upgrade.
pub fn upgrade(in_progress: Option<bool>) -> Found {
    match in_progress {
        Some(true) => Found::warning(
            "the cluster is being upgraded: changes that are made now can be missing in the new version",
            "wait until the upgrade is finished and the version is switched; until then change nothing (no `apply`, no \
             `rollout`)",
        ),
        Some(false) => Found::ok("no upgrade of the cluster is in progress"),
        None => Found::ok("this release does not report whether an upgrade is in progress"),
    }
}

/// Evaluates the roles of the account that axlpaper uses, and whether it may write.
pub fn roles(username: &str, roles: Option<&Roles>, may_write: Option<bool>) -> Found {
    match may_write {
        Some(true) => Found::ok(format!("{username} may change phones and users")),
        Some(false) => Found::failed(
            Exit::Authentication,
            accounts::read_only(username, roles),
            accounts::GRANT_WRITE,
        ),
        None => Found::warning(
            format!("the cluster does not show whether {username} may change anything"),
            format!("make sure that it has the role {AXL_ACCESS}"),
        ),
    }
}

/// Evaluates whether the cluster records changes; `fault` is its refusal to show the record.
pub fn change_notification(is_kept: bool, fault: Option<&str>) -> Found {
    if is_kept {
        return Found::ok("change notification is on");
    }
    let why = fault.map(|fault| format!(": {fault}")).unwrap_or_default();
    Found::warning(
        format!("change notification is off, or this release has none{why}"),
        "programs that follow changes of the configuration need it (System > Service Parameters > Cisco Database Layer \
         Monitor); no rollout does",
    )
}

/// Returns whether an error means that the password is right and a role is missing.
pub fn is_role_missing(error: &AppError) -> bool {
    let axl = error.source().and_then(|source| source.downcast_ref::<AxlError>());
    axl.is_some_and(|error| error.is_authentication() && !error.is_password_refused())
}

/// Evaluates the push user, when as many of its logins as `most_logins` can fail in one run.
pub fn push_user(found: &PushUser, most_logins: usize) -> Found {
    match found {
        PushUser::NotNamed => Found::warning(
            "no push user is named, so nothing can be pushed",
            "name it with --push-user or PHONE_USERNAME",
        ),
        PushUser::Missing { .. } => {
            let finding = crate::audit::push_user_missing(found);
            let (message, remedy) =
                finding.map(|finding| (finding.message, finding.remedy)).unwrap_or_default();
            Found::failed(Exit::Usage, message, remedy)
        }
        PushUser::Found { user, devices, account } => {
            let controls = format!("the {user} controls {}", pluralize(devices.len(), "device"));
            if let Some(why) = &account.locked {
                return Found::failed(
                    Exit::Failed,
                    format!("{controls}, but cannot log in: {why}"),
                    "check it in User Management, Edit Credential",
                );
            }
            if account.outranks() {
                return Found::warning(
                    format!(
                        "{controls}, and has a higher User Rank than this account, which may not change it"
                    ),
                    "use an account of that rank, or associate phones by hand",
                );
            }
            match account.locks_after.and_then(|locks| logins_at_risk(most_logins, locks)) {
                Some(risk) => Found::ok(format!("{controls}; {risk}")),
                None => Found::ok(controls),
            }
        }
    }
}

/// Evaluates what the push user may do besides the push.
pub fn push_rights(user: &str, rights: &PushUserRights, is_allowed: bool) -> Found {
    match rights {
        PushUserRights::None => Found::ok(format!("{user} has no right beyond the push")),
        PushUserRights::Unknown => Found::warning(
            accounts::unknown_rights(user),
            "check its Access Control Groups in User Management: it should be in none",
        ),
        PushUserRights::Privileged(rights) => {
            let summary = format!("{user} {rights}, and {}", accounts::EXPOSED);
            if is_allowed {
                return Found::warning(summary, "use an application user without any group");
            }
            Found::failed(Exit::Refused, summary, accounts::REPLACE_USER)
        }
    }
}

/// Evaluates the cluster's answer about the push user's password.
pub fn push_password(answer: &Authentication) -> Found {
    let days = answer.days_to_expiry.filter(|days| *days > 0);
    match (answer.authenticated, days) {
        (Some(true), Some(days)) if days < WARN_DAYS => Found::warning(
            format!(
                "the push user's password is right, and expires in {}",
                pluralize(usize::try_from(days).unwrap_or(0), "day")
            ),
            "change it, or set Does Not Expire in Edit Credential",
        ),
        (Some(true), _) => Found::ok("the push user's password is right"),
        (Some(false), _) => Found::failed(
            Exit::Authentication,
            "the push user's password is wrong, or its account is locked (this counted as one failed attempt)",
            "check --push-password-file or PHONE_PASSWORD, and the account in User Management",
        ),
        (None, _) => Found::warning(
            "the cluster cannot confirm the push user's password",
            "test it with a push to one phone: `axlpaper push PICTURE --limit 1`",
        ),
    }
}

/// Evaluates the settings of the cluster that concern all phones.
pub fn enterprise(settings: &EnterpriseSettings, remarks: &[String]) -> Found {
    match (remarks.first(), settings.authentication_url.as_deref()) {
        (Some(remark), _) => Found::warning(remark.clone(), "check System > Enterprise Parameters"),
        (None, Some("")) => Found::warning(
            "URL Authentication is blank: phones accept pushes from anyone",
            "set System > Enterprise Parameters > URL Authentication",
        ),
        (None, _) => Found::ok("the enterprise parameters are readable"),
    }
}

/// Makes an error of the program a failed check.
pub fn failed(error: &AppError) -> Found {
    Found::failed(error.exit(), error.message(), error.hints().join("; "))
}

/// A certificate or password that is good for less than this should be looked after.
const WARN_DAYS: i64 = 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;
    use crate::domain::association::{UserKind, UserRef};
    use crate::domain::inventory::AccountStatus;

    #[test]
    fn a_push_user_is_judged_by_what_it_can_do() {
        let found = |account| PushUser::Found {
            user: UserRef { user: "bgpush".into(), kind: UserKind::App },
            devices: vec!["SEP1".to_owned()].into(),
            account,
        };
        assert_eq!(push_user(&found(AccountStatus::default()), 32).state, State::Ok);
        let strict = AccountStatus { locks_after: Some(3), ..AccountStatus::default() };
        let told = |most| push_user(&found(strict.clone()), most).summary;
        assert!(told(32).contains("locks the account after 3"), "{}", told(32));
        assert!(!told(2).contains("locks"), "{}", told(2));
        let locked = AccountStatus { locked: Some("x".into()), ..AccountStatus::default() };
        assert_eq!(push_user(&found(locked), 32).state, State::Failed);
        let high = AccountStatus { rank: Some(1), own_rank: Some(5), ..AccountStatus::default() };
        assert_eq!(push_user(&found(high), 32).state, State::Warning);
        assert_eq!(push_user(&PushUser::NotNamed, 32).state, State::Warning);
    }

    #[test]
    fn an_account_that_may_only_read_fails() {
        let reader: Roles =
            ["Standard AXL API Users", "Standard AXL Read Only API Access"].into_iter().collect();
        let found = roles("x", Some(&reader), Some(false));
        assert_eq!((found.state, found.exit), (State::Failed, Exit::Authentication));
        assert!(found.summary.contains("it has Standard AXL API Users, Standard AXL Read Only"));
        assert_eq!(roles("x", None, Some(true)).state, State::Ok);
        assert_eq!(roles("x", None, None).state, State::Warning);
    }

    #[test]
    fn a_privileged_push_user_fails_unless_it_is_allowed() {
        let rights = PushUserRights::Privileged("has the role A".to_owned());
        let found = push_rights("x", &rights, false);
        assert_eq!((found.state, found.exit), (State::Failed, Exit::Refused));
        assert_eq!(push_rights("x", &rights, true).state, State::Warning);
        assert_eq!(push_rights("x", &PushUserRights::None, false).state, State::Ok);
        assert_eq!(push_rights("x", &PushUserRights::Unknown, true).state, State::Warning);
    }

    #[test]
    fn a_password_is_right_wrong_or_unknown() {
        let answer = |authenticated, days_to_expiry| {
            push_password(&Authentication { authenticated, code: None, days_to_expiry }).state
        };
        assert_eq!(answer(Some(true), None), State::Ok);
        assert_eq!(answer(Some(true), Some(0)), State::Ok, "0 is what does not expire");
        assert_eq!(answer(Some(true), Some(3)), State::Warning);
        assert_eq!(answer(Some(false), None), State::Failed);
        assert_eq!(answer(None, None), State::Warning);
    }
}
