//! Removes old runs and the pictures that no other run needs.
//!
//! Proofs stay: the attempt that proves what a phone shows, its picture, and the pinned certificates of phones remain when
//! their run is removed. So a later run still skips those phones, and can be taken back.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::domain::payload_kind::ObjectKind;
use crate::journal::error::{JournalError, Problem};
use crate::journal::reader::{JournalReader, PROVEN, PROVEN_ATTEMPTS};
use crate::journal::recorder::connect;
use crate::journal::rows::VERIFY;
use crate::journal::rows::{ADDRESSES, RunId, RunRow, RunState};
use crate::journal::screenshots::DRIFTED;

/// Why an old run is kept.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum KeptBecause {
    /// It did not come to its end, and no run has continued it. A failed one counts where it pushed or changed something.
    Unfinished,
    /// It is the last run of its kind on its cluster that came to its end.
    Last,
    /// Phones have not applied all changes of its cluster yet.
    PendingApplies,
    /// A run that is kept continues or reverts it, or completes its changes.
    Needed,
    /// It is the only one that has a picture that phones are proven to show.
    OnlyCopy,
}

/// What was removed, or would be.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pruned {
    /// The runs that are removed.
    pub runs: BTreeSet<RunId>,
    /// Older runs that are kept.
    pub kept: BTreeMap<KeptBecause, Vec<RunId>>,
    /// Phones with a proof of a removed run that stays.
    pub proofs: usize,
    /// Picture files that are removed.
    pub pictures: usize,
    /// Their length.
    pub picture_bytes: u64,
    /// Runs that a process works on: nothing can be removed beside them.
    pub working: Vec<RunId>,
}

/// What is known of a run.
#[derive(Clone, Debug)]
struct Facts {
    run: RunRow,
    pushed: bool,
    changed: bool,
    /// Whether a later run continued it, and did something.
    continued: bool,
    /// Whether phones of its cluster have not applied all changes.
    pending_applies: bool,
    only_copy: bool,
}

/// Removes the runs that ended before a time. With `dry_run` nothing is removed.
///
/// # Errors
/// When the journal cannot be read or written, or a run began meanwhile. Nothing is removed then.
pub fn prune(path: &Path, before: Timestamp, dry_run: bool) -> Result<Pruned, JournalError> {
    let Some(history) = JournalReader::open(path)? else { return Ok(Pruned::default()) };
    let facts = facts(&history)?;
    let mut pruned = decide(&facts, before);
    if !pruned.working.is_empty() || pruned.runs.is_empty() {
        return Ok(pruned);
    }
    let last = facts.iter().map(|facts| facts.run.id).max().unwrap_or_default();
    let clusters: BTreeSet<&str> = facts.iter().map(|facts| &*facts.run.cluster_id).collect();
    let removed = connect(path).and_then(|mut connection| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let begun = "select count(*) from runs where id > ?1";
        if transaction.query_row(begun, [last], |row| row.get::<_, i64>(0))? > 0 {
            return Err(Problem::Busy);
        }
        remove(&transaction, &clusters, &mut pruned)?;
        if dry_run {
            transaction.rollback()?;
        } else {
            transaction.commit()?;
            compact(&connection);
        }
        Ok(())
    });
    removed.map_err(|problem| JournalError::new("write to", path, problem))?;
    Ok(pruned)
}

/// Gives the room back to the disk. It is free inside the file otherwise, and new runs use it.
fn compact(connection: &Connection) {
    let compacted = connection.execute_batch("vacuum; pragma wal_checkpoint(truncate)");
    if let Err(error) = compacted {
        tracing::warn!(%error, "the journal's file does not become smaller");
    }
}

