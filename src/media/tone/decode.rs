//! Reads a sound file into plain samples of one channel.

use std::fs::File;
use std::io::{Cursor, Read as _};
use std::path::Path;

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::integrity::{self, Container};
use super::{SoundProblem, ToneError};

/// A sound: one channel, as many samples of its beginning as a ring tone can need.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    pub(super) name: String,
    /// From -1 to 1, and a little more where a file holds more.
    pub(super) samples: Vec<f32>,
    pub(super) rate: u32,
    /// Whether there is more of it than was kept.
    pub(super) more: bool,
}

impl Audio {
    /// Reads a file as it is, for [`Audio::decode`].
    pub fn read(path: &Path) -> Result<Vec<u8>, ToneError> {
        let unreadable = |source| ToneError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        // What a file says of its length can be wrong, and a pipe has none.
        file.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > LONGEST_FILE {
            return Err(ToneError::TooLarge {
                name: path.display().to_string(),
                limit: LONGEST_FILE,
            });
        }
        Ok(bytes)
    }

    /// Decodes the bytes of a WAV, MP3, FLAC or OGG file in this process; `name` is what errors call it. The content
    /// decides which of them it is.
    ///
    /// A file of unknown origin belongs into [`Decoder::sound`](crate::media::Decoder::sound).
    pub fn decode(name: &str, bytes: Vec<u8>) -> Result<Self, ToneError> {
        Self::of(bytes)
            .map(|audio| audio.named(name))
            .map_err(|why| ToneError::Undecodable { name: name.to_owned(), why })
    }

    /// Decodes the bytes of a sound's file in this process, and gives it no name.
    pub(in crate::media) fn of(bytes: Vec<u8>) -> Result<Self, SoundProblem> {
        if bytes.is_empty() {
            return Err(SoundProblem::Empty);
        }
        let no_audio = |why: &Error| SoundProblem::NotAudio(describe(why));
        let (bytes, container) = integrity::check(bytes, KEPT_SECONDS)?;
        let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
        let mut format = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| no_audio(&error))?;
        let track = format.default_track(TrackType::Audio);
        let params =
            track.and_then(|track| Some((track.id, track.codec_params.as_ref()?.audio()?)));
        let declared = track.and_then(|track| track.num_frames);
        let (track, params) = params.ok_or_else(|| {
            SoundProblem::NotAudio("there is no track with sound in it".to_owned())
        })?;
        let options = AudioDecoderOptions::default().verify(true);
        let mut decoder = symphonia::default::get_codecs()
            .make_audio_decoder(params, &options)
            .map_err(|error| no_audio(&error))?;
        let declared = declared.filter(|_| container == Container::Flac);
        let mut mono = Mono { declared, ..Mono::default() };
        mono.take_all(format.as_mut(), decoder.as_mut(), track)?;
        if decoder.finalize().verify_ok == Some(false) {
            return Err(SoundProblem::Damaged("its checksum is wrong".to_owned()));
        }
        if let Some(declared) = declared.filter(|declared| mono.frames < *declared) {
            let frames = mono.frames;
            return Err(SoundProblem::Damaged(format!(
                "{frames} of {declared} samples can be read"
            )));
        }
        let audio = mono.finish()?;
        if container == Container::Unknown {
            return Err(SoundProblem::Damaged("it does not begin with a frame".to_owned()));
        }
        Ok(audio)
    }

    pub(in crate::media) fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Puts a sound together that another process has decoded; nothing where the numbers are out of all reason.
    pub(in crate::media) fn from_parts(samples: Vec<f32>, rate: u32, more: bool) -> Option<Self> {
        let possible = is_rate(rate) && !samples.is_empty() && samples.len() <= kept(rate);
        let samples = samples.into_iter().map(plain).collect();
        possible.then_some(Self { name: String::new(), samples, rate, more })
    }

    /// Returns the samples, the rate, and whether the file holds more of them.
    pub(in crate::media) fn parts(&self) -> (&[f32], u32, bool) {
        (&self.samples, self.rate, self.more)
    }

    #[cfg(test)]
    pub(super) fn from_samples(samples: Vec<f32>, rate: u32) -> Self {
        Self { name: "test".to_owned(), samples, rate, more: false }
    }
}

/// Describes why the file cannot be decoded. The decoder's own words are for programmers.
fn describe(error: &Error) -> String {
    let why = if matches!(error, Error::IoError(_)) {
        "it ends too early"
    } else if matches!(error, Error::Unsupported(_)) {
        "its format is not known"
    } else if matches!(error, Error::ResetRequired) {
        "its format changes in the middle"
    } else {
        "it cannot be decoded"
    };
    why.to_owned()
}

