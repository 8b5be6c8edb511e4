//! The URIs that a phone carries out, as far as axlpaper lets them through.
//!
//! Names and forms are those of the chapter "Internal URI Features" of Cisco's "IP Phone Services Application
//! Development Notes" (edition of August 2026), which tells too which of them an Execute object may hold. Some
//! more `Init:` names are those that published key scripts use.

use crate::domain::text::quoted;
use crate::phone::Execute;

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UriError {
    #[error("{} is no URI that phones know{}", quoted(uri), meant(near.as_deref()))]
    Unknown {
        uri: String,
        /// The one that is most like it.
        near: Option<String>,
    },
    /// A number that is not there.
    #[error("{}: the number goes from {first} to {last}", quoted(uri))]
    OutOfRange { uri: String, first: u32, last: u32 },
    /// The text behind the colon is invalid.
    #[error("{}: {why}", quoted(uri))]
    BadValue { uri: String, why: &'static str },
    /// Phones know it, but it is not let through.
    #[error("{} is not sent: {why}", quoted(uri))]
    NotSent { uri: String, why: &'static str },
    #[error(
        "it is no sound: give the name of a file at the TFTP root, such as Chime.raw, or Play:Chime.raw"
    )]
    NoSound,
}

fn meant(near: Option<&str>) -> String {
    near.map(|near| format!(", perhaps {near} is meant")).unwrap_or_default()
}

/// Makes sure that a URI is one that phones know and that may be sent.
///
/// # Errors
/// Says what is wrong with it, and which one is most like it.
pub(crate) fn check(uri: &str) -> Result<(), UriError> {
    let (scheme, value) = uri.split_once(':').unwrap_or((uri, ""));
    let bad = |why| Err(UriError::BadValue { uri: uri.to_owned(), why });
    match scheme {
        "Key" => key(uri, value),
        "Init" if INITS.contains(&value) => Ok(()),
        "Play" if is_file(value) => Ok(()),
        "Play" => bad("it takes the name of one file at the TFTP root, such as Play:Chime.raw"),
        "Display" if is_display(value) => Ok(()),
        "Display" => {
            bad("it is Display:On:MINUTES or Display:Off:MINUTES (0 to 1440), or Display:Default")
        }
        "Dial" | "EditDial" | "SendDigits" if is_dialled(value) => Ok(()),
        "Dial" | "EditDial" | "SendDigits" => bad("it takes digits, * and #"),
        "SettingsMenu" | "Button" if !value.trim().is_empty() => Ok(()),
        "SettingsMenu" | "Button" => bad("it takes the name that the phone shows"),
        "Device" if value == "Unlock" => Ok(()),
        "http" | "https" if uri.len() > LONGEST_URL => {
            bad("phones take addresses of 256 bytes at most")
        }
        "http" | "https" if value.strip_prefix("//").is_some_and(|rest| !rest.is_empty()) => Ok(()),
        "RTPRx" | "RTPTx" | "RTPMRx" | "RTPMTx" => {
            let why = "it would open a sound channel to or from the phone, and axlpaper opens none";
            Err(UriError::NotSent { uri: uri.to_owned(), why })
        }
        "SoftKey" | "Notify" | "QueryStringParam" => {
            let why = "phones do not take it in an Execute object";
            Err(UriError::NotSent { uri: uri.to_owned(), why })
        }
        _ => Err(UriError::Unknown { uri: uri.to_owned(), near: nearest(uri) }),
    }
}

/// Tells whether it is an address rather than a URI of the phone itself.
pub(crate) fn is_address(uri: &str) -> bool {
    uri.starts_with("http://") || uri.starts_with("https://")
}

fn key(uri: &str, name: &str) -> Result<(), UriError> {
    if KEYS.contains(&name) {
        return Ok(());
    }
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &name[letters.len()..];
    let series = NUMBERED.iter().find(|(series, ..)| *series == letters && !number.is_empty());
    match series {
        Some((_, first, last)) => match number.parse::<u32>() {
            Ok(n) if (*first..=*last).contains(&n) && n.to_string() == number => Ok(()),
            Ok(_) | Err(_) => {
                Err(UriError::OutOfRange { uri: uri.to_owned(), first: *first, last: *last })
            }
        },
        None => Err(UriError::Unknown { uri: uri.to_owned(), near: nearest(uri) }),
    }
}

