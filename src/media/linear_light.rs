//! Pixels as amounts of light, in which scaling and mixing are right.
//!
//! The numbers of a picture's file are steps for the eye: the middle between two of them is too dark. So
//! pictures are scaled in linear light, 16 bits a channel, and turned back at the end.

use std::sync::LazyLock;

use fast_image_resize as fr;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::pixels::{U16x3, U16x4};
use fast_image_resize::{
    FilterType, PixelComponentMapper, PixelTrait, PixelType, ResizeAlg, ResizeOptions, Resizer,
};
use image::{DynamicImage, RgbImage, RgbaImage};

use crate::domain::colour::Colour;
use crate::domain::model::Size;
use crate::media::MediaError;

pub(crate) struct Linear {
    /// Always of the type U16x3.
    image: Image<'static>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Part {
    pub left: u32,
    pub top: u32,
    pub size: Size,
}

impl Part {
    pub const fn whole(size: Size) -> Self {
        Self { left: 0, top: 0, size }
    }
}

impl Linear {
    pub fn filled(size: Size, colour: Colour) -> Self {
        let mut image = Image::new(size.width, size.height, PixelType::U16x3);
        let light = colour.0.map(to_light);
        if let Some(mut pixels) = image.typed_image_mut::<U16x3>() {
            pixels.pixels_mut().fill(U16x3::new(light));
        }
        Self { image }
    }

    /// Takes the pixels of a [`Picture`](crate::media::Picture) over, with `background` where they are transparent.
    pub fn of(picture: &DynamicImage, background: Colour) -> Result<Self, MediaError> {
        let size = Size::new(picture.width(), picture.height());
        if size.width == 0 || size.height == 0 {
            return Err(MediaError::NoPixels { size });
        }
        let mut image = Image::new(size.width, size.height, PixelType::U16x3);
        let strip_bytes = size.width as usize * PixelType::U16x3.size() * ROWS as usize;
        // A few rows at a time: a copy of the whole picture without its transparency would need much memory.
        for (top, to) in
            (0..).step_by(ROWS as usize).zip(image.buffer_mut().chunks_mut(strip_bytes))
        {
            let rows = ROWS.min(size.height - top);
            to.copy_from_slice(light(picture, top, rows, background).buffer());
        }
        Ok(Self { image })
    }

    pub fn size(&self) -> Size {
        Size::new(self.image.width(), self.image.height())
    }

    pub fn pixels(&self) -> impl Iterator<Item = [u16; 3]> {
        let channels = self.image.buffer().chunks_exact(2);
        let mut channels = channels.map(|bytes| u16::from_ne_bytes([bytes[0], bytes[1]]));
        std::iter::from_fn(move || Some([channels.next()?, channels.next()?, channels.next()?]))
    }

    /// Changes every pixel; `change` gets its place, and its light from 0 to 1.
    pub fn change(&mut self, mut change: impl FnMut(u32, u32, [f32; 3]) -> [f32; 3]) {
        let width = self.image.width().max(1) as usize;
        let Some(mut image) = self.image.typed_image_mut::<U16x3>() else { return };
        for (y, row) in (0..).zip(image.pixels_mut().chunks_exact_mut(width)) {
            for (x, pixel) in (0..).zip(row) {
                pixel.0 = change(x, y, pixel.0.map(share)).map(amount);
            }
        }
    }

    /// Scales a part of it to `size`.
    pub fn scaled(&self, part: Part, size: Size) -> Result<Self, MediaError> {
        let empty = |size: Size| size.width == 0 || size.height == 0;
        if empty(size) || empty(part.size) {
            return Err(MediaError::NoPixels { size });
        }
        // Lanczos keeps the most detail of what is made smaller; what is made larger would get rings by it.
        let smaller = part.size.width >= size.width && part.size.height >= size.height;
        let filter = if smaller { FilterType::Lanczos3 } else { FilterType::CatmullRom };
        let mut image = Image::new(size.width, size.height, PixelType::U16x3);
        scale::<U16x3>(&self.image, &mut image, part, filter)
            .map_err(|error| resample(size, &error))?;
        Ok(Self { image })
    }

