//! Chooses the phones that are pushed to, and everything about them that is known before the push.

use std::sync::Arc;

use crate::domain::audit::Audit;
use crate::domain::device_name::DeviceName;
use crate::domain::finding::{Code, Verdict};
use crate::domain::nat::DownloadSources;
use crate::domain::payload_kind::{AcceptedFormat, ObjectKind};
use crate::domain::personalization::Effective;
use crate::push::{LoginCheck, Target};

/// Returns a target for every phone that is ready for an object of this kind and not excluded.
///
/// `is_recently_changed` tells whether a phone or its association was changed only a moment ago, and
/// `cluster_url_known` whether the cluster's Authentication URL could be read: an acceptance proves a
/// password only where the phone is known to ask the cluster itself. A phone whose URL was cleared may not have
/// restarted since, and so may still ask the cluster.
pub fn targets(
    kind: ObjectKind,
    audit: &Audit,
    is_recently_changed: impl Fn(&DeviceName) -> bool,
    cluster_url_known: bool,
) -> Vec<Target> {
    let ready = audit.phones.iter().filter(|phone| phone.verdict == Verdict::Ready);
    ready
        .filter(|phone| phone.excluded().is_none())
        .filter_map(|phone| {
            let url_known = cluster_url_known || phone.phone.authentication_url.is_some();
            Some(Target {
                name: phone.phone.name.clone(),
                model: phone.phone.model.clone(),
                device_pool: phone.phone.device_pool.clone(),
                ip: phone.phone.registration.reachable_ip()?,
                accepts: phone.model.and_then(|model| AcceptedFormat::of(kind, model))?,
                picture: phone.image.as_ref().and_then(|i| i.picture.clone()).unwrap_or_default(),
                words: phone.image.as_ref().and_then(|i| i.words.clone()).map(Arc::new),
                https: phone.personalization.effective == Effective::HttpsOnly,
                login_check: if phone.has(Code::AuthenticationUrlForeign) {
                    LoginCheck::Elsewhere
                } else if url_known && !phone.has(Code::AuthenticationUrlBlank) {
                    LoginCheck::Cluster
                } else {
                    LoginCheck::Unknown
                },
                recently_changed: is_recently_changed(phone.name()),
                sources: DownloadSources::of(phone.phone.registration.own_addresses()),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::{AssociationState, AuditedPhone, Summary};
    use crate::domain::finding::{Finding, Severity};
    use crate::domain::inventory::{ClusterInfo, Phone};
    use crate::domain::model;
    use crate::domain::personalization::Personalization;
    use crate::domain::registration::{Registration, Source, Status};

    fn phone(name: &str, codes: &[Code]) -> AuditedPhone {
        let registration = Registration {
            ip: Some([10, 0, 0, 1].into()),
            ..Registration::unknown(Status::Registered, Source::Risport70)
        };
        let warning = |code: &Code| Finding {
            code: *code,
            severity: Severity::Warning,
            message: String::new(),
            remedy: String::new(),
        };
        AuditedPhone {
            phone: Phone {
                name: name.parse().unwrap(),
                extension: None,
                description: String::new(),
                model: "Cisco 8841".into(),
                protocol: "SIP".into(),
                device_pool: "HQ".into(),
                common_phone_profile: None,
                location: None,
                owner: None,
                personalization: None,
                authentication_url: None,
                secure_authentication_url: None,
                configured_load: None,
                web_access: crate::domain::web_access::PageValue::Nothing,
                page: None,
                registration,
            },
            model: model::by_number(683),
            personalization: Personalization::resolve(None, None, None),
            association: AssociationState { user: None, kind: None, associated: true },
            image: None,
            verdict: Verdict::Ready,
            findings: codes.iter().map(warning).collect(),
        }
    }

    fn audit(phones: Vec<AuditedPhone>) -> Audit {
        let text = String::new;
        Audit {
            cluster: ClusterInfo {
                name: text(),
                host: text(),
                version: text(),
                axl_version: text(),
            },
            taken_at: jiff::Timestamp::UNIX_EPOCH,
            summary: Summary::default(),
            phones,
            remarks: Vec::new(),
            rule_changes: Vec::new(),
        }
    }

    fn chosen_of(audit: &Audit) -> Vec<Target> {
        targets(ObjectKind::Background, audit, |_| false, true)
    }

    #[test]
    fn only_ready_phones_with_an_address_and_a_picture_are_chosen() {
        let mut blocked = phone("SEP2", &[]);
        blocked.verdict = Verdict::Blocked;
        let mut nowhere = phone("SEP3", &[]);
        nowhere.phone.registration.ip = None;
        let mut blank = phone("SEP4", &[]);
        blank.model = model::by_number(622);
        let alone = phone("SEP5", &[Code::Excluded]);
        let chosen = chosen_of(&audit(vec![phone("SEP1", &[]), blocked, nowhere, blank, alone]));
        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen[0].name.as_str(), "SEP1");
        assert!(!chosen[0].recently_changed);
    }

    #[test]
    fn an_acceptance_proves_the_password_only_where_the_cluster_is_asked() {
        let check = |phone, known| {
            targets(ObjectKind::Background, &audit(vec![phone]), |_| true, known)[0].login_check
        };
        use LoginCheck::{Cluster, Elsewhere, Unknown};
        assert_eq!(check(phone("SEP1", &[]), true), Cluster);
        assert_eq!(check(phone("SEP1", &[]), false), Unknown);
        assert_eq!(check(phone("SEP1", &[Code::AuthenticationUrlBlank]), true), Unknown);
        assert_eq!(check(phone("SEP1", &[Code::AuthenticationUrlForeign]), true), Elsewhere);
        let mut own = phone("SEP1", &[]);
        own.phone.authentication_url = Some("http://pub:8080/ccmcip/authenticate.jsp".into());
        assert_eq!(check(own, false), Cluster);
    }
}
