//! Files of every format, cut and overwritten at many places: what is not refused has the same pixels.

use std::io::Cursor;

use image::{DynamicImage, Rgb, RgbImage};

use super::*;
use crate::media::Picture;
use crate::media::picture::Decoded;

/// A picture with an edge, a slope and noise, so that every part of its file matters.
fn drawing(width: u32, height: u32) -> DynamicImage {
    let mut seed = 7_u32;
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, y| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (seed >> 27) as u8;
        let red = if x > y { 200 } else { 20 };
        Rgb([red + noise, (x * 2) as u8 + noise, (y * 2) as u8])
    }))
}

fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn gif() -> Vec<u8> {
    written(&DynamicImage::ImageRgba8(drawing(90, 70).into_rgba8()), ImageFormat::Gif)
}

fn whole_files() -> Vec<(&'static str, Vec<u8>)> {
    let image = drawing(90, 70);
    let mut files = vec![
        ("gray jpeg", written(&image.grayscale(), ImageFormat::Jpeg)),
        ("jpeg", written(&image, ImageFormat::Jpeg)),
        ("png", written(&image, ImageFormat::Png)),
        ("gif", gif()),
        ("lossless webp", written(&image, ImageFormat::WebP)),
        ("bmp", written(&image, ImageFormat::Bmp)),
        ("tiff", written(&image, ImageFormat::Tiff)),
    ];
    files.extend(CODED.map(|(name, bytes)| (name, bytes.to_vec())));
    files.extend(compressed_tiffs());
    files
}

/// TIFF files with strips of 20 rows, by the encoder of the `tiff` crate; JPEG strips, which it does not write, with tables
/// of their own and with common ones.
fn compressed_tiffs() -> Vec<(&'static str, Vec<u8>)> {
    use tiff::encoder::{Compression, TiffEncoder, colortype::RGB8};
    let image = drawing(90, 70).into_rgb8();
    let mut files = Vec::new();
    for (name, compression) in [
        ("lzw tiff", Compression::Lzw),
        ("deflate tiff", Compression::Deflate(Default::default())),
        ("packbits tiff", Compression::Packbits),
    ] {
        let mut bytes = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut bytes).unwrap().with_compression(compression);
        let mut picture = encoder.new_image::<RGB8>(90, 70).unwrap();
        picture.rows_per_strip(20).unwrap();
        picture.write_data(image.as_raw()).unwrap();
        files.push((name, bytes.into_inner()));
    }
    let strips = || {
        (0..70).step_by(20).map(|top| {
            let strip = image::imageops::crop_imm(&image, 0, top, 90, 20.min(70 - top)).to_image();
            written(&DynamicImage::ImageRgb8(strip), ImageFormat::Jpeg)
        })
    };
    files.push(("jpeg tiff", tiff_of_jpegs(strips().collect(), &[])));
    // The tables of all strips are the same.
    let first = strips().next().unwrap();
    let segments = jpeg_segments(&first);
    let is_table = |marker: u8| matches!(marker, 0xc4 | 0xdb);
    let part = |file: &[u8], tables: bool| -> Vec<u8> {
        let segments = jpeg_segments(file);
        let end = segments.last().unwrap().end;
        let chosen = segments.into_iter().filter(|range| is_table(file[range.start + 1]) == tables);
        let mut part = b"\xff\xd8".to_vec();
        part.extend(chosen.flat_map(|range| file[range].to_vec()));
        part.extend(if tables { b"\xff\xd9" } else { &file[end..] });
        part
    };
    assert!(segments.len() > 3);
    let tables = part(&first, true);
    let strips = strips().map(|file| part(&file, false)).collect();
    files.push(("jpeg tiff with common tables", tiff_of_jpegs(strips, &tables)));
    files
}

/// The segments in front of the codes of a JPEG file, the scan header among them.
fn jpeg_segments(file: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut at, mut segments) = (2, Vec::new());
    loop {
        let end = at + 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        segments.push(at..end);
        if file[at + 1] == 0xda {
            return segments;
        }
        at = end;
    }
}

