//! Does the phone take pushed pictures at all?

use crate::audit::{Context, Subject, finding};
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::personalization::{Effective, Level};

pub(in crate::audit) fn check(_: &Context<'_>, subject: &Subject<'_>, found: &mut Vec<Finding>) {
    if !subject.takes_pictures() {
        return;
    }
    let phone = subject.phone;
    let profile = phone.common_phone_profile.as_deref().unwrap_or("none");
    let (place, page) = match subject.personalization.decided_by {
        Level::Phone => {
            ("the phone itself".to_owned(), "Device > Phone > Phone Personalization".to_owned())
        }
        Level::Profile => (
            format!("the Common Phone Profile {profile:?}"),
            format!(
                "Device > Device Settings > Common Phone Profile > {profile} > Phone Personalization"
            ),
        ),
        Level::Enterprise | Level::None => (
            "the enterprise parameter".to_owned(),
            "System > Enterprise Parameters > Phone Personalization".to_owned(),
        ),
    };
    match subject.personalization.effective {
        Effective::Enabled => {}
        Effective::Disabled => found.push(finding(
            Code::PersonalizationDisabled,
            Severity::Blocked,
            format!("Phone Personalization is Disabled by {place}"),
            format!("set {page} to Enabled, save, Apply Config"),
        )),
        Effective::HttpsOnly => found.push(finding(
            Code::PersonalizationHttpsOnly,
            Severity::Blocked,
            format!(
                "Phone Personalization is HTTPS Only by {place}, and axlpaper pushes over HTTP"
            ),
            format!("set {page} to Enabled, save, Apply Config"),
        )),
        Effective::Unknown => found.push(finding(
            Code::PersonalizationUnknown,
            Severity::Blocked,
            format!(
                "no level that could be read decides Phone Personalization (profile {profile:?})"
            ),
            "set Phone Personalization to Enabled on the phone or on its Common Phone Profile",
        )),
    }
}
