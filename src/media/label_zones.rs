//! Where a phone writes on its background, and how well that can be read.
//!
//! Cisco documents where the line buttons are, and not which pixels their labels cover: the areas here are
//! read off published screens and are believed, not measured. The 8800 series chooses black or white
//! letters by the brightness of the background (its administration guide); the same is taken for every other
//! panel with colours. Panels of greys write in black.

use std::fmt;

use serde::Serialize;

use crate::domain::model::Size;
use crate::media::depth::{Raster, is_grey};
use crate::media::linear_light::{amount, luminance, share, to_light};
use crate::media::shape::Shape;

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Letters {
    Black,
    White,
}

impl Letters {
    /// Returns the colour of letters on a background of this brightness, from 0 to 255.
    pub(crate) fn on(shape: Shape, brightness: u8) -> Self {
        if is_grey(shape.depth) || brightness >= 128 { Self::Black } else { Self::White }
    }
}

/// How well letters stand out: the contrast ratio of WCAG 2, from 1 (none) to 21, in tenths.
///
/// It is that of the worst parts behind labels: all but a twentieth of the pixels there reach it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Contrast(u16);

impl Contrast {
    /// What WCAG 2 asks for texts of normal size (criterion 1.4.3, level AA).
    pub const READABLE: Self = Self(45);

    /// What WCAG 2 asks for large texts. Below it a rollout warns.
    pub const LARGE: Self = Self(30);

    pub fn ratio(self) -> f64 {
        f64::from(self.0) / 10.0
    }

    pub fn is_readable(self) -> bool {
        self >= Self::READABLE
    }

    fn of(letters: Letters, light: f32) -> Self {
        let ratio = match letters {
            Letters::White => 1.05 / (light + 0.05),
            Letters::Black => (light + 0.05) / 0.05,
        };
        // Rounded down: what is not reached is not claimed.
        Self((ratio * 10.0 + 0.001).floor().clamp(10.0, 210.0) as u16)
    }
}

impl fmt::Display for Contrast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}:1", self.ratio())
    }
}

/// A part of a panel, in pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Zone {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

impl Zone {
    /// Returns how far outside of it a pixel is, in pixels.
    pub fn distance(&self, x: u32, y: u32) -> u32 {
        let off =
            |at: u32, from: u32, to: u32| from.saturating_sub(at).max((at + 1).saturating_sub(to));
        off(x, self.left, self.right).max(off(y, self.top, self.bottom))
    }
}

/// Returns the parts of a panel that labels are written on.
pub(crate) fn zones(shape: Shape) -> Vec<Zone> {
    let Size { width, height } = shape.background;
    let at = |whole: u32, hundredths: u32| whole * hundredths / 100;
    let zone = |(left, top, right, bottom): (u32, u32, u32, u32)| Zone {
        left: at(width, left),
        top: at(height, top),
        right: at(width, right),
        bottom: at(height, bottom),
    };
    layout(shape)
        .iter()
        .copied()
        .map(zone)
        .filter(|z| z.left < z.right && z.top < z.bottom)
        .collect()
}

/// Left, top, right and bottom, in hundredths of the panel.
type Hundredths = (u32, u32, u32, u32);

fn layout(shape: Shape) -> &'static [Hundredths] {
    let Size { width, height } = shape.background;
    if height > width || width < 200 {
        // The 8821 writes lists across its upright panel, the 7906 and 7911 have hardly room for more than
        // their labels.
        &[(0, 0, 100, 100)]
    } else if width < 480 || shape.depth == 16 {
        // 7900 series: time and number on top, line labels beside the buttons on the right, softkeys below.
        &[(0, 0, 100, 12), (50, 12, 100, 86), (0, 86, 100, 100)]
    } else {
        // Line buttons on both sides, time and number on top, softkeys below.
        &[(0, 0, 100, 11), (0, 11, 30, 87), (70, 11, 100, 87), (0, 87, 100, 100)]
    }
}

/// A text such as a phone writes it on its background, to look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub text: &'static str,
    /// Where its middle line is, in hundredths from the top.
    pub y: f32,
    /// Where it begins or, from the right, ends, in hundredths of the width from that side.
    pub x: f32,
    /// Whether it is aligned to the right.
    pub from_right: bool,
}

