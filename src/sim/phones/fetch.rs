//! What a phone downloads: pictures, and the verdict of the authentication page.
//!
//! A phone connects from its own address and never to anything but loopback, whatever a URL names: the
//! simulator must not touch a network.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, Uri};
use tokio::net::{TcpSocket, TcpStream};

use super::connection::SharedLink;
use super::connection::{Extent, ServerConnection};
use crate::sim::history::Fetch;

pub(super) struct Client<'a> {
    pub(super) address: Ipv4Addr,
    /// Its model, as it names itself: `CP-8841`.
    pub(super) model: &'a str,
    /// The low-bandwidth link that its device pool shares, if there is one.
    pub(super) line: Option<Arc<SharedLink>>,
    /// Which bytes of a file it asks for, where it asks for some only.
    pub(super) range: Option<&'static str>,
}

impl Client<'_> {
    /// Downloads a URL. The second value is the body, when the answer was 200 and complete.
    pub(super) async fn download(&self, url: &str, extent: Extent) -> (Fetch, Option<Bytes>) {
        let mut fetch = self.fetch(url);
        let body = self.request(url, None, extent, &mut fetch).await;
        let body = body.filter(|_| fetch.complete && fetch.status == Some(200));
        (fetch, body)
    }

    fn fetch(&self, url: &str) -> Fetch {
        let url = url.to_owned();
        Fetch { url, from: self.address, status: None, bytes: 0, complete: false }
    }

    /// Asks the authentication page; some models put the fields into the query, some into a form.
    pub(super) async fn ask(&self, url: &str, fields: &str, post: bool) -> Option<Bytes> {
        let mut fetch = self.fetch("");
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
        let work = async {
            let url: Uri = url.parse().ok()?;
            let request = self.compose(&url, form)?;
            let line = ServerConnection::begin(self.connect(&url, extent).await?).await?;
            line.exchange(request, extent, self.line.as_deref(), fetch).await
        };
        tokio::time::timeout(LIMIT, work).await.ok().flatten()
    }

    fn compose(&self, url: &Uri, form: Option<String>) -> Option<Request<Full<Bytes>>> {
        let host = url.authority()?.as_str();
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder()
            .uri(path)
            .header("Host", host)
            .header("User-Agent", USER_AGENT)
            .header("Accept", "x-CiscoIPPhone/*, text/*,image/png,*/*")
            .header("Accept-Language", "en")
            .header("x-CiscoIPPhoneModelName", self.model);
        request = match self.range {
            Some(range) => request.header("Range", range).header("Connection", "keep-alive"),
            None => request.header("Connection", "close"),
        };
        match form {
            Some(form) => request
                .method("POST")
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(Full::new(Bytes::from(form))),
            None => request.body(Full::default()),
        }
        .ok()
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
pub(super) const LIMIT: Duration = Duration::from_secs(20);
