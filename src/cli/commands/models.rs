//! `axlpaper models`

use jiff::Timestamp;

use crate::cli::args::OutputArgs;
use crate::cli::present::list;
use crate::domain::model;
use crate::error::{AppError, Exit};
use crate::report::{ModelRecord, models_json};

/// Show the catalogue of phone models: their picture sizes, ring tones, and whether they take keys
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: &Args) -> Result<Exit, AppError> {
    let mut models: Vec<ModelRecord> = model::catalogue().iter().map(ModelRecord).collect();
    list::sort(&args.output.list, &mut models)?;
    let text = list::list(&args.output, &models, || models_json(&models, Timestamp::now()))?;
    list::write(&args.output, &text)?;
    Ok(Exit::Done)
}
