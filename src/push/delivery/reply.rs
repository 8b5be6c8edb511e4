//! What a phone's reply to a push comes to.

use crate::event::PhoneError;
use crate::phone::{Outcome, Phase, PhoneAnswer, Reply};
use crate::push::delivery::connector::unreachable;
use crate::push::{ReplyKind, Target};

/// Tells that a phone which gave no usable answer has got what it was sent nevertheless.
pub(crate) fn with_downloads(answer: ReplyKind, complete: bool, what: &str) -> ReplyKind {
    let seen = || format!("; it has downloaded {what} all the same");
    match answer {
        ReplyKind::Unreachable(why) if complete => ReplyKind::Unreachable(why + &seen()),
        ReplyKind::NoReply(why) if complete => ReplyKind::NoReply(why + &seen()),
        ReplyKind::Unreadable(mut error) if complete => {
            error.text += &seen();
            ReplyKind::Unreadable(error)
        }
        ReplyKind::Accepted(_)
        | ReplyKind::AuthRefused(_)
        | ReplyKind::Refused(_)
        | ReplyKind::Unreachable(_)
        | ReplyKind::NoReply(_)
        | ReplyKind::Unreadable(_)
        | ReplyKind::WrongDevice(_)
        | ReplyKind::NotSent(_)
        | ReplyKind::Blocked { .. } => answer,
    }
}

/// Says what an answer comes to.
pub(crate) fn judge(answer: PhoneAnswer, target: &Target) -> ReplyKind {
    let reply = match answer.outcome {
        Outcome::Unreachable(why) => {
            let answer = unreachable(&why, target);
            // The phone may have got all of it, and have asked whether the password is right.
            return if let (ReplyKind::Unreachable(text), Phase::Request | Phase::Answer) =
                (&answer, why.phase)
            {
                ReplyKind::NoReply(text.clone())
            } else {
                answer
            };
        }
        Outcome::Answered(reply) => reply,
    };
    let said = |number| PhoneError { number, text: reply.to_string(), raw: answer.raw.clone() };
    match &reply {
        Reply::Success { .. } => ReplyKind::Accepted(answer.raw.clone()),
        Reply::AuthenticationRefused { .. } => {
            ReplyKind::AuthRefused(said((answer.http_status != Some(401)).then_some(4)))
        }
        Reply::ItemRefused { status, .. } => ReplyKind::Refused(said(*status)),
        Reply::Refused { number, .. } => ReplyKind::Refused(said(*number)),
        Reply::ErrorResponse { .. } => ReplyKind::Refused(said(None)),
        // A busy phone answers 5xx and may be well later; 404 and the like stay as they are.
        Reply::HttpStatus { status: 500.., .. } | Reply::Empty | Reply::Unreadable { .. } => {
            ReplyKind::Unreadable(said(None))
        }
        Reply::HttpStatus { .. } => ReplyKind::Refused(said(None)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answered(status: u16, body: &str) -> ReplyKind {
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
            ReplyKind::Accepted(_)
        ));
        assert!(
            matches!(answered(200, r#"<CiscoIPPhoneError Number="3" />"#), ReplyKind::Refused(e) if e.number == Some(3))
        );
        assert!(matches!(
            answered(200, r#"<CiscoIPPhoneError Number="4" />"#),
            ReplyKind::AuthRefused(_)
        ));
        assert!(matches!(answered(401, ""), ReplyKind::AuthRefused(_)));
        assert!(matches!(answered(200, ""), ReplyKind::Unreadable(_)));
        assert!(matches!(answered(200, "<html>ok</html>"), ReplyKind::Unreadable(_)));
        assert!(matches!(answered(503, "busy"), ReplyKind::Unreadable(_)));
        assert!(matches!(answered(404, "gone"), ReplyKind::Refused(_)));
    }
}
