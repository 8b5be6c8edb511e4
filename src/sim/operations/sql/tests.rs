//! Statements and their answers, on a small cluster.

use super::*;
use crate::sim::config::{PUSH_USER, SimConfig};
use crate::sim::fleet_content::{CTI_PORT, Fleet, PhoneSpec};
use crate::sim::state::Cluster;
use crate::sim::xml::Node;

fn cluster() -> Arc<Database> {
    let mut fleet = Fleet::default();
    for k in 0..5 {
        fleet.phones.push(PhoneSpec::new(format!("SEP00000000000{k}"), 683));
    }
    fleet.phones.push(PhoneSpec::new("ctiport1", CTI_PORT));
    fleet.phones[2].web_access = Some(false);
    fleet.phones[1].vendor_config = "<a>b</a>".repeat(600);
    fleet.push_devices = vec!["SEP000000000003".to_owned(), "ctiport1".to_owned()];
    Cluster::new(SimConfig::new(fleet)).database
}

fn ask(sql: &str) -> Result<Vec<String>, i32> {
    let mut text = String::from("<q>");
    element_into(&mut text, "sql", sql);
    text.push_str("</q>");
    let request = Node::parse(&text).unwrap();
    let call = Call { version: 1250, odd_nulls: false, shuffle: None, user: 0, request: &request };
    let answer = query(&cluster(), &call).map_err(|fault| fault.code)?;
    let answer = Node::parse(&answer).unwrap();
    Ok(answer
        .children
        .iter()
        .map(|row| {
            let cells = row.children.iter().map(|c| format!("{}={}", c.name, c.text));
            cells.collect::<Vec<_>>().join(" ")
        })
        .collect())
}

fn refusal(sql: &str) -> (i32, String) {
    let mut text = String::from("<q>");
    element_into(&mut text, "sql", sql);
    text.push_str("</q>");
    let request = Node::parse(&text).unwrap();
    let call = Call { version: 1250, odd_nulls: false, shuffle: None, user: 0, request: &request };
    let fault = query(&cluster(), &call).unwrap_err();
    (fault.code, fault.message)
}

#[test]
fn answers_the_documented_shapes() {
    assert_eq!(ask("select count(*) from device where tkclass = 1").unwrap(), ["count=6"]);
    assert_eq!(
        ask("SELECT COUNT(*) AS n FROM device d WHERE d.name LIKE 'SEP%' and d.tkclass=1").unwrap(),
        ["n=5"]
    );
    assert_eq!(
        ask(&format!(
            "select d.name from applicationuserdevicemap m inner join applicationuser u on m.fkapplicationuser=u.pkid \
             inner join device d on m.fkdevice=d.pkid where u.name='{PUSH_USER}' and m.tkuserassociation=1"
        ))
        .unwrap(),
        ["name=SEP000000000003", "name=ctiport1"]
    );
    assert_eq!(
        ask("select paramname, paramvalue, tkservice from processconfig where tkservice = 11 and \
             (lower(paramname) like '%personal%' or lower(paramname) like '%webaccess%')")
        .unwrap(),
        ["paramname=PhonePersonalization paramvalue=1 tkservice=11"]
    );
    assert_eq!(
        ask("select enum, name from typemodel where name = 'Cisco 8841'").unwrap(),
        ["enum=683 name=Cisco 8841"]
    );
    assert_eq!(
        ask("select skip 1 first 2 d.name, tm.name as model, dp.name as pool, eu.userid as owner from device d \
             inner join typemodel tm on d.tkmodel = tm.enum left outer join devicepool dp on d.fkdevicepool = dp.pkid \
             left outer join enduser eu on d.fkenduser = eu.pkid where d.name like 'SEP%' order by d.name desc")
        .unwrap(),
        [
            "name=SEP000000000003 model=Cisco 8841 pool=HQ owner=",
            "name=SEP000000000002 model=Cisco 8841 pool=HQ owner="
        ]
    );
}

