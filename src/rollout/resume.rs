//! Reads from the journal what a run pushed to which phones, so that another run can resume it.

use crate::connect::cluster;
use crate::connect::journal;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::connect::cluster::ClusterSettings;
use crate::connect::phone_tls;
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Phone;
use crate::domain::model::by_name;
use crate::domain::nat::NatRules;
use crate::domain::payload_kind::ObjectKind;
use crate::domain::repair_policy::Repairs;
use crate::domain::selector::Selector;
use crate::domain::text::pluralize;
use crate::error::{AppError, ErrorKind};
use crate::event::{PhoneResult, Proof};
use crate::interaction::{Interaction, Notice};
use crate::journal::{
    JournalError, JournalReader, RESUME_RECORD, Recorder, RunId, RunRef, RunRow, RunState, VERIFY,
};
use crate::report::RunReport;
use crate::rollout::by_address::identify::{AddressEntry, is_address};
use crate::rollout::cluster_task::ClusterTask;
use crate::rollout::options::SavedOptions;
use crate::rollout::payload::earlier_pictures::EarlierPictures;
use crate::rollout::payload::external_picture::ExternalPicture;
use crate::rollout::payload::picture::PicturePayload;
use crate::rollout::payload::pictures_by_rules::PicturesByRules;
use crate::rollout::payload::removal::Removal;
use crate::rollout::payload::{Payload, SavedPayload};

/// The run that is resumed.
#[derive(Clone, Copy, Debug)]
pub enum RunSource {
    /// What it was about.
    Resume(RunRef),
    /// The phones that it has not served.
    OnlyFailed(RunRef),
    /// The phones that it pushed to: they get what they showed before.
    PicturesBefore(RunRef),
}

impl RunSource {
    /// Tells whether it is the last run, without a number.
    pub fn is_last(self) -> bool {
        self.run() == RunRef::Last
    }

    fn run(self) -> RunRef {
        let (Self::Resume(run) | Self::OnlyFailed(run) | Self::PicturesBefore(run)) = self;
        run
    }

    /// Returns the command that goes on with this run.
    fn command(self, run: RunId) -> String {
        match self {
            Self::Resume(_) => format!("axlpaper rollout --resume {run}"),
            Self::OnlyFailed(_) => format!("axlpaper rollout --only-failed {run}"),
            Self::PicturesBefore(_) => format!("axlpaper revert {run} --pictures"),
        }
    }

    /// Finds the run, and the command that goes on with it.
    ///
    /// # Errors
    /// When the run is not there, or the journal cannot be read.
    pub fn found(self, state: &Path) -> Result<(RunRow, String), AppError> {
        let run = self.find(&journal::history(state)?)?;
        let command = self.command(run.id);
        Ok((run, command))
    }

    /// Finds the run. The last one is never a verification, which pushes nothing.
    fn find(self, history: &JournalReader) -> Result<RunRow, AppError> {
        let last = if self.is_last() { history.last_run(VERIFY)? } else { None };
        last.map_or_else(|| journal::find(history, self.run()), Ok)
    }
}

/// A run is about another cluster than the one that is connected to.
#[derive(Debug, thiserror::Error)]
#[error("run {run} was about {host}, not about {connected}")]
pub struct OtherCluster {
    /// The run.
    pub run: RunId,
    /// The publisher that the run was about, as `host:port`.
    pub host: String,
    /// The publisher that is connected to.
    pub connected: String,
}

/// Makes sure that a run was about this cluster.
///
/// # Errors
/// Has [`OtherCluster`] as its source.
pub fn check_cluster(run: &RunRow, connection: &ClusterSettings) -> Result<(), AppError> {
    if run.cluster_id == cluster::cluster_id(connection) {
        return Ok(());
    }
    let (host, connected) = (run.host.clone(), connection.endpoint.to_string());
    let other = OtherCluster { run: run.id, host, connected };
    Err(AppError::from_error(ErrorKind::Refused, other)
        .hint("nothing was changed; name the run's cluster"))
}

