//! Shows what happens: a bar on a terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::console::{BARS, TOLD, is_narrow, is_terminal, say};
use crate::event::{ControlEvent, ControlStep, Event, Observer, Stage};
use crate::report::printable;

/// Tells a person on standard error what happens, and the log too.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
    bar: Mutex<Option<(Stage, ProgressBar)>>,
    wait: Arc<Mutex<Option<Instant>>>,
    plain: Mutex<Plain>,
    /// Shown while the run is paused, waits for an approval, or is in a soak period; with a bar of its own where no stage has one.
    held: Mutex<Option<(&'static str, Option<ProgressBar>)>>,
    /// The cluster, where several are at work: its name begins the lines.
    cluster: Option<String>,
}

/// The state of the current stage, for lines and for the log.
#[derive(Debug)]
struct Plain {
    done: Option<u64>,
    total: Option<u64>,
    began_at: Instant,
    told_at: Instant,
}

impl Plain {
    fn new(total: Option<u64>, now: Instant) -> Self {
        Self { done: None, total, began_at: now, told_at: now }
    }

    /// Takes note of progress; returns a line when the last one is long ago.
    fn got_on(&mut self, stage: Stage, done: u64, now: Instant) -> Option<String> {
        self.done = Some(done);
        if now.duration_since(self.told_at) < BETWEEN_LINES {
            return None;
        }
        self.told_at = now;
        let of = self.total.map(|total| format!(" of {total}")).unwrap_or_default();
        Some(format!("{}: {done}{of} so far", title(stage)))
    }

    fn ended(&self, stage: Stage) -> String {
        match self.done {
            Some(done) => format!("{}: {done}", title(stage)),
            None => format!("{}: done", title(stage)),
        }
    }
}

impl Progress {
    /// Shows bars where standard error is a terminal.
    pub fn shared() -> Arc<dyn Observer> {
        Arc::new(Self::new(is_terminal(), None))
    }

    /// Shows the progress of one of several clusters: its name is the prefix of every bar and line.
    pub fn of_cluster(name: &str) -> Arc<dyn Observer> {
        Arc::new(Self::new(is_terminal(), Some(name.to_owned())))
    }

    fn new(terminal: bool, cluster: Option<String>) -> Self {
        let plain = Mutex::new(Plain::new(None, Instant::now()));
        Self {
            terminal,
            bar: Mutex::new(None),
            wait: Arc::default(),
            plain,
            held: Mutex::default(),
            cluster,
        }
    }

