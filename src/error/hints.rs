//! The exit code and the hint of each error of the library.

use crate::apply::ApplyError;
use crate::axl::error::AxlError;
use crate::config::ConfigError;
use crate::error::{AppError, ErrorKind};
use crate::journal::{JournalError, Problem};
use crate::net::certificate_probe::PeekError;
use crate::net::error::HttpError;
use crate::net::session::SessionError;
use crate::net::tls_problem::TlsProblem;
use crate::ris::error::RisError;
use crate::soap::error::SoapError;
use crate::survey::SurveyError;

impl From<HttpError> for AppError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Trust(_) => Self::from_error(ErrorKind::Usage, error)
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
            | HttpError::Truncated { .. } => Self::from_error(ErrorKind::Failed, error),
        }
    }
}

impl From<PeekError> for AppError {
    fn from(error: PeekError) -> Self {
        let (kind, hint) = match &error {
            PeekError::Tls { problem, .. } => (ErrorKind::Failed, tls_hint(problem, "--host")),
            PeekError::Connect { .. } | PeekError::Timeout { .. } => (
                ErrorKind::Failed,
                "check --host, and that its port can be reached from here (AXL answers on 8443)"
                    .to_owned(),
            ),
            PeekError::Name(_) => (ErrorKind::Usage, "check --host".to_owned()),
        };
        Self::from_error(kind, error).hint(hint)
    }
}

impl From<AxlError> for AppError {
    fn from(error: AxlError) -> Self {
        let hint = axl_hint(&error);
        Self::from_error(axl_kind(&error), error).hint(hint)
    }
}

impl From<SurveyError> for AppError {
    fn from(error: SurveyError) -> Self {
        match error {
            SurveyError::Axl(source) => source.into(),
            SurveyError::Ris(source) => source.into(),
            SurveyError::Incomplete(_) | SurveyError::Restless => {
                Self::from_error(ErrorKind::Failed, error)
                    .hint("run it again when no bulk change is in progress")
            }
            SurveyError::NoRegistrations => Self::from_error(ErrorKind::Usage, error)
                .hint("leave --registration-source axl out, so that RisPort70 is asked"),
            SurveyError::NoExtensions => Self::from_error(ErrorKind::Usage, error).hint(
                "give the account the role Standard AXL API Access, or select phones by --device or --description",
            ),
            SurveyError::Selection(source) => Self::from_error(ErrorKind::Usage, source)
                .hint("nothing was changed; `axlpaper inventory` lists what the cluster has"),
        }
    }
}

impl From<ApplyError<AxlError>> for AppError {
    fn from(error: ApplyError<AxlError>) -> Self {
        let (kind, hint) = match &error {
            ApplyError::Stale { .. } => {
                (ErrorKind::Refused, "nothing was changed; check the change, then make a new plan".to_owned())
            }
            ApplyError::Unreadable { source, .. } => (axl_kind(source), axl_hint(source)),
            ApplyError::Unrecorded { .. } => (
                ErrorKind::Failed,
                "nothing is changed that cannot be written down; make room for the journal, or use --state".to_owned(),
            ),
            ApplyError::Refused { .. } => (
                ErrorKind::Authentication,
                "the account needs the role Standard AXL API Access, and a User Rank that is not below the push user's"
                    .to_owned(),
            ),
        };
        Self::from_error(kind, error).hint(hint)
    }
}

impl From<RisError> for AppError {
    fn from(error: RisError) -> Self {
        let kind =
            if error.is_authentication() { ErrorKind::Authentication } else { ErrorKind::Failed };
        let hint = match &error {
            RisError::Session { source: SessionError::Http(source), .. } => {
                let hint = http_hint(source, "--ris-host", error.has_answered_before());
                format!("{hint}; where RisPort70 cannot be had, use --registration-source axl")
            }
            RisError::Session { source: SessionError::PasswordRefused { .. }, .. } => PASSWORD_REFUSED.to_owned(),
            RisError::Session { source: SessionError::RoleMissing { .. }, .. }
            | RisError::Soap { source: SoapError::Forbidden | SoapError::Unauthorized, .. } => {
                "the account needs the role Standard CCM Server Monitoring or Standard RealtimeAndTraceCollection; or \
                 use --registration-source axl".to_owned()
            }
            RisError::Soap { source: SoapError::NotSoap { .. } | SoapError::Truncated { .. }, .. }
                if error.has_answered_before() =>
            {
                ANSWERED_BEFORE.to_owned()
            }
            RisError::NoResult { .. } | RisError::Soap { .. } => {
                "check the services Cisco RIS Data Collector and Cisco SOAP on that node, name another one with \
                 --ris-host, or use --registration-source axl".to_owned()
            }
        };
        Self::from_error(kind, error).hint(hint)
    }
}

