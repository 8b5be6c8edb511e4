//! A guess at what in a picture is worth seeing: where edges are, and where colours stand out.
//!
//! It is a guess and no more: faces and logos are full of edges, skies and walls are not. A person looks at
//! the contact sheet, and says where the focus is when the guess is wrong.

use crate::domain::model::Size;
use crate::media::MediaError;
use crate::media::linear_light::{Linear, Part, luminance};

/// How interesting each column and each row of a picture is.
#[derive(Clone, Debug)]
pub(super) struct Interest {
    columns: Vec<f32>,
    rows: Vec<f32>,
}

impl Interest {
    pub fn of(picture: &Linear) -> Result<Self, MediaError> {
        let from = picture.size();
        let side = |side: u32| side.min(SIDE);
        let size = Size::new(side(from.width), side(from.height));
        let small = picture.scaled(Part::whole(from), size)?;
        let (width, height) = (size.width as usize, size.height as usize);
        // The eye's steps: an edge in the dark counts as much as one in the light.
        let pixels: Vec<[f32; 3]> = small
            .to_srgb()
            .chunks_exact(3)
            .map(|pixel| [pixel[0], pixel[1], pixel[2]].map(|number| f32::from(number) / 255.0))
            .collect();
        let brightness = |x: usize, y: usize| luminance(pixels[y * width + x]);
        let (mut columns, mut rows) = (vec![0.0; width], vec![0.0; height]);
        for y in 0..height {
            for x in 0..width {
                let here = brightness(x, y);
                let along = (here - brightness((x + 1).min(width - 1), y)).abs();
                let down = (here - brightness(x, (y + 1).min(height - 1))).abs();
                let value = along + down + COLOUR * saturation(pixels[y * width + x]);
                columns[x] += value;
                rows[y] += value;
            }
        }
        Ok(Self { columns, rows })
    }

    /// Returns where the part of this size begins that holds the most of it.
    pub fn best(&self, from: Size, part: Size) -> (u32, u32) {
        (best(&self.columns, from.width, part.width), best(&self.rows, from.height, part.height))
    }
}

fn saturation([red, green, blue]: [f32; 3]) -> f32 {
    red.max(green).max(blue) - red.min(green).min(blue)
}

/// Returns where a window of `part` of `whole` pixels begins that holds the most; of equal ones that which is
/// nearest to the middle.
fn best(values: &[f32], whole: u32, part: u32) -> u32 {
    let room = whole.saturating_sub(part);
    if room == 0 || values.is_empty() {
        return 0;
    }
    let count = values.len();
    let to_cells = |pixels: u32| (u64::from(pixels) * count as u64 / u64::from(whole)) as usize;
    let window = to_cells(part).clamp(1, count);
    // Where there is nothing, the middle is still the best.
    let total = values.iter().sum::<f32>().max(f32::MIN_POSITIVE * 1e9);
    let middle = (count - window) as f32 / 2.0;
    let judged = values.windows(window).enumerate().map(|(start, inside)| {
        let off = (start as f32 - middle).abs() / count as f32;
        (start, inside.iter().sum::<f32>() - MIDDLE * off * total)
    });
    let start = judged.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(start, _)| start);
    let last = (count - window).max(1) as u64;
    u32::try_from(u64::from(room) * start as u64 / last).unwrap_or(0).min(room)
}

/// How large the picture is that is looked at, both ways.
const SIDE: u32 = 128;

/// How much a full colour counts beside an edge from black to white.
const COLOUR: f32 = 0.15;

/// How much the middle is preferred, as a share of everything for a whole picture's distance.
const MIDDLE: f32 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::colour::Colour;

    #[test]
    fn the_window_goes_to_where_something_is() {
        let grey = Colour([120; 3]);
        for left in [20, 100, 230] {
            let mut picture = Linear::filled(Size::new(300, 100), grey);
            picture.put(&Linear::filled(Size::new(40, 40), Colour([250, 40, 40])), left, 30);
            let interest = Interest::of(&picture).unwrap();
            let (at, top) = interest.best(Size::new(300, 100), Size::new(100, 100));
            assert!(at <= left && left + 40 <= at + 100, "{left} at {at}");
            assert_eq!(top, 0);
        }
    }

    #[test]
    fn a_picture_of_nothing_is_cut_in_the_middle() {
        let picture = Linear::filled(Size::new(300, 100), Colour([90; 3]));
        let (at, _) =
            Interest::of(&picture).unwrap().best(Size::new(300, 100), Size::new(100, 100));
        assert!((98..=102).contains(&at), "{at}");
    }

    #[test]
    fn any_window_lies_inside() {
        for (whole, part) in [(1, 1), (2, 1), (10_000, 1), (10_000, 9_999), (3, 2)] {
            for values in [vec![1.0], vec![0.0, 5.0], vec![0.5; 128]] {
                assert!(best(&values, whole, part) + part <= whole, "{whole} {part}");
            }
        }
    }
}
