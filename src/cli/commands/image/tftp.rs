//! `axlpaper image tftp`

use std::collections::BTreeMap;

use super::make::{Made, MakeArgs, file, other, short};
use crate::cli::commands::image::output_dir::{Folder, NewFile};
use crate::cli::ui;
use crate::domain::model::{ImageSpec, PushSchema};
use crate::domain::text::pluralize;
use crate::error::{AppError, ErrorKind, Exit};
use crate::media::{Letters, ListEntry, PreparedImage, add_to_list, new_list};
use crate::report::{PictureFile, PictureFileKind, TftpFolder, tftp_steps};

/// Make the folders for Unified CM's TFTP service, for phones that a push does not reach
///
/// A List.xml that is in its folder already keeps all its entries. Nothing is uploaded: README.txt tells what
/// remains to be done. Models are chosen as for `image prepare`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    make: MakeArgs,
    /// Name of the picture in file names and in the phone's list, letters and digits [default: from the
    /// picture's file name]
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    let (folder, mut made) = args.make.make().await?;
    let name = args.name.unwrap_or_else(|| from_file(&made.picture));
    let mut files = Vec::new();
    let mut told = Vec::new();
    for (path, (spec, models)) in by_folder(&made) {
        let Some(prepared) = made.pictures.get(&spec) else { continue };
        let entry = entry(path, &name, &spec, prepared);
        let listed = list(&folder, &spec, &entry)?;
        let at = |file: &str| format!("{path}/{file}");
        let (background, thumbnail) = (at(&entry.background), at(&entry.thumbnail));
        files.push(file(background, PictureFileKind::Background, prepared, models.clone()));
        files.push(file(thumbnail, PictureFileKind::Thumbnail, prepared, models.clone()));
        told.push(TftpFolder {
            folder: entry.folder,
            background: entry.background,
            thumbnail: entry.thumbnail,
            models: models.join(", "),
            entries: listed.entries,
            merged: listed.merged,
        });
        let (list, mut new) = whole(at("List.xml"), PictureFileKind::List, listed.xml);
        (new.merged, new.from_nothing) = (true, !listed.merged);
        files.push((list, new));
    }
    let steps = tftp_steps(&made.picture, &told);
    files.push(whole("README.txt".to_owned(), PictureFileKind::Instructions, steps));
    made.remarks.extend(not_merged(&told));
    let exit = args.make.finish(folder, &made, files)?;
    ui::say("README.txt describes the remaining steps: nothing has been uploaded");
    Ok(exit)
}

/// The folders that are needed, each with its pictures and the models that look there.
fn by_folder(made: &Made) -> BTreeMap<&'static str, (ImageSpec, Vec<&'static str>)> {
    let mut folders = BTreeMap::new();
    for model in &made.models {
        let Some(image) = model.image else { continue };
        let folder = folders.entry(image.tftp_directory).or_insert_with(|| (image, Vec::new()));
        folder.1.push(short(model));
    }
    folders
}

fn entry(folder: &str, name: &str, spec: &ImageSpec, prepared: &PreparedImage) -> ListEntry {
    let (background, thumbnail) = match spec.schema {
        PushSchema::Classic => (format!("{name}.png"), format!("{name}-tn.png")),
        // PhoneOS takes no other names.
        PushSchema::PhoneOs => (format!("wallpaper-{name}.png"), format!("thumbnail-{name}.png")),
    };
    ListEntry {
        folder: folder.to_owned(),
        background,
        thumbnail,
        name: name.to_owned(),
        dark: prepared.letters == Letters::White,
    }
}

/// A list, and whether it continues one that did not come from here.
struct List {
    xml: String,
    entries: usize,
    merged: bool,
}

fn list(folder: &Folder, spec: &ImageSpec, entry: &ListEntry) -> Result<List, AppError> {
    let path = format!("{}/List.xml", entry.folder);
    let Some(there) = folder.read(&path)? else {
        let listed = new_list(spec.schema, entry);
        return Ok(List { xml: listed.xml, entries: listed.entries, merged: false });
    };
    let listed = add_to_list(&there, spec.schema, entry).map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error).context(format_args!("{path} cannot take the picture")).hint(
            "nothing was written; correct the file, or leave its models out with --exclude-model",
        )
    })?;
    let merged = !folder.is_from_nothing(&path, &there);
    Ok(List { xml: listed.xml, entries: listed.entries, merged })
}

fn whole(path: String, kind: PictureFileKind, text: String) -> (PictureFile, NewFile) {
    let bytes = text.into_bytes();
    (other(path.clone(), kind, &bytes), NewFile::new(path, bytes))
}

fn not_merged(folders: &[TftpFolder]) -> Option<String> {
    let unseen = folders.iter().filter(|folder| !folder.merged).count();
    (unseen > 0).then(|| {
        format!(
            "no List.xml was there to be merged in {}; where the TFTP service has one, uploading this one \
             removes its entries: README.txt says how to fetch it first",
            pluralize(unseen, "folder")
        )
    })
}

fn name(text: &str) -> Result<String, String> {
    let fits =
        !text.is_empty() && text.len() <= 40 && text.chars().all(|c| c.is_ascii_alphanumeric());
    if !fits {
        return Err("use 1 to 40 letters and digits: the 9800 series takes no others".to_owned());
    }
    // A PhoneOS list calls the logo so, which is another thing.
    if text.eq_ignore_ascii_case("logo") {
        return Err("the 9800 series calls its logo so; choose another name".to_owned());
    }
    Ok(text.to_owned())
}

/// Makes a name out of a file's.
fn from_file(file: &str) -> String {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let kept: String = stem.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    name(&kept).unwrap_or_else(|_| "wallpaper".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_every_family_takes() {
        for (file, expected) in [
            ("Sunset at sea (2).jpg", "Sunsetatsea2"),
            ("../x.png", "x"),
            ("Logo.svg", "wallpaper"),
            ("日本.png", "wallpaper"),
        ] {
            assert_eq!(from_file(file), expected, "{file}");
        }
        for text in ["", "a-b", "a b", "ä", "logo", &"a".repeat(41)] {
            assert!(name(text).is_err(), "{text}");
        }
        assert_eq!(name("Autumn2026"), Ok("Autumn2026".to_owned()));
    }
}