    /// Puts another picture onto it, as far as that lies inside.
    pub fn put(&mut self, other: &Self, left: u32, top: u32) {
        let (width, other_width) = (self.image.width() as usize, other.image.width() as usize);
        let bytes = PixelType::U16x3.size();
        let wide = other_width.min(width.saturating_sub(left as usize)) * bytes;
        let rows = self.image.buffer_mut().chunks_exact_mut((width * bytes).max(1));
        let others = other.image.buffer().chunks_exact((other_width * bytes).max(1));
        for (row, from) in rows.skip(top as usize).zip(others) {
            let at = left as usize * bytes;
            row[at..at + wide].copy_from_slice(&from[..wide]);
        }
    }

    /// Returns the picture's numbers again: 8 bits of red, green and blue a pixel.
    pub fn to_srgb(&self) -> Vec<u8> {
        let Size { width, height } = self.size();
        let mut numbers = Image::new(width, height, PixelType::U8x3);
        let mapped = TABLES.mapper.backward_map(&self.image, &mut numbers);
        // Both have the size and the types that the mapper wants.
        debug_assert!(mapped.is_ok(), "{mapped:?}");
        numbers.into_vec()
    }
}

impl std::fmt::Debug for Linear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linear").field("size", &self.size()).finish_non_exhaustive()
    }
}

/// Turns a number of a picture's file into an amount of light.
pub(crate) fn to_light(number: u8) -> u16 {
    TABLES.light[usize::from(number)]
}

/// An amount of light as a share of the most.
pub(crate) fn share(light: u16) -> f32 {
    f32::from(light) / f32::from(u16::MAX)
}

pub(crate) fn amount(share: f32) -> u16 {
    (share.clamp(0.0, 1.0) * f32::from(u16::MAX)).round() as u16
}

/// How bright the light of a pixel is to the eye, as a share of white's (the weights of Rec. 709).
pub(crate) fn luminance([red, green, blue]: [f32; 3]) -> f32 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

struct Tables {
    light: [u16; 256],
    mapper: PixelComponentMapper,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let light: [u16; 256] = std::array::from_fn(|number| {
        let number = number as f64 / 255.0;
        // IEC 61966-2-1, in double precision, so that the rounded result is the same everywhere.
        let light =
            if number <= 0.040_45 { number / 12.92 } else { ((number + 0.055) / 1.055).powf(2.4) };
        (light * 65_535.0).round() as u16
    });
    let forward = move |number: f32| {
        let number = (number * 255.0).round().clamp(0.0, 255.0) as usize;
        share(light[number])
    };
    // The nearest number is that whose light is nearest: a number's share of the light ends in the middle
    // between its own and the next one's.
    let backward = move |share: f32| {
        let middle = |pair: &[u16]| (u32::from(pair[0]) + u32::from(pair[1])).div_ceil(2);
        let light_here = u32::from(amount(share));
        let below = light.windows(2).filter(|pair| middle(pair) <= light_here).count();
        below as f32 / 255.0
    };
    Tables { light, mapper: PixelComponentMapper::new(forward, backward) }
});

