//! What an audit found, as a part of another page.

use askama::Template;

use crate::domain::audit::Audit;
use crate::report::html::charts::{Bar, Count, verdicts};
use crate::report::html::findings::{FindingRow, findings};
use crate::report::html::section::{self, HtmlError};

#[derive(Template)]
#[template(path = "audit.html", config = "src/report/html/askama.toml")]
struct AuditPanel {
    verdicts: Vec<Count>,
    verdict_bar: Bar,
    findings: Vec<FindingRow>,
}

/// Returns the verdicts and the findings with their remedies as HTML.
///
/// # Errors
/// When memory runs out.
pub(crate) fn audit_panel(audit: &Audit) -> Result<String, HtmlError> {
    let verdicts = verdicts(&audit.phones);
    let panel = AuditPanel {
        verdict_bar: Bar::of(&verdicts, &[]),
        verdicts,
        findings: findings(audit.phones.iter().map(|phone| ("", phone))),
    };
    panel.render().map_err(HtmlError::Template)
}
