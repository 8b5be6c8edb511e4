//! Lists of phones in files, as the tools of the field write them: a name or an address a line, CSV of spreadsheets,
//! of BAT, of RTMT or of `axlpaper inventory`, a page copied from Device > Phone, `show risdb query phone`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;

use csv::StringRecord;

use crate::domain::device_name::DeviceName;
use crate::domain::mac_address::device_of_mac;
use crate::domain::model::{self, DeviceKind, Model, UnknownModel};
use crate::domain::text::{pluralize, quoted};
use crate::domain::text_encoding::{self, TextError};
use crate::domain::words::PhoneData;
use crate::error::{AppError, ErrorKind};
use crate::rollout::by_address::identify::{AddressEntry, is_address};

/// A list that was read, and what its reader should know about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeviceList<T> {
    pub entries: Vec<T>,
    pub notes: Vec<String>,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    Unreadable(#[from] std::io::Error),
    #[error(transparent)]
    NoText(#[from] TextError),
    #[error("not readable as lines or CSV")]
    NoTable(#[from] csv::Error),
    #[error("it names no {0}")]
    Empty(&'static str),
    #[error(
        "it names only phones with multiplatform firmware (3PCC; {}), which take no push",
        pluralize(*.0, "row")
    )]
    OnlyMultiplatform(usize),
    #[error("it has several columns, but none is called `{wanted}`{}", columns_shown(.found.as_deref()))]
    NoColumn {
        wanted: &'static str,
        /// The names in its first row; nothing where they may not be quoted.
        found: Option<String>,
    },
    #[error("line {line}, {what}{}: {why}", .text.as_deref().unwrap_or_default())]
    Cell {
        line: u64,
        what: &'static str,
        /// The text in quotes; nothing where it may not be quoted.
        text: Option<String>,
        why: String,
    },
}

fn columns_shown(columns: Option<&str>) -> String {
    columns.map(|columns| format!(" (the columns are {columns})")).unwrap_or_default()
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// When it cannot be read, or is no text.
pub fn read_text(path: &Path) -> Result<DeviceList<String>, ListError> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(path)?.read_to_end(&mut bytes)?;
    }
    let decoded = text_encoding::decode(&bytes)?;
    let note = decoded.assumed.map(|encoding| {
        format!(
            "{} has no byte order mark and is no UTF-8; it was read as {encoding}",
            path.display()
        )
    });
    Ok(DeviceList { entries: vec![decoded.text], notes: note.into_iter().collect() })
}

/// Reads device names for `--devices-from`: the column of names of a table, or a name a line. A MAC address in any
/// notation means the phone `SEP` with that address.
///
/// What is wrong is quoted only when `may_quote`: a password can have been typed into standard input.
///
/// # Errors
/// When there is no name, or a text where a name is expected.
pub fn names(text: &str, may_quote: bool) -> Result<DeviceList<DeviceName>, ListError> {
    let table = Table::read(text, NAME_COLUMNS)?;
    let mut notes = Vec::new();
    let cells: Vec<(u64, &str)> = match table.header {
        Some(_) => {
            let column = table.columns(NAME_COLUMNS);
            let cells = table.rows.iter().map(|row| (row.line, row.first_filled(&column)));
            let (filled, empty): (Vec<_>, Vec<_>) = cells.partition(|(_, cell)| cell.is_some());
            notes.extend(skipped(empty.len(), "without a device name"));
            notes.extend(skipped(table.sentences, "outside the table"));
            filled.into_iter().filter_map(|(line, cell)| Some((line, cell?))).collect()
        }
        None => table
            .without_header(is_device_like)
            .ok_or_else(|| table.no_column("name", may_quote))?,
    };
    let mut names = Vec::with_capacity(cells.len());
    for (line, cell) in cells {
        names.push(device_name(cell).map_err(|why| wrong(line, "the name", cell, why, may_quote))?);
    }
    if names.is_empty() {
        Err(ListError::Empty("device"))
    } else {
        Ok(DeviceList { entries: names, notes })
    }
}

