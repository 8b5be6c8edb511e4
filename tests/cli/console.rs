//! The console: who may do what, and runs and watches that are controlled in it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use axlpaper::sim::{Change, PUSH_USER, PhoneSpec, Quirk};
use serde_json::Value;

use crate::control::{Running, events, hold, pushes};
use crate::lab::{Lab, bare, end, fleet_of, name};
use crate::watch::{add, watching};

/// A console that works, and a browser's cookie.
pub struct Web {
    running: Running,
    address: SocketAddr,
    token: String,
    cookie: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut lines = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        lines.next().map(|(_, value)| value)
    }

    fn form_token(&self) -> &str {
        let (_, rest) = self.body.split_once("name=\"token\" value=\"").unwrap();
        rest.split_once('"').unwrap().0
    }

    fn has(&self, status: u16, words: &[&str]) {
        assert_eq!(self.status, status, "{}\n{}", self.head, self.body);
        for word in words {
            assert!(self.body.contains(word), "{word:?} is not in {}", self.body);
        }
    }
}

/// Sends a request as it is written, and returns the whole answer.
fn ask(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    let host =
        if headers.contains("Host: ") { String::new() } else { format!("Host: {address}\r\n") };
    let length = body.len();
    let form = "Content-Type: application/x-www-form-urlencoded";
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{headers}{form}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

impl Web {
    /// Starts a console, without a session.
    fn start(lab: &Lab, arguments: &[&str]) -> Self {
        let program = lab.program(&["console", "--listen", "127.0.0.1:0"]);
        let mut running = Running::spawn(lab, &program, arguments);
        running.says("The console is at");
        let (_, url) = running.last_line().split_once("http://").unwrap();
        let (address, token) = url.trim().split_once("/login?token=").unwrap();
        let (address, token) = (address.parse().unwrap(), token.to_owned());
        Self { running, address, token, cookie: String::new() }
    }

    /// Starts a console and logs in by its address.
    pub fn logged_in(lab: &Lab) -> Self {
        let mut web = Self::start(lab, &[]);
        let answer = web.get(&format!("/login?token={}", web.token));
        answer.has(200, &["You are logged in"]);
        web.keep_cookie(&answer);
        web
    }

    fn keep_cookie(&mut self, answer: &Answer) {
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap();
        self.cookie = format!("Cookie: {cookie}\r\n");
    }

    fn get(&self, path: &str) -> Answer {
        ask(self.address, "GET", path, &self.cookie, "")
    }

    pub fn get_bytes(&self, path: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let (host, cookie) = (self.address, &self.cookie);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{cookie}\r\n")
            .unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn get_json(&self, path: &str) -> (u16, Value) {
        let headers = format!("{}Accept: application/json\r\n", self.cookie);
        let answer = ask(self.address, "GET", path, &headers, "");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{}", answer.head);
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    /// Sends a form of the overview, with its token.
    fn post(&self, path: &str, fields: &str) -> Answer {
        let token = self.get("/").form_token().to_owned();
        self.post_with(path, "", &format!("token={token}&{fields}"))
    }

    fn post_with(&self, path: &str, headers: &str, body: &str) -> Answer {
        ask(self.address, "POST", path, &format!("{}{headers}", self.cookie), body)
    }

    fn log_in(&mut self, user: &str, password: &str) -> Answer {
        let fields = [("name", user), ("password", password)];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.cookie.clear();
        let answer = self.post_with("/login", "", &body);
        if answer.status == 303 {
            self.keep_cookie(&answer);
        }
        answer
    }

    /// Opens an event stream, and returns it behind its header.
    fn stream(&self) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let host = self.address;
        write!(stream, "GET /events HTTP/1.1\r\nHost: {host}\r\n{}\r\n", self.cookie).unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert_ne!(reader.read_line(&mut line).unwrap(), 0);
        }
        reader
    }

    pub fn ends(self) {
        let start = Instant::now();
        self.running.signal("-TERM");
        let ended = self.running.ends();
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(start.elapsed() < Duration::from_secs(5), "it took {:?}", start.elapsed());
    }
}

/// Phones that the push user controls already.
fn lab(count: u32) -> Lab {
    let mut fleet = fleet_of(count);
    fleet.push_devices = (1..=count).map(name).collect();
    Lab::new(fleet)
}

/// Writes a user of the console into the lab's config file.
fn add_user(lab: &Lab, user: &str, role: &str, password: &str) {
    let config = lab.path("console.toml");
    let mut program = lab.program(&["console", "user", "add", user, "--role", role]);
    program.args(["--config", config.to_str().unwrap()]).write_stdin(format!("{password}\n"));
    let ended = end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains(&format!("with the role {role}")), "{ended:?}");
    let text = std::fs::read_to_string(config).unwrap();
    assert!(text.contains("$argon2id$v=19$") && !text.contains(password), "{text}");
}

