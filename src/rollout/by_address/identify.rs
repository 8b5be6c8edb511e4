//! Who answers at an address: asking is apart from deciding what follows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use futures::stream::{StreamExt as _, iter};

use crate::domain::device_name::DeviceName;
use crate::domain::model::{self, Model};
use crate::domain::nat::DownloadSources;
use crate::domain::payload_kind::{AcceptedFormat, ObjectKind};
use crate::event::{Event, Observer, Outcome, PhoneResult, Stage};
use crate::phone::{
    Cause, DeviceInformation, Https, IdentityError, PhoneClient, Unreachable, who_is_there,
};
use crate::push::{LoginCheck, Target};

/// A phone that is known by its address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AddressEntry {
    /// Where it answers.
    pub address: IpAddr,
    /// Its model, where that was said.
    pub model: Option<&'static Model>,
    /// Its device name, where that was said.
    pub name: Option<DeviceName>,
}

/// Tells whether a name is an address in place of a name.
pub fn is_address(name: &DeviceName) -> bool {
    name.as_str().parse::<IpAddr>().is_ok()
}

/// What came of asking a phone who it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Identity {
    /// It was not asked, because everything that counts was typed.
    NotAsked,
    /// What it answered.
    Told(DeviceInformation),
    /// Something else answered, with this HTTP status.
    NoPhone(u16),
    /// No answer that could be read, or no connection that could be trusted.
    Silent {
        /// What happened.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
}

/// How to go about asking.
#[derive(Clone, Copy, Debug)]
pub struct Identification<'a> {
    /// How phones are reached that want HTTPS, where that is known.
    pub https: Option<&'a Https>,
    /// Phones that are asked at once.
    pub at_once: usize,
    /// How often one is asked that does not answer.
    pub attempts: u32,
    /// How long it is left in peace between.
    pub delay: Duration,
}

/// Asks those whose name or model is not known; no password is sent.
pub async fn ask(
    object: ObjectKind,
    entries: &[AddressEntry],
    phones: &PhoneClient,
    asking: Identification<'_>,
    observer: &dyn Observer,
) -> Vec<(AddressEntry, Identity)> {
    let stage = Stage::Identities;
    observer.observe(&Event::Started { stage, total: Some(entries.len() as u64) });
    let mut answers = iter(entries.iter().cloned())
        .map(|entry| async move {
            let said = match (&entry.name, entry.model) {
                (Some(_), Some(_)) => Identity::NotAsked,
                // Whichever device it is, it accepts nothing of that.
                (None, Some(model)) if AcceptedFormat::of(object, model).is_none() => {
                    Identity::NotAsked
                }
                (None, _) | (_, None) => ask_one(&entry, phones, asking).await,
            };
            (entry, said)
        })
        .buffer_unordered(asking.at_once);
    let mut asked = Vec::with_capacity(entries.len());
    while let Some(answer) = answers.next().await {
        asked.push(answer);
        observer.observe(&Event::Progress { stage, done: asked.len() as u64 });
    }
    observer.observe(&Event::Finished { stage });
    asked
}

async fn ask_one(
    entry: &AddressEntry,
    phones: &PhoneClient,
    asking: Identification<'_>,
) -> Identity {
    let mut attempt = 1;
    loop {
        match who_is_there(phones, asking.https, entry.address).await {
            Ok(told) => return Identity::Told(told),
            Err(IdentityError::NotThere { status }) => return Identity::NoPhone(status),
            Err(IdentityError::MovedToHttps { .. }) => {
                return Identity::Silent {
                    reason:
                        "the phone requires HTTPS, but no trust is configured for its certificate"
                            .to_owned(),
                    remedy:
                        "push again with --phone-ca-file FILE, or with --phone-tls pin-first-use"
                            .to_owned(),
                };
            }
            Err(IdentityError::Unreachable(why)) if attempt >= asking.attempts => {
                return silent(entry, &why);
            }
            Err(IdentityError::Unreachable(_)) => tokio::time::sleep(asking.delay).await,
        }
        attempt += 1;
    }
}

fn silent(entry: &AddressEntry, why: &Unreachable) -> Identity {
    let remedy = match &why.cause {
        Cause::Tls(problem) => match &entry.name {
            Some(name) => problem.remedy(name.as_str()),
            None => problem.remedy(&entry.address.to_string()),
        },
        Cause::Refused
        | Cause::TimedOut
        | Cause::Reset
        | Cause::NoRoute
        | Cause::NotHttp
        | Cause::Other(_) => {
            "check the address, Web Access and the network path to the phone, then push again"
                .to_owned()
        }
    };
    Identity::Silent { reason: why.to_string(), remedy }
}

