//! Lists in every format that has rows, and the layout of text for people.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use console::{Style, measure_text_width, truncate_str};
use serde::Serialize;
use serde_json::Value;

use crate::domain::text::pluralize;
use crate::report::field_selection::{FieldSelection, Fields};
use crate::report::row::Row;
use crate::report::text::{printable, spreadsheet_safe};
use crate::report::writable::{JsonOut, ListError};

/// How a list is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values with a header, safe to open in a spreadsheet.
    Csv,
    /// Test results for pipelines (JUnit's XML): audits and pushes only.
    Junit,
}

/// Where text for people goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    /// The width of the terminal in characters; nothing where it is none.
    pub width: Option<usize>,
    /// Whether words that mean good or bad are coloured.
    pub color: bool,
}

impl Layout {
    /// Colours the text of a verdict, an outcome or the state of a run. The word itself says the same.
    pub(crate) fn paint(self, word: &str, text: &str) -> String {
        let style = match word {
            "verified" | "already" | "ready" => Style::new().green(),
            "accepted" | "fixable" | "needs_work" | "interrupted" | "pending" => {
                Style::new().yellow()
            }
            "rejected" | "auth_failed" | "unreachable" | "bad_reply" | "wrong_device"
            | "blocked" | "not_shown" => Style::new().red(),
            "offline" | "excluded" | "no_background" | "not_verifiable" | "unsupported" => {
                Style::new().dim()
            }
            _ => Style::new(),
        };
        if self.color {
            style.force_styling(true).apply_to(text).to_string()
        } else {
            text.to_owned()
        }
    }

    /// Breaks lines at blanks so that they fit the terminal. Text in backticks is a command to be copied and stays
    /// in one piece.
    pub fn wrapped(self, text: &str) -> Cow<'_, str> {
        let Some(width) = self.width.filter(|width| *width >= LEAST_WIDTH) else {
            return text.into();
        };
        let fits = |line: &str| measure_text_width(line) <= width;
        if text.lines().all(fits) {
            return text.into();
        }
        let mut wrapped = String::with_capacity(text.len() + text.len() / 16);
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(line) => {
                    wrap(&mut wrapped, line, width);
                    wrapped.push('\n');
                }
                None => wrap(&mut wrapped, line, width),
            }
        }
        wrapped.into()
    }
}

/// Adds a line, broken at blanks; the parts after the first are indented a little more than the line.
fn wrap(out: &mut String, line: &str, width: usize) {
    let indent = line.len() - line.trim_start().len();
    let body = &line[indent..];
    let hanging = indent + if body.starts_with("-> ") { 3 } else { 2 };
    out.push_str(&line[..indent]);
    let mut at = indent;
    for (number, piece) in pieces(body).into_iter().enumerate() {
        let wide = measure_text_width(piece);
        if number > 0 && at + 1 + wide > width && at > hanging {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', hanging));
            at = hanging;
        } else if number > 0 {
            out.push(' ');
            at += 1;
        }
        out.push_str(piece);
        at += wide;
    }
}

/// Splits a text at blanks that stand in no backticks.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut begin, mut quoted) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '`' => quoted = !quoted,
            ' ' if !quoted => {
                pieces.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    // A single backtick quotes nothing.
    if quoted {
        return text.split(' ').collect();
    }
    pieces.push(&text[begin..]);
    pieces
}

