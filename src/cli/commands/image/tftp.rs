//! `axlpaper image tftp`

use std::collections::BTreeMap;

use super::make::{Made, MakeArgs, file, other, short};
use crate::cli::output_dir::{Folder, NewFile, check_encoded, plain_name, repaired};
use crate::cli::ui;
use crate::domain::model::{ImageSpec, PushSchema, expansion_modules};
use crate::domain::text::{nfc, pluralize, sanitize_truncate};
use crate::error::{AppError, ErrorKind, Exit};
use crate::media::{Letters, ListEntry, ListXmlError, PreparedImage, add_to_list, new_list};
use crate::report::{PictureFile, PictureFileKind, TftpFolder, TftpList, tftp_steps};

/// Make the folders for Unified CM's TFTP service, for phones that a push does not reach
///
/// A List.xml that is in its folder already keeps all its entries. Nothing is uploaded: README.txt tells what
/// remains to be done. Models are chosen as for `image prepare`.
// -o is --directory here.
#[derive(clap::Args, Debug)]
#[command(mut_arg("output", |arg| arg.short(None)))]
pub struct Args {
    #[command(flatten)]
    make: MakeArgs,
    /// Name of the picture in file names and in the phone's list, letters and digits [default: from the
    /// picture's file name]
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    let (folder, mut made) = args.make.make(true).await?;
    let shown = args.name.clone().unwrap_or_else(|| shown_name(&made.picture));
    let name = args.name.unwrap_or_else(|| from_file(&made.picture));
    let mut files = Vec::new();
    let mut told = Vec::new();
    for (path, (spec, models)) in by_folder(&made) {
        let Some(prepared) = made.pictures.get(&spec) else { continue };
        let entry = entry(path, &name, &shown, &spec, prepared);
        let listed = list(&folder, &spec, &entry)?;
        made.remarks.extend(listed.remarks);
        let at = |file: &str| format!("{path}/{file}");
        let (background, thumbnail) = (at(&entry.background), at(&entry.thumbnail));
        files.push(file(background, PictureFileKind::Background, prepared, models.clone()));
        files.push(file(thumbnail, PictureFileKind::Thumbnail, prepared, models.clone()));
        for module in expansion_modules(&spec) {
            let Some(prepared) = made.pictures.get(&module.image) else { continue };
            let path = module.image.tftp_directory;
            let background = format!("{path}/{}", entry.background);
            let kind = PictureFileKind::Background;
            files.push(file(background, kind, prepared, module.names.to_vec()));
            told.push(TftpFolder {
                folder: path.to_owned(),
                background: entry.background.clone(),
                models: format!("key expansion modules {}", module.names.join(", ")),
                list: None,
            });
        }
        told.push(TftpFolder {
            folder: entry.folder,
            background: entry.background,
            models: models.join(", "),
            list: Some(TftpList {
                thumbnail: entry.thumbnail,
                entries: listed.entries,
                merged: listed.merged,
            }),
        });
        let (list, mut new) = whole(at(LIST), PictureFileKind::List, listed.xml);
        (new.merged, new.from_nothing, new.named) = (true, !listed.merged, listed.named);
        files.push((list, new));
    }
    let steps = tftp_steps(&made.picture, &told);
    files.push(whole("README.txt".to_owned(), PictureFileKind::Instructions, steps.into_bytes()));
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

fn entry(
    folder: &str,
    name: &str,
    shown: &str,
    spec: &ImageSpec,
    prepared: &PreparedImage,
) -> ListEntry {
    let (background, thumbnail) = match spec.schema {
        PushSchema::Classic => (format!("{name}.png"), format!("{name}-tn.png")),
        // PhoneOS takes no other names.
        PushSchema::PhoneOs => (format!("wallpaper-{name}.png"), format!("thumbnail-{name}.png")),
    };
    ListEntry {
        folder: folder.to_owned(),
        background,
        thumbnail,
        name: shown.to_owned(),
        dark: prepared.letters == Letters::White,
    }
}

/// A list, and whether it continues one that did not come from here.
struct List {
    xml: Vec<u8>,
    entries: usize,
    merged: bool,
    remarks: Vec<String>,
    /// The files that it named before.
    named: Vec<String>,
}

fn list(folder: &Folder, spec: &ImageSpec, entry: &ListEntry) -> Result<List, AppError> {
    let path = format!("{}/{LIST}", entry.folder);
    let mut remarks: Vec<String> = folder.other_spelling(&path).into_iter().collect();
    let Some(there) = folder.read_list(&path)? else {
        let listed = new_list(spec.schema, entry);
        let xml = listed.xml.into_bytes();
        return Ok(List { xml, entries: 1, merged: false, remarks, named: listed.named });
    };
    let unusable = |error: ListXmlError| {
        AppError::from_error(ErrorKind::Usage, error).context(format_args!("{path} cannot take the picture")).hint(
            "nothing was written; correct the file, or leave its models out with --exclude-model",
        )
    };
    let listed = add_to_list(&there.text, spec.schema, entry).map_err(unusable)?;
    let xml = there.encode(&listed.xml);
    check_encoded(&xml, |text| {
        add_to_list(text, spec.schema, entry)
            .is_ok_and(|again| again.unchanged && again.entries == listed.entries)
    })
    .map_err(|error| error.context(format_args!("{path} cannot take the picture")))?;
    remarks.extend(there.repaired.then(|| repaired(&path)));
    remarks.extend(listed.other_thumbnail.map(|other| {
        format!(
            "{path} names {} already, with the thumbnail {}: its entry is kept, so phones show that thumbnail; upload \
             {} in its place",
            entry.background,
            sanitize_truncate(&other, MOST_SHOWN),
            entry.thumbnail
        )
    }));
    let merged = !folder.is_from_nothing(&path);
    Ok(List { xml, entries: listed.entries, merged, remarks, named: listed.named })
}

const LIST: &str = "List.xml";

/// The longest text of a list that a remark repeats, in characters.
const MOST_SHOWN: usize = 200;

fn whole(path: String, kind: PictureFileKind, bytes: Vec<u8>) -> (PictureFile, NewFile) {
    (other(path.clone(), kind, &bytes), NewFile::new(path, bytes))
}

fn not_merged(folders: &[TftpFolder]) -> Option<String> {
    let unseen = folders.iter().filter(|folder| folder.is_list_from_nothing()).count();
    (unseen > 0).then(|| {
        format!(
            "no List.xml was there to be merged in {}; where the TFTP service has one, uploading this one \
             removes its entries: README.txt says how to fetch it first",
            pluralize(unseen, "folder")
        )
    })
}

fn name(text: &str) -> Result<String, String> {
    let fits = !text.is_empty()
        && text.len() <= LONGEST
        && text.chars().all(|c| c.is_ascii_alphanumeric());
    if !fits {
        return Err(format!(
            "use 1 to {LONGEST} letters and digits: the 9800 series takes no others"
        ));
    }
    // A PhoneOS list calls the logo so, which is another thing.
    if text.eq_ignore_ascii_case("logo") {
        return Err("the 9800 series calls its logo so; choose another name".to_owned());
    }
    Ok(text.to_owned())
}

/// Makes a name out of a file's.
fn from_file(file: &str) -> String {
    let stem = stem(file);
    let plain = plain_name(stem, LONGEST, "wallpaper", |c| c.is_ascii_alphanumeric());
    // Nothing of the name is left then, so that it gets a digest.
    name(&plain).unwrap_or_else(|_| plain_name(stem, LONGEST, "wallpaper", |_| false))
}

/// The name that users read: it keeps the letters of every language.
fn shown_name(file: &str) -> String {
    sanitize_truncate(&nfc(stem(file)), LONGEST)
}

fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

const LONGEST: usize = 40;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_those_that_every_family_takes() {
        for (file, expected) in [
            ("Sunset at sea (2).jpg", "Sunsetatsea2"),
            ("../x.png", "x"),
            ("Autumn2026.jpg", "Autumn2026"),
        ] {
            assert_eq!(from_file(file), expected, "{file}");
        }
        let odd = [
            "Logo.svg",
            "LOGO.png",
            "日本.png",
            "Москва.png",
            "München.jpg",
            "Mnchen.jpg",
            "?.png",
        ];
        let names: BTreeSet<String> = odd.iter().map(|file| from_file(file)).collect();
        assert!(
            names.len() == odd.len() && names.iter().all(|made| name(made).is_ok()),
            "{names:?}"
        );
        assert_eq!(shown_name("Москва.png"), "Москва");
        for text in ["", "a-b", "a b", "ä", "logo", &"a".repeat(41)] {
            assert!(name(text).is_err(), "{text}");
        }
        assert_eq!(name("Autumn2026"), Ok("Autumn2026".to_owned()));
    }
}
