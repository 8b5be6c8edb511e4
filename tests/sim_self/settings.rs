//! Settings at their levels, accounts, and what is told without credentials.

use std::net::{Ipv4Addr, Ipv6Addr};

use axlpaper::sim::{
    ADMIN_USER, AccountState, Address, PUSH_PASSWORD, PUSH_USER, RisPort, SimConfig,
};

use crate::bench::{Bench, fleet, item, read, select};

#[tokio::test]
async fn the_version_is_told_without_credentials() {
    let bench = Bench::new().await;
    let url = format!("https://{}/cucm-uds/version", bench.sim.axl_addr());
    let (status, body) = read(bench.client.get(url)).await;
    assert_eq!(status, 200);
    assert!(body.contains("<versionInformation version=\"15.0.1"), "{body}");
}

#[tokio::test]
async fn web_access_has_three_levels() {
    let mut fleet = fleet();
    fleet.enterprise_web_access = Some(false);
    fleet.enterprise_vendor_config = "<more><webProtocol>0</webProtocol></more>".to_owned();
    fleet.phones[1].web_access = Some(true);
    fleet.profiles.push(axlpaper::sim::ProfileSpec {
        web_access: Some(true),
        vendor_config: "<defaultWallpaperFile>logo.png</defaultWallpaperFile>".to_owned(),
        ..axlpaper::sim::ProfileSpec::new(
            "Open",
            axlpaper::domain::personalization::Setting::Default,
        )
    });
    fleet.phones[2].profile = "Open".to_owned();
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let enterprise = bench.good("getEnterprisePhoneConfig", "").await;
    assert!(
        enterprise.contains(
            "<enterprisePhoneConfig><vendorConfig><webAccess>1</webAccess><more><webProtocol>0"
        ),
        "{enterprise}"
    );
    let profile = bench.good("getCommonPhoneConfig", "<name>Open</name>").await;
    assert!(profile.contains("<webAccess>0</webAccess>") && profile.contains("logo.png"));
    let one = "<name>SEP000000000002</name><returnedTags><vendorConfig/></returnedTags>";
    let nested = bench.good("getPhone", one).await;
    assert!(nested.contains("<webAccess>0</webAccess><ssh><sshAccess>"), "{nested}");
    let record = bench.sim.record();
    let on = |k: u8| record.phones[&format!("SEP00000000000{k}")].loaded_web_access;
    assert_eq!([on(1), on(2), on(3)], [false, true, true]);
    let unset = Bench::new().await;
    let enterprise = unset.good("getEnterprisePhoneConfig", "").await;
    assert!(enterprise.contains("<enterprisePhoneConfig><vendorConfig/></enterprisePhoneConfig>"));
}

#[tokio::test]
async fn enterprise_parameters_are_what_the_fleet_says() {
    let mut fleet = fleet();
    fleet.enterprise_personalization = None;
    for (name, value) in [
        ("URLAuthentication", ""),
        ("SecuredPhoneURLAuthentication", "https://elsewhere.example.com/auth"),
    ] {
        fleet.parameters.push((name.to_owned(), value.to_owned()));
    }
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let all = "<sql>select paramname, paramvalue from processconfig where tkservice = 11</sql>";
    let body = bench.good("executeSQLQuery", all).await;
    assert!(body.contains("<paramname>URLAuthentication</paramname><paramvalue></paramvalue>"));
    assert!(body.contains("https://elsewhere.example.com/auth"), "{body}");
    assert!(!body.contains("PhonePersonalization"));
}

