//! The control of one run: whether it is paused, and whether the wave that waits may begin.
//!
//! The state has one place, and everything that begins something new looks at it. Who asks for a change is not known
//! here: a request from another process and a call of the library end in [`RunControl::apply`].

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::domain::control::{ControlAction, ControlResult};
use crate::event::{ControlEvent, ControlStep, Event, Observer};

/// Controls one run. Clones control the same one.
#[derive(Clone, Default)]
pub struct RunControl(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: watch::Sender<ControlState>,
    soon: CancellationToken,
    now: CancellationToken,
    /// The observer of the run. It belongs to the run, which ends without waiting for a handle that is still held.
    observer: OnceLock<Weak<dyn Observer>>,
    /// The command that controls the run, up to the action, and the options that come after it.
    command: Option<(String, String)>,
}

/// Whether a run may begin something new.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ControlState {
    pub(crate) paused: bool,
    pub(crate) gate: Option<Gate>,
}

/// A wave that waits for an approval.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Gate {
    wave: String,
    pub(crate) approved: bool,
}

impl RunControl {
    /// Makes the control of a run. Messages name `command`, the action and `options`.
    pub fn of_run(command: String, options: String) -> Self {
        Self(Arc::new(Inner { command: Some((command, options)), ..Inner::default() }))
    }

    /// Sends what happens to the observer of the run, for as long as the run holds it. The first one counts.
    pub fn observe_with(&self, observer: &Arc<dyn Observer>) {
        self.0.observer.get_or_init(|| Arc::downgrade(observer));
    }

    /// Tells whether the run still works, or has not begun.
    pub(crate) fn is_in_use(&self) -> bool {
        self.0.observer.get().is_none_or(|observer| observer.strong_count() > 0)
    }

    /// Carries a request out; `by` names who asked. It neither asks nor waits.
    pub fn apply(&self, action: ControlAction, by: &str) -> ControlResult {
        let mut approved = None;
        let soon = &self.0.soon;
        let has_changed = self.0.state.send_if_modified(|state| match action {
            ControlAction::Pause => !std::mem::replace(&mut state.paused, true),
            ControlAction::Continue => std::mem::replace(&mut state.paused, false),
            ControlAction::Approve => match &mut state.gate {
                Some(gate) if !gate.approved => {
                    gate.approved = true;
                    approved = Some(gate.wave.clone());
                    true
                }
                Some(_) | None => false,
            },
            ControlAction::Abort => {
                let is_new = !soon.is_cancelled();
                soon.cancel();
                is_new
            }
        });
        if !has_changed {
            return match action {
                ControlAction::Approve => ControlResult::NotWaiting,
                ControlAction::Pause | ControlAction::Continue | ControlAction::Abort => {
                    ControlResult::Unchanged
                }
            };
        }
        let (step, text) = match action {
            ControlAction::Pause => {
                let next = self.command(ControlAction::Continue);
                let next = next.map(|next| format!("; continue with `{next}`"));
                let text = "nothing new begins, and what is in progress finishes";
                let text = format!("paused by {by}: {text}{}", next.unwrap_or_default());
                (ControlStep::Paused, text)
            }
            ControlAction::Continue => (ControlStep::Continued, format!("continued by {by}")),
            ControlAction::Approve => {
                let wave = approved.unwrap_or_default();
                (ControlStep::Approved, format!("{wave} was approved by {by}"))
            }
            ControlAction::Abort => {
                let text = "what is in progress finishes, and nothing new begins";
                (ControlStep::Aborted, format!("aborted by {by}: {text}"))
            }
        };
        self.observe(step, text);
        ControlResult::Done
    }

    /// Ends the run as [`ControlAction::Abort`] does, without an event: the person at the terminal knows.
    pub fn interrupt(&self) {
        self.0.soon.cancel();
    }

    /// Ends the run without waiting for what is in progress.
    pub fn cut_off(&self) {
        self.0.now.cancel();
    }

    /// Is cancelled when the run is to end and finish what is in progress.
    pub(crate) fn soon(&self) -> &CancellationToken {
        &self.0.soon
    }

    /// Is cancelled when the run is to end at once.
    pub(crate) fn now(&self) -> &CancellationToken {
        &self.0.now
    }

    pub fn is_paused(&self) -> bool {
        self.0.state.borrow().paused
    }

    pub(crate) fn states(&self) -> watch::Receiver<ControlState> {
        self.0.state.subscribe()
    }

    /// Returns when the run is paused and was not, or the other way round.
    pub(crate) async fn pause_changes_from(&self, paused: bool) {
        // The sender lives as long as this control.
        drop(self.states().wait_for(|state| state.paused != paused).await);
    }

    /// Has a wave wait for an approval; `wave` is what people read.
    pub(crate) fn close_gate(&self, wave: String) {
        let next = self.command(ControlAction::Approve);
        let next = next.map(|next| format!(": begin it with `{next}`")).unwrap_or_default();
        let text = format!("{wave} waits for an approval{next}");
        self.0.state.send_modify(|state| state.gate = Some(Gate { wave, approved: false }));
        self.observe(ControlStep::GateReached, text);
    }

    pub(crate) fn open_gate(&self) {
        self.0.state.send_modify(|state| state.gate = None);
    }

    fn command(&self, action: ControlAction) -> Option<String> {
        let (command, options) = self.0.command.as_ref()?;
        Some(format!("{command} {action}{options}"))
    }

    fn observe(&self, step: ControlStep, text: String) {
        if let Some(observer) = self.0.observer.get().and_then(Weak::upgrade) {
            observer.observe(&Event::Control(ControlEvent { step, text }));
        }
    }
}

impl fmt::Debug for RunControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunControl").field("state", &*self.0.state.borrow()).finish_non_exhaustive()
    }
}
