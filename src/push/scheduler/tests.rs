use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::domain::model;
use crate::domain::payload_kind::AcceptedFormat;
use crate::event::{Outcome, Unobserved};
use crate::push::attempt_log::NullLog;
use crate::push::policy::lockout::{AuthenticationPage, Password};
use crate::push::policy::logins::ClusterProbe;
use crate::push::policy::outcome::tests::error;
use crate::push::scheduler::*;
use crate::push::{DownloadStatus, LoginCheck};

pub(in crate::push) fn target(n: u8) -> Target {
    Target {
        name: format!("SEP{n:04}").parse().unwrap(),
        model: "Cisco 8841".into(),
        device_pool: "HQ".into(),
        ip: [10, 0, 0, n].into(),
        accepts: AcceptedFormat::Picture(model::by_number(683).unwrap().image.unwrap()),
        https: false,
        picture: String::new(),
        words: None,
        login_check: LoginCheck::Cluster,
        recently_changed: false,
        sources: crate::domain::nat::DownloadSources::of([[10, 0, 0, n].into()]),
    }
}

/// Phones that answer from a script, and count how many are asked at once.
#[derive(Default)]
struct Scripted {
    answers: HashMap<u8, Vec<ReplyKind>>,
    otherwise: Option<ReplyKind>,
    no_downloads: Vec<u8>,
    /// Those that download nothing after their first push.
    ignore_first: Vec<u8>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    asked: Mutex<Vec<u8>>,
}

fn last(target: &Target) -> u8 {
    match target.ip {
        std::net::IpAddr::V4(ip) => ip.octets()[3],
        std::net::IpAddr::V6(_) => 0,
    }
}

impl Delivery for Scripted {
    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        async move {
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(now, Ordering::SeqCst);
            let n = last(target);
            let before = {
                let mut asked = self.asked.lock().unwrap();
                asked.push(n);
                asked.iter().filter(|other| **other == n).count() - 1
            };
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            let scripted = self.answers.get(&n).and_then(|answers| answers.get(before)).cloned();
            let scripted = scripted.or_else(|| self.otherwise.clone());
            scripted.unwrap_or(ReplyKind::Accepted(String::new())).into()
        }
        .boxed()
    }

    fn downloads<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, DownloadStatus> {
        async move {
            let n = last(target);
            let pushes = self.asked.lock().unwrap().iter().filter(|other| **other == n).count();
            let ignored = pushes == 1 && self.ignore_first.contains(&n);
            let seen = !ignored && !self.no_downloads.contains(&n);
            DownloadStatus::own(seen, seen)
        }
        .boxed()
    }
}

const SETTINGS: PushSettings = PushSettings {
    concurrency: 4,
    max_attempts: 2,
    retry_delay: Duration::from_secs(5),
    verify_timeout: Duration::from_secs(1),
    max_auth_failures: 3,
    max_logins_at_risk: None,
    password_proven: false,
    propagation_limit: Duration::ZERO,
    site_limits: SiteLimitConfig { per_pool: None, per_subnet: None },
    rate: None,
    proof: Proof::Fetch,
    max_failures: None,
    min_sample: 0,
};

fn in_waves(waves: &waves::Waves) -> waves::WaveSettings<'_> {
    waves::WaveSettings { waves, push: SETTINGS, soak_check: None }
}

async fn pushed(delivery: &Scripted, count: u8) -> PushOutcomes {
    let targets = (1..=count).map(target).collect();
    run(delivery, &NullLog, targets, SETTINGS, &StopSignals::default(), &Unobserved).await
}

fn outcomes(pushed: &PushOutcomes) -> Vec<Outcome> {
    pushed.results.iter().map(|result| result.outcome).collect()
}

#[tokio::test(start_paused = true)]
async fn asks_many_at_once_but_never_more_than_allowed() {
    let delivery = Scripted::default();
    let pushed = pushed(&delivery, 20).await;
    assert!(outcomes(&pushed).iter().all(|outcome| *outcome == Outcome::Verified));
    assert_eq!(pushed.results.len(), 20);
    // Of so few logins one is kept for asking why phones refuse.
    assert_eq!(delivery.most_at_once.load(Ordering::SeqCst), 3);
    assert_eq!(pushed.stopped, None);
}

/// A cluster that says this about the password, and counts how often it was asked.
struct Cluster {
    password: Password,
    pages: Mutex<Vec<AuthenticationPage>>,
    asked: AtomicUsize,
}

