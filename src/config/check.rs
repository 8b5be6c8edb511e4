//! Where each key of a config file is, and which keys are not known there.
//!
//! The file is read a second time, as a tree with places: the types that it is read into forget lines, and
//! an error must not show the text of a line, because it may contain a password.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::keys::{Key, ValuePlace, advice};
use super::template::tables;
use crate::domain::selector::near;
use crate::domain::text::{line_of, sanitize_truncate};
use crate::domain::time_zone::NO_OFFSET;

/// A key or a table's name, with its place.
type Name<'text> = Spanned<DeString<'text>>;

/// Something that is wrong in a config file.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Problem {
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.what)
    }
}

/// The keys of a config file and their places.
#[derive(Clone, Debug, Default)]
pub(super) struct ValuePlaces {
    /// Lines, by table, as `[defaults]` or `[[image]] rule 2`, and key.
    lines: BTreeMap<(String, String), usize>,
    /// Lines of the tables of a list, by its name and the table's place in it.
    rows: BTreeMap<(String, usize), usize>,
    /// Bytes of key and value, with what to call them.
    spans: Vec<(Range<usize>, String)>,
    /// Keys that are not known in their table.
    pub unknown: Vec<Problem>,
    /// What the types would take although it cannot stand there: keys of `[defaults]` that belong to one
    /// cluster, tables that are none, and empty values.
    pub misplaced: Vec<Problem>,
}

impl ValuePlaces {
    /// Looks at a file; nothing when it is no TOML.
    pub fn of(text: &str, keys: &[Key]) -> Self {
        let mut places = Self::default();
        if let Ok(root) = DeTable::parse(text) {
            places.root(text, root.get_ref(), keys);
        }
        places
    }

    /// Returns the line of a key; `table` is `[defaults]` or `[cluster.NAME]`.
    pub fn line(&self, table: &str, key: &str) -> Option<usize> {
        self.lines.get(&(table.to_owned(), key.to_owned())).copied()
    }

    /// Returns the line where a table of a list begins; `at` counts from 0.
    pub fn row_line(&self, list: &str, at: usize) -> Option<usize> {
        self.rows.get(&(list.to_owned(), at)).copied()
    }

    /// Makes a problem of an error at a place; names its key.
    pub fn problem(&self, text: &str, at: Option<Range<usize>>, message: &str) -> Problem {
        let around = at.as_ref().and_then(|at| {
            let holds = |span: &Range<usize>| span.start <= at.start && at.end <= span.end;
            self.spans.iter().filter(|(span, _)| holds(span)).min_by_key(|(span, _)| span.len())
        });
        let message = in_plain_words(&without_value(&message.trim_end().replace('\n', ", ")));
        let what =
            around.map_or_else(|| message.clone(), |(_, whose)| format!("{whose}: {message}"));
        Problem { line: at.map(|at| line_of(text, at.start)), what }
    }

    fn root(&mut self, text: &str, root: &DeTable<'_>, keys: &[Key]) {
        for (key, value) in root {
            let name = key.get_ref().as_ref();
            let known = tables(keys).into_iter().find(|(table, _)| *table == name);
            match (name, value.get_ref(), known.map(|(_, place)| place)) {
                ("cluster", DeValue::Table(clusters), _) => {
                    for (cluster, section) in clusters {
                        let table = format!("[cluster.{}]", cluster.get_ref());
                        if cluster.get_ref().trim().is_empty() {
                            let what = "a cluster has no name: write [cluster.NAME]".to_owned();
                            self.misplace(text, cluster, what);
                        }
                        if let DeValue::Table(section) = section.get_ref() {
                            self.table(text, &table, section, keys, Key::is_of_cluster);
                        } else {
                            self.no_table(text, &table, cluster);
                        }
                    }
                }
                ("defaults", DeValue::Table(section), _) => self.defaults(text, section, keys),
                (_, DeValue::Array(rows), Some(place @ ValuePlace::Each(list))) => {
                    self.rows(text, key, rows, list, keys, place);
                }
                (_, DeValue::Table(section), Some(place @ ValuePlace::Table(_))) => {
                    let table = place.header();
                    for (key, value) in section {
                        let list = format!("{name}.{}", key.get_ref());
                        let inner = tables(keys).into_iter().find(|(table, _)| *table == list);
                        match (value.get_ref(), inner) {
                            (DeValue::Array(rows), Some((list, inner))) => {
                                self.rows(text, key, rows, list, keys, inner);
                            }
                            _ => self.key(text, &table, key, value, keys, |key| key.place == place),
                        }
                    }
                }
                ("cluster", ..) => self.no_table(text, "[cluster.NAME]", key),
                ("defaults", ..) => self.no_table(text, "[defaults]", key),
                (_, DeValue::Table(_), Some(place)) => {
                    let what = format!(
                        "`{name}` is a list of tables: write {} in double brackets",
                        place.header()
                    );
                    self.misplace(text, key, what);
                }
                (_, _, Some(place)) => self.no_table(text, &place.header(), key),
                (_, DeValue::Table(_), None) => self.unknown_table(text, key, keys),
                _ => self.key(text, "", key, value, keys, |key| key.place == ValuePlace::Top),
            }
        }
    }

