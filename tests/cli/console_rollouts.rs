//! Rollouts that users of the console make with the forms of its pages, without a script.

use std::io::BufRead as _;
use std::time::{Duration, Instant};

use axlpaper::sim::{PUSH_USER, Quirk};
use serde_json::Value;

use crate::console::{Answer, Web, add_user, lab};
use crate::control::{Running, events, hold, pushes};
use crate::lab::{Lab, fleet_of, name};

/// A console with the lab's cluster in its config file, and a session of the user who started it.
fn console(lab: &Lab, options: &[&str]) -> Web {
    config(lab, "");
    let mut web = Web::start(lab, &[&["--config", "console.toml"], options].concat());
    let login = web.get(&web.login_path());
    login.has(200, &["You are logged in"]);
    web.keep_cookie(&login);
    web
}

fn config(lab: &Lab, more: &str) {
    let port = lab.cluster.phone_port();
    let table = lab.table("lab");
    lab.secret("console.toml", &format!("[defaults]\nphone_port = {port}\n{table}{more}"));
}

/// Sends a form with a file.
fn upload(web: &Web, file: &str, bytes: &[u8], token: &str) -> Answer {
    let mut body = Vec::new();
    for (name, value) in [("token", token), ("source", "picture")] {
        let head =
            format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(head.as_bytes());
    }
    let head = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"{file}\"\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    web.send("POST", "/rollouts", "multipart/form-data; boundary=edge", &body)
}

fn token(web: &Web) -> String {
    web.get("/").form_token().to_owned()
}

/// Begins a rollout with the lab's picture, and returns its address.
fn begin(web: &Web, lab: &Lab) -> String {
    let picture = std::fs::read(lab.picture()).unwrap();
    let answer = upload(web, "spring.png", &picture, &token(web));
    answer.has(303, &[]);
    answer.header("location").unwrap().to_owned()
}

/// Has the cluster asked, and returns the page with what would be done.
fn prepare(web: &Web, address: &str, fields: &str) -> Answer {
    web.post(address, &format!("do=prepare&{fields}")).has(303, &[]);
    settled(web, address)
}

/// Waits until the cluster was asked.
fn settled(web: &Web, address: &str) -> Answer {
    page_until(web, address, |page| !page.body.contains("asks the cluster"))
}

/// Waits for a page to change until it is what is wanted.
fn page_until(web: &Web, address: &str, is_it: impl Fn(&Answer) -> bool) -> Answer {
    let mut changes = web.stream();
    loop {
        let page = web.get(address);
        if is_it(&page) {
            return page;
        }
        let mut line = String::new();
        while !line.starts_with("event: change") {
            line.clear();
            assert_ne!(changes.read_line(&mut line).unwrap(), 0, "{}", page.body);
        }
    }
}

fn confirm(web: &Web, address: &str, phones: &str) -> Answer {
    web.post(&format!("{address}/confirm"), &format!("phones={phones}"))
}

