//! Makes the files for every model out of one picture.
//!
//! A phone that gets a picture of another size may reject or distort it, and nothing documents which.
//! So the picture always has the panel's size exactly, and only the colours that the panel shows.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use sha2::{Digest as _, Sha256};

use super::depth::{Raster, reduce};
use super::encode::Compression;
use super::options::{Fit, Focus, Options};
use super::saliency::Interest;
use crate::domain::model::ImageSpec;
use crate::domain::text::hex;
use crate::media::fitting::Fitting;
use crate::media::label_contrast::calm;
use crate::media::label_zones::{Contrast, Letters, contrast, zones};
use crate::media::layout::{fitting, place};
use crate::media::linear_light::Linear;
use crate::media::shape::Shape;
use crate::media::{EncodedPicture, MediaError, Picture};

/// The two files that a phone downloads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PreparedImage {
    pub shape: Shape,
    pub background: EncodedPicture,
    pub thumbnail: EncodedPicture,
    /// How bright the background is on average, from 0 (black) to 255 (white).
    pub brightness: u8,
    /// The colour that the phone's letters have on it.
    pub letters: Letters,
    pub contrast: Contrast,
    /// How the picture was fitted to the panel.
    pub fitting: Fitting,
}

impl PreparedImage {
    /// Returns a digest of what both pictures show. How small
    /// their files were made does not count.
    pub fn digest(&self) -> String {
        let both = Sha256::new_with_prefix(self.background.pixels_sha256)
            .chain_update(self.thumbnail.pixels_sha256);
        hex(&both.finalize())
    }
}

/// The prepared files of a whole fleet, each shape of each picture once.
///
/// A run has one picture mostly, which needs no name then.
#[derive(Clone, Debug, Default)]
pub struct PreparedSet(HashMap<Made, Arc<PreparedImage>>);

pub type Made = (String, Shape);

impl PreparedSet {
    /// Returns the files for a model's pictures, when they were asked for; of the only picture that there is.
    pub fn get(&self, spec: &ImageSpec) -> Option<&Arc<PreparedImage>> {
        self.of("", spec)
    }

    pub fn of(&self, picture: &str, spec: &ImageSpec) -> Option<&Arc<PreparedImage>> {
        self.0.get(&(picture.to_owned(), Shape::from(spec)))
    }

    /// Gives the only picture a name, so that it can be among others.
    #[must_use]
    pub fn named(self, picture: &str) -> Self {
        let named = |((_, shape), files)| ((picture.to_owned(), shape), files);
        Self(self.0.into_iter().map(named).collect())
    }

    pub fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub fn insert(&mut self, picture: &str, files: PreparedImage) {
        self.0.insert((picture.to_owned(), files.shape), Arc::new(files));
    }

    /// Returns all files in the order of their pictures and shapes.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<PreparedImage>> {
        self.each().into_iter().map(|(_, files)| files)
    }

    /// Returns all files with what they are, in order.
    pub fn each(&self) -> Vec<(&Made, &Arc<PreparedImage>)> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|(made, _)| *made);
        all
    }

    pub fn digests(&self) -> HashMap<Made, String> {
        self.0.iter().map(|(made, image)| (made.clone(), image.digest())).collect()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Makes the files for one model's pictures, as they are pushed when nothing is chosen.
pub fn prepare(picture: &Picture, spec: &ImageSpec) -> Result<PreparedImage, MediaError> {
    Source::of(picture, &Options::default(), Compression::Quick)?.prepare(Shape::from(spec))
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
    options: &Options,
    compression: Compression,
) -> Result<PreparedSet, MediaError> {
    let mut shapes: Vec<Shape> = specs.into_iter().map(Shape::from).collect();
    shapes.sort_unstable();
    shapes.dedup();
    if shapes.is_empty() {
        return Ok(PreparedSet::default());
    }
    let source = Source::of(picture, options, compression)?;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        // The largest ones first, so that no thread begins a long one when all others have ended.
        while let Some(shape) = shapes.iter().rev().nth(next.fetch_add(1, Ordering::Relaxed)) {
            done.push(source.prepare(*shape)?);
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
        let made = |prepared: PreparedImage| ((String::new(), prepared.shape), Arc::new(prepared));
        set.extend(result?.into_iter().map(made));
    }
    Ok(PreparedSet(set))
}

/// A picture and what was chosen about it, ready to be made into any shape.
struct Source<'a> {
    picture: Linear,
    /// Only with [`Focus::Auto`].
    interest: Option<Interest>,
    options: &'a Options,
    compression: Compression,
}

impl<'a> Source<'a> {
    fn of(
        picture: &Picture,
        options: &'a Options,
        compression: Compression,
    ) -> Result<Self, MediaError> {
        let picture = Linear::of(picture.pixels(), options.background)?;
        let guesses = options.fit == Fit::Cover && options.focus == Focus::Auto;
        let interest = guesses.then(|| Interest::of(&picture)).transpose()?;
        Ok(Self { picture, interest, options, compression })
    }

