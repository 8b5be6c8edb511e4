//! `executeSQLQuery` and `executeSQLUpdate`, on an SQLite copy of the configuration.
//!
//! [`statement`] translates the dialect, [`conversion`] and [`conditions`] keep to what Informix does with values and
//! conditions, [`tables`] lists the tables and columns that exist, and SQLite does the rest.
//! An authorizer lets a statement read those columns and call [`functions`]. A table, a column or a function that is not
//! among them may exist on a real cluster, so it is refused as one that the simulator does not have. [`update`] carries
//! what a statement did to the copy over to the cluster.

mod conditions;
mod conversion;
mod functions;
mod statement;
mod tables;
#[cfg(test)]
mod tests;
mod tokens;
pub(super) mod update;

use std::ffi::c_int;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, ErrorCode, Row, params_from_iter};

use self::functions::{AGGREGATES, FUNCTIONS, INTERNAL, Refusal, no_column, syntax_error};
use self::statement::Statement;
use self::tables::{LARGE_TEXT, TABLES};
use super::call::{Answer, Call};
use crate::sim::config::Sql;
use crate::sim::database::SqlCopy;
use crate::sim::fault::SoapFault;
use crate::sim::state::Database;
use crate::sim::xml::element_into;

pub(super) fn query(cluster: &Database, call: &Call<'_>) -> Answer {
    with_copy(cluster, call, Statement::query, |connection, statement| {
        answer(cluster, connection, statement)
    })
}

/// Translates the statement of a call, checks what it does, and runs it on the copy with the tables that it needs.
fn with_copy<T>(
    cluster: &Database,
    call: &Call<'_>,
    translate: fn(&str) -> Result<Statement, SoapFault>,
    run: impl FnOnce(&mut Connection, &Statement) -> Result<T, SoapFault>,
) -> Result<T, SoapFault> {
    if cluster.config.sql == Sql::Refused {
        // Neither code nor wording were published.
        let message = format!("The user is not allowed to use {}.", call.request.name);
        return Err(SoapFault::server(-1, message));
    }
    let statement = translate(call.request.child_text("sql").unwrap_or_default())?;
    let failed = |error| fault(error, &statement);
    let mut cache = cluster.sql_cache.lock();
    let copy = match &mut *cache {
        Some(copy) => copy,
        none => none.insert(empty_copy(cluster).map_err(failed)?),
    };
    let tables = authorize(&mut copy.connection, &statement)?;
    fill(cluster, copy, &tables).map_err(failed)?;
    copy.work.store(0, Ordering::Relaxed);
    let work = Arc::clone(&copy.work);
    let step = u64::try_from(STEP).unwrap_or_default();
    let begun = Instant::now();
    let limit = move || work.fetch_add(step, Ordering::Relaxed) > WORK || begun.elapsed() > TIME;
    copy.connection.progress_handler(STEP, Some(limit)).map_err(failed)?;
    let done = run(&mut copy.connection, &statement);
    copy.connection.progress_handler(0, None::<fn() -> bool>).map_err(failed)?;
    drop(cache);
    done
}

/// Writes the rows of a query, and refuses when they are more than the size limit allows.
fn answer(cluster: &Database, connection: &Connection, statement: &Statement) -> Answer {
    let fault = |error| fault(error, statement);
    let mut prepared = connection.prepare(&statement.sql).map_err(fault)?;
    let names: Vec<String> = prepared.column_names().map(element_name).collect();
    let large = |name: &String| name == LARGE_TEXT;
    if names.len() > 1 && (names.iter().any(large) || statement.selected().iter().any(large)) {
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
            if out.len() > MEMORY {
                return Err(SoapFault::memory());
            }
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
            ValueRef::Real(number) => element_into(out, name, &decimal(number)?),
            ValueRef::Text(text) => element_into(out, name, &String::from_utf8_lossy(text)),
        }
    }
    out.push_str("</row>");
    Ok(())
}

/// Writes a number with the 16 digits of a `DECIMAL`, and without zeros at its end (believed).
fn decimal(number: f64) -> rusqlite::Result<String> {
    let rounded = format!("{number:.15e}").parse::<f64>().unwrap_or(number);
    if rounded.is_finite() { Ok(rounded.to_string()) } else { Err(Refusal::TooLarge.into()) }
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
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, TEXT)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN)?;
    connection.execute_batch("pragma case_sensitive_like = on")?;
    for (table, columns) in TABLES {
        if cluster.config.sql != Sql::NoVendorConfig || !table.starts_with("devicexml") {
            connection.execute_batch(&format!("create table {table} ({columns})"))?;
        }
    }
    let work = Arc::default();
    functions::add(&connection, &work)?;
    Ok(SqlCopy { connection, work, filled: Vec::new() })
}