/// What a run pushes to which phones, and which run it resumes.
pub struct ResumedRun {
    /// Which phones.
    pub selector: Selector,
    /// What is pushed.
    pub payload: Arc<dyn Payload>,
    /// What reports call it: the name of its file.
    pub file: String,
    /// How the resumed run proved it.
    pub proof: Option<Proof>,
    /// What may be repaired; nothing where the cluster may not be changed.
    pub repair: Option<Repairs>,
    /// The run that is gone on with, or whose pictures are taken back.
    pub earlier: RunId,
    /// Whether its pictures are taken back.
    pub is_revert: bool,
    /// The options of that run; only `force` where only the phones that it has not served are pushed to.
    pub options: SavedOptions,
    /// How that run reached phones over HTTPS, where it did.
    pub phone_tls: Option<phone_tls::SavedPhoneTls>,
    /// The translated addresses that it allowed for.
    pub nat: NatRules,
}

/// What the journal keeps of a run's beginning, so that it can be resumed.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct ResumeRecord {
    /// Which phones.
    pub selector: Selector,
    /// The picture's file name.
    pub picture_file: String,
    /// What was done to phones.
    #[serde(default)]
    pub what: SavedPayload,
    /// How it was proven.
    #[serde(default)]
    pub proof: Option<Proof>,
    /// What may be repaired; nothing where the cluster may not be changed.
    pub repair: Option<Repairs>,
    /// The options that were given.
    #[serde(default)]
    pub options: SavedOptions,
    /// How phones were reached over HTTPS, where they were.
    #[serde(default)]
    pub phone_tls: Option<phone_tls::SavedPhoneTls>,
    /// The translated addresses that were allowed for.
    #[serde(default)]
    pub nat: NatRules,
}

/// Returns the phones of a run that asked no cluster, where its pictures are taken back; nothing for a run on a cluster.
///
/// # Errors
/// When such a run is to be gone on with: what it left undone is found out by its own command. When the run is not there,
/// or the journal cannot be read.
pub fn addresses(earlier: RunSource, state: &Path) -> Result<Option<Vec<AddressEntry>>, AppError> {
    let history = journal::history(state)?;
    let run = earlier.find(&history)?;
    if !run.is_about_addresses() {
        return Ok(None);
    }
    if let RunSource::PicturesBefore(_) = earlier {
        let entry = |phone: PhoneResult| {
            let name = Some(phone.name).filter(|name| !is_address(name));
            Some(AddressEntry { address: phone.ip?, model: by_name(&phone.model), name })
        };
        return Ok(Some(history.phones(run.id)?.into_iter().filter_map(entry).collect()));
    }
    let error = format!("run {} pushed to addresses, and `rollout` asks a cluster", run.id);
    Err(AppError::new(ErrorKind::Usage, error).hint(format!(
        "run its command again; phones that are verified to show the picture are skipped: `{}`",
        run.command_line
    )))
}

/// Returns how the pictures of a run that pushed to addresses are taken back.
///
/// # Errors
/// When the journal cannot be read, or no phone can get an earlier picture.
pub async fn read_by_address(earlier: RunSource, state: &Path) -> Result<ResumedRun, AppError> {
    let history = journal::history(state)?;
    let run = earlier.find(&history)?;
    before(&history, &run, None).await
}

/// Reads the payload of an earlier run; nothing where the journal lacks its picture.
async fn payload(
    history: &JournalReader,
    run: RunId,
    record: &ResumeRecord,
) -> Result<Option<Arc<dyn Payload>>, AppError> {
    Ok(match &record.what {
        SavedPayload::Picture => {
            PicturePayload::from_journal(history, run, &record.picture_file).await?
        }
        SavedPayload::ByRules { rules } => {
            PicturesByRules::from_journal(history, run, rules).await?
        }
        SavedPayload::External { image_url, icon_url } => {
            Some(Arc::new(ExternalPicture::from_journal(image_url, icon_url)?))
        }
        SavedPayload::Removal => Some(Arc::new(Removal)),
        SavedPayload::Earlier { run } => {
            let run = journal::find(history, RunRef::Number(*run))?;
            Some(Arc::new(EarlierPictures::from_journal(history, &run).await?))
        }
    })
}