impl ClusterProbe for Cluster {
    fn page_url(&self) -> Option<&str> {
        Some("http://cucm:8080/ccmcip/authenticate.jsp")
    }

    fn page(&self) -> BoxFuture<'_, AuthenticationPage> {
        async { self.pages.lock().unwrap().pop().unwrap_or(AuthenticationPage::Up) }.boxed()
    }

    fn password(&self) -> BoxFuture<'_, Password> {
        async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.password
        }
        .boxed()
    }
}

/// A push whose cluster says this about the password, and answers first with these pages, the last one first.
fn cluster(
    password: Password,
    pages: Vec<AuthenticationPage>,
) -> (StopSignals, std::sync::Arc<Cluster>) {
    let (pages, asked) = (Mutex::new(pages), AtomicUsize::new(0));
    let cluster = std::sync::Arc::new(Cluster { password, pages, asked });
    let logins = LoginProbes::new(Some(std::sync::Arc::<Cluster>::clone(&cluster)));
    (StopSignals { logins, ..StopSignals::default() }, cluster)
}

#[tokio::test(start_paused = true)]
async fn a_password_that_the_cluster_refuses_stops_the_push_after_one_phone() {
    let delivery =
        Scripted { otherwise: Some(ReplyKind::AuthRefused(error(4))), ..Scripted::default() };
    let (stop, cluster) = cluster(Password::Wrong, Vec::new());
    let targets = (1..=20).map(target).collect();
    let pushed = run(&delivery, &NullLog, targets, SETTINGS, &stop, &Unobserved).await;
    assert_eq!(pushed.stopped, Some(StopReason::PasswordRefused { phones: 1 }));
    assert_eq!(delivery.asked.lock().unwrap().len() + cluster.asked.load(Ordering::SeqCst), 2);
    assert_eq!(pushed.results.len(), 20);
    assert_eq!(pushed.results[0].outcome, Outcome::AuthFailed);
    assert!(outcomes(&pushed)[1..].iter().all(|outcome| *outcome == Outcome::Pending));
}

