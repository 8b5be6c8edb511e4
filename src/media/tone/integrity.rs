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

use super::SoundProblem;

/// Checks a file, and returns it as it can be decoded, without what is behind the sound, or what is wrong with it.
/// Of an MP3 file only so many seconds are checked.
pub(super) fn check(mut file: Vec<u8>, seconds: f64) -> Result<(Vec<u8>, Container), SoundProblem> {
    if let Some(name) = unsupported(&file) {
        return Err(SoundProblem::Unsupported(name));
    }
    let (container, end) = if file.starts_with(b"RIFF") {
        let repaired = repaired_wav(&file).map_err(SoundProblem::Damaged)?;
        return Ok((repaired.unwrap_or(file), Container::Other));
    } else if file.starts_with(b"fLaC") {
        (Container::Flac, file.len())
    } else if file.starts_with(b"OggS") {
        (Container::Other, check_ogg(&file).map_err(SoundProblem::Damaged)?)
    } else {
        check_mpeg(&file, seconds).map_err(SoundProblem::Damaged)?
    };
    let end = if container == Container::Flac { without_tags(&file) } else { end };
    file.truncate(end);
    Ok((file, container))
}

/// Returns where a FLAC file ends without the tags of other formats at its end: the decoder looks for a frame in them.
fn without_tags(file: &[u8]) -> usize {
    let mut end = file.len();
    loop {
        let mark = |length: usize| file.get(end.checked_sub(length)?..end);
        let (id3v1, ape, id3v2) = (mark(128), mark(32), mark(10));
        let length = if id3v1.is_some_and(|tag| tag.starts_with(b"TAG")) {
            128
        } else if let Some(tag) = ape.filter(|tag| tag.starts_with(b"APETAGEX")) {
            // The length is without a header, which the highest bit of the flags announces.
            little_endian(&tag[12..16]) as usize + if tag[23] & 0x80 == 0 { 0 } else { 32 }
        } else if let Some(tag) = id3v2.filter(|tag| tag.starts_with(b"3DI")) {
            20 + synchsafe(&tag[6..])
        } else {
            return end;
        };
        let Some(shorter) = end.checked_sub(length) else { return end };
        end = shorter;
    }
}

/// Reads a number of an ID3v2 tag, of which every byte has seven bits.
fn synchsafe(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |size, byte| size << 7 | usize::from(byte & 0x7f))
}

