//! `executeSQLQuery` and `executeSQLUpdate`, as other clients use them.

use std::time::Duration;

use crate::bench::*;
use crate::changes::{changes, since, text};
use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{ADMIN_USER, PUSH_USER, READER_PASSWORD, READER_USER, SimConfig, Sql};

async fn rows(bench: &Bench, sql: &str) -> String {
    bench.good("executeSQLQuery", &statement(sql)).await
}

async fn update(bench: &Bench, sql: &str) -> String {
    text(&bench.good("executeSQLUpdate", &statement(sql)).await, "rowsUpdated")
}

fn statement(sql: &str) -> String {
    format!("<sql>{}</sql>", sql.replace('&', "&amp;").replace('<', "&lt;"))
}

#[tokio::test]
async fn tables_agree_with_axl() {
    let bench = Bench::new().await;
    let registered = rows(
        &bench,
        "select d.name, d.ctiid, r.lastknownipaddress, s.name status, p.name product from registrationdynamic r \
         inner join device d on r.fkdevice = d.pkid inner join typerisstatus s on r.tkrisstatus = s.enum \
         inner join typeproduct p on d.tkproduct = p.enum where d.name matches '*[15]' order by d.name",
    )
    .await;
    assert_eq!(registered.matches("<row>").count(), 2, "{registered}");
    for part in ["127.9.0.5", "<status>Registered</status>", "<product>Cisco 8841</product>"] {
        assert!(registered.contains(part), "{part}: {registered}");
    }
    let listed = bench.good("listPhone", &list("")).await;
    assert!(listed.contains(&format!("ctiid=\"{}\"", text(&registered, "ctiid"))), "{listed}");
    let managers = rows(&bench, "select name from callmanager where name matches 'CM_*'").await;
    assert_eq!(managers.matches("<row>").count(), 2, "{managers}");
    let columns = rows(
        &bench,
        "select c.colname from syscolumns c, systables t where c.tabid = t.tabid and t.tabname = 'device'",
    )
    .await;
    assert!(columns.contains("<colname>versionstamp</colname>"), "{columns}");
    let (status, body) =
        bench.ask("15.0", "executeSQLQuery", &statement("select * from credential")).await;
    assert_eq!(status, 500);
    assert!(body.contains("<faultstring>The simulator cannot do table credential.<"), "{body}");
}

#[tokio::test]
async fn log_ins_groups_and_nodes_agree_with_axl() {
    let mut fleet = fleet();
    fleet.phones[0].owner = Some("mkaya".to_owned());
    fleet.phones[1].login_user = Some("guest".to_owned());
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let logins = rows(
        &bench,
        "select d.name, u.userid, p.name profile, c.name class, e.logintime from extensionmobilitydynamic e \
         inner join device d on e.fkdevice = d.pkid inner join enduser u on e.fkenduser = u.pkid \
         inner join device p on e.fkdevice_currentloginprofile = p.pkid \
         inner join typeclass c on p.tkclass = c.enum",
    )
    .await;
    assert_eq!(logins.matches("<row>").count(), 1, "{logins}");
    let found = ["name", "userid", "profile", "class"].map(|name| text(&logins, name));
    assert_eq!(found, ["SEP000000000002", "guest", "EM_guest", "Device Profile"]);
    let phone = bench.good("getPhone", "<name>SEP000000000002</name>").await;
    for part in [
        "<loginUserId>guest</loginUserId>",
        ">EM_guest</currentProfileName>",
        "<enableExtensionMobility>true<",
        &format!("<loginTime>{}</loginTime>", text(&logins, "logintime")),
    ] {
        assert!(phone.contains(part), "{part}: {phone}");
    }
    let other = bench.good("getPhone", "<name>SEP000000000001</name>").await;
    assert!(!other.contains("EM_") && !other.contains("<loginTime>1"), "{other}");
    assert!(rows(&bench, "select count(*) from device where tkclass = 1").await.contains(">6<"));
    let members = rows(
        &bench,
        "select u.userid, g.name from enduserdirgroupmap m inner join enduser u on m.fkenduser = u.pkid \
         inner join dirgroup g on m.fkdirgroup = g.pkid order by u.userid",
    )
    .await;
    assert_eq!(members.matches("<name>Standard CCM End Users</name>").count(), 2, "{members}");
    let user = bench.good("getUser", "<userid>mkaya</userid>").await;
    assert!(user.contains("<name>Standard CCM End Users</name>"), "{user}");
    let listed =
        "<searchCriteria><name>%</name></searchCriteria><returnedTags><name/></returnedTags>";
    let listed = bench.good("listProcessNode", listed).await.to_lowercase();
    let nodes = rows(&bench, "select pkid, name from processnode order by nodeid").await;
    assert_eq!(nodes.matches("<row>").count(), 3, "{nodes}");
    for node in nodes.split("<pkid>").skip(1) {
        let node = node.to_lowercase();
        let (id, rest) = node.split_once('<').unwrap();
        assert!(
            listed.contains(&format!("uuid=\"{{{id}}}\"><name>{}<", text(rest, "name"))),
            "{listed}"
        );
    }
    let parameter = "select c.pkid, n.name from processconfig c inner join processnode n on c.fkprocessnode = n.pkid \
                     where c.paramname = 'PhonePersonalization'";
    assert_eq!(text(&rows(&bench, parameter).await, "name"), "EnterpriseWideData");
    let own = rows(&bench, "select min(tabid) from systables where tabid >= 100").await;
    assert_eq!(text(&own, "min"), "100");
    let all = "update device set description = 'x'";
    let (status, body) = bench.ask("15.0", "executeSQLUpdate", &statement(all)).await;
    assert_eq!((status, body.contains("cannot do changes of device profiles")), (500, true));
    assert_eq!(update(&bench, &format!("{all} where tkclass = 1")).await, "6");
    let catalogue = rows(&bench, "select tabname from systables where tabid < 100").await;
    assert_eq!(catalogue.matches("<row>").count(), 2, "{catalogue}");
}

