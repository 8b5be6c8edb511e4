//! What a panel can show of a picture: few greys, or few steps of each colour.
//!
//! Phones reduce deeper pictures themselves, by cutting bits off: skies get bands, and one-bit panels lose
//! the picture. So the steps are chosen here, and what each pixel lacks is handed on to its neighbours
//! (Floyd and Steinberg, 1976), every other row backwards, so that no pattern runs to one side.

use crate::domain::model::Size;
use crate::media::linear_light::{Linear, luminance, share, to_light};

/// The numbers of a picture's file, with only those steps that the panel shows.
#[derive(Clone, Debug)]
pub(super) struct Raster {
    pub size: Size,
    /// Whether a pixel is one number of grey, and not three of red, green and blue.
    pub grey: bool,
    pub bytes: Vec<u8>,
}

/// Reduces a picture to what a panel of this depth shows.
///
/// Up to 4 bits are greys, 12 are 4 bits a channel, 16 are 5, 6 and 5 bits. Every other depth keeps all.
pub(super) fn reduce(picture: &Linear, depth: u8) -> Raster {
    let size = picture.size();
    match depth {
        0..=DEEPEST_GREY => {
            let light = picture.pixels().map(|pixel| luminance(pixel.map(share))).collect();
            let bytes = diffuse(light, size, &steps(depth.max(1)));
            Raster { size, grey: true, bytes }
        }
        12 => Raster { size, grey: false, bytes: channels(picture, [4, 4, 4]) },
        16 => Raster { size, grey: false, bytes: channels(picture, [5, 6, 5]) },
        _ => Raster { size, grey: false, bytes: picture.to_srgb() },
    }
}

pub(super) const fn is_grey(depth: u8) -> bool {
    depth <= DEEPEST_GREY
}

fn channels(picture: &Linear, bits: [u8; 3]) -> Vec<u8> {
    let size = picture.size();
    let [red, green, blue] = [0, 1, 2].map(|channel| {
        let light = picture.pixels().map(|pixel| share(pixel[channel])).collect();
        diffuse(light, size, &steps(bits[channel]))
    });
    let pixels = red.into_iter().zip(green).zip(blue);
    pixels.flat_map(|((red, green), blue)| [red, green, blue]).collect()
}

/// One step that a panel shows: its number in a file, and its light.
#[derive(Clone, Copy)]
struct Step {
    number: u8,
    light: f32,
}

/// Returns the steps of so many bits, 1 to 8, spread evenly over the numbers.
fn steps(bits: u8) -> Vec<Step> {
    let last = (1_u32 << bits.min(8)) - 1;
    let number = |step: u32| u8::try_from((step * 255 + last / 2) / last).unwrap_or(u8::MAX);
    (0..=last).map(number).map(|number| Step { number, light: share(to_light(number)) }).collect()
}

/// The steps of a panel, for what is drawn with them.
pub(super) struct Steps([[u8; 256]; 3]);

impl Steps {
    pub(super) fn of(depth: u8) -> Self {
        let bits = match depth {
            0..=DEEPEST_GREY => [depth.max(1); 3],
            12 => [4, 4, 4],
            16 => [5, 6, 5],
            _ => [8, 8, 8],
        };
        Self(bits.map(|bits| {
            let steps = steps(bits);
            let mut nearest_of = [0; 256];
            for (number, step) in (0..=u8::MAX).zip(&mut nearest_of) {
                *step = nearest(&steps, share(to_light(number))).number;
            }
            nearest_of
        }))
    }

    /// Returns the number of the panel that is nearest to this one.
    pub(super) fn nearest(&self, channel: usize, number: u8) -> u8 {
        self.0[channel][usize::from(number)]
    }
}

fn diffuse(mut light: Vec<f32>, size: Size, steps: &[Step]) -> Vec<u8> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut numbers = vec![0; light.len()];
    for y in 0..height {
        let backwards = y % 2 == 1;
        for n in 0..width {
            let x = if backwards { width - 1 - n } else { n };
            let at = y * width + x;
            let wanted = light[at].clamp(0.0, 1.0);
            let step = nearest(steps, wanted);
            numbers[at] = step.number;
            let lacking = wanted - step.light;
            let mut hand_on = |along: isize, down: usize, part: f32| {
                let along = if backwards { -along } else { along };
                if let Some(x) = x.checked_add_signed(along).filter(|x| *x < width)
                    && y + down < height
                {
                    light[(y + down) * width + x] += lacking * part;
                }
            };
            hand_on(1, 0, 7.0 / 16.0);
            hand_on(-1, 1, 3.0 / 16.0);
            hand_on(0, 1, 5.0 / 16.0);
            hand_on(1, 1, 1.0 / 16.0);
        }
    }
    numbers
}

fn nearest(steps: &[Step], light: f32) -> Step {
    let above = steps.partition_point(|step| step.light < light).min(steps.len() - 1);
    let below = above.saturating_sub(1);
    if light - steps[below].light <= steps[above].light - light {
        steps[below]
    } else {
        steps[above]
    }
}

/// Panels of up to this many bits show grey: the 7906, 7911, 79x1 and 79x2.
const DEEPEST_GREY: u8 = 4;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::colour::Colour;

    fn flat(value: [u8; 3], depth: u8) -> Raster {
        reduce(&Linear::filled(Size::new(64, 64), Colour(value)), depth)
    }

    #[test]
    fn panels_get_only_their_steps() {
        for (depth, most) in [(1, 2), (4, 16), (12, 16), (16, 64)] {
            for value in (0..=u8::MAX).step_by(15) {
                let raster = flat([value, 255 - value, 128], depth);
                assert_eq!(raster.bytes.len(), if raster.grey { 4096 } else { 4096 * 3 });
                let found: HashSet<u8> = raster.bytes.into_iter().collect();
                let allowed: HashSet<u8> = [steps(4), steps(5), steps(6), steps(1)]
                    .iter()
                    .filter(|steps| steps.len() <= most)
                    .flatten()
                    .map(|step| step.number)
                    .collect();
                assert!(found.is_subset(&allowed), "{depth}: {found:?}");
            }
        }
        assert_eq!(steps(1).iter().map(|step| step.number).collect::<Vec<_>>(), [0, 255]);
        assert!(steps(4).iter().zip(0..).all(|(step, at)| step.number == at * 17));
    }

    #[test]
    fn the_light_stays_the_same() {
        for depth in [1, 4, 12, 16] {
            for value in [10, 60, 128, 200, 250] {
                let raster = flat([value; 3], depth);
                let sum: f32 = raster.bytes.iter().map(|v| share(to_light(*v))).sum();
                let mean = sum / raster.bytes.len() as f32;
                let wanted = share(to_light(value));
                assert!((mean - wanted).abs() < 0.01, "{depth} bits, {value}: {mean} for {wanted}");
            }
        }
    }

    #[test]
    fn deep_panels_get_every_number() {
        let raster = flat([1, 130, 254], 24);
        assert!(!raster.grey);
        assert_eq!(raster.bytes[..3], [1, 130, 254]);
    }
}
