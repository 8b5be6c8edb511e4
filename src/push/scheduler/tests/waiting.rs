//! Waiting for fresh phones.

use crate::push::scheduler::tests::*;

const MINUTES: Duration = Duration::from_secs(300);
const PATIENT: PushSettings =
    PushSettings { password_proven: true, propagation_limit: MINUTES, ..SETTINGS };

fn recently_changed(count: u8) -> Vec<Target> {
    (1..=count).map(|n| Target { recently_changed: true, ..target(n) }).collect()
}

fn refusals(count: usize) -> Vec<ReplyKind> {
    vec![ReplyKind::AuthRefused(error(4)); count]
}

/// Phones whose association needs a while, and when each of them was asked.
struct Warming {
    begun: Instant,
    needs: Duration,
    phones: Scripted,
    asked: Mutex<Vec<Duration>>,
}

impl Warming {
    fn new(needs: Duration) -> Self {
        let (phones, asked) = (Scripted::default(), Mutex::default());
        Self { begun: Instant::now(), needs, phones, asked }
    }

    /// Counts the attempts in a span of time after the beginning.
    fn asked(&self, span: impl std::ops::RangeBounds<Duration>) -> usize {
        self.asked.lock().unwrap().iter().filter(|at| span.contains(*at)).count()
    }
}

impl Delivery for Warming {
    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        async move {
            let at = self.begun.elapsed();
            self.asked.lock().unwrap().push(at);
            let answer = self.phones.push(target).await;
            if target.recently_changed && at < self.needs {
                ReplyKind::AuthRefused(error(4)).into()
            } else {
                answer
            }
        }
        .boxed()
    }

    fn downloads<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, DownloadStatus> {
        self.phones.downloads(target)
    }
}

/// Keeps the pauses that it observes.
#[derive(Default)]
struct Pauses(Mutex<Vec<(String, u64)>>);

impl Observer for Pauses {
    fn observe(&self, event: &Event) {
        if let Event::Waiting { reason, delay, .. } = event {
            self.0.lock().unwrap().push((reason.to_string(), delay.as_secs()));
        }
    }
}

/// Pushes with a cluster that confirms the password, where it has done so before.
async fn run_for(
    delivery: &dyn Delivery,
    targets: Vec<Target>,
    settings: PushSettings,
) -> PushOutcomes {
    let stop = if settings.password_proven { confirming() } else { StopSignals::default() };
    run(delivery, &NullLog, targets, settings, &stop, &Unobserved).await
}

fn confirming() -> StopSignals {
    cluster(Password::Right, Vec::new()).0
}

#[tokio::test(start_paused = true)]
async fn an_acceptance_after_some_refusals_is_proven() {
    let delivery = Scripted { answers: HashMap::from([(1, refusals(4))]), ..Scripted::default() };
    let pushed = run_for(&delivery, recently_changed(1), PATIENT).await;
    let result = &pushed.results[0];
    assert_eq!((result.outcome, result.attempts), (Outcome::Verified, 5));
    assert!(result.duration_ms >= Some((2 + 4 + 8 + 16) * 1000), "{result:?}");
    assert_eq!(pushed.stopped, None);
}

#[tokio::test(start_paused = true)]
async fn attempts_that_only_meant_not_yet_leave_the_others_untouched() {
    let reset = ReplyKind::Unreachable("reset".into());
    let answers = [refusals(3), vec![reset.clone()]].concat();
    let delivery = Scripted { answers: HashMap::from([(1, answers)]), ..Scripted::default() };
    let pushed = run_for(&delivery, recently_changed(1), PATIENT).await;
    let result = &pushed.results[0];
    assert_eq!((result.outcome, result.attempts), (Outcome::Verified, 5));
    let delivery = Scripted { otherwise: Some(reset), ..Scripted::default() };
    let pushed = run_for(&delivery, recently_changed(1), PATIENT).await;
    assert_eq!((outcomes(&pushed)[0], pushed.results[0].attempts), (Outcome::Unreachable, 2));
}

#[tokio::test(start_paused = true)]
async fn fifty_phones_that_all_need_a_minute_are_asked_a_few_times_only() {
    let delivery = Warming::new(Duration::from_secs(60));
    let pauses = Pauses::default();
    let pushed =
        run(&delivery, &NullLog, recently_changed(50), PATIENT, &confirming(), &pauses).await;
    assert!(outcomes(&pushed).iter().all(|outcome| *outcome == Outcome::Verified));
    let early = delivery.asked(..delivery.needs);
    assert!(early <= 6, "{early} attempts");
    assert_eq!(delivery.asked(..), 50 + early);
    assert_eq!(delivery.phones.most_at_once.load(Ordering::SeqCst), 3);
    let told = pauses.0.into_inner().unwrap();
    let told: Vec<_> = told.iter().filter(|(why, _)| why.contains("associations")).collect();
    assert!(told.iter().all(|(why, _)| why.contains(" of 50 phones ")), "{told:?}");
    let delays: Vec<u64> = told.iter().map(|(_, delay)| *delay).collect();
    assert_eq!(delays, [2, 4, 8, 16, 30]);
}

