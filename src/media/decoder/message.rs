//! What the child that decodes a file answers: the length of a header, the header as JSON, and the pixels or samples.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::media::{PictureProblem, SoundProblem};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Picture,
    Sound,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Sound => "sound",
        }
    }

    pub fn of(word: &str) -> Option<Self> {
        [Self::Picture, Self::Sound].into_iter().find(|kind| kind.word() == word)
    }
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) enum Answer {
    /// A picture, of which the pixels follow: 8 bits of red, green and blue, and of transparency. The orientation is a
    /// number as in Exif.
    Picture {
        width: u32,
        height: u32,
        alpha: bool,
        orientation: u8,
        remarks: Vec<String>,
    },
    NoPicture(PictureProblem),
    /// A sound, of which the samples follow: 32-bit floating point numbers, little-endian.
    Sound {
        rate: u32,
        more: bool,
    },
    NoSound(SoundProblem),
}

pub(super) fn write(to: &mut impl Write, answer: &Answer, payload: &[u8]) -> io::Result<()> {
    let header = serde_json::to_vec(answer)?;
    let length = u32::try_from(header.len()).map_err(|_| wrong("its header is too long"))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&header)?;
    to.write_all(&(payload.len() as u64).to_le_bytes())?;
    to.write_all(payload)?;
    to.flush()
}

/// Reads an answer that is complete, and followed by nothing.
pub(super) fn read(from: &mut impl Read) -> io::Result<(Answer, Vec<u8>)> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > LONGEST_HEADER {
        return Err(wrong("the header of its answer is too long"));
    }
    let mut header = vec![0; length as usize];
    from.read_exact(&mut header)?;
    let answer = serde_json::from_slice(&header)?;
    let payload = read_sized(from, LONGEST)?;
    match from.read(&mut [0])? {
        0 => Ok((answer, payload)),
        _ => Err(wrong("its answer is followed by something")),
    }
}

/// Reads a length of 8 bytes, and as many bytes after it.
pub(super) fn read_sized(from: &mut impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > most {
        return Err(wrong("there are more bytes than there may be"));
    }
    // One allocation of the exact size: growing buffers need up to twice the memory.
    let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

pub(super) fn bytes_of(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

pub(super) fn samples(bytes: &[u8]) -> Option<Vec<f32>> {
    let (whole, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| whole.iter().map(|sample| f32::from_le_bytes(*sample)).collect())
}

pub(super) fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The longest header of an answer, in bytes.
const LONGEST_HEADER: u32 = 64 * 1024;

/// The longest answer, in bytes: a picture whose pixels are more is not decoded.
pub(super) const LONGEST: u64 = 400_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answers() -> Vec<(Answer, Vec<u8>)> {
        let remarks = vec!["ü".to_owned()];
        vec![
            (
                Answer::Picture { width: 1, height: 2, alpha: true, orientation: 6, remarks },
                vec![7; 8],
            ),
            (Answer::NoPicture(PictureProblem::TooLarge("x".into())), Vec::new()),
            (Answer::Sound { rate: 8_000, more: false }, bytes_of(&[0.5, -1.0])),
            (Answer::NoSound(SoundProblem::Empty), Vec::new()),
        ]
    }

    #[test]
    fn answers_are_read_as_they_were_written() {
        for (answer, payload) in answers() {
            let mut bytes = Vec::new();
            write(&mut bytes, &answer, &payload).unwrap();
            assert_eq!(read(&mut bytes.as_slice()).unwrap(), (answer, payload));
            for end in 0..bytes.len() {
                read(&mut &bytes[..end]).unwrap_err();
            }
            bytes.push(0);
            read(&mut bytes.as_slice()).unwrap_err();
        }
        assert_eq!(samples(&bytes_of(&[0.5, -1.0])).unwrap(), [0.5, -1.0]);
        assert_eq!(samples(&[0; 5]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _read = read(&mut bytes.as_slice()).is_ok();
        }
    }
}
