//! AXL: versions, credentials, lists, users, faults.

use crate::bench::*;
use axlpaper::sim::{
    ADMIN_PASSWORD, ADMIN_USER, AxlRole, Fault, Limits, PUSH_USER, READER_PASSWORD, READER_USER,
    Release, SimConfig, UserKind, UserSpec,
};

#[tokio::test]
async fn wrong_requests_are_faults() {
    let bench = Bench::new().await;
    let name = "<searchCriteria><name>%</name></searchCriteria>";
    for (operation, inner, part) in [
        ("listPhone", format!("<returnedTags><name/></returnedTags>{name}"), "searchCriteria"),
        ("listPhone", format!("{name}<returnedTags><colour/></returnedTags>"), "colour"),
        ("listPhone", format!("{name}<returnedTags><model/><name/></returnedTags>"), "order"),
        ("listPhone", "<searchCriteria/><returnedTags/>".to_owned(), "no criterion"),
        ("listPhone", format!("{name}<ns:returnedTags/>"), "namespace"),
        ("listPhone", name.to_owned(), "returnedTags is missing"),
        ("getPhone", "<name>SEPNONE</name>".to_owned(), "5007"),
        ("makeCoffee", String::new(), "The simulator cannot do makeCoffee"),
        ("executeSQLQuery", "<sql>drop table device</sql>".to_owned(), "-201"),
        ("updateAppUser", "<userid>nobody</userid>".to_owned(), "5003"),
    ] {
        let (status, body) = bench.ask("15.0", operation, &inner).await;
        assert_eq!(status, 500, "{body}");
        assert!(body.contains("<soapenv:Fault>") && body.contains(part), "{body}");
    }
    let request = bench.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD));
    let attribute = envelope("15.0", "listPhone", &list(""))
        .replace("<ns:listPhone>", "<ns:listPhone first=\"1\">");
    assert_eq!(read(request.body(attribute)).await.0, 500);
    for body in ["", "<a", "<!DOCTYPE a><a/>", "<html/>"] {
        let request = bench.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD));
        assert_eq!(read(request.body(body)).await.0, 500, "{body}");
    }
}

#[tokio::test]
async fn a_namespace_must_be_right_and_an_action_need_not() {
    let bench = Bench::new().await;
    let send = async |action: &str, body: String| {
        let request = bench.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD));
        read(request.header("SOAPAction", action).body(body)).await.0
    };
    let good = envelope("12.5", "getCCMVersion", "");
    assert_eq!(send("\"CUCM:DB ver=12.5 getCCMVersion\"", good.clone()).await, 200);
    for action in ["CUCM:DB ver=15.0 listPhone", "CMDB:DB ver=8.5", ""] {
        assert_eq!(send(action, good.clone()).await, 200, "{action}");
    }
    assert_eq!(send("", good.replace("www.cisco.com/AXL", "example.com/AXL")).await, 500);
    let old = "http://schemas.xmlsoap.org/soap/envelope/";
    let soap12 = good.replace(old, "http://www.w3.org/2003/05/soap-envelope");
    assert_eq!(send("", soap12).await, 500);
}

#[tokio::test]
async fn versions_are_refused_with_599() {
    for (release, refused, wording) in [
        (Release::R15_0, "11.5", "Supported axl versions are 12.x, 14.0 and 15.0"),
        (Release::R14_0, "15.0", "Supported axl versions are 11.0, 11.5, 12.x and 14.0"),
        (Release::R11_5, "12.5", "versions are 1.0, 9.0, 9.1, 10.0, 10.5, 11.0 and 11.5"),
    ] {
        let bench = Bench::with(SimConfig { release, ..SimConfig::new(fleet()) }).await;
        let (status, body) = bench.ask(refused, "getCCMVersion", "").await;
        assert_eq!(status, 599);
        assert!(body.contains(wording), "{body}");
        for version in ["8.5", "9.0", "9.1", "10.0", "10.5"] {
            let answered = release == Release::R11_5 && version != "8.5";
            let (status, body) = bench.ask(version, "getCCMVersion", "").await;
            assert_eq!(status, if answered { 200 } else { 599 }, "{version}: {body}");
        }
        let (status, body) = bench.ask("1.0", "getCCMVersion", "").await;
        assert_eq!(status, 200);
        assert!(body.contains(release.version()), "{body}");
    }
}

