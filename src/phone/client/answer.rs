//! What came of an exchange with a phone, and what stopped it.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::net::phone_tls_problem::PhoneTlsProblem;
use crate::phone::Reply;
use crate::phone::xml::clean;

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PhoneAnswer {
    /// The status line's code, where the phone got as far as that.
    pub http_status: Option<u16>,
    /// Whether it sends the client to HTTPS instead of doing anything.
    pub moved_to_https: bool,
    pub outcome: Outcome,
    /// The beginning of the body on one line, without control characters, for reports.
    pub raw: String,
    /// From the attempt to connect to the end of the answer.
    pub took: Duration,
}

impl PhoneAnswer {
    /// The longest [`PhoneAnswer::raw`], in characters.
    pub const RAW_CHARS: usize = 1_000;
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    Answered(Reply),
    /// It did not, or not to the end.
    Unreachable(Unreachable),
}

/// How the way to a phone was barred.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unreachable {
    pub phase: Phase,
    pub cause: Cause,
    pub port: u16,
    /// The time that the exchange was given.
    pub timeout: Duration,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { phase, cause, port, timeout } = self;
        let seconds = timeout.as_secs_f32();
        match (phase, cause) {
            (_, Cause::Refused) => {
                write!(f, "port {port} is closed: web access is off, or the phone is restarting")
            }
            (Phase::Answer, Cause::TimedOut) => {
                write!(f, "began to answer but did not finish within {seconds} s")
            }
            (_, Cause::TimedOut) => write!(f, "no answer on port {port} within {seconds} s"),
            (_, Cause::NoRoute) => f.write_str("no route to its network"),
            (Phase::Connect, Cause::Reset) => write!(f, "port {port} dropped the connection"),
            (Phase::Request, Cause::Reset) => {
                f.write_str("closed the connection without an answer")
            }
            (Phase::Answer, Cause::Reset) => {
                f.write_str("closed the connection in the middle of its answer")
            }
            (_, Cause::NotHttp) => write!(f, "what answers on port {port} does not speak HTTP"),
            (_, Cause::Tls(problem)) => write!(f, "{problem}"),
            (_, Cause::Other(text)) => f.write_str(text),
        }
    }
}

/// How far an exchange came before it stopped.
///
/// Before the request the phone knows of nothing; after it, the push may have been carried out.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Phase {
    /// No connection, so the phone saw nothing.
    Connect,
    /// Connected, but no status line came back.
    Request,
    Answer,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Cause {
    Refused,
    TimedOut,
    Reset,
    NoRoute,
    /// Something that is no HTTP came back.
    NotHttp,
    /// No TLS connection that can be trusted came about; nothing was sent.
    Tls(PhoneTlsProblem),
    /// Anything else, in the words of the library that found it.
    Other(String),
}

impl Cause {
    pub(in crate::phone) fn of(error: &(dyn Error + 'static)) -> Self {
        if let Some(problem) = PhoneTlsProblem::find(error) {
            return Self::Tls(problem);
        }
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        let mut last = String::new();
        while let Some(error) = next {
            if let Some(io) = error.downcast_ref::<io::Error>() {
                if let Some(cause) = Self::of_io(io.kind()) {
                    return cause;
                }
            } else if let Some(http) = error.downcast_ref::<hyper::Error>() {
                if http.is_parse() {
                    return Self::NotHttp;
                }
                if http.is_incomplete_message() {
                    return Self::Reset;
                }
            }
            last = error.to_string();
            next = error.source();
        }
        Self::Other(clean(&last, 200))
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "io::ErrorKind is open and has dozens of kinds"
    )]
    fn of_io(kind: io::ErrorKind) -> Option<Self> {
        match kind {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::TimedOut => Some(Self::TimedOut),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof => Some(Self::Reset),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Some(Self::NoRoute)
            }
            _ => None,
        }
    }
}
