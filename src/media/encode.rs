//! Writes pixels as the PNG files that phones take.

use bytes::Bytes;
use image::DynamicImage;
use sha2::{Digest as _, Sha256};

use crate::domain::model::Size;
use crate::media::MediaError;

/// One PNG file, as it goes to phones.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EncodedPicture {
    /// Width and height in pixels.
    pub size: Size,
    /// The file; clones share the bytes.
    pub png: Bytes,
    /// The file's SHA-256 digest.
    pub sha256: [u8; 32],
}

impl EncodedPicture {
    /// Encodes the pixels as they are: grey pixels as 8-bit grey, all others as 8-bit RGB.
    ///
    /// Not interlaced and without a palette or transparency, as are the pictures that are known to
    /// work on phones.
    ///
    /// # Errors
    /// When the encoder fails.
    pub(super) fn encode(pixels: &DynamicImage) -> Result<Self, MediaError> {
        let size = Size::new(pixels.width(), pixels.height());
        let write = |color, raw: &[u8]| -> Result<Vec<u8>, png::EncodingError> {
            let mut file = Vec::new();
            let mut encoder = png::Encoder::new(&mut file, size.width, size.height);
            encoder.set_color(color);
            encoder.set_depth(png::BitDepth::Eight);
            // Phones have little flash and the way to them may be slow; this is done once for a size.
            encoder.set_compression(png::Compression::High);
            encoder.set_filter(png::Filter::Adaptive);
            let mut writer = encoder.write_header()?;
            writer.write_image_data(raw)?;
            writer.finish()?;
            Ok(file)
        };
        let file = match pixels.as_luma8() {
            Some(grey) => write(png::ColorType::Grayscale, grey.as_raw()),
            None => write(png::ColorType::Rgb, pixels.to_rgb8().as_raw()),
        };
        let file = file.map_err(|source| MediaError::Encode { size, source })?;
        let sha256 = Sha256::digest(&file).into();
        Ok(Self { size, png: Bytes::from(file), sha256 })
    }
}

/// Returns the size that a PNG file says it has; nothing for what is no PNG file. Its pixels are not looked at.
pub fn png_size(file: &[u8]) -> Option<Size> {
    let reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().ok()?;
    Some(Size::new(reader.info().width, reader.info().height))
}
