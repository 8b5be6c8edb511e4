//! `axlpaper image prepare`

use super::make::{Made, MakeArgs, failed, file, letters, other};
use super::phones::{self, PhonePicture};
use crate::cli::args::device_list;
use crate::cli::args::words::{self, WordsArgs};
use crate::cli::output_dir::NewFile;
use crate::domain::device_name::DeviceName;
use crate::domain::selector::Pattern;
use crate::error::{AppError, ErrorKind, Exit};
use crate::media::blocking;
use crate::media::{Fit, Focus, Options, PreparedImage, SheetEntry, contact_sheet, samples};
use crate::report::{
    ContactSheet, PictureFile, PictureFileKind, SheetLabel, SheetScreen, contact_sheet_html,
};

/// Make a picture for every model, and a contact sheet to look at
///
/// Without a selection for every model of the catalogue; --model chooses from it. With --cluster, --host or any
/// other selection the cluster is asked, and only the models of the selected phones are made.
// -o is --directory here.
#[derive(clap::Args, Debug)]
#[command(mut_arg("output", |arg| arg.short(None)))]
pub struct Args {
    #[command(flatten)]
    make: MakeArgs,
    /// What the files' names begin with [default: from the picture's file name]
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
    #[command(flatten)]
    words: WordsArgs,
    /// Make the pictures of these phones with their words; repeatable. Needs a cluster
    #[arg(long = "for", value_name = "SEP…", value_parser = device_list::device_name, help_heading = "Words on the picture")]
    phones: Vec<DeviceName>,
}

pub async fn run(mut args: Args) -> Result<Exit, AppError> {
    let words = args.words.template()?;
    let words = words::with_data(words, args.words.data.as_deref())?;
    if words.is_empty() && !args.phones.is_empty() {
        let error = "--for makes pictures with words, and there are none";
        return Err(AppError::new(ErrorKind::Usage, error).hint("give --text or --qr with it"));
    }
    if args.make.target.device.is_empty() {
        let names = args.phones.iter().map(|name| Pattern::of_device(name.as_str()));
        args.make.target.device = names
            .collect::<Result<_, _>>()
            .map_err(|error| AppError::new(ErrorKind::Usage, format!("--for: {error}")))?;
    }
    let (folder, mut made) = args.make.make(false).await?;
    let name = args.name.clone().unwrap_or_else(|| from_file(&made.picture));
    let mut files = Vec::new();
    let compression = args.make.compression();
    let (args, drawn, made) = blocking(move || {
        let drawn = phones::draw(&words, &args.phones, &mut made, compression);
        (args, drawn, made)
    })
    .await;
    let drawn = drawn?;
    for prepared in made.pictures.iter() {
        let models = made.models_of(prepared);
        let (background, thumbnail) = names(&name, prepared);
        // Models with the same panel and another preview share a background.
        let same = |(told, _): &&mut (PictureFile, NewFile)| told.file == background;
        if let Some((told, _)) = files.iter_mut().find(same) {
            told.models.extend(&models);
        } else {
            let kind = PictureFileKind::Background;
            files.push(file(background, kind, prepared, models.clone()));
        }
        files.push(file(thumbnail, PictureFileKind::Thumbnail, prepared, models));
    }
    for PhonePicture { name: phone, image, .. } in
        drawn.iter().filter(|picture| picture.example_of.is_none())
    {
        let models = made.models_of(image);
        files.push(file(of_phone(&name, phone), PictureFileKind::Background, image, models));
    }
    let (sheets, of_sheets) = blocking(move || (sheets(&name, &made, &drawn), made)).await;
    let (sheets, made) = (sheets?, of_sheets);
    files.extend(sheets.into_iter().map(|(path, bytes)| {
        let told = other(path.clone(), PictureFileKind::ContactSheet, &bytes);
        (told, NewFile::new(path, bytes))
    }));
    args.make.finish(folder, &made, files)
}

fn names(name: &str, prepared: &PreparedImage) -> (String, String) {
    let shape = prepared.shape;
    let stem = format!("{name}-{}x{}", shape.background, shape.depth);
    (format!("{stem}.png"), format!("{stem}-thumbnail-{}.png", shape.thumbnail))
}

fn of_phone(name: &str, phone: &DeviceName) -> String {
    format!("{name}-{phone}.png")
}

