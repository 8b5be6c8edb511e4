//! What a push has in common, whether a cluster names its phones or somebody types their addresses.

use crate::connect::journal;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use crate::connect::push_access::PushAccess;
use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;
use crate::domain::push_action::PushAction;
use crate::domain::text::{names, pluralize};
use crate::error::{AppError, ErrorKind};
use crate::event::{Event, Observer, PhoneResult, Proof};
use crate::journal::{Coverage, JournalReader, Proven, PushedPhone, Recorder, RunId, RunRef};
use crate::phone::PhoneError;
use crate::push::policy::outcome::pause;
use crate::push::scheduler::{PushOutcomes, PushSettings};
use crate::push::{Digests, ModelFormat, Target, proven_already};
use crate::rollout::options::PushOptions;
use crate::rollout::request::RolloutRequest;
use crate::rollout::run::RunScope;

/// How to go about a push, as typed. It waits for no phone after a change, unless that is set.
pub fn settings(push_access: &PushAccess, push: &PushOptions) -> PushSettings {
    PushSettings {
        concurrency: push_access.concurrency,
        max_attempts: push.attempts,
        retry_delay: push.retry_delay,
        verify_timeout: push.verify_timeout,
        max_auth_failures: push.max_auth_failures,
        max_logins_at_risk: push_access.max_logins_at_risk,
        password_proven: false,
        propagation_limit: Duration::ZERO,
        site_limits: push.site_limits,
        rate: push.rate,
        proof: Proof::default(),
        max_failures: None,
        min_sample: 0,
    }
}

/// Says what so many logins at risk can mean for an account that is locked after some failures; nothing where they
/// are fewer.
pub fn logins_at_risk(most: usize, locks_after: usize) -> Option<String> {
    (most >= locks_after).then(|| {
        format!(
            "if the push user's password is changed in mid-run, up to {} can fail, and its credential policy locks the \
             account after {locks_after}: --max-logins-at-risk {} prevents that",
            pluralize(most, "login"),
            locks_after.saturating_sub(1).max(1)
        )
    })
}

/// Describes the phones that are pushed to, before the confirmation: their device pools, their models, and how long it
/// takes.
pub fn outline(targets: &[Target], push_access: &PushAccess, options: &PushOptions) -> String {
    if targets.is_empty() {
        return String::new();
    }
    let counted = |of: fn(&Target) -> &str| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for target in targets {
            *counts.entry(of(target)).or_default() += 1;
        }
        let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let counts = counts.into_iter().filter(|(name, _)| !name.is_empty());
        names(&counts.map(|(name, count)| format!("{name} ({count})")).collect::<Vec<_>>())
    };
    let lines = [
        ("Device pools", counted(|target| &target.device_pool)),
        ("Models", counted(|target| &target.model)),
        ("Pictures", counted(|target| &target.picture)),
        ("Time", time(targets.len(), push_access.concurrency, options)),
    ];
    let lines = lines.into_iter().filter(|(_, what)| !what.is_empty());
    let lines: Vec<String> = lines.map(|(about, what)| format!("{about}: {what}")).collect();
    lines.join("\n") + "\n"
}

/// Estimates how long so many pushes take.
fn time(phones: usize, concurrency: usize, options: &PushOptions) -> String {
    let at_once = concurrency.min(phones).max(1);
    let rounds = u32::try_from(phones.div_ceil(at_once)).unwrap_or(u32::MAX);
    let paced = options.rate.map_or(0, |rate| phones as u64 / u64::from(rate.max(1)));
    let waves = &options.waves;
    let soaks = usize::from(waves.canary.is_some()) + waves.reach.len();
    let soak = waves.soak.unwrap_or_default() * u32::try_from(soaks).unwrap_or(u32::MAX);
    let all = EACH.saturating_mul(rounds).max(Duration::from_secs(paced)).saturating_add(soak);
    let tail = slowest_phone(options);
    let gate = if waves.gate { ", and the approvals of waves" } else { "" };
    format!(
        "about {}{gate} ({} s for a phone, {at_once} at once), up to {} longer if phones do not answer",
        shortly(all),
        EACH.as_secs(),
        shortly(tail)
    )
}

