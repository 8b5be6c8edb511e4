//! The phones' side: one web server for every phone, at the phone's own loopback address.

mod answers;
pub(crate) mod certificate;
pub(crate) mod connection;
mod execute;
mod fetch;
mod in_flight;
pub(crate) mod listeners;
mod object;
mod pages;
pub(crate) mod reply_wording;
pub(crate) mod screen;
mod traced;

use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, ready};
use std::time::Duration;

use futures::future::FutureExt as _;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::fleet_content::{Quirk, Web};
use super::shared::Shared;
use answers::Broken;
use execute::Connected;

/// Accepts every connection that clients have opened by now: it leads to the device that has the address now, however
/// late the simulator comes to it.
fn accept_waiting(shared: &Arc<Shared>) {
    let _accepting = shared.listeners.accepting();
    for (listener, secure) in &shared.listeners.all {
        while let Ok((stream, _)) = listener.accept() {
            let usable = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = usable {
                connect(shared, stream, *secure);
            }
        }
    }
}

/// Accepts connections to phones until the simulator stops; `secure` ones begin with a TLS handshake.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener, secure: bool) {
    let stopped = shared.stop.cancelled();
    tokio::pin!(stopped);
    loop {
        let accepted = poll_fn(|context| {
            let _accepting = shared.listeners.accepting();
            let accepted = ready!(listener.poll_accept(context));
            Poll::Ready(accepted.map(|(stream, _)| connect(&shared, stream, secure)))
        });
        let accepted = tokio::select! {
            () = &mut stopped => return,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok(()) => {}
            Err(error) => {
                // Out of file handles, most likely; others must close some first.
                tracing::warn!(%error, "the simulated phones cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

fn connect(shared: &Arc<Shared>, stream: TcpStream, secure: bool) {
    let Ok(local) = stream.local_addr() else { return };
    let phone = match local.ip() {
        IpAddr::V4(address) => {
            let mut cluster = shared.cluster();
            let found = cluster.addresses.get(&address).copied();
            let found = found
                .filter(|&at| cluster.devices[at].serves())
                .filter(|&at| secure || listens_plainly(cluster.devices[at].spec.web))
                .map(|at| (at, cluster.devices[at].spec.quirk));
            let connected = found.map(|(at, quirk)| {
                let history = &mut cluster.histories[at];
                history.connections += 1;
                let stranger = execute::taken_over(quirk, &history.requests);
                (Connected { at, number: history.connections, secure, stranger }, quirk)
            });
            drop(cluster);
            connected
        }
        IpAddr::V6(_) => None,
    };
    let resets = phone.is_none_or(|(_, quirk)| quirk == Quirk::Resets);
    if resets && stream.set_zero_linger().is_err() {
        return;
    }
    // Dropping the stream now sends a reset, as a phone without web server does.
    let Some((connected, quirk)) = phone else { return };
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let served = Arc::clone(shared);
    // It queues here, in the order in which connections came: tasks may begin in another one.
    let turn = (quirk == Quirk::OneConnectionAtATime).then(|| {
        let server = Arc::clone(&shared.cluster().histories[connected.at].server);
        let mut turn = Box::pin(server.lock_owned());
        let at_once = turn.as_mut().now_or_never();
        (turn, at_once)
    });
    shared.tasks.spawn(async move {
        let turn = match turn {
            None => None,
            Some((_, Some(turn))) => Some(turn),
            Some((turn, None)) => tokio::select! {
                () = served.stop.cancelled() => return,
                turn = turn => Some(turn),
            },
        };
        if secure {
            tokio::select! {
                () = served.stop.cancelled() => {}
                stream = handshake(&served, connected.at, stream) => if let Some(stream) = stream {
                    converse(&served, connected, stream, quirk).await;
                }
            }
        } else {
            converse(&served, connected, stream, quirk).await;
        }
        drop(turn);
    });
}

fn listens_plainly(web: Web) -> bool {
    match web {
        Web::Both | Web::RedirectsToHttps | Web::RedirectsPushes => true,
        Web::HttpsOnly | Web::OldTlsOnly => false,
    }
}

async fn handshake(
    shared: &Shared,
    at: usize,
    mut stream: TcpStream,
) -> Option<TlsStream<TcpStream>> {
    let spec = shared.cluster().devices[at].spec.clone();
    if spec.web == Web::OldTlsOnly {
        // A server of that time answers a greeting that it does not understand with an alert.
        let mut greeting = [0; 5];
        stream.read_exact(&mut greeting).await.ok()?;
        let rest = usize::from(u16::from_be_bytes([greeting[3], greeting[4]]));
        stream.read_exact(&mut vec![0; rest]).await.ok()?;
        stream.write_all(PROTOCOL_VERSION_ALERT).await.ok()?;
        stream.shutdown().await.ok()?;
        return None;
    }
    let product = spec.model_name.strip_prefix("Cisco ").unwrap_or(&spec.model_name);
    let product = format!("CP-{product}");
    let config = shared.maker.server_config(at, &product, &spec.name, &spec.certificate)?;
    TlsAcceptor::from(config).accept(stream).await.ok()
}

async fn converse<S>(shared: &Arc<Shared>, connected: Connected, stream: S, quirk: Quirk)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answers_once = quirk == Quirk::OneAnswerAConnection;
    let answered = AtomicBool::new(false);
    let service = service_fn(|request| {
        let ends = answered.swap(true, Ordering::Relaxed) && answers_once;
        let shared = Arc::clone(shared);
        async move {
            if ends {
                return Err(Broken);
            }
            let quirk = shared.cluster().devices[connected.at].spec.quirk;
            if matches!(quirk, Quirk::TakenOver { .. }) {
                accept_waiting(&shared);
            }
            execute::answer(shared, connected, request).await
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.config.request_time)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        () = shared.stop.cancelled() => {}
        ended = connection => if let Err(error) = ended {
            tracing::trace!(%error, "a connection to a simulated phone ended");
        }
    }
}

/// A fatal alert of TLS 1.0: `protocol_version` (RFC 5246, 7.2).
const PROTOCOL_VERSION_ALERT: &[u8] = &[0x15, 3, 1, 0, 2, 2, 70];
