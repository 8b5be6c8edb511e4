//! Errors of the library become exit codes and hints.

use crate::apply::ApplyError;
use crate::axl::error::AxlError;
use crate::error::{AppError, ErrorKind};
use crate::net::certificate_probe::PeekError;
use crate::net::error::HttpError;
use crate::net::session::SessionError;
use crate::net::tls_problem::TlsProblem;
use crate::ris::error::RisError;
use crate::soap::error::SoapError;
use crate::survey::SurveyError;

/// A client could not be made.
pub fn http(error: &HttpError) -> AppError {
    match error {
        HttpError::Trust(_) => AppError::from_error(ErrorKind::Usage, error)
            .hint("--ca-file takes PEM or DER certificates; --pin-sha256 takes a fingerprint"),
        HttpError::Build(_)
        | HttpError::Credentials(_)
        | HttpError::Redirect { .. }
        | HttpError::Connect { .. }
        | HttpError::ConnectionLost { .. }
        | HttpError::Encoded { .. }
        | HttpError::Other { .. }
        | HttpError::Stalled { .. }
        | HttpError::Timeout { .. }
        | HttpError::Tls { .. }
        | HttpError::TooLong { .. }
        | HttpError::Truncated { .. } => AppError::from_error(ErrorKind::Failed, error),
    }
}

/// A server could not be looked at.
pub fn peek(error: &PeekError) -> AppError {
    match error {
        PeekError::Tls { problem, .. } => {
            AppError::from_error(ErrorKind::Failed, error).hint(tls_hint(problem, "--host"))
        }
        PeekError::Connect { .. } | PeekError::Timeout { .. } => {
            AppError::from_error(ErrorKind::Failed, error).hint(
                "check --host, and that its port can be reached from here (AXL answers on 8443)",
            )
        }
        PeekError::Name(_) => AppError::from_error(ErrorKind::Usage, error).hint("check --host"),
    }
}

/// AXL failed.
pub fn axl(error: &AxlError) -> AppError {
    let kind =
        if error.is_authentication() { ErrorKind::Authentication } else { ErrorKind::Failed };
    AppError::from_error(kind, error).hint(axl_hint(error))
}

/// A survey failed.
pub fn survey(error: &SurveyError) -> AppError {
    match error {
        SurveyError::Axl(source) => axl(source),
        SurveyError::Ris(source) => ris(source),
        SurveyError::Incomplete(_) | SurveyError::Restless => {
            AppError::from_error(ErrorKind::Failed, error)
                .hint("run it again when nobody is changing many devices")
        }
        SurveyError::NoRegistrations => AppError::from_error(ErrorKind::Usage, error)
            .hint("leave --registration-source axl out, so that RisPort70 is asked"),
        SurveyError::Selection(source) => AppError::from_error(ErrorKind::Usage, source)
            .hint("nothing was changed; `axlpaper inventory` lists what the cluster has"),
    }
}

/// A plan was not carried out.
pub fn apply(error: &ApplyError<AxlError>) -> AppError {
    match error {
        ApplyError::Stale { .. } => AppError::from_error(ErrorKind::Refused, error)
            .hint("nothing was changed; look at the change, then make a new plan"),
        ApplyError::Unreadable { source, .. } => {
            let kind = if source.is_authentication() { ErrorKind::Authentication } else { ErrorKind::Failed };
            AppError::from_error(kind, error).hint(axl_hint(source))
        }
        ApplyError::Unrecorded { .. } => AppError::from_error(ErrorKind::Failed, error)
            .hint("nothing is changed that cannot be written down; make room for the journal, or use --state"),
        ApplyError::Refused { .. } => AppError::from_error(ErrorKind::Authentication, error).hint(
            "the account needs the role Standard AXL API Access, and a User Rank that is not below the push user's",
        ),
    }
}

/// RisPort70 failed.
pub fn ris(error: &RisError) -> AppError {
    let kind =
        if error.is_authentication() { ErrorKind::Authentication } else { ErrorKind::Failed };
    let hint = match error {
        RisError::Session { source: SessionError::Http(error), .. } => {
            let hint = http_hint(error, "--ris-host");
            format!("{hint}; where RisPort70 cannot be had, use --registration-source axl")
        }
        RisError::Session { source: SessionError::PasswordRefused { .. }, .. } => {
            "check --username and the password; the password is not tried again, so that the account is not locked".to_owned()
        }
        RisError::Session { source: SessionError::RoleMissing { .. }, .. }
        | RisError::Soap { source: SoapError::Forbidden | SoapError::Unauthorized, .. } => {
            "the account needs the role Standard CCM Server Monitoring or Standard RealtimeAndTraceCollection; or use \
             --registration-source axl".to_owned()
        }
        RisError::NoResult { .. } | RisError::Soap { .. } => {
            "check the services Cisco RIS Data Collector and Cisco SOAP on that node, name another one with --ris-host, \
             or use --registration-source axl".to_owned()
        }
    };
    AppError::from_error(kind, error).hint(hint)
}

