//! Reads a picture file into plain pixels.

use std::fs::File;
use std::io::{Cursor, ErrorKind, Read as _};
use std::path::Path;

use image::error::{ImageError, LimitErrorKind};
use image::metadata::Orientation;
use image::{
    ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage, RgbaImage,
};

use super::{compressed_data, integrity, profile, svg};
use crate::domain::model::Size;
use crate::media::linear_light::reduced;
use crate::media::{MediaError, PictureProblem};

/// A picture as it looks to the eye: upright, 8 bits of red, green and blue as sRGB means them, and of
/// transparency where it has some.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Always the RGB8 or the RGBA8 variant.
    pixels: DynamicImage,
    remarks: Vec<String>,
}

impl Picture {
    /// Reads a PNG, JPEG, WebP, GIF, BMP, TIFF or SVG file, and decodes it in this process, as [`Picture::decode`]
    /// does. The content decides which format it is, not the file's name; of several pictures in one file, the first
    /// counts.
    pub fn open(path: &Path) -> Result<Self, MediaError> {
        Self::decode(&path.display().to_string(), &Self::read(path)?)
    }

    /// Reads a picture's file as it is, for [`Picture::decode`].
    pub fn read(path: &Path) -> Result<Vec<u8>, MediaError> {
        let unreadable = |source: std::io::Error| {
            let path = path.to_owned();
            if source.kind() == ErrorKind::NotFound {
                MediaError::Missing { path }
            } else if source.kind() == ErrorKind::IsADirectory {
                MediaError::Directory { path }
            } else {
                MediaError::Unreadable { path, source }
            }
        };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(MediaError::Directory { path: path.to_owned() });
        }
        let name = path.display().to_string();
        let too_long =
            |bytes| MediaError::TooLong { name: name.clone(), bytes, limit: LONGEST_FILE };
        if metadata.len() > LONGEST_FILE {
            return Err(too_long(metadata.len()));
        }
        // The length above is what the file had a moment ago, and a pipe has none at all.
        let mut bytes = Vec::new();
        file.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        match u64::try_from(bytes.len()) {
            Ok(length) if length <= LONGEST_FILE => Ok(bytes),
            Ok(length) => Err(too_long(length)),
            Err(_) => Err(too_long(u64::MAX)),
        }
    }

    /// Decodes the bytes of a picture's file in this process; `name` is what errors call it.
    ///
    /// The memory for pixels is counted before it is used. What an SVG file costs cannot be counted, so a file of
    /// unknown origin belongs into [`Decoder::picture`](super::Decoder::picture).
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self, MediaError> {
        let picture = Decoded::of(bytes).and_then(Decoded::into_picture);
        picture.map_err(|why| MediaError::Undecodable { name: name.to_owned(), why })
    }

    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    pub fn size(&self) -> Size {
        Size::new(self.pixels.width(), self.pixels.height())
    }

    pub(super) fn pixels(&self) -> &DynamicImage {
        &self.pixels
    }
}

/// A picture as its file has it: of any size, and perhaps not upright.
pub(super) struct Decoded {
    pixels: DynamicImage,
    orientation: Orientation,
    remarks: Vec<String>,
}

impl Decoded {
    /// Decodes the bytes of a picture's file in this process.
    pub fn of(bytes: &[u8]) -> Result<Self, PictureProblem> {
        if bytes.is_empty() {
            return Err(PictureProblem::Empty);
        }
        if svg::is_svg(bytes) {
            let drawn = svg::draw(bytes).map_err(PictureProblem::Svg)?;
            return Ok(Self::new(drawn, Orientation::NoTransforms));
        }
        let Ok(format) = image::guess_format(bytes) else {
            return Err(PictureProblem::NotAPicture);
        };
        if !READ.contains(&format) {
            return Err(PictureProblem::Unsupported(format!("{format:?}").to_uppercase()));
        }
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits(MOST_MEMORY));
        let failed = |error| failed(format, error);
        let mut decoder = reader.into_decoder().map_err(failed)?;
        // A camera's note on how it was held; a picture whose note cannot be read is shown as stored.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let profile = decoder.icc_profile().unwrap_or_default();
        let left = left_for_decoder(&decoder, bytes.len() as u64)?;
        decoder.set_limits(limits(left)).map_err(failed)?;
        integrity::check(format, bytes)?;
        let pixels = DynamicImage::from_decoder(decoder).map_err(failed)?;
        let grey = !pixels.color().has_color();
        let mut decoded = Self::new(pixels, orientation);
        if let Some(profile) = profile.filter(|_| !grey) {
            decoded.apply(&profile);
        }
        Ok(decoded)
    }

    fn new(pixels: DynamicImage, orientation: Orientation) -> Self {
        Self { pixels: Picture::from(pixels).pixels, orientation, remarks: Vec::new() }
    }

    /// Puts together what another process has decoded; nothing where the numbers do not fit. The orientation is a
    /// number as in Exif.
    pub fn from_parts(
        (size, alpha): (Size, bool),
        orientation: u8,
        bytes: Vec<u8>,
        remarks: Vec<String>,
    ) -> Option<Self> {
        let Size { width, height } = size;
        if bytes.len() as u64 != bytes_of(size, alpha) {
            return None;
        }
        let pixels = if alpha {
            DynamicImage::ImageRgba8(RgbaImage::from_raw(width, height, bytes)?)
        } else {
            DynamicImage::ImageRgb8(RgbImage::from_raw(width, height, bytes)?)
        };
        Some(Self { pixels, orientation: Orientation::from_exif(orientation)?, remarks })
    }

    /// Returns the pixels, as RGB8 or RGBA8, the orientation as in Exif, and the remarks.
    pub fn parts(&self) -> (&DynamicImage, u8, &[String]) {
        (&self.pixels, self.orientation.to_exif(), &self.remarks)
    }

    /// Makes it upright, and no larger than is needed for every panel.
    pub fn into_picture(self) -> Result<Picture, PictureProblem> {
        let mut pixels = reduced(self.pixels).map_err(PictureProblem::Damaged)?;
        pixels.apply_orientation(self.orientation);
        Ok(Picture { pixels, remarks: self.remarks })
    }

    /// Makes the colours what the file's profile says that they are.
    fn apply(&mut self, profile: &[u8]) {
        let row_bytes =
            self.pixels.width() as usize * usize::from(self.pixels.color().bytes_per_pixel());
        let result = if let Some(pixels) = self.pixels.as_mut_rgba8() {
            profile::to_srgb(profile, pixels, 4, row_bytes)
        } else if let Some(pixels) = self.pixels.as_mut_rgb8() {
            profile::to_srgb(profile, pixels, 3, row_bytes)
        } else {
            Ok(())
        };
        if let Err(why) = result {
            self.remarks.push(format!(
                "the picture's colour profile cannot be used ({why}); its colours are taken for sRGB"
            ));
        }
    }
}

