//! The HTML report: one file, nothing from the network, every value escaped by the template engine.

use askama::Template;

use super::changes::{came_of, ended};
use super::rollout::Rollout;
use super::text::printable;
use crate::domain::audit::AuditedPhone;
use crate::domain::finding::{Code, Verdict};
use crate::event::{ChangeResult, Outcome, PhoneResult};

/// The report could not be rendered.
#[derive(Debug, thiserror::Error)]
#[error("failed to render the report")]
pub struct HtmlError(#[source] askama::Error);

#[derive(Template)]
#[template(path = "report.html", config = "src/report/askama.toml")]
struct Page {
    cluster: String,
    version: String,
    axl_version: String,
    picture: String,
    command: String,
    program: &'static str,
    /// Whether a cluster was asked: what it told stands in the report only then.
    audited: bool,
    started_at: String,
    finished_at: String,
    stopped: Option<String>,
    remarks: Vec<String>,
    total: usize,
    outcomes: Vec<Count>,
    verdicts: Vec<Count>,
    findings: Vec<Count>,
    pools: Vec<Pool>,
    changes: Vec<ChangeRow>,
    phones: Vec<PhoneRow>,
}

struct Count {
    name: &'static str,
    count: usize,
}

struct Pool {
    name: String,
    total: usize,
    verdicts: Vec<Count>,
    outcomes: Vec<Count>,
}

struct ChangeRow {
    told: String,
    messages: Vec<String>,
    details: Vec<String>,
}

struct PhoneRow {
    name: String,
    description: String,
    model: String,
    device_pool: String,
    ip: String,
    verdict: &'static str,
    findings: String,
    outcome: &'static str,
    reason: String,
    answered: String,
    remedy: Vec<Part>,
}

struct Part {
    code: bool,
    text: String,
}

/// Renders the report of a run.
///
/// # Errors
/// When the template fails, which it does only if memory runs out.
pub fn html(rollout: &Rollout) -> Result<String, HtmlError> {
    page(rollout).render().map_err(HtmlError)
}

fn page(rollout: &Rollout) -> Page {
    let summary = rollout.summary();
    let audited = rollout.audit.as_ref().map(|audit| &audit.summary);
    let counts = audited.map(|summary| &summary.all);
    let pools = audited.into_iter().flat_map(|audited| &audited.by_device_pool);
    let pools = pools.map(|(name, counts)| Pool {
        name: printable(name).into_owned(),
        total: counts.total,
        verdicts: by(&Verdict::ALL, Verdict::as_str, |verdict| counts.verdicts.get(&verdict)),
        outcomes: by(&Outcome::ALL, Outcome::as_str, |outcome| {
            summary.by_device_pool.get(name).and_then(|counts| counts.get(&outcome))
        }),
    });
    Page {
        cluster: printable(&rollout.cluster.name).into_owned(),
        version: printable(&rollout.cluster.version).into_owned(),
        axl_version: printable(&rollout.cluster.axl_version).into_owned(),
        picture: printable(&rollout.picture).into_owned(),
        command: printable(&without_folder(&rollout.command)).into_owned(),
        program: concat!("axlpaper ", env!("CARGO_PKG_VERSION")),
        started_at: clock(rollout.started_at),
        finished_at: clock(rollout.finished_at),
        stopped: rollout.stopped.as_deref().map(|text| printable(text).into_owned()),
        audited: rollout.audit.is_some(),
        remarks: rollout.remarks().iter().map(|remark| printable(remark).into_owned()).collect(),
        total: rollout.phones.len(),
        outcomes: by(&Outcome::ALL, Outcome::as_str, |outcome| summary.outcomes.get(&outcome)),
        verdicts: by(&Verdict::ALL, Verdict::as_str, |verdict| {
            counts.and_then(|counts| counts.verdicts.get(&verdict))
        }),
        findings: by(Code::ALL, Code::as_str, |code| {
            counts.and_then(|counts| counts.findings.get(&code))
        }),
        pools: pools.collect(),
        changes: change_rows(&rollout.changes),
        phones: phone_rows(rollout),
    }
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

fn clock(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn by<'a, K: Copy>(
    keys: &[K],
    name: impl Fn(K) -> &'static str,
    count: impl Fn(K) -> Option<&'a usize>,
) -> Vec<Count> {
    keys.iter()
        .filter_map(|key| {
            count(*key)
                .filter(|count| **count > 0)
                .map(|count| Count { name: name(*key), count: *count })
        })
        .collect()
}

/// Changes that say the same of one thing each stand in one row.
fn change_rows(results: &[ChangeResult]) -> Vec<ChangeRow> {
    let clean = |text: &str| printable(text).into_owned();
    let rows = came_of(&ended(results)).into_iter();
    rows.map(|row| ChangeRow {
        told: clean(&row.told),
        messages: row.messages.iter().map(|text| clean(text)).collect(),
        details: row.details.iter().map(|text| clean(text)).collect(),
    })
    .collect()
}

fn phone_rows(rollout: &Rollout) -> Vec<PhoneRow> {
    let audited: std::collections::HashMap<_, &AuditedPhone> = rollout
        .audit
        .iter()
        .flat_map(|audit| &audit.phones)
        .map(|phone| (phone.name(), phone))
        .collect();
    // What went wrong stands first; otherwise phones stay in the order of their names.
    let mut results: Vec<&PhoneResult> = rollout.phones.iter().collect();
    results.sort_by_key(|result| (!result.is_failure(), result.outcome == Outcome::Verified));
    results
        .into_iter()
        .map(|result| phone_row(result, audited.get(&result.name).copied()))
        .collect()
}

fn phone_row(result: &PhoneResult, audited: Option<&AuditedPhone>) -> PhoneRow {
    let clean = |text: &str| printable(text).into_owned();
    let option = |text: Option<&str>| text.map(clean).unwrap_or_default();
    let codes = audited
        .map(|phone| phone.findings.iter().map(|f| f.code.as_str()).collect::<Vec<_>>().join(" "));
    // A phone that was left alone has no remedy of its own, but its worst finding has.
    let worst = audited.and_then(AuditedPhone::worst).map(|finding| finding.remedy.as_str());
    let own = result.remedy.as_deref();
    let remedy = option(if result.outcome == Outcome::Skipped { own.or(worst) } else { own });
    PhoneRow {
        name: clean(result.name.as_str()),
        description: option(audited.map(|phone| phone.phone.description.as_str())),
        model: clean(&result.model),
        device_pool: clean(&result.device_pool),
        ip: result.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        verdict: audited.map_or("", |phone| phone.verdict.as_str()),
        findings: codes.unwrap_or_default(),
        outcome: result.outcome.as_str(),
        reason: option(result.reason.as_deref()),
        answered: option(result.phone_error.as_ref().map(|error| error.raw.as_str())),
        remedy: parts(&remedy),
    }
}

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
