//! Waves: a few phones first, then more. Between two waves there can be a soak period and a gate.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::domain::device_name::DeviceName;
use crate::domain::spread::spread;
use crate::domain::text::{names, pluralize};
use crate::event::{ControlEvent, ControlStep, Event, Observer, PhoneResult, Wave};
use crate::push::attempt_log::AttemptLog;
use crate::push::scheduler::{self, Scheduler};
use crate::push::settings::{PushOutcomes, PushSettings, StopReason, StopSignals};
use crate::push::{Delivery, Target};

/// How many phones go first where nothing else is asked for.
pub const USUAL_CANARY: usize = 10;

/// A number of phones, or a percentage of them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
pub enum Amount {
    Count(usize),
    Percent(u8),
}

impl Amount {
    /// Returns how many phones of `total` that is.
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
        let negative = if text.trim().starts_with('-') { "it is negative; " } else { "" };
        let wrong = || format!("{negative}write a number, or a percentage from 0% to 100%");
        match text.trim().strip_suffix('%') {
            Some(percent) => {
                let percent = percent.trim().parse().ok().filter(|percent| *percent <= 100);
                percent.map(Self::Percent).ok_or_else(wrong)
            }
            None => text.trim().parse().map(Self::Count).map_err(|_| wrong()),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.to_string()
    }
}

impl TryFrom<String> for Amount {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// How a push is cut into waves, and what happens between them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Waves {
    /// By default [`USUAL_CANARY`] phones of at least twice as many; [`Amount::Count`] of 0 is no canary.
    pub canary: Option<Amount>,
    /// How far each wave after the canary reaches, of all phones.
    pub reach: Vec<Amount>,
    /// How many of all phones may fail.
    pub max_failures: Option<Amount>,
    /// How many phones must have a result before a stop rule judges; the protection of the push user's account never
    /// waits.
    pub min_sample: usize,
    /// Whether every wave but the first waits for an approval.
    pub gate: bool,
    /// The time between the end of a wave and the next one.
    pub soak: Option<Duration>,
}

impl Waves {
    /// Makes sure that each wave reaches further than the one before it, as far as that does not depend on the number of
    /// phones.
    ///
    /// # Errors
    /// Names the wave that adds no phone.
    pub fn check(&self) -> Result<(), String> {
        let (mut count, mut percent) = (0, 0);
        // A canary of 0 is none.
        let is_none = |amount: &Amount| matches!(amount, Amount::Count(0) | Amount::Percent(0));
        let canary = self.canary.filter(|canary| !is_none(canary));
        for amount in canary.iter().chain(&self.reach) {
            let further = match *amount {
                Amount::Count(next) if next <= count => Amount::Count(count),
                Amount::Percent(next) if next <= percent => Amount::Percent(percent),
                Amount::Count(next) => {
                    count = next;
                    continue;
                }
                Amount::Percent(next) => {
                    percent = next;
                    continue;
                }
            };
            let why = match further {
                none if is_none(&none) => "has no phone".to_owned(),
                same if same == *amount => format!("comes after {same}, so it adds no phone"),
                further => format!("comes after {further}, which reaches further"),
            };
            return Err(format!("the wave {amount} {why}"));
        }
        Ok(())
    }
}

/// Checks the phones of a wave again after its soak period.
pub trait SoakCheck: Send + Sync {
    /// Finds out which of the phones are still registered.
    ///
    /// # Errors
    /// Says why that is not known.
    fn check<'a>(&'a self, phones: &'a [DeviceName])
    -> BoxFuture<'a, Result<SoakFindings, String>>;
}

/// The phones of a wave after its soak period.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SoakFindings {
    pub lost: Vec<DeviceName>,
    /// How many phones the cluster does not know enough about.
    pub unknown: usize,
}

impl SoakFindings {
    fn describe(&self) -> String {
        let Self { lost, unknown } = self;
        let lost = match lost.len() {
            0 => "all phones that were checked are still registered".to_owned(),
            1 => format!("1 phone is no longer registered: {}", names(lost)),
            count => format!("{count} phones are no longer registered: {}", names(lost)),
        };
        match unknown {
            0 => lost,
            unknown => format!("{lost}; of {} it is not known", pluralize(*unknown, "phone")),
        }
    }
}

/// How a push in waves is made.
#[derive(Clone, Copy)]
pub struct WaveSettings<'a> {
    pub waves: &'a Waves,
    pub push: PushSettings,
    /// Without one, phones are not checked after the soak period of their wave.
    pub soak_check: Option<&'a dyn SoakCheck>,
}

/// Returns the canary of a push to so many phones.
fn canary(waves: &Waves, total: usize) -> Option<Amount> {
    let usual = (total >= 2 * USUAL_CANARY).then_some(Amount::Count(USUAL_CANARY));
    waves.canary.or(usual).filter(|amount| amount.of(total) > 0)
}