/// Names what a file is, where it is a sound in a format that is not read.
fn unsupported(file: &[u8]) -> Option<String> {
    let at = |at: usize, mark: &[u8]| file.get(at..).is_some_and(|rest| rest.starts_with(mark));
    let formats: [(&str, bool); 12] = [
        ("an RF64 file (WAV for more than 4 GB)", at(0, b"RF64") || at(0, b"BW64")),
        ("a RIFX file (WAV with the other byte order)", at(0, b"RIFX")),
        ("an AIFF file", at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC"))),
        ("an MPEG-4 file (such as M4A)", at(4, b"ftyp")),
        ("a Windows Media file (WMA)", at(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11")),
        ("an AU file", at(0, b".snd")),
        ("an AMR file", at(0, b"#!AMR")),
        ("a MIDI file", at(0, b"MThd")),
        ("an Opus file", at(0, b"OggS") && at(28, b"OpusHead")),
        ("an OGG file with Speex", at(0, b"OggS") && at(28, b"Speex   ")),
        ("a Matroska or WebM file", at(0, b"\x1a\x45\xdf\xa3")),
        ("an AAC file", at(0, b"\xff\xf1") || at(0, b"\xff\xf9")),
    ];
    if let Some((name, _)) = formats.into_iter().find(|(_, is_one)| *is_one) {
        return Some(name.to_owned());
    }
    let format = wav_format(file).filter(|format| !PCM_OR_ADPCM.contains(format))?;
    let known = CODECS.iter().find(|(number, _)| *number == format).map(|(_, name)| *name);
    let codec = known.map_or_else(|| format!("in format 0x{format:04X}"), str::to_owned);
    Some(format!("a WAV file whose samples are coded {codec}"))
}

/// Returns the number of the coding that a WAV file declares.
fn wav_format(file: &[u8]) -> Option<u16> {
    if !file.starts_with(b"RIFF") || file.get(8..12)? != b"WAVE" {
        return None;
    }
    let mut at = 12;
    loop {
        let head = file.get(at..at + 8)?;
        if head.starts_with(b"fmt ") {
            return Some(u16::from_le_bytes(*file.get(at + 8..)?.first_chunk()?));
        }
        if head.starts_with(b"data") {
            return None;
        }
        at += 8 + usize::try_from(little_endian(&head[4..])).ok()?;
        at += usize::from(padded(file, at));
    }
}

/// PCM, Microsoft ADPCM, floating point, A-law, mu-law, IMA ADPCM, and a number of 16 bytes behind it.
const PCM_OR_ADPCM: [u16; 7] = [1, 2, 3, 6, 7, 0x11, 0xfffe];

/// Numbers of codings that telephones and editors write (RFC 2361).
const CODECS: [(u16, &str); 8] = [
    (0x31, "as GSM 6.10"),
    (0x40, "as G.721"),
    (0x45, "as G.726"),
    (0x50, "as MPEG"),
    (0x55, "as MP3"),
    (0x65, "as G.722"),
    (0x83, "as G.729"),
    (0x133, "as G.729"),
];

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
    let (mut at, mut has_format) = (12, false);
    loop {
        let head = file.get(at..at + 8).ok_or(CUT)?;
        let (name, length) = (&head[..4], little_endian(&head[4..]));
        let body = &file[at + 8..];
        if name == b"data" {
            if !has_format {
                return Err("the description of its samples is missing in front of them".to_owned());
            }
            let length = match usize::try_from(length) {
                Ok(length) if length <= body.len() && (length > 0 || body.is_empty()) => {
                    length + undeclared(file, at + 8 + length, declared)
                }
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
            has_format |= name == b"fmt ";
        }
        at += 8 + length;
        at += usize::from(length % 2 == 1 && padded(file, at));
    }
}

/// Returns whether the byte here is one that fills up a chunk of odd length in front of it, and not left out.
fn padded(file: &[u8], at: usize) -> bool {
    let is_known = |at: usize| file.get(at..at + 4).is_some_and(|name| KNOWN.contains(&name));
    is_known(at + 1) || !is_known(at)
}

/// Returns how many bytes of samples are behind those that a WAV file declares: all bytes up to the end that the file
/// declares, where they are neither a chunk nor zeros.
fn undeclared(file: &[u8], at: usize, declared: u64) -> usize {
    let end = usize::try_from(declared.saturating_add(8)).unwrap_or(usize::MAX).min(file.len());
    let Some(rest) = file.get(at..end) else { return 0 };
    let is_chunk = |rest: &[u8]| {
        rest.split_first_chunk::<4>().is_some_and(|(name, behind)| {
            let is_name = name.iter().all(|byte| matches!(byte, b' '..=b'~'));
            let length = behind.get(..4).map(little_endian).map(usize::try_from);
            is_name && matches!(length, Some(Ok(length)) if length <= behind.len() - 4)
        })
    };
    let has_tag = TAGS.iter().any(|tag| rest.starts_with(tag));
    let is_short = rest.len() < 8;
    if is_short || has_tag || is_chunk(rest) || is_chunk(&rest[1..]) || rest.iter().all(|b| *b == 0)
    {
        0
    } else {
        rest.len()
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

/// Checks the checksum and the number of every page, and that every stream ends. Returns where the last page ends.
fn check_ogg(file: &[u8]) -> Result<usize, String> {
    let mut open: Vec<(&[u8], u32)> = Vec::new();
    let mut rest = file;
    while !rest.is_empty() {
        if !rest.starts_with(b"OggS") {
            let at = file.len() - rest.len();
            return if open.is_empty() {
                Ok(at)
            } else {
                Err(format!("there is no page at byte {at}"))
            };
        }
        let head = rest.get(..27).ok_or(CUT)?;
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
    if open.is_empty() { Ok(file.len()) } else { Err(CUT.to_owned()) }
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
/// its first frame declares. Returns where the frames end.
fn check_mpeg(file: &[u8], kept: f64) -> Result<(Container, usize), String> {
    let mut at = 0;
    while let Some(tag) = file.get(at..at + 10).filter(|tag| tag.starts_with(b"ID3")) {
        at += 10 + synchsafe(&tag[6..]) + if tag[5] & 0x10 != 0 { 10 } else { 0 };
    }
    let start = file.get(at..).ok_or(CUT)?;
    if start.starts_with(b"fLaC") {
        return Ok((Container::Flac, file.len()));
    }
    let Some(first) = Frame::read(start) else { return Ok((Container::Unknown, file.len())) };
    let (begin, declared) = (at, first.declared_bytes(start));
    if declared.is_some_and(|declared| declared > start.len()) {
        return Err(CUT.to_owned());
    }
    let mut seconds = 0.0;
    // One frame more, because the first may hold no sound.
    while seconds < kept + 0.1 && at < file.len() {
        let rest = &file[at..];
        let Some(frame) = Frame::read(rest) else {
            let is_tag = TAGS.iter().any(|tag| rest.starts_with(tag));
            let is_padding = rest.len() <= MOST_PADDING && rest.iter().all(|byte| *byte == 0);
            let is_whole = match declared {
                Some(declared) => at - begin >= declared,
                None => is_tag || is_padding,
            };
            let missing = || format!("there is no frame at byte {at}");
            return if is_whole { Ok((Container::Other, at)) } else { Err(missing()) };
        };
        if rest.len() < frame.length {
            return Err(CUT.to_owned());
        }
        seconds += frame.seconds;
        at += frame.length;
    }
    Ok((Container::Other, file.len()))
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
const TAGS: [&[u8]; 5] = [b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI"];

/// So many zeros may be behind the last frame of a file that does not declare its length; more may be a part that is
/// missing.
const MOST_PADDING: usize = 1_024;

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
