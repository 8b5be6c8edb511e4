//! The way to phones over HTTPS, whatever is sent to them.

use std::net::IpAddr;

use crate::net::client::{PhoneHttpOptions, phone_https};
use crate::net::error::HttpError;
use crate::net::fingerprint::Fingerprint;
use crate::net::phone_trust::{Believed, Expected, PhoneTls, PhoneTrust};
use crate::phone::client::{Cause, Phase};
use crate::phone::{DeviceInformation, IdentityError, PhoneClient, Unreachable};

/// How phones are reached over HTTPS: on which port, and what their certificates are believed by.
#[derive(Clone, Debug)]
pub struct Https {
    /// What is believed.
    pub trust: PhoneTrust,
    /// The port of the phones' web servers.
    pub port: u16,
}

/// A client for one phone over HTTPS.
#[derive(Clone, Debug)]
pub struct SecurePhone {
    /// The client. It sends nothing before the phone's certificate is believed.
    pub client: PhoneClient,
    tls: PhoneTls,
}

impl Https {
    /// Makes a client for the phone that is meant, with the credentials and the patience of another client.
    ///
    /// # Errors
    /// When no client can be built.
    pub fn to(
        &self,
        like: &PhoneClient,
        device: Option<&str>,
        pin: Option<Fingerprint>,
    ) -> Result<SecurePhone, HttpError> {
        let expected = Expected { device: device.map(str::to_owned), pin };
        let tls = PhoneTls::new(self.trust.clone(), expected);
        let options = PhoneHttpOptions { call: like.timeout(), ..PhoneHttpOptions::default() };
        let client = phone_https(&options, &tls)?;
        Ok(SecurePhone { client: like.over_https(client, self.port), tls })
    }
}

impl SecurePhone {
    /// Returns the certificate that was believed; nothing before the phone was asked anything.
    pub fn believed(&self) -> Option<Believed> {
        self.tls.believed()
    }
}

/// Tells whether a phone that cannot be reached over HTTP may answer over HTTPS: its port is closed, or drops
/// connections before it has said anything.
pub fn may_answer_https(unreachable: &Unreachable) -> bool {
    matches!(unreachable.cause, Cause::Refused | Cause::Reset) && unreachable.phase != Phase::Answer
}

/// Asks who lives at an address, over HTTP and where that leads to HTTPS or nowhere over HTTPS. No credentials are
/// sent, whatever the client has.
///
/// # Errors
/// When nobody answers, or with something else.
pub async fn who_is_there(
    phones: &PhoneClient,
    https: Option<&Https>,
    ip: IpAddr,
) -> Result<DeviceInformation, IdentityError> {
    let asked = phones.device_information(ip).await;
    let Some(https) = https else { return asked };
    let leads_on = match &asked {
        Err(IdentityError::MovedToHttps { .. }) => true,
        Err(IdentityError::Unreachable(why)) => may_answer_https(why),
        Err(IdentityError::NotThere { .. }) | Ok(_) => false,
    };
    if !leads_on {
        return asked;
    }
    match https.to(phones, None, None) {
        Ok(secure) => match secure.client.device_information(ip).await {
            // Nobody is there at all: what the usual port says is what people know.
            Err(IdentityError::Unreachable(why)) if may_answer_https(&why) => asked,
            answer => answer,
        },
        Err(_) => asked,
    }
}