#[test]
fn vendor_configs_are_searched_but_not_fetched_with_others() {
    let from = "from devicexml4k x inner join device d on x.fkdevice = d.pkid";
    let off = "where x.xml like '%<webAccess>1</webAccess>%'";
    assert_eq!(ask(&format!("select d.name {from} {off}")).unwrap(), ["name=SEP000000000002"]);
    assert_eq!(ask(&format!("select count(*) {from}")).unwrap(), ["count=5"]);
    assert_eq!(ask(&format!("select d.name, x.xml {from}")), Err(-1));
    assert_eq!(ask("select * from devicexml8k"), Err(-1));
    assert_eq!(
        ask(&format!("select x.xml {from} {off}")).unwrap(),
        ["xml=<webAccess>1</webAccess>"]
    );
    let wide = "select d.name from devicexml8k x inner join device d on x.fkdevice = d.pkid";
    assert_eq!(ask(wide).unwrap(), ["name=SEP000000000001"]);
    assert_eq!(
        ask("select first 2 name from device where name > 'SEP000000000002' order by name")
            .unwrap(),
        ["name=SEP000000000003", "name=SEP000000000004"]
    );
    assert_eq!(
        ask("select userrank from applicationuser where name = 'simadmin'").unwrap(),
        ["userrank=1"]
    );
}

#[test]
fn refuses_what_it_does_not_know() {
    assert_eq!(ask("select from device"), Err(-201));
    assert_eq!(ask("delete from device"), Err(-201));
    assert_eq!(ask("select name from device where name = 'a"), Err(-201));
    assert_eq!(ask("select 1"), Err(-201));
    assert_eq!(ask("select name from device limit 1"), Err(-201));
    assert_eq!(ask("select name from device where name glob 'S*'"), Err(-201));
    assert_eq!(ask("select name from device where name = :name"), Err(-201));
    assert_eq!(ask("select name from device; drop table device"), Err(-201));
    assert_eq!(
        ask("select pkid from device d inner join devicepool p on d.fkdevicepool = p.pkid"),
        Err(-324)
    );
    // What a real cluster may have is refused as what the simulator lacks.
    for (sql, what) in [
        ("select name from sqlite_master", "table sqlite_master"),
        ("select name from pragma_table_info('device')", "table pragma_table_info"),
        ("select name from nonesuch", "table nonesuch"),
        ("select rowid from device", "column rowid"),
        ("select colour from device", "column colour"),
        ("select d.colour from device as d", "column device.colour"),
        ("select x.colour from devicepool p, device x", "column device.colour"),
        ("select random() from device", "function random"),
        ("select d.name from device d, outer(devicepool p)", "outer joins in the old notation"),
        ("select name::interval from device", "INTERVAL"),
        ("select name::blob from device", "the type blob"),
        ("select today from device", "TODAY"),
        ("select trim(both ' ' from name) from device", "BOTH"),
        ("select name from device for update", "FOR UPDATE"),
        ("select name from device where tkmodel > all (select enum from typemodel)", "ALL"),
        ("select 12345678901234567890 from device", "numbers of more than 16 digits"),
        ("select current year to second from device", "CURRENT"),
        ("select extend(lastseen, year to day) from registrationdynamic", "EXTEND"),
        ("select dbinfo('utc_to_datetime', lastseen) from registrationdynamic", "function dbinfo"),
        ("execute procedure dbreaddevicexml('x')", "EXECUTE"),
    ] {
        let message = format!("The simulator cannot do {what}.");
        assert_eq!(refusal(sql), (-1, message), "{sql}");
    }
    assert_eq!(ask("select name from device where d.name = 'a'"), Err(-217));
}

#[test]
fn matches_is_a_pattern_of_informix() {
    for (pattern, found) in [
        ("SEP*", 5),
        ("sep*", 0),
        ("SEP00000000000?", 5),
        ("SEP00000000000[0-2]", 3),
        ("SEP00000000000[^0-2]", 2),
        ("*", 6),
    ] {
        let sql = format!("select count(*) from device where name matches '{pattern}'");
        assert_eq!(ask(&sql).unwrap(), [format!("count={found}")], "{pattern}");
        let sql = format!("select count(*) from device where not name matches '{pattern}'");
        let others = sql.replace("not name matches", "name not matches");
        assert_eq!(ask(&sql).unwrap(), [format!("count={}", 6 - found)], "{pattern}");
        assert_eq!(ask(&others).unwrap(), ask(&sql).unwrap());
    }
    let escaped = "select count(*) from device where 'a*b' matches 'a\\*b' and 'a*b' matches 'a!*b' escape '!'";
    assert_eq!(ask(escaped).unwrap(), ["count=6"]);
    assert_eq!(
        ask("select count(*) from device where fkenduser matches '*'").unwrap(),
        ["count=0"]
    );
}

