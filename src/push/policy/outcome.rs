//! Decides what follows from the reply to a push.

use std::time::Duration;

use crate::domain::payload_kind::ObjectKind;
use crate::domain::text::{names, pluralize};
use crate::event::{Downloads, NatProof, OtherDownload, Outcome, PhoneError};
use crate::push::policy::lockout::Cause;
use crate::push::{AttemptReply, DownloadStatus, LoginCheck, ReplyKind, Target};

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Next {
    /// Wait for the downloads of the phone.
    Verify,
    /// Retry later; holds the outcome if there is no retry.
    Again(PhoneOutcome),
    Done(PhoneOutcome),
}

/// The outcome of a phone, with reason and remedy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PhoneOutcome {
    /// The outcome.
    pub outcome: Outcome,
    pub phone_error: Option<PhoneError>,
    /// Why, in words.
    pub reason: Option<String>,
    pub remedy: Option<String>,
}

/// Decides after the `attempt`th answer, when at most `max_attempts` are made.
///
/// Trouble on the way and answers that cannot be read may pass, so they are tried again. What a phone
/// has refused it will refuse again, and a refused password must never be repeated: whether a phone is tried again
/// that refused the push user is decided once it is known [why](Cause). What must be sent only
/// once ([`AttemptReply::resend_safe`]) is never tried again.
pub fn next(target: &Target, answer: AttemptReply, attempt: u32, max_attempts: u32) -> Next {
    let AttemptReply { kind, resend_safe } = answer;
    let may_pass = matches!(
        kind,
        ReplyKind::Unreachable(_) | ReplyKind::NoReply(_) | ReplyKind::Unreadable(_)
    );
    match outcome(target, kind) {
        None if !target.object().is_downloaded() => Next::Done(unseeable(target.object())),
        None => Next::Verify,
        Some(outcome) if !resend_safe => {
            Next::Done(PhoneOutcome { remedy: Some(LOOK_FIRST.to_owned()), ..outcome })
        }
        Some(outcome) if may_pass && attempt < max_attempts => Next::Again(outcome),
        Some(outcome) => Next::Done(outcome),
    }
}

/// Returns the pause before the retry after the `attempt`th attempt: it doubles each time, up to a limit.
pub fn pause(first: Duration, attempt: u32) -> Duration {
    let longest = LONGEST_PAUSE.max(first);
    first.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))).min(longest)
}

/// The longest pause between two attempts, unless the first one was asked to be longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// Returns the outcome of this reply; nothing when the phone accepted.
fn outcome(target: &Target, kind: ReplyKind) -> Option<PhoneOutcome> {
    let outcome = match kind {
        ReplyKind::Accepted(_) => return None,
        ReplyKind::Unreachable(why) | ReplyKind::NoReply(why) => done(
            Outcome::Unreachable,
            None,
            why,
            "check Web Access and the network path to the phone, then push to it again; a phone that registers through an \
             Expressway cannot be pushed to",
        ),
        ReplyKind::Unreadable(error) => {
            let why = error.text.clone();
            done(
                Outcome::BadReply,
                Some(error),
                why,
                "open the phone's web page; restart the phone if it stays so",
            )
        }
        ReplyKind::AuthRefused(error) => refused(target, Some(error), None, None),
        ReplyKind::Refused(error) => {
            let why = error.text.clone();
            done(Outcome::Rejected, Some(error), why, after_refusal(target.object()))
        }
        ReplyKind::NotFound(error) => done(
            Outcome::Rejected,
            Some(error),
            "answered with HTTP status 404: its web server has no page for pushes",
            "open the web page at that address: a Cisco phone with firmware for Unified CM has to answer there, and \
             multiplatform firmware takes no push",
        ),
        ReplyKind::WrongDevice(other) => done(
            Outcome::WrongDevice,
            None,
            format!("{other} answers at its address; nothing was sent to it"),
            "the phone has moved: push to it again; a cluster that is asked knows its new address",
        ),
        ReplyKind::Blocked { outcome, why, remedy } => done(outcome, None, why, &remedy),
        ReplyKind::NotSent(why) => done(
            Outcome::Pending,
            None,
            format!("nothing was sent to it: {why}"),
            "clear the cause, then push again",
        ),
    };
    Some(outcome)
}

