//! Files of every format, cut and overwritten at many places: what is not refused has the same pixels.

use std::io::Cursor;

use image::{DynamicImage, Rgb, RgbImage};

use super::*;
use crate::media::picture::Decoded;
use crate::media::{Picture, PictureProblem};

/// A picture with an edge, a slope and noise, so that every part of its file matters.
fn drawing(width: u32, height: u32) -> DynamicImage {
    let mut seed = 7_u32;
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, y| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (seed >> 27) as u8;
        let red = if x > y { 200 } else { 20 };
        Rgb([red + noise, (x * 2) as u8 + noise, (y * 2) as u8])
    }))
}

fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn gif() -> Vec<u8> {
    written(&DynamicImage::ImageRgba8(drawing(90, 70).into_rgba8()), ImageFormat::Gif)
}

fn whole_files() -> Vec<(&'static str, Vec<u8>)> {
    let image = drawing(90, 70);
    let mut files = vec![
        ("gray jpeg", written(&image.grayscale(), ImageFormat::Jpeg)),
        ("jpeg", written(&image, ImageFormat::Jpeg)),
        ("png", written(&image, ImageFormat::Png)),
        ("gif", gif()),
        ("lossless webp", written(&image, ImageFormat::WebP)),
        ("bmp", written(&image, ImageFormat::Bmp)),
        ("tiff", written(&image, ImageFormat::Tiff)),
    ];
    files.extend(CODED.map(|(name, bytes)| (name, bytes.to_vec())));
    files
}

/// What the encoders of this tree do not write: scans that refine others, restart markers, scans of one component,
/// lossy WebP.
const CODED: [(&str, &[u8]); 5] = [
    ("progressive jpeg", include_bytes!("../../../tests/pictures/progressive.jpg")),
    ("restart jpeg", include_bytes!("../../../tests/pictures/restart.jpg")),
    ("separate jpeg", include_bytes!("../../../tests/pictures/separate.jpg")),
    ("gray progressive jpeg", include_bytes!("../../../tests/pictures/gray.jpg")),
    ("lossy webp", include_bytes!("../../../tests/pictures/lossy.webp")),
];

fn pixels(file: &[u8]) -> Result<Vec<u8>, PictureProblem> {
    Decoded::of(file).map(|decoded| decoded.parts().0.as_bytes().to_vec())
}

#[test]
fn whole_files_are_read() {
    for (name, file) in whole_files() {
        let picture = Picture::decode(name, &file).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((picture.size().width, picture.size().height), (90, 70), "{name}");
        // What is behind the picture is no part of it.
        let longer = [&file[..], b"and more"].concat();
        assert_eq!(pixels(&longer).unwrap(), pixels(&file).unwrap(), "{name}");
    }
}

#[test]
fn a_file_that_ends_early_is_refused_or_has_the_same_pixels() {
    for (name, file) in whole_files() {
        let whole = pixels(&file).unwrap();
        let step = (file.len() / 150).max(1);
        for end in (0..file.len()).step_by(step).chain(file.len().saturating_sub(12)..file.len()) {
            match pixels(&file[..end]) {
                Ok(same) => assert!(same == whole, "{name} with {end} of {} bytes", file.len()),
                Err(PictureProblem::Damaged(_)) => {}
                // Too little is left to tell what it was.
                Err(error) => assert!(end < 40, "{name} with {end} bytes: {error}"),
            }
        }
    }
}

