//! Brings a sound to the rate, the length and the level of a ring tone.

use ebur128::{EbuR128, Mode};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, Resampler as _, SincInterpolationParameters, WindowFunction};

use super::{Audio, ToneError};
use crate::domain::payload_kind::ToneFormat;

#[derive(Debug)]
pub(super) struct Shaped {
    /// From -1 to 1, whole units of them.
    pub(super) samples: Vec<f32>,
    /// Whether something was left out at the end.
    pub(super) cut: bool,
}

pub(super) fn shape(audio: &Audio, format: ToneFormat) -> Result<Shaped, ToneError> {
    let mut samples = resampled(audio, format.rate())?;
    let cut = cut(&mut samples, format) || audio.more;
    if samples.iter().all(|sample| sample.abs() < AUDIBLE) {
        let seconds = samples.len() as f64 / f64::from(format.rate());
        return Err(ToneError::Silent { name: audio.name.clone(), seconds });
    }
    level(&mut samples, format.rate());
    fade(&mut samples, format.rate());
    let units = samples.len().div_ceil(ToneFormat::UNIT).max(1);
    samples.resize(units * ToneFormat::UNIT, 0.0);
    Ok(Shaped { samples, cut })
}

fn resampled(audio: &Audio, rate: u32) -> Result<Vec<f32>, ToneError> {
    if audio.rate == rate {
        return Ok(audio.samples.clone());
    }
    let failed = |why: String| ToneError::Resample { name: audio.name.clone(), rate, why };
    let length = audio.samples.len();
    // A lower rate needs a filter that is as much longer.
    let taps = TAPS * audio.rate.div_ceil(rate) as usize;
    let parameters = SincInterpolationParameters::new(taps, WindowFunction::BlackmanHarris2);
    let ratio = f64::from(rate) / f64::from(audio.rate);
    let mut resampler =
        Async::<f32>::new_sinc(ratio, 1.0, &parameters, CHUNK, 1, FixedAsync::Input)
            .map_err(|error| failed(error.to_string()))?;
    let input = InterleavedSlice::new(audio.samples.as_slice(), 1, length)
        .map_err(|error| failed(error.to_string()))?;
    let output =
        resampler.process_all(&input, length, None).map_err(|error| failed(error.to_string()))?;
    Ok(output.take_data())
}

/// Cuts what phones do not ring, at the last zero crossing before. Returns whether it did.
fn cut(samples: &mut Vec<f32>, format: ToneFormat) -> bool {
    if samples.len() <= format.longest() {
        return false;
    }
    samples.truncate(format.longest());
    let window = (format.rate() / 20) as usize;
    let crossing = samples.windows(2).rev().take(window).position(|pair| {
        let (before, after) = (pair[0], pair[1]);
        (before >= 0.0) != (after >= 0.0)
    });
    if let Some(back) = crossing {
        samples.truncate(samples.len() - 1 - back);
    }
    true
}

/// Brings the loudness (EBU R128) to [`LOUDNESS`], and no peak above [`PEAK`].
fn level(samples: &mut [f32], rate: u32) {
    let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    if peak <= 0.0 {
        return;
    }
    let wanted = loudness(samples, rate)
        .map_or(1.0, |loudness| 10.0_f32.powf((LOUDNESS - loudness) as f32 / 20.0));
    let gain = wanted.min(MOST_GAIN).min(PEAK / peak);
    samples.iter_mut().for_each(|sample| *sample *= gain);
}

/// Measures the loudness in LUFS; nothing where it is too low to be measured.
///
/// The measure looks at blocks of 400 ms, and a ring tone may be shorter. Phones repeat it, so that is what is
/// measured.
fn loudness(samples: &[f32], rate: u32) -> Option<f64> {
    let mut meter = EbuR128::new(1, rate, Mode::I).ok()?;
    let rounds = (3 * rate as usize).div_ceil(samples.len()).max(1);
    for _ in 0..rounds {
        meter.add_frames_f32(samples).ok()?;
    }
    meter.loudness_global().ok().filter(|loudness| loudness.is_finite())
}

/// Lets both ends begin and end at zero, without a click.
fn fade(samples: &mut [f32], rate: u32) {
    let half = samples.len().div_ceil(2);
    let length = |milliseconds: u32| ((rate * milliseconds / 1000) as usize).min(half).max(1);
    let (rise, fall) = (length(FADE_IN), length(FADE_OUT));
    for (at, sample) in samples.iter_mut().take(rise).enumerate() {
        *sample *= at as f32 / rise as f32;
    }
    for (at, sample) in samples.iter_mut().rev().take(fall).enumerate() {
        *sample *= at as f32 / fall as f32;
    }
}

/// Frames that are resampled at a time.
const CHUNK: usize = 1_024;

/// Length of the resampling filter where the rate does not become lower, in samples.
const TAPS: usize = 128;

/// What is always below this cannot be heard: -60 dB.
const AUDIBLE: f32 = 0.001;

/// The loudness of the tones, in LUFS: as loud as music players level to.
const LOUDNESS: f64 = -14.0;

/// The highest peak: 1 dB below the most that there is.
const PEAK: f32 = 0.891;

/// The most that is added: 40 dB. What needs more is noise.
const MOST_GAIN: f32 = 100.0;

/// Milliseconds.
const FADE_IN: u32 = 3;
const FADE_OUT: u32 = 15;
