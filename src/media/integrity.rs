//! Checks that a picture's file is whole, where decoders are lenient: what is missing or overwritten in a file must
//! not become part of a picture.

use flate2::Crc;
use image::ImageFormat;

use super::jpeg_integrity;

/// Checks a file, and returns what is wrong with it.
///
/// The decoders of BMP and TIFF refuse a file that ends early by themselves. Nothing can be found out about
/// uncompressed pixels, nor about a colour that has changed where a format has no checksum.
pub(super) fn check(format: ImageFormat, file: &[u8]) -> Result<(), String> {
    let check = if format == ImageFormat::Jpeg {
        jpeg_integrity::check
    } else if format == ImageFormat::Png {
        check_png
    } else if format == ImageFormat::Gif {
        check_gif
    } else if format == ImageFormat::WebP {
        check_webp
    } else {
        return Ok(());
    };
    check(file)
}

/// Checks the checksum of every chunk up to the last one; the decoder leaves out those that only change colours.
fn check_png(file: &[u8]) -> Result<(), String> {
    let mut rest = file.get(8..).ok_or(CUT)?;
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
        if body.starts_with(b"IEND") {
            return Ok(());
        }
        rest = behind;
    }
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
    let pixels = side(4) * side(6);
    at += 10 + palette(head[8]);
    let code_bits = u32::from(*file.get(at).ok_or(CUT)?);
    let mut codes = Vec::new();
    sub_blocks(file, at + 1, Some(&mut codes))?;
    if !(1..=11).contains(&code_bits) {
        return Err("the length of its codes cannot be".to_owned());
    }
    check_lzw(&codes, code_bits, pixels)
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

/// Counts the pixels of LZW codes.
fn check_lzw(codes: &[u8], code_bits: u32, pixels: usize) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("its data {what}"));
    let clear = 1_usize << code_bits;
    // How many pixels each code means.
    let mut known: Vec<usize> = vec![1; clear + 2];
    let mut bits = code_bits + 1;
    let (mut buffer, mut held, mut count) = (0_u32, 0, 0);
    let mut before: Option<usize> = None;
    let mut bytes = codes.iter();
    loop {
        while held < bits {
            let Some(byte) = bytes.next() else {
                return if count == pixels { Ok(()) } else { wrong("ends before its last pixel") };
            };
            buffer |= u32::from(*byte) << held;
            held += 8;
        }
        let code = (buffer & ((1 << bits) - 1)) as usize;
        buffer >>= bits;
        held -= bits;
        if code == clear {
            known.truncate(clear + 2);
            bits = code_bits + 1;
            before = None;
            continue;
        }
        if code == clear + 1 {
            return if count == pixels { Ok(()) } else { wrong("ends before its last pixel") };
        }
        let length = match (known.get(code), before) {
            (Some(length), _) => *length,
            (None, Some(before)) if code == known.len() => before + 1,
            (None, _) => return wrong("holds a code that cannot be"),
        };
        if let Some(before) = before.filter(|_| known.len() < 4096) {
            known.push(before + 1);
            if known.len() == 1 << bits && bits < 12 {
                bits += 1;
            }
        }
        before = Some(length);
        count += length;
        if count > pixels {
            return wrong("goes on behind its last pixel");
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
        if is_coded && body.split(|byte| *byte != 0).any(|zeros| zeros.len() >= MOST_ZEROS) {
            return Err(format!("{MOST_ZEROS} bytes of its data or more are missing"));
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

const CUT: &str = "it ends before the end of the picture";

#[cfg(test)]
mod tests;
