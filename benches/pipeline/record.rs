//! A go-between that writes down which requests a client sends.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axlpaper::net::listen::{SelfSigned, TlsListener};
use axlpaper::net::trust::Trust;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::Failure;
use crate::bare::Bare;
use crate::server::Server;

/// One request, without what belongs to its session.
#[derive(Clone)]
pub struct Call {
    /// The path.
    pub path: String,
    /// What says of what kind the body is.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A running go-between. It stops when it is dropped.
pub struct Recorder {
    tape: Arc<Tape>,
    /// Where it listens.
    pub address: SocketAddr,
    /// What to trust it by.
    pub trust: Trust,
    _server: JoinSet<std::io::Result<()>>,
}

struct Tape {
    onward: Bare,
    calls: Mutex<Vec<Call>>,
}

impl Recorder {
    /// Begins to listen in front of a server.
    pub async fn start(server: &Server) -> Result<Self, Failure> {
        let identity = SelfSigned::loopback()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let tape = Arc::new(Tape { onward: Bare::new(server)?, calls: Mutex::default() });
        let router = Router::new().fallback(forward).with_state(Arc::clone(&tape));
        let listener = TlsListener::new(listener, identity.server_config()?);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await });
        let trust = Trust::pinned(identity.sha256().parse()?);
        Ok(Self { tape, address, trust, _server: tasks })
    }

    /// Returns what was sent, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.tape.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn forward(State(tape): State<Arc<Tape>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let path = parts.uri.path().to_owned();
    let headers = only(&parts.headers, &[CONTENT_TYPE, ACCEPT, SOAP_ACTION]);
    let call = Call { path, headers, body };
    tape.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call.clone());
    let session = only(&parts.headers, &[AUTHORIZATION, COOKIE]);
    match tape.onward.send(&call, session).await {
        Ok(answer) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = answer.status();
            *response.headers_mut() = only(answer.headers(), &[CONTENT_TYPE, SET_COOKIE]);
            *response.body_mut() = Body::from(answer.bytes().await.unwrap_or_default());
            response
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

fn only(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in names {
        for value in headers.get_all(name) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");
