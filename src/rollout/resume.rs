//! What a run pushes to whom: as typed, or as an earlier run had it.

use crate::connect::cluster;
use crate::connect::journal;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cli::args::TargetArgs;
use crate::cli::args::name_list;
use crate::cli::args::payload;
use crate::cli::ui;
use crate::connect::cluster::Connection;
use crate::connect::phone_tls;
use crate::domain::device_name::DeviceName;
use crate::domain::nat::NatRules;
use crate::domain::repair_policy::Repairs;
use crate::domain::selector::Selector;
use crate::domain::text::counted;
use crate::error::{AppError, ErrorKind};
use crate::event::Proof;
use crate::journal::{JournalReader, RunId, RunRef, RunRow};
use crate::media::Options;
use crate::report::RunReport;
use crate::rollout::Job;
use crate::rollout::payload::{Goods, Wanted};

/// What is pushed to whom.
#[derive(Debug)]
pub enum Source {
    /// As typed.
    Typed {
        /// What is pushed.
        wanted: Wanted,
        /// Which phones.
        target: Box<TargetArgs>,
    },
    /// What an earlier run was about.
    Resume(RunRef),
    /// The phones that an earlier run has not served.
    OnlyFailed(RunRef),
}

/// What a run pushes to whom, and which run it goes on with.
pub struct Subject {
    /// Which phones.
    pub selector: Selector,
    /// What is pushed.
    pub goods: Arc<Goods>,
    /// What reports call it: the name of its file.
    pub file: String,
    /// How the run that is gone on with proved it.
    pub proof: Option<Proof>,
    /// What may be repaired; nothing where the cluster may not be changed.
    pub repair: Option<Repairs>,
    /// The run that is gone on with.
    pub continues: Option<RunId>,
    /// How that run reached phones over HTTPS, where it did.
    pub phone_tls: Option<phone_tls::Kept>,
    /// The translated addresses that it allowed for.
    pub nat: NatRules,
}

/// What the journal keeps of a run's beginning, so that it can be gone on with.
#[derive(Debug, Deserialize, Serialize)]
pub struct Kept {
    /// Which phones.
    pub selector: Selector,
    /// The picture's file name.
    pub picture_file: String,
    /// What was done to phones.
    #[serde(default)]
    pub what: payload::Kept,
    /// How it was proven.
    #[serde(default)]
    pub proof: Option<Proof>,
    /// What may be repaired; nothing where the cluster may not be changed.
    pub repair: Option<Repairs>,
    /// How phones were reached over HTTPS, where they were.
    #[serde(default)]
    pub phone_tls: Option<phone_tls::Kept>,
    /// The translated addresses that were allowed for.
    #[serde(default)]
    pub nat: NatRules,
}

/// Refuses to go on with a run that asked no cluster: what it left undone is found out by its own command.
///
/// # Errors
/// When the run that is named is such a one, is not there, or the journal cannot be read.
pub fn refuse_addresses(source: &Source, state: &Path) -> Result<(), AppError> {
    let (Source::Resume(which) | Source::OnlyFailed(which)) = source else { return Ok(()) };
    let run = journal::find(&journal::history(state)?, *which)?;
    if !run.is_about_addresses() {
        return Ok(());
    }
    let error = format!("run {} pushed to addresses, and `rollout` asks a cluster", run.id);
    Err(AppError::new(ErrorKind::Usage, error).hint(format!(
        "type its command again; phones that are proven to show the picture are left alone: {}",
        run.command_line
    )))
}

/// Returns what a run did to phones, from what the journal kept of it.
fn goods(history: &JournalReader, run: RunId, kept: &Kept) -> Result<Option<Goods>, AppError> {
    let unusable = |error| journal::unusable(&error);
    let damaged = |why: String| {
        AppError::new(ErrorKind::Failed, format!("the journal holds no address there: {why}"))
    };
    match &kept.what {
        payload::Kept::Picture => {
            let bytes = history.kept(run, "picture").map_err(unusable)?;
            let Some(bytes) = bytes else { return Ok(None) };
            let kem = history.kept(run, "kem").map_err(unusable)?;
            let kem = kem.map(|bytes| payload::Source::of(Path::new("the KEM picture"), bytes));
            // Runs of earlier releases had no choice.
            let options = history.snapshot::<Options>(run, PICTURE_OPTIONS).map_err(unusable)?;
            Ok(Some(Goods::Picture {
                picture: payload::Source::of(Path::new(&kept.picture_file), bytes)?,
                kem: kem.transpose()?,
                options: options.unwrap_or_default(),
            }))
        }
        payload::Kept::Elsewhere { image_url, icon_url } => {
            let image = image_url.parse().map_err(damaged)?;
            let icon = icon_url.parse().map_err(damaged)?;
            Ok(Some(Goods::Elsewhere { image, icon }))
        }
        payload::Kept::Gallery { rules } => {
            let mut pictures = Vec::new();
            for (name, _) in rules.pictures() {
                let bytes = history.kept_named(run, "picture", name).map_err(unusable)?;
                let Some(bytes) = bytes else { return Ok(None) };
                pictures.push((name.to_owned(), payload::Source::of(Path::new(name), bytes)?));
            }
            let options = history.snapshot::<Options>(run, PICTURE_OPTIONS).map_err(unusable)?;
            let (rules, options) = (rules.clone(), options.unwrap_or_default());
            Ok(Some(Goods::Gallery { pictures, rules, options }))
        }
        payload::Kept::Removal => Ok(Some(Goods::Removal)),
    }
}

