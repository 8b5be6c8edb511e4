//! Durations for people, and the marks of an axis.

use jiff::Timestamp;

/// Milliseconds from one moment to another; none where the second comes first.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

/// A duration in two units at most.
pub(crate) fn took(ms: u64) -> String {
    let seconds = ms / 1000;
    let (hours, minutes) = (seconds / 3600, seconds / 60);
    match seconds {
        0..10 => format!("{}.{} s", seconds, ms % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min {} s", seconds % 60),
        _ => format!("{hours} h {} min", minutes % 60),
    }
}

/// Marks for an axis that is so many milliseconds long: at round times, ten at most.
pub(crate) fn marks(length: u64) -> Vec<(u64, String)> {
    const SECOND: u64 = 1000;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    let steps = [
        100,
        200,
        500,
        SECOND,
        2 * SECOND,
        5 * SECOND,
        10 * SECOND,
        30 * SECOND,
        MINUTE,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        6 * HOUR,
        12 * HOUR,
    ];
    let day = 24 * HOUR;
    let step = steps.into_iter().find(|step| length / step < 10);
    let step = step.unwrap_or_else(|| (length / 10).div_ceil(day).max(1) * day);
    let label = |at: u64| match step {
        _ if at == 0 => "0".to_owned(),
        0..SECOND => format!("{}.{} s", at / SECOND, at % SECOND / 100),
        SECOND..MINUTE if length < 2 * MINUTE => format!("{} s", at / SECOND),
        SECOND..MINUTE => format!("{}:{:02} min", at / MINUTE, at % MINUTE / SECOND),
        MINUTE..HOUR if length < 2 * HOUR => format!("{} min", at / MINUTE),
        MINUTE..HOUR => format!("{}:{:02} h", at / HOUR, at % HOUR / MINUTE),
        _ if step < day => format!("{} h", at / HOUR),
        _ => format!("{} d", at / day),
    };
    (0..).map(|n| n * step).take_while(|at| *at <= length).map(|at| (at, label(at))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_read_well() {
        let summary = [340, 9_990, 12_400, 200_000, 7_500_000].map(took);
        assert_eq!(summary, ["0.3 s", "9.9 s", "12 s", "3 min 20 s", "2 h 5 min"]);
    }

    #[test]
    fn marks_are_round() {
        let of = |ms| marks(ms).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(of(3_200), ["0", "0.5 s", "1.0 s", "1.5 s", "2.0 s", "2.5 s", "3.0 s"]);
        assert_eq!(of(240_000)[..3], ["0", "0:30 min", "1:00 min"]);
        assert_eq!(of(7_000_000)[..3], ["0", "30 min", "60 min"]);
    }

    proptest! {
        #[test]
        fn an_axis_has_few_marks_and_all_lie_on_it(length in 0_u64..100_000_000_000) {
            let marks = marks(length);
            prop_assert!((1..=11).contains(&marks.len()), "{marks:?}");
            prop_assert!(marks.iter().all(|(at, _)| *at <= length));
        }
    }
}
