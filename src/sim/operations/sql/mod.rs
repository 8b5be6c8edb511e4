//! `executeSQLQuery`: SELECT statements on an SQLite copy of the configuration.
//!
//! [`statement`] translates the dialect, [`tables`] lists the tables and columns that exist, and SQLite does the rest.
//! An authorizer lets a query read those columns and call the functions of [`FUNCTIONS`]; everything else is refused
//! with the error that Informix has for it.

mod statement;
mod tables;

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Row, params_from_iter};

use self::statement::{Statement, SyntaxError, translate};
use self::tables::{LARGE_TEXT, TABLES};
use super::call::{Answer, Call};
use crate::sim::config::Sql;
use crate::sim::database::SqlCopy;
use crate::sim::fault::SoapFault;
use crate::sim::state::Database;
use crate::sim::xml::element_into;

pub(super) fn query(cluster: &Database, call: &Call<'_>) -> Answer {
    if cluster.config.sql == Sql::Refused {
        // Neither code nor wording were published.
        let message = "The user is not allowed to use executeSQLQuery.";
        return Err(SoapFault::server(-1, message));
    }
    let text = call.request.child_text("sql").unwrap_or_default();
    let statement = translate(text).map_err(|SyntaxError| syntax_error())?;
    let mut cache = cluster.sql_cache.lock();
    let copy = match &mut *cache {
        Some(copy) => copy,
        none => none.insert(empty_copy(cluster).map_err(fault)?),
    };
    let read = authorize(&mut copy.connection, &statement.sql)?;
    fill(cluster, copy, &read).map_err(fault)?;
    let answer = answer(cluster, &copy.connection, &statement);
    drop(cache);
    answer
}

/// Writes the rows of a query, and refuses when they are more than the size limit allows.
fn answer(cluster: &Database, connection: &Connection, statement: &Statement) -> Answer {
    let mut prepared = connection.prepare(&statement.sql).map_err(fault)?;
    let names: Vec<String> = prepared.column_names().map(element_name).collect();
    let large = |name: &String| name == LARGE_TEXT;
    if names.len() > 1 && (names.iter().any(large) || statement.selected.iter().any(large)) {
        // That it is refused is in the AXL schema; the wording is the simulator's own.
        let message = "Large text columns cannot be fetched along with other columns.";
        return Err(SoapFault::server(-1, message));
    }
    let mut rows = prepared.query([]).map_err(fault)?;
    let mut out = String::from("<return>");
    let (mut matched, mut fitting) = (0, None);
    while let Some(row) = rows.next().map_err(fault)? {
        if fitting.is_none() {
            write_row(&mut out, &names, row).map_err(fault)?;
            if cluster.config.limits.answer_bytes.is_some_and(|limit| out.len() > limit) {
                fitting = Some(matched);
            }
        }
        matched += 1;
    }
    if let Some(fitting) = fitting {
        return Err(SoapFault::too_large(matched, fitting).with_partial(out));
    }
    if matched == 0 {
        return Ok("<return/>".to_owned());
    }
    out.push_str("</return>");
    Ok(out)
}

fn write_row(out: &mut String, names: &[String], row: &Row<'_>) -> rusqlite::Result<()> {
    out.push_str("<row>");
    for (at, name) in names.iter().enumerate() {
        match row.get_ref(at)? {
            ValueRef::Null | ValueRef::Blob(_) => element_into(out, name, ""),
            ValueRef::Integer(number) => element_into(out, name, &number.to_string()),
            ValueRef::Real(number) => element_into(out, name, &number.to_string()),
            ValueRef::Text(text) => element_into(out, name, &String::from_utf8_lossy(text)),
        }
    }
    out.push_str("</row>");
    Ok(())
}

/// Returns the element of a result column: its name, the name of an aggregate, or `expression`.
fn element_name(column: &str) -> String {
    let word: String = column.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect();
    let named = word.len() == column.len() || AGGREGATES.contains(&word.as_str());
    let named = named && word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if named { word } else { "expression".to_owned() }
}

/// Makes the tables, without rows, with the functions and the comparisons of Informix.
fn empty_copy(cluster: &Database) -> rusqlite::Result<SqlCopy> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch("pragma case_sensitive_like = on")?;
    for (table, columns) in TABLES {
        if cluster.config.sql != Sql::NoVendorConfig || !table.starts_with("devicexml") {
            connection.execute_batch(&format!("create table {table} ({columns})"))?;
        }
    }
    // Those of SQLite map the letters of ASCII only.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("lower", 1, flags, |c| Ok(map_text(c, str::to_lowercase)))?;
    connection.create_scalar_function("upper", 1, flags, |c| Ok(map_text(c, str::to_uppercase)))?;
    Ok(SqlCopy { connection, filled: Vec::new() })
}

fn map_text(context: &Context<'_>, map: fn(&str) -> String) -> Option<String> {
    match context.get_raw(0) {
        ValueRef::Text(text) => Some(map(&String::from_utf8_lossy(text))),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    }
}

#[derive(Default)]
struct Access {
    tables: Vec<&'static str>,
    refused: Option<SoapFault>,
}

