//! Words on a prepared picture: where there is room for them, on a plate on which they can be read.
//!
//! Words are drawn on the pixels that the panel shows, with its own steps: a prepared picture stays what it is around
//! them, and letters get no pattern of dots. So the picture of a phone costs a copy, the letters and one file.

mod fonts;
mod qr;
mod room;

use std::sync::Arc;

use image::ImageFormat;

use crate::domain::colour::Colour;
use crate::domain::model::Size;
use crate::domain::words::{TextColour, Words};
use crate::media::depth::{Raster, Steps, is_grey};
use crate::media::label_zones::{Zone, light, zones};
use crate::media::words::room::Places;
use crate::media::{Compression, EncodedPicture, MediaError, PictureProblem, PreparedImage, Shape};

pub use fonts::WordsNote;
pub use qr::QrProblem;

/// A prepared picture that words are drawn on.
#[derive(Debug)]
pub struct WordsCanvas {
    base: Arc<PreparedImage>,
    raster: Raster,
    /// The part that the phone does not write on.
    room: Zone,
}

/// Why words cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum WordsError {
    #[error(transparent)]
    Qr(#[from] QrProblem),
    #[error(transparent)]
    Media(#[from] MediaError),
}

impl WordsCanvas {
    /// # Errors
    /// When the prepared file cannot be read.
    pub fn new(base: Arc<PreparedImage>) -> Result<Self, MediaError> {
        let shape = base.shape;
        let file = image::load_from_memory_with_format(&base.background.png, ImageFormat::Png);
        let file = file.map_err(|error| MediaError::Undecodable {
            name: "a prepared picture".to_owned(),
            why: PictureProblem::Damaged(error.to_string()),
        })?;
        let grey = is_grey(shape.depth);
        let bytes = if grey { file.into_luma8().into_raw() } else { file.into_rgb8().into_raw() };
        let raster = Raster { size: shape.background, grey, bytes };
        let room = room::of(shape.background, &zones(shape));
        Ok(Self { base, raster, room })
    }

    /// Returns the picture without words.
    pub fn base(&self) -> &Arc<PreparedImage> {
        &self.base
    }

    /// Draws words, and returns the files of the phone that has them, with what could not be drawn as it was wanted. The
    /// thumbnail stays that of the picture.
    ///
    /// # Errors
    /// When the QR code does not fit, or the file cannot be encoded.
    pub fn draw(
        &self,
        words: &Words,
        compression: Compression,
    ) -> Result<(PreparedImage, Vec<WordsNote>), WordsError> {
        let (raster, _, notes) = self.raster(words)?;
        let background = EncodedPicture::encode(raster, compression)?;
        Ok((PreparedImage { background, ..(*self.base).clone() }, notes))
    }

    fn raster(&self, words: &Words) -> Result<(Raster, Places, Vec<WordsNote>), WordsError> {
        let Shape { background: Size { height, .. }, depth, .. } = self.base.shape;
        let code = words.qr.as_deref().map(|content| qr::encode(content, self.room)).transpose()?;
        let (room, beside) = room::beside(self.room, code.as_ref().map(qr::Code::side));
        let padding = room::padding(height);
        let block =
            (!words.text.is_empty() && room.width > 2 * padding && room.height > 2 * padding)
                .then(|| fonts::lay_out(words, shrunk(room, padding), height));
        let text = block.as_ref().map(|block| grown(block.size, padding));
        let places = room::place(self.room, text, code.as_ref().map(qr::Code::side), beside, words);
        let mut raster = self.raster.clone();
        let mut brush = Brush { raster: &mut raster, steps: Steps::of(depth) };
        let mut notes = Vec::new();
        if let (Some(zone), Some(block)) = (places.text, block) {
            let (ink, plate) = brush.colours(zone, words.style.colour);
            brush.plate(zone, plate, if depth < 12 { 1.0 } else { opacity(ink, plate) });
            let corner = (zone.left + padding, zone.top + padding);
            notes = block.draw(|x, y, share| {
                let (x, y) = (corner.0.checked_add_signed(x), corner.1.checked_add_signed(y));
                if let Some((x, y)) = x.zip(y).filter(|(x, y)| zone.distance(*x, *y) == 0) {
                    brush.blend(x, y, ink, share);
                }
            });
        }
        if let (Some(zone), Some(code)) = (places.code, code) {
            brush.plate(zone, Colour::WHITE, 1.0);
            code.draw(|x, y| brush.blend(zone.left + x, zone.top + y, Colour::BLACK, 1.0));
        }
        Ok((raster, places, notes))
    }
}

fn grown(size: Size, padding: u32) -> Size {
    Size::new(size.width + 2 * padding, size.height + 2 * padding)
}

fn shrunk(size: Size, padding: u32) -> Size {
    Size::new(size.width.saturating_sub(2 * padding), size.height.saturating_sub(2 * padding))
}

/// Returns why a QR code has no room on a panel; nothing where it has.
pub fn qr_problem(words: &Words, shape: Shape) -> Option<QrProblem> {
    let room = room::of(shape.background, &zones(shape));
    qr::encode(words.qr.as_deref()?, room).err()
}

/// Draws on pixels with the steps of the panel.
struct Brush<'a> {
    raster: &'a mut Raster,
    steps: Steps,
}

