//! Clients that send more than they should, or less than they announce.

use std::sync::Arc;
use std::time::Duration;

use axlpaper::sim::{ADMIN_PASSWORD, ADMIN_USER, SimConfig};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bench::*;

/// Sends bytes, and returns all that is answered until the connection ends.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> String {
    // The answer may come before everything is taken.
    drop(stream.write_all(request).await);
    drop(stream.flush().await);
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8(answer).unwrap()
}

/// Sends bytes to the HTTPS port of the cluster.
async fn ask(bench: &Bench, request: &[u8]) -> String {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bench.sim.ca_pem().as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let config = rustls::ClientConfig::builder().with_root_certificates(roots);
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config.with_no_client_auth()));
    let stream = TcpStream::connect(bench.sim.axl_addr()).await.unwrap();
    exchange(connector.connect("localhost".try_into().unwrap(), stream).await.unwrap(), request)
        .await
}

/// A request with these lines in its header.
fn request(lines: &str, body: &str) -> Vec<u8> {
    format!("POST /axl/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{lines}\r\n{body}")
        .into_bytes()
}

fn status(answer: &str) -> &str {
    answer.get(..12).unwrap_or(answer)
}

#[tokio::test]
async fn a_request_that_is_too_large_or_not_http_is_refused_at_once() {
    let bench = Bench::new().await;
    let many = "x-a: 1\r\n".repeat(200);
    for (what, request, expected) in [
        ("a length of a terabyte", request("content-length: 1099511627776\r\n", "x"), "413"),
        ("a length just too large", request("content-length: 33554433\r\n", "x"), "413"),
        ("no length at all", request("content-length: 99999999999999999999999\r\n", "x"), "400"),
        ("a negative length", request("content-length: -1\r\n", "x"), "400"),
        ("no chunk", request("transfer-encoding: chunked\r\n", "no length\r\n"), "400"),
        (
            "a chunk of too many digits",
            request("transfer-encoding: chunked\r\n", "fffffffffffffffff\r\n"),
            "400",
        ),
        ("many lines", request(&many, ""), "431"),
        ("a long line", request(&format!("x: {}\r\n", "y".repeat(1 << 20)), ""), "431"),
        (
            "a long path",
            format!("GET /{} HTTP/1.1\r\n\r\n", "y".repeat(1 << 17)).into_bytes(),
            "414",
        ),
        ("no HTTP", b"\x16\x03\x01\r\n\r\n".to_vec(), "400"),
    ] {
        let answer = ask(&bench, &request).await;
        assert_eq!(status(&answer), format!("HTTP/1.1 {expected}"), "{what}: {answer:.300}");
    }
    bench.good("listPhone", &list("")).await;
}

#[tokio::test]
async fn a_request_is_read_in_its_encoding() {
    let bench = Bench::new().await;
    let body = |encoding: &str, name: &str| {
        let inner = format!("<name>SEP000000000001</name><description>{name}</description>");
        let declaration = format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>");
        format!("{declaration}{}", envelope("15.0", "updatePhone", &inner))
    };
    let utf16: Vec<u8> = std::iter::once(0xfeff_u16)
        .chain(body("utf-16", "Zürich").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let latin = |encoding: &str| {
        let text = body(encoding, "Zürich");
        let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap());
        bytes.collect::<Vec<u8>>()
    };
    for (what, request, expected) in [
        ("UTF-8", body("utf-8", "Zürich").into_bytes(), 200),
        ("a byte order mark", format!("\u{feff}{}", body("UTF-8", "Zürich")).into_bytes(), 200),
        ("UTF-16", utf16, 200),
        ("Latin 1", latin("iso-8859-1"), 200),
        ("Latin 1 that is declared as UTF-8", latin("utf-8"), 500),
    ] {
        bench.good("updatePhone", "<name>SEP000000000001</name><description/>").await;
        let post = bench.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD)).body(request);
        let (status, answer) = read(post).await;
        assert_eq!(status, expected, "{what}: {answer}");
        let phone = bench.good("getPhone", "<name>SEP000000000001</name>").await;
        assert_eq!(phone.contains("<description>Zürich<"), expected == 200, "{what}: {phone}");
    }
    let page = bench.client.head(format!("https://{}/axl/", bench.sim.axl_addr()));
    assert_eq!(read(page.basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD))).await, (200, String::new()));
}

#[tokio::test]
async fn a_request_that_never_comes_is_not_waited_for() {
    let request_time = Duration::from_millis(200);
    let bench = Bench::with(SimConfig { request_time, ..SimConfig::new(fleet()) }).await;
    for (what, request, expected) in [
        (
            "an endless chunk",
            request("transfer-encoding: chunked\r\n", "ffffffffffffffff\r\nxx"),
            "HTTP/1.1 408",
        ),
        ("a part of a body", request("content-length: 1000\r\n", "x"), "HTTP/1.1 408"),
        ("a part of a header", b"POST /axl/ HTTP/1.1\r\nhost: lo".to_vec(), ""),
        ("nothing", Vec::new(), ""),
    ] {
        let answer = ask(&bench, &request).await;
        assert_eq!(status(&answer), expected, "{what}: {answer}");
    }
    bench.good("listPhone", &list("")).await;
    // The page that phones ask, and the phones.
    let page = bench.sim.auth_url();
    let (host, path) = page.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let stream = TcpStream::connect(host).await.unwrap();
    let post = |path: &str| {
        format!(
            "POST /{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 9\r\n\r\nx"
        )
        .into_bytes()
    };
    assert_eq!(status(&exchange(stream, &post(path)).await), "HTTP/1.1 408");
    let stream = TcpStream::connect(("127.9.0.1", bench.sim.phone_port())).await.unwrap();
    let answer = exchange(stream, &post("CGI/Execute")).await;
    assert_eq!(status(&answer), "HTTP/1.1 401", "an empty push has no credentials: {answer}");
}