/// Decides who is pushed to, and how the others end. No two of them have one name.
///
/// With `check`, a device that does not say who it is is left alone.
pub fn sort_out(
    object: ObjectKind,
    mut asked: Vec<(AddressEntry, Identity)>,
    check: bool,
) -> (Vec<Target>, Vec<PhoneResult>) {
    // Answers come in any order, and who is first decides where two say the same name.
    asked.sort_by_key(|(entry, _)| entry.address);
    let typed = asked.iter().filter_map(|(entry, _)| Some((entry.name.clone()?, entry.address)));
    // Names that were typed come before those that phones say.
    let mut names: HashMap<DeviceName, IpAddr> = typed.collect();
    let (mut targets, mut left) = (Vec::new(), Vec::new());
    for (entry, said) in &asked {
        let own = name(entry, said);
        let other = own.as_ref().map(|own| *names.entry(own.clone()).or_insert(entry.address));
        let decided = match (own, other.filter(|other| *other != entry.address)) {
            (Some(own), Some(other)) => Err(also_there(&own, other)),
            (own, None) => target(object, entry, said, own, check),
            (None, Some(_)) => target(object, entry, said, None, check),
        };
        match decided {
            Ok(target) => targets.push(target),
            Err(why) => left.push(result(object, entry, said, why)),
        }
    }
    (targets, left)
}

/// Why a phone is not pushed to.
struct Why {
    name: Option<DeviceName>,
    outcome: Outcome,
    reason: String,
    remedy: Cow<'static, str>,
}

fn target(
    object: ObjectKind,
    entry: &AddressEntry,
    said: &Identity,
    own: Option<DeviceName>,
    check: bool,
) -> Result<Target, Why> {
    let why = |outcome, reason, remedy| Why { name: own.clone(), outcome, reason, remedy };
    match said {
        Identity::Silent { reason, remedy } => {
            return Err(why(Outcome::Unreachable, reason.clone(), remedy.clone().into()));
        }
        Identity::NoPhone(status) if check => {
            let reason = format!(
                "something that is no phone (HTTP {status}) answers at its address; nothing was sent to it"
            );
            return Err(why(Outcome::WrongDevice, reason, SAYS_NOTHING.into()));
        }
        Identity::Told(_) if check && own.is_none() => {
            let reason = "it does not identify itself; nothing was sent to it".to_owned();
            return Err(why(Outcome::WrongDevice, reason, SAYS_NOTHING.into()));
        }
        Identity::NotAsked | Identity::Told(_) | Identity::NoPhone(_) => {}
    }
    let (model, accepts) = accepts(object, entry, said)
        .map_err(|(outcome, reason, remedy)| why(outcome, reason, remedy.into()))?;
    Ok(Target {
        picture: String::new(),
        words: None,
        name: own.unwrap_or_else(|| DeviceName::of_address(entry.address)),
        model: model.name.to_owned(),
        device_pool: String::new(),
        ip: entry.address,
        accepts,
        // Unknown. Three in a row must accept before more than one is asked, as everywhere.
        https: false,
        login_check: LoginCheck::Cluster,
        recently_changed: false,
        sources: DownloadSources::of([entry.address]),
    })
}

/// Finds the model and what it takes.
fn accepts(
    object: ObjectKind,
    entry: &AddressEntry,
    said: &Identity,
) -> Result<(&'static Model, AcceptedFormat), (Outcome, String, &'static str)> {
    let told = product(said);
    // Whatever the user says about the model.
    if let Some(told) = told.filter(|told| model::is_multiplatform(told)) {
        let reason = format!("{told} runs multiplatform firmware, which takes no push");
        return Err((
            Outcome::of_other_model(object),
            reason,
            "nothing; it is no phone of Unified CM",
        ));
    }
    let model = match (entry.model, told.and_then(model::by_product)) {
        (Some(typed), Some(own)) if is_another(object, typed, own) => {
            let reason = format!(
                "a {} answers at its address, and not a {}; nothing was sent to it",
                own.name, typed.name
            );
            return Err((Outcome::WrongDevice, reason, "check the address and the model"));
        }
        (Some(model), _) | (None, Some(model)) => model,
        (None, None) => {
            let reason = match told {
                Some(told) => format!("it reports the model {told}, which is not known"),
                None => "it does not report its model".to_owned(),
            };
            return Err((Outcome::NeedsWork, reason, NAME_ITS_MODEL));
        }
    };
    let accepts = AcceptedFormat::of(object, model).ok_or_else(|| {
        let what = match object {
            ObjectKind::Background => "no background can be pushed to",
            ObjectKind::RingTone => "no source confirms that a ring tone can be pushed to",
            ObjectKind::Play | ObjectKind::Keys => {
                "no source confirms that keys and sounds can be sent to"
            }
        };
        let reason = format!("{what} a {}", model.name);
        (
            Outcome::of_other_model(object),
            reason,
            "nothing; `axlpaper models` lists what models take",
        )
    })?;
    Ok((model, accepts))
}