/// Returns the phones that a run has not served: those that failed, those that it was to push to and did not, and those
/// of which it wrote no end because it was killed before. Nothing where the journal does not know its phones: then none
/// has been served.
fn unserved(history: &JournalReader, run: &RunRow) -> Result<Option<Vec<DeviceName>>, AppError> {
    let unusable = |error| journal::unusable(&error);
    let ended = history.phones(run.id).map_err(unusable)?.len();
    let report = RunReport::read(history, run.clone()).map_err(unusable)?;
    if report.audit.is_none() && ended == 0 {
        return Ok(None);
    }
    let without_end = report.phones.len() - ended;
    if without_end > 0 {
        let phones = counted(without_end, "phone");
        ui::say(&format!(
            "note: run {} has no end of {phones} in the journal; those that it was to push to are pushed to too",
            run.id
        ));
    }
    Ok(Some(report.unserved()))
}

/// Reads what was typed.
///
/// # Errors
/// When the picture or a list of devices cannot be read.
pub fn typed(job: &Job, wanted: &Wanted, target: &TargetArgs) -> Result<Subject, AppError> {
    name_list::check_stdin(&job.connection, target)?;
    let (goods, file) = wanted.read()?;
    let limit_counts = goods.limit_counts();
    Ok(Subject {
        goods: Arc::new(goods),
        file,
        proof: None,
        selector: Selector { limit_counts, ..name_list::selector(target)? },
        repair: job.repair.clone(),
        continues: None,
        phone_tls: None,
        nat: NatRules::default(),
    })
}

/// Finds out what is meant; nothing when the run that is named left nothing undone.
///
/// # Errors
/// When the picture or the journal cannot be read, or the run is about another cluster.
pub fn of(job: &Job, state: &Path, connection: &Connection) -> Result<Option<Subject>, AppError> {
    let (which, only_failed) = match &job.source {
        Source::Typed { wanted, target } => return typed(job, wanted, target).map(Some),
        Source::Resume(which) => (*which, false),
        Source::OnlyFailed(which) => (*which, true),
    };
    let history = journal::history(state)?;
    let run = journal::find(&history, which)?;
    if run.cluster_id != cluster::cluster_id(connection) {
        let other =
            format!("run {} was about {}, not about {}", run.id, run.host, connection.endpoint);
        return Err(AppError::new(ErrorKind::Refused, other)
            .hint("nothing was changed; name the run's cluster"));
    }
    let unusable = |error| journal::unusable(&error);
    let kept = history.snapshot::<Kept>(run.id, "job").map_err(unusable)?;
    let goods = kept.as_ref().map(|kept| goods(&history, run.id, kept)).transpose()?.flatten();
    let (Some(kept), Some(goods)) = (kept, goods) else {
        return Err(AppError::new(
            ErrorKind::Usage,
            format!("run {} is an `axlpaper {}`, which pushes no picture", run.id, run.command),
        )
        .hint("`axlpaper runs` lists the runs"));
    };
    let mut selector = kept.selector;
    // A run that did not come to its end is done again as a whole, which leaves alone who is proven: phones can have
    // come since.
    if only_failed || run.state == "finished" {
        match unserved(&history, &run)? {
            Some(unserved) if unserved.is_empty() => return Ok(None),
            Some(unserved) => {
                selector = Selector { listed: Some(unserved), ..Selector::default() };
            }
            None => {}
        }
    }
    let typed = job.repair.clone().filter(|repairs| *repairs != Repairs::default());
    let repair = match typed {
        Some(typed) if only_failed => Some(typed),
        // What the run was to repair is part of what it left undone.
        Some(_) | None => kept.repair.or_else(|| job.repair.clone().filter(|_| only_failed)),
    };
    Ok(Some(Subject {
        goods: Arc::new(goods),
        file: kept.picture_file,
        proof: kept.proof,
        selector,
        repair,
        continues: Some(run.id),
        phone_tls: kept.phone_tls,
        nat: kept.nat,
    }))
}

/// What the journal calls the choices about a run's picture.
pub const PICTURE_OPTIONS: &str = "picture options";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_releases_kept_can_be_gone_on_with() {
        let selector = serde_json::to_value(Selector::default()).unwrap();
        let old =
            serde_json::json!({"selector": selector, "picture_file": "a.png", "repair": null});
        let kept: Kept = serde_json::from_value(old).unwrap();
        assert!(matches!(kept.what, payload::Kept::Picture) && kept.phone_tls.is_none());
    }
}
