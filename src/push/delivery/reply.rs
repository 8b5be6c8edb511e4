//! What a phone's reply to a push comes to.

use crate::event::PhoneError;
use crate::phone::{Outcome, Phase, PhoneAnswer, Reply};
use crate::push::delivery::connector::unreachable;
use crate::push::{AttemptReply, Target};

/// Tells that a phone which gave no usable answer has got what it was sent nevertheless.
pub(crate) fn with_downloads(answer: AttemptReply, complete: bool, what: &str) -> AttemptReply {
    let seen = || format!("; it has downloaded {what} all the same");
    match answer {
        AttemptReply::Unreachable(why) if complete => AttemptReply::Unreachable(why + &seen()),
        AttemptReply::NoReply(why) if complete => AttemptReply::NoReply(why + &seen()),
        AttemptReply::Unreadable(mut error) if complete => {
            error.text += &seen();
            AttemptReply::Unreadable(error)
        }
        AttemptReply::Accepted(_)
        | AttemptReply::AuthRefused(_)
        | AttemptReply::Refused(_)
        | AttemptReply::Unreachable(_)
        | AttemptReply::NoReply(_)
        | AttemptReply::Unreadable(_)
        | AttemptReply::WrongDevice(_)
        | AttemptReply::NotSent(_)
        | AttemptReply::Blocked { .. }
        | AttemptReply::Once(_) => answer,
    }
}

/// Says what an answer comes to.
pub(crate) fn judge(answer: PhoneAnswer, target: &Target) -> AttemptReply {
    let reply = match answer.outcome {
        Outcome::Unreachable(why) => {
            let answer = unreachable(&why, target);
            // The phone may have got all of it, and have asked whether the password is right.
            return if let (AttemptReply::Unreachable(text), Phase::Request | Phase::Answer) =
                (&answer, why.phase)
            {
                AttemptReply::NoReply(text.clone())
            } else {
                answer
            };
        }
        Outcome::Answered(reply) => reply,
    };
    let said = |number| PhoneError { number, text: reply.to_string(), raw: answer.raw.clone() };
    match &reply {
        Reply::Success { .. } => AttemptReply::Accepted(answer.raw.clone()),
        Reply::AuthenticationRefused { .. } => {
            AttemptReply::AuthRefused(said((answer.http_status != Some(401)).then_some(4)))
        }
        Reply::ItemRefused { status, .. } => AttemptReply::Refused(said(*status)),
        Reply::Refused { number, .. } => AttemptReply::Refused(said(*number)),
        Reply::ErrorResponse { .. } => AttemptReply::Refused(said(None)),
        // A busy phone answers 5xx and may be well later; 404 and the like stay as they are.
        Reply::HttpStatus { status: 500.., .. } | Reply::Empty | Reply::Unreadable { .. } => {
            AttemptReply::Unreadable(said(None))
        }
        Reply::HttpStatus { .. } => AttemptReply::Refused(said(None)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answered(status: u16, body: &str) -> AttemptReply {
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
            AttemptReply::Accepted(_)
        ));
        assert!(
            matches!(answered(200, r#"<CiscoIPPhoneError Number="3" />"#), AttemptReply::Refused(e) if e.number == Some(3))
        );
        assert!(matches!(
            answered(200, r#"<CiscoIPPhoneError Number="4" />"#),
            AttemptReply::AuthRefused(_)
        ));
        assert!(matches!(answered(401, ""), AttemptReply::AuthRefused(_)));
        assert!(matches!(answered(200, ""), AttemptReply::Unreadable(_)));
        assert!(matches!(answered(200, "<html>ok</html>"), AttemptReply::Unreadable(_)));
        assert!(matches!(answered(503, "busy"), AttemptReply::Unreadable(_)));
        assert!(matches!(answered(404, "gone"), AttemptReply::Refused(_)));
    }
}
