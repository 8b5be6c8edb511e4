//! Every test speaks to a real server on loopback through a bare socket.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use image::DynamicImage;
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::domain::model::by_number;
use crate::domain::nat::{DownloadSources, NatRule, NatRules};
use crate::event::{Download, Event};
use crate::image_server::HostLimits;
use crate::image_server::server::*;
use crate::media::{self, Picture};

/// Long enough for a busy machine; nothing waits for it unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

const PHONE: &str = "SEP0011223344AA";

/// Noise does not compress, so the larger file outgrows a socket's buffers at their start.
static NOISE: LazyLock<Arc<PreparedImage>> = LazyLock::new(|| {
    let mut state = 1_u32;
    let noise = image::RgbImage::from_fn(800, 480, |_, _| {
        state = state.wrapping_mul(0x0019_660D).wrapping_add(0x3C6E_F35F);
        image::Rgb([(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8])
    });
    let picture = Picture::from(DynamicImage::ImageRgb8(noise));
    let spec = by_number(683).and_then(|model| model.image).unwrap();
    Arc::new(media::prepare(&picture, &spec).unwrap())
});

#[derive(Default)]
struct Log(watch::Sender<Vec<Download>>);

impl Log {
    async fn wait_for(&self, done: impl Fn(&Vec<Download>) -> bool) -> Vec<Download> {
        let mut reported = self.0.subscribe();
        timeout(PATIENCE, reported.wait_for(done)).await.unwrap().unwrap().clone()
    }
}

impl Observer for Log {
    fn observe(&self, event: &Event) {
        if let Event::Downloaded(download) = event {
            self.0.send_modify(|all| all.push((**download).clone()));
        }
    }
}

struct Fixture {
    host: ImageHost,
    prepared: Arc<PreparedImage>,
    log: Arc<Log>,
}

impl Fixture {
    fn start() -> Self {
        Self::with(HostLimits::default(), None)
    }

    fn with(limits: HostLimits, advertise: Option<&str>) -> Self {
        Self::of(HostConfig {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            advertise: advertise.map(|text| text.parse().unwrap()),
            phone_side_ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            limits,
            tls: None,
        })
    }

    fn of(config: HostConfig) -> Self {
        let log = Arc::new(Log::default());
        let host = ImageHost::start_watched(config, log.clone()).unwrap();
        Self { host, prepared: NOISE.clone(), log }
    }

    fn publish(&self, name: &str, schema: PushSchema) -> PublishedUrls {
        self.publish_to(name, Ipv4Addr::LOCALHOST, &NatRules::default(), schema)
    }

    /// Publishes for a phone at this address, which rules may translate.
    fn publish_to(
        &self,
        name: &str,
        address: Ipv4Addr,
        rules: &NatRules,
        schema: PushSchema,
    ) -> PublishedUrls {
        let device = name.parse().unwrap();
        let mut sources = DownloadSources::of([IpAddr::V4(address)]);
        sources.translate(rules, "HQ");
        let recipient = Recipient { device: &device, sources: &sources };
        self.host.publish(recipient, self.prepared.clone(), schema, "Sun set").unwrap()
    }

    fn classic(&self) -> PublishedUrls {
        self.publish(PHONE, PushSchema::Classic)
    }

    async fn connect_from(&self, address: Ipv4Addr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        socket.connect(self.host.address()).await.unwrap()
    }

    async fn ask_from(&self, address: Ipv4Addr, request: &str) -> (String, Vec<u8>) {
        let mut stream = self.connect_from(address).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_answer(&mut stream).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.host.address()).await.unwrap()
    }

    async fn ask(&self, request: &str) -> (String, Vec<u8>) {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_answer(&mut stream).await
    }

    async fn get(&self, path: &str) -> (String, Vec<u8>) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await
    }

    /// Waits until as many requests have been recorded; they are when their connections have ended.
    async fn logged(&self, token: &Token, requests: u32) -> FetchState {
        let mut state = self.host.table().watch(token).unwrap();
        let enough = state.wait_for(|state| state.requests >= requests);
        timeout(PATIENCE, enough).await.unwrap().unwrap().clone()
    }

    /// Waits for the first request for a phone's files.
    async fn download(&self, phone: &str) -> Download {
        let is_its = |one: &Download| one.phone.as_ref().is_some_and(|name| name.as_str() == phone);
        let all = self.log.wait_for(|all| all.iter().any(is_its)).await;
        all.into_iter().find(is_its).unwrap()
    }
}

async fn read_answer(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8(bytes[..end].to_vec()).unwrap(), bytes[end + 4..].to_vec())
}

fn path(url: &str) -> String {
    reqwest::Url::parse(url).unwrap().path().to_owned()
}

fn request(url: &str) -> String {
    format!("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", path(url))
}

