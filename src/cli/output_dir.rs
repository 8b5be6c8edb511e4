//! A folder that pictures are written into, without overwriting files of others.
//!
//! The folder keeps a list of what was written into it, with digests. A file that is there already is ours
//! when the list has its digest; every other one is left alone, and nothing is written then.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::cli::present::list;
use crate::domain::text::hex;
use crate::error::{AppError, ErrorKind};

/// A folder, and what was written into it before.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    force: bool,
    ours: Ours,
}

/// A file that is to be written.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// Its path inside the folder, with `/` between its parts.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Whether it holds everything that the one in its place holds, whoever wrote that.
    pub merged: bool,
    /// Whether it was made from nothing, although there may be one somewhere else that it should continue.
    pub from_nothing: bool,
}

impl NewFile {
    /// A single file.
    pub fn new(path: String, bytes: Vec<u8>) -> Self {
        Self { path, bytes, merged: false, from_nothing: false }
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
}

impl Folder {
    /// Opens a folder, which need not be there yet. With `force` it may be written over anything.
    pub fn open(root: &Path, force: bool) -> Result<Self, AppError> {
        let empty = Ours {
            schema: SCHEMA.to_owned(),
            files: BTreeMap::new(),
            from_nothing: BTreeSet::new(),
        };
        let list = root.join(LIST);
        let ours = match std::fs::read(&list) {
            Ok(bytes) => match serde_json::from_slice::<Ours>(&bytes) {
                Ok(ours) if ours.schema == SCHEMA => ours,
                Ok(_) | Err(_) if force => empty,
                Ok(_) | Err(_) => {
                    let error = format!("{} is no list that axlpaper has written", list.display());
                    return Err(AppError::new(ErrorKind::Refused, error)
                        .hint("nothing was written; name another folder, or use --force"));
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => empty,
            Err(error) => return Err(unreadable(&list, error)),
        };
        Ok(Self { root: root.to_owned(), force, ours })
    }

    /// Reads a text that may be there.
    pub fn read(&self, path: &str) -> Result<Option<String>, AppError> {
        let path = self.root.join(path);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(&path, error)),
        }
    }

    /// Tells whether a file with this content is one that was made from nothing here.
    pub fn is_from_nothing(&self, path: &str, content: &str) -> bool {
        let is_ours = |digests: &Vec<String>| digests.contains(&digest(content.as_bytes()));
        self.ours.from_nothing.contains(path) && self.ours.files.get(path).is_some_and(is_ours)
    }

    /// Writes files. Nothing is written when one of them would replace what is not ours.
    pub fn write(mut self, files: &[NewFile]) -> Result<(), AppError> {
        if !self.force {
            self.check(files)?;
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

    fn check(&self, files: &[NewFile]) -> Result<(), AppError> {
        let mut foreign = Vec::new();
        for file in files.iter().filter(|file| !file.merged) {
            let path = self.root.join(&file.path);
            match std::fs::read(&path) {
                Ok(bytes) => {
                    let digest = digest(&bytes);
                    let known = self.ours.files.get(&file.path);
                    if bytes != file.bytes && known.is_none_or(|ours| !ours.contains(&digest)) {
                        foreign.push(path.display().to_string());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(&path, error)),
            }
        }
        if foreign.is_empty() {
            return Ok(());
        }
        let others = match foreign.len() {
            0..=3 => String::new(),
            count => format!(" and {} more", count - 3),
        };
        foreign.truncate(3);
        let error =
            format!("not written by axlpaper, or changed since: {}{others}", foreign.join(", "));
        Err(AppError::new(ErrorKind::Refused, error)
            .hint("nothing was written; name another folder, or use --force to write over them"))
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

    fn write(root: &Path, force: bool, files: &[NewFile]) -> Result<(), AppError> {
        Folder::open(root, force)?.write(files)
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
        let opened = Folder::open(folder.path(), false).unwrap();
        assert!(
            opened.is_from_nothing("list", "ours") && !opened.is_from_nothing("list", "theirs")
        );
        write(folder.path(), true, &[file("list", "theirs and ours")]).unwrap();
        let opened = Folder::open(folder.path(), false).unwrap();
        assert!(!opened.is_from_nothing("list", "theirs and ours"));
    }

    #[test]
    fn a_run_that_was_cut_short_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), false, &[file("a", "old"), file("b", "old")]).unwrap();
        // Killed between the first and the second file: the list names both contents of both.
        let mut cut = Folder::open(folder.path(), false).unwrap();
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
        assert_eq!(Folder::open(folder.path(), false).unwrap_err().kind(), ErrorKind::Refused);
        Folder::open(folder.path(), true).unwrap();
    }
}
