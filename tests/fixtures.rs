//! Every request that is written and every answer that is read, compared with envelopes written by hand
//! (`wsdl-fixtures/`).

#![expect(
    clippy::unwrap_used,
    reason = "clippy allows it in test functions, but not in what they share"
)]

use std::fs;
use std::path::{Path, PathBuf};

use axlpaper::axl::common_phone_config::{
    AddCommonPhoneConfig, ApplyCommonPhoneConfig, CommonPhoneConfigRow, GetCommonPhoneConfig,
    RemoveCommonPhoneConfig, ResetCommonPhoneConfig, UpdateCommonPhoneConfig,
};
use axlpaper::axl::enterprise::{GetEnterprisePhoneConfig, GetServiceParameter};
use axlpaper::axl::operation::{Operation, envelope, read_response};
use axlpaper::axl::paging::Page;
use axlpaper::axl::phone::{
    ApplyPhone, GetPhone, ListPhone, PhonePage, PhoneRow, ResetPhone, UpdatePhone,
};
use axlpaper::axl::request::{List, Row, StandardReturn};
use axlpaper::axl::sql::ExecuteSqlQuery;
use axlpaper::axl::system::{DevicePoolRow, GetCcmVersion, ProcessNodeRow, RegistrationRow};
use axlpaper::axl::user::{
    AppUserRow, DoAuthenticateUser, GetAppUser, GetCredentialPolicy, GetUser, UpdateAppUser,
    UpdateUser, UserRow,
};
use axlpaper::axl::version::AxlVersion;
use axlpaper::domain::device_name::DeviceName;
use axlpaper::ris::answer::SelectAnswer;
use axlpaper::ris::device::RisStatus;
use axlpaper::ris::merge::RisAnswer;
use axlpaper::ris::request::{OPERATION, SelectCmDeviceExt};
use axlpaper::soap::error::SoapError;
use axlpaper::soap::fault::{Fault, FaultKind};
use axlpaper::soap::read::read_answer;
use axlpaper::soap::write::{axl_envelope, ris_envelope};

fn fixture(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("wsdl-fixtures").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Drops the white space between tags, and nothing else.
fn canonical(xml: &str) -> String {
    let mut parts = xml.trim().split('>').map(|part| {
        let is_blank = |text: &str| text.chars().all(char::is_whitespace);
        match part.split_once('<') {
            Some((text, tag)) if is_blank(text) => format!("<{tag}"),
            Some(_) | None => part.to_owned(),
        }
    });
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |whole, part| whole + ">" + &part)
}

/// Compares a request with its fixture, which is written for 14.0, in every version.
fn assert_request<O: Operation>(request: &O, path: &str) {
    let expected = canonical(&fixture(path));
    for version in AxlVersion::ALL {
        let written = envelope(version.as_str(), request).unwrap();
        let namespace = format!("http://www.cisco.com/AXL/API/{version}\"");
        let expected = expected.replace("http://www.cisco.com/AXL/API/14.0\"", &namespace);
        assert_eq!(written, expected, "{path} in {version}");
    }
}

fn assert_list_request<R: Row>(folder: &str) {
    let mut request = List::<R>::all();
    request.set_page(Page { skip: 1000, first: 500 });
    assert_request(&request, &format!("{}/{folder}/request.xml", R::LIST));
}

fn read<O: Operation>(path: &str) -> Result<O::Output, SoapError> {
    read_response::<O>(200, Some("text/xml;charset=UTF-8"), fixture(path).as_bytes())
}

/// Reads the confirmation of a change.
fn assert_confirmed<O: Operation<Output = StandardReturn>>() {
    read::<O>(&format!("{}/common/response.xml", O::NAME)).unwrap();
}

