//! What runs have begun on a cluster and not brought to its end.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::params;

use super::error::{JournalError, Problem};
use super::read::{History, json};
use crate::domain::plan::{Action, Change, Place};
use crate::domain::repair::Owed;

impl History {
    /// Returns phones and profiles whose settings were changed, or may have been, and which were not told to
    /// take them over since.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn owed(&self, cluster_id: &str) -> Result<Owed, JournalError> {
        let (mut phones, mut profiles) = (BTreeSet::new(), BTreeSet::new());
        for (change, is_applied) in self.changes_of_cluster(cluster_id, Timestamp::MIN)? {
            match change.action {
                Action::EnablePersonalization(to) | Action::RestorePersonalization(to) => {
                    match to.scope {
                        Place::Phone => phones.insert(to.target),
                        Place::Profile => profiles.insert(to.target),
                    };
                }
                Action::EnableWebAccess(to) | Action::RestoreWebAccess(to) => {
                    phones.insert(to.target);
                }
                Action::AssignProfile { target, .. } => {
                    phones.insert(target);
                }
                // Nobody uses a profile that was just made, and nobody one that was removed.
                Action::AddProfile { .. }
                | Action::RemoveProfile { .. }
                | Action::AssociateDevices { .. }
                | Action::DissociateDevices { .. } => {}
                Action::ApplyConfig { scope, target, .. } => {
                    match scope {
                        Place::Phone if is_applied => phones.remove(&target),
                        Place::Profile if is_applied => profiles.remove(&target),
                        Place::Phone | Place::Profile => false,
                    };
                }
            }
        }
        Ok(Owed { phones: phones.into_iter().collect(), profiles: profiles.into_iter().collect() })
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
        self.told((|| {
            let mut select = self.connection().prepare(
                "select c.body, c.state, c.intended_at from changes c inner join runs r on c.run = r.id
                  where r.cluster_id = ?1 and coalesce(c.state, '') <> 'not_applied'
                  order by c.run, c.number",
            )?;
            let rows = select.query_map(params![cluster_id], |row| {
                let body: String = row.get(0)?;
                let state: Option<String> = row.get(1)?;
                let at: String = row.get(2)?;
                Ok((body, state, at))
            })?;
            let mut changes = Vec::new();
            for row in rows {
                let (body, state, at) = row?;
                let at: Timestamp = at.parse().map_err(|error: jiff::Error| {
                    Problem::Unreadable { what: "a time", why: error.to_string() }
                })?;
                if at >= since {
                    let is_applied = state.as_deref() == Some("applied");
                    changes.push((json(&body, "a change")?, is_applied));
                }
            }
            Ok(changes)
        })())
    }
}