/// How long a phone takes at most: every attempt without an answer, or two pushes that it accepts without a download.
fn slowest_phone(options: &PushOptions) -> Duration {
    let again = (1..options.attempts).map(|attempt| pause(options.retry_delay, attempt));
    let silent = options.phone_timeout * options.attempts + again.sum::<Duration>();
    silent.max((EACH + options.verify_timeout) * 2)
}

/// Writes a time in the unit that suits it.
pub(crate) fn shortly(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7_200 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{} h", seconds.div_ceil(3_600)),
    }
}

/// How long one push takes: the reply, and two downloads (believed).
const EACH: Duration = Duration::from_secs(4);

/// Says what to do about an object that is too long for phones.
pub fn too_long(error: PhoneError, action: PushAction) -> AppError {
    let shorter = match action {
        PushAction::Picture => "use a shorter --advertise or --picture-name",
        PushAction::PictureElsewhere => "use a shorter --image-url or --picture-name",
        PushAction::RingTone
        | PushAction::Removal
        | PushAction::Sound
        | PushAction::Keys
        | PushAction::Verification => "use a shorter --advertise",
    };
    AppError::from_error(ErrorKind::Usage, error)
        .hint(format!("nothing was changed or sent; {shorter}"))
}

/// What earlier runs pushed and proved.
#[derive(Debug, Default)]
pub struct EarlierRuns {
    proven: HashMap<DeviceName, Proven>,
    /// The runs that this one continues, the newest first.
    chain: Vec<RunId>,
    /// The phones that those runs pushed to.
    pushed: BTreeMap<DeviceName, PushedPhone>,
}

impl EarlierRuns {
    /// Reads the journal.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn read(request: &RolloutRequest, scope: &RunScope) -> Result<Self, AppError> {
        let Some(history) = journal::history_if_any(&request.journal)? else {
            return Ok(Self::default());
        };
        let object = request.payload.kind();
        let chain = chain(&history, request.continues)?;
        let oldest_first: Vec<RunId> = chain.iter().rev().copied().collect();
        let pushed = history.pushed(&scope.id, &oldest_first, object)?;
        Ok(Self { proven: history.proven(&scope.id, object)?, chain, pushed })
    }

    /// Returns the phones that are proven to show what would be pushed to them. Where the push is forced, only a proof of
    /// the runs that this one continues counts.
    pub fn already_shown(
        &self,
        forced: bool,
        targets: &[Target],
        digests: &Digests,
    ) -> HashMap<DeviceName, PhoneResult> {
        let shown = targets.iter().filter_map(|target| {
            let proven = self.proven.get(&target.name)?;
            if forced && !self.chain.contains(&proven.run) {
                return None;
            }
            let digest = digests.of(&ModelFormat::from(target))?;
            (proven.digest == digest).then(|| (target.name.clone(), proven_already(target, proven)))
        });
        shown.collect()
    }

    /// Returns what phones were proven to show before this run, or the first of those that it continues, pushed to them.
    pub fn into_shown_before(self) -> BTreeMap<DeviceName, String> {
        let mut shown: BTreeMap<_, _> =
            self.proven.into_iter().map(|(name, proven)| (name, Some(proven.digest))).collect();
        shown.extend(self.pushed.into_iter().map(|(name, pushed)| (name, pushed.earlier)));
        shown.into_iter().filter_map(|(name, digest)| Some((name, digest?))).collect()
    }
}