#[test]
fn functions_and_casts_are_those_of_informix() {
    let one = |expression: &str| {
        let sql = format!("select {expression} as x from device where name = 'ctiport1'");
        ask(&sql).map(|rows| rows.concat())
    };
    for (expression, found) in [
        ("nvl(fkenduser, 'none')", "none"),
        ("nvl(name, 'none')", "ctiport1"),
        ("decode(tkmodel, 683, 'phone', 72, 'port', 'other')", "port"),
        ("decode(tkmodel, 683, 'phone', 'other')", "other"),
        ("decode(tkmodel, 683, 'phone')", ""),
        ("10 / 4", "2.5"),
        ("1 / 3 * 3", "1"),
        ("2 / 3", "0.6666666666666666"),
        ("100 / 10 / 4", "2.5"),
        ("-7 / 2", "-3.5"),
        ("2 + 10 / (1 + 3)", "4.5"),
        ("'10' / length('abcd')", "2.5"),
        (".5 + 1.5e0", "2"),
        ("1e-3", "0.001"),
        ("name::char(3)", "cti"),
        ("name::char(10) || '|'", "ctiport1  |"),
        ("cast(name as char(10)) || '|'", "ctiport1  |"),
        ("tkmodel::char(4) || '|'", "72  |"),
        ("length(name::char(10))", "8"),
        ("length('ä  ')", "2"),
        ("char_length('ä')", "1"),
        ("'t'::boolean", "t"),
        ("isactive::boolean", "t"),
        ("'F'::boolean", "f"),
        ("fkenduser::boolean", ""),
        ("12.345::decimal(4,2)", "12.35"),
        ("-'3'", "-3"),
        ("- -tkmodel", "72"),
        ("+'2.5'", "2.5"),
        ("round('2.6')", "3"),
        ("substr(name, '4', length('ab'))", "po"),
        ("lpad('a', '3')", "  a"),
        ("9223372036854775807 - 1", "9223372036854775806"),
        ("'9223372036854775807'::bigint", "9223372036854775807"),
        ("name::char", "c"),
        ("cast(name as varchar(3))", "cti"),
        ("'7.9'::int", "7"),
        ("2.345::decimal(5,1)", "2.3"),
        ("abs('-3')", "3"),
        ("case when (name)::varchar(3) = 'cti' then 1 else 1/0 end", "1"),
        ("char_length(name)", "8"),
        ("length(name)", "8"),
        ("substring(name from 4 for 4)", "port"),
        ("substr(name, 4)", "port1"),
        ("name[1,3]", "cti"),
        ("device.name[4,7]::varchar(20)", "port"),
        ("replace(name, 'port', 'x')", "ctix1"),
        ("trim('  a ') || 'b'", "ab"),
        ("lpad(tkmodel, 5, '0')", "00072"),
        ("rpad(name, 3)", "cti"),
        ("tkmodel::varchar || '!'", "72!"),
        ("('7' || '2')::integer + 1", "73"),
        ("cast(tkmodel as varchar(10)) || '!'", "72!"),
        ("case when isactive = true then 'on' else 'off' end", "on"),
        ("tkmodel / 2", "36"),
        ("(select unique name from devicepool where name = 'HQ')", "HQ"),
    ] {
        assert_eq!(one(expression), Ok(format!("x={found}")), "{expression}");
    }
    let active =
        |value: &str| ask(&format!("select count(*) from device where isactive = {value}"));
    for yes in ["true", "'t'"] {
        assert_eq!(active(yes).unwrap(), ["count=6"]);
    }
    for no in ["false", "'f'"] {
        assert_eq!(active(no).unwrap(), ["count=0"]);
    }
    assert_eq!(
        ask("select unique tkmodel from device where tkmodel < 100").unwrap(),
        ["tkmodel=72"]
    );
    assert_eq!(
        ask("select {all} name /* its's */ from device -- \"\nwhere name like 'cti%'").unwrap(),
        ["name=ctiport1"]
    );
    assert_eq!(
        ask("select name from device where pkid in (select first 1 pkid from device order by name desc)")
            .unwrap(),
        ["name=ctiport1"]
    );
    assert_eq!(
        ask("select count(*) from systables where tabname = 'device'").unwrap(),
        ["count=1"]
    );
}

