//! Does the phone's web server run?

use crate::audit::{Context, Subject, finding};
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::registration::Httpd;
use crate::domain::web_access::{Page, WebAccess, deciding};

pub(in crate::audit) fn check(
    context: &Context<'_>,
    subject: &Subject<'_>,
    found: &mut Vec<Finding>,
) {
    if !subject.is_here() || !subject.takes_pictures() {
        return;
    }
    let profile =
        context.inventory.profile_of(subject.phone).and_then(|profile| profile.web_access);
    let decided =
        deciding(subject.phone.web_access, profile, context.inventory.enterprise.web_access);
    let page = |page| page_of(page, subject);
    let off = decided.filter(|(setting, _)| *setting != WebAccess::Enabled);
    match (subject.phone.registration.httpd, off) {
        (Httpd::Yes, _) => {}
        (Httpd::No, off) => found.push(finding(
            Code::WebAccessDisabled,
            Severity::Blocked,
            match off {
                Some((setting, at)) => format!(
                    "its web server is off, and {} says {}",
                    page(at),
                    setting.as_str()
                ),
                None => "its web server is off, so nothing can be pushed to it".to_owned(),
            },
            match off {
                Some((_, at)) => format!("set Web Access to Enabled in {}, save, Apply Config", page(at)),
                None => "set Web Access to Enabled in Device > Phone, its Common Phone Profile or System > Enterprise \
                         Phone Configuration, save, Apply Config"
                    .to_owned(),
            },
        )),
        (Httpd::Unknown, Some((setting, at))) => found.push(finding(
            Code::WebAccessDisabled,
            Severity::Blocked,
            format!("it did not say whether its web server runs, and {} says {}", page(at), setting.as_str()),
            format!("set Web Access to Enabled in {}, save, Apply Config", page(at)),
        )),
        // A page that says Enabled is as good as any that can be seen from here.
        (Httpd::Unknown, None) if decided.is_some() => {}
        (Httpd::Unknown, None) => found.push(finding(
            Code::WebAccessUnknown,
            Severity::Warning,
            "neither it nor its page says whether its web server runs; the push will tell",
            "if the push cannot reach it, set Web Access to Enabled in Device > Phone",
        )),
    }
}

fn page_of(page: Page, subject: &Subject<'_>) -> String {
    match page {
        Page::Phone => "Device > Phone".to_owned(),
        Page::Profile => format!(
            "Device > Device Settings > Common Phone Profile > {}",
            subject.phone.common_phone_profile.as_deref().unwrap_or_default()
        ),
        Page::Enterprise => "System > Enterprise Phone Configuration".to_owned(),
    }
}
