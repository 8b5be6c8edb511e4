//! Which phone gets which picture at which time, where places or seasons have pictures of their own.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::inventory::Phone;
use crate::domain::rule_times::RuleTimes;
use crate::domain::selector::{Field, Pattern, Selector};
use crate::domain::text::{names, quoted};
use crate::domain::time_zone::{Zones, shown_in};
use crate::domain::words::WordsTemplate;

/// A picture, the phones that it is for, and when.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PictureRule {
    /// The picture as a person wrote it, for reports.
    pub name: String,
    pub file: PathBuf,
    /// The phones that it is for: values of one field are alternatives, fields narrow each other. Without any
    /// it is for all phones.
    pub phones: Vec<(Field, Pattern)>,
    pub times: RuleTimes,
    pub keep: Keep,
    pub words: WordsTemplate,
    /// The file with the data of the words.
    pub data: Option<PathBuf>,
}

/// What a watch does about a phone that was proven to show its picture and shows another one now.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// It reports the phone, and pushes nothing before another picture is due: a user may choose a picture.
    #[default]
    Once,
    /// It pushes the picture again.
    Enforced,
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "once" => Ok(Self::Once),
            "enforced" => Ok(Self::Enforced),
            other => Err(format!(
                "{} is not known: `once` pushes a picture to a phone one time, and `enforced` pushes it again when the \
                 phone shows another one",
                quoted(other)
            )),
        }
    }
}

/// Rules in order, at a time: the first one that a phone matches and that applies at this time counts.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct PictureRules {
    rules: Vec<Choice>,
    at: Timestamp,
    /// In which zones days of rules begin and end.
    zones: Zones,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Choice {
    name: String,
    file: PathBuf,
    phones: Selector,
    #[serde(default)]
    times: RuleTimes,
    #[serde(default)]
    keep: Keep,
    #[serde(default)]
    words: WordsTemplate,
    #[serde(skip)]
    data: Option<PathBuf>,
}

/// What the rules decide for a phone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision<'a> {
    /// The rule that counts; nothing when none is for the phone at this time.
    pub rule: Option<RuleRef<'a>>,
    /// The next rule that counts for the phone, and from when; nothing when that never changes.
    pub next: Option<(Timestamp, Option<RuleRef<'a>>)>,
}

/// A rule of the config file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RuleRef<'a> {
    /// Its place in the file, from 1.
    pub number: usize,
    /// The name of its picture.
    pub picture: &'a str,
}

impl fmt::Display for RuleRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[[image]] rule {}, {}", self.number, quoted(self.picture))
    }
}

impl PictureRules {
    /// Puts rules in order. Days begin and end in the time zone of each phone.
    pub fn new(rules: impl IntoIterator<Item = PictureRule>, zones: Zones, at: Timestamp) -> Self {
        let choice = |rule: PictureRule| Choice {
            name: rule.name,
            file: rule.file,
            phones: Selector { include: rule.phones, ..Selector::default() },
            times: rule.times,
            keep: rule.keep,
            words: rule.words,
            data: rule.data,
        };
        Self { rules: rules.into_iter().map(choice).collect(), at, zones }
    }

    pub fn one(name: String, file: PathBuf) -> Self {
        let (phones, times, keep) = (Vec::new(), RuleTimes::default(), Keep::default());
        let (words, data) = (WordsTemplate::default(), None);
        let rule = PictureRule { name, file, phones, times, keep, words, data };
        Self::new([rule], Zones::default(), Timestamp::default())
    }

    /// Returns the rules at another time.
    #[must_use]
    pub fn at(self, at: Timestamp) -> Self {
        Self { at, ..self }
    }