fn rows<R: Row>(path: &str) -> Vec<R> {
    read::<List<R>>(path).unwrap_or_else(|error| panic!("{path}: {error:?}"))
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn requests_are_written_as_the_schema_wants_them() {
    assert_request(&GetCcmVersion {}, "getCCMVersion/14.0/request.xml");
    assert_list_request::<PhoneRow>("common");
    let named = ListPhone::matching("R&D <north> O'Neill%");
    assert_request(&named, "listPhone/common/request-criteria.xml");
    assert_request(&ListPhone::names(), "listPhone/common/request-names.xml");
    assert_request(&GetPhone::named("SEP00AABBCC0001"), "getPhone/common/request.xml");
    assert_list_request::<CommonPhoneConfigRow>("common");
    let profile = GetCommonPhoneConfig::named("Lobby & hall");
    assert_request(&profile, "getCommonPhoneConfig/common/request.xml");
    assert_list_request::<DevicePoolRow>("common");
    assert_list_request::<ProcessNodeRow>("common");
    assert_list_request::<AppUserRow>("common");
    assert_list_request::<UserRow>("common");
    assert_request(&GetAppUser::named("bgpush"), "getAppUser/common/request.xml");
    assert_request(&GetUser::named("o'brien & co"), "getUser/common/request.xml");
    let parameter = GetServiceParameter::enterprise("URLAuthentication");
    assert_request(&parameter, "getServiceParameter/common/request.xml");
    let sql = "select count(*) from device where name = 'O''Hara' and tkmodel < 700";
    assert_request(&ExecuteSqlQuery::new(sql), "executeSQLQuery/common/request.xml");
}

#[test]
fn the_version_is_asked_for_without_knowing_it() {
    let written = axl_envelope("1.0", GetCcmVersion::NAME, &GetCcmVersion {}).unwrap();
    assert_eq!(written, canonical(&fixture("getCCMVersion/1.0/request.xml")));
}

#[test]
fn changes_send_the_user_and_the_list_and_nothing_else() {
    let devices = || vec!["SEP00AABBCC0001".to_owned(), "csfnoneill".to_owned()];
    let app = UpdateAppUser::replacing("bgpush", devices()).unwrap();
    assert_request(&app, "updateAppUser/common/request.xml");
    assert_request(&UpdateAppUser::clearing("bgpush"), "updateAppUser/common/request-clearing.xml");
    let end = UpdateUser::replacing("o'brien & co", devices()).unwrap();
    assert_request(&end, "updateUser/common/request.xml");
    let none = UpdateUser::clearing("o'brien & co");
    assert_request(&none, "updateUser/common/request-clearing.xml");
}

#[test]
fn the_question_to_risport_is_qualified_throughout() {
    let names: Vec<DeviceName> =
        ["SEP00AABBCC0001", "csfnoneill"].iter().map(|name| name.parse().unwrap()).collect();
    let written = ris_envelope(OPERATION, &SelectCmDeviceExt::named(&names)).unwrap();
    assert_eq!(written, canonical(&fixture("selectCmDeviceExt/request.xml")));
}

#[test]
fn reads_versions() {
    let old = read::<GetCcmVersion>("getCCMVersion/1.0/response.xml").unwrap();
    assert_eq!(old.version(), "14.0.1.13900-155");
    let new = read::<GetCcmVersion>("getCCMVersion/15.0/response.xml").unwrap();
    assert_eq!(AxlVersion::for_server(new.version()), Ok(AxlVersion::V15_0));
}

#[test]
fn reads_phones_with_every_shape_of_nothing() {
    let phones = rows::<PhoneRow>("listPhone/12.5/response.xml");
    let [desk, soft] = phones.as_slice() else { panic!("{phones:?}") };
    assert_eq!(desk.uuid, some("{5C0A1B2C-0001-4D5E-8F60-0000000000A1}"));
    assert_eq!(desk.name, "SEP00AABBCC0001");
    assert_eq!(desk.description, some("R&D – O'Neill's desk, 3 < 4"));
    assert_eq!(
        (desk.product.as_deref(), desk.class.as_deref()),
        (Some("Cisco 8841"), Some("Phone"))
    );
    assert_eq!(desk.device_pool.name, some("North \"1\""));
    assert_eq!(desk.common_phone_config.name, some("Standard Common Phone Profile"));
    assert_eq!(desk.load_information.name, some("sip88xx.14-2-1-0101-7"));
    assert_eq!(desk.load_information.special, Some(false));
    assert_eq!(desk.owner.name, some("noneill"));
    assert_eq!((desk.phone_suite.as_deref(), desk.is_active), (Some("Default"), Some(true)));
    assert_eq!((&desk.authentication_url, &desk.secure_authentication_url), (&None, &None));

    assert_eq!((soft.name.as_str(), &soft.description), ("csfnoneill", &None));
    assert_eq!((&soft.common_phone_config.name, &soft.common_phone_config.uuid), (&None, &None));
    assert_eq!((&soft.location.name, &soft.location.uuid), (&None, &None));
    assert_eq!((&soft.owner.name, &soft.load_information.name), (&None, &None));
    assert_eq!((soft.phone_suite.as_deref(), soft.is_active), (Some("HTTPS Only"), Some(false)));
    assert_eq!((&soft.authentication_url, &soft.secure_authentication_url), (&None, &None));
}

#[test]
fn reads_nil_that_is_declared_at_the_root() {
    let phones = rows::<PhoneRow>("listPhone/14.0/response.xml");
    let [phone] = phones.as_slice() else { panic!("{phones:?}") };
    assert_eq!((&phone.description, &phone.common_phone_config.name), (&None, &None));
    assert_eq!((&phone.owner.name, &phone.secure_authentication_url), (&None, &None));
    assert_eq!(phone.device_pool.name, some("North & <1>"));
    assert_eq!((phone.load_information.special, phone.is_active), (Some(true), Some(true)));
    let url = "http://10.9.8.7:8080/ccmcip/authenticate.jsp";
    assert_eq!(phone.authentication_url, some(url));
}

#[test]
fn reads_fields_out_of_order_and_skips_unknown_ones() {
    let phones = rows::<PhoneRow>("listPhone/common/response-order.xml");
    let expected = PhoneRow {
        uuid: some("{5C0A1B2C-0001-4D5E-8F60-0000000000A1}"),
        name: "SEP00AABBCC0002".to_owned(),
        phone_suite: some("Disabled"),
        is_active: Some(false),
        ..PhoneRow::default()
    };
    let [mut phone] = <[PhoneRow; 1]>::try_from(phones).unwrap();
    assert_eq!(std::mem::take(&mut phone.device_pool).name, some("South"));
    assert_eq!(phone, expected);
    assert!(rows::<PhoneRow>("listPhone/common/response-empty.xml").is_empty());
}

#[test]
fn reads_one_phone_with_its_own_settings() {
    let phone = read::<GetPhone>("getPhone/common/response.xml").unwrap();
    assert_eq!(
        (phone.name.as_str(), phone.phone_suite.as_deref()),
        ("SEP00AABBCC0001", Some("Default"))
    );
    let entries: Vec<_> =
        phone.vendor_config.entries.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let expected = [
        ("disableSpeaker", "false"),
        ("webAccess", "1"),
        ("daysDisplayNotActive", ""),
        ("defaultWallpaperFile", "lobby & hall.png"),
    ];
    assert_eq!(entries, expected);
    assert_eq!(phone.version_stamp, some("{1699999999-5C0A1B2C-0004-4D5E-8F60-0000000000D1}"));
}

#[test]
fn reads_profiles_pools_and_servers() {
    let profiles = rows::<CommonPhoneConfigRow>("listCommonPhoneConfig/common/response.xml");
    let facts: Vec<_> = profiles
        .iter()
        .map(|p| (p.name.as_str(), p.phone_personalization.as_deref(), p.background_image))
        .collect();
    let expected = [
        ("Standard Common Phone Profile", Some("Default"), Some(true)),
        ("Lobby", Some("Enabled"), Some(false)),
    ];
    assert_eq!(facts, expected);
    assert_eq!(profiles[0].description, some("Everybody's profile"));

    let profile = read::<GetCommonPhoneConfig>("getCommonPhoneConfig/common/response.xml").unwrap();

    assert_eq!((profile.name.as_str(), profile.background_image), ("Lobby & hall", Some(false)));
    assert_eq!(profile.vendor_config.get("backgroundImageFile"), Some("lobby.png"));

    let pools = rows::<DevicePoolRow>("listDevicePool/common/response.xml");
    assert_eq!((pools[0].name.as_str(), &pools[0].location.name), ("North", &None));
    assert_eq!(pools[0].region.name, some("Region North"));

    for (version, name) in [("11.5", "cucm-pub.example.org"), ("14.0", "10.9.8.1")] {
        let nodes = rows::<ProcessNodeRow>(&format!("listProcessNode/{version}/response.xml"));
        assert_eq!(nodes.len(), 2);
        let servers: Vec<_> = nodes.iter().filter(|node| !node.is_virtual()).collect();
        assert_eq!(servers[0].name, name);
        assert_eq!((servers.len(), servers[0].usage.as_deref()), (1, Some("Publisher")));
    }
}

#[test]
fn reads_users_and_tells_empty_lists_from_missing_ones() {
    let devices = |path| {
        let user = read::<GetAppUser>(path).unwrap();
        assert_eq!(user.userid, "bgpush");
        user.associated_devices.map(|list| list.device)
    };
    let three = ["SEP00AABBCC0001", "csfnoneill", "SEP00AABBCC0002"].map(str::to_owned).to_vec();
    assert_eq!(devices("getAppUser/common/response.xml"), Some(three));
    let one = vec!["SEP00AABBCC0001".to_owned()];
    assert_eq!(devices("getAppUser/common/response-one.xml"), Some(one));
    assert_eq!(devices("getAppUser/common/response-none.xml"), Some(Vec::new()));
    assert_eq!(devices("getAppUser/common/response-left-out.xml"), None);

    let user = read::<GetUser>("getUser/common/response.xml").unwrap();
    assert_eq!((user.userid.as_str(), user.status), ("o'brien & co", Some(1)));
    assert_eq!(user.ldap_directory.name, some("Example AD"));
    let user = read::<GetUser>("getUser/common/response-local.xml").unwrap();
    assert_eq!((user.status, user.ldap_directory.name), (Some(0), None));
    assert_eq!(user.associated_devices.map(|list| list.device), Some(Vec::new()));

    let apps = rows::<AppUserRow>("listAppUser/common/response.xml");
    let facts: Vec<_> = apps.iter().map(|u| (u.userid.as_str(), u.is_standard)).collect();
    assert_eq!(facts, [("bgpush", Some(false)), ("CCMAdministrator", Some(true))]);
    let users = rows::<UserRow>("listUser/common/response.xml");
    assert_eq!(users[0].first_name, some("Zoë"));
    assert_eq!((&users[0].last_name, users[0].status), (&some("O'Neill"), Some(1)));
    assert_eq!((&users[1].first_name, users[1].status), (&None, None));
}

#[test]
fn reads_confirmations_and_refuses_false_ones() {
    let uuid = "{5C0A1B2C-0009-4D5E-8F60-000000000201}";
    let answer = read::<UpdateAppUser>("updateAppUser/common/response.xml").unwrap();
    assert_eq!(answer.uuid.as_deref(), Some(uuid));
    let answer = read::<UpdateUser>("updateUser/common/response.xml").unwrap();
    assert_eq!(answer.uuid.as_deref(), Some(uuid));
    let answer = read::<UpdateUser>("updateUser/common/response-true.xml").unwrap();
    assert_eq!(answer.uuid, None);
    read::<UpdateAppUser>("updateAppUser/common/response-true.xml").unwrap();
    for denied in [
        read::<UpdateAppUser>("updateAppUser/common/response-false.xml").map(|_| ()),
        read::<UpdateUser>("updateUser/common/response-false.xml").map(|_| ()),
    ] {
        assert!(matches!(denied, Err(SoapError::Malformed { .. })), "{denied:?}");
    }
    // The confirmation of another operation is none.
    let other = read::<UpdateUser>("updateAppUser/common/response.xml");
    assert!(matches!(other, Err(SoapError::WrongAnswer { .. })), "{other:?}");
}

#[test]
fn reads_parameters_and_rows_of_the_database() {
    let parameter = read::<GetServiceParameter>("getServiceParameter/common/response.xml").unwrap();

    let url = "http://cucm-pub:8080/ccmcip/authenticate.jsp?a=1&b=2";
    assert_eq!((parameter.value, parameter.node.name), (some(url), some("EnterpriseWideData")));

    let rows = read::<ExecuteSqlQuery>("executeSQLQuery/common/response.xml").unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["description"], "R&D – <b> & 'c'");
    assert_eq!((rows[0]["isactive"].as_str(), rows[0]["owner"].as_str()), ("t", ""));
    assert_eq!((rows[1]["description"].as_str(), rows[1]["owner"].as_str()), ("", "noneill"));
    assert_eq!(rows[1].len(), 5);
    let none = read::<ExecuteSqlQuery>("executeSQLQuery/common/response-empty.xml").unwrap();
    assert!(none.is_empty());
}