#[derive(Default)]
struct Access {
    tables: Vec<&'static str>,
    refused: Option<SoapFault>,
}

impl Access {
    fn check(&mut self, action: AuthAction<'_>) -> Result<(), SoapFault> {
        if let AuthAction::Read { table_name, .. }
        | AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. } = action
        {
            let known = TABLES.iter().find(|(table, _)| *table == table_name);
            let unknown = || SoapFault::cannot(&format!("table {table_name}"));
            let (table, _) = known.ok_or_else(unknown)?;
            if !self.tables.contains(table) {
                self.tables.push(table);
            }
            return Ok(());
        }
        if let AuthAction::Function { function_name: name } = action {
            let known = [&FUNCTIONS[..], &AGGREGATES, &INTERNAL].concat().contains(&name);
            let unknown = || SoapFault::cannot(&format!("function {name}"));
            return known.then_some(()).ok_or_else(unknown);
        }
        if action == AuthAction::Select { Ok(()) } else { Err(syntax_error()) }
    }
}

/// Checks what a statement does, and returns the tables that it uses.
fn authorize(
    connection: &mut Connection,
    statement: &Statement,
) -> Result<Vec<&'static str>, SoapFault> {
    let fault = |error| fault(error, statement);
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
    let prepared = connection.prepare(&statement.sql).map(drop);
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
fn fault(error: Error, statement: &Statement) -> SoapFault {
    if let Some(ErrorCode::OperationInterrupted | ErrorCode::OutOfMemory | ErrorCode::TooBig) =
        error.sqlite_error_code()
    {
        return SoapFault::memory();
    }
    let message =
        if let Error::SqlInputError { msg, .. } = &error { msg.clone() } else { error.to_string() };
    if let Some(refusal) = Refusal::read(&message) {
        return refusal.into();
    }
    // Of `sum`.
    if message == "integer overflow" {
        return Refusal::Digits.into();
    }
    if let Some(name) = message.strip_prefix("no such table: ") {
        if tables::columns(name).is_some() {
            // This cluster was configured without it.
            let message = format!("The specified table ({name}) is not in the database.");
            return SoapFault::server(-206, message);
        }
        SoapFault::cannot(&format!("table {name}"))
    } else if let Some(name) = message.strip_prefix("no such column: ") {
        match name.split_once('.') {
            None => SoapFault::cannot(&format!("column {name}")),
            Some((alias, column)) => match statement.table_of(alias) {
                Some(table) => SoapFault::cannot(&format!("column {table}.{column}")),
                None => no_column(column),
            },
        }
    } else if let Some((_, column)) = message.split_once(" has no column named ") {
        SoapFault::cannot(&format!("column {column}"))
    } else if let Some(name) = message.strip_prefix("ambiguous column name: ") {
        let name = name.rsplit('.').next().unwrap_or(name);
        SoapFault::server(-324, format!("Ambiguous column ({name})."))
    } else if let Some(name) = message.strip_prefix("no such function: ") {
        SoapFault::cannot(&format!("function {name}"))
    } else if message == "LIKE or GLOB pattern too complex" {
        SoapFault::memory()
    } else if TOO_MUCH.iter().any(|part| message.contains(part)) {
        SoapFault::cannot("a statement with so many parts")
    } else {
        syntax_error()
    }
}

/// What is in the messages of SQLite about limits of its own.
const TOO_MUCH: [&str; 5] = [
    "at most ",
    "Expression tree is too large",
    "parser stack overflow",
    "too many ",
    "is too long",
];

/// After how many instructions of SQLite its work is looked at, and how many a statement has: a large cluster needs a
/// tenth.
const STEP: c_int = 10_000;
const WORK: u64 = 50_000_000;
/// For instructions that take long, such as comparisons of long texts.
const TIME: Duration = Duration::from_secs(20);
/// How many bytes the rows of a query can have, where the cluster has no lower limit.
const MEMORY: usize = 128 * 1024 * 1024;
/// How many bytes a text can have, and a pattern of `like`: SQLite needs stack for each `%`.
const TEXT: c_int = 1024 * 1024;
const PATTERN: c_int = 4096;