#[test]
fn a_hole_is_refused_or_leaves_the_same_pixels() {
    for (name, file) in whole_files() {
        // Uncompressed pixels: a hole is a black area.
        if matches!(name, "bmp" | "tiff") {
            continue;
        }
        let whole = pixels(&file).unwrap();
        // A GIF has no checksum over its 256 colours, nor has WebP over anything.
        let first = if name == "gif" { 13 + 3 * 256 } else { 0 };
        let length = if name.ends_with("webp") { MOST_ZEROS } else { 64 };
        let step = (file.len() / 120).max(1);
        let (mut tried, mut missed) = (0, Vec::new());
        for at in (first..file.len().saturating_sub(length)).step_by(step) {
            let mut holed = file.clone();
            holed[at..at + length].fill(0);
            if holed == file {
                continue;
            }
            tried += 1;
            if pixels(&holed).is_ok_and(|same| same != whole) {
                missed.push(at);
            }
        }
        // A hole of this size in a scan of a progressive picture can be as many blocks as were there.
        let allowed = if name.contains("progressive") { tried / 25 } else { 0 };
        assert!(
            missed.len() <= allowed,
            "{name} without {length} of {} bytes at {missed:?}",
            file.len()
        );
    }
}

#[test]
fn a_part_that_was_cut_out_is_refused() {
    for (name, file) in whole_files() {
        if matches!(name, "bmp" | "tiff" | "gif") {
            continue;
        }
        for part in [3, 5, 8] {
            let at = file.len() * part / 10;
            let cut = [&file[..at], &file[at + file.len() / 20..]].concat();
            let error = pixels(&cut).expect_err(name);
            assert!(matches!(error, PictureProblem::Damaged(_)), "{name}: {error}");
        }
    }
}

#[test]
fn what_decoders_pass_over_is_found() {
    let image = drawing(90, 70);
    let mut png = written(&image, ImageFormat::Png);
    // An ancillary chunk with a wrong checksum: the decoder leaves it out, and with it a transparent colour.
    png.splice(33..33, *b"\0\0\0\x06tRNS\0\0\0\0\0\0\0\0\0\0");
    let error = check(ImageFormat::Png, &png).unwrap_err();
    assert!(error.contains("tRNS"), "{error}");
    let jpeg = written(&image, ImageFormat::Jpeg);
    let error = check(ImageFormat::Jpeg, &jpeg[..jpeg.len() - 2]).unwrap_err();
    assert_eq!(error, CUT);
    let restart = "a restart marker is missing";
    let file = CODED[1].1;
    let at = file.windows(2).position(|two| two == [0xff, 0xd1]).unwrap();
    let mut wrong = file.to_vec();
    wrong[at + 1] = 0xd2;
    assert!(check(ImageFormat::Jpeg, &wrong).unwrap_err().contains(restart));
}

#[test]
fn the_first_picture_of_a_gif_has_all_of_its_pixels() {
    // Two by two pixels of two colours: the codes 4 (clear), 0, 1, 1, 0, 5 (end), with 3 bits, then with 4.
    let gif = |codes: &[u8]| {
        let head = b"GIF89a\x02\0\x02\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x02\0\x02\0\0\x02";
        [head, &[codes.len() as u8][..], codes, b"\0;"].concat()
    };
    let coded = |codes: &[(u32, u32)]| {
        let (mut bits, mut held, mut bytes) = (0, 0, Vec::new());
        for (code, length) in codes {
            bits |= code << held;
            held += length;
            while held >= 8 {
                bytes.push(bits as u8);
                (bits, held) = (bits >> 8, held - 8);
            }
        }
        bytes.push(bits as u8);
        gif(&bytes)
    };
    let check = |codes: &[(u32, u32)]| check(ImageFormat::Gif, &coded(codes));
    check(&[(4, 3), (0, 3), (1, 3), (1, 3), (0, 4), (5, 4)]).unwrap();
    let short = check(&[(4, 3), (0, 3), (1, 3), (1, 3), (5, 4)]).unwrap_err();
    assert!(short.contains("ends before"), "{short}");
    let long = check(&[(4, 3), (0, 3), (1, 3), (1, 3), (0, 4), (1, 4)]).unwrap_err();
    assert!(long.contains("goes on"), "{long}");
    let wrong = check(&[(4, 3), (0, 3), (7, 3)]).unwrap_err();
    assert!(wrong.contains("cannot be"), "{wrong}");
}
