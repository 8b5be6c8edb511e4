//! Speaks to the simulator in hand-written XML over plain reqwest, without any of our client's code.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail with them")]

use std::net::Ipv4Addr;

use axlpaper::domain::model::Size;
use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{
    ADMIN_PASSWORD, ADMIN_USER, Address, AxlRole, Fault, Fleet, FleetSpec, PUSH_PASSWORD,
    PUSH_USER, PhoneSpec, ProfileSpec, PushOutcome, Quirk, READER_PASSWORD, READER_USER,
    Registration, Release, SimCluster, SimConfig, UserKind, UserSpec,
};

/// A cluster of five 8841 and what is needed to talk to it.
struct Bench {
    sim: SimCluster,
    client: reqwest::Client,
}

fn fleet() -> Fleet {
    let mut fleet = Fleet::default();
    for k in 1..=5 {
        let mut phone = PhoneSpec::new(format!("SEP00000000000{k}"), 683);
        phone.description = format!("Desk <{k}> & \"more\"");
        phone.address = Address::V4(Ipv4Addr::new(127, 9, 0, k));
        fleet.phones.push(phone);
    }
    fleet.phones.push(PhoneSpec::new("csfmscott", 503));
    fleet.push_devices = vec!["csfmscott".to_owned(), "SEP000000000001".to_owned()];
    fleet
}

impl Bench {
    async fn new() -> Self {
        Self::with(SimConfig::new(fleet())).await
    }

    async fn with(config: SimConfig) -> Self {
        // Another test may have installed it already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let sim = SimCluster::start(config).await.unwrap();
        let authority = reqwest::Certificate::from_pem(sim.ca_pem().as_bytes()).unwrap();
        let builder = reqwest::Client::builder().tls_certs_only([authority]).no_proxy();
        Self { sim, client: builder.build().unwrap() }
    }

    fn axl(&self) -> reqwest::RequestBuilder {
        let url = format!("https://{}/axl/", self.sim.axl_addr());
        self.client.post(url).header("content-type", "text/xml; charset=utf-8")
    }

    /// Sends the inside of an operation's element as the administrator.
    async fn ask(&self, version: &str, operation: &str, inner: &str) -> (u16, String) {
        let body = envelope(version, operation, inner);
        read(self.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD)).body(body)).await
    }

    async fn good(&self, operation: &str, inner: &str) -> String {
        let (status, body) = self.ask("15.0", operation, inner).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn ris(&self, inner: &str) -> (u16, String) {
        let url = format!("https://{}/realtimeservice2/services/RISService70", self.sim.axl_addr());
        let body = format!(
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:s=\"http://schemas.cisco.com/ast/soap\"><soapenv:Body>{inner}</soapenv:Body></soapenv:Envelope>"
        );
        let request = self.client.post(url).basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD));
        read(request.body(body)).await
    }

    async fn authenticate(&self, user: &str, password: &str, device: &str) -> String {
        let url = self.sim.auth_url();
        let query = format!("{url}?UserID={user}&Password={password}&devicename={device}");
        read(self.client.get(query)).await.1
    }

    async fn push(&self, last: u8, password: Option<&str>, xml: &str) -> (u16, String) {
        let url = format!("http://127.9.0.{last}:{}/CGI/Execute", self.sim.phone_port());
        let request = self.client.post(url).form(&[("XML", xml)]);
        read(match password {
            Some(password) => request.basic_auth(PUSH_USER, Some(password)),
            None => request,
        })
        .await
    }
}

async fn read(request: reqwest::RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn envelope(version: &str, operation: &str, inner: &str) -> String {
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:ns=\"http://www.cisco.com/AXL/API/{version}\"><soapenv:Header/>\
         <soapenv:Body><ns:{operation}>{inner}</ns:{operation}></soapenv:Body></soapenv:Envelope>"
    )
}

fn list(extra: &str) -> String {
    format!(
        "<searchCriteria><name>SEP%</name></searchCriteria>\
         <returnedTags><name/><model/><devicePoolName/><phoneSuite/></returnedTags>{extra}"
    )
}

/// A server for two pictures; it lives as long as the returned set of tasks.
async fn pictures(image: Size, thumbnail: Size) -> (String, tokio::task::JoinSet<()>) {
    let png = |size: Size| {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, size.width, size.height);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        // Noise, so that the file is too large to arrive in one piece.
        let mut noise = 1_u32;
        let pixels: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_be_bytes()[0]
        })
        .take((size.width * size.height) as usize)
        .collect();
        writer.write_image_data(&pixels).unwrap();
        writer.finish().unwrap();
        file
    };
    let (large, small) = (png(image), png(thumbnail));
    let router = axum::Router::new()
        .route("/i.png", axum::routing::get(async move || large))
        .route("/t.png", axum::routing::get(async move || small));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (base, tasks)
}

