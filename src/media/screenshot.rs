//! Compares a phone's screenshots with the picture that was pushed to it.
//!
//! A phone draws labels, keys and the time over its background, in places that differ from model to model, and
//! a panel with few colours changes all of them. So screens are compared cell by cell: in a grid of 40 by 24
//! cells, two cells are alike when their mean colours differ by no more than 20 of 255 on average. What is
//! returned is the share of the cells that are alike.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader, Limits, RgbImage, imageops};

use crate::domain::model::Size;
use crate::media::Picture;

#[derive(Clone, Debug)]
pub struct Screen {
    pixels: RgbImage,
}

#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    #[error("it is no PNG or BMP picture")]
    Unknown,
    #[error("it cannot be read: {0}")]
    Damaged(String),
}

/// How far two screens agree with a picture, in shares of all cells from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// How much of the screen looked like the picture before.
    pub before: f64,
    /// How much of it looks like the picture now.
    pub after: f64,
    /// How much of the screen has changed.
    pub changed: f64,
    /// Whether the picture has more than one colour, so that it differs from a menu or a dark screen.
    pub telling: bool,
}

impl Screen {
    /// Reads a screenshot: 88xx, 89xx, 98xx and 99xx send PNG files, the 79xx BMP files.
    pub fn read(file: &[u8]) -> Result<Self, ScreenError> {
        let format = image::guess_format(file).map_err(|_| ScreenError::Unknown)?;
        if !matches!(format, ImageFormat::Png | ImageFormat::Bmp) {
            return Err(ScreenError::Unknown);
        }
        let mut reader = ImageReader::with_format(Cursor::new(file), format);
        let mut limits = Limits::default();
        limits.max_image_width = Some(LONGEST_SIDE);
        limits.max_image_height = Some(LONGEST_SIDE);
        limits.max_alloc = Some(MOST_MEMORY);
        reader.limits(limits);
        let pixels = reader.decode().map_err(|error| ScreenError::Damaged(error.to_string()))?;
        if pixels.width() == 0 || pixels.height() == 0 {
            return Err(ScreenError::Damaged("it has no pixels".to_owned()));
        }
        Ok(Self { pixels: pixels.into_rgb8() })
    }

    fn is_grey(&self) -> bool {
        self.pixels.pixels().all(|pixel| {
            let [red, green, blue] = pixel.0;
            red.abs_diff(green) <= 8 && green.abs_diff(blue) <= 8
        })
    }

    /// Returns the cells of a part of it, in the order of lines.
    fn cells(&self, part: Part) -> Vec<[u8; 3]> {
        cells(&self.pixels, part)
    }
}

/// A part of a screen that a picture can fill.
#[derive(Clone, Copy)]
struct Part {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

/// A picture as screens are compared with it: the mean colours of its cells, and its size.
#[derive(Clone, Debug)]
pub struct ExpectedScreen {
    color: Vec<[u8; 3]>,
    grey: Vec<[u8; 3]>,
    size: (u32, u32),
}

impl ExpectedScreen {
    /// `size` is that of the pushed picture, of which `picture` can be a smaller copy.
    pub fn new(picture: &Picture, size: Size) -> Self {
        let pixels = picture.pixels().to_rgb8();
        let grey = DynamicImage::ImageLuma8(imageops::grayscale(&pixels)).into_rgb8();
        let all = |pixels: &RgbImage| cells(pixels, whole(pixels.dimensions()));
        Self { color: all(&pixels), grey: all(&grey), size: (size.width, size.height) }
    }

    /// Returns how much of a screen looks like the picture, from 0 to 1.
    pub fn similarity(&self, screen: &Screen) -> f64 {
        self.place(self.of_panel(screen), screen).1
    }

    /// Returns whether the picture has more than one colour, so that it differs from a menu or a dark screen.
    pub fn is_distinctive(&self) -> bool {
        spread(&self.color) >= LEAST_SPREAD
    }

    fn of_panel(&self, screen: &Screen) -> &[[u8; 3]] {
        if screen.is_grey() { &self.grey } else { &self.color }
    }