/// Returns the phones that a run has not served: those that failed, those that it was to push to and did not, and those
/// of which it wrote no end because it was killed before. Nothing where the journal does not know its phones: then none
/// has been served.
fn unserved(
    history: &JournalReader,
    run: &RunRow,
    interaction: &dyn Interaction,
) -> Result<Option<Vec<DeviceName>>, AppError> {
    let ended = history.phones(run.id)?.len();
    let report = RunReport::read(history, run.clone())?;
    if report.audit.is_none() && ended == 0 {
        return Ok(None);
    }
    let without_end = report.phones.len() - ended;
    if without_end > 0 {
        let phones = pluralize(without_end, "phone");
        interaction.notice(&Notice::Text(&format!(
            "note: run {} has no end of {phones} in the journal; those that it was to push to are pushed to too",
            run.id
        )));
    }
    Ok(Some(report.unserved()))
}

/// Reads what an earlier run was about; nothing where it left nothing undone. `repairs` may be done now.
///
/// # Errors
/// When the picture or the journal cannot be read, or the run is about another cluster.
pub async fn read(
    earlier: RunSource,
    repairs: Option<&Repairs>,
    state: &Path,
    connection: &ClusterSettings,
    interaction: &dyn Interaction,
) -> Result<Option<ResumedRun>, AppError> {
    let only_failed = matches!(earlier, RunSource::OnlyFailed(_));
    let history = journal::history(state)?;
    let run = earlier.find(&history)?;
    check_cluster(&run, connection)?;
    let kept = history.snapshot::<ResumeRecord>(run.id, RESUME_RECORD)?;
    if let RunSource::PicturesBefore(_) = earlier {
        return before(&history, &run, kept).await.map(Some);
    }
    let payload = match &kept {
        Some(kept) => payload(&history, run.id, kept).await?,
        None => None,
    };
    let (Some(kept), Some(payload)) = (kept, payload) else {
        let hint = match history.last_resumable()?.map(|last| last.id) {
            Some(last) => {
                let option = if only_failed { "--only-failed" } else { "--resume" };
                format!("use `{option} {last}`: run {last} is the last one that can be resumed")
            }
            None => {
                "`axlpaper rollout PICTURE` pushes to phones that do not show it; the others are skipped".to_owned()
            }
        };
        let message =
            format!("run {} is an `axlpaper {}`, which pushes no picture", run.id, run.command);
        return Err(AppError::new(ErrorKind::Usage, message).hint(hint));
    };
    let mut selector = kept.selector;
    // A run that did not come to its end is done again as a whole, which leaves alone who is proven: phones can have
    // come since.
    if only_failed || run.state == RunState::Finished {
        match unserved(&history, &run, interaction)? {
            Some(unserved) if unserved.is_empty() => return Ok(None),
            Some(unserved) => {
                selector = Selector { listed: Some(unserved), ..Selector::default() };
            }
            None => {}
        }
    }
    let typed = repairs.filter(|repairs| **repairs != Repairs::default());
    let repair = match typed {
        Some(typed) if only_failed => Some(typed.clone()),
        // What the run was to repair is part of what it left undone.
        Some(_) | None => kept.repair.or_else(|| repairs.filter(|_| only_failed).cloned()),
    };
    Ok(Some(ResumedRun {
        payload,
        file: kept.picture_file,
        proof: kept.proof,
        selector,
        repair,
        earlier: run.id,
        is_revert: false,
        options: if only_failed {
            SavedOptions { force: kept.options.force, ..SavedOptions::default() }
        } else {
            kept.options
        },
        phone_tls: kept.phone_tls,
        nat: kept.nat,
    }))
}