/// The contact sheet as a picture and as a page.
fn sheets(
    name: &str,
    made: &Made,
    phones: &[PhonePicture],
) -> Result<Vec<(String, Vec<u8>)>, AppError> {
    let bases = made.pictures.iter();
    let bases = bases.map(|image| SheetEntry { image, models: made.models_of(image).join(", ") });
    let with_words = phones.iter().map(|PhonePicture { name, example_of, image }| {
        let about = example_of.map(|why| format!(" ({why})")).unwrap_or_default();
        SheetEntry { image, models: format!("{name}{about}") }
    });
    let entries: Vec<SheetEntry<'_>> = with_words.chain(bases).collect();
    let title = format!("{}   {}", made.picture, in_words(&made.options));
    let png = contact_sheet(&title, &entries).map_err(failed)?;
    let files = phones.iter().map(|phone| of_phone(name, &phone.name));
    let files = files.chain(made.pictures.iter().map(|image| names(name, image).0));
    let screens = entries.iter().zip(files).map(|(entry, file)| screen(file, entry)).collect();
    let sheet =
        ContactSheet { picture: made.picture.clone(), options: in_words(&made.options), screens };
    let page = contact_sheet_html(sheet)
        .map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
    Ok(vec![
        (format!("{name}-contact-sheet.png"), png.png.to_vec()),
        (format!("{name}-contact-sheet.html"), page.into_bytes()),
    ])
}

fn screen(file: String, entry: &SheetEntry<'_>) -> SheetScreen {
    let image = entry.image;
    let labels = samples(image.shape).into_iter();
    SheetScreen {
        file,
        size: image.shape.background,
        depth: image.shape.depth,
        png: image.background.png.to_vec(),
        thumbnail: image.thumbnail.png.to_vec(),
        models: entry.models.clone(),
        letters: letters(image.letters),
        contrast: image.contrast.to_string(),
        readable: image.contrast.is_readable(),
        labels: labels
            .map(|label| SheetLabel {
                text: label.text,
                y: label.y,
                x: label.x,
                from_right: label.from_right,
            })
            .collect(),
    }
}

fn in_words(options: &Options) -> String {
    let fit = match options.fit {
        Fit::Cover => "cover",
        Fit::Contain => "contain",
        Fit::Stretch => "stretch",
    };
    let focus = match options.focus {
        Focus::Centre => String::new(),
        Focus::Auto => ", focus auto".to_owned(),
        Focus::At { x, y } => format!(", focus {x}%,{y}%"),
    };
    let legible = if options.legible { ", legible" } else { "" };
    format!("fit {fit}{focus}, background {}{legible}", options.background)
}

fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    if text.is_empty() || text.len() > LONGEST_NAME || !text.chars().all(fits) {
        return Err(format!("use letters, digits, - and _, {LONGEST_NAME} bytes at most"));
    }
    Ok(text.to_owned())
}

/// Makes a name out of a file's. These files are for people, so letters of every language stay.
fn from_file(file: &str) -> String {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let mut name = String::new();
    // macOS gives names whose accents are characters of their own.
    for c in stem.chars().filter(|c| !('\u{300}'..'\u{370}').contains(c)) {
        if name.len() + c.len_utf8() > LONGEST_NAME {
            break;
        }
        if c.is_alphanumeric() || c == '_' {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "wallpaper".to_owned() } else { name.to_owned() }
}

/// The longest name, in bytes: with what follows it, names of files have 255 at most.
const LONGEST_NAME: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_files() {
        for (file, expected) in [
            ("Sunset at sea (2).jpg", "Sunset-at-sea-2"),
            ("../../etc/passwd.png", "etc-passwd"),
            ("日本.png", "日本"),
            ("Москва (2).png", "Москва-2"),
            ("Mu\u{308}nchen.png", "Munchen"),
            ("?!.png", "wallpaper"),
            ("", "wallpaper"),
            (".png", "wallpaper"),
            ("plain", "plain"),
        ] {
            assert_eq!(from_file(file), expected, "{file}");
            assert!(name(&from_file(file)).is_ok());
        }
        assert!(name("a/b").is_err() && name("").is_err());
    }

    #[test]
    fn what_was_chosen_is_told() {
        assert_eq!(in_words(&Options::default()), "fit cover, background #000000");
        let options =
            Options { focus: Focus::At { x: 30.0, y: 62.5 }, legible: true, ..Options::default() };
        assert_eq!(in_words(&options), "fit cover, focus 30%,62.5%, background #000000, legible");
    }
}