impl From<DynamicImage> for Picture {
    fn from(pixels: DynamicImage) -> Self {
        let pixels = if pixels.color().has_alpha() {
            DynamicImage::ImageRgba8(pixels.into_rgba8())
        } else {
            DynamicImage::ImageRgb8(pixels.into_rgb8())
        };
        Self { pixels, remarks: Vec::new() }
    }
}

/// Describes why a picture cannot be decoded. The decoders' own words are for programmers.
fn failed(format: ImageFormat, error: ImageError) -> PictureProblem {
    match error {
        ImageError::Limits(error) if error.kind() == LimitErrorKind::DimensionError => {
            PictureProblem::TooLarge(too_long_side())
        }
        ImageError::Limits(_) => PictureProblem::TooLarge(format!(
            "its pixels need more than {} MB",
            MOST_MEMORY / 1_000_000
        )),
        ImageError::Unsupported(_) => {
            let name = format!("{format:?}").to_uppercase();
            PictureProblem::Unsupported(format!("{name} (of a kind that is not supported)"))
        }
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            PictureProblem::Damaged(compressed_data::CUT.to_owned())
        }
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::IoError(_)
        | ImageError::Parameter(_) => PictureProblem::Damaged("it cannot be decoded".to_owned()),
    }
}

fn too_long_side() -> String {
    format!("a side is longer than {LONGEST_SIDE} pixels")
}

fn limits(memory: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(memory);
    limits
}

/// Counts what the file, its pixels and their 8-bit form need at the same time, and returns how many bytes are
/// left for what the decoder needs besides.
fn left_for_decoder(decoder: &impl ImageDecoder, file: u64) -> Result<u64, PictureProblem> {
    let (width, height) = decoder.dimensions();
    // GIF and TIFF files without a pixel are decoded without an error.
    if width == 0 || height == 0 {
        return Err(PictureProblem::Damaged("it has no pixels".to_owned()));
    }
    // Not every decoder asks about the sides by itself.
    limits(MOST_MEMORY)
        .check_dimensions(width, height)
        .map_err(|_| PictureProblem::TooLarge(too_long_side()))?;
    let colour = decoder.color_type();
    let plain = matches!(colour, ColorType::Rgb8 | ColorType::Rgba8);
    let converted = if plain { 0 } else { bytes_of(Size::new(width, height), colour.has_alpha()) };
    let needed = decoder.total_bytes().saturating_add(converted).saturating_add(file);
    MOST_MEMORY.checked_sub(needed).ok_or_else(|| {
        PictureProblem::TooLarge(format!(
            "{width}x{height} pixels of {} bits need {} MB, at most {} MB are used",
            colour.bits_per_pixel(),
            needed.div_ceil(1_000_000),
            MOST_MEMORY / 1_000_000
        ))
    })
}

fn bytes_of(size: Size, alpha: bool) -> u64 {
    u64::from(size.width) * u64::from(size.height) * if alpha { 4 } else { 3 }
}

/// The formats that are read, besides SVG.
const READ: [ImageFormat; 6] = [
    ImageFormat::Png,
    ImageFormat::Jpeg,
    ImageFormat::WebP,
    ImageFormat::Gif,
    ImageFormat::Bmp,
    ImageFormat::Tiff,
];