    /// Looks at the tables of a list.
    fn rows(
        &mut self,
        text: &str,
        key: &Name<'_>,
        rows: &[Spanned<DeValue<'_>>],
        list: &'static str,
        keys: &[Key],
        place: ValuePlace,
    ) {
        for (at, row) in rows.iter().enumerate() {
            let line = line_of(text, row.span().start);
            self.rows.insert((list.to_owned(), at), line);
            if let DeValue::Table(section) = row.get_ref() {
                let table = format!("[[{list}]] rule {}", at + 1);
                self.table(text, &table, section, keys, |key| key.place == place);
                self.spans.push((row.span(), table));
            } else {
                self.no_table(text, &place.header(), key);
                break;
            }
        }
    }

    /// The types would take a list of values for a table, in the order of its keys.
    fn no_table(&mut self, text: &str, table: &str, key: &Name<'_>) {
        let name = table.trim_matches(['[', ']']).trim_end_matches(".NAME");
        let what = format!("`{name}` is not a table: write {table}, and keys below it");
        self.misplace(text, key, what);
    }

    fn misplace(&mut self, text: &str, key: &Name<'_>, what: String) {
        let line = Some(line_of(text, key.span().start));
        self.misplaced.push(Problem { line, what });
    }

    fn unknown_table(&mut self, text: &str, key: &Name<'_>, keys: &[Key]) {
        let name = key.get_ref().as_ref();
        let tables = ["cluster", "defaults"]
            .into_iter()
            .chain(tables(keys).into_iter().map(|(name, _)| name));
        let nearest = near(name, tables).into_iter().next();
        let nearest = nearest.map(|table| format!("; did you mean `{table}`?")).unwrap_or_default();
        let line = Some(line_of(text, key.span().start));
        self.unknown
            .push(Problem { line, what: format!("the table `{name}` is not known{nearest}") });
    }

    fn table(
        &mut self,
        text: &str,
        table: &str,
        section: &DeTable<'_>,
        keys: &[Key],
        fits: impl Fn(&Key) -> bool + Copy,
    ) {
        for (key, value) in section {
            self.key(text, table, key, value, keys, fits);
        }
    }

    /// What is known but cannot be shared is reported even where the types would accept it.
    fn defaults(&mut self, text: &str, section: &DeTable<'_>, keys: &[Key]) {
        let before = self.unknown.len();
        self.table(text, "[defaults]", section, keys, |key| key.place == ValuePlace::Shared);
        self.misplaced.append(&mut self.unknown.split_off(before));
    }

    fn key(
        &mut self,
        text: &str,
        table: &str,
        key: &Name<'_>,
        value: &Spanned<DeValue<'_>>,
        keys: &[Key],
        fits: impl Fn(&Key) -> bool,
    ) {
        let name = key.get_ref().as_ref();
        let line = line_of(text, key.span().start);
        self.lines.insert((table.to_owned(), name.to_owned()), line);
        let place = if table.is_empty() { String::new() } else { format!(" in {table}") };
        self.spans.push((value.span(), format!("`{name}`{place}")));
        if keys.iter().any(|key| key.name == name && fits(key)) {
            // What is not to be set is left out, so an empty value can only be a mistake.
            if has_empty_text(name, value.get_ref()) {
                let what = format!("`{name}`{place} is empty: write a value, or take the key out");
                self.misplace(text, key, what);
            }
            return;
        }
        let is_known = keys.iter().any(|key| key.name == name);
        let problem = if is_known { "is not allowed here" } else { "is not known" };
        let advice =
            advice(name, keys, fits).map(|advice| format!("; {advice}")).unwrap_or_default();
        let what = format!("the key `{name}`{place} {problem}{advice}");
        self.unknown.push(Problem { line: Some(line), what });
    }
}

/// Returns whether the value of a key is a text without a character, or a list with one. The words of a command can be empty.
fn has_empty_text(key: &str, value: &DeValue<'_>) -> bool {
    match value {
        DeValue::String(text) => text.trim().is_empty(),
        DeValue::Array(values) if !key.ends_with("command") => {
            values.iter().any(|one| has_empty_text(key, one.get_ref()))
        }
        DeValue::Array(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Table(_) => false,
    }
}

/// Leaves the value out of a message about a wrong type: it can be long, and a secret.
fn without_value(message: &str) -> String {
    let value = message.find("string \"").zip(message.rfind("\", expected"));
    let message = match value {
        Some((from, to)) if from < to => format!("{}text{}", &message[..from], &message[to + 1..]),
        Some(_) | None => message.to_owned(),
    };
    sanitize_truncate(&message, 300)
}

/// Says what has to be there in the words of a config file, not in those of a program.
fn in_plain_words(message: &str) -> String {
    if let Some((_, expected)) =
        message.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", expected "))
    {
        return format!("it must be {}", expected.trim_start_matches("one of "));
    }
    if message.starts_with("invalid offset") {
        return NO_OFFSET.to_owned();
    }
    if let Some(field) = message.strip_prefix("missing field ") {
        return format!("the key {field} is missing");
    }
    let typed = ["invalid type: ", "invalid value: "]
        .iter()
        .find_map(|beginning| message.strip_prefix(beginning));
    let Some((found, expected)) = typed.and_then(|typed| typed.split_once(", expected ")) else {
        return message.to_owned();
    };
    let expected = match expected {
        "u8" | "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number",
        "a boolean" => "true or false",
        "a string" => "text in quotes",
        "path string" => "a file name in quotes",
        "a sequence" => "a list in brackets",
        _ if expected.starts_with("a map") || expected.starts_with("struct ") => "a table",
        other => other,
    };
    let value = found.split_once('`').and_then(|(_, value)| value.split_once('`'));
    let found = match (found, value) {
        ("sequence", _) => "a list",
        ("map", _) => "a table",
        (_, Some((value, _))) => value,
        (other, None) => other,
    };
    format!("it must be {expected}, not {found}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KEYS;

    fn unknown(text: &str) -> Vec<String> {
        let places = ValuePlaces::of(text, KEYS);
        places.unknown.iter().chain(&places.misplaced).map(ToString::to_string).collect()
    }

    #[test]
    fn the_nearest_key_is_named_with_its_line() {
        assert_eq!(
            unknown("# x\n[cluster.lab]\nhost = \"a\"\nusernam = \"b\"\n"),
            ["line 4: the key `usernam` in [cluster.lab] is not known; did you mean `username`?"]
        );
        assert_eq!(
            unknown("[cluster.lab]\nzzz = 1\n"),
            ["line 2: the key `zzz` in [cluster.lab] is not known"]
        );
        assert!(unknown("[cluster.lab]\npasword_file = \"b\"\n")[0].contains("`password_file`?"));
    }

    #[test]
    fn a_known_key_in_the_wrong_place_gets_advice_where_it_belongs() {
        let problems = unknown("host = \"a\"\ntimeout = 5\n[defaults]\npassword_file = \"x\"\n");
        assert!(
            problems[0].contains("`host` is not allowed here")
                && problems[0].contains("[cluster.NAME]")
        );
        assert!(problems[1].contains("[cluster.NAME] or [defaults]"), "{problems:?}");
        assert!(
            problems[2].starts_with("line 4: the key `password_file` in [defaults]"),
            "{problems:?}"
        );
        assert!(problems[2].contains("belongs to one cluster"), "{problems:?}");
    }

    #[test]
    fn passwords_get_their_own_advice() {
        let problems = unknown("[cluster.lab]\npassword = \"hunter2\"\n").concat();
        assert!(problems.contains("password_command or password_keyring"), "{problems}");
        assert!(!problems.contains("hunter2"));
    }

    #[test]
    fn what_is_no_table_or_no_known_table_is_reported() {
        for text in ["defaults = [\"h\"]\n", "[[defaults]]\ntimeout = 1\n", "defaults = 1\n"] {
            assert!(unknown(text)[0].contains("`defaults` is not a table"), "{text}");
        }
        assert!(unknown("[cluster]\na = [\"h\"]\n")[0].contains("line 2: `cluster.a` is not"));
        assert!(unknown("cluster = 1\n")[0].contains("`cluster` is not a table"));
        assert_eq!(
            unknown("[default]\nx = 1\n"),
            ["line 1: the table `default` is not known; did you mean `defaults`?"]
        );
        assert!(unknown("[clusters.lab]\n")[0].contains("did you mean `cluster`?"));
    }

    #[test]
    fn lists_of_tables_have_keys_of_their_own() {
        let size = Key { name: "size", place: ValuePlace::Each("image"), ..KEYS[0] };
        let keys: Vec<Key> = KEYS.iter().copied().chain([size]).collect();
        let places = ValuePlaces::of("[[image]]\nsize = 1\n[[image]]\nsiz = 1\n", &keys);
        assert_eq!(places.unknown.len(), 1);
        assert_eq!(
            places.unknown[0].to_string(),
            "line 4: the key `siz` in [[image]] rule 2 is not known; did you mean `size`?"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_looked_at(text in "[\\[\\]a-c.=\"\\n# {}é]{0,60}") {
            let places = ValuePlaces::of(&text, KEYS);
            for problem in &places.unknown {
                proptest::prop_assert!(problem.line.unwrap() <= 1 + text.matches('\n').count());
            }
        }
    }
}
