//! Phones for tests, made from JSON as the journal has them.

use serde_json::json;

use crate::domain::audit::AuditedPhone;
use crate::domain::personalization::Personalization;
use crate::domain::registration::{Registration, Source, Status};
use crate::event::PhoneResult;

pub(crate) fn audited(name: &str) -> AuditedPhone {
    serde_json::from_value(json!({
        "name": name, "description": "", "model": "Cisco 8841", "protocol": "SIP", "device_pool": "HQ",
        "registration": Registration::unknown(Status::Registered, Source::Risport70),
        "personalization": Personalization::resolve(None, None, None),
        "association": {"associated": false}, "verdict": "ready", "findings": [],
    }))
    .unwrap()
}

pub(crate) fn pushed(name: &str) -> PhoneResult {
    serde_json::from_value(json!({
        "name": name, "model": "Cisco 8841", "device_pool": "HQ", "outcome": "verified", "attempts": 1,
    }))
    .unwrap()
}
