//! Pause, continue, approval, soak period and the least sample of a stop rule.

use std::sync::Arc;

use crate::domain::control::{ControlAction, ControlResult};
use crate::event::{ControlEvent, ControlStep};
use crate::push::scheduler::tests::*;
use crate::push::scheduler::waves::{Amount, SoakCheck, SoakFindings, WaveSettings, Waves};

/// The steps of the controlled run, with the time since its start in seconds.
struct Steps(Instant, Mutex<Vec<(ControlStep, u64)>>);

impl Observer for Steps {
    fn observe(&self, event: &Event) {
        if let Event::Control(ControlEvent { step, .. }) = event {
            self.1.lock().unwrap().push((*step, self.0.elapsed().as_secs()));
        }
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ask(stop: &StopSignals, action: ControlAction) -> ControlResult {
    stop.control.apply(action, "ada on ops1")
}

fn pushes(delivery: &Scripted) -> usize {
    delivery.asked.lock().unwrap().len()
}

/// Attempts that are in the log and have no end there.
#[derive(Default)]
struct OpenAttempts(Mutex<Vec<i64>>, AtomicUsize);

impl AttemptLog for OpenAttempts {
    async fn begin_attempt(&self, _: &Target, _: u32) -> Result<i64, JournalError> {
        let entry = i64::try_from(self.1.fetch_add(1, Ordering::SeqCst)).unwrap();
        self.0.lock().unwrap().push(entry);
        Ok(entry)
    }

    fn record_reply(&self, _: i64, _: &str) {}

    async fn end_attempt(&self, entry: i64, _: &PhoneOutcome) -> Result<(), JournalError> {
        self.0.lock().unwrap().retain(|open| *open != entry);
        Ok(())
    }

    async fn finish_phone(&self, entry: Option<i64>, _: &PhoneResult) -> Result<(), JournalError> {
        self.0.lock().unwrap().retain(|open| Some(*open) != entry);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_in_a_pause_and_everything_is_done_after_it() {
    let answers = HashMap::from([(1, vec![ReplyKind::Unreachable("reset".into())])]);
    let delivery = Scripted { answers, ..Scripted::default() };
    let (stop, log) = (StopSignals::default(), OpenAttempts::default());
    let steering = async {
        // The first pushes are in progress, and the first of them fails and is to be retried after 5 s.
        tokio::time::sleep(Duration::from_millis(15)).await;
        assert_eq!(ask(&stop, ControlAction::Pause), ControlResult::Done);
        assert_eq!(ask(&stop, ControlAction::Pause), ControlResult::Unchanged);
        tokio::time::sleep(seconds(1)).await;
        let before = pushes(&delivery);
        assert!(before < 20, "{before}");
        assert_eq!(*log.0.lock().unwrap(), [0; 0], "attempts that have not begun are withdrawn");
        tokio::time::sleep(seconds(3600)).await;
        assert_eq!(pushes(&delivery), before);
        assert_eq!(ask(&stop, ControlAction::Continue), ControlResult::Done);
        assert_eq!(ask(&stop, ControlAction::Continue), ControlResult::Unchanged);
    };
    let targets = (1..=20).map(target).collect();
    let push = run(&delivery, &log, targets, SETTINGS, &stop, &Unobserved);
    let (pushed, ()) = tokio::join!(push, steering);
    assert_eq!(outcomes(&pushed), [Outcome::Verified; 20]);
    assert_eq!((pushed.stopped, pushes(&delivery)), (None, 21), "one push was retried");
}

#[tokio::test(start_paused = true)]
async fn a_paused_run_can_be_aborted() {
    let delivery = Scripted::default();
    let stop = StopSignals::default();
    let steering = async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        ask(&stop, ControlAction::Pause);
        tokio::time::sleep(seconds(60)).await;
        assert_eq!(ask(&stop, ControlAction::Abort), ControlResult::Done);
        assert_eq!(ask(&stop, ControlAction::Abort), ControlResult::Unchanged);
    };
    let targets = (1..=20).map(target).collect();
    let push = run(&delivery, &NullLog, targets, SETTINGS, &stop, &Unobserved);
    let (pushed, ()) = tokio::join!(push, steering);
    assert_eq!(pushed.stopped, Some(StopReason::Interrupted));
    let done = outcomes(&pushed).iter().filter(|one| **one == Outcome::Verified).count();
    assert_eq!(done, pushes(&delivery), "what was in progress finished");
    assert!(done < 20);
}

#[tokio::test(start_paused = true)]
async fn a_pause_does_not_outlast_the_end_of_the_run() {
    let until = "2026-03-01T06:00:00Z".parse().unwrap();
    let begin: Timestamp = "2026-03-01T05:00:00Z".parse().unwrap();
    let schedule = Schedule::new(None, Some(until)).beginning(begin);
    let stop = StopSignals { schedule, ..StopSignals::default() };
    let (delivery, began) = (Scripted::default(), Instant::now());
    ask(&stop, ControlAction::Pause);
    let targets = (1..=3).map(target).collect();
    let pushed = run(&delivery, &NullLog, targets, SETTINGS, &stop, &Unobserved).await;
    assert_eq!(pushed.stopped, Some(StopReason::TimeOver { until }));
    assert_eq!((pushes(&delivery), began.elapsed().as_secs()), (0, 3600));
    // The same before the first wave, and at a gate.
    let stop = StopSignals {
        schedule: Schedule::new(None, Some(until)).beginning(begin),
        ..StopSignals::default()
    };
    let waves = Waves { canary: Some(Amount::Count(1)), gate: true, ..Waves::default() };
    let targets = (1..=3).map(target).collect();
    let pushed =
        waves::run(&delivery, &NullLog, targets, in_waves(&waves), &stop, &Unobserved).await;
    assert_eq!(pushed.stopped, Some(StopReason::TimeOver { until }));
    assert_eq!(pushes(&delivery), 1);
}

#[tokio::test(start_paused = true)]
async fn no_login_is_checked_in_a_pause() {
    let answers = HashMap::from([(1, vec![ReplyKind::AuthRefused(error(4))])]);
    let delivery = Scripted { answers, ..Scripted::default() };
    let (stop, cluster) = cluster(Password::Right, Vec::new());
    let steering = async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        ask(&stop, ControlAction::Pause);
        tokio::time::sleep(seconds(60)).await;
        assert_eq!(cluster.asked.load(Ordering::SeqCst), 0);
        assert_eq!(pushes(&delivery), 1);
        ask(&stop, ControlAction::Continue);
    };
    let targets = (1..=4).map(target).collect();
    let push = run(&delivery, &NullLog, targets, SETTINGS, &stop, &Unobserved);
    let (pushed, ()) = tokio::join!(push, steering);
    assert_eq!(outcomes(&pushed), [Outcome::Verified; 4]);
    assert_eq!(cluster.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn each_wave_after_the_first_waits_for_an_approval_of_its_own() {
    let delivery = Scripted::default();
    let stop = StopSignals::default();
    let waves = Waves {
        canary: Some(Amount::Count(2)),
        reach: vec![Amount::Count(5)],
        gate: true,
        ..Waves::default()
    };
    let steering = async {
        // An approval before a wave waits counts for none.
        assert_eq!(ask(&stop, ControlAction::Approve), ControlResult::NotWaiting);
        tokio::time::sleep(seconds(600)).await;
        assert_eq!(pushes(&delivery), 2);
        assert_eq!(ask(&stop, ControlAction::Approve), ControlResult::Done);
        // Nor does a second one, which comes for the same wave.
        assert_eq!(ask(&stop, ControlAction::Approve), ControlResult::NotWaiting);
        tokio::time::sleep(seconds(600)).await;
        assert_eq!(pushes(&delivery), 5);
        // A run that is paused begins an approved wave when it is continued.
        ask(&stop, ControlAction::Pause);
        assert_eq!(ask(&stop, ControlAction::Approve), ControlResult::Done);
        tokio::time::sleep(seconds(600)).await;
        assert_eq!(pushes(&delivery), 5);
        ask(&stop, ControlAction::Continue);
    };
    let targets = (1..=9).map(target).collect();
    let push = waves::run(&delivery, &NullLog, targets, in_waves(&waves), &stop, &Unobserved);
    let (pushed, ()) = tokio::join!(push, steering);
    assert_eq!((outcomes(&pushed), pushed.stopped), (vec![Outcome::Verified; 9], None));
}

/// A cluster on which these phones are no longer registered.
struct Lost(Vec<u8>);

impl SoakCheck for Lost {
    fn check<'a>(
        &'a self,
        phones: &'a [DeviceName],
    ) -> BoxFuture<'a, Result<SoakFindings, String>> {
        let lost = self.0.iter().map(|n| target(*n).name).filter(|name| phones.contains(name));
        let found = SoakFindings { lost: lost.collect(), unknown: 0 };
        async { Ok(found) }.boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn phones_that_are_lost_in_a_soak_period_stop_the_next_wave() {
    let waves = Waves {
        canary: Some(Amount::Count(2)),
        max_failures: Some(Amount::Count(0)),
        soak: Some(seconds(1800)),
        gate: true,
        ..Waves::default()
    };
    let (delivery, stop) = (Scripted::default(), StopSignals::default());
    let steps = Steps(Instant::now(), Mutex::default());
    let check = Lost(vec![1]);
    let settings = WaveSettings { soak_check: Some(&check), ..in_waves(&waves) };
    let targets = (1..=9).map(target).collect();
    let pushed = waves::run(&delivery, &NullLog, targets, settings, &stop, &steps).await;
    assert_eq!(pushed.stopped, Some(StopReason::Failures { failed: 1, most: 0 }));
    assert_eq!(pushes(&delivery), 2);
    let steps = steps.1.into_inner().unwrap();
    assert_eq!(steps, [(ControlStep::SoakStarted, 0), (ControlStep::SoakEnded, 1800)]);
}

#[tokio::test(start_paused = true)]
async fn the_soak_period_comes_before_the_gate() {
    let waves = Waves {
        canary: Some(Amount::Count(2)),
        max_failures: Some(Amount::Count(0)),
        soak: Some(seconds(1800)),
        gate: true,
        ..Waves::default()
    };
    let (delivery, stop) = (Scripted::default(), StopSignals::default());
    let steps = Arc::new(Steps(Instant::now(), Mutex::default()));
    let observer: Arc<dyn Observer> = Arc::<Steps>::clone(&steps);
    stop.control.observe_with(&observer);
    let approval = async {
        tokio::time::sleep(seconds(900)).await;
        assert_eq!(
            ask(&stop, ControlAction::Approve),
            ControlResult::NotWaiting,
            "its soak period goes on"
        );
        tokio::time::sleep(seconds(1800)).await;
        assert_eq!(ask(&stop, ControlAction::Approve), ControlResult::Done);
    };
    let check = Lost(vec![9]);
    let settings = WaveSettings { soak_check: Some(&check), ..in_waves(&waves) };
    let targets = (1..=9).map(target).collect();
    let push = waves::run(&delivery, &NullLog, targets, settings, &stop, &*observer);
    let (pushed, ()) = tokio::join!(push, approval);
    // The lost phone is of the last wave, which has no soak period.
    assert_eq!((outcomes(&pushed), pushed.stopped), (vec![Outcome::Verified; 9], None));
    use ControlStep::{Approved, GateReached, SoakEnded, SoakStarted};
    let expected = [(SoakStarted, 0), (SoakEnded, 1800), (GateReached, 1800), (Approved, 2700)];
    assert_eq!(*steps.1.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_stop_rule_judges_no_fewer_phones_than_it_may() {
    let failing = |phones: &[u8]| {
        let refused = |n: &u8| (*n, vec![ReplyKind::Refused(error(3))]);
        Scripted { answers: phones.iter().map(refused).collect(), ..Scripted::default() }
    };
    let waves = |min_sample| Waves {
        canary: Some(Amount::Count(3)),
        max_failures: Some(Amount::Count(0)),
        min_sample,
        ..Waves::default()
    };
    let run = async |delivery: &Scripted, waves: &Waves| {
        let targets = (1..=20).map(target).collect();
        let stop = StopSignals::default();
        waves::run(delivery, &NullLog, targets, in_waves(waves), &stop, &Unobserved).await
    };
    // The last phone of the canary fails: no other wave begins.
    let delivery = failing(&[3]);
    let pushed = run(&delivery, &waves(0)).await;
    assert_eq!(pushed.stopped, Some(StopReason::Failures { failed: 1, most: 0 }));
    assert_eq!(pushes(&delivery), 3);
    // Three phones are too few: the rule judges as soon as ten have a result, also those of the first wave.
    let delivery = failing(&[3]);
    let pushed = run(&delivery, &waves(10)).await;
    assert_eq!(pushed.stopped, Some(StopReason::Failures { failed: 1, most: 0 }));
    assert!((10..20).contains(&pushes(&delivery)), "{}", pushes(&delivery));
    // Missing downloads are judged by a rule too.
    let delivery = Scripted { no_downloads: (1..=3).collect(), ..Scripted::default() };
    let pushed = run(&delivery, &Waves { max_failures: None, ..waves(0) }).await;
    assert!(matches!(pushed.stopped, Some(StopReason::NoDownloads { accepted: 3, .. })));
    let delivery = Scripted { no_downloads: (1..=3).collect(), ..Scripted::default() };
    let pushed = run(&delivery, &Waves { max_failures: None, ..waves(4) }).await;
    assert_eq!(pushed.stopped, None);
}
