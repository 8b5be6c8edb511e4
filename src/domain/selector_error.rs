//! Why a selection of phones fails.

use super::model::UnknownModel;
use super::text::quoted;

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SelectorError {
    #[error("a selection pattern is empty")]
    EmptyPattern,
    /// One value of an option matches no phone.
    #[error(
        "{option} {} matches no phone on the cluster{}",
        quoted(value),
        advice(option, value, near)
    )]
    MatchesNothing { option: &'static str, value: String, near: Vec<String> },
    /// The device pool is there, but no phone is in it.
    #[error("{option} {} exists on the cluster, but has no phones", quoted(value))]
    NoPhones { option: &'static str, value: String },
    #[error("{option}: {model}")]
    Multiplatform { option: &'static str, model: UnknownModel },
    #[error(
        "none of the {names} names in --devices-from is a phone on the cluster{}",
        not_names(*strange)
    )]
    ListMatchesNothing {
        names: usize,
        /// How many of them are not `SEP` with a MAC address. They are not quoted: a password can have been typed.
        strange: usize,
    },
    /// Every value matches something, but no phone matches all of them.
    #[error("no phone matches all the given options together ({total} phones on the cluster)")]
    NothingLeft { total: usize },
}

fn not_names(strange: usize) -> String {
    match strange {
        0 => String::new(),
        some => format!("; {some} of them are not SEP with a MAC address: is it a list of phones?"),
    }
}

/// Several names in one value are advised to be several options, unless the cluster has a similar name with a comma.
fn advice(option: &str, value: &str, near: &[String]) -> String {
    let parts: Vec<&str> =
        value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() < 2 || near.iter().any(|name| name.contains(',')) {
        return did_you_mean(near);
    }
    let options: Vec<String> =
        parts.iter().map(|part| format!("{option} {}", quoted(part))).collect();
    format!("; repeat the option for several: {}", options.join(" "))
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    format!(
        "; did you mean {}?",
        near.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(" or ")
    )
}
