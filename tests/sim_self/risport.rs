//! RisPort70 and the older RisPort, as other people's clients ask them.

use crate::bench::*;
use axlpaper::sim::{
    ADMIN_PASSWORD, ADMIN_USER, Address, CTI_PORT, Limits, PUSH_USER, PhoneSpec, Registration,
    SimConfig,
};

async fn bench() -> Bench {
    let mut fleet = fleet();
    fleet.phones[2].extension = Some("5003".to_owned());
    fleet.phones[4].node = 1;
    let limits = Limits { ris_per_minute: None, ..Limits::real() };
    Bench::with(SimConfig { limits, ..SimConfig::new(fleet) }).await
}

/// The names of the phones in an answer.
fn found(body: &str) -> Vec<char> {
    let names = body.split("<ns1:Name>SEP00000000000").skip(1);
    names.map(|rest| rest.chars().next().unwrap()).collect()
}

#[tokio::test]
async fn items_are_read_as_clients_write_them() {
    let bench = bench().await;
    let wild = |items: &str| select(items).replace("selectCmDeviceExt", "selectCmDevice");
    let two = item("SEP000000000001, SEP000000000002");
    for (what, request, names) in [
        ("several names in one item", select(&two), "12"),
        ("patterns in one item", wild(&item("SEP*1,SEP*4")), "14"),
        ("an empty item", wild("<s:item><s:Item/></s:item>"), "12345"),
        ("an empty item for Ext", select("<s:item><s:Item></s:Item></s:item>"), "12345"),
        ("no item", wild(""), "12345"),
        ("texts between items", select(&format!("x{}y", item("SEP000000000003"))), "3"),
    ] {
        let (status, body) = bench.ris(&request).await;
        assert_eq!(status, 200, "{what}: {body}");
        let mut names_found = found(&body);
        names_found.sort_unstable();
        assert_eq!(names_found.iter().collect::<String>(), names, "{what}: {body}");
    }
}

#[tokio::test]
async fn a_directory_number_finds_its_phone() {
    let bench = bench().await;
    let by_number =
        |number: &str| select(&item(number)).replace("<s:SelectBy>Name", "<s:SelectBy>DirNumber");
    let (_, body) = bench.ris(&by_number("5003")).await;
    assert_eq!(found(&body), ['3'], "{body}");
    assert!(body.contains("<ns1:DirNumber>5003-Registered</ns1:DirNumber>"), "{body}");
    let (_, body) = bench.ris(&by_number("5999")).await;
    assert!(found(&body).is_empty(), "{body}");
}

#[tokio::test]
async fn a_state_that_is_sent_back_gets_changes_only() {
    let bench = bench().await;
    let all = select("").replace("selectCmDeviceExt", "selectCmDevice");
    let (_, first) = bench.ris(&all).await;
    let state = first.split("<ns1:StateInfo>").nth(1).unwrap();
    let state = state.split("</ns1:StateInfo>").next().unwrap();
    assert!(state.contains("StateId="), "{state}");
    let again = all.replace("<s:StateInfo/>", &format!("<s:StateInfo>{state}</s:StateInfo>"));
    let (status, second) = bench.ris(&again).await;
    assert_eq!(status, 200, "{second}");
    assert_eq!(second.matches("<ns1:NoChange>true</ns1:NoChange>").count(), 2, "{second}");
    assert!(found(&second).is_empty(), "{second}");
    bench.sim.set_registration("SEP000000000005", Registration::UnRegistered);
    let (_, third) = bench.ris(&again).await;
    assert_eq!(found(&third), ['5'], "{third}");
    assert_eq!(third.matches("<ns1:NoChange>true</ns1:NoChange>").count(), 1, "{third}");
}

