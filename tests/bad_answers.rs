//! Answers that no good server gives: each ends in an error that says so, and none loses anything in silence.

#![expect(
    clippy::unwrap_used,
    reason = "clippy allows it in test functions, but not in what they share"
)]

use std::io::Write as _;
use std::time::Duration;

use axlpaper::axl::operation::read_response;
use axlpaper::axl::phone::{ListPhone, PhoneRow};
use axlpaper::net::client::{ClusterHttp, ClusterLimits};
use axlpaper::net::endpoint::Endpoint;
use axlpaper::net::error::HttpError;
use axlpaper::net::listen::{SelfSigned, TlsListener};
use axlpaper::net::trust::Trust;
use axlpaper::ris::answer::SelectAnswer;
use axlpaper::soap::error::SoapError;
use axlpaper::soap::read::{Answer, read_answer};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use futures::stream::{self, StreamExt as _};
use proptest::prelude::*;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

fn read<T: Answer>(body: &[u8]) -> Result<T, SoapError> {
    read_answer(200, Some("text/xml;charset=UTF-8"), body)
}

fn read_phones(body: &[u8]) -> Result<Vec<PhoneRow>, SoapError> {
    read_response::<ListPhone>(200, Some("text/xml;charset=UTF-8"), body)
}

/// A page of phones with names and descriptions that need more than one byte a character.
fn phones(count: usize) -> String {
    let rows: Vec<String> = (0..count)
        .map(|n| {
            format!(
                "<phone ctiid=\"{n}\" uuid=\"{{{n:08}-0000-0000-0000-000000000000}}\"><name>SEP{n:012}</name>\
                 <description>Zürich – Büro {n} 🎉</description><model>Cisco 8841</model><class>Phone</class>\
                 <devicePoolName uuid=\"{{A}}\">HQ &amp; Lab</devicePoolName><isActive>true</isActive></phone>"
            )
        })
        .collect();
    axl(&format!("<return>{}</return>", rows.concat()))
}

fn axl(content: &str) -> String {
    format!(
        "<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <soapenv:Body><ns:listPhoneResponse xmlns:ns=\"http://www.cisco.com/AXL/API/14.0\">{content}\
         </ns:listPhoneResponse></soapenv:Body></soapenv:Envelope>"
    )
}

fn registrations() -> String {
    std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("wsdl-fixtures/selectCmDeviceExt/response.xml"),
    )
    .unwrap()
}

/// Tells whether only blanks are missing behind the end of the document.
fn lacks_only_blanks(whole: &[u8], cut: usize) -> bool {
    whole[cut..].iter().all(u8::is_ascii_whitespace)
}

#[test]
fn a_body_cut_at_any_byte_is_an_error() {
    let page = phones(3);
    for cut in 0..page.len() {
        let told = read_phones(&page.as_bytes()[..cut]);
        assert!(told.is_err(), "cut at {cut}: {told:?}");
    }
    let answer = registrations();
    for cut in (0..answer.len()).filter(|cut| !lacks_only_blanks(answer.as_bytes(), *cut)) {
        let told = read::<SelectAnswer>(&answer.as_bytes()[..cut]);
        assert!(told.is_err(), "cut at {cut}: {told:?}");
    }
}

#[test]
fn entities_expand_to_nothing() {
    let definitions: Vec<String> = (1..12)
        .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
        .collect();
    let bomb = axl("<return><phone><name>&l11;</name></phone></return>").replacen(
        "<soapenv:Envelope",
        &format!("<!DOCTYPE x [<!ENTITY l0 \"lol\">{}]><soapenv:Envelope", definitions.concat()),
        1,
    );
    assert!(read_phones(bomb.as_bytes()).is_err());
    let file = axl("<return><phone><name>&f;</name></phone></return>").replacen(
        "<soapenv:Envelope",
        "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/hostname\">]><soapenv:Envelope",
        1,
    );
    assert!(read_phones(file.as_bytes()).is_err());
}

