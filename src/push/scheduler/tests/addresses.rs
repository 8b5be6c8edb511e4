//! Phones that move while a push runs.

use crate::domain::nat::DownloadSources;
use crate::push::addresses::AddressLookup;
use crate::push::scheduler::tests::*;

/// A cluster that knows some phones at other addresses, and what it was asked.
#[derive(Default)]
struct Registrations {
    /// The last octets of the address before and of that now.
    moved: HashMap<u8, u8>,
    unregistered: Vec<u8>,
    fails: bool,
    asked: Mutex<Vec<Vec<u8>>>,
}

impl AddressLookup for Registrations {
    fn look_up(&self, targets: Vec<Target>) -> BoxFuture<'_, Result<Vec<Target>, String>> {
        async move {
            self.asked.lock().unwrap().push(targets.iter().map(last).collect());
            if self.fails {
                return Err("no answer".to_owned());
            }
            let registered = targets.into_iter().filter(|t| !self.unregistered.contains(&last(t)));
            let now = registered.map(|target| {
                let octet = last(&target);
                let ip = [10, 0, 0, self.moved.get(&octet).copied().unwrap_or(octet)].into();
                Target { ip, sources: DownloadSources::of([ip]), ..target }
            });
            Ok(now.collect())
        }
        .boxed()
    }
}

fn stop(registrations: Registrations) -> (StopSignals, std::sync::Arc<Registrations>) {
    let registrations = std::sync::Arc::new(registrations);
    let addresses = AddressSource::new(std::sync::Arc::<Registrations>::clone(&registrations));
    (StopSignals { addresses, ..StopSignals::default() }, registrations)
}

fn away(phones: impl IntoIterator<Item = u8>) -> Scripted {
    let away = |n| (n, vec![ReplyKind::Unreachable("no route".into()); 9]);
    Scripted { answers: phones.into_iter().map(away).collect(), ..Scripted::default() }
}

async fn push(
    delivery: &Scripted,
    count: u8,
    settings: PushSettings,
    stop: &StopSignals,
) -> PushOutcomes {
    let targets = (1..=count).map(target).collect();
    run(delivery, &NullLog, targets, settings, stop, &Unobserved).await
}

#[tokio::test(start_paused = true)]
async fn all_phones_that_moved_are_asked_for_together_and_tried_at_their_new_addresses() {
    let mut delivery = away([5]);
    delivery.answers.insert(2, vec![ReplyKind::WrongDevice("SEP9".into())]);
    let moved = [(2, 102), (5, 105)].into();
    let (stop, cluster) = stop(Registrations { moved, ..Registrations::default() });
    let pushed = push(&delivery, 6, SETTINGS, &stop).await;
    assert!(outcomes(&pushed).iter().all(|outcome| *outcome == Outcome::Verified), "{pushed:?}");
    assert_eq!(*cluster.asked.lock().unwrap(), [[2, 5]]);
    let attempts: Vec<u32> = pushed.results.iter().map(|result| result.attempts).collect();
    assert_eq!(attempts, [1, 2, 1, 1, 3, 1]);
    assert_eq!(pushed.results[1].ip, Some([10, 0, 0, 102].into()));
}

#[tokio::test(start_paused = true)]
async fn a_phone_without_a_newer_address_is_given_up_once_with_the_reason() {
    for (registrations, words) in [
        (Registrations::default(), "the cluster knows no other address"),
        (
            Registrations { unregistered: vec![2], ..Registrations::default() },
            "not show it as registered",
        ),
        (
            Registrations { fails: true, ..Registrations::default() },
            "could not be read again: no answer",
        ),
    ] {
        let (stop, cluster) = stop(registrations);
        let delivery = away([2]);
        let pushed = push(&delivery, 3, SETTINGS, &stop).await;
        assert_eq!(outcomes(&pushed)[1], Outcome::Unreachable);
        let reason = pushed.results[1].reason.clone().unwrap();
        assert!(reason.starts_with("no route; ") && reason.contains(words), "{reason}");
        assert_eq!((pushed.results[1].attempts, pushed.stopped), (2, None));
        assert_eq!(*cluster.asked.lock().unwrap(), [[2]]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_newer_address_is_tried_once() {
    let (stop, cluster) =
        stop(Registrations { moved: [(2, 102)].into(), ..Registrations::default() });
    let delivery = away([2, 102]);
    let pushed = push(&delivery, 2, SETTINGS, &stop).await;
    assert_eq!(outcomes(&pushed), [Outcome::Verified, Outcome::Unreachable]);
    let asked = delivery.asked.lock().unwrap().clone();
    assert_eq!(asked.iter().filter(|n| **n == 102).count(), 1, "{asked:?}");
    assert_eq!(cluster.asked.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn too_many_failures_stop_the_push_as_soon_as_it_is_known_that_nobody_moved() {
    let (stop, cluster) = stop(Registrations::default());
    let delivery = away(1..=40);
    let settings = PushSettings { max_failures: Some(2), max_attempts: 1, ..SETTINGS };
    let pushed = push(&delivery, 40, settings, &stop).await;
    assert!(matches!(pushed.stopped, Some(StopReason::Failures { .. })), "{:?}", pushed.stopped);
    assert_eq!(pushed.results.len(), 40);
    let asked = delivery.asked.lock().unwrap().len();
    assert!(asked <= 2 + SETTINGS.concurrency * 2, "{asked} phones were tried");
    assert!(!cluster.asked.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_a_cluster_nothing_is_asked() {
    let delivery = away([1]);
    let pushed = push(&delivery, 1, SETTINGS, &StopSignals::default()).await;
    assert_eq!(pushed.results[0].reason.as_deref(), Some("no route"));
}

#[tokio::test(start_paused = true)]
async fn an_abort_while_addresses_are_checked_leaves_no_phone_without_a_result() {
    let (stop, _) = stop(Registrations::default());
    let delivery = away(1..=3);
    stop.now.cancel();
    let pushed = push(&delivery, 3, SETTINGS, &stop).await;
    assert_eq!(pushed.results.len(), 3);
    assert_eq!(pushed.stopped, Some(StopReason::Interrupted));
}
