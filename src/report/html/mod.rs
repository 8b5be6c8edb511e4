//! The HTML report: one file, nothing from the network, every value escaped by the template engine.
//!
//! It is a function of the journal alone. Charts are SVG in the template; the table of phones is drawn by a small
//! script of ours from data in the page, and a Content-Security-Policy lets nothing else run.

mod bars;
mod changed;
mod clock;
mod findings;
mod headline;
mod pictures;
mod seal;
mod table;
mod timeline;

use askama::Template;

use self::bars::{Bar, Count, Rows};
use self::changed::Changed;
use self::findings::{FindingRow, ToDo};
use self::headline::Headline;
use self::pictures::{Picture, Seen};
use self::table::PlainRow;
use self::timeline::Timeline;
use super::chronicle::Chronicle;
use super::text::printable;

/// The report could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    /// The template failed, which it does only if memory runs out.
    #[error("failed to render the report")]
    Template(#[source] askama::Error),
    /// The phones could not be written as JSON.
    #[error("failed to write the phones of the report")]
    Data(#[source] serde_json::Error),
}

#[derive(Template)]
#[template(path = "report.html", config = "src/report/html/askama.toml")]
struct Page {
    policy: String,
    style: String,
    script: String,
    data: String,
    title: String,
    head: Headline,
    /// Whether a cluster was asked: what it told stands in the report only then.
    audited: bool,
    facts: Vec<Fact>,
    remarks: Vec<String>,
    to_do: Vec<ToDo>,
    more_to_do: usize,
    timeline: Option<Timeline>,
    groups: Vec<Rows>,
    verdicts: Vec<Count>,
    verdict_bar: Bar,
    findings: Vec<FindingRow>,
    changes: Vec<Changed>,
    picture_name: String,
    pictures: Vec<Picture>,
    screenshots: Vec<Seen>,
    more_screenshots: usize,
    phones: usize,
    plain: Vec<PlainRow>,
    more_plain: usize,
    run: i64,
    place: String,
    when: String,
    took: String,
}

/// A fact about the run.
struct Fact {
    name: &'static str,
    value: String,
    code: bool,
}

/// A part of a text: code, or not.
#[derive(Clone, Debug)]
struct Part {
    code: bool,
    text: String,
}

/// Renders the report of a run.
///
/// # Errors
/// When memory runs out.
pub fn html(chronicle: &Chronicle) -> Result<String, HtmlError> {
    page(chronicle)?.render().map_err(HtmlError::Template)
}

/// Renders one report of several runs.
///
/// # Errors
/// When memory runs out.
pub fn html_of_several(chronicles: &[Chronicle]) -> Result<String, HtmlError> {
    chronicles.iter().map(html).collect()
}

fn page(chronicle: &Chronicle) -> Result<Page, HtmlError> {
    let run = &chronicle.run;
    let seen = chronicle.audit.iter().flat_map(|audit| &audit.phones);
    let verdicts = bars::verdicts(seen);
    let (to_do, more_to_do) = findings::to_do(&chronicle.phones);
    let (plain, more_plain) = table::plain(chronicle);
    let (style, script) = (lines(STYLE), lines(SCRIPT));
    let remarks = chronicle.audit.iter().flat_map(|audit| &audit.remarks);
    let pushed_by_cluster = chronicle.phones.iter().any(|phone| !phone.device_pool.is_empty());
    let groups = [
        pushed_by_cluster.then(|| bars::by_device_pool(chronicle)),
        Some(bars::by_model(chronicle)).filter(|rows| !rows.first.is_empty()),
    ];
    Ok(Page {
        policy: seal::policy(&style, &script),
        style,
        script,
        data: table::data(chronicle)?,
        title: title(chronicle),
        head: headline::headline(chronicle),
        audited: chronicle.audit.is_some(),
        facts: facts(chronicle),
        remarks: remarks.map(|remark| printable(remark).into_owned()).collect(),
        to_do,
        more_to_do,
        timeline: timeline::timeline(chronicle),
        groups: groups.into_iter().flatten().collect(),
        verdict_bar: Bar::of(&verdicts),
        verdicts,
        findings: findings::findings(chronicle),
        changes: changed::changed(&chronicle.changes),
        picture_name: chronicle.file.as_deref().map(clean).unwrap_or_default(),
        pictures: pictures::pictures(chronicle),
        screenshots: pictures::screenshots(chronicle),
        more_screenshots: chronicle.more_screenshots,
        phones: chronicle.phones.len(),
        plain,
        more_plain,
        run: run.id,
        place: place(chronicle),
        when: clock::moment(run.began_at),
        took: clock::took(clock::between(run.began_at, chronicle.last_known())),
    })
}

fn title(chronicle: &Chronicle) -> String {
    let what = chronicle.file.as_deref().unwrap_or(&chronicle.run.command);
    clean(&if chronicle.run.is_about_addresses() {
        format!("{what} by address")
    } else {
        format!("{what} on {}", chronicle.run.cluster)
    })
}

fn place(chronicle: &Chronicle) -> String {
    match &chronicle.audit {
        Some(audit) => {
            let cluster = &audit.cluster;
            clean(&format!("Unified CM {}, AXL {}", cluster.version, cluster.axl_version))
        }
        None if chronicle.run.is_about_addresses() => "no cluster was asked".to_owned(),
        None => "no audit".to_owned(),
    }
}

/// How it was run, so that it can be run again.
fn facts(chronicle: &Chronicle) -> Vec<Fact> {
    let run = &chronicle.run;
    let fact = |name, value: &str| Fact { name, value: clean(value), code: false };
    let code = |name, value: &str| Fact { name, value: clean(value), code: true };
    let ended = match (run.ended_at, run.exit_code) {
        (Some(at), Some(code)) => format!("{}, exit code {code}", clock::moment(at)),
        (Some(at), None) => clock::moment(at),
        (None, _) => "not known".to_owned(),
    };
    let mut facts = vec![
        code("Command", &without_folder(&run.command_line)),
        fact("Program", &format!("axlpaper {}", run.program)),
        fact("Run", &format!("{} in the journal", run.id)),
        fact("By", &format!("{} on {}", run.os_user, run.machine)),
    ];
    if !run.host.is_empty() {
        facts.push(fact("Cluster", &format!("{} at {}", run.cluster, run.host)));
        facts.push(fact("Release", &place(chronicle)));
    }
    facts.push(fact("Began", &clock::moment(run.began_at)));
    facts.push(fact("Ended", &ended));
    if let Some(other) = run.continues {
        facts.push(fact("Goes on with", &format!("run {other}")));
    }
    if let Some(other) = run.reverts {
        facts.push(fact("Takes back", &format!("run {other}")));
    }
    facts.push(code("Every attempt", &format!("axlpaper show {} --json", run.id)));
    facts.push(code("This report again", &format!("axlpaper report {}", run.id)));
    facts
}

/// The command line with the name of the program, without the folder that it stands in.
fn without_folder(command: &str) -> String {
    let (program, arguments) = command.split_once(' ').unwrap_or((command, ""));
    let program = program.rsplit(['/', '\\']).next().unwrap_or(program);
    format!("{program} {arguments}").trim_end().to_owned()
}

/// A text cut at its backticks: every other part is code.
fn parts(text: &str) -> Vec<Part> {
    text.split('`')
        .enumerate()
        .filter(|(_, text)| !text.is_empty())
        .map(|(at, text)| Part { code: at % 2 == 1, text: text.to_owned() })
        .collect()
}

fn clean(text: &str) -> String {
    printable(text).into_owned()
}

/// A text as a browser reads it: with plain line ends, whatever the checkout made of them. Hashes are of that.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_text() {
        let parts = parts("run `axlpaper models` again");
        let told: Vec<(bool, &str)> =
            parts.iter().map(|part| (part.code, part.text.as_str())).collect();
        assert_eq!(told, [(false, "run "), (true, "axlpaper models"), (false, " again")]);
    }

    #[test]
    fn the_program_is_named_without_its_folder() {
        assert_eq!(without_folder("/opt/x/axlpaper push a/b.png"), "axlpaper push a/b.png");
        assert_eq!(without_folder("axlpaper"), "axlpaper");
    }
}
