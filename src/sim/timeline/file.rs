//! Reads the file of a timeline.
//!
//! The file is read as a tree with places, so that errors name the line, and know which keys a table can have.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use super::event::{Drawn, Event};
use crate::domain::model::{self, UnknownModel};
use crate::domain::selector::near;
use crate::domain::text::{duration, line_of, quoted, sanitize_truncate};
use crate::sim::config::{ChangeNotification, PUSH_USER};
use crate::sim::fleet::Random;
use crate::sim::fleet_content::{AccountState, Address, PhoneSpec, Registration};
use crate::sim::scheduled_change::Change;
use crate::sim::values::named_setting;

/// What a file says.
#[derive(Debug)]
pub(super) struct File {
    pub(super) speed: f64,
    pub(super) events: Vec<Event>,
}

/// What is wrong in a timeline file.
#[derive(Debug, Eq, PartialEq)]
pub struct TimelineError {
    /// From 1.
    line: usize,
    /// Which event it is, from 1; nothing where it is none.
    event: Option<usize>,
    mistake: Mistake,
}

impl std::error::Error for TimelineError {}

impl fmt::Display for TimelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(event) = self.event {
            write!(f, ", event {event}")?;
        }
        write!(f, ": {}", self.mistake)
    }
}

#[derive(Debug, Eq, PartialEq, thiserror::Error)]
enum Mistake {
    #[error("{0}")]
    NotToml(String),
    #[error("it has no [[event]]")]
    Empty,
    #[error("the key {} is not known{}; the keys here are {}", quoted(.key), did_you_mean(.near.as_deref()), .known.join(", "))]
    UnknownKey { key: String, near: Option<String>, known: Vec<&'static str> },
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{key}` is not usable: write {expected}")]
    Value { key: String, expected: &'static str },
    #[error("it has both `{first}` and `{second}`: write one [[event]] for each")]
    Two { first: String, second: String },
    #[error("it does not say what happens: write one of {}", kinds().join(", "))]
    NoKind,
    #[error(
        "its time is before that of the event above it: write events in the order of their times"
    )]
    Order,
    #[error(transparent)]
    Model(UnknownModel),
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// Reads a file; the seed chooses phones.
pub(super) fn read(text: &str, seed: u64) -> Result<File, TimelineError> {
    let root = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        let what = sanitize_truncate(&error.message().trim_end().replace('\n', ", "), LONGEST);
        TimelineError { line, event: None, mistake: Mistake::NotToml(what) }
    })?;
    let place = Place { text, event: None };
    let root = Fields::of(place, root.span().start, root.get_ref(), &["speed", "event"])?;
    let speed = match root.value("speed") {
        None => 1.0,
        Some(value) => speed(value.get_ref()).ok_or_else(|| root.wrong("speed", value, SPEED))?,
    };
    let Some(rows) = root.value("event") else { return Err(place.mistake(0, Mistake::Empty)) };
    let DeValue::Array(rows) = rows.get_ref() else {
        return Err(root.wrong("event", rows, "each event as a table [[event]]"));
    };
    let mut random = Random::new(seed);
    let mut events: Vec<Event> = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let place = Place { text, event: Some(at + 1) };
        let start = row.span().start;
        let DeValue::Table(table) = row.get_ref() else {
            return Err(root.wrong("event", row, "each event as a table [[event]]"));
        };
        let known = [&["at"], kinds().as_slice()].concat();
        let event = event(&Fields::of(place, start, table, &known)?, random.next())?;
        if events.last().is_some_and(|before| before.at > event.at) {
            return Err(place.mistake(start, Mistake::Order));
        }
        events.push(event);
    }
    Ok(File { speed, events })
}

fn speed(value: &DeValue<'_>) -> Option<f64> {
    let whole = value.as_integer().map(DeInteger::as_str);
    let text = whole.or_else(|| value.as_float().map(DeFloat::as_str))?;
    text.parse().ok().filter(|speed| (0.001..=1_000_000.0).contains(speed))
}

fn event(fields: &Fields<'_>, seed: u64) -> Result<Event, TimelineError> {
    let at = fields.required("at", Fields::duration)?;
    let mut given = KINDS.iter().filter(|(kind, _)| fields.value(kind).is_some());
    let Some(&(kind, keys)) = given.next() else { return Err(fields.mistake(Mistake::NoKind)) };
    if let Some((second, _)) = given.next() {
        let (first, second) = (kind.to_owned(), (*second).to_owned());
        return Err(fields.mistake(Mistake::Two { first, second }));
    }
    let user = || PUSH_USER.to_owned();
    let change = match kind {
        "axl_restart" => Change::AxlRestart(fields.required(kind, Fields::duration)?),
        "bulk" => Change::Bulk(fields.required(kind, Fields::count)?),
        "list_change" => match fields.required(kind, Fields::text)?.as_str() {
            "on" => Change::ListChange(ChangeNotification::On),
            "off" => Change::ListChange(ChangeNotification::OffWithFault),
            "overrun" => Change::ListChangeOverrun,
            _ => return Err(fields.wrong_key(kind, "on, off or overrun")),
        },
        "push_user_locked" => {
            let locked = fields.required(kind, Fields::truth)?;
            let state =
                if locked { AccountState::LockedByAdministrator } else { AccountState::Active };
            Change::AccountState { user: user(), state }
        }
        "push_user_password" => {
            Change::Password { user: user(), password: fields.required(kind, Fields::text)? }
        }
        "ris_down" => Change::RisDown(fields.required(kind, Fields::duration)?),
        _ => {
            let (change, drawn) = change(kind, &fields.table(kind, keys)?, seed)?;
            return Ok(Event { at, change, drawn });
        }
    };
    Ok(Event { at, change, drawn: None })
}

/// Reads an event whose kind has a table.
fn change(
    kind: &str,
    fields: &Fields<'_>,
    seed: u64,
) -> Result<(Change, Option<Drawn>), TimelineError> {
    match kind {
        "add" => return Ok((added(fields)?, None)),
        "profile" => {
            let profile = fields.required("name", Fields::text)?;
            let setting = fields.required("personalization", Fields::text)?;
            let setting = named_setting(&setting).ok_or_else(|| {
                fields.wrong_key("personalization", "Disabled, Enabled, HTTPS Only or Default")
            })?;
            return Ok((Change::PersonalizeProfile { profile, setting }, None));
        }
        _ => {}
    }
    let (phone, drawn) = phones(fields, seed)?;
    let register = |phone, registration| Change::Register { phone, registration };
    let change = match kind {
        "address" => Change::Readdress { phone, address: fields.optional("to", Fields::address)? },
        "associations" => {
            let user = fields.optional("user", Fields::text)?;
            Change::Dissociate { user: user.unwrap_or_else(|| PUSH_USER.to_owned()), phone }
        }
        "factory_reset" => Change::FactoryReset(phone),
        "load" => Change::Load { phone, load: fields.required("to", Fields::text)? },
        "move" => {
            let device_pool = fields.optional("device_pool", Fields::text)?;
            let profile = fields.optional("profile", Fields::text)?;
            if device_pool.is_none() && profile.is_none() {
                return Err(fields.mistake(Mistake::Missing("device_pool` or `profile")));
            }
            Change::Reconfigure { phone, device_pool, profile }
        }
        "register" => register(phone, Registration::Registered),
        "remove" => Change::Remove(phone),
        "replace" => Change::Replace { phone, by: fields.optional("by", Fields::text)? },
        "unregister" => register(phone, Registration::UnRegistered),
        // The last one of `KINDS`.
        _ => Change::PickPicture(phone),
    };
    Ok((change, drawn))
}

fn added(fields: &Fields<'_>) -> Result<Change, TimelineError> {
    let name = fields.required("name", Fields::text)?;
    let text = fields.required("model", Fields::text)?;
    let model = model::by_product(&text)
        .ok_or_else(|| fields.mistake(Mistake::Model(UnknownModel::of(&text))))?;
    let mut phone = PhoneSpec::new(name, model.number);
    let texts = [
        ("device_pool", &mut phone.device_pool),
        ("profile", &mut phone.profile),
        ("description", &mut phone.description),
    ];
    for (key, field) in texts {
        if let Some(text) = fields.optional(key, Fields::text)? {
            *field = text;
        }
    }
    phone.owner = fields.optional("owner", Fields::text)?;
    phone.extension = fields.optional("dn", Fields::text)?;
    phone.address = fields.optional("address", Fields::address)?.map_or(Address::None, Address::V4);
    if fields.optional("registered", Fields::truth)? == Some(false) {
        phone.registration = Registration::NeverSeen;
    }
    Ok(Change::Insert { position: usize::MAX, phone: Box::new(phone) })
}

/// Reads the phone that is named, or how many are chosen.
fn phones(fields: &Fields<'_>, seed: u64) -> Result<(String, Option<Drawn>), TimelineError> {
    let name = fields.optional("device", Fields::text)?;
    let phones = fields.optional("devices", Fields::count)?;
    match (name, phones) {
        (Some(name), None) => Ok((name, None)),
        (None, Some(phones)) => Ok((String::new(), Some(Drawn { phones, seed }))),
        (None, None) => Err(fields.mistake(Mistake::Missing("device` or `devices"))),
        (Some(_), Some(_)) => {
            let [first, second] = ["device", "devices"].map(str::to_owned);
            Err(fields.mistake(Mistake::Two { first, second }))
        }
    }
}

/// Where something is in the file.
#[derive(Clone, Copy)]
struct Place<'a> {
    text: &'a str,
    event: Option<usize>,
}

impl Place<'_> {
    /// `start` is the byte where it is.
    fn mistake(self, start: usize, mistake: Mistake) -> TimelineError {
        TimelineError { line: line_of(self.text, start), event: self.event, mistake }
    }
}

/// A table that has known keys alone.
struct Fields<'a> {
    place: Place<'a>,
    start: usize,
    table: &'a DeTable<'a>,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl<'a> Fields<'a> {
    /// Takes a table; refuses a key that is not `known`.
    fn of(
        place: Place<'a>,
        start: usize,
        table: &'a DeTable<'a>,
        known: &[&'static str],
    ) -> Result<Self, TimelineError> {
        let unknown = table.keys().find(|key| !known.contains(&key.get_ref().as_ref()));
        let Some(key) = unknown else { return Ok(Self { place, start, table }) };
        let start = key.span().start;
        let near = near(key.get_ref(), known.iter().copied()).into_iter().next();
        let (key, known) = (sanitize_truncate(key.get_ref(), LONGEST), known.to_vec());
        Err(place.mistake(start, Mistake::UnknownKey { key, near, known }))
    }

    fn value(&self, key: &str) -> Option<&'a Value<'a>> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn optional<T>(
        &self,
        key: &'static str,
        read: fn(&DeValue<'_>) -> Result<T, &'static str>,
    ) -> Result<Option<T>, TimelineError> {
        let value = self.value(key);
        let read = value.map(|value| {
            read(value.get_ref()).map_err(|expected| self.wrong(key, value, expected))
        });
        read.transpose()
    }

    fn required<T>(
        &self,
        key: &'static str,
        read: fn(&DeValue<'_>) -> Result<T, &'static str>,
    ) -> Result<T, TimelineError> {
        self.optional(key, read)?.ok_or_else(|| self.mistake(Mistake::Missing(key)))
    }

    /// Returns the fields of a table.
    fn table(&self, key: &'static str, known: &[&'static str]) -> Result<Self, TimelineError> {
        let Some(value) = self.value(key) else { return Err(self.mistake(Mistake::Missing(key))) };
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.wrong(
                key,
                value,
                "a table, such as { device = \"SEP0011223344AA\" }",
            ));
        };
        Fields::of(self.place, value.span().start, table, known)
    }

    fn mistake(&self, mistake: Mistake) -> TimelineError {
        self.place.mistake(self.start, mistake)
    }

    fn wrong(&self, key: &str, value: &Value<'_>, expected: &'static str) -> TimelineError {
        self.place.mistake(value.span().start, Mistake::Value { key: key.to_owned(), expected })
    }

    /// As [`wrong`](Self::wrong), for a value that was read.
    fn wrong_key(&self, key: &str, expected: &'static str) -> TimelineError {
        let start = self.value(key).map_or(self.start, |value| value.span().start);
        self.place.mistake(start, Mistake::Value { key: key.to_owned(), expected })
    }
}

/// Readers of single values; an error is what to write.
impl Fields<'_> {
    fn text(value: &DeValue<'_>) -> Result<String, &'static str> {
        let text = value.as_str().filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or("a text that is not empty, in quotes")
    }

    fn count(value: &DeValue<'_>) -> Result<usize, &'static str> {
        let number = value.as_integer().and_then(|number| number.as_str().parse().ok());
        number.filter(|number| (1..=100_000).contains(number)).ok_or("a number from 1 to 100000")
    }

    fn truth(value: &DeValue<'_>) -> Result<bool, &'static str> {
        value.as_bool().ok_or("true or false")
    }

    fn duration(value: &DeValue<'_>) -> Result<Duration, &'static str> {
        let time = value.as_str().and_then(duration).filter(|time| *time <= YEAR);
        time.ok_or(
            "a duration of at most a year with its unit, such as \"90s\", \"30m\" or \"1h30m\"",
        )
    }

    fn address(value: &DeValue<'_>) -> Result<Ipv4Addr, &'static str> {
        let address = value.as_str().and_then(|text| text.parse::<Ipv4Addr>().ok());
        let is_phone = |address: &Ipv4Addr| address.is_loopback() && address.octets()[1] > 0;
        address.filter(is_phone).ok_or("an address of 127.1.0.0 to 127.255.255.255, in quotes")
    }
}

fn kinds() -> Vec<&'static str> {
    KINDS.iter().map(|(kind, _)| *kind).collect()
}

/// What an event can be, with the keys of its table; without keys it is a single value.
const KINDS: &[(&str, &[&str])] = &[
    (
        "add",
        &[
            "name",
            "model",
            "device_pool",
            "profile",
            "description",
            "owner",
            "dn",
            "address",
            "registered",
        ],
    ),
    ("address", &["device", "devices", "to"]),
    ("associations", &["device", "devices", "user"]),
    ("axl_restart", &[]),
    ("bulk", &[]),
    ("factory_reset", &["device", "devices"]),
    ("list_change", &[]),
    ("load", &["device", "devices", "to"]),
    ("move", &["device", "devices", "device_pool", "profile"]),
    ("profile", &["name", "personalization"]),
    ("push_user_locked", &[]),
    ("push_user_password", &[]),
    ("register", &["device", "devices"]),
    ("remove", &["device", "devices"]),
    ("replace", &["device", "devices", "by"]),
    ("ris_down", &[]),
    ("unregister", &["device", "devices"]),
    ("user_picks", &["device", "devices"]),
];

const SPEED: &str = "a number from 0.001 to 1000000";
const YEAR: Duration = Duration::from_secs(366 * 86_400);

/// How many characters of the file an error shows.
const LONGEST: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        read(text, 1).unwrap_err().to_string()
    }

    #[test]
    fn a_mistake_is_named_with_its_place_and_what_to_write() {
        let cases: &[(&str, &[&str])] = &[
            ("", &["it has no [[event]]"]),
            ("speed = 1\n", &["it has no [[event]]"]),
            ("event = 3\n", &["line 1", "[[event]]"]),
            ("event = [3]\n", &["line 1", "[[event]]"]),
            ("[[event]\n", &["line 1"]),
            ("sped = 3\n", &["line 1: the key \"sped\"", "did you mean `speed`?", "speed, event"]),
            ("speed = 0\n[[event]]\n", &["line 1: `speed` is not usable", "0.001"]),
            ("speed = nan\n[[event]]\n", &["line 1: `speed` is not usable"]),
            ("[[event]]\n", &["line 1, event 1: `at` is missing"]),
            ("[[event]]\nat = 3\n", &["line 2, event 1: `at`", "such as \"90s\""]),
            ("[[event]]\nat = \"-3s\"\n", &["line 2, event 1: `at`"]),
            ("[[event]]\nat = \"1 month\"\n", &["line 2, event 1: `at`"]),
            ("[[event]]\nat = \"9999999h\"\n", &["line 2, event 1: `at`", "a year"]),
            ("[[event]]\nat = \"3s\"\n", &["does not say what happens", "factory_reset"]),
            ("[[event]]\nat = \"3s\"\nbulk = 0\n", &["line 3", "`bulk`", "from 1 to"]),
            ("[[event]]\nat = \"3s\"\nbulks = 9\n", &["line 3", "did you mean `bulk`?", "at, add"]),
            ("[[event]]\nat = \"3s\"\nbulk = 1\nris_down = \"1s\"\n", &["`bulk` and `ris_down`"]),
            ("[[event]]\nat = \"3s\"\nremove = \"SEP1\"\n", &["line 3", "a table, such as"]),
            ("[[event]]\nat = \"3s\"\nremove = {}\n", &["`device` or `devices` is missing"]),
            (
                "[[event]]\nat = \"3s\"\nremove = { devise = \"SEP1\" }\n",
                &["the key \"devise\" is not known; did you mean `device"],
            ),
            (
                "[[event]]\nat = \"3s\"\nremove = { device = \"SEP1\", devices = 2 }\n",
                &["both `device` and `devices`"],
            ),
            (
                "[[event]]\nat = \"3s\"\n\n[event.move]\ndevice = \"SEP1\"\ndevice_pol = \"HQ\"\n",
                &["line 6, event 1", "did you mean `device_pool`?"],
            ),
            (
                "[[event]]\nat = \"3s\"\nmove = { device = \"SEP1\" }\n",
                &["`device_pool` or `profile` is missing"],
            ),
            (
                "[[event]]\nat = \"3s\"\n\n[event.remove]\ndevice = \"SEP1\"\npool = \"HQ\"\n",
                &["line 6, event 1: the key \"pool\" is not known", "device, devices"],
            ),
            (
                "[[event]]\nat = \"3s\"\nadd = { name = \"SEP1\", model = \"8842\" }\n",
                &["8842", "did you mean Cisco 8841?"],
            ),
            (
                "[[event]]\nat = \"3s\"\naddress = { devices = 1, to = \"10.0.0.1\" }\n",
                &["`to` is not usable", "127.1.0.0"],
            ),
            (
                "[[event]]\nat = \"3s\"\nprofile = { name = \"a\", personalization = \"on\" }\n",
                &["`personalization`", "Disabled, Enabled"],
            ),
            ("[[event]]\nat = \"3s\"\nlist_change = \"of\"\n", &["on, off or overrun"]),
            (
                "[[event]]\nat = \"3s\"\nbulk = 1\n[[event]]\nat = \"2s\"\nbulk = 1\n",
                &["line 4, event 2: its time is before"],
            ),
        ];
        for (text, parts) in cases {
            let error = refused(text);
            for part in *parts {
                assert!(error.contains(part), "{text:?}: {part:?} is not in {error}");
            }
        }
    }

    #[test]
    fn an_event_has_the_name_of_its_kind() {
        let all = KINDS.iter().map(|&(kind, _)| {
            let inner = match kind {
                "axl_restart" | "ris_down" => "\"1m\"",
                "bulk" => "5",
                "list_change" => "\"off\"",
                "push_user_locked" => "true",
                "push_user_password" => "\"x\"",
                "add" => "{ name = \"SEP1\", model = \"8841\" }",
                "load" | "address" => "{ device = \"SEP1\", to = \"127.1.0.1\" }",
                "move" => "{ device = \"SEP1\", device_pool = \"HQ\" }",
                "profile" => "{ name = \"P\", personalization = \"HTTPS Only\" }",
                _ => "{ device = \"SEP1\" }",
            };
            (kind, format!("[[event]]\nat = \"1s\"\n{kind} = {inner}\n"))
        });
        for (kind, text) in all {
            let file = read(&text, 1).unwrap_or_else(|error| panic!("{text}: {error}"));
            let expected = match kind {
                "push_user_locked" => "account_state",
                "push_user_password" => "password",
                other => other,
            };
            assert_eq!(file.events[0].change.kind(), expected);
        }
    }
}