fn facts(history: &JournalReader) -> Result<Vec<Facts>, JournalError> {
    let ids = |select: &str| -> Result<HashSet<RunId>, JournalError> {
        let ids = history.rows(select, [], |row| Ok(row.get(0)?))?;
        Ok(ids.into_iter().collect())
    };
    let pushed = ids(&format!(
        "select distinct p.run from pushes p inner join runs r on r.id = p.run where r.command <> '{VERIFY}'"
    ))?;
    let changed =
        ids("select distinct run from changes where coalesce(state, '') <> 'not_applied'")?;
    let (mut pending, mut only_copies) = (BTreeMap::new(), HashSet::new());
    let runs = history.runs(usize::MAX)?;
    for run in &runs {
        if pending.contains_key(&run.cluster_id) {
            continue;
        }
        let applies = history.pending_applies(&run.cluster_id)?;
        let is_pending = !applies.phones.is_empty() || !applies.profiles.is_empty();
        pending.insert(run.cluster_id.clone(), is_pending);
        let proven = history.proven(&run.cluster_id, ObjectKind::Background)?.into_values();
        let proven: BTreeSet<_> = proven.map(|proven| (proven.run, proven.digest)).collect();
        for (run, digest) in proven {
            let has_file = "select 1 from snapshots where run = ?1 and (kind = 'picture' or kind like 'picture %')";
            if history.picture(&digest)?.is_none()
                && history.row(has_file, [run], |_| Ok(()))?.is_some()
            {
                only_copies.insert(run);
            }
        }
    }
    let facts = runs.into_iter().map(|run| {
        Ok(Facts {
            pushed: pushed.contains(&run.id),
            changed: changed.contains(&run.id),
            continued: history.continued_by(&run)?.is_some(),
            pending_applies: pending.get(&run.cluster_id).copied().unwrap_or_default(),
            only_copy: only_copies.contains(&run.id),
            run,
        })
    });
    facts.collect()
}

/// Chooses the runs that are removed; `all` has the newest first.
fn decide(all: &[Facts], before: Timestamp) -> Pruned {
    let mut kept: BTreeMap<RunId, Option<KeptBecause>> = BTreeMap::new();
    let (mut finished, mut changes) = (HashSet::new(), HashSet::new());
    for Facts { run, pushed, changed, continued, pending_applies, only_copy } in all {
        let object = run.subject.as_ref().map(|subject| subject.object);
        let kind = (&run.cluster_id, object, run.command == VERIFY);
        let is_last_change = *changed && !changes.contains(&run.cluster_id);
        let because = match run.state {
            _ if run.ended_at.unwrap_or(run.began_at) >= before => None,
            RunState::Killed | RunState::Interrupted if !continued => Some(KeptBecause::Unfinished),
            RunState::Failed if (*pushed || *changed) && !continued => {
                Some(KeptBecause::Unfinished)
            }
            RunState::Finished if !finished.contains(&kind) || is_last_change => {
                Some(KeptBecause::Last)
            }
            _ if *changed && *pending_applies => Some(KeptBecause::PendingApplies),
            _ if *only_copy => Some(KeptBecause::OnlyCopy),
            RunState::Running
            | RunState::Finished
            | RunState::Interrupted
            | RunState::Declined
            | RunState::Failed
            | RunState::Killed => {
                continue;
            }
        };
        if run.state == RunState::Finished {
            finished.insert(kind);
            if *changed {
                changes.insert(run.cluster_id.clone());
            }
        }
        kept.insert(run.id, because);
    }
    // The oldest run that is kept needs all later changes of its cluster: they can be what completes its own.
    loop {
        let is_needed = |one: &&Facts| {
            !kept.contains_key(&one.run.id)
                && all.iter().filter(|other| kept.contains_key(&other.run.id)).any(|other| {
                    let (id, run) = (Some(one.run.id), &other.run);
                    let completes = one.changed
                        && other.changed
                        && run.id < one.run.id
                        && run.cluster_id == one.run.cluster_id;
                    run.continues == id || run.reverts == id || completes
                })
        };
        let needed: Vec<RunId> = all.iter().filter(is_needed).map(|one| one.run.id).collect();
        if needed.is_empty() {
            break;
        }
        kept.extend(needed.into_iter().map(|id| (id, Some(KeptBecause::Needed))));
    }
    let mut pruned = Pruned::default();
    for Facts { run, .. } in all {
        if run.state == RunState::Running {
            pruned.working.push(run.id);
        }
        if !kept.contains_key(&run.id) {
            pruned.runs.insert(run.id);
        }
    }
    for (id, because) in kept {
        if let Some(because) = because {
            pruned.kept.entry(because).or_default().push(id);
        }
    }
    pruned
}

