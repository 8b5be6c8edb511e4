//! Writes to phones and Common Phone Profiles, what phones make of them, and changes right before a write.

use std::time::Duration;

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{
    Change, Limits, PUSH_PASSWORD, PUSH_USER, PhoneRecord, ProfileSpec, Quirk, READER_PASSWORD,
    READER_USER, Registration, STANDARD_PROFILE, SimConfig,
};

use crate::bench::*;

const ONE: &str = "SEP000000000001";

fn named(name: &str, fields: &str) -> String {
    format!("<name>{name}</name>{fields}")
}

fn phone(bench: &Bench) -> PhoneRecord {
    bench.sim.phone(ONE).unwrap()
}

/// Returns the text of the first element of this name.
fn text<'a>(body: &'a str, name: &str) -> &'a str {
    let rest = body.split_once(&format!("<{name}>")).unwrap().1;
    rest.split_once("</").unwrap().0
}

#[tokio::test]
async fn a_phone_is_changed_as_far_as_the_simulator_can() {
    let mut fleet = fleet();
    fleet.profiles.push(ProfileSpec::new("Other", Setting::Enabled));
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let before = bench.sim.state_digest();
    let fields =
        "<commonPhoneConfigName>other</commonPhoneConfigName><phoneSuite>HTTPS Only</phoneSuite>";
    let answer = bench.good("updatePhone", &named("sep000000000001", fields)).await;
    let uuid = text(&answer, "return").to_owned();
    let changed = phone(&bench);
    assert_eq!((changed.personalization, changed.profile.as_str()), (Setting::HttpsOnly, "Other"));
    // It obeys what it loaded before.
    assert_eq!(changed.loaded_personalization, Setting::Enabled);
    let told = bench.good("getPhone", &format!("<uuid>{uuid}</uuid>")).await;
    assert!(told.contains(">Other</commonPhoneConfigName>"), "{told}");
    assert!(told.contains("<phoneSuite>HTTPS Only</phoneSuite>"), "{told}");
    let after = bench.sim.state_digest();
    assert_ne!(after, before);
    for (fields, part) in [
        ("<phoneSuite>enabled</phoneSuite>", "not valid"),
        ("<commonPhoneConfigName>None</commonPhoneConfigName>", "<axlcode>5007</axlcode>"),
        ("<devicePoolName>None</devicePoolName>", "<axlcode>5007</axlcode>"),
        ("<newName>SEP000000000002</newName>", "<axlcode>-239</axlcode>"),
        (
            "<commonPhoneConfigName>None</commonPhoneConfigName><phoneSuite>Disabled</phoneSuite>",
            "None",
        ),
        ("<vendorConfig>text</vendorConfig>", "vendorConfig"),
        ("<phoneSuite>Enabled</phoneSuite><vendorConfig/>", "order"),
    ] {
        let (status, body) = bench.ask("15.0", "updatePhone", &named(ONE, fields)).await;
        assert_eq!((status, body.contains(part)), (500, true), "{body}");
    }
    let (status, body) = bench.ask("15.0", "updatePhone", &named("SEPNONE", "")).await;
    assert_eq!((status, body.contains("<axlcode>5003</axlcode>")), (500, true), "{body}");
    assert_eq!(bench.sim.state_digest(), after);
    let restored = format!(
        "<uuid>{uuid}</uuid><commonPhoneConfigName>{STANDARD_PROFILE}</commonPhoneConfigName>\
         <phoneSuite>Default</phoneSuite>"
    );
    bench.good("updatePhone", &restored).await;
    assert_eq!(bench.sim.state_digest(), before);
    let writes = bench.sim.record().writes;
    let [first, _] = writes.as_slice() else { panic!("{writes:?}") };
    assert_eq!((first.operation.as_str(), first.target.as_str()), ("updatePhone", ONE));
    assert_eq!(first.caller, "simadmin");
}