/// Says how a phone ends that has refused the push user: why it did, where that is known, and how long was waited
/// for a change to take effect.
pub(crate) fn refused(
    target: &Target,
    error: Option<PhoneError>,
    cause: Option<Cause>,
    waited: Option<Duration>,
) -> PhoneOutcome {
    let (why, remedy) = match (waited, cause) {
        _ if target.login_check == LoginCheck::Elsewhere => (
            "the phone refused the push user, and another server than the cluster's own page decided that (its \
             Authentication URL)"
                .to_owned(),
            "check that server and whether it knows the push user; or set URL Authentication (Enterprise Parameters) or \
             Authentication Server (the phone's page) to the publisher's, and restart the phone",
        ),
        (Some(waited), _) => (
            format!(
                "the phone still refused the push user {} after it was given control of it or the phone was changed",
                lasting(waited)
            ),
            "check that the push user controls this phone, its Authentication URL and the cluster's database \
             replication, then run `axlpaper rollout` again",
        ),
        (None, _) if target.recently_changed => (
            "the phone refused the push user; its association or its settings were changed only a moment ago"
                .to_owned(),
            "a change can need some minutes until it counts: push to it again a little later",
        ),
        (None, Some(Cause::Phone)) => (
            "the phone refused the push user, although the cluster confirms the password".to_owned(),
            "check that the push user controls this phone, and the phone's Authentication URL; restart the phone if both \
             are right",
        ),
        (None, Some(Cause::Page | Cause::Outvoted) | None) => (
            "the phone refused the push user".to_owned(),
            "check the push user's password, that it controls this phone, and the phone's Authentication URL",
        ),
    };
    PhoneOutcome {
        outcome: Outcome::AuthFailed,
        phone_error: error,
        reason: Some(why),
        remedy: Some(remedy.to_owned()),
    }
}

/// Returns a time in whole minutes, or in seconds where it is short.
fn lasting(time: Duration) -> String {
    let seconds = usize::try_from(time.as_secs()).unwrap_or(usize::MAX);
    if seconds < 120 { pluralize(seconds, "second") } else { pluralize(seconds / 60, "minute") }
}

/// Decides what an acceptance is worth, once the downloads are known.
///
/// Phones sometimes answer success to a push and do nothing. So one that has downloaded nothing is pushed
/// to again, once only: when that was `repeated` already, the acceptance is all there is. What other addresses have
/// downloaded proves nothing about the phone.
pub fn proven(target: &Target, fetched: &DownloadStatus, repeated: bool) -> Next {
    if fetched.is_complete() {
        return Next::Done(PhoneOutcome {
            outcome: Outcome::Verified,
            phone_error: None,
            reason: by_translation(&fetched.downloads),
            remedy: None,
        });
    }
    let outcome = unseen(target, fetched);
    let nothing = !fetched.image && !fetched.thumbnail;
    if nothing && !repeated { Next::Again(outcome) } else { Next::Done(outcome) }
}

/// Describes the proof where downloads came from translated addresses.
pub(crate) fn by_translation(downloads: &Downloads) -> Option<String> {
    let NatProof { rule, from } = downloads.nat.as_ref()?;
    Some(format!(
        "verified by the secret address alone: downloads came from the translated addresses {} \
         ([[nat]] rule {rule})",
        names(from)
    ))
}

/// What to do about a phone that was sent what must not be sent twice.
pub(crate) const LOOK_FIRST: &str = "check the phone's screen before you send it again";

fn after_refusal(object: ObjectKind) -> &'static str {
    match object {
        ObjectKind::Background | ObjectKind::RingTone => {
            "check the phone's status messages; check Phone Personalization, and that it can reach the \
             server that it downloads from"
        }
        ObjectKind::Play => {
            "check the phone's status messages; check that the file is at the TFTP root"
        }
        ObjectKind::Keys => "check the phone's screen, and that its model has these keys",
    }
}

