use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use super::*;
use crate::axl::common_phone_config::{AddCommonPhoneConfig, CommonPhoneConfig};
use crate::axl::operation::envelope;
use crate::axl::phone::{PhonePage, UpdatePhone};
use crate::domain::association::{UserKind, UserRef};
use crate::domain::inventory::ClusterInfo;
use crate::domain::personalization::Setting;
use crate::domain::phone_page::PageSettings;
use crate::domain::plan::{PersonalizationChange, WebAccessChange};
use crate::event::Unobserved;

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Trouble(&'static str);

/// A cluster with one list, some phones and profiles, and a script of what goes wrong.
#[derive(Default)]
struct Lists {
    now: Mutex<DeviceList>,
    reads: Mutex<u32>,
    writes: Mutex<Vec<DeviceList>>,
    fail_read: Option<u32>,
    write_error: Option<&'static str>,
    write_is_lost: bool,
    /// So many writes are lost with their connection before they are carried out.
    lost: AtomicU32,
    loses: Option<&'static str>,
    phones: Mutex<BTreeMap<String, PhonePage>>,
    /// The requests that change phones, as they would be sent.
    updates: Mutex<Vec<String>>,
    told: Mutex<Vec<String>>,
    stops: CancellationToken,
}

impl ClusterApi for Lists {
    type Error = Trouble;

    async fn list(&self, _: &UserRef) -> Result<DeviceList, Trouble> {
        let count = {
            let mut reads = self.reads.lock().unwrap();
            *reads += 1;
            *reads
        };
        if self.fail_read == Some(count) {
            return Err(Trouble("timed out"));
        }
        Ok(self.now.lock().unwrap().clone())
    }

    async fn set_list(&self, _: &UserRef, list: &DeviceList) -> Result<(), Trouble> {
        self.writes.lock().unwrap().push(list.clone());
        let taken = self.lost.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        if taken.is_ok() {
            return Err(Trouble("connection lost"));
        }
        if !self.write_is_lost {
            let kept =
                list.entries().iter().filter(|name| Some(name.as_str()) != self.loses).cloned();
            *self.now.lock().unwrap() = kept.collect::<Vec<_>>().into();
        }
        self.write_error.map_or(Ok(()), |text| Err(Trouble(text)))
    }

    async fn phone(&self, name: &str) -> Result<Option<PhonePage>, Trouble> {
        Ok(self.phones.lock().unwrap().get(name).cloned())
    }

    async fn update_phone(&self, update: UpdatePhone) -> Result<(), Trouble> {
        self.stops.cancel();
        let request = envelope("14.0", &update).unwrap();
        self.updates.lock().unwrap().push(request.clone());
        if self.write_error.is_none() {
            let mut phones = self.phones.lock().unwrap();
            for page in phones.values_mut().filter(|page| request.contains(&page.name)) {
                if request.contains("<phoneSuite>Enabled") {
                    page.personalization = Some(Setting::Enabled);
                }
                if request.contains("<vendorConfig>") {
                    *page = self::page(&page.name, &request);
                }
            }
        }
        self.write_error.map_or(Ok(()), |text| Err(Trouble(text)))
    }

    async fn profile(&self, _: &str) -> Result<Option<CommonPhoneConfig>, Trouble> {
        Ok(None)
    }

    async fn personalize_profile(&self, _: &str, _: Setting) -> Result<(), Trouble> {
        Err(Trouble("no profiles here"))
    }

    async fn add_profile(&self, _: AddCommonPhoneConfig) -> Result<(), Trouble> {
        Err(Trouble("no profiles here"))
    }

    async fn remove_profile(&self, _: &str) -> Result<(), Trouble> {
        Err(Trouble("no profiles here"))
    }

    async fn apply_config(&self, _: ConfigLevel, name: &str, _: bool) -> Result<(), Trouble> {
        self.told.lock().unwrap().push(name.to_owned());
        self.write_error.map_or(Ok(()), |text| Err(Trouble(text)))
    }

    fn is_refusal(error: &Trouble) -> bool {
        error.0 == "refused"
    }

    fn is_cut_off(error: &Trouble) -> bool {
        error.0 == "connection lost"
    }

    fn is_outcome_unknown(error: &Trouble) -> bool {
        matches!(error.0, "timed out" | "connection lost")
    }
}

/// Makes a page whose settings stand in a document.
fn page(name: &str, document: &str) -> PhonePage {
    PhonePage::new(name, Some(Setting::Default), Some("Standard"), document)
}

const SETTINGS: &str =
    "<vendorConfig><garp>1</garp><webAccess>1</webAccess><x a=\"1\">R&amp;D</x></vendorConfig>";

fn phones(names: &[&str]) -> Lists {
    let pages = names.iter().map(|name| ((*name).to_owned(), page(name, SETTINGS)));
    Lists { phones: Mutex::new(pages.collect()), ..Lists::default() }
}

fn plan_of(actions: Vec<Action>) -> Plan {
    let mut plan = plan(&[], &[]);
    let change = |(id, action)| Change { id, action, affects: 1, reason: String::new() };
    plan.changes = (1..).zip(actions).map(change).collect();
    plan
}

fn personalize(name: &str) -> Action {
    Action::EnablePersonalization(PersonalizationChange {
        scope: ConfigLevel::Phone,
        target: name.to_owned(),
        before: Setting::Default,
        after: Setting::Enabled,
    })
}

fn open_web(name: &str, others: &str) -> Action {
    let others = page(name, others).settings().unwrap().others;
    let page =
        |value: &str| PageSettings { web_access: Some(value.to_owned()), others: others.clone() };
    Action::EnableWebAccess(WebAccessChange {
        target: name.to_owned(),
        before: page("1"),
        after: page("0"),
    })
}

async fn applied(lists: &Lists, plan: &Plan) -> Result<Applied, ApplyError<Trouble>> {
    apply(lists, &NullChangeLog, plan, &HashSet::new(), &CancellationToken::new(), &Unobserved)
        .await
}

fn list(names: &[&str]) -> DeviceList {
    names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().into()
}

fn plan(before: &[&str], adds: &[&str]) -> Plan {
    let before = list(before);
    let change = Change {
        id: 1,
        affects: adds.len(),
        action: Action::AssociateDevices {
            target: UserRef { user: "bgpush".into(), kind: UserKind::App },
            after: before.merged(adds.iter().copied()),
            adds: adds.iter().map(|name| (*name).to_owned()).collect(),
            before,
        },
        reason: String::new(),
    };
    Plan {
        cluster: ClusterInfo {
            name: String::new(),
            host: String::new(),
            version: String::new(),
            axl_version: String::new(),
        },
        made_at: jiff::Timestamp::UNIX_EPOCH,
        id: String::new(),
        fingerprint: String::new(),
        changes: vec![change],
    }
}

fn cluster(names: &[&str]) -> Lists {
    Lists { now: Mutex::new(list(names)), ..Lists::default() }
}

async fn state(lists: &Lists, plan: &Plan) -> (ChangeState, String) {
    let result = applied(lists, plan).await.unwrap().results.remove(0);
    (result.state, result.message.unwrap_or_default())
}

#[tokio::test]
async fn writes_once_and_reads_back() {
    let lists = cluster(&["b", "A"]);
    let applied = applied(&lists, &plan(&["b", "A"], &["SEP1"])).await.unwrap();
    assert_eq!(applied.results[0].state, ChangeState::Applied);
    assert_eq!(*lists.writes.lock().unwrap(), [list(&["b", "A", "SEP1"])]);
    assert_eq!(applied.read_back[0].1, Some(list(&["b", "A", "SEP1"])));
}

#[tokio::test]
async fn a_list_that_moved_is_not_touched() {
    let lists = cluster(&["a", "new"]);
    let error = applied(&lists, &plan(&["a", "old"], &["SEP1"])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the application user bgpush has changed since the plan was made; added: new; removed: old"
    );
    assert!(lists.writes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_unreadable_list_is_not_touched() {
    let lists = Lists { fail_read: Some(1), ..cluster(&["a"]) };
    let error = applied(&lists, &plan(&["a"], &["SEP1"])).await.unwrap_err();
    assert!(matches!(error, ApplyError::Unreadable { .. }));
    assert!(lists.writes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_was_written_is_judged_by_what_is_there() {
    let lists = Lists { write_error: Some("timed out"), ..cluster(&["a"]) };
    let (found, message) = state(&lists, &plan(&["a"], &["SEP1"])).await;
    assert_eq!(found, ChangeState::Applied);
    assert!(message.contains("timed out"), "{message}");

    let lists = Lists { write_error: Some("busy"), write_is_lost: true, ..cluster(&["a"]) };
    assert_eq!(state(&lists, &plan(&["a"], &["SEP1"])).await.0, ChangeState::NotApplied);

    let lists = Lists { loses: Some("a"), ..cluster(&["a"]) };
    let (found, message) = state(&lists, &plan(&["a"], &["SEP1"])).await;
    assert_eq!(found, ChangeState::Unproven);
    assert!(message.contains("missing: a"), "{message}");

    let lists = Lists { fail_read: Some(3), ..cluster(&["a"]) };
    assert_eq!(state(&lists, &plan(&["a"], &["SEP1"])).await.0, ChangeState::Unproven);
}

#[tokio::test]
async fn a_write_is_sent_again_only_when_the_cluster_shows_that_it_was_lost() {
    let lists = Lists { lost: AtomicU32::new(1), ..cluster(&["a"]) };
    let (found, message) = state(&lists, &plan(&["a"], &["SEP1"])).await;
    assert_eq!(found, ChangeState::Applied);
    assert!(message.contains("written again"), "{message}");
    assert_eq!(lists.writes.lock().unwrap().len(), 2);
    // One that was carried out is not sent again, nor one after a time limit, nor for ever.
    for (error, lost, is_lost, expected, writes) in [
        ("connection lost", 0, false, ChangeState::Applied, 1),
        ("timed out", 0, true, ChangeState::NotApplied, 1),
        ("connection lost", 9, false, ChangeState::NotApplied, 3),
    ] {
        let lists = Lists {
            write_error: Some(error),
            write_is_lost: is_lost,
            lost: AtomicU32::new(lost),
            ..cluster(&["a"])
        };
        assert_eq!(state(&lists, &plan(&["a"], &["SEP1"])).await.0, expected, "{error} {lost}");
        assert_eq!(lists.writes.lock().unwrap().len(), writes, "{error} {lost}");
    }
}

#[tokio::test]
async fn phones_that_were_told_before_are_told_again_only_for_a_new_change() {
    let lists = phones(&["SEP1", "SEP2"]);
    let tell = |name: &str| Action::apply_config(ConfigLevel::Phone, name, false);
    let plan = plan_of(vec![personalize("SEP1"), tell("SEP1"), tell("SEP2")]);
    let run = async |before: &[u32]| {
        let before = before.iter().copied().collect();
        let stop = CancellationToken::new();
        apply(&lists, &NullChangeLog, &plan, &before, &stop, &Unobserved).await.unwrap()
    };
    assert_eq!(run(&[2, 3]).await.sent, [1, 2]);
    assert_eq!(*lists.told.lock().unwrap(), ["SEP1"], "SEP1 has a new setting");
    let again = run(&[2, 3]).await;
    assert!(
        again.sent.is_empty()
            && again.results.iter().all(|done| done.state == ChangeState::Applied)
    );
    assert_eq!(lists.told.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refused_write_stops_everything() {
    let lists = Lists { write_error: Some("refused"), write_is_lost: true, ..cluster(&["a"]) };
    let error = applied(&lists, &plan(&["a"], &["SEP1"])).await.unwrap_err();
    assert!(matches!(error, ApplyError::Refused { .. }));
    assert_eq!(lists.writes.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_plan_that_is_carried_out_already_writes_nothing() {
    let lists = cluster(&["a", "SEP1"]);
    let (found, message) = state(&lists, &plan(&["a"], &["SEP1"])).await;
    assert_eq!(found, ChangeState::Applied);
    assert!(message.contains("before"), "{message}");
    assert!(lists.writes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_was_written_is_told_although_a_later_change_fails() {
    let lists = cluster(&["a"]);
    let mut plan = plan(&["a"], &["SEP1"]);
    plan.changes.push(plan.changes[0].clone());
    let Action::AssociateDevices { adds, after, before, .. } = &mut plan.changes[1].action else {
        panic!("it is another change")
    };
    *adds = vec!["SEP2".to_owned()];
    *after = before.merged(["SEP2"]);
    let results = applied(&lists, &plan).await.unwrap().results;
    assert_eq!(results[0].state, ChangeState::Applied);
    assert_eq!(results[1].state, ChangeState::NotApplied);
    assert!(results[1].message.as_ref().unwrap().contains("added: SEP1"), "{results:?}");
}

#[tokio::test]
async fn one_setting_is_written_and_all_others_as_they_were() {
    let lists = phones(&["SEP1"]);
    let plan = plan_of(vec![open_web("SEP1", SETTINGS)]);
    assert_eq!(state(&lists, &plan).await.0, ChangeState::Applied);
    let sent = lists.updates.lock().unwrap().remove(0);
    let settings =
        "<vendorConfig><garp>1</garp><webAccess>0</webAccess><x a=\"1\">R&amp;D</x></vendorConfig>";
    assert!(sent.contains(&format!("<name>SEP1</name>{settings}")), "{sent}");
}

#[tokio::test]
async fn settings_that_somebody_changed_are_not_touched() {
    let lists = phones(&["SEP1"]);
    let plan = plan_of(vec![open_web("SEP1", "<vendorConfig><garp>0</garp></vendorConfig>")]);
    let error = applied(&lists, &plan).await.unwrap_err().to_string();
    assert!(error.contains("other product-specific settings"), "{error}");
    let plan = plan_of(vec![personalize("SEP2"), personalize("SEP1")]);
    let error = applied(&lists, &plan).await.unwrap_err().to_string();
    assert!(error.contains("phone SEP2 has changed") && error.contains("not there"), "{error}");
    assert!(lists.updates.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_ends_it_and_nobody_is_asked_again() {
    let lists = Lists { write_error: Some("refused"), ..phones(&["SEP1", "SEP2"]) };
    let plan = plan_of(vec![personalize("SEP1"), personalize("SEP2")]);
    assert!(matches!(applied(&lists, &plan).await, Err(ApplyError::Refused { .. })));
    assert_eq!(lists.updates.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_interrupt_ends_it_between_two_changes() {
    let lists = phones(&["SEP1", "SEP2"]);
    let plan = plan_of(vec![personalize("SEP1"), personalize("SEP2")]);
    let done = apply(&lists, &NullChangeLog, &plan, &HashSet::new(), &lists.stops, &Unobserved)
        .await
        .unwrap();
    assert_eq!(done.halt, Some(Halt::Interrupted));
    let states: Vec<ChangeState> = done.results.iter().map(|result| result.state).collect();
    assert_eq!(states, [ChangeState::Applied, ChangeState::NotApplied]);
    assert_eq!(lists.updates.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_knows_whether_a_phone_was_told_when_the_answer_is_missing() {
    let told = |error| Lists { write_error: error, ..Lists::default() };
    let plan = plan_of(vec![Action::apply_config(ConfigLevel::Phone, "SEP1", false)]);
    for (error, expected) in [
        (None, ChangeState::Applied),
        (Some("timed out"), ChangeState::Unproven),
        (Some("no such phone"), ChangeState::NotApplied),
    ] {
        assert_eq!(state(&told(error), &plan).await.0, expected);
    }
}
