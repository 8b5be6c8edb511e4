//! Makes the files for every model out of one picture.
//!
//! A phone that gets a picture of another size may reject or distort it, and nothing documents which.
//! So the picture always fills the size exactly: it is scaled until it covers the panel, and what
//! stands out on two sides is cut off evenly.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use image::DynamicImage;
use image::imageops::FilterType;
use sha2::{Digest as _, Sha256};

use crate::domain::model::{ImageSpec, Size};
use crate::domain::text::hex;
use crate::media::{EncodedPicture, MediaError, Picture};

/// The two files that a phone downloads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PreparedImage {
    /// What the files were made for.
    pub shape: Shape,
    /// The background itself.
    pub background: EncodedPicture,
    /// The preview for the phone's menu.
    pub thumbnail: EncodedPicture,
    /// How bright the background is on average, from 0 (black) to 255 (white).
    pub brightness: u8,
}

impl PreparedImage {
    /// Returns what tells these two files from any other two: a digest of both.
    pub fn digest(&self) -> String {
        let both =
            Sha256::new_with_prefix(self.background.sha256).chain_update(self.thumbnail.sha256);
        hex(&both.finalize())
    }
}

/// What makes two models' files the same: models that agree in this share them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Shape {
    /// The background's size.
    pub background: Size,
    /// The thumbnail's size.
    pub thumbnail: Size,
    /// Whether the panel shows shades of grey only.
    pub grey: bool,
}

impl From<&ImageSpec> for Shape {
    fn from(spec: &ImageSpec) -> Self {
        Self {
            background: spec.background,
            thumbnail: spec.thumbnail,
            grey: spec.depth <= DEEPEST_GREY,
        }
    }
}

/// The prepared files of a whole fleet, each shape once.
#[derive(Clone, Debug, Default)]
pub struct PreparedSet(HashMap<Shape, Arc<PreparedImage>>);

impl PreparedSet {
    /// Returns the files for a model's pictures, when they were asked for.
    pub fn get(&self, spec: &ImageSpec) -> Option<&Arc<PreparedImage>> {
        self.0.get(&Shape::from(spec))
    }

    /// Returns all files in the order of their shapes.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<PreparedImage>> {
        let mut all: Vec<_> = self.0.values().collect();
        all.sort_by_key(|prepared| prepared.shape);
        all.into_iter()
    }

    /// Returns what tells the files of each shape from any others.
    pub fn digests(&self) -> HashMap<Shape, String> {
        self.0.iter().map(|(shape, image)| (*shape, image.digest())).collect()
    }

    /// Returns how many shapes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Makes the files for one model's pictures.
///
/// # Errors
/// When the model's size has no pixels, or when the encoder fails.
pub fn prepare(picture: &Picture, spec: &ImageSpec) -> Result<PreparedImage, MediaError> {
    prepare_shape(picture, Shape::from(spec))
}

/// Makes the files for many models, each shape once and several at a time.
///
/// This takes as long as a processor needs for it; call it where blocking is allowed.
///
/// # Errors
/// The first failure, as [`prepare`] gives it.
pub fn prepare_all<'a>(
    picture: &Picture,
    specs: impl IntoIterator<Item = &'a ImageSpec>,
) -> Result<PreparedSet, MediaError> {
    let mut shapes: Vec<Shape> = specs.into_iter().map(Shape::from).collect();
    shapes.sort_unstable();
    shapes.dedup();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(shape) = shapes.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push(prepare_shape(picture, *shape)?);
        }
        Ok(done)
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(shapes.len());
    let results: Vec<Result<Vec<PreparedImage>, MediaError>> = thread::scope(|scope| {
        #[expect(clippy::needless_collect, reason = "all have to start before one is waited for")]
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or(Err(MediaError::Interrupted)))
            .collect()
    });
    let mut set = HashMap::with_capacity(shapes.len());
    for result in results {
        set.extend(result?.into_iter().map(|prepared| (prepared.shape, Arc::new(prepared))));
    }
    Ok(PreparedSet(set))
}

