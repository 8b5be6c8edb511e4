//! Which phones a command is about.
//!
//! Values of one option are alternatives, different options narrow each other. A value that matches
//! nothing is an error: a mistyped device pool must never quietly mean "none", and a mistyped
//! exclusion must never quietly mean "all".

use std::collections::HashSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::address_range::AddressRange;
use super::device_name::DeviceName;
use super::inventory::Phone;
use super::model::{UnknownModel, is_multiplatform};
use super::pattern::fold;
use super::text::is_readable;

pub use super::pattern::Pattern;
pub use super::selector_error::SelectorError;

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    DevicePool,
    /// The model, with or without `Cisco` in front.
    Model,
    Profile,
    Location,
    Owner,
    /// The directory number of the first line.
    Extension,
    Description,
    Device,
}

impl Field {
    pub fn option(self) -> &'static str {
        match self {
            Self::DevicePool => "--device-pool",
            Self::Model => "--model",
            Self::Profile => "--profile",
            Self::Location => "--location",
            Self::Owner => "--owner",
            Self::Extension => "--dn",
            Self::Description => "--description",
            Self::Device => "--device",
        }
    }

    fn value(self, phone: &Phone) -> &str {
        match self {
            Self::DevicePool => &phone.device_pool,
            Self::Model => &phone.model,
            Self::Profile => phone.common_phone_profile.as_deref().unwrap_or_default(),
            Self::Location => phone.location.as_deref().unwrap_or_default(),
            Self::Owner => phone.owner.as_deref().unwrap_or_default(),
            Self::Extension => phone.extension.as_deref().unwrap_or_default(),
            Self::Description => &phone.description,
            Self::Device => phone.name.as_str(),
        }
    }

    fn matches(self, pattern: &Pattern, phone: &Phone) -> bool {
        let value = self.value(phone);
        if self == Self::Model { pattern.matches_model(value) } else { pattern.matches(value) }
    }

    /// Returns whether every phone that matches `narrower` matches `wider`.
    pub fn covers(self, wider: &Pattern, narrower: &Pattern) -> bool {
        if self == Self::Model { wider.covers_model(narrower) } else { wider.covers(narrower) }
    }

    /// Returns whether a phone matches, or may match because the value could not be read.
    fn may_match(self, pattern: &Pattern, phone: &Phone) -> bool {
        !is_readable(self.value(phone)) || self.matches(pattern, phone)
    }
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Selector {
    pub include: Vec<(Field, Pattern)>,
    /// What a phone must not match.
    pub exclude: Vec<(Field, Pattern)>,
    /// Names from a file: alternatives to `--device` patterns.
    pub listed: Option<Vec<DeviceName>>,
    /// Addresses; they can only be compared once the phones' addresses are known.
    pub subnets: Vec<AddressRange>,
    /// At most this many phones, the first by name; see [`Self::within_limit`].
    pub limit: Option<usize>,
    /// At most this many phones, spread over models and device pools.
    #[serde(default)]
    pub sample: Option<usize>,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Selection {
    /// The selected phones, sorted by name.
    pub phones: Vec<Phone>,
    /// Names of the list that the cluster does not have.
    pub unknown_names: Vec<DeviceName>,
}

impl Selector {
    /// Chooses by everything but addresses, and sorts by name.
    pub fn select(&self, phones: Vec<Phone>) -> Result<Selection, SelectorError> {
        let total = phones.len();
        self.check_every_value_matches(&phones)?;
        let unknown_names = self.unknown_names(&phones);
        if let Some(listed) = &self.listed
            && unknown_names.len() == listed.len()
        {
            let strange = listed.iter().filter(|name| !name.is_of_phone()).count();
            return Err(SelectorError::ListMatchesNothing { names: listed.len(), strange });
        }
        let chosen = self.admitted(phones);
        if chosen.is_empty() && (total > 0 || !self.is_everything()) {
            return Err(SelectorError::NothingLeft { total });
        }
        Ok(Selection { phones: chosen, unknown_names })
    }

    /// Keeps the phones whose address is one of those that are selected.
    pub fn within_subnets(&self, phones: Vec<Phone>) -> Result<Vec<Phone>, SelectorError> {
        if self.subnets.is_empty() {
            return Ok(phones);
        }
        let holds =
            |range: &AddressRange, ip: Option<IpAddr>| ip.is_some_and(|ip| range.contains(ip));
        for range in &self.subnets {
            if !phones.iter().any(|phone| holds(range, phone.registration.ip)) {
                return Err(SelectorError::MatchesNothing {
                    option: "--subnet",
                    value: range.to_string(),
                    near: Vec::new(),
                });
            }
        }
        Ok(self.in_subnets(phones))
    }

    /// Keeps the phones whose address is one of those that are selected. Ranges without phones are no error, unlike for
    /// [`Self::within_subnets`].
    pub fn in_subnets(&self, mut phones: Vec<Phone>) -> Vec<Phone> {
        let is_in = |ip: IpAddr| self.subnets.iter().any(|range| range.contains(ip));
        phones.retain(|phone| self.subnets.is_empty() || phone.registration.ip.is_some_and(is_in));
        phones
    }

    /// Returns those of some phones that are chosen by everything but addresses. Values that match none of them are no
    /// error, unlike for [`Self::select`].
    pub fn admitted(&self, mut phones: Vec<Phone>) -> Vec<Phone> {
        let listed = self.listed.as_ref().map(|names| names.iter().collect());
        phones.retain(|phone| self.admits(phone, listed.as_ref()));
        phones.sort_by(|a, b| a.name.cmp(&b.name));
        phones
    }

    /// Returns whether phones are chosen by this field.
    pub fn asks_for(&self, field: Field) -> bool {
        self.include.iter().chain(&self.exclude).any(|(of, _)| *of == field)
    }

    /// Returns whether a phone is meant, whatever its address and however many others are.
    pub fn is_about(&self, phone: &Phone) -> bool {
        let listed = self.listed.as_ref().map(|names| names.iter().collect());
        self.admits(phone, listed.as_ref())
    }

    fn is_everything(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty() && self.listed.is_none()
    }

    fn admits(&self, phone: &Phone, listed: Option<&HashSet<&DeviceName>>) -> bool {
        let any = |field: Field| {
            let mut patterns = self.include.iter().filter(|(of, _)| *of == field).peekable();
            patterns.peek().is_none() || patterns.any(|(_, pattern)| field.matches(pattern, phone))
        };
        let fields = [
            Field::DevicePool,
            Field::Model,
            Field::Profile,
            Field::Location,
            Field::Owner,
            Field::Extension,
            Field::Description,
        ];
        let named_here = || self.include.iter().any(|(field, _)| *field == Field::Device);
        let by_name = match listed {
            Some(names) => names.contains(&phone.name) || named_here() && any(Field::Device),
            None => any(Field::Device),
        };
        by_name
            && fields.into_iter().all(any)
            && !self.exclude.iter().any(|(field, pattern)| field.may_match(pattern, phone))
    }

    fn unknown_names(&self, phones: &[Phone]) -> Vec<DeviceName> {
        let Some(listed) = &self.listed else { return Vec::new() };
        let known: HashSet<&DeviceName> = phones.iter().map(|phone| &phone.name).collect();
        listed.iter().filter(|name| !known.contains(name)).cloned().collect()
    }

    fn check_every_value_matches(&self, phones: &[Phone]) -> Result<(), SelectorError> {
        let options =
            self.include.iter().map(|(field, pattern)| (field.option(), *field, pattern)).chain(
                self.exclude
                    .iter()
                    .map(|(field, pattern)| (exclude_option(*field), *field, pattern)),
            );
        for (option, field, pattern) in options {
            if !phones.iter().any(|phone| field.matches(pattern, phone)) {
                if field == Field::Model && is_multiplatform(pattern.as_str()) {
                    let model = UnknownModel::Multiplatform(pattern.as_str().to_owned());
                    return Err(SelectorError::Multiplatform { option, model });
                }
                let short = |text: &'_ str| text.strip_prefix("Cisco ").unwrap_or(text).to_owned();
                let values: HashSet<String> =
                    phones.iter().map(|phone| short(field.value(phone))).collect();
                let near = near(&short(pattern.as_str()), values.iter().map(String::as_str));
                return Err(SelectorError::MatchesNothing {
                    option,
                    value: pattern.as_str().to_owned(),
                    near,
                });
            }
        }
        Ok(())
    }
}

/// The option that excludes by this field. Only three of them exist on the command line.
fn exclude_option(field: Field) -> &'static str {
    match field {
        Field::DevicePool => "--exclude-device-pool",
        Field::Model => "--exclude-model",
        Field::Device
        | Field::Profile
        | Field::Location
        | Field::Owner
        | Field::Extension
        | Field::Description => "--exclude-device",
    }
}

