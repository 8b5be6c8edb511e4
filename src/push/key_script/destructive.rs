//! What is known to do harm when it is pressed.
//!
//! No list of what keys can do is complete: these are the sequences that published tools use to restart and
//! to reset phones, and URIs that change more than a screen.

use std::fmt;

use crate::push::key_script::KeyStep;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DestructiveStep {
    /// `**#**` restarts a phone from its settings.
    Restarts,
    /// `**#` unlocks a phone's settings, after which one soft key can erase them.
    Unlocks,
    /// The reset menu of the 8900 and 9900 series.
    ResetMenu,
    /// A menu or button of that name.
    Erases,
    ClearsCalls,
    /// A call begins, or digits are sent into one.
    Calls,
}

impl fmt::Display for DestructiveStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Restarts => "**#** restarts the phone and ends its call",
            Self::Unlocks => "**# unlocks the phone's settings, and one more key can erase them",
            Self::ResetMenu => {
                "Applications, 4, 4, 1 opens the reset menu of the 8900 and 9900 series"
            }
            Self::Erases => "a menu or button that resets or erases the phone",
            Self::ClearsCalls => "Init:CallHistory clears the phone's lists of calls",
            Self::Calls => {
                "every phone would begin a call, or send digits into the one that it is in"
            }
        })
    }
}

/// Returns what is known to do harm in some steps.
pub(crate) fn of(steps: &[KeyStep]) -> Vec<DestructiveStep> {
    let mut found = Vec::new();
    let items: Vec<&str> = steps.iter().flat_map(|step| &step.items).map(String::as_str).collect();
    found.extend(unlocking(&items));
    if items.windows(RESET_MENU.len()).any(|window| window == RESET_MENU) {
        found.push(DestructiveStep::ResetMenu);
    }
    found.extend(items.iter().filter_map(|item| single(item)));
    found
}

/// The stars and pounds of one run, in any order: within a request the order is not certain.
fn unlocking(items: &[&str]) -> Option<DestructiveStep> {
    let is_sign = |item: &&str| STARS.contains(item) || POUNDS.contains(item);
    let mut found = None;
    for run in items.split(|item| !is_sign(item)) {
        let stars = run.iter().filter(|item| STARS.contains(item)).count();
        let pounds = run.len() - stars;
        match (stars, pounds) {
            (4.., 1..) => return Some(DestructiveStep::Restarts),
            (2.., 1..) => found = Some(DestructiveStep::Unlocks),
            _ => {}
        }
    }
    found
}

fn single(item: &str) -> Option<DestructiveStep> {
    let (scheme, value) = item.split_once(':')?;
    let value = value.to_lowercase();
    match scheme {
        "Dial" | "EditDial" | "SendDigits" => Some(DestructiveStep::Calls),
        "Init" if value == "callhistory" => Some(DestructiveStep::ClearsCalls),
        "SettingsMenu" | "Button" if ERASING.iter().any(|word| value.contains(word)) => {
            Some(DestructiveStep::Erases)
        }
        _ => None,
    }
}

const STARS: [&str; 2] = ["Key:KeyPadStar", "Key:Key_Asterisk"];
const POUNDS: [&str; 2] = ["Key:KeyPadPound", "Key:Key_NumberSign"];
const RESET_MENU: [&str; 4] = ["Key:Applications", "Key:KeyPad4", "Key:KeyPad4", "Key:KeyPad1"];
const ERASING: [&str; 5] = ["reset", "erase", "factory", "restart", "delete"];

#[cfg(test)]
mod tests {
    use super::*;

    fn dangers(steps: &[&[&str]]) -> Vec<DestructiveStep> {
        let steps: Vec<KeyStep> = steps
            .iter()
            .map(|items| KeyStep {
                items: items.iter().map(|item| (*item).to_owned()).collect(),
                pause: std::time::Duration::ZERO,
            })
            .collect();
        of(&steps)
    }

    #[test]
    fn known_sequences_are_found_however_they_are_cut() {
        let (star, pound) = ("Key:KeyPadStar", "Key:KeyPadPound");
        assert_eq!(
            dangers(&[&["Key:Settings"], &[star, star], &[pound], &[star], &[star]]),
            [DestructiveStep::Restarts]
        );
        assert_eq!(dangers(&[&[star], &[pound, star]]), [DestructiveStep::Unlocks]);
        assert_eq!(dangers(&[&[star], &["Key:Soft1"], &[star], &[pound]]), []);
        assert_eq!(
            dangers(&[&["Key:Applications"], &["Key:KeyPad4"], &["Key:KeyPad4", "Key:KeyPad1"]]),
            [DestructiveStep::ResetMenu]
        );
        assert_eq!(dangers(&[&["SettingsMenu:Reset settings"]]), [DestructiveStep::Erases]);
        assert_eq!(
            dangers(&[&["Init:CallHistory"], &["Dial:1"]]),
            [DestructiveStep::ClearsCalls, DestructiveStep::Calls]
        );
        assert_eq!(dangers(&[&["Key:Settings", "Init:Services", "Display:On:1"]]), []);
    }
}
