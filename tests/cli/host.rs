//! The image server by itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::documents::keeps;
use crate::lab::{bare, end};

/// A running `axlpaper host`, which ends with this.
struct Host(Child);

impl Host {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut program = Command::new(assert_cmd::cargo::cargo_bin!("axlpaper"));
        program.env_clear().env("HOME", "/nonexistent").arg("host").arg(folder).args(arguments);
        program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(program.spawn().unwrap())
    }

    /// Reads its document, which ends with a brace that begins a line.
    fn document(&mut self) -> Value {
        let mut text = String::new();
        for line in BufReader::new(self.0.stdout.take().unwrap()).lines() {
            text.push_str(&line.unwrap());
            text.push('\n');
            if text.ends_with("\n}\n") {
                break;
            }
        }
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Reads what it says until a line holds this word.
    fn says(&mut self, word: &str) -> String {
        let mut lines = BufReader::new(self.0.stderr.take().unwrap()).lines();
        lines.find_map(|line| line.ok().filter(|line| line.contains(word))).unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ended = self.0.kill().is_ok();
        let _waited = self.0.wait().is_ok();
    }
}

fn get(url: &str) -> (String, Vec<u8>) {
    let (server, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(server).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8(bytes[..head].to_vec()).unwrap(), bytes[head + 4..].to_vec())
}

fn png(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbImage::new(80, 53).save(path).unwrap();
}

#[test]
fn every_picture_has_an_address_and_every_download_a_line() {
    let folder = tempfile::tempdir().unwrap();
    png(&folder.path().join("a b.png"));
    png(&folder.path().join("Desktops/x.png"));
    std::fs::write(folder.path().join("secret.txt"), "secret").unwrap();
    let mut host = Host::start(folder.path(), &["--listen", "127.0.0.1:0", "--json"]);
    let document = host.document();
    keeps("host", &document);
    let files = document["files"].as_array().unwrap();
    let names: Vec<_> = files.iter().map(|file| file["file"].as_str().unwrap()).collect();
    assert_eq!(names, ["Desktops/x.png", "a b.png"]);
    let url = files[1]["url"].as_str().unwrap();
    let (head, body) = get(url);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(body, std::fs::read(folder.path().join("a b.png")).unwrap());
    assert_eq!(files[1]["size"], "80x53");
    let base = document["base"].as_str().unwrap();
    for path in ["", "a%20b.png", "secret.txt", "../secret.txt", "Desktops/"] {
        let (head, body) = get(&format!("{base}/{path}"));
        assert!(head.starts_with("HTTP/1.1 404 ") && body.is_empty(), "{path}: {head}");
    }
    let line = host.says("a_b.png");
    assert!(line.contains("127.0.0.1 a_b.png: HTTP 200") && line.contains("complete"), "{line}");
}

#[test]
fn what_cannot_be_served_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |code: i32, arguments: &[&str], words: &[&str]| {
        let mut program = bare();
        program.arg("host").arg(folder.path()).args(arguments);
        end(program).fails(code, words);
    };
    fails(2, &[], &["no PNG file", "axlpaper models"]);
    png(&folder.path().join("a.png"));
    fails(2, &["--sort", "bites"], &["did you mean \"bytes\"?"]);
    fails(2, &["--format", "junit"], &["audited or pushed"]);
    fails(2, &["--listen", "here"], &["--listen", "10.1.1.5:8080"]);
    fails(1, &["--listen", "192.0.2.77:0"], &["192.0.2.77"]);
    fails(2, &["--advertise", "ftp://x"], &["ftp://x"]);
    fails(1, &["--advertise", "http://127.0.0.1:80"], &["loopback"]);
    fails(1, &["--advertise", "http://localhost:80"], &["loopback"]);
    fails(1, &["--advertise", "http://169.254.1.1:80"], &["169.254.1.1"]);
    fails(2, &["--tls-cert", "x.pem"], &["tls_key"]);
    fails(
        2,
        &["--tls-cert", "x.pem", "--tls-key", "x.key"],
        &["cannot read the certificate file x.pem"],
    );
}
