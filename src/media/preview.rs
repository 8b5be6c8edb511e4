//! Makes files small enough for a report that goes by mail.

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;

use super::EncodedPicture;

/// How a file looks that was sent to phones.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Preview {
    pub exact: bool,
    pub media_type: &'static str,
    pub bytes: Bytes,
}

impl Preview {
    /// Makes a preview: the file itself where it is short, else a smaller JPEG. What cannot be made smaller stays
    /// what it is.
    pub fn of(file: &EncodedPicture) -> Self {
        let exact = Self { exact: true, media_type: "image/png", bytes: file.png.clone() };
        if file.png.len() <= SHORT {
            return exact;
        }
        match smaller(&file.png) {
            Ok(jpeg) if jpeg.len() < file.png.len() => {
                Self { exact: false, media_type: "image/jpeg", bytes: jpeg.into() }
            }
            Ok(_) | Err(_) => exact,
        }
    }
}

fn smaller(png: &[u8]) -> Result<Vec<u8>, image::ImageError> {
    let picture = image::load_from_memory_with_format(png, image::ImageFormat::Png)?;
    let picture = if picture.width() > WIDEST {
        picture.resize(WIDEST, u32::MAX, FilterType::CatmullRom)
    } else {
        picture
    };
    let mut jpeg = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, QUALITY))?;
    Ok(jpeg)
}

/// The longest file that is shown as it is, in bytes.
const SHORT: usize = 40 * 1024;

/// The widest preview, in pixels: twice what a report shows, for displays with small pixels.
const WIDEST: u32 = 640;

/// JPEG quality, of 100.
const QUALITY: u8 = 82;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::Size;
    use crate::media::Compression;
    use crate::media::depth::Raster;

    fn noise(width: u32, height: u32) -> EncodedPicture {
        let mut state = 7_u32;
        let bytes = (0..width * height).flat_map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [a, b, c, _] = state.to_be_bytes();
            [a, b, c]
        });
        let raster = Raster { size: Size::new(width, height), grey: false, bytes: bytes.collect() };
        EncodedPicture::encode(raster, Compression::Quick).unwrap()
    }

    #[test]
    fn a_short_file_is_shown_as_it_is_and_a_long_one_smaller() {
        let short = noise(80, 50);
        let preview = Preview::of(&short);
        assert!(preview.exact && preview.bytes == short.png);
        let long = noise(1280, 720);
        let preview = Preview::of(&long);
        assert!(!preview.exact && preview.bytes.len() < long.png.len() / 4);
        let picture = image::load_from_memory(&preview.bytes).unwrap();
        assert_eq!((picture.width(), picture.height()), (640, 360));
    }

    #[test]
    fn shades_of_grey_can_be_shown_smaller_too() {
        let grey = image::load_from_memory(&noise(700, 700).png).unwrap().into_luma8();
        let size = Size::new(grey.width(), grey.height());
        let raster = Raster { size, grey: true, bytes: grey.into_raw() };
        let grey = EncodedPicture::encode(raster, Compression::Quick).unwrap();
        assert!(!Preview::of(&grey).exact);
    }
}
