//! The phones of the journal: of each the newest audit and the newest outcome, kept in memory so that a page is quick.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::domain::device_name::DeviceName;
use crate::domain::finding::{Code, Verdict};
use crate::domain::inventory::Phone;
use crate::domain::personalization::Effective;
use crate::domain::registration::{Registration, Source, Status};
use crate::domain::selector::Selector;
use crate::domain::text::printable;
use crate::error::AppError;
use crate::event::Outcome;
use crate::journal::{JournalReader, RunHead, RunId};
use crate::report::{Count, Row};
use crate::rollout::screens::ScreenPhone;

/// A phone as lists show it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PhoneLine {
    pub(crate) cluster: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) extension: Box<str>,
    pub(crate) description: Box<str>,
    pub(crate) owner: Box<str>,
    pub(crate) model: Box<str>,
    pub(crate) device_pool: Box<str>,
    pub(crate) profile: Box<str>,
    #[serde(skip)]
    pub(crate) location: Box<str>,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) findings: Box<[Code]>,
    /// The run that the outcome is of, or else the audit.
    pub(crate) run: RunId,
    /// What is searched, in lower case.
    #[serde(skip)]
    search: Box<str>,
    /// Whether it is known to take pictures over HTTPS only.
    #[serde(skip)]
    https: bool,
}

/// All phones, by cluster and name.
#[derive(Clone, Debug, Default)]
pub(crate) struct PhoneIndex {
    pub(crate) lines: Vec<PhoneLine>,
    at: HashMap<(Box<str>, Box<str>), usize>,
    /// The runs that were read, and whether they had ended then.
    read: HashMap<RunId, bool>,
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub(crate) struct PhoneFilter {
    /// Words that all have to be in the name, description, address, owner or number.
    pub(crate) search: String,
    pub(crate) cluster: String,
    pub(crate) pool: String,
    pub(crate) model: String,
    pub(crate) profile: String,
    pub(crate) verdict: String,
    pub(crate) outcome: String,
    /// The code of a finding.
    pub(crate) finding: String,
    /// Names of phones; empty for all.
    pub(crate) names: Vec<String>,
}

/// The part of an audit that is read here.
#[derive(Deserialize)]
struct SeenPhones {
    phones: Vec<SeenPhone>,
}

#[derive(Deserialize)]
struct SeenPhone {
    name: String,
    extension: Option<String>,
    #[serde(default)]
    description: String,
    model: String,
    device_pool: String,
    common_phone_profile: Option<String>,
    location: Option<String>,
    owner: Option<String>,
    #[serde(default)]
    registration: SeenRegistration,
    verdict: Verdict,
    personalization: Option<SeenPersonalization>,
    #[serde(default)]
    findings: Vec<SeenFinding>,
}

#[derive(Deserialize)]
struct SeenPersonalization {
    effective: Effective,
}

#[derive(Deserialize)]
struct SeenFinding {
    code: Code,
}

#[derive(Default, Deserialize)]
struct SeenRegistration {
    ip: Option<IpAddr>,
}

impl PhoneIndex {
    /// Adds what runs have found out since the index was renewed last. Returns whether there was anything.
    pub(crate) fn renew(&mut self, history: &JournalReader) -> Result<bool, AppError> {
        let mut heads = history.run_heads(MOST_RUNS)?;
        heads.retain(|head| self.read.get(&head.id).is_none_or(|ended| !ended && head.has_ended));
        if heads.is_empty() {
            return Ok(false);
        }
        if self.read.is_empty() {
            // The newest first: most phones are in few runs, and what is older says nothing new of them.
            for head in &heads {
                self.add(history, head, false)?;
            }
        } else {
            for head in heads.iter().rev() {
                self.add(history, head, true)?;
            }
        }
        Ok(true)
    }

