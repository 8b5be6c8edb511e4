//! Phones that cannot reach the image server: how soon the push finds out, on a made-up clock.

use crate::push::scheduler::tests::*;

/// Phones that answer after their download has ended, and what each was asked and when.
struct Firewalled {
    begun: Instant,
    /// How long a phone takes to answer.
    answers_after: Duration,
    reply: ReplyKind,
    /// The last phone that cannot be reached itself.
    away: u8,
    /// From which phone on downloads succeed.
    reaches_from: u8,
    requested: Mutex<bool>,
    asked: Mutex<Vec<u8>>,
}

impl Firewalled {
    fn new(reply: ReplyKind) -> Self {
        Self {
            begun: Instant::now(),
            answers_after: Duration::from_secs(15),
            reply,
            away: 0,
            reaches_from: u8::MAX,
            requested: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    fn asked(&self) -> Vec<u8> {
        self.asked.lock().unwrap().clone()
    }
}

impl Delivery for Firewalled {
    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        async move {
            let n = last(target);
            self.asked.lock().unwrap().push(n);
            if n <= self.away {
                return ReplyKind::Unreachable("no route".into()).into();
            }
            if n >= self.reaches_from {
                *self.requested.lock().unwrap() = true;
                return ReplyKind::Accepted(String::new()).into();
            }
            tokio::time::sleep(self.answers_after).await;
            self.reply.clone().into()
        }
        .boxed()
    }

    fn downloads<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, DownloadStatus> {
        async move {
            let seen = last(target) >= self.reaches_from;
            if !seen {
                tokio::time::sleep(Duration::from_secs(30)).await;
            }
            DownloadStatus::own(seen, seen)
        }
        .boxed()
    }

    fn base_url(&self) -> Option<&str> {
        Some("http://10.9.9.9:8099")
    }

    fn was_requested(&self) -> Option<bool> {
        Some(*self.requested.lock().unwrap())
    }
}

async fn pushed(delivery: &Firewalled, phones: u8) -> PushOutcomes {
    let waves = waves::Waves::default();
    let targets = (1..=phones).map(target).collect();
    let stop = StopSignals::default();
    waves::run(delivery, &NullLog, targets, in_waves(&waves), &stop, &Unobserved).await
}

#[tokio::test(start_paused = true)]
async fn three_phones_that_fetch_nothing_stop_the_push_in_bounded_time() {
    let replies = [
        (ReplyKind::Accepted(String::new()), 3, 0),
        (ReplyKind::Refused(error(3)), 0, 3),
        (ReplyKind::NoReply("timed out".into()), 0, 3),
    ];
    for (reply, accepted, refused) in replies {
        let delivery = Firewalled::new(reply);
        let pushed = pushed(&delivery, 200).await;
        let url = "http://10.9.9.9:8099".to_owned();
        let expected = StopReason::NoDownloads { accepted, refused, url, by_others: false };
        assert_eq!(pushed.stopped, Some(expected));
        assert_eq!(delivery.asked(), [1, 2, 3]);
        assert_eq!(pushed.results.len(), 200);
        // One reply after the other until the password is proven, and one time for downloads.
        let took = delivery.begun.elapsed().as_secs();
        assert!(took <= 3 * 15 + 30, "{took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_reported_names_the_url_and_the_two_usual_reasons() {
    let delivery = Firewalled::new(ReplyKind::Refused(error(3)));
    let stopped = pushed(&delivery, 9).await.stopped.unwrap().describe();
    let begin = "no phone fetched anything from http://10.9.9.9:8099 (firewall? --advertise?)";
    assert!(stopped.starts_with(begin), "{stopped}");
}

#[tokio::test(start_paused = true)]
async fn phones_that_cannot_be_reached_say_nothing_about_downloads() {
    let delivery = Firewalled { away: 6, ..Firewalled::new(ReplyKind::Refused(error(3))) };
    let pushed = pushed(&delivery, 36).await;
    assert!(matches!(pushed.stopped, Some(StopReason::NoDownloads { refused: 3, .. })));
    let answered: Vec<u8> = delivery.asked().into_iter().filter(|n| *n > 6).collect();
    assert_eq!(answered, [7, 8, 9]);
}

#[tokio::test(start_paused = true)]
async fn one_download_is_enough_to_go_on() {
    let delivery = Firewalled { reaches_from: 3, ..Firewalled::new(ReplyKind::Refused(error(3))) };
    let pushed = pushed(&delivery, 36).await;
    assert_eq!(pushed.stopped, None);
    let rejected = pushed.results.iter().filter(|result| result.outcome == Outcome::Rejected);
    assert_eq!(rejected.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn phones_whose_downloads_break_off_do_not_stop_the_push() {
    let delivery = Firewalled::new(ReplyKind::Accepted(String::new()));
    *delivery.requested.lock().unwrap() = true;
    let pushed = pushed(&delivery, 36).await;
    assert_eq!(pushed.stopped, None);
    let accepted = pushed.results.iter().filter(|result| result.outcome == Outcome::Accepted);
    assert_eq!(accepted.count(), 36);
}

#[tokio::test(start_paused = true)]
async fn the_first_phones_are_of_different_pools() {
    let delivery = Firewalled::new(ReplyKind::Refused(error(3)));
    let pool = |n: u8| if n < 10 { "HQ".to_owned() } else { format!("Branch {}", n / 10) };
    let targets = (1..=60).map(|n| Target { device_pool: pool(n), ..target(n) }).collect();
    let stop = StopSignals::default();
    run(&delivery, &NullLog, targets, SETTINGS, &stop, &Unobserved).await;
    assert_eq!(delivery.asked(), [1, 10, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_least_sample_delays_the_rule() {
    let delivery = Firewalled::new(ReplyKind::Refused(error(3)));
    let settings = PushSettings { min_sample: 5, ..SETTINGS };
    let targets = (1..=36).map(target).collect();
    run(&delivery, &NullLog, targets, settings, &StopSignals::default(), &Unobserved).await;
    assert_eq!(delivery.asked(), [1, 2, 3, 4, 5]);
}
