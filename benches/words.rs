//! How long the picture of a phone takes: its words are drawn on a prepared picture, and its file is encoded.
//!
//! `cargo bench --bench words`; a push draws on as many threads as there are processors. `demo` is a drawing, `noise` the
//! worst that can be encoded.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axlpaper::domain::model::by_number;
use axlpaper::domain::words::{Words, WordsStyle};
use axlpaper::media::{Compression, Picture, WordsCanvas, demo_picture, prepare};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// A canvas of 800x480 pixels, as an 8841 shows them.
fn canvas(picture: &Picture) -> WordsCanvas {
    let spec = by_number(683).unwrap().image.unwrap();
    WordsCanvas::new(Arc::new(prepare(picture, &spec).unwrap())).unwrap()
}

/// Draws pictures of which no two are the same.
fn draw(bencher: Bencher<'_, '_>, picture: &Picture) {
    let (canvas, count) = (canvas(picture), AtomicU32::new(0));
    bencher.counter(ItemsCount::new(1_u32)).bench(|| {
        let n = count.fetch_add(1, Ordering::Relaxed);
        let words = Words {
            text: format!(
                "Empfang Haus {n}\nHelp desk 5555 · Emergency: Building 3, floor {}",
                n % 9
            ),
            qr: Some(format!("https://assets.example.com/SEP{n:012X}")),
            style: WordsStyle::default(),
        };
        canvas.draw(&words, Compression::OnDemand)
    });
}

#[divan::bench(threads = [1, 2], sample_count = 300)]
fn demo(bencher: Bencher<'_, '_>) {
    draw(bencher, &Picture::from(demo_picture()));
}

#[divan::bench(threads = [1, 2], sample_count = 300)]
fn noise(bencher: Bencher<'_, '_>) {
    let mut random = noise_of(7);
    let pixels = image::RgbImage::from_fn(800, 480, |_, _| image::Rgb(random()));
    draw(bencher, &Picture::from(image::DynamicImage::ImageRgb8(pixels)));
}

fn noise_of(mut state: u32) -> impl FnMut() -> [u8; 3] {
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [a, b, c, _] = state.to_be_bytes();
        [a, b, c]
    }
}
