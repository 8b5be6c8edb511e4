//! Why a selection of phones fails.

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SelectorError {
    #[error("a selection pattern is empty")]
    EmptyPattern,
    /// One value of an option matches no phone.
    #[error("{option} {value:?} matches no phone on the cluster{}", did_you_mean(near))]
    MatchesNothing { option: &'static str, value: String, near: Vec<String> },
    /// The device pool is there, but no phone is in it.
    #[error("{option} {value:?} exists on the cluster, but has no phones")]
    NoPhones { option: &'static str, value: String },
    #[error("none of the {names} names in --devices-from is a phone on the cluster")]
    ListMatchesNothing { names: usize },
    /// Every value matches something, but no phone matches all of them.
    #[error("no phone matches all the given options together ({total} phones on the cluster)")]
    NothingLeft { total: usize },
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    format!(
        "; did you mean {}?",
        near.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" or ")
    )
}
