//! Checks that a downloaded file is a picture that the model shows.

use std::io::Cursor;

use crate::domain::model::Size;

/// Returns the size of a PNG that a phone can show; nothing if it is none.
///
/// The whole picture is decoded: a damaged file is no picture. Interlaced ones are refused, as no
/// working picture that was published is interlaced.
pub(super) fn size(file: &[u8]) -> Option<Size> {
    let decoder = png::Decoder::new(Cursor::new(file));
    let mut reader = decoder.read_info().ok()?;
    let info = reader.info();
    if info.interlaced {
        return None;
    }
    let size = Size::new(info.width, info.height);
    // No panel is larger than this; a file that claims so is not decoded.
    if size.width > 4096 || size.height > 4096 {
        return None;
    }
    while reader.next_row().ok()?.is_some() {}
    reader.finish().ok()?;
    Some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(size: Size) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, size.width, size.height);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        let pixels = vec![7; (size.width * size.height * 3) as usize];
        writer.write_image_data(&pixels).unwrap();
        writer.finish().unwrap();
        file
    }

    #[test]
    fn tells_the_size_of_whole_pictures_only() {
        let file = png(Size::new(139, 109));
        assert_eq!(size(&file), Some(Size::new(139, 109)));
        assert_eq!(size(&file[..file.len() / 2]), None);
        assert_eq!(size(b"GIF89a"), None);
        assert_eq!(size(b""), None);
        let mut damaged = file;
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0xff;
        assert_eq!(size(&damaged), None);
    }
}
