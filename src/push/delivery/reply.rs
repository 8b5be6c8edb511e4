//! What a phone's reply to a push comes to.

use crate::event::PhoneError;
use crate::phone::{Outcome, Phase, PhoneAnswer, Reply};
use crate::push::delivery::connector::unreachable;
use crate::push::{Answer, Target};

/// Tells that a phone which gave no usable answer has got what it was sent nevertheless.
pub(crate) fn with_downloads(answer: Answer, complete: bool, what: &str) -> Answer {
    let seen = || format!("; it has downloaded {what} all the same");
    match answer {
        Answer::Unreachable(why) if complete => Answer::Unreachable(why + &seen()),
        Answer::NoReply(why) if complete => Answer::NoReply(why + &seen()),
        Answer::Unreadable(mut error) if complete => {
            error.text += &seen();
            Answer::Unreadable(error)
        }
        Answer::Accepted(_)
        | Answer::AuthRefused(_)
        | Answer::Refused(_)
        | Answer::Unreachable(_)
        | Answer::NoReply(_)
        | Answer::Unreadable(_)
        | Answer::WrongDevice(_)
        | Answer::NotSent(_)
        | Answer::Barred { .. }
        | Answer::Once(_) => answer,
    }
}

/// Says what an answer comes to.
pub(crate) fn judge(answer: PhoneAnswer, target: &Target) -> Answer {
    let reply = match answer.outcome {
        Outcome::Unreachable(why) => {
            let answer = unreachable(&why, target);
            // The phone may have got all of it, and have asked whether the password is right.
            return if let (Answer::Unreachable(text), Phase::Request | Phase::Answer) =
                (&answer, why.phase)
            {
                Answer::NoReply(text.clone())
            } else {
                answer
            };
        }
        Outcome::Answered(reply) => reply,
    };
    let said = |number| PhoneError { number, text: reply.to_string(), raw: answer.raw.clone() };
    match &reply {
        Reply::Success { .. } => Answer::Accepted(answer.raw.clone()),
        Reply::AuthenticationRefused { .. } => {
            Answer::AuthRefused(said((answer.http_status != Some(401)).then_some(4)))
        }
        Reply::ItemRefused { status, .. } => Answer::Refused(said(*status)),
        Reply::Refused { number, .. } => Answer::Refused(said(*number)),
        Reply::ErrorResponse { .. } => Answer::Refused(said(None)),
        // A busy phone answers 5xx and may be well later; 404 and the like stay as they are.
        Reply::HttpStatus { status: 500.., .. } | Reply::Empty | Reply::Unreadable { .. } => {
            Answer::Unreadable(said(None))
        }
        Reply::HttpStatus { .. } => Answer::Refused(said(None)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answered(status: u16, body: &str) -> Answer {
        let reply = Reply::read(status, None, body.as_bytes());
        let answer = PhoneAnswer {
            http_status: Some(status),
            moved_to_https: false,
            outcome: Outcome::Answered(reply),
            raw: body.to_owned(),
            took: Duration::ZERO,
        };
        judge(answer, &crate::push::scheduler::tests::target(1))
    }

    #[test]
    fn http_200_alone_is_no_acceptance() {
        assert!(matches!(
            answered(
                200,
                r#"<CiscoIPPhoneResponse><ResponseItem Status="0" Data="Success" URL=""/></CiscoIPPhoneResponse>"#
            ),
            Answer::Accepted(_)
        ));
        assert!(
            matches!(answered(200, r#"<CiscoIPPhoneError Number="3" />"#), Answer::Refused(e) if e.number == Some(3))
        );
        assert!(matches!(
            answered(200, r#"<CiscoIPPhoneError Number="4" />"#),
            Answer::AuthRefused(_)
        ));
        assert!(matches!(answered(401, ""), Answer::AuthRefused(_)));
        assert!(matches!(answered(200, ""), Answer::Unreadable(_)));
        assert!(matches!(answered(200, "<html>ok</html>"), Answer::Unreadable(_)));
        assert!(matches!(answered(503, "busy"), Answer::Unreadable(_)));
        assert!(matches!(answered(404, "gone"), Answer::Refused(_)));
    }
}
