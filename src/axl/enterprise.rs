//! Settings of the whole cluster: service and enterprise parameters, and the page Enterprise Phone Configuration.

use serde::{Deserialize, Deserializer, Serialize};

use super::operation::Operation;
use super::request::{one, optional};
use super::system::ENTERPRISE_WIDE_DATA;
use crate::soap::reference::Reference;
use crate::soap::scalar;
use crate::soap::vendor_config::VendorConfig;

/// `getServiceParameter`: a parameter of a service on a server, or an enterprise parameter.
#[derive(Clone, Debug, Serialize)]
pub struct GetServiceParameter {
    #[serde(rename = "processNodeName")]
    node: &'static str,
    name: String,
    service: &'static str,
}

impl GetServiceParameter {
    pub fn enterprise(name: impl Into<String>) -> Self {
        Self { node: ENTERPRISE_WIDE_DATA, name: name.into(), service: ENTERPRISE_WIDE }
    }
}

impl Operation for GetServiceParameter {
    const NAME: &'static str = "getServiceParameter";
    type Output = ServiceParameter;

    fn read<'de, D: Deserializer<'de>>(content: D) -> Result<ServiceParameter, D::Error> {
        one("serviceParameter", content)
    }
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct ServiceParameter {
    /// The server, or `EnterpriseWideData`.
    #[serde(rename = "processNodeName")]
    pub node: Reference,
    /// The value; nothing when it was never set.
    #[serde(deserialize_with = "scalar::text")]
    pub value: Option<String>,
}

/// The service that enterprise parameters belong to (`XService` of the AXL schema).
const ENTERPRISE_WIDE: &str = "Enterprise Wide";

/// `getEnterprisePhoneConfig`. There is one such page in a cluster.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct GetEnterprisePhoneConfig {}

impl Operation for GetEnterprisePhoneConfig {
    const NAME: &'static str = "getEnterprisePhoneConfig";
    type Output = VendorConfig;

    fn read<'de, D: Deserializer<'de>>(content: D) -> Result<VendorConfig, D::Error> {
        let page: Option<EnterprisePhoneConfig> = optional("enterprisePhoneConfig", content)?;
        Ok(page.unwrap_or_default().vendor_config)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EnterprisePhoneConfig {
    #[serde(rename = "vendorConfig")]
    vendor_config: VendorConfig,
}
