//! A folder that pictures and ring tones are written into, without overwriting files of others.
//!
//! The folder keeps a list of what was written into it, with digests. A file that is there already is ours
//! when the list has its digest; every other one stays, and nothing is written then. A file that was made from another
//! picture or sound stays too, although it is ours.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::cli::present::list;
use crate::cli::ui;
use crate::domain::text::{hex, nfc, sanitize_truncate};
use crate::domain::text_encoding::XmlText;
use crate::error::{AppError, ErrorKind};

/// A folder, and what was written into it before.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    replace: Replace,
    ours: Ours,
}

/// Which files may be replaced, besides those that were made from the same picture or sound.
#[derive(Clone, Copy, Debug)]
pub struct Replace {
    /// Those that were made from another picture or sound.
    pub other_sources: bool,
    /// Those that axlpaper has not written.
    pub foreign: bool,
    /// The option that allows the latter.
    pub foreign_option: &'static str,
}

/// A file that is to be written.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// Its path inside the folder, with `/` between its parts.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Whether it holds everything that the one in its place holds.
    pub merged: bool,
    /// Whether it was made from nothing, although there may be one somewhere else that it should continue.
    pub from_nothing: bool,
    /// The digest of the picture or sound that it was made from; an empty text where it belongs to none.
    pub source: String,
    /// For a list: the files that the list in its place names, which a server has.
    pub named: Vec<String>,
}

impl NewFile {
    /// A single file.
    pub fn new(path: String, bytes: Vec<u8>) -> Self {
        Self {
            path,
            bytes,
            merged: false,
            from_nothing: false,
            source: String::new(),
            named: Vec::new(),
        }
    }
}

/// The list that the folder keeps.
#[derive(Debug, Deserialize, Serialize)]
struct Ours {
    schema: String,
    /// The digests that a file may have; two while it is being replaced.
    files: BTreeMap<String, Vec<String>>,
    /// The files that were made from nothing.
    #[serde(default)]
    from_nothing: BTreeSet<String>,
    /// The digests of what files were made from.
    #[serde(default)]
    sources: BTreeMap<String, String>,
}