/// Reads values for words on pictures: a table with a header and a column of device names.
///
/// # Errors
/// When there is no such column, or a text where a name is expected.
pub fn data(text: &str) -> Result<DeviceList<PhoneData>, ListError> {
    let table = Table::read(text, NAME_COLUMNS)?;
    let Some(header) = &table.header else { return Err(table.no_column("name", true)) };
    let column = table.columns(NAME_COLUMNS);
    let (mut rows, mut empty, mut repeated) = (BTreeMap::new(), 0, 0);
    for row in &table.rows {
        let Some(cell) = row.first_filled(&column) else {
            empty += 1;
            continue;
        };
        let name = device_name(cell).map_err(|why| wrong(row.line, "the name", cell, why, true))?;
        let cells = row.cells.iter().map(|cell| plain(cell).to_owned()).collect();
        repeated += usize::from(rows.insert(name, cells).is_some());
    }
    let mut notes: Vec<String> = skipped(empty, "without a device name").into_iter().collect();
    notes.extend(skipped(repeated, "followed by another one of the same phone"));
    let columns = header.iter().map(|name| plain(name).to_owned()).collect();
    Ok(DeviceList { entries: vec![PhoneData::new(columns, rows)], notes })
}

/// Reads addresses for `--addresses-from`: a table with a column of addresses and, where it has them, of names and
/// models, or a line `ADDRESS MODEL` for each phone. Rows without an address are counted in a note. A model that is not
/// known is read from the phone.
///
/// # Errors
/// As [`names`].
pub fn addresses(text: &str, may_quote: bool) -> Result<DeviceList<AddressEntry>, ListError> {
    let table = Table::read(text, ADDRESS_COLUMNS)?;
    let mut read = Entries { sentences: table.sentences, ..Entries::default() };
    if table.header.is_some() {
        let columns =
            [ADDRESS_COLUMNS, MODEL_COLUMNS, NAME_COLUMNS].map(|known| table.columns(known));
        for row in &table.rows {
            let [address, model, name] =
                columns.each_ref().map(|columns| row.first_filled(columns));
            // A comma in a text that is not quoted moves the columns behind it.
            let width = table.header.as_ref().map_or(0, StringRecord::len);
            if row.cells.len() > width && !address.is_some_and(is_ip) {
                read.shifted += 1;
                continue;
            }
            read.add(row.line, address, model, name, may_quote)?;
        }
    } else if table.rows.iter().all(|row| row.cells.len() < 2) {
        for row in &table.rows {
            let line = row.cells.get(0).map(plain).unwrap_or_default();
            let (address, model) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let model = Some(model.trim()).filter(|model| !model.is_empty());
            read.add(row.line, Some(plain(address)), model, None, may_quote)?;
        }
    } else if let Some(addresses) = table.all_cells(is_ip) {
        for (line, address) in addresses {
            read.add(line, Some(address), None, None, may_quote)?;
        }
    } else {
        let column =
            table.column_where(is_ip).ok_or_else(|| table.no_column("address", may_quote))?;
        let model = table.column_where(|cell| known_model(cell).is_some());
        let name = table.column_where(is_device_like);
        for row in &table.rows {
            let cell = |column: Option<usize>| row.cell(column?);
            read.add(row.line, cell(Some(column)), cell(model), cell(name), may_quote)?;
        }
    }
    read.finish()
}

#[derive(Default)]
struct Entries {
    entries: Vec<AddressEntry>,
    without_address: usize,
    no_phones: usize,
    multiplatform: usize,
    sentences: usize,
    shifted: usize,
    unknown_models: Vec<String>,
}

impl Entries {
    fn add(
        &mut self,
        line: u64,
        address_text: Option<&str>,
        model_text: Option<&str>,
        name: Option<&str>,
        may_quote: bool,
    ) -> Result<(), ListError> {
        let Some(text) = address_text.filter(|text| !means_nothing(text)) else {
            self.without_address += 1;
            return Ok(());
        };
        let model = model_text.and_then(known_model);
        if model.is_some_and(|model| model.kind == DeviceKind::Virtual) {
            self.no_phones += 1;
            return Ok(());
        }
        if model_text.is_some_and(model::is_multiplatform) {
            self.multiplatform += 1;
            return Ok(());
        }
        let address =
            address(text).map_err(|why| wrong(line, "the address", text, why, may_quote))?;
        if let (Some(text), None) = (model_text, model) {
            self.unknown_model(line, text, may_quote)?;
        }
        let name = name
            .map(|text| {
                let name = device_name(text).and_then(|name| match is_address(&name) {
                    // A phone without a name gets its address as name, so a name may not look like one.
                    true => Err("it is an address and no name".to_owned()),
                    false => Ok(name),
                });
                name.map_err(|why| wrong(line, "the name", text, why, may_quote))
            })
            .transpose()?;
        self.entries.push(AddressEntry { address, model, name });
        Ok(())
    }