fn axl_hint(error: &AxlError) -> String {
    if let AxlError::Session { source: SessionError::Http(error), .. } = error {
        return http_hint(error, "--host");
    }
    axl_answer_hint(error).to_owned()
}

fn axl_answer_hint(error: &AxlError) -> &'static str {
    if error.is_password_refused() {
        return "check --username and the password; the password is not tried again, so that the account is not locked";
    }
    if error.is_authentication() {
        return "the account needs the roles Standard AXL API Access and Standard CCM Admin Users";
    }
    match error {
        AxlError::Soap { source, .. } => soap_hint(source),
        AxlError::Version { .. } => {
            "axlpaper works with Unified CM 11.5 and later; when the server is newer than that, force a version with --axl-version"
        }
        AxlError::Session { .. } | AxlError::Lacking { .. } => {
            "run it again; RUST_LOG=axlpaper=debug shows more"
        }
    }
}

/// What to do about an exchange that failed; `option` is the one that names the server.
fn http_hint(error: &HttpError, option: &str) -> String {
    match error {
        HttpError::Tls { problem, .. } => tls_hint(problem, option),
        HttpError::Connect { endpoint, .. } => format!(
            "check {option}, and that port {} of {} can be reached from here (AXL and RisPort70 answer on 8443)",
            endpoint.port(),
            endpoint.host()
        ),
        HttpError::Stalled { .. } | HttpError::Timeout { .. } => {
            "a busy publisher can need longer: use --timeout".to_owned()
        }
        HttpError::Redirect { .. } => format!(
            "nothing was sent there; name the publisher itself with {option}, and the port 8443"
        ),
        HttpError::Credentials(_) => "check --username and the password".to_owned(),
        HttpError::Build(_)
        | HttpError::ConnectionLost { .. }
        | HttpError::Encoded { .. }
        | HttpError::Other { .. }
        | HttpError::TooLong { .. }
        | HttpError::Trust(_)
        | HttpError::Truncated { .. } => {
            "check that this is a server of the cluster, and run it again".to_owned()
        }
    }
}

fn tls_hint(problem: &TlsProblem, option: &str) -> String {
    let what = match problem {
        TlsProblem::NotTls => {
            return format!(
                "that port speaks no HTTPS; AXL answers on 8443: write {option} HOST:8443"
            );
        }
        TlsProblem::OldTls => {
            "update the server, or allow TLS 1.2 there with `set tls min-version 1.2`"
        }
        TlsProblem::NotYetValid { .. } => "set the clock of this machine and of the server",
        TlsProblem::NameMismatch { .. } => {
            return format!(
                "name the server with {option} as its certificate does, or pin the certificate"
            );
        }
        TlsProblem::Expired { .. } | TlsProblem::Unusable { .. } | TlsProblem::Unproven => {
            "have the certificate made anew on the server (Cisco Unified OS Administration)"
        }
        TlsProblem::PinMismatch { .. } | TlsProblem::UnknownIssuer { .. } => {
            "compare its certificate before you trust it with --ca-file or --pin-sha256"
        }
        TlsProblem::Other(_) => "check host and port",
    };
    format!("nothing was sent to the server; {what}")
}

fn soap_hint(error: &SoapError) -> &'static str {
    match error {
        SoapError::NotSoap { .. } => {
            "check that --host is a Unified CM publisher and that its service Cisco AXL Web Service is activated"
        }
        SoapError::NotFound => "activate the service Cisco AXL Web Service on that node",
        SoapError::VersionNotSupported { .. } => {
            "leave out --axl-version, or name one that the server supports; servers before 11.5 are too old for axlpaper"
        }
        SoapError::Throttled | SoapError::MemoryExhausted(_) => {
            "the cluster is busy: run it again later"
        }
        SoapError::Fault(_)
        | SoapError::Forbidden
        | SoapError::Malformed { .. }
        | SoapError::RateLimited { .. }
        | SoapError::TooLarge { .. }
        | SoapError::Truncated { .. }
        | SoapError::Unauthorized
        | SoapError::Unwritable { .. }
        | SoapError::WrongAnswer { .. } => {
            "run it again; if it stays so, RUST_LOG=axlpaper=debug shows more"
        }
    }
}