    fn started(&self, stage: Stage, total: Option<u64>) {
        *self.plain() = Plain::new(total, Instant::now());
        if !self.terminal {
            return;
        }
        // A stage that learns its size late begins anew, and must not leave its first bar behind.
        if let Some((_, before)) = self.bar().take() {
            before.finish_and_clear();
        }
        self.waits(None);
        let bar = BARS.add(match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        });
        let template = match total {
            Some(_) if is_narrow() || self.cluster.is_some() => NARROW,
            Some(_) => BAR,
            None => SPINNER,
        };
        bar.set_style(style(template, self.wait.clone()));
        bar.set_prefix(self.named(title(stage)));
        bar.enable_steady_tick(Duration::from_millis(120));
        *self.bar() = Some((stage, bar));
    }

    fn finished(&self, stage: Stage) {
        self.waits(None);
        if !self.terminal {
            let ended = self.plain().ended(stage);
            self.line(&ended);
            return;
        }
        let Some((_, bar)) = self.bar().take() else { return };
        let took = took(bar.elapsed());
        let counted = bar.length().map(|length| format!("{}/{length} in {took}", bar.position()));
        let ended = counted.unwrap_or_else(|| format!("done in {took}"));
        bar.finish_and_clear();
        BARS.remove(&bar);
        // What has ended is a line like any other.
        say(&format!("{:<20} {ended}", self.named(title(stage))));
    }

    fn progressed(&self, stage: Stage, done: u64) {
        let line = self.plain().got_on(stage, done, Instant::now());
        if !self.terminal {
            if let Some(line) = line {
                self.line(&line);
            }
            return;
        }
        self.waits(None);
        let held = self.held().as_ref().map_or("", |(message, _)| *message);
        self.with_bar(|bar| {
            bar.set_message(held);
            bar.set_position(done);
        });
    }

    fn waiting(&self, stage: Stage, reason: &str, delay: Duration) {
        if self.terminal {
            self.waits(Some(Instant::now() + delay));
            self.with_bar(|bar| bar.set_message(printable(reason).into_owned()));
        } else {
            let text = format!("waiting up to {}: {reason}", in_words(delay));
            self.line(&format!("{}: {text}", title(stage)));
        }
    }

    /// Shows what the run waits for, or that it goes on.
    fn controlled(&self, event: &ControlEvent) {
        self.line(&event.text);
        let message = match event.step {
            ControlStep::Paused => Some("paused"),
            ControlStep::GateReached => Some("waits for an approval"),
            ControlStep::SoakStarted => Some("soak period"),
            ControlStep::StartAwaited => Some("waits for its start"),
            ControlStep::Continued
            | ControlStep::Approved
            | ControlStep::SoakEnded
            | ControlStep::StartReached
            | ControlStep::Aborted => None,
        };
        if let Some((_, Some(bar))) = self.held().take() {
            bar.finish_and_clear();
            BARS.remove(&bar);
        }
        let has_bar = self.bar().is_some();
        self.with_bar(|bar| bar.set_message(message.unwrap_or("")));
        let Some(message) = message else { return };
        let bar = (self.terminal && !has_bar).then(|| {
            let bar = BARS.add(ProgressBar::new_spinner());
            bar.set_style(style(SPINNER, Arc::default()));
            bar.set_prefix(self.named("Waiting"));
            bar.set_message(message);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        *self.held() = Some((message, bar));
    }

    fn waits(&self, until: Option<Instant>) {
        *self.wait.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn plain(&self) -> MutexGuard<'_, Plain> {
        self.plain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bar(&self) -> MutexGuard<'_, Option<(Stage, ProgressBar)>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, Option<(&'static str, Option<ProgressBar>)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_bar(&self, act: impl FnOnce(&ProgressBar)) {
        let bar = self.bar().as_ref().map(|(_, bar)| bar.clone());
        if let Some(bar) = bar {
            act(&bar);
        }
    }

    fn line(&self, text: &str) {
        say(&self.named(text));
    }

    fn named(&self, text: &str) -> String {
        match &self.cluster {
            Some(cluster) => printable(&format!("{cluster}: {text}")).into_owned(),
            None => printable(text).into_owned(),
        }
    }

    /// Writes an event into the log; what the screen shows too is marked, so that it is not shown twice.
    fn log(&self, event: &Event) {
        let cluster = self.cluster.as_deref();
        match event {
            Event::Started { stage, total } => {
                tracing::info!(target: TOLD, cluster, stage = title(*stage), total, "began");
            }
            Event::Progress { .. } => {}
            Event::Waiting { stage, reason, delay } => {
                let seconds = delay.as_secs();
                tracing::info!(target: TOLD, cluster, stage = title(*stage), seconds, reason, "waiting");
            }
            Event::Finished { stage } => {
                let (done, ms) = {
                    let plain = self.plain();
                    (plain.done, plain.began_at.elapsed().as_millis())
                };
                tracing::info!(target: TOLD, cluster, stage = title(*stage), done, ms, "ended");
            }
            Event::Remark(text) => tracing::info!(target: TOLD, cluster, "{}", printable(text)),
            Event::Control(ControlEvent { step, text }) => {
                tracing::info!(target: TOLD, cluster, step = step.as_str(), "{}", printable(text));
            }
            Event::Changed(change) => {
                let (id, kind) = (change.id, change.action.kind());
                let target = change.action.subject();
                tracing::info!(cluster, change = id, kind, of = %printable(&target), "changed");
            }
            Event::Pushed(phone) => tracing::info!(
                cluster,
                phone = %phone.name,
                ip = phone.ip.map(tracing::field::display),
                outcome = phone.outcome.as_str(),
                attempts = phone.attempts,
                ms = phone.duration_ms,
                reason = phone.reason.as_deref().map(|text| printable(text).into_owned()),
                "pushed"
            ),
            Event::Downloaded(download) => tracing::info!(
                cluster,
                phone = download.phone.as_ref().map(tracing::field::display),
                peer = %download.peer,
                status = download.status,
                complete = download.complete,
                bytes = download.bytes,
                ms = download.duration_ms,
                file = %printable(&download.file),
                "downloaded"
            ),
        }
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event) {
        self.log(event);
        match event {
            Event::Started { stage, total } => self.started(*stage, *total),
            Event::Progress { stage, done } => self.progressed(*stage, *done),
            Event::Waiting { reason, delay, stage } => self.waiting(*stage, reason, *delay),
            Event::Finished { stage } => self.finished(*stage),
            Event::Remark(text) => self.line(&format!("note: {text}")),
            Event::Control(event) => self.controlled(event),
            // There can be thousands of both: the bar counts them, and the recap tells them.
            Event::Changed(_) | Event::Pushed(_) | Event::Downloaded(_) => {}
        }
    }
}

/// Returns a duration in one or two units, for people.
fn in_words(delay: Duration) -> String {
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

fn took(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        in_words(time)
    }
}

/// Returns how fast something goes, in the unit that makes it a readable number.
fn in_rate(per_second: f64) -> String {
    if per_second >= 9.95 {
        format!("{per_second:.0}/s")
    } else if per_second >= 1.0 {
        format!("{per_second:.1}/s")
    } else if per_second * 60.0 >= 1.0 {
        format!("{:.0}/min", per_second * 60.0)
    } else if per_second > 0.0 {
        format!("{:.0}/h", (per_second * 3600.0).ceil())
    } else {
        "-/s".to_owned()
    }
}

/// The template of a stage that can be counted. Numbers of five digits fit 60 columns.
const BAR: &str = "{prefix:<20} {bar:6.cyan/dim} {pos}/{len} {eta} {rate} {wait}{wide_msg}";
/// The same on a terminal that is narrower.
const NARROW: &str = "{prefix} {pos}/{len} {wait}{wide_msg}";
const SPINNER: &str = "{prefix:<20} {spinner} {elapsed} {wait}{wide_msg}";
/// Without a terminal, a long stage prints a line at this interval.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

fn style(template: &str, wait: Arc<Mutex<Option<Instant>>>) -> ProgressStyle {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // Writing into indicatif's buffer cannot fail.
        let _unfailing = write!(out, "{}", in_rate(state.per_sec()));
    };
    let wait = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
        let until = *wait.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            let left = until.saturating_duration_since(Instant::now());
            let _unfailing = write!(out, "waits {}: ", in_words(left));
        }
    };
    style.with_key("rate", rate).with_key("wait", wait)
}