#[tokio::test]
async fn booleans_are_words_in_axl_and_letters_in_sql() {
    let mut fleet = fleet();
    fleet.phones[0].login_user = Some("guest".to_owned());
    fleet.phones[1].template = true;
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let written = [("unattendedPort", "1"), ("isActive", "f"), ("isProtected", "True")];
    let written = written.map(|(tag, value)| format!("<{tag}>{value}</{tag}>")).concat();
    bench.good("updatePhone", &format!("<name>SEP000000000003</name>{written}")).await;
    let flag =
        "update device set allowhotelingflag = 't', isactive = 'f' where name = 'SEP000000000004'";
    assert_eq!(update(&bench, flag).await, "1");
    let columns = [
        ("isActive", "isactive"),
        ("enableExtensionMobility", "allowhotelingflag"),
        ("allowCtiControlFlag", "allowcticontrolflag"),
        ("retryVideoCallAsAudio", "retryvideocallasaudio"),
        ("isProtected", "isprotected"),
        ("unattendedPort", "unattended_port"),
        ("traceFlag", "deviceleveltraceflag"),
    ];
    for (name, expected) in [
        ("SEP000000000001", "ttttfff"),
        ("SEP000000000002", "tfttfff"),
        ("SEP000000000003", "ffttttf"),
        ("SEP000000000004", "ftttfff"),
    ] {
        let phone = bench
            .good(
                "getPhone",
                &format!(
                    "<name>{name}</name><returnedTags>\
            <traceFlag/><retryVideoCallAsAudio/><enableExtensionMobility/><allowCtiControlFlag/>\
            <unattendedPort/><isActive/><isProtected/></returnedTags>"
                ),
            )
            .await;
        let names = columns.map(|(_, column)| column).join(", ");
        let row = rows(&bench, &format!("select {names} from device where name = '{name}'")).await;
        for ((tag, column), letter) in columns.into_iter().zip(expected.chars()) {
            let word = if letter == 't' { "true" } else { "false" };
            assert_eq!(
                (text(&phone, tag).as_str(), text(&row, column)),
                (word, letter.to_string()),
                "{name} {tag}"
            );
        }
    }
    // Seen in an answer about a template, and not about a phone.
    for (name, value) in [("SEP000000000002", "f"), ("SEP000000000003", "false")] {
        let tag = "enableCallRoutingToRdWhenNoneIsActive";
        let tags = format!("<name>{name}</name><returnedTags><{tag}/></returnedTags>");
        assert_eq!(text(&bench.good("getPhone", &tags).await, tag), value);
    }
}

#[tokio::test]
async fn a_query_without_end_does_not_hold_up_others() {
    let bench = Bench::new().await;
    let tables = (0..9).map(|k| format!("syscolumns t{k}")).collect::<Vec<_>>().join(", ");
    let endless = statement(&format!("select count(*) from {tables}"));
    let first = bench.ask("15.0", "executeSQLQuery", &endless);
    // A client that goes away, beside one that waits.
    let gone = tokio::time::timeout(
        Duration::from_millis(1),
        bench.ask("15.0", "executeSQLQuery", &endless),
    );
    let phones = list("");
    let ((status, body), _gone, other) =
        tokio::join!(first, gone, bench.good("listPhone", &phones));
    assert_eq!(status, 500);
    assert!(body.contains("Maximum AXL Memory Allocation Consumed"), "{body}");
    assert_eq!(other.matches("<phone ").count(), 5);
    assert!(rows(&bench, "select count(*) from device").await.contains("<count>6</count>"));
}

