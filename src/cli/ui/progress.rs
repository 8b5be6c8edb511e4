//! Shows what happens: a bar on a terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::console::{BARS, TOLD, is_narrow, is_terminal, say, speaks_unicode};
use crate::event::{
    ControlEvent, ControlStep, Event, Observer, Outcome, PhoneResult, Stage, WaitReason, Wave,
};
use crate::report::printable;

/// Shows on standard error what happens, and writes it into the log.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
    bar: Mutex<Option<(Stage, ProgressBar)>>,
    status: Arc<Mutex<Status>>,
    plain: Mutex<Plain>,
    /// The bar of a run that is paused, waits for an approval, or is in a soak period, where no stage has one.
    held_bar: Mutex<Option<ProgressBar>>,
    /// The wave whose phones are pushed to.
    wave: Mutex<Option<Wave>>,
    /// The cluster, where several are at work: its name begins the lines.
    cluster: Option<String>,
}

/// What a bar shows besides its numbers.
#[derive(Debug, Default)]
struct Status {
    /// Why the run is held; that goes before whatever else is waited for.
    held: Option<&'static str>,
    /// Until when a stage waits.
    waits: Option<Instant>,
    results: Results,
}

/// How the phones ended that are done with in this stage.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Results {
    succeeded: usize,
    failed: usize,
    /// Phones whose screens could not be verified.
    unknown: usize,
}

impl Results {
    fn add(&mut self, phone: &PhoneResult) {
        // A phone that was not tried has no result.
        if phone.outcome == Outcome::Pending {
            return;
        }
        let count = if phone.outcome == Outcome::NotVerifiable {
            &mut self.unknown
        } else if phone.is_failure() {
            &mut self.failed
        } else {
            &mut self.succeeded
        };
        *count += 1;
    }

    /// Returns them for a bar.
    fn short(self, unicode: bool) -> String {
        let Self { succeeded, failed, unknown } = self;
        let also = match (unknown, unicode) {
            (0, _) => String::new(),
            (_, true) => format!(" ?{unknown}"),
            (_, false) => format!(", not verifiable {unknown}"),
        };
        match (succeeded + failed + unknown, unicode) {
            (0, _) => String::new(),
            (_, true) => format!(" ✓{succeeded} ✗{failed}{also}"),
            (_, false) => format!(" ok {succeeded}, failed {failed}{also}"),
        }
    }

    /// Returns them for a line.
    fn long(self) -> String {
        let Self { succeeded, failed, unknown } = self;
        if succeeded + failed + unknown == 0 {
            return String::new();
        }
        let also = match unknown {
            0 => String::new(),
            unknown => format!(", {unknown} not verifiable"),
        };
        format!(" ({succeeded} succeeded, {failed} failed{also})")
    }
}

/// The state of the current stage, for lines and for the log.
#[derive(Debug)]
struct Plain {
    done: Option<u64>,
    total: Option<u64>,
    began_at: Instant,
    told_at: Instant,
    /// What was waited for so far, one reason of each kind, with the time of its last line; the last one goes on.
    waits: Vec<(WaitReason, Instant)>,
}

impl Plain {
    fn new(total: Option<u64>, now: Instant) -> Self {
        Self { done: None, total, began_at: now, told_at: now, waits: Vec::new() }
    }

    /// Takes note of progress; returns a line when the last one is long ago.
    fn got_on(&mut self, title: &str, done: u64, results: Results, now: Instant) -> Option<String> {
        self.done = Some(done);
        if now.duration_since(self.told_at) < BETWEEN_LINES {
            return None;
        }
        self.told_at = now;
        let of = self.total.map(|total| format!(" of {total}")).unwrap_or_default();
        Some(format!("{title}: {done}{of} so far{}", results.long()))
    }

