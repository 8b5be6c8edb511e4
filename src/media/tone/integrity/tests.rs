//! Sounds of every format, cut and overwritten at many places: what is not refused sounds the same.

use super::super::tests::wav;
use super::*;
use crate::media::tone::Audio;

const PACKED: [(&str, &[u8]); 3] = [
    ("flac", include_bytes!("../../../../tests/tones/440.flac")),
    ("mp3", include_bytes!("../../../../tests/tones/440.mp3")),
    ("ogg", include_bytes!("../../../../tests/tones/440.ogg")),
];

fn samples(file: &[u8]) -> Result<Vec<f32>, SoundProblem> {
    Audio::of(file.to_vec()).map(|audio| audio.parts().0.to_vec())
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let mut files = vec![("wav", wav(440.0, 0.3, 8_000, 1))];
    files.extend(PACKED.map(|(name, file)| (name, file.to_vec())));
    files
}

#[test]
fn a_sound_that_ends_early_is_refused_or_sounds_the_same() {
    for (name, file) in files() {
        let whole = samples(&file).unwrap();
        let step = (file.len() / 150).max(1);
        for end in (0..file.len()).step_by(step).chain([file.len() - 1]) {
            match samples(&file[..end]) {
                Ok(same) => assert!(same == whole, "{name} with {end} of {} bytes", file.len()),
                Err(SoundProblem::Damaged(_)) => {}
                Err(error) => assert!(end < 200, "{name} with {end} bytes: {error}"),
            }
        }
    }
}

#[test]
fn a_hole_is_refused_or_sounds_the_same() {
    for (name, file) in files() {
        // Zeros are silence in a WAV file.
        if name == "wav" {
            continue;
        }
        let whole = samples(&file).unwrap();
        // A hole inside one frame of an MP3 file leaves no trace.
        let length = if name == "mp3" { 1_500 } else { 64 };
        let step = (file.len() / 120).max(1);
        for at in (0..file.len().saturating_sub(length)).step_by(step) {
            let mut holed = file.clone();
            holed[at..at + length].fill(0);
            if let Ok(same) = samples(&holed) {
                assert!(same == whole, "{name} without {length} of {} bytes at {at}", file.len());
            }
        }
    }
}

