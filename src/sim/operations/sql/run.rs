//! Carries a SELECT statement out.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::parse::{Column, Columns, Comparison, Condition, Select, Source, Value};
use super::tables::{Cell, LARGE_TEXT, Table, table};
use super::{no_column, no_table};
use crate::sim::fault::SoapFault;
use crate::sim::operations::call::Pattern;
use crate::sim::state::Database;

/// The result of a query.
pub(super) struct Answer {
    /// The element names of a row.
    pub(super) names: Vec<String>,
    /// The rows.
    pub(super) rows: Vec<Vec<Option<String>>>,
}

/// Where a column is: which table of the query, which column of it.
type Place = (usize, usize);
/// One row of every table of the query; nothing where an outer join found none.
type Joined = Vec<Option<usize>>;

struct Scope<'a> {
    tables: Vec<(String, Table<'a>)>,
}

/// Carries out a statement.
pub(super) fn run(cluster: &Database, select: &Select) -> Result<Answer, SoapFault> {
    let mut scope = Scope { tables: Vec::new() };
    scope.add(cluster, &select.table)?;
    let count = scope.tables[0].1.rows.len();
    let mut joined: Vec<Joined> = (0..count).map(|row| vec![Some(row)]).collect();
    for join in &select.joins {
        scope.add(cluster, &join.source)?;
        let new = scope.tables.len() - 1;
        let (a, b) = (scope.place(&join.left)?, scope.place(&join.right)?);
        let (old, (_, key)) = if a.0 == new { (b, a) } else { (a, b) };
        if old.0 == new {
            return Err(super::syntax_error());
        }
        let mut index: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, row) in scope.tables[new].1.rows.iter().enumerate() {
            if let Some(text) = &row[key] {
                index.entry(text).or_default().push(at);
            }
        }
        let mut next = Vec::with_capacity(joined.len());
        for row in joined {
            let found = scope.cell(&row, old).and_then(|text| index.get(text));
            for &at in found.into_iter().flatten() {
                let mut row = row.clone();
                row.push(Some(at));
                next.push(row);
            }
            if found.is_none() && join.outer {
                let mut row = row;
                row.push(None);
                next.push(row);
            }
        }
        joined = next;
    }
    if let Some(condition) = &select.condition {
        let condition = scope.test(condition)?;
        joined.retain(|row| condition(&scope, row));
    }
    let order = select.order.iter().map(|(column, down)| Ok((scope.place(column)?, *down)));
    let order = order.collect::<Result<Vec<_>, SoapFault>>()?;
    joined.sort_by(|a, b| {
        let one = order.iter().map(|&(place, down)| {
            let ordering = compare(scope.cell(a, place), scope.cell(b, place));
            if down { ordering.reverse() } else { ordering }
        });
        one.fold(Ordering::Equal, Ordering::then)
    });
    let (names, places) = match &select.columns {
        Columns::Count(name) => {
            let rows = vec![vec![Some(joined.len().to_string())]];
            return Ok(Answer { names: vec![name.clone()], rows });
        }
        Columns::All => scope.every_column(),
        Columns::Some(columns) => {
            let places = columns.iter().map(|(column, _)| scope.place(column));
            let names = columns.iter().map(|(_, name)| name.clone()).collect();
            (names, places.collect::<Result<Vec<_>, _>>()?)
        }
    };
    if names_large_text(&scope, &places) {
        return Err(super::large_text());
    }
    let page = joined.iter().skip(select.skip).take(select.first);
    let rows = page
        .map(|row| places.iter().map(|&place| scope.cell(row, place).map(str::to_owned)).collect());
    Ok(Answer { names, rows: rows.collect() })
}

/// Tells whether a large text is selected along with other columns.
fn names_large_text(scope: &Scope<'_>, places: &[Place]) -> bool {
    let large = |&(table, column): &Place| scope.tables[table].1.columns[column] == LARGE_TEXT;
    places.len() > 1 && places.iter().any(large)
}

type Test<'s> = Box<dyn Fn(&Scope<'_>, &Joined) -> bool + 's>;
type Get<'s> = Box<dyn for<'a> Fn(&'a Scope<'_>, &Joined) -> Option<Cow<'a, str>> + 's>;