#[tokio::test]
async fn an_update_changes_the_cluster() {
    let bench = Bench::new().await;
    let begin = bench.good("listChange", "").await;
    let phones = "update device set tkphonepersonalization = 1, description = 'O''Brien & co' where name matches 'SEP*[12]'";
    assert_eq!(update(&bench, phones).await, "2");
    let record = bench.sim.record();
    assert_eq!(record.phones["SEP000000000001"].personalization, Setting::Enabled);
    assert_eq!(record.phones["SEP000000000003"].personalization, Setting::Default);
    assert!(
        bench
            .good("getPhone", "<name>SEP000000000002</name>")
            .await
            .contains("O&apos;Brien &amp; co")
    );
    // The published way to associate many devices: append rows to the map.
    let append = format!(
        "insert into applicationuserdevicemap (fkapplicationuser, fkdevice, tkuserassociation) \
         select u.pkid, d.pkid, 1 from applicationuser u, device d where u.name = '{PUSH_USER}' and d.name matches 'SEP*[23]'"
    );
    assert_eq!(update(&bench, &append).await, "2");
    let devices = ["csfmscott", "SEP000000000001", "SEP000000000002", "SEP000000000003"];
    assert_eq!(bench.sim.record().devices(PUSH_USER), devices);
    let delete = "delete from applicationuserdevicemap where fkdevice in (select pkid from device where name = 'csfmscott')";
    assert_eq!(update(&bench, delete).await, "1");
    assert_eq!(bench.sim.record().devices(PUSH_USER), devices[1..]);
    assert_eq!(
        update(&bench, "update enduser set lastname = 'Roe' where userid = 'bgpush-eu'").await,
        "1"
    );
    assert!(
        rows(&bench, "select lastname from enduser").await.contains("<lastname>Roe</lastname>")
    );
    let parameter =
        "update processconfig set paramvalue = '0' where paramname = 'PhonePersonalization'";
    assert_eq!(update(&bench, parameter).await, "1");
    assert_eq!(
        update(&bench, "update commonphoneconfig set tkphonepersonalization = 2").await,
        "1"
    );
    let dnd = "UPDATE dnddynamic SET dndstatus = \"t\" where fkdevice in (select pkid from device where name = \"SEP000000000004\")";
    assert_eq!(update(&bench, dnd).await, "1");
    let tags = "<name>SEP000000000004</name><returnedTags><dndStatus/></returnedTags>";
    assert!(bench.good("getPhone", tags).await.contains("<dndStatus>true</dndStatus>"));
    assert_eq!(update(&bench, "delete from device where name = 'SEP000000000005'").await, "1");
    assert!(bench.sim.phone("SEP000000000005").is_none());
    assert_eq!(
        update(&bench, "update device set description = 'x' where name = 'none'").await,
        "0"
    );
    assert_eq!(update(&bench, "delete from applicationuserdevicemap").await, "3");
    assert!(bench.sim.record().devices(PUSH_USER).is_empty());
    let later = bench
        .good("listChange", &since(&text(&begin, "nextStartChangeId"), &text(&begin, "queueId")))
        .await;
    let kinds: Vec<String> = changes(&later)
        .into_iter()
        .map(|(kind, action, tags)| format!("{kind} {action} {}", tags.join(" ")))
        .collect();
    let expected = [
        "Phone u description=O&apos;Brien &amp; co phoneSuite=Enabled",
        "Phone u description=O&apos;Brien &amp; co phoneSuite=Enabled",
        "AppUser u associatedDevices=",
        "AppUser u associatedDevices=",
        "User u lastName=Roe",
        "ServiceParameter u value=0",
        "CommonPhoneConfig u phonePersonalization=HTTPS Only",
        "Phone u dndStatus=true",
        "Phone r ",
        "AppUser u associatedDevices=",
    ];
    assert_eq!(kinds, expected);
    let record = bench.sim.record();
    assert!(record.writes.iter().all(|write| write.operation == "executeSQLUpdate"));
    assert_eq!(
        (record.writes[0].target.as_str(), record.writes[0].caller.as_str()),
        ("device", ADMIN_USER)
    );
}