#[test]
fn depth_and_length_do_no_harm() {
    let deep = 200_000;
    let nested = format!("<return>{}{}</return>", "<a>".repeat(deep), "</a>".repeat(deep));
    // Whether that is an answer without phones or an error is a matter of taste; it must only end.
    if let Ok(answer) = read_phones(axl(&nested).as_bytes()) {
        assert!(answer.is_empty());
    }
    let long = "x".repeat(3_000_000);
    let page =
        axl(&format!("<return><phone {long}=\"{long}\"><name>{long}</name></phone></return>"));
    if let Ok(answer) = read_phones(page.as_bytes()) {
        assert_eq!(answer.len(), 1);
    }
}

#[test]
fn odd_values_are_unknown_and_never_something_else() {
    let page = axl(
        "<return><phone uuid=\"\"><name>SEP1</name><isActive>perhaps</isActive><phoneSuite>Sometimes</phoneSuite>\
         <class>Phone</class><description><b>bold</b></description></phone><phone><name/></phone></return>",
    );
    let rows = read_phones(page.as_bytes()).unwrap();
    assert_eq!((rows.len(), rows[0].is_active, rows[0].uuid.as_deref()), (2, None, None));
    assert_eq!(rows[0].phone_suite.as_deref(), Some("Sometimes"));
    let answer = registrations().replace(">Registered<", ">Floating<").replacen(
        "<ns1:Model>",
        "<ns1:Model>x",
        1,
    );
    let page = read::<SelectAnswer>(answer.as_bytes()).unwrap().into_page().unwrap();
    assert!(!page.devices.is_empty());
    assert!(
        page.devices.iter().all(|device| {
            !matches!(device.status, axlpaper::ris::device::RisStatus::Registered)
        })
    );
}