impl<'a> Scope<'a> {
    fn add(&mut self, cluster: &'a Database, source: &Source) -> Result<(), SoapFault> {
        let found = table(cluster, &source.table).ok_or_else(|| no_table(&source.table))?;
        self.tables.push((source.alias.clone(), found));
        Ok(())
    }

    fn place(&self, column: &Column) -> Result<Place, SoapFault> {
        let mut found = self.tables.iter().enumerate().filter_map(|(at, (alias, table))| {
            let wanted = column.table.as_ref().is_none_or(|name| name == alias);
            let within = table.columns.iter().position(|name| *name == column.name);
            within.filter(|_| wanted).map(|within| (at, within))
        });
        found.next().ok_or_else(|| no_column(&column.name))
    }

    fn cell(&self, row: &Joined, (table, column): Place) -> Option<&str> {
        let cell: &Cell<'a> = &self.tables[table].1.rows[row[table]?][column];
        cell.as_deref()
    }

    fn every_column(&self) -> (Vec<String>, Vec<Place>) {
        let tables = self.tables.iter().enumerate();
        let all = tables.flat_map(|(at, (_, table))| {
            let columns = table.columns.iter().enumerate();
            columns.map(move |(within, name)| ((*name).to_owned(), (at, within)))
        });
        all.unzip()
    }

    /// Turns a condition into a function, so that columns are looked up once and not once a row.
    fn test<'s>(&self, condition: &'s Condition) -> Result<Test<'s>, SoapFault> {
        Ok(match condition {
            Condition::And(a, b) => {
                let (a, b) = (self.test(a)?, self.test(b)?);
                Box::new(move |scope, row| a(scope, row) && b(scope, row))
            }
            Condition::Or(a, b) => {
                let (a, b) = (self.test(a)?, self.test(b)?);
                Box::new(move |scope, row| a(scope, row) || b(scope, row))
            }
            Condition::Not(inner) => {
                let inner = self.test(inner)?;
                Box::new(move |scope, row| !inner(scope, row))
            }
            Condition::Null(value) => {
                let value = self.get(value)?;
                Box::new(move |scope, row| value(scope, row).is_none())
            }
            Condition::Like(value, pattern) => {
                let value = self.get(value)?;
                let pattern = Pattern::exact(pattern);
                Box::new(move |scope, row| {
                    value(scope, row).is_some_and(|text| pattern.fits(&text))
                })
            }
            Condition::In(value, values) => {
                let value = self.get(value)?;
                let literals = values.iter().map(|value| match value {
                    Value::Literal(text) => Ok(text.as_str()),
                    Value::Column(_) | Value::Lower(_) | Value::Upper(_) => {
                        Err(super::syntax_error())
                    }
                });
                let set = literals.collect::<Result<HashSet<_>, _>>()?;
                Box::new(move |scope, row| {
                    value(scope, row).is_some_and(|text| set.contains(&*text))
                })
            }
            Condition::Compare(a, comparison, b) => {
                let (a, b, comparison) = (self.get(a)?, self.get(b)?, *comparison);
                Box::new(move |scope, row| match (a(scope, row), b(scope, row)) {
                    (Some(a), Some(b)) => holds(comparison, compare(Some(&a), Some(&b))),
                    // NULL compares to nothing.
                    _ => false,
                })
            }
        })
    }

    fn get<'s>(&self, value: &'s Value) -> Result<Get<'s>, SoapFault> {
        Ok(match value {
            Value::Literal(text) => Box::new(move |_, _| Some(Cow::Owned(text.clone()))),
            Value::Column(column) => {
                let place = self.place(column)?;
                Box::new(move |scope, row| scope.cell(row, place).map(Cow::Borrowed))
            }
            Value::Lower(inner) => {
                let inner = self.get(inner)?;
                Box::new(move |scope, row| Some(Cow::Owned(inner(scope, row)?.to_lowercase())))
            }
            Value::Upper(inner) => {
                let inner = self.get(inner)?;
                Box::new(move |scope, row| Some(Cow::Owned(inner(scope, row)?.to_uppercase())))
            }
        })
    }
}

fn holds(comparison: Comparison, ordering: Ordering) -> bool {
    match comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Unequal => ordering.is_ne(),
    }
}

/// Compares numbers as numbers and everything else as text.
fn compare(a: Option<&str>, b: Option<&str>) -> Ordering {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.cmp(&b),
    }
}