fn ris(path: &str) -> RisAnswer {
    let page =
        read_answer::<SelectAnswer>(200, Some("text/xml;charset=UTF-8"), fixture(path).as_bytes())
            .unwrap()
            .into_page()
            .unwrap();
    let mut answer = RisAnswer::default();
    answer.merge(page);
    answer
}

#[test]
fn reads_registrations_and_takes_the_newest() {
    let answer = ris("selectCmDeviceExt/response.xml");
    assert_eq!((answer.devices.len(), answer.incomplete), (2, false));
    assert!(answer.silent_nodes.is_empty());
    let desk = &answer.devices[&"SEP00AABBCC0001".parse::<DeviceName>().unwrap()];
    assert_eq!((desk.node.as_str(), &desk.status), ("sub1", &RisStatus::Registered));
    assert_eq!(desk.ipv4().map(|ip| ip.to_string()), some("10.1.2.4"));
    assert_eq!(desk.ipv6().map(|ip| ip.to_string()), some("2001:db8::7"));
    assert_eq!((desk.model, desk.httpd), (Some(683), Some(true)));
    assert_eq!((desk.timestamp, desk.protocol.as_deref()), (Some(1_700_000_200), Some("SIP")));
    assert_eq!(desk.active_load, some("sip88xx.14-2-1-0101-7"));
    let soft = &answer.devices[&"csfnoneill".parse::<DeviceName>().unwrap()];
    assert_eq!((&soft.status, soft.status_reason), (&RisStatus::Unregistered, Some(13)));
    assert_eq!((soft.addresses.len(), soft.httpd, &soft.protocol), (0, None, &None));
}

