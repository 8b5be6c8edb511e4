//! How long a watch waits before it serves a phone again.

use std::time::Duration;

use crate::event::Outcome;

/// Returns how long a phone is left alone after such an outcome, and so many failures in a row before it. Nothing where it
/// needs no other attempt, or where the next one depends on its registration.
///
/// A phone that registers anew is tried at once, whatever this says.
pub fn retry_after(outcome: Outcome, failures: u32) -> Option<Duration> {
    let (first, factor) = match outcome {
        Outcome::Verified
        | Outcome::Already
        | Outcome::Offline
        | Outcome::Excluded
        | Outcome::NoBackground => return None,
        // The run ended before, and not because of this phone.
        Outcome::Pending | Outcome::Interrupted => return Some(Duration::ZERO),
        // It has the picture, most likely; only its downloads were not seen.
        Outcome::Accepted => (DAY, 2),
        // A phone asks the cluster, which may learn of an association only minutes later.
        Outcome::AuthFailed => (10 * MINUTE, 3),
        Outcome::Unreachable => (5 * MINUTE, 2),
        Outcome::BadReply | Outcome::WrongDevice => (15 * MINUTE, 2),
        Outcome::Rejected | Outcome::NeedsWork | Outcome::NotShown | Outcome::NotVerifiable => {
            (60 * MINUTE, 2)
        }
    };
    let longest = if outcome == Outcome::Accepted { 7 * DAY } else { DAY };
    Some(first.saturating_mul(factor_of(factor, failures)).min(longest))
}

/// Returns how long no phone is pushed to after a run that stopped by itself, and so many such runs in a row before it.
pub fn retry_after_stop(stops: u32) -> Duration {
    (15 * MINUTE).saturating_mul(factor_of(2, stops)).min(DAY)
}

fn factor_of(factor: u32, failures: u32) -> u32 {
    factor.saturating_pow(failures)
}

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_backs_off_by_its_own_rule_up_to_a_day() {
        let minutes =
            |outcome, failures| retry_after(outcome, failures).map(|time| time.as_secs() / 60);
        assert_eq!(
            [0, 1, 2].map(|n| minutes(Outcome::AuthFailed, n)),
            [Some(10), Some(30), Some(90)]
        );
        assert_eq!(
            [0, 1, 20].map(|n| minutes(Outcome::Unreachable, n)),
            [Some(5), Some(10), Some(1_440)]
        );
        assert_eq!(minutes(Outcome::Rejected, u32::MAX), Some(1_440));
        assert_eq!([0, 9].map(|n| minutes(Outcome::Accepted, n)), [Some(1_440), Some(7 * 1_440)]);
        assert_eq!(minutes(Outcome::Pending, 3), Some(0));
        for settled in
            [Outcome::Verified, Outcome::Already, Outcome::NoBackground, Outcome::Offline]
        {
            assert_eq!(retry_after(settled, 5), None);
        }
        assert_eq!(retry_after_stop(0), 15 * MINUTE);
        assert_eq!(retry_after_stop(50), DAY);
    }
}
