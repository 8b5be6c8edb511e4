//! Classifies what came back from a phone: a reply to a push, or a failed exchange.

use crate::event::{Outcome, PhoneError};
use crate::phone::{Cause, Outcome as Exchange, Phase, PhoneAnswer, Reply, Unreachable};
use crate::push::{ReplyKind, Target};

/// Adds to a lost or unreadable reply that the phone has downloaded what was pushed nevertheless.
pub(crate) fn with_downloads(mut kind: ReplyKind, complete: bool, what: &str) -> ReplyKind {
    if let ReplyKind::Unreachable(text)
    | ReplyKind::NoReply(text)
    | ReplyKind::Unreadable(PhoneError { text, .. }) = &mut kind
        && complete
    {
        *text = format!("{text}; it has downloaded {what} all the same");
    }
    kind
}

pub(crate) fn classify(answer: PhoneAnswer, target: &Target) -> ReplyKind {
    let reply = match answer.outcome {
        Exchange::Unreachable(why) => {
            let kind = unreachable(&why, target);
            // The phone may have got the whole push, and have had the password checked.
            return if let (ReplyKind::Unreachable(text), Phase::Request | Phase::Answer) =
                (&kind, why.phase)
            {
                ReplyKind::NoReply(text.clone())
            } else {
                kind
            };
        }
        Exchange::Answered(reply) => reply,
    };
    let error = |number| PhoneError { number, text: reply.to_string(), raw: answer.raw.clone() };
    match &reply {
        Reply::Success { .. } => ReplyKind::Accepted(answer.raw.clone()),
        Reply::AuthenticationRefused { .. } => {
            ReplyKind::AuthRefused(error((answer.http_status != Some(401)).then_some(4)))
        }
        Reply::ItemRefused { status, .. } => ReplyKind::Refused(error(*status)),
        Reply::Refused { number, .. } => ReplyKind::Refused(error(*number)),
        Reply::ErrorResponse { .. } => ReplyKind::Refused(error(None)),
        // 5xx is a busy phone, which can pass; 404 and the like do not.
        Reply::HttpStatus { status: 500.., .. } | Reply::Empty | Reply::Unreadable { .. } => {
            ReplyKind::Unreadable(error(None))
        }
        Reply::HttpStatus { status: 404, .. } => ReplyKind::NotFound(error(None)),
        Reply::HttpStatus { .. } => ReplyKind::Refused(error(None)),
    }
}

pub(crate) fn unreachable(why: &Unreachable, target: &Target) -> ReplyKind {
    let Cause::Tls(problem) = &why.cause else { return ReplyKind::Unreachable(why.to_string()) };
    let identity = problem.is_about_identity();
    ReplyKind::Blocked {
        outcome: if identity { Outcome::WrongDevice } else { Outcome::Unreachable },
        why: format!("{problem}; nothing was sent to it"),
        remedy: problem.remedy(target.name.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::phone::{Fingerprint, PhoneTlsProblem};

    fn reply_to(status: u16, body: &str) -> ReplyKind {
        let reply = Reply::read(status, None, body.as_bytes());
        let answer = PhoneAnswer {
            http_status: Some(status),
            moved_to_https: false,
            outcome: Exchange::Answered(reply),
            raw: body.to_owned(),
            took: Duration::ZERO,
        };
        classify(answer, &crate::push::scheduler::tests::target(1))
    }

    #[test]
    fn http_200_alone_is_no_acceptance() {
        assert!(matches!(
            reply_to(
                200,
                r#"<CiscoIPPhoneResponse><ResponseItem Status="0" Data="Success" URL=""/></CiscoIPPhoneResponse>"#
            ),
            ReplyKind::Accepted(_)
        ));
        assert!(
            matches!(reply_to(200, r#"<CiscoIPPhoneError Number="3" />"#), ReplyKind::Refused(e) if e.number == Some(3))
        );
        assert!(matches!(
            reply_to(200, r#"<CiscoIPPhoneError Number="4" />"#),
            ReplyKind::AuthRefused(_)
        ));
        assert!(matches!(reply_to(401, ""), ReplyKind::AuthRefused(_)));
        assert!(matches!(reply_to(200, ""), ReplyKind::Unreadable(_)));
        assert!(matches!(reply_to(200, "<html>ok</html>"), ReplyKind::Unreadable(_)));
        assert!(matches!(reply_to(503, "busy"), ReplyKind::Unreadable(_)));
        assert!(matches!(reply_to(404, "gone"), ReplyKind::NotFound(_)));
    }

    fn blocked(problem: PhoneTlsProblem) -> (Outcome, String, String) {
        let why = Unreachable {
            phase: Phase::Connect,
            cause: Cause::Tls(problem),
            port: 443,
            timeout: Duration::from_secs(1),
        };
        let answer = unreachable(&why, &crate::push::scheduler::tests::target(1));
        let ReplyKind::Blocked { outcome, why, remedy } = answer else { panic!("{answer:?}") };
        (outcome, why, remedy)
    }

    #[test]
    fn a_certificate_of_another_identity_is_another_device_and_nothing_was_sent() {
        let (one, two) = ([1; 32], [2; 32]);
        let print = |bytes: [u8; 32]| {
            bytes.map(|byte| format!("{byte:02X}")).join(":").parse::<Fingerprint>().unwrap()
        };
        let changed = PhoneTlsProblem::Changed { pinned: print(one), shown: print(two) };
        let (outcome, why, remedy) = blocked(changed);
        assert_eq!(outcome, Outcome::WrongDevice);
        assert!(why.contains("01:01:") && why.contains("02:02:"), "{why}");
        assert!(why.contains("nothing was sent") && remedy.contains("--phone-repin"), "{remedy}");
        let other = PhoneTlsProblem::OtherDevice { named: vec!["SEP0011223344BB".into()] };
        assert_eq!(blocked(other).0, Outcome::WrongDevice);
        let (outcome, why, remedy) = blocked(PhoneTlsProblem::OldTls);
        assert_eq!(outcome, Outcome::Unreachable);
        assert!(why.contains("TLS 1.0") && remedy.contains("firmware"), "{why}: {remedy}");
        let away = Unreachable {
            phase: Phase::Connect,
            cause: Cause::Refused,
            port: 443,
            timeout: Duration::from_secs(1),
        };
        let target = crate::push::scheduler::tests::target(1);
        assert!(
            matches!(unreachable(&away, &target), ReplyKind::Unreachable(_)),
            "a refused connection can pass"
        );
    }
}
