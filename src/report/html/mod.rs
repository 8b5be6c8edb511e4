//! The HTML report: one file, nothing from the network, every value escaped by the template engine.
//!
//! It is a function of the journal alone. Charts are SVG in the template. A script in the page draws the table of phones
//! from data in the page; a Content-Security-Policy lets nothing else run.
mod audit_panel;
mod changes;
mod charts;
mod csp;
mod filter_link;
mod findings;
mod headline;
mod history;
mod panel;
mod pictures;
mod ring;
mod section;
mod table;
mod time_format;
mod timeline;

use askama::Template;

pub(crate) use self::audit_panel::audit_panel;
use self::findings::{FindingRow, ToDo};
use self::headline::{ClusterTable, Headline};
use self::history::History;
pub(crate) use self::panel::{RunPanel, run_panel, tally};
use self::pictures::{PhonePicture, Picture, Receivers, Screenshot, TitlePicture, ToneRow};
pub use self::section::HtmlError;
use self::section::{RunSection, action_and_proof, began, clean, clock, last_known};
pub(crate) use self::section::{TextPart, parts as section_parts};
use self::table::PlainRow;
use self::timeline::Timeline;
use super::clock::Clock;
use crate::domain::push_action::PushAction;
use crate::domain::text::pluralize;
use crate::event::{Outcome, Proof};
use crate::journal::SkippedCluster;
use crate::report::html::changes::ChangeGroupRow;
use crate::report::html::charts::GroupTable;
pub(crate) use crate::report::html::charts::{Bar, Count};
use crate::report::run_report::RunReport;
use crate::report::table::unlisted_devices;
use crate::report::wording;

#[derive(Template)]
#[template(path = "report.html", config = "src/report/html/askama.toml")]
struct Page {
    policy: String,
    style: String,
    script: String,
    data: String,
    title: String,
    /// The picture that most phones were sent.
    title_picture: Option<TitlePicture>,
    headline: Headline,
    history: Vec<History>,
    /// Whether there is an audit; pushes by address have none.
    audited: bool,
    /// Whether device pools are known.
    has_pools: bool,
    facts: Vec<Fact>,
    remarks: Vec<String>,
    to_do: Vec<ToDo>,
    more_to_do: usize,
    timeline: Option<Timeline>,
    groups: Vec<GroupTable>,
    verdicts: Vec<Count>,
    verdict_bar: Bar,
    findings: Vec<FindingRow>,
    changed: bool,
    changes: Vec<ClusterChanges>,
    pictures: Vec<Picture>,
    phone_pictures: Vec<PhonePicture>,
    more_phone_pictures: usize,
    tones: Vec<ToneRow>,
    several_pictures: bool,
    remedies_title: &'static str,
    /// A push or a removal.
    noun: &'static str,
    meanings: Vec<OutcomeMeaning>,
    unsupported: &'static str,
    screenshots: Vec<Screenshot>,
    more_screenshots: usize,
    phones: usize,
    plain: Vec<PlainRow>,
    more_plain: usize,
    /// How many devices without a screen the table of phones leaves out.
    unlisted: String,
    /// Only with several clusters.
    clusters: Option<ClusterTable>,
    runs: String,
    /// The name of the files that phones are saved in, without its ending.
    file: String,
    /// The command that shows the first run.
    show: String,
    place: String,
    when: String,
    took: String,
    /// The time zone of all times.
    zone: String,
    /// Its offset from UTC when the run began.
    offset: String,
}

struct OutcomeMeaning {
    word: &'static str,
    title: &'static str,
    text: String,
}

struct Fact {
    name: String,
    value: String,
    code: bool,
}

struct ClusterChanges {
    cluster: String,
    rows: Vec<ChangeGroupRow>,
}

/// Renders the report of a run, or one of several with a section for each cluster; skipped clusters are named too.
///
/// # Errors
/// When memory runs out.
pub fn html(runs: &[RunReport]) -> Result<String, HtmlError> {
    page(runs, &headline::skipped_clusters(runs))?.render().map_err(HtmlError::Template)
}

