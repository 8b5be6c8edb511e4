//! Phones, lines and users that other clients add, change and remove, and their entries in `listChange`.

use crate::bench::*;
use crate::changes::{changes, since, text};
use axlpaper::sim::{ADMIN_PASSWORD, ADMIN_USER, PhoneSpec, SimConfig};

const PHONE: &str = "<name>SEPAABBCCDDEEFF</name><description>New</description><product>Cisco 8841</product>\
    <class>Phone</class><protocol>SIP</protocol><protocolSide>User</protocolSide>\
    <devicePoolName>HQ</devicePoolName><locationName>Hub_None</locationName>";

/// The state of the change log: its next number and its queue.
async fn now(bench: &Bench) -> (String, String) {
    let body = bench.good("listChange", "").await;
    (text(&body, "nextStartChangeId"), text(&body, "queueId"))
}

/// What was noted from then on: type, action and tags.
async fn noted(bench: &Bench, (id, queue): &(String, String)) -> Vec<(String, String, String)> {
    let body = bench.good("listChange", &since(id, queue)).await;
    changes(&body).into_iter().map(|(kind, action, tags)| (kind, action, tags.join(" "))).collect()
}

fn change(kind: &str, action: &str, tags: &str) -> (String, String, String) {
    (kind.to_owned(), action.to_owned(), tags.to_owned())
}

#[tokio::test]
async fn phones_that_do_not_fit_their_model_are_refused() {
    let bench = Bench::new().await;
    let before = bench.sim.state_digest();
    let name = "name has invalid characters or is not formatted correctly for this device type";
    let long = "x".repeat(129);
    let longest = format!("<description>{}</description>", "x".repeat(128));
    for (from, to, part) in [
        ("SEPAABBCCDDEEFF", "SEPAABBCCDDEEF", name),
        ("SEPAABBCCDDEEFF", "SEPAABBCCDDEEFG", name),
        ("SEPAABBCCDDEEFF", "SEPaabbccddeeff", name),
        ("SEPAABBCCDDEEFF", "SEPAABBCCDDEEFF00", name),
        ("SEPAABBCCDDEEFF", "testPhone", name),
        ("<description>New", &format!("<description>{long}"), "element description is not valid"),
        (">SIP<", ">SCCP<", "the product Cisco 8841 has no protocol SCCP"),
        ("<locationName>Hub_None</locationName>", "", "locationName is missing"),
        ("Hub_None<", "Nowhere<", "was not found"),
        ("<devicePoolName>HQ", "<devicePoolName>Nowhere", "was not found"),
        (
            "</locationName>",
            "</locationName><securityProfileName>X</securityProfileName>",
            "Security Profile is not valid",
        ),
        (
            "</locationName>",
            "</locationName><securityProfileName>Cisco 8851 - Standard SIP Non-Secure Profile</securityProfileName>",
            "Security Profile is not valid",
        ),
        (
            "</locationName>",
            "</locationName><phoneTemplateName>X</phoneTemplateName>",
            "phoneTemplate X was not found",
        ),
        ("New<", "a&#1;b<", "no character with the number 1"),
        ("New<", "a\u{1}b<", "no character with the number 1"),
        ("<locationName>", "<locationName uuid=\"&#x2;\">", "no character with the number 2"),
    ] {
        assert!(PHONE.contains(from), "{from}");
        let phone = format!("<phone>{}</phone>", PHONE.replace(from, to));
        let (status, body) = bench.ask("15.0", "addPhone", &phone).await;
        assert_eq!((status, body.contains(part)), (500, true), "{to}: {body}");
    }
    let changes = [
        "<newName>testPhone</newName>".to_owned(),
        format!("<description>{long}</description>"),
        "<securityProfileName>X</securityProfileName>".to_owned(),
        "<softkeyTemplateName>X</softkeyTemplateName>".to_owned(),
    ];
    for change in changes {
        let change = format!("<name>SEP000000000001</name>{change}");
        assert_eq!(bench.ask("15.0", "updatePhone", &change).await.0, 500, "{change}");
    }
    let groups = "<userid>bgpush</userid><associatedGroups><userGroup><name>X</name></userGroup></associatedGroups>";
    let (status, body) = bench.ask("15.0", "updateAppUser", groups).await;
    assert_eq!((status, body.contains("UserGroup X was not found")), (500, true), "{body}");
    let user = "<user><lastName>x</lastName><userid>x</userid><presenceGroupName>X</presenceGroupName></user>";
    let (status, body) = bench.ask("15.0", "addUser", user).await;
    assert_eq!((status, body.contains("presenceGroup X was not found")), (500, true), "{body}");
    assert_eq!(bench.sim.state_digest(), before);
    // What fits is written.
    let profile =
        "<securityProfileName>Cisco 8841 - Standard SIP Non-Secure Profile</securityProfileName>";
    let phone = PHONE.replace("<description>New</description>", &longest);
    bench.good("addPhone", &format!("<phone>{phone}{profile}</phone>")).await;
    let user = user.replace(">X<", ">Standard Presence Group<");
    bench.good("addUser", &user).await;
    let old = PHONE.replace("8841", "7965").replace(">SIP<", ">SCCP<").replace("EEFF", "EE00");
    bench.good("addPhone", &format!("<phone>{old}</phone>")).await;
    let soft = PHONE.replace("Cisco 8841", "Cisco Unified Client Services Framework");
    bench
        .good(
            "addPhone",
            &format!("<phone>{}</phone>", soft.replace("SEPAABBCCDDEEFF", "testPhone")),
        )
        .await;
    bench.good("updateAppUser", &groups.replace(">X<", ">STANDARD CTI Enabled<")).await;
}