/// Removes runs and what only they need.
fn remove(
    db: &Transaction<'_>,
    clusters: &BTreeSet<&str>,
    pruned: &mut Pruned,
) -> Result<(), Problem> {
    db.execute_batch(
        "create temp table gone (run integer primary key); create temp table proofs (id integer primary key);",
    )?;
    for run in &pruned.runs {
        db.execute("insert into gone values (?1)", [run])?;
    }
    let proofs = format!(
        "insert or ignore into proofs select p.id from {PROVEN_ATTEMPTS} where {PROVEN} and p.run in (select run from gone)"
    );
    let keys = ObjectKind::Keys.as_str();
    for cluster in clusters {
        for object in [ObjectKind::Background, ObjectKind::RingTone] {
            let with = params![cluster, ADDRESSES, object.as_str(), keys, i64::MAX, VERIFY];
            pruned.proofs += db.execute(&proofs, with)?;
        }
        // A phone that shows another picture is left so, also when it is forgotten who looked.
        let drifted = format!("insert or ignore into proofs select id from {DRIFTED}");
        db.execute(&drifted, params![cluster, ObjectKind::Background.as_str(), VERIFY])?;
    }
    db.execute_batch(REMOVE)?;
    db.execute(UNUSED_WORDS, [])?;
    let (pictures, bytes) = db.query_row(
        &format!("select count(*), coalesce(sum(length(body) + coalesce(length(thumbnail), 0)), 0) from {UNUSED}"),
        [],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
    )?;
    pruned.pictures = usize::try_from(pictures).unwrap_or_default();
    pruned.picture_bytes = u64::try_from(bytes).unwrap_or_default();
    db.execute(&format!("delete from {UNUSED}"), [])?;
    db.execute_batch("drop table temp.gone; drop table temp.proofs;")?;
    Ok(())
}

const REMOVE: &str = "
    -- An attempt that follows one of a run that is kept can have taken that one's proof away.
    delete from pushes where run in (select run from gone) and id not in (select id from proofs)
        and not exists (select 1 from pushes k where k.phone = pushes.phone and k.id < pushes.id
                           and k.run not in (select run from gone));
    update pushes set earlier = '' where run in (select run from gone);
    delete from phone_pins where run in (select run from gone)
        and id <> (select max(q.id) from phone_pins q where q.phone = phone_pins.phone);
    delete from control_requests where run in (select run from gone);
    delete from events where run in (select run from gone);
    delete from snapshots where run in (select run from gone);
    delete from plans where run in (select run from gone);
    delete from changes where run in (select run from gone);
    delete from phones where run in (select run from gone);
    update runs set state = 'pruned', command_line = '', continues = null, reverts = null
        where id in (select run from gone);
    delete from runs where id in (select run from gone) and id not in (select run from pushes)
        and id not in (select run from phone_pins);
";

/// Pictures that no run and no proof refers to.
const UNUSED: &str = "pictures where digest not in (select digest from pushes)
    and digest not in (select earlier from pushes where earlier is not null)
    and digest not in (select picture from snapshots where picture is not null)
    and digest not in (select base from words)";

