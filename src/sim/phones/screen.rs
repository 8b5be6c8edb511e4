//! What a phone's screen looks like, as `/CGI/Screenshot` sends it.
//!
//! Labels are on the left, keys at the bottom and the time at the top, over the background. Where a model's
//! labels really are is not published, so they are the same for all.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, imageops};

use crate::domain::model::{ImageSpec, PushSchema, Size};

pub(crate) struct Shot {
    pub(crate) kind: &'static str,
    pub(crate) file: Vec<u8>,
}

pub(crate) fn draw(
    model: u32,
    image: &ImageSpec,
    shown: Option<&[u8]>,
    covered: bool,
) -> Option<Shot> {
    let size = screen(image);
    let mut pixels = came_with(size);
    let picture =
        shown.and_then(|file| image::load_from_memory_with_format(file, ImageFormat::Png).ok());
    if let Some(picture) = picture {
        imageops::replace(&mut pixels, &picture.into_rgb8(), 0, 0);
    }
    if covered {
        pixels = RgbImage::from_pixel(size.width, size.height, MENU);
    }
    overlay(&mut pixels);
    let grey = image.depth <= 4 || matches!(model, 36217 | 36339);
    let drawn = if grey {
        DynamicImage::ImageLuma8(imageops::grayscale(&pixels)).into_rgb8()
    } else {
        pixels
    };
    // 79xx phones send BMP files, later ones PNG files.
    let is_old = image.depth < 24;
    let (format, kind) =
        if is_old { (ImageFormat::Bmp, "image/bmp") } else { (ImageFormat::Png, "image/png") };
    let mut file = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(drawn).write_to(&mut file, format).ok()?;
    Some(Shot { kind, file: file.into_inner() })
}

/// The size of the whole screen: on the 79xx the background leaves room for keys (believed).
fn screen(image: &ImageSpec) -> Size {
    let Size { width, height } = image.background;
    match (image.schema, image.depth) {
        (PushSchema::Classic, 12 | 16) if width == 320 => Size::new(width, 240),
        _ => Size::new(width, height),
    }
}

/// The background that a phone comes with: a dark slope.
fn came_with(size: Size) -> RgbImage {
    RgbImage::from_fn(size.width, size.height, |_, y| {
        let shade = u8::try_from(y * 40 / size.height.max(1)).unwrap_or(40);
        Rgb([shade / 2, shade, 30 + shade])
    })
}

/// Makes up a picture of this size; another seed makes another one.
pub(crate) fn made_up_picture(size: Size, seed: [u8; 32]) -> Option<Vec<u8>> {
    let [red, green, blue, top, ..] = seed;
    let pixels = RgbImage::from_fn(size.width, size.height, |x, y| {
        let stripe = if (x / 32 + y / 32).is_multiple_of(2) { top / 2 } else { 0 };
        Rgb([red / 2 + stripe, green / 2 + stripe, blue / 2 + stripe])
    });
    let mut file = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(pixels).write_to(&mut file, ImageFormat::Png).ok()?;
    Some(file.into_inner())
}

fn overlay(pixels: &mut RgbImage) {
    let (width, height) = pixels.dimensions();
    let block = |pixels: &mut RgbImage, x: u32, y: u32, w: u32, h: u32, colour: Rgb<u8>| {
        let tile = RgbImage::from_pixel(w.max(1), h.max(1), colour);
        imageops::overlay(pixels, &tile, i64::from(x), i64::from(y));
    };
    block(pixels, 0, 0, width, height / 12, Rgb([25, 25, 25]));
    block(pixels, 0, height - height / 8, width, height / 8, Rgb([235, 235, 235]));
    for line in 0..4 {
        let y = height / 6 + line * height / 6;
        block(pixels, 0, y, width / 5, height / 10, Rgb([210, 215, 225]));
    }
}

const MENU: Rgb<u8> = Rgb([245, 245, 245]);

/// Returns the size of a PNG that a phone can show; nothing if it is none.
///
/// The whole picture is decoded: a damaged file is no picture. Interlaced ones are refused, as no
/// working picture that was published is interlaced.
pub(crate) fn picture_size(file: &[u8]) -> Option<Size> {
    let decoder = png::Decoder::new(Cursor::new(file));
    let mut reader = decoder.read_info().ok()?;
    let info = reader.info();
    if info.interlaced {
        return None;
    }
    let size = Size::new(info.width, info.height);
    // No panel is larger than this; a file that claims so is not decoded.
    if size.width > 4096 || size.height > 4096 {
        return None;
    }
    while reader.next_row().ok()?.is_some() {}
    reader.finish().ok()?;
    Some(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::by_number;

    #[test]
    fn old_phones_send_bmp_files_and_later_ones_png_files() {
        for (model, kind, size) in [(435, "image/bmp", (320, 240)), (683, "image/png", (800, 480))]
        {
            let image = by_number(model).unwrap().image.unwrap();
            let shot = draw(model, &image, None, false).unwrap();
            assert_eq!(shot.kind, kind);
            let drawn = image::load_from_memory(&shot.file).unwrap();
            assert_eq!((drawn.width(), drawn.height()), size);
            let covered = draw(model, &image, None, true).unwrap();
            assert_ne!(covered.file, shot.file);
        }
    }
}

#[cfg(test)]
mod picture_tests {
    use super::*;

    fn png(size: Size) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, size.width, size.height);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        let pixels = vec![7; (size.width * size.height * 3) as usize];
        writer.write_image_data(&pixels).unwrap();
        writer.finish().unwrap();
        file
    }

    #[test]
    fn tells_the_size_of_whole_pictures_only() {
        let file = png(Size::new(139, 109));
        assert_eq!(picture_size(&file), Some(Size::new(139, 109)));
        assert_eq!(picture_size(&file[..file.len() / 2]), None);
        assert_eq!(picture_size(b"GIF89a"), None);
        assert_eq!(picture_size(b""), None);
        let mut damaged = file;
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0xff;
        assert_eq!(picture_size(&damaged), None);
    }
}