#[test]
fn tells_silent_nodes_and_totals_that_do_not_fit() {
    let answer = ris("selectCmDeviceExt/response-silent-node.xml");
    assert_eq!(answer.silent_nodes.len(), 1);
    assert_eq!(answer.silent_nodes[0].name, "sub2");
    let device = answer.devices.values().next().unwrap();
    assert_eq!(device.status, RisStatus::PartiallyRegistered);
    assert!(!answer.incomplete);

    let nothing = ris("selectCmDeviceExt/response-nil.xml");
    assert_eq!((nothing.devices.len(), nothing.incomplete), (0, false));
    assert!(ris("selectCmDeviceExt/response-withheld.xml").incomplete);
    assert!(ris("selectCmDeviceExt/response-total.xml").incomplete);

    let flat = ris("selectCmDeviceExt/response-flat.xml");
    let device = flat.devices.values().next().unwrap();
    assert_eq!(device.ipv4().map(|ip| ip.to_string()), some("10.4.4.4"));
    assert!(!flat.incomplete);
}

fn fault(path: &str) -> SoapError {
    let body = fixture(path);
    let in_failure = read_response::<GetCcmVersion>(500, None, body.as_bytes()).unwrap_err();
    // A fault is found in a success too.
    assert_eq!(read_response::<GetCcmVersion>(200, None, body.as_bytes()).unwrap_err(), in_failure);
    in_failure
}

