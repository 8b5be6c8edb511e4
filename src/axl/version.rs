//! The versions of the AXL schema, and which one to use.

use crate::domain::text::quoted;
use std::fmt;
use std::str::FromStr;

/// A version of the AXL schema that this program supports. There is no 13 (AXL Developer Guide).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum AxlVersion {
    /// 11.5
    V11_5,
    /// 12.0
    V12_0,
    /// 12.5
    V12_5,
    /// 14.0
    V14_0,
    /// 15.0
    V15_0,
}

impl AxlVersion {
    pub const ALL: [Self; 5] = [Self::V11_5, Self::V12_0, Self::V12_5, Self::V14_0, Self::V15_0];

    /// Returns the version as the namespace and the `SOAPAction` write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V11_5 => "11.5",
            Self::V12_0 => "12.0",
            Self::V12_5 => "12.5",
            Self::V14_0 => "14.0",
            Self::V15_0 => "15.0",
        }
    }

    /// Chooses the version for a server by its own version, such as `14.0.1.10000-20`: the newest that
    /// is no newer than the server.
    ///
    /// # Errors
    /// When the server is older than 11.5, or when the text is no version.
    pub fn for_server(version: &str) -> Result<Self, VersionError> {
        let server = major_minor(version)
            .ok_or_else(|| VersionError::NoVersion(version.chars().take(60).collect()))?;
        let newest = Self::ALL.into_iter().rev().find(|known| known.numbers() <= server);
        newest.ok_or_else(|| VersionError::TooOld(version.chars().take(60).collect()))
    }

    /// Returns those versions that a server lists as supported, the newest first.
    ///
    /// A server may list `12.x`, which means 12.5 or 12.0 or both, so both are returned.
    pub fn among(supported: &[String]) -> Vec<Self> {
        let lists = |version: &Self| {
            supported.iter().any(|text| {
                let (major, minor) = version.numbers();
                match text.trim().split_once('.') {
                    Some((own, "x" | "X")) => own.parse() == Ok(major),
                    Some(_) => major_minor(text) == Some((major, minor)),
                    None => false,
                }
            })
        };
        Self::ALL.into_iter().rev().filter(lists).collect()
    }

    fn numbers(self) -> (u32, u32) {
        match self {
            Self::V11_5 => (11, 5),
            Self::V12_0 => (12, 0),
            Self::V12_5 => (12, 5),
            Self::V14_0 => (14, 0),
            Self::V15_0 => (15, 0),
        }
    }
}

impl FromStr for AxlVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|version| version.as_str() == text.trim());
        known.ok_or_else(|| VersionError::NotSpoken(text.chars().take(60).collect()))
    }
}

impl fmt::Display for AxlVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why no version of the schema fits.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VersionError {
    /// A text that is no version at all.
    #[error("{} is no version of Unified CM", quoted(.0))]
    NoVersion(String),
    /// A version that was asked for but is not supported.
    #[error("{} is none of the AXL versions 11.5, 12.0, 12.5, 14.0 and 15.0", quoted(.0))]
    NotSpoken(String),
    #[error("Unified CM {0} is too old: release 11.5 or later is needed")]
    TooOld(String),
}

/// Reads the first two numbers of a version such as `15.0.1.12900(234)`.
fn major_minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim().split(['.', '(', '-']);
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fits_the_server() {
        for (server, version) in [
            ("11.5.1.18900-97", AxlVersion::V11_5),
            ("12.0.1.10000-10", AxlVersion::V12_0),
            ("12.5.1.11900-146", AxlVersion::V12_5),
            ("14.0.1.10000-20", AxlVersion::V14_0),
            ("15.0.1.12900(234)", AxlVersion::V15_0),
            ("17.0.1", AxlVersion::V15_0),
            (" 13.0 ", AxlVersion::V12_5),
        ] {
            assert_eq!(AxlVersion::for_server(server), Ok(version), "{server}");
        }
        for old in ["11.0.1", "10.5.2.10000-5", "8.6"] {
            assert_eq!(AxlVersion::for_server(old), Err(VersionError::TooOld(old.into())));
        }
        assert!(matches!(AxlVersion::for_server("<b>"), Err(VersionError::NoVersion(_))));
    }

    #[test]
    fn chooses_from_both_wordings() {
        let list = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            AxlVersion::among(&list(&["12.x", "14.0"])),
            [AxlVersion::V14_0, AxlVersion::V12_5, AxlVersion::V12_0]
        );
        assert!(AxlVersion::among(&list(&["1.0", "6.0", "7.1"])).is_empty());
    }

    #[test]
    fn reads_what_it_writes() {
        for version in AxlVersion::ALL {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        assert!("13.0".parse::<AxlVersion>().is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            drop(AxlVersion::for_server(&text));
            drop(AxlVersion::among(&[text]));
        }
    }
}
