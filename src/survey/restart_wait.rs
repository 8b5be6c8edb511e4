//! Waits for phones that apply their configuration: some of them restart.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::axl::client::AxlClient;
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::{Inventory, Phone};
use crate::domain::registration::{Registration, Source, Status};
use crate::event::{Event, Observer, Stage, WaitReason};
use crate::ris::client::RisClient;
use crate::survey::{SurveyError, axl_registrations, registrations};

/// Which phones to wait for, and how long.
#[derive(Clone, Copy, Debug)]
pub struct RestartWait<'a> {
    pub registrations: Source,
    /// The phones that apply their configuration; those that were not registered before are not waited for.
    pub phones: &'a HashSet<DeviceName>,
    /// A phone that is registered as before when this time has passed did not restart.
    pub settle: Duration,
    pub limit: Duration,
    pub every: Duration,
    /// Ends the waiting when it is cancelled.
    pub stop: &'a CancellationToken,
}

/// Waits until the phones are registered again, and writes into each of them what is known then, since its
/// address and its web server may be others. Returns the names of those that did not come back in time.
pub async fn wait_until_back(
    axl: &AxlClient,
    ris: &RisClient,
    inventory: &mut Inventory,
    waiting: &RestartWait<'_>,
    observer: &dyn Observer,
) -> Result<Vec<DeviceName>, SurveyError> {
    let told_at = Instant::now();
    let mut away: Vec<(usize, Registration)> = inventory
        .phones
        .iter()
        .enumerate()
        .filter(|(_, phone)| waiting.phones.contains(&phone.name))
        .filter(|(_, phone)| phone.registration.reachable_ip().is_some())
        .map(|(at, phone)| (at, phone.registration.clone()))
        .collect();
    let total = away.len();
    observer.observe(&Event::Started { stage: Stage::Restart, total: Some(total as u64) });
    while !away.is_empty() && told_at.elapsed() < waiting.limit {
        let reason = WaitReason::of_phones("{} to register again", away.len());
        let delay = waiting.limit.saturating_sub(told_at.elapsed());
        observer.observe(&Event::Waiting { stage: Stage::Restart, reason, delay });
        tokio::select! {
            () = waiting.stop.cancelled() => break,
            () = tokio::time::sleep(waiting.every) => {}
        }
        let mut asked: Vec<Phone> =
            away.iter().map(|(at, _)| inventory.phones[*at].clone()).collect();
        look(axl, ris, &mut asked, &inventory.nodes, waiting.registrations).await?;
        let elapsed = told_at.elapsed();
        let mut still = Vec::new();
        for ((at, before), now) in away.into_iter().zip(asked) {
            let back = is_back(&before, &now.registration, elapsed >= waiting.settle);
            inventory.phones[at].registration = now.registration;
            if !back {
                still.push((at, before));
            }
        }
        away = still;
        let done = (total - away.len()) as u64;
        observer.observe(&Event::Progress { stage: Stage::Restart, done });
    }
    observer.observe(&Event::Finished { stage: Stage::Restart });
    Ok(away.into_iter().map(|(at, _)| inventory.phones[at].name.clone()).collect())
}

/// Asks again where some phones are registered, and writes it into them.
pub async fn look_again(
    axl: &AxlClient,
    ris: &RisClient,
    inventory: &mut Inventory,
    whom: &HashSet<DeviceName>,
    source: Source,
) -> Result<(), SurveyError> {
    let phones = inventory.phones.iter().map(|phone| &phone.name);
    let names: Vec<DeviceName> = phones.filter(|name| whom.contains(name)).cloned().collect();
    let mut asked = registrations_of(axl, ris, names, &inventory.nodes, source).await?;
    for phone in &mut inventory.phones {
        if let Some(registration) = asked.remove(&phone.name) {
            phone.registration = registration;
        }
    }
    Ok(())
}

/// Asks where these phones are registered now; `nodes` are those of the cluster.
pub async fn registrations_of(
    axl: &AxlClient,
    ris: &RisClient,
    phones: Vec<DeviceName>,
    nodes: &[String],
    source: Source,
) -> Result<HashMap<DeviceName, Registration>, SurveyError> {
    let unknown = |name| Phone::unknown(name, Registration::unknown(Status::Unknown, source));
    let mut asked: Vec<Phone> = phones.into_iter().map(unknown).collect();
    look(axl, ris, &mut asked, nodes, source).await?;
    Ok(asked.into_iter().map(|phone| (phone.name, phone.registration)).collect())
}

/// Returns whether a phone is through: registered anew, or registered all the time for long enough.
///
/// Both times are the cluster's, so that no two clocks are compared.
fn is_back(before: &Registration, now: &Registration, has_settled: bool) -> bool {
    now.reachable_ip().is_some() && (now.timestamp > before.timestamp || has_settled)
}

async fn look(
    axl: &AxlClient,
    ris: &RisClient,
    phones: &mut [Phone],
    nodes: &[String],
    source: Source,
) -> Result<(), SurveyError> {
    // The stage that waits tells about itself, and what is remarkable was remarked by the survey.
    let (quiet, mut remarks) = (crate::event::Unobserved, Vec::new());
    match source {
        Source::RegistrationDynamic => {
            axl_registrations::fill(axl, phones, &quiet, &mut remarks).await
        }
        Source::Risport70 | Source::None => {
            registrations::fill(ris, phones, nodes, &quiet, &mut remarks).await?;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn registration(status: Status, second: i64) -> Registration {
        Registration {
            ip: Some([10, 0, 0, 1].into()),
            timestamp: Timestamp::from_second(second).ok(),
            ..Registration::unknown(status, Source::Risport70)
        }
    }

    #[test]
    fn a_phone_is_back_when_it_registered_anew_or_never_went() {
        let before = registration(Status::Registered, 100);
        let gone = registration(Status::Unregistered, 120);
        let anew = registration(Status::Registered, 160);
        assert!(!is_back(&before, &before, false), "it may be about to restart");
        assert!(is_back(&before, &before, true));
        assert!(!is_back(&before, &gone, false) && !is_back(&before, &gone, true));
        assert!(is_back(&before, &anew, false));
    }
}