fn plain_fault(path: &str) -> Fault {
    let error = fault(path);
    let SoapError::Fault(fault) = error else { panic!("{path}: {error:?}") };
    *fault
}

#[test]
fn reads_faults_of_every_shape() {
    let missing = plain_fault("faults/not-found.xml");
    assert_eq!((missing.axl_code, missing.kind()), (Some(5007), FaultKind::NotFound));
    assert_eq!((missing.request.as_deref(), missing.axl_message), (Some("getAppUser"), None));

    let prefixed = plain_fault("faults/prefixed-axl-error.xml");
    assert_eq!(prefixed.axl_code, Some(5007));
    assert_eq!(prefixed.axl_message, some("The value does not fit, says the database"));

    let bare = plain_fault("faults/empty-detail.xml");
    assert_eq!(bare.text, "Error found in Reading devices: Error=9;");
    assert_eq!(bare.axl_code, None);
    let bare = plain_fault("faults/no-detail.xml");
    assert_eq!(bare.code, "soapenv:Client");
    assert_eq!(bare.text, "tag <foo> is not expected");

    assert_eq!(plain_fault("faults/duplicate.xml").axl_code, Some(-239));
    assert_eq!(plain_fault("faults/user-rank.xml").kind(), FaultKind::OutrankedUser);

    let legacy = plain_fault("faults/legacy.xml");
    assert_eq!((legacy.axl_code, legacy.request.as_deref()), (Some(0), Some("doSomething")));
    assert_eq!(legacy.text, "No such device: SEP00AABBCC00FF.");
    assert_eq!(legacy.axl_message, None);

    let SoapError::TooLarge { matched, suggested, .. } = fault("faults/too-large.xml") else {
        panic!()
    };
    assert_eq!((matched, suggested), (Some(40123), Some(912)));
    assert!(matches!(fault("faults/memory.xml"), SoapError::MemoryExhausted(_)));
    let limited = SoapError::RateLimited { per_minute: Some(12) };
    assert_eq!(fault("faults/rate-control.xml"), limited);
}

