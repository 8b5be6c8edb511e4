//! Colour profiles: what a picture's numbers mean, turned into what a phone takes them for.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Turns rows of 8-bit pixels into sRGB. The first `channels` of a pixel are its colour: red, green and blue
/// of 3 or, with transparency, 4 bytes.
///
/// # Errors
/// Says in words why the profile cannot be used; the pixels are as they were then.
pub(super) fn to_srgb(
    profile: &[u8],
    pixels: &mut [u8],
    channels: usize,
    row_bytes: usize,
) -> Result<(), String> {
    let source = ColorProfile::new_from_slice(profile).map_err(|error| error.to_string())?;
    // Grey pictures are read as red, green and blue, so their profile no longer belongs to the numbers.
    if source.color_space != DataColorSpace::Rgb {
        return Err("it is not about red, green and blue".to_owned());
    }
    let layout = if channels == 4 { Layout::Rgba } else { Layout::Rgb };
    let srgb = ColorProfile::new_srgb();
    let transform = source
        .create_transform_8bit(layout, &srgb, layout, TransformOptions::default())
        .map_err(|error| error.to_string())?;
    // Row by row: a second copy of a large picture would need too much memory.
    let mut before = vec![0; row_bytes];
    for row in pixels.chunks_exact_mut(row_bytes.max(1)) {
        before.copy_from_slice(row);
        transform.transform(&before, row).map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_colours_become_those_of_the_screen() {
        let wide = ColorProfile::new_display_p3().encode().unwrap();
        let mut pixels = [200, 100, 50, 77, 0, 0, 0, 255];
        to_srgb(&wide, &mut pixels, 4, 8).unwrap();
        // The same colour needs more red where red is paler; black and transparency stay.
        assert!(pixels[0] > 208 && pixels[1] < 100 && pixels[2] < 50, "{pixels:?}");
        assert_eq!((pixels[3], &pixels[4..]), (77, [0, 0, 0, 255].as_slice()));
    }

    #[test]
    fn the_screens_own_profile_changes_nothing() {
        let own = ColorProfile::new_srgb().encode().unwrap();
        let mut pixels: Vec<u8> = (0..=254).collect();
        to_srgb(&own, &mut pixels, 3, 255).unwrap();
        for (value, expected) in pixels.iter().zip(0_u8..) {
            assert!(value.abs_diff(expected) <= 1, "{value} for {expected}");
        }
    }

    #[test]
    fn what_is_no_profile_changes_nothing() {
        let mut pixels = [1, 2, 3];
        to_srgb(b"no profile", &mut pixels, 3, 3).unwrap_err();
        assert_eq!(pixels, [1, 2, 3]);
    }
}