fn prepare_shape(picture: &Picture, shape: Shape) -> Result<PreparedImage, MediaError> {
    let mut background = cover(picture.pixels(), shape.background)?;
    if shape.grey {
        background = DynamicImage::ImageLuma8(background.into_luma8());
    }
    // The preview shows what the phone will show, so it is made from the cut picture.
    let thumbnail = cover(&background, shape.thumbnail)?;
    Ok(PreparedImage {
        shape,
        brightness: brightness(&background),
        background: EncodedPicture::encode(&background)?,
        thumbnail: EncodedPicture::encode(&thumbnail)?,
    })
}

/// Scales a picture until it covers `size`, and cuts off evenly what stands out.
fn cover(pixels: &DynamicImage, size: Size) -> Result<DynamicImage, MediaError> {
    let from = Size::new(pixels.width(), pixels.height());
    if size.width == 0 || size.height == 0 || from.width == 0 || from.height == 0 {
        return Err(MediaError::NoPixels { size });
    }
    let part = covering_part(from, size);
    let cut = if part == from {
        None
    } else {
        let (x, y) = ((from.width - part.width) / 2, (from.height - part.height) / 2);
        Some(pixels.crop_imm(x, y, part.width, part.height))
    };
    let cut = cut.as_ref().unwrap_or(pixels);
    if part == size {
        return Ok(cut.clone());
    }
    Ok(cut.resize_exact(size.width, size.height, FilterType::Lanczos3))
}

/// Returns the largest part of `from` that has the proportions of `to`, at least one pixel each way.
fn covering_part(from: Size, to: Size) -> Size {
    let wide = |size: Size| u64::from(size.width);
    let high = |size: Size| u64::from(size.height);
    // `a / b` rounded to the nearest, but never less than 1 nor more than there is.
    let share = |a: u64, b: u64, most: u32| {
        u32::try_from((a + b / 2) / b).map_or(most, |share| share.clamp(1, most))
    };
    if wide(from) * high(to) > wide(to) * high(from) {
        Size::new(share(high(from) * wide(to), high(to), from.width), from.height)
    } else {
        Size::new(from.width, share(wide(from) * high(to), wide(to), from.height))
    }
}

pub(super) fn brightness(pixels: &DynamicImage) -> u8 {
    let grey = pixels.to_luma8();
    let sum: u64 = grey.as_raw().iter().map(|value| u64::from(*value)).sum();
    let count = u64::from(grey.width()) * u64::from(grey.height());
    u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX)
}