/// Answers every request with the same body, in the pieces and with the headers of the test.
async fn server(
    respond: impl Fn() -> Response + Clone + Send + Sync + 'static,
) -> (Endpoint, ClusterHttp, JoinSet<()>) {
    let identity = SelfSigned::loopback().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::parse(&listener.local_addr().unwrap().to_string(), 8443).unwrap();
    let router = Router::new()
        .fallback(async |State(respond): State<Respond>| respond.0())
        .with_state(Respond(std::sync::Arc::new(respond)));
    let listener = TlsListener::new(listener, identity.server_config().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    let trust = Trust::pinned(identity.sha256().parse().unwrap());
    let limits = ClusterLimits { body: 4 * 1024 * 1024, ..ClusterLimits::default() };
    (endpoint, ClusterHttp::new(&trust, limits).unwrap(), tasks)
}

#[derive(Clone)]
struct Respond(std::sync::Arc<dyn Fn() -> Response + Send + Sync>);

async fn post(endpoint: &Endpoint, http: &ClusterHttp) -> Result<Bytes, HttpError> {
    let headers = reqwest::header::HeaderMap::new();
    let limit = Duration::from_secs(20);
    let answer = http.post(endpoint, "/axl/", headers, Bytes::from_static(b"<x/>"), limit).await?;
    Ok(answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_end_is_not_read_to_its_end() {
    const GIGABYTE: u64 = 1024 * 1024 * 1024;
    for announced in [true, false] {
        let (endpoint, http, _tasks) = server(move || {
            let piece = Bytes::from_static(&[b' '; 64 * 1024]);
            let pieces = GIGABYTE / piece.len() as u64;
            let body =
                stream::iter((0..pieces).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
            let response = Response::builder();
            let response =
                if announced { response.header("content-length", GIGABYTE) } else { response };
            response.body(Body::from_stream(body)).unwrap()
        })
        .await;
        let error = post(&endpoint, &http).await.unwrap_err();
        assert!(matches!(error, HttpError::TooLong { .. }), "{error}");
        assert!(error.to_string().contains("longer than 4194304 bytes"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chunk_borders_inside_of_characters_change_nothing() {
    let page = Bytes::from(phones(1));
    let expected = read_phones(&page).unwrap();
    let at = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (whole, border) = (page.clone(), std::sync::Arc::clone(&at));
    let (endpoint, http, _tasks) = server(move || {
        let at = border.load(std::sync::atomic::Ordering::SeqCst);
        let pieces = [whole.slice(..at), whole.slice(at..)].map(Ok::<_, std::io::Error>);
        Response::builder().body(Body::from_stream(stream::iter(pieces))).unwrap()
    })
    .await;
    for border in 0..page.len() {
        at.store(border, std::sync::atomic::Ordering::SeqCst);
        let body = post(&endpoint, &http).await.unwrap();
        assert_eq!(read_phones(&body).unwrap(), expected, "border at {border}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_asked_to_be_packed_is_refused_by_name() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(phones(2).as_bytes()).unwrap();
    let packed = Bytes::from(packed.finish().unwrap());
    let (endpoint, http, _tasks) = server(move || {
        let response = Response::builder().header("content-encoding", "gzip");
        response.body(Body::from(packed.clone())).unwrap()
    })
    .await;
    let error = post(&endpoint, &http).await.unwrap_err();
    assert!(matches!(error, HttpError::Encoded { .. }), "{error}");
    assert!(error.to_string().contains("gzip"), "{error}");
}

proptest! {
    #[test]
    fn a_page_that_was_damaged_never_grows(at in 0_usize..1600, byte in any::<u8>(), removed in 0_usize..40) {
        let mut page = phones(3).into_bytes();
        let at = at % page.len();
        page[at] = byte;
        let end = (at + 1 + removed).min(page.len());
        page.drain(at + 1..end);
        if let Ok(answer) = read_phones(&page) {
            prop_assert!(answer.len() <= 3);
        }
        drop(read::<SelectAnswer>(&page));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_begin_or_stands_still_is_not_waited_for() {
    let (endpoint, http, _tasks) = server(|| {
        let beginning = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"<soap"))]);
        let never = stream::pending();
        Response::builder().body(Body::from_stream(beginning.chain(never))).unwrap()
    })
    .await;
    drop(http);
    let soon = Duration::from_millis(150);
    let limits = ClusterLimits { pause: soon, ..ClusterLimits::default() };
    let trust = Trust { insecure: true, platform_roots: false, ..Trust::default() };
    let http = ClusterHttp::new(&trust, limits).unwrap();
    let error = post(&endpoint, &http).await.unwrap_err();
    assert!(matches!(error, HttpError::Stalled { received: 5, .. }), "{error}");
    assert!(error.to_string().contains("sent nothing more"), "{error}");

    // A server that takes the connection and the request, and says nothing at all.
    let identity = SelfSigned::loopback().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::parse(&listener.local_addr().unwrap().to_string(), 8443).unwrap();
    let router = Router::new().fallback(async || std::future::pending::<Response>().await);
    let listener = TlsListener::new(listener, identity.server_config().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    let limits = ClusterLimits { first_byte: soon, ..ClusterLimits::default() };
    let http = ClusterHttp::new(&trust, limits).unwrap();
    let error = post(&endpoint, &http).await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout { after, .. } if after == soon), "{error}");
}

#[test]
fn nothing_stands_twice_and_no_document_type_at_all() {
    let page = phones(2);
    let fault =
        "<soapenv:Body><soapenv:Fault><faultstring>no</faultstring></soapenv:Fault></soapenv:Body>";
    let bodies = page.replacen("<soapenv:Body>", &format!("{fault}<soapenv:Body>"), 1);
    assert!(read_phones(bodies.as_bytes()).is_err(), "the fault was hidden");
    let end = "</soapenv:Body>";
    let empty = "<ns:listPhoneResponse xmlns:ns=\"http://www.cisco.com/AXL/API/14.0\"><return/></ns:listPhoneResponse>";
    let answers = page.replacen(end, &format!("{empty}{end}"), 1);
    assert!(read_phones(answers.as_bytes()).is_err(), "two phones were lost");
    let typed = page.replacen("<soapenv:Envelope", "<!DOCTYPE x><soapenv:Envelope", 1);
    assert!(read_phones(typed.as_bytes()).is_err());
    assert_eq!(read_phones(page.as_bytes()).unwrap().len(), 2);
}
