//! The part of a pass that only reads: finds out what changed, and looks at it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::axl::change_notification::ChangesLost;
use crate::connect::cluster::{self, ClusterClients};
use crate::domain::audit::AuditedPhone;
use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;
use crate::domain::finding::Verdict;
use crate::domain::inventory::{AccountStatus, PushUser};
use crate::domain::picture_rules::Keep;
use crate::error::{AppError, ErrorKind};
use crate::event::Unobserved;
use crate::push::{ModelFormat, Target};
use crate::rollout::cluster_task::{Assessment, ClusterTask, PreparedTargets};
use crate::rollout::request::RolloutRequest;
use crate::survey;
use crate::watch::changes::{self, Changes};
use crate::watch::event::WatchEvent;
use crate::watch::state::{LookScope, SeenPhone};
use crate::watch::watcher::{NamedPayload, News, Watcher, reader};

/// What a look found.
pub(super) struct Found {
    pub scope: LookScope,
    pub clients: ClusterClients,
    pub assessment: Assessment,
    /// The phones that do not show what they should.
    pub targets: BTreeSet<DeviceName>,
    /// The phones that show another picture, and are left so.
    pub drifted: BTreeSet<DeviceName>,
}

impl Watcher<'_> {
    pub(super) async fn look(&mut self, news: News) -> Result<Option<Found>, AppError> {
        let clients = self.clients().await?;
        if self.cursor.is_none() && self.row.status.without_changes.is_some() {
            // Once the cluster reports changes again, what changed before that is found by looking at all phones.
            self.take_baseline(&clients).await?;
            if self.cursor.is_some() {
                self.state.survey_now();
            }
        }
        match news {
            News::Changes => self.read_changes(&clients).await?,
            News::Registrations => self.read_registrations(&clients).await?,
        }
        let scope = self.state.look(self.uptime(), Timestamp::now());
        let names = match &scope {
            LookScope::Nothing => return Ok(None),
            LookScope::Named(names) => Some(&**names),
            LookScope::Whole => {
                self.take_baseline(&clients).await?;
                None
            }
        };
        self.load().await?;
        let task = self.task(self.payload()?)?;
        // What is remarkable about the pictures, the run that pushes them says.
        let prepares = Unobserved;
        let assessment = task.assess(&clients, names, &self.progress()).await?;
        let prepared = task.prepare_targets(&assessment, &prepares).await?;
        let drifted = self.drifted(&assessment, &prepared)?;
        self.take_in(&scope, &assessment, &prepared, &drifted)?;
        let (phones, forgotten) = self.identities.unsaved();
        if !phones.is_empty() || !forgotten.is_empty() {
            let cluster = self.row.cluster_id.clone();
            self.journal.save_known_phones(cluster, phones, forgotten).await?;
            self.identities.saved();
        }
        if scope == LookScope::Whole {
            self.row.status.surveyed_at = Some(Timestamp::now());
            self.tell(&WatchEvent::Surveyed(self.state.counts()));
        }
        let targets = prepared.targets.into_iter().map(|target| target.name);
        let targets = targets.filter(|name| !drifted.contains(name)).collect();
        Ok(Some(Found { scope, clients, assessment, targets, drifted }))
    }

    pub(super) async fn clients(&mut self) -> Result<ClusterClients, AppError> {
        if let Some(clients) = &self.clients {
            return Ok(clients.clone());
        }
        let interaction = self.callers.interaction.as_ref();
        let clients = cluster::connect(&self.connection, interaction, &self.progress()).await?;
        // What was changed while the cluster could not be asked is found by looking at all phones.
        self.cursor = None;
        self.state.survey_now();
        self.clients = Some(clients.clone());
        Ok(clients)
    }

    /// Takes the end of the queue of changes, before all phones are looked at.
    ///
    /// # Errors
    /// When the cluster refuses the account: each request more would count as another failed login.
    async fn take_baseline(&mut self, clients: &ClusterClients) -> Result<(), AppError> {
        if self.cursor.is_some() {
            return Ok(());
        }
        let without = match changes::baseline(&clients.axl).await? {
            Ok(cursor) => {
                self.cursor = Some(cursor);
                None
            }
            Err(why) => Some(why),
        };
        let before = std::mem::replace(&mut self.row.status.without_changes, without.clone());
        match (before, without) {
            (None, Some(why)) => {
                self.tell(&WatchEvent::WithoutChanges { why, survey_every: self.survey_every() });
            }
            (Some(_), None) => self.tell(&WatchEvent::WithChanges),
            (None, None) | (Some(_), Some(_)) => {}
        }
        Ok(())
    }

    /// Without changes the cluster is looked at more often.
    fn survey_every(&self) -> Duration {
        match self.cursor {
            Some(_) => self.request.survey_every,
            None => self.request.survey_every.min(WITHOUT_CHANGES),
        }
    }

    async fn read_changes(&mut self, clients: &ClusterClients) -> Result<(), AppError> {
        let Some(cursor) = &self.cursor else { return Ok(()) };
        match changes::since(&clients.axl, cursor).await {
            Ok((changes, cursor)) => {
                let Changes { phones, users, many } = changes;
                self.state.changed(phones);
                if many {
                    self.state.survey_now();
                }
                self.read_associations(clients, &users).await?;
                // What came is among the phones that are due, until they are served.
                self.cursor = Some(cursor);
            }
            Err(ChangesLost::Failed(error)) if error.is_authentication() => {
                return Err(error.into());
            }
            Err(lost) => {
                self.cursor = None;
                self.state.survey_now();
                self.tell(&WatchEvent::ChangesLost(error_chain(&lost)));
            }
        }
        Ok(())
    }

    /// Reads the devices of the push user again, where it is among the users that changed. What a run of this watch added
    /// is known already, and no reason to look at a phone.
    async fn read_associations(
        &mut self,
        clients: &ClusterClients,
        users: &BTreeSet<String>,
    ) -> Result<(), AppError> {
        let Some(user) = &self.connection.push_access.push_user else { return Ok(()) };
        if !users.iter().any(|changed| changed.eq_ignore_ascii_case(user)) {
            return Ok(());
        }
        let kind = self.connection.push_user_kind;
        let found = survey::push_user(&clients.axl, user, kind, &mut Vec::new()).await?;
        let (account, now) = (account_of(&found), devices_of(&found));
        if account != self.account {
            // No phone can be pushed to while it is locked, so all phones that wait for that are looked at again.
            self.state.survey_now();
        }
        let differ = now.symmetric_difference(&self.associated);
        let differ: Vec<DeviceName> =
            differ.filter_map(|name| DeviceName::of_cluster(name).ok()).collect();
        self.state.changed(differ);
        (self.account, self.associated) = (account, now);
        Ok(())
    }

    /// Asks where phones are registered, with half of the requests that the rate allows. The other half is for runs.
    async fn read_registrations(&mut self, clients: &ClusterClients) -> Result<(), AppError> {
        let rate = f64::from(self.connection.ris_rate) / 2.0;
        let (now, since) = (self.uptime(), self.asked_at);
        self.asked_at = now;
        self.requests += rate * now.saturating_sub(since).as_secs_f64() / 60.0;
        self.requests = self.requests.min(rate);
        // Never negative, and at most 300.
        let requests = self.requests.floor() as usize;
        let names = self.state.to_ask(requests * NAMES_A_REQUEST);
        if names.is_empty() {
            return Ok(());
        }
        self.requests -= names.len().div_ceil(NAMES_A_REQUEST) as f64;
        let source = self.connection.registrations;
        let (axl, ris) = (&clients.axl, &clients.ris);
        let seen = survey::registrations_of(axl, ris, names, &self.nodes, source).await?;
        self.state.registered(&seen);
        Ok(())
    }

    /// Reads what phones shall show. A picture that cannot be read is kept as it was.
    async fn load(&mut self) -> Result<(), AppError> {
        match self.desired.load(Timestamp::now()).await {
            Ok(loaded) => {
                self.payload = Some(loaded);
                if self.picture_error.take().is_some() {
                    self.tell(&WatchEvent::PictureRead);
                }
            }
            Err(error) if self.payload.is_some() => {
                let why = Some(error.message().to_owned());
                if self.picture_error != why {
                    self.tell(&WatchEvent::PictureKept(error.message().to_owned()));
                }
                self.picture_error = why;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Returns the phones that show another picture than the one that they were proven to show and shall show, where they
    /// are left so.
    fn drifted(
        &self,
        assessment: &Assessment,
        prepared: &PreparedTargets,
    ) -> Result<BTreeSet<DeviceName>, AppError> {
        let found = reader(&self.request)?.drifted(&self.row.cluster_id)?;
        if found.is_empty() {
            return Ok(BTreeSet::new());
        }
        let audited = assessment.audit.phones.iter();
        let enforced = audited.filter(|phone| {
            let keep = phone.image.as_ref().and_then(|image| image.keep);
            keep.unwrap_or(self.request.keep) == Keep::Enforced
        });
        let enforced: BTreeSet<&DeviceName> = enforced.map(AuditedPhone::name).collect();
        let is_drifted = |target: &&Target| {
            let digest = prepared.digests.of(&ModelFormat::from(*target));
            !enforced.contains(&target.name)
                && digest.is_some_and(|digest| found.get(&target.name) == Some(&digest))
        };
        let drifted = prepared.targets.iter().filter(is_drifted);
        Ok(drifted.map(|target| target.name.clone()).collect())
    }

    pub(super) fn payload(&self) -> Result<NamedPayload, AppError> {
        self.payload.clone().ok_or_else(|| AppError::new(ErrorKind::Usage, "no picture is named"))
    }

    /// Returns a rollout of a payload to the phones of this watch.
    pub(super) fn task(
        &self,
        (payload, payload_name): NamedPayload,
    ) -> Result<ClusterTask, AppError> {
        let request = &self.request;
        let request = RolloutRequest {
            command: "watch",
            command_line: request.command_line.clone(),
            on_behalf_of: None,
            journal: request.journal.clone(),
            continues: None,
            reverts: None,
            selector: request.selector.clone(),
            proof: payload.proof(request.proof)?,
            payload,
            payload_name,
            options: request.options.clone(),
            saved_options: request.saved_options.clone(),
            repair: Some(request.repair.clone()),
            wait: request.wait,
            schedule: request.schedule.clone(),
            names_clusters: false,
        };
        Ok(ClusterTask {
            request: Arc::new(request),
            connection: self.connection.clone(),
            push_password: Some(self.push_password.clone()),
            dry_run: false,
            surveyed: None,
        })
    }

    /// Takes in what a look found.
    fn take_in(
        &mut self,
        scope: &LookScope,
        assessment: &Assessment,
        targets: &PreparedTargets,
        drifted: &BTreeSet<DeviceName>,
    ) -> Result<(), AppError> {
        let looked_at = match self.request.verify_every {
            Some(_) => reader(&self.request)?.looked_at(&self.row.cluster_id)?,
            None => HashMap::new(),
        };
        let seen = assessment.audit.phones.iter().map(|phone| SeenPhone {
            name: phone.name().clone(),
            registration: phone.phone.registration.clone(),
            verdict: phone.verdict,
            is_capable: phone.verdict != Verdict::Unsupported && phone.excluded().is_none(),
            is_offline: phone.verdict == Verdict::Offline,
            is_shown: targets.already.contains_key(phone.name()),
            is_drifted: drifted.contains(phone.name()),
            looked_at: looked_at.get(phone.name()).copied(),
            next_picture: phone.image.as_ref().and_then(|image| Some(image.next.as_ref()?.at)),
        });
        let (uptime, survey_every) = (self.uptime(), self.survey_every());
        self.state.looked(scope, seen.collect(), uptime, survey_every);
        let new = self.identities.looked(scope, &assessment.inventory.phones);
        for replaced in new.replaced {
            self.tell(&WatchEvent::Replaced(replaced));
        }
        self.state.changed(new.suspects);
        self.account = account_of(&assessment.inventory.push_user);
        self.associated = devices_of(&assessment.inventory.push_user);
        self.nodes.clone_from(&assessment.inventory.nodes);
        Ok(())
    }
}

fn account_of(user: &PushUser) -> Option<AccountStatus> {
    match user {
        PushUser::Found { account, .. } => Some(account.clone()),
        PushUser::NotNamed | PushUser::Missing { .. } => None,
    }
}

fn devices_of(user: &PushUser) -> BTreeSet<String> {
    match user {
        PushUser::Found { devices, .. } => devices.entries().iter().cloned().collect(),
        PushUser::NotNamed | PushUser::Missing { .. } => BTreeSet::new(),
    }
}

/// How often all phones are looked at, at least, where the cluster does not say what changed.
const WITHOUT_CHANGES: Duration = Duration::from_secs(60 * 60);

/// Names in a request to RisPort70.
const NAMES_A_REQUEST: usize = 1_000;
