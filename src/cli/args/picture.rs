//! Options about a picture, the same for every command that prepares one.

use clap::{Args, ValueEnum};

use crate::error::{AppError, ErrorKind};
use crate::media::{Colour, Fit, Focus, Options};

/// How a picture is made to fit the phones' panels.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Picture")]
pub struct PictureArgs {
    /// How the picture gets a panel's proportions [default: cover]
    ///
    /// cover fills the panel and cuts off the rest, contain shows all of it beside bars, stretch distorts it
    #[arg(long, value_name = "FIT")]
    pub fit: Option<FitArg>,
    /// What stays in sight when something is cut off: X,Y in percent from the upper left corner, or auto for
    /// a guess [default: centre]
    #[arg(long, value_name = "X,Y")]
    pub focus: Option<Focus>,
    /// Colour of the bars and behind transparent parts, such as #1b2a4e or navy [default: black]
    #[arg(long, value_name = "COLOUR")]
    pub background: Option<Colour>,
    /// Calm the parts of the picture that phones write line labels on
    #[arg(long)]
    pub legible: bool,
}

/// How a picture gets a panel's proportions, as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FitArg {
    /// Fill the panel.
    Cover,
    /// Show all of it.
    Contain,
    /// Distort it.
    Stretch,
}

impl PictureArgs {
    pub fn options(&self) -> Result<Options, AppError> {
        let fit = match self.fit {
            None | Some(FitArg::Cover) => Fit::Cover,
            Some(FitArg::Contain) => Fit::Contain,
            Some(FitArg::Stretch) => Fit::Stretch,
        };
        if self.focus.is_some() && fit != Fit::Cover {
            return Err(AppError::new(
                ErrorKind::Usage,
                "--focus says what stays in sight when something is cut off",
            )
            .hint("leave it out, or use --fit cover"));
        }
        Ok(Options {
            fit,
            focus: self.focus.unwrap_or_default(),
            background: self.background.unwrap_or_default(),
            legible: self.legible,
        })
    }
}