#[test]
fn wrong_headers_of_whole_wav_files_are_read() {
    let whole = wav(440.0, 0.3, 8_000, 1);
    let expected = samples(&whole).unwrap();
    let patched = |at: usize, number: u32| {
        let mut file = whole.clone();
        file[at..at + 4].copy_from_slice(&number.to_le_bytes());
        file
    };
    let length = u32::try_from(whole.len()).unwrap();
    let inserted = |chunk: &[u8]| [&whole[..36], chunk, &whole[36..]].concat();
    for (name, file) in [
        ("a RIFF length that is 8 too small", patched(4, length - 16)),
        ("no RIFF length", patched(4, 0)),
        ("written into a pipe", patched(4, u32::MAX)),
        ("samples written into a pipe", patched(40, u32::MAX)),
        ("samples of no length", patched(40, 0)),
        ("the length of the file as that of the samples", patched(40, length)),
        ("an odd chunk without its byte", inserted(b"LIST\x0d\0\0\0INFOISFT\x01\0\0\0x")),
        ("an odd chunk with its byte", inserted(b"LIST\x0d\0\0\0INFOISFT\x01\0\0\0x\0")),
        ("a chunk that nobody knows", inserted(b"what\x03\0\0\0abc\0")),
        ("something behind it", [&whole[..], b"LIST\x04\0\0\0INFO"].concat()),
        ("fewer samples than there are", patched(40, 1_000)),
        ("fewer samples, and no length of the file", {
            let mut file = patched(40, 1_001);
            file[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
            file
        }),
    ] {
        assert_eq!(
            samples(&file).unwrap_or_else(|error| panic!("{name}: {error}")),
            expected,
            "{name}"
        );
    }
}

#[test]
fn what_is_behind_the_declared_samples_is_no_sound_where_it_can_be_something_else() {
    let whole = wav(440.0, 0.3, 8_000, 1);
    let expected = samples(&whole).unwrap();
    // The file declares that this is a part of it.
    let with = |behind: &[u8]| {
        let mut file = [&whole[..], behind].concat();
        let length = u32::try_from(file.len() - 8).unwrap();
        file[4..8].copy_from_slice(&length.to_le_bytes());
        samples(&file).unwrap()
    };
    let chunk = b"what\x04\0\0\0\xff\xff\xff\xff";
    for behind in
        [&chunk[..], &[0; 500], b"TAG\xff\xff\xff\xff\xff\xff", &[&b"\0"[..], chunk].concat()]
    {
        assert_eq!(with(behind), expected);
    }
    // It does not declare that.
    assert_eq!(samples(&[&whole[..], &[0x70; 500]].concat()).unwrap(), expected);
    assert_eq!(with(&[0x70; 500]).len(), expected.len() + 250);
}

#[test]
fn what_is_behind_the_last_frame_is_left_out() {
    for (name, file) in PACKED {
        let expected = samples(file).unwrap();
        let tag = [&b"TAG"[..], &[b'x'; 125]].concat();
        let ape = [&b"APETAGEX\xd0\x07\0\0\x20\0\0\0\0\0\0\0\0\0\0\0"[..], &[0; 8]].concat();
        let id3v2 = b"ID3\x04\0\0\0\0\0\x003DI\x04\0\0\0\0\0\0";
        for behind in [&tag[..], &[0; 512], id3v2, &ape, &[&ape[..], &tag].concat()] {
            let longer = [file, behind].concat();
            let read = samples(&longer).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(read, expected, "{name}");
        }
    }
}

#[test]
fn formats_that_are_not_read_are_named() {
    let whole = wav(440.0, 0.3, 8_000, 1);
    let coded = |format: u16| {
        let mut file = whole.clone();
        file[20..22].copy_from_slice(&format.to_le_bytes());
        file
    };
    let begins = |mark: &[u8]| [mark, &whole[mark.len()..]].concat();
    for (file, name) in [
        (begins(b"RF64"), "is an RF64 file"),
        (begins(b"RIFX"), "is a RIFX file"),
        (begins(b"FORM\0\0\0\0AIFF"), "is an AIFF file"),
        (begins(b"\0\0\0\x20ftypM4A "), "is an MPEG-4 file"),
        (coded(0x55), "coded as MP3"),
        (coded(0x31), "coded as GSM 6.10"),
        (coded(0x1234), "coded in format 0x1234"),
    ] {
        let error = samples(&file).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("save it as WAV with PCM"), "{error}");
    }
    let mut none = whole.clone();
    none[12..16].copy_from_slice(b"what");
    let error = samples(&none).unwrap_err().to_string();
    assert!(error.contains("description of its samples is missing"), "{error}");
}

#[test]
fn what_is_missing_is_named() {
    let refused = |file: &[u8]| samples(file).unwrap_err().to_string();
    let whole = wav(440.0, 3.0, 8_000, 1);
    let half = refused(&whole[..44 + 24_000]);
    assert!(half.contains("truncated (24000 of 48000 bytes of samples are there)"), "{half}");
    let ogg = PACKED[2].1;
    let pages: Vec<usize> = (0..ogg.len()).filter(|at| ogg[*at..].starts_with(b"OggS")).collect();
    let last = pages[pages.len() - 1];
    assert!(refused(&ogg[..last]).contains(CUT));
    let mut lost = ogg.to_vec();
    lost.drain(pages[1]..pages[2]);
    assert!(refused(&lost).contains("pages are missing"));
    let mut junk = vec![0; 3_000];
    junk.extend(PACKED[1].1);
    assert!(refused(&junk).contains("does not begin with a frame"));
}
