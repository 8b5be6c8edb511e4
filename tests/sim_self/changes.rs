//! `listChange`: what clients that follow a cluster see.

use crate::bench::*;
use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{
    ADMIN_USER, Change, ChangeCache, FirstCall, PhoneSpec, Restart, SimConfig, Tripped,
};
use std::time::Duration;

/// The text of the first element of this name.
pub fn text(body: &str, name: &str) -> String {
    let rest = body.split(&format!("<{name}>")).nth(1).unwrap_or_else(|| panic!("{name}: {body}"));
    rest.split('<').next().unwrap().to_owned()
}

/// The changes in an answer: type, action, and tags with their values.
pub fn changes(body: &str) -> Vec<(String, String, Vec<String>)> {
    let each = body.split("<change ").skip(1);
    each.map(|change| {
        let kind = change.split('"').nth(1).unwrap().to_owned();
        let tags = change.split("<changedTag name=\"").skip(1);
        let tags = tags.map(|tag| {
            let (name, rest) = tag.split_once("\">").unwrap();
            format!("{name}={}", rest.split('<').next().unwrap())
        });
        (kind, text(change, "action"), tags.collect())
    })
    .collect()
}

pub fn since(id: &str, queue: &str) -> String {
    format!("<startChangeId queueId=\"{queue}\">{id}</startChangeId>")
}

#[tokio::test]
async fn what_changes_is_reported_once_and_in_order() {
    let bench = Bench::new().await;
    let begin = bench.good("listChange", "").await;
    assert!(changes(&begin).is_empty(), "{begin}");
    let (next, queue) = (text(&begin, "nextStartChangeId"), text(&begin, "queueId"));
    bench.good("updatePhone", "<name>SEP000000000001</name><phoneSuite>Enabled</phoneSuite>").await;
    bench.good("updateAppUser", "<userid>bgpush</userid><associatedDevices><device>SEP000000000002</device></associatedDevices>").await;
    bench.sim.change(Change::Insert {
        position: 0,
        phone: Box::new(PhoneSpec::new("SEP0000000000AA", 683)),
    });
    bench.sim.change(Change::PersonalizeProfile {
        profile: "Standard Common Phone Profile".to_owned(),
        setting: Setting::Enabled,
    });
    bench.sim.change(Change::Remove("SEP0000000000AA".to_owned()));
    bench.good("applyPhone", "<name>SEP000000000001</name>").await;
    let later = bench.good("listChange", &since(&next, &queue)).await;
    let change = |kind: &str, action: &str, tags: &[&str]| {
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        (kind.to_owned(), action.to_owned(), tags)
    };
    let expected = [
        change("Phone", "u", &["phoneSuite=Enabled"]),
        change("AppUser", "u", &["associatedDevices="]),
        change("Phone", "a", &[]),
        change("CommonPhoneConfig", "u", &["phonePersonalization=Enabled"]),
        change("Phone", "r", &[]),
    ];
    assert_eq!(changes(&later), expected, "{later}");
    assert_eq!(text(&later, "nextStartChangeId"), "6");
    let some = format!("{}<objectList><object>AppUser</object></objectList>", since(&next, &queue));
    assert_eq!(changes(&bench.good("listChange", &some).await), expected[1..2]);
    for unknown in ["Nonsense", "phone", ""] {
        let list = format!("<objectList><object>{unknown}</object></objectList>");
        let inner = format!("{}{list}", since(&next, &queue));
        let (status, body) = bench.ask("15.0", "listChange", &inner).await;
        assert_eq!((status, body.contains("element object is not valid")), (500, true), "{body}");
    }
    let nothing = bench.good("listChange", &since("6", &queue)).await;
    assert!(changes(&nothing).is_empty(), "{nothing}");
    assert!(bench.sim.record().writes.iter().all(|write| write.caller == ADMIN_USER));
}

#[tokio::test]
async fn long_answers_are_paged() {
    let bench = Bench::new().await;
    for k in 0..1_200 {
        let setting = if k % 2 == 0 { Setting::Enabled } else { Setting::Disabled };
        bench.sim.change(Change::Personalize { phone: "SEP000000000001".to_owned(), setting });
    }
    let begin = bench.good("listChange", "").await;
    let queue = text(&begin, "queueId");
    let first = bench.good("listChange", &since("1", &queue)).await;
    assert_eq!((changes(&first).len(), text(&first, "lastChangeId")), (1_000, "1200".to_owned()));
    let next = text(&first, "nextStartChangeId");
    let second = bench.good("listChange", &since(&next, &queue)).await;
    assert_eq!(
        (changes(&second).len(), text(&second, "nextStartChangeId")),
        (200, "1201".to_owned())
    );
}

#[tokio::test]
async fn another_queue_and_unknown_numbers_are_refused() {
    let bench = Bench::new().await;
    let queue = text(&bench.good("listChange", "").await, "queueId");
    for (id, queue) in [("1", "other"), ("0", &queue), ("7", &queue), ("x", &queue)] {
        let (status, body) = bench.ask("15.0", "listChange", &since(id, queue)).await;
        assert_eq!(status, 500, "{id}: {body}");
    }
    let restart = Restart { closed: Duration::ZERO, missing: Duration::ZERO };
    bench.sim.restart_tomcat("getCCMVersion", 1, Tripped::Before, restart);
    let asked = bench.axl().body(envelope("15.0", "getCCMVersion", ""));
    let asked = asked.basic_auth(ADMIN_USER, Some(axlpaper::sim::ADMIN_PASSWORD)).send().await;
    assert!(asked.is_err(), "{asked:?}");
    let again = loop {
        let body = envelope("15.0", "listChange", &since("1", &queue));
        let request = bench.axl().body(body);
        let request = request.basic_auth(ADMIN_USER, Some(axlpaper::sim::ADMIN_PASSWORD));
        // The port is closed for a moment.
        if let Ok(answer) = request.send().await {
            break answer.text().await.unwrap();
        }
        tokio::task::yield_now().await;
    };
    assert!(again.contains("<axlcode>5007</axlcode>"), "{again}");
    // As published: in the namespace of the request, and only this fault.
    let fault = "<ns2:axlError xmlns:ns2=\"http://www.cisco.com/AXL/API/15.0\"><axlcode>5007<";
    assert!(again.contains(fault), "{again}");
    let (_, other) = bench.ask("15.0", "getPhone", "<name>SEPNONE</name>").await;
    assert!(other.contains("<detail><axlError><axlcode>5007<"), "{other}");
}

