//! Downloads and connections of addresses that are not the phone's.

use crate::image_server::server::tests::*;

const PHONE: Ipv4Addr = Ipv4Addr::new(127, 5, 0, 1);
const TWIN: Ipv4Addr = Ipv4Addr::new(127, 5, 0, 2);
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 66, 6, 6);
const OTHER_STRANGER: Ipv4Addr = Ipv4Addr::new(127, 77, 7, 7);

fn nobody() -> NatRules {
    NatRules::default()
}

/// An address, the phone that has it, and the files that it asked for, each with whether it got all of it.
type Seen<'a> = (String, Option<String>, Vec<(&'a str, bool)>);

fn files(state: &FetchState) -> Vec<Seen<'_>> {
    let told = state.downloads.fetched_by.iter().map(|other| {
        let files = other.files.iter().map(|file| (file.file.as_str(), file.complete)).collect();
        (other.address.to_string(), other.phone.as_ref().map(ToString::to_string), files)
    });
    told.collect()
}

#[tokio::test]
async fn a_stranger_who_downloads_everything_proves_nothing() {
    let fixture = Fixture::start();
    let urls = fixture.publish_to("SEP1", PHONE, &nobody(), PushSchema::Classic);
    fixture.ask_from(STRANGER, &request(&urls.image_url)).await;
    fixture.ask_from(STRANGER, &request(&urls.thumbnail_url)).await;
    let state = fixture.logged(&urls.token, 2).await;
    assert!(!state.image && !state.thumbnail);
    let both = vec![("background", true), ("thumbnail", true)];
    assert_eq!(files(&state), [("127.66.6.6".to_owned(), None, both)]);
    // The phone itself still can.
    fixture.ask_from(PHONE, &request(&urls.image_url)).await;
    fixture.ask_from(PHONE, &request(&urls.thumbnail_url)).await;
    let state = fixture.logged(&urls.token, 4).await;
    assert!(state.complete());
    assert_eq!(state.downloads.fetched_by.len(), 1);
}

#[tokio::test]
async fn another_phone_of_the_run_is_named() {
    let fixture = Fixture::start();
    let urls = fixture.publish_to("SEP1", PHONE, &nobody(), PushSchema::Classic);
    let twin = fixture.publish_to("SEP2", TWIN, &nobody(), PushSchema::Classic);
    fixture.host.retire(&twin.token);
    fixture.ask_from(TWIN, &request(&urls.thumbnail_url)).await;
    let state = fixture.logged(&urls.token, 1).await;
    let thumbnail = vec![("thumbnail", true)];
    assert_eq!(files(&state), [("127.5.0.2".to_owned(), Some("SEP2".to_owned()), thumbnail)]);
}

#[tokio::test]
async fn pieces_and_halves_of_several_clients_are_no_download() {
    let fixture = Fixture::start();
    let urls = fixture.publish_to("SEP1", PHONE, &nobody(), PushSchema::Classic);
    // Two strangers ask for a half each, and the phone for one file only.
    for (who, range) in [(STRANGER, "0-99"), (OTHER_STRANGER, "100-")] {
        let header = format!("\r\nRange: bytes={range}\r\n\r\n");
        for url in [&urls.image_url, &urls.thumbnail_url] {
            fixture.ask_from(who, &request(url).replace("\r\n\r\n", &header)).await;
        }
    }
    fixture.ask_from(PHONE, &request(&urls.thumbnail_url)).await;
    let state = fixture.logged(&urls.token, 5).await;
    assert!(!state.image && state.thumbnail);
    assert_eq!(state.downloads.fetched_by.len(), 2);
    // A download that breaks off is reported as such, and a HEAD request is none.
    let mut stream = fixture.connect_from(TWIN).await;
    stream.write_all(request(&urls.image_url).as_bytes()).await.unwrap();
    stream.read_exact(&mut [0; 20_000]).await.unwrap();
    drop(stream);
    let head = request(&urls.image_url).replace("GET", "HEAD");
    fixture.ask_from(Ipv4Addr::new(127, 88, 8, 8), &head).await;
    let state = fixture.logged(&urls.token, 7).await;
    assert_eq!(files(&state)[2].2, [("background", false)]);
    assert_eq!(state.downloads.fetched_by.len(), 3);
}

