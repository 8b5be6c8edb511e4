//! Which picture is for whom, as the config file writes it.

use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::domain::picture_rules::PictureRule;
use crate::domain::selector::{Field, Pattern};

/// A picture and the phones that it is for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageSection {
    file: PathBuf,
    #[serde(default)]
    device_pool: OneOrMore,
    #[serde(default, deserialize_with = "models")]
    model: OneOrMore,
    #[serde(default)]
    profile: OneOrMore,
    #[serde(default)]
    location: OneOrMore,
    #[serde(default)]
    owner: OneOrMore,
    #[serde(default)]
    dn: OneOrMore,
    #[serde(default)]
    description: OneOrMore,
    #[serde(default)]
    device: OneOrMore,
}

/// A pattern, or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a name, or a list of names; * matches any characters")]
pub(super) enum OneOrMore {
    One(Pattern),
    More(Vec<Pattern>),
}

impl Default for OneOrMore {
    fn default() -> Self {
        Self::More(Vec::new())
    }
}

impl OneOrMore {
    pub(super) fn patterns(&self) -> &[Pattern] {
        match self {
            Self::One(pattern) => std::slice::from_ref(pattern),
            Self::More(patterns) => patterns,
        }
    }
}

impl ImageSection {
    /// Returns the rule; file names count from this folder.
    pub(super) fn rule(&self, folder: &Path) -> PictureRule {
        let fields = [
            (Field::DevicePool, &self.device_pool),
            (Field::Model, &self.model),
            (Field::Profile, &self.profile),
            (Field::Location, &self.location),
            (Field::Owner, &self.owner),
            (Field::Extension, &self.dn),
            (Field::Description, &self.description),
            (Field::Device, &self.device),
        ];
        let patterns = fields
            .into_iter()
            .flat_map(|(field, some)| some.patterns().iter().map(move |one| (field, one.clone())));
        PictureRule {
            name: self.file.display().to_string(),
            file: folder.join(&self.file),
            phones: patterns.collect(),
        }
    }
}

/// Reads models of the catalogue, as people and phones call them.
fn models<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OneOrMore, D::Error> {
    let typed = OneOrMore::deserialize(deserializer)?;
    let known = typed.patterns().iter().cloned().map(Pattern::of_known_model);
    known.collect::<Result<_, _>>().map(OneOrMore::More).map_err(D::Error::custom)
}
