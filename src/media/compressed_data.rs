//! Checks of compressed data that several formats of pictures have in common.

use std::ops::RangeInclusive;

use flate2::{Decompress, FlushDecompress, Status};

/// Counts the bytes of zlib data in parts, and verifies their checksum.
pub(super) fn inflate<'a>(
    parts: impl IntoIterator<Item = &'a [u8]>,
    most: u64,
) -> Result<u64, String> {
    let mut zlib = Decompress::new(true);
    let mut buffer = vec![0; 1 << 16];
    for mut part in parts {
        loop {
            let before = (zlib.total_in(), zlib.total_out());
            let status = zlib
                .decompress(part, &mut buffer, FlushDecompress::None)
                .map_err(|_| "the checksum of its data is wrong, or the data itself".to_owned())?;
            let (read, written) = (zlib.total_in() - before.0, zlib.total_out() - before.1);
            if zlib.total_out() > most {
                return Err("its data goes on behind its last pixel".to_owned());
            }
            if status == Status::StreamEnd {
                return Ok(zlib.total_out());
            }
            if read == 0 && written == 0 {
                break;
            }
            // No more was read than there is.
            part = &part[usize::try_from(read).unwrap_or(part.len())..];
        }
    }
    Err(CUT.to_owned())
}

/// How codes are put together.
pub(super) struct Lzw {
    /// Whether the first code begins at the highest bit of a byte.
    from_high_bit: bool,
    /// By how many codes too early codes get longer.
    early: usize,
}

impl Lzw {
    pub(super) const GIF: Self = Self { from_high_bit: false, early: 0 };
    pub(super) const TIFF: Self = Self { from_high_bit: true, early: 1 };

    /// Counts the pixels or bytes of codes.
    pub(super) fn check(
        &self,
        codes: &[u8],
        code_bits: u32,
        pixels: RangeInclusive<u64>,
    ) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("its data {what}"));
        let ended = |count: u64| {
            if pixels.contains(&count) { Ok(()) } else { wrong("ends before its last pixel") }
        };
        let clear = 1_usize << code_bits;
        // How many pixels each code means.
        let mut known: Vec<u64> = vec![1; clear + 2];
        let mut bits = code_bits + 1;
        let (mut buffer, mut held, mut count) = (0_u32, 0, 0);
        let mut before: Option<u64> = None;
        let mut bytes = codes.iter();
        loop {
            while held < bits {
                let Some(byte) = bytes.next() else { return ended(count) };
                if self.from_high_bit {
                    buffer = buffer << 8 | u32::from(*byte);
                } else {
                    buffer |= u32::from(*byte) << held;
                }
                held += 8;
            }
            held -= bits;
            let mask = (1 << bits) - 1;
            let code = if self.from_high_bit {
                buffer >> held & mask
            } else {
                let code = buffer & mask;
                buffer >>= bits;
                code
            } as usize;
            if code == clear {
                known.truncate(clear + 2);
                bits = code_bits + 1;
                before = None;
                continue;
            }
            if code == clear + 1 {
                return ended(count);
            }
            let length = match (known.get(code), before) {
                (Some(length), _) => *length,
                (None, Some(before)) if code == known.len() => before + 1,
                (None, _) => return wrong("holds a code that cannot be"),
            };
            if let Some(before) = before.filter(|_| known.len() < 4096) {
                known.push(before + 1);
                if known.len() + self.early == 1 << bits && bits < 12 {
                    bits += 1;
                }
            }
            before = Some(length);
            count += length;
            if count > *pixels.end() {
                return wrong("goes on behind its last pixel");
            }
        }
    }
}

/// Refuses as many zeros as no encoder writes in one place.
pub(super) fn check_zeros(data: &[u8], most: usize) -> Result<(), String> {
    if data.split(|byte| *byte != 0).any(|zeros| zeros.len() >= most) {
        return Err(format!("{most} bytes of its data or more are missing"));
    }
    Ok(())
}

pub(super) const CUT: &str = "it ends before the end of the picture";