#[tokio::test]
async fn the_older_service_answers_in_its_own_shape() {
    let bench = bench().await;
    let url = format!("https://{}/realtimeservice/services/RisPort", bench.sim.axl_addr());
    let ask = async |criteria: &str| {
        let body = format!(
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>\
             <ns1:SelectCmDevice xmlns:ns1=\"http://schemas.cisco.com/ast/soap/\"><StateInfo/>\
             <CmSelectionCriteria>{criteria}</CmSelectionCriteria></ns1:SelectCmDevice>\
             </soapenv:Body></soapenv:Envelope>"
        );
        let request = bench.client.post(&url).body(body);
        read(request.basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD))).await
    };
    let (status, body) = ask("<Status>Registered</Status><SelectBy>Name</SelectBy>\
         <SelectItems><SelectItem><Item>SEP000000000001</Item></SelectItem></SelectItems>")
    .await;
    assert_eq!(status, 200, "{body}");
    for part in [
        "<TotalDevicesFound xsi:type=\"xsd:unsignedInt\">1<",
        "<Name xsi:type=\"xsd:string\">SEP000000000001</Name><IpAddress xsi:type=\"xsd:string\">127.9.0.1</IpAddress>",
        "<Class xsi:type=\"ns1:DeviceClass\">Phone</Class>",
        "soapenc:arrayType=\"ns1:CmDevice[1]\"",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    let (_, body) = ask(
        "<SelectBy>IpAddress</SelectBy><SelectItems><SelectItem><Item>127.9.0.2</Item></SelectItem></SelectItems>",
    )
    .await;
    assert!(body.contains("SEP000000000002") && !body.contains("SEP000000000001"), "{body}");
    let (status, _) = ask("<SelectBy>IPV4Address</SelectBy>").await;
    assert_eq!(status, 500);
    // Values elsewhere in the body, as generated clients write them.
    let encoded = async |criteria: &str, values: &str| {
        let body = format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:n=\"http://schemas.cisco.com/ast/soap/\">\
             <e:Body><n:SelectCmDevice><StateInfo/><CmSelectionCriteria href=\"{criteria}\"/></n:SelectCmDevice>{values}</e:Body></e:Envelope>"
        );
        let request = bench.client.post(&url).body(body);
        read(request.basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD))).await
    };
    let values = "<n:CmSelectionCriteria id=\"id1\"><SelectBy>Name</SelectBy><SelectItems href=\"#id2\"/></n:CmSelectionCriteria>\
        <n:SelectItems id=\"id2\"><SelectItem href=\"#id3\"/></n:SelectItems>\
        <n:SelectItem id=\"id3\"><Item>SEP000000000002</Item></n:SelectItem>";
    let (status, body) = encoded("#id1", values).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains(">SEP000000000002<") && !body.contains(">SEP000000000001<"), "{body}");
    for (values, part) in [
        ("<n:x id=\"id1\"><a href=\"#id9\"/></n:x>", "refers to a value that it lacks"),
        ("<n:x id=\"id1\"><a href=\"#id1\"/><a href=\"#id1\"/></n:x>", "too many references"),
    ] {
        let (status, body) = encoded("#id1", values).await;
        assert_eq!((status, body.contains(part)), (500, true), "{body}");
    }
}

#[tokio::test]
async fn clients_can_download_the_descriptions() {
    let bench = bench().await;
    let url =
        format!("https://{}/realtimeservice2/services/RISService70?wsdl", bench.sim.axl_addr());
    let get = bench.client.get(url);
    let (status, wsdl) = read(get.basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD))).await;
    assert_eq!(status, 200, "{wsdl}");
    let address = format!("location=\"https://{}/realtimeservice2", bench.sim.axl_addr());
    for part in
        [&address, "name=\"RisBinding\"", "element=\"ast:selectCmDeviceExt\"", "MaxReturnedDevices"]
    {
        assert!(wsdl.contains(part), "{part}");
    }
    roxmltree::Document::parse(&wsdl).unwrap();
    let older = format!("https://{}/realtimeservice/services/RisPort?wsdl", bench.sim.axl_addr());
    let get = bench.client.get(older).basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD));
    let (status, wsdl) = read(get).await;
    assert_eq!(status, 200, "{wsdl}");
    let address = format!("location=\"https://{}/realtimeservice/", bench.sim.axl_addr());
    for part in [&address, "style=\"rpc\"", "#RisPort#SelectCmDevice", "soapenc:arrayType"] {
        assert!(wsdl.contains(part), "{part}");
    }
    let document = roxmltree::Document::parse(&wsdl).unwrap();
    // Clients without a way to the Internet have all that it imports.
    let places: Vec<_> =
        document.descendants().filter_map(|node| node.attribute("schemaLocation")).collect();
    let [place] = places.as_slice() else { panic!("{places:?}") };
    let get = bench.client.get(*place).basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD));
    let (status, encoding) = read(get).await;
    assert_eq!((status, encoding.contains("name=\"arrayType\"")), (200, true), "{encoding}");
    roxmltree::Document::parse(&encoding).unwrap();
    for (path, part) in [
        ("/axl?wsdl", "name=\"AXLAPIBinding\""),
        ("/axl/?wsdl", "name=\"AXLAPIBinding\""),
        ("/axl/AXLAPIService?xsd", "<xsd:element name=\"getPhoneResponse\">"),
        ("/axl/?xsd=AXLSoap.xsd", "targetNamespace=\"http://www.cisco.com/AXL/API/15.0\""),
        ("/realtimeservice2/services/RISService70?xsd=1", "selectCmDeviceExt"),
    ] {
        let get = bench.client.get(format!("https://{}{path}", bench.sim.axl_addr()));
        let (status, text) = read(get.basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD))).await;
        assert_eq!((status, text.contains(part)), (200, true), "{path}: {text:.300}");
        roxmltree::Document::parse(&text).unwrap();
    }
}