/// Aligned columns; an empty list is its header. The rows of a list of phones have a line each, and cells that are too
/// long for the terminal end with an ellipsis. Fields that were asked for are whole, however narrow the terminal is.
///
/// # Errors
/// When the place takes no more.
pub fn table<T: Row>(
    records: &[T],
    view: &FieldSelection,
    layout: Layout,
    out: &mut dyn io::Write,
) -> Result<(), ListError> {
    let columns = view.chosen().unwrap_or(T::TABLE);
    let shown: Vec<&T> = match view.chosen() {
        Some(_) => records.iter().collect(),
        None => listed(records),
    };
    let cells = |record: &T| -> Vec<String> {
        let fields = view.chosen().map(|_| Fields::of(record));
        let cells = if fields.is_none() { record.cells() } else { Vec::new() };
        let text = |column: &&'static str| match &fields {
            Some(fields) => printable(&fields.text(column)).into_owned(),
            None => {
                let at = T::COLUMNS.iter().position(|one| one == column);
                let cell = at.and_then(|at| cells.get(at)).map_or("", String::as_str);
                let is_model = T::ONE_LINE && *column == "model";
                let short = cell.strip_prefix("Cisco ").filter(|_| is_model).unwrap_or(cell);
                printable(short).into_owned()
            }
        };
        columns.iter().map(text).collect()
    };
    let header: Vec<&str> = match view.chosen() {
        Some(_) => columns.to_vec(),
        None => columns.iter().map(|column| heading(column)).collect(),
    };
    let header: Vec<String> = header.iter().map(|name| name.replace('_', " ")).collect();
    let mut sizes: Vec<Size> = header.iter().map(|name| Size::of(name)).collect();
    for record in &shown {
        sizes.iter_mut().zip(cells(record)).for_each(|(size, cell)| size.grow(&cell));
    }
    let widths = match (layout.width, view.chosen()) {
        (Some(width), None) => fitting::<T>(columns, &sizes, width),
        (None, _) | (_, Some(_)) => sizes.iter().map(|size| Some(size.natural)).collect(),
    };
    let lines =
        std::iter::once((None, header)).chain(shown.iter().map(|record| (Some(()), cells(record))));
    for (is_row, row) in lines {
        let visible = columns.iter().zip(&row).zip(&widths);
        let visible: Vec<(&str, Vec<Cow<'_, str>>, usize)> = visible
            .filter_map(|((column, cell), width)| {
                let width = (*width)?;
                let parts =
                    if T::ONE_LINE { vec![shorten(cell, width)] } else { broken(cell, width) };
                Some((*column, parts, width))
            })
            .collect();
        let height = visible.iter().map(|(_, parts, _)| parts.len()).max().unwrap_or(1);
        for at in 0..height {
            let mut line = String::new();
            let mut pad = 0;
            for (column, parts, width) in &visible {
                let part = parts.get(at).map_or("", |part| &**part);
                line.extend(std::iter::repeat_n(' ', if part.is_empty() { 0 } else { pad }));
                pad = if part.is_empty() { pad } else { 0 };
                let is_word = is_row.is_some() && PAINTED.contains(column);
                line.push_str(&if is_word { layout.paint(part, part) } else { part.to_owned() });
                pad += width.saturating_sub(measure_text_width(part)) + GAP;
            }
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    let unlisted = unlisted_devices(records);
    if !unlisted.is_empty() {
        writeln!(out, "\n{}", layout.wrapped(&format!("{unlisted}; --fields lists all")))?;
    }
    Ok(())
}

/// Leaves out devices without a screen, unless there is nothing else.
fn listed<T: Row>(records: &[T]) -> Vec<&T> {
    let listed: Vec<&T> =
        records.iter().filter(|record| record.without_screen().is_none()).collect();
    if listed.is_empty() { records.iter().collect() } else { listed }
}

/// Counts devices without a screen by their kind; empty where there are none, or nothing else.
pub(crate) fn unlisted_devices<'a, T: Row + 'a>(
    records: impl IntoIterator<Item = &'a T>,
) -> String {
    let (mut kinds, mut others): (BTreeMap<&str, usize>, usize) = (BTreeMap::new(), 0);
    for record in records {
        match record.without_screen() {
            Some(kind) => *kinds.entry(kind).or_default() += 1,
            None => others += 1,
        }
    }
    let count: usize = kinds.values().sum();
    if count == 0 || others == 0 {
        return String::new();
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let are = if count == 1 { "is" } else { "are" };
    let devices = pluralize(count, "device");
    format!("{devices} without a screen {are} not listed ({})", kinds.join(", "))
}

/// How wide a column is as it stands, and how narrow it reads well.
struct Size {
    natural: usize,
    longest_word: usize,
}

impl Size {
    fn of(text: &str) -> Self {
        let mut size = Self { natural: 0, longest_word: 0 };
        size.grow(text);
        size
    }

    fn grow(&mut self, text: &str) {
        let word = || text.split(' ').map(measure_text_width).max().unwrap_or_default();
        let natural = measure_text_width(text);
        self.longest_word = if natural > self.longest_word {
            self.longest_word.max(word())
        } else {
            self.longest_word
        };
        self.natural = self.natural.max(natural);
    }
}

/// Chooses the columns that a terminal of this width has room for, and their widths: nothing for one that is left out.
fn fitting<T: Row>(columns: &[&str], sizes: &[Size], width: usize) -> Vec<Option<usize>> {
    let least = |at: usize| match (T::FIXED.contains(&columns[at]), T::ONE_LINE) {
        (true, _) => sizes[at].natural,
        (false, true) if GIVES_WAY.contains(&columns[at]) => sizes[at].natural.min(READS_WELL),
        (false, true) => sizes[at].natural.min(LONG_NAME),
        (false, false) => sizes[at].longest_word.max(sizes[at].natural.min(READS_WELL)),
    };
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let total = |shown: &[usize], of: &dyn Fn(usize) -> usize| {
        shown.iter().map(|at| of(*at) + GAP).sum::<usize>().saturating_sub(GAP)
    };
    for dropped in T::DROPPED {
        if total(&shown, &least) <= width {
            break;
        }
        shown.retain(|at| columns[*at] != *dropped);
    }
    let mut widths: Vec<usize> = sizes.iter().map(|size| size.natural).collect();
    let mut excess = total(&shown, &|at| widths[at]).saturating_sub(width);
    while excess > 0 {
        // A description or a count of outcomes gives way before names do, and a long one before a short one.
        let widest = shown
            .iter()
            .filter(|at| widths[**at] > least(**at))
            .max_by_key(|at| (GIVES_WAY.contains(&columns[**at]), widths[**at]));
        let Some(at) = widest else { break };
        widths[*at] -= 1;
        excess -= 1;
    }
    (0..columns.len()).map(|at| shown.contains(&at).then_some(widths[at])).collect()
}

/// What a column of a table for people is called; scripts and options use the field's own name.
fn heading(column: &str) -> &str {
    match column {
        "extension" => "ext",
        "device_pool" => "pool",
        other => other,
    }
}

/// Shortens a text to this width: at a blank where that leaves a third of it, with an ellipsis.
pub(crate) fn shorten(text: &str, width: usize) -> Cow<'_, str> {
    if measure_text_width(text) <= width {
        return text.into();
    }
    let cut = truncate_str(text, width.saturating_sub(1), "");
    let at_blank = cut.rfind(' ').filter(|at| *at >= cut.len() / 3);
    format!("{}…", at_blank.map_or(&*cut, |at| &cut[..at]).trim_end()).into()
}

/// Breaks a text at blanks into lines of this width; a longer word has a line of its own.
fn broken(text: &str, width: usize) -> Vec<Cow<'_, str>> {
    if measure_text_width(text) <= width {
        return vec![text.into()];
    }
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if measure_text_width(line) + 1 + measure_text_width(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter().map(Cow::Owned).collect()
}

/// Aligned columns without a header of their own; those whose places are named stand to the right.
pub(crate) fn aligned(rows: &[Vec<String>], right: impl Fn(usize) -> bool) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        widths
            .iter_mut()
            .zip(row)
            .for_each(|(width, cell)| *width = (*width).max(measure_text_width(cell)));
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let blanks = " ".repeat(width - measure_text_width(cell));
            let (before, behind) = if right(at) { (&*blanks, "") } else { ("", &*blanks) };
            line.extend([before, cell, behind, "  "]);
        }
        text.extend([line.trim_end(), "\n"]);
    }
    text
}