#[tokio::test]
async fn credentials_roles_and_lockout() {
    let mut fleet = fleet();
    fleet.users.push(UserSpec::new("nobody", UserKind::Application, "nothing"));
    let bench = Bench::with(SimConfig { lockout_after: 2, ..SimConfig::new(fleet) }).await;
    let body = || envelope("15.0", "getCCMVersion", "");
    let refused = bench.axl().body(body()).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["www-authenticate"], "Basic realm=\"Cisco VTG Realm\"");
    assert!(refused.text().await.unwrap().starts_with("<!-- custom Cisco error page --><html>"));
    let request = bench.axl().basic_auth("nobody", Some("nothing")).body(body());
    assert_eq!(read(request).await.0, 403);
    let reader = |body| bench.axl().basic_auth(READER_USER, Some(READER_PASSWORD)).body(body);
    assert_eq!(read(reader(body())).await.0, 200);
    let write = envelope("15.0", "updateAppUser", "<userid>bgpush</userid><associatedDevices/>");
    assert_eq!(read(reader(write)).await.0, 401);
    assert_eq!(bench.sim.record().devices(PUSH_USER).len(), 2);
    for _ in 0..2 {
        let request = bench.axl().basic_auth(ADMIN_USER, Some("wrong")).body(body());
        assert_eq!(read(request).await.0, 401);
    }
    assert_eq!(bench.ask("15.0", "getCCMVersion", "").await.0, 401);
    let record = bench.sim.record();
    assert!(record.users[ADMIN_USER].locked);
    assert_eq!(record.users[ADMIN_USER].failed_logins, 3);
    assert_eq!(record.requests("http 401"), 5);
}

#[tokio::test]
async fn a_session_cookie_works_until_it_expires() {
    let config = SimConfig { session_requests: Some(2), ..SimConfig::new(fleet()) };
    let bench = Bench::with(config).await;
    let url = format!("https://{}/axl/", bench.sim.axl_addr());
    let landing = bench.client.get(&url).basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD));
    let landing = landing.send().await.unwrap();
    assert_eq!(landing.status(), 200);
    let cookies = landing.headers().get_all("set-cookie").iter();
    let cookies: Vec<String> = cookies.map(|c| c.to_str().unwrap().to_owned()).collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("JSESSIONIDSSO=")).unwrap();
    assert!(session.ends_with("; Secure; HttpOnly"));
    assert!(landing.text().await.unwrap().contains("working and accepting requests"));
    let cookie = session.split(';').next().unwrap();
    let send = || bench.axl().header("cookie", cookie).body(envelope("15.0", "getCCMVersion", ""));
    assert_eq!(read(send()).await.0, 200);
    assert_eq!(read(send()).await.0, 404);
    assert_eq!(read(send()).await.0, 404);
}

#[tokio::test]
async fn lists_page_and_select() {
    let bench = Bench::new().await;
    let all = bench.good("listPhone", &list("")).await;
    assert_eq!(all.matches("<phone ").count(), 5);
    assert!(all.contains("<model>Cisco 8841</model>"));
    assert!(!all.contains("<description>"));
    let page = bench.good("listPhone", &list("<skip>3</skip><first>5</first>")).await;
    assert_eq!(page.matches("<phone ").count(), 2);
    assert!(page.contains("SEP000000000004"));
    let skip_alone = bench.good("listPhone", &list("<skip>3</skip>")).await;
    assert_eq!(skip_alone.matches("<phone ").count(), 5);
    let none = bench.good("listPhone", &list("").replace("SEP%", "ZZZ%")).await;
    assert!(none.contains("<return/>"));
    let tags = "<returnedTags><description/><vendorConfig/></returnedTags>";
    let one = bench.good("getPhone", &format!("<name>sep000000000002</name>{tags}")).await;
    assert!(one.contains("Desk &lt;2&gt; &amp; &quot;more&quot;"), "{one}");
    assert!(one.contains("<vendorConfig><garp>"), "{one}");
    let criteria = "<searchCriteria><name>%</name></searchCriteria>";
    let tags = "<returnedTags><name/><nodeUsage/></returnedTags>";
    let nodes = bench.good("listProcessNode", &format!("{criteria}{tags}")).await;
    assert!(nodes.contains("EnterpriseWideData") && nodes.contains("cucm-sub1"));
    let pools = format!("{criteria}<returnedTags><name/></returnedTags>");
    assert!(bench.good("listDevicePool", &pools).await.contains("<name>HQ</name>"));
    let parameter = bench
        .good(
            "getServiceParameter",
            "<processNodeName>EnterpriseWideData</processNodeName>\
             <name>PhonePersonalization</name><service>Enterprise Wide</service>",
        )
        .await;
    assert!(parameter.contains("<value>1</value>"), "{parameter}");
}

#[tokio::test]
async fn nulls_are_declared_as_the_version_does() {
    let bench = Bench::with(SimConfig {
        release: Release::R14_0,
        odd_nulls: true,
        ..SimConfig::new(fleet())
    })
    .await;
    let inner = "<searchCriteria><name>%</name></searchCriteria>\
        <returnedTags><callingSearchSpaceName/><idleUrl/><ownerUserName/></returnedTags>";
    let (_, modern) = bench.ask("14.0", "listPhone", inner).await;
    assert_eq!(modern.matches("xmlns:xsi").count(), 1);
    assert!(modern.contains("xsi:nil=\"true\"/>"));
    let (_, old) = bench.ask("12.5", "listPhone", inner).await;
    assert!(old.matches("xmlns:xsi").count() > 1);
    assert_eq!(old.matches("xmlns:xsi").count(), old.matches("xsi:nil").count());
    assert!(old.contains("<idleUrl />") && old.contains("<idleUrl/>") && old.contains("uuid=\"\""));
}

