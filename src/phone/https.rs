//! The way to phones over HTTPS, whatever is sent to them.

use std::net::IpAddr;

use crate::net::fingerprint::Fingerprint;
use crate::net::phone_trust::{Believed, Expected, PhoneTls, PhoneTrust};
use crate::net::trust::TrustError;
use crate::phone::client::{Cause, Phase};
use crate::phone::{DeviceInformation, IdentityError, PhoneClient, Unreachable};

/// How phones are reached over HTTPS: on which port, and what their certificates are believed by.
#[derive(Clone, Debug)]
pub struct Https {
    pub trust: PhoneTrust,
    pub port: u16,
}

#[derive(Clone, Debug)]
pub struct SecurePhone {
    /// The client. It sends nothing before the phone's certificate is believed.
    pub client: PhoneClient,
    tls: PhoneTls,
}

impl Https {
    /// Makes a client for the phone that is meant, with the credentials and the patience of another client.
    pub fn to(
        &self,
        like: &PhoneClient,
        device: Option<&str>,
        pin: Option<Fingerprint>,
    ) -> Result<SecurePhone, TrustError> {
        let expected = Expected { device: device.map(str::to_owned), pin };
        let tls = PhoneTls::new(self.trust.clone(), expected);
        let client = like.over_https(tls.client_config()?, self.port);
        Ok(SecurePhone { client, tls })
    }
}

impl SecurePhone {
    /// Returns the certificate that was believed; nothing before the phone was asked anything.
    pub fn believed(&self) -> Option<Believed> {
        self.tls.believed()
    }
}

/// Returns whether a phone that cannot be reached over HTTP may answer over HTTPS: its port is closed, or drops
/// connections before it has said anything.
pub fn may_answer_https(unreachable: &Unreachable) -> bool {
    matches!(unreachable.cause, Cause::Refused | Cause::Reset) && unreachable.phase != Phase::Answer
}

/// Asks who lives at an address, over HTTP and where that leads to HTTPS or nowhere over HTTPS. No credentials are
/// sent, whatever the client has.
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
            // Neither port answers: the error of the usual port is the one that people know.
            Err(IdentityError::Unreachable(why)) if may_answer_https(&why) => asked,
            answer => answer,
        },
        Err(_) => asked,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use secrecy::SecretString;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::net::listen::SelfSigned;
    use crate::net::phone_tls_problem::PhoneTlsProblem;
    use crate::phone::Reuse;

    fn phones(port: u16) -> PhoneClient {
        let password = SecretString::from("s3cret");
        PhoneClient::new("bgpush", &password, port, Duration::from_secs(20)).unwrap()
    }

    /// Shows these certificates on one connection after the other, and returns what it was sent on each.
    async fn phone(listener: &TcpListener, identities: Vec<&SelfSigned>) -> Vec<String> {
        let mut seen = Vec::new();
        for identity in identities {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = TlsAcceptor::from(identity.server_config().unwrap());
            let Ok(mut stream) = acceptor.accept(stream).await else {
                seen.push(String::new());
                continue;
            };
            let mut request = vec![0; 8_192];
            let length = stream.read(&mut request).await.unwrap_or(0);
            request.truncate(length);
            seen.push(String::from_utf8_lossy(&request).to_lowercase());
            let answer = b"HTTP/1.0 200 OK\r\n\r\n<DeviceInformation><HostName>SEP1</HostName></DeviceInformation>";
            let _answered = stream.write_all(answer).await.is_ok();
            let _closed = stream.shutdown().await.is_ok();
        }
        seen
    }

    #[tokio::test]
    async fn nobody_can_step_in_between_the_question_and_the_password() {
        let (first, second) = (SelfSigned::loopback().unwrap(), SelfSigned::loopback().unwrap());
        for trust in [PhoneTrust::PinFirstUse, PhoneTrust::Insecure] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let at = listener.local_addr().unwrap();
            let https = Https { trust, port: at.port() };
            let secure = https.to(&phones(80), Some("SEP1"), None).unwrap();
            assert!(secure.believed().is_none());
            let ask = secure.client.open(at.ip(), Reuse::AtOnce);
            let (opened, seen) = tokio::join!(ask, phone(&listener, vec![&first, &second]));
            // It has ended its connection, and the device that is there now shows another certificate.
            let Err(IdentityError::Unreachable(why)) = opened.identity else {
                panic!("{opened:?}")
            };
            assert!(matches!(why.cause, Cause::Tls(PhoneTlsProblem::Changed { .. })), "{why:?}");
            assert_eq!(secure.believed().unwrap().fingerprint, Fingerprint::of(first.der()));
            assert!(seen[0].starts_with("get /deviceinformationx") && seen[1].is_empty());
            assert!(seen.iter().all(|request| !request.contains("authorization")));
        }
    }

    #[tokio::test]
    async fn a_certificate_that_is_not_believed_is_sent_nothing() {
        let shown = SelfSigned::loopback().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let https = Https { trust: PhoneTrust::PinFirstUse, port: at.port() };
        let pin = Fingerprint::of(b"another one");
        let secure = https.to(&phones(80), Some("SEP1"), Some(pin)).unwrap();
        let (answer, seen) =
            tokio::join!(secure.client.device_information(at.ip()), phone(&listener, vec![&shown]));
        let Err(IdentityError::Unreachable(why)) = answer else { panic!("{answer:?}") };
        assert!(matches!(why.cause, Cause::Tls(PhoneTlsProblem::Changed { .. })), "{why:?}");
        assert_eq!(seen, [""]);
        assert!(secure.believed().is_none());
    }

    #[tokio::test]
    async fn a_port_that_redirects_leads_to_the_phones_own_https_port() {
        let shown = SelfSigned::loopback().unwrap();
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let secure = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (at, secure_at) = (plain.local_addr().unwrap(), secure.local_addr().unwrap());
        let https = Https { trust: PhoneTrust::Insecure, port: secure_at.port() };
        let redirect = async {
            let (mut stream, _) = plain.accept().await.unwrap();
            let mut request = vec![0; 4_096];
            let _read = stream.read(&mut request).await.unwrap();
            // Where it would lead does not count: a phone is asked at its own address only.
            let answer =
                b"HTTP/1.1 302 Found\r\nLocation: HTTPS://192.0.2.1/x\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        };
        let client = phones(at.port());
        let ask = who_is_there(&client, Some(&https), at.ip());
        let (found, (), _) = tokio::join!(ask, redirect, phone(&secure, vec![&shown]));
        assert_eq!(found.unwrap().host_name.as_deref(), Some("SEP1"));
    }

    #[tokio::test]
    async fn without_a_way_over_https_a_redirect_is_told() {
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = plain.local_addr().unwrap();
        let redirect = async {
            let (mut stream, _) = plain.accept().await.unwrap();
            let mut request = vec![0; 4_096];
            let _read = stream.read(&mut request).await.unwrap();
            let answer =
                b"HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        };
        let client = phones(at.port());
        let (found, ()) = tokio::join!(who_is_there(&client, None, at.ip()), redirect);
        assert_eq!(found, Err(IdentityError::MovedToHttps { status: 301 }));
    }
}
