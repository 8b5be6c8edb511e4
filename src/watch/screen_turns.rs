//! How many screens a watch looks at, and when. Nothing here reads or waits.

use std::time::Duration;

/// Returns how many screens are looked at now in their turn: of so many phones that show their picture, where each one has its
/// turn once in `every`, and the last ones had theirs so long ago.
///
/// Few are put together, so that not every pass is a run; of many only a share has its turn at once, also when no watch
/// worked for long.
pub fn due(shown: usize, since: Duration, every: Duration) -> usize {
    // A duration of zero looks at a share in each pass.
    let turns = since.as_secs_f64() / every.as_secs_f64().max(f64::MIN_POSITIVE);
    // Never negative; what is too large for the type becomes its largest value.
    let due = (shown as f64 * turns).floor() as usize;
    if due < (shown / SHARES).max(1) { 0 } else { due.min(share(shown)) }
}

/// Returns how many screens are looked at together, at most.
pub fn share(shown: usize) -> usize {
    shown.div_ceil(SHARES).max(LEAST).min(shown)
}

/// Returns how long no screens are looked at after some were, also when phones register anew.
pub fn pause(every: Duration) -> Duration {
    (every / SHARES as u32).min(LONGEST_PAUSE)
}

/// In how many shares all phones have their turn: with one week, a share every 6 hours.
const SHARES: usize = 28;

/// Screens that are looked at together, whatever their share is.
const LEAST: usize = 10;

const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn each_phone_has_its_turn_once_in_the_time() {
        let week = HOUR * 24 * 7;
        for shown in [1, 5, 27, 28, 100, 1_000, 40_000] {
            let (mut since, mut looked, mut runs) = (Duration::ZERO, 0, 0);
            for _ in 0..24 * 7 {
                since += HOUR;
                let now = due(shown, since, week);
                if now > 0 {
                    (since, looked, runs) = (Duration::ZERO, looked + now, runs + 1);
                }
            }
            assert!(looked <= shown, "{looked} of {shown}");
            assert!(looked * 100 >= shown * 80, "{looked} of {shown}");
            assert!(runs <= 28, "{runs} runs for {shown} phones");
        }
    }

    #[test]
    fn a_share_at_a_time() {
        let week = HOUR * 24 * 7;
        assert_eq!(due(40_000, HOUR, week), 0);
        assert_eq!(due(40_000, 50 * week, week), 1_429);
        assert_eq!(due(3, 50 * week, week), 3);
        assert_eq!(due(0, week, week), 0);
        assert_eq!(due(100, HOUR, Duration::ZERO), 10);
        assert_eq!(pause(week), LONGEST_PAUSE);
        assert_eq!(pause(HOUR), HOUR / 28);
    }
}