    /// Returns the part of a screen that looks most like the picture, and how much of it does. Where a picture is on a
    /// larger screen is not published: the best place counts.
    fn place(&self, wanted: &[[u8; 3]], screen: &Screen) -> (Part, f64) {
        let size = screen.pixels.dimensions();
        let parts = parts(size, self.size).map(|part| (part, share(wanted, &screen.cells(part))));
        let best = parts.max_by(|(_, one), (_, other)| one.total_cmp(other));
        best.unwrap_or_else(|| (whole(size), 0.0))
    }
}

/// Compares a picture as it was pushed with the screens before and after.
pub fn similarity(picture: &Picture, before: &Screen, after: &Screen) -> Similarity {
    let (width, height) = (picture.pixels().width(), picture.pixels().height());
    let expected = ExpectedScreen::new(picture, Size::new(width, height));
    let wanted = expected.of_panel(after);
    let (part, after_share) = expected.place(wanted, after);
    let same_size = before.pixels.dimensions() == after.pixels.dimensions();
    Similarity {
        before: if same_size { share(wanted, &before.cells(part)) } else { 0.0 },
        after: after_share,
        changed: changed(before, after),
        telling: spread(wanted) >= LEAST_SPREAD,
    }
}

pub fn changed(before: &Screen, after: &Screen) -> f64 {
    if before.pixels.dimensions() != after.pixels.dimensions() {
        return 1.0;
    }
    let part = whole(before.pixels.dimensions());
    1.0 - share(&before.cells(part), &after.cells(part))
}

fn whole((width, height): (u32, u32)) -> Part {
    Part { x: 0, y: 0, width, height }
}

/// Returns where a picture of this size can be: all over the screen, or at its top, middle or bottom.
fn parts(screen: (u32, u32), picture: (u32, u32)) -> impl Iterator<Item = Part> {
    let fits = picture != screen && picture.0 <= screen.0 && picture.1 <= screen.1 && picture.0 > 0;
    let (wide, high) = (screen.0.saturating_sub(picture.0), screen.1.saturating_sub(picture.1));
    let at = move |y| Part { x: wide / 2, y, width: picture.0, height: picture.1 };
    let anchored = [at(0), at(high / 2), at(high)].into_iter().filter(move |_| fits);
    std::iter::once(whole(screen)).chain(anchored)
}

/// Returns the mean colour of each cell of a part, in the order of lines.
fn cells(pixels: &RgbImage, part: Part) -> Vec<[u8; 3]> {
    let Part { x, y, width, height } = part;
    let row_bytes = 3 * pixels.width() as usize;
    let (from, to) = (3 * x as usize, 3 * (x + width) as usize);
    let mut sums = vec![[0_u32; 4]; COLUMNS * ROWS];
    let lines = pixels.as_raw().chunks_exact(row_bytes.max(1));
    for (line, row) in lines.skip(y as usize).take(height as usize).enumerate() {
        let first = line * ROWS / height as usize * COLUMNS;
        for (at, pixel) in row[from..to].chunks_exact(3).enumerate() {
            let sum = &mut sums[first + at * COLUMNS / width as usize];
            sum[0] += u32::from(pixel[0]);
            sum[1] += u32::from(pixel[1]);
            sum[2] += u32::from(pixel[2]);
            sum[3] += 1;
        }
    }
    let mean = |sum: u32, count: u32| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX);
    sums.into_iter().map(|[r, g, b, count]| [r, g, b].map(|sum| mean(sum, count))).collect()
}

fn share(one: &[[u8; 3]], other: &[[u8; 3]]) -> f64 {
    let alike = one.iter().zip(other).filter(|(one, other)| {
        let differences = one.iter().zip(other.iter()).map(|(a, b)| u32::from(a.abs_diff(*b)));
        differences.sum::<u32>() <= 3 * TOLERANCE
    });
    alike.count() as f64 / one.len().max(1) as f64
}

/// Returns how far the cells' brightness spreads: the mean distance from the mean.
fn spread(cells: &[[u8; 3]]) -> f64 {
    let bright = |cell: &[u8; 3]| cell.iter().map(|value| f64::from(*value)).sum::<f64>() / 3.0;
    let count = cells.len().max(1) as f64;
    let mean = cells.iter().map(bright).sum::<f64>() / count;
    cells.iter().map(|cell| (bright(cell) - mean).abs()).sum::<f64>() / count
}

const COLUMNS: usize = 40;
const ROWS: usize = 24;
/// The most that two cells' colours may differ and still be alike, of 255.
const TOLERANCE: u32 = 20;
/// The least spread of brightness that distinguishes a picture from a plain screen, of 255.
const LEAST_SPREAD: f64 = 4.0;
/// No phone's screen has a longer side, in pixels.
const LONGEST_SIDE: u32 = 1_920;
/// The most memory that a screenshot may take while it is decoded, in bytes: 1920x1080 pixels of 32 bits need it. Many
/// phones are looked at at the same time, and a phone may send anything.
const MOST_MEMORY: u64 = 8_300_000;

#[cfg(test)]
mod tests {
    use image::Rgb;
    use image::imageops::FilterType;
    use proptest::prelude::*;

    use super::*;
    use crate::media::demo_picture;

    fn screen(pixels: &RgbImage, format: ImageFormat) -> Screen {
        let mut file = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(pixels.clone()).write_to(&mut file, format).unwrap();
        Screen::read(&file.into_inner()).unwrap()
    }

