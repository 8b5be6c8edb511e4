//! Every shape in which phones were seen to word their answers, whatever their model.

use super::answers::{Answer, page};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PushOutcome {
    /// HTTP 200 with a success.
    Accepted,
    /// HTTP 200 with this `CiscoIPPhoneError`.
    Error(u32),
    /// Another HTTP status.
    Status(u16),
    /// The connection was reset, or something came back that is no answer.
    Unusable,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Wording {
    /// Success: `Status`, `Data` and `URL` are elements, as an old schema has them.
    ChildElements,
    /// Success: three items, two of them empty.
    Padded,
    /// Success with empty `Data`, in single quotes.
    SingleQuotes,
    TwoDeclarations,
    /// Success: `encoding=""`.
    NoEncoding,
    /// Success: a bare `&` in an attribute.
    BareAmpersand,
    /// Success: a line break between `Data=` and its value.
    BrokenAttribute,
    /// Refused: an item with the status 6.
    StatusSix,
    /// Refused: `CiscoIPPhoneError` 3 with a text.
    ErrorWithText,
    /// Refused: the malformed error that Cisco's notes print.
    MalformedError,
    /// Refused: `errorResponse` with HTTP 400.
    ErrorResponse,
    /// No answer: plain text.
    PlainText,
}

impl Wording {
    pub const ALL: [Self; 12] = [
        Self::ChildElements,
        Self::Padded,
        Self::SingleQuotes,
        Self::TwoDeclarations,
        Self::NoEncoding,
        Self::BareAmpersand,
        Self::BrokenAttribute,
        Self::StatusSix,
        Self::ErrorWithText,
        Self::MalformedError,
        Self::ErrorResponse,
        Self::PlainText,
    ];

    /// Returns what a phone of this wording answers to a push: it carries out only what it accepts.
    pub fn outcome(self) -> PushOutcome {
        self.outcome_and_body().0
    }

    pub(super) fn answer(self) -> Answer {
        match self.outcome_and_body() {
            (PushOutcome::Status(status), body) => page(status, "text/xml", body),
            (PushOutcome::Unusable, body) => page(200, "text/plain", body),
            (PushOutcome::Accepted | PushOutcome::Error(_), body) => page(200, "text/xml", body),
        }
    }

    fn outcome_and_body(self) -> (PushOutcome, &'static str) {
        match self {
            Self::ChildElements => (
                PushOutcome::Accepted,
                "<CiscoIPPhoneResponse><ResponseItem><Status>0</Status><Data>Success</Data><URL></URL></ResponseItem></CiscoIPPhoneResponse>",
            ),
            Self::Padded => (
                PushOutcome::Accepted,
                "<CiscoIPPhoneResponse><ResponseItem Status=\"0\" Data=\"Success\" URL=\"\"/><ResponseItem Status=\"0\" Data=\"\" URL=\"\"/><ResponseItem Status=\"0\" Data=\"\" URL=\"\"/></CiscoIPPhoneResponse>",
            ),
            Self::SingleQuotes => (
                PushOutcome::Accepted,
                "<?xml version='1.0' encoding='utf-8'?><CiscoIPPhoneResponse><ResponseItem URL='' Data='' Status='0'/></CiscoIPPhoneResponse>",
            ),
            Self::TwoDeclarations => (
                PushOutcome::Accepted,
                "<?xml version=\"1.0\"?><?xml version=\"1.0\" encoding=\"utf-8\"?><CiscoIPPhoneResponse><ResponseItem Status=\"0\" Data=\"Success\" URL=\"\"/></CiscoIPPhoneResponse>",
            ),
            Self::NoEncoding => (
                PushOutcome::Accepted,
                "<?xml version=\"1.0\" encoding=\"\"?><CiscoIPPhoneResponse><ResponseItem Status=\"0\" Data=\"Success\" URL=\"\"/></CiscoIPPhoneResponse>",
            ),
            Self::BareAmpersand => (
                PushOutcome::Accepted,
                "<CiscoIPPhoneResponse><ResponseItem Status=\"0\" Data=\"Success\" URL=\"http://h/x?a=1&b=2\"/></CiscoIPPhoneResponse>",
            ),
            Self::BrokenAttribute => (
                PushOutcome::Accepted,
                "<CiscoIPPhoneResponse><ResponseItem Status=\"0\" Data=\n\"Success\" URL=\"\"/></CiscoIPPhoneResponse>",
            ),
            Self::StatusSix => (
                PushOutcome::Error(6),
                "<CiscoIPPhoneResponse><ResponseItem Status=\"6\" Data=\"There is pending PRT\" URL=\"\"/></CiscoIPPhoneResponse>",
            ),
            Self::ErrorWithText => (
                PushOutcome::Error(3),
                "<CiscoIPPhoneError Number=\"3\">internal file error</CiscoIPPhoneError>",
            ),
            Self::MalformedError => (
                PushOutcome::Error(3),
                "<CiscoIPPhoneError Number=\"3\"/> internal file error <CiscoIPPhoneError>",
            ),
            Self::ErrorResponse => (
                PushOutcome::Status(400),
                "<errorResponse><type>InvalidURL</type><data>http://h/x</data></errorResponse>",
            ),
            Self::PlainText => (PushOutcome::Unusable, "OK, will do"),
        }
    }
}
