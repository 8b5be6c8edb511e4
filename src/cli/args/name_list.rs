//! Targeting options become a selector.

use std::io::Read as _;
use std::path::Path;

use crate::cli::args::{ConnectionArgs, TargetArgs};
use crate::domain::device_name::DeviceName;
use crate::domain::selector::{Field, Selector};
use crate::error::{AppError, ErrorKind};

/// Makes sure that standard input is asked for one thing only.
pub fn check_stdin(connection: &ConnectionArgs, target: &TargetArgs) -> Result<(), AppError> {
    let lists = target.devices_from.iter().filter(|path| *path == Path::new("-")).count();
    if lists > 1 {
        return Err(AppError::new(ErrorKind::Usage, "--devices-from - can be given only once"));
    }
    if lists == 1 && connection.password_stdin {
        let both = "--password-stdin and --devices-from - both read standard input";
        return Err(AppError::new(ErrorKind::Usage, both).hint(
            "put the password into a file and use --password-file, or the names into a file",
        ));
    }
    Ok(())
}

/// Reads lists of names and puts everything together.
pub fn selector(args: &TargetArgs) -> Result<Selector, AppError> {
    let include = [
        (Field::DevicePool, &args.device_pool),
        (Field::Model, &args.model),
        (Field::Profile, &args.profile),
        (Field::Location, &args.location),
        (Field::Owner, &args.owner),
        (Field::Device, &args.device),
    ];
    let exclude = [
        (Field::Device, &args.exclude_device),
        (Field::Model, &args.exclude_model),
        (Field::DevicePool, &args.exclude_device_pool),
    ];
    let mut listed = (!args.devices_from.is_empty()).then(Vec::new);
    for path in &args.devices_from {
        listed.get_or_insert_default().extend(names_in(path)?);
    }
    let flat = |fields: &[(Field, &Vec<_>)]| {
        fields
            .iter()
            .flat_map(|(field, patterns)| patterns.iter().map(|p| (*field, Clone::clone(p))))
            .collect()
    };
    Ok(Selector {
        include: flat(&include),
        exclude: flat(&exclude),
        listed,
        subnets: args.subnet.clone(),
        limit: args.limit,
        ..Selector::default()
    })
}

fn names_in(path: &Path) -> Result<Vec<DeviceName>, AppError> {
    let shown = path.display();
    let text = read_list(path).map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error)
            .context(format_args!("cannot read the device list {shown}"))
            .hint(WHAT_A_LIST_IS)
    })?;
    parse_names(&text, path != Path::new("-")).map_err(|why| {
        AppError::new(ErrorKind::Usage, format!("the device list {shown}: {why}"))
            .hint(WHAT_A_LIST_IS)
    })
}

/// Reads a list as text; `-` is standard input.
pub fn read_list(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        std::fs::File::open(path)?.read_to_string(&mut text)?;
    }
    Ok(text)
}

const WHAT_A_LIST_IS: &str =
    "--devices-from takes a text file with a name a line, or CSV with a `name` column";

/// Reads a name a line, or the `name` column of CSV with a header; the separator may be a comma, a
/// semicolon or a tab, as spreadsheets write it.
///
/// What is wrong is quoted only when `may_quote`: a user may have typed a password into standard input.
pub fn parse_names(text: &str, may_quote: bool) -> Result<Vec<DeviceName>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let rows = rows(text)?;
    let header =
        rows.first().and_then(|row| row.iter().position(|cell| cell.eq_ignore_ascii_case("name")));
    if header.is_none() && rows.first().is_some_and(|row| row.len() > 1) {
        return Err("it has several columns, but none is called `name`".to_owned());
    }
    let (skip, column) = header.map_or((0, 0), |column| (1, column));
    let mut names = Vec::new();
    for row in rows.iter().skip(skip) {
        let Some(cell) = row.get(column).filter(|cell| !cell.is_empty()) else { continue };
        names.push(cell.parse::<DeviceName>().map_err(|error| {
            let line = line_of(text, row);
            if may_quote {
                format!("line {line}: {cell:?}: {error}")
            } else {
                format!("line {line} is no device name")
            }
        })?);
    }
    if names.is_empty() { Err("it names no device".to_owned()) } else { Ok(names) }
}

/// Cuts a table into rows; the separator may be a comma, a semicolon or a tab, as spreadsheets write it.
pub fn rows(text: &str) -> Result<Vec<csv::StringRecord>, String> {
    let first_line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let separator = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|byte| (first_line.bytes().filter(|b| b == byte).count(), *byte == b','))
        .unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .delimiter(separator)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for row in reader.records() {
        rows.push(row.map_err(|error| format!("not readable as lines or CSV: {error}"))?);
    }
    Ok(rows)
}

/// Returns the line of a row, from 1; the reader counts empty lines before a row as part of it.
pub fn line_of(text: &str, row: &csv::StringRecord) -> usize {
    let begins = row.position().and_then(|position| usize::try_from(position.byte()).ok());
    let bytes = text.as_bytes();
    let begins = begins.unwrap_or_default().min(bytes.len());
    let empty = bytes[begins..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    1 + bytes[..begins + empty].iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, String> {
        parse_names(text, true).map(|names| names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn reads_lines_and_csv() {
        assert_eq!(names("SEP1\r\n\r\n SEP2 \n").unwrap(), ["SEP1", "SEP2"]);
        assert_eq!(
            names("\u{feff}pool,Name\nHQ,SEP1\n\"Pa,ris\",SEP2\n").unwrap(),
            ["SEP1", "SEP2"]
        );
        assert_eq!(names("name\nSEP1\n").unwrap(), ["SEP1"]);
        assert_eq!(names("pool;name\nHQ, west;SEP1\n").unwrap(), ["SEP1"]);
        assert_eq!(names("pool\tname\nHQ\tSEP1\n").unwrap(), ["SEP1"]);
    }

    #[test]
    fn refuses_what_names_nobody() {
        assert!(names("").unwrap_err().contains("no device"));
        let error = names("SEP2\n\nSEP 1\n").unwrap_err();
        assert!(error.contains("SEP 1") && error.contains("line 3"), "{error}");
        let error = parse_names("SEP1\nmy pass word\n", false).unwrap_err();
        assert!(error.contains("line 2") && !error.contains("pass word"), "{error}");
        assert!(names("pool,device\nHQ,SEP1\n").unwrap_err().contains("`name`"));
    }
}
