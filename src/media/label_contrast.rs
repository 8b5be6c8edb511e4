//! Makes the parts of a picture calm on which a phone writes its labels.
//!
//! Two things make labels unreadable: a background as bright or as dark as the letters, and one that is
//! both by turns. So differences are made smaller there first, then everything is darkened behind white
//! letters or lightened behind black ones, as far as is needed and no further. Towards the rest of the
//! picture that fades out.

use crate::media::label_zones::{Letters, Zone};
use crate::media::linear_light::{Linear, luminance};

/// Calms the parts of a picture behind labels; `bits` is the depth of the panel.
pub(crate) fn calm(picture: &mut Linear, zones: &[Zone], letters: Letters, bits: u8) {
    let size = picture.size();
    let fade = (size.width.max(size.height) / FADE).max(1);
    for zone in zones {
        let Some(mean) = mean(picture, zone) else { continue };
        let shift = Shift::of(mean, letters, bits);
        picture.change(|x, y, light| {
            let distance = zone.distance(x, y);
            if distance > fade {
                return light;
            }
            let strength = 1.0 - distance as f32 / (fade + 1) as f32;
            let calm = shift.apply(light);
            [0, 1, 2].map(|channel| light[channel] + (calm[channel] - light[channel]) * strength)
        });
    }
}

/// What is done to the light of one zone.
struct Shift {
    mean: [f32; 3],
    letters: Letters,
    /// The most light behind white letters, the least behind black ones.
    bound: f32,
    /// How much of the light, or of what lacks of white, is left.
    left: f32,
}

impl Shift {
    fn of(mean: [f32; 3], letters: Letters, bits: u8) -> Self {
        // A panel of one bit has no grey: whatever is not white there is a pattern of black dots.
        let (bound, aim) = match letters {
            Letters::White => (DARK, luminance(mean)),
            Letters::Black if bits == 1 => (1.0, 1.0 - luminance(mean)),
            Letters::Black => (LIGHT, 1.0 - luminance(mean)),
        };
        let room = if letters == Letters::White { bound } else { 1.0 - bound };
        // The mean keeps some distance, so that not every difference is flattened by the bound.
        let left = if aim > 0.0 { (MARGIN * room / aim).min(1.0) } else { 1.0 };
        Self { mean, letters, bound, left }
    }

    fn apply(&self, light: [f32; 3]) -> [f32; 3] {
        let soft = [0, 1, 2].map(|c| self.mean[c] + (light[c] - self.mean[c]) * CONTRAST);
        match self.letters {
            Letters::White => {
                let dark = soft.map(|light| light * self.left);
                let over = luminance(dark) / self.bound;
                if over > 1.0 { dark.map(|light| light / over) } else { dark }
            }
            Letters::Black => {
                let lacking = soft.map(|light| (1.0 - light) * self.left);
                let most = 1.0 - self.bound;
                let over = luminance(lacking);
                let kept = if over > most { most / over } else { 1.0 };
                lacking.map(|lacking| 1.0 - lacking * kept)
            }
        }
    }
}

fn mean(picture: &Linear, zone: &Zone) -> Option<[f32; 3]> {
    let (mut sum, mut count) = ([0.0_f64; 3], 0_u32);
    let width = picture.size().width;
    for (at, pixel) in (0_u32..).zip(picture.pixels()) {
        if zone.distance(at % width, at / width) == 0 {
            for (sum, light) in sum.iter_mut().zip(pixel) {
                *sum += f64::from(light) / f64::from(u16::MAX);
            }
            count += 1;
        }
    }
    (count > 0).then(|| sum.map(|sum| (sum / f64::from(count)) as f32))
}

/// How much of the differences within a zone is left.
const CONTRAST: f32 = 0.35;

/// The most light behind white letters: a contrast of 5.5 to 1, so that 4.5 is left when a panel of few
/// colours shows it.
const DARK: f32 = 1.05 / 5.5 - 0.05;

/// The least light behind black letters: the same contrast.
const LIGHT: f32 = 5.5 * 0.05 - 0.05;

/// How near the mean of a zone comes to those.
const MARGIN: f32 = 0.8;

/// Which part of the longer side the fading takes.
const FADE: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::colour::Colour;
    use crate::domain::model::Size;
    use crate::media::depth::reduce;
    use crate::media::label_zones::contrast;

    /// Stripes of black, white and strong colours, four pixels wide.
    fn busy(size: Size) -> Linear {
        let colours = [[0, 0, 0], [255, 255, 255], [255, 40, 0], [0, 90, 255], [250, 250, 20]];
        let mut picture = Linear::filled(size, Colour::default());
        for (at, left) in (0..size.width).step_by(4).enumerate() {
            let stripe = Linear::filled(Size::new(4, size.height), Colour(colours[at % 5]));
            picture.put(&stripe, left, 0);
        }
        picture
    }

    #[test]
    fn labels_can_be_read_on_the_busiest_picture() {
        let size = Size::new(200, 120);
        let zones = [
            Zone { left: 0, top: 0, right: 200, bottom: 20 },
            Zone { left: 100, top: 20, right: 200, bottom: 120 },
        ];
        for letters in [Letters::White, Letters::Black] {
            for bits in [1, 4, 12, 16, 24] {
                if bits <= 4 && letters == Letters::White {
                    continue;
                }
                let mut picture = busy(size);
                let before = contrast(&reduce(&picture, bits), &zones, letters);
                assert!(!before.is_readable(), "{before}");
                calm(&mut picture, &zones, letters, bits);
                let after = contrast(&reduce(&picture, bits), &zones, letters);
                assert!(after.is_readable(), "{letters:?} on {bits} bits: {after}");
            }
        }
    }

    #[test]
    fn what_lies_far_from_labels_stays_as_it_is() {
        let before = busy(Size::new(200, 120));
        let mut after = busy(Size::new(200, 120));
        let zone = Zone { left: 150, top: 0, right: 200, bottom: 120 };
        calm(&mut after, &[zone], Letters::White, 24);
        let rows = |picture: &Linear| {
            picture.to_srgb().chunks(600).map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        for (before, after) in rows(&before).iter().zip(rows(&after)) {
            // The fading is 12 pixels wide.
            assert_eq!(before[..137 * 3], after[..137 * 3]);
            assert_ne!(before[150 * 3..], after[150 * 3..]);
        }
    }
}