    /// Refuses a typing error. A model that a cluster names, and the catalogue does not know yet, is only noted.
    fn unknown_model(&mut self, line: u64, text: &str, may_quote: bool) -> Result<(), ListError> {
        if let UnknownModel::NotInCatalogue { near: Some(near), .. } = UnknownModel::of(text)
            && !text.starts_with("Cisco ")
        {
            let why = format!(
                "that model is not known; did you mean {near}? `axlpaper models` lists all models"
            );
            return Err(wrong(line, "the model", text, why, may_quote));
        }
        let shown = if may_quote { quoted(text) } else { "one of standard input".to_owned() };
        if !self.unknown_models.contains(&shown) {
            self.unknown_models.push(shown);
        }
        Ok(())
    }

    fn finish(self) -> Result<DeviceList<AddressEntry>, ListError> {
        if self.entries.is_empty() {
            return Err(match self.multiplatform {
                0 => ListError::Empty("phone with an address"),
                phones => ListError::OnlyMultiplatform(phones),
            });
        }
        let mut notes: Vec<String> =
            skipped(self.without_address, "without an address").into_iter().collect();
        notes.extend(skipped(self.no_phones, "about virtual devices"));
        notes.extend(skipped(self.sentences, "outside the table"));
        let shifted = "with more columns than the header (a comma inside a text?)";
        notes.extend(skipped(self.shifted, shifted));
        let multiplatform = "about phones with multiplatform firmware (3PCC), which take no push,";
        notes.extend(skipped(self.multiplatform, multiplatform));
        if !self.unknown_models.is_empty() {
            let models = crate::domain::text::names(&self.unknown_models);
            notes.push(format!(
                "models that are not known: {models}; each of these phones is asked for its own"
            ));
        }
        Ok(DeviceList { entries: self.entries, notes })
    }
}

fn skipped(rows: usize, which: &str) -> Option<String> {
    (rows > 0).then(|| format!("{} {which} skipped", pluralize(rows, "row")))
}

/// Reads the model that was typed for phones.
///
/// # Errors
/// When it is none; names the nearest one.
pub fn model(text: &str) -> Result<&'static Model, AppError> {
    model::by_product(text).ok_or_else(|| unknown_model(text))
}

/// Says why a text names no model.
pub fn unknown_model(text: &str) -> AppError {
    let unknown = UnknownModel::of(text);
    let hint = match unknown {
        UnknownModel::Multiplatform(_) => {
            "nothing was sent; phones of Unified CM run enterprise firmware"
        }
        UnknownModel::NotInCatalogue { .. } => "`axlpaper models` lists all models",
    };
    AppError::from_error(ErrorKind::Usage, unknown).hint(hint)
}

fn known_model(text: &str) -> Option<&'static Model> {
    // `show risdb query phone` prints the number of `typemodel`.
    model::by_product(text).or_else(|| model::by_number(text.parse().ok()?))
}

