//! Why a selection of phones fails.

use super::model::UnknownModel;
use super::text::quoted;

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SelectorError {
    #[error("a selection pattern is empty")]
    EmptyPattern,
    /// One value of an option matches no phone.
    #[error("{option} {} matches no phone on the cluster{}", quoted(value), did_you_mean(near))]
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

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    format!(
        "; did you mean {}?",
        near.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(" or ")
    )
}