#[tokio::test(start_paused = true)]
async fn a_password_that_nobody_has_confirmed_is_not_tried_longer() {
    let delivery = Scripted { otherwise: Some(refusals(1).remove(0)), ..Scripted::default() };
    let settings = PushSettings { password_proven: false, ..PATIENT };
    let pushed = run_for(&delivery, recently_changed(9), settings).await;
    assert_eq!(pushed.stopped, Some(StopReason::AuthRefusals { in_a_row: 3 }));
    assert_eq!(*delivery.asked.lock().unwrap(), [1, 2, 3]);
    let refused = pushed.results.iter().filter(|result| result.outcome == Outcome::AuthFailed);
    assert!(refused.clone().all(|result| told(result).contains("only a moment ago")));
    assert_eq!(refused.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn phones_that_were_controlled_before_confirm_the_password() {
    let answers = (1..=5).map(|n| (n, refusals(2))).collect();
    let delivery = Scripted { answers, ..Scripted::default() };
    let mut targets = recently_changed(8);
    for target in &mut targets[5..] {
        target.recently_changed = false;
    }
    let settings = PushSettings { password_proven: false, ..PATIENT };
    let run_with = async |delivery: &Scripted, targets: Vec<Target>, stop: StopSignals| {
        run(delivery, &NullLog, targets, settings, &stop, &Unobserved).await
    };
    let proven = run_with(&delivery, targets.clone(), confirming()).await;
    assert!(outcomes(&proven).iter().all(|outcome| *outcome == Outcome::Verified));
    // Without the cluster's word, fresh phones cannot be distinguished from a password that was changed since.
    let delivery = Scripted { answers: delivery.answers.clone(), ..Scripted::default() };
    let silent = cluster(Password::Unknown, Vec::new()).0;
    let unproven = run_with(&delivery, targets, silent).await;
    assert!(matches!(unproven.stopped, Some(StopReason::AuthRefusals { .. })), "{unproven:?}");
    let refused = outcomes(&unproven).iter().filter(|o| **o == Outcome::AuthFailed).count();
    assert!(refused <= SETTINGS.concurrency, "{unproven:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_beyond_the_limit() {
    let delivery = Warming::new(Duration::MAX);
    let pushed = run_for(&delivery, recently_changed(20), PATIENT).await;
    assert_eq!(pushed.stopped, None, "refusals do not count where the password is proven");
    assert_eq!(delivery.asked(MINUTES..), 20, "everybody is asked once more");
    assert!(delivery.asked(..MINUTES) <= 15);
    assert!(
        delivery.begun.elapsed() < MINUTES + Duration::from_secs(1),
        "the limit ends every pause"
    );
    for result in &pushed.results {
        assert!(result.reason.is_some() && result.remedy.is_some());
        assert_eq!(result.outcome, Outcome::AuthFailed, "{result:?}");
        assert!(told(result).contains("5 minutes"), "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_few_that_refuse_to_the_end_are_told_how_long_was_waited() {
    let delivery = Warming::new(Duration::MAX);
    let pushed = run_for(&delivery, recently_changed(2), PATIENT).await;
    assert_eq!(outcomes(&pushed), [Outcome::AuthFailed; 2]);
    assert!(pushed.results.iter().all(|result| told(result).contains("5 minutes")));
    assert_eq!(pushed.stopped, None, "everybody was done with");
}

#[tokio::test(start_paused = true)]
async fn one_that_refuses_longer_than_the_others_holds_up_nobody() {
    let answers =
        HashMap::from([(2, refusals(3)), (3, vec![ReplyKind::Unreachable("reset".into())])]);
    let delivery = Scripted { answers, ..Scripted::default() };
    let pushed = run_for(&delivery, recently_changed(9), PATIENT).await;
    assert!(outcomes(&pushed).iter().all(|outcome| *outcome == Outcome::Verified));
    for result in &pushed.results {
        let (attempts, seconds) = match result.name.as_str() {
            "SEP0002" => (4, 14..15),
            "SEP0003" => (2, 5..6),
            _ => (1, 0..1),
        };
        assert_eq!(result.attempts, attempts, "{result:?}");
        assert!(seconds.contains(&(result.duration_ms.unwrap() / 1000)), "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_interruption_while_waiting_keeps_what_is_known() {
    // Asked at 0, 2, 6 and 14 s.
    for (hard, seconds, attempts) in [(false, 1, 1), (false, 20, 4), (true, 20, 4)] {
        let delivery = Warming::new(Duration::MAX);
        let (log, stop) = (Counting::default(), confirming());
        let later = async {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            if hard { &stop.now } else { &stop.soon }.cancel();
        };
        // What becomes of a known phone goes on while the first fresh one is asked.
        let targets = recently_changed(9).into_iter().chain([target(10)]).collect();
        let pushing = run(&delivery, &log, targets, PATIENT, &stop, &Unobserved);
        let (mut pushed, ()) = tokio::join!(pushing, later);
        assert_eq!(delivery.begun.elapsed().as_secs(), seconds, "it does not wait on");
        assert_eq!(pushed.stopped, Some(StopReason::Interrupted));
        assert_eq!(pushed.results.pop().unwrap().outcome, Outcome::Verified);
        assert_eq!(outcomes(&pushed), [Outcome::Pending; 9]);
        let tried: Vec<_> = pushed.results.iter().filter(|result| result.attempts > 0).collect();
        assert_eq!(u32::try_from(tried.len()), Ok(attempts));
        assert!(tried.iter().all(|result| result.phone_error.is_some()));
        assert!(tried.iter().all(|result| told(result).contains("not tried again")));
        assert_eq!(
            *log.open.lock().unwrap(),
            1 + attempts,
            "nobody stands in the book during a pause"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_does_not_hold_up_phones_that_were_controlled_before() {
    let mut delivery = Warming::new(Duration::from_secs(60));
    delivery.phones.answers = HashMap::from([(9, vec![ReplyKind::Unreachable("reset".into())])]);
    let mut targets = recently_changed(9);
    targets[8].recently_changed = false;
    let pushed = run_for(&delivery, targets, PATIENT).await;
    assert!(outcomes(&pushed).iter().all(|outcome| *outcome == Outcome::Verified));
    let known = &pushed.results[8];
    assert_eq!((known.attempts, known.duration_ms.unwrap() / 1000), (2, 5));
}

/// Counts what is written.
#[derive(Default)]
struct Counting {
    open: Mutex<u32>,
    closed: Mutex<Vec<(i64, Outcome)>>,
}

impl AttemptLog for Counting {
    async fn begin_attempt(&self, _: &Target, _: u32) -> Result<i64, JournalError> {
        let mut open = self.open.lock().unwrap();
        *open += 1;
        Ok(i64::from(*open))
    }

    fn record_reply(&self, _: i64, _: &str) {}

    async fn end_attempt(&self, entry: i64, outcome: &PhoneOutcome) -> Result<(), JournalError> {
        self.closed.lock().unwrap().push((entry, outcome.outcome));
        Ok(())
    }

    async fn finish_phone(
        &self,
        entry: Option<i64>,
        result: &PhoneResult,
    ) -> Result<(), JournalError> {
        self.closed.lock().unwrap().extend(entry.map(|entry| (entry, result.outcome)));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn every_attempt_while_waiting_is_in_the_book() {
    let delivery = Scripted {
        answers: HashMap::from([(1, refusals(2)), (2, refusals(1))]),
        ..Scripted::default()
    };
    let log = Counting::default();
    run(&delivery, &log, recently_changed(2), PATIENT, &confirming(), &Unobserved).await;
    let mut closed = log.closed.into_inner().unwrap();
    closed.sort_by_key(|(entry, _)| *entry);
    use Outcome::{AuthFailed, Verified};
    let expected = [AuthFailed, AuthFailed, AuthFailed, Verified, Verified];
    assert_eq!(closed, (1..).zip(expected).collect::<Vec<_>>());
}

fn told(result: &PhoneResult) -> &str {
    result.reason.as_deref().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_no_wait_for_a_retry() {
    let reset = ReplyKind::Unreachable("reset".into());
    let delivery = Scripted { answers: HashMap::from([(1, vec![reset])]), ..Scripted::default() };
    let retry_delay = Duration::from_secs(30);
    let settings = PushSettings { rate: Some(1), retry_delay, ..SETTINGS };
    let pauses = Pauses::default();
    let targets = (1..=5).map(target).collect();
    let pushed =
        run(&delivery, &NullLog, targets, settings, &StopSignals::default(), &pauses).await;
    assert!(outcomes(&pushed).iter().all(|outcome| *outcome == Outcome::Verified), "{pushed:?}");
    let told = pauses.0.into_inner().unwrap();
    let retries: Vec<_> = told.iter().filter(|(why, _)| why.contains("tried again")).collect();
    // Four phones begin a second apart before only the retry is left.
    assert!(
        !retries.is_empty() && retries.iter().all(|(_, delay)| (20..=26).contains(delay)),
        "{told:?}"
    );
}
