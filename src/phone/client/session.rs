//! What is sent to a phone goes over the connection on which it has said who it is.
//!
//! Addresses are leased. A password that goes over another connection than the answer goes to the device that has the address by
//! then. So a [`PhoneSession`] comes with that answer, and has one connection: once that is used up, the phone has to be
//! asked again.
//!
//! A phone that ends connections after each answer cannot be sent anything over the same one. For it, the connection
//! for the push is opened *before* it is asked, over another one: as long as that stays open, its other end is the device
//! that had the address then and still has it now.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Method, Request};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::screenshot::{Screenshot, sort_out};
use super::{Cause, Outcome, Phase, PhoneAnswer, PhoneClient, content_type, leads_to_https};
use crate::phone::connection::{Connection, Interrupted, dial};
use crate::phone::xml::{clean, decode};
use crate::phone::{DeviceInformation, IdentityError, PhoneError, PushObject, Reply};

/// Who answers at an address, and the way to send it something.
#[derive(Debug)]
pub struct Opened {
    pub identity: Result<DeviceInformation, IdentityError>,
    /// The session with the device that gave this identity.
    pub session: PhoneSession,
}

/// How sure it has to be that a phone keeps its connection open, before something is sent over it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reuse {
    /// What the phone says of it is enough: what is sent may be sent again if it gets lost.
    AtOnce,
    /// It is asked a second time who it is. That shows whether it ends connections without saying so, which would
    /// leave open whether it got what was sent next.
    Probed,
}

/// A connection to the device that has just said who it is.
#[derive(Debug)]
pub struct PhoneSession {
    client: PhoneClient,
    ip: IpAddr,
    channel: Channel,
}

#[derive(Debug)]
enum Channel {
    /// The connection on which it said so.
    Same(Connection),
    /// One that was opened before it was asked; nothing was sent over it.
    Held(TcpStream),
    Ended,
}

impl PhoneClient {
    /// Asks who lives at this address, and keeps the way to exactly that device; sends no credentials.
    pub async fn open(&self, ip: IpAddr, reuse: Reuse) -> Opened {
        let (identity, connection) = self.question(ip, false).await;
        let identity = match (identity, connection) {
            (identity, Some(mut connection)) => {
                let identity = match reuse {
                    Reuse::Probed if connection.is_open().await => {
                        match self.identify(&mut connection, ip, false, self.deadline()).await {
                            // It ended the connection without saying so.
                            Err(IdentityError::Unreachable(why)) if why.cause == Cause::Reset => {
                                return self.open_before_asking(ip).await;
                            }
                            identity => identity,
                        }
                    }
                    Reuse::Probed | Reuse::AtOnce => identity,
                };
                if connection.is_open().await {
                    return self.opened(identity, ip, Channel::Same(connection));
                }
                identity
            }
            (identity, None) => identity,
        };
        match identity {
            Ok(_) | Err(IdentityError::NotThere { .. }) => self.open_before_asking(ip).await,
            Err(IdentityError::MovedToHttps { .. } | IdentityError::Unreachable(_)) => {
                self.opened(identity, ip, Channel::Ended)
            }
        }
    }

    /// Opens the connection for what follows before the question.
    async fn open_before_asking(&self, ip: IpAddr) -> Opened {
        match self.held(ip).await {
            Ok((identity, held)) => self.opened(identity, ip, Channel::Held(held)),
            Err(why) => self.opened(Err(self.unidentified(why)), ip, Channel::Ended),
        }
    }

    async fn held(
        &self,
        ip: IpAddr,
    ) -> Result<(Result<DeviceInformation, IdentityError>, TcpStream), Interrupted> {
        let deadline = self.deadline();
        // A server that serves one connection after the other takes them in this order.
        let question = dial(ip, self.port, deadline).await?;
        let held = dial(ip, self.port, deadline).await?;
        let mut question = Connection::over(question, self.tls.as_ref(), deadline).await?;
        Ok((self.identify(&mut question, ip, true, deadline).await, held))
    }

