//! The contact sheet as a page: one file, nothing from the network, every value escaped by the template
//! engine.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::html::HtmlError;
use super::text::printable;
use crate::domain::model::Size;

#[derive(Clone, Debug)]
pub struct ContactSheet {
    /// The picture that everything was made from.
    pub picture: String,
    /// How it was made, in words.
    pub options: String,
    pub screens: Vec<SheetScreen>,
}

#[derive(Clone, Debug)]
pub struct SheetScreen {
    pub file: String,
    /// Its size in pixels.
    pub size: Size,
    pub depth: u8,
    pub png: Vec<u8>,
    pub thumbnail: Vec<u8>,
    pub models: String,
    /// The colour that the phone's letters have on it.
    pub letters: &'static str,
    /// How well they stand out, in words.
    pub contrast: String,
    pub readable: bool,
    /// Sample labels.
    pub labels: Vec<SheetLabel>,
}

/// A sample label on a screen.
#[derive(Clone, Debug)]
pub struct SheetLabel {
    pub text: &'static str,
    /// Where its middle line is, in hundredths from the top.
    pub y: f32,
    /// Its position, in hundredths of the width from its side.
    pub x: f32,
    /// Whether its side is the right one.
    pub from_right: bool,
}

#[derive(Template)]
#[template(path = "contact_sheet.html", config = "src/report/askama.toml")]
struct Page {
    picture: String,
    options: String,
    program: &'static str,
    screens: Vec<Screen>,
}

struct Screen {
    file: String,
    size: Size,
    depth: u8,
    kilobytes: usize,
    models: String,
    letters: &'static str,
    contrast: String,
    readable: bool,
    labels: Vec<SheetLabel>,
    /// The height of letters in pixels, about that of the phones.
    text: u32,
    png: String,
    thumbnail: String,
}

/// Renders the page.
///
/// # Errors
/// When the template fails, which it does only if memory runs out.
pub fn contact_sheet_html(sheet: ContactSheet) -> Result<String, HtmlError> {
    let clean = |text: &str| printable(text).into_owned();
    let screens = sheet.screens.into_iter().map(|screen| Screen {
        file: clean(&screen.file),
        size: screen.size,
        depth: screen.depth,
        kilobytes: screen.png.len().div_ceil(1000),
        models: clean(&screen.models),
        letters: screen.letters,
        contrast: screen.contrast,
        readable: screen.readable,
        labels: screen.labels,
        text: (screen.size.width / 40).clamp(9, 26),
        png: STANDARD.encode(screen.png),
        thumbnail: STANDARD.encode(screen.thumbnail),
    });
    let page = Page {
        picture: clean(&sheet.picture),
        options: clean(&sheet.options),
        program: concat!("axlpaper ", env!("CARGO_PKG_VERSION")),
        screens: screens.collect(),
    };
    page.render().map_err(HtmlError::Template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_only_names() {
        let screen = SheetScreen {
            file: "<b>.png".into(),
            size: Size::new(800, 480),
            depth: 24,
            png: vec![1, 2, 3],
            thumbnail: vec![4],
            models: "8841".into(),
            letters: "white",
            contrast: "2.0:1".into(),
            readable: false,
            labels: vec![SheetLabel { text: "4101", y: 20.0, x: 2.0, from_right: true }],
        };
        let page = contact_sheet_html(ContactSheet {
            picture: "<script>alert(1)</script>\u{202e}.png".into(),
            options: "--background \"red\"".into(),
            screens: vec![screen],
        })
        .unwrap();
        assert!(
            !page.contains("<script") && !page.contains("<b>.png") && !page.contains('\u{202e}')
        );
        assert!(page.contains("data:image/png;base64,AQID") && page.contains("4101"));
        assert!(page.contains("Content-Security-Policy"));
        assert!(!page.contains("http://") && !page.contains("https://"));
    }
}
