//! Lists as test results, for pipelines that read JUnit's XML.
//!
//! There is no one schema; this writes what Jenkins, GitLab and Azure all read: `testsuites`, `testsuite`,
//! `testcase` with `failure` or `skipped` (the "common JUnit XML format", github.com/testmoapp/junitxml).

use std::io;

use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::ElementWriter;

use super::text::printable_lines;
use crate::report::row::{Row, TestCase, TestResult};
use crate::report::writable::ListError;

#[derive(Debug)]
pub struct Suite<'a, T> {
    pub name: String,
    pub rows: Vec<&'a T>,
    /// Why there are none, where something else failed.
    pub broken: Option<TestCase>,
}

impl<T: Row> Suite<'_, T> {
    fn cases(&self) -> impl Iterator<Item = TestCase> {
        self.broken.iter().cloned().chain(self.rows.iter().filter_map(|row| row.test_case()))
    }
}

/// Starts an element about tests: how many there are, how many of them failed, and how long they took.
fn summed<'a, W: io::Write>(
    xml: &'a mut Writer<W>,
    tag: &'a str,
    name: &str,
    cases: impl Iterator<Item = TestCase>,
) -> ElementWriter<'a, W> {
    let (mut tests, mut failures, mut skipped, mut ms) = (0_usize, 0_usize, 0_usize, 0);
    for case in cases {
        tests += 1;
        failures += usize::from(matches!(case.result, TestResult::Failed { .. }));
        skipped += usize::from(matches!(case.result, TestResult::Skipped { .. }));
        ms += case.took_ms.unwrap_or_default();
    }
    let counts = [("tests", tests), ("failures", failures), ("skipped", skipped), ("errors", 0)];
    let element = counts.into_iter().fold(xml.create_element(tag), |element, (what, count)| {
        element.with_attribute((what, count.to_string().as_str()))
    });
    element
        .with_attribute(("time", seconds(ms).as_str()))
        .with_attribute(("name", &*printable_lines(name)))
}

/// Writes rows as test suites; rows of a list that are no tests are left out.
///
/// # Errors
/// When the place takes no more.
pub fn junit<T: Row>(
    suites: &[Suite<'_, T>],
    at: Timestamp,
    out: &mut dyn io::Write,
) -> Result<(), ListError> {
    let mut xml = Writer::new_with_indent(&mut *out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let all = summed(&mut xml, "testsuites", "axlpaper", suites.iter().flat_map(Suite::cases));
    all.write_inner_content(|xml| {
        for suite in suites {
            summed(xml, "testsuite", &suite.name, suite.cases())
                .with_attribute(("timestamp", at.as_str()))
                .write_inner_content(|xml| {
                    suite.cases().try_for_each(|case| write_case(xml, &case))
                })?;
        }
        Ok(())
    })?;
    Ok(out.write_all(b"\n")?)
}

fn write_case<W: io::Write>(xml: &mut Writer<W>, case: &TestCase) -> io::Result<()> {
    let element = xml
        .create_element("testcase")
        .with_attribute(("name", &*printable_lines(&case.name)))
        .with_attribute(("classname", &*printable_lines(&case.class)))
        .with_attribute(("time", seconds(case.took_ms.unwrap_or_default()).as_str()));
    if case.result == TestResult::Passed && case.output.is_empty() {
        return element.write_empty().map(drop);
    }
    let write_result = |xml: &mut Writer<W>| {
        match &case.result {
            TestResult::Passed => {}
            TestResult::Failed { kind, message, details } => {
                xml.create_element("failure")
                    .with_attribute(("type", &*printable_lines(kind)))
                    .with_attribute(("message", &*printable_lines(message)))
                    .write_text_content(BytesText::new(&printable_lines(details)))?;
            }
            TestResult::Skipped { message } => {
                xml.create_element("skipped")
                    .with_attribute(("message", &*printable_lines(message)))
                    .write_empty()?;
            }
        }
        if !case.output.is_empty() {
            xml.create_element("system-out")
                .write_text_content(BytesText::new(&printable_lines(&case.output)))?;
        }
        Ok(())
    };
    element.write_inner_content(write_result).map(drop)
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}