impl Brush<'_> {
    fn channels(&self) -> usize {
        if self.raster.grey { 1 } else { 3 }
    }

    fn blend(&mut self, x: u32, y: u32, Colour(colour): Colour, share: f32) {
        let Size { width, height } = self.raster.size;
        if x >= width || y >= height {
            return;
        }
        let channels = self.channels();
        let at = (y as usize * width as usize + x as usize) * channels;
        for (channel, number) in self.raster.bytes[at..at + channels].iter_mut().enumerate() {
            let mixed =
                f32::from(*number) + (f32::from(colour[channel]) - f32::from(*number)) * share;
            *number = self.steps.nearest(channel, mixed.round() as u8);
        }
    }

    fn plate(&mut self, zone: Zone, colour: Colour, opacity: f32) {
        for y in zone.top..zone.bottom {
            for x in zone.left..zone.right {
                self.blend(x, y, colour, opacity);
            }
        }
    }

    /// Returns the colours of letters, as the panel shows it, and of the plate below them.
    fn colours(&self, zone: Zone, wanted: TextColour) -> (Colour, Colour) {
        let TextColour::Of(Colour(wanted)) = wanted else {
            let dark = self.mean(zone) < 128;
            return if dark {
                (Colour::WHITE, Colour::BLACK)
            } else {
                (Colour::BLACK, Colour::WHITE)
            };
        };
        let number = |channel: usize| self.steps.nearest(channel, wanted[channel]);
        let ink = if self.raster.grey {
            let [red, green, blue] = wanted.map(u32::from);
            let grey = (2_126 * red + 7_152 * green + 722 * blue + 5_000) / 10_000;
            [self.steps.nearest(0, u8::try_from(grey).unwrap_or(u8::MAX)); 3]
        } else {
            [number(0), number(1), number(2)]
        };
        let ink = Colour(ink);
        let dark = ratio(ink, Colour::BLACK) >= ratio(ink, Colour::WHITE);
        (ink, if dark { Colour::BLACK } else { Colour::WHITE })
    }

    /// Returns how bright a part is, from 0 to 255.
    fn mean(&self, zone: Zone) -> u8 {
        let row = self.raster.size.width as usize * self.channels();
        let part = zone.left as usize * self.channels()..zone.right as usize * self.channels();
        let rows = self.raster.bytes.chunks_exact(row.max(1));
        let rows = rows.skip(zone.top as usize).take((zone.bottom - zone.top) as usize);
        let bytes = rows.filter_map(|row| row.get(part.clone())).flatten().copied().collect();
        let size = Size::new(zone.width(), zone.bottom - zone.top);
        super::prepare::brightness(&Raster { size, grey: self.raster.grey, bytes })
    }
}

/// Returns how much of a plate covers the picture: as little as keeps letters readable on the worst picture below.
fn opacity(ink: Colour, plate: Colour) -> f32 {
    let Colour([plate_number, ..]) = plate;
    let worst = |opacity: f32| {
        let below = f32::from(u8::MAX - plate_number);
        let mixed = below + (f32::from(plate_number) - below) * opacity;
        Colour([mixed.round() as u8; 3])
    };
    let enough = |opacity: &f32| ratio(ink, worst(*opacity)) >= ENOUGH;
    [0.75, 0.85, 0.95].into_iter().find(enough).unwrap_or(1.0)
}

/// Returns the contrast of two colours by WCAG 2.
fn ratio(Colour(one): Colour, Colour(other): Colour) -> f32 {
    let (one, other) = (light(&one) + 0.05, light(&other) + 0.05);
    one.max(other) / one.min(other)
}

/// The contrast on the worst picture: 4.5 to 1 is left when the panel's steps change it.
const ENOUGH: f32 = 5.3;

#[cfg(test)]
mod tests;
