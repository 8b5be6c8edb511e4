//! The HTTPS service of the cluster, which can be restarted in the middle of everything.
//!
//! A restart closes the port and breaks every connection; its sessions are gone. The services come back later than
//! the port: until then every path is answered with HTTP 404.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener as _;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

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
        let mut tls = TlsListener::new(listener, Arc::clone(&tls));
        let mut connections = JoinSet::new();
        let restart = loop {
            tokio::select! {
                () = shared.stop.cancelled() => {
                    drop(tls);
                    // They end with the answers that are under way.
                    while connections.join_next().await.is_some() {}
                    return;
                }
                Some(restart) = restarts.recv() => break restart,
                (stream, _peer) = tls.accept() => {
                    connections.spawn(converse(Arc::clone(&shared), stream, router.clone()));
                }
                Some(_ended) = connections.join_next() => {}
            }
        };
        drop(tls);
        connections.shutdown().await;
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

/// Answers the requests of a connection. It is closed when no request has come for so long as a header may take.
async fn converse(shared: Arc<Shared>, stream: TlsStream<TcpStream>, router: Router) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(shared.config.request_time);
    let service = TowerToHyperService::new(router);
    let mut connection = Box::pin(server.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shared.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection to the simulated cluster ended");
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

const BETWEEN_BINDS: Duration = Duration::from_millis(10);