fn title(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "Connecting",
        Stage::Checks => "Checking",
        Stage::Phones => "Reading phones",
        Stage::Settings => "Reading settings",
        Stage::Registrations => "Asking registrations",
        Stage::Pages => "Reading pages",
        Stage::Identities => "Asking phones who they are",
        Stage::Pictures => "Making pictures",
        Stage::Check => "Comparing with the plan",
        Stage::Apply => "Changing the cluster",
        Stage::Restart => "Waiting for phones",
        Stage::Push => "Pushing to phones",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_a_stage_tells_its_count_and_a_line_a_minute() {
        let start = Instant::now();
        let mut plain = Plain::new(Some(500), start);
        assert_eq!(plain.got_on(Stage::Phones, 100, start + Duration::from_secs(59)), None);
        assert_eq!(
            plain.got_on(Stage::Phones, 200, start + Duration::from_secs(61)).as_deref(),
            Some("Reading phones: 200 of 500 so far")
        );
        assert_eq!(plain.got_on(Stage::Phones, 312, start + Duration::from_secs(62)), None);
        assert_eq!(plain.ended(Stage::Phones), "Reading phones: 312");
        assert_eq!(Plain::new(None, start).ended(Stage::Settings), "Reading settings: done");
    }

    #[test]
    fn durations_and_rates_read_well() {
        let words = |ms| in_words(Duration::from_millis(ms));
        assert_eq!([words(0), words(900), words(59_000)], ["0 s", "1 s", "59 s"]);
        assert_eq!([words(61_000), words(7_260_000)], ["1 min 01 s", "2 h 01 min"]);
        assert_eq!(in_rate(123.4), "123/s");
        assert_eq!([in_rate(2.25), in_rate(0.2), in_rate(0.001)], ["2.2/s", "12/min", "4/h"]);
        assert_eq!(in_rate(0.0), "-/s");
    }

    #[test]
    fn every_template_is_one() {
        for template in [BAR, NARROW, SPINNER] {
            ProgressStyle::with_template(template).unwrap();
        }
    }
}
