//! Pictures and sounds that cost gigabytes or hours: they are used within the limits, or refused.
//!
//! The program runs with a limit on its data of 512 MB, which its children inherit: a process that needs more aborts,
//! and the message that is expected does not appear.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use axlpaper::domain::model::by_number;
use axlpaper::media::{Audio, Decoder, Picture, demo_picture, prepare};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageEncoder as _, ImageFormat, Rgb, RgbImage};

use crate::lab::{Ended, Lab, end};

/// Runs the program within 512 MB, in a folder of its own with this file.
fn with_file(name: &str, file: &[u8], arguments: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), file).unwrap();
    let mut program = Command::new("/bin/sh");
    program.env_clear().env("HOME", "/nonexistent").current_dir(folder.path());
    program.args(["-c", "ulimit -d 524288 && exec \"$0\" \"$@\""]);
    program.arg(assert_cmd::cargo::cargo_bin!("axlpaper")).args(arguments);
    end(program.into())
}

fn prepared(name: &str, file: &[u8]) -> Ended {
    with_file(
        name,
        file,
        &["image", "prepare", name, "-o", "out", "--model", "8841", "--squeeze", "0"],
    )
}

fn ring(name: &str, file: &[u8]) -> Ended {
    with_file(name, file, &["ringtone", "prepare", name, "-o", "out"])
}

fn svg(inside: &str) -> Vec<u8> {
    let begin = "<svg xmlns='http://www.w3.org/2000/svg' width='800' height='480'>";
    format!("{begin}{inside}</svg>").into_bytes()
}

/// Masks that use each other: each level needs a picture of its own while the next one is drawn.
fn nested_masks(levels: usize) -> Vec<u8> {
    let rect = "<rect width='800' height='480' fill='white'";
    let mut inside = format!("<mask id='m0'>{rect}/></mask>");
    for level in 1..levels {
        let below = level - 1;
        write!(inside, "<mask id='m{level}'>{rect} mask='url(#m{below})'/></mask>").unwrap();
    }
    write!(inside, "{rect} mask='url(#m{})'/>", levels - 1).unwrap();
    svg(&inside)
}

/// Noise, drawn many times.
fn turbulence(times: usize) -> Vec<u8> {
    let noise = "<feTurbulence numOctaves='10' baseFrequency='0.5'/>".repeat(times);
    svg(&format!(
        "<filter id='f'>{noise}</filter><rect filter='url(#f)' width='800' height='480'/>"
    ))
}

/// Elements that repeat those before them ten times, level by level.
fn repeated_uses(levels: usize) -> Vec<u8> {
    let mut inside = "<defs><g id='u0'><rect width='9' height='9'/></g>".to_owned();
    for level in 1..levels {
        let below = format!("<use href='#u{}' x='1'/>", level - 1).repeat(10);
        write!(inside, "<g id='u{level}'>{below}</g>").unwrap();
    }
    write!(inside, "</defs><use href='#u{}'/>", levels - 1).unwrap();
    svg(&inside)
}

/// A PNG file of which only the header is there.
fn png_header(width: u32, height: u32, colour: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == png::ColorType::Indexed {
        encoder.set_palette(vec![0; 6]);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_chunk(png::chunk::IDAT, &[]).unwrap();
    drop(writer);
    bytes
}

/// A whole PNG file of black pixels.
fn black_png(width: u32, height: u32, colour: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    let mut writer = encoder.write_header().unwrap();
    let row = (width as usize * colour.samples() * depth as usize).div_ceil(8);
    let mut pixels = writer.stream_writer().unwrap();
    let row = vec![0; row];
    for _ in 0..height {
        pixels.write_all(&row).unwrap();
    }
    pixels.finish().unwrap();
    drop(writer);
    bytes
}

fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 80).encode_image(picture).unwrap();
    bytes
}

