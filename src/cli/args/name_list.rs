//! Targeting options become a selector.

use std::path::Path;

use crate::cli::args::device_list::{self, ListError};
use crate::cli::args::{ConnectionArgs, TargetArgs};
use crate::cli::ui;
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
        (Field::Extension, &args.dn),
        (Field::Description, &args.description),
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
        sample: args.sample,
    })
}

fn names_in(path: &Path) -> Result<Vec<DeviceName>, AppError> {
    let read = device_list::read_text(path).and_then(|file| {
        let mut list = device_list::names(&file.entries.concat(), path != Path::new("-"))?;
        list.notes.extend(file.notes);
        Ok(list)
    });
    let list = read.map_err(|error| unusable("device", path, error, WHAT_A_LIST_IS))?;
    list.notes.iter().for_each(|note| ui::say(&format!("note: {note}")));
    Ok(list.entries)
}

/// Says which list cannot be used, why, and what such a list is.
pub fn unusable(kind: &str, path: &Path, error: ListError, what_it_is: &'static str) -> AppError {
    let shown = path.display();
    match error {
        ListError::Unreadable(error) => AppError::from_error(ErrorKind::Usage, error)
            .context(format_args!("cannot read the {kind} list {shown}")),
        ListError::NoText(_)
        | ListError::NoTable(_)
        | ListError::Empty(_)
        | ListError::OnlyMultiplatform(_)
        | ListError::NoColumn { .. }
        | ListError::Cell { .. } => AppError::from_error(ErrorKind::Usage, error)
            .context(format_args!("the {kind} list {shown}")),
    }
    .hint(what_it_is)
}

const WHAT_A_LIST_IS: &str = "--devices-from takes a text file with a name or MAC address a line, or a table \
    (CSV, tabs) with a column `name`, `Device Name` or `MAC Address`";
