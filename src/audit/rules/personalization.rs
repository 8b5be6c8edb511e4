//! Does the phone take pushed pictures at all?

use crate::audit::context::{Context, Subject, finding};
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::payload_kind::ObjectKind;
use crate::domain::personalization::{Effective, Level};
use crate::domain::registration::Httpd;
use crate::domain::repair_policy::Enabling;
use crate::domain::text::quoted;
use crate::domain::web_access::{Decided, Page, PageValue, WebAccess, deciding};

/// What the remedy adds where the repair was asked for and cannot be made.
const BY_HAND_ONLY: &str = "axlpaper cannot do it here: what would be changed holds a character that cannot be read, \
    could not be read completely, or has another value than such a change expects";

pub(in crate::audit) fn personalization(
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
            format!("the Common Phone Profile {}", quoted(profile)),
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
            "`axlpaper rollout` enables it on the Common Phone Profile {}, for all its phones; `axlpaper plan` \
             shows the change first"
        , quoted(profile)),
        Some(Enabling::OffProfile(profile)) => format!(
            "`axlpaper rollout` moves it to a copy of {} that enables it; `axlpaper plan` shows the change first"
        , quoted(profile)),
        // Plans are about phones that show pictures.
        None if !subject.accepts(ObjectKind::Background) => by_hand,
        None if context.repairs.personalization.is_some() => format!("{by_hand}; {BY_HAND_ONLY}"),
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
                "no level that could be read decides Phone Personalization (profile {})"
            , quoted(profile)),
            remedy(
                "set Phone Personalization to Enabled on the phone or on its Common Phone Profile"
                    .to_owned(),
            ),
        )),
    }
}

pub(in crate::audit) fn web_access(
    context: &Context<'_>,
    subject: &Subject<'_>,
    found: &mut Vec<Finding>,
) {
    if !subject.is_here() || !subject.accepts(context.object) {
        return;
    }
    let profile = context
        .inventory
        .profile_of(subject.phone)
        .map_or(PageValue::Nothing, |profile| profile.web_access);
    let decided =
        deciding(subject.phone.web_access, profile, context.inventory.enterprise.web_access);
    let page = |page| page_of(page, subject);
    let enable = |at| format!("set Web Access to Enabled in {}, save, Apply Config", page(at));
    let off = match decided {
        Decided::By(at, setting) if setting != WebAccess::Enabled => Some((at, setting.as_str())),
        Decided::By(..) | Decided::PerhapsBy(_) | Decided::ByNobody => None,
    };
    let (message, remedy) = match (subject.phone.registration.httpd, off) {
        (Httpd::Yes, _) => return,
        (Httpd::No, Some((at, setting))) => {
            (format!("its web server is off, and {} has {setting}", page(at)), enable(at))
        }
        (Httpd::No, None) => (
            "its web server is off, so nothing can be pushed to it".to_owned(),
            "set Web Access to Enabled in Device > Phone, its Common Phone Profile or System > Enterprise Phone \
             Configuration, save, Apply Config"
                .to_owned(),
        ),
        (Httpd::Unknown, Some((at, setting))) => (
            format!(
                "it did not report whether its web server runs, and {} has {setting}",
                page(at)
            ),
            enable(at),
        ),
        (Httpd::Unknown, None) => {
            found.extend(unknown(decided, page));
            return;
        }
    };
    let (severity, remedy) = if context.repairs.web_access(subject.phone).is_some() {
        let by_us = "`axlpaper rollout` enables it on the phone's own page; `axlpaper plan` shows the change first";
        (Severity::Fixable, by_us.to_owned())
    } else if !subject.accepts(ObjectKind::Background) {
        // Plans are about phones that show pictures.
        (Severity::Blocked, remedy)
    } else if context.repairs.web_access {
        (Severity::Blocked, format!("{remedy}; {BY_HAND_ONLY}"))
    } else {
        let or = "or let axlpaper do it: `axlpaper plan --repair web-access` shows how";
        (Severity::Blocked, format!("{remedy}; {or}"))
    };
    found.push(finding(Code::WebAccessDisabled, severity, message, remedy));
}

fn unknown(decided: Decided, page: impl Fn(Page) -> String) -> Option<Finding> {
    let message = match decided {
        // A page that says Enabled is as good as any that can be seen from here.
        Decided::By(..) => return None,
        Decided::ByNobody => {
            "neither it nor its page reports whether its web server runs; a push will show it"
                .to_owned()
        }
        Decided::PerhapsBy(at) => format!(
            "it did not report whether its web server runs, and {} was not read; a push will show it",
            page(at)
        ),
    };
    let remedy = "if the push cannot reach it, set Web Access to Enabled in Device > Phone";
    Some(finding(Code::WebAccessUnknown, Severity::Warning, message, remedy))
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
