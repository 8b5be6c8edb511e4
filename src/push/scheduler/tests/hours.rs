//! Windows and the end of a run's time.

use jiff::tz::TimeZone;

use crate::domain::time_zone::{ZoneRule, Zones};
use crate::push::scheduler::schedule::DailyHours;
use crate::push::scheduler::tests::*;
use crate::push::scheduler::waves::Waves;

/// A window of the night for two pools: Paris, and Chicago, which is seven hours behind.
fn schedule(begin: &str, until: Option<&str>) -> Schedule {
    let rule = |pool: &str, zone: &str| ZoneRule {
        device_pool: pool.parse().unwrap(),
        zone: TimeZone::get(zone).unwrap(),
    };
    let rules = vec![rule("Paris*", "Europe/Paris"), rule("Chi*", "America/Chicago")];
    let hours = DailyHours {
        window: "22:00-05:00".parse().unwrap(),
        zones: Zones::new(rules, TimeZone::UTC),
    };
    let until = until.map(|until| until.parse().unwrap());
    Schedule::new(Some(hours), until).beginning(begin.parse().unwrap())
}

fn stop(begin: &str, until: Option<&str>) -> StopSignals {
    StopSignals { schedule: schedule(begin, until), ..StopSignals::default() }
}

fn of_pool(n: u8, pool: &str) -> Target {
    Target { device_pool: pool.to_owned(), ..target(n) }
}

/// Phones that take a while, and when each of them was asked, by the schedule's clock.
struct Watched<'a> {
    stop: &'a StopSignals,
    accepts: Duration,
    asked: Mutex<Vec<(String, Timestamp)>>,
    answers: Mutex<Vec<ReplyKind>>,
}

impl<'a> Watched<'a> {
    fn new(stop: &'a StopSignals, accepts: Duration) -> Self {
        Self { stop, accepts, asked: Mutex::default(), answers: Mutex::default() }
    }

    fn times(&self, pool: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap().clone();
        let of_pool = asked.iter().filter(|(other, _)| other == pool);
        of_pool.map(|(_, at)| at.strftime("%dT%H:%M:%S").to_string()).collect()
    }
}

impl Delivery for Watched<'_> {
    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        async move {
            let at = self.stop.schedule.now();
            let gate = self.stop.schedule.gate(&target.device_pool, at);
            assert!(matches!(gate, window::WindowState::Open { .. }), "{target:?} at {at}");
            self.asked.lock().unwrap().push((target.device_pool.clone(), at));
            tokio::time::sleep(self.accepts).await;
            let scripted = self.answers.lock().unwrap().pop();
            scripted.unwrap_or(ReplyKind::Accepted(String::new())).into()
        }
        .boxed()
    }

    fn downloads<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, DownloadStatus> {
        async move {
            tokio::time::sleep(self.accepts).await;
            DownloadStatus::own(true, true)
        }
        .boxed()
    }
}

#[derive(Default)]
struct Remarks(Mutex<Vec<String>>, Mutex<Vec<(String, u64)>>);

