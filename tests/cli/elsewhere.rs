//! Pictures that stand on somebody else's server.

use axlpaper::sim::{PhoneSpec, PushOutcome, Quirk};
use serde_json::Value;

use crate::lab::{Ended, Lab, fleet_of, name, outcome, phone};
use crate::web::{Web, page, pictures};

/// Two phones 8841, an old one and a new one, which the push user controls already.
fn lab() -> Lab {
    let mut fleet = fleet_of(2);
    fleet.phones.push(PhoneSpec::new(name(3), 435));
    fleet.phones.push(PhoneSpec::new(name(4), 36350));
    fleet.push_devices = (1..=4).map(name).collect();
    fleet.give_addresses();
    Lab::new(fleet)
}

const MODELS: [u32; 3] = [683, 435, 36350];

fn push(lab: &Lab, web: &Web, more: &[&str]) -> Ended {
    let (image, icon) = (web.url("/{dir}/w.png"), web.url("/{dir}/t.png"));
    let mut all = vec!["--yes", "--json", "--image-url", &image, "--icon-url", &icon];
    all.extend(more);
    lab.without_picture("push", &all)
}

#[test]
fn each_file_is_looked_at_once_and_phones_are_accepted_at_best() {
    let (lab, web) = (lab(), Web::with_pictures(&MODELS));
    let ended = push(&lab, &web, &["--canary", "1"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    for n in 1..=4 {
        assert_eq!(outcome(&document, &name(n)), "accepted");
        let told = phone(&document, &name(n))["reason"].as_str().unwrap();
        assert!(told.contains("not seen here"), "{told}");
    }
    let record = lab.record();
    for (n, size) in [(1, "800x480"), (3, "320x212"), (4, "1280x720")] {
        let shown = record.phones[&name(n)].shown.as_ref().unwrap();
        assert_eq!(shown.size.to_string(), size);
    }
    // Six different files: once by us, and once by every phone, and nobody was told a password.
    let asked = web.asked();
    assert_eq!(asked.len(), 6 + 4 * 2, "{asked:?}");
    assert!(asked.iter().all(|path| !path.starts_with("SECRET")), "{asked:?}");
    // Nothing was proven, so nobody is left alone the next time.
    assert_eq!(push(&lab, &web, &[]).code, 0);
    assert_eq!(lab.record().phones[&name(1)].pushes.len(), 2);
}

#[test]
fn what_phones_could_not_show_is_found_before_anything_is_sent() {
    let lab = lab();
    let good = pictures(&MODELS);
    let (image, icon) = ("/Desktops/800x480x24/w.png", "/Desktops/800x480x24/t.png");
    let too_long = vec![0; 4 * 1024 * 1024 + 1];
    let moved =
        b"HTTP/1.1 302 x\r\nLocation: http://192.0.2.1/w.png\r\nContent-Length: 0\r\n\r\n".to_vec();
    let slow_end = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nshort".to_vec();
    for (path, answer, code, words) in [
        (image, good[icon].clone(), 2, "it is 139x109, and this model takes 800x480"),
        (icon, good[image].clone(), 2, "it is 800x480, and this model takes 139x109"),
        (image, page(404, "text/html", b"no"), 2, "HTTP status 404"),
        (image, page(200, "image/png", b"GIF89a"), 2, "no PNG"),
        (image, page(200, "image/png", &too_long), 2, "longer than 4194304 bytes"),
        (image, moved, 2, "leads on to http://192.0.2.1/w.png"),
        (image, slow_end, 1, "cannot be downloaded from here"),
    ] {
        let mut pages = good.clone();
        pages.insert(path.to_owned(), answer);
        push(&lab, &Web::new(pages), &[]).fails(code, &[words, path, "nothing was changed"]);
    }
    let record = lab.record();
    assert!(record.phones.values().all(|phone| phone.pushes.is_empty()));
    assert!(record.writes.is_empty());
}

#[test]
fn addresses_that_phones_could_not_use_are_refused() {
    let (lab, web) = (lab(), Web::with_pictures(&MODELS));
    let long = web.url(&format!("/{}.png", "x".repeat(400)));
    let good = web.url("/t.png");
    for (image, icon, words) in [
        ("https://h/x.png", good.as_str(), "http://"),
        ("http://u:p@h/x.png", good.as_str(), "password"),
        ("http://h/{name}.png", good.as_str(), "{size}, {dir} and {model}"),
    ] {
        let arguments = ["--yes", "--image-url", image, "--icon-url", icon];
        lab.without_picture("push", &arguments).fails(2, &[words]);
    }
    let mut pages = pictures(&[683]);
    let file = pages["/Desktops/800x480x24/w.png"].clone();
    pages.insert(long[web.url("").len()..].to_owned(), file);
    let other = Web::new(pages);
    let long = other.url(&format!("/{}.png", "x".repeat(400)));
    let icon = other.url("/Desktops/800x480x24/t.png");
    let arguments = ["--yes", "--image-url", &long, "--icon-url", &icon, "--model", "8841"];
    lab.without_picture("push", &arguments).fails(2, &["phones read at most 512", "picture's URL"]);
    push(&lab, &web, &["--verify", "fetch"]).fails(2, &["--verify screenshot"]);
    let ended = lab.push("push", &["--yes", "--image-url", &good, "--icon-url", &good]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(lab.record().phones.values().all(|phone| phone.pushes.is_empty()));
}

#[test]
fn a_run_is_gone_on_with_from_the_same_place() {
    let (lab, web) = (lab(), Web::with_pictures(&MODELS));
    assert!(lab.cluster.set_quirk(&name(2), Quirk::ErrorWithOk { number: 3 }));
    let ended = push(&lab, &web, &[]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(lab.cluster.set_quirk(&name(2), Quirk::Normal));
    let ended = lab.resumed(&["--only-failed", "last", "--yes", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let record = lab.record();
    assert_eq!([1, 2].map(|n| record.phones[&name(n)].pushes.len()), [1, 2]);
    assert_eq!(record.phones[&name(2)].pushes[1].outcome, PushOutcome::Accepted);
}

#[test]
fn expansion_modules_have_a_picture_of_their_own() {
    let lab = lab();
    let kem = lab.picture();
    let ended = lab.push("push", &["--yes", "--json", "--kem-picture", kem.to_str().unwrap()]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let record = lab.record();
    let xml = |n| record.phones[&name(n)].pushes[0].xml.clone().unwrap();
    assert!(xml(4).contains("</thumbnail><kem>http://127.0.0.1:"), "{}", xml(4));
    assert!(!xml(1).contains("kem"), "{}", xml(1));
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(outcome(&document, &name(4)), "verified");
}

#[test]
fn what_another_server_gave_is_pushed_back_from_the_journal() {
    let (lab, web) = (lab(), Web::with_pictures(&MODELS));
    // Phone 4 sends no screenshot, so nothing is proven of it.
    let shown = |lab: &Lab| -> Vec<String> {
        let record = lab.record();
        (1..=3).map(|n| record.phones[&name(n)].shown.as_ref().unwrap().sha256.clone()).collect()
    };
    let ended = push(&lab, &web, &["--verify", "screenshot"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let before = shown(&lab);
    let asked = web.asked().len();
    assert_eq!(lab.push("push", &["--yes"]).code, 0);
    assert_ne!(shown(&lab), before);
    let back = lab.without_picture("revert", &["last", "--pictures", "--yes"]);
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(shown(&lab), before);
    let reason = format!("({}: no earlier picture is known", name(4));
    assert!(back.text().contains(&reason), "{back:?}");
    assert_eq!(web.asked().len(), asked, "the other server is not asked again");
}