/// Reports why phones are left out that were asked for, one line a reason: the summary only counts them.
pub fn remark_left_out(left: &[PhoneResult], observer: &dyn Observer) {
    let mut by_reason: BTreeMap<&str, Vec<&DeviceName>> = BTreeMap::new();
    for phone in left.iter().filter(|phone| !phone.outcome.is_capable()) {
        by_reason.entry(phone.reason.as_deref().unwrap_or_default()).or_default().push(&phone.name);
    }
    for (reason, phones) in by_reason.into_iter().filter(|(reason, _)| !reason.is_empty()) {
        let line =
            format!("{} skipped: {reason}: {}", pluralize(phones.len(), "phone"), names(&phones));
        observer.observe(&Event::Remark(line));
    }
}

/// Returns a run and those that it continues, the newest first.
pub(crate) fn chain(history: &JournalReader, run: Option<RunId>) -> Result<Vec<RunId>, AppError> {
    let mut chain = Vec::new();
    let mut continued = run;
    while let Some(run) = continued.filter(|run| !chain.contains(run)) {
        chain.push(run);
        continued = history.run(RunRef::Number(run))?.and_then(|run| run.continues);
    }
    Ok(chain)
}

/// Counts the phones that could take the push, and those that are known to show it: by this run, by the runs that it
/// continues, or by an earlier run with the same payload. Nothing where its effect cannot be known; the report counts the
/// phones of this run alone where the journal cannot be read.
pub fn coverage(
    request: &RolloutRequest,
    scope: &RunScope,
    phones: &[PhoneResult],
    digests: &Digests,
) -> Option<Coverage> {
    read_coverage(request, scope, phones, digests).unwrap_or_else(|error| {
        tracing::debug!(%error, "earlier runs cannot be read");
        None
    })
}

fn read_coverage(
    request: &RolloutRequest,
    scope: &RunScope,
    phones: &[PhoneResult],
    digests: &Digests,
) -> Result<Option<Coverage>, AppError> {
    let object = request.payload.kind();
    let history = journal::history_if_any(&request.journal)?;
    let (Some(history), true) = (history, object.is_downloaded()) else { return Ok(None) };
    let proven = history.proven(&scope.id, object)?;
    let chain = chain(&history, request.continues)?;
    let mut all = HashMap::new();
    for run in &chain {
        for phone in history.phones(*run)? {
            all.entry(phone.name.clone()).or_insert(phone);
        }
    }
    all.extend(phones.iter().map(|phone| (phone.name.clone(), phone.clone())));
    let own: HashSet<&DeviceName> = phones.iter().map(|phone| &phone.name).collect();
    let shows = |phone: &PhoneResult| {
        if own.contains(&phone.name) && phone.outcome.is_proven() {
            return true;
        }
        let Some(proven) = proven.get(&phone.name) else { return false };
        match ModelFormat::of_result(phone).and_then(|format| digests.of(&format)) {
            Some(digest) => proven.digest == digest,
            // This run has prepared nothing for such a phone, but a run that it continues has.
            None => chain.contains(&proven.run) || phone.outcome.is_proven(),
        }
    };
    let capable = || all.values().filter(|phone| phone.is_capable());
    let shown = capable().filter(|phone| shows(phone)).count();
    Ok(Some(Coverage { shown, capable: capable().count() }))
}

/// Writes down who is not pushed to. An error of the journal is only reported: attempts, which prove something, have their
/// own rows.
pub async fn write_down<'a>(
    recorder: &Recorder,
    phones: impl IntoIterator<Item = &'a PhoneResult>,
    observer: &dyn Observer,
) {
    let writes = phones.into_iter().map(|phone| recorder.ended(None, phone));
    let written = futures::future::join_all(writes).await;
    if let Some(error) = written.into_iter().find_map(Result::err) {
        let lacks =
            format!("the journal lacks phones that were not pushed to: {}", error_chain(&error));
        observer.observe(&Event::Remark(lacks));
    }
}

/// Puts the results together, in the order of names.
pub fn all(pushed: PushOutcomes, others: Vec<PhoneResult>) -> Vec<PhoneResult> {
    let mut phones = pushed.results;
    phones.extend(others);
    phones.sort_by(|a, b| a.name.cmp(&b.name));
    phones
}
