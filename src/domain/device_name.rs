//! The name of a device, as CUCM knows it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{is_control_or_bidi, is_readable};

/// A device name such as `SEP0011223344AA`.
///
/// The case is kept exactly as CUCM gave it, because some names are lower case and are sent back in
/// association lists; two names are equal when they differ only in ASCII case, as CUCM compares them.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(Box<str>);

impl DeviceName {
    /// The longest name that AXL accepts for a device (`UniqueString128`), in characters.
    pub const MAX_CHARS: usize = 128;

    /// Reads a name that the cluster sent. Unlike one that was typed it may hold blanks: leaving a device
    /// out is worse than an odd name.
    ///
    /// # Errors
    /// When nothing is left without the blanks around it, when it is too long, or when it holds a control
    /// character or one that could not be read.
    pub fn of_cluster(text: &str) -> Result<Self, DeviceNameError> {
        let name = text.trim();
        if name.is_empty() {
            return Err(DeviceNameError::Empty);
        }
        if name.chars().count() > Self::MAX_CHARS {
            return Err(DeviceNameError::TooLong);
        }
        match name.chars().find(|c| c.is_control()) {
            Some(bad) => Err(DeviceNameError::BadCharacter(bad)),
            None if !is_readable(name) => Err(DeviceNameError::Unreadable),
            None => Ok(Self(name.into())),
        }
    }

    /// Returns the name of a device that is known by nothing but its address.
    pub fn of_address(address: IpAddr) -> Self {
        Self(address.to_string().into())
    }

    /// Returns whether it is that of a hardware phone: `SEP` and a MAC address.
    pub fn is_of_phone(&self) -> bool {
        let (prefix, mac) = self.0.split_at_checked(3).unwrap_or_default();
        prefix.eq_ignore_ascii_case("SEP")
            && mac.len() == 12
            && mac.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// Returns the name as CUCM wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceName {
    type Err = DeviceNameError;

    /// Parses a name that was typed; blanks around it are dropped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = Self::of_cluster(text)?;
        match name.0.chars().find(|c| c.is_whitespace()) {
            Some(bad) => Err(DeviceNameError::BadCharacter(bad)),
            None => Ok(name),
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = DeviceNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::of_cluster(&text)
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl PartialEq for DeviceName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for DeviceName {}

impl Hash for DeviceName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

impl Ord for DeviceName {
    fn cmp(&self, other: &Self) -> Ordering {
        let lower =
            |name: &Self| name.0.bytes().map(|b| b.to_ascii_lowercase()).collect::<Vec<_>>();
        lower(self).cmp(&lower(other))
    }
}

impl PartialOrd for DeviceName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DeviceNameError {
    #[error("a device name is empty")]
    Empty,
    #[error("a device name has more than {} characters", DeviceName::MAX_CHARS)]
    TooLong,
    #[error("a device name holds {}", named(*.0))]
    BadCharacter(char),
    #[error("a device name holds a character that could not be read")]
    Unreadable,
}

fn named(c: char) -> String {
    match c {
        ' ' => "a blank".to_owned(),
        '\t' => "a tab".to_owned(),
        c if c.is_whitespace() || is_control_or_bidi(c) => {
            format!("the control character U+{:04X}", u32::from(c))
        }
        c => format!("the character {c}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn name(text: &str) -> DeviceName {
        text.parse().unwrap()
    }

    #[test]
    fn keeps_case_but_compares_without_it() {
        assert_eq!(name("csfmscott").as_str(), "csfmscott");
        assert_eq!(name("SEP00aa"), name("sep00AA"));
        let set: HashSet<_> = [name("SEP00aa"), name("sep00AA")].into();
        assert_eq!(set.len(), 1);
        assert_eq!(name("SEP00aa").cmp(&name("sep00AA")), Ordering::Equal);
    }

    #[test]
    fn refuses_what_is_no_name() {
        assert_eq!("  ".parse::<DeviceName>(), Err(DeviceNameError::Empty));
        assert_eq!("SEP 1".parse::<DeviceName>(), Err(DeviceNameError::BadCharacter(' ')));
        assert_eq!(
            "SEP\u{1b}1".parse::<DeviceName>(),
            Err(DeviceNameError::BadCharacter('\u{1b}'))
        );
        assert_eq!(DeviceName::of_cluster(" Lobby phone ").unwrap().as_str(), "Lobby phone");
        let told = DeviceName::of_cluster("SEP\u{1b}1").unwrap_err().to_string();
        assert_eq!(told, "a device name holds the control character U+001B");
        assert_eq!(DeviceName::of_cluster("SEP\u{FFFD}1"), Err(DeviceNameError::Unreadable));
        assert_eq!("x".repeat(129).parse::<DeviceName>(), Err(DeviceNameError::TooLong));
    }
}
