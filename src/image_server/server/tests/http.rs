//! What HTTP allows a client to do, and what it forbids.

use crate::image_server::server::tests::*;
use crate::net::listen::SelfSigned;

fn get(url: &str, version: &str, headers: &str) -> String {
    format!("GET {} HTTP/{version}\r\nHost: h\r\n{headers}\r\n", path(url))
}

#[tokio::test]
async fn a_request_for_a_range_gets_the_whole_file() {
    for range in [
        "Range: bytes=100-199\r\n",
        "Range: bytes=-50\r\n",
        "Range: bytes=99999999-\r\n",
        "Range: bytes=0-9,100-109\r\n",
        "Range: pixels=0-9\r\n",
        "Range: bytes=0-9\r\nIf-Range: \"etag\"\r\n",
    ] {
        let fixture = Fixture::start();
        let urls = fixture.classic();
        let (head, body) = fixture.ask(&get(&urls.image_url, "1.1", range)).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{range}: {head}");
        assert_eq!(body, fixture.prepared.background.png);
        assert!(fixture.download(PHONE).await.complete);
    }
}

#[tokio::test]
async fn every_answer_ends_its_connection() {
    for version in ["1.0", "1.1"] {
        let fixture = Fixture::start();
        let urls = fixture.classic();
        // A client that asks for the connection to be kept, and one that has sent its next request already.
        let keep = get(&urls.image_url, version, "Connection: Keep-Alive\r\n");
        let both = keep.clone() + &get(&urls.thumbnail_url, version, "");
        for request in [keep, both] {
            let (head, body) = fixture.ask(&request).await;
            assert_eq!(body, fixture.prepared.background.png);
            assert!(head.contains("Connection: close"), "{head}");
        }
        fixture.get(&path(&urls.thumbnail_url)).await;
        let state = fixture.logged(&urls.token, 3).await;
        assert!(state.complete(), "{state:?}");
        let all = fixture.log.wait_for(|all| all.len() == 3).await;
        assert_eq!(all.iter().filter(|one| one.file == "thumbnail").count(), 1);
    }
}

