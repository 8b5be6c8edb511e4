//! `getServiceParameter`: a service parameter or an enterprise parameter.

use serde::{Deserialize, Serialize};

use crate::soap::read::Answer;
use crate::soap::reference::Reference;
use crate::soap::scalar;

use super::list_process_node::ENTERPRISE_WIDE_DATA;
use super::operation::Operation;
use super::request::Return;

/// Asks for a parameter of a service on a server.
#[derive(Clone, Debug, Serialize)]
pub struct GetServiceParameter {
    #[serde(rename = "processNodeName")]
    node: String,
    name: String,
    service: String,
}

impl GetServiceParameter {
    /// Asks for a parameter of the whole cluster: an enterprise parameter.
    pub fn enterprise(name: impl Into<String>) -> Self {
        Self::of_service(name, ENTERPRISE_WIDE, ENTERPRISE_WIDE_DATA)
    }

    /// Asks for a parameter of one service on one server.
    pub fn of_service(
        name: impl Into<String>,
        service: impl Into<String>,
        node: impl Into<String>,
    ) -> Self {
        Self { node: node.into(), name: name.into(), service: service.into() }
    }
}

impl Operation for GetServiceParameter {
    const NAME: &'static str = "getServiceParameter";
    type Output = GetServiceParameterAnswer;
}

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct GetServiceParameterAnswer(Return<Content>);

impl GetServiceParameterAnswer {
    /// Takes the parameter out.
    pub fn into_parameter(self) -> ServiceParameter {
        self.0.content.parameter
    }
}

impl Answer for GetServiceParameterAnswer {
    const ELEMENTS: &'static [&'static str] = &["getServiceParameterResponse"];
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct Content {
    #[serde(rename = "serviceParameter")]
    parameter: ServiceParameter,
}

/// A parameter.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct ServiceParameter {
    /// The UUID as AXL writes it.
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    /// The server, or `EnterpriseWideData`.
    #[serde(rename = "processNodeName")]
    pub node: Reference,
    /// The name.
    #[serde(deserialize_with = "scalar::text")]
    pub name: Option<String>,
    /// The service, or `Enterprise Wide`.
    #[serde(deserialize_with = "scalar::text")]
    pub service: Option<String>,
    /// The value; nothing when it was never set.
    #[serde(deserialize_with = "scalar::text")]
    pub value: Option<String>,
    /// The type of the value.
    #[serde(rename = "valueType", deserialize_with = "scalar::text")]
    pub value_type: Option<String>,
}

/// The service that enterprise parameters belong to (`XService` of the AXL schema).
const ENTERPRISE_WIDE: &str = "Enterprise Wide";