/// A JPEG file that promises another size than it has pixels for.
fn jpeg_of(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = jpeg(&RgbImage::new(8, 8));
    let frame = bytes.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

/// A lossless WebP file of which only the header is there.
fn webp_of(width: u32, height: u32) -> Vec<u8> {
    let sides = (width - 1) | (height - 1) << 14;
    let mut file = b"RIFF\x16\0\0\0WEBPVP8L\x0A\0\0\0\x2F".to_vec();
    file.extend(sides.to_le_bytes());
    file.extend([0; 5]);
    file
}

/// A TIFF file of grey pixels in one strip that is not there.
fn tiff_of(width: u32, height: u32) -> Vec<u8> {
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    let entries = [
        (256, width),
        (257, height),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (278, height),
        (279, 9),
    ];
    file.extend(8_u16.to_le_bytes());
    for (tag, value) in entries {
        file.extend(u16::to_le_bytes(tag));
        file.extend([4, 0, 1, 0, 0, 0]);
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    file
}

/// A GIF file that repeats its only frame.
fn gif_of(frames: usize) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(40, 24).write_to(&mut file, ImageFormat::Gif).unwrap();
    let file = file.into_inner();
    // A frame begins with a comma, or with an extension before it, and the file ends with a semicolon.
    let begin = file.iter().rposition(|byte| *byte == b',').unwrap();
    [&file[..begin], &file[begin..file.len() - 1].repeat(frames), b";"].concat()
}

#[test]
fn pictures_that_cost_too_much_are_refused() {
    use png::{BitDepth, ColorType};
    let (complex, large) =
        ("too large or too complex to be decoded", "too large to be decoded safely");
    let (simplify, smaller) = ("simplify it", "at most 8000x8000 pixels");
    let header = png_header;
    for (name, file, words) in [
        ("masks.svg", nested_masks(200), [complex, "512 MB", simplify]),
        ("noise.svg", turbulence(400), [complex, "5 s", simplify]),
        (
            "black.png",
            black_png(20_000, 20_000, ColorType::Grayscale, BitDepth::One),
            [large, "MB", smaller],
        ),
        (
            "grey.png",
            header(16_000, 16_000, ColorType::Grayscale, BitDepth::Eight),
            [large, "MB", smaller],
        ),
        (
            "deep.png",
            header(8_000, 8_000, ColorType::Rgba, BitDepth::Sixteen),
            [large, "MB", smaller],
        ),
        (
            "few.png",
            header(20_000, 20_000, ColorType::Indexed, BitDepth::Two),
            [large, "MB", smaller],
        ),
        ("photo.jpg", jpeg_of(16_000, 16_000), [large, "MB", smaller]),
        ("wide.jpg", jpeg_of(65_000, 10), [large, "", smaller]),
        ("whole.webp", webp_of(16_383, 16_383), [large, "MB", smaller]),
        ("scan.tiff", tiff_of(19_000, 19_000), [large, "MB", smaller]),
    ] {
        let ended = prepared(name, &file);
        ended.fails(2, &[name, words[0], words[1], words[2]]);
    }
}

#[test]
fn pictures_that_look_costly_come_to_an_end() {
    let profile = {
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        let megabyte = vec![0; 1 << 20];
        for _ in 0..300 {
            packed.write_all(&megabyte).unwrap();
        }
        packed.finish().unwrap()
    };
    let bomb = {
        let mut bytes = Vec::new();
        let mut writer = png::Encoder::new(&mut bytes, 4, 4).write_header().unwrap();
        let chunk = [&b"x\0\0"[..], &profile].concat();
        writer.write_chunk(png::chunk::iCCP, &chunk).unwrap();
        writer.write_image_data(&[0; 16]).unwrap();
        drop(writer);
        bytes
    };
    let tiles = "<pattern id='p' width='0.0001' height='0.0001' patternUnits='userSpaceOnUse'><rect width='1' \
                 height='1'/></pattern><rect width='800' height='480' fill='url(#p)'/>";
    let region = "<filter id='f' x='-1e9' y='-1e9' width='2e9' height='2e9' filterUnits='userSpaceOnUse'>\
                  <feGaussianBlur stdDeviation='1e6'/></filter><rect width='9' height='9' filter='url(#f)'/>";
    let dashes = "<path d='M0 0H800V480' stroke='red' stroke-dasharray='0.00001'/>";
    let inner = "<image href='data:image/png;base64,iVBORw0KGgo='/>";
    for (name, file) in [
        ("uses.svg", repeated_uses(12)),
        (
            "groups.svg",
            svg(&format!("{}{}", "<g opacity='0.9'>".repeat(50_000), "</g>".repeat(50_000))),
        ),
        ("tiles.svg", svg(tiles)),
        ("region.svg", svg(region)),
        ("dashes.svg", svg(dashes)),
        ("inner.svg", svg(inner)),
        ("box.svg", b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1e30 1e30'/>".to_vec()),
        ("profile.png", bomb),
        ("frames.gif", gif_of(5_000)),
        ("short.jpg", jpeg_of(4_000, 3_000)),
    ] {
        let ended = prepared(name, &file);
        if ended.code != 0 {
            ended.fails(2, &[name]);
        }
    }
}

#[test]
fn large_pictures_that_people_have_are_used() {
    let row: Vec<u8> = (0..6_000_u32).flat_map(|x| [(x / 24) as u8, 90, 40]).collect();
    let photo = RgbImage::from_raw(6_000, 4_000, row.repeat(4_000)).unwrap();
    let logo = "<linearGradient id='g'><stop stop-color='#036'/><stop offset='1' stop-color='#6cf'/></linearGradient>\
                <filter id='s'><feDropShadow dx='4' dy='4' stdDeviation='6'/></filter><clipPath id='c'><circle cx='400' \
                cy='240' r='200'/></clipPath><rect width='800' height='480' fill='url(#g)'/><g clip-path='url(#c)' \
                filter='url(#s)' opacity='0.8'><path d='M100 100L700 100L400 400Z' fill='white'/></g>";
    for (name, file) in [("photo.jpg", jpeg(&photo)), ("logo.svg", svg(logo))] {
        let ended = prepared(name, &file);
        assert_eq!(ended.code, 0, "{name}: {ended:?}");
    }
}

#[test]
fn no_way_of_a_picture_leads_around_the_limits() {
    let lab = Lab::of_phones(1);
    std::fs::write(lab.path("bomb.svg"), nested_masks(200)).unwrap();
    RgbImage::from_pixel(80, 48, Rgb([9, 9, 9])).save(lab.path("a.png")).unwrap();
    std::fs::write(lab.path("rules.toml"), "[[image]]\nfile = \"bomb.svg\"\n").unwrap();
    for arguments in [
        &["rollout", "bomb.svg", "--yes"][..],
        &["push", "bomb.svg", "--yes"],
        &["push", "a.png", "--kem-picture", "bomb.svg", "--yes"],
        &["rollout", "--yes"],
    ] {
        let mut program = lab.program(arguments);
        if arguments.len() == 2 {
            program.env("AXLPAPER_CONFIG", lab.path("rules.toml"));
        }
        program.arg("--pin-sha256").arg(lab.cluster.cert_sha256());
        end(program).fails(2, &["bomb.svg", "too complex", "simplify it"]);
    }
    assert!(lab.record().phones.values().all(|phone| phone.pushes.is_empty()));
}

#[test]
fn sounds_that_cost_too_much_come_to_an_end() {
    let tones = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tones");
    let tone = |name: &str| std::fs::read(tones.join(name)).unwrap();
    // The header of a WAV file promises 4 GB, and a channel for each bit of a number.
    let wav = |channels: u16, length: u32| {
        let mut file = b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0\x01\0".to_vec();
        file.extend(channels.to_le_bytes());
        file.extend(8_000_u32.to_le_bytes());
        file.extend((16_000 * u32::from(channels)).to_le_bytes());
        file.extend(channels.wrapping_mul(2).to_le_bytes());
        file.extend(b"\x10\0data");
        file.extend(length.to_le_bytes());
        file.extend(b"\0\x20\0\xE0".repeat(8_000));
        file
    };
    let mut flac = tone("440.flac");
    // The last 36 bits before the checksum of the first block are the number of samples.
    flac[21] |= 0x0F;
    flac[22..26].fill(0xFF);
    let mp3 = tone("440.mp3");
    let long = mp3.repeat(60_000_000 / mp3.len());
    for (name, file) in [
        ("a.wav", wav(1, u32::MAX)),
        ("many.wav", wav(60_000, u32::MAX)),
        ("long.flac", flac),
        ("long.mp3", long),
        ("pages.ogg", tone("440.ogg").repeat(2_000)),
    ] {
        let ended = ring(name, &file);
        if ended.code != 0 {
            ended.fails(2, &[name]);
        }
    }
}

#[test]
fn the_process_with_limits_decodes_as_this_one_does() {
    let decoder = Decoder::new(assert_cmd::cargo::cargo_bin!("axlpaper"));
    let demo = demo_picture();
    let mut sideways = Vec::new();
    let mut encoder = JpegEncoder::new(&mut sideways);
    // One entry: tag 0x0112 (orientation), one short, 6 (turn by 90 degrees).
    let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    encoder.set_icc_profile(b"no profile".to_vec()).unwrap();
    encoder.encode_image(&demo).unwrap();
    let png = |picture: DynamicImage| {
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, ImageFormat::Png).unwrap();
        file.into_inner()
    };
    let mut clear = demo.to_rgba8();
    clear.pixels_mut().for_each(|pixel| pixel.0[3] = pixel.0[0]);
    let spec = by_number(683).unwrap().image.unwrap();
    for file in
        [sideways, png(clear.into()), png(demo.to_luma16().into()), svg("<path d='M0 0H9V9'/>")]
    {
        let one = decoder.picture("x", &file).unwrap();
        let other = Picture::decode("x", &file).unwrap();
        assert_eq!((one.size(), one.remarks()), (other.size(), other.remarks()));
        let [one, other] = [one, other].map(|picture| prepare(&picture, &spec).unwrap().digest());
        assert_eq!(one, other);
    }
    for name in ["440.flac", "440.mp3", "440.ogg"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tones").join(name);
        let file = std::fs::read(path).unwrap();
        assert_eq!(decoder.sound(name, &file).unwrap(), Audio::decode(name, file).unwrap());
    }
}

/// Starts the program as a user who is not root, whose processes the files of `/proc` belong to.
#[test]
fn nobody_reads_the_memory_of_the_program() {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::fs::MetadataExt as _;

    let mut program = Command::new(assert_cmd::cargo::cargo_bin!("axlpaper"));
    program.env_clear().env("HOME", "/nonexistent").args(["sim", "--phones", "1"]);
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).current_dir("/");
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if is_root {
        program.uid(65_534);
    }
    let mut child = program.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let files = Path::new("/proc").join(child.id().to_string());
    let limits = std::fs::read_to_string(files.join("limits")).unwrap();
    // What is not dumpable belongs to root, and no debugger of the user may attach to it.
    let owner = std::fs::metadata(files.join("mem")).unwrap().uid();
    let _killed = child.kill().is_ok();
    child.wait().unwrap();
    assert!(!line.is_empty());
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    assert_eq!(owner, 0);
}
