//! A picture drawn by code, so that a demonstration needs no file: ridges in the last light.
//!
//! The same pixels come out on every machine: only additions, multiplications, divisions and square
//! roots are used, which IEEE 754 defines to the last bit.

use image::{DynamicImage, Rgb, RgbImage};

use super::depth::Raster;
use crate::domain::model::Size;
use crate::media::{Compression, EncodedPicture, MediaError};

pub fn demo_picture() -> DynamicImage {
    let ridges: Vec<Vec<f32>> =
        RIDGES.iter().map(|ridge| (0..WIDTH).map(|x| ridge.height_at(x)).collect()).collect();
    let image = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let (u, v) = (unit(x, HEIGHT), unit(y, HEIGHT));
        let mut color = sky(u, v);
        for (ridge, heights) in RIDGES.iter().zip(&ridges) {
            let top = heights[x as usize];
            // One pixel of transition keeps the edge smooth.
            let inside = ((v - top) * HEIGHT as f32 + 0.5).clamp(0.0, 1.0);
            if inside > 0.0 {
                // Haze lies in the valleys: the foot of a ridge is paler than its crest.
                let depth = ((v - top) / ridge.haze).clamp(0.0, 1.0);
                color = mix(color, mix(ridge.crest, ridge.foot, depth), inside);
            }
        }
        Rgb(color.map(|channel| (channel + dither(x, y)).clamp(0.0, 255.0) as u8))
    });
    DynamicImage::ImageRgb8(image)
}

/// Draws the picture and encodes it as a PNG file.
pub fn demo_png() -> Result<EncodedPicture, MediaError> {
    let bytes = demo_picture().into_bytes();
    let raster = Raster { size: Size::new(WIDTH, HEIGHT), grey: false, bytes };
    EncodedPicture::encode(raster, Compression::Quick)
}

/// Red, green and blue from 0 to 255.
type Color = [f32; 3];

struct Ridge {
    /// Where its mean line lies, as a share of the picture's height.
    line: f32,
    /// How far its peaks rise above and its valleys fall below that line.
    relief: f32,
    /// How many large waves fit into the picture's height.
    waves: f32,
    seed: u32,
    /// How far below the crest the haze is thickest.
    haze: f32,
    crest: Color,
    foot: Color,
}

impl Ridge {
    /// Returns where the crest lies in this column, as a share of the picture's height from the top.
    fn height_at(&self, x: u32) -> f32 {
        let at = unit(x, HEIGHT) * self.waves;
        let mut sum = 0.0;
        let (mut share, mut scale) = (0.5, 1.0);
        for octave in 0..5 {
            sum += share * (noise(at * scale, self.seed + octave) - 0.5);
            share *= 0.48;
            scale *= 2.1;
        }
        self.line - 2.0 * self.relief * sum
    }
}

fn sky(u: f32, v: f32) -> Color {
    let mut color = SKY[0].1;
    for pair in SKY.windows(2) {
        let ((from, first), (to, second)) = (pair[0], pair[1]);
        if v >= from {
            color = mix(first, second, ((v - from) / (to - from)).min(1.0));
        }
    }
    let (dx, dy) = (u - SUN.0, v - SUN.1);
    let distance = (dx * dx + dy * dy).sqrt();
    let halo = 1.0 / (1.0 + 26.0 * distance * distance);
    color = mix(color, GLOW, 0.62 * halo * halo);
    let disk = ((SUN_RADIUS - distance) * HEIGHT as f32 + 0.5).clamp(0.0, 1.0);
    mix(color, SUN_COLOR, disk)
}

fn mix(from: Color, to: Color, share: f32) -> Color {
    [0, 1, 2].map(|i| from[i] + (to[i] - from[i]) * share)
}

fn smooth(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// Smooth noise between 0 and 1 along a line.
fn noise(at: f32, seed: u32) -> f32 {
    let cell = at as u32;
    let (left, right) = (random(cell, seed), random(cell + 1, seed));
    left + (right - left) * smooth(at - cell as f32)
}

/// A fixed number between 0 and 1 for every pair: the bits of both, well stirred.
fn random(x: u32, y: u32) -> f32 {
    let mut bits = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77);
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x2C1B_3C6D);
    bits = (bits ^ (bits >> 12)).wrapping_mul(0x297A_2D39);
    (bits >> 16) as f32 / 65_535.0
}

/// Half a step of noise, so that the soft gradients show no bands.
fn dither(x: u32, y: u32) -> f32 {
    0.25 + 0.5 * random(x, y.wrapping_add(7_919))
}

fn unit(value: u32, whole: u32) -> f32 {
    value as f32 / whole as f32
}

const WIDTH: u32 = 1_280;
const HEIGHT: u32 = 800;

const SKY: [(f32, Color); 5] = [
    (0.0, [18.0, 24.0, 58.0]),
    (0.24, [58.0, 46.0, 104.0]),
    (0.44, [150.0, 78.0, 122.0]),
    (0.58, [232.0, 128.0, 104.0]),
    (0.72, [252.0, 196.0, 132.0]),
];

/// The middle of the sun, in picture heights from the left and from the top.
const SUN: (f32, f32) = (1.09, 0.50);
const SUN_RADIUS: f32 = 0.062;
const SUN_COLOR: Color = [255.0, 232.0, 190.0];
const GLOW: Color = [255.0, 188.0, 120.0];

const RIDGES: [Ridge; 5] = [
    Ridge {
        line: 0.60,
        relief: 0.085,
        waves: 3.1,
        seed: 11,
        haze: 0.16,
        crest: [176.0, 98.0, 118.0],
        foot: [240.0, 166.0, 130.0],
    },
    Ridge {
        line: 0.68,
        relief: 0.10,
        waves: 2.4,
        seed: 42,
        haze: 0.20,
        crest: [124.0, 68.0, 106.0],
        foot: [206.0, 124.0, 122.0],
    },
    Ridge {
        line: 0.77,
        relief: 0.11,
        waves: 1.9,
        seed: 77,
        haze: 0.22,
        crest: [76.0, 46.0, 88.0],
        foot: [148.0, 82.0, 110.0],
    },
    Ridge {
        line: 0.86,
        relief: 0.10,
        waves: 2.2,
        seed: 105,
        haze: 0.24,
        crest: [42.0, 32.0, 68.0],
        foot: [84.0, 52.0, 92.0],
    },
    Ridge {
        line: 0.96,
        relief: 0.09,
        waves: 2.7,
        seed: 140,
        haze: 0.25,
        crest: [18.0, 18.0, 44.0],
        foot: [30.0, 26.0, 58.0],
    },
];

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn is_the_same_picture_everywhere() {
        let picture = demo_picture();
        assert_eq!((picture.width(), picture.height()), (WIDTH, HEIGHT));
        let digest = Sha256::digest(picture.as_bytes());
        assert_eq!(digest[..8], [72, 8, 172, 238, 189, 4, 76, 78]);
    }
}
