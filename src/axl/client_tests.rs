//! The AXL session, tried on a real server that answers as the test defines.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::net::credentials::Credentials;
use crate::net::retry::RetryPolicy;
use crate::net::test_server::{Reply, Request, TestServer};
use crate::soap::error::SoapError;

use super::client::{AxlClient, AxlOptions};
use super::error::AxlError;
use super::phone::ListPhone;
use super::sql::ExecuteSqlQuery;
use super::user::UpdateAppUser;
use super::version::AxlVersion;
use crate::domain::association::UserKind;

fn envelope(operation: &str, content: &str) -> String {
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>\
         <ns:{operation}Response xmlns:ns=\"http://www.cisco.com/AXL/API/14.0\"><return>{content}\
         </return></ns:{operation}Response></soapenv:Body></soapenv:Envelope>"
    )
}

fn fault(text: &str, code: i64) -> String {
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>\
         <soapenv:Fault><faultcode>soapenv:Server</faultcode><faultstring>{text}</faultstring><detail>\
         <axlError><axlcode>{code}</axlcode><axlmessage>{text}</axlmessage></axlError></detail>\
         </soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )
}

fn version(text: &str) -> Reply {
    let content = format!("<componentVersion><version>{text}</version></componentVersion>");
    let body = envelope("getCCMVersion", &content);
    Reply::with(200, &[("Set-Cookie", "JSESSIONIDSSO=abc; Secure")], &body)
}

/// Waits of a few milliseconds, a few times.
fn quick() -> AxlOptions {
    let soon = RetryPolicy {
        floor: Duration::from_millis(1),
        base: Duration::from_millis(1),
        ceiling: Duration::from_millis(2),
        budget: Duration::from_millis(6),
    };
    AxlOptions { throttled: soon, memory: soon, away: soon, ..AxlOptions::default() }
}

async fn connect(server: &TestServer, options: AxlOptions) -> Result<AxlClient, AxlError> {
    let credentials = Credentials::new("axl", "s3cret".to_owned().into());
    AxlClient::connect(server.http(), server.endpoint.clone(), credentials, options).await
}

/// A server of release 14 that answers everything but the version by `respond`.
async fn release_14(
    respond: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
) -> (TestServer, AxlClient) {
    let server = TestServer::usual(move |request, number| {
        if request.body.contains("getCCMVersion") {
            version("14.0.1.10000-20")
        } else {
            respond(request, number)
        }
    })
    .await;
    let client = connect(&server, quick()).await.unwrap();
    (server, client)
}

#[tokio::test]
async fn finds_the_version_and_speaks_it() {
    let (server, client) = release_14(|_, _| Reply::new(200, &envelope("listPhone", ""))).await;
    assert_eq!((client.server_version(), client.version()), ("14.0.1.10000-20", AxlVersion::V14_0));
    assert!(client.list(ListPhone::all(), |_| ()).await.unwrap().complete);
    let requests = server.requests();
    assert!(requests[0].body.contains("http://www.cisco.com/AXL/API/1.0\""));
    assert_eq!(requests[0].header("soapaction"), None);
    assert_eq!(requests[1].header("soapaction"), Some("\"CUCM:DB ver=14.0 listPhone\""));
    assert!(requests[1].body.contains("http://www.cisco.com/AXL/API/14.0\""));
    assert_eq!(requests[1].header("content-type"), Some("text/xml; charset=utf-8"));
    assert!(requests[0].has_password() && !requests[1].has_password());
}

