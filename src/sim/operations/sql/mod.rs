//! `executeSQLQuery`: a small honest reader of SELECT statements.
//!
//! It knows the tables that published tools ask for and the plain shapes in which they ask: columns or
//! `count(*)`, joins on equality, `where` with comparisons, `like`, `in`, `and`, `or`, `order by`,
//! `skip` and `first`. Anything else is a syntax error, as Informix would call it; nothing is ignored.

mod parse;
mod run;
mod tables;

use super::call::Call;
use crate::sim::config::Sql;
use crate::sim::fault::SoapFault;
use crate::sim::state::Database;
use crate::sim::xml::element_into;

/// Answers a query.
pub(super) fn query(cluster: &Database, call: &Call<'_>) -> Result<String, SoapFault> {
    if cluster.sql == Sql::Refused {
        // Neither code nor wording were published.
        let message = "The user is not allowed to use executeSQLQuery.";
        return Err(SoapFault::server(-1, message));
    }
    let text = call.request.child_text("sql").unwrap_or_default();
    let select = parse::select(text).map_err(|parse::SyntaxError| syntax_error())?;
    let answer = run::run(cluster, &select)?;
    if answer.rows.is_empty() {
        return Ok("<return/>".to_owned());
    }
    let mut out = String::from("<return>");
    let mut fitting = None;
    for (at, row) in answer.rows.iter().enumerate() {
        out.push_str("<row>");
        for (name, value) in answer.names.iter().zip(row) {
            element_into(&mut out, name, value.as_deref().unwrap_or_default());
        }
        out.push_str("</row>");
        if cluster.limits.answer_bytes.is_some_and(|limit| out.len() > limit) {
            fitting = Some(at);
            break;
        }
    }
    if let Some(fitting) = fitting {
        return Err(SoapFault::too_large(answer.rows.len(), fitting).with_partial(out));
    }
    out.push_str("</return>");
    Ok(out)
}

fn syntax_error() -> SoapFault {
    SoapFault::server(-201, "A syntax error has occurred.")
}

/// A large text beside other columns; that it is refused is in the AXL schema, the wording is ours.
fn large_text() -> SoapFault {
    let message = "Large text columns cannot be fetched along with other columns.";
    SoapFault::server(-1, message)
}

fn no_table(name: &str) -> SoapFault {
    SoapFault::server(-206, format!("The specified table ({name}) is not in the database."))
}

fn no_column(name: &str) -> SoapFault {
    let message =
        format!("Column ({name}) not found in any table in the query (or SLV is undefined).");
    SoapFault::server(-217, message)
}

#[cfg(test)]
mod tests {
    use super::super::super::config::{PUSH_USER, SimConfig};
    use super::super::super::fleet_content::{CTI_PORT, Fleet, PhoneSpec};
    use super::super::super::xml::Node;
    use std::sync::Arc;

    use super::*;
    use crate::sim::state::Cluster;

    fn cluster() -> Arc<Database> {
        let mut fleet = Fleet::default();
        for k in 0..5 {
            fleet.phones.push(PhoneSpec::new(format!("SEP00000000000{k}"), 683));
        }
        fleet.phones.push(PhoneSpec::new("ctiport1", CTI_PORT));
        fleet.phones[2].web_access = Some(false);
        fleet.phones[1].vendor_config = "<a>b</a>".repeat(600);
        fleet.push_devices = vec!["SEP000000000003".to_owned(), "ctiport1".to_owned()];
        Cluster::new(&SimConfig::new(fleet)).database
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
        assert_eq!(ask("select name from device group by name"), Err(-201));
        assert_eq!(ask("select name from nonesuch"), Err(-206));
        assert_eq!(ask("select colour from device"), Err(-217));
        assert_eq!(ask("select name from device where d.name = 'a'"), Err(-217));
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(ask("select name from device where name = 'x'' or 1=1 --'").unwrap(), [""; 0]);
    }
}
