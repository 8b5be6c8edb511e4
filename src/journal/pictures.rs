//! Pictures, each kept once however many runs push it, and what phones were proven to show before a run pushed to them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use rusqlite::params;
use sha2::{Digest as _, Sha256};

use crate::domain::device_name::DeviceName;
use crate::domain::payload_kind::ObjectKind;
use crate::domain::text::hex;
use crate::journal::error::JournalError;
use crate::journal::reader::{JournalReader, name};
use crate::journal::recorder::{AttemptWords, Recorder, now};
use crate::journal::rows::{Proven, RunId, VERIFY};

/// A picture as phones of one panel get it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeptPicture {
    /// The digest that attempts name.
    pub digest: String,
    /// The name of the file that it was made of.
    pub name: String,
    /// Bits of colour of the panel.
    pub depth: u8,
    /// A PNG file.
    pub background: Vec<u8>,
    /// A PNG file.
    pub thumbnail: Vec<u8>,
}

/// A phone that runs pushed to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PushedPhone {
    /// The digest that it was proven to show before their first push; nothing where none was known.
    pub earlier: Option<String>,
    /// The last run that pushed to it, where that is another one, and it pushed something else.
    pub pushed_since: Option<RunId>,
}

impl Recorder {
    /// Keeps a picture that phones get, so that it can be pushed again. The last name counts.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn keep_picture(&self, picture: KeptPicture) -> Result<(), JournalError> {
        let insert = "insert into pictures (digest, body, thumbnail, depth, name) values (?1, ?2, ?3, ?4, ?5)
                     on conflict (digest) do update set name = excluded.name";
        let KeptPicture { digest, name, depth, background, thumbnail } = picture;
        self.write(insert, (digest, background, thumbnail, depth, name)).await.map(drop)
    }

    /// Keeps a picture file that the run read; [`JournalReader::kept`] returns it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn keep_file(&self, kind: String, bytes: Vec<u8>) -> Result<(), JournalError> {
        let (run, digest) = (self.run(), file_digest(&bytes));
        let write = move |db: &rusqlite::Connection| {
            let insert =
                "insert into pictures (digest, body) values (?1, ?2) on conflict do nothing";
            db.prepare_cached(insert)?.execute(params![digest, bytes])?;
            let insert = "insert into snapshots (run, kind, taken_at, body, picture) values (?1, ?2, ?3, x'', ?4)";
            db.prepare_cached(insert)?.execute(params![run, kind, now(), digest]).map(|_| 0)
        };
        self.writer().write(write).await.map(drop)
    }
}

