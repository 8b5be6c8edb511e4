//! Which fields of a list are shown, and in which order its rows stand.

use std::cmp::Ordering;
use std::marker::PhantomData;
use std::net::IpAddr;

use serde_json::Value;

use crate::domain::selector::near;
use crate::domain::text::quoted;
use crate::report::row::Row;

/// A choice of fields and an order of rows, checked against what a list has.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FieldSelection {
    fields: Option<Vec<&'static str>>,
    sort: Vec<Key>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Key {
    field: &'static str,
    descending: bool,
}

/// A field that a list does not have.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("there is no field {} here", quoted(name))]
pub struct UnknownField {
    pub name: String,
    /// Fields that are spelt much like it.
    pub near: Vec<String>,
    pub all: Vec<&'static str>,
}

impl FieldSelection {
    /// Checks what was typed: names of fields, and for the order names with a minus in front of those that
    /// go down. Nothing typed means the fields and the order that the list has by itself.
    ///
    /// # Errors
    /// When the list has no such field.
    pub fn of<T: Row>(fields: &[String], sort: &[String]) -> Result<Self, UnknownField> {
        let named = |name: &String| known::<T>(name.trim());
        let fields: Vec<_> = fields.iter().map(named).collect::<Result<_, _>>()?;
        let key = |name: &String| {
            let name = name.trim();
            let (name, descending) =
                name.strip_prefix('-').map_or((name, false), |name| (name, true));
            known::<T>(name).map(|field| Key { field, descending })
        };
        let sort = sort.iter().map(key).collect::<Result<_, _>>()?;
        Ok(Self { fields: (!fields.is_empty()).then_some(fields), sort })
    }

    /// Returns the fields that were chosen; nothing where the list's own count.
    pub fn chosen(&self) -> Option<&[&'static str]> {
        self.fields.as_deref()
    }

    /// Puts rows into the order that was asked for. Rows that are equal in it keep theirs; what is not
    /// known comes last in either order.
    pub fn sort<T: Row>(&self, rows: &mut [T]) {
        if self.sort.is_empty() {
            return;
        }
        rows.sort_by_cached_key(|row| {
            let fields = Fields::of(row);
            let places = self.sort.iter().map(|key| SortKey {
                rank: rank(fields.value(key.field)),
                descending: key.descending,
            });
            places.collect::<Vec<_>>()
        });
    }
}

/// Returns every field of a list: its columns first, then those that no table shows unasked.
pub fn fields<T: Row>() -> Vec<&'static str> {
    let more = T::PATHS.iter().map(|(name, _)| *name).filter(|name| !T::COLUMNS.contains(name));
    T::COLUMNS.iter().copied().chain(more).collect()
}

fn known<T: Row>(name: &str) -> Result<&'static str, UnknownField> {
    let all = fields::<T>();
    let typed = name.replace('-', "_");
    let found = all.iter().find(|field| field.eq_ignore_ascii_case(&typed)).copied();
    found.ok_or_else(|| UnknownField {
        name: name.to_owned(),
        near: near(name, all.iter().copied()),
        all,
    })
}

/// One row, ready to be asked for its fields.
pub(crate) struct Fields<T> {
    cells: Vec<String>,
    json: Value,
    kind: PhantomData<fn(&T)>,
}

impl<T: Row> Fields<T> {
    pub(crate) fn of(row: &T) -> Self {
        // A row that is no JSON still has its cells.
        let json = serde_json::to_value(row).unwrap_or_default();
        Self { cells: row.cells(), json, kind: PhantomData }
    }

    /// The text of a field, as tables and CSV show it.
    pub(crate) fn text(&self, field: &str) -> String {
        let column = T::COLUMNS.iter().position(|column| *column == field);
        match column.and_then(|at| self.cells.get(at)) {
            Some(cell) => cell.clone(),
            None => text_of(self.at_path(field).unwrap_or(&Value::Null)),
        }
    }

    /// The value of a field, as JSON has it; what is in no JSON object is its text.
    pub(crate) fn value(&self, field: &str) -> Value {
        match self.at_path(field) {
            Some(value) => value.clone(),
            // Its place is known, and this row has nothing there.
            None if T::PATHS.iter().any(|(name, _)| *name == field) => Value::Null,
            None => Value::String(self.text(field)),
        }
    }

    fn at_path(&self, field: &str) -> Option<&Value> {
        let path = T::PATHS.iter().find(|(name, _)| *name == field).map_or(field, |(_, path)| path);
        let mut here = &self.json;
        for step in path.split('.') {
            // A part that is not there at all leaves all below it unknown.
            if here.is_null() {
                return Some(here);
            }
            here = here.get(step)?;
        }
        Some(here)
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            other.to_string()
        }
    }
}

/// The position of a row by one field.
#[derive(PartialEq)]
struct SortKey {
    rank: Rank,
    descending: bool,
}

#[derive(PartialEq)]
enum Rank {
    Number(f64),
    Address(IpAddr),
    Text(String),
    Unknown,
}