impl Access {
    fn check(&mut self, action: AuthAction<'_>) -> Result<(), SoapFault> {
        if let AuthAction::Read { table_name, column_name } = action {
            if column_name == "ROWID" {
                return Err(no_column("rowid"));
            }
            let known = TABLES.iter().find(|(table, _)| *table == table_name);
            let (table, _) = known.ok_or_else(|| no_table(table_name))?;
            if !self.tables.contains(table) {
                self.tables.push(table);
            }
            Ok(())
        } else if let AuthAction::Function { function_name: name } = action {
            if FUNCTIONS.contains(&name) || AGGREGATES.contains(&name) {
                return Ok(());
            }
            Err(no_routine(name))
        } else if action == AuthAction::Select {
            Ok(())
        } else {
            Err(syntax_error())
        }
    }
}

/// Checks what a statement does, and returns the tables that it reads.
fn authorize(connection: &mut Connection, sql: &str) -> Result<Vec<&'static str>, SoapFault> {
    let access = Arc::new(Mutex::new(Access::default()));
    let noted = Arc::clone(&access);
    let check = move |context: AuthContext<'_>| {
        let mut access = noted.lock().unwrap_or_else(PoisonError::into_inner);
        match access.check(context.action) {
            Ok(()) => Authorization::Allow,
            Err(refused) => {
                access.refused = Some(refused);
                Authorization::Deny
            }
        }
    };
    connection.authorizer(Some(check)).map_err(fault)?;
    let prepared = connection.prepare(sql).map(drop);
    let off = None::<fn(AuthContext<'_>) -> Authorization>;
    connection.authorizer(off).map_err(fault)?;
    let access = std::mem::take(&mut *access.lock().unwrap_or_else(PoisonError::into_inner));
    match access.refused {
        Some(refused) => Err(refused),
        None => prepared.map(|()| access.tables).map_err(fault),
    }
}

/// Fills the tables that no query has read yet.
fn fill(cluster: &Database, copy: &mut SqlCopy, tables: &[&'static str]) -> rusqlite::Result<()> {
    for &table in tables {
        if copy.filled.contains(&table) {
            continue;
        }
        let transaction = copy.connection.unchecked_transaction()?;
        let mut insert = None;
        for row in tables::rows(cluster, table) {
            let insert = match &mut insert {
                Some(insert) => insert,
                none => {
                    let places = vec!["?"; row.len()].join(", ");
                    none.insert(
                        transaction.prepare(&format!("insert into {table} values ({places})"))?,
                    )
                }
            };
            insert.execute(params_from_iter(row))?;
        }
        drop(insert);
        transaction.commit()?;
        copy.filled.push(table);
    }
    Ok(())
}

/// Returns the error of Informix for one of SQLite, which names what is unknown in its text only.
#[expect(clippy::needless_pass_by_value, reason = "maps errors")]
fn fault(error: Error) -> SoapFault {
    let message =
        if let Error::SqlInputError { msg, .. } = &error { msg.clone() } else { error.to_string() };
    let unqualified = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    if let Some(name) = message.strip_prefix("no such table: ") {
        no_table(name)
    } else if let Some(name) = message.strip_prefix("no such column: ") {
        no_column(&unqualified(name))
    } else if let Some(name) = message.strip_prefix("ambiguous column name: ") {
        SoapFault::server(-324, format!("Ambiguous column ({}).", unqualified(name)))
    } else if let Some(name) = message.strip_prefix("no such function: ") {
        no_routine(name)
    } else {
        syntax_error()
    }
}

fn syntax_error() -> SoapFault {
    SoapFault::server(-201, "A syntax error has occurred.")
}

fn no_table(name: &str) -> SoapFault {
    SoapFault::server(-206, format!("The specified table ({name}) is not in the database."))
}

fn no_column(name: &str) -> SoapFault {
    let message =
        format!("Column ({name}) not found in any table in the query (or SLV is undefined).");
    SoapFault::server(-217, message)
}

fn no_routine(name: &str) -> SoapFault {
    SoapFault::server(-674, format!("Routine ({name}) can not be resolved."))
}

const AGGREGATES: [&str; 5] = ["avg", "count", "max", "min", "sum"];
const FUNCTIONS: [&str; 6] = ["length", "like", "lower", "substr", "trim", "upper"];

#[cfg(test)]
mod tests {
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
        let call =
            Call { version: 1250, odd_nulls: false, shuffle: None, user: 0, request: &request };
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

    #[test]
    fn answers_the_documented_shapes() {
        assert_eq!(ask("select count(*) from device where tkclass = 1").unwrap(), ["count=6"]);
        assert_eq!(
            ask("SELECT COUNT(*) AS n FROM device d WHERE d.name LIKE 'SEP%' and d.tkclass=1")
                .unwrap(),
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
        assert_eq!(ask("select name from sqlite_master"), Err(-206));
        assert_eq!(ask("select name from pragma_table_info('device')"), Err(-206));
        assert_eq!(ask("select rowid from device"), Err(-217));
        assert_eq!(ask("select random() from device"), Err(-674));
        assert_eq!(ask("select nvl(name, 'x') from device"), Err(-674));
        assert_eq!(
            ask("select pkid from device d inner join devicepool p on d.fkdevicepool = p.pkid"),
            Err(-324)
        );
        assert_eq!(ask("select name from nonesuch"), Err(-206));
        assert_eq!(ask("select colour from device"), Err(-217));
        assert_eq!(ask("select name from device where d.name = 'a'"), Err(-217));
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
            ask(
                "select lower(name) as low from device where upper('ä') = 'Ä' and name like 'cti%'"
            )
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
        let call =
            Call { version: 1250, odd_nulls: false, shuffle: None, user: 0, request: &request };
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
}
