//! Checks that a picture's file is whole, where decoders are lenient: what is missing or overwritten in a file must
//! not become part of a picture.

use flate2::Crc;
use image::ImageFormat;

use super::compressed_data::{CUT, Lzw, check_zeros, inflate};
use super::{PictureProblem, jpeg_integrity, tiff_integrity};

/// Checks a file, and returns what is wrong with it.
///
/// The decoder of BMP refuses a file that ends early by itself. Nothing can be found out about
/// uncompressed pixels, nor about a colour that has changed where a format has no checksum.
pub(super) fn check(format: ImageFormat, file: &[u8]) -> Result<(), PictureProblem> {
    let check = if format == ImageFormat::Jpeg {
        jpeg_integrity::check
    } else if format == ImageFormat::Png {
        check_png
    } else if format == ImageFormat::Gif {
        check_gif
    } else if format == ImageFormat::WebP {
        check_webp
    } else if format == ImageFormat::Tiff {
        return tiff_integrity::check(file);
    } else {
        return Ok(());
    };
    check(file).map_err(PictureProblem::Damaged)
}

/// Checks the checksum of every chunk up to the last one, and that of the pixels; the decoder leaves out chunks that only
/// change colours, and the pixels' checksum.
fn check_png(file: &[u8]) -> Result<(), String> {
    let mut rest = file.get(8..).ok_or(CUT)?;
    let (mut header, mut data): (&[u8], Vec<&[u8]>) = (&[], Vec::new());
    loop {
        let (length, behind) = rest.split_first_chunk().ok_or(CUT)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| CUT)?;
        let (body, behind) = behind.split_at_checked(length.saturating_add(4)).ok_or(CUT)?;
        let (sum, behind) = behind.split_first_chunk().ok_or(CUT)?;
        let mut crc = Crc::new();
        crc.update(body);
        if crc.sum() != u32::from_be_bytes(*sum) {
            return Err(format!("the checksum of its {} chunk is wrong", body[..4].escape_ascii()));
        }
        match body.split_at(4) {
            (b"IHDR", body) => header = body,
            (b"IDAT", body) => data.push(body),
            (b"IEND", _) => return check_png_data(header, data),
            (_, _) => {}
        }
        rest = behind;
    }
}

/// Checks the pixels of a PNG file: their checksum, and that there are as many lines as the header declares.
fn check_png_data(header: &[u8], data: Vec<&[u8]>) -> Result<(), String> {
    let &[w3, w2, w1, w0, h3, h2, h1, h0, depth, colour, _, _, interlaced] = header else {
        return Err("its header is damaged".to_owned());
    };
    let side = |bytes| u64::from(u32::from_be_bytes(bytes));
    let (width, height) = (side([w3, w2, w1, w0]), side([h3, h2, h1, h0]));
    let channels = [1, 0, 3, 1, 2, 0, 4].get(usize::from(colour)).copied().unwrap_or(0);
    // The first column and row, and the steps between them, of the parts of an interlaced picture (PNG, section 8.1).
    let parts: &[(u64, u64, u64, u64)] = match interlaced {
        0 => &[(0, 0, 1, 1)],
        _ => &[
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        ],
    };
    let row = |width: u64| (width * channels * u64::from(depth)).div_ceil(8) + 1;
    let expected: u64 = parts
        .iter()
        .map(|(x, y, across, down)| {
            let columns = width.saturating_sub(*x).div_ceil(*across);
            let rows = height.saturating_sub(*y).div_ceil(*down);
            if columns == 0 { 0 } else { rows.saturating_mul(row(columns)) }
        })
        .fold(0, u64::saturating_add);
    // Some programs write a few bytes more.
    let count = inflate(data, expected.saturating_add(row(width) - 1))?;
    if count < expected { Err(CUT.to_owned()) } else { Ok(()) }
}

/// Checks that the first picture has as many pixels as it should, and no more.
fn check_gif(file: &[u8]) -> Result<(), String> {
    let palette = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut at = 13 + palette(*file.get(10).ok_or(CUT)?);
    loop {
        match *file.get(at).ok_or(CUT)? {
            0x21 => at = sub_blocks(file, at + 2, None)?,
            0x2c => break,
            _ => return Err(format!("there is no block at byte {at}")),
        }
    }
    let head = file.get(at + 1..at + 10).ok_or(CUT)?;
    let side = |at: usize| usize::from(head[at]) | usize::from(head[at + 1]) << 8;
    let pixels = (side(4) * side(6)) as u64;
    at += 10 + palette(head[8]);
    let code_bits = u32::from(*file.get(at).ok_or(CUT)?);
    let mut codes = Vec::new();
    sub_blocks(file, at + 1, Some(&mut codes))?;
    if !(1..=11).contains(&code_bits) {
        return Err("the length of its codes cannot be".to_owned());
    }
    Lzw::GIF.check(&codes, code_bits, pixels..=pixels)
}

/// Walks over blocks up to the empty one, and returns where it ends.
fn sub_blocks(file: &[u8], mut at: usize, mut to: Option<&mut Vec<u8>>) -> Result<usize, String> {
    loop {
        let length = usize::from(*file.get(at).ok_or(CUT)?);
        let block = file.get(at + 1..=at + length).ok_or(CUT)?;
        at += 1 + length;
        if length == 0 {
            return Ok(at);
        }
        if let Some(to) = &mut to {
            to.extend(block);
        }
    }
}

/// Checks that every chunk is there, and that none has a hole.
///
/// Neither of the two codings has a checksum. A hole of zeros is found because both leave out what repeats, so
/// that no encoder writes as many of them.
fn check_webp(file: &[u8]) -> Result<(), String> {
    let riff = chunk(file)?.0;
    let mut rest = riff.1.get(4..).ok_or(CUT)?;
    while !rest.is_empty() {
        let ((name, body), behind) = chunk(rest)?;
        let is_coded = [b"VP8 ", b"VP8L", b"ALPH", b"ANMF"].contains(&name);
        if is_coded {
            check_zeros(body, MOST_ZEROS)?;
        }
        rest = behind;
    }
    Ok(())
}

type Chunk<'a> = (&'a [u8; 4], &'a [u8]);

fn chunk(bytes: &[u8]) -> Result<(Chunk<'_>, &[u8]), String> {
    let (name, behind) = bytes.split_first_chunk().ok_or(CUT)?;
    let (length, behind) = behind.split_first_chunk().ok_or(CUT)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| CUT)?;
    let (body, behind) = behind.split_at_checked(length).ok_or(CUT)?;
    // A chunk of odd length has a byte behind it.
    Ok(((name, body), behind.get(length % 2..).unwrap_or_default()))
}

/// A run of zeros that is no part of coded pixels.
const MOST_ZEROS: usize = 256;

#[cfg(test)]
mod tests;
