//! Decides what follows from an answer.

use super::{Answer, Fetched, Target};
use crate::event::{Outcome, PhoneError};

/// What to do after an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Next {
    /// Look whether the phone downloads its pictures.
    Verify,
    /// Try again later; this is how it ends if that does not come about.
    Again(Ending),
    /// This phone is done with.
    Done(Ending),
}

/// How a phone ended, and what to say about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ending {
    /// The outcome.
    pub outcome: Outcome,
    /// What the phone said.
    pub phone_error: Option<PhoneError>,
    /// Why, in words.
    pub reason: Option<String>,
    /// What to do next.
    pub remedy: Option<String>,
}

/// Decides after the `attempt`th answer, when at most `max_attempts` are made.
///
/// Trouble on the way and answers that cannot be read may pass, so they are tried again. What a phone
/// has refused it will refuse again, and a refused password must never be repeated.
pub fn next(target: &Target, answer: Answer, attempt: u32, max_attempts: u32) -> Next {
    let may_pass = matches!(answer, Answer::Unreachable(_) | Answer::Unreadable(_));
    match ending(target, answer) {
        None => Next::Verify,
        Some(ending) if may_pass && attempt < max_attempts => Next::Again(ending),
        Some(ending) => Next::Done(ending),
    }
}

/// Says how a phone ends with this answer; nothing when it has accepted.
fn ending(target: &Target, answer: Answer) -> Option<Ending> {
    let ending = match answer {
        Answer::Accepted => return None,
        Answer::Unreachable(why) => done(
            Outcome::Unreachable,
            None,
            why,
            "check Web Access and the way to the phone, then run `axlpaper rollout` for it again",
        ),
        Answer::Unreadable(error) => {
            let why = error.text.clone();
            done(
                Outcome::BadReply,
                Some(error),
                why,
                "open the phone's web page; restart the phone if it stays so",
            )
        }
        Answer::AuthRefused(error) if target.newly_associated => done(
            Outcome::AuthFailed,
            Some(error),
            "the phone refused the push user, which controls it only since this run",
            "a new association can need some minutes: run `axlpaper rollout` again a little later",
        ),
        Answer::AuthRefused(error) => done(
            Outcome::AuthFailed,
            Some(error),
            "the phone refused the push user",
            "check the push user's password, that it controls this phone, and the phone's Authentication URL",
        ),
        Answer::Refused(error) => {
            let why = error.text.clone();
            done(
                Outcome::Rejected,
                Some(error),
                why,
                "look at the phone's status messages; check Phone Personalization and that it can reach the image \
                 server",
            )
        }
        Answer::WrongDevice(other) => done(
            Outcome::WrongDevice,
            None,
            format!("{other} answers at its address; nothing was sent to it"),
            "run `axlpaper rollout` again: the phone has moved, and a new survey finds its address",
        ),
        Answer::NotSent(why) => done(
            Outcome::Pending,
            None,
            format!("nothing was sent to it: {why}"),
            "clear the cause, then run `axlpaper rollout` again",
        ),
    };
    Some(ending)
}

/// Decides what an acceptance is worth, once the downloads are known.
pub fn proven(target: &Target, fetched: Fetched) -> Ending {
    if fetched.is_complete() {
        return Ending {
            outcome: Outcome::Verified,
            phone_error: None,
            reason: None,
            remedy: None,
        };
    }
    let missing = match (fetched.image, fetched.thumbnail) {
        (true, _) => "the thumbnail was not downloaded completely",
        (false, true) => "the background was not downloaded completely",
        (false, false) => "neither background nor thumbnail was downloaded",
    };
    Ending {
        outcome: Outcome::Accepted,
        phone_error: None,
        reason: Some(format!("the phone answered success, but {missing}")),
        remedy: Some(format!(
            "check that {} can reach the image server (firewall, --advertise), then push again",
            target.ip
        )),
    }
}

fn done(
    outcome: Outcome,
    phone_error: Option<PhoneError>,
    reason: impl Into<String>,
    remedy: &str,
) -> Ending {
    Ending { outcome, phone_error, reason: Some(reason.into()), remedy: Some(remedy.to_owned()) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn error(number: u32) -> PhoneError {
        PhoneError { number: Some(number), text: "no".into(), raw: String::new() }
    }

    fn after(answer: Answer, attempt: u32, max_attempts: u32) -> Next {
        next(&crate::push::engine::tests::target(1), answer, attempt, max_attempts)
    }

    fn outcome(next: Next) -> Option<Outcome> {
        match next {
            Next::Done(ending) => Some(ending.outcome),
            Next::Again(_) | Next::Verify => None,
        }
    }

    #[test]
    fn only_trouble_on_the_way_is_tried_again() {
        for passing in [Answer::Unreachable("x".into()), Answer::Unreadable(error(0))] {
            assert!(matches!(after(passing.clone(), 1, 2), Next::Again(_)));
            assert!(outcome(after(passing, 2, 2)).is_some());
        }
        let ends = |answer| outcome(after(answer, 1, 9));
        assert_eq!(ends(Answer::AuthRefused(error(4))), Some(Outcome::AuthFailed));
        assert_eq!(ends(Answer::Refused(error(3))), Some(Outcome::Rejected));
        assert_eq!(ends(Answer::WrongDevice("SEP2".into())), Some(Outcome::WrongDevice));
        assert_eq!(ends(Answer::NotSent("too long".into())), Some(Outcome::Pending));
    }

    #[test]
    fn every_ending_but_a_proven_one_says_what_to_do() {
        for answer in [
            Answer::AuthRefused(error(4)),
            Answer::Refused(error(3)),
            Answer::Unreachable("reset".into()),
            Answer::Unreadable(error(0)),
            Answer::WrongDevice("SEP2".into()),
            Answer::NotSent("too long".into()),
        ] {
            let Next::Done(ending) = after(answer, 1, 1) else { panic!("it has no ending") };
            assert!(ending.reason.is_some() && ending.remedy.is_some(), "{ending:?}");
        }
    }

    #[test]
    fn an_acceptance_must_still_be_proven() {
        assert_eq!(after(Answer::Accepted, 1, 1), Next::Verify);
        let target = crate::push::engine::tests::target(1);
        let seen = |image, thumbnail| proven(&target, Fetched { image, thumbnail }).outcome;
        assert_eq!(seen(true, true), Outcome::Verified);
        assert_eq!(seen(true, false), Outcome::Accepted);
        assert_eq!(seen(false, true), Outcome::Accepted);
        assert_eq!(seen(false, false), Outcome::Accepted);
    }
}
