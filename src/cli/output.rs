//! The answer, in the format and to the place that was asked for.

use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::args::OutputArgs;
use super::error::{CliError, Exit};
use super::ui;
use crate::report::{Format, ListError, Record, csv, ndjson, table};

/// Renders a list; `json` makes the document around it.
///
/// # Errors
/// When the list cannot be rendered.
pub fn list<T: Record>(
    args: &OutputArgs,
    records: &[T],
    json: impl FnOnce() -> Result<String, ListError>,
) -> Result<String, CliError> {
    let text = match args.format() {
        Format::Table => {
            let width = if args.output.is_some() { None } else { ui::terminal_width() };
            Ok(table(records, width))
        }
        Format::Json => json(),
        Format::Ndjson => ndjson(records),
        Format::Csv => csv(records),
    };
    text.map_err(|error| CliError::from_error(Exit::Failed, &error))
}

/// Writes the answer to its file or to standard output.
///
/// # Errors
/// When it cannot be written.
pub fn write(args: &OutputArgs, text: &str) -> Result<(), CliError> {
    match &args.output {
        None => ui::put(text),
        Some(path) => write_file(path, text),
    }
}

/// Proves before a run that the answer can be written to where it was asked for.
///
/// # Errors
/// See [`check_writable`].
pub fn check(args: &OutputArgs) -> Result<(), CliError> {
    args.output.as_deref().map_or(Ok(()), check_writable)
}

/// Writes a file in one piece: it is whole or it is not there.
///
/// What is no regular file, such as a device or a pipe, is written into and stays what it is; a link
/// stays a link, and the file it leads to is replaced.
///
/// # Errors
/// When the folder does not exist, or cannot be written to.
pub fn write_file(path: &Path, text: &str) -> Result<(), CliError> {
    write_bytes(path, text.as_bytes())
}

/// Writes a file of any content, as [`write_file`] does.
///
/// # Errors
/// As [`write_file`].
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    put_file(path, bytes).map_err(|error| unwritable(path, &error))
}

/// Proves that [`write_file`] can write there, and leaves nothing behind.
///
/// # Errors
/// When the folder does not exist, when it may not be written to, or when the path is a folder.
pub fn check_writable(path: &Path) -> Result<(), CliError> {
    let checked = match place(path) {
        Ok(Place::Special(_)) => Ok(()),
        Ok(Place::File { path, .. }) => {
            create_beside(&path).and_then(|(_, beside)| std::fs::remove_file(beside))
        }
        Err(error) => Err(error),
    };
    checked.map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> CliError {
    CliError::new(Exit::Failed, format!("cannot write {}: {error}", path.display()))
        .hint("check that the folder exists and may be written to")
}

/// Where a path leads.
enum Place {
    /// A file, or the place for one.
    File {
        /// Where it is, once links have been followed.
        path: PathBuf,
        /// Its mode, when it is there already.
        permissions: Option<Permissions>,
    },
    /// A device, a pipe or another thing that is not to be replaced.
    Special(PathBuf),
}

fn place(path: &Path) -> io::Result<Place> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let metadata = match std::fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Place::File { path, permissions: None });
            }
            Err(error) => return Err(error),
        };
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if metadata.is_file() {
            return Ok(Place::File { path, permissions: Some(metadata.permissions()) });
        }
        if !metadata.is_symlink() {
            return Ok(Place::Special(path));
        }
        // What `/dev/stdout` and its like lead to in the end can be no path at all, but can be opened.
        if path.starts_with("/proc") {
            return Ok(Place::Special(path));
        }
        let target = std::fs::read_link(&path)?;
        path = folder(&path).join(target);
    }
    Err(io::Error::other("too many links lead to one another"))
}

fn put_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (path, permissions) = match place(path)? {
        Place::Special(path) => {
            // Standard output can be a file that holds something already.
            let mut file = File::options().append(true).open(path)?;
            return file.write_all(bytes).and_then(|()| file.flush());
        }
        Place::File { path, permissions } => (path, permissions),
    };
    let (mut file, beside) = create_beside(&path)?;
    let written = permissions
        .map_or(Ok(()), |permissions| file.set_permissions(permissions))
        .and_then(|()| file.write_all(bytes))
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&beside, &path));
    if written.is_err() {
        // The first error is the one to tell; a file that cannot be removed either is told by nobody.
        let _ignored = std::fs::remove_file(&beside);
    }
    written
}

/// Creates a file of a name that nobody can have prepared.
fn create_beside(path: &Path) -> io::Result<(File, PathBuf)> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let beside = folder(path).join(format!(".axlpaper-{:016x}.part", u64::from_ne_bytes(random)));
    let file = File::options().write(true).create_new(true).open(&beside)?;
    Ok((file, beside))
}

fn folder(path: &Path) -> &Path {
    let parent = path.parent().unwrap_or(path);
    if parent.as_os_str().is_empty() { Path::new(".") } else { parent }
}

/// Systems follow about as many before they call it a circle.
const MOST_LINKS: usize = 40;

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};

    use super::*;

    fn entries(folder: &Path) -> usize {
        std::fs::read_dir(folder).map_or(0, Iterator::count)
    }

    #[test]
    fn replaces_a_file_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        write_file(&path, "old").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        write_file(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        for old in [true, false] {
            if old {
                std::fs::write(&file, "old").unwrap();
            }
            symlink("file", &link).unwrap();
            write_file(&link, "new").unwrap();
            assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
            std::fs::remove_file(&link).unwrap();
            std::fs::remove_file(&file).unwrap();
        }
        symlink("circle", folder.path().join("circle")).unwrap();
        assert!(write_file(&folder.path().join("circle"), "x").is_err());
    }

    #[test]
    fn devices_are_written_into() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("zero");
        symlink("/dev/zero", &link).unwrap();
        for path in [Path::new("/dev/zero"), &link] {
            check_writable(path).unwrap();
            write_file(path, "text").unwrap();
        }
        assert!(std::fs::symlink_metadata("/dev/zero").unwrap().file_type().is_char_device());
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        let error = write_file(Path::new("/dev/full"), "text").unwrap_err();
        assert_eq!(error.exit(), Exit::Failed);
    }

    #[test]
    fn the_check_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        check_writable(&folder.path().join("new")).unwrap();
        assert_eq!(entries(folder.path()), 0);
        let error = check_writable(&folder.path().join("nowhere/new")).unwrap_err();
        assert!(error.to_string().contains("nowhere"), "{error}");
        check_writable(folder.path()).unwrap_err();
        std::fs::write(folder.path().join("there"), "old").unwrap();
        check_writable(&folder.path().join("there")).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("there")).unwrap(), "old");
    }
}