/// The fault of a write that changes nothing.
async fn refusal(bench: &Bench, operation: &str, inner: &str) -> String {
    let before = bench.sim.state_digest();
    let (status, body) = bench.ask("15.0", operation, inner).await;
    assert_eq!((status, bench.sim.state_digest() == before), (500, true), "{inner}: {body}");
    text(&body, "faultstring")
}

#[tokio::test]
async fn values_that_the_schema_does_not_allow_are_refused() {
    let bench = Bench::new().await;
    let user = |fields: &str| format!("<userid>bgpush-eu</userid>{fields}");
    let long = |length: usize| "9".repeat(length);
    for (operation, tag, value, key) in [
        ("updatePhone", "versionStamp", long(129), "<name>SEP000000000001</name>"),
        ("updatePhone", "idleTimeout", "soon".to_owned(), "<name>SEP000000000001</name>"),
        ("updatePhone", "preemption", "Sometimes".to_owned(), "<name>SEP000000000001</name>"),
        ("updatePhone", "dndOption", "Loud".to_owned(), "<name>SEP000000000001</name>"),
        ("updatePhone", "secureIdleUrl", long(256), "<name>SEP000000000001</name>"),
        ("updatePhone", "newName", long(129), "<name>SEP000000000001</name>"),
        ("updateLine", "alertingName", long(51), "<pattern>1000</pattern>"),
        ("updateLine", "asciiAlertingName", long(33), "<pattern>1000</pattern>"),
        ("updateLine", "hrDuration", "long".to_owned(), "<pattern>1000</pattern>"),
        ("updateLine", "autoAnswer", "Yes".to_owned(), "<pattern>1000</pattern>"),
        ("updateUser", "maxDeskPickupWaitTime", "long".to_owned(), "<userid>bgpush-eu</userid>"),
        ("updateUser", "selfService", long(51), "<userid>bgpush-eu</userid>"),
        (
            "updateCommonPhoneConfig",
            "description",
            long(129),
            "<name>Standard Common Phone Profile</name>",
        ),
    ] {
        let inner = format!("{key}<{tag}>{value}</{tag}>");
        let fault = refusal(&bench, operation, &inner).await;
        assert!(fault.contains(&format!("of element {tag} is not valid")), "{fault}");
        assert!(fault.len() < 200, "{fault}");
    }
    let line = |field: &str| {
        format!(
            "<name>SEP000000000001</name><lines><line><index>1</index>{field}<dirn><pattern>1000</pattern></dirn></line></lines>"
        )
    };
    let fault =
        refusal(&bench, "updatePhone", &line(&format!("<label>{}</label>", long(51)))).await;
    assert!(fault.contains("of element label"), "{fault}");
    // What is just long enough, and what is empty.
    bench.good("updatePhone", &line(&format!("<label>{}</label>", long(50)))).await;
    bench.good("updatePhone", "<name>SEP000000000001</name><preemption/><idleTimeout/>").await;
    bench
        .good(
            "updateLine",
            &format!("<pattern>1000</pattern><alertingName>{}</alertingName>", long(50)),
        )
        .await;
    bench.good("updateUser", &user("<maxDeskPickupWaitTime>-1</maxDeskPickupWaitTime>")).await;
}

