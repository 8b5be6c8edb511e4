//! Phones that a run is not about although they were selected: nothing is changed for them, and nothing pushed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::audit::{Audit, AuditedPhone, NextPicture, Summary};
use crate::domain::device_name::DeviceName;
use crate::domain::finding::{Code, Finding, Severity, Verdict};
use crate::domain::model::PushSchema;
use crate::domain::picture_rules::PictureRules;
use crate::domain::text::{MOST_LINES, limit_lines, names, pluralize};
use crate::domain::time_zone::shown_in;
use crate::domain::words::WordsTemplate;

/// Why a phone is excluded whose picture cannot be removed.
pub const CANNOT_REMOVE: &str =
    "no way is known to take a pushed picture off a phone of this model";

/// What to do about such a phone.
pub const CANNOT_REMOVE_REMEDY: &str = "push a picture that looks like the one it came with";

impl AuditedPhone {
    /// Returns why it is excluded, where it is.
    pub fn excluded(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.code.excludes())
    }

    fn exclude(&mut self, code: Code, why: &str, remedy: &str) {
        // What would be repaired otherwise is not, and no person has to act either.
        for finding in &mut self.findings {
            if matches!(finding.severity, Severity::Fixable | Severity::Blocked | Severity::Offline)
            {
                finding.remedy = "nothing, as long as the phone is excluded".to_owned();
            }
        }
        self.findings.push(Finding {
            code,
            severity: Severity::Warning,
            message: why.to_owned(),
            remedy: remedy.to_owned(),
        });
    }
}

impl Audit {
    /// Adds which picture each phone gets, where there are rules; excludes phones that get none.
    #[must_use]
    pub fn with_pictures(mut self, rules: &PictureRules) -> Self {
        if rules.is_empty() {
            return self;
        }
        let decisions = rules.decisions(self.phones.iter().map(|phone| &phone.phone));
        // A run that is resumed keeps the rules of its start, and some can have ended since.
        let current = rules.clone().at(self.taken_at);
        let now = current.decisions(self.phones.iter().map(|phone| &phone.phone));
        let mut seasons: BTreeMap<Season, usize> = BTreeMap::new();
        for (phone, (decision, now)) in self.phones.iter_mut().zip(decisions.iter().zip(&now)) {
            let Some(image) = &mut phone.image else { continue };
            image.rule = decision.rule.map(|rule| rule.number);
            image.keep = image.rule.and_then(|number| rules.keep(number));
            image.next = decision.next.map(|(at, next)| NextPicture {
                at,
                rule: next.map(|rule| rule.number),
                picture: next.map(|rule| rule.picture.to_owned()),
            });
            // A phone of an unsupported model or firmware gets no picture.
            if let Some(next) =
                image.next.as_ref().filter(|_| phone.verdict != Verdict::Unsupported)
            {
                let zone = rules.zone_of(&phone.phone);
                let ended = next.at <= self.taken_at;
                let season = Season {
                    next: next.clone(),
                    rule: image.rule,
                    until: shown_in(next.at, zone),
                    ended: ended.then(|| EndedSeason {
                        start: shown_in(rules.time(), zone),
                        rule_now: now.rule.map(|rule| rule.number),
                    }),
                };
                *seasons.entry(season).or_default() += 1;
            }
        }
        let taken_at = self.taken_at;
        let without = self.choose_pictures(|phone| {
            let rule = phone.image.as_ref().and_then(|image| image.rule);
            rule.and_then(|number| rules.picture(number)).ok_or_else(|| {
                (Code::Excluded, no_picture(phone, rules, taken_at), NO_PICTURE_REMEDY)
            })
        });
        for phone in &mut self.phones {
            if let Some(image) = phone.image.as_mut().filter(|image| image.picture.is_some()) {
                let words = image.rule.and_then(|number| rules.words(number));
                image.words = words.and_then(|words| words.of(&phone.phone));
            }
        }
        let seasons = seasons
            .into_iter()
            .map(|(season, phones)| season.describe(rules, &pluralize(phones, "phone")));
        self.rule_changes = limit_lines(seasons.collect(), MOST_LINES, "axlpaper audit --json");
        let remark = format!(
            "{} could show a picture, and no rule of the config file has one for them; they are skipped: \
             nothing is changed for them and nothing is pushed to them; a last [[image]] with nothing but \
             `file` is for all others",
            pluralize(without, "phone")
        );
        self.leaving(without, remark)
    }

    /// Adds the words that each phone gets on its picture.
    #[must_use]
    pub fn with_words(mut self, words: &WordsTemplate) -> Self {
        for phone in &mut self.phones {
            if let Some(image) = &mut phone.image {
                image.words = words.of(&phone.phone);
            }
        }
        self
    }

    /// Returns the pictures that rules chose for phones, each once, in the order of the rules.
    pub fn chosen_pictures(&self) -> Vec<&str> {
        let images = self.phones.iter().filter_map(|phone| phone.image.as_ref());
        let by_rule: BTreeMap<usize, &str> =
            images.filter_map(|image| Some((image.rule?, image.picture.as_deref()?))).collect();
        let mut seen = BTreeSet::new();
        by_rule.into_values().filter(|picture| seen.insert(*picture)).collect()
    }

