//! How a picture is made to fit a panel, as a person chooses it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::colour::Colour;

/// Everything that is chosen about a preparation. The same picture and the same options give the same
/// pixels, so a run keeps them to go on with.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Options {
    /// How the picture gets the panel's proportions.
    pub fit: Fit,
    /// What [`Fit::Cover`] keeps in sight.
    pub focus: Focus,
    /// What shows beside a picture that does not cover the panel, and through its transparent parts.
    pub background: Colour,
    /// Whether the parts behind line labels are made calm enough to read them.
    pub legible: bool,
}

/// How a picture gets the panel's proportions.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// It fills the panel; what extends beyond two sides is cut off.
    #[default]
    Cover,
    /// It is seen whole; what it leaves free has the colour of the background.
    Contain,
    /// It is stretched to the panel's proportions.
    Stretch,
}

/// What stays in sight when something has to be cut off.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Focus {
    #[default]
    Centre,
    /// The part with the most edges and colours.
    Auto,
    /// This place, in hundredths of the picture's width and height from its upper left corner.
    At {
        /// From the left, 0 to 100.
        x: f32,
        /// From the top, 0 to 100.
        y: f32,
    },
}

impl FromStr for Focus {
    type Err = String;

    /// Reads `centre`, `auto`, or two percentages such as `30,60` or `30%,60%`.
    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.trim().to_ascii_lowercase();
        match word.as_str() {
            "centre" | "center" => return Ok(Self::Centre),
            "auto" => return Ok(Self::Auto),
            _ => {}
        }
        let percent = |part: &str| {
            let number = part.trim().trim_end_matches('%').trim_end().parse::<f32>().ok()?;
            (0.0..=100.0).contains(&number).then_some(number)
        };
        let place = word.split_once(',').and_then(|(x, y)| Some((percent(x)?, percent(y)?)));
        let (x, y) = place.ok_or_else(|| {
            "write it as X,Y in percent from the upper left corner, such as 30,60; or auto, or centre"
                .to_owned()
        })?;
        Ok(Self::At { x, y })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_focus_is_read_in_every_spelling() {
        for text in ["30,60", "30%,60%", " 30 % , 60 % "] {
            assert_eq!(text.parse(), Ok(Focus::At { x: 30.0, y: 60.0 }), "{text}");
        }
        assert_eq!("Auto".parse(), Ok(Focus::Auto));
        assert_eq!("center".parse(), Ok(Focus::Centre));
        for text in ["", "30", "30,", "-1,5", "101,5", "nan,1", "a,b", "1,2,3"] {
            assert!(text.parse::<Focus>().is_err(), "{text}");
        }
    }

    #[test]
    fn options_are_the_same_after_a_run_kept_them() {
        let options = Options {
            fit: Fit::Contain,
            focus: Focus::At { x: 12.5, y: 99.0 },
            background: Colour([1, 2, 3]),
            legible: true,
        };
        let kept = serde_json::to_string(&options).unwrap();
        assert_eq!(serde_json::from_str::<Options>(&kept).unwrap(), options);
    }
}