#[tokio::test]
async fn what_does_not_exist_or_does_not_fit_is_refused() {
    let mut fleet = fleet();
    fleet.phones[4].css = Some("Inside".to_owned());
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let phone = |fields: &str| format!("<name>SEP000000000001</name>{fields}");
    let line =
        |fields: &str| phone(&format!("<lines><line><index>1</index>{fields}</line></lines>"));
    let dirn = "<dirn><pattern>1000</pattern></dirn>";
    let new_line = |pattern: &str, fields: &str| {
        format!("<line><pattern>{pattern}</pattern><usage>Device</usage>{fields}</line>")
    };
    let user =
        |fields: &str| format!("<user><lastName>Roe</lastName><userid>roe</userid>{fields}</user>");
    let found = "Item not valid: The specified";
    for (operation, inner, part) in [
        ("updatePhone", phone("<subscribeCallingSearchSpaceName>X</subscribeCallingSearchSpaceName>"), found),
        ("updatePhone", phone("<rerouteCallingSearchSpaceName uuid=\"{0}\"/>"), found),
        ("updatePhone", phone("<primaryPhoneName>SEPX</primaryPhoneName>"), found),
        ("updatePhone", phone("<mobilityUserIdName>nobody</mobilityUserIdName>"), found),
        ("updatePhone", phone("<digestUser>nobody</digestUser>"), found),
        ("updatePhone", phone("<mediaResourceListName>M</mediaResourceListName>"), "cannot do mediaResourceListName M."),
        ("updatePhone", phone("<featureControlPolicy>F</featureControlPolicy>"), "cannot do featureControlPolicy F."),
        ("updatePhone", line(&format!("{dirn}<monitoringCssName>X</monitoringCssName>")), found),
        ("updatePhone", line("<dirn><pattern>12 34</pattern></dirn>"), "cannot do the directory number 12 34."),
        ("addLine", new_line("none", ""), "cannot do the directory number none."),
        ("addLine", new_line(&"1".repeat(51), ""), "cannot do the directory number 1"),
        ("addLine", new_line("7001", "").replace("Device", "Route"), "a line with the usage Route."),
        ("addLine", new_line("7001", "<shareLineAppearanceCssName>X</shareLineAppearanceCssName>"), found),
        ("addLine", new_line("7001", "<voiceMailProfileName>V</voiceMailProfileName>"), "cannot do voiceMailProfileName V."),
        ("updateLine", "<pattern>1000</pattern><presenceGroupName>P</presenceGroupName>".to_owned(), found),
        (
            "updateLine",
            "<pattern>1000</pattern><callForwardAll><callingSearchSpaceName>X</callingSearchSpaceName></callForwardAll>".to_owned(),
            found,
        ),
        ("addUser", user(&format!("<department>{}</department>", "d".repeat(65))), "more than 64 characters in department."),
        ("addUser", user("").replace(">roe<", &format!(">{}<", "u".repeat(129))), "more than 128 characters in userid."),
        ("addUser", user("").replace(">Roe<", "><"), "the lastName is empty"),
        (
            "removeAppUser",
            format!("<userid>{ADMIN_USER}</userid>"),
            "the removal of the user who asks for it.",
        ),
        ("addUser", user("<pin>12a4</pin>"), "a pin that is not of digits."),
        ("addUser", user("<primaryExtension><pattern>1000</pattern></primaryExtension>"), "a primaryExtension that no device"),
        ("addUser", user("<serviceProfile>S</serviceProfile>"), "cannot do serviceProfile S."),
        ("updateUser", format!("<userid>bgpush-eu</userid><lastName>{}</lastName>", "n".repeat(65)), "64 characters in lastName."),
    ] {
        let fault = refusal(&bench, operation, &inner).await;
        assert!(fault.contains(part), "{inner}: {fault}");
    }
    // What exists is taken.
    let spaces = "<subscribeCallingSearchSpaceName>inside</subscribeCallingSearchSpaceName>\
        <rerouteCallingSearchSpaceName/><presenceGroupName>Standard Presence group</presenceGroupName>\
        <digestUser>bgpush-eu</digestUser>";
    bench.good("updatePhone", &phone(spaces)).await;
    bench
        .good(
            "addLine",
            &new_line("\\+49!", "<voiceMailProfileName>Default</voiceMailProfileName>"),
        )
        .await;
    let extension = "<associatedDevices><device>SEP000000000001</device></associatedDevices>\
        <primaryExtension><pattern>1000</pattern></primaryExtension>";
    bench.good("addUser", &user(extension)).await;
    bench
        .good(
            "updateUser",
            "<userid>roe</userid><primaryExtension><pattern>1000</pattern></primaryExtension>",
        )
        .await;
}

