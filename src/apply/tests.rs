use std::sync::Mutex;

use super::*;
use crate::domain::association::UserKind;
use crate::domain::inventory::ClusterInfo;
use crate::event::Unobserved;

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Trouble(&'static str);

/// A cluster with one list, and a script of what goes wrong.
#[derive(Default)]
struct Lists {
    now: Mutex<DeviceList>,
    reads: Mutex<u32>,
    writes: Mutex<Vec<DeviceList>>,
    fail_read: Option<u32>,
    write_error: Option<&'static str>,
    write_is_lost: bool,
    loses: Option<&'static str>,
}

impl UserLists for Lists {
    type Error = Trouble;

    async fn read(&self, _: &UserRef) -> Result<DeviceList, Trouble> {
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

    async fn write(&self, _: &UserRef, list: &DeviceList) -> Result<(), Trouble> {
        self.writes.lock().unwrap().push(list.clone());
        if !self.write_is_lost {
            let kept =
                list.entries().iter().filter(|name| Some(name.as_str()) != self.loses).cloned();
            *self.now.lock().unwrap() = kept.collect::<Vec<_>>().into();
        }
        self.write_error.map_or(Ok(()), |text| Err(Trouble(text)))
    }

    fn is_refusal(error: &Trouble) -> bool {
        error.0 == "refused"
    }
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
    let result = apply(lists, &Forgetful, plan, &Unobserved).await.unwrap().results.remove(0);
    (result.state, result.message.unwrap_or_default())
}

#[tokio::test]
async fn writes_once_and_reads_back() {
    let lists = cluster(&["b", "A"]);
    let applied =
        apply(&lists, &Forgetful, &plan(&["b", "A"], &["SEP1"]), &Unobserved).await.unwrap();
    assert_eq!(applied.results[0].state, ChangeState::Applied);
    assert_eq!(*lists.writes.lock().unwrap(), [list(&["b", "A", "SEP1"])]);
    assert_eq!(applied.read_back[0].1, list(&["b", "A", "SEP1"]));
}

#[tokio::test]
async fn a_list_that_moved_is_not_touched() {
    let lists = cluster(&["a", "new"]);
    let error =
        apply(&lists, &Forgetful, &plan(&["a", "old"], &["SEP1"]), &Unobserved).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "application user bgpush has changed since the plan was made; added: new; removed: old"
    );
    assert!(lists.writes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_unreadable_list_is_not_touched() {
    let lists = Lists { fail_read: Some(1), ..cluster(&["a"]) };
    let error = apply(&lists, &Forgetful, &plan(&["a"], &["SEP1"]), &Unobserved).await.unwrap_err();
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
async fn a_refused_write_stops_everything() {
    let lists = Lists { write_error: Some("refused"), write_is_lost: true, ..cluster(&["a"]) };
    let error = apply(&lists, &Forgetful, &plan(&["a"], &["SEP1"]), &Unobserved).await.unwrap_err();
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
    let Action::AssociateDevices { adds, after, before, .. } = &mut plan.changes[1].action;
    *adds = vec!["SEP2".to_owned()];
    *after = before.merged(["SEP2"]);
    let results = apply(&lists, &Forgetful, &plan, &Unobserved).await.unwrap().results;
    assert_eq!(results[0].state, ChangeState::Applied);
    assert_eq!(results[1].state, ChangeState::NotApplied);
    assert!(results[1].message.as_ref().unwrap().contains("added: SEP1"), "{results:?}");
}
