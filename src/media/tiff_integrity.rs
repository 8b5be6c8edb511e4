//! Checks that the strips or tiles of a TIFF file are whole: decoders take as many bytes out of each as they need, and
//! look at no checksum.
//!
//! Deflate has a checksum, JPEG is checked as a file of its own, and the codes of LZW and PackBits have to give as many
//! bytes as there are pixels (TIFF 6.0, sections 9 and 13, and Technical Notes 1 and 2). Nothing can be found out about
//! single colours there, nor about uncompressed pixels. Other compressions are not read, because a damaged file could not
//! be told from a whole one.

use std::io::Cursor;
use std::ops::RangeInclusive;

use tiff::TiffResult;
use tiff::decoder::Decoder;
use tiff::tags::{CompressionMethod, Tag};

use super::PictureProblem;
use super::compressed_data::{CUT, Lzw, check_zeros, inflate};
use super::jpeg_integrity;

/// Checks the first picture of a file. What has no usable directory is left to the decoder.
pub(super) fn check(file: &[u8]) -> Result<(), PictureProblem> {
    let Ok(chunks) = Chunks::read(file) else { return Ok(()) };
    let is_one = |known: &[CompressionMethod]| known.contains(&chunks.compression);
    if is_one(&[CompressionMethod::None]) {
        return Ok(());
    }
    if is_one(&[
        CompressionMethod::LZW,
        CompressionMethod::PackBits,
        CompressionMethod::ModernJPEG,
        CompressionMethod::Deflate,
        CompressionMethod::OldDeflate,
    ]) {
        return chunks.check(file).map_err(PictureProblem::Damaged);
    }
    let fax = [CompressionMethod::Huffman, CompressionMethod::Fax3, CompressionMethod::Fax4];
    let kind = if is_one(&fax) {
        "fax"
    } else if is_one(&[CompressionMethod::JPEG]) {
        "old-style JPEG"
    } else if is_one(&[CompressionMethod::ZSTD]) {
        "Zstandard"
    } else if is_one(&[CompressionMethod::WebP]) {
        "WebP"
    } else {
        "unknown"
    };
    Err(PictureProblem::Unsupported(format!("TIFF ({kind} compression)")))
}

/// The strips or tiles of a picture.
struct Chunks {
    compression: CompressionMethod,
    /// Where each of them is, and its length.
    places: Vec<(u64, u64)>,
    /// Bytes in a row.
    row: u64,
    /// Rows of a whole one, and of the picture where it has strips, the last of which may be shorter.
    rows: u64,
    height: Option<u64>,
    jpeg_tables: Vec<u8>,
}

impl Chunks {
    fn read(file: &[u8]) -> TiffResult<Self> {
        let mut tiff = Decoder::new(Cursor::new(file))?;
        let (width, height) = tiff.dimensions()?;
        let compression = tiff.find_tag_unsigned(Tag::Compression)?.unwrap_or(1);
        let bits: Vec<u64> = tiff.find_tag_unsigned_vec(Tag::BitsPerSample)?.unwrap_or_default();
        let samples = tiff.find_tag_unsigned(Tag::SamplesPerPixel)?.unwrap_or(1_u64);
        let planes = tiff.find_tag_unsigned(Tag::PlanarConfiguration)?.unwrap_or(1_u64);
        let is_tiled = tiff.find_tag(Tag::TileOffsets)?.is_some();
        let (offsets, lengths) = if is_tiled {
            (Tag::TileOffsets, Tag::TileByteCounts)
        } else {
            (Tag::StripOffsets, Tag::StripByteCounts)
        };
        let (offsets, lengths) = (tiff.get_tag_u64_vec(offsets)?, tiff.get_tag_u64_vec(lengths)?);
        let (width, rows) = if is_tiled {
            (tiff.get_tag_u32(Tag::TileWidth)?, tiff.get_tag_u32(Tag::TileLength)?)
        } else {
            (width, tiff.find_tag_unsigned(Tag::RowsPerStrip)?.unwrap_or(height).min(height))
        };
        let jpeg_tables = match tiff.find_tag(Tag::JPEGTables)? {
            Some(tables) => tables.into_u8_vec()?,
            None => Vec::new(),
        };
        let samples = if planes == 2 { 1 } else { samples };
        let bits = bits.first().copied().unwrap_or(1).saturating_mul(samples);
        Ok(Self {
            compression: CompressionMethod::from_u16_exhaustive(compression),
            places: offsets.into_iter().zip(lengths).collect(),
            row: bits.saturating_mul(width.into()).div_ceil(8),
            rows: u64::from(rows).max(1),
            height: (!is_tiled).then_some(height.into()),
            jpeg_tables,
        })
    }

    fn check(&self, file: &[u8]) -> Result<(), String> {
        for (index, (at, length)) in (0_u64..).zip(&self.places) {
            let start = usize::try_from(*at).map_err(|_| CUT)?;
            let length = usize::try_from(*length).map_err(|_| CUT)?;
            let data = file.get(start..).and_then(|rest| rest.get(..length)).ok_or(CUT)?;
            self.check_one(data, self.bytes(index))?;
        }
        Ok(())
    }

    /// Returns how many bytes a strip or tile has; some programs fill up the last strip.
    fn bytes(&self, index: u64) -> RangeInclusive<u64> {
        let most = self.rows.saturating_mul(self.row);
        let least = self.height.map_or(most, |height| {
            let before = index % height.div_ceil(self.rows).max(1) * self.rows;
            height.saturating_sub(before).min(self.rows).saturating_mul(self.row)
        });
        least..=most
    }

    fn check_one(&self, data: &[u8], bytes: RangeInclusive<u64>) -> Result<(), String> {
        if self.compression == CompressionMethod::LZW {
            check_zeros(data, MOST_ZEROS)?;
            return Lzw::TIFF.check(data, 8, bytes);
        }
        if self.compression == CompressionMethod::PackBits {
            check_zeros(data, MOST_ZEROS)?;
            return check_pack_bits(data, &bytes);
        }
        if self.compression == CompressionMethod::ModernJPEG {
            // The tables are a file without a picture, of which the end is left out.
            let tables = self.jpeg_tables.strip_suffix(b"\xff\xd9").unwrap_or(b"\xff\xd8");
            return jpeg_integrity::check(&[tables, data.get(2..).ok_or(CUT)?].concat());
        }
        let count = inflate([data], *bytes.end())?;
        if bytes.contains(&count) { Ok(()) } else { Err(CUT.to_owned()) }
    }
}

/// LZW and PackBits leave out what repeats, so that no encoder writes as many zeros.
const MOST_ZEROS: usize = 64;

/// Counts the bytes of runs: a number of bytes as they are, or one byte and its number of repeats.
fn check_pack_bits(mut data: &[u8], bytes: &RangeInclusive<u64>) -> Result<(), String> {
    let mut count = 0;
    while let Some((head, rest)) = data.split_first().filter(|_| count < *bytes.end()) {
        let (length, held) = match *head {
            128 => (0, 0),
            copied @ ..128 => (u64::from(copied) + 1, usize::from(copied) + 1),
            repeated => (257 - u64::from(repeated), 1),
        };
        count += length;
        data = rest.get(held..).ok_or(CUT)?;
    }
    // A byte that fills up an even length may be behind them.
    if data.len() > 1 || count > *bytes.end() {
        return Err("its data goes on behind its last pixel".to_owned());
    }
    if bytes.contains(&count) { Ok(()) } else { Err(CUT.to_owned()) }
}