#[tokio::test]
async fn what_other_services_have_is_refused_by_name() {
    let bench = bench().await;
    let body = |operation: &str| {
        format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
             <n:{operation} xmlns:n=\"http://schemas.cisco.com/ast/soap/\"/></e:Body></e:Envelope>"
        )
    };
    let cluster = format!("https://{}", bench.sim.axl_addr());
    let post = async |path: &str, operation: &str| {
        let request = bench.client.post(format!("{cluster}{path}")).body(body(operation));
        read(request.basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD))).await
    };
    for (path, operation, message) in [
        ("/realtimeservice/services/RisPort", "GetServerInfo", "cannot do GetServerInfo."),
        ("/realtimeservice/services/RisPort", "SelectCmDeviceSIP", "cannot do SelectCmDeviceSIP."),
        ("/realtimeservice/services/RisPort", "Nonsense", "the operation Nonsense is unknown"),
        (
            "/realtimeservice2/services/RISService",
            "getServerInfo",
            "cannot do the service RISService. RisPort70 is at /realtimeservice2/services/RISService70.",
        ),
        ("/realtimeservice/services/RisPort70", "x", "cannot do the service RisPort70. RisPort70"),
        ("/realtimeservice/services/SOAPMonitorService", "x", "the service SOAPMonitorService."),
        ("/perfmonservice2/services/PerfmonService", "x", "the service PerfmonService."),
        ("/perfmonservice/services/PerfmonPort", "x", "the service PerfmonPort."),
        (
            "/controlcenterservice2/services/ControlCenterServicesEx",
            "x",
            "ControlCenterServicesEx.",
        ),
        ("/logcollectionservice/services/DimeGetFileService", "x", "DimeGetFileService."),
        ("/CDRonDemandService2/services/CDRonDemandService", "x", "CDRonDemandService."),
        ("/platform-services/services/RestartSystemService", "x", "RestartSystemService."),
        ("/webdialer/services/WebdialerSoapService70", "x", "WebdialerSoapService70."),
        ("/emservice/EMServiceServlet", "x", "the service EMServiceServlet."),
        ("/cucm-uds/user/jdoe", "x", "cannot do the service cucm-uds."),
    ] {
        let (status, answer) = post(path, operation).await;
        assert_eq!(status, 500, "{path} {operation}: {answer}");
        let fault = answer.split("<faultstring>").nth(1).unwrap_or_default();
        assert!(fault.contains(message), "{path} {operation}: {answer}");
    }
    assert_eq!(post("/nothing", "x").await.0, 404);
    // As on a cluster, a wrong password comes first where there is a log-in.
    for (path, status) in
        [("/perfmonservice2/services/PerfmonService", 401), ("/cucm-uds/user", 500)]
    {
        let request =
            bench.client.get(format!("{cluster}{path}")).basic_auth(ADMIN_USER, Some("x"));
        assert_eq!(read(request).await.0, status, "{path}");
    }
    let slash = bench.client.get(format!("{cluster}/realtimeservice2/services/RISService70/?wsdl"));
    assert_eq!(read(slash.basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD))).await.0, 200);
}

#[tokio::test]
async fn a_wildcard_is_one_for_both_operations() {
    let bench = bench().await;
    for (pattern, names) in
        [("*", "12345"), ("SEP*", "12345"), ("sep*3, SEP*1", "13"), ("CSF*", "")]
    {
        let (status, body) = bench.ris(&select(&item(pattern))).await;
        let mut found = found(&body);
        found.sort_unstable();
        assert_eq!((status, found.iter().collect::<String>().as_str()), (200, names), "{pattern}");
    }
}

/// Criteria that select all records, with one of them replaced.
fn any(from: &str, to: &str) -> String {
    let all = select("").replace("selectCmDeviceExt", "selectCmDevice");
    let all = all.replace("<s:DeviceClass>Phone", "<s:DeviceClass>Any");
    assert!(all.contains(from), "{from}");
    all.replace(from, to)
}