/// Returns how the pictures of a run are taken back: all phones that it pushed to, and what they showed before.
async fn before(
    history: &JournalReader,
    run: &RunRow,
    kept: Option<ResumeRecord>,
) -> Result<ResumedRun, AppError> {
    let pictures = EarlierPictures::from_journal(history, run).await?;
    let phones: Vec<DeviceName> = pictures.phones().cloned().collect();
    if phones.is_empty() {
        let error = format!("run {} (`axlpaper {}`) pushed no picture", run.id, run.command);
        let last = history.last_push(&run.cluster_id, ObjectKind::Background)?;
        return Err(AppError::new(ErrorKind::Usage, error).hint(match last {
            Some(last) => format!("name run {last}, the last one that did"),
            None => "`axlpaper runs` lists the runs".to_owned(),
        }));
    }
    if let Some(reasons) = pictures.nothing() {
        let phones = pluralize(phones.len(), "phone");
        let error = format!(
            "run {} pushed to {phones}, and none can get an earlier picture back: {reasons}",
            run.id
        );
        return Err(AppError::new(ErrorKind::Usage, error).hint(
            "nothing was changed or sent; only what axlpaper has pushed and proved can be pushed back, so push the \
             picture that they are to show from its file",
        ));
    }
    let kept = kept.unwrap_or_default();
    Ok(ResumedRun {
        file: pictures.name(),
        payload: Arc::new(pictures),
        proof: None,
        selector: Selector { listed: Some(phones), ..Selector::default() },
        repair: None,
        earlier: run.id,
        is_revert: true,
        options: SavedOptions::default(),
        phone_tls: kept.phone_tls,
        nat: kept.nat,
    })
}

/// Keeps what is needed to resume this run. Only runs that push pictures can be resumed: keys must not be
/// pressed twice, and for a ring tone the same command does.
///
/// # Errors
/// When it cannot be written.
pub async fn keep(task: &ClusterTask, recorder: &Recorder) -> Result<(), JournalError> {
    let Some(what) = task.request.payload.saved() else { return Ok(()) };
    keep_record(task, task.request.selector.clone(), what, recorder).await?;
    task.request.payload.save_files(recorder).await
}

/// Keeps the phones that a limit took, so that the run is resumed for the same ones.
///
/// # Errors
/// When it cannot be written.
pub async fn keep_selection(
    task: &ClusterTask,
    phones: &[Phone],
    recorder: &Recorder,
) -> Result<(), JournalError> {
    let Some(what) = task.request.payload.saved() else { return Ok(()) };
    let listed = phones.iter().map(|phone| phone.name.clone()).collect();
    let selector = Selector { listed: Some(listed), ..Selector::default() };
    keep_record(task, selector, what, recorder).await
}

async fn keep_record(
    task: &ClusterTask,
    selector: Selector,
    what: SavedPayload,
    recorder: &Recorder,
) -> Result<(), JournalError> {
    let job = ResumeRecord {
        selector,
        picture_file: task.request.payload_name.clone(),
        what,
        proof: Some(task.request.proof),
        repair: task.request.repair.clone(),
        options: task.request.saved_options.clone(),
        phone_tls: task.connection.push_access.phone_tls.kept.clone(),
        nat: task.connection.push_access.nat.clone(),
    };
    recorder.snapshot(RESUME_RECORD, &job).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_releases_kept_can_be_gone_on_with() {
        let selector = serde_json::to_value(Selector::default()).unwrap();
        let old =
            serde_json::json!({"selector": selector, "picture_file": "a.png", "repair": null});
        let kept: ResumeRecord = serde_json::from_value(old).unwrap();
        assert!(matches!(kept.what, SavedPayload::Picture) && kept.phone_tls.is_none());
    }
}