/// Tells whether two models differ in what counts. What keys do depends on the model itself.
fn is_another(object: ObjectKind, typed: &Model, own: &Model) -> bool {
    match object {
        ObjectKind::Keys => typed.number != own.number,
        ObjectKind::Background | ObjectKind::RingTone | ObjectKind::Play => {
            AcceptedFormat::of(object, typed) != AcceptedFormat::of(object, own)
        }
    }
}

/// Returns the name that was typed, or the phone's own.
fn name(entry: &AddressEntry, said: &Identity) -> Option<DeviceName> {
    let own = || match said {
        Identity::Told(told) => own_name(told),
        Identity::NotAsked | Identity::NoPhone(_) | Identity::Silent { .. } => None,
    };
    entry.name.clone().or_else(own)
}

fn own_name(told: &DeviceInformation) -> Option<DeviceName> {
    let host = told.host_name.as_deref().and_then(|name| name.parse::<DeviceName>().ok());
    let mac = || told.mac.as_ref().and_then(|mac| format!("SEP{mac}").parse().ok());
    // Some devices give an address there, which does not identify them.
    host.filter(|name| !is_address(name)).or_else(mac)
}

fn product(said: &Identity) -> Option<&str> {
    match said {
        Identity::Told(told) => told.model_number.as_deref(),
        Identity::NotAsked | Identity::NoPhone(_) | Identity::Silent { .. } => None,
    }
}

fn also_there(name: &DeviceName, other: IpAddr) -> Why {
    Why {
        name: None,
        outcome: Outcome::Excluded,
        reason: format!("it identifies itself as {name}, which is pushed to at {other}"),
        remedy: "check which of the two addresses is right".into(),
    }
}

fn result(object: ObjectKind, entry: &AddressEntry, said: &Identity, why: Why) -> PhoneResult {
    let told = product(said).unwrap_or_default();
    let name = why.name.unwrap_or_else(|| DeviceName::of_address(entry.address));
    PhoneResult {
        model: entry.model.map_or(told, |model| model.name).to_owned(),
        ip: Some(entry.address),
        reason: Some(why.reason),
        remedy: Some(why.remedy.into_owned()),
        ..PhoneResult::not_tried(name, object, why.outcome)
    }
}

