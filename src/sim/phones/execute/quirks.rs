//! How phones misbehave, each in its own way.

use super::{Display, NOT_FOUND, Phone, Verdict};
use crate::sim::fleet_content::Quirk;
use crate::sim::history::Push;
use crate::sim::phones::answers::{self, Broken};
use crate::sim::phones::reply_wording::PushOutcome;

impl Phone<'_> {
    /// Does what is wrong with this phone, if that comes before everything else.
    pub(super) async fn misbehave(&self) -> Option<Verdict> {
        let status = |status: u16, body: &'static str| {
            let answer = answers::page(status, "text/html", body);
            (PushOutcome::Status(status), Ok(answer), Display::Unchanged)
        };
        let unusable = |body: &'static str| {
            let answer = answers::page(200, "text/html", body);
            (PushOutcome::Unusable, Ok(answer), Display::Unchanged)
        };
        // Multiplatform firmware has no push from CUCM.
        if self.load().to_ascii_uppercase().contains("MPP") {
            return Some(status(404, NOT_FOUND));
        }
        match self.quirk {
            Quirk::Busy503Once => {
                let mut cluster = self.shared.cluster();
                let was_busy = std::mem::replace(&mut cluster.histories[self.at].was_busy, true);
                drop(cluster);
                (!was_busy).then(|| status(503, "<html><body>busy</body></html>"))
            }
            Quirk::EmptyReply => Some(unusable("")),
            Quirk::ErrorWithOk { number } => Some(self.error(number)),
            Quirk::EndlessReply => {
                Some((PushOutcome::Unusable, Ok(answers::endless()), Display::Unchanged))
            }
            Quirk::Redirects => {
                let to = format!("http://{}/CGI/Execute", self.shared.decoy_host);
                let answer = answers::moved(&to);
                Some((PushOutcome::Status(302), Ok(answer), Display::Unchanged))
            }
            Quirk::Worded(wording) if wording.outcome() != PushOutcome::Accepted => {
                Some((wording.outcome(), Ok(wording.answer()), Display::Unchanged))
            }
            Quirk::Garbage => Some(unusable("<html><head><title>Cisco</title></head><body>")),
            Quirk::Http404 => Some(status(404, NOT_FOUND)),
            Quirk::Resets => Some((PushOutcome::Unusable, Err(Broken), Display::Unchanged)),
            Quirk::SlowReply(time) => {
                tokio::time::sleep(time).await;
                None
            }
            Quirk::AcceptsButNeverFetches
            | Quirk::AnswersFirst(_)
            | Quirk::CannotDownload(_)
            | Quirk::ClosesConnections
            | Quirk::CutsAnswer
            | Quirk::FetchesHalf
            | Quirk::FetchesImageOnly
            | Quirk::IgnoresFirstPush
            | Quirk::LosesAnswer
            | Quirk::NeverComesBack
            | Quirk::Normal
            | Quirk::OneAnswerAConnection
            | Quirk::OneConnectionAtATime
            | Quirk::RestartsMidway
            | Quirk::ScreenCovered
            | Quirk::TakenOver { .. }
            | Quirk::Trickles(_)
            | Quirk::Worded(_)
            | Quirk::WrongDevice => None,
        }
    }

    /// Returns whether the phone ignores a push that it accepts.
    pub(super) fn ignores(&self) -> bool {
        // A push is recorded once it has been answered.
        let accepted = |push: &Push| push.outcome == PushOutcome::Accepted;
        self.quirk == Quirk::AcceptsButNeverFetches
            || self.quirk == Quirk::IgnoresFirstPush
                && !self.shared.cluster().histories[self.at].pushes.iter().any(accepted)
    }

    /// Waits for the download of a phone that reaches no server, and returns whether it is one.
    pub(super) async fn times_out(&self) -> bool {
        let Quirk::CannotDownload(after) = self.quirk else { return false };
        tokio::time::sleep(after).await;
        true
    }

    /// Returns whether the phone restarts in the middle of this push: it does so once.
    pub(super) fn restarts(&self) -> bool {
        self.quirk == Quirk::RestartsMidway
            && !std::mem::replace(&mut self.shared.cluster().histories[self.at].was_busy, true)
    }
}
