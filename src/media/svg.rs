//! Draws vector pictures: SVG as it is, without anything from outside the file.
//!
//! Texts would be drawn with whatever fonts a machine has, and so would look different on the next one; and
//! pictures inside would need files beside this one. Both are refused instead of being left out in silence.

use image::{DynamicImage, RgbaImage};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;

pub(super) fn is_svg(bytes: &[u8]) -> bool {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let head = &start[..start.len().min(HEAD)];
    start.starts_with(b"<") && head.windows(4).any(|four| four == b"<svg" || four == b":svg")
}

/// Draws the picture large enough for every panel.
pub(super) fn draw(bytes: &[u8]) -> Result<DynamicImage, String> {
    let unusable = |error: &dyn std::error::Error| format!("{error}; {AS_PNG}");
    let text = std::str::from_utf8(bytes).map_err(|error| unusable(&error))?;
    let parsing = roxmltree::ParsingOptions {
        allow_dtd: true,
        nodes_limit: MOST_NODES,
        ..roxmltree::ParsingOptions::default()
    };
    let document =
        roxmltree::Document::parse_with_options(text, parsing).map_err(|error| unusable(&error))?;
    if let Some(element) = undrawable(&document) {
        return Err(format!(
            "it has a <{element}> element, which is drawn nowhere the same; turn texts into paths, and save \
             it as PNG if it holds pictures"
        ));
    }
    let tree = usvg::Tree::from_xmltree(&document, &usvg::Options::default())
        .map_err(|error| unusable(&error))?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let scale = (COVERS.0 / width).max(COVERS.1 / height).min(LONGEST_SIDE / width.max(height));
    let pixels = |side: f32| (side * scale).round().clamp(1.0, LONGEST_SIDE) as u32;
    let (wide, high) = (pixels(width), pixels(height));
    let mut pixmap = Pixmap::new(wide, high).ok_or_else(|| NO_SIZE.to_owned())?;
    let transform = Transform::from_scale(wide as f32 / width, high as f32 / height);
    resvg::render(&tree, transform, &mut pixmap.as_mut());
    RgbaImage::from_raw(wide, high, pixmap.take_demultiplied())
        .map(DynamicImage::ImageRgba8)
        .ok_or_else(|| NO_SIZE.to_owned())
}

/// Returns the first element that would not be drawn.
fn undrawable<'a>(document: &'a roxmltree::Document<'_>) -> Option<&'a str> {
    let names = document.descendants().filter(roxmltree::Node::is_element);
    names.map(|node| node.tag_name().name()).find(|name| UNDRAWABLE.contains(name))
}

/// What helps where a picture cannot be drawn.
pub(super) const AS_PNG: &str = "export it as a PNG of 2560x1600 pixels";

const NO_SIZE: &str = "it has no size";

const UNDRAWABLE: [&str; 4] = ["text", "image", "feImage", "foreignObject"];

/// How far into a file its root element begins at most.
const HEAD: usize = 4096;

/// The most XML nodes that are read.
const MOST_NODES: u32 = 200_000;

/// Twice the largest panel, so that whatever is cut out of it is still sharp.
const COVERS: (f32, f32) = (2560.0, 1600.0);

/// The longest side that is drawn, in pixels: strips stay within it.
const LONGEST_SIDE: f32 = 5000.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(inside: &str) -> Vec<u8> {
        format!(
            "\u{feff}<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 40 25\">{inside}</svg>"
        )
        .into_bytes()
    }

    #[test]
    fn shapes_are_drawn_sharp() {
        let file = svg("<rect x='20' width='20' height='25' fill='#f00'/>");
        assert!(is_svg(&file));
        let drawn = draw(&file).unwrap().into_rgba8();
        assert_eq!(drawn.dimensions(), (2560, 1600));
        assert_eq!(drawn.get_pixel(1279, 800).0[3], 0);
        assert_eq!(drawn.get_pixel(1280, 800).0, [255, 0, 0, 255]);
    }

    #[test]
    fn what_would_be_left_out_is_refused() {
        for inside in ["<text>Hi</text>", "<g><image href='a.png'/></g>", "<foreignObject/>"] {
            let error = draw(&svg(inside)).unwrap_err();
            assert!(error.contains("paths"), "{error}");
        }
        draw(b"<svg").unwrap_err();
        assert!(!is_svg(b"<html><body>") && !is_svg(b"svg"));
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let file = svg("<path d='M0 0h40v25z'/><rect x='20' width='20' height='25'/>");
        for end in 0..file.len() {
            assert!(draw(&file[..end]).is_err(), "{end}");
        }
        for at in 0..file.len() - 8 {
            let mut holed = file.clone();
            holed[at..at + 8].fill(0);
            assert!(draw(&holed).is_err(), "{at}");
        }
    }

    #[test]
    fn a_strip_stays_within_the_longest_side() {
        let file = b"<svg xmlns='http://www.w3.org/2000/svg' width='10000' height='1'/>";
        let drawn = draw(file).unwrap();
        assert_eq!((drawn.width(), drawn.height()), (5000, 1));
    }

    #[test]
    fn entities_that_multiply_are_refused() {
        let levels = (1..12).map(|level| {
            let inner = format!("&a{};", level - 1).repeat(10);
            format!("<!ENTITY a{level} '{inner}'>")
        });
        let file = format!(
            "<!DOCTYPE svg [<!ENTITY a0 'aaaaaaaaaa'>{}]>\
             <svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><desc>&a11;</desc></svg>",
            levels.collect::<Vec<_>>().concat()
        );
        assert!(is_svg(file.as_bytes()));
        draw(file.as_bytes()).unwrap_err();
    }
}
