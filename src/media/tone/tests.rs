use std::f64::consts::TAU;

use proptest::prelude::*;

use super::*;

/// A sine of `hertz`, as a WAV file of 16-bit samples.
pub(super) fn wav(hertz: f64, seconds: f64, rate: u32, channels: u16) -> Vec<u8> {
    let frames = (seconds * f64::from(rate)) as u32;
    let sample =
        |n: u32| (0.25 * (TAU * hertz * f64::from(n) / f64::from(rate)).sin() * 32_767.0) as i16;
    let samples = (0..frames).flat_map(|n| vec![sample(n); usize::from(channels)]);
    wav_of(&samples.collect::<Vec<_>>(), rate, channels)
}

fn wav_of(samples: &[i16], rate: u32, channels: u16) -> Vec<u8> {
    let length = u32::try_from(samples.len() * 2).unwrap();
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(channels) * 2).to_le_bytes());
    file.extend((channels * 2).to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// The samples of a tone, as a phone would read them.
fn heard(tone: &Tone) -> Vec<i16> {
    match tone.format {
        ToneFormat::Classic => {
            tone.bytes.iter().map(|byte| audio_codec_algorithms::decode_ulaw(*byte)).collect()
        }
        ToneFormat::Wideband => {
            tone.bytes.chunks(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
        }
    }
}

/// The frequency of a pure sound, by counting where it rises through zero.
fn frequency(samples: &[i16], rate: u32) -> f64 {
    let rises: Vec<usize> =
        (1..samples.len()).filter(|n| samples[n - 1] < 0 && samples[*n] >= 0).collect();
    let (first, last) = (rises[0], rises[rises.len() - 1]);
    (rises.len() - 1) as f64 * f64::from(rate) / (last - first) as f64
}

fn good(tone: &Tone) {
    let per_sample = if tone.format == ToneFormat::Classic { 1 } else { 2 };
    assert_eq!(tone.bytes.len(), tone.samples * per_sample);
    assert_eq!(tone.samples % ToneFormat::UNIT, 0);
    assert!((ToneFormat::UNIT..=tone.format.longest()).contains(&tone.samples));
    let heard = heard(tone);
    let peak = heard.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
    assert!(peak < 30_000, "it clips at {peak}");
    assert!(heard[0].abs() < 10 && heard[heard.len() - 1].abs() < 10, "it begins or ends loudly");
}

#[test]
fn a_known_tone_stays_that_tone() {
    for rate in [8_000, 16_000, 22_050, 44_100, 48_000] {
        let audio = Audio::decode("a.wav", wav(440.0, 1.0, rate, 2)).unwrap();
        for format in ToneFormat::ALL {
            let tone = Tone::make(&audio, format).unwrap();
            good(&tone);
            let found = frequency(&heard(&tone), format.rate());
            assert!((found - 440.0).abs() < 1.0, "{found} Hz from {rate} in {format:?}");
            assert!((tone.seconds() - 1.0).abs() < 0.04 && !tone.cut, "{}", tone.seconds());
            // 0.25 of the most is -12 dB; what is levelled is louder, and not too loud.
            let peak = heard(&tone).into_iter().map(i16::unsigned_abs).max().unwrap();
            assert!((8_500..30_000).contains(&peak), "{peak}");
        }
    }
}

/// The same tone of 440 Hz, as encoders of the three packed formats wrote it.
#[test]
fn packed_formats_are_read() {
    for (name, bytes) in [
        ("440.flac", &include_bytes!("../../../tests/tones/440.flac")[..]),
        ("440.mp3", &include_bytes!("../../../tests/tones/440.mp3")[..]),
        ("440.ogg", &include_bytes!("../../../tests/tones/440.ogg")[..]),
    ] {
        let audio = Audio::decode(name, bytes.to_vec()).unwrap_or_else(|error| panic!("{error}"));
        for format in ToneFormat::ALL {
            let tone = Tone::make(&audio, format).unwrap();
            good(&tone);
            let heard = heard(&tone);
            // Encoders add silence in front, so only the middle is the tone.
            let middle = &heard[heard.len() / 4..heard.len() * 3 / 4];
            let found = frequency(middle, format.rate());
            assert!((found - 440.0).abs() < 4.0, "{found} Hz from {name}");
            assert!((0.55..0.75).contains(&tone.seconds()), "{} s from {name}", tone.seconds());
        }
    }
}

#[test]
fn what_is_too_long_is_cut_where_it_crosses_zero() {
    let audio = Audio::decode("a.wav", wav(440.0, 20.0, 44_100, 1)).unwrap();
    let classic = Tone::make(&audio, ToneFormat::Classic).unwrap();
    let wideband = Tone::make(&audio, ToneFormat::Wideband).unwrap();
    for tone in [&classic, &wideband] {
        good(tone);
        assert!(tone.cut);
    }
    assert!((1.9..=2.01).contains(&classic.seconds()), "{}", classic.seconds());
    assert!((9.9..=10.05).contains(&wideband.seconds()), "{}", wideband.seconds());
}

#[test]
fn loud_and_faint_sounds_become_equally_loud() {
    let peak = |part: f64| {
        let sample = |n: u32| (part * (TAU * 500.0 * f64::from(n) / 16_000.0).sin()) as f32;
        let audio = Audio::from_samples((0..16_000).map(sample).collect(), 16_000);
        let tone = Tone::make(&audio, ToneFormat::Wideband).unwrap();
        good(&tone);
        f64::from(heard(&tone).into_iter().map(i16::unsigned_abs).max().unwrap())
    };
    let (loud, faint) = (peak(1.0), peak(0.02));
    assert!((loud / faint - 1.0).abs() < 0.02, "{loud} and {faint}");
}

#[test]
fn what_is_no_sound_is_refused() {
    let refused = |bytes: Vec<u8>| Audio::of(bytes).unwrap_err();
    assert!(matches!(refused(Vec::new()), SoundProblem::Empty));
    assert!(matches!(
        refused(b"this is a text, and not a sound at all".repeat(9)),
        SoundProblem::NotAudio(_)
    ));
    let picture = crate::media::demo_png().unwrap().png.to_vec();
    assert!(matches!(refused(picture), SoundProblem::NotAudio(_)));
    let mut cut = wav(440.0, 1.0, 8_000, 1);
    cut.truncate(20);
    assert!(matches!(refused(cut), SoundProblem::Damaged(_)));
    assert!(matches!(
        refused(wav_of(&[], 8_000, 1)),
        SoundProblem::Empty | SoundProblem::NotAudio(_)
    ));
    assert!(matches!(refused(wav(440.0, 0.01, 500_000, 1)), SoundProblem::Unreasonable(_)));
    let silent = Audio::decode("x.wav", wav_of(&[0; 4_000], 8_000, 1)).unwrap();
    assert!(matches!(Tone::make(&silent, ToneFormat::Classic), Err(ToneError::Silent { .. })));
}

#[test]
fn a_sound_that_plays_for_ages_is_refused() {
    // Eleven minutes of one sample after the other.
    let long = wav_of(&vec![1_000; 11 * 60 * 8_000], 8_000, 1);
    assert!(matches!(Audio::of(long).unwrap_err(), SoundProblem::TooLong(_)));
    let path = std::path::Path::new("/nonexistent/x.wav");
    assert!(matches!(Audio::read(path).unwrap_err(), ToneError::Unreadable { .. }));
}

#[test]
fn odd_sounds_become_tones() {
    for (bytes, what) in [
        (wav_of(&[20_000], 8_000, 1), "one sample"),
        (wav(440.0, 0.5, 48_000, 8), "eight channels"),
        (wav(440.0, 0.5, 192_000, 2), "192 kHz"),
        (wav(440.0, 0.2, 11_025, 1), "11,025 Hz"),
        (wav(100.0, 0.2, 2_000, 1), "2 kHz"),
    ] {
        let audio = Audio::decode("x.wav", bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
        for format in ToneFormat::ALL {
            match Tone::make(&audio, format) {
                Ok(tone) => good(&tone),
                // A single sample may vanish between two rates.
                Err(ToneError::Silent { .. }) if what == "one sample" => {}
                Err(error) => panic!("{what}: {error}"),
            }
        }
    }
}

#[test]
fn equal_sounds_have_equal_digests() {
    let make = |hertz| {
        let audio = Audio::decode("x.wav", wav(hertz, 0.5, 8_000, 1)).unwrap();
        ToneSet::make(&audio, ToneFormat::ALL).unwrap().digests()
    };
    assert_eq!(make(440.0), make(440.0));
    assert_ne!(make(440.0)[&ToneFormat::Classic], make(450.0)[&ToneFormat::Classic]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_samples_become_a_tone_or_an_error(
        samples in proptest::collection::vec(any::<f32>(), 1..3_000),
        rate in proptest::sample::select(&[2_000_u32, 8_000, 11_025, 16_000, 44_100, 96_000, 192_000][..]),
    ) {
        let plain = samples.into_iter().map(|s| if s.is_finite() { s.clamp(-8.0, 8.0) } else { 0.0 });
        let audio = Audio::from_samples(plain.collect(), rate);
        for format in ToneFormat::ALL {
            if let Ok(tone) = Tone::make(&audio, format) {
                good(&tone);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), cut in 0_usize..2_000) {
        let _judged = Audio::decode("x", bytes.clone()).is_ok();
        let mut damaged = wav(440.0, 0.1, 8_000, 1);
        damaged.truncate(cut.max(1));
        damaged.extend(bytes);
        let _judged = Audio::decode("x", damaged).is_ok();
    }
}