fn tiff_of_jpegs(strips: Vec<Vec<u8>>, tables: &[u8]) -> Vec<u8> {
    let mut file = b"II*\0\0\0\0\0".to_vec();
    let mut put = |bytes: &[u8]| {
        let at = file.len() as u32;
        file.extend(bytes);
        file.extend(&[0][..bytes.len() % 2]);
        at
    };
    let numbers = |all: &[u32]| all.iter().flat_map(|one| one.to_le_bytes()).collect::<Vec<u8>>();
    let offsets: Vec<u32> = strips.iter().map(|strip| put(strip)).collect();
    let lengths: Vec<u32> = strips.iter().map(|strip| strip.len() as u32).collect();
    let (offsets, lengths) = (put(&numbers(&offsets)), put(&numbers(&lengths)));
    let bits = put(&[8, 0, 8, 0, 8, 0]);
    let common = put(tables);
    let strips = strips.len() as u32;
    // Width, height, bits, compression, RGB, strips, samples, rows, lengths, tables: tag, type, count, value.
    let mut entries = vec![
        (256_u16, 3_u16, 1, 90),
        (257, 3, 1, 70),
        (258, 3, 3, bits),
        (259, 3, 1, 7),
        (262, 3, 1, 2),
        (273, 4, strips, offsets),
        (277, 3, 1, 3),
        (278, 3, 1, 20),
        (279, 4, strips, lengths),
    ];
    if !tables.is_empty() {
        entries.push((347, 7, tables.len() as u32, common));
    }
    let mut directory = (entries.len() as u16).to_le_bytes().to_vec();
    for (tag, kind, count, value) in entries {
        directory.extend(tag.to_le_bytes());
        directory.extend(kind.to_le_bytes());
        directory.extend(numbers(&[count, value]));
    }
    directory.extend([0; 4]);
    let at = put(&directory);
    file[4..8].copy_from_slice(&at.to_le_bytes());
    file
}

/// What the encoders of this tree do not write: scans that refine others, restart markers, scans of one component,
/// lossy WebP.
const CODED: [(&str, &[u8]); 5] = [
    ("progressive jpeg", include_bytes!("../../../tests/pictures/progressive.jpg")),
    ("restart jpeg", include_bytes!("../../../tests/pictures/restart.jpg")),
    ("separate jpeg", include_bytes!("../../../tests/pictures/separate.jpg")),
    ("gray progressive jpeg", include_bytes!("../../../tests/pictures/gray.jpg")),
    ("lossy webp", include_bytes!("../../../tests/pictures/lossy.webp")),
];

fn pixels(file: &[u8]) -> Result<Vec<u8>, PictureProblem> {
    Decoded::of(file).map(|decoded| decoded.parts().0.as_bytes().to_vec())
}

#[test]
fn whole_files_are_read() {
    for (name, file) in whole_files() {
        let picture = Picture::decode(name, &file).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((picture.size().width, picture.size().height), (90, 70), "{name}");
        // What is behind the picture is no part of it.
        let longer = [&file[..], b"and more"].concat();
        assert_eq!(pixels(&longer).unwrap(), pixels(&file).unwrap(), "{name}");
    }
}

#[test]
fn a_file_that_ends_early_is_refused_or_has_the_same_pixels() {
    for (name, file) in whole_files() {
        let whole = pixels(&file).unwrap();
        let step = (file.len() / 150).max(1);
        for end in (0..file.len()).step_by(step).chain(file.len().saturating_sub(12)..file.len()) {
            match pixels(&file[..end]) {
                Ok(same) => assert!(same == whole, "{name} with {end} of {} bytes", file.len()),
                Err(PictureProblem::Damaged(_)) => {}
                // Too little is left to tell what it was.
                Err(error) => assert!(end < 40, "{name} with {end} bytes: {error}"),
            }
        }
    }
}