#[tokio::test]
async fn the_settings_of_a_phone_are_replaced_altogether() {
    let bench = Bench::new().await;
    let before = bench.sim.state_digest();
    assert_eq!(phone(&bench).vendor_config, "<garp>1</garp><g722CodecSupport>0</g722CodecSupport>");
    let inside = "<webAccess>1</webAccess><a b=\"c &amp; d\"><e/>\n</a><f>O&amp;M &lt;1&gt;</f>";
    let kept = inside.replace('\n', "");
    let fields = format!("<vendorConfig>{inside}</vendorConfig>");
    bench.good("updatePhone", &named(ONE, &fields)).await;
    let tags = "<returnedTags><vendorConfig/></returnedTags>";
    let told = bench.good("getPhone", &named(ONE, tags)).await;
    assert!(told.contains(&format!("<vendorConfig>{kept}</vendorConfig>")), "{told}");
    assert_eq!(phone(&bench).vendor_config, kept);
    assert_ne!(bench.sim.state_digest(), before);
    let sql = "<sql>select count(*) from devicexml4k where xml like '%O&amp;amp;M%'</sql>";
    let counted = bench.good("executeSQLQuery", sql).await;
    assert!(counted.contains("<count>1</count>"), "{counted}");
    assert!(phone(&bench).loaded_web_access);
    bench.good("applyPhone", &named(ONE, "")).await;
    assert!(!phone(&bench).loaded_web_access);
    // What the test itself sets is seen in what was written.
    assert!(bench.sim.set_web_access(ONE, Some(true)));
    assert!(phone(&bench).vendor_config.ends_with("<webAccess>0</webAccess>"));
    bench.good("updatePhone", &named(ONE, "<vendorConfig/>")).await;
    assert_eq!(phone(&bench).vendor_config, "");
    bench.good("applyPhone", &named(ONE, "")).await;
    assert!(phone(&bench).loaded_web_access);
}

#[tokio::test]
async fn a_profile_is_changed_and_applied() {
    let mut fleet = fleet();
    fleet.profiles.push(ProfileSpec::new("Locked", Setting::Disabled));
    fleet.phones[0].profile = "Locked".to_owned();
    fleet.phones[1].profile = "Locked".to_owned();
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let before = bench.sim.state_digest();
    let fields = "<phonePersonalization>Enabled</phonePersonalization>";
    bench.good("updateCommonPhoneConfig", &named("locked", fields)).await;
    assert_eq!(bench.sim.record().profiles["Locked"], Setting::Enabled);
    assert_ne!(bench.sim.state_digest(), before);
    for (fields, part) in [
        ("<phonePersonalization>2</phonePersonalization>", "not valid"),
        ("<newName>x</newName>", "The simulator cannot do newName of a CommonPhoneConfig."),
    ] {
        let inner = named("Locked", fields);
        let (status, body) = bench.ask("15.0", "updateCommonPhoneConfig", &inner).await;
        assert_eq!((status, body.contains(part)), (500, true), "{body}");
    }
    assert_eq!(phone(&bench).loaded_personalization, Setting::Disabled);
    bench.good("applyCommonPhoneConfig", &named("Locked", "")).await;
    bench.good("resetCommonPhoneConfig", &named("Locked", "")).await;
    let record = bench.sim.record();
    let counts = |k: u8| {
        let phone = &record.phones[&format!("SEP00000000000{k}")];
        (phone.loaded_personalization, phone.applied, phone.resets, phone.restarts)
    };
    assert_eq!([counts(1), counts(2)], [(Setting::Enabled, 1, 1, 2); 2]);
    assert_eq!(counts(3), (Setting::Enabled, 0, 0, 0));
    let written: Vec<_> = record.writes.iter().map(|write| write.target.as_str()).collect();
    assert_eq!(written, ["Locked"; 3]);
    for operation in
        ["updateCommonPhoneConfig", "applyCommonPhoneConfig", "removeCommonPhoneConfig"]
    {
        let (_, body) = bench.ask("15.0", operation, &named("None", "")).await;
        assert!(body.contains("<axlcode>5003</axlcode>"), "{body}");
    }
}