#[tokio::test]
async fn a_phone_comes_and_goes() {
    let bench = Bench::new().await;
    let begin = now(&bench).await;
    let rest = "<vendorConfig><webAccess>0</webAccess></vendorConfig>\
        <lines><line><index>2</index><dirn><pattern>7002</pattern></dirn></line>\
        <line><index>1</index><label>Front</label><dirn><pattern>7001</pattern></dirn></line></lines>\
        <softkeyTemplateName>Standard User</softkeyTemplateName>";
    let added = bench.good("addPhone", &format!("<phone>{PHONE}{rest}</phone>")).await;
    let uuid = text(&added, "return");
    assert!(uuid.starts_with('{') && uuid.ends_with('}'), "{uuid}");
    let tags = "<returnedTags><description/><lines/><softkeyTemplateName/></returnedTags>";
    let phone = bench.good("getPhone", &format!("<uuid>{uuid}</uuid>{tags}")).await;
    for part in [
        "<description>New</description>",
        "<index>1</index><label>Front</label><dirn uuid=",
        "<pattern>7002</pattern>",
        ">Standard User</softkeyTemplateName>",
    ] {
        assert!(phone.contains(part), "{part}: {phone}");
    }
    // SQL gives the same keys.
    let sql = "<sql>select n.pkid, n.dnorpattern from numplan n, devicenumplanmap m, device d where m.fknumplan = \
        n.pkid and m.fkdevice = d.pkid and d.name = 'SEPAABBCCDDEEFF' order by m.numplanindex</sql>";
    let rows = bench.good("executeSQLQuery", sql).await;
    let pkid = text(&rows, "pkid");
    assert!(
        phone.contains(&format!("<dirn uuid=\"{{{}}}\"><pattern>7001<", pkid.to_uppercase())),
        "{rows}"
    );
    // Without tags, everything that was written is answered.
    let all = bench.good("getPhone", &format!("<uuid>{uuid}</uuid>")).await;
    assert!(all.contains(">Standard User</softkeyTemplateName>"), "{all}");
    let lines = async |change: &str, numbers: &[&str]| {
        let line = |number: &&str| format!("<line><dirn><pattern>{number}</pattern></dirn></line>");
        let lines = numbers.iter().map(line).collect::<Vec<_>>().concat();
        let change = format!("<uuid>{uuid}</uuid><{change}>{lines}</{change}>");
        bench.good("updatePhone", &change).await;
        let phone = bench.good("getPhone", &format!("<uuid>{uuid}</uuid>{tags}")).await;
        let found = phone.split("<pattern>").skip(1).map(|rest| rest.split('<').next().unwrap());
        found.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(lines("addLines", &["7003"]).await, "7001 7002 7003");
    assert_eq!(lines("removeLines", &["7001", "7002"]).await, "7003");
    assert_eq!(lines("lines", &["7001", "7002"]).await, "7001 7002");
    let again = bench.ask("15.0", "addPhone", &format!("<phone>{PHONE}</phone>")).await;
    assert!(again.0 == 500 && again.1.contains("<axlcode>-239</axlcode>"), "{}", again.1);
    let strange =
        format!("<phone>{}</phone>", PHONE.replace("8841", "12345").replace("EEFF", "EEEE"));
    let (status, body) = bench.ask("15.0", "addPhone", &strange).await;
    assert_eq!(
        (status, body.contains("cannot do the product Cisco 12345.")),
        (500, true),
        "{body}"
    );
    bench.good("removePhone", "<name>SEPAABBCCDDEEFF</name>").await;
    assert!(bench.sim.phone("SEPAABBCCDDEEFF").is_none());
    assert_eq!(bench.ask("15.0", "removePhone", "<name>SEPAABBCCDDEEFF</name>").await.0, 500);
    let lines = change("Phone", "u", "lines=");
    let (added, removed) = (change("Phone", "a", ""), change("Phone", "r", ""));
    let expected = [added, lines.clone(), lines.clone(), lines, removed];
    assert_eq!(noted(&bench, &begin).await, expected);
    let operations: Vec<String> =
        bench.sim.record().writes.into_iter().map(|write| write.operation).collect();
    let updates = ["updatePhone"; 3];
    assert_eq!(operations.first().unwrap(), "addPhone");
    assert_eq!(operations[1..4], updates);
    assert_eq!(operations[4..], ["removePhone"]);
}

#[tokio::test]
async fn a_phone_is_moved_renamed_and_given_to_somebody() {
    let mut fleet = fleet();
    let mut other = PhoneSpec::new("SEP0000000000AA", 683);
    (other.device_pool, other.css, other.owner) =
        ("Branch".to_owned(), Some("Inside".to_owned()), Some("jdoe".to_owned()));
    fleet.phones.push(other);
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let begin = now(&bench).await;
    let fields = "<newName>SEP0000000000BB</newName><description>Moved</description>\
        <callingSearchSpaceName>inside</callingSearchSpaceName><devicePoolName>Branch</devicePoolName>\
        <ownerUserName>jdoe</ownerUserName><isActive>false</isActive>";
    bench.good("updatePhone", &format!("<name>SEP000000000001</name>{fields}")).await;
    let phone = bench.good("getPhone", "<name>SEP0000000000BB</name>").await;
    for part in [
        "<description>Moved</description>",
        ">Inside</callingSearchSpaceName>",
        ">Branch</devicePoolName>",
        ">jdoe</ownerUserName>",
    ] {
        assert!(phone.contains(part), "{part}: {phone}");
    }
    let tags = "name=SEP0000000000BB description=Moved callingSearchSpaceName=Inside devicePoolName=Branch \
                ownerUserName=jdoe isActive=false";
    assert_eq!(noted(&bench, &begin).await, [change("Phone", "u", tags)]);
    let gone = bench.ask("15.0", "getPhone", "<name>SEP000000000001</name>").await;
    assert_eq!(gone.0, 500);
    bench.good("updatePhone", "<name>SEP0000000000BB</name><ownerUserName/>").await;
    let sql =
        "<sql>select name from device where fkenduser is null and name = 'SEP0000000000BB'</sql>";
    assert!(bench.good("executeSQLQuery", sql).await.contains("SEP0000000000BB"));
    // doDeviceReset is in every version.
    let restarts = || bench.sim.phone("SEP000000000002").unwrap().restarts;
    assert_eq!(restarts(), 0);
    let reset =
        "<deviceName>SEP000000000002</deviceName><deviceResetType>Restart</deviceResetType>";
    bench.good("doDeviceReset", reset).await;
    assert_eq!(restarts(), 1);
    let attribute = envelope("15.0", "doDeviceReset", reset)
        .replace("<ns:doDeviceReset>", "<ns:doDeviceReset isMGCP=\"false\">");
    let admin = bench.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD));
    assert_eq!(read(admin.body(attribute)).await.0, 200);
    let strange = reset.replace("Restart", "Generate PRT");
    let (status, body) = bench.ask("15.0", "doDeviceReset", &strange).await;
    assert_eq!((status, body.contains("The simulator cannot do the reset type")), (500, true));
}

