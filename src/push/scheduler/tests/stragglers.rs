//! Phones that are retried while the next wave begins.

use std::sync::Arc;

use proptest::prelude::*;

use crate::push::scheduler::tests::*;
use crate::push::scheduler::waves::{Amount, Waves};

/// Phones whose first attempts fail, and when each was asked.
struct Late {
    /// How often each is unreachable before it accepts.
    failures: HashMap<u8, usize>,
    begun: Instant,
    asked: Mutex<Vec<(u8, u64)>>,
}

impl Late {
    fn new(failures: impl IntoIterator<Item = (u8, usize)>) -> Self {
        let failures = failures.into_iter().collect();
        Self { failures, begun: Instant::now(), asked: Mutex::default() }
    }

    /// Returns when a phone was asked, in seconds.
    fn times(&self, n: u8) -> Vec<u64> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(phone, _)| *phone == n).map(|(_, at)| *at).collect()
    }

    /// Returns when the last of these phones was asked first.
    fn all_begun(&self, phones: std::ops::RangeInclusive<u8>) -> u64 {
        phones.map(|n| self.times(n)[0]).max().unwrap()
    }
}

impl Delivery for Late {
    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        async move {
            let n = last(target);
            let before = self.times(n).len();
            let now = self.begun.elapsed().as_secs();
            self.asked.lock().unwrap().push((n, now));
            let fails = before < self.failures.get(&n).copied().unwrap_or(0);
            let away = || ReplyKind::Unreachable("reset".into());
            if fails { away() } else { ReplyKind::Accepted(String::new()) }.into()
        }
        .boxed()
    }

    fn downloads<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, DownloadStatus> {
        async { DownloadStatus::own(true, true) }.boxed()
    }
}

fn three_waves() -> Waves {
    Waves { canary: Some(Amount::Count(5)), reach: vec![Amount::Count(15)], ..Waves::default() }
}

async fn pushed(delivery: &Late, waves: &Waves) -> PushOutcomes {
    let push = PushSettings { retry_delay: Duration::from_secs(60), ..SETTINGS };
    let settings = waves::WaveSettings { push, ..in_waves(waves) };
    let targets = (1..=30).map(target).collect();
    let stop = StopSignals::default();
    waves::run(delivery, &NullLog, targets, settings, &stop, &Unobserved).await
}

#[tokio::test(start_paused = true)]
async fn a_retry_does_not_hold_up_the_next_wave() {
    let delivery = Late::new([(8, 1), (9, 1)]);
    let pushed = pushed(&delivery, &three_waves()).await;
    assert_eq!(outcomes(&pushed), [Outcome::Verified; 30]);
    assert_eq!((delivery.times(8), delivery.times(9)), (vec![0, 60], vec![0, 60]));
    assert_eq!(delivery.all_begun(16..=30), 0, "the third wave began beside the retries");
}

#[tokio::test(start_paused = true)]
async fn the_canary_has_its_results_before_another_wave_begins() {
    let delivery = Late::new([(2, 1)]);
    let pushed = pushed(&delivery, &three_waves()).await;
    assert_eq!(outcomes(&pushed), [Outcome::Verified; 30]);
    assert_eq!(delivery.times(2), [0, 60]);
    assert_eq!(delivery.times(6), [60]);
}

#[tokio::test(start_paused = true)]
async fn a_soak_period_begins_when_every_phone_has_its_result() {
    let delivery = Late::new([(8, 1)]);
    let waves = Waves { soak: Some(Duration::from_secs(100)), ..three_waves() };
    pushed(&delivery, &waves).await;
    // Two soak periods, and the retry of the second wave.
    assert_eq!((delivery.times(6), delivery.times(16)), (vec![100], vec![260]));
}

#[tokio::test(start_paused = true)]
async fn retries_that_could_be_too_many_failures_hold_up_the_next_wave() {
    let limited = |most| Waves { max_failures: Some(Amount::Count(most)), ..three_waves() };
    let delivery = Late::new([(8, 9), (9, 9), (10, 1)]);
    let stopped = pushed(&delivery, &limited(1)).await.stopped;
    assert_eq!(stopped, Some(StopReason::Failures { failed: 2, most: 1 }));
    assert_eq!(delivery.times(16), [0; 0], "no phone of the third wave was pushed to");
    let delivery = Late::new([(8, 9), (9, 9), (10, 1)]);
    assert_eq!(pushed(&delivery, &limited(2)).await.stopped, None);
    assert_eq!(delivery.times(16), [60]);
    let delivery = Late::new([(8, 9), (9, 9), (10, 1)]);
    assert_eq!(pushed(&delivery, &limited(3)).await.stopped, None);
    assert_eq!(delivery.times(16), [0], "they cannot be too many");
}

