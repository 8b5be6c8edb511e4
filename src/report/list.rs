//! Lists in every format that has rows.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

use super::record::Record;
use super::text::{printable, spreadsheet_safe};

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
}

/// A list could not be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the list")]
pub struct ListError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl ListError {
    pub(super) fn new(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Box::new(source))
    }
}

/// Aligned columns; an empty list is its header.
///
/// `width` is the terminal's, in characters; without one, lines are as long as they need to be.
pub fn table<T: Record>(records: &[T], width: Option<u16>) -> String {
    let rows: Vec<Vec<String>> = records
        .iter()
        .map(|record| record.cells().iter().map(|cell| printable(cell).into_owned()).collect())
        .collect();
    let shown = fitting::<T>(&rows, width);
    let mut table = plain_table(width);
    table.set_header(shown.iter().map(|at| T::COLUMNS[*at].replace('_', " ")));
    for row in &rows {
        table.add_row(shown.iter().map(|at| row[*at].as_str()));
    }
    for (place, at) in shown.iter().enumerate() {
        if let Some(column) =
            table.column_mut(place).filter(|_| T::FIXED.contains(&T::COLUMNS[*at]))
        {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    finished(table)
}

/// Chooses the columns that a terminal of this width has room for, by their places.
///
/// A column that may be broken is counted with the width of one that reads well.
fn fitting<T: Record>(rows: &[Vec<String>], width: Option<u16>) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..T::COLUMNS.len()).collect();
    let Some(width) = width.map(usize::from) else { return shown };
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

/// The blanks between two columns.
const GAP: usize = 2;

/// A column that may be broken reads well from this width on.
const READS_WELL: usize = 18;

/// Comma-separated values with a header.
///
/// # Errors
/// When the writer fails, which memory does not.
pub fn csv<T: Record>(records: &[T]) -> Result<String, ListError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(T::COLUMNS).map_err(ListError::new)?;
    for record in records {
        let cells = record.cells();
        writer
            .write_record(cells.iter().map(|cell| spreadsheet_safe(cell).into_owned()))
            .map_err(ListError::new)?;
    }
    let bytes = writer.into_inner().map_err(|error| ListError::new(error.into_error()))?;
    String::from_utf8(bytes).map_err(ListError::new)
}

/// One JSON object a line; an empty list is empty.
///
/// # Errors
/// When a record cannot be written as JSON.
pub fn ndjson<T: Record>(records: &[T]) -> Result<String, ListError> {
    let lines: Result<Vec<String>, _> = records.iter().map(serde_json::to_string).collect();
    Ok(lines.map_err(ListError::new)?.into_iter().map(|line| line + "\n").collect())
}

pub(super) fn plain_table(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

/// The table without the blanks that its columns leave at the end of lines.
pub(super) fn finished(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inventory::Phone;
    use crate::domain::registration::{Registration, Source, Status};

    #[test]
    fn a_narrow_table_keeps_names_in_one_piece() {
        let phone = Phone {
            name: "SEP0011223344AA".parse().unwrap(),
            description: "a long description that has to be broken somewhere".into(),
            model: "Cisco 8841".into(),
            protocol: "SIP".into(),
            device_pool: "Headquarters pool".into(),
            common_phone_profile: Some("Standard Common Phone Profile".into()),
            location: None,
            owner: None,
            personalization: None,
            authentication_url: None,
            secure_authentication_url: None,
            configured_load: None,
            web_access: crate::domain::web_access::Said::Nothing,
            page: None,
            registration: Registration {
                ip: Some([203, 0, 113, 250].into()),
                ..Registration::unknown(Status::PartiallyRegistered, Source::Risport70)
            },
        };
        for width in [80, 100, 140] {
            let text = table(std::slice::from_ref(&phone), Some(width));
            for whole in ["SEP0011223344AA", "partially_registered", "203.0.113.250"] {
                assert!(text.contains(whole), "{width}: {text}");
            }
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{text}");
        }
        assert!(table(&[phone], None).contains("protocol"));
    }
}