/// Columns whose words are coloured.
const PAINTED: [&str; 2] = ["verdict", "outcome"];

const GAP: usize = 2;

/// A text that may be shortened or broken reads well from this width on.
const READS_WELL: usize = 10;

/// Names of device pools and models that are longer may be shortened.
const LONG_NAME: usize = 24;

/// Columns of tables with one line a row that are shortened before all others.
const GIVES_WAY: [&str; 2] = ["description", "phones"];

/// Text is not broken for terminals that are narrower.
const LEAST_WIDTH: usize = 30;

/// The texts of the fields that are shown.
fn cells<T: Row>(record: &T, view: &FieldSelection) -> Vec<String> {
    match view.chosen() {
        None => record.cells(),
        Some(chosen) => {
            let fields = Fields::of(record);
            chosen.iter().map(|field| fields.text(field)).collect()
        }
    }
}

/// Comma-separated values with a header.
///
/// # Errors
/// When the place takes no more.
pub fn csv<T: Row>(
    records: &[T],
    view: &FieldSelection,
    out: &mut dyn io::Write,
) -> Result<(), ListError> {
    let mut writer = csv::Writer::from_writer(out);
    match view.chosen() {
        Some(chosen) => writer.write_record(chosen)?,
        None => writer.write_record(T::COLUMNS)?,
    }
    for record in records {
        let cells = cells(record, view);
        writer.write_record(cells.iter().map(|cell| spreadsheet_safe(cell).into_owned()))?;
    }
    Ok(writer.flush()?)
}

