//! The contact sheet: every prepared picture in the outline of a screen with sample labels, so that a person
//! decides by looking.

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size as Extent};
use embedded_graphics::mono_font::iso_8859_1::{FONT_6X10, FONT_7X13, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::{Drawable as _, RgbColor as _};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};
use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgb, RgbImage};

use crate::domain::model::Size;
use crate::media::depth::Raster;
use crate::media::label_zones::{Letters, samples};
use crate::media::{Compression, EncodedPicture, MediaError, PictureProblem, PreparedImage};

#[derive(Clone, Debug)]
pub struct SheetEntry<'a> {
    pub image: &'a PreparedImage,
    /// The models that show it, as they are written under it.
    pub models: String,
}

/// Draws the sheet as a PNG with `title` on top.
pub fn contact_sheet(
    title: &str,
    entries: &[SheetEntry<'_>],
) -> Result<EncodedPicture, MediaError> {
    let cells = entries.iter().map(cell).collect::<Result<Vec<_>, _>>()?;
    let (mut x, mut y, mut row_height) = (MARGIN, TITLE, 0);
    let mut places = Vec::with_capacity(cells.len());
    for cell in &cells {
        if x > MARGIN && x + cell.width() + MARGIN > WIDTH {
            (x, y, row_height) = (MARGIN, y + row_height + MARGIN, 0);
        }
        places.push((x, y));
        x += cell.width() + MARGIN;
        row_height = row_height.max(cell.height());
    }
    let mut sheet = RgbImage::from_pixel(WIDTH, y + row_height + MARGIN, PAPER);
    write(&mut sheet, title, (MARGIN, TITLE / 2), &FONT_10X20, INK, Alignment::Left, 1);
    for (cell, (x, y)) in cells.iter().zip(places) {
        imageops::replace(&mut sheet, cell, i64::from(x), i64::from(y));
    }
    let size = Size::new(sheet.width(), sheet.height());
    let raster = Raster { size, grey: false, bytes: sheet.into_raw() };
    EncodedPicture::encode(raster, Compression::Quick)
}

fn cell(entry: &SheetEntry<'_>) -> Result<RgbImage, MediaError> {
    let screen = screen(entry.image)?;
    let shape = entry.image.shape;
    let (width, height) = screen.dimensions();
    let wide = (width + 2 * BEZEL).max(SMALLEST);
    let lines = caption(entry, wide);
    let high = height + 2 * BEZEL + LINE * lines.len() as u32 + 6;
    let mut cell = RgbImage::from_pixel(wide, high, PAPER);
    let outline = RgbImage::from_pixel(width + 2 * BEZEL, height + 2 * BEZEL, PHONE);
    imageops::replace(&mut cell, &outline, 0, 0);
    imageops::replace(&mut cell, &screen, i64::from(BEZEL), i64::from(BEZEL));
    let mut y = height + 2 * BEZEL + 6 + LINE / 2;
    for (n, line) in lines.iter().enumerate() {
        let readable = entry.image.contrast.is_readable();
        let ink = if n == 1 && !readable && shape.depth > 0 { WARNING } else { INK };
        write(&mut cell, line, (2, y), &FONT_6X10, ink, Alignment::Left, 1);
        y += LINE;
    }
    Ok(cell)
}

/// The screen as the phone shows it, not larger than fits on a sheet.
fn screen(prepared: &PreparedImage) -> Result<RgbImage, MediaError> {
    let decoded = image::load_from_memory_with_format(&prepared.background.png, ImageFormat::Png);
    let damaged = |error: image::ImageError| MediaError::Undecodable {
        name: "a prepared picture".into(),
        why: PictureProblem::Damaged(error.to_string()),
    };
    let mut screen = decoded.map_err(damaged)?.into_rgb8();
    let (width, height) = screen.dimensions();
    let (font, scale) = match width {
        0..=319 => (&FONT_6X10, 1),
        320..=479 => (&FONT_7X13, 1),
        480..=1023 => (&FONT_10X20, 1),
        _ => (&FONT_7X13, 2),
    };
    let ink = match prepared.letters {
        Letters::Black => Rgb([0; 3]),
        Letters::White => Rgb([255; 3]),
    };
    for sample in samples(prepared.shape) {
        let share = |whole: u32, hundredths: f32| (whole as f32 * hundredths / 100.0) as u32;
        let x = share(width, sample.x);
        let (x, side) = if sample.from_right {
            (width.saturating_sub(x), Alignment::Right)
        } else {
            (x, Alignment::Left)
        };
        write(&mut screen, sample.text, (x, share(height, sample.y)), font, ink, side, scale);
    }
    if width <= LARGEST {
        return Ok(screen);
    }
    let high = (u64::from(height) * u64::from(LARGEST) / u64::from(width)).max(1);
    Ok(imageops::resize(&screen, LARGEST, high as u32, FilterType::Triangle))
}

fn caption(entry: &SheetEntry<'_>, width: u32) -> Vec<String> {
    let image = entry.image;
    let size = image.background.png.len().div_ceil(1000);
    let letters = match image.letters {
        Letters::Black => "black",
        Letters::White => "white",
    };
    let mut lines = vec![
        format!("{}x{}  {size} KB", image.shape.background, image.shape.depth),
        format!("{letters} letters, contrast {}", image.contrast),
    ];
    let most = (width / FONT_6X10.character_size.width).max(10) as usize;
    let mut line = String::new();
    for word in entry.models.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > most {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// Writes a text; its place is the middle of its height at its left or right end.
fn write(
    image: &mut RgbImage,
    text: &str,
    (x, y): (u32, u32),
    font: &MonoFont<'_>,
    Rgb([red, green, blue]): Rgb<u8>,
    side: Alignment,
    scale: u32,
) {
    let mut canvas = Canvas { image, scale };
    let style = MonoTextStyle::new(font, Rgb888::new(red, green, blue));
    let layout = TextStyleBuilder::new().alignment(side).baseline(Baseline::Middle).build();
    let at = |value: u32| i32::try_from(value / scale).unwrap_or(i32::MAX);
    let drawn =
        Text::with_text_style(text, Point::new(at(x), at(y)), style, layout).draw(&mut canvas);
    // Drawing into memory has no error.
    let Ok(_next) = drawn;
}

/// A picture that is drawn on; what lies outside is left out.
struct Canvas<'a> {
    image: &'a mut RgbImage,
    /// How many pixels one drawn pixel has each way.
    scale: u32,
}

impl OriginDimensions for Canvas<'_> {
    fn size(&self) -> Extent {
        Extent::new(self.image.width() / self.scale, self.image.height() / self.scale)
    }
}

impl DrawTarget for Canvas<'_> {
    type Color = Rgb888;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Self::Error> {
        for Pixel(Point { x, y }, colour) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { continue };
            let (x, y) = (x.saturating_mul(self.scale), y.saturating_mul(self.scale));
            for (dx, dy) in (0..self.scale).flat_map(|dy| (0..self.scale).map(move |dx| (dx, dy))) {
                let place = (x.saturating_add(dx), y.saturating_add(dy));
                if let Some(pixel) = self.image.get_pixel_mut_checked(place.0, place.1) {
                    *pixel = Rgb([colour.r(), colour.g(), colour.b()]);
                }
            }
        }
        Ok(())
    }
}