/// Returns sample labels for a panel.
pub fn samples(shape: Shape) -> Vec<Sample> {
    let left = |text, x, y| Sample { text, x, y, from_right: false };
    let right = |text, x, y| Sample { text, x, y, from_right: true };
    let layout = layout(shape);
    let mut samples = vec![left("10:42", 2.0, 6.0), right("4101", 2.0, 6.0)];
    if layout.len() == 1 {
        if shape.background.height > 100 {
            let rows = ["Recents", "Contacts", "Messages", "Settings"];
            samples.extend(
                (0_u8..).zip(rows).map(|(n, text)| left(text, 5.0, 22.0 + 16.0 * f32::from(n))),
            );
            samples.push(left("Lines", 5.0, 94.0));
        } else {
            samples = vec![left("10:42", 2.0, 20.0), left("New Call", 2.0, 80.0)];
        }
        return samples;
    }
    let rows = ["4101", "4102", "Reception", "Anna Berg", "Park 1"];
    let row = |n: u8| 20.0 + 15.0 * f32::from(n);
    if layout.len() == 4 {
        samples.extend((0..).zip(rows).map(|(n, text)| left(text, 2.0, row(n))));
    }
    let rows = ["4103", "Helpdesk", "Voice Mail", "B. Lindqvist", "Door"];
    samples.extend((0..).zip(rows).map(|(n, text)| right(text, 2.0, row(n))));
    let keys = ["Redial", "New Call", "Fwd All"];
    samples
        .extend((0_u8..).zip(keys).map(|(n, text)| left(text, 10.0 + 30.0 * f32::from(n), 94.0)));
    samples
}

/// Measures how well labels can be read on a panel.
pub(crate) fn contrast(raster: &Raster, zones: &[Zone], letters: Letters) -> Contrast {
    let channels = if raster.grey { 1 } else { 3 };
    let row = raster.size.width as usize * channels;
    // How many pixels have each amount of light.
    let mut counts = vec![0_usize; 1 << 16];
    for zone in zones {
        for y in zone.top..zone.bottom {
            let start = y as usize * row;
            let wide = zone.left as usize * channels..zone.right as usize * channels;
            let pixels = &raster.bytes[start + wide.start..start + wide.end];
            for pixel in pixels.chunks_exact(channels) {
                counts[usize::from(amount(light(pixel)))] += 1;
            }
        }
    }
    let most = counts.iter().sum::<usize>() / 20;
    // White letters are worst on the lightest pixels, black ones on the darkest.
    let mut seen = 0;
    let mut is_worse = |(_, count): &(u16, &usize)| {
        seen += **count;
        seen <= most
    };
    let lights = (0..=u16::MAX).zip(&counts);
    let worst = match letters {
        Letters::White => lights.rev().find(|step| !is_worse(step)),
        Letters::Black => lights.into_iter().find(|step| !is_worse(step)),
    };
    // No pixel at all lies behind labels: nothing is in their way.
    let nothing = if letters == Letters::White { 0 } else { u16::MAX };
    Contrast::of(letters, share(worst.map_or(nothing, |(light, _)| light)))
}

/// Returns the light of a pixel of one or three numbers, from 0 to 1.
pub(crate) fn light(pixel: &[u8]) -> f32 {
    let light = |number: u8| share(to_light(number));
    match pixel {
        [red, green, blue] => luminance([*red, *green, *blue].map(light)),
        _ => light(pixel[0]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::colour::Colour;
    use crate::domain::model::catalogue;
    use crate::media::depth::reduce;
    use crate::media::linear_light::Linear;

    #[test]
    fn known_colours_have_known_contrasts() {
        for (letters, grey, ratio) in [
            (Letters::White, 0, 21.0),
            (Letters::White, 255, 1.0),
            (Letters::Black, 255, 21.0),
            // Often quoted: #767676 is the lightest grey on which white can be read.
            (Letters::White, 0x76, 4.5),
            (Letters::White, 0x77, 4.4),
        ] {
            let panel = reduce(&Linear::filled(Size::new(10, 10), Colour([grey; 3])), 24);
            let zone = Zone { left: 2, top: 3, right: 10, bottom: 10 };
            let contrast = contrast(&panel, &[zone], letters);
            assert_eq!(contrast.ratio(), ratio, "{grey}");
            assert_eq!(contrast.is_readable(), ratio >= 4.5);
        }
        assert_eq!(Contrast(45).to_string(), "4.5:1");
    }

    #[test]
    fn only_what_lies_behind_labels_counts() {
        let mut picture = Linear::filled(Size::new(100, 100), Colour([0; 3]));
        picture.put(&Linear::filled(Size::new(40, 100), Colour([255; 3])), 60, 0);
        let panel = reduce(&picture, 24);
        let at = |left, right| {
            let zone = Zone { left, top: 0, right, bottom: 100 };
            contrast(&panel, &[zone], Letters::White).ratio()
        };
        assert_eq!((at(0, 60), at(60, 100)), (21.0, 1.0));
        // A twentieth may be worse.
        assert_eq!((at(0, 62), at(0, 65)), (21.0, 1.0));
    }

    #[test]
    fn every_model_has_labels_inside_its_panel() {
        for image in catalogue().iter().filter_map(|model| model.image) {
            let shape = Shape::from(&image);
            let zones = zones(shape);
            assert!(!zones.is_empty(), "{shape:?}");
            for zone in zones {
                assert!(
                    zone.right <= image.background.width && zone.bottom <= image.background.height
                );
            }
        }
    }
}