#[tokio::test]
async fn falls_back_to_the_best_version_that_is_listed() {
    let page = "<html>HTTP Status 599 - Supported axl versions are 12.x, 14.0</html>";
    let server = TestServer::usual(move |request, _| {
        if request.body.contains("API/1.0\"") {
            version("15.0.1.12900(234)")
        } else if request.body.contains("API/12.5\"") {
            Reply::new(200, &envelope("executeSQLQuery", "<row><count>2</count></row>"))
        } else {
            Reply::new(599, page)
        }
    })
    .await;
    let client = connect(&server, quick()).await.unwrap();
    let rows = client.call(&ExecuteSqlQuery::new("select 1")).await.unwrap();
    assert_eq!(rows[0]["count"], "2");
    assert_eq!(client.version(), AxlVersion::V12_5);
    // 15.0, 14.0 and 12.5 were tried once each.
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_forced_version_is_not_replaced() {
    let page = "The specified version is not available.  Available versions are 1.0 and 12.0";
    let server = TestServer::usual(move |_, _| Reply::new(599, page)).await;
    let options = AxlOptions { version: Some(AxlVersion::V15_0), ..quick() };
    let error = connect(&server, options).await.unwrap_err();
    let supported = vec!["1.0".to_owned(), "12.0".to_owned()];
    assert_eq!(error.soap(), Some(&SoapError::VersionNotSupported { supported }));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_old_server_is_refused_in_words() {
    let server = TestServer::usual(|_, _| version("10.5.2.10000-5")).await;
    let error = connect(&server, quick()).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("10.5.2.10000-5 is too old"), "{source}");
}

#[tokio::test]
async fn a_wrong_password_is_sent_once() {
    let server = TestServer::usual(|_, _| Reply::new(401, "<html>")).await;
    let error = connect(&server, quick()).await.unwrap_err();
    assert!(error.is_authentication() && error.is_password_refused());
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn html_instead_of_soap_is_named() {
    let server = TestServer::usual(|_, _| {
        Reply::with(200, &[("Content-Type", "text/html")], "<html><title>Login</title></html>")
    })
    .await;
    let error = connect(&server, quick()).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "expected SOAP, found an HTML page \"Login\" (HTTP 200)");
}

#[tokio::test]
async fn waits_while_the_server_is_busy_but_not_for_ever() {
    let waits = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&waits);
    let server = TestServer::usual(|request, number| {
        if request.body.contains("getCCMVersion") {
            version("14.0.1")
        } else if number < 3 {
            Reply::new(503, "")
        } else if request.body.contains("updateAppUser") {
            Reply::new(200, &envelope("updateAppUser", "{0A1B2C3D-0000-0000-0000-000000000000}"))
        } else {
            Reply::new(503, "busy")
        }
    })
    .await;
    let on_wait: super::client::WaitObserver =
        Arc::new(move |operation, _, _| log.lock().unwrap().push(operation));
    let options = AxlOptions { on_wait: Some(on_wait), ..quick() };
    let client = connect(&server, options).await.unwrap();
    let update = UpdateAppUser::replacing("pusher", vec!["SEP1".to_owned()]).unwrap();
    let answer = client.call(&update).await.unwrap();
    assert_eq!(answer.uuid.as_deref(), Some("{0A1B2C3D-0000-0000-0000-000000000000}"));
    assert_eq!(*waits.lock().unwrap(), ["updateAppUser"; 2]);
    let error = client.call(&ExecuteSqlQuery::new("select 1")).await.unwrap_err();
    assert_eq!(error.soap(), Some(&SoapError::Throttled { status: 503 }));
}

#[tokio::test]
async fn a_server_that_has_answered_is_waited_for_and_one_that_has_not_is_an_error() {
    let missing = TestServer::usual(|_, _| Reply::new(404, "no such service")).await;
    let error = connect(&missing, quick()).await.unwrap_err();
    assert_eq!((error.soap(), missing.requests().len()), (Some(&SoapError::NotFound), 1));

    // The session is gone too: its cookie is refused first, then the service is missing a while.
    let (server, client) = release_14(|request, number| match number {
        0..=3 => Reply::new(404, "no such service"),
        _ if request.has_cookie() => Reply::new(404, "no such session"),
        _ => Reply::new(200, &envelope("updateAppUser", "{0A1B2C3D-0000-0000-0000-000000000000}")),
    })
    .await;
    let update = UpdateAppUser::replacing("pusher", vec!["SEP1".to_owned()]).unwrap();
    client.call(&update).await.unwrap();
    drop(server);

    let (server, client) = release_14(|_, number| match number {
        0..=2 => Reply::new(502, "<html><title>Bad Gateway</title></html>"),
        _ => Reply::new(200, &envelope("executeSQLQuery", "")),
    })
    .await;
    client.call(&ExecuteSqlQuery::new("select 1")).await.unwrap();
    drop(server);

    // A write that a proxy answered for may have been carried out.
    let (server, client) = release_14(|_, _| Reply::new(502, "<html>Bad Gateway</html>")).await;
    let error = client.call(&update).await.unwrap_err();
    assert!(error.is_outcome_unknown() && error.is_cut_off(), "{error}");
    assert_eq!(server.requests().len(), 2);
    // For ever is too long.
    let (_server, client) = release_14(|_, _| Reply::new(404, "no such service")).await;
    let error = client.call(&update).await.unwrap_err();
    assert_eq!(error.soap(), Some(&SoapError::NotFound));
}

