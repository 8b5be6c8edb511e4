//! Where a picture goes on a panel: which part of it is kept, and which part of the panel it fills.

use crate::domain::model::Size;
use crate::media::MediaError;
use crate::media::fitting::Fitting;
use crate::media::linear_light::{Linear, Part};
use crate::media::options::{Fit, Focus, Options};
use crate::media::saliency::Interest;

/// Makes a picture exactly as large as a panel.
pub(crate) fn place(
    picture: &Linear,
    size: Size,
    options: &Options,
    interest: Option<&Interest>,
) -> Result<Linear, MediaError> {
    let from = picture.size();
    if [from.width, from.height, size.width, size.height].contains(&0) {
        return Err(MediaError::NoPixels { size });
    }
    match options.fit {
        Fit::Stretch => picture.scaled(Part::whole(from), size),
        Fit::Cover => {
            let kept = covering_part(from, size);
            let (left, top) = match (options.focus, interest) {
                (Focus::Auto, Some(interest)) => interest.best(from, kept),
                (Focus::Centre | Focus::Auto, _) => around(from, kept, 50.0, 50.0),
                (Focus::At { x, y }, _) => around(from, kept, x, y),
            };
            picture.scaled(Part { left, top, size: kept }, size)
        }
        Fit::Contain => {
            // What covers the other way round is what fits inside.
            let inside = covering_part(size, from);
            if inside == size {
                return picture.scaled(Part::whole(from), size);
            }
            let mut panel = Linear::filled(size, options.background);
            let (left, top) = ((size.width - inside.width) / 2, (size.height - inside.height) / 2);
            panel.put(&picture.scaled(Part::whole(from), inside)?, left, top);
            Ok(panel)
        }
    }
}

/// Returns how [`place`] fits a picture of this size to a panel.
pub(crate) fn fitting(from: Size, panel: Size, fit: Fit) -> Fitting {
    match fit {
        Fit::Stretch => Fitting::of(from, from, panel),
        Fit::Cover => Fitting::of(from, covering_part(from, panel), panel),
        Fit::Contain => Fitting::of(from, from, covering_part(panel, from)),
    }
}

/// Returns where a part of `from` begins whose middle is as near to this place as it can be. The place is in
/// hundredths of the width and the height.
fn around(from: Size, part: Size, x: f32, y: f32) -> (u32, u32) {
    let begin = |whole: u32, part: u32, at: f32| {
        let room = whole.saturating_sub(part);
        let middle = f64::from(whole) * f64::from(at) / 100.0;
        // Rounded down, as an even cut on both sides is.
        (middle - f64::from(part) / 2.0).floor().clamp(0.0, f64::from(room)) as u32
    };
    (begin(from.width, part.width, x), begin(from.height, part.height, y))
}

/// Returns the largest part of `from` that has the proportions of `to`, at least one pixel each way.
fn covering_part(from: Size, to: Size) -> Size {
    let wide = |size: Size| u64::from(size.width);
    let high = |size: Size| u64::from(size.height);
    // `a / b` rounded to the nearest, but never less than 1 nor more than there is.
    let share = |a: u64, b: u64, most: u32| {
        u32::try_from((a + b / 2) / b).map_or(most, |share| share.clamp(1, most))
    };
    if wide(from) * high(to) > wide(to) * high(from) {
        Size::new(share(high(from) * wide(to), high(to), from.width), from.height)
    } else {
        Size::new(from.width, share(wide(from) * high(to), wide(to), from.height))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_part_stays_inside_wherever_the_focus_is() {
        let (from, part) = (Size::new(900, 300), Size::new(300, 300));
        assert_eq!(around(from, part, 50.0, 50.0), (300, 0));
        assert_eq!(around(from, part, 0.0, 0.0), (0, 0));
        assert_eq!(around(from, part, 100.0, 100.0), (600, 0));
        assert_eq!(around(from, part, 33.3, 50.0).0, 149);
        assert_eq!(around(Size::new(5, 5), Size::new(2, 5), 50.0, 0.0), (1, 0));
    }

    proptest! {
        #[test]
        fn the_part_that_is_kept_lies_inside_and_has_the_right_proportions(
            from in (1_u32..20_000, 1_u32..20_000), to in (1_u32..3_000, 1_u32..3_000),
            focus in (0.0_f32..=100.0, 0.0_f32..=100.0),
        ) {
            let (from, to) = (Size::new(from.0, from.1), Size::new(to.0, to.1));
            let part = covering_part(from, to);
            prop_assert!((1..=from.width).contains(&part.width));
            prop_assert!((1..=from.height).contains(&part.height));
            prop_assert!(part.width == from.width || part.height == from.height);
            // Off by less than a pixel, or as near as one whole pixel can come.
            let (width, height) = (f64::from(part.width), f64::from(part.height));
            let ratio = f64::from(to.width) / f64::from(to.height);
            prop_assert!((width - height * ratio).abs() <= ratio.max(1.0), "{part} for {to}");
            let (left, top) = around(from, part, focus.0, focus.1);
            prop_assert!(left + part.width <= from.width && top + part.height <= from.height);
        }
    }
}
