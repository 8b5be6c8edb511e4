//! The page that phones ask whether a user may push to them.
//!
//! `authenticate.jsp` takes `UserID`, `Password` and `devicename` and answers exactly `AUTHORIZED` or
//! `UN-AUTHORIZED`, without a line end. The password must be right **and** the device must be among the
//! user's associated devices; end users and application users are alike.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::serve::Listener;
use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};

use super::events::SimEvent;
use super::exchange::target;
use super::request_body;
use super::scheduled_change::PageTrouble;
use super::shared::Shared;

pub(crate) const PATH: &str = "/ccmcip/authenticate.jsp";

pub(crate) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if request.uri().path() != PATH {
        let operation = format!("{} {}", request.method(), target(request.uri()));
        let event = SimEvent::Request { service: "unknown", operation, user: None, status: 404 };
        shared.events.add(event);
        return text(StatusCode::NOT_FOUND, "not found");
    }
    let query = if *request.method() == Method::POST {
        let time = shared.config.request_time;
        match request_body::read(request.into_body(), BODY_LIMIT, time).await {
            Ok(body) => body,
            Err(status) => return text(status, "the request could not be read"),
        }
    } else {
        Bytes::copy_from_slice(request.uri().query().unwrap_or_default().as_bytes())
    };
    match ask(&shared, &query).await {
        Ok(true) => text(StatusCode::OK, "AUTHORIZED"),
        Ok(false) => text(StatusCode::OK, "UN-AUTHORIZED"),
        Err(PageTrouble::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            text(status, "<html><body>Error</body></html>")
        }
        Err(PageTrouble::Hangs) => text(StatusCode::SERVICE_UNAVAILABLE, "stopped"),
        Err(PageTrouble::Closed) => broken(),
    }
}

/// Returns whether the page authorizes these form fields; a phone whose URL is this page asks here without a connection.
///
/// # Errors
/// How the page fails; a page that hangs does so until the simulator stops.
pub(crate) async fn ask(shared: &Shared, query: &[u8]) -> Result<bool, PageTrouble> {
    let trouble = shared.cluster().page_trouble(true);
    if let Some(trouble) = trouble {
        if trouble == PageTrouble::Hangs {
            shared.stop.cancelled().await;
        }
        return Err(trouble);
    }
    // Of a field that is there twice the first counts.
    let field = |name: &str| {
        let value = form_urlencoded::parse(query).find(|(found, _)| found == name);
        value.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let mut cluster = shared.cluster();
    cluster.count("authenticate.jsp");
    let logs_in = !field("UserID").is_empty();
    if logs_in {
        cluster.change_first("authenticate.jsp");
    }
    let device = cluster.device(&field("devicename"));
    let user = cluster.check_password(&field("UserID"), &field("Password"));
    let allowed = match (user, device) {
        (Some(user), Some(device)) => {
            cluster.users[user].controls(device, shared.config.association_delay)
        }
        _ => false,
    };
    if logs_in {
        cluster.answered("authenticate.jsp");
    }
    drop(cluster);
    let (user, phone) = (field("UserID"), field("devicename"));
    shared.events.add(SimEvent::Authentication { user, phone, authorized: allowed });
    Ok(allowed)
}

/// An answer that breaks off: what is left of a connection that was there before the port was closed.
fn broken() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(io::Error::other("closed")) });
    Response::new(Body::from_stream(broken))
}

pub(crate) struct PagePort {
    pub(crate) listener: TcpListener,
    pub(crate) shared: Arc<Shared>,
}

impl Listener for PagePort {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, peer) = Listener::accept(&mut self.listener).await;
            {
                let mut cluster = self.shared.cluster();
                if cluster.page_trouble(false) != Some(PageTrouble::Closed) {
                    return (stream, peer);
                }
                // No request comes over it, so the connection counts as one.
                cluster.page_trouble(true);
            }
            // The client gets a reset.
            let _unset = stream.set_zero_linger();
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Listener::local_addr(&self.listener)
    }
}

fn text(status: StatusCode, body: &'static str) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/html;charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

const BODY_LIMIT: usize = 64 * 1024;
