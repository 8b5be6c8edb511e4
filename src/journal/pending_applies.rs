//! What runs have begun on a cluster and not brought to its end.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;
use rusqlite::params;

use crate::domain::plan::{Change, ConfigLevel, Plan};
use crate::domain::repair_policy::PendingApplies;
use crate::event::ChangeState;
use crate::journal::error::JournalError;
use crate::journal::reader::{JournalReader, change_state, json, time};
use crate::journal::rows::RunId;

impl JournalReader {
    /// Returns phones and profiles whose settings were changed, or may have been, and which were not sent the command to
    /// apply them since.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn pending_applies(&self, cluster_id: &str) -> Result<PendingApplies, JournalError> {
        let (mut phones, mut profiles) = (BTreeSet::new(), BTreeSet::new());
        for (change, is_applied) in self.changes_of_cluster(cluster_id, Timestamp::MIN)? {
            if let Some((place, name)) = change.action.configures() {
                match place {
                    ConfigLevel::Phone => phones.insert(name.to_owned()),
                    ConfigLevel::Profile => profiles.insert(name.to_owned()),
                };
            }
            match change.action.told() {
                Some((ConfigLevel::Phone, name)) if is_applied => drop(phones.remove(name)),
                Some((ConfigLevel::Profile, name)) if is_applied => drop(profiles.remove(name)),
                Some(_) | None => {}
            }
        }
        Ok(PendingApplies {
            phones: phones.into_iter().collect(),
            profiles: profiles.into_iter().collect(),
        })
    }

    /// Returns the numbers of those changes of a plan for which phones were sent the command to apply their configuration
    /// when an earlier run carried the same plan out; it need not be sent again.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn told_before(&self, run: RunId, plan: &Plan) -> Result<HashSet<u32>, JournalError> {
        let cluster_id: Option<String> =
            self.row("select cluster_id from runs where id = ?1", [run], |row| Ok(row.get(0)?))?;
        let cluster_id = cluster_id.unwrap_or_default();
        let select = "select c.number from changes c inner join runs r on c.run = r.id inner join plans p on p.run = r.id
                  where r.cluster_id = ?1 and p.fingerprint = ?2 and c.kind = 'apply_config' and c.state = 'applied'";
        let numbers =
            self.rows(select, params![cluster_id, plan.fingerprint], |row| Ok(row.get(0)?))?;
        let numbers: HashSet<u32> = numbers.into_iter().collect();
        let pending_applies = self.pending_applies(&cluster_id)?;
        let is_owed = |change: &&Change| match change.action.told() {
            Some((ConfigLevel::Phone, name)) => {
                pending_applies.phones.iter().any(|phone| phone == name)
            }
            Some((ConfigLevel::Profile, name)) => {
                pending_applies.profiles.iter().any(|profile| profile == name)
            }
            None => true,
        };
        let told = plan.changes.iter().filter(|change| !is_owed(change)).map(|change| change.id);
        Ok(told.filter(|id| numbers.contains(id)).collect())
    }

    /// Returns the devices that a user was given since a time, by name: phones may not know of it yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn associated_since(
        &self,
        cluster_id: &str,
        since: Timestamp,
    ) -> Result<BTreeSet<String>, JournalError> {
        let changes = self.changes_of_cluster(cluster_id, since)?;
        let added = changes.iter().flat_map(|(change, _)| change.action.added_devices());
        Ok(added.cloned().collect())
    }

    /// Returns the changes that were made or may have been, the oldest first, and whether each is known to
    /// have been.
    fn changes_of_cluster(
        &self,
        cluster_id: &str,
        since: Timestamp,
    ) -> Result<Vec<(Change, bool)>, JournalError> {
        let select =
            "select c.body, c.state, c.intended_at from changes c inner join runs r on c.run = r.id
                  where r.cluster_id = ?1 and coalesce(c.state, '') <> 'not_applied'
                  order by c.run, c.number";
        let changes = self.rows(select, [cluster_id], |row| {
            let state = change_state(row, 1)?;
            let (change, at) = (row.get::<_, String>(0)?, time(row, 2)?);
            // Only what counts is parsed: the changes of years can be many.
            let change = (at >= since).then(|| json(&change, "a change")).transpose()?;
            Ok(change.map(|change| (change, state == Some(ChangeState::Applied))))
        })?;
        Ok(changes.into_iter().flatten().collect())
    }
}