const SAYS_NOTHING: &str = "check the address; --no-identity-check pushes to it all the same";
const NAME_ITS_MODEL: &str = "name its model with --model or in the file";

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(last: u8, model: &str, name: &str) -> AddressEntry {
        AddressEntry {
            address: [10, 0, 0, last].into(),
            model: model::by_product(model),
            name: name.parse().ok(),
        }
    }

    fn told(host: &str, model: &str) -> Identity {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Identity::Told(DeviceInformation {
            host_name: some(host),
            model_number: some(model),
            ..DeviceInformation::default()
        })
    }

    /// The name and model of a target, or how it ended and why.
    fn one(
        entry: AddressEntry,
        said: Identity,
        check: bool,
    ) -> Result<(String, String), (Outcome, String)> {
        let (mut targets, mut left) = sort_out(ObjectKind::Background, vec![(entry, said)], check);
        assert_eq!(targets.len() + left.len(), 1);
        match targets.pop() {
            Some(target) => Ok((target.name.to_string(), target.model)),
            None => {
                let left = left.remove(0);
                assert!(left.remedy.is_some());
                Err((left.outcome, left.reason.unwrap()))
            }
        }
    }

    fn target(name: &str, model: &str) -> Result<(String, String), (Outcome, String)> {
        Ok((name.to_owned(), model.to_owned()))
    }

    #[test]
    fn what_is_not_typed_is_taken_from_the_phone() {
        assert_eq!(
            one(entry(1, "8841", "SEP1"), Identity::NotAsked, true),
            target("SEP1", "Cisco 8841")
        );
        assert_eq!(one(entry(1, "8841", ""), told("SEP9", ""), true), target("SEP9", "Cisco 8841"));
        assert_eq!(
            one(entry(1, "", ""), told("SEP9", "CP-7965G"), true),
            target("SEP9", "Cisco 7965")
        );
        let by_mac = Identity::Told(DeviceInformation {
            host_name: Some("10.0.0.1".into()),
            mac: Some("0011223344AA".into()),
            ..DeviceInformation::default()
        });
        assert_eq!(
            one(entry(1, "8841", ""), by_mac, true),
            target("SEP0011223344AA", "Cisco 8841")
        );
    }

    #[test]
    fn who_does_not_say_who_it_is_gets_nothing_unless_that_is_wanted() {
        for said in [told("", "CP-8841"), Identity::NoPhone(404)] {
            let (outcome, reason) = one(entry(1, "8841", ""), said.clone(), true).unwrap_err();
            assert_eq!(outcome, Outcome::WrongDevice);
            assert!(reason.contains("nothing was sent"), "{reason}");
            assert_eq!(one(entry(1, "8841", ""), said, false), target("10.0.0.1", "Cisco 8841"));
        }
        for check in [true, false] {
            let silent = one(
                entry(1, "8841", ""),
                Identity::Silent { reason: "no answer".into(), remedy: "look".into() },
                check,
            );
            assert_eq!(silent, Err((Outcome::Unreachable, "no answer".into())));
        }
    }

    #[test]
    fn a_model_that_is_not_known_or_shows_nothing_is_skipped() {
        use Outcome::{NeedsWork, NoBackground};
        // Whatever the user says about its model.
        for typed in ["", "8841"] {
            let (outcome, reason) =
                one(entry(1, typed, ""), told("SEP1", "CP-8841-3PCC"), true).unwrap_err();
            assert_eq!(outcome, NoBackground);
            assert!(reason.contains("multiplatform firmware"), "{reason}");
        }
        for (said, expected, words) in [
            (told("SEP1", ""), NeedsWork, "does not report its model"),
            (told("SEP1", "CP-9999"), NeedsWork, "CP-9999, which is not known"),
            (told("SEP1", "CP-7841"), NoBackground, "no background can be pushed to a Cisco 7841"),
        ] {
            let (outcome, reason) = one(entry(1, "", ""), said, true).unwrap_err();
            assert_eq!(outcome, expected);
            assert!(reason.contains(words), "{reason}");
        }
        for name in ["SEP1", ""] {
            let (outcome, _) = one(entry(1, "7841", name), Identity::NotAsked, true).unwrap_err();
            assert_eq!(outcome, NoBackground);
        }
    }

    #[test]
    fn a_phone_that_takes_other_pictures_is_another_phone() {
        let (outcome, reason) =
            one(entry(1, "8841", ""), told("SEP1", "CP-7965G"), false).unwrap_err();
        assert_eq!(outcome, Outcome::WrongDevice);
        assert!(reason.contains("a Cisco 7965 answers") && reason.contains("a Cisco 8841"));
        // One with the same pictures will do.
        assert!(one(entry(1, "8841", ""), told("SEP1", "CP-8851"), true).is_ok());
    }

    #[test]
    fn no_two_results_have_one_name() {
        let asked = vec![
            (entry(3, "8841", ""), told("SEP1", "")),
            (entry(2, "8841", ""), told("sep1", "")),
            (entry(4, "8841", "SEP2"), Identity::NotAsked),
            (entry(1, "8841", ""), told("SEP2", "")),
        ];
        let (targets, left) = sort_out(ObjectKind::Background, asked, true);
        let names: Vec<String> = targets.iter().map(|target| target.name.to_string()).collect();
        assert_eq!(names, ["sep1", "SEP2"]);
        let left: Vec<_> = left.iter().map(|phone| (phone.name.as_str(), phone.outcome)).collect();
        assert_eq!(left, [("10.0.0.1", Outcome::Excluded), ("10.0.0.3", Outcome::Excluded)]);
    }
}
