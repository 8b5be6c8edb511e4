//! Options about words on pictures, the same for every command that prepares pictures.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::args::device_list;
use crate::cli::args::name_list::unusable;
use crate::cli::ui;
use crate::domain::words::{
    PhoneData, Template, TextColour, TextPosition, TextSize, WordsStyle, WordsTemplate,
};
use crate::error::{AppError, ErrorKind};

/// Words on the picture.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Words on the picture")]
pub struct WordsArgs {
    /// Text on the picture, of each phone its own: {name}, {mac}, {description}, {owner}, {extension}, {device_pool},
    /// {location}, {profile}, {model}, {ip} and {csv:COLUMN} become its values; \n begins a line
    ///
    /// A line with an empty value is left out; {owner|nobody} is `nobody` where there is no owner. A brace itself is written twice.
    #[arg(long, value_name = "TEXT")]
    pub text: Option<Template>,
    /// QR code on the picture, with the same fields as --text
    #[arg(long, value_name = "TEXT")]
    pub qr: Option<Template>,
    /// Table with the values of {csv:COLUMN}: CSV with a column of device names
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Where the words are in the part that the phone leaves free: top-left, top, top-right, left, centre, right,
    /// bottom-left, bottom, bottom-right [default: bottom]
    #[arg(long, value_name = "PLACE")]
    pub text_position: Option<TextPosition>,
    /// Height of a line in percent of the screen's [default: 6]
    #[arg(long, value_name = "PERCENT")]
    pub text_size: Option<TextSize>,
    /// Colour of the letters, such as #1b2a4e or navy; black or white is chosen by the picture otherwise
    #[arg(long, value_name = "COLOUR")]
    pub text_colour: Option<TextColour>,
}

impl WordsArgs {
    /// Returns what was typed, without the data.
    ///
    /// # Errors
    /// When there are no words that the other options are about.
    pub fn template(&self) -> Result<WordsTemplate, AppError> {
        let Self { text, qr, data, text_position, text_size, text_colour } = self.clone();
        let style = WordsStyle {
            position: text_position.unwrap_or_default(),
            size: text_size.unwrap_or_default(),
            colour: text_colour.unwrap_or_default(),
        };
        let words = WordsTemplate { text, qr, style, data: PhoneData::default() };
        let about = [
            ("--data", data.is_some()),
            ("--text-position", text_position.is_some()),
            ("--text-size", text_size.is_some()),
            ("--text-colour", text_colour.is_some()),
        ];
        match about.iter().find(|(_, is_typed)| *is_typed) {
            Some((option, _)) if words.is_empty() => Err(AppError::new(
                ErrorKind::Usage,
                format!("{option} is about words on the picture"),
            )
            .hint("give --text or --qr with it")),
            Some(_) | None => Ok(words),
        }
    }
}

/// Reads the data of words.
///
/// # Errors
/// When the file cannot be read, or lacks a column.
pub fn with_data(words: WordsTemplate, file: Option<&Path>) -> Result<WordsTemplate, AppError> {
    let data = match file {
        Some(path) if !words.columns().is_empty() => {
            let read = device_list::read_text(path);
            let read =
                read.and_then(|file| Ok((device_list::data(&file.entries.concat())?, file.notes)));
            let (data, notes) =
                read.map_err(|error| unusable("data", path, error, WHAT_DATA_IS))?;
            notes.iter().chain(&data.notes).for_each(|note| ui::say(&format!("note: {note}")));
            data.entries.into_iter().next().unwrap_or_default()
        }
        Some(_) | None => PhoneData::default(),
    };
    let words = words.with_data(&data);
    words.map_err(|error| {
        let error = AppError::from_error(ErrorKind::Usage, error);
        match file {
            Some(path) => error.context(format_args!("{}", path.display())),
            None => error,
        }
    })
}

const WHAT_DATA_IS: &str = "it is CSV: the first row has the names of the columns, one of them is `name` or `device` with names of phones";