#[tokio::test]
async fn a_phone_that_takes_both_files_is_proven() {
    let fixture = Fixture::start();
    let urls = fixture.classic();
    assert!(urls.image_url.starts_with(&format!("http://{}/", fixture.host.address())));
    assert!(urls.image_url.ends_with("/w.png") && urls.thumbnail_url.ends_with("/t.png"));

    let (head, body) = fixture.get(&path(&urls.image_url)).await;
    assert_eq!(body, fixture.prepared.background.png);
    let lines: Vec<_> = head.lines().collect();
    assert_eq!(lines[0], "HTTP/1.1 200 OK");
    for header in [
        "Content-Type: image/png".to_owned(),
        format!("Content-Length: {}", body.len()),
        "Connection: close".to_owned(),
    ] {
        assert_eq!(lines.iter().filter(|line| **line == header).count(), 1, "{head}");
    }
    assert!(!head.contains("Encoding"), "{head}");

    let half = fixture.logged(&urls.token, 1).await;
    assert!(half.image && !half.thumbnail && !half.complete());
    let thumbnail = path(&urls.thumbnail_url);
    let waited = fixture.host.wait_complete(&urls.token, PATIENCE);
    let (state, (_, thumbnail)) = tokio::join!(waited, fixture.get(&thumbnail));
    assert_eq!(thumbnail, fixture.prepared.thumbnail.png);
    assert!(state.complete());
    let reported = fixture.log.wait_for(|all| all.len() == 2).await;
    assert!(reported.iter().all(|one| one.complete && one.bytes == one.length));
    assert!(reported.iter().all(|one| one.peer.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST)));
}

#[tokio::test]
async fn a_client_that_reads_half_and_closes_has_not_got_it() {
    let fixture = Fixture::start();
    let urls = fixture.classic();
    let mut stream = fixture.connect().await;
    stream.write_all(request(&urls.image_url).as_bytes()).await.unwrap();
    let mut half = vec![0; fixture.prepared.background.png.len() / 2];
    stream.read_exact(&mut half).await.unwrap();
    drop(stream);
    let download = fixture.download(PHONE).await;
    assert!(!download.complete && !fixture.host.fetched(&urls.token).image, "{download:?}");
}

#[tokio::test]
async fn a_client_that_asks_and_goes_has_not_got_it() {
    let fixture = Fixture::start();
    // The small file fits into the socket's buffers as a whole: every write succeeds.
    for round in 0..20 {
        let phone = format!("SEP{round}");
        let urls = fixture.publish(&phone, PushSchema::Classic);
        let mut stream = fixture.connect().await;
        stream.write_all(request(&urls.thumbnail_url).as_bytes()).await.unwrap();
        if round % 2 == 0 {
            // Goes in good order, as far as its system can tell.
            stream.shutdown().await.unwrap();
        }
        drop(stream);
        assert!(!fixture.download(&phone).await.complete);
    }
}

#[tokio::test]
async fn a_client_that_resets_after_the_last_byte_is_not_believed() {
    let fixture = Fixture::start();
    let urls = fixture.classic();
    let mut stream = fixture.connect().await;
    stream.write_all(request(&urls.thumbnail_url).as_bytes()).await.unwrap();
    let (_, body) = read_answer(&mut stream).await;
    assert_eq!(body, fixture.prepared.thumbnail.png);
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    assert!(!fixture.download(PHONE).await.complete);
}

#[tokio::test]
async fn a_client_that_never_closes_is_not_believed() {
    let confirmation = Duration::from_millis(50);
    let fixture = Fixture::with(HostLimits { confirmation, ..HostLimits::default() }, None);
    let urls = fixture.classic();
    let mut stream = fixture.connect().await;
    stream.write_all(request(&urls.thumbnail_url).as_bytes()).await.unwrap();
    let (_, body) = read_answer(&mut stream).await;
    assert_eq!(body, fixture.prepared.thumbnail.png);
    let download = fixture.download(PHONE).await;
    assert!(download.bytes == download.length && !download.complete, "{download:?}");
    drop(stream);
}

#[tokio::test]
async fn a_client_that_does_not_read_has_not_got_it() {
    let (response, confirmation) = (Duration::from_millis(100), Duration::from_millis(100));
    let limits = HostLimits { response, confirmation, ..HostLimits::default() };
    let fixture = Fixture::with(limits, None);
    // With and without its end of the stream, which may be here long before the file is there.
    for closes in [false, true] {
        for large in [false, true] {
            let phone = format!("SEP{closes}{large}");
            let urls = fixture.publish(&phone, PushSchema::Classic);
            let url = if large { &urls.image_url } else { &urls.thumbnail_url };
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4_096).unwrap();
            let mut stream = socket.connect(fixture.host.address()).await.unwrap();
            stream.write_all(request(url).as_bytes()).await.unwrap();
            if closes {
                stream.shutdown().await.unwrap();
            }
            assert!(!fixture.download(&phone).await.complete);
            drop(stream);
        }
    }
}