impl From<JournalError> for AppError {
    fn from(error: JournalError) -> Self {
        let hint = match &error.problem {
            Problem::Folder => {
                let file = error.path.join("journal.sqlite3");
                let hint = format!("--state names a file, such as {}", file.display());
                return Self::from_error(ErrorKind::Failed, error).hint(hint);
            }
            Problem::Newer { .. } => "use the newer axlpaper, or another file with --state",
            Problem::Foreign => "name another file with --state",
            Problem::Damaged(_) | Problem::Unreadable { .. } => {
                "put it aside and keep it: it holds what was changed; --state names another file"
            }
            Problem::ReadOnly | Problem::File(_) => {
                "nothing is changed without a journal; name a file that you may write with --state"
            }
            Problem::Replaced { .. } => {
                "nothing more is changed; put it back if it was moved, and keep other programs away from it"
            }
            Problem::Full => "nothing is changed without a journal; make room, or use --state",
            Problem::Busy | Problem::Stopped | Problem::Other(_) => {
                "nothing is changed without a journal; run it again, or use --state"
            }
        };
        Self::from_error(ErrorKind::Failed, error).hint(hint)
    }
}

impl From<ConfigError> for AppError {
    fn from(error: ConfigError) -> Self {
        let hint = match &error {
            ConfigError::Unreadable { .. } => "`axlpaper init` writes one with every key in it",
            ConfigError::Encoding { .. } => {
                "save it as UTF-8 (Notepad: Save as, Encoding: UTF-8; PowerShell: Set-Content -Encoding utf8)"
            }
            ConfigError::Invalid { .. } => {
                "`axlpaper init --print` shows every key with its meaning"
            }
            ConfigError::NoSuchCluster { is_typed: true, name, .. } if name.contains(',') => {
                "--cluster names one table [cluster.NAME] of the file; `axlpaper inventory`, `audit` and `rollout` take it \
                 several times"
            }
            ConfigError::NoSuchCluster { is_typed: true, .. } => {
                "--cluster names a table [cluster.NAME] of the file"
            }
            ConfigError::NoSuchCluster { is_typed: false, .. } => {
                "`default_cluster` names a table [cluster.NAME] of the file"
            }
            ConfigError::NoneChosen { .. } => {
                "name one with --cluster, or as default_cluster in the file; a host of its own with --host"
            }
            ConfigError::Writable { .. } => {
                "take that away with `chmod o-w`, or `chmod 600`; nothing was run"
            }
            ConfigError::WritableUsers { .. } => "take that away with `chmod o-w`, or `chmod 600`",
        };
        Self::from_error(ErrorKind::Usage, error).hint(hint)
    }
}

const PASSWORD_REFUSED: &str = "check --username and the password; the password is not tried again, so that the account is not locked";

fn axl_kind(error: &AxlError) -> ErrorKind {
    if error.is_authentication() { ErrorKind::Authentication } else { ErrorKind::Failed }
}

fn axl_hint(error: &AxlError) -> String {
    if let AxlError::Session { source: SessionError::Http(source), .. } = error {
        return http_hint(source, "--host", error.has_answered_before());
    }
    axl_answer_hint(error).to_owned()
}

fn axl_answer_hint(error: &AxlError) -> &'static str {
    if error.is_password_refused() {
        return PASSWORD_REFUSED;
    }
    if error.is_authentication() {
        return "the account needs the roles Standard AXL API Access and Standard CCM Admin Users";
    }
    match error {
        AxlError::Soap {
            source: SoapError::NotSoap { .. } | SoapError::Truncated { .. }, ..
        } if error.has_answered_before() => ANSWERED_BEFORE,
        AxlError::Soap { source, .. } => soap_hint(source),
        AxlError::Version { .. } => {
            "axlpaper works with Unified CM 11.5 and later; when the server is newer than that, force a version with --axl-version"
        }
        AxlError::Session { .. } | AxlError::Lacking { .. } => "run it again; -vv shows more",
    }
}