    /// Adds which picture each phone showed before a run; excludes phones for which `picture_of` has a finding, a reason and a
    /// remedy instead.
    #[must_use]
    pub fn with_earlier_pictures<'a>(
        mut self,
        picture_of: impl Fn(&AuditedPhone) -> Result<&'a str, (Code, &'a str, &'a str)>,
    ) -> Self {
        let chosen = |phone: &AuditedPhone| {
            picture_of(phone).map_err(|(code, why, remedy)| (code, why.into(), remedy))
        };
        let without = self.choose_pictures(chosen);
        let mut reasons: BTreeMap<&str, Vec<&DeviceName>> = BTreeMap::new();
        for phone in &self.phones {
            if let Some(finding) = phone.excluded() {
                reasons.entry(&finding.message).or_default().push(phone.name());
            }
        }
        let reasons: Vec<String> =
            reasons.into_iter().map(|(why, phones)| format!("{}: {why}", names(&phones))).collect();
        let remark = format!(
            "{} cannot get an earlier picture back, and nothing is pushed there ({})",
            pluralize(without, "phone"),
            limit_lines(reasons, MOST_LINES, "axlpaper show").join("; ")
        );
        self.leaving(without, remark)
    }

    /// Sets the picture of every phone that can show one. Returns how many get none.
    fn choose_pictures<'a>(
        &mut self,
        picture_of: impl Fn(&AuditedPhone) -> Result<&'a str, (Code, Cow<'a, str>, &'a str)>,
    ) -> usize {
        let mut without = 0;
        for phone in &mut self.phones {
            if phone.image.is_none() {
                continue;
            }
            let chosen = picture_of(phone);
            if let Some(image) = &mut phone.image {
                image.picture = chosen.as_ref().ok().map(|picture| (*picture).to_owned());
            }
            if let Err((code, why, remedy)) = chosen
                && phone.verdict != Verdict::Unsupported
            {
                without += 1;
                phone.exclude(code, &why, remedy);
            }
        }
        without
    }

    /// Excludes phones whose pushed picture cannot be removed: no way is known for their model.
    #[must_use]
    pub fn for_removal(mut self) -> Self {
        let mut without = 0;
        for phone in &mut self.phones {
            if phone.image.as_ref().is_some_and(|image| image.schema == PushSchema::Classic) {
                without += 1;
                phone.exclude(Code::Excluded, CANNOT_REMOVE, CANNOT_REMOVE_REMEDY);
            }
        }
        let remark = format!(
            "the models of {} have no known way to remove a pushed picture; they are skipped: nothing is \
             changed for them and nothing is pushed to them",
            pluralize(without, "phone")
        );
        self.leaving(without, remark)
    }

    /// Adds to every phone the picture that it is proven to show, where it is.
    #[must_use]
    pub fn for_verification(mut self, proven: impl Fn(&AuditedPhone) -> Option<String>) -> Self {
        for phone in &mut self.phones {
            let picture = proven(phone);
            if let Some(image) = &mut phone.image {
                image.picture = picture;
            }
        }
        self
    }

    fn leaving(mut self, phones: usize, remark: String) -> Self {
        if phones > 0 {
            self.remarks.push(remark);
            self.summary = Summary::of(&self.phones);
        }
        self
    }
}

/// Phones for which one rule counts until another one does.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Season {
    next: NextPicture,
    rule: Option<usize>,
    /// In the phones' time zone.
    until: String,
    ended: Option<EndedSeason>,
}

/// What there is to say about a season that ended after the run began.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct EndedSeason {
    /// When the run began.
    start: String,
    /// The rule that counts now.
    rule_now: Option<usize>,
}

impl Season {
    fn describe(&self, rules: &PictureRules, phones: &str) -> String {
        let rule_name = |number: Option<usize>| match number {
            Some(number) => rules.describe(number),
            None => "no [[image]] rule".to_owned(),
        };
        let (rule, until) = (rule_name(self.rule), &self.until);
        if let Some(EndedSeason { start, rule_now }) = &self.ended {
            let now = rule_name(*rule_now);
            return format!(
                "{rule} counts for {phones} although it ended at {until}: the run keeps the rules of its start at \
                 {start}; now {now} counts, and a new rollout uses that"
            );
        }
        let then = match self.next.rule {
            Some(_) => format!("then {}", rule_name(self.next.rule)),
            None => "then none, and the phones keep their picture: a last [[image]] with nothing but `file` \
                     is for them"
                .to_owned(),
        };
        format!("{rule} counts for {phones} until {until}, {then}")
    }
}

/// Returns why the rules have no picture for a phone.
fn no_picture(
    phone: &AuditedPhone,
    rules: &PictureRules,
    taken_at: Timestamp,
) -> Cow<'static, str> {
    let next = phone.image.as_ref().and_then(|image| image.next.as_ref());
    let Some((next, rule)) = next.and_then(|next| Some((next, next.rule?))) else {
        return NO_PICTURE.into();
    };
    let when = shown_in(next.at, rules.zone_of(&phone.phone));
    let rule = rules.describe(rule);
    if next.at <= taken_at {
        return format!("{NO_PICTURE} at the start of the run; {rule} counts since {when}").into();
    }
    format!("{NO_PICTURE} yet: {rule} counts from {when} on").into()
}

const NO_PICTURE: &str = "no rule of the config file has a picture for it";

const NO_PICTURE_REMEDY: &str =
    "add an [[image]] for it, or a last one with nothing but `file`, or name a PICTURE";