#[test]
fn the_address_works_once_and_the_cookie_is_safe() {
    let lab = lab(1);
    let mut web = Web::start(&lab, &[]);
    for path in ["/", "/runs", "/runs/1", "/runs/1/report", "/phones", "/phones/SEP1", "/nothing"] {
        let answer = web.get(path);
        answer.has(303, &[]);
        assert_eq!(answer.header("location"), Some("/login"), "{path}");
    }
    web.get("/events").has(401, &[]);
    web.get("/login").has(200, &["axlpaper console", "It works once"]);
    web.get("/login?token=0").has(403, &["was used already", "start it again"]);
    let login = format!("/login?token={}", web.token);
    let answer = web.get(&login);
    answer.has(200, &["You are logged in"]);
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    for flag in ["; HttpOnly", "; SameSite=Strict", "; Path=/;"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "loopback has no TLS: {cookie}");
    web.get(&login).has(403, &["was used already"]);
    web.keep_cookie(&answer);
    let overview = web.get("/");
    overview.has(200, &["The journal has no run yet", "axlpaper demo"]);
    web.get("/runs").has(200, &["The journal has no run yet"]);
    web.get("/runs/1").has(404, &["There is no such page", "href=\"/runs\""]);
    for (header, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(overview.header(header), Some(value));
    }
    let policy = overview.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe"), "{policy}");
    // Nothing is in the page that the policy forbids.
    assert!(!overview.body.contains("<style") && !overview.body.contains(" style="));
    assert!(!overview.body.contains("<script>"), "{}", overview.body);
    web.post("/logout", "").has(303, &[]);
    web.get("/").has(303, &[]);
    web.ends();
}

