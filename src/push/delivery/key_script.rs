//! Executes the steps of a key script on a phone, one by one, and never the same step twice.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};

use crate::event::PhoneError;
use crate::phone::Execute;
use crate::push::delivery::connector::PhoneConnector;
use crate::push::key_script::{KeyScript, KeyStep};
use crate::push::{AttemptReply, Delivery, ReplyKind, Target};

/// Presses keys, or plays a sound. The phone downloads nothing, so there is no image server.
#[derive(Debug)]
pub struct KeyScriptDelivery {
    phones: PhoneConnector,
    script: Arc<KeyScript>,
}

impl KeyScriptDelivery {
    pub fn new(phones: PhoneConnector, script: Arc<KeyScript>) -> Self {
        Self { phones, script }
    }

    /// Executes one step. Returns the phone's reply, or as an error any other than an acceptance.
    async fn execute(&self, target: &Target, step: &KeyStep) -> Result<String, ReplyKind> {
        let object = Execute { items: &step.items };
        // Between two steps the address can change to another device, or the phone can close its connection.
        let mut phone = self.phones.connect(target).await?;
        let reply = self.phones.send(&mut phone, target, &object).await;
        if let ReplyKind::Accepted(raw) = reply { Ok(raw) } else { Err(reply) }
    }

    async fn attempt(&self, target: &Target) -> AttemptReply {
        let Some(steps) = self.script.steps(&target.model) else {
            let why = format!("the script has no step for a {}", target.model);
            return ReplyKind::NotSent(why).into();
        };
        let (mut pause, mut last) = (None, String::new());
        for (step, number) in steps.iter().zip(1..) {
            if let Some(pause) = pause.replace(step.pause) {
                tokio::time::sleep(pause).await;
            }
            match self.execute(target, step).await {
                Ok(raw) => last = raw,
                Err(kind) => return Position { number, of: steps.len() }.stopped(kind),
            }
        }
        ReplyKind::Accepted(last).into()
    }
}

impl Delivery for KeyScriptDelivery {
    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        self.attempt(target).boxed()
    }
}

/// The step at which a script stopped.
#[derive(Clone, Copy)]
struct Position {
    number: usize,
    of: usize,
}

impl Position {
    /// Returns the reply to a script that stopped at this step.
    ///
    /// A step that was executed, or may have been, must not be sent again. That is this step where its reply was lost
    /// or cannot be parsed, and every step before it.
    fn stopped(self, mut kind: ReplyKind) -> AttemptReply {
        let unknown = matches!(kind, ReplyKind::NoReply(_) | ReplyKind::Unreadable(_));
        match &mut kind {
            ReplyKind::Unreachable(text) | ReplyKind::NotSent(text) => {
                *text = self.describe(text, "was not sent");
            }
            ReplyKind::NoReply(text) | ReplyKind::Unreadable(PhoneError { text, .. }) => {
                *text = self.describe(text, UNKNOWN);
            }
            ReplyKind::AuthRefused(error)
            | ReplyKind::Refused(error)
            | ReplyKind::NotFound(error) => {
                error.text = self.describe(&error.text, "was refused");
            }
            ReplyKind::Accepted(_) | ReplyKind::WrongDevice(_) | ReplyKind::Blocked { .. } => {}
        }
        AttemptReply { kind, resend_safe: self.number == 1 && !unknown }
    }

    /// Adds the step to a reason; a script of one step needs no number.
    fn describe(self, why: &str, what: &str) -> String {
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

    #[test]
    fn only_a_first_step_that_was_surely_not_executed_may_be_sent_again() {
        let resend_safe = |number, kind| Position { number, of: 3 }.stopped(kind).resend_safe;
        assert!(resend_safe(1, ReplyKind::Unreachable("closed".into())));
        assert!(!resend_safe(2, ReplyKind::Unreachable("closed".into())));
        assert!(!resend_safe(1, ReplyKind::NoReply("reset".into())));
        assert!(!resend_safe(1, ReplyKind::Unreadable(error())));
        assert!(resend_safe(1, ReplyKind::AuthRefused(error())));
        assert!(!resend_safe(2, ReplyKind::AuthRefused(error())));
        assert!(!resend_safe(2, ReplyKind::NotSent("x".into())));
    }

    #[test]
    fn the_reason_names_the_step_and_whether_it_was_executed() {
        let reason = |number, of, kind| match (Position { number, of }).stopped(kind).kind {
            ReplyKind::Unreachable(why) | ReplyKind::NoReply(why) => why,
            ReplyKind::Refused(error) | ReplyKind::Unreadable(error) => error.text,
            other @ (ReplyKind::Accepted(_)
            | ReplyKind::AuthRefused(_)
            | ReplyKind::WrongDevice(_)
            | ReplyKind::NotSent(_)
            | ReplyKind::NotFound(_)
            | ReplyKind::Blocked { .. }) => panic!("{other:?}"),
        };
        let lost = || ReplyKind::NoReply("reset".into());
        assert_eq!(
            reason(3, 4, lost()),
            "reset; step 3 of 4 may have been carried out or not, steps 1 to 2 were accepted"
        );
        assert_eq!(reason(1, 1, lost()), "reset; whether it was carried out is not known");
        assert_eq!(
            reason(2, 2, ReplyKind::Refused(error())),
            "refused; step 2 of 2 was refused, step 1 was accepted"
        );
        assert_eq!(reason(1, 1, ReplyKind::Refused(error())), "refused");
    }
}