impl JournalReader {
    /// Returns a picture by the digest that attempts name; nothing where it was pushed by an earlier release only.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn picture(&self, digest: &str) -> Result<Option<KeptPicture>, JournalError> {
        let select = "select digest, name, depth, body, thumbnail from pictures where digest = ?1 and depth is not null";
        self.row(select, [digest], |row| {
            Ok(KeptPicture {
                digest: row.get(0)?,
                name: row.get(1)?,
                depth: row.get(2)?,
                background: row.get(3)?,
                thumbnail: row.get(4)?,
            })
        })
    }

    /// Returns the words of a picture with words, and the digest of the picture below; nothing for a picture without words.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn words(&self, digest: &str) -> Result<Option<AttemptWords>, JournalError> {
        let select = "select base, body from words where digest = ?1";
        let words = self.row(select, [digest], |row| {
            let (base, body): (String, String) = (row.get(0)?, row.get(1)?);
            // A later release may keep words that this one cannot draw.
            let words = serde_json::from_str(&body).ok();
            Ok(words.map(|words| AttemptWords { base, words: Arc::new(words) }))
        })?;
        Ok(words.flatten())
    }

    /// Returns the phones of a cluster that are proven to show a picture of the file with this digest.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn showing_file(
        &self,
        cluster_id: &str,
        digest: &str,
    ) -> Result<HashSet<DeviceName>, JournalError> {
        let select = "select run from snapshots where kind = 'picture' and picture = ?1";
        let runs = self.rows(select, [digest], |row| Ok(row.get(0)?))?;
        let runs: HashSet<RunId> = runs.into_iter().collect();
        let proven = self.proven(cluster_id, ObjectKind::Background)?.into_iter();
        let shown = proven.filter(|(_, proven)| runs.contains(&proven.run));
        Ok(shown.map(|(phone, _)| phone).collect())
    }

    /// Returns the last run on a cluster that pushed such an object to a phone.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn last_push(
        &self,
        cluster_id: &str,
        object: ObjectKind,
    ) -> Result<Option<RunId>, JournalError> {
        let select = format!(
            "select max(p.run) from pushes p inner join runs r on r.id = p.run
              where r.cluster_id = ?1 and r.state <> 'pruned' and p.object = ?2 and {}",
            reached("p")
        );
        let last =
            self.row(&select, params![cluster_id, object.as_str()], |row| Ok(row.get(0)?))?;
        Ok(last.flatten())
    }

    /// Returns the phones that runs pushed such an object to. The runs are on one cluster, the oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn pushed(
        &self,
        cluster_id: &str,
        runs: &[RunId],
        object: ObjectKind,
    ) -> Result<BTreeMap<DeviceName, PushedPhone>, JournalError> {
        let select = format!(
            "select p.phone, p.earlier, p.id, p.digest, l.run, l.digest from pushes p inner join pushes l
                 on l.id = (select max(q.id) from pushes q where q.phone = p.phone and q.object = p.object and {})
              where p.run = ?1 and p.object = ?2 and {} order by p.id",
            reached("q"),
            reached("p")
        );
        let (mut phones, mut digests) = (BTreeMap::new(), BTreeSet::new());
        for run in runs {
            // What an earlier release did not write down is what the attempts before that run prove.
            let mut proven = None;
            let rows = self.rows(&select, params![run, object.as_str()], |row| {
                let (earlier, attempt): (Option<String>, i64) = (row.get(1)?, row.get(2)?);
                let (digest, last): (String, (RunId, String)) =
                    (row.get(3)?, (row.get(4)?, row.get(5)?));
                Ok((name(row)?, earlier, attempt, digest, last))
            })?;
            for (phone, earlier, attempt, digest, last) in rows {
                if let (None, None) = (&earlier, &proven) {
                    proven = Some(self.proven_before(cluster_id, object, attempt)?);
                }
                digests.insert((phone.clone(), digest));
                if let Entry::Vacant(entry) = phones.entry(phone) {
                    let known = |proven: &HashMap<DeviceName, Proven>| {
                        proven.get(entry.key()).map(|proven| proven.digest.clone())
                    };
                    let earlier = earlier.or_else(|| known(proven.as_ref()?));
                    entry.insert((earlier.filter(|digest| !digest.is_empty()), last));
                }
            }
        }
        let pushed = phones.into_iter().map(|(phone, (earlier, (run, digest)))| {
            let is_same = runs.contains(&run)
                || earlier.as_ref() == Some(&digest)
                || digests.contains(&(phone.clone(), digest));
            let pushed_since = (!is_same).then_some(run);
            (phone, PushedPhone { earlier, pushed_since })
        });
        Ok(pushed.collect())
    }

    /// Returns the last run with a picture file that a phone is verified to have got with this digest, and the phone.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn run_with_file(&self, digest: &str) -> Result<Option<(RunId, DeviceName)>, JournalError> {
        let select = "select p.phone, p.run from pushes p where p.digest = ?1 and p.outcome = 'verified' and exists
                       (select 1 from snapshots s where s.run = p.run and (s.kind = 'picture' or s.kind like 'picture %'))
                       order by p.id desc limit 1";
        self.row(select, [digest], |row| Ok((row.get(1)?, name(row)?)))
    }
}

/// Returns the digest by which the journal knows a file that a run read.
pub fn file_digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The condition of pushes that may have reached their phone; a look at a screen is none.
fn reached(table: &str) -> String {
    format!(
        "coalesce({table}.outcome, '') not in ('excluded', 'skipped', 'wrong_device')
         and {table}.run not in (select v.id from runs v where v.command = '{VERIFY}')"
    )
}