impl Observer for Remarks {
    fn observe(&self, event: &Event) {
        if let Event::Remark(text) = event {
            self.0.lock().unwrap().push(text.clone());
        }
        if let Event::Waiting { reason, delay, .. } = event {
            let mut waits = self.1.lock().unwrap();
            // It is reported again with every look at the clock.
            let reason = reason.to_string();
            if waits.last().is_none_or(|(last, _)| *last != reason) {
                waits.push((reason, delay.as_secs() / 3600));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_phone_is_pushed_to_in_the_window_of_its_own_zone() {
    // 19:00 in Paris, noon in Chicago.
    let stop = stop("2026-01-10T18:00:00Z", None);
    let delivery = Watched::new(&stop, Duration::from_secs(1));
    let targets = vec![of_pool(1, "Paris 1"), of_pool(2, "Chicago"), of_pool(3, "Paris 1")];
    let told = Remarks::default();
    let pushed = run(&delivery, &NullLog, targets, SETTINGS, &stop, &told).await;
    assert_eq!(outcomes(&pushed), [Outcome::Verified; 3]);
    assert_eq!(delivery.times("Paris 1"), ["10T21:00:00", "10T21:00:01"]);
    assert_eq!(delivery.times("Chicago"), ["11T04:00:00"]);
    assert_eq!(
        *told.0.lock().unwrap(),
        [
            "2 phones waiting for the window 22:00-05:00 of Europe/Paris, opens in 3 h",
            "1 phone waiting for the window 22:00-05:00 of America/Chicago, opens in 7 h"
        ]
    );
    let waits = told.1.into_inner().unwrap();
    let waits = waits.iter().map(|(why, hours)| (why.as_str(), *hours));
    assert_eq!(
        waits.filter(|(why, _)| !why.starts_with("downloads")).collect::<Vec<_>>(),
        [
            ("the window 22:00-05:00 of Europe/Paris", 3),
            ("the window 22:00-05:00 of America/Chicago", 6)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_at_the_border_is_finished_and_the_others_wait_for_the_next_night() {
    // Two minutes before the window of Paris closes; every phone takes a minute and another one.
    let stop = stop("2026-01-10T03:58:00Z", None);
    let delivery = Watched::new(&stop, Duration::from_secs(61));
    let targets = (1..=4).map(|n| of_pool(n, "Paris")).collect();
    let log = Kept::default();
    let pushed = run(&delivery, &log, targets, SETTINGS, &stop, &Unobserved).await;
    assert_eq!(outcomes(&pushed), [Outcome::Verified; 4]);
    let times = delivery.times("Paris");
    assert_eq!(times, ["10T03:58:00", "10T03:59:01", "10T21:00:00", "10T21:01:01"]);
    // Every attempt in the journal has an end, and those that were made are proven.
    let kept = log.0.into_inner().unwrap();
    let verified = kept.iter().filter(|end| **end == Some(Outcome::Verified)).count();
    assert_eq!((verified, kept.iter().filter(|end| end.is_none()).count()), (4, 0), "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn a_second_try_waits_for_the_window_too() {
    let stop = stop("2026-01-10T03:59:58Z", None);
    let delivery = Watched::new(&stop, Duration::from_secs(1));
    delivery.answers.lock().unwrap().push(ReplyKind::Unreachable("reset".into()));
    let pushed =
        run(&delivery, &NullLog, vec![of_pool(1, "Paris")], SETTINGS, &stop, &Unobserved).await;
    assert_eq!(outcomes(&pushed), [Outcome::Verified]);
    assert_eq!(delivery.times("Paris"), ["10T03:59:58", "10T21:00:00"]);
    assert_eq!(pushed.results[0].attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn an_end_leaves_the_others_pending() {
    let until = "2026-01-10T21:00:03Z";
    let stop = stop("2026-01-10T21:00:00Z", Some(until));
    let delivery = Watched::new(&stop, Duration::from_secs(1));
    let mut targets: Vec<_> = (1..=9).map(|n| of_pool(n, "Paris")).collect();
    targets.push(of_pool(10, "Chicago"));
    let begun = Instant::now();
    let settings = PushSettings { concurrency: 1, ..SETTINGS };
    let pushed = run(&delivery, &NullLog, targets, settings, &stop, &Unobserved).await;
    assert_eq!(pushed.stopped, Some(StopReason::TimeOver { until: until.parse().unwrap() }));
    let of = |outcome| pushed.results.iter().filter(|result| result.outcome == outcome).count();
    assert_eq!((of(Outcome::Verified), of(Outcome::Pending)), (3, 7));
    let left = pushed.results.iter().find(|result| result.outcome == Outcome::Pending).unwrap();
    assert!(left.reason.as_ref().unwrap().contains("--until"), "{left:?}");
    assert!(begun.elapsed() < Duration::from_secs(6), "nobody is waited for any more");
}

#[tokio::test(start_paused = true)]
async fn a_window_that_opens_after_the_end_is_not_waited_for() {
    let stop = stop("2026-01-10T18:00:00Z", Some("2026-01-10T20:59:00Z"));
    let delivery = Watched::new(&stop, Duration::ZERO);
    let begun = Instant::now();
    let targets = vec![of_pool(1, "Paris"), of_pool(2, "Chicago")];
    let canary = Waves { canary: Some("1".parse().unwrap()), ..Waves::default() };
    let pushed =
        waves::run(&delivery, &NullLog, targets, in_waves(&canary), &stop, &Unobserved).await;
    assert_eq!(outcomes(&pushed), [Outcome::Pending; 2]);
    assert!(matches!(pushed.stopped, Some(StopReason::TimeOver { .. })));
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert!(delivery.asked.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_the_waiting_for_a_window() {
    let stop = stop("2026-01-10T18:00:00Z", None);
    let delivery = Watched::new(&stop, Duration::ZERO);
    let later = async {
        tokio::time::sleep(Duration::from_secs(5000)).await;
        stop.soon.cancel();
    };
    let targets = vec![of_pool(1, "Paris")];
    let pushing = run(&delivery, &NullLog, targets, SETTINGS, &stop, &Unobserved);
    let (pushed, ()) = tokio::join!(pushing, later);
    assert_eq!(pushed.stopped, Some(StopReason::Interrupted));
    let result = &pushed.results[0];
    assert_eq!((result.outcome, result.attempts), (Outcome::Pending, 0));
}

#[derive(Default)]
struct Kept(Mutex<Vec<Option<Outcome>>>);

impl Kept {
    fn end(&self, entry: i64, outcome: Outcome) {
        let at = usize::try_from(entry).unwrap();
        self.0.lock().unwrap()[at] = Some(outcome);
    }
}

impl AttemptLog for Kept {
    async fn begin_attempt(&self, _: &Target, _: u32) -> Result<i64, JournalError> {
        let mut kept = self.0.lock().unwrap();
        kept.push(None);
        Ok(i64::try_from(kept.len()).unwrap() - 1)
    }

    fn record_reply(&self, _: i64, _: &str) {}

    async fn end_attempt(&self, entry: i64, outcome: &PhoneOutcome) -> Result<(), JournalError> {
        self.end(entry, outcome.outcome);
        Ok(())
    }

    async fn finish_phone(
        &self,
        entry: Option<i64>,
        result: &PhoneResult,
    ) -> Result<(), JournalError> {
        if let Some(entry) = entry {
            self.end(entry, result.outcome);
        }
        Ok(())
    }
}

/// A cluster on which every phone has another address by now.
struct Elsewhere(Mutex<Vec<usize>>);

impl crate::push::addresses::AddressLookup for Elsewhere {
    fn look_up(&self, targets: Vec<Target>) -> BoxFuture<'_, Result<Vec<Target>, String>> {
        async move {
            self.0.lock().unwrap().push(targets.len());
            let ip = [10, 9, 9, 9].into();
            Ok(targets.into_iter().map(|target| Target { ip, ..target }).collect())
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn addresses_are_read_again_when_a_window_opens() {
    let cluster = std::sync::Arc::new(Elsewhere(Mutex::default()));
    let addresses = AddressSource::new(std::sync::Arc::<Elsewhere>::clone(&cluster));
    // 23:00 in Paris, 16:00 in Chicago.
    let stop = StopSignals { addresses, ..stop("2026-07-01T21:00:00Z", None) };
    let delivery = Watched::new(&stop, Duration::from_secs(1));
    let targets = vec![of_pool(1, "Paris"), of_pool(2, "Chicago"), of_pool(3, "Chicago")];
    let pushed = run(&delivery, &NullLog, targets, SETTINGS, &stop, &Unobserved).await;
    let moved = |n: usize| pushed.results[n].ip == Some([10, 9, 9, 9].into());
    assert_eq!([moved(0), moved(1), moved(2)], [false, true, true]);
    assert_eq!(*cluster.0.lock().unwrap(), [2], "one question for all phones of the window");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_starts_later_begins_at_its_time_with_the_addresses_of_then() {
    let cluster = std::sync::Arc::new(Elsewhere(Mutex::default()));
    let addresses = AddressSource::new(std::sync::Arc::<Elsewhere>::clone(&cluster));
    let start: Timestamp = "2026-07-01T22:00:00Z".parse().unwrap();
    let begin = "2026-07-01T18:00:00.5Z".parse().unwrap();
    let schedule = Schedule::new(None, None).starting(Some(start)).beginning(begin);
    let stop = StopSignals { addresses, schedule, ..StopSignals::default() };
    let began = Instant::now();
    assert_eq!(stop.start(&Unobserved).await, Ok(()));
    assert_eq!((began.elapsed().as_secs(), stop.schedule.now()), (14_399, start));
    let delivery = Watched::new(&stop, Duration::from_secs(1));
    let targets = (1..=5).map(target).collect();
    let pushed = run(&delivery, &NullLog, targets, SETTINGS, &stop, &Unobserved).await;
    assert!(pushed.results.iter().all(|phone| phone.ip == Some([10, 9, 9, 9].into())));
    assert_eq!(*cluster.0.lock().unwrap(), [5], "one question for all phones");
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_the_wait_for_the_start() {
    let start = Some("2026-07-01T22:00:00Z".parse().unwrap());
    let begin = "2026-07-01T18:00:00Z".parse().unwrap();
    let schedule = Schedule::new(None, None).starting(start).beginning(begin);
    let stop = StopSignals { schedule, ..StopSignals::default() };
    let later = async {
        tokio::time::sleep(Duration::from_secs(90)).await;
        stop.soon.cancel();
    };
    let began = Instant::now();
    let (waited, ()) = tokio::join!(stop.start(&Unobserved), later);
    assert_eq!((waited, began.elapsed().as_secs()), (Err(StopReason::Interrupted), 90));
}
