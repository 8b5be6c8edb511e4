//! RisPort70, the authentication page and the phones themselves.

use crate::bench::*;
use axlpaper::domain::model::{Size, by_number};
use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{
    FleetSpec, Limits, PUSH_PASSWORD, PUSH_USER, ProfileSpec, PushOutcome, Quirk, Registration,
    SimConfig,
};

#[tokio::test]
async fn risport_tells_what_nodes_know() {
    let mut fleet = fleet();
    fleet.phones[1].registration = Registration::UnRegistered;
    fleet.phones[2].registration = Registration::NeverSeen;
    fleet.phones[3].stale_node = Some(1);
    let config = SimConfig {
        limits: Limits { ris_per_minute: Some(4), ..Limits::real() },
        ..SimConfig::new(fleet)
    };
    let bench = Bench::with(config).await;
    let names = (1..=4).map(|k| item(&format!("SEP00000000000{k}"))).collect::<Vec<_>>().concat();
    let (status, body) = bench.ris(&select(&names)).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("<ns1:TotalDevicesFound>3</ns1:TotalDevicesFound>"), "{body}");
    assert!(body.contains("<ns1:IP>127.9.0.1</ns1:IP>"), "{body}");
    assert!(body.contains("<ns1:Httpd>Yes</ns1:Httpd>"), "{body}");
    assert!(!body.contains("SEP000000000003"));
    assert_eq!(body.matches("<ns1:Name>SEP000000000004</ns1:Name>").count(), 1);
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
    // With wrong credentials, without association.
    for (last, password) in [(1, Some("wrong")), (2, Some(PUSH_PASSWORD))] {
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
async fn a_phone_can_ignore_its_first_push() {
    let bench = Bench::new().await;
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    let xml = background(&base);
    bench.sim.set_quirk("SEP000000000001", Quirk::IgnoresFirstPush);
    // A push that is refused is not the one that it ignores.
    assert!(bench.push(1, Some("wrong"), &xml).await.1.contains("Number=\"4\""));
    assert!(bench.push(1, Some(PUSH_PASSWORD), &xml).await.1.contains("Success"));
    let phone = bench.sim.phone("SEP000000000001").unwrap();
    assert_eq!(phone.pushes[1].outcome, PushOutcome::Accepted);
    assert!(phone.pushes[1].fetches.is_empty() && phone.shown.is_none());
    assert!(bench.push(1, Some(PUSH_PASSWORD), &xml).await.1.contains("Success"));
    let phone = bench.sim.phone("SEP000000000001").unwrap();
    assert_eq!(phone.pushes[2].fetches.len(), 2);
    assert_eq!(phone.shown.unwrap().size, IMAGE);
}

/// Changes the models of the first phones of a fleet.
fn with_models(fleet: &mut axlpaper::sim::Fleet, models: &[u32]) {
    for (phone, &model) in fleet.phones.iter_mut().zip(models) {
        phone.model = model;
        phone.model_name = by_number(model).unwrap().name.to_owned();
        fleet.push_devices.push(phone.name.clone());
    }
}

#[tokio::test]
async fn grey_phones_take_thumbnails_of_both_published_sizes() {
    let mut fleet = fleet();
    // 7941, 7942, 7961, 7962, and a 7945 that takes one size only.
    with_models(&mut fleet, &[115, 434, 30018, 404, 435]);
    let bench = Bench::with(SimConfig::new(fleet)).await;
    for height in [49, 53, 54] {
        let (base, _server) = pictures(Size::new(320, 196), Size::new(80, height)).await;
        for phone in 1..=4 {
            let (_, body) = bench.push(phone, Some(PUSH_PASSWORD), &background(&base)).await;
            assert_eq!(body.contains("Success"), height != 54, "{phone}, {height}: {body}");
        }
    }
    let (base, _server) = pictures(Size::new(320, 212), Size::new(80, 49)).await;
    let (_, body) = bench.push(5, Some(PUSH_PASSWORD), &background(&base)).await;
    assert!(body.contains("Number=\"3\""), "{body}");
}

#[tokio::test]
async fn a_preview_is_downloaded_and_replaces_no_background() {
    let mut fleet = fleet();
    with_models(&mut fleet, &[683, 36347]);
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    let xml = format!("<setBackgroundPreview><image>{base}/i.png</image></setBackgroundPreview>");
    let (_, body) = bench.push(1, Some(PUSH_PASSWORD), &xml).await;
    assert!(body.contains("Success"), "{body}");
    let phone = bench.sim.phone("SEP000000000001").unwrap();
    assert_eq!((phone.pushes[0].fetches.len(), phone.shown), (1, None));
    let wrong = xml.replace("i.png", "t.png");
    assert!(bench.push(1, Some(PUSH_PASSWORD), &wrong).await.1.contains("Number=\"3\""));
    // It is not published for PhoneOS.
    assert!(bench.push(2, Some(PUSH_PASSWORD), &xml).await.1.contains("Number=\"1\""));
}

#[tokio::test]
async fn pages_about_calls_and_lines_need_the_credentials_of_a_push() {
    let mut fleet = fleet();
    // 8841, 7945, 8945, 9861 and 7821.
    with_models(&mut fleet, &[683, 435, 585, 36347, 621]);
    fleet.phones[0].extension = Some("5<1".to_owned());
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let get = async |phone: u8, path: &str, password: Option<&str>| {
        let url = format!("http://127.9.0.{phone}:{}{path}", bench.sim.phone_port());
        let request = bench.client.get(url);
        let request = match password {
            Some(password) => request.basic_auth(PUSH_USER, Some(password)),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let header =
            |name: &str| answer.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        let (realm, kind) = (header("www-authenticate"), header("content-type").unwrap());
        (answer.status().as_u16(), realm, kind, answer.text().await.unwrap())
    };
    let right = Some(PUSH_PASSWORD);
    for (path, part) in [
        ("CallInfo", "<LineDirNum>5&lt;1</LineDirNum>"),
        ("CallInfo1", "<LineState>ONHOOK</LineState>"),
        ("LineInfo", "<lineDirNum>5&lt;1</lineDirNum>"),
        ("ModeInfo", "<CiscoIPPhoneModeInfo>"),
    ] {
        let (status, _, kind, body) = get(1, &format!("/CGI/Java/{path}"), right).await;
        assert_eq!((status, kind.as_str()), (200, "text/xml"), "{path}: {body}");
        assert!(body.contains(part), "{path}: {body}");
        roxmltree::Document::parse(&body).unwrap();
    }
    assert_eq!(get(2, "/CGI/Java/ModeInfo", right).await.2, "text/html");
    assert_eq!(get(5, "/CGI/Java/LineInfo", right).await.0, 200);
    // Tools ask a 79xx at the older paths too.
    assert!(get(2, "/CGI/LineInfo", right).await.3.contains("<CiscoIPPhoneLineInfo>"));
    assert_eq!(get(1, "/CGI/LineInfo", right).await.0, 404);
    assert_eq!(get(1, "/CGI/Java/Nothing", None).await.0, 404);
    assert_eq!(get(4, "/CGI/Java/LineInfo", right).await.0, 404);
    assert!(get(1, "/CGI/Java/LineInfo", Some("wrong")).await.3.contains("Number=\"4\""));
    // A GET without credentials is answered as a push without credentials is.
    for path in ["/CGI/Java/LineInfo", "/CGI/Screenshot"] {
        let (status, realm, ..) = get(1, path, None).await;
        assert_eq!((status, realm.as_deref()), (401, Some("Basic realm=\"user\"")), "{path}");
        let (status, _, _, body) = get(2, path, None).await;
        assert_eq!((status, body.as_str()), (200, "<CiscoIPPhoneError Number=\"4\" />"), "{path}");
    }
    assert_eq!(get(3, "/CGI/Screenshot", Some("wrong")).await.0, 401);
    let (status, _, _, log) = get(1, "/DeviceLogX?1", None).await;
    assert_eq!(status, 200);
    assert!(log.starts_with("<?xml") && log.contains("<DeviceLog>"), "{log}");
    assert!(log.contains("SEP000000000001"), "{log}");
}

#[tokio::test]
async fn phones_challenge_or_refuse_who_sends_no_credentials() {
    let mut fleet = fleet();
    for (phone, model) in fleet.phones.iter_mut().zip([683, 437, 585, 493]) {
        phone.model = model;
        phone.model_name = by_number(model).unwrap().name.to_owned();
    }
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let ask = async |last: u8| {
        let url = format!("http://127.9.0.{last}:{}/CGI/Execute", bench.sim.phone_port());
        let answer = bench.client.post(url).form(&[("XML", "<x/>")]).send().await.unwrap();
        let realm = answer.headers().get("www-authenticate").cloned();
        let status = answer.status().as_u16();
        (
            status,
            realm.map(|realm| realm.to_str().unwrap().to_owned()),
            answer.text().await.unwrap(),
        )
    };
    let user = Some("Basic realm=\"user\"".to_owned());
    assert_eq!(ask(1).await.1, user);
    assert_eq!(ask(1).await.0, 401);
    let (status, realm, body) = ask(2).await;
    assert_eq!((status, realm), (200, None), "{body}");
    assert!(body.contains("Number=\"4\""), "{body}");
    assert_eq!(ask(3).await.1.as_deref(), Some("Basic realm=\"SEP000000000003\""));
    assert_eq!(ask(4).await.1, user);
}

#[tokio::test]
async fn phones_show_texts_and_menus_and_have_pages() {
    let bench = Bench::new().await;
    let text = "<CiscoIPPhoneText><Title>t</Title><Text>x</Text></CiscoIPPhoneText>";
    let (status, answer) = bench.push(1, Some(PUSH_PASSWORD), text).await;
    assert!(status == 200 && answer.contains("Status=\"0\""), "{answer}");
    let (_, answer) = bench.push(1, Some(PUSH_PASSWORD), "<CiscoIPPhoneWhatever/>").await;
    assert!(answer.contains("CiscoIPPhoneError"), "{answer}");
    let pushes = bench.sim.phone("SEP000000000001").unwrap().pushes;
    assert_eq!(pushes[0].outcome, PushOutcome::Accepted);
    let get = async |path: &str| {
        read(bench.client.get(format!("http://127.9.0.1:{}{path}", bench.sim.phone_port()))).await
    };
    let (_, page) = get("/DeviceInformationX").await;
    assert!(page.contains("<MACAddress>000000000001</MACAddress>"), "{page}");
    assert!(get("/NetworkConfigurationX").await.1.contains("<IPAddress>127.9.0.1</IPAddress>"));
    assert!(get("/").await.1.contains("SEP000000000001"));
    assert_eq!(get("/deviceinformationx").await.0, 404);
}

#[tokio::test]
async fn a_phone_carries_three_uris_out_at_most() {
    let bench = Bench::new().await;
    let execute = |uris: &[&str]| {
        let item = |uri: &&str| format!("<ExecuteItem Priority=\"0\" URL=\"{uri}\"/>");
        let items: String = uris.iter().map(item).collect();
        format!("<CiscoIPPhoneExecute>{items}</CiscoIPPhoneExecute>")
    };
    let push = async |uris: &[&str]| bench.push(1, Some(PUSH_PASSWORD), &execute(uris)).await.1;
    let three = ["Key:Settings", "Key:KeyPad1", "RTPRx:Stop"];
    let answer = push(&three).await;
    assert_eq!(answer.matches("Status=\"0\"").count(), 2, "{answer}");
    assert!(answer.contains("Status=\"6\" Data=\"URI not found\" URL=\"RTPRx:Stop\""), "{answer}");
    assert!(push(&["Key:Hold"; 4]).await.contains("CiscoIPPhoneError Number=\"1\""));
    assert!(bench.push(1, Some("wrong"), &execute(&three)).await.1.contains("Number=\"4\""));
    let tone = "<setRingTone><ringTone>http://127.0.0.1:1/r.raw</ringTone></setRingTone>";
    assert!(bench.push(1, Some(PUSH_PASSWORD), tone).await.1.contains("Number=\"3\""));
    bench.sim.set_quirk("SEP000000000001", Quirk::LosesAnswer);
    let url = format!("http://127.9.0.1:{}/CGI/Execute", bench.sim.phone_port());
    let request = bench.client.post(url).form(&[("XML", execute(&["Key:Mute"]))]);
    let request = request.basic_auth(PUSH_USER, Some(PUSH_PASSWORD));
    assert!(request.send().await.is_err(), "it answered");
    let phone = bench.sim.phone("SEP000000000001").unwrap();
    let pressed: Vec<&str> = phone.pressed.iter().map(|pressed| pressed.uri.as_str()).collect();
    assert_eq!(pressed, ["Key:Settings", "Key:KeyPad1", "Key:Mute"]);
    assert!(phone.pressed.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert!(phone.ring_tone.is_none());
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
    let bench = Bench::with(SimConfig { limits: Limits::off(), ..SimConfig::new(fleet) }).await;
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
