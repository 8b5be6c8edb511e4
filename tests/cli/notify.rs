//! What a watch sends to a webhook, to a mail server and to a program, by the record of those who receive it.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use axlpaper::sim::{Change, PUSH_PASSWORD, PUSH_USER};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::control::{Running, control, hold};
use crate::lab::{Ended, Lab};
use crate::watch::{add, lab};

/// Writes a config file with this cluster, its picture and a table `[notify]`.
fn configure(lab: &Lab, notify: &str) {
    let picture = lab.picture();
    let rule = format!("[[image]]\nfile = \"{}\"\n", picture.display());
    let text = format!("{}\n{rule}\n[notify]\n{notify}\n", lab.table("lab"));
    std::fs::write(lab.path("config.toml"), text).unwrap();
}

fn arguments(lab: &Lab) -> Vec<String> {
    let config = lab.path("config.toml").to_str().unwrap().to_owned();
    let port = lab.cluster.phone_port().to_string();
    let own = ["watch", "--config", &config, "--phone-port", &port, "--yes"];
    let quick = ["--verify-timeout", "2", "--retry-delay", "0", "--ris-rate", "600"];
    own.into_iter().chain(quick).map(str::to_owned).collect()
}

/// A watch that passes several times a second.
fn watching(lab: &Lab, more: &[&str]) -> Running {
    let own = arguments(lab);
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    Running::spawn(lab, &lab.program(&own), &[&["--interval", "200ms"], more].concat())
}

fn once(lab: &Lab) -> Ended {
    let own = arguments(lab);
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    lab.read(&[&own[..], &["--once"]].concat())
}

/// Receives what is sent to a server; each request or mail is one text.
struct Inbox {
    address: SocketAddr,
    received: Receiver<String>,
}

impl Inbox {
    /// Starts a server that handles one connection after the other until the tests end.
    fn serving(mut handle: impl FnMut(TcpStream, &Sender<String>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, received) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                handle(stream, &sender);
            }
        });
        Self { address, received }
    }

    fn next(&self) -> String {
        self.received.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    /// Returns the next notification that was posted as a document.
    fn document(&self) -> Value {
        let request = self.next();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /hook/t0ken?key=s3cret HTTP/1.1"), "{head}");
        assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
        serde_json::from_str(body).unwrap()
    }

    fn is_empty(&self) -> bool {
        matches!(self.received.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout))
    }
}

/// A web server that answers the first requests with these statuses, and all others with 202.
fn web(first: &'static [&'static str]) -> Inbox {
    let mut first = first.iter();
    Inbox::serving(move |stream, sender| {
        let mut reader = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head += &line;
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let status = first.next().unwrap_or(&"202 Accepted");
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
        sender.send(head + &String::from_utf8(body).unwrap()).unwrap();
    })
}

fn url(inbox: &Inbox) -> String {
    format!("http://{}/hook/t0ken?key=s3cret", inbox.address)
}

/// How a mail server encrypts.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Encryption {
    None,
    Starttls,
    Implicit,
}

/// A mail server whose certificate is for 127.0.0.1; returns that certificate too. It records each session.
fn mail(encryption: Encryption, password: &'static str) -> (Inbox, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    let pem = certificate.pem();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate)],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    let config = Arc::new(config);
    let inbox = Inbox::serving(move |mut stream, sender| {
        let encrypted =
            |stream| StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        let session = match encryption {
            Encryption::Implicit => converse(&mut encrypted(stream), true, password, false),
            Encryption::None => converse(&mut stream, true, password, false),
            Encryption::Starttls => {
                let clear = converse(&mut stream, true, password, true);
                if !clear.ends_with("STARTTLS\n") {
                    sender.send(clear).unwrap();
                    return;
                }
                clear + "-- TLS --\n" + &converse(&mut encrypted(stream), false, password, false)
            }
        };
        sender.send(session).unwrap();
    });
    (inbox, pem)
}