#[tokio::test]
async fn criteria_are_about_the_record_of_each_node() {
    let mut fleet = fleet();
    // Another node still has an older record of this phone, which is not registered there any more.
    fleet.phones[0].stale_node = Some(1);
    fleet.phones[1].address = Address::V6Only("fd00::2".parse().unwrap());
    fleet.phones.push(PhoneSpec::new("SEP000000000006", CTI_PORT));
    let limits = Limits { ris_per_minute: None, ..Limits::real() };
    let bench = Bench::with(SimConfig { limits, ..SimConfig::new(fleet) }).await;
    let by = |kind: &str, value: &str| {
        any(
            "<s:SelectBy>Name</s:SelectBy><s:SelectItems>",
            &format!("<s:SelectBy>{kind}</s:SelectBy><s:SelectItems>{}", item(value)),
        )
    };
    for (what, request, expected) in [
        ("all", any("", ""), "1123456"),
        ("registered", any("<s:Status>Any", "<s:Status>Registered"), "123456"),
        ("unregistered", any("<s:Status>Any", "<s:Status>UnRegistered"), "1"),
        ("present addresses", by("IPV4Address", "127.9.*"), "1345"),
        ("the older address", by("IPV4Address", "127.255.255.254"), "1"),
        ("IPv6", by("IPV6Address", "*"), "2"),
        ("failed downloads", any("<s:DownloadStatus>Any", "<s:DownloadStatus>Failed"), ""),
        ("CTI", any("<s:DeviceClass>Any", "<s:DeviceClass>Cti"), "6"),
        ("phones", any("<s:DeviceClass>Any", "<s:DeviceClass>Phone"), "112345"),
        ("one node", any("<s:NodeName/>", "<s:NodeName>CUCM-SUB1</s:NodeName>"), "1"),
    ] {
        let (status, body) = bench.ris(&request).await;
        assert_eq!(status, 200, "{what}: {body}");
        let mut names = found(&body);
        names.sort_unstable();
        assert_eq!(names.iter().collect::<String>(), expected, "{what}: {body}");
    }
    let (_, body) = bench.ris(&any("<s:Status>Any", "<s:Status>Registered")).await;
    assert!(!body.contains("UnRegistered"), "{body}");
    // `selectCmDeviceExt` reads the newest record only, whatever else is selected.
    let newest = |request: String| request.replace("selectCmDevice>", "selectCmDeviceExt>");
    let (_, body) = bench.ris(&newest(any("", ""))).await;
    assert_eq!(body.matches("<ns1:Name>SEP000000000001</ns1:Name>").count(), 1, "{body}");
    for (criterion, value) in [("Status", "UnRegistered"), ("DownloadStatus", "Failed")] {
        let request = any(&format!("<s:{criterion}>Any"), &format!("<s:{criterion}>{value}"));
        let (_, body) = bench.ris(&newest(request)).await;
        assert!(found(&body).is_empty(), "{body}");
    }
    // It is the older one where the other node does not answer.
    bench.sim.silence_node("cucm-pub", true);
    let (_, body) = bench.ris(&newest(any("", ""))).await;
    assert_eq!(found(&body), ['1'], "{body}");
    bench.sim.silence_node("cucm-pub", false);
    let (status, body) = bench.ris(&any("<s:DownloadStatus>Any", "<s:DownloadStatus>No")).await;
    assert_eq!(status, 500, "{body}");
}

#[tokio::test]
async fn an_unknown_node_is_refused_by_name() {
    let bench = bench().await;
    let (status, body) =
        bench.ris(&any("<s:NodeName/>", "<s:NodeName>no&amp;such</s:NodeName>")).await;
    assert_eq!(status, 200, "{body}");
    let node = "<ns1:ReturnCode>InvalidNodeName</ns1:ReturnCode><ns1:Name>no&amp;such</ns1:Name>";
    assert!(body.contains(node), "{body}");
    assert!(body.contains("<ns1:TotalDevicesFound>0</ns1:TotalDevicesFound>"), "{body}");
}

