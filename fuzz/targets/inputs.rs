//! What users write: scripts, selections, plans, settings and lists.

use std::path::Path;

use axlpaper::cli::lists;
use axlpaper::config::FileConfig;
use axlpaper::domain::selector::Pattern;
use axlpaper::phone::{Execute, PushObject as _};
use axlpaper::plan::{Kind, check};
use axlpaper::push::key_script::KeyScript;
use axlpaper::report::{plan_json, read_plan};
use axlpaper::sim::{Event, Timeline};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::with_text;

/// A key script: what is read can be sent, and its digest does not depend on when it is asked for.
pub fn key_script(data: &[u8]) {
    with_text(data, |text| {
        let script = match KeyScript::read(text) {
            Ok(script) => script,
            Err(error) => return drop(error.to_string()),
        };
        assert!(script.longest() > 0, "a script without a step");
        for step in script.all().flatten() {
            assert!(!step.items.is_empty(), "{step:?}");
            assert!(Execute { items: &step.items }.to_xml().is_ok(), "{step:?}");
        }
        assert_eq!(script.digest("Cisco 8841"), script.digest("Cisco 8841"));
        assert_eq!(script.digest("Cisco 8841").is_some(), script.steps("Cisco 8841").is_some());
        drop(script.dangers());
    });
}

/// A timeline: its events are in the order of their times, and the same seed reads the same ones.
pub fn timeline(data: &[u8]) {
    with_text(data, |text| {
        let read = || Timeline::read(text, 1).map(Iterator::collect::<Vec<Event>>);
        let events = match read() {
            Ok(events) => events,
            Err(error) => return drop(error.to_string()),
        };
        assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at), "{events:?}");
        assert_eq!(format!("{events:?}"), format!("{:?}", read().expect("it was read before")));
    });
}

/// A selection: a pattern without wildcards is the name that it says, and nothing else.
pub fn selector(data: &[u8]) {
    with_text(data, |text| {
        let (pattern, name) = text.split_once('\n').unwrap_or((text, text));
        let Ok(read) = Pattern::new(pattern) else { return };
        let matches = read.matches(name);
        assert_eq!(read.as_str(), pattern.trim());
        let again = Pattern::new(read.as_str()).expect("it was read before");
        assert_eq!(again.matches(name), matches);
        // Letters beyond ASCII have case rules of their own; they are tested where they are decided.
        if pattern.is_ascii() && name.is_ascii() {
            assert_eq!(matches, is_match(&tokens(pattern.trim()), name.as_bytes()), "{text:?}");
        }
    });
}

/// The characters of a pattern, and nothing for each wildcard. A backslash before a wildcard or a backslash takes
/// that character as it is; any other backslash is a character itself.
fn tokens(pattern: &str) -> Vec<Option<u8>> {
    let (mut tokens, mut bytes) = (Vec::new(), pattern.bytes().peekable());
    while let Some(byte) = bytes.next() {
        tokens.push(match byte {
            b'*' | b'%' => None,
            b'\\' => bytes.next_if(|next| b"*%\\".contains(next)).or(Some(byte)),
            _ => Some(byte),
        });
    }
    tokens
}

/// Matches in quadratic time, with one place to return to.
fn is_match(pattern: &[Option<u8>], name: &[u8]) -> bool {
    let (mut p, mut n, mut back) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(None) => {
                back = Some((p, n));
                p += 1;
            }
            Some(Some(byte)) if byte.eq_ignore_ascii_case(&name[n]) => {
                p += 1;
                n += 1;
            }
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    p = star + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(Option::is_none)
}

/// A plan file: what passes the checker survives being written and read.
pub fn plan_file(data: &[u8]) {
    with_text(data, |text| {
        let plan = match read_plan(text) {
            Ok(plan) => plan,
            Err(error) => return drop(error.to_string()),
        };
        let checked = check(&plan, Kind::Repair);
        let written =
            serde_json::to_string(&plan_json(&plan, plan.made_at)).expect("a plan is JSON");
        let again = read_plan(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
        assert_eq!(again, plan);
        assert_eq!(check(&again, Kind::Repair), checked);
    });
}

/// A config file.
pub fn config(data: &[u8]) {
    with_text(data, |text| match FileConfig::parse(text, Path::new("axlpaper.toml")) {
        Ok(config) => {
            for cluster in config.clusters() {
                drop(config.section(Some(cluster)));
            }
            drop(config.section(None));
            drop(config.pictures(TimeZone::UTC, Timestamp::UNIX_EPOCH).remarks());
        }
        Err(error) => drop(error.to_string()),
    });
}

/// A list of device names, one a line or as CSV.
pub fn device_list(data: &[u8]) {
    with_text(data, |text| match lists::devices(text, false) {
        Ok(names) => {
            assert!(!names.is_empty());
            // Quotes may be doubled in a table.
            let text = text.replace('"', "");
            // A MAC address in any notation means the phone with that address; zeros in front of a group may be left out.
            let digits = text.replace(['-', ':', '.', ' ', '0'], "").to_uppercase();
            for name in names {
                let name = name.as_str().replace('"', "");
                let of_mac = |mac| is_mac(mac) && digits.contains(&mac.replace('0', ""));
                assert!(
                    text.contains(&name) || name.get(3..).is_some_and(of_mac),
                    "{name:?} is not in the list"
                );
            }
        }
        Err(why) => {
            // The text may be a password that was typed instead of a list.
            let long = text.split_whitespace().find(|word| word.len() > 24 && why.contains(word));
            assert_eq!(long, None, "{why}");
            drop(lists::devices(text, true));
        }
    });
}

fn is_mac(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A list of addresses with models and names.
pub fn address_list(data: &[u8]) {
    with_text(data, |text| match lists::addresses(text, false) {
        Ok(count) => assert!(count > 0 && count <= text.len()),
        Err(why) => {
            let long = text.split_whitespace().find(|word| word.len() > 24 && why.contains(word));
            assert_eq!(long, None, "{why}");
            drop(lists::addresses(text, true));
        }
    });
}