#[tokio::test]
async fn a_client_may_close_its_sending_side_and_still_get_it() {
    let fixture = Fixture::start();
    let urls = fixture.classic();
    let mut stream = fixture.connect().await;
    stream.write_all(request(&urls.image_url).as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let (_, body) = read_answer(&mut stream).await;
    assert_eq!(body, fixture.prepared.background.png);
    assert!(fixture.download(PHONE).await.complete);
}

#[tokio::test]
async fn an_http_1_0_client_with_odd_headers_is_served() {
    let fixture = Fixture::start();
    let urls = fixture.classic();
    let request = format!(
        "GET {} HTTP/1.0\r\nHost:10.89.31.78:8000\r\nx-CiscoIPPhoneDisplay: 176, 140, 16, C\r\n\
         Connection: Close\r\nRange: bytes=0-9\r\n\r\n",
        path(&urls.image_url)
    );
    let (head, body) = fixture.ask(&request).await;
    // A range may be ignored; the whole file is the honest answer.
    assert!(head.starts_with("HTTP/1.0 200 OK"), "{head}");
    assert_eq!(body, fixture.prepared.background.png);
    assert!(fixture.download(PHONE).await.complete);
}

#[tokio::test]
async fn asking_for_the_header_is_no_download() {
    let fixture = Fixture::start();
    let urls = fixture.classic();
    let request = format!("HEAD {} HTTP/1.1\r\nHost: h\r\n\r\n", path(&urls.image_url));
    let (head, body) = fixture.ask(&request).await;
    let length = format!("Content-Length: {}", fixture.prepared.background.png.len());
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains(&length), "{head}");
    assert!(body.is_empty());
    let download = fixture.download(PHONE).await;
    assert!(download.head_only && !download.complete);
    assert!(!fixture.host.fetched(&urls.token).image);
}

