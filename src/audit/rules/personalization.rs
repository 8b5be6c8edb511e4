//! Does the phone take pushed pictures at all?

use crate::audit::context::{Context, Subject, finding};
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::payload_kind::ObjectKind;
use crate::domain::personalization::{Effective, Level};
use crate::domain::repair_policy::Enabling;

pub(in crate::audit) fn check(
    context: &Context<'_>,
    subject: &Subject<'_>,
    found: &mut Vec<Finding>,
) {
    if !context.object.is_personal() || !subject.accepts(context.object) {
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
    let repaired = context.repairs.personalization(context.inventory, phone);
    let severity = if repaired.is_some() { Severity::Fixable } else { Severity::Blocked };
    let remedy = |by_hand: String| {
        match repaired {
        Some(Enabling::OnPhone(_)) => {
            "`axlpaper rollout` enables it on the phone's own page; `axlpaper plan` shows the change first".to_owned()
        }
        Some(Enabling::OnProfile(profile, _)) => format!(
            "`axlpaper rollout` enables it on the Common Phone Profile {profile:?}, for all its phones; `axlpaper plan` \
             shows the change first"
        ),
        Some(Enabling::OffProfile(profile)) => format!(
            "`axlpaper rollout` moves it to a copy of {profile:?} that enables it; `axlpaper plan` shows the change first"
        ),
        // Plans are about phones that show pictures.
        None if !subject.accepts(ObjectKind::Background) => by_hand,
        None => format!("{by_hand}; or let axlpaper do it: `axlpaper plan --repair personalization` shows how"),
    }
    };
    match subject.personalization.effective {
        Effective::Enabled => {}
        Effective::Disabled => found.push(finding(
            Code::PersonalizationDisabled,
            severity,
            format!("Phone Personalization is Disabled by {place}"),
            remedy(format!("set {page} to Enabled, save, Apply Config")),
        )),
        Effective::HttpsOnly if context.repairs.https => {}
        Effective::HttpsOnly => found.push(finding(
            Code::PersonalizationHttpsOnly,
            Severity::Blocked,
            format!(
                "Phone Personalization is HTTPS Only by {place}, and no trust is configured for the phone's \
                 certificate"
            ),
            format!(
                "name the authority that signed it with --phone-ca-file, or use --phone-tls pin-first-use; or set \
                 {page} to Enabled, save, Apply Config"
            ),
        )),
        Effective::Unknown => found.push(finding(
            Code::PersonalizationUnknown,
            severity,
            format!(
                "no level that could be read decides Phone Personalization (profile {profile:?})"
            ),
            remedy(
                "set Phone Personalization to Enabled on the phone or on its Common Phone Profile"
                    .to_owned(),
            ),
        )),
    }
}