#[tokio::test]
async fn a_line_comes_and_goes() {
    let bench = Bench::new().await;
    let begin = now(&bench).await;
    let line = "<line><pattern>1234567890</pattern><description>Test</description><usage>Device</usage>\
        <routePartitionName/><callForwardAll><forwardToVoiceMail>true</forwardToVoiceMail></callForwardAll></line>";
    bench.good("addLine", line).await;
    let again = bench.ask("15.0", "addLine", line).await;
    assert!(again.0 == 500 && again.1.contains("<axlcode>4052</axlcode>"), "{}", again.1);
    let key = "<pattern>1234567890</pattern>";
    let forward = "<callForwardAll><forwardToVoiceMail>false</forwardToVoiceMail></callForwardAll>";
    bench.good("updateLine", &format!("{key}{forward}")).await;
    let found = bench.good("getLine", key).await;
    assert!(found.contains(forward) && found.contains("<description>Test"), "{found}");
    // Phones of the fleet have lines, too.
    let all = "<searchCriteria><pattern>%</pattern></searchCriteria><returnedTags><pattern/></returnedTags>";
    let listed = bench.good("listLine", all).await;
    assert_eq!(listed.matches("<line uuid=").count(), 7, "{listed}");
    bench.good("removeLine", "<pattern>1000</pattern>").await;
    bench.good("removeLine", key).await;
    assert_eq!(bench.ask("15.0", "getLine", key).await.0, 500);
    let phone = "<name>SEP000000000001</name><returnedTags><lines/></returnedTags>";
    let phone = bench.good("getPhone", phone).await;
    assert!(phone.contains("<lines/>"), "{phone}");
    let expected = [
        change("Line", "a", ""),
        change("Line", "u", "callForwardAll="),
        change("Phone", "u", "lines="),
        change("Line", "r", ""),
        change("Line", "r", ""),
    ];
    assert_eq!(noted(&bench, &begin).await, expected);
    let partition =
        line.replace("<routePartitionName/>", "<routePartitionName>PT</routePartitionName>");
    let (status, body) = bench.ask("15.0", "addLine", &partition).await;
    assert_eq!((status, body.contains("RoutePartition PT was not found")), (500, true), "{body}");
}

