//! `axlpaper ringtone prepare`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::cli::output_dir::{self, Folder, NewFile, Replace, check_encoded, plain_name, repaired};
use crate::cli::ui;
use crate::domain::payload_kind::ToneFormat;
use crate::domain::text::{nfc, printable_lines, sanitize_truncate};
use crate::error::{AppError, ErrorKind, Exit};
use crate::media::{Audio, RingListError, Tone, merge_ring_list};
use crate::rollout::payload::ring_tone::read_audio;

/// Write a sound as ring tone files for a TFTP server, with the lists that name them
///
/// Users then choose the tone on their phones. A list that is in the folder already keeps all its entries. Upload
/// the files to every TFTP node, and restart its TFTP service.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The sound: a WAV, MP3, FLAC or OGG file
    #[arg(value_name = "AUDIO")]
    audio: PathBuf,
    /// The folder, made where there is none
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// What phones call it, 25 characters at most [default: from the file name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Replace tone files of that name that were made from another sound, or that a list names already
    #[arg(long)]
    overwrite: bool,
    /// Show the files that would be written, and write none
    #[arg(long)]
    dry_run: bool,
}

/// What becomes of a sound in one format.
struct Prepared {
    files: [NewFile; 2],
    told: [String; 2],
    remarks: Vec<String>,
}

/// Runs the command. Nothing is written unless all of it can be.
pub async fn run(args: &Args) -> Result<Exit, AppError> {
    let (audio, bytes) = read_audio(&args.audio).await?;
    let source = output_dir::digest(&bytes);
    let name = args.name.clone().unwrap_or_else(|| stem(&args.audio));
    let replace = Replace {
        other_sources: args.overwrite,
        foreign: args.overwrite,
        foreign_option: "--overwrite",
    };
    let folder = Folder::open(&args.output, replace)?;
    let (mut files, mut told, mut remarks) = (Vec::new(), String::new(), Vec::new());
    for format in ToneFormat::ALL {
        let prepared = prepare(&folder, &audio, &name, &source, format)?;
        for (file, text) in prepared.files.iter().zip(&prepared.told) {
            // Writing into a String cannot fail.
            let _ = writeln!(told, "{}: {text}", args.output.join(&file.path).display());
        }
        files.extend(prepared.files);
        remarks.extend(prepared.remarks);
    }
    folder.write(&files, args.dry_run)?;
    ui::put(&told)?;
    for remark in remarks {
        ui::say(&printable_lines(&format!("warning: {remark}")));
    }
    Ok(Exit::Done)
}

/// Makes the tone of one format and the list that names it.
fn prepare(
    folder: &Folder,
    audio: &Audio,
    name: &str,
    source: &str,
    format: ToneFormat,
) -> Result<Prepared, AppError> {
    let tone =
        Tone::make(audio, format).map_err(|error| AppError::from_error(ErrorKind::Usage, error))?;
    let file = format!("{}.{}", plain(name), format.extension());
    let rest = if tone.cut { ", the beginning of the sound" } else { "" };
    let tone_told = format!("{}, {:.2} s{rest}", format.as_str(), tone.seconds());
    let tone =
        NewFile { source: source.to_owned(), ..NewFile::new(file.clone(), tone.bytes.to_vec()) };

    let path = format.list_file();
    let mut remarks: Vec<String> = folder.other_spelling(path).into_iter().collect();
    let old = folder.read_list(path)?;
    let merged = merge_ring_list(old.as_ref().map(|old| old.text.as_str()), name, &file);
    let merged = merged.map_err(|error| unusable(path, error))?;
    let bytes = match &old {
        Some(old) => old.encode(&merged.text),
        None => merged.text.into_bytes(),
    };
    check_encoded(&bytes, |text| {
        merge_ring_list(Some(text), name, &file).is_ok_and(|again| again.was_there)
    })
    .map_err(|error| error.context(path))?;
    if old.as_ref().is_some_and(|old| old.repaired) {
        remarks.push(repaired(path));
    }
    let from_nothing = old.is_none() || folder.is_from_nothing(path);
    if from_nothing {
        remarks.push(format!(
            "no {path} was there to be merged in; where the TFTP service has one, uploading this one removes its \
             entries, among them Cisco's own ring tones: fetch it first, such as by `curl -fO \
             http://TFTP-NODE:6970/{path}`, put it into the folder in place of this one, and run the same command again"
        ));
    }
    let list_told = match (merged.was_there, old.is_some()) {
        (true, _) => format!("names {file} already"),
        (false, true) => format!("names {file} too; all its entries are kept"),
        (false, false) => format!("made, names {file}"),
    };
    let named = merged.named;
    let list =
        NewFile { merged: true, from_nothing, named, ..NewFile::new(path.to_owned(), bytes) };
    Ok(Prepared { files: [tone, list], told: [tone_told, list_told], remarks })
}

fn unusable(path: &str, error: RingListError) -> AppError {
    let way_out = match error {
        RingListError::Unprintable { .. } | RingListError::TooLong { .. } => "use another --name",
        RingListError::Full(_) => "take an entry out, or use another folder with --output",
        RingListError::NotAList(_) | RingListError::NotReadBack(_) => {
            "correct the file, or use another folder with --output"
        }
    };
    AppError::from_error(ErrorKind::Usage, error)
        .context(path)
        .hint(format!("nothing was written; {way_out}"))
}

/// The file's name without its ending, as much of it as phones show.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let stem = sanitize_truncate(&nfc(&stem.unwrap_or_default()), usize::MAX);
    let stem: String = stem.chars().take(LONGEST_NAME).collect();
    if stem.trim().is_empty() { "Ring".to_owned() } else { stem }
}

/// A name that every TFTP server and every phone takes.
fn plain(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    plain_name(name, LONGEST_NAME - ENDING, "Ring", fits)
}

/// So many characters of a name phones read; see the ring list.
const LONGEST_NAME: usize = 25;

/// The length of `.raw`.
const ENDING: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_suit_phones() {
        assert_eq!(stem(Path::new("/x/Door bell.mp3")), "Door bell");
        assert_eq!(stem(Path::new(&format!("{}.wav", "é".repeat(40)))).chars().count(), 25);
        assert_eq!(stem(Path::new("")), "Ring");
        assert_eq!(plain("Door bell/.."), "Doorbell");
        assert!(plain("夕").starts_with("Ring") && plain("夕") != plain("朝"));
        assert_ne!(plain("Tür"), plain("Tor"));
        assert_eq!(plain(&"x".repeat(40)).len(), 21);
    }
}