    /// Returns the time at which the rules are decided.
    pub fn time(&self) -> Timestamp {
        self.at
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns what the rules decide for each of these phones.
    pub fn decisions<'p>(&self, phones: impl Iterator<Item = &'p Phone>) -> Vec<Decision<'_>> {
        // Phones that the same rules are for, in the same zone, have the same decision.
        let mut known: HashMap<(Vec<usize>, *const TimeZone), Decision<'_>> = HashMap::new();
        let decided = phones.map(|phone| {
            let zone = self.zone_of(phone);
            let key = (self.rules_for(phone), std::ptr::from_ref(zone));
            if let Some(decision) = known.get(&key) {
                return decision.clone();
            }
            let decision = self.decide(&key.0, zone);
            known.insert(key, decision.clone());
            decision
        });
        decided.collect()
    }

    /// Returns what the rules decide for a phone.
    pub fn decision(&self, phone: &Phone) -> Decision<'_> {
        self.decide(&self.rules_for(phone), self.zone_of(phone))
    }

    /// Returns the time zone in which days of rules begin and end for a phone.
    pub fn zone_of(&self, phone: &Phone) -> &TimeZone {
        self.zones.of(&phone.device_pool)
    }

    /// Returns the places of the rules that a phone matches, whenever they apply.
    fn rules_for(&self, phone: &Phone) -> Vec<usize> {
        let rules = self.rules.iter().enumerate();
        rules.filter(|(_, rule)| rule.phones.is_about(phone)).map(|(at, _)| at).collect()
    }

    fn decide(&self, rules: &[usize], zone: &TimeZone) -> Decision<'_> {
        let first = |at: Timestamp| {
            let rule = rules.iter().find(|rule| self.rules[**rule].times.applies(at, zone))?;
            Some(RuleRef { number: rule + 1, picture: &self.rules[*rule].name })
        };
        let rule = first(self.at);
        let change = |after: &Timestamp| {
            let changes = rules.iter();
            changes.filter_map(|rule| self.rules[*rule].times.next_change(*after, zone)).min()
        };
        let changes = std::iter::successors(change(&self.at), change).take(MOST_CHANGES);
        let mut decisions = changes.map(|at| (at, first(at)));
        let next = decisions.find(|(_, next)| *next != rule);
        Decision { rule, next }
    }

    /// Returns how many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Returns the file of a rule's picture; `number` counts from 1.
    pub fn file(&self, number: usize) -> Option<&Path> {
        self.rules.get(number.checked_sub(1)?).map(|rule| rule.file.as_path())
    }

    /// Returns the picture of a rule; `number` counts from 1.
    pub fn picture(&self, number: usize) -> Option<&str> {
        self.rules.get(number.checked_sub(1)?).map(|rule| rule.name.as_str())
    }

    /// Returns what a watch does about phones of a rule that show another picture; `number` counts from 1.
    pub fn keep(&self, number: usize) -> Option<Keep> {
        self.rules.get(number.checked_sub(1)?).map(|rule| rule.keep)
    }

    /// Returns the words of a rule; `number` counts from 1.
    pub fn words(&self, number: usize) -> Option<&WordsTemplate> {
        self.rules.get(number.checked_sub(1)?).map(|rule| &rule.words)
    }

    /// Gives words to the rules that have none.
    #[must_use]
    pub fn or_words(mut self, words: &WordsTemplate, data: Option<&Path>) -> Self {
        for rule in self.rules.iter_mut().filter(|rule| rule.words.is_empty()) {
            rule.words = words.clone();
            rule.data = data.map(Path::to_owned);
        }
        self
    }

    /// Completes the words of each rule; `complete` gets them with the file of their data.
    ///
    /// # Errors
    /// The first one of `complete`, with the rule that it is about.
    pub fn with_words<E>(
        mut self,
        complete: impl Fn(WordsTemplate, Option<&Path>) -> Result<WordsTemplate, E>,
    ) -> Result<Self, (E, usize)> {
        for (number, rule) in (1..).zip(&mut self.rules) {
            let words = std::mem::take(&mut rule.words);
            rule.words = complete(words, rule.data.as_deref()).map_err(|error| (error, number))?;
        }
        Ok(self)
    }

    /// Describes when and for which phones a rule applies; `number` counts from 1.
    pub fn describe(&self, number: usize) -> String {
        let Some(rule) = self.rules.get(number.wrapping_sub(1)) else { return String::new() };
        let criteria = rule.phones.include.iter();
        let criteria = criteria.map(|(field, pattern)| {
            let key = field.option().trim_start_matches('-').replace('-', "_");
            format!("{key} {}", pattern.as_str())
        });
        let criteria: Vec<String> = criteria.collect();
        let mut about = match criteria.as_slice() {
            [] => "for all phones".to_owned(),
            criteria => criteria.join(", "),
        };
        if !rule.times.is_always() {
            about = format!("{about}, {}", rule.times);
        }
        format!("[[image]] rule {number} of the config file ({about})")
    }

    /// Returns every picture that a phone could get at this time once, by its name, in the order of the rules.
    pub fn pictures(&self) -> Vec<(&str, &Path)> {
        let pictures = self.pictures_of(|times| times.may_apply(self.at)).into_iter();
        pictures.map(|(rule, file)| (rule.picture, file)).collect()
    }

    /// Returns every picture that a phone could get at this time or later once, with the first rule that has it.
    pub fn pictures_from_now_on(&self) -> Vec<(RuleRef<'_>, &Path)> {
        self.pictures_of(|times| !times.is_over(self.at))
    }

    fn pictures_of(&self, counts: impl Fn(&RuleTimes) -> bool) -> Vec<(RuleRef<'_>, &Path)> {
        let mut pictures: Vec<(RuleRef<'_>, &Path)> = Vec::new();
        let rules = (1..).zip(&self.rules).filter(|(_, rule)| counts(&rule.times));
        for (number, rule) in rules {
            if !pictures.iter().any(|(known, _)| known.picture == rule.name) {
                pictures.push((RuleRef { number, picture: &rule.name }, &rule.file));
            }
        }
        pictures
    }

    /// Describes the rules that apply at some times only and are not over, with the next time at which that changes in the
    /// zone of phones that no other zone is for.
    pub fn seasons(&self) -> Vec<String> {
        let rules = self.rules.iter().enumerate();
        let rules =
            rules.filter(|(_, rule)| !rule.times.is_always() && !rule.times.is_over(self.at));
        let zone = self.zones.otherwise();
        let season = |(at, rule): (usize, &Choice)| {
            let applies = rule.times.applies(self.at, zone);
            let change = rule.times.next_change(self.at, zone).map(|at| shown_in(at, zone));
            let change = match (applies, change) {
                (true, Some(until)) => format!("counts now, until {until}"),
                (true, None) => "counts now".to_owned(),
                (false, Some(from)) => format!("counts from {from} on"),
                (false, None) => "does not count any more".to_owned(),
            };
            format!("{}: {}; {change}", self.describe(at + 1), quoted(&rule.name))
        };
        rules.map(season).collect()
    }

    /// Returns what a person should know of the rules as a whole: rules that are over, and those that never count, or not
    /// in all of their time, because of an earlier one.
    pub fn remarks(&self) -> Vec<String> {
        self.remarks_by_rule().into_iter().map(|(_, remark)| remark).collect()
    }

    /// Returns what [`Self::remarks`] does, each with the number of its rule.
    pub fn remarks_by_rule(&self) -> Vec<(usize, String)> {
        let mut remarks = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            let name = |at: usize| RuleRef { number: at + 1, picture: &self.rules[at].name };
            let hides =
                |earlier: &Choice| earlier.times.is_always() && earlier.phones.include.is_empty();
            let hidden_by = self.hidden_by(at);
            let remark = if rule.times.is_over(self.at) {
                format!("{} is over: it applies {}", name(at), rule.times)
            } else if let Some(earlier) = self.rules[..at].iter().position(hides) {
                format!(
                    "{} never counts: {} is for all phones at all times, and the first rule that matches counts",
                    name(at),
                    name(earlier)
                )
            } else if !hidden_by.is_empty() {
                let earlier = hidden_by.into_iter().map(|at| name(at).to_string());
                let earlier: Vec<String> = earlier.collect();
                format!(
                    "{} never counts: whenever it applies, an earlier rule counts for all of its phones: {}",
                    name(at),
                    names(&earlier)
                )
            } else if let Some(earlier) =
                self.rules[..at].iter().position(|earlier| self.overlap(earlier, rule))
            {
                format!(
                    "{} and {} are for the same phones, and their times overlap: while both apply, the first one \
                     counts",
                    name(earlier),
                    name(at)
                )
            } else {
                continue;
            };
            remarks.push((at + 1, remark));
        }
        remarks
    }
}

