//! The answer, in the format and to the place that was asked for.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::NamedTempFile;

use crate::cli::args::{ListArgs, OutputArgs};
use crate::cli::ui;
use crate::domain::error_chain::error_chain;
use crate::domain::text::quoted;
use crate::error::{AppError, ErrorKind};
use crate::report::{
    FieldSelection, Format, Layout, ListError, Row, Suite, UnknownField, Writable, csv, junit,
    list_json, ndjson, table,
};

/// Makes the answer out of a list; `json` makes the document around it. Nothing is rendered yet.
pub fn list<'a, T: Row, J: Writable + 'a>(
    args: &OutputArgs,
    records: &'a [T],
    json: impl FnOnce() -> J,
) -> Result<Box<dyn Writable + 'a>, AppError> {
    let layout = if args.output.is_some() { Layout::default() } else { ui::stdout_layout() };
    list_as(args.format(), &args.list, layout, records, json)
}

/// As [`list`], in this format and layout.
pub fn list_as<'a, T: Row, J: Writable + 'a>(
    format: Format,
    list: &ListArgs,
    layout: Layout,
    records: &'a [T],
    json: impl FnOnce() -> J,
) -> Result<Box<dyn Writable + 'a>, AppError> {
    check_format::<T>(format, list)?;
    let view = view::<T>(list)?;
    Ok(match (format, view.chosen()) {
        (Format::Table, _) => rendered(move |out| table(records, &view, layout, out)),
        (Format::Json, None) => Box::new(json()),
        (Format::Json, Some(chosen)) => {
            let (chosen, now) = (chosen.to_vec(), Timestamp::now());
            rendered(move |out| list_json(records, &chosen, now).write_to(out))
        }
        (Format::Ndjson, _) => rendered(move |out| ndjson(records, &view, out)),
        (Format::Csv, _) => {
            let mark = if list.bom { BYTE_ORDER_MARK } else { b"" };
            rendered(move |out| {
                out.write_all(mark)?;
                csv(records, &view, out)
            })
        }
        (Format::Junit, _) => {
            let name = suite::<T>()?.to_owned();
            suites(vec![Suite { name, rows: records.iter().collect(), broken: None }])
        }
    })
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Puts a list into the order that was asked for.
pub fn sort<T: Row>(list: &ListArgs, records: &mut [T]) -> Result<(), AppError> {
    view::<T>(list)?.sort(records);
    Ok(())
}

/// Makes the answer out of test suites.
pub fn suites<'a, T: Row>(suites: Vec<Suite<'a, T>>) -> Box<dyn Writable + 'a> {
    let now = Timestamp::now();
    rendered(move |out| junit(&suites, now, out))
}

/// Something that is rendered when it is written.
struct Rendered<F>(F);

impl<F: Fn(&mut dyn io::Write) -> Result<(), ListError>> Writable for Rendered<F> {
    fn write_to(&self, out: &mut dyn io::Write) -> Result<(), ListError> {
        (self.0)(out)
    }
}

fn rendered<'a>(
    write: impl Fn(&mut dyn io::Write) -> Result<(), ListError> + 'a,
) -> Box<dyn Writable + 'a> {
    Box::new(Rendered(write))
}

fn view<T: Row>(list: &ListArgs) -> Result<FieldSelection, AppError> {
    FieldSelection::of::<T>(&list.fields, &list.sort).map_err(|error| {
        let UnknownField { near, all, .. } = &error;
        let all = format!("the fields are {}", all.join(", "));
        let hint = match near.first() {
            Some(nearest) => format!("did you mean {}? {all}", quoted(nearest)),
            None => all,
        };
        AppError::from_error(ErrorKind::Usage, error).hint(hint)
    })
}

/// Returns what a list of this kind is called as a test suite.
pub fn suite<T: Row>() -> Result<&'static str, AppError> {
    T::TEST_SUITE.ok_or_else(|| {
        AppError::new(
            ErrorKind::Usage,
            "--format junit shows phones that were audited or pushed to",
        )
        .hint("use it with `axlpaper audit`, `push`, `rollout` or `show`")
    })
}

