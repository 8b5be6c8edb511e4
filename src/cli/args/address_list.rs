//! Which addresses are meant, and what is said about the phones there.

use crate::rollout::by_address::identify::is_address;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use csv::StringRecord;

use crate::cli::args::name_list::{line_of, read_list, rows};
use crate::domain::device_name::DeviceName;
use crate::domain::model::{self, Model};
use crate::domain::selector::Pattern;
use crate::domain::text::sanitize_truncate;
use crate::error::{AppError, ErrorKind};
use crate::rollout::by_address::identify::AddressEntry;

/// Puts everything together that was typed.
pub fn entries(
    addresses: &[IpAddr],
    files: &[PathBuf],
    models: &[Pattern],
) -> Result<Vec<AddressEntry>, AppError> {
    let model = one_model(models)?;
    if files.iter().filter(|path| *path == Path::new("-")).count() > 1 {
        return Err(AppError::new(ErrorKind::Usage, "--addresses-from - can be given only once"));
    }
    let typed = addresses.iter();
    let mut entries: Vec<AddressEntry> =
        typed.map(|address| AddressEntry { address: *address, model: None, name: None }).collect();
    for path in files {
        entries.extend(in_file(path)?);
    }
    for entry in &mut entries {
        entry.model = entry.model.or(model);
    }
    match twice(&entries) {
        None => Ok(entries),
        Some(why) => Err(AppError::new(ErrorKind::Usage, why)
            .hint("nothing was sent; name every phone once, with one address")),
    }
}

/// Reads an address that can be a phone's.
pub fn address(text: &str) -> Result<IpAddr, String> {
    let address = text
        .trim()
        .parse::<IpAddr>()
        .map_err(|_| {
            "it is no IP address; write it as 10.1.2.3, names are not looked up".to_owned()
        })?
        .to_canonical();
    let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    if address.is_unspecified() || address.is_multicast() || is_broadcast {
        return Err("no single phone answers at that address".to_owned());
    }
    Ok(address)
}

fn one_model(models: &[Pattern]) -> Result<Option<&'static Model>, AppError> {
    match models {
        [] => Ok(None),
        [typed] => known_model(typed.as_str()).map(Some).map_err(|why| {
            AppError::new(ErrorKind::Usage, format!("--model {:?}: {why}", typed.as_str()))
                .hint(WHICH_MODELS)
        }),
        [_, _, ..] => Err(AppError::new(ErrorKind::Usage,
            "--model is given more than once, and says what the phones at all addresses are",
        )
        .hint("phones of several models go into a file with an `address` and a `model` column: --addresses-from FILE")),
    }
}

fn known_model(text: &str) -> Result<&'static Model, String> {
    model::by_product(text).ok_or_else(|| "that model is not known".to_owned())
}

fn in_file(path: &PathBuf) -> Result<Vec<AddressEntry>, AppError> {
    let shown = path.display();
    let text = read_list(path).map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error)
            .context(format_args!("cannot read the address list {shown}"))
            .hint(WHAT_A_LIST_IS)
    })?;
    parse(&text, path != Path::new("-")).map_err(|error| {
        let hint = match &error {
            ListError::Value { column: Column::Model, .. } => WHICH_MODELS,
            ListError::Value { .. } | ListError::Shape(_) => WHAT_A_LIST_IS,
        };
        AppError::from_error(ErrorKind::Usage, error)
            .context(format_args!("the address list {shown}"))
            .hint(hint)
    })
}

/// An address list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It is not laid out as a list.
    #[error("{0}")]
    Shape(String),
    /// A value in it cannot be used; `quoted` is the value where it may be shown.
    #[error("line {line}, the {}{quoted}: {why}", column.as_str())]
    Value { line: usize, column: Column, quoted: String, why: String },
}

#[derive(Clone, Copy, Debug)]
pub enum Column {
    Address,
    Model,
    Name,
}

impl Column {
    fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Model => "model",
            Self::Name => "name",
        }
    }
}

/// Reads CSV with a header that has a column `address` or `ip`, or else a line `ADDRESS MODEL` for each phone.
///
/// What is wrong is quoted only when `may_quote`: a user may have typed a password into standard input.
pub fn parse(text: &str, may_quote: bool) -> Result<Vec<AddressEntry>, ListError> {
    let text = text.trim_start_matches('\u{feff}');
    let rows = rows(text).map_err(ListError::Shape)?;
    let entries = match rows.first().and_then(Columns::of) {
        Some(columns) => table(text, &rows[1..], columns, may_quote)?,
        None => lines(text, may_quote)?,
    };
    if entries.is_empty() {
        return Err(ListError::Shape("it names no phone".to_owned()));
    }
    Ok(entries)
}

/// Where a table has what.
#[derive(Clone, Copy)]
struct Columns {
    address: usize,
    model: Option<usize>,
    name: Option<usize>,
}