/// Panels of up to this many bits show grey: the 79x1 and 79x2 series.
const DEEPEST_GREY: u8 = 4;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::Cursor;
    use std::sync::LazyLock;

    use image::{GenericImageView as _, Rgb, RgbImage};
    use proptest::prelude::*;

    use super::*;
    use crate::domain::model::{PushSchema, by_number, catalogue};

    static DEMO: LazyLock<Picture> = LazyLock::new(|| Picture::from(crate::media::demo_picture()));

    fn info(picture: &EncodedPicture) -> png::Info<'static> {
        let mut reader = png::Decoder::new(Cursor::new(picture.png.clone())).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        // The whole file has to decode, not only its header.
        reader.next_frame(&mut pixels).unwrap();
        reader.finish().unwrap();
        reader.info().clone()
    }

    fn check(picture: &EncodedPicture, size: Size, grey: bool) {
        let info = info(picture);
        assert_eq!((info.width, info.height), (size.width, size.height));
        assert_eq!(picture.size, size);
        assert_eq!(info.bit_depth, png::BitDepth::Eight);
        let color = if grey { png::ColorType::Grayscale } else { png::ColorType::Rgb };
        assert_eq!(info.color_type, color);
        assert!(!info.interlaced);
        assert!(info.trns.is_none() && info.palette.is_none());
        assert_eq!(picture.sha256, <[u8; 32]>::from(Sha256::digest(&picture.png)));
    }

    fn spec(background: Size, thumbnail: Size, depth: u8) -> ImageSpec {
        let schema = PushSchema::Classic;
        ImageSpec { background, thumbnail, depth, tftp_directory: "", schema }
    }

    #[test]
    fn every_model_of_the_catalogue_gets_its_exact_files() {
        let picture = &*DEMO;
        let specs: Vec<_> = catalogue().iter().filter_map(|model| model.image).collect();
        let set = prepare_all(picture, &specs).unwrap();
        for spec in &specs {
            let shape = set.get(spec).unwrap().shape;
            assert_eq!((shape.background, shape.thumbnail), (spec.background, spec.thumbnail));
            assert_eq!(shape.grey, spec.depth <= 4);
        }
        for prepared in set.iter() {
            let shape = prepared.shape;
            check(&prepared.background, shape.background, shape.grey);
            check(&prepared.thumbnail, shape.thumbnail, shape.grey);
            assert!(prepared.background.png.len() < 600_000, "{shape:?}");
        }
        let shapes: HashSet<_> = specs.iter().map(Shape::from).collect();
        assert_eq!(set.len(), shapes.len());
        assert!(set.len() < specs.len());
        let order: Vec<_> = set.iter().map(|prepared| prepared.shape).collect();
        assert!(order.is_sorted());
    }

    #[test]
    fn the_same_picture_gives_the_same_files() {
        let picture = &*DEMO;
        let spec = by_number(437).and_then(|model| model.image).unwrap();
        let alone = prepare(picture, &spec).unwrap();
        let set = prepare_all(picture, [&spec, &spec]).unwrap();
        assert_eq!(set.len(), 1);
        assert_eq!(**set.get(&spec).unwrap(), alone);
        assert!(prepare_all(picture, &[]).unwrap().is_empty());
    }

    #[test]
    fn the_middle_is_kept_and_both_ends_are_cut() {
        // Red, green, blue: a square cut from the middle is all green.
        let stripes = RgbImage::from_fn(90, 30, |x, _| {
            Rgb([[255, 0, 0], [0, 255, 0], [0, 0, 255]][(x / 30) as usize])
        });
        let picture = Picture::from(DynamicImage::ImageRgb8(stripes));
        let prepared = prepare(&picture, &spec(Size::new(30, 30), Size::new(10, 10), 24)).unwrap();
        for file in [&prepared.background, &prepared.thumbnail] {
            let image = image::load_from_memory(&file.png).unwrap();
            assert!(image.pixels().all(|(_, _, pixel)| pixel.0 == [0, 255, 0, 255]));
        }
    }

    #[test]
    fn brightness_tells_dark_from_light() {
        let of = |value| {
            let image = RgbImage::from_pixel(4, 4, Rgb([value; 3]));
            let picture = Picture::from(DynamicImage::ImageRgb8(image));
            prepare(&picture, &spec(Size::new(8, 8), Size::new(2, 2), 16)).unwrap().brightness
        };
        assert_eq!((of(0), of(255)), (0, 255));
    }

    #[test]
    fn a_size_without_pixels_is_an_error() {
        let picture = Picture::from(DynamicImage::new_rgb8(4, 4));
        let error = prepare(&picture, &spec(Size::new(0, 5), Size::new(1, 1), 16)).unwrap_err();
        assert!(error.to_string().contains("0x5"));
    }

    fn side() -> impl Strategy<Value = u32> {
        prop_oneof![Just(1), Just(2), 1_u32..40, 900_u32..3_000]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_picture_becomes_any_size(
            (width, height) in (side(), side()).prop_filter("not too large", |(w, h)| w * h < 200_000),
            (to_width, to_height) in (1_u32..150, 1_u32..150),
            depth in prop_oneof![Just(1_u8), Just(4), Just(12), Just(24)],
        ) {
            let picture = Picture::from(DynamicImage::new_rgb8(width, height));
            let (size, small) = (Size::new(to_width, to_height), Size::new(to_height, 7));
            let prepared = prepare(&picture, &spec(size, small, depth)).unwrap();
            check(&prepared.background, size, depth <= 4);
            check(&prepared.thumbnail, small, depth <= 4);
        }

        #[test]
        fn the_part_that_is_kept_lies_inside_and_has_the_right_proportions(
            from in (1_u32..20_000, 1_u32..20_000), to in (1_u32..3_000, 1_u32..3_000),
        ) {
            let (from, to) = (Size::new(from.0, from.1), Size::new(to.0, to.1));
            let part = covering_part(from, to);
            prop_assert!((1..=from.width).contains(&part.width));
            prop_assert!((1..=from.height).contains(&part.height));
            prop_assert!(part.width == from.width || part.height == from.height);
            // Off by less than a pixel, or as near as one whole pixel can come.
            let (width, height) = (f64::from(part.width), f64::from(part.height));
            let ratio = f64::from(to.width) / f64::from(to.height);
            prop_assert!((width - height * ratio).abs() <= ratio.max(1.0), "{part} for {to}");
        }
    }
}