#[test]
fn what_comes_from_elsewhere_is_refused() {
    let lab = lab(1);
    assert_eq!(lab.rollout(&[]).0, 0);
    let web = Web::logged_in(&lab);
    // A name that somebody lets point to this machine.
    for host in ["evil.example", "evil.example:8300", "localhost.evil.example", ""] {
        let headers = format!("Host: {host}\r\n{}", web.cookie);
        ask(web.address, "GET", "/", &headers, "").has(421, &["--allow-host"]);
    }
    let port = web.address.port();
    for host in [format!("localhost:{port}"), format!("[::1]:{port}"), format!("127.0.0.1:{port}")]
    {
        ask(web.address, "GET", "/", &format!("Host: {host}\r\n{}", web.cookie), "").has(200, &[]);
    }
    let token = web.get("/").form_token().to_owned();
    let body = format!("token={token}");
    for headers in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        web.post_with("/runs/1/pause", headers, &body).has(403, &["Another site"]);
    }
    let own = format!("Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n", web.address);
    web.post_with("/runs/1/pause", &own, &body).has(409, &["run 1 has ended"]);
    let browser = "Origin: null\r\nSec-Fetch-Site: same-origin\r\n";
    web.post_with("/runs/1/pause", browser, &body).has(409, &["run 1 has ended"]);
    web.post_with("/runs/1/pause", &own, "token=0").has(403, &["not of this session"]);
    web.post_with("/logout", &own, "token=0").has(403, &["not of this session"]);
    web.post_with("/watches/approve", &own, "token=0&cluster=x").has(403, &["not of this session"]);
    web.post_with("/runs/1/pause", &own, "").has(422, &[]);
    let long = format!("token={}", "a".repeat(100_000));
    web.post_with("/runs/1/pause", &own, &long).has(413, &[]);
    let included =
        format!("{}Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", web.cookie);
    ask(web.address, "GET", "/runs/1", &included, "").has(403, &[]);
    ask(web.address, "OPTIONS", "/", &web.cookie, "").has(405, &[]);
    ask(web.address, "DELETE", "/runs/1", &web.cookie, "").has(405, &[]);
    for path in [
        "/runs/1%0d%0aX-Evil:%201",
        "/runs/..%2f..%2fetc%2fpasswd",
        "/runs/99999999999999999999",
        "/runs/-1",
        "/runs/1/../../etc/passwd",
        "/../Cargo.toml",
        "/runs/1/report/x",
        "/console.css/../x",
    ] {
        let answer = web.get(path);
        answer.has(404, &["There is no such page"]);
        assert_eq!(answer.header("x-evil"), None, "{}", answer.head);
    }
    for path in [
        "/runs?cluster=%0d%0aX-Evil:%201",
        "/runs?before=%0d%0aX-Evil:%201",
        "/runs/1?did=%0d%0aX-Evil",
    ] {
        let answer = web.get(path);
        assert_eq!((answer.status, answer.header("x-evil")), (200, None), "{}", answer.head);
    }
    web.post("/runs/1/explode", "").has(404, &[]);
    web.post("/runs/77/pause", "").has(404, &[]);
    web.ends();
}

#[test]
fn a_run_of_the_command_line_is_controlled() {
    let lab = lab(4);
    let (has_arrived, go) = hold(&lab, "push", 1);
    let mut running = Running::start(&lab, &["--canary", "1", "--gate"]);
    has_arrived.recv().unwrap();
    let web = Web::logged_in(&lab);
    web.get("/").has(200, &["Run 1", "running"]);
    let paused = web.post("/runs/1/pause", "");
    assert_eq!(paused.header("location"), Some("/runs/1?did=pause&result=done"), "{}", paused.body);
    web.get("/runs/1?did=pause&result=done")
        .has(200, &["The run is paused", "(console)", "Continue"]);
    web.post("/runs/1/approve", "").has(409, &["no wave that waits"]);
    go.send(()).unwrap();
    web.post("/runs/1/continue", "").has(303, &[]);
    running.says("waits for an approval");
    let mut stream = web.stream();
    web.get("/").has(200, &["Approve the next wave", "waits for an approval"]);
    web.post("/runs/1/approve", "").has(303, &[]);
    let mut line = String::new();
    while !line.starts_with("event: change") {
        line.clear();
        assert_ne!(stream.read_line(&mut line).unwrap(), 0);
    }
    let ended = running.ends();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(pushes(&lab), 4);
    let kinds: Vec<(String, String)> = events(&lab, "1");
    for (kind, by) in
        [("paused", "(console) on"), ("continued", "(console) on"), ("approved", "(console) on")]
    {
        assert!(kinds.iter().any(|(known, text)| known == kind && text.contains(by)), "{kinds:?}");
    }
    web.get("/runs/1").has(200, &["All 4 phones", "/runs/1/report"]);
    let report = web.get("/runs/1/report");
    report.has(200, &["<!DOCTYPE html>", "Content-Security-Policy"]);
    web.ends();
}