impl PictureRules {
    /// Returns the earlier rules because of which a rule never counts from now on: for each of its phones, one of them
    /// applies whenever it does. Empty where that is not certain.
    fn hidden_by(&self, at: usize) -> BTreeSet<usize> {
        let rule = &self.rules[at];
        let mut hiding = BTreeSet::new();
        for phones in rule.alternatives() {
            let wider = (0..at).filter(|earlier| self.rules[*earlier].is_for_all(&phones));
            let wider: Vec<usize> = wider.collect();
            let alone = wider.iter().find_map(|one| self.covering(&[*one], &rule.times));
            let Some(earlier) = alone.or_else(|| self.covering(&wider, &rule.times)) else {
                return BTreeSet::new();
            };
            hiding.extend(earlier);
        }
        hiding
    }

    /// Returns those of some rules that apply whenever these times do, in every time zone; nothing where one of the times
    /// is left.
    fn covering(&self, rules: &[usize], times: &RuleTimes) -> Option<BTreeSet<usize>> {
        let all: Vec<&RuleTimes> =
            rules.iter().map(|rule| &self.rules[*rule].times).chain([times]).collect();
        let mut covering = BTreeSet::new();
        for zone in self.zones.all() {
            for at in RuleTimes::changes(&all, self.at, zone) {
                if times.applies(at, zone) {
                    let first =
                        rules.iter().find(|rule| self.rules[**rule].times.applies(at, zone));
                    covering.insert(*first?);
                }
            }
        }
        Some(covering).filter(|rules| !rules.is_empty())
    }

