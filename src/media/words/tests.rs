use std::sync::LazyLock;

use image::{DynamicImage, Rgb, RgbImage};

use super::*;
use crate::domain::model::catalogue;
use crate::domain::words::{TextPosition, WordsStyle};
use crate::media::{Options, Picture, demo_picture, prepare_all};

fn words(text: &str) -> Words {
    Words { text: text.to_owned(), qr: None, style: WordsStyle::default() }
}

/// Black, white, a checkerboard and a drawing on the catalogue's screens, one of each shape but the largest.
static CANVASES: LazyLock<[Vec<WordsCanvas>; 4]> = LazyLock::new(|| {
    let filled = |number| RgbImage::from_pixel(64, 40, Rgb([number; 3]));
    let checkered = RgbImage::from_fn(400, 240, |x, y| Rgb([((x / 3 + y / 3) % 2 * 255) as u8; 3]));
    let of = |pixels| Picture::from(DynamicImage::ImageRgb8(pixels));
    let drawing = Picture::from(demo_picture());
    [of(filled(0)), of(filled(255)), of(checkered), drawing].map(|base| {
        let images = catalogue().iter().filter_map(|model| model.image);
        let specs: Vec<_> = images
            .filter(|spec| spec.background.width <= 480 || spec.background.height == 480)
            .collect();
        let set = prepare_all(&base, &specs, &Options::default(), Compression::OnDemand).unwrap();
        set.iter().map(|image| WordsCanvas::new(Arc::clone(image)).unwrap()).collect()
    })
});

fn canvas(base: usize, width: u32) -> &'static WordsCanvas {
    CANVASES[base].iter().find(|canvas| canvas.raster.size.width == width).unwrap()
}

fn pixel(raster: &Raster, x: u32, y: u32) -> &[u8] {
    let channels = if raster.grey { 1 } else { 3 };
    let at = (y as usize * raster.size.width as usize + x as usize) * channels;
    &raster.bytes[at..at + channels]
}

fn pixels(zone: Zone) -> impl Iterator<Item = (u32, u32)> {
    (zone.top..zone.bottom).flat_map(move |y| (zone.left..zone.right).map(move |x| (x, y)))
}

#[test]
fn letters_can_be_read_on_every_picture_and_screen() {
    let colours = ["auto", "#ff8000", "white", "#808080", "navy"];
    for base in &*CANVASES {
        for canvas in base {
            for colour in colours {
                let style = WordsStyle { colour: colour.parse().unwrap(), ..WordsStyle::default() };
                let drawn = canvas.raster(&Words { style, ..words("H MWM 55") }).unwrap();
                let (raster, places, _) = drawn;
                let zone = places.text.unwrap();
                let lights = || pixels(zone).map(|(x, y)| light(pixel(&raster, x, y)) + 0.05);
                // The outermost pixels are the plate's alone.
                let edge = pixels(zone).filter(|(x, y)| *x == zone.left || *y == zone.top);
                let edge: Vec<f32> =
                    edge.map(|(x, y)| light(pixel(&raster, x, y)) + 0.05).collect();
                let (dark, bright) = (
                    edge.iter().copied().fold(f32::MAX, f32::min),
                    edge.iter().copied().fold(0.0, f32::max),
                );
                let (most, least) =
                    (lights().fold(0.0, f32::max), lights().fold(f32::MAX, f32::min));
                let contrast = (most / bright).max(dark / least);
                assert!(contrast >= 4.5, "{colour:?} on {:?}: {contrast}", canvas.base.shape);
            }
        }
    }
}

#[test]
fn words_stay_in_the_room_that_the_phone_leaves() {
    for canvas in &CANVASES[3] {
        let shape = canvas.base.shape;
        for position in ["top-left", "top", "right", "centre", "bottom-right", "auto"] {
            let style = WordsStyle { position: position.parse().unwrap(), ..WordsStyle::default() };
            let (raster, places, _) =
                canvas.raster(&Words { style, ..words("Room 4.17\nHelp desk 5555") }).unwrap();
            let zone = places.text.unwrap();
            let width = shape.background.width as usize * if raster.grey { 1 } else { 3 };
            let rows =
                raster.bytes.chunks_exact(width).zip(canvas.raster.bytes.chunks_exact(width));
            for (y, (row, before)) in (0..).zip(rows) {
                let inside = (zone.top..zone.bottom).contains(&y);
                let (left, right) = if inside { (zone.left, zone.right) } else { (0, 0) };
                let channels = width / shape.background.width as usize;
                let (left, right) = (left as usize * channels, right as usize * channels);
                assert_eq!(row[..left], before[..left], "{position}");
                assert_eq!(row[right..], before[right..], "{position}");
            }
            assert!(canvas.room.distance(zone.left, zone.top) == 0, "{position} {shape:?}");
            assert!(
                zone.right <= canvas.room.right && zone.bottom <= canvas.room.bottom,
                "{position} {shape:?} {zone:?}"
            );
        }
    }
}

#[test]
fn only_the_steps_of_the_panel_are_drawn() {
    for canvas in &CANVASES[3] {
        let style = WordsStyle { colour: "#ff8000".parse().unwrap(), ..WordsStyle::default() };
        let (raster, ..) = canvas.raster(&Words { style, ..words("Ȧg") }).unwrap();
        let steps = Steps::of(canvas.base.shape.depth);
        for (at, number) in raster.bytes.iter().enumerate() {
            assert_eq!(steps.nearest(if raster.grey { 0 } else { at % 3 }, *number), *number);
        }
    }
}