/// Talks SMTP until the client quits, asks for TLS or goes away. Returns what the client said.
fn converse(
    stream: &mut (impl Read + Write),
    greets: bool,
    password: &str,
    offers_tls: bool,
) -> String {
    let mut said = String::new();
    if greets && stream.write_all(b"220 test ready\r\n").is_err() {
        return said;
    }
    let mut in_data = false;
    loop {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\n") {
            match stream.read(&mut byte) {
                Ok(1) => line.push(byte[0]),
                Ok(_) | Err(_) => return said,
            }
        }
        let line = String::from_utf8(line).unwrap().replace("\r\n", "\n");
        said += &line;
        let line = line.trim_end();
        let login = || base64(&format!("\0pager\0{password}"));
        let answer = match line.split(' ').next().unwrap() {
            "." if in_data => {
                in_data = false;
                "250 taken"
            }
            _ if in_data => continue,
            "EHLO" if offers_tls => "250-test\r\n250-STARTTLS\r\n250 8BITMIME",
            "EHLO" => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            "STARTTLS" => "220 go",
            "AUTH" if line == format!("AUTH PLAIN {}", login()) => "235 welcome",
            "AUTH" => "535 5.7.8 wrong",
            "DATA" => {
                in_data = true;
                "354 go"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        if stream.write_all(format!("{answer}\r\n").as_bytes()).is_err() || line == "QUIT" {
            return said;
        }
        if line == "STARTTLS" {
            return said;
        }
    }
}

fn base64(text: &str) -> String {
    use ::base64::Engine as _;
    ::base64::prelude::BASE64_STANDARD.encode(text)
}

fn no_secret(ended: &Ended) {
    for secret in ["t0ken", "s3cret", "hunter2"] {
        assert!(!ended.text().contains(secret), "{ended:?}");
    }
}

#[test]
fn each_condition_is_posted_once_and_when_it_is_over() {
    let (lab, inbox) = (lab(3), web(&[]));
    lab.secret("hook.url", &format!("{}\n", url(&inbox)));
    configure(&lab, "webhook_url_file = \"hook.url\"");
    let mut running = watching(&lab, &["--max-change", "2"]);
    let first = inbox.document();
    assert_eq!(first["schema"], "axlpaper.notification/v1", "{first:#}");
    assert_eq!(first["kind"], "run_finished", "{first:#}");
    assert_eq!(
        (&first["cluster"], &first["run"], &first["phones"]),
        (&"lab".into(), &1.into(), &3.into())
    );
    lab.cluster.change(Change::Associate { user: PUSH_USER.to_owned(), devices: Vec::new() });
    let waiting = inbox.document();
    assert_eq!(waiting["kind"], "approval_needed", "{waiting:#}");
    assert_eq!(waiting["phones"], 3);
    assert_eq!(waiting["next_command"], "axlpaper control watch approve");
    running.says("3 phones would be changed or pushed to");
    lab.read(&["control", "watch", "approve"]).told(0, &["approved"]);
    let over = inbox.document();
    assert_eq!((&over["kind"], &over["over"]), (&"recovered".into(), &"approval_needed".into()));
    assert_eq!(inbox.document()["kind"], "run_finished");
    running.signal("-TERM");
    let ended = running.ends();
    assert_eq!(ended.code, 0, "{ended:?}");
    no_secret(&ended);
    assert!(inbox.is_empty(), "nothing else happened");
}

#[test]
fn a_single_pass_waits_until_its_notification_is_taken() {
    let (lab, inbox) = (lab(1), web(&["503 Busy"]));
    configure(&lab, &format!("webhook_url = \"{}\"\nwebhook_format = \"teams\"", url(&inbox)));
    let ended = once(&lab);
    assert_eq!(ended.code, 0, "{ended:?}");
    let (first, second) = (inbox.document(), inbox.document());
    assert_eq!(first, second, "it was sent again after the answer 503");
    assert_eq!(first["type"], "message");
    let card = &first["attachments"][0];
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(card["content"]["type"], "AdaptiveCard");
    assert_eq!(card["content"]["body"][0]["text"], "axlpaper: run finished on lab");
    no_secret(&ended);
}

#[test]
fn a_webhook_that_refuses_is_a_line_of_the_log_and_no_failure() {
    let (lab, inbox) = (lab(1), web(&["404 Not Found"]));
    configure(&lab, &format!("webhook_url = \"{}\"\nwebhook_format = \"slack\"", url(&inbox)));
    let ended = once(&lab);
    assert_eq!(ended.code, 0, "{ended:?}");
    let text = inbox.document()["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("*axlpaper: run finished on lab*\nrun 1: 1 phone verified"), "{text}");
    let told = format!("the webhook http://{} answered HTTP 404", inbox.address);
    assert!(ended.stderr.contains(&told), "{ended:?}");
    no_secret(&ended);
    assert!(inbox.is_empty(), "it is not sent again");
}

#[test]
fn mails_go_over_tls_that_is_verified_and_with_a_login() {
    for (encryption, tls) in
        [(Encryption::Starttls, "starttls"), (Encryption::Implicit, "implicit")]
    {
        let lab = lab(1);
        let (inbox, certificate) = mail(encryption, "hunter2");
        lab.secret("mail.password", "hunter2\n");
        let settings = format!(
            "mail_server = \"{}\"\nmail_tls = \"{tls}\"\nmail_from = \"Wall <axlpaper@example.com>\"\n\
             mail_to = [\"voice@example.com\", \"noc@example.com\"]\nmail_user = \"pager\"\n\
             mail_password_file = \"mail.password\"",
            inbox.address
        );
        // A certificate that nothing makes trusted gets no password and no mail.
        configure(&lab, &settings);
        let ended = once(&lab);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stderr.contains("has no usable certificate"), "{ended:?}");
        let session = inbox.next();
        assert!(!session.contains("AUTH") && !session.contains("MAIL"), "{session}");
        std::fs::write(lab.path("mail.pem"), certificate).unwrap();
        configure(&lab, &format!("{settings}\nca_file = \"mail.pem\""));
        std::fs::remove_file(lab.path("journal.sqlite3")).unwrap();
        let ended = once(&lab);
        assert_eq!(ended.code, 0, "{ended:?}");
        no_secret(&ended);
        let session = inbox.next();
        let clear = session.split("-- TLS --").next().unwrap();
        assert!(encryption == Encryption::Implicit || clear.ends_with("STARTTLS\n"), "{session}");
        for line in [
            "MAIL FROM:<axlpaper@example.com>",
            "RCPT TO:<voice@example.com>",
            "RCPT TO:<noc@example.com>",
            "Subject: axlpaper: run finished on lab",
            "Auto-Submitted: auto-generated",
            "run 1: 1 phone verified, 0 failed",
        ] {
            assert!(session.contains(line), "{line}: {session}");
        }
    }
}

#[test]
fn a_mail_server_without_tls_gets_nothing_and_a_refused_login_is_not_repeated() {
    let lab = lab(1);
    let (inbox, _) = mail(Encryption::None, "hunter2");
    let to = "mail_from = \"a@example.com\"\nmail_to = [\"b@example.com\"]";
    configure(&lab, &format!("mail_server = \"{}\"\n{to}", inbox.address));
    let ended = once(&lab);
    assert!(ended.stderr.contains("does not offer STARTTLS, so nothing was sent"), "{ended:?}");
    assert!(!inbox.next().contains("MAIL"));
    let (inbox, certificate) = mail(Encryption::Implicit, "hunter2");
    std::fs::write(lab.path("mail.pem"), certificate).unwrap();
    lab.secret("mail.password", "s3cret\n");
    let login = "mail_tls = \"implicit\"\nmail_user = \"pager\"\nmail_password_file = \"mail.password\"\n\
                 ca_file = \"mail.pem\"";
    configure(&lab, &format!("mail_server = \"{}\"\n{to}\n{login}", inbox.address));
    std::fs::remove_file(lab.path("journal.sqlite3")).unwrap();
    let ended = once(&lab);
    assert!(ended.stderr.contains("refused the login of \"pager\""), "{ended:?}");
    no_secret(&ended);
    let session = inbox.next();
    assert_eq!(session.matches("AUTH").count(), 1, "{session}");
    assert!(!session.contains("MAIL") && inbox.is_empty(), "{session}");
}

#[cfg(unix)]
#[test]
fn a_program_gets_the_document_and_passes_that_fail_are_reported_after_their_time() {
    let lab = lab(2);
    let script = "cat >&2; echo \"$PHONE_PASSWORD\" >&2";
    let command = format!("command = [\"/bin/sh\", \"-c\", {}]", Value::from(script));
    let on = "on = [\"unreachable\", \"recovered\"]\nunreachable_after = \"1s\"";
    configure(&lab, &format!("{on}\n{command}"));
    let mut running = watching(&lab, &[]);
    running.says("run 1: 2 phones verified");
    // Passes fail while another run works on the cluster.
    let (has_arrived, go) = hold(&lab, "push", 1);
    let rollout = Running::start(&lab, &["--force"]);
    has_arrived.recv().unwrap();
    assert_eq!(control(&lab, "pause").code, 0);
    go.send(()).unwrap();
    add(&lab, 9);
    running.says("cannot work, and tries again");
    running.says("\"kind\":\"unreachable\"");
    assert_eq!(control(&lab, "continue").code, 0);
    assert_eq!(rollout.ends().code, 0);
    running.says("works again");
    running.says("\"kind\":\"recovered\"");
    running.signal("-TERM");
    let ended = running.ends();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.stderr.contains(PUSH_PASSWORD), "{ended:?}");
    assert_eq!(ended.stderr.matches("axlpaper.notification/v1").count(), 2, "{ended:?}");
}