    fn add(
        &mut self,
        history: &JournalReader,
        head: &RunHead,
        is_newer: bool,
    ) -> Result<(), AppError> {
        self.read.insert(head.id, head.has_ended);
        let cluster: Box<str> = Box::from(&*printable(&head.cluster));
        let outcomes = history.outcomes_by_phone(head.id)?;
        let is_known = |name: &str| self.at.contains_key(&(cluster.clone(), name.into()));
        let has_cluster = self.lines.iter().any(|line| line.cluster == cluster);
        if is_newer || !has_cluster || outcomes.iter().any(|(name, _)| !is_known(name)) {
            let seen = history.snapshot::<SeenPhones>(head.id, "audit")?;
            for phone in seen.map(|seen| seen.phones).unwrap_or_default() {
                self.see(&cluster, phone, head.id, is_newer);
            }
        }
        for (name, outcome) in outcomes {
            let at = self.at.get(&(cluster.clone(), name.into())).copied();
            let Some(line) = at.and_then(|at| self.lines.get_mut(at)) else { continue };
            if line.outcome.is_none() || is_newer {
                line.outcome = Outcome::ALL.into_iter().find(|known| known.as_str() == outcome);
                line.run = head.id;
            }
        }
        Ok(())
    }

    fn see(&mut self, cluster: &str, phone: SeenPhone, run: RunId, is_newer: bool) {
        let key = (Box::<str>::from(cluster), Box::from(&*printable(&phone.name)));
        let known = self.at.get(&key).copied();
        if known.is_some() && !is_newer {
            return;
        }
        let boxed = |text: &str| -> Box<str> { Box::from(&*printable(text)) };
        let (extension, owner) =
            (phone.extension.unwrap_or_default(), phone.owner.unwrap_or_default());
        let ip = phone.registration.ip;
        let address = ip.map(|ip| ip.to_string()).unwrap_or_default();
        let search = [&phone.name, &phone.description, &owner, &extension, &address];
        let search = search.map(String::as_str).join("\n").to_lowercase();
        let line = PhoneLine {
            cluster: key.0.clone(),
            name: key.1.clone(),
            extension: boxed(&extension),
            description: boxed(&phone.description),
            owner: boxed(&owner),
            model: boxed(&phone.model),
            device_pool: boxed(&phone.device_pool),
            profile: boxed(phone.common_phone_profile.as_deref().unwrap_or_default()),
            location: boxed(phone.location.as_deref().unwrap_or_default()),
            ip,
            verdict: Some(phone.verdict),
            outcome: known.and_then(|at| self.lines.get(at)?.outcome),
            findings: phone.findings.iter().map(|finding| finding.code).collect(),
            run,
            search: search.into(),
            https: phone.personalization.is_some_and(|set| set.effective == Effective::HttpsOnly),
        };
        match known {
            Some(at) => self.lines[at] = line,
            None => {
                self.at.insert(key, self.lines.len());
                self.lines.push(line);
            }
        }
    }

    /// Returns the phones that a filter leaves, in order; `-` in front of a column turns the order round.
    pub(crate) fn select(&self, filter: &PhoneFilter, sort: &str) -> Vec<&PhoneLine> {
        let words = filter.search.to_lowercase();
        let words: Vec<&str> = words.split_whitespace().collect();
        let mut found: Vec<&PhoneLine> =
            self.lines.iter().filter(|line| filter.fits(line, &words)).collect();
        let (column, is_reverse) = match sort.strip_prefix('-') {
            Some(column) => (column, true),
            None => (sort, false),
        };
        found.sort_unstable_by(|one, other| {
            let order = one.compare(other, column);
            let order = if is_reverse { order.reverse() } else { order };
            order.then_with(|| one.compare(other, "name"))
        });
        found
    }

    /// Returns the phones of these clusters, or of all where none is named, that a selector chooses; a limit does not count.
    pub(crate) fn chosen(&self, clusters: &[&str], selector: &Selector) -> Vec<&PhoneLine> {
        let is_chosen = |line: &&PhoneLine| {
            let is_there = clusters.is_empty() || clusters.contains(&&*line.cluster);
            is_there && line.phone().is_some_and(|phone| selector.is_about(&phone))
        };
        let mut chosen: Vec<&PhoneLine> = self.lines.iter().filter(is_chosen).collect();
        let is_in = |ip: IpAddr| selector.subnets.iter().any(|range| range.contains(ip));
        chosen.retain(|line| selector.subnets.is_empty() || line.ip.is_some_and(is_in));
        chosen
    }