/// Mixes all channels into one, and keeps as much as a ring tone can need.
#[derive(Default)]
struct Mono {
    samples: Vec<f32>,
    rate: Option<u32>,
    /// All frames so far, also those that were not kept.
    frames: u64,
    /// How many frames a FLAC file declares.
    declared: Option<u64>,
    /// Why a packet could not be read.
    damaged: Option<String>,
}

impl Mono {
    fn take_all(
        &mut self,
        format: &mut dyn FormatReader,
        decoder: &mut dyn AudioDecoder,
        track: u32,
    ) -> Result<(), SoundProblem> {
        let mut interleaved: Vec<f32> = Vec::new();
        loop {
            let packet = match format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(()),
                Err(error) => return self.stop(&error),
            };
            if packet.track_id != track {
                continue;
            }
            match decoder.decode(&packet) {
                Ok(buffer) => {
                    let (rate, channels) = (buffer.spec().rate(), buffer.num_planes());
                    self.check(rate, channels)?;
                    buffer.copy_to_vec_interleaved(&mut interleaved);
                    self.add(&interleaved, channels, rate)?;
                }
                // The frames before the first whole one of an MP3 are of that kind.
                Err(error @ Error::DecodeError(_)) if self.samples.is_empty() || self.is_full() => {
                    self.damaged.get_or_insert_with(|| describe(&error));
                }
                Err(error) => return self.stop(&error),
            }
        }
    }

    /// Ends where a packet cannot be read. Only a sound of which nothing is missing can be used.
    fn stop(&mut self, error: &Error) -> Result<(), SoundProblem> {
        // What is behind the last frame is no part of the sound, such as a tag.
        let is_whole =
            self.declared.is_some_and(|declared| declared > 0 && self.frames >= declared);
        if self.is_full() || is_whole {
            return Ok(());
        }
        if !self.samples.is_empty() {
            return Err(SoundProblem::Damaged(describe(error)));
        }
        self.damaged.get_or_insert_with(|| describe(error));
        Ok(())
    }

    /// Whether everything that is kept has been read.
    fn is_full(&self) -> bool {
        self.rate.is_some_and(|rate| self.samples.len() >= kept(rate))
    }

    fn check(&mut self, rate: u32, channels: usize) -> Result<(), SoundProblem> {
        let wrong = |why: String| Err(SoundProblem::Unreasonable(why));
        if !is_rate(rate) {
            return wrong(format!("it has {rate} samples a second"));
        }
        if channels == 0 || channels > MOST_CHANNELS {
            return wrong(format!("it has {channels} channels"));
        }
        match *self.rate.get_or_insert(rate) {
            first if first != rate => wrong("its sample rate changes in the middle".to_owned()),
            _ => Ok(()),
        }
    }

    fn add(&mut self, interleaved: &[f32], channels: usize, rate: u32) -> Result<(), SoundProblem> {
        let kept = kept(rate);
        for frame in interleaved.chunks_exact(channels) {
            self.frames += 1;
            if self.samples.len() < kept {
                let sum: f32 = frame.iter().copied().map(plain).sum();
                self.samples.push(sum / channels as f32);
            }
        }
        if self.frames > u64::from(rate) * 60 * LONGEST_MINUTES {
            return Err(SoundProblem::TooLong(LONGEST_MINUTES));
        }
        Ok(())
    }

    fn finish(self) -> Result<Audio, SoundProblem> {
        match (self.rate, self.damaged) {
            (Some(rate), _) if !self.samples.is_empty() => {
                let more = self.frames > self.samples.len() as u64;
                Ok(Audio { name: String::new(), samples: self.samples, rate, more })
            }
            (_, Some(why)) => Err(SoundProblem::NotAudio(why)),
            (_, None) => Err(SoundProblem::Empty),
        }
    }
}

fn is_rate(rate: u32) -> bool {
    (LOWEST_RATE..=HIGHEST_RATE).contains(&rate)
}

/// Returns how many samples are kept.
fn kept(rate: u32) -> usize {
    (f64::from(rate) * KEPT_SECONDS) as usize
}

/// Files of floating point samples can hold anything.
fn plain(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-LOUDEST, LOUDEST) } else { 0.0 }
}

/// Longest file that is read, in bytes: ten minutes of a CD are 100 MB.
const LONGEST_FILE: u64 = 64 * 1024 * 1024;

/// Longest sound that is read, although only its first seconds ring.
const LONGEST_MINUTES: u64 = 10;

/// The longest ring tone has 10.05 seconds.
const KEPT_SECONDS: f64 = 10.5;

const LOWEST_RATE: u32 = 2_000;
const HIGHEST_RATE: u32 = 384_000;
const MOST_CHANNELS: usize = 32;

/// Louder samples are mistakes.
const LOUDEST: f32 = 8.0;
