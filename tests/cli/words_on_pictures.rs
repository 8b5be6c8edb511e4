//! Words on pictures: every phone downloads its own, and gets it again only when its words change.

use std::sync::Arc;

use axlpaper::domain::model;
use axlpaper::domain::words::{Words, WordsStyle};
use axlpaper::journal::file_digest;
use axlpaper::media::{Compression, Picture, WordsCanvas, prepare};
use axlpaper::sim::{Change, Fleet};
use serde_json::Value;

use crate::console::Web;
use crate::control::pushes;
use crate::lab::{Lab, fleet_of, name, outcome, phone};
use crate::watch::{ends, pushes_of, watching};

/// Phones with descriptions, of which the second reads from right to left and the third has none.
fn fleet() -> Fleet {
    let mut fleet = fleet_of(4);
    let descriptions = ["Front desk {mac}", "חדר ישיבות 4", "", "=cmd|' /C calc'!A0"];
    for (phone, description) in fleet.phones.iter_mut().zip(descriptions) {
        phone.description = description.to_owned();
    }
    fleet.phones[3].model = 437;
    fleet.phones[3].model_name = "Cisco 7975".to_owned();
    Fleet { push_devices: (1..=4).map(name).collect(), ..fleet }
}

const TEXT: [&str; 2] = ["--text", r"{description}\nFloor {csv:floor}, help desk 5555"];

fn data(lab: &Lab) -> String {
    let data = lab.path("floors.csv");
    let rows =
        format!("Device Name,floor\n{},3\n{},4\n{},\n{},2\n", name(1), name(2), name(3), name(4));
    std::fs::write(&data, rows).unwrap();
    data.to_str().unwrap().to_owned()
}

/// The digest of the file that a phone of a model has to get.
fn expected(lab: &Lab, number: u32, text: &str) -> String {
    let spec = model::by_number(number).unwrap().image.unwrap();
    let base = Arc::new(prepare(&Picture::open(&lab.picture()).unwrap(), &spec).unwrap());
    let words = Words { text: text.to_owned(), qr: None, style: WordsStyle::default() };
    let canvas = WordsCanvas::new(Arc::clone(&base)).unwrap();
    let drawn = canvas.draw(&words, Compression::OnDemand).unwrap().0;
    let file = if text.is_empty() { &base.background } else { &drawn.background };
    axlpaper::domain::text::hex(&file.sha256)
}

fn shown(lab: &Lab, n: u32) -> String {
    lab.record().phones[&name(n)].shown.as_ref().unwrap().sha256.clone()
}

#[test]
fn every_phone_gets_its_own_words_and_only_those_that_change_are_pushed_again() {
    let lab = Lab::new(fleet());
    let data = data(&lab);
    let words = [&TEXT[..], &["--data", &data]].concat();
    let (code, document) = lab.rollout(&words);
    assert_eq!(code, 0, "{document:#}");
    for (n, number, text) in [
        (1, 683, "Front desk {mac}\nFloor 3, help desk 5555"),
        (2, 683, "חדר ישיבות 4\nFloor 4, help desk 5555"),
        (3, 683, ""),
        (4, 437, "=cmd|' /C calc'!A0\nFloor 2, help desk 5555"),
    ] {
        assert_eq!(outcome(&document, &name(n)), "verified");
        assert_eq!(shown(&lab, n), expected(&lab, number, text), "{text}");
        let words = &phone(&document, &name(n))["words"]["text"];
        assert_eq!(words.as_str().unwrap_or_default(), text);
    }
    // What is proven is not pushed again; other words are.
    let (_, again) = lab.rollout(&words);
    assert!((1..=4).all(|n| outcome(&again, &name(n)) == "already"), "{again:#}");
    std::fs::write(&data, format!("name,floor\n{},3\n{},7\n{},2\n", name(1), name(2), name(4)))
        .unwrap();
    let (_, changed) = lab.rollout(&words);
    let outcomes = [1, 2, 3, 4].map(|n| outcome(&changed, &name(n)));
    assert_eq!(outcomes, ["already", "verified", "already", "already"]);
    // Console and report show the picture of each phone.
    let web = Web::logged_in(&lab);
    let answer = web.get_bytes(&format!("/phones/{}/picture", name(2)));
    let begin = answer.windows(4).position(|bytes| bytes == b"\x89PNG").unwrap();
    assert_eq!(file_digest(&answer[begin..]), shown(&lab, 2));
    web.ends();
    assert_eq!(lab.read(&["report", "last", "-o", "page.html"]).code, 0);
    let page = std::fs::read_to_string(lab.path("page.html")).unwrap();
    for n in [1, 2, 4] {
        assert!(page.contains(&format!("alt=\"The picture of {}: ", name(n))), "{n}");
    }
    // The journal draws what a phone showed before again.
    let ended = lab.without_picture("revert", &["last", "--pictures", "--yes", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(shown(&lab, 2), expected(&lab, 683, "חדר ישיבות 4\nFloor 4, help desk 5555"));
}

#[test]
fn a_watch_pushes_to_a_phone_whose_description_changes_and_to_no_other() {
    let lab = Lab::new(fleet());
    let mut running = watching(&lab, &["--text", "{description}"]);
    running.says("run 1: 4 phones verified, 0 failed");
    lab.cluster.change(Change::Bulk(1));
    running.says("1 phone to serve");
    running.says("run 2: 1 phone verified, 0 failed");
    let mut counts: Vec<usize> = pushes_of(&lab).into_values().collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 1, 2]);
    ends(running);
}