#[tokio::test]
async fn a_list_of_devices_is_replaced_as_a_whole() {
    let bench = Bench::new().await;
    let before = bench.sim.state_digest();
    let tags = "<returnedTags><associatedDevices><device/></associatedDevices></returnedTags>";
    let listed = bench.good("getAppUser", &format!("<userid>bgpush</userid>{tags}")).await;
    let both = "<device>csfmscott</device><device>SEP000000000001</device>";
    assert!(listed.contains(both), "{listed}");
    assert_eq!(bench.sim.state_digest(), before);
    let update = |names: &[&str]| {
        let devices: Vec<_> = names.iter().map(|name| format!("<device>{name}</device>")).collect();
        let devices = devices.concat();
        format!("<userid>BGPUSH</userid><associatedDevices>{devices}</associatedDevices>")
    };
    bench.good("updateAppUser", &update(&["sep000000000002", "SEP000000000002"])).await;
    assert_eq!(bench.sim.record().devices(PUSH_USER), ["SEP000000000002"]);
    assert_ne!(bench.sim.state_digest(), before);
    let bad = update(&["SEP000000000003", "SEPNONE"]);
    let (status, body) = bench.ask("15.0", "updateAppUser", &bad).await;
    assert_eq!(status, 500);
    assert!(body.contains("SEPNONE"), "{body}");
    assert_eq!(bench.sim.record().devices(PUSH_USER), ["SEP000000000002"]);
    // Without the element nothing changes; with an empty one nothing is left.
    bench.good("updateAppUser", "<userid>bgpush</userid>").await;
    assert_eq!(bench.sim.record().devices(PUSH_USER), ["SEP000000000002"]);
    bench.good("updateAppUser", &update(&[])).await;
    assert_eq!(bench.sim.record().devices(PUSH_USER), [""; 0]);
    let person = update(&["csfMSCOTT"]).replace("BGPUSH", "bgpush-eu");
    bench.good("updateUser", &person).await;
    assert_eq!(bench.sim.record().devices("bgpush-eu"), ["csfmscott"]);
    assert_eq!(bench.ask("15.0", "updateUser", &update(&[])).await.0, 500);
    assert_eq!(bench.sim.record().writes.len(), 4);
}

#[tokio::test]
async fn a_user_of_higher_rank_cannot_be_changed() {
    let mut fleet = fleet();
    let junior = UserSpec::new("junior", UserKind::Application, "junior-word");
    fleet.users.push(UserSpec { axl: AxlRole::Full, rank: 5, ..junior });
    let bench = Bench::with(SimConfig::new(fleet)).await;
    assert!(bench.sim.set_rank(PUSH_USER, 2));
    let body = envelope("15.0", "updateAppUser", "<userid>bgpush</userid><associatedDevices/>");
    let request = bench.axl().basic_auth("junior", Some("junior-word")).body(body);
    let (status, body) = read(request).await;
    assert_eq!(status, 500);
    assert!(body.contains("<axlcode>5003</axlcode>") && body.contains("lower User Rank"), "{body}");
    assert_eq!(bench.sim.record().devices(PUSH_USER).len(), 2);
}

#[tokio::test]
async fn faults_come_when_injected_and_then_go() {
    let bench = Bench::new().await;
    bench.sim.inject(Fault::BusyRead, 2);
    for status in [503, 503, 200] {
        assert_eq!(bench.ask("15.0", "getCCMVersion", "").await.0, status);
    }
    bench.sim.inject(Fault::MemoryFault, 1);
    assert!(bench.ask("15.0", "getCCMVersion", "").await.1.contains("Maximum AXL Memory"));
    bench.sim.inject(Fault::HtmlWithOk, 1);
    let (status, body) = bench.ask("15.0", "getCCMVersion", "").await;
    assert_eq!((status, body.contains("<html>")), (200, true));
    bench.sim.inject(Fault::Truncated, 1);
    let request = bench.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD));
    let answer = request.body(envelope("15.0", "getCCMVersion", "")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err());
    bench.sim.inject(Fault::WriteWithoutAnswer, 1);
    let request = bench.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD));
    let body = envelope("15.0", "updateAppUser", "<userid>bgpush</userid><associatedDevices/>");
    assert!(request.body(body).send().await.unwrap().text().await.is_err());
    assert_eq!(bench.sim.record().devices(PUSH_USER).len(), 0);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_refused() {
    let bench = Bench::with(SimConfig {
        limits: Limits { answer_bytes: Some(600), ..Limits::real() },
        ..SimConfig::new(fleet())
    })
    .await;
    let (status, body) = bench.ask("15.0", "listPhone", &list("")).await;
    assert_eq!(status, 500);
    assert!(body.contains("Query request too large. Total rows matched: 5 rows."), "{body}");
    assert_eq!(bench.ask("15.0", "listPhone", &list("<first>1</first>")).await.0, 200);
}