/// Returns up to three of the values that are spelt most like `wanted`.
pub fn near<'a>(wanted: &str, values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = fold(wanted);
    let values: HashSet<&str> = values.into_iter().filter(|value| !value.is_empty()).collect();
    let mut scored: Vec<(f64, &str)> = values
        .into_iter()
        .map(|value| (strsim::jaro_winkler(&wanted, &fold(value)), value))
        .filter(|(score, _)| *score > 0.75)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.into_iter().take(3).map(|(_, value)| value.to_owned()).collect()
}

impl SelectorError {
    /// Distinguishes a device pool without phones from one that does not exist.
    #[must_use]
    pub fn knowing_pools(self, pools: &[String]) -> Self {
        let is_about_pools = |option: &str| {
            option == Field::DevicePool.option() || option == exclude_option(Field::DevicePool)
        };
        match self {
            Self::MatchesNothing { option, value, near } if is_about_pools(option) => {
                let exists = Pattern::new(&value)
                    .is_ok_and(|pattern| pools.iter().any(|pool| pattern.matches(pool)));
                if exists {
                    return Self::NoPhones { option, value };
                }
                Self::MatchesNothing { option, value, near }
            }
            other @ (Self::EmptyPattern
            | Self::MatchesNothing { .. }
            | Self::NoPhones { .. }
            | Self::Multiplatform { .. }
            | Self::ListMatchesNothing { .. }
            | Self::NothingLeft { .. }) => other,
        }
    }
}

