//! Says why a phone was left alone.

use crate::domain::audit::AuditedPhone;
use crate::domain::finding::Verdict;
use crate::event::{Outcome, PhoneResult};

/// Returns the result of a phone that was not pushed to, with its heaviest finding as the reason.
pub fn skipped(phone: &AuditedPhone) -> PhoneResult {
    let worst = phone.worst();
    let reason = match (phone.verdict, worst) {
        (Verdict::Fixable, Some(finding)) => {
            format!("{}, and that was not repaired", finding.message)
        }
        (_, Some(finding)) => finding.message.clone(),
        (verdict, None) => verdict.to_string(),
    };
    PhoneResult {
        name: phone.phone.name.clone(),
        model: phone.phone.model.clone(),
        device_pool: phone.phone.device_pool.clone(),
        ip: phone.phone.registration.ip,
        image: None,
        outcome: Outcome::Skipped,
        phone_error: None,
        reason: Some(reason),
        remedy: worst.map(|finding| finding.remedy.clone()),
        attempts: 0,
        first_attempt_at: None,
        finished_at: None,
        duration_ms: None,
    }
}
