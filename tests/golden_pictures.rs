//! Prepared pictures look like those that another program made of the same picture.
//!
//! They are compared as an eye at some distance sees them, not byte by byte: blurred, and by the distance of
//! colours in Oklab (Ottosson, 2020), where equal steps look equal. `tests/golden/README.md` says where the
//! golden pictures come from.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::LazyLock;

use axlpaper::domain::model::{ImageSpec, by_number};
use axlpaper::media::{
    Colour, Compression, Fit, Focus, Options, Picture, demo_picture, prepare_all,
};
use image::RgbImage;

static DEMO: LazyLock<Picture> = LazyLock::new(|| Picture::from(demo_picture()));

/// Makes the demonstration's picture for a model, and reads it back from its file.
fn made(model: u32, options: &Options) -> RgbImage {
    let spec: ImageSpec = by_number(model).unwrap().image.unwrap();
    let set = prepare_all(&DEMO, [&spec], options, Compression::Quick).unwrap();
    let file = &set.get(&spec).unwrap().background.png;
    image::load_from_memory(file).unwrap().into_rgb8()
}

fn golden(name: &str) -> RgbImage {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    image::open(folder.join(name)).unwrap().into_rgb8()
}

/// The light of an sRGB number.
fn light(number: u8) -> f32 {
    let number = f32::from(number) / 255.0;
    if number <= 0.04045 { number / 12.92 } else { ((number + 0.055) / 1.055).powf(2.4) }
}

fn oklab([red, green, blue]: [f32; 3]) -> [f32; 3] {
    let l = (0.412_221_5 * red + 0.536_332_5 * green + 0.051_446 * blue).cbrt();
    let m = (0.211_903_5 * red + 0.680_699_5 * green + 0.107_397 * blue).cbrt();
    let s = (0.088_302_46 * red + 0.281_718_8 * green + 0.629_978_7 * blue).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_8 * m - 0.808_675_8 * s,
    ]
}

/// The picture as seen from afar: the mean light of squares, in Oklab.
fn from_afar(image: &RgbImage, square: u32) -> Vec<[f32; 3]> {
    let (wide, high) = (image.width().div_ceil(square), image.height().div_ceil(square));
    let mut sums = vec![([0.0_f32; 3], 0.0_f32); (wide * high) as usize];
    for (x, y, pixel) in image.enumerate_pixels() {
        let (sum, count) = &mut sums[(y / square * wide + x / square) as usize];
        for (sum, number) in sum.iter_mut().zip(pixel.0) {
            *sum += light(number);
        }
        *count += 1.0;
    }
    sums.into_iter().map(|(sum, count)| oklab(sum.map(|sum| sum / count))).collect()
}

/// The mean distance of colours, and that of the worst square.
fn distance(a: &RgbImage, b: &RgbImage, square: u32) -> (f32, f32) {
    assert_eq!(a.dimensions(), b.dimensions());
    let pairs = from_afar(a, square).into_iter().zip(from_afar(b, square));
    let distances: Vec<f32> =
        pairs.map(|(a, b)| (0..3).map(|n| (a[n] - b[n]).powi(2)).sum::<f32>().sqrt()).collect();
    let worst = distances.iter().copied().fold(0.0, f32::max);
    (distances.iter().sum::<f32>() / distances.len() as f32, worst)
}

fn assert_like(made: &RgbImage, golden_file: &str, square: u32, mean: f32, worst: f32) {
    let found = distance(made, &golden(golden_file), square);
    assert!(found.0 <= mean && found.1 <= worst, "{golden_file}: {found:?}");
}

#[test]
fn a_picture_that_fills_the_panel() {
    let picture = made(36348, &Options::default());
    assert_like(&picture, "480x240x24-cover.png", 2, 0.004, 0.04);
}

#[test]
fn a_picture_that_is_seen_whole() {
    let background = Colour([27, 42, 78]);
    let options = Options { fit: Fit::Contain, background, ..Options::default() };
    assert_like(&made(435, &options), "320x212x16-contain.png", 4, 0.006, 0.04);
}

#[test]
fn a_picture_that_is_stretched() {
    let options = Options { fit: Fit::Stretch, ..Options::default() };
    assert_like(&made(30006, &options), "320x212x12-stretch.png", 8, 0.01, 0.04);
}

#[test]
fn a_picture_with_a_focus() {
    let options = Options { focus: Focus::At { x: 80.0, y: 50.0 }, ..Options::default() };
    assert_like(&made(36216, &options), "240x320x24-focus.png", 2, 0.004, 0.04);
}

#[test]
fn greys_and_dots() {
    assert_like(&made(115, &Options::default()), "320x196x4-cover.png", 8, 0.012, 0.05);
    // Some dots of a one-bit panel make a grey only from farther away.
    assert_like(&made(307, &Options::default()), "95x34x1-cover.png", 12, 0.06, 0.2);
}

#[test]
fn the_measure_tells_pictures_apart() {
    let cover = golden("480x240x24-cover.png");
    assert_eq!(distance(&cover, &cover, 2), (0.0, 0.0));
    // One pixel to the side, a little darker, or scaled in the numbers instead of in light.
    let shifted = RgbImage::from_fn(480, 240, |x, y| *cover.get_pixel(x.saturating_sub(3), y));
    assert!(distance(&cover, &shifted, 2).1 > 0.04);
    let darker = RgbImage::from_fn(480, 240, |x, y| {
        image::Rgb(cover.get_pixel(x, y).0.map(|number| (f32::from(number) * 0.95) as u8))
    });
    assert!(distance(&cover, &darker, 2).0 > 0.004);
}
