//! How a picture was fitted to a panel.

use crate::domain::model::Size;

/// How a picture was fitted to a panel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fitting {
    /// By how much it was enlarged, in tenths: 20 is twice its size.
    pub enlarged: u32,
    /// How much of its area was cut off, in percent.
    pub cut_off: u32,
}

impl Fitting {
    /// The picture as it is.
    pub const UNCHANGED: Self = Self { enlarged: 10, cut_off: 0 };

    /// Returns how a part of a picture was fitted to an area.
    pub(crate) fn of(picture: Size, part: Size, area: Size) -> Self {
        let pixels = |size: Size| u64::from(size.width) * u64::from(size.height);
        let tenths = |from: u32, to: u32| u64::from(to) * 10 / u64::from(from.max(1));
        let enlarged = tenths(part.width, area.width).max(tenths(part.height, area.height));
        let cut_off = pixels(picture).saturating_sub(pixels(part)) * 100 / pixels(picture).max(1);
        Self {
            enlarged: u32::try_from(enlarged).unwrap_or(u32::MAX),
            cut_off: u32::try_from(cut_off).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_factors_are_rounded_down() {
        let of = |from: (u32, u32), part: (u32, u32), to: (u32, u32)| {
            let size = |(width, height)| Size::new(width, height);
            Fitting::of(size(from), size(part), size(to))
        };
        assert_eq!(of((100, 100), (100, 100), (100, 100)), Fitting::UNCHANGED);
        assert_eq!(of((100, 100), (100, 50), (209, 100)).enlarged, 20);
        assert_eq!(of((300, 100), (200, 100), (200, 100)).cut_off, 33);
        assert_eq!(of((0, 0), (0, 0), (1, 1)).enlarged, 10);
    }
}
