//! Lists in every format that has rows.

use std::io;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use console::measure_text_width;
use serde::Serialize;
use serde_json::Value;

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

/// Aligned columns that fit a terminal; an empty list is its header.
///
/// `width` is the terminal's, in characters. Fields that were asked for are all shown, however narrow it is.
pub fn table<T: Row>(records: &[T], view: &FieldSelection, width: u16) -> String {
    let columns = view.columns::<T>();
    let rows: Vec<Vec<String>> = records
        .iter()
        .map(|record| {
            let cells = cells(record, view);
            cells.iter().map(|cell| printable(cell).into_owned()).collect()
        })
        .collect();
    let all = || (0..columns.len()).collect();
    let shown = if view.chosen().is_some() { all() } else { fitting::<T>(&rows, width) };
    let mut table = plain_table(Some(width));
    table.set_header(shown.iter().map(|at| columns[*at].replace('_', " ")));
    for row in &rows {
        table.add_row(shown.iter().map(|at| row[*at].as_str()));
    }
    for (place, at) in shown.iter().enumerate() {
        if let Some(column) = table.column_mut(place).filter(|_| T::FIXED.contains(&columns[*at])) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    finished(table)
}

/// The same without a terminal that it has to fit: lines as long as they need to be, written one by one.
///
/// # Errors
/// When the place takes no more.
pub fn wide_table<T: Row>(
    records: &[T],
    view: &FieldSelection,
    out: &mut dyn io::Write,
) -> Result<(), ListError> {
    let columns = view.columns::<T>();
    let header: Vec<String> = columns.iter().map(|column| column.replace('_', " ")).collect();
    let shown = |record: &T| -> Vec<String> {
        cells(record, view).iter().map(|cell| printable(cell).into_owned()).collect()
    };
    let mut widths: Vec<usize> = header.iter().map(|name| measure_text_width(name)).collect();
    for record in records {
        for (width, cell) in widths.iter_mut().zip(shown(record)) {
            *width = (*width).max(measure_text_width(&cell));
        }
    }
    for row in std::iter::once(header).chain(records.iter().map(shown)) {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(&row) {
            line.push_str(cell);
            let blanks = width - measure_text_width(cell) + GAP;
            line.extend(std::iter::repeat_n(' ', blanks));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

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

/// Chooses the columns that a terminal of this width has room for, by their places.
///
/// A column that may be broken is counted with the width of one that reads well.
fn fitting<T: Row>(rows: &[Vec<String>], width: u16) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..T::COLUMNS.len()).collect();
    let width = usize::from(width);
    let need = |at: usize| {
        let cells = rows.iter().map(|row| row[at].chars().count());
        let widest = cells.chain([T::COLUMNS[at].len()]).max().unwrap_or_default();
        let kept = T::FIXED.contains(&T::COLUMNS[at]);
        GAP + if kept { widest } else { widest.min(READS_WELL) }
    };
    for dropped in T::DROPPED {
        if shown.iter().map(|at| need(*at)).sum::<usize>() <= width {
            break;
        }
        shown.retain(|at| T::COLUMNS[*at] != *dropped);
    }
    shown
}

const GAP: usize = 2;

/// A column that may be broken reads well from this width on.
const READS_WELL: usize = 18;

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
    writer.write_record(view.columns::<T>())?;
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

pub(crate) fn plain_table(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

/// The table without the blanks that its columns leave at the end of lines.
pub(crate) fn finished(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::registration::Status;
    use crate::report::testing::audited;

    #[test]
    fn a_narrow_table_keeps_names_in_one_piece() {
        let mut phone = audited("SEP0011223344AA").phone;
        phone.description = "a long description that has to be broken somewhere".into();
        phone.device_pool = "Headquarters pool".into();
        phone.common_phone_profile = Some("Standard Common Phone Profile".into());
        phone.registration.status = Status::PartiallyRegistered;
        phone.registration.ip = Some([203, 0, 113, 250].into());
        for width in [80, 100, 140] {
            let text = table(std::slice::from_ref(&phone), &FieldSelection::default(), width);
            for whole in ["SEP0011223344AA", "partially_registered", "203.0.113.250"] {
                assert!(text.contains(whole), "{width}: {text}");
            }
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{text}");
        }
        let mut wide = Vec::new();
        wide_table(&[phone], &FieldSelection::default(), &mut wide).unwrap();
        let wide = String::from_utf8(wide).unwrap();
        let lines: Vec<&str> = wide.lines().collect();
        assert_eq!(lines.len(), 2, "{wide}");
        assert!(lines[0].contains("protocol") && lines[1].contains("broken somewhere"), "{wide}");
        assert_eq!(lines[0].find("model"), lines[1].find("Cisco 8841"), "{wide}");
    }
}