    /// Returns a phone by its name, as the newest run has it that knows the phone.
    pub(crate) fn find(&self, name: &DeviceName) -> Option<&PhoneLine> {
        let named = |line: &&PhoneLine| line.name.eq_ignore_ascii_case(name.as_str());
        self.lines.iter().filter(named).max_by_key(|line| line.run)
    }

    /// Counts the phones of a cluster by their verdicts.
    pub(crate) fn verdicts(&self, cluster: &str) -> Vec<Count> {
        let lines = self.lines.iter().filter(|line| &*line.cluster == cluster);
        let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
        lines.filter_map(|line| line.verdict).for_each(|one| *counts.entry(one).or_default() += 1);
        let counts = counts.into_iter().map(|(verdict, count)| {
            let word = verdict.as_str();
            Count { filter: "verdict", word, title: word, count }
        });
        counts.collect()
    }

    /// Counts the phones by their findings, the most frequent ones first.
    pub(crate) fn findings(&self) -> Vec<(String, usize)> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for code in self.lines.iter().flat_map(|line| &line.findings) {
            *counts.entry(code.as_str()).or_default() += 1;
        }
        by_frequency(counts)
    }

    /// Counts the phones by a column, the most frequent values first.
    pub(crate) fn values(&self, of: impl Fn(&PhoneLine) -> &str) -> Vec<(String, usize)> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        self.lines.iter().for_each(|line| *counts.entry(of(line)).or_default() += 1);
        by_frequency(counts)
    }
}

fn by_frequency(counts: BTreeMap<&str, usize>) -> Vec<(String, usize)> {
    let counts = counts.into_iter().filter(|(value, _)| !value.is_empty());
    let mut values: Vec<(String, usize)> =
        counts.map(|(value, count)| (value.to_owned(), count)).collect();
    values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    values.truncate(MOST_VALUES);
    values
}

impl PhoneFilter {
    fn fits(&self, line: &PhoneLine, words: &[&str]) -> bool {
        let is = |wanted: &str, value: &str| wanted.is_empty() || wanted == value;
        is(&self.cluster, &line.cluster)
            && is(&self.pool, &line.device_pool)
            && is(&self.model, &line.model)
            && is(&self.profile, &line.profile)
            && is(&self.verdict, line.verdict())
            && is(&self.outcome, line.outcome())
            && (self.finding.is_empty()
                || line.findings.iter().any(|code| code.as_str() == self.finding))
            && (self.names.is_empty()
                || self.names.iter().any(|name| line.name.eq_ignore_ascii_case(name)))
            && words.iter().all(|word| line.search.contains(word))
    }
}

