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

use super::bandwidth::SharedLink;
use super::connection::{Extent, PageConnections, ServerConnection};
use crate::sim::history::Fetch;

pub(super) struct Client<'a> {
    pub(super) page: &'a PageConnections,
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
            if self.page.leads_there(&url) {
                self.ask_page(&url, form, fetch).await
            } else {
                let request = self.compose(&url, form, true)?;
                let mut line = ServerConnection::begin(self.connect(&url, extent).await?).await?;
                line.exchange(request, extent, self.line.as_deref(), fetch).await
            }
        };
        tokio::time::timeout(LIMIT, work).await.ok().flatten()
    }

    /// Asks the cluster's authentication page over a connection that is kept.
    async fn ask_page(&self, url: &Uri, form: Option<String>, fetch: &mut Fetch) -> Option<Bytes> {
        let request = self.compose(url, form, false)?;
        let mut line = match self.page.take().await {
            Some(line) => line,
            None => ServerConnection::begin(self.connect(url, Extent::All).await?).await?,
        };
        let body = line.exchange(request, Extent::All, self.line.as_deref(), fetch).await;
        if fetch.complete {
            self.page.leave(line);
        }
        body
    }

    fn compose(
        &self,
        url: &Uri,
        form: Option<String>,
        closes: bool,
    ) -> Option<Request<Full<Bytes>>> {
        let host = url.authority()?.as_str();
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder()
            .uri(path)
            .header("Host", host)
            .header("User-Agent", USER_AGENT)
            .header("Accept", "x-CiscoIPPhone/*, text/*,image/png,*/*")
            .header("Accept-Language", "en")
            .header("x-CiscoIPPhoneModelName", self.model);
        if let Some(range) = self.range {
            request = request.header("Range", range).header("Connection", "keep-alive");
        } else if closes {
            request = request.header("Connection", "close");
        }
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
const LIMIT: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;

    async fn page(listener: TcpListener, closes: bool) {
        let mut connections = JoinSet::new();
        for number in 1_u8.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            connections.spawn(async move {
                let mut head = Vec::new();
                while let Ok(byte) = stream.read_u8().await {
                    head.push(byte);
                    if !head.ends_with(b"\r\n\r\n") {
                        continue;
                    }
                    head.clear();
                    let close = if closes { "Connection: close\r\n" } else { "" };
                    let answer =
                        format!("HTTP/1.1 200 OK\r\n{close}Content-Length: 1\r\n\r\n{number}");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    if closes {
                        return;
                    }
                }
            });
        }
    }

    async fn asked(closes: bool, is_the_page: bool) -> Vec<Bytes> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut served = JoinSet::new();
        served.spawn(page(listener, closes));
        let known = if is_the_page { address } else { SocketAddr::from(([127, 9, 9, 9], 9)) };
        let page = PageConnections::new(known);
        let mut numbers = Vec::new();
        for phone in 1..=3 {
            let address_of_phone = Ipv4Addr::new(127, 3, 0, phone);
            let client = Client {
                page: &page,
                address: address_of_phone,
                model: "CP-8841",
                line: None,
                range: None,
            };
            let answer = client.ask(&format!("http://{address}/a.jsp"), "UserID=u", false).await;
            numbers.push(answer.unwrap());
        }
        served.abort_all();
        numbers
    }

    #[tokio::test]
    async fn the_page_is_asked_over_a_connection_that_is_kept() {
        assert_eq!(asked(false, true).await, ["1", "1", "1"]);
        assert_eq!(asked(true, true).await, ["1", "2", "3"], "a closed one is not used again");
        assert_eq!(asked(false, false).await, ["1", "2", "3"], "others are not kept");
    }
}
