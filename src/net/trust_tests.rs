//! Which certificates are accepted, tried on real handshakes.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use rustls::pki_types::CertificateDer;

use super::client::{ClusterHttp, ClusterLimits, HttpAnswer};
use super::endpoint::Endpoint;
use super::error::HttpError;
use super::fingerprint::Fingerprint;
use super::test_server::{Identity, Reply, TestServer};
use super::tls_problem::TlsProblem;
use super::trust::Trust;

async fn server(identity: Identity) -> TestServer {
    TestServer::start(identity, |_, _| Reply::new(200, "hello")).await
}

async fn post(endpoint: &Endpoint, trust: &Trust) -> Result<HttpAnswer, HttpError> {
    let http = ClusterHttp::new(trust, ClusterLimits::default()).unwrap();
    let body = Bytes::from_static(b"secret");
    http.post(endpoint, "/", HeaderMap::new(), body, Duration::from_secs(20)).await
}

fn problem(result: Result<HttpAnswer, HttpError>) -> TlsProblem {
    match result {
        Err(HttpError::Tls { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

/// Trusts a certificate as if it had come from a CA file.
fn from_file(certificate: &CertificateDer<'_>) -> (Trust, tempfile::NamedTempFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(certificate).unwrap();
    let trust =
        Trust { platform_roots: false, ca_files: vec![file.path().to_owned()], ..Trust::default() };
    (trust, file)
}

#[tokio::test]
async fn a_pin_needs_no_name_and_no_authority() {
    let server = server(Identity::made(&["elsewhere.example"], |_| ())).await;
    let trust = Trust::pinned(Fingerprint::of(&server.identity.certificate));
    let answer = post(&server.endpoint, &trust).await.unwrap();
    assert_eq!(&answer.body[..], b"hello");
}

#[tokio::test]
async fn a_wrong_pin_sends_nothing() {
    let server = server(Identity::made(&["127.0.0.1"], |_| ())).await;
    let trust = Trust::pinned(Fingerprint::of(b"another"));
    let presented = Fingerprint::of(&server.identity.certificate);
    let problem = problem(post(&server.endpoint, &trust).await);
    let expected = Fingerprint::of(b"another");
    assert_eq!(problem, TlsProblem::PinMismatch { expected, presented });
    assert!(problem.to_string().contains(&presented.to_string()));
    assert_eq!((server.decrypted_bytes(), server.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_copied_certificate_without_its_key_is_refused() {
    let stolen = || {
        Identity::made(&["127.0.0.1"], |_| ()).with_key_of(Identity::made(&["127.0.0.1"], |_| ()))
    };
    let pinned = server(stolen()).await;
    let trust = Trust::pinned(Fingerprint::of(&pinned.identity.certificate));
    assert_eq!(problem(post(&pinned.endpoint, &trust).await), TlsProblem::Unproven);
    let listed = server(stolen()).await;
    let (trust, _file) = from_file(&listed.identity.certificate);
    assert_eq!(problem(post(&listed.endpoint, &trust).await), TlsProblem::Unproven);
    let insecure = server(stolen()).await;
    let trust = Trust { insecure: true, platform_roots: false, ..Trust::default() };
    assert_eq!(problem(post(&insecure.endpoint, &trust).await), TlsProblem::Unproven);
    for server in [pinned, listed, insecure] {
        assert_eq!(server.decrypted_bytes(), 0);
    }
}

#[tokio::test]
async fn a_self_signed_certificate_in_the_file_is_enough() {
    for identity in
        [Identity::made(&["127.0.0.1"], |_| ()), Identity::own_authority(&["127.0.0.1"])]
    {
        let server = server(identity).await;
        let (trust, _file) = from_file(&server.identity.certificate);
        post(&server.endpoint, &trust).await.unwrap();
    }
}

#[tokio::test]
async fn the_name_counts_for_a_certificate_in_the_file() {
    for identity in
        [Identity::made(&["cucm.example"], |_| ()), Identity::own_authority(&["cucm.example"])]
    {
        let server = server(identity).await;
        let (trust, _file) = from_file(&server.identity.certificate);
        let problem = problem(post(&server.endpoint, &trust).await);
        let TlsProblem::NameMismatch { expected, presented, .. } = &problem else {
            panic!("{problem:?}")
        };
        assert_eq!(
            (expected.as_str(), presented.as_slice()),
            ("127.0.0.1", &["cucm.example".to_owned()][..])
        );
        assert_eq!(server.decrypted_bytes(), 0);
    }
}

#[tokio::test]
async fn an_unknown_certificate_tells_its_fingerprint() {
    let other = Identity::made(&["127.0.0.1"], |_| ());
    let (trust, _file) = from_file(&other.certificate);
    for identity in
        [Identity::made(&["127.0.0.1"], |_| ()), Identity::own_authority(&["127.0.0.1"])]
    {
        let server = server(identity).await;
        let fingerprint = Fingerprint::of(&server.identity.certificate);
        let text = problem(post(&server.endpoint, &trust).await).to_string();
        assert!(text.contains(&fingerprint.to_string()), "{text}");
        assert_eq!(server.decrypted_bytes(), 0);
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused_although_it_is_in_the_file() {
    let old = |params: &mut rcgen::CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    };
    let own = |params: &mut rcgen::CertificateParams| {
        old(params);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    };
    for identity in [Identity::made(&["127.0.0.1"], old), Identity::made(&["127.0.0.1"], own)] {
        let server = server(identity).await;
        let (trust, _file) = from_file(&server.identity.certificate);
        let problem = problem(post(&server.endpoint, &trust).await);
        assert!(matches!(problem, TlsProblem::Expired { .. }), "{problem}");
    }
}

#[tokio::test]
async fn insecure_takes_any_certificate() {
    let server = server(Identity::made(&["elsewhere.example"], |_| ())).await;
    let trust = Trust { insecure: true, platform_roots: false, ..Trust::default() };
    post(&server.endpoint, &trust).await.unwrap();
}

#[tokio::test]
async fn says_that_nothing_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let endpoint = Endpoint::parse("127.0.0.1", port).unwrap();
    let error = post(&endpoint, &Trust::pinned(Fingerprint::of(b"x"))).await.unwrap_err();
    assert!(error.to_string().contains("nothing listens"), "{error}");
    assert!(!error.may_have_been_sent());
}

#[tokio::test]
async fn says_that_a_port_does_not_speak_tls() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 512];
        assert!(stream.read(&mut hello).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let endpoint = Endpoint::parse("127.0.0.1", port).unwrap();
    let problem = problem(post(&endpoint, &Trust::pinned(Fingerprint::of(b"x"))).await);
    assert_eq!(problem, TlsProblem::NotTls);
}

#[tokio::test]
async fn finds_a_cut_answer_and_one_that_is_too_long() {
    let cut = TestServer::usual(|_, _| Reply::new(200, "0123456789").cut_by(4)).await;
    let trust = Trust::pinned(Fingerprint::of(&cut.identity.certificate));
    let error = post(&cut.endpoint, &trust).await.unwrap_err();
    assert!(matches!(error, HttpError::Truncated { received: 6, .. }), "{error:?}");

    let long = TestServer::usual(|_, _| Reply::new(200, "0123456789")).await;
    let trust = Trust::pinned(Fingerprint::of(&long.identity.certificate));
    let limits = ClusterLimits { body: 9, ..ClusterLimits::default() };
    let http = ClusterHttp::new(&trust, limits).unwrap();
    let result = http.post(&long.endpoint, "/", HeaderMap::new(), Bytes::new(), limits.read).await;
    assert!(matches!(result, Err(HttpError::TooLong { limit: 9, .. })), "{result:?}");
}