#[tokio::test]
async fn a_phone_that_is_added_again_is_another_object() {
    let bench = Bench::new().await;
    let uuid = async || {
        let phone = bench.good("getPhone", "<name>SEP000000000001</name>").await;
        phone.split("uuid=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let mut seen = vec![uuid().await];
    for _ in 0..2 {
        assert!(bench.sim.change(Change::Remove("SEP000000000001".to_owned())));
        let phone = Box::new(PhoneSpec::new("SEP000000000001", 683));
        assert!(bench.sim.change(Change::Insert { position: 0, phone }));
        let again = uuid().await;
        assert!(!seen.contains(&again), "{seen:?}");
        seen.push(again);
    }
}

async fn with_cache(change_cache: ChangeCache) -> Bench {
    let bench = Bench::with(SimConfig { change_cache, ..SimConfig::new(fleet()) }).await;
    for k in 1..=5 {
        let text = format!("<name>SEP000000000001</name><description>A &amp; {k}</description>");
        bench.good("updatePhone", &text).await;
    }
    bench
}

#[tokio::test]
async fn new_values_are_texts_and_no_secrets() {
    let bench = Bench::new().await;
    let fields = "<description>A &lt;b&gt;</description><lines/><ownerUserName/>\
                  <sshUserId>root</sshUserId><sshPwd>secret-of-a-phone</sshPwd>";
    bench.good("updatePhone", &format!("<name>SEP000000000001</name>{fields}")).await;
    let user = "<userid>bgpush</userid><password>secret-of-a-user</password>";
    bench.good("updateAppUser", user).await;
    let sql = "update device set tkphonepersonalization = 2 where name = 'SEP000000000002'";
    bench.good("executeSQLUpdate", &format!("<sql>{sql}</sql>")).await;
    let queue = text(&bench.good("listChange", "").await, "queueId");
    let all = bench.good("listChange", &since("1", &queue)).await;
    let tags: Vec<_> = changes(&all).into_iter().map(|(_, _, tags)| tags.join(",")).collect();
    assert_eq!(
        tags,
        [
            "description=A &lt;b&gt;,lines=,ownerUserName=,sshUserId=root,sshPwd=",
            "password=",
            "phoneSuite=HTTPS Only"
        ],
        "{all}"
    );
    assert!(!all.contains("secret-of"), "{all}");
}

#[tokio::test]
async fn the_first_call_answers_the_whole_cache_where_it_is_set() {
    let first_call = FirstCall::WholeCache;
    let bench = with_cache(ChangeCache { page: 3, first_call, ..ChangeCache::default() }).await;
    let first = bench.good("listChange", "").await;
    let numbers = ["firstChangeId", "lastChangeId", "nextStartChangeId"];
    assert_eq!(numbers.map(|name| text(&first, name)), ["1", "5", "4"]);
    assert_eq!(changes(&first).len(), 3, "{first}");
    let queue = text(&first, "queueId");
    let second = bench.good("listChange", &since("4", &queue)).await;
    assert_eq!((changes(&second).len(), text(&second, "nextStartChangeId")), (2, "6".to_owned()));
    let users = "<objectList><object>AppUser</object></objectList>";
    assert!(changes(&bench.good("listChange", users).await).is_empty());
}

#[tokio::test]
async fn changes_that_fell_out_of_the_cache_are_a_fault_of_their_own() {
    let bench = with_cache(ChangeCache { capacity: 2, ..ChangeCache::default() }).await;
    let first = bench.good("listChange", "").await;
    let numbers = ["firstChangeId", "lastChangeId", "nextStartChangeId"];
    assert_eq!(numbers.map(|name| text(&first, name)), ["4", "5", "6"]);
    let queue = text(&first, "queueId");
    let (status, body) = bench.ask("15.0", "listChange", &since("3", &queue)).await;
    assert_eq!((status, text(&body, "axlcode").as_str()), (500, "5007"), "{body}");
    assert!(!body.contains("queueId") && body.contains("startChangeId 3"), "{body}");
    assert_eq!(changes(&bench.good("listChange", &since("4", &queue)).await).len(), 2);
}

#[tokio::test]
async fn the_type_of_a_change_can_begin_with_a_small_letter() {
    let bench = with_cache(ChangeCache { small_initial: true, ..ChangeCache::default() }).await;
    let queue = text(&bench.good("listChange", "").await, "queueId");
    let inner = format!("{}<objectList><object>Phone</object></objectList>", since("1", &queue));
    let answer = bench.good("listChange", &inner).await;
    assert_eq!(changes(&answer)[4].0, "phone", "{answer}");
    assert_eq!(changes(&answer)[4].2, ["description=A &amp; 5"], "{answer}");
}