#[tokio::test(start_paused = true)]
async fn phones_that_the_push_user_does_not_control_hold_up_nobody_where_the_cluster_confirms_the_password()
 {
    let refuses = |n| (n, vec![ReplyKind::AuthRefused(error(4)); 2]);
    let mut answers: HashMap<u8, Vec<ReplyKind>> = [1, 2, 3, 4, 11, 12, 13].map(refuses).into();
    answers.insert(14, vec![ReplyKind::AuthRefused(error(4))]);
    let delivery = Scripted { answers, ..Scripted::default() };
    let (stop, _) = cluster(Password::Right, Vec::new());
    let targets = (1..=20).map(target).collect();
    let pushed = run(&delivery, &NullLog, targets, SETTINGS, &stop, &Unobserved).await;
    assert_eq!(pushed.stopped, None);
    for result in &pushed.results {
        let n: u8 = result.name.as_str()[3..].parse().unwrap();
        let refused = [1, 2, 3, 4, 11, 12, 13].contains(&n);
        let expected = if refused { Outcome::AuthFailed } else { Outcome::Verified };
        assert_eq!(result.outcome, expected, "{result:?}");
        assert_eq!(result.attempts, 1 + u32::from(refused || n == 14), "{result:?}");
        if refused {
            assert!(result.reason.as_ref().unwrap().contains("confirms the password"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_down_is_waited_for_and_costs_no_attempt() {
    let refused = vec![ReplyKind::AuthRefused(error(4))];
    let answers = (4..=6).map(|n| (n, refused.clone())).collect();
    let delivery = Scripted { answers, ..Scripted::default() };
    let away = || AuthenticationPage::Silent("cannot be reached".to_owned());
    let (stop, _) = cluster(Password::Unknown, vec![away(), away(), away()]);
    let told = Remarks::default();
    let settings = PushSettings { max_attempts: 1, ..SETTINGS };
    let targets = (1..=20).map(target).collect();
    let pushed = run(&delivery, &NullLog, targets, settings, &stop, &told).await;
    assert_eq!(outcomes(&pushed), [Outcome::Verified; 20]);
    assert_eq!(pushed.stopped, None);
    let told = told.0.into_inner().unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("authenticate.jsp cannot be reached"), "{told:?}");
    assert!(told[1].contains("works again"), "{told:?}");
}

#[derive(Default)]
struct Remarks(Mutex<Vec<String>>);

impl Observer for Remarks {
    fn observe(&self, event: &Event) {
        if let Event::Remark(text) = event {
            self.0.lock().unwrap().push(text.clone());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_guard_goes_on_from_wave_to_wave() {
    use crate::push::scheduler::waves;
    use crate::push::scheduler::waves::{Amount, Waves};
    let answers = HashMap::from([(9, vec![ReplyKind::AuthRefused(error(4))])]);
    let delivery = Scripted { answers, ..Scripted::default() };
    let (stop, cluster) = cluster(Password::Wrong, Vec::new());
    let waves = Waves { canary: Some(Amount::Count(5)), ..Waves::default() };
    let targets = (1..=20).map(target).collect();
    let pushed =
        waves::run(&delivery, &NullLog, targets, in_waves(&waves), &stop, &Unobserved).await;
    assert_eq!(pushed.stopped, Some(StopReason::PasswordRefused { phones: 1 }));
    assert_eq!(cluster.asked.load(Ordering::SeqCst), 1);
    // The second wave began with several phones at once: the first one had proven the password.
    assert_eq!(delivery.most_at_once.load(Ordering::SeqCst), 3);
    assert!(delivery.asked.lock().unwrap().len() <= 12, "{delivery:?}", delivery = delivery.asked);
}

#[tokio::test(start_paused = true)]
async fn phones_that_ask_another_server_say_nothing_about_the_password() {
    let delivery =
        Scripted { otherwise: Some(ReplyKind::AuthRefused(error(4))), ..Scripted::default() };
    let elsewhere = |n| Target { login_check: LoginCheck::Elsewhere, ..target(n) };
    let (stop, cluster) = cluster(Password::Wrong, Vec::new());
    let targets = (1..=9).map(elsewhere).collect();
    let pushed = run(&delivery, &NullLog, targets, SETTINGS, &stop, &Unobserved).await;
    assert_eq!(pushed.stopped, None);
    assert_eq!(outcomes(&pushed), [Outcome::AuthFailed; 9]);
    assert_eq!(cluster.asked.load(Ordering::SeqCst), 0);
    assert_eq!(delivery.most_at_once.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_three_times_one_by_one() {
    let delivery =
        Scripted { otherwise: Some(ReplyKind::AuthRefused(error(4))), ..Scripted::default() };
    let pushed = pushed(&delivery, 20).await;
    assert_eq!(pushed.stopped, Some(StopReason::AuthRefusals { in_a_row: 3 }));
    assert_eq!(*delivery.asked.lock().unwrap(), [1, 2, 3]);
    assert_eq!(delivery.most_at_once.load(Ordering::SeqCst), 1);
    let pending = pushed.results.iter().filter(|result| result.outcome == Outcome::Pending);
    assert_eq!(pending.clone().count(), 17);
    assert!(pending.into_iter().all(|result| result.attempts == 0 && result.reason.is_some()));
}

#[tokio::test(start_paused = true)]
async fn an_acceptance_without_a_check_proves_no_password() {
    let delivery =
        Scripted { otherwise: Some(ReplyKind::AuthRefused(error(4))), ..Scripted::default() };
    let mut targets: Vec<Target> = (1..=9).map(target).collect();
    targets[0].login_check = LoginCheck::Unknown;
    let pushed =
        run(&delivery, &NullLog, targets, SETTINGS, &StopSignals::default(), &Unobserved).await;
    assert_eq!(*delivery.asked.lock().unwrap(), [2, 3, 4]);
    assert_eq!(outcomes(&pushed)[0], Outcome::Pending);
}

#[tokio::test(start_paused = true)]
async fn trouble_is_tried_again_later_and_refusals_are_not() {
    let answers = HashMap::from([
        (2, vec![ReplyKind::Unreachable("reset".into())]),
        (3, vec![ReplyKind::Unreachable("reset".into()), ReplyKind::Unreachable("reset".into())]),
        (4, vec![ReplyKind::Refused(error(3))]),
        (5, vec![ReplyKind::AuthRefused(error(4))]),
    ]);
    let delivery = Scripted { answers, no_downloads: vec![6], ..Scripted::default() };
    let pushed = pushed(&delivery, 7).await;
    use Outcome::{Accepted, AuthFailed, Rejected, Unreachable, Verified};
    assert_eq!(
        outcomes(&pushed),
        [Verified, Verified, Unreachable, Rejected, AuthFailed, Accepted, Verified]
    );
    let attempts: Vec<u32> = pushed.results.iter().map(|result| result.attempts).collect();
    assert_eq!(attempts, [1, 2, 2, 1, 1, 2, 1]);
    assert!(pushed.results[1].duration_ms >= Some(5000));
}

#[tokio::test(start_paused = true)]
async fn a_push_that_was_ignored_is_made_again_once() {
    let answers = HashMap::from([
        (3, vec![ReplyKind::Accepted(String::new()), ReplyKind::Refused(error(3))]),
        // What was ignored takes none of the attempts away that trouble may cost.
        (
            4,
            vec![
                ReplyKind::Accepted(String::new()),
                ReplyKind::Unreachable("reset".into()),
                ReplyKind::Accepted(String::new()),
            ],
        ),
    ]);
    let delivery = Scripted {
        answers,
        ignore_first: vec![1, 3, 4],
        no_downloads: vec![2],
        ..Scripted::default()
    };
    let pushed = pushed(&delivery, 5).await;
    use Outcome::{Accepted, Rejected, Verified};
    assert_eq!(outcomes(&pushed), [Verified, Accepted, Rejected, Verified, Verified]);
    let attempts: Vec<u32> = pushed.results.iter().map(|result| result.attempts).collect();
    assert_eq!(attempts, [2, 2, 2, 3, 1]);
    assert!(pushed.results[0].duration_ms >= Some(5000), "it was not left in peace for a while");
    assert!(pushed.results[1].reason.as_ref().unwrap().contains("neither"), "{pushed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_phone_that_ignored_its_push_stays_accepted_when_the_run_is_stopped() {
    let delivery = Scripted { ignore_first: vec![1], ..Scripted::default() };
    let stop = StopSignals::default();
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.soon.cancel();
    };
    let (pushed, ()) = tokio::join!(
        run(&delivery, &NullLog, vec![target(1)], SETTINGS, &stop, &Unobserved),
        later
    );
    let result = &pushed.results[0];
    assert_eq!((result.outcome, result.attempts), (Outcome::Accepted, 1));
    assert!(result.reason.as_ref().unwrap().contains("not tried again"), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn an_interruption_finishes_what_is_under_way() {
    let delivery = Scripted::default();
    let stop = StopSignals::default();
    stop.soon.cancel();
    let targets = (1..=5).map(target).collect();
    let pushed = run(&delivery, &NullLog, targets, SETTINGS, &stop, &Unobserved).await;
    assert_eq!(pushed.stopped, Some(StopReason::Interrupted));
    assert!(outcomes(&pushed).iter().all(|outcome| *outcome == Outcome::Pending));
    assert!(delivery.asked.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn new_associations_come_last_and_cannot_stop_the_others() {
    let recently_changed: HashMap<u8, Vec<ReplyKind>> =
        (1..=6).map(|n| (n, vec![ReplyKind::AuthRefused(error(4))])).collect();
    let delivery = Scripted { answers: recently_changed, ..Scripted::default() };
    let mut targets: Vec<Target> = (1..=12).map(target).collect();
    for target in &mut targets[..6] {
        target.recently_changed = true;
    }
    let pushed =
        run(&delivery, &NullLog, targets, SETTINGS, &StopSignals::default(), &Unobserved).await;
    assert!(outcomes(&pushed)[6..].iter().all(|outcome| *outcome == Outcome::Verified));
    assert!(matches!(pushed.stopped, Some(StopReason::AuthRefusals { .. })), "{pushed:?}");
    let refused = pushed.results.iter().filter(|result| result.outcome == Outcome::AuthFailed);
    assert!(
        refused.clone().all(|result| result.reason.as_ref().unwrap().contains("only a moment ago"))
    );
    assert!(refused.count() <= SETTINGS.concurrency, "no more than what was at risk");
}

#[tokio::test(start_paused = true)]
async fn a_phone_that_waits_for_its_second_try_keeps_what_is_known_of_it() {
    let answers = HashMap::from([(1, vec![ReplyKind::Unreachable("reset".into())])]);
    let delivery = Scripted { answers, ..Scripted::default() };
    let stop = StopSignals::default();
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.soon.cancel();
    };
    let (pushed, ()) = tokio::join!(
        run(&delivery, &NullLog, vec![target(1)], SETTINGS, &stop, &Unobserved),
        later
    );
    let result = &pushed.results[0];
    assert_eq!((result.outcome, result.attempts), (Outcome::Unreachable, 1));
    assert!(result.reason.as_ref().unwrap().contains("not tried again"), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hard_stop_forgets_nobody() {
    let delivery = Scripted::default();
    let stop = StopSignals::default();
    let soon = async {
        tokio::time::sleep(Duration::from_millis(35)).await;
        stop.now.cancel();
    };
    let targets = (1..=20).map(target).collect();
    let (pushed, ()) =
        tokio::join!(run(&delivery, &NullLog, targets, SETTINGS, &stop, &Unobserved), soon);
    assert_eq!(pushed.results.len(), 20);
    assert_eq!(pushed.stopped, Some(StopReason::Interrupted));
    let begun = pushed
        .results
        .iter()
        .filter(|result| result.outcome == Outcome::Interrupted && result.attempts > 0);
    assert!(begun.clone().all(|result| result.reason.as_ref().unwrap().contains("not known")));
    assert_eq!(begun.count(), 3);
}

mod addresses;
mod control;
mod download_path;
mod hours;
mod lockout;
mod stragglers;
mod waiting;

/// Phones that take a second each, and count how many of a pool are asked at once.
#[derive(Default)]
struct Slow(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    under_way: HashMap<String, usize>,
    most: HashMap<String, usize>,
    begun: Vec<Instant>,
}

impl Counts {
    fn begin(&mut self, pool: &str) {
        self.begun.push(Instant::now());
        let count = self.under_way.entry(pool.to_owned()).or_default();
        *count += 1;
        let most = self.most.entry(pool.to_owned()).or_default();
        *most = (*most).max(*count);
    }
}

impl Delivery for Slow {
    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        async move {
            self.0.lock().unwrap().begin(&target.device_pool);
            ReplyKind::Accepted(String::new()).into()
        }
        .boxed()
    }

    fn downloads<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, DownloadStatus> {
        async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            *self.0.lock().unwrap().under_way.get_mut(&target.device_pool).unwrap() -= 1;
            DownloadStatus::own(true, true)
        }
        .boxed()
    }
}

fn of_pools() -> Vec<Target> {
    let pool = |n: u8| if n.is_multiple_of(4) { "Branch" } else { "HQ" };
    (1..=40).map(|n| Target { device_pool: pool(n).to_owned(), ..target(n) }).collect()
}

#[tokio::test(start_paused = true)]
async fn a_pool_has_its_own_limit_until_its_downloads_are_through() {
    let delivery = Slow::default();
    let settings = PushSettings {
        concurrency: 16,
        site_limits: SiteLimitConfig { per_pool: Some(2), per_subnet: None },
        ..SETTINGS
    };
    let stop = StopSignals::default();
    let pushed = run(&delivery, &NullLog, of_pools(), settings, &stop, &Unobserved).await;
    assert!(pushed.results.iter().all(|result| result.outcome == Outcome::Verified));
    assert_eq!(pushed.results.len(), 40);
    let most = delivery.0.into_inner().unwrap().most;
    assert_eq!(most, [("Branch", 2), ("HQ", 2)].map(|(k, v)| (k.to_owned(), v)).into());
}

#[tokio::test(start_paused = true)]
async fn pushes_begin_no_faster_than_the_rate() {
    let delivery = Slow::default();
    let settings = PushSettings { concurrency: 16, rate: Some(5), ..SETTINGS };
    let stop = StopSignals::default();
    let pushed = run(&delivery, &NullLog, of_pools(), settings, &stop, &Unobserved).await;
    assert!(pushed.results.iter().all(|result| result.outcome == Outcome::Verified));
    let begun = delivery.0.into_inner().unwrap().begun;
    for pair in begun.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(199), "{:?}", pair[1] - pair[0]);
    }
    let whole = begun[begun.len() - 1] - begun[0];
    assert!(whole < Duration::from_secs(9), "{whole:?}: the rate is used, too");
}

#[tokio::test(start_paused = true)]
async fn too_many_failures_stop_the_push() {
    let no = ReplyKind::Refused(error(3));
    let delivery = Scripted { otherwise: Some(no), ..Scripted::default() };
    let settings = PushSettings { concurrency: 1, max_failures: Some(4), ..SETTINGS };
    let stop = StopSignals::default();
    let pushed = run(&delivery, &NullLog, of_pools(), settings, &stop, &Unobserved).await;
    assert_eq!(pushed.stopped, Some(StopReason::Failures { failed: 5, most: 4 }));
    let of = |outcome| pushed.results.iter().filter(|result| result.outcome == outcome).count();
    assert_eq!((of(Outcome::Rejected), of(Outcome::Pending)), (5, 35));
}