fn background(base: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><setBackground><background>\
         <image>{base}/i.png</image><icon>{base}/t.png</icon></background></setBackground>"
    )
}

const IMAGE: Size = Size::new(800, 480);
const THUMBNAIL: Size = Size::new(139, 109);

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
        ("makeCoffee", String::new(), "No method found"),
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
async fn a_namespace_or_an_action_must_be_right() {
    let bench = Bench::new().await;
    let send = async |action: &str, body: String| {
        let request = bench.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD));
        read(request.header("SOAPAction", action).body(body)).await.0
    };
    let good = envelope("12.5", "getCCMVersion", "");
    assert_eq!(send("\"CUCM:DB ver=12.5 getCCMVersion\"", good.clone()).await, 200);
    assert_eq!(send("\"CUCM:DB ver=15.0 getCCMVersion\"", good.clone()).await, 500);
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
    let bench = Bench::with(SimConfig { release: Release::R14_0, ..SimConfig::new(fleet()) }).await;
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
    let bench = Bench::with(SimConfig { answer_limit: 600, ..SimConfig::new(fleet()) }).await;
    let (status, body) = bench.ask("15.0", "listPhone", &list("")).await;
    assert_eq!(status, 500);
    assert!(body.contains("Query request too large. Total rows matched: 5 rows."), "{body}");
    assert_eq!(bench.ask("15.0", "listPhone", &list("<first>1</first>")).await.0, 200);
}

fn select(items: &str) -> String {
    format!(
        "<s:selectCmDeviceExt><s:StateInfo/><s:CmSelectionCriteria>\
         <s:MaxReturnedDevices>1000</s:MaxReturnedDevices><s:DeviceClass>Phone</s:DeviceClass>\
         <s:Model>255</s:Model><s:Status>Any</s:Status><s:NodeName/><s:SelectBy>Name</s:SelectBy>\
         <s:SelectItems>{items}</s:SelectItems><s:Protocol>Any</s:Protocol>\
         <s:DownloadStatus>Any</s:DownloadStatus></s:CmSelectionCriteria></s:selectCmDeviceExt>"
    )
}

fn item(name: &str) -> String {
    format!("<s:item><s:Item>{name}</s:Item></s:item>")
}

#[tokio::test]
async fn risport_tells_what_nodes_know() {
    let mut fleet = fleet();
    fleet.phones[1].registration = Registration::UnRegistered;
    fleet.phones[2].registration = Registration::NeverSeen;
    fleet.phones[3].stale_node = Some(1);
    let config = SimConfig { ris_per_minute: Some(5), ..SimConfig::new(fleet) };
    let bench = Bench::with(config).await;
    let names = (1..=4).map(|k| item(&format!("SEP00000000000{k}"))).collect::<Vec<_>>().concat();
    let (status, body) = bench.ris(&select(&names)).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("<ns1:TotalDevicesFound>4</ns1:TotalDevicesFound>"), "{body}");
    assert!(body.contains("<ns1:IP>127.9.0.1</ns1:IP>"), "{body}");
    assert!(body.contains("<ns1:Httpd>Yes</ns1:Httpd>"), "{body}");
    assert!(!body.contains("SEP000000000003"));
    assert_eq!(body.matches("<ns1:Name>SEP000000000004</ns1:Name>").count(), 2);
    let (_, none) = bench.ris(&select(&item("SEPNONE"))).await;
    assert!(
        none.contains("<ns1:CmNodes xmlns:xsi=") && none.contains("xsi:nil=\"1\" />"),
        "{none}"
    );
    bench.sim.silence_node("cucm-pub", true);
    let (_, silent) = bench.ris(&select(&names)).await;
    assert!(silent.contains("NodeNotResponding") && !silent.contains("127.9.0.1"), "{silent}");
    bench.sim.silence_node("cucm-pub", false);
    // What is no valid request does not count.
    let unqualified = select(&names).replace("s:Item>", "Item>");
    assert_eq!(bench.ris(&unqualified).await.0, 500);
    let order = select(&names)
        .replace("<s:StateInfo/>", "")
        .replace("</s:CmSelectionCriteria>", "</s:CmSelectionCriteria><s:StateInfo/>");
    assert_eq!(bench.ris(&order).await.0, 500);
    let (status, many) = bench.ris(&select(&item("x").repeat(1001))).await;
    assert_eq!(status, 500, "{many}");
    let wild = select(&item("sep*2")).replace("selectCmDeviceExt", "selectCmDevice");
    assert!(bench.ris(&wild).await.1.contains("SEP000000000002"));
    let (status, limited) = bench.ris(&select(&names)).await;
    assert_eq!(status, 500);
    assert!(limited.contains("Exceeded allowed rate for Reatime information"), "{limited}");
}