#[tokio::test(start_paused = true)]
async fn an_interruption_between_waves_leaves_no_phone_without_a_result() {
    let delivery = Late::new((6..=15).map(|n| (n, 1)));
    let stop = StopSignals::default();
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.soon.cancel();
    };
    let push = PushSettings { retry_delay: Duration::from_secs(60), ..SETTINGS };
    let waves = three_waves();
    let settings = waves::WaveSettings { push, ..in_waves(&waves) };
    let targets = (1..=30).map(target).collect();
    let run = waves::run(&delivery, &NullLog, targets, settings, &stop, &Unobserved);
    let (pushed, ()) = tokio::join!(run, later);
    assert_eq!((pushed.results.len(), pushed.stopped), (30, Some(StopReason::Interrupted)));
    let away = pushed.results.iter().filter(|phone| phone.outcome == Outcome::Unreachable);
    assert_eq!(away.count(), 10);
}

/// A phone of the made-up cluster.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Controlled,
    /// Its association takes effect after so many seconds.
    AssociatedLately(u64),
    NotControlled,
    /// Its Authentication URL is another server's, which refuses.
    Foreign,
    /// The first attempt does not reach it.
    LateToAnswer,
}

/// A cluster whose password changes, its phones, and what these record.
#[derive(Debug)]
struct World {
    phones: Vec<(Kind, u64)>,
    begun: Instant,
    /// After how many seconds the password is another one.
    changes_after: Option<u64>,
    /// What the cluster says about the password; the truth if nothing.
    answer: Option<Password>,
    wrong: AtomicUsize,
    asked: Mutex<Vec<u16>>,
}

impl World {
    fn kind(&self, target: &Target) -> (u16, Kind, u64) {
        let n: u16 = target.name.as_str()[3..].parse().unwrap();
        let (kind, latency) = self.phones[usize::from(n)];
        (n, kind, latency)
    }

    /// Returns whether the password is right, and counts a login that fails.
    fn logs_in(&self) -> bool {
        let wrong = self.changes_after.is_some_and(|at| self.begun.elapsed().as_secs() >= at);
        self.wrong.fetch_add(usize::from(wrong), Ordering::SeqCst);
        !wrong
    }
}

struct Phones(Arc<World>);

impl Delivery for Phones {
    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        async move {
            let Self(world) = self;
            let (n, kind, latency) = world.kind(target);
            let is_first = {
                let mut asked = world.asked.lock().unwrap();
                asked.push(n);
                asked.iter().filter(|other| **other == n).count() == 1
            };
            if kind == Kind::LateToAnswer && is_first {
                return ReplyKind::Unreachable("reset".into()).into();
            }
            tokio::time::sleep(Duration::from_millis(latency / 2)).await;
            let is_controlled = match kind {
                Kind::Controlled | Kind::LateToAnswer => world.logs_in(),
                Kind::AssociatedLately(after) => {
                    world.logs_in() & (world.begun.elapsed().as_secs() >= after)
                }
                Kind::NotControlled => {
                    world.logs_in();
                    false
                }
                Kind::Foreign => false,
            };
            tokio::time::sleep(Duration::from_millis(latency / 2)).await;
            let refused = || ReplyKind::AuthRefused(error(4));
            if is_controlled { ReplyKind::Accepted(String::new()) } else { refused() }.into()
        }
        .boxed()
    }

    fn downloads<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, DownloadStatus> {
        async { DownloadStatus::own(true, true) }.boxed()
    }
}

struct Asked(Arc<World>);

impl ClusterProbe for Asked {
    fn page_url(&self) -> Option<&str> {
        Some("http://cucm:8080/ccmcip/authenticate.jsp")
    }

    fn page(&self) -> BoxFuture<'_, AuthenticationPage> {
        async { AuthenticationPage::Up }.boxed()
    }

    fn password(&self) -> BoxFuture<'_, Password> {
        async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            if let Some(answer) = self.0.answer {
                return answer;
            }
            if self.0.logs_in() { Password::Right } else { Password::Wrong }
        }
        .boxed()
    }
}

