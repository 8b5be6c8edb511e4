//! One phone as a part of a page: the same as its text.

use askama::Template;

use super::{PhoneAttempt, PhoneHistory, PhoneRun, ProvenContent, state_word};
use crate::domain::push_action::PushAction;
use crate::domain::text::pluralize;
use crate::report::html::{HtmlError, TextPart, section_parts};
use crate::report::text::{moment, printable};
use crate::report::wording;

#[derive(Template)]
#[template(path = "phone_panel.html", config = "src/report/html/askama.toml")]
struct PhonePanel<'a> {
    phone: &'a PhoneHistory,
}

/// Renders everything but the heading.
///
/// # Errors
/// When memory runs out.
pub(crate) fn phone_panel(phone: &PhoneHistory) -> Result<String, HtmlError> {
    PhonePanel { phone }.render().map_err(HtmlError::Template)
}

impl PhoneHistory {
    /// Returns what the phone is, in a line: model, number, description, owner.
    pub(crate) fn about(&self) -> String {
        let words = self.seen.iter().flat_map(|seen| {
            let about = &seen.phone.phone;
            let number = about.extension.as_deref();
            [
                Some(about.model.as_str()),
                number,
                Some(about.description.as_str()),
                about.owner.as_deref(),
            ]
        });
        let words: Vec<&str> = words.flatten().filter(|word| !word.is_empty()).collect();
        printable(&words.join(" · ")).into_owned()
    }

    /// Returns the digest of the background that it is proven to show.
    pub(crate) fn shown_digest(&self) -> Option<&str> {
        let is_picture = |proven: &&ProvenContent| proven.action == PushAction::Picture;
        self.proven.iter().find(is_picture).map(|proven| proven.digest.as_str())
    }

    /// Returns the runs that were about it, the newest first.
    pub(crate) fn run_numbers(&self) -> impl Iterator<Item = crate::journal::RunId> {
        self.runs.iter().map(|run| run.run)
    }
}

impl PhonePanel<'_> {
    fn text(&self, text: &str) -> String {
        printable(text).into_owned()
    }

    fn rich(&self, text: &str) -> Vec<TextPart> {
        section_parts(&printable(text))
    }

    fn moment(&self, at: &jiff::Timestamp) -> String {
        moment(*at)
    }

    /// Device pool, profile, location, address and load.
    fn places(&self) -> Vec<(&'static str, String)> {
        let Some(seen) = &self.phone.seen else { return Vec::new() };
        let about = &seen.phone.phone;
        let registration = &about.registration;
        let source = match seen.run {
            Some(run) => format!("as run {run} saw it at {}", moment(seen.taken_at)),
            None => format!("at {}", moment(seen.taken_at)),
        };
        let all = [
            ("Cluster", Some(format!("{}, {source}", seen.cluster))),
            ("Device pool", Some(about.device_pool.clone())),
            ("Common Phone Profile", about.common_phone_profile.clone()),
            ("Location", about.location.clone()),
            ("Address", registration.ip.map(|ip| ip.to_string())),
            ("Firmware", registration.active_load.clone()),
        ];
        let there = all.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let there = there.filter(|(_, value)| !value.is_empty());
        there.map(|(name, value)| (name, self.text(&value))).collect()
    }

    fn proven(&self, proven: &ProvenContent) -> String {
        let what = proven.pushed.as_deref().unwrap_or(&proven.digest);
        self.text(&format!("{}: {}", wording::title(proven.action, what), proven.how))
    }

    fn outcome(&self, run: &PhoneRun) -> (&'static str, &'static str) {
        let action = run.action.unwrap_or_default();
        let outcome = run.result.as_ref().map(|result| result.outcome);
        outcome.map_or(("pending", "no result yet"), |outcome| {
            (outcome.as_str(), wording::outcome_title(action, outcome))
        })
    }

    fn pushed(&self, run: &PhoneRun) -> String {
        let action = run.action.unwrap_or_default();
        let pushed = run.pushed.as_deref().map(|pushed| wording::title(action, pushed));
        self.text(&format!("{} {}", run.command, pushed.unwrap_or_default()))
    }

    fn attempts(&self, run: &PhoneRun) -> String {
        match run.result.as_ref().map_or(0, |result| result.attempts) {
            0 => String::new(),
            attempts => pluralize(attempts as usize, "attempt"),
        }
    }

    fn change_state(&self, change: &super::PhoneChange) -> &'static str {
        change.state.map_or("its result is not known", state_word)
    }

    fn attempt(&self, attempt: &PhoneAttempt) -> String {
        let attempt = &attempt.attempt;
        let how = attempt.outcome.as_deref().unwrap_or("its end is not known");
        let said = attempt.said.as_deref().map(|said| format!(": {said}")).unwrap_or_default();
        self.text(&format!("{} at {}: {how}{said}", attempt.object, attempt.ip))
    }

    fn raw<'a>(&self, attempt: &'a PhoneAttempt) -> Option<String> {
        let raw: Option<&'a str> = attempt.attempt.raw.as_deref();
        raw.filter(|raw| !raw.is_empty()).map(|raw| self.text(raw))
    }
}
