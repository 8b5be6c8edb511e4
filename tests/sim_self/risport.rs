//! RisPort70 and the older RisPort, as other people's clients ask them.

use crate::bench::*;
use axlpaper::sim::{ADMIN_PASSWORD, ADMIN_USER, Address, Limits, Registration, SimConfig};

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
}

#[tokio::test]
async fn clients_can_download_the_description_and_ask_about_cti() {
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
    let (status, body) = bench
        .ris("<s:selectCtiItem><s:StateInfo/><s:CtiSelectionCriteria><s:MaxReturnedItems>10</s:MaxReturnedItems></s:CtiSelectionCriteria></s:selectCtiItem>")
        .await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("<ns1:TotalItemsFound>0</ns1:TotalItemsFound>"), "{body}");
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