#[tokio::test]
async fn a_user_comes_and_goes() {
    let bench = Bench::new().await;
    let begin = now(&bench).await;
    let user = "<user><firstName>Jane</firstName><lastName>O&apos;Doe</lastName><userid>jane</userid>\
        <password>a-password</password><pin>12345</pin>\
        <associatedDevices><device>SEP000000000003</device></associatedDevices>\
        <associatedGroups><userGroup><name>AXL Users</name></userGroup></associatedGroups>\
        <presenceGroupName>Standard Presence group</presenceGroupName></user>";
    bench.good("addUser", user).await;
    assert_eq!(bench.sim.record().devices("jane"), ["SEP000000000003"]);
    let found = bench.good("getUser", "<userid>jane</userid>").await;
    assert!(found.contains("<firstName>Jane<") && found.contains("O&apos;Doe"), "{found}");
    assert!(!found.contains("a-password") && !found.contains("12345"), "{found}");
    // The group has its roles from another user.
    let asked = bench.axl().basic_auth("jane", Some("a-password"));
    assert_eq!(read(asked.body(envelope("15.0", "getCCMVersion", ""))).await.0, 200);
    for (secret, right) in [("pin", "12345"), ("password", "a-password")] {
        for (given, expected) in [(right, "true"), ("99999", "false")] {
            let inner = format!("<userid>jane</userid><{secret}>{given}</{secret}>");
            let answer = bench.good("doAuthenticateUser", &inner).await;
            assert_eq!(text(&answer, "userAuthenticated"), expected, "{secret} {given}");
        }
    }
    let renamed = "<userid>jane</userid><lastName>Roe</lastName><newUserid>jroe</newUserid><mailid>j@example.com</mailid>";
    bench.good("updateUser", renamed).await;
    let sql = "<sql>select lastname, mailid from enduser where userid = 'jroe'</sql>";
    let row = bench.good("executeSQLQuery", sql).await;
    assert!(row.contains("<lastname>Roe</lastname><mailid>j@example.com</mailid>"), "{row}");
    let dnd = "<userID>jroe</userID><dndStatus>true</dndStatus>";
    bench.good("doChangeDNDStatus", dnd).await;
    bench.good("removeUser", "<userid>jroe</userid>").await;
    assert!(!bench.sim.record().users.contains_key("jroe"));
    let asked = bench.axl().basic_auth("jroe", Some("a-password"));
    assert_eq!(read(asked.body(envelope("15.0", "getCCMVersion", ""))).await.0, 401);
    let rows = bench.good("executeSQLQuery", "<sql>select * from enduserdevicemap</sql>").await;
    assert!(rows.contains("<return/>"), "{rows}");
    let expected = [
        change("User", "a", ""),
        change("User", "u", "lastName=Roe userid=jroe mailid=j@example.com"),
        change("Phone", "u", "dndStatus=true"),
        change("User", "r", ""),
    ];
    assert_eq!(noted(&bench, &begin).await, expected);
    bench
        .good(
            "addAppUser",
            "<appUser><userid>robot</userid><password>secret-word</password></appUser>",
        )
        .await;
    let (status, body) = bench.ask("15.0", "removeUser", "<userid>robot</userid>").await;
    assert_eq!((status, body.contains("<axlcode>5003</axlcode>")), (500, true), "{body}");
    bench.good("removeAppUser", "<userid>robot</userid>").await;
}