#[tokio::test]
async fn a_password_can_be_tried_and_locks_its_account() {
    let bench = Bench::with(SimConfig { lockout_after: 2, ..SimConfig::new(fleet()) }).await;
    let ask = async |password: &str| {
        let inner = format!("<userid>bgpush</userid><password>{password}</password>");
        bench.good("doAuthenticateUser", &inner).await
    };
    let right = "<userAuthenticated>true</userAuthenticated><code>0</code>";
    assert!(ask(PUSH_PASSWORD).await.contains(right));
    for _ in 0..2 {
        assert!(ask("wrong").await.contains("<userAuthenticated>false"));
    }
    // Locked: the right password does not help any more.
    assert!(ask(PUSH_PASSWORD).await.contains("<userAuthenticated>false"));
    let user = bench.good("getAppUser", "<userid>bgpush</userid>").await;
    assert!(user.contains("<pwdCredLockedByAdministrator>false"), "{user}");
    assert!(user.contains("<pwdResetHackCount>true"), "{user}");
    assert!(bench.sim.set_account_state(PUSH_USER, AccountState::LockedByAdministrator));
    let user = bench.good("getAppUser", "<userid>bgpush</userid>").await;
    assert!(user.contains("<pwdCredLockedByAdministrator>true"), "{user}");
    assert!(bench.sim.set_account_state("bgpush-eu", AccountState::Inactive));
    let user = bench.good("getUser", "<userid>bgpush-eu</userid>").await;
    assert!(user.contains("<status>0</status>") && user.contains("<associatedGroups/>"), "{user}");
    let admin = bench.good("getAppUser", &format!("<userid>{ADMIN_USER}</userid>")).await;
    assert!(admin.contains("<userRole>Standard AXL API Access</userRole>"), "{admin}");
    let unknown = "<userid>nobody</userid><password>x</password>";
    assert_eq!(bench.ask("15.0", "doAuthenticateUser", unknown).await.0, 500);
    let no_secret = "<userid>bgpush</userid>";
    assert_eq!(bench.ask("15.0", "doAuthenticateUser", no_secret).await.0, 500);
}

#[tokio::test]
async fn risport_tells_both_addresses_and_shared_ones() {
    let mut fleet = fleet();
    let (shared, nobody) = (Ipv4Addr::new(127, 9, 0, 3), Ipv4Addr::new(127, 9, 0, 77));
    let six = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    fleet.phones[0].address = Address::DualStack(Ipv4Addr::new(127, 9, 0, 1), six);
    fleet.phones[1].address = Address::V6Only(six);
    // The fourth says that it is where the third is; two more say that they are where nobody is.
    fleet.phones[3].reported_address = Some(shared);
    fleet.phones[4].reported_address = Some(nobody);
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let names = (1..=5).map(|k| item(&format!("SEP00000000000{k}"))).collect::<Vec<_>>().concat();
    let (_, body) = bench.ris(&select(&names)).await;
    let dual = "<ns1:IPAddress><ns1:item><ns1:IP>2001:db8::1</ns1:IP><ns1:IPAddrType>ipv6</ns1:IPAddrType>\
        <ns1:Attribute>Signaling</ns1:Attribute></ns1:item><ns1:item><ns1:IP>127.9.0.1</ns1:IP>\
        <ns1:IPAddrType>ipv4</ns1:IPAddrType><ns1:Attribute>Adminstrative</ns1:Attribute></ns1:item>";
    assert!(body.contains(dual), "{body}");
    assert_eq!(body.matches("<ns1:IP>127.9.0.3</ns1:IP>").count(), 2);
    let who = async |address: Ipv4Addr| {
        let url = format!("http://{address}:{}/DeviceInformationX", bench.sim.phone_port());
        bench.client.get(url).send().await
    };
    let there = who(shared).await.unwrap().text().await.unwrap();
    assert!(there.contains("<HostName>SEP000000000003</HostName>"), "{there}");
    assert!(who(Ipv4Addr::new(127, 9, 0, 1)).await.is_ok());
    assert!(who(nobody).await.is_err());
}

#[tokio::test]
async fn risport_can_be_refused_altogether() {
    let names = item("SEP000000000001");
    for (risport, status, part) in
        [(RisPort::Forbidden, 403, "denied"), (RisPort::Html, 200, "<html>")]
    {
        let bench = Bench::with(SimConfig { risport, ..SimConfig::new(fleet()) }).await;
        let (found, body) = bench.ris(&select(&names)).await;
        assert_eq!((found, body.contains(part)), (status, true), "{body}");
    }
    let closed = SimConfig { risport: RisPort::Closed, ..SimConfig::new(fleet()) };
    let bench = Bench::with(closed).await;
    assert!(bench.ris_request(&select(&names)).send().await.is_err());
    assert_eq!(bench.ask("15.0", "getCCMVersion", "").await.0, 200);
}