#[test]
fn rules_have_words_of_their_own() {
    let lab = Lab::new(fleet());
    let picture = lab.picture();
    let picture = picture.file_name().unwrap().to_str().unwrap();
    data(&lab);
    let rules = format!(
        "[[image]]\nmodel = \"7975\"\nfile = \"{picture}\"\n[[image]]\nfile = \"{picture}\"\n\
         text = \"{{description|nobody}}\\nFloor {{csv:floor}}\"\ndata = \"floors.csv\"\ntext_size = 8\ntext_position = \"top\"\n"
    );
    std::fs::write(lab.path("config.toml"), rules).unwrap();
    let (pin, port) = (lab.cluster.cert_sha256(), lab.cluster.phone_port().to_string());
    let own = ["rollout", "--yes", "--json", "--pin-sha256", &pin, "--phone-port", &port];
    let mut program = lab.program(&[&own[..], &["--verify-timeout", "2"]].concat());
    program.env("AXLPAPER_CONFIG", lab.path("config.toml"));
    let ended = crate::lab::end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let words = |n| phone(&document, &name(n))["words"].clone();
    assert_eq!(words(1)["text"], "Front desk {mac}\nFloor 3");
    assert_eq!(words(1)["text_position"], "top");
    assert_eq!(words(3)["text"], "nobody");
    assert_eq!(words(4), Value::Null);
    assert_eq!(shown(&lab, 4), expected(&lab, 437, ""));
    assert_ne!(shown(&lab, 1), shown(&lab, 2));
}

#[test]
fn wrong_words_are_errors_before_anything_is_asked() {
    let lab = Lab::new(fleet());
    lab.push("rollout", &["--text", "{descripton}"]).fails(2, &["{descripton}", "\"description\""]);
    lab.push("rollout", &["--text", "{csv:floor}"]).fails(2, &["--data"]);
    lab.push("rollout", &["--text-size", "8"]).fails(2, &["--text"]);
    let data = data(&lab);
    lab.push("rollout", &["--text", "{csv:flor}", "--data", &data]).fails(2, &["\"floor\""]);
    assert_eq!(pushes(&lab), 0);
}

#[test]
fn a_qr_code_without_room_is_the_failure_of_its_phones_alone() {
    let mut fleet = fleet();
    fleet.phones[0].description = "x".repeat(400);
    let lab = Lab::new(fleet);
    let (_, document) = lab.rollout(&["--qr", "https://assets.example.com/{description}"]);
    assert_eq!(outcome(&document, &name(2)), "verified");
    let first = phone(&document, &name(1));
    assert_eq!(first["outcome"], "verified", "{first}");
    let (_, document) = lab
        .rollout(&["--qr", "https://assets.example.com/{description}{description}{description}"]);
    let first = phone(&document, &name(1));
    assert_eq!(first["outcome"], "excluded", "{first}");
    assert!(first["reason"].as_str().unwrap().contains("bytes fit"), "{first}");
}

#[test]
fn image_prepare_shows_real_phones() {
    let lab = Lab::new(fleet());
    let (picture, data, folder) = (lab.picture(), data(&lab), lab.path("out"));
    let own = [
        "image",
        "prepare",
        picture.to_str().unwrap(),
        "-o",
        folder.to_str().unwrap(),
        "--squeeze",
        "0",
    ];
    let first = name(1);
    let wanted = [&own[..], &TEXT, &["--data", &data, "--for", &first, "--name", "x"]].concat();
    let ended = lab.run(&wanted);
    assert_eq!(ended.code, 0, "{ended:?}");
    let file = image::open(folder.join(format!("x-{}.png", name(1)))).unwrap();
    assert_eq!((file.width(), file.height()), (800, 480));
    assert!(!folder.join("x-320x216x16.png").exists(), "only the model of that phone");
    let host = lab.cluster.axl_addr().to_string();
    let all = [&own[..], &TEXT, &["--data", &data, "--host", &host, "--name", "y"]];
    let ended = lab.run(&all.concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    let sheet = std::fs::read_to_string(folder.join("y-contact-sheet.html")).unwrap();
    for example in ["the longest words", "right to left", "an empty field"] {
        assert!(sheet.contains(example), "{example}");
    }
    let without_cluster = [&own[..], &["--text", "x", "--model", "8841", "--name", "z"]].concat();
    lab.read(&without_cluster).fails(2, &["--for"]);
}