impl Folder {
    /// Opens a folder, which need not be there yet.
    pub fn open(root: &Path, replace: Replace) -> Result<Self, AppError> {
        let empty = Ours {
            schema: SCHEMA.to_owned(),
            files: BTreeMap::new(),
            from_nothing: BTreeSet::new(),
            sources: BTreeMap::new(),
        };
        let list = root.join(LIST);
        let ours = match std::fs::read(&list) {
            Ok(bytes) => match serde_json::from_slice::<Ours>(&bytes) {
                Ok(ours) if ours.schema == SCHEMA => ours,
                Ok(_) | Err(_) if replace.foreign => empty,
                Ok(_) | Err(_) => {
                    let error = format!("{} is no list that axlpaper has written", list.display());
                    return Err(AppError::new(ErrorKind::Refused, error).hint(format!(
                        "nothing was written; name another folder, or use {}",
                        replace.foreign_option
                    )));
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => empty,
            Err(error) => return Err(unreadable(&list, error)),
        };
        Ok(Self { root: root.to_owned(), replace, ours })
    }

    /// Reads a list that may be there.
    pub fn read_list(&self, path: &str) -> Result<Option<XmlText>, AppError> {
        let path = self.root.join(path);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&path, error)),
        };
        XmlText::decode(&bytes).map(Some).map_err(|error| {
            AppError::from_error(ErrorKind::Usage, error)
                .context(format_args!("cannot read the list {}", path.display()))
                .hint(
                    "nothing was written; save the list as UTF-8, with encoding=\"UTF-8\" or no encoding in its first \
                     line",
                )
        })
    }

    /// Returns the files whose paths differ from this one only in what `plain` takes off a name.
    fn other_spellings(&self, path: &str, plain: impl Fn(&str) -> String) -> Vec<String> {
        let mut found = vec![String::new()];
        for wanted in path.split('/').map(&plain) {
            let mut deeper = Vec::new();
            for folder in found {
                let entries = std::fs::read_dir(self.root.join(&folder)).into_iter().flatten();
                let names = entries.flatten().map(|entry| entry.file_name());
                let names = names.map(|name| name.to_string_lossy().into_owned());
                let names = names.filter(|name| plain(name) == wanted);
                deeper.extend(names.map(|name| match folder.as_str() {
                    "" => name,
                    folder => format!("{folder}/{name}"),
                }));
            }
            found = deeper;
        }
        found.retain(|other| other != path);
        found.sort();
        found
    }

    /// Describes another spelling of a list's path, or a copy of the list, where there is one.
    pub fn other_spelling(&self, path: &str) -> Option<String> {
        let others = self.other_spellings(path, without_copy_mark);
        (!others.is_empty()).then(|| {
            format!(
                "{} is there besides {path}: phones read no other spelling than {path}, and its entries were not merged; \
                 if they are wanted, rename it to {path} and run the same command again",
                sanitize_truncate(&others.join(", "), MOST_SHOWN)
            )
        })
    }

    /// Returns whether a file is one that was made from nothing here, and has not changed since.
    pub fn is_from_nothing(&self, path: &str) -> bool {
        let digest = std::fs::read(self.root.join(path)).map(|content| digest(&content));
        let is_ours =
            |digests: &Vec<String>| digest.as_ref().is_ok_and(|digest| digests.contains(digest));
        self.ours.from_nothing.contains(path) && self.ours.files.get(path).is_some_and(is_ours)
    }

    /// Writes files. Nothing is written when one of them would replace what is not ours, and in a dry run.
    pub fn write(mut self, files: &[NewFile], dry_run: bool) -> Result<(), AppError> {
        if !self.replace.foreign {
            self.check_foreign(files)?;
            if !self.replace.other_sources {
                self.check_sources(files)?;
                self.check_named(files)?;
            }
        }
        if dry_run {
            ui::say("Dry run: nothing was written.");
            return Ok(());
        }
        for file in files {
            let path = self.root.join(&file.path);
            let folder = path.parent().unwrap_or(&self.root);
            std::fs::create_dir_all(folder).map_err(|error| {
                AppError::from_error(ErrorKind::Failed, error)
                    .context(format_args!("cannot make the folder {}", folder.display()))
            })?;
        }
        // Before a file is replaced, both what it is and what it will be are ours: a run that is cut short
        // in between can be repeated.
        for file in files {
            let digests = self.ours.files.entry(file.path.clone()).or_default();
            let digest = digest(&file.bytes);
            if !digests.contains(&digest) {
                digests.push(digest);
            }
            if file.from_nothing {
                self.ours.from_nothing.insert(file.path.clone());
            } else {
                self.ours.from_nothing.remove(&file.path);
            }
            if !file.source.is_empty() {
                self.ours.sources.insert(file.path.clone(), file.source.clone());
            }
        }
        self.save()?;
        for file in files {
            list::write_bytes(&self.root.join(&file.path), &file.bytes)?;
        }
        for file in files {
            self.ours.files.insert(file.path.clone(), vec![digest(&file.bytes)]);
        }
        self.save()
    }

    fn check_foreign(&self, files: &[NewFile]) -> Result<(), AppError> {
        let mut foreign = Vec::new();
        for file in files.iter().filter(|file| !file.merged) {
            let path = self.root.join(&file.path);
            if let Some(bytes) = self.other_content(file)? {
                let digest = digest(&bytes);
                let known = self.ours.files.get(&file.path);
                if known.is_none_or(|ours| !ours.contains(&digest)) {
                    foreign.push(path.display().to_string());
                }
            }
        }
        let option = self.replace.foreign_option;
        refuse(foreign, "not written by axlpaper, or changed since:", || {
            format!("name another folder, or use {option} to write over them")
        })
    }

    /// Refuses to replace what was made from another picture or sound, also where only the case of its name differs:
    /// on Windows and macOS that is the same file.
    fn check_sources(&self, files: &[NewFile]) -> Result<(), AppError> {
        let mut taken = Vec::new();
        for file in files.iter().filter(|file| !file.source.is_empty()) {
            let mut paths = Vec::new();
            if self.other_content(file)?.is_some() {
                paths.push(file.path.clone());
            }
            paths.extend(self.other_spellings(&file.path, str::to_lowercase));
            paths.retain(|path| self.ours.sources.get(path) != Some(&file.source));
            taken.extend(paths.iter().map(|path| self.root.join(path).display().to_string()));
        }
        refuse(taken, "made from another picture or sound, or changed since:", || {
            "choose another name with --name, or replace them with --overwrite".to_owned()
        })
    }

    /// Refuses to make a file that a list names already and that is not in the folder: uploading it would replace the
    /// file of that name on the server, such as one of Cisco's.
    fn check_named(&self, files: &[NewFile]) -> Result<(), AppError> {
        let mut taken = Vec::new();
        for file in files.iter().filter(|file| !file.source.is_empty()) {
            let path = file.path.to_lowercase();
            for list in files {
                let named = list.named.iter().filter(|named| {
                    named.to_lowercase() == path
                        && self.ours.sources.get(*named) != Some(&file.source)
                        && !self.root.join(named).exists()
                });
                taken.extend(named.map(|named| {
                    format!("{} ({})", sanitize_truncate(named, MOST_SHOWN), list.path)
                }));
            }
        }
        refuse(taken, "named by the list already, and not made from this picture or sound:", || {
            "uploading it would replace what the server has under that name; choose another name with --name, or replace \
             it with --overwrite"
                .to_owned()
        })
    }

    /// Reads the file in a new one's place, where there is one that is not the same.
    fn other_content(&self, file: &NewFile) -> Result<Option<Vec<u8>>, AppError> {
        let path = self.root.join(&file.path);
        match std::fs::read(&path) {
            Ok(bytes) => Ok((bytes != file.bytes).then_some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(&path, error)),
        }
    }

    fn save(&self) -> Result<(), AppError> {
        let text = serde_json::to_string_pretty(&self.ours)
            .map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
        list::write_file(&self.root.join(LIST), &(text + "\n"))
    }
}

