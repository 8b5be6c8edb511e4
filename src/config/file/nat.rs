//! Translated addresses, as the config file writes them.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::images::OneOrMore;
use crate::domain::nat::NatRule;
use crate::domain::text::quoted;

/// Phones, and the addresses that their requests come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NatSection {
    #[serde(default)]
    device_pool: OneOrMore,
    #[serde(default)]
    subnet: Networks,
    from: Sources,
}

/// Addresses and networks: one, or a list of them. The default is an empty list; a written one would mean all phones where
/// none is meant.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Texts")]
struct Networks(Vec<IpNet>);

/// Networks that requests come from. There is one at least, and none that holds every address, because downloads
/// from anywhere prove nothing.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Networks")]
struct Sources(Vec<IpNet>);

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "an address such as 203.0.113.7, a network such as 198.51.100.0/28, or a list of them"
)]
enum Texts {
    One(String),
    More(Vec<String>),
}

impl TryFrom<Texts> for Networks {
    type Error = String;

    fn try_from(texts: Texts) -> Result<Self, String> {
        let texts = match texts {
            Texts::One(text) => vec![text],
            Texts::More(texts) => texts,
        };
        if texts.is_empty() {
            return Err("it names no address".to_owned());
        }
        texts.iter().map(|text| network(text)).collect::<Result<_, _>>().map(Self)
    }
}

impl TryFrom<Networks> for Sources {
    type Error = String;

    fn try_from(Networks(networks): Networks) -> Result<Self, String> {
        match networks.iter().find(|network| network.prefix_len() == 0) {
            Some(all) => {
                Err(format!("{all} holds every address, and downloads from anywhere prove nothing"))
            }
            None => Ok(Self(networks)),
        }
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    address.or_else(|_| text.parse::<IpNet>().map(|network| network.trunc())).map_err(|_| {
        format!(
            "{} is neither an address such as 203.0.113.7 nor a network such as 198.51.100.0/28",
            quoted(text)
        )
    })
}

impl NatSection {
    pub(super) fn rule(&self) -> NatRule {
        NatRule {
            device_pool: self.device_pool.patterns().to_vec(),
            subnet: self.subnet.0.clone(),
            from: self.from.0.clone(),
        }
    }
}
