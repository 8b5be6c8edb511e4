//! What a publisher refuses of a phone that is written over AXL: names, protocols and profiles that do not fit its model.
//!
//! Writes of SQL bypass these rules, as on a real cluster.

use crate::domain::model::{self, DeviceKind, Model};
use crate::sim::fault::SoapFault;
use crate::sim::fleet_content::{PhoneSpec, Protocol};
use crate::sim::values;

pub(super) struct PhoneRules {
    /// Nothing for a model that is not in the catalogue: it has no rules.
    model: Option<&'static Model>,
    protocol: Protocol,
}

impl PhoneRules {
    pub(super) fn of(spec: &PhoneSpec) -> Self {
        Self { model: model::by_number(spec.model), protocol: spec.protocol }
    }

    /// Refuses a name that a device of this model cannot have. The wording was seen in published clients, the code not.
    pub(super) fn check_name(&self, name: &str) -> Result<(), SoapFault> {
        let hexadecimal = |text: &str| {
            text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'A'..=b'F'))
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let is_free = (1..=15).contains(&name.len()) && name.bytes().all(plain);
        let fits = match self.model.map(|model| model.kind) {
            Some(DeviceKind::DeskPhone | DeviceKind::ThirdParty | DeviceKind::Video) => {
                name.strip_prefix("SEP").is_some_and(hexadecimal)
            }
            Some(DeviceKind::SoftPhone | DeviceKind::Virtual) => is_free,
            // The names of ports are made of their gateway's.
            Some(DeviceKind::Analog) | None => true,
        };
        let message = "The specified name has invalid characters or is not formatted correctly for this device type.";
        fits.then_some(()).ok_or_else(|| SoapFault::server(-1, message))
    }

    /// Refuses SCCP for a model that speaks SIP only. Neither code nor wording were published.
    pub(super) fn check_protocol(&self) -> Result<(), SoapFault> {
        let Some(model) = self.model.filter(|_| self.protocol == Protocol::Sccp) else {
            return Ok(());
        };
        let speaks = SCCP.iter().any(|begin| model.name.starts_with(begin));
        let message = || format!("the product {} has no protocol SCCP", model.name);
        speaks.then_some(()).ok_or_else(|| SoapFault::invalid(message()))
    }

    /// Refuses a security profile that no cluster has from the beginning: none can be added here.
    pub(super) fn check_security_profile(&self, text: &str) -> Result<(), SoapFault> {
        let begins =
            |with: &str| text.get(..with.len()).is_some_and(|text| text.eq_ignore_ascii_case(with));
        let protocol = values::protocol(self.protocol);
        let end = format!("standard {protocol} non-secure profile").to_lowercase();
        let of_model = begins(self.model.map_or("", |model| model.name))
            && text.to_lowercase().ends_with(&end);
        // Seen in a published client.
        let message = "The specified Security Profile is not valid for this device type (model and protocol).";
        let fits = text.is_empty() || of_model || begins("Universal Device Template");
        fits.then_some(()).ok_or_else(|| SoapFault::server(-1, message))
    }
}

/// How the names of models begin that speak SCCP.
const SCCP: [&str; 10] = [
    "CTI Port",
    "Cisco 69",
    "Cisco 79",
    "Cisco 894",
    "Cisco ATA 18",
    "Cisco IP Communicator",
    "Cisco VGC",
    "IP-STE",
    "ISDN BRI Phone",
    "SCCP gateway",
];