#[test]
fn doctor_sends_a_test_to_each_channel() {
    let (lab, inbox) = (lab(1), web(&["202 Accepted", "410 Gone"]));
    configure(&lab, &format!("on = [\"failed\"]\nwebhook_url = \"{}\"", url(&inbox)));
    let config = lab.path("config.toml");
    let doctor = ["doctor", "--notify", "--config", config.to_str().unwrap()];
    let server = format!("the webhook http://{}", inbox.address);
    let taken = lab.read(&doctor);
    assert!(taken.text().contains(&format!("{server} took a test")), "{taken:?}");
    assert_eq!(inbox.document()["kind"], "test");
    let refused = lab.read(&doctor);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.text().contains(&format!("{server} answered HTTP 410")), "{refused:?}");
    no_secret(&refused);
    lab.read(&["doctor", "--notify"]).told(2, &["the config file has no table [notify]"]);
}

#[test]
fn settings_that_cannot_work_are_found() {
    let lab = lab(1);
    let refused = |notify: &str, words: &[&str]| {
        configure(&lab, notify);
        let config = lab.path("config.toml");
        let ended = lab.read(&["config", "check", "--config", config.to_str().unwrap()]);
        assert_eq!(ended.code, 2, "{notify}: {ended:?}");
        for word in words {
            assert!(ended.text().contains(word), "{word}: {ended:?}");
        }
        no_secret(&ended);
    };
    refused("on = [\"failed\"]", &["in [notify], `on` needs somewhere to send to"]);
    refused("webhook_url = \"hunter2\"", &["the URL of the webhook is not one"]);
    refused("webhook_url_file = \"no.url\"", &["no.url"]);
    refused("webhook_url = \"https://a/hunter2\"\nwebhook_url_env = \"X\"", &["the same secret"]);
    refused(
        "webhook_url = \"https://a/b\"\non = [\"sometimes\"]",
        &["`on` in [notify]: it must be", "run_finished"],
    );
    refused("webhook_url = \"https://a/b\"\nunreachable_after = \"soon\"", &["with its unit"]);
    refused("webhook_urls = \"https://a/hunter2\"", &["did you mean `webhook_url`?"]);
    refused("mail_password = \"hunter2\"", &["a password is not allowed in this file"]);
    refused("mail_from = \"a@b.example\"", &["`mail_from` needs mail_server"]);
    let mail = "mail_server = \"mail.example\"\nmail_from = \"a@b.example\"\n";
    refused(mail, &["needs mail_from and mail_to"]);
    refused(&format!("{mail}mail_to = [\"nobody\"]"), &["\"nobody\" is no mail address"]);
    let login = "mail_to = [\"a@b.example\"]\nmail_user = \"me\"\n";
    refused(&format!("{mail}{login}"), &["a source of its password"]);
    lab.secret("mail.password", "hunter2");
    let password = "mail_password_file = \"mail.password\"\nmail_tls = \"none\"";
    refused(&format!("{mail}{login}{password}"), &["must not be \"none\" with a password"]);
    refused("command = [\"/nonexistent/pager\"]", &["/nonexistent/pager"]);
    refused("command = []", &["names no program"]);
}