/// Returns the SHA-256 digest in hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Refuses to write when there are paths that stay as they are.
fn refuse(
    mut paths: Vec<String>,
    why: &str,
    way_out: impl FnOnce() -> String,
) -> Result<(), AppError> {
    if paths.is_empty() {
        return Ok(());
    }
    let others = match paths.len() {
        0..=3 => String::new(),
        count => format!(" and {} more", count - 3),
    };
    paths.truncate(3);
    let error = format!("{why} {}{others}", paths.join(", "));
    Err(AppError::new(ErrorKind::Refused, error)
        .hint(format!("nothing was written; {}", way_out())))
}

/// Checks that a list holds what it should also when it is read back from the bytes that are written.
pub fn check_encoded(bytes: &[u8], holds: impl Fn(&str) -> bool) -> Result<(), AppError> {
    match XmlText::decode(bytes) {
        Ok(read) if !read.repaired && holds(&read.text) => Ok(()),
        _ => Err(AppError::new(ErrorKind::Usage, "its encoding cannot hold the new entry")
            .hint("nothing was written; save the list as UTF-8, or use another --name")),
    }
}

/// Describes what was changed in a list that is no XML as it was.
pub fn repaired(path: &str) -> String {
    format!(
        "{path} had blanks, empty lines or a second byte order mark in front of its beginning, with which it is no XML \
         file: they were taken out; upload it, and correct the copy it came from"
    )
}

/// Makes a name for files on a TFTP server: the characters of a text that `fits` takes, `most` at most.
///
/// TFTP transfers file names as netascii (RFC 1350), so letters outside ASCII cannot be kept. Where a letter or a digit
/// is lost, a digest of the text is added: names that differ in nothing else stay different. macOS decomposes letters,
/// so the text is composed first.
pub fn plain_name(text: &str, most: usize, instead: &str, fits: impl Fn(char) -> bool) -> String {
    let text = &*nfc(text);
    let kept: String = text.chars().filter(|c| c.is_ascii() && fits(*c)).collect();
    let is_lost = text.chars().any(|c| !c.is_ascii() && c.is_alphanumeric());
    if !is_lost && kept.len() <= most && !kept.is_empty() {
        return kept;
    }
    let digest = &digest(text.as_bytes())[..DIGEST];
    let start = if kept.is_empty() { instead } else { &kept };
    format!("{}{digest}", &start[..start.len().min(most - DIGEST)])
}