#[tokio::test]
async fn a_client_that_keeps_reading_slowly_gets_its_file() {
    // Longer than a whole answer may stand still, shorter than it may take.
    let limits = HostLimits { stall: Duration::from_millis(400), ..HostLimits::default() };
    let fixture = Fixture::with(limits, None);
    let urls = fixture.classic();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(fixture.host.address()).await.unwrap();
    stream.write_all(request(&urls.image_url).as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let mut piece = vec![0; 128 * 1024];
    loop {
        let count = stream.read(&mut piece).await.unwrap();
        if count == 0 {
            break;
        }
        read.extend_from_slice(&piece[..count]);
        if read.len() % 3 == 0 {
            sleep(Duration::from_millis(2)).await;
        }
    }
    assert!(read.ends_with(&fixture.prepared.background.png));
    drop(stream);
    assert!(fixture.download(PHONE).await.complete);
}

#[tokio::test]
async fn a_header_that_trickles_in_has_no_more_time_than_any_other() {
    let limits = HostLimits { header: Duration::from_millis(150), ..HostLimits::default() };
    let fixture = Fixture::with(limits, None);
    let urls = fixture.classic();
    let mut stream = fixture.connect().await;
    let trickle = async {
        for byte in get(&urls.image_url, "1.1", "X-Slow: yes\r\n").bytes().cycle() {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    // A cycle of requests would go on for ever: the first of them takes longer than a header may.
    timeout(PATIENCE, trickle).await.expect("the connection is cut");
    assert_eq!(fixture.host.fetched(&urls.token), FetchState::default());
}

#[tokio::test]
async fn a_header_that_is_too_large_is_refused() {
    let fixture = Fixture::start();
    let urls = fixture.classic();
    let many = "X-Long: ".to_owned() + &"y".repeat(40_000) + "\r\n";
    let mut stream = fixture.connect().await;
    // The server may hang up before it has all of this.
    let _sent = stream.write_all(get(&urls.image_url, "1.1", &many).as_bytes()).await.is_ok();
    let mut answer = Vec::new();
    let _read = stream.read_to_end(&mut answer).await.is_ok();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many = "X-Many: y\r\n".repeat(500);
    let (head, _) = fixture.ask(&get(&urls.image_url, "1.1", &many)).await;
    assert!(head.starts_with("HTTP/1.1 431 "), "{head}");
    assert_eq!(fixture.host.fetched(&urls.token), FetchState::default());
}

#[tokio::test]
async fn a_file_for_everybody_has_an_address_of_its_own() {
    let fixture = Fixture::start();
    let file = Bytes::from_static(b"\x89PNG\r\n\x1a\nx");
    let (token, url) = fixture.host.publish_file("../ä b?.png", file.clone(), "image/png").unwrap();
    assert!(url.ends_with(&format!("/{}/..___b_.png", token.as_str())), "{url}");
    let (head, body) = fixture.get(&path(&url)).await;
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.contains("Content-Type: image/png"),
        "{head}"
    );
    assert_eq!(body, file);
    let all = fixture.log.wait_for(|all| all.len() == 1).await;
    assert!(all[0].complete && all[0].phone.is_none());
    assert!(!fixture.host.fetched(&token).complete(), "it is nobody's background");
}

#[tokio::test]
async fn every_request_is_told_with_its_end() {
    let fixture = Fixture::start();
    let urls = fixture.classic();
    fixture.get(&path(&urls.image_url)).await;
    fixture.logged(&urls.token, 1).await;
    fixture.get("/nothing").await;
    let head = format!("HEAD {} HTTP/1.1\r\nHost: h\r\n\r\n", path(&urls.thumbnail_url));
    fixture.ask(&head).await;
    fixture.logged(&urls.token, 2).await;
    let all = fixture.log.wait_for(|all| all.len() == 3).await;
    let find = |file: &str| all.iter().find(|download| download.file == file).unwrap();
    let image = find("background");
    assert!(image.complete && image.status == 200 && image.bytes == image.length);
    assert_eq!(image.phone.as_ref().unwrap().as_str(), "SEP0011223344AA");
    let stray = find("/nothing");
    assert!(stray.phone.is_none() && stray.status == 404 && !stray.complete);
    let thumbnail = find("thumbnail");
    assert!(thumbnail.head_only && !thumbnail.complete && thumbnail.bytes == 0);
}

#[tokio::test]
async fn users_of_one_server_have_their_own_addresses_and_are_told_of_their_own_phones() {
    let (first, log) = (Fixture::start(), Arc::new(Log::default()));
    let (address, local) = (first.host.address(), Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    let base = format!("http://{address}/below/it").parse().unwrap();
    let host = first.host.shared(Some(&base), local, log.clone()).unwrap();
    let second = Fixture { host, prepared: NOISE.clone(), log };
    // The same name in both: two phones.
    let (urls, others) = (first.classic(), second.classic());
    assert!(others.image_url.starts_with(&format!("http://{address}/below/it/")), "{others:?}");
    first.get(&path(&urls.image_url)).await;
    first.logged(&urls.token, 1).await;
    first.host.shutdown(PATIENCE).await;
    // The server goes on for who is left, and a proxy may strip the path or not.
    let path = path(&others.image_url);
    second.get(&path).await;
    second.get(path.strip_prefix("/below/it").unwrap()).await;
    second.logged(&others.token, 2).await;
    assert!(second.host.fetched(&others.token).image);
    second.log.wait_for(|all| all.len() == 2).await;
    first.log.wait_for(|all| all.len() == 1).await;
    second.host.shutdown(PATIENCE).await;
    TcpStream::connect(address).await.unwrap_err();
}

#[tokio::test]
async fn over_tls_the_proof_is_the_same() {
    let identity = SelfSigned::loopback().unwrap();
    let local = Ipv4Addr::LOCALHOST;
    let fixture = Fixture::of(HostConfig {
        listen: (local, 0).into(),
        advertise: None,
        phone_side_ip: Some(local.into()),
        limits: HostLimits::default(),
        tls: Some(identity.server_config().unwrap()),
    });
    let urls = fixture.classic();
    assert!(urls.image_url.starts_with("https://127.0.0.1:"), "{}", urls.image_url);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(identity.der().to_vec().into()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(crate::net::provider::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let connect = async || {
        let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
        connector.connect(name, fixture.connect().await).await.unwrap()
    };
    // One takes it all and closes as small devices do: without a word of TLS.
    let mut stream = connect().await;
    stream.write_all(request(&urls.image_url).as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    assert!(bytes.ends_with(&fixture.prepared.background.png));
    drop(stream);
    assert!(fixture.logged(&urls.token, 1).await.image);
    // One goes away in the middle.
    let other = fixture.publish("SEP000000000002", PushSchema::Classic);
    let mut stream = connect().await;
    stream.write_all(request(&other.image_url).as_bytes()).await.unwrap();
    let mut some = vec![0; 50_000];
    stream.read_exact(&mut some).await.unwrap();
    drop(stream);
    let download = fixture.download("SEP000000000002").await;
    assert!(!download.complete && !fixture.host.fetched(&other.token).image, "{download:?}");
    // And who speaks no TLS gets nothing.
    let mut plain = fixture.connect().await;
    plain.write_all(request(&other.image_url).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ended = plain.read_to_end(&mut answer).await.is_ok();
    assert!(!answer.windows(4).any(|four| four == b" 200"));
}