/// Pushes in waves on a clock of its own, and returns the results and the number of logins that failed.
fn pushed_in_waves(
    phones: &[(Kind, u64)],
    waves: &Waves,
    concurrency: usize,
    changes_after: Option<u64>,
    answer: Option<Password>,
) -> (PushOutcomes, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = Arc::new(World {
            phones: phones.to_vec(),
            begun: Instant::now(),
            changes_after,
            answer,
            wrong: AtomicUsize::new(0),
            asked: Mutex::default(),
        });
        let targets = phones.iter().enumerate().map(|(n, (kind, _))| Target {
            name: format!("SEP{n:04}").parse().unwrap(),
            login_check: if *kind == Kind::Foreign {
                LoginCheck::Elsewhere
            } else {
                LoginCheck::Cluster
            },
            recently_changed: matches!(kind, Kind::AssociatedLately(_)),
            ..target(1)
        });
        let probe = Arc::new(Asked(Arc::clone(&world)));
        let stop = StopSignals { logins: LoginProbes::new(Some(probe)), ..StopSignals::default() };
        let limit = Duration::from_secs(300);
        let push = PushSettings { concurrency, propagation_limit: limit, ..SETTINGS };
        let settings = waves::WaveSettings { push, ..in_waves(waves) };
        let (delivery, targets) = (Phones(Arc::clone(&world)), targets.collect());
        let pushed = waves::run(&delivery, &NullLog, targets, settings, &stop, &Unobserved).await;
        assert_eq!(pushed.results.len(), phones.len());
        (pushed, world.wrong.load(Ordering::SeqCst))
    })
}

fn phones() -> impl Strategy<Value = Vec<(Kind, u64)>> {
    let kind = prop_oneof![
        20 => Just(Kind::Controlled),
        6 => (1_u64..200).prop_map(Kind::AssociatedLately),
        2 => Just(Kind::NotControlled),
        2 => Just(Kind::Foreign),
        3 => Just(Kind::LateToAnswer),
    ];
    proptest::collection::vec((kind, 0_u64..8_000), 1..120)
}

fn any_waves() -> impl Strategy<Value = Waves> {
    let canary = proptest::option::of(0_usize..20);
    let reach = proptest::collection::vec(1_u8..=100, 0..6);
    (canary, reach).prop_map(|(canary, reach)| Waves {
        canary: canary.map(Amount::Count),
        reach: reach.into_iter().map(Amount::Percent).collect(),
        ..Waves::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Over any mix of phones and waves a wrong password costs three logins, the question to the cluster included.
    #[test]
    fn a_wrong_password_costs_three_over_all_waves(
        phones in phones(),
        waves in any_waves(),
        concurrency in 1_usize..40,
        tells: bool,
    ) {
        let answer = (!tells).then_some(Password::Unknown);
        let (_, wrong) = pushed_in_waves(&phones, &waves, concurrency, Some(0), answer);
        prop_assert!(wrong <= 3, "{wrong}");
    }

    /// One that changes in mid-run costs at most what may be in flight.
    #[test]
    fn a_changed_password_costs_what_was_in_flight_over_all_waves(
        phones in phones(),
        waves in any_waves(),
        concurrency in 1_usize..40,
        changes_after in 0_u64..400,
        tells: bool,
    ) {
        let answer = (!tells).then_some(Password::Unknown);
        let (_, wrong) =
            pushed_in_waves(&phones, &waves, concurrency, Some(changes_after), answer);
        prop_assert!(wrong <= concurrency.max(3), "{wrong}");
    }

    /// As long as the password is right, no phone that refuses ends the run, and every phone that the push user controls
    /// is served.
    #[test]
    fn phones_that_refuse_stop_no_run_whose_password_is_right(
        phones in phones(),
        waves in any_waves(),
        concurrency in 2_usize..40,
    ) {
        let (pushed, _) = pushed_in_waves(&phones, &waves, concurrency, None, None);
        prop_assert_eq!(&pushed.stopped, &None);
        for (result, (kind, _)) in pushed.results.iter().zip(&phones) {
            let is_served = !matches!(kind, Kind::NotControlled | Kind::Foreign);
            prop_assert_eq!(result.outcome == Outcome::Verified, is_served, "{:?}", result);
        }
    }
}

/// Thousands of phones accept the password, and at the end a few remain that always refuse, some of them with a foreign
/// Authentication URL. The cluster does not say whether the password is right.
#[test]
fn phones_that_refuse_again_and_again_are_no_sign_of_a_wrong_password() {
    let of = |n: usize| match n % 20 {
        3 => Kind::Foreign,
        7 => Kind::AssociatedLately(1_000),
        _ => Kind::Controlled,
    };
    let phones: Vec<(Kind, u64)> = (0..400).map(|n| (of(n), 500)).collect();
    let waves = Waves { reach: [10, 50].map(Amount::Percent).to_vec(), ..Waves::default() };
    let (pushed, _) = pushed_in_waves(&phones, &waves, 32, None, Some(Password::Unknown));
    assert_eq!(pushed.stopped, None);
    let verified = pushed.results.iter().filter(|phone| phone.outcome == Outcome::Verified);
    assert_eq!(verified.count(), 360);
}
