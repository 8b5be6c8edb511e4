//! Checks that a sound's file is whole, where decoders are lenient: they go on behind a gap, and end without a word
//! where a file ends early.
//!
//! A WAV file with a wrong header, but with all of its samples, is repaired: players play it.

/// What is known of a file before it is decoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Container {
    /// A FLAC file, whose decoder verifies its checksums.
    Flac,
    /// A file of another format, which was checked here.
    Other,
    /// It begins as no file of these formats does. The decoder searches for the first frame of an MP3 file, and so
    /// reads a damaged one.
    Unknown,
}

/// Checks a file, and returns it as it can be decoded, or what is wrong with it.
/// Of an MP3 file only so many seconds are checked.
pub(super) fn check(file: Vec<u8>, seconds: f64) -> Result<(Vec<u8>, Container), String> {
    let container = if file.starts_with(b"RIFF") {
        return Ok((repaired_wav(&file)?.unwrap_or(file), Container::Other));
    } else if file.starts_with(b"fLaC") {
        Container::Flac
    } else if file.starts_with(b"OggS") {
        check_ogg(&file)?;
        Container::Other
    } else {
        check_mpeg(&file, seconds)?
    };
    Ok((file, container))
}

/// Returns a WAV file with the same format and samples and a correct header; nothing where that is no WAV file.
///
/// Programs write lengths of the file that are wrong, no length at all where they write into a pipe, and chunks of
/// odd length without the byte that should be behind them.
fn repaired_wav(file: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let Some((head, _)) = file.split_at_checked(12) else { return Err(CUT.to_owned()) };
    if &head[8..] != b"WAVE" {
        return Ok(None);
    }
    let declared = u64::from(little_endian(&head[4..8]));
    let is_whole = declared.saturating_add(8) <= file.len() as u64;
    let mut wav = b"RIFF\0\0\0\0WAVE".to_vec();
    let mut at = 12;
    loop {
        let head = file.get(at..at + 8).ok_or(CUT)?;
        let (name, length) = (&head[..4], little_endian(&head[4..]));
        let body = &file[at + 8..];
        if name == b"data" {
            let length = match usize::try_from(length) {
                Ok(length) if length <= body.len() && (length > 0 || body.is_empty()) => length,
                // Written into a pipe.
                _ if length == 0 || length >= UNKNOWN => body.len(),
                // The file is as long as its beginning declares, and only this number is too large.
                _ if is_whole => body.len(),
                _ => {
                    let there = body.len();
                    return Err(format!("{there} of {length} bytes of samples are there"));
                }
            };
            put_chunk(&mut wav, name, &body[..length]);
            let length = u32::try_from(wav.len() - 8).map_err(|_| CUT)?;
            wav[4..8].copy_from_slice(&length.to_le_bytes());
            return Ok(Some(wav));
        }
        let length = usize::try_from(length).map_err(|_| CUT)?;
        let body = body.get(..length).ok_or(CUT)?;
        if matches!(name, b"fmt " | b"fact") {
            put_chunk(&mut wav, name, body);
        }
        at += 8 + length;
        let is_known = |at: usize| file.get(at..at + 4).is_some_and(|name| KNOWN.contains(&name));
        if length % 2 == 1 && (is_known(at + 1) || !is_known(at)) {
            at += 1;
        }
    }
}

fn put_chunk(wav: &mut Vec<u8>, name: &[u8], body: &[u8]) {
    wav.extend(name);
    wav.extend((body.len() as u32).to_le_bytes());
    wav.extend(body);
    wav.extend(&[0][..body.len() % 2]);
}

fn little_endian(four: &[u8]) -> u32 {
    four.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Checks the checksum and the number of every page, and that every stream ends.
fn check_ogg(file: &[u8]) -> Result<(), String> {
    let mut open: Vec<(&[u8], u32)> = Vec::new();
    let mut rest = file;
    while !rest.is_empty() {
        let head = rest.get(..27).ok_or(CUT)?;
        if !head.starts_with(b"OggS") {
            return Err(format!("there is no page at byte {}", file.len() - rest.len()));
        }
        let segments = rest.get(27..27 + usize::from(head[26])).ok_or(CUT)?;
        let body: usize = segments.iter().map(|length| usize::from(*length)).sum();
        let (page, behind) = rest.split_at_checked(27 + segments.len() + body).ok_or(CUT)?;
        let number = little_endian(&head[18..22]);
        if ogg_crc(page) != little_endian(&head[22..26]) {
            return Err(format!("the checksum of page {number} is wrong"));
        }
        let (is_first, is_last) = (head[5] & 2 != 0, head[5] & 4 != 0);
        let serial = &head[14..18];
        let stream = open.iter().position(|stream| stream.0 == serial);
        match stream {
            Some(stream) if open[stream].1.wrapping_add(1) == number => open[stream].1 = number,
            None if is_first => open.push((serial, number)),
            _ => return Err(format!("pages are missing in front of page {number}")),
        }
        if is_last {
            open.retain(|stream| stream.0 != serial);
        }
        rest = behind;
    }
    if open.is_empty() { Ok(()) } else { Err(CUT.to_owned()) }
}

/// The checksum of a page, with zeros in place of the one that it has (RFC 3533, section 6).
fn ogg_crc(page: &[u8]) -> u32 {
    page.iter().enumerate().fold(0, |crc, (at, byte)| {
        let byte = if (22..26).contains(&at) { 0 } else { *byte };
        let index = (crc >> 24) ^ u32::from(byte);
        (crc << 8) ^ OGG_CRC[index as usize]
    })
}

const OGG_CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut crc = (at as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc << 1) ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
};

