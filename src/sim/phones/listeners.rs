//! The sockets of the phones and of the authentication page.
//!
//! All phones share one port. Where the system allows it, one socket that is bound to the loopback interface itself
//! serves all of 127.0.0.0/8; nothing outside of this machine can reach it. Elsewhere every phone gets a socket.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpListener;

/// Opens the sockets of the phones and returns them with the port that they share.
pub(crate) fn bind(port: u16, phones: &[Ipv4Addr]) -> io::Result<(Vec<TcpListener>, u16)> {
    if let Ok(listener) = bind_interface(port) {
        let port = listener.local_addr()?.port();
        return Ok((vec![listener], port));
    }
    bind_each(port, phones)
}

/// Opens the socket of the authentication page. A thousand phones may ask it at one moment: a queue of the usual 128
/// would have most of them try again a second later.
pub(crate) fn bind_page() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = bind_address(Ipv4Addr::LOCALHOST, 0)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Opens a socket at the first of these addresses that is free, and returns it with its address.
///
/// # Errors
/// The port and the error of the last address.
pub(crate) async fn bind_first(
    addresses: &[SocketAddr],
) -> Result<(TcpListener, SocketAddr), (u16, io::Error)> {
    let mut failure = (0, io::Error::from(io::ErrorKind::InvalidInput));
    for &address in addresses {
        let opened = TcpListener::bind(address).await.and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((listener, address))
        });
        match opened {
            Ok(opened) => return Ok(opened),
            Err(error) => failure = (address.port(), error),
        }
    }
    Err(failure)
}

fn bind_each(port: u16, phones: &[Ipv4Addr]) -> io::Result<(Vec<TcpListener>, u16)> {
    let phones: Vec<Ipv4Addr> =
        phones.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let Some((&first, others)) = phones.split_first() else {
        let listener = bind_address(Ipv4Addr::LOCALHOST, port)?;
        let port = listener.local_addr()?.port();
        return Ok((vec![listener], port));
    };
    // A port that is free at one address may be taken at another: try some.
    let mut last_error = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..16 {
        let listener = bind_address(first, port)?;
        let shared = listener.local_addr()?.port();
        let rest = others.iter().map(|&phone| bind_address(phone, shared));
        match rest.collect::<io::Result<Vec<_>>>() {
            Ok(mut listeners) => {
                listeners.push(listener);
                return Ok((listeners, shared));
            }
            Err(error) if port == 0 && error.kind() == io::ErrorKind::AddrInUse => {
                last_error = error;
            }
            Err(error) => return Err(error),
        }
    }
    Err(last_error)
}

#[cfg(target_os = "linux")]
fn bind_interface(port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    // Before `bind`, so that there is no moment at which another interface could be reached.
    socket.bind_device(Some(b"lo"))?;
    listen(&socket, SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
}

#[cfg(not(target_os = "linux"))]
fn bind_interface(_port: u16) -> io::Result<TcpListener> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

fn bind_address(address: Ipv4Addr, port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    listen(&socket, SocketAddr::from((address, port)))
}

fn listen(socket: &Socket, address: SocketAddr) -> io::Result<TcpListener> {
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.try_clone()?.into())
}

/// The listeners of the phones, for accepting at a moment that the simulator chooses.
pub(crate) struct Listeners {
    /// Held while a connection is accepted, until it is known to which device it leads.
    accepting: Mutex<()>,
    pub(super) all: Vec<(std::net::TcpListener, bool)>,
}

impl Listeners {
    pub(crate) fn of(plain: &[TcpListener], secure: &[TcpListener]) -> io::Result<Self> {
        let plain = plain.iter().map(|listener| (listener, false));
        let each = plain.chain(secure.iter().map(|listener| (listener, true)));
        let all = each
            .map(|(listener, secure)| Ok((SockRef::from(listener).try_clone()?.into(), secure)));
        Ok(Self { accepting: Mutex::default(), all: all.collect::<io::Result<_>>()? })
    }

    pub(super) fn accepting(&self) -> MutexGuard<'_, ()> {
        self.accepting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const BACKLOG: i32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_the_interface_every_phone_has_a_socket_of_the_same_port() {
        let phones = [[127, 3, 0, 1], [127, 3, 0, 2], [127, 3, 0, 1]].map(Ipv4Addr::from);
        let (listeners, port) = bind_each(0, &phones).unwrap();
        let mut found: Vec<_> = listeners.iter().map(|l| l.local_addr().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, [(phones[0], port).into(), (phones[1], port).into()]);
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_passed_over() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let taken_at = taken.local_addr().unwrap();
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (_listener, address) = bind_first(&[taken_at, free]).await.unwrap();
        assert_ne!(address, taken_at);
        let (port, error) = bind_first(&[taken_at]).await.unwrap_err();
        assert_eq!((port, error.kind()), (taken_at.port(), io::ErrorKind::AddrInUse));
    }
}