/// Waits until a run has ended, and returns its document.
fn ended(lab: &Lab, run: &str) -> Value {
    let start = Instant::now();
    loop {
        let shown: Value =
            serde_json::from_str(&lab.read(&["show", run, "--json"]).stdout).unwrap();
        if shown["state"] != "running" {
            return shown;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{shown}");
    }
}

#[test]
fn a_rollout_is_made_with_forms_alone() {
    let mut fleet = fleet_of(4);
    fleet.push_devices = (1..=2).map(name).collect();
    let lab = Lab::new(fleet);
    let web = console(&lab, &[]);
    web.get("/rollouts/new").has(200, &["multipart/form-data", "type=\"file\""]);
    let address = begin(&web, &lab);
    web.get(&address).has(
        200,
        &[
            "spring.png",
            "name=\"focus-x\"",
            "name=\"cluster\" value=\"lab\"",
            "No phone that the journal knows",
        ],
    );
    // The picture is shown, and on each panel.
    assert!(web.get_bytes(&format!("{address}/picture")).windows(4).any(|part| part == b"\x89PNG"));
    let page = web.get(&address);
    let (_, panel) = page.body.split_once(&format!("href=\"{address}/panels/")).unwrap();
    let panel = format!("{address}/panels/{}", panel.split_once('"').unwrap().0);
    assert!(web.get_bytes(&panel).windows(4).any(|part| part == b"\x89PNG"));
    // What is wrong with a field is said beside the fields, and the others are kept.
    web.post(&address, "do=update&canary=many&device=SEP*&focus=point&focus-x=10&focus-y=20")
        .has(303, &[]);
    web.get(&address).has(200, &["many", "--canary", "SEP*", "value=\"10\""]);
    web.post(&address, "do=prepare&canary=many").has(400, &["--canary"]);
    let page = prepare(&web, &address, "focus=point&focus-x=10&focus-y=20&device=SEP*");
    page.has(
        200,
        &[
            "waits for the confirmation",
            "4 of 4 phones would be pushed to",
            "+ SEP000000000003",
            "not_associated",
            "This touches 4 phones",
        ],
    );
    web.get("/").has(200, &[&address, "waits for the confirmation"]);
    let record = lab.record();
    assert!(
        pushes(&lab) == 0 && record.users[PUSH_USER].devices.len() == 2,
        "nothing was changed yet"
    );
    confirm(&web, &address, "3").has(409, &["this touches 4 phones", "nothing was changed"]);
    web.post_with(&format!("{address}/confirm"), "", "token=0&phones=4")
        .has(403, &["not of this session"]);
    assert_eq!(pushes(&lab), 0);
    let begun = confirm(&web, &address, "4");
    assert_eq!(begun.header("location"), Some("/runs/1"), "{}", begun.body);
    let shown = ended(&lab, "1");
    assert_eq!(shown["state"], "finished", "{shown}");
    assert_eq!((pushes(&lab), lab.record().users[PUSH_USER].devices.len()), (4, 4));
    // The list of the user becomes what it was.
    web.get("/runs/1").has(200, &["Revert the changes"]);
    let again = web.post("/runs/1/again/changes", "");
    let revert = again.header("location").unwrap().to_owned();
    settled(&web, &revert)
        .has(200, &["waits for the confirmation", "- SEP000000000003", "This touches 2 phones"]);
    confirm(&web, &revert, "4").has(409, &["this touches 2 phones"]);
    assert_eq!(lab.record().users[PUSH_USER].devices.len(), 4);
    confirm(&web, &revert, "2").has(303, &[]);
    let reverted = ended(&lab, "2");
    assert_eq!(
        (reverted["reverts"].as_i64(), reverted["state"].as_str()),
        (Some(1), Some("finished"))
    );
    assert_eq!(lab.record().users[PUSH_USER].devices, [name(1), name(2)]);
    let by = shown["os_user"].as_str().unwrap();
    assert!(by.ends_with(" (console)"), "{by}");
    let line = shown["command_line"].as_str().unwrap();
    assert!(line.starts_with("axlpaper rollout --device 'SEP*' --focus '10,20'"), "{line}");
    assert!(line.ends_with("-- spring.png"), "{line}");
    assert!(events(&lab, "1").iter().any(|(kind, _)| kind == "question_answered"));
    // The next one knows the phones.
    let address = begin(&web, &lab);
    web.get(&address).has(200, &["4 phones by the last look of", "<small>4</small>"]);
    web.ends();
}

#[test]
fn roles_and_four_eyes_count_for_rollouts() {
    let lab = lab(2);
    config(&lab, "[console]\nfour_eyes = true\n");
    for (user, role) in
        [("vera", "viewer"), ("otto", "operator"), ("ada", "approver"), ("anna", "approver")]
    {
        add_user(&lab, user, role, "a password");
    }
    let mut web = Web::start(&lab, &["--config", "console.toml"]);
    web.log_in("vera", "a password").has(303, &[]);
    web.get("/rollouts/new").has(200, &["Your role is viewer"]);
    let picture = std::fs::read(lab.picture()).unwrap();
    upload(&web, "a.png", &picture, &token(&web)).has(403, &["Your role is viewer"]);
    web.log_in("ada", "a password").has(303, &[]);
    upload(&web, "a.png", &picture, "0").has(403, &["not of this session"]);
    let address = begin(&web, &lab);
    web.log_in("anna", "a password").has(303, &[]);
    web.get(&address).has(403, &["ada is still making this rollout"]);
    web.post(&address, "do=prepare").has(403, &[]);
    web.log_in("ada", "a password").has(303, &[]);
    prepare(&web, &address, "").has(200, &["It waits for another user", "four_eyes"]);
    confirm(&web, &address, "2").has(403, &["four_eyes = true"]);
    web.log_in("vera", "a password").has(303, &[]);
    web.get(&address).has(200, &["waits for the confirmation"]);
    confirm(&web, &address, "2").has(403, &["Your role is viewer"]);
    web.post(&format!("{address}/discard"), "").has(403, &[]);
    web.log_in("otto", "a password").has(303, &[]);
    confirm(&web, &address, "2").has(403, &["four_eyes = true"]);
    assert_eq!(pushes(&lab), 0);
    web.log_in("anna", "a password").has(303, &[]);
    web.get("/").has(200, &["of ada waits for the confirmation", &address]);
    confirm(&web, &address, "2").has(303, &[]);
    let shown = ended(&lab, "1");
    assert_eq!((shown["os_user"].as_str(), pushes(&lab)), (Some("ada (console)"), 2));
    confirm(&web, &address, "2").has(409, &["not at that step any more"]);
    web.ends();
}

#[test]
fn an_operator_confirms_an_own_rollout_only() {
    let lab = lab(1);
    config(&lab, "");
    add_user(&lab, "otto", "operator", "a password");
    add_user(&lab, "olga", "operator", "a password");
    let mut web = Web::start(&lab, &["--config", "console.toml"]);
    web.log_in("otto", "a password").has(303, &[]);
    let address = begin(&web, &lab);
    prepare(&web, &address, "").has(200, &["This touches 1 phone"]);
    web.log_in("olga", "a password").has(303, &[]);
    web.get(&address).has(200, &["It waits for otto or an approver"]);
    confirm(&web, &address, "1").has(403, &["approvers confirm every one"]);
    web.log_in("otto", "a password").has(303, &[]);
    confirm(&web, &address, "1").has(303, &[]);
    ended(&lab, "1");
    assert_eq!(pushes(&lab), 1);
    web.ends();
}

#[test]
fn what_nobody_confirms_ends_and_changes_nothing() {
    let lab = lab(2);
    let web = console(&lab, &["--confirm-within", "300ms"]);
    let address = begin(&web, &lab);
    web.post(&address, "do=prepare").has(303, &[]);
    let page = page_until(&web, &address, |page| page.body.contains("nobody confirmed it in time"));
    page.has(200, &["declined", "--confirm-within"]);
    confirm(&web, &address, "2").has(409, &["not at that step any more"]);
    assert_eq!(ended(&lab, "1")["state"], "declined");
    web.ends();
    // Neither does what is discarded, and what waits when the console ends.
    let web = console(&lab, &[]);
    let address = begin(&web, &lab);
    prepare(&web, &address, "");
    web.post(&format!("{address}/discard"), "").has(303, &[]);
    assert_eq!(ended(&lab, "2")["state"], "declined");
    let address = begin(&web, &lab);
    prepare(&web, &address, "");
    web.ends();
    assert_eq!(ended(&lab, "3")["state"], "declined");
    assert_eq!(pushes(&lab), 0);
}

#[test]
fn the_console_ends_and_its_rollout_can_be_resumed() {
    let lab = lab(4);
    let web = console(&lab, &[]);
    let address = begin(&web, &lab);
    prepare(&web, &address, "canary=1&waves=25%25,100%25");
    let (has_arrived, go) = hold(&lab, "push", 1);
    confirm(&web, &address, "4").has(303, &[]);
    has_arrived.recv().unwrap();
    web.running.signal("-TERM");
    page_until(&web, "/runs/1", |page| page.body.contains("interrupt") || page.status == 200);
    go.send(()).unwrap();
    assert_eq!(web.running.ends().code, 0);
    let shown = ended(&lab, "1");
    assert_eq!((shown["state"].as_str(), pushes(&lab)), (Some("interrupted"), 1), "{shown}");
    let web = console(&lab, &[]);
    web.get("/runs/1").has(200, &["Resume the run"]);
    let again = web.post("/runs/1/again/resume", "");
    let address = again.header("location").unwrap().to_owned();
    settled(&web, &address)
        .has(200, &["This touches 3 phones", "verified to show the picture already"]);
    confirm(&web, &address, "3").has(303, &[]);
    let shown = ended(&lab, "2");
    assert_eq!((shown["continues"].as_i64(), pushes(&lab)), (Some(1), 4), "{shown}");
    web.ends();
}

#[test]
fn what_failed_is_retried_by_cause() {
    let lab = lab(4);
    lab.cluster.set_quirk(&name(1), Quirk::ErrorWithOk { number: 3 });
    lab.cluster.set_quirk(&name(2), Quirk::WrongDevice);
    let web = console(&lab, &[]);
    let address = begin(&web, &lab);
    prepare(&web, &address, "");
    confirm(&web, &address, "4").has(303, &[]);
    ended(&lab, "1");
    let page = page_until(&web, "/runs/1", |page| page.body.contains("Retry these"));
    page.has(200, &["Retry 2 phones that failed", "form=\"again\" name=\"cause\" value=\"1\""]);
    lab.cluster.set_quirk(&name(1), Quirk::Normal);
    lab.cluster.set_quirk(&name(2), Quirk::Normal);
    web.post("/runs/1/again/retry", "cause=7").has(404, &[]);
    web.post("/runs/1/again/explode", "").has(404, &[]);
    web.post("/runs/9/again/retry", "").has(404, &[]);
    // One of the two causes has one phone.
    let before = pushes(&lab);
    let again = web.post("/runs/1/again/retry", "cause=1");
    let address = again.header("location").unwrap().to_owned();
    settled(&web, &address).has(200, &["This touches 1 phone", "--only-failed 1"]);
    confirm(&web, &address, "1").has(303, &[]);
    ended(&lab, "2");
    assert_eq!(pushes(&lab), before + 1);
    // All that failed, when one of them was served by another run meanwhile.
    let again = web.post("/runs/1/again/retry", "");
    let address = again.header("location").unwrap().to_owned();
    settled(&web, &address).has(200, &["This touches 1 phone"]);
    confirm(&web, &address, "1").has(303, &[]);
    ended(&lab, "3");
    let record = lab.record();
    assert!((1..=4).all(|n| record.phones[&name(n)].shown.is_some()));
    web.ends();
}

#[test]
fn pictures_are_pushed_back() {
    let lab = lab(2);
    let web = console(&lab, &[]);
    let shown = |lab: &Lab| -> Vec<_> {
        let record = lab.record();
        (1..=2)
            .map(|n| record.phones[&name(n)].shown.as_ref().map(|one| one.sha256.clone()))
            .collect()
    };
    let roll_out = |web: &Web, bytes: &[u8], run: &str| {
        let answer = upload(web, "a.png", bytes, &token(web));
        let address = answer.header("location").unwrap().to_owned();
        prepare(web, &address, "");
        confirm(web, &address, "2").has(303, &[]);
        ended(&lab, run);
    };
    roll_out(&web, &std::fs::read(lab.picture()).unwrap(), "1");
    let before = shown(&lab);
    image::RgbImage::from_pixel(80, 48, image::Rgb([0, 0, 200]))
        .save(lab.path("blue.png"))
        .unwrap();
    roll_out(&web, &std::fs::read(lab.path("blue.png")).unwrap(), "2");
    assert_ne!(shown(&lab), before);
    let again = web.post("/runs/2/again/pictures", "");
    let address = again.header("location").unwrap().to_owned();
    settled(&web, &address).has(200, &["This touches 2 phones"]);
    confirm(&web, &address, "2").has(303, &[]);
    assert_eq!(ended(&lab, "3")["reverts"], 2);
    assert_eq!(shown(&lab), before);
    web.ends();
}

#[test]
fn what_cannot_be_rolled_out_is_refused_with_the_reason() {
    let lab = lab(2);
    let web = console(&lab, &[]);
    let ours = token(&web);
    upload(&web, "a.png", b"GIF89a nothing", &ours).has(400, &["a.png"]);
    upload(&web, "a.png", b"", &ours).has(400, &["a.png"]);
    upload(&web, "<b>.png", b"no picture", &ours).has(400, &["&#60;b&#62;.png"]);
    let page = upload(
        &web,
        "..\\..\\x\u{202e}\u{9b}31m.png",
        &std::fs::read(lab.picture()).unwrap(),
        &ours,
    );
    let page = web.get(page.header("location").unwrap());
    assert!(!page.body.contains('\u{202e}') && !page.body.contains('\u{9b}'), "{}", page.body);
    page.has(200, &["<h1>x"]);
    // A bomb: 20,000 x 20,000 pixels in a few bytes.
    let bomb = b"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"20000\" height=\"20000\"/>";
    let bomb = upload(&web, "bomb.svg", bomb, &ours);
    assert!([303, 400].contains(&bomb.status), "{}", bomb.body);
    let gone = web.get("/rollouts/99");
    gone.has(404, &["There is no such rollout"]);
    // A run of the command line works on the cluster.
    let mut running = Running::start(&lab, &["--canary", "1", "--gate"]);
    running.says("waits for an approval");
    let address = begin(&web, &lab);
    prepare(&web, &address, "").has(
        200,
        &["another run works on this cluster", "axlpaper rollout", "nothing was changed"],
    );
    web.post("/runs/1/approve", "").has(303, &[]);
    assert_eq!(running.ends().code, 0);
    web.ends();
    // A password that nobody can be asked for.
    let text = std::fs::read_to_string(lab.path("console.toml")).unwrap();
    // The passwords of the environment are those of another name.
    let text = text.replace("127.0.0.1", "localhost");
    lab.secret("other.toml", &format!("{text}push_user = \"{PUSH_USER}\"\n"));
    let mut web = Web::start(&lab, &["--config", "other.toml"]);
    let login = web.get(&web.login_path());
    web.keep_cookie(&login);
    let address = begin(&web, &lab);
    prepare(&web, &address, "cluster=lab")
        .has(200, &["the password of", "push_password_file", "asks nobody"]);
    web.ends();
}