#[test]
fn a_hole_is_refused_or_leaves_the_same_pixels() {
    for (name, file) in whole_files() {
        // Uncompressed pixels: a hole is a black area.
        if matches!(name, "bmp" | "tiff") {
            continue;
        }
        let whole = pixels(&file).unwrap();
        // A GIF has no checksum over its 256 colours, nor has a TIFF file over its directory, which is behind the strips
        // here, nor has WebP over anything.
        let (first, last) = match name {
            "gif" => (13 + 3 * 256, file.len()),
            name if name.contains("tiff") => (8, file.len() - 300),
            _ => (0, file.len()),
        };
        let length = if name.ends_with("webp") { MOST_ZEROS } else { 64 };
        let step = (file.len() / 120).max(1);
        let (mut tried, mut missed) = (0, Vec::new());
        for at in (first..last.saturating_sub(length)).step_by(step) {
            let mut holed = file.clone();
            holed[at..at + length].fill(0);
            if holed == file {
                continue;
            }
            tried += 1;
            if pixels(&holed).is_ok_and(|same| same != whole) {
                missed.push(at);
            }
        }
        // A hole of this size in a scan of a progressive picture can be as many blocks as were there.
        let allowed = if name.contains("progressive") { tried / 25 } else { 0 };
        assert!(
            missed.len() <= allowed,
            "{name} without {length} of {} bytes at {missed:?}",
            file.len()
        );
    }
}

#[test]
fn a_part_that_was_cut_out_is_refused() {
    for (name, file) in whole_files() {
        // A TIFF file without a part has its directory in another place.
        if matches!(name, "bmp" | "gif") || name.contains("tiff") {
            continue;
        }
        for part in [3, 5, 8] {
            let at = file.len() * part / 10;
            let cut = [&file[..at], &file[at + file.len() / 20..]].concat();
            let error = pixels(&cut).expect_err(name);
            assert!(matches!(error, PictureProblem::Damaged(_)), "{name}: {error}");
        }
    }
}

#[test]
fn what_decoders_pass_over_is_found() {
    let image = drawing(90, 70);
    let mut png = written(&image, ImageFormat::Png);
    // An ancillary chunk with a wrong checksum: the decoder leaves it out, and with it a transparent colour.
    png.splice(33..33, *b"\0\0\0\x06tRNS\0\0\0\0\0\0\0\0\0\0");
    let refused = |format, file: &[u8]| check(format, file).unwrap_err().to_string();
    let error = refused(ImageFormat::Png, &png);
    assert!(error.contains("tRNS"), "{error}");
    let jpeg = written(&image, ImageFormat::Jpeg);
    assert!(refused(ImageFormat::Jpeg, &jpeg[..jpeg.len() - 2]).contains(CUT));
    let restart = "a restart marker is missing";
    let file = CODED[1].1;
    let at = file.windows(2).position(|two| two == [0xff, 0xd1]).unwrap();
    let mut wrong = file.to_vec();
    wrong[at + 1] = 0xd2;
    assert!(refused(ImageFormat::Jpeg, &wrong).contains(restart));
}

#[test]
fn a_progressive_jpeg_that_lacks_its_last_scans_is_refused() {
    for (name, file) in [CODED[0], CODED[3]] {
        let scans: Vec<usize> =
            (0..file.len()).filter(|at| file[*at..].starts_with(b"\xff\xda")).collect();
        assert!(scans.len() > 3, "{name}");
        for scan in &scans[1..] {
            let ended = [&file[..*scan], b"\xff\xd9"].concat();
            let error = pixels(&ended).unwrap_err().to_string();
            // Tables of the next scan may be in front of the end.
            let why = ["scans are missing", "a colour component is missing"];
            assert!(why.iter().any(|why| error.contains(why)), "{name}: {error}");
        }
    }
}

/// A PNG file of these lines, and so many bytes less at the end of its compressed data.
fn png_of(lines: &[u8], less: usize, interlaced: u8) -> Vec<u8> {
    use std::io::Write as _;
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
    zlib.write_all(lines).unwrap();
    let data = zlib.finish().unwrap();
    let header = [0, 0, 0, 5, 0, 0, 0, 3, 8, 0, 0, 0, interlaced];
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, body) in
        [(b"IHDR", &header[..]), (b"IDAT", &data[..data.len() - less]), (b"IEND", b"")]
    {
        let body = [&name[..], body].concat();
        let mut crc = Crc::new();
        crc.update(&body);
        file.extend((body.len() as u32 - 4).to_be_bytes());
        file.extend(body);
        file.extend(crc.sum().to_be_bytes());
    }
    file
}

