//! The child process: reads one file from standard input, decodes it within limits, and writes the answer.

use std::ffi::OsString;
use std::io;
use std::panic::{UnwindSafe, catch_unwind};
use std::process::ExitCode;

use super::limits;
use super::message::{self, Answer, Kind};
use crate::media::picture::{Decoded, LONGEST_FILE};
use crate::media::{Audio, PictureProblem, SoundProblem, svg};

/// Decodes one file, when the arguments of this process ask for it; otherwise returns nothing.
///
/// A program that uses [`Decoder::this_program`](super::Decoder::this_program) calls this before anything else, and
/// ends with what it returns.
pub fn decode_worker(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let kind = arguments.next().as_deref().and_then(|word| Kind::of(word.to_str()?));
    // Standard error is not read: the parent reports a status that is not 0.
    let done = kind.is_some_and(|kind| work(kind).is_ok());
    Some(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn work(kind: Kind) -> io::Result<()> {
    limits::set()?;
    let file = message::read_sized(&mut io::stdin().lock(), LONGEST_FILE)?;
    let to = &mut io::stdout().lock();
    match kind {
        Kind::Picture => match whole(|| Decoded::of(&file), |why| damaged(&file, why)) {
            Ok(decoded) => {
                drop(file);
                let (pixels, orientation, remarks) = decoded.parts();
                let answer = Answer::Picture {
                    width: pixels.width(),
                    height: pixels.height(),
                    alpha: pixels.color().has_alpha(),
                    orientation,
                    remarks: remarks.to_vec(),
                };
                message::write(to, &answer, pixels.as_bytes())
            }
            Err(why) => message::write(to, &Answer::NoPicture(why), &[]),
        },
        Kind::Sound => match whole(|| Audio::of(file), SoundProblem::NotAudio) {
            Ok(audio) => {
                let (samples, rate, more) = audio.parts();
                message::write(to, &Answer::Sound { rate, more }, &message::bytes_of(samples))
            }
            Err(why) => message::write(to, &Answer::NoSound(why), &[]),
        },
    }
}

fn damaged(file: &[u8], why: String) -> PictureProblem {
    if svg::is_svg(file) {
        PictureProblem::Svg(format!("{why}; {}", svg::AS_PNG))
    } else {
        PictureProblem::Damaged(why)
    }
}

/// Decodes; a decoder that panics has found a file that it cannot read.
fn whole<T, E>(
    decode: impl FnOnce() -> Result<T, E> + UnwindSafe,
    damaged: impl FnOnce(String) -> E,
) -> Result<T, E> {
    catch_unwind(decode).unwrap_or_else(|_| Err(damaged("its decoder failed".to_owned())))
}

pub(super) const ARGUMENT: &str = "--decode-one-file";