fn page(reports: &[RunReport], left_out: &[&SkippedCluster]) -> Result<Page, HtmlError> {
    let runs = &RunSection::all(reports, left_out.len());
    let together = (runs.len() + left_out.len() > 1).then(|| ClusterTable::of(runs, left_out));
    let verdicts = charts::verdicts(runs.iter().flat_map(RunSection::audited));
    let phones = runs.iter().flat_map(|of| of.run.phones.iter().map(move |phone| (of, phone)));
    let (action, proof) = action_and_proof(runs);
    let of_clusters = phones.clone().map(|(of, phone)| (of.cluster.as_str(), phone));
    let failed = of_clusters.filter(|(_, phone)| phone.is_failure());
    let (to_do, more_to_do) = findings::to_do(action, failed);
    let (plain, more_plain) = table::plain(runs);
    let (style, script) = (lines(STYLE), lines(SCRIPT));
    let remarks = runs.iter().flat_map(|of| of.remarks());
    let has_pools = phones.clone().any(|(_, phone)| !phone.device_pool.is_empty());
    let receivers = Receivers::of(runs);
    let groups = [
        has_pools.then(|| charts::by_device_pool(runs)),
        Some(charts::by_model(runs)).filter(|rows| !rows.first.is_empty()),
    ];
    let audited = runs.iter().any(|of| of.run.audit.is_some());
    let (first, numbers) = (runs.first(), numbers(runs));
    let clock = clock(runs).unwrap_or_default();
    let changes: Vec<ClusterChanges> =
        runs.iter().map(|of| ClusterChanges::of(of, &clock)).collect();
    Ok(Page {
        policy: csp::policy(&style, &script),
        style,
        script,
        data: table::data(runs, &clock)?,
        title: title(runs, left_out),
        title_picture: pictures::title_picture(runs, &receivers),
        headline: headline::headline(runs, left_out),
        history: history::history(runs, &clock),
        audited,
        has_pools,
        facts: facts(runs, &clock),
        remarks: remarks.collect(),
        to_do,
        more_to_do,
        timeline: timeline::timeline(runs, &clock),
        groups: groups.into_iter().flatten().collect(),
        verdict_bar: Bar::of(&verdicts, &[]),
        verdicts,
        findings: findings::findings(
            runs.iter().flat_map(|of| of.audited().map(|phone| (of.cluster.as_str(), phone))),
        ),
        changed: audited || changes.iter().any(|of| !of.rows.is_empty()),
        changes,
        pictures: pictures::pictures(runs, &receivers),
        phone_pictures: pictures::phone_pictures(runs),
        more_phone_pictures: runs.iter().map(|of| of.run.more_phone_pictures).sum(),
        tones: pictures::tones(runs, &receivers),
        several_pictures: runs.iter().any(|of| of.run.has_several_pictures()),
        remedies_title: wording::remedies_title(action, proof),
        noun: wording::noun(action),
        meanings: meanings(action, proof),
        unsupported: wording::unsupported(action),
        screenshots: pictures::screenshots(runs),
        more_screenshots: runs.iter().map(|of| of.run.more_screenshots).sum(),
        phones: phones.count(),
        plain,
        more_plain,
        unlisted: unlisted_devices(runs.iter().flat_map(|of| &of.run.phones)),
        runs: format!("{} {}", if runs.len() == 1 { "run" } else { "runs" }, numbers.join(", ")),
        file: format!("axlpaper-run-{}-phones", numbers.join("-")),
        show: numbers.first().map(|run| format!("axlpaper show {run}")).unwrap_or_default(),
        place: match (&together, first) {
            (None, Some(of)) => place(of.run),
            _ => pluralize(runs.len() + left_out.len(), "cluster"),
        },
        clusters: together,
        when: clock.moment(began(runs)),
        took: took(runs),
        zone: clock.describe(),
        offset: clock.offset(),
    })
}

impl ClusterChanges {
    fn of(of: &RunSection<'_>, clock: &Clock) -> Self {
        Self { cluster: of.cluster.clone(), rows: changes::change_rows(&of.run.changes, clock) }
    }
}

