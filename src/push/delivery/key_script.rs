//! The way to a phone whose keys are pressed: step by step, and never a step twice.

use std::sync::Arc;

use crate::event::PhoneError;
use crate::phone::Execute;
use crate::push::delivery::connector::PhoneConnector;
use crate::push::delivery::reply::judge;
use crate::push::key_script::{KeyScript, KeyStep};
use crate::push::{AttemptReply, Delivery, DownloadStatus, Target};

/// Presses keys on phones. Nothing is downloaded from us, so there is no image server.
#[derive(Debug)]
pub struct KeyScriptDelivery {
    phones: PhoneConnector,
    script: Arc<KeyScript>,
}

impl KeyScriptDelivery {
    pub fn new(phones: PhoneConnector, script: Arc<KeyScript>) -> Self {
        Self { phones, script }
    }

    async fn press(&self, target: &Target, step: &KeyStep) -> Result<String, AttemptReply> {
        let object = Execute { items: &step.items };
        // Between two steps another device may have got the address, or the phone may end its connection.
        let mut phone = self.phones.connect(target).await?;
        let answer = judge(self.phones.send(&mut phone, target, &object).await?, target);
        if let AttemptReply::Accepted(raw) = answer { Ok(raw) } else { Err(answer) }
    }
}

impl Delivery for KeyScriptDelivery {
    async fn push(&self, target: &Target) -> AttemptReply {
        let Some(steps) = self.script.steps(&target.model) else {
            return AttemptReply::NotSent(format!("the script has no step for a {}", target.model));
        };
        let (mut pause, mut last) = (None, String::new());
        for (step, number) in steps.iter().zip(1..) {
            if let Some(pause) = pause.replace(step.pause) {
                tokio::time::sleep(pause).await;
            }
            let place = Place { number, of: steps.len() };
            match self.press(target, step).await {
                Ok(raw) => last = raw,
                Err(answer) => return place.ended(answer),
            }
        }
        AttemptReply::Accepted(last)
    }

    async fn downloads(&self, _: &Target) -> DownloadStatus {
        DownloadStatus::default()
    }
}

/// Where in its script a phone stopped.
#[derive(Clone, Copy)]
struct Place {
    number: usize,
    of: usize,
}

impl Place {
    /// Says how a script ends that did not go on behind this step.
    ///
    /// Whatever may have been pressed is not pressed again: neither this step, when its answer was lost or
    /// cannot be read, nor the steps before it.
    fn ended(self, answer: AttemptReply) -> AttemptReply {
        let again = self.number == 1;
        let answer = match answer {
            AttemptReply::Unreachable(why) => {
                AttemptReply::Unreachable(self.told(&why, "was not sent"))
            }
            AttemptReply::NoReply(why) => {
                return AttemptReply::Once(Box::new(AttemptReply::NoReply(
                    self.told(&why, UNKNOWN),
                )));
            }
            AttemptReply::Unreadable(error) => {
                return AttemptReply::Once(Box::new(AttemptReply::Unreadable(
                    self.said(error, UNKNOWN),
                )));
            }
            AttemptReply::AuthRefused(error) => {
                AttemptReply::AuthRefused(self.said(error, "was refused"))
            }
            AttemptReply::Refused(error) => AttemptReply::Refused(self.said(error, "was refused")),
            AttemptReply::NotSent(why) => AttemptReply::NotSent(self.told(&why, "was not sent")),
            other @ (AttemptReply::Accepted(_)
            | AttemptReply::WrongDevice(_)
            | AttemptReply::Blocked { .. }
            | AttemptReply::Once(_)) => other,
        };
        if again { answer } else { AttemptReply::Once(Box::new(answer)) }
    }

    fn said(self, error: PhoneError, what: &str) -> PhoneError {
        let text = self.told(&error.text, what);
        PhoneError { text, ..error }
    }

    /// Says at which step it happened; where there is only one, there is nothing to tell apart.
    fn told(self, why: &str, what: &str) -> String {
        let Self { number, of } = self;
        match (of, number) {
            (1, _) if what == UNKNOWN => format!("{why}; whether it was carried out is not known"),
            (1, _) => why.to_owned(),
            (_, 1) => format!("{why}; step 1 of {of} {what}"),
            (_, 2) => format!("{why}; step 2 of {of} {what}, step 1 was accepted"),
            (_, _) => {
                format!(
                    "{why}; step {number} of {of} {what}, steps 1 to {} were accepted",
                    number - 1
                )
            }
        }
    }
}

const UNKNOWN: &str = "may have been carried out or not";

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> PhoneError {
        PhoneError { number: Some(1), text: "refused".into(), raw: String::new() }
    }

    fn once(answer: &AttemptReply) -> bool {
        matches!(answer, AttemptReply::Once(_))
    }

    #[test]
    fn only_a_first_step_that_was_surely_not_carried_out_may_be_sent_again() {
        let first = Place { number: 1, of: 3 };
        let second = Place { number: 2, of: 3 };
        assert!(!once(&first.ended(AttemptReply::Unreachable("closed".into()))));
        assert!(once(&second.ended(AttemptReply::Unreachable("closed".into()))));
        assert!(once(&first.ended(AttemptReply::NoReply("reset".into()))));
        assert!(once(&first.ended(AttemptReply::Unreadable(error()))));
        assert!(!once(&first.ended(AttemptReply::AuthRefused(error()))));
        assert!(once(&second.ended(AttemptReply::AuthRefused(error()))));
        assert!(once(&second.ended(AttemptReply::NotSent("x".into()))));
    }

    #[test]
    fn what_is_not_known_is_told() {
        let told = |number, of, answer| match (Place { number, of }).ended(answer).once().0 {
            AttemptReply::Unreachable(why) | AttemptReply::NoReply(why) => why,
            AttemptReply::Refused(error) | AttemptReply::Unreadable(error) => error.text,
            other @ (AttemptReply::Accepted(_)
            | AttemptReply::AuthRefused(_)
            | AttemptReply::WrongDevice(_)
            | AttemptReply::NotSent(_)
            | AttemptReply::Blocked { .. }
            | AttemptReply::Once(_)) => panic!("{other:?}"),
        };
        let lost = || AttemptReply::NoReply("reset".into());
        assert_eq!(
            told(3, 4, lost()),
            "reset; step 3 of 4 may have been carried out or not, steps 1 to 2 were accepted"
        );
        assert_eq!(told(1, 1, lost()), "reset; whether it was carried out is not known");
        assert_eq!(
            told(2, 2, AttemptReply::Refused(error())),
            "refused; step 2 of 2 was refused, step 1 was accepted"
        );
        assert_eq!(told(1, 1, AttemptReply::Refused(error())), "refused");
    }
}