#[test]
fn reads_what_is_no_soap() {
    let page = |status, path| {
        let body = fixture(path);
        read_response::<GetCcmVersion>(status, Some("text/html"), body.as_bytes()).unwrap_err()
    };
    let new = ("http/599-new.html", ["12.x", "14.0", "15.0"]);
    let old = ("http/599-old.html", ["1.0", "6.0", "7.1"]);
    for (path, versions) in [new, old] {
        let supported = versions.map(str::to_owned).to_vec();
        assert_eq!(page(599, path), SoapError::VersionNotSupported { supported });
    }
    let SoapError::NotSoap { what, .. } = page(200, "http/landing.html") else { panic!() };
    assert_eq!(what, "an HTML page \"AXL Web Service\"");
}

/// Cuts every answer at every tenth byte: nothing that is cut may look like an answer.
#[test]
fn nothing_that_is_cut_is_an_answer() {
    type Reader = fn(&[u8]) -> Result<(), SoapError>;
    let operations: [(&str, Reader); 9] = [
        ("listPhone/12.5/response.xml", |body| bytes::<ListPhone>(body).map(drop)),
        ("getPhone/common/response.xml", |body| bytes::<GetPhone>(body).map(drop)),
        ("getAppUser/common/response.xml", |body| bytes::<GetAppUser>(body).map(drop)),
        ("executeSQLQuery/common/response.xml", |body| bytes::<ExecuteSqlQuery>(body).map(drop)),
        ("getServiceParameter/common/response.xml", |body| {
            bytes::<GetServiceParameter>(body).map(drop)
        }),
        ("getEnterprisePhoneConfig/common/response.xml", |body| {
            bytes::<GetEnterprisePhoneConfig>(body).map(drop)
        }),
        ("updateUser/common/response.xml", |body| bytes::<UpdateUser>(body).map(drop)),
        ("applyPhone/common/response.xml", |body| bytes::<ApplyPhone>(body).map(drop)),
        ("selectCmDeviceExt/response.xml", |body| ris_bytes(body).map(drop)),
    ];
    for (path, read) in operations {
        let body = fixture(path);
        let body = body.trim_end().as_bytes();
        for end in (0..body.len()).step_by(10).chain([body.len() - 1]) {
            let result = read(&body[..end]);
            let is_cut =
                matches!(result, Err(SoapError::Truncated { .. } | SoapError::NotSoap { .. }));
            assert!(is_cut, "{path} cut at {end}: {result:?}");
        }
    }
}

fn bytes<O: Operation>(body: &[u8]) -> Result<O::Output, SoapError> {
    read_response::<O>(200, None, body)
}

fn ris_bytes(body: &[u8]) -> Result<SelectAnswer, SoapError> {
    read_answer(200, None, body)
}

proptest::proptest! {
    /// Puts junk somewhere into an answer: whatever is made of it, nothing panics.
    #[test]
    fn nothing_that_is_broken_panics(
        at in 0_usize..6000,
        junk in "[<>/&;:\"'=!?#a-zA-Z0-9 \\[\\]-]{1,16}|<!\\[CDATA\\[|<ns1:item>|</ns1:item>|&#0;",
    ) {
        let broken = |path: &str, at: usize| {
            let mut body = fixture(path);
            let at = (at.min(body.len())..=body.len()).find(|at| body.is_char_boundary(*at));
            body.insert_str(at.unwrap_or_default(), &junk);
            body.into_bytes()
        };
        drop(bytes::<ListPhone>(&broken("listPhone/12.5/response.xml", at)));
        drop(bytes::<GetPhone>(&broken("getPhone/common/response.xml", at / 4)));
        drop(bytes::<ExecuteSqlQuery>(&broken("executeSQLQuery/common/response.xml", at / 6)));
        drop(bytes::<GetCcmVersion>(&broken("faults/legacy.xml", at / 9)));
        let ris = ris_bytes(&broken("selectCmDeviceExt/response.xml", at));
        drop(ris.ok().and_then(SelectAnswer::into_page));
    }
}