/// Returns the outcome of a phone that accepted something whose effect cannot be seen from here.
fn unseeable(object: ObjectKind) -> PhoneOutcome {
    let reason = match object {
        ObjectKind::Play => "the phone accepted the sound; whether it was heard cannot be verified",
        ObjectKind::Background | ObjectKind::RingTone | ObjectKind::Keys => {
            "the phone accepted the keys; their effect cannot be verified"
        }
    };
    PhoneOutcome {
        outcome: Outcome::Accepted,
        phone_error: None,
        reason: Some(reason.to_owned()),
        remedy: None,
    }
}

/// Returns the outcome of a phone that accepted and did not download everything.
fn unseen(target: &Target, fetched: &DownloadStatus) -> PhoneOutcome {
    let missing = match (fetched.image, fetched.thumbnail) {
        _ if target.object() == ObjectKind::RingTone => {
            "the ring tone was not downloaded completely"
        }
        (true, _) => "the thumbnail was not downloaded completely",
        (false, true) => "the background was not downloaded completely",
        (false, false) => "neither background nor thumbnail was downloaded",
    };
    let (reason, remedy) = match fetched.downloads.fetched_by.as_slice() {
        [] => (
            format!("the phone accepted the push, but {missing}"),
            format!(
                "check that {} can reach the image server (firewall, --advertise), then push again",
                target.ip
            ),
        ),
        others => (
            format!(
                "the phone accepted the push, but {missing} by the phone itself; {}",
                by_others(others)
            ),
            about_others(target, others),
        ),
    };
    PhoneOutcome {
        outcome: Outcome::Accepted,
        phone_error: None,
        reason: Some(reason),
        remedy: Some(remedy),
    }
}

fn by_others(others: &[OtherDownload]) -> String {
    let one = |other: &OtherDownload| {
        let whose = match &other.phone {
            Some(phone) => format!("the address of {phone}"),
            None => "which is no address of this phone".to_owned(),
        };
        let files = other.files.iter().map(|file| {
            let name = file.file.replace('_', " ");
            if file.complete {
                format!("the {name} completely")
            } else {
                format!("{} of {} bytes of the {name}", file.bytes, file.length)
            }
        });
        let files = files.collect::<Vec<_>>().join(" and ");
        format!("{}, {whose}, downloaded {files}", other.address)
    };
    let more = others.len().saturating_sub(MOST_TOLD);
    let mut told: Vec<String> = others.iter().take(MOST_TOLD).map(one).collect();
    if more > 0 {
        told.push(format!("and {} more", pluralize(more, "address")));
    }
    told.join("; ")
}

/// What to do about a phone whose files another address downloaded.
fn about_others(target: &Target, others: &[OtherDownload]) -> String {
    let (own, addresses) = (target.ip, others.iter().map(|other| other.address));
    let addresses = names(&addresses.take(MOST_TOLD).collect::<Vec<_>>());
    if let Some(phone) = others.iter().find_map(|other| other.phone.as_ref()) {
        return format!(
            "find out why {addresses} downloaded the files of {}: {phone} may have taken over the address {own}, or \
             have read what is sent to other phones; then push again",
            target.name
        );
    }
    format!(
        "if an HTTP proxy or address translation (NAT) between {own} and the image server uses \
         {addresses}, name that in a [[nat]] rule of the config file and push again; otherwise find \
         out who uses it: a client there has addresses that only the phone was sent"
    )
}

/// How many other addresses a reason names.
const MOST_TOLD: usize = 3;