impl PhoneLine {
    pub(crate) fn verdict(&self) -> &'static str {
        self.verdict.map(Verdict::as_str).unwrap_or_default()
    }

    pub(crate) fn outcome(&self) -> &'static str {
        self.outcome.map(Outcome::as_str).unwrap_or_default()
    }

    pub(crate) fn address(&self) -> String {
        self.ip.map(|ip| ip.to_string()).unwrap_or_default()
    }

    /// Returns the phone as far as the rules for pictures look at it.
    pub(crate) fn phone(&self) -> Option<Phone> {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let name = DeviceName::of_cluster(&self.name).ok()?;
        Some(Phone {
            extension: some(&self.extension),
            description: self.description.to_string(),
            model: self.model.to_string(),
            device_pool: self.device_pool.to_string(),
            common_phone_profile: some(&self.profile),
            location: some(&self.location),
            owner: some(&self.owner),
            ..Phone::unknown(name, Registration::unknown(Status::NotFound, Source::None))
        })
    }

    /// Returns the phone as it is asked for its screen.
    pub(crate) fn screen_phone(&self) -> Option<ScreenPhone> {
        Some(ScreenPhone {
            name: self.name.parse().ok()?,
            model: self.model.to_string(),
            device_pool: self.device_pool.to_string(),
            ip: self.ip,
            https: self.https,
            verdict: self.verdict,
            is_proven: self.outcome.is_some_and(Outcome::is_proven),
            has_other_login: self.findings.contains(&Code::AuthenticationUrlForeign),
        })
    }

    fn compare(&self, other: &Self, column: &str) -> Ordering {
        match column {
            "cluster" => self.cluster.cmp(&other.cluster),
            "description" => self.description.cmp(&other.description),
            "model" => self.model.cmp(&other.model),
            "pool" => self.device_pool.cmp(&other.device_pool),
            "address" => self.ip.cmp(&other.ip),
            "verdict" => self.verdict.cmp(&other.verdict),
            "outcome" => self.outcome.cmp(&other.outcome),
            _ => (&self.name, &self.cluster).cmp(&(&other.name, &other.cluster)),
        }
    }
}

impl Row for PhoneLine {
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "extension",
        "description",
        "owner",
        "cluster",
        "model",
        "device_pool",
        "profile",
        "ip",
        "verdict",
        "outcome",
        "findings",
        "run",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.to_string(),
            self.extension.to_string(),
            self.description.to_string(),
            self.owner.to_string(),
            self.cluster.to_string(),
            self.model.to_string(),
            self.device_pool.to_string(),
            self.profile.to_string(),
            self.address(),
            self.verdict().to_owned(),
            self.outcome().to_owned(),
            self.findings.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(" "),
            self.run.to_string(),
        ]
    }
}

/// How many runs are looked at.
const MOST_RUNS: usize = 300;

/// How many values a filter offers.
const MOST_VALUES: usize = 200;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A phone of which an audit knows the name.
    pub(crate) fn line(name: &str) -> PhoneLine {
        let seen = serde_json::json!({
            "name": name, "model": "Cisco 8841", "device_pool": "HQ", "verdict": "ready",
        });
        let mut index = PhoneIndex::default();
        index.see("c", serde_json::from_value(seen).unwrap(), 1, true);
        index.lines.remove(0)
    }

    /// The phones of an audit, each with texts of its own.
    pub(crate) fn index(count: u32) -> PhoneIndex {
        let mut index = PhoneIndex::default();
        for n in 0..count {
            let seen = serde_json::json!({
                "name": format!("SEP{n:012X}"), "model": "Cisco 8841", "verdict": "ready",
                "description": format!("Phone of somebody in office {n}"), "owner": format!("user{n}"),
                "device_pool": format!("Pool {}", n % 400), "extension": format!("{n:05}"),
                "registration": {"ip": format!("10.{}.{}.{}", n >> 16, (n >> 8) & 255, n & 255)},
                "findings": [{"code": "web_access_unknown"}],
            });
            index.see("c", serde_json::from_value(seen).unwrap(), 1, true);
        }
        index
    }

    #[test]
    fn phones_are_chosen_by_finding_and_by_name() {
        let index = index(3);
        let count = |filter: PhoneFilter| index.select(&filter, "").len();
        let by_finding =
            |code: &str| PhoneFilter { finding: code.into(), ..PhoneFilter::default() };
        assert_eq!(count(by_finding("web_access_unknown")), 3);
        assert_eq!(count(by_finding("not_associated")), 0);
        assert_eq!(index.findings(), [("web_access_unknown".to_owned(), 3)]);
        let names = vec!["sep000000000001".to_owned(), "SEPX".to_owned()];
        assert_eq!(count(PhoneFilter { names, ..PhoneFilter::default() }), 1);
        assert_eq!(index.verdicts("c").iter().map(|count| count.count).sum::<usize>(), 3);
        assert!(index.verdicts("other").is_empty());
    }
}
