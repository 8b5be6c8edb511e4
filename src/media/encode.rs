//! Writes pixels as the PNG files that phones take.

use std::time::Duration;

use bytes::Bytes;
use oxipng::{BitDepth, ColorType, Deflater, FilterStrategy, RawImage};
use sha2::{Digest as _, Sha256};

use super::depth::Raster;
use crate::domain::model::Size;
use crate::media::MediaError;

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EncodedPicture {
    pub size: Size,
    pub png: Bytes,
    pub sha256: [u8; 32],
    /// The SHA-256 digest of what the file shows, however it is packed.
    pub pixels_sha256: [u8; 32],
}

/// How hard it is tried to make files small.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Compression {
    /// As much as takes little time, and always the same: what is pushed.
    #[default]
    Quick,
    /// As much as takes nearly no time: pictures that are made one for each phone.
    OnDemand,
    /// As much as can be done in this time, for each file.
    Within(Duration),
}

impl EncodedPicture {
    /// Takes a file that was made elsewhere and shows these pixels.
    pub(super) fn found(file: &Bytes, raster: &Raster) -> Self {
        let Raster { size, grey, bytes } = raster;
        let (sha256, pixels_sha256) = (Sha256::digest(file).into(), digest_of(*size, *grey, bytes));
        Self { size: *size, png: file.clone(), sha256, pixels_sha256 }
    }

    /// Encodes the pixels as they are: grey ones as 8-bit grey, all others as 8-bit RGB.
    ///
    /// Not interlaced and without a palette or transparency, as are the pictures that are known to
    /// work on phones. Panels of few bits get files of 8 bits too, which use only the panel's steps: those
    /// are what was seen to work, and packed they are no longer.
    pub(super) fn encode(raster: Raster, compression: Compression) -> Result<Self, MediaError> {
        let Raster { size, grey, bytes } = raster;
        let pixels_sha256 = digest_of(size, grey, &bytes);
        let colour = if grey {
            ColorType::Grayscale { transparent_shade: None }
        } else {
            ColorType::RGB { transparent_color: None }
        };
        let file = RawImage::new(size.width, size.height, colour, BitDepth::Eight, bytes)
            .and_then(|raw| raw.create_optimized_png(&options(compression)))
            .map_err(|source| MediaError::Encode { size, source })?;
        let sha256 = Sha256::digest(&file).into();
        Ok(Self { size, png: Bytes::from(file), sha256, pixels_sha256 })
    }
}

fn options(compression: Compression) -> oxipng::Options {
    let preset = oxipng::Options::from_preset(2);
    let preset = match compression {
        // A third of the time of the preset, and a tenth more bytes (measured with the demo's picture).
        Compression::Quick => oxipng::Options {
            filters: [FilterStrategy::Entropy, FilterStrategy::Bigrams].into_iter().collect(),
            deflater: Deflater::Libdeflater { compression: 9 },
            ..preset
        },
        Compression::OnDemand => oxipng::Options {
            filters: [FilterStrategy::Basic(oxipng::RowFilter::Up)].into_iter().collect(),
            deflater: Deflater::Libdeflater { compression: 3 },
            ..preset
        },
        // The presets above this one take twice as long for half a percent.
        Compression::Within(_) => preset,
    };
    oxipng::Options {
        interlace: Some(false),
        bit_depth_reduction: false,
        color_type_reduction: false,
        palette_reduction: false,
        grayscale_reduction: false,
        timeout: match compression {
            Compression::Quick | Compression::OnDemand => None,
            Compression::Within(time) => Some(time),
        },
        ..preset
    }
}

/// Returns the size that a PNG file says it has; nothing for what is no PNG file. Its pixels are not looked at.
pub fn png_size(file: &[u8]) -> Option<Size> {
    let reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().ok()?;
    Some(Size::new(reader.info().width, reader.info().height))
}

fn digest_of(size: Size, grey: bool, bytes: &[u8]) -> [u8; 32] {
    let kind = [size.width.to_be_bytes(), size.height.to_be_bytes()].concat();
    let pixels = Sha256::new_with_prefix(kind).chain_update([u8::from(grey)]);
    pixels.chain_update(bytes).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raster(grey: bool, value: u8) -> Raster {
        let bytes = vec![value; if grey { 600 } else { 1800 }];
        Raster { size: Size::new(30, 20), grey, bytes }
    }

    #[test]
    fn the_digest_is_of_what_is_seen_and_not_of_how_it_is_packed() {
        let encode = |raster, compression| EncodedPicture::encode(raster, compression).unwrap();
        let quick = encode(raster(false, 7), Compression::Quick);
        let long = encode(raster(false, 7), Compression::Within(Duration::from_secs(60)));
        assert_eq!(quick.pixels_sha256, long.pixels_sha256);
        for other in [raster(false, 8), raster(true, 7)] {
            assert_ne!(encode(other, Compression::Quick).pixels_sha256, quick.pixels_sha256);
        }
        // The same bytes in another shape are another picture.
        let turned = Raster { size: Size::new(20, 30), ..raster(false, 7) };
        assert_ne!(encode(turned, Compression::Quick).pixels_sha256, quick.pixels_sha256);
    }
}