#[tokio::test]
async fn only_what_is_published_exists() {
    let fixture = Fixture::start();
    let urls = fixture.classic();
    let folder = path(&urls.image_url).replace("w.png", "");
    let paths = [
        "/".to_owned(),
        "/w.png".to_owned(),
        folder.clone(),
        folder.trim_end_matches('/').to_owned(),
        format!("{folder}W.png"),
        format!("{folder}w.png/"),
        format!("/{folder}w.png"),
        format!("{folder}../{}w.png", &folder[1..]),
        format!("{folder}%77.png"),
        "/../../etc/passwd".to_owned(),
        "/AAAAAAAAAAAAAAAA/w.png".to_owned(),
    ];
    for path in &paths {
        let (head, body) = fixture.get(path).await;
        assert!(head.starts_with("HTTP/1.1 404 "), "{path}: {head}");
        assert!(head.contains("Content-Length: 0") && body.is_empty());
    }
    let post = format!("POST {folder}w.png HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    let (head, _) = fixture.ask(&post).await;
    assert!(head.starts_with("HTTP/1.1 405 ") && head.contains("Allow: GET, HEAD"), "{head}");
    let (head, _) = fixture.ask("SSH-2.0-scan\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(20_000));
    let mut stream = fixture.connect().await;
    // The server may hang up before it has all of this.
    let _sent = stream.write_all(long.as_bytes()).await.is_ok();
    let mut answer = Vec::new();
    let _read = stream.read_to_end(&mut answer).await.is_ok();
    assert!(!String::from_utf8_lossy(&answer).contains(" 200 "));

    // Nothing of this counts as a request for the published files.
    assert_eq!(fixture.host.fetched(&urls.token), FetchState::default());
    fixture.get(&path(&urls.image_url)).await;
    assert!(fixture.download(PHONE).await.complete);
    let all = fixture.log.wait_for(|all| all.len() >= paths.len() + 2).await;
    assert!(all.iter().any(|one| one.file == "/../../etc/passwd" && one.phone.is_none()));
}

#[tokio::test]
async fn phones_do_not_prove_for_each_other() {
    let fixture = Fixture::start();
    let one = fixture.publish("SEP000000000001", PushSchema::Classic);
    let two = fixture.publish("SEP000000000002", PushSchema::PhoneOs);
    assert!(two.image_url.ends_with("/wallpaper-Sunset.png"), "{}", two.image_url);
    assert!(two.thumbnail_url.ends_with("/thumbnail-Sunset.png"));
    assert_ne!(one.token, two.token);
    fixture.get(&path(&one.image_url)).await;
    fixture.get(&path(&two.thumbnail_url)).await;
    let (first, second) =
        tokio::join!(fixture.logged(&one.token, 1), fixture.logged(&two.token, 1));
    assert!(first.image && !first.thumbnail);
    assert!(!second.image && second.thumbnail);
    // The name of one phone's file under the other's token is nothing.
    let mixed = path(&one.image_url).replace("w.png", "wallpaper-Sunset.png");
    assert!(fixture.get(&mixed).await.0.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn what_is_retired_is_gone_and_wakes_who_waits() {
    let fixture = Fixture::start();
    let urls = fixture.classic();
    fixture.get(&path(&urls.image_url)).await;
    fixture.logged(&urls.token, 1).await;
    let waiting = fixture.host.wait_complete(&urls.token, PATIENCE);
    let retiring = async { fixture.host.retire(&urls.token) };
    let (waited, retired) = timeout(PATIENCE / 2, async { tokio::join!(waiting, retiring) })
        .await
        .expect("retiring wakes who waits");
    assert!(retired.image && !retired.thumbnail);
    assert_eq!(waited, retired);
    assert!(fixture.get(&path(&urls.image_url)).await.0.starts_with("HTTP/1.1 404 "));
    assert_eq!(fixture.host.fetched(&urls.token), FetchState::default());
    assert_eq!(fixture.host.retire(&urls.token), FetchState::default());
    let never = fixture.host.wait_complete(&urls.token, PATIENCE).await;
    assert_eq!(never, FetchState::default());
}

#[tokio::test]
async fn waiting_ends_with_the_time() {
    let fixture = Fixture::start();
    let urls = fixture.classic();
    let state = fixture.host.wait_complete(&urls.token, Duration::from_millis(20)).await;
    assert_eq!(state, FetchState::default());
}

#[tokio::test]
async fn a_proxy_may_keep_its_folder_or_strip_it() {
    let fixture = Fixture::with(HostLimits::default(), Some("http://127.0.0.1:1/phones/"));
    let urls = fixture.classic();
    assert!(urls.image_url.starts_with("http://127.0.0.1:1/phones/"), "{}", urls.image_url);
    let kept = path(&urls.thumbnail_url);
    let stripped = kept.strip_prefix("/phones").unwrap();
    for path in [kept.as_str(), stripped] {
        assert_eq!(fixture.get(path).await.1, fixture.prepared.thumbnail.png);
    }
}

#[tokio::test]
async fn a_silent_connection_is_dropped_and_makes_room() {
    let limits =
        HostLimits { header: Duration::from_millis(50), connections: 1, ..HostLimits::default() };
    let fixture = Fixture::with(limits, None);
    let urls = fixture.classic();
    let mut silent = fixture.connect().await;
    let mut nothing = Vec::new();
    // Waits in the backlog until the silent one has had its time.
    let (_, body) = fixture.get(&path(&urls.thumbnail_url)).await;
    assert_eq!(body, fixture.prepared.thumbnail.png);
    silent.read_to_end(&mut nothing).await.unwrap();
    assert!(nothing.is_empty() || nothing.starts_with(b"HTTP/1.1 408"));
}

#[tokio::test]
async fn shutting_down_lets_a_download_end_and_takes_no_more() {
    let fixture = Fixture::start();
    let urls = fixture.classic();
    let Fixture { host, prepared, .. } = fixture;
    let address = host.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request(&urls.image_url).as_bytes()).await.unwrap();
    let mut first = [0; 1];
    stream.read_exact(&mut first).await.unwrap();
    let reading = async {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        drop(stream);
        rest
    };
    let (rest, ()) = tokio::join!(reading, host.shutdown(PATIENCE));
    assert!(rest.ends_with(&prepared.background.png));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let fixture = Fixture::start();
    let listen = fixture.host.address();
    let config = HostConfig {
        listen,
        advertise: None,
        phone_side_ip: Some(listen.ip()),
        limits: HostLimits::default(),
        tls: None,
    };
    let text = ImageHost::start(config).unwrap_err().to_string();
    assert!(text.contains(&listen.to_string()) && text.contains("--listen"), "{text}");
}

#[tokio::test]
async fn many_phones_at_once_are_all_proven() {
    let fixture = Fixture::start();
    let published: Vec<_> =
        (0..64).map(|n| fixture.publish(&format!("SEP{n}"), PushSchema::Classic)).collect();
    let phones = published.iter().map(|urls| async {
        fixture.get(&path(&urls.image_url)).await;
        fixture.get(&path(&urls.thumbnail_url)).await;
        fixture.host.wait_complete(&urls.token, PATIENCE).await
    });
    let states = futures::future::join_all(phones).await;
    assert!(states.iter().all(FetchState::complete));
}

mod http;
mod strangers;
