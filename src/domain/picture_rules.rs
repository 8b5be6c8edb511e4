//! Which phone gets which picture, where places have brands of their own.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::inventory::Phone;
use crate::domain::selector::{Field, Pattern, Selector};

/// A picture, and the phones that it is for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PictureRule {
    /// The picture as a person wrote it, for reports.
    pub name: String,
    pub file: PathBuf,
    /// The phones that it is for: values of one field are alternatives, fields narrow each other. Without any
    /// it is for all phones.
    pub phones: Vec<(Field, Pattern)>,
}

/// Rules in order: the first one that a phone matches counts.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct PictureRules(Vec<Choice>);

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Choice {
    name: String,
    file: PathBuf,
    phones: Selector,
}

impl PictureRules {
    /// Puts rules in order.
    pub fn new(rules: impl IntoIterator<Item = PictureRule>) -> Self {
        let choice = |rule: PictureRule| Choice {
            name: rule.name,
            file: rule.file,
            phones: Selector { include: rule.phones, ..Selector::default() },
        };
        Self(rules.into_iter().map(choice).collect())
    }

    pub fn one(name: String, file: PathBuf) -> Self {
        Self::new([PictureRule { name, file, phones: Vec::new() }])
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the name of the picture that a phone gets; nothing when no rule is for it.
    pub fn picture_of(&self, phone: &Phone) -> Option<&str> {
        self.0.iter().find(|rule| rule.phones.is_about(phone)).map(|rule| rule.name.as_str())
    }

    /// Returns the picture that a phone gets and the rule that decides so, in words; nothing when no rule is for it.
    pub fn decision(&self, phone: &Phone) -> Option<(&str, String)> {
        let at = self.0.iter().position(|rule| rule.phones.is_about(phone))?;
        let rule = &self.0[at];
        let criteria = rule.phones.include.iter();
        let criteria = criteria.map(|(field, pattern)| {
            let key = field.option().trim_start_matches('-').replace('-', "_");
            format!("{key} {}", pattern.as_str())
        });
        let criteria: Vec<String> = criteria.collect();
        let about = match criteria.as_slice() {
            [] => "for all phones".to_owned(),
            criteria => criteria.join(", "),
        };
        Some((&rule.name, format!("[[image]] rule {} of the config file ({about})", at + 1)))
    }

    /// Returns every picture once, by its name, in the order of the rules.
    pub fn pictures(&self) -> Vec<(&str, &Path)> {
        let mut pictures: Vec<(&str, &Path)> = Vec::new();
        for rule in &self.0 {
            if !pictures.iter().any(|(name, _)| *name == rule.name) {
                pictures.push((&rule.name, &rule.file));
            }
        }
        pictures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::selector::tests::phone;

    fn rule(name: &str, phones: &[(Field, &str)]) -> PictureRule {
        PictureRule {
            name: name.to_owned(),
            file: Path::new("/pictures").join(name),
            phones: phones.iter().map(|(field, text)| (*field, text.parse().unwrap())).collect(),
        }
    }

    #[test]
    fn the_first_rule_that_matches_counts() {
        let rules = PictureRules::new([
            rule("lobby.png", &[(Field::DevicePool, "Paris*"), (Field::Device, "SEP0011223344AA")]),
            rule("paris.png", &[(Field::DevicePool, "Paris*"), (Field::DevicePool, "Lyon")]),
            rule("big.png", &[(Field::Model, "9871")]),
            rule("all.png", &[]),
            rule("paris.png", &[]),
        ]);
        let mut one = phone("SEP0011223344AA", "paris-2", "Cisco 8841");
        assert_eq!(rules.picture_of(&one), Some("lobby.png"));
        one.name = "SEP0011223344BB".parse().unwrap();
        assert_eq!(rules.picture_of(&one), Some("paris.png"));
        one.device_pool = "LYON".to_owned();
        assert_eq!(rules.picture_of(&one), Some("paris.png"));
        let why = "[[image]] rule 2 of the config file (device_pool Paris*, device_pool Lyon)";
        assert_eq!(rules.decision(&one), Some(("paris.png", why.to_owned())));
        one.device_pool = "Nice".to_owned();
        assert_eq!(rules.picture_of(&one), Some("all.png"));
        let why = "[[image]] rule 4 of the config file (for all phones)";
        assert_eq!(rules.decision(&one), Some(("all.png", why.to_owned())));
        one.model = "Cisco 9871".to_owned();
        assert_eq!(rules.picture_of(&one), Some("big.png"));
        let names: Vec<&str> = rules.pictures().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["lobby.png", "paris.png", "big.png", "all.png"]);
    }

    #[test]
    fn without_a_rule_for_all_some_phones_get_nothing() {
        let rules = PictureRules::new([rule("paris.png", &[(Field::DevicePool, "Paris")])]);
        assert_eq!(rules.picture_of(&phone("SEP1", "Paris-2", "Cisco 8841")), None);
        assert_eq!(PictureRules::default().picture_of(&phone("SEP1", "Paris", "x")), None);
    }
}