    fn opened(
        &self,
        identity: Result<DeviceInformation, IdentityError>,
        ip: IpAddr,
        channel: Channel,
    ) -> Opened {
        Opened { identity, session: PhoneSession { client: self.clone(), ip, channel } }
    }
}

impl PhoneSession {
    pub async fn is_open(&mut self) -> bool {
        match &mut self.channel {
            Channel::Same(connection) => connection.is_open().await,
            Channel::Held(_) => true,
            Channel::Ended => false,
        }
    }

    pub fn is_https(&self) -> bool {
        self.client.tls.is_some()
    }

    /// Posts an object to the phone, and ends the connection.
    ///
    /// The credentials go along unasked, because phones challenge with changing realms or not at all,
    /// as published tools found. There is never an `Expect` header: a phone was seen to answer it with
    /// `CiscoIPPhoneError` 6.
    ///
    /// # Errors
    /// When the object cannot be written; nothing has been sent then. Whatever happens on the way to
    /// the phone is no error here but part of the answer.
    pub async fn push(&mut self, object: &impl PushObject) -> Result<PhoneAnswer, PhoneError> {
        let xml = object.to_xml()?;
        let form =
            form_urlencoded::Serializer::new(String::new()).append_pair("XML", &xml).finish();
        let client = &self.client;
        let mut request =
            client.request(self.ip, Method::POST, "/CGI/Execute", Bytes::from(form), true);
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, kind);
        let started = Instant::now();
        let answer = match self.send("push", request, Reply::BODY_LIMIT).await {
            Ok((head, body)) => answer(&head, &body),
            // Without its end an answer proves nothing, whatever its beginning says.
            Err(why) => PhoneAnswer {
                http_status: why.head.as_ref().map(|head| head.status.as_u16()),
                moved_to_https: why.head.as_ref().is_some_and(|head| leads_to_https(head)),
                outcome: Outcome::Unreachable(self.client.unreachable(why)),
                raw: String::new(),
                took: Duration::ZERO,
            },
        };
        Ok(PhoneAnswer { took: started.elapsed(), ..answer })
    }

    /// Asks the phone for a picture of its screen, with the credentials. The connection can be used again where the phone
    /// keeps it open.
    pub async fn screenshot(&mut self) -> Screenshot {
        let request = self.client.get(self.ip, "/CGI/Screenshot", false);
        match self.send("Screenshot", request, Screenshot::LIMIT).await {
            Ok((head, body)) => {
                let kind = content_type(&head.headers);
                sort_out(head.status.as_u16(), kind, body)
            }
            Err(why) => Screenshot::None(self.client.unreachable(why).to_string()),
        }
    }

    async fn send(
        &mut self,
        operation: &str,
        mut request: Request<Bytes>,
        limit: usize,
    ) -> Result<(Parts, Vec<u8>), Interrupted> {
        if let Some(authorization) = &self.client.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        let (client, ip, deadline) = (&self.client, self.ip, self.client.deadline());
        let (mut connection, lasts) = match std::mem::replace(&mut self.channel, Channel::Ended) {
            Channel::Same(connection) => (connection, true),
            // The phone ends this one too after its answer.
            Channel::Held(stream) => {
                (Connection::over(stream, client.tls.as_ref(), deadline).await?, false)
            }
            // The device that is there now has not been identified.
            Channel::Ended => return Err(Interrupted::by(Phase::Connect, Cause::Reset)),
        };
        let answer =
            client.exchange(&mut connection, operation, ip, request, limit, deadline).await?;
        if lasts {
            self.channel = Channel::Same(connection);
        }
        Ok(answer)
    }
}

fn answer(head: &Parts, body: &[u8]) -> PhoneAnswer {
    let status = head.status.as_u16();
    PhoneAnswer {
        http_status: Some(status),
        moved_to_https: leads_to_https(head),
        outcome: Outcome::Answered(Reply::read(status, content_type(&head.headers), body)),
        raw: clean(&decode(body), PhoneAnswer::RAW_CHARS),
        took: Duration::ZERO,
    }
}
