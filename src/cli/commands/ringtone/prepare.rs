//! `axlpaper ringtone prepare`

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::ui;
use crate::domain::payload_kind::ToneFormat;
use crate::domain::text::sanitize_truncate;
use crate::error::{AppError, ErrorKind, Exit};
use crate::media::{Audio, Tone, merge_ring_list};
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
    /// Write over tone files of that name that hold something else
    #[arg(long)]
    overwrite: bool,
}

/// A file that is to be written.
struct File {
    path: PathBuf,
    bytes: Vec<u8>,
    told: String,
}

/// Runs the command. Nothing is written unless all of it can be.
pub async fn run(args: &Args) -> Result<Exit, AppError> {
    let audio = read_audio(&args.audio).await?;
    let name = args.name.clone().unwrap_or_else(|| stem(&args.audio));
    let mut files = Vec::new();
    for format in ToneFormat::ALL {
        files.extend(files_of(args, &audio, &name, format)?);
    }
    let failed = |path: &Path, error: io::Error| {
        AppError::from_error(ErrorKind::Failed, error)
            .context(format_args!("cannot write {}", path.display()))
            .hint("choose a folder that you may write with --output")
    };
    std::fs::create_dir_all(&args.output).map_err(|error| failed(&args.output, error))?;
    let mut told = String::new();
    for file in files {
        write(&args.output, &file).map_err(|error| failed(&file.path, error))?;
        // Writing into a String cannot fail.
        let _ = writeln!(told, "{}: {}", file.path.display(), file.told);
    }
    ui::put(&told)?;
    Ok(Exit::Done)
}

/// Returns the tone of one format and the list that names it.
fn files_of(
    args: &Args,
    audio: &Audio,
    name: &str,
    format: ToneFormat,
) -> Result<[File; 2], AppError> {
    let tone =
        Tone::make(audio, format).map_err(|error| AppError::from_error(ErrorKind::Usage, error))?;
    let file = format!("{}.{}", plain(name), format.extension());
    let path = args.output.join(&file);
    match std::fs::read(&path) {
        Ok(old) if old != tone.bytes && !args.overwrite => {
            let error = format!("{} is there already, and holds something else", path.display());
            return Err(AppError::new(ErrorKind::Refused, error)
                .hint("nothing was written; use another --name, or --overwrite"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            let error = format!("cannot read {}: {error}", path.display());
            return Err(AppError::new(ErrorKind::Failed, error).hint("nothing was written"));
        }
    }
    let list_path = args.output.join(format.list_file());
    let (list, list_told) = list(&list_path, name, &file)?;
    let rest = if tone.cut { ", the beginning of the sound" } else { "" };
    let told = format!("{}, {:.2} s{rest}", format.as_str(), tone.seconds());
    Ok([
        File { path, bytes: tone.bytes.to_vec(), told },
        File { path: list_path, bytes: list.into_bytes(), told: list_told },
    ])
}

fn list(path: &Path, name: &str, file: &str) -> Result<(String, String), AppError> {
    let old = match std::fs::read_to_string(path) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            let error = format!("cannot read the list {}: {error}", path.display());
            return Err(AppError::new(ErrorKind::Failed, error).hint("nothing was written"));
        }
    };
    let merged = merge_ring_list(old.as_deref(), name, file).map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error)
            .context(path.display())
            .hint("nothing was written; use another --name, or another folder with --output")
    })?;
    let told = match (merged.was_there, old.is_some()) {
        (true, _) => format!("names {file} already"),
        (false, true) => format!("names {file} too; all its entries are kept"),
        (false, false) => format!("made, names {file}"),
    };
    Ok((merged.text, told))
}

/// Writes a file as a whole or not at all.
fn write(folder: &Path, file: &File) -> io::Result<()> {
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(&file.bytes)?;
    new.as_file().sync_all()?;
    #[cfg(unix)]
    {
        // A TFTP server runs as another user.
        use std::os::unix::fs::PermissionsExt as _;
        new.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    new.persist(&file.path)?;
    Ok(())
}

/// The file's name without its ending, as much of it as phones show.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let stem = sanitize_truncate(&stem.unwrap_or_default(), usize::MAX);
    let stem: String = stem.chars().take(LONGEST_NAME).collect();
    if stem.trim().is_empty() { "Ring".to_owned() } else { stem }
}

/// A name that every TFTP server and every phone takes.
fn plain(name: &str) -> String {
    let keep = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let plain: String = name.chars().filter(keep).take(LONGEST_NAME - ENDING).collect();
    if plain.is_empty() { "Ring".to_owned() } else { plain }
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
        assert_eq!(plain("Door bell/../ü"), "Doorbell");
        assert_eq!(plain("夕"), "Ring");
        assert_eq!(plain(&"x".repeat(40)).len(), 21);
    }
}