fn numbers(runs: &[RunSection<'_>]) -> Vec<String> {
    runs.iter().map(|of| of.run.run.id.to_string()).collect()
}

fn title(runs: &[RunSection<'_>], left_out: &[&SkippedCluster]) -> String {
    let Some(first) = runs.first().map(|of| of.run) else { return String::new() };
    let what = first.file.as_deref().map(|file| wording::title(first.action, file));
    let what = what.as_deref().unwrap_or(&first.run.command);
    if runs.iter().any(|of| !of.cluster.is_empty()) {
        let names = runs.iter().map(|of| of.run.run.cluster.as_str());
        let mut names: Vec<&str> = names.chain(left_out.iter().map(|one| &*one.cluster)).collect();
        names.dedup();
        let named = names.join(", ");
        let all = pluralize(names.len(), "cluster");
        let place = if named.chars().count() <= MOST_OF_NAMES { named } else { all };
        return clean(&format!("{what} on {place}"));
    }
    clean(&if first.run.is_about_addresses() {
        format!("{what} by address")
    } else {
        format!("{what} on {}", first.run.cluster)
    })
}

/// Explains the outcomes that this run could have: nothing is verified without verification, and a look at a screen
/// pushes nothing.
fn meanings(action: PushAction, proof: Proof) -> Vec<OutcomeMeaning> {
    let seen = wording::unverifiable(action, proof).is_none();
    let looks = action == PushAction::Verification;
    let there = Outcome::ALL.into_iter().filter(|one| match one {
        Outcome::Verified => seen,
        Outcome::Already | Outcome::Accepted | Outcome::Rejected => !looks,
        Outcome::NotShown | Outcome::NotVerifiable => looks,
        Outcome::AuthFailed
        | Outcome::Unreachable
        | Outcome::BadReply
        | Outcome::WrongDevice
        | Outcome::NeedsWork
        | Outcome::Offline
        | Outcome::Excluded
        | Outcome::NoBackground
        | Outcome::Interrupted
        | Outcome::Pending => true,
    });
    there
        .map(|one| OutcomeMeaning {
            word: one.as_str(),
            title: wording::outcome_title(action, one),
            text: wording::outcome(action, proof, one),
        })
        .collect()
}

fn place(report: &RunReport) -> String {
    match &report.audit {
        Some(audit) => {
            let cluster = &audit.cluster;
            clean(&format!("Unified CM {}, AXL {}", cluster.version, cluster.axl_version))
        }
        None if report.run.is_about_addresses() => "no cluster was asked".to_owned(),
        None => "no audit".to_owned(),
    }
}

/// Returns the duration, and separately the wait for answers to questions and approvals.
fn took(runs: &[RunSection<'_>]) -> String {
    let all = time_format::between(began(runs), last_known(runs));
    let waited = timeline::waited_for_answers(runs).min(all);
    let work = format!("took {}", time_format::took(all - waited));
    // An answer within a second is no wait.
    match waited {
        0..1_000 => work,
        _ => format!("{work}, and waited {} for an answer", time_format::took(waited)),
    }
}

/// How the run was started, so that it can be repeated.
fn facts(runs: &[RunSection<'_>], clock: &Clock) -> Vec<Fact> {
    let Some(run) = runs.first().map(|of| &of.run.run) else { return Vec::new() };
    let mut facts = vec![
        code("Command", &without_folder(&run.command_line)),
        fact("Program", &format!("axlpaper {}", run.program)),
        fact("By", &format!("{} on {}", run.os_user, run.machine)),
    ];
    match runs {
        [only] if only.cluster.is_empty() => facts.extend(facts_of(only.run, clock)),
        several => facts.extend(several.iter().map(|of| {
            let summary = facts_of(of.run, clock)
                .into_iter()
                .map(|one| format!("{} {}", one.name, one.value));
            fact(&of.cluster, &summary.collect::<Vec<_>>().join(" · "))
        })),
    }
    let numbers = numbers(runs).join(" ");
    facts.push(code("This report again", &format!("axlpaper report {numbers}")));
    facts
}

fn facts_of(report: &RunReport, clock: &Clock) -> Vec<Fact> {
    let run = &report.run;
    let ended = match (run.ended_at, run.exit_code) {
        (Some(at), Some(code)) => format!("{}, exit code {code}", clock.moment(at)),
        (Some(at), None) => clock.moment(at),
        (None, _) => "not known".to_owned(),
    };
    let mut facts = vec![fact("Run", &format!("{} in the journal", run.id))];
    if !run.host.is_empty() {
        facts.push(fact("Cluster", &format!("{} at {}", run.cluster, run.host)));
        facts.push(fact("Release", &place(report)));
    }
    facts.push(fact("Began", &clock.moment(run.began_at)));
    facts.push(fact("Ended", &ended));
    if let Some(other) = run.continues {
        facts.push(fact("Continues", &format!("run {other}")));
    }
    if let Some(other) = report.continued_by {
        facts.push(fact("Continued by", &format!("run {other}")));
    }
    if let Some(other) = run.reverts {
        facts.push(fact("Reverts", &format!("run {other}")));
    }
    let together = report.together.iter().map(|together| &together.runs);
    if let Some(runs) = together.into_iter().find(|runs| runs.len() > 1) {
        let runs = runs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        facts.push(code("Begun with others", &format!("axlpaper report {runs}")));
    }
    facts.push(code("Every attempt", &format!("axlpaper show {} --json", run.id)));
    facts
}

fn fact(name: &str, value: &str) -> Fact {
    Fact { name: name.to_owned(), value: clean(value), code: false }
}

fn code(name: &str, value: &str) -> Fact {
    Fact { code: true, ..fact(name, value) }
}

/// Removes the folder of the program from a command line.
fn without_folder(command: &str) -> String {
    let (program, arguments) = command.split_once(' ').unwrap_or((command, ""));
    let program = program.rsplit(['/', '\\']).next().unwrap_or(program);
    format!("{program} {arguments}").trim_end().to_owned()
}

/// Normalizes line ends, as a browser does before it hashes.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// Room for names of clusters in the title, in characters.
const MOST_OF_NAMES: usize = 60;

/// The colours, type and parts that the pages of the console have too.
pub(crate) const THEME: &str = include_str!("theme.css");

const STYLE: &str =
    concat!(include_str!("theme.css"), include_str!("report.css"), include_str!("print.css"));

const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("dom.js"),
    include_str!("address.js"),
    include_str!("csv.js"),
    include_str!("phones.js"),
    "})();\n"
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::section::parts;

    #[test]
    fn code_is_told_from_text() {
        let parts = parts("run `axlpaper models` again");
        let summary: Vec<(bool, &str)> =
            parts.iter().map(|part| (part.code, part.text.as_str())).collect();
        assert_eq!(summary, [(false, "run "), (true, "axlpaper models"), (false, " again")]);
    }

    #[test]
    fn the_program_is_named_without_its_folder() {
        assert_eq!(without_folder("/opt/x/axlpaper push a/b.png"), "axlpaper push a/b.png");
        assert_eq!(without_folder("axlpaper"), "axlpaper");
    }
}