#[test]
fn values_are_converted_or_refused_as_in_informix() {
    for (condition, found) in [
        ("tkmodel = '72'", 1),
        ("'683' = tkmodel", 5),
        ("tkmodel in ('72', 683)", 6),
        ("tkmodel between '70' and 80", 1),
        ("tkmodel / 2 = 36", 1),
        ("tkmodel - -1 = 73", 1),
        ("-tkmodel = -72", 1),
        ("substr(name, 4)::varchar(20) <> 'x' and length(name) = 8", 1),
        ("(name)::varchar = 'ctiport1'", 1),
        ("(name[4,7] = 'port' or (tkmodel = 5))", 1),
        ("not (name = 'a' or name = 'b') and name is not null", 6),
        ("tkmodel = (select max(enum) from typemodel where enum = 72)", 1),
        ("tkmodel in (select enum from typemodel where enum > 70)", 6),
        ("name::char(20) = 'ctiport1'", 1),
        ("'ctiport1  ' = cast(name as char(20))", 1),
        ("name::char(20) in ('a', 'ctiport1')", 1),
        ("name::char(20) in (select name from device)", 6),
        ("isactive::boolean = 't'", 6),
        ("exists (select * from typemodel t where t.enum = device.tkmodel)", 6),
    ] {
        let sql = format!("select count(*) from device where {condition}");
        assert_eq!(ask(&sql), Ok(vec![format!("count={found}")]), "{condition}");
    }
    for (expression, code) in [
        ("1 / 0", -1202),
        ("tkmodel / (tkmodel - tkmodel)", -1202),
        ("name + 1", -1213),
        ("1 - name", -1213),
        ("abs(name)", -1213),
        ("name::int", -1213),
        ("cast('12a' as integer)", -1213),
        ("'1e400'::float", -1213),
        ("sum(name)", -1213),
        ("avg(name)", -1213),
        ("sum(distinct name)", -1213),
        ("sum(unique name[1,3])", -1213),
        ("-name", -1213),
        ("+name", -1213),
        ("2 * -name", -1213),
        ("-'abc'", -1213),
        ("round(name)", -1213),
        ("round(1.5, name)", -1213),
        ("substr(name, name)", -1213),
        ("substring(name from 'a')", -1213),
        ("rpad(name, name)", -1213),
        ("name::boolean", -415),
        ("'true'::boolean", -415),
        ("tkmodel::boolean", -1),
        ("12345::char(3)", -1),
        ("12345.6::decimal(5,1)", -1226),
        ("12.3::decimal(2,3)", -1),
        ("9223372036854775807 + 1", -1),
        ("-9223372036854775807 - 1", -1),
        ("(tkmodel - tkmodel + 9223372036854775807) * 3 - 5", -1),
        ("case when 9223372036854775807 + 1 > 5 then 1 else 0 end", -1),
        ("sum(9223372036854775807)", -1),
        ("'9223372036854775808'::bigint", -1284),
        ("1e19::int8", -1284),
        ("1e19::int", -1215),
        ("1e19::smallint", -1214),
        ("3000000000::int", -1215),
        ("40000::smallint", -1214),
        ("(select enum from typemodel)", -284),
        ("nvl((select name from device), 'x')", -284),
        ("decode(name)", -201),
        ("decode(name, 'a')", -201),
        ("max(name, 'a')", -201),
        ("trim(name, 'c')", -201),
        ("lpad(name)", -201),
        ("1e400", -1200),
        ("1e300 * 1e300", -1200),
        ("0x10", -201),
        ("1_000", -201),
        ("5 % 3", -201),
        ("5 | 3", -201),
        ("name 'alias'", -201),
        ("name as \"Quoted\"", -201),
        ("name = 'x'", -201),
        ("nvl(name = 'x', 1)", -201),
        ("name is null", -201),
        ("case when tkclass then 1 end", -1),
        ("case when tkclass = 1 then name like 'x' end", -201),
        ("_sim_number(name)", -1),
    ] {
        assert_eq!(ask(&format!("select {expression} from device")), Err(code), "{expression}");
    }
    for (condition, code) in [
        ("name = 5", -1213),
        ("5 = name", -1213),
        ("name in (1, 2)", -1213),
        ("name not in (1, 2)", -1213),
        ("name between 1 and 2", -1213),
        ("tkmodel = 'abc'", -1213),
        ("name = tkmodel", -1213),
        ("max_name = 'x'", -217),
        ("name = 'a' or 1", -201),
        ("1", -201),
        ("name = 'a' and not 'x'", -201),
        ("(name = 'a') = 't'", -201),
        ("name is not distinct from 'a'", -201),
        ("name in ('a', name = 'b')", -201),
        ("isactive", -1),
        ("name = any (select name from device)", -1),
        ("tkmodel = (select enum from typemodel)", -284),
    ] {
        let sql = format!("select upper(name) as max_name from device where {condition}");
        assert_eq!(ask(&sql), Err(code), "{condition}");
    }
    for sql in [
        "select first 1 * from device",
        "select first 1 (select max(enum) from typemodel) + 1 s from device",
        "select first 1 (tkmodel) * 2 from device",
        "select first 1 case when name like 'S%' or (tkmodel > 5) then 1 else 0 end, name from device",
        "select d.name from device d left join devicepool p on d.fkdevicepool = p.pkid, location l \
         where (p.name = 'HQ') and ((l.name = 'x' or l.pkid is not null)) and not (d.name = 'x')",
        "select name from device group by name having count(*) > 0 and name in ('a', 'SEP000000000001')",
        "select sum(case when tkclass = 1 then 1 else 0 end) n from device where tkclass in (1, 2) order by 1",
        "select n.x from (select name x from device where name = 'ctiport1') n where n.x > 'a'",
    ] {
        assert!(ask(sql).is_ok_and(|rows| !rows.is_empty()), "{sql}");
    }
    let sql = "select d.name, p.name as pool from (device d inner join devicepool p on d.fkdevicepool = p.pkid) \
               where d.name like 'cti%'";
    assert_eq!(ask(sql).unwrap(), ["name=ctiport1 pool=HQ"]);
    let sql = "select n.m from (select name as m from device) n, (select enum from typemodel where enum = 72) t \
               where n.m like 'cti%'";
    assert_eq!(ask(sql).unwrap(), ["m=ctiport1"]);
    let many = vec!["name = 'x'"; 2_000].join(" or ");
    let (code, message) = refusal(&format!("select name from device where {many}"));
    assert_eq!((code, message.contains("so many parts")), (-1, true), "{message}");
}

