//! How a browser reaches the console: over TLS, and opened by the console itself.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::console::lab;
use crate::control::Running;

#[test]
fn over_tls_the_cookie_is_secure() {
    let lab = lab(1);
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    std::fs::write(lab.path("console.pem"), certificate.pem()).unwrap();
    lab.secret("console.key", &key.serialize_pem());
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Arc::new(client);
    let program = lab.program(&["console", "--listen", "127.0.0.1:0"]);
    let tls = ["--tls-cert", "console.pem", "--tls-key", "console.key"];
    let mut running = Running::spawn(&lab, &program, &tls);
    running.says("The console is at");
    let (_, url) = running.last_line().split_once("https://").unwrap();
    let (address, path) = url.trim().split_once("/login").unwrap();
    let address: SocketAddr = address.parse().unwrap();
    let get = |path: &str, cookie: &str| {
        let server = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(&client), server).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
        let host = format!("localhost:{}", address.port());
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n{cookie}Connection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        // Some ends of a TLS connection are no error to a browser either.
        let _end = stream.read_to_string(&mut answer);
        answer
    };
    let answer = get(&format!("/login{path}"), "");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(cookie.ends_with("; Secure") && cookie.contains("; HttpOnly"), "{cookie}");
    let own = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    assert!(get("/", &own).contains("<h1>Overview</h1>"));
    assert!(get("/", "").starts_with("HTTP/1.1 303 "));
    // Who speaks no TLS gets nothing.
    let mut plain = TcpStream::connect(address).unwrap();
    write!(plain, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _end = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    running.signal("-TERM");
    assert_eq!(running.ends().code, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn the_browser_is_opened_without_the_token_in_its_arguments() {
    use std::os::unix::fs::PermissionsExt as _;

    let lab = lab(1);
    let tools = lab.path("tools");
    std::fs::create_dir(&tools).unwrap();
    let opener = tools.join("xdg-open");
    let pipe = lab.path("opened");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let text = format!("#!/bin/sh\n{{ echo \"$@\"; /bin/cat \"$1\"; }} > {}\n", pipe.display());
    std::fs::write(&opener, text).unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut program = lab.program(&["console", "--listen", "127.0.0.1:0", "--open"]);
    program.env("PATH", &tools);
    let mut running = Running::spawn(&lab, &program, &[]);
    running.says("The console is at");
    let (_, url) = running.last_line().split_once("http://").unwrap();
    let url = url.trim().to_owned();
    let opened = std::fs::read_to_string(&pipe).unwrap();
    let (arguments, page) = opened.split_once('\n').unwrap();
    assert!(page.contains(&format!("http://{url}")), "{page}");
    assert!(!arguments.contains("token"), "{arguments}");
    let mode = std::fs::metadata(arguments).unwrap().permissions().mode();
    assert_eq!(mode & 0o77, 0, "others cannot read it");
    running.signal("-TERM");
    assert_eq!(running.ends().code, 0);
    assert!(!std::path::Path::new(arguments).exists(), "the file is removed");
}