/// Checks that one MPEG frame follows the other, as far as a ring tone needs them, and that the file is as long as
/// its first frame declares.
fn check_mpeg(file: &[u8], kept: f64) -> Result<Container, String> {
    let mut at = 0;
    while let Some(tag) = file.get(at..at + 10).filter(|tag| tag.starts_with(b"ID3")) {
        let size = tag[6..].iter().fold(0, |size, byte| size << 7 | usize::from(byte & 0x7f));
        at += 10 + size + if tag[5] & 0x10 != 0 { 10 } else { 0 };
    }
    let start = file.get(at..).ok_or(CUT)?;
    if start.starts_with(b"fLaC") {
        return Ok(Container::Flac);
    }
    let Some(first) = Frame::read(start) else { return Ok(Container::Unknown) };
    if first.declared_bytes(start).is_some_and(|declared| declared > start.len()) {
        return Err(CUT.to_owned());
    }
    let mut seconds = 0.0;
    // One frame more, because the first may hold no sound.
    while seconds < kept + 0.1 && at < file.len() {
        let rest = &file[at..];
        let Some(frame) = Frame::read(rest) else {
            let is_tag = TAGS.iter().any(|tag| rest.starts_with(tag));
            let missing = || format!("there is no frame at byte {at}");
            return if is_tag { Ok(Container::Other) } else { Err(missing()) };
        };
        if rest.len() < frame.length {
            return Err(CUT.to_owned());
        }
        seconds += frame.seconds;
        at += frame.length;
    }
    Ok(Container::Other)
}

/// The header of an MPEG audio frame.
struct Frame {
    length: usize,
    seconds: f64,
    /// Where the first frame of a file may have a description of it.
    description: usize,
}

impl Frame {
    /// Reads a layer III frame; nothing where there is none, or where its length is not in it.
    fn read(bytes: &[u8]) -> Option<Self> {
        let [0xff, second, third, fourth, ..] = *bytes else { return None };
        let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
        if second >> 5 != 7 || version == 1 || layer != 1 {
            return None;
        }
        let is_first_version = version == 3;
        let bitrates = if is_first_version { BITRATES } else { LOW_BITRATES };
        let kilobits = *bitrates.get(usize::from(third >> 4).checked_sub(1)?)?;
        let rate = [44_100, 48_000, 32_000].get(usize::from(third >> 2 & 3))?;
        let rate = match version {
            3 => *rate,
            2 => rate / 2,
            _ => rate / 4,
        };
        let samples = if is_first_version { 1_152 } else { 576 };
        let padding = usize::from(third >> 1 & 1);
        let side_information = match (is_first_version, fourth >> 6 == 3) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        };
        Some(Self {
            length: samples / 8 * kilobits * 1_000 / rate + padding,
            seconds: samples as f64 / rate as f64,
            description: 4 + side_information,
        })
    }

    /// Returns how long the file is without its tags, where its first frame declares it.
    fn declared_bytes(&self, bytes: &[u8]) -> Option<usize> {
        let description = bytes.get(self.description..self.description + 16)?;
        let is_one = description.starts_with(b"Xing") || description.starts_with(b"Info");
        let flags = description[7];
        let at = if flags & 1 == 1 { 12 } else { 8 };
        let four = description[at..].first_chunk().filter(|_| is_one && flags & 2 == 2)?;
        usize::try_from(u32::from_be_bytes(*four)).ok()
    }
}

const BITRATES: [usize; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const LOW_BITRATES: [usize; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

/// What may be behind the last frame.
const TAGS: [&[u8]; 4] = [b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3"];

/// The chunks that WAV files commonly have.
const KNOWN: [&[u8]; 12] = [
    b"data", b"fmt ", b"fact", b"LIST", b"bext", b"cue ", b"smpl", b"inst", b"id3 ", b"iXML",
    b"JUNK", b"PEAK",
];

/// Lengths from here on mean that the program did not know any.
const UNKNOWN: u32 = 0x7fff_f000;

const CUT: &str = "it ends before the end of the sound";

#[cfg(test)]
mod tests;
