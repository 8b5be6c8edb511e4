//! The HTTPS service of the cluster, which can be restarted in the middle of everything.
//!
//! A restart closes the port and breaks every connection; its sessions are gone. The services come back later than
//! the port: until then every path is answered with HTTP 404.

use std::future::IntoFuture as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::config::Restart;
use super::shared::Shared;
use crate::net::listen::TlsListener;

/// Serves until the simulator stops, through every restart.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    mut listener: TcpListener,
    address: SocketAddr,
    tls: Arc<rustls::ServerConfig>,
    router: Router,
    mut restarts: mpsc::UnboundedReceiver<Restart>,
) {
    loop {
        let cut = CancellationToken::new();
        let tls =
            Connections { tls: TlsListener::new(listener, Arc::clone(&tls)), cut: cut.clone() };
        let stop = shared.stop.clone().cancelled_owned();
        let serve = axum::serve(tls, router.clone()).with_graceful_shutdown(stop);
        let restart = tokio::select! {
            _stopped = serve.into_future() => return,
            Some(restart) = restarts.recv() => restart,
        };
        // The listener is gone; so are the connections now.
        cut.cancel();
        {
            let mut cluster = shared.cluster();
            cluster.sessions.clear();
            Arc::make_mut(&mut cluster.changes).restart();
            cluster.count("tomcat restart");
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(restart.closed) => {}
        }
        shared.cluster().services_from = Some(Instant::now() + restart.missing);
        listener = tokio::select! {
            () = shared.stop.cancelled() => return,
            listener = bind(address) => listener,
        };
    }
}

/// Binds an address that was given up; meanwhile another process can have it for a moment.
async fn bind(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) => {
                tracing::debug!(%error, %address, "the simulator cannot listen again yet");
                tokio::time::sleep(BETWEEN_BINDS).await;
            }
        }
    }
}

/// Connections that break when their token is cancelled.
struct Connections {
    tls: TlsListener,
    cut: CancellationToken,
}

impl axum::serve::Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (io, peer) = self.tls.accept().await;
        (Connection { io, cut: Box::pin(self.cut.clone().cancelled_owned()) }, peer)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tls.local_addr()
    }
}

struct Connection {
    io: TlsStream<TcpStream>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Connection {
    fn cut(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.cut(context)?;
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.cut(context)?;
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.cut(context)?;
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.cut(context)?;
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

const BETWEEN_BINDS: Duration = Duration::from_millis(10);
