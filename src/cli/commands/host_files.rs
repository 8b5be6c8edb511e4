//! The pictures of a folder, read once, for `axlpaper host`.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::domain::model::Size;
use crate::error::{AppError, ErrorKind};
use crate::media::png_size;

#[derive(Clone, Debug)]
pub struct FolderFile {
    /// Its path below the folder, with `/` between its parts.
    pub path: String,
    pub name: String,
    pub size: Size,
    /// What is in it.
    pub content: Bytes,
}

/// What was found in a folder.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// Its pictures, in the order of their paths.
    pub files: Vec<FolderFile>,
    /// What is left out, with the reason.
    pub left_out: Vec<String>,
}

/// Reads all PNG files of a folder and of the folders below it.
///
/// Links are not followed, so nothing outside of the folder is ever served, and the files are kept in memory: what
/// happens to them afterwards changes nothing.
pub fn read(folder: &Path) -> Result<Folder, AppError> {
    let mut found = Folder::default();
    let mut total = 0;
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((place, depth)) = open.pop() {
        for entry in list(&place)? {
            let path = below(folder, &entry);
            let kind =
                std::fs::symlink_metadata(&entry).map_err(|error| unreadable(&entry, error))?;
            if kind.is_dir() && depth < DEEPEST {
                open.push((entry, depth + 1));
            } else if !kind.is_file() {
                found.left_out.push(format!("{path}: it is no regular file"));
            } else if entry.extension().is_some_and(|end| end.eq_ignore_ascii_case("png")) {
                total += kind.len();
                if kind.len() > LARGEST || total > MOST_BYTES || found.files.len() == MOST_FILES {
                    return Err(too_much(folder, &path));
                }
                let content = std::fs::read(&entry).map_err(|error| unreadable(&entry, error))?;
                match png_size(&content) {
                    Some(size) => found.files.push(FolderFile {
                        name: entry.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                        path,
                        size,
                        content: Bytes::from(content),
                    }),
                    None => found.left_out.push(format!("{path}: not a PNG file")),
                }
            }
        }
    }
    if found.files.is_empty() {
        let text = format!("there is no PNG file in {}", folder.display());
        return Err(AppError::new(ErrorKind::Usage, text).hint(
            "phones take PNG files of exactly their own size: `axlpaper models` lists the sizes",
        ));
    }
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn list(place: &Path) -> Result<Vec<PathBuf>, AppError> {
    let entries = std::fs::read_dir(place).map_err(|error| unreadable(place, error))?;
    let paths: std::io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.path())).collect();
    paths.map_err(|error| unreadable(place, error))
}

fn below(folder: &Path, entry: &Path) -> String {
    let inner = entry.strip_prefix(folder).unwrap_or(entry);
    let parts = inner.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.collect::<Vec<_>>().join("/")
}

fn unreadable(path: &Path, error: std::io::Error) -> AppError {
    AppError::from_error(ErrorKind::Usage, error)
        .context(format_args!("cannot read {}", path.display()))
        .hint("give the folder that holds the pictures")
}

fn too_much(folder: &Path, path: &str) -> AppError {
    let text = format!(
        "{path} in {} is too much: at most {MOST_FILES} files, {} MB each and {} MB together are served",
        folder.display(),
        LARGEST >> 20,
        MOST_BYTES >> 20
    );
    AppError::new(ErrorKind::Usage, text)
        .hint("give a folder with nothing but the pictures for phones")
}

/// Folders below folders that are looked into; a TFTP tree has one.
const DEEPEST: u32 = 4;

const MOST_FILES: usize = 2_000;

/// Largest file, in bytes; the pictures of phones are a few hundred kilobytes.
const LARGEST: u64 = 8 << 20;

/// All files together, in bytes: they are kept in memory.
const MOST_BYTES: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn png(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::new(4, 3).save_with_format(path, image::ImageFormat::Png).unwrap();
    }

    #[test]
    fn pictures_are_found_and_everything_else_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        png(&path("b.PNG"));
        png(&path("Desktops/800x480x24/a.png"));
        std::fs::write(path("notes.txt"), "x").unwrap();
        std::fs::write(path("fake.png"), "GIF89a").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", path("link.png")).unwrap();
        let found = read(folder.path()).unwrap();
        let paths: Vec<_> = found.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["Desktops/800x480x24/a.png", "b.PNG"]);
        assert_eq!(found.files[0].name, "a.png");
        assert_eq!(found.files[0].size, Size::new(4, 3));
        assert!(found.left_out.iter().any(|text| text.starts_with("fake.png")));
        assert!(!cfg!(unix) || found.left_out.iter().any(|text| text.starts_with("link.png")));
    }

    #[test]
    fn a_folder_without_pictures_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let told = read(folder.path()).unwrap_err().to_string();
        assert!(told.contains("no PNG file"), "{told}");
        assert!(read(&folder.path().join("missing")).is_err());
    }
}
