//! A few phones first, then more: what goes wrong goes wrong for few.

use std::collections::{BTreeMap, VecDeque};
use std::str::FromStr;

use crate::domain::text::pluralize;
use crate::event::{Event, Observer, Outcome, PhoneResult};
use crate::push::attempt_log::AttemptLog;
use crate::push::scheduler;
use crate::push::settings::{PushOutcomes, PushSettings, StopReason, StopSignals};
use crate::push::{Delivery, Target};

/// So many phones, or so many of a hundred.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Amount {
    Count(usize),
    /// So many of a hundred, rounded up.
    Percent(u8),
}

impl Amount {
    /// Returns how many that is of `total`.
    pub fn of(self, total: usize) -> usize {
        match self {
            Self::Count(count) => count.min(total),
            Self::Percent(percent) => (total * usize::from(percent)).div_ceil(100).min(total),
        }
    }
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "it is a number, or a percentage from 0% to 100%".to_owned();
        match text.trim().strip_suffix('%') {
            Some(percent) => {
                let percent = percent.trim().parse().ok().filter(|percent| *percent <= 100);
                percent.map(Self::Percent).ok_or_else(wrong)
            }
            None => text.trim().parse().map(Self::Count).map_err(|_| wrong()),
        }
    }
}

/// How a push is cut into waves.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Waves {
    pub canary: Option<Amount>,
    /// How far each wave after that reaches, of all phones.
    pub reach: Vec<Amount>,
    /// How many phones may fail, of all.
    pub max_failures: Option<Amount>,
}

/// Cuts the targets into waves; nobody is left out, and nobody is in two.
///
/// Models and device pools take turns, so that each wave has some of all: what goes wrong with one kind of
/// phone, or in one place, goes wrong early.
pub fn cut(targets: Vec<Target>, waves: &Waves) -> Vec<Vec<Target>> {
    let total = targets.len();
    let mut order: VecDeque<Target> = spread(targets).into();
    let ends = waves.canary.iter().chain(&waves.reach).map(|amount| amount.of(total));
    let (mut cut, mut done) = (Vec::new(), 0);
    for end in ends.chain([total]) {
        let wave: Vec<Target> = order.drain(..end.saturating_sub(done).min(order.len())).collect();
        done = done.max(end);
        if !wave.is_empty() {
            cut.push(wave);
        }
    }
    cut
}

/// Lets models and device pools take turns.
fn spread(targets: Vec<Target>) -> Vec<Target> {
    let total = targets.len();
    let mut groups: BTreeMap<(String, String), VecDeque<Target>> = BTreeMap::new();
    for target in targets {
        let key = (target.model.clone(), target.device_pool.clone());
        groups.entry(key).or_default().push_back(target);
    }
    let mut spread = Vec::with_capacity(total);
    while !groups.is_empty() {
        groups.retain(|_, group| {
            spread.extend(group.pop_front());
            !group.is_empty()
        });
    }
    spread
}

