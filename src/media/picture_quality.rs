//! How a picture will look on the panels that it was prepared for.

use std::sync::Arc;

use crate::domain::text::names;
use crate::media::label_zones::Contrast;
use crate::media::{PreparedImage, Shape};

/// Says on which panels a picture will look bad: blurred, cut, or with line labels of less contrast than `least`. `picture`
/// is what the texts call it; `is_calmed` says that [`Options::legible`](crate::media::Options) cannot help.
pub fn quality_warnings<'a>(
    picture: &str,
    prepared: impl IntoIterator<Item = &'a Arc<PreparedImage>>,
    least: Contrast,
    is_calmed: bool,
) -> Vec<String> {
    let prepared: Vec<&PreparedImage> = prepared.into_iter().map(AsRef::as_ref).collect();
    let on_panels = |bad: fn(&PreparedImage, Contrast) -> Option<String>| {
        let bad = |image: &&PreparedImage| bad(image, least).map(|how| (image.shape, how));
        let mut panels: Vec<_> = prepared.iter().filter_map(bad).collect();
        panels.sort();
        let named =
            |(shape, how): (Shape, String)| format!("{}x{} ({how})", shape.background, shape.depth);
        let mut panels: Vec<String> = panels.into_iter().map(named).collect();
        // Some panels differ in nothing but the preview.
        panels.dedup();
        (!panels.is_empty()).then(|| names(&panels))
    };
    let blurred = on_panels(|image, _| {
        let tenths = image.fitting.enlarged;
        (tenths > MOST_ENLARGED).then(|| format!("{}.{} times", tenths / 10, tenths % 10))
    });
    let cut = on_panels(|image, _| {
        let percent = image.fitting.cut_off;
        (percent > MOST_CUT_OFF).then(|| format!("{percent} %"))
    });
    let hard_to_read =
        on_panels(|image, least| (image.contrast < least).then(|| image.contrast.to_string()));
    let blurred = blurred.map(|on| {
        format!(
            "{picture} is enlarged to more than twice its size and will look blurred on {on}; use one with more pixels"
        )
    });
    let cut = cut.map(|on| {
        format!(
            "more than a third of {picture} is cut off on {on}; --fit contain shows all of it beside bars, --focus \
             chooses the part that stays"
        )
    });
    let hard_to_read = hard_to_read.map(|on| {
        let remedy =
            if is_calmed { "choose a calmer picture" } else { "--legible calms the picture behind them" };
        format!(
            "line labels on {picture} are hard to read, with a contrast below {least}, on {on}; {remedy}"
        )
    });
    [blurred, cut, hard_to_read].into_iter().flatten().collect()
}

/// The most that a picture is enlarged without a warning, in tenths.
const MOST_ENLARGED: u32 = 20;

/// The most that is cut off without a warning, in percent.
const MOST_CUT_OFF: u32 = 33;

#[cfg(test)]
mod tests {
    use image::{DynamicImage, Rgb, RgbImage};

    use super::*;
    use crate::domain::model::by_number;
    use crate::media::{Compression, Fit, Options, Picture, prepare_all};

    /// The warnings about a picture of one grey on the panels of these models.
    fn warnings(size: (u32, u32), grey: u8, fit: Fit, models: &[u32]) -> Vec<String> {
        let pixels = RgbImage::from_pixel(size.0, size.1, Rgb([grey; 3]));
        let picture = Picture::from(DynamicImage::ImageRgb8(pixels));
        let specs: Vec<_> =
            models.iter().map(|number| by_number(*number).unwrap().image.unwrap()).collect();
        let options = Options { fit, ..Options::default() };
        let set = prepare_all(&picture, &specs, &options, Compression::Quick).unwrap();
        quality_warnings("the picture", set.iter(), Contrast::LARGE, false)
    }

    #[test]
    fn a_picture_that_suits_its_panels_has_no_warning() {
        assert_eq!(warnings((800, 480), 0, Fit::Cover, &[683]), [""; 0]);
        assert_eq!(warnings((400, 240), 0, Fit::Cover, &[683]), [""; 0]);
        // A third of its width is left out, and no more.
        assert_eq!(warnings((1_200, 480), 0, Fit::Cover, &[683]), [""; 0]);
        assert_eq!(warnings((4_000, 480), 0, Fit::Contain, &[683]), [""; 0]);
    }

    #[test]
    fn what_is_too_small_or_too_wide_is_reported_with_its_panels() {
        let small = warnings((380, 228), 0, Fit::Cover, &[683]);
        assert_eq!(small.len(), 1, "{small:?}");
        assert!(small[0].contains("blurred on 800x480x24 (2.1 times)"), "{small:?}");
        let stretched = warnings((800, 100), 0, Fit::Stretch, &[683]);
        assert!(stretched[0].contains("(4.8 times)"), "{stretched:?}");
        let wide = warnings((1_220, 480), 0, Fit::Cover, &[683]);
        assert_eq!(wide.len(), 1, "{wide:?}");
        assert!(wide[0].contains("cut off on 800x480x24 (34 %)"), "{wide:?}");
    }

    #[test]
    fn labels_that_are_hard_to_read_are_reported() {
        // White letters have a contrast of 4.4 to 1 on it.
        let grey = warnings((800, 480), 120, Fit::Cover, &[683]);
        assert_eq!(grey, [""; 0]);
        let noise = RgbImage::from_fn(800, 480, |x, y| {
            Rgb([if (x / 40 + y / 40).is_multiple_of(2) { 0 } else { 230 }; 3])
        });
        let set = |legible| {
            let spec = by_number(683).unwrap().image.unwrap();
            let picture = Picture::from(DynamicImage::ImageRgb8(noise.clone()));
            let options = Options { legible, ..Options::default() };
            prepare_all(&picture, [&spec], &options, Compression::Quick).unwrap()
        };
        let of = |legible| {
            let set = set(legible);
            quality_warnings("\"x.png\"", set.iter(), Contrast::LARGE, legible)
        };
        let hard = of(false);
        assert!(hard[0].starts_with("line labels on \"x.png\" are hard to read"), "{hard:?}");
        assert!(hard[0].ends_with("--legible calms the picture behind them"), "{hard:?}");
        assert_eq!(of(true), [""; 0]);
    }
}