fn rank(value: Value) -> Rank {
    match value {
        Value::Null => Rank::Unknown,
        Value::Bool(is) => Rank::Number(f64::from(u8::from(is))),
        Value::Number(number) => Rank::Number(number.as_f64().unwrap_or_default()),
        Value::String(text) if text.is_empty() => Rank::Unknown,
        Value::String(text) => match text.parse() {
            Ok(address) => Rank::Address(address),
            Err(_) => Rank::Text(text.to_lowercase()),
        },
        Value::Array(_) | Value::Object(_) => Rank::Text(value.to_string()),
    }
}

impl Rank {
    fn kind(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Address(_) => 1,
            Self::Text(_) => 2,
            Self::Unknown => 3,
        }
    }
}

impl Eq for SortKey {}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = match (&self.rank, &other.rank) {
            (Rank::Unknown, Rank::Unknown) => return Ordering::Equal,
            (Rank::Unknown, _) => return Ordering::Greater,
            (_, Rank::Unknown) => return Ordering::Less,
            (Rank::Number(a), Rank::Number(b)) => a.total_cmp(b),
            (Rank::Address(a), Rank::Address(b)) => a.cmp(b),
            (Rank::Text(a), Rank::Text(b)) => a.cmp(b),
            (a, b) => a.kind().cmp(&b.kind()),
        };
        if self.descending { order.reverse() } else { order }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;

    use super::*;

    #[derive(Clone, Debug, Serialize)]
    struct Item {
        name: String,
        at: Option<At>,
    }

    #[derive(Clone, Debug, Serialize)]
    struct At {
        ip: Option<IpAddr>,
        port: u16,
    }

    impl Row for Item {
        const COLUMNS: &'static [&'static str] = &["name", "ip", "shout"];
        const PATHS: &'static [(&'static str, &'static str)] =
            &[("ip", "at.ip"), ("port", "at.port")];

        fn cells(&self) -> Vec<String> {
            let ip = self.at.as_ref().and_then(|at| at.ip);
            let ip = ip.map(|ip| ip.to_string()).unwrap_or_default();
            vec![self.name.clone(), ip, self.name.to_uppercase()]
        }
    }

    fn row(name: &str, ip: Option<&str>) -> Item {
        let at = ip.map(|ip| At { ip: Some(ip.parse().unwrap()), port: 80 });
        Item { name: name.to_owned(), at }
    }

    fn view(fields: &[&str], sort: &[&str]) -> Result<FieldSelection, UnknownField> {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        FieldSelection::of::<Item>(&owned(fields), &owned(sort))
    }

    #[test]
    fn an_unknown_field_is_told_with_the_nearest_one() {
        let error = view(&["nmae"], &[]).unwrap_err();
        assert_eq!(error.near, ["name"]);
        assert_eq!(error.all, ["name", "ip", "shout", "port"]);
        assert_eq!(view(&[], &["-prot"]).unwrap_err().near, ["port"]);
        assert_eq!(view(&["NAME", " port"], &[]).unwrap().chosen().unwrap(), ["name", "port"]);
        assert_eq!(view(&[], &[]).unwrap(), FieldSelection::default());
    }

    #[test]
    fn addresses_are_sorted_as_numbers_and_unknown_ones_last() {
        let rows = [
            row("a", Some("10.0.0.10")),
            row("b", None),
            row("c", Some("10.0.0.9")),
            row("d", Some("10.0.0.9")),
        ];
        let sorted = |sort: &[&str]| {
            let mut rows = rows.to_vec();
            view(&[], sort).unwrap().sort(&mut rows);
            rows.iter().map(|row| row.name.clone()).collect::<String>()
        };
        assert_eq!(sorted(&[]), "abcd");
        assert_eq!(sorted(&["ip"]), "cdab");
        assert_eq!(sorted(&["-ip"]), "acdb");
        assert_eq!(sorted(&["ip", "-name"]), "dcab");
        assert_eq!(sorted(&["-shout"]), "dcba");
    }

    #[test]
    fn a_field_has_a_text_and_a_value() {
        let (known, unknown) = (row("a", Some("10.0.0.1")), row("b", None));
        let fields = Fields::of(&known);
        assert_eq!((fields.text("port").as_str(), fields.value("port")), ("80", Value::from(80)));
        assert_eq!(fields.value("shout"), Value::from("A"));
        assert_eq!(Fields::of(&unknown).value("port"), Value::Null);
        assert_eq!(Fields::of(&unknown).text("port"), "");
    }

    proptest! {
        #[test]
        fn sorting_loses_no_row(names in proptest::collection::vec("[a-c]{0,2}", 0..20), down: bool) {
            let mut rows: Vec<Item> = names.iter().map(|name| row(name, None)).collect();
            let sort = if down { ["-name"] } else { ["name"] };
            view(&[], &sort).unwrap().sort(&mut rows);
            let mut expected = names;
            // A name that is empty is not known, so it comes last in either order.
            expected.sort_by(|a, b| {
                let order = if down { b.cmp(a) } else { a.cmp(b) };
                a.is_empty().cmp(&b.is_empty()).then(order)
            });
            let got: Vec<String> = rows.into_iter().map(|row| row.name).collect();
            prop_assert_eq!(got, expected);
        }
    }
}