    /// Takes note of a wait; returns whether it needs a line: it is of another kind than the last one, and the last line
    /// about this kind is long ago.
    fn begins_to_wait(&mut self, reason: &WaitReason, now: Instant) -> bool {
        let known = self.waits.iter().position(|(other, _)| other.is_same_kind(reason));
        if known.is_some_and(|at| at + 1 == self.waits.len()) {
            return false;
        }
        let told_at = known.map(|at| self.waits.remove(at).1);
        let recent = told_at.filter(|at| now.duration_since(*at) < BETWEEN_LINES);
        self.waits.push((reason.clone(), recent.unwrap_or(now)));
        recent.is_none()
    }

    fn ended(&self, title: &str, results: Results) -> String {
        match self.done {
            Some(done) => format!("{title}: {done}{}", results.long()),
            None => format!("{title}: done"),
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
            status: Arc::default(),
            plain,
            held_bar: Mutex::default(),
            wave: Mutex::default(),
            cluster,
        }
    }

    fn started(&self, stage: Stage, total: Option<u64>) {
        *self.plain() = Plain::new(total, Instant::now());
        let results = Results::default();
        let held = self.status().held;
        *self.status() = Status { held, waits: None, results };
        if !self.terminal {
            return;
        }
        // A stage that learns its size late begins anew, and must not leave its first bar behind.
        if let Some((_, before)) = self.bar().take() {
            before.finish_and_clear();
        }
        let bar = BARS.add(match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        });
        let template = match total {
            Some(_) if is_narrow() || self.cluster.is_some() => NARROW,
            Some(_) => BAR,
            None => SPINNER,
        };
        bar.set_style(style(template, Arc::clone(&self.status)));
        bar.set_prefix(self.named(&self.title(stage)));
        bar.set_message(held.unwrap_or_default());
        bar.enable_steady_tick(Duration::from_millis(120));
        *self.bar() = Some((stage, bar));
    }

    fn finished(&self, stage: Stage) {
        self.status().waits = None;
        let (title, results) = (self.title(stage), self.status().results);
        if !self.terminal {
            let ended = self.plain().ended(&title, results);
            self.line(&ended);
            return;
        }
        let Some((_, bar)) = self.bar().take() else { return };
        let took = took(bar.elapsed());
        let short = results.short(speaks_unicode());
        let counted =
            bar.length().map(|length| format!("{}/{length}{short} in {took}", bar.position()));
        let ended = counted.unwrap_or_else(|| format!("done in {took}"));
        bar.finish_and_clear();
        BARS.remove(&bar);
        // What has ended is a line like any other.
        say(&format!("{:<20} {ended}", self.named(&title)));
    }

    fn progressed(&self, stage: Stage, done: u64) {
        let (title, results) = (self.title(stage), self.status().results);
        let line = self.plain().got_on(&title, done, results, Instant::now());
        if !self.terminal {
            if let Some(line) = line {
                self.line(&line);
            }
            return;
        }
        let held = {
            let mut status = self.status();
            status.waits = None;
            status.held.unwrap_or_default()
        };
        self.with_bar(|bar| {
            bar.set_message(held);
            bar.set_position(done);
        });
    }

    fn waiting(&self, stage: Stage, reason: &WaitReason, delay: Duration) {
        // A wait is reported with every look at the clock, and whenever its number of phones changes.
        let is_new = self.plain().begins_to_wait(reason, Instant::now());
        if is_new {
            let (cluster, seconds) = (self.cluster.as_deref(), delay.as_secs());
            tracing::info!(target: TOLD, cluster, stage = stage.title(), seconds, %reason, "waiting");
        }
        if !self.terminal {
            if is_new {
                let text = format!("waiting up to {}: {reason}", in_words(delay));
                self.line(&format!("{}: {text}", self.title(stage)));
            }
            return;
        }
        let mut status = self.status();
        // Nothing goes on before the run is continued, whatever else would be waited for.
        if status.held.is_some() {
            return;
        }
        status.waits = Some(Instant::now() + delay);
        drop(status);
        self.with_bar(|bar| bar.set_message(printable(&reason.to_string()).into_owned()));
    }

    /// Shows what the run waits for, or that it goes on.
    fn controlled(&self, event: &ControlEvent) {
        self.line(&event.text);
        let held = match event.step {
            ControlStep::Paused => Some("paused"),
            ControlStep::GateReached => Some("waits for an approval"),
            ControlStep::SoakStarted => Some("soak period"),
            ControlStep::StartAwaited => Some("waits for its start"),
            ControlStep::Continued
            | ControlStep::Approved
            | ControlStep::SoakEnded
            | ControlStep::StartReached
            | ControlStep::QuestionAsked
            | ControlStep::QuestionAnswered
            | ControlStep::Aborted => None,
        };
        let mut status = self.status();
        (status.held, status.waits) = (held, None);
        drop(status);
        if let Some(bar) = self.held_bar().take() {
            bar.finish_and_clear();
            BARS.remove(&bar);
        }
        let has_bar = self.bar().is_some();
        self.with_bar(|bar| bar.set_message(held.unwrap_or_default()));
        let Some(held) = held else { return };
        *self.held_bar() = (self.terminal && !has_bar).then(|| {
            let bar = BARS.add(ProgressBar::new_spinner());
            bar.set_style(style(SPINNER, Arc::clone(&self.status)));
            bar.set_prefix(self.named("Waiting"));
            bar.set_message(held);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
    }

    /// Returns the title of a stage, with the wave that it is about.
    fn title(&self, stage: Stage) -> String {
        let wave = *self.wave.lock().unwrap_or_else(PoisonError::into_inner);
        match wave.filter(|_| matches!(stage, Stage::Push | Stage::Screens)) {
            Some(wave) if self.terminal => format!("Pushing: {}", wave.name()),
            Some(wave) => format!("{} ({})", stage.title(), wave.name()),
            None => stage.title().to_owned(),
        }
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plain(&self) -> MutexGuard<'_, Plain> {
        self.plain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bar(&self) -> MutexGuard<'_, Option<(Stage, ProgressBar)>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held_bar(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.held_bar.lock().unwrap_or_else(PoisonError::into_inner)
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
                tracing::info!(target: TOLD, cluster, stage = stage.title(), total, "began");
            }
            // What is waited for is logged by kind.
            Event::Progress { .. } | Event::Waiting { .. } => {}
            Event::Finished { stage } => {
                let (done, ms) = {
                    let plain = self.plain();
                    (plain.done, plain.began_at.elapsed().as_millis())
                };
                tracing::info!(target: TOLD, cluster, stage = stage.title(), done, ms, "ended");
            }
            Event::Remark(text) => tracing::info!(target: TOLD, cluster, "{}", printable(text)),
            Event::Wave(wave) => tracing::info!(target: TOLD, cluster, "{}", wave.describe()),
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
            Event::Wave(wave) => {
                self.line(&format!("note: {}", wave.describe()));
                *self.wave.lock().unwrap_or_else(PoisonError::into_inner) = Some(*wave);
            }
            Event::Control(event) => self.controlled(event),
            Event::Pushed(phone) => self.status().results.add(phone),
            // There can be thousands: the bar counts them.
            Event::Changed(_) | Event::Downloaded(_) => {}
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

/// Returns the time that is left, as far as that means something: a stage that waits, or has only begun, has no pace.
fn time_left(done: u64, total: u64, elapsed: Duration, status: &Status) -> Option<Duration> {
    let is_steady = status.held.is_none() && status.waits.is_none();
    let has_begun = elapsed >= Duration::from_secs(10) && done.saturating_mul(20) >= total;
    if !is_steady || !has_begun || done == 0 || done >= total {
        return None;
    }
    let left = elapsed.as_secs_f64() / done as f64 * (total - done) as f64;
    Duration::try_from_secs_f64(left).ok().filter(|left| *left >= Duration::from_secs(5))
}

/// The template of a stage that can be counted. Numbers of five digits fit 60 columns.
const BAR: &str =
    "{prefix:<20} {bar:6.cyan/dim} {pos}/{len}{results} {rate}{left} {wait}{wide_msg}";
/// The same on a terminal that is narrower.
const NARROW: &str = "{prefix} {pos}/{len}{results} {wait}{wide_msg}";
const SPINNER: &str = "{prefix:<20} {spinner} {elapsed} {wait}{wide_msg}";
/// Without a terminal, a long stage prints a line at this interval.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

fn style(template: &str, status: Arc<Mutex<Status>>) -> ProgressStyle {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // Writing into indicatif's buffer cannot fail.
        let _unfailing = write!(out, "{}", in_rate(state.per_sec()));
    };
    let of_wait = Arc::clone(&status);
    let wait = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
        let until = of_wait.lock().unwrap_or_else(PoisonError::into_inner).waits;
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if let Some(left) = left.filter(|left| !left.is_zero()) {
            let _unfailing = write!(out, "waits {}: ", in_words(left));
        }
    };
    let of_results = Arc::clone(&status);
    let results = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
        let results = of_results.lock().unwrap_or_else(PoisonError::into_inner).results;
        let _unfailing = write!(out, "{}", results.short(speaks_unicode()));
    };
    let left = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let status = status.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, total) = (state.pos(), state.len().unwrap_or_default());
        if let Some(left) = time_left(done, total, state.elapsed(), &status) {
            let _unfailing = write!(out, ", {} left", in_words(left));
        }
    };
    style
        .with_key("rate", rate)
        .with_key("wait", wait)
        .with_key("results", results)
        .with_key("left", left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_a_stage_tells_its_count_and_a_line_a_minute() {
        let start = Instant::now();
        let mut plain = Plain::new(Some(500), start);
        let none = Results::default();
        let mut at = |seconds, done, results| {
            plain.got_on("Reading phones", done, results, start + Duration::from_secs(seconds))
        };
        assert_eq!(at(59, 100, none), None);
        assert_eq!(at(61, 200, none).as_deref(), Some("Reading phones: 200 of 500 so far"));
        assert_eq!(at(62, 312, none), None);
        let some = Results { succeeded: 306, failed: 6, unknown: 0 };
        let line = "Pushing to phones: 312 (306 succeeded, 6 failed)";
        assert_eq!(plain.ended("Pushing to phones", some), line);
        assert_eq!(
            Plain::new(None, start).ended("Reading settings", none),
            "Reading settings: done"
        );
        assert_eq!(
            (some.short(true), some.short(false)),
            (" ✓306 ✗6".into(), " ok 306, failed 6".into())
        );
    }

    #[test]
    fn without_a_terminal_each_kind_of_wait_has_a_line_when_it_begins() {
        let start = Instant::now();
        let mut plain = Plain::new(None, start);
        let downloads = |phones| WaitReason::of_phones("downloads of {}", phones);
        let again = |phones| WaitReason::of_phones("{} to be tried again", phones);
        let mut at =
            |seconds, reason| plain.begins_to_wait(&reason, start + Duration::from_secs(seconds));
        assert!(at(0, downloads(300)));
        assert!((1..300).all(|n| !at(n, downloads(n as usize))), "only the number changes");
        assert!(at(300, again(2)));
        assert!(at(301, downloads(1)), "its line is five minutes old");
        assert!((302..360).all(|n| !at(n, again(1)) && !at(n, downloads(1))), "they alternate");
        assert!(at(361, again(1)) && at(362, downloads(2)));
        assert_eq!(
            [again(1), again(2)].map(|one| one.to_string()),
            ["1 phone to be tried again", "2 phones to be tried again"]
        );
    }

    #[test]
    fn time_is_left_only_where_there_is_a_pace() {
        let steady = Status::default();
        let left = |done, seconds, status: &Status| {
            time_left(done, 600, Duration::from_secs(seconds), status).map(|left| left.as_secs())
        };
        assert_eq!(left(100, 60, &steady), Some(300));
        assert_eq!([left(100, 9, &steady), left(10, 60, &steady)], [None, None]);
        assert_eq!([left(600, 60, &steady), left(599, 60, &steady)], [None, None]);
        let waits = Status { waits: Some(Instant::now()), ..Status::default() };
        let held = Status { held: Some("paused"), ..Status::default() };
        assert_eq!([left(100, 60, &waits), left(100, 60, &held)], [None, None]);
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
