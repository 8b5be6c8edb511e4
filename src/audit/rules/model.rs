//! Does this model, with this firmware, take what is pushed?

use crate::audit::context::{Context, Subject, finding};
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::model::DeviceKind;
use crate::domain::payload_kind::ObjectKind;
use crate::domain::text::quoted;

pub(in crate::audit) fn model(
    context: &Context<'_>,
    subject: &Subject<'_>,
    found: &mut Vec<Finding>,
) {
    let name = &subject.phone.model;
    let unknown = match context.object {
        ObjectKind::Background => "its picture size",
        ObjectKind::RingTone => "the format of its ring tones",
        ObjectKind::Play | ObjectKind::Keys => "whether it takes that",
    };
    match subject.model {
        None => found.push(finding(
            Code::UnknownModel,
            Severity::Unsupported,
            format!(
                "the model {} is not in the catalogue, so {unknown} is not known",
                quoted(name)
            ),
            "compare with `axlpaper models`; report the model if it should be there",
        )),
        Some(model) if !subject.accepts(context.object) => {
            let what = match model.kind {
                DeviceKind::DeskPhone => desk_phone(context.object),
                DeviceKind::SoftPhone => "a program, not a phone on a desk",
                DeviceKind::Analog => "an analog port or adapter",
                DeviceKind::ThirdParty => "a phone of another maker",
                DeviceKind::Video => "a video or Android endpoint",
                DeviceKind::Virtual => "a virtual device without a screen",
            };
            found.push(finding(
                Code::UnsupportedModel,
                Severity::Unsupported,
                format!("{} is {what}", model.name),
                "nothing to do; `--exclude-model` keeps it out of lists",
            ));
        }
        Some(_) => {}
    }
    // Multiplatform loads say so in their name, as in sip88xx.12-0-1MPP0001-200 or sip78xx.11-3-1-3PCC.
    let is_mpp = |load: &&str| {
        let load = load.to_ascii_uppercase();
        load.contains("MPP") || load.contains("3PCC")
    };
    let active = subject.phone.registration.active_load.as_deref();
    // The active load counts; the configured one only where the active one is unknown.
    let load = active.filter(|load| !load.is_empty()).or(subject.phone.configured_load.as_deref());
    if let Some(load) = load.filter(is_mpp) {
        found.push(finding(
            Code::MppFirmware,
            Severity::Unsupported,
            format!("its firmware is a multiplatform load ({load}), which takes no push"),
            match context.object {
                ObjectKind::Background => {
                    "migrate the phone to enterprise firmware, or set its wallpaper in its provisioning file"
                }
                ObjectKind::RingTone | ObjectKind::Play | ObjectKind::Keys => {
                    "migrate the phone to enterprise firmware"
                }
            },
        ));
    }
}

fn desk_phone(object: ObjectKind) -> &'static str {
    match object {
        ObjectKind::Background => "a phone without a pushed background",
        ObjectKind::RingTone => "not confirmed by any source to accept a pushed ring tone",
        ObjectKind::Play | ObjectKind::Keys => {
            "not confirmed by any source to accept key presses and sounds"
        }
    }
}

pub(in crate::audit) fn background(
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
        (Some(file), _) => {
            format!("the Common Phone Profile {} forces the picture {}", quoted(name), quoted(file))
        }
        (None, Some(false)) => {
            format!("the Common Phone Profile {} denies users the background setting", quoted(name))
        }
        (None, Some(true) | None) if profile.wallpaper_unread => {
            found.push(finding(
                Code::BackgroundLocked,
                Severity::Blocked,
                format!(
                    "the Common Phone Profile {} could not be read in full, so it may force a picture"
                , quoted(name)),
                "run axlpaper again; if the finding remains, check the account's roles and the note about \
                 this profile",
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