impl Columns {
    /// Finds them in the header; nothing when this is no header.
    fn of(header: &StringRecord) -> Option<Self> {
        let column = |name: &str| header.iter().position(|cell| cell.eq_ignore_ascii_case(name));
        let address = column("address").or_else(|| column("ip"))?;
        Some(Self { address, model: column("model"), name: column("name") })
    }
}

fn table(
    text: &str,
    rows: &[StringRecord],
    columns: Columns,
    may_quote: bool,
) -> Result<Vec<AddressEntry>, ListError> {
    let filled = rows.iter().filter(|row| row.iter().any(|cell| !cell.is_empty()));
    let read = filled.map(|row| {
        // Only what is wrong is looked for: counting lines for every row would take long.
        let line = || line_of(text, row);
        let cell = |column: Option<usize>| {
            column.and_then(|column| row.get(column)).filter(|cell| !cell.is_empty())
        };
        let Some(address) = cell(Some(columns.address)) else {
            return Err(ListError::Shape(format!("line {} has no address", line())));
        };
        entry(address, cell(columns.model), cell(columns.name), line, may_quote)
    });
    read.collect()
}

fn lines(text: &str, may_quote: bool) -> Result<Vec<AddressEntry>, ListError> {
    let mut entries = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if entries.is_empty() && line.contains([',', ';']) {
            let why = "it has several columns, but none is called `address`";
            return Err(ListError::Shape(why.to_owned()));
        }
        let (address, model) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let model = Some(model.trim()).filter(|model| !model.is_empty());
        entries.push(entry(address, model, None, || at + 1, may_quote)?);
    }
    Ok(entries)
}

/// Reads one line.
fn entry(
    address_text: &str,
    model: Option<&str>,
    name: Option<&str>,
    line: impl Fn() -> usize,
    may_quote: bool,
) -> Result<AddressEntry, ListError> {
    let wrong = |column: Column, text: &str, why: String| {
        let quoted =
            if may_quote { format!(" {:?}", sanitize_truncate(text, 80)) } else { String::new() };
        ListError::Value { line: line(), column, quoted, why }
    };
    let address = address(address_text).map_err(|why| wrong(Column::Address, address_text, why))?;
    let model = model
        .map(|text| known_model(text).map_err(|why| wrong(Column::Model, text, why)))
        .transpose()?;
    let name = name
        .map(|text| device_name(text).map_err(|why| wrong(Column::Name, text, why)))
        .transpose()?;
    Ok(AddressEntry { address, model, name })
}

fn device_name(text: &str) -> Result<DeviceName, String> {
    let name = text.parse::<DeviceName>().map_err(|_| "it is no device name".to_owned())?;
    // An address is the name of a phone without a name, so a name may not look like an address.
    if is_address(&name) { Err("it is an address and no name".to_owned()) } else { Ok(name) }
}

/// Says which phone is there twice, if one is.
fn twice(entries: &[AddressEntry]) -> Option<String> {
    let mut addresses = std::collections::HashSet::new();
    let mut names: HashMap<&DeviceName, IpAddr> = HashMap::new();
    for entry in entries {
        if !addresses.insert(entry.address) {
            return Some(format!("the address {} is named twice", entry.address));
        }
        let Some(name) = &entry.name else { continue };
        if let Some(other) = names.insert(name, entry.address) {
            return Some(format!(
                "the name {name} is at two addresses: {other} and {}",
                entry.address
            ));
        }
    }
    None
}

const WHAT_A_LIST_IS: &str = "nothing was sent; --addresses-from takes CSV with an `address` column and, where \
    they are known, `model` and `name`, or a text file with a line `ADDRESS MODEL` for each phone";

