//! Shows what happens: a bar on a terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::console::{is_terminal, say};
use crate::event::{Event, Observer, Stage};
use crate::report::printable;

/// Tells a person on standard error what happens.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
    bar: Mutex<Option<(Stage, ProgressBar)>>,
    plain: Mutex<Plain>,
    /// What stands in front of lines: the cluster, where several are at work.
    whose: String,
}

/// What is known of the stage under way where there is no bar.
#[derive(Debug)]
struct Plain {
    done: Option<u64>,
    total: Option<u64>,
    told_at: Instant,
}

impl Plain {
    fn new(total: Option<u64>, now: Instant) -> Self {
        Self { done: None, total, told_at: now }
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
        Arc::new(Self::new(is_terminal(), String::new()))
    }

    /// Tells in lines, each with the name of a cluster in front, what happens on one of several.
    pub fn of_cluster(name: &str) -> Arc<dyn Observer> {
        Arc::new(Self::new(false, format!("{name}: ")))
    }

    fn new(terminal: bool, whose: String) -> Self {
        let plain = Mutex::new(Plain::new(None, Instant::now()));
        Self { terminal, bar: Mutex::new(None), plain, whose }
    }

    fn started(&self, stage: Stage, total: Option<u64>) {
        if !self.terminal {
            *self.plain() = Plain::new(total, Instant::now());
            return;
        }
        // A stage that learns its size late begins anew, and must not leave its first bar behind.
        let before = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((_, before)) = before {
            before.finish_and_clear();
        }
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), BAR),
            None => (ProgressBar::new_spinner(), SPINNER),
        };
        bar.set_style(style(template));
        bar.set_prefix(title(stage));
        bar.enable_steady_tick(Duration::from_millis(120));
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some((stage, bar));
    }

    fn finished(&self, stage: Stage) {
        let ended = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((_, bar)) = ended else {
            if !self.terminal {
                self.line(&self.plain().ended(stage));
            }
            return;
        };
        bar.set_style(style(if bar.length().is_some() { COUNTED } else { ENDED }));
        bar.set_message("");
        bar.finish();
    }

    fn progressed(&self, stage: Stage, done: u64) {
        if !self.terminal {
            if let Some(line) = self.plain().got_on(stage, done, Instant::now()) {
                self.line(&line);
            }
            return;
        }
        self.with_bar(|bar| {
            bar.set_message("");
            bar.set_position(done);
        });
    }

    fn plain(&self) -> MutexGuard<'_, Plain> {
        self.plain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_bar(&self, act: impl FnOnce(&ProgressBar)) {
        if let Some((_, bar)) = &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
            act(bar);
        }
    }

    fn line(&self, text: &str) {
        let text = format!("{}{text}", self.whose);
        let text = printable(&text);
        let bar = self
            .bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(|(_, bar)| bar.clone());
        match bar {
            Some(bar) => bar.suspend(|| say(&text)),
            None => say(&text),
        }
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event) {
        match event {
            Event::Started { stage, total } => self.started(*stage, *total),
            Event::Progress { stage, done } => self.progressed(*stage, *done),
            Event::Waiting { reason, delay, stage } => {
                let text = format!("waiting up to {:.0} s: {reason}", delay.as_secs_f64().ceil());
                if self.terminal {
                    self.with_bar(|bar| bar.set_message(printable(&text).into_owned()));
                } else {
                    self.line(&format!("{}: {text}", title(*stage)));
                }
            }
            Event::Finished { stage } => self.finished(*stage),
            Event::Remark(text) => self.line(&format!("note: {text}")),
            // There can be thousands of both: the bar counts them, and the recap tells them.
            Event::Changed(_) | Event::Pushed(_) | Event::Downloaded(_) => {}
        }
    }
}

/// While a stage that can be counted is under way.
///
/// It must fit 40 columns with five-digit counts; what comes after that is cut off by the terminal's width.
const BAR: &str = "{prefix:<20} {bar:6.cyan/dim} {pos}/{len} {eta} {rate} {wide_msg}";
/// While another stage is under way.
const SPINNER: &str = "{prefix:<20} {spinner} {wide_msg}";
/// When such a stage has ended.
const COUNTED: &str = "{prefix:<20} {pos}/{len} in {elapsed}";
/// When a stage that cannot be counted has ended.
const ENDED: &str = "{prefix:<20} done in {elapsed}";

/// Where there is no terminal, a long stage says so often that it is alive.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

fn style(template: &str) -> ProgressStyle {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // Writing into indicatif's buffer cannot fail.
        let _unfailing = write!(out, "{:.0}/s", state.per_sec());
    })
}

fn title(stage: Stage) -> &'static str {
    match stage {
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
}
