//! What a phone downloads: pictures, and the verdict of the authentication page.
//!
//! A phone connects from its own address and never to anything but loopback, whatever a URL says: the
//! simulator must not touch a network.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Bytes;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream};

use super::ThinLine;
use crate::sim::record::Fetch;

/// A phone as a client.
pub(super) struct Client {
    /// Its own address.
    pub(super) address: Ipv4Addr,
    /// Its model, as it names itself: `CP-8841`.
    pub(super) model: String,
    /// The thin line that it shares with its device pool, if there is one.
    pub(super) line: Option<Arc<ThinLine>>,
}

/// How much of a body is read.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Extent {
    /// All of it.
    All,
    /// About a half, and then the connection is reset.
    Half,
}

impl Client {
    /// Downloads a URL. The second value is the body, when the answer was 200 and complete.
    pub(super) async fn download(&self, url: &str, extent: Extent) -> (Fetch, Option<Bytes>) {
        let mut fetch = Fetch { url: url.to_owned(), status: None, bytes: 0, complete: false };
        let body = self.request(url, None, extent, &mut fetch).await;
        let body = body.filter(|_| fetch.complete && fetch.status == Some(200));
        (fetch, body)
    }

    /// Asks the authentication page; some models put the fields into the query, some into a form.
    pub(super) async fn ask(&self, url: &str, fields: &str, post: bool) -> Option<Bytes> {
        let mut fetch = Fetch { url: String::new(), status: None, bytes: 0, complete: false };
        let body = if post {
            self.request(url, Some(fields.to_owned()), Extent::All, &mut fetch).await
        } else {
            let joint = if url.contains('?') { '&' } else { '?' };
            self.request(&format!("{url}{joint}{fields}"), None, Extent::All, &mut fetch).await
        };
        body.filter(|_| fetch.complete && fetch.status == Some(200))
    }

    async fn request(
        &self,
        url: &str,
        form: Option<String>,
        extent: Extent,
        fetch: &mut Fetch,
    ) -> Option<Bytes> {
        let work = self.exchange(url, form, extent, fetch);
        tokio::time::timeout(LIMIT, work).await.ok().flatten()
    }

    async fn exchange(
        &self,
        url: &str,
        form: Option<String>,
        extent: Extent,
        fetch: &mut Fetch,
    ) -> Option<Bytes> {
        let url: Uri = url.parse().ok()?;
        let stream = self.connect(&url, extent).await?;
        let host = url.authority()?.as_str().to_owned();
        let path = url.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let request = Request::builder()
            .uri(path)
            .header("Host", host)
            .header("User-Agent", USER_AGENT)
            .header("Accept", "x-CiscoIPPhone/*, text/*,image/png,*/*")
            .header("Accept-Language", "en")
            .header("x-CiscoIPPhoneModelName", &self.model)
            .header("Connection", "close");
        let request = match form {
            Some(form) => request
                .method("POST")
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(Full::new(Bytes::from(form)).boxed()),
            None => request.body(Empty::new().boxed()),
        };
        let request = request.ok()?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.ok()?;
        let exchange = async {
            let answer = sender.send_request(request).await.ok()?;
            fetch.status = Some(answer.status().as_u16());
            let length = answer.headers().get("content-length");
            let length = length.and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
            let enough = match extent {
                Extent::All => usize::MAX,
                Extent::Half => length.unwrap_or(2) / 2,
            };
            let mut body = answer.into_body();
            let mut read = Vec::new();
            while fetch.bytes < enough {
                let Some(frame) = body.frame().await else {
                    fetch.complete = true;
                    break;
                };
                let Ok(data) = frame.ok()?.into_data() else { continue };
                if let Some(line) = &self.line {
                    line.carry(data.len()).await;
                }
                fetch.bytes += data.len();
                read.extend_from_slice(&data);
                if read.len() > LARGEST {
                    return None;
                }
            }
            Some(Bytes::from(read))
        };
        tokio::pin!(connection);
        tokio::pin!(exchange);
        // The connection does the work; it may end before the body has been taken out of it.
        tokio::select! {
            biased;
            body = &mut exchange => body,
            _ = &mut connection => exchange.await,
        }
    }

    async fn connect(&self, url: &Uri, extent: Extent) -> Option<TcpStream> {
        if url.scheme_str() != Some("http") {
            return None;
        }
        let address = match url.host()? {
            "localhost" => Ipv4Addr::LOCALHOST,
            host => match host.parse().ok()? {
                IpAddr::V4(address) if address.is_loopback() => address,
                IpAddr::V4(_) | IpAddr::V6(_) => return None,
            },
        };
        let target = SocketAddr::V4(SocketAddrV4::new(address, url.port_u16().unwrap_or(80)));
        let socket = TcpSocket::new_v4().ok()?;
        if extent == Extent::Half {
            // A small window keeps the server from sending everything before we break off.
            socket.set_recv_buffer_size(4096).ok()?;
        }
        socket.bind(SocketAddr::from((self.address, 0))).ok()?;
        let stream = socket.connect(target).await.ok()?;
        if extent == Extent::Half {
            stream.set_zero_linger().ok()?;
        }
        stream.set_nodelay(true).ok()?;
        Some(stream)
    }
}

/// Seen in the requests of a real 7965.
const USER_AGENT: &str = "Allegro-Software-WebClient/4.34";
const LIMIT: Duration = Duration::from_secs(20);
const LARGEST: usize = 8 * 1024 * 1024;