/// Cuts the targets into waves. Every target is in exactly one.
///
/// Models and device pools take turns, so that each wave has some of all: what goes wrong with one model or in one
/// device pool goes wrong early.
pub fn cut(targets: Vec<Target>, waves: &Waves) -> Vec<Vec<Target>> {
    let total = targets.len();
    let mut order: VecDeque<Target> =
        spread(targets, |target| (&target.model, &target.device_pool)).into();
    let canary = canary(waves, total);
    let ends = canary.iter().chain(&waves.reach).map(|amount| amount.of(total));
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

/// Pushes wave by wave. After each wave the stop rules decide whether the next one begins; phones of waves that do not
/// begin are pending.
///
/// The first wave ends when each of its phones has a result, and so does every wave before a gate or a soak period. Other
/// waves end when each of their phones was tried: those that are tried again are so beside the next wave, unless a stop
/// rule could depend on them.
pub async fn run<B: AttemptLog>(
    delivery: &dyn Delivery,
    log: &B,
    targets: Vec<Target>,
    settings: WaveSettings<'_>,
    stop: &StopSignals,
    observer: &dyn Observer,
) -> PushOutcomes {
    let WaveSettings { waves, push, soak_check } = settings;
    let push = PushSettings {
        max_failures: waves.max_failures.map(|amount| amount.of(targets.len())),
        min_sample: waves.min_sample,
        ..push
    };
    let total = targets.len();
    let cut = cut(targets, waves);
    let count = cut.len();
    let mut scheduler = Scheduler::new(delivery, log, push, stop);
    let mut stopped = stop.while_paused().await.err();
    let mut not_begun = Vec::new();
    for (wave, number) in cut.into_iter().zip(1..) {
        let phones = pluralize(wave.len(), "phone");
        if number > 1 && waves.gate && stopped.is_none() {
            let title = format!("wave {number} of {count} ({phones})");
            stopped = stop.approval(title).await.err();
        }
        if let Some(stopped) = &stopped {
            not_begun.extend(scheduler::leave(log, wave, stopped, observer).await);
            continue;
        }
        if count > 1 {
            let canary = number == 1 && canary(waves, total).is_some();
            let beside = scheduler.open;
            let wave = Wave { number, of: count, canary, phones: wave.len(), beside };
            observer.observe(&Event::Wave(wave));
        }
        let first = scheduler.results.len();
        scheduler.add(wave, observer);
        // The first wave is the canary. What waits for a person or a soak period waits for results that are final.
        if number == 1 || number == count || waves.gate || waves.soak.is_some() {
            scheduler.settle_all(stop, observer).await;
        } else {
            scheduler.settle_first_attempts(stop, observer).await;
        }
        stopped = scheduler.stopped(stop);
        if number == count {
            break;
        }
        stopped = stopped.or_else(|| judge(&scheduler));
        if let (Some(time), None) = (waves.soak, &stopped) {
            let results = &scheduler.results[first..];
            let soak = Soak { wave: number, of: count, time, results };
            match soak.run(soak_check, stop, observer).await {
                // Phones that were pushed to and are no longer registered count as failed.
                Ok(lost) => scheduler.failed += lost,
                Err(ended) => stopped = Some(ended),
            }
        }
        stopped = stopped.or_else(|| judge(&scheduler));
        if stopped.is_none() {
            stopped = stop.while_paused().await.err();
        }
    }
    let mut all = scheduler.end(stopped, stop, observer).await;
    all.results.extend(not_begun);
    all.results.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// Returns what stops the push before the next wave.
fn judge<B: AttemptLog>(scheduler: &Scheduler<'_, B>) -> Option<StopReason> {
    let may_judge = scheduler.judged >= scheduler.settings.min_sample;
    let downloads = || scheduler.only_vain_pushes().filter(|_| may_judge);
    scheduler.too_many_failures().or_else(downloads)
}

struct Soak<'a> {
    wave: usize,
    of: usize,
    time: Duration,
    results: &'a [PhoneResult],
}

impl Soak<'_> {
    /// Waits, and checks the phones of the wave that took the push. Returns how many are no longer registered.
    async fn run(
        &self,
        check: Option<&dyn SoakCheck>,
        stop: &StopSignals,
        observer: &dyn Observer,
    ) -> Result<usize, StopReason> {
        let Self { wave, of, time, results } = *self;
        let observe = |step, text| observer.observe(&Event::Control(ControlEvent { step, text }));
        let told = describe(time);
        observe(
            ControlStep::SoakStarted,
            format!("soak period of wave {wave} of {of}: {told} (--soak)"),
        );
        stop.soak(time).await?;
        let served = results.iter().filter(|result| !result.is_failure());
        let served = served.filter(|result| !result.outcome.is_skipped());
        let served: Vec<DeviceName> = served.map(|result| result.name.clone()).collect();
        let (lost, text) = match check {
            None => (0, "without a cluster its phones cannot be checked again".to_owned()),
            Some(check) => match check.check(&served).await {
                Ok(found) => (found.lost.len(), found.describe()),
                Err(why) => (0, format!("its phones could not be checked again: {why}")),
            },
        };
        observe(
            ControlStep::SoakEnded,
            format!("soak period of wave {wave} of {of} ended: {text}"),
        );
        Ok(lost)
    }
}

/// Returns a time in its largest whole unit.
fn describe(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds > 0 && seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds > 0 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
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
        assert_eq!(first, [("M2", "P1"), ("M1", "P2"), ("M2", "P1")]);
        assert_eq!(cut.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
    }

    #[test]
    fn waves_reach_as_far_as_they_say() {
        let waves = Waves {
            canary: Some(Amount::Percent(10)),
            reach: [50, 50, 100].map(Amount::Percent).to_vec(),
            ..Waves::default()
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
                ..Waves::default()
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