    fn prepare(&self, shape: Shape) -> Result<PreparedImage, MediaError> {
        let interest = self.interest.as_ref();
        let mut panel = place(&self.picture, shape.background, self.options, interest)?;
        let zones = zones(shape);
        if self.options.legible {
            let before = brightness(&reduce(&panel, shape.depth));
            calm(&mut panel, &zones, Letters::on(shape, before), shape.depth);
        }
        // The preview shows what the phone will show, so it is made from the picture on the panel.
        let within = Options { focus: Focus::Centre, ..*self.options };
        let thumbnail = place(&panel, shape.thumbnail, &within, None)?;
        let background = reduce(&panel, shape.depth);
        let brightness = brightness(&background);
        let letters = Letters::on(shape, brightness);
        Ok(PreparedImage {
            shape,
            brightness,
            letters,
            contrast: contrast(&background, &zones, letters),
            fitting: fitting(self.picture.size(), shape.background, self.options.fit),
            background: EncodedPicture::encode(background, self.compression)?,
            thumbnail: EncodedPicture::encode(reduce(&thumbnail, shape.depth), self.compression)?,
        })
    }
}

/// The mean of the numbers, with the weights of Rec. 709.
pub(super) fn brightness(raster: &Raster) -> u8 {
    let channels = if raster.grey { 1 } else { 3 };
    let weighed = raster.bytes.chunks_exact(channels).map(|pixel| match pixel {
        [red, green, blue] => {
            2_126 * u64::from(*red) + 7_152 * u64::from(*green) + 722 * u64::from(*blue)
        }
        _ => 10_000 * u64::from(pixel[0]),
    });
    let (sum, count) = weighed.fold((0, 0), |(sum, count), value| (sum + value, count + 1));
    u8::try_from(sum / (10_000 * u64::max(count, 1))).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::Cursor;
    use std::sync::LazyLock;

    use image::{DynamicImage, Rgb, RgbImage};
    use proptest::prelude::*;

    use super::*;
    use crate::domain::model::{PushSchema, Size, by_number, catalogue};

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

    fn all<'a>(picture: &Picture, specs: impl IntoIterator<Item = &'a ImageSpec>) -> PreparedSet {
        prepare_all(picture, specs, &Options::default(), Compression::Quick).unwrap()
    }

    fn spec(background: Size, thumbnail: Size, depth: u8) -> ImageSpec {
        let schema = PushSchema::Classic;
        ImageSpec { background, thumbnail, depth, tftp_directory: "", schema }
    }

    #[test]
    fn every_model_of_the_catalogue_gets_its_exact_files() {
        let picture = &*DEMO;
        let specs: Vec<_> = catalogue().iter().filter_map(|model| model.image).collect();
        let set = all(picture, &specs);
        for spec in &specs {
            let shape = set.get(spec).unwrap().shape;
            assert_eq!((shape.background, shape.thumbnail), (spec.background, spec.thumbnail));
            assert_eq!(shape.depth, spec.depth);
        }
        for prepared in set.iter() {
            let shape = prepared.shape;
            check(&prepared.background, shape.background, shape.depth <= 4);
            check(&prepared.thumbnail, shape.thumbnail, shape.depth <= 4);
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
        let set = all(picture, [&spec, &spec]);
        assert_eq!(set.len(), 1);
        assert_eq!(**set.get(&spec).unwrap(), alone);
        assert!(all(picture, &[]).is_empty());
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
        prop_oneof![Just(1), Just(2), 1_u32..40, 900_u32..3_000, Just(10_000)]
    }

    fn options() -> impl Strategy<Value = Options> {
        let fit = prop_oneof![Just(Fit::Cover), Just(Fit::Contain), Just(Fit::Stretch)];
        let at = (0.0_f32..=100.0, 0.0_f32..=100.0).prop_map(|(x, y)| Focus::At { x, y });
        let focus = prop_oneof![Just(Focus::Centre), Just(Focus::Auto), at];
        let colour = any::<[u8; 3]>().prop_map(crate::media::Colour);
        (fit, focus, colour, any::<bool>()).prop_map(|(fit, focus, background, legible)| Options {
            fit,
            focus,
            background,
            legible,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_picture_becomes_any_size(
            (width, height) in (side(), side()).prop_filter("not too large", |(w, h)| w * h < 200_000),
            (to_width, to_height) in (1_u32..150, 1_u32..150),
            depth in prop_oneof![Just(1_u8), Just(4), Just(12), Just(16), Just(24)],
            options in options(),
        ) {
            let picture = Picture::from(DynamicImage::new_rgba8(width, height));
            let (size, small) = (Size::new(to_width, to_height), Size::new(to_height, 7));
            let spec = spec(size, small, depth);
            let set = prepare_all(&picture, [&spec], &options, Compression::Quick).unwrap();
            let prepared = set.get(&spec).unwrap();
            // Nothing but the background shows through a picture that is transparent everywhere.
            if depth == 24 && !options.legible {
                let shown = image::load_from_memory(&prepared.background.png).unwrap().into_rgb8();
                prop_assert!(shown.pixels().all(|pixel| pixel.0 == options.background.0));
            }
            check(&prepared.background, size, depth <= 4);
            check(&prepared.thumbnail, small, depth <= 4);
        }
    }
}