#[test]
fn a_column_beside_an_aggregate_must_be_grouped_by() {
    for sql in [
        "select count(*), tkmodel from device",
        "select d.name, count(*) from device d group by d.tkmodel",
        "select name from device group by tkmodel",
        "select name from device union select max(name) || 'x', name from device",
    ] {
        assert_eq!(ask(sql), Err(-294), "{sql}");
    }
    for sql in [
        "select count(*) as n, tkmodel m from device group by m",
        "select tkmodel, count(*) from device d group by 1 having count(*) > 1",
        "select d.tkmodel, max(d.name) from device d group by d.tkmodel order by 2",
        "select 1, 'x', count(*) from device",
        "select tkmodel n, sum(tkmodel) from device group by n having sum(tkmodel) > 1 order by n",
        "select tkmodel name, count(*) from device group by name, tkmodel having count(name) > 0",
        "select name, (select count(*) from devicepool) from device",
    ] {
        assert!(ask(sql).is_ok(), "{sql}");
    }
}

#[test]
fn a_condition_knows_no_alias() {
    for sql in [
        "select tkmodel m, count(*) n from device group by 1 having n > 3",
        "select tkmodel as m, count(*) as n from device group by m having count(*) > 1 and m > 600",
        "select tkmodel m from device where tkclass = 1 group by tkmodel having m > 600 order by m",
    ] {
        assert_eq!(ask(sql), Err(-217), "{sql}");
    }
}