/// What passes by itself: a page of Tomcat, locked rows of the database.
fn passing() -> [Reply; 4] {
    let locked = |code| {
        Reply::new(500, &fault("Could not do a physical-order read to fetch next row.", code))
    };
    let page = "<html><head><title>Error report</title></head><body>HTTP Status 500</body></html>";
    let page = Reply::with(500, &[("Content-Type", "text/html")], page);
    [page, locked(-244), locked(-243), locked(-154)]
}

#[tokio::test]
async fn a_read_outlasts_what_passes() {
    for trouble in passing() {
        let lists = trouble.clone();
        let (server, client) =
            release_14(
                move |request, number| {
                    if number <= 2 { lists.clone() } else { phones(request, 3) }
                },
            )
            .await;
        let listing = client.list(ListPhone::all(), |_| ()).await.unwrap();
        assert_eq!((listing.rows.len(), server.requests().len()), (3, 4));
        let (server, client) = release_14(move |_, number| {
            if number <= 2 {
                trouble.clone()
            } else {
                Reply::new(200, &envelope("executeSQLQuery", ""))
            }
        })
        .await;
        assert!(client.call(&ExecuteSqlQuery::new("select 1")).await.unwrap().is_empty());
        assert_eq!(server.requests().len(), 4);
    }
}

#[tokio::test]
async fn what_does_not_pass_is_reported_with_the_attempts_and_without_doubt_about_the_host() {
    for trouble in passing() {
        let (server, client) = release_14(move |_, _| trouble.clone()).await;
        let error = client.call(&ExecuteSqlQuery::new("select 1")).await.unwrap_err();
        let attempts = server.requests().len() - 1;
        assert!(attempts > 2 && error.has_answered_before(), "{error:?}");
        assert!(
            error.to_string().ends_with(&format!("failed after {attempts} attempts")),
            "{error}"
        );
        let error = client.list(ListPhone::all(), |_| ()).await.unwrap_err();
        assert_eq!(error.attempts() as usize, server.requests().len() - 1 - attempts);
    }
}

