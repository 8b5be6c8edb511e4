//! The part of a pass that looks at screens: phones that are proven to show their picture can show another one by now.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::connect::cluster::cluster_id;
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Inventory;
use crate::error::{AppError, ErrorKind};
use crate::event::Outcome;
use crate::journal::VERIFY;
use crate::push::scheduler::window::WindowState;
use crate::report::RunReport;
use crate::rollout::cluster_task::Surveyed;
use crate::rollout::options::PushOptions;
use crate::rollout::payload::verification::ScreenVerification;
use crate::rollout::request::RolloutRequest;
use crate::watch::event::WatchEvent;
use crate::watch::screen_turns;
use crate::watch::watcher::{Watcher, reader};

impl Watcher<'_> {
    /// Looks at the screens of a share of the phones that are proven to show their picture. Returns whether one of them shows
    /// another one.
    pub(super) async fn look_at_screens(&mut self) -> Result<bool, AppError> {
        let Some(every) = self.request.verify_every else { return Ok(false) };
        let now = Timestamp::now();
        let status = &mut self.row.status;
        let last = *status.screens_at.get_or_insert(now);
        // A clock that was set back would have no screen looked at for long.
        let last = status.screens_at.insert(last.min(now)).to_owned();
        let is_paused = self.uptime() < self.screens_after.max(self.paused_until);
        if is_paused || self.row.status.stopped.is_some() || self.handle.stop.is_cancelled() {
            return Ok(false);
        }
        let counts = self.state.counts();
        let since = Duration::try_from(now.duration_since(last)).unwrap_or_default();
        let in_turn = screen_turns::due(counts.shown, since, every);
        let back = counts.back.min(screen_turns::share(counts.shown));
        let phones = self.state.screens(in_turn.max(back));
        if phones.is_empty() {
            return Ok(false);
        }
        self.screens_after = self.uptime() + screen_turns::pause(every);
        let reports = match Box::pin(self.run_verification(phones)).await {
            // Mostly because another run works on the cluster; the next turn comes after a pause.
            Err(error) if error.kind() == ErrorKind::Refused => {
                tracing::debug!(%error, "no screens were looked at");
                return Ok(false);
            }
            ran => self.unless_refused(ran)?,
        };
        if in_turn > 0 && !reports.is_empty() {
            self.row.status.screens_at = Some(now);
        }
        let mut differs = false;
        for report in reports {
            differs |= self.take_screens(&report, now);
        }
        Ok(differs)
    }

    /// Has a run look at screens, as `verify` does. Where all windows are closed, there is none.
    async fn run_verification(
        &mut self,
        phones: Vec<DeviceName>,
    ) -> Result<Vec<RunReport>, AppError> {
        let history = reader(&self.request)?;
        let clusters = [cluster_id(&self.connection)];
        let payload = ScreenVerification::read(&history, &clusters).await?;
        let mut task = self.task((Arc::new(payload), "screens".to_owned()))?;
        let request = RolloutRequest {
            command: VERIFY,
            repair: None,
            options: PushOptions { force: true, ..task.request.options.clone() },
            ..RolloutRequest::clone(&task.request)
        };
        task.request = Arc::new(request.clone());
        let (clients, progress) = (self.clients().await?, self.unobserved());
        let assessment = task.assess(&clients, Some(&phones), &progress).await?;
        let mut inventory = assessment.inventory;
        self.leave_closed(&mut inventory);
        let phones: Vec<DeviceName> =
            inventory.phones.iter().map(|phone| phone.name.clone()).collect();
        if phones.is_empty() {
            return Ok(Vec::new());
        }
        let surveyed = Surveyed { clients, inventory };
        Box::pin(self.roll_out(request, surveyed, phones, Some(usize::MAX), progress)).await
    }

    /// Leaves out phones whose window is closed. Where all are, no screens are looked at before the first one opens.
    fn leave_closed(&mut self, inventory: &mut Inventory) {
        let schedule = &self.request.schedule;
        let now = schedule.now();
        let mut first = None;
        inventory.phones.retain(|phone| match schedule.gate(&phone.device_pool, now) {
            WindowState::Open { .. } => true,
            WindowState::Closed { opens } => {
                first = Some(first.map_or(opens, |first: Timestamp| first.min(opens)));
                false
            }
        });
        if let (Some(opens), true) = (first, inventory.phones.is_empty()) {
            let left = Duration::try_from(opens.duration_since(now)).unwrap_or_default();
            self.screens_after = self.screens_after.max(self.uptime() + left);
        }
    }

    /// Takes in what was seen. Returns whether a phone shows another picture.
    fn take_screens(&mut self, report: &RunReport, now: Timestamp) -> bool {
        let (mut verified, mut drifted, mut unknown) = (0, Vec::new(), 0);
        for phone in &report.phones {
            let shows = match phone.outcome {
                Outcome::Verified => Some(true),
                Outcome::NotShown => Some(false),
                // The run ended before it came to this phone.
                Outcome::Pending | Outcome::Interrupted => continue,
                Outcome::Already
                | Outcome::Accepted
                | Outcome::AuthFailed
                | Outcome::Rejected
                | Outcome::Unreachable
                | Outcome::BadReply
                | Outcome::WrongDevice
                | Outcome::NotVerifiable
                | Outcome::NeedsWork
                | Outcome::NoBackground
                | Outcome::Offline
                | Outcome::Excluded => None,
            };
            match shows {
                Some(true) => verified += 1,
                Some(false) => drifted.push(phone.name.clone()),
                None => unknown += 1,
            }
            self.state.screen_seen(&phone.name, shows, now);
        }
        let (run, differs) = (self.row.status.last_run, !drifted.is_empty());
        if verified + drifted.len() + unknown > 0 {
            self.tell(&WatchEvent::Screens { run, verified, drifted, unknown });
        }
        self.take_ending(report);
        differs
    }
}