const WIDTH: u32 = 1_600;
const MARGIN: u32 = 24;
const TITLE: u32 = 56;
const BEZEL: u32 = 8;
const LINE: u32 = 13;
const LARGEST: u32 = 480;
/// The width of the narrowest column, so that its caption can be read.
const SMALLEST: u32 = 200;

const PAPER: Rgb<u8> = Rgb([244, 244, 242]);
const PHONE: Rgb<u8> = Rgb([38, 40, 44]);
const INK: Rgb<u8> = Rgb([30, 30, 30]);
const WARNING: Rgb<u8> = Rgb([176, 32, 32]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::catalogue;
    use crate::media::{Options, Picture, prepare_all};

    #[test]
    fn every_picture_stands_on_the_sheet_with_its_labels() {
        let specs: Vec<_> = catalogue().iter().filter_map(|model| model.image).collect();
        // A flat grey: whatever else is on a screen was written there.
        let grey = RgbImage::from_pixel(64, 40, Rgb([90; 3]));
        let picture = Picture::from(image::DynamicImage::ImageRgb8(grey));
        let set = prepare_all(&picture, &specs, &Options::default(), Compression::Quick).unwrap();
        let entries: Vec<_> = set
            .iter()
            .map(|image| SheetEntry { image, models: "8841, 8845, 8851".into() })
            .collect();
        let sheet = contact_sheet("Grey", &entries).unwrap();
        let pixels = image::load_from_memory(&sheet.png).unwrap().into_rgb8();
        assert_eq!(pixels.width(), WIDTH);
        let count = |colour: Rgb<u8>| pixels.pixels().filter(|pixel| **pixel == colour).count();
        assert!(count(Rgb([90; 3])) > 100_000 && count(PHONE) > 10_000 && count(INK) > 1_000);
        for entry in &entries {
            let screen = screen(entry.image).unwrap();
            let written = screen.pixels().filter(|pixel| pixel[1].abs_diff(90) > 60).count();
            assert!(written > 50, "{:?}", entry.image.shape);
        }
    }
}