#[tokio::test]
async fn the_authentication_page_needs_password_and_association() {
    let bench = Bench::new().await;
    let (one, two) = ("SEP000000000001", "SEP000000000002");
    assert_eq!(bench.authenticate(PUSH_USER, PUSH_PASSWORD, one).await, "AUTHORIZED");
    assert_eq!(bench.authenticate(PUSH_USER, PUSH_PASSWORD, two).await, "UN-AUTHORIZED");
    assert_eq!(bench.authenticate(PUSH_USER, "wrong", one).await, "UN-AUTHORIZED");
    assert!(bench.sim.set_associations(PUSH_USER, &[two]));
    assert_eq!(bench.authenticate(PUSH_USER, PUSH_PASSWORD, two).await, "AUTHORIZED");
    let form = [("UserID", PUSH_USER), ("Password", PUSH_PASSWORD), ("devicename", two)];
    let posted = bench.client.post(bench.sim.auth_url()).form(&form);
    assert_eq!(read(posted).await.1, "AUTHORIZED");
    bench.sim.set_locked(PUSH_USER, true);
    assert_eq!(bench.authenticate(PUSH_USER, PUSH_PASSWORD, two).await, "UN-AUTHORIZED");
    assert_eq!(bench.sim.record().users[PUSH_USER].failed_logins, 2);
}

#[tokio::test]
async fn a_push_is_carried_out_and_recorded() {
    let bench = Bench::new().await;
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    let xml = background(&base);
    let (status, body) = bench.push(1, Some(PUSH_PASSWORD), &xml).await;
    assert_eq!(status, 200);
    assert!(body.contains("<CiscoIPPhoneResponse>") && body.contains("Status=\"0\""), "{body}");
    let phone = bench.sim.phone("SEP000000000001").unwrap();
    assert_eq!(phone.shown.as_ref().unwrap().size, IMAGE);
    let [push] = phone.pushes.as_slice() else { panic!("{phone:?}") };
    assert_eq!(push.xml.as_deref(), Some(xml.as_str()));
    assert_eq!((push.authorization, push.outcome), (true, PushOutcome::Accepted));
    let urls: Vec<_> = push.fetches.iter().map(|f| (f.url.clone(), f.complete)).collect();
    assert_eq!(urls, [(format!("{base}/i.png"), true), (format!("{base}/t.png"), true)]);
    // Without credentials, with wrong ones, without association.
    for (last, password) in [(1, None), (1, Some("wrong")), (2, Some(PUSH_PASSWORD))] {
        let (status, body) = bench.push(last, password, &xml).await;
        assert_eq!((status, body.as_str()), (200, "<CiscoIPPhoneError Number=\"4\" />"));
    }
    let record = bench.sim.record();
    assert_eq!(record.phones["SEP000000000002"].pushes[0].outcome, PushOutcome::Error(4));
    assert_eq!(record.phones["SEP000000000002"].shown, None);
    assert!(record.phones["SEP000000000003"].pushes.is_empty());
    assert_eq!(record.most_pushes_in_flight, 1);
    assert!(!format!("{record:?}").contains(PUSH_PASSWORD));
}

#[tokio::test]
async fn a_phone_refuses_what_it_cannot_show() {
    let bench = Bench::new().await;
    let (base, _server) = pictures(Size::new(800, 481), THUMBNAIL).await;
    let error = |number| format!("<CiscoIPPhoneError Number=\"{number}\" />");
    let answer = async |xml: &str| bench.push(1, Some(PUSH_PASSWORD), xml).await.1;
    assert_eq!(answer(&background(&base)).await, error(3));
    assert_eq!(answer(&background(&format!("{base}/none"))).await, error(3));
    assert_eq!(answer(&background("http://192.0.2.1")).await, error(3));
    assert_eq!(answer("<setBackground/>").await, error(1));
    let padded = format!("{}{}", background(&base), " ".repeat(512));
    assert_eq!(answer(&padded).await, error(1));
    assert_eq!(bench.sim.phone("SEP000000000001").unwrap().shown, None);
    let url = format!("http://127.9.0.1:{}/CGI/Execute", bench.sim.phone_port());
    let expecting = bench.client.post(url).header("Expect", "100-continue").body("XML=x");
    assert_eq!(read(expecting).await.1, error(6));
}