#[tokio::test]
async fn an_update_that_cannot_be_kept_changes_nothing() {
    let bench = Bench::new().await;
    let before = bench.sim.state_digest();
    for (sql, part) in [
        ("update device set tkmodel = 7", "cannot do this update of column device.tkmodel."),
        ("update device set description = 'x', ctiid = 7", "this update of column device.ctiid."),
        ("update enduser set userrank = 70", "this update of column enduser.userrank."),
        ("insert into dnddynamic (fkdevice) values ('x')", "an insert into table dnddynamic."),
        ("delete from processconfig", "a delete from table processconfig."),
        ("insert into device (name) values ('SEP1')", "cannot do an insert into table device."),
        (
            "update device set description = rpad('x', 129, 'y') where name matches 'SEP*1'",
            "cannot do more than 128 characters in description.",
        ),
        (
            "update device set name = rpad('SEP', 129, '0') where name matches 'SEP*1'",
            "cannot do more than 128 characters in name.",
        ),
        (
            "update enduser set lastname = rpad('x', 65, 'y')",
            "cannot do more than 64 characters in lastname.",
        ),
        ("update device set name = 'SAME' where tkclass = 1", "<axlcode>-239</axlcode>"),
        (
            "delete from applicationuser where name = 'simadmin'",
            "cannot do the removal of the user who asks for it.",
        ),
        ("update device set isactive = 'x' where tkclass = 1", "column device.isactive."),
        (
            "update device set allowhotelingflag = 'x' where tkclass = 1",
            "device.allowhotelingflag.",
        ),
        ("update credential set credentials = 'x'", "The simulator cannot do table credential."),
        ("update device set colour = 1", "The simulator cannot do column colour."),
        ("create table x (y integer)", "The simulator cannot do CREATE."),
        ("select name from device", "The simulator cannot do SELECT."),
        ("update device set fkdevicepool = 'none'", "informix.fk_device_fkdevicepool"),
        (
            "update device set name = 'csfmscott' where name matches 'SEP*1'",
            "<axlcode>-239</axlcode>",
        ),
        ("update device set", "<axlcode>-201</axlcode>"),
        (
            "insert or replace into enduserdevicemap (fkdevice) values ('x')",
            "<axlcode>-201</axlcode>",
        ),
        (
            "insert into enduserdevicemap (fkenduser, fkdevice, tkuserassociation) values ('x', 'y', 1)",
            "informix.fk_enduserdevicemap_fkenduser",
        ),
        (
            "insert into applicationuserdevicemap select * from applicationuserdevicemap",
            "<axlcode>-239</axlcode>",
        ),
    ] {
        let (status, body) = bench.ask("15.0", "executeSQLUpdate", &statement(sql)).await;
        assert_eq!((status, body.contains(part)), (500, true), "{sql}: {body}");
    }
    assert_eq!(bench.sim.state_digest(), before);
    assert!(bench.sim.record().writes.is_empty());
    let body = envelope("15.0", "executeSQLUpdate", &statement("delete from device"));
    let reader = bench.axl().basic_auth(READER_USER, Some(READER_PASSWORD)).body(body);
    assert_eq!(read(reader).await.0, 401);
    let none = SimConfig { sql: Sql::Refused, ..SimConfig::new(fleet()) };
    let bench = Bench::with(none).await;
    let (status, body) =
        bench.ask("15.0", "executeSQLUpdate", &statement("delete from device")).await;
    assert_eq!((status, body.contains("not allowed to use executeSQLUpdate")), (500, true));
}

/// The fault of a statement that administrators, and for a query the reader, get.
async fn refusal(bench: &Bench, operation: &str, sql: &str) -> String {
    let (status, body) = bench.ask("15.0", operation, &statement(sql)).await;
    assert_eq!(status, 500, "{body}");
    let request = envelope("15.0", operation, &statement(sql));
    let reader = bench.axl().basic_auth(READER_USER, Some(READER_PASSWORD)).body(request);
    let (status, answer) = read(reader).await;
    if operation == "executeSQLUpdate" {
        assert_eq!(status, 401, "{answer}");
    } else {
        assert_eq!((status, text(&answer, "faultstring")), (500, text(&body, "faultstring")));
    }
    text(&body, "faultstring")
}