/// What to do where a server that has answered in this run no longer does: its name and port are right.
const ANSWERED_BEFORE: &str = "the server answered before in this run, so its name and port are right: check its load and \
    that Cisco Tomcat runs (`utils service list`), and run it again";

/// What to do about an exchange that failed; `option` is the one that names the server.
fn http_hint(error: &HttpError, option: &str, answered_before: bool) -> String {
    match error {
        HttpError::Connect { .. }
        | HttpError::ConnectionLost { .. }
        | HttpError::Truncated { .. }
            if answered_before =>
        {
            ANSWERED_BEFORE.to_owned()
        }
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

/// What to do about a failed handshake; `option` is the one that names the server.
pub(crate) fn tls_hint(problem: &TlsProblem, option: &str) -> String {
    let what = match problem {
        TlsProblem::NotTls => {
            return format!(
                "that port speaks no HTTPS; AXL answers on 8443: write {option} HOST:8443"
            );
        }
        TlsProblem::OldTls => {
            "update the server, allow TLS 1.2 there with `set tls min-version 1.2`, or regenerate its certificate with an \
             RSA key of 2048 bits"
        }
        TlsProblem::NotYetValid { .. } => "set the clock of this machine and of the server",
        TlsProblem::NameMismatch { .. } => {
            return format!(
                "name the server with {option} as its certificate does, or pin the certificate"
            );
        }
        TlsProblem::Unsupported { .. } => {
            "regenerate it in Cisco Unified OS Administration > Security > Certificate Management: tomcat, RSA with \
             2048 bits or more (tomcat-ECDSA: 256 or 384); then restart Cisco Tomcat and run `axlpaper trust`"
        }
        TlsProblem::Unproven => "find out which machine answers at that address",
        TlsProblem::Expired { .. } | TlsProblem::Unusable { .. } => {
            "regenerate the certificate on the server (Cisco Unified OS Administration)"
        }
        TlsProblem::UnusableAuthority { .. } => {
            "`axlpaper trust` shows the server's certificate, and pins it after you have compared it; or have it signed by \
             an authority with an RSA key of 2048 bits or more"
        }
        TlsProblem::PinMismatch { .. } => {
            "`axlpaper trust` shows the certificate of the server, and pins it after you have compared it"
        }
        TlsProblem::OwnAuthority { .. } | TlsProblem::UnknownIssuer { .. } => {
            "`axlpaper trust` shows its certificate, and pins it after you have compared it; or use --ca-file"
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
        SoapError::DatabaseBusy(_)
        | SoapError::Throttled { .. }
        | SoapError::MemoryExhausted(_) => "the cluster is busy: run it again later",
        SoapError::Fault(_)
        | SoapError::Forbidden
        | SoapError::Malformed { .. }
        | SoapError::RateLimited { .. }
        | SoapError::TooLarge { .. }
        | SoapError::Truncated { .. }
        | SoapError::Unauthorized
        | SoapError::Unwritable { .. }
        | SoapError::WrongAnswer { .. } => "run it again; if it stays so, -vv shows more",
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;
    use crate::domain::error_chain::error_chain;
    use crate::net::endpoint::Endpoint;

    fn refused() -> AxlError {
        let endpoint = Endpoint::parse("pub", Endpoint::CUCM_PORT).unwrap();
        let username = "admin".to_owned();
        AxlError::Session {
            endpoint: endpoint.clone(),
            operation: "getUser",
            writes: false,
            attempts: 1,
            answered_before: false,
            source: SessionError::PasswordRefused { endpoint, username },
        }
    }

    #[test]
    fn an_error_downcasts_to_its_source_behind_its_context() {
        let error = AppError::from(SurveyError::Axl(refused())).within("lab");
        assert_eq!(error.kind(), ErrorKind::Authentication);
        let source = error.source().and_then(|source| source.downcast_ref::<AxlError>());
        assert!(source.is_some_and(AxlError::is_password_refused), "{error:?}");
        // The chain is printed without the same text twice.
        assert_eq!(error_chain(&error), error.to_string());
    }

    #[test]
    fn a_refused_write_keeps_which_write_it_was() {
        let refused = ApplyError::Refused { what: "user bgpush".to_owned(), source: refused() };
        let text = error_chain(&refused);
        let error = AppError::from(refused);
        assert_eq!(error.message(), text);
        let source = error.source().and_then(|s| s.downcast_ref::<ApplyError<AxlError>>());
        assert!(matches!(source, Some(ApplyError::Refused { what, .. }) if what == "user bgpush"));
    }
}