/// Returns the URI that is most like this one, if one is.
fn nearest(uri: &str) -> Option<String> {
    let number: String = uri.chars().filter(char::is_ascii_digit).collect();
    let keys = KEYS.iter().map(|name| format!("Key:{name}"));
    let numbered = NUMBERED.iter().map(|(name, first, last)| {
        let n = number.parse().ok().filter(|n| (*first..=*last).contains(n)).unwrap_or(*first);
        format!("Key:{name}{n}")
    });
    let inits = INITS.iter().map(|name| format!("Init:{name}"));
    let others = OTHERS.iter().map(|uri| (*uri).to_owned());
    let wanted = uri.to_lowercase();
    // Somebody may have written the name of the key alone.
    let likeness = |known: &str| {
        let known = known.to_lowercase();
        let alone = known.split_once(':').map_or("", |(_, name)| name);
        strsim::jaro_winkler(&wanted, &known).max(strsim::jaro_winkler(&wanted, alone))
    };
    // Of equals the last one counts.
    let known = others.chain(inits).chain(numbered).chain(keys);
    known
        .map(|known| (likeness(&known), known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

fn is_file(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '\\' | ':' | '<' | '>' | '"');
    !name.is_empty() && name.len() <= LONGEST_FILE && name.chars().all(plain)
}

fn is_display(value: &str) -> bool {
    let minutes = value.strip_prefix("On:").or_else(|| value.strip_prefix("Off:"));
    value == "Default" || minutes.is_some_and(|m| m.parse::<u32>().is_ok_and(|m| m <= 1440))
}

fn is_dialled(value: &str) -> bool {
    let digits = value.split(':').next().unwrap_or_default();
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || "#*ABCD,".contains(c))
}

const _: () = assert!(Execute::MOST_ITEMS == 3);

const KEYS: &[&str] = &[
    "AppMenu",
    "Applications",
    "Conference",
    "Contacts",
    "Directories",
    "Headset",
    "Hold",
    "Info",
    "KEMPage",
    "KemPage",
    "KeyPadPound",
    "KeyPadStar",
    "Key_Asterisk",
    "Key_NumberSign",
    "Key_Period",
    "Messages",
    "Mute",
    "NavBack",
    "NavDwn",
    "NavLeft",
    "NavOffhook",
    "NavOnhook",
    "NavRight",
    "NavSelect",
    "NavUp",
    "Offhook",
    "Onhook",
    "PTT",
    "Release",
    "Services",
    "Settings",
    "Speaker",
    "Transfer",
    "VolDown",
    "VolDwn",
    "VolUp",
];

/// Keys with a number behind their name: the first and the last one.
const NUMBERED: &[(&str, u32, u32)] = &[
    ("Feature", 1, 120),
    ("FixedFeature", 1, 3),
    ("KeyPad", 0, 9),
    ("Key_", 0, 9),
    ("Line", 1, 120),
    ("Session", 1, 6),
    ("Soft", 1, 5),
];

const INITS: &[&str] =
    &["Applications", "CallHistory", "Directories", "Messages", "Services", "Settings"];

/// What else may be meant, with an example of a value.
const OTHERS: &[&str] =
    &["Device:Unlock", "Display:Default", "Display:On:10", "Play:Chime.raw", "Button:Back"];

/// Cisco's schema of the objects, as chan-sccp has it: longest URL, in bytes.
const LONGEST_URL: usize = 256;

/// Longest name of a sound, in bytes; the ring list has 25, but a sound need not stand there.
const LONGEST_FILE: usize = 127;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_uris_are_let_through() {
        for uri in [
            "Key:Settings",
            "Key:KeyPad0",
            "Key:KeyPadStar",
            "Key:Soft5",
            "Key:Line120",
            "Key:Key_7",
            "Init:Services",
            "Play:Chime.raw",
            "Play:Stop",
            "Display:On:0",
            "Display:Off:1440",
            "Display:Default",
            "Dial:1000",
            "Dial:9,1:1:Cisco/Dialer",
            "SettingsMenu:About this device",
            "Button:Back",
            "Device:Unlock",
            "http://10.0.0.1/x.xml",
        ] {
            assert_eq!(check(uri), Ok(()), "{uri}");
        }
    }

    #[test]
    fn unknown_ones_say_what_is_most_like_them() {
        for (uri, near) in [
            ("Key:Setings", "Key:Settings"),
            ("key:settings", "Key:Settings"),
            ("Key:NavDown", "Key:NavDwn"),
            ("Key:Keypad5", "Key:KeyPad5"),
            ("Settings", "Key:Settings"),
            ("Init:Service", "Init:Services"),
            ("Key:VolDn", "Key:VolDwn"),
        ] {
            let error = check(uri).unwrap_err();
            assert!(error.to_string().contains(near), "{uri}: {error}");
        }
        assert_eq!(check("xyz").unwrap_err().to_string(), "\"xyz\" is no URI that phones know");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (uri, word) in [
            ("Key:Soft6", "from 1 to 5"),
            ("Key:Soft0", "from 1 to 5"),
            ("Key:Line007", "from 1 to 120"),
            ("Key:KeyPad10", "from 0 to 9"),
            ("Display:On:1441", "1440"),
            ("Play:a/b.raw", "TFTP root"),
            ("Play:", "TFTP root"),
            ("Dial:home", "digits"),
            ("RTPMRx:239.1.1.1:20480", "sound channel"),
            ("SoftKey:Exit", "Execute object"),
            ("Key:", "no URI"),
            ("", "no URI"),
        ] {
            let error = check(uri).unwrap_err().to_string();
            assert!(error.contains(word), "{uri}: {error}");
        }
        assert!(check(&format!("http://{}", "x".repeat(250))).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "\\PC{0,40}", known in proptest::sample::select(KEYS)) {
            let _judged = check(&text).is_ok();
            let key = format!("Key:{known}");
            prop_assert_eq!(check(&key), Ok(()));
            // One letter more is never a key, unless it is a number.
            let longer = format!("{key}x");
            prop_assert!(check(&longer).is_err());
        }
    }
}
