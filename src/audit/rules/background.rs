//! Does the Common Phone Profile leave the background to its users?

use crate::audit::context::{Context, Subject, finding};
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::payload_kind::ObjectKind;

pub(in crate::audit) fn check(
    context: &Context<'_>,
    subject: &Subject<'_>,
    found: &mut Vec<Finding>,
) {
    if context.object != ObjectKind::Background || !subject.accepts(context.object) {
        return;
    }
    let Some(profile) = context.inventory.profile_of(subject.phone) else { return };
    let name = subject.phone.common_phone_profile.as_deref().unwrap_or_default();
    let why = match (&profile.forced_wallpaper, profile.background_access) {
        (Some(file), _) => format!("the Common Phone Profile {name:?} forces the picture {file:?}"),
        (None, Some(false)) => {
            format!("the Common Phone Profile {name:?} denies users the background setting")
        }
        (None, Some(true) | None) if profile.wallpaper_unread => {
            found.push(finding(
                Code::BackgroundLocked,
                Severity::Blocked,
                format!(
                    "the Common Phone Profile {name:?} could not be read in full, so it may force a picture"
                ),
                "run axlpaper again; if it stays so, look at the account's roles and at the note about this profile",
            ));
            return;
        }
        (None, Some(true) | None) => return,
    };
    found.push(finding(
        Code::BackgroundLocked,
        Severity::Blocked,
        why,
        format!(
            "tick Enable End User Access to Phone Background Image Setting in Device > Device Settings > \
             Common Phone Profile > {name}, clear Background Image, save, Apply Config"
        ),
    ));
}