#[test]
fn the_pixels_of_a_png_have_their_checksum_and_their_lines() {
    // Three lines of five pixels; interlaced, lines of 1, 1, 1, 3, 2, 2 and 5.
    for (bytes, interlaced) in [(18, 0), (2 + 2 + 2 + 4 + 3 + 3 + 6, 1)] {
        pixels(&png_of(&vec![0; bytes], 0, interlaced)).unwrap();
        for (bytes, less, why) in [
            (bytes, 1, CUT),
            (bytes, 4, CUT),
            (bytes - 1, 0, CUT),
            (bytes + 6, 0, "goes on behind its last pixel"),
        ] {
            let error = pixels(&png_of(&vec![0; bytes], less, interlaced)).unwrap_err().to_string();
            assert!(error.contains(why), "{bytes} bytes, {less} less: {error}");
        }
    }
    let mut wrong = png_of(&[0; 18], 0, 0);
    let end = wrong.len() - 12 - 4;
    wrong[end - 1] ^= 1;
    let mut crc = Crc::new();
    crc.update(&wrong[8 + 25 + 4..end]);
    wrong.splice(end..end + 4, crc.sum().to_be_bytes());
    assert!(pixels(&wrong).unwrap_err().to_string().contains("checksum of its data"));
}

#[test]
fn a_tiff_of_a_compression_that_cannot_be_checked_is_refused_by_name() {
    let mut file = compressed_tiffs().remove(3).1;
    let entry = [3, 1, 3, 0, 1, 0, 0, 0];
    let at = file.windows(8).position(|eight| eight == entry).unwrap() + 8;
    for (code, name) in [(4_u16, "fax"), (6, "old-style JPEG"), (50_000, "Zstandard")] {
        file[at..at + 2].copy_from_slice(&code.to_le_bytes());
        let error = check(ImageFormat::Tiff, &file).unwrap_err().to_string();
        assert!(error.contains(&format!("is a TIFF ({name} compression) picture")), "{error}");
    }
}

#[test]
fn the_first_picture_of_a_gif_has_all_of_its_pixels() {
    // Two by two pixels of two colours: the codes 4 (clear), 0, 1, 1, 0, 5 (end), with 3 bits, then with 4.
    let gif = |codes: &[u8]| {
        let head = b"GIF89a\x02\0\x02\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x02\0\x02\0\0\x02";
        [head, &[codes.len() as u8][..], codes, b"\0;"].concat()
    };
    let coded = |codes: &[(u32, u32)]| {
        let (mut bits, mut held, mut bytes) = (0, 0, Vec::new());
        for (code, length) in codes {
            bits |= code << held;
            held += length;
            while held >= 8 {
                bytes.push(bits as u8);
                (bits, held) = (bits >> 8, held - 8);
            }
        }
        bytes.push(bits as u8);
        gif(&bytes)
    };
    let check = |codes: &[(u32, u32)]| {
        check(ImageFormat::Gif, &coded(codes)).map_err(|error| error.to_string())
    };
    check(&[(4, 3), (0, 3), (1, 3), (1, 3), (0, 4), (5, 4)]).unwrap();
    let short = check(&[(4, 3), (0, 3), (1, 3), (1, 3), (5, 4)]).unwrap_err();
    assert!(short.contains("ends before"), "{short}");
    let long = check(&[(4, 3), (0, 3), (1, 3), (1, 3), (0, 4), (1, 4)]).unwrap_err();
    assert!(long.contains("goes on"), "{long}");
    let wrong = check(&[(4, 3), (0, 3), (7, 3)]).unwrap_err();
    assert!(wrong.contains("cannot be"), "{wrong}");
}
