//! Which phones `--limit` and `--sample` take.

use std::collections::HashSet;

use super::audit::{Audit, AuditedPhone};
use super::device_name::DeviceName;
use super::finding::{Code, Severity, Verdict};
use super::selector::Selector;
use super::spread::spread;

impl Selector {
    /// Returns whether only so many of the selected phones are taken.
    pub fn is_limited(&self) -> bool {
        self.limit.is_some() || self.sample.is_some()
    }

    /// Returns the phones that the limit takes, of an audit of all that are selected. Phones that can take the push come
    /// first; others are taken only where there are too few of these, so that a report has the reasons. `may_repair`
    /// tells whether phones count that can take the push once the cluster is changed.
    ///
    /// A push makes none of these phones less able to take another one, so a repeated command takes the same phones.
    pub fn within_limit(&self, audit: &Audit, may_repair: bool) -> HashSet<DeviceName> {
        let mut phones: Vec<&AuditedPhone> = audit.phones.iter().collect();
        if self.sample.is_some() {
            phones = spread(phones, |phone| (&phone.phone.model, &phone.phone.device_pool));
        }
        phones.sort_by_key(|phone| rank(phone, may_repair));
        let most = self.limit.or(self.sample).unwrap_or(usize::MAX);
        phones.into_iter().take(most).map(|phone| phone.name().clone()).collect()
    }
}

/// Phones of a lower rank are taken first.
fn rank(phone: &AuditedPhone, may_repair: bool) -> u8 {
    if phone.excluded().is_some() {
        return 4;
    }
    // A push user that is not named says nothing about the phone.
    let findings = phone.findings.iter().filter(|finding| finding.code != Code::PushUserMissing);
    match findings.map(|finding| finding.severity).max().map_or(Verdict::Ready, Severity::verdict) {
        Verdict::Ready => 0,
        Verdict::Fixable => u8::from(!may_repair),
        Verdict::Offline => 2,
        Verdict::Blocked => 3,
        Verdict::Unsupported => 5,
    }
}