#[tokio::test]
async fn a_truncated_answer_says_how_many_there_are() {
    let bench = bench().await;
    let two = any("<s:MaxReturnedDevices>1000", "<s:MaxReturnedDevices>2");
    let (_, body) = bench.ris(&two).await;
    assert_eq!(found(&body).len(), 2, "{body}");
    for part in [
        "TotalItemsFound=&quot;5&quot; TotalItemsReturned=&quot;2&quot;",
        "TotalItemsFound=&quot;1&quot; TotalItemsReturned=&quot;0&quot;",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert!(!body.contains("NotFound"), "{body}");
    // `selectCmDeviceExt` does not report it.
    let (_, body) = bench.ris(&two.replace("selectCmDevice>", "selectCmDeviceExt>")).await;
    assert!(body.contains("TotalItemsFound=&quot;2&quot; TotalItemsReturned=&quot;2"), "{body}");
}

#[tokio::test]
async fn a_state_may_come_back_as_markup() {
    let bench = bench().await;
    let (_, first) = bench.ris(&any("", "")).await;
    let state = first.split("<ns1:StateInfo>").nth(1).unwrap();
    let state = state.split("</ns1:StateInfo>").next().unwrap();
    let markup = state.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    let again = any("<s:StateInfo/>", &format!("<s:StateInfo>{markup}</s:StateInfo>"));
    let (status, second) = bench.ris(&again).await;
    assert_eq!(status, 200, "{second}");
    assert_eq!(second.matches("<ns1:NoChange>true</ns1:NoChange>").count(), 2, "{second}");
}

#[tokio::test]
async fn applications_have_opened_cti_ports() {
    let mut fleet = fleet();
    for name in ["UCCX_CTI_01", "UCCX_CTI_02", "UCCX_CTI_03"] {
        let mut port = PhoneSpec::new(name, CTI_PORT);
        port.reported_address = Some([127, 9, 1, 1].into());
        port.extension = Some(format!("70{}", &name[9..]));
        fleet.phones.push(port);
    }
    // A port that no user controls is opened by no application.
    fleet.push_devices.extend(["UCCX_CTI_01", "UCCX_CTI_02"].map(str::to_owned));
    let limits = Limits { ris_per_minute: None, ..Limits::real() };
    let bench = Bench::with(SimConfig { limits, ..SimConfig::new(fleet) }).await;
    let ask = async |criteria: &str| {
        let (status, body) = bench
            .ris(&format!(
                "<s:selectCtiItem><s:StateInfo/><s:CtiSelectionCriteria><s:MaxReturnedItems>10</s:MaxReturnedItems>{criteria}</s:CtiSelectionCriteria></s:selectCtiItem>"
            ))
            .await;
        assert_eq!(status, 200, "{body}");
        body
    };
    let class = |class: &str| format!("<s:CtiMgrClass>{class}</s:CtiMgrClass>");
    let body = ask(&class("Provider")).await;
    for part in [
        "<ns1:TotalItemsFound>1</ns1:TotalItemsFound>",
        &format!("<ns1:UserId>{PUSH_USER}</ns1:UserId><ns1:AppIpAddr>127.9.1.1</ns1:AppIpAddr>"),
        "<ns1:AppStatus>Open</ns1:AppStatus>",
        "<ns1:CtiDevice xsi:nil=\"true\"/>",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    let body = ask(&class("Device")).await;
    assert!(body.contains("<ns1:TotalItemsFound>2</ns1:TotalItemsFound>"), "{body}");
    assert!(body.contains("<ns1:DeviceName>UCCX_CTI_02</ns1:DeviceName>"), "{body}");
    let one = "<s:DevNames><s:item><s:DevName>UCCX*02</s:DevName></s:item></s:DevNames>";
    let body = ask(&format!("{}{one}", class("Line"))).await;
    assert!(body.contains("<ns1:TotalItemsFound>1</ns1:TotalItemsFound>"), "{body}");
    assert!(body.contains("<ns1:CtiLine><ns1:DirNumber>7002</ns1:DirNumber>"), "{body}");
    let body = ask(&format!("{}<s:Status>Closed</s:Status>", class("Device"))).await;
    assert!(body.contains("<ns1:TotalItemsFound>0</ns1:TotalItemsFound>"), "{body}");
    let url = format!("https://{}/realtimeservice/services/RisPort", bench.sim.axl_addr());
    let request = bench.client.post(url).basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD)).body(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
         <n:SelectCtiItem xmlns:n=\"http://schemas.cisco.com/ast/soap/\"><StateInfo/><CtiSelectionCriteria>\
         <CtiMgrClass>Device</CtiMgrClass></CtiSelectionCriteria></n:SelectCtiItem></e:Body></e:Envelope>",
    );
    let (status, body) = read(request).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("soapenc:arrayType=\"ns1:CtiItem[2]\""), "{body}");
    assert!(
        body.contains("<DeviceName xsi:type=\"xsd:string\">UCCX_CTI_01</DeviceName>"),
        "{body}"
    );
}

#[tokio::test]
async fn a_phone_without_address_is_reported_without_one() {
    let mut fleet = fleet();
    fleet.phones[0].address = Address::None;
    fleet.phones[0].login_user = Some("jdoe7".to_owned());
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let (_, body) = bench.ris(&select(&item("SEP000000000001"))).await;
    assert!(body.contains("<ns1:LoginUserId>jdoe7</ns1:LoginUserId>"), "{body}");
    assert!(body.contains("<ns1:IPAddress/>"), "{body}");
}