/// Writes the answer to its file or to standard output.
pub fn write<A: Writable + ?Sized>(args: &OutputArgs, answer: &A) -> Result<(), AppError> {
    match &args.output {
        None => put(answer),
        Some(path) => write_file(path, answer),
    }
}

/// Writes a text for people to its file or to standard output.
pub fn write_text(args: &OutputArgs, text: impl FnOnce(Layout) -> String) -> Result<(), AppError> {
    match &args.output {
        None => ui::put_text(&text(ui::stdout_layout())),
        Some(path) => write_file(path, &text(Layout::default())),
    }
}

/// Writes the answer to standard output.
///
/// # Errors
/// When it cannot be written. A reader that has gone away is no error: it has what it wanted.
pub fn put<A: Writable + ?Sized>(answer: &A) -> Result<(), AppError> {
    ui::put_with(|out| answer.write_to(out).map_err(|error| error_chain(&error)))
}

/// Proves before a run that a list of this kind can be shown and written as it was asked for.
pub fn check_list<T: Row>(args: &OutputArgs) -> Result<(), AppError> {
    check_format::<T>(args.format(), &args.list)?;
    check(args)
}

/// Proves before a run that a list of this kind can be shown as it was asked for.
pub fn check_format<T: Row>(format: Format, list: &ListArgs) -> Result<(), AppError> {
    view::<T>(list)?;
    if list.bom && format != Format::Csv {
        return Err(AppError::new(ErrorKind::Usage, "--bom is for CSV")
            .hint("leave it out, or add --format csv"));
    }
    if format == Format::Junit {
        suite::<T>()?;
    }
    Ok(())
}

/// Proves before a run that the answer can be written to where it was asked for.
pub fn check(args: &OutputArgs) -> Result<(), AppError> {
    args.output.as_deref().map_or(Ok(()), check_answer)
}

/// Writes a file in one piece: it is whole or it is not there.
///
/// What is no regular file, such as a device or a pipe, is written into and stays what it is; a link
/// stays a link, and the file it leads to is replaced.
pub fn write_file<A: Writable + ?Sized>(path: &Path, answer: &A) -> Result<(), AppError> {
    put_file(path, answer).map_err(|error| unwritable(path, &error))
}

/// Proves before a command works that its answer or its report can be written there.
pub fn check_answer(path: &Path) -> Result<(), AppError> {
    check_is_output(path)?;
    check_writable(path)
}

/// Refuses to write an answer over a file that is surely none: a picture, a journal, a config file, or a key.
fn check_is_output(path: &Path) -> Result<(), AppError> {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| {
        let is_file = file.metadata()?.is_file();
        if is_file { file.take(HEAD).read_to_end(&mut head) } else { Ok(0) }
    });
    let Some(what) = read.ok().and_then(|_| input_kind(&head)) else { return Ok(()) };
    let message = format!("{} is {what}, and no answer is written over it", path.display());
    Err(AppError::new(ErrorKind::Usage, message).hint("nothing was written; name another file"))
}

/// Returns what a file is that begins with these bytes, where it is no answer of a command.
fn input_kind(head: &[u8]) -> Option<&'static str> {
    const PICTURES: [&[u8]; 7] =
        [b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*"];
    let text = String::from_utf8_lossy(head);
    let has_line = |begin: &str| text.lines().any(|line| line.trim_start().starts_with(begin));
    let is_svg = || text.trim_start().starts_with('<') && text.contains("<svg");
    let is_page = || text.to_ascii_lowercase().contains("<html");
    if PICTURES.iter().any(|magic| head.starts_with(magic)) || is_svg() && !is_page() {
        Some("a picture")
    } else if head.starts_with(b"SQLite format 3") {
        Some("a journal")
    } else if has_line("-----BEGIN ") {
        Some("a certificate or a key")
    } else if ["[cluster", "[[image]]", "[defaults]"].into_iter().any(has_line) {
        Some("a config file")
    } else {
        None
    }
}