#[test]
fn long_texts_shrink_and_end_with_an_ellipsis() {
    let canvas = canvas(0, 800);
    let notes = |text: &str| canvas.raster(&words(text)).unwrap().2;
    assert_eq!(notes("Room 4.17"), []);
    assert_eq!(notes("Donaudampfschifffahrtselektrizitätenhauptbetriebswerk"), []);
    assert_eq!(notes(&"x".repeat(10_000)), [WordsNote::Cut]);
    assert_eq!(notes(&"word ".repeat(2_000)), [WordsNote::Cut]);
    assert_eq!(notes(&"עברית ".repeat(2_000)), [WordsNote::Cut]);
    assert_eq!(notes("\u{10FFFD}"), [WordsNote::MissingCharacters]);
    for size in ["2", "40"] {
        let size = size.parse().unwrap();
        let style = WordsStyle { size, ..WordsStyle::default() };
        let (_, places, _) =
            canvas.raster(&Words { style, ..words("Room 4.17\nHelp desk") }).unwrap();
        assert!(places.text.unwrap().bottom <= canvas.room.bottom);
    }
}

#[test]
fn the_bundled_font_has_the_promised_scripts() {
    let canvas = canvas(0, 800);
    for text in [
        "Ærøskøbing ěščř",
        "Ελληνικά",
        "Українська",
        "العربية",
        "עִבְרִית",
        "e\u{301}",
        "☎ ⚠",
        "\u{2026}",
    ] {
        let (_, _, notes) = canvas.raster(&words(text)).unwrap();
        assert_eq!(notes, [], "{text}");
    }
    // Right-to-left: the first letter of the word is drawn last.
    let aleph = |text: &str| {
        let (raster, places, _) = canvas.raster(&words(text)).unwrap();
        let zone = places.text.unwrap();
        let lit =
            |x: u32| (zone.top..zone.bottom).filter(|y| light(pixel(&raster, x, *y)) > 0.5).count();
        let half = (zone.left + zone.right) / 2;
        (zone.left..half).map(lit).sum::<usize>() < (half..zone.right).map(lit).sum::<usize>()
    };
    assert!(aleph("שי") && !aleph("יש"));
}

#[test]
fn the_same_words_give_the_same_pixels() {
    let canvas = canvas(3, 800);
    let draw = |text: &str| canvas.draw(&words(text), Compression::Quick).unwrap().0;
    let (one, again, other) = (draw("Front desk"), draw("Front desk"), draw("Front desc"));
    assert_eq!(one, again);
    assert_ne!(one.background.pixels_sha256, other.background.pixels_sha256);
    assert_eq!(one.thumbnail, canvas.base.thumbnail);
}

#[test]
fn qr_codes_are_read_back_from_every_screen_they_fit_on() {
    let content = "https://assets.example.com/SEP001122334455";
    let mut fitted = 0;
    for base in &*CANVASES {
        for canvas in base {
            for text in ["", "Room 4.17\nHelp desk 5555"] {
                let words = Words { qr: Some(content.to_owned()), ..words(text) };
                let (image, _) = match canvas.draw(&words, Compression::OnDemand) {
                    Ok(drawn) => drawn,
                    Err(error) => {
                        let error = error.to_string();
                        assert!(error.contains("42 bytes needs 111x111 pixels"), "{error}");
                        assert!(canvas.raster.size.height < 200, "{error}");
                        continue;
                    }
                };
                let shown = image::load_from_memory(&image.background.png).unwrap().into_luma8();
                let (width, height) = (shown.width() as usize, shown.height() as usize);
                let mut shown =
                    rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
                        shown.get_pixel(x as u32, y as u32).0[0]
                    });
                let found = shown.detect_grids();
                assert_eq!(found.len(), 1, "{:?}", canvas.base.shape);
                assert_eq!(found[0].decode().unwrap().1, content);
                fitted += 1;
            }
        }
    }
    assert!(fitted > 30, "{fitted}");
}

#[test]
fn a_qr_code_that_does_not_fit_is_an_error_that_says_what_would() {
    let canvas = canvas(0, 320);
    let draw = |length: usize| {
        let qr = Some("x".repeat(length));
        canvas.draw(&Words { qr, ..words("") }, Compression::Quick).map(drop)
    };
    let error = draw(2_000).unwrap_err().to_string();
    let most = error.split("at most ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    draw(most).unwrap();
    draw(most + 1).unwrap_err();
    assert!(draw(10_000).unwrap_err().to_string().contains("no QR code holds"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(40))]

    #[test]
    fn any_text_is_drawn(text in "(?s).{0,60}", qr in proptest::option::of(".{0,20}"), position in 0_u8..10) {
        let name = ["auto", "top-left", "top", "top-right", "left", "centre", "right", "bottom-left", "bottom", "bottom-right"];
        let position: TextPosition = name[usize::from(position)].parse().unwrap();
        let style = WordsStyle { position, ..WordsStyle::default() };
        let _drawn = canvas(0, 320).raster(&Words { text, qr, style });
    }
}