const WHICH_MODELS: &str =
    "nothing was sent; `axlpaper models` lists the models, write one as 8841";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, &'static str, String)> {
        let told = |entry: AddressEntry| {
            let name = entry.name.map(|name| name.to_string()).unwrap_or_default();
            (entry.address.to_string(), entry.model.map_or("", |model| model.name), name)
        };
        parse(text, true).unwrap().into_iter().map(told).collect()
    }

    fn row(address: &str, model: &'static str, name: &str) -> (String, &'static str, String) {
        (address.to_owned(), model, name.to_owned())
    }

    #[test]
    fn reads_lines_and_csv() {
        let two = [row("10.1.2.3", "Cisco 8841", ""), row("2001:db8::1", "", "")];
        assert_eq!(read("10.1.2.3 8841\r\n\r\n2001:db8::1\n"), two);
        assert_eq!(read("\u{feff}10.1.2.3\tCisco 8841\n 2001:DB8::1 \n"), two);
        assert_eq!(read("address,model\n10.1.2.3,CP-8841\n,\n2001:db8::1,\n"), two);
        let named = [row("10.1.2.3", "Cisco 7965", "SEP1")];
        assert_eq!(read("Name;Address;Model\nSEP1;10.1.2.3;7965\n"), named);
        assert_eq!(read("name\tmodel\tfloor\tip\nSEP1\tCP-7965G\t\"3;4\"\t10.1.2.3\n"), named);
        // A row may be shorter than the header.
        assert_eq!(read("address,model,name\n10.1.2.3\n"), [row("10.1.2.3", "", "")]);
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let wrong = |text| parse(text, true).unwrap_err().to_string();
        for text in ["", "\n \n", "address,model\n", "\u{feff}"] {
            assert_eq!(wrong(text), "it names no phone", "{text:?}");
        }
        assert!(wrong("phone,model\n10.1.2.3,8841\n").contains("`address`"));
        assert!(wrong("10.1.2.3,8841\n").contains("`address`"));
        assert_eq!(wrong("address,name\n\n,SEP1\n"), "line 3 has no address");
        for (text, told) in [
            ("10.1.2.3\nphone7 8841\n", "line 2, the address \"phone7\": it is no IP address"),
            ("address\n10.1.2.300\n", "line 2, the address \"10.1.2.300\""),
            ("0.0.0.0 8841\n", "no single phone answers"),
            ("10.1.2.3 8842\n", "line 1, the model \"8842\": that model is not known"),
            ("address,name\n10.1.2.3,SEP 1\n", "line 2, the name \"SEP 1\""),
            ("address,name\n10.1.2.3,10.1.2.4\n", "it is an address and no name"),
        ] {
            assert!(wrong(text).contains(told), "{text:?}: {}", wrong(text));
        }
        // The word "model" in what was typed does not make it an error of the model.
        let other = parse("my-model 8841\n", true).unwrap_err();
        assert!(matches!(other, ListError::Value { column: Column::Address, .. }), "{other:?}");
        let unquoted = parse("my-pass word\n", false).unwrap_err().to_string();
        assert!(unquoted.contains("line 1") && !unquoted.contains("pass"), "{unquoted}");
    }

    #[test]
    fn nobody_is_named_twice() {
        let twice = |text| twice(&parse(text, true).unwrap());
        assert!(twice("10.1.2.3\n10.1.2.4\n").is_none());
        assert!(twice("10.1.2.3\n::ffff:10.1.2.3 8841\n").unwrap().contains("10.1.2.3 is named"));
        let names = twice("address,name\n10.1.2.3,SEP1\n10.1.2.4,sep1\n").unwrap();
        assert!(names.contains("10.1.2.3 and 10.1.2.4"), "{names}");
    }

    fn any_entry() -> impl Strategy<Value = AddressEntry> {
        let image = model::catalogue().iter().collect::<Vec<_>>();
        let model = proptest::option::of(proptest::sample::select(image));
        let name = proptest::option::of("[A-Za-z][A-Za-z0-9_.-]{0,20}");
        (1_u32..0xdfff_ffff, model, name).prop_map(|(address, model, name)| AddressEntry {
            address: IpAddr::from(address.to_be_bytes()),
            model,
            name: name.map(|name| name.parse().unwrap()),
        })
    }

    proptest! {
        /// A table reads the same for every separator and order of columns.
        #[test]
        fn a_table_is_read_as_it_was_written(
            entries in proptest::collection::vec(any_entry(), 1..20),
            separator in proptest::sample::select(vec![b',', b';', b'\t']),
            turn in 0_usize..3,
            unix in any::<bool>(),
        ) {
            let terminator =
                if unix { csv::Terminator::Any(b'\n') } else { csv::Terminator::CRLF };
            let mut writer = csv::WriterBuilder::new()
                .delimiter(separator).terminator(terminator).from_writer(Vec::new());
            let mut write = |mut cells: [String; 3]| {
                cells.rotate_left(turn);
                writer.write_record(cells).unwrap();
            };
            write(["address", "model", "name"].map(str::to_owned));
            for entry in &entries {
                let model = entry.model.map_or("", |model| model.name);
                let name = entry.name.as_ref().map_or("", |name| name.as_str());
                write([entry.address.to_string(), model.to_owned(), name.to_owned()]);
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(parse(&text, true).unwrap(), entries);
        }

        #[test]
        fn lines_are_read_as_they_were_written(
            entries in proptest::collection::vec(any_entry(), 1..20),
        ) {
            let entries: Vec<AddressEntry> =
                entries.into_iter().map(|entry| AddressEntry { name: None, ..entry }).collect();
            let lines = entries.iter().map(|entry| {
                format!("{} {}\n", entry.address, entry.model.map_or("", |model| model.name))
            });
            let text: String = lines.collect();
            prop_assert_eq!(parse(&text, true).unwrap(), entries);
        }

        /// Nothing is quoted where it may not be, and nothing panics.
        #[test]
        fn whatever_is_typed_is_read_or_refused(text in "[a-z0-9.,;:\\t\\n\" ]{0,80}") {
            match parse(&text, false) {
                Ok(entries) => prop_assert!(!entries.is_empty()),
                Err(error) => {
                    let why = error.to_string();
                    prop_assert!(!why.contains('"') && !why.contains('\n'), "{}", why);
                }
            }
        }
    }
}