/// Runs captures of real servers through the readers, when `AXLPAPER_CAPTURES` names a folder of them.
/// They are not part of this repository.
#[test]
#[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
fn reads_captures_of_real_servers() {
    let Some(folder) = std::env::var_os("AXLPAPER_CAPTURES") else {
        eprintln!("SKIPPED: set AXLPAPER_CAPTURES to a folder with captures in cucm/");
        return;
    };
    let folder = PathBuf::from(folder).join("cucm");
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".xml") && !name.ends_with(".html") {
            continue;
        }
        let body = fs::read(&path).unwrap();
        read_capture(&name, &body);
        count += 1;
    }
    assert!(count > 0, "no captures in {}", folder.display());
    eprintln!("read {count} captures");
}

fn read_capture(name: &str, body: &[u8]) {
    fn get<O: Operation>(name: &str, body: &[u8]) -> O::Output {
        bytes::<O>(body).unwrap_or_else(|error| panic!("{name}: {error:?}"))
    }
    let has = |part: &str| name.contains(part);
    if has("http599") {
        let error = read_response::<GetCcmVersion>(599, None, body).unwrap_err();
        let SoapError::VersionNotSupported { supported } = error else {
            panic!("{name}: {error:?}")
        };
        assert!(supported.len() >= 3, "{name}: {supported:?}");
    } else if has("ratecontrol") {
        let error = read_answer::<SelectAnswer>(200, None, body).unwrap_err();
        assert_eq!(error, SoapError::RateLimited { per_minute: Some(15) }, "{name}");
    } else if has("too-large") || has("memory-exhausted") {
        let error = read_response::<ExecuteSqlQuery>(500, None, body).unwrap_err();
        assert!(error.wants_smaller_page(), "{name}: {error:?}");
    } else if has("fault") {
        let error = read_response::<GetCcmVersion>(500, None, body).unwrap_err();
        let SoapError::Fault(fault) = error else { panic!("{name}: {error:?}") };
        assert!(!fault.text.is_empty(), "{name}");
        assert_eq!(fault.axl_code.is_some(), !has("perfmon"), "{name}: {fault:?}");
    } else if has("getPhone") {
        let phone = get::<GetPhone>(name, body);
        assert!(!phone.name.is_empty() && phone.uuid.is_some(), "{name}: {phone:?}");
        assert!(phone.vendor_config.entries.len() > 3, "{name}: {phone:?}");
        assert!(phone.device_pool.name.is_some(), "{name}: {phone:?}");
    } else if has("getUser") {
        let user = get::<GetUser>(name, body);
        assert!(user.uuid.is_some(), "{name}: {user:?}");
    } else if has("executeSQLQuery") {
        assert_eq!(get::<ExecuteSqlQuery>(name, body)[0]["count"], "2", "{name}");
    } else if has("ris70") || has("risport") {
        let page = ris_bytes(body).unwrap().into_page().unwrap();
        assert_eq!(page.total, i64::try_from(page.rows).ok(), "{name}: {page:?}");
        let addressed = page.devices.iter().all(|device| device.ipv4().is_some());
        assert!(addressed, "{name}: {page:?}");
    } else {
        // Answers to questions that are never asked, and pages that are no answers.
        let error = read_response::<GetCcmVersion>(200, None, body).unwrap_err();
        let is_told = matches!(error, SoapError::WrongAnswer { .. } | SoapError::NotSoap { .. });
        assert!(is_told, "{name}: {error:?}");
    }
}

#[test]
fn the_limit_of_failed_logins_is_read() {
    let request = GetCredentialPolicy::named("Default & strict");
    assert_request(&request, "getCredentialPolicy/common/request.xml");
    for (response, limit) in
        [("response", Some(3)), ("response-never", None), ("response-left-out", None)]
    {
        let path = format!("getCredentialPolicy/common/{response}.xml");
        assert_eq!(read::<GetCredentialPolicy>(&path).unwrap().locks_after(), limit, "{path}");
    }
}

#[test]
fn a_password_is_asked_about() {
    let request = DoAuthenticateUser::of("bgpush", "a<b&c".to_owned().into());
    assert_request(&request, "doAuthenticateUser/common/request.xml");
    assert!(!format!("{request:?}").contains("a<b"), "the password shows in {request:?}");
    let answer = read::<DoAuthenticateUser>("doAuthenticateUser/common/response.xml").unwrap();
    assert_eq!(
        (answer.authenticated, answer.code, answer.days_to_expiry),
        (Some(true), Some(0), Some(41))
    );
}

