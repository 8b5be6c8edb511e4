//! The plan file that takes back what a run changed, where the journal does not hold the run any more.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::apply::{Applied, Halt};
use crate::domain::error_chain::error_chain;
use crate::domain::plan::{Change, CurrentState, Plan};
use crate::domain::repair_policy::PendingApplies;
use crate::event::ChangeState;
use crate::interaction::{Interaction, Notice};
use crate::journal::Recorder;
use crate::plan::{left_by, revert_of};
use crate::report::{Writable, plan_json, printable_lines};

/// Leaves a plan file that takes back what was changed, where the journal does not hold it any more.
///
/// The file is written into the folder in which the program runs, or else beside the journal or into the folder for
/// temporary files: one of them can be what has no room.
pub async fn leave(
    recorder: &Recorder,
    plan: &Plan,
    applied: &Applied,
    interaction: &dyn Interaction,
) {
    let lost = match (recorder.check().await, &applied.halt) {
        (Err(error), _) => error_chain(&error),
        (Ok(()), Some(Halt::Unrecorded(why))) => why.clone(),
        (Ok(()), _) => return,
    };
    let back = undo_of(plan, applied);
    if back.changes.is_empty() {
        return;
    }
    let name = format!("axlpaper-undo-{}.json", back.made_at.strftime("%Y%m%d-%H%M%S-%3f"));
    let beside = recorder.path().parent().map(Path::to_owned);
    let folders = [Some(PathBuf::new()), beside, Some(std::env::temp_dir())];
    let document = plan_json(&back, back.made_at);
    let write = |folder: PathBuf| {
        let path = folder.join(&name);
        write_new(&path, &document).ok().map(|()| path)
    };
    match folders.into_iter().flatten().find_map(write) {
        Some(path) => {
            let path = std::path::absolute(&path).unwrap_or(path);
            let shown = path.to_string_lossy();
            let quoted = shlex::try_quote(&shown).unwrap_or_else(|_| shown.clone());
            interaction.notice(&Notice::Text(&printable_lines(&format!(
                "The journal does not hold this run any more: {lost}\nWhat the run changed is in {shown}; `axlpaper \
                 revert --from {quoted}` takes it back"
            ))));
        }
        None => interaction.notice(&Notice::Text(&printable_lines(&format!(
            "The journal does not hold this run any more: {lost}\nNo file can be written either; keep this, `axlpaper \
             revert --from FILE` takes it back:\n{}",
            serde_json::to_string(&document).unwrap_or_default()
        )))),
    }
}

/// Writes a file that is not there yet, whole or not at all.
fn write_new(path: &Path, document: &impl Writable) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or_else(|| Path::new(".")))?;
    document.write_to(&mut file).map_err(std::io::Error::other)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    Ok(())
}

/// The way back from what was sent, as far as it may have been carried out.
fn undo_of(plan: &Plan, applied: &Applied) -> Plan {
    let made = applied.results.iter().filter(|result| {
        result.state != ChangeState::NotApplied && applied.sent.contains(&result.change.id)
    });
    let (changes, left): (Vec<&Change>, Vec<CurrentState>) = made
        .map(|result| {
            let there = applied.read_back.iter().find(|(change, _)| change.id == result.change.id);
            let list = there.and_then(|(_, list)| list.as_ref());
            (&result.change, left_by(&result.change.action, list))
        })
        .unzip();
    let done = changes.into_iter().zip(&left);
    revert_of(&plan.cluster, Timestamp::now(), done, &PendingApplies::default(), false).plan
}