/// Words that no proof refers to.
const UNUSED_WORDS: &str = "delete from words where digest not in (select digest from pushes)
    and digest not in (select earlier from pushes where earlier is not null)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::push_action::PushAction;
    use crate::journal::Subject;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A run that pushed, and ended at the second of its number.
    fn facts(id: RunId, state: RunState) -> Facts {
        let text = String::new;
        let run = RunRow {
            id,
            command: text(),
            command_line: text(),
            program: text(),
            cluster_id: "c1".to_owned(),
            cluster: text(),
            host: text(),
            os_user: text(),
            machine: text(),
            continues: None,
            reverts: None,
            began_at: at(id),
            ended_at: Some(at(id)).filter(|_| state != RunState::Killed),
            state,
            is_waiting: false,
            exit_code: None,
            outcomes: Vec::new(),
            time_zone: jiff::tz::TimeZone::UTC,
            subject: Some(Subject::new(PushAction::Picture, "a.png", false)),
        };
        Facts {
            run,
            pushed: true,
            changed: false,
            continued: false,
            pending_applies: false,
            only_copy: false,
        }
    }

    fn removed(mut all: Vec<Facts>, before: i64) -> (Vec<RunId>, Vec<(KeptBecause, Vec<RunId>)>) {
        all.reverse();
        let pruned = decide(&all, at(before));
        (pruned.runs.into_iter().collect(), pruned.kept.into_iter().collect())
    }

    #[test]
    fn the_last_finished_run_and_unfinished_ones_stay() {
        use RunState::{Declined, Failed, Finished, Interrupted, Killed};
        let all = vec![
            facts(1, Finished),
            facts(2, Killed),
            facts(3, Interrupted),
            facts(4, Finished),
            Facts { pushed: false, ..facts(5, Failed) },
            facts(6, Declined),
        ];
        let kept = |kept| vec![(KeptBecause::Unfinished, kept), (KeptBecause::Last, vec![4])];
        assert_eq!(removed(all.clone(), 100), (vec![1, 5, 6], kept(vec![2, 3])));
        assert_eq!(removed(all.clone(), 2).0, [1], "younger ones stay without a word");
        // A run that was continued is finished by the other one.
        let mut continued = all;
        continued[3].run.continues = Some(3);
        continued[2].continued = true;
        let (runs, kept) = removed(continued, 100);
        assert_eq!(runs, [1, 5, 6]);
        assert!(kept.contains(&(KeptBecause::Needed, vec![3])), "run 4 continues it: {kept:?}");
        // Another cluster, and another kind of object, have a last run of their own.
        let mut others = vec![facts(1, Finished), facts(2, Finished), facts(3, Finished)];
        others[0].run.cluster_id = "c2".to_owned();
        others[1].run.subject = Some(Subject::new(PushAction::RingTone, "a.wav", false));
        assert_eq!(removed(others, 100).0, Vec::<RunId>::new());
        // A look at screens is no push.
        let mut looked = facts(2, Finished);
        looked.run.command = VERIFY.to_owned();
        assert_eq!(removed(vec![facts(1, Finished), looked], 100).0, Vec::<RunId>::new());
    }

    #[test]
    fn changes_go_oldest_first() {
        use RunState::{Finished, Killed};
        let changed = |facts: Facts| Facts { changed: true, ..facts };
        let all = || {
            vec![
                changed(facts(1, Finished)),
                changed(facts(2, Killed)),
                changed(facts(3, Finished)),
                facts(4, Finished),
                facts(5, Finished),
            ]
        };
        // Run 3 can have applied what run 2 changed, which would be pending again without it.
        let (runs, kept) = removed(all(), 100);
        assert_eq!(runs, [1, 4]);
        assert!(kept.contains(&(KeptBecause::Last, vec![3, 5])), "the last changes stay: {kept:?}");
        let mut earlier = all();
        earlier.push(changed(facts(6, Finished)));
        let (runs, kept) = removed(earlier, 100);
        assert_eq!(runs, [1, 4, 5]);
        assert!(kept.contains(&(KeptBecause::Needed, vec![3])), "{kept:?}");
        let mut pending = all();
        pending.iter_mut().for_each(|facts| facts.pending_applies = true);
        assert_eq!(removed(pending, 100).0, [4]);
        let mut only_copy = all();
        only_copy[3].only_copy = true;
        assert_eq!(removed(only_copy, 100).0, [1]);
    }

    #[test]
    fn a_run_that_works_is_named() {
        let pruned = decide(&[facts(1, RunState::Running)], at(0));
        assert_eq!((pruned.working, pruned.runs.len()), (vec![1], 0));
    }
}