#[test]
fn the_settings_of_all_phones_are_read() {
    assert_request(&GetEnterprisePhoneConfig {}, "getEnterprisePhoneConfig/common/request.xml");
    let full =
        read::<GetEnterprisePhoneConfig>("getEnterprisePhoneConfig/common/response.xml").unwrap();
    assert_eq!(full.get("webAccess"), Some("1"));
    let empty =
        read::<GetEnterprisePhoneConfig>("getEnterprisePhoneConfig/common/response-empty.xml")
            .unwrap();
    assert!(empty.entries.is_empty());
}

#[test]
fn remembered_registrations_are_read() {
    assert_list_request::<RegistrationRow>("12.5");
    let rows = rows::<RegistrationRow>("listRegistrationDynamic/12.5/response.xml");
    assert_eq!(rows[0].device.name.as_deref(), Some("SEP00AABBCC0001"));
    assert_eq!(
        (rows[0].last_seen, rows[0].status.as_deref()),
        (Some(1_790_000_000), Some("Registered"))
    );
    assert_eq!((rows[1].last_seen, &rows[1].ip), (None, &None));
}

#[test]
fn the_standing_of_a_user_is_read() {
    assert_request(&GetAppUser::credentials("bgpush"), "getAppUser/common/request-standing.xml");
    assert_request(&GetUser::credentials("jdoe"), "getUser/common/request-standing.xml");
    let answer = read::<GetAppUser>("getAppUser/common/response-standing.xml").unwrap();
    let credentials = answer.password_credentials;
    assert_eq!(credentials.locked_by_administrator, Some(true));
    assert_eq!(credentials.must_change, Some(false));
}

#[test]
fn settings_of_phones_and_profiles_are_changed() {
    let phone = "SEP00AABBCC0001";
    let enabled = UpdatePhone::personalization(phone, "Enabled");
    assert_request(&enabled, "updatePhone/common/request-personalization.xml");
    let moved = UpdatePhone::profile(phone, "Lobby & hall");
    assert_request(&moved, "updatePhone/common/request-profile.xml");
    // The settings are those of a page as it was read, and only one of them is another.
    let settings = "<vendorConfig> <garp>1</garp>\n<webAccess>1</webAccess><ssh level=\"2\"><sshAccess>1</sshAccess></ssh>\
                    <note>R&amp;D</note></vendorConfig>";
    let page = PhonePage::new(phone, None, None, settings);
    let opened = page.with_web_access(Some("0")).unwrap();
    assert_request(&opened, "updatePhone/common/request-settings.xml");
    let profile = UpdateCommonPhoneConfig::personalization("Lobby & hall", "Enabled");
    assert_request(&profile, "updateCommonPhoneConfig/common/request.xml");
    assert_confirmed::<UpdatePhone>();
    assert_confirmed::<UpdateCommonPhoneConfig>();
}

#[test]
fn a_profile_is_copied_with_everything_that_can_be_read() {
    let source = read::<GetCommonPhoneConfig>("getCommonPhoneConfig/common/response.xml").unwrap();
    let copy = AddCommonPhoneConfig::copy_of(&source, "Lobby 2", "Enabled").unwrap();
    assert_request(&copy, "addCommonPhoneConfig/common/request.xml");
    assert_confirmed::<AddCommonPhoneConfig>();
    let removed = RemoveCommonPhoneConfig::named("Lobby & hall");
    assert_request(&removed, "removeCommonPhoneConfig/common/request.xml");
    assert_confirmed::<RemoveCommonPhoneConfig>();
}

#[test]
fn phones_are_told_to_take_their_configuration_over() {
    let (phone, profile) = ("SEP00AABBCC0001", "Lobby & hall");
    assert_request(&ApplyPhone::named(phone), "applyPhone/common/request.xml");
    assert_request(&ResetPhone::named(phone), "resetPhone/common/request.xml");
    let path = "applyCommonPhoneConfig/common/request.xml";
    assert_request(&ApplyCommonPhoneConfig::named(profile), path);
    let path = "resetCommonPhoneConfig/common/request.xml";
    assert_request(&ResetCommonPhoneConfig::named(profile), path);
    assert_confirmed::<ApplyPhone>();
    assert_confirmed::<ResetPhone>();
    assert_confirmed::<ApplyCommonPhoneConfig>();
    assert_confirmed::<ResetCommonPhoneConfig>();
}