    /// Tells whether two rules with times are for the same phones at the same time, sooner or later.
    fn overlap(&self, earlier: &Choice, later: &Choice) -> bool {
        let criteria = |rule: &Choice| -> Vec<(Field, String)> {
            let include = rule.phones.include.iter();
            include.map(|(field, pattern)| (*field, pattern.as_str().to_owned())).collect()
        };
        let same = earlier.phones.include.is_empty() || criteria(earlier) == criteria(later);
        if !same || earlier.times.is_always() || later.times.is_always() {
            return false;
        }
        let zone = self.zones.otherwise();
        let both =
            |at: &Timestamp| earlier.times.applies(*at, zone) && later.times.applies(*at, zone);
        let change = |after: &Timestamp| {
            let rules = [earlier, later].into_iter();
            rules.filter_map(|rule| rule.times.next_change(*after, zone)).min()
        };
        std::iter::successors(Some(self.at), change).take(MOST_CHANGES).any(|at| both(&at))
    }
}

impl Choice {
    /// Returns the selections that its phones are split into: of each field one value. Empty where there are too many.
    fn alternatives(&self) -> Vec<Vec<(Field, &Pattern)>> {
        let mut fields: Vec<Field> = Vec::new();
        for (field, _) in &self.phones.include {
            if !fields.contains(field) {
                fields.push(*field);
            }
        }
        let mut all = vec![Vec::new()];
        for field in fields {
            let values = self.phones.include.iter().filter(|(of, _)| *of == field);
            let values: Vec<&Pattern> = values.map(|(_, pattern)| pattern).collect();
            if all.len() * values.len() > MOST_ALTERNATIVES {
                return Vec::new();
            }
            let known = std::mem::take(&mut all);
            for value in values {
                let with = |known: &Vec<_>| [&known[..], &[(field, value)]].concat();
                all.extend(known.iter().map(with));
            }
        }
        all
    }

    /// Tells whether it is for all phones of such a selection.
    fn is_for_all(&self, phones: &[(Field, &Pattern)]) -> bool {
        self.phones.include.iter().all(|(field, _)| {
            let wanted = self.phones.include.iter().filter(|(of, _)| of == field);
            let narrow = phones.iter().find(|(of, _)| of == field);
            wanted.map(|(_, wide)| wide).any(|wide| match narrow {
                Some((_, narrow)) => field.covers(wide, narrow),
                None => wide.is_any(),
            })
        })
    }
}

/// In how many parts the phones of a rule are looked at.
const MOST_ALTERNATIVES: usize = 1_000;