/// Reads the name of a device, or the MAC address of a phone.
pub fn device_name(text: &str) -> Result<DeviceName, String> {
    let name = device_of_mac(text).unwrap_or_else(|| text.to_owned());
    // A page of Device > Phone shows the line behind the name: `SEP0011223344AA(1)`.
    let name = match name.strip_suffix(')').and_then(|text| text.split_once('(')) {
        Some((name, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => name.trim(),
        _ => &name,
    };
    name.parse::<DeviceName>().map_err(|error| error.to_string())
}

/// Returns whether a text is surely the name of a phone: a prefix with a MAC address, or only that.
fn is_device_like(text: &str) -> bool {
    device_of_mac(text).is_some()
}

/// Reads an address that can be a phone's.
///
/// # Errors
/// Says why it is none.
pub fn address(text: &str) -> Result<IpAddr, String> {
    let address = text
        .trim()
        .parse::<IpAddr>()
        .map_err(|_| {
            "not an IP address; write it as 10.1.2.3 (host names are not resolved)".to_owned()
        })?
        .to_canonical();
    let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    if address.is_unspecified() || address.is_multicast() || is_broadcast {
        return Err("no single phone answers at that address".to_owned());
    }
    Ok(address)
}

/// What tools write where a phone has no address.
fn means_nothing(text: &str) -> bool {
    let known = ["", "-", "--", "n/a", "na", "none", "null", "unknown", "0.0.0.0", "::"];
    known.contains(&text.to_ascii_lowercase().as_str())
}

fn wrong(line: u64, what: &'static str, text: &str, why: String, may_quote: bool) -> ListError {
    let text = may_quote.then(|| format!(" {}", quoted(text)));
    ListError::Cell { line, what, text, why }
}

/// Names of columns, without case, blanks and punctuation, the preferred ones first.
const NAME_COLUMNS: &[&str] = &[
    "devicename",
    "devicenameline",
    "macaddressdevicename",
    "devicenamemacaddress",
    "name",
    "phonename",
    "device",
    "macaddress",
    "mac",
    "macaddr",
];
const ADDRESS_COLUMNS: &[&str] = &[
    "address",
    "ip",
    "ipaddress",
    "ipv4address",
    "ipaddr",
    "ipv4addr",
    "ipv4",
    "ipv6address",
    "ipv6addr",
    "ipv6",
];
const MODEL_COLUMNS: &[&str] = &[
    "model",
    "modelname",
    "devicemodel",
    "phonemodel",
    "devicetype",
    "phonetype",
    "producttype",
    "product",
];

struct TableRow {
    /// From 1.
    line: u64,
    cells: StringRecord,
}

impl TableRow {
    fn cell(&self, column: usize) -> Option<&str> {
        self.cells.get(column).map(plain).filter(|cell| !cell.is_empty())
    }

    /// Returns whether the only cell is several words and no phone.
    fn is_sentence(&self) -> bool {
        let mut filled = self.cells.iter().filter(|cell| !cell.is_empty());
        match (filled.next(), filled.next()) {
            (Some(only), None) => only.contains(char::is_whitespace) && !is_phone(only),
            (_, _) => false,
        }
    }

    fn first_filled(&self, columns: &[usize]) -> Option<&str> {
        let mut cells = columns.iter().filter_map(|column| self.cell(*column));
        let first = cells.next()?;
        if means_nothing(first) {
            cells.find(|cell| !means_nothing(cell)).or(Some(first))
        } else {
            Some(first)
        }
    }
}

/// Takes away what spreadsheets put around a text so that it stays one: `="…"`, and an apostrophe in front.
fn plain(cell: &str) -> &str {
    let text = cell.strip_prefix("=\"").and_then(|text| text.strip_suffix('"')).unwrap_or(cell);
    text.trim_start_matches('\'').trim()
}

fn is_called(cell: &str, known: &[&str]) -> bool {
    let bare: String =
        cell.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    known.contains(&bare.as_str())
}

struct Table {
    header: Option<StringRecord>,
    rows: Vec<TableRow>,
    /// How many lines below the header are sentences and no rows, such as `Total count 2`.
    sentences: usize,
}

impl Table {
    /// Cuts a text into rows. The separator is the one that `sep=` names, or the one that shows most columns in a row
    /// with a name of `wanted`, or else the most frequent one of the first row.
    fn read(text: &str, wanted: &[&str]) -> Result<Self, ListError> {
        // Old tools end a text with the control character 26.
        let text = text.trim_start_matches('\u{feff}').trim_end_matches('\u{1a}');
        let first = text.lines().next().unwrap_or_default().trim().trim_matches('"');
        let named = first.strip_prefix("sep=").and_then(|separator| separator.bytes().next());
        if let Some(separator) = named {
            // The line stays, so that lines are counted as an editor counts them.
            return Self::separated(&text.replacen(first, "", 1), separator, wanted);
        }
        let mut best: Option<(usize, Self)> = None;
        for separator in [b',', b';', b'\t'] {
            let Ok(table) = Self::separated(text, separator, wanted) else { continue };
            let columns = table.header.as_ref().map_or(0, StringRecord::len);
            if columns > 0 && best.as_ref().is_none_or(|(most, _)| columns > *most) {
                best = Some((columns, table));
            }
        }
        match best {
            Some((_, table)) => Ok(table),
            None => {
                let line = text
                    .lines()
                    .map(str::trim)
                    .find(|line| !line.is_empty() && !line.starts_with('#'));
                let count =
                    |byte: u8| line.unwrap_or_default().bytes().filter(|b| *b == byte).count();
                let separator =
                    [b'\t', b';', b','].into_iter().max_by_key(|byte| count(*byte)).unwrap_or(b',');
                Self::separated(text, separator, wanted)
            }
        }
    }

    fn separated(text: &str, separator: u8, wanted: &[&str]) -> Result<Self, ListError> {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .delimiter(separator)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut rows = Vec::new();
        for cells in reader.records() {
            let cells = cells?;
            if cells.iter().any(|cell| !cell.is_empty()) && !is_frame(&cells) {
                rows.push(TableRow { line: line_of(text, &cells), cells: uncommented(cells) });
            }
        }
        let at = rows
            .iter()
            .take(HEADER_WITHIN)
            .position(|row| row.cells.iter().any(|cell| is_called(plain(cell), wanted)));
        // Text above a header is a title or a summary, never a phone.
        let header = match at {
            Some(at) if !rows[..at].iter().any(|row| row.cells.iter().any(is_phone)) => {
                rows.drain(..=at).next_back().map(|row| row.cells)
            }
            _ => None,
        };
        let before = rows.len();
        if header.as_ref().is_some_and(|header| header.len() > 1) {
            rows.retain(|row| !row.is_sentence());
        }
        let sentences = before - rows.len();
        Ok(Self { header, rows, sentences })
    }

    /// Returns the columns with one of these names, the preferred ones first.
    fn columns(&self, known: &[&str]) -> Vec<usize> {
        let header: Vec<&str> = self.header.iter().flatten().map(plain).collect();
        let of = |name: &&str| header.iter().position(|cell| is_called(cell, &[*name]));
        known.iter().filter_map(of).collect()
    }

    /// Returns the only column whose filled cells all are such.
    fn column_where(&self, is_such: impl Fn(&str) -> bool) -> Option<usize> {
        let most = self.rows.iter().map(|row| row.cells.len()).max()?;
        let mut such = (0..most).filter(|column| {
            let mut filled = self.rows.iter().filter_map(|row| row.cell(*column)).peekable();
            filled.peek().is_some() && filled.all(&is_such)
        });
        such.next().filter(|_| such.next().is_none())
    }

    /// Returns the texts of a list without a header: those of its only column, those of the only column in which all
    /// are such, or all of them.
    fn without_header(&self, is_such: impl Fn(&str) -> bool) -> Option<Vec<(u64, &str)>> {
        let single = self.rows.iter().all(|row| row.cells.len() < 2);
        let all = if single { self.all_cells(|_| true) } else { self.all_cells(&is_such) };
        if all.is_some() {
            return all;
        }
        let column = self.column_where(is_such)?;
        Some(self.rows.iter().filter_map(|row| Some((row.line, row.cell(column)?))).collect())
    }

    /// Returns all filled cells, if all of them are such.
    fn all_cells(&self, is_such: impl Fn(&str) -> bool) -> Option<Vec<(u64, &str)>> {
        let cells = self
            .rows
            .iter()
            .flat_map(|row| row.cells.iter().map(move |cell| (row.line, plain(cell))));
        let filled: Vec<_> = cells.filter(|(_, cell)| !cell.is_empty()).collect();
        filled.iter().all(|(_, cell)| is_such(cell)).then_some(filled)
    }

    fn no_column(&self, wanted: &'static str, may_quote: bool) -> ListError {
        let first = self.rows.first().filter(|_| may_quote);
        let found = first.map(|row| {
            let names: Vec<String> = row.cells.iter().take(8).map(quoted).collect();
            names.join(", ")
        });
        ListError::NoColumn { wanted, found }
    }
}

fn is_phone(cell: &str) -> bool {
    is_device_like(plain(cell)) || is_ip(plain(cell))
}

fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

/// Returns whether a row is a comment, or a line that the command line of Unified CM prints around a table.
fn is_frame(cells: &StringRecord) -> bool {
    let first = cells.get(0).unwrap_or_default();
    let is_line =
        cells.len() == 1 && ["---", "===", "admin:"].iter().any(|mark| first.starts_with(mark));
    // The pager prints it into the table: `Press <enter> for 1 line, <space> for one page, <q> to quit`.
    let is_line = is_line || first.starts_with("Press <enter>");
    first.starts_with('#') || is_line
}

/// Takes a comment behind the only text of a line away.
fn uncommented(cells: StringRecord) -> StringRecord {
    match (cells.len(), cells.get(0).and_then(|cell| cell.split_once(" #"))) {
        (1, Some((text, _))) => StringRecord::from(vec![text.trim()]),
        (_, _) => cells,
    }
}

/// Returns the line of a row, from 1; the reader counts empty lines before a row as part of it.
fn line_of(text: &str, row: &StringRecord) -> u64 {
    let Some(position) = row.position() else { return 0 };
    let begins = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(begins..).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + empty.filter(|byte| **byte == b'\n').count() as u64
}

/// How far from its beginning a table can have its header: `show risdb query phone` prints a summary first.
const HEADER_WITHIN: usize = 40;

#[cfg(test)]
mod tests;
