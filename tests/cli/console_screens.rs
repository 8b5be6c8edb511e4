//! Screens in the console: who is asked for them, how often, and what is shown.

use std::time::{Duration, Instant};

use axlpaper::sim::{PUSH_PASSWORD, PUSH_USER, Quirk};

use crate::console::{Answer, Web, add_user};
use crate::lab::{Lab, fleet_of, name};

/// Phones that show the demo's picture.
fn lab(count: u32) -> Lab {
    let mut fleet = fleet_of(count);
    fleet.push_devices = (1..=count).map(name).collect();
    let lab = Lab::new(fleet);
    std::fs::write(lab.path("demo.png"), axlpaper::media::demo_png().unwrap().png).unwrap();
    let ended = lab.without_picture("rollout", &["demo.png", "--yes"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    lab
}

/// Writes the config file of a console that may reach the phones.
pub fn config(lab: &Lab) -> String {
    let table = lab.table("lab");
    let port = lab.cluster.phone_port();
    let text = format!(
        "{table}push_user = \"{PUSH_USER}\"\nphone_port = {port}\npush_password_env = \"PHONE_PASSWORD\"\n\
         password_env = \"CUCM_PASSWORD\"\n"
    );
    lab.secret("console.toml", &text);
    lab.path("console.toml").to_str().unwrap().to_owned()
}

pub fn console(lab: &Lab) -> Web {
    let mut web = Web::start(lab, &["--config", &config(lab)]);
    let answer = web.get(&format!("/login?token={}", web.token));
    web.keep_cookie(&answer);
    web
}

fn page(n: u32) -> String {
    format!("/phones/{}", name(n))
}

/// Asks for a screenshot, and returns the page after it.
fn shoot(web: &Web, n: u32, fields: &str) -> Answer {
    let answer = web.post(&format!("{}/screen", page(n)), fields);
    answer.has(303, &[]);
    assert_eq!(answer.header("location"), Some(format!("{}#screen", page(n)).as_str()));
    web.get(&page(n))
}

fn screenshots(lab: &Lab) -> Vec<u64> {
    lab.record().phones.values().map(|phone| u64::from(phone.screenshots)).collect()
}

#[test]
fn a_screen_is_looked_at_on_demand() {
    let lab = lab(2);
    let web = console(&lab);
    web.get(&page(1)).has(200, &["No screenshot was taken", "Take a screenshot"]);
    web.get(&format!("{}/now", page(1))).has(404, &[]);
    assert_eq!(screenshots(&lab), [0, 0], "to look at a page asks no phone");
    shoot(&web, 1, "").has(200, &["shows its picture", "/now?at="]);
    assert_eq!(screenshots(&lab), [1, 0]);
    let file = web.get_bytes(&format!("{}/now?at=1", page(1)));
    assert!(file.windows(4).any(|bytes| bytes == b"\x89PNG"));
    assert!(lab.cluster.choose_picture(&name(1), None));
    shoot(&web, 1, "").has(200, &["shows something else"]);
    // What was proven still counts: only a run takes it away.
    let shown = lab.read(&["phone", &name(1), "--offline"]);
    assert!(shown.stdout.contains("proven"), "{}", shown.stdout);
    // Another device at the address gets no password.
    lab.cluster.set_quirk(&name(2), Quirk::WrongDevice);
    shoot(&web, 2, "").has(200, &["answers at its address; nothing was sent to it"]);
    assert_eq!(screenshots(&lab), [2, 0]);
    for (path, fields) in
        [("screen", "token=0"), ("screen", "token=0&again=1"), ("picture", "token=0")]
    {
        let answer = web.post_with(&format!("{}/{path}", page(1)), "", fields);
        assert!([403, 404].contains(&answer.status), "{}", answer.head);
    }
    web.post("/phones/SEP999999999999/screen", "").has(404, &[]);
    web.post_with("/screens/allow", "", "token=0&cluster=lab").has(403, &["not of this session"]);
    assert_eq!(screenshots(&lab), [2, 0]);
    assert!(lab.record().violations.is_empty());
    web.ends();
}

#[test]
fn a_refused_password_is_not_tried_again() {
    let lab = lab(3);
    let failed = |lab: &Lab| lab.record().users[PUSH_USER].failed_logins;
    assert_eq!(failed(&lab), 0);
    let web = console(&lab);
    assert!(lab.cluster.set_password(PUSH_USER, "another one"));
    shoot(&web, 1, "").has(200, &["the phone refused the push user", "Ask it again"]);
    assert_eq!(failed(&lab), 1);
    // Neither of this phone nor of another one, nor by the wall.
    shoot(&web, 1, "").has(200, &["the phone refused the push user"]);
    shoot(&web, 2, "").has(200, &["no phone is asked for its screen any more", "axlpaper doctor"]);
    let wall = web.get("/screens?model=Cisco+8841");
    wall.has(200, &["no phone is asked for its screen any more", "Ask the other phones again"]);
    web.get("/screens?model=Cisco+8841").has(200, &[]);
    assert_eq!(failed(&lab), 1);
    // An operator says so: of another phone, and then of the one that refused.
    assert!(lab.cluster.set_password(PUSH_USER, PUSH_PASSWORD));
    web.post("/screens/allow", "cluster=127.0.0.1").has(303, &[]);
    shoot(&web, 2, "").has(200, &["shows its picture"]);
    shoot(&web, 1, "").has(200, &["the phone refused the push user"]);
    shoot(&web, 1, "again=1").has(200, &["shows its picture"]);
    assert_eq!(failed(&lab), 1);
    web.ends();
}

#[test]
fn a_wall_asks_each_phone_once_in_a_while() {
    let lab = lab(4);
    let web = console(&lab);
    web.get("/screens").has(200, &["Choose the phones"]);
    assert_eq!(screenshots(&lab), [0; 4]);
    let some = format!("/screens?names={},{}", name(1), name(3));
    let is_done = |page: &Answer| page.body.contains("2 show their picture");
    let late = Instant::now() + Duration::from_secs(60);
    let seen = loop {
        let page = web.get(&some);
        if is_done(&page) || Instant::now() > late {
            break page;
        }
    };
    seen.has(200, &["2 phones", "/now?at=", "0 not looked at yet"]);
    for _ in 0..5 {
        web.get(&some).has(200, &["2 show their picture"]);
    }
    assert_eq!(screenshots(&lab), [1, 0, 1, 0]);
    web.get("/screens?names=SEP1").has(200, &["No phone is like that"]);
    web.ends();
}

#[test]
fn a_viewer_has_no_screenshot_taken() {
    let lab = lab(1);
    let config = config(&lab);
    add_user(&lab, "vera", "viewer", "vera's password");
    let mut web = Web::start(&lab, &["--config", &config]);
    web.log_in("vera", "vera's password").has(303, &[]);
    web.get(&page(1)).has(200, &["Operators can take one"]);
    web.post(&format!("{}/screen", page(1)), "").has(403, &["may not take screenshots"]);
    web.post("/screens/allow", "cluster=lab").has(403, &["may not take screenshots"]);
    web.get("/screens?model=Cisco+8841").has(200, &["Your role may not take screenshots"]);
    web.get("/screens?model=Cisco+8841").has(200, &["not looked at yet"]);
    assert_eq!(screenshots(&lab), [0]);
    web.ends();
}

#[test]
fn trouble_is_a_face_of_the_page() {
    let lab = lab(1);
    // Without a config file the port of the phones is not known: nobody answers there.
    let web = Web::logged_in(&lab);
    web.get("/rules").has(200, &["The config file has no"]);
    shoot(&web, 1, "").has(200, &["No screenshot", "check Web Access"]);
    web.ends();
    let other = lab.path("other.toml");
    std::fs::write(&other, "[cluster.other]\nhost = \"192.0.2.1\"\nusername = \"x\"\n").unwrap();
    let mut web = Web::start(&lab, &["--config", other.to_str().unwrap()]);
    let answer = web.get(&format!("/login?token={}", web.token));
    web.keep_cookie(&answer);
    shoot(&web, 1, "").has(200, &["the settings of 127.0.0.1 are not known", "config file"]);
    assert_eq!(screenshots(&lab), [0]);
    web.ends();
}

#[test]
fn rules_are_shown_with_their_phones() {
    let lab = lab(3);
    let rules = format!(
        "[[image]]\nfile = \"demo.png\"\ndevice = \"{}\"\n\n[[image]]\nfile = \"none.png\"\nkeep = \"enforced\"\n\
         text = \"{{description}} <b>\"\n\n[[image]]\nfile = \"late.png\"\n",
        name(2)
    );
    let path = config(&lab);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + &rules).unwrap();
    let mut web = Web::start(&lab, &["--config", &path]);
    let answer = web.get(&format!("/login?token={}", web.token));
    web.keep_cookie(&answer);
    let page = web.get("/rules");
    page.has(200, &["<b>1</b> of 3 phones now", "<b>2</b> of 3 phones now", "enforced"]);
    page.has(200, &["never counts", "/rules/1/picture", "{description} &#60;b&#62;"]);
    assert!(!page.body.contains("/rules/2/picture"), "there is no such file");
    assert!(web.get_bytes("/rules/1/picture").windows(4).any(|bytes| bytes == b"\x89PNG"));
    for path in ["/rules/2/picture", "/rules/0/picture", "/rules/4/picture", "/rules/x/picture"] {
        web.get(path).has(404, &[]);
    }
    web.ends();
}