#[tokio::test]
async fn a_profile_comes_and_goes() {
    let bench = Bench::new().await;
    let before = bench.sim.state_digest();
    let add = |fields: &str| format!("<commonPhoneConfig>{fields}</commonPhoneConfig>");
    let fields = named(
        "Wall",
        "<description>For &lt;walls&gt;</description><dndOption>Call Reject</dndOption>\
         <backgroundImage>false</backgroundImage><phonePersonalization>Enabled</phonePersonalization>\
         <sshUserId>me</sshUserId><vendorConfig><webAccess>1</webAccess></vendorConfig>",
    );
    let answer = bench.good("addCommonPhoneConfig", &add(&fields)).await;
    let uuid = text(&answer, "return").to_owned();
    assert!(uuid.starts_with('{'), "{answer}");
    let told = bench.good("getCommonPhoneConfig", &format!("<uuid>{uuid}</uuid>")).await;
    for part in [
        "<description>For &lt;walls&gt;</description>",
        "<dndOption>Call Reject</dndOption>",
        "<phonePersonalization>Enabled</phonePersonalization>",
        "<sshUserId>me</sshUserId>",
        "<vendorConfig><webAccess>1</webAccess></vendorConfig>",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(bench.sim.record().profiles["Wall"], Setting::Enabled);
    let with = bench.sim.state_digest();
    assert_ne!(with, before);
    let (status, body) = bench.ask("15.0", "addCommonPhoneConfig", &add(&fields)).await;
    assert_eq!((status, body.contains("<axlcode>-239</axlcode>")), (500, true), "{body}");
    // Its phones obey it, and keep it alive.
    let to = |profile: &str| {
        named(ONE, &format!("<commonPhoneConfigName>{profile}</commonPhoneConfigName>"))
    };
    bench.good("updatePhone", &to("Wall")).await;
    bench.good("resetPhone", &named(ONE, "")).await;
    assert!(!phone(&bench).loaded_web_access);
    let (status, body) = bench.ask("15.0", "removeCommonPhoneConfig", &named("Wall", "")).await;
    assert_eq!((status, body.contains("<axlcode>-691</axlcode>")), (500, true), "{body}");
    bench.good("updatePhone", &to(STANDARD_PROFILE)).await;
    assert_eq!(bench.sim.state_digest(), with);
    let standard = named(STANDARD_PROFILE, "");
    assert_eq!(bench.ask("15.0", "removeCommonPhoneConfig", &standard).await.0, 500);
    bench.good("removeCommonPhoneConfig", &format!("<uuid>{uuid}</uuid>")).await;
    assert_eq!(bench.sim.state_digest(), before);
    assert_eq!(bench.ask("15.0", "getCommonPhoneConfig", &named("Wall", "")).await.0, 500);
}

#[tokio::test]
async fn phones_find_their_profile_when_another_goes() {
    let mut fleet = fleet();
    for name in ["First", "Second"] {
        fleet.profiles.push(ProfileSpec::new(name, Setting::Disabled));
    }
    fleet.phones[0].profile = "Second".to_owned();
    fleet.phones[1].profile = "First".to_owned();
    let bench = Bench::with(SimConfig::new(fleet)).await;
    // A device that is gone does not keep its profile.
    bench.sim.change_after("getCCMVersion", 1, Change::Remove("SEP000000000002".to_owned()));
    bench.good("getCCMVersion", "").await;
    bench.good("removeCommonPhoneConfig", &named("First", "")).await;
    assert_eq!(phone(&bench).profile, "Second");
    let record = bench.sim.record();
    assert_eq!(record.profiles.keys().collect::<Vec<_>>(), ["Second", STANDARD_PROFILE]);
    assert_eq!(record.phones["SEP000000000003"].profile, STANDARD_PROFILE);
}

#[tokio::test]
async fn who_may_only_read_changes_nothing() {
    let bench = Bench::new().await;
    let before = bench.sim.state_digest();
    let profile = "<commonPhoneConfig><name>X</name></commonPhoneConfig>";
    for (operation, inner) in [
        ("updatePhone", named(ONE, "<phoneSuite>Disabled</phoneSuite>")),
        ("updateCommonPhoneConfig", named(STANDARD_PROFILE, "")),
        ("addCommonPhoneConfig", profile.to_owned()),
        ("removeCommonPhoneConfig", named(STANDARD_PROFILE, "")),
        ("applyPhone", named(ONE, "")),
        ("resetPhone", named(ONE, "")),
        ("applyCommonPhoneConfig", named(STANDARD_PROFILE, "")),
        ("resetCommonPhoneConfig", named(STANDARD_PROFILE, "")),
    ] {
        let body = envelope("15.0", operation, &inner);
        let request = bench.axl().basic_auth(READER_USER, Some(READER_PASSWORD)).body(body);
        assert_eq!(read(request).await.0, 401, "{operation}");
    }
    assert_eq!(bench.sim.state_digest(), before);
    assert_eq!((phone(&bench).restarts, bench.sim.record().writes.len()), (0, 0));
}

#[tokio::test]
async fn writes_fill_the_queue_of_the_nodes() {
    let limits = Limits { notifications: Some(3), ..Limits::real() };
    let bench = Bench::with(SimConfig { limits, ..SimConfig::new(fleet()) }).await;
    // Six devices and the profile.
    bench.good("applyCommonPhoneConfig", &named(STANDARD_PROFILE, "")).await;
    assert_eq!(bench.ask("15.0", "applyPhone", &named(ONE, "")).await.0, 503);
}

/// Returns what RisPort70 tells about the first phone: its status, and since when.
async fn registered(bench: &Bench) -> (String, u64) {
    let (_, body) = bench.ris(&select(&item(ONE))).await;
    (text(&body, "ns1:Status").to_owned(), text(&body, "ns1:TimeStamp").parse().unwrap())
}

#[tokio::test]
async fn a_phone_that_restarts_is_away_and_comes_back_newer() {
    let restart_time = Duration::from_secs(20);
    let bench = Bench::with(SimConfig { restart_time, ..SimConfig::new(fleet()) }).await;
    let (status, first) = registered(&bench).await;
    assert_eq!(status, "Registered");
    bench.good("updatePhone", &named(ONE, "<phoneSuite>Disabled</phoneSuite>")).await;
    bench.good("applyPhone", &named(ONE, "")).await;
    let (status, gone) = registered(&bench).await;
    assert_eq!(status, "UnRegistered");
    assert!(gone > first);
    let dynamic = "<searchCriteria><device>SEP000000000001</device></searchCriteria>\
        <returnedTags><device/><lastSeen/><risStatus/></returnedTags>";
    let told = bench.good("listRegistrationDynamic", dynamic).await;
    assert_eq!(text(&told, "risStatus"), "Unregistered");
    let page = || {
        let url = format!("http://127.9.0.1:{}/DeviceInformationX", bench.sim.phone_port());
        bench.client.get(url).send()
    };
    assert!(page().await.is_err());
    assert_eq!(phone(&bench).registration, Registration::UnRegistered);
    // It does not hear what it is told meanwhile.
    bench.good("resetPhone", &named(ONE, "")).await;
    // The time goes by at once, and never while something is asked.
    tokio::time::pause();
    tokio::time::advance(restart_time).await;
    tokio::time::resume();
    let (status, back) = registered(&bench).await;
    assert_eq!((status.as_str(), back > gone), ("Registered", true));
    let told = bench.good("listRegistrationDynamic", dynamic).await;
    assert_eq!(text(&told, "lastSeen"), back.to_string());
    assert!(page().await.is_ok());
    let phone = phone(&bench);
    assert_eq!((phone.restarts, phone.applied, phone.resets), (1, 1, 0));
    assert_eq!(phone.loaded_personalization, Setting::Disabled);
}

#[tokio::test]
async fn without_a_restart_the_registration_stays() {
    let mut fleet = fleet();
    fleet.phones[1].registration = Registration::Rejected;
    let config = SimConfig { apply_restarts: false, ..SimConfig::new(fleet) };
    let bench = Bench::with(config).await;
    let before = registered(&bench).await;
    bench.good("updatePhone", &named(ONE, "<phoneSuite>Disabled</phoneSuite>")).await;
    bench.good("applyPhone", &named(ONE, "")).await;
    assert_eq!(registered(&bench).await, before);
    let applied = phone(&bench);
    assert_eq!((applied.restarts, applied.applied), (0, 1));
    assert_eq!(applied.loaded_personalization, Setting::Disabled);
    bench.good("resetPhone", &named(ONE, "")).await;
    assert!(registered(&bench).await.1 > before.1);
    // One that is not registered hears nothing.
    bench.good("resetPhone", &named("SEP000000000002", "")).await;
    let other = bench.sim.phone("SEP000000000002").unwrap();
    assert_eq!((other.resets, other.registration), (0, Registration::Rejected));
}

#[tokio::test]
async fn a_phone_can_be_lost() {
    let mut fleet = fleet();
    fleet.phones[0].quirk = Quirk::NeverComesBack;
    let bench = Bench::with(SimConfig::new(fleet)).await;
    assert!(bench.push(1, Some(PUSH_PASSWORD), "x").await.1.contains("CiscoIPPhoneError"));
    bench.good("applyPhone", &named(ONE, "")).await;
    for _ in 0..2 {
        assert_eq!(registered(&bench).await.0, "UnRegistered");
        bench.good("resetPhone", &named(ONE, "")).await;
    }
    assert_eq!((phone(&bench).restarts, phone(&bench).resets), (1, 0));
}

#[tokio::test]
async fn somebody_else_writes_right_before() {
    let bench = Bench::new().await;
    let (user, devices) = (PUSH_USER.to_owned(), vec!["SEP000000000004".to_owned()]);
    bench.sim.change_before("updateAppUser", 2, Change::Associate { user, devices });
    let setting = Setting::Disabled;
    let personalize = Change::Personalize { phone: ONE.to_owned(), setting };
    bench.sim.change_before("updatePhone", 1, personalize);
    let profile = STANDARD_PROFILE.to_owned();
    let change = Change::PersonalizeProfile { profile, setting };
    bench.sim.change_after("getCCMVersion", 1, change);
    for (devices, expected) in [
        (
            "<associatedDevices><device>SEP000000000003</device></associatedDevices>",
            "SEP000000000003",
        ),
        // Nothing is written, so what the other one wrote stays.
        ("", "SEP000000000004"),
    ] {
        bench.good("updateAppUser", &format!("<userid>bgpush</userid>{devices}")).await;
        assert_eq!(bench.sim.record().devices(PUSH_USER), [expected]);
    }
    bench.good("updatePhone", &named(ONE, "<vendorConfig/>")).await;
    assert_eq!(phone(&bench).personalization, Setting::Disabled);
    bench.good("updatePhone", &named(ONE, "<phoneSuite>Enabled</phoneSuite>")).await;
    assert_eq!(phone(&bench).personalization, Setting::Enabled);
    bench.good("getCCMVersion", "").await;
    let record = bench.sim.record();
    assert_eq!(record.profiles[STANDARD_PROFILE], Setting::Disabled);
    let changes = record.changes.iter();
    let changes: Vec<_> =
        changes.map(|c| (c.operation.as_str(), c.nth, c.device.as_str())).collect();
    let expected = [
        ("updateAppUser", 2, PUSH_USER),
        ("updatePhone", 1, ONE),
        ("getCCMVersion", 1, STANDARD_PROFILE),
    ];
    assert_eq!(changes, expected);
}