/// Makes a picture that is much larger than any panel smaller, in linear light and a few rows at a time, so that
/// nothing after its decoding needs much memory for it.
///
/// # Errors
/// Returns what the resampler reports.
pub(crate) fn reduced(picture: DynamicImage) -> Result<DynamicImage, String> {
    let from = Size::new(picture.width(), picture.height());
    let every = every(from);
    if every == 1 {
        return Ok(picture);
    }
    let size = Size::new(from.width / every, from.height / every);
    let alpha = picture.color().has_alpha();
    let (numbers, light) = if alpha {
        (PixelType::U8x4, PixelType::U16x4)
    } else {
        (PixelType::U8x3, PixelType::U16x3)
    };
    let row = from.width as usize * numbers.size();
    let rows = (ROWS / every).max(1);
    let mut bytes = Vec::with_capacity(size.width as usize * size.height as usize * numbers.size());
    for top in (0..size.height).step_by(rows as usize) {
        let high = rows.min(size.height - top);
        let (first, last) = ((top * every) as usize * row, ((top + high) * every) as usize * row);
        let strip =
            ImageRef::new(from.width, high * every, &picture.as_bytes()[first..last], numbers)
                .map_err(|error| error.to_string())?;
        let mut large = Image::new(from.width, high * every, light);
        TABLES.mapper.forward_map(&strip, &mut large).map_err(|error| error.to_string())?;
        let mut small = Image::new(size.width, high, light);
        let part = Part::whole(Size::new(size.width * every, high * every));
        let scaled = if alpha {
            scale::<U16x4>(&large, &mut small, part, FilterType::Box)
        } else {
            scale::<U16x3>(&large, &mut small, part, FilterType::Box)
        };
        scaled.map_err(|error| error.to_string())?;
        let mut back = Image::new(size.width, high, numbers);
        TABLES.mapper.backward_map(&small, &mut back).map_err(|error| error.to_string())?;
        bytes.extend_from_slice(back.buffer());
    }
    let Size { width, height } = size;
    let made = if alpha {
        RgbaImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgba8)
    } else {
        RgbImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8)
    };
    made.ok_or_else(|| "its pixels do not fill its size".to_owned())
}

/// By how much a picture is made smaller both ways before anything else is done with it.
fn every(size: Size) -> u32 {
    let pixels = u64::from(size.width) * u64::from(size.height);
    let fits = |every: &u32| {
        let every = u64::from(*every);
        pixels <= MOST_PIXELS * every * every
    };
    let most = size.width.min(size.height).max(1);
    (1..=most).find(fits).unwrap_or(most)
}

/// Returns the light of some rows of a picture, flattened onto the background.
fn light(pixels: &DynamicImage, top: u32, rows: u32, background: Colour) -> Image<'static> {
    let width = pixels.width();
    let channels = usize::from(pixels.color().bytes_per_pixel());
    let row = width as usize * channels;
    let bytes = &pixels.as_bytes()[top as usize * row..(top + rows) as usize * row];
    let flat;
    let bytes = if channels == 4 {
        flat = flatten(bytes, background);
        &flat
    } else {
        bytes
    };
    let mut light = Image::new(width, rows, PixelType::U16x3);
    let mapped = ImageRef::new(width, rows, bytes, PixelType::U8x3)
        .map_err(|error| error.to_string())
        .and_then(|from| TABLES.mapper.forward_map(&from, &mut light).map_err(|e| e.to_string()));
    // Both have the size and the types that the mapper wants.
    debug_assert!(mapped.is_ok(), "{mapped:?}");
    light
}

/// Blends pixels with transparency over a colour, as browsers do.
fn flatten(pixels: &[u8], Colour(background): Colour) -> Vec<u8> {
    let mut flat = Vec::with_capacity(pixels.len() / 4 * 3);
    for pixel in pixels.chunks_exact(4) {
        let alpha = u32::from(pixel[3]);
        flat.extend(pixel.iter().zip(background).map(|(front, back)| {
            let blended = u32::from(*front) * alpha + u32::from(back) * (255 - alpha);
            // At most 255 * 255 / 255.
            u8::try_from((blended + 127) / 255).unwrap_or(u8::MAX)
        }));
    }
    flat
}

/// Scales a part of a picture whose pixels are `P`. The resampler is compiled for the types that are named here only.
fn scale<P: PixelTrait>(
    from: &Image<'_>,
    to: &mut Image<'_>,
    part: Part,
    filter: FilterType,
) -> Result<(), fr::ResizeError> {
    let (left, top) = (f64::from(part.left), f64::from(part.top));
    let (width, height) = (f64::from(part.size.width), f64::from(part.size.height));
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .crop(left, top, width, height);
    match (from.typed_image::<P>(), to.typed_image_mut::<P>()) {
        (Some(from), Some(mut to)) => Resizer::new().resize_typed(&from, &mut to, &options),
        _ => Err(fr::ResizeError::PixelTypesAreDifferent),
    }
}

fn resample(size: Size, error: &dyn std::error::Error) -> MediaError {
    MediaError::Resample { size, why: error.to_string() }
}

