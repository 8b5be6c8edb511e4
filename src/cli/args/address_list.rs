//! Which addresses are meant, and what is said about the phones there.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::cli::args::device_list;
use crate::cli::args::name_list::unusable;
use crate::cli::ui;
use crate::domain::device_name::DeviceName;
use crate::domain::model::Model;
use crate::domain::selector::Pattern;
use crate::error::{AppError, ErrorKind};
use crate::rollout::by_address::identify::AddressEntry;

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

fn one_model(models: &[Pattern]) -> Result<Option<&'static Model>, AppError> {
    match models {
        [] => Ok(None),
        [typed] => device_list::model(typed.as_str()).map(Some),
        [_, _, ..] => Err(AppError::new(ErrorKind::Usage,
            "--model is given more than once, but it names the model of the phones at all addresses",
        )
        .hint("phones of several models go into a file with an `address` and a `model` column: --addresses-from FILE")),
    }
}

fn in_file(path: &Path) -> Result<Vec<AddressEntry>, AppError> {
    let read = device_list::read_text(path).and_then(|file| {
        let mut list = device_list::addresses(&file.entries.concat(), path != Path::new("-"))?;
        list.notes.extend(file.notes);
        Ok(list)
    });
    let list = read.map_err(|error| unusable("address", path, error, WHAT_A_LIST_IS))?;
    list.notes.iter().for_each(|note| ui::say(&format!("note: {note}")));
    Ok(list.entries)
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

const WHAT_A_LIST_IS: &str = "nothing was sent; --addresses-from takes a table (CSV, tabs) with a column `address`, \
    `IP Address` or `IPv4 Address` and, where they are known, `model` and `name`, or a text file with a line \
    `ADDRESS MODEL` for each phone";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_named_once() {
        let twice = |text| twice(&device_list::addresses(text, true).unwrap().entries);
        assert!(twice("10.1.2.3\n10.1.2.4\n").is_none());
        assert!(twice("10.1.2.3\n::ffff:10.1.2.3 8841\n").unwrap().contains("10.1.2.3 is named"));
        let names = twice("address,name\n10.1.2.3,SEP1\n10.1.2.4,sep1\n").unwrap();
        assert!(names.contains("10.1.2.3 and 10.1.2.4"), "{names}");
    }
}