#[tokio::test]
async fn a_write_is_not_sent_again_whatever_passes() {
    for trouble in passing() {
        let (server, client) = release_14(move |_, _| trouble.clone()).await;
        let request = UpdateAppUser::replacing("push", vec!["SEP1".to_owned()]).unwrap();
        client.call(&request).await.unwrap_err();
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn what_could_not_be_read_is_noted_and_never_written() {
    let row = "<phone uuid=\"{1}\"><name>SEP1</name><description>a&#0;b</description></phone>";
    let (server, client) =
        release_14(move |_, _| Reply::new(200, &envelope("listPhone", row))).await;
    let listing = client.list(ListPhone::all(), |_| ()).await.unwrap();
    assert_eq!(listing.rows[0].description.as_deref(), Some("a\u{FFFD}b"));
    let noted: Vec<_> = client.take_unreadable().iter().map(ToString::to_string).collect();
    assert_eq!(noted, ["SEP1: description"]);
    assert!(client.take_unreadable().is_empty());
    let devices = vec!["SEP1".to_owned(), "SEP\u{FFFD}".to_owned()];
    let error =
        client.replace_controlled_devices("push", UserKind::App, devices).await.unwrap_err();
    assert!(!error.is_outcome_unknown() && error.why().contains("U+FFFD"), "{}", error.why());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_write_is_never_repeated_after_a_lost_answer() {
    for reply in [0, 1, 2] {
        let (server, client) = release_14(move |_, _| match reply {
            0 => Reply::nothing(),
            1 => Reply::new(200, &envelope("updateAppUser", "true")).cut_by(20),
            _ => Reply::new(200, "<soapenv:Envelope><soapenv:Body>"),
        })
        .await;
        let update = UpdateAppUser::replacing("pusher", vec!["SEP1".to_owned()]).unwrap();
        let error = client.call(&update).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{error:?}");
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_denied_write_is_no_success() {
    let (_server, client) =
        release_14(|_, _| Reply::new(200, &envelope("updateAppUser", "false"))).await;
    let update = UpdateAppUser::replacing("pusher", vec!["SEP1".to_owned()]).unwrap();
    let error = client.call(&update).await.unwrap_err();
    assert!(matches!(error.soap(), Some(SoapError::Malformed { .. })), "{error:?}");
}

/// Reads a number out of a request: `<first>500</first>`.
fn number(request: &Request, tag: &str) -> usize {
    let (_, rest) = request.body.split_once(&format!("<{tag}>")).unwrap();
    rest.split_once('<').unwrap().0.parse().unwrap()
}

fn phones(request: &Request, total: usize) -> Reply {
    let (skip, first) = (number(request, "skip"), number(request, "first"));
    let rows: Vec<_> = (skip..total.min(skip + first))
        .map(|n| format!("<phone uuid=\"{{{n}}}\"><name>SEP{n:012}</name></phone>"))
        .collect();
    let rows = rows.concat();
    Reply::new(200, &envelope("listPhone", &rows))
}

#[tokio::test]
async fn reads_a_list_in_pages_that_the_server_accepts() {
    let too_large = "Query request too large. Total rows matched: 1201 rows. Suggestive Row Fetch: \
                     less than 844 rows";
    for failure in [0, 1, 2, 3] {
        let (server, client) = release_14(move |request, _| {
            let first = number(request, "first");
            match failure {
                _ if first <= 125 => phones(request, 1201),
                0 => Reply::new(500, &fault(too_large, -1)),
                1 => phones(request, 1201).cut_by(30),
                2 => Reply::new(500, &fault("Maximum AXL Memory Allocation Consumed.", -1)),
                _ => Reply::nothing(),
            }
        })
        .await;
        let mut progress = Vec::new();
        let listing = client.list(ListPhone::all(), |count| progress.push(count)).await.unwrap();
        assert!(listing.complete);
        assert_eq!((listing.rows.len(), listing.repeated), (1201, 0), "{failure}");
        assert_eq!(listing.rows[1200].name, "SEP000000001200");
        assert_eq!(progress.last(), Some(&1201));
        drop(server);
    }
}

#[tokio::test]
async fn a_server_that_ignores_paging_gives_no_proof() {
    let (_server, client) = release_14(|_, _| {
        let rows: Vec<_> = (0..500).map(|n| format!("<phone uuid=\"{{{n}}}\"/>")).collect();
        Reply::new(200, &envelope("listPhone", &rows.concat()))
    })
    .await;
    let listing = client.list(ListPhone::all(), |_| ()).await.unwrap();
    assert_eq!((listing.rows.len(), listing.complete), (500, false));
}

#[tokio::test]
async fn a_list_of_devices_that_was_left_out_is_looked_up() {
    let (_server, client) = release_14(|request, _| {
        if request.body.contains("getAppUser") {
            Reply::new(200, &envelope("getAppUser", "<appUser><userid>Pusher</userid></appUser>"))
        } else {
            assert!(request.body.contains("lower('o''pusher')"), "{}", request.body);
            Reply::new(200, &envelope("executeSQLQuery", "<row><name>csfmscott</name></row>"))
        }
    })
    .await;
    let found = client.controlled_devices("o'pusher", UserKind::App).await.unwrap();
    assert_eq!((found.userid.as_str(), found.devices), ("Pusher", vec!["csfmscott".to_owned()]));
}

#[tokio::test]
async fn a_list_of_devices_that_neither_source_gives_is_an_error() {
    let (_server, client) = release_14(|request, _| {
        if request.body.contains("getUser") {
            Reply::new(200, &envelope("getUser", "<user><userid>p</userid></user>"))
        } else {
            Reply::new(500, &fault("Access denied", 1))
        }
    })
    .await;
    let error = client.controlled_devices("p", UserKind::End).await.unwrap_err();
    assert!(matches!(error, AxlError::Lacking { .. }), "{error:?}");
}

#[tokio::test]
async fn a_missing_user_is_recognised() {
    let (_server, client) = release_14(|_, _| {
        Reply::new(500, &fault("Item not valid: The specified User was not found", 5007))
    })
    .await;
    let error = client.controlled_devices("p", UserKind::End).await.unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
}
