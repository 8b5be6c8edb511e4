//! Doctor in the console.

use std::time::{Duration, Instant};

use axlpaper::sim::{Change, PUSH_USER};

use crate::console::{Answer, Web, add_user, lab};
use crate::console_screens::{config, console};

/// Begins to check the lab's cluster, and returns the page after it.
fn checked(web: &Web, fields: &str) -> Answer {
    web.post("/doctor", &format!("cluster=lab&{fields}")).has(303, &[]);
    let late = Instant::now() + Duration::from_secs(60);
    loop {
        let page = web.get("/doctor");
        if !page.body.contains("aria-busy=\"true\"") || Instant::now() > late {
            return page;
        }
    }
}

#[test]
fn a_cluster_is_checked_and_a_wrong_password_only_once() {
    let lab = lab(1);
    let failed = || lab.record().users[PUSH_USER].failed_logins;
    let web = console(&lab);
    web.get("/doctor").has(200, &["Not checked since the console was started"]);
    assert!(lab.record().requests.is_empty(), "to look at the page asks nobody");
    checked(&web, "").has(200, &["0 failed", "push user&#39;s password is right", "download_path"]);
    let change = Change::Password { user: PUSH_USER.to_owned(), password: "another".to_owned() };
    lab.cluster.change(change);
    checked(&web, "").has(200, &["1 failed", "password is wrong", "A password was refused"]);
    assert_eq!(failed(), 1);
    checked(&web, "").has(200, &["1 failed"]);
    assert_eq!(failed(), 1, "nobody said that it is right now");
    checked(&web, "corrected=1").has(200, &["1 failed"]);
    assert_eq!(failed(), 2);
    web.post_with("/doctor", "", "token=0&cluster=lab").has(403, &["not of this session"]);
    web.post("/doctor", "cluster=other").has(303, &[]);
    web.ends();
}

#[test]
fn a_viewer_checks_nothing() {
    let lab = lab(1);
    let path = config(&lab);
    add_user(&lab, "vera", "viewer", "vera's password");
    let mut web = Web::start(&lab, &["--config", &path]);
    web.log_in("vera", "vera's password").has(303, &[]);
    web.get("/doctor").has(200, &["Operators can check it"]);
    web.post("/doctor", "cluster=lab").has(403, &["may not check a cluster"]);
    assert!(lab.record().requests.is_empty());
    web.ends();
}