#[cfg(test)]
pub(in crate::domain) mod tests {
    use super::*;
    use crate::domain::registration::{Registration, Source, Status};

    pub(in crate::domain) fn phone(name: &str, pool: &str, model: &str) -> Phone {
        let registration = Registration::unknown(Status::NotFound, Source::None);
        Phone {
            model: model.into(),
            device_pool: pool.into(),
            ..Phone::unknown(name.parse().unwrap(), registration)
        }
    }

    fn fleet() -> Vec<Phone> {
        vec![
            phone("SEP0002", "Paris", "Cisco 8841"),
            phone("SEP0001", "HQ [1]", "Cisco 8841"),
            phone("SEP0003", "HQ [1]", "Cisco 7841"),
        ]
    }

    fn names(selector: &Selector) -> Result<Vec<String>, SelectorError> {
        let chosen = selector.select(fleet())?;
        Ok(chosen.phones.iter().map(|phone| phone.name.to_string()).collect())
    }

    fn include(field: Field, pattern: &str) -> Selector {
        Selector { include: vec![(field, Pattern::new(pattern).unwrap())], ..Selector::default() }
    }

    #[test]
    fn everything_comes_sorted_by_name() {
        assert_eq!(names(&Selector::default()).unwrap(), ["SEP0001", "SEP0002", "SEP0003"]);
    }

    #[test]
    fn patterns_ignore_case_and_take_brackets_literally() {
        assert_eq!(names(&include(Field::DevicePool, "hq [1]")).unwrap(), ["SEP0001", "SEP0003"]);
        assert_eq!(names(&include(Field::DevicePool, "%AR%")).unwrap(), ["SEP0002"]);
        assert_eq!(names(&include(Field::Model, "7841")).unwrap(), ["SEP0003"]);
        assert_eq!(names(&include(Field::Device, "sep*1")).unwrap(), ["SEP0001"]);
    }

    #[test]
    fn options_narrow_each_other_and_values_widen() {
        let mut selector = include(Field::DevicePool, "HQ*");
        selector.include.push((Field::DevicePool, Pattern::new("Paris").unwrap()));
        selector.include.push((Field::Model, Pattern::new("8841").unwrap()));
        assert_eq!(names(&selector).unwrap(), ["SEP0001", "SEP0002"]);
        selector.exclude.push((Field::Device, Pattern::new("SEP0002").unwrap()));
        assert_eq!(names(&selector).unwrap(), ["SEP0001"]);
    }