#[test]
fn numbers_are_exact_or_refused() {
    let (code, message) = refusal("select sum(enum * 9000000000000000000) from typemodel");
    let part = "numbers of more than 16 digits";
    assert!(code == -1 && message.contains(part), "{message}");
    assert_eq!(ask("select count(*) + 1 from device"), Ok(vec!["expression=7".to_owned()]));
}

#[test]
fn a_query_without_end_is_ended() {
    let endless =
        "select count(*) from typemodel a, typemodel b, typemodel c, typemodel d, typemodel e";
    let (code, message) = refusal(endless);
    assert!(code == -1 && message.contains("Memory Allocation"), "{message}");
}

#[test]
fn speaks_the_dialect_of_informix() {
    // A text in double quotes, the case of letters in patterns, letters beyond ASCII, numbers as texts.
    assert_eq!(
        ask("SELECT Name FROM Device WHERE name = \"ctiport1\"").unwrap(),
        ["name=ctiport1"]
    );
    assert_eq!(ask("select name from device where name like 'sep%'").unwrap(), [""; 0]);
    assert_eq!(
        ask("select lower(name) as low from device where upper('ä') = 'Ä' and name like 'cti%'")
            .unwrap(),
        ["low=ctiport1"]
    );
    assert_eq!(ask("select count(*) from device where tkclass = '1';").unwrap(), ["count=6"]);
    assert_eq!(
        ask("select first 1 isactive, specialloadinformation from device").unwrap(),
        ["isactive=t specialloadinformation="]
    );
    assert_eq!(
        ask("select tkmodel, count(*) from device group by tkmodel order by tkmodel").unwrap(),
        ["tkmodel=72 count=1", "tkmodel=683 count=5"]
    );
    assert_eq!(ask("select max(name) from device -- all").unwrap(), ["max=ctiport1"]);
    let next = "select tkmodel + 1 from device where name like 'cti%'";
    assert_eq!(ask(next).unwrap(), ["expression=73"]);
}

#[test]
fn a_copy_is_used_again_until_the_cluster_changes() {
    let mut cluster = Cluster::new(SimConfig::new(Fleet::default()));
    let request = Node::parse("<q><sql>select count(*) from device</sql></q>").unwrap();
    let call = Call { version: 1250, odd_nulls: false, shuffle: None, user: 0, request: &request };
    let filled = |database: &Database| {
        database.sql_cache.lock().as_ref().map(|copy| copy.filled.clone()).unwrap_or_default()
    };
    assert!(query(&cluster.database, &call).unwrap().contains("<count>0</count>"));
    assert_eq!(filled(&cluster.database), ["device"]);
    let before = Arc::clone(&cluster.database);
    cluster.add_phone(PhoneSpec::new("SEP000000000000", 683));
    assert_eq!(filled(&before), ["device"]);
    assert_eq!(filled(&cluster.database), [""; 0]);
    assert!(query(&cluster.database, &call).unwrap().contains("<count>1</count>"));
    cluster.add_phone(PhoneSpec::new("SEP000000000001", 683));
    assert!(query(&cluster.database, &call).unwrap().contains("<count>2</count>"));
    assert!(query(&before, &call).unwrap().contains("<count>0</count>"));
}

proptest::proptest! {
    #[test]
    fn no_statement_ends_the_simulator(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..24),
    ) {
        let text = words.join(" ");
        for sql in [text.clone(), format!("select {text} from device where {text}")] {
            // Any answer will do; a panic fails the test.
            drop(Statement::query(&sql));
            drop(Statement::update(&sql));
        }
    }
}

const WORDS: &[&str] = &[
    "select",
    "from",
    "where",
    "device",
    "d",
    ".",
    "name",
    ",",
    "(",
    ")",
    "[",
    "]",
    "1",
    "2.5",
    "'a'",
    "=",
    "<",
    "+",
    "-",
    "*",
    "/",
    "||",
    "::",
    "int",
    "varchar",
    "case",
    "when",
    "then",
    "else",
    "end",
    "and",
    "or",
    "not",
    "in",
    "between",
    "is",
    "null",
    "like",
    "as",
    "cast",
    "union",
    "group",
    "by",
    "having",
    "first",
    "set",
    "update",
    "delete",
    "count",
    "exists",
    "substring",
    "for",
    "on",
    "join",
];