fn done(
    outcome: Outcome,
    phone_error: Option<PhoneError>,
    reason: impl Into<String>,
    remedy: &str,
) -> PhoneOutcome {
    PhoneOutcome {
        outcome,
        phone_error,
        reason: Some(reason.into()),
        remedy: Some(remedy.to_owned()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn error(number: u32) -> PhoneError {
        PhoneError { number: Some(number), text: "no".into(), raw: String::new() }
    }

    fn after(answer: ReplyKind, attempt: u32, max_attempts: u32) -> Next {
        next(&crate::push::scheduler::tests::target(1), answer.into(), attempt, max_attempts)
    }

    fn outcome(next: Next) -> Option<Outcome> {
        match next {
            Next::Done(outcome) => Some(outcome.outcome),
            Next::Again(_) | Next::Verify => None,
        }
    }

    #[test]
    fn only_trouble_on_the_way_is_tried_again() {
        for passing in [
            ReplyKind::Unreachable("x".into()),
            ReplyKind::NoReply("x".into()),
            ReplyKind::Unreadable(error(0)),
        ] {
            assert!(matches!(after(passing.clone(), 1, 2), Next::Again(_)));
            assert!(outcome(after(passing, 2, 2)).is_some());
        }
        let ends = |answer| outcome(after(answer, 1, 9));
        assert_eq!(ends(ReplyKind::AuthRefused(error(4))), Some(Outcome::AuthFailed));
        assert_eq!(ends(ReplyKind::Refused(error(3))), Some(Outcome::Rejected));
        assert_eq!(ends(ReplyKind::WrongDevice("SEP2".into())), Some(Outcome::WrongDevice));
        assert_eq!(ends(ReplyKind::NotSent("too long".into())), Some(Outcome::Pending));
    }

    #[test]
    fn a_refusal_says_what_is_known_of_its_cause() {
        let mut target = crate::push::scheduler::tests::target(1);
        let said = |target: &Target, cause, seconds: Option<u64>| {
            let waited = seconds.map(Duration::from_secs);
            let outcome = refused(target, Some(error(4)), cause, waited);
            assert_eq!(outcome.outcome, Outcome::AuthFailed);
            (outcome.reason.unwrap(), outcome.remedy.unwrap())
        };
        let (why, remedy) = said(&target, Some(Cause::Phone), None);
        assert!(why.contains("the cluster confirms the password"), "{why}");
        assert!(!remedy.contains("the push user's password"), "{remedy}");
        assert!(said(&target, None, None).1.contains("the push user's password"));
        target.recently_changed = true;
        assert!(said(&target, Some(Cause::Phone), None).0.contains("only a moment ago"));
        let waited = |seconds| said(&target, Some(Cause::Phone), Some(seconds)).0;
        assert!(waited(300).contains("still refused the push user 5 minutes after"));
        assert!(waited(90).contains(" 90 seconds after"));
    }

    #[test]
    fn every_ending_but_a_proven_one_says_what_to_do() {
        for answer in [
            ReplyKind::AuthRefused(error(4)),
            ReplyKind::Refused(error(3)),
            ReplyKind::Unreachable("reset".into()),
            ReplyKind::Unreadable(error(0)),
            ReplyKind::WrongDevice("SEP2".into()),
            ReplyKind::NotSent("too long".into()),
            ReplyKind::Blocked {
                outcome: Outcome::WrongDevice,
                why: "another certificate".into(),
                remedy: "look".into(),
            },
        ] {
            let Next::Done(outcome) = after(answer, 1, 1) else { panic!("it has no ending") };
            assert!(outcome.reason.is_some() && outcome.remedy.is_some(), "{outcome:?}");
        }
    }

    #[test]
    fn an_acceptance_must_still_be_proven() {
        assert_eq!(after(ReplyKind::Accepted(String::new()), 1, 1), Next::Verify);
        let target = crate::push::scheduler::tests::target(1);
        let seen = |image, thumbnail| {
            outcome(proven(&target, &DownloadStatus::own(image, thumbnail), true)).unwrap()
        };
        assert_eq!(seen(true, true), Outcome::Verified);
        assert_eq!(seen(true, false), Outcome::Accepted);
        assert_eq!(seen(false, true), Outcome::Accepted);
        assert_eq!(seen(false, false), Outcome::Accepted);
    }

    #[test]
    fn downloads_by_another_address_prove_nothing_and_are_named() {
        let target = crate::push::scheduler::tests::target(1);
        let file = |file: &str, complete| crate::event::OtherFile {
            file: file.to_owned(),
            complete,
            bytes: 7,
            length: 9,
        };
        let mut fetched = DownloadStatus::default();
        let (stranger, twin) = ([192, 0, 2, 9].into(), "SEP9".parse().unwrap());
        fetched.downloads.note_other(stranger, None, file("background", true));
        fetched.downloads.note_other(stranger, None, file("thumbnail", false));
        assert!(matches!(proven(&target, &fetched, false), Next::Again(_)));
        let told = |fetched: &DownloadStatus| match proven(&target, fetched, true) {
            Next::Done(outcome) => {
                (outcome.outcome, outcome.reason.unwrap(), outcome.remedy.unwrap())
            }
            Next::Again(_) | Next::Verify => panic!("it is not done with"),
        };
        let (outcome, reason, remedy) = told(&fetched);
        assert_eq!(outcome, Outcome::Accepted);
        let who = "192.0.2.9, which is no address of this phone, downloaded the background completely and 7 of 9 bytes of the \
                   thumbnail";
        assert!(reason.contains(who), "{reason}");
        assert!(remedy.contains("[[nat]]") && remedy.contains("proxy"), "{remedy}");
        fetched.downloads.note_other([10, 0, 0, 9].into(), Some(&twin), file("thumbnail", true));
        let (_, reason, remedy) = told(&fetched);
        assert!(reason.contains("10.0.0.9, the address of SEP9, downloaded the thumb"), "{reason}");
        assert!(remedy.contains("SEP9"), "{remedy}");
    }

    #[test]
    fn a_proof_by_translated_addresses_says_so() {
        let target = crate::push::scheduler::tests::target(1);
        let mut fetched = DownloadStatus::own(true, true);
        fetched.downloads.note_nat([203, 0, 113, 7].into(), 2);
        let Next::Done(outcome) = proven(&target, &fetched, false) else { panic!("it is proven") };
        assert_eq!(outcome.outcome, Outcome::Verified);
        let reason = outcome.reason.unwrap();
        assert!(reason.contains("203.0.113.7 ([[nat]] rule 2)"), "{reason}");
    }

    #[test]
    fn only_a_phone_that_downloaded_nothing_is_pushed_to_again_and_only_once() {
        let target = crate::push::scheduler::tests::target(1);
        let again = |image, thumbnail, repeated| {
            let fetched = DownloadStatus::own(image, thumbnail);
            matches!(proven(&target, &fetched, repeated), Next::Again(_))
        };
        assert!(again(false, false, false));
        assert!(!again(false, false, true));
        assert!(!again(true, false, false) && !again(false, true, false));
        assert!(!again(true, true, false));
    }

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let seconds = |first, attempt| pause(Duration::from_secs(first), attempt).as_secs();
        assert_eq!([1, 2, 3, 4].map(|attempt| seconds(5, attempt)), [5, 10, 20, 40]);
        assert_eq!([seconds(5, 10), seconds(5, 100), seconds(0, 9)], [120, 120, 0]);
        assert_eq!([seconds(600, 1), seconds(600, 2)], [600, 600]);
    }

    #[test]
    fn what_must_be_sent_only_once_is_never_tried_again() {
        for kind in [
            ReplyKind::Unreachable("reset".into()),
            ReplyKind::NoReply("reset".into()),
            ReplyKind::Unreadable(error(0)),
            ReplyKind::Refused(error(1)),
            ReplyKind::AuthRefused(error(4)),
        ] {
            let reply = AttemptReply { kind, resend_safe: false };
            let target = crate::push::scheduler::tests::target(1);
            let Next::Done(outcome) = next(&target, reply, 1, 9) else {
                panic!("it is tried again")
            };
            assert_eq!(outcome.remedy.as_deref(), Some(LOOK_FIRST));
        }
    }

    #[test]
    fn keys_are_accepted_at_best_and_that_is_no_failure() {
        let keys = Target {
            accepts: crate::domain::payload_kind::AcceptedFormat::Keys,
            ..crate::push::scheduler::tests::target(1)
        };
        let accepted = ReplyKind::Accepted(String::new()).into();
        let Next::Done(outcome) = next(&keys, accepted, 1, 1) else {
            panic!("it is not done with")
        };
        assert_eq!(outcome.outcome, Outcome::Accepted);
        assert!(outcome.reason.is_some_and(|reason| reason.contains("cannot be verified")));
        assert!(!Outcome::Accepted.is_failure_of(ObjectKind::Keys));
        assert!(Outcome::Accepted.is_failure_of(ObjectKind::Background));
    }
}