#[tokio::test]
async fn a_phone_obeys_what_it_loaded_last() {
    let mut fleet = fleet();
    fleet.profiles.push(ProfileSpec::new("Locked", Setting::Disabled));
    fleet.phones[0].profile = "Locked".to_owned();
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    let answer = async || bench.push(1, Some(PUSH_PASSWORD), &background(&base)).await.1;
    assert!(answer().await.contains("Number=\"4\""));
    assert!(bench.sim.set_profile_personalization("Locked", Setting::Enabled));
    assert!(answer().await.contains("Number=\"4\""));
    assert!(bench.sim.restart_phone("SEP000000000001"));
    assert!(answer().await.contains("CiscoIPPhoneResponse"));
    assert!(bench.sim.set_web_access("SEP000000000001", Some(false)));
    assert!(answer().await.contains("CiscoIPPhoneResponse"));
    bench.sim.restart_phones();
    let url = format!("http://127.9.0.1:{}/CGI/Execute", bench.sim.phone_port());
    let form = [("XML", "x")];
    assert!(bench.client.post(url).form(&form).send().await.is_err());
}

#[tokio::test]
async fn phones_misbehave_each_in_its_own_way() {
    let mut fleet = fleet();
    fleet.push_devices.extend((2..=5).map(|k| format!("SEP00000000000{k}")));
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    let xml = background(&base);
    let name = |k: u8| format!("SEP00000000000{k}");
    let url = |k: u8, path| format!("http://127.9.0.{k}:{}{path}", bench.sim.phone_port());
    bench.sim.set_quirk(&name(1), Quirk::AcceptsButNeverFetches);
    assert!(bench.push(1, Some(PUSH_PASSWORD), &xml).await.1.contains("Success"));
    assert!(bench.sim.phone(&name(1)).unwrap().pushes[0].fetches.is_empty());
    bench.sim.set_quirk(&name(2), Quirk::FetchesHalf);
    assert!(bench.push(2, Some(PUSH_PASSWORD), &xml).await.1.contains("Success"));
    let half = bench.sim.phone(&name(2)).unwrap();
    assert!(!half.pushes[0].fetches[0].complete && half.shown.is_none());
    bench.sim.set_quirk(&name(3), Quirk::ErrorWithOk { number: 7 });
    assert!(bench.push(3, Some(PUSH_PASSWORD), &xml).await.1.contains("Number=\"7\""));
    bench.sim.set_quirk(&name(4), Quirk::Resets);
    let reset = bench.client.post(url(4, "/CGI/Execute")).form(&[("XML", &xml)]);
    assert!(reset.send().await.is_err());
    assert!(!bench.sim.phone(&name(4)).unwrap().pushes.is_empty());
    bench.sim.set_quirk(&name(5), Quirk::Busy503Once);
    assert_eq!(bench.push(5, Some(PUSH_PASSWORD), &xml).await.0, 503);
    assert!(bench.push(5, Some(PUSH_PASSWORD), &xml).await.1.contains("Success"));
    bench.sim.set_quirk(&name(5), Quirk::WrongDevice);
    let information = read(bench.client.get(url(5, "/DeviceInformationX"))).await.1;
    assert!(information.contains("<HostName>SEPFFFE0000F"), "{information}");
    assert!(bench.push(5, Some(PUSH_PASSWORD), &xml).await.1.contains("Number=\"4\""));
}

#[tokio::test]
async fn nobody_answers_where_no_phone_is() {
    let bench = Bench::new().await;
    for host in ["127.9.0.99", "127.0.0.1"] {
        let url = format!("http://{host}:{}/DeviceInformationX", bench.sim.phone_port());
        assert!(bench.client.get(url).send().await.is_err(), "{host}");
    }
}

#[tokio::test]
async fn a_generated_fleet_is_served_whole() {
    let fleet = FleetSpec { seed: 1, phones: 3000 }.generate();
    let names: Vec<String> = fleet.phones.iter().map(|phone| phone.name.clone()).collect();
    let bench = Bench::with(SimConfig { ris_per_minute: None, ..SimConfig::new(fleet) }).await;
    let inner = "<searchCriteria><name>%</name></searchCriteria>\
        <returnedTags><name/><description/><locationName/><ownerUserName/></returnedTags>";
    let all = bench.good("listPhone", inner).await;
    assert_eq!(all.matches("<phone ").count(), names.len());
    let sql = "<sql>select count(*) from device where tkclass = 1</sql>";
    let counted = bench.good("executeSQLQuery", sql).await;
    // The template is not of class 1.
    assert!(counted.contains(&format!("<count>{}</count>", names.len() - 1)), "{counted}");
    let mut found = 0;
    for chunk in names.chunks(1000) {
        let items = chunk.iter().map(|name| item(name)).collect::<Vec<_>>().concat();
        let (status, body) = bench.ris(&select(&items)).await;
        assert_eq!(status, 200);
        found += body.matches("<ns1:DirNumber>").count();
    }
    assert!(found > names.len() * 9 / 10 && found < names.len(), "{found} of {}", names.len());
}

#[tokio::test]
async fn everything_stops() {
    let bench = Bench::new().await;
    assert_eq!(bench.ask("15.0", "getCCMVersion", "").await.0, 200);
    let address = bench.sim.axl_addr();
    bench.sim.shutdown().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