/// Pushes wave by wave. After each one it looks whether to go on; what is left when it does not is pending.
pub async fn run<B: AttemptLog>(
    delivery: &dyn Delivery,
    log: &B,
    targets: Vec<Target>,
    waves: &Waves,
    settings: PushSettings,
    stop: &StopSignals,
    observer: &dyn Observer,
) -> PushOutcomes {
    let most = waves.max_failures.map(|amount| amount.of(targets.len()));
    let cut = cut(targets, waves);
    let count = cut.len();
    let mut all = PushOutcomes { results: Vec::new(), stopped: None };
    for (wave, number) in cut.into_iter().zip(1..) {
        if count > 1 {
            let phones = pluralize(wave.len(), "phone");
            observer.observe(&Event::Remark(format!("wave {number} of {count}: {phones}")));
        }
        let failed = failures(&all.results);
        let max_failures = most.map(|most| most.saturating_sub(failed));
        // Once waves before have shown that the password is right, no fresh phone can make it doubtful.
        let password_proven = settings.password_proven || verified(&all.results) > 0;
        let settings = PushSettings { max_failures, password_proven, ..settings };
        let pushed = match &all.stopped {
            None => scheduler::run(delivery, log, wave, settings, stop, observer).await,
            Some(stopped) => scheduler::leave(log, wave, stopped, observer).await,
        };
        all.results.extend(pushed.results);
        all.stopped = all.stopped.or_else(|| pushed.stopped.map(|stopped| stopped.after(failed)));
        all.stopped = all.stopped.or_else(|| no_downloads(&all.results, number < count));
    }
    all.results.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn failures(results: &[PhoneResult]) -> usize {
    results.iter().filter(|result| result.is_failure()).count()
}

fn verified(results: &[PhoneResult]) -> usize {
    results.iter().filter(|result| result.outcome == Outcome::Verified).count()
}

/// Stops before the next wave when phones accept and not one of them downloads.
fn no_downloads(results: &[PhoneResult], more_to_come: bool) -> Option<StopReason> {
    // Where nobody looks, that nothing was seen says nothing.
    let in_vain =
        |result: &&PhoneResult| result.outcome == Outcome::Accepted && result.is_failure();
    let accepted = results.iter().filter(in_vain).count();
    let nobody = accepted > 0 && verified(results) == 0;
    let by_others = results.iter().any(|result| !result.downloads.fetched_by.is_empty());
    (more_to_come && nobody).then_some(StopReason::NoDownloads { accepted, by_others })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::push::scheduler::tests::target;

    fn targets(kinds: &[(u8, u8)]) -> Vec<Target> {
        let target = |(n, (model, pool)): (usize, &(u8, u8))| Target {
            model: format!("M{model}"),
            device_pool: format!("P{pool}"),
            ..target(u8::try_from(n).unwrap())
        };
        kinds.iter().enumerate().map(target).collect()
    }

    #[test]
    fn amounts_are_numbers_or_percentages() {
        assert_eq!("12".parse(), Ok(Amount::Count(12)));
        assert_eq!(" 5 %".parse(), Ok(Amount::Percent(5)));
        for wrong in ["", "%", "101%", "-1", "1.5%", "ten"] {
            assert!(wrong.parse::<Amount>().is_err(), "{wrong}");
        }
        assert_eq!([Amount::Percent(10).of(25), Amount::Percent(0).of(25)], [3, 0]);
        assert_eq!(Amount::Count(9).of(4), 4);
    }

    #[test]
    fn the_first_ones_are_of_every_kind() {
        let kinds = [(1, 1), (1, 1), (1, 1), (2, 1), (1, 2), (2, 1)];
        let waves = Waves { canary: Some(Amount::Count(3)), ..Waves::default() };
        let cut = cut(targets(&kinds), &waves);
        let first: Vec<(&str, &str)> =
            cut[0].iter().map(|t| (t.model.as_str(), t.device_pool.as_str())).collect();
        assert_eq!(first, [("M1", "P1"), ("M1", "P2"), ("M2", "P1")]);
        assert_eq!(cut.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
    }

    #[test]
    fn waves_reach_as_far_as_they_say() {
        let waves = Waves {
            canary: Some(Amount::Percent(10)),
            reach: [50, 50, 100].map(Amount::Percent).to_vec(),
            max_failures: None,
        };
        let cut = cut(targets(&[(1, 1); 20]), &waves);
        assert_eq!(cut.iter().map(Vec::len).collect::<Vec<_>>(), [2, 8, 10]);
    }

    proptest! {
        #[test]
        fn everybody_is_in_one_wave(
            kinds in proptest::collection::vec((0_u8..4, 0_u8..4), 0..60),
            canary in proptest::option::of(0_usize..80),
            reach in proptest::collection::vec(0_u8..=100, 0..5),
        ) {
            let waves = Waves {
                canary: canary.map(Amount::Count),
                reach: reach.into_iter().map(Amount::Percent).collect(),
                max_failures: None,
            };
            let cut = cut(targets(&kinds), &waves);
            prop_assert!(cut.iter().all(|wave| !wave.is_empty()));
            let mut names: Vec<_> = cut.into_iter().flatten().map(|target| target.name).collect();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), kinds.len());
        }
    }
}