/// The most changes of rules that are looked at to find the next one that changes a phone's picture.
const MOST_CHANGES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::selector::tests::phone;
    use crate::domain::time_zone::ZoneRule;

    fn rule(name: &str, phones: &[(Field, &str)]) -> PictureRule {
        PictureRule {
            name: name.to_owned(),
            file: Path::new("/pictures").join(name),
            phones: phones.iter().map(|(field, text)| (*field, text.parse().unwrap())).collect(),
            times: RuleTimes::default(),
            keep: Keep::default(),
            words: WordsTemplate::default(),
            data: None,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn picture_of<'a>(rules: &'a PictureRules, phone: &Phone) -> Option<&'a str> {
        rules.decision(phone).rule.map(|rule| rule.picture)
    }

    #[test]
    fn the_first_rule_that_matches_counts() {
        let rules = [
            rule("lobby.png", &[(Field::DevicePool, "Paris*"), (Field::Device, "SEP0011223344AA")]),
            rule("paris.png", &[(Field::DevicePool, "Paris*"), (Field::DevicePool, "Lyon")]),
            rule("big.png", &[(Field::Model, "9871")]),
            rule("all.png", &[]),
            rule("paris.png", &[]),
        ];
        let rules = PictureRules::new(rules, Zones::default(), at("2026-06-01T12:00:00Z"));
        let mut one = phone("SEP0011223344AA", "paris-2", "Cisco 8841");
        assert_eq!(picture_of(&rules, &one), Some("lobby.png"));
        one.name = "SEP0011223344BB".parse().unwrap();
        assert_eq!(picture_of(&rules, &one), Some("paris.png"));
        one.device_pool = "LYON".to_owned();
        assert_eq!(picture_of(&rules, &one), Some("paris.png"));
        let why = "[[image]] rule 2 of the config file (device_pool Paris*, device_pool Lyon)";
        assert_eq!(rules.describe(2), why);
        one.device_pool = "Nice".to_owned();
        assert_eq!(picture_of(&rules, &one), Some("all.png"));
        assert_eq!(rules.describe(4), "[[image]] rule 4 of the config file (for all phones)");
        one.model = "Cisco 9871".to_owned();
        assert_eq!(picture_of(&rules, &one), Some("big.png"));
        let names: Vec<&str> = rules.pictures().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["lobby.png", "paris.png", "big.png", "all.png"]);
        let remarks = rules.remarks();
        assert!(
            remarks.len() == 1 && remarks[0].contains("rule 5") && remarks[0].contains("rule 4")
        );
    }

    #[test]
    fn without_a_rule_for_all_some_phones_get_nothing() {
        let rules = [rule("paris.png", &[(Field::DevicePool, "Paris")])];
        let rules = PictureRules::new(rules, Zones::default(), at("2026-06-01T12:00:00Z"));
        assert_eq!(picture_of(&rules, &phone("SEP1", "Paris-2", "Cisco 8841")), None);
        assert_eq!(picture_of(&PictureRules::default(), &phone("SEP1", "Paris", "x")), None);
    }

    /// A season for Paris, one for all, and a picture for the rest of the year.
    fn seasons() -> PictureRules {
        let in_season = |name, phones, every: &str| {
            let times = RuleTimes { every: Some(every.parse().unwrap()), ..RuleTimes::default() };
            PictureRule { times, ..rule(name, phones) }
        };
        let until =
            RuleTimes { until: Some("2026-01-31".parse().unwrap()), ..RuleTimes::default() };
        let rules = [
            in_season("xmas-paris.png", &[(Field::DevicePool, "Paris*")], "12-10..12-26"),
            in_season("xmas.png", &[], "12-01..01-06"),
            PictureRule { times: until, ..rule("old.png", &[]) },
            rule("brand.png", &[]),
        ];
        let paris = ZoneRule {
            device_pool: "Paris*".parse().unwrap(),
            zone: TimeZone::get("Europe/Paris").unwrap(),
        };
        PictureRules::new(rules, Zones::new(vec![paris], TimeZone::UTC), Timestamp::default())
    }

    #[test]
    fn the_next_rule_counts_when_a_season_ends() {
        let rules = seasons();
        let (paris, nice) = (phone("SEP1", "Paris 1", "8841"), phone("SEP2", "Nice", "8841"));
        let decided = |phone: &Phone, when: &str| {
            let rules = rules.clone().at(at(when));
            let decision = rules.decision(phone);
            let (next_at, next) = decision.next.unwrap();
            let number = |rule: Option<RuleRef<'_>>| rule.map_or(0, |rule| rule.number);
            (number(decision.rule), next_at.to_string(), number(next))
        };
        // A day of Paris begins an hour earlier in winter.
        let steps = [
            ("2026-06-01T00:00:00Z", (4, "2026-11-30T23:00:00Z", 2)),
            ("2026-11-30T23:00:00Z", (2, "2026-12-09T23:00:00Z", 1)),
            ("2026-12-10T00:00:00Z", (1, "2026-12-26T23:00:00Z", 2)),
            ("2026-12-27T00:00:00Z", (2, "2027-01-06T23:00:00Z", 4)),
        ];
        for (when, (rule, next_at, next)) in steps {
            assert_eq!(decided(&paris, when), (rule, next_at.to_owned(), next), "{when}");
        }
        let expected = (2, "2027-01-07T00:00:00Z".to_owned(), 4);
        assert_eq!(decided(&nice, "2026-12-15T00:00:00Z"), expected);
        assert_eq!(decided(&nice, "2026-01-06T00:00:00Z").2, 3, "the old one had January");
        let both = [&paris, &nice, &paris];
        let rules = rules.at(at("2026-12-15T00:00:00Z"));
        let together = rules.decisions(both.into_iter());
        let alone: Vec<_> = both.into_iter().map(|phone| rules.decision(phone)).collect();
        assert_eq!(together, alone);
    }

    #[test]
    fn rules_whose_times_overlap_are_reported() {
        let times =
            |every: &str| RuleTimes { every: Some(every.parse().unwrap()), ..RuleTimes::default() };
        let remarks = |first: &str, second: &str, phones: &[(Field, &str)]| {
            let rules = [
                PictureRule { times: times(first), ..rule("a.png", &[]) },
                PictureRule { times: times(second), ..rule("b.png", phones) },
            ];
            PictureRules::new(rules, Zones::default(), at("2026-06-01T00:00:00Z")).remarks()
        };
        let paris = [(Field::DevicePool, "Paris")];
        for (first, second, phones, is_reported) in [
            ("12-01..01-06", "12-24..12-31", &[][..], true),
            ("12-01..01-06", "01-06..01-31", &[], true),
            ("12-01..01-06", "01-07..01-31", &[], false),
            ("12-01..01-06", "12-24..12-31", &paris, true),
        ] {
            let remarks = remarks(first, second, phones);
            assert_eq!(remarks.len(), usize::from(is_reported), "{first} {second} {remarks:?}");
        }
        let rules = [
            PictureRule { times: times("12-01..01-06"), ..rule("a.png", &paris) },
            PictureRule { times: times("12-24..12-31"), ..rule("b.png", &[]) },
            rule("c.png", &[]),
        ];
        let rules = PictureRules::new(rules, Zones::default(), at("2026-06-01T00:00:00Z"));
        assert_eq!(rules.remarks(), [""; 0], "the second is for others too");
    }

    #[test]
    fn rules_that_never_count_are_found() {
        const POOL: Field = Field::DevicePool;
        type Rule<'a> = (&'a [(Field, &'a str)], &'a str);
        let hidden = |rules: &[Rule<'_>]| {
            let rules = rules.iter().enumerate().map(|(at, (phones, times))| {
                let mut parsed = RuleTimes::default();
                for part in times.split(' ').filter(|part| !part.is_empty()) {
                    match part.split_once('=').unwrap() {
                        ("from", time) => parsed.from = Some(time.parse().unwrap()),
                        ("until", time) => parsed.until = Some(time.parse().unwrap()),
                        (_, days) => parsed.every = Some(days.parse().unwrap()),
                    }
                }
                PictureRule { times: parsed, ..rule(&format!("{at}.png"), phones) }
            });
            let paris = TimeZone::get("Europe/Paris").unwrap();
            let rules = PictureRules::new(rules, Zones::new(Vec::new(), paris), at(JUNE));
            let remarks = rules.remarks();
            remarks.into_iter().find(|remark| remark.contains("never counts"))
        };
        let paris: &[(Field, &str)] = &[(POOL, "Paris*")];
        let both: &[(Field, &str)] = &[(POOL, "Paris 1"), (POOL, "LYON")];
        let found: [(&[Rule<'_>], &str); 13] = [
            // A wider selection, in other letters, with fewer fields or more values.
            (&[(paris, ""), (&[(POOL, "paris 1")], "")], "rule 2"),
            (&[(paris, ""), (&[(POOL, "Paris-*"), (Field::Model, "8841")], "")], "rule 2"),
            (&[(&[(POOL, "*")], ""), (&[], "")], "rule 2"),
            (&[(&[(Field::Model, "8841")], ""), (&[(Field::Model, "Cisco 8841")], "")], "rule 2"),
            (&[(&[(Field::Model, "Cisco 88*")], ""), (&[(Field::Model, "8841")], "")], "rule 2"),
            // Several rules for the parts of one.
            (&[(&[(POOL, "Lyon")], ""), (paris, ""), (both, "")], "rule 3"),
            // The whole year.
            (&[(&[], "every=01-01..12-31"), (paris, "")], "rule 2"),
            (&[(&[], "every=01-01..06-30"), (&[], "every=07-01..12-31"), (&[], "")], "rule 3"),
            (&[(&[], "every=03-01..02-29"), (&[], "")], "rule 2"),
            // A part of the time of another rule, from now on.
            (&[(&[], "every=12-01..01-06"), (paris, "every=12-24..12-26")], "rule 2"),
            (&[(&[], "from=2020-01-01"), (&[], "")], "rule 2"),
            (&[(&[], "until=2027-12-31"), (&[], "from=2028-01-01"), (&[], "")], "rule 3"),
            (&[(&[], "from=2099-01-01"), (&[], "from=2099-12-01 every=12-01..01-06")], "rule 2"),
        ];
        for (rules, which) in found {
            let remark = hidden(rules).unwrap_or_else(|| panic!("{rules:?}"));
            assert!(remark.starts_with(&format!("[[image]] {which}, ")), "{remark}");
        }
        let both_rules = hidden(found[5].0).unwrap();
        assert!(
            both_rules.ends_with("rule 1, \"0.png\", [[image]] rule 2, \"1.png\""),
            "{both_rules}"
        );
        let not_hidden: [&[Rule<'_>]; 10] = [
            &[(&[(POOL, "Paris 1")], ""), (paris, "")],
            &[(paris, ""), (&[(POOL, "*aris 1")], "")],
            &[(&[(POOL, "Paris 1"), (Field::Model, "8841")], ""), (&[(POOL, "Paris 1")], "")],
            &[(&[(POOL, "Lyon")], ""), (&[(POOL, "Paris")], ""), (both, "")],
            &[(&[(Field::Model, "Cisco *")], ""), (&[(Field::Model, "*")], "")],
            // One day of four years is left.
            &[(&[], "every=03-01..02-28"), (&[], "")],
            &[(&[], "every=01-01..06-30"), (&[], "every=07-02..12-31"), (&[], "")],
            &[(&[], "until=2027-12-31"), (&[], "from=2028-01-02"), (&[], "")],
            &[(&[], "until=2099-12-31"), (&[], "")],
            &[(&[], "every=12-01..01-06"), (&[], "every=11-30..12-24")],
        ];
        for rules in not_hidden {
            assert_eq!(hidden(rules), None, "{rules:?}");
        }
        // A moment and a day are the same in one zone only.
        let day = [(&[][..], "until=2027-12-31"), (&[], "from=2027-12-31T23:00:00Z"), (&[], "")];
        assert!(hidden(&day).is_some());
        let day = [day[0], (&[], "from=2027-12-31T23:00:01Z"), (&[], "")];
        assert_eq!(hidden(&day), None);
    }

    const JUNE: &str = "2026-06-01T00:00:00Z";

    #[test]
    fn pictures_of_rules_that_are_over_are_not_needed() {
        let rules = seasons();
        let names = |when: &str| {
            let rules = rules.clone().at(at(when));
            let name = |(name, _): (&str, &Path)| name.to_owned();
            let later = rules.pictures_from_now_on().into_iter();
            (
                rules.pictures().into_iter().map(name).collect::<Vec<String>>(),
                later.map(|(rule, file)| name((rule.picture, file))).collect::<Vec<String>>(),
            )
        };
        let (now, later) = names("2026-01-31T00:00:00Z");
        assert_eq!((now, later.len()), (vec!["old.png".to_owned(), "brand.png".to_owned()], 4));
        let (now, later) = names("2026-06-01T00:00:00Z");
        assert_eq!(now, ["brand.png"]);
        assert_eq!(later, ["xmas-paris.png", "xmas.png", "brand.png"]);
        // It is 1 December in Kiribati already.
        assert_eq!(names("2026-11-30T12:00:00Z").0, ["xmas.png", "brand.png"]);
        let rules = rules.at(at("2026-06-01T00:00:00Z"));
        let remarks = rules.remarks();
        assert_eq!(remarks, ["[[image]] rule 3, \"old.png\" is over: it applies until 2026-01-31"]);
        let kept = serde_json::to_string(&rules).unwrap();
        let read: PictureRules = serde_json::from_str(&kept).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), kept);
        let paris = phone("SEP1", "Paris 1", "8841");
        assert_eq!(read.zone_of(&paris), rules.zone_of(&paris));
    }
}