#[tokio::test]
async fn a_statement_that_is_nested_too_deeply_or_too_long_is_refused() {
    const DEEP: &str = "The simulator cannot do more than 64 levels of parentheses.";
    const LONG: &str = "The simulator cannot do statements of more than 64 KB.";
    let bench = Bench::new().await;
    let nested = |begin: &str, part: &str, last: &str, levels: usize| {
        format!("{begin}{}{last}{}", part.repeat(levels), ")".repeat(levels))
    };
    let query = "select count(*) from device where pkid ";
    let update = "update device set description = 'x' where pkid ";
    let exists = "= 'x' or exists (select 1 from device where pkid ";
    for (operation, begin) in [("executeSQLQuery", query), ("executeSQLUpdate", update)] {
        for (part, last) in
            [(exists, "= 'x'"), ("in (select pkid from device where pkid ", "= 'x'")]
        {
            let (status, body) =
                bench.ask("15.0", operation, &statement(&nested(begin, part, last, 30))).await;
            assert_eq!(status, 200, "{part}: {body}");
            for levels in [65, 340, 1500, 10_000] {
                let sql = nested(begin, part, last, levels);
                let expected = if sql.len() > 64 * 1024 { LONG } else { DEEP };
                assert_eq!(refusal(&bench, operation, &sql).await, expected, "{part} {levels}");
            }
        }
        // The shortest levels: ten thousand are in less than 64 KB. Without an end, too.
        for part in ["= (", "= -(", "= substring("] {
            let sql = format!("{begin}{}", part.repeat(5000));
            assert_eq!(refusal(&bench, operation, &sql).await, DEEP, "{part}");
        }
        let parentheses = nested(begin, "(", "'x'", 10_000);
        assert_eq!(refusal(&bench, operation, &parentheses).await, DEEP);
        for cast in ["::varchar", "[1,9]", "::varchar(9)[1,9]"] {
            let casts = format!("{begin} = description{}", cast.repeat(60_000 / cast.len()));
            assert_eq!(refusal(&bench, operation, &casts).await, DEEP, "{cast}");
        }
        let casts = format!("{begin} = name{}", "::varchar(9)".repeat(20_000));
        assert_eq!(refusal(&bench, operation, &casts).await, LONG);
    }
    let sources = nested("select * from ", "(select * from ", "device", 64);
    assert_eq!(rows(&bench, &sources).await.matches("<row>").count(), 6);
    // What is long and not deep.
    let names = "or name = 'x' ".repeat(900);
    assert!(rows(&bench, &format!("{query} = 'x' {names}")).await.contains("<count>0</count>"));
    let unions = "union select name from device ".repeat(400);
    assert_eq!(
        rows(&bench, &format!("select name from device {unions}")).await.matches("<row>").count(),
        6
    );
    let cte = "select 1 from (with a as (select 1 from device) select 1 from a, a)";
    assert_eq!(refusal(&bench, "executeSQLQuery", cte).await, "The simulator cannot do WITH.");
}

#[tokio::test]
async fn a_statement_that_needs_too_much_memory_is_refused() {
    let bench = Bench::new().await;
    let long = "replace(rpad('', 32739, 'a'), 'a', rpad('', 32739, 'a'))";
    for expression in [
        format!("length(replace({long}, 'a', {long}))"),
        format!("length({long})"),
        format!("length(rpad('', 32739){})", " || rpad('', 32739)".repeat(40)),
        "lpad('x', 32740)".to_owned(),
        "rpad('x', 32740, 'y')".to_owned(),
        "rpad('x', '99999999999999999999999')".to_owned(),
        "case when rpad('', 32739, 'a') matches rpad('', 32739, '*a') then 1 else 0 end".to_owned(),
        format!("case when rpad('', 32739, 'a') like '{}' then 1 else 0 end", "%a".repeat(25_000)),
    ] {
        let query = format!("select {expression} as x from device");
        let update = format!("update device set description = 'x' where '1' = {expression}");
        for (operation, sql) in [("executeSQLQuery", query), ("executeSQLUpdate", update)] {
            let answer = refusal(&bench, operation, &sql).await;
            assert!(
                answer.contains("Maximum AXL Memory Allocation Consumed"),
                "{sql:.300}: {answer}"
            );
        }
    }
    let longest = "select length(rpad('x', 32739, 'y')) as n, lpad(name, -1) as m from device";
    assert!(rows(&bench, longest).await.contains("<n>32739</n><m></m>"));
    // No row fits: a number of rows to ask for would be 0.
    let mut config = SimConfig::new(fleet());
    config.limits.answer_bytes = Some(20);
    let bench = Bench::with(config).await;
    let answer = refusal(&bench, "executeSQLQuery", "select name from device").await;
    assert!(answer.contains("Maximum AXL Memory Allocation Consumed"), "{answer}");
    let (_, body) = bench.ask("15.0", "listPhone", &list("")).await;
    assert!(body.contains("Maximum AXL Memory Allocation Consumed"), "{body}");
}