#[tokio::test]
async fn translated_addresses_count_where_a_rule_names_them() {
    let fixture = Fixture::start();
    let from = vec!["127.66.0.0/16".parse().unwrap()];
    let rule = NatRule { device_pool: Vec::new(), subnet: Vec::new(), from };
    let rules = NatRules::new(vec![rule]);
    let urls = fixture.publish_to("SEP1", PHONE, &rules, PushSchema::Classic);
    fixture.ask_from(STRANGER, &request(&urls.image_url)).await;
    fixture.ask_from(OTHER_STRANGER, &request(&urls.thumbnail_url)).await;
    let state = fixture.logged(&urls.token, 2).await;
    assert!(state.image && !state.thumbnail);
    fixture.ask_from(PHONE, &request(&urls.thumbnail_url)).await;
    let state = fixture.logged(&urls.token, 3).await;
    assert!(state.complete());
    let nat = state.downloads.nat.unwrap();
    assert_eq!((nat.rule, nat.from), (1, vec![IpAddr::V4(STRANGER)]));
}

#[tokio::test]
async fn a_phone_that_got_another_address_downloads_from_that() {
    let fixture = Fixture::start();
    let urls = fixture.publish_to("SEP1", PHONE, &nobody(), PushSchema::Classic);
    let (device, sources) = ("SEP1".parse().unwrap(), DownloadSources::of([IpAddr::V4(TWIN)]));
    fixture.host.readdress(&urls.token, Recipient { device: &device, sources: &sources });
    fixture.ask_from(PHONE, &request(&urls.image_url)).await;
    fixture.ask_from(TWIN, &request(&urls.thumbnail_url)).await;
    let state = fixture.logged(&urls.token, 2).await;
    assert!(!state.image && state.thumbnail);
}

/// Reads until the server closes; a reset ends it too.
async fn is_cut(stream: &mut TcpStream) -> bool {
    let mut nothing = Vec::new();
    let _reset = stream.read_to_end(&mut nothing).await.is_ok();
    nothing.is_empty()
}

#[tokio::test]
async fn strangers_beyond_their_quota_hold_up_no_phone() {
    let limits = HostLimits { strangers: 3, connections: 5, ..HostLimits::default() };
    let fixture = Fixture::with(limits, None);
    let urls = fixture.publish_to("SEP1", PHONE, &nobody(), PushSchema::Classic);
    let mut held = Vec::new();
    for n in 0..60 {
        let mut stream = fixture.connect_from(Ipv4Addr::new(127, 66, n, 9)).await;
        if n % 2 == 0 {
            // It begins a request and never ends it.
            stream.write_all(b"GET /").await.unwrap();
        }
        held.push(stream);
    }
    // Connections are accepted in order: all of these are there before the phone.
    let (_, body) = fixture.ask_from(PHONE, &request(&urls.image_url)).await;
    assert_eq!(body, fixture.prepared.background.png);
    for stream in &mut held[..57] {
        assert!(timeout(PATIENCE, is_cut(stream)).await.expect("it is cut"));
    }
    // The last ones are within the quota.
    held[59].write_all(request(&urls.thumbnail_url).as_bytes()).await.unwrap();
    assert_eq!(read_answer(&mut held[59]).await.1, fixture.prepared.thumbnail.png);
}

#[tokio::test]
async fn a_proxy_that_no_rule_names_is_served_all_the_same() {
    // It counts for nothing, but phones behind it get their pictures, more of them at once than may be idle.
    let limits = HostLimits { strangers: 1, ..HostLimits::default() };
    let fixture = Fixture::with(limits, None);
    let urls = fixture.publish_to("SEP1", PHONE, &nobody(), PushSchema::Classic);
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = fixture.connect_from(STRANGER).await;
        stream.write_all(request(&urls.image_url).as_bytes()).await.unwrap();
        stream.read_exact(&mut [0; 1]).await.unwrap();
        streams.push(stream);
    }
    for mut stream in streams {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert!(rest.ends_with(&fixture.prepared.background.png));
    }
}

#[tokio::test]
async fn one_address_is_served_however_many_idle_connections_it_has() {
    let limits = HostLimits { per_peer: 2, ..HostLimits::default() };
    let fixture = Fixture::with(limits, None);
    let urls = fixture.classic();
    let mut held = [fixture.connect().await, fixture.connect().await];
    let (_, body) = fixture.get(&path(&urls.thumbnail_url)).await;
    assert_eq!(body, fixture.prepared.thumbnail.png);
    assert!(timeout(PATIENCE, is_cut(&mut held[0])).await.expect("the oldest is cut"));
    held[1].write_all(request(&urls.image_url).as_bytes()).await.unwrap();
    assert_eq!(read_answer(&mut held[1]).await.1, fixture.prepared.background.png);
}
