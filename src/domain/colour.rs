//! Colours, as CSS writes them.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A colour: red, green and blue of sRGB.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
pub struct Colour(pub [u8; 3]);

impl Colour {
    pub const BLACK: Self = Self([0; 3]);
    pub const WHITE: Self = Self([255; 3]);
}

impl FromStr for Colour {
    type Err = String;

    /// Reads what CSS calls a colour: `#1b2a4e`, `#123`, `rgb(27, 42, 78)`, `navy`.
    fn from_str(text: &str) -> Result<Self, String> {
        let colour = text.trim().parse::<svgtypes::Color>().map_err(|_| {
            "write it as #RRGGBB or as a name of CSS, such as black, white or navy".to_owned()
        })?;
        if colour.alpha != 255 {
            return Err("it cannot be transparent".to_owned());
        }
        Ok(Self([colour.red, colour.green, colour.blue]))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_read_as_css_writes_it() {
        assert_eq!("#1B2a4e".parse(), Ok(Colour([0x1b, 0x2a, 0x4e])));
        assert_eq!("#fff".parse(), Ok(Colour([255; 3])));
        assert_eq!("navy".parse(), Ok(Colour([0, 0, 128])));
        for text in ["", "1b2a4e", "#12", "rgba(0,0,0,0.5)", "transparent", "nocolour"] {
            assert!(text.parse::<Colour>().is_err(), "{text}");
        }
        assert_eq!(Colour([1, 2, 255]).to_string(), "#0102ff");
    }
}