/// The longest file that is read, in bytes; photographs have a tenth of it.
pub const LONGEST_FILE: u64 = 160_000_000;

/// The longest side that is decoded, in pixels.
const LONGEST_SIDE: u32 = 20_000;

/// The most memory for a file and all forms of its pixels, in bytes: a few kilobytes can unpack to gigabytes.
const MOST_MEMORY: u64 = 400_000_000;

#[cfg(test)]
mod tests {
    use std::fs;

    use image::ImageEncoder as _;

    use super::*;

    fn png(image: &DynamicImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    fn error(name: &str, bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let text = Picture::open(&path).unwrap_err().to_string();
        assert!(text.contains(name), "{text}");
        text
    }

    #[test]
    fn every_kind_of_pixel_becomes_rgb() {
        for image in [
            DynamicImage::new_luma8(2, 3),
            DynamicImage::new_luma_a8(2, 3),
            DynamicImage::new_rgb16(2, 3),
            DynamicImage::new_rgba16(2, 3),
        ] {
            let picture = Picture::decode("x", &png(&image)).unwrap();
            assert_eq!(picture.size(), Size::new(2, 3));
            let pixels = picture.pixels();
            assert_eq!(pixels.as_rgba8().is_some(), image.color().has_alpha());
            assert!(pixels.as_rgba8().is_some() || pixels.as_rgb8().is_some());
        }
    }

    #[test]
    fn a_camera_held_sideways_is_turned_upright() {
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::jpeg::JpegEncoder::new(&mut bytes);
        // One entry: tag 0x0112 (orientation), one short, 6 (turn by 90 degrees).
        encoder
            .set_exif_metadata(
                b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec(),
            )
            .unwrap();
        encoder.encode_image(&DynamicImage::new_rgb8(30, 10)).unwrap();
        assert_eq!(Picture::decode("x", &bytes).unwrap().size(), Size::new(10, 30));
    }

    #[test]
    fn what_is_no_picture_gives_one_clear_error() {
        assert!(error("empty.png", b"").contains("is empty"));
        assert!(error("text.png", b"this is a text\n").contains("is no picture"));
        assert!(error("ddraw.png", b"DDS \x7c\0\0\0").contains("is a DDS picture"));
        let whole = png(&DynamicImage::new_rgb8(50, 50));
        assert!(error("cut.png", &whole[..whole.len() / 2]).contains("damaged"));

        let folder = tempfile::tempdir().unwrap();
        let text = Picture::open(folder.path()).unwrap_err().to_string();
        assert!(text.contains("is a directory"), "{text}");
        let text = Picture::open(&folder.path().join("none.png")).unwrap_err().to_string();
        assert!(text.contains("there is no file") && text.contains("none.png"), "{text}");
    }

    #[test]
    fn a_decompression_bomb_is_refused_before_it_unpacks() {
        // Only the header says how large it is; both sides, and the pixels as a whole, are limited.
        for (width, height) in [(20_001, 1), (1, 20_001), (20_000, 20_000)] {
            let mut bytes = Vec::new();
            let mut encoder = png::Encoder::new(&mut bytes, width, height);
            encoder.set_color(png::ColorType::Rgba);
            let mut writer = encoder.write_header().unwrap();
            writer.write_chunk(png::chunk::IDAT, &[]).unwrap();
            drop(writer);
            assert!(error("bomb.png", &bytes).contains("too large"), "{width}x{height}");
        }
    }

    #[test]
    fn a_picture_without_pixels_is_refused() {
        let image = DynamicImage::new_rgb8(24, 15);
        for format in READ {
            let mut bytes = Vec::new();
            image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
            // Every place that may be the width, in both byte orders.
            for at in 0..bytes.len() - 1 {
                if bytes[at..at + 2] == [24, 0] || bytes[at..at + 2] == [0, 24] {
                    let mut changed = bytes.clone();
                    changed[at..at + 2].fill(0);
                    if let Ok(picture) = Picture::decode("x", &changed) {
                        let size = picture.size();
                        assert!(size.width > 0 && size.height > 0, "{format:?} {at}");
                    }
                }
            }
        }
        let mut empty = b"GIF89a\0\0\0\0\0\0\0".to_vec();
        empty.extend_from_slice(b",\0\0\0\0\0\0\0\0\0\x02\0;");
        assert!(error("empty.gif", &empty).contains("damaged"));
    }

    proptest::proptest! {
        #[test]
        fn damaged_files_never_panic(
            at in 0_usize..200,
            byte in proptest::prelude::any::<u8>(),
            end in 0_usize..400,
        ) {
            let image = DynamicImage::ImageRgb8(RgbImage::from_fn(9, 7, |x, y| {
                image::Rgb([x as u8 * 28, y as u8 * 36, 90])
            }));
            for mut bytes in [png(&image), jpeg(&image)] {
                let at = at.min(bytes.len() - 1);
                bytes[at] = byte;
                let end = end.min(bytes.len());
                let _result = Picture::decode("x", &bytes);
                let _result = Picture::decode("x", &bytes[..end]);
            }
        }
    }

    fn jpeg(image: &DynamicImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg).unwrap();
        bytes
    }
}