    fn picture(width: u32, height: u32) -> RgbImage {
        demo_picture().resize_exact(width, height, FilterType::Triangle).into_rgb8()
    }

    /// A background under labels on the left and keys at the bottom.
    fn covered(background: &RgbImage) -> RgbImage {
        let mut shown = background.clone();
        let (width, height) = shown.dimensions();
        for (x, y, pixel) in shown.enumerate_pixels_mut() {
            if x < width / 4 || y > height - height / 8 {
                *pixel = Rgb([230, 230, 235]);
            }
        }
        shown
    }

    fn plain(width: u32, height: u32, value: u8) -> RgbImage {
        RgbImage::from_pixel(width, height, Rgb([value, value, value]))
    }

    fn compared(picture: &RgbImage, before: &RgbImage, after: &RgbImage) -> Similarity {
        let picture = Picture::from(DynamicImage::ImageRgb8(picture.clone()));
        let [before, after] = [before, after].map(|pixels| screen(pixels, ImageFormat::Png));
        similarity(&picture, &before, &after)
    }

    #[test]
    fn a_picture_is_known_under_labels_and_keys() {
        let wanted = picture(800, 480);
        let old = covered(&plain(800, 480, 20));
        let seen = compared(&wanted, &old, &covered(&wanted));
        assert!(seen.after > 0.6 && seen.before < 0.2 && seen.telling, "{seen:?}");
        assert!(seen.changed > 0.4, "{seen:?}");
        let unchanged = compared(&wanted, &old, &old);
        assert_eq!((unchanged.after, unchanged.changed), (unchanged.before, 0.0));
    }

    #[test]
    fn another_picture_is_told_from_it() {
        let wanted = picture(800, 480);
        let mut other = picture(800, 480);
        imageops::flip_horizontal_in_place(&mut other);
        imageops::invert(&mut other);
        let seen = compared(&wanted, &plain(800, 480, 20), &covered(&other));
        assert!(seen.after < 0.3, "{seen:?}");
    }

    #[test]
    fn a_grey_panel_and_one_with_few_colours_show_it_too() {
        let wanted = picture(320, 212);
        let grey = DynamicImage::ImageLuma8(imageops::grayscale(&wanted)).into_rgb8();
        let few =
            RgbImage::from_fn(320, 212, |x, y| Rgb(wanted.get_pixel(x, y).0.map(|v| v / 17 * 17)));
        for shown in [grey, few] {
            let seen = compared(&wanted, &plain(320, 212, 0), &shown);
            assert!(seen.after > 0.9, "{seen:?}");
        }
    }

    #[test]
    fn a_picture_may_stand_anywhere_on_a_larger_screen() {
        let wanted = picture(320, 212);
        for y in [0, 14, 28] {
            let mut shown = plain(320, 240, 0);
            imageops::replace(&mut shown, &wanted, 0, y);
            let seen = compared(&wanted, &plain(320, 240, 0), &shown);
            assert!(seen.after > 0.9, "{y}: {seen:?}");
        }
    }

    #[test]
    fn a_smaller_copy_of_the_picture_is_as_good() {
        let full = picture(320, 212);
        let small = imageops::resize(&full, 160, 106, FilterType::Triangle);
        let small = Picture::from(DynamicImage::ImageRgb8(small));
        let expected = ExpectedScreen::new(&small, Size::new(320, 212));
        let mut shown = plain(320, 240, 0);
        imageops::replace(&mut shown, &full, 0, 14);
        let like = |shown: &RgbImage| expected.similarity(&screen(shown, ImageFormat::Bmp));
        assert!(expected.is_distinctive() && like(&shown) > 0.9, "{}", like(&shown));
        assert!(like(&plain(320, 240, 90)) < 0.3);
    }

    #[test]
    fn a_plain_picture_proves_nothing() {
        let seen = compared(&plain(800, 480, 10), &plain(800, 480, 200), &plain(800, 480, 10));
        assert!(!seen.telling && seen.after > 0.99, "{seen:?}");
    }

    #[test]
    fn screenshots_are_png_or_bmp_files() {
        let shown = picture(320, 240);
        assert_eq!(
            screen(&shown, ImageFormat::Bmp).pixels,
            screen(&shown, ImageFormat::Png).pixels
        );
        assert!(matches!(
            Screen::read(b"<CiscoIPPhoneError Number=\"4\" />"),
            Err(ScreenError::Unknown)
        ));
        assert!(matches!(Screen::read(b""), Err(ScreenError::Unknown)));
        assert!(matches!(Screen::read(b"BM\0\0"), Err(ScreenError::Damaged(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), bmp: bool) {
            let head: &[u8] = if bmp { b"BM" } else { b"\x89PNG\r\n\x1a\n" };
            let _read = Screen::read(&[head, &bytes].concat()).is_ok();
        }
    }
}