#[test]
fn json_is_what_the_commands_print() {
    let lab = lab(2);
    assert_eq!(lab.rollout(&[]).0, 0);
    let web = Web::logged_in(&lab);
    let printed = |arguments: &[&str]| -> Value {
        let mut document: Value = serde_json::from_str(&lab.read(arguments).stdout).unwrap();
        document.as_object_mut().unwrap().remove("generated_at");
        document
    };
    for (path, command) in [
        ("/", vec!["runs", "--json"]),
        ("/runs", vec!["runs", "--json"]),
        ("/runs/1", vec!["show", "1", "--json"]),
        ("/phones/SEP000000000001", vec!["phone", "SEP000000000001", "--offline", "--json"]),
    ] {
        let (status, mut document) = web.get_json(path);
        document.as_object_mut().unwrap().remove("generated_at");
        assert_eq!((status, &document), (200, &printed(&command)), "{path}");
    }
    let (status, document) = web.get_json("/phones?outcome=verified&sort=-name");
    let names: Vec<&str> = document["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!((status, names), (200, vec!["SEP000000000002", "SEP000000000001"]));
    let (status, document) = web.get_json("/runs/9");
    assert_eq!((status, document["error"].as_str()), (404, Some("There is no such page")));
    let nobody = ask(web.address, "GET", "/runs", "Accept: application/json\r\n", "");
    nobody.has(401, &["Log in first"]);
    web.ends();
}

#[test]
fn phones_are_found_and_shown() {
    let mut fleet = fleet_of(130);
    fleet.push_devices = (1..=130).map(name).collect();
    fleet.phones[6].description = "=Lobby, 2nd floor".to_owned();
    fleet.phones[7].device_pool = "BR-Paris".to_owned();
    let lab = Lab::new(fleet);
    let web = Web::logged_in(&lab);
    web.get("/phones").has(200, &["No audit of the journal has a phone yet"]);
    assert_eq!(lab.rollout(&["--device", "SEP00000000000*"]).0, 0);
    web.get("/phones").has(200, &["<b>9 phones</b>"]);
    // What the next run finds out is there at once.
    assert_eq!(lab.rollout(&[]).0, 0);
    let first = web.get("/phones");
    first.has(200, &["<b>130 phones</b>", "page 1 of 2", "SEP000000000100", "/phones?page=2"]);
    assert!(!first.body.contains("SEP000000000101"), "a page has 100 phones");
    web.get("/phones?page=2").has(200, &["SEP000000000101", "page 2 of 2"]);
    let lobby = web.get("/phones?q=2ND+lobby");
    lobby.has(200, &["<b>1 of 130 phones</b>", "SEP000000000007"]);
    web.get("/phones?pool=BR-Paris").has(200, &["SEP000000000008", "<b>1 of 130 phones</b>"]);
    web.get("/phones?outcome=already").has(200, &["<b>9 of 130 phones</b>"]);
    web.get("/phones?q=nothing").has(200, &["No phone is like that"]);
    web.get("/phones?page=zzz&sort=zzz&verdict=zzz").has(200, &["No phone is like that"]);
    let csv = web.get("/phones?q=lobby&format=csv");
    csv.has(200, &["name,extension,description", "\"'=Lobby, 2nd floor\""]);
    assert_eq!(csv.body.lines().count(), 2);
    let phone = web.get("/phones/SEP000000000007");
    phone.has(200, &["=Lobby, 2nd floor", "ready", "proven to show", "run 1", "run 2"]);
    let picture = web.get_bytes("/phones/SEP000000000007/picture");
    assert!(picture.windows(4).any(|bytes| bytes == b"\x89PNG"));
    web.get("/phones/SEP000000000007/screen").has(404, &["There is no such page"]);
    web.get("/phones/SEP999999999999").has(404, &["There is no such page"]);
    web.get("/phones/%3Cscript%3E").has(404, &["There is no such page"]);
    web.ends();
}

#[test]
fn what_a_watch_holds_is_approved() {
    let lab = lab(3);
    let mut watch = watching(&lab, &["--max-change", "2"]);
    watch.says("run 1: 3 phones verified");
    lab.cluster.change(Change::Associate { user: PUSH_USER.to_owned(), devices: Vec::new() });
    watch.says("3 phones would be changed or pushed to");
    let web = Web::logged_in(&lab);
    let page = web.get("/");
    page.has(200, &["<b>3 phones</b>", "Approve 3 phones", "watch of 127.0.0.1: works"]);
    let approved = web.post("/watches/approve", "cluster=127.0.0.1");
    assert_eq!(approved.header("location"), Some("/?did=approve"), "{}", approved.body);
    watch.says("approved by");
    assert!(watch.last_line().contains("(console)"), "{}", watch.last_line());
    watch.says("run 2: 3 phones verified, 0 failed");
    web.post("/watches/approve", "cluster=127.0.0.1").has(409, &["waits for no approval"]);
    web.post("/watches/approve", "cluster=other").has(409, &["no watch works on"]);
    add(&lab, 9);
    watch.says("run 3: 1 phone verified");
    crate::watch::ends(watch);
    web.get("/").has(200, &["does not work"]);
    web.ends();
}

#[test]
fn roles_and_four_eyes_count() {
    let lab = lab(2);
    let mut running = Running::start(&lab, &["--canary", "1", "--gate"]);
    running.says("waits for an approval");
    let runs: Value = serde_json::from_str(&lab.read(&["runs", "--json"]).stdout).unwrap();
    let starter = runs["runs"][0]["os_user"].as_str().unwrap().to_owned();
    add_user(&lab, "vera", "operator", "vera's first");
    add_user(&lab, "vera", "viewer", "vera's password");
    add_user(&lab, "otto", "operator", "otto's password");
    add_user(&lab, &starter, "approver", "starter's password");
    add_user(&lab, "anna", "approver", "anna's password");
    let config = lab.path("console.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let text =
        text.replacen("\n[[console.user]]", "\n[console]\nfour_eyes = true\n\n[[console.user]]", 1);
    std::fs::write(&config, text).unwrap();
    let mut web = Web::start(&lab, &["--config", config.to_str().unwrap()]);
    web.log_in("vera", "vera's first").has(403, &["The name or the password is wrong"]);
    web.log_in("vera", "vera's password").has(303, &[]);
    let page = web.get("/runs/1");
    page.has(200, &["waits for approval", "Somebody else has to approve it"]);
    assert!(!page.body.contains("/runs/1/pause"), "{}", page.body);
    web.post("/runs/1/pause", "").has(403, &["Your role is viewer"]);
    web.log_in("OTTO", "otto's password").has(303, &[]);
    web.get("/runs/1").has(200, &["/runs/1/pause"]);
    web.post("/runs/1/approve", "").has(403, &["Your role is operator"]);
    web.log_in(&starter, "starter's password").has(303, &[]);
    web.post("/runs/1/approve", "").has(403, &["four_eyes"]);
    web.post("/watches/approve", "cluster=x").has(409, &["no watch works"]);
    web.log_in("anna", "anna's password").has(303, &[]);
    web.post("/runs/1/approve", "").has(303, &[]);
    let ended = running.ends();
    assert_eq!(ended.code, 0, "{ended:?}");
    let approved = events(&lab, "1").into_iter().find(|(kind, _)| kind == "approved").unwrap();
    assert!(approved.1.contains("anna (console) on"), "{approved:?}");
    // Attempts are limited, and another name still gets in from elsewhere.
    let statuses: Vec<u16> = (0..6).map(|_| web.log_in("anna", "wrong").status).collect();
    assert_eq!(statuses, [403, 403, 403, 403, 403, 429]);
    let waits = web.log_in("anna", "anna's password");
    waits.has(429, &["Too many attempts failed"]);
    assert!(waits.header("retry-after").is_some());
    web.log_in("otto", "otto's password").has(303, &[]);
    web.ends();
}

#[test]
fn it_ends_at_once_with_streams_open() {
    let lab = lab(1);
    let web = Web::logged_in(&lab);
    let mut streams: Vec<_> = (0..200).map(|_| web.stream()).collect();
    assert_eq!(lab.rollout(&[]).0, 0);
    for stream in &mut streams {
        let mut line = String::new();
        while !line.starts_with("id: ") {
            line.clear();
            assert_ne!(stream.read_line(&mut line).unwrap(), 0);
        }
    }
    web.get("/runs").has(200, &["rollout picture.png"]);
    web.ends();
}

#[test]
fn hostile_names_are_only_text() {
    const EVIL: &str = "<script>alert(1)</script>\"'>\u{202e}\u{9b}31m{{7*7}}";
    let mut fleet = fleet_of(3);
    for phone in &mut fleet.phones {
        phone.description = EVIL.to_owned();
        phone.device_pool = EVIL.to_owned();
    }
    fleet.phones.push(PhoneSpec { description: EVIL.into(), ..PhoneSpec::new(name(4), 683) });
    fleet.push_devices = (1..=4).map(name).collect();
    fleet.give_addresses();
    fleet.phones[1].quirk = Quirk::Garbage;
    let lab = Lab::new(fleet);
    let picture = lab.path("<b>&'\".png");
    std::fs::copy(lab.picture(), &picture).unwrap();
    let port = lab.cluster.phone_port().to_string();
    let picture = picture.to_str().unwrap();
    let rollout = [
        "rollout",
        picture,
        "--yes",
        "--phone-port",
        &port,
        "--retry-delay",
        "0",
        "--verify-timeout",
        "2",
    ];
    let _ended = lab.run(&rollout);
    let config = lab.path("clusters.toml");
    std::fs::write(&config, "[cluster.\"<script>alert(2)</script>\"]\nhost = \"a\"\n").unwrap();
    let mut web = Web::start(&lab, &["--config", config.to_str().unwrap()]);
    let answer = web.get(&format!("/login?token={}", web.token));
    web.keep_cookie(&answer);
    for path in [
        "/",
        "/runs",
        "/runs/1",
        "/runs?cluster=%3Cscript%3Ealert(1)%3C/script%3E",
        "/runs/%3Cscript%3E",
    ] {
        let answer = web.get(path);
        assert!([200, 404].contains(&answer.status), "{path}");
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!answer.body.chars().any(steers), "{path}: {}", answer.body);
        assert!(
            !answer.body.contains("<script>") && !answer.body.contains("<b>&'"),
            "{path}: {}",
            answer.body
        );
    }
    web.get("/runs/1").has(200, &["&#60;script&#62;alert(1)"]);
    web.ends();
}

#[test]
fn other_machines_need_tls_and_a_user() {
    let lab = lab(1);
    let fails = |arguments: &[&str], words: &[&str]| {
        lab.read(&[&["console"], arguments].concat()).fails(2, words);
    };
    fails(
        &["--listen", "0.0.0.0:0"],
        &["a certificate and users", "--tls-cert", "console user add"],
    );
    fails(&["--listen", "0"], &["a certificate and users"]);
    fails(&["--listen", "nowhere"], &["is not an address with a port"]);
    fails(&["--allow-host", "https://a.example"], &["is no name of a host"]);
    fails(&["--tls-cert", "x.pem"], &["--tls-key"]);
    fails(&["--tls-cert", "x.pem", "--tls-key", "x.key"], &["x.pem"]);
    let mut program = bare();
    program.args(["console", "user", "add", "a", "--role", "viewer", "--config"]);
    program.arg(lab.path("none.toml")).write_stdin("\n");
    end(program).fails(2, &["the password is empty"]);
    assert!(!lab.path("none.toml").exists());
    lab.secret(
        "bad.toml",
        "[[console.user]]\nname = \"a\"\nrole = \"viewer\"\npassword_hash = \"plain\"\n",
    );
    let bad = lab.path("bad.toml");
    fails(
        &["--config", bad.to_str().unwrap()],
        &["line 1", "is no Argon2id hash", "console user add"],
    );
}