/// How many pixels a picture keeps while it is worked on: 13 times those of the largest panel.
const MOST_PIXELS: u64 = 12_000_000;

/// How many rows of a picture are taken over at a time.
const ROWS: u32 = 64;

#[cfg(test)]
mod tests {
    use image::{Rgb, Rgba};

    use super::*;
    use crate::media::Picture;

    fn linear(image: impl Into<DynamicImage>) -> Linear {
        Linear::of(Picture::from(image.into()).pixels(), Colour::default()).unwrap()
    }

    #[test]
    fn every_number_comes_back() {
        let image = RgbImage::from_fn(256, 1, |x, _| Rgb([x as u8; 3]));
        assert_eq!(linear(image.clone()).to_srgb(), image.into_raw());
        assert_eq!((to_light(0), to_light(255)), (0, 65_535));
    }

    #[test]
    fn light_is_mixed_and_not_numbers() {
        // A fine chequerboard of black and white sends out half the light, which is 188 and not 128.
        let board =
            RgbImage::from_fn(64, 64, |x, y| Rgb([if (x + y) % 2 == 0 { 255 } else { 0 }; 3]));
        let board = linear(board);
        let small = board.scaled(Part::whole(board.size()), Size::new(4, 4)).unwrap();
        assert!(small.to_srgb().iter().all(|value| (186..=190).contains(value)), "{small:?}");
    }

    #[test]
    fn the_background_shows_through() {
        let image = RgbaImage::from_fn(3, 1, |x, _| Rgba([200, 100, 0, [0, 128, 255][x as usize]]));
        let picture = Picture::from(DynamicImage::ImageRgba8(image));
        let flat = |colour| Linear::of(picture.pixels(), Colour(colour)).unwrap().to_srgb();
        assert_eq!(flat([0, 0, 0]), [0, 0, 0, 100, 50, 0, 200, 100, 0]);
        assert_eq!(flat([255, 0, 9]), [255, 0, 9, 227, 50, 4, 200, 100, 0]);
    }

    #[test]
    fn strips_fit_together() {
        // More rows than one strip has, and a number of them that no strip divides.
        let image = RgbImage::from_fn(3, 200, |x, y| Rgb([x as u8, y as u8, 7]));
        assert_eq!(linear(image.clone()).to_srgb(), image.into_raw());
    }

    #[test]
    fn what_is_too_large_is_worked_on_smaller() {
        assert_eq!(every(Size::new(4000, 3000)), 1);
        assert_eq!(every(Size::new(4001, 3000)), 2);
        assert_eq!(every(Size::new(10_000, 10_000)), 3);
        assert_eq!(every(Size::new(1, 20_000)), 1);
    }

    #[test]
    fn a_picture_is_reduced_in_linear_light_and_keeps_its_transparency() {
        // Rows of black and white send out half the light; a transparent row adds no colour.
        let (wide, high) = (5_000, 4_002);
        let rows = |one: &[u8], other: &[u8]| {
            [one.repeat(wide as usize), other.repeat(wide as usize)]
                .concat()
                .repeat(high as usize / 2)
        };
        let board = RgbImage::from_raw(wide, high, rows(&[255; 3], &[0; 3])).unwrap();
        let small = reduced(board.into()).unwrap().into_rgb8();
        assert_eq!(small.dimensions(), (2_500, 2_001));
        assert!(small.pixels().step_by(997).all(|pixel| (186..=190).contains(&pixel[0])));
        let clear = rows(&[200, 100, 0, 255], &[0, 0, 255, 0]);
        let clear = RgbaImage::from_raw(wide, high, clear).unwrap();
        let small = reduced(clear.into()).unwrap().into_rgba8();
        for pixel in small.pixels().step_by(997) {
            let [red, green, blue, alpha] = pixel.0;
            assert!(red.abs_diff(200) <= 1 && green.abs_diff(100) <= 1 && blue <= 1, "{pixel:?}");
            assert!(alpha.abs_diff(128) <= 1, "{pixel:?}");
        }
    }
}
