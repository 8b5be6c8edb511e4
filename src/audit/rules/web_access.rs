//! Does the phone's web server run?

use crate::audit::{Context, Subject, finding};
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::registration::Httpd;

pub(in crate::audit) fn check(_: &Context<'_>, subject: &Subject<'_>, found: &mut Vec<Finding>) {
    if !subject.is_here() || !subject.takes_pictures() {
        return;
    }
    match subject.phone.registration.httpd {
        Httpd::Yes => {}
        Httpd::No => found.push(finding(
            Code::WebAccessDisabled,
            Severity::Blocked,
            "its web server is off, so nothing can be pushed to it",
            "set Web Access to Enabled on the phone, its Common Phone Profile or in System > Enterprise Phone \
             Configuration, save, Apply Config",
        )),
        Httpd::Unknown => found.push(finding(
            Code::WebAccessUnknown,
            Severity::Warning,
            "it did not say whether its web server runs; the push will tell",
            "if the push cannot reach it, set Web Access to Enabled in Device > Phone",
        )),
    }
}