    #[test]
    fn what_matches_nothing_is_an_error_with_a_proposal() {
        let error = names(&include(Field::DevicePool, "Pariss")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--device-pool \"Pariss\" matches no phone on the cluster; did you mean \"Paris\"?"
        );
        let exclude = vec![(Field::Model, Pattern::new("9999").unwrap())];
        let error = names(&Selector { exclude, ..Selector::default() }).unwrap_err();
        assert!(error.to_string().starts_with("--exclude-model"), "{error}");
        let mut both = include(Field::DevicePool, "Paris");
        both.include.push((Field::Model, Pattern::new("7841").unwrap()));
        assert_eq!(names(&both), Err(SelectorError::NothingLeft { total: 3 }));
    }

    #[test]
    fn an_empty_pool_is_told_apart_from_a_missing_one() {
        let error = names(&include(Field::DevicePool, "Rome")).unwrap_err();
        let told = |pools: &[&str]| {
            let pools: Vec<String> = pools.iter().map(|pool| (*pool).to_owned()).collect();
            error.clone().knowing_pools(&pools).to_string()
        };
        assert_eq!(
            told(&["rome"]),
            "--device-pool \"Rome\" exists on the cluster, but has no phones"
        );
        assert!(told(&["Paris"]).starts_with("--device-pool \"Rome\" matches no phone"));
    }

    #[test]
    fn multiplatform_firmware_is_never_called_another_model() {
        let error = include(Field::Model, "CP-8841-3PCC").select(fleet()).unwrap_err().to_string();
        assert!(
            error.starts_with("--model: \"CP-8841-3PCC\" is a phone with multiplatform"),
            "{error}"
        );
        let error = include(Field::DevicePool, r"x\*y").select(fleet()).unwrap_err().to_string();
        assert_eq!(error, r#"--device-pool "x\*y" matches no phone on the cluster"#);
    }

    #[test]
    fn a_list_names_devices_and_tells_the_unknown_ones() {
        let listed = Some(vec!["sep0003".parse().unwrap(), "SEP9999".parse().unwrap()]);
        let selector = Selector { listed, ..Selector::default() };
        let chosen = selector.select(fleet()).unwrap();
        assert_eq!(chosen.phones.len(), 1);
        assert_eq!(chosen.unknown_names, ["SEP9999".parse().unwrap()]);
        let listed = Some(vec!["SEP9999".parse().unwrap()]);
        let error = Selector { listed, ..Selector::default() }.select(fleet()).unwrap_err();
        assert_eq!(error, SelectorError::ListMatchesNothing { names: 1, strange: 1 });
    }

    #[test]
    fn an_option_that_takes_one_name_is_repeated_for_several() {
        let error = names(&include(Field::DevicePool, "Paris, Rome")).unwrap_err().to_string();
        let several = r#"matches no phone on the cluster; repeat the option for several: --device-pool "Paris" --device-pool "Rome""#;
        assert!(error.ends_with(several), "{error}");
        // A name can hold a comma.
        let fleet = vec![phone("SEP1", "Paris, France", "Cisco 8841")];
        let error = include(Field::DevicePool, "Paris, Frnace").select(fleet).unwrap_err();
        assert!(error.to_string().ends_with(r#"did you mean "Paris, France"?"#), "{error}");
    }

    #[test]
    fn addresses_choose() {
        let mut phones = fleet();
        for (last, phone) in phones.iter_mut().enumerate() {
            phone.registration.ip = Some(IpAddr::from([10, 0, u8::try_from(last).unwrap(), 1]));
        }
        let selector = Selector {
            subnets: vec!["10.0.1.0/24".parse().unwrap(), "10.0.2.0-10.0.2.9".parse().unwrap()],
            ..Selector::default()
        };
        let chosen =
            selector.within_subnets(selector.select(phones.clone()).unwrap().phones).unwrap();
        let chosen: Vec<&str> = chosen.iter().map(|phone| phone.name.as_str()).collect();
        assert_eq!(chosen, ["SEP0001", "SEP0003"]);
        let selector =
            Selector { subnets: vec!["192.0.2.0/24".parse().unwrap()], ..Selector::default() };
        assert!(selector.within_subnets(phones).is_err());
    }
}
