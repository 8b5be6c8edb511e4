//! Checks files that were not made by this process before phones download them.

use bytes::Bytes;
use image::ImageFormat;

use crate::domain::model::{ImageSpec, Size};
use crate::media::depth::Raster;
use crate::media::label_zones::{contrast, zones};
use crate::media::prepare::brightness;
use crate::media::{
    EncodedPicture, Fitting, Letters, MediaError, Picture, PreparedImage, Shape, png_size,
};

/// A file that phones of a model could not show. Says what is wrong with it, without its name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unfit {
    #[error("it is no PNG picture, and phones read nothing else")]
    NotPng,
    #[error("it is a damaged PNG picture: {0}")]
    Damaged(String),
    #[error("it is {found}, and this model takes {wanted}")]
    Size { found: Size, wanted: Size },
}

impl PreparedImage {
    /// Takes two files that were made elsewhere for a model's pictures; `decode` is [`Decoder::picture`](crate::media::Decoder::picture),
    /// or [`Picture::decode`] for files whose origin is known.
    ///
    /// # Errors
    /// Returns what is wrong, and with which of them: true for the background.
    pub fn found(
        spec: &ImageSpec,
        background: &Bytes,
        icon: &Bytes,
        decode: impl Fn(&str, &[u8]) -> Result<Picture, MediaError>,
    ) -> Result<Self, (bool, Unfit)> {
        Self::checked(Shape::from(spec), false, background, icon, &decode)
    }

    /// Takes the two files of an earlier push again, made by [`prepare`](crate::media::prepare()) or taken by
    /// [`Self::found`]; nothing where they are not what had this digest.
    pub fn again(
        shape: Shape,
        background: &Bytes,
        icon: &Bytes,
        digest: &str,
        decode: impl Fn(&str, &[u8]) -> Result<Picture, MediaError>,
    ) -> Option<Self> {
        // The digest of a file that was made elsewhere is of its colours, also for panels that show grey.
        let kinds = if shape.is_grey() { &[true, false][..] } else { &[false] };
        let taken = |grey: &bool| Self::checked(shape, *grey, background, icon, &decode).ok();
        kinds.iter().filter_map(taken).find(|taken| taken.digest() == digest)
    }

    fn checked(
        shape: Shape,
        grey: bool,
        background: &Bytes,
        icon: &Bytes,
        decode: &impl Fn(&str, &[u8]) -> Result<Picture, MediaError>,
    ) -> Result<Self, (bool, Unfit)> {
        let check = |file, size| check(file, size, grey, decode);
        let (background, pixels) = check(background, shape.background).map_err(|e| (true, e))?;
        let (thumbnail, _) = check(icon, shape.thumbnail).map_err(|e| (false, e))?;
        let brightness = brightness(&pixels);
        let letters = Letters::on(shape, brightness);
        let contrast = contrast(&pixels, &zones(shape), letters);
        Ok(Self {
            shape,
            background,
            thumbnail,
            brightness,
            letters,
            contrast,
            fitting: Fitting::UNCHANGED,
        })
    }
}

/// Makes sure that a file is a whole PNG picture of this size.
fn check(
    file: &Bytes,
    wanted: Size,
    grey: bool,
    decode: &impl Fn(&str, &[u8]) -> Result<Picture, MediaError>,
) -> Result<(EncodedPicture, Raster), Unfit> {
    if image::guess_format(file).ok() != Some(ImageFormat::Png) {
        return Err(Unfit::NotPng);
    }
    // The header has the size: what is far too large is not unpacked.
    let found =
        png_size(file).ok_or_else(|| Unfit::Damaged("its header is unusable".to_owned()))?;
    if found != wanted {
        return Err(Unfit::Size { found, wanted });
    }
    let pixels = decode("it", file).map_err(|error| Unfit::Damaged(error.to_string()))?;
    let pixels = pixels.pixels();
    let bytes = if grey { pixels.to_luma8().into_raw() } else { pixels.to_rgb8().into_raw() };
    let raster = Raster { size: found, grey, bytes };
    Ok((EncodedPicture::found(file, &raster), raster))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::by_number;
    use crate::media::{demo_picture, prepare};

    fn spec() -> ImageSpec {
        by_number(683).unwrap().image.unwrap()
    }

    #[test]
    fn files_that_fit_are_taken_as_they_are() {
        let made = prepare(&Picture::from(demo_picture()), &spec()).unwrap();
        let found = PreparedImage::found(
            &spec(),
            &made.background.png,
            &made.thumbnail.png,
            Picture::decode,
        )
        .unwrap();
        assert_eq!(found, PreparedImage { fitting: Fitting::UNCHANGED, ..made.clone() });
        assert_eq!(found.digest(), made.digest());
    }

    #[test]
    fn files_of_an_earlier_push_are_what_was_pushed() {
        let demo = Picture::from(demo_picture());
        // A colour panel, and one that shows grey.
        for model in [683, 115] {
            let spec = by_number(model).unwrap().image.unwrap();
            let made = prepare(&demo, &spec).unwrap();
            let made = PreparedImage { fitting: Fitting::UNCHANGED, ..made };
            let (image, icon) = (&made.background.png, &made.thumbnail.png);
            let again = |image, digest: &str| {
                PreparedImage::again(made.shape, image, icon, digest, Picture::decode)
            };
            assert_eq!(again(image, &made.digest()).as_ref(), Some(&made), "{model}");
            assert_eq!(again(image, "another"), None);
            assert_eq!(again(icon, &made.digest()), None);
            let found = PreparedImage::found(&spec, image, icon, Picture::decode).unwrap();
            assert_eq!(again(image, &found.digest()), Some(found));
        }
    }

    #[test]
    fn files_that_do_not_are_refused_with_the_reason() {
        let made = prepare(&Picture::from(demo_picture()), &spec()).unwrap();
        let (image, icon) = (&made.background.png, &made.thumbnail.png);
        let refused = |image: &Bytes, icon: &Bytes| {
            PreparedImage::found(&spec(), image, icon, Picture::decode).unwrap_err()
        };
        let sizes = Unfit::Size { found: Size::new(139, 109), wanted: Size::new(800, 480) };
        assert_eq!(refused(icon, icon), (true, sizes.clone()));
        assert_eq!(sizes.to_string(), "it is 139x109, and this model takes 800x480");
        assert!(matches!(refused(image, image), (false, Unfit::Size { .. })));
        let page = Bytes::from_static(b"<html>404</html>");
        assert_eq!(refused(&page, icon), (true, Unfit::NotPng));
        assert_eq!(refused(image, &Bytes::new()), (false, Unfit::NotPng));
        let half = image.slice(..image.len() / 2);
        assert!(matches!(refused(&half, icon), (true, Unfit::Damaged(_))));
    }
}