/// One JSON object a line; an empty list is empty.
///
/// # Errors
/// When the place takes no more, or a record cannot be written as JSON.
pub fn ndjson<T: Row>(
    records: &[T],
    view: &FieldSelection,
    out: &mut dyn io::Write,
) -> Result<(), ListError> {
    for record in records {
        match view.chosen() {
            None => serde_json::to_writer(JsonOut(&mut *out), record)?,
            Some(chosen) => serde_json::to_writer(JsonOut(&mut *out), &Chosen::of(record, chosen))?,
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The fields of a row that were asked for, in the order in which they were.
pub(crate) struct Chosen(Vec<(&'static str, Value)>);

impl Chosen {
    pub(crate) fn of<T: Row>(record: &T, chosen: &[&'static str]) -> Self {
        let fields = Fields::of(record);
        Self(chosen.iter().map(|field| (*field, fields.value(field))).collect())
    }
}

impl Serialize for Chosen {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(field, value)| (field, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inventory::Phone;
    use crate::domain::registration::Status;
    use crate::report::testing::audited;

    fn shown<T: Row>(records: &[T], width: Option<usize>) -> String {
        let mut out = Vec::new();
        table(records, &FieldSelection::default(), Layout { width, color: false }, &mut out)
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    fn phone() -> Phone {
        let mut phone = audited("SEP0011223344AA").phone;
        phone.description = "a long description that has to be shortened somewhere".into();
        phone.device_pool = "Headquarters pool".into();
        phone.extension = Some("1002".into());
        phone.common_phone_profile = Some("Standard Common Phone Profile".into());
        phone.registration.status = Status::PartiallyRegistered;
        phone.registration.ip = Some([203, 0, 113, 250].into());
        phone
    }

    #[test]
    fn a_phone_has_one_line_however_narrow_the_terminal_is() {
        for width in [80, 100, 140] {
            let text = shown(&[phone()], Some(width));
            for whole in ["SEP0011223344AA", "1002", "partially_registered", "203.0.113.250"] {
                assert!(text.contains(whole), "{width}: {text}");
            }
            assert_eq!(text.lines().count(), 2, "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        }
        let wide = shown(&[phone()], None);
        let lines: Vec<&str> = wide.lines().collect();
        assert!(
            lines[0].contains("protocol") && lines[1].contains("shortened somewhere"),
            "{wide}"
        );
        assert_eq!(lines[0].find("model"), lines[1].find("8841"), "{wide}");
    }

    #[test]
    fn devices_without_a_screen_are_counted() {
        let port = |name: &str| Phone { model: "CTI Port".into(), ..audited(name).phone };
        let text = shown(&[phone(), port("ivr_1"), port("ivr_2")], None);
        assert!(!text.contains("ivr"), "{text}");
        assert!(text.contains("2 devices without a screen are not listed (2 "), "{text}");
        // A selection of only those lists them.
        assert!(shown(&[port("ivr_1")], None).contains("ivr_1"));
    }

    #[test]
    fn text_is_broken_at_blanks_and_never_in_a_command() {
        let layout = Layout { width: Some(40), color: false };
        let text = "  -> run `axlpaper rollout --resume 6 --phone-port 8080 --yes` again, then look at it\n";
        let wrapped = layout.wrapped(text);
        let lines: Vec<&str> = wrapped.lines().collect();
        assert_eq!(
            lines,
            [
                "  -> run",
                "     `axlpaper rollout --resume 6 --phone-port 8080 --yes`",
                "     again, then look at it"
            ]
        );
        assert_eq!(layout.wrapped("a ` b"), "a ` b");
        assert_eq!(shorten("Conference room 12", 13), "Conference…");
        assert_eq!(shorten("SEP0011223344AA", 8), "SEP0011…");
    }

    #[test]
    fn a_colour_only_repeats_what_the_word_says() {
        let layout = Layout { width: None, color: true };
        let painted = layout.paint("verified", "Verified");
        assert!(painted.contains("Verified") && painted.contains('\u{1b}'), "{painted:?}");
        assert_eq!(measure_text_width(&painted), 8);
        assert_eq!(Layout::default().paint("verified", "Verified"), "Verified");
    }
}
