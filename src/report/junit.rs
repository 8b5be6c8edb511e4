//! Lists as test results, for pipelines that read JUnit's XML.
//!
//! There is no one schema; this writes what Jenkins, GitLab and Azure all read: `testsuites`, `testsuite`,
//! `testcase` with `failure` or `skipped` (the "common JUnit XML format", github.com/testmoapp/junitxml).

use std::io;

use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::text::printable_lines;
use crate::report::row::Record;
use crate::report::writable::ListError;

/// One row as a test.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TestCase {
    /// Its name.
    pub name: String,
    /// What it is grouped by.
    pub class: String,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u64>,
    /// How it ended.
    pub result: TestResult,
    /// What else should be known, several lines or none.
    pub output: String,
}

/// How a test ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TestResult {
    /// Well.
    Passed,
    /// Not well.
    Failed {
        /// Of which kind: a code.
        kind: String,
        /// In one sentence.
        message: String,
        /// All that is known, several lines.
        details: String,
    },
    /// It says nothing about good or bad.
    Skipped {
        /// Why.
        message: String,
    },
}

/// Rows that stand together.
#[derive(Debug)]
pub struct Suite<'a, T> {
    /// What they are called.
    pub name: String,
    /// The rows.
    pub rows: Vec<&'a T>,
    /// Why there are none, where something else failed.
    pub broken: Option<TestCase>,
}

impl<T: Record> Suite<'_, T> {
    fn cases(&self) -> impl Iterator<Item = TestCase> {
        self.broken.iter().cloned().chain(self.rows.iter().filter_map(|row| row.test_case()))
    }
}

/// What tests come to.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    tests: usize,
    failures: usize,
    skipped: usize,
    ms: u64,
}

impl Sum {
    fn of(cases: impl Iterator<Item = TestCase>) -> Self {
        cases.fold(Self::default(), |sum, case| Self {
            tests: sum.tests + 1,
            failures: sum.failures + usize::from(matches!(case.result, TestResult::Failed { .. })),
            skipped: sum.skipped + usize::from(matches!(case.result, TestResult::Skipped { .. })),
            ms: sum.ms.saturating_add(case.took_ms.unwrap_or_default()),
        })
    }

    fn start(self, tag: &'static str, name: &str) -> BytesStart<'static> {
        let mut start = BytesStart::new(tag);
        let Self { tests, failures, skipped, ms } = self;
        for (what, count) in [("tests", tests), ("failures", failures), ("skipped", skipped)] {
            start.push_attribute((what, count.to_string().as_str()));
        }
        start.push_attribute(("errors", "0"));
        start.push_attribute(("time", seconds(ms).as_str()));
        start.push_attribute(("name", printable_lines(name).as_str()));
        start
    }
}

/// Writes rows as test suites; rows of a list that are no tests are left out.
///
/// # Errors
/// When the place takes no more.
pub fn junit<T: Record>(
    suites: &[Suite<'_, T>],
    at: Timestamp,
    out: &mut dyn io::Write,
) -> Result<(), ListError> {
    let mut xml = Writer::new_with_indent(&mut *out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = Sum::of(suites.iter().flat_map(Suite::cases));
    xml.write_event(Event::Start(all.start("testsuites", "axlpaper")))?;
    let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    for suite in suites {
        let mut one = Sum::of(suite.cases()).start("testsuite", &suite.name);
        one.push_attribute(("timestamp", at.as_str()));
        xml.write_event(Event::Start(one))?;
        for case in suite.cases() {
            write_case(&mut xml, &case)?;
        }
        xml.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
    Ok(out.write_all(b"\n")?)
}

fn write_case<W: io::Write>(xml: &mut Writer<W>, case: &TestCase) -> io::Result<()> {
    let mut start = BytesStart::new("testcase");
    start.push_attribute(("name", printable_lines(&case.name).as_str()));
    start.push_attribute(("classname", printable_lines(&case.class).as_str()));
    start.push_attribute(("time", seconds(case.took_ms.unwrap_or_default()).as_str()));
    if case.result == TestResult::Passed && case.output.is_empty() {
        return xml.write_event(Event::Empty(start));
    }
    xml.write_event(Event::Start(start))?;
    match &case.result {
        TestResult::Passed => {}
        TestResult::Failed { kind, message, details } => {
            let mut failure = BytesStart::new("failure");
            failure.push_attribute(("type", printable_lines(kind).as_str()));
            failure.push_attribute(("message", printable_lines(message).as_str()));
            with_text(xml, failure, details)?;
        }
        TestResult::Skipped { message } => {
            let mut skipped = BytesStart::new("skipped");
            skipped.push_attribute(("message", printable_lines(message).as_str()));
            xml.write_event(Event::Empty(skipped))?;
        }
    }
    if !case.output.is_empty() {
        with_text(xml, BytesStart::new("system-out"), &case.output)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testcase")))
}

fn with_text<W: io::Write>(
    xml: &mut Writer<W>,
    start: BytesStart<'_>,
    text: &str,
) -> io::Result<()> {
    let end = start.to_end().into_owned();
    xml.write_event(Event::Start(start))?;
    xml.write_event(Event::Text(BytesText::new(&printable_lines(text))))?;
    xml.write_event(Event::End(end))
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}