/// So much of a file tells what it is.
const HEAD: u64 = 16 * 1024;

/// Writes a file of any content, as [`write_file`] does.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), AppError> {
    write_file(path, bytes)
}

/// Makes a folder, and those around it, that only its owner can read. One that is there stays as it is.
///
/// # Errors
/// When it cannot be made.
pub fn private_folder(path: &Path) -> io::Result<()> {
    let mut folders = DirBuilder::new();
    folders.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
    folders.create(path)
}

/// Proves that [`write_file`] can write there, and leaves nothing behind.
pub fn check_writable(path: &Path) -> Result<(), AppError> {
    let checked = match place(path) {
        Ok(OutputPlace::Special(_)) => Ok(()),
        Ok(OutputPlace::File { path, .. }) => create_beside(&path).and_then(NamedTempFile::close),
        Err(error) => Err(error),
    };
    checked.map_err(|error| unwritable(path, &error.into()))
}

fn unwritable(path: &Path, error: &ListError) -> AppError {
    let hint = if error.is_no_room() {
        "make room on that disk, or write to another one"
    } else {
        "check that the folder exists and may be written to"
    };
    AppError::new(ErrorKind::Failed, format!("cannot write {}: {}", path.display(), error.cause()))
        .hint(hint)
}

enum OutputPlace {
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

fn place(path: &Path) -> io::Result<OutputPlace> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let metadata = match std::fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(OutputPlace::File { path, permissions: None });
            }
            Err(error) => return Err(error),
        };
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if metadata.is_file() {
            return Ok(OutputPlace::File { path, permissions: Some(metadata.permissions()) });
        }
        if !metadata.is_symlink() {
            return Ok(OutputPlace::Special(path));
        }
        // What `/dev/stdout` and its like lead to in the end can be no path at all, but can be opened.
        if path.starts_with("/proc") {
            return Ok(OutputPlace::Special(path));
        }
        let target = std::fs::read_link(&path)?;
        path = folder(&path).join(target);
    }
    Err(io::Error::other("too many links lead to one another"))
}

fn put_file<A: Writable + ?Sized>(path: &Path, answer: &A) -> Result<(), ListError> {
    let (path, permissions) = match place(path)? {
        OutputPlace::Special(path) => {
            // Standard output can be a file that holds something already.
            let mut file = BufWriter::new(File::options().append(true).open(path)?);
            answer.write_to(&mut file)?;
            return Ok(file.flush()?);
        }
        OutputPlace::File { path, permissions } => (path, permissions),
    };
    // An error on the way removes it.
    let beside = create_beside(&path)?;
    permissions.map_or(Ok(()), |permissions| beside.as_file().set_permissions(permissions))?;
    let mut buffered = BufWriter::new(beside.as_file());
    answer.write_to(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    beside.as_file().sync_all()?;
    beside.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// Creates a file of a random name in the same folder. The mode is that of the umask, and errors do not name the file.
fn create_beside(path: &Path) -> io::Result<NamedTempFile> {
    let create = |path: &Path| File::options().write(true).create_new(true).open(path);
    tempfile::Builder::new().prefix(".axlpaper-").suffix(".part").make_in(folder(path), create)
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
    fn an_answer_is_written_over_no_picture_journal_config_or_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("there");
        for (head, what) in [
            (&b"\x89PNG\r\n"[..], "a picture"),
            (b"<?xml version=\"1.0\"?><svg/>", "a picture"),
            (b"SQLite format 3\0", "a journal"),
            (b"# mine\n[[image]]\nfile = 'a'\n", "a config file"),
            (b"-----BEGIN CERTIFICATE-----\n", "a certificate"),
        ] {
            std::fs::write(&path, head).unwrap();
            let error = check_answer(&path).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains("nothing was written"), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), head);
        }
        for answer in ["{\"schema\": 1}", "name,ip\n", "<!doctype html><html><svg>", ""] {
            std::fs::write(&path, answer).unwrap();
            check_answer(&path).unwrap();
        }
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
        assert_eq!(error.kind(), ErrorKind::Failed);
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
