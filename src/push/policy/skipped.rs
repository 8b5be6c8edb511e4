//! Results of phones that were not pushed to.

use std::time::Duration;

use crate::domain::audit::AuditedPhone;
use crate::domain::exclusion::{CANNOT_REMOVE, CANNOT_REMOVE_REMEDY};
use crate::domain::finding::{Code, Verdict};
use crate::domain::payload_kind::ObjectKind;
use crate::event::{Outcome, PhoneResult};
use crate::journal::Proven;
use crate::push::Target;
use crate::push::delivery::removal::REMOVAL_DIGEST;

/// Returns the result of a phone that was not pushed to. The reason is its worst finding, or why the run excludes it.
pub fn skipped(object: ObjectKind, phone: &AuditedPhone) -> PhoneResult {
    let alone = phone.excluded();
    let worst = alone.or_else(|| phone.worst());
    let reason = match (phone.verdict, worst) {
        (Verdict::Fixable, Some(finding)) if alone.is_none() => {
            format!("{}, and that was not repaired", finding.message)
        }
        (_, Some(finding)) => finding.message.clone(),
        (verdict, None) => verdict.to_string(),
    };
    PhoneResult {
        finding: worst.map(|finding| finding.code),
        reason: Some(reason),
        remedy: worst.map(|finding| finding.remedy.clone()),
        ..PhoneResult::of_audited(phone, object, Outcome::of_skipped(phone, object))
    }
}

/// Returns the result of a phone that did not register again after Apply Config.
///
/// It was registered before, so this is a failure and not a skipped phone.
pub fn not_back(object: ObjectKind, phone: &AuditedPhone, waited: Duration) -> PhoneResult {
    let reason = format!(
        "it did not register again within {} seconds after it applied its configuration",
        waited.as_secs()
    );
    PhoneResult {
        outcome: Outcome::Unreachable,
        reason: Some(reason),
        remedy: Some("check the phone, then push to it again".to_owned()),
        ..skipped(object, phone)
    }
}

/// Returns the result of a phone that was not pushed to because a change that it needs was not made on the cluster.
pub fn not_served(object: ObjectKind, phone: &AuditedPhone, reason: String) -> PhoneResult {
    let remedy = "push to it again: the missing change is made first";
    PhoneResult {
        outcome: Outcome::Pending,
        reason: Some(reason),
        remedy: Some(remedy.to_owned()),
        ..skipped(object, phone)
    }
}

/// Returns the result of a phone that was skipped because the key script has no steps for its model.
pub fn no_step(target: &Target) -> PhoneResult {
    PhoneResult {
        reason: Some(format!("the script has no step for a {}", target.model)),
        remedy: Some("add a [[variant]] for its model, or a [[step]] for all models".to_owned()),
        ..excluded(target)
    }
}

/// Returns the result of a phone that was skipped because its model cannot remove a picture.
pub fn cannot_remove(target: &Target) -> PhoneResult {
    PhoneResult {
        image: None,
        reason: Some(format!("{CANNOT_REMOVE}: {}", target.model)),
        remedy: Some(CANNOT_REMOVE_REMEDY.to_owned()),
        ..excluded(target)
    }
}

/// Returns the result of a phone to which no earlier picture can be pushed back.
pub fn not_pushed_back(target: &Target, (code, why, remedy): (Code, &str, &str)) -> PhoneResult {
    PhoneResult {
        finding: Some(code),
        reason: Some(why.to_owned()),
        remedy: Some(remedy.to_owned()),
        ..excluded(target)
    }
}

/// Returns the result of a phone on whose screen the words have no room, and why.
pub fn no_room_for_words(target: &Target, why: &str) -> PhoneResult {
    PhoneResult {
        reason: Some(why.to_owned()),
        remedy: Some("write a shorter `qr`, or a rule without `qr` for such phones".to_owned()),
        ..excluded(target)
    }
}

/// Returns the result of a phone that was skipped because it is proven to show the picture already.
pub fn proven_already(target: &Target, proven: &Proven) -> PhoneResult {
    let has_it = has_it(target.object(), &proven.digest);
    PhoneResult {
        outcome: Outcome::Already,
        reason: Some(format!("run {} proved that it {has_it} already", proven.run)),
        remedy: Some("nothing; --force pushes again".to_owned()),
        ..excluded(target)
    }
}

/// Returns the result of a phone whose screen has nothing to be compared with: says why, or that nothing is proven.
pub fn not_verifiable(target: &Target, why: Option<&str>) -> PhoneResult {
    const NOT_PROVEN: &str = "no run has proven that it shows a picture";
    let remedy = match why {
        Some(_) => "check the phone's screen; a push with --force proves its picture again",
        None => "push a picture to it: `axlpaper rollout PICTURE`",
    };
    PhoneResult {
        outcome: Outcome::NotVerifiable,
        reason: Some(why.unwrap_or(NOT_PROVEN).to_owned()),
        remedy: Some(remedy.to_owned()),
        ..excluded(target)
    }
}

/// Returns the result of a phone that a dry run would push to.
pub fn planned(target: &Target) -> PhoneResult {
    let reason = Some("not tried: this is a dry run".to_owned());
    PhoneResult { outcome: Outcome::Pending, reason, ..excluded(target) }
}

fn excluded(target: &Target) -> PhoneResult {
    PhoneResult {
        model: target.model.clone(),
        device_pool: target.device_pool.clone(),
        ip: Some(target.ip),
        image: target.accepts.image().map(|image| image.background),
        picture: target.picture(),
        words: target.words.as_deref().cloned(),
        ring_tone: target.accepts.tone(),
        ..PhoneResult::not_tried(target.name.clone(), target.object(), Outcome::Excluded)
    }
}

fn has_it(object: ObjectKind, digest: &str) -> &'static str {
    match object {
        ObjectKind::Background if digest == REMOVAL_DIGEST => "has the pushed picture off",
        ObjectKind::RingTone => "has this ring tone",
        ObjectKind::Background | ObjectKind::Play | ObjectKind::Keys => "shows this picture",
    }
}