/// Returns a name in lower case without what editors and browsers add to it: `List.xml.txt`, `List (1).xml`.
fn without_copy_mark(name: &str) -> String {
    let name = name.to_lowercase();
    let name = name.strip_suffix(".txt").unwrap_or(&name);
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let number = stem.strip_suffix(')').and_then(|stem| stem.rsplit_once('('));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    match number {
        Some((stem, digits)) if is_number(digits) => format!("{}.{ending}", stem.trim_end()),
        _ => name.to_owned(),
    }
}

/// The longest text of somebody else's that a message repeats, in characters.
const MOST_SHOWN: usize = 200;

/// How many digits of a digest a name has.
const DIGEST: usize = 6;

fn unreadable(path: &Path, error: io::Error) -> AppError {
    AppError::from_error(ErrorKind::Failed, error)
        .context(format_args!("cannot read {}", path.display()))
        .hint("nothing was written; check the file and its permissions")
}

const LIST: &str = "axlpaper-files.json";
const SCHEMA: &str = "axlpaper.files/v1";

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> NewFile {
        NewFile::new(path.into(), text.into())
    }

    fn replace(other_sources: bool, foreign: bool) -> Replace {
        Replace { other_sources, foreign, foreign_option: "--force" }
    }

    fn open(root: &Path, force: bool) -> Result<Folder, AppError> {
        Folder::open(root, replace(false, force))
    }

    fn write(root: &Path, force: bool, files: &[NewFile]) -> Result<(), AppError> {
        open(root, force)?.write(files, false)
    }

    #[test]
    fn what_was_made_from_another_picture_stays() {
        let folder = tempfile::tempdir().unwrap();
        let made = |path: &str, source: &str, text: &str| NewFile {
            source: source.to_owned(),
            ..file(path, text)
        };
        let write = |overwrite: bool, file: NewFile| {
            Folder::open(folder.path(), replace(overwrite, false))?.write(&[file], false)
        };
        write(false, made("a/x.png", "one", "1")).unwrap();
        // Other options, and the same picture.
        write(false, made("a/x.png", "one", "2")).unwrap();
        for path in ["a/x.png", "a/X.png"] {
            let error = write(false, made(path, "two", "3")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert!(error.message().contains("x.png"), "{error}");
        }
        write(false, made("b/x.png", "two", "3")).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("a/x.png")).unwrap(), "2");
        write(true, made("a/x.png", "two", "3")).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("a/x.png")).unwrap(), "3");
        write(false, made("a/x.png", "one", "1")).unwrap_err();
    }

    #[test]
    fn a_file_that_a_list_names_already_is_not_made_without_being_asked() {
        let folder = tempfile::tempdir().unwrap();
        let write = |overwrite: bool, source: &str| {
            let list = NewFile {
                merged: true,
                named: vec!["Chirp1.raw".to_owned(), "a/Old.png".to_owned()],
                ..file("list", "theirs and ours")
            };
            let tone = NewFile { source: source.to_owned(), ..file("Chirp1.raw", source) };
            Folder::open(folder.path(), replace(overwrite, false))?.write(&[tone, list], false)
        };
        let error = write(false, "one").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.message().contains("Chirp1.raw (list)"), "{error}");
        assert!(!error.message().contains("Old.png") && !folder.path().join("list").exists());
        write(true, "one").unwrap();
        // It is ours now, whether or not it is still in the folder.
        write(false, "one").unwrap();
        std::fs::remove_file(folder.path().join("Chirp1.raw")).unwrap();
        write(false, "one").unwrap();
        std::fs::remove_file(folder.path().join("Chirp1.raw")).unwrap();
        write(false, "two").unwrap_err();
    }

    #[test]
    fn other_spellings_and_copies_of_a_list_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let there = [
            "A/b/List.xml",
            "A/b/LIST.XML",
            "A/b/List.xml.txt",
            "A/b/List (1).xml",
            "A/b/List(x).xml",
            "A/b/Lists.xml",
            "a/B/list.xml",
            "c/List.xml",
        ];
        for path in there {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let open = open(folder.path(), false).unwrap();
        let found = open.other_spelling("A/b/List.xml").unwrap();
        let expected = "A/b/LIST.XML, A/b/List (1).xml, A/b/List.xml.txt, a/B/list.xml is there";
        assert!(found.starts_with(expected), "{found}");
        assert_eq!(open.other_spelling("c/List.xml"), None);
        assert_eq!(open.other_spelling("d/List.xml"), None);
    }

    #[test]
    fn names_that_lose_letters_stay_different() {
        let name = |text: &str| plain_name(text, 20, "wallpaper", |c| c.is_ascii_alphanumeric());
        assert_eq!(name("Sunset at sea (2)"), "Sunsetatsea2");
        let names = [
            "Москва",
            "日本",
            "Mün",
            "Mn",
            "Män",
            "?",
            "!",
            "",
            "x",
            &"x".repeat(21),
            &"x".repeat(22),
        ];
        let made: BTreeSet<String> = names.iter().map(|text| name(text)).collect();
        assert_eq!(made.len(), names.len(), "{made:?}");
        for name in &made {
            assert!(name.len() <= 20 && name.bytes().all(|c| c.is_ascii_alphanumeric()), "{name}");
        }
        assert!(name("日本").starts_with("wallpaper") && name("Mün").starts_with("Mn"));
        // The same letter, in one character and in two.
        assert_eq!(name("M\u{fc}n"), name("Mu\u{308}n"));
        assert_ne!(name("a\u{308}"), name("a"));
    }

    #[test]
    fn our_own_files_are_replaced_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("new/folder");
        write(&root, false, &[file("a/x.png", "1"), file("y.png", "1")]).unwrap();
        write(&root, false, &[file("a/x.png", "2")]).unwrap();
        let text = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
        assert_eq!((text("a/x.png").as_str(), text("y.png").as_str()), ("2", "1"));

        std::fs::write(root.join("a/x.png"), "somebody's").unwrap();
        std::fs::write(root.join("z.png"), "somebody's").unwrap();
        let all = [file("y.png", "3"), file("a/x.png", "3"), file("z.png", "3")];
        let error = write(&root, false, &all).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.message().contains("x.png") && error.message().contains("z.png"), "{error}");
        assert!(!error.message().contains("y.png"), "{error}");
        assert_eq!(text("y.png"), "1");

        write(&root, true, &all).unwrap();
        assert_eq!((text("a/x.png").as_str(), text("y.png").as_str()), ("3", "3"));
    }

    #[test]
    fn what_is_there_already_or_was_merged_is_no_trouble() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("same"), "1").unwrap();
        std::fs::write(folder.path().join("list"), "theirs").unwrap();
        let merged = NewFile { merged: true, ..file("list", "theirs and ours") };
        write(folder.path(), false, &[file("same", "1"), merged]).unwrap();
        let list = std::fs::read_to_string(folder.path().join("list")).unwrap();
        assert_eq!(list, "theirs and ours");
    }

    #[test]
    fn a_list_from_nothing_is_known_until_somebody_puts_another_there() {
        let folder = tempfile::tempdir().unwrap();
        let made = NewFile { from_nothing: true, ..file("list", "ours") };
        write(folder.path(), false, &[made]).unwrap();
        let is_from_nothing = || open(folder.path(), false).unwrap().is_from_nothing("list");
        assert!(is_from_nothing());
        std::fs::write(folder.path().join("list"), "theirs").unwrap();
        assert!(!is_from_nothing());
        write(folder.path(), true, &[file("list", "theirs and ours")]).unwrap();
        assert!(!is_from_nothing());
    }

    #[test]
    fn a_run_that_was_cut_short_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), false, &[file("a", "old"), file("b", "old")]).unwrap();
        // Killed between the first and the second file: the list names both contents of both.
        let mut cut = open(folder.path(), false).unwrap();
        for name in ["a", "b"] {
            cut.ours.files.get_mut(name).unwrap().push(digest(b"new"));
        }
        cut.save().unwrap();
        std::fs::write(folder.path().join("a"), "new").unwrap();
        write(folder.path(), false, &[file("a", "third"), file("b", "third")]).unwrap();
    }

    #[test]
    fn a_list_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(LIST), "{}").unwrap();
        assert_eq!(open(folder.path(), false).unwrap_err().kind(), ErrorKind::Refused);
        open(folder.path(), true).unwrap();
    }
}
